/* Several runs at a time. Each run is a process, so that they share nothing but the place where they put their figures; which of them ends first makes no
 * difference to any. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench_grid.h"
#include "cli.h"

void *bench_jobs_share(size_t size)
{
  void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (p != MAP_FAILED) return p;
  cli_complain("no memory");
  return NULL;
}

void bench_jobs_unshare(void *p, size_t size) { munmap(p, size); }

static void progress(size_t done, size_t n)
{
  if (!isatty(2)) return;
  fprintf(stderr, "\r%zu of %zu%s", done, n, done == n ? "\r                    \r" : "");
}

void bench_jobs_run(const struct bench_grid *g, struct bench_run *runs, size_t n)
{
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  size_t jobs = g->jobs ? g->jobs : processors > 0 ? (size_t)processors : 1, begun = 0, done = 0;
  fflush(stdout);
  while (done < n) {
    while (begun < n && begun - done < jobs) {
      runs[begun].error = YEON_ERR_NO_MEMORY; /* unless it lives to say otherwise */
      pid_t child = fork();
      if (child == 0) {
        runs[begun].error = 0;
        bench_sim_run(&runs[begun]);
        _exit(0);
      }
      if (child < 0) {
        if (begun > done) break;
        runs[begun].error = 0;
        bench_sim_run(&runs[begun]);
        done++;
      }
      begun++;
    }
    if (begun > done && waitpid(-1, NULL, 0) < 0 && errno != EINTR) return;
    if (begun > done) done++;
    progress(done, n);
  }
}

bool bench_jobs_fine(const struct bench_run *runs, size_t n)
{
  char name[BENCH_NAME];
  for (size_t i = 0; i < n; i++) {
    const struct bench_run *r = &runs[i];
    bool damaged = false;
    for (unsigned f = 0; f < r->n_flows; f++) damaged |= r->flow[f].damaged;
    if (r->error == 0 && !damaged) continue;
    cli_complain("%s, %s: %s", bench_cell_name(&r->cell, name), yeon_congestion_name(r->flow[0].algorithm),
                 damaged ? "what arrived is not what was sent" : yeon_error_text(r->error));
    return false;
  }
  return true;
}
