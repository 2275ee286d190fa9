/* CUBIC (RFC 9438): after a reduction the window is a cubic function of time, that comes back to where the loss was (W_max) in K seconds, stays
 * about there, and then goes on to look for more. Time, not round trips, drives it, so that long paths get their share; where NewReno would be
 * faster (short round trips, small windows), it does as NewReno does (4.3).
 *
 * The window grows in whole segments: `cwnd / (target - cwnd)` segments must be acknowledged for each, which comes to (target - cwnd) / cwnd a segment
 * (4.4) on average. Windows are bytes, times milliseconds, all in 64-bit integers. What is true of the congestion epoch is state lent while bytes are in flight;
 * W_max alone outlives a pause (cc.memory), so after it a new epoch begins from the window there is: time without bytes in flight counts for nothing
 * (5.8), nor does time in which the application did not use the window.
 *
 * CC_LIKE_LINUX: the reduction is of cwnd, not of the flight; W_cubic looks ahead by the least RTT, not the smoothed one; before the first loss the
 * window grows by 5 % a round trip at least; HyStart is the old one. */
#include "cc/hystart.h"

/* What a congestion event changes, kept to be undone (4.9). */
struct memory {
  yeon_time epoch_at;
  uint32_t cwnd, ssthresh, w_max, k_ms, origin, w_est; /* cwnd 0: no event */
};

struct cubic {
  struct hystart hystart;
  yeon_time epoch_at;  /* when the running stage of congestion avoidance began; 0: none runs */
  yeon_time target_at; /* when step was computed */
  yeon_time ack_at;    /* last acknowledgment */
  uint32_t k_ms;
  uint32_t origin;      /* the plateau of this epoch: W_max, or cwnd when that was more. Bytes */
  uint32_t w_est;       /* 4.3, bytes */
  uint32_t est_credit;  /* bytes acknowledged and not yet in w_est */
  uint32_t cwnd_prior;  /* before the last reduction; 0: not known any more */
  uint32_t credit;      /* bytes acknowledged and not yet turned into growth */
  uint32_t step;        /* bytes to acknowledge for each segment of growth */
  uint32_t target_cwnd; /* the window that step is for */
  struct memory prior;
};
_Static_assert(sizeof(struct cubic) <= CC_BORROWED_BYTES, "cubic's state is lent");

static bool like_linux(const struct cc *cc) { return (cc->habits & CC_LIKE_LINUX) != 0; }
static bool is_paced(const struct cc *cc) { return (cc->habits & CC_IS_PACED) != 0; }

/* The largest integer whose cube is not more. */
static uint32_t cube_root(uint64_t x)
{
  uint64_t root = 0;
  for (int bit = 20; bit >= 0; bit--) {
    uint64_t with = root | 1ull << bit;
    if (with * with * with <= x) root = with;
  }
  return (uint32_t)root;
}

/* 4.2: K = cbrt((W_max - cwnd_epoch) / C), C 0.4 segments a cubic second. */
static uint32_t k_of(const struct cc *cc, uint32_t deficit) { return cube_root(deficit * 2500000000ull / cc->mss); }

/* 4.2, figure 1: C * (t - K)^3 + W_max. */
static uint32_t w_cubic(const struct cc *cc, const struct cubic *s, uint64_t t_ms)
{
  bool before = t_ms < s->k_ms;
  uint64_t d = before ? s->k_ms - t_ms : t_ms - s->k_ms;
  if (d > 1000000) d = 1000000;
  uint64_t cube = d * d / 1000 * d / 1000; /* thousandths of a cubic second */
  uint64_t off = cube * cc->mss * 4 / 10000;
  if (before) return off < s->origin ? (uint32_t)(s->origin - off) : 0;
  return off < CC_WINDOW_MOST - s->origin ? (uint32_t)(s->origin + off) : CC_WINDOW_MOST;
}

static void begin_epoch(struct cc *cc, struct cubic *s, yeon_time now)
{
  uint32_t w_max = cc->memory;
  s->epoch_at = now;
  s->k_ms = w_max > cc->cwnd ? k_of(cc, w_max - cc->cwnd) : 0;
  s->origin = w_max > cc->cwnd ? w_max : cc->cwnd;
  s->w_est = cc->cwnd;
  s->est_credit = s->credit = 0;
  s->target_cwnd = 0;
}

