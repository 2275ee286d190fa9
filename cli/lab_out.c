/* What a scenario shows: the ladder, notes, captures, header fields. Without a ladder notes are plain lines. */
#include <stdlib.h>
#include <string.h>

#include "lab.h"

static void print_line(void *ctx, const char *line)
{
  (void)ctx;
  puts(line);
}

static bool write_file(void *ctx, const void *bytes, size_t len) { return fwrite(bytes, 1, len, ctx) == len; }

bool lab_out_open(struct lab *lab)
{
  const char *path = lab->options.pcap;
  yeon_tally_init(&lab->tally);
  if (path == NULL) return true;
  lab->pcap_file = fopen(path, "wb");
  if (lab->pcap_file != NULL && yeon_pcapng_new(&lab->pcap, write_file, lab->pcap_file) == 0) return true;
  cli_complain("the capture '%s' cannot be written: is the folder there, and may you write into it?", path);
  return false;
}

int lab_out_close(struct lab *lab)
{
  yeon_ladder_free(lab->ladder);
  lab->ladder = NULL;
  if (lab->pcap_file == NULL) return CLI_OK;
  bool fine = lab->pcap == NULL || yeon_pcapng_close(lab->pcap) == 0;
  fine = fclose(lab->pcap_file) == 0 && fine;
  lab->pcap = NULL;
  lab->pcap_file = NULL;
  return fine ? CLI_OK
              : cli_complain("the capture '%s' could not be written to its end: is the disk full?", lab->options.pcap);
}

static unsigned ladder_flags(const struct lab *lab)
{
  const struct lab_options *o = &lab->options;
  return (o->colour ? YEON_LADDER_COLOUR : 0) | (o->utf8 ? YEON_LADDER_UTF8 : 0) | (o->all ? YEON_LADDER_ALL : 0) |
         (o->absolute ? YEON_LADDER_ABSOLUTE : 0);
}

void lab_out_raw(struct lab *lab, const char *text)
{
  if (lab->ladder != NULL)
    yeon_ladder_note(lab->ladder, yeon_sim_now(lab->sim), YEON_TONE_RAW, text);
  else
    yeon_ladder_line(text, ladder_flags(lab), YEON_TONE_RAW, print_line, NULL);
}

void lab_out_note(struct lab *lab, enum yeon_ladder_tone tone, const char *text)
{
  yeon_time now = yeon_sim_now(lab->sim);
  if (lab->ladder != NULL)
    yeon_ladder_note(lab->ladder, now, tone, text);
  else if (text[0] != '\0') {
    char line[640];
    snprintf(line, sizeof line, "%8.3f  %s", (double)now / 1e9, text);
    yeon_ladder_line(line, ladder_flags(lab), tone, print_line, NULL);
  }
}

void lab_out_side(struct lab *lab, unsigned node, const char *text)
{
  struct yeon_event event = {.at = yeon_sim_now(lab->sim), .host = node + 1, .type = YEON_EV_NOTE, .u.note.text = text};
  bool drawn = lab->ladder != NULL && (lab->ladder_node[0] == node || lab->ladder_node[1] == node);
  if (drawn)
    yeon_ladder_event(lab->ladder, &event);
  else {
    char line[512];
    snprintf(line, sizeof line, "%s: %s", yeon_host_name(yeon_sim_host(lab->sim, node)), text);
    lab_out_note(lab, YEON_TONE_PLAIN, line);
  }
}

static bool between(const struct lab *lab, const struct lab_cable *c, unsigned *left_end)
{
  unsigned left = lab->ladder_node[0], right = lab->ladder_node[1];
  *left_end = c->node[0] == left ? 0 : 1;
  return (c->node[0] == left && c->node[1] == right) || (c->node[0] == right && c->node[1] == left);
}

static void keep_again(struct lab *lab, const struct yeon_event *event)
{
  if (lab->n_again == lab->cap_again) {
    unsigned cap = lab->cap_again == 0 ? 64 : lab->cap_again * 2;
    struct lab_again *grown = cap <= LAB_AGAIN_MAX ? realloc(lab->again, cap * sizeof *grown) : NULL;
    if (grown == NULL) return;
    lab->again = grown;
    lab->cap_again = cap;
  }
  lab->again[lab->n_again++] =
      (struct lab_again){event->host - 1, event->at, event->u.retransmit.len,
                         yeon_retransmit_why_name((enum yeon_retransmit_why)event->u.retransmit.why)};
}

