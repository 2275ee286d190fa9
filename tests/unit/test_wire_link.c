/* wire/eth, wire/arp, wire/udp. */
#include "test_wire_util.h"
#include "wire/arp.h"
#include "wire/checksum.h"
#include "wire/eth.h"
#include "wire/ipv4.h"
#include "wire/udp.h"

/* An ARP answer of a Linux kernel: 10.9.0.2 is at be:55:18:1d:fb:1a. */
static const char arp_reply[] = "925679496da1be55181dfb1a08060001080006040002be55181dfb1a0a090002925679496da10a090001";

static void eth_known(void **state)
{
  (void)state;
  uint8_t p[64];
  size_t n = unhex(arp_reply, p, sizeof p);
  struct wire_eth h;
  const uint8_t dst[] = {0x92, 0x56, 0x79, 0x49, 0x6d, 0xa1}, src[] = {0xbe, 0x55, 0x18, 0x1d, 0xfb, 0x1a};
  assert_int_equal(wire_eth_parse(p, n, &h), WIRE_OK);
  assert_true(wire_mac_equal(h.dst, dst) && wire_mac_equal(h.src, src));
  assert_int_equal(h.type, WIRE_ETH_ARP);
  assert_int_equal(h.header_len, 14);
  assert_false(h.has_vlan);
}

static void eth_vlan(void **state)
{
  (void)state;
  uint8_t p[18];
  struct wire_eth h;
  unhex("020000000001020000000002"
        "8100a00586dd",
        p, sizeof p);
  assert_int_equal(wire_eth_parse(p, sizeof p, &h), WIRE_OK);
  assert_true(h.has_vlan);
  assert_int_equal(h.vlan, 5);
  assert_int_equal(h.type, WIRE_ETH_IPV6);
  assert_int_equal(h.header_len, 18);
  wire_put16(p + 16, WIRE_ETH_VLAN); /* a second tag */
  assert_int_equal(wire_eth_parse(p, sizeof p, &h), WIRE_BAD_VALUE);
  for (size_t len = 0; len < sizeof p; len++) {
    uint8_t *copy = exact(p, len);
    assert_int_equal(wire_eth_parse(copy, len, &h), WIRE_SHORT);
    free(copy);
  }
}

static void eth_refuses(void **state)
{
  (void)state;
  uint8_t p[14];
  struct wire_eth h;
  unhex("02000000000102000000000205ff", p, sizeof p);
  assert_int_equal(wire_eth_parse(p, sizeof p, &h), WIRE_BAD_VALUE); /* an 802.3 length */
  wire_put16(p + 12, 0x0600);
  assert_int_equal(wire_eth_parse(p, sizeof p, &h), WIRE_OK);
  p[6] = 0x03;
  assert_int_equal(wire_eth_parse(p, sizeof p, &h), WIRE_BAD_VALUE); /* a group as source */
}

static void eth_round_trip(void **state)
{
  (void)state;
  struct random r = {1};
  for (int round = 0; round < 2000; round++) {
    struct wire_eth a = {.type = (uint16_t)(0x8800 + random_below(&r, 100)), .header_len = 14}, b;
    random_bytes(&r, a.dst, 6);
    random_bytes(&r, a.src, 6);
    a.src[0] &= 0xfe;
    uint8_t *p = exact("..............", 14);
    assert_int_equal(wire_eth_emit(&a, p), 14);
    assert_int_equal(wire_eth_parse(p, 14, &b), WIRE_OK);
    assert_memory_equal(a.dst, b.dst, 6);
    assert_memory_equal(a.src, b.src, 6);
    assert_int_equal(a.type, b.type);
    free(p);
  }
}

static void eth_groups(void **state)
{
  (void)state;
  uint8_t mac[6], broadcast[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, almost[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xfe};
  struct yeon_ip mdns4 = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 239, 129, 2, 3}};
  struct yeon_ip node = {{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 1, 2, 3}};
  const uint8_t want4[] = {0x01, 0x00, 0x5e, 0x01, 2, 3}, want6[] = {0x33, 0x33, 0xff, 1, 2, 3};
  wire_eth_multicast(&mdns4, mac);
  assert_memory_equal(mac, want4, 6);
  wire_eth_multicast(&node, mac);
  assert_memory_equal(mac, want6, 6);
  assert_true(wire_mac_is_group(mac));
  assert_false(wire_mac_is_broadcast(mac));
  assert_true(wire_mac_is_broadcast(broadcast));
  assert_false(wire_mac_is_broadcast(almost));
}

static void arp_known(void **state)
{
  (void)state;
  uint8_t p[64];
  size_t n = unhex(arp_reply, p, sizeof p);
  struct wire_arp a;
  assert_int_equal(wire_arp_parse(p + 14, n - 14, &a), WIRE_OK);
  assert_int_equal(a.op, WIRE_ARP_REPLY);
  struct yeon_ip sender = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 9, 0, 2}}, target = sender;
  target.b[15] = 1;
  assert_memory_equal(a.sender_ip.b, sender.b, 16);
  assert_memory_equal(a.target_ip.b, target.b, 16);
  assert_memory_equal(a.sender_mac, p + 6, 6);
  assert_memory_equal(a.target_mac, p, 6);
}

