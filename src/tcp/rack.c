/* RACK: loss by time (RFC 8985). What left before something that is known to have arrived is lost, once a round trip and a window for reordering have
 * passed since. A copy is judged like the first, so that what is lost again is found without a time-out.
 *
 * Of what has arrived, rack.sent_at and rack.end name what left last. The records are walked from the oldest to the first that left later than that:
 * in recovery that is holes and runs already told of, few (sent.c). What may not be judged yet sets the reordering timer.
 *
 * The window for reordering is nought as long as the path has not been seen to reorder and either three segments beyond have arrived or recovery is
 * going on; else a quarter of the least round trip, times reo_steps, which grows from then on by one for every round trip with a DSACK, for that tells of what was
 * sent again too early; 16 recoveries later it falls back. */
#include "tcp/internal.h"

#define PERSIST 16 /* RFC 8985 6.2, step 4: RACK.reo_wnd_persist */
#define STEPS_MOST 63u
#define TIMER_SLACK_US 2000 /* so that what waits is certainly due; two ticks of a clock as others have it */

bool tcp_rack_on(const struct yeon_tcp *c) { return c->t->options.rack && (c->flags & TCP_F_SACK) != 0; }

/* RFC 8985 6.2, step 4. */
static uint32_t window_us(const struct yeon_tcp *c)
{
  const struct tcp_sents *s = &c->busy->sent;
  bool recovering = (c->flags & (TCP_F_RECOVERY | TCP_F_RTO_RECOVERY)) != 0;
  if (c->reo_steps == 0 && (recovering || s->sacked_segs >= c->t->options.dupthresh)) return 0;
  uint64_t window = (uint64_t)(c->rtt_min_us / 4) * (c->reo_steps > 0 ? c->reo_steps : 1);
  return window < c->srtt_us ? (uint32_t)window : c->srtt_us;
}

static bool of_probe(const struct yeon_tcp *c, const struct tcp_news *news)
{
  return c->busy->tlp.out && c->busy->tlp.again && news->dsack_right == c->busy->tlp.end;
}

/* A DSACK says that something was sent again for nothing: wait longer, once a round trip. As Linux not before reordering was seen, nor for a probe,
 * which a timer sends. */
static void adapt(struct yeon_tcp *c, const struct tcp_news *news)
{
  struct tcp_rack *k = &c->busy->rack;
  if (k->in_round && seq_ge(c->snd_una, k->round)) k->in_round = false;
  if (!news->dsack || k->in_round || c->reo_steps == 0 || of_probe(c, news)) return;
  k->in_round = true;
  k->round = c->snd_max;
  c->reo_persist = PERSIST;
  if (c->reo_steps < STEPS_MOST) c->reo_steps++;
}

static uint32_t since_us(yeon_time then, yeon_time now) { return (uint32_t)((now - then) / YEON_US); }

/* RFC 8985 6.2, steps 1 to 3; which record counts is sent.c's part. The round trip is that of what the acknowledgment names last, whenever it left: where
 * a copy and much older bytes arrive together, the path is as slow as they were. */
void tcp_rack_on_ack(struct yeon_tcp *c, const struct tcp_news *news)
{
  struct tcp_rack *k = &c->busy->rack;
  if (!tcp_rack_on(c)) return;
  if (news->reordered && c->reo_steps == 0) c->reo_steps = 1;
  k->reorderings = (uint16_t)(k->reorderings + news->reordered);
  uint32_t behind = news->reordered ? (news->behind + c->snd_mss - 1) / c->snd_mss : 0;
  if (behind > k->reordering) k->reordering = (uint16_t)(behind < UINT16_MAX ? behind : UINT16_MAX);
  adapt(c, news);
  if (!news->any) return;
  uint32_t newest_us = since_us(news->newest_at, news->now);
  if (!news->newest_again && newest_us < c->rtt_min_us) c->rtt_min_us = newest_us > 0 ? newest_us : 1;
  k->rtt_us = since_us(news->last_at, news->now);
  if (news->newest_at < k->sent_at || (news->newest_at == k->sent_at && seq_lt(news->newest_end, k->end))) return;
  k->sent_at = news->newest_at;
  k->end = news->newest_end;
}

