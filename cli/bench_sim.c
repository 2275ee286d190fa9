/* A run in virtual time. Each flow has a sender of its own; if there are several, a hub joins their cables with the bottleneck, and the delay of each
 * is in its own cable, so that round trips can differ. */
#include <stdlib.h>
#include <string.h>

#include "bench.h"

struct world;
struct starter {
  struct world *world;
  unsigned flow, sender; /* sender: its node */
};

struct world {
  struct bench_run *run;
  struct yeon_sim *sim;
  struct bench_app app;
  struct starter starter[BENCH_FLOWS];
  struct bench_delays *delays;
  struct yeon_cable *bottleneck;
  unsigned receiver; /* node */
  yeon_time gap;     /* between two samples */
  double ns_per_byte;
  yeon_time delay;
};

static yeon_time in_time(double seconds) { return (yeon_time)(seconds * 1e9); }

static struct yeon_ip address(unsigned node)
{
  return (struct yeon_ip){{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, (uint8_t)(node + 1)}};
}

static void on_ready(void *ctx, struct yeon_sim *sim, unsigned node, const struct yeon_ready *ready, yeon_time now)
{
  struct world *w = ctx;
  (void)sim;
  (void)node;
  bench_app_ready(&w->app, ready, now);
}

/* How long it waited for the line: the journey less what even an idle line would have taken. */
static void on_tap(void *ctx, const struct yeon_cable_tap *tap)
{
  struct world *w = ctx;
  if (tap->direction != YEON_CABLE_AB || tap->moment != YEON_MOMENT_DELIVERED || tap->reordered || tap->at < w->app.counts_from) return;
  yeon_time waited = tap->at - tap->sent_at - w->delay - (yeon_time)(tap->frame->len * w->ns_per_byte);
  bench_delays_add(w->delays, waited);
}

static void sample(void *ctx, struct yeon_sim *sim, yeon_time now)
{
  struct world *w = ctx;
  struct bench_run *run = w->run;
  struct yeon_tcp_info info;
  struct yeon_cable_stats stats;
  if (w->app.sender[0].tcp == NULL) return; /* no memory for it */
  yeon_tcp_info(w->app.sender[0].tcp, &info);
  yeon_cable_stats(w->bottleneck, YEON_CABLE_AB, &stats);
  run->samples[run->n_samples++] =
      (struct bench_sample){(double)now / 1e9, info.cwnd, info.flight, stats.waiting_bytes, info.srtt_us / 1e3};
  if (run->n_samples < BENCH_SAMPLES && run->error == 0) run->error = yeon_sim_at(sim, now + w->gap, sample, w);
}

static int add_host(struct world *w, unsigned flow, unsigned *node)
{
  struct yeon_host_config config;
  struct yeon_tcp_options options;
  yeon_host_config_init(&config);
  bench_run_options(w->run, flow, &options);
  config.tcp = &options;
  int number = yeon_sim_add_host(w->sim, &config, NULL);
  if (number < 0) return number;
  *node = (unsigned)number;
  return yeon_sim_on_ready(w->sim, *node, on_ready, w);
}

static int lay(struct world *w, unsigned a, unsigned b, const struct yeon_cable_way way[2], struct yeon_cable **out)
{
  struct yeon_sim_link link;
  unsigned links[2];
  yeon_sim_link_init(&link);
  memcpy(link.cable.way, way, sizeof link.cable.way);
  link.cable.max_frames = 1048576;
  int number = yeon_sim_connect(w->sim, a, b, &link, links);
  if (number < 0) return number;
  *out = yeon_sim_cable(w->sim, (unsigned)number);
  const unsigned nodes[] = {a, b};
  for (unsigned e = 0; e < 2; e++) {
    struct yeon_host *host = yeon_sim_host(w->sim, nodes[e]);
    struct yeon_ip ip = address(nodes[e]);
    int error = host != NULL ? yeon_host_add_addr(host, links[e], &ip, 24) : 0;
    if (error < 0) return error;
  }
  return 0;
}

