/* Fragments: made by one host and put together by the other; then made by hand in every bad way. */
#include "pair.h"

#define ID 0x1234

/* A piece of the transport bytes as a fragment. */
static size_t make_fragment(uint8_t *out, bool six, uint32_t id, const uint8_t *data, size_t offset, size_t len,
                            bool more)
{
  uint8_t body[2048];
  if (six) {
    struct wire_ipv6_frag f = {.id = id, .offset = (uint16_t)offset, .more = more, .next_header = 17};
    wire_ipv6_frag_emit(&f, body);
    memcpy(body + 8, data + offset, len);
    return make_packet(out, "fd00::1", "fd00::2", WIRE_PROTO_FRAGMENT, body, 8 + len);
  }
  struct wire_ipv4 h = {.src = pair_ip("10.0.0.1"),
                        .dst = pair_ip("10.0.0.2"),
                        .total_len = (uint16_t)(20 + len),
                        .id = (uint16_t)id,
                        .frag_offset = (uint16_t)offset,
                        .more_fragments = more,
                        .ttl = 64,
                        .protocol = 17};
  wire_ipv4_emit(&h, out);
  memcpy(out + 20, data + offset, len);
  return 20 + len;
}

struct world {
  struct pair *p;
  struct yeon_udp *server;
  bool six;
  uint8_t udp[4096]; /* a whole datagram of 1608 bytes, header included */
  size_t len;
};

static void open_world(struct world *w, bool six)
{
  uint8_t data[1600];
  w->six = six;
  w->p = pair_open(false, 1500);
  w->server = open_udp(w->p->host[1], "[::]:5");
  for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * 7);
  w->len = six ? make_udp(w->udp, "fd00::1", "fd00::2", 9, 5, data, sizeof data)
               : make_udp(w->udp, "10.0.0.1", "10.0.0.2", 9, 5, data, sizeof data);
}

static void give(struct world *w, uint32_t id, size_t from, size_t to, bool more)
{
  uint8_t packet[2200];
  size_t n = make_fragment(packet, w->six, id, w->udp, from, to - from, more);
  pair_inject(w->p, 1, packet, n);
}

static bool arrived(struct world *w)
{
  uint8_t buf[4096];
  int64_t n = yeon_udp_recv(w->server, buf, sizeof buf, NULL, NULL, NULL);
  if (n == YEON_ERR_AGAIN) return false;
  assert_int_equal(n, (int64_t)w->len - 8);
  assert_memory_equal(buf, w->udp + 8, w->len - 8);
  return true;
}

static uint64_t held(struct world *w)
{
  struct yeon_host_usage u;
  yeon_host_usage(w->p->host[1], &u);
  return u.buffer_bytes;
}

static void every_order(void **state)
{
  (void)state;
  static const uint8_t order[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
  static const size_t cut[4] = {0, 800, 1200, 1608};
  for (int six = 0; six < 2; six++) {
    struct world w;
    open_world(&w, six);
    for (uint32_t i = 0; i < 6; i++) {
      for (int j = 0; j < 3; j++) {
        assert_false(arrived(&w));
        give(&w, i, cut[order[i][j]], cut[order[i][j] + 1], order[i][j] < 2);
      }
      assert_true(arrived(&w));
    }
    assert_int_equal(count_of(w.p, 1)->frag_reassembled, 6);
    assert_int_equal(held(&w), 0);
    pair_close(w.p);
  }
}

static void large_datagrams_cross(void **state)
{
  (void)state;
  static const char *const to[] = {"10.0.0.2:5", "[fd00::2]:5"};
  static const size_t size[] = {1472, 1473, 4000, 65507};
  static uint8_t data[65507], got[65507];
  for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * 31 >> 3);
  for (int ethernet = 0; ethernet < 2; ethernet++) {
    struct pair *p = pair_open(ethernet, 1500);
    struct yeon_udp *server = open_udp(p->host[1], "[::]:5"), *client = open_udp(p->host[0], NULL);
    for (int f = 0; f < 2; f++) {
      struct yeon_addr a = pair_addr(to[f]);
      for (size_t i = 0; i < 4; i++) {
        assert_int_equal(yeon_udp_send(client, data, size[i], &a, p->now), (int64_t)size[i]);
        pair_pump(p);
        memset(got, 0, sizeof got);
        assert_int_equal(yeon_udp_recv(server, got, sizeof got, NULL, NULL, NULL), (int64_t)size[i]);
        assert_memory_equal(got, data, size[i]);
      }
    }
    assert_int_equal(count_of(p, 0)->frag_out, count_of(p, 1)->frag_in);
    assert_true(count_of(p, 0)->frag_out > 90);
    pair_close(p);
  }
}

