/* wire/ipv6: the header and the walk over extension headers. */
#include "test_wire_util.h"
#include "wire/icmp.h"
#include "wire/ipv6.h"

/* A UDP datagram of 13 bytes from ::1 to itself, and a multicast listener report with router alert, both as a
 * Linux kernel sent them. */
static const char linux_udp[] = "6005ce02000d114000000000000000000000000000000001"
                                "00000000000000000000000000000001da5bb814000d0020"
                                "68656c6c6f";
static const char linux_mld[] = "6000000000380001fe80000000000000bc5518fffe1dfb1aff020000000000000000000000000016"
                                "3a000502000001008f00a5270000000204000000ff0200000000000000000001ff1dfb1a04000000"
                                "ff0200000000000000000001ff000002";

static int parse_exact(const uint8_t *p, size_t len, size_t available, struct wire_ipv6 *h)
{
  uint8_t *copy = exact(p, len);
  int result = wire_ipv6_parse(copy, len, available, h);
  free(copy);
  return result;
}

static void known(void **state)
{
  (void)state;
  uint8_t p[64], again[40];
  struct wire_ipv6 h;
  struct yeon_ip lo = {{[15] = 1}};
  unhex(linux_udp, p, sizeof p);
  assert_int_equal(parse_exact(p, 53, 53, &h), WIRE_OK);
  assert_memory_equal(h.src.b, lo.b, 16);
  assert_memory_equal(h.dst.b, lo.b, 16);
  assert_int_equal(h.payload_len, 13);
  assert_int_equal(h.next_header, WIRE_PROTO_UDP);
  assert_int_equal(h.hop_limit, 64);
  assert_int_equal(h.traffic_class, 0);
  assert_int_equal(h.flow_label, 0x5ce02);
  assert_int_equal(wire_ipv6_emit(&h, again), 40);
  assert_memory_equal(p, again, 40);
}

static void round_trip_and_truncation(void **state)
{
  (void)state;
  struct random r = {1};
  for (int round = 0; round < 3000; round++) {
    struct wire_ipv6 a = {.src = random_ip6(&r), .dst = random_ip6(&r)}, b;
    a.payload_len = (uint16_t)random_next(&r);
    a.next_header = (uint8_t)random_next(&r);
    a.hop_limit = (uint8_t)random_next(&r);
    a.traffic_class = (uint8_t)random_next(&r);
    a.flow_label = random_below(&r, 1 << 20);
    uint8_t p[40], again[40];
    size_t total = 40u + a.payload_len;
    assert_int_equal(wire_ipv6_emit(&a, p), 40);
    for (size_t len = 0; len < 40; len++) assert_int_equal(parse_exact(p, len, total, &b), WIRE_SHORT);
    assert_int_equal(parse_exact(p, 40, total - 1, &b), WIRE_SHORT);
    assert_int_equal(parse_exact(p, 40, total + random_below(&r, 9), &b), WIRE_OK);
    assert_memory_equal(&a.src, &b.src, 16);
    assert_int_equal(a.flow_label, b.flow_label);
    assert_int_equal(a.traffic_class, b.traffic_class);
    wire_ipv6_emit(&b, again);
    assert_memory_equal(p, again, 40);
  }
}

static void refuses(void **state)
{
  (void)state;
  uint8_t p[64];
  struct wire_ipv6 h;
  unhex(linux_udp, p, sizeof p);
  p[0] = 0x45;
  assert_int_equal(parse_exact(p, 53, 53, &h), WIRE_BAD_VERSION);
  p[0] = 0x60;
  p[8] = 0xff; /* multicast as source */
  assert_int_equal(parse_exact(p, 53, 53, &h), WIRE_BAD_VALUE);
  p[8] = 0;
  p[24] = 0xff;
  assert_int_equal(parse_exact(p, 53, 53, &h), WIRE_OK);
  p[24] = 0;
  for (unsigned at = 8; at <= 24; at += 16) { /* v4-mapped, as source and as destination */
    p[at + 10] = p[at + 11] = 0xff;
    assert_int_equal(parse_exact(p, 53, 53, &h), WIRE_BAD_VALUE);
    p[at + 10] = p[at + 11] = 0;
  }
  assert_int_equal(parse_exact(p, 53, 53, &h), WIRE_OK);
}

