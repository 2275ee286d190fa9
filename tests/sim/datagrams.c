/* Datagrams beside the connections: numbered, of odd sizes, often larger than a frame. They may be lost; never wrong, never invented,
 * never twice unless the cable does that. */
#include <string.h>

#include "world.h"

#define STREAM_OF(host) (1000u + (host))
#define HEADER 4 /* its number; the rest is content from a position of its own */
#define GAP 100000u

static void send_one(void *ctx, struct yeon_sim *sim, yeon_time now)
{
  (void)sim;
  struct datagrams *d = ctx;
  struct world *w = d->world;
  if (d->udp == NULL || w->failure[0] != '\0') return;
  uint8_t buf[HEADER + 65536];
  uint32_t number = d->sent++, len = rng_below(&w->rng, w->plan->datagram_max);
  memcpy(buf, &number, HEADER);
  content_fill(buf + HEADER, STREAM_OF(d->host), (uint64_t)number * GAP, len);
  struct yeon_addr to = w->addr[!d->host];
  to.port = UDP_PORT;
  int64_t n = yeon_udp_send(d->udp, buf, HEADER + len, &to, now);
  if (n >= 0 && n != HEADER + len) world_fail(w, "datagram of %u bytes: send gives %lld", HEADER + len, (long long)n);
  if (n == YEON_ERR_INVALID || n == YEON_ERR_MESSAGE_SIZE || n == YEON_ERR_NOT_CONNECTED || n == YEON_ERR_CLOSED)
    world_fail(w, "datagram of %u bytes: %s", HEADER + len, yeon_error_name((int)n));
}

void program_datagrams(struct world *w, unsigned host)
{
  struct datagrams *d = &w->datagrams[host];
  *d = (struct datagrams){.world = w, .host = host};
  if (w->plan->datagrams == 0) return;
  struct yeon_addr local = w->addr[host];
  local.port = UDP_PORT;
  int error = yeon_udp_open(w->host[host], &d->udp);
  if (error == 0) error = yeon_udp_bind(d->udp, &local);
  if (error != 0) {
    world_fail(w, "udp: %s", yeon_error_name(error));
    return;
  }
  yeon_udp_set_user(d->udp, d);
  for (unsigned i = 0; i < w->plan->datagrams; i++)
    yeon_sim_at(w->sim, (yeon_time)rng_below(&w->rng, 3000000) * YEON_US, send_one, d);
}

static bool cable_corrupts(const struct plan *p)
{
  bool corrupts = p->way[0].corrupt_ppm || p->way[1].corrupt_ppm;
  for (unsigned i = 0; i < p->n_changes; i++) corrupts |= p->change[i].way.corrupt_ppm > 0;
  return corrupts;
}

static bool cable_duplicates(const struct plan *p)
{
  bool duplicates = p->way[0].duplicate_ppm || p->way[1].duplicate_ppm;
  for (unsigned i = 0; i < p->n_changes; i++) duplicates |= p->change[i].way.duplicate_ppm > 0;
  return duplicates;
}

static void check_one(struct datagrams *d, const uint8_t *buf, size_t len, size_t full_len)
{
  struct world *w = d->world;
  const struct datagrams *from = &w->datagrams[!d->host];
  /* Bits flipped in two fragments of one datagram can cancel out in its checksum. */
  if (cable_corrupts(w->plan) && w->plan->datagram_max > w->plan->mtu) return;
  uint32_t number = UINT32_MAX;
  if (len >= HEADER) memcpy(&number, buf, HEADER);
  if (number >= from->sent || len != full_len ||
      !content_check(buf + HEADER, STREAM_OF(from->host), (uint64_t)number * GAP, len - HEADER)) {
    world_fail(w, "a datagram of %zu bytes that was not sent", full_len);
    return;
  }
  bool again = d->seen & UINT32_C(1) << number;
  d->seen |= UINT32_C(1) << number;
  d->repeated += again;
  if (again && !cable_duplicates(w->plan)) world_fail(w, "datagram %u came twice", number);
}

void program_datagrams_ready(struct datagrams *d)
{
  struct world *w = d->world;
  if (d->udp == NULL) {
    world_fail(w, "a report after the UDP endpoint is gone");
    return;
  }
  for (;;) {
    uint8_t buf[HEADER + 65536];
    struct yeon_addr from, to;
    size_t full_len = 0;
    int64_t n = yeon_udp_recv(d->udp, buf, sizeof buf, &from, &to, &full_len);
    if (n == YEON_ERR_AGAIN) return;
    if (n < 0) continue; /* a pending error: the other side is gone or not yet there */
    d->received++;
    if (!yeon_ip_equal(&from.ip, &w->addr[!d->host].ip) || from.port != UDP_PORT ||
        !yeon_ip_equal(&to.ip, &w->addr[d->host].ip))
      world_fail(w, "a datagram from or to an address that nobody has");
    check_one(d, buf, (size_t)n, full_len);
  }
}
