/* wire/nd: neighbour discovery messages and their validation. */
#include "test_wire_util.h"
#include "wire/icmp.h"
#include "wire/nd.h"

/* As Linux kernels sent them, from the IPv6 header on: NS, NA, RS. */
static const char linux_ns[] = "6000000000203afffd090000000000000000000000000001ff0200000000000000000001ff000002"
                               "8700064500000000fd0900000000000000000000000000020101925679496da1";
static const char linux_na[] = "6000000000203afffd090000000000000000000000000002fd090000000000000000000000000001"
                               "88004cf360000000fd0900000000000000000000000000020201be55181dfb1a";
static const char linux_rs[] = "6000000000103afffe80000000000000bc5518fffe1dfb1aff020000000000000000000000000002"
                               "8500dc12000000000101be55181dfb1a";

static const struct yeon_ip router = {{0xfe, 0x80, [15] = 1}};
static const struct yeon_ip all_nodes = {{0xff, 2, [15] = 1}};
static const struct yeon_ip unspecified;

static int parse_exact(const uint8_t *p, size_t len, const struct wire_ipv6 *ip, struct wire_nd *nd)
{
  uint8_t *copy = exact(p, len);
  int result = wire_nd_parse(copy, len, ip, nd);
  free(copy);
  return result;
}

/* Parses, checks the checksum, and makes the same bytes again. */
static void known(const char *text, struct wire_ipv6 *ip, struct wire_nd *nd)
{
  uint8_t p[128], again[WIRE_ND_MAX];
  size_t n = unhex(text, p, sizeof p);
  struct yeon_slice s = {p, n};
  assert_int_equal(wire_ipv6_parse(p, n, n, ip), WIRE_OK);
  assert_true(wire_icmp6_checksum_ok(&s, 1, 40, n - 40, &ip->src, &ip->dst));
  assert_int_equal(parse_exact(p + 40, n - 40, ip, nd), WIRE_OK);
  assert_int_equal(wire_nd_size(nd), n - 40);
  assert_int_equal(wire_nd_emit(nd, again), n - 40);
  wire_icmp6_finish(again, n - 40, &ip->src, &ip->dst);
  assert_memory_equal(p + 40, again, n - 40);
}

static void known_messages(void **state)
{
  (void)state;
  struct wire_ipv6 ip;
  struct wire_nd nd;
  const uint8_t asker[] = {0x92, 0x56, 0x79, 0x49, 0x6d, 0xa1}, answerer[] = {0xbe, 0x55, 0x18, 0x1d, 0xfb, 0x1a};
  known(linux_ns, &ip, &nd);
  assert_int_equal(nd.type, WIRE_ICMP6_NS);
  assert_true(nd.has_source_mac && !nd.has_target_mac);
  assert_memory_equal(nd.source_mac, asker, 6);
  struct yeon_ip group = wire_nd_solicited_node(&nd.target), target = nd.target;
  assert_memory_equal(group.b, ip.dst.b, 16);
  known(linux_na, &ip, &nd);
  assert_int_equal(nd.type, WIRE_ICMP6_NA);
  assert_true(nd.solicited && nd.override && !nd.router && nd.has_target_mac);
  assert_memory_equal(nd.target_mac, answerer, 6);
  assert_memory_equal(nd.target.b, target.b, 16);
  known(linux_rs, &ip, &nd);
  assert_int_equal(nd.type, WIRE_ICMP6_RS);
  assert_memory_equal(nd.source_mac, answerer, 6);
}