/* Extension headers are written as hexadecimal text after an IPv6 header; `next` names the first. */
struct packet {
  uint8_t *p; /* heap, exactly len */
  size_t len;
  struct wire_ipv6 h;
};
static void make(struct packet *k, uint8_t next, const char *text)
{
  static const struct yeon_ip a = {{0x20, 1, [15] = 1}}, b = {{0x20, 1, [15] = 2}};
  uint8_t p[2000];
  size_t n = unhex(text, p + 40, sizeof p - 40);
  k->h = (struct wire_ipv6){.src = a, .dst = b, .payload_len = (uint16_t)n, .next_header = next, .hop_limit = 64};
  k->len = 40 + n;
  wire_ipv6_emit(&k->h, p);
  k->p = exact(p, k->len);
}
static int walk(uint8_t next, const char *text, struct wire_ipv6_ext *e)
{
  struct packet k;
  make(&k, next, text);
  int result = wire_ipv6_extensions(k.p, k.len, &k.h, e);
  free(k.p);
  return result;
}

static void assert_upper(uint8_t next, const char *text, uint8_t protocol, unsigned offset, unsigned nh_offset)
{
  struct wire_ipv6_ext e;
  assert_int_equal(walk(next, text, &e), WIRE_OK);
  assert_int_equal(e.action, WIRE_IPV6_UPPER);
  assert_int_equal(e.next_header, protocol);
  assert_int_equal(e.offset, offset);
  assert_int_equal(e.nh_offset, nh_offset);
}
static void assert_problem(uint8_t next, const char *text, uint8_t code, unsigned pointer, bool even_multicast)
{
  struct wire_ipv6_ext e;
  assert_int_equal(walk(next, text, &e), WIRE_OK);
  assert_int_equal(e.action, WIRE_IPV6_PROBLEM);
  assert_int_equal(e.code, code);
  assert_int_equal(e.pointer, pointer);
  assert_int_equal(e.even_multicast, even_multicast);
}
static void assert_discard(uint8_t next, const char *text)
{
  struct wire_ipv6_ext e;
  assert_int_equal(walk(next, text, &e), WIRE_OK);
  assert_int_equal(e.action, WIRE_IPV6_DISCARD);
}

static void plain_packets(void **state)
{
  (void)state;
  assert_upper(WIRE_PROTO_UDP, "0001000200080000", WIRE_PROTO_UDP, 40, 6);
  assert_upper(WIRE_PROTO_NONE, "", WIRE_PROTO_NONE, 40, 6);
  assert_upper(WIRE_PROTO_HOPOPTS,
               "3c00010400000000"
               "2b00010400000000"
               "1100000000000000"
               "0001000200080000",
               WIRE_PROTO_UDP, 64, 56);
  uint8_t p[128];
  struct wire_ipv6 h;
  struct wire_ipv6_ext e;
  size_t n = unhex(linux_mld, p, sizeof p);
  assert_int_equal(parse_exact(p, n, n, &h), WIRE_OK);
  assert_int_equal(wire_ipv6_extensions(p, n, &h, &e), WIRE_OK);
  assert_int_equal(e.action, WIRE_IPV6_UPPER);
  assert_int_equal(e.next_header, WIRE_PROTO_ICMPV6);
  assert_int_equal(e.offset, 48);
  assert_int_equal(e.nh_offset, 40);
  assert_int_equal(e.n_headers, 1);
}

static void hop_by_hop_only_first(void **state)
{
  (void)state;
  assert_problem(WIRE_PROTO_DSTOPTS,
                 "0000010400000000"
                 "1100010400000000",
                 WIRE_ICMP6_BAD_NEXT_HEADER, 40, false);
  assert_problem(WIRE_PROTO_HOPOPTS,
                 "0000010400000000"
                 "1100010400000000",
                 WIRE_ICMP6_BAD_NEXT_HEADER, 40, false);
  assert_upper(WIRE_PROTO_HOPOPTS, "1100010400000000", WIRE_PROTO_UDP, 48, 40);
}

/* The two high bits of an unknown option's type decide. */
static void unknown_options(void **state)
{
  (void)state;
  assert_upper(WIRE_PROTO_DSTOPTS, "11003e0400000000", WIRE_PROTO_UDP, 48, 40);
  assert_discard(WIRE_PROTO_DSTOPTS, "11007e0400000000");
  assert_problem(WIRE_PROTO_DSTOPTS, "1100be0400000000", WIRE_ICMP6_BAD_OPTION, 42, true);
  assert_problem(WIRE_PROTO_DSTOPTS, "1100fe0400000000", WIRE_ICMP6_BAD_OPTION, 42, false);
  /* Pads are no options; the pointer is to the option itself, in order. */
  assert_problem(WIRE_PROTO_HOPOPTS, "11000000be020000", WIRE_ICMP6_BAD_OPTION, 44, true);
  assert_problem(WIRE_PROTO_HOPOPTS,
                 "1100"
                 "0100"
                 "fe00"
                 "be00",
                 WIRE_ICMP6_BAD_OPTION, 44, false);
  assert_upper(WIRE_PROTO_HOPOPTS, "1100000000000000", WIRE_PROTO_UDP, 48, 40);
}

