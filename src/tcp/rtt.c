/* Round-trip time and the retransmission timeout (RFC 6298). One segment a round trip is timed by the clock, to the microsecond; what was
 * sent more than once is not timed (Karn), but with timestamps agreed the echo says which copy was acknowledged (RFC 7323 4.1).
 * An echo is known to the millisecond alone: it counts as one at least, and tells nothing of the least round trip, by which RACK judges. */
#include "tcp/internal.h"

#define CLOCK_G_US 1000u /* RFC 6298 2.3: the variance term counts at least as one tick of a clock as others have it */
#define ECHO_MOST_MS (10u * 60 * 1000) /* what is older is no round trip */

/* RFC 6298 section 2; variance gain 1/4, mean gain 1/8. */
static void take_sample(struct yeon_tcp *c, uint32_t r, yeon_time now)
{
  const struct yeon_tcp_options *o = &c->t->options;
  c->backoff = 0;
  c->flags2 &= ~TCP_G_UNSAMPLED;
  if (c->srtt_us == 0) {
    c->srtt_us = r;
    c->rttvar_us = r / 2;
  } else {
    uint32_t err = c->srtt_us > r ? c->srtt_us - r : r - c->srtt_us;
    c->rttvar_us = (uint32_t)((3ull * c->rttvar_us + err) / 4);
    c->srtt_us = (uint32_t)((7ull * c->srtt_us + r) / 8);
    if (c->srtt_us == 0) c->srtt_us = 1;
  }
  uint64_t variance = 4ull * c->rttvar_us > CLOCK_G_US ? 4ull * c->rttvar_us : CLOCK_G_US;
  if (o->rto_floor_on_variance && variance < o->rto_min_us) variance = o->rto_min_us;
  uint64_t rto = c->srtt_us + variance;
  if (rto < o->rto_min_us) rto = o->rto_min_us;
  if (rto > o->rto_max_us) rto = o->rto_max_us;
  c->rto_us = (uint32_t)rto;
  if (!event_wanted(c->t->events, YEON_EV_RTT)) return;
  struct yeon_event ev = tcp_event(c, YEON_EV_RTT, now);
  ev.u.rtt.sample_us = r;
  ev.u.rtt.srtt_us = c->srtt_us;
  ev.u.rtt.rttvar_us = c->rttvar_us;
  ev.u.rtt.rto_us = c->rto_us;
  event_emit(c->t->events, &ev);
}

void tcp_rtt_sample(struct yeon_tcp *c, uint32_t sample_us, yeon_time now)
{
  uint32_t r = sample_us > 0 ? sample_us : 1;
  if (c->srtt_us == 0 || r < c->rtt_min_us) c->rtt_min_us = r;
  take_sample(c, r, now);
}

void tcp_rtt_echo(struct yeon_tcp *c, const struct tcp_in *in)
{
  if ((c->flags & TCP_F_TS) == 0 || !in->s->h.has_ts || in->s->h.tsecr == 0) return;
  uint32_t ms = tcp_ts_now(c->t, &c->record.key, in->now) - in->s->h.tsecr;
  if (ms >= ECHO_MOST_MS) return;
  uint32_t r = (ms > 0 ? ms : 1) * 1000;
  if (c->srtt_us == 0) c->rtt_min_us = r + 1000; /* certainly not less than it was */
  take_sample(c, r, in->now);
}

/* RFC 6298 5.5: doubled with each expiry, up to the ceiling. */
uint32_t tcp_backoff(const struct tcp *t, uint32_t rto_us, unsigned doublings)
{
  uint64_t rto = ((uint64_t)rto_us << (doublings < 20 ? doublings : 20)) + (doublings > 0 ? t->options.rto_slop_us : 0);
  return rto > t->options.rto_max_us ? t->options.rto_max_us : (uint32_t)rto;
}

uint32_t tcp_rto_us(const struct yeon_tcp *c)
{
  uint32_t slop = c->srtt_us != 0 && c->backoff == 0 ? c->t->options.rto_slop_us : 0;
  return tcp_backoff(c->t, c->rto_us, c->backoff) + slop;
}

/* Called before snd_una moves. */
void tcp_rtt_on_ack(struct yeon_tcp *c, const struct tcp_in *in)
{
  if ((c->flags & TCP_F_TIMING) != 0) {
    if (seq_lt(in->ack, c->busy->rtt_seq)) return;
    c->flags &= ~TCP_F_TIMING;
    tcp_rtt_sample(c, (uint32_t)((in->now - c->busy->rtt_at) / YEON_US), in->now);
    return;
  }
  /* Only after a retransmission: the echo's millisecond is coarser than the clock above. */
  bool unsampled = (c->flags2 & TCP_G_UNSAMPLED) != 0;
  if (c->backoff > 0 || unsampled || (c->flags & (TCP_F_RECOVERY | TCP_F_RTO_RECOVERY)) != 0) tcp_rtt_echo(c, in);
}
