#include "crowd.h"

#include <string.h>

#include "wire/checksum.h"
#include "wire/ipv4.h"
#include "wire/tcp.h"

#define BATCH 32 /* connections under way at once */
#define PER_LISTENER                                                                                                   \
  8192 /* connections to one port: a third of the ephemeral ports towards it, so that a free one is found fast */
#define FIRST_PORT 10000
#define LISTENERS_MOST 256
#define REQUEST 100
#define ANSWER 200

struct crowd {
  struct duo duo;
  uint32_t n;
  struct yeon_tcp *listeners[LISTENERS_MOST];
  uint32_t n_listeners;
  uint64_t before[2]; /* heap bytes */
};

static bool gather(struct crowd *c, uint32_t n)
{
  struct duo_setup setup;
  duo_setup_init(&setup);
  setup.tcp.time_wait_ms = 3600 * 1000; /* nobody leaves before all are here */
  setup.most = n + LISTENERS_MOST + BATCH;
  memset(c, 0, sizeof *c);
  if (!duo_new(&c->duo, &setup)) return false;
  c->n = n;
  while (c->n_listeners * PER_LISTENER < n && c->n_listeners < LISTENERS_MOST) {
    struct yeon_tcp *listener = duo_listen(&c->duo, 1, (uint16_t)(FIRST_PORT + c->n_listeners));
    if (listener == NULL) return false;
    c->listeners[c->n_listeners++] = listener;
  }
  memcpy(c->before, c->duo.heap, sizeof c->before);
  return true;
}

static void weigh(struct crowd *c, struct crowd_weight *out)
{
  out->host_bytes = (double)c->before[1];
  for (unsigned i = 0; i < 2; i++) out->bytes[i] = ((double)c->duo.heap[i] - (double)c->before[i]) / c->n;
}

/* `count` connections to one listener, established at both ends. */
static bool connect_some(struct crowd *c, uint32_t listener, uint32_t count, struct yeon_tcp *ends[2][BATCH])
{
  struct duo *d = &c->duo;
  struct yeon_addr to = d->addr[1];
  to.port = (uint16_t)(FIRST_PORT + listener);
  for (uint32_t i = 0; i < count; i++)
    if (yeon_tcp_open(d->host[0], &ends[0][i]) < 0 || yeon_tcp_connect(ends[0][i], &to, d->now) < 0) return false;
  duo_settle(d);
  for (uint32_t i = 0; i < count; i++)
    if (yeon_tcp_accept(c->listeners[listener], &ends[1][i], d->now) < 0) return false;
  duo_drain(d);
  d->now += 10 * YEON_US;
  return true;
}

static bool say(struct duo *d, struct yeon_tcp *from, struct yeon_tcp *to, size_t len)
{
  uint8_t text[ANSWER] = {0};
  if (yeon_tcp_send(from, text, len, 0, d->now) != (int64_t)len) return false;
  duo_settle(d);
  return yeon_tcp_recv(to, text, sizeof text, 0, d->now) == (int64_t)len;
}

static bool talk(struct duo *d, uint32_t count, struct yeon_tcp *ends[2][BATCH])
{
  for (uint32_t i = 0; i < count; i++)
    if (!say(d, ends[0][i], ends[1][i], REQUEST) || !say(d, ends[1][i], ends[0][i], ANSWER)) return false;
  d->now += 50 * YEON_MS; /* delayed acknowledgments */
  duo_settle(d);
  duo_drain(d);
  return true;
}

/* Host 1, which listens, closes first, as a server does; host 0 when it has seen the end. */
static void part(struct duo *d, uint32_t count, struct yeon_tcp *ends[2][BATCH])
{
  for (unsigned end = 2; end-- > 0;) {
    for (uint32_t i = 0; i < count; i++) yeon_tcp_close(ends[end][i], d->now);
    duo_settle(d);
    duo_drain(d);
  }
}

