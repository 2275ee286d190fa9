/* The walk through a script, and what is told of it. A line each, for differ.py:
 *
 *   @ LINE SOURCE          a stimulus
 *   > SECONDS FLOW PACKET  a packet that the host sent, so long after it
 *   = LINE CALL RESULT     a call has ended
 *   # PORT STATE           of the host's TCP endpoint whose other end is there, when it is news */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yeon/event.h>

#include "differ.h"
#include "drill/tcp_option.h"
#include "wire/ipv4.h"
#include "wire/wire.h"

/* A call that still waits when the next one is due is given up after that. */
#define CALL_WAITS (1500 * YEON_MS)
/* At least this from one stimulus to the next, in both worlds: the kernel needs some of it. */
#define STEP (5 * YEON_MS)
/* What scripts call the host's first timestamp. */
#define FIRST_STAMP 100

/* Called by src/drill when a packet of the script is built. */
void world_inject(struct drill_run *r, const uint8_t *packet, size_t len, uint32_t payload)
{
  struct differ *d = (struct differ *)(void *)r;
  (void)payload;
  d->world->inject(d, packet, len);
}

/* ---- what is told ---- */

static double since_event(struct differ *d) { return (double)(d->world->now(d) - d->event_at) / 1e9; }

static struct drill_flow *flow_of_live(struct differ *d, const struct drill_live *l)
{
  struct drill_flow *open = NULL;
  if (l->protocol != WIRE_PROTO_TCP && l->protocol != WIRE_PROTO_UDP) return NULL;
  for (struct drill_flow *f = d->run.flows; f != NULL; f = f->next) {
    if (f->protocol != l->protocol || f->remote.port != l->dst_port || !yeon_ip_equal(&f->remote.ip, &l->dst)) continue;
    if (f->local.port == l->src_port) return f;
    if (f->local.port == 0) open = f;
  }
  return open;
}

static void learn(struct differ *d, struct drill_flow *f, const struct drill_live *l)
{
  struct drill_option options[DRILL_OPTIONS];
  if (f->local.port == 0) f->local.port = l->src_port;
  if (l->protocol != WIRE_PROTO_TCP) return;
  if ((l->flags & YEON_TCP_SYN) != 0) {
    f->iss_known = true;
    f->iss = l->seq;
    f->script_iss = 0;
  }
  unsigned n = show_read_options(l, 0, options, DRILL_OPTIONS);
  for (unsigned i = 0; i < n && !f->stamps_known; i++) {
    if (options[i].kind != TCP_OPTION_TS) continue;
    flow_stamp(&d->run, f, FIRST_STAMP, wire_get32(options[i].data));
    flow_stamp(&d->run, f, 0, 0); /* what the other end says before it has seen one */
  }
}

/* The oldest flow is 1. */
static unsigned flow_number(const struct differ *d, const struct drill_flow *flow)
{
  unsigned n = 0;
  for (const struct drill_flow *f = flow != NULL ? flow : d->run.flows; flow != NULL && f != NULL; f = f->next) n++;
  return n;
}

static bool is_fragment(const uint8_t *packet, size_t len)
{
  if (packet[0] >> 4 == 6) return len > 40 && packet[6] == 44;
  return len >= 20 && (wire_get16(packet + 6) & 0x3fff) != 0;
}

void differ_saw(struct differ *d, const uint8_t *packet, size_t len)
{
  if (is_fragment(packet, len)) {
    printf("> %.6f 0 fragment (%zu)\n", since_event(d), len);
    return;
  }
  struct drill_live *l = live_read(&d->run, packet, len);
  if (l == NULL) return;
  struct drill_flow *f = flow_of_live(d, l);
  if (f != NULL) learn(d, f, l);
  bool dont_fragment = !l->six && (packet[6] & 0x40) != 0;
  printf("> %.6f %u %s ttl %u tos %u%s\n", since_event(d), flow_number(d, f), show_live(&d->run, l, f), l->ttl, l->tos,
         dont_fragment ? " df" : "");
  d->heard = true;
}

void differ_state(struct differ *d, uint16_t remote_port, enum yeon_tcp_state state)
{
  struct differ_state *s = NULL;
  for (unsigned i = 0; i < DIFFER_STATES && (s == NULL || s->port != remote_port); i++)
    if (d->states[i].port == remote_port || (d->states[i].state == YEON_TCP_CLOSED && s == NULL)) s = &d->states[i];
  if (s == NULL) return;
  if (s->state != state) printf("# %u %s\n", remote_port, yeon_tcp_state_name(state));
  *s = (struct differ_state){.port = remote_port, .state = state, .there = true};
}

