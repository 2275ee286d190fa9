/* Sixth to eighth step of RFC 9293 3.10.7.4: urgent pointer, text, FIN. Bytes go straight to their place in the receive ring, in order or not;
 * ranges beyond rcv_nxt are kept in a borrowed set until the gap before them closes. */
#include "tcp/internal.h"

#define BURST_SEGMENT 1200u
#define BURST_BYTES 32768u

static bool receives(const struct yeon_tcp *c)
{
  return c->state == YEON_TCP_ESTABLISHED || c->state == YEON_TCP_FIN_WAIT_1 || c->state == YEON_TCP_FIN_WAIT_2 || tcp_is_early(c);
}

/* Sixth: the pointer names the byte after the urgent one (RFC 9293 3.8.5). */
void tcp_step_urgent(struct tcp_in *in, struct yeon_tcp *c)
{
  if ((in->flags & YEON_TCP_URG) == 0 || !receives(c) || in->s->h.urgent == 0) return;
  uint32_t at = in->s->h.seq + in->s->h.urgent - 1;
  uint32_t read = c->rcv_nxt - ring_len(c->rcv);
  if (seq_lt(at, read)) return;
  struct tcp_extra *x = tcp_extra(c);
  if (x == NULL || (x->urgent != TCP_URGENT_NONE && seq_le(at, x->urgent_seq))) return;
  /* The one before, taken aside and next in line, is not read again as ordinary data. */
  bool aside = (c->flags & TCP_F_OOBINLINE) == 0 && (x->urgent == TCP_URGENT_HERE || x->urgent == TCP_URGENT_READ);
  if (aside && ring_len(c->rcv) > 0 && x->urgent_seq == read) ring_drop(c->rcv, 1);
  x->urgent_seq = at;
  x->urgent = TCP_URGENT_COMING;
  tcp_notify(c, YEON_URGENT);
}

/* The urgent byte is taken aside as it passes, unless it stays in line. */
static void catch_urgent(struct yeon_tcp *c, uint32_t from, uint32_t to)
{
  struct tcp_extra *x = c->extra;
  if (x == NULL || x->urgent != TCP_URGENT_COMING || !seq_in(x->urgent_seq, from, to)) return;
  uint32_t base = c->rcv_nxt - ring_len(c->rcv);
  ring_read(c->rcv, x->urgent_seq - base, &x->urgent_byte, 1);
  x->urgent = TCP_URGENT_HERE;
}

/* What the application takes at once needs no room here; the rest of the segment goes on as if it had been trimmed. Only when nothing stands in the
 * ring, before it or beyond it, and no urgent byte is to be found. */
static void offer(struct tcp_in *in, struct yeon_tcp *c)
{
  struct yeon_slice part[YEON_FRAME_SLICES];
  uint32_t skip = in->skip, left = in->len, n = 0;
  bool urgent = c->extra != NULL && c->extra->urgent != TCP_URGENT_NONE;
  if (in->t->taker == NULL || c->user == NULL || c->rcv != NULL || urgent) return;
  for (unsigned i = 0; i < in->s->n_payload && left > 0; i++) {
    const struct yeon_slice *p = &in->s->payload[i];
    uint32_t len = skip < p->len ? (uint32_t)p->len - skip : 0;
    if (len > left) len = left;
    if (len > 0) part[n++] = (struct yeon_slice){(const uint8_t *)p->base + skip, len};
    skip = skip > p->len ? skip - (uint32_t)p->len : 0;
    left -= len;
  }
  uint32_t taken = (uint32_t)in->t->taker(c->user, part, n);
  assert(taken <= in->len);
  in->seq += taken;
  in->skip += taken;
  in->len -= taken;
  c->rcv_nxt += taken;
  c->bytes_received += taken;
  if (taken > 0) tcp_window_after_read(c, taken, in->now);
}