static void many_large_datagrams_wait_their_turn(void **state)
{
  (void)state;
  static uint8_t data[60000];
  struct pair *p = pair_open(false, 1500);
  struct yeon_udp *server = open_udp(p->host[1], "[::]:5"), *client = open_udp(p->host[0], NULL);
  struct yeon_addr a = pair_addr("10.0.0.2:5");
  assert_int_equal(yeon_udp_set(client, YEON_UDP_SNDBUF, 1 << 21), 0);
  assert_int_equal(yeon_udp_set(server, YEON_UDP_RCVBUF, 1 << 21), 0);
  for (int i = 0; i < 30; i++)
    assert_int_equal(yeon_udp_send(client, data, sizeof data, &a, p->now), (int64_t)sizeof data);
  pair_pump(p);
  for (int i = 0; i < 30; i++)
    assert_int_equal(yeon_udp_recv(server, data, sizeof data, NULL, NULL, NULL), (int64_t)sizeof data);
  pair_close(p);
}

static void duplicates_are_harmless(void **state)
{
  (void)state;
  for (int six = 0; six < 2; six++) {
    struct world w;
    open_world(&w, six);
    give(&w, ID, 0, 800, true);
    give(&w, ID, 0, 800, true);
    give(&w, ID, 1200, 1608, false);
    give(&w, ID, 1200, 1608, false);
    give(&w, ID, 800, 1200, true);
    assert_true(arrived(&w));
    assert_int_equal(count_of(w.p, 1)->frag_overlap, 0);
    pair_close(w.p);
  }
}

/* RFC 5722: an overlap condemns the whole datagram, and what comes later of it. */
static void overlaps_are_refused(void **state)
{
  (void)state;
  static const size_t overlap[][2] = {{792, 1000}, {0, 808}, {8, 16}, {792, 1608}, {792, 800}, {0, 8}};
  for (int six = 0; six < 2; six++) {
    for (size_t i = 0; i < sizeof overlap / sizeof overlap[0]; i++) {
      struct world w;
      open_world(&w, six);
      give(&w, ID, 0, 800, true);
      give(&w, ID, overlap[i][0], overlap[i][1], overlap[i][1] != 1608);
      assert_int_equal(count_of(w.p, 1)->frag_overlap, 1);
      give(&w, ID, 800, 1608, false);
      give(&w, ID, 0, 800, true);
      assert_false(arrived(&w));
      assert_int_equal(count_of(w.p, 1)->frag_bad, 2);
      give(&w, ID + 1, 0, 800, true);
      give(&w, ID + 1, 800, 1608, false);
      assert_true(arrived(&w));
      pair_close(w.p);
    }
  }
}

static void contradicting_ends_are_refused(void **state)
{
  (void)state;
  for (int six = 0; six < 2; six++) {
    struct world w;
    open_world(&w, six);
    give(&w, 1, 800, 1608, false); /* then something behind the end */
    give(&w, 1, 1608, 1616, true);
    give(&w, 2, 800, 1608, true); /* the end before what is there */
    give(&w, 2, 8, 400, false);
    give(&w, 3, 800, 1608, false); /* two ends */
    give(&w, 3, 8, 800, false);
    assert_int_equal(count_of(w.p, 1)->frag_overlap, 3);
    assert_false(arrived(&w));
    pair_close(w.p);
  }
}

static void nonsense_is_refused(void **state)
{
  (void)state;
  struct world w;
  open_world(&w, false);
  give(&w, 1, 0, 801, true);    /* not a multiple of eight */
  give(&w, 2, 800, 800, false); /* empty */
  assert_int_equal(count_of(w.p, 1)->frag_bad, 2);
  uint8_t packet[64];
  static const uint8_t zeros[64];
  struct wire_ipv4 h = {.src = pair_ip("10.0.0.1"),
                        .dst = pair_ip("10.0.0.2"),
                        .total_len = 60,
                        .frag_offset = 65528,
                        .ttl = 9,
                        .protocol = 17};
  wire_ipv4_emit(&h, packet);
  memcpy(packet + 20, zeros, 40);
  pair_inject(w.p, 1, packet, 60); /* reaches beyond 65535 */
  assert_int_equal(count_of(w.p, 1)->frag_bad, 3);
  assert_int_equal(held(&w), 0);
  pair_close(w.p);
}

