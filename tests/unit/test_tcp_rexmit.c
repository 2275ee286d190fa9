/* Loss and what is done about it: RFC 6298, 5681, 6582, 6675, 3042. The segments have 1000 bytes; number n stands for bytes 1000(n-1)+1 on. */
#include "tcp_script.h"

#include "tcp/internal.h"

static void window_of_10(struct yeon_tcp_options *o)
{
  o->initial_window_segments = 10;
  o->sndbuf = o->sndbuf_max = 1 << 20;
}

static const struct script_setup reno = {.tune = window_of_10};
static const struct script_setup sack = {.tune = window_of_10, .sack = true};
static const struct script_setup reno_ts = {.tune = window_of_10, .ts = true};

#define SEQ(n) (1000 * ((n)-1) + 1)

/* Sends n segments' worth, of which `leave` leave at once. */
static void send_segments(struct script *s, int n, int first, int leave)
{
  assert_int_equal(script_send(s, (uint32_t)n * 1000), n * 1000);
  for (int i = 0; i < leave; i++) out(". %d(1000) ack 1", SEQ(first + i));
  nothing();
}

/* The lecture's: 1, 3, 7, 15, 31 s after, and the error at 63 s. */
static void test_lecture_schedule(void **state)
{
  struct script *s = script_connected(state, NULL);
  script_mark(s);
  assert_int_equal(script_send(s, 10), 10);
  out_at(0, ". 1(10) ack 1");
  for (int n = 1; n <= 5; n++) out_at(1000 * ((1 << n) - 1), ". 1(10) ack 1");
  script_advance(s, 31990);
  state_is("ESTABLISHED");
  script_advance(s, 20);
  out("R. 11(0) ack 1");
  state_is("CLOSED");
  assert_int_equal(script_events(s, s->tcp) & YEON_ERROR, YEON_ERROR);
  assert_int_equal(script_recv(s, 1), YEON_ERR_TIMED_OUT);
  script_free(s);
}

/* Every profile: time-outs double from its RTO up to its ceiling, FreeBSD adds its slop to each; (first, how many, total). */
static void test_profile_schedules(void **state)
{
  static const struct {
    enum yeon_profile profile;
    int retries;
    int64_t first_ms, slop_ms, max_ms, total_ms;
  } rows[] = {
      /* The time that 15 doublings take, 924.6 s, has not passed since the first retransmission when the sixteenth time-out comes. */
      {YEON_PROFILE_LINUX, 16, 200, 0, 120000, 1044600},
      {YEON_PROFILE_FREEBSD, 12, 30, 200, 64000, 0},
      {YEON_PROFILE_WINDOWS, 5, 300, 0, 60000, 18900},
      {YEON_PROFILE_LECTURE, 5, 1000, 0, 60000, 63000},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct script *s = script_connected(state, &(struct script_setup){.use_profile = true, .profile = rows[i].profile});
    int64_t at = 0, base = rows[i].first_ms, rto = base + rows[i].slop_ms;
    script_mark(s);
    assert_int_equal(script_send(s, 10), 10);
    out_at(0, ". 1(10) ack 1");
    for (int n = 0; n < rows[i].retries; n++) {
      at += rto;
      out_at(at, ". 1(10) ack 1");
      base *= 2;
      rto = base + rows[i].slop_ms < rows[i].max_ms ? base + rows[i].slop_ms : rows[i].max_ms;
    }
    out_at(at + rto, "R. 11(0) ack 1");
    state_is("CLOSED");
    if (rows[i].total_ms != 0)
      assert_in_range((s->now - s->mark) / YEON_MS, rows[i].total_ms - 1, rows[i].total_ms + 2);
    script_free(s);
  }
}

/* RFC 6298 section 2: the first sample, and the next. */
static void test_estimator(void **state)
{
  struct script *s = script_connected(state, NULL); /* the handshake took no time: srtt 1 us */
  script_free(s);
  s = script_new(state, NULL);
  assert_int_equal(script_connect(s), 0);
  script_drain(s);
  script_advance(s, 400);
  in("S. 0 ack 1 mss 1000");
  script_drain(s);
  assert_int_equal(script_info(s).srtt_us, 400000);
  assert_int_equal(script_info(s).rttvar_us, 200000);
  assert_int_equal(script_info(s).rto_us, 1200000);
  assert_int_equal(script_send(s, 10), 10);
  script_advance(s, 800);
  in(". 1 ack 11");
  assert_int_equal(script_info(s).rttvar_us, 250000); /* 3/4 * 200 + 1/4 * |400 - 800| */
  assert_int_equal(script_info(s).srtt_us, 450000);   /* 7/8 * 400 + 1/8 * 800 */
  assert_int_equal(script_info(s).rto_us, 1450000);
  script_free(s);
}

