/* From a connection to the header and payload of one segment: options, window, sizes (RFC 9293 3.7.1, RFC 7323, RFC 2018). */
#include "tcp/ecn.h"

#define PLAIN_SYN_AFTER 3u /* repetitions of a SYN */

uint32_t tcp_snd_base(const struct yeon_tcp *c)
{
  if (c->state == YEON_TCP_SYN_SENT || c->state == YEON_TCP_SYN_RECEIVED) return c->iss + 1;
  return (c->flags2 & TCP_G_FIN_ACKED) != 0 ? c->snd_una - 1 : c->snd_una;
}

uint32_t tcp_snd_end(const struct yeon_tcp *c) { return tcp_snd_base(c) + ring_len(c->snd); }

static uint32_t header_bytes(const struct yeon_ip *remote)
{
  return (yeon_ip_is4(remote) ? 20u : 40u) + WIRE_TCP_HEADER;
}

/* RFC 9293 3.7.1: what we can receive, that is our link's MTU less fixed headers; options are the sender's business (MUST-15, MUST-16). */
uint16_t tcp_mss_limit(const struct yeon_tcp *c)
{
  return c->extra != NULL && c->extra->mss_max != 0 ? c->extra->mss_max : c->t->options.mss_max;
}

uint16_t tcp_announced_mss(const struct yeon_ip *remote, uint16_t mtu, uint16_t limit)
{
  uint32_t mss = mtu - header_bytes(remote);
  return (uint16_t)(limit != 0 && limit < mss ? limit : mss);
}

/* RFC 9293 3.7.1: the smaller of what the peer takes and what the path carries, less our own options. */
void tcp_update_mss(struct yeon_tcp *c)
{
  uint32_t mss = c->path_mtu - header_bytes(&c->record.key.remote);
  uint16_t limit = c->extra != NULL && c->extra->mss_max != 0 ? c->extra->mss_max : c->t->options.mss_max;
  if (c->peer_mss < mss) mss = c->peer_mss;
  if (limit != 0 && limit < mss) mss = limit;
  if ((c->flags & TCP_F_TS) != 0) mss -= 12;
  c->snd_mss = (uint16_t)mss;
  if (c->cc.cwnd != 0) cc_set_mss(&c->cc, mss);
}

uint32_t tcp_segment_size(const struct yeon_tcp *c)
{
  unsigned blocks = tcp_sack_wanted(c);
  uint32_t options = (blocks > 0 ? 4 + 8 * blocks : 0) + (tcp_user_timeout_due(c) ? 4 : 0);
  if (c->record.ecn != 0) options = tcp_accecn_options(c, blocks, options);
  return c->snd_mss > options + 8 ? c->snd_mss - options : 8;
}

static void begin(const struct yeon_tcp *c, struct tcp_out *out)
{
  *out = (struct tcp_out){.remote = c->record.key.remote,
                          .local = c->record.key.local,
                          .link = c->link,
                          .hop_limit = c->t->options.hop_limit,
                          .dont_fragment = c->t->options.path_mtu,
                          .segs = 1,
                          .conn = c->id,
                          .iss = c->iss,
                          .irs = c->irs};
  if (c->path_mtu <= tcp_least_mtu(c)) out->dont_fragment = false;
  tcp_fill_class(c, out);
  wire_tcp_init(&out->h);
  out->h.src_port = c->record.key.local_port;
  out->h.dst_port = c->record.key.remote_port;
}

static void add_timestamp(const struct yeon_tcp *c, struct tcp_out *out, uint32_t echo, yeon_time now)
{
  out->h.has_ts = true;
  out->h.tsval = tcp_ts_now(c->t, &c->record.key, now);
  out->h.tsecr = echo;
}

static void add_urgent(const struct yeon_tcp *c, struct tcp_out *out, uint32_t seq)
{
  if ((c->flags & TCP_F_URGENT) == 0 || !seq_gt(c->extra->snd_up, seq)) return;
  uint32_t ahead = c->extra->snd_up - seq;
  out->h.flags |= YEON_TCP_URG;
  out->h.urgent = (uint16_t)(ahead < 65535 ? ahead : 65535);
}

