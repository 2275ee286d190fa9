/* Making a world from its plan, and moving it to its end. */
#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "show.h"

void world_fail(struct world *w, const char *format, ...)
{
  if (w->failure[0] != '\0') return;
  int n = snprintf(w->failure, sizeof w->failure, "at %.6f: ", (double)yeon_sim_now(w->sim) / 1e9);
  va_list args;
  va_start(args, format);
  vsnprintf(w->failure + n, sizeof w->failure - (size_t)n, format, args);
  va_end(args);
}

static uint64_t mix(uint64_t x)
{
  x = (x ^ (x >> 32)) * UINT64_C(0xd6e8feb86659fd93);
  x = (x ^ (x >> 32)) * UINT64_C(0xd6e8feb86659fd93);
  return x ^ (x >> 32);
}

void content_fill(uint8_t *buf, uint64_t stream, uint64_t pos, size_t len)
{
  while (len > 0) {
    uint64_t word = mix((pos >> 3) + (stream << 40) + 1), skip = pos & 7;
    size_t n = 8 - skip < len ? (size_t)(8 - skip) : len;
    memcpy(buf, (const uint8_t *)&word + skip, n);
    buf += n;
    pos += n;
    len -= n;
  }
}

bool content_check(const uint8_t *buf, uint64_t stream, uint64_t pos, size_t len)
{
  uint8_t want[512];
  while (len > 0) {
    size_t n = len < sizeof want ? len : sizeof want;
    content_fill(want, stream, pos, n);
    if (memcmp(buf, want, n) != 0) return false;
    buf += n;
    pos += n;
    len -= n;
  }
  return true;
}

static uint64_t hash_bytes(uint64_t hash, const uint8_t *p, size_t len)
{
  for (; len >= 8; p += 8, len -= 8) {
    uint64_t word;
    memcpy(&word, p, 8);
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    hash ^= hash >> 29;
  }
  for (; len > 0; p++, len--) hash = (hash ^ *p) * UINT64_C(0x100000001b3);
  return hash;
}

static void tap(void *ctx, const struct yeon_cable_tap *t)
{
  struct world *w = ctx;
  if (t->moment != YEON_MOMENT_SENT) return;
  w->frames++;
  if (!w->plan->twice && w->plan->snapshot_round == 0 && !w->verbose) return; /* nobody compares */
  const uint64_t head[] = {t->direction, t->number, (uint64_t)t->sent_at, t->frame->len};
  w->hash = hash_bytes(w->hash, (const uint8_t *)head, sizeof head);
  w->hash = hash_bytes(w->hash, t->frame->slice[0].base, t->frame->len);
}

static void count_persists(void *ctx, const struct yeon_event *event)
{
  struct world *w = ctx;
  w->persists += event->u.timer.timer == YEON_TIMER_PERSIST && event->u.timer.op == YEON_TIMER_FIRED;
}

static void make_host(struct world *w, unsigned i)
{
  const char *field = "";
  if (yeon_tcp_options_check(&w->plan->tcp[i], &field) != 0)
    world_fail(w, "options of a plan: %s is out of range", field);
  struct yeon_host_config config;
  yeon_host_config_init(&config);
  config.name = i == 0 ? "a" : "b";
  config.tcp = &w->plan->tcp[i];
  config.max_half_open = w->plan->max_half_open;
  config.max_time_wait = w->plan->max_time_wait;
  config.max_buffer_bytes = w->plan->max_buffer_bytes;
  config.seed = 0; /* derived from the universe's */
  if (w->plan->prompt) config.sink = (struct yeon_event_sink){count_persists, w, YEON_EV_BIT(YEON_EV_TIMER)};
  if (w->verbose) config.sink = (struct yeon_event_sink){show_event, NULL, YEON_EV_ALL};
  int node = yeon_sim_add_host(w->sim, &config, &w->host[i]);
  if (node != (int)i) world_fail(w, "a host: %s", yeon_error_name(node));
  else yeon_host_set_taker(w->host[i], direct_take);
}

