/* BBR, version 3 (draft-ietf-ccwg-bbr-04 and after): not loss but a model of the path decides. bbr_model.c measures the most that is delivered (max_bw) and the
 * least that a round trip takes (min_rtt); this file paces at a gain of the one and bounds what is in flight by their product.
 *
 * STARTUP doubles the rate each round until it stops to pay, DRAIN lets the queue go that this made. Then, for ever: DOWN, a little less than the path carries,
 * until what is in flight fits with some headroom; CRUISE, just as much; after one to four seconds (or as many round trips as NewReno would take to
 * grow, if that is sooner) REFILL, a round to fill the pipe, and UP, a quarter more, until there is no more to get or 2 % are lost. After five
 * seconds with a queue, or nine without a shorter round trip, PROBE_RTT halves the window for 200 ms, so that all flows see the path empty.
 *
 * Three bounds: inflight_longterm is what the last probe found to be too much; inflight_shortterm and bw_shortterm follow losses outside of probing, and are
 * forgotten at the next probe. Losses without a queue move none of them (bbr_model.c), nor do those that a probe has made. docs/decisions/0022 tells
 * what is done while a queue stands. ECN is not used. Chance comes from the seed in struct cc_config. */
#include "cc/bbr.h"

#define PROBE_RTT_SPAN (200 * YEON_MS)
#define RENO_ROUNDS 63u
#define STARTUP_LOSSES 6u /* in a round */
#define FULL_ROUNDS 3u
#define FLAT_ROUNDS 2u
#define LUMPS 2u /* quanta in flight beyond what the path holds, */
#define LUMPS_ALONE 4u /* where nobody else's fill the gaps */

/* STARTUP: the draft's 277 would double the rate each round, were it known at once; it is known a round late. */
static const uint16_t pacing_percent[] = {
    [BBR_STARTUP] = 320, [BBR_DRAIN] = 50, [BBR_DOWN] = 90,      [BBR_CRUISE] = 100,
    [BBR_REFILL] = 100,  [BBR_UP] = 125,   [BBR_PROBE_RTT] = 100};
static const uint16_t cwnd_percent[] = {[BBR_STARTUP] = 200, [BBR_DRAIN] = 200, [BBR_DOWN] = 200,    [BBR_CRUISE] = 200,
                                        [BBR_REFILL] = 200,  [BBR_UP] = 225,    [BBR_PROBE_RTT] = 50};

static bool in_probe_bw(const struct bbr *s) { return s->mode >= BBR_DOWN && s->mode <= BBR_UP; }
static bool is_probing(const struct bbr *s)
{
  return s->mode == BBR_STARTUP || s->mode == BBR_REFILL || s->mode == BBR_UP;
}
/* Nobody gave way to the last probe. */
static bool is_alone(const struct bbr *s) { return s->flat_rounds >= FLAT_ROUNDS; }
/* What is in flight is bounded by the window, not by the application. There is no slow start that would tell its own growth apart (cc_limited_by_window). */
static bool window_limits(const struct cc *cc, const struct cc_ack *ack) { return cc_fills(ack, cc->cwnd, cc->mss); }

/* Xorshift: 32 bits. */
static uint32_t chance(struct bbr *s)
{
  s->chance ^= s->chance << 13;
  s->chance ^= s->chance >> 17;
  s->chance ^= s->chance << 5;
  return s->chance;
}

static void save_cwnd(const struct cc *cc, struct bbr *s)
{
  bool plain = !s->recovering && s->mode != BBR_PROBE_RTT;
  if (plain || cc->cwnd > s->prior_cwnd) s->prior_cwnd = cc->cwnd;
}

static void restore_cwnd(struct cc *cc, const struct bbr *s)
{
  if (s->prior_cwnd > cc->cwnd) cc->cwnd = s->prior_cwnd;
}

static void reset_full(struct bbr *s, uint64_t from)
{
  s->full_bw = from;
  s->full_rounds = 0;
  s->full_now = false;
}

static void pick_wait(struct bbr *s)
{
  s->rounds_since_probe = chance(s) & 1;
  s->wait_us = 1000000 + chance(s) % 3000000; /* wide apart: of two flows that probe at once neither learns a thing */
}

