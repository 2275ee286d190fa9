/* Header fields in words, descriptions, the tally: of good frames and of every way to break one. */
#include "test_watch_util.h"

static size_t make_syn(uint8_t *buf)
{
  struct wire_tcp h = segment(YEON_TCP_SYN, 0x01020304, 0);
  h.mss = 1460;
  h.wscale = 7;
  h.sack_ok = h.has_ts = true;
  h.tsval = 77;
  return make_segment(buf, 0, &h, 0);
}

static void test_ecn_fields(void **unused)
{
  (void)unused;
  static struct lines l;
  uint8_t bytes[128];
  char text[200];
  struct wire_tcp h = segment(YEON_TCP_ACK | YEON_TCP_ECE, 1, 2);
  h.ae = h.has_accecn = true;
  h.n_accecn = 2;
  h.accecn[WIRE_ACCECN_ECT0] = 70001;
  h.accecn[WIRE_ACCECN_CE] = 1448;
  size_t len = make_segment(bytes, 0, &h, 0);
  bytes[1] = WIRE_ECN_CE;
  l.n = 0;
  (void)yeon_fields_write(bytes, len, false, keep_line, &l); /* the header's checksum is of another codepoint */
  bytes[11] = (uint8_t)(bytes[11] - WIRE_ECN_CE);
  assert_int_equal(yeon_fields_write(bytes, len, false, keep_line, &l), 0);
  static const char *const wanted[] = {"ECN               3", "congestion was met", "flag AE           1", "flag ECE          1",
                                       "option: AccECN    70001", "bytes that came as ECT(0)", "option: AccECN    1448",
                                       "bytes that came marked"};
  for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
    if (find_line(&l, 0, wanted[i]) < 0) fail_msg("no line with \"%s\"", wanted[i]);
  yeon_frame_describe(bytes, len, false, text, sizeof text);
  assert_non_null(strstr(text, "ACK+ECE+AE"));
  assert_non_null(strstr(text, " CE"));
}

static void test_tcp_fields(void **unused)
{
  (void)unused;
  static struct lines l;
  uint8_t bytes[128];
  size_t len = make_syn(bytes);
  l.n = 0;
  assert_int_equal(yeon_fields_write(bytes, len, false, keep_line, &l), 0);
  static const char *const wanted[] = {"IPv4 header, 20 bytes",
                                       "time to live",
                                       "TCP header, 40 bytes",
                                       "source port       50000",
                                       "sequence number   16909060",
                                       "01 02 03 04",
                                       "flag SYN          1",
                                       "flag ACK          0",
                                       "......1.",
                                       "right, with the pseudo-header",
                                       "option: MSS       1460",
                                       "option: scale     7",
                                       "option: SACK ok",
                                       "option: times     77",
                                       "urgent pointer"};
  for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
    if (find_line(&l, 0, wanted[i]) < 0) fail_msg("no line with \"%s\"", wanted[i]);
  bytes[30] ^= 1;
  l.n = 0;
  yeon_fields_write(bytes, len, false, keep_line, &l);
  assert_true(find_line(&l, 0, "WRONG") > 0);
}

static size_t make_udp(uint8_t *buf)
{
  struct wire_ipv4 v4 = {.src = yeon_ip4(10, 0, 0, 1),
                         .dst = yeon_ip4(10, 0, 0, 2),
                         .total_len = 33,
                         .ttl = 1,
                         .protocol = WIRE_PROTO_UDP};
  struct wire_udp h = {.src_port = 5353, .dst_port = 53, .length = 13};
  wire_ipv4_emit(&v4, buf);
  wire_udp_emit(&h, buf + 20);
  memcpy(buf + 28, "hello", 5);
  return 33;
}

