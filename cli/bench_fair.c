/* Two flows through one bottleneck in virtual time: of one kind at one distance, of one kind at two distances, of two kinds. The second comes late, to a line that
 * is full; when both have settled it is measured what each gets. */
#include <stdio.h>

#include "bench_grid.h"
#include "cli.h"

#define SECONDS 60
#define LATE_S 2
#define WARM_UP_S 10
#define RUNS_MAX 4096

struct plan {
  const struct bench_grid *g;
  struct bench_run *runs;
  size_t n; /* wanted; there is room for RUNS_MAX */
};

static void add(struct plan *p, const struct bench_cell *cell, enum yeon_congestion a, enum yeon_congestion b, uint32_t other_rtt_ms)
{
  if (p->n++ >= RUNS_MAX) return;
  struct bench_run run = bench_grid_one(p->g, cell, a);
  run.n_flows = 2;
  run.flow[1].algorithm = b;
  run.flow[1].rtt_ms = other_rtt_ms;
  run.flow[1].starts_s = LATE_S;
  run.warm_up_s = WARM_UP_S;
  if (p->g->seconds <= 0) run.seconds = SECONDS;
  p->runs[p->n - 1] = run;
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
  printf("%-26s %-8s %7s   %-8s %7s %6s %6s %8s %8s %7s\n", "cell", "first", "Mbit/s", "second", "Mbit/s", "jain", "used %", "p50 ms", "p99 ms", "again %");
  for (size_t i = 0; i < p->n; i++) {
    const struct bench_run *r = &p->runs[i];
    char second[32];
    snprintf(second, sizeof second, "%s", yeon_congestion_name(r->flow[1].algorithm));
    if (r->flow[1].rtt_ms != 0) snprintf(second, sizeof second, "at %u ms", r->flow[1].rtt_ms);
    printf("%-26s %-8s %7.2f   %-8s %7.2f %6.3f %6.1f %8.1f %8.1f %7.2f\n", bench_cell_name(&r->cell, name), yeon_congestion_name(r->flow[0].algorithm),
           bench_run_mbit(r, 0), second, bench_run_mbit(r, 1), bench_run_jain(r), bench_run_share(r) * 100, r->p50_ms, r->p99_ms, bench_run_again(r) * 100);
  }
}

static void print_json(const struct plan *p)
{
  char name[BENCH_NAME];
  printf("[");
  for (size_t i = 0; i < p->n; i++) {
    const struct bench_run *r = &p->runs[i];
    printf("%s\n{\"cell\": \"%s\", \"seconds\": %g, \"jain\": %.5f, \"goodput_share\": %.5f, ", i > 0 ? "," : "", bench_cell_name(&r->cell, name), r->seconds,
           bench_run_jain(r), bench_run_share(r));
    printf("\"queue_p50_ms\": %.3f, \"queue_p99_ms\": %.3f, \"again_share\": %.6f, \"flows\": [", r->p50_ms, r->p99_ms, bench_run_again(r));
    for (unsigned f = 0; f < 2; f++)
      printf("%s{\"cc\": \"%s\", \"rtt_ms\": %u, \"goodput_mbit\": %.4f}", f > 0 ? ", " : "", yeon_congestion_name(r->flow[f].algorithm),
             r->flow[f].rtt_ms ? r->flow[f].rtt_ms : r->cell.rtt_ms, bench_run_mbit(r, f));
    printf("]}");
  }
  printf("\n]\n");
}

int bench_fairness(const struct bench_grid *g)
{
  struct plan p = {.g = g, .runs = bench_jobs_share(RUNS_MAX * sizeof *p.runs)};
  int status = CLI_USAGE;
  if (p.runs == NULL) return status;
  for (unsigned c = 0; c < g->n_cells; c++) plan_cell(&p, &g->cell[c]);
  if (p.n > RUNS_MAX) {
    cli_complain("%zu pairs of flows are too many: %d at most", p.n, RUNS_MAX);
  } else {
    bench_jobs_run(g, p.runs, p.n, NULL);
    if (bench_jobs_fine(p.runs, p.n)) status = CLI_OK;
  }
  if (status == CLI_OK && g->json) print_json(&p);
  if (status == CLI_OK && !g->json) print_table(&p);
  bench_jobs_unshare(p.runs, RUNS_MAX * sizeof *p.runs);
  return status;
}