/* Karn: what was sent twice is no sample, and the doubled RTO stays until there is one (RFC 6298 sections 3 and 5). */
static void test_karn(void **state)
{
  struct script *s = script_connected(state, NULL);
  uint32_t srtt = script_info(s).srtt_us;
  script_mark(s);
  assert_int_equal(script_send(s, 10), 10);
  out_at(0, ". 1(10) ack 1");
  out_at(1000, ". 1(10) ack 1");
  out_at(3000, ". 1(10) ack 1");
  in(". 1 ack 11");
  assert_int_equal(script_info(s).srtt_us, srtt);
  assert_int_equal(script_info(s).rexmits, 0);
  script_mark(s);
  assert_int_equal(script_send(s, 10), 10);
  out_at(0, ". 11(10) ack 1");
  script_advance(s, 3000); /* a round trip of 3 s: with an RTO back at 1 s no sample would ever come */
  nothing();
  in(". 1 ack 21");
  assert_in_range(script_info(s).rto_us, 3374000, 3376000); /* 3/8 s + 4 * 3/4 s, and no longer doubled */
  script_free(s);
}

/* With timestamps the echo tells which copy was acknowledged (RFC 7323 4.1). */
static void test_karn_with_ts(void **state)
{
  struct script *s = script_connected(state, &reno_ts);
  script_mark(s);
  assert_int_equal(script_send(s, 10), 10);
  out_at(0, ". 1(10) ack 1");
  uint32_t first = s->ts_echo;
  out_at(1000, ". 1(10) ack 1");
  script_advance(s, 500);
  in(". 1 ack 11 ts %u %u", (uint32_t)(s->now / YEON_MS), first); /* the first copy, 1.5 s ago */
  assert_in_range(script_info(s).srtt_us, 187000, 189000);
  script_free(s);
}

/* RFC 6298 5.7: after a lost SYN, 3 s. */
static void test_rto_after_lost_syn(void **state)
{
  struct script *s = script_new(state, NULL);
  assert_int_equal(script_connect(s), 0);
  out("S 0 any");
  script_mark(s);
  out_at(1000, "S 0 any");
  in("S. 0 ack 1 mss 1000");
  out(". 1 ack 1");
  assert_int_equal(script_info(s).rto_us, 3000000);
  assert_int_equal(script_info(s).cwnd, 1000); /* RFC 5681 3.1: one segment */
  script_mark(s);
  assert_int_equal(script_send(s, 10), 10);
  out_at(0, ". 1(10) ack 1");
  out_at(3000, ". 1(10) ack 1");
  script_free(s);
}

/* RFC 6298 5.3: progress restarts the timer; 5.2: all acknowledged stops it. */
static void test_timer_restart(void **state)
{
  struct script *s = script_connected(state, &reno);
  send_segments(s, 3, 1, 3);
  script_advance(s, 700);
  script_mark(s);
  in(". 1 ack %d", SEQ(2));
  out_at(1000, ". %d(1000) ack 1", SEQ(2));
  script_free(s);
  s = script_connected(state, &reno);
  send_segments(s, 2, 1, 2);
  in(". 1 ack %d", SEQ(3));
  script_advance(s, 100000);
  nothing();
  assert_int_equal(script_info(s).timer_at, YEON_NEVER);
  script_free(s);
}

