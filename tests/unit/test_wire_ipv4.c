/* wire/ipv4. */
#include "test_wire_util.h"
#include "wire/checksum.h"
#include "wire/ipv4.h"

/* Header of a UDP datagram of 13 bytes that a Linux kernel sent from 127.0.0.1 to itself. */
static const char linux_header[] = "45000021fab14000401142187f0000017f000001";

/* A header with these options (hexadecimal, a multiple of 4 bytes) and a right checksum; its length. */
static size_t with_options(const char *options, uint8_t p[60])
{
  unhex(linux_header, p, 60);
  size_t n = 20 + unhex(options, p + 20, 40);
  p[0] = (uint8_t)(0x40 | n / 4);
  wire_put16(p + 2, (uint16_t)n);
  wire_put16(p + 10, 0);
  wire_put16(p + 10, (uint16_t)~naive_sum(p, n, 0));
  return n;
}

static int parse_exact(const uint8_t *p, size_t len, size_t available, struct wire_ipv4 *h)
{
  uint8_t *copy = exact(p, len);
  int result = wire_ipv4_parse(copy, len, available, h);
  free(copy);
  return result;
}

static void known(void **state)
{
  (void)state;
  uint8_t p[20], again[20];
  struct wire_ipv4 h;
  struct yeon_ip lo = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1}};
  unhex(linux_header, p, sizeof p);
  assert_int_equal(parse_exact(p, 20, 33, &h), WIRE_OK);
  assert_memory_equal(h.src.b, lo.b, 16);
  assert_memory_equal(h.dst.b, lo.b, 16);
  assert_int_equal(h.total_len, 33);
  assert_int_equal(h.id, 0xfab1);
  assert_true(h.dont_fragment);
  assert_false(h.more_fragments || h.has_options || h.has_source_route);
  assert_int_equal(h.frag_offset, 0);
  assert_int_equal(h.ttl, 64);
  assert_int_equal(h.protocol, WIRE_PROTO_UDP);
  assert_int_equal(h.tos, 0);
  assert_int_equal(h.header_len, 20);
  assert_int_equal(wire_ipv4_emit(&h, again), 20);
  assert_memory_equal(p, again, 20);
}

static void round_trip(void **state)
{
  (void)state;
  struct random r = {1};
  for (int round = 0; round < 20000; round++) {
    struct wire_ipv4 a = {.src = random_ip4(&r), .dst = random_ip4(&r)}, b;
    a.total_len = (uint16_t)(20 + random_below(&r, 65516));
    a.id = (uint16_t)random_next(&r);
    a.frag_offset = (uint16_t)(random_below(&r, 8192) * 8);
    a.dont_fragment = random_bool(&r);
    a.more_fragments = random_bool(&r);
    a.ttl = (uint8_t)random_next(&r);
    a.protocol = (uint8_t)random_next(&r);
    a.tos = (uint8_t)random_next(&r);
    uint8_t p[20];
    assert_int_equal(wire_ipv4_emit(&a, p), 20);
    assert_int_equal(naive_sum(p, 20, 0), 0xffff);
    assert_int_equal(parse_exact(p, 20, a.total_len, &b), WIRE_OK);
    assert_memory_equal(&a.src, &b.src, 16);
    assert_memory_equal(&a.dst, &b.dst, 16);
    assert_int_equal(a.total_len, b.total_len);
    assert_int_equal(a.id, b.id);
    assert_int_equal(a.frag_offset, b.frag_offset);
    assert_int_equal(a.dont_fragment, b.dont_fragment);
    assert_int_equal(a.more_fragments, b.more_fragments);
    assert_int_equal(a.ttl, b.ttl);
    assert_int_equal(a.protocol, b.protocol);
    assert_int_equal(a.tos, b.tos);
  }
}