/* All n connections, a batch at a time; each batch is then left idle, or closed. */
static bool make_all(struct crowd *c, bool close, struct crowd_weight *out)
{
  struct yeon_tcp *ends[2][BATCH];
  int64_t ns = 0;
  for (uint32_t made = 0, count; made < c->n; made += count) {
    uint32_t listener = made / PER_LISTENER, left = (listener + 1) * PER_LISTENER - made;
    count = c->n - made < BATCH ? c->n - made : BATCH;
    if (count > left) count = left;
    int64_t from = duo_clock();
    if (!connect_some(c, listener, count, ends)) return false;
    ns += duo_clock() - from;
    if (close)
      part(&c->duo, count, ends);
    else if (!talk(&c->duo, count, ends))
      return false;
  }
  out->connect_ns = (double)ns / c->n;
  return true;
}

static bool done(struct crowd *c, bool ok, struct crowd_weight *out)
{
  if (ok) weigh(c, out);
  if (c->duo.host[0] != NULL) duo_free(&c->duo);
  return ok;
}

bool crowd_idle(uint32_t n, struct crowd_weight *out)
{
  struct crowd c;
  struct yeon_host_usage usage[2] = {{0}};
  bool ok = gather(&c, n) && make_all(&c, false, out);
  for (unsigned i = 0; ok && i < 2; i++) yeon_host_usage(c.duo.host[i], &usage[i]);
  ok = ok && usage[0].connections == n && usage[1].connections == n;
  return done(&c, ok, out);
}

bool crowd_time_wait(uint32_t n, struct crowd_weight *out)
{
  struct crowd c;
  struct yeon_host_usage usage = {0};
  bool ok = gather(&c, n) && make_all(&c, true, out);
  if (ok) yeon_host_usage(c.duo.host[1], &usage);
  ok = ok && usage.time_wait == n && usage.connections == 0;
  return done(&c, ok, out);
}

/* A SYN as Linux sends it, from the i-th stranger. */
static size_t emit_syn(const struct crowd *c, uint32_t i, uint8_t *p)
{
  struct wire_tcp h;
  struct yeon_ip src = yeon_ip4(10, (uint8_t)(1 + (i >> 16)), (uint8_t)(i >> 8), (uint8_t)i);
  wire_tcp_init(&h);
  h.seq = i * 2654435761u;
  h.src_port = (uint16_t)(1024 + i % 60000);
  h.dst_port = FIRST_PORT;
  h.window = 64240;
  h.flags = YEON_TCP_SYN;
  h.mss = 1460;
  h.wscale = 7;
  h.sack_ok = h.has_ts = true;
  h.tsval = 1 + i;
  size_t len = wire_tcp_emit(&h, p + WIRE_IPV4_HEADER);
  uint64_t sum = wire_sum_pseudo(&src, &c->duo.addr[1].ip, WIRE_PROTO_TCP, (uint32_t)len);
  wire_put16(p + WIRE_IPV4_HEADER + 16, wire_sum_finish(wire_sum(p + WIRE_IPV4_HEADER, len, sum)));
  struct wire_ipv4 ip = {.src = src, .dst = c->duo.addr[1].ip, .ttl = 64, .protocol = WIRE_PROTO_TCP};
  ip.total_len = (uint16_t)(WIRE_IPV4_HEADER + len);
  wire_ipv4_emit(&ip, p);
  return ip.total_len;
}

/* A SYN in; the answer out and away. */
static bool knock(struct crowd *c, uint32_t i)
{
  uint8_t bytes[WIRE_IPV4_HEADER + WIRE_TCP_HEADER_MAX];
  struct yeon_frame frame;
  yeon_frame_from_bytes(&frame, bytes, emit_syn(c, i, bytes));
  c->duo.now += 100;
  yeon_host_input(c->duo.host[1], 0, &frame, 1, c->duo.now);
  return yeon_host_output(c->duo.host[1], 0, &frame, 1, c->duo.now) == 1;
}

bool crowd_half_open(uint32_t n, struct crowd_weight *out)
{
  struct crowd c;
  struct yeon_host_usage usage = {0};
  memset(out, 0, sizeof *out);
  bool ok = gather(&c, n);
  for (uint32_t i = 0; ok && i < n; i++) ok = knock(&c, i);
  if (ok) yeon_host_usage(c.duo.host[1], &usage);
  return done(&c, ok && usage.half_open == n, out);
}
