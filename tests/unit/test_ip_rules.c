/* Rules of RFC 1122 section 3, RFC 6864, RFC 8200 and RFC 4443 that no mechanism's own file shows. */
#include "pair.h"

static uint8_t packet[2048], body[1500];

static bool took(struct yeon_udp *u) { return yeon_udp_recv(u, NULL, 0, NULL, NULL, NULL) == 0; }

/* RFC 1122 3.2.1.7: an end host takes what has arrived, however little was left of its time to live; and sends none with 0. */
static void time_to_live_is_for_routers(void **state)
{
  (void)state;
  static const char *const name[][2] = {{"10.0.0.1", "10.0.0.2"}, {"fd00::1", "fd00::2"}};
  struct pair *p = pair_open(false, 1500);
  struct yeon_udp *u = open_udp(p->host[1], "[::]:5");
  for (int six = 0; six < 2; six++) {
    for (uint8_t ttl = 0; ttl < 2; ttl++) {
      size_t n = make_udp(body, name[six][0], name[six][1], 1, 5, "x", 1);
      n = make_packet(packet, name[six][0], name[six][1], 17, body, n);
      packet[six ? 7 : 8] = ttl;
      if (!six) {
        wire_put16(packet + 10, 0);
        wire_put16(packet + 10, wire_sum_finish(wire_sum(packet, 20, 0)));
      }
      pair_inject(p, 1, packet, n);
      assert_true(took(u));
    }
  }
  assert_int_equal(yeon_udp_set(u, YEON_UDP_HOP_LIMIT, 0), YEON_ERR_INVALID);
  pair_close(p);
}

/* RFC 6864: 0 where nobody may cut the packet; elsewhere another one each time. */
static void identification(void **state)
{
  (void)state;
  struct pair *p = pair_open(false, 1500);
  struct yeon_udp *u = open_udp(p->host[0], NULL);
  struct yeon_addr to = pair_addr("10.0.0.2:5");
  uint16_t id[3];
  size_t len;
  for (int i = 0; i < 3; i++) {
    assert_int_equal(yeon_udp_set(u, YEON_UDP_DONT_FRAGMENT, i == 2), 0);
    assert_int_equal(yeon_udp_send(u, "x", 1, &to, p->now), 1);
    assert_true(pair_move(p, 0));
    const uint8_t *ip = pair_last(p, 0, &len);
    id[i] = wire_get16(ip + 4);
    assert_int_equal(ip[6] & 0x40, i == 2 ? 0x40 : 0);
  }
  assert_int_not_equal(id[0], id[1]);
  assert_int_equal(id[2], 0);
  pair_close(p);
}

static size_t icmp6(uint8_t type, const char *src, const char *dst)
{
  struct yeon_ip s = pair_ip(src), d = pair_ip(dst);
  struct wire_icmp m = {.type = type};
  memset(body, 0, 64);
  wire_icmp6_emit(&m, body);
  wire_icmp6_finish(body, 48, &s, &d);
  return make_packet(packet, src, dst, 58, body, 48);
}

/* RFC 4443 2.4 b, RFC 1122 3.2.2: unknown information is dropped in silence. */
static void unknown_information(void **state)
{
  (void)state;
  struct pair *p = pair_open(false, 1500);
  pair_inject(p, 1, packet, icmp6(200, "fd00::1", "fd00::2"));
  assert_int_equal(count_of(p, 1)->icmp_ignored, 1);
  struct wire_icmp m = {.type = 200};
  memset(body, 0, 64);
  wire_icmp4_emit(&m, body);
  wire_icmp4_finish(body, 48);
  pair_inject(p, 1, packet, make_packet(packet, "10.0.0.1", "10.0.0.2", 1, body, 48));
  assert_int_equal(count_of(p, 1)->icmp_ignored, 2);
  assert_false(pair_move(p, 1));
  pair_close(p);
}

