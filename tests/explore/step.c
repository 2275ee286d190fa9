/* The steps of a world: which are possible, what each does, and how it is called. */
#include "explore.h"

#include <stdio.h>

#define ROUNDS_MOST 64 /* of a host and its program, after one step */
/* What passes before the same ports are used again: numbers and timestamps go on with the clock. (Even, for a host counts some times in
 * odd milliseconds.) */
#define TICK (2 * YEON_MS)

yeon_time next_timer(const struct world *w, unsigned side)
{
  const struct yeon_host *h = w->host[side];
  const struct tcp *t = &h->tcp;
  yeon_time next = h->ip.next_at;
  for (uint32_t n = pool_next(&t->conns, 0); n != 0; n = pool_next(&t->conns, n)) {
    enum yeon_tcp_timer which;
    yeon_time at = tcp_timer_earliest(pool_at(&t->conns, n), &which);
    if (at < next) next = (at + YEON_US - 1) / YEON_US * YEON_US; /* as the wheel has it */
  }
  for (uint32_t n = pool_next(&t->half_opens, 0); n != 0; n = pool_next(&t->half_opens, n)) {
    const struct tcp_half_open *half = pool_at(&t->half_opens, n);
    if (wheel_armed(&half->node) && half->node.deadline < next) next = half->node.deadline;
  }
  bool waits = t->time_waits.used > t->time_wait_dead;
  if (waits && tcp_time_wait_next(t) < next) next = tcp_time_wait_next(t);
  return next;
}

/* One segment from a host onto the network. */
static bool take_segment(struct world *w, unsigned side)
{
  struct yeon_frame f;
  uint8_t bytes[2048];
  w->touched |= 1u << side;
  if (yeon_host_output(w->host[side], 0, &f, 1, w->live.now) == 0) return false;
  size_t len = yeon_frame_copy(&f, bytes, sizeof bytes);
  uint32_t number = packets_keep(w->packets, bytes, (uint32_t)len);
  wire_sent(w, side, f.mark, packets_at(w->packets, number));
  w->live.net[side][w->live.n_net[side]++] = number;
  return true;
}

void settle(struct world *w, unsigned side)
{
  for (unsigned i = 0; i < ROUNDS_MOST && w->violation[0] == '\0'; i++) {
    bool reported = program_reports(w, side);
    bool room = w->live.n_net[side] < w->rules->room;
    bool sent = room && host_has_output(w->host[side], 0) && take_segment(w, side);
    if (!reported && !sent) return;
  }
  violate(w, "%c does not come to rest", "ab"[side]);
}

static void take_out(struct world *w, unsigned from, unsigned index)
{
  uint32_t *net = w->live.net[from];
  for (unsigned i = index; i + 1 < w->live.n_net[from]; i++) net[i] = net[i + 1];
  w->live.n_net[from]--;
}

/* A SYN that meets nobody, or a host whose connection is over already. */
static void before_syn(struct world *w, unsigned to)
{
  const struct program *p = &w->live.program[to];
  if (p->tcp == NULL && p->listener == NULL) w->live.troubled = true;
  if (w->live.has_origin[to]) w->live.now += TICK;
}

static void deliver(struct world *w, unsigned from, unsigned index)
{
  unsigned to = !from;
  const struct packet *p = packets_at(w->packets, w->live.net[from][index]);
  struct yeon_frame f;
  take_out(w, from, index);
  if ((p->h.flags & (YEON_TCP_SYN | YEON_TCP_ACK | YEON_TCP_RST)) == YEON_TCP_SYN) before_syn(w, to);
  wire_arrives(w, to, p);
  yeon_frame_from_bytes(&f, p->bytes, p->len);
  w->touched |= 1u << to;
  yeon_host_input(w->host[to], 0, &f, 1, w->live.now);
  settle(w, to);
  settle(w, from);
}

static void run_timer(struct world *w, unsigned side)
{
  yeon_time at = next_timer(w, side);
  if (at - w->live.now > LIFETIME) w->live.n_net[0] = w->live.n_net[1] = 0;
  if (at > w->live.now) w->live.now = at;
  w->touched |= 1u << side;
  yeon_host_input(w->host[side], 0, NULL, 0, w->live.now);
  settle(w, side);
  settle(w, !side);
}

static void take(struct world *w, uint16_t s)
{
  unsigned side = s >> 4 & 1, index = s & 15;
  struct live *l = &w->live;
  switch ((enum step_kind)(s >> 8)) {
  case STEP_CONNECT:
    if (l->program[side].connects > 0) l->now += TICK;
    program_connect(w, side);
    break;
  case STEP_WRITE: program_write(w, side); break;
  case STEP_SHUT: program_shut(w, side); break;
  case STEP_CLOSE: program_close(w, side); break;
  case STEP_ABORT: program_abort(w, side); break;
  case STEP_READ: program_read(w, side, w->rules->piece); break;
  case STEP_UNLISTEN: program_unlisten(w, side); break;
  case STEP_DELIVER:
    if (index > 0) {
      l->left.overtakes--;
      l->left.faults--;
    }
    deliver(w, side, index);
    return;
  case STEP_LOSE:
    l->left.losses--;
    l->left.faults--;
    take_out(w, side, index);
    break;
  case STEP_TWICE:
    l->left.twice--;
    l->left.faults--;
    l->net[side][l->n_net[side]] = l->net[side][index];
    l->n_net[side]++;
    return;
  case STEP_TIMER:
    l->left.timers--;
    run_timer(w, side);
    return;
  case STEP_FORGE:
    l->left.forgeries--;
    forge(w, side, index);
    break;
  case STEP_FINISH: finish(w, index != 0); return;
  case STEP_KINDS: break;
  }
  settle(w, side);
}