static void start_down(struct bbr *s, const struct cc_ack *ack)
{
  bbr_reset_congestion(s);
  s->up_step = 0;
  pick_wait(s);
  s->cycle_at = ack->now;
  s->acks = BBR_ACKS_STOPPING;
  bbr_start_round(s, ack);
  s->mode = BBR_DOWN;
}

static void start_refill(struct bbr *s, const struct cc_ack *ack)
{
  bbr_reset_shortterm(s);
  s->up_rounds = 0;
  s->up_acks = 0;
  s->acks = BBR_ACKS_REFILLING;
  bbr_start_round(s, ack);
  s->mode = BBR_REFILL;
}

/* inflight_longterm grows by 1, 2, 4 ... segments a round, spread over it. */
static void raise_slope(const struct cc *cc, struct bbr *s)
{
  uint64_t growth = (uint64_t)cc->mss << s->up_rounds;
  uint64_t step = (uint64_t)cc->cwnd * cc->mss / growth;
  if (s->up_rounds < 30) s->up_rounds++;
  s->up_step = step > 0 ? (uint32_t)step : 1;
}

static void start_up(const struct cc *cc, struct bbr *s, const struct cc_ack *ack)
{
  s->acks = BBR_ACKS_STARTING;
  bbr_start_round(s, ack);
  reset_full(s, bbr_rate_of(ack));
  s->flat_bw = bbr_rate_of(ack);
  s->flat_flight = ack->rate.tx_in_flight;
  s->flat_rounds = 0;
  s->mode = BBR_UP;
  raise_slope(cc, s);
}

/* A plateau: no quarter more in three rounds. */
static void check_full(struct bbr *s, const struct cc_ack *ack)
{
  uint64_t rate = bbr_rate_of(ack);
  if (s->full_now || rate == 0 || !s->round_start || ack->rate.app_limited) return;
  if (rate >= s->full_bw + s->full_bw / 4) {
    reset_full(s, rate);
    return;
  }
  if (++s->full_rounds < FULL_ROUNDS) return;
  s->full_now = s->full_reached = true;
}

/* The queue has run over: that many are no accident. */
static bool runs_over(const struct cc *cc, const struct bbr *s, const struct cc_ack *ack)
{
  return ack->rate.lost >= STARTUP_LOSSES * cc->mss && bbr_queue_stands(s) && bbr_too_high(cc, s, ack);
}

/* Too many losses, in several places, over a round in recovery; or the queue has run over and the rate has not grown for a round. */
static void check_startup_losses(const struct cc *cc, struct bbr *s, const struct cc_ack *ack)
{
  bool many = s->recovering && s->round_start && ack->in_recovery && s->loss_events >= STARTUP_LOSSES &&
              bbr_too_high(cc, s, ack);
  bool full = s->full_rounds > 0 && ack->rate.interval_us != 0 && runs_over(cc, s, ack);
  if (s->mode == BBR_STARTUP && (many || full)) {
    uint32_t bdp = bbr_bdp(s, bbr_max_bw(s), 100);
    s->full_reached = true;
    s->inflight_longterm = bdp > s->inflight_latest ? bdp : s->inflight_latest;
  }
  if (!s->round_start) return;
  s->loss_events = 0;
  s->recovering = ack->in_recovery;
}

/* What is found lost from here on STARTUP has lost. */
static void start_drain(struct bbr *s)
{
  bbr_reset_congestion(s);
  s->acks = BBR_ACKS_STOPPING;
  s->mode = BBR_DRAIN;
}

static void check_startup_and_drain(const struct cc *cc, struct bbr *s, const struct cc_ack *ack)
{
  check_full(s, ack);
  check_startup_losses(cc, s, ack);
  if (s->mode == BBR_STARTUP && s->full_reached) start_drain(s);
  if (s->mode == BBR_DRAIN && ack->in_flight <= bbr_inflight(cc, s, bbr_max_bw(s), 100)) start_down(s, ack);
}

