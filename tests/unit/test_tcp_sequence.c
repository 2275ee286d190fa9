/* The first steps of SEGMENT ARRIVES: RFC 9293 3.10.7.4 (sequence, RST, SYN, ACK), RFC 5961, RFC 7323 section 5. */
#include "tcp_script.h"

static const struct script_setup with_ts = {.ts = true};
static const struct script_setup with_sack = {.sack = true};

static void no_delay(struct yeon_tcp_options *o)
{
  o->delack_us = 0;
  o->rcvbuf = o->rcvbuf_max = 4000;
}

static const struct script_setup small_window = {.tune = no_delay};

/* Everything up to the zero window: 4000 bytes unread. */
static struct script *closed_window(void **state)
{
  struct script *s = script_connected(state, &small_window);
  for (int i = 0; i < 4; i++) in(". %d(1000) ack 1", 1 + 1000 * i);
  script_drain(s);
  assert_int_equal(script_info(s).rcv_wnd, 0);
  return s;
}

/* RFC 9293 3.10.7.4, table 6, window 4000 from 1 on: (segment, answer, bytes taken). */
static void test_acceptability(void **state)
{
  static const struct {
    const char *arrives, *leaves;
    int taken;
  } rows[] = {
      {". 1 ack 1", NULL, 0}, /* no length, in the window */
      {". 4000 ack 1", NULL, 0},
      {". 4001 ack 1", ". 1(0) ack 1", 0}, /* no length, outside */
      {". 0 ack 1", ". 1(0) ack 1", 0},
      {".P 1(10) ack 1", ". 1(0) ack 11", 10}, /* begins in the window */
      {".P 4000(1) ack 1", ". 1(0) ack 1", 0}, /* its last byte: kept, out of order */
      {".P 4001(1) ack 1", ". 1(0) ack 1", 0},
      {".P 0(1) ack 1", ". 1(0) ack 1", 0}, /* all old */
      {".P -9(10) ack 1", ". 1(0) ack 1", 0},
      {".P -9(20) ack 1", ". 1(0) ack 11", 10},             /* front cut off */
      {".P 1(5000) ack 1", ". 1(0) ack 4001 win 0", 4000},  /* back cut off */
      {".PF 1(5000) ack 1", ". 1(0) ack 4001 win 0", 4000}, /* and the FIN with it */
      {".PF 0(10) ack 1", ". 1(0) ack 11", 9},              /* old first byte; FIN kept */
      {".P 5000(10) ack 1", ". 1(0) ack 1", 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct script *s = script_connected(state, &small_window);
    in("%s", rows[i].arrives);
    if (rows[i].leaves != NULL) out("%s", rows[i].leaves);
    nothing();
    assert_int_equal(script_info(s).rcv_queued, rows[i].taken);
    if (rows[i].taken > 0) assert_int_equal(script_recv(s, 10000), rows[i].taken);
    script_free(s);
  }
}

/* A closed window takes no byte, but acknowledgments, urgent pointers and resets count (RFC 9293 3.10.7.4, first). */
static void test_zero_window(void **state)
{
  static const struct {
    const char *arrives, *leaves, *after;
  } rows[] = {
      {". 4001 ack 11", NULL, "ESTABLISHED"}, /* the number expected: fine, and 10 bytes acknowledged */
      {".P 4001(1) ack 11", ". 11(0) ack 4001 win 0", "ESTABLISHED"}, /* a probe */
      {".P 4001(500) ack 11", ". 11(0) ack 4001 win 0", "ESTABLISHED"},
      {". 4002 ack 11", ". 11(0) ack 4001 win 0", "ESTABLISHED"},
      {". 4000 ack 11", ". 11(0) ack 4001 win 0", "ESTABLISHED"}, /* a probe the Linux way */
      {"R 4001", NULL, "CLOSED"},
      {"R 4002", NULL, "ESTABLISHED"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct script *s = closed_window(state);
    assert_int_equal(script_send(s, 10), 10);
    out(". 1(10) ack 4001 win 0");
    in("%s", rows[i].arrives);
    if (rows[i].leaves != NULL) {
      bool acks = strstr(rows[i].arrives, "4001") != NULL;
      out("%s", acks ? rows[i].leaves : ". 11(0) ack 4001 win 0");
    }
    nothing();
    state_is(rows[i].after);
    script_free(s);
  }
}

static void test_urgent_in_zero_window(void **state)
{
  struct script *s = closed_window(state);
  (void)script_events(s, s->tcp);
  in(".UP 4001(1) ack 1 urg 1");
  out(". 1(0) ack 4001 win 0");
  assert_int_equal(script_events(s, s->tcp) & YEON_URGENT, YEON_URGENT);
  script_free(s);
}

/* Second: RST (RFC 9293 3.10.7.4 with RFC 5961 3.2): exact, in the window, outside. */
static void test_reset(void **state)
{
  static const struct {
    const char *arrives, *leaves, *after;
  } rows[] = {
      {"R 1", NULL, "CLOSED"},
      {"R. 1 ack 1", NULL, "CLOSED"},
      {"R. 1 ack 999999", NULL, "CLOSED"}, /* the ACK of a RST is not looked at here */
      {"R 2", ". 1(0) ack 1", "ESTABLISHED"},
      {"R 4000", ". 1(0) ack 1", "ESTABLISHED"},
      {"R 4001", NULL, "ESTABLISHED"},
      {"R 0", NULL, "ESTABLISHED"},
      {"RS 1", NULL, "CLOSED"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct script *s = script_connected(state, &small_window);
    in("%s", rows[i].arrives);
    if (rows[i].leaves != NULL) out("%s", rows[i].leaves);
    nothing();
    state_is(rows[i].after);
    if (strcmp(rows[i].after, "CLOSED") == 0) {
      assert_int_equal(script_recv(s, 1), YEON_ERR_RESET);
      assert_int_equal(script_recv(s, 1), 0);
    }
    script_free(s);
  }
}

/* Fourth: a SYN of any number is challenged, and kills nothing (RFC 5961 4.2). */
static void test_syn(void **state)
{
  static const char *const rows[] = {"S 0", "S 1", "S 4000", "S 999999", "S. 0 ack 1", "S. 1 ack 1", "SF 1(10)"};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct script *s = script_connected(state, &small_window);
    in("%s", rows[i]);
    out(". 1(0) ack 1");
    nothing();
    state_is("ESTABLISHED");
    in(".P 1(10) ack 1");
    out(". 1(0) ack 11");
    script_free(s);
  }
}

/* Fifth: the acknowledgment (RFC 9293 3.10.7.4, RFC 5961 section 5). 30 bytes sent, 10 acknowledged, largest window 500. */
static void test_ack(void **state)
{
  static const struct {
    const char *arrives, *leaves;
    int taken, una;
  } rows[] = {
      {"P 1(10)", NULL, 0, 11},                        /* no ACK: dropped */
      {".P 1(10) ack 11", ". 31(0) ack 11", 10, 11},   /* duplicate: the text counts */
      {".P 1(10) ack 1", ". 31(0) ack 11", 10, 11},    /* old */
      {".P 1(10) ack 0", ". 31(0) ack 11", 10, 11},    /* our SYN is as old as can be */
      {".P 1(10) ack -1", ". 31(0) ack 1", 0, 11},     /* older than that: challenged */
      {".P 1(10) ack 31", ". 31(0) ack 11", 10, 31},
      {".P 1(10) ack 32", ". 31(0) ack 1", 0, 11}, /* of what was never sent */
      {". 1 ack 2000000000", ". 31(0) ack 1", 0, 11},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct script *s = script_connected(state, &(struct script_setup){.tune = no_delay, .win = 500});
    assert_int_equal(script_send(s, 10), 10);
    out(". 1(10) ack 1");
    in(". 1 ack 11");
    assert_int_equal(script_send(s, 20), 20);
    out(". 11(20) ack 1");
    in("%s", rows[i].arrives);
    if (rows[i].leaves != NULL) out("%s", rows[i].leaves);
    nothing();
    assert_int_equal(script_info(s).rcv_queued, rows[i].taken);
    assert_int_equal(script_info(s).snd_una - s->iss, rows[i].una);
    script_free(s);
  }
}

/* Once more was acknowledged than the largest window, 500, that is how far back an acknowledgment may lie. */
static void test_ack_a_window_back(void **state)
{
  static const struct {
    const char *arrives;
    int taken;
  } rows[] = {{".P 1(10) ack 101", 10}, {".P 1(10) ack 100", 0}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct script *s = script_connected(state, &(struct script_setup){.tune = no_delay, .win = 500});
    for (int n = 0; n < 6; n++) {
      assert_int_equal(script_send(s, 100), 100);
      script_drain(s);
      in(". 1 ack %d", 100 * (n + 1) + 1);
    }
    in("%s", rows[i].arrives);
    out(". 601(0) ack %d", 1 + rows[i].taken);
    nothing();
    assert_int_equal(script_info(s).rcv_queued, rows[i].taken);
    script_free(s);
  }
}

/* Bad acknowledgments that carry text are answered no faster than others (RFC 5961 section 7). */
static void test_bad_ack_limited(void **state)
{
  struct script *s = script_connected(state, &small_window);
  for (int i = 0; i < 10; i++) in(".P 1(10) ack 50000");
  out(". 1(0) ack 1");
  nothing();
  script_free(s);
}

/* Challenges: at most one per connection in ack_limit_us, and so many a second per host. */
static void test_challenge_limit(void **state)
{
  struct script *s = script_connected(state, &small_window);
  in("R 2");
  out(". 1(0) ack 1");
  for (int i = 0; i < 5; i++) in("R 2");
  in("S 7");
  nothing();
  script_advance(s, 500);
  in("S 7");
  out(". 1(0) ack 1");
  nothing();
  script_free(s);
}

static void few_challenges(struct yeon_tcp_options *o)
{
  o->challenge_per_second = 10;
  o->ack_limit_us = 0;
}

static void test_challenge_host_limit(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.tune = few_challenges});
  for (int i = 0; i < 100; i++) in("R 2");
  unsigned n = s->n_out - s->next_out;
  assert_in_range(n, 5, 15); /* varied by half, so that a stranger cannot count */
  assert_int_equal(script_counters(s)->tcp_challenge_sent, n);
  assert_int_equal(script_counters(s)->tcp_challenge_limited, 100 - n);
  script_drain(s);
  script_advance(s, 1000);
  in("R 2");
  out(". 1(0) ack 1");
  script_free(s);
}