/* 4.3: W_est grows by alpha segments for every window acknowledged: 3 (1 - 0.7) / (1 + 0.7) = 9 / 17, which gives NewReno's average; and by one as soon as it
 * is back where the reduction was. */
static void grow_estimate(struct cc *cc, struct cubic *s, uint32_t acked)
{
  uint32_t prior = s->cwnd_prior != 0 ? s->cwnd_prior : cc->memory;
  s->est_credit += acked;
  for (;;) {
    bool slow = s->w_est < prior || like_linux(cc);
    uint64_t wanted = slow ? cc->cwnd * 17ull / 9 : cc->cwnd;
    if (s->est_credit < wanted || s->w_est >= CC_WINDOW_MOST) return;
    s->est_credit -= (uint32_t)wanted;
    s->w_est += cc->mss;
  }
}

/* 4.4, 4.5: the bytes to acknowledge for a segment of growth: cwnd / (target - cwnd) segments, target at most 1.5 cwnd. */
static uint32_t step_of(const struct cc *cc, const struct cubic *s, const struct cc_ack *ack)
{
  uint32_t ahead_us = like_linux(cc) ? ack->rtt_min_us : ack->srtt_us;
  uint64_t t_ms = (uint64_t)(ack->now - s->epoch_at) / YEON_MS + ahead_us / 1000;
  uint32_t target = w_cubic(cc, s, t_ms), most = cc->cwnd + cc->cwnd / 2;
  if (target > most) target = most;
  if (like_linux(cc)) target = target / cc->mss * cc->mss; /* it counts in segments */
  uint64_t step = target > cc->cwnd ? (uint64_t)cc->cwnd * cc->mss / (target - cc->cwnd) : 100ull * cc->cwnd;
  if (like_linux(cc) && cc->memory == 0 && step > 20u * cc->mss) step = 20u * cc->mss;
  if (like_linux(cc)) step = step / cc->mss * cc->mss;
  if (step < 2u * cc->mss) step = 2u * cc->mss;
  return step < UINT32_MAX ? (uint32_t)step : UINT32_MAX;
}

static void avoid(struct cc *cc, struct cubic *s, const struct cc_ack *ack, uint32_t acked)
{
  if (s->epoch_at == 0) begin_epoch(cc, s, ack->now);
  grow_estimate(cc, s, acked);
  /* The curve hardly moves within a 32nd of a second. */
  if (s->target_cwnd != cc->cwnd || ack->now - s->target_at > YEON_SEC / 32) {
    s->step = step_of(cc, s, ack);
    s->target_at = ack->now;
    s->target_cwnd = cc->cwnd;
  }
  if (s->credit >= s->step) { /* what was saved at a slower pace is worth one segment */
    s->credit = 0;
    cc_widen(cc, cc->mss);
  }
  for (s->credit += acked; s->credit >= s->step; s->credit -= s->step) cc_widen(cc, cc->mss);
  if (s->w_est > cc->cwnd) cc_widen(cc, s->w_est - cc->cwnd);
}

/* HyStart is for the first slow start: later ones know where the last loss was (RFC 9406 4.3). */
static enum hystart_pace pace_of(struct cc *cc, struct cubic *s, const struct cc_ack *ack)
{
  if (cc->ssthresh != CC_SSTHRESH_NONE) return HYSTART_FULL;
  if (like_linux(cc)) return hystart_linux_on_ack(&s->hystart, ack, cc->cwnd / cc->mss, is_paced(cc));
  return hystart_on_ack(&s->hystart, ack, is_paced(cc));
}

