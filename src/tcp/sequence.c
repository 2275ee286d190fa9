/* First step of RFC 9293 3.10.7.4: is the segment in the window? PAWS (RFC 7323 section 5) comes before; what lies outside is cut off. */
#include "tcp/ecn.h"

#define GAP_LASTS (1u << 30) /* bytes: within them no sequence number comes again */
#define PAWS_STALE_S (24u * 24 * 3600) /* RFC 7323 5.5: an older TS.Recent proves nothing */

static uint32_t clock_s(const struct tcp *t, yeon_time now) { return (uint32_t)((now - t->epoch) / YEON_SEC); }

/* What a segment may not be older than. While bytes are missing, with `paws_from_gap`, TS.Recent as it was when the first of them went missing: they left
 * after it. A copy of one may since have come and moved TS.Recent on; the others, merely late, are no old duplicates: those would be 2^32 bytes older. */
static uint32_t paws_floor(const struct tcp_in *in, const struct yeon_tcp *c)
{
  const struct tcp_sacks *ooo = tcp_ooo(c);
  return ooo != NULL && in->t->options.paws_from_gap ? ooo->gap_ts : c->ts_recent;
}

/* RFC 7323 5.3, R1. */
static bool paws_rejects(const struct tcp_in *in, const struct yeon_tcp *c)
{
  const struct wire_tcp *h = &in->s->h;
  if (!h->has_ts || (h->flags & YEON_TCP_RST) != 0 || !seq_lt(h->tsval, paws_floor(in, c))) return false;
  return clock_s(in->t, in->now) - c->ts_recent_s < PAWS_STALE_S;
}

/* RFC 7323 4.3 and 5.3, R3: from the segment that the next acknowledgment answers. Its own acknowledgment has been checked: a forged one must not
 * move the clock on, for PAWS would then refuse all that the peer sends. */
void tcp_remember_timestamp(const struct tcp_in *in, struct yeon_tcp *c)
{
  const struct wire_tcp *h = &in->s->h;
  if ((c->flags & TCP_F_TS) == 0 || !h->has_ts || !seq_le(h->seq, c->last_ack)) return;
  struct tcp_sacks *ooo = tcp_ooo(c);
  if (ooo != NULL && seq_lt(h->tsval, c->ts_recent) && clock_s(in->t, in->now) - c->ts_recent_s < PAWS_STALE_S) return; /* late, not newer */
  c->ts_recent = h->tsval;
  c->ts_recent_s = clock_s(in->t, in->now);
  if (ooo != NULL && c->rcv_nxt - ooo->gap_seq > GAP_LASTS) {
    ooo->gap_seq = c->rcv_nxt;
    ooo->gap_ts = c->ts_recent;
  }
}

static void note_duplicate(struct yeon_tcp *c, uint32_t left, uint32_t right)
{
  /* RFC 2883: tell the peer what came twice. */
  if ((c->flags & TCP_F_SACK) == 0 || left == right || tcp_busy(c) == NULL) return;
  c->flags |= TCP_F_DSACK;
  c->busy->dsack_left = left;
  c->busy->dsack_right = right;
}

static void trim_front(struct tcp_in *in, struct yeon_tcp *c)
{
  uint32_t old = c->rcv_nxt - in->seq;
  if (!seq_lt(in->seq, c->rcv_nxt)) return;
  if (old > in->len) old = in->len;
  note_duplicate(c, in->seq, in->seq + old);
  if (old > 0) in->repeat = true; /* RFC 2883: or the peer learns too late that it sent too much */
  in->skip += old;
  in->seq += old;
  in->len -= old;
}

static void trim_back(struct tcp_in *in, const struct yeon_tcp *c)
{
  uint32_t edge = c->rcv_nxt + tcp_rcv_room(c);
  if (seq_le(in->seq + in->len, edge)) return;
  if (in->t->options.takes_past_window && seq_lt(in->seq, edge)) return;
  in->len = seq_lt(in->seq, edge) ? edge - in->seq : 0;
  in->flags &= (uint8_t)~YEON_TCP_FIN;
}

static enum tcp_step unacceptable(struct tcp_in *in, struct yeon_tcp *c, enum yeon_verdict verdict)
{
  in->verdict = (uint8_t)verdict;
  if ((in->flags & YEON_TCP_RST) != 0) return TCP_STOP;
  if (in->len > 0 && seq_le(in->seq + in->len, c->rcv_nxt)) {
    in->verdict = YEON_VERDICT_DUPLICATE;
    /* A SYN's bytes are not told: its sender, in doubt of all of it, does not ask which copy came. */
    if ((in->flags & YEON_TCP_SYN) == 0) note_duplicate(c, in->seq, in->seq + in->len);
  }
  /* RFC 9293 3.10.7.4, eighth: the FIN again starts 2 MSL anew. */
  if (c->state == YEON_TCP_TIME_WAIT && (in->flags & YEON_TCP_FIN) != 0 && in->seq + in->len + 1 == c->rcv_nxt)
    tcp_timer_set(c, YEON_TIMER_TIME_WAIT, in->now + (yeon_time)in->t->options.time_wait_ms * YEON_MS, in->now);
  if ((in->flags & YEON_TCP_SYN) != 0 && c->record.ecn != 0) tcp_ecn_syn_ack_again(in, c);
  if ((in->flags & YEON_TCP_SYN) != 0)
    tcp_challenge(in, c);
  else
    tcp_ack_out_of_window(in, c);
  return TCP_STOP;
}

