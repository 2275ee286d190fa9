/* yeon bench net --kernel: the plan of the runs, and what is told of them. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_real.h"
#include "cli.h"

/* Which TCP stands at the ends of a flow: "yeon:kernel". */
static const char *ends_of(const struct bench_flow *f)
{
  static const char *const names[2][2] = {{"yeon:yeon", "yeon:kernel"}, {"kernel:yeon", "kernel:kernel"}};
  return names[f->kernel[0]][f->kernel[1]];
}

/* Why a child has given up; told. */
static bool children_fine(const struct bench_place *p, const struct bench_run *run)
{
  for (unsigned i = 0; i < run->n_flows; i++) {
    int cause = atomic_load(&p->shared->flow[i].failed);
    if (cause == 0) continue;
    cli_complain("the kernel's end of a flow of %s has failed: %s", yeon_congestion_name(run->flow[i].algorithm), strerror(cause));
    return false;
  }
  return true;
}

static bool run_one(struct bench_run *run)
{
  struct bench_place place;
  bool fine = bench_place_open(&place, run) && bench_place_start(&place, run);
  if (fine) {
    run->error = bench_wire_run(&place, run);
    fine = children_fine(&place, run) && bench_jobs_fine(run, 1);
  }
  bench_place_close(&place);
  return fine;
}

/* Whether the kernel at hand has the algorithm. */
static bool kernel_has(enum yeon_congestion algorithm)
{
  char text[512] = " ";
  FILE *f = fopen("/proc/sys/net/ipv4/tcp_available_congestion_control", "r");
  if (f == NULL) return false;
  if (fgets(text + 1, sizeof text - 2, f) == NULL) text[1] = '\0';
  fclose(f);
  text[strcspn(text, "\n")] = ' ';
  char word[BENCH_NAME];
  snprintf(word, sizeof word, " %s ", bench_kernel_name(algorithm));
  return strstr(text, word) != NULL;
}

static void print(const struct bench_grid *g, const struct bench_run *r, bool first)
{
  char name[BENCH_NAME];
  bench_cell_name(&r->cell, name);
  for (unsigned i = 0; i < r->n_flows; i++) {
    const struct bench_flow *f = &r->flow[i];
    const char *cc = yeon_congestion_name(f->algorithm);
    double mbit = bench_run_mbit(r, i), again = f->sent > 0 ? (double)f->again / (double)f->sent : 0;
    if (!g->json) {
      if (first && i == 0) printf("%-30s %-9s %-13s %8s %8s %7s\n", "cell", "cc", "ends", "Mbit/s", "share %", "again %");
      printf("%-30s %-9s %-13s %8.2f %8.1f %7.2f", name, cc, ends_of(f), mbit, bench_run_share(r) * 100, again * 100);
      printf(r->n_flows > 1 ? "  jain %.3f\n" : "\n", bench_run_jain(r));
      continue;
    }
    printf("%s\n{\"cell\": \"%s\", \"cc\": \"%s\", \"ends\": \"%s\", \"seconds\": %g, \"goodput_mbit\": %.4f, \"goodput_share\": %.5f, ",
           first && i == 0 ? "[" : ",", name, cc, ends_of(f), r->seconds, mbit, bench_run_share(r));
    printf("\"again_share\": %.6f, \"jain\": %.5f}", again, bench_run_jain(r));
  }
  fflush(stdout);
}

static int finish(const struct bench_grid *g, bool any)
{
  if (g->json) printf("%s\n]\n", any ? "" : "[");
  return CLI_OK;
}

static void use_ends(struct bench_grid *g)
{
  static const bool pairs[4][2] = {{true, true}, {false, true}, {true, false}, {false, false}};
  if (g->n_ends > 0) return;
  memcpy(g->ends, pairs, sizeof pairs);
  g->n_ends = 4;
}

int bench_real_grid(const struct bench_grid *given)
{
  struct bench_grid g = *given;
  bool first = true;
  use_ends(&g);
  for (unsigned i = 0; i < g.n_cells * g.n_algorithms * g.repeat; i++) {
    unsigned cell = i / g.repeat / g.n_algorithms;
    enum yeon_congestion algorithm = g.algorithm[i / g.repeat % g.n_algorithms];
    for (unsigned e = 0; e < g.n_ends; e++) {
      struct bench_run run = bench_grid_one(&g, &g.cell[cell], algorithm);
      run.seed += i % g.repeat; /* another luck each round, the same for all ends */
      memcpy(run.flow[0].kernel, g.ends[e], sizeof run.flow[0].kernel);
      if (g.ends[e][0] && !kernel_has(algorithm)) continue;
      if (!run_one(&run)) return CLI_USAGE;
      print(&g, &run, first);
      first = false;
    }
  }
  return finish(&g, !first);
}

/* Ours against the kernel's, both to the kernel. */
int bench_real_fairness(const struct bench_grid *g)
{
  bool first = true;
  for (unsigned i = 0; i < g->n_cells * g->n_algorithms; i++) {
    enum yeon_congestion algorithm = g->algorithm[i % g->n_algorithms];
    struct bench_run run = bench_grid_one(g, &g->cell[i / g->n_algorithms], algorithm);
    if (!kernel_has(algorithm)) continue;
    if (g->seconds <= 0) run.seconds = 60;
    run.n_flows = 2;
    run.flow[1].algorithm = algorithm;
    run.flow[0].kernel[1] = run.flow[1].kernel[0] = run.flow[1].kernel[1] = true;
    if (!run_one(&run)) return CLI_USAGE;
    print(g, &run, first);
    first = false;
  }
  return finish(g, !first);
}
