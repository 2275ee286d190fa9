/* The tail loss probe (RFC 8985 section 7). What is lost at the end of a flight has nothing behind it that could tell; so two round trips after the
 * last news one segment goes out, new if there is one, else the last again, and what the peer then says of it lets RACK judge the rest.
 *
 * One probe is on its way at a time. If it repeated the last segment and the acknowledgment moves beyond without having reported a duplicate, then the
 * probe has mended a loss that nobody has seen, and the window is reduced for it (RFC 8985 7.4).
 *
 * When the clock starts is a choice: as Linux does it, with each acknowledgment, and with tlp_delack_us more when a single segment is out, for the peer
 * may sit on its acknowledgment; or from when the last segment left (tlp_from_last), without, so that a lost reply costs two round trips.
 * A probe too many is the price, and the peer's DSACK tells. */
#include "tcp/ecn.h"

#define SLACK_US 2000    /* two ticks of a clock as others have it */
#define FIRST_US 1000000 /* RFC 8985 7.2: without a round-trip time */

bool tcp_tlp_wanted(const struct yeon_tcp *c)
{
  if (!c->t->options.tlp || (c->flags & TCP_F_SACK) == 0 || c->busy == NULL || tcp_flight(c) == 0) return false;
  /* RFC 8985 7.3: a second probe wants an answer to the first, and a round trip that was measured since. */
  if (c->state < YEON_TCP_ESTABLISHED || (c->flags2 & TCP_G_UNSAMPLED) != 0 ||
      (c->flags & (TCP_F_RECOVERY | TCP_F_RTO_RECOVERY | TCP_F_REXMIT_HEAD)) != 0)
    return false;
  const struct tcp_sents *s = &c->busy->sent;
  return s->n > 0 && s->sacked == 0 && s->lost == 0 && !c->busy->tlp.out;
}

/* RFC 8985 7.2. */
static yeon_time probe_at(const struct yeon_tcp *c, yeon_time now)
{
  const struct yeon_tcp_options *o = &c->t->options;
  const struct tcp_sents *s = &c->busy->sent;
  if (c->srtt_us == 0) return now + (yeon_time)FIRST_US * YEON_US;
  bool single = s->n == 1 && s->end - c->snd_una <= c->snd_mss;
  yeon_time wait =
      (2 * (yeon_time)c->srtt_us + (single && o->tlp_delack_us > SLACK_US ? o->tlp_delack_us : SLACK_US)) * YEON_US;
  yeon_time at = (o->tlp_from_last ? tcp_sent_at(s, s->n - 1)->sent_at : now) + wait;
  /* What is overdue may be in the acknowledgment right behind this one. */
  return at > now + SLACK_US * YEON_US ? at : now + SLACK_US * YEON_US;
}

void tcp_tlp_start(struct yeon_tcp *c, bool acked, yeon_time now)
{
  yeon_time rto = (yeon_time)tcp_rto_us(c) * YEON_US, at = probe_at(c, now);
  yeon_time rto_at = acked ? now + rto : tcp_sent_at(&c->busy->sent, 0)->sent_at + rto;
  if (rto_at > now && rto_at < at) at = rto_at;
  tcp_timer_set(c, YEON_TIMER_PROBE, at, now);
}

void tcp_on_probe_timer(struct yeon_tcp *c, yeon_time now)
{
  if (!tcp_outstanding(c)) return;
  if (tcp_tlp_wanted(c)) {
    c->flags2 |= TCP_G_LOSS_PROBE;
    tcp_want_output(c);
  }
  tcp_rexmit_resume(c, now);
}

void tcp_tlp_sent(struct yeon_tcp *c, bool again, yeon_time now)
{
  c->busy->tlp = (struct tcp_tlp){.end = c->snd_max, .out = true, .again = again};
  c->flags2 |= TCP_G_UNSAMPLED;
  c->t->counters->tcp_loss_probes++;
  tcp_rexmit_start(c, now);
}

/* RFC 3168 6.1.2: once for all the marks and losses of a window. */
static void reduce(struct yeon_tcp *c, yeon_time now)
{
  if (tcp_ecn_has_reduced(c)) return;
  /* How much was in flight when it was lost is not known any more. */
  cc_on_congestion(&c->cc, CC_LOSS, c->cc.cwnd, now);
  if (!cc_ops(&c->cc)->governs_itself && c->cc.cwnd > c->cc.ssthresh) c->cc.cwnd = c->cc.ssthresh;
  cc_on_recovered(&c->cc, now);
  if (c->record.ecn != 0) tcp_ecn_reduced(c);
  tcp_trace_cwnd(c, "probe mended a loss", now);
}

/* Both copies have arrived, so the first acknowledgment was the original's, and came in its time: as good as a round trip that was measured. */
void tcp_tlp_needless(struct yeon_tcp *c)
{
  if (c->busy != NULL) c->busy->tlp.out = false;
  c->flags2 &= ~(TCP_G_PROBE_OUT | TCP_G_UNSAMPLED);
}

/* RFC 8985 7.4. */
void tcp_tlp_on_ack(struct yeon_tcp *c, const struct tcp_news *news, yeon_time now)
{
  struct tcp_tlp *p = &c->busy->tlp;
  if (!p->out || seq_lt(c->snd_una, p->end)) return;
  if (!p->again) {
    p->out = false;
  } else if (news->dsack) {
    tcp_tlp_needless(c);
  } else if (seq_gt(c->snd_una, p->end)) {
    p->out = false;
    if ((c->flags & (TCP_F_RECOVERY | TCP_F_RTO_RECOVERY)) == 0) reduce(c, now);
  } else if (news->acked == 0 && news->sacked == 0 && news->pure) {
    tcp_tlp_needless(c);
  }
}

void tcp_tlp_rest(struct yeon_tcp *c)
{
  c->flags2 &= ~(TCP_G_LOSS_PROBE | TCP_G_PROBE_OUT);
  if (c->busy->tlp.out && c->busy->tlp.again && c->busy->tlp.end == c->snd_una) c->flags2 |= TCP_G_PROBE_OUT;
}

void tcp_tlp_wake(struct yeon_tcp *c)
{
  if ((c->flags2 & TCP_G_PROBE_OUT) == 0) return;
  c->flags2 &= ~TCP_G_PROBE_OUT;
  c->busy->tlp = (struct tcp_tlp){.end = c->snd_una, .out = true, .again = true};
}
