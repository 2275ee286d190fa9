/* Fast retransmit and fast recovery: with SACK by RFC 6675, without by RFC 5681 3.2 and RFC 6582. Both are one shape here: cwnd falls once
 * on entry, and sending is allowed while what is thought to be in the network (the pipe) is less. Without SACK every duplicate
 * acknowledgment stands for one segment that has left the network, which is the inflation of RFC 6582 seen from the other side. */
#include "tcp/internal.h"

/* RFC 6675 section 4, IsLost, as a limit: holes that begin below it are lost. snd_una when none is. */
static uint32_t lost_below(const struct yeon_tcp *c)
{
  const struct ranges *s = c->busy->sacked->set;
  uint32_t thresh = c->t->options.dupthresh, bytes = 0;
  for (unsigned i = s->n; i > 0; i--) {
    const struct range *r = &s->v[i - 1];
    bytes += r->right - r->left;
    if (s->n - i + 1 >= thresh || bytes > (thresh - 1) * c->snd_mss) return r->left;
  }
  return c->snd_una;
}

/* Bytes of the hole [left, right) that count as in the network: not lost, or sent again. */
static uint32_t hole_in_pipe(const struct yeon_tcp *c, uint32_t left, uint32_t right, uint32_t lost)
{
  uint32_t n = seq_ge(left, lost) ? right - left : 0;
  if (seq_lt(left, c->busy->high_rxt)) n += seq_min(right, c->busy->high_rxt) - left;
  return n;
}

/* RFC 6675 section 4, SetPipe. */
static uint32_t sack_pipe(const struct yeon_tcp *c)
{
  const struct ranges *s = c->busy->sacked->set;
  uint32_t at = c->snd_una, pipe = 0;
  bool recovering = (c->flags & TCP_F_RECOVERY) != 0;
  uint32_t lost = recovering ? lost_below(c) : c->snd_una;
  for (unsigned i = 0; i < s->n && seq_lt(at, c->snd_nxt); i++) {
    if (seq_ge(s->v[i].left, c->snd_nxt)) break;
    pipe += recovering ? hole_in_pipe(c, at, s->v[i].left, lost) : s->v[i].left - at;
    at = s->v[i].right;
  }
  return seq_lt(at, c->snd_nxt) ? pipe + (c->snd_nxt - at) : pipe;
}

uint32_t tcp_pipe(const struct yeon_tcp *c)
{
  if (tcp_sacked(c) != NULL) return sack_pipe(c);
  uint32_t flight = tcp_flight(c), segments = c->dup_acks;
  if ((c->flags & TCP_F_SACK) != 0) return flight; /* nothing is reported to have left the network */
  /* RFC 3042: before recovery, two segments at most leave because of duplicates. */
  if ((c->flags & TCP_F_RECOVERY) == 0 && segments > 2) segments = 2;
  uint32_t left = segments * c->snd_mss;
  return flight > left ? flight - left : 0;
}

void tcp_recovery_leave(struct yeon_tcp *c)
{
  c->flags &= ~(TCP_F_RECOVERY | TCP_F_RTO_RECOVERY);
  c->flags2 &= ~TCP_G_RESCUED;
  c->dup_acks = 0;
}

static void enter(struct yeon_tcp *c, yeon_time now)
{
  uint32_t flight = tcp_flight(c);
  if (flight > c->cc.cwnd) flight = c->cc.cwnd; /* RFC 5681 3.2, step 2: what limited transmit sent does not count */
  c->flags |= TCP_F_RECOVERY | TCP_F_REXMIT_HEAD;
  c->flags &= ~TCP_F_TIMING;
  c->flags2 &= ~TCP_G_RESCUED;
  c->busy->recover = c->snd_max;
  c->busy->high_rxt = c->snd_una;
  c->cc.ops->on_congestion(&c->cc, flight, now);
  c->t->counters->tcp_rexmit_fast++;
  tcp_trace_cwnd(c, "recovery", now);
}

static bool loss_is_certain(const struct yeon_tcp *c)
{
  if (tcp_sacked(c) != NULL && seq_gt(lost_below(c), c->snd_una)) return true;
  return c->dup_acks >= c->t->options.dupthresh;
}

/* RFC 6582 3.2, step 1: more than recover; with SACK RFC 6675 5.1: as much. Without SACK the duplicates may be of what was sent twice. */
static bool covers_recover(const struct yeon_tcp *c)
{
  if ((c->flags & TCP_F_SACK) != 0) return seq_ge(c->snd_una, c->busy->recover);
  return seq_gt(c->snd_una, c->busy->recover);
}