static void give_address(struct world *w, unsigned i)
{
  char text[16];
  snprintf(text, sizeof text, w->plan->v6 ? "fd00::%u" : "10.0.0.%u", i + 1);
  int error = yeon_ip_parse(text, &w->addr[i].ip);
  if (error == 0) error = yeon_host_add_addr(w->host[i], w->link[i], &w->addr[i].ip, w->plan->v6 ? 64 : 24);
  if (error != 0) world_fail(w, "address %s: %s", text, yeon_error_name(error));
  yeon_sim_on_ready(w->sim, i, program_ready, w);
}

static void lay_cable(struct world *w, unsigned a, unsigned b, unsigned ends[2])
{
  struct yeon_sim_link link;
  yeon_sim_link_init(&link);
  link.ethernet = w->plan->ethernet;
  link.mtu = w->plan->mtu;
  memcpy(link.cable.way, w->plan->way, sizeof link.cable.way);
  if (w->verbose) link.cable.sink = (struct yeon_event_sink){show_event, NULL, YEON_EV_ALL};
  int cable = yeon_sim_connect(w->sim, a, b, &link, ends);
  if (cable < 0)
    world_fail(w, "a cable: %s", yeon_error_name(cable));
  else
    yeon_cable_set_tap(yeon_sim_cable(w->sim, (unsigned)cable), tap, w);
}

/* One host with a cable to nowhere; host b is host a. */
static void make_loop(struct world *w)
{
  unsigned hub = (unsigned)yeon_sim_add_hub(w->sim), ends[2];
  lay_cable(w, 0, hub, ends);
  w->link[0] = w->link[1] = ends[0];
  give_address(w, 0);
  w->host[1] = w->host[0];
  w->addr[1] = w->addr[0];
  if (w->plan->seed % 2 == 0) yeon_ip_parse(w->plan->v6 ? "::1" : "127.0.0.1", &w->addr[1].ip);
}

static void make_universe(struct world *w)
{
  struct yeon_memory memory = arena_memory(w->arena);
  if (yeon_sim_new(&w->sim, w->plan->seed, &memory) != 0) return;
  for (unsigned i = 0; i < (w->plan->loop ? 1 : 2); i++) make_host(w, i);
  if (w->failure[0] != '\0') return;
  if (w->plan->loop) {
    make_loop(w);
    return;
  }
  if (w->plan->hub) {
    unsigned hub = (unsigned)yeon_sim_add_hub(w->sim), ends[2];
    lay_cable(w, 0, hub, ends);
    w->link[0] = ends[0];
    lay_cable(w, hub, 1, ends);
    w->link[1] = ends[1];
  } else {
    lay_cable(w, 0, 1, w->link);
  }
  for (unsigned i = 0; i < 2 && w->failure[0] == '\0'; i++) give_address(w, i);
}

static void start_conn(void *ctx, struct yeon_sim *sim, yeon_time now)
{
  (void)sim;
  (void)now;
  struct end *e = ctx;
  if (e->world->failure[0] == '\0') program_connect(e->world, e->conn);
}

static void change_mtu(const struct change *c, struct yeon_sim *sim)
{
  for (unsigned i = 0; i < 2; i++) {
    if (c->mask & 1u << i) yeon_host_set_mtu(yeon_sim_host(sim, i), 0, c->mtu);
  }
}

static void make_change(void *ctx, struct yeon_sim *sim, yeon_time now)
{
  const struct change *c = ctx;
  struct yeon_cable *cable = yeon_sim_cable(sim, 0);
  if (c->kind == CHANGE_CUT)
    yeon_cable_cut(cable, c->mask, now);
  else if (c->kind == CHANGE_JOIN)
    yeon_cable_join(cable, c->mask, now);
  else if (c->kind == CHANGE_SET)
    yeon_cable_set(cable, c->mask, &c->way, now);
  else
    change_mtu(c, sim);
}

static void drop_listeners(void *ctx, struct yeon_sim *sim, yeon_time now)
{
  (void)sim;
  (void)now;
  struct world *w = ctx;
  for (unsigned i = 0; i < 2; i++) program_unlisten(w, i);
}

