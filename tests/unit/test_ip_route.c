/* Routes, local addresses and the choice between them. */
#include "pair.h"

static struct pair *open_two_links(void)
{
  struct pair *p = pair_open(false, 1500);
  struct yeon_link_config l = {.name = "second", .mtu = 9000};
  assert_int_equal(yeon_host_add_link(p->host[0], &l), 1);
  struct yeon_ip four = pair_ip("192.168.1.1"), six = pair_ip("2001:db8::1");
  assert_int_equal(yeon_host_add_addr(p->host[0], 1, &four, 24), 0);
  assert_int_equal(yeon_host_add_addr(p->host[0], 1, &six, 64), 0);
  return p;
}

static void route(struct pair *p, const char *dst, unsigned len, const char *gateway, unsigned link)
{
  struct yeon_ip d = pair_ip(dst), g;
  if (gateway) g = pair_ip(gateway);
  assert_int_equal(yeon_host_add_route(p->host[0], &d, len, gateway ? &g : NULL, link), 0);
}

static void expect(struct pair *p, const char *dst, unsigned link, const char *next_hop, const char *source)
{
  struct yeon_ip d = pair_ip(dst), n = pair_ip(next_hop), s = pair_ip(source);
  struct ip_way way;
  assert_int_equal(ip_find_way(&p->host[0]->ip, &d, IP_NONE, &way, p->now), 0);
  assert_int_equal(way.link, link);
  assert_true(yeon_ip_equal(&way.next_hop, &n));
  assert_true(yeon_ip_equal(ip_local_at(&p->host[0]->ip, way.local), &s));
}

static void the_longest_prefix_wins(void **state)
{
  (void)state;
  struct pair *p = open_two_links();
  struct yeon_ip nowhere = pair_ip("8.8.8.8");
  struct ip_way way;
  assert_int_equal(ip_find_way(&p->host[0]->ip, &nowhere, IP_NONE, &way, p->now), YEON_ERR_NO_ROUTE);
  route(p, "0.0.0.0", 0, "10.0.0.254", 0);
  route(p, "8.0.0.0", 8, "192.168.1.254", 1);
  route(p, "8.8.0.0", 16, NULL, 0);
  route(p, "8.8.8.8", 32, "192.168.1.7", 1);
  route(p, "::", 0, "fd00::254", 0);
  route(p, "2001:db8:1::", 48, "2001:db8::7", 1);
  expect(p, "9.9.9.9", 0, "10.0.0.254", "10.0.0.1");
  expect(p, "8.9.9.9", 1, "192.168.1.254", "192.168.1.1");
  expect(p, "8.8.9.9", 0, "8.8.9.9", "10.0.0.1");
  expect(p, "8.8.8.8", 1, "192.168.1.7", "192.168.1.1");
  expect(p, "192.168.1.77", 1, "192.168.1.77", "192.168.1.1");
  expect(p, "2a00::1", 0, "fd00::254", "fd00::1");
  expect(p, "2001:db8:1::5", 1, "2001:db8::7", "2001:db8::1");
  expect(p, "2001:db8::5", 1, "2001:db8::5", "2001:db8::1");
  expect(p, "10.0.0.1", IP_LOOP, "10.0.0.1", "10.0.0.1");
  expect(p, "127.9.9.9", IP_LOOP, "127.9.9.9", "127.9.9.9");
  pair_close(p);
}

static void among_equals_the_oldest_or_the_sources_own(void **state)
{
  (void)state;
  struct pair *p = open_two_links();
  struct yeon_ip dst = pair_ip("9.9.9.9"), second = pair_ip("192.168.1.1");
  struct ip_way way;
  route(p, "0.0.0.0", 0, "10.0.0.254", 0);
  route(p, "0.0.0.0", 0, "192.168.1.254", 1);
  expect(p, "9.9.9.9", 0, "10.0.0.254", "10.0.0.1");
  uint16_t source = ip_local_find(&p->host[0]->ip, &second);
  assert_int_equal(ip_find_way(&p->host[0]->ip, &dst, source, &way, p->now), 0);
  assert_int_equal(way.link, 1);
  assert_int_equal(way.local, source);
  pair_close(p);
}

