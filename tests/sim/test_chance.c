/* The chances of a cable: with fixed seeds, each is as frequent as it is set, strikes what it should, and comes out the same every time.
 * Bounds are five standard deviations. */
#include <math.h>

#include "cable_util.h"

#define FRAMES 200000u

/* Within five standard deviations of n tries at p. */
static void assert_share(uint64_t got, double n, double p)
{
  double slack = 5 * sqrt(n * p * (1 - p)) + 1;
  if (fabs((double)got - n * p) > slack)
    fail_msg("%llu of %.0f, expected %.0f +- %.0f", (unsigned long long)got, n, n * p, slack);
}

/* Sends FRAMES frames a millisecond apart; returns the cable for its stats. arrived[i]: how often frame i came out. */
static struct yeon_cable *send_many(struct yeon_cable_way way, uint64_t seed, uint8_t *arrived)
{
  struct yeon_cable *cable = new_cable(way, seed);
  memset(arrived, 0, FRAMES);
  for (uint32_t i = 0; i < FRAMES; i++) {
    put_number(cable, AB, i, 64, (yeon_time)i * YEON_MS);
    for (int64_t n; (n = take_number(cable, AB, (yeon_time)i * YEON_MS)) >= 0;) arrived[n]++;
  }
  assert_conserved(cable, AB);
  return cable;
}

static uint8_t arrived[FRAMES], again[FRAMES];

static void loses_its_share(void **state)
{
  (void)state;
  const uint32_t ppm[] = {100, 10000, 300000, 1000000};
  for (unsigned k = 0; k < 4; k++) {
    struct yeon_cable *cable = send_many((struct yeon_cable_way){.loss_ppm = ppm[k]}, 40 + k, arrived);
    assert_share(stats_of(cable, AB).lost, FRAMES, ppm[k] / 1e6);
    for (uint32_t i = 0; i < FRAMES; i++) assert_true(arrived[i] <= 1);
    yeon_cable_free(cable);
  }
}

static void loses_in_bursts(void **state)
{
  (void)state;
  struct yeon_cable_way way = {.burst_enter_ppm = 10000,
                               .burst_leave_ppm = 200000}; /* 5 frames long; a 21st of the time */
  struct yeon_cable *cable = send_many(way, 3, arrived);
  uint64_t bursts = 0, lost = 0;
  for (uint32_t i = 0; i < FRAMES; i++) {
    lost += !arrived[i];
    bursts += !arrived[i] && (i == 0 || arrived[i - 1]);
  }
  assert_int_equal(lost, stats_of(cable, AB).lost);
  double mean = (double)lost / (double)bursts;
  if (fabs(mean - 5.0) > 5 * sqrt(20.0 / (double)bursts)) fail_msg("bursts of %.2f frames", mean);
  if (fabs((double)lost / FRAMES - 1.0 / 21) > 0.005) fail_msg("lost %llu", (unsigned long long)lost);
  yeon_cable_free(cable);
  way.burst_loss_ppm = 500000;
  cable = send_many(way, 3, arrived);
  if (fabs((double)stats_of(cable, AB).lost / FRAMES - 0.5 / 21) > 0.003) fail_msg("half of a burst");
  yeon_cable_free(cable);
}

/* Gilbert-Elliott over many seeds. In the long run the share of time in a burst is enter / (enter + leave), bursts last 1 / leave frames; the variance
 * of the number lost is that of independent losses times (1 + r) / (1 - r), where r = 1 - enter - leave is how much one frame knows of the
 * next. */
static void bursts_keep_their_statistics(void **state)
{
  (void)state;
  const double enter = 0.004, leave = 0.08, share = enter / (enter + leave), r = 1 - enter - leave;
  struct yeon_cable_way way = {.burst_enter_ppm = 4000, .burst_leave_ppm = 80000};
  double sigma = sqrt(FRAMES * share * (1 - share) * (1 + r) / (1 - r)), sum = 0;
  for (uint64_t seed = 1; seed <= 20; seed++) {
    struct yeon_cable *cable = send_many(way, seed, arrived);
    double lost = (double)stats_of(cable, AB).lost;
    uint64_t pairs = 0;
    for (uint32_t i = 1; i < FRAMES; i++) pairs += !arrived[i] && !arrived[i - 1];
    if (fabs(lost - FRAMES * share) > 4 * sigma) fail_msg("seed %d: %.0f lost", (int)seed, lost);
    assert_share(pairs, lost, 1 - leave);
    sum += lost;
    yeon_cable_free(cable);
  }
  if (fabs(sum / 20 - FRAMES * share) > 4 * sigma / sqrt(20)) fail_msg("mean %.0f", sum / 20);
}

