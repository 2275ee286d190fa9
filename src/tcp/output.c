/* The next segment of a host: one connection after another is asked, in turn, what it has to say. Each answer is a description; nothing is
 * copied. The order of what a connection says: its SYN, what must be sent again, what is new (RFC 9293 3.8.4 to 3.8.6), its FIN, a probe,
 * a bare acknowledgment. */
#include "tcp/ecn.h"

#define SEGS_MAX 255u /* what yeon_frame.segs can count */

static bool synchronized(const struct yeon_tcp *c) { return c->state >= YEON_TCP_ESTABLISHED; }

static bool sends_data(const struct yeon_tcp *c)
{
  if (tcp_is_early(c)) return c->snd_max != c->iss; /* behind the SYN-ACK */
  return synchronized(c) && c->state != YEON_TCP_FIN_WAIT_2 && c->state != YEON_TCP_TIME_WAIT;
}

/* What follows from having sent [seq, seq + len) (len counts SYN and FIN). */
static void sent(struct yeon_tcp *c, uint32_t seq, uint32_t len, yeon_time now)
{
  struct tcp_busy *b = c->busy;
  uint32_t end = seq + len;
  if (seq_lt(seq, c->snd_max)) {
    c->bytes_retransmitted += seq_min(end, c->snd_max) - seq;
    c->t->counters->tcp_rexmit_bytes += seq_min(end, c->snd_max) - seq;
    tcp_plpmtu_resent(c, seq, end);
    if ((c->flags & TCP_F_TIMING) != 0 && seq_lt(seq, b->rtt_seq))
      c->flags &= ~TCP_F_TIMING; /* Karn: RFC 6298 section 3 */
  } else if ((c->flags & TCP_F_TIMING) == 0) {
    c->flags |= TCP_F_TIMING;
    b->rtt_seq = end;
    b->rtt_at = now;
  }
  c->snd_max = seq_max(c->snd_max, end);
  tcp_congestion_on_sent(c);
  b->sent_at = now;
  c->sent_ms = tcp_ms(c->t, now);
  if (!tcp_rexmit_on(c)) tcp_rexmit_start(c, now);
  if (!tcp_timer_on(c, YEON_TIMER_USER)) tcp_user_timeout_start(c, now);
  tcp_timer_stop(c, YEON_TIMER_PERSIST, now);
}

static bool send_syn(struct yeon_tcp *c, struct tcp_out *out, yeon_time now)
{
  if (tcp_busy(c) == NULL || !tcp_sent_reserve(c)) return false;
  c->flags &= ~TCP_F_SEND_SYN;
  tcp_build_syn(c, out, now);
  out->again = c->rexmits > 0;
  if (out->again) tcp_trace_rexmit(c, c->iss, 1, YEON_REXMIT_SYN, now);
  uint32_t end = c->iss + 1 + out->len;
  c->snd_nxt = seq_max(c->snd_nxt, end);
  if (out->len > 0) tcp_sent_note(c, c->iss + 1, end, now);
  if (out->len > 0 && c->t->options.linux_push) tcp_sent_push(c); /* should they have to go again */
  sent(c, c->iss, 1 + out->len, now);
  if ((c->flags & TCP_F_TIMING) != 0) c->busy->rtt_seq = c->iss + 1; /* answered by what acknowledges the SYN, its data or not */
  if (c->state == YEON_TCP_SYN_RECEIVED) tcp_ack_sent(c, now);
  return true;
}

/* Cuts a payload of more than one segment into a super-segment's description. */
static void describe_segments(struct tcp_out *out, uint32_t size)
{
  if (out->len <= size) return;
  out->segs = (uint16_t)((out->len + size - 1) / size);
  out->gso_size = (uint16_t)size;
}

