/* The cable in real time: frames from the kernel's devices and from our hosts go in, what is due comes out and goes where its address says. One thread,
 * asleep until a frame comes or something is due. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench_real.h"
#include "cli.h"

#define BATCH 32

struct wire {
  struct bench_place *place;
  struct bench_run *run;
  struct bench_app app;
  struct yeon_cable *cable;
  struct yeon_host *host[2]; /* NULL: none of ours on this side */
  struct yeon_frame frames[BATCH];
};

struct entry {
  struct wire *w;
  unsigned direction;
  yeon_time now;
};

static yeon_time clock_now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (yeon_time)t.tv_sec * YEON_SEC + t.tv_nsec;
}

static void put(void *ctx, const void *bytes, size_t len)
{
  const struct entry *e = ctx;
  struct yeon_frame f;
  yeon_frame_from_bytes(&f, bytes, len);
  (void)yeon_cable_put(e->w->cable, e->direction, &f, e->now);
}

/* What this side sends: direction and side have the same number. */
static bool take_in(struct wire *w, unsigned side, yeon_time now)
{
  struct entry e = {w, side, now};
  bool moved = false;
  for (unsigned from = 0; from < 2; from++) {
    size_t n = BATCH;
    for (unsigned rounds = 0; n > 0 && rounds < 16; rounds++) {
      n = 0;
      if (from == 0 && w->place->tun[side] != NULL) n = yeon_link_receive(w->place->tun[side], w->frames, BATCH, now);
      if (from == 1 && w->host[side] != NULL) n = yeon_host_output(w->host[side], 0, w->frames, BATCH, now);
      for (size_t i = 0; i < n; i++)
        if (from == 1 || *(const uint8_t *)w->frames[i].slice[0].base >> 4 == 4) (void)yeon_frame_split(&w->frames[i], put, &e);
      moved |= n > 0;
    }
  }
  return moved;
}

static bool is_kernels(const struct yeon_frame *f) { return f->len < 20 || ((const uint8_t *)f->slice[0].base)[19] < 10; }

static bool hand_out(struct wire *w, unsigned side, yeon_time now)
{
  size_t n = yeon_cable_take(w->cable, 1 - side, w->frames, BATCH, now), from = 0;
  while (from < n) { /* as many at a time as go to the same end */
    bool kernel = is_kernels(&w->frames[from]);
    size_t to = from + 1;
    while (to < n && is_kernels(&w->frames[to]) == kernel) to++;
    if (kernel && w->place->tun[side] != NULL) yeon_link_send(w->place->tun[side], w->frames + from, to - from, now);
    if (!kernel && w->host[side] != NULL) yeon_host_input(w->host[side], 0, w->frames + from, to - from, now);
    from = to;
  }
  return n > 0;
}

static void serve(struct wire *w, yeon_time now)
{
  struct yeon_ready ready;
  for (unsigned side = 0; side < 2; side++)
    while (w->host[side] != NULL && yeon_host_event(w->host[side], &ready)) bench_app_ready(&w->app, &ready, now);
}

static void sleep_until(struct wire *w, yeon_time until, yeon_time now)
{
  struct pollfd fds[2];
  nfds_t n = 0;
  yeon_time next = yeon_cable_next(w->cable);
  for (unsigned side = 0; side < 2; side++) {
    if (w->place->tun[side] != NULL) fds[n++] = (struct pollfd){.fd = w->place->tun[side]->fd, .events = POLLIN};
    yeon_time host = w->host[side] != NULL ? yeon_host_next(w->host[side]) : YEON_NEVER;
    if (host < next) next = host;
  }
  if (next > until) next = until;
  yeon_time left = next > now ? next - now : 0;
  struct timespec t = {.tv_sec = left / YEON_SEC, .tv_nsec = left % YEON_SEC};
  (void)ppoll(fds, n, &t, NULL);
}

static void move_until(struct wire *w, yeon_time until)
{
  yeon_time now;
  while ((now = clock_now()) < until) {
    bool moved = false;
    for (unsigned side = 0; side < 2; side++) moved |= take_in(w, side, now);
    for (unsigned side = 0; side < 2; side++) moved |= hand_out(w, side, now);
    serve(w, now);
    if (!moved) sleep_until(w, until, now);
  }
}