static void tell_states(struct differ *d)
{
  for (unsigned i = 0; i < DIFFER_STATES; i++) d->states[i].there = false;
  d->world->states(d);
  for (unsigned i = 0; i < DIFFER_STATES; i++) {
    if (d->states[i].there || d->states[i].state == YEON_TCP_CLOSED) continue;
    printf("# %u gone\n", d->states[i].port);
    d->states[i].state = YEON_TCP_CLOSED;
  }
}

static void tell_result(struct differ *d, const struct drill_event *e, const struct differ_call *c, int64_t result)
{
  printf("= %d %s ", e->line, e->call->name);
  if (result < 0)
    printf("-1 %s", symbol_errno_name(&d->run, (int)-result));
  else if (c->new != NULL)
    printf("ok");
  else
    printf("%" PRId64, result);
  if (result >= 0 && (c->what == DIFFER_GET || c->what == DIFFER_COUNT)) printf(" %s %" PRId64, c->name, c->value);
  printf("\n");
}

/* ---- calls ---- */

static struct differ_socket *find_socket(struct differ *d, int64_t number)
{
  for (unsigned i = 0; i < DIFFER_SOCKETS; i++)
    if (d->sockets[i].number == number && number >= 0) return &d->sockets[i];
  return NULL;
}

static struct differ_socket *new_socket(struct differ *d, const struct drill_call *call)
{
  int64_t number = -1;
  if (!value_number(&d->run, call->result, &number) || number < 0) return NULL;
  for (unsigned i = 0; i < DIFFER_SOCKETS && find_socket(d, number) == NULL; i++) {
    if (d->sockets[i].number >= 0) continue;
    d->sockets[i] = (struct differ_socket){.number = (int)number, .fd = -1};
    return &d->sockets[i];
  }
  return NULL;
}

static bool name_in(const char *name, const char *const *list)
{
  for (; *list != NULL; list++)
    if (strcmp(*list, name) == 0) return true;
  return false;
}

static int64_t number_of(struct differ *d, const struct drill_value *v)
{
  int64_t n = 0;
  return v != NULL && value_number(&d->run, v, &n) ? n : 0;
}

static const struct drill_value *argument(const struct drill_call *call, unsigned n)
{
  const struct drill_value *v = call->args;
  while (v != NULL && n-- > 0) v = v->next;
  return v;
}

static void read_flags(struct differ *d, struct differ_call *c, const struct drill_value *v)
{
  int64_t flags = number_of(d, v);
  c->oob = (flags & 1) != 0;
  c->peek = (flags & 2) != 0;
  c->more = (flags & 0x8000) != 0;
}

static bool read_option(struct differ *d, struct differ_call *c, const struct drill_call *call)
{
  const struct drill_value *name = argument(call, 2), *value = argument(call, 3);
  if (name == NULL || name->kind != DRILL_WORD) return false;
  c->name = name->text;
  if (strcmp(c->name, "SO_LINGER") == 0) {
    const struct drill_value *on = value_member(value, "onoff"), *time = value_member(value, "linger");
    c->n = number_of(d, on) != 0 ? number_of(d, time) * 1000 : -1;
  } else {
    c->n = number_of(d, value);
  }
  return true;
}

/* False: not a call known here. */
static bool read_call(struct differ *d, struct differ_call *c, const struct drill_call *call)
{
  static const char *const sends[] = {"write", "send", "sendto", NULL}, *const receives[] = {"read", "recv", "recvfrom",
                                                                                             NULL};
  static const struct {
    const char *name;
    enum differ_what what;
  } names[] = {{"socket", DIFFER_SOCKET}, {"bind", DIFFER_BIND},       {"listen", DIFFER_LISTEN},
               {"accept", DIFFER_ACCEPT}, {"connect", DIFFER_CONNECT}, {"shutdown", DIFFER_SHUTDOWN},
               {"close", DIFFER_CLOSE},   {"setsockopt", DIFFER_SET},  {"getsockopt", DIFFER_GET},
               {"ioctl", DIFFER_COUNT},   {"write", DIFFER_SEND},      {"send", DIFFER_SEND},
               {"sendto", DIFFER_SEND},   {"read", DIFFER_RECV},       {"recv", DIFFER_RECV},
               {"recvfrom", DIFFER_RECV}};
  size_t i = 0;
  while (i < sizeof names / sizeof *names && strcmp(names[i].name, call->name) != 0) i++;
  if (i == sizeof names / sizeof *names) return false;
  c->what = names[i].what;
  const struct drill_value *second = argument(call, 1);
  if (c->what == DIFFER_LISTEN || c->what == DIFFER_SHUTDOWN) c->n = number_of(d, second);
  if (c->what == DIFFER_BIND || c->what == DIFFER_CONNECT) {
    bool here = c->what == DIFFER_BIND;
    c->addr.ip = here ? d->run.local : d->run.remote;
    c->addr.port = here ? d->run.bind_port : d->run.connect_port;
    value_address(&d->run, second, &c->addr);
  }
  if (name_in(call->name, sends) || name_in(call->name, receives)) {
    c->n = number_of(d, argument(call, 2));
    read_flags(d, c, argument(call, 3));
  }
  if (strcmp(call->name, "sendto") == 0) {
    c->addr = (struct yeon_addr){.ip = d->run.remote, .port = d->run.connect_port};
    c->has_addr = true;
  }
  if (c->what == DIFFER_COUNT) c->name = second != NULL && second->kind == DRILL_WORD ? second->text : "?";
  if (c->what == DIFFER_SET || c->what == DIFFER_GET) return read_option(d, c, call);
  return true;
}

