/* Ending a connection: RFC 9293 3.6, 3.10.4, 3.10.5, figure 5; TIME-WAIT with RFC 6191. */
#include "tcp_script.h"

static const struct script_setup with_ts = {.ts = true};
static const struct script_setup passive = {.passive = true};

static void test_active_close(void **state)
{
  struct script *s = script_connected(state, NULL);
  script_shutdown(s, YEON_SHUT_WR);
  out(".F 1(0) ack 1");
  state_is("FIN-WAIT-1");
  assert_int_equal(script_send(s, 1), YEON_ERR_PIPE);
  in(". 1 ack 2");
  state_is("FIN-WAIT-2");
  in(".P 1(10) ack 2"); /* half-closed: the peer goes on sending */
  script_advance(s, 300);
  out(". 2(0) ack 11");
  assert_int_equal(script_recv(s, 100), 10);
  in(".F 11 ack 2");
  out(". 2(0) ack 12");
  state_is("TIME-WAIT");
  assert_int_equal(script_events(s, s->tcp) & YEON_READ_END, YEON_READ_END);
  assert_int_equal(script_recv(s, 100), 0);
  script_advance(s, 240000 - 301);
  state_is("TIME-WAIT");
  script_advance(s, 302);
  state_is("CLOSED");
  assert_int_equal(yeon_tcp_take_error(s->tcp), 0);
  script_close(s);
  assert_int_equal(script_usage(s).connections, 0);
  script_free(s);
}

static void test_passive_close(void **state)
{
  struct script *s = script_connected(state, &passive);
  in(".F 1 ack 1");
  out(". 1(0) ack 2");
  state_is("CLOSE-WAIT");
  assert_int_equal(script_send(s, 10), 10);
  out(". 1(10) ack 2");
  in(". 2 ack 11");
  script_close(s);
  out(".F 11(0) ack 2");
  in(". 2 ack 12");
  nothing();
  assert_int_equal(script_usage(s).connections, 0);
  in(". 2 ack 12");
  out("R 12(0)");
  script_free(s);
}

static void test_simultaneous_close(void **state)
{
  struct script *s = script_connected(state, NULL);
  script_shutdown(s, YEON_SHUT_WR);
  out(".F 1(0) ack 1");
  in(".F 1 ack 1");
  out(". 2(0) ack 2");
  state_is("CLOSING");
  in(". 2 ack 2");
  nothing();
  state_is("TIME-WAIT");
  script_free(s);
}

/* FIN and the ACK of ours in one segment: straight to TIME-WAIT. */
static void test_three_segment_close(void **state)
{
  struct script *s = script_connected(state, NULL);
  script_shutdown(s, YEON_SHUT_WR);
  out(".F 1(0) ack 1");
  in(".F 1 ack 2");
  out(". 2(0) ack 2");
  state_is("TIME-WAIT");
  script_free(s);
}

static void test_fin_with_data(void **state)
{
  struct script *s = script_connected(state, NULL);
  assert_int_equal(script_send(s, 10), 10);
  out(". 1(10) ack 1");
  assert_int_equal(script_send(s, 10), 10); /* held back by Nagle */
  nothing();
  script_shutdown(s, YEON_SHUT_WR);
  out(".F 11(10) ack 1");
  in(".PF 1(10) ack 22");
  out(". 22(0) ack 12");
  state_is("TIME-WAIT");
  assert_int_equal(script_recv(s, 100), 10);
  assert_int_equal(script_recv(s, 100), 0);
  script_free(s);
}

static void test_fin_retransmitted(void **state)
{
  struct script *s = script_connected(state, NULL);
  script_shutdown(s, YEON_SHUT_WR);
  script_mark(s);
  out(".F 1(0) ack 1");
  out_at(1000, ".F 1(0) ack 1");
  out_at(3000, ".F 1(0) ack 1");
  in(". 1 ack 2");
  script_advance(s, 20000);
  nothing();
  state_is("FIN-WAIT-2");
  script_free(s);
}

/* The FIN waits for data that waits for the window. */
static void test_fin_after_window(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.win = 500});
  assert_int_equal(script_send(s, 800), 800);
  script_shutdown(s, YEON_SHUT_WR);
  state_is("FIN-WAIT-1");
  out(". 1(500) ack 1");
  nothing();
  in(". 1 ack 501 win 300");
  out(". 501(300) ack 1"); /* no room for the FIN */
  nothing();
  in(". 1 ack 801 win 100");
  out(".F 801(0) ack 1");
  script_free(s);
}

