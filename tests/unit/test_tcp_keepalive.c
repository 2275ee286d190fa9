/* Keepalive (RFC 9293 3.8.4) and the user timeout (RFC 9293 3.8.3, RFC 5482). */
#include "tcp_script.h"

#define HOURS_2 (7200 * 1000)

static void test_off_by_default(void **state) /* MUST-25 */
{
  struct script *s = script_connected(state, NULL);
  int64_t ms;
  assert_int_equal(yeon_tcp_get(s->tcp, YEON_TCP_KEEPIDLE_MS, &ms), 0);
  assert_int_equal(ms, HOURS_2); /* MUST-28 */
  script_advance(s, 10LL * HOURS_2);
  nothing();
  state_is("ESTABLISHED");
  script_free(s);
}

static struct script *kept(void **state)
{
  struct script *s = script_connected(state, NULL);
  script_set(s, YEON_TCP_KEEPIDLE_MS, 10000);
  script_set(s, YEON_TCP_KEEPINTVL_MS, 3000);
  script_set(s, YEON_TCP_KEEPCNT, 4);
  script_set(s, YEON_TCP_KEEPALIVE, 1);
  script_mark(s);
  return s;
}

static void test_probes(void **state)
{
  struct script *s = kept(state);
  for (int n = 0; n < 4; n++) out_at(10000 + 3000 * n, ". 0(0) ack 1");
  out_at(22000, "R. 1(0) ack 1");
  state_is("CLOSED");
  assert_int_equal(script_events(s, s->tcp) & YEON_ERROR, YEON_ERROR);
  assert_int_equal(script_recv(s, 1), YEON_ERR_TIMED_OUT);
  script_free(s);
}

static void test_answered(void **state)
{
  struct script *s = kept(state);
  for (int n = 0; n < 50; n++) {
    out_at(10000, ". 0(0) ack 1");
    script_advance(s, 50);
    script_mark(s);
    in(". 1 ack 1");
    nothing();
  }
  state_is("ESTABLISHED");
  script_free(s);
}

/* Only an answer that is lost does no harm (MUST-29: one probe proves nothing). */
static void test_one_lost(void **state)
{
  struct script *s = kept(state);
  out_at(10000, ". 0(0) ack 1");
  out_at(13000, ". 0(0) ack 1");
  in(". 1 ack 1");
  script_mark(s);
  out_at(10000, ". 0(0) ack 1");
  script_free(s);
}

/* Any traffic begins the idle time anew; bytes in flight are the retransmission timer's. */
static void test_traffic(void **state)
{
  struct script *s = kept(state);
  script_advance(s, 9000);
  in(".P 1(10) ack 1");
  script_advance(s, 300);
  out(". 1(0) ack 11");
  script_advance(s, 9500);
  nothing();
  out_at(19000, ". 0(0) ack 11");
  in(". 11 ack 1");
  script_mark(s);
  assert_int_equal(script_send(s, 10), 10);
  out(". 1(10) ack 11");
  for (int n = 1; n <= 4; n++) out_at(1000 * ((1 << n) - 1), ". 1(10) ack 11");
  script_free(s);
}

/* The peer's own probes: an old number, with or without a byte, is answered (MUST-26 on the other side). */
static void test_their_probe(void **state)
{
  struct script *s = script_connected(state, NULL);
  in(". 0 ack 1");
  out(". 1(0) ack 1");
  script_advance(s, 75000);
  in(". 0(1) ack 1");
  out(". 1(0) ack 1");
  nothing();
  script_free(s);
}

/* A reset answers our probe when the peer has forgotten. */
static void test_reset_answer(void **state)
{
  struct script *s = kept(state);
  out_at(10000, ". 0(0) ack 1");
  in("R 1");
  state_is("CLOSED");
  assert_int_equal(script_recv(s, 1), YEON_ERR_RESET);
  script_free(s);
}

static void test_user_timeout(void **state)
{
  struct script *s = script_connected(state, NULL);
  script_set(s, YEON_TCP_USER_TIMEOUT_MS, 5000);
  script_advance(s, 60000); /* nothing waits: no timeout */
  state_is("ESTABLISHED");
  script_mark(s);
  assert_int_equal(script_send(s, 10), 10);
  out_at(0, ". 1(10) ack 1");
  out_at(1000, ". 1(10) ack 1");
  out_at(3000, ". 1(10) ack 1");
  out_at(5000, "R. 11(0) ack 1");
  state_is("CLOSED");
  assert_int_equal(script_recv(s, 1), YEON_ERR_TIMED_OUT);
  script_free(s);
}

