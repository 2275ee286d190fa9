/* A cable is two ways that share an allocator, a listener and an observer. What a way plans (cable_way.c), this file tells: it takes frames in,
 * hands due ones out, cuts and joins, and reports every frame that did not simply pass. */
#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "event/event.h"
#include "link/cable_mark.h"
#include "link/cable_way.h"

#define DEFAULT_FRAMES 65536u
#define MOST_FRAMES 1048576u

struct yeon_cable {
  struct mem mem;
  struct packet_store store;
  struct event_out events;
  uint32_t id;
  uint32_t max_frames;
  yeon_time now; /* latest seen */
  yeon_cable_tap_fn *tap;
  void *tap_ctx;
  struct way way[2];
};

static yeon_time advance(struct yeon_cable *c, yeon_time now)
{
  return clock_take(&c->now, now);
}

static void tell(struct yeon_cable *c, enum yeon_cable_op op, unsigned direction, uint32_t len, const char *text)
{
  if (!event_wanted(&c->events, YEON_EV_CABLE)) return;
  struct yeon_event e = event_make(&c->events, YEON_EV_CABLE, c->now);
  e.u.cable.op = (uint8_t)op;
  e.u.cable.direction = (uint8_t)direction;
  e.u.cable.len = len;
  e.u.cable.cable = c->id;
  e.u.cable.text = text;
  event_emit(&c->events, &e);
}

static void show(struct yeon_cable *c, enum yeon_cable_moment moment, unsigned direction, const struct packet *p,
                 yeon_time at)
{
  if (c->tap == NULL) return;
  struct yeon_frame frame;
  packet_to_frame(p, &frame);
  struct yeon_cable_tap tap = {.moment = moment,
                               .direction = direction,
                               .number = p->number,
                               .sent_at = p->sent_at,
                               .at = at,
                               .duplicate = p->duplicate,
                               .corrupted = p->corrupted,
                               .reordered = p->reordered,
                               .marked = p->marked,
                               .frame = &frame};
  c->tap(c->tap_ctx, &tap);
}

static int check_config(const struct yeon_cable_config *config)
{
  if (config == NULL || config->max_frames > MOST_FRAMES) return YEON_ERR_INVALID;
  int error = yeon_cable_way_check(&config->way[0], NULL);
  return error ? error : yeon_cable_way_check(&config->way[1], NULL);
}

int yeon_cable_new(struct yeon_cable **out, const struct yeon_cable_config *config, uint64_t seed,
                   const struct yeon_memory *memory)
{
  *out = NULL;
  int error = check_config(config);
  if (error) return error;
  struct mem mem;
  mem_init(&mem, memory);
  struct yeon_cable *c = mem_new(&mem, sizeof *c);
  if (c == NULL) return YEON_ERR_NO_MEMORY;
  c->mem = mem;
  packet_store_init(&c->store, &c->mem);
  c->events.sink = config->sink;
  c->id = config->id;
  c->max_frames = config->max_frames ? config->max_frames : DEFAULT_FRAMES;
  struct rng seeds;
  rng_seed(&seeds, seed);
  for (unsigned d = 0; d < 2; d++) {
    c->way[d].set = config->way[d];
    (void)yeon_cable_trace_hold(config->way[d].trace);
    rng_seed(&c->way[d].rng, rng_next(&seeds));
  }
  *out = c;
  return YEON_OK;
}

static void release_lent(struct yeon_cable *c, struct way *w)
{
  while (w->lent != NULL) {
    struct packet *p = w->lent;
    w->lent = p->next;
    packet_release(&c->store, p);
  }
}

void yeon_cable_free(struct yeon_cable *c)
{
  if (c == NULL) return;
  for (unsigned d = 0; d < 2; d++) {
    struct way *w = &c->way[d];
    release_lent(c, w);
    for (struct packet *p; (p = way_take_waiting(w)) != NULL;) packet_release(&c->store, p);
    for (struct packet *p; (p = packet_heap_pop(&w->wire)) != NULL;) packet_release(&c->store, p);
    packet_heap_fini(&w->wire, &c->mem);
    mem_free(&c->mem, w->queue, w->queue_cap * sizeof *w->queue);
    yeon_cable_trace_release(w->set.trace);
  }
  packet_store_fini(&c->store);
  struct mem mem = c->mem;
  mem_free(&mem, c, sizeof *c);
  assert(mem.heap_bytes == 0);
}

/* A frame that goes no further. */
static void discard(struct yeon_cable *c, unsigned direction, struct packet *p, enum yeon_cable_op op,
                    enum yeon_cable_moment moment)
{
  tell(c, op, direction, p->len, NULL);
  show(c, moment, direction, p, moment == YEON_MOMENT_CODEL ? p->departs_at : c->now);
  packet_release(&c->store, p);
}

