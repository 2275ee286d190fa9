/* Datagrams between two hosts, in both families, over both kinds of link, and from a host to itself. */
#include "pair.h"

static void send_text(struct pair *p, struct yeon_udp *u, const char *to, const char *text)
{
  struct yeon_addr a;
  if (to) a = pair_addr(to);
  assert_int_equal(yeon_udp_send(u, text, strlen(text), to ? &a : NULL, p->now), (int64_t)strlen(text));
}

static void expect_text(struct yeon_udp *u, const char *text, struct yeon_addr *from)
{
  char buf[256];
  size_t full;
  int64_t n = yeon_udp_recv(u, buf, sizeof buf, from, NULL, &full);
  assert_int_equal(n, (int64_t)strlen(text));
  assert_int_equal(full, strlen(text));
  assert_memory_equal(buf, text, strlen(text));
}

static void exchange(bool ethernet, const char *bound, const char *to)
{
  struct pair *p = pair_open(ethernet, 1500);
  struct yeon_udp *server = open_udp(p->host[1], bound), *client = open_udp(p->host[0], NULL);
  struct yeon_addr from, local;
  send_text(p, client, to, "hello");
  pair_pump(p);
  expect_text(server, "hello", &from);
  yeon_udp_local(client, &local);
  assert_int_equal(from.port, local.port);
  assert_true(local.port >= 32768);
  assert_int_equal(yeon_udp_send(server, "world!", 6, &from, p->now), 6);
  pair_pump(p);
  expect_text(client, "world!", &from);
  assert_int_equal(yeon_udp_recv(client, NULL, 0, NULL, NULL, NULL), YEON_ERR_AGAIN);
  pair_close(p);
}

static void both_families_and_links(void **state)
{
  (void)state;
  for (int ethernet = 0; ethernet < 2; ethernet++) {
    exchange(ethernet, "10.0.0.2:53", "10.0.0.2:53");
    exchange(ethernet, "0.0.0.0:53", "10.0.0.2:53");
    exchange(ethernet, "[fd00::2]:53", "[fd00::2]:53");
    exchange(ethernet, "[::]:53", "[fd00::2]:53");
    exchange(ethernet, "[::]:53", "10.0.0.2:53");
  }
}

static void to_itself(void **state)
{
  (void)state;
  static const char *const address[] = {"127.0.0.1:99", "127.1.2.3:99", "[::1]:99", "10.0.0.1:99", "[fd00::1]:99"};
  struct pair *p = pair_open(false, 1500);
  for (size_t i = 0; i < sizeof address / sizeof address[0]; i++) {
    struct yeon_udp *server = open_udp(p->host[0], address[i]), *client = open_udp(p->host[0], NULL);
    send_text(p, client, address[i], "me");
    pair_pump(p);
    expect_text(server, "me", NULL);
    yeon_udp_close(server);
    yeon_udp_close(client);
  }
  assert_int_equal(p->passed[0], 0);
  pair_close(p);
}

static void v6only_refuses_four(void **state)
{
  (void)state;
  struct pair *p = pair_open(false, 1500);
  struct yeon_udp *server = open_udp(p->host[1], NULL), *four = open_udp(p->host[1], NULL),
                  *client = open_udp(p->host[0], NULL);
  struct yeon_addr any = pair_addr("[::]:53"), any4 = pair_addr("0.0.0.0:53"), to = pair_addr("10.0.0.1:9");
  assert_int_equal(yeon_udp_set(server, YEON_UDP_V6ONLY, 1), 0);
  assert_int_equal(yeon_udp_bind(server, &any), 0);
  assert_int_equal(yeon_udp_bind(four, &any4), 0);
  assert_int_equal(yeon_udp_send(server, "x", 1, &to, p->now), YEON_ERR_ADDRESS);
  send_text(p, client, "10.0.0.2:53", "four");
  pair_pump(p);
  expect_text(four, "four", NULL);
  assert_int_equal(yeon_udp_ready(server) & YEON_READABLE, 0);
  pair_close(p);
}

