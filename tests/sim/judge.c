/* Judgement: what must be true when a world has come to its end. */
#include "world.h"

/* Errors that bad luck can cause. */
static bool is_misfortune(int error)
{
  return error == YEON_ERR_RESET || error == YEON_ERR_TIMED_OUT || error == YEON_ERR_REFUSED ||
         error == YEON_ERR_HOST_UNREACHABLE || error == YEON_ERR_NET_UNREACHABLE;
}

static bool may_fail_so(const struct world *w, const struct end *e)
{
  const struct plan_conn *plan = &w->plan->conn[e->conn];
  if (is_misfortune(e->error)) return true;
  if (e->error == YEON_ERR_IN_USE) return plan->local_port != 0 && plan->opening != OPEN_BOTH && e->active;
  return e->error == YEON_ERR_NO_MEMORY && (w->plan->famine || w->plan->max_buffer_bytes > 0);
}

/* One end resets by plan, or closes although the other may have more to say. */
static bool is_rude(const struct plan_conn *plan)
{
  for (unsigned i = 0; i < 2; i++) {
    const struct plan_end *e = &plan->end[i], *other = &plan->end[!i];
    if (e->finish == FINISH_ABORT || (e->finish == FINISH_CLOSE && other->total > 0)) return true;
  }
  return false;
}

/* Everything has come through both ways, but the last acknowledgment was lost until the other end had long forgotten. */
static bool missed_the_end(const struct world *w, const struct end *e)
{
  bool lossy = w->plan->way[0].loss_ppm > 0 || w->plan->way[1].loss_ppm > 0;
  bool all = e->fin && e->eof && e->other->eof && e->other->received == e->sent;
  return lossy && all && e->status == END_FAILED && e->other->status == END_OK;
}

/* Three neighbour solicitations lost one after another: where the profile has it so, that ends an attempt to connect. */
static bool missed_the_neighbour(const struct world *w, const struct end *e)
{
  bool lossy = w->plan->way[0].loss_ppm > 0 || w->plan->way[1].loss_ppm > 0;
  bool quick = w->plan->tcp[e->host].icmp_ends_connect || w->plan->tcp[e->other->host].icmp_ends_connect;
  return w->plan->ethernet && lossy && quick && e->received == 0 && e->other->received == 0;
}

/* Nothing was in the way: everything must have come through. */
static void judge_calm(struct world *w, const struct end *e)
{
  const char *name = e->host == 0 ? "a" : "b";
  if (missed_the_end(w, e) || missed_the_neighbour(w, e)) return;
  if (e->status != END_OK)
    world_fail(w, "connection %u, %s: %s without need", e->conn, name,
               e->status == END_FAILED    ? yeon_error_name(e->error)
               : e->status == END_WAITING ? "never accepted"
                                          : "not ended");
  else if (e->sent != e->plan->total)
    world_fail(w, "connection %u, %s: sent only %llu of %u", e->conn, name, (unsigned long long)e->sent,
               e->plan->total);
  else if (e->received != e->other->sent)
    world_fail(w, "connection %u, %s: received only %llu of %llu", e->conn, name, (unsigned long long)e->received,
               (unsigned long long)e->other->sent);
}

static void judge_conn(struct world *w, unsigned i)
{
  struct end *ends = w->ends[i];
  bool gentle = w->plan->calm && !is_rude(&w->plan->conn[i]);
  for (unsigned k = 0; k < 2; k++) {
    if (ends[k].status == END_FAILED && !may_fail_so(w, &ends[k]))
      world_fail(w, "connection %u, %s: failed with %s", i, k == 0 ? "a" : "b", yeon_error_name(ends[k].error));
    if (ends[k].error == YEON_ERR_IN_USE) gentle = false;
  }
  for (unsigned k = 0; k < 2 && gentle; k++) judge_calm(w, &ends[k]);
}

static void judge_host(struct world *w, unsigned i)
{
  /* A frame stays with its host until the next call, which this is. */
  struct yeon_frame frame;
  if (yeon_host_output(w->host[i], w->link[i], &frame, 1, yeon_sim_now(w->sim)) != 0)
    world_fail(w, "a quiet host has something to say");
  struct yeon_host_usage u;
  yeon_host_usage(w->host[i], &u);
  if (u.connections || u.half_open || u.time_wait || u.listeners || u.udp || u.buffer_bytes)
    world_fail(w,
               "%s keeps %llu connections, %llu half-open, %llu TIME-WAIT, %llu listeners, %llu UDP, %llu buffer bytes",
               i == 0 ? "a" : "b", (unsigned long long)u.connections, (unsigned long long)u.half_open,
               (unsigned long long)u.time_wait, (unsigned long long)u.listeners, (unsigned long long)u.udp,
               (unsigned long long)u.buffer_bytes);
}