/* Two that disagree must not answer each other for ever. */
static void test_no_ack_war(void **state)
{
  struct script *s = script_connected(state, &small_window);
  for (int i = 0; i < 20; i++) in(". 90000 ack 1");
  out(". 1(0) ack 1");
  nothing();
  for (int i = 0; i < 3; i++) { /* but bytes again are answered each time: the peer waits for it */
    in(".P 0(1) ack 1");
    out(". 1(0) ack 1");
  }
  nothing();
  script_free(s);
}

/* RFC 7323 5.3. */
static void test_paws(void **state)
{
  struct script *s = script_connected(state, &with_ts);
  in(".P 1(10) ack 1 ts 2000000000 0");
  script_advance(s, 300);
  out(". 1(0) ack 11 ts 0 2000000000");
  in(".P 11(10) ack 1 ts 1999999999 0"); /* R1: older: acknowledged and dropped */
  out(". 1(0) ack 11 ts 0 2000000000");
  in("R 11 nots"); /* a reset is not subject to it */
  state_is("CLOSED");
  script_free(s);
}

static void test_paws_equal_and_wrap(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.tune = no_delay, .ts = true});
  s->ts = false;
  in(".P 1(10) ack 1 ts 2147483648 0");
  in(".P 11(10) ack 1 ts 2147483648 0"); /* equal is fine */
  in(".P 21(10) ack 1 ts 4294967295 0");
  in(".P 31(10) ack 1 ts 5 0"); /* newer, modulo 2^32 */
  assert_int_equal(script_info(s).rcv_queued, 40);
  in(".P 41(10) ack 1 ts 4294967295 0");
  assert_int_equal(script_info(s).rcv_queued, 40);
  assert_int_equal(script_counters(s)->tcp_paws, 1);
  script_free(s);
}

