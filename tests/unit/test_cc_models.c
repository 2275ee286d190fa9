/* BBR and Copa on a path of known rate, round trip and queue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cc/bbr.h"
#include "cc_link.h"

#define MS 1000u      /* in microseconds */
#define RATE 1250000u /* 10 Mbit/s */

static struct cc_link *fresh(enum yeon_congestion algorithm, uint64_t rate, uint32_t rtt_us, uint32_t buffer)
{
  struct cc_link *l = malloc(sizeof *l);
  assert_non_null(l);
  cc_link_begin(l, algorithm, rate, rtt_us, buffer);
  return l;
}

static struct bbr *bbr_of(struct cc_link *l) { return (struct bbr *)(void *)l->memory; }

static void between(uint64_t got, uint64_t low, uint64_t high)
{
  if (got < low || got > high)
    fail_msg("%llu, wanted %llu to %llu", (unsigned long long)got, (unsigned long long)low, (unsigned long long)high);
}

/* STARTUP finds the rate within its doublings, DRAIN empties what that has put into the queue. */
static void bbr_starts_and_drains(void **state)
{
  struct cc_link *l = fresh(YEON_CC_BBR, RATE, 40 * MS, 10000000);
  (void)state;
  yeon_time began = l->now;
  while (!bbr_of(l)->full_reached && l->now < began + 10 * YEON_SEC) cc_link_run(l, YEON_MS);
  assert_true(l->now - began < 600 * YEON_MS);
  between(bbr_max_bw(bbr_of(l)), RATE * 97 / 100, RATE * 103 / 100);
  while (bbr_of(l)->mode == BBR_STARTUP || bbr_of(l)->mode == BBR_DRAIN) cc_link_run(l, YEON_MS);
  assert_true(l->now - began < 2 * YEON_SEC);
  assert_true(l->in_flight <= bbr_inflight(&l->cc, bbr_of(l), bbr_max_bw(bbr_of(l)), 100) + l->mss);
  free(l);
}

static void bbr_holds_the_rate(void **state)
{
  static const struct {
    uint64_t rate;
    uint32_t rtt_us;
  } rows[] = {{125000, 20 * MS}, {RATE, 40 * MS}, {12500000, 10 * MS}, {6250000, 150 * MS}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    uint32_t bdp = (uint32_t)(rows[i].rate * rows[i].rtt_us / 1000000);
    struct cc_link *l = fresh(YEON_CC_BBR, rows[i].rate, rows[i].rtt_us, 4 * bdp + 20000);
    cc_link_run(l, 8 * YEON_SEC);
    l->queue_most = 0;
    between(cc_link_rate(l, 20 * YEON_SEC), rows[i].rate * 93 / 100, rows[i].rate * 101 / 100);
    between(bbr_max_bw(bbr_of(l)), rows[i].rate * 97 / 100, rows[i].rate * 104 / 100);
    between(bbr_of(l)->min_rtt_us, rows[i].rtt_us,
            rows[i].rtt_us + rows[i].rtt_us / 20 + 16000000 / (uint32_t)(rows[i].rate / 1000) + 100);
    /* However large the queue is, it is used for probing only: 2.25 of the product in flight, no more. */
    assert_true(l->queue_most <=
                (yeon_time)rows[i].rtt_us * YEON_US * 5 / 4 + (yeon_time)(14000 * (uint64_t)YEON_SEC / rows[i].rate));
    free(l);
  }
}

/* Every two to three seconds it looks for more, and takes it: the path becomes four times as fast. */
static void bbr_finds_more(void **state)
{
  struct cc_link *l = fresh(YEON_CC_BBR, RATE, 40 * MS, 100000);
  (void)state;
  cc_link_run(l, 5 * YEON_SEC);
  l->rate = 4 * RATE;
  l->buffer = 400000;
  cc_link_run(l, 15 * YEON_SEC);
  between(cc_link_rate(l, 5 * YEON_SEC), RATE * 4 * 90 / 100, RATE * 4 * 101 / 100);
  l->rate = RATE;
  l->buffer = 100000;
  cc_link_run(l, 10 * YEON_SEC);
  between(bbr_max_bw(bbr_of(l)), RATE * 95 / 100, RATE * 110 / 100);
  free(l);
}

/* How often does it look for the least round trip? Milliseconds from one PROBE_RTT to the next, the least and the most of them. */
struct intervals {
  unsigned probes;
  uint64_t least_ms, most_ms;
};

