/* Wrong arguments to every public call that can say so: the documented error, nothing half done, and never an assert. */
#include <limits.h>

#include "pair.h"
#include "test_socket_util.h"

#include <yeon/sim.h>
#include <yeon/watch.h>

static void is(int64_t got, int64_t wanted, const char *call, int line)
{
  if (got == wanted) return;
  fail_msg("line %d: %s gives %lld, not %s", line, call, (long long)got, wanted < 0 ? yeon_error_name((int)wanted) : "success");
}
#define IS(call, wanted) is(call, wanted, #call, __LINE__)
#define INVALID(call) IS(call, YEON_ERR_INVALID)

static struct yeon_ip ip(const char *text) { return pair_ip(text); }

static void hosts(void **state)
{
  struct yeon_host *h = NULL;
  struct yeon_host_config c;
  struct yeon_tcp_options o;
  (void)state;
  yeon_host_config_init(&c);
  INVALID(yeon_host_new(&h, &c, -1));
  INVALID(yeon_host_new(&h, &c, INT64_MIN));
  INVALID(yeon_host_new(&h, &c, YEON_NEVER));
  INVALID(yeon_host_new(&h, &c, YEON_TIME_LAST + 1));
  yeon_tcp_options_init(&o, (enum yeon_profile)99);
  o.rto_min_us = 0;
  c.tcp = &o;
  INVALID(yeon_host_new(&h, &c, 0));
  assert_null(h);
  yeon_host_free(NULL);
  assert_string_equal(yeon_profile_name((enum yeon_profile)-1), "?");
  INVALID(yeon_profile_find("beos"));
  INVALID(yeon_profile_find(NULL));
  assert_string_equal(yeon_error_name(1), "?");
  assert_string_equal(yeon_error_name(INT_MIN), "?");
  assert_non_null(yeon_error_text(INT_MAX));
  assert_non_null(yeon_tcp_state_name((enum yeon_tcp_state)99));
  assert_non_null(yeon_cause_name((enum yeon_cause)-1));
  assert_non_null(yeon_verdict_name((enum yeon_verdict)99));
  assert_non_null(yeon_retransmit_why_name((enum yeon_retransmit_why)99));
  assert_non_null(yeon_tcp_timer_name((enum yeon_tcp_timer)99));
  assert_non_null(yeon_call_name((enum yeon_tcp_call)99));
  assert_non_null(yeon_cable_op_name((enum yeon_cable_op)99));
}

static void links(void **state)
{
  struct pair *p = pair_open(true, 1500);
  struct yeon_host *h = p->host[0];
  struct yeon_link_config l = {.name = "x", .mtu = 575};
  static const unsigned none[] = {1, 7, 8, 9, 255, 256, UINT_MAX};
  struct yeon_ip fine = ip("10.1.0.1"), group = ip("224.1.1.1"), any = ip("0.0.0.0"), six = ip("fd01::1");
  struct yeon_frame f;
  (void)state;
  INVALID(yeon_host_add_link(h, &l));
  l.mtu = 1500, l.ethernet = true, l.mac[0] = 1;
  INVALID(yeon_host_add_link(h, &l));
  for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
    INVALID(yeon_host_set_mtu(h, none[i], 1500));
    INVALID(yeon_host_add_addr(h, none[i], &fine, 24));
    INVALID(yeon_host_del_addr(h, none[i], &fine));
    INVALID(yeon_host_add_route(h, &fine, 24, NULL, none[i]));
    INVALID(yeon_host_join_group(h, none[i], &group));
    INVALID(yeon_host_leave_group(h, none[i], &group));
    yeon_frame_from_bytes(&f, "E", 1);
    yeon_host_input(h, none[i], &f, 1, p->now);
    IS((int64_t)yeon_host_output(h, none[i], &f, 1, p->now), 0);
  }
  INVALID(yeon_host_set_mtu(h, 0, 575));
  INVALID(yeon_host_set_mtu(h, 0, 0));
  static const struct {
    const char *ip;
    unsigned bits;
  } refused[] = {{"10.1.0.1", 33}, {"10.1.0.1", UINT_MAX}, {"fd01::1", 129}, {"0.0.0.0", 8}, {"::", 64}, {"224.0.0.5", 24},
                 {"ff02::5", 64}, {"255.255.255.255", 32}, {"127.0.0.5", 8}, {"250.0.0.1", 8}};
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    struct yeon_ip a = ip(refused[i].ip);
    INVALID(yeon_host_add_addr(h, 0, &a, refused[i].bits));
    IS(yeon_host_del_addr(h, 0, &a), YEON_ERR_ADDRESS);
  }
  INVALID(yeon_host_add_route(h, &fine, 33, NULL, 0));
  INVALID(yeon_host_add_route(h, &six, 129, NULL, 0));
  INVALID(yeon_host_add_route(h, &fine, 24, &six, 0));
  INVALID(yeon_host_add_route(h, &fine, 24, &any, 0));
  INVALID(yeon_host_add_route(h, &fine, 24, &group, 0));
  INVALID(yeon_host_join_group(h, 0, &fine));
  INVALID(yeon_host_leave_group(h, 0, &group));
  IS(yeon_host_add_addr(h, 0, &fine, 24), 0);
  IS(yeon_host_add_addr(h, 0, &fine, 24), YEON_ERR_IN_USE);
  l.mac[0] = 2;
  for (int i = 1; i < YEON_HOST_LINKS; i++) IS(yeon_host_add_link(h, &l), i);
  IS(yeon_host_add_link(h, &l), YEON_ERR_LIMIT);
  pair_close(p);
}