/* What the flows must know of a call before it is made. */
static void prepare_flows(struct differ *d, const struct differ_call *c)
{
  struct drill_run *r = &d->run;
  if (c->what == DIFFER_BIND) r->listen_port = c->addr.port;
  if (c->what == DIFFER_BIND && c->s->is_udp) r->flow = NULL;
  if (c->what == DIFFER_LISTEN) r->awaiting_syn = true;
  if (c->what != DIFFER_CONNECT && !(c->what == DIFFER_SEND && c->has_addr)) return;
  r->flow = flow_new(r, c->s->is_udp ? WIRE_PROTO_UDP : WIRE_PROTO_TCP);
  r->flow->remote = c->addr;
  r->awaiting_syn = false;
}

static void finish(struct differ *d, const struct drill_event *e, struct differ_call *c, int64_t result)
{
  d->pending_event = NULL;
  if (result < 0 && c->new != NULL) c->new->number = -1;
  if (c->what == DIFFER_CLOSE) c->s->number = -1;
  tell_result(d, e, c, result);
}

static bool would_wait(int64_t result) { return result == -EAGAIN || result == -EINPROGRESS; }

void differ_retry(struct differ *d)
{
  if (d->pending_event == NULL) return;
  d->pending.again = true;
  int64_t result = d->world->call(d, &d->pending);
  if (!would_wait(result)) finish(d, d->pending_event, &d->pending, result);
}

static void await_pending(struct differ *d)
{
  yeon_time until = d->world->now(d) + CALL_WAITS;
  while (d->pending_event != NULL && d->world->now(d) < until) d->world->wait(d, d->world->now(d) + 5 * YEON_MS);
  if (d->pending_event != NULL) printf("= %d %s waits\n", d->pending_event->line, d->pending_event->call->name);
  d->pending_event = NULL;
}

static void make_call(struct differ *d, const struct drill_event *e)
{
  struct differ_call c = {.what = DIFFER_SOCKET};
  await_pending(d);
  if (strcmp(e->call->name, "fcntl") == 0) { /* F_SETFL alone */
    struct differ_socket *s = find_socket(d, number_of(d, argument(e->call, 0)));
    if (s != NULL) s->nonblock = (number_of(d, argument(e->call, 2)) & 2048) != 0;
    return;
  }
  if (!read_call(d, &c, e->call)) {
    fprintf(stderr, "differ: line %d: the call %s is not known here\n", e->line, e->call->name);
    exit(2);
  }
  if (c.what == DIFFER_SOCKET || c.what == DIFFER_ACCEPT) c.new = new_socket(d, e->call);
  if (c.what != DIFFER_SOCKET) c.s = find_socket(d, number_of(d, argument(e->call, 0)));
  if (c.what == DIFFER_SOCKET && c.new != NULL) {
    int64_t type = number_of(d, argument(e->call, 1));
    c.new->is_udp = (type & 15) == 2;
    c.new->nonblock = (type & 2048) != 0;
  } else if (c.s == NULL || (c.what == DIFFER_ACCEPT && c.new == NULL)) { /* an earlier call has failed here */
    printf("= %d %s -1 EBADF\n", e->line, e->call->name);
    return;
  }
  prepare_flows(d, &c);
  int64_t result = d->world->call(d, &c);
  bool waits = would_wait(result) && !c.s->nonblock && (number_of(d, argument(e->call, 3)) & 64) == 0;
  if (!waits) {
    finish(d, e, &c, result);
    return;
  }
  d->pending = c;
  d->pending_event = e;
}

/* ---- the walk ---- */

/* `sysctl -q net.ipv4.x=1`, several too. */
static void take_settings(struct differ *d, const char *command)
{
  char *copy = drill_text(d->run.arena, command, strlen(command)), *state = NULL;
  for (char *word = strtok_r(copy, " \n\t", &state); word != NULL; word = strtok_r(NULL, " \n\t", &state)) {
    char *equals = strchr(word, '=');
    if (equals == NULL) continue;
    *equals = 0;
    d->world->setting(d, word, equals + 1);
  }
}