/* After a time-out: one segment, then slow start up to half of what was in flight (RFC 5681 3.1). */
static void test_slow_start_after_rto(void **state)
{
  struct script *s = script_connected(state, &reno);
  send_segments(s, 30, 1, 10);
  script_mark(s);
  out_at(1000, ". 1(1000) ack 1");
  assert_int_equal(script_info(s).cwnd, 1000);
  assert_int_equal(script_info(s).ssthresh, 5000);
  in(". 1 ack %d", SEQ(2));
  out(". %d(1000) ack 1", SEQ(2));
  out(". %d(1000) ack 1", SEQ(3));
  nothing();
  in(". 1 ack %d", SEQ(4)); /* two segments: cwnd grows by one at most while it recovers (RFC 3465 2.3) */
  assert_int_equal(script_info(s).cwnd, 3000);
  for (int n = 4; n <= 6; n++) out(". %d(1000) ack 1", SEQ(n));
  nothing();
  script_free(s);
}

/* RFC 3465 2.3: after a time-out, one acknowledgment of much that had arrived before lets out no burst. */
static void test_no_burst_after_rto(void **state)
{
  struct script *s = script_connected(state, &reno);
  send_segments(s, 30, 1, 10);
  script_mark(s);
  out_at(1000, ". 1(1000) ack 1");
  in(". 1 ack %d", SEQ(11)); /* only the first was lost */
  assert_int_equal(script_info(s).cwnd, 2000);
  out(". %d(1000) ack 1", SEQ(11));
  out(". %d(1000) ack 1", SEQ(12));
  nothing();
  script_free(s);
}

/* Duplicates that were under way when the timer expired let nothing out. */
static void test_duplicates_after_rto(void **state)
{
  struct script *s = script_connected(state, &reno);
  send_segments(s, 10, 1, 10);
  script_mark(s);
  out_at(1000, ". 1(1000) ack 1");
  for (int i = 0; i < 9; i++) in(". 1 ack 1");
  nothing();
  script_free(s);
}

/* RFC 5681 3.2, RFC 3042, RFC 6582. */
static void test_fast_retransmit(void **state)
{
  struct script *s = script_connected(state, &reno);
  send_segments(s, 20, 1, 10);
  in(". 1 ack 1");
  out(". %d(1000) ack 1", SEQ(11)); /* limited transmit */
  in(". 1 ack 1");
  out(". %d(1000) ack 1", SEQ(12));
  nothing();
  in(". 1 ack 1");
  out(". 1(1000) ack 1");
  nothing();
  assert_int_equal(script_info(s).ssthresh, 5000); /* half of 10: what limited transmit sent does not count */
  for (int i = 0; i < 3; i++) in(". 1 ack 1");
  nothing(); /* the pipe: 12 - 6 > 5 */
  in(". 1 ack 1");
  in(". 1 ack 1");
  out(". %d(1000) ack 1", SEQ(13));
  script_drain(s);
  in(". 1 ack %d", SEQ(14)); /* all of it */
  assert_false(script_info(s).in_recovery);
  assert_int_equal(script_info(s).cwnd, 2000); /* RFC 6582 3.2 (3): flight was 0 (one segment), and one more */
  script_free(s);
}

/* Two losses: a partial acknowledgment retransmits the next hole at once, without further duplicates. */
static void test_partial_ack(void **state)
{
  struct script *s = script_connected(state, &reno);
  send_segments(s, 10, 1, 10); /* 1 and 4 are lost */
  for (int i = 0; i < 8; i++) in(". 1 ack 1");
  out(". 1(1000) ack 1");
  nothing();
  in(". 1 ack %d", SEQ(4));
  out(". %d(1000) ack 1", SEQ(4));
  nothing();
  assert_true(script_info(s).in_recovery);
  in(". 1 ack %d", SEQ(11));
  assert_false(script_info(s).in_recovery);
  nothing();
  script_free(s);
}

/* RFC 6582 3.2 (1): duplicates of what recovery itself sent twice start no second one. */
static void test_no_second_recovery(void **state)
{
  struct script *s = script_connected(state, &reno);
  send_segments(s, 10, 1, 10);
  for (int i = 0; i < 3; i++) in(". 1 ack 1");
  out(". 1(1000) ack 1");
  in(". 1 ack %d", SEQ(11));
  send_segments(s, 2, 11, 2);
  uint32_t cwnd = script_info(s).cwnd;
  for (int i = 0; i < 5; i++) in(". 1 ack %d", SEQ(11)); /* covers no more than recover */
  nothing();
  assert_int_equal(script_info(s).cwnd, cwnd);
  script_free(s);
}

