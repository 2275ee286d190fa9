/* Neighbours on Ethernet: found, lost, asked again, forged; addresses and routes that make themselves. */
#include <stdio.h>

#include "pair.h"

static const uint8_t everyone[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static struct ip_neigh *neighbour(struct pair *p, int side, const char *text)
{
  struct yeon_ip a = pair_ip(text);
  struct ip *ip = &p->host[side]->ip;
  for (uint32_t i = 0; (i = pool_next(&ip->neigh_pool, i)) != 0;) {
    struct ip_neigh *n = pool_at(&ip->neigh_pool, i);
    if (yeon_ip_equal(&n->ip, &a)) return n;
  }
  return NULL;
}

static void send_to(struct pair *p, struct yeon_udp *u, const char *to)
{
  struct yeon_addr a = pair_addr(to);
  assert_int_equal(yeon_udp_send(u, "x", 1, &a, p->now), 1);
}

static bool none_pass(struct pair *p, int from, uint8_t *bytes, size_t *len)
{
  (void)p, (void)from, (void)bytes, (void)len;
  return false;
}

static void resolved_both_ways(void **state)
{
  (void)state;
  static const char *const bound[] = {"10.0.0.2:5", "[fd00::2]:5"}, *const name[][2] = {{"10.0.0.1", "10.0.0.2"},
                                                                                        {"fd00::1", "fd00::2"}};
  struct pair *p = pair_open(true, 1500);
  pair_run(p, p->now + 2 * YEON_SEC);
  for (int six = 0; six < 2; six++) {
    struct yeon_udp *server = open_udp(p->host[1], bound[six]), *client = open_udp(p->host[0], NULL);
    send_to(p, client, bound[six]);
    pair_pump(p);
    assert_int_equal(yeon_udp_ready(server) & YEON_READABLE, YEON_READABLE);
    const struct ip_neigh *n = neighbour(p, 0, name[six][1]);
    assert_non_null(n);
    assert_int_equal(n->state, IP_NEIGH_REACHABLE);
    assert_memory_equal(n->mac, pair_mac(1), 6);
    n = neighbour(p, 1, name[six][0]); /* who asks is remembered */
    assert_non_null(n);
    assert_int_equal(n->state, IP_NEIGH_STALE);
    assert_memory_equal(n->mac, pair_mac(0), 6);
  }
  pair_close(p);
}

static void nobody_answers(void **state)
{
  (void)state;
  static const char *const to[] = {"10.0.0.77:5", "[fd00::77]:5"};
  for (int six = 0; six < 2; six++) {
    struct pair *p = pair_open(true, 1500);
    pair_run(p, p->now + 20 * YEON_SEC); /* routers asked for, duplicates looked for */
    struct yeon_udp *u = open_udp(p->host[0], NULL);
    struct yeon_addr peer = pair_addr(to[six]);
    yeon_time begun = p->now;
    uint32_t before = p->passed[0];
    assert_int_equal(yeon_udp_connect(u, &peer), 0);
    assert_int_equal(yeon_udp_send(u, "x", 1, NULL, p->now), 1);
    pair_run(p, begun + 3 * YEON_SEC - 1);
    assert_int_equal(p->passed[0] - before, 3);
    assert_int_equal(yeon_udp_ready(u) & YEON_ERROR, 0);
    pair_run(p, begun + 3 * YEON_SEC);
    assert_int_equal(yeon_udp_take_error(u), YEON_ERR_HOST_UNREACHABLE);
    assert_int_equal(count_of(p, 0)->neighbour_failed, 1);
    assert_null(neighbour(p, 0, six ? "fd00::77" : "10.0.0.77"));
    assert_int_equal(p->passed[0] - before, 3);
    pair_close(p);
  }
}

static void tcp_is_told_too(void **state)
{
  (void)state;
  struct pair *p = pair_open(true, 1500);
  struct yeon_tcp *t;
  struct yeon_addr peer = pair_addr("10.0.0.77:5");
  assert_int_equal(yeon_tcp_open(p->host[0], &t), 0);
  assert_int_equal(yeon_tcp_connect(t, &peer, p->now), 0);
  pair_run(p, p->now + 4 * YEON_SEC);
  assert_int_equal(yeon_tcp_take_error(t), YEON_ERR_HOST_UNREACHABLE);
  yeon_tcp_abort(t, p->now);
  pair_close(p);
}

static void the_newest_three_wait(void **state)
{
  (void)state;
  struct pair *p = pair_open(true, 1500);
  struct yeon_udp *server = open_udp(p->host[1], "10.0.0.2:5"), *client = open_udp(p->host[0], NULL);
  struct yeon_addr a = pair_addr("10.0.0.2:5");
  char buf[2];
  p->filter = none_pass;
  pair_pump(p);
  for (char c = '1'; c <= '5'; c++) {
    assert_int_equal(yeon_udp_send(client, &c, 1, &a, p->now), 1);
    pair_pump(p);
  }
  assert_int_equal(count_of(p, 0)->neighbour_queue_full, 2);
  p->filter = NULL;
  pair_run(p, p->now + 2 * YEON_SEC);
  for (char c = '3'; c <= '5'; c++) {
    assert_int_equal(yeon_udp_recv(server, buf, 2, NULL, NULL, NULL), 1);
    assert_int_equal(buf[0], c);
  }
  assert_int_equal(yeon_udp_recv(server, buf, 2, NULL, NULL, NULL), YEON_ERR_AGAIN);
  pair_close(p);
}

/* REACHABLE grows STALE, is used, asked directly, and confirmed or given up. */
static void an_old_neighbour_is_asked_again(void **state)
{
  (void)state;
  for (int six = 0; six < 2; six++) {
    const char *who = six ? "fd00::2" : "10.0.0.2", *to = six ? "[fd00::2]:5" : "10.0.0.2:5";
    struct pair *p = pair_open(true, 1500);
    struct yeon_udp *client = open_udp(p->host[0], NULL);
    open_udp(p->host[1], six ? "[fd00::2]:5" : "10.0.0.2:5");
    send_to(p, client, to);
    pair_run(p, p->now + 40 * YEON_SEC);
    assert_int_equal(neighbour(p, 0, who)->state, IP_NEIGH_REACHABLE);
    send_to(p, client, to);
    pair_pump(p);
    assert_int_equal(neighbour(p, 0, who)->state, IP_NEIGH_DELAY);
    pair_run(p, p->now + 5 * YEON_SEC);
    assert_int_equal(neighbour(p, 0, who)->state, IP_NEIGH_REACHABLE);
    pair_run(p, p->now + 40 * YEON_SEC);
    send_to(p, client, to);
    pair_pump(p);
    p->filter = none_pass;
    pair_run(p, p->now + 5 * YEON_SEC);
    assert_int_equal(neighbour(p, 0, who)->state, IP_NEIGH_PROBE);
    pair_run(p, p->now + 3 * YEON_SEC);
    assert_null(neighbour(p, 0, who));
    pair_close(p);
  }
}

static void say_arp(struct pair *p, int to, uint16_t op, const uint8_t *mac, const char *sender, const char *target)
{
  uint8_t packet[64], frame[128];
  struct wire_arp a = {.op = op, .sender_ip = pair_ip(sender), .target_ip = pair_ip(target)};
  memcpy(a.sender_mac, mac, 6);
  wire_arp_emit(&a, packet);
  pair_inject(p, to, frame, make_frame(frame, everyone, mac, WIRE_ETH_ARP, packet, 28));
}

static void nobody_is_believed_unasked(void **state)
{
  (void)state;
  static const uint8_t thief[6] = {2, 9, 9, 9, 9, 9};
  struct pair *p = pair_open(true, 1500);
  pair_pump(p);
  say_arp(p, 0, WIRE_ARP_REPLY, thief, "10.0.0.50", "10.0.0.50"); /* of one we never asked for */
  assert_null(neighbour(p, 0, "10.0.0.50"));
  say_arp(p, 0, WIRE_ARP_REQUEST, thief, "10.0.0.50", "10.0.0.51");
  assert_null(neighbour(p, 0, "10.0.0.50"));
  say_arp(p, 0, WIRE_ARP_REPLY, thief, "10.0.0.1", "10.0.0.1"); /* our own address */
  assert_int_equal(count_of(p, 0)->drop_arp_bad, 1);
  struct yeon_udp *client = open_udp(p->host[0], NULL);
  send_to(p, client, "10.0.0.2:5");
  pair_pump(p);
  say_arp(p, 0, WIRE_ARP_REQUEST, thief, "10.0.0.2", "10.0.0.2"); /* too soon after it was learnt */
  assert_memory_equal(neighbour(p, 0, "10.0.0.2")->mac, pair_mac(1), 6);
  p->now += 10 * YEON_SEC; /* a neighbour that really moves is followed, but has to prove itself */
  say_arp(p, 0, WIRE_ARP_REQUEST, thief, "10.0.0.2", "10.0.0.2");
  assert_memory_equal(neighbour(p, 0, "10.0.0.2")->mac, thief, 6);
  assert_int_equal(neighbour(p, 0, "10.0.0.2")->state, IP_NEIGH_STALE);
  pair_close(p);
}

static void requests_are_answered(void **state)
{
  (void)state;
  static const uint8_t other[6] = {2, 7, 7, 7, 7, 7};
  struct pair *p = pair_open(true, 1500);
  size_t len;
  pair_pump(p);
  say_arp(p, 1, WIRE_ARP_REQUEST, other, "10.0.0.9", "10.0.0.3");
  assert_false(pair_move(p, 1));
  say_arp(p, 1, WIRE_ARP_REQUEST, other, "0.0.0.0", "10.0.0.2"); /* a probe (RFC 5227) */
  assert_true(pair_move(p, 1));
  const uint8_t *m = pair_last(p, 1, &len);
  assert_int_equal(len, 28);
  assert_int_equal(wire_get16(m + 6), WIRE_ARP_REPLY);
  assert_memory_equal(m + 8, pair_mac(1), 6);
  assert_memory_equal(p->last[1], other, 6);
  assert_null(neighbour(p, 1, "0.0.0.0"));
  pair_close(p);
}

static void the_table_is_bounded(void **state)
{
  (void)state;
  struct pair *p = pair_open(true, 1500);
  struct yeon_ip net = yeon_ip4(10, 0, 0, 0);
  assert_int_equal(yeon_host_add_route(p->host[0], &net, 8, NULL, 0), 0);
  p->filter = none_pass;
  struct yeon_udp *u = open_udp(p->host[0], NULL);
  for (int i = 0; i < IP_NEIGHBOURS_MAX + 100; i++) {
    struct yeon_addr a = {yeon_ip4(10, 1, (uint8_t)(i >> 8), (uint8_t)i), 5};
    assert_int_equal(yeon_udp_send(u, "x", 1, &a, p->now), 1);
    pair_pump(p);
  }
  assert_int_equal(count_of(p, 0)->neighbour_limit, 100);
  pair_run(p, p->now + 4 * YEON_SEC);
  assert_int_equal(p->host[0]->ip.neigh_pool.used, 0);
  for (int i = 0; i < IP_NEIGHBOURS_MAX + 100; i++) { /* idle ones make room */
    uint8_t mac[6] = {2, 1, 1, 1, (uint8_t)(i >> 8), (uint8_t)i};
    char text[32];
    (void)snprintf(text, sizeof text, "10.1.%d.%d", i >> 8, i & 255);
    say_arp(p, 0, WIRE_ARP_REQUEST, mac, text, "10.0.0.1");
    pair_pump(p);
  }
  assert_int_equal(p->host[0]->ip.neigh_pool.used, IP_NEIGHBOURS_MAX);
  assert_int_equal(count_of(p, 0)->neighbour_limit, 100);
  pair_close(p);
}

static void say_nd(struct pair *p, int to, const char *src, const char *dst, const uint8_t *mac,
                   const struct wire_nd *nd, uint8_t hops)
{
  uint8_t packet[512], frame[600];
  struct wire_ipv6 h = {.src = pair_ip(src), .dst = pair_ip(dst), .next_header = 58, .hop_limit = hops};
  size_t n = wire_nd_emit(nd, packet + 40);
  h.payload_len = (uint16_t)n;
  wire_ipv6_emit(&h, packet);
  wire_icmp6_finish(packet + 40, n, &h.src, &h.dst);
  uint8_t to_mac[6];
  if (wire_ip_is_multicast(&h.dst))
    wire_eth_multicast(&h.dst, to_mac);
  else
    memcpy(to_mac, pair_mac(to), 6);
  pair_inject(p, to, frame, make_frame(frame, to_mac, mac, WIRE_ETH_IPV6, packet, 40 + n));
}

static void discovery_needs_hop_limit_255(void **state)
{
  (void)state;
  struct pair *p = pair_open(true, 1500);
  pair_pump(p);
  struct wire_nd nd = {.type = WIRE_ICMP6_NS,
                       .target = pair_ip("fd00::2"),
                       .has_source_mac = true,
                       .source_mac = {2, 7}};
  say_nd(p, 1, "fd00::9", "fd00::2", nd.source_mac, &nd, 254);
  assert_int_equal(count_of(p, 1)->drop_nd_bad, 1);
  assert_null(neighbour(p, 1, "fd00::9"));
  say_nd(p, 1, "fd00::9", "fd00::2", nd.source_mac, &nd, 255);
  assert_non_null(neighbour(p, 1, "fd00::9"));
  pair_close(p);
}

static bool has_addr(struct pair *p, int side, const char *text)
{
  struct yeon_ip a = pair_ip(text);
  return ip_local_find(&p->host[side]->ip, &a) != IP_NONE;
}

static void a_duplicate_address_is_given_up(void **state)
{
  (void)state;
  struct pair *p = pair_open(true, 1500);
  pair_run(p, p->now + 5 * YEON_SEC);
  struct yeon_ip same = pair_ip("fd00::2");
  assert_int_equal(yeon_host_add_addr(p->host[0], 0, &same, 64), 0);
  assert_true(has_addr(p, 0, "fd00::2"));
  pair_pump(p);
  assert_false(has_addr(p, 0, "fd00::2"));
  assert_true(has_addr(p, 1, "fd00::2"));
  struct yeon_ip own = pair_ip("fd00::3"); /* one that nobody has stays */
  assert_int_equal(yeon_host_add_addr(p->host[0], 0, &own, 64), 0);
  pair_run(p, p->now + 5 * YEON_SEC);
  assert_true(has_addr(p, 0, "fd00::3"));
  pair_close(p);
}

static struct wire_nd advert(void)
{
  struct wire_nd ra = {.type = WIRE_ICMP6_RA,
                       .hop_limit = 64,
                       .lifetime_s = 1800,
                       .has_source_mac = true,
                       .source_mac = {2, 5},
                       .mtu = 1400,
                       .n_prefixes = 1};
  ra.prefix[0] = (struct wire_nd_prefix){.prefix = pair_ip("2001:db8::"),
                                         .valid_s = 7200 * 2,
                                         .preferred_s = 3600,
                                         .len = 64,
                                         .on_link = true,
                                         .autonomous = true};
  return ra;
}

static void a_router_is_asked_for_and_heard(void **state)
{
  (void)state;
  struct pair *p = pair_open(true, 1500);
  struct wire_nd ra = advert();
  struct ip_way way;
  struct yeon_ip far = pair_ip("2a00::1"), near = pair_ip("2001:db8::99"), router = pair_ip("fe80::5");
  p->filter = none_pass;
  pair_run(p, p->now + 2 * YEON_SEC);
  assert_int_equal(p->host[0]->ip.link[0].rs_left, 2);
  assert_int_equal(ip_find_way(&p->host[0]->ip, &far, IP_NONE, &way, p->now), YEON_ERR_NO_ROUTE);
  say_nd(p, 0, "fe80::5", "ff02::1", ra.source_mac, &ra, 255);
  assert_int_equal(p->host[0]->ip.link[0].rs_left, 0);
  assert_true(has_addr(p, 0, "2001:db8::ff:fe00:1"));
  assert_int_equal(ip_find_way(&p->host[0]->ip, &far, IP_NONE, &way, p->now), 0);
  assert_true(yeon_ip_equal(&way.next_hop, &router));
  assert_int_equal(way.mtu, 1400);
  struct yeon_ip source = pair_ip("2001:db8::ff:fe00:1");
  assert_true(yeon_ip_equal(ip_local_at(&p->host[0]->ip, way.local), &source));
  assert_int_equal(ip_find_way(&p->host[0]->ip, &near, IP_NONE, &way, p->now), 0);
  assert_true(yeon_ip_equal(&way.next_hop, &near));
  pair_run(p, p->now + 1801 * YEON_SEC); /* the router's lifetime */
  assert_int_equal(ip_find_way(&p->host[0]->ip, &far, IP_NONE, &way, p->now), YEON_ERR_NO_ROUTE);
  pair_run(p, p->now + 14400 * YEON_SEC); /* the prefix's */
  assert_false(has_addr(p, 0, "2001:db8::ff:fe00:1"));
  pair_close(p);
}

/* RFC 4861 7.2.5: a router that says it is none any more is no default router; one whose word is not taken changes nothing. */
static void a_router_that_retires_is_left(void **state)
{
  (void)state;
  struct pair *p = pair_open(true, 1500);
  struct wire_nd ra = advert();
  struct wire_nd na = {.type = WIRE_ICMP6_NA,
                       .target = pair_ip("fe80::5"),
                       .has_target_mac = true,
                       .target_mac = {2, 9}};
  struct ip_way way;
  struct yeon_ip far = pair_ip("2a00::1"), near = pair_ip("2001:db8::99");
  p->filter = none_pass;
  say_nd(p, 0, "fe80::5", "ff02::1", ra.source_mac, &ra, 255);
  assert_int_equal(neighbour(p, 0, "fe80::5")->state, IP_NEIGH_STALE); /* 6.3.4: heard of, not yet proven */
  p->now += 2 * YEON_SEC;
  say_nd(p, 0, "fe80::5", "ff02::1", na.target_mac, &na, 255); /* another address, and not to override ours */
  assert_int_equal(ip_find_way(&p->host[0]->ip, &far, IP_NONE, &way, p->now), 0);
  na.override = na.router = true;
  say_nd(p, 0, "fe80::5", "ff02::1", na.target_mac, &na, 255);
  assert_int_equal(ip_find_way(&p->host[0]->ip, &far, IP_NONE, &way, p->now), 0);
  na.router = false;
  say_nd(p, 0, "fe80::5", "ff02::1", na.target_mac, &na, 255);
  assert_int_equal(ip_find_way(&p->host[0]->ip, &far, IP_NONE, &way, p->now), YEON_ERR_NO_ROUTE);
  assert_int_equal(ip_find_way(&p->host[0]->ip, &near, IP_NONE, &way, p->now), 0); /* what is on the link stays */
  pair_close(p);
}

/* RFC 1122 3.3.1.5, RFC 4861 6.3.6: a router that does not answer goes behind its equals, and the next packet takes another. */
static void a_silent_router_is_passed_over(void **state)
{
  (void)state;
  static const char *const far[] = {"9.9.9.9:5", "[2a00::1]:5"};
  static const char *const routers[][3] = {{"10.0.0.50", "10.0.0.51", "10.0.0.52"},
                                           {"fd00::50", "fd00::51", "fd00::52"}};
  for (int six = 0; six < 2; six++) {
    struct pair *p = pair_open(true, 1500);
    struct yeon_ip any = six ? (struct yeon_ip){{0}} : yeon_ip4(0, 0, 0, 0);
    struct yeon_addr to = pair_addr(far[six]);
    struct yeon_udp *u = open_udp(p->host[0], NULL);
    struct ip_way way;
    p->filter = none_pass;
    for (int i = 0; i < 3; i++) {
      struct yeon_ip router = pair_ip(routers[six][i]);
      assert_int_equal(yeon_host_add_route(p->host[0], &any, 0, &router, 0), 0);
    }
    for (int i = 0; i < 5; i++) { /* round and round */
      struct yeon_ip router = pair_ip(routers[six][i % 3]);
      assert_int_equal(ip_find_way(&p->host[0]->ip, &to.ip, IP_NONE, &way, p->now), 0);
      assert_true(yeon_ip_equal(&way.next_hop, &router));
      send_to(p, u, far[six]);
      pair_run(p, p->now + 4 * YEON_SEC);
      assert_int_equal(count_of(p, 0)->neighbour_failed, i + 1);
    }
    pair_close(p);
  }
}

/* RFC 4862 5.5.3 e: a forged advertisement can not take an address away at once. */
static void lifetimes_shrink_slowly(void **state)
{
  (void)state;
  struct pair *p = pair_open(true, 1500);
  struct wire_nd ra = advert();
  p->filter = none_pass;
  say_nd(p, 0, "fe80::5", "ff02::1", ra.source_mac, &ra, 255);
  ra.prefix[0].valid_s = ra.prefix[0].preferred_s = 1;
  say_nd(p, 0, "fe80::5", "ff02::1", ra.source_mac, &ra, 255);
  pair_run(p, p->now + 7100 * YEON_SEC);
  assert_true(has_addr(p, 0, "2001:db8::ff:fe00:1"));
  pair_run(p, p->now + 200 * YEON_SEC);
  assert_false(has_addr(p, 0, "2001:db8::ff:fe00:1"));
  say_nd(p, 0, "2001:db8::5", "ff02::1", ra.source_mac, &ra, 255); /* not from a link-local address */
  assert_int_equal(count_of(p, 0)->drop_nd_bad, 1);
  pair_close(p);
}

static void advertised_tables_are_bounded(void **state)
{
  (void)state;
  struct pair *p = pair_open(true, 1500);
  p->filter = none_pass;
  for (int i = 0; i < 200; i++) {
    struct wire_nd ra = advert();
    char text[32];
    (void)snprintf(text, sizeof text, "fe80::%x", i + 1);
    ra.prefix[0].prefix.b[5] = (uint8_t)i;
    say_nd(p, 0, text, "ff02::1", ra.source_mac, &ra, 255);
    pair_pump(p);
  }
  uint32_t learnt = 0, made = 0;
  for (uint32_t i = 0; i < p->host[0]->ip.n_routes; i++) learnt += p->host[0]->ip.routes[i].learnt;
  for (uint32_t i = 0; i < p->host[0]->ip.n_locals; i++) made += (p->host[0]->ip.locals[i].flags & IP_LOCAL_AUTO) != 0;
  assert_int_equal(learnt, IP_RA_ROUTES_MAX);
  assert_int_equal(made, IP_RA_ADDRS_MAX + 1);
  pair_close(p);
}

/* A router that advertises ever new prefixes, each for a second: slots are never used again, so they must not run out, nor the walks over them grow. */
static void fleeting_prefixes_are_bounded(void **state)
{
  (void)state;
  struct pair *p = pair_open(true, 1500);
  p->filter = none_pass;
  for (unsigned i = 0; i < 2000; i++) {
    struct wire_nd ra = advert();
    ra.prefix[0].valid_s = ra.prefix[0].preferred_s = 1;
    ra.prefix[0].prefix.b[4] = (uint8_t)(i >> 8);
    ra.prefix[0].prefix.b[5] = (uint8_t)i;
    say_nd(p, 0, "fe80::1", "ff02::1", ra.source_mac, &ra, 255);
    pair_run(p, p->now + 1100 * YEON_MS);
  }
  assert_in_range(p->host[0]->ip.n_locals, IP_RA_GONE_MAX, IP_RA_GONE_MAX + 2 * IP_RA_ADDRS_MAX);
  struct yeon_ip own = yeon_ip4(10, 9, 9, 9);
  assert_int_equal(yeon_host_add_addr(p->host[0], 0, &own, 24), 0);
  pair_close(p);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(resolved_both_ways),
      cmocka_unit_test(nobody_answers),
      cmocka_unit_test(tcp_is_told_too),
      cmocka_unit_test(the_newest_three_wait),
      cmocka_unit_test(an_old_neighbour_is_asked_again),
      cmocka_unit_test(nobody_is_believed_unasked),
      cmocka_unit_test(requests_are_answered),
      cmocka_unit_test(the_table_is_bounded),
      cmocka_unit_test(discovery_needs_hop_limit_255),
      cmocka_unit_test(a_duplicate_address_is_given_up),
      cmocka_unit_test(a_router_is_asked_for_and_heard),
      cmocka_unit_test(a_router_that_retires_is_left),
      cmocka_unit_test(a_silent_router_is_passed_over),
      cmocka_unit_test(lifetimes_shrink_slowly),
      cmocka_unit_test(advertised_tables_are_bounded),
      cmocka_unit_test(fleeting_prefixes_are_bounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
