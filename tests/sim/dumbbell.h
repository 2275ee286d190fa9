/* Senders, each on a cable of its own, that share a bottleneck to one receiver: in virtual time. */
#ifndef SIM_DUMBBELL_H
#define SIM_DUMBBELL_H

#include <yeon/cable.h>
#include <yeon/sim.h>
#include <yeon/tcp.h>

#define DUMBBELL_FLOWS 4u

struct dumbbell_flow {
  enum yeon_congestion congestion;
  uint32_t rtt_ms;
  yeon_time starts;
  /* Result. */
  uint64_t bytes; /* that arrived within the time measured */
  uint64_t again; /* bytes sent again, in all */
};

struct dumbbell {
  enum yeon_profile profile;
  uint64_t rate_bps, seed;
  uint32_t queue_bytes; /* of the bottleneck */
  uint32_t loss_ppm;
  yeon_time warm_up, span; /* nothing is measured before; how long is */
  unsigned n;
  struct dumbbell_flow flow[DUMBBELL_FLOWS];
  /* Results: of the bottleneck. */
  uint64_t dropped;
  double queue_ms, queue_p99_ms; /* mean and 99th percentile, sampled every 5 ms */
};

/* Runs it. False: no memory, or the settings are impossible. */
bool dumbbell_run(struct dumbbell *d);
/* Jain's index of the flows' bytes: 1 is fair, 1/n is not at all. */
double dumbbell_jain(const struct dumbbell *d);
/* What all flows got, as a share of the bottleneck's rate. */
double dumbbell_share(const struct dumbbell *d);

#endif
