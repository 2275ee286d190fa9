/* The calls, blocking and not, on streams and datagrams; every call on what is no socket. */
#include "test_socket_util.h"

static void check_echo(struct room *r, const char *where, enum yeon_domain domain)
{
  struct yeon_addr addr = at(where), peer, name;
  char buf[64];
  int l = listener(r, where, domain);
  int c = yeon_socket(r->loop, r->b, domain, YEON_STREAM);
  assert_int_equal(yeon_getpeername(r->loop, c, &peer), YEON_ERR_NOT_CONNECTED);
  assert_int_equal(yeon_connect(r->loop, c, &addr), 0);
  int s = yeon_accept(r->loop, l, &peer);
  assert_true(s >= 0);
  assert_int_equal(yeon_getsockname(r->loop, c, &name), 0);
  assert_memory_equal(&name, &peer, sizeof name);
  assert_int_equal(yeon_getpeername(r->loop, c, &peer), 0);
  assert_memory_equal(&peer, &addr, sizeof peer);
  assert_int_equal(yeon_send(r->loop, c, "hello", 5, 0), 5);
  assert_int_equal(yeon_recv(r->loop, s, buf, sizeof buf, YEON_RECV_PEEK), 5);
  assert_int_equal(yeon_recv(r->loop, s, buf, sizeof buf, 0), 5);
  assert_memory_equal(buf, "hello", 5);
  assert_int_equal(yeon_send(r->loop, s, "wor", 3, 0), 3);
  assert_int_equal(yeon_send(r->loop, s, "ld", 2, 0), 2);
  assert_int_equal(yeon_recv(r->loop, c, buf, 5, YEON_WAITALL), 5);
  assert_memory_equal(buf, "world", 5);
  assert_int_equal(yeon_shutdown(r->loop, c, YEON_SHUT_WR), 0);
  assert_int_equal(yeon_recv(r->loop, s, buf, sizeof buf, 0), 0);
  assert_int_equal(yeon_send(r->loop, c, "x", 1, 0), YEON_ERR_PIPE);
  assert_int_equal(yeon_close(r->loop, s), 0);
  assert_int_equal(yeon_recv(r->loop, c, buf, sizeof buf, 0), 0);
  assert_int_equal(yeon_close(r->loop, c), 0);
  assert_int_equal(yeon_close(r->loop, l), 0);
  assert_int_equal(yeon_loop_drain(r->loop, 1000), 0);
}

static void test_stream(void **state)
{
  (void)state;
  struct room r;
  room_open(&r, false, 0);
  check_echo(&r, "10.0.0.1:80", YEON_IPV4);
  check_echo(&r, "[fd00::1]:80", YEON_IPV6);
  room_close(&r);
}

static void test_no_socket(void **state)
{
  (void)state;
  struct room r;
  struct yeon_addr a = at("10.0.0.1:1");
  struct yeon_socket_info info;
  int64_t v;
  char b[1];
  room_open(&r, false, 0);
  const int bad[] = {-1, 0, 5, 1000000};
  for (unsigned i = 0; i < 4; i++) {
    assert_int_equal(yeon_bind(r.loop, bad[i], &a), YEON_ERR_CLOSED);
    assert_int_equal(yeon_connect(r.loop, bad[i], &a), YEON_ERR_CLOSED);
    assert_int_equal(yeon_listen(r.loop, bad[i], 1), YEON_ERR_CLOSED);
    assert_int_equal(yeon_accept(r.loop, bad[i], NULL), YEON_ERR_CLOSED);
    assert_int_equal(yeon_send(r.loop, bad[i], "x", 1, 0), YEON_ERR_CLOSED);
    assert_int_equal(yeon_recv(r.loop, bad[i], b, 1, 0), YEON_ERR_CLOSED);
    assert_int_equal(yeon_shutdown(r.loop, bad[i], YEON_SHUT_WR), YEON_ERR_CLOSED);
    assert_int_equal(yeon_close(r.loop, bad[i]), YEON_ERR_CLOSED);
    assert_int_equal(yeon_abort(r.loop, bad[i]), YEON_ERR_CLOSED);
    assert_int_equal(yeon_getsockname(r.loop, bad[i], &a), YEON_ERR_CLOSED);
    assert_int_equal(yeon_getpeername(r.loop, bad[i], &a), YEON_ERR_CLOSED);
    assert_int_equal(yeon_setsockopt(r.loop, bad[i], YEON_SO_NONBLOCK, 1), YEON_ERR_CLOSED);
    assert_int_equal(yeon_getsockopt(r.loop, bad[i], YEON_SO_NONBLOCK, &v), YEON_ERR_CLOSED);
    assert_int_equal(yeon_watch(r.loop, bad[i], YEON_READABLE, NULL), YEON_ERR_CLOSED);
    assert_int_equal(yeon_socket_info(r.loop, bad[i], &info), YEON_ERR_CLOSED);
    assert_int_equal(yeon_socket_set_owner(r.loop, bad[i], "x"), YEON_ERR_CLOSED);
    assert_null(yeon_socket_tcp(r.loop, bad[i]));
    assert_null(yeon_socket_udp(r.loop, bad[i]));
  }
  room_close(&r);
}

