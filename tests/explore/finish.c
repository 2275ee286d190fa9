/* The end of the story: from now on nothing is lost and nothing overtakes, and both programs want to be done. Then all must be over soon: no
 * connection, no timer, no memory; and where nobody was rude, every byte has arrived. */
#include "explore.h"

#define ROUNDS_MOST 600
#define AGAIN_MOST 12 /* time-outs of one segment: more than a world allows before, and two or three */

static bool all_over(const struct world *w)
{
  for (unsigned i = 0; i < 2; i++) {
    struct yeon_host_usage u;
    yeon_host_usage(w->host[i], &u);
    if (u.connections + u.half_open + u.time_wait + u.listeners > 0 || w->live.n_net[i] > 0) return false;
  }
  return true;
}

/* Polite: reads to the end before it closes. */
static void program_ends(struct world *w, unsigned side, bool polite)
{
  struct program *p = &w->live.program[side];
  if (p->tcp == NULL) return;
  enum yeon_tcp_state state = yeon_tcp_state(p->tcp);
  bool connected = state >= YEON_TCP_ESTABLISHED;
  if (!polite) {
    program_close(w, side);
    return;
  }
  if (connected && !p->shut && (state == YEON_TCP_ESTABLISHED || state == YEON_TCP_CLOSE_WAIT)) program_shut(w, side);
  if (connected || state == YEON_TCP_CLOSED) program_read(w, side, UINT32_MAX);
  if (p->tcp != NULL && p->eof && p->shut) program_close(w, side);
}

/* Nobody can come any more. */
static bool listener_is_idle(const struct world *w, unsigned side)
{
  return w->live.program[side].listener != NULL && connection_of(w, !side, w->live.monitor[!side].id) == NULL &&
         w->live.program[side].tcp == NULL && w->live.n_net[0] + w->live.n_net[1] == 0;
}

/* False: there is none. */
static bool run_timers(struct world *w)
{
  unsigned side = next_timer(w, 1) < next_timer(w, 0);
  if (next_timer(w, side) == YEON_NEVER) return false;
  w->live.left.timers = 1;
  step_take(w, STEP(STEP_TIMER, side, 0));
  return true;
}

/* False: nothing can happen any more. */
static bool one_round(struct world *w, bool polite)
{
  for (unsigned side = 0; side < 2; side++) {
    program_ends(w, side, polite);
    if (listener_is_idle(w, side)) program_unlisten(w, side);
    settle(w, side);
  }
  if (w->live.n_net[0] > 0)
    step_take(w, STEP(STEP_DELIVER, 0, 0));
  else if (w->live.n_net[1] > 0)
    step_take(w, STEP(STEP_DELIVER, 1, 0));
  else
    return run_timers(w) || !polite;
  return true;
}

/* What is sent again is answered, once nothing is lost. */
static void check_answers(struct world *w)
{
  for (unsigned side = 0; side < 2; side++) {
    const struct yeon_tcp *c = connection_of(w, side, w->live.monitor[side].id);
    if (c != NULL && c->rexmits > AGAIN_MOST)
      violate(w, "%c sends again and again although nothing is lost any more (%s, %s)", "ab"[side],
              yeon_tcp_state_name(state_of(w, 0)), yeon_tcp_state_name(state_of(w, 1)));
  }
}

/* Both directions of every connection that came about. */
static void check_streams(struct world *w, bool was_troubled)
{
  const struct program *p = w->live.program;
  if (was_troubled || p[0].generation != p[1].generation) return;
  unsigned g = p[0].generation;
  for (unsigned side = 0; side < 2; side++) {
    const struct stream *s = &w->live.stream[!side][g];
    if (!s->known || !w->live.stream[side][g].known) continue;
    if (p[side].received != s->written)
      violate(w, "at the end %c has %u of %u bytes", "ab"[side], p[side].received, s->written);
    if (!p[side].eof) violate(w, "at the end %c has not seen the end of the stream", "ab"[side]);
  }
}

void finish(struct world *w, bool polite)
{
  bool troubled = w->live.troubled || !polite;
  unsigned rounds = 0;
  if (!polite) w->live.troubled = true;
  while (w->violation[0] == '\0' && !all_over(w)) {
    /* Who waits for a peer that has gone without a word gives up some time. */
    if (!one_round(w, polite) && w->live.troubled) polite = false;
    check_answers(w);
    if (w->violation[0] == '\0') check_state(w);
    if (++rounds > ROUNDS_MOST) {
      violate(w, "does not come to an end although nothing is lost any more (%s, %s)",
              yeon_tcp_state_name(state_of(w, 0)), yeon_tcp_state_name(state_of(w, 1)));
      return;
    }
  }
  if (w->violation[0] != '\0') return;
  check_streams(w, troubled);
  if (w->violation[0] == '\0') world_end_hosts(w);
}
