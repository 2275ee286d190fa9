/* wire/tcp. */
#include <stdio.h>

#include "test_wire_util.h"
#include "wire/tcp.h"

/* A SYN and a reset of a Linux kernel. */
static const char linux_syn[] = "e360b81373c1a83400000000a002ffd7fe3000000204ffd70402080ae12009c0000000000103030a";
static const char linux_rst[] = "b813e3600000000073c1a83550140000fa620000";

static void syn_known(void **state)
{
  (void)state;
  uint8_t p[64], again[64];
  struct wire_tcp h;
  size_t n = unhex(linux_syn, p, sizeof p);
  assert_int_equal(wire_tcp_parse(p, n, &h), WIRE_OK);
  assert_int_equal(h.src_port, 58208);
  assert_int_equal(h.dst_port, 47123);
  assert_int_equal(h.seq, 0x73c1a834);
  assert_int_equal(h.ack, 0);
  assert_int_equal(h.flags, YEON_TCP_SYN);
  assert_int_equal(h.header_len, 40);
  assert_int_equal(h.window, 65495);
  assert_int_equal(h.mss, 65495);
  assert_int_equal(h.wscale, 10);
  assert_true(h.sack_ok && h.has_ts);
  assert_int_equal(h.tsval, 0xe12009c0);
  assert_int_equal(h.tsecr, 0);
  assert_false(h.has_uto);
  assert_int_equal(h.n_sack, 0);
  /* Our own layout of the same options is the same, byte for byte. */
  assert_int_equal(wire_tcp_emit(&h, again), n);
  wire_put16(again + 16, h.checksum);
  assert_memory_equal(p, again, n);
}

/* RFC 9768 3.2.3: both orders, all lengths; not on a SYN. */
static void accecn_options(void **state)
{
  (void)state;
  static const uint32_t counters[3] = {0x010203, 0x040506, 0xfffefd};
  for (unsigned i = 0; i < 2 * 4 * 5; i++) {
    uint8_t p[64];
    struct wire_tcp h, back;
    wire_tcp_init(&h);
    h.flags = YEON_TCP_ACK;
    h.ae = i % 2 != 0;
    h.has_accecn = true;
    h.accecn_swapped = i % 2 != 0;
    h.n_accecn = (uint8_t)(i / 2 % 4);
    h.n_sack = (uint8_t)(i / 8);
    for (unsigned k = 0; k < h.n_sack; k++) h.sack[k] = (struct yeon_sack_block){100 * k, 100 * k + 50};
    memcpy(h.accecn, counters, sizeof counters);
    size_t size = wire_tcp_size(&h);
    assert_true(size <= WIRE_TCP_HEADER_MAX && size % 4 == 0);
    assert_int_equal(wire_tcp_emit(&h, p), size);
    assert_int_equal(p[WIRE_TCP_HEADER], h.accecn_swapped ? 174 : 172);
    assert_int_equal(wire_tcp_parse(p, size, &back), WIRE_OK);
    assert_true(back.has_accecn && back.accecn_swapped == h.accecn_swapped && back.ae == h.ae);
    assert_int_equal(back.n_accecn, h.n_accecn);
    assert_true(back.n_sack == h.n_sack || size + 8 > WIRE_TCP_HEADER_MAX);
    for (unsigned k = 0; k < 3; k++) {
      bool there = h.accecn_swapped ? k + h.n_accecn >= 3 : k < h.n_accecn;
      assert_int_equal(back.accecn[k], there ? counters[k] : 0);
    }
    p[13] = YEON_TCP_SYN;
    assert_int_equal(wire_tcp_parse(p, size, &back), WIRE_OK);
    assert_false(back.has_accecn);
  }
  uint8_t odd[32] = {[12] = 0x70, [13] = YEON_TCP_ACK, [20] = 172, 7, 0, 0, 9, 0, 0, 1}; /* a field and two bytes of another */
  struct wire_tcp h;
  assert_int_equal(wire_tcp_parse(odd, 28, &h), WIRE_OK);
  assert_true(h.has_accecn && h.n_accecn == 1 && h.accecn[WIRE_ACCECN_ECT0] == 9);
}