static void test_wrong_arguments(void **state)
{
  (void)state;
  struct room r;
  struct yeon_addr four = at("10.0.0.1:80"), six = at("[fd00::1]:80"), foreign = at("10.0.0.77:80");
  char b[4];
  room_open(&r, false, 0);
  assert_int_equal(yeon_socket(r.loop, r.a, (enum yeon_domain)5, YEON_STREAM), YEON_ERR_INVALID);
  assert_int_equal(yeon_socket(r.loop, r.a, YEON_IPV4, (enum yeon_type)3), YEON_ERR_INVALID);
  int s = yeon_socket(r.loop, r.a, YEON_IPV4, YEON_STREAM), u = yeon_socket(r.loop, r.a, YEON_IPV4, YEON_DGRAM);
  assert_int_equal(yeon_bind(r.loop, s, NULL), YEON_ERR_INVALID);
  assert_int_equal(yeon_bind(r.loop, s, &six), YEON_ERR_ADDRESS);
  assert_int_equal(yeon_bind(r.loop, s, &foreign), YEON_ERR_ADDRESS);
  assert_int_equal(yeon_connect(r.loop, s, &six), YEON_ERR_ADDRESS);
  assert_int_equal(yeon_connect(r.loop, s, NULL), YEON_ERR_INVALID);
  assert_int_equal(yeon_sendto(r.loop, s, "x", 1, 0, &four), YEON_ERR_INVALID);
  assert_int_equal(yeon_send(r.loop, s, NULL, 1, 0), YEON_ERR_INVALID);
  assert_int_equal(yeon_recv(r.loop, s, NULL, 1, 0), YEON_ERR_INVALID);
  assert_true(yeon_send(r.loop, s, "x", 1, YEON_DONTWAIT) < 0);
  assert_true(yeon_recv(r.loop, s, b, 1, YEON_DONTWAIT) < 0);
  assert_int_equal(yeon_accept(r.loop, u, NULL), YEON_ERR_UNSUPPORTED);
  assert_int_equal(yeon_listen(r.loop, u, 5), YEON_ERR_UNSUPPORTED);
  assert_int_equal(yeon_shutdown(r.loop, u, YEON_SHUT_WR), YEON_ERR_UNSUPPORTED);
  assert_int_equal(yeon_sendto(r.loop, u, "x", 1, 0, &six), YEON_ERR_ADDRESS);
  assert_int_equal(yeon_recv(r.loop, u, b, 1, YEON_RECV_PEEK), YEON_ERR_UNSUPPORTED);
  assert_int_equal(yeon_getsockname(r.loop, s, NULL), YEON_ERR_INVALID);
  assert_int_equal(yeon_bind(r.loop, s, &four), 0);
  assert_int_equal(yeon_listen(r.loop, s, 0), YEON_ERR_INVALID);
  int t = yeon_socket(r.loop, NULL, YEON_IPV4, YEON_STREAM);
  assert_ptr_equal(yeon_tcp_host(yeon_socket_tcp(r.loop, t)), r.a);
  assert_int_equal(yeon_bind(r.loop, t, &four), YEON_ERR_IN_USE);
  room_close(&r);
}