/* TIME-WAIT, once as a connection whose endpoint is held, once as a record. */
static struct script *time_wait(void **state, bool held, const struct script_setup *setup)
{
  struct script *s = script_connected(state, setup);
  if (held)
    script_shutdown(s, YEON_SHUT_WR);
  else
    script_close(s);
  out(".F 1(0) ack 1");
  in(".F 1 ack 2");
  out(". 2(0) ack 2");
  nothing();
  assert_int_equal(script_usage(s).time_wait, held ? 0 : 1);
  assert_int_equal(script_usage(s).connections, held ? 1 : 0);
  return s;
}

static unsigned waiting(const struct script *s)
{
  return (unsigned)(script_usage(s).time_wait + (s->tcp != NULL && yeon_tcp_state(s->tcp) == YEON_TCP_TIME_WAIT));
}

/* The FIN again: acknowledged, and 2 MSL begin anew (RFC 9293 3.10.7.4, eighth). */
static void test_time_wait_fin_again(void **state)
{
  for (int held = 0; held < 2; held++) {
    struct script *s = time_wait(state, held, NULL);
    script_advance(s, 200000);
    in(".F 1 ack 2");
    out(". 2(0) ack 2");
    script_advance(s, 239990);
    assert_int_equal(waiting(s), 1);
    script_advance(s, 1010); /* a record counts these in seconds */
    assert_int_equal(waiting(s), 0);
    script_free(s);
  }
}

static void test_time_wait_segments(void **state)
{
  static const struct {
    const char *arrives, *leaves;
    unsigned waiting;
  } rows[] = {
      {"R 2", NULL, 0},
      {"R 3", ". 2(0) ack 2", 1}, /* in the window: challenged */
      {"R 70000", NULL, 1},
      {"R 1", NULL, 1},
      {". 2 ack 2", NULL, 1},
      {". 1 ack 2", ". 2(0) ack 2", 1},
      {".P 2(10) ack 2", ". 2(0) ack 2", 1},
      {"S 1 mss 1000", ". 2(0) ack 2", 1},
  };
  for (int held = 0; held < 2; held++) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
      struct script *s = time_wait(state, held, NULL);
      in("%s", rows[i].arrives);
      if (rows[i].leaves != NULL) out("%s", rows[i].leaves);
      nothing();
      assert_int_equal(waiting(s), rows[i].waiting);
      script_free(s);
    }
  }
}

/* 2 MSL are not stretched by whoever sends segments with a FIN that is not the peer's. */
static void test_time_wait_not_stretched(void **state)
{
  for (int held = 0; held < 2; held++) {
    struct script *s = time_wait(state, held, NULL);
    script_advance(s, 200000);
    in(".F 500000 ack 2");
    script_drain(s);
    script_advance(s, 40010);
    assert_int_equal(waiting(s), 0);
    script_free(s);
  }
}

/* RFC 9293 3.6.1 and RFC 6191: (timestamps before, the new SYN, accepted at once?). The old connection's last number was 1. */
static void test_time_wait_reuse(void **state)
{
  static const struct {
    bool ts;
    const char *syn;
    bool accepted;
  } rows[] = {
      {false, "S 100 mss 1000", true},
      {false, "S 2 mss 1000", true},
      {false, "S 1 mss 1000", false},
      {false, "S -100 mss 1000", false},
      {false, "S -100 mss 1000 ts 3000000000 0", true}, /* RFC 6191: new timestamps, none before */
      {true, "S -100 mss 1000 ts 2000000000 0", true},
      {true, "S 100 mss 1000 ts 1 0", false},
      {true, "S 100 mss 1000 ts 1000000 0", true},
      {true, "S -100 mss 1000 ts 1000000 0", false},
      {true, "S 100 mss 1000 nots", true},
      {true, "S -100 mss 1000 nots", false},
  };
  for (size_t n = 0; n < 2 * (sizeof rows / sizeof *rows); n++) {
    size_t i = n / 2;
    bool held = n % 2 != 0; /* the endpoint still is: a whole connection waits, not a record */
    struct script *s = script_new(state, NULL);
    script_listen(s, 4);
    s->ts = rows[i].ts;
    in("S 0 mss 1000 %s", rows[i].ts ? "ts 999990 0" : "");
    script_learn(s);
    out("S. 0 ack 1 any");
    in(". 1 ack 1 %s", rows[i].ts ? "ts 999995 0" : "");
    assert_int_equal(yeon_tcp_accept(s->listener, &s->tcp, s->now), 0);
    if (held)
      script_shutdown(s, YEON_SHUT_WR);
    else
      script_close(s);
    out(".F 1(0) ack 1");
    in(".F 1 ack 2 %s", rows[i].ts ? "ts 1000000 0" : "");
    out(". 2(0) ack 2");
    uint32_t old = s->iss + 2;
    in("%s", rows[i].syn);
    if (rows[i].accepted) {
      script_learn(s);
      assert_true((int32_t)(s->iss - old) > 0); /* the new ISS lies beyond what the old one sent */
      assert_int_equal(script_usage(s).half_open, 1);
      assert_int_equal(script_counters(s)->tcp_time_wait_reused, 1);
    } else {
      bool silent = held && strstr(rows[i].syn, "nots") != NULL; /* RFC 7323 3.2 comes first there */
      if (!silent) out(". 2(0) ack 2");
      nothing();
      assert_int_equal(script_usage(s).half_open, 0);
      assert_int_equal(waiting(s), 1);
    }
    script_free(s);
  }
}