static void bad_configuration_is_refused(void **state)
{
  (void)state;
  struct pair *p = open_two_links();
  struct yeon_host *h = p->host[0];
  struct yeon_ip a = pair_ip("10.0.0.1"), group = pair_ip("224.1.1.1"), any = pair_ip("0.0.0.0"),
                 fresh = pair_ip("10.5.5.5"), loop = pair_ip("127.0.0.5"), six = pair_ip("fd00::9");
  assert_int_equal(yeon_host_add_addr(h, 0, &a, 24), YEON_ERR_IN_USE);
  assert_int_equal(yeon_host_add_addr(h, 0, &group, 24), YEON_ERR_INVALID);
  assert_int_equal(yeon_host_add_addr(h, 0, &any, 24), YEON_ERR_INVALID);
  assert_int_equal(yeon_host_add_addr(h, 0, &loop, 8), YEON_ERR_INVALID);
  assert_int_equal(yeon_host_add_addr(h, 0, &fresh, 33), YEON_ERR_INVALID);
  assert_int_equal(yeon_host_add_addr(h, 7, &fresh, 24), YEON_ERR_INVALID);
  assert_int_equal(yeon_host_add_route(h, &fresh, 33, NULL, 0), YEON_ERR_INVALID);
  assert_int_equal(yeon_host_add_route(h, &fresh, 32, &six, 0), YEON_ERR_INVALID);
  assert_int_equal(yeon_host_add_route(h, &fresh, 32, NULL, 2), YEON_ERR_INVALID);
  assert_int_equal(yeon_host_del_addr(h, 1, &a), YEON_ERR_ADDRESS);
  assert_int_equal(yeon_host_set_mtu(h, 0, 500), YEON_ERR_INVALID);
  assert_int_equal(yeon_host_set_mtu(h, 2, 1500), YEON_ERR_INVALID);
  struct yeon_link_config l = {.name = "x", .mtu = 575};
  assert_int_equal(yeon_host_add_link(h, &l), YEON_ERR_INVALID);
  l.mtu = 1000;
  for (int i = 2; i < YEON_HOST_LINKS; i++) assert_int_equal(yeon_host_add_link(h, &l), i);
  assert_int_equal(yeon_host_add_link(h, &l), YEON_ERR_LIMIT);
  assert_int_equal(yeon_host_add_addr(h, 2, &six, 64), YEON_ERR_INVALID); /* too narrow for IPv6 */
  pair_close(p);
}

static void an_index_is_never_another_address(void **state)
{
  (void)state;
  struct pair *p = pair_open(false, 1500);
  struct yeon_host *h = p->host[0];
  struct yeon_ip a = pair_ip("10.0.0.50"), b = pair_ip("10.0.0.51"), near = pair_ip("10.0.0.9");
  struct ip_way way;
  assert_int_equal(yeon_host_add_addr(h, 0, &a, 24), 0);
  uint16_t first = ip_local_find(&h->ip, &a);
  assert_int_equal(yeon_host_del_addr(h, 0, &a), 0);
  assert_int_equal(ip_local_find(&h->ip, &a), IP_NONE);
  assert_false(ip_local_live(&h->ip, first));
  assert_int_equal(yeon_host_add_addr(h, 0, &b, 24), 0);
  assert_int_not_equal(ip_local_find(&h->ip, &b), first);
  assert_int_equal(yeon_host_add_addr(h, 0, &a, 24), 0);
  assert_int_equal(ip_local_find(&h->ip, &a), first);
  struct yeon_ip own = pair_ip("10.0.0.1"); /* the subnet's route lives while one address of it does */
  assert_int_equal(yeon_host_del_addr(h, 0, &own), 0);
  assert_int_equal(yeon_host_del_addr(h, 0, &b), 0);
  assert_int_equal(ip_find_way(&h->ip, &near, IP_NONE, &way, p->now), 0);
  assert_int_equal(yeon_host_del_addr(h, 0, &a), 0);
  assert_int_equal(ip_find_way(&h->ip, &near, IP_NONE, &way, p->now), YEON_ERR_NO_ROUTE);
  pair_close(p);
}

