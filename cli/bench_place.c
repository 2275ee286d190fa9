/* Network namespaces with a TUN device each, made for one run and gone with it: nothing that the kernel remembers of a path survives from one run to
 * the next. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench_real.h"
#include "cli.h"

struct yeon_ip bench_place_ip(unsigned side, bool kernel)
{
  return (struct yeon_ip){{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 77, 0, (uint8_t)((kernel ? 1 : 11) + side)}};
}

static bool set_address(int s, struct ifreq *request, unsigned long what, const uint8_t bytes[4])
{
  struct sockaddr_in address = {.sin_family = AF_INET};
  memcpy(&address.sin_addr, bytes, 4);
  memcpy(&request->ifr_addr, &address, sizeof address);
  return ioctl(s, what, request) == 0;
}

static bool bring_up(const char *device, unsigned side)
{
  struct ifreq request = {.ifr_flags = 0};
  struct yeon_ip ip = bench_place_ip(side, true);
  static const uint8_t mask[4] = {255, 255, 0, 0};
  snprintf(request.ifr_name, sizeof request.ifr_name, "%s", device);
  int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  bool fine = s >= 0 && set_address(s, &request, SIOCSIFADDR, ip.b + 12) && set_address(s, &request, SIOCSIFNETMASK, mask);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  fine = fine && ioctl(s, SIOCSIFFLAGS, &request) == 0;
  if (s >= 0) close(s);
  return fine;
}

/* The kernel's buffers may grow as far as ours. Of the namespace that we are in. */
static void widen(const struct bench_run *run)
{
  static const char *const names[] = {"/proc/sys/net/ipv4/tcp_rmem", "/proc/sys/net/ipv4/tcp_wmem"};
  struct yeon_tcp_options o;
  bench_run_options(run, 0, &o);
  const uint32_t most[] = {o.rcvbuf_max, o.sndbuf_max}, first[] = {131072, 16384};
  for (unsigned i = 0; i < 2; i++) {
    FILE *f = fopen(names[i], "w");
    if (f == NULL) continue;
    fprintf(f, "4096 %u %u\n", first[i], most[i] > 6291456 ? most[i] : 6291456);
    fclose(f);
  }
}

static bool cannot(const char *what, const char *why)
{
  cli_complain("--kernel wants %s: %s. It needs root, network namespaces and /dev/net/tun", what, why);
  return false;
}

static bool open_side(struct bench_place *p, const struct bench_run *run, unsigned side)
{
  if (unshare(CLONE_NEWNET) != 0) return cannot("a network namespace", strerror(errno));
  p->space[side] = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  int error = yeon_link_tun(&p->tun[side], "bench0", 0);
  bool fine = error == 0 ? bring_up("bench0", side) || cannot("a TUN device", strerror(errno)) : cannot("a TUN device", yeon_error_text(error));
  widen(run);
  if (setns(p->home, CLONE_NEWNET) != 0) return cannot("its own network namespace back", strerror(errno));
  return fine;
}

bool bench_place_open(struct bench_place *p, const struct bench_run *run)
{
  *p = (struct bench_place){.space = {-1, -1}, .home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)};
  p->shared = bench_jobs_share(sizeof *p->shared);
  p->pattern = malloc(sizeof *p->pattern);
  if (p->home < 0 || p->shared == NULL || p->pattern == NULL) return cannot("memory and /proc", "they are not to be had");
  bench_pattern_fill(p->pattern);
  for (unsigned side = 0; side < 2; side++) {
    bool wanted = false;
    for (unsigned i = 0; i < run->n_flows; i++) wanted |= run->flow[i].kernel[side];
    if (wanted && !open_side(p, run, side)) return false;
  }
  return true;
}

void bench_place_close(struct bench_place *p)
{
  for (unsigned i = 0; i < p->n_children; i++) {
    kill(p->child[i], SIGKILL);
    while (waitpid(p->child[i], NULL, 0) < 0 && errno == EINTR) {
    }
  }
  for (unsigned side = 0; side < 2; side++) {
    if (p->tun[side] != NULL) yeon_link_close(p->tun[side]);
    if (p->space[side] >= 0) close(p->space[side]);
  }
  if (p->home >= 0) close(p->home);
  if (p->shared != NULL) bench_jobs_unshare(p->shared, sizeof *p->shared);
  free(p->pattern);
}

static bool start_child(struct bench_place *p, const struct bench_run *run, unsigned flow, unsigned side)
{
  pid_t us = getpid(), child = fork();
  if (child < 0) return cannot("a process", strerror(errno));
  if (child > 0) {
    p->child[p->n_children++] = child;
    return true;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != us || setns(p->space[side], CLONE_NEWNET) != 0) _exit(1);
  (void)setpriority(PRIO_PROCESS, 0, -15); /* what else the machine does should not be in the figures */
  if (side == 0) bench_child_send(p, run, flow);
  bench_child_receive(p, run, flow);
}

bool bench_place_start(struct bench_place *p, const struct bench_run *run)
{
  unsigned receivers = 0;
  fflush(stdout);
  for (unsigned i = 0; i < run->n_flows; i++) {
    receivers += run->flow[i].kernel[1];
    if (run->flow[i].kernel[1] && !start_child(p, run, i, 1)) return false;
  }
  for (unsigned tries = 0; atomic_load(&p->shared->listening) < receivers; tries++) {
    if (tries == 5000) return cannot("a listening socket", "none came");
    usleep(1000);
  }
  for (unsigned i = 0; i < run->n_flows; i++)
    if (run->flow[i].kernel[0] && !start_child(p, run, i, 0)) return false;
  return true;
}