static void random_message(struct random *r, struct wire_nd *nd)
{
  static const uint8_t types[] = {WIRE_ICMP6_RS, WIRE_ICMP6_RA, WIRE_ICMP6_NS, WIRE_ICMP6_NA};
  memset(nd, 0, sizeof *nd);
  nd->type = types[random_below(r, 4)];
  random_bytes(r, nd->source_mac, 6);
  random_bytes(r, nd->target_mac, 6);
  nd->source_mac[0] &= 0xfe;
  nd->target_mac[0] &= 0xfe;
  nd->has_source_mac = random_bool(r) && nd->type != WIRE_ICMP6_NA;
  nd->has_target_mac = random_bool(r) && nd->type == WIRE_ICMP6_NA;
  nd->target = random_ip6(r);
  nd->router = random_bool(r);
  nd->override = random_bool(r);
  nd->hop_limit = (uint8_t)random_next(r);
  nd->managed = random_bool(r);
  nd->other = random_bool(r);
  nd->lifetime_s = (uint16_t)random_next(r);
  nd->reachable_ms = random_next(r);
  nd->retrans_ms = random_next(r);
  nd->mtu = random_bool(r) ? random_next(r) : 0;
  nd->n_prefixes = (uint8_t)random_below(r, WIRE_ND_PREFIXES + 1);
  for (unsigned i = 0; i < nd->n_prefixes; i++)
    nd->prefix[i] = (struct wire_nd_prefix){.prefix = random_ip6(r),
                                            .valid_s = random_next(r),
                                            .preferred_s = random_next(r),
                                            .len = (uint8_t)random_below(r, 129),
                                            .on_link = random_bool(r),
                                            .autonomous = random_bool(r)};
}

static void assert_same_prefixes(const struct wire_nd *a, const struct wire_nd *b)
{
  assert_int_equal(a->n_prefixes, b->n_prefixes);
  for (unsigned i = 0; i < a->n_prefixes; i++) {
    const struct wire_nd_prefix *x = &a->prefix[i], *y = &b->prefix[i];
    assert_memory_equal(x->prefix.b, y->prefix.b, 16);
    assert_true(x->valid_s == y->valid_s && x->preferred_s == y->preferred_s && x->len == y->len);
    assert_true(x->on_link == y->on_link && x->autonomous == y->autonomous);
  }
}

static void round_trip(void **state)
{
  (void)state;
  struct random r = {1};
  struct wire_ipv6 ip = {.src = router, .dst = all_nodes, .hop_limit = 255};
  for (int round = 0; round < 20000; round++) {
    struct wire_nd a, b;
    uint8_t p[WIRE_ND_MAX];
    random_message(&r, &a);
    size_t n = wire_nd_emit(&a, p);
    assert_true(n <= sizeof p && n == wire_nd_size(&a));
    assert_int_equal(parse_exact(p, n, &ip, &b), WIRE_OK);
    assert_int_equal(a.type, b.type);
    assert_int_equal(a.has_source_mac, b.has_source_mac);
    assert_int_equal(a.has_target_mac, b.has_target_mac);
    if (a.has_source_mac) assert_memory_equal(a.source_mac, b.source_mac, 6);
    if (a.has_target_mac) assert_memory_equal(a.target_mac, b.target_mac, 6);
    if (a.type == WIRE_ICMP6_RA) {
      assert_true(a.hop_limit == b.hop_limit && a.managed == b.managed && a.other == b.other && a.mtu == b.mtu);
      assert_true(a.lifetime_s == b.lifetime_s && a.reachable_ms == b.reachable_ms && a.retrans_ms == b.retrans_ms);
      assert_same_prefixes(&a, &b);
    }
    if (a.type == WIRE_ICMP6_NS || a.type == WIRE_ICMP6_NA) assert_memory_equal(a.target.b, b.target.b, 16);
    if (a.type == WIRE_ICMP6_NA) assert_true(a.router == b.router && a.override == b.override && !b.solicited);
  }
}

/* Cut between options it is a shorter message; anywhere else it is refused. */
static void every_truncation(void **state)
{
  (void)state;
  struct wire_ipv6 ip = {.src = router, .dst = all_nodes, .hop_limit = 255};
  struct wire_nd a = {.type = WIRE_ICMP6_RA, .has_source_mac = true, .mtu = 1500, .n_prefixes = 2}, b;
  uint8_t p[WIRE_ND_MAX];
  size_t n = wire_nd_emit(&a, p);
  assert_int_equal(n, 16 + 8 + 8 + 64);
  for (size_t len = 0; len <= n; len++) {
    bool whole = len == 16 || len == 24 || len == 32 || len == 64 || len == 96;
    assert_int_equal(parse_exact(p, len, &ip, &b), len < 16 ? WIRE_SHORT : whole ? WIRE_OK : WIRE_BAD_OPTION);
  }
}