static void write_payload(struct yeon_tcp *c, const struct tcp_in *in, uint32_t offset)
{
  uint32_t skip = in->skip, left = in->len;
  for (unsigned i = 0; i < in->s->n_payload && left > 0; i++) {
    const struct yeon_slice *p = &in->s->payload[i];
    if (skip >= p->len) {
      skip -= (uint32_t)p->len;
      continue;
    }
    uint32_t n = (uint32_t)p->len - skip;
    if (n > left) n = left;
    ring_write(c->rcv, offset, (const uint8_t *)p->base + skip, n);
    offset += n;
    left -= n;
    skip = 0;
  }
}

static uint32_t kept_beyond(const struct yeon_tcp *c)
{
  const struct tcp_sacks *ooo = tcp_ooo(c);
  if (ooo == NULL || ooo->set->n == 0) return ring_len(c->rcv);
  return ring_len(c->rcv) + (ooo->set->v[ooo->set->n - 1].right - c->rcv_nxt);
}

/* Room in the ring for bytes up to `end` from its head. */
static bool make_room(struct tcp_in *in, struct yeon_tcp *c, uint32_t end)
{
  if (end <= ring_capacity(c->rcv)) return true;
  /* A full segment is seldom alone: room for a burst saves doubling up to it after every read that emptied the ring. */
  bool burst = c->rcv == NULL && in->len >= BURST_SEGMENT && end < BURST_BYTES && c->rcvbuf >= BURST_BYTES;
  if (burst && ring_reserve(c->t->rings, &c->rcv, BURST_BYTES, 0)) return true;
  bool bulk = in->len >= TCP_BULK && end < c->rcvbuf;
  if (bulk && ring_reserve(c->t->rings, &c->rcv, c->rcvbuf, kept_beyond(c))) return true;
  if (ring_reserve(c->t->rings, &c->rcv, end, kept_beyond(c))) return true;
  in->t->counters->no_memory++;
  in->verdict = YEON_VERDICT_NO_ROOM;
  return false;
}

/* Ranges that the new rcv_nxt has reached join the stream. */
static void join_ranges(struct yeon_tcp *c)
{
  if (tcp_ooo(c) == NULL) return;
  const struct range *r = ranges_find(c->busy->ooo->set, c->rcv_nxt);
  if (r != NULL && seq_le(r->left, c->rcv_nxt)) {
    c->rcv->len += r->right - c->rcv_nxt;
    c->rcv_nxt = r->right;
  }
  ranges_trim(c->busy->ooo->set, c->rcv_nxt);
  if (c->busy->ooo->set->n == 0) tcp_sacks_free(c);
}

/* RFC 2883: the stretch of [left, right) that had come before is told; unless one further down in the same segment is to be told already. */
static void note_repeated(const struct tcp_in *in, struct yeon_tcp *c, uint32_t left, uint32_t right)
{
  const struct range *r = tcp_ooo(c) != NULL ? ranges_find(c->busy->ooo->set, left) : NULL;
  if ((c->flags & TCP_F_SACK) == 0 || in->skip > 0 || r == NULL || seq_ge(r->left, right)) return;
  c->flags |= TCP_F_DSACK;
  c->busy->dsack_left = seq_max(left, r->left);
  c->busy->dsack_right = seq_min(right, r->right);
}

static void take_in_order(struct tcp_in *in, struct yeon_tcp *c)
{
  offer(in, c);
  if (in->len == 0) {
    tcp_ack_data(c, in);
    return;
  }
  uint32_t queued = ring_len(c->rcv), from = c->rcv_nxt;
  bool filled_gap = tcp_ooo(c) != NULL;
  if (!make_room(in, c, queued + in->len)) {
    tcp_ack_now(c);
    return;
  }
  write_payload(c, in, queued);
  c->rcv->len += in->len;
  c->rcv_nxt += in->len;
  note_repeated(in, c, in->seq, in->seq + in->len);
  join_ranges(c);
  c->bytes_received += c->rcv_nxt - from;
  catch_urgent(c, from, c->rcv_nxt);
  if (filled_gap)
    tcp_ack_now(c); /* RFC 5681 4.2: at once when a gap is filled, in part or whole */
  else
    tcp_ack_data(c, in);
  tcp_trace_buffer(c, in->now);
  tcp_notify(c, YEON_READABLE);
}