static void malformed_options(void **state)
{
  (void)state;
  struct wire_ipv6_ext e;
  assert_int_equal(walk(WIRE_PROTO_DSTOPTS, "1100010500000000", &e), WIRE_BAD_OPTION);
  assert_int_equal(e.action, WIRE_IPV6_DISCARD);
  assert_int_equal(walk(WIRE_PROTO_DSTOPTS, "1100000000000001", &e), WIRE_BAD_OPTION);
  assert_int_equal(walk(WIRE_PROTO_DSTOPTS, "110001ff00000000", &e), WIRE_BAD_OPTION);
  assert_int_equal(walk(WIRE_PROTO_DSTOPTS, "1101010400000000", &e), WIRE_SHORT);
  assert_int_equal(walk(WIRE_PROTO_DSTOPTS, "11000104000000", &e), WIRE_SHORT);
  assert_int_equal(walk(WIRE_PROTO_DSTOPTS, "", &e), WIRE_SHORT);
}

static void routing(void **state)
{
  (void)state;
  assert_upper(WIRE_PROTO_ROUTING,
               "1102000000000000"
               "20010000000000000000000000000001"
               "0001000200080000",
               WIRE_PROTO_UDP, 64, 40);
  /* Type 0 with a segment left, and any other type: refused at the type. */
  assert_problem(WIRE_PROTO_ROUTING,
                 "1102000100000000"
                 "20010000000000000000000000000001",
                 WIRE_ICMP6_BAD_FIELD, 42, false);
  assert_problem(WIRE_PROTO_DSTOPTS,
                 "2b00010400000000"
                 "1100040900000000",
                 WIRE_ICMP6_BAD_FIELD, 50, false);
  struct wire_ipv6_ext e;
  assert_int_equal(walk(WIRE_PROTO_ROUTING, "1102000100000000", &e), WIRE_SHORT);
}

static void number_of_headers_is_bounded(void **state)
{
  (void)state;
  char text[1024] = "";
  for (unsigned i = 0; i < WIRE_IPV6_EXT_MAX; i++) {
    strcat(text, "3c00010400000000");
  }
  assert_discard(WIRE_PROTO_DSTOPTS, text);
  text[(WIRE_IPV6_EXT_MAX - 1) * 16 + 1] = '\0';
  memcpy(text + (WIRE_IPV6_EXT_MAX - 1) * 16, "1100010400000000", 17);
  assert_upper(WIRE_PROTO_DSTOPTS, text, WIRE_PROTO_UDP, 40 + 8 * WIRE_IPV6_EXT_MAX, 40 + 8 * (WIRE_IPV6_EXT_MAX - 1));
}

static void fragments(void **state)
{
  (void)state;
  struct wire_ipv6_ext e;
  /* The first fragment: 16 bytes of a UDP datagram. */
  assert_int_equal(walk(WIRE_PROTO_FRAGMENT,
                        "1100000101020304"
                        "00010002002000000000000000000000",
                        &e),
                   WIRE_OK);
  assert_int_equal(e.action, WIRE_IPV6_FRAGMENT);
  assert_true(e.has_fragment && e.fragment.more);
  assert_int_equal(e.fragment.offset, 0);
  assert_int_equal(e.fragment.id, 0x01020304);
  assert_int_equal(e.fragment.next_header, WIRE_PROTO_UDP);
  assert_int_equal(e.offset, 48);
  assert_int_equal(e.frag_header, 40);
  assert_int_equal(e.nh_offset, 6);
  /* A later one, behind a header that stays in every fragment; any length will do. Its data is not looked into. */
  assert_int_equal(walk(WIRE_PROTO_HOPOPTS,
                        "2c00010400000000"
                        "3c00001001020304"
                        "ff",
                        &e),
                   WIRE_OK);
  assert_int_equal(e.action, WIRE_IPV6_FRAGMENT);
  assert_false(e.fragment.more);
  assert_int_equal(e.fragment.offset, 16);
  assert_int_equal(e.offset, 56);
  assert_int_equal(e.frag_header, 48);
  assert_int_equal(e.nh_offset, 40);
}

