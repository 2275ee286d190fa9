/* SYN-RECEIVED of a connection that a listener answers (RFC 9293 3.10.7.4 for that state): a record of 88 bytes until the handshake's last
 * ACK, which makes the connection. */
#include "tcp/ecn.h"

static struct tcp_half_open *record(const struct tcp *t, uint32_t number)
{
  return pool_at(&t->half_opens, number & TCP_NUMBER_MASK);
}

static struct yeon_tcp *listener_of(const struct tcp *t, const struct tcp_half_open *h)
{
  if (!pool_live(&t->conns, h->listener)) return NULL;
  struct yeon_tcp *l = tcp_conn(t, h->listener);
  return (uint16_t)l->id == h->listener_id && l->state == YEON_TCP_LISTEN ? l : NULL;
}

static uint16_t announced_mss(const struct tcp *t, const struct tcp_half_open *h, const struct yeon_tcp *listener)
{
  uint16_t limit = listener != NULL && listener->extra->mss_max != 0 ? listener->extra->mss_max : t->options.mss_max;
  return tcp_announced_mss(&h->record.key.remote, t->link_mtu[h->link], limit);
}

static uint16_t first_window(const struct tcp *t, const struct tcp_half_open *h, const struct yeon_tcp *listener)
{
  uint32_t w = listener != NULL ? listener->rcvbuf : t->options.rcvbuf;
  uint16_t mss = announced_mss(t, h, listener);
  return tcp_first_window(&t->options, w, (h->flags & TCP_H_TS) != 0 && mss > 12 ? (uint16_t)(mss - 12) : mss);
}

static uint8_t scale(const struct tcp *t, const struct yeon_tcp *listener)
{
  if (listener == NULL) return tcp_window_scale_for(&t->options, t->options.rcvbuf, false);
  return tcp_window_scale_for(&t->options, listener->rcvbuf, (listener->flags & TCP_F_RCVBUF_FIXED) != 0);
}

static uint32_t id_of(const struct tcp *t, const struct tcp_half_open *h) { return tcp_find(t, &h->record.key); }

void tcp_half_open_drop(struct tcp *t, struct tcp_half_open *h, enum yeon_cause cause, yeon_time now)
{
  uint32_t id = id_of(t, h);
  tcp_tell_state(t, &h->record.key, h->id, YEON_TCP_SYN_RECEIVED, YEON_TCP_CLOSED, cause, now);
  wheel_cancel(&t->wheel, &h->node);
  tcp_table_del(t, id);
  pool_free(&t->half_opens, id & TCP_NUMBER_MASK);
}

static void fill_syn_ack(struct tcp *t, const struct tcp_half_open *h, struct tcp_out *o, yeon_time now)
{
  const struct yeon_tcp *listener = listener_of(t, h);
  o->h.seq = h->iss;
  o->h.ack = h->irs + 1;
  o->h.flags = YEON_TCP_SYN | YEON_TCP_ACK;
  o->h.window = first_window(t, h, listener);
  if (listener == NULL || !listener->extra->no_options) o->h.mss = announced_mss(t, h, listener);
  o->h.sack_ok = (h->flags & TCP_H_SACK) != 0;
  if ((h->flags & TCP_H_WSCALE) != 0) o->h.wscale = (int8_t)scale(t, listener);
  if ((h->flags & TCP_H_TS) != 0) {
    o->h.has_ts = true;
    o->h.tsval = tcp_ts_now(t, &h->record.key, now);
    o->h.tsecr = h->ts_recent;
  }
  o->conn = h->id;
  if (listener != NULL) tcp_fill_class(listener, o);
  o->dont_fragment = t->options.path_mtu;
  o->again = h->retries > 0;
  o->iss = h->iss;
  o->irs = h->irs;
}

static void wait_again(struct tcp *t, struct tcp_half_open *h, yeon_time now)
{
  wheel_arm(&t->wheel, &h->node, now + (yeon_time)tcp_backoff(t, t->options.rto_initial_us, h->retries) * YEON_US);
}

struct tcp_out *tcp_send_syn_ack(struct tcp *t, struct tcp_half_open *h, bool again, yeon_time now)
{
  struct tcp_out *o = tcp_reply_new(t, &h->record.key, h->link);
  if (o != NULL) fill_syn_ack(t, h, o, now);
  if (o != NULL && h->record.ecn != 0) tcp_ecn_fill_syn_ack(t, h, o);
  if (again) return o;
  h->sent_us = (uint32_t)((now - t->epoch) / YEON_US);
  wait_again(t, h, now);
  return o;
}

/* After how many time-outs of its SYN-ACK a listener that wants bytes makes do with a mere ACK. */
static unsigned deferred(const struct tcp *t, const struct yeon_tcp *listener)
{
  uint64_t us = 0;
  unsigned n = 0;
  if (listener == NULL) return 0;
  while (us < listener->extra->defer_s * 1000000ull) us += tcp_backoff(t, t->options.rto_initial_us, n++);
  return n;
}

