/* What BBR believes of the path (draft-ietf-ccwg-bbr, "Updating Network Path Model Parameters"): the most it delivers, the least it takes, how much may be
 * in flight before it loses more than 2 %, and how far acknowledgments come in lumps. bbr.c acts on it.
 *
 * Beyond the draft: a loss counts only while a queue stands (round trips are an eighth longer than the least), for one without is the path's own and would
 * happen at any rate; how many of those there are is measured, and comes on top of the 2 %. More than one in ten, and a few, count without a queue, too. */
#include "cc/bbr.h"

#define MIN_RTT_WINDOW (10 * YEON_SEC)
#define PROBE_RTT_INTERVAL (5 * YEON_SEC)
#define PROBE_RTT_LATEST (9 * YEON_SEC) /* the least must not be forgotten before it is looked for */
#define EXTRA_ROUNDS 5u                 /* of each half of the window of ten */
#define HEADROOM_PERCENT 15u
#define QUEUE_SLACK_US 1000u
#define FEW 6u       /* segments beyond the two per cent, or the ten, ... */
#define FEW_PART 16u /* ... but no more than this part of the flight: else, of a small one, every accident would count */
#define ANY_LOSS_PERCENT 10u    /* without a queue: that much is no accident, but a policer */
#define STRAY_PART 1000u        /* a path that loses more without a queue is judged by how much it loses */
#define STRAY_MEMORY (4u << 20) /* bytes */

uint64_t bbr_rate_of(const struct cc_ack *ack)
{
  return ack->rate.interval_us == 0 ? 0 : ack->rate.delivered * 1000000ull / ack->rate.interval_us;
}

uint64_t bbr_max_bw(const struct bbr *s) { return s->max_bw[0] > s->max_bw[1] ? s->max_bw[0] : s->max_bw[1]; }

void bbr_start_round(struct bbr *s, const struct cc_ack *ack) { s->round_end = ack->delivered; }

uint32_t bbr_bdp(const struct bbr *s, uint64_t bw, uint32_t percent)
{
  if (s->min_rtt_us == 0 || bw == 0) return s->initial_cwnd;
  if (bw > UINT64_MAX / 100000 / s->min_rtt_us) return CC_WINDOW_MOST;
  uint64_t bytes = bw * s->min_rtt_us / 1000000 * percent / 100;
  return bytes < CC_WINDOW_MOST ? (uint32_t)bytes : CC_WINDOW_MOST;
}

uint32_t bbr_quantum(const struct cc *cc, const struct bbr *s)
{
  return cc_quantum(s->pacing_rate, cc->mss);
}

static uint32_t quantized(const struct cc *cc, const struct bbr *s, uint32_t bytes)
{
  uint32_t budget = 3 * bbr_quantum(cc, s); /* under way in the ends */
  if (bytes < budget) bytes = budget;
  if (bytes < BBR_MIN_PIPE * cc->mss) bytes = BBR_MIN_PIPE * cc->mss;
  return s->mode == BBR_UP ? bytes + 2u * cc->mss : bytes;
}

uint32_t bbr_inflight(const struct cc *cc, const struct bbr *s, uint64_t bw, uint32_t percent)
{
  return quantized(cc, s, bbr_bdp(s, bw, percent));
}

uint32_t bbr_with_headroom(const struct cc *cc, const struct bbr *s)
{
  if (s->inflight_longterm == BBR_UNBOUNDED) return BBR_UNBOUNDED;
  uint32_t headroom = (uint32_t)(s->inflight_longterm * (uint64_t)HEADROOM_PERCENT / 100);
  if (headroom < cc->mss) headroom = cc->mss;
  uint32_t left = s->inflight_longterm > headroom ? s->inflight_longterm - headroom : 0;
  return left > BBR_MIN_PIPE * cc->mss ? left : BBR_MIN_PIPE * cc->mss;
}

uint32_t bbr_target(const struct cc *cc, const struct bbr *s)
{
  uint32_t bdp = bbr_bdp(s, s->bw, 100);
  return bdp < cc->cwnd ? bdp : cc->cwnd;
}

