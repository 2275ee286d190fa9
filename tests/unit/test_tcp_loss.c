/* Loss by time, loss probes, what is taken back (RFC 8985, 9937, 3522, 4015, 5682, 7765): what the drill scripts in tests/drill/{rack,tlp,prr,undo,frto} cannot see
 * from outside. The segments have 1000 bytes; number n stands for bytes 1000(n-1)+1 on. The round trip takes 100 ms. */
#include "tcp_script.h"

#include "tcp/internal.h"

#define SEQ(n) (1000 * ((n)-1) + 1)

static void all_on(struct yeon_tcp_options *o)
{
  o->initial_window_segments = 10;
  o->sndbuf = o->sndbuf_max = 1 << 20;
  o->rack = o->tlp = o->prr = o->undo = o->frto = true;
  o->rto_min_us = 300000;
  o->delack_us = 0;
}
static void without_probes(struct yeon_tcp_options *o)
{
  all_on(o);
  o->tlp = false;
}
static void with_restart(struct yeon_tcp_options *o)
{
  without_probes(o);
  o->rto_restart = true;
}

static struct script *connected(void **state, void (*tune)(struct yeon_tcp_options *), bool sack)
{
  struct script *s = script_new(state, &(struct script_setup){.tune = tune, .sack = sack});
  assert_int_equal(script_connect(s), 0);
  script_drain(s);
  script_advance(s, 100);
  in("S. 0 ack 1 mss 1000%s", sack ? " sackok" : "");
  script_drain(s);
  assert_int_equal(script_info(s).srtt_us, 100000);
  return s;
}

static void send_segments(struct script *s, int n, int first, int leave)
{
  assert_int_equal(script_send(s, (uint32_t)n * 1000), n * 1000);
  for (int i = 0; i < leave; i++) out(". %d(1000) ack 1", SEQ(first + i));
  nothing();
}

/* A whole flight of ten, and in its middle a segment that is overtaken; from number `first` on. */
static void reorder(struct script *s, int first)
{
  send_segments(s, 10, first, 10);
  script_advance(s, 100);
  in(". 1 ack %d sack %d-%d", SEQ(first), SEQ(first + 1), SEQ(first + 2));
  in(". 1 ack %d", SEQ(first + 10));
  script_drain(s);
}

/* RFC 8985 6.2, step 4: nothing yet seen, and three beyond: at once; once reordering was seen a quarter of the least round trip. */
static void test_window_of_reordering(void **state)
{
  struct script *s = connected(state, without_probes, true);
  assert_int_equal(s->tcp->reo_steps, 0);
  reorder(s, 1);
  assert_int_equal(s->tcp->reo_steps, 1);
  send_segments(s, 10, 11, 10);
  script_advance(s, 100);
  in(". 1 ack %d sack %d-%d", SEQ(11), SEQ(12), SEQ(16));
  nothing();
  script_mark(s);
  out_at(27, ". %d(1000) ack 1", SEQ(11)); /* 25 ms and 2 of slack */
  script_free(s);
}

/* RFC 8985 6.2, step 4: each round with a DSACK a quarter more, bounded by SRTT; sixteen recoveries later as before. */
static void test_window_grows(void **state)
{
  struct script *s = connected(state, without_probes, true);
  reorder(s, 1);
  send_segments(s, 10, 11, 10);
  for (int i = 0; i < 3; i++) in(". 1 ack %d sack %d-%d", SEQ(11), SEQ(1), SEQ(2));
  assert_int_equal(s->tcp->reo_steps, 2); /* once a round */
  script_advance(s, 100);
  in(". 1 ack %d", SEQ(21));
  send_segments(s, 10, 21, 10);
  in(". 1 ack %d sack %d-%d", SEQ(21), SEQ(1), SEQ(2));
  assert_int_equal(s->tcp->reo_steps, 3);
  script_advance(s, 100);
  in(". 1 ack %d sack %d-%d", SEQ(21), SEQ(22), SEQ(26));
  script_mark(s);
  out_at(77, ". %d(1000) ack 1", SEQ(21)); /* three quarters, and 2 ms of slack */
  s->tcp->reo_steps = 40;
  script_drain(s);
  script_mark(s);
  in(". 1 ack %d", SEQ(31));
  send_segments(s, 5, 31, 5);
  uint32_t bound = script_info(s).srtt_us;
  script_advance(s, 100);
  in(". 1 ack %d sack %d-%d", SEQ(31), SEQ(32), SEQ(36));
  assert_in_range(tcp_timer_at(s->tcp, YEON_TIMER_REORDER) - s->now, (bound - 1000u) * YEON_US,
                  (bound + 4000u) * YEON_US);
  script_free(s);
}

