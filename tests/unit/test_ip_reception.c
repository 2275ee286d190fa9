/* What a host takes in: martians, groups and broadcasts, options and extension headers, Ethernet's own rules. */
#include "pair.h"

static uint8_t packet[2048], udp[1024], frame[2100];

static void give(struct pair *p, const char *src, const char *dst)
{
  size_t n = make_udp(udp, src, dst, 1, 5, "x", 1);
  pair_inject(p, 1, packet, make_packet(packet, src, dst, 17, udp, n));
}

static bool took(struct yeon_udp *u)
{
  int64_t n = yeon_udp_recv(u, NULL, 0, NULL, NULL, NULL);
  return n == 0;
}

static void martians_are_dropped(void **state)
{
  (void)state;
  static const char *const bad[][2] = {
      {"127.0.0.1", "10.0.0.2"}, {"240.0.0.1", "10.0.0.2"}, {"255.255.255.255", "10.0.0.2"}, {"224.0.0.1", "10.0.0.2"},
      {"0.0.0.0", "10.0.0.2"},   {"0.1.2.3", "10.0.0.255"}, {"10.0.0.255", "10.0.0.2"},      {"10.0.0.2", "10.0.0.2"},
      {"::1", "fd00::2"},        {"::", "fd00::2"},         {"ff02::1", "fd00::2"},          {"fd00::2", "fd00::2"},
  };
  struct pair *p = pair_open(false, 1500);
  struct yeon_udp *u = open_udp(p->host[1], "[::]:5");
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    give(p, bad[i][0], bad[i][1]);
    assert_int_equal(count_of(p, 1)->drop_ip_source, i + 1);
    assert_false(took(u));
  }
  give(p, "0.0.0.0", "10.0.0.255"); /* one who is asking for an address */
  assert_true(took(u));
  give(p, "10.0.0.1", "10.0.0.2");
  assert_true(took(u));
  pair_close(p);
}

static void strangers_post_is_not_opened(void **state)
{
  (void)state;
  static const char *const bad[][2] = {{"10.0.0.1", "10.0.0.3"}, {"10.0.0.1", "127.0.0.1"}, {"10.0.0.1", "224.0.0.9"},
                                       {"fd00::1", "fd00::3"},   {"fd00::1", "::1"},        {"fd00::1", "ff02::9"},
                                       {"fd00::1", "ff01::1"},   {"10.0.0.1", "0.0.0.0"}};
  struct pair *p = pair_open(false, 1500);
  struct yeon_udp *u = open_udp(p->host[1], "[::]:5");
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    give(p, bad[i][0], bad[i][1]);
    assert_int_equal(count_of(p, 1)->drop_ip_not_mine, i + 1);
    assert_false(took(u));
  }
  assert_int_equal(yeon_host_next(p->host[1]), YEON_NEVER); /* and nobody is told */
  pair_close(p);
}

static void everyone_hears_a_broadcast(void **state)
{
  (void)state;
  struct pair *p = pair_open(true, 1500);
  struct yeon_udp *a = open_udp(p->host[1], NULL), *b = open_udp(p->host[1], NULL),
                  *sender = open_udp(p->host[0], NULL), *own = open_udp(p->host[0], "0.0.0.0:5");
  struct yeon_addr any = pair_addr("0.0.0.0:5"), to = pair_addr("10.0.0.255:5"), all = pair_addr("255.255.255.255:5");
  yeon_udp_set(a, YEON_UDP_REUSE, 1);
  yeon_udp_set(b, YEON_UDP_REUSE, 1);
  assert_int_equal(yeon_udp_bind(a, &any), 0);
  assert_int_equal(yeon_udp_bind(b, &any), 0);
  assert_int_equal(yeon_udp_set(sender, YEON_UDP_BROADCAST, 1), 0);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(yeon_udp_send(sender, "x", 1, i ? &all : &to, p->now), 1);
    pair_pump(p);
    assert_true(took(a));
    assert_true(took(b));
    assert_true(took(own));
  }
  pair_close(p);
}