void tcp_half_open_timer(struct tcp *t, struct tcp_half_open *h, yeon_time now)
{
  const struct yeon_tcp *listener = listener_of(t, h);
  /* Who has acknowledged and is only waited for to say something is not reminded before that time is over. */
  unsigned defer = h->acked ? deferred(t, listener) : 0;
  if (listener == NULL || h->retries >= (defer > t->options.retries_syn_ack ? defer : t->options.retries_syn_ack)) {
    t->counters->tcp_timeout++;
    tcp_half_open_drop(t, h, YEON_CAUSE_RTO, now);
    return;
  }
  bool silent = h->retries + 1u < defer;
  h->retries++;
  if (silent) {
    wait_again(t, h, now);
    return;
  }
  h->again = 1;
  t->counters->tcp_rexmit_rto++;
  tcp_send_syn_ack(t, h, false, now);
}

/* A plain ACK that carries nothing, with our numbers. */
static void answer(struct tcp_in *in, const struct tcp_half_open *h)
{
  struct tcp_out *o;
  if (!tcp_challenge_allowed(in->t, in->now)) return;
  o = tcp_reply_new(in->t, &h->record.key, h->link);
  if (o == NULL) return;
  fill_syn_ack(in->t, h, o, in->now);
  o->h.flags = YEON_TCP_ACK;
  wire_tcp_set_ace(&o->h, tcp_ecn_half_open_ace(h));
  o->h.seq = h->iss + 1;
  /* RFC 7323 2.2: only a SYN's window is not scaled. */
  if ((h->flags & TCP_H_WSCALE) != 0) o->h.window = (uint16_t)(o->h.window >> scale(in->t, listener_of(in->t, h)));
  o->h.mss = 0;
  o->h.sack_ok = false;
  o->h.wscale = -1;
}

/* Numbers that the peer takes before and after it has seen our SYN-ACK. */
static void reset(struct tcp_in *in, struct tcp_half_open *h)
{
  struct tcp_out *o = tcp_reply_new(in->t, &h->record.key, h->link);
  if (o != NULL) {
    o->h.seq = h->iss + 1;
    o->h.ack = h->irs + 1;
    o->h.flags = YEON_TCP_RST | YEON_TCP_ACK;
    in->t->counters->tcp_rst_out++;
  }
  tcp_half_open_drop(in->t, h, YEON_CAUSE_SYN, in->now);
}

struct yeon_tcp *tcp_half_open_promote(struct tcp_in *in, struct yeon_tcp *listener, const struct tcp_half_open *h)
{
  struct yeon_tcp *c = tcp_conn_new(in->t);
  if (c == NULL) return NULL;
  if (!tcp_inherit(c, listener) || !tcp_ecn_accept(c, h) || !tcp_port_hold(in->t, h->record.key.local_port)) {
    tcp_conn_free(c);
    return NULL;
  }
  c->record.key = h->record.key;
  c->flags |= TCP_F_PASSIVE | TCP_F_HOLDS_PORT;
  c->id = h->id;
  c->link = h->link;
  c->path_mtu = in->s->path.mtu;
  c->iss = c->snd_una = h->iss;
  c->snd_nxt = c->snd_max = h->iss + 1;
  c->irs = h->irs;
  c->rcv_nxt = c->last_ack = h->irs + 1;
  c->rcv_adv = c->rcv_nxt + first_window(in->t, h, listener);
  c->state = YEON_TCP_SYN_RECEIVED;
  c->flags2 |= TCP_G_USED;
  struct wire_tcp syn;
  wire_tcp_init(&syn);
  syn.mss = h->peer_mss;
  syn.sack_ok = (h->flags & TCP_H_SACK) != 0;
  if ((h->flags & TCP_H_WSCALE) != 0) syn.wscale = (int8_t)h->wscale;
  syn.has_ts = (h->flags & TCP_H_TS) != 0;
  syn.tsval = h->ts_recent;
  tcp_take_syn_options(c, &syn, in->now);
  tcp_window_begin(c, in->now);
  if (h->again) c->flags2 |= TCP_G_SYN_REXMIT;
  c->rexmits = h->retries;
  return c;
}

void tcp_half_open_admit(struct tcp_in *in, struct yeon_tcp *listener, struct yeon_tcp *c)
{
  struct tcp *t = in->t;
  uint32_t number = c->number;
  tcp_table_add(t, number);
  c->flags |= TCP_F_IN_TABLE | TCP_F_ON_ACCEPT;
  tcp_list_push(t, &listener->extra->accept, c);
  listener->extra->waiting++;
  t->counters->tcp_opened_passive++;
  tcp_input_conn(in, c);
  tcp_notify(listener, YEON_ACCEPTED | YEON_READABLE);
}

