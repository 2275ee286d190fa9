/* The programs at both ends: one sends all it can, the other reads all there is and compares. */
#include <stdlib.h>
#include <string.h>

#include "bench.h"

int bench_app_open(struct bench_app *app, struct bench_run *run)
{
  memset(app, 0, sizeof *app);
  app->run = run;
  app->pattern = malloc(sizeof *app->pattern);
  app->buffer = malloc(BENCH_PIECE);
  if (app->pattern == NULL || app->buffer == NULL) {
    bench_app_close(app);
    return YEON_ERR_NO_MEMORY;
  }
  bench_pattern_fill(app->pattern);
  return 0;
}

void bench_app_close(struct bench_app *app)
{
  free(app->pattern);
  free(app->buffer);
  app->pattern = NULL;
  app->buffer = NULL;
}

static void failed(struct bench_app *app, int error)
{
  if (app->error == 0) app->error = error;
}

int bench_app_listen(struct bench_app *app, unsigned flow, struct yeon_host *host, yeon_time now)
{
  struct bench_end *e = &app->listener[flow];
  *e = (struct bench_end){app, BENCH_LISTENS, flow, NULL, 0};
  const struct yeon_addr local = {.port = (uint16_t)(BENCH_PORT + flow)};
  int error = yeon_tcp_open(host, &e->tcp);
  if (error != 0) return error;
  yeon_tcp_set_user(e->tcp, e);
  error = yeon_tcp_bind(e->tcp, &local, now);
  return error != 0 ? error : yeon_tcp_listen(e->tcp, 4, now);
}

int bench_app_connect(struct bench_app *app, unsigned flow, struct yeon_host *host, const struct yeon_ip *to, yeon_time now)
{
  struct bench_end *e = &app->sender[flow];
  *e = (struct bench_end){app, BENCH_SENDS, flow, NULL, 0};
  const struct yeon_addr remote = {.ip = *to, .port = (uint16_t)(BENCH_PORT + flow)};
  int error = yeon_tcp_open(host, &e->tcp);
  if (error != 0) return error;
  yeon_tcp_set_user(e->tcp, e);
  return yeon_tcp_connect(e->tcp, &remote, now);
}

static void send_all(struct bench_end *e, yeon_time now)
{
  for (;;) {
    int64_t n = yeon_tcp_send(e->tcp, bench_pattern_at(e->app->pattern, e->at), BENCH_PIECE, 0, now);
    if (n < 0) {
      if (n != YEON_ERR_AGAIN) failed(e->app, (int)n);
      return;
    }
    e->at += (uint64_t)n;
  }
}

static void receive_all(struct bench_end *e, yeon_time now)
{
  struct bench_flow *flow = &e->app->run->flow[e->flow];
  for (;;) {
    int64_t n = yeon_tcp_recv(e->tcp, e->app->buffer, BENCH_PIECE, 0, now);
    if (n <= 0) {
      if (n < 0 && n != YEON_ERR_AGAIN) failed(e->app, (int)n);
      return;
    }
    if (memcmp(e->app->buffer, bench_pattern_at(e->app->pattern, e->at), (size_t)n) != 0) flow->damaged = true;
    e->at += (uint64_t)n;
    if (now >= e->app->counts_from) flow->received += (uint64_t)n;
  }
}

static void accept_one(struct bench_end *listener, yeon_time now)
{
  struct bench_end *e = &listener->app->receiver[listener->flow];
  *e = (struct bench_end){listener->app, BENCH_RECEIVES, listener->flow, NULL, 0};
  if (yeon_tcp_accept(listener->tcp, &e->tcp, now) != 0) return;
  yeon_tcp_set_user(e->tcp, e);
  receive_all(e, now);
}

void bench_app_ready(struct bench_app *app, const struct yeon_ready *ready, yeon_time now)
{
  struct bench_end *e = ready->user;
  if (e == NULL) return;
  if (ready->events & YEON_ERROR) failed(app, yeon_tcp_take_error(e->tcp));
  else if (e->role == BENCH_LISTENS) accept_one(e, now);
  else if (e->role == BENCH_SENDS && (ready->events & YEON_WRITABLE)) send_all(e, now);
  else if (e->role == BENCH_RECEIVES && (ready->events & YEON_READABLE)) receive_all(e, now);
}

void bench_app_finish(struct bench_app *app)
{
  for (unsigned i = 0; i < app->run->n_flows; i++) {
    struct yeon_tcp_info info;
    if (app->sender[i].tcp == NULL) continue;
    yeon_tcp_info(app->sender[i].tcp, &info);
    app->run->flow[i].sent = info.bytes_sent;
    app->run->flow[i].again = info.bytes_retransmitted;
  }
}
