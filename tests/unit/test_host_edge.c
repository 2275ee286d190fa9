/* The edge of a host: time, offloads, frames in pieces, memory, snapshots, events. */
#include "pair.h"

static uint8_t packet[70000], udp[70000];

static void time_does_not_go_back(void **state)
{
  (void)state;
  struct pair *p = pair_open(false, 1500);
  struct yeon_frame f;
  assert_int_equal(yeon_host_output(p->host[0], 0, &f, 1, 100 * YEON_SEC), 0);
  assert_int_equal(yeon_host_output(p->host[0], 0, &f, 1, 5 * YEON_SEC), 0);
  assert_int_equal(p->host[0]->now, 100 * YEON_SEC);
  struct yeon_udp *u = open_udp(p->host[0], NULL);
  struct yeon_addr to = pair_addr("10.0.0.2:5");
  assert_int_equal(yeon_host_next(p->host[0]), YEON_NEVER);
  assert_int_equal(yeon_udp_send(u, "x", 1, &to, 5 * YEON_SEC), 1);
  assert_int_equal(yeon_host_next(p->host[0]), 100 * YEON_SEC); /* past or present: at once */
  assert_int_equal(yeon_host_output(p->host[0], 0, &f, 1, 5 * YEON_SEC), 1);
  assert_int_equal(yeon_host_next(p->host[0]), YEON_NEVER);
  pair_close(p);
}

/* The same frame cut in two, then three, at every place: always the same result. */
static void frames_in_pieces(void **state)
{
  (void)state;
  for (int six = 0; six < 2; six++) {
    struct pair *p = pair_open(true, 1500);
    const char *src = six ? "fd00::1" : "10.0.0.1", *dst = six ? "fd00::2" : "10.0.0.2";
    struct yeon_udp *u = open_udp(p->host[1], "[::]:5");
    uint8_t frame[512], got[512];
    static uint8_t data[301];
    for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * 13);
    size_t n = make_udp(udp, src, dst, 9, 5, data, sizeof data);
    n = make_packet(packet, src, dst, 17, udp, n);
    n = make_frame(frame, pair_mac(1), pair_mac(0), six ? WIRE_ETH_IPV6 : WIRE_ETH_IPV4, packet, n);
    for (size_t a = 1; a < n; a++) {
      struct yeon_frame f;
      yeon_frame_from_bytes(&f, frame, n);
      size_t b = a + (n - a) / 2;
      f.slice[0].len = a;
      f.slice[1] = (struct yeon_slice){frame + a, b - a};
      f.slice[2] = (struct yeon_slice){frame + b, n - b};
      f.n_slices = 3;
      yeon_host_input(p->host[1], 0, &f, 1, p->now);
      assert_int_equal(yeon_udp_recv(u, got, sizeof got, NULL, NULL, NULL), (int64_t)sizeof data);
      assert_memory_equal(got, data, sizeof data);
    }
    n = make_echo(udp, src, dst, udp, 100); /* what takes the long way as well */
    n = make_packet(packet, src, dst, six ? 58 : 1, udp, n);
    n = make_frame(frame, pair_mac(1), pair_mac(0), six ? WIRE_ETH_IPV6 : WIRE_ETH_IPV4, packet, n);
    for (size_t a = 1; a < n; a++) {
      struct yeon_frame f;
      yeon_frame_from_bytes(&f, frame, n);
      f.slice[0].len = a;
      f.slice[1] = (struct yeon_slice){frame + a, n - a};
      f.n_slices = 2;
      yeon_host_input(p->host[1], 0, &f, 1, p->now);
    }
    assert_int_equal(count_of(p, 1)->icmp_in, n - 1);
    pair_close(p);
  }
}