/* Something was sent twice, but nothing has been seen to overtake: three segments beyond are still enough. */
static void test_duplicate_is_no_reordering(void **state)
{
  struct script *s = connected(state, without_probes, true);
  send_segments(s, 10, 1, 10);
  script_advance(s, 100);
  in(". 1 ack %d", SEQ(11));
  send_segments(s, 10, 11, 10);
  in(". 1 ack %d sack %d-%d", SEQ(11), SEQ(1), SEQ(2));
  assert_int_equal(s->tcp->reo_steps, 0);
  script_advance(s, 100);
  script_mark(s);
  in(". 1 ack %d sack %d-%d", SEQ(11), SEQ(12), SEQ(16));
  out(". %d(1000) ack 1", SEQ(11));
  script_free(s);
}

/* Also across pauses. */
static void test_window_falls_back(void **state)
{
  struct script *s = connected(state, without_probes, true);
  s->tcp->reo_steps = 4;
  s->tcp->reo_persist = 16;
  send_segments(s, 5, 1, 5);
  script_advance(s, 100);
  in(". 1 ack %d", SEQ(6));
  assert_null(s->tcp->busy);
  assert_int_equal(script_send(s, 100000), 100000);
  script_drain(s);
  for (int i = 0; i < 16; i++) {
    assert_int_equal(s->tcp->reo_steps, 4);
    tcp_rack_on_recovered(s->tcp);
  }
  assert_int_equal(s->tcp->reo_steps, 1);
  script_free(s);
}

/* RFC 8985 7.3: one probe on its way; after it the time-out, not a second probe. */
static void test_one_probe(void **state)
{
  struct script *s = connected(state, all_on, true);
  script_mark(s);
  send_segments(s, 2, 1, 2);
  out_at(202, ". %d(1000) ack 1", SEQ(2));
  assert_int_equal(script_counters(s)->tcp_loss_probes, 1);
  out_at(502, ". 1(1000) ack 1");
  assert_int_equal(script_counters(s)->tcp_rexmit_rto, 1);
  script_free(s);
}

/* RFC 8985 7.3: no round trip was measured since the last probe: the time-out is waited for. */
static void test_probe_wants_a_sample(void **state)
{
  struct script *s = connected(state, all_on, true);
  script_mark(s);
  send_segments(s, 1, 1, 1);
  out_at(202, ". 1(1000) ack 1");
  in(". 1 ack %d", SEQ(2));
  script_mark(s);
  send_segments(s, 1, 2, 1);
  out_at(300, ". %d(1000) ack 1", SEQ(2));
  assert_int_equal(script_counters(s)->tcp_loss_probes, 1);
  script_free(s);
}

/* RFC 8985 7.2: no round-trip time: a second. */
static void test_probe_without_rtt(void **state)
{
  struct script *s = connected(state, all_on, true);
  s->tcp->srtt_us = 0;
  s->tcp->rto_us = 3000000;
  script_mark(s);
  send_segments(s, 2, 1, 2);
  out_at(1000, ". %d(1000) ack 1", SEQ(2));
  script_free(s);
}

/* RFC 8985 7.2: not with SACK blocks, not in recovery; without SACK never. */
static void test_no_probe(void **state)
{
  struct script *s = connected(state, all_on, true);
  send_segments(s, 4, 1, 4);
  script_advance(s, 100);
  in(". 1 ack 1 sack %d-%d", SEQ(3), SEQ(4));
  assert_false(tcp_tlp_wanted(s->tcp));
  script_advance(s, 50);
  assert_true(script_info(s).in_recovery);
  assert_int_equal(script_counters(s)->tcp_loss_probes, 0);
  script_free(s);
  s = connected(state, all_on, false);
  script_mark(s);
  send_segments(s, 2, 1, 2);
  out_at(300, ". 1(1000) ack 1");
  assert_int_equal(script_counters(s)->tcp_loss_probes, 0);
  script_free(s);
}

/* What a probe mended counts as a loss although everything was acknowledged, and nothing was in flight, before it could be known (RFC 8985 7.4). */
static void test_mended_loss_over_a_rest(void **state)
{
  for (int duplicate = 0; duplicate < 2; duplicate++) {
    struct script *s = connected(state, all_on, true);
    script_mark(s);
    send_segments(s, 1, 1, 1);
    out_at(202, ". 1(1000) ack 1");
    in(". 1 ack %d", SEQ(2));
    assert_null(s->tcp->busy);
    if (duplicate) in(". 1 ack %d sack %d-%d", SEQ(2), SEQ(1), SEQ(2));
    send_segments(s, 1, 2, 1);
    in(". 1 ack %d", SEQ(3));
    assert_int_equal(script_info(s).ssthresh == CC_SSTHRESH_NONE, duplicate);
    script_free(s);
  }
}

