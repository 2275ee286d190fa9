/* Copa (Arun and Balakrishnan, NSDI 2018): the delay decides. From how long segments stand in the queue (dq) follows the rate at which this flow is one of the fair ones,
 * 1 / (delta * dq) segments a second; below it the window opens, above it closes, by 1 / delta segments a round trip, and twice, four times ... as
 * fast while it keeps going the same way (velocity). With delta 1/2 about two segments of each flow stand in the queue, which empties every five
 * round trips.
 *
 * Where it does not empty somebody fills it who does not mind the delay. Then Copa competes: 1 / delta grows by one each round without loss, and is
 * halved by a loss, until the queue empties again.
 *
 * dq is the least RTT of the last half round trip less the least of ten seconds. The paper lets losses alone otherwise; a path that drops without delaying (a
 * policer) would then be flooded, so more than 2 % lost in a round take 30 % off the window here. docs/decisions/0012 tells why Copa. */
#include "cc/cc.h"

/* The least, or largest, of a time that slides in two halves. */
struct extreme {
  yeon_time since; /* when the newer half began */
  uint32_t old_us, new_us;
};

struct copa {
  struct extreme least, standing; /* RTT within ten seconds; within half a round trip */
  struct extreme most;            /* within four round trips */
  yeon_time emptied_at;           /* when the queue was last seen almost empty */
  uint64_t round_end;             /* cc_ack.delivered */
  uint32_t round_cwnd;            /* when the round began */
  uint32_t acked_in_round, lost_in_round;
  uint32_t velocity;
  uint32_t inverse_delta; /* segments: 2, or more in competition */
  uint32_t prior_cwnd;    /* before the last reduction for losses; 0: none */
  uint8_t same_way;       /* rounds in which the window went the same way */
  bool up, slow_start, competing;
};
_Static_assert(sizeof(struct copa) <= CC_HELD_BYTES, "copa's state is held");

#define INVERSE_DELTA 2u
#define LEAST_WINDOW (10 * YEON_SEC)
#define EMPTY_ROUNDS 5
#define MIN_SEGMENTS 2u
#define VELOCITY_MOST 65536u

static void slide(struct extreme *e, uint32_t us, yeon_time window, bool largest, yeon_time now)
{
  if (now - e->since > window / 2) {
    e->old_us = now - e->since > window ? us : e->new_us;
    e->new_us = us;
    e->since = now;
    return;
  }
  if (largest ? us > e->new_us : us < e->new_us) e->new_us = us;
}

static uint32_t least_of(const struct extreme *e) { return e->old_us < e->new_us ? e->old_us : e->new_us; }
static uint32_t most_of(const struct extreme *e) { return e->old_us > e->new_us ? e->old_us : e->new_us; }

static void begin(struct extreme *e, uint32_t us, yeon_time now) { *e = (struct extreme){.since = now, .old_us = us, .new_us = us}; }

/* Almost empty: a tenth of how far the delay swings, or a segment or so of this flow's own. */
static bool is_empty(const struct cc *cc, const struct copa *s)
{
  uint64_t least = least_of(&s->least), standing = least_of(&s->standing), most = most_of(&s->most);
  uint64_t dq = standing > least ? standing - least : 0, swing = most > least ? most - least : 0;
  return dq * 10 <= swing || dq < 500 || cc->cwnd * dq * 2 <= standing * 3 * cc->mss;
}

static void sample(const struct cc *cc, struct copa *s, const struct cc_ack *ack)
{
  yeon_time srtt = (yeon_time)ack->srtt_us * YEON_US;
  if (s->least.since == 0) {
    begin(&s->least, ack->rtt_us, ack->now);
    begin(&s->standing, ack->rtt_us, ack->now);
    begin(&s->most, ack->rtt_us, ack->now);
    s->emptied_at = ack->now;
    return;
  }
  slide(&s->least, ack->rtt_us, LEAST_WINDOW, false, ack->now);
  slide(&s->standing, ack->rtt_us, srtt / 2, false, ack->now);
  slide(&s->most, ack->rtt_us, 4 * srtt, true, ack->now);
  if (is_empty(cc, s)) s->emptied_at = ack->now;
}

/* Is the window's rate at most what is this flow's share? cwnd / standing <= 1 / (delta dq). */
static bool below_target(const struct cc *cc, const struct copa *s)
{
  uint64_t standing = least_of(&s->standing), least = least_of(&s->least);
  uint64_t dq = standing > least ? standing - least : 0;
  return cc->cwnd * dq <= standing * s->inverse_delta * cc->mss;
}