/* RFC 4861 6.1.1, 6.1.2, 7.1.1, 7.1.2: one row breaks one rule. */
static int parse_with(const struct wire_nd *nd, struct yeon_ip src, struct yeon_ip dst, uint8_t hop_limit)
{
  struct wire_ipv6 ip = {.src = src, .dst = dst, .hop_limit = hop_limit};
  struct wire_nd back;
  uint8_t p[WIRE_ND_MAX];
  size_t n = wire_nd_emit(nd, p);
  return parse_exact(p, n, &ip, &back);
}

static void validation(void **state)
{
  (void)state;
  const struct yeon_ip host = {{0x20, 1, [15] = 7}}, mapped = {{[10] = 0xff, [11] = 0xff, [15] = 7}};
  struct yeon_ip node = wire_nd_solicited_node(&host);
  struct wire_nd ns = {.type = WIRE_ICMP6_NS, .target = host}, na = {.type = WIRE_ICMP6_NA, .target = host};
  struct wire_nd ra = {.type = WIRE_ICMP6_RA}, rs = {.type = WIRE_ICMP6_RS};
  assert_int_equal(parse_with(&ns, router, node, 255), WIRE_OK);
  assert_int_equal(parse_with(&ns, router, node, 254), WIRE_BAD_VALUE);
  assert_int_equal(parse_with(&na, router, host, 254), WIRE_BAD_VALUE);
  assert_int_equal(parse_with(&ra, router, all_nodes, 254), WIRE_BAD_VALUE);
  assert_int_equal(parse_with(&rs, router, all_nodes, 0), WIRE_BAD_VALUE);
  assert_int_equal(parse_with(&ra, router, all_nodes, 255), WIRE_OK);
  assert_int_equal(parse_with(&ra, host, all_nodes, 255), WIRE_BAD_VALUE);
  /* A probe for an address in use. */
  assert_int_equal(parse_with(&ns, unspecified, node, 255), WIRE_OK);
  assert_int_equal(parse_with(&ns, unspecified, all_nodes, 255), WIRE_BAD_VALUE);
  assert_int_equal(parse_with(&ns, unspecified, host, 255), WIRE_BAD_VALUE);
  ns.has_source_mac = rs.has_source_mac = true;
  assert_int_equal(parse_with(&ns, router, node, 255), WIRE_OK);
  assert_int_equal(parse_with(&ns, unspecified, node, 255), WIRE_BAD_VALUE);
  assert_int_equal(parse_with(&rs, router, all_nodes, 255), WIRE_OK);
  assert_int_equal(parse_with(&rs, unspecified, all_nodes, 255), WIRE_BAD_VALUE);
  /* Answers. */
  na.solicited = true;
  assert_int_equal(parse_with(&na, router, host, 255), WIRE_OK);
  assert_int_equal(parse_with(&na, router, all_nodes, 255), WIRE_BAD_VALUE);
  na.solicited = false;
  assert_int_equal(parse_with(&na, router, all_nodes, 255), WIRE_OK);
  na.target = all_nodes;
  ns.target = mapped;
  assert_int_equal(parse_with(&na, router, all_nodes, 255), WIRE_BAD_VALUE);
  assert_int_equal(parse_with(&ns, router, node, 255), WIRE_BAD_VALUE);
}

/* An RA of 16 bytes with these options. */
static int parse_options(const char *options, struct wire_nd *nd)
{
  struct wire_ipv6 ip = {.src = router, .dst = all_nodes, .hop_limit = 255};
  uint8_t p[400] = {WIRE_ICMP6_RA};
  size_t n = 16 + unhex(options, p + 16, sizeof p - 16);
  return parse_exact(p, n, &ip, nd);
}

