/* Fast retransmit and fast recovery: with SACK by RFC 6675, without by RFC 5681 3.2 and RFC 6582. Both are one shape here: cwnd falls once
 * on entry, and sending is allowed while what is thought to be in the network (the pipe) is less. Without SACK every duplicate
 * acknowledgment stands for one segment that has left the network, which is the inflation of RFC 6582 seen from the other side. */
#include "tcp/ecn.h"

/* RFC 6675 section 4, SetPipe: what was sent, less what has left the network (told of by SACK, or lost), and the copies of it. */
uint32_t tcp_pipe(const struct yeon_tcp *c)
{
  uint32_t flight = tcp_flight(c);
  if (c->busy == NULL) return flight;
  const struct tcp_sents *s = &c->busy->sent;
  uint32_t gone = s->sacked + s->lost, segments = c->dup_acks;
  flight += s->resent;
  if ((c->flags & TCP_F_SACK) != 0) return flight > gone ? flight - gone : 0;
  /* RFC 3042: before recovery, two segments at most leave because of duplicates. */
  if ((c->flags & TCP_F_RECOVERY) == 0 && segments > 2) segments = 2;
  gone += segments * c->snd_mss;
  return flight > gone ? flight - gone : 0;
}

void tcp_recovery_leave(struct yeon_tcp *c)
{
  c->flags &= ~(TCP_F_RECOVERY | TCP_F_RTO_RECOVERY);
  c->flags2 &= ~TCP_G_RESCUED;
  c->dup_acks = 0;
}

/* RFC 6582, RFC 6675: what recovery begins with is the oldest segment, whatever said that it is lost. RACK knows better, and the first retransmission
 * is let through by PRR. */
static void lose_head(struct yeon_tcp *c)
{
  if (tcp_rack_on(c)) {
    if (c->busy->prr.flight == 0 && tcp_due(c)) c->flags |= TCP_F_REXMIT_HEAD;
    return;
  }
  tcp_sent_lose(c, c->snd_una, c->snd_una + c->snd_mss, false);
  c->flags |= TCP_F_REXMIT_HEAD;
}

static void enter(struct yeon_tcp *c, yeon_time now)
{
  if (tcp_plpmtu_lost(c, now)) return;
  uint32_t flight = tcp_flight(c);
  if (flight > c->cc.cwnd) flight = c->cc.cwnd; /* RFC 5681 3.2, step 2: what limited transmit sent does not count */
  c->flags |= TCP_F_RECOVERY;
  c->flags &= ~TCP_F_TIMING;
  c->flags2 &= ~TCP_G_RESCUED;
  c->busy->recover = c->snd_max;
  c->busy->judged = c->snd_una;
  c->busy->tlp.out = false;
  c->busy->rack.found = false;
  tcp_undo_begin(c);
  /* RFC 3168 6.1.2: once for all the marks and losses of a window. What a mark has taken is not given back when the loss proves to be none. */
  if (tcp_ecn_has_reduced(c))
    c->busy->undo.possible = false;
  else
    cc_on_congestion(&c->cc, CC_LOSS, flight, now);
  if (c->record.ecn != 0) tcp_ecn_reduced(c);
  tcp_prr_begin(c, flight);
  lose_head(c);
  c->t->counters->tcp_rexmit_fast++;
  tcp_trace_cwnd(c, "recovery", now);
}

static bool loss_is_certain(const struct yeon_tcp *c)
{
  if (tcp_rack_on(c)) return c->busy->rack.found && c->busy->sent.lost > 0;
  if (c->dup_acks == 0 && !tcp_sacked(c)) return false;
  if (tcp_sacked(c) && seq_gt(tcp_sent_lost_below(c), c->snd_una)) return true;
  return c->dup_acks >= c->t->options.dupthresh;
}

/* RFC 6582 3.2, step 1: more than recover; with SACK RFC 6675 5.1: as much. Without SACK the duplicates may be of what was sent twice. */
static bool covers_recover(const struct yeon_tcp *c)
{
  if ((c->flags & TCP_F_SACK) != 0) return seq_ge(c->snd_una, c->busy->recover);
  return seq_gt(c->snd_una, c->busy->recover);
}