static void update_velocity(const struct cc *cc, struct copa *s)
{
  bool up = cc->cwnd > s->round_cwnd;
  s->same_way = up == s->up ? (uint8_t)(s->same_way < UINT8_MAX ? s->same_way + 1 : UINT8_MAX) : 0;
  s->up = up;
  if (s->same_way < 3)
    s->velocity = 1;
  else if (s->velocity < VELOCITY_MOST)
    s->velocity *= 2;
}

/* Once a round trip. */
static void end_round(struct cc *cc, struct copa *s, const struct cc_ack *ack)
{
  update_velocity(cc, s);
  s->competing = ack->now - s->emptied_at > EMPTY_ROUNDS * (yeon_time)ack->srtt_us * YEON_US;
  if (!s->competing)
    s->inverse_delta = INVERSE_DELTA;
  else if (s->lost_in_round == 0 && s->inverse_delta < cc->cwnd / cc->mss)
    s->inverse_delta++;
  s->round_end = ack->delivered + ack->in_flight;
  s->round_cwnd = cc->cwnd;
  s->acked_in_round = s->lost_in_round = 0;
}

static void move(struct cc *cc, struct copa *s, const struct cc_ack *ack, bool up)
{
  uint64_t speed = (uint64_t)s->velocity * s->inverse_delta, step;
  if (speed > cc->cwnd / cc->mss) speed = cc->cwnd / cc->mss; /* double a round trip at most */
  step = ack->acked * speed * cc->mss / cc->cwnd;
  if (up && cc_limited_by_window(cc, ack)) {
    cc_widen(cc, (uint32_t)step);
  } else if (!up) {
    uint32_t least = MIN_SEGMENTS * cc->mss;
    cc->cwnd = cc->cwnd > least + step ? cc->cwnd - (uint32_t)step : least;
  }
}

static void on_ack(struct cc *cc, const struct cc_ack *ack)
{
  struct copa *s = cc->state;
  s->acked_in_round += ack->acked;
  s->lost_in_round += ack->lost;
  if (ack->rtt_us != 0) sample(cc, s, ack);
  if (s->least.since == 0) return;
  bool up = below_target(cc, s);
  if (!up) s->slow_start = false;
  if (s->slow_start) {
    if (cc_limited_by_window(cc, ack)) cc_widen(cc, ack->acked);
  } else {
    if (up != s->up) { /* it turns: slowly at first */
      s->velocity = 1;
      s->same_way = 0;
    }
    move(cc, s, ack, up);
  }
  if (ack->delivered >= s->round_end) end_round(cc, s, ack);
}

static bool many_lost(const struct copa *s) { return s->lost_in_round > s->acked_in_round / 49; /* more than 2 % of both */ }

static void on_congestion(struct cc *cc, enum cc_event event, uint32_t flight, yeon_time now)
{
  struct copa *s = cc->state;
  (void)flight, (void)now;
  if (s->competing && s->inverse_delta > 2 * INVERSE_DELTA) s->inverse_delta /= 2;
  bool timeout = event == CC_TIMEOUT || event == CC_TIMEOUT_AGAIN;
  if (event == CC_TIMEOUT_AGAIN || (!timeout && !many_lost(s))) return;
  s->prior_cwnd = cc->cwnd;
  s->velocity = 1;
  s->same_way = 0;
  s->slow_start = timeout;
  cc->cwnd = timeout ? cc->mss : (uint32_t)(cc->cwnd * 7ull / 10);
  if (!timeout && cc->cwnd < MIN_SEGMENTS * cc->mss) cc->cwnd = MIN_SEGMENTS * cc->mss;
  s->round_cwnd = cc->cwnd;
}

static void on_undo(struct cc *cc, yeon_time now)
{
  struct copa *s = cc->state;
  (void)now;
  if (s->prior_cwnd > cc->cwnd) cc->cwnd = s->prior_cwnd;
  s->prior_cwnd = 0;
}

/* Twice the window a round trip: what little stands in the queue then comes of the window, not of bursts. */
static uint64_t pacing_rate(const struct cc *cc)
{
  const struct copa *s = cc->state;
  uint32_t standing = s->least.since != 0 ? least_of(&s->standing) : 0;
  return standing == 0 ? 0 : cc->cwnd * 2000000ull / standing;
}

static void init(struct cc *cc, const struct cc_config *config)
{
  struct copa *s = cc->state;
  (void)config;
  s->velocity = 1;
  s->inverse_delta = INVERSE_DELTA;
  s->slow_start = true;
  s->round_cwnd = cc->cwnd;
}

const struct cc_ops cc_copa = {.name = "copa",
                               .state_bytes = sizeof(struct copa),
                               .held = true,
                               .governs_itself = true,
                               .paced = true,
                               .init = init,
                               .on_ack = on_ack,
                               .on_congestion = on_congestion,
                               .on_undo = on_undo,
                               .pacing_rate = pacing_rate};
