/* The plan of one direction. A frame's instants are computed when it is put in: it begins to be sent when the frame before it is done, departs
 * len * 8 / rate later, and is due after delay and lag. Everything is then in the heap by its due instant; the queue is only kept to
 * know how many bytes wait, and to plan them anew when the settings change. Chance is drawn from a generator of the direction's own, so
 * that traffic the other way does not change the luck of this one. */
#include "link/cable_way.h"

#include <assert.h>
#include <string.h>

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
  if (fate.reorder) fate.lag += (yeon_time)(s->reorder_us ? s->reorder_us : 1000) * YEON_US;
  return fate;
}

static struct way_sending *queue_at(const struct way *w, uint32_t i)
{
  return &w->queue[(w->queue_first + i) % w->queue_cap];
}

void way_advance(struct way *w, yeon_time now)
{
  while (w->queue_n > 0 && queue_at(w, 0)->departs_at <= now) {
    w->queue_bytes -= queue_at(w, 0)->len;
    w->queue_first = (w->queue_first + 1) % w->queue_cap;
    w->queue_n--;
  }
}

uint64_t way_waiting(const struct way *w) { return w->queue_n > 0 ? w->queue_bytes - queue_at(w, 0)->len : 0; }

bool way_has_room(const struct way *w, uint32_t len, uint32_t max_frames)
{
  if (w->wire.n >= max_frames || w->queue_n >= max_frames) return false;
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
  return packet_heap_reserve(&w->wire, mem, 2) && reserve_queue(w, mem);
}

/* When the last bit of a frame that may begin now leaves the sender, rounded up. */
static yeon_time serialise(struct way *w, uint32_t len, yeon_time now)
{
  if (w->busy_at < now) {
    w->busy_at = now;
    w->busy_part = 0;
  }
  if (w->set.rate_bps > 0) {
    uint64_t num = w->busy_part + (uint64_t)len * 8 * (uint64_t)YEON_SEC;
    w->busy_at += (yeon_time)(num / w->set.rate_bps);
    w->busy_part = num % w->set.rate_bps;
    if (w->busy_at > YEON_TIME_LAST) w->busy_at = YEON_TIME_LAST; /* a long queue at a bit a second: not in this age */
  }
  return w->busy_at + (w->busy_part != 0);
}

/* The due instant from departs_at and lag. */
static void plan(struct way *w, struct packet *p)
{
  p->due_at = p->departs_at + (yeon_time)w->set.delay_us * YEON_US + p->lag;
  if (p->due_at < w->last_due_at) p->due_at = w->last_due_at;
  if (!p->reordered) w->last_due_at = p->due_at;
}

void way_send(struct way *w, uint32_t len, struct packet *p, yeon_time now)
{
  yeon_time departs_at = serialise(w, len, now);
  if (departs_at > now) {
    assert(w->queue_n < w->queue_cap);
    *queue_at(w, w->queue_n++) = (struct way_sending){departs_at, len, p};
    w->queue_bytes += len;
  }
  if (p == NULL) return;
  p->departs_at = departs_at;
  p->order = w->next_order++;
  plan(w, p);
  packet_heap_push(&w->wire, p);
}

void way_send_twin(struct way *w, struct packet *p, struct packet *twin)
{
  twin->departs_at = p->departs_at;
  twin->due_at = p->due_at;
  twin->order = w->next_order++;
  twin->duplicate = true;
  p->twin = twin;
  packet_heap_push(&w->wire, twin);
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

void way_set(struct way *w, const struct yeon_cable_way *set, yeon_time now)
{
  way_advance(w, now);
  w->set = *set;
  w->busy_at = w->queue_n > 0 ? queue_at(w, 0)->departs_at : now;
  w->busy_part = 0;
  w->last_due_at = last_due_departed(w, w->busy_at);
  for (uint32_t i = 1; i < w->queue_n; i++) {
    struct way_sending *s = queue_at(w, i);
    s->departs_at = serialise(w, s->len, now);
    if (s->packet == NULL) continue;
    s->packet->departs_at = s->departs_at;
    plan(w, s->packet);
    if (s->packet->twin == NULL) continue;
    s->packet->twin->departs_at = s->departs_at;
    s->packet->twin->due_at = s->packet->due_at;
  }
  packet_heap_rebuild(&w->wire);
}

void way_stop(struct way *w)
{
  w->queue_first = w->queue_n = 0;
  w->queue_bytes = 0;
  w->busy_at = 0;
  w->busy_part = 0;
  w->last_due_at = 0;
}