/* RFC 6582 3.2, step 3, full acknowledgment, option 1: no burst when little is in flight. */
static void deflate(struct yeon_tcp *c)
{
  uint32_t window = tcp_flight(c) > c->snd_mss ? tcp_flight(c) : c->snd_mss;
  if ((c->flags & TCP_F_SACK) == 0 && c->busy->prr.flight == 0 && window + c->snd_mss < c->cc.cwnd) c->cc.cwnd = window + c->snd_mss;
}

static void on_recovery_ack(struct yeon_tcp *c, uint32_t acked, yeon_time now)
{
  if (seq_ge(c->snd_una, c->busy->recover)) {
    deflate(c);
    tcp_prr_end(c);
    tcp_rack_on_recovered(c);
    tcp_recovery_leave(c);
    cc_on_recovered(&c->cc, now);
    tcp_trace_cwnd(c, "recovered", now);
    return;
  }
  /* Partial: the next hole is lost too. Those duplicates were of what is now acknowledged. */
  uint32_t segments = (acked + c->snd_mss - 1) / c->snd_mss;
  c->dup_acks = c->dup_acks > segments ? (uint8_t)(c->dup_acks - segments) : 0;
  if ((c->flags & TCP_F_SACK) != 0) return;
  tcp_sent_lose(c, c->snd_una, c->snd_una + c->snd_mss, false);
  c->flags |= TCP_F_REXMIT_HEAD;
}

static void on_open_ack(struct yeon_tcp *c, yeon_time now)
{
  c->dup_acks = 0;
  if ((c->flags & TCP_F_RTO_RECOVERY) != 0) {
    if (seq_ge(c->snd_una, c->busy->recover)) {
      c->flags &= ~TCP_F_RTO_RECOVERY;
      c->busy->frto = TCP_FRTO_OFF;
      tcp_rack_on_recovered(c);
      cc_on_recovered(&c->cc, now);
    }
  } else if (seq_gt(c->snd_una, c->busy->recover)) {
    c->busy->recover = c->snd_una - 1; /* stays within comparable distance */
  }
}

/* RFC 6675 section 5, (C): what may be judged lost is, once. */
static void judge(struct yeon_tcp *c, struct tcp_news *news)
{
  uint32_t from = seq_max(c->busy->judged, c->snd_una), to = tcp_sent_lost_below(c);
  if (!seq_lt(from, to)) return;
  news->lost += tcp_sent_lose(c, from, to, false);
  c->busy->judged = to;
}

/* Was the last reduction a mistake? True: it has been taken back. */
static bool take_back(struct yeon_tcp *c, const struct tcp_news *news, bool duplicate)
{
  bool recovering = (c->flags & (TCP_F_RECOVERY | TCP_F_RTO_RECOVERY)) != 0;
  tcp_undo_on_dsack(c, news);
  bool wrong = news->acked > 0 && recovering && (tcp_undo_eifel(c, news) || tcp_undo_nothing_lost(c));
  if (news->dsack && tcp_undo_all_duplicates(c)) wrong = true;
  if ((c->flags & TCP_F_RTO_RECOVERY) != 0 && !wrong) wrong = tcp_frto_on_ack(c, news, duplicate);
  if (!wrong || !c->busy->undo.possible) return false;
  tcp_undo(c, news->now);
  return true;
}

static void detect(struct yeon_tcp *c, struct tcp_news *news)
{
  bool recovering = (c->flags & TCP_F_RECOVERY) != 0;
  if (tcp_rack_on(c)) {
    const struct tcp_sents *s = &c->busy->sent;
    /* What is left in the order in which it was sent left after all that has arrived: nothing to judge. */
    bool in_order = s->sacked + s->lost + s->resent == 0 && !news->newest_again;
    if (!in_order && tcp_outstanding(c) && (news->any || news->dsack)) news->lost += tcp_rack_detect(c, news->now);
    news->waits = tcp_timer_on(c, YEON_TIMER_REORDER);
  } else if (recovering && tcp_sacked(c)) {
    judge(c, news);
  }
}

