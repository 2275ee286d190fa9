/* The plan of one direction. A frame's instants are computed when it is put in: it begins to be sent when the frame before it is done, departs
 * when the line (cable_line.c) has taken it, and is due after delay and lag. Everything is then in the heap by its due instant; the queue is only
 * kept to know how many bytes wait, and to plan them anew when the settings change. With CoDel (cable_codel.c) the plan can not be made
 * ahead, for a frame may be dropped as it leaves the queue: then frames stay out of the heap until the line is free, and way_step, called for
 * every instant at which it becomes free, judges and begins them. Chance is drawn from a generator of the direction's own, so that traffic the
 * other way does not change the luck of this one. */
#include "link/cable_way.h"

#include <assert.h>
#include <string.h>

#include "link/cable_mark.h"

static bool chance(struct rng *rng, uint32_t ppm) { return ppm > 0 && rng_below(rng, YEON_CABLE_ALWAYS) < ppm; }

/* One step of Gilbert-Elliott: first the state, then the loss in it. */
static bool roll_burst(struct way *w)
{
  const struct yeon_cable_way *s = &w->set;
  if (s->burst_enter_ppm == 0) {
    w->bad = false;
    return false;
  }
  if (chance(&w->rng, w->bad ? s->burst_leave_ppm : s->burst_enter_ppm)) w->bad = !w->bad;
  return w->bad && chance(&w->rng, s->burst_loss_ppm ? s->burst_loss_ppm : YEON_CABLE_ALWAYS);
}

struct way_fate way_roll(struct way *w)
{
  const struct yeon_cable_way *s = &w->set;
  struct way_fate fate = {.lost = chance(&w->rng, s->loss_ppm)};
  fate.lost |= roll_burst(w);
  fate.duplicate = chance(&w->rng, s->duplicate_ppm);
  fate.corrupt = chance(&w->rng, s->corrupt_ppm);
  fate.reorder = chance(&w->rng, s->reorder_ppm);
  if (s->jitter_us > 0) fate.lag = (yeon_time)(rng_next(&w->rng) % ((uint64_t)s->jitter_us * 1000 + 1));
  if (fate.reorder) {
    fate.lag += (yeon_time)(s->reorder_us || s->reorder_up_to_us ? s->reorder_us : 1000) * YEON_US;
    if (s->reorder_up_to_us > 0)
      fate.lag += (yeon_time)(rng_next(&w->rng) % ((uint64_t)s->reorder_up_to_us * 1000 + 1));
  }
  return fate;
}

static struct way_sending *queue_at(const struct way *w, uint32_t i)
{
  return &w->queue[(w->queue_first + i) % w->queue_cap];
}

uint64_t way_waiting(const struct way *w) { return w->queue_n > 0 ? w->queue_bytes - queue_at(w, 0)->len : 0; }

bool way_has_room(const struct way *w, uint32_t len, uint32_t max_frames)
{
  if (w->wire.n + w->held >= max_frames || w->queue_n >= max_frames) return false;
  if (w->queue_n == 0 || w->set.queue_bytes == 0) return true; /* the sender is idle, or nothing limits it */
  return way_waiting(w) + len <= w->set.queue_bytes;
}

static bool reserve_queue(struct way *w, struct mem *mem)
{
  if (w->queue_n < w->queue_cap) return true;
  uint32_t cap = w->queue_cap ? w->queue_cap * 2 : 16;
  struct way_sending *queue = mem_alloc(mem, cap * sizeof *queue);
  if (queue == NULL) return false;
  for (uint32_t i = 0; i < w->queue_n; i++) queue[i] = *queue_at(w, i);
  mem_free(mem, w->queue, w->queue_cap * sizeof *queue);
  w->queue = queue;
  w->queue_first = 0;
  w->queue_cap = cap;
  return true;
}

bool way_reserve(struct way *w, struct mem *mem)
{
  return packet_heap_reserve(&w->wire, mem, w->held + 2) && reserve_queue(w, mem);
}

/* The due instant from departs_at and lag. */
static void plan(struct way *w, struct packet *p)
{
  p->due_at = p->departs_at + (yeon_time)w->set.delay_us * YEON_US + p->lag;
  if (p->due_at < w->last_due_at) p->due_at = w->last_due_at;
  if (!p->reordered) w->last_due_at = p->due_at;
}

static void place(struct way *w, struct packet *p)
{
  p->order = w->next_order++;
  if (p->waits) w->held--;
  p->waits = false;
  packet_heap_push(&w->wire, p);
}

static void place_twin(struct way *w, struct packet *p)
{
  p->twin->departs_at = p->departs_at;
  p->twin->due_at = p->due_at;
  place(w, p->twin);
}

/* The line takes the frame, and the frame the wire. */
static void begin(struct way *w, struct way_sending *s, yeon_time now, bool behind)
{
  s->departs_at = line_send(&w->line, &w->set, s->len, now, behind);
  if (s->packet == NULL) return;
  s->packet->departs_at = s->departs_at;
  plan(w, s->packet);
  place(w, s->packet);
  if (s->packet->twin != NULL) place_twin(w, s->packet);
}

static void enqueue(struct way *w, const struct way_sending *s)
{
  assert(w->queue_n < w->queue_cap);
  *queue_at(w, w->queue_n++) = *s;
  w->queue_bytes += s->len;
}

static void forget_first(struct way *w)
{
  w->queue_bytes -= queue_at(w, 0)->len;
  w->queue_first = (w->queue_first + 1) % w->queue_cap;
  w->queue_n--;
}