/* What is no duplicate (RFC 5681 section 2): with text, with another window, with nothing outstanding. */
static void test_not_duplicates(void **state)
{
  struct script *s = script_connected(state, &reno);
  send_segments(s, 5, 1, 5);
  for (int i = 0; i < 5; i++) in(".P %d(10) ack 1", 1 + 10 * i);
  for (int i = 0; i < 5; i++) in(". 51 ack 1 win %d", 60000 + i);
  script_drain(s);
  assert_int_equal(script_counters(s)->tcp_rexmit_fast, 0);
  in(". 51 ack %d", SEQ(6));
  for (int i = 0; i < 5; i++) in(". 51 ack %d", SEQ(6));
  nothing();
  script_free(s);
}

/* Answers to probes of a closed window look like duplicates, and are none. */
static void test_closed_window_is_no_loss(void **state)
{
  struct script *s = script_connected(state, &reno);
  send_segments(s, 5, 1, 5);
  for (int i = 0; i < 6; i++) in(". 1 ack 1 win 0");
  nothing();
  assert_int_equal(script_counters(s)->tcp_rexmit_fast, 0);
  script_free(s);
}

/* RFC 6675: 1 is lost, the rest arrives. */
static void test_sack_recovery(void **state)
{
  struct script *s = script_connected(state, &sack);
  send_segments(s, 20, 1, 10);
  in(". 1 ack 1 sack %d-%d", SEQ(2), SEQ(3));
  out(". %d(1000) ack 1", SEQ(11));
  in(". 1 ack 1 sack %d-%d", SEQ(2), SEQ(4));
  out(". %d(1000) ack 1", SEQ(12));
  in(". 1 ack 1 sack %d-%d", SEQ(2), SEQ(5));
  out(". 1(1000) ack 1");
  nothing();
  assert_int_equal(script_info(s).ssthresh, 5000);
  in(". 1 ack 1 sack %d-%d", SEQ(2), SEQ(9)); /* pipe: 1 again, 9 to 12: 5 */
  nothing();
  in(". 1 ack 1 sack %d-%d", SEQ(2), SEQ(10));
  out(". %d(1000) ack 1", SEQ(13));
  nothing();
  in(". 1 ack %d", SEQ(14));
  assert_false(script_info(s).in_recovery);
  assert_int_equal(script_info(s).cwnd, 5000);
  script_free(s);
}

/* Several holes are filled in order, within one round trip; nothing the peer has is sent again. */
static void test_sack_holes(void **state)
{
  struct script *s = script_connected(state, &sack);
  send_segments(s, 10, 1, 10); /* lost: 1, 3, 5 */
  in(". 1 ack 1 sack %d-%d", SEQ(2), SEQ(3));
  in(". 1 ack 1 sack %d-%d %d-%d", SEQ(4), SEQ(5), SEQ(2), SEQ(3));
  in(". 1 ack 1 sack %d-%d %d-%d %d-%d", SEQ(6), SEQ(7), SEQ(4), SEQ(5), SEQ(2), SEQ(3));
  out(". 1(1000) ack 1");
  in(". 1 ack 1 sack %d-%d %d-%d %d-%d", SEQ(6), SEQ(11), SEQ(4), SEQ(5), SEQ(2), SEQ(3));
  out(". %d(1000) ack 1", SEQ(3));
  out(". %d(1000) ack 1", SEQ(5));
  nothing();
  in(". 1 ack %d sack %d-%d %d-%d", SEQ(3), SEQ(6), SEQ(11), SEQ(4), SEQ(5));
  nothing();
  in(". 1 ack %d", SEQ(11));
  assert_false(script_info(s).in_recovery);
  script_free(s);
}

/* RFC 6675 section 4, NextSeg (4): nothing is known to be lost and nothing new can go, but something is open: once, the tail. */
static void test_sack_rescue(void **state)
{
  struct script *s = script_connected(state, &sack);
  send_segments(s, 8, 1, 8); /* lost: 1, 7, 8 */
  in(". 1 ack 1 sack %d-%d", SEQ(2), SEQ(5));
  out(". 1(1000) ack 1");
  in(". 1 ack 1 sack %d-%d", SEQ(2), SEQ(7));
  out(". %d(1000) ack 1", SEQ(8)); /* the rescue holds the last byte */
  nothing();
  in(". 1 ack %d", SEQ(7));
  nothing();
  script_free(s);
  s = script_connected(state, &sack);
  send_segments(s, 8, 1, 8);
  in(". 1 ack 1 sack %d-%d", SEQ(2), SEQ(7));
  out(". 1(1000) ack 1");
  script_drain(s);
  in(". 1 ack %d", SEQ(7)); /* partial, and not a single block left to judge by */
  script_drain(s);
  assert_true(script_info(s).in_recovery);
  assert_true(script_info(s).bytes_retransmitted >= 2000);
  script_free(s);
}