/* RFC 1122 3.2.2.6, RFC 4443 4.2: the reply comes from the address that was asked; where a group was, from one of the link's own. */
static void echo_source(void **state)
{
  (void)state;
  static const char *const asked[] = {"10.0.0.2", "10.0.0.8", "fd00::2", "fd00::8", "ff02::1"},
                           *const answers[] = {"10.0.0.2", "10.0.0.8", "fd00::2", "fd00::8", "fd00::2"};
  struct pair *p = pair_open(false, 1500);
  struct yeon_ip more = pair_ip("10.0.0.8"), more6 = pair_ip("fd00::8");
  assert_int_equal(yeon_host_add_addr(p->host[1], 0, &more, 24), 0);
  assert_int_equal(yeon_host_add_addr(p->host[1], 0, &more6, 64), 0);
  pair_pump(p);
  for (int i = 0; i < 5; i++) {
    const char *us = i < 2 ? "10.0.0.1" : "fd00::1";
    size_t len, n = make_echo(body, us, asked[i], "abcd", 4);
    pair_inject(p, 1, packet, make_packet(packet, us, asked[i], i < 2 ? 1 : 58, body, n));
    assert_true(pair_move(p, 1));
    const uint8_t *ip = pair_last(p, 1, &len);
    struct yeon_ip from = wire_ip4_get(ip + 12), want = pair_ip(answers[i]);
    if (i >= 2) memcpy(&from, ip + 8, 16);
    assert_true(yeon_ip_equal(&from, &want));
  }
  pair_close(p);
}

/* RFC 1122 3.3.6: what came to all of the link and names one host is not for a host. 3.2.2: and is not answered by an error. */
static void link_broadcast_to_one(void **state)
{
  (void)state;
  static const uint8_t all[6] = {255, 255, 255, 255, 255, 255};
  uint8_t frame[600];
  struct pair *p = pair_open(true, 1500);
  pair_pump(p);
  uint32_t before = p->passed[1];
  uint64_t dropped = count_of(p, 1)->drop_ip_not_mine;
  size_t n = make_udp(body, "10.0.0.1", "10.0.0.2", 1, 9999, "x", 1);
  n = make_packet(packet, "10.0.0.1", "10.0.0.2", 17, body, n);
  pair_inject(p, 1, frame, make_frame(frame, all, pair_mac(0), WIRE_ETH_IPV4, packet, n));
  assert_int_equal(count_of(p, 1)->drop_ip_not_mine, dropped + 1);
  pair_pump(p);
  assert_int_equal(p->passed[1], before);
  pair_close(p);
}

/* RFC 4861 6.1.1, 6.2.4: a host hears no solicitation of routers, and never answers as one; and it hears no redirect (8.3, our choice). */
static void a_host_is_no_router(void **state)
{
  (void)state;
  uint8_t frame[600];
  struct pair *p = pair_open(true, 1500);
  pair_run(p, p->now + 20 * YEON_SEC);
  uint32_t before = p->passed[1];
  struct wire_nd rs = {.type = WIRE_ICMP6_RS, .has_source_mac = true, .source_mac = {2, 7}};
  struct wire_ipv6 h = {.src = pair_ip("fe80::7"), .dst = pair_ip("ff02::1"), .next_header = 58, .hop_limit = 255};
  size_t n = wire_nd_emit(&rs, packet + 40);
  h.payload_len = (uint16_t)n;
  wire_ipv6_emit(&h, packet);
  wire_icmp6_finish(packet + 40, n, &h.src, &h.dst);
  uint8_t group[6];
  wire_eth_multicast(&h.dst, group);
  pair_inject(p, 1, frame, make_frame(frame, group, rs.source_mac, WIRE_ETH_IPV6, packet, 40 + n));
  pair_run(p, p->now + 20 * YEON_SEC);
  assert_int_equal(p->passed[1], before);
  uint64_t ignored = count_of(p, 1)->icmp_ignored;
  uint32_t neighbours = p->host[1]->ip.neigh_pool.used, routes = p->host[1]->ip.n_routes;
  n = icmp6(137, "fe80::7", "fd00::2");
  packet[7] = 255;
  pair_inject(p, 1, frame, make_frame(frame, pair_mac(1), rs.source_mac, WIRE_ETH_IPV6, packet, n));
  assert_int_equal(count_of(p, 1)->icmp_ignored, ignored + 1);
  assert_int_equal(p->host[1]->ip.neigh_pool.used, neighbours);
  assert_int_equal(p->host[1]->ip.n_routes, routes);
  pair_close(p);
}