static void judge_datagrams(struct world *w, unsigned host)
{
  const struct plan *p = w->plan;
  const struct yeon_cable_way *way = &p->way[!host];
  bool all_arrive =
      p->calm && !p->ethernet && way->loss_ppm == 0 && way->corrupt_ppm == 0 && way->rate_bps == 0 && w->over;
  const struct datagrams *d = &w->datagrams[host], *from = &w->datagrams[!host];
  if (all_arrive && way->delay_us + way->jitter_us + way->reorder_us == 0 && d->received - d->repeated < from->sent)
    world_fail(w, "%llu of %u datagrams over a perfect wire", (unsigned long long)(d->received - d->repeated),
               from->sent);
}

/* Over a wire without fault, sending anything twice is a stall that the timer had to end. */
static void judge_smooth(struct world *w, unsigned host)
{
  const struct yeon_counters *c = yeon_host_counters(w->host[host]);
  for (unsigned i = 0; i < w->plan->n_conns; i++) {
    if (is_rude(&w->plan->conn[i])) return; /* a reset may leave something unanswered */
  }
  if (c->tcp_rexmit_rto > 0 || c->tcp_rexmit_fast > 0)
    world_fail(w, "%s: %llu time-outs and %llu fast retransmissions over a smooth wire", host == 0 ? "a" : "b",
               (unsigned long long)c->tcp_rexmit_rto, (unsigned long long)c->tcp_rexmit_fast);
  if (w->persists > 0)
    world_fail(w, "the persist timer had to fire %llu times although everybody reads at once",
               (unsigned long long)w->persists);
}

void judge(struct world *w)
{
  for (unsigned i = 0; i < w->plan->n_conns; i++) judge_conn(w, i);
  for (unsigned i = 0; i < 2; i++) {
    judge_host(w, i);
    judge_datagrams(w, i);
    if (w->plan->smooth) judge_smooth(w, i);
  }
}

static void tally_end(struct tally *t, const struct end *e)
{
  t->bytes += e->received;
  t->aborted += e->status == END_ABORTED;
  t->half_closed += e->status == END_OK && e->plan->after_eof && e->sent > 0;
  if (e->status != END_FAILED) return;
  t->reset += e->error == YEON_ERR_RESET;
  t->timed_out += e->error == YEON_ERR_TIMED_OUT;
  t->refused += e->error == YEON_ERR_REFUSED;
  t->unreachable += e->error == YEON_ERR_HOST_UNREACHABLE || e->error == YEON_ERR_NET_UNREACHABLE;
  t->other_errors += !is_misfortune(e->error);
}

void tally_world(struct tally *t, const struct world *w)
{
  const struct plan *p = w->plan;
  t->worlds++;
  t->frames += w->frames;
  t->calm += p->calm;
  t->loops += p->loop;
  t->prompt += p->prompt;
  t->taken += w->taken > 0;
  t->smooth += p->smooth;
  t->attacks += w->attacks;
  t->small_tables += p->max_half_open || p->max_time_wait || p->max_buffer_bytes;
  t->famine += arena_refused(w->arena) > 0;
  for (unsigned i = 0; i < p->n_changes; i++) t->cut += p->change[i].kind == CHANGE_CUT;
  for (unsigned i = 0; i < p->n_conns; i++) {
    const struct end *e = w->ends[i];
    bool whole =
        e[0].status == END_OK && e[1].status == END_OK && e[0].received == e[1].sent && e[1].received == e[0].sent;
    t->conns++;
    t->whole += whole;
    t->simultaneous += whole && p->conn[i].opening == OPEN_BOTH;
    t->reused_ports += whole && i > 0 && p->conn[i].opening != OPEN_BOTH && p->conn[i].local_port != 0;
    for (unsigned k = 0; k < 2; k++) tally_end(t, &e[k]);
  }
  for (unsigned i = 0; i < 2; i++) {
    t->datagrams += w->datagrams[i].sent;
    t->datagrams_received += w->datagrams[i].received;
  }
}