static void time_runs_out(void **state)
{
  (void)state;
  for (int six = 0; six < 2; six++) {
    struct world w;
    size_t len;
    open_world(&w, six);
    give(&w, ID, 0, 800, true);
    give(&w, ID + 1, 800, 1608, false); /* without its first part: nobody is told */
    yeon_time wait = (six ? 60 : 30) * YEON_SEC;
    assert_int_equal(yeon_host_next(w.p->host[1]), w.p->now + wait);
    pair_run(w.p, w.p->now + wait - 1);
    assert_int_equal(count_of(w.p, 1)->frag_timeout, 0);
    pair_run(w.p, w.p->now + 1);
    assert_int_equal(count_of(w.p, 1)->frag_timeout, 2);
    assert_int_equal(w.p->passed[1], 1);
    const uint8_t *m = pair_last(w.p, 1, &len);
    assert_int_equal(m[six ? 40 : 20], six ? 3 : 11);
    assert_int_equal(m[six ? 41 : 21], 1);
    assert_int_equal(held(&w), 0);
    give(&w, ID, 800, 1608, false);
    assert_false(arrived(&w));
    pair_close(w.p);
  }
}

static void tables_are_bounded(void **state)
{
  (void)state;
  struct world w;
  open_world(&w, false);
  for (uint32_t id = 0; id < IP_REASM_MAX + 10; id++) give(&w, id, 0, 800, true);
  assert_int_equal(count_of(w.p, 1)->frag_limit, 10);
  assert_true(held(&w) <= IP_REASM_BYTES);
  give(&w, 3, 800, 1608, false); /* those there are not hurt */
  assert_true(arrived(&w));
  give(&w, 5000, 0, 800, true);
  give(&w, 5000, 800, 1608, false);
  assert_true(arrived(&w));
  pair_close(w.p);
}

static void parts_are_bounded(void **state)
{
  (void)state;
  struct world w;
  uint8_t data[8 * 300] = {0}, packet[64];
  open_world(&w, false);
  for (size_t i = 0; i < IP_REASM_PARTS; i++)
    pair_inject(w.p, 1, packet, make_fragment(packet, false, ID, data, i * 8, 8, true));
  assert_int_equal(count_of(w.p, 1)->frag_limit, 0);
  pair_inject(w.p, 1, packet, make_fragment(packet, false, ID, data, IP_REASM_PARTS * 8, 8, true));
  assert_int_equal(count_of(w.p, 1)->frag_limit, 1);
  pair_close(w.p);
}

/* RFC 6946: a fragment header around a whole packet is passed over, whatever else has its identification. */
static void atomic_fragments_stand_alone(void **state)
{
  (void)state;
  struct world w;
  open_world(&w, true);
  give(&w, ID, 800, 1608, false);
  give(&w, ID, 0, 1608, false);
  assert_true(arrived(&w));
  give(&w, ID, 0, 800, true);
  assert_true(arrived(&w));
  pair_close(w.p);
}

static void congestion_marks_survive(void **state)
{
  (void)state;
  struct world w;
  uint8_t packet[2048];
  open_world(&w, false);
  for (int i = 0; i < 2; i++) {
    size_t n = make_fragment(packet, false, ID, w.udp, i ? 800 : 0, i ? 808 : 800, i == 0);
    packet[1] = (uint8_t)(i ? WIRE_ECN_CE : WIRE_ECN_NOT); /* marked, yet not capable */
    wire_put16(packet + 10, 0);
    wire_put16(packet + 10, wire_sum_finish(wire_sum(packet, 20, 0)));
    pair_inject(w.p, 1, packet, n);
  }
  assert_false(arrived(&w));
  assert_int_equal(count_of(w.p, 1)->frag_bad, 1);
  assert_int_equal(held(&w), 0);
  pair_close(w.p);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_order),
      cmocka_unit_test(large_datagrams_cross),
      cmocka_unit_test(many_large_datagrams_wait_their_turn),
      cmocka_unit_test(duplicates_are_harmless),
      cmocka_unit_test(overlaps_are_refused),
      cmocka_unit_test(contradicting_ends_are_refused),
      cmocka_unit_test(nonsense_is_refused),
      cmocka_unit_test(time_runs_out),
      cmocka_unit_test(tables_are_bounded),
      cmocka_unit_test(parts_are_bounded),
      cmocka_unit_test(atomic_fragments_stand_alone),
      cmocka_unit_test(congestion_marks_survive),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