/* (node): a list of {at, bytes, why} */
static int out_again(lua_State *L)
{
  const struct lab *lab = lab_of(L);
  unsigned node = lab_node(L, 1);
  lua_Integer n = 0;
  lua_newtable(L);
  for (unsigned i = 0; i < lab->n_again; i++) {
    if (lab->again[i].node != node) continue;
    lua_newtable(L);
    lua_pushnumber(L, (double)lab->again[i].at / 1e9);
    lua_setfield(L, -2, "at");
    lua_pushinteger(L, lab->again[i].len);
    lua_setfield(L, -2, "bytes");
    lua_pushstring(L, lab->again[i].why);
    lua_setfield(L, -2, "why");
    lua_rawseti(L, -2, ++n);
  }
  return 1;
}

/* About a connection of one of the ladder's ends with somebody else. */
static bool is_foreign(const struct lab *lab, const struct yeon_event *event)
{
  unsigned node = event->host - 1;
  if (event->remote.port == 0 || node >= lab->n_hosts) return false;
  unsigned other = node == lab->ladder_node[0] ? lab->ladder_node[1] : lab->ladder_node[0];
  for (unsigned i = 0; i < LAB_ADDRESSES; i++)
    if (yeon_ip_equal(&lab->address[other][i], &event->remote.ip)) return false;
  return true;
}

/* Hosts and cables report here. */
static void on_event(void *ctx, const struct yeon_event *event)
{
  struct lab *lab = ctx;
  yeon_tally_event(&lab->tally, event);
  if (event->type == YEON_EV_RETRANSMIT) keep_again(lab, event);
  if (lab->ladder == NULL) return;
  if (event->type != YEON_EV_CABLE) {
    if (is_foreign(lab, event)) return;
    yeon_ladder_event(lab->ladder, event);
    return;
  }
  unsigned number = event->u.cable.cable - 1, left_end;
  if (number >= lab->n_cables || !between(lab, lab->cables[number], &left_end)) return;
  struct yeon_event turned = *event;
  if (left_end == 1 && event->u.cable.direction < 2) turned.u.cable.direction = (uint8_t)(1 - event->u.cable.direction);
  yeon_ladder_event(lab->ladder, &turned);
}

void lab_out_sink(struct lab *lab, struct yeon_event_sink *sink)
{
  *sink =
      (struct yeon_event_sink){on_event, lab,
                               YEON_EV_BIT(YEON_EV_STATE) | YEON_EV_BIT(YEON_EV_SEGMENT_IN) |
                                   YEON_EV_BIT(YEON_EV_SEGMENT_OUT) | YEON_EV_BIT(YEON_EV_RETRANSMIT) |
                                   YEON_EV_BIT(YEON_EV_TIMER) | YEON_EV_BIT(YEON_EV_CALL) | YEON_EV_BIT(YEON_EV_ERROR) |
                                   YEON_EV_BIT(YEON_EV_DROP) | YEON_EV_BIT(YEON_EV_CABLE) | YEON_EV_BIT(YEON_EV_ECN)};
}

static void raw_line(void *ctx, const char *line) { lab_out_raw(ctx, line); }

/* Takes the frame apart for a script that asked for one like it. */
static void show_wanted(struct lab *lab, unsigned node, const struct yeon_frame *frame)
{
  uint8_t bytes[2048];
  char what[200];
  if (lab->wanted == NULL || frame->len > sizeof bytes) return;
  yeon_frame_copy(frame, bytes, sizeof bytes);
  bool ethernet = frame->l3_offset != 0;
  yeon_frame_describe(bytes, frame->len, ethernet, what, sizeof what);
  for (struct lab_wanted **p = &lab->wanted; *p != NULL; p = &(*p)->next) {
    struct lab_wanted *w = *p;
    if (w->node != node || strstr(what, w->text) == NULL) continue;
    *p = w->next;
    free(w);
    lab_out_raw(lab, "");
    lab_out_raw(lab, what);
    yeon_fields_write(bytes, frame->len, ethernet, raw_line, lab);
    lab_out_raw(lab, "");
    return;
  }
}

static void on_tap(void *ctx, const struct yeon_cable_tap *tap)
{
  const struct lab_cable *c = ctx;
  struct lab *lab = c->lab;
  unsigned left_end;
  yeon_tally_frame(&lab->tally, tap);
  if (lab->pcap != NULL && c->interface[tap->direction] >= 0)
    yeon_pcapng_frame(lab->pcap, (unsigned)c->interface[tap->direction], tap);
  if (lab->ladder != NULL && between(lab, c, &left_end))
    yeon_ladder_frame(lab->ladder, tap->direction == left_end ? 0 : 1, tap);
  if (tap->moment == YEON_MOMENT_SENT) show_wanted(lab, c->node[tap->direction], tap->frame);
}

