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

/* The first window: whole though the first SYN was lost, in profile linux; one segment after the second. Behind a reset none was lost. */
static void test_window_after_syns(void **state)
{
  static const struct {
    const struct script_setup *setup;
    int lost;
    bool reset;
    unsigned segments;
  } rows[] = {{&like_linux, 0, false, 10}, {&like_linux, 1, false, 10}, {&like_linux, 2, false, 1}, {&like_linux, 0, true, 10},
              {&like_ours, 0, false, 10},  {&like_ours, 1, false, 1},   {&like_ours, 0, true, 10}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct script *s = script_new(state, rows[i].setup);
    assert_int_equal(script_connect(s), 0);
    out("S 0 any");
    if (rows[i].reset) {
      in(". 7 ack 500");
      out("R 500(0)");
      script_advance(s, 10);
    }
    for (int n = 0; n < rows[i].lost; n++) script_advance(s, 1010);
    script_drain(s);
    in("S. 0 ack 1 mss 1000");
    assert_int_equal(script_info(s).cwnd, rows[i].segments * 1000);
    script_free(s);
  }
}

/* The echo tells that the first SYN was answered, late: nothing was lost. */
static void test_late_answer(void **state)
{
  struct script *s = script_new(state, &like_linux);
  assert_int_equal(script_connect(s), 0);
  out("S 0 any");
  uint32_t first = s->ts_echo;
  script_advance(s, 2500);
  script_drain(s);
  in("S. 0 ack 1 mss 1012 ts 7 %u", first);
  assert_int_equal(script_info(s).cwnd, 10000);
  script_free(s);
}

static void send_ten(struct script *s)
{
  assert_int_equal(script_send(s, 10000), 10000);
  script_drain(s);
}

/* RFC 2018 8: a block taken back is sent again after half a round trip, not a time-out; an acknowledgment that only came late is in time. */
static void test_reneging_soon(void **state)
{
  for (int late = 0; late < 2; late++) {
    struct script *s = script_connected(state, &(struct script_setup){.use_profile = true, .profile = YEON_PROFILE_LINUX, .sack = true});
    send_ten(s);
    script_advance(s, 100);
    in(". 1 ack 1 sack 1001-10001");
    script_drain(s); /* the first, again */
    script_advance(s, 100);
    in(". 1 ack 1001");
    script_mark(s);
    int64_t half = script_info(s).srtt_us / 2000;
    if (late) in(". 1 ack 10001");
    if (late)
      script_advance(s, 1000);
    else
      out_at(half < 10 ? 10 : half, ". 1001(1000) ack 1");
    nothing();
    script_free(s);
  }
}

/* What is sent again has a time-out of its own, not what was left of the original's: or a round trip of 0.3 s would be too long for one of 0.5 s. */
static void test_repair_has_its_time(void **state)
{
  struct script *s = script_new(state, &(struct script_setup){.use_profile = true, .profile = YEON_PROFILE_LINUX});
  assert_int_equal(script_connect(s), 0);
  out("S 0 any");
  script_advance(s, 300);
  in("S. 0 ack 1 mss 1000 sackok");
  out(". 1 ack 1");
  int64_t rto = script_info(s).rto_us / 1000;
  assert_in_range(rto, 500, 950);
  send_ten(s);
  script_advance(s, 300);
  in(". 1 ack 1 sack 1001-10001");
  script_mark(s);
  out(". 1(1000) ack 1");
  out_at(rto, ". 1(1000) ack 1");
  script_free(s);
}

/* Heartbeats begin an idle time after they were asked for, however long nothing has been heard. */
static void test_keepalive_asked_late(void **state)
{
  struct script *s = script_connected(state, &like_linux);
  script_set(s, YEON_TCP_KEEPIDLE_MS, 1000);
  script_advance(s, 5000);
  script_mark(s);
  script_set(s, YEON_TCP_KEEPALIVE, 1);
  out_at(1000, ". 0(0) ack 1");
  script_free(s);
}

/* RFC 3168 6.1.1: a SYN leaves unmarked, so one that comes marked went over a path that writes there. */
static void test_marked_syn(void **state)
{
  static const struct {
    const char *mark, *answer;
  } rows[] = {{"", "S.E 0 ack 1 any"}, {" ect0", "S. 0 ack 1 any"}, {" ce", "S. 0 ack 1 any"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct script *s = script_new(state, &like_linux);
    script_listen(s, 4);
    in("SEC 0 mss 1000%s", rows[i].mark);
    script_learn(s);
    out("%s", rows[i].answer);
    script_free(s);
  }
}

/* RFC 3168 6.1.2: with nothing left to send it is the FIN that says "reduced". */
static void test_reduced_with_fin(void **state)
{
  struct script *s = script_new(state, &like_linux);
  script_listen(s, 4);
  in("SEC 0 mss 1000");
  script_learn(s);
  out("S.E 0 ack 1 any");
  in(". 1 ack 1");
  assert_int_equal(yeon_tcp_accept(s->listener, &s->tcp, s->now), 0);
  in(".P 1(100) ack 1 ce");
  out(".E 1(0) ack 101");
  in(".FC 101 ack 1");
  out(". 1(0) ack 102");
  script_free(s);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      BOTH(test_syn_behind_reset), BOTH(test_syn_behind_reset_off), BOTH(test_reset_after_fin),
      BOTH(test_reset_before_fin), BOTH(test_probe_from_ack),       BOTH(test_small_window_has_its_time),
      BOTH(test_oldest_ack),       BOTH(test_window_after_syns),    BOTH(test_late_answer),
      BOTH(test_reneging_soon),    BOTH(test_repair_has_its_time),  BOTH(test_keepalive_asked_late),
      BOTH(test_marked_syn),       BOTH(test_reduced_with_fin),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
