/* Several runs at a time. Each run is a process, so that they share nothing but the place where they put their figures; which of them ends first makes no
 * difference to any. */
#define _GNU_SOURCE
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

#define JOBS_MAX 256

struct jobs {
  const struct bench_grid *g;
  const struct bench_order *order;
  struct bench_run *runs;
  size_t n, begun, done, told;
  struct {
    pid_t pid; /* 0: free */
    size_t k;
  } slot[JOBS_MAX];
  unsigned char *over; /* by k */
};

static struct bench_run *run_of(const struct jobs *j, size_t k) { return &j->runs[j->order->at != NULL ? j->order->at(j->g, k) : k]; }

static void progress(const struct jobs *j)
{
  if (!isatty(2)) return;
  fprintf(stderr, "\r%zu of %zu%s", j->done, j->n, j->done == j->n ? "\r                    \r" : "");
}

/* The k-th has ended: it is told, and those behind it that had to wait for it. */
static void ended(struct jobs *j, size_t k)
{
  j->over[k] = 1;
  j->done++;
  if (j->order->done != NULL && j->over[j->told] && isatty(2)) fputs("\r                    \r", stderr);
  for (; j->told < j->n && j->over[j->told]; j->told++)
    if (j->order->done != NULL) j->order->done(j->g, run_of(j, j->told));
  fflush(stdout);
  progress(j);
}

/* False: no process is to be had. */
static bool begin(struct jobs *j)
{
  struct bench_run *run = run_of(j, j->begun);
  size_t free = 0;
  while (free < JOBS_MAX - 1 && j->slot[free].pid != 0) free++;
  run->error = YEON_ERR_NO_MEMORY; /* unless it lives to say otherwise */
  pid_t child = fork();
  if (child == 0) {
    run->error = 0;
    bench_sim_run(run);
    _exit(0);
  }
  if (child < 0) return false;
  j->slot[free].pid = child;
  j->slot[free].k = j->begun++;
  return true;
}

static void wait_for_one(struct jobs *j)
{
  pid_t pid = waitpid(-1, NULL, 0);
  for (size_t i = 0; pid > 0 && i < JOBS_MAX; i++) {
    if (j->slot[i].pid != pid) continue;
    j->slot[i].pid = 0;
    ended(j, j->slot[i].k);
    return;
  }
}

void bench_jobs_run(const struct bench_grid *g, struct bench_run *runs, size_t n, const struct bench_order *order)
{
  static const struct bench_order as_they_are = {NULL, NULL};
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  size_t most = g->jobs ? g->jobs : processors > 0 ? (size_t)processors : 1;
  struct jobs j = {.g = g, .order = order != NULL ? order : &as_they_are, .runs = runs, .n = n};
  j.over = calloc(n + 1, 1);
  if (most > JOBS_MAX) most = JOBS_MAX;
  fflush(stdout);
  while (j.over != NULL && j.done < n) {
    if (j.begun < n && j.begun - j.done < most && begin(&j)) continue;
    if (j.begun > j.done) {
      wait_for_one(&j);
      continue;
    }
    struct bench_run *run = run_of(&j, j.begun);
    run->error = 0;
    bench_sim_run(run);
    ended(&j, j.begun++);
  }
  free(j.over);
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