static void connected_beats_bound_beats_any(void **state)
{
  (void)state;
  struct pair *p = pair_open(false, 1500);
  struct yeon_addr peer = pair_addr("10.0.0.1:1000"), at = pair_addr("10.0.0.2:53"), any4 = pair_addr("0.0.0.0:53"),
                   any = pair_addr("[::]:53");
  struct yeon_udp *u[4], *client = open_udp(p->host[0], "10.0.0.1:1000"),
                         *stranger = open_udp(p->host[0], "10.0.0.1:1001");
  const struct yeon_addr *where[4] = {&any, &any4, &at, &at};
  for (int i = 0; i < 4; i++) {
    u[i] = open_udp(p->host[1], NULL);
    assert_int_equal(yeon_udp_set(u[i], YEON_UDP_REUSE, 1), 0);
    assert_int_equal(yeon_udp_bind(u[i], where[i]), 0);
  }
  assert_int_equal(yeon_udp_connect(u[3], &peer), 0);
  send_text(p, client, "10.0.0.2:53", "c");
  send_text(p, stranger, "10.0.0.2:53", "s");
  pair_pump(p);
  expect_text(u[3], "c", NULL);
  expect_text(u[2], "s", NULL);
  for (int i = 2; i >= 0; i--) {
    if (i < 2) {
      send_text(p, stranger, "10.0.0.2:53", "next");
      pair_pump(p);
      expect_text(u[i], "next", NULL);
    }
    yeon_udp_close(u[i]);
  }
  send_text(p, stranger, "10.0.0.2:53", "nobody");
  pair_pump(p);
  assert_int_equal(count_of(p, 1)->udp_no_port, 1);
  assert_int_equal(yeon_udp_ready(u[3]) & YEON_READABLE, 0);
  pair_close(p);
}

static void binding_conflicts(void **state)
{
  (void)state;
  struct pair *p = pair_open(false, 1500);
  struct yeon_udp *a = open_udp(p->host[0], "10.0.0.1:53"), *b = open_udp(p->host[0], NULL);
  struct yeon_addr same = pair_addr("10.0.0.1:53"), any = pair_addr("[::]:53"), any4 = pair_addr("0.0.0.0:53");
  struct yeon_addr six = pair_addr("[fd00::1]:53"), foreign = pair_addr("10.9.9.9:53");
  assert_int_equal(yeon_udp_bind(b, &same), YEON_ERR_IN_USE);
  assert_int_equal(yeon_udp_bind(b, &any), YEON_ERR_IN_USE);
  assert_int_equal(yeon_udp_bind(b, &any4), YEON_ERR_IN_USE);
  assert_int_equal(yeon_udp_bind(b, &foreign), YEON_ERR_ADDRESS);
  assert_int_equal(yeon_udp_bind(b, &six), 0);
  assert_int_equal(yeon_udp_bind(b, &six), YEON_ERR_INVALID);
  yeon_udp_close(a);
  struct yeon_udp *c = open_udp(p->host[0], "0.0.0.0:53");
  assert_non_null(c);
  pair_close(p);
}

static void port_unreachable_is_told(void **state)
{
  (void)state;
  static const char *const to[] = {"10.0.0.2:7", "[fd00::2]:7"};
  for (int i = 0; i < 2; i++) {
    struct pair *p = pair_open(false, 1500);
    struct yeon_udp *u = open_udp(p->host[0], NULL);
    struct yeon_addr peer = pair_addr(to[i]);
    struct yeon_ready r;
    assert_int_equal(yeon_udp_connect(u, &peer), 0);
    send_text(p, u, NULL, "x");
    pair_pump(p);
    assert_int_equal(count_of(p, 1)->icmp_out, 1);
    assert_int_equal(count_of(p, 0)->icmp_in, 1);
    assert_true(yeon_host_event(p->host[0], &r));
    assert_ptr_equal(r.udp, u);
    assert_int_equal(r.events, YEON_ERROR);
    assert_int_equal(yeon_udp_send(u, "x", 1, NULL, p->now), YEON_ERR_REFUSED);
    assert_int_equal(yeon_udp_send(u, "x", 1, NULL, p->now), 1);
    pair_pump(p);
    assert_int_equal(yeon_udp_recv(u, NULL, 0, NULL, NULL, NULL), YEON_ERR_REFUSED);
    assert_int_equal(yeon_udp_recv(u, NULL, 0, NULL, NULL, NULL), YEON_ERR_AGAIN);
    pair_close(p);
  }
}

