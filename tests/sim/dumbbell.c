#include "dumbbell.h"

#include <stdlib.h>
#include <string.h>

#define PORT 80
#define SAMPLE (5 * YEON_MS)
#define HISTOGRAM 4000u /* milliseconds of queue, in halves */

struct party {
  struct run *run;
  unsigned index;
  struct yeon_host *host;
  struct yeon_tcp *tcp;
  bool begun;
};

struct run {
  struct dumbbell *d;
  struct yeon_sim *sim;
  struct party sender[DUMBBELL_FLOWS];
  struct yeon_host *receiver;
  struct yeon_tcp *listener;
  unsigned bottleneck; /* cable */
  yeon_time ends;
  uint32_t samples[HISTOGRAM];
  uint64_t n_samples;
  double sum_ms;
};

static void fill(struct party *p, yeon_time now)
{
  static const uint8_t zeros[65536];
  while (yeon_tcp_send(p->tcp, zeros, sizeof zeros, 0, now) > 0) continue;
}

static void on_sender(void *ctx, struct yeon_sim *sim, unsigned node, const struct yeon_ready *ready, yeon_time now)
{
  (void)sim, (void)node;
  if ((ready->events & YEON_WRITABLE) != 0) fill(ctx, now);
}

static void drain(struct run *r, struct yeon_tcp *tcp, yeon_time now)
{
  struct yeon_addr from;
  struct yeon_slice slices[8];
  size_t n;
  yeon_tcp_remote(tcp, &from);
  unsigned flow = from.ip.b[15] - 10u;
  while ((n = yeon_tcp_peek_slices(tcp, slices, 8)) > 0) {
    size_t len = 0;
    for (size_t i = 0; i < n; i++) len += slices[i].len;
    yeon_tcp_consume(tcp, len, now);
    if (now >= r->d->warm_up && flow < r->d->n) r->d->flow[flow].bytes += len;
  }
}

static void on_receiver(void *ctx, struct yeon_sim *sim, unsigned node, const struct yeon_ready *ready, yeon_time now)
{
  struct run *r = ctx;
  struct yeon_tcp *tcp;
  (void)sim, (void)node;
  if (ready->tcp == r->listener)
    while (yeon_tcp_accept(r->listener, &tcp, now) == 0) drain(r, tcp, now);
  else
    drain(r, ready->tcp, now);
}

static void begin_flow(void *ctx, struct yeon_sim *sim, yeon_time now)
{
  struct party *p = ctx;
  struct yeon_addr to = {.ip = yeon_ip4(10, 0, 0, 1), .port = PORT};
  (void)sim;
  if (yeon_tcp_open(p->host, &p->tcp) != 0) return;
  yeon_tcp_set(p->tcp, YEON_TCP_CONGESTION, p->run->d->flow[p->index].congestion, now);
  p->begun = yeon_tcp_connect(p->tcp, &to, now) == 0;
}

static void sample(void *ctx, struct yeon_sim *sim, yeon_time now)
{
  struct run *r = ctx;
  struct yeon_cable_stats stats;
  if (now >= r->d->warm_up) {
    yeon_cable_stats(yeon_sim_cable(sim, r->bottleneck), YEON_CABLE_AB, &stats);
    double ms = stats.waiting_bytes * 8000.0 / (double)r->d->rate_bps;
    size_t slot = (size_t)(ms * 2) < HISTOGRAM ? (size_t)(ms * 2) : HISTOGRAM - 1;
    r->samples[slot]++;
    r->n_samples++;
    r->sum_ms += ms;
  }
  if (now + SAMPLE <= r->ends) yeon_sim_at(sim, now + SAMPLE, sample, r);
}

static struct yeon_host *add_host(struct run *r, int *node)
{
  struct yeon_host_config config;
  struct yeon_tcp_options options;
  struct yeon_host *host = NULL;
  yeon_host_config_init(&config);
  yeon_tcp_options_init(&options, r->d->profile);
  options.rcvbuf_max = options.sndbuf_max = 64u << 20; /* the window, not memory, is to be the limit */
  options.sndbuf = 1u << 20;
  options.rcvbuf = 4u << 20;
  config.tcp = &options;
  *node = yeon_sim_add_host(r->sim, &config, &host);
  return host;
}

static bool join(struct run *r, int a, int b, struct yeon_cable_way there, struct yeon_cable_way back, unsigned ends[2])
{
  struct yeon_sim_link link;
  yeon_sim_link_init(&link);
  link.cable.way[YEON_CABLE_AB] = there;
  link.cable.way[YEON_CABLE_BA] = back;
  return yeon_sim_connect(r->sim, (unsigned)a, (unsigned)b, &link, ends) >= 0;
}