static void take_out_of_order(struct tcp_in *in, struct yeon_tcp *c)
{
  uint32_t offset = ring_len(c->rcv) + (in->seq - c->rcv_nxt);
  in->verdict = YEON_VERDICT_OUT_OF_ORDER;
  tcp_ack_now(c);
  if ((c->flags & TCP_F_SACK) == 0 && c->acks_owed < UINT8_MAX) c->acks_owed++;
  if (tcp_sacks(c) == NULL) return;
  bool fits = make_room(in, c, offset + in->len);
  enum ranges_added added = RANGES_FULL;
  if (fits) note_repeated(in, c, in->seq, in->seq + in->len);
  if (fits) added = tcp_sacks_add(c, in->seq, in->seq + in->len);
  if (added == RANGES_OLD) in->verdict = YEON_VERDICT_DUPLICATE;
  if (added > RANGES_OLD) write_payload(c, in, offset);
  if (added > RANGES_OLD) catch_urgent(c, in->seq, in->seq + in->len); /* it overtakes what is missing: that is its use */
  if (added != RANGES_FULL) tcp_sack_remember(c, in->seq);
  if (added == RANGES_FULL) in->verdict = YEON_VERDICT_NO_ROOM;
  if (c->busy->ooo->set->n == 0) tcp_sacks_free(c);
}

/* Bytes nobody will read: the application shut its reading side, or is gone. */
static bool refuse(struct tcp_in *in, struct yeon_tcp *c)
{
  if ((c->flags & TCP_F_ORPHAN) != 0) {
    /* RFC 9293 3.6.1: a reset shows that data was lost. */
    c->snd_wl2 = in->ack;
    if (in->t->options.linux_reset) c->flags2 |= TCP_G_REFUSES;
    tcp_ending_begin(c, in->now);
    in->gone = true;
    return true;
  }
  if ((c->flags & TCP_F_SHUT_RD) == 0 || in->t->options.shut_rd_keeps) return false;
  if (in->seq != c->rcv_nxt) {
    tcp_ack_now(c);
    in->flags &= (uint8_t)~YEON_TCP_FIN;
    return true;
  }
  c->rcv_nxt += in->len;
  if (seq_lt(c->rcv_adv, c->rcv_nxt)) c->rcv_adv = c->rcv_nxt;
  c->bytes_received += in->len;
  tcp_ack_data(c, in);
  return true;
}

/* They wait like bytes that came too early, though nothing is missing before them. A FIN is left to come again. */
void tcp_text_keep(struct tcp_in *in, struct yeon_tcp *c)
{
  uint32_t room = tcp_rcv_room(c), seq = in->seq + 1, len = in->len < room ? in->len : room;
  if (len == 0 || c->busy == NULL) return;
  if (tcp_sacks(c) == NULL) return;
  in->len = len;
  if (c->rcv_mss < len) c->rcv_mss = (uint16_t)len;
  if (make_room(in, c, len) && tcp_sacks_add(c, seq, seq + len) > RANGES_OLD)
    write_payload(c, in, 0);
  if (c->busy->ooo->set->n == 0) tcp_sacks_free(c);
}

static void take_kept(struct tcp_in *in, struct yeon_tcp *c)
{
  const struct ranges *set = c->busy->ooo->set;
  uint32_t from = c->rcv_nxt;
  if (seq_gt(set->v[0].left, from)) return;
  join_ranges(c);
  c->bytes_received += c->rcv_nxt - from;
  catch_urgent(c, from, c->rcv_nxt);
  tcp_ack_data(c, in);
  tcp_notify(c, YEON_READABLE);
}