static void frames(void **state)
{
  struct pair *p = pair_open(false, 1500);
  struct yeon_frame f;
  uint8_t out[4];
  (void)state;
  memset(&f, 0, sizeof f); /* no slices */
  yeon_host_input(p->host[0], 0, &f, 1, p->now);
  f.n_slices = UINT16_MAX;
  yeon_host_input(p->host[0], 0, &f, 1, p->now);
  yeon_host_input(p->host[0], 0, NULL, 0, p->now);
  IS((int64_t)yeon_host_output(p->host[0], 0, NULL, 0, p->now), 0);
  yeon_frame_from_bytes(&f, "abcde", 5);
  IS((int64_t)yeon_frame_copy(&f, out, sizeof out), 0);
  f.segs = 7, f.gso_size = 0;
  INVALID(yeon_frame_split(&f, NULL, NULL));
  pair_close(p);
}

static void tcp_options(void **state)
{
  static const struct {
    enum yeon_tcp_option option;
    int64_t low, high;
  } rows[] = {{YEON_TCP_SNDBUF, 2048, 1 << 30},          {YEON_TCP_RCVBUF, 2048, 1 << 30},
              {YEON_TCP_NODELAY, 0, 1},                  {YEON_TCP_CORK, 0, 1},
              {YEON_TCP_QUICKACK, 0, 1},                 {YEON_TCP_KEEPALIVE, 0, 1},
              {YEON_TCP_KEEPIDLE_MS, 1, 32767000},       {YEON_TCP_KEEPINTVL_MS, 1, 32767000},
              {YEON_TCP_KEEPCNT, 1, 127},                {YEON_TCP_MAXSEG, 64, 65495},
              {YEON_TCP_HOP_LIMIT, 1, 255},              {YEON_TCP_TRAFFIC_CLASS, 0, 255},
              {YEON_TCP_REUSEADDR, 0, 1},                {YEON_TCP_REUSEPORT, 0, 1},
              {YEON_TCP_V6ONLY, 0, 1},                   {YEON_TCP_OOBINLINE, 0, 1},
              {YEON_TCP_RETRIES_SYN, 1, 255}};
  struct pair *p = pair_open(false, 1500);
  struct yeon_tcp *t;
  int64_t v, again;
  (void)state;
  IS(yeon_tcp_open(p->host[0], &t), 0);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    IS(yeon_tcp_get(t, rows[i].option, &v), 0);
    INVALID(yeon_tcp_set(t, rows[i].option, rows[i].low - 1, 0));
    INVALID(yeon_tcp_set(t, rows[i].option, rows[i].high + 1, 0));
    INVALID(yeon_tcp_set(t, rows[i].option, INT64_MAX, 0));
    INVALID(yeon_tcp_set(t, rows[i].option, INT64_MIN, 0));
    IS(yeon_tcp_get(t, rows[i].option, &again), 0);
    IS(again, v); /* a refused value changes nothing */
    IS(yeon_tcp_set(t, rows[i].option, rows[i].high, 0), 0);
    IS(yeon_tcp_set(t, rows[i].option, rows[i].low, 0), 0);
    IS(yeon_tcp_get(t, rows[i].option, &again), 0);
    IS(again, rows[i].low);
  }
  static const int unknown[] = {-1, YEON_TCP_OPTIONS, 1000, INT_MAX, INT_MIN};
  for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
    IS(yeon_tcp_set(t, (enum yeon_tcp_option)unknown[i], 1, 0), YEON_ERR_UNSUPPORTED);
    IS(yeon_tcp_get(t, (enum yeon_tcp_option)unknown[i], &v), YEON_ERR_UNSUPPORTED);
  }
  INVALID(yeon_tcp_set(t, YEON_TCP_LINGER_MS, -2, 0));
  INVALID(yeon_tcp_set(t, YEON_TCP_USER_TIMEOUT_MS, -1, 0));
  yeon_tcp_close(t, 0);
  pair_close(p);
}