static void groups_are_joined_and_left(void **state)
{
  (void)state;
  static const char *const group[] = {"239.1.2.3:5", "[ff15::99]:5"};
  for (int six = 0; six < 2; six++) {
    for (int ethernet = 0; ethernet < 2; ethernet++) {
      struct pair *p = pair_open(ethernet, 1500);
      struct yeon_udp *u = open_udp(p->host[1], "[::]:5"), *sender = open_udp(p->host[0], NULL),
                      *own = open_udp(p->host[0], "[::]:5");
      struct yeon_addr to = pair_addr(group[six]);
      assert_int_equal(yeon_udp_send(sender, "x", 1, &to, p->now), 1);
      pair_pump(p);
      assert_false(took(u));
      assert_int_equal(yeon_udp_join(u, 0, &to.ip), 0);
      assert_int_equal(yeon_udp_join(u, 0, &to.ip), YEON_ERR_IN_USE);
      assert_int_equal(yeon_udp_send(sender, "x", 1, &to, p->now), 1);
      pair_pump(p);
      assert_true(took(u));
      assert_false(took(own));
      assert_int_equal(yeon_udp_join(own, 0, &to.ip), 0); /* who is in it hears his own host */
      assert_int_equal(yeon_udp_send(sender, "x", 1, &to, p->now), 1);
      pair_pump(p);
      assert_true(took(u));
      assert_true(took(own));
      assert_int_equal(yeon_udp_leave(u, 0, &to.ip), 0);
      assert_int_equal(yeon_udp_leave(u, 0, &to.ip), YEON_ERR_INVALID);
      assert_int_equal(yeon_udp_send(sender, "x", 1, &to, p->now), 1);
      pair_pump(p);
      assert_false(took(u));
      size_t len;
      assert_int_equal(pair_last(p, 0, &len)[six ? 7 : 8], 1); /* groups stay near */
      struct yeon_ip not_a_group = pair_ip("10.0.0.9");
      assert_int_equal(yeon_udp_join(u, 0, &not_a_group), YEON_ERR_INVALID);
      pair_close(p);
    }
  }
}

static void with_options(struct pair *p, const uint8_t *options, size_t len)
{
  size_t n = make_udp(udp, "10.0.0.1", "10.0.0.2", 1, 5, "x", 1);
  make_packet(packet, "10.0.0.1", "10.0.0.2", 17, udp, n);
  memmove(packet + 20 + len, packet + 20, n);
  memcpy(packet + 20, options, len);
  packet[0] = (uint8_t)(0x40 | (5 + len / 4));
  wire_put16(packet + 2, (uint16_t)(20 + len + n));
  wire_put16(packet + 10, 0);
  wire_put16(packet + 10, wire_sum_finish(wire_sum(packet, 20 + len, 0)));
  pair_inject(p, 1, packet, 20 + len + n);
}

static void ip_options(void **state)
{
  (void)state;
  static const uint8_t harmless[4] = {1, 1, 1, 0}, route[8] = {131, 7, 4, 10, 0, 0, 9, 0}, broken[4] = {7, 99, 4, 0};
  struct pair *p = pair_open(false, 1500);
  struct yeon_udp *u = open_udp(p->host[1], "10.0.0.2:5");
  with_options(p, harmless, 4);
  assert_true(took(u));
  with_options(p, route, 8); /* source routed: dropped */
  assert_int_equal(count_of(p, 1)->drop_ip_option, 1);
  with_options(p, broken, 4);
  assert_int_equal(count_of(p, 1)->drop_ip_option, 2);
  assert_false(took(u));
  pair_close(p);
}

static void with_header(struct pair *p, uint8_t kind, const uint8_t *header, size_t len)
{
  size_t n = make_udp(udp, "fd00::1", "fd00::2", 1, 5, "x", 1);
  uint8_t body[256];
  memcpy(body, header, len);
  memcpy(body + len, udp, n);
  pair_inject(p, 1, packet, make_packet(packet, "fd00::1", "fd00::2", kind, body, len + n));
}