static void test_udp_fields(void **unused)
{
  (void)unused;
  static struct lines l;
  uint8_t bytes[64];
  char text[200];
  size_t len = make_udp(bytes);
  l.n = 0;
  assert_int_equal(yeon_fields_write(bytes, len, false, keep_line, &l), 0);
  assert_true(find_line(&l, 0, "UDP header, 8 bytes") > 0);
  assert_true(find_line(&l, 0, "none was computed") > 0);
  assert_true(find_line(&l, 0, "5 bytes of data") > 0);
  assert_string_equal(yeon_frame_describe(bytes, len, false, text, sizeof text),
                      "UDP 10.0.0.1:5353 > 10.0.0.2:53 len 5");
}

/* Cut anywhere, any byte changed: an answer, never a read beyond the end (the sanitizers watch). */
static void test_broken_bytes(void **unused)
{
  (void)unused;
  static struct lines l;
  uint8_t good[128], bad[128];
  char text[200];
  size_t len = make_syn(good);
  unsigned refused = 0;
  for (size_t cut = 0; cut < len; cut++) {
    memcpy(bad, good, cut);
    l.n = 0;
    assert_int_equal(yeon_fields_write(bad, cut, false, keep_line, &l), YEON_ERR_INVALID);
    assert_true(find_line(&l, 0, "broken") >= 0);
    yeon_frame_describe(bad, cut, false, text, sizeof text);
  }
  for (size_t at = 0; at < len; at++) {
    for (unsigned bit = 0; bit < 8; bit++) {
      memcpy(bad, good, len);
      bad[at] ^= (uint8_t)(1u << bit);
      l.n = 0;
      refused += yeon_fields_write(bad, len, false, keep_line, &l) != 0;
      assert_true(l.n > 0);
      yeon_frame_describe(bad, len, false, text, sizeof text);
      assert_true(strlen(text) > 0);
    }
  }
  assert_true(refused >= 160); /* every bit of the IP header, which has a checksum of its own */
}

static void test_describe(void **unused)
{
  (void)unused;
  uint8_t bytes[128];
  char text[200];
  size_t len = make_syn(bytes);
  assert_string_equal(yeon_frame_describe(bytes, len, false, text, sizeof text),
                      "TCP 10.0.0.1:50000 > 10.0.0.2:80 SYN seq 16909060");
  assert_string_equal(yeon_frame_describe(bytes, 3, false, text, sizeof text), "not a packet");
}

static void test_tally(void **unused)
{
  (void)unused;
  uint8_t bytes[128];
  char text[200];
  struct yeon_tally tally;
  struct yeon_frame frame;
  struct wire_tcp h = segment(YEON_TCP_ACK, 1, 1);
  yeon_tally_init(&tally);
  assert_string_equal(yeon_tally_format(&tally, text, sizeof text), "0 segments, 0 bytes");
  yeon_frame_from_bytes(&frame, bytes, make_segment(bytes, 0, &h, 50));
  struct yeon_cable_tap t = {.moment = YEON_MOMENT_SENT, .frame = &frame};
  yeon_tally_frame(&tally, &t);
  yeon_tally_frame(&tally, &t);
  t.moment = YEON_MOMENT_LOST;
  yeon_tally_frame(&tally, &t);
  t.moment = YEON_MOMENT_DELIVERED;
  yeon_tally_frame(&tally, &t);
  t.duplicate = true;
  yeon_tally_frame(&tally, &t);
  struct yeon_event e = {.type = YEON_EV_SEGMENT_OUT};
  e.u.segment.retransmission = true;
  yeon_tally_event(&tally, &e);
  assert_string_equal(yeon_tally_format(&tally, text, sizeof text),
                      "2 segments, 100 bytes, 1 sent again, 1 lost, 1 doubled");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ecn_fields),
      cmocka_unit_test(test_tcp_fields), cmocka_unit_test(test_udp_fields), cmocka_unit_test(test_broken_bytes),
      cmocka_unit_test(test_describe),   cmocka_unit_test(test_tally),
  };
  return cmocka_run_group_tests_name("watch_fields", tests, NULL, NULL);
}