static void rst_known(void **state)
{
  (void)state;
  uint8_t p[64];
  struct wire_tcp h;
  size_t n = unhex(linux_rst, p, sizeof p);
  assert_int_equal(wire_tcp_parse(p, n, &h), WIRE_OK);
  assert_int_equal(h.flags, YEON_TCP_RST | YEON_TCP_ACK);
  assert_int_equal(h.ack, 0x73c1a835);
  assert_int_equal(h.header_len, 20);
  assert_int_equal(h.wscale, -1);
  assert_int_equal(h.mss, 0);
  assert_false(h.sack_ok || h.has_ts);
}

static void random_header(struct random *r, struct wire_tcp *h)
{
  wire_tcp_init(h);
  h->seq = random_next(r);
  h->ack = random_next(r);
  h->src_port = (uint16_t)random_next(r);
  h->dst_port = (uint16_t)random_next(r);
  h->window = (uint16_t)random_next(r);
  h->urgent = (uint16_t)random_next(r);
  h->flags = (uint8_t)random_next(r);
  if (h->flags & YEON_TCP_SYN) {
    h->mss = random_bool(r) ? (uint16_t)random_next(r) : 0;
    h->wscale = (int8_t)((int)random_below(r, 16) - 1);
    h->sack_ok = random_bool(r);
  } else {
    h->n_sack = (uint8_t)random_below(r, 5);
    for (unsigned i = 0; i < h->n_sack; i++) {
      h->sack[i].left = random_next(r);
      h->sack[i].right = h->sack[i].left + 1 + random_below(r, 0x7ffffffe);
    }
  }
  h->has_ts = random_bool(r);
  h->tsval = h->has_ts ? random_next(r) : 0;
  h->tsecr = h->has_ts ? random_next(r) : 0;
  h->has_uto = random_below(r, 4) == 0;
  h->user_timeout = h->has_uto ? (uint16_t)random_next(r) : 0;
  h->packed = random_bool(r);
}

static void assert_same(const struct wire_tcp *a, const struct wire_tcp *b)
{
  assert_int_equal(a->seq, b->seq);
  assert_int_equal(a->ack, b->ack);
  assert_int_equal(a->src_port, b->src_port);
  assert_int_equal(a->dst_port, b->dst_port);
  assert_int_equal(a->window, b->window);
  assert_int_equal(a->urgent, b->urgent);
  assert_int_equal(a->flags, b->flags);
  assert_int_equal(a->header_len, b->header_len);
  assert_int_equal(a->mss, b->mss);
  assert_int_equal(a->wscale, b->wscale);
  assert_int_equal(a->sack_ok, b->sack_ok);
  assert_int_equal(a->has_ts, b->has_ts);
  assert_int_equal(a->tsval, b->tsval);
  assert_int_equal(a->tsecr, b->tsecr);
  assert_int_equal(a->has_uto, b->has_uto);
  assert_int_equal(a->user_timeout, b->user_timeout);
}

static void round_trip(void **state)
{
  (void)state;
  struct random r = {1};
  for (int round = 0; round < 50000; round++) {
    struct wire_tcp a, b;
    random_header(&r, &a);
    size_t size = wire_tcp_size(&a);
    assert_true(size >= 20 && size <= 60 && size % 4 == 0);
    uint8_t *p = malloc(size);
    assert_non_null(p);
    assert_int_equal(wire_tcp_emit(&a, p), size);
    assert_int_equal(wire_tcp_parse(p, size, &b), WIRE_OK);
    assert_int_equal(b.checksum, 0);
    assert_same(&a, &b);
    /* SACK blocks that do not fit into the 40 bytes are dropped from the end. */
    size_t fit = (40 - 4 - (a.has_ts ? 12u : 0u) - (a.has_uto ? 4u : 0u)) / 8;
    size_t want = a.n_sack < fit ? a.n_sack : fit;
    assert_int_equal(b.n_sack, want);
    assert_memory_equal(a.sack, b.sack, want * sizeof a.sack[0]);
    free(p);
  }
}

static void every_truncation(void **state)
{
  (void)state;
  struct random r = {2};
  for (int round = 0; round < 2000; round++) {
    struct wire_tcp a, b;
    uint8_t p[60];
    random_header(&r, &a);
    size_t size = wire_tcp_emit(&a, p);
    for (size_t len = 0; len < size; len++) {
      uint8_t *copy = exact(p, len);
      assert_int_equal(wire_tcp_parse(copy, len, &b), WIRE_SHORT);
      free(copy);
    }
  }
}