static void test_connect_fails(void **state)
{
  (void)state;
  struct room r;
  struct yeon_addr closed = at("10.0.0.1:81"), away = at("99.0.0.1:81");
  room_open(&r, false, 0);
  int s = yeon_socket(r.loop, r.b, YEON_IPV4, YEON_STREAM);
  assert_int_equal(yeon_connect(r.loop, s, &closed), YEON_ERR_REFUSED);
  yeon_close(r.loop, s);
  s = yeon_socket(r.loop, r.b, YEON_IPV4, YEON_STREAM);
  assert_int_equal(yeon_connect(r.loop, s, &away), YEON_ERR_NO_ROUTE);
  yeon_close(r.loop, s);
  yeon_cable_cut(r.cable, YEON_CABLE_BOTH, r.now);
  s = yeon_socket(r.loop, r.b, YEON_IPV4, YEON_STREAM);
  yeon_setsockopt(r.loop, s, YEON_SO_SNDTIMEO_MS, 1500);
  yeon_time begin = r.now;
  assert_int_equal(yeon_connect(r.loop, s, &closed), YEON_ERR_TIMED_OUT);
  assert_int_equal(r.now - begin, 1500 * YEON_MS);
  yeon_close(r.loop, s);
  s = yeon_socket(r.loop, r.b, YEON_IPV4, YEON_STREAM); /* and without a limit of the caller's: until TCP gives up */
  assert_int_equal(yeon_connect(r.loop, s, &closed), YEON_ERR_TIMED_OUT);
  assert_true(r.now - begin > 60 * YEON_SEC);
  room_close(&r);
}

static void test_non_blocking(void **state)
{
  (void)state;
  struct room r;
  struct yeon_addr addr = at("10.0.0.1:80");
  int64_t v = 0;
  char b[8];
  room_open(&r, false, 0);
  int l = listener(&r, "10.0.0.1:80", YEON_IPV4);
  int c = yeon_socket(r.loop, r.b, YEON_IPV4, YEON_STREAM);
  yeon_setsockopt(r.loop, l, YEON_SO_NONBLOCK, 1);
  yeon_setsockopt(r.loop, c, YEON_SO_NONBLOCK, 1);
  assert_int_equal(yeon_accept(r.loop, l, NULL), YEON_ERR_AGAIN);
  assert_int_equal(yeon_connect(r.loop, c, &addr), YEON_ERR_IN_PROGRESS);
  struct yeon_poll p[3] = {{.s = c, .events = YEON_WRITABLE},
                           {.s = l, .events = YEON_ACCEPTED},
                           {.s = -1, .events = YEON_READABLE}};
  while (!p[1].revents) assert_true(yeon_poll(r.loop, p, 3, 1000) > 0);
  assert_int_equal(p[0].revents & YEON_WRITABLE, YEON_WRITABLE);
  assert_int_equal(p[2].revents, 0);
  assert_int_equal(yeon_getsockopt(r.loop, c, YEON_SO_ERROR, &v), 0);
  assert_int_equal(v, 0);
  assert_int_equal(yeon_recv(r.loop, c, b, sizeof b, 0), YEON_ERR_AGAIN);
  int s = yeon_accept(r.loop, l, NULL);
  assert_true(s >= 0);
  assert_int_equal(yeon_recv(r.loop, s, b, sizeof b, YEON_DONTWAIT), YEON_ERR_AGAIN);
  assert_int_equal(yeon_send(r.loop, c, "abc", 3, 0), 3);
  assert_int_equal(yeon_recv(r.loop, s, b, 3, YEON_WAITALL), 3); /* accepted ones block */
  yeon_cable_cut(r.cable, YEON_CABLE_BOTH, r.now);
  static char big[1 << 20];
  int64_t total = 0, n;
  while ((n = yeon_send(r.loop, c, big, sizeof big, 0)) > 0) total += n;
  assert_int_equal(n, YEON_ERR_AGAIN);
  assert_true(total > 0);
  room_close(&r);
}

static void test_time_outs(void **state)
{
  (void)state;
  struct room r;
  int c, s;
  char b[8];
  static char big[8 << 20];
  room_open(&r, false, 0);
  connection(&r, &c, &s);
  yeon_setsockopt(r.loop, s, YEON_SO_RCVTIMEO_MS, 250);
  yeon_time begin = r.now;
  assert_int_equal(yeon_recv(r.loop, s, b, sizeof b, 0), YEON_ERR_AGAIN);
  assert_int_equal(r.now - begin, 250 * YEON_MS);
  assert_int_equal(yeon_send(r.loop, c, "abc", 3, 0), 3);
  assert_int_equal(yeon_recv(r.loop, s, b, 8, YEON_WAITALL), 3); /* what there was when the time was over */
  yeon_setsockopt(r.loop, c, YEON_SO_SNDTIMEO_MS, 3000);
  int64_t sent = yeon_send(r.loop, c, big, sizeof big, 0);
  assert_true(sent > 0 && sent < (int64_t)sizeof big); /* nobody reads */
  assert_int_equal(yeon_send(r.loop, c, big, sizeof big, 0), YEON_ERR_AGAIN);
  struct yeon_poll p = {.s = c, .events = YEON_READABLE};
  begin = r.now;
  assert_int_equal(yeon_poll(r.loop, &p, 1, 70), 0);
  assert_int_equal(r.now - begin, 70 * YEON_MS);
  room_close(&r);
}