static void checksums_may_be_trusted(void **state)
{
  (void)state;
  struct pair *p = pair_open(false, 1500);
  struct yeon_udp *u = open_udp(p->host[1], "10.0.0.2:5");
  size_t n = make_udp(udp, "10.0.0.1", "10.0.0.2", 1, 5, "abc", 3);
  udp[6] ^= 1;
  n = make_packet(packet, "10.0.0.1", "10.0.0.2", 17, udp, n);
  for (int csum = 0; csum < 3; csum++) {
    struct yeon_frame f;
    yeon_frame_from_bytes(&f, packet, n);
    f.csum = (uint8_t)csum;
    yeon_host_input(p->host[1], 0, &f, 1, p->now);
    assert_int_equal(yeon_udp_recv(u, NULL, 0, NULL, NULL, NULL), csum == YEON_CSUM_NONE ? YEON_ERR_AGAIN : 0);
  }
  assert_int_equal(count_of(p, 1)->udp_bad_checksum, 1);
  pair_close(p);
}

/* A partial checksum, completed as a link would do it, is right. */
static void partial_checksums_can_be_completed(void **state)
{
  (void)state;
  static const char *const to[] = {"10.0.0.2:5", "[fd00::2]:5"};
  struct yeon_host_config c;
  yeon_host_config_init(&c);
  struct pair *p = pair_open_with(false, 1500, YEON_LINK_CSUM, &c);
  struct yeon_udp *u = open_udp(p->host[0], NULL), *server = open_udp(p->host[1], "[::]:5");
  for (int six = 0; six < 2; six++) {
    struct yeon_addr a = pair_addr(to[six]);
    struct yeon_frame f;
    assert_int_equal(yeon_udp_send(u, "hello", 5, &a, p->now), 5);
    assert_int_equal(yeon_host_output(p->host[0], 0, &f, 1, p->now), 1);
    assert_int_equal(f.csum, YEON_CSUM_PARTIAL);
    assert_int_equal(f.csum_start, six ? 40 : 20);
    assert_int_equal(f.csum_offset, 6);
    size_t n = yeon_frame_copy(&f, packet, sizeof packet);
    wire_put16(packet + f.csum_start + f.csum_offset,
               wire_sum_finish(wire_sum(packet + f.csum_start, n - f.csum_start, 0)));
    pair_inject(p, 1, packet, n);
    assert_int_equal(yeon_udp_recv(server, NULL, 0, NULL, NULL, NULL), 0);
  }
  assert_int_equal(count_of(p, 1)->udp_bad_checksum, 0);
  pair_close(p);
}

static struct yeon_tcp *connected(struct pair *p, const char *to, struct yeon_tcp **accepted)
{
  struct yeon_tcp *listener, *t;
  struct yeon_addr a = pair_addr(to);
  assert_int_equal(yeon_tcp_open(p->host[1], &listener), 0);
  assert_int_equal(yeon_tcp_bind(listener, &a, p->now), 0);
  assert_int_equal(yeon_tcp_listen(listener, 4, p->now), 0);
  assert_int_equal(yeon_tcp_open(p->host[0], &t), 0);
  assert_ptr_equal(yeon_tcp_host(t), p->host[0]);
  assert_int_equal(yeon_tcp_connect(t, &a, p->now), 0);
  pair_pump(p);
  assert_int_equal(yeon_tcp_accept(listener, accepted, p->now), 0);
  yeon_tcp_close(listener, p->now);
  return t;
}

static void push(struct pair *p, struct yeon_tcp *from, struct yeon_tcp *to, size_t total)
{
  static uint8_t out[65536], in[65536];
  size_t sent = 0, got = 0;
  while (got < total) {
    for (size_t i = 0; i < sizeof out; i++) out[i] = (uint8_t)((sent + i) * 7 >> 2);
    int64_t n = yeon_tcp_send(from, out, total - sent < sizeof out ? total - sent : sizeof out, 0, p->now);
    if (n > 0) sent += (size_t)n;
    p->now += YEON_MS;
    pair_pump(p);
    while ((n = yeon_tcp_recv(to, in, sizeof in, 0, p->now)) > 0) {
      for (int64_t i = 0; i < n; i++) assert_int_equal(in[i], (uint8_t)((got + (size_t)i) * 7 >> 2));
      got += (size_t)n;
    }
    assert_int_equal(n, YEON_ERR_AGAIN);
  }
}

