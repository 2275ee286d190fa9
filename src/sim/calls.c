/* Scheduled calls: a binary heap by instant, equal instants in the order of scheduling. */
#include "sim/sim.h"

static bool before(const struct sim_call *a, const struct sim_call *b)
{
  return a->at != b->at ? a->at < b->at : a->order < b->order;
}

int yeon_sim_at(struct yeon_sim *sim, yeon_time at, yeon_sim_fn *fn, void *ctx)
{
  if (fn == NULL) return YEON_ERR_INVALID;
  void *calls = sim->calls;
  if (!sim_grow(sim, &calls, &sim->cap_calls, sim->n_calls, sizeof *sim->calls)) return YEON_ERR_NO_MEMORY;
  sim->calls = calls;
  struct sim_call call = {at > sim->now ? at : sim->now, sim->next_order++, fn, ctx};
  uint32_t i = sim->n_calls++;
  while (i > 0 && before(&call, &sim->calls[(i - 1) / 2])) {
    sim->calls[i] = sim->calls[(i - 1) / 2];
    i = (i - 1) / 2;
  }
  sim->calls[i] = call;
  return YEON_OK;
}

static struct sim_call pop(struct yeon_sim *sim)
{
  struct sim_call top = sim->calls[0], last = sim->calls[--sim->n_calls];
  uint32_t i = 0;
  for (;;) {
    uint32_t child = 2 * i + 1;
    if (child >= sim->n_calls) break;
    if (child + 1 < sim->n_calls && before(&sim->calls[child + 1], &sim->calls[child])) child++;
    if (!before(&sim->calls[child], &last)) break;
    sim->calls[i] = sim->calls[child];
    i = child;
  }
  sim->calls[i] = last;
  return top;
}

void sim_calls_run(struct yeon_sim *sim)
{
  /* A call may schedule for this very instant: that is for the next round, or one that always does so would hold time still in here. */
  uint64_t end = sim->next_order;
  while (sim->n_calls > 0 && sim->calls[0].at <= sim->now && sim->calls[0].order < end) {
    struct sim_call call = pop(sim);
    call.fn(call.ctx, sim, sim->now);
  }
}
