/* Fifth step of RFC 9293 3.10.7.4: the acknowledgment. What it frees, what it says of the peer's window, and which state it ends. */
#include "tcp/ecn.h"

/* RFC 5961 5.2 goes back by the largest window that was offered; but nothing below our SYN was ever there to be acknowledged, which leaves a
 * stranger fewer numbers to guess while a connection is young. */
static uint32_t oldest_ack(const struct yeon_tcp *c)
{
  uint64_t acked = 1 + c->bytes_acked + ((c->flags2 & TCP_G_FIN_ACKED) != 0);
  return c->snd_una - (acked < c->max_snd_wnd ? (uint32_t)acked : c->max_snd_wnd);
}

/* RFC 9293 3.10.7.4, fifth (RFC 5961 section 5): an acknowledgment far in the past, or of bytes never sent, is not from our peer as it is now. */
static enum tcp_step check_range(struct tcp_in *in, struct yeon_tcp *c)
{
  bool future = seq_gt(in->ack, c->snd_max);
  bool ancient = in->t->options.challenge_ack && seq_lt(in->ack, oldest_ack(c));
  if (!future && !ancient) return TCP_GO_ON;
  tcp_challenge(in, c);
  in->verdict = YEON_VERDICT_BAD_ACK;
  return TCP_STOP;
}

static enum tcp_step complete_handshake(struct tcp_in *in, struct yeon_tcp *c)
{
  if (!seq_gt(in->ack, c->snd_una) || seq_gt(in->ack, c->snd_max)) {
    in->verdict = YEON_VERDICT_BAD_ACK;
    tcp_reply_reset(in);
    return TCP_STOP;
  }
  if ((c->flags & TCP_F_PASSIVE) == 0 || tcp_is_early(c)) tcp_rtt_on_ack(c, in);
  if ((c->flags & TCP_F_PASSIVE) == 0)
    in->t->counters->tcp_opened_active++;
  else if (tcp_is_early(c))
    in->t->counters->tcp_opened_passive++;
  c->snd_una = c->iss + 1;
  if (seq_lt(c->snd_nxt, c->snd_una)) c->snd_nxt = c->snd_una;
  if ((c->flags & TCP_F_PASSIVE) == 0) tcp_fastopen_resend(c, in->ack);
  c->flags &= ~TCP_F_SEND_SYN;
  in->opens = true;
  c->snd_wnd = c->max_snd_wnd = in->window;
  c->snd_wl1 = in->seq;
  c->snd_wl2 = in->ack;
  tcp_established(c, YEON_CAUSE_ACK, in->now);
  return TCP_GO_ON;
}

static uint32_t usable_window(const struct yeon_tcp *c) { return c->cc.cwnd < c->max_snd_wnd ? c->cc.cwnd : c->max_snd_wnd; }

/* Room again: told once a third is free, lest the application be woken for every segment; or when what is left to send is little, for what has arrived
 * beyond a gap may hold the buffer for round trips. */
static void tell_room(struct yeon_tcp *c)
{
  uint32_t len = ring_len(c->snd), end = tcp_snd_end(c), unsent = seq_lt(c->snd_nxt, end) ? end - c->snd_nxt : 0, some = usable_window(c) / 4;
  if ((c->flags2 & TCP_G_WANTS_ROOM) == 0 || len >= c->sndbuf) return;
  if (len > c->sndbuf - c->sndbuf / 3 && (unsent > some || c->sndbuf - len < some)) return;
  c->flags2 &= ~TCP_G_WANTS_ROOM;
  tcp_notify(c, YEON_WRITABLE);
}

void tcp_advance(struct yeon_tcp *c, uint32_t ack, struct tcp_news *news, yeon_time now)
{
  uint32_t base = tcp_snd_base(c), end = tcp_snd_end(c);
  uint32_t bytes = seq_gt(ack, end) ? end - base : ack - base;
  bool was_full = ring_len(c->snd) >= c->sndbuf;
  if ((c->flags & TCP_F_FIN_SENT) != 0 && ack == c->snd_fin + 1) c->flags2 |= TCP_G_FIN_ACKED;
  c->snd_una = ack;
  if (c->busy != NULL) {
    c->busy->snd_small = seq_max(c->busy->snd_small, ack);
    tcp_sent_ack(c, ack, news);
    tcp_eor_acked(c);
  }
  if (seq_lt(c->snd_nxt, ack)) c->snd_nxt = ack;
  if ((c->flags & TCP_F_URGENT) != 0 && seq_ge(ack, c->extra->snd_up)) c->flags &= ~TCP_F_URGENT;
  c->flags &= ~TCP_F_REXMIT_HEAD;
  c->bytes_acked += bytes;
  if (bytes > 0) {
    ring_drop(c->snd, bytes);
    if (ring_len(c->snd) == 0) ring_release(c->t->rings, &c->snd);
    tcp_trace_buffer(c, now);
  }
  if (was_full) c->flags2 |= TCP_G_WANTS_ROOM;
  tell_room(c);
}

