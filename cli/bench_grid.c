/* The lists that make a grid. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_grid.h"
#include "cli.h"

static const uint32_t all_rtts[] = {1, 20, 80, 300}, all_rates[] = {2, 20, 200, 1000};
static const double all_buffers[] = {0.25, 1, 4};

/* The next word of a list into `word`; false: there is none. Words that are too long are cut, and then mean nothing. */
static bool next_word(const char **list, char word[BENCH_NAME])
{
  if (**list == '\0') return false;
  size_t len = strcspn(*list, ",");
  snprintf(word, BENCH_NAME, "%.*s", (int)(len < BENCH_NAME ? len : BENCH_NAME - 1), *list);
  *list += len + ((*list)[len] == ',');
  return true;
}

static bool full(unsigned n, const char *option)
{
  if (n < BENCH_LIST) return false;
  cli_complain("%s: at most %d of them", option, BENCH_LIST);
  return true;
}

bool bench_grid_numbers(const char *words, const char *option, uint32_t most, uint32_t out[BENCH_LIST], unsigned *n)
{
  char word[BENCH_NAME];
  for (*n = 0; next_word(&words, word);) {
    char *end;
    unsigned long value = strtoul(word, &end, 10);
    if (word[0] < '0' || word[0] > '9' || *end != '\0' || value == 0 || value > most) {
      cli_complain("%s wants whole numbers from 1 to %u with commas between, not '%s'", option, most, word);
      return false;
    }
    if (full(*n, option)) return false;
    out[(*n)++] = (uint32_t)value;
  }
  return true;
}

bool bench_grid_losses(const char *words, struct bench_grid *g)
{
  char word[BENCH_NAME];
  for (g->n_loss = 0; next_word(&words, word);) {
    int kind = 0;
    while (kind < BENCH_LOSSES && strcmp(bench_loss_names[kind], word) != 0) kind++;
    if (kind == BENCH_LOSSES) {
      cli_complain("--loss wants clean, loss0.1, loss1, loss3, bursts or reorder, not '%s'", word);
      return false;
    }
    if (full(g->n_loss, "--loss")) return false;
    g->loss[g->n_loss++] = (enum bench_loss)kind;
  }
  return true;
}

bool bench_grid_buffers(const char *words, struct bench_grid *g)
{
  char word[BENCH_NAME];
  for (g->n_bdp = 0; next_word(&words, word);) {
    char *end;
    double value = strtod(word, &end);
    if (end == word || *end != '\0' || !(value >= 0 && value <= 100)) {
      cli_complain("--buffer wants numbers from 0 to 100 with commas between, not '%s'", word);
      return false;
    }
    if (full(g->n_bdp, "--buffer")) return false;
    g->bdp[g->n_bdp++] = value;
  }
  return true;
}

static void no_such_algorithm(const char *word)
{
  char all[256] = "";
  for (int i = 0; i < YEON_CONGESTIONS; i++)
    snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i > 0 ? ", " : "", yeon_congestion_name((enum yeon_congestion)i));
  cli_complain("there is no congestion control '%s'; there is: %s", word, all);
}

bool bench_grid_algorithms(const char *words, struct bench_grid *g)
{
  char word[BENCH_NAME];
  for (g->n_algorithms = 0; next_word(&words, word);) {
    int algorithm = yeon_congestion_find(word);
    if (algorithm < 0) {
      no_such_algorithm(word);
      return false;
    }
    if (full(g->n_algorithms, "--cc")) return false;
    g->algorithm[g->n_algorithms++] = (enum yeon_congestion)algorithm;
  }
  return true;
}

bool bench_grid_ends(const char *words, struct bench_grid *g)
{
  char word[BENCH_NAME];
  for (g->n_ends = 0; next_word(&words, word) && g->n_ends < 4; g->n_ends++) {
    static const char *const pairs[] = {"yeon:yeon", "yeon:kernel", "kernel:yeon", "kernel:kernel"};
    unsigned i = 0;
    while (i < 4 && strcmp(pairs[i], word) != 0) i++;
    if (i == 4) {
      cli_complain("--ends wants kernel:kernel, yeon:kernel, kernel:yeon or yeon:yeon (the sender first), not '%s'", word);
      return false;
    }
    g->ends[g->n_ends][0] = (i & 2) != 0;
    g->ends[g->n_ends][1] = (i & 1) != 0;
  }
  return true;
}

