/* Do senders share? Two flows over one bottleneck for a minute of virtual time. As a test (no argument) it asserts what docs/congestion.md promises;
 * with --report it prints the table of all pairs. */
#include <stdio.h>
#include <string.h>

#include "dumbbell.h"

static unsigned tests, failures;

static void verdict(bool good, const char *what)
{
  tests++;
  if (!good) failures++;
  printf("%sok %u - %s\n", good ? "" : "not ", tests, what);
}

/* 20 Mbit/s, a queue of one bandwidth-delay product, a minute after ten seconds; the second flow begins two seconds late. */
static struct dumbbell usual(enum yeon_congestion a, uint32_t rtt_a_ms, enum yeon_congestion b, uint32_t rtt_b_ms)
{
  uint32_t longer = rtt_a_ms > rtt_b_ms ? rtt_a_ms : rtt_b_ms;
  struct dumbbell d = {.profile = YEON_PROFILE_YEON, .rate_bps = 20000000, .seed = 1, .warm_up = 10 * YEON_SEC, .span = 60 * YEON_SEC, .n = 2,
                       .flow = {{.congestion = a, .rtt_ms = rtt_a_ms}, {.congestion = b, .rtt_ms = rtt_b_ms, .starts = 2 * YEON_SEC}}};
  d.queue_bytes = (uint32_t)(d.rate_bps / 8 * longer / 1000);
  return d;
}

static bool run(struct dumbbell *d)
{
  if (dumbbell_run(d)) return true;
  printf("Bail out! no memory\n");
  return false;
}

static void tell(const struct dumbbell *d)
{
  double total = (double)d->flow[0].bytes + (double)d->flow[1].bytes;
  printf("# %-8s %3u ms  %-8s %3u ms  shares %4.1f %% %4.1f %%  Jain %.3f  of the rate %5.1f %%  queue %5.1f ms p99 %5.1f ms  again %.2f %%\n",
         yeon_congestion_name(d->flow[0].congestion), d->flow[0].rtt_ms, yeon_congestion_name(d->flow[1].congestion), d->flow[1].rtt_ms,
         100 * (double)d->flow[0].bytes / total, 100 * (double)d->flow[1].bytes / total, dumbbell_jain(d), 100 * dumbbell_share(d), d->queue_ms,
         d->queue_p99_ms, 100 * (double)(d->flow[0].again + d->flow[1].again) / total);
}

/* The luck of when BBR probes decides how soon its flows are alike: it is judged by the mean of some seeds. */
static bool check_alike(enum yeon_congestion algorithm)
{
  static const uint32_t rtts[] = {20, 40, 80};
  const unsigned seeds = algorithm == YEON_CC_BBR ? 4 : 1;
  char what[100];
  for (size_t i = 0; i < sizeof rtts / sizeof *rtts; i++) {
    double jain = 0, least = 1;
    for (unsigned seed = 1; seed <= seeds; seed++) {
      struct dumbbell d = usual(algorithm, rtts[i], algorithm, rtts[i]);
      d.seed = seed;
      if (!run(&d)) return false;
      tell(&d);
      jain += dumbbell_jain(&d) / seeds;
      if (dumbbell_share(&d) < least) least = dumbbell_share(&d);
    }
    snprintf(what, sizeof what, "%s, %u ms: Jain %.3f >= 0.95, %.1f %% of the rate", yeon_congestion_name(algorithm), rtts[i], jain, 100 * least);
    verdict(jain >= 0.95 && least >= 0.9, what);
  }
  return true;
}

static bool report(void)
{
  static const uint32_t rtts[] = {20, 80};
  for (int a = 0; a < YEON_CONGESTIONS; a++)
    for (int b = a; b < YEON_CONGESTIONS; b++)
      for (size_t i = 0; i < 3; i++) {
        uint32_t one = rtts[i / 2], other = rtts[i > 0];
        struct dumbbell d = usual((enum yeon_congestion)a, one, (enum yeon_congestion)b, other);
        if (!run(&d)) return false;
        tell(&d);
      }
  return true;
}

int main(int argc, char **argv)
{
  bool good = true;
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (argc > 1 && strcmp(argv[1], "--report") == 0) return report() ? 0 : 1;
  for (int a = 0; good && a < YEON_CONGESTIONS; a++) good = check_alike((enum yeon_congestion)a);
  printf("1..%u\n", tests);
  return good && failures == 0 ? 0 : 1;
}
