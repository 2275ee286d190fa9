/* What a stranger may cost: processor time per hostile frame, against that of an echo request on the same machine; and memory, which stays within what
 * was declared. Times are the least of three rounds, and the bound is generous, so that only a walk over a table is found out. */
#define _POSIX_C_SOURCE 200809L
#include <time.h>

#include "pair.h"
#include "wire/tcp.h"

#define FRAMES 4000
#define DEARER 20 /* times an echo request */

static int64_t clock_ns(void)
{
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

struct flood {
  const char *name;
  bool ethernet;
  yeon_time step; /* between two frames */
  uint32_t seed;
  size_t (*make)(struct flood *f, uint8_t *out, uint32_t i);
  uint64_t most_buffers; /* bytes of buffers it may take; 0: not looked at */
};

static uint32_t chance(struct flood *f, uint32_t i)
{
  uint32_t x = (i + f->seed) * 2654435761u;
  x ^= x >> 15;
  x *= 2246822519u;
  return x ^ x >> 13;
}

static size_t tcp_from(uint8_t *q, const struct yeon_ip *s, const char *to, struct wire_tcp *h, size_t payload)
{
  uint8_t t[60] = {0};
  char from[64];
  struct yeon_ip d = pair_ip(to);
  size_t len = wire_tcp_emit(h, t) + payload;
  wire_put16(t + 16, wire_sum_finish(wire_sum(t, len, wire_sum_pseudo(s, &d, 6, (uint32_t)len))));
  return make_packet(q, yeon_ip_format(s, from, sizeof from), to, 6, t, len);
}

static struct wire_tcp header(uint16_t from, uint8_t flags, uint32_t seq, uint32_t ack)
{
  struct wire_tcp h;
  wire_tcp_init(&h);
  h.src_port = from;
  h.dst_port = 80;
  h.flags = flags;
  h.seq = seq;
  h.ack = ack;
  h.window = 60000;
  return h;
}

static size_t syn4(struct flood *f, uint8_t *out, uint32_t i)
{
  uint32_t r = chance(f, i);
  struct yeon_ip s = yeon_ip4(20, (uint8_t)(r >> 16), (uint8_t)(r >> 8), (uint8_t)r);
  struct wire_tcp h = header((uint16_t)(r >> 12 | 1), YEON_TCP_SYN, r, 0);
  return tcp_from(out, &s, "10.0.0.2", &h, 0);
}

static struct yeon_ip neighbour(struct flood *f, uint32_t i)
{
  struct yeon_ip s = pair_ip("fd00::9");
  wire_put32(s.b + 8, chance(f, i));
  wire_put32(s.b + 12, i);
  return s;
}

static size_t syn6_from_neighbours(struct flood *f, uint8_t *out, uint32_t i)
{
  uint8_t q[200];
  struct yeon_ip s = neighbour(f, i);
  struct wire_tcp h = header(900, YEON_TCP_SYN, i, 0);
  return make_frame(out, pair_mac(1), pair_mac(0), WIRE_ETH_IPV6, q, tcp_from(q, &s, "fd00::2", &h, 0));
}

static size_t fragment(uint8_t *out, uint32_t id, uint32_t eighths, size_t len)
{
  uint8_t data[64] = {0};
  size_t n = make_packet(out, "10.0.0.9", "10.0.0.2", 17, data, len);
  wire_put16(out + 4, (uint16_t)id);
  wire_put16(out + 6, (uint16_t)(0x2000 | eighths));
  wire_put16(out + 10, 0);
  wire_put16(out + 10, wire_sum_finish(wire_sum(out, 20, 0)));
  return n;
}

static size_t far_fragments(struct flood *f, uint8_t *out, uint32_t i)
{
  (void)f;
  return fragment(out, i, 8000 + i % 100, 8);
}

static size_t scattered_fragments(struct flood *f, uint8_t *out, uint32_t i)
{
  (void)f;
  return fragment(out, i % 250, 4000 - i / 250 * 2, 8); /* 250 datagrams, each part before the others */
}

static size_t echo(struct flood *f, uint8_t *out, uint32_t i)
{
  uint8_t t[64];
  (void)f;
  (void)i;
  return make_packet(out, "10.0.0.9", "10.0.0.2", 1, t, make_echo(t, "10.0.0.9", "10.0.0.2", "ping", 4));
}

static size_t closed_udp(struct flood *f, uint8_t *out, uint32_t i)
{
  uint8_t t[64];
  (void)f;
  return make_packet(out, "10.0.0.9", "10.0.0.2", 17, t, make_udp(t, "10.0.0.9", "10.0.0.2", 5, (uint16_t)(1000 + i), "x", 1));
}

static struct yeon_tcp *open_listener(struct pair *p)
{
  struct yeon_tcp *l;
  struct yeon_addr any = pair_addr("[::]:80");
  assert_int_equal(yeon_tcp_open(p->host[1], &l), 0);
  assert_int_equal(yeon_tcp_bind(l, &any, p->now), 0);
  assert_int_equal(yeon_tcp_listen(l, 1000, p->now), 0);
  return l;
}

static void check_usage(const struct flood *f, const struct pair *p)
{
  struct yeon_host_usage u;
  yeon_host_usage(p->host[1], &u);
  assert_in_range(u.half_open, 0, 1000);
  assert_in_range(u.connections, 0, 100);
  assert_in_range(u.buffer_bytes, 0, f->most_buffers);
  assert_in_range(u.heap_bytes, 0, f->most_buffers + (3u << 20));
}

#define BATCH 50 /* frames between two looks at the clock, which is dear itself */

static int64_t put_batch(struct flood *f, struct pair *p, uint32_t first)
{
  static uint8_t q[BATCH][200];
  struct yeon_frame in[BATCH], out;
  for (uint32_t i = 0; i < BATCH; i++) yeon_frame_from_bytes(&in[i], q[i], f->make(f, q[i], first + i));
  int64_t from = clock_ns();
  for (uint32_t i = 0; i < BATCH; i++) {
    p->now += f->step;
    yeon_host_input(p->host[1], 0, &in[i], 1, p->now);
    while (yeon_host_output(p->host[1], 0, &out, 1, p->now)) continue;
  }
  return clock_ns() - from;
}

/* Nanoseconds a frame once the tables are full: the second half of the flood is timed. */
static int64_t cost(struct flood *f)
{
  struct yeon_host_config c;
  yeon_host_config_init(&c);
  c.max_half_open = 1000;
  c.max_connections = 100;
  struct pair *p = pair_open_with(f->ethernet, 1500, 0, &c);
  (void)open_listener(p);
  pair_run(p, p->now + 3 * YEON_SEC);
  int64_t spent = 0;
  for (uint32_t i = 0; i < 2 * FRAMES; i += BATCH) {
    int64_t now = put_batch(f, p, i);
    if (i >= FRAMES) spent += now;
  }
  check_usage(f, p);
  pair_close(p);
  return spent / FRAMES;
}

static int64_t least_cost(struct flood *f)
{
  int64_t least = INT64_MAX;
  for (f->seed = 1; f->seed <= 3; f->seed++) {
    int64_t now = cost(f);
    if (now < least) least = now;
  }
  return least;
}

static void no_frame_is_dear(void **state)
{
  (void)state;
  struct flood usual = {"echo requests", false, 1000, 0, echo, 0};
  struct flood floods[] = {
      {"SYN from strangers", false, 1000, 0, syn4, 0},
      {"SYN from neighbours that are not there", true, 500 * YEON_US, 0, syn6_from_neighbours, 4u << 20},
      {"fragments far apart", false, 1000, 0, far_fragments, 4u << 20},
      {"fragments of many datagrams, backwards", false, 1000, 0, scattered_fragments, 4u << 20},
      {"datagrams to closed ports", false, 1000, 0, closed_udp, 0},
  };
  int64_t one = least_cost(&usual);
  for (size_t i = 0; i < sizeof floods / sizeof *floods; i++) {
    int64_t much = least_cost(&floods[i]);
    print_message("# %s: %lld ns, an echo request %lld\n", floods[i].name, (long long)much, (long long)one);
    assert_true(much < DEARER * one);
  }
}

/* A peer that reads nothing and answers every window probe: as long as memory suffices its connection stays, orphaned or not (RFC 9293 3.8.6.1, MUST-37). */
static uint64_t orphans_after(uint64_t most_buffers)
{
  static uint8_t text[700000];
  struct yeon_host_config c;
  struct yeon_host_usage u;
  struct yeon_tcp *t, *l, *end;
  struct yeon_addr to = pair_addr("10.0.0.2:80");
  yeon_host_config_init(&c);
  c.max_buffer_bytes = most_buffers;
  struct pair *p = pair_open_with(false, 1500, 0, &c);
  l = open_listener(p);
  assert_int_equal(yeon_tcp_open(p->host[0], &t), 0);
  assert_int_equal(yeon_tcp_set(t, YEON_TCP_SNDBUF, 1000000, p->now), 0);
  assert_int_equal(yeon_tcp_connect(t, &to, p->now), 0);
  pair_pump(p);
  assert_int_equal(yeon_tcp_accept(l, &end, p->now), 0);
  assert_int_equal(yeon_tcp_send(t, text, sizeof text, 0, p->now), sizeof text);
  pair_run(p, p->now + YEON_SEC);
  yeon_tcp_close(t, p->now);
  pair_run(p, p->now + 600 * YEON_SEC);
  yeon_host_usage(p->host[0], &u);
  pair_close(p);
  return u.connections;
}

/* But it may be ended when what it holds is wanted. Otherwise a few such peers would keep all buffers for ever. */
static void orphans_with_a_closed_window_make_room(void **state)
{
  (void)state;
  assert_int_equal(orphans_after((uint64_t)4 << 30), 1);
  assert_int_equal(orphans_after(1300000), 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(no_frame_is_dear),
                                     cmocka_unit_test(orphans_with_a_closed_window_make_room)};
  return cmocka_run_group_tests_name("host_flood", tests, NULL, NULL);
}
