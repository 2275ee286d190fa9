/* What is to be measured, and how it is told. */
#ifndef CLI_BENCH_GRID_H
#define CLI_BENCH_GRID_H

#include "bench.h"

#define BENCH_LIST 16
#define BENCH_CELLS 1024

struct bench_grid {
  uint32_t rtt_ms[BENCH_LIST], rate_mbit[BENCH_LIST];
  double bdp[BENCH_LIST];
  enum bench_loss loss[BENCH_LIST];
  enum yeon_congestion algorithm[BENCH_LIST];
  bool ends[4][2]; /* sender, receiver: is it the kernel's? */
  unsigned n_rtt, n_rate, n_bdp, n_loss, n_algorithms, n_ends;
  struct bench_cell cell[BENCH_CELLS];
  unsigned n_cells;
  double seconds; /* 0: as the cell needs */
  uint64_t seed;
  enum yeon_profile profile;
  bool fairness, kernel, json, png;
  const char *plot; /* a folder; NULL: no pictures */
  unsigned jobs;    /* 0: a processor each */
  unsigned repeat; /* 0: not said */
};

/* Lists as they are written. False: told. */
bool bench_grid_numbers(const char *words, const char *option, uint32_t most, uint32_t out[BENCH_LIST], unsigned *n);
bool bench_grid_losses(const char *words, struct bench_grid *g);
bool bench_grid_buffers(const char *words, struct bench_grid *g);
bool bench_grid_algorithms(const char *words, struct bench_grid *g);
bool bench_grid_ends(const char *words, struct bench_grid *g);
bool bench_grid_cell(const char *name, struct bench_grid *g);
bool bench_grid_file(const char *path, struct bench_grid *g);
/* What was not said: everything. False: told. */
bool bench_grid_fill(struct bench_grid *g);
/* A run of this cell with one flow. */
struct bench_run bench_grid_one(const struct bench_grid *g, const struct bench_cell *cell, enum yeon_congestion algorithm);

/* In virtual time. Exit statuses. */
int bench_grid_run(const struct bench_grid *g);
int bench_fairness(const struct bench_grid *g);
/* Runs all n, several at a time, each in a process of its own; runs must lie in memory from bench_jobs_share. `at` tells which run is the k-th to begin
 * (NULL: the k-th), and `done` is called for each in that order, as soon as it and all before it have ended (NULL: not). */
struct bench_order {
  size_t (*at)(const struct bench_grid *g, size_t k);
  void (*done)(const struct bench_grid *g, const struct bench_run *run);
};
void bench_jobs_run(const struct bench_grid *g, struct bench_run *runs, size_t n, const struct bench_order *order);
void *bench_jobs_share(size_t size); /* NULL: told */
void bench_jobs_unshare(void *p, size_t size);
/* What went wrong in any of them. False: told. */
bool bench_jobs_fine(const struct bench_run *runs, size_t n);

/* gnuplot is there. False: told. */
bool bench_plot_possible(void);
int bench_plot_heat(const struct bench_grid *g, const struct bench_run *runs); /* runs: algorithms times cells */
int bench_plot_time(const struct bench_grid *g, const struct bench_run *run);

/* Beside the kernel. */
int bench_real_grid(const struct bench_grid *g);
int bench_real_fairness(const struct bench_grid *g);

#endif