static void tcp_crosses_every_kind_of_link(void **state)
{
  (void)state;
  static const char *const to[] = {"10.0.0.2:80", "[fd00::2]:80"};
  for (int six = 0; six < 2; six++) {
    for (int ethernet = 0; ethernet < 2; ethernet++) {
      struct pair *p = pair_open(ethernet, 1500);
      struct yeon_tcp *a, *t = connected(p, to[six], &a);
      push(p, t, a, 200000);
      push(p, a, t, 200000);
      assert_int_equal(count_of(p, 0)->tcp_bad_checksum + count_of(p, 1)->tcp_bad_checksum, 0);
      pair_close(p);
    }
  }
}

/* With segmentation offload one frame carries many segments, and no checksum of its own. */
static void super_segments(void **state)
{
  (void)state;
  struct yeon_host_config c;
  yeon_host_config_init(&c);
  struct pair *p = pair_open_with(true, 1500, YEON_LINK_CSUM | YEON_LINK_GSO, &c);
  struct yeon_tcp *a, *t = NULL;
  struct yeon_frame f;
  p->ethernet = true;
  uint32_t largest = 0;
  struct yeon_tcp *listener;
  struct yeon_addr to = pair_addr("10.0.0.2:80");
  assert_int_equal(yeon_tcp_open(p->host[1], &listener), 0);
  assert_int_equal(yeon_tcp_bind(listener, &to, p->now), 0);
  assert_int_equal(yeon_tcp_listen(listener, 4, p->now), 0);
  assert_int_equal(yeon_tcp_open(p->host[0], &t), 0);
  assert_int_equal(yeon_tcp_connect(t, &to, p->now), 0);
  static uint8_t data[500000], got[500000];
  size_t sent = 0, received = 0;
  a = NULL;
  for (int round = 0; round < 2000 && received < sizeof data; round++) {
    if (!a) (void)yeon_tcp_accept(listener, &a, p->now);
    int64_t n = yeon_tcp_send(t, data + sent, sizeof data - sent, 0, p->now);
    if (n > 0) sent += (size_t)n;
    for (int side = 0; side < 2; side++) {
      while (yeon_host_output(p->host[side], 0, &f, 1, p->now)) {
        size_t len = yeon_frame_copy(&f, packet, sizeof packet);
        struct yeon_frame in;
        assert_int_equal(len, f.len);
        assert_true(len <= 65535 + 14);
        yeon_frame_from_bytes(&in, packet, len);
        in.csum = f.csum;
        in.segs = f.segs;
        if (f.segs > 1) {
          assert_int_equal(f.gso_size, 1448);
          assert_int_equal(f.csum, YEON_CSUM_PARTIAL);
          assert_int_equal(f.l3_offset, 14);
          if (len > largest) largest = (uint32_t)len;
        } else {
          assert_true(len <= 1514);
        }
        yeon_host_input(p->host[!side], 0, &in, 1, p->now);
      }
    }
    if (a && (n = yeon_tcp_recv(a, got + received, sizeof got - received, 0, p->now)) > 0) received += (size_t)n;
    p->now += YEON_MS;
  }
  assert_int_equal(received, sizeof data);
  assert_true(largest > 20000);
  pair_close(p);
}

/* A router in the middle: what is longer than 1300 bytes and may not be cut is dropped, and the sender told. */
static bool narrow_path(struct pair *p, int from, uint8_t *bytes, size_t *len)
{
  uint8_t m[600], out[700];
  bool six = bytes[0] >> 4 == 6;
  if (*len <= 1300) return true;
  struct wire_icmp h = {.type = six ? WIRE_ICMP6_TOO_BIG : WIRE_ICMP4_UNREACHABLE, .code = six ? 0 : 4, .mtu = 1300};
  const char *router = six ? "fd00::77" : "10.0.0.77", *to = six    ? from ? "fd00::2" : "fd00::1"
                                                             : from ? "10.0.0.2"
                                                                    : "10.0.0.1";
  struct yeon_ip s = pair_ip(router), d = pair_ip(to);
  if (!six) assert_int_equal(bytes[6] & 0x40, 0x40);
  memcpy(m + 8, bytes, 500);
  if (six) {
    wire_icmp6_emit(&h, m);
    wire_icmp6_finish(m, 508, &s, &d);
  } else {
    wire_icmp4_emit(&h, m);
    wire_icmp4_finish(m, 508);
  }
  pair_inject(p, from, out, make_packet(out, router, to, six ? 58 : 1, m, 508));
  return false;
}