/* Every call on an endpoint that is not what the call is for. */
static void refuse_all(struct yeon_tcp *t, int sending, int receiving, int shutting)
{
  char b[4];
  struct yeon_tcp *none = NULL;
  struct yeon_slice slices[2];
  struct yeon_room rooms[2];
  IS(yeon_tcp_send(t, "abc", 3, 0, 0), sending);
  IS(yeon_tcp_recv(t, b, sizeof b, 0, 0), receiving);
  INVALID(yeon_tcp_recv(t, NULL, 4, 0, 0));
  INVALID(yeon_tcp_recv(t, b, 4, ~0u, 0));
  INVALID(yeon_tcp_recv(t, b, 4, YEON_RECV_URGENT, 0));
  IS((int64_t)yeon_tcp_peek_slices(t, slices, 2), 0);
  INVALID(yeon_tcp_consume(t, 1, 0));
  INVALID(yeon_tcp_consume(t, SIZE_MAX, 0));
  IS((int64_t)yeon_tcp_reserve(t, 0, rooms), 0);
  INVALID(yeon_tcp_produce(t, SIZE_MAX, 0));
  INVALID(yeon_tcp_shutdown(t, 0, 0));
  INVALID(yeon_tcp_shutdown(t, 4, 0));
  INVALID(yeon_tcp_shutdown(t, ~0u, 0));
  IS(yeon_tcp_shutdown(t, YEON_SHUT_WR, 0), shutting);
  if (yeon_tcp_state(t) != YEON_TCP_LISTEN) INVALID(yeon_tcp_accept(t, &none, 0));
  INVALID(yeon_tcp_listen(t, 0, 0));
  INVALID(yeon_tcp_listen(t, 65536, 0));
  INVALID(yeon_tcp_listen(t, UINT_MAX, 0));
}