static void fragments_refused(void **state)
{
  (void)state;
  struct wire_ipv6_ext e;
  /* Not the last, and no multiple of 8. */
  assert_problem(WIRE_PROTO_FRAGMENT,
                 "1100000101020304"
                 "000100020008000000000000",
                 WIRE_ICMP6_BAD_FIELD, 4, false);
  /* Ends beyond 65535: offset 65528 and 8 bytes; 7 are the most. With a hop-by-hop header before it even those are
   * too many. */
  assert_problem(WIRE_PROTO_FRAGMENT,
                 "1100fff801020304"
                 "0001000200080000",
                 WIRE_ICMP6_BAD_FIELD, 42, false);
  assert_int_equal(walk(WIRE_PROTO_FRAGMENT,
                        "1100fff801020304"
                        "00010002000800",
                        &e),
                   WIRE_OK);
  assert_int_equal(e.action, WIRE_IPV6_FRAGMENT);
  assert_problem(WIRE_PROTO_HOPOPTS,
                 "2c00010400000000"
                 "1100fff801020304"
                 "00010002000800",
                 WIRE_ICMP6_BAD_FIELD, 50, false);
  assert_discard(WIRE_PROTO_FRAGMENT, "1100001001020304"); /* holds nothing */
  assert_int_equal(walk(WIRE_PROTO_FRAGMENT, "11000010010203", &e), WIRE_SHORT);
  /* A fragment of a whole packet that is again a fragment. */
  assert_discard(WIRE_PROTO_FRAGMENT, "2c00000001020304"
                                      "1100000101020304"
                                      "0001000200080000");
}

/* RFC 7112: the first fragment must go on to the upper layer's header. */
static void first_fragment_holds_all_headers(void **state)
{
  (void)state;
  struct wire_ipv6_ext e;
  assert_problem(WIRE_PROTO_FRAGMENT,
                 "0600000101020304"
                 "00010002000000000000000000000000",
                 WIRE_ICMP6_INCOMPLETE_CHAIN, 0, false);
  assert_problem(WIRE_PROTO_FRAGMENT,
                 "3c00000101020304"
                 "1100010400000000",
                 WIRE_ICMP6_INCOMPLETE_CHAIN, 0, false);
  assert_problem(WIRE_PROTO_FRAGMENT,
                 "3c00000101020304"
                 "1101010c00000000",
                 WIRE_ICMP6_INCOMPLETE_CHAIN, 0, false);
  assert_problem(WIRE_PROTO_FRAGMENT, "1100000101020304", WIRE_ICMP6_INCOMPLETE_CHAIN, 0, false);
  assert_int_equal(walk(WIRE_PROTO_FRAGMENT,
                        "3c00000101020304"
                        "1100010400000000"
                        "0001000200080000",
                        &e),
                   WIRE_OK);
  assert_int_equal(e.action, WIRE_IPV6_FRAGMENT);
  /* Options behind the fragment header are acted upon only after reassembly. */
  assert_int_equal(walk(WIRE_PROTO_FRAGMENT,
                        "3c00000101020304"
                        "1100fe0400000000"
                        "0001000200080000",
                        &e),
                   WIRE_OK);
  assert_int_equal(e.action, WIRE_IPV6_FRAGMENT);
}

/* Bytes of a header chain that lie in another slice cannot be judged yet. */
static void first_fragment_with_bytes_out_of_reach(void **state)
{
  (void)state;
  struct packet k;
  struct wire_ipv6_ext e;
  make(&k, WIRE_PROTO_FRAGMENT,
       "3c00000101020304"
       "1100010400000000"
       "0001000200080000");
  for (size_t len = 48; len <= k.len; len++) {
    uint8_t *copy = exact(k.p, len);
    assert_int_equal(wire_ipv6_extensions(copy, len, &k.h, &e), WIRE_OK);
    assert_int_equal(e.action, WIRE_IPV6_FRAGMENT);
    free(copy);
  }
  free(k.p);
}

/* RFC 6946: a fragment that is the whole packet is treated as one without a fragment header. */
static void whole_packet_as_fragment(void **state)
{
  (void)state;
  struct wire_ipv6_ext e;
  assert_int_equal(walk(WIRE_PROTO_FRAGMENT,
                        "3c00000001020304"
                        "1100010400000000"
                        "0001000200080000",
                        &e),
                   WIRE_OK);
  assert_int_equal(e.action, WIRE_IPV6_UPPER);
  assert_true(e.has_fragment);
  assert_int_equal(e.next_header, WIRE_PROTO_UDP);
  assert_int_equal(e.offset, 56);
  assert_int_equal(e.nh_offset, 48);
}

