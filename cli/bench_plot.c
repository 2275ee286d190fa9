/* Pictures, by gnuplot: it reads a script from us, the data within. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench_grid.h"
#include "cli.h"

bool bench_plot_possible(void)
{
  const char *path = getenv("PATH");
  char name[4096];
  for (size_t len; path != NULL && *path != '\0'; path += len + (path[len] == ':')) {
    len = strcspn(path, ":");
    snprintf(name, sizeof name, "%.*s/gnuplot", (int)len, path);
    if (access(name, X_OK) == 0) return true;
  }
  cli_complain("--plot needs gnuplot, which is not here: install it (Debian, Ubuntu: apt install gnuplot-nox; Fedora: dnf install gnuplot)");
  return false;
}

static FILE *begin(const struct bench_grid *g, const char *name, unsigned width, unsigned height)
{
  if (mkdir(g->plot, 0777) != 0 && errno != EEXIST) {
    cli_complain("'%s' cannot be made: %s", g->plot, strerror(errno));
    return NULL;
  }
  FILE *out = popen("gnuplot", "w");
  if (out == NULL) {
    cli_complain("gnuplot does not start: %s", strerror(errno));
    return NULL;
  }
  if (g->png) fprintf(out, "set terminal pngcairo size %u,%u\n", width, height);
  else fprintf(out, "set terminal svg size %u,%u background rgb 'white' font 'sans,11'\n", width, height);
  fprintf(out, "set output '%s/%s.%s'\n", g->plot, name, g->png ? "png" : "svg");
  return out;
}

static int end(const struct bench_grid *g, FILE *out, const char *name)
{
  if (pclose(out) != 0) return cli_complain("gnuplot has not drawn %s/%s", g->plot, name);
  fprintf(stderr, "%s/%s.%s\n", g->plot, name, g->png ? "png" : "svg");
  return CLI_OK;
}

/* A number for each different value of what a column or a row stands for, in the order of appearance. */
struct axis {
  char label[BENCH_CELLS][BENCH_NAME];
  unsigned n;
};

static unsigned place(struct axis *axis, const char *label)
{
  for (unsigned i = 0; i < axis->n; i++)
    if (strcmp(axis->label[i], label) == 0) return i;
  snprintf(axis->label[axis->n], BENCH_NAME, "%s", label);
  return axis->n++;
}

static void tics(FILE *out, const char *which, const struct axis *axis)
{
  fprintf(out, "set %stics (", which);
  for (unsigned i = 0; i < axis->n; i++) fprintf(out, "%s'%s' %u", i > 0 ? ", " : "", axis->label[i], i);
  fprintf(out, ")\n");
}

static void heat(FILE *out, const struct bench_grid *g, const struct bench_run *runs, struct axis *x, struct axis *y)
{
  unsigned at[BENCH_CELLS][2];
  for (unsigned c = 0; c < g->n_cells; c++) {
    char label[BENCH_NAME];
    const struct bench_cell *cell = &runs[c].cell;
    snprintf(label, sizeof label, "%s %gbdp", bench_loss_names[cell->loss], cell->bdp);
    at[c][0] = place(x, label);
    snprintf(label, sizeof label, "%u ms %u Mbit/s", cell->rtt_ms, cell->rate_mbit);
    at[c][1] = place(y, label);
  }
  tics(out, "x", x);
  tics(out, "y", y);
  fprintf(out, "set xtics rotate by -45\nset xrange [-0.5:%u.5]\nset yrange [%u.5:-0.5]\n", x->n - 1, y->n - 1);
  fprintf(out, "$data << EOD\n");
  for (unsigned c = 0; c < g->n_cells; c++)
    fprintf(out, "%u %u %.1f\n", at[c][0], at[c][1], bench_run_share(&runs[c]) * 100);
  fprintf(out, "EOD\nplot $data using 1:2:3 with image pixels notitle, $data using 1:2:(sprintf('%%.0f', $3)) with labels notitle\n");
}

int bench_plot_heat(const struct bench_grid *g, const struct bench_run *runs)
{
  int status = CLI_OK;
  for (unsigned a = 0; a < g->n_algorithms && status == CLI_OK; a++) {
    char name[BENCH_NAME];
    struct axis *axes = calloc(2, sizeof *axes);
    snprintf(name, sizeof name, "goodput-%s", yeon_congestion_name(g->algorithm[a]));
    FILE *out = axes != NULL ? begin(g, name, 1000, 640) : NULL;
    if (out != NULL) {
      fprintf(out, "set title 'goodput, %% of the possible: %s'\nset cbrange [0:100]\n", yeon_congestion_name(g->algorithm[a]));
      fprintf(out, "set palette defined (0 '#b2182b', 50 '#fddbc7', 80 '#d1e5f0', 100 '#4393c3')\nunset key\n");
      heat(out, g, runs + (size_t)a * g->n_cells, &axes[0], &axes[1]);
    }
    status = out != NULL ? end(g, out, name) : CLI_USAGE;
    free(axes);
  }
  return status;
}

int bench_plot_time(const struct bench_grid *g, const struct bench_run *run)
{
  char name[2 * BENCH_NAME], cell[BENCH_NAME];
  snprintf(name, sizeof name, "%s-%s", bench_cell_name(&run->cell, cell), yeon_congestion_name(run->flow[0].algorithm));
  FILE *out = begin(g, name, 900, 520);
  if (out == NULL) return CLI_USAGE;
  fprintf(out, "$data << EOD\n");
  for (unsigned i = 0; i < run->n_samples; i++) {
    const struct bench_sample *s = &run->samples[i];
    fprintf(out, "%.4f %.1f %.1f %.1f %.2f\n", s->at_s, s->cwnd / 1e3, s->flight / 1e3, s->waiting / 1e3, s->srtt_ms);
  }
  fprintf(out, "EOD\nset multiplot layout 2,1 title '%s: %.1f %% of the possible'\n", name, bench_run_share(run) * 100);
  fprintf(out, "set xrange [0:%g]\nset ylabel 'KB'\nset key left top\nset grid\nset lmargin 10\nset rmargin 9\n", run->seconds);
  fprintf(out, "plot $data using 1:2 with lines lw 2 lc rgb '#2166ac' title 'cwnd', $data using 1:3 with lines lc rgb '#92c5de' title 'in flight'\n");
  fprintf(out, "set xlabel 's'\nset y2label 'ms'\nset y2tics\nset ytics nomirror\n");
  fprintf(out, "plot $data using 1:4 with filledcurves y1=0 lc rgb '#f4a582' title 'waiting in the queue', "
               "$data using 1:5 axes x1y2 with lines lw 2 lc rgb '#4d4d4d' title 'smoothed round trip'\nunset multiplot\n");
  return end(g, out, name);
}
