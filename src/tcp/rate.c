/* How fast bytes arrive (draft-ietf-ccwg-bbr, "Delivery Rate Samples"): every record of what was sent remembers how much had been delivered when it left, and when
 * the last of that was. When it is acknowledged, the difference over the time between is a sample of the rate at which the path delivers. The time is
 * the longer of how long that flight took to leave and to be acknowledged, so that neither bursts out nor lumps of acknowledgments make it look fast.
 *
 * A sample is app-limited when, at some time in its flight, there was nothing to send though the window had room. */
#include "tcp/internal.h"

static uint32_t delivered(const struct yeon_tcp *c) { return (uint32_t)c->bytes_acked + c->busy->sent.sacked; }

void tcp_rate_stamp(struct yeon_tcp *c, struct tcp_sent *r, uint32_t len, yeon_time now)
{
  struct tcp_rate *rate = &c->busy->rate;
  uint32_t pipe = tcp_pipe(c);
  if (!tcp_outstanding(c) || rate->delivered_at == 0) rate->first_sent_at = rate->delivered_at = now;
  r->first_sent_at = rate->first_sent_at;
  r->delivered_at = rate->delivered_at;
  r->delivered = delivered(c);
  r->lost = c->busy->sent.ever_lost;
  r->tx_in_flight = pipe + len;
  r->flags = rate->app_limited_until != 0 ? r->flags | TCP_SENT_APP_LIMITED : r->flags & (uint8_t)~TCP_SENT_APP_LIMITED;
}

/* The end of what may be app-limited: all that is in flight now. Never 0. */
static void mark_app_limited(struct yeon_tcp *c) { c->busy->rate.app_limited_until = (delivered(c) + tcp_pipe(c)) | 1u; }

void tcp_rate_consider_app(struct yeon_tcp *c)
{
  if (c->busy == NULL || tcp_due(c) || tcp_pipe(c) >= c->cc.cwnd) return;
  uint32_t unsent = seq_lt(c->snd_nxt, tcp_snd_end(c)) ? tcp_snd_end(c) - c->snd_nxt : 0;
  if (unsent >= c->snd_mss || tcp_timer_on(c, YEON_TIMER_PACE)) return;
  mark_app_limited(c);
}

void tcp_rate_on_ack(struct yeon_tcp *c, const struct tcp_news *news, struct cc_ack *a)
{
  struct tcp_rate *rate = &c->busy->rate;
  const struct tcp_sent *r = &news->newest;
  uint32_t so_far = delivered(c);
  if (rate->app_limited_until != 0 && seq_gt(so_far, rate->app_limited_until)) rate->app_limited_until = 0;
  if ((c->cc.habits & CC_SAMPLES_LOW) != 0) mark_app_limited(c);
  rate->delivered_at = news->now;
  if (!news->any || r->delivered_at == 0 || seq_lt(so_far, r->delivered)) return; /* less than then: the peer has reneged */
  rate->first_sent_at = r->sent_at;
  yeon_time out = r->sent_at - r->first_sent_at, back = news->now - r->delivered_at, longer = out > back ? out : back;
  uint32_t interval_us = longer / YEON_US < UINT32_MAX ? (uint32_t)(longer / YEON_US) : UINT32_MAX;
  a->rate.delivered = so_far - r->delivered;
  a->rate.prior_delivered = a->delivered - a->rate.delivered;
  a->rate.lost = c->busy->sent.ever_lost - r->lost;
  a->rate.tx_in_flight = r->tx_in_flight;
  a->rate.app_limited = (r->flags & TCP_SENT_APP_LIMITED) != 0;
  /* Shorter than any round trip: of a copy that had arrived before it was sent again. */
  a->rate.interval_us = interval_us < c->rtt_min_us ? 0 : interval_us;
}