static void tcp_fits_itself_to_the_path(void **state)
{
  (void)state;
  static const char *const to[] = {"10.0.0.2:80", "[fd00::2]:80"};
  for (int six = 0; six < 2; six++) {
    struct pair *p = pair_open(false, 1500);
    struct yeon_tcp *a, *t = connected(p, to[six], &a);
    struct yeon_tcp_info info;
    p->filter = narrow_path;
    push(p, t, a, 100000);
    push(p, a, t, 100000);
    assert_true(p->lost > 0);
    yeon_tcp_info(t, &info);
    assert_int_equal(info.path_mtu, 1300);
    pair_close(p);
  }
}

/* The link itself becomes narrower under an open connection. */
static void tcp_fits_itself_to_the_link(void **state)
{
  (void)state;
  struct pair *p = pair_open(true, 1500);
  struct yeon_tcp *a, *t = connected(p, "10.0.0.2:80", &a);
  push(p, t, a, 50000);
  assert_int_equal(yeon_host_set_mtu(p->host[0], 0, 700), 0);
  push(p, t, a, 50000);
  assert_true(p->last_len[0] <= 714);
  pair_close(p);
}

static void closed_endpoints_do_not_wait_to_be_reported(void **state)
{
  (void)state;
  struct yeon_host_config c;
  yeon_host_config_init(&c);
  c.max_udp = 3;
  struct pair *p = pair_open_with(false, 1500, 0, &c);
  struct yeon_udp *sender = open_udp(p->host[0], NULL), *stays = open_udp(p->host[1], "10.0.0.2:4");
  struct yeon_addr to4 = pair_addr("10.0.0.2:4"), to = pair_addr("10.0.0.2:5");
  struct yeon_ready r;
  for (int i = 0; i < 10; i++) {
    struct yeon_udp *u = open_udp(p->host[1], "10.0.0.2:5");
    assert_int_equal(yeon_udp_send(sender, "x", 1, &to, p->now), 1);
    if (i == 5) assert_int_equal(yeon_udp_send(sender, "x", 1, &to4, p->now), 1);
    pair_pump(p);
    yeon_udp_close(u);
  }
  assert_true(yeon_host_event(p->host[1], &r));
  assert_ptr_equal(r.udp, stays);
  assert_false(yeon_host_event(p->host[1], &r));
  pair_close(p);
}

static void control_tcp_and_udp_take_turns(void **state)
{
  (void)state;
  struct pair *p = pair_open(false, 1500);
  struct yeon_tcp *a, *t = connected(p, "10.0.0.2:80", &a);
  struct yeon_udp *u = open_udp(p->host[0], NULL);
  struct yeon_addr to = pair_addr("10.0.0.2:5");
  static uint8_t data[8000];
  uint8_t echo[64];
  struct yeon_frame f;
  int kinds[3] = {0, 0, 0};
  assert_true(yeon_tcp_send(t, data, sizeof data, 0, p->now) > 4000);
  for (int i = 0; i < 4; i++) {
    assert_int_equal(yeon_udp_send(u, "x", 1, &to, p->now), 1);
    size_t n = make_echo(echo, "10.0.0.2", "10.0.0.1", NULL, 0);
    pair_inject(p, 0, packet, make_packet(packet, "10.0.0.2", "10.0.0.1", 1, echo, n));
  }
  for (int i = 0; i < 9; i++) {
    assert_int_equal(yeon_host_output(p->host[0], 0, &f, 1, p->now), 1);
    (void)yeon_frame_copy(&f, packet, sizeof packet);
    kinds[packet[9] == 1 ? 0 : packet[9] == 6 ? 1 : 2]++;
  }
  for (int i = 0; i < 3; i++) assert_int_equal(kinds[i], 3);
  pair_close(p);
}

/* One region that a host lives in; for snapshots. */
struct region {
  uint8_t bytes[1 << 22] __attribute__((aligned(16)));
  size_t used;
};