bool bench_grid_cell(const char *name, struct bench_grid *g)
{
  if (g->n_cells == BENCH_CELLS) {
    cli_complain("at most %d cells", BENCH_CELLS);
    return false;
  }
  if (bench_cell_find(name, &g->cell[g->n_cells])) {
    g->n_cells++;
    return true;
  }
  cli_complain("'%s' is no cell: RTTms-RATEmbit-LOSS-BUFFERbdp, as 20ms-200mbit-loss1-0.25bdp", name);
  return false;
}

bool bench_grid_file(const char *path, struct bench_grid *g)
{
  char line[256], word[BENCH_NAME];
  FILE *file = fopen(path, "r");
  bool fine = file != NULL;
  if (!fine) cli_complain("'%s' cannot be read", path);
  while (fine && fgets(line, sizeof line, file) != NULL) {
    line[strcspn(line, "#\n")] = '\0';
    if (sscanf(line, "%63s", word) == 1) fine = bench_grid_cell(word, g);
  }
  if (file != NULL) fclose(file);
  return fine;
}

/* Two flows share one clean line at three distances, unless more is wanted. */
static void fill_for_fairness(struct bench_grid *g)
{
  if (g->n_rtt == 0) memcpy(g->rtt_ms, all_rtts + 1, 3 * sizeof all_rtts[0]), g->n_rtt = 3;
  if (g->n_rate == 0) g->rate_mbit[g->n_rate++] = 20;
  if (g->n_bdp == 0) g->bdp[g->n_bdp++] = 1;
  if (g->n_loss == 0) g->loss[g->n_loss++] = BENCH_CLEAN;
}

static void fill_lists(struct bench_grid *g)
{
  if (g->n_algorithms == 0)
    for (; g->n_algorithms < YEON_CONGESTIONS; g->n_algorithms++) g->algorithm[g->n_algorithms] = (enum yeon_congestion)g->n_algorithms;
  if (g->fairness) fill_for_fairness(g);
  if (g->n_rtt == 0) memcpy(g->rtt_ms, all_rtts, sizeof all_rtts), g->n_rtt = 4;
  if (g->n_rate == 0) memcpy(g->rate_mbit, all_rates, sizeof all_rates), g->n_rate = 4;
  if (g->n_bdp == 0) memcpy(g->bdp, all_buffers, sizeof all_buffers), g->n_bdp = 3;
  if (g->n_loss == 0)
    for (; g->n_loss < BENCH_LOSSES; g->n_loss++) g->loss[g->n_loss] = (enum bench_loss)g->n_loss;
}

static bool add_cells(struct bench_grid *g)
{
  unsigned total = g->n_rtt * g->n_rate * g->n_bdp * g->n_loss;
  if (total > BENCH_CELLS) {
    cli_complain("%u cells are too many: %d at most", total, BENCH_CELLS);
    return false;
  }
  for (unsigned i = 0; i < total; i++) {
    unsigned loss = i % g->n_loss, bdp = i / g->n_loss % g->n_bdp, rate = i / g->n_loss / g->n_bdp % g->n_rate;
    unsigned rtt = i / g->n_loss / g->n_bdp / g->n_rate;
    g->cell[g->n_cells++] = (struct bench_cell){g->rtt_ms[rtt], g->rate_mbit[rate], g->loss[loss], g->bdp[bdp]};
  }
  return true;
}

bool bench_grid_fill(struct bench_grid *g)
{
  bool lists = g->n_rtt + g->n_rate + g->n_bdp + g->n_loss > 0;
  if (lists && g->n_cells > 0) {
    cli_complain("cells by name, or --rtt, --rate, --loss and --buffer: not both");
    return false;
  }
  fill_lists(g);
  return g->n_cells > 0 || add_cells(g);
}

struct bench_run bench_grid_one(const struct bench_grid *g, const struct bench_cell *cell, enum yeon_congestion algorithm)
{
  struct bench_run run = {.cell = *cell, .n_flows = 1, .seed = g->seed, .profile = g->profile};
  run.flow[0].algorithm = algorithm;
  run.seconds = g->seconds > 0 ? g->seconds : bench_cell_seconds(cell);
  return run;
}