static void duplicates_right_behind(void **state)
{
  (void)state;
  struct yeon_cable *cable = send_many((struct yeon_cable_way){.duplicate_ppm = 50000}, 4, arrived);
  uint64_t twice = 0;
  for (uint32_t i = 0; i < FRAMES; i++) {
    assert_in_range(arrived[i], 1, 2);
    twice += arrived[i] == 2;
  }
  assert_int_equal(twice, stats_of(cable, AB).duplicated);
  assert_share(twice, FRAMES, 0.05);
  yeon_cable_free(cable);
  cable = new_cable((struct yeon_cable_way){.duplicate_ppm = YEON_CABLE_ALWAYS, .delay_us = 5}, 1);
  put_number(cable, AB, 1, 64, 0);
  put_number(cable, AB, 2, 64, 0);
  const int64_t want[] = {1, 1, 2, 2, -1};
  for (unsigned i = 0; i < 5; i++) assert_int_equal(take_number(cable, AB, 5 * YEON_US), want[i]);
  yeon_cable_free(cable);
}

static void corrupts_one_bit_anywhere(void **state)
{
  (void)state;
  struct yeon_cable *cable = new_cable((struct yeon_cable_way){.corrupt_ppm = 250000}, 5);
  uint64_t struck = 0, where[64] = {0};
  for (uint32_t i = 0; i < FRAMES; i++) {
    static const uint8_t zeros[64];
    struct yeon_frame frame;
    yeon_frame_from_bytes(&frame, zeros, sizeof zeros);
    assert_int_equal(yeon_cable_put(cable, AB, &frame, i), 0);
    assert_int_equal(yeon_cable_take(cable, AB, &frame, 1, i), 1);
    const uint8_t *bytes = frame.slice[0].base;
    unsigned bits = 0;
    for (unsigned k = 0; k < 64; k++) {
      bits += (unsigned)__builtin_popcount(bytes[k]);
      where[k] += bytes[k] != 0;
    }
    assert_in_range(bits, 0, 1);
    struck += bits;
  }
  assert_int_equal(struck, stats_of(cable, AB).corrupted);
  assert_share(struck, FRAMES, 0.25);
  for (unsigned k = 0; k < 64; k++) assert_share(where[k], FRAMES, 0.25 / 64);
  yeon_cable_free(cable);
}

static void jitter_spreads_and_keeps_order(void **state)
{
  (void)state;
  struct yeon_cable *cable = new_cable((struct yeon_cable_way){.delay_us = 1000, .jitter_us = 500}, 6);
  double sum = 0;
  for (uint32_t i = 0; i < FRAMES; i++) { /* far apart: each has its own jitter */
    yeon_time now = (yeon_time)i * YEON_MS * 2, late;
    put_number(cable, AB, i, 64, now);
    late = yeon_cable_next(cable) - now - YEON_MS;
    assert_in_range(late, 0, 500 * YEON_US);
    assert_int_equal(take_number(cable, AB, yeon_cable_next(cable)), i);
    sum += (double)late;
  }
  if (fabs(sum / FRAMES - 250000) > 5 * 500000 / sqrt(12.0 * FRAMES)) fail_msg("mean jitter %.0f ns", sum / FRAMES);
  yeon_time start = (yeon_time)FRAMES * YEON_MS * 2;
  for (uint32_t i = 0; i < 1000; i++)
    put_number(cable, AB, i, 64, start + i * YEON_US); /* close: none passes another */
  for (uint32_t i = 0; i < 1000; i++) assert_int_equal(take_number(cable, AB, start + YEON_SEC), i);
  yeon_cable_free(cable);
}

static void reordered_frames_are_passed(void **state)
{
  (void)state;
  struct yeon_cable *cable =
      new_cable((struct yeon_cable_way){.delay_us = 1000, .reorder_ppm = 20000, .reorder_us = 350}, 8);
  uint64_t late = 0, out = 0;
  int64_t newest = -1;
  for (uint32_t i = 0; i < FRAMES + 20; i++) {
    yeon_time now = (yeon_time)i * 100 * YEON_US;
    if (i < FRAMES) put_number(cable, AB, i, 64, now);
    for (int64_t n; (n = take_number(cable, AB, now)) >= 0; out++) {
      if (n < newest) {
        late++;
        assert_in_range(newest - n, 1, 4); /* 350 us late: three frames, 100 us apart, have passed it */
      } else {
        newest = n;
      }
    }
  }
  assert_int_equal(out, FRAMES);
  assert_share(stats_of(cable, AB).reordered, FRAMES, 0.02);
  assert_true(late > FRAMES / 60); /* nearly all: a few follow one another */
  yeon_cable_free(cable);
}