static void *region_alloc(void *ctx, size_t size)
{
  struct region *r = ctx;
  size = (size + 15) & ~(size_t)15;
  if (r->used + size > sizeof r->bytes) return NULL;
  void *p = r->bytes + r->used;
  r->used += size;
  return p;
}

static void region_free(void *ctx, void *p, size_t size) { (void)ctx, (void)p, (void)size; }

/* A host whose memory is copied away and back does again exactly what it did. */
static void a_snapshot_goes_on(void **state)
{
  (void)state;
  static struct region r, saved;
  struct yeon_host_config c;
  struct yeon_host *h;
  struct yeon_frame f;
  static uint8_t first[2000], second[2000];
  memset(&r, 0, sizeof r);
  yeon_host_config_init(&c);
  c.memory = (struct yeon_memory){region_alloc, region_free, &r};
  assert_int_equal(yeon_host_new(&h, &c, 0), 0);
  struct yeon_link_config l = {.name = "l", .mtu = 1500, .ethernet = true, .mac = {2, 0, 0, 0, 0, 1}};
  struct yeon_ip own = yeon_ip4(10, 0, 0, 1);
  assert_int_equal(yeon_host_add_link(h, &l), 0);
  assert_int_equal(yeon_host_add_addr(h, 0, &own, 24), 0);
  while (yeon_host_output(h, 0, &f, 1, YEON_MS)) assert_true(f.len > 0);
  saved = r;
  size_t len[2] = {0, 0};
  for (int turn = 0; turn < 2; turn++) {
    uint8_t *log = turn ? second : first;
    struct yeon_udp *u;
    struct yeon_addr to = pair_addr("10.0.0.255:5");
    assert_int_equal(yeon_udp_open(h, &u), 0);
    assert_int_equal(yeon_udp_set(u, YEON_UDP_BROADCAST, 1), 0);
    assert_int_equal(yeon_udp_send(u, "snapshot", 8, &to, YEON_SEC), 8);
    for (yeon_time now = YEON_SEC; now < 20 * YEON_SEC; now += YEON_SEC)
      while (yeon_host_output(h, 0, &f, 1, now)) len[turn] += yeon_frame_copy(&f, log + len[turn], 2000 - len[turn]);
    if (turn == 0) r = saved;
  }
  assert_true(len[0] > 150);
  assert_int_equal(len[0], len[1]);
  assert_memory_equal(first, second, len[0]);
  yeon_host_free(h);
}

static void all_memory_comes_back(void **state)
{
  (void)state;
  struct pair *p = pair_open(true, 1500);
  struct yeon_udp *server = open_udp(p->host[1], "[::]:5"), *client = open_udp(p->host[0], NULL);
  struct yeon_addr to = pair_addr("[fd00::2]:5");
  struct yeon_host_usage u;
  static uint8_t data[30000];
  assert_int_equal(yeon_udp_send(client, data, 1, &to, p->now), 1); /* the neighbour is found first */
  pair_pump(p);
  assert_int_equal(yeon_udp_recv(server, NULL, 0, NULL, NULL, NULL), 0);
  assert_int_equal(yeon_udp_send(client, data, sizeof data, &to, p->now), (int64_t)sizeof data);
  yeon_host_usage(p->host[0], &u);
  assert_int_equal(u.udp, 1);
  assert_true(u.buffer_bytes > sizeof data);
  assert_true(u.heap_bytes >= u.used_bytes);
  pair_pump(p);
  yeon_host_usage(p->host[1], &u);
  assert_true(u.buffer_bytes >= sizeof data);
  assert_int_equal(yeon_udp_recv(server, NULL, 0, NULL, NULL, NULL), 0);
  pair_pump(p);
  for (int i = 0; i < 2; i++) {
    yeon_host_usage(p->host[i], &u);
    assert_int_equal(u.buffer_bytes, 0);
  }
  pair_close(p);
}

/* An allocator that refuses from some call on. */
struct stingy {
  size_t left, live;
};

static void *stingy_alloc(void *ctx, size_t size)
{
  struct stingy *s = ctx;
  if (s->left == 0) return NULL;
  s->left--;
  s->live += size;
  return malloc(size);
}

static void stingy_free(void *ctx, void *p, size_t size)
{
  ((struct stingy *)ctx)->live -= size;
  free(p);
}

