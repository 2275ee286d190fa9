/* Super-segments cut into what a wire carries, and the system's description of them. */
#include "test_link_util.h"

struct seen {
  const struct made *made;
  size_t l3, payload, total; /* payload: bytes so far */
  unsigned count;
};

static void check_piece(void *ctx, const void *bytes, size_t len)
{
  struct seen *s = ctx;
  const uint8_t *payload;
  size_t n;
  struct wire_tcp tcp = read_tcp(bytes, len, s->l3, &payload, &n);
  bool first = s->payload == 0, last = s->payload + n == s->total;
  assert_int_equal(tcp.seq, SEQ + (uint32_t)s->payload);
  assert_memory_equal(payload, s->made->payload + s->payload, n);
  assert_int_equal(tcp.flags & YEON_TCP_CWR, first ? YEON_TCP_CWR : 0);
  assert_int_equal(tcp.flags & (YEON_TCP_FIN | YEON_TCP_PSH), last ? YEON_TCP_FIN | YEON_TCP_PSH : 0);
  assert_true(tcp.has_ts);
  if (!last && s->made->frame.gso_size) assert_int_equal(n, s->made->frame.gso_size);
  const uint8_t *ip = (const uint8_t *)bytes + s->l3;
  if (ip[0] >> 4 == 4) assert_int_equal(wire_get16(ip + 4), (uint16_t)(0xfffe + s->count));
  s->payload += n;
  s->count++;
}

static void test_cuts(void **state)
{
  (void)state;
  static struct made m;
  static const struct {
    size_t payload;
    uint16_t gso;
    unsigned pieces;
  } cases[] = {{3000, 1000, 3}, {3001, 1000, 4}, {64000, 1448, 45}, {2, 1, 2}, {500, 0, 1}, {0, 0, 1}};
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (unsigned kind = 0; kind < 4; kind++) {
      make_tcp(&m, kind & 1, kind & 2, cases[i].payload, cases[i].gso);
      struct seen s = {&m, m.l3, 0, cases[i].payload, 0};
      assert_int_equal(yeon_frame_split(&m.frame, check_piece, &s), 0);
      assert_int_equal(s.count, cases[i].pieces);
      assert_int_equal(s.payload, cases[i].payload);
    }
  }
}

static void must_not_come(void *ctx, const void *bytes, size_t len)
{
  (void)ctx;
  (void)bytes;
  (void)len;
  fail_msg("a piece of a frame that cannot be cut");
}

static void test_refuses(void **state)
{
  (void)state;
  static struct made m;
  make_tcp(&m, false, false, 3000, 1000);
  m.frame.gso_size = 0;
  assert_int_equal(yeon_frame_split(&m.frame, must_not_come, NULL), YEON_ERR_INVALID);
  make_tcp(&m, false, false, 3000, 1000);
  m.frame.head[9] = WIRE_PROTO_UDP;
  assert_int_equal(yeon_frame_split(&m.frame, must_not_come, NULL), YEON_ERR_INVALID);
  make_tcp(&m, true, false, 3000, 1000);
  m.frame.head[m.tcp + 12] = 0x40; /* a TCP header of 16 bytes */
  assert_int_equal(yeon_frame_split(&m.frame, must_not_come, NULL), YEON_ERR_INVALID);
  make_tcp(&m, false, false, 0, 0);
  m.frame.segs = 2;
  m.frame.gso_size = 100;
  m.frame.slice[0].len = m.frame.len = 30; /* not even its headers */
  assert_int_equal(yeon_frame_split(&m.frame, must_not_come, NULL), YEON_ERR_INVALID);
  make_tcp(&m, false, false, 100, 0);
  m.frame.csum_offset = 200;
  assert_int_equal(yeon_frame_split(&m.frame, must_not_come, NULL), YEON_ERR_INVALID);
  struct yeon_frame none = {.len = 0};
  assert_int_equal(yeon_frame_split(&none, must_not_come, NULL), YEON_ERR_INVALID);
}

/* A UDP checksum that comes to 0 is sent as 0xffff. */
static void udp_sum(void *ctx, const void *bytes, size_t len)
{
  (void)len;
  *(uint16_t *)ctx = wire_get16((const uint8_t *)bytes + 6);
}

static void test_udp_zero(void **state)
{
  (void)state;
  uint8_t packet[10] = {0, 0, 0, 0, 0, 10, 0, 0, 0xff, 0xf5}; /* sums to 0xffff */
  struct yeon_frame f;
  uint16_t sum = 0;
  yeon_frame_from_bytes(&f, packet, sizeof packet);
  f.csum = YEON_CSUM_PARTIAL;
  f.csum_offset = 6;
  assert_int_equal(yeon_frame_split(&f, udp_sum, &sum), 0);
  assert_int_equal(sum, 0xffff);
}

static void test_vnet_round_trip(void **state)
{
  (void)state;
  static struct made m;
  static uint8_t flat[LINK_FRAME_MAX];
  for (unsigned kind = 0; kind < 4; kind++) {
    make_tcp(&m, kind & 1, kind & 2, 30000, 1400);
    struct virtio_net_hdr h;
    link_vnet_emit(&m.frame, &h);
    assert_int_equal(h.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
    assert_int_equal(h.gso_type, kind & 1 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4);
    assert_int_equal(h.hdr_len, m.header);
    struct yeon_frame back;
    yeon_frame_from_bytes(&back, flat, yeon_frame_copy(&m.frame, flat, sizeof flat));
    back.l3_offset = (uint16_t)m.l3;
    assert_true(link_vnet_parse(&h, &back));
    assert_int_equal(back.segs, m.frame.segs);
    assert_int_equal(back.gso_size, 1400);
    assert_int_equal(back.csum, YEON_CSUM_PARTIAL);
    assert_int_equal(back.csum_start, m.tcp);
  }
}

static void test_vnet_nonsense(void **state)
{
  (void)state;
  static struct made m;
  static uint8_t flat[LINK_FRAME_MAX];
  make_tcp(&m, false, false, 3000, 1000);
  struct yeon_frame f;
  struct virtio_net_hdr good, h;
  link_vnet_emit(&m.frame, &good);
  size_t len = yeon_frame_copy(&m.frame, flat, sizeof flat);
  for (unsigned i = 0; i < 5; i++) {
    yeon_frame_from_bytes(&f, flat, i == 4 ? 25 : len);
    h = good;
    if (i == 0) h.csum_start = 0xfff0;
    if (i == 1) h.gso_type = VIRTIO_NET_HDR_GSO_UDP;
    if (i == 2) h.gso_type = 77;
    if (i == 3) h.gso_size = 0;
    if (i == 4) h.flags = 0;
    assert_false(link_vnet_parse(&h, &f));
  }
  yeon_frame_from_bytes(&f, flat, len);
  memset(&h, 0, sizeof h);
  h.flags = VIRTIO_NET_HDR_F_DATA_VALID;
  assert_true(link_vnet_parse(&h, &f));
  assert_int_equal(f.csum, YEON_CSUM_VALID);
  assert_int_equal(f.segs, 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_cuts),          cmocka_unit_test(test_refuses),
      cmocka_unit_test(test_udp_zero),      cmocka_unit_test(test_vnet_round_trip),
      cmocka_unit_test(test_vnet_nonsense),
  };
  return cmocka_run_group_tests_name("link_split", tests, NULL, NULL);
}