static void fragment_header_round_trip(void **state)
{
  (void)state;
  struct random r = {3};
  for (int round = 0; round < 2000; round++) {
    struct wire_ipv6_frag f = {.id = random_next(&r),
                               .offset = (uint16_t)(8 + random_below(&r, 8000) * 8),
                               .more = random_bool(&r),
                               .next_header = (uint8_t)random_next(&r)};
    struct wire_ipv6 h = {.next_header = WIRE_PROTO_FRAGMENT, .payload_len = 24};
    struct wire_ipv6_ext e;
    uint8_t p[64] = {0};
    wire_ipv6_emit(&h, p);
    assert_int_equal(wire_ipv6_frag_emit(&f, p + 40), 8);
    assert_int_equal(wire_ipv6_extensions(p, 64, &h, &e), WIRE_OK);
    assert_int_equal(e.fragment.id, f.id);
    assert_int_equal(e.fragment.offset, f.offset);
    assert_int_equal(e.fragment.more, f.more);
    assert_int_equal(e.fragment.next_header, f.next_header);
  }
}

static void every_truncation(void **state)
{
  (void)state;
  struct packet k;
  struct wire_ipv6_ext e;
  make(&k, WIRE_PROTO_HOPOPTS,
       "3c00010400000000"
       "2b01010c000000000000000000000000"
       "2c00000000000000"
       "1100000001020304"
       "0001000200080000");
  for (size_t len = 0; len < 80; len++) {
    uint8_t *copy = exact(k.p, len);
    assert_int_equal(wire_ipv6_extensions(copy, len, &k.h, &e), WIRE_SHORT);
    assert_int_equal(e.action, WIRE_IPV6_DISCARD);
    free(copy);
  }
  assert_int_equal(wire_ipv6_extensions(k.p, 80, &k.h, &e), WIRE_OK);
  assert_int_equal(e.offset, 80);
  /* The same, cut by the packet's own length. */
  for (uint16_t n = 0; n < 40; n++) {
    k.h.payload_len = n;
    assert_int_equal(wire_ipv6_extensions(k.p, k.len, &k.h, &e), WIRE_SHORT);
  }
  free(k.p);
}

static void noise(void **state)
{
  (void)state;
  static const uint8_t headers[] = {0, 43, 44, 60, 60, 44, 17, 59};
  struct random r = {5};
  unsigned actions[4] = {0};
  for (int round = 0; round < 200000; round++) {
    uint8_t p[140];
    size_t len = 40 + random_below(&r, 100);
    random_bytes(&r, p, sizeof p);
    struct wire_ipv6 h = {.next_header = headers[random_below(&r, 8)], .payload_len = (uint16_t)random_below(&r, 120)};
    for (size_t at = 40; at + 8 <= len; at += 8) {
      p[at] = headers[random_below(&r, 8)];
      p[at + 1] &= 1;
      p[at + 3] &= random_bool(&r) ? 1 : 0xff;
    }
    uint8_t *copy = exact(p, len);
    struct wire_ipv6_ext e;
    int result = wire_ipv6_extensions(copy, len, &h, &e);
    free(copy);
    assert_true(e.action <= WIRE_IPV6_PROBLEM);
    assert_true(result == WIRE_OK || e.action == WIRE_IPV6_DISCARD);
    assert_true(e.n_headers <= WIRE_IPV6_EXT_MAX);
    if (e.action == WIRE_IPV6_UPPER || e.action == WIRE_IPV6_FRAGMENT)
      assert_true(e.offset >= 40 && e.offset <= 40 + h.payload_len && e.offset <= len && e.nh_offset < e.offset);
    if (e.action == WIRE_IPV6_PROBLEM) assert_true(e.pointer < 40u + h.payload_len);
    actions[e.action]++;
  }
  for (unsigned i = 0; i < 4; i++) assert_true(actions[i] > 1000);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(known),
      cmocka_unit_test(round_trip_and_truncation),
      cmocka_unit_test(refuses),
      cmocka_unit_test(plain_packets),
      cmocka_unit_test(hop_by_hop_only_first),
      cmocka_unit_test(unknown_options),
      cmocka_unit_test(malformed_options),
      cmocka_unit_test(routing),
      cmocka_unit_test(number_of_headers_is_bounded),
      cmocka_unit_test(fragments),
      cmocka_unit_test(fragments_refused),
      cmocka_unit_test(first_fragment_holds_all_headers),
      cmocka_unit_test(first_fragment_with_bytes_out_of_reach),
      cmocka_unit_test(whole_packet_as_fragment),
      cmocka_unit_test(fragment_header_round_trip),
      cmocka_unit_test(every_truncation),
      cmocka_unit_test(noise),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
