/* How a universe moves. A round: go to the earliest instant at which a scheduled call, a frame in a cable or a host's timer is due; make the
 * calls; carry arrived frames into hosts and hubs; then settle: tell programs what their hosts report and put what hosts send into the
 * cables, until no program is told anything new. What still is due at the same instant (a reply over a cable without delay) is for the
 * next round. The queue of hosts and cables is a plain scan: a universe has few, and their next instants change with every call. */
#include "sim/sim.h"

#define BATCH 16

/* A program that answers each report with an act that causes the next one, for ever, must not hold time still inside one round. */
#define SETTLE_PASSES 100

yeon_time yeon_sim_now(const struct yeon_sim *sim) { return sim->now; }

uint64_t yeon_sim_rounds(const struct yeon_sim *sim) { return sim->rounds; }

yeon_time yeon_sim_next(const struct yeon_sim *sim)
{
  yeon_time next = sim->n_calls > 0 ? sim->calls[0].at : YEON_NEVER;
  for (uint32_t i = 0; i < sim->n_cables; i++) {
    yeon_time at = yeon_cable_next(sim->cables[i].cable);
    if (at < next) next = at;
  }
  for (uint32_t i = 0; i < sim->n_nodes; i++) {
    yeon_time at = sim->nodes[i].host != NULL ? yeon_host_next(sim->nodes[i].host) : YEON_NEVER;
    if (at < next) next = at;
  }
  if (next > YEON_TIME_LAST) return YEON_NEVER; /* clocks stand still there, and nothing would ever come to pass */
  return next > sim->now ? next : sim->now;
}

/* Out at all ports of a hub but the one (of `cable`) that it came in by. */
static void repeat(struct yeon_sim *sim, const struct sim_node *hub, unsigned cable, const struct yeon_frame *frames,
                   size_t n)
{
  for (uint32_t p = 0; p < hub->n_ports; p++) {
    const struct sim_port *port = &hub->ports[p];
    if (port->cable == cable) continue;
    for (size_t i = 0; i < n; i++) yeon_cable_put(sim->cables[port->cable].cable, port->out, &frames[i], sim->now);
  }
}

static void deliver(struct yeon_sim *sim, unsigned cable, unsigned direction)
{
  struct sim_cable *c = &sim->cables[cable];
  unsigned end = 1 - direction; /* a->b ends at b, which is end 1 */
  const struct sim_node *node = &sim->nodes[c->node[end]];
  struct yeon_frame frames[BATCH];
  while (yeon_cable_next_way(c->cable, direction) <= sim->now) {
    size_t n = yeon_cable_take(c->cable, direction, frames, BATCH, sim->now);
    if (node->host != NULL)
      yeon_host_input(node->host, c->link[end], frames, n, sim->now);
    else
      repeat(sim, node, cable, frames, n);
  }
}

static void transmit(struct yeon_sim *sim, const struct sim_node *node)
{
  struct yeon_frame frames[BATCH];
  for (uint32_t p = 0; p < node->n_ports; p++) {
    const struct sim_port *port = &node->ports[p];
    size_t n;
    do {
      n = yeon_host_output(node->host, port->link, frames, BATCH, sim->now);
      for (size_t i = 0; i < n; i++) yeon_cable_put(sim->cables[port->cable].cable, port->out, &frames[i], sim->now);
    } while (n == BATCH);
  }
}

/* Whether the program was told anything. It may add hosts, so nodes are looked up by number each time. */
static bool report(struct yeon_sim *sim, unsigned number)
{
  bool told = false;
  struct yeon_ready ready;
  while (sim->nodes[number].ready != NULL && yeon_host_event(sim->nodes[number].host, &ready)) {
    sim->nodes[number].ready(sim->nodes[number].ready_ctx, sim, number, &ready, sim->now);
    told = true;
  }
  return told;
}

static void settle(struct yeon_sim *sim)
{
  bool told = true;
  for (unsigned pass = 0; told && pass < SETTLE_PASSES; pass++) {
    told = false;
    for (unsigned i = 0; i < sim->n_nodes; i++) {
      if (sim->nodes[i].host == NULL) continue;
      told |= report(sim, i);
      if (yeon_host_next(sim->nodes[i].host) <= sim->now) transmit(sim, &sim->nodes[i]);
      told |= report(sim, i); /* timers run inside output */
    }
  }
}

bool yeon_sim_step(struct yeon_sim *sim)
{
  settle(sim); /* what was done to hosts between two steps */
  yeon_time next = yeon_sim_next(sim);
  if (next == YEON_NEVER) return false;
  sim->now = next;
  sim->rounds++;
  sim_calls_run(sim);
  for (uint32_t i = 0; i < sim->n_cables; i++) {
    deliver(sim, i, YEON_CABLE_AB);
    deliver(sim, i, YEON_CABLE_BA);
  }
  settle(sim);
  return true;
}

void yeon_sim_run_until(struct yeon_sim *sim, yeon_time at)
{
  settle(sim);
  while (yeon_sim_next(sim) <= at && yeon_sim_step(sim)) {
  }
  if (sim->now < at && at != YEON_NEVER) sim->now = at < YEON_TIME_LAST ? at : YEON_TIME_LAST;
}