static void many_addresses(void **state)
{
  (void)state;
  struct pair *p = pair_open(false, 1500);
  struct ip *ip = &p->host[0]->ip;
  for (int i = 0; i < 3000; i++) {
    struct yeon_ip a = yeon_ip4(10, 7, (uint8_t)(i / 200), (uint8_t)(1 + i % 200));
    assert_int_equal(yeon_host_add_addr(p->host[0], 0, &a, 16), 0);
  }
  for (int i = 0; i < 3000; i++) {
    struct yeon_ip a = yeon_ip4(10, 7, (uint8_t)(i / 200), (uint8_t)(1 + i % 200));
    uint16_t index = ip_local_find(ip, &a);
    assert_int_not_equal(index, IP_NONE);
    assert_true(yeon_ip_equal(ip_local_at(ip, index), &a));
  }
  for (int i = 0; i < IP_LOOPBACKS_MAX + 10; i++) { /* 127/8 on demand, up to its limit */
    struct yeon_ip a = yeon_ip4(127, 1, (uint8_t)(i >> 8), (uint8_t)i);
    assert_int_equal(ip_local_find(ip, &a) != IP_NONE, i < IP_LOOPBACKS_MAX);
  }
  pair_close(p);
}

static void sources_of_the_right_scope(void **state)
{
  (void)state;
  struct pair *p = pair_open(true, 1500);
  struct ip *ip = &p->host[0]->ip;
  struct yeon_ip near = pair_ip("fe80::99"), far = pair_ip("fd00::99"), extra = pair_ip("fd00:1::1"),
                 like_extra = pair_ip("fd00:1::77");
  struct yeon_ip linklocal = pair_ip("fe80::ff:fe00:1"), global = pair_ip("fd00::1");
  assert_int_equal(yeon_host_add_addr(p->host[0], 0, &extra, 64), 0);
  assert_true(yeon_ip_equal(ip_local_at(ip, ip_choose_source(ip, 0, &near, p->now)), &linklocal));
  assert_true(yeon_ip_equal(ip_local_at(ip, ip_choose_source(ip, 0, &far, p->now)), &global));
  assert_true(yeon_ip_equal(ip_local_at(ip, ip_choose_source(ip, 0, &like_extra, p->now)), &extra));
  ip->locals[ip_local_find(ip, &extra)].preferred_until = p->now; /* deprecated */
  assert_true(yeon_ip_equal(ip_local_at(ip, ip_choose_source(ip, 0, &like_extra, p->now)), &global));
  pair_close(p);
}

static void prefixes(void **state)
{
  (void)state;
  struct yeon_ip a = pair_ip("10.0.0.1"), b = pair_ip("10.0.0.129"), c = pair_ip("11.0.0.1");
  assert_true(ip_prefix_match(&a, &b, 96 + 24));
  assert_false(ip_prefix_match(&a, &b, 96 + 25));
  assert_true(ip_prefix_match(&a, &a, 128));
  assert_true(ip_prefix_match(&a, &c, 96 + 7));
  assert_true(ip_prefix_match(&a, &c, 0));
  assert_int_equal(ip_prefix_common(&a, &b), 96 + 24);
  assert_int_equal(ip_prefix_common(&a, &c), 96 + 7);
  assert_int_equal(ip_prefix_common(&a, &a), 128);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_longest_prefix_wins),
      cmocka_unit_test(among_equals_the_oldest_or_the_sources_own),
      cmocka_unit_test(bad_configuration_is_refused),
      cmocka_unit_test(an_index_is_never_another_address),
      cmocka_unit_test(many_addresses),
      cmocka_unit_test(sources_of_the_right_scope),
      cmocka_unit_test(prefixes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