static void test_errors_reach_the_program(void **state)
{
  (void)state;
  struct room r;
  int c, s;
  char b[8];
  room_open(&r, false, 0);
  connection(&r, &c, &s);
  assert_int_equal(yeon_abort(r.loop, s), 0);
  assert_int_equal(yeon_recv(r.loop, c, b, sizeof b, 0), YEON_ERR_RESET);
  assert_int_equal(yeon_recv(r.loop, c, b, sizeof b, 0), 0);
  yeon_close(r.loop, c);
  connection(&r, &c, &s);
  yeon_cable_cut(r.cable, YEON_CABLE_BOTH, r.now);
  assert_int_equal(yeon_send(r.loop, c, "x", 1, 0), 1);
  assert_int_equal(yeon_recv(r.loop, c, b, sizeof b, 0), YEON_ERR_TIMED_OUT);
  room_close(&r);
}

static void test_linger(void **state)
{
  (void)state;
  struct room r;
  int c, s;
  room_open(&r, false, 0);
  connection(&r, &c, &s);
  yeon_setsockopt(r.loop, c, YEON_SO_TCP(YEON_TCP_LINGER_MS), 10000);
  yeon_cable_cut(r.cable, YEON_CABLE_BOTH, r.now);
  yeon_send(r.loop, c, "x", 1, 0);
  yeon_time begin = r.now;
  assert_int_equal(yeon_close(r.loop, c), 0);
  assert_int_equal(r.now - begin, 10 * YEON_SEC); /* in vain */
  yeon_cable_join(r.cable, YEON_CABLE_BOTH, r.now);
  yeon_close(r.loop, s);
  assert_int_equal(yeon_loop_drain(r.loop, 120000), 0);
  connection(&r, &c, &s);
  yeon_setsockopt(r.loop, c, YEON_SO_TCP(YEON_TCP_LINGER_MS), 10000);
  yeon_send(r.loop, c, "x", 1, 0);
  begin = r.now;
  yeon_close(r.loop, c);
  assert_true(r.now - begin < YEON_SEC);
  char b[2];
  assert_int_equal(yeon_recv(r.loop, s, b, 2, YEON_WAITALL), 1);
  yeon_setsockopt(r.loop, s, YEON_SO_TCP(YEON_TCP_LINGER_MS), 0); /* resets */
  yeon_close(r.loop, s);
  assert_int_equal(yeon_loop_drain(r.loop, 1000), 0);
  room_close(&r);
}

static void test_datagrams(void **state)
{
  (void)state;
  struct room r;
  char b[2000];
  struct yeon_addr here = at("10.0.0.1:53"), from, nowhere = at("10.0.0.1:54"), name;
  room_open(&r, false, 0);
  int s = yeon_socket(r.loop, r.a, YEON_IPV4, YEON_DGRAM), c = yeon_socket(r.loop, r.b, YEON_IPV6, YEON_DGRAM);
  assert_int_equal(yeon_bind(r.loop, s, &here), 0);
  memset(b, 'x', sizeof b);
  assert_int_equal(yeon_sendto(r.loop, c, b, 1000, 0, &here), 1000);
  assert_int_equal(yeon_recvfrom(r.loop, s, b, 10, 0, &from), 10); /* the rest is lost */
  assert_int_equal(yeon_getsockname(r.loop, c, &name), 0);
  assert_int_equal(from.port, name.port);
  assert_int_equal(yeon_sendto(r.loop, s, NULL, 0, 0, &from), 0);
  assert_int_equal(yeon_recv(r.loop, c, b, sizeof b, 0), 0);
  yeon_setsockopt(r.loop, s, YEON_SO_RCVTIMEO_MS, 50);
  assert_int_equal(yeon_recv(r.loop, s, b, sizeof b, 0), YEON_ERR_AGAIN);
  assert_int_equal(yeon_send(r.loop, c, b, 1, 0), YEON_ERR_NOT_CONNECTED);
  assert_int_equal(yeon_connect(r.loop, c, &nowhere), 0);
  assert_int_equal(yeon_send(r.loop, c, b, 1, 0), 1);
  assert_int_equal(yeon_recv(r.loop, c, b, sizeof b, 0), YEON_ERR_REFUSED);
  assert_int_equal(yeon_sendto(r.loop, c, b, 70000, 0, NULL), YEON_ERR_MESSAGE_SIZE);
  assert_int_equal(yeon_connect(r.loop, c, NULL), 0);
  assert_int_equal(yeon_abort(r.loop, c), 0);
  assert_int_equal(yeon_close(r.loop, s), 0);
  room_close(&r);
}

