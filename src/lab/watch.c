/* Watchers. Cables are tapped and hosts report only while somebody watches: a tapped cable carries every frame on its own, and an event is a
 * call, which a lab that nobody looks at should not pay for. Everything is told in seconds since the lab began, frames as instants of the machine's
 * monotonic clock would mean nothing to a reader.
 *
 * A tick of TICK_MS, also only while there are watchers, writes what readers were too slow for, ends what has seen enough, and draws
 * what a ladder still holds back when nothing moves any more. A reader is never waited for, but when the lab itself ends. */
#define _GNU_SOURCE
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lab/command.h"
#include "lab/watch.h"
#include "lab/watch_ask.h"

#define TICK_MS 50
#define QUIET (200 * YEON_MS) /* then a ladder draws what it holds back */
#define WAITING_MAX (64u << 20) /* bytes that may wait for a reader before frames are left out */

static bool put_bytes(void *ctx, const void *bytes, size_t len)
{
  struct lab_watch *w = ctx;
  return lab_outlet_put(&w->out, bytes, len);
}

static void put_line(void *ctx, const char *text)
{
  struct lab_watch *w = ctx;
  (void)lab_outlet_put(&w->out, text, strlen(text));
  (void)lab_outlet_put(&w->out, "\n", 1);
}

/* ---- what is seen ---- */

static void capture(struct lab_watch *w, unsigned cable, const struct yeon_cable_tap *tap)
{
  bool sent = tap->moment == YEON_MOMENT_SENT;
  if (sent && (w->over || (w->limit > 0 && w->frames == w->limit))) return;
  if (sent && lab_outlet_waiting(&w->out) > WAITING_MAX) {
    w->left_out++;
    return;
  }
  if (sent) w->frames++;
  struct yeon_cable_tap dated = *tap;
  dated.at += w->epoch;
  dated.sent_at += w->epoch;
  yeon_pcapng_frame(w->pcap, (unsigned)w->interface[cable][tap->direction], &dated);
  if (w->limit > 0 && w->frames == w->limit) w->over = true;
}

static void draw(struct lab_watch *w, const struct lab_cable *c, const struct yeon_cable_tap *tap)
{
  unsigned from = c->end[tap->direction].host, to = c->end[1 - tap->direction].host;
  bool between = (from == w->left && to == w->right) || (from == w->right && to == w->left);
  if (!between || lab_outlet_waiting(&w->out) > WAITING_MAX) return;
  yeon_ladder_frame(w->ladder, from == w->left ? 0 : 1, tap);
  w->drawn_at = tap->at;
}

static void on_tap(void *ctx, const struct yeon_cable_tap *given)
{
  const struct lab_cable *c = ctx;
  struct lab *lab = c->lab;
  struct yeon_cable_tap tap = *given;
  tap.at -= lab->began_at;
  tap.sent_at -= lab->began_at;
  for (struct lab_watch *w = lab->watches; w != NULL; w = w->next) {
    if (w->kind == LAB_WATCH_CAPTURE) capture(w, (unsigned)(c - lab->cables), given);
    if (w->kind == LAB_WATCH_LADDER) draw(w, c, &tap);
  }
}

/* The address of a host that talks to itself. */
static bool is_loopback(const struct yeon_ip *ip)
{
  static const uint8_t one[16] = {[15] = 1};
  return (yeon_ip_is4(ip) && ip->b[12] == 127) || memcmp(ip->b, one, sizeof one) == 0;
}

/* About a connection of one of the ladder's ends with a third host, or with itself. */
static bool is_foreign(const struct lab_watch *w, const struct yeon_event *e)
{
  if (e->host != w->left && e->host != w->right) return true;
  if (e->remote.port != 0 && is_loopback(&e->remote.ip)) return true;
  int other = e->remote.port != 0 ? lab_host_of(w->lab, &e->remote.ip) : -1;
  return other >= 0 && (unsigned)other != (e->host == w->left ? w->right : w->left);
}