/* RFC 6675 section 2: an acknowledgment that reports nothing new is no duplicate. */
static void test_sack_no_new_information(void **state)
{
  struct script *s = script_connected(state, &sack);
  send_segments(s, 10, 1, 10);
  for (int i = 0; i < 5; i++) in(". 1 ack 1");
  for (int i = 0; i < 5; i++) in(". 1 ack 1 sack -99-1"); /* a DSACK of old bytes */
  nothing();
  assert_int_equal(script_counters(s)->tcp_rexmit_fast, 0);
  in(". 1 ack 1 sack %d-%d", SEQ(2), SEQ(3));
  for (int i = 0; i < 5; i++) in(". 1 ack 1 sack %d-%d", SEQ(2), SEQ(3));
  nothing();
  assert_int_equal(script_counters(s)->tcp_rexmit_fast, 0);
  script_free(s);
}

/* Blocks that cannot be are not believed. */
static void test_sack_nonsense(void **state)
{
  static const char *const rows[] = {"sack 20001-21001", "sack 5001-4001", "sack 9001-20001", "sack -5000-1",
                                     "sack 1-10001"};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct script *s = script_connected(state, &sack);
    send_segments(s, 10, 1, 10);
    for (int n = 0; n < 4; n++) in(". 1 ack 1 %s", rows[i]);
    nothing();
    script_mark(s);
    out_at(1000, ". 1(1000) ack 1");
    script_free(s);
  }
}

/* After a time-out what the peer holds is skipped, and duplicates start no recovery until all of that window is acknowledged (6675 5.1). */
static void test_sack_rto(void **state)
{
  struct script *s = script_connected(state, &sack);
  send_segments(s, 6, 1, 6);
  in(". 1 ack 1 sack %d-%d", SEQ(3), SEQ(5));
  script_mark(s);
  out_at(1000, ". 1(1000) ack 1");
  in(". 1 ack %d sack %d-%d", SEQ(2), SEQ(3), SEQ(5));
  out(". %d(1000) ack 1", SEQ(2));
  out(". %d(1000) ack 1", SEQ(5));
  nothing();
  in(". 1 ack %d", SEQ(7) - 1000);
  out(". %d(1000) ack 1", SEQ(6));
  in(". 1 ack %d", SEQ(7));
  assert_false(script_info(s).in_recovery);
  script_free(s);
}

/* RFC 2018 section 8: a peer that gave up what it had selectively acknowledged still gets everything, a window at a time. */
static void test_sack_reneging(void **state)
{
  struct script *s = script_connected(state, &sack);
  send_segments(s, 6, 1, 6);
  in(". 1 ack 1 sack %d-%d", SEQ(2), SEQ(4));
  script_mark(s);
  out_at(1000, ". 1(1000) ack 1");
  in(". 1 ack %d", SEQ(2)); /* 2 and 3 are gone after all */
  script_drain(s);
  script_mark(s);
  out_at(2000, ". %d(1000) ack 1", SEQ(2));
  in(". 1 ack %d", SEQ(3));
  out(". %d(1000) ack 1", SEQ(3)); /* not believed any more: no time-out per segment */
  out(". %d(1000) ack 1", SEQ(4));
  script_free(s);
}

/* RFC 6675 section 4, IsLost: dupthresh separate ranges above it, however small. */
static void test_sack_small_ranges(void **state)
{
  struct script *s = script_connected(state, &sack);
  send_segments(s, 10, 1, 10);
  in(". 1 ack 1 sack 5001-5101 7001-7101 9001-9101");
  out(". 1(1000) ack 1");
  script_free(s);
}