static int add_host(struct wire *w, unsigned side, unsigned flow, yeon_time now)
{
  struct yeon_host_config config;
  struct yeon_tcp_options options;
  const struct yeon_link_config link = {.name = "bench0", .mtu = 1500, .offload = YEON_LINK_CSUM | YEON_LINK_GSO};
  struct yeon_ip ip = bench_place_ip(side, false);
  yeon_host_config_init(&config);
  bench_run_options(w->run, flow, &options);
  config.tcp = &options;
  config.seed = w->run->seed + 100 + side;
  int error = yeon_host_new(&w->host[side], &config, now);
  if (error == 0) error = yeon_host_add_link(w->host[side], &link);
  return error >= 0 ? yeon_host_add_addr(w->host[side], 0, &ip, 16) : error;
}

static int open_ends(struct wire *w, yeon_time now)
{
  int error = 0;
  for (unsigned i = 0; i < w->run->n_flows && error == 0; i++) {
    const struct bench_flow *f = &w->run->flow[i];
    for (unsigned side = 0; side < 2 && error == 0; side++)
      if (!f->kernel[side] && w->host[side] == NULL) error = add_host(w, side, i, now);
    if (error == 0 && !f->kernel[1]) error = bench_app_listen(&w->app, i, w->host[1], now);
  }
  return error;
}

static int connect_ours(struct wire *w, yeon_time now)
{
  int error = 0;
  for (unsigned i = 0; i < w->run->n_flows && error == 0; i++) {
    struct yeon_ip to = bench_place_ip(1, w->run->flow[i].kernel[1]);
    if (!w->run->flow[i].kernel[0]) error = bench_app_connect(&w->app, i, w->host[0], &to, now);
  }
  return error;
}

/* At the very end of the time: what has been received counts, whatever is on its way does not. */
static void count(struct wire *w)
{
  for (unsigned i = 0; i < w->run->n_flows; i++) {
    struct bench_flow *f = &w->run->flow[i];
    if (!f->kernel[1]) continue;
    f->received = atomic_load(&w->place->shared->flow[i].received);
    f->damaged = atomic_load(&w->place->shared->flow[i].damaged);
  }
}

static int run_flows(struct wire *w)
{
  struct bench_shared *shared = w->place->shared;
  yeon_time began = clock_now();
  int error = open_ends(w, began);
  if (error == 0) error = connect_ours(w, began);
  if (error != 0) return error;
  atomic_store(&shared->go, true);
  move_until(w, began + (yeon_time)(w->run->seconds * 1e9));
  count(w);
  uint64_t received[BENCH_FLOWS];
  for (unsigned i = 0; i < w->run->n_flows; i++) received[i] = w->run->flow[i].received;
  bench_app_finish(&w->app);
  atomic_store(&shared->stop, true);
  move_until(w, clock_now() + 200 * YEON_MS); /* senders wake up and say how often they sent again */
  for (unsigned i = 0; i < w->run->n_flows; i++) {
    struct bench_flow *f = &w->run->flow[i];
    f->received = received[i];
    if (!f->kernel[0]) continue;
    f->sent = atomic_load(&shared->flow[i].sent);
    f->again = atomic_load(&shared->flow[i].again);
  }
  return w->app.error;
}

int bench_wire_run(struct bench_place *p, struct bench_run *run)
{
  struct wire *w = calloc(1, sizeof *w);
  struct yeon_cable_config config = {.max_frames = 1048576};
  if (w == NULL) return YEON_ERR_NO_MEMORY;
  w->place = p;
  w->run = run;
  bench_cell_ways(&run->cell, false, config.way);
  /* Up to a frame's time of chance for flows that share (as in bench_sim.c): what is exact to the microsecond would meet a full queue again and again. */
  if (run->n_flows > 1) config.way[YEON_CABLE_BA].jitter_us = bench_cell_frame_us(&run->cell);
  int error = bench_app_open(&w->app, run);
  if (error == 0) error = yeon_cable_new(&w->cable, &config, run->seed, NULL);
  const struct sched_param before = {.sched_priority = 0}, now = {.sched_priority = 1};
  (void)sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &now); /* a late cable is a longer one; without the right to it, so be it */
  if (error == 0) error = run_flows(w);
  (void)sched_setscheduler(0, SCHED_OTHER, &before);
  for (unsigned side = 0; side < 2; side++) yeon_host_free(w->host[side]);
  yeon_cable_free(w->cable);
  bench_app_close(&w->app);
  free(w);
  return error;
}