/* A send window update from the newest segment (RFC 9293 3.10.7.4, fifth, ESTABLISHED). */
static bool update_window(struct tcp_in *in, struct yeon_tcp *c)
{
  bool newer = seq_lt(c->snd_wl1, in->seq) || (c->snd_wl1 == in->seq && seq_le(c->snd_wl2, in->ack));
  /* What acknowledges more is newer, also with an old number, as of a FIN sent again; else the old window would move on with SND.UNA, beyond the
   * edge that the peer offers. */
  if (seq_gt(in->ack, c->snd_una)) newer = true;
  if (!newer) return false;
  bool changed = c->snd_wnd != in->window;
  c->snd_wl1 = in->seq;
  c->snd_wl2 = in->ack;
  c->snd_wnd = in->window;
  if (in->window > 0) c->probe_backoff = 0;
  if (in->window > c->max_snd_wnd) c->max_snd_wnd = in->window;
  return changed;
}

/* The peer is there, and what it lacked it has. */
static void progress(struct yeon_tcp *c, yeon_time now)
{
  c->rexmits = 0;
  if (c->busy != NULL) c->busy->rexmit_since = 0;
  c->soft_error = 0;
  tcp_user_timeout_start(c, now);
}

/* The send buffer follows the congestion window, so that it never is what limits the rate; but more than the peer's window can not be in flight. What has
 * arrived beyond a gap takes up room, too, until the gap is closed: a window's worth behind it. */
static void tune_sndbuf(struct yeon_tcp *c)
{
  uint32_t most = c->t->options.sndbuf_max, flight = usable_window(c);
  uint64_t want = (uint64_t)flight + (tcp_flight(c) > flight ? tcp_flight(c) : flight);
  if (want > most) want = most;
  if ((c->flags & TCP_F_SNDBUF_FIXED) != 0 || want <= c->sndbuf) return;
  c->sndbuf = (uint32_t)want;
  tell_room(c);
}

/* RFC 5681 section 2: the five signs of a duplicate acknowledgment. */
static bool is_duplicate(const struct tcp_in *in, const struct yeon_tcp *c, bool window_changed)
{
  /* The answer to a window probe looks the same, but tells of a full receiver, not of a gap. */
  if (in->window == 0 || tcp_flight(c) == 0 || in->opens) return false;
  return in->ack == c->snd_una && tcp_outstanding(c) && in->s->len == 0 && !window_changed &&
         (in->flags & (YEON_TCP_SYN | YEON_TCP_FIN)) == 0;
}

/* Without SACK each duplicate had stood for a segment that had arrived: that much has opened the window's worth already (limited transmit). */
static void take_off_duplicates(const struct yeon_tcp *c, struct tcp_news *news)
{
  uint32_t bytes = c->dup_acks * c->snd_mss;
  if ((c->flags & TCP_F_SACK) == 0) news->fresh -= bytes < news->fresh ? bytes : news->fresh;
}

/* RFC 2018 8: the acknowledgment ends where a block that was told begins, so the peer has taken that back, or two of its acknowledgments have crossed. As
 * Linux: half a round trip for the latter, then it is sent again, whatever the time-out says. */
static void mind_reneging(struct yeon_tcp *c, yeon_time now)
{
  if (!tcp_rack_on(c) || !tcp_sacked(c) || !tcp_sent_reneged(c)) return;
  uint32_t us = c->srtt_us / 2 > 10000 ? c->srtt_us / 2 : 10000;
  tcp_timer_set(c, YEON_TIMER_REXMIT, now + (yeon_time)us * YEON_US, now);
}