/* Whatever the bits, a parse says something definite, and what it accepts is within its promises. */
static void bit_flips_and_noise(void **state)
{
  (void)state;
  struct random r = {3};
  unsigned results[8] = {0};
  for (int round = 0; round < 100000; round++) {
    struct wire_tcp a, b;
    uint8_t p[60];
    random_header(&r, &a);
    size_t size = wire_tcp_emit(&a, p);
    for (uint32_t n = 1 + random_below(&r, 3); n > 0; n--)
      p[12 + random_below(&r, (uint32_t)size - 12)] ^= (uint8_t)(1u << random_below(&r, 8));
    uint8_t *copy = exact(p, size);
    int result = wire_tcp_parse(copy, size, &b);
    free(copy);
    assert_true(result <= 0 && result > -8);
    results[-result]++;
    if (result != WIRE_OK) continue;
    assert_true(b.header_len >= 20 && b.header_len <= size);
    assert_true(b.wscale >= -1 && b.wscale <= 14);
    assert_true(b.n_sack <= 4);
    for (unsigned i = 0; i < b.n_sack; i++) assert_true((int32_t)(b.sack[i].right - b.sack[i].left) > 0);
    assert_true((b.flags & YEON_TCP_SYN) || (b.mss == 0 && b.wscale == -1 && !b.sack_ok));
  }
  assert_true(results[0] > 1000 && results[-WIRE_SHORT] > 100);
  assert_true(results[-WIRE_BAD_LENGTH] > 100 && results[-WIRE_BAD_OPTION] > 1000);
}

/* flags, then options as they stand; the header around them is made here. */
static int parse_options(uint8_t flags, const char *options, struct wire_tcp *h)
{
  uint8_t p[60] = {0};
  size_t n = unhex(options, p + 20, 40);
  p[13] = flags;
  p[12] = (uint8_t)((20 + n) / 4 << 4);
  uint8_t *copy = exact(p, 20 + n);
  int result = wire_tcp_parse(copy, 20 + n, h);
  free(copy);
  return result;
}

static void malformed_options(void **state)
{
  (void)state;
  static const char *const bad[] = {
      "01010102", /* a kind and no length */
      "02000000", /* length 0: would never end */
      "02010000", /* length 1 */
      "02050000", /* reaches beyond the header */
      "fe060000", /* so does an unknown one */
      "0203ff00", /* MSS of the wrong length */
      "03020101",
      "04030000",
      "080900000000000000000000",
      "0502010101010101", /* SACK without a block */
      "050900000000000000000000",
      "1c030001",
  };
  struct wire_tcp h;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    assert_int_equal(parse_options(YEON_TCP_SYN, bad[i], &h), WIRE_BAD_OPTION);
}

static void tolerated_options(void **state)
{
  (void)state;
  struct wire_tcp h;
  assert_int_equal(parse_options(YEON_TCP_SYN, "0003ff00", &h), WIRE_OK); /* nothing counts after the end */
  assert_int_equal(h.wscale, -1);
  assert_int_equal(parse_options(YEON_TCP_SYN, "fd0412340204012c", &h), WIRE_OK); /* unknown: skipped */
  assert_int_equal(h.mss, 300);
  assert_int_equal(parse_options(YEON_TCP_SYN, "0204012c020405b4", &h), WIRE_OK); /* the last counts */
  assert_int_equal(h.mss, 1460);
  assert_int_equal(parse_options(YEON_TCP_SYN, "0303ff01", &h), WIRE_OK);
  assert_int_equal(h.wscale, 14);
  assert_int_equal(parse_options(YEON_TCP_ACK, "0204012c0303070104020101", &h), WIRE_OK);
  assert_true(h.mss == 0 && h.wscale == -1 && !h.sack_ok);
  assert_int_equal(parse_options(YEON_TCP_ACK, "1c048005", &h), WIRE_OK);
  assert_true(h.has_uto && h.user_timeout == 0x8005);
}