/* One flipped bit never passes the checksum, wherever it is. */
static void every_single_bit_flip_is_caught(void **state)
{
  (void)state;
  uint8_t p[60];
  struct wire_ipv4 h;
  size_t n = with_options("0101010144080502aabbccdd", p);
  assert_int_equal(parse_exact(p, n, n, &h), WIRE_OK);
  for (size_t bit = 0; bit < n * 8; bit++) {
    p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    assert_int_not_equal(parse_exact(p, n, n, &h), WIRE_OK);
    p[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
}

static void every_truncation(void **state)
{
  (void)state;
  uint8_t p[60];
  struct wire_ipv4 h;
  size_t n = with_options("01010101", p);
  for (size_t len = 0; len < n; len++) assert_int_equal(parse_exact(p, len, n, &h), WIRE_SHORT);
  assert_int_equal(parse_exact(p, n, n - 1, &h), WIRE_SHORT);
  assert_int_equal(parse_exact(p, n, n, &h), WIRE_OK);
  assert_int_equal(parse_exact(p, n, n + 26, &h), WIRE_OK); /* padding of a short Ethernet frame */
}

/* Changes one byte, mends the checksum. */
static int parse_changed(unsigned at, uint8_t value, struct wire_ipv4 *h)
{
  uint8_t p[20];
  unhex(linux_header, p, sizeof p);
  p[at] = value;
  wire_put16(p + 10, 0);
  wire_put16(p + 10, (uint16_t)~naive_sum(p, 20, 0));
  return parse_exact(p, 20, 100, h);
}

static void refuses(void **state)
{
  (void)state;
  struct wire_ipv4 h;
  assert_int_equal(parse_changed(0, 0x55, &h), WIRE_BAD_VERSION);
  assert_int_equal(parse_changed(0, 0x65, &h), WIRE_BAD_VERSION);
  assert_int_equal(parse_changed(0, 0x44, &h), WIRE_BAD_LENGTH);
  assert_int_equal(parse_changed(0, 0x40, &h), WIRE_BAD_LENGTH);
  assert_int_equal(parse_changed(0, 0x46, &h), WIRE_SHORT);
  assert_int_equal(parse_changed(3, 19, &h), WIRE_BAD_LENGTH);
  assert_int_equal(parse_changed(3, 20, &h), WIRE_OK);
  assert_int_equal(parse_changed(2, 1, &h), WIRE_SHORT);
  assert_int_equal(parse_changed(12, 224, &h), WIRE_BAD_VALUE);
  assert_int_equal(parse_changed(12, 239, &h), WIRE_BAD_VALUE);
  assert_int_equal(parse_changed(16, 224, &h), WIRE_OK);
  assert_true(wire_ip_is_multicast(&h.dst));
  assert_int_equal(parse_changed(6, 0x80, &h), WIRE_OK); /* the reserved bit says nothing */
  assert_false(h.dont_fragment || h.more_fragments);
}

static void broadcast_is_no_source(void **state)
{
  (void)state;
  uint8_t p[20];
  struct wire_ipv4 h = {.total_len = 20, .src = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 255, 255, 255, 255}}};
  wire_ipv4_emit(&h, p);
  assert_int_equal(parse_exact(p, 20, 20, &h), WIRE_BAD_VALUE);
}

static void options(void **state)
{
  (void)state;
  static const struct {
    const char *text;
    int result;
    bool source_route;
  } rows[] = {
      {"", WIRE_OK, false},
      {"00ffffff", WIRE_OK, false}, /* nothing counts after the end */
      {"01010100", WIRE_OK, false},
      {"94040000", WIRE_OK, false},        /* router alert */
      {"8307040a00000100", WIRE_OK, true}, /* loose source route */
      {"018907040a000001", WIRE_OK, true}, /* strict */
      {"9404000083030400", WIRE_OK, true},
      {"07000000", WIRE_BAD_OPTION, false}, /* length 0 */
      {"07010000", WIRE_BAD_OPTION, false},
      {"07050000", WIRE_BAD_OPTION, false}, /* beyond the header */
      {"01010107", WIRE_BAD_OPTION, false}, /* a kind and no length */
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    uint8_t p[60];
    struct wire_ipv4 h;
    size_t n = with_options(rows[i].text, p);
    assert_int_equal(parse_exact(p, n, n, &h), rows[i].result);
    assert_int_equal(h.header_len, n);
    assert_int_equal(h.has_options, n > 20);
    assert_int_equal(h.has_source_route, rows[i].source_route);
  }
}

static void addresses(void **state)
{
  (void)state;
  uint8_t p[4] = {192, 0, 2, 7}, back[4];
  struct yeon_ip ip = wire_ip4_get(p), six = {{0x20, 1}};
  wire_ip4_put(back, &ip);
  assert_memory_equal(p, back, 4);
  assert_true(wire_ip_is4(&ip));
  assert_false(wire_ip_is4(&six) || wire_ip_is_multicast(&ip) || wire_ip_is_multicast(&six));
  ip.b[10] = 0;
  assert_false(wire_ip_is4(&ip));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(known),
      cmocka_unit_test(round_trip),
      cmocka_unit_test(every_single_bit_flip_is_caught),
      cmocka_unit_test(every_truncation),
      cmocka_unit_test(refuses),
      cmocka_unit_test(broadcast_is_no_source),
      cmocka_unit_test(options),
      cmocka_unit_test(addresses),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