static void tcp_calls(void **state)
{
  struct pair *p = pair_open(false, 1500);
  struct yeon_tcp *t, *l, *c, *s;
  struct yeon_addr here = pair_addr("10.0.0.1:80"), there = pair_addr("10.0.0.2:80"), a;
  (void)state;
  IS(yeon_tcp_open(p->host[0], &t), 0);
  refuse_all(t, YEON_ERR_NOT_CONNECTED, YEON_ERR_NOT_CONNECTED, YEON_ERR_NOT_CONNECTED);
  IS(yeon_tcp_bind(t, &there, 0), YEON_ERR_ADDRESS);
  static const char *const nobody[] = {"224.0.0.1:80", "255.255.255.255:80", "10.0.0.255:80", "[ff02::1]:80"};
  for (size_t i = 0; i < sizeof nobody / sizeof *nobody; i++) {
    a = pair_addr(nobody[i]);
    IS(yeon_tcp_connect(t, &a, 0), YEON_ERR_ADDRESS);
  }
  a = pair_addr("192.168.1.1:80");
  IS(yeon_tcp_connect(t, &a, 0), YEON_ERR_NO_ROUTE);
  a = pair_addr("10.0.0.2:0");
  INVALID(yeon_tcp_connect(t, &a, 0));
  IS(yeon_tcp_state(t), YEON_TCP_CLOSED);
  IS(yeon_tcp_bind(t, &here, 0), 0);
  INVALID(yeon_tcp_bind(t, &here, 0));
  a = pair_addr("[fd00::2]:80");
  IS(yeon_tcp_connect(t, &a, 0), YEON_ERR_ADDRESS);
  IS(yeon_tcp_listen(t, 1, 0), 0);
  refuse_all(t, YEON_ERR_NOT_CONNECTED, YEON_ERR_NOT_CONNECTED, YEON_ERR_NOT_CONNECTED);
  INVALID(yeon_tcp_connect(t, &there, 0));
  INVALID(yeon_tcp_bind(t, &here, 0));
  IS(yeon_tcp_accept(t, &s, 0), YEON_ERR_AGAIN);
  assert_null(s);
  IS(yeon_tcp_open(p->host[0], &l), 0);
  IS(yeon_tcp_bind(l, &here, 0), YEON_ERR_IN_USE);
  yeon_tcp_abort(l, 0);
  IS(yeon_tcp_open(p->host[1], &c), 0);
  IS(yeon_tcp_connect(c, &here, p->now), 0);
  refuse_all(c, YEON_ERR_AGAIN, YEON_ERR_AGAIN, YEON_ERR_NOT_CONNECTED);
  IS(yeon_tcp_connect(c, &here, p->now), YEON_ERR_IN_PROGRESS);
  pair_pump(p);
  IS(yeon_tcp_accept(t, &s, p->now), 0);
  INVALID(yeon_tcp_send(s, NULL, 1, 0, 0));
  INVALID(yeon_tcp_send(s, "a", 1, ~0u, 0));
  IS(yeon_tcp_send(s, NULL, 0, 0, 0), 0);
  IS(yeon_tcp_connect(c, &here, p->now), YEON_ERR_IS_CONNECTED);
  INVALID(yeon_tcp_bind(c, &there, p->now));
  refuse_all(s, 3, YEON_ERR_AGAIN, 0);
  IS(yeon_tcp_send(s, "abc", 3, 0, 0), YEON_ERR_PIPE);
  IS(yeon_tcp_shutdown(s, YEON_SHUT_WR, 0), 0); /* twice is once */
  pair_pump(p);
  yeon_tcp_abort(c, p->now);
  pair_pump(p);
  IS(yeon_tcp_take_error(s), YEON_ERR_RESET);
  IS(yeon_tcp_take_error(s), 0);
  refuse_all(s, YEON_ERR_PIPE, 0, YEON_ERR_NOT_CONNECTED);
  IS(yeon_tcp_connect(s, &there, p->now), YEON_ERR_CLOSED);
  yeon_tcp_close(s, p->now);
  yeon_tcp_close(t, p->now);
  pair_close(p);
}

static void udp_calls(void **state)
{
  static uint8_t big[70000];
  struct pair *p = pair_open(false, 1500);
  struct yeon_udp *u;
  struct yeon_addr here = pair_addr("10.0.0.1:80"), there = pair_addr("10.0.0.2:80"), a;
  struct yeon_ip group = ip("224.1.1.1"), fine = ip("10.0.0.9");
  int64_t v;
  (void)state;
  IS(yeon_udp_open(p->host[0], &u), 0);
  IS(yeon_udp_send(u, "x", 1, NULL, 0), YEON_ERR_NOT_CONNECTED);
  IS(yeon_udp_recv(u, big, 1, NULL, NULL, NULL), YEON_ERR_AGAIN);
  IS(yeon_udp_bind(u, &there), YEON_ERR_ADDRESS);
  IS(yeon_udp_send(u, big, sizeof big, &there, 0), YEON_ERR_MESSAGE_SIZE);
  IS(yeon_udp_send(u, big, SIZE_MAX, &there, 0), YEON_ERR_MESSAGE_SIZE);
  INVALID(yeon_udp_send(u, NULL, 1, &there, 0));
  a = pair_addr("10.0.0.2:0");
  INVALID(yeon_udp_send(u, "x", 1, &a, 0));
  INVALID(yeon_udp_connect(u, &a));
  a = pair_addr("192.168.1.1:9");
  IS(yeon_udp_send(u, "x", 1, &a, 0), YEON_ERR_NO_ROUTE);
  IS(yeon_udp_connect(u, &a), YEON_ERR_NO_ROUTE);
  a = pair_addr("10.0.0.255:9");
  IS(yeon_udp_send(u, "x", 1, &a, 0), YEON_ERR_PERMISSION);
  IS(yeon_udp_connect(u, &a), YEON_ERR_PERMISSION);
  IS(yeon_udp_connect(u, NULL), 0);
  yeon_udp_close(u);
  IS(yeon_udp_open(p->host[0], &u), 0);
  IS(yeon_udp_bind(u, &here), 0);
  INVALID(yeon_udp_bind(u, &here));
  INVALID(yeon_udp_set(u, YEON_UDP_V6ONLY, 1));
  INVALID(yeon_udp_set(u, YEON_UDP_RCVBUF, 511));
  INVALID(yeon_udp_set(u, YEON_UDP_SNDBUF, ((int64_t)1 << 30) + 1));
  INVALID(yeon_udp_set(u, YEON_UDP_HOP_LIMIT, 0));
  INVALID(yeon_udp_set(u, YEON_UDP_TRAFFIC_CLASS, 256));
  INVALID(yeon_udp_set(u, YEON_UDP_BROADCAST, 2));
  IS(yeon_udp_set(u, YEON_UDP_OPTIONS, 1), YEON_ERR_UNSUPPORTED);
  IS(yeon_udp_get(u, (enum yeon_udp_option)-1, &v), YEON_ERR_UNSUPPORTED);
  INVALID(yeon_udp_join(u, 0, &fine));
  INVALID(yeon_udp_join(u, 256, &group));
  INVALID(yeon_udp_leave(u, 0, &group));
  IS(yeon_udp_join(u, 0, &group), 0);
  IS(yeon_udp_join(u, 0, &group), YEON_ERR_IN_USE);
  INVALID(yeon_udp_leave(u, 256, &group));
  yeon_udp_close(u);
  pair_close(p);
}

