/* wire/checksum against known sums and against the plain 16-bit way. */
#include "test_wire_util.h"
#include "wire/checksum.h"
#include "wire/ipv4.h"

/* The worked example of RFC 1071 section 3. */
static void rfc1071_example(void **state)
{
  (void)state;
  const uint8_t data[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  uint64_t sum = wire_sum(data, sizeof data, 0);
  assert_int_equal(wire_sum_fold(sum), 0xddf2);
  assert_int_equal(wire_sum_finish(sum), 0x220d);
}

static void empty_and_tiny(void **state)
{
  (void)state;
  const uint8_t odd[] = {0xab};
  assert_int_equal(wire_sum_finish(wire_sum(NULL, 0, 0)), 0xffff);
  assert_int_equal(wire_sum_fold(wire_sum(odd, 1, 0)), 0xab00);
  assert_int_equal(wire_sum_slices(NULL, 0, 0, 0, 7), 7);
}

static void finish_of_all_ones_is_zero(void **state)
{
  (void)state;
  const uint8_t ones[] = {0xff, 0xff};
  assert_int_equal(wire_sum_finish(wire_sum(ones, 2, 0)), 0);
  assert_int_equal(wire_sum_finish(0xffff), 0);
  assert_int_equal(wire_sum_finish(UINT64_MAX), 0);
  assert_int_equal(wire_sum_fold(0xffff0000ffffu), 0xffff);
  assert_int_equal(wire_sum_fold(0x1fffe), 0xffff);
}

static void every_length_and_alignment(void **state)
{
  (void)state;
  struct random r = {1};
  uint8_t data[400];
  random_bytes(&r, data, sizeof data);
  for (size_t offset = 0; offset < 16; offset++)
    for (size_t len = 0; len + offset <= sizeof data; len++) {
      uint16_t start = (uint16_t)random_next(&r);
      uint16_t got = wire_sum_fold(wire_sum(data + offset, len, start));
      uint16_t want = naive_sum(data + offset, len, start);
      assert_int_equal(got, want);
    }
}

static void reads_nothing_beyond(void **state)
{
  (void)state;
  struct random r = {2};
  uint8_t data[300];
  random_bytes(&r, data, sizeof data);
  for (size_t len = 0; len <= sizeof data; len++) {
    uint8_t *copy = exact(data, len);
    assert_int_equal(wire_sum_fold(wire_sum(copy, len, 0)), naive_sum(data, len, 0));
    free(copy);
  }
}

/* All bits set is where carries are easily lost. */
static void long_input_with_all_carries(void **state)
{
  (void)state;
  size_t len = (size_t)1 << 20;
  uint8_t *data = malloc(len);
  assert_non_null(data);
  memset(data, 0xff, len);
  assert_int_equal(wire_sum_fold(wire_sum(data, len, 0)), 0xffff);
  data[12345] = 0xfe;
  /* A start of 40 set bits is 0xff when folded. */
  assert_int_equal(wire_sum_fold(wire_sum(data, len - 1, 0xffffffffffu)), naive_sum(data, len - 1, 0xff));
  struct random r = {3};
  random_bytes(&r, data, len);
  assert_int_equal(wire_sum_fold(wire_sum(data + 1, len - 1, 0)), naive_sum(data + 1, len - 1, 0));
  free(data);
}

/* Any way of cutting a stream into slices gives the sum of the stream. */
static void slices_are_one_stream(void **state)
{
  (void)state;
  struct random r = {4};
  uint8_t data[700];
  for (int round = 0; round < 20000; round++) {
    random_bytes(&r, data, 16);
    size_t total = random_below(&r, sizeof data), at = 0, n = 0;
    struct yeon_slice slice[12];
    uint8_t *copy[12];
    for (; n < 12 && (at < total || random_bool(&r)); n++) {
      size_t len = n == 11 ? total - at : random_below(&r, (uint32_t)(total - at) + 1);
      copy[n] = exact(data + at, len);
      slice[n] = (struct yeon_slice){len ? copy[n] : NULL, len};
      at += len;
    }
    size_t skip = random_below(&r, (uint32_t)at + 1), len = random_below(&r, (uint32_t)(at - skip) + 1);
    uint16_t got = wire_sum_fold(wire_sum_slices(slice, n, skip, len, 0x1234));
    assert_int_equal(got, naive_sum(data + skip, len, 0x1234));
    for (size_t i = 0; i < n; i++) free(copy[i]);
  }
}

static void pseudo_headers(void **state)
{
  (void)state;
  struct random r = {5};
  for (int round = 0; round < 2000; round++) {
    struct yeon_ip s4 = random_ip4(&r), d4 = random_ip4(&r), s6 = random_ip6(&r), d6 = random_ip6(&r);
    uint8_t p4[12] = {0}, p6[40] = {0};
    uint16_t len = (uint16_t)random_next(&r);
    uint8_t protocol = (uint8_t)random_next(&r);
    wire_ip4_put(p4, &s4);
    wire_ip4_put(p4 + 4, &d4);
    p4[9] = protocol;
    wire_put16(p4 + 10, len);
    assert_int_equal(wire_sum_fold(wire_sum_pseudo(&s4, &d4, protocol, len)), naive_sum(p4, sizeof p4, 0));
    uint32_t len6 = random_bool(&r) ? len : random_next(&r);
    memcpy(p6, s6.b, 16);
    memcpy(p6 + 16, d6.b, 16);
    wire_put32(p6 + 32, len6);
    p6[39] = protocol;
    assert_int_equal(wire_sum_fold(wire_sum_pseudo(&s6, &d6, protocol, len6)), naive_sum(p6, sizeof p6, 0));
  }
}

/* A reset that a Linux kernel sent: 127.0.0.1 to itself. */
static void real_segment_verifies(void **state)
{
  (void)state;
  uint8_t p[64];
  size_t n = unhex("450000280000400040063cce7f0000017f000001b813e3600000000073c1a83550140000fa620000", p, sizeof p);
  struct yeon_ip src = wire_ip4_get(p + 12), dst = wire_ip4_get(p + 16);
  assert_int_equal(n, 40);
  assert_int_equal(wire_sum_finish(wire_sum(p, 20, 0)), 0);
  assert_int_equal(wire_sum_finish(wire_sum(p + 20, 20, wire_sum_pseudo(&src, &dst, WIRE_PROTO_TCP, 20))), 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rfc1071_example),
      cmocka_unit_test(empty_and_tiny),
      cmocka_unit_test(finish_of_all_ones_is_zero),
      cmocka_unit_test(every_length_and_alignment),
      cmocka_unit_test(reads_nothing_beyond),
      cmocka_unit_test(long_input_with_all_carries),
      cmocka_unit_test(slices_are_one_stream),
      cmocka_unit_test(pseudo_headers),
      cmocka_unit_test(real_segment_verifies),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
