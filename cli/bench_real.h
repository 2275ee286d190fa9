/* A run beside the kernel: its TCP behind TUN devices in network namespaces of their own, ours in this process, one cable between. */
#ifndef CLI_BENCH_REAL_H
#define CLI_BENCH_REAL_H

#include <stdatomic.h>
#include <sys/types.h>

#include <yeon/link.h>

#include "bench_grid.h"

/* What the programs at the kernel's ends, processes of their own, share with us. */
struct bench_shared {
  _Atomic bool go, stop;
  _Atomic unsigned listening;
  struct bench_shared_flow {
    _Atomic uint64_t received, sent, again;
    _Atomic bool damaged;
    _Atomic int failed; /* errno; 0: not */
  } flow[BENCH_FLOWS];
};

/* The kernel's end on either side: 10.77.0.1 left, 10.77.0.2 right. Ours: 10.77.0.11 and .12. */
struct bench_place {
  int home;                  /* our own network namespace */
  int space[2];              /* -1: none */
  struct yeon_link *tun[2];  /* NULL: none */
  struct bench_shared *shared;
  struct bench_pattern *pattern;
  pid_t child[2 * BENCH_FLOWS];
  unsigned n_children;
};
struct yeon_ip bench_place_ip(unsigned side, bool kernel);
/* Namespaces and devices as the run needs them. False: told; close it all the same. */
bool bench_place_open(struct bench_place *p, const struct bench_run *run);
void bench_place_close(struct bench_place *p);
/* The programs of the kernel's ends; they wait for shared->go. False: told. */
bool bench_place_start(struct bench_place *p, const struct bench_run *run);

/* What a program does; never returns. */
_Noreturn void bench_child_send(const struct bench_place *p, const struct bench_run *run, unsigned flow);
_Noreturn void bench_child_receive(const struct bench_place *p, const struct bench_run *run, unsigned flow);
/* How the kernel calls the algorithm. */
const char *bench_kernel_name(enum yeon_congestion algorithm);

/* Moves frames for as long as the run takes. An error of ours, or 0. */
int bench_wire_run(struct bench_place *p, struct bench_run *run);

#endif
