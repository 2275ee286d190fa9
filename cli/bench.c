/* yeon bench: what it is asked for. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_grid.h"
#include "cli.h"

static const struct cli_option options[] = {
    {"--rtt", "MS,...", "round trips: of 1, 20, 80, 300, or any other number of milliseconds"},
    {"--rate", "MBIT,...", "of the bottleneck: 2, 20, 200, 1000"},
    {"--loss", "KIND,...", "clean, loss0.1, loss1, loss3 (percent), bursts, reorder"},
    {"--buffer", "BDP,...", "its queue in bandwidth-delay products: 0.25, 1, 4"},
    {"--cc", "NAME,...", "congestion control: all that there are, unless named"},
    {"--cell", "NAME", "one cell of the grid by name, as 20ms-200mbit-loss1-1bdp; repeatable"},
    {"--cells", "FILE", "cells by name, one a line; what is behind # is a remark"},
    {"--seconds", "S", "for each run; without it as long as the cell needs, 4 to 20; with --fairness 60"},
    {"--seed", "N", "luck of the networks (1): same seed, same figures"},
    {"--profile", "P", "of TCP at both ends (yeon): linux, freebsd, windows, lecture, yeon"},
    {"--fairness", NULL, "two flows through one bottleneck: of one kind, at different distances, of two kinds"},
    {"--kernel", NULL, "beside the kernel's TCP, in real time, through TUN devices; needs root"},
    {"--ends", "A:B,...", "with --kernel, which TCP sends and which receives: kernel:kernel, yeon:kernel, ..."},
    {"--repeat", "N", "with --kernel, rounds in which each pair of ends has its turn (1)"},
    {"--json", NULL, "an array of objects instead of a table"},
    {"--plot", "DIR", "pictures too, by gnuplot: a heat map each algorithm; of a single cell cwnd and queue over time"},
    {"--png", NULL, "pictures as PNG, not SVG"},
    {"--jobs", "N", "runs at a time (as many as there are processors); makes no difference to the figures"},
    {NULL, NULL, NULL},
};

static bool take_list(struct bench_grid *g, const char *name, const char *value)
{
  if (strcmp(name, "--rtt") == 0) return bench_grid_numbers(value, "--rtt", 10000, g->rtt_ms, &g->n_rtt);
  if (strcmp(name, "--rate") == 0) return bench_grid_numbers(value, "--rate", 100000, g->rate_mbit, &g->n_rate);
  if (strcmp(name, "--loss") == 0) return bench_grid_losses(value, g);
  if (strcmp(name, "--buffer") == 0) return bench_grid_buffers(value, g);
  if (strcmp(name, "--cc") == 0) return bench_grid_algorithms(value, g);
  if (strcmp(name, "--ends") == 0) return bench_grid_ends(value, g);
  if (strcmp(name, "--cells") == 0) return bench_grid_file(value, g);
  return bench_grid_cell(value, g);
}

static bool take_profile(struct bench_grid *g, const char *name)
{
  int profile = yeon_profile_find(name);
  if (profile < 0) {
    cli_bad_profile(name);
    return false;
  }
  g->profile = (enum yeon_profile)profile;
  return true;
}

/* False: told. */
static bool take(struct bench_grid *g, const struct cli_args *args)
{
  uint64_t number = 0;
  const char *name = args->name;
  bool fine = true;
  if (strcmp(name, "--fairness") == 0) g->fairness = true;
  else if (strcmp(name, "--kernel") == 0) g->kernel = true;
  else if (strcmp(name, "--json") == 0) g->json = true;
  else if (strcmp(name, "--png") == 0) g->png = true;
  else if (strcmp(name, "--plot") == 0) g->plot = args->value;
  else if (strcmp(name, "--profile") == 0) fine = take_profile(g, args->value);
  else if (strcmp(name, "--seed") == 0) fine = cli_number(args, 0, UINT32_MAX, &g->seed);
  else if (strcmp(name, "--seconds") == 0) {
    fine = cli_number(args, 1, 3600, &number);
    g->seconds = (double)number;
  } else if (strcmp(name, "--jobs") == 0) {
    fine = cli_number(args, 1, 256, &number);
    g->jobs = (unsigned)number;
  } else if (strcmp(name, "--repeat") == 0) {
    fine = cli_number(args, 1, 1000, &number);
    g->repeat = (unsigned)number;
  } else {
    fine = take_list(g, name, args->value);
  }
  return fine;
}

