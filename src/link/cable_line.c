/* Two kinds of line.
 *
 * A rate: a frame begins when the one before it is done and takes len * 8 / rate. A token bucket of B bytes in front of it lets frames
 * leave ahead of that, by no more than the time that B bytes take: the bucket is full when the line would be idle, and empty when frames leave
 * as the rate has it. So the bucket is no state of its own, but a subtraction.
 *
 * A trace: stamps, each of which lets YEON_CABLE_TRACE_BYTES through. A frame takes what the latest stamp has left, if frames have
 * been waiting since, and as many stamps more as it needs. */
#include "link/cable_line.h"

#include "link/cable_trace.h"

#define TRACE_EXTRA 4u /* bytes of each frame */

static yeon_time last_of(yeon_time at) { return at < YEON_TIME_LAST ? at : YEON_TIME_LAST; }

/* How far frames may run ahead of the rate, in the form of busy_at and busy_part. */
static yeon_time credit(const struct yeon_cable_way *set, uint64_t *part)
{
  uint64_t num = (uint64_t)set->bucket_bytes * 8 * (uint64_t)YEON_SEC;
  *part = num % set->rate_bps;
  return (yeon_time)(num / set->rate_bps);
}

static yeon_time send_rate(struct line *l, const struct yeon_cable_way *set, uint32_t len, yeon_time now)
{
  if (l->busy_at < now) {
    l->busy_at = now;
    l->busy_part = 0;
  }
  if (set->rate_bps == 0) return l->busy_at + (l->busy_part != 0);
  uint64_t num = l->busy_part + (uint64_t)len * 8 * (uint64_t)YEON_SEC, part;
  l->busy_at = last_of(l->busy_at + (yeon_time)(num / set->rate_bps)); /* a long queue at a bit a second: not in this age */
  l->busy_part = num % set->rate_bps;
  yeon_time at = l->busy_at - credit(set, &part);
  if (l->busy_part < part) at--;
  at += l->busy_part != part; /* rounded up */
  return at > now ? at : now;
}

/* The stamp after `now` is the next to be used. */
static void seek(struct line *l, const struct yeon_cable_trace *t, yeon_time now)
{
  yeon_time round = (yeon_time)t->ms[t->n - 1] * YEON_MS;
  l->cycle_at = l->trace_at + (now - l->trace_at) / round * round;
  l->next = trace_after(t, now - l->cycle_at);
  l->stamp_at = now;
  l->left = 0;
}

static yeon_time send_trace(struct line *l, const struct yeon_cable_trace *t, uint32_t len, yeon_time now, bool behind)
{
  if (l->stamp_at <= now && !behind) seek(l, t, now);
  for (uint32_t need = len + TRACE_EXTRA; need > 0;) {
    if (l->left == 0) {
      l->stamp_at = last_of(l->cycle_at + (yeon_time)t->ms[l->next] * YEON_MS);
      l->left = YEON_CABLE_TRACE_BYTES;
      if (++l->next == t->n) {
        l->next = 0;
        l->cycle_at = l->stamp_at;
      }
    }
    uint32_t used = need < l->left ? need : l->left;
    need -= used;
    l->left -= used;
  }
  return l->stamp_at;
}

yeon_time line_send(struct line *l, const struct yeon_cable_way *set, uint32_t len, yeon_time now, bool behind)
{
  return set->trace != NULL ? send_trace(l, set->trace, len, now, behind) : send_rate(l, set, len, now);
}

void line_restart(struct line *l, const struct yeon_cable_way *set, bool new_trace, yeon_time busy_at, bool waiting,
                  yeon_time now)
{
  l->busy_at = busy_at;
  l->busy_part = 0;
  if (waiting && set->rate_bps > 0) l->busy_at = last_of(busy_at + credit(set, &l->busy_part));
  if (new_trace) l->trace_at = now;
  if (set->trace != NULL) seek(l, set->trace, busy_at);
}

void line_stop(struct line *l)
{
  l->busy_at = 0;
  l->busy_part = 0;
  l->stamp_at = 0;
  l->left = 0;
}