/* RFC 5681 3.1, equation 4: only the first time-out of the same bytes sets ssthresh. */
static void test_ssthresh_second_rto(void **state)
{
  struct script *s = script_connected(state, &reno);
  send_segments(s, 10, 1, 10);
  script_mark(s);
  out_at(1000, ". 1(1000) ack 1");
  assert_int_equal(script_info(s).ssthresh, 5000);
  out_at(3000, ". 1(1000) ack 1");
  assert_int_equal(script_info(s).ssthresh, 5000);
  script_free(s);
}

/* RFC 5681 3.1: doubling up to ssthresh, one segment a window beyond; and no growth while the application, not the window, limits. */
static void test_window_growth(void **state)
{
  struct script *s = script_connected(state, &reno);
  send_segments(s, 100, 1, 10);
  for (int i = 0; i < 3; i++) in(". 1 ack 1");
  script_drain(s);
  int n = 13; /* limited transmit sent two more */
  in(". 1 ack %d", SEQ(n));
  uint32_t cwnd = script_info(s).cwnd, credit = 0;
  assert_int_equal(script_info(s).ssthresh, 5000);
  assert_true(cwnd < 5000);
  while (script_info(s).snd_nxt - s->iss < SEQ(101)) {
    in(". 1 ack %d", SEQ(++n));
    script_drain(s);
    if (cwnd < 5000) {
      cwnd += 1000;
    } else if ((credit += 1000) >= cwnd) {
      credit -= cwnd;
      cwnd += 1000;
    }
    assert_int_equal(script_info(s).cwnd, cwnd);
  }
  assert_true(cwnd > 10000);
  in(". 1 ack %d", SEQ(n = 101));
  cwnd = script_info(s).cwnd;
  for (int round = 0; round < 50; round++) { /* one segment at a time */
    send_segments(s, 1, n, 1);
    in(". 1 ack %d", SEQ(++n));
  }
  assert_int_equal(script_info(s).cwnd, cwnd);
  script_free(s);
}

/* RFC 5681 4.1: after an idle time the window starts again, but no higher than it was. */
static void test_idle_restart(void **state)
{
  struct script *s = script_connected(state, &reno);
  int n = 1;
  for (int round = 0; round < 2; round++) { /* cwnd to 40 */
    int flight = 10 << round;
    send_segments(s, flight, n, flight);
    n += flight;
    in(". 1 ack %d", SEQ(n));
  }
  assert_int_equal(script_info(s).cwnd, 40000);
  script_advance(s, 1500);
  send_segments(s, 40, n, 10);
  script_free(s);
}

/* 2^31 bytes and more without a loss or a rest: recovery must still begin. The first 2^31 - 1500 are skipped by making the mark that old. */
static void test_recovery_after_wrap(void **state)
{
  struct script *s = script_connected(state, &reno);
  send_segments(s, 20, 1, 10);
  s->tcp->busy->recover = s->tcp->snd_una - 0x7ffffa24u;
  in(". 1 ack %d", SEQ(2));
  in(". 1 ack %d", SEQ(3));
  script_drain(s);
  for (int i = 0; i < 3; i++) in(". 1 ack %d", SEQ(3));
  assert_int_equal(script_counters(s)->tcp_rexmit_fast, 1);
  script_free(s);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      BOTH(test_lecture_schedule),
      BOTH(test_profile_schedules),
      BOTH(test_estimator),
      BOTH(test_karn),
      BOTH(test_karn_with_ts),
      BOTH(test_rto_after_lost_syn),
      BOTH(test_timer_restart),
      BOTH(test_slow_start_after_rto),
      BOTH(test_no_burst_after_rto),
      BOTH(test_duplicates_after_rto),
      BOTH(test_fast_retransmit),
      BOTH(test_partial_ack),
      BOTH(test_no_second_recovery),
      BOTH(test_not_duplicates),
      BOTH(test_closed_window_is_no_loss),
      BOTH(test_sack_recovery),
      BOTH(test_sack_holes),
      BOTH(test_sack_rescue),
      BOTH(test_sack_no_new_information),
      BOTH(test_sack_nonsense),
      BOTH(test_sack_rto),
      BOTH(test_sack_reneging),
      BOTH(test_sack_small_ranges),
      BOTH(test_ssthresh_second_rto),
      BOTH(test_window_growth),
      BOTH(test_idle_restart),
      BOTH(test_recovery_after_wrap),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
