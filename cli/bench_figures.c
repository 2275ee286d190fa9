/* What is computed from a run: shares, fairness, quantiles. */
#include <string.h>

#include "bench.h"

#define PAYLOAD (1448.0 / 1500.0) /* of a full frame: headers of IPv4 and TCP with timestamps are not goodput */

/* Exact below 32 ns, then 32 buckets to the octave. */
static unsigned bucket_of(uint64_t ns)
{
  if (ns < 32) return (unsigned)ns;
  unsigned shift = 58 - (unsigned)__builtin_clzll(ns);
  return 32 + shift * 32 + (unsigned)((ns >> shift) & 31);
}

static double bucket_ms(unsigned bucket)
{
  if (bucket < 32) return bucket / 1e6;
  return (double)(UINT64_C(1) << (bucket / 32 - 1)) * (32.5 + bucket % 32) / 1e6;
}

void bench_delays_add(struct bench_delays *d, yeon_time ns)
{
  d->n++;
  d->count[bucket_of(ns > 0 ? (uint64_t)ns : 0)]++;
}

double bench_delays_ms(const struct bench_delays *d, double share)
{
  uint64_t want = (uint64_t)((double)d->n * share), seen = 0;
  for (unsigned i = 0; i < sizeof d->count / sizeof d->count[0]; i++) {
    seen += d->count[i];
    if (seen > want) return bucket_ms(i);
  }
  return 0;
}

double bench_run_share(const struct bench_run *run)
{
  double bytes = 0;
  for (unsigned i = 0; i < run->n_flows; i++) bytes += (double)run->flow[i].received;
  return bytes * 8 / (run->cell.rate_mbit * 1e6 * run->seconds * PAYLOAD);
}

double bench_run_mbit(const struct bench_run *run, unsigned flow) { return (double)run->flow[flow].received * 8 / 1e6 / run->seconds; }

double bench_run_again(const struct bench_run *run)
{
  double again = 0, sent = 0;
  for (unsigned i = 0; i < run->n_flows; i++) {
    again += (double)run->flow[i].again;
    sent += (double)run->flow[i].sent;
  }
  return sent > 0 ? again / sent : 0;
}

/* R. Jain: (sum x)^2 / (n sum x^2): 1 if all have the same, 1/n if one has all. */
double bench_run_jain(const struct bench_run *run)
{
  double sum = 0, squares = 0;
  for (unsigned i = 0; i < run->n_flows; i++) {
    double x = (double)run->flow[i].received;
    sum += x;
    squares += x * x;
  }
  return squares > 0 ? sum * sum / (run->n_flows * squares) : 0;
}

/* Buffers may grow to what the path and its queue can hold, twice over; no further than 64 MB. */
void bench_run_options(const struct bench_run *run, unsigned flow, struct yeon_tcp_options *options)
{
  yeon_tcp_options_init(options, run->profile);
  options->congestion = (uint8_t)run->flow[flow].algorithm;
  struct bench_cell cell = run->cell;
  for (unsigned i = 0; i < run->n_flows; i++)
    if (run->flow[i].rtt_ms > cell.rtt_ms) cell.rtt_ms = run->flow[i].rtt_ms;
  double most = bench_cell_bdp_bytes(&cell) * (1 + run->cell.bdp) * 2;
  if (!options->window_scale || most < options->rcvbuf_max) return;
  options->rcvbuf_max = options->sndbuf_max = most < 64e6 ? (uint32_t)most : 64000000;
}

void bench_pattern_fill(struct bench_pattern *p)
{
  uint32_t x = 1;
  for (uint32_t i = 0; i < BENCH_PERIOD; i++) {
    x = x * 1664525 + 1013904223;
    p->bytes[i] = (uint8_t)(x >> 24);
  }
  memcpy(p->bytes + BENCH_PERIOD, p->bytes, BENCH_PERIOD);
  memcpy(p->bytes + 2 * BENCH_PERIOD, p->bytes, BENCH_PIECE - BENCH_PERIOD);
}
