/* What the files of a universe share. */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include <yeon/sim.h>

#include "base/hash.h"
#include "base/mem.h"

/* Where a cable ends at a node. */
struct sim_port {
  unsigned cable;
  unsigned out;  /* direction away from the node */
  unsigned link; /* the host's number of it; 0 at a hub */
};

struct sim_node {
  struct yeon_host *host; /* NULL: a hub */
  yeon_sim_ready_fn *ready;
  void *ready_ctx;
  struct sim_port *ports;
  uint32_t n_ports, cap_ports;
};

struct sim_cable {
  struct yeon_cable *cable;
  unsigned node[2]; /* ends a and b */
  unsigned link[2]; /* link number there */
};

struct sim_call {
  yeon_time at;
  uint64_t order; /* of equal instants the lower comes first */
  yeon_sim_fn *fn;
  void *ctx;
};

struct yeon_sim {
  struct mem mem;
  uint64_t seed;
  struct rng rng; /* of yeon_sim_random alone */
  yeon_time now;
  uint64_t rounds;
  struct sim_node *nodes;
  uint32_t n_nodes, cap_nodes;
  struct sim_cable *cables;
  uint32_t n_cables, cap_cables;
  struct sim_call *calls; /* binary heap */
  uint32_t n_calls, cap_calls;
  uint64_t next_order;
};

/* Calls everything that was scheduled, before this call, for `now` or earlier. */
void sim_calls_run(struct yeon_sim *sim);
/* Makes room for one more object of `size` bytes in an array. False: no memory. */
bool sim_grow(struct yeon_sim *sim, void **array, uint32_t *cap, uint32_t n, size_t size);

#endif