static void probe_longterm_upward(const struct cc *cc, struct bbr *s, const struct cc_ack *ack)
{
  if (!window_limits(cc, ack) || cc->cwnd < s->inflight_longterm || s->up_step == 0) return;
  s->up_acks += ack->acked;
  uint32_t segments = s->up_acks / s->up_step;
  s->up_acks -= segments * s->up_step;
  uint64_t more = s->inflight_longterm + (uint64_t)segments * cc->mss;
  s->inflight_longterm = more < CC_WINDOW_MOST ? (uint32_t)more : CC_WINDOW_MOST;
  if (s->round_start) raise_slope(cc, s);
}

/* The probe has found more than the path bears. */
static void answer_too_high(const struct cc *cc, struct bbr *s, const struct cc_ack *ack)
{
  uint32_t least = (uint32_t)(bbr_target(cc, s) * (uint64_t)BBR_BETA_PERCENT / 100);
  s->probe_samples = false;
  /* Behind a gap the peer's window may have kept back what the path would have borne. */
  bool starved = ack->window != 0 && cc_fills(ack, ack->window, cc->mss);
  if (!ack->rate.app_limited && !starved)
    s->inflight_longterm = ack->rate.tx_in_flight > least ? ack->rate.tx_in_flight : least;
  if (s->mode == BBR_UP) start_down(s, ack);
}

static void adapt_longterm(const struct cc *cc, struct bbr *s, const struct cc_ack *ack)
{
  if (s->acks == BBR_ACKS_STARTING && s->round_start) s->acks = BBR_ACKS_FEEDBACK;
  if (s->acks == BBR_ACKS_SETTLING && s->round_start) s->acks = BBR_ACKS_INIT;
  if (s->acks == BBR_ACKS_STOPPING && s->round_start) {
    s->probe_samples = false;
    s->acks = BBR_ACKS_SETTLING;
    /* The best of a cycle is behind us. */
    if (in_probe_bw(s) && !ack->rate.app_limited && s->max_bw[1] != 0) {
      s->max_bw[0] = s->max_bw[1];
      s->max_bw[1] = 0;
    }
  }
  if (bbr_too_high(cc, s, ack)) {
    if (s->probe_samples && ack->rate.interval_us != 0) answer_too_high(cc, s, ack);
    return;
  }
  if (s->inflight_longterm == BBR_UNBOUNDED) return;
  if (ack->rate.tx_in_flight > s->inflight_longterm) s->inflight_longterm = ack->rate.tx_in_flight;
  if (s->mode == BBR_UP) probe_longterm_upward(cc, s, ack);
}

static bool time_to_probe(const struct cc *cc, const struct bbr *s, const struct cc_ack *ack)
{
  uint32_t rounds = bbr_target(cc, s) / cc->mss;
  if (rounds > RENO_ROUNDS) rounds = RENO_ROUNDS;
  return ack->now > s->cycle_at + (yeon_time)s->wait_us * YEON_US || s->rounds_since_probe >= rounds;
}

static bool time_to_cruise(const struct cc *cc, const struct bbr *s, const struct cc_ack *ack)
{
  /* It leaves in lumps: with no more than the path holds it would run dry between them. */
  return ack->in_flight <= bbr_with_headroom(cc, s) &&
         ack->in_flight <= bbr_inflight(cc, s, bbr_max_bw(s), 100) + (is_alone(s) ? LUMPS_ALONE : LUMPS) * bbr_quantum(cc, s);
}

/* A sixteenth more is in flight than when the probe began, a queue stands, and for two rounds what arrives has been the same to a sixty-fourth: this flow has all there
 * is, and going on would only make its own queue run over. From another flow some of its share would have come. */
static void count_flat_rounds(struct bbr *s, const struct cc_ack *ack)
{
  uint64_t rate = bbr_rate_of(ack);
  if (!s->round_start || rate == 0 || ack->rate.app_limited) return;
  bool more = ack->rate.tx_in_flight > s->flat_flight + s->flat_flight / 16, same = rate <= s->flat_bw + s->flat_bw / 64 && rate >= s->flat_bw - s->flat_bw / 64;
  if (rate > s->flat_bw) s->flat_bw = rate;
  s->flat_rounds = more && same && bbr_queue_stands(s) ? s->flat_rounds + 1 : 0;
}

