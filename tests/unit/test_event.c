/* Events: nothing is emitted to who does not listen; every name has a text and nothing else has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "event/event.h"

static void count(void *ctx, const struct yeon_event *event)
{
  unsigned *n = ctx;
  *n += 1 + event->host;
}

static void test_emit(void **unused)
{
  (void)unused;
  unsigned n = 0;
  struct event_out out = {.sink = {count, &n, YEON_EV_BIT(YEON_EV_STATE)}, .host = 9};
  struct yeon_event state = event_make(&out, YEON_EV_STATE, 5), timer = event_make(&out, YEON_EV_TIMER, 5);
  assert_int_equal(state.at, 5);
  assert_int_equal(state.host, 9);
  assert_int_equal(state.conn, 0);
  assert_true(event_wanted(&out, YEON_EV_STATE));
  assert_false(event_wanted(&out, YEON_EV_TIMER));
  event_emit(&out, &state);
  event_emit(&out, &timer);
  assert_int_equal(n, 10);
  out.sink.fn = NULL;
  event_emit(&out, &state);
  assert_int_equal(n, 10);
}

#define CHECK_NAMES(fn, type, count_)                                                                                  \
  do {                                                                                                                 \
    for (int i = 0; i < (int)(count_); i++) {                                                                          \
      assert_non_null(fn((type)i));                                                                                    \
      assert_string_not_equal(fn((type)i), "?");                                                                       \
      for (int j = 0; j < i; j++) assert_string_not_equal(fn((type)i), fn((type)j));                                   \
    }                                                                                                                  \
    assert_string_equal(fn((type)(count_)), "?");                                                                      \
  } while (0)

static void test_names(void **unused)
{
  (void)unused;
  CHECK_NAMES(yeon_tcp_state_name, enum yeon_tcp_state, YEON_TCP_STATES);
  CHECK_NAMES(yeon_cause_name, enum yeon_cause, YEON_CAUSES);
  CHECK_NAMES(yeon_verdict_name, enum yeon_verdict, YEON_VERDICTS);
  CHECK_NAMES(yeon_retransmit_why_name, enum yeon_retransmit_why, YEON_REXMIT_WHYS);
  CHECK_NAMES(yeon_tcp_timer_name, enum yeon_tcp_timer, YEON_TIMERS);
  CHECK_NAMES(yeon_call_name, enum yeon_tcp_call, YEON_CALLS);
  CHECK_NAMES(yeon_cable_op_name, enum yeon_cable_op, YEON_CABLE_OPS);
  assert_string_equal(yeon_tcp_state_name(YEON_TCP_FIN_WAIT_1), "FIN-WAIT-1");
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_emit), cmocka_unit_test(test_names)};
  return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
