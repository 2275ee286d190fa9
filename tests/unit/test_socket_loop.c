/* The loop itself, the table of sockets, readiness of many, and the loop inside somebody else's. */
#include <poll.h>

#include "test_socket_util.h"

static void test_configuration(void **state)
{
  (void)state;
  struct yeon_loop *loop = NULL;
  struct yeon_loop_config config = {.clock = room_clock};
  assert_int_equal(yeon_loop_new(&loop, &config), YEON_ERR_INVALID);
  config = (struct yeon_loop_config){.max_sockets = 2000000};
  assert_int_equal(yeon_loop_new(&loop, &config), YEON_ERR_INVALID);
  assert_int_equal(yeon_loop_new(&loop, NULL), 0);
  assert_int_equal(yeon_socket(loop, NULL, YEON_IPV4, YEON_STREAM), YEON_ERR_INVALID); /* no host */
  assert_int_equal(yeon_loop_step(loop, 0), 0);
  assert_int_equal(yeon_loop_drain(loop, 0), 0);
  assert_int_equal(yeon_loop_add_link(loop, NULL, NULL), YEON_ERR_INVALID);
  struct yeon_host *host = NULL;
  for (unsigned i = 0; i < YEON_LOOP_HOSTS; i++) assert_int_equal(yeon_loop_add_host(loop, NULL, &host), 0);
  assert_int_equal(yeon_loop_add_host(loop, NULL, &host), YEON_ERR_LIMIT);
  assert_null(yeon_loop_link(loop, host, 0));
  yeon_loop_free(loop);
  yeon_loop_free(NULL);
}

static void test_limit_and_numbers(void **state)
{
  (void)state;
  struct room r;
  room_open(&r, false, 100);
  for (int i = 0; i < 100; i++)
    assert_int_equal(yeon_socket(r.loop, r.a, YEON_IPV4, i & 1 ? YEON_STREAM : YEON_DGRAM), i);
  assert_int_equal(yeon_socket(r.loop, r.a, YEON_IPV4, YEON_STREAM), YEON_ERR_LIMIT);
  assert_int_equal(yeon_close(r.loop, 42), 0);
  assert_int_equal(yeon_close(r.loop, 42), YEON_ERR_CLOSED);
  assert_int_equal(yeon_socket(r.loop, r.a, YEON_IPV4, YEON_STREAM), 42);
  room_close(&r);
}

static void test_no_number_for_a_connection(void **state)
{
  (void)state;
  struct room r;
  struct yeon_addr addr = at("10.0.0.1:80");
  char b[1];
  room_open(&r, false, 2);
  int l = listener(&r, "10.0.0.1:80", YEON_IPV4), c = yeon_socket(r.loop, r.b, YEON_IPV4, YEON_STREAM);
  assert_int_equal(yeon_connect(r.loop, c, &addr), 0);
  assert_int_equal(yeon_accept(r.loop, l, NULL), YEON_ERR_LIMIT);
  assert_int_equal(yeon_recv(r.loop, c, b, 1, 0), YEON_ERR_RESET); /* it is told at once */
  room_close(&r);
}

struct census {
  unsigned count, listening;
};

static bool visit(void *ctx, const struct yeon_socket_info *info)
{
  struct census *c = ctx;
  c->count++;
  c->listening += info->state == YEON_TCP_LISTEN;
  return true;
}

static bool visit_one(void *ctx, const struct yeon_socket_info *info)
{
  (void)info;
  ((struct census *)ctx)->count++;
  return false;
}

static void test_who_has_what(void **state)
{
  (void)state;
  struct room r;
  struct yeon_addr addr = at("10.0.0.1:80"), local, remote, udp = at("10.0.0.1:53");
  struct yeon_socket_info info;
  struct census census = {0, 0};
  room_open(&r, false, 0);
  int l = listener(&r, "10.0.0.1:80", YEON_IPV4), c = yeon_socket(r.loop, r.b, YEON_IPV4, YEON_STREAM);
  int u = yeon_socket(r.loop, r.a, YEON_IPV4, YEON_DGRAM);
  assert_int_equal(yeon_bind(r.loop, u, &udp), 0);
  assert_int_equal(yeon_socket_set_owner(r.loop, l, "a name longer than thirty-one characters"), 0);
  assert_int_equal(yeon_socket_set_owner(r.loop, l, NULL), YEON_ERR_INVALID);
  assert_int_equal(yeon_connect(r.loop, c, &addr), 0);
  assert_int_equal(yeon_loop_step(r.loop, 0) >= 0, 1);
  assert_int_equal(yeon_socket_info(r.loop, l, &info), 0);
  assert_int_equal(info.rcv_queued, 1); /* waiting to be accepted */
  assert_int_equal(info.snd_queued, 16);
  int s = yeon_accept(r.loop, l, NULL);
  assert_int_equal(yeon_socket_info(r.loop, s, &info), 0);
  assert_string_equal(info.owner, "a name longer than thirty-one c");
  assert_int_equal(info.state, YEON_TCP_ESTABLISHED);
  assert_ptr_equal(info.host, r.a);
  assert_int_equal(info.type, YEON_STREAM);
  assert_true(info.pid > 0 && info.id > 0);
  assert_int_equal(yeon_socket_info(r.loop, c, &info), 0);
  assert_string_equal(info.owner, "test");
  assert_int_equal(yeon_getsockname(r.loop, s, &local), 0);
  assert_int_equal(yeon_getpeername(r.loop, s, &remote), 0);
  assert_int_equal(yeon_socket_find(r.loop, YEON_STREAM, &local, &remote), s);
  assert_int_equal(yeon_socket_find(r.loop, YEON_STREAM, &remote, &local), c);
  assert_int_equal(yeon_socket_find(r.loop, YEON_STREAM, &addr, NULL), l);
  assert_int_equal(yeon_socket_find(r.loop, YEON_DGRAM, &udp, NULL), u);
  assert_int_equal(yeon_socket_find(r.loop, YEON_DGRAM, &addr, NULL), YEON_ERR_NOT_CONNECTED);
  yeon_socket_each(r.loop, visit, &census);
  assert_int_equal(census.count, 4);
  assert_int_equal(census.listening, 1);
  yeon_socket_each(r.loop, visit_one, &census);
  assert_int_equal(census.count, 5);
  room_close(&r);
}