static bool time_to_go_down(const struct cc *cc, struct bbr *s, const struct cc_ack *ack)
{
  count_flat_rounds(s, ack);
  if (is_alone(s)) return true;
  if (window_limits(cc, ack) && cc->cwnd >= s->inflight_longterm)
    reset_full(s, bbr_rate_of(ack)); /* the bound, not the path, holds the rate down */
  else if (s->full_now)
    return true;
  return false;
}

static void update_cycle(const struct cc *cc, struct bbr *s, const struct cc_ack *ack)
{
  if (!s->full_reached) return;
  adapt_longterm(cc, s, ack);
  switch ((enum bbr_mode)s->mode) {
  case BBR_DOWN:
    if (time_to_probe(cc, s, ack))
      start_refill(s, ack);
    else if (time_to_cruise(cc, s, ack))
      s->mode = BBR_CRUISE;
    return;
  case BBR_CRUISE:
    if (time_to_probe(cc, s, ack)) start_refill(s, ack);
    return;
  case BBR_REFILL:
    if (!s->round_start) return;
    s->probe_samples = true;
    start_up(cc, s, ack);
    return;
  case BBR_UP:
    if (time_to_go_down(cc, s, ack)) start_down(s, ack);
    return;
  default: return;
  }
}

static uint32_t probe_rtt_cwnd(const struct cc *cc, const struct bbr *s)
{
  uint32_t half = bbr_bdp(s, s->bw, cwnd_percent[BBR_PROBE_RTT]);
  return half > BBR_MIN_PIPE * cc->mss ? half : BBR_MIN_PIPE * cc->mss;
}

static void exit_probe_rtt(struct cc *cc, struct bbr *s, const struct cc_ack *ack)
{
  cc->habits &= (uint8_t)~CC_SAMPLES_LOW;
  s->probe_rtt_min_at = ack->now;
  restore_cwnd(cc, s);
  bbr_reset_shortterm(s);
  if (!s->full_reached) {
    s->mode = BBR_STARTUP;
    return;
  }
  start_down(s, ack);
  s->mode = BBR_CRUISE; /* little is in flight already */
}

static void hold_probe_rtt(struct cc *cc, struct bbr *s, const struct cc_ack *ack)
{
  if (s->probe_done_at == 0 && ack->in_flight <= probe_rtt_cwnd(cc, s)) {
    s->probe_done_at = ack->now + PROBE_RTT_SPAN;
    s->probe_round_done = false;
    bbr_start_round(s, ack);
  } else if (s->probe_done_at != 0) {
    if (s->round_start) s->probe_round_done = true;
    if (s->probe_round_done && ack->now > s->probe_done_at) exit_probe_rtt(cc, s, ack);
  }
}

static void check_probe_rtt(struct cc *cc, struct bbr *s, const struct cc_ack *ack)
{
  if (s->mode != BBR_PROBE_RTT && s->probe_rtt_expired && !s->idle_restart) {
    save_cwnd(cc, s);
    s->mode = BBR_PROBE_RTT;
    s->probe_done_at = 0;
    s->acks = BBR_ACKS_STOPPING;
    bbr_start_round(s, ack);
    cc->habits |= CC_SAMPLES_LOW; /* what is measured now says nothing of the path's capacity */
  }
  if (s->mode == BBR_PROBE_RTT) hold_probe_rtt(cc, s, ack);
  if (ack->acked > 0) s->idle_restart = false;
}

/* Losses that are found all at once leave the pipe half empty, and at just its rate it would stay so. */
static uint32_t pace_of(const struct cc *cc, const struct bbr *s, const struct cc_ack *ack)
{
  uint32_t percent = pacing_percent[s->mode];
  bool even = s->mode == BBR_CRUISE || s->mode == BBR_REFILL;
  return even && ack->in_flight + bbr_quantum(cc, s) < bbr_bdp(s, s->bw, 100) ? pacing_percent[BBR_UP] : percent;
}

