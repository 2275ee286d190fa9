/* ICMP errors about our segments: RFC 9293 3.9.2.2, RFC 5927, RFC 1191, RFC 8201. */
#include "tcp_script.h"

#include "wire/icmp.h"

struct trouble {
  uint8_t type4, code4, type6, code6;
  int error;
  bool hard;
};

static const struct trouble troubles[] = {
    {3, 0, 1, 0, YEON_ERR_NET_UNREACHABLE, false},
    {3, 1, 1, 3, YEON_ERR_HOST_UNREACHABLE, false},
    {3, 3, 1, 4, YEON_ERR_REFUSED, true},
    {11, 0, 3, 0, 0, false}, /* time exceeded */
};

static void send_trouble(struct script *s, const struct trouble *t, uint32_t seq)
{
  script_icmp(s, s->six ? t->type6 : t->type4, s->six ? t->code6 : t->code4, 0, seq);
}

/* While connecting a hard error ends it at once; a soft one is told when the connection fails (MUST-56). */
static void test_connecting(void **state)
{
  for (unsigned i = 0; i < sizeof troubles / sizeof *troubles; i++) {
    const struct trouble *t = &troubles[i];
    struct script *s = script_new(state, NULL);
    assert_int_equal(script_connect(s), 0);
    out("S 0 any");
    send_trouble(s, t, 0);
    nothing();
    state_is(t->hard ? "CLOSED" : "SYN-SENT");
    if (!t->hard) {
      script_advance(s, 64000);
      state_is("CLOSED");
    }
    int error = yeon_tcp_take_error(s->tcp);
    if (t->error != 0)
      assert_int_equal(error, t->error);
    else
      assert_true(error < 0);
    script_free(s);
  }
}

/* Later nothing ICMP says aborts (RFC 5927 section 6). */
static void test_established(void **state)
{
  for (unsigned i = 0; i < sizeof troubles / sizeof *troubles; i++) {
    struct script *s = script_connected(state, NULL);
    assert_int_equal(script_send(s, 10), 10);
    out(". 1(10) ack 1");
    send_trouble(s, &troubles[i], 1);
    nothing();
    state_is("ESTABLISHED");
    in(". 1 ack 11");
    assert_int_equal(yeon_tcp_take_error(s->tcp), 0); /* progress: forgotten */
    script_free(s);
  }
}

/* RFC 5927 4.1: a quoted number that is not in flight proves that the error is not about us. */
static void test_sequence_check(void **state)
{
  static const uint32_t seqs[] = {(uint32_t)-1, 1, 11, 5000, 0x80000000u};
  for (unsigned i = 0; i < sizeof seqs / sizeof *seqs; i++) {
    struct script *s = script_new(state, NULL);
    assert_int_equal(script_connect(s), 0);
    out("S 0 any");
    send_trouble(s, &troubles[2], seqs[i]);
    state_is("SYN-SENT");
    script_free(s);
  }
}

static void too_big(struct script *s, uint32_t mtu, uint32_t seq)
{
  script_icmp(s, s->six ? 2 : 3, s->six ? 0 : 4, mtu, seq);
}

static void four_segments(struct yeon_tcp_options *o) { o->initial_window_segments = 4; }

static const struct script_setup big = {.tune = four_segments, .mss = 9000};

/* The path is smaller: what did not fit is sent again at once, in smaller segments; cwnd is as it was. */
static void test_pmtu(void **state)
{
  struct script *s = script_connected(state, &big);
  uint32_t mss = s->mss, smaller = 1300 - (s->six ? 60u : 40u);
  assert_int_equal(script_send(s, 2 * mss), 2 * mss);
  out(". 1(%u) ack 1", mss);
  out(". %u(%u) ack 1", 1 + mss, mss);
  assert_true(s->out[0].dont_fragment);
  too_big(s, 1300, 1);
  out(". 1(%u) ack 1", smaller);
  out(". %u(%u) ack 1", 1 + smaller, smaller);
  out(". %u(%u) ack 1", 1 + 2 * smaller, 2 * mss - 2 * smaller);
  nothing();
  assert_int_equal(script_info(s).snd_mss, smaller);
  assert_int_equal(script_counters(s)->tcp_rexmit_rto, 0);
  script_free(s);
}

/* Larger than what is known, or about a number not in flight: ignored. */
static void test_pmtu_ignored(void **state)
{
  struct script *s = script_connected(state, &big);
  uint32_t mss = s->mss;
  assert_int_equal(script_send(s, mss), mss);
  out(". 1(%u) ack 1", mss);
  too_big(s, 1500, 1);
  too_big(s, 9000, 1);
  too_big(s, 1300, 100000);
  too_big(s, 1300, 0);
  nothing();
  assert_int_equal(script_info(s).snd_mss, mss);
  script_free(s);
}

/* A size below what any path needs shrinks segments no further than the floor; from there on IPv4 routers may cut (RFC 1191 section 3). */
static void test_pmtu_floor(void **state)
{
  struct script *s = script_connected(state, &big);
  uint32_t mss = s->mss, least = s->six ? 1280 - 60 : 552 - 40;
  assert_int_equal(script_send(s, mss), mss);
  out(". 1(%u) ack 1", mss);
  too_big(s, s->six ? 600 : 300, 1);
  if (s->six && s->next_out == s->n_out)
    too_big(s, 1280, 1); /* RFC 8201 section 4: less than 1280 may be ignored altogether */
  out(". 1(%u) ack 1", least);
  if (!s->six) assert_false(s->out[s->next_out - 1].dont_fragment);
  assert_int_equal(script_info(s).snd_mss, least);
  script_free(s);
}

static void no_pmtu(struct yeon_tcp_options *o) { o->path_mtu = false; }

static void test_pmtu_off(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.tune = no_pmtu, .mss = 9000});
  uint32_t mss = s->mss;
  assert_int_equal(script_send(s, mss), mss);
  out(". 1(%u) ack 1", mss);
  if (!s->six) assert_false(s->out[0].dont_fragment);
  too_big(s, 1300, 1);
  nothing();
  script_free(s);
}

/* Errors quoting a half-open connection or one in TIME-WAIT find nothing to harm. */
static void test_records(void **state)
{
  struct script *s = script_new(state, NULL);
  script_listen(s, 4);
  in("S 0 mss 1000");
  script_learn(s);
  out("S. 0 ack 1 any");
  send_trouble(s, &troubles[2], 0);
  in(". 1 ack 1");
  assert_int_equal(yeon_tcp_accept(s->listener, &s->tcp, s->now), 0);
  script_close(s);
  out(".F 1(0) ack 1");
  in(".F 1 ack 2");
  out(". 2(0) ack 2");
  send_trouble(s, &troubles[2], 1);
  too_big(s, 1300, 1);
  assert_int_equal(script_usage(s).time_wait, 1);
  script_free(s);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      BOTH(test_connecting),   BOTH(test_established), BOTH(test_sequence_check), BOTH(test_pmtu),
      BOTH(test_pmtu_ignored), BOTH(test_pmtu_floor),  BOTH(test_pmtu_off),       BOTH(test_records),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
