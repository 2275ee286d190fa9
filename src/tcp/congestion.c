/* Where TCP meets congestion control: the algorithm is begun, lent its state, told of acknowledgments, and asked for nothing: its window is
 * read where segments are sent. RFC 5681, RFC 6928. */
#include <string.h>

#include "tcp/internal.h"

_Static_assert(sizeof((struct tcp_busy *)0)->cc_state >= CC_BORROWED_BYTES, "room for any state that is lent");

void tcp_congestion_begin(struct yeon_tcp *c, yeon_time now)
{
  uint32_t initial = cc_initial_window(c->snd_mss, c->t->options.initial_window_segments);
  /* RFC 5681 3.1: after a lost SYN or SYN-ACK, one segment. */
  if ((c->flags2 & TCP_G_SYN_REXMIT) != 0) initial = c->snd_mss;
  cc_init(&c->cc, (enum yeon_congestion)c->cc.algorithm, c->snd_mss, initial, NULL, now);
  if (c->busy != NULL) tcp_congestion_lend(c);
}

void tcp_congestion_lend(struct yeon_tcp *c)
{
  if (c->cc.cwnd != 0 && c->cc.state == NULL) cc_adopt(&c->cc, c->busy->cc_state);
}

void tcp_congestion_take_back(struct yeon_tcp *c)
{
  if (!cc_ops(&c->cc)->held) cc_release(&c->cc);
}

/* fresh: bytes of which nothing was known before. */
void tcp_congestion_on_ack(struct yeon_tcp *c, uint32_t fresh, yeon_time now)
{
  struct cc_ack a = {.acked = fresh,
                     .in_flight = tcp_flight(c),
                     .flight_max = c->busy->flight_max,
                     .srtt_us = c->srtt_us,
                     .in_recovery = (c->flags & TCP_F_RECOVERY) != 0,
                     .delivered = c->bytes_acked,
                     .now = now};
  uint32_t before = c->cc.cwnd;
  cc_on_ack(&c->cc, &a);
  if (c->cc.cwnd != before) tcp_trace_cwnd(c, c->cc.cwnd <= c->cc.ssthresh ? "slow start" : "avoidance", now);
}