static int lay_access(struct world *w, unsigned flow, unsigned node, unsigned hub)
{
  uint32_t rtt_ms = w->run->flow[flow].rtt_ms ? w->run->flow[flow].rtt_ms : w->run->cell.rtt_ms;
  struct yeon_cable *cable;
  struct yeon_cable_way way = {.delay_us = rtt_ms * 500}, there = way;
  /* Up to a frame's time of chance: where everything is exact, a full queue may drop the frames of one flow alone, for minutes. */
  there.jitter_us = bench_cell_frame_us(&w->run->cell);
  return lay(w, node, hub, (struct yeon_cable_way[2]){there, way}, &cable);
}

static int build(struct world *w, unsigned senders[BENCH_FLOWS])
{
  struct yeon_cable_way way[2];
  unsigned n = w->run->n_flows, from;
  int error = add_host(w, 0, &w->receiver);
  for (unsigned i = 0; i < n && error == 0; i++) error = add_host(w, i, &senders[i]);
  if (error != 0) return error;
  bench_cell_ways(&w->run->cell, n > 1, way);
  from = senders[0];
  if (n > 1) {
    int hub = yeon_sim_add_hub(w->sim);
    if (hub < 0) return hub;
    from = (unsigned)hub;
    for (unsigned i = 0; i < n && error == 0; i++) error = lay_access(w, i, senders[i], from);
  }
  if (error == 0) error = lay(w, from, w->receiver, way, &w->bottleneck);
  if (error != 0) return error;
  w->delay = (yeon_time)way[0].delay_us * YEON_US;
  w->ns_per_byte = 8e9 / (double)way[0].rate_bps;
  yeon_cable_set_tap(w->bottleneck, on_tap, w);
  return 0;
}

static void begin_flow(void *ctx, struct yeon_sim *sim, yeon_time now)
{
  struct starter *s = ctx;
  struct yeon_ip to = address(s->world->receiver);
  int error = bench_app_connect(&s->world->app, s->flow, yeon_sim_host(sim, s->sender), &to, now);
  if (error != 0 && s->world->app.error == 0) s->world->app.error = error;
}

static int start(struct world *w, const unsigned senders[BENCH_FLOWS])
{
  for (unsigned i = 0; i < w->run->n_flows; i++) {
    w->starter[i] = (struct starter){w, i, senders[i]};
    int error = bench_app_listen(&w->app, i, yeon_sim_host(w->sim, w->receiver), 0);
    if (error == 0) error = yeon_sim_at(w->sim, in_time(w->run->flow[i].starts_s), begin_flow, &w->starter[i]);
    if (error != 0) return error;
  }
  if (w->run->samples == NULL) return 0;
  w->run->n_samples = 0;
  w->gap = in_time(w->run->seconds) / BENCH_SAMPLES;
  return yeon_sim_at(w->sim, 0, sample, w);
}

static int run_world(struct world *w)
{
  unsigned senders[BENCH_FLOWS];
  struct yeon_cable_stats stats;
  int error = yeon_sim_new(&w->sim, w->run->seed, NULL);
  if (error == 0) error = build(w, senders);
  if (error == 0) error = start(w, senders);
  if (error != 0) return error;
  w->app.counts_from = in_time(w->run->warm_up_s);
  yeon_sim_run_until(w->sim, in_time(w->run->warm_up_s + w->run->seconds));
  bench_app_finish(&w->app);
  yeon_cable_stats(w->bottleneck, YEON_CABLE_AB, &stats);
  w->run->dropped = stats.queue_full;
  w->run->p50_ms = bench_delays_ms(w->delays, 0.5);
  w->run->p99_ms = bench_delays_ms(w->delays, 0.99);
  return w->app.error;
}

void bench_sim_run(struct bench_run *run)
{
  struct world w = {.run = run, .delays = calloc(1, sizeof *w.delays)};
  int error = w.delays == NULL ? YEON_ERR_NO_MEMORY : bench_app_open(&w.app, run);
  if (error == 0) {
    error = run_world(&w);
    yeon_sim_free(w.sim);
    bench_app_close(&w.app);
  }
  free(w.delays);
  if (run->error == 0) run->error = error;
}