/* RFC 1122 3.2.2: errors carry type of service 0, whatever they are about. */
static void errors_are_plain(void **state)
{
  (void)state;
  static const char *const name[][2] = {{"10.0.0.1", "10.0.0.2"}, {"fd00::1", "fd00::2"}};
  struct pair *p = pair_open(false, 1500);
  struct yeon_udp *u = open_udp(p->host[0], NULL);
  size_t len;
  assert_int_equal(yeon_udp_set(u, YEON_UDP_TRAFFIC_CLASS, 0xb8), 0);
  for (int six = 0; six < 2; six++) {
    struct yeon_addr to = {pair_ip(name[six][1]), 9999};
    assert_int_equal(yeon_udp_send(u, "x", 1, &to, p->now), 1);
    assert_true(pair_move(p, 0));
    assert_true(pair_move(p, 1));
    const uint8_t *ip = pair_last(p, 1, &len);
    assert_int_equal(six ? wire_get16(ip) >> 4 & 0xff : ip[1], 0);
    assert_int_equal(six ? wire_get16(ip + 48) >> 4 & 0xff : ip[28 + 1],
                     0xb8); /* and quotes what it is about as it was */
  }
  pair_close(p);
}

static size_t solicitation(uint8_t *frame, const char *src, const char *dst, bool with_mac)
{
  struct wire_nd ns = {.type = WIRE_ICMP6_NS,
                       .target = pair_ip("fd00::2"),
                       .has_source_mac = with_mac,
                       .source_mac = {2, 7}};
  struct wire_ipv6 h = {.src = pair_ip(src), .dst = pair_ip(dst), .next_header = 58, .hop_limit = 255};
  uint8_t mac[6];
  size_t n = wire_nd_emit(&ns, packet + 40);
  h.payload_len = (uint16_t)n;
  wire_ipv6_emit(&h, packet);
  wire_icmp6_finish(packet + 40, n, &h.src, &h.dst);
  wire_eth_multicast(&h.dst, mac);
  return make_frame(frame, mac, ns.source_mac, WIRE_ETH_IPV6, packet, 40 + n);
}

/* RFC 4861 7.2.4: solicited and to the one who asks; or, asked from ::, not solicited and to all. Never as a router; with our link address. */
static void what_an_answer_carries(void **state)
{
  (void)state;
  uint8_t frame[200];
  struct pair *p = pair_open(true, 1500);
  pair_run(p, p->now + 20 * YEON_SEC);
  for (int probe = 0; probe < 2; probe++) {
    struct wire_ipv6 h;
    struct wire_nd na;
    size_t len, n = solicitation(frame, probe ? "::" : "fd00::9", "ff02::1:ff00:2", !probe);
    pair_inject(p, 1, frame, n);
    assert_true(pair_move(p, 1));
    const uint8_t *ip = pair_last(p, 1, &len);
    assert_int_equal(wire_ipv6_parse(ip, len, len, &h), WIRE_OK);
    assert_int_equal(wire_nd_parse(ip + 40, len - 40, &h, &na), WIRE_OK);
    struct yeon_ip to = pair_ip(probe ? "ff02::1" : "fd00::9");
    assert_true(yeon_ip_equal(&h.dst, &to));
    assert_int_equal(na.type, WIRE_ICMP6_NA);
    assert_int_equal(na.solicited, !probe);
    assert_true(na.override && !na.router && na.has_target_mac);
    assert_memory_equal(na.target_mac, pair_mac(1), 6);
  }
  pair_close(p);
}

/* Counts router solicitations; one from :: must not name a link address (RFC 4861 4.1). */
static bool count_solicitations(struct pair *p, int from, uint8_t *bytes, size_t *len)
{
  static const uint8_t none[16];
  if (from != 0 || *len < 62 || bytes[12] != 0x86 || bytes[13] != 0xdd || bytes[20] != 58 || bytes[54] != WIRE_ICMP6_RS)
    return true;
  bool nobody = memcmp(bytes + 22, none, 16) == 0;
  assert_int_equal(*len, 14 + 40 + (nobody ? 8 : 16));
  p->wanted++;
  return true;
}

/* RFC 4862 5.1: an address is probed for once (from ::, so that nobody learns of it before its time). */
static bool count_probes(struct pair *p, int from, uint8_t *bytes, size_t *len)
{
  static const uint8_t none[16];
  if (from == 0 && *len >= 62 && bytes[12] == 0x86 && bytes[20] == 58 && bytes[54] == WIRE_ICMP6_NS)
    p->wanted += memcmp(bytes + 22, none, 16) == 0;
  return true;
}