/* Three percent late by up to 5 ms, uniformly: none else is, and the mean is 2.5. */
static void reordering_spreads(void **state)
{
  (void)state;
  struct yeon_cable *cable =
      new_cable((struct yeon_cable_way){.delay_us = 1000, .reorder_ppm = 30000, .reorder_up_to_us = 5000}, 9);
  double sum = 0;
  for (uint32_t i = 0; i < FRAMES; i++) {
    yeon_time now = (yeon_time)i * 10 * YEON_MS;
    put_number(cable, AB, i, 64, now);
    yeon_time late = yeon_cable_next(cable) - now - YEON_MS;
    assert_in_range(late, 0, 5 * YEON_MS);
    assert_int_equal(take_number(cable, AB, now + 6 * YEON_MS), i);
    sum += (double)late;
  }
  double n = (double)stats_of(cable, AB).reordered;
  assert_share(stats_of(cable, AB).reordered, FRAMES, 0.03);
  if (fabs(sum / n - 2.5e6) > 5 * 5e6 / sqrt(12 * n)) fail_msg("mean %.0f ns", sum / n);
  yeon_cable_free(cable);
}

/* A hash of everything that comes out of a cable that does everything, and when. */
static uint64_t trace(uint64_t seed, bool talk_back)
{
  struct yeon_cable_way way = {.delay_us = 3000,
                               .jitter_us = 900,
                               .rate_bps = 9000001,
                               .queue_bytes = 40000,
                               .loss_ppm = 20000,
                               .burst_enter_ppm = 5000,
                               .burst_leave_ppm = 300000,
                               .reorder_ppm = 30000,
                               .reorder_us = 2500,
                               .duplicate_ppm = 30000,
                               .corrupt_ppm = 30000};
  struct yeon_cable *cable = new_cable(way, seed);
  uint64_t hash = 14695981039346656037u;
  for (uint32_t i = 0; i < 20000; i++) {
    yeon_time now = (yeon_time)i * 500 * YEON_US;
    put_number(cable, AB, i, 60 + i * 7919 % 1400, now);
    if (talk_back) put_number(cable, BA, i, 64, now);
    struct yeon_frame frame;
    while (yeon_cable_next_way(cable, AB) <= now) {
      yeon_time at = yeon_cable_next_way(cable, AB);
      assert_int_equal(yeon_cable_take(cable, AB, &frame, 1, now), 1);
      hash = (hash ^ (uint64_t)at) * 1099511628211u;
      for (uint32_t k = 0; k < frame.len; k++)
        hash = (hash ^ ((const uint8_t *)frame.slice[0].base)[k]) * 1099511628211u;
    }
    if (i == 7000) yeon_cable_cut(cable, YEON_CABLE_MASK_AB, now);
    if (i == 7400) yeon_cable_join(cable, YEON_CABLE_MASK_AB, now);
    if (i == 12000) {
      way.rate_bps = 12345678;
      assert_int_equal(yeon_cable_set(cable, YEON_CABLE_MASK_AB, &way, now), 0);
    }
  }
  assert_conserved(cable, AB);
  struct yeon_cable_stats s = stats_of(cable, AB);
  assert_true(s.lost > 0 && s.queue_full > 0 && s.swallowed > 0 && s.duplicated > 0 && s.reordered > 0 &&
              s.corrupted > 0);
  yeon_cable_free(cable);
  return hash;
}

static void the_seed_decides_everything(void **state)
{
  (void)state;
  uint64_t first = trace(1, false);
  assert_int_equal(trace(1, false), first);
  assert_int_equal(trace(1, true), first); /* the other direction does not change our luck */
  assert_int_not_equal(trace(2, false), first);
}

static void a_seed_gives_each_direction_its_own_luck(void **state)
{
  (void)state;
  struct yeon_cable *cable = new_cable((struct yeon_cable_way){.loss_ppm = 500000}, 11);
  for (uint32_t i = 0; i < 1000; i++) {
    put_number(cable, AB, i, 64, 0);
    put_number(cable, BA, i, 64, 0);
  }
  for (int64_t n; (n = take_number(cable, AB, 0)) >= 0;) arrived[n] = 77;
  for (int64_t n; (n = take_number(cable, BA, 0)) >= 0;) again[n] = 77;
  unsigned same = 0;
  for (uint32_t i = 0; i < 1000; i++) same += (arrived[i] == 77) == (again[i] == 77);
  assert_in_range(same, 400, 600);
  yeon_cable_free(cable);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(loses_its_share),
      cmocka_unit_test(loses_in_bursts),
      cmocka_unit_test(bursts_keep_their_statistics),
      cmocka_unit_test(duplicates_right_behind),
      cmocka_unit_test(corrupts_one_bit_anywhere),
      cmocka_unit_test(jitter_spreads_and_keeps_order),
      cmocka_unit_test(reordered_frames_are_passed),
      cmocka_unit_test(reordering_spreads),
      cmocka_unit_test(the_seed_decides_everything),
      cmocka_unit_test(a_seed_gives_each_direction_its_own_luck),
  };
  return cmocka_run_group_tests_name("cable chances", tests, NULL, NULL);
}
