/* LISTEN (RFC 9293 3.10.7.2): a SYN makes a half-open record, or no record at all (cookies) when there are too many. */
#include "tcp/ecn.h"

void tcp_half_open_fill(struct tcp_in *in, const struct yeon_tcp *listener, struct tcp_half_open *half)
{
  const struct wire_tcp *h = &in->s->h;
  const struct yeon_tcp_options *o = &in->t->options;
  half->record.key = tcp_key_of(in->s);
  half->record.kind = TCP_KIND_HALF_OPEN;
  half->listener = listener->number;
  half->listener_id = (uint16_t)listener->id;
  half->irs = h->seq;
  half->id = (uint32_t)in->t->next_id++;
  /* RFC 9293 3.7.1: a SYN without the option means 536, or 1220 for IPv6. */
  uint16_t least = yeon_ip_is4(&in->s->remote) ? 536 : 1220;
  bool deaf = listener->extra->no_options;
  half->peer_mss = h->mss != 0 && !deaf ? h->mss : least;
  half->link = in->s->path.link;
  half->record.ecn = tcp_ecn_offered(o, in->s) & TCP_NUMBER_MASK;
  if (deaf) return;
  if (h->wscale >= 0 && o->window_scale) {
    half->flags |= TCP_H_WSCALE;
    half->wscale = (unsigned)(h->wscale < 14 ? h->wscale : 14) & 15u;
  }
  if (h->has_ts && o->timestamps) {
    half->flags |= TCP_H_TS;
    half->ts_recent = h->tsval;
  }
  if (h->sack_ok && o->sack) half->flags |= TCP_H_SACK;
}

static struct tcp_half_open *record_syn(struct tcp_in *in, const struct yeon_tcp *listener)
{
  uint32_t number;
  struct tcp_half_open *half = pool_new(&in->t->half_opens, &number);
  if (half == NULL) return NULL;
  tcp_half_open_fill(in, listener, half);
  tcp_table_add(in->t, (uint32_t)TCP_KIND_HALF_OPEN << TCP_KIND_SHIFT | number);
  return half;
}

static bool queue_full(const struct yeon_tcp *listener) { return listener->extra->waiting >= listener->extra->backlog; }

static void accept_syn(struct tcp_in *in, struct yeon_tcp *listener, bool has_min, uint32_t min_iss)
{
  if (queue_full(listener)) {
    /* Silence: the peer's SYN comes again, and by then there may be room. */
    in->t->counters->tcp_backlog_full++;
    in->verdict = YEON_VERDICT_NO_ROOM;
    return;
  }
  struct tcp_key key = tcp_key_of(in->s);
  uint32_t iss = tcp_isn(in->t, &key, in->now);
  enum tcp_fastopen_form offer;
  /* RFC 9293 3.6.1: the new ISS must lie beyond what the old incarnation sent. */
  if (has_min && seq_le(iss, min_iss)) iss = min_iss + 65536;
  if (tcp_fastopen_take(in, listener, iss, &offer)) return;
  struct tcp_half_open *half = record_syn(in, listener);
  if (half == NULL) {
    in->t->counters->tcp_half_open_full++;
    in->verdict = YEON_VERDICT_NO_ROOM;
    if (in->t->options.cookies) tcp_cookie_send(in, listener);
    return;
  }
  half->iss = iss;
  in->id = half->id;
  in->iss = half->iss;
  in->irs = half->irs;
  in->has_conn = true;
  tcp_tell_state(in->t, &half->record.key, half->id, YEON_TCP_LISTEN, YEON_TCP_SYN_RECEIVED, YEON_CAUSE_SYN, in->now);
  struct tcp_out *o = tcp_send_syn_ack(in->t, half, false, in->now);
  if (o != NULL) tcp_fastopen_give(in->t, listener, &key, offer, &o->h);
}

void tcp_input_listen(struct tcp_in *in, struct yeon_tcp *listener, bool has_min, uint32_t min_iss)
{
  /* RFC 9293 3.10.7.2, in its order. */
  if ((in->flags & YEON_TCP_RST) != 0) {
    in->verdict = YEON_VERDICT_NO_CONNECTION;
    return;
  }
  if ((in->flags & YEON_TCP_ACK) != 0) {
    if (tcp_cookie_check(in, listener)) return;
    in->verdict = YEON_VERDICT_NO_CONNECTION;
    if ((in->flags & YEON_TCP_SYN) == 0 || !in->t->options.drop_syn_ack) tcp_reply_reset(in);
    return;
  }
  if ((in->flags & YEON_TCP_SYN) == 0) {
    in->verdict = YEON_VERDICT_NO_CONNECTION;
    return;
  }
  /* Text or FIN on the SYN is kept only from a bearer of a cookie (fastopen.c): RFC 9293 3.10.7.2 would let it wait, in memory that a stranger fills.
   * The peer sends it again. */
  accept_syn(in, listener, has_min, min_iss);
}