/* False: no memory for its bookkeeping; it stays due. */
static bool emit_data(struct yeon_tcp *c, uint32_t seq, uint32_t len, bool fin, struct tcp_out *out, yeon_time now)
{
  bool again = seq_lt(seq, c->snd_max), probe = c->busy != NULL && c->busy->probe_len != 0 && seq == c->busy->probe_seq && !again;
  uint32_t size = probe ? len : tcp_segment_size(c);
  if (tcp_busy(c) == NULL || !tcp_sent_reserve(c)) return false;
  tcp_build(c, seq, len, (uint8_t)(YEON_TCP_ACK | (fin ? YEON_TCP_FIN : 0)), out, now);
  out->again = again;
  if (probe) out->dont_fragment = true;
  describe_segments(out, size);
  if (fin) {
    c->flags |= TCP_F_FIN_SENT;
    c->snd_fin = seq + len;
  }
  if (len % size > 0 && !again && seq_gt(seq + len, c->busy->snd_small)) c->busy->snd_small = seq + len;
  tcp_sent_note(c, seq, seq + len + fin, now);
  if (!again && c->t->options.linux_push && len > 0 && tcp_push_given(c, seq + len)) tcp_sent_push(c);
  tcp_prr_sent(c, len + fin);
  if (again) tcp_undo_resent(c, len + fin, now);
  sent(c, seq, len + fin, now);
  /* RFC 6675 5: its copy has a whole time-out, too; else, where a round trip is longer than what the time-out adds to it, one would come before the copy
   * can be acknowledged. */
  bool again_in_time = again && seq == c->snd_una && (c->flags & TCP_F_RECOVERY) != 0;
  if (again_in_time && !tcp_timer_on(c, YEON_TIMER_REORDER)) tcp_rexmit_start(c, now);
  if (tcp_paced(c)) tcp_pace_sent(c, len);
  /* An answer to what has just come: a conversation, in which acknowledgments travel with the answers. */
  /* The handshake's last acknowledgment travelling with data is such a conversation too. */
  bool answers_syn = !again && c->bytes_received == 0 && (c->flags & (TCP_F_PASSIVE | TCP_F_ACK_NOW)) == TCP_F_ACK_NOW;
  if ((c->bytes_received > 0 || answers_syn) && now - c->heard_at < (yeon_time)c->t->options.delack_us * YEON_US) c->quick_acks = 0;
  tcp_ack_sent(c, now);
  return true;
}

static enum yeon_retransmit_why why_again(const struct yeon_tcp *c)
{
  if ((c->flags & TCP_F_RTO_RECOVERY) != 0) return YEON_REXMIT_RTO;
  return (c->flags & TCP_F_RECOVERY) != 0 ? YEON_REXMIT_FAST : YEON_REXMIT_PMTU;
}

/* FIN goes along when the bytes up to it do. */
static bool fin_follows(const struct yeon_tcp *c, uint32_t end)
{
  return (c->flags & TCP_F_FIN_QUEUED) != 0 && end == tcp_snd_end(c);
}

/* Of [seq, seq + *len) that were sent, and may be one more than a segment: true, and *len without it, if the last is the FIN. */
static bool take_off_fin(const struct yeon_tcp *c, uint32_t seq, uint32_t *len)
{
  uint32_t size = tcp_segment_size(c);
  *len = tcp_eor_limit(c, seq, *len);
  bool fin = (c->flags & TCP_F_FIN_SENT) != 0 && seq + *len == c->snd_fin + 1;
  if (fin) --*len;
  if (*len > size) *len = size;
  return fin;
}

/* The segment at snd_una again: after a time-out, on entering recovery, at a partial acknowledgment. Not held back by any window. */
static bool resend_head(struct yeon_tcp *c, struct tcp_out *out, yeon_time now)
{
  uint32_t seq, len;
  c->flags &= ~TCP_F_REXMIT_HEAD;
  if (!tcp_outstanding(c) || c->busy == NULL) return false;
  /* One more than a segment, for a FIN goes along. */
  if (!tcp_sent_find(c, c->snd_una, 0, TCP_SENT_SACKED, tcp_segment_size(c) + 1, &seq, &len)) return false;
  bool fin = take_off_fin(c, seq, &len);
  if (len == 0 && !fin) return false;
  tcp_trace_rexmit(c, seq, len, fin && len == 0 ? YEON_REXMIT_FIN : why_again(c), now);
  if (!emit_data(c, seq, len, fin, out, now)) return false;
  c->snd_nxt = seq_max(c->snd_nxt, seq + len + fin);
  return true;
}

static uint32_t cwnd_room(const struct yeon_tcp *c)
{
  uint32_t pipe = tcp_pipe(c);
  if (tcp_is_early(c) && pipe > 0) pipe--; /* the SYN-ACK itself is no byte of the window */
  return c->cc.cwnd > pipe ? c->cc.cwnd - pipe : 0;
}