static void be_there(struct differ *d, const struct drill_event *e)
{
  bool expected = e->kind == DRILL_PACKET_EVENT && e->packet->out;
  yeon_time soonest = d->due_at + (expected ? 0 : STEP);
  if (e->when == DRILL_ABSOLUTE) d->due_at = e->at;
  if (e->when == DRILL_RELATIVE) d->due_at += e->at;
  if (d->due_at < soonest) d->due_at = soonest;
  if (expected && e->when == DRILL_ANY_TIME) {
    d->heard = false;
    for (unsigned i = 0; i < 400 && !d->heard; i++) d->world->wait(d, d->world->now(d) + 5 * YEON_MS);
    d->due_at = d->world->now(d);
  }
  if (!expected && d->world->now(d) < d->due_at) d->world->wait(d, d->due_at);
}

static void take_place(struct differ *d, const struct drill_event *e)
{
  bool packet = e->kind == DRILL_PACKET_EVENT;
  be_there(d, e);
  if ((packet && e->packet->out) || e->kind == DRILL_CODE_EVENT) return;
  tell_states(d);
  printf("@ %d %s\n", e->line, e->source);
  d->event_at = d->world->now(d);
  if (packet)
    inbound_packet(&d->run, e);
  else if (e->kind == DRILL_CALL_EVENT)
    make_call(d, e);
  else
    take_settings(d, e->text);
  d->world->wait(d, d->world->now(d) + d->settle);
  tell_states(d);
}

static bool is_setting(const struct drill_event *e) { return e->kind == DRILL_SHELL_EVENT; }

static bool walk(struct differ *d)
{
  const struct drill_event *e = d->run.script->events;
  if (!d->world->begin(d)) return false;
  for (; e != NULL && is_setting(e); e = e->next) take_settings(d, e->text);
  for (; e != NULL && !d->run.over; e = e->next) take_place(d, e);
  await_pending(d);
  d->world->end(d);
  return true;
}

static char *read_all(const char *path, size_t *len)
{
  FILE *f = fopen(path, "rb");
  static char text[65536];
  if (f == NULL) return NULL;
  *len = fread(text, 1, sizeof text - 1, f);
  fclose(f);
  return text;
}

static void set_up(struct differ *d, struct drill_script *script, struct yeon_drill_config *config,
                   struct yeon_drill_result *result)
{
  struct drill_run *r = &d->run;
  r->config = config;
  r->script = script;
  r->arena = &script->arena;
  r->result = result;
  r->version = config->version;
  r->bind_port = r->connect_port = 8080;
  r->next_port = 50000;
  r->current = -1;
  r->live_tail = &r->live;
  for (unsigned i = 0; i < DRILL_FDS; i++) r->fds[i].number = -1;
  for (unsigned i = 0; i < DIFFER_SOCKETS; i++) d->sockets[i].number = -1;
  yeon_tcp_options_init(&r->options, YEON_PROFILE_LINUX);
  r->options.congestion = YEON_CC_NEWRENO; /* the only one a network namespace may choose everywhere */
  r->options.tlp = false;                  /* as kernel.c has it, and says why */
}

int main(int argc, char **argv)
{
  static struct differ d;
  struct drill_script script = {.path = NULL};
  struct yeon_drill_config config = {.tolerance_us = -1};
  struct yeon_drill_result result = {.status = YEON_DRILL_OK};
  size_t len;
  if (argc != 4 || (strcmp(argv[2], "ipv4") != 0 && strcmp(argv[2], "ipv6") != 0)) {
    fprintf(stderr, "differ kernel|yeon ipv4|ipv6 SCRIPT\n");
    return 2;
  }
  char *text = read_all(argv[3], &len);
  config.version = strcmp(argv[2], "ipv6") == 0 ? YEON_DRILL_IPV6 : YEON_DRILL_IPV4;
  if (text == NULL || !drill_parse(&script, argv[3], text, len, "linux")) {
    fprintf(stderr, "%s:%d: %s\n", argv[3], script.line,
            text == NULL           ? "not to be read"
            : script.error != NULL ? script.error
                                   : script.needs);
    return 2;
  }
  d.world = strcmp(argv[1], "kernel") == 0 ? &differ_kernel : &differ_yeon;
  set_up(&d, &script, &config, &result);
  bool good = settings_apply(&d.run) && walk(&d);
  if (d.run.over) fprintf(stderr, "%s", result.text);
  good = good && !d.run.over;
  free(result.text);
  drill_arena_free(&script.arena);
  return good ? 0 : 3;
}