static void no_reuse(struct yeon_tcp_options *o) { o->time_wait_reuse = false; }

static void test_time_wait_reuse_off(void **state)
{
  struct script *s = script_new(state, &(struct script_setup){.tune = no_reuse});
  script_listen(s, 4);
  script_accept(s, NULL);
  script_close(s);
  out(".F 1(0) ack 1");
  in(".F 1 ack 2");
  out(". 2(0) ack 2");
  in("S 1000 mss 1000");
  out(". 2(0) ack 2");
  assert_int_equal(script_usage(s).half_open, 0);
  script_free(s);
}

/* PAWS in a record; and the echo it answers with. */
static void test_time_wait_record_ts(void **state)
{
  struct script *s = time_wait(state, false, &with_ts);
  in(".P 2(10) ack 2 ts 5 0");
  out(". 2(0) ack 2");
  assert_int_equal(script_usage(s).time_wait, 1);
  script_free(s);
}

/* At the limit the newest does without; nobody else is hurt. */
static void test_time_wait_limit(void **state)
{
  struct script *s = script_new(state, &(struct script_setup){.max_time_wait = 2});
  script_listen(s, 8);
  for (uint16_t i = 0; i < 4; i++) {
    s->peer_port = (uint16_t)(6000 + i);
    script_accept(s, NULL);
    script_close(s);
    out(".F 1(0) ack 1");
    in(".F 1 ack 2");
    out(". 2(0) ack 2");
  }
  assert_int_equal(script_usage(s).time_wait, 2);
  assert_int_equal(script_usage(s).connections, 0);
  assert_int_equal(script_counters(s)->tcp_time_wait_full, 2);
  script_advance(s, 240010);
  assert_int_equal(script_usage(s).time_wait, 0);
  script_free(s);
}

/* RFC 9293 3.6.1, RFC 2525 2.17: closing with unread bytes is a reset; so is linger 0; so is text that comes after. */
static void test_close_unread(void **state)
{
  struct script *s = script_connected(state, NULL);
  in(".P 1(10) ack 1");
  script_close(s);
  out("R. 1(0) ack 11");
  nothing();
  assert_int_equal(script_usage(s).connections, 0);
  script_free(s);
}

static void test_close_linger_zero(void **state)
{
  struct script *s = script_connected(state, NULL);
  assert_int_equal(script_send(s, 10), 10);
  out(". 1(10) ack 1");
  script_set(s, YEON_TCP_LINGER_MS, 0);
  script_close(s);
  out("R. 11(0) ack 1");
  nothing();
  assert_int_equal(script_usage(s).connections, 0);
  script_free(s);
}

static void test_text_after_close(void **state)
{
  struct script *s = script_connected(state, NULL);
  script_close(s);
  out(".F 1(0) ack 1");
  in(". 1 ack 2");
  in(".P 1(10) ack 2");
  out("R. 2(0) ack 1");
  nothing();
  assert_int_equal(script_usage(s).connections, 0);
  script_free(s);
}

static void test_shutdown_read(void **state)
{
  struct script *s = script_connected(state, NULL);
  script_shutdown(s, YEON_SHUT_RD);
  assert_int_equal(script_recv(s, 10), 0);
  in(".P 1(10) ack 1"); /* acknowledged and thrown away */
  script_advance(s, 300);
  out(". 1(0) ack 11");
  assert_int_equal(script_recv(s, 10), 0);
  assert_int_equal(script_info(s).rcv_queued, 0);
  assert_int_equal(script_send(s, 5), 5);
  out(". 1(5) ack 11");
  in(".F 11 ack 6");
  out(". 6(0) ack 12");
  state_is("CLOSE-WAIT");
  script_close(s);
  out(".F 6(0) ack 12");
  script_free(s);
}

/* An orphan in FIN-WAIT-2 does not wait for ever; one whose endpoint is held does. */
static void test_fin_wait_2_timeout(void **state)
{
  for (int held = 0; held < 2; held++) {
    struct script *s = script_connected(state, NULL);
    if (held)
      script_shutdown(s, YEON_SHUT_WR);
    else
      script_close(s);
    out(".F 1(0) ack 1");
    in(". 1 ack 2");
    script_advance(s, 239900);
    assert_int_equal(script_usage(s).connections, 1);
    script_advance(s, 200);
    nothing();
    assert_int_equal(script_usage(s).connections, held ? 1 : 0);
    script_free(s);
  }
}

