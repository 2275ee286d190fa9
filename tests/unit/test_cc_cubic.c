/* CUBIC and HyStart++ against the formulas of RFC 9438 and 9406. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cc_path.h"

#define MSS 1000u
#define MS 1000u /* in microseconds */

static void near(uint32_t bytes, double segments, double tolerance)
{
  double got = bytes / (double)MSS, off = got > segments ? got - segments : segments - got;
  if (off > tolerance) fail_msg("%.2f segments; wanted %.2f, give or take %.2f", got, segments, tolerance);
}

/* In congestion avoidance, after a loss at so many segments. */
static void after_loss(struct cc_path *p, uint32_t segments, uint32_t rtt_us)
{
  cc_path_begin(p, YEON_CC_CUBIC, MSS, segments, rtt_us);
  p->cc.ssthresh = segments * MSS;
  cc_on_congestion(&p->cc, CC_LOSS, p->cc.cwnd, p->now);
}

/* 4.2: W(t) = 0.4 (t - K)^3 + W_max with K = cbrt(30 / 0.4) = 4.217 s for a loss at 100 segments; the window follows one round trip behind the target. */
static void curve(void **state)
{
  static const struct {
    double t, w;
  } rows[] = {{1, 86.68}, {2, 95.63}, {3, 99.28}, {4, 99.996}, {5, 100.19}, {6, 102.27}, {8, 121.64}};
  struct cc_path p;
  yeon_time began;
  (void)state;
  after_loss(&p, 100, 100 * MS);
  assert_int_equal(p.cc.cwnd, 70 * MSS);
  assert_int_equal(p.cc.ssthresh, 70 * MSS);
  began = p.now;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    cc_path_run(&p, began + (yeon_time)(rows[i].t * 1e9) - p.now);
    near(p.cc.cwnd, rows[i].w, 2.1);
  }
}

/* The curve does not depend on the round trip. */
static void curve_is_of_time(void **state)
{
  struct cc_path p, q;
  (void)state;
  after_loss(&p, 400, 50 * MS);
  after_loss(&q, 400, 200 * MS);
  cc_path_run(&p, 12 * YEON_SEC);
  cc_path_run(&q, 12 * YEON_SEC);
  /* K = 6.694 s: 0.4 * 5.306^3 + 400 = 459.8 */
  near(p.cc.cwnd, 459.8, 6);
  near(q.cc.cwnd, 459.8, 12);
}

/* 4.3: with a short round trip 9/17 of a segment each, and a whole one once the window of the loss is reached. */
static void friendly(void **state)
{
  struct cc_path p;
  (void)state;
  after_loss(&p, 20, 5 * MS);
  near(p.cc.cwnd, 14, 0.01);
  for (int i = 0; i < 10; i++) cc_path_round(&p);
  near(p.cc.cwnd, 14 + 10 * 9 / 17.0, 1.1);
  while (p.cc.cwnd < 20 * MSS) cc_path_round(&p);
  uint32_t at = p.cc.cwnd;
  for (int i = 0; i < 20; i++) cc_path_round(&p);
  near(p.cc.cwnd, at / (double)MSS + 20, 2.1);
}

static void fast_convergence(void **state)
{
  struct cc_path p;
  (void)state;
  after_loss(&p, 100, 100 * MS);
  assert_int_equal(p.cc.memory, 100 * MSS);
  p.cc.cwnd = 80 * MSS;
  cc_on_congestion(&p.cc, CC_LOSS, p.cc.cwnd, p.now);
  assert_int_equal(p.cc.memory, 68 * MSS); /* 4.7: 80 (1 + 0.7) / 2 */
  assert_int_equal(p.cc.cwnd, 56 * MSS);
  p.cc.cwnd = 90 * MSS;
  cc_on_congestion(&p.cc, CC_MARK, p.cc.cwnd, p.now);
  assert_int_equal(p.cc.memory, 90 * MSS);
  assert_int_equal(p.cc.cwnd, 76500); /* RFC 8511: 0.85 */
  cc_on_congestion(&p.cc, CC_LOSS, 2 * MSS, p.now);
  assert_int_equal(p.cc.cwnd, 2 * MSS);
}

