/* Limits, refused memory, hostile frames: the newest stranger is refused, nobody established is hurt, nothing leaks. */
#include "tcp_script.h"

#include "wire/checksum.h"

static void no_delay(struct yeon_tcp_options *o) { o->delack_us = 0; }

static void test_max_connections(void **state)
{
  struct script *s = script_new(state, &(struct script_setup){.max_connections = 4});
  struct yeon_tcp *none;
  script_listen(s, 8);
  struct yeon_tcp *first = NULL;
  for (uint16_t i = 0; i < 3; i++) {
    s->peer_port = (uint16_t)(4000 + i);
    script_accept(s, NULL);
    if (i == 0) first = s->tcp;
  }
  assert_int_equal(yeon_tcp_open(s->host, &none), YEON_ERR_LIMIT);
  s->peer_port = 4009; /* the handshake is not completed, and goes on when there is room */
  in("S 0 mss 1000");
  script_learn(s);
  out("S. 0 ack 1 any");
  in(". 1 ack 1");
  nothing();
  assert_int_equal(yeon_tcp_accept(s->listener, &none, s->now), YEON_ERR_AGAIN);
  yeon_tcp_abort(first, s->now);
  script_drain(s);
  in(".P 1(5) ack 1");
  assert_int_equal(yeon_tcp_accept(s->listener, &s->tcp, s->now), 0);
  assert_int_equal(script_recv(s, 10), 5);
  script_free(s);
}

static void test_max_half_open(void **state)
{
  struct script *s = script_new(state, &(struct script_setup){.max_half_open = 3});
  script_listen(s, 16);
  for (uint16_t i = 0; i < 10; i++) {
    s->peer_port = (uint16_t)(4000 + i);
    in("S 0 mss 1000");
  }
  assert_int_equal(s->n_out - s->next_out, 3);
  assert_int_equal(script_usage(s).half_open, 3);
  assert_int_equal(script_counters(s)->tcp_half_open_full, 7);
  script_free(s);
}

/* Buffers of all connections together: the sender is told, the receiver drops and the peer sends again. */
static void test_max_buffer(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.max_buffer_bytes = 4096, .tune = no_delay});
  in(".P 1(2000) ack 1");
  out(". 1(0) ack 2001");
  assert_int_equal(script_send(s, 3000), YEON_ERR_NO_MEMORY);
  assert_int_equal(script_send(s, 2000), 2000);
  script_drain(s);
  in(".P 2001(1000) ack 1"); /* no room: not acknowledged */
  out(". 2001(0) ack 2001");
  assert_int_equal(script_recv(s, 5000), 2000);
  script_drain(s);
  in(".P 2001(1000) ack 1");
  out(". 2001(0) ack 3001");
  assert_int_equal(script_recv(s, 5000), 1000);
  assert_true(script_usage(s).buffer_bytes <= 4096);
  script_free(s);
}

/* A life with everything in it: both opens, both directions, gaps, repetitions, urgent bytes, options, all ways to end. */
static void live(struct script *s)
{
  struct yeon_addr local = {s->local, 80}, remote = {s->remote, 7000};
  struct yeon_tcp *c = NULL, *l = NULL, *a = NULL;
  static uint8_t buf[30000];
  if (yeon_tcp_open(s->host, &l) == 0 && yeon_tcp_bind(l, &local, s->now) == 0) (void)yeon_tcp_listen(l, 4, s->now);
  s->peer_port = 4000;
  s->port = 80;
  in("S 0 mss 1000 sackok ws 3");
  if (s->n_out > 0) s->iss = s->out[s->n_out - 1].h.seq;
  in(". 1 ack 1");
  if (l != NULL && yeon_tcp_state(l) == YEON_TCP_LISTEN) (void)yeon_tcp_accept(l, &a, s->now);
  if (a != NULL) {
    (void)yeon_tcp_set(a, YEON_TCP_KEEPIDLE_MS, 1000, s->now);
    (void)yeon_tcp_set(a, YEON_TCP_KEEPALIVE, 1, s->now);
    (void)yeon_tcp_send(a, buf, sizeof buf, 0, s->now);
    (void)yeon_tcp_send(a, buf, 10, YEON_SEND_URGENT, s->now);
  }
  for (int i = 0; i < 8; i++) in(".PU %d(300) ack 1 urg 5 sack 2001-3001", 1001 + 600 * i);
  in(".P 1001(5000) ack 1001");
  in(".P 1(1000) ack 1001");
  script_advance(s, 3000);
  in(".F 6001 ack 2001");
  if (a != NULL) {
    (void)yeon_tcp_recv(a, buf, 3000, 0, s->now);
    if (yeon_tcp_state(a) != YEON_TCP_CLOSED) (void)yeon_tcp_shutdown(a, YEON_SHUT_WR, s->now);
  }
  if (yeon_tcp_open(s->host, &c) == 0 && yeon_tcp_connect(c, &remote, s->now) == 0) script_advance(s, 5000);
  if (c != NULL) yeon_tcp_abort(c, s->now);
  if (a != NULL) yeon_tcp_close(a, s->now);
  if (l != NULL) yeon_tcp_close(l, s->now);
}

/* Every allocation refused once, and refused from there on; afterwards all memory comes back and the host works. */
static void test_refused_memory(void **state)
{
  for (int one = 0; one < 2; one++) {
    bool refused = true;
    for (uint64_t k = 1; refused; k++) {
      struct script *s = script_new(state, NULL);
      s->refuse_one = one != 0;
      s->refuse_at = s->allocations + k;
      live(s);
      refused = s->allocations >= s->refuse_at;
      s->refuse_at = 0;
      script_advance(s, 1000000);
      script_drain(s);
      struct yeon_host_usage u = script_usage(s);
      assert_int_equal(u.connections + u.half_open + u.time_wait + u.listeners, 0);
      assert_int_equal(u.buffer_bytes, 0);
      s->peer_port = 5555;
      s->port = 80;
      script_listen(s, 4);
      script_accept(s, NULL);
      script_free(s);
      assert_true(k < 1000);
    }
  }
}