/* Bytes left for congestion avoidance. */
static uint32_t start_slowly(struct cc *cc, struct cubic *s, const struct cc_ack *ack)
{
  enum hystart_pace pace = pace_of(cc, s, ack);
  if (pace == HYSTART_EXIT) {
    cc->ssthresh = cc->cwnd;
    return ack->acked;
  }
  if (!cc_limited_by_window(cc, ack)) return 0;
  bool counted = like_linux(cc) || cc->ssthresh != CC_SSTHRESH_NONE;
  uint32_t growth = counted ? ack->acked : hystart_growth(pace, ack->acked, cc->mss, is_paced(cc));
  uint32_t room = cc->ssthresh - cc->cwnd, step = growth < room ? growth : room;
  cc_widen(cc, step);
  return counted ? growth - step : 0;
}

static void on_ack(struct cc *cc, const struct cc_ack *ack)
{
  struct cubic *s = cc->state;
  yeon_time before = s->ack_at;
  uint32_t acked = ack->acked;
  s->ack_at = ack->now;
  if (cc_is_bad_time(ack)) return;
  /* Linux's epoch goes on through a pause, as if its time had not passed: it begins when sending does. */
  if (before == 0 && like_linux(cc) && cc->ssthresh != CC_SSTHRESH_NONE && cc->cwnd >= cc->ssthresh)
    begin_epoch(cc, s, ack->now - ack->rtt_us * YEON_US);
  if (cc->cwnd < cc->ssthresh) acked = start_slowly(cc, s, ack);
  if (acked == 0 || cc->cwnd < cc->ssthresh) return;
  if (cc_limited_by_window(cc, ack))
    avoid(cc, s, ack, acked);
  else if (s->epoch_at != 0 && before != 0)
    s->epoch_at += ack->now - before; /* 5.8: the application was the limit */
}

/* 4.6: beta 0.7, for a mark 0.85 (RFC 8511). */
static uint32_t reduced(const struct cc *cc, enum cc_event event, uint32_t flight)
{
  uint32_t from = like_linux(cc) ? cc->cwnd : flight;
  uint32_t target = (uint32_t)(from * (event == CC_MARK ? 85ull : 70ull) / 100);
  return target > 2u * cc->mss ? target : 2u * cc->mss;
}

static void on_congestion(struct cc *cc, enum cc_event event, uint32_t flight, yeon_time now)
{
  struct cubic *s = cc->state;
  bool timeout = event == CC_TIMEOUT || event == CC_TIMEOUT_AGAIN;
  (void)now;
  if (event != CC_TIMEOUT_AGAIN) {
    s->prior = (struct memory){.epoch_at = s->epoch_at,
                               .cwnd = cc->cwnd,
                               .ssthresh = cc->ssthresh,
                               .w_max = cc->memory,
                               .k_ms = s->k_ms,
                               .origin = s->origin,
                               .w_est = s->w_est};
    s->cwnd_prior = cc->cwnd;
    /* 4.7, fast convergence: a loss below the last one means that there is less room, and another may want more of it. */
    cc->memory = cc->cwnd < cc->memory ? (uint32_t)(cc->cwnd * 85ull / 100) : cc->cwnd;
    cc->ssthresh = reduced(cc, event, flight);
  }
  if (timeout) { /* 4.8: what was known of the path is void */
    cc->memory = 0;
    s->hystart = (struct hystart){0};
  }
  cc->cwnd = timeout ? cc->mss : cc->ssthresh;
  s->epoch_at = 0;
}

/* 4.9 */
static void on_undo(struct cc *cc, yeon_time now)
{
  struct cubic *s = cc->state;
  (void)now;
  if (s->prior.cwnd == 0) return;
  if (s->prior.cwnd > cc->cwnd) cc->cwnd = s->prior.cwnd;
  if (s->prior.ssthresh > cc->ssthresh) cc->ssthresh = s->prior.ssthresh;
  cc->memory = s->prior.w_max;
  s->epoch_at = s->prior.epoch_at;
  s->k_ms = s->prior.k_ms;
  s->origin = s->prior.origin;
  s->w_est = s->prior.w_est;
  s->target_cwnd = 0;
  s->prior.cwnd = 0;
}

const struct cc_ops cc_cubic = {.name = "cubic",
                                .state_bytes = sizeof(struct cubic),
                                .on_ack = on_ack,
                                .on_congestion = on_congestion,
                                .on_undo = on_undo};