uint32_t bbr_extra_acked(const struct bbr *s)
{
  return s->extra_acked[0] > s->extra_acked[1] ? s->extra_acked[0] : s->extra_acked[1];
}

void bbr_reset_congestion(struct bbr *s)
{
  s->loss_in_round = false;
  s->bw_latest = s->bw_before = 0;
  s->inflight_latest = 0;
}

void bbr_reset_shortterm(struct bbr *s)
{
  s->bw_shortterm = BBR_ANY_BW;
  s->inflight_shortterm = BBR_UNBOUNDED;
}

bool bbr_queue_stands(const struct bbr *s) { return s->rtt_us > s->min_rtt_us + s->min_rtt_us / 8 + QUEUE_SLACK_US; }

bool bbr_too_high(const struct cc *cc, const struct bbr *s, const struct cc_ack *ack)
{
  uint64_t flight = ack->rate.tx_in_flight, stray = s->stray_of != 0 ? flight * s->stray_lost / s->stray_of : 0;
  uint64_t few = flight / FEW_PART < FEW * cc->mss ? flight / FEW_PART : FEW * cc->mss;
  if (!bbr_queue_stands(s)) return ack->rate.lost > flight * ANY_LOSS_PERCENT / 100 + few;
  return ack->rate.lost > flight * BBR_LOSS_PERCENT / 100 + few + 2 * stray;
}

void bbr_save_for_undo(struct bbr *s)
{
  s->undo_mode = s->mode;
  s->undo_bw_shortterm = s->bw_shortterm;
  s->undo_inflight_shortterm = s->inflight_shortterm;
  s->undo_inflight_longterm = s->inflight_longterm;
}

/* Not while the queue is our own probe's, which is being drained at less than the rate: what is delivered then would become the bound. */
static bool every_loss_counts(const struct bbr *s)
{
  return bbr_queue_stands(s) && s->mode != BBR_DOWN && s->stray_lost < s->stray_of / STRAY_PART;
}

static void note_loss(const struct cc *cc, struct bbr *s, const struct cc_ack *ack)
{
  if (ack->lost > 0 && s->loss_events < UINT8_MAX) s->loss_events++;
  bool counts = every_loss_counts(s) ? ack->lost > 0 : ack->rate.interval_us != 0 && bbr_too_high(cc, s, ack);
  if (!counts || s->acks >= BBR_ACKS_STOPPING) return; /* the probe's losses have been answered by its end */
  if (!s->loss_in_round) {
    s->loss_round_end = ack->delivered;
    bbr_save_for_undo(s);
  }
  s->loss_in_round = true;
}

static void update_latest(struct bbr *s, const struct cc_ack *ack)
{
  uint64_t rate = bbr_rate_of(ack);
  s->loss_round_start = false;
  if (rate > s->bw_latest) s->bw_latest = rate;
  if (ack->rate.delivered > s->inflight_latest) s->inflight_latest = ack->rate.delivered;
  if (ack->rate.prior_delivered >= s->loss_round_end) {
    s->loss_round_end = ack->delivered;
    s->loss_round_start = true;
  }
}

static void update_round(struct bbr *s, const struct cc_ack *ack)
{
  s->round_start = ack->rate.prior_delivered >= s->round_end;
  if (!s->round_start) return;
  bbr_start_round(s, ack);
  s->rounds_since_probe++;
}

static void update_max_bw(struct bbr *s, const struct cc_ack *ack)
{
  uint64_t rate = bbr_rate_of(ack);
  if (rate == 0 || (ack->rate.app_limited && rate < bbr_max_bw(s))) return;
  if (rate > s->max_bw[1]) s->max_bw[1] = rate;
}

static void update_queue(struct bbr *s, const struct cc_ack *ack)
{
  if (ack->rtt_us != 0) s->rtt_us = s->rtt_us == 0 ? ack->rtt_us : (uint32_t)((3ull * s->rtt_us + ack->rtt_us) / 4);
  if (bbr_queue_stands(s)) return;
  s->stray_lost += ack->lost;
  s->stray_of += ack->acked;
  while (s->stray_of > STRAY_MEMORY) {
    s->stray_of /= 2;
    s->stray_lost /= 2;
  }
}

