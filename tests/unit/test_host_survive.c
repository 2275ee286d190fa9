/* Broken frames: every truncation and every flipped bit of valid frames of all kinds is survived, and no frame vanishes without a
 * trace: it is answered, delivered, held, or counted. Sanitizers watch every step (each frame lies in memory of exactly its size). */
#include "pair.h"

#define KINDS_MAX 64

struct sample {
  uint8_t bytes[1600];
  size_t len;
  int to;
};

struct samples {
  struct sample v[KINDS_MAX];
  size_t n;
};

static void keep(struct samples *s, int to, const uint8_t *bytes, size_t len)
{
  if (s->n == KINDS_MAX || len > sizeof s->v[0].bytes) return;
  for (size_t i = 0; i < s->n; i++)
    if (s->v[i].len == len && memcmp(s->v[i].bytes, bytes, len < 60 ? len : 60) == 0) return;
  struct sample *k = &s->v[s->n++];
  memcpy(k->bytes, bytes, len);
  k->len = len;
  k->to = to;
}

static struct samples collected;

static bool collect(struct pair *p, int from, uint8_t *bytes, size_t *len)
{
  (void)p;
  keep(&collected, !from, bytes, *len);
  return true;
}

/* A bit of everything: ARP, discovery, UDP, fragments, TCP with options, port unreachable. */
static struct pair *open_world(bool ethernet)
{
  struct pair *p = pair_open(ethernet, 1500);
  struct yeon_udp *server = open_udp(p->host[1], "[::]:5"), *client = open_udp(p->host[0], "[::]:6");
  struct yeon_tcp *listener, *t;
  struct yeon_addr any = pair_addr("[::]:80"), tcp4 = pair_addr("10.0.0.2:80");
  static uint8_t data[2000];
  assert_non_null(server);
  assert_int_equal(yeon_tcp_open(p->host[1], &listener), 0);
  assert_int_equal(yeon_tcp_bind(listener, &any, p->now), 0);
  assert_int_equal(yeon_tcp_listen(listener, 4, p->now), 0);
  assert_int_equal(yeon_tcp_open(p->host[0], &t), 0);
  assert_int_equal(yeon_tcp_connect(t, &tcp4, p->now), 0);
  pair_pump(p);
  assert_true(yeon_tcp_send(t, data, 100, 0, p->now) == 100);
  for (int i = 0; i < 4; i++) {
    struct yeon_addr a = pair_addr(i & 1 ? "[fd00::2]:5" : "10.0.0.2:5");
    assert_int_equal(yeon_udp_send(client, data, i < 2 ? 20 : sizeof data, &a, p->now),
                     i < 2 ? 20 : (int64_t)sizeof data);
    pair_pump(p);
    a.port = 4444;
    assert_int_equal(yeon_udp_send(client, data, 10, &a, p->now), 10);
    pair_pump(p);
  }
  return p;
}

static uint64_t traces(const struct pair *p, int side)
{
  const struct yeon_counters *c = count_of(p, side);
  uint64_t sum = 0;
#define ADD(name) sum += c->name;
  YEON_COUNTERS(ADD)
#undef ADD
  return sum;
}

static void hurt(struct pair *p, const struct sample *s, const uint8_t *bytes, size_t len)
{
  uint64_t before = traces(p, s->to);
  pair_inject(p, s->to, bytes, len);
  struct yeon_frame f;
  while (yeon_host_output(p->host[s->to], 0, &f, 1, p->now)) assert_true(f.len > 0);
  assert_true(traces(p, s->to) > before + 1 + len ||
              len == 0); /* more than the frame and its bytes: something became of it */
}

static bool is_silent_kind(const struct sample *s, bool ethernet)
{
  const uint8_t *ip = s->bytes + (ethernet ? 14 : 0);
  return ethernet && (wire_get16(s->bytes + 12) == WIRE_ETH_ARP ||
                      (ip[0] >> 4 == 6 && ip[6] == 58)); /* a good one leaves no count */
}