static void one_probe_for_a_duplicate(void **state)
{
  (void)state;
  struct pair *p = pair_open(true, 1500);
  struct yeon_ip more = pair_ip("fd00::44");
  pair_run(p, p->now + 20 * YEON_SEC);
  p->filter = count_probes;
  assert_int_equal(yeon_host_add_addr(p->host[0], 0, &more, 64), 0);
  pair_run(p, p->now + 20 * YEON_SEC);
  assert_int_equal(p->wanted, 1);
  pair_close(p);
}

/* What is left out (RFC 9293 3.9.2.1, RFC 1122 3.2.1.8): no packet of ours has IP options, so no route is ever chosen by its source. */
static void packets_have_no_options(void **state)
{
  (void)state;
  struct pair *p = pair_open(false, 1500);
  struct yeon_udp *u = open_udp(p->host[0], NULL);
  struct yeon_addr to = pair_addr("10.0.0.2:9999");
  struct yeon_tcp *t;
  size_t len;
  assert_int_equal(yeon_udp_send(u, "x", 1, &to, p->now), 1);
  assert_true(pair_move(p, 0) && pair_move(p, 1)); /* a datagram, an error */
  assert_int_equal(pair_last(p, 0, &len)[0], 0x45);
  assert_int_equal(pair_last(p, 1, &len)[0], 0x45);
  assert_int_equal(yeon_tcp_open(p->host[0], &t), 0);
  assert_int_equal(yeon_tcp_connect(t, &to, p->now), 0);
  assert_true(pair_move(p, 0) && pair_move(p, 1)); /* a SYN, a reset */
  assert_int_equal(pair_last(p, 0, &len)[9], WIRE_PROTO_TCP);
  assert_int_equal(pair_last(p, 0, &len)[0], 0x45);
  assert_int_equal(pair_last(p, 1, &len)[0], 0x45);
  pair_close(p);
}

static void hear(void *ctx, const struct yeon_event *e)
{
  int *heard = ctx;
  if (e->type == YEON_EV_ICMP_IN && (e->u.icmp.type == 0 || e->u.icmp.type == 129)) ++*heard;
}

/* RFC 1122 3.2.2.6, RFC 4443 4.2: nothing here asks for echo, so a reply is an event and a number, and has no other effect. */
static void echo_replies_are_events(void **state)
{
  (void)state;
  int heard = 0;
  struct pair *p = pair_open(false, 1500);
  struct yeon_event_sink sink = {.fn = hear, .ctx = &heard, .mask = YEON_EV_BIT(YEON_EV_ICMP_IN)};
  yeon_host_set_sink(p->host[0], &sink);
  for (int six = 0; six < 2; six++) {
    const char *src = six ? "fd00::1" : "10.0.0.1", *dst = six ? "fd00::2" : "10.0.0.2";
    size_t n = make_echo(body, src, dst, "abcd", 4);
    pair_inject(p, 1, packet, make_packet(packet, src, dst, six ? 58 : 1, body, n));
  }
  pair_pump(p);
  assert_int_equal(heard, 2);
  assert_int_equal(count_of(p, 0)->icmp_ignored, 2);
  pair_close(p);
}

static void routers_are_asked_three_times(void **state)
{
  (void)state;
  struct pair *p = pair_open(true, 1500);
  p->filter = count_solicitations;
  pair_run(p, p->now + 60 * YEON_SEC);
  assert_int_equal(p->wanted, 3);
  pair_close(p);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(time_to_live_is_for_routers),
      cmocka_unit_test(identification),
      cmocka_unit_test(unknown_information),
      cmocka_unit_test(echo_source),
      cmocka_unit_test(link_broadcast_to_one),
      cmocka_unit_test(a_host_is_no_router),
      cmocka_unit_test(errors_are_plain),
      cmocka_unit_test(what_an_answer_carries),
      cmocka_unit_test(routers_are_asked_three_times),
      cmocka_unit_test(one_probe_for_a_duplicate),
      cmocka_unit_test(packets_have_no_options),
      cmocka_unit_test(echo_replies_are_events),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
