/* RFC 8289 5: how CoDel works. It looks at how long each frame has waited when it leaves the queue, for that needs no knowledge of the
 * line's rate. A queue that empties now and then is a good one: it absorbs bursts. One in which every frame of a whole interval waited longer
 * than the target stands for nothing but delay, so a frame is dropped, and the next after interval / sqrt(number dropped), until a frame comes
 * in time: the rate of TCP goes with the inverse root of the loss, so this makes it sink linearly.
 *
 * In the RFC one call drops frames in a loop until it finds one to send. Here each frame is judged by a call of its own, so that the cable can
 * tell of each; `dropped` and `dropped_first` remember where in the loop we are. */
#include "link/cable_codel.h"

#define INTERVAL_US 100000u
#define AGAIN 16 /* intervals: dropping that stopped no longer ago goes on at the pace it had */

static yeon_time interval_of(const struct yeon_cable_way *set)
{
  return (yeon_time)(set->codel_interval_us ? set->codel_interval_us : INTERVAL_US) * YEON_US;
}

static uint64_t square_root(uint64_t n)
{
  uint64_t root = 0;
  for (uint64_t bit = UINT64_C(1) << 31; bit > 0; bit >>= 1)
    if ((root | bit) * (root | bit) <= n) root |= bit;
  return root;
}

/* RFC 8289 5.6: the control law, in integers: the same on every machine. 16 bits after the point are exact to 2^-16 of the interval. */
static yeon_time control_law(const struct yeon_cable_way *set, yeon_time from, uint32_t count)
{
  return from + (yeon_time)(((uint64_t)interval_of(set) << 16) / square_root((uint64_t)count << 32));
}

/* RFC 8289 5.6, dodequeue: above target, and with more than a frame behind, since an interval ago. */
static bool above(struct codel *c, const struct yeon_cable_way *set, yeon_time waited, uint64_t behind, yeon_time now)
{
  if (waited < (yeon_time)set->codel_target_us * YEON_US || behind <= c->largest) {
    c->first_above_at = 0;
    return false;
  }
  if (c->first_above_at == 0) {
    c->first_above_at = now + interval_of(set);
    return false;
  }
  return now >= c->first_above_at;
}

static void begin(struct codel *c, const struct yeon_cable_way *set, yeon_time now)
{
  uint32_t delta = c->count - c->last_count;
  bool lately = now - c->drop_next_at < AGAIN * interval_of(set);
  c->dropping = c->dropped_first = true;
  c->count = delta > 1 && lately ? delta : 1;
  c->last_count = c->count;
  c->drop_next_at = control_law(set, now, c->count);
}

/* RFC 8289 5.5: dequeue. */
bool codel_judge(struct codel *c, const struct yeon_cable_way *set, uint32_t len, yeon_time waited, uint64_t behind,
                 yeon_time now)
{
  if (len > c->largest) c->largest = len;
  bool bad = above(c, set, waited, behind, now);
  if (c->dropped_first) {
    c->dropped_first = false;
    return false;
  }
  if (!c->dropping) {
    if (bad) begin(c, set, now);
    return bad;
  }
  if (!bad) c->dropping = false;
  if (bad && c->dropped) c->drop_next_at = control_law(set, c->drop_next_at, c->count);
  c->dropped = bad && now >= c->drop_next_at;
  c->count += c->dropped;
  return c->dropped;
}

/* RFC 8289 1 lets an explicit mark take the place of a drop. The frame is its own successor then. */
void codel_marked(struct codel *c, const struct yeon_cable_way *set)
{
  if (c->dropped) c->drop_next_at = control_law(set, c->drop_next_at, c->count);
  c->dropped = c->dropped_first = false;
}

void codel_empty(struct codel *c)
{
  c->first_above_at = 0;
  c->dropping = c->dropped = c->dropped_first = false;
}