static void collect_all(bool ethernet)
{
  collected.n = 0;
  struct pair *p = pair_open(ethernet, 1500);
  p->filter = collect;
  pair_run(p, p->now + 2 * YEON_SEC);
  struct yeon_udp *server = open_udp(p->host[1], "[::]:5"), *client = open_udp(p->host[0], "[::]:6");
  struct yeon_tcp *listener, *t;
  struct yeon_addr any = pair_addr("[::]:80"), tcp4 = pair_addr("10.0.0.2:80"), tcp6 = pair_addr("[fd00::2]:80");
  static uint8_t data[2000];
  assert_non_null(server);
  assert_int_equal(yeon_tcp_open(p->host[1], &listener), 0);
  assert_int_equal(yeon_tcp_bind(listener, &any, p->now), 0);
  assert_int_equal(yeon_tcp_listen(listener, 4, p->now), 0);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(yeon_tcp_open(p->host[0], &t), 0);
    assert_int_equal(yeon_tcp_connect(t, i ? &tcp6 : &tcp4, p->now), 0);
    pair_pump(p);
    assert_true(yeon_tcp_send(t, data, 100, 0, p->now) == 100);
    pair_pump(p);
    yeon_tcp_close(t, p->now);
    pair_pump(p);
  }
  for (int i = 0; i < 8; i++) {
    struct yeon_addr a = pair_addr(i & 1 ? "[fd00::2]:5" : "10.0.0.2:5");
    if (i & 2) a.port = 4444;
    size_t len = i & 4 ? sizeof data : 20;
    assert_int_equal(yeon_udp_send(client, data, len, &a, p->now), (int64_t)len);
    pair_pump(p);
    (void)yeon_udp_take_error(client);
  }
  pair_close(p);
  assert_true(collected.n > 12);
}

static void truncations(void **state)
{
  (void)state;
  for (int ethernet = 0; ethernet < 2; ethernet++) {
    collect_all(ethernet);
    struct pair *p = open_world(ethernet);
    for (size_t k = 0; k < collected.n; k++) {
      const struct sample *s = &collected.v[k];
      for (size_t len = 0; len < s->len; len++) pair_inject(p, s->to, s->bytes, len);
    }
    pair_run(p, p->now + YEON_SEC);
    pair_close(p);
  }
}

static void flipped_bits(void **state)
{
  (void)state;
  for (int ethernet = 0; ethernet < 2; ethernet++) {
    collect_all(ethernet);
    struct pair *p = open_world(ethernet);
    for (size_t k = 0; k < collected.n; k++) {
      const struct sample *s = &collected.v[k];
      uint8_t bytes[1600];
      size_t deep = s->len < 160 ? s->len : 160;
      for (size_t bit = 0; bit < deep * 8; bit++) {
        memcpy(bytes, s->bytes, s->len);
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        if (is_silent_kind(s, ethernet))
          pair_inject(p, s->to, bytes, s->len);
        else
          hurt(p, s, bytes, s->len);
      }
    }
    p->filter = NULL;
    pair_run(p, p->now + YEON_SEC);
    pair_close(p);
  }
}

static void noise(void **state)
{
  (void)state;
  for (int ethernet = 0; ethernet < 2; ethernet++) {
    collect_all(ethernet);
    struct pair *p = open_world(ethernet);
    struct rng r;
    rng_seed(&r, 42);
    for (int i = 0; i < 20000; i++) {
      uint8_t bytes[1600];
      const struct sample *s = &collected.v[rng_below(&r, (uint32_t)collected.n)];
      memcpy(bytes, s->bytes, s->len);
      for (uint32_t n = 1 + rng_below(&r, 8); n; n--)
        bytes[rng_below(&r, (uint32_t)(s->len < 120 ? s->len : 120))] = (uint8_t)rng_next(&r);
      size_t at = ethernet ? 14 : 0;
      if (s->len > at + 20 && bytes[at] == 0x45) { /* get past the first gate */
        wire_put16(bytes + at + 10, 0);
        wire_put16(bytes + at + 10, wire_sum_finish(wire_sum(bytes + at, 20, 0)));
      }
      struct yeon_frame f;
      uint8_t *exact = malloc(s->len);
      assert_non_null(exact);
      memcpy(exact, bytes, s->len);
      yeon_frame_from_bytes(&f, exact, s->len);
      f.csum = (uint8_t)(rng_below(&r, 4) ? YEON_CSUM_VALID : YEON_CSUM_NONE);
      yeon_host_input(p->host[s->to], 0, &f, 1, p->now);
      free(exact);
      while (yeon_host_output(p->host[s->to], 0, &f, 1, p->now)) assert_true(f.len > 0);
      p->now += YEON_MS;
    }
    struct yeon_udp *u = open_udp(p->host[0], NULL),
                    *server = open_udp(p->host[1], "10.0.0.2:999"); /* both still work */
    struct yeon_addr to = pair_addr("10.0.0.2:999");
    pair_run(p, p->now + 60 * YEON_SEC);
    assert_int_equal(yeon_udp_send(u, "alive", 5, &to, p->now), 5);
    pair_run(p, p->now + 10 * YEON_SEC);
    if (!ethernet) assert_int_equal(yeon_udp_recv(server, NULL, 0, NULL, NULL, NULL), 0);
    pair_close(p);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(truncations),
      cmocka_unit_test(flipped_bits),
      cmocka_unit_test(noise),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