/* RFC 7323 5.5: after 24 days a stored timestamp proves nothing. */
static void test_paws_stale(void **state)
{
  struct script *s = script_connected(state, &with_ts);
  in(".P 1(10) ack 1 ts 1000000000 0");
  script_advance(s, 25LL * 24 * 3600 * 1000);
  script_drain(s);
  in(".P 11(10) ack 1 ts 999999000 0");
  assert_int_equal(script_info(s).rcv_queued, 20);
  script_free(s);
}

/* RFC 7323 4.3: the echo is of the segment that the acknowledgment answers, not of the latest. */
static void test_which_ts_is_echoed(void **state)
{
  struct script *s = script_connected(state, &with_ts);
  s->ts = false;
  in(".P 1(100) ack 1 ts 1500000001 0");
  in(".P 101(100) ack 1 ts 1500000002 0"); /* delayed: the first one's is echoed */
  script_advance(s, 400);
  out(". 1(0) ack 201 ts 0 1500000001");
  in(".P 301(100) ack 1 ts 1500000004 0"); /* out of order: the last in order's */
  out(". 1(0) ack 201 ts 0 1500000001");
  in(".P 201(100) ack 1 ts 1500000003 0");
  out(". 1(0) ack 401 ts 0 1500000003");
  script_free(s);
}