static void arp_round_trip_and_truncation(void **state)
{
  (void)state;
  struct random r = {2};
  for (int round = 0; round < 500; round++) {
    struct wire_arp a = {.op = random_bool(&r) ? WIRE_ARP_REQUEST : WIRE_ARP_REPLY}, b;
    random_bytes(&r, a.sender_mac, 6);
    a.sender_mac[0] &= 0xfe;
    random_bytes(&r, a.target_mac, 6);
    a.sender_ip = random_ip4(&r);
    a.target_ip = random_ip4(&r);
    uint8_t p[WIRE_ARP_LEN], again[WIRE_ARP_LEN];
    assert_int_equal(wire_arp_emit(&a, p), sizeof p);
    for (size_t len = 0; len <= sizeof p; len++) {
      uint8_t *copy = exact(p, len);
      assert_int_equal(wire_arp_parse(copy, len, &b), len < sizeof p ? WIRE_SHORT : WIRE_OK);
      free(copy);
    }
    wire_arp_emit(&b, again);
    assert_memory_equal(p, again, sizeof p);
  }
}

static void arp_refuses(void **state)
{
  (void)state;
  static const struct {
    unsigned at;
    uint8_t value;
    int result;
  } rows[] = {
      {1, 6, WIRE_BAD_VALUE},    /* IEEE 802 hardware */
      {2, 0x86, WIRE_BAD_VALUE}, /* another protocol */
      {4, 8, WIRE_BAD_LENGTH},   {5, 16, WIRE_BAD_LENGTH},  {7, 3, WIRE_BAD_VALUE},
      {7, 0, WIRE_BAD_VALUE},    {8, 0x01, WIRE_BAD_VALUE}, /* a group as sender's MAC */
      {14, 224, WIRE_BAD_VALUE},                            /* a group as sender's IP */
      {14, 127, WIRE_OK},
  };
  uint8_t p[64];
  struct wire_arp a;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    unhex(arp_reply, p, sizeof p);
    p[14 + rows[i].at] = rows[i].value;
    assert_int_equal(wire_arp_parse(p + 14, 28, &a), rows[i].result);
  }
  unhex(arp_reply, p, sizeof p);
  memset(p + 14 + 14, 0xff, 4);
  assert_int_equal(wire_arp_parse(p + 14, 28, &a), WIRE_BAD_VALUE);
}

/* What a Linux kernel sent to a closed port: "hello". */
static void udp_known(void **state)
{
  (void)state;
  uint8_t p[16];
  struct wire_udp h;
  size_t n = unhex("ecf2b814000dfe2068656c6c6f", p, sizeof p);
  assert_int_equal(wire_udp_parse(p, n, n, &h), WIRE_OK);
  assert_int_equal(h.src_port, 0xecf2);
  assert_int_equal(h.dst_port, 47124);
  assert_int_equal(h.length, 13);
  assert_int_equal(h.checksum, 0xfe20);
}

static void udp_lengths(void **state)
{
  (void)state;
  struct wire_udp h = {.src_port = 1, .dst_port = 2, .length = 30, .checksum = 0xbeef}, back;
  uint8_t p[8];
  assert_int_equal(wire_udp_emit(&h, p), 8);
  for (size_t len = 0; len < 8; len++) {
    uint8_t *copy = exact(p, len);
    assert_int_equal(wire_udp_parse(copy, len, 100, &back), WIRE_SHORT);
    free(copy);
  }
  assert_int_equal(wire_udp_parse(p, 8, 29, &back), WIRE_SHORT);
  assert_int_equal(wire_udp_parse(p, 8, 30, &back), WIRE_OK);
  assert_int_equal(wire_udp_parse(p, 8, 31, &back), WIRE_OK);
  assert_memory_equal(&h, &back, sizeof h);
  for (uint8_t length = 0; length < 8; length++) {
    p[5] = length;
    assert_int_equal(wire_udp_parse(p, 8, 30, &back), WIRE_BAD_LENGTH);
  }
}

static void udp_round_trip(void **state)
{
  (void)state;
  struct random r = {3};
  for (int round = 0; round < 2000; round++) {
    uint8_t p[8], again[8];
    struct wire_udp h;
    random_bytes(&r, p, sizeof p);
    p[4] |= 1; /* a length of at least 256 */
    assert_int_equal(wire_udp_parse(p, 8, 65535, &h), WIRE_OK);
    wire_udp_emit(&h, again);
    assert_memory_equal(p, again, 8);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(eth_known),      cmocka_unit_test(eth_vlan),
      cmocka_unit_test(eth_refuses),    cmocka_unit_test(eth_round_trip),
      cmocka_unit_test(eth_groups),     cmocka_unit_test(arp_known),
      cmocka_unit_test(arp_refuses),    cmocka_unit_test(arp_round_trip_and_truncation),
      cmocka_unit_test(udp_known),      cmocka_unit_test(udp_lengths),
      cmocka_unit_test(udp_round_trip),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
