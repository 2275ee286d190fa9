/* SEGMENT ARRIVES (RFC 9293 3.10.7): finds the record, and for a connection walks the steps of 3.10.7.4 in the RFC's order, one function a
 * step. LISTEN, SYN-SENT, half-open and TIME-WAIT have files of their own. */
#include "tcp/ecn.h"

bool tcp_acceptable(uint32_t seq, uint32_t len, uint32_t rcv_nxt, uint32_t rcv_wnd)
{
  /* RFC 9293 3.10.7.4, first: table 6. */
  if (len == 0) return rcv_wnd == 0 ? seq == rcv_nxt : seq_in(seq, rcv_nxt, rcv_nxt + rcv_wnd);
  if (rcv_wnd == 0) return false;
  return seq_in(seq, rcv_nxt, rcv_nxt + rcv_wnd) || seq_in(seq + len - 1, rcv_nxt, rcv_nxt + rcv_wnd);
}

/* Second: RST. Exactly the next byte, or a challenge (RFC 5961 section 3). */
static enum tcp_step step_reset(struct tcp_in *in, struct yeon_tcp *c)
{
  if ((in->flags & YEON_TCP_RST) == 0) return TCP_GO_ON;
  if (in->t->options.challenge_ack && in->seq != c->rcv_nxt) {
    tcp_challenge(in, c);
    return TCP_STOP;
  }
  in->t->counters->tcp_reset_in++;
  int error = YEON_ERR_RESET;
  if (c->state == YEON_TCP_SYN_RECEIVED && (c->flags & TCP_F_PASSIVE) == 0) {
    error = YEON_ERR_REFUSED;
    in->t->counters->tcp_refused++;
  }
  /* With both streams at their end it is no failure; bytes that were never acknowledged are. */
  bool closing = c->state == YEON_TCP_CLOSING || c->state == YEON_TCP_LAST_ACK || c->state == YEON_TCP_TIME_WAIT;
  if (in->t->options.late_reset_is_error && c->state != YEON_TCP_TIME_WAIT) closing = false;
  if (closing && ring_len(c->snd) == 0) error = 0;
  tcp_conn_end(c, error, YEON_CAUSE_RST, in->now);
  return TCP_STOP;
}

/* Fourth: a SYN in a synchronized state is challenged whatever its number (RFC 5961 section 4). */
static enum tcp_step step_syn(struct tcp_in *in, struct yeon_tcp *c)
{
  if ((in->flags & YEON_TCP_SYN) == 0) return TCP_GO_ON;
  if (in->t->options.challenge_ack || c->state == YEON_TCP_TIME_WAIT) {
    tcp_challenge(in, c);
  } else {
    tcp_send_reset(c, in->now);
    tcp_conn_end(c, YEON_ERR_RESET, YEON_CAUSE_SYN, in->now);
  }
  return TCP_STOP;
}

static void input_others(struct tcp_in *in, struct yeon_tcp *c)
{
  if (tcp_step_sequence(in, c) == TCP_STOP) return;
  if (step_reset(in, c) == TCP_STOP) return;
  if (step_syn(in, c) == TCP_STOP) return;
  if (tcp_step_ack(in, c) == TCP_STOP) return;
  if (in->repeat) tcp_ack_now(c);
  if (c->record.ecn != 0) tcp_ecn_received(in, c);
  tcp_remember_timestamp(in, c);
  tcp_user_timeout_heard(c, &in->s->h, in->now);
  tcp_step_urgent(in, c);
  tcp_step_text(in, c);
  tcp_step_fin(in, c);
}

static void remember(struct tcp_in *in, const struct yeon_tcp *c)
{
  in->id = c->id;
  in->iss = c->iss;
  in->irs = c->irs;
  in->has_conn = true;
}

void tcp_input_conn(struct tcp_in *in, struct yeon_tcp *c)
{
  remember(in, c);
  c->segs_in += in->s->segs > 0 ? in->s->segs : 1u;
  in->window = in->s->h.window;
  if ((in->flags & YEON_TCP_SYN) == 0) in->window <<= c->snd_wscale;
  if (c->state == YEON_TCP_TIME_WAIT && tcp_time_wait_syn(in, c) == TCP_STOP) return;
  if (c->state == YEON_TCP_TIME_WAIT && tcp_time_wait_bsd(in, c) == TCP_STOP) return;
  if (c->state == YEON_TCP_SYN_SENT)
    tcp_input_syn_sent(in, c);
  else
    input_others(in, c);
}

/* RFC 9293 3.10.7.1: no connection. */
static void input_closed(struct tcp_in *in)
{
  in->verdict = YEON_VERDICT_NO_CONNECTION;
  tcp_reply_reset(in);
}

/* What waits to send its reset is deaf (ending.c). */
static void input_ending(struct tcp_in *in, const struct yeon_tcp *c)
{
  remember(in, c);
  in->verdict = YEON_VERDICT_NO_CONNECTION;
}

static void input_unknown(struct tcp_in *in, const struct tcp_key *key)
{
  struct yeon_tcp *listener = tcp_find_listener(in->t, key);
  if (listener != NULL)
    tcp_input_listen(in, listener, false, 0);
  else
    input_closed(in);
}

static void count(struct tcp_in *in)
{
  struct yeon_counters *n = in->t->counters;
  switch ((enum yeon_verdict)in->verdict) {
  case YEON_VERDICT_NO_CONNECTION: n->tcp_no_connection++; break;
  case YEON_VERDICT_MALFORMED: n->tcp_bad_flags++; break;
  case YEON_VERDICT_OUT_OF_WINDOW: n->tcp_out_of_window++; break;
  case YEON_VERDICT_PAWS: n->tcp_paws++; break;
  case YEON_VERDICT_BAD_ACK: n->tcp_bad_ack++; break;
  case YEON_VERDICT_DUPLICATE: n->tcp_duplicate++; break;
  case YEON_VERDICT_OUT_OF_ORDER: n->tcp_out_of_order++; break;
  case YEON_VERDICT_NO_ROOM: n->tcp_no_room++; break;
  default: break;
  }
}

void tcp_input(struct tcp *t, const struct tcp_segment *s, yeon_time now)
{
  struct tcp_in in = {.s = s, .t = t, .now = now, .seq = s->h.seq, .ack = s->h.ack, .len = s->len, .flags = s->h.flags};
  struct tcp_key key = tcp_key_of(s);
  uint32_t id = tcp_find(t, &key);
  in.window = s->h.window;
  const uint8_t both = YEON_TCP_SYN | YEON_TCP_FIN;
  if (t->options.drop_syn_fin && (in.flags & both) == both)
    in.verdict = YEON_VERDICT_MALFORMED;
  else if (id == 0)
    input_unknown(&in, &key);
  else if (tcp_kind(id) == TCP_KIND_CONN)
    tcp_input_conn(&in, tcp_conn(t, id));
  else if (tcp_kind(id) == TCP_KIND_HALF_OPEN && tcp_half_open_forsaken(t, id, now))
    input_unknown(&in, &key);
  else if (tcp_kind(id) == TCP_KIND_HALF_OPEN)
    tcp_input_half_open(&in, id);
  else if (tcp_kind(id) == TCP_KIND_TIME_WAIT)
    tcp_input_time_wait(&in, id);
  else
    input_ending(&in, tcp_conn(t, id & TCP_NUMBER_MASK));
  count(&in);
  tcp_trace_in(&in);
}