static struct intervals count_probes(struct cc_link *l, yeon_time span)
{
  struct intervals found = {.least_ms = UINT64_MAX};
  yeon_time entered = 0, end = l->now + span;
  while (l->now < end) {
    bool was = bbr_of(l)->mode == BBR_PROBE_RTT;
    cc_link_run(l, YEON_MS);
    bool is = bbr_of(l)->mode == BBR_PROBE_RTT;
    if (was && !is) between((uint64_t)((l->now - entered) / YEON_MS), 200, 400);
    if (was || !is) continue;
    uint64_t ms = (uint64_t)((l->now - entered) / YEON_MS);
    if (found.probes++ > 0 && ms < found.least_ms) found.least_ms = ms;
    if (found.probes > 1 && ms > found.most_ms) found.most_ms = ms;
    entered = l->now;
  }
  return found;
}

/* Five seconds in which no round trip was as short: half the window for 200 ms and a round. */
static void bbr_probes_the_round_trip(void **state)
{
  struct cc_link *l = fresh(YEON_CC_BBR, RATE, 40 * MS, 100000);
  (void)state;
  cc_link_run(l, 3 * YEON_SEC);
  l->rtt_us = 80 * MS; /* what was measured is never reached again */
  cc_link_run(l, 5 * YEON_SEC);
  struct intervals found = count_probes(l, 12 * YEON_SEC);
  assert_true(found.probes > 0);
  between(bbr_of(l)->min_rtt_us, 80 * MS, 82 * MS);
  free(l);
}

/* Alone it empties the queue by itself, and looks no sooner than before the least would be forgotten. */
static void bbr_alone_probes_seldom(void **state)
{
  struct cc_link *l = fresh(YEON_CC_BBR, RATE, 40 * MS, 100000);
  (void)state;
  cc_link_run(l, 3 * YEON_SEC);
  struct intervals found = count_probes(l, 60 * YEON_SEC);
  between(found.probes, 5, 7);
  between(found.least_ms, 8900, 10500);
  between(found.most_ms, 8900, 10500);
  free(l);
}

/* Acknowledgments, of a round trip each, with losses while a queue stands. */
static void lose(struct cc_link *l, unsigned rounds, bool app_limited)
{
  struct bbr *s = bbr_of(l);
  uint64_t delivered = s->round_end;
  for (unsigned i = 0; i < rounds; i++) {
    uint64_t before = delivered;
    delivered += 40000;
    struct cc_ack a = {.acked = 40000,
                       .lost = 4000,
                       .in_flight = 100000,
                       .flight_max = 100000,
                       .srtt_us = 80 * MS,
                       .rtt_us = 80 * MS,
                       .rtt_min_us = 40 * MS,
                       .in_recovery = true,
                       .delivered = delivered,
                       .now = l->now += 8 * YEON_MS,
                       .rate = {.prior_delivered = before,
                                .delivered = 40000,
                                .interval_us = 80 * MS,
                                .tx_in_flight = 100000,
                                .lost = 10000,
                                .app_limited = app_limited}};
    cc_on_ack(&l->cc, &a);
  }
}

/* With nothing to send, or no buffer for it, a low rate is no sign of congestion; the same rate is, when there was. */
static void bbr_tells_who_was_slow(void **state)
{
  for (int limited = 1; limited >= 0; limited--) {
    struct cc_link *l = fresh(YEON_CC_BBR, RATE, 40 * MS, 100000);
    (void)state;
    cc_link_run(l, 5 * YEON_SEC);
    while (bbr_of(l)->mode != BBR_CRUISE || bbr_of(l)->acks != BBR_ACKS_INIT) cc_link_run(l, YEON_MS);
    lose(l, 6, limited != 0);
    assert_int_equal(bbr_of(l)->bw_shortterm == BBR_ANY_BW, limited != 0);
    free(l);
  }
}

/* A buffer of a quarter of the product: what the probes find out bounds what is in flight, and little is lost. */
static void bbr_bears_a_short_queue(void **state)
{
  struct cc_link *l = fresh(YEON_CC_BBR, RATE, 40 * MS, 12500);
  (void)state;
  cc_link_run(l, 5 * YEON_SEC);
  uint64_t sent = l->sent, drops = l->drops;
  between(cc_link_rate(l, 30 * YEON_SEC), RATE * 85 / 100, RATE * 101 / 100);
  assert_true((l->drops - drops) * 100 < (l->sent - sent) * 2);
  assert_true(bbr_of(l)->inflight_longterm != BBR_UNBOUNDED);
  free(l);
}