void way_send(struct way *w, uint32_t len, struct packet *p, yeon_time now)
{
  struct way_sending s = {YEON_NEVER, now, len, p};
  if (w->set.codel_target_us > 0) {
    if (w->queue_n == 0) w->free_at = now;
    if (p != NULL) {
      p->waits = true;
      w->held++;
    }
  } else {
    begin(w, &s, now, false);
  }
  if (s.departs_at > now) enqueue(w, &s);
}

void way_send_twin(struct way *w, struct packet *p, struct packet *twin)
{
  twin->duplicate = true;
  twin->waits = p->waits;
  p->twin = twin;
  if (p->waits)
    w->held++;
  else
    place_twin(w, p);
}

/* The first of the queue leaves it: judged, and sent or dropped. */
static enum way_step leave(struct way *w, struct packet **out)
{
  struct way_sending *s = queue_at(w, 0);
  struct packet *p = s->packet;
  yeon_time waited = w->free_at - s->entered_at;
  bool condemned = codel_judge(&w->codel, &w->set, s->len, waited, w->queue_bytes - s->len, w->free_at);
  bool marked = condemned && w->set.codel_marks != 0 && p != NULL && mark_ce(p);
  if (marked) codel_marked(&w->codel, &w->set);
  *out = p;
  if (!condemned || marked) {
    begin(w, s, w->free_at, waited > 0);
    return marked ? WAY_MARKED : WAY_QUIET;
  }
  forget_first(w);
  if (p == NULL) return WAY_QUIET; /* the wire would have lost it, which was told when it came */
  p->departs_at = w->free_at;
  w->held -= p->twin != NULL ? 2 : 1;
  return WAY_DROPPED;
}

enum way_step way_step(struct way *w, yeon_time now, struct packet **p)
{
  while (w->queue_n > 0) {
    yeon_time departs_at = queue_at(w, 0)->departs_at;
    if (departs_at == YEON_NEVER) {
      enum way_step step = leave(w, p);
      if (step != WAY_QUIET) return step;
    } else if (departs_at <= now) {
      w->free_at = departs_at;
      forget_first(w);
    } else {
      break;
    }
    if (w->queue_n == 0) codel_empty(&w->codel);
  }
  return WAY_QUIET;
}

yeon_time way_next(const struct way *w)
{
  yeon_time due_at = w->wire.n > 0 ? w->wire.v[0]->due_at : YEON_NEVER;
  if (w->queue_n < 2 || queue_at(w, 1)->departs_at != YEON_NEVER) return due_at;
  yeon_time free_at = queue_at(w, 0)->departs_at;
  return free_at < due_at ? free_at : due_at;
}

bool way_wants_mark(const struct way *w) { return w->set.mark_bytes > 0 && way_waiting(w) > w->set.mark_bytes; }

struct packet *way_take_waiting(struct way *w)
{
  while (w->held > 0) {
    struct packet *p = queue_at(w, 0)->packet;
    if (p != NULL && p->waits && p->twin != NULL) {
      struct packet *twin = p->twin; /* goes second */
      p->twin = NULL;
      queue_at(w, 0)->packet = twin;
    } else {
      forget_first(w);
      if (p == NULL || !p->waits) continue;
    }
    w->held--;
    return p;
  }
  return NULL;
}

/* What has departed, or is being sent, keeps its plan: nothing else may come before it. */
static yeon_time last_due_departed(const struct way *w, yeon_time departs_at)
{
  yeon_time last = 0;
  for (uint32_t i = 0; i < w->wire.n; i++) {
    const struct packet *p = w->wire.v[i];
    if (p->departs_at <= departs_at && !p->reordered && p->due_at > last) last = p->due_at;
  }
  return last;
}

/* All but the first of the queue wait, and are out of the wire. */
static void hold_back(struct way *w)
{
  for (uint32_t i = 1; i < w->queue_n; i++) {
    struct way_sending *s = queue_at(w, i);
    s->departs_at = YEON_NEVER;
    if (s->packet == NULL || s->packet->waits) continue;
    s->packet->waits = true;
    if (s->packet->twin != NULL) s->packet->twin->waits = true;
    w->held += s->packet->twin != NULL ? 2 : 1;
  }
  packet_heap_drop_waiting(&w->wire);
}

static bool same_codel(const struct yeon_cable_way *a, const struct yeon_cable_way *b)
{
  return a->codel_target_us == b->codel_target_us && a->codel_interval_us == b->codel_interval_us;
}

void way_set(struct way *w, const struct yeon_cable_way *set, yeon_time now)
{
  bool new_trace = w->set.trace != set->trace;
  if (!same_codel(&w->set, set)) w->codel = (struct codel){.count = 0};
  hold_back(w);
  w->set = *set;
  yeon_time busy_at = w->queue_n > 0 ? queue_at(w, 0)->departs_at : now;
  line_restart(&w->line, set, new_trace, busy_at, w->queue_n > 1, now);
  w->last_due_at = last_due_departed(w, busy_at);
  if (set->codel_target_us > 0) return;
  for (uint32_t i = 1; i < w->queue_n; i++) begin(w, queue_at(w, i), now, false);
}

void way_stop(struct way *w)
{
  assert(w->held == 0);
  w->queue_first = w->queue_n = 0;
  w->queue_bytes = 0;
  line_stop(&w->line);
  codel_empty(&w->codel);
  w->last_due_at = 0;
}