static void test_options(void **state)
{
  (void)state;
  struct room r;
  int64_t v;
  room_open(&r, false, 0);
  int s = yeon_socket(r.loop, r.a, YEON_IPV6, YEON_STREAM), u = yeon_socket(r.loop, r.a, YEON_IPV4, YEON_DGRAM);
  static const struct {
    int option;
    int64_t value;
    int result;
  } sets[] = {{YEON_SO_NONBLOCK, 2, YEON_ERR_INVALID},
              {YEON_SO_RCVTIMEO_MS, -1, YEON_ERR_INVALID},
              {YEON_SO_SNDTIMEO_MS, (int64_t)1 << 40, YEON_ERR_INVALID},
              {YEON_SO_ERROR, 1, YEON_ERR_INVALID},
              {YEON_SO_READY, 1, YEON_ERR_INVALID},
              {YEON_SO_OPTIONS, 1, YEON_ERR_UNSUPPORTED},
              {-1, 1, YEON_ERR_UNSUPPORTED},
              {YEON_SO_TCP(YEON_TCP_OPTIONS), 1, YEON_ERR_UNSUPPORTED},
              {YEON_SO_UDP(YEON_UDP_RCVBUF), 4096, YEON_ERR_UNSUPPORTED},
              {YEON_SO_TCP(YEON_TCP_NODELAY), 1, 0},
              {YEON_SO_TCP(YEON_TCP_RCVBUF), 1, YEON_ERR_INVALID},
              {YEON_SO_SNDTIMEO_MS, 7, 0}};
  for (unsigned i = 0; i < sizeof sets / sizeof *sets; i++)
    assert_int_equal(yeon_setsockopt(r.loop, s, sets[i].option, sets[i].value), sets[i].result);
  assert_int_equal(yeon_setsockopt(r.loop, u, YEON_SO_UDP(YEON_UDP_RCVBUF), 4096), 0);
  assert_int_equal(yeon_setsockopt(r.loop, u, YEON_SO_TCP(YEON_TCP_NODELAY), 1), YEON_ERR_UNSUPPORTED);
  static const struct {
    int option;
    int64_t value;
  } gets[] = {{YEON_SO_NONBLOCK, 0},       {YEON_SO_SNDTIMEO_MS, 7},          {YEON_SO_RCVTIMEO_MS, 0},
              {YEON_SO_TYPE, YEON_STREAM}, {YEON_SO_DOMAIN, YEON_IPV6},       {YEON_SO_LISTENING, 0},
              {YEON_SO_ERROR, 0},          {YEON_SO_TCP(YEON_TCP_NODELAY), 1}};
  for (unsigned i = 0; i < sizeof gets / sizeof *gets; i++) {
    assert_int_equal(yeon_getsockopt(r.loop, s, gets[i].option, &v), 0);
    assert_int_equal(v, gets[i].value);
  }
  assert_int_equal(yeon_getsockopt(r.loop, s, YEON_SO_OPTIONS, &v), YEON_ERR_UNSUPPORTED);
  assert_int_equal(yeon_getsockopt(r.loop, s, YEON_SO_NONBLOCK, NULL), YEON_ERR_INVALID);
  assert_int_equal(yeon_getsockopt(r.loop, u, YEON_SO_UDP(YEON_UDP_RCVBUF), &v), 0);
  assert_int_equal(v, 4096);
  assert_int_equal(yeon_listen(r.loop, s, 1), 0);
  assert_int_equal(yeon_getsockopt(r.loop, s, YEON_SO_LISTENING, &v), 0);
  assert_int_equal(v, 1);
  room_close(&r);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_stream),
      cmocka_unit_test(test_no_socket),
      cmocka_unit_test(test_wrong_arguments),
      cmocka_unit_test(test_connect_fails),
      cmocka_unit_test(test_non_blocking),
      cmocka_unit_test(test_time_outs),
      cmocka_unit_test(test_errors_reach_the_program),
      cmocka_unit_test(test_linger),
      cmocka_unit_test(test_datagrams),
      cmocka_unit_test(test_options),
  };
  return cmocka_run_group_tests_name("socket_calls", tests, NULL, NULL);
}