static void drop_late(struct yeon_cable *c, unsigned direction, struct packet *p)
{
  struct packet *twin = p->twin;
  c->way[direction].stats.codel++;
  discard(c, direction, p, YEON_CABLE_CODEL, YEON_MOMENT_CODEL);
  if (twin == NULL) return;
  twin->departs_at = c->now;
  c->way[direction].stats.codel++;
  discard(c, direction, twin, YEON_CABLE_CODEL, YEON_MOMENT_CODEL);
}

static void note_mark(struct yeon_cable *c, unsigned direction, const struct packet *p)
{
  c->way[direction].stats.marked++;
  tell(c, YEON_CABLE_MARKED, direction, p->len, NULL);
}

/* The sender has gone on working since the call before this one. */
static void run(struct yeon_cable *c, unsigned direction)
{
  struct packet *p;
  enum way_step step;
  while ((step = way_step(&c->way[direction], c->now, &p)) != WAY_QUIET) {
    if (step == WAY_DROPPED)
      drop_late(c, direction, p);
    else
      note_mark(c, direction, p);
  }
}

static void flip_bit(struct way *w, struct packet *p)
{
  uint32_t bit = rng_below(&w->rng, p->len * 8);
  p->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
  p->corrupted = true;
}

/* Frames that are on their way: what chance has in store for them. */
static void launch(struct yeon_cable *c, unsigned direction, struct packet *p, const struct way_fate *fate)
{
  struct way *w = &c->way[direction];
  p->lag = fate->lag;
  p->reordered = fate->reorder;
  if (fate->reorder) {
    w->stats.reordered++;
    tell(c, YEON_CABLE_REORDERED, direction, p->len, NULL);
  }
  if (fate->corrupt) {
    flip_bit(w, p);
    w->stats.corrupted++;
    tell(c, YEON_CABLE_CORRUPTED, direction, p->len, NULL);
  }
  way_send(w, p->len, p, c->now);
  struct packet *twin = fate->duplicate ? packet_clone(&c->store, p) : NULL;
  if (twin == NULL) return; /* nobody was promised a duplicate: out of memory there is none */
  way_send_twin(w, p, twin);
  w->stats.duplicated++;
  tell(c, YEON_CABLE_DUPLICATED, direction, p->len, NULL);
}

static void put_packet(struct yeon_cable *c, unsigned direction, struct packet *p)
{
  struct way *w = &c->way[direction];
  show(c, YEON_MOMENT_SENT, direction, p, c->now);
  if (w->cut) {
    w->stats.swallowed++;
    discard(c, direction, p, YEON_CABLE_SWALLOWED, YEON_MOMENT_SWALLOWED);
    return;
  }
  if (!way_has_room(w, p->len, c->max_frames)) {
    w->stats.queue_full++;
    discard(c, direction, p, YEON_CABLE_QUEUE_FULL, YEON_MOMENT_QUEUE_FULL);
    return;
  }
  if (way_wants_mark(w) && mark_ce(p)) note_mark(c, direction, p);
  struct way_fate fate = way_roll(w);
  if (w->set.drop_above > 0 && p->len > w->set.drop_above) fate.lost = true;
  if (fate.lost) {
    way_send(w, p->len, NULL, c->now);
    w->stats.lost++;
    discard(c, direction, p, YEON_CABLE_LOST, YEON_MOMENT_LOST);
    return;
  }
  launch(c, direction, p, &fate);
}

int yeon_cable_put(struct yeon_cable *c, unsigned direction, const struct yeon_frame *frame, yeon_time now)
{
  if (direction > 1) return YEON_ERR_INVALID;
  int error = packet_check(frame);
  if (error) return error;
  struct way *w = &c->way[direction];
  advance(c, now);
  run(c, direction);
  if (!way_reserve(w, &c->mem)) return YEON_ERR_NO_MEMORY;
  struct packet *p = packet_from_frame(&c->store, frame);
  if (p == NULL) return YEON_ERR_NO_MEMORY;
  p->number = ++w->stats.put;
  p->sent_at = c->now;
  w->stats.put_bytes += p->len;
  put_packet(c, direction, p);
  run(c, direction);
  return YEON_OK;
}

size_t yeon_cable_take(struct yeon_cable *c, unsigned direction, struct yeon_frame *out, size_t max, yeon_time now)
{
  if (direction > 1) return 0;
  struct way *w = &c->way[direction];
  advance(c, now);
  run(c, direction);
  release_lent(c, w);
  size_t n = 0;
  while (n < max && w->wire.n > 0 && w->wire.v[0]->due_at <= c->now) {
    struct packet *p = packet_heap_pop(&w->wire);
    packet_to_frame(p, &out[n++]);
    show(c, YEON_MOMENT_DELIVERED, direction, p, p->due_at);
    w->stats.delivered++;
    w->stats.delivered_bytes += p->len;
    p->next = w->lent;
    w->lent = p;
  }
  return n;
}

