/* SYN-SENT (RFC 9293 3.10.7.3), and what entering ESTABLISHED means for either side. */
#include "tcp/ecn.h"

#define BEHIND_RESET (10 * YEON_MS) /* Linux waits two ticks of its clock */
#define MSS_FLOOR 64u /* less is an attack on our packet rate (Linux floors at 48 with its options) */

static uint32_t whole_segments(const struct yeon_tcp *c, uint32_t bytes)
{
  uint32_t mss = c->snd_mss + ((c->flags & TCP_F_TS) != 0 ? 12u : 0u);
  return (bytes + mss - 1) / mss * mss;
}

void tcp_take_syn_options(struct yeon_tcp *c, const struct wire_tcp *h, yeon_time now)
{
  const struct yeon_tcp_options *o = &c->t->options;
  struct wire_tcp none;
  if (c->extra != NULL && c->extra->no_options) {
    wire_tcp_init(&none);
    h = &none;
  }
  uint32_t mss = h->mss != 0 ? h->mss : (yeon_ip_is4(&c->record.key.remote) ? 536u : 1220u);
  c->peer_mss = (uint16_t)(mss > MSS_FLOOR ? mss : MSS_FLOOR);
  if (h->wscale >= 0 && o->window_scale) {
    c->flags |= TCP_F_WSCALE;
    c->snd_wscale = (uint8_t)(h->wscale < 14 ? h->wscale : 14) & 0xfu;
    c->rcv_wscale = tcp_window_scale_for(o, c->rcvbuf, (c->flags & TCP_F_RCVBUF_FIXED) != 0) & 0xfu;
  } else {
    c->rcv_wscale = 0;
  }
  if (h->has_ts && o->timestamps) {
    c->flags |= TCP_F_TS;
    c->ts_recent = h->tsval;
    c->ts_recent_s = (uint32_t)((now - c->t->epoch) / YEON_SEC);
  }
  if (h->sack_ok && o->sack) c->flags |= TCP_F_SACK;
  tcp_update_mss(c);
  if (o->whole_segments) {
    c->rcvbuf = whole_segments(c, c->rcvbuf);
    c->sndbuf = whole_segments(c, c->sndbuf);
  }
}

void tcp_established(struct yeon_tcp *c, enum yeon_cause cause, yeon_time now)
{
  bool early = tcp_is_early(c);
  if (!early) tcp_congestion_begin(c, now);
  c->rexmits = 0;
  c->backoff = 0;
  c->heard_at = now;
  if (early) tcp_fastopen_over(c, false, now);
  tcp_window_begin(c, now);
  /* RFC 6298 5.7: no sample, and the SYN needed more than one try. */
  if (c->srtt_us == 0 && (c->flags2 & TCP_G_SYN_REXMIT) != 0 && c->rto_us < 3000000) c->rto_us = 3000000;
  if (tcp_outstanding(c))
    tcp_rexmit_start(c, now); /* data went with the SYN or the SYN-ACK, or behind it */
  else
    tcp_timer_stop(c, YEON_TIMER_REXMIT, now);
  tcp_plpmtu_start(c);
  tcp_set_state(c, YEON_TCP_ESTABLISHED, cause, now);
  tcp_trace_cwnd(c, "initial", now);
  if ((c->flags & TCP_F_FIN_QUEUED) != 0) tcp_set_state(c, YEON_TCP_FIN_WAIT_1, YEON_CAUSE_CALL_CLOSE, now);
  tcp_keepalive_start(c, now);
  c->flags2 |= TCP_G_UTO_DUE; /* told once more: a SYN's options may have been lost on the way (RFC 5482 section 3) */
  tcp_user_timeout_start(c, now);
  tcp_notify(c, YEON_WRITABLE);
  tcp_want_output(c);
}

/* It echoes the first of our SYNs, however often that has gone since: none was lost. */
static bool answers_first(const struct tcp_in *in, const struct yeon_tcp *c)
{
  const struct wire_tcp *h = &in->s->h;
  return in->t->options.timestamps && h->has_ts && h->tsecr == tcp_ts_now(in->t, &c->record.key, c->heard_at);
}

