/* A script from its first event to its last. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drill/run.h"

#define HORIZON_MS 400000
#define TOLERANCE_US 4000
#define TOLERANCE_PERCENT 12.5 /* as packetdrill, whose scripts rely on it */

void yeon_drill_config_init(struct yeon_drill_config *config)
{
  memset(config, 0, sizeof *config);
  config->tolerance_us = -1;
}

const char *yeon_drill_relaxations(const struct yeon_drill_config *c, char *buf, size_t size)
{
  const struct {
    bool on;
    const char *name;
  } all[] = {{c->allow_extra, "extra packets"},
             {c->any_push, "PSH"},
             {c->any_window, "window"},
             {c->any_options, "options"},
             {c->any_time, "time"}};
  size_t n = 0;
  buf[0] = 0;
  for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
    if (!all[i].on || n >= size) continue;
    n += (size_t)snprintf(buf + n, size - n, "%s%s", n > 0 ? ", " : "", all[i].name);
  }
  return buf;
}

static void prepare(struct drill_run *r)
{
  const struct yeon_drill_config *c = r->config;
  yeon_tcp_options_init(&r->options, c->profile);
  r->freebsd = c->profile == YEON_PROFILE_FREEBSD;
  r->tolerance = (c->tolerance_us >= 0 ? c->tolerance_us : TOLERANCE_US) * YEON_US;
  r->tolerance_percent = TOLERANCE_PERCENT;
  r->horizon = (c->horizon_ms != 0 ? c->horizon_ms : HORIZON_MS) * YEON_MS;
  r->bind_port = r->connect_port = 8080;
  r->next_port = 50000;
  r->mtu = c->mtu;
  r->notsent_lowat = -1;
  r->keepinit_ms = 75000;
  r->tunnel_overhead = 8;
  r->fatal_calls = r->fatal_packets = true;
  r->current = -1;
  r->version = c->version;
  r->live_tail = &r->live;
  for (unsigned i = 0; i < DRILL_FDS; i++) r->fds[i] = (struct drill_fd){.number = -1, .pipe_other = -1};
}

/* A script's clock begins with its first event that is no command. */
static void go_to(struct drill_run *r, const struct drill_event *e)
{
  yeon_time at = r->now;
  if (e->when == DRILL_RELATIVE) at = r->last_at + e->at;
  if (e->when == DRILL_ABSOLUTE) at = e->at;
  bool waits_itself = e->kind == DRILL_PACKET_EVENT && e->packet->out;
  if (at > r->now && !waits_itself && r->host != NULL) world_advance(r, at);
  if (at > r->now && r->host == NULL) r->now = at;
}

static void take_place(struct drill_run *r, const struct drill_event *e)
{
  if (e->kind != DRILL_SHELL_EVENT && !world_begin(r)) return;
  if (e->kind == DRILL_PACKET_EVENT && e->packet->out)
    outbound_packet(r, e);
  else if (e->kind == DRILL_PACKET_EVENT)
    inbound_packet(r, e);
  else if (e->kind == DRILL_CALL_EVENT)
    call_begin(r, e);
  else if (e->kind == DRILL_CODE_EVENT)
    code_run(r, e->text);
  else
    shell_run(r, e->text, r->host == NULL);
}

static void run(struct drill_run *r)
{
  prepare(r);
  if (!settings_apply(r)) return;
  for (size_t i = 0; i < r->config->n_sysctls; i++) {
    const char *text = r->config->sysctls[i], *equals = strchr(text, '=');
    if (equals != NULL) sysctl_set(r, drill_text(r->arena, text, (size_t)(equals - text)), equals + 1);
  }
  for (const struct drill_event *e = r->script->events; e != NULL && !r->over; e = e->next) {
    r->event = e;
    go_to(r, e);
    if (r->over) return;
    take_place(r, e);
    r->last_at = r->now;
    r->result->events++;
  }
  if (r->host != NULL) call_finish(r);
  if (!r->over) outbound_extra(r);
}

/* Is the address of the host given on the command line? */
static bool other_address(const struct yeon_drill_config *c)
{
  for (size_t i = 0; i < c->n_settings; i++)
    if (strncmp(c->settings[i], "local_ip=", 9) == 0) return true;
  return false;
}

/* Names that the suites' own runners define: those of the caller count first, then the script's, then these. The cookies are those of the key
 * that the suites' defaults set, and of none, for the addresses that packetdrill has by itself, or that the runners give it. */