/* Where nobody gives way to a probe it ends, nearly always before the queue runs over. */
static void bbr_alone_loses_little(void **state)
{
  struct cc_link *l = fresh(YEON_CC_BBR, RATE, 40 * MS, 50000);
  (void)state;
  cc_link_run(l, 5 * YEON_SEC);
  uint64_t sent = l->sent, drops = l->drops;
  between(cc_link_rate(l, 30 * YEON_SEC), RATE * 98 / 100, RATE * 101 / 100);
  assert_true((l->drops - drops) * 500 < l->sent - sent);
  free(l);
}

/* Losses without a queue are the path's own: 1 and 3 % cost little more than themselves. */
static void bbr_bears_loss(void **state)
{
  struct cc_link *l = fresh(YEON_CC_BBR, RATE, 40 * MS, 100000);
  (void)state;
  l->loss_every = 33;
  cc_link_run(l, 5 * YEON_SEC);
  between(cc_link_rate(l, 20 * YEON_SEC), RATE * 85 / 100, RATE * 101 / 100);
  l->loss_every = 100;
  between(cc_link_rate(l, 20 * YEON_SEC), RATE * 92 / 100, RATE * 101 / 100);
  struct cc_link *n = fresh(YEON_CC_NEWRENO, RATE, 40 * MS, 100000);
  n->loss_every = 100;
  cc_link_run(n, 5 * YEON_SEC);
  assert_true(cc_link_rate(n, 20 * YEON_SEC) < RATE / 2); /* where NewReno does not get half of it */
  free(n);
  free(l);
}

/* One in five lost, and no queue: that is a policer, and the bounds come down. */
static void bbr_heeds_a_policer(void **state)
{
  struct cc_link *l = fresh(YEON_CC_BBR, RATE, 40 * MS, 100000);
  (void)state;
  cc_link_run(l, 5 * YEON_SEC);
  while (bbr_of(l)->mode != BBR_CRUISE) cc_link_run(l, YEON_MS);
  l->loss_every = 5;
  yeon_time end = l->now + 500 * YEON_MS;
  while (l->now < end && bbr_of(l)->bw_shortterm == BBR_ANY_BW) cc_link_run(l, YEON_MS);
  assert_false(bbr_queue_stands(bbr_of(l)));
  assert_true(bbr_of(l)->bw_shortterm != BBR_ANY_BW);
  free(l);
}

static void bbr_undo_and_timeout(void **state)
{
  struct cc_link *l = fresh(YEON_CC_BBR, RATE, 40 * MS, 100000);
  (void)state;
  cc_link_run(l, 5 * YEON_SEC);
  uint32_t before = l->cc.cwnd;
  uint64_t bw = bbr_of(l)->bw;
  cc_on_congestion(&l->cc, CC_TIMEOUT, before, l->now);
  assert_int_equal(l->cc.cwnd, l->mss);
  cc_on_undo(&l->cc, l->now);
  assert_int_equal(l->cc.cwnd, before);
  assert_int_equal(bbr_of(l)->bw, bw);
  /* The second time-out of a row does not take the one segment that the first has left for what was good. */
  cc_on_congestion(&l->cc, CC_TIMEOUT, before, l->now);
  cc_on_congestion(&l->cc, CC_TIMEOUT_AGAIN, l->mss, l->now);
  cc_on_recovered(&l->cc, l->now);
  assert_int_equal(l->cc.cwnd, before);
  /* A probe that a loss had ended goes on as a probe: what it loses from now on is its own, and ends it. */
  while (bbr_of(l)->mode != BBR_UP) cc_link_run(l, YEON_MS);
  cc_on_congestion(&l->cc, CC_LOSS, before, l->now);
  bbr_of(l)->mode = BBR_DOWN;
  bbr_of(l)->acks = BBR_ACKS_STOPPING;
  bbr_of(l)->probe_samples = false;
  cc_on_undo(&l->cc, l->now);
  assert_int_equal(bbr_of(l)->mode, BBR_UP);
  assert_int_equal(bbr_of(l)->acks, BBR_ACKS_STARTING);
  assert_true(bbr_of(l)->probe_samples);
  free(l);
}