/* max_bw was had when there was room, or for a moment. While a queue stands, and nothing is probed, what arrives is this flow's part; but like the other
 * bounds it falls by 30 % at most, for the queue may be another's, or none, and the path has become longer. */
static void hold(struct bbr *s, const struct cc_ack *ack)
{
  uint64_t arrives = s->bw_latest > s->bw_before ? s->bw_latest : s->bw_before, least = s->bw / 100 * BBR_BETA_PERCENT;
  bool holds = (s->mode == BBR_DOWN || s->mode == BBR_CRUISE) && bbr_queue_stands(s) && !ack->rate.app_limited;
  if (!holds || arrives == 0) s->held_bw = 0;
  if (holds && arrives != 0 && (s->held_bw == 0 || s->round_start)) s->held_bw = arrives > least ? arrives : least;
}

static void set_pacing(struct bbr *s, uint32_t percent)
{
  uint64_t rate = (s->held_bw != 0 && s->held_bw < s->bw ? s->held_bw : s->bw) / 100 * percent;
  if (s->held_bw == 0 && bbr_queue_stands(s)) rate = rate / 100 * 99; /* a hundredth less, so that it drains */
  if (s->bw != 0 && (s->full_reached || rate > s->pacing_rate)) s->pacing_rate = rate;
}

/* When the queue has run over as much leaves as arrives, for a round trip: it stays full without losing more. Once a recovery. */
static void conserve(struct cc *cc, struct bbr *s, const struct cc_ack *ack)
{
  uint64_t most = (uint64_t)ack->in_flight + ack->acked;
  uint32_t least = bbr_inflight(cc, s, s->bw, 100);
  if (!ack->in_recovery || ack->rate.interval_us == 0) return;
  if (s->conserve_end == BBR_NOT_CONSERVING && runs_over(cc, s, ack)) s->conserve_end = ack->delivered;
  if (s->conserve_end == BBR_NOT_CONSERVING || ack->rate.prior_delivered >= s->conserve_end) return;
  if (most < least) most = least;
  if (cc->cwnd > most) cc->cwnd = (uint32_t)most;
}

static void set_cwnd(struct cc *cc, const struct bbr *s, const struct cc_ack *ack)
{
  uint32_t most = bbr_inflight(cc, s, s->bw, cwnd_percent[s->mode]) + bbr_extra_acked(s), cap = BBR_UNBOUNDED;
  if (s->full_reached) {
    cc_widen(cc, ack->acked);
    if (cc->cwnd > most) cc->cwnd = most;
  } else if (cc->cwnd < most || ack->delivered < s->initial_cwnd) {
    cc_widen(cc, ack->acked);
  }
  if (cc->cwnd < BBR_MIN_PIPE * cc->mss) cc->cwnd = BBR_MIN_PIPE * cc->mss;
  if (s->mode == BBR_PROBE_RTT && cc->cwnd > probe_rtt_cwnd(cc, s)) cc->cwnd = probe_rtt_cwnd(cc, s);
  if (s->mode == BBR_CRUISE || s->mode == BBR_PROBE_RTT)
    cap = bbr_with_headroom(cc, s);
  else if (in_probe_bw(s))
    cap = s->inflight_longterm;
  if (s->inflight_shortterm < cap) cap = s->inflight_shortterm;
  if (cap < BBR_MIN_PIPE * cc->mss) cap = BBR_MIN_PIPE * cc->mss;
  if (cc->cwnd > cap) cc->cwnd = cap;
}

static void on_ack(struct cc *cc, const struct cc_ack *ack)
{
  struct bbr *s = cc->state;
  bbr_update_model(cc, s, ack, is_probing(s));
  check_startup_and_drain(cc, s, ack);
  update_cycle(cc, s, ack);
  bbr_update_min_rtt(s, ack);
  check_probe_rtt(cc, s, ack);
  bbr_advance_latest(s, ack);
  uint64_t most = bbr_max_bw(s);
  s->bw = most < s->bw_shortterm ? most : s->bw_shortterm;
  hold(s, ack);
  set_pacing(s, pace_of(cc, s, ack));
  set_cwnd(cc, s, ack);
  conserve(cc, s, ack);
}

