/* The grid in virtual time: run, and told as a table or as JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_grid.h"
#include "cli.h"

static void print_row(const struct bench_run *r)
{
  char name[BENCH_NAME];
  printf("%-30s %-9s %7.1f %9.2f %9.2f %7.2f\n", bench_cell_name(&r->cell, name), yeon_congestion_name(r->flow[0].algorithm),
         bench_run_share(r) * 100, r->p50_ms, r->p99_ms, bench_run_again(r) * 100);
}

static int ascending(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Of one algorithm over the cells of one kind of loss (BENCH_LOSSES: all): the median share, and the least. */
static bool summary(const struct bench_run *runs, size_t n, enum bench_loss loss, double *median, double *least)
{
  double *share = malloc(n * sizeof *share);
  size_t used = 0;
  for (size_t i = 0; i < n && share != NULL; i++)
    if (loss == BENCH_LOSSES || runs[i].cell.loss == loss) share[used++] = bench_run_share(&runs[i]);
  if (used > 0) {
    qsort(share, used, sizeof *share, ascending);
    *median = share[used / 2];
    *least = share[0];
  }
  free(share);
  return used > 0;
}

static void print_summaries(const struct bench_grid *g, const struct bench_run *runs)
{
  printf("\nmedian (least) %% of goodput");
  for (int loss = 0; loss < BENCH_LOSSES; loss++) printf(" %13s", bench_loss_names[loss]);
  printf(" %13s\n", "all");
  for (unsigned a = 0; a < g->n_algorithms; a++) {
    printf("%-27s", yeon_congestion_name(g->algorithm[a]));
    for (int loss = 0; loss <= BENCH_LOSSES; loss++) {
      char text[32] = "-";
      double median = 0, least = 0;
      if (summary(runs + (size_t)a * g->n_cells, g->n_cells, (enum bench_loss)loss, &median, &least))
        snprintf(text, sizeof text, "%.1f (%.1f)", median * 100, least * 100);
      printf(" %13s", text);
    }
    printf("\n");
  }
}

static void print_head(void)
{
  printf("%-30s %-9s %7s %9s %9s %7s\n", "cell", "cc", "goodput", "p50", "p99", "again");
  printf("%-30s %-9s %7s %9s %9s %7s\n", "", "", "%", "ms", "ms", "%");
}

/* All algorithms of the first cell, of the second, and so on. */
static size_t table_order(const struct bench_grid *g, size_t k) { return k % g->n_algorithms * g->n_cells + k / g->n_algorithms; }

static void tell_row(const struct bench_grid *g, const struct bench_run *run)
{
  if (!g->json && run->error == 0 && !run->flow[0].damaged) print_row(run); /* else it is complained about in the end */
}

static void print_json(const struct bench_grid *g, const struct bench_run *runs)
{
  char name[BENCH_NAME];
  printf("[");
  for (size_t i = 0; i < (size_t)g->n_cells * g->n_algorithms; i++) {
    const struct bench_run *r = &runs[i];
    printf("%s\n{\"cell\": \"%s\", \"cc\": \"%s\", \"rtt_ms\": %u, \"rate_mbit\": %u, \"loss\": \"%s\", \"buffer_bdp\": %g, \"seconds\": %g, ",
           i > 0 ? "," : "", bench_cell_name(&r->cell, name), yeon_congestion_name(r->flow[0].algorithm), r->cell.rtt_ms, r->cell.rate_mbit,
           bench_loss_names[r->cell.loss], r->cell.bdp, r->seconds);
    printf("\"goodput_share\": %.5f, \"goodput_mbit\": %.4f, \"queue_p50_ms\": %.3f, \"queue_p99_ms\": %.3f, \"again_share\": %.6f, \"queue_drops\": %llu}",
           bench_run_share(r), bench_run_mbit(r, 0), r->p50_ms, r->p99_ms, bench_run_again(r),
           (unsigned long long)r->dropped);
  }
  printf("\n]\n");
}

static int plot(const struct bench_grid *g, const struct bench_run *runs)
{
  if (g->n_cells > 1) return bench_plot_heat(g, runs);
  int status = CLI_OK;
  for (unsigned a = 0; a < g->n_algorithms && status == CLI_OK; a++) {
    struct bench_run run = bench_grid_one(g, &g->cell[0], g->algorithm[a]);
    run.samples = calloc(BENCH_SAMPLES, sizeof *run.samples);
    if (run.samples == NULL) return cli_complain("no memory");
    bench_sim_run(&run);
    status = bench_plot_time(g, &run);
    free(run.samples);
  }
  return status;
}

int bench_grid_run(const struct bench_grid *g)
{
  static const struct bench_order order = {table_order, tell_row};
  size_t n = (size_t)g->n_cells * g->n_algorithms;
  struct bench_run *runs = bench_jobs_share(n * sizeof *runs);
  if (runs == NULL) return CLI_USAGE;
  for (size_t i = 0; i < n; i++) runs[i] = bench_grid_one(g, &g->cell[i % g->n_cells], g->algorithm[i / g->n_cells]);
  if (!g->json) print_head();
  bench_jobs_run(g, runs, n, &order);
  int status = bench_jobs_fine(runs, n) ? CLI_OK : CLI_USAGE;
  if (status == CLI_OK) {
    if (g->json) print_json(g, runs);
    else if (g->n_cells > 1) print_summaries(g, runs);
    if (g->plot != NULL) status = plot(g, runs);
  }
  bench_jobs_unshare(runs, n * sizeof *runs);
  return status;
}