/* RFC 3522 3.2: the detection is not begun again while recovery goes on: the second copy's timestamp proves nothing. */
static void test_eifel_first_copy(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.tune = without_probes, .sack = true, .ts = true});
  script_mark(s);
  assert_int_equal(script_send(s, 988 * 10), 988 * 10);
  script_drain(s);
  uint32_t first = s->ts_echo;
  script_advance(s, 310);
  script_drain(s);
  uint32_t second = s->ts_echo;
  assert_int_not_equal(first, second);
  script_advance(s, 700);
  script_drain(s);
  assert_int_equal(script_counters(s)->tcp_rexmit_rto, 2);
  in(". 1 ack 989 ts %u %u", (uint32_t)(s->now / YEON_MS),
     second); /* of the first copy that was sent again: it was needed */
  assert_true(script_info(s).snd_una == s->iss + 989);
  assert_int_equal(script_counters(s)->tcp_undone, 0);
  script_free(s);
}

/* RFC 4015 3.1: after the second time-out still what was before the first comes back. */
static void test_undo_after_two(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.tune = without_probes, .sack = true, .ts = true});
  script_mark(s);
  assert_int_equal(script_send(s, 988 * 10), 988 * 10);
  script_drain(s);
  uint32_t first = s->ts_echo, cwnd = script_info(s).cwnd;
  script_advance(s, 1200);
  script_drain(s);
  assert_true(script_counters(s)->tcp_rexmit_rto >= 2);
  in(". 1 ack 989 ts %u %u", (uint32_t)(s->now / YEON_MS), first);
  assert_int_equal(script_counters(s)->tcp_undone, 1);
  assert_true(script_info(s).cwnd >= cwnd);
  assert_int_equal(script_info(s).ssthresh, CC_SSTHRESH_NONE);
  assert_int_equal(script_info(s).rexmits, 0);
  assert_int_equal(s->tcp->busy->sent.lost, 0);
  script_free(s);
}

/* RFC 5682 2.1: another time-out begins the detection anew; one within fast recovery does not. */
static void test_frto_begins(void **state)
{
  struct script *s = connected(state, without_probes, true);
  send_segments(s, 20, 1, 10);
  script_advance(s, 310);
  script_drain(s);
  assert_int_equal(s->tcp->busy->frto, TCP_FRTO_FIRST);
  in(". 1 ack %d", SEQ(2));
  assert_int_equal(s->tcp->busy->frto, TCP_FRTO_SECOND);
  script_advance(s, 1500);
  assert_int_equal(s->tcp->busy->frto, TCP_FRTO_FIRST);
  script_free(s);
  s = connected(state, without_probes, true);
  send_segments(s, 10, 1, 10);
  script_advance(s, 100);
  in(". 1 ack 1 sack %d-%d", SEQ(2), SEQ(5));
  assert_true(script_info(s).in_recovery);
  script_advance(s, 310);
  assert_int_equal(script_counters(s)->tcp_rexmit_rto, 1);
  assert_int_equal(s->tcp->busy->frto, TCP_FRTO_OFF);
  script_free(s);
}

/* RFC 7765 section 4: with few segments the time-out counts from when the oldest left; with more from the acknowledgment. */
static void test_rto_restart(void **state)
{
  struct script *s = connected(state, with_restart, true);
  send_segments(s, 3, 1, 3);
  script_mark(s);
  script_advance(s, 90);
  in(". 1 ack %d", SEQ(2));
  out_at(300, ". %d(1000) ack 1", SEQ(2)); /* 300 ms after it left */
  script_free(s);
  s = connected(state, with_restart, true);
  send_segments(s, 10, 1, 10);
  script_mark(s);
  script_advance(s, 90);
  in(". 1 ack %d", SEQ(2));
  out_at(390, ". %d(1000) ack 1", SEQ(2));
  script_free(s);
}

/* RFC 3042 section 2: two new segments for the first two duplicates, and the window stays; with SACK not for what tells nothing new. */
static void test_limited_transmit(void **state)
{
  struct script *s = connected(state, without_probes, false);
  send_segments(s, 20, 1, 10);
  uint32_t cwnd = script_info(s).cwnd;
  in(". 1 ack 1");
  out(". %d(1000) ack 1", SEQ(11));
  in(". 1 ack 1");
  out(". %d(1000) ack 1", SEQ(12));
  assert_int_equal(script_info(s).cwnd, cwnd);
  script_free(s);
  s = connected(state, without_probes, true);
  send_segments(s, 20, 1, 10);
  for (int i = 0; i < 3; i++) in(". 1 ack 1");
  nothing();
  script_free(s);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      BOTH(test_window_of_reordering),
      BOTH(test_window_grows),
      BOTH(test_duplicate_is_no_reordering),
      BOTH(test_window_falls_back),
      BOTH(test_one_probe),
      BOTH(test_probe_wants_a_sample),
      BOTH(test_probe_without_rtt),
      BOTH(test_no_probe),
      BOTH(test_mended_loss_over_a_rest),
      BOTH(test_eifel_first_copy),
      BOTH(test_undo_after_two),
      BOTH(test_frto_begins),
      BOTH(test_rto_restart),
      BOTH(test_limited_transmit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
