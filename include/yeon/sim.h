/* yeon/sim.h: a universe in virtual time: hosts, cables between them, hubs, and calls at chosen instants, all from one seed. Time jumps from
 * one happening to the next, so a minute of waiting costs nothing; the same seed and the same calls give the same bytes.
 *
 * The order within one instant: scheduled calls (in the order they were scheduled), frames that arrive (by cable number, a->b first),
 * then what hosts report and what they send (by host number). Made for tens of hosts: a step looks at each of them. */
#ifndef YEON_SIM_H
#define YEON_SIM_H

#include <yeon/base.h>
#include <yeon/cable.h>
#include <yeon/host.h>

#ifdef __cplusplus
extern "C" {
#endif

struct yeon_sim;

/* A universe with nothing in it, at time 0. memory (NULL, or its alloc NULL: malloc and free) also serves its hosts and cables, unless a host's
 * configuration brings its own. YEON_ERR_NO_MEMORY. */
YEON_API int yeon_sim_new(struct yeon_sim **out, uint64_t seed, const struct yeon_memory *memory);
/* With all hosts and cables; pointers to them are dead. NULL is allowed. */
YEON_API void yeon_sim_free(struct yeon_sim *sim);
YEON_API yeon_time yeon_sim_now(const struct yeon_sim *sim);
YEON_API uint64_t yeon_sim_seed(const struct yeon_sim *sim);
/* A number drawn from the universe's seed, for scenarios that want chance of their own. Does not disturb the luck of cables and hosts. */
YEON_API uint64_t yeon_sim_random(struct yeon_sim *sim);

/* Nodes (hosts and hubs) are numbered from 0 in the order of adding; cables likewise, on their own. */
#define YEON_SIM_NODES 1024
#define YEON_SIM_CABLES 4096

/* Adds a host and returns its node number, or an error. In the configuration (NULL: its defaults): seed 0 is replaced by one derived from the universe's seed and
 * the node number; id 0 by node number + 1; memory as yeon_sim_new says. *out (may be NULL) is the host: it belongs to the universe. */
YEON_API int yeon_sim_add_host(struct yeon_sim *sim, const struct yeon_host_config *config, struct yeon_host **out);
/* Adds a hub: what comes in at one cable goes out at all its others. Its node number, or an error. */
YEON_API int yeon_sim_add_hub(struct yeon_sim *sim);
/* NULL if the node is no host. */
YEON_API struct yeon_host *yeon_sim_host(const struct yeon_sim *sim, unsigned node);
YEON_API unsigned yeon_sim_nodes(const struct yeon_sim *sim);

struct yeon_sim_link {
  bool ethernet;    /* false: bare IP packets. The MAC of an end is derived from its node and link: 02:79:00:NN:NN:LL */
  uint16_t mtu;     /* IP bytes, 0: 1500 */
  const char *name; /* of the link at both hosts; NULL: "cable" and the number */
  struct yeon_cable_config cable; /* id 0: cable number + 1 */
};
/* All zero but the MTU: a perfect wire for IP packets. */
YEON_API void yeon_sim_link_init(struct yeon_sim_link *link);
/* Lays a cable from node a to node b (a != b), adding one link to each that is a host. Give the hosts addresses on those links with
 * yeon_host_add_addr. Returns the cable number, or an error; links (may be NULL) gets the link numbers at a and b (0 for a hub). */
YEON_API int yeon_sim_connect(struct yeon_sim *sim, unsigned a, unsigned b, const struct yeon_sim_link *link,
                              unsigned links[2]);
/* To cut, join, set, tap and count it: at yeon_sim_now. NULL: no such cable. */
YEON_API struct yeon_cable *yeon_sim_cable(const struct yeon_sim *sim, unsigned cable);
YEON_API unsigned yeon_sim_cables(const struct yeon_sim *sim);

/* Calls fn at `at` (a past instant: at once, with the next step). 0, YEON_ERR_INVALID (no fn) or YEON_ERR_NO_MEMORY. fn may do anything but step or free the universe. */
typedef void yeon_sim_fn(void *ctx, struct yeon_sim *sim, yeon_time now);
YEON_API int yeon_sim_at(struct yeon_sim *sim, yeon_time at, yeon_sim_fn *fn, void *ctx);

/* Called for every report of yeon_host_event of this host, as soon as it is there. fn may do anything with hosts and cables, and schedule; not step or
 * free the universe. Without a hook (fn NULL) reports stay in the host for you to fetch. YEON_ERR_INVALID: not a host. */
typedef void yeon_sim_ready_fn(void *ctx, struct yeon_sim *sim, unsigned node, const struct yeon_ready *ready,
                               yeon_time now);
YEON_API int yeon_sim_on_ready(struct yeon_sim *sim, unsigned node, yeon_sim_ready_fn *fn, void *ctx);

/* The instant of the next happening (>= now, <= YEON_TIME_LAST), or YEON_NEVER: all is quiet for ever unless you do something. */
YEON_API yeon_time yeon_sim_next(const struct yeon_sim *sim);
/* Goes to the instant of the next happening and does one round there. False: there is none, nothing was done and time stands. */
YEON_API bool yeon_sim_step(struct yeon_sim *sim);
/* Steps through everything up to and including `at`; time is `at` then, or stays if that is past. YEON_NEVER: until all is quiet. */
YEON_API void yeon_sim_run_until(struct yeon_sim *sim, yeon_time at);
/* Rounds done so far. */
YEON_API uint64_t yeon_sim_rounds(const struct yeon_sim *sim);

#ifdef __cplusplus
}
#endif
#endif