/* ABORT in every state (RFC 9293 3.10.5): (state, RST expected). */
static void test_abort(void **state)
{
  struct script *s = script_new(state, NULL);
  assert_int_equal(script_connect(s), 0);
  out("S 0 any");
  script_abort(s);
  nothing();
  script_free(s);
  s = script_connected(state, NULL);
  script_abort(s);
  out("R. 1(0) ack 1");
  script_free(s);
  s = script_connected(state, NULL);
  in(".F 1 ack 1");
  script_drain(s);
  script_abort(s);
  out("R. 1(0) ack 2");
  script_free(s);
  s = script_connected(state, NULL);
  script_shutdown(s, YEON_SHUT_WR);
  script_drain(s);
  in(". 1 ack 2");
  script_abort(s);
  out("R. 2(0) ack 1");
  nothing();
  assert_int_equal(script_usage(s).connections, 0);
  script_free(s);
  s = time_wait(state, true, NULL);
  script_abort(s);
  nothing();
  script_free(s);
}

/* The peer resets while bytes it never acknowledged are queued: whoever still holds the endpoint is told. */
static void test_reset_in_last_ack(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.win = 100});
  in(".F 1 ack 1");
  script_drain(s);
  assert_int_equal(script_send(s, 500), 500);
  script_shutdown(s, YEON_SHUT_WR);
  out(". 1(100) ack 2");
  in("R 2");
  state_is("CLOSED");
  assert_int_equal(yeon_tcp_take_error(s->tcp), YEON_ERR_RESET);
  script_free(s);
  s = script_connected(state, NULL); /* but with everything sent and only our FIN open, it is no error */
  in(".F 1 ack 1");
  script_drain(s);
  script_shutdown(s, YEON_SHUT_WR);
  out(".F 1(0) ack 2");
  in("R 2");
  state_is("CLOSED");
  assert_int_equal(yeon_tcp_take_error(s->tcp), 0);
  script_free(s);
}

/* Bytes that arrived before the peer's orderly end stay readable to the end. */
static void test_read_after_last_ack(void **state)
{
  struct script *s = script_connected(state, NULL);
  in(".PF 1(700) ack 1");
  script_drain(s);
  script_shutdown(s, YEON_SHUT_WR);
  script_drain(s);
  in(". 702 ack 2");
  state_is("CLOSED");
  assert_int_equal(script_recv(s, 400), 400);
  assert_int_equal(script_recv(s, 400), 300);
  assert_int_equal(script_recv(s, 400), 0);
  script_close(s);
  nothing();
  assert_int_equal(script_usage(s).connections, 0);
  script_free(s);
}

/* The FIN before what precedes it. */
static void test_fin_out_of_order(void **state)
{
  struct script *s = script_connected(state, NULL);
  in(".PF 101(50) ack 1");
  out(". 1(0) ack 1");
  state_is("ESTABLISHED");
  in(".P 1(100) ack 1");
  out(". 1(0) ack 152");
  state_is("CLOSE-WAIT");
  assert_int_equal(script_recv(s, 1000), 150);
  assert_int_equal(script_recv(s, 1000), 0);
  script_free(s);
}

/* An orphan that cannot get rid of its bytes gives up after retries_orphan. */
static void test_orphan_gives_up(void **state)
{
  struct script *s = script_connected(state, NULL);
  assert_int_equal(script_send(s, 10), 10);
  script_close(s);
  script_mark(s);
  out(". 1(10) ack 1"); /* the FIN follows in the next segment: the first had left */
  out(".F 11(0) ack 1");
  for (int n = 1; n <= 5; n++) {
    out_at(1000 * ((1 << n) - 1), ".F 1(10) ack 1");
  }
  out_at(63000, "R. 12(0) ack 1");
  assert_int_equal(script_usage(s).connections, 0);
  script_free(s);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      BOTH(test_active_close),        BOTH(test_passive_close),
      BOTH(test_simultaneous_close),  BOTH(test_three_segment_close),
      BOTH(test_fin_with_data),       BOTH(test_fin_retransmitted),
      BOTH(test_fin_after_window),    BOTH(test_time_wait_fin_again),
      BOTH(test_time_wait_segments),  BOTH(test_time_wait_not_stretched),
      BOTH(test_time_wait_reuse),     BOTH(test_time_wait_reuse_off),
      BOTH(test_time_wait_record_ts), BOTH(test_time_wait_limit),
      BOTH(test_close_unread),        BOTH(test_close_linger_zero),
      BOTH(test_text_after_close),    BOTH(test_shutdown_read),
      BOTH(test_fin_wait_2_timeout),  BOTH(test_abort),
      BOTH(test_reset_in_last_ack),   BOTH(test_read_after_last_ack),
      BOTH(test_fin_out_of_order),    BOTH(test_orphan_gives_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