static void bbr_after_a_pause(void **state)
{
  struct cc_link *l = fresh(YEON_CC_BBR, RATE, 40 * MS, 100000);
  (void)state;
  cc_link_run(l, 5 * YEON_SEC);
  while (l->n > 0) cc_link_ack(l);
  uint64_t bw = bbr_of(l)->bw;
  l->now += 30 * YEON_SEC;
  cc_restart(&l->cc, 10 * l->mss, l->now);
  assert_true(cc_pacing_rate(&l->cc) > bw * 97 / 100); /* as fast as before, and no faster */
  assert_true(cc_pacing_rate(&l->cc) <= bw);
  cc_link_run(l, YEON_MS * 100);
  assert_int_not_equal(bbr_of(l)->mode, BBR_PROBE_RTT); /* the pause was as good */
  between(cc_link_rate(l, 5 * YEON_SEC), RATE * 90 / 100, RATE * 101 / 100);
  free(l);
}

/* Chance comes from the seed alone. */
static void bbr_repeats_itself(void **state)
{
  struct cc_link *a = fresh(YEON_CC_BBR, RATE, 40 * MS, 50000), *b = fresh(YEON_CC_BBR, RATE, 40 * MS, 50000);
  (void)state;
  cc_link_run(a, 20 * YEON_SEC);
  cc_link_run(b, 20 * YEON_SEC);
  assert_int_equal(a->delivered, b->delivered);
  assert_memory_equal(a->memory, b->memory, sizeof a->memory);
  free(a);
  free(b);
}

/* The queue of Copa is a few segments, however much room there is, and the path is used. */
static void copa_bounds_the_queue(void **state)
{
  static const struct {
    uint64_t rate;
    uint32_t rtt_us;
  } rows[] = {{125000, 20 * MS}, {RATE, 40 * MS}, {12500000, 20 * MS}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct cc_link *l = fresh(YEON_CC_COPA, rows[i].rate, rows[i].rtt_us, 10000000);
    cc_link_run(l, 5 * YEON_SEC);
    l->queue_most = 0;
    between(cc_link_rate(l, 20 * YEON_SEC), rows[i].rate * 90 / 100, rows[i].rate * 101 / 100);
    uint64_t segments = (uint64_t)l->queue_most * rows[i].rate / YEON_SEC / l->mss;
    uint64_t bdp = rows[i].rate * rows[i].rtt_us / 1000000 / l->mss;
    between(segments, 1, 8 + bdp / 5);
    free(l);
  }
}

/* It neither floods a path that drops without delaying, nor gives up at a stray loss. */
static void copa_and_loss(void **state)
{
  struct cc_link *l = fresh(YEON_CC_COPA, RATE, 40 * MS, 3000);
  (void)state;
  cc_link_run(l, 5 * YEON_SEC);
  uint64_t sent = l->sent, drops = l->drops;
  cc_link_run(l, 20 * YEON_SEC);
  assert_true((l->drops - drops) * 10 < l->sent - sent);
  free(l);
  l = fresh(YEON_CC_COPA, RATE, 40 * MS, 10000000);
  l->loss_every = 200;
  cc_link_run(l, 5 * YEON_SEC);
  between(cc_link_rate(l, 20 * YEON_SEC), RATE * 85 / 100, RATE * 101 / 100);
  cc_on_congestion(&l->cc, CC_TIMEOUT, l->cc.cwnd, l->now);
  assert_int_equal(l->cc.cwnd, l->mss);
  cc_on_undo(&l->cc, l->now);
  assert_true(l->cc.cwnd > 10 * l->mss);
  free(l);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bbr_starts_and_drains),   cmocka_unit_test(bbr_holds_the_rate),
      cmocka_unit_test(bbr_finds_more),          cmocka_unit_test(bbr_probes_the_round_trip),
      cmocka_unit_test(bbr_alone_probes_seldom), cmocka_unit_test(bbr_tells_who_was_slow),
      cmocka_unit_test(bbr_bears_a_short_queue),
      cmocka_unit_test(bbr_alone_loses_little), cmocka_unit_test(bbr_bears_loss),
      cmocka_unit_test(bbr_heeds_a_policer),     cmocka_unit_test(bbr_undo_and_timeout),
      cmocka_unit_test(bbr_after_a_pause),       cmocka_unit_test(bbr_repeats_itself),
      cmocka_unit_test(copa_bounds_the_queue),   cmocka_unit_test(copa_and_loss),
  };
  return cmocka_run_group_tests_name("models", tests, NULL, NULL);
}