static void on_recovery_ack(struct yeon_tcp *c, uint32_t acked, yeon_time now)
{
  if (seq_ge(c->snd_una, c->busy->recover)) {
    uint32_t window = tcp_flight(c) > c->snd_mss ? tcp_flight(c) : c->snd_mss;
    /* RFC 6582 3.2, step 3, full acknowledgment, option 1: no burst when little is in flight. */
    if ((c->flags & TCP_F_SACK) == 0 && window + c->snd_mss < c->cc.cwnd) c->cc.cwnd = window + c->snd_mss;
    tcp_recovery_leave(c);
    tcp_trace_cwnd(c, "recovered", now);
    return;
  }
  /* Partial: the next hole is lost too. Those duplicates were of what is now acknowledged. */
  uint32_t segments = (acked + c->snd_mss - 1) / c->snd_mss;
  c->dup_acks = c->dup_acks > segments ? (uint8_t)(c->dup_acks - segments) : 0;
  if (seq_lt(c->busy->high_rxt, c->snd_una)) c->busy->high_rxt = c->snd_una;
  if ((c->flags & TCP_F_SACK) == 0) c->flags |= TCP_F_REXMIT_HEAD;
}

/* fresh: bytes of which nothing was known before. */
static void on_open_ack(struct yeon_tcp *c, uint32_t fresh, yeon_time now)
{
  uint32_t flight = c->busy != NULL ? c->busy->flight_max : 0;
  struct cc_ack a = {.acked = fresh, .flight = flight, .srtt_us = c->srtt_us, .now = now};
  uint32_t before = c->cc.cwnd;
  c->dup_acks = 0;
  if ((c->flags & TCP_F_RTO_RECOVERY) != 0) {
    /* RFC 3465 2.3: after a time-out much of it may have arrived long ago; it makes room for one segment. */
    if (a.acked > c->snd_mss) a.acked = c->snd_mss;
    if (seq_ge(c->snd_una, c->busy->recover)) c->flags &= ~TCP_F_RTO_RECOVERY;
  } else if (c->busy != NULL && seq_gt(c->snd_una, c->busy->recover)) {
    c->busy->recover = c->snd_una - 1; /* stays within comparable distance */
  }
  if (a.acked > 0) c->cc.ops->on_ack(&c->cc, &a);
  if (c->cc.cwnd != before) tcp_trace_cwnd(c, c->cc.cwnd <= c->cc.ssthresh ? "slow start" : "avoidance", now);
}

void tcp_recovery_on_ack(struct yeon_tcp *c, const struct tcp_in *in, uint32_t acked, uint32_t fresh, bool duplicate)
{
  bool recovering = (c->flags & TCP_F_RECOVERY) != 0;
  if (acked > 0) {
    if (recovering)
      on_recovery_ack(c, acked, in->now);
    else
      on_open_ack(c, fresh, in->now);
  } else if (duplicate && c->dup_acks < UINT8_MAX && (c->flags & TCP_F_RTO_RECOVERY) == 0) {
    c->dup_acks++;
  }
  /* RFC 6582 section 4.1, RFC 6675 5.1: what was outstanding at a time-out starts no recovery of its own. */
  if (recovering || (c->flags & (TCP_F_RECOVERY | TCP_F_RTO_RECOVERY)) != 0 || !tcp_outstanding(c)) return;
  if (c->dup_acks == 0 && tcp_sacked(c) == NULL) return;
  if (!covers_recover(c) || !loss_is_certain(c)) return;
  enter(c, in->now);
}

/* The first unsacked stretch at or after `from` and below `limit`. */
static bool next_hole(const struct yeon_tcp *c, uint32_t from, uint32_t limit, uint32_t *left, uint32_t *right)
{
  const struct ranges *s = c->busy->sacked->set;
  for (unsigned i = 0; i < s->n; i++) {
    if (seq_lt(from, s->v[i].left)) {
      *left = from;
      *right = seq_min(s->v[i].left, limit);
      return seq_lt(*left, *right);
    }
    if (seq_lt(from, s->v[i].right)) from = s->v[i].right;
  }
  return false;
}

bool tcp_recovery_next(struct yeon_tcp *c, uint32_t most, bool last, uint32_t *seq, uint32_t *len)
{
  uint32_t left, right, from = seq_max(c->busy->high_rxt, c->snd_una), top = from;
  if ((c->flags & TCP_F_SACK) == 0) return false;
  if (c->busy->sacked != NULL) {
    const struct ranges *s = c->busy->sacked->set;
    top = s->v[s->n - 1].right;
    if (next_hole(c, from, last ? top : lost_below(c), &left, &right)) {
      *seq = left;
      *len = right - left < most ? right - left : most;
      c->busy->high_rxt = *seq + *len;
      return true;
    }
  }
  /* NextSeg (4): the tail once more, to provoke acknowledgments. */
  uint32_t end = c->snd_max - ((c->flags & TCP_F_FIN_SENT) != 0 && c->snd_max == c->snd_fin + 1);
  if (!last || (c->flags2 & TCP_G_RESCUED) != 0 || !seq_lt(top, end)) return false;
  c->flags2 |= TCP_G_RESCUED;
  *len = end - top < most ? end - top : most;
  *seq = end - *len;
  return true;
}
