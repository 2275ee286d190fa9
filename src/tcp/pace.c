/* Pacing: what the window allows does not leave in one burst, but spread over the round trip, in small quanta, so that queues on the way stay short.
 *
 * A quantum is what a millisecond of the rate comes to, two segments at least, so that timers stay few; it leaves at once (as one super-segment where the
 * link can cut), and the next one when its time at that rate has passed. Time in which nothing was sent is not made up for, but for one millisecond, so that
 * a late timer costs nothing. The first ten segments of a connection, or after a pause, leave unpaced.
 *
 * The rate is what the algorithm says, or a multiple of cwnd / srtt (options.pacing_percent, twice that in slow start), bounded by what
 * the application allows (YEON_TCP_MAX_PACING_RATE). A segment at the head that is sent again (after a time-out) does not wait. */
#include "tcp/internal.h"

#define LATE_MOST YEON_MS /* so late a timer may be, and nothing is lost */
#define BURST_SEGMENTS 10u /* at the beginning, RFC 6928's window */

void tcp_pace_consider(struct yeon_tcp *c)
{
  bool limited = c->extra != NULL && c->extra->max_pacing_rate != 0;
  bool paced = c->t->options.pacing || cc_ops(&c->cc)->paced || limited;
  c->flags2 = paced ? c->flags2 | TCP_G_PACED : c->flags2 & ~TCP_G_PACED;
  c->cc.habits = (uint8_t)(paced ? c->cc.habits | CC_IS_PACED : c->cc.habits & ~CC_IS_PACED);
}

/* As Linux: the faster rate until half the threshold is reached. */
uint64_t tcp_pace_measure(const struct yeon_tcp *c)
{
  const struct yeon_tcp_options *o = &c->t->options;
  uint64_t percent = c->cc.cwnd < c->cc.ssthresh / 2 ? o->pacing_slow_start_percent : o->pacing_percent;
  return c->srtt_us == 0 ? 0 : c->cc.cwnd * 10000ull * percent / c->srtt_us;
}

uint64_t tcp_pace_rate(const struct yeon_tcp *c)
{
  if (!tcp_paced(c) || c->cc.cwnd == 0) return 0;
  uint64_t rate = cc_pacing_rate(&c->cc), limit = c->extra != NULL ? c->extra->max_pacing_rate : 0;
  if (rate == 0) rate = tcp_pace_measure(c);
  return limit != 0 && (rate == 0 || rate > limit) ? limit : rate;
}

static uint32_t quantum_of(const struct yeon_tcp *c, uint64_t rate)
{
  return cc_quantum(rate, c->snd_mss) / c->snd_mss * c->snd_mss; /* whole segments */
}

/* With nothing in flight, an answer of a few segments is not to wait; but an algorithm that lives by pacing has it from the second flight on. */
static bool may_burst(const struct yeon_tcp *c)
{
  return c->busy->pace_at == 0 && (c->bytes_acked == 0 || !cc_ops(&c->cc)->paced);
}

uint32_t tcp_pace_allow(struct yeon_tcp *c, uint32_t len, yeon_time now)
{
  struct tcp_busy *b = tcp_busy(c);
  uint64_t rate = tcp_pace_rate(c);
  uint32_t size = tcp_segment_size(c);
  if (b == NULL) return 0;
  if (rate == 0) return len;
  if (b->pace_left == 0) {
    if (now < b->pace_at) {
      tcp_timer_set(c, YEON_TIMER_PACE, b->pace_at, now);
      return 0;
    }
    b->pace_left = may_burst(c) ? BURST_SEGMENTS * c->snd_mss : quantum_of(c, rate);
    if (b->pace_at < now - LATE_MOST) b->pace_at = now - LATE_MOST;
  }
  uint32_t whole = (b->pace_left + size - 1) / size * size;
  return len < whole ? len : whole;
}

void tcp_pace_sent(struct yeon_tcp *c, uint32_t len)
{
  struct tcp_busy *b = c->busy;
  uint64_t rate = tcp_pace_rate(c);
  b->pace_left = b->pace_left > len ? b->pace_left - len : 0;
  if (rate != 0) b->pace_at += (yeon_time)(len * (uint64_t)YEON_SEC / rate);
}

void tcp_on_pace_timer(struct yeon_tcp *c, yeon_time now)
{
  (void)now;
  tcp_want_output(c);
}