/* RFC 7323 3.2: without timestamps once they were agreed: dropped in silence. And the other way round they are ignored. */
static void test_missing_ts(void **state)
{
  struct script *s = script_connected(state, &with_ts);
  in(".P 1(10) ack 1 nots");
  script_advance(s, 400);
  nothing();
  assert_int_equal(script_info(s).rcv_queued, 0);
  in("R 1 nots");
  state_is("CLOSED");
  script_free(s);
  s = script_connected(state, NULL);
  in(".P 1(10) ack 1 ts 1 1");
  script_advance(s, 400);
  out(". 1(0) ack 11 nots");
  script_free(s);
}

/* RFC 2883: what comes twice below the acknowledgment is told in the first block. */
static void test_dsack_below(void **state)
{
  struct script *s = script_connected(state, &with_sack);
  in(".P 1(100) ack 1");
  script_advance(s, 400);
  out(". 1(0) ack 101");
  in(".P 1(100) ack 1");
  out(". 1(0) ack 101 sack 1-101");
  in(".P 51(100) ack 1"); /* in part old */
  script_advance(s, 400);
  out(". 1(0) ack 151 sack 51-101");
  in(".P 151(10) ack 1"); /* told once only */
  script_advance(s, 400);
  out(". 1(0) ack 161");
  script_free(s);
}

static const char *const text_states[] = {"ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2"};

/* Text is taken in the three states that receive (RFC 9293 3.10.7.4, seventh), ignored after the peer's FIN. */
static void test_text_by_state(void **state)
{
  for (unsigned i = 0; i < 3; i++) {
    struct script *s = script_connected(state, &small_window);
    if (i > 0) {
      script_shutdown(s, YEON_SHUT_WR);
      out(".F 1(0) ack 1");
    }
    if (i == 2) in(". 1 ack 2");
    state_is(text_states[i]);
    in(".P 1(10) ack %d", i == 2 ? 2 : 1);
    out(". %d(0) ack 11", i > 0 ? 2 : 1);
    assert_int_equal(script_recv(s, 100), 10);
    script_free(s);
  }
  struct script *s = script_connected(state, &small_window);
  in(".F 1 ack 1");
  out(". 1(0) ack 2");
  state_is("CLOSE-WAIT");
  in(".P 2(10) ack 1");
  assert_int_equal(script_info(s).rcv_queued, 0);
  assert_int_equal(script_recv(s, 100), 0);
  script_free(s);
}

/* A segment that is not for this connection: another port of the peer. */
static void test_stranger(void **state)
{
  struct script *s = script_connected(state, NULL);
  s->peer_port++;
  in("R 1");
  in(". 1 ack 1");
  out("R 1(0)");
  nothing();
  state_is("ESTABLISHED");
  script_free(s);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      BOTH(test_acceptability),
      BOTH(test_zero_window),
      BOTH(test_urgent_in_zero_window),
      BOTH(test_reset),
      BOTH(test_syn),
      BOTH(test_ack),
      BOTH(test_ack_a_window_back),
      BOTH(test_bad_ack_limited),
      BOTH(test_challenge_limit),
      BOTH(test_challenge_host_limit),
      BOTH(test_no_ack_war),
      BOTH(test_paws),
      BOTH(test_paws_equal_and_wrap),
      BOTH(test_paws_stale),
      BOTH(test_which_ts_is_echoed),
      BOTH(test_missing_ts),
      BOTH(test_dsack_below),
      BOTH(test_text_by_state),
      BOTH(test_stranger),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