/* Bytes are not lost because memory was short for a while. */
static void test_memory_comes_back(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.tune = no_delay, .sack = true});
  s->refuse_at = 1;
  in(".P 101(3000) ack 1");
  in(".P 1(100) ack 1");
  assert_true(script_send(s, 100) < 0 || s->wrote == 100);
  script_drain(s);
  s->refuse_at = 0;
  in(".P 1(100) ack 1");
  in(".P 101(3000) ack 1");
  assert_int_equal(script_recv(s, 5000), 3100);
  script_free(s);
}

static uint32_t next_random(uint32_t *x)
{
  *x ^= *x << 13;
  *x ^= *x >> 17;
  *x ^= *x << 5;
  return *x;
}

/* A segment of nonsense near the window of the connection, with a right checksum. */
static void send_nonsense(struct script *s, uint32_t *x)
{
  static const char *const flags[] = {".", "P.", "F.", "S", "S.", "R", "R.", "U.", "SF", "FSRP.U", "P", "FPU"};
  static const int near[] = {-70000, -1001, -1, 0, 1, 2, 500, 1000, 60000, 65535, 65536, 2000000000};
  const char *f = flags[next_random(x) % 12];
  int seq = near[next_random(x) % 12] + (int)(next_random(x) % 3),
      ack = near[next_random(x) % 12] + (int)(next_random(x) % 3);
  in("%s %d(%u) ack %d win %u urg %u sack %d-%d %d-%d", f, seq, next_random(x) % 4 == 0 ? next_random(x) % 1400 : 0,
     ack, next_random(x) % 65536, next_random(x) % 2000, ack, ack + 1000, near[next_random(x) % 12] & 0xffff, 3000);
}

static void test_hostile_segments(void **state)
{
  uint32_t x = 2463534242u;
  for (int round = 0; round < 60; round++) {
    struct script *s =
        script_connected(state, &(struct script_setup){.sack = (round & 1) != 0, .ws = (uint8_t)(round % 3)});
    if (round % 4 == 1) script_shutdown(s, YEON_SHUT_WR);
    if (round % 4 == 2) (void)script_send(s, 5000);
    if (round % 4 == 3) in(".F 1 ack 1");
    for (int i = 0; i < 300; i++) {
      send_nonsense(s, &x);
      if (i % 16 == 0) script_advance(s, next_random(&x) % 3000);
      script_drain(s);
    }
    script_close(s);
    script_free(s);
  }
}

/* Valid packets damaged anywhere, cut anywhere; half of them with a checksum that is right again. */
static void test_damaged_frames(void **state)
{
  static uint8_t packet[2000];
  uint32_t x = 88172645u;
  struct script *s = script_connected(state, &(struct script_setup){.sack = true, .ts = true});
  uint64_t before = script_counters(s)->tcp_bad_checksum;
  for (int i = 0; i < 20000; i++) {
    size_t len = script_packet(s, ".PU 1(40) ack 1 urg 3 sack 5-9 11-20", packet), ip = s->six ? 40 : 20;
    for (uint32_t n = next_random(&x) % 4 + 1; n > 0; n--)
      packet[ip + next_random(&x) % (len - ip)] ^= (uint8_t)(1u << next_random(&x) % 8);
    if (i % 2 == 0) {
      uint64_t pseudo = wire_sum_pseudo(&s->remote, &s->local, 6, (uint32_t)(len - ip));
      packet[ip + 16] = packet[ip + 17] = 0;
      uint16_t sum = wire_sum_finish(wire_sum(packet + ip, len - ip, pseudo));
      packet[ip + 16] = (uint8_t)(sum >> 8);
      packet[ip + 17] = (uint8_t)sum;
    }
    if (i % 5 == 0) len = next_random(&x) % len + 1;
    uint8_t *exact = malloc(len); /* so that a sanitizer sees a read beyond */
    memcpy(exact, packet, len);
    script_raw(s, exact, len);
    free(exact);
    script_drain(s);
  }
  assert_true(script_counters(s)->tcp_bad_checksum > before);
  script_advance(s, 10000);
  script_close(s);
  script_free(s);
}

/* A flood of SYNs, resets and acknowledgments from everywhere leaves the one connection alone. */
static void test_flood(void **state)
{
  uint32_t x = 521288629u;
  struct script *s = script_connected(state, &(struct script_setup){.passive = true, .max_half_open = 50});
  uint16_t own = s->peer_port;
  uint32_t iss = s->iss;
  for (int i = 0; i < 5000; i++) {
    s->peer_port = (uint16_t)(10000 + next_random(&x) % 50000);
    in("%s %d", i % 3 == 0 ? "S" : i % 3 == 1 ? "R" : ".", (int)(next_random(&x) % 100));
    script_drain(s);
  }
  s->peer_port = own;
  s->iss = iss;
  in(".P 1(10) ack 1");
  assert_int_equal(script_recv(s, 100), 10);
  assert_true(script_usage(s).half_open <= 50);
  script_advance(s, 200000);
  assert_int_equal(script_usage(s).half_open, 0);
  script_free(s);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      BOTH(test_max_connections),   BOTH(test_max_half_open),    BOTH(test_max_buffer),     BOTH(test_refused_memory),
      BOTH(test_memory_comes_back), BOTH(test_hostile_segments), BOTH(test_damaged_frames), BOTH(test_flood),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
