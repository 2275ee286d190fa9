/* Cells: their names, and the cable that each of them is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define FRAME 1500u
#define LEAST_QUEUE (3 * FRAME)

const char *const bench_loss_names[BENCH_LOSSES] = {"clean", "loss0.1", "loss1", "loss3", "bursts", "reorder"};

char *bench_cell_name(const struct bench_cell *cell, char buf[BENCH_NAME])
{
  snprintf(buf, BENCH_NAME, "%ums-%umbit-%s-%gbdp", cell->rtt_ms, cell->rate_mbit, bench_loss_names[cell->loss], cell->bdp);
  return buf;
}

bool bench_cell_find(const char *name, struct bench_cell *out)
{
  char loss[16];
  struct bench_cell cell;
  int end = 0;
  if (sscanf(name, "%ums-%umbit-%15[a-z0-9.]-%lfbdp%n", &cell.rtt_ms, &cell.rate_mbit, loss, &cell.bdp, &end) != 4) return false;
  if (end == 0 || name[end] != '\0') return false;
  if (cell.rtt_ms == 0 || cell.rtt_ms > 10000 || cell.rate_mbit == 0 || cell.rate_mbit > 100000) return false;
  if (!(cell.bdp >= 0 && cell.bdp <= 100)) return false;
  for (int i = 0; i < BENCH_LOSSES; i++) {
    cell.loss = (enum bench_loss)i;
    *out = cell;
    if (strcmp(bench_loss_names[i], loss) == 0) return true;
  }
  return false;
}

double bench_cell_bdp_bytes(const struct bench_cell *cell) { return cell->rate_mbit * 1e6 / 8 * cell->rtt_ms / 1e3; }

uint32_t bench_cell_frame_us(const struct bench_cell *cell) { return 12000 / cell->rate_mbit; }

double bench_cell_seconds(const struct bench_cell *cell)
{
  double s = cell->rtt_ms * 0.1;
  return s < 4 ? 4 : s > 20 ? 20 : s;
}

static void spoil(const struct bench_cell *cell, struct yeon_cable_way *way)
{
  switch (cell->loss) {
  case BENCH_LOSS_01: way->loss_ppm = 1000; break;
  case BENCH_LOSS_1: way->loss_ppm = 10000; break;
  case BENCH_LOSS_3: way->loss_ppm = 30000; break;
  case BENCH_BURSTS: /* one percent of the time, ten frames in a row on average */
    way->burst_enter_ppm = 1000;
    way->burst_leave_ppm = 100000;
    break;
  case BENCH_REORDER:
    way->reorder_ppm = 30000;
    way->reorder_up_to_us = cell->rtt_ms * 1000 / 4;
    break;
  default: break;
  }
}

void bench_cell_ways(const struct bench_cell *cell, bool flat, struct yeon_cable_way way[2])
{
  double queue = cell->bdp * bench_cell_bdp_bytes(cell);
  if (queue < LEAST_QUEUE) queue = LEAST_QUEUE;
  if (queue > 4e9) queue = 4e9;
  for (unsigned d = 0; d < 2; d++) way[d] = (struct yeon_cable_way){.delay_us = flat ? 0 : cell->rtt_ms * 500};
  way[YEON_CABLE_AB].rate_bps = (uint64_t)cell->rate_mbit * 1000000;
  way[YEON_CABLE_AB].queue_bytes = (uint32_t)queue;
  spoil(cell, &way[YEON_CABLE_AB]);
}