void tcp_build(struct yeon_tcp *c, uint32_t seq, uint32_t len, uint8_t flags, struct tcp_out *out, yeon_time now)
{
  begin(c, out);
  out->h.seq = seq;
  out->h.ack = c->rcv_nxt;
  out->h.flags = flags;
  out->h.window = tcp_window_announce(c);
  out->len = len;
  if ((c->flags & TCP_F_TS) != 0) add_timestamp(c, out, c->ts_recent, now);
  tcp_sack_fill(c, &out->h);
  add_urgent(c, out, seq);
  if (tcp_user_timeout_due(c)) {
    tcp_user_timeout_option(c, &out->h);
    c->flags2 &= ~TCP_G_UTO_DUE;
  }
  if (c->record.ecn != 0) tcp_ecn_fill(c, out);
  if (len == 0) return;
  uint32_t offset = seq - tcp_snd_base(c);
  assert(offset + len <= ring_len(c->snd));
  out->n_payload = (uint8_t)ring_slices(c->snd, offset, len, out->payload);
  if (tcp_push_due(c, seq, len)) out->h.flags |= YEON_TCP_PSH;
}

/* RFC 7413 4.2.2: a SYN, or a SYN-ACK, that leaves for the first time may carry data. */
static void add_first_data(struct yeon_tcp *c, struct tcp_out *out, yeon_time now)
{
  uint32_t len = 0;
  if (c->snd_max != c->iss) return;
  if (c->state == YEON_TCP_SYN_SENT) {
    len = tcp_fastopen_on_syn(c, &out->h, now);
  } else if (tcp_is_early(c)) {
    tcp_fastopen_on_syn_ack(c, &out->h);
    uint32_t options = (uint32_t)wire_tcp_size(&out->h) - WIRE_TCP_HEADER, room = c->snd_mss > options ? c->snd_mss - options : 0;
    if (c->t->options.fastopen_answer_early) len = ring_len(c->snd);
    if (len > room) len = room;
    if (len > c->max_snd_wnd) len = c->max_snd_wnd;
  }
  if (len == 0) return;
  out->len = len;
  out->n_payload = (uint8_t)ring_slices(c->snd, 0, len, out->payload);
}

/* The window of a SYN is not scaled (RFC 7323 2.2). */
static uint16_t first_window(struct yeon_tcp *c, uint16_t mss, bool answer)
{
  uint32_t queued = ring_len(c->rcv), window = tcp_first_window(&c->t->options, c->rcvbuf > queued ? c->rcvbuf - queued : 0, mss);
  if (answer) c->rcv_adv = seq_max(c->rcv_adv, c->rcv_nxt + window);
  return (uint16_t)window;
}

static uint16_t syn_mss(const struct yeon_tcp *c)
{
  const struct yeon_ip *remote = &c->record.key.remote;
  uint16_t mtu = c->t->link_mtu[c->link];
  const struct yeon_tcp_options *o = &c->t->options;
  bool narrow = c->path_mtu < mtu && (o->mss_of_path || (o->announce_path && !yeon_ip_is4(remote)));
  return tcp_announced_mss(remote, narrow ? c->path_mtu : mtu, tcp_mss_limit(c));
}

void tcp_build_syn(struct yeon_tcp *c, struct tcp_out *out, yeon_time now)
{
  const struct yeon_tcp_options *o = &c->t->options;
  bool answer = c->state == YEON_TCP_SYN_RECEIVED;
  begin(c, out);
  out->h.seq = c->iss;
  out->h.flags = YEON_TCP_SYN;
  uint16_t mss = syn_mss(c);
  out->h.window = first_window(c, mss, answer);
  if (answer) {
    out->h.flags |= YEON_TCP_ACK;
    out->h.ack = c->rcv_nxt;
  }
  if (c->extra != NULL && c->extra->no_options) return;
  out->h.mss = mss;
  /* Something on the way may choke on options: the peer's answer to a bare SYN agrees on none. */
  if (o->plain_late_syn && !answer && c->rexmits >= PLAIN_SYN_AFTER) return;
  /* On the answer only what the peer's SYN offered too (RFC 7323 1.3, RFC 2018 section 2). */
  if (answer ? (c->flags & TCP_F_WSCALE) != 0 : o->window_scale) out->h.wscale = (int8_t)tcp_window_scale_for(o, c->rcvbuf, (c->flags & TCP_F_RCVBUF_FIXED) != 0);
  out->h.sack_ok = answer ? (c->flags & TCP_F_SACK) != 0 : o->sack;
  if (answer ? (c->flags & TCP_F_TS) != 0 : o->timestamps) add_timestamp(c, out, answer ? c->ts_recent : 0, now);
  tcp_user_timeout_option(c, &out->h);
  if (c->record.ecn != 0) tcp_ecn_fill_syn(c, out);
  add_first_data(c, out, now);
}