/* A number that is no socket, in every call. */
static void no_socket(struct yeon_loop *loop, int s)
{
  char b[4];
  struct yeon_addr a = at("10.0.0.1:80");
  struct yeon_socket_info info;
  int64_t v;
  IS(yeon_bind(loop, s, &a), YEON_ERR_CLOSED);
  IS(yeon_connect(loop, s, &a), YEON_ERR_CLOSED);
  IS(yeon_listen(loop, s, 1), YEON_ERR_CLOSED);
  IS(yeon_accept(loop, s, NULL), YEON_ERR_CLOSED);
  IS(yeon_send(loop, s, "a", 1, 0), YEON_ERR_CLOSED);
  IS(yeon_recv(loop, s, b, 4, 0), YEON_ERR_CLOSED);
  IS(yeon_sendto(loop, s, "a", 1, 0, &a), YEON_ERR_CLOSED);
  IS(yeon_recvfrom(loop, s, b, 4, 0, &a), YEON_ERR_CLOSED);
  IS(yeon_shutdown(loop, s, YEON_SHUT_WR), YEON_ERR_CLOSED);
  IS(yeon_close(loop, s), YEON_ERR_CLOSED);
  IS(yeon_abort(loop, s), YEON_ERR_CLOSED);
  IS(yeon_getsockname(loop, s, &a), YEON_ERR_CLOSED);
  IS(yeon_getpeername(loop, s, &a), YEON_ERR_CLOSED);
  IS(yeon_setsockopt(loop, s, YEON_SO_NONBLOCK, 1), YEON_ERR_CLOSED);
  IS(yeon_getsockopt(loop, s, YEON_SO_NONBLOCK, &v), YEON_ERR_CLOSED);
  IS(yeon_watch(loop, s, YEON_READABLE, NULL), YEON_ERR_CLOSED);
  IS(yeon_socket_info(loop, s, &info), YEON_ERR_CLOSED);
  IS(yeon_socket_set_owner(loop, s, "x"), YEON_ERR_CLOSED);
  assert_null(yeon_socket_tcp(loop, s));
  assert_null(yeon_socket_udp(loop, s));
  struct yeon_poll poll = {.s = s, .events = YEON_READABLE};
  IS(yeon_poll(loop, &poll, 1, 0), s < 0 ? 0 : 1);
}

static void loops(void **state)
{
  struct yeon_loop *loop = NULL;
  struct yeon_loop_config c = {.max_sockets = 1048577};
  struct yeon_host *h;
  (void)state;
  INVALID(yeon_loop_new(NULL, NULL));
  INVALID(yeon_loop_new(&loop, &c));
  c = (struct yeon_loop_config){.clock = room_clock};
  INVALID(yeon_loop_new(&loop, &c));
  c = (struct yeon_loop_config){.wait = room_wait};
  INVALID(yeon_loop_new(&loop, &c));
  assert_null(loop);
  yeon_loop_free(NULL);
  struct room r, other;
  room_open(&r, false, 0);
  room_open(&other, false, 0);
  INVALID(yeon_loop_add_link(r.loop, NULL, NULL));
  assert_null(yeon_loop_link(r.loop, r.a, 99));
  assert_null(yeon_loop_link(r.loop, NULL, 0));
  struct yeon_link *pair[2];
  IS(yeon_link_pair(pair, 1500, 1, 0), 0);
  INVALID(yeon_loop_add_link(r.loop, other.a, pair[0])); /* another loop's host */
  yeon_link_close(pair[0]);
  yeon_link_close(pair[1]);
  INVALID(yeon_socket(r.loop, other.a, YEON_IPV4, YEON_STREAM));
  for (int i = 2; i < YEON_LOOP_HOSTS; i++) IS(yeon_loop_add_host(r.loop, NULL, &h), 0);
  IS(yeon_loop_add_host(r.loop, NULL, &h), YEON_ERR_LIMIT);
  IS(yeon_loop_fd(r.loop), YEON_ERR_UNSUPPORTED);
  room_close(&r);
  room_close(&other);
}