/* Readiness by ring: level-triggered, in turn, only what was asked for. */
static void test_wait(void **state)
{
  (void)state;
  struct room r;
  struct yeon_addr addr = at("10.0.0.1:80");
  struct yeon_wait_event e[8];
  int client[10], server[10], token[10];
  char b[8];
  room_open(&r, false, 0);
  int l = listener(&r, "10.0.0.1:80", YEON_IPV4);
  assert_int_equal(yeon_wait(r.loop, e, 0, 0), YEON_ERR_INVALID);
  assert_int_equal(yeon_wait(r.loop, NULL, 1, 0), YEON_ERR_INVALID);
  for (int i = 0; i < 10; i++) {
    client[i] = yeon_socket(r.loop, r.b, YEON_IPV4, YEON_STREAM);
    assert_int_equal(yeon_connect(r.loop, client[i], &addr), 0);
    server[i] = yeon_accept(r.loop, l, NULL);
    assert_int_equal(yeon_watch(r.loop, server[i], YEON_READABLE, &token[i]), 0);
  }
  assert_int_equal(yeon_wait(r.loop, e, 8, 100), 0);
  for (int i = 0; i < 10; i++) yeon_send(r.loop, client[i], "hello", 5, 0);
  yeon_loop_step(r.loop, 100);
  unsigned seen[10] = {0};
  for (int round = 0; round < 5; round++) { /* 5 rounds of 4: each is told twice, though nobody reads */
    assert_int_equal(yeon_wait(r.loop, e, 4, 100), 4);
    for (int i = 0; i < 4; i++) seen[(int *)e[i].user - token]++;
  }
  for (int i = 0; i < 10; i++) assert_int_equal(seen[i], 2);
  for (int i = 0; i < 9; i++) assert_int_equal(yeon_recv(r.loop, server[i], b, 8, 0), 5);
  assert_int_equal(yeon_wait(r.loop, e, 8, 100), 1);
  assert_int_equal(e[0].s, server[9]);
  assert_int_equal(e[0].events, YEON_READABLE);
  assert_int_equal(yeon_watch(r.loop, server[9], 0, NULL), 0);
  assert_int_equal(yeon_wait(r.loop, e, 8, 100), 0);
  assert_int_equal(yeon_watch(r.loop, server[9], YEON_WRITABLE | YEON_READABLE, NULL), 0);
  assert_int_equal(yeon_wait(r.loop, e, 8, 100), 1);
  assert_int_equal(e[0].events, YEON_READABLE | YEON_WRITABLE);
  yeon_close(r.loop, server[9]);
  assert_int_equal(yeon_wait(r.loop, e, 8, 100), 0);
  room_close(&r);
}

/* A send buffer filled to the last byte by a send that took everything: nobody was refused, and yet somebody waits
 * for room, which comes little by little. */
static void test_full_to_the_byte(void **state)
{
  (void)state;
  struct room r;
  struct yeon_wait_event e[2];
  static char buf[65536];
  int c, s;
  room_open(&r, false, 0);
  connection(&r, &c, &s);
  yeon_setsockopt(r.loop, c, YEON_SO_NONBLOCK, 1);
  assert_int_equal(yeon_setsockopt(r.loop, c, YEON_SO_TCP(YEON_TCP_SNDBUF), sizeof buf), 0);
  assert_int_equal(yeon_setsockopt(r.loop, s, YEON_SO_TCP(YEON_TCP_RCVBUF), 8192), 0);
  assert_int_equal(yeon_send(r.loop, c, buf, sizeof buf, 0), sizeof buf);
  assert_int_equal(yeon_watch(r.loop, c, YEON_WRITABLE, NULL), 0);
  while (yeon_wait(r.loop, e, 2, 50) == 1) /* what the peer's window takes at once */
    assert_true(yeon_send(r.loop, c, buf, sizeof buf, 0) > 0);
  int told = 0;
  for (int i = 0; i < 400 && !told; i++) {
    yeon_recv(r.loop, s, buf, 1024, YEON_DONTWAIT);
    told = yeon_wait(r.loop, e, 2, 20);
  }
  assert_int_equal(told, 1);
  assert_int_equal(e[0].events, YEON_WRITABLE);
  room_close(&r);
}