static bool resend_hole(struct yeon_tcp *c, bool last, struct tcp_out *out, yeon_time now)
{
  bool recovering = (c->flags & TCP_F_RECOVERY) != 0;
  if (!recovering && !tcp_due(c)) return false;
  uint32_t seq, len, size = tcp_segment_size(c), room = cwnd_room(c), edge = c->snd_una + c->snd_wnd;
  if (recovering && room < size) return false;
  if (tcp_paced(c) && tcp_pace_allow(c, size, now) == 0) return false;
  if (!tcp_recovery_next(c, size + 1, last, &seq, &len)) return false;
  bool fin = take_off_fin(c, seq, &len);
  if (len + fin == 0 || room < len + fin || seq_gt(seq + len + fin, edge)) return false;
  enum yeon_retransmit_why why = recovering ? YEON_REXMIT_RECOVERY : why_again(c);
  tcp_trace_rexmit(c, seq, len, fin && len == 0 ? YEON_REXMIT_FIN : why, now);
  return emit_data(c, seq, len, fin, out, now);
}

static bool held_back(const struct yeon_tcp *c) { return (c->flags & (TCP_F_CORK | TCP_F_MORE)) != 0; }

/* May this segment of less than full size go? RFC 9293 3.8.6.2.1 and 3.7.4; Nagle in Minshall's form: only an unacknowledged small segment
 * holds the next one back, so that the tail of a large write does not wait. */
static bool small_may_go(const struct yeon_tcp *c, uint32_t seq, uint32_t len)
{
  uint32_t end = seq + len;
  /* What was sent before goes again at any size; the byte of a window probe alone does not make a segment old. */
  if (seq_le(end, c->snd_max) || seq_gt(c->snd_max, seq + 1) || (c->flags2 & TCP_G_SWS_OVERRIDE) != 0) return true;
  if ((c->flags & TCP_F_URGENT) != 0 && seq_le(seq, c->extra->snd_up)) return true;
  if (end != tcp_snd_end(c) && tcp_eor_ends(c, end)) return true;
  if (end == tcp_snd_end(c)) {
    if ((c->flags & TCP_F_FIN_QUEUED) != 0) return true;
    if (held_back(c)) return false;
    if ((c->flags & TCP_F_NODELAY) != 0) return true;
    return c->busy == NULL || !tcp_outstanding(c) || !seq_gt(c->busy->snd_small, c->snd_una);
  }
  return c->max_snd_wnd > 0 && len >= c->max_snd_wnd / 2;
}

bool tcp_has_new(const struct yeon_tcp *c)
{
  uint32_t seq = c->snd_nxt, end = tcp_snd_end(c), edge = c->snd_una + c->snd_wnd, size = tcp_segment_size(c);
  if (seq_ge(seq, end) || seq_ge(seq, edge)) return false;
  uint32_t len = seq_min(end, edge) - seq;
  return len >= size || small_may_go(c, seq, len);
}

/* How much from seq on may go now; *fin: with it. */
static uint32_t sendable(const struct yeon_tcp *c, uint32_t seq, uint32_t max_payload, bool *fin)
{
  uint32_t end = tcp_snd_end(c), size = tcp_segment_size(c), edge = c->snd_una + c->snd_wnd;
  uint32_t avail = seq_lt(seq, end) ? tcp_eor_limit(c, seq, end - seq) : 0;
  uint32_t window = seq_lt(seq, edge) ? edge - seq : 0;
  uint32_t room = cwnd_room(c), len = avail;
  uint32_t most = max_payload > size ? max_payload / size * size : size;
  if (most > SEGS_MAX * size) most = SEGS_MAX * size;
  /* Cutting up a super-segment would repeat the urgent pointer; and devices clear CWR on all but the first. */
  if ((c->flags & TCP_F_URGENT) != 0 || tcp_ecn_one_by_one(c)) most = size;
  if (len > most) len = most;
  if (len > window) len = window;
  if (len > room) len = room;
  if (seq_lt(seq, c->snd_max) && len > size) len = size;
  uint32_t tail = len % size;
  if (tail > 0 && !small_may_go(c, seq + (len - tail), tail)) len -= tail;
  *fin = len == avail && window > len && fin_follows(c, seq + len) && room + 1 > len;
  return len;
}

/* One segment larger than others, to see whether it arrives (plpmtud.c). */
static bool send_mtu_probe(struct yeon_tcp *c, struct tcp_out *out, yeon_time now)
{
  uint32_t seq = c->snd_nxt, len = tcp_plpmtu_probe(c, cwnd_room(c), now);
  if (len == 0 || tcp_busy(c) == NULL || tcp_eor_limit(c, seq, len) < len) return false;
  tcp_plpmtu_sent(c, seq, len);
  if (!emit_data(c, seq, len, false, out, now)) {
    c->busy->probe_len = 0;
    return false;
  }
  c->snd_nxt = seq + len;
  return true;
}