static void sockets(void **state)
{
  struct room r;
  struct yeon_addr a = at("10.0.0.1:80"), six = at("[fd00::1]:80");
  char b[4];
  int64_t v;
  (void)state;
  room_open(&r, false, 0);
  INVALID(yeon_socket(r.loop, NULL, (enum yeon_domain)5, YEON_STREAM));
  INVALID(yeon_socket(r.loop, NULL, YEON_IPV4, (enum yeon_type)77));
  int u = yeon_socket(r.loop, r.a, YEON_IPV4, YEON_DGRAM), s = yeon_socket(r.loop, r.a, YEON_IPV4, YEON_STREAM);
  assert_true(s >= 0 && u >= 0);
  IS(yeon_close(r.loop, yeon_socket(r.loop, r.a, YEON_IPV4, YEON_STREAM)), 0);
  static const int wrong[] = {-1, INT_MIN, INT_MAX, 2, 3, 63, 64, 65535, 65536};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) no_socket(r.loop, wrong[i]);
  INVALID(yeon_bind(r.loop, s, NULL));
  IS(yeon_bind(r.loop, s, &six), YEON_ERR_ADDRESS);
  INVALID(yeon_connect(r.loop, s, NULL));
  IS(yeon_connect(r.loop, s, &six), YEON_ERR_ADDRESS);
  INVALID(yeon_listen(r.loop, s, 0));
  INVALID(yeon_accept(r.loop, s, NULL));
  INVALID(yeon_send(r.loop, s, NULL, 1, 0));
  INVALID(yeon_sendto(r.loop, s, "a", 1, 0, &a));
  INVALID(yeon_send(r.loop, s, "a", SIZE_MAX, 0));
  INVALID(yeon_send(r.loop, s, "a", 1, 0x8000));
  INVALID(yeon_recv(r.loop, s, NULL, 1, 0));
  INVALID(yeon_recv(r.loop, s, b, 4, 0x8000));
  INVALID(yeon_getsockname(r.loop, s, NULL));
  INVALID(yeon_getpeername(r.loop, s, NULL));
  IS(yeon_getpeername(r.loop, s, &a), YEON_ERR_NOT_CONNECTED);
  INVALID(yeon_getsockopt(r.loop, s, YEON_SO_NONBLOCK, NULL));
  INVALID(yeon_socket_info(r.loop, s, NULL));
  INVALID(yeon_socket_set_owner(r.loop, s, NULL));
  INVALID(yeon_socket_find(r.loop, YEON_STREAM, NULL, NULL));
  INVALID(yeon_setsockopt(r.loop, s, YEON_SO_NONBLOCK, 2));
  INVALID(yeon_setsockopt(r.loop, s, YEON_SO_RCVTIMEO_MS, -1));
  INVALID(yeon_setsockopt(r.loop, s, YEON_SO_SNDTIMEO_MS, INT64_MAX));
  INVALID(yeon_setsockopt(r.loop, s, YEON_SO_ERROR, 0));
  static const int unknown[] = {-1, INT_MIN, INT_MAX, YEON_SO_OPTIONS, 0xff, 0x100 + YEON_TCP_OPTIONS, 0x200, 0x1ff, 0x300};
  for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
    IS(yeon_setsockopt(r.loop, s, unknown[i], 1), YEON_ERR_UNSUPPORTED);
    IS(yeon_getsockopt(r.loop, s, unknown[i], &v), YEON_ERR_UNSUPPORTED);
  }
  IS(yeon_listen(r.loop, u, 1), YEON_ERR_UNSUPPORTED);
  IS(yeon_accept(r.loop, u, NULL), YEON_ERR_UNSUPPORTED);
  IS(yeon_shutdown(r.loop, u, YEON_SHUT_RD), YEON_ERR_UNSUPPORTED);
  IS(yeon_setsockopt(r.loop, u, YEON_SO_TCP(YEON_TCP_NODELAY), 1), YEON_ERR_UNSUPPORTED);
  IS(yeon_recv(r.loop, u, b, 4, YEON_RECV_PEEK), YEON_ERR_UNSUPPORTED);
  IS(yeon_recv(r.loop, u, b, 4, YEON_DONTWAIT), YEON_ERR_AGAIN);
  struct yeon_wait_event e;
  INVALID(yeon_wait(r.loop, NULL, 1, 0));
  INVALID(yeon_wait(r.loop, &e, 0, 0));
  INVALID(yeon_poll(r.loop, NULL, 1, 0));
  IS(yeon_poll(r.loop, NULL, 0, 0), 0);
  room_close(&r);
}