static void on_event(void *ctx, const struct yeon_event *given)
{
  struct lab *lab = ctx;
  struct yeon_event event = *given;
  event.at -= lab->began_at;
  if (event.type == YEON_EV_TIMER && event.u.timer.deadline != YEON_NEVER) event.u.timer.deadline -= lab->began_at;
  for (struct lab_watch *w = lab->watches; w != NULL; w = w->next) {
    if (w->kind != LAB_WATCH_LADDER || is_foreign(w, &event) || lab_outlet_waiting(&w->out) > WAITING_MAX) continue;
    yeon_ladder_event(w->ladder, &event);
    w->drawn_at = event.at;
  }
}

static void on_cable_event(void *ctx, const struct yeon_event *given)
{
  const struct lab_cable *c = ctx;
  struct lab *lab = c->lab;
  struct yeon_event event = *given;
  event.at -= lab->began_at;
  for (struct lab_watch *w = lab->watches; w != NULL; w = w->next) {
    if (w->kind == LAB_WATCH_SUMMARY && event.u.cable.op <= YEON_CABLE_JOINED) 
      lab_summary_cable(w, (unsigned)(c - lab->cables), event.u.cable.op == YEON_CABLE_CUT, given->at);
    unsigned a = c->end[0].host, b = c->end[1].host;
    bool turned = b == w->left && a == w->right;
    if (w->kind != LAB_WATCH_LADDER || (!turned && !(a == w->left && b == w->right))) continue;
    struct yeon_event seen = event;
    if (turned && seen.u.cable.direction < 2) seen.u.cable.direction = (uint8_t)(1 - seen.u.cable.direction);
    yeon_ladder_event(w->ladder, &seen);
    w->drawn_at = event.at;
  }
}

/* ---- who looks where ---- */

static void attach(struct lab *lab)
{
  bool frames = false, events = false, any = lab->watches != NULL;
  for (const struct lab_watch *w = lab->watches; w != NULL; w = w->next) {
    frames |= w->kind == LAB_WATCH_LADDER || w->kind == LAB_WATCH_CAPTURE;
    events |= w->kind == LAB_WATCH_LADDER;
  }
  struct yeon_event_sink none = {NULL, NULL, 0};
  struct yeon_event_sink sink = {on_event, lab,
                                 YEON_EV_BIT(YEON_EV_STATE) | YEON_EV_BIT(YEON_EV_SEGMENT_IN) | YEON_EV_BIT(YEON_EV_RETRANSMIT) |
                                     YEON_EV_BIT(YEON_EV_TIMER) | YEON_EV_BIT(YEON_EV_CALL) | YEON_EV_BIT(YEON_EV_ERROR) |
                                     YEON_EV_BIT(YEON_EV_DROP) | YEON_EV_BIT(YEON_EV_ECN)};
  for (unsigned i = 0; i < lab->n_hosts; i++)
    if (lab->hosts[i].host != NULL) yeon_host_set_sink(lab->hosts[i].host, events ? &sink : &none);
  for (unsigned i = 0; i < lab->n_cables; i++) {
    struct lab_cable *c = &lab->cables[i];
    struct yeon_event_sink cable = {on_cable_event, c, YEON_EV_BIT(YEON_EV_CABLE)};
    c->lab = lab;
    yeon_cable_set_sink(c->cable, any ? &cable : &none);
    yeon_cable_set_tap(c->cable, frames ? on_tap : NULL, c);
    c->watched = frames;
    lab_cable_changed(c);
  }
}

/* ---- beginning ---- */

/* What to add to an instant of the monotonic clock to have one since 1970. */
static yeon_time epoch(void)
{
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (yeon_time)t.tv_sec * YEON_SEC + t.tv_nsec - lab_now();
}

static bool begin_capture(struct lab_watch *w)
{
  w->epoch = epoch();
  if (yeon_pcapng_new(&w->pcap, put_bytes, w) != 0) return false;
  for (unsigned i = 0; i < w->lab->n_cables; i++) {
    const struct lab_cable *c = &w->lab->cables[i];
    for (unsigned e = 0; e < 2; e++) {
      char name[80];
      snprintf(name, sizeof name, "%s, %s", w->lab->hosts[c->end[e].host].name, c->name);
      w->interface[i][e] = yeon_pcapng_interface(w->pcap, name, false);
      if (w->interface[i][e] < 0) return false;
    }
  }
  return true;
}