static void options(void **state)
{
  (void)state;
  struct wire_nd nd;
  assert_int_equal(parse_options("0500000000000500", &nd), WIRE_BAD_OPTION); /* length 0: would never end */
  assert_int_equal(parse_options("0e01000000000000"
                                 "ff00000000000000",
                                 &nd),
                   WIRE_BAD_OPTION);
  assert_int_equal(parse_options("fe02000000000000", &nd), WIRE_BAD_OPTION); /* beyond the end */
  assert_int_equal(parse_options("0301000000000000", &nd), WIRE_BAD_OPTION); /* a short prefix */
  assert_int_equal(parse_options("0502000000000500"
                                 "0000000000000000",
                                 &nd),
                   WIRE_BAD_OPTION);
  assert_int_equal(parse_options("0102020000000001"
                                 "0000000000000000",
                                 &nd),
                   WIRE_BAD_OPTION);
  assert_int_equal(parse_options("0101030000000001", &nd), WIRE_BAD_VALUE); /* a group as router's MAC */
  assert_int_equal(parse_options("fe02000000000000"
                                 "0000000000000000"
                                 "05010000000005dc",
                                 &nd),
                   WIRE_OK);
  assert_int_equal(nd.mtu, 1500);                                    /* behind an unknown one */
  assert_int_equal(parse_options("0201030000000001", &nd), WIRE_OK); /* does not belong to an RA: not looked at */
  assert_false(nd.has_target_mac);
  assert_int_equal(parse_options("0304814000000000"
                                 "0000000000000000"
                                 "2001000000000000"
                                 "0000000000000000",
                                 &nd),
                   WIRE_OK);
  assert_int_equal(nd.n_prefixes, 0); /* 129 bits */
}

static void more_prefixes_than_are_kept(void **state)
{
  (void)state;
  char text[1024] = "";
  struct wire_nd nd;
  for (int i = 0; i < WIRE_ND_PREFIXES + 2; i++)
    strcat(text, "030440c00000000100000002000000002001000000000000"
                 "0000000000000000");
  assert_int_equal(parse_options(text, &nd), WIRE_OK);
  assert_int_equal(nd.n_prefixes, WIRE_ND_PREFIXES);
  const struct wire_nd_prefix *last = &nd.prefix[WIRE_ND_PREFIXES - 1];
  assert_true(last->len == 64 && last->on_link && last->autonomous && last->valid_s == 1 && last->preferred_s == 2);
}

static void other_messages(void **state)
{
  (void)state;
  struct wire_ipv6 ip = {.src = router, .dst = all_nodes, .hop_limit = 255};
  struct wire_nd nd;
  for (unsigned type = 0; type < 256; type++) {
    uint8_t p[40] = {(uint8_t)type};
    bool is_nd = type >= WIRE_ICMP6_RS && type <= WIRE_ICMP6_NA;
    assert_int_equal(parse_exact(p, 0, &ip, &nd), WIRE_SHORT);
    assert_int_equal(parse_exact(p, 8, &ip, &nd), type == WIRE_ICMP6_RS ? WIRE_OK
                                                  : is_nd               ? WIRE_SHORT
                                                                        : WIRE_BAD_VALUE);
    p[1] = 1; /* a code */
    assert_int_equal(parse_exact(p, 40, &ip, &nd), WIRE_BAD_VALUE);
  }
}

static void bit_flips(void **state)
{
  (void)state;
  struct random r = {7};
  struct wire_ipv6 ip = {.src = router, .dst = all_nodes, .hop_limit = 255};
  unsigned results[8] = {0};
  for (int round = 0; round < 50000; round++) {
    struct wire_nd a, b;
    uint8_t p[WIRE_ND_MAX];
    random_message(&r, &a);
    size_t n = wire_nd_emit(&a, p);
    p[random_below(&r, (uint32_t)n)] ^= (uint8_t)(1u << random_below(&r, 8));
    int result = parse_exact(p, n, &ip, &b);
    assert_true(result <= 0 && result > -8);
    results[-result]++;
    assert_true(b.n_prefixes <= WIRE_ND_PREFIXES);
  }
  assert_true(results[0] > 1000 && results[-WIRE_BAD_OPTION] > 100 && results[-WIRE_BAD_VALUE] > 1000);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(known_messages), cmocka_unit_test(round_trip), cmocka_unit_test(every_truncation),
      cmocka_unit_test(validation),     cmocka_unit_test(options),    cmocka_unit_test(more_prefixes_than_are_kept),
      cmocka_unit_test(other_messages), cmocka_unit_test(bit_flips),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