static int net(struct bench_grid *g)
{
  if (g->n_ends > 0 && !g->kernel) return cli_complain("--ends says which ends are the kernel's: only with --kernel, as root. In virtual time both are yeon's");
  if (g->repeat > 0 && !g->kernel) return cli_complain("--repeat is for real time: only with --kernel. In virtual time every round is the same; --seed N makes another");
  if (g->n_ends > 0 && g->fairness) return cli_complain("--ends is for single flows: with --fairness a flow of yeon's and one of the kernel's go to the kernel");
  if (g->repeat > 0 && g->fairness) return cli_complain("--repeat is for single flows: not with --fairness");
  if (g->png && g->plot == NULL) return cli_complain("--png is how pictures are written: --plot DIR --png");
  if (g->repeat == 0) g->repeat = 1;
  if (g->plot != NULL && g->kernel) return cli_complain("--plot draws runs in virtual time: not with --kernel");
  if (g->plot != NULL && g->fairness) return cli_complain("--plot draws the grid: not with --fairness");
  if (g->plot != NULL && !bench_plot_possible()) return CLI_USAGE;
  if (!bench_grid_fill(g)) return CLI_USAGE;
  if (g->kernel) return g->fairness ? bench_real_fairness(g) : bench_real_grid(g);
  return g->fairness ? bench_fairness(g) : bench_grid_run(g);
}

static int run(int argc, char **argv)
{
  struct cli_args args = cli_args_of(&cli_bench, argc, argv);
  struct bench_grid *g = calloc(1, sizeof *g);
  if (g == NULL) return cli_complain("no memory");
  *g = (struct bench_grid){.seed = 1, .profile = YEON_PROFILE_YEON};
  bool named = false;
  int status = -1;
  enum cli_arg kind;
  while (status < 0 && (kind = cli_args_next(&args)) != CLI_ARG_END) {
    if (kind == CLI_ARG_HELP) {
      cli_print_verb(&cli_bench);
      status = CLI_OK;
    } else if (kind == CLI_ARG_PLAIN) {
      if (named || strcmp(args.value, "net") != 0) status = cli_complain("what can be measured is: yeon bench net. Not '%s'", args.value);
      named = true;
    } else if (kind == CLI_ARG_ERROR || !take(g, &args)) {
      status = CLI_USAGE;
    }
  }
  if (status < 0 && !named) status = cli_complain("what shall be measured? yeon bench net; `yeon bench --help` tells more");
  if (status < 0) status = net(g);
  free(g);
  return status;
}

const struct cli_verb cli_bench = {
    .name = "bench",
    .arguments = "net",
    .summary = "TCP over a grid of networks, in virtual time or beside the kernel's: goodput, delay, fairness",
    .details = "  yeon bench net --rtt 20 --rate 20 --loss clean,loss1 --buffer 1\n"
               "  yeon bench net --cell 80ms-20mbit-clean-4bdp --plot pictures\n"
               "  yeon bench net --plot pictures        everything: some minutes\n"
               "  yeon bench net --fairness --rtt 20,80 --rate 20\n"
               "  sudo yeon bench net --kernel --cell 20ms-20mbit-loss1-1bdp --cc cubic\n"
               "Goodput is the share of what the bottleneck could have carried since the first SYN,\n"
               "slow start and all; p50 and p99 are how long frames waited in its queue; again is the\n"
               "share of the bytes that were sent more than once. docs/bench-net.md tells more.",
    .options = options,
    .run = run,
};