/* RFC 9293 3.10.7.4, fifth, SYN-RECEIVED: the handshake is complete. */
static void complete(struct tcp_in *in, struct tcp_half_open *h, struct yeon_tcp *listener)
{
  struct tcp *t = in->t;
  if (listener->extra->waiting >= listener->extra->backlog) {
    t->counters->tcp_backlog_full++;
    in->verdict = YEON_VERDICT_NO_ROOM;
    return;
  }
  struct yeon_tcp *c = tcp_half_open_promote(in, listener, h);
  if (c == NULL) {
    in->verdict = YEON_VERDICT_NO_ROOM;
    return;
  }
  uint32_t rtt_us = (uint32_t)((in->now - t->epoch) / YEON_US) - h->sent_us;
  uint32_t id = id_of(t, h);
  bool timed = h->retries == 0, waited = h->acked;
  wheel_cancel(&t->wheel, &h->node);
  tcp_table_del(t, id);
  pool_free(&t->half_opens, id & TCP_NUMBER_MASK);
  if (timed && !waited)
    tcp_rtt_sample(c, rtt_us, in->now);
  else if (!waited)
    tcp_rtt_echo(c, in);
  tcp_half_open_admit(in, listener, c);
}

static void on_ack(struct tcp_in *in, struct tcp_half_open *h)
{
  if (in->ack != h->iss + 1) {
    in->verdict = YEON_VERDICT_BAD_ACK;
    tcp_reply_reset(in);
    return;
  }
  struct yeon_tcp *listener = listener_of(in->t, h);
  if (tcp_in_length(in) == 0 && deferred(in->t, listener) > h->retries) {
    h->acked = 1;
    return;
  }
  complete(in, h, listener);
}

bool tcp_half_open_forsaken(struct tcp *t, uint32_t id, yeon_time now)
{
  struct tcp_half_open *h = record(t, id);
  if (listener_of(t, h) != NULL) return false;
  tcp_half_open_drop(t, h, YEON_CAUSE_CALL_CLOSE, now);
  return true;
}

void tcp_input_half_open(struct tcp_in *in, uint32_t id)
{
  struct tcp_half_open *h = record(in->t, id);
  const struct wire_tcp *w = &in->s->h;
  uint32_t window = first_window(in->t, h, listener_of(in->t, h));
  in->id = h->id;
  in->iss = h->iss;
  in->irs = h->irs;
  in->has_conn = true;
  /* The SYN again: our answer was lost. */
  if ((in->flags & (YEON_TCP_SYN | YEON_TCP_ACK | YEON_TCP_RST)) == YEON_TCP_SYN && in->seq == h->irs) {
    in->verdict = YEON_VERDICT_DUPLICATE;
    if (!tcp_ecn_syn_again(in, h)) {
      reset(in, h);
      return;
    }
    if (w->has_ts && seq_gt(w->tsval, h->ts_recent)) h->ts_recent = w->tsval;
    tcp_send_syn_ack(in->t, h, true, in->now);
    return;
  }
  /* RFC 7323 3.2: once agreed, every segment but RST carries the option. */
  if (in->t->options.require_timestamps && (h->flags & TCP_H_TS) != 0 && !w->has_ts && (in->flags & YEON_TCP_RST) == 0) {
    in->verdict = YEON_VERDICT_PAWS;
    return;
  }
  bool old = (h->flags & TCP_H_TS) != 0 && w->has_ts && seq_lt(w->tsval, h->ts_recent);
  if ((old && (in->flags & YEON_TCP_RST) == 0) || !tcp_acceptable(in->seq, tcp_in_length(in), h->irs + 1, window)) {
    in->verdict = old ? YEON_VERDICT_PAWS : YEON_VERDICT_OUT_OF_WINDOW;
    if ((in->flags & YEON_TCP_RST) == 0) answer(in, h);
    return;
  }
  if ((in->flags & YEON_TCP_RST) != 0) {
    /* RFC 9293 3.10.7.4, second: exactly the next number, or a challenge. */
    if (in->seq == h->irs + 1 || !in->t->options.challenge_ack) {
      in->t->counters->tcp_reset_in++;
      tcp_half_open_drop(in->t, h, YEON_CAUSE_RST, in->now);
    } else {
      answer(in, h);
    }
    return;
  }
  if ((in->flags & YEON_TCP_SYN) != 0) {
    tcp_half_open_drop(in->t, h, YEON_CAUSE_SYN, in->now); /* fourth: back to LISTEN */
    return;
  }
  if ((in->flags & YEON_TCP_ACK) != 0)
    on_ack(in, h);
  else
    in->verdict = YEON_VERDICT_MALFORMED;
}