static bool send_new(struct yeon_tcp *c, uint32_t max_payload, struct tcp_out *out, yeon_time now)
{
  bool fin;
  uint32_t seq = c->snd_nxt;
  if ((c->flags & TCP_F_FIN_SENT) != 0 && seq_gt(seq, c->snd_fin)) return false;
  if (tcp_due(c) && (c->flags & TCP_F_RECOVERY) == 0 && !tcp_frto_holds(c)) return false; /* first what is to be sent again */
  if (seq_lt(seq, tcp_snd_end(c)) && seq_lt(seq, c->snd_una + c->snd_wnd)) tcp_congestion_idle(c, now);
  uint32_t len = sendable(c, seq, max_payload, &fin);
  if (len > 0 && tcp_paced(c)) {
    uint32_t allowed = tcp_pace_allow(c, len, now);
    fin = fin && allowed == len;
    len = allowed;
  }
  if (len == 0 && !fin) return false;
  if (seq_lt(seq, c->snd_max)) tcp_trace_rexmit(c, seq, len, len == 0 ? YEON_REXMIT_FIN : why_again(c), now);
  if (!emit_data(c, seq, len, fin, out, now)) return false;
  c->snd_nxt = seq + len + fin;
  c->flags2 &= ~TCP_G_SWS_OVERRIDE;
  if (tcp_tlp_wanted(c)) tcp_tlp_start(c, false, now);
  return true;
}

/* RFC 8985 7.3: one segment whatever the window of congestion control says, new if the peer's has room, else the last once more. */
static bool send_loss_probe(struct yeon_tcp *c, struct tcp_out *out, yeon_time now)
{
  uint32_t size = tcp_segment_size(c), seq = c->snd_nxt, end = tcp_snd_end(c), edge = c->snd_una + c->snd_wnd;
  c->flags2 &= ~TCP_G_LOSS_PROBE;
  if (!tcp_tlp_wanted(c)) return false;
  uint32_t len = seq_lt(seq, end) ? tcp_eor_limit(c, seq, end - seq) : 0;
  if (len > size) len = size;
  bool again = len == 0 || seq_gt(seq + len, edge), fin = false;
  if (again) {
    uint32_t newest = tcp_sent_at(&c->busy->sent, c->busy->sent.n - 1)->seq;
    fin = (c->flags & TCP_F_FIN_SENT) != 0 && c->snd_nxt == c->snd_fin + 1;
    len = c->snd_nxt - newest - fin;
    if (len > size) len = (len - 1) % size + 1;
    seq = c->snd_nxt - fin - len;
    tcp_trace_rexmit(c, seq, len, YEON_REXMIT_PROBE, now);
  }
  if (!emit_data(c, seq, len, fin, out, now)) return false;
  c->snd_nxt = seq_max(c->snd_nxt, seq + len + fin);
  tcp_tlp_sent(c, again, now);
  return true;
}

/* RFC 9293 3.8.6.1: one byte beyond the window, or as Linux an old number and no byte; either asks for an acknowledgment. */
static bool send_window_probe(struct yeon_tcp *c, struct tcp_out *out, yeon_time now)
{
  uint32_t seq = c->snd_nxt, end = tcp_snd_end(c);
  bool data = c->t->options.probe_with_data && seq_lt(seq, end);
  bool fin = c->t->options.probe_with_data && !data && fin_follows(c, seq);
  c->flags &= ~TCP_F_PROBE;
  if ((data || fin) && (tcp_busy(c) == NULL || !tcp_sent_reserve(c))) return false;
  if (!data && !fin) {
    tcp_build(c, c->snd_una - 1, 0, YEON_TCP_ACK, out, now);
    return true;
  }
  tcp_build(c, seq, data, (uint8_t)(YEON_TCP_ACK | (fin ? YEON_TCP_FIN : 0)), out, now);
  if (fin) {
    c->flags |= TCP_F_FIN_SENT;
    c->snd_fin = seq;
  }
  /* The byte may be acknowledged, so it counts as sent; but it stays the next one to send. */
  tcp_sent_note(c, seq, seq + 1, now);
  c->snd_max = seq_max(c->snd_max, seq + 1);
  return true;
}

static bool send_keepalive(struct yeon_tcp *c, struct tcp_out *out, yeon_time now)
{
  c->flags &= ~TCP_F_KEEPALIVE_PROBE;
  /* RFC 9293 3.8.4: a number the peer has acknowledged already, and no data (SHLD-12). */
  tcp_build(c, c->snd_nxt - 1, 0, YEON_TCP_ACK, out, now);
  return true;
}

