/* wire/icmp: messages, their checksums, and the packets inside errors. */
#include "test_wire_util.h"
#include "wire/icmp.h"
#include "wire/ipv6.h"

/* Port unreachable, as a Linux kernel sent it over each family, IP header included. */
static const char linux_unreach4[] = "45c0003d0a2c0000400171d27f0000017f000001030315f500000000"
                                     "45000021fab14000401142187f0000017f000001ecf2b814000dfe2068656c6c6f";
static const char linux_unreach6[] = "60084a3800393a40fd090000000000000000000000000002fd090000000000000000000000000001"
                                     "0104abf100000000"
                                     "6007ee9700091140fd090000000000000000000000000001fd090000000000000000000000000002"
                                     "8c3d00090009fa3078";

static void unreachable4(void **state)
{
  (void)state;
  uint8_t p[128];
  size_t n = unhex(linux_unreach4, p, sizeof p);
  struct yeon_slice s = {p, n};
  struct wire_icmp m;
  struct wire_embedded e;
  assert_true(wire_icmp4_checksum_ok(&s, 1, 20, n - 20));
  assert_int_equal(wire_icmp4_parse(p + 20, n - 20, &m), WIRE_OK);
  assert_int_equal(m.type, WIRE_ICMP4_UNREACHABLE);
  assert_int_equal(m.code, WIRE_ICMP4_PORT);
  assert_int_equal(m.checksum, 0x15f5);
  assert_true(m.is_error);
  assert_int_equal(m.mtu, 0);
  assert_int_equal(wire_icmp4_embedded(p + 28, n - 28, &e), WIRE_OK);
  struct yeon_ip lo = {{[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}};
  assert_memory_equal(e.src.b, lo.b, 16);
  assert_memory_equal(e.dst.b, lo.b, 16);
  assert_int_equal(e.ip_len, 33);
  assert_int_equal(e.protocol, 17);
  assert_true(e.has_ports);
  assert_false(e.has_seq || e.is_fragment);
  assert_int_equal(e.src_port, 0xecf2);
  assert_int_equal(e.dst_port, 47124);
}

static void unreachable6(void **state)
{
  (void)state;
  uint8_t p[160];
  size_t n = unhex(linux_unreach6, p, sizeof p);
  struct yeon_slice s = {p, n};
  struct wire_ipv6 ip;
  struct wire_icmp m;
  struct wire_embedded e;
  assert_int_equal(wire_ipv6_parse(p, n, n, &ip), WIRE_OK);
  assert_true(wire_icmp6_checksum_ok(&s, 1, 40, n - 40, &ip.src, &ip.dst));
  assert_int_equal(wire_icmp6_parse(p + 40, n - 40, &m), WIRE_OK);
  assert_int_equal(m.type, WIRE_ICMP6_UNREACHABLE);
  assert_int_equal(m.code, WIRE_ICMP6_PORT);
  assert_true(m.is_error);
  assert_int_equal(wire_icmp6_embedded(p + 48, n - 48, &e), WIRE_OK);
  assert_memory_equal(e.src.b, ip.dst.b, 16);
  assert_memory_equal(e.dst.b, ip.src.b, 16);
  assert_int_equal(e.ip_len, 49);
  assert_int_equal(e.protocol, 17);
  assert_true(e.has_ports && e.src_port == 0x8c3d && e.dst_port == 9);
  /* The same bytes made here have the same checksum. */
  uint8_t again[160];
  memcpy(again, p, n);
  wire_icmp6_finish(again + 40, n - 40, &ip.src, &ip.dst);
  assert_memory_equal(p, again, n);
}

/* Any flipped bit, and any cut into slices. */
static void checksums_guard(void **state)
{
  (void)state;
  uint8_t p[160];
  size_t n = unhex(linux_unreach6, p, sizeof p);
  struct wire_ipv6 ip;
  wire_ipv6_parse(p, n, n, &ip);
  for (size_t cut = 0; cut <= n; cut++) {
    struct yeon_slice s[2] = {{p, cut}, {p + cut, n - cut}};
    assert_true(wire_icmp6_checksum_ok(s, 2, 40, n - 40, &ip.src, &ip.dst));
  }
  struct yeon_slice s = {p, n};
  for (size_t bit = 40 * 8; bit < n * 8; bit++) {
    p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    assert_false(wire_icmp6_checksum_ok(&s, 1, 40, n - 40, &ip.src, &ip.dst));
    assert_false(wire_icmp4_checksum_ok(&s, 1, 40, n - 40));
    p[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
  ip.src.b[15] ^= 1; /* ICMPv6 guards the addresses too */
  assert_false(wire_icmp6_checksum_ok(&s, 1, 40, n - 40, &ip.src, &ip.dst));
}

static void echo_round_trip(void **state)
{
  (void)state;
  struct random r = {1};
  for (int round = 0; round < 2000; round++) {
    uint8_t p[200];
    size_t len = 8 + random_below(&r, sizeof p - 8);
    struct wire_icmp a = {.id = (uint16_t)random_next(&r), .seq = (uint16_t)random_next(&r)}, b;
    struct yeon_ip src = random_ip6(&r), dst = random_ip6(&r);
    struct yeon_slice s = {p, len};
    random_bytes(&r, p, len);
    a.type = random_bool(&r) ? WIRE_ICMP4_ECHO : WIRE_ICMP4_ECHO_REPLY;
    assert_int_equal(wire_icmp4_emit(&a, p), 8);
    wire_icmp4_finish(p, len);
    assert_int_equal(naive_sum(p, len, 0), 0xffff);
    assert_true(wire_icmp4_checksum_ok(&s, 1, 0, len));
    assert_int_equal(wire_icmp4_parse(p, len, &b), WIRE_OK);
    assert_true(a.id == b.id && a.seq == b.seq && a.type == b.type && !b.is_error);
    a.type = random_bool(&r) ? WIRE_ICMP6_ECHO : WIRE_ICMP6_ECHO_REPLY;
    assert_int_equal(wire_icmp6_emit(&a, p), 8);
    wire_icmp6_finish(p, len, &src, &dst);
    assert_true(wire_icmp6_checksum_ok(&s, 1, 0, len, &src, &dst));
    assert_int_equal(wire_icmp6_parse(p, len, &b), WIRE_OK);
    assert_true(a.id == b.id && a.seq == b.seq && a.type == b.type && !b.is_error);
  }
}

static void fields_by_type(void **state)
{
  (void)state;
  uint8_t p[8];
  struct wire_icmp b, a = {.type = WIRE_ICMP4_UNREACHABLE, .code = WIRE_ICMP4_FRAG_NEEDED, .mtu = 1400};
  wire_icmp4_emit(&a, p);
  assert_int_equal(wire_get32(p + 4), 1400);
  wire_put16(p + 4, 0x7777); /* unused by RFC 1191, or lengths of RFC 4884 */
  assert_int_equal(wire_icmp4_parse(p, 8, &b), WIRE_OK);
  assert_int_equal(b.mtu, 1400);
  assert_int_equal(b.rest, 0x77770578);
  a = (struct wire_icmp){.type = WIRE_ICMP4_PROBLEM, .pointer = 20};
  wire_icmp4_emit(&a, p);
  assert_int_equal(p[4], 20);
  assert_int_equal(wire_icmp4_parse(p, 8, &b), WIRE_OK);
  assert_true(b.pointer == 20 && b.is_error);
  a = (struct wire_icmp){.type = WIRE_ICMP6_TOO_BIG, .mtu = 70000};
  wire_icmp6_emit(&a, p);
  assert_int_equal(wire_icmp6_parse(p, 8, &b), WIRE_OK);
  assert_int_equal(b.mtu, 70000);
  a = (struct wire_icmp){.type = WIRE_ICMP6_PROBLEM, .code = WIRE_ICMP6_BAD_OPTION, .pointer = 0x12345678};
  wire_icmp6_emit(&a, p);
  assert_int_equal(wire_icmp6_parse(p, 8, &b), WIRE_OK);
  assert_true(b.pointer == 0x12345678 && b.code == WIRE_ICMP6_BAD_OPTION);
  a = (struct wire_icmp){.type = WIRE_ICMP4_TIME_EXCEEDED, .code = WIRE_ICMP_REASSEMBLY, .rest = 5};
  wire_icmp4_emit(&a, p);
  assert_int_equal(wire_get32(p + 4), 5);
  wire_icmp6_emit(&a, p);
  assert_int_equal(wire_get32(p + 4), 5);
}

static void which_are_errors(void **state)
{
  (void)state;
  for (unsigned type = 0; type < 256; type++) {
    uint8_t p[8] = {(uint8_t)type};
    struct wire_icmp m;
    bool error4 = type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
    assert_int_equal(wire_icmp4_parse(p, 8, &m), WIRE_OK);
    assert_int_equal(m.is_error, error4);
    assert_int_equal(wire_icmp6_parse(p, 8, &m), WIRE_OK);
    assert_int_equal(m.is_error, type < 128);
  }
}

static void truncated_messages(void **state)
{
  (void)state;
  for (size_t len = 0; len < 8; len++) {
    uint8_t *copy = exact("\3\4\0\0\0\0\5\5", len);
    struct wire_icmp m;
    assert_int_equal(wire_icmp4_parse(copy, len, &m), WIRE_SHORT);
    assert_int_equal(wire_icmp6_parse(copy, len, &m), WIRE_SHORT);
    free(copy);
  }
}

/* 10.0.0.1:4660 -> 10.0.0.2:80 with the sequence number 0xdeadbeef; ihl in words, frag: the field as on the wire. */
static size_t embedded_tcp4(uint8_t *p, unsigned ihl, uint16_t frag)
{
  size_t header = ihl * 4u;
  memset(p, 0, header + 8);
  p[0] = (uint8_t)(0x40 | ihl);
  wire_put16(p + 2, 1500);
  wire_put16(p + 6, frag);
  p[9] = WIRE_PROTO_TCP;
  wire_put32(p + 12, 0x0a000001);
  wire_put32(p + 16, 0x0a000002);
  wire_put16(p + header, 0x1234);
  wire_put16(p + header + 2, 80);
  wire_put32(p + header + 4, 0xdeadbeef);
  return header + 8;
}

static void embedded4_every_truncation(void **state)
{
  (void)state;
  for (unsigned ihl = 5; ihl <= 15; ihl++) {
    uint8_t p[80];
    size_t n = embedded_tcp4(p, ihl, 0x4000), header = ihl * 4u;
    for (size_t len = 0; len <= n; len++) {
      uint8_t *copy = exact(p, len);
      struct wire_embedded e;
      assert_int_equal(wire_icmp4_embedded(copy, len, &e), len < header ? WIRE_SHORT : WIRE_OK);
      free(copy);
      if (len < header) continue;
      assert_int_equal(e.has_ports, len >= header + 4);
      assert_int_equal(e.has_seq, len >= header + 8);
      assert_false(e.is_fragment);
      assert_int_equal(e.ip_len, 1500);
      if (e.has_seq) assert_true(e.seq == 0xdeadbeef && e.src_port == 0x1234 && e.dst_port == 80);
    }
  }
}

static void embedded4_fragments(void **state)
{
  (void)state;
  uint8_t p[80];
  struct wire_embedded e;
  size_t n = embedded_tcp4(p, 5, 0x2000); /* the first of several */
  assert_int_equal(wire_icmp4_embedded(p, n, &e), WIRE_OK);
  assert_true(e.is_fragment && e.has_ports && e.has_seq);
  n = embedded_tcp4(p, 5, 0x0001); /* the last */
  assert_int_equal(wire_icmp4_embedded(p, n, &e), WIRE_OK);
  assert_true(e.is_fragment && !e.has_ports && !e.has_seq);
}

static void embedded_refuses(void **state)
{
  (void)state;
  uint8_t p[80];
  struct wire_embedded e;
  size_t n = embedded_tcp4(p, 5, 0);
  p[0] = 0x44;
  assert_int_equal(wire_icmp4_embedded(p, n, &e), WIRE_BAD_LENGTH);
  p[0] = 0x65;
  assert_int_equal(wire_icmp4_embedded(p, n, &e), WIRE_BAD_VERSION);
  memset(p, 0, sizeof p);
  p[0] = 0x45;
  assert_int_equal(wire_icmp6_embedded(p, 48, &e), WIRE_BAD_VERSION);
  p[0] = 0x60;
  assert_int_equal(wire_icmp6_embedded(p, 48, &e), WIRE_OK);
  p[18] = p[19] = 0xff;
  assert_int_equal(wire_icmp6_embedded(p, 48, &e), WIRE_BAD_VALUE);
}

/* An echo request is known again by its identifier; an answer is not ours to hear of. */
static void embedded_echo(void **state)
{
  (void)state;
  uint8_t p[80];
  struct wire_embedded e;
  size_t n = embedded_tcp4(p, 5, 0);
  p[9] = WIRE_PROTO_ICMP;
  p[20] = WIRE_ICMP4_ECHO;
  assert_int_equal(wire_icmp4_embedded(p, n, &e), WIRE_OK);
  assert_true(e.has_ports && e.src_port == 0xdead && e.dst_port == 0 && !e.has_seq);
  for (size_t len = 20; len <= n; len++) {
    uint8_t *copy = exact(p, len);
    assert_int_equal(wire_icmp4_embedded(copy, len, &e), WIRE_OK);
    assert_int_equal(e.has_ports, len >= 26);
    free(copy);
  }
  p[20] = WIRE_ICMP4_ECHO_REPLY;
  assert_int_equal(wire_icmp4_embedded(p, n, &e), WIRE_OK);
  assert_false(e.has_ports);
}

/* An IPv6 packet whose first extension header is `next`, then the given bytes. */
static int embedded6(uint8_t next, const char *text, size_t cut, struct wire_embedded *e)
{
  uint8_t p[400];
  struct wire_ipv6 h = {.src = {{0x20}}, .dst = {{0x20, 1}}, .payload_len = 1000, .next_header = next};
  size_t n = 40 + unhex(text, p + 40, sizeof p - 40) - cut;
  wire_ipv6_emit(&h, p);
  uint8_t *copy = exact(p, n);
  int result = wire_icmp6_embedded(copy, n, e);
  free(copy);
  return result;
}

static void embedded6_extensions(void **state)
{
  (void)state;
  struct wire_embedded e;
  assert_int_equal(embedded6(WIRE_PROTO_TCP, "12340050deadbeef", 0, &e), WIRE_OK);
  assert_true(e.has_seq && e.seq == 0xdeadbeef && e.dst_port == 80 && e.ip_len == 1040);
  assert_int_equal(embedded6(WIRE_PROTO_TCP, "12340050deadbeef", 1, &e), WIRE_OK);
  assert_true(e.has_ports && !e.has_seq);
  assert_int_equal(embedded6(WIRE_PROTO_HOPOPTS,
                             "2b00010400000000"
                             "2c02000000000000"
                             "00000000000000000000000000000000"
                             "0600000101020304"
                             "12340050deadbeef",
                             0, &e),
                   WIRE_OK);
  assert_true(e.is_fragment && e.has_seq && e.seq == 0xdeadbeef && e.protocol == WIRE_PROTO_TCP);
  assert_int_equal(embedded6(WIRE_PROTO_FRAGMENT,
                             "0600000801020304"
                             "12340050deadbeef",
                             0, &e),
                   WIRE_OK);
  assert_true(e.is_fragment && !e.has_ports && e.protocol == WIRE_PROTO_TCP);
  assert_int_equal(embedded6(WIRE_PROTO_FRAGMENT,
                             "0600000001020304"
                             "12340050deadbeef",
                             0, &e),
                   WIRE_OK);
  assert_true(!e.is_fragment && e.has_ports);
  /* A header that is cut off: nothing behind it is known. */
  assert_int_equal(embedded6(WIRE_PROTO_DSTOPTS,
                             "0602010400000000"
                             "12340050deadbeef",
                             0, &e),
                   WIRE_OK);
  assert_false(e.has_ports);
  assert_int_equal(embedded6(WIRE_PROTO_DSTOPTS, "06000104000000", 0, &e), WIRE_OK);
  assert_false(e.has_ports);
  assert_int_equal(embedded6(WIRE_PROTO_ICMPV6, "8000000012340001", 0, &e), WIRE_OK);
  assert_true(e.has_ports && e.src_port == 0x1234);
}

static void embedded_noise(void **state)
{
  (void)state;
  static const uint8_t headers[] = {0, 43, 44, 60, 6, 17, 58, 59};
  struct random r = {9};
  unsigned ports = 0, fragments = 0;
  for (int round = 0; round < 100000; round++) {
    uint8_t p[120];
    size_t len = random_below(&r, sizeof p);
    random_bytes(&r, p, sizeof p);
    p[0] = random_bool(&r) ? 0x60 : (uint8_t)(0x40 | (p[0] & 0x0f));
    p[6] = headers[p[6] & 7];
    for (size_t at = 40; at + 8 <= sizeof p; at += 8) {
      p[at] = headers[p[at] & 7];
      p[at + 1] &= 3;
    }
    uint8_t *copy = exact(p, len);
    struct wire_embedded e;
    int four = wire_icmp4_embedded(copy, len, &e);
    int six = wire_icmp6_embedded(copy, len, &e);
    free(copy);
    assert_true(four != WIRE_OK || six != WIRE_OK);
    ports += e.has_ports;
    fragments += e.is_fragment;
  }
  assert_true(ports > 1000 && fragments > 1000);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(unreachable4),        cmocka_unit_test(unreachable6),
      cmocka_unit_test(checksums_guard),     cmocka_unit_test(echo_round_trip),
      cmocka_unit_test(fields_by_type),      cmocka_unit_test(which_are_errors),
      cmocka_unit_test(truncated_messages),  cmocka_unit_test(embedded4_every_truncation),
      cmocka_unit_test(embedded4_fragments), cmocka_unit_test(embedded_refuses),
      cmocka_unit_test(embedded_echo),       cmocka_unit_test(embedded6_extensions),
      cmocka_unit_test(embedded_noise),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
