/* Habits of Linux that the RFCs leave open or do not have, each an option: what it changes, and what stays where it is off. The differential test
 * (tests/differ) found them. */
#include "tcp_script.h"

static const struct script_setup like_linux = {.use_profile = true, .profile = YEON_PROFILE_LINUX};
static void no_marks(struct yeon_tcp_options *o) { o->ecn = YEON_ECN_OFF; }
static const struct script_setup like_ours = {.use_profile = true, .profile = YEON_PROFILE_YEON, .tune = no_marks};

/* syn_behind_reset: whoever acknowledges what was never sent is reset, and asked again 10 ms later; once, and a second later as ever. */
static void test_syn_behind_reset(void **state)
{
  const struct script_setup *setups[] = {&like_linux, &like_ours};
  for (size_t i = 0; i < 2; i++) {
    struct script *s = script_new(state, setups[i]);
    assert_int_equal(script_connect(s), 0);
    out("S 0 any");
    script_mark(s);
    in(". 7 ack 500");
    out("R 500(0)");
    in(". 7 ack 500"); /* again, before the SYN is */
    out("R 500(0)");
    out_at(10, "S 0 any");
    in(". 7 ack 500");
    out("R 500(0)");
    out_at(1010, "S 0 any");
    in("S. 0 ack 1");
    out(". 1(0) ack 1");
    state_is("ESTABLISHED");
    script_free(s);
  }
}

static void test_syn_behind_reset_off(void **state)
{
  struct script *s = script_new(state, NULL);
  assert_int_equal(script_connect(s), 0);
  out("S 0 any");
  script_mark(s);
  in(". 7 ack 500");
  out("R 500(0)");
  out_at(1000, "S 0 any");
  out_at(3000, "S 0 any");
  in(". 7 ack 500"); /* it has gone again already */
  out("R 500(0)");
  out_at(7000, "S 0 any");
  script_free(s);
}

/* reset_after_fin: a reset with the number of the peer's FIN ends CLOSE-WAIT, LAST-ACK and CLOSING; RFC 5961 3.2 has silence. */
static void test_reset_after_fin(void **state)
{
  for (int on = 0; on < 2; on++) {
    for (int way = 0; way < 3; way++) {
      static const char *const names[] = {"CLOSE-WAIT", "LAST-ACK", "CLOSING"};
      struct script *s = script_connected(state, on ? &like_linux : &like_ours);
      if (way == 2) script_shutdown(s, YEON_SHUT_WR);
      in(".F 1 ack 1");
      if (way == 1) script_shutdown(s, YEON_SHUT_WR);
      script_advance(s, 100);
      script_drain(s);
      state_is(names[way]);
      in("R 0"); /* one before that: never */
      state_is(names[way]);
      in("R 1");
      nothing();
      state_is(on ? "CLOSED" : names[way]);
      in("R 2");
      state_is("CLOSED");
      script_free(s);
    }
  }
}

/* And in no other state: what is left of the window is not looked at. */
static void test_reset_before_fin(void **state)
{
  struct script *s = script_connected(state, &like_linux);
  in("R 0");
  nothing();
  state_is("ESTABLISHED");
  in("R 1");
  state_is("CLOSED");
  script_free(s);
}

/* probe_from_ack: an acknowledgment that keeps the window closed begins the interval anew; else the probe comes when it was due. */
static void test_probe_from_ack(void **state)
{
  for (int on = 0; on < 2; on++) {
    struct script *s = script_connected(state, on ? &like_linux : NULL);
    assert_int_equal(script_send(s, 100), 100);
    script_drain(s);
    in(". 1 ack 101 win 0");
    assert_int_equal(script_send(s, 100), 100);
    nothing();
    int64_t rto = script_info(s).rto_us / 1000;
    script_mark(s);
    script_advance(s, rto / 2);
    in(". 1 ack 101 win 0");
    if (on)
      out_at(rto / 2 + rto, ". 100(0) ack 1");
    else
      out_at(rto, ". 101(1) ack 1");
    script_free(s);
  }
}

/* A window that is small is not: what waits for it has its time, however often the peer speaks (RFC 9293 3.8.6.2.1). */
static void test_small_window_has_its_time(void **state)
{
  struct script *s = script_connected(state, &like_linux);
  assert_int_equal(script_send(s, 100), 100);
  script_drain(s);
  in(". 1 ack 101 win 50");
  assert_int_equal(script_send(s, 1000), 1000);
  script_drain(s);
  script_mark(s);
  for (int i = 0; i < 3; i++) {
    script_advance(s, 60);
    in(". 1 ack 101 win 50");
  }
  out_at(200, ". 101(50) ack 1");
  script_free(s);
}

/* Below the SYN nothing was ever to be acknowledged, however large the window (RFC 5961 5.2 has the window alone). */
static void test_oldest_ack(void **state)
{
  static const struct {
    const char *arrives;
    int taken;
  } rows[] = {{".P 1(10) ack 1", 10}, {".P 1(10) ack 0", 10}, {".P 1(10) ack -1", 0}, {".P 1(10) ack -400", 0}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct script *s = script_connected(state, &like_linux);
    assert_int_equal(script_send(s, 100), 100);
    script_drain(s);
    in(". 1 ack 101");
    in("%s", rows[i].arrives);
    if (rows[i].taken == 0) out(". 101(0) ack 1"); /* challenged */
    assert_int_equal(script_info(s).rcv_queued, rows[i].taken);
    script_shutdown(s, YEON_SHUT_WR); /* a FIN counts as the SYN does */
    script_drain(s);
    in(". 1 ack 102");
    script_advance(s, 1000);
    script_drain(s);
    in("%s", rows[i].arrives);
    assert_int_equal(script_info(s).rcv_queued, rows[i].taken);
    script_free(s);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      BOTH(test_syn_behind_reset), BOTH(test_syn_behind_reset_off), BOTH(test_reset_after_fin),
      BOTH(test_reset_before_fin), BOTH(test_probe_from_ack),       BOTH(test_small_window_has_its_time),
      BOTH(test_oldest_ack),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