static void excess_is_cut_and_told(void **state)
{
  (void)state;
  struct pair *p = pair_open(false, 1500);
  struct yeon_udp *server = open_udp(p->host[1], "[::]:5"), *client = open_udp(p->host[0], NULL);
  struct yeon_addr from, to;
  char buf[4];
  size_t full = 0;
  send_text(p, client, "10.0.0.2:5", "");
  send_text(p, client, "10.0.0.2:5", "abcdefgh");
  pair_pump(p);
  assert_int_equal(yeon_udp_recv(server, buf, sizeof buf, &from, &to, &full), 0);
  assert_int_equal(yeon_udp_recv(server, buf, sizeof buf, &from, &to, &full), 4);
  assert_int_equal(full, 8);
  struct yeon_ip expected = pair_ip("10.0.0.2");
  assert_true(yeon_ip_equal(&to.ip, &expected));
  assert_int_equal(to.port, 5);
  pair_close(p);
}

static void buffers_are_bounded(void **state)
{
  (void)state;
  struct pair *p = pair_open(false, 1500);
  struct yeon_udp *server = open_udp(p->host[1], "10.0.0.2:5"), *client = open_udp(p->host[0], NULL);
  struct yeon_addr to = pair_addr("10.0.0.2:5");
  struct yeon_ready r;
  char data[600] = {0};
  int taken = 0;
  assert_int_equal(yeon_udp_set(client, YEON_UDP_SNDBUF, 4096), 0);
  assert_int_equal(yeon_udp_set(server, YEON_UDP_RCVBUF, 2000), 0);
  assert_int_equal(yeon_udp_set(server, YEON_UDP_RCVBUF, 511), YEON_ERR_INVALID);
  while (yeon_udp_send(client, data, sizeof data, &to, p->now) > 0) taken++;
  assert_in_range(taken, 4, 6);
  assert_int_equal(yeon_udp_send(client, data, sizeof data, &to, p->now), YEON_ERR_AGAIN);
  pair_pump(p);
  assert_true(yeon_host_event(p->host[0], &r));
  assert_int_equal(r.events, YEON_WRITABLE);
  assert_int_equal(count_of(p, 1)->udp_in, (uint64_t)taken);
  assert_int_equal(count_of(p, 1)->udp_no_room, (uint64_t)taken - 3);
  assert_int_equal(yeon_udp_send(client, data, sizeof data, &to, p->now), (int64_t)sizeof data);
  pair_close(p);
}

static void closing_still_sends(void **state)
{
  (void)state;
  struct pair *p = pair_open(false, 1500);
  struct yeon_udp *server = open_udp(p->host[1], "10.0.0.2:5"), *client = open_udp(p->host[0], NULL);
  struct yeon_host_usage usage;
  for (int i = 0; i < 5; i++) send_text(p, client, "10.0.0.2:5", "last words");
  yeon_udp_close(client);
  pair_pump(p);
  for (int i = 0; i < 5; i++) expect_text(server, "last words", NULL);
  yeon_host_usage(p->host[0], &usage);
  assert_int_equal(usage.udp, 0);
  assert_int_equal(usage.buffer_bytes, 0);
  pair_close(p);
}

static void several_to_one_side_in_turn(void **state)
{
  (void)state;
  struct pair *p = pair_open(false, 1500);
  struct yeon_udp *server = open_udp(p->host[1], "10.0.0.2:5"), *a = open_udp(p->host[0], "10.0.0.1:1"),
                  *b = open_udp(p->host[0], "10.0.0.1:2");
  for (int i = 0; i < 3; i++) send_text(p, a, "10.0.0.2:5", "a");
  for (int i = 0; i < 3; i++) send_text(p, b, "10.0.0.2:5", "b");
  pair_pump(p);
  for (int i = 0; i < 6; i++) expect_text(server, i % 2 ? "b" : "a", NULL);
  pair_close(p);
}

