/* NewReno's window against the arithmetic of RFC 5681 3.1 and RFC 8511, and what all algorithms share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cc/cc.h"

#define MSS 1000u

static uint64_t memory[CC_BORROWED_BYTES / 8];

static struct cc begin(uint32_t cwnd)
{
  struct cc cc;
  cc_init(&cc, &(struct cc_config){.algorithm = YEON_CC_NEWRENO, .mss = MSS, .initial = cwnd});
  for (unsigned i = 0; i < CC_BORROWED_BYTES / 8; i++) memory[i] = 0;
  cc_adopt(&cc, memory);
  return cc;
}

static void ack(struct cc *cc, uint32_t bytes, uint32_t flight_max)
{
  struct cc_ack a = {.acked = bytes, .flight_max = flight_max, .in_flight = flight_max - bytes};
  cc_on_ack(cc, &a);
}

static void names(void **state)
{
  (void)state;
  for (int i = 0; i < YEON_CONGESTIONS; i++)
    assert_int_equal(yeon_congestion_find(yeon_congestion_name((enum yeon_congestion)i)), i);
  assert_int_equal(yeon_congestion_find("reno"), YEON_CC_NEWRENO);
  assert_int_equal(yeon_congestion_find("vegas"), YEON_ERR_INVALID);
  assert_int_equal(yeon_congestion_find(NULL), YEON_ERR_INVALID);
}

/* RFC 5681 3.1: as many bytes as were acknowledged in slow start, a segment a window beyond. */
static void growth(void **state)
{
  struct cc cc = begin(10 * MSS);
  (void)state;
  for (int i = 0; i < 10; i++) ack(&cc, MSS, cc.cwnd);
  assert_int_equal(cc.cwnd, 20 * MSS);
  cc.ssthresh = 20 * MSS + 300;
  ack(&cc, MSS, cc.cwnd); /* 300 bytes in slow start, 700 in avoidance */
  assert_int_equal(cc.cwnd, 20300);
  for (int i = 0; i < 19; i++) ack(&cc, MSS, cc.cwnd);
  assert_int_equal(cc.cwnd, 20300);
  ack(&cc, MSS, cc.cwnd);
  assert_int_equal(cc.cwnd, 21300);
}

static void unused_window_does_not_grow(void **state)
{
  struct cc cc = begin(10 * MSS);
  (void)state;
  ack(&cc, MSS, 5 * MSS);
  assert_int_equal(cc.cwnd, 10 * MSS);
  struct cc_ack a = {.acked = MSS, .flight_max = cc.cwnd, .in_recovery = true};
  cc_on_ack(&cc, &a);
  assert_int_equal(cc.cwnd, 10 * MSS);
}

static void reductions(void **state)
{
  static const struct {
    enum cc_event event;
    uint32_t flight, ssthresh, cwnd;
  } rows[] = {{CC_LOSS, 15 * MSS, 7500, 7500},          {CC_LOSS, 3 * MSS, 2 * MSS, 2 * MSS},
              {CC_MARK, 15 * MSS, 12000, 12000},        {CC_MARK, 2 * MSS, 2 * MSS, 2 * MSS},
              {CC_TIMEOUT, 15 * MSS, 7500, MSS},        {CC_TIMEOUT_AGAIN, 15 * MSS, CC_SSTHRESH_NONE, MSS},
              {CC_MARK, 1u << 30, 858993459, 858993459}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct cc cc = begin(20 * MSS);
    cc_on_congestion(&cc, rows[i].event, rows[i].flight, 0);
    assert_int_equal(cc.ssthresh, rows[i].ssthresh);
    assert_int_equal(cc.cwnd, rows[i].cwnd);
  }
}

static void undone(void **state)
{
  struct cc cc = begin(20 * MSS);
  (void)state;
  cc_on_undo(&cc, 0); /* nothing to undo */
  assert_int_equal(cc.cwnd, 20 * MSS);
  cc_on_congestion(&cc, CC_TIMEOUT, 20 * MSS, 0);
  cc_on_congestion(&cc, CC_TIMEOUT_AGAIN, MSS, 0);
  assert_int_equal(cc.cwnd, MSS);
  cc_on_undo(&cc, 0);
  assert_int_equal(cc.cwnd, 20 * MSS);
  assert_int_equal(cc.ssthresh, CC_SSTHRESH_NONE);
}

static void restart(void **state)
{
  struct cc cc = begin(10 * MSS);
  (void)state;
  cc.cwnd = 30 * MSS;
  cc_release(&cc);
  cc_restart(&cc, 10 * MSS, 0);
  assert_int_equal(cc.cwnd, 10 * MSS);
  cc.cwnd = 4 * MSS;
  cc_restart(&cc, 10 * MSS, 0);
  assert_int_equal(cc.cwnd, 4 * MSS);
}

/* RFC 7661 4.4.3: halved so many times, down to the restart window, and three quarters of it remembered. */
static void decay(void **state)
{
  struct cc cc = begin(80 * MSS);
  (void)state;
  cc.ssthresh = 30 * MSS;
  cc_decay(&cc, 10 * MSS, 2, 0);
  assert_int_equal(cc.cwnd, 20 * MSS);
  assert_int_equal(cc.ssthresh, 60 * MSS);
  cc_decay(&cc, 10 * MSS, 40, 0);
  assert_int_equal(cc.cwnd, 10 * MSS);
  assert_int_equal(cc.ssthresh, 60 * MSS);
  cc_decay(&cc, 10 * MSS, 1, 0);
  assert_int_equal(cc.cwnd, 10 * MSS);
}

static void no_overflow(void **state)
{
  struct cc cc = begin(CC_WINDOW_MOST - MSS);
  (void)state;
  for (int i = 0; i < 10; i++) ack(&cc, 1u << 29, cc.cwnd);
  assert_int_equal(cc.cwnd, CC_WINDOW_MOST);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names),      cmocka_unit_test(growth), cmocka_unit_test(unused_window_does_not_grow),
      cmocka_unit_test(reductions), cmocka_unit_test(undone), cmocka_unit_test(restart),
      cmocka_unit_test(decay), cmocka_unit_test(no_overflow)};
  return cmocka_run_group_tests_name("newreno", tests, NULL, NULL);
}