void tcp_rack_on_recovered(struct yeon_tcp *c)
{
  struct tcp_rack *k = &c->busy->rack;
  if (c->busy->sent.lost == 0) k->found = false;
  if (c->reo_persist > 0 && --c->reo_persist == 0 && c->reo_steps > 1) c->reo_steps = 1;
}

/* Left it before what is known to have arrived? */
static bool left_before(const struct tcp_rack *k, const struct tcp_sent *r, uint32_t end)
{
  return r->sent_at < k->sent_at || (r->sent_at == k->sent_at && seq_lt(end, k->end));
}

/* RFC 8985 6.2, step 5. *wait_us: until all that may be lost has been waited for; 0: nothing has to wait. */
static uint32_t judge(struct yeon_tcp *c, uint32_t *wait_us, yeon_time now)
{
  struct tcp_sents *s = &c->busy->sent;
  const struct tcp_rack *k = &c->busy->rack;
  uint32_t lost = 0, window = window_us(c);
  *wait_us = 0;
  for (uint32_t i = 0; i < s->n; i++) {
    const struct tcp_sent *r = tcp_sent_at(s, i);
    uint8_t fate = r->flags & (TCP_SENT_SACKED | TCP_SENT_LOST | TCP_SENT_RESENT);
    if ((fate & TCP_SENT_SACKED) != 0 || fate == TCP_SENT_LOST) continue;
    uint32_t end = tcp_sent_end(s, i);
    if (!left_before(k, r, end)) {
      if ((r->flags & TCP_SENT_EVER_RESENT) == 0) break; /* what follows left later still */
      continue;
    }
    /* A copy is not judged at the very instant at which it left. */
    uint32_t rtt_us = k->rtt_us > 0 || (r->flags & TCP_SENT_EVER_RESENT) == 0 ? k->rtt_us : 1;
    yeon_time due_at = r->sent_at + (yeon_time)(rtt_us + window) * YEON_US;
    if (due_at <= now) {
      lost += end - r->seq;
      tcp_sent_lose_record(c, i);
    } else if ((due_at - now) / YEON_US >= *wait_us) {
      *wait_us = (uint32_t)((due_at - now) / YEON_US) + 1;
    }
  }
  return lost;
}

uint32_t tcp_rack_detect(struct yeon_tcp *c, yeon_time now)
{
  uint32_t wait_us, lost;
  if (c->busy->rack.sent_at == 0 || c->busy->sent.n == 0) return 0;
  lost = judge(c, &wait_us, now);
  if (lost > 0) c->busy->rack.found = true;
  if (wait_us == 0) return lost;
  /* Never later than the time-out. */
  yeon_time at = now + (yeon_time)(wait_us + TIMER_SLACK_US) * YEON_US,
            rto_at = now + (yeon_time)tcp_rto_us(c) * YEON_US;
  tcp_timer_set(c, YEON_TIMER_REORDER, at < rto_at ? at : rto_at, now);
  return lost;
}

/* RFC 8985 6.3: what left within a round trip may yet arrive. */
void tcp_rack_on_timeout(struct yeon_tcp *c, yeon_time now)
{
  struct tcp_sents *s = &c->busy->sent;
  yeon_time rtt = (yeon_time)(c->busy->rack.sent_at != 0 ? c->busy->rack.rtt_us : c->srtt_us) * YEON_US;
  for (uint32_t i = 0; i < s->n; i++) {
    const struct tcp_sent *r = tcp_sent_at(s, i);
    if ((r->flags & TCP_SENT_SACKED) != 0 || (i > 0 && r->sent_at + rtt > now)) continue;
    tcp_sent_lose_record(c, i);
  }
}

void tcp_on_reorder_timer(struct yeon_tcp *c, yeon_time now)
{
  if (!tcp_outstanding(c) || c->busy == NULL) return;
  uint32_t lost = tcp_rack_detect(c, now);
  if (lost > 0) tcp_recovery_on_lost(c, lost, now);
  if (!tcp_timer_on(c, YEON_TIMER_REORDER)) tcp_rexmit_resume(c, now);
}
