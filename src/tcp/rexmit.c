/* The retransmission timer (RFC 6298 section 5): each expiry doubles it, sends the oldest segment again and makes congestion control start over;
 * when the retries are spent the connection has failed (RFC 9293 3.8.3). */
#include "tcp/ecn.h"

static unsigned retries_of(const struct yeon_tcp *c)
{
  const struct yeon_tcp_options *o = &c->t->options;
  switch ((enum yeon_tcp_state)c->state) {
  case YEON_TCP_SYN_SENT: return c->extra != NULL && c->extra->retries_syn != 0 ? c->extra->retries_syn : o->retries_syn;
  case YEON_TCP_SYN_RECEIVED: return o->retries_syn_ack;
  default: return (c->flags & TCP_F_ORPHAN) != 0 ? o->retries_orphan : o->retries_data;
  }
}

/* Linux turns the number of retries into the time they would take from the smallest RTO, of a SYN from the first, and compares it with what has passed
 * since the first of them (tcp(7), tcp_retries2), or since the first SYN. */
static bool time_is_up(const struct yeon_tcp *c, unsigned retries, uint32_t first_us, yeon_time since, yeon_time now)
{
  uint64_t total = 0;
  for (unsigned i = 0; i <= retries; i++) total += tcp_backoff(c->t, first_us, i);
  return now - since >= (yeon_time)total * YEON_US;
}

/* Those a first interval apart are extra, but do not outlast the time that the retries alone would take. */
static bool syn_gave_up(const struct yeon_tcp *c, unsigned retries, yeon_time now)
{
  const struct yeon_tcp_options *o = &c->t->options;
  if (c->rexmits >= retries + o->syn_linear) return true;
  return o->syn_linear > 0 && c->rexmits > 0 && time_is_up(c, retries, o->rto_initial_us, c->heard_at, now);
}

static bool gave_up(const struct yeon_tcp *c, yeon_time now)
{
  unsigned retries = retries_of(c);
  bool handshake = c->state == YEON_TCP_SYN_SENT || c->state == YEON_TCP_SYN_RECEIVED;
  if (c->state == YEON_TCP_SYN_SENT) return syn_gave_up(c, retries, now);
  /* RFC 9293 3.8.6.1: a peer that answers, with its window closed, has not failed. */
  if (!handshake && c->snd_wnd == 0 && now - c->heard_at <= (yeon_time)tcp_rto_us(c) * YEON_US) return false;
  if (c->t->options.linux_timeout && !handshake && c->busy != NULL)
    return c->rexmits > 0 && time_is_up(c, retries, c->t->options.rto_min_us, c->busy->rexmit_since, now);
  return c->rexmits >= retries;
}

static void fail(struct yeon_tcp *c, yeon_time now)
{
  c->t->counters->tcp_timeout++;
  tcp_send_reset(c, now);
  tcp_conn_end(c, c->soft_error != 0 ? c->soft_error : YEON_ERR_TIMED_OUT, YEON_CAUSE_RTO, now);
}

/* Everything unacknowledged counts as lost, but for what the peer holds (RFC 6675 5.1) and, with RACK, what may yet arrive. */
static void lose_all(struct yeon_tcp *c, yeon_time now)
{
  /* RFC 2018 8: a block that begins where the acknowledgment ends was taken back; then none is believed. RFC 6675 5.1 would forget them all. */
  if (tcp_sent_reneged(c)) tcp_sent_forget_sacks(c);
  if (tcp_rack_on(c))
    tcp_rack_on_timeout(c, now);
  else
    tcp_sent_lose(c, c->snd_una, c->snd_max, true);
}

/* What was in flight, as far as it counts: what has arrived beyond the gap is none (RFC 5681 4.3: the threshold would be lowered twice). An interrupted
 * recovery ends first, for the window is then what it would have ended with, not what it just lets go. */
static uint32_t end_recovery(struct yeon_tcp *c)
{
  tcp_prr_end(c);
  uint32_t flight = tcp_flight(c);
  tcp_recovery_leave(c);
  return flight < c->cc.cwnd ? flight : c->cc.cwnd;
}

/* All is sent again from snd_una on, from a window of one segment. What was true before is asked first, what may be taken back is kept when all that is lost
 * is known, and before the window falls. */
static void go_back(struct yeon_tcp *c, yeon_time now)
{
  bool recovering = (c->flags & TCP_F_RECOVERY) != 0, first = (c->flags & (TCP_F_RECOVERY | TCP_F_RTO_RECOVERY)) == 0, again = c->rexmits > 1;
  /* As Linux: in the middle of a recovery the threshold is set already. */
  bool set = c->t->options.linux_congestion && recovering && seq_lt(c->snd_una, c->busy->recover);
  uint32_t flight = end_recovery(c);
  if (c->record.ecn != 0) tcp_ecn_reduced(c);
  lose_all(c, now);
  if (!again || !c->busy->undo.possible) tcp_undo_begin(c);
  cc_on_congestion(&c->cc, again || set ? CC_TIMEOUT_AGAIN : CC_TIMEOUT, flight, now);
  /* What may still arrive is not counted against the window. */
  if (tcp_rack_on(c) && !cc_ops(&c->cc)->governs_itself) c->cc.cwnd += tcp_pipe(c);
  tcp_trace_cwnd(c, "timeout", now);
  c->flags |= TCP_F_RTO_RECOVERY | TCP_F_REXMIT_HEAD;
  c->busy->recover = c->snd_max;
  c->busy->tlp.out = false;
  c->busy->rack.found = false;
  tcp_frto_begin(c, first);
}

void tcp_on_rexmit_timer(struct yeon_tcp *c, yeon_time now)
{
  bool starved = (c->flags2 & TCP_G_STARVED) != 0;
  c->flags2 &= ~TCP_G_STARVED;
  if (!tcp_outstanding(c) && !starved) {
    tcp_persist_consider(c, now); /* it ran for want of memory; now a closed window may be all that is left */
    return;
  }
  bool last = gave_up(c, now);
  tcp_fastopen_on_timeout(c, last, now);
  if (last) {
    fail(c, now);
    return;
  }
  if (c->rexmits == 0 && c->state != YEON_TCP_SYN_SENT && c->state != YEON_TCP_SYN_RECEIVED && c->busy != NULL)
    c->busy->rexmit_since = now;
  if (c->rexmits < UINT8_MAX) c->rexmits++;
  /* Behind a reset (syn_sent.c) it goes again early, which is no time-out. */
  bool early = c->rexmits == 1 && (c->flags2 & TCP_G_SYN_REXMIT) != 0;
  bool linear = c->state == YEON_TCP_SYN_SENT && (early || c->rexmits <= c->t->options.syn_linear);
  if (c->backoff < 30 && !linear) c->backoff++;
  c->t->counters->tcp_rexmit_rto++;
  c->flags &= ~TCP_F_TIMING;
  if (c->state == YEON_TCP_SYN_SENT || c->state == YEON_TCP_SYN_RECEIVED) {
    c->flags |= TCP_F_SEND_SYN;
    c->flags2 |= TCP_G_SYN_REXMIT;
  } else if (tcp_outstanding(c)) {
    tcp_plpmtu_on_timeout(c, now);
    go_back(c, now);
  }
  tcp_want_output(c);
  tcp_rexmit_start(c, now);
}