void step_take(struct world *w, uint16_t s)
{
  take(w, s);
  if (s >> 8 != STEP_FINISH) loss_after_step(w);
}

static unsigned calls_possible(const struct world *w, unsigned side, uint16_t *out)
{
  const struct program *p = &w->live.program[side];
  const struct rules *r = w->rules;
  unsigned n = 0;
  if (program_may_connect(w, side)) out[n++] = STEP(STEP_CONNECT, side, 0);
  if (p->listener != NULL && p->tcp == NULL && r->rude) out[n++] = STEP(STEP_UNLISTEN, side, 0);
  if (p->tcp == NULL) return n;
  enum yeon_tcp_state state = yeon_tcp_state(p->tcp);
  bool open = state == YEON_TCP_ESTABLISHED || state == YEON_TCP_CLOSE_WAIT;
  bool end_here = ring_len(p->tcp->rcv) == 0 && (p->tcp->flags & TCP_F_FIN_RECEIVED) != 0 && !p->eof;
  if (open && !p->shut && p->writes < r->writes[side]) out[n++] = STEP(STEP_WRITE, side, 0);
  if (!p->shut && (open || state == YEON_TCP_SYN_RECEIVED)) out[n++] = STEP(STEP_SHUT, side, 0);
  if (p->eof || r->rude) out[n++] = STEP(STEP_CLOSE, side, 0);
  if (r->abort) out[n++] = STEP(STEP_ABORT, side, 0);
  if (r->slow_reader && (ring_len(p->tcp->rcv) > 0 || end_here)) out[n++] = STEP(STEP_READ, side, 0);
  return n;
}

static unsigned network_possible(const struct world *w, unsigned from, uint16_t *out)
{
  const struct live *l = &w->live;
  const struct budget *left = &l->left;
  unsigned n = 0;
  for (unsigned i = 0; i < l->n_net[from]; i++) {
    if (i > 0 && l->net[from][i] == l->net[from][i - 1]) continue; /* the same */
    if (i == 0 || (left->faults > 0 && left->overtakes > 0)) out[n++] = STEP(STEP_DELIVER, from, i);
    if (left->faults == 0) continue;
    if (left->losses > 0) out[n++] = STEP(STEP_LOSE, from, i);
    if (left->twice > 0 && l->n_net[from] < ROOM_MOST) out[n++] = STEP(STEP_TWICE, from, i);
  }
  return n;
}

unsigned steps_possible(struct world *w, uint16_t out[STEPS_MOST])
{
  unsigned n = 0;
  yeon_time at[2] = {next_timer(w, 0), next_timer(w, 1)};
  for (unsigned side = 0; side < 2; side++) {
    n += calls_possible(w, side, out + n);
    n += network_possible(w, side, out + n);
    bool due = at[side] != YEON_NEVER && at[side] <= at[!side];
    if (due && w->live.left.timers > 0) out[n++] = STEP(STEP_TIMER, side, 0);
    for (unsigned i = 0; w->live.left.forgeries > 0 && i < FORGERIES; i++)
      if (forge_possible(w, side, i)) out[n++] = STEP(STEP_FORGE, side, i);
  }
  return n;
}

static const char *const kind_names[STEP_KINDS] = {"connects", "writes a piece", "ends its stream", "closes",
                                                   "resets",   "reads",          "stops listening", "arrives",
                                                   "is lost",  "is doubled",     "'s timer",        "forged",
                                                   "finish"};

char *step_describe(struct world *w, uint16_t s, char *buf, size_t size)
{
  unsigned side = s >> 4 & 1, index = s & 15;
  enum step_kind kind = (enum step_kind)(s >> 8);
  char text[200];
  if (kind == STEP_DELIVER || kind == STEP_LOSE || kind == STEP_TWICE) {
    const struct packet *p = packets_at(w->packets, w->live.net[side][index]);
    const struct wire_tcp *h = &p->h;
    snprintf(text, sizeof text, "%s%s%s%s seq %u ack %u len %u win %u", h->flags & YEON_TCP_SYN ? "SYN " : "",
             h->flags & YEON_TCP_FIN ? "FIN " : "", h->flags & YEON_TCP_RST ? "RST " : "",
             h->flags & YEON_TCP_ACK ? "ACK" : "", h->seq - w->live.origin[side],
             h->flags & YEON_TCP_ACK ? h->ack - w->live.origin[!side] : 0, p->n, h->window);
    snprintf(buf, size, "%c>%c #%u %s: %s", "ab"[side], "ab"[!side], index, kind_names[kind], text);
  } else if (kind == STEP_FORGE) {
    snprintf(buf, size, "to %c a stranger sends %s", "ab"[side], forge_name(index));
  } else if (kind == STEP_FINISH) {
    snprintf(buf, size, "from here on nothing is lost, and both %s",
             index != 0 ? "read to the end and close" : "close");
  } else if (kind == STEP_TIMER) {
    snprintf(buf, size, "%c's timer, after %.3f s", "ab"[side], (double)(next_timer(w, side) - w->live.now) / 1e9);
  } else {
    snprintf(buf, size, "%c %s", "ab"[side], kind_names[kind]);
  }
  return buf;
}