/* Fourth: the SYN itself. */
static void take_syn(struct tcp_in *in, struct yeon_tcp *c, bool ack_ok)
{
  const struct wire_tcp *h = &in->s->h;
  c->irs = in->irs = h->seq;
  c->rcv_nxt = c->last_ack = h->seq + 1;
  uint16_t mss = tcp_announced_mss(&c->record.key.remote, c->t->link_mtu[c->link], tcp_mss_limit(c));
  c->rcv_adv = c->rcv_nxt + tcp_first_window(&c->t->options, c->rcvbuf, mss);
  tcp_take_syn_options(c, h, in->now);
  if (ack_ok && answers_first(in, c)) c->flags2 &= ~TCP_G_SYN_REXMIT;
  c->heard_at = in->now;
  tcp_user_timeout_heard(c, h, in->now);
  tcp_ecn_take_syn(in, c, ack_ok);
  if (!ack_ok) {
    c->snd_wnd = c->max_snd_wnd = h->window;
    c->snd_wl1 = h->seq;
    c->snd_wl2 = h->ack;
    tcp_set_state(c, YEON_TCP_SYN_RECEIVED, YEON_CAUSE_SYN, in->now);
    c->flags |= TCP_F_SEND_SYN;
    tcp_want_output(c);
    if (c->t->options.keep_syn_text) tcp_text_keep(in, c);
    return;
  }
  c->flags &= ~TCP_F_SEND_SYN; /* the timer may have asked for it again just before */
  tcp_rtt_on_ack(c, in);
  tcp_fastopen_on_answer(c, h, in->now);
  tcp_advance(c, h->ack, &(struct tcp_news){0}, in->now);
  tcp_fastopen_resend(c, h->ack);
  c->snd_wnd = c->max_snd_wnd = h->window;
  c->snd_wl1 = h->seq;
  c->snd_wl2 = h->ack;
  in->t->counters->tcp_opened_active++;
  tcp_ack_now(c);
  tcp_established(c, YEON_CAUSE_SYN_ACK, in->now);
  if (c->record.ecn != 0) tcp_ecn_greet(c, in->now);
  /* Text or FIN on the SYN-ACK: from the sixth step of 3.10.7.4 on. */
  in->seq++;
  in->flags &= (uint8_t)~YEON_TCP_SYN;
  if (in->len == 0 && (in->flags & YEON_TCP_FIN) == 0) return;
  if (in->len > tcp_rcv_room(c)) {
    in->len = tcp_rcv_room(c);
    in->flags &= (uint8_t)~YEON_TCP_FIN;
  }
  tcp_step_urgent(in, c);
  tcp_step_text(in, c);
  tcp_step_fin(in, c);
}

/* The timestamp that came back is one that our SYNs had. */
static bool echo_is_ours(const struct tcp_in *in, const struct yeon_tcp *c)
{
  const struct wire_tcp *h = &in->s->h;
  const struct yeon_tcp_options *o = &in->t->options;
  if (!o->check_syn_echo || !o->timestamps || !h->has_ts || h->tsecr == 0) return true;
  uint32_t first = tcp_ts_now(in->t, &c->record.key, c->heard_at), last = tcp_ts_now(in->t, &c->record.key, in->now);
  return seq_ge(h->tsecr, first) && seq_le(h->tsecr, last);
}

/* RFC 9293 3.5.1: who answers so has a connection of old, and the reset that goes out now ends it (figure 9 goes on with the SYN). So the SYN goes
 * again soon behind the reset instead of a second later; once, and not if it has gone again already. */
static void ask_again(struct tcp_in *in, struct yeon_tcp *c)
{
  if (!in->t->options.syn_behind_reset || (c->flags2 & TCP_G_SYN_REXMIT) != 0) return;
  c->flags2 |= TCP_G_SYN_REXMIT;
  tcp_timer_set(c, YEON_TIMER_REXMIT, in->now + BEHIND_RESET, in->now);
}

void tcp_input_syn_sent(struct tcp_in *in, struct yeon_tcp *c)
{
  bool has_ack = (in->flags & YEON_TCP_ACK) != 0;
  bool ack_ok = has_ack && seq_gt(in->ack, c->iss) && seq_le(in->ack, c->snd_max);
  if (has_ack && (!ack_ok || !echo_is_ours(in, c))) {
    in->verdict = YEON_VERDICT_BAD_ACK;
    tcp_reply_reset(in);
    if (!ack_ok) ask_again(in, c);
    return;
  }
  if ((in->flags & YEON_TCP_RST) != 0 && ack_ok) {
    in->t->counters->tcp_reset_in++;
    in->t->counters->tcp_refused++;
    tcp_conn_end(c, YEON_ERR_REFUSED, YEON_CAUSE_RST, in->now);
  } else if ((in->flags & (YEON_TCP_RST | YEON_TCP_SYN)) == YEON_TCP_SYN) {
    take_syn(in, c, ack_ok);
  } else {
    in->verdict = YEON_VERDICT_MALFORMED;
  }
}