static void checksum_rules(void **state)
{
  (void)state;
  struct pair *p = pair_open(false, 1500);
  struct yeon_udp *server = open_udp(p->host[1], "[::]:5"), *client = open_udp(p->host[0], NULL);
  uint8_t udp[64], packet[128];
  assert_int_equal(yeon_udp_set(client, YEON_UDP_NO_CHECKSUM, 1), 0);
  send_text(p, client, "10.0.0.2:5", "none");
  pair_pump(p);
  expect_text(server, "none", NULL);
  assert_int_equal(wire_get16(p->last[0] + 26), 0);
  send_text(p, client, "[fd00::2]:5", "six");
  pair_pump(p);
  expect_text(server, "six", NULL);
  assert_int_not_equal(wire_get16(p->last[0] + 46), 0);
  size_t n = make_udp(udp, "fd00::1", "fd00::2", 9, 5, "zz", 2);
  wire_put16(udp + 6, 0);
  pair_inject(p, 1, packet, make_packet(packet, "fd00::1", "fd00::2", 17, udp, n));
  assert_int_equal(count_of(p, 1)->udp_bad_header, 1);
  n = make_udp(udp, "fd00::1", "fd00::2", 9, 5, "zz", 2);
  udp[9] ^= 1;
  pair_inject(p, 1, packet, make_packet(packet, "fd00::1", "fd00::2", 17, udp, n));
  assert_int_equal(count_of(p, 1)->udp_bad_checksum, 1);
  assert_int_equal(yeon_udp_ready(server) & YEON_READABLE, 0);
  pair_close(p);
}

static void options_reach_the_wire(void **state)
{
  (void)state;
  struct pair *p = pair_open(false, 1500);
  struct yeon_udp *u = open_udp(p->host[0], NULL);
  int64_t value;
  size_t len;
  assert_int_equal(yeon_udp_set(u, YEON_UDP_HOP_LIMIT, 0), YEON_ERR_INVALID);
  assert_int_equal(yeon_udp_set(u, YEON_UDP_HOP_LIMIT, 9), 0);
  assert_int_equal(yeon_udp_set(u, YEON_UDP_TRAFFIC_CLASS, 0xb8), 0);
  assert_int_equal(yeon_udp_get(u, YEON_UDP_HOP_LIMIT, &value), 0);
  assert_int_equal(value, 9);
  assert_int_equal(yeon_udp_set(u, YEON_UDP_OPTIONS, 1), YEON_ERR_UNSUPPORTED);
  send_text(p, u, "10.0.0.2:5", "x");
  pair_move(p, 0);
  const uint8_t *ip = pair_last(p, 0, &len);
  assert_int_equal(ip[8], 9);
  assert_int_equal(ip[1], 0xb8);
  send_text(p, u, "[fd00::2]:5", "x");
  pair_move(p, 0);
  ip = pair_last(p, 0, &len);
  assert_int_equal(ip[7], 9);
  assert_int_equal(wire_get16(ip) >> 4 & 0xff, 0xb8);
  pair_close(p);
}