/* Of what is known to have arrived with this acknowledgment, bytes; without SACK a duplicate stands for a segment. */
static uint32_t delivered(const struct yeon_tcp *c, const struct tcp_news *news, bool duplicate)
{
  return news->fresh + news->sacked + (duplicate && (c->flags & TCP_F_SACK) == 0 ? c->snd_mss : 0);
}

static void consider_entering(struct yeon_tcp *c, struct tcp_news *news)
{
  /* RFC 6582 section 4.1, RFC 6675 5.1: what was outstanding at a time-out starts no recovery of its own. */
  if ((c->flags & (TCP_F_RECOVERY | TCP_F_RTO_RECOVERY)) != 0 || !tcp_outstanding(c)) return;
  if (!covers_recover(c) || !loss_is_certain(c)) return;
  enter(c, news->now);
  if (!tcp_rack_on(c) && tcp_sacked(c)) judge(c, news);
}

void tcp_recovery_on_ack(struct yeon_tcp *c, const struct tcp_in *in, struct tcp_news *news, bool duplicate)
{
  if (c->busy == NULL) {
    if (news->acked == 0 && (news->pure || news->dsack)) tcp_tlp_needless(c);
    return;
  }
  tcp_rack_on_ack(c, news);
  tcp_tlp_on_ack(c, news, in->now);
  (void)take_back(c, news, duplicate);
  bool recovering = (c->flags & TCP_F_RECOVERY) != 0;
  if (news->acked > 0) {
    if (recovering)
      on_recovery_ack(c, news->acked, in->now);
    else
      on_open_ack(c, in->now);
  } else if (duplicate && c->dup_acks < UINT8_MAX && (c->flags & TCP_F_RTO_RECOVERY) == 0) {
    c->dup_acks++;
  }
  detect(c, news);
  if (!recovering || tcp_rack_on(c)) consider_entering(c, news);
  if ((c->flags & TCP_F_RECOVERY) != 0) tcp_prr_on_ack(c, delivered(c, news, duplicate), news->acked > 0, news->lost > 0);
}

void tcp_recovery_on_lost(struct yeon_tcp *c, uint32_t lost, yeon_time now)
{
  struct tcp_news news = {.lost = lost, .now = now};
  consider_entering(c, &news);
  if ((c->flags & TCP_F_RECOVERY) != 0) tcp_prr_on_ack(c, c->snd_mss, false, true);
  tcp_want_output(c);
}

bool tcp_recovery_next(struct yeon_tcp *c, uint32_t most, bool last, uint32_t *seq, uint32_t *len)
{
  struct tcp_sents *s = &c->busy->sent;
  if (!last) {
    if (s->due == 0 || !tcp_sent_find(c, s->due_from, TCP_SENT_LOST, TCP_SENT_RESENT, most, seq, len)) return false;
    s->due_from = *seq;
    return true;
  }
  if ((c->flags & TCP_F_RECOVERY) == 0 || (c->flags & TCP_F_SACK) == 0 || tcp_rack_on(c)) return false;
  uint32_t top = s->sacked > 0 ? s->top : c->snd_una;
  if (s->sacked > 0 && tcp_sent_find(c, c->snd_una, 0, TCP_SENT_SACKED | TCP_SENT_RESENT, most, seq, len) &&
      seq_lt(*seq, top))
    return true;
  /* NextSeg (4): the tail once more, to provoke acknowledgments. */
  uint32_t end = c->snd_max;
  if ((c->flags2 & TCP_G_RESCUED) != 0 || !seq_lt(top, end)) return false;
  c->flags2 |= TCP_G_RESCUED;
  if ((c->flags & TCP_F_FIN_SENT) == 0 || end != c->snd_fin + 1) most--; /* room for a FIN that is not there */
  *len = end - top < most ? end - top : most;
  *seq = end - *len;
  return true;
}