static void take_line(void *ctx, const char *line) { (void)ctx, (void)line; }
static bool take_nothing(void *ctx, const void *bytes, size_t len)
{
  (void)bytes;
  size_t *room = ctx;
  if (*room < len) return false;
  *room -= len;
  return true;
}
static void at_once(void *ctx, struct yeon_sim *sim, yeon_time now) { (void)ctx, (void)sim, (void)now; }

static void cables_and_universes(void **state)
{
  struct yeon_cable *cable = NULL;
  struct yeon_cable_config c = {.max_frames = 1048577};
  struct yeon_cable_way way = {.loss_ppm = 1000001}, now = {.loss_ppm = 5};
  struct yeon_cable_stats stats;
  struct yeon_frame f;
  const char *field = NULL;
  (void)state;
  INVALID(yeon_cable_new(&cable, &c, 1, NULL));
  INVALID(yeon_cable_way_check(&way, &field));
  assert_string_equal(field, "loss_ppm");
  c = (struct yeon_cable_config){.way[1] = way};
  INVALID(yeon_cable_new(&cable, &c, 1, NULL));
  assert_null(cable);
  c = (struct yeon_cable_config){.way[0] = now};
  IS(yeon_cable_new(&cable, &c, 1, NULL), 0);
  INVALID(yeon_cable_set(cable, 1, &way, 0));
  INVALID(yeon_cable_set(cable, 0, &now, 0));
  INVALID(yeon_cable_set(cable, 4, &now, 0));
  yeon_frame_from_bytes(&f, "x", 1);
  INVALID(yeon_cable_put(cable, 2, &f, 0));
  f.len = 2;
  INVALID(yeon_cable_put(cable, 0, &f, 0));
  f.segs = 2;
  IS(yeon_cable_put(cable, 0, &f, 0), YEON_ERR_UNSUPPORTED);
  IS((int64_t)yeon_cable_take(cable, 2, &f, 1, 0), 0);
  IS(yeon_cable_next_way(cable, 2), YEON_NEVER);
  yeon_cable_cut(cable, ~0u, 0);
  IS(yeon_cable_is_cut(cable), 3);
  yeon_cable_join(cable, ~0u, 0);
  memset(&stats, 0xff, sizeof stats);
  yeon_cable_stats(cable, 2, &stats);
  IS((int64_t)stats.put, 0);
  yeon_cable_get(cable, UINT_MAX, &way);
  IS(way.loss_ppm, 0);
  yeon_cable_free(cable);
  yeon_cable_free(NULL);

  struct yeon_sim *sim;
  struct yeon_sim_link l;
  struct yeon_host_config h;
  yeon_host_config_init(&h);
  yeon_sim_link_init(&l);
  IS(yeon_sim_new(&sim, 1, NULL), 0);
  IS(yeon_sim_add_host(sim, &h, NULL), 0);
  IS(yeon_sim_add_host(sim, &h, NULL), 1);
  INVALID(yeon_sim_connect(sim, 0, 0, &l, NULL));
  INVALID(yeon_sim_connect(sim, 0, 2, &l, NULL));
  INVALID(yeon_sim_connect(sim, UINT_MAX, 0, &l, NULL));
  l.mtu = 100;
  INVALID(yeon_sim_connect(sim, 0, 1, &l, NULL));
  l.mtu = 1500, l.cable.way[0].corrupt_ppm = UINT32_MAX;
  INVALID(yeon_sim_connect(sim, 0, 1, &l, NULL));
  IS(yeon_sim_cables(sim), 0);
  assert_null(yeon_sim_cable(sim, 0));
  assert_null(yeon_sim_host(sim, 2));
  INVALID(yeon_sim_on_ready(sim, 2, NULL, NULL));
  INVALID(yeon_sim_at(sim, 0, NULL, NULL));
  IS(yeon_sim_at(sim, INT64_MIN, at_once, NULL), 0);
  IS(yeon_sim_step(sim), true);
  IS(yeon_sim_now(sim), 0);
  yeon_sim_free(sim);
  yeon_sim_free(NULL);
}