/* 4.8: one segment, ssthresh as ever, and then a curve that begins at its plateau. */
static void timeout(void **state)
{
  struct cc_path p;
  (void)state;
  after_loss(&p, 100, 100 * MS);
  cc_path_run(&p, 3 * YEON_SEC);
  cc_on_congestion(&p.cc, CC_TIMEOUT, 100 * MSS, p.now);
  assert_int_equal(p.cc.cwnd, MSS);
  assert_int_equal(p.cc.ssthresh, 70 * MSS);
  cc_on_congestion(&p.cc, CC_TIMEOUT_AGAIN, MSS, p.now);
  assert_int_equal(p.cc.ssthresh, 70 * MSS);
  while (p.cc.cwnd < 70 * MSS) cc_path_round(&p);
  yeon_time began = p.now;
  cc_path_run(&p, began + YEON_SEC - p.now);
  near(p.cc.cwnd, 70 + 5.3, 1.1); /* 4.3 rules here: 9/17 a round trip */
}

/* 4.9 */
static void undone(void **state)
{
  struct cc_path p;
  (void)state;
  after_loss(&p, 100, 100 * MS);
  cc_path_run(&p, 3 * YEON_SEC);
  struct cc before = p.cc;
  cc_on_congestion(&p.cc, CC_LOSS, p.cc.cwnd, p.now);
  assert_true(p.cc.cwnd < before.cwnd);
  cc_on_undo(&p.cc, p.now);
  assert_int_equal(p.cc.cwnd, before.cwnd);
  assert_int_equal(p.cc.memory, before.memory);
  uint32_t later = p.cc.cwnd;
  cc_path_run(&p, 3 * YEON_SEC); /* the curve goes on where it was: 6 s after the loss */
  near(p.cc.cwnd, 102.3, 3);
  assert_true(p.cc.cwnd > later);
  cc_on_undo(&p.cc, p.now);
  assert_true(p.cc.cwnd > later); /* nothing is left to undo */
}

/* 5.8: a minute of little use is no reason to leap. */
static void unused_time_does_not_count(void **state)
{
  struct cc_path p;
  (void)state;
  after_loss(&p, 100, 100 * MS);
  cc_path_run(&p, YEON_SEC);
  uint32_t before = p.cc.cwnd;
  p.used = 10 * MSS;
  cc_path_run(&p, 60 * YEON_SEC);
  assert_int_equal(p.cc.cwnd, before);
  p.used = 0;
  cc_path_run(&p, YEON_SEC);
  near(p.cc.cwnd, 95.6, 2.1); /* two seconds of the curve */
  /* And over a pause, for which the state was taken back, W_max is remembered. */
  cc_release(&p.cc);
  for (size_t i = 0; i < sizeof p.memory / 8; i++) p.memory[i] = 0;
  p.now += 600 * YEON_SEC;
  cc_adopt(&p.cc, p.memory);
  cc_path_run(&p, YEON_SEC);
  near(p.cc.cwnd, 100, 3); /* the curve, or NewReno's pace */
}

/* 4.4: never more than half a window in a round trip. */
static void growth_is_bounded(void **state)
{
  struct cc_path p;
  (void)state;
  after_loss(&p, 10, 100 * MS);
  cc_path_round(&p);
  p.now += 30 * YEON_SEC; /* the curve has run away */
  uint32_t before = p.cc.cwnd;
  cc_path_round(&p);
  assert_true(p.cc.cwnd <= before + before / 2 + MSS);
  assert_true(p.cc.cwnd >= before + before / 4);
  for (int i = 0; i < 400; i++) cc_path_round(&p);
  assert_true(p.cc.cwnd <= CC_WINDOW_MOST);
}

/* The cube root is that of the formula at both ends of its range. */
static void large_windows(void **state)
{
  struct cc_path p;
  (void)state;
  cc_path_begin(&p, YEON_CC_CUBIC, 1460, 10, 100 * MS);
  p.cc.cwnd = p.cc.ssthresh = CC_WINDOW_MOST;
  cc_on_congestion(&p.cc, CC_LOSS, p.cc.cwnd, p.now);
  assert_int_equal(p.cc.cwnd, CC_WINDOW_MOST / 10 * 7 + 2);
  p.cc.mss = 65535;
  for (int i = 0; i < 3; i++) cc_path_round(&p);
  assert_true(p.cc.cwnd >= CC_WINDOW_MOST / 10 * 7 && p.cc.cwnd <= CC_WINDOW_MOST);
}

/* RFC 9406: 5 rounds of a quarter of the speed from the round on in which the delay has grown by an eighth. */
static void hystart_leaves_slow_start(void **state)
{
  struct cc_path p;
  int rounds = 0;
  (void)state;
  cc_path_begin(&p, YEON_CC_CUBIC, MSS, 10, 80 * MS);
  for (int i = 0; i < 3; i++) cc_path_round(&p);
  near(p.cc.cwnd, 80, 0.01);
  p.rtt_us = 91 * MS;
  while (p.cc.ssthresh == CC_SSTHRESH_NONE && rounds < 20) {
    uint32_t before = p.cc.cwnd;
    cc_path_round(&p);
    if (rounds > 0) assert_true(p.cc.cwnd <= before + before / 4 + MSS);
    rounds++;
  }
  assert_true(rounds >= 5 && rounds <= 7);
  assert_true(p.cc.cwnd < 400 * MSS); /* full speed: 80 * 2^5 */
  assert_true(p.cc.ssthresh <= p.cc.cwnd);
}