static void start_programs(struct world *w)
{
  const struct plan *p = w->plan;
  for (unsigned i = 0; i < 2; i++) {
    if (!p->loop || i == 1) program_listen(w, i);
    program_datagrams(w, i);
  }
  for (unsigned i = 0; i < p->n_conns; i++) {
    for (unsigned k = 0; k < 2; k++)
      w->ends[i][k] =
          (struct end){.world = w, .plan = &p->conn[i].end[k], .other = &w->ends[i][!k], .host = k, .conn = i};
    yeon_sim_at(w->sim, p->conn[i].start_at, start_conn, &w->ends[i][0]);
  }
  for (unsigned i = 0; i < p->n_changes; i++)
    yeon_sim_at(w->sim, p->change[i].at, make_change, (void *)(uintptr_t)&p->change[i]);
  for (unsigned i = 0; i < p->attacks; i++) {
    yeon_time at = (yeon_time)(rng_next(&w->rng) %
                               (UINT64_C(1) << (10 + rng_below(&w->rng, 23)))); /* up to 4 s, early ones more often */
    yeon_sim_at(w->sim, at, stranger_attacks, w);
  }
  if (p->listener_gone_at != YEON_NEVER) yeon_sim_at(w->sim, p->listener_gone_at, drop_listeners, w);
}

struct world *world_new(const struct plan *plan, struct arena *arena, bool verbose)
{
  struct yeon_memory memory = arena_memory(arena);
  struct world *w = memory.alloc(memory.ctx, sizeof *w);
  memset(w, 0, sizeof *w);
  w->plan = plan;
  w->arena = arena;
  w->verbose = verbose;
  rng_seed(&w->rng, plan->seed + 1);
  make_universe(w);
  if (w->failure[0] == '\0') start_programs(w);
  if (plan->famine) arena_starve(arena, 20, plan->seed);
  return w;
}

void world_free(struct world *w)
{
  struct yeon_memory memory = arena_memory(w->arena);
  yeon_sim_free(w->sim);
  memory.free(memory.ctx, w, sizeof *w);
}

static void end_programs(struct world *w)
{
  w->over = true;
  for (unsigned i = 0; i < 2; i++) {
    program_unlisten(w, i);
    if (w->datagrams[i].udp != NULL) yeon_udp_close(w->datagrams[i].udp);
    w->datagrams[i].udp = NULL;
  }
}

/* Who still has not ended, for the message. */
static void fail_unended(struct world *w, const char *what)
{
  static const char *const statuses[] = {"waits to be accepted", "runs"};
  for (unsigned i = 0; i < w->plan->n_conns; i++) {
    for (unsigned k = 0; k < 2; k++) {
      const struct end *e = &w->ends[i][k];
      if (e->status >= END_OK) continue;
      world_fail(w, "%s: connection %u, %s %s (%s%s%s, sent %llu of %u, received %llu)", what, i, k == 0 ? "a" : "b",
                 statuses[e->status], e->tcp ? yeon_tcp_state_name(yeon_tcp_state(e->tcp)) : "no endpoint",
                 e->fin ? ", fin" : "", e->eof ? ", eof" : "", (unsigned long long)e->sent, e->plan->total,
                 (unsigned long long)e->received);
    }
  }
}

/* Nothing will happen any more unless somebody acts. */
static bool rest_in_peace(struct world *w)
{
  if (w->over) return false;
  if (programs_only_wait(w)) {
    end_programs(w);
    return true;
  }
  fail_unended(w, "all is quiet, but a program waits");
  return false;
}

bool world_step(struct world *w)
{
  if (w->failure[0] != '\0') return false;
  if (!w->over && programs_ended(w)) end_programs(w);
  if (!yeon_sim_step(w->sim)) return rest_in_peace(w);
  yeon_time now = yeon_sim_now(w->sim);
  if (yeon_sim_rounds(w->sim) > ROUNDS_MAX) {
    world_fail(w, "it does not end: %u rounds", ROUNDS_MAX);
    fail_unended(w, "it does not end");
  } else if (!w->over && now > PROGRAMS_END) {
    if (programs_only_wait(w))
      end_programs(w);
    else
      fail_unended(w, "a program does not end");
  } else if (now > WORLD_END) {
    world_fail(w, "timers never rest");
  }
  return w->failure[0] == '\0';
}