/* Our window is closed, and the peer probes it: its acknowledgment, urgent pointer and reset count, its bytes do not. */
static bool is_probe(const struct tcp_in *in, const struct yeon_tcp *c)
{
  return tcp_rcv_room(c) == 0 && in->seq == c->rcv_nxt;
}

/* Nothing new, but it ends where the next byte is due: its acknowledgment may be the only one that comes (both ends closing, say). Kernels take it, the
 * RFC would not. */
static bool only_acknowledges(struct tcp_in *in, struct yeon_tcp *c)
{
  uint32_t len = tcp_in_length(in);
  bool plain = (in->flags & (YEON_TCP_RST | YEON_TCP_SYN)) == 0 && (in->flags & YEON_TCP_ACK) != 0;
  if (!plain || len == 0 || in->seq + len != c->rcv_nxt || c->state == YEON_TCP_TIME_WAIT) return false;
  in->verdict = YEON_VERDICT_DUPLICATE;
  note_duplicate(c, in->seq, in->seq + in->len);
  if (c->state == YEON_TCP_SYN_RECEIVED)
    in->repeat = true; /* it may earn a reset instead */
  else
    tcp_ack_now(c);
  in->seq = c->rcv_nxt;
  in->skip += in->len;
  in->len = 0;
  in->flags &= (uint8_t)~YEON_TCP_FIN;
  return true;
}

/* RFC 9293 3.5, figure 8: the answer of a simultaneous open begins with the SYN that we have already. */
static void take_off_syn(struct tcp_in *in, struct yeon_tcp *c)
{
  const uint8_t looked_at = YEON_TCP_SYN | YEON_TCP_ACK | YEON_TCP_RST | YEON_TCP_FIN;
  if (c->state != YEON_TCP_SYN_RECEIVED || in->seq != c->irs) return;
  if ((in->flags & looked_at) != (YEON_TCP_SYN | YEON_TCP_ACK)) return;
  in->seq++;
  in->flags &= (uint8_t)~YEON_TCP_SYN;
  if (in->ack != c->iss + 1) note_duplicate(c, c->irs, c->irs + 1); /* it tells of data on our SYN, too: as Linux */
  in->repeat = true; /* our own SYN-ACK may not have left, and then nothing else would acknowledge this SYN */
}

/* RFC 5961 3.2 would drop it, one number left of the window. But a peer whose program dies after its FIN may answer with the number it had then,
 * and Linux makes room for such. */
static bool resets_after_fin(const struct tcp_in *in, const struct yeon_tcp *c)
{
  if (!in->t->options.reset_after_fin || (in->flags & YEON_TCP_RST) == 0 || in->seq + 1 != c->rcv_nxt) return false;
  return c->state == YEON_TCP_CLOSE_WAIT || c->state == YEON_TCP_CLOSING || c->state == YEON_TCP_LAST_ACK;
}

static bool dropped_whole(const struct tcp_in *in, const struct yeon_tcp *c)
{
  uint32_t room = tcp_rcv_room(c);
  if (!in->t->options.takes_past_window || in->len == 0 || room == 0 || ring_len(c->rcv) == 0) return false;
  return seq_gt(in->seq + in->len, c->rcv_nxt + room);
}

enum tcp_step tcp_step_sequence(struct tcp_in *in, struct yeon_tcp *c)
{
  if (tcp_fastopen_syn_again(in, c)) return TCP_STOP;
  take_off_syn(in, c);
  if ((c->flags & TCP_F_TS) != 0) {
    if (paws_rejects(in, c)) return unacceptable(in, c, YEON_VERDICT_PAWS);
    /* RFC 7323 3.2: once agreed, every segment but RST carries the option. */
    if (in->t->options.require_timestamps && !in->s->h.has_ts && (in->flags & YEON_TCP_RST) == 0) {
      in->verdict = YEON_VERDICT_PAWS;
      return TCP_STOP;
    }
  }
  /* An old SYN whose data reaches into the window: the SYN itself does not (RFC 9293 3.10.7.4, fourth), it is a copy of the first. */
  if ((in->flags & YEON_TCP_SYN) != 0 && seq_lt(in->seq, c->rcv_nxt)) return unacceptable(in, c, YEON_VERDICT_OUT_OF_WINDOW);
  if (resets_after_fin(in, c)) {
    in->seq = c->rcv_nxt;
    return TCP_GO_ON;
  }
  if (!tcp_acceptable(in->seq, tcp_in_length(in), c->rcv_nxt, tcp_rcv_room(c))) {
    if (only_acknowledges(in, c)) return TCP_GO_ON;
    if (!is_probe(in, c)) return unacceptable(in, c, YEON_VERDICT_OUT_OF_WINDOW);
    tcp_ack_now(c);
    in->verdict = YEON_VERDICT_NO_ROOM;
  }
  if ((in->flags & (YEON_TCP_RST | YEON_TCP_SYN)) != 0) return TCP_GO_ON;
  if (dropped_whole(in, c)) return unacceptable(in, c, YEON_VERDICT_OUT_OF_WINDOW);
  trim_front(in, c);
  trim_back(in, c);
  return TCP_GO_ON;
}