static void hystart_takes_it_back(void **state)
{
  struct cc_path p;
  (void)state;
  cc_path_begin(&p, YEON_CC_CUBIC, MSS, 10, 80 * MS);
  for (int i = 0; i < 2; i++) cc_path_round(&p);
  p.rtt_us = 91 * MS;
  cc_path_round(&p);
  p.rtt_us = 80 * MS; /* a passing delay */
  for (int i = 0; i < 2; i++) cc_path_round(&p);
  uint32_t before = p.cc.cwnd;
  cc_path_round(&p);
  assert_int_equal(p.cc.cwnd, 2 * before);
  assert_int_equal(p.cc.ssthresh, CC_SSTHRESH_NONE);
}

/* Less than half of the 4 ms from one round to the next; and any delay that comes and goes within one. */
static void hystart_bears_jitter(void **state)
{
  struct cc_path p;
  uint32_t chance = 1;
  (void)state;
  cc_path_begin(&p, YEON_CC_CUBIC, MSS, 10, 20 * MS);
  for (int i = 0; i < 6; i++) {
    p.rtt_us = 20 * MS + (i % 2 != 0 ? 1900u : 0u);
    cc_path_round(&p);
  }
  assert_int_equal(p.cc.ssthresh, CC_SSTHRESH_NONE);
  near(p.cc.cwnd, 640, 0.01);
  cc_path_begin(&p, YEON_CC_CUBIC, MSS, 10, 20 * MS);
  for (unsigned i = 0; i < 630; i++) {
    chance = chance * 1103515245u + 12345u;
    p.rtt_us = 20 * MS + (chance >> 16) % (10 * MS);
    cc_path_ack(&p, 100 * YEON_US);
  }
  assert_int_equal(p.cc.ssthresh, CC_SSTHRESH_NONE);
  near(p.cc.cwnd, 640, 0.01);
}

/* Acknowledgments of a round, each `more_us` later than the one before. */
static void rising_round(struct cc_path *p, uint32_t from_us, uint32_t more_us)
{
  uint32_t n = p->cc.cwnd / p->mss;
  for (uint32_t i = 0; i < n; i++) {
    p->rtt_us = from_us + i * more_us;
    cc_path_ack(p, (yeon_time)from_us * YEON_US / n);
  }
}

/* docs/decisions/0023: eight in a row that rise are a queue that begins, though the round began without; its window would be known a round late. */
static void hystart_sees_a_queue_begin(void **state)
{
  struct cc_path p;
  (void)state;
  cc_path_begin(&p, YEON_CC_CUBIC, MSS, 10, 80 * MS);
  p.cc.habits |= CC_IS_PACED;
  for (int i = 0; i < 3; i++) cc_path_round(&p);
  near(p.cc.cwnd, 80, 0.01);
  rising_round(&p, 80 * MS, 500); /* by 5 ms after ten, and seven later it is certain: 62 more at a quarter */
  near(p.cc.cwnd, 80 + 18 + 62 / 4, 0.5);
  assert_int_equal(p.cc.ssthresh, CC_SSTHRESH_NONE);
  rising_round(&p, 95 * MS, 100);
  near(p.cc.cwnd, (80 + 18 + 62 / 4) * 1.25, 1);
  for (int i = 0; i < 2; i++) rising_round(&p, 105 * MS, 100); /* a whole round that is a quarter longer: enough */
  assert_true(p.cc.ssthresh <= p.cc.cwnd);
  assert_true(p.cc.cwnd < 200 * MSS); /* three more at that pace would make 280 */
}

/* A burst of late ones at a round's beginning is no full path: conservative for this round and, as the RFC has it, as before when it has passed; nor is the
 * handshake's round trip, which a proxy may have answered, a measure. Without pacing nothing is seen early, for a window's burst rises by itself. */