/* SND.NXT of RFC 9293 is the highest sent; never beyond the window, where the peer would not take it. */
static uint32_t ack_seq(const struct yeon_tcp *c)
{
  uint32_t edge = c->snd_una + c->snd_wnd;
  return seq_gt(c->snd_max, edge) ? seq_max(edge, c->snd_una) : c->snd_max;
}

/* Our FIN is out, not acknowledged, and nothing before it is being sent again. */
static bool fin_is_last(const struct yeon_tcp *c)
{
  return (c->flags & TCP_F_FIN_SENT) != 0 && (c->flags2 & TCP_G_FIN_ACKED) == 0 && c->snd_nxt == c->snd_max &&
         c->snd_max == c->snd_fin + 1;
}

static bool send_ack(struct yeon_tcp *c, struct tcp_out *out, yeon_time now)
{
  if (c->state < YEON_TCP_SYN_RECEIVED || ((c->flags & TCP_F_ACK_NOW) == 0 && c->acks_owed == 0)) return false;
  uint32_t seq = ack_seq(c);
  uint8_t flags = YEON_TCP_ACK;
  if (c->t->options.ack_repeats_fin && (c->flags2 & TCP_G_PLAIN_ACK) == 0 && fin_is_last(c)) {
    seq = c->snd_fin;
    flags |= YEON_TCP_FIN;
  }
  tcp_build(c, seq, 0, flags, out, now);
  tcp_ack_sent(c, now);
  return true;
}

static bool next_segment(struct yeon_tcp *c, uint32_t max_payload, struct tcp_out *out, yeon_time now)
{
  if ((c->flags & TCP_F_SEND_SYN) != 0) return send_syn(c, out, now);
  if (sends_data(c)) {
    if ((c->flags & TCP_F_REXMIT_HEAD) != 0 && resend_head(c, out, now)) return true;
    if ((c->flags2 & TCP_G_LOSS_PROBE) != 0 && send_loss_probe(c, out, now)) return true;
    tcp_frto_consider(c);
    if (!tcp_frto_holds(c) && resend_hole(c, false, out, now)) return true;
    if (send_mtu_probe(c, out, now)) return true;
    if (send_new(c, max_payload, out, now)) return true;
    if (resend_hole(c, true, out, now)) return true;
    if ((c->flags & TCP_F_PROBE) != 0) return send_window_probe(c, out, now);
  }
  if (synchronized(c) && (c->flags & TCP_F_KEEPALIVE_PROBE) != 0) return send_keepalive(c, out, now);
  return send_ack(c, out, now);
}

/* To the end of its list, so that every connection gets its turn. */
static void yield_turn(struct yeon_tcp *c)
{
  tcp_unlist_output(c);
  tcp_want_output(c);
}

static void note_out(struct tcp *t, struct yeon_tcp *c, const struct tcp_out *out, yeon_time now)
{
  t->counters->tcp_out += out->segs;
  if (c != NULL) c->segs_out += out->segs;
  tcp_trace_out(t, out, c, out->again, now);
}

static bool take_reply(struct tcp *t, unsigned link, struct tcp_out *out, yeon_time now)
{
  if (!tcp_reply_take(t, link, out)) return false;
  note_out(t, NULL, out, now);
  return true;
}

/* Nothing more of it may leave now, for one of the reasons that call for something. */
static void ran_dry(struct yeon_tcp *c, yeon_time now)
{
  if ((c->flags2 & TCP_G_STARVED) != 0 && !tcp_timer_on(c, YEON_TIMER_REXMIT)) tcp_rexmit_start(c, now);
  if (tcp_rated(c)) tcp_rate_consider_app(c);
}

bool tcp_output(struct tcp *t, unsigned link, uint32_t max_payload, struct tcp_out *out, yeon_time now)
{
  if (take_reply(t, link, out, now)) return true;
  while (t->out[link].first != 0) {
    struct yeon_tcp *c = tcp_conn(t, t->out[link].first);
    if (next_segment(c, max_payload, out, now)) {
      yield_turn(c);
      note_out(t, c, out, now);
      return true;
    }
    tcp_unlist_output(c);
    if (c->record.kind == TCP_KIND_ENDING) {
      ring_set_aside(&t->buried, &c->snd);
      tcp_ending_over(c, now);
      if (take_reply(t, link, out, now)) return true;
      continue;
    }
    if ((c->flags2 & (TCP_G_STARVED | TCP_G_RATED)) != 0) ran_dry(c, now);
    tcp_persist_consider(c, now);
    tcp_rest(c);
  }
  return false;
}