static void nowhere_to_go(void **state)
{
  (void)state;
  struct pair *p = pair_open(false, 1500);
  struct yeon_udp *u = open_udp(p->host[0], NULL);
  struct yeon_addr far = pair_addr("192.0.2.1:5"), none = pair_addr("0.0.0.0:5"), no_port = pair_addr("10.0.0.2:0"),
                   broadcast = pair_addr("10.0.0.255:5");
  static char big[65536];
  assert_int_equal(yeon_udp_send(u, "x", 1, &far, p->now), YEON_ERR_NO_ROUTE);
  assert_int_equal(yeon_udp_send(u, "x", 1, &none, p->now), YEON_ERR_ADDRESS);
  assert_int_equal(yeon_udp_send(u, "x", 1, &no_port, p->now), YEON_ERR_INVALID);
  assert_int_equal(yeon_udp_send(u, "x", 1, NULL, p->now), YEON_ERR_NOT_CONNECTED);
  assert_int_equal(yeon_udp_send(u, "x", 1, &broadcast, p->now), YEON_ERR_PERMISSION);
  far = pair_addr("10.0.0.2:5");
  assert_int_equal(yeon_udp_send(u, big, 65508, &far, p->now), YEON_ERR_MESSAGE_SIZE);
  assert_int_equal(yeon_udp_set(u, YEON_UDP_DONT_FRAGMENT, 1), 0);
  assert_int_equal(yeon_udp_send(u, big, 1473, &far, p->now), YEON_ERR_MESSAGE_SIZE);
  assert_int_equal(yeon_udp_send(u, big, 1472, &far, p->now), 1472);
  pair_close(p);
}

static void disconnecting_opens_again(void **state)
{
  (void)state;
  struct pair *p = pair_open(false, 1500);
  struct yeon_udp *server = open_udp(p->host[1], "[::]:5"), *other = open_udp(p->host[0], NULL);
  struct yeon_addr peer = pair_addr("10.0.0.1:77"), local;
  assert_int_equal(yeon_udp_connect(server, &peer), 0);
  yeon_udp_local(server, &local);
  struct yeon_ip chosen = pair_ip("10.0.0.2");
  assert_true(yeon_ip_equal(&local.ip, &chosen));
  send_text(p, other, "10.0.0.2:5", "no");
  pair_pump(p);
  assert_int_equal(yeon_udp_recv(server, NULL, 0, NULL, NULL, NULL), YEON_ERR_AGAIN);
  assert_int_equal(yeon_udp_connect(server, NULL), 0);
  (void)yeon_udp_take_error(other);
  send_text(p, other, "[fd00::2]:5", "yes");
  pair_pump(p);
  expect_text(server, "yes", NULL);
  pair_close(p);
}

static void ports_run_out(void **state)
{
  (void)state;
  struct yeon_tcp_options o;
  struct yeon_host_config c;
  yeon_tcp_options_init(&o, YEON_PROFILE_LINUX);
  o.port_first = 50000;
  o.port_last = 50009;
  yeon_host_config_init(&c);
  c.tcp = &o;
  c.max_udp = 11;
  struct pair *p = pair_open_with(false, 1500, 0, &c);
  bool seen[10] = {false};
  for (int i = 0; i < 10; i++) {
    struct yeon_addr a;
    yeon_udp_local(open_udp(p->host[0], "0.0.0.0:0"), &a);
    assert_in_range(a.port, 50000, 50009);
    assert_false(seen[a.port - 50000]);
    seen[a.port - 50000] = true;
  }
  struct yeon_udp *last = open_udp(p->host[0], NULL), *more;
  struct yeon_addr any = pair_addr("0.0.0.0:0");
  assert_int_equal(yeon_udp_bind(last, &any), YEON_ERR_NO_PORTS);
  assert_int_equal(yeon_udp_open(p->host[0], &more), YEON_ERR_LIMIT);
  pair_close(p);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(both_families_and_links), cmocka_unit_test(to_itself),
      cmocka_unit_test(v6only_refuses_four),     cmocka_unit_test(connected_beats_bound_beats_any),
      cmocka_unit_test(binding_conflicts),       cmocka_unit_test(port_unreachable_is_told),
      cmocka_unit_test(excess_is_cut_and_told),  cmocka_unit_test(buffers_are_bounded),
      cmocka_unit_test(closing_still_sends),     cmocka_unit_test(several_to_one_side_in_turn),
      cmocka_unit_test(checksum_rules),          cmocka_unit_test(options_reach_the_wire),
      cmocka_unit_test(nowhere_to_go),           cmocka_unit_test(disconnecting_opens_again),
      cmocka_unit_test(ports_run_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