/* The numbers and flags of `ladder`'s words. 0, or 2 and told. */
static int take_ladder(struct command *c, struct lab_watch *w, struct yeon_ladder_config *config)
{
  static const struct {
    const char *name;
    uint32_t flag;
  } flags[] = {{"colour", YEON_LADDER_COLOUR}, {"utf8", YEON_LADDER_UTF8}, {"all", YEON_LADDER_ALL}, {"absolute", YEON_LADDER_ABSOLUTE}};
  const char *word;
  while ((word = command_next(c)) != NULL) {
    uint32_t flag = 0;
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
      if (strcmp(flags[i].name, word) == 0) flag = flags[i].flag;
    config->flags |= flag;
    if (flag != 0) continue;
    const char *value = command_next(c);
    int host = value != NULL ? lab_host_find(c->lab, value) : -1;
    if (strcmp(word, "width") == 0 && value != NULL) config->width = (uint16_t)strtoul(value, NULL, 10);
    else if (strcmp(word, "port") == 0 && value != NULL) config->port = (uint16_t)strtoul(value, NULL, 10);
    else if (strcmp(word, "left") == 0 && host >= 0) w->left = (unsigned)host;
    else if (strcmp(word, "right") == 0 && host >= 0) w->right = (unsigned)host;
    else return command_fail(c, "a ladder has no '%s'", word);
  }
  return 0;
}

static int begin_ladder(struct command *c, struct lab_watch *w)
{
  struct yeon_ladder_config config = {.line = put_line, .ctx = w};
  if (c->lab->n_cables == 0) return command_fail(c, "%s", "this lab has no cable");
  w->left = c->lab->cables[0].end[0].host;
  w->right = c->lab->cables[0].end[1].host;
  if (take_ladder(c, w, &config) != 0) return 2;
  if (config.width != 0 && config.width < 60) config.width = 60;
  if (config.width > 200) config.width = 200;
  for (unsigned i = 0; i < 2; i++) {
    config.host[i] = i == 0 ? w->left : w->right;
    config.name[i] = c->lab->hosts[config.host[i]].name;
  }
  return yeon_ladder_new(&w->ladder, &config) == 0 ? 0 : command_fail(c, "%s", "out of memory");
}

static int take_limits(struct command *c, struct lab_watch *w)
{
  const char *word;
  while ((word = command_next(c)) != NULL) {
    const char *value = command_next(c);
    yeon_time length;
    if (strcmp(word, "count") == 0 && value != NULL && (w->limit = strtoull(value, NULL, 10)) > 0) continue;
    if (strcmp(word, "for") == 0 && (value == NULL || !command_time(value, &length)))
      return command_fail(c, "a capture is for a time with its unit, as 10s or 500ms, not '%s'", value != NULL ? value : "");
    if (strcmp(word, "for") != 0) return command_fail(c, "a capture knows `count FRAMES` and `for TIME`, not '%s'", word);
    w->until = lab_now() + length;
  }
  return 0;
}

static int begin(struct command *c, struct lab_watch *w)
{
  const char *word = command_next(c);
  bool fine = true;
  int status = 0;
  if (strcmp(word, "capture") == 0) {
    w->kind = LAB_WATCH_CAPTURE;
    status = take_limits(c, w);
    if (status == 0) fine = begin_capture(w);
  } else if (strcmp(word, "ladder") == 0) {
    w->kind = LAB_WATCH_LADDER;
    status = begin_ladder(c, w);
  } else if (strcmp(word, "summary") == 0) {
    w->kind = LAB_WATCH_SUMMARY;
    fine = lab_summary_begin(w);
  } else {
    return command_fail(c, "a lab is watched by capture, ladder or summary, not '%s'", word);
  }
  return fine ? status : command_fail(c, "%s", "out of memory");
}