static void test_errors_are_always_told(void **state)
{
  (void)state;
  struct room r;
  struct yeon_wait_event e[2];
  int c, s;
  room_open(&r, false, 0);
  connection(&r, &c, &s);
  yeon_watch(r.loop, c, YEON_URGENT, NULL);
  yeon_abort(r.loop, s);
  assert_int_equal(yeon_wait(r.loop, e, 2, 1000), 1);
  assert_int_equal(e[0].events & YEON_ERROR, YEON_ERROR);
  struct yeon_poll p = {.s = 99, .events = YEON_READABLE};
  assert_int_equal(yeon_poll(r.loop, &p, 1, 0), 1);
  assert_int_equal(p.revents, YEON_ERROR);
  room_close(&r);
}

static void test_drain(void **state)
{
  (void)state;
  struct room r;
  int c, s;
  room_open(&r, false, 0);
  connection(&r, &c, &s);
  assert_int_equal(yeon_loop_drain(r.loop, 100), YEON_ERR_TIMED_OUT);
  yeon_close(r.loop, c);
  yeon_close(r.loop, s);
  assert_int_equal(yeon_loop_drain(r.loop, 10000), 0);
  room_close(&r);
}

static void test_bulk_through_one_loop(void **state)
{
  (void)state;
  struct room r;
  static unsigned char out[3 << 20], in[3 << 20];
  int c, s;
  room_open(&r, false, 0);
  connection(&r, &c, &s);
  yeon_setsockopt(r.loop, c, YEON_SO_NONBLOCK, 1);
  for (size_t i = 0; i < sizeof out; i++) out[i] = (unsigned char)(i * 31 + i / 777);
  size_t sent = 0, got = 0;
  while (got < sizeof in) {
    int64_t n = sent < sizeof out ? yeon_send(r.loop, c, out + sent, sizeof out - sent, 0) : 0;
    if (n > 0) sent += (size_t)n;
    n = yeon_recv(r.loop, s, in + got, sizeof in - got, 0); /* blocks, and so drives both ends */
    assert_true(n > 0);
    got += (size_t)n;
  }
  assert_memory_equal(in, out, sizeof in);
  assert_int_equal(yeon_host_counters(r.b)->tcp_rexmit_bytes, 0);
  room_close(&r);
}

/* In a loop of somebody else's, on the real clock. */
static void test_embedded(void **state)
{
  (void)state;
  struct room r;
  struct yeon_addr addr = at("10.0.0.1:80");
  struct yeon_wait_event e[4];
  char b[8];
  room_open(&r, false, 0);
  assert_int_equal(yeon_loop_fd(r.loop), YEON_ERR_UNSUPPORTED);
  room_close(&r);
  room_open(&r, true, 0);
  int fd = yeon_loop_fd(r.loop);
  assert_true(fd >= 0);
  assert_int_equal(yeon_loop_fd(r.loop), fd);
  int l = listener(&r, "10.0.0.1:80", YEON_IPV4), c = yeon_socket(r.loop, r.b, YEON_IPV4, YEON_STREAM), s = -1;
  yeon_setsockopt(r.loop, l, YEON_SO_NONBLOCK, 1);
  yeon_setsockopt(r.loop, c, YEON_SO_NONBLOCK, 1);
  yeon_watch(r.loop, l, YEON_ACCEPTED, NULL);
  assert_int_equal(yeon_connect(r.loop, c, &addr), YEON_ERR_IN_PROGRESS);
  bool got = false;
  for (int i = 0; i < 200 && !got; i++) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 5000), 1); /* it says itself when there is something to do */
    int n = yeon_wait(r.loop, e, 4, 0);
    for (int k = 0; k < n; k++) {
      if (e[k].s == l) {
        s = yeon_accept(r.loop, l, NULL);
        yeon_setsockopt(r.loop, s, YEON_SO_NONBLOCK, 1);
        yeon_watch(r.loop, s, YEON_READABLE, NULL);
        assert_int_equal(yeon_send(r.loop, c, "hello", 5, 0), 5);
      } else {
        got = yeon_recv(r.loop, s, b, 8, 0) == 5;
      }
    }
  }
  assert_true(got);
  room_close(&r);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_configuration),
      cmocka_unit_test(test_limit_and_numbers),
      cmocka_unit_test(test_no_number_for_a_connection),
      cmocka_unit_test(test_who_has_what),
      cmocka_unit_test(test_wait),
      cmocka_unit_test(test_full_to_the_byte),
      cmocka_unit_test(test_errors_are_always_told),
      cmocka_unit_test(test_drain),
      cmocka_unit_test(test_bulk_through_one_loop),
      cmocka_unit_test(test_embedded),
  };
  return cmocka_run_group_tests_name("socket_loop", tests, NULL, NULL);
}
