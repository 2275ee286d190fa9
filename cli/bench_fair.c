/* Two flows through one bottleneck in virtual time: of one kind at one distance, of one kind at two distances, of two kinds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_grid.h"
#include "cli.h"

#define SECONDS 60
#define RUNS_MAX 4096

struct plan {
  const struct bench_grid *g;
  struct bench_run *runs;
  size_t n;
};

static void add(struct plan *p, const struct bench_cell *cell, enum yeon_congestion a, enum yeon_congestion b, uint32_t other_rtt_ms)
{
  if (p->n == RUNS_MAX) return;
  struct bench_run run = bench_grid_one(p->g, cell, a);
  run.n_flows = 2;
  run.flow[1].algorithm = b;
  run.flow[1].rtt_ms = other_rtt_ms;
  if (p->g->seconds <= 0) run.seconds = SECONDS;
  p->runs[p->n++] = run;
}

static void plan_cell(struct plan *p, const struct bench_cell *cell)
{
  const struct bench_grid *g = p->g;
  for (unsigned a = 0; a < g->n_algorithms; a++) add(p, cell, g->algorithm[a], g->algorithm[a], 0);
  for (unsigned a = 0; a < g->n_algorithms; a++)
    for (unsigned r = 0; r < g->n_rtt; r++)
      if (g->rtt_ms[r] > cell->rtt_ms) add(p, cell, g->algorithm[a], g->algorithm[a], g->rtt_ms[r]);
  for (unsigned a = 0; a < g->n_algorithms; a++)
    for (unsigned b = a + 1; b < g->n_algorithms; b++) add(p, cell, g->algorithm[a], g->algorithm[b], 0);
}

static void print_table(const struct plan *p)
{
  char name[BENCH_NAME];
  printf("%-30s %-9s %7s   %-9s %7s %7s %7s\n", "cell", "first", "Mbit/s", "second", "Mbit/s", "jain", "used %");
  for (size_t i = 0; i < p->n; i++) {
    const struct bench_run *r = &p->runs[i];
    double mbit[2];
    char second[32];
    for (unsigned f = 0; f < 2; f++) mbit[f] = (double)r->flow[f].received * 8 / 1e6 / r->seconds;
    snprintf(second, sizeof second, "%s", yeon_congestion_name(r->flow[1].algorithm));
    if (r->flow[1].rtt_ms != 0) snprintf(second, sizeof second, "at %u ms", r->flow[1].rtt_ms);
    printf("%-30s %-9s %7.2f   %-9s %7.2f %7.3f %7.1f\n", bench_cell_name(&r->cell, name), yeon_congestion_name(r->flow[0].algorithm), mbit[0], second,
           mbit[1], bench_run_jain(r), bench_run_share(r) * 100);
  }
}

static void print_json(const struct plan *p)
{
  char name[BENCH_NAME];
  printf("[");
  for (size_t i = 0; i < p->n; i++) {
    const struct bench_run *r = &p->runs[i];
    printf("%s\n{\"cell\": \"%s\", \"seconds\": %g, \"jain\": %.5f, \"goodput_share\": %.5f, \"flows\": [", i > 0 ? "," : "",
           bench_cell_name(&r->cell, name), r->seconds, bench_run_jain(r), bench_run_share(r));
    for (unsigned f = 0; f < 2; f++)
      printf("%s{\"cc\": \"%s\", \"rtt_ms\": %u, \"goodput_mbit\": %.4f}", f > 0 ? ", " : "", yeon_congestion_name(r->flow[f].algorithm),
             r->flow[f].rtt_ms ? r->flow[f].rtt_ms : r->cell.rtt_ms, (double)r->flow[f].received * 8 / 1e6 / r->seconds);
    printf("]}");
  }
  printf("\n]\n");
}

int bench_fairness(const struct bench_grid *given)
{
  struct bench_grid g = *given;
  struct plan p = {.g = &g, .runs = bench_jobs_share(RUNS_MAX * sizeof *p.runs)};
  if (p.runs == NULL) return CLI_USAGE;
  if (g.n_rtt == 4) { /* nothing was said: three distances, one rate, one buffer */
    memmove(g.rtt_ms, g.rtt_ms + 1, 3 * sizeof g.rtt_ms[0]);
    g.n_rtt = 3;
  }
  for (unsigned r = 0; r < g.n_rtt && g.n_cells == 0; r++)
    plan_cell(&p, &(struct bench_cell){g.rtt_ms[r], g.n_rate == 1 ? g.rate_mbit[0] : 20, BENCH_CLEAN, g.n_bdp == 1 ? g.bdp[0] : 1});
  for (unsigned c = 0; c < g.n_cells; c++) plan_cell(&p, &g.cell[c]);
  bench_jobs_run(&g, p.runs, p.n, NULL);
  int status = bench_jobs_fine(p.runs, p.n) ? CLI_OK : CLI_USAGE;
  if (status == CLI_OK && g.json) print_json(&p);
  if (status == CLI_OK && !g.json) print_table(&p);
  bench_jobs_unshare(p.runs, RUNS_MAX * sizeof *p.runs);
  return status;
}