static void links_and_watchers(void **state)
{
  struct yeon_link *pair[2], *l = NULL;
  struct yeon_ladder *ladder = NULL;
  struct yeon_ladder_config c = {.line = NULL};
  struct yeon_pcapng *pcap = NULL;
  size_t room = 0;
  char text[4];
  (void)state;
  INVALID(yeon_link_pair(pair, 575, 1, 0));
  INVALID(yeon_link_pair(pair, 1500, 0, 0));
  INVALID(yeon_link_pair(pair, 1500, 65537, 0));
  INVALID(yeon_link_pair(pair, 1500, 1, 2));
  INVALID(yeon_link_tun(&l, "a-name-that-is-too-long", 0));
  INVALID(yeon_link_packet(&l, "no-such-interface", 0));
  INVALID(yeon_link_with_cable(&l, NULL, NULL));
  INVALID(yeon_link_with_tap(&l, NULL, NULL, NULL));
  assert_null(l);
  yeon_link_close(NULL);
  INVALID(yeon_ladder_new(&ladder, &c));
  c = (struct yeon_ladder_config){.line = take_line, .width = 59};
  INVALID(yeon_ladder_new(&ladder, &c));
  c.width = 201;
  INVALID(yeon_ladder_new(&ladder, &c));
  c.width = 80, c.decimals = 10;
  INVALID(yeon_ladder_new(&ladder, &c));
  assert_null(ladder);
  yeon_ladder_free(NULL);
  IS(yeon_pcapng_new(&pcap, take_nothing, &room), YEON_ERR_IO);
  assert_null(pcap);
  room = 300;
  IS(yeon_pcapng_new(&pcap, take_nothing, &room), 0);
  yeon_pcapng_bytes(pcap, 7, true, 0, "x", 1, NULL); /* no such interface */
  while (yeon_pcapng_interface(pcap, "end", false) >= 0) continue;
  yeon_pcapng_bytes(pcap, 0, true, 0, "x", 1, NULL);
  IS(yeon_pcapng_close(pcap), YEON_ERR_IO);
  IS(yeon_pcapng_close(NULL), 0);
  INVALID(yeon_fields_write("", 0, true, take_line, NULL));
  INVALID(yeon_fields_write("\x45", 1, false, take_line, NULL));
  yeon_frame_describe("", 0, true, text, sizeof text);
  assert_true(strlen(text) < sizeof text);
}

static void addresses(void **state)
{
  static const char *const wrong[] = {"", ".", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4 ", " 1.2.3.4", "01.2.3.4x", "::g", ":::",
                                      "1::2::3", "12345::", "1:2:3:4:5:6:7:8:9", "::1%eth0", "-1.2.3.4", "1.2.3.4:5"};
  static const char *const wrong_pairs[] = {"", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:-1", "1.2.3.4:8x", "::1:80", "[::1]80",
                                            "[::1]:", "[::1", "1.2.3.4:99999999999999999999", "[1.2.3.4:80"};
  struct yeon_ip a;
  struct yeon_addr b;
  (void)state;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) IS(yeon_ip_parse(wrong[i], &a), YEON_ERR_ADDRESS);
  for (size_t i = 0; i < sizeof wrong_pairs / sizeof *wrong_pairs; i++) IS(yeon_addr_parse(wrong_pairs[i], &b), YEON_ERR_ADDRESS);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hosts),     cmocka_unit_test(links),
      cmocka_unit_test(frames),    cmocka_unit_test(tcp_options),
      cmocka_unit_test(tcp_calls), cmocka_unit_test(udp_calls),
      cmocka_unit_test(loops),     cmocka_unit_test(sockets),
      cmocka_unit_test(cables_and_universes), cmocka_unit_test(links_and_watchers),
      cmocka_unit_test(addresses),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