static void discard(struct lab_watch *w)
{
  yeon_ladder_free(w->ladder);
  (void)yeon_pcapng_close(w->pcap);
  if (w->out.fd >= 0) (void)lab_outlet_close(&w->out);
  free(w->before);
  free(w);
}

static void on_tick(uv_timer_t *timer);

static int start(struct command *c, struct lab_client *client, uint64_t id, int fd)
{
  struct lab *lab = c->lab;
  struct lab_watch *w = calloc(1, sizeof *w);
  if (w == NULL || lab_outlet_open(&w->out, fd) != 0) {
    free(w);
    close(fd);
    return command_fail(c, "%s", "the file cannot be written");
  }
  w->lab = lab;
  w->client = client;
  w->id = id;
  w->until = w->drawn_at = YEON_NEVER;
  if (begin(c, w) != 0) {
    discard(w);
    return 2;
  }
  struct lab_watch **end = &lab->watches;
  while (*end != NULL) end = &(*end)->next;
  *end = w;
  attach(lab);
  if (!lab->ticks) {
    lab->ticks = true;
    uv_timer_init(&lab->loop, &lab->tick);
    lab->tick.data = lab;
  }
  uv_timer_start(&lab->tick, on_tick, TICK_MS, TICK_MS);
  return 0;
}

/* ---- end ---- */

static void say_end(const struct lab_watch *w)
{
  char text[160];
  bool whole = w->whole && !w->out.broken;
  struct lab_message reply = {.kind = LAB_WATCH, .id = w->id, .result = whole ? 0 : 2};
  int n = 0;
  if (w->captured) n = snprintf(text, sizeof text, "%llu frames", (unsigned long long)w->frames);
  if (w->left_out > 0) n += snprintf(text + n, sizeof text - (size_t)n, ", %llu left out: the reader was too slow", (unsigned long long)w->left_out);
  if (!whole) n += snprintf(text + n, sizeof text - (size_t)n, "%s", w->captured ? "; not all of it could be written" : "not all of a ladder could be written");
  reply.len = (uint32_t)n;
  lab_answer(w->client, &reply, text, -1);
}

static void unlink_watch(struct lab *lab, struct lab_watch *gone)
{
  for (struct lab_watch **p = &lab->watches; *p != NULL; p = &(*p)->next) {
    if (*p != gone) continue;
    *p = gone->next;
    break;
  }
  discard(gone);
  if (lab->watches == NULL && lab->ticks) uv_timer_stop(&lab->tick);
}

/* It sees nothing more, and makes the rest into bytes for its reader. */
static void finish(struct lab *lab, struct lab_watch *w)
{
  if (w->kind >= LAB_WATCH_DONE) return;
  if (w->kind == LAB_WATCH_SUMMARY) lab_summary_write(w);
  w->captured = w->kind == LAB_WATCH_CAPTURE;
  w->kind = LAB_WATCH_DONE;
  attach(lab);
  yeon_ladder_free(w->ladder);
  w->ladder = NULL;
  w->whole = yeon_pcapng_close(w->pcap) == 0;
  w->pcap = NULL;
  lab_outlet_flush(&w->out);
}

static bool has_others(const struct lab *lab, const struct lab_client *client)
{
  for (const struct lab_watch *w = lab->watches; w != NULL; w = w->next)
    if (w->client == client && w->kind != LAB_WATCH_STOP) return true;
  return false;
}

/* What is done and read, or was waited for, goes. */
static void conclude(struct lab *lab, struct lab_watch *w)
{
  if (w->kind == LAB_WATCH_DONE && lab_outlet_waiting(&w->out) == 0) {
    say_end(w);
    unlink_watch(lab, w);
  } else if (w->kind == LAB_WATCH_STOP && !has_others(lab, w->client)) {
    struct lab_message reply = {.kind = LAB_WATCH, .id = w->id};
    lab_answer(w->client, &reply, NULL, -1);
    unlink_watch(lab, w);
  }
}