/* Whatever allocation fails: no crash, no leak, and the host still lives or was never born. */
static void memory_may_be_refused(void **state)
{
  (void)state;
  static uint8_t data[5000];
  bool finished = false;
  for (size_t allowed = 0; allowed < 400 && !finished; allowed++) {
    struct stingy s = {.left = allowed};
    struct yeon_host_config c;
    struct yeon_host *h;
    yeon_host_config_init(&c);
    c.memory = (struct yeon_memory){stingy_alloc, stingy_free, &s};
    int err = yeon_host_new(&h, &c, 0);
    if (err < 0) {
      assert_int_equal(err, YEON_ERR_NO_MEMORY);
      assert_int_equal(s.live, 0);
      continue;
    }
    struct yeon_link_config l = {.name = "l", .mtu = 1500, .ethernet = true, .mac = {2, 0, 0, 0, 0, 1}};
    struct yeon_ip own = yeon_ip4(10, 0, 0, 1);
    struct yeon_addr at = pair_addr("127.0.0.1:5"), out = pair_addr("10.0.0.9:5");
    struct yeon_udp *u;
    struct yeon_frame f;
    assert_int_equal(yeon_host_add_link(h, &l), 0);
    bool good = yeon_host_add_addr(h, 0, &own, 24) == 0;
    if (yeon_udp_open(h, &u) == 0) {
      good = yeon_udp_bind(u, &at) == 0 && good;
      good = yeon_udp_send(u, data, sizeof data, &at, 0) > 0 && good;
      while (yeon_host_output(h, 0, &f, 1, YEON_SEC)) assert_true(f.len > 0);
      good = yeon_udp_recv(u, NULL, 0, NULL, NULL, NULL) == 0 && good;
      yeon_udp_close(u);
    }
    if (good && yeon_udp_open(h, &u) == 0) {
      good = yeon_udp_send(u, data, sizeof data, &out, YEON_SEC) > 0;
      while (yeon_host_output(h, 0, &f, 1, 2 * YEON_SEC)) assert_true(f.len > 0);
      finished = good && yeon_host_counters(h)->no_memory == 0;
    }
    yeon_host_free(h);
    assert_int_equal(s.live, 0);
  }
  assert_true(finished);
}

struct seen {
  int count[YEON_EV_TYPES];
  struct yeon_event last[YEON_EV_TYPES];
};

static void note(void *ctx, const struct yeon_event *e)
{
  struct seen *s = ctx;
  s->count[e->type]++;
  s->last[e->type] = *e;
}

static void what_happens_is_told(void **state)
{
  (void)state;
  struct seen s;
  memset(&s, 0, sizeof s);
  struct pair *p = pair_open(true, 1500);
  struct yeon_event_sink sink = {note, &s, YEON_EV_ALL}, nobody = {NULL, NULL, YEON_EV_ALL};
  struct yeon_udp *u = open_udp(p->host[0], "10.0.0.1:5");
  struct yeon_addr to = pair_addr("10.0.0.2:6"), self = pair_addr("10.0.0.1:5");
  yeon_host_set_sink(p->host[0], &sink);
  assert_int_equal(yeon_udp_send(u, "abc", 3, &to, p->now), 3);
  pair_pump(p);
  assert_int_equal(s.count[YEON_EV_DATAGRAM_OUT], 1);
  assert_int_equal(s.last[YEON_EV_DATAGRAM_OUT].u.datagram.len, 3);
  assert_int_equal(s.last[YEON_EV_DATAGRAM_OUT].remote.port, 6);
  assert_int_equal(s.last[YEON_EV_DATAGRAM_OUT].local.port, 5);
  assert_int_equal(s.count[YEON_EV_NEIGHBOUR], 1);
  assert_true(s.last[YEON_EV_NEIGHBOUR].u.neighbour.reachable);
  assert_int_equal(s.count[YEON_EV_ICMP_IN], 1); /* nobody listens there */
  assert_int_equal(s.last[YEON_EV_ICMP_IN].u.icmp.type, 3);
  assert_int_equal(s.last[YEON_EV_ICMP_IN].u.icmp.code, 3);
  assert_int_equal(yeon_udp_send(u, "self", 4, &self, p->now), 4);
  pair_pump(p);
  assert_int_equal(s.count[YEON_EV_DATAGRAM_IN], 1);
  int drops = s.count[YEON_EV_DROP];
  pair_inject(p, 0, packet, 3);
  assert_int_equal(s.count[YEON_EV_DROP], drops + 1);
  assert_string_equal(s.last[YEON_EV_DROP].u.drop.reason, "drop_eth_short");
  yeon_host_set_sink(p->host[0], &nobody);
  pair_inject(p, 0, packet, 3);
  assert_int_equal(s.count[YEON_EV_DROP], drops + 1);
  assert_string_equal(yeon_host_name(p->host[0]), "host");
  assert_int_equal(yeon_host_id(p->host[1]), 1);
  pair_close(p);
}

