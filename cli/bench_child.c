/* The programs at the kernel's ends: one sends all it can, one reads and compares, as bench_app.c does at ours. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "bench_real.h"

const char *bench_kernel_name(enum yeon_congestion algorithm)
{
  const char *name = yeon_congestion_name(algorithm);
  return strcmp(name, "newreno") == 0 ? "reno" : name;
}

static _Noreturn void fail(struct bench_shared_flow *f)
{
  atomic_store(&f->failed, errno != 0 ? errno : EIO);
  _exit(1);
}

static struct sockaddr_in address(const struct yeon_ip *ip, unsigned flow)
{
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)(BENCH_PORT + flow))};
  memcpy(&a.sin_addr, ip->b + 12, 4);
  return a;
}

/* Of Linux's struct tcp_info the fields that the C library's header may not have yet: offsets are the kernel's interface. */
static uint64_t info_field(const uint8_t *info, socklen_t len, size_t offset)
{
  uint64_t value = 0;
  if (len >= offset + sizeof value) memcpy(&value, info + offset, sizeof value);
  return value;
}

#define INFO_BYTES_SENT 200
#define INFO_BYTES_RETRANS 208

static void note_info(int s, struct bench_shared_flow *f)
{
  uint8_t info[512];
  socklen_t len = sizeof info;
  if (getsockopt(s, IPPROTO_TCP, TCP_INFO, info, &len) != 0) return;
  atomic_store(&f->sent, info_field(info, len, INFO_BYTES_SENT));
  atomic_store(&f->again, info_field(info, len, INFO_BYTES_RETRANS));
}

_Noreturn void bench_child_send(const struct bench_place *p, const struct bench_run *run, unsigned flow)
{
  struct bench_shared_flow *f = &p->shared->flow[flow];
  struct yeon_ip ip = bench_place_ip(1, run->flow[flow].kernel[1]);
  struct sockaddr_in to = address(&ip, flow);
  const char *algorithm = bench_kernel_name(run->flow[flow].algorithm);
  const struct timeval patience = {.tv_usec = 50000};
  uint64_t at = 0;
  int s = socket(AF_INET, SOCK_STREAM, 0);
  if (s < 0 || setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, algorithm, (socklen_t)strlen(algorithm)) != 0) fail(f);
  while (!atomic_load(&p->shared->go)) usleep(500);
  if (connect(s, (struct sockaddr *)&to, sizeof to) != 0) fail(f);
  setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  while (!atomic_load(&p->shared->stop)) {
    ssize_t n = send(s, bench_pattern_at(p->pattern, at), BENCH_PIECE, MSG_NOSIGNAL);
    if (n > 0) at += (uint64_t)n;
    else if (n < 0 && errno != EAGAIN && errno != EINTR) fail(f);
  }
  note_info(s, f);
  _exit(0);
}

_Noreturn void bench_child_receive(const struct bench_place *p, const struct bench_run *run, unsigned flow)
{
  struct bench_shared_flow *f = &p->shared->flow[flow];
  static uint8_t buffer[BENCH_PIECE];
  const struct yeon_ip any = {{0}};
  struct sockaddr_in here = address(&any, flow);
  uint64_t at = 0;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  (void)run;
  if (listener < 0 || bind(listener, (struct sockaddr *)&here, sizeof here) != 0 || listen(listener, 4) != 0) fail(f);
  atomic_fetch_add(&p->shared->listening, 1);
  int s = accept(listener, NULL, NULL);
  if (s < 0) fail(f);
  for (;;) {
    ssize_t n = recv(s, buffer, sizeof buffer, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    if (memcmp(buffer, bench_pattern_at(p->pattern, at), (size_t)n) != 0) atomic_store(&f->damaged, true);
    at += (uint64_t)n;
    atomic_store(&f->received, at);
  }
  _exit(0);
}