static void define_names(const struct yeon_drill_config *c, struct drill_script *script)
{
  for (size_t i = 0; i < c->n_defines; i++) {
    const char *equals = strchr(c->defines[i], '=');
    if (equals != NULL) drill_define(script, c->defines[i], (size_t)(equals - c->defines[i]), equals + 1);
  }
  bool other = other_address(c);
  static const char *const six[][2] = {{"TFO_COOKIE", "e7041978eab92f14"}, {"TFO_COOKIE_ZERO", "89b217160775d3a2"}},
                           *const six_runner[][2] = {{"TFO_COOKIE", "c1d1e9742a47a9bc"}, {"TFO_COOKIE_ZERO", "82af1a8f9a205c34"}},
                           *const four[][2] = {{"TFO_COOKIE", "3021b9d889017eeb"}, {"TFO_COOKIE_ZERO", "b7c12350a90dc8f5"}};
  for (unsigned i = 0; i < 2; i++) {
    script->usual[i][0] = four[i];
    script->usual[i][1] = other ? six_runner[i] : six[i];
  }
  static const char *const level[2][2] = {{"CMSG_LEVEL_IP", "SOL_IP"}, {"CMSG_LEVEL_IP", "SOL_IPV6"}},
                           *const type[2][2] = {{"CMSG_TYPE_RECVERR", "IP_RECVERR"}, {"CMSG_TYPE_RECVERR", "IPV6_RECVERR"}},
                           *const code[2][2] = {{"CODE", "host_unreachable"}, {"CODE", "address_unreachable"}};
  for (unsigned v = 0; v < 2; v++) {
    script->usual[2][v] = level[v];
    script->usual[3][v] = type[v];
    script->usual[4][v] = code[v];
  }
  script->six = c->version == YEON_DRILL_IPV6;
}

enum yeon_drill_status yeon_drill_text(const struct yeon_drill_config *config, const char *path, const char *text,
                                       size_t len, struct yeon_drill_result *out)
{
  struct drill_script script = {.path = path};
  memset(out, 0, sizeof *out);
  define_names(config, &script);
  if (!drill_parse(&script, path, text, len, yeon_profile_name(config->profile))) {
    bool skip = script.error == NULL;
    const char *why = drill_format(&script.arena, "%s:%d: %s%s\n", path, script.line,
                                   skip ? "cannot be run: needs " : "", skip ? script.needs : script.error);
    out->status = skip ? YEON_DRILL_SKIPPED : YEON_DRILL_BROKEN;
    out->text = malloc(strlen(why) + 1);
    if (out->text != NULL) memcpy(out->text, why, strlen(why) + 1);
  } else {
    struct drill_run *r = drill_alloc(&script.arena, sizeof *r);
    r->config = config;
    r->script = &script;
    r->arena = &script.arena;
    r->result = out;
    run(r);
    world_end(r);
  }
  drill_arena_free(&script.arena);
  return out->status;
}

static char *read_file(const char *path, size_t *len)
{
  FILE *f = fopen(path, "rb");
  char *text = NULL;
  size_t size = 0, n = 0;
  if (f == NULL) return NULL;
  do {
    if (n == size) {
      char *more = realloc(text, size = size * 2 + 16384);
      if (more == NULL) break;
      text = more;
    }
    size_t got = fread(text + n, 1, size - n, f);
    n += got;
    if (got == 0) break;
  } while (true);
  bool bad = ferror(f) != 0;
  fclose(f);
  *len = n;
  if (!bad) return text;
  free(text);
  return NULL;
}

enum yeon_drill_status yeon_drill_file(const struct yeon_drill_config *config, const char *path,
                                       struct yeon_drill_result *out)
{
  size_t len;
  char *text = read_file(path, &len);
  if (text == NULL) {
    const char *reason = strerror(errno);
    size_t size = strlen(path) + strlen(reason) + 8;
    *out = (struct yeon_drill_result){.status = YEON_DRILL_BROKEN, .text = malloc(size)};
    if (out->text != NULL) snprintf(out->text, size, "%s: %s\n", path, reason);
    return out->status;
  }
  yeon_drill_text(config, path, text, len, out);
  free(text);
  return out->status;
}

void yeon_drill_result_free(struct yeon_drill_result *result)
{
  free(result->text);
  result->text = NULL;
}