static void reports_alternate(void **state)
{
  (void)state;
  struct pair *p = pair_open(false, 1500);
  struct yeon_tcp *a, *t = connected(p, "10.0.0.2:80", &a);
  struct yeon_udp *u = open_udp(p->host[1], "10.0.0.2:5"), *v = open_udp(p->host[1], "10.0.0.2:6"),
                  *sender = open_udp(p->host[0], NULL);
  struct yeon_addr to5 = pair_addr("10.0.0.2:5"), to6 = pair_addr("10.0.0.2:6");
  struct yeon_ready r;
  int dummy = 0;
  while (yeon_host_event(p->host[1], &r)) assert_true(r.tcp || r.udp);
  yeon_udp_set_user(u, &dummy);
  assert_int_equal(yeon_tcp_send(t, "x", 1, 0, p->now), 1);
  assert_int_equal(yeon_udp_send(sender, "x", 1, &to5, p->now), 1);
  assert_int_equal(yeon_udp_send(sender, "x", 1, &to6, p->now), 1);
  pair_pump(p);
  int tcp = 0, udp_reports = 0;
  while (yeon_host_event(p->host[1], &r)) {
    assert_true((r.tcp != NULL) != (r.udp != NULL));
    if (r.tcp) tcp++;
    if (r.udp) udp_reports++;
    if (r.udp == u) assert_ptr_equal(r.user, &dummy);
    if (r.udp) assert_int_equal(r.events, YEON_READABLE);
  }
  assert_int_equal(tcp, 1);
  assert_int_equal(udp_reports, 2);
  assert_ptr_equal(yeon_udp_user(v), NULL);
  yeon_udp_close(v); /* closed before its report: not reported */
  assert_false(yeon_host_event(p->host[1], &r));
  pair_close(p);
}

static void configurations_are_checked(void **state)
{
  (void)state;
  struct yeon_host_config c;
  struct yeon_host *h;
  struct yeon_tcp_options o;
  yeon_host_config_init(&c);
  assert_int_equal(yeon_host_new(&h, &c, -1), YEON_ERR_INVALID);
  yeon_tcp_options_init(&o, YEON_PROFILE_LINUX);
  o.rto_initial_us = 0;
  c.tcp = &o;
  assert_int_equal(yeon_host_new(&h, &c, 0), YEON_ERR_INVALID);
  yeon_host_free(NULL);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(time_does_not_go_back),
      cmocka_unit_test(frames_in_pieces),
      cmocka_unit_test(checksums_may_be_trusted),
      cmocka_unit_test(partial_checksums_can_be_completed),
      cmocka_unit_test(tcp_crosses_every_kind_of_link),
      cmocka_unit_test(super_segments),
      cmocka_unit_test(tcp_fits_itself_to_the_path),
      cmocka_unit_test(tcp_fits_itself_to_the_link),
      cmocka_unit_test(closed_endpoints_do_not_wait_to_be_reported),
      cmocka_unit_test(control_tcp_and_udp_take_turns),
      cmocka_unit_test(a_snapshot_goes_on),
      cmocka_unit_test(all_memory_comes_back),
      cmocka_unit_test(memory_may_be_refused),
      cmocka_unit_test(what_happens_is_told),
      cmocka_unit_test(reports_alternate),
      cmocka_unit_test(configurations_are_checked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
