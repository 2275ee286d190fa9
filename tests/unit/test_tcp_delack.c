/* When to acknowledge: RFC 9293 3.8.6.3, RFC 5681 4.2. The lecture's delay is 200 ms. */
#include "tcp_script.h"

static void test_delayed(void **state)
{
  struct script *s = script_connected(state, NULL);
  script_mark(s);
  in(".P 1(100) ack 1");
  nothing();
  out_at(200, ". 1(0) ack 101");
  script_advance(s, 1000);
  nothing();
  script_free(s);
}

/* The delay counts from the first byte owed, not from the last. */
static void test_delay_from_the_first(void **state)
{
  struct script *s = script_connected(state, NULL);
  in(".P 1(1000) ack 1");
  out_at(5200, ". 1(0) ack 1001");
  script_mark(s);
  for (int i = 0; i < 4; i++) {
    in(".P %d(100) ack 1", 1001 + 100 * i);
    script_advance(s, 49);
    nothing();
  }
  out_at(200, ". 1(0) ack 1401");
  script_free(s);
}

/* MUST-58, SHLD-18: every second full-sized segment at least. */
static void test_every_second(void **state)
{
  struct script *s = script_connected(state, NULL);
  for (int i = 0; i < 6; i++) {
    in(".P %d(1000) ack 1", 1 + 1000 * i);
    if (i % 2 == 1) out(". 1(0) ack %d", 1001 + 1000 * i);
    nothing();
  }
  script_free(s);
}

static void test_piggyback(void **state)
{
  struct script *s = script_connected(state, NULL);
  in(".P 1(100) ack 1");
  assert_int_equal(script_send(s, 10), 10);
  out(". 1(10) ack 101");
  script_advance(s, 300);
  nothing();
  script_free(s);
}

static void at_once(struct yeon_tcp_options *o) { o->delack_us = 0; }

static void five_quick(struct yeon_tcp_options *o) { o->quick_acks = 5; }

static void test_at_once(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.tune = at_once});
  for (int i = 0; i < 3; i++) {
    in(".P %d(10) ack 1", 1 + 10 * i);
    out(". 1(0) ack %d", 11 + 10 * i);
  }
  script_free(s);
  s = script_connected(state, &(struct script_setup){.tune = five_quick});
  for (int i = 0; i < 5; i++) {
    in(".P %d(10) ack 1", 1 + 10 * i);
    out(". 1(0) ack %d", 11 + 10 * i);
  }
  in(".P 51(10) ack 1");
  nothing();
  script_set(s, YEON_TCP_QUICKACK, 1); /* acts at once */
  out(". 1(0) ack 61");
  in(".P 61(10) ack 1");
  out(". 1(0) ack 71");
  script_set(s, YEON_TCP_QUICKACK, 0);
  in(".P 71(10) ack 1");
  nothing();
  script_free(s);
}

/* The FIN is acknowledged without delay, and so is what comes again. */
static void test_no_delay(void **state)
{
  struct script *s = script_connected(state, NULL);
  in(".P 1(10) ack 1");
  nothing();
  in(".F 11 ack 1");
  out(". 1(0) ack 12");
  nothing();
  in(".F 11 ack 1");
  out(". 1(0) ack 12");
  script_free(s);
}

/* An acknowledgment is never answered. */
static void test_acks_are_silent(void **state)
{
  struct script *s = script_connected(state, NULL);
  for (int i = 0; i < 10; i++) in(". 1 ack 1 win %d", 1000 + i);
  script_advance(s, 1000);
  nothing();
  script_free(s);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      BOTH(test_delayed),         BOTH(test_delay_from_the_first),
      BOTH(test_every_second),    BOTH(test_piggyback),
      BOTH(test_at_once),         BOTH(test_no_delay),
      BOTH(test_acks_are_silent),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