/* Seventh: the text. */
void tcp_step_text(struct tcp_in *in, struct yeon_tcp *c)
{
  if (receives(c) && tcp_ooo(c) != NULL) take_kept(in, c);
  /* What follows the peer's own FIN cannot be. */
  if (!receives(c) && tcp_in_length(in) > 0) in->t->counters->tcp_after_end++;
  if (in->len == 0 || !receives(c)) return;
  if (refuse(in, c)) return;
  tcp_window_arrived(c, in);
  if (in->seq == c->rcv_nxt)
    take_in_order(in, c);
  else
    take_out_of_order(in, c);
}

static void fin_state(struct tcp_in *in, struct yeon_tcp *c)
{
  switch ((enum yeon_tcp_state)c->state) {
  case YEON_TCP_ESTABLISHED: tcp_set_state(c, YEON_TCP_CLOSE_WAIT, YEON_CAUSE_FIN, in->now); break;
  case YEON_TCP_FIN_WAIT_1: tcp_set_state(c, YEON_TCP_CLOSING, YEON_CAUSE_FIN, in->now); break;
  case YEON_TCP_FIN_WAIT_2: tcp_enter_time_wait(c, YEON_CAUSE_FIN, in->now); break;
  default: break;
  }
}

static void remember_fin(struct yeon_tcp *c, uint32_t seq)
{
  tcp_ack_now(c);
  c->flags2 |= TCP_G_PLAIN_ACK; /* a FIN on it would be answered likewise, and so on for ever, if bytes before both are missing */
  if (tcp_busy(c) == NULL) return;
  c->busy->rcv_fin = seq;
  c->busy->rcv_fin_known = true;
}

/* Nothing can follow a FIN. */
static void forget_beyond(struct yeon_tcp *c)
{
  if (c->busy == NULL) return;
  tcp_sacks_free(c);
  c->busy->rcv_fin_known = false;
}

/* Who has heard bytes before expects to say something, and the acknowledgment travels with it. */
static bool may_wait(const struct tcp_in *in, const struct yeon_tcp *c)
{
  const struct yeon_tcp_options *o = &c->t->options;
  if (!o->fin_may_wait || o->delack_us == 0 || c->state != YEON_TCP_ESTABLISHED) return false;
  bool first = (c->flags2 & TCP_G_SYN_DATA) != 0 && c->quick_acks + 1 >= o->quick_acks; /* bytes on the SYN do not count */
  if (c->bytes_received == 0 || first) return false;
  return in->len == 0 && (c->flags & (TCP_F_QUICKACK | TCP_F_ACK_NOW)) == 0;
}

/* Eighth: the FIN, once everything before it is here. A FIN that came early is remembered by its number. */
void tcp_step_fin(struct tcp_in *in, struct yeon_tcp *c)
{
  bool in_order;
  if (in->gone || !receives(c)) return;
  if ((in->flags & YEON_TCP_FIN) != 0) {
    in_order = in->seq + in->len == c->rcv_nxt;
    if (!in_order) remember_fin(c, in->seq + in->len);
    if (!in_order && in->verdict == YEON_VERDICT_ACCEPTED) in->verdict = YEON_VERDICT_OUT_OF_ORDER;
  } else {
    in_order = c->busy != NULL && c->busy->rcv_fin_known && c->busy->rcv_fin == c->rcv_nxt;
  }
  if (!in_order) return;
  c->rcv_nxt++;
  if (seq_lt(c->rcv_adv, c->rcv_nxt)) c->rcv_adv = c->rcv_nxt;
  c->flags |= TCP_F_FIN_RECEIVED;
  forget_beyond(c);
  if (c->t->options.fin_ends_sack) c->flags &= ~TCP_F_DSACK;
  if (may_wait(in, c))
    tcp_ack_later(c, in->now);
  else
    tcp_ack_now(c);
  tcp_notify(c, YEON_READABLE | YEON_READ_END);
  fin_state(in, c);
  if (c->state == YEON_TCP_TIME_WAIT && (c->flags & TCP_F_ORPHAN) != 0) tcp_time_wait_compact(c, in->now);
}