static bool listen_on(struct run *r, const struct yeon_addr *at)
{
  return yeon_tcp_open(r->receiver, &r->listener) == 0 && yeon_tcp_bind(r->listener, at, 0) == 0 &&
         yeon_tcp_listen(r->listener, DUMBBELL_FLOWS, 0) == 0;
}

/* Hub and receiver, with the bottleneck between them. The hub's node number, or an error. */
static int build_middle(struct run *r)
{
  const struct dumbbell *d = r->d;
  struct yeon_cable_way narrow = {.rate_bps = d->rate_bps, .queue_bytes = d->queue_bytes, .loss_ppm = d->loss_ppm}, wide = {0};
  struct yeon_addr at = {.ip = yeon_ip4(10, 0, 0, 1), .port = PORT};
  unsigned ends[2];
  int hub = yeon_sim_add_hub(r->sim), node;
  r->receiver = add_host(r, &node);
  if (hub < 0 || r->receiver == NULL || !join(r, hub, node, narrow, wide, ends)) return -1;
  r->bottleneck = yeon_sim_cables(r->sim) - 1;
  if (yeon_host_add_addr(r->receiver, ends[1], &at.ip, 24) != 0 || !listen_on(r, &at)) return -1;
  return yeon_sim_on_ready(r->sim, (unsigned)node, on_receiver, r) == 0 ? hub : -1;
}

static bool build_sender(struct run *r, unsigned i, int hub)
{
  struct party *p = &r->sender[i];
  struct yeon_cable_way way = {.delay_us = r->d->flow[i].rtt_ms * 500};
  struct yeon_ip ip = yeon_ip4(10, 0, 0, (uint8_t)(10 + i));
  unsigned ends[2];
  int node;
  *p = (struct party){.run = r, .index = i, .host = add_host(r, &node)};
  if (p->host == NULL || !join(r, node, hub, way, way, ends)) return false;
  if (yeon_host_add_addr(p->host, ends[0], &ip, 24) != 0) return false;
  yeon_sim_on_ready(r->sim, (unsigned)node, on_sender, p);
  return yeon_sim_at(r->sim, r->d->flow[i].starts, begin_flow, p) == 0;
}

static void judge(struct run *r)
{
  struct dumbbell *d = r->d;
  struct yeon_cable_stats stats;
  uint64_t left = r->n_samples - r->n_samples / 100, slot = 0;
  yeon_cable_stats(yeon_sim_cable(r->sim, r->bottleneck), YEON_CABLE_AB, &stats);
  d->dropped = stats.queue_full + stats.lost;
  d->queue_ms = r->n_samples > 0 ? r->sum_ms / (double)r->n_samples : 0;
  while (slot < HISTOGRAM - 1 && r->samples[slot] < left) left -= r->samples[slot++];
  d->queue_p99_ms = (double)slot / 2;
  for (unsigned i = 0; i < d->n; i++) {
    struct yeon_tcp_info info;
    if (!r->sender[i].begun) continue;
    yeon_tcp_info(r->sender[i].tcp, &info);
    d->flow[i].again = info.bytes_retransmitted;
  }
}

bool dumbbell_run(struct dumbbell *d)
{
  struct run *r = calloc(1, sizeof *r);
  if (r == NULL) return false;
  r->d = d;
  r->ends = d->warm_up + d->span;
  for (unsigned i = 0; i < d->n; i++) d->flow[i].bytes = d->flow[i].again = 0;
  bool good = yeon_sim_new(&r->sim, d->seed, NULL) == 0;
  int hub = good ? build_middle(r) : -1;
  good = hub >= 0 && yeon_sim_at(r->sim, 0, sample, r) == 0;
  for (unsigned i = 0; good && i < d->n; i++) good = build_sender(r, i, hub);
  if (good) {
    yeon_sim_run_until(r->sim, r->ends);
    judge(r);
  }
  yeon_sim_free(r->sim);
  free(r);
  return good;
}

double dumbbell_jain(const struct dumbbell *d)
{
  double sum = 0, squares = 0;
  for (unsigned i = 0; i < d->n; i++) {
    sum += (double)d->flow[i].bytes;
    squares += (double)d->flow[i].bytes * (double)d->flow[i].bytes;
  }
  return squares > 0 ? sum * sum / (d->n * squares) : 0;
}

double dumbbell_share(const struct dumbbell *d)
{
  double sum = 0;
  for (unsigned i = 0; i < d->n; i++) sum += (double)d->flow[i].bytes;
  return sum * 8 * YEON_SEC / (double)d->span / (double)d->rate_bps;
}