static void hystart_is_not_startled(void **state)
{
  struct cc_path p;
  (void)state;
  cc_path_begin(&p, YEON_CC_CUBIC, MSS, 10, 20 * MS);
  for (int i = 0; i < 3; i++) cc_path_round(&p);
  p.rtt_us = 30 * MS;
  for (int i = 0; i < 10; i++) cc_path_ack(&p, 100 * YEON_US);
  p.rtt_us = 20 * MS;
  for (int i = 0; i < 4; i++) cc_path_round(&p);
  assert_int_equal(p.cc.ssthresh, CC_SSTHRESH_NONE);
  assert_true(p.cc.cwnd > 600 * MSS);
  cc_path_begin(&p, YEON_CC_CUBIC, MSS, 10, 80 * MS);
  p.rtt_min_us = 5 * MS;
  for (int i = 0; i < 3; i++) cc_path_round(&p);
  assert_int_equal(p.cc.ssthresh, CC_SSTHRESH_NONE);
  near(p.cc.cwnd, 80, 0.01);
  rising_round(&p, 80 * MS, 120); /* by 9.6 ms: less than the eighth that a round's least must grow */
  near(p.cc.cwnd, 160, 0.01);
}

/* A queue that was another's: two rounds later all is as before, and it is not believed so soon again. */
static void hystart_believes_once(void **state)
{
  struct cc_path p;
  (void)state;
  cc_path_begin(&p, YEON_CC_CUBIC, MSS, 10, 80 * MS);
  p.cc.habits |= CC_IS_PACED;
  for (int i = 0; i < 3; i++) cc_path_round(&p);
  rising_round(&p, 80 * MS, 500);
  for (int i = 0; i < 2; i++) rising_round(&p, 80 * MS, 0);
  for (int i = 0; i < 2; i++) {
    uint32_t before = p.cc.cwnd;
    rising_round(&p, 80 * MS, i > 0 ? 50 : 0);
    near(p.cc.cwnd, 2 * before / MSS, 0.02);
  }
  assert_int_equal(p.cc.ssthresh, CC_SSTHRESH_NONE);
}

/* RFC 9406 4.3: eight segments an acknowledgment, unless paced. */
static void hystart_no_bursts(void **state)
{
  struct cc_path p;
  (void)state;
  for (int paced = 0; paced <= 1; paced++) {
    cc_path_begin(&p, YEON_CC_CUBIC, MSS, 100, 20 * MS);
    p.cc.habits = paced ? CC_IS_PACED : 0;
    struct cc_ack a = {.acked = 50 * MSS,
                       .in_flight = 50 * MSS,
                       .flight_max = 100 * MSS,
                       .srtt_us = 20 * MS,
                       .now = p.now,
                       .delivered = 50 * MSS};
    cc_on_ack(&p.cc, &a);
    near(p.cc.cwnd, paced ? 150 : 108, 0.01);
  }
}

/* Linux's: at once, with the ninth sample of a round above the least by an eighth. */
static void hystart_as_linux(void **state)
{
  struct cc_path p;
  (void)state;
  cc_path_begin(&p, YEON_CC_CUBIC, MSS, 20, 200 * MS);
  p.cc.habits = CC_LIKE_LINUX;
  p.rtt_us = 240 * MS;
  for (int i = 0; i < 8; i++) cc_path_ack(&p, 3 * YEON_MS);
  assert_int_equal(p.cc.ssthresh, CC_SSTHRESH_NONE);
  cc_path_ack(&p, 3 * YEON_MS);
  assert_int_equal(p.cc.ssthresh, 28 * MSS);
  /* A train as long as half the least round trip. */
  cc_path_begin(&p, YEON_CC_CUBIC, MSS, 20, 20 * MS);
  p.cc.habits = CC_LIKE_LINUX;
  for (int i = 0; i < 11; i++) cc_path_ack(&p, YEON_MS);
  assert_int_equal(p.cc.ssthresh, CC_SSTHRESH_NONE);
  cc_path_ack(&p, YEON_MS);
  assert_int_equal(p.cc.ssthresh, 31 * MSS);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(curve),
      cmocka_unit_test(curve_is_of_time),
      cmocka_unit_test(friendly),
      cmocka_unit_test(fast_convergence),
      cmocka_unit_test(timeout),
      cmocka_unit_test(undone),
      cmocka_unit_test(unused_time_does_not_count),
      cmocka_unit_test(growth_is_bounded),
      cmocka_unit_test(large_windows),
      cmocka_unit_test(hystart_leaves_slow_start),
      cmocka_unit_test(hystart_takes_it_back),
      cmocka_unit_test(hystart_bears_jitter),
      cmocka_unit_test(hystart_sees_a_queue_begin),
      cmocka_unit_test(hystart_is_not_startled),
      cmocka_unit_test(hystart_believes_once),
      cmocka_unit_test(hystart_no_bursts),
      cmocka_unit_test(hystart_as_linux),
  };
  return cmocka_run_group_tests_name("cubic", tests, NULL, NULL);
}