/* Outside of probing a round with losses brings the bounds down to what got through, by 30 % at most. */
static void adapt_lower_bounds(struct cc *cc, struct bbr *s)
{
  if (s->bw_shortterm == BBR_ANY_BW) s->bw_shortterm = bbr_max_bw(s);
  if (s->inflight_shortterm == BBR_UNBOUNDED) s->inflight_shortterm = cc->cwnd;
  uint64_t bw = s->bw_shortterm / 100 * BBR_BETA_PERCENT;
  uint32_t inflight = (uint32_t)(s->inflight_shortterm * (uint64_t)BBR_BETA_PERCENT / 100);
  s->bw_shortterm = bw > s->bw_latest ? bw : s->bw_latest;
  s->inflight_shortterm = inflight > s->inflight_latest ? inflight : s->inflight_latest;
}

static void update_aggregation(const struct cc *cc, struct bbr *s, const struct cc_ack *ack)
{
  uint64_t expected = s->bw / 1000 * (uint64_t)((ack->now - s->extra_at) / YEON_US) / 1000;
  if (s->extra_delivered <= expected) {
    s->extra_delivered = 0;
    s->extra_at = ack->now;
    expected = 0;
  }
  s->extra_delivered += ack->acked;
  uint64_t extra = s->extra_delivered > expected ? s->extra_delivered - expected : 0;
  if (extra > cc->cwnd) extra = cc->cwnd;
  if (s->round_start && ++s->extra_rounds >= (s->full_reached ? EXTRA_ROUNDS : 1)) {
    s->extra_rounds = 0;
    s->extra_acked[0] = s->extra_acked[1];
    s->extra_acked[1] = 0;
  }
  if (extra > s->extra_acked[1]) s->extra_acked[1] = (uint32_t)extra;
}

void bbr_update_model(struct cc *cc, struct bbr *s, const struct cc_ack *ack, bool probing)
{
  update_queue(s, ack);
  note_loss(cc, s, ack);
  s->round_start = s->loss_round_start = false;
  if (ack->rate.interval_us != 0) {
    update_latest(s, ack);
    update_round(s, ack);
    update_max_bw(s, ack);
    if (s->loss_round_start) {
      /* What the application, or a full buffer behind a gap, kept back says nothing of the path. */
      if (!probing && s->loss_in_round && !ack->rate.app_limited) adapt_lower_bounds(cc, s);
      s->loss_in_round = false;
    }
  }
  update_aggregation(cc, s, ack);
}

void bbr_update_min_rtt(struct bbr *s, const struct cc_ack *ack)
{
  /* The path is as good as empty: no need to look before its least round trip is about to be forgotten. */
  if (!bbr_queue_stands(s)) s->low_at = ack->now;
  yeon_time seen_at = s->low_at > s->probe_rtt_min_at ? s->low_at : s->probe_rtt_min_at;
  s->probe_rtt_expired = ack->now > seen_at + PROBE_RTT_INTERVAL || ack->now > s->probe_rtt_min_at + PROBE_RTT_LATEST;
  if (ack->rtt_us != 0 && (s->probe_rtt_min_us == 0 || ack->rtt_us < s->probe_rtt_min_us || s->probe_rtt_expired)) {
    s->probe_rtt_min_us = ack->rtt_us;
    s->probe_rtt_min_at = ack->now;
  }
  bool expired = ack->now > s->min_rtt_at + MIN_RTT_WINDOW;
  if (s->probe_rtt_min_us == 0 || (s->min_rtt_us != 0 && s->probe_rtt_min_us >= s->min_rtt_us && !expired)) return;
  s->min_rtt_us = s->probe_rtt_min_us;
  s->min_rtt_at = s->probe_rtt_min_at;
}

void bbr_advance_latest(struct bbr *s, const struct cc_ack *ack)
{
  if (!s->loss_round_start) return;
  s->bw_before = s->bw_latest;
  s->bw_latest = bbr_rate_of(ack);
  s->inflight_latest = ack->rate.delivered;
}