static void extension_headers(void **state)
{
  (void)state;
  static const uint8_t padded[8] = {17, 0, 1, 4, 0, 0, 0, 0}, unknown[8] = {17, 0, 0x9e, 4, 0, 0, 0, 0};
  static const uint8_t routing[8] = {17, 0, 0, 1, 0, 0, 0, 0}, spent[8] = {17, 0, 0, 0, 0, 0, 0, 0};
  struct pair *p = pair_open(false, 1500);
  struct yeon_udp *u = open_udp(p->host[1], "[::]:5");
  size_t len;
  with_header(p, WIRE_PROTO_DSTOPTS, padded, 8);
  assert_true(took(u));
  with_header(p, WIRE_PROTO_HOPOPTS, padded, 8);
  assert_true(took(u));
  with_header(p, WIRE_PROTO_ROUTING, spent, 8);
  assert_true(took(u));
  with_header(p, WIRE_PROTO_DSTOPTS, unknown, 8); /* "send a parameter problem" */
  assert_false(took(u));
  assert_true(pair_move(p, 1));
  const uint8_t *m = pair_last(p, 1, &len);
  assert_int_equal(m[40], 4);
  assert_int_equal(m[41], 2);
  assert_int_equal(wire_get32(m + 44), 42);
  with_header(p, WIRE_PROTO_ROUTING, routing, 8); /* RFC 5095 */
  assert_false(took(u));
  assert_int_equal(count_of(p, 1)->drop_ip_option, 2);
  pair_close(p);
}

static void ethernet_rules(void **state)
{
  (void)state;
  static const uint8_t all[6] = {255, 255, 255, 255, 255, 255}, other[6] = {2, 0, 0, 0, 0, 9};
  struct pair *p = pair_open(true, 1500);
  struct yeon_udp *u = open_udp(p->host[1], "[::]:5");
  size_t n = make_udp(udp, "10.0.0.1", "10.0.0.2", 1, 5, "x", 1);
  n = make_packet(packet, "10.0.0.1", "10.0.0.2", 17, udp, n);
  memset(packet + n, 0xee, 20); /* Ethernet pads */
  pair_inject(p, 1, frame, make_frame(frame, pair_mac(1), pair_mac(0), WIRE_ETH_IPV4, packet, n + 20));
  assert_true(took(u));
  pair_inject(p, 1, frame, make_frame(frame, other, pair_mac(0), WIRE_ETH_IPV4, packet, n));
  assert_int_equal(count_of(p, 1)->drop_eth_not_mine, 1);
  pair_inject(p, 1, frame,
              make_frame(frame, all, pair_mac(0), WIRE_ETH_IPV4, packet, n)); /* unicast in a broadcast frame */
  assert_int_equal(count_of(p, 1)->drop_ip_not_mine, 1);
  pair_inject(p, 1, frame, make_frame(frame, pair_mac(1), pair_mac(0), 0x88cc, packet, n));
  assert_int_equal(count_of(p, 1)->drop_eth_type, 1);
  pair_inject(p, 1, frame, make_frame(frame, pair_mac(1), pair_mac(0), WIRE_ETH_IPV6, packet, n));
  assert_int_equal(count_of(p, 1)->drop_ip_version, 1);
  pair_inject(p, 1, frame, 10);
  assert_int_equal(count_of(p, 1)->drop_eth_short, 1);
  uint8_t tagged[4] = {0, 7, 8, 0};
  n = make_frame(frame, pair_mac(1), pair_mac(0), 0x8100, packet, n);
  memmove(frame + 18, frame + 14, n - 14);
  memcpy(frame + 14, tagged, 4);
  pair_inject(p, 1, frame, n + 4);
  assert_true(took(u));
  pair_close(p);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(martians_are_dropped),
      cmocka_unit_test(strangers_post_is_not_opened),
      cmocka_unit_test(everyone_hears_a_broadcast),
      cmocka_unit_test(groups_are_joined_and_left),
      cmocka_unit_test(ip_options),
      cmocka_unit_test(extension_headers),
      cmocka_unit_test(ethernet_rules),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