static void on_congestion(struct cc *cc, enum cc_event event, uint32_t flight, yeon_time now)
{
  struct bbr *s = cc->state;
  (void)flight, (void)now;
  if (event == CC_MARK) return;
  if (event != CC_TIMEOUT_AGAIN) save_cwnd(cc, s);
  if (!s->loss_in_round) bbr_save_for_undo(s);
  s->conserve_end = BBR_NOT_CONSERVING;
  if (event != CC_LOSS) cc->cwnd = cc->mss; /* all that was in flight is taken for lost */
}

static void on_recovered(struct cc *cc, yeon_time now)
{
  struct bbr *s = cc->state;
  (void)now;
  s->recovering = false;
  s->conserve_end = BBR_CONSERVED;
  restore_cwnd(cc, s);
}

static void on_undo(struct cc *cc, yeon_time now)
{
  struct bbr *s = cc->state;
  (void)now;
  s->loss_in_round = false;
  reset_full(s, 0);
  if (s->undo_bw_shortterm > s->bw_shortterm) s->bw_shortterm = s->undo_bw_shortterm;
  if (s->undo_inflight_shortterm > s->inflight_shortterm) s->inflight_shortterm = s->undo_inflight_shortterm;
  if (s->undo_inflight_longterm > s->inflight_longterm) s->inflight_longterm = s->undo_inflight_longterm;
  restore_cwnd(cc, s);
  if (s->mode == BBR_PROBE_RTT || s->mode == s->undo_mode) return;
  if (s->undo_mode == BBR_STARTUP) {
    s->mode = BBR_STARTUP;
    s->full_reached = false;
  } else if (s->undo_mode == BBR_UP) {
    s->mode = BBR_UP;
    s->flat_rounds = 0;
    s->acks = BBR_ACKS_STARTING;
    s->probe_samples = true;
    raise_slope(cc, s);
  }
}

/* The rate is known: after a pause it is sent at just that, and the pause was as good as a probe of the round trip. The queue that stood is gone, or another's:
 * what was known of it is forgotten. */
static void on_idle(struct cc *cc, yeon_time now)
{
  struct bbr *s = cc->state;
  s->idle_restart = true;
  s->extra_at = now;
  s->held_bw = 0;
  s->rtt_us = 0;
  if (in_probe_bw(s)) {
    set_pacing(s, 100);
  } else if (s->mode == BBR_PROBE_RTT && s->probe_done_at != 0 && now > s->probe_done_at) {
    struct cc_ack nothing = {.now = now, .delivered = s->round_end};
    exit_probe_rtt(cc, s, &nothing);
  }
}

static uint64_t pacing_rate(const struct cc *cc) { return ((const struct bbr *)cc->state)->pacing_rate; }

static void init(struct cc *cc, const struct cc_config *config)
{
  struct bbr *s = cc->state;
  uint32_t rtt_us = config->srtt_us != 0 ? config->srtt_us : 1000;
  s->initial_cwnd = s->prior_cwnd = config->initial;
  s->chance = config->seed | 1;
  s->min_rtt_us = s->probe_rtt_min_us = config->srtt_us;
  s->min_rtt_at = s->probe_rtt_min_at = s->extra_at = config->now;
  s->inflight_longterm = s->undo_inflight_longterm = BBR_UNBOUNDED;
  bbr_reset_shortterm(s);
  s->pacing_rate = (uint64_t)config->initial * 1000000 / rtt_us * pacing_percent[BBR_STARTUP] / 100;
}

const struct cc_ops cc_bbr = {.name = "bbr",
                              .state_bytes = sizeof(struct bbr),
                              .held = true,
                              .governs_itself = true,
                              .paced = true,
                              .rated = true,
                              .init = init,
                              .on_ack = on_ack,
                              .on_congestion = on_congestion,
                              .on_recovered = on_recovered,
                              .on_undo = on_undo,
                              .on_idle = on_idle,
                              .pacing_rate = pacing_rate};
_Static_assert(sizeof(struct bbr) <= CC_HELD_BYTES, "bbr's state is held");