/* Progress begins it anew; with everything acknowledged it stops. */
static void test_user_timeout_progress(void **state)
{
  struct script *s = script_connected(state, NULL);
  script_set(s, YEON_TCP_USER_TIMEOUT_MS, 5000);
  assert_int_equal(script_send(s, 3000), 3000);
  for (int i = 1; i <= 3; i++) {
    script_advance(s, 4500);
    in(". 1 ack %d", 1 + 1000 * i);
  }
  script_drain(s);
  script_advance(s, 60000);
  nothing();
  state_is("ESTABLISHED");
  script_free(s);
}

static void test_user_timeout_connecting(void **state)
{
  struct script *s = script_new(state, NULL);
  assert_int_equal(yeon_tcp_open(s->host, &s->tcp), 0);
  assert_int_equal(yeon_tcp_set(s->tcp, YEON_TCP_USER_TIMEOUT_MS, 2500, s->now), 0);
  assert_int_equal(script_connect(s), 0);
  script_advance(s, 2490);
  state_is("SYN-SENT");
  script_advance(s, 20);
  state_is("CLOSED");
  assert_int_equal(yeon_tcp_take_error(s->tcp), YEON_ERR_TIMED_OUT);
  script_free(s);
}

static void speak(struct yeon_tcp_options *o) { o->user_timeout_option = true; }

static const struct script_setup speaking = {.tune = speak};

static const struct wire_tcp *last(const struct script *s) { return &s->out[s->n_out - 1].h; }

/* RFC 5482: our own, in seconds, on the next segment; in minutes where seconds do not reach. */
static void test_option_told(void **state)
{
  struct script *s = script_connected(state, &speaking);
  script_set(s, YEON_TCP_USER_TIMEOUT_MS, 300 * 1000);
  assert_int_equal(script_send(s, 10), 10);
  assert_true(last(s)->has_uto);
  assert_int_equal(last(s)->user_timeout, 300);
  in(". 1 ack 11");
  assert_int_equal(script_send(s, 10), 10);
  assert_false(last(s)->has_uto);
  in(". 1 ack 21");
  script_set(s, YEON_TCP_USER_TIMEOUT_MS, 40000 * 1000);
  assert_int_equal(script_send(s, 10), 10);
  assert_int_equal(last(s)->user_timeout, 0x8000 | 667);
  script_drain(s);
  script_free(s);
}

static void test_option_on_syn(void **state)
{
  struct script *s = script_new(state, &speaking);
  assert_int_equal(yeon_tcp_open(s->host, &s->tcp), 0);
  script_set(s, YEON_TCP_USER_TIMEOUT_MS, 90 * 1000);
  assert_int_equal(script_connect(s), 0);
  assert_true(last(s)->has_uto);
  assert_int_equal(last(s)->user_timeout, 90);
  script_drain(s);
  script_free(s);
}

/* The peer's wish counts within our limits, and only while the application has none of its own. */
static void test_option_heard(void **state)
{
  static const struct {
    unsigned raw;
    int64_t ms;
  } rows[] = {{1, 100000}, {200, 200000}, {0x8000 | 10, 600000}, {0x8000 | 0x7fff, 86400000}};
  for (unsigned i = 0; i < 4; i++) {
    struct script *s = script_connected(state, &speaking);
    int64_t ms;
    in(". 1 ack 1 uto %u", rows[i].raw);
    assert_int_equal(yeon_tcp_get(s->tcp, YEON_TCP_USER_TIMEOUT_MS, &ms), 0);
    assert_int_equal(ms, rows[i].ms);
    script_set(s, YEON_TCP_USER_TIMEOUT_MS, 5000);
    in(". 1 ack 1 uto 700");
    assert_int_equal(yeon_tcp_get(s->tcp, YEON_TCP_USER_TIMEOUT_MS, &ms), 0);
    assert_int_equal(ms, 5000);
    script_free(s);
  }
}

static void test_option_off(void **state)
{
  struct script *s = script_connected(state, NULL);
  int64_t ms;
  in(". 1 ack 1 uto 200");
  assert_int_equal(yeon_tcp_get(s->tcp, YEON_TCP_USER_TIMEOUT_MS, &ms), 0);
  assert_int_equal(ms, 0);
  script_set(s, YEON_TCP_USER_TIMEOUT_MS, 300 * 1000);
  assert_int_equal(script_send(s, 10), 10);
  assert_false(last(s)->has_uto);
  script_drain(s);
  script_free(s);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      BOTH(test_off_by_default),
      BOTH(test_probes),
      BOTH(test_answered),
      BOTH(test_one_lost),
      BOTH(test_traffic),
      BOTH(test_their_probe),
      BOTH(test_reset_answer),
      BOTH(test_user_timeout),
      BOTH(test_user_timeout_progress),
      BOTH(test_user_timeout_connecting),
      BOTH(test_option_told),
      BOTH(test_option_on_syn),
      BOTH(test_option_heard),
      BOTH(test_option_off),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