static bool open_ladder(struct lab *lab, unsigned left, unsigned right, uint16_t port, unsigned decimals)
{
  struct yeon_ladder_config config = {
      .name = {yeon_host_name(yeon_sim_host(lab->sim, left)), yeon_host_name(yeon_sim_host(lab->sim, right))},
      .host = {left + 1, right + 1},
      .flags = ladder_flags(lab),
      .width = (uint16_t)lab->options.width,
      .decimals = (uint8_t)decimals,
      .port = port,
      .line = print_line,
  };
  yeon_ladder_free(lab->ladder);
  lab->ladder = NULL;
  lab->ladder_node[0] = left;
  lab->ladder_node[1] = right;
  if (lab->options.quiet) return true;
  return yeon_ladder_new(&lab->ladder, &config) == 0;
}

/* A cable is new: capture it, and let the ladder stand between the ends of the first one unless the script chose others. */
bool lab_out_cable(struct lab *lab, struct lab_cable *cable, bool ethernet)
{
  yeon_cable_set_tap(yeon_sim_cable(lab->sim, cable->number), on_tap, cable);
  for (unsigned end = 0; end < 2 && lab->pcap != NULL; end++) {
    char name[80];
    snprintf(name, sizeof name, "%s, cable %u", yeon_host_name(yeon_sim_host(lab->sim, cable->node[end])),
             cable->number + 1);
    cable->interface[end] = yeon_pcapng_interface(lab->pcap, name, ethernet);
  }
  if (lab->ladder != NULL || lab->ladder_fixed || lab->n_cables != 1) return true;
  return open_ladder(lab, cable->node[0], cable->node[1], 0, 0);
}

/* (left node, right node, port or 0, decimals or 0) */
static int out_ladder(lua_State *L)
{
  struct lab *lab = lab_of(L);
  unsigned left = lab_node(L, 1), right = lab_node(L, 2);
  lab->ladder_fixed = true;
  if (!open_ladder(lab, left, right, (uint16_t)luaL_optinteger(L, 3, 0), (unsigned)luaL_optinteger(L, 4, 0)))
    return luaL_error(L, "no memory for a ladder");
  return 0;
}

static int out_ladder_off(lua_State *L)
{
  struct lab *lab = lab_of(L);
  lab->ladder_fixed = true;
  yeon_ladder_free(lab->ladder);
  lab->ladder = NULL;
  return 0;
}

static int out_note(lua_State *L)
{
  static const char *const names[] = {"plain", "good", "warn", "bad", NULL};
  lab_out_note(lab_of(L), (enum yeon_ladder_tone)luaL_checkoption(L, 2, "plain", names), luaL_checkstring(L, 1));
  return 0;
}

static int out_side(lua_State *L)
{
  lab_out_side(lab_of(L), lab_node(L, 1), luaL_checkstring(L, 2));
  return 0;
}

static int out_raw(lua_State *L)
{
  lab_out_raw(lab_of(L), luaL_checkstring(L, 1));
  return 0;
}

/* (node, text that occurs in the frame's description) */
static int out_want(lua_State *L)
{
  struct lab *lab = lab_of(L);
  unsigned node = lab_node(L, 1);
  const char *text = luaL_checkstring(L, 2);
  struct lab_wanted *w = calloc(1, sizeof *w), **end = &lab->wanted;
  if (w == NULL) return luaL_error(L, "no memory");
  w->node = node;
  snprintf(w->text, sizeof w->text, "%s", text);
  while (*end != NULL) end = &(*end)->next;
  *end = w;
  return 0;
}

static int out_tally(lua_State *L)
{
  char text[200];
  lua_pushstring(L, yeon_tally_format(&lab_of(L)->tally, text, sizeof text));
  return 1;
}

int lab_out_register(lua_State *L)
{
  static const luaL_Reg calls[] = {{"ladder", out_ladder},
                                   {"ladder_off", out_ladder_off},
                                   {"note", out_note},
                                   {"side", out_side},
                                   {"raw", out_raw},
                                   {"want", out_want},
                                   {"tally", out_tally},
                                   {"again", out_again},
                                   {NULL, NULL}};
  luaL_setfuncs(L, calls, 0);
  return 0;
}