static void take_ack(struct tcp_in *in, struct yeon_tcp *c)
{
  struct tcp_news news = {.acked = in->ack - c->snd_una, .told = tcp_sacked(c), .now = in->now};
  if (news.told) news.top = c->busy->sent.top;
  news.echo = in->s->h.tsecr;
  news.echoed = (c->flags & TCP_F_TS) != 0 && in->s->h.has_ts && news.echo != 0;
  tcp_sack_take(c, in, &news);
  bool window_changed = update_window(in, c);
  /* RFC 6675 section 2: with SACK agreed, what reports nothing new is no duplicate. */
  bool duplicate =
      news.acked == 0 && ((c->flags & TCP_F_SACK) != 0 ? news.sacked > 0 : is_duplicate(in, c, window_changed));
  if (news.acked > 0) {
    tcp_rtt_on_ack(c, in);
    tcp_advance(c, in->ack, &news, in->now);
    take_off_duplicates(c, &news);
    progress(c, in->now);
    tcp_plpmtu_on_ack(c, in->now);
  }
  news.pure = in->s->len == 0 && !window_changed;
  bool recovering = (c->flags & TCP_F_RECOVERY) != 0, again = (c->flags & TCP_F_RTO_RECOVERY) != 0;
  if (c->record.ecn != 0) tcp_ecn_on_ack(in, c, &news);
  tcp_recovery_on_ack(c, in, &news, duplicate);
  tcp_congestion_on_ack(c, &news, recovering, again, in->now);
  /* RFC 6298 5.2, 5.3; the reordering timer stands in for it where it was just set. */
  if (news.acked > 0 && !news.waits) tcp_rexmit_restart(c, in->now);
  if (news.acked > 0) mind_reneging(c, in->now);
  tune_sndbuf(c);
  if (news.acked > 0 || duplicate || window_changed) tcp_want_output(c);
}

/* One that was overtaken: its number is old, but the blocks it carries tell of what arrived, and of what arrived twice, as any (RFC 2018 section 5). */
static void take_overtaken(struct tcp_in *in, struct yeon_tcp *c)
{
  if ((c->flags & TCP_F_SACK) == 0 || in->s->h.n_sack == 0 || c->busy == NULL || !tcp_outstanding(c)) return;
  struct tcp_news news = {.told = tcp_sacked(c), .now = in->now};
  if (news.told) news.top = c->busy->sent.top;
  tcp_sack_take(c, in, &news);
  if (news.sacked == 0 && !news.dsack) return;
  bool recovering = (c->flags & TCP_F_RECOVERY) != 0, again = (c->flags & TCP_F_RTO_RECOVERY) != 0;
  tcp_recovery_on_ack(c, in, &news, news.sacked > 0);
  tcp_congestion_on_ack(c, &news, recovering, again, in->now);
  tcp_want_output(c);
}

/* Which states an acknowledged FIN ends. */
static enum tcp_step on_fin_acked(struct tcp_in *in, struct yeon_tcp *c)
{
  switch ((enum yeon_tcp_state)c->state) {
  case YEON_TCP_FIN_WAIT_1:
    tcp_set_state(c, YEON_TCP_FIN_WAIT_2, YEON_CAUSE_FIN_ACKED, in->now);
    tcp_fin_wait_2_start(c, in->now);
    return TCP_GO_ON;
  case YEON_TCP_CLOSING:
    tcp_enter_time_wait(c, YEON_CAUSE_FIN_ACKED, in->now);
    if ((c->flags & TCP_F_ORPHAN) != 0) tcp_time_wait_compact(c, in->now);
    return TCP_STOP;
  case YEON_TCP_LAST_ACK: tcp_conn_end(c, 0, YEON_CAUSE_FIN_ACKED, in->now); return TCP_STOP;
  default: return TCP_GO_ON;
  }
}

enum tcp_step tcp_step_ack(struct tcp_in *in, struct yeon_tcp *c)
{
  if ((in->flags & YEON_TCP_ACK) == 0) {
    in->verdict = YEON_VERDICT_MALFORMED;
    return TCP_STOP;
  }
  if (c->state == YEON_TCP_SYN_RECEIVED) {
    if (complete_handshake(in, c) == TCP_STOP) return TCP_STOP;
  } else if (check_range(in, c) == TCP_STOP) {
    return TCP_STOP;
  }
  c->heard_at = in->now;
  c->probes = 0;
  c->flags &= ~TCP_F_MORE; /* what a send held back waits for the next occasion, and this is one */
  bool current = seq_ge(in->ack, c->snd_una);
  if (current)
    take_ack(in, c);
  else
    take_overtaken(in, c);
  if ((c->flags2 & TCP_G_FIN_ACKED) != 0 && on_fin_acked(in, c) == TCP_STOP) return TCP_STOP;
  if (c->state == YEON_TCP_TIME_WAIT) {
    tcp_time_wait_again(in, c);
    return TCP_STOP;
  }
  if (current && in->s->len == 0) tcp_persist_on_ack(c, in->now);
  tcp_persist_consider(c, in->now);
  return TCP_GO_ON;
}