static bool still(const struct lab *lab)
{
  for (unsigned i = 0; i < lab->n_cables; i++)
    if (yeon_cable_next(lab->cables[i].cable) != YEON_NEVER) return false;
  return true;
}

static void on_tick(uv_timer_t *timer)
{
  struct lab *lab = timer->data;
  struct lab_watch *next;
  yeon_time now = lab_now();
  for (struct lab_watch *w = lab->watches; w != NULL; w = next) {
    next = w->next;
    if (w->kind == LAB_WATCH_LADDER && w->drawn_at != YEON_NEVER && now - lab->began_at - w->drawn_at > QUIET && still(lab)) {
      yeon_ladder_flush(w->ladder);
      w->drawn_at = YEON_NEVER;
    }
    if (w->kind != LAB_WATCH_STOP) lab_outlet_flush(&w->out);
    if (w->over || w->out.broken || now >= w->until) finish(lab, w);
    conclude(lab, w);
  }
}

void lab_watch_end(struct lab *lab, struct lab_client *client)
{
  struct lab_watch *next;
  for (struct lab_watch *w = lab->watches; w != NULL; w = next) {
    next = w->next;
    if (client != NULL && w->client != client) continue;
    finish(lab, w);
    if (client != NULL) w->client = NULL;
    if (client == NULL && w->kind == LAB_WATCH_DONE) w->whole &= lab_outlet_close(&w->out);
    if (w->kind == LAB_WATCH_STOP) unlink_watch(lab, w);
    else conclude(lab, w);
  }
}

/* All of the client's end. The answer comes when all is written: at once, or by a tick. */
static void stop(struct lab *lab, struct lab_client *client, uint64_t id)
{
  struct lab_watch *next, *s = calloc(1, sizeof *s);
  for (struct lab_watch *w = lab->watches; w != NULL; w = next) {
    next = w->next;
    if (w->client != client) continue;
    finish(lab, w);
    conclude(lab, w);
  }
  if (s == NULL) return;
  *s = (struct lab_watch){.next = lab->watches, .lab = lab, .client = client, .id = id, .kind = LAB_WATCH_STOP, .until = YEON_NEVER};
  s->out.fd = -1;
  lab->watches = s;
  conclude(lab, s);
}

/* ---- requests ---- */

void lab_watch_ask(struct lab *lab, struct lab_client *client, struct lab_letter *letter, int fd)
{
  struct lab_message reply = {.kind = LAB_WATCH, .id = letter->head.id, .arg = {1}};
  struct command c = {.lab = lab};
  char *text = NULL;
  size_t len = 0;
  c.out = open_memstream(&text, &len);
  if (fd < 0 || c.out == NULL || !command_split(&c, (char *)letter->payload, letter->head.len)) {
    if (fd >= 0) close(fd);
    if (c.out != NULL) fclose(c.out);
    free(text);
    stop(lab, client, letter->head.id);
    return;
  }
  reply.result = start(&c, client, letter->head.id, fd);
  fclose(c.out);
  reply.len = (uint32_t)len;
  lab_answer(client, &reply, text, -1);
  free(text);
}

static int watch_to(struct lab *lab, char *words, size_t len, const char *path)
{
  struct command c = {.lab = lab, .out = stderr};
  int fd = lab_watch_file(path);
  if (fd < 0) return command_fail(&c, "yeon: '%s' cannot be written", path);
  if (!command_split(&c, words, len)) return 2;
  return start(&c, NULL, 0, fd);
}

int lab_watch_own(struct lab *lab, const struct yeon_lab_config *config)
{
  char words[LAB_WATCH_WORDS], capture_words[] = "capture";
  int status = 0;
  if (config->pcap_path != NULL) status = watch_to(lab, capture_words, sizeof capture_words, config->pcap_path);
  if (status == 0 && config->ladder_path != NULL)
    status = watch_to(lab, words, lab_watch_ladder(words, config->ladder_flags, config->width), config->ladder_path);
  return status;
}
