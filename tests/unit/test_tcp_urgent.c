/* Urgent data: RFC 9293 3.8.5, 3.10.7.4 sixth. The pointer names the byte after the urgent one. */
#include "tcp_script.h"

static void at_once(struct yeon_tcp_options *o) { o->delack_us = 0; }

static const struct script_setup setup = {.tune = at_once};

static int64_t take(struct script *s, void *buf, unsigned flags)
{
  return yeon_tcp_recv(s->tcp, buf, 1, flags, s->now);
}

/* Taken aside: the stream reads up to the mark, then on behind it. */
static void test_aside(void **state)
{
  struct script *s = script_connected(state, &setup);
  uint8_t buf[100];
  assert_int_equal(take(s, buf, YEON_RECV_URGENT), YEON_ERR_INVALID);
  in(".UP 1(20) ack 1 urg 11"); /* byte 11 is urgent */
  out(". 1(0) ack 21");
  assert_int_equal(script_events(s, s->tcp) & (YEON_URGENT | YEON_READABLE), YEON_URGENT | YEON_READABLE);
  assert_int_equal(take(s, buf, YEON_RECV_URGENT | YEON_RECV_PEEK), 1);
  assert_int_equal(take(s, buf, YEON_RECV_URGENT), 1);
  assert_int_equal(buf[0], script_byte(10));
  assert_int_equal(take(s, buf, YEON_RECV_URGENT), YEON_ERR_INVALID);
  assert_int_equal(script_recv(s, 100), 10);
  s->read++;
  assert_int_equal(script_recv(s, 100), 9);
  assert_int_equal(yeon_tcp_ready(s->tcp) & YEON_URGENT, 0);
  script_free(s);
}

/* The mark is passed without the byte having been asked for: then it is over; not by looking. */
static void test_passed(void **state)
{
  struct script *s = script_connected(state, &setup);
  uint8_t buf[1];
  in(".UP 1(20) ack 1 urg 1");
  s->read = 1;
  assert_int_equal(take(s, buf, YEON_RECV_PEEK), 1);
  assert_int_equal(take(s, buf, YEON_RECV_URGENT | YEON_RECV_PEEK), 1);
  assert_int_equal(buf[0], script_byte(0));
  assert_int_equal(script_recv(s, 100), 19);
  assert_int_equal(take(s, buf, YEON_RECV_URGENT), YEON_ERR_INVALID);
  script_free(s);
}

static void test_inline(void **state)
{
  struct script *s = script_connected(state, &setup);
  uint8_t buf[1];
  script_set(s, YEON_TCP_OOBINLINE, 1);
  in(".UP 1(20) ack 1 urg 11");
  assert_int_equal(yeon_tcp_ready(s->tcp) & YEON_URGENT, YEON_URGENT);
  assert_int_equal(take(s, buf, YEON_RECV_URGENT), YEON_ERR_INVALID);
  assert_int_equal(script_recv(s, 100), 10); /* up to the mark */
  assert_int_equal(yeon_tcp_ready(s->tcp) & YEON_URGENT, YEON_URGENT);
  assert_int_equal(script_recv(s, 100), 10);
  assert_int_equal(yeon_tcp_ready(s->tcp) & YEON_URGENT, 0); /* read with the stream */
  script_free(s);
}

/* The pointer comes before the byte. */
static void test_ahead(void **state)
{
  struct script *s = script_connected(state, &setup);
  uint8_t buf[1];
  in(".UP 1(10) ack 1 urg 15");
  assert_int_equal(script_events(s, s->tcp) & YEON_URGENT, YEON_URGENT);
  assert_int_equal(take(s, buf, YEON_RECV_URGENT), YEON_ERR_AGAIN);
  in(".UP 11(10) ack 1 urg 5"); /* the same byte */
  assert_int_equal(take(s, buf, YEON_RECV_URGENT), 1);
  assert_int_equal(buf[0], script_byte(14));
  script_free(s);
}

/* The byte arrives out of order, its segment's pointer with it: it is there at once, and in its place once what is missing has come. */
static void test_out_of_order(void **state)
{
  struct script *s = script_connected(state, &setup);
  uint8_t buf[1];
  in(".UP 11(10) ack 1 urg 1");
  assert_int_equal(take(s, buf, YEON_RECV_URGENT), 1);
  assert_int_equal(buf[0], script_byte(10));
  in(".P 1(10) ack 1");
  assert_int_equal(take(s, buf, YEON_RECV_URGENT), YEON_ERR_INVALID);
  assert_int_equal(script_recv(s, 100), 10);
  s->read++;
  assert_int_equal(script_recv(s, 100), 9);
  script_free(s);
}

/* Old pointers, pointers to nothing, urgent segments after the peer's FIN: nothing happens. */
static void test_nothing(void **state)
{
  struct script *s = script_connected(state, &setup);
  uint8_t buf[1];
  in(".P 1(20) ack 1");
  assert_int_equal(script_recv(s, 100), 20);
  (void)script_events(s, s->tcp);
  in(".U 21 ack 1 urg 0");
  in(".UP 1(20) ack 1 urg 5");
  assert_int_equal(script_events(s, s->tcp) & YEON_URGENT, 0);
  in(".UP 11(20) ack 1 urg 3"); /* in part new, but its pointer is old */
  assert_int_equal(script_events(s, s->tcp) & YEON_URGENT, 0);
  assert_int_equal(script_recv(s, 100), 10);
  in(".F 31 ack 1");
  (void)script_events(s, s->tcp);
  in(".U 32 ack 1 urg 9");
  assert_int_equal(script_events(s, s->tcp) & YEON_URGENT, 0);
  assert_int_equal(take(s, buf, YEON_RECV_URGENT), YEON_ERR_INVALID);
  script_free(s);
}

/* Sending: the pointer stands on everything up to the byte; Nagle does not hold it (RFC 9293 3.8.5, MUST-31). */
static void test_send(void **state)
{
  struct script *s = script_connected(state, &setup);
  assert_int_equal(script_send(s, 10), 10);
  out(". 1(10) ack 1");
  assert_int_equal(script_send_flags(s, 5, YEON_SEND_URGENT), 5);
  out(".U 11(5) ack 1 urg 5");
  in(".P 1(1) ack 1"); /* an acknowledgment has nothing urgent ahead of it */
  out(". 16(0) ack 2");
  in(". 2 ack 16");
  assert_int_equal(script_send(s, 5), 5);
  out(". 16(5) ack 2");
  script_free(s);
}

/* Far ahead, and in a closed window: the news travels before the byte. */
static void test_send_far(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.win = 1000});
  assert_int_equal(script_send_flags(s, 3000, YEON_SEND_URGENT), 3000);
  out(".U 1(1000) ack 1 urg 3000");
  in(". 1 ack 1001 win 0");
  nothing();
  script_mark(s);
  out_at(1000, ".U 1001(1) ack 1 urg 2000");
  in(". 1 ack 1001 win 2000");
  out(".U 1001(1000) ack 1 urg 2000");
  out(".U 2001(1000) ack 1 urg 1000");
  script_free(s);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      BOTH(test_aside),        BOTH(test_passed),  BOTH(test_inline), BOTH(test_ahead),
      BOTH(test_out_of_order), BOTH(test_nothing), BOTH(test_send),   BOTH(test_send_far),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