yeon_time yeon_cable_next_way(const struct yeon_cable *c, unsigned direction)
{
  return direction <= 1 ? way_next(&c->way[direction]) : YEON_NEVER;
}

yeon_time yeon_cable_next(const struct yeon_cable *c)
{
  yeon_time ab = yeon_cable_next_way(c, YEON_CABLE_AB), ba = yeon_cable_next_way(c, YEON_CABLE_BA);
  return ab < ba ? ab : ba;
}

/* How events call the directions of a mask. */
static unsigned name_mask(unsigned mask)
{
  return mask == YEON_CABLE_MASK_AB ? YEON_CABLE_AB : mask == YEON_CABLE_MASK_BA ? YEON_CABLE_BA : 2;
}

int yeon_cable_set(struct yeon_cable *c, unsigned mask, const struct yeon_cable_way *way, yeon_time now)
{
  if ((mask & ~YEON_CABLE_BOTH) != 0 || mask == 0) return YEON_ERR_INVALID;
  int error = yeon_cable_way_check(way, NULL);
  if (error) return error;
  advance(c, now);
  for (unsigned d = 0; d < 2; d++) {
    if ((mask & 1u << d) == 0) continue;
    run(c, d);
    struct yeon_cable_trace *before = c->way[d].set.trace;
    way_set(&c->way[d], way, c->now);
    (void)yeon_cable_trace_hold(way->trace);
    yeon_cable_trace_release(before);
  }
  char text[YEON_CABLE_TEXT];
  tell(c, YEON_CABLE_SET, name_mask(mask), 0, yeon_cable_way_format(way, text, sizeof text));
  return YEON_OK;
}

void yeon_cable_get(const struct yeon_cable *c, unsigned direction, struct yeon_cable_way *out)
{
  *out = direction <= 1 ? c->way[direction].set : (struct yeon_cable_way){.delay_us = 0};
}

/* Everything that has not arrived is gone. In the order of arrival: what is due comes out of the heap first and goes back in. */
static void swallow(struct yeon_cable *c, unsigned direction)
{
  struct way *w = &c->way[direction];
  struct packet *arrived = NULL;
  for (struct packet *p; (p = packet_heap_pop(&w->wire)) != NULL;) {
    p->twin = NULL;
    if (p->due_at <= c->now) {
      p->next = arrived;
      arrived = p;
      continue;
    }
    w->stats.swallowed++;
    discard(c, direction, p, YEON_CABLE_SWALLOWED, YEON_MOMENT_SWALLOWED);
  }
  for (struct packet *p; (p = way_take_waiting(w)) != NULL;) {
    w->stats.swallowed++;
    discard(c, direction, p, YEON_CABLE_SWALLOWED, YEON_MOMENT_SWALLOWED);
  }
  way_stop(w);
  while (arrived != NULL) {
    struct packet *p = arrived;
    arrived = p->next;
    packet_heap_push(&w->wire, p);
  }
}

void yeon_cable_cut(struct yeon_cable *c, unsigned mask, yeon_time now)
{
  advance(c, now);
  mask &= ~yeon_cable_is_cut(c) & YEON_CABLE_BOTH;
  if (mask == 0) return;
  tell(c, YEON_CABLE_CUT, name_mask(mask), 0, NULL);
  for (unsigned d = 0; d < 2; d++) {
    if ((mask & 1u << d) == 0) continue;
    run(c, d);
    c->way[d].cut = true;
    swallow(c, d);
  }
}

void yeon_cable_join(struct yeon_cable *c, unsigned mask, yeon_time now)
{
  advance(c, now);
  mask &= yeon_cable_is_cut(c);
  if (mask == 0) return;
  for (unsigned d = 0; d < 2; d++) {
    if (mask & 1u << d) c->way[d].cut = false;
  }
  tell(c, YEON_CABLE_JOINED, name_mask(mask), 0, NULL);
}

unsigned yeon_cable_is_cut(const struct yeon_cable *c)
{
  return (c->way[0].cut ? YEON_CABLE_MASK_AB : 0u) | (c->way[1].cut ? YEON_CABLE_MASK_BA : 0u);
}

void yeon_cable_set_tap(struct yeon_cable *c, yeon_cable_tap_fn *fn, void *ctx)
{
  c->tap = fn;
  c->tap_ctx = ctx;
}

void yeon_cable_set_sink(struct yeon_cable *c, const struct yeon_event_sink *sink) { c->events.sink = *sink; }

void yeon_cable_stats(const struct yeon_cable *c, unsigned direction, struct yeon_cable_stats *out)
{
  *out = (struct yeon_cable_stats){.put = 0};
  if (direction > 1) return;
  const struct way *w = &c->way[direction];
  *out = w->stats;
  out->waiting_bytes = (uint32_t)way_waiting(w);
  out->inside = w->wire.n + w->held;
}