/* RFC 7413 4.1.1: kind 34 with a cookie of 4 to 16 bytes, even, or none; its experimental form; either on a SYN alone. */
static void fastopen_option(void **state)
{
  (void)state;
  struct wire_tcp h;
  for (unsigned len = 0; len <= 36; len++) {
    for (unsigned experimental = 0; experimental < 2; experimental++) {
      char text[81] = "";
      unsigned head = experimental ? 4 : 2, n = (unsigned)snprintf(text, sizeof text, experimental ? "fe%02xf989" : "22%02x", head + len);
      for (unsigned i = 0; i < len; i++) n += (unsigned)snprintf(text + n, sizeof text - n, "%02x", i + 1);
      while (n % 8 != 0) n += (unsigned)snprintf(text + n, sizeof text - n, "01");
      bool legal = len == 0 || (len >= 4 && len <= 16 && len % 2 == 0);
      assert_int_equal(parse_options(YEON_TCP_SYN | YEON_TCP_ACK, text, &h), WIRE_OK);
      assert_int_equal(h.has_fastopen, legal);
      if (legal) assert_int_equal(h.n_cookie, len);
      if (legal) assert_int_equal(h.fastopen_experimental, experimental);
      for (unsigned i = 0; legal && i < len; i++) assert_int_equal(h.cookie[i], i + 1);
      assert_int_equal(parse_options(YEON_TCP_ACK, text, &h), WIRE_OK);
      assert_false(h.has_fastopen);
    }
  }
  assert_int_equal(parse_options(YEON_TCP_SYN, "fe04f98afe0301fe", &h), WIRE_BAD_OPTION);
  assert_int_equal(parse_options(YEON_TCP_SYN, "fe06f98a01020101", &h), WIRE_OK); /* somebody else's experiment */
  assert_false(h.has_fastopen);
  /* Emitted as it is read; left out where it does not fit behind what stands there. */
  for (unsigned all = 0; all < 8; all++) {
    struct wire_tcp full;
    uint8_t p[64];
    wire_tcp_init(&full);
    full.flags = YEON_TCP_SYN;
    full.mss = 1460;
    full.wscale = 7;
    full.sack_ok = full.has_ts = full.has_fastopen = true;
    full.has_uto = (all & 1) != 0;
    full.packed = (all & 2) != 0;
    full.fastopen_experimental = (all & 4) != 0;
    full.n_cookie = 16;
    size_t size = wire_tcp_emit(&full, p);
    assert_true(size <= 60);
    assert_int_equal(size, wire_tcp_size(&full));
    assert_int_equal(wire_tcp_parse(p, size, &h), WIRE_OK);
    assert_true(h.has_ts && h.mss == 1460);
    assert_int_equal(h.has_fastopen, !full.has_uto);
  }
}

static void empty_and_reversed_sack_blocks_are_left_out(void **state)
{
  (void)state;
  struct wire_tcp h;
  assert_int_equal(parse_options(YEON_TCP_ACK,
                                 "0101051a"
                                 "0000001000000010"
                                 "fffffff000000010"
                                 "0000002000000010",
                                 &h),
                   WIRE_OK);
  assert_int_equal(h.n_sack, 1);
  assert_int_equal(h.sack[0].left, 0xfffffff0);
  assert_int_equal(h.sack[0].right, 0x10);
}

static void data_offset_below_five(void **state)
{
  (void)state;
  struct wire_tcp h;
  uint8_t p[20] = {0};
  for (unsigned offset = 0; offset < 16; offset++) {
    p[12] = (uint8_t)(offset << 4);
    assert_int_equal(wire_tcp_parse(p, sizeof p, &h), offset < 5    ? WIRE_BAD_LENGTH
                                                      : offset == 5 ? WIRE_OK
                                                                    : WIRE_SHORT);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(syn_known),
      cmocka_unit_test(accecn_options),
      cmocka_unit_test(rst_known),
      cmocka_unit_test(round_trip),
      cmocka_unit_test(every_truncation),
      cmocka_unit_test(bit_flips_and_noise),
      cmocka_unit_test(malformed_options),
      cmocka_unit_test(tolerated_options),
      cmocka_unit_test(fastopen_option),
      cmocka_unit_test(empty_and_reversed_sack_blocks_are_left_out),
      cmocka_unit_test(data_offset_below_five),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
