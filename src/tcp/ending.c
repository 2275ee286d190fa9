/* A reset that stands behind what may still leave (RFC 9293 3.6.1, 3.10.4, 3.10.5; docs/decisions/0021).
 *
 * A kernel sends inside the call that writes. Here output is asked for, so at the instant of a close that must reset (bytes unread, linger 0), of an abort, or
 * when text comes for a connection that nobody holds any more, bytes may stand in the send buffer only because nobody has asked yet. They are not lost:
 * the connection becomes one that is ending, a kind of record of its own. It keeps its state, and its place among those with something to send; output takes
 * from it what the windows, congestion control and Nagle let go at once, then the reset, whose number so is behind them, and with that the record is
 * gone. Pacing is waived, for it only spreads over time and there is no later; and nothing is bet on a probe of the path.
 *
 * Meanwhile it is deaf: what arrives, ICMP too, can change neither what was sent before the call nor the call. (Were it out of the table, the
 * answer to a stray segment would overtake the bytes: a reset.) And it is in nobody's way: its port is free at once, and it goes early, the
 * reset alone, when its place is needed for a new connection, when its four-tuple is, or when its link has not asked for a second. */
#include "tcp/internal.h"

#define PATIENCE YEON_SEC

/* RFC 9293 3.10.5, CLOSING and LAST-ACK: both sides have said all, and a reset would tell the peer nothing; unread bytes are lost, though. */
static bool all_is_said(const struct yeon_tcp *c)
{
  bool both_ended = c->state == YEON_TCP_CLOSING || c->state == YEON_TCP_LAST_ACK;
  return both_ended && (c->flags & TCP_F_FIN_SENT) != 0 && ring_len(c->rcv) == 0;
}

/* Bytes, or a FIN, that have not been sent or are due again. Whether they may leave now is for output to find out. */
static bool has_words(const struct yeon_tcp *c)
{
  /* RFC 7413 4.2.2: a SYN that is to bear data; any other says nothing of the program's. */
  if (c->state == YEON_TCP_SYN_SENT)
    return c->snd_max == c->iss && (c->flags & TCP_F_SEND_SYN) != 0 && (c->flags2 & TCP_G_FASTOPEN) != 0 && ring_len(c->snd) > 0;
  if (c->state < YEON_TCP_ESTABLISHED && !tcp_is_early(c)) return false;
  if ((c->flags & TCP_F_REXMIT_HEAD) != 0 || tcp_due(c)) return true;
  bool fin = (c->flags & (TCP_F_FIN_QUEUED | TCP_F_FIN_SENT)) == TCP_F_FIN_QUEUED;
  return fin || seq_lt(seq_max(c->snd_nxt, tcp_snd_base(c)), tcp_snd_end(c));
}

void tcp_ending_over(struct yeon_tcp *c, yeon_time now)
{
  bool closed = (c->flags & TCP_F_FIN_QUEUED) != 0, over = c->state == YEON_TCP_CLOSED || (closed && c->state == YEON_TCP_SYN_SENT);
  if ((c->flags2 & TCP_G_REFUSES) != 0)
    tcp_send_refusal(c, c->snd_wl2);
  else if (!all_is_said(c))
    tcp_send_reset(c, now);
  tcp_conn_end(c, over ? 0 : YEON_ERR_ABORTED, closed ? YEON_CAUSE_CALL_CLOSE : YEON_CAUSE_CALL_ABORT, now);
}

/* What has words but may say none of them now costs no more than a record until the next output. */
void tcp_ending_begin(struct yeon_tcp *c, yeon_time now)
{
  assert((c->flags & TCP_F_ORPHAN) != 0 && c->record.kind == TCP_KIND_CONN);
  if (!has_words(c)) {
    tcp_ending_over(c, now);
    return;
  }
  tcp_conn_become_ending(c);
  c->flags &= ~(TCP_F_ACK_NOW | TCP_F_PROBE | TCP_F_KEEPALIVE_PROBE);
  c->acks_owed = 0;
  c->flags2 &= ~TCP_G_PACED;
  if (c->extra != NULL) c->extra->search_high = 0;
  tcp_timers_forget(c);
  tcp_timer_set(c, YEON_TIMER_USER, now + PATIENCE, now);
  tcp_list_push(c->t, &c->t->ending, c);
  tcp_want_output(c);
}

void tcp_ending_timer(struct yeon_tcp *c, yeon_time now)
{
  yeon_time at = tcp_timer_at(c, YEON_TIMER_USER);
  if (at <= now) {
    tcp_ending_over(c, now);
    return;
  }
  /* A timer that sending has set: nothing will be sent again. */
  tcp_timers_forget(c);
  tcp_timer_set(c, YEON_TIMER_USER, at, now);
}

bool tcp_ending_hurry(struct tcp *t, yeon_time now)
{
  if (t->ending.first == 0) return false;
  tcp_ending_over(tcp_conn(t, t->ending.first), now);
  return true;
}
