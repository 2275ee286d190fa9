/* What must hold in every state, whatever happened before (RFC 9293 3.3.1, 3.4, 3.8). */
#include "explore.h"

#define IN(s) (1u << YEON_TCP_##s)

/* The states in which the other end of the same connection can be. A state's name tells what a segment must have crossed: FIN-WAIT-2 that our FIN
 * has arrived, CLOSE-WAIT that the other's has been sent, and so on (RFC 9293 3.3.2, 3.6). Where a connection is over, anything goes. */
static const uint16_t partners[YEON_TCP_STATES] = {
    [YEON_TCP_SYN_SENT] = IN(SYN_SENT) | IN(SYN_RECEIVED),
    [YEON_TCP_SYN_RECEIVED] = IN(SYN_SENT) | IN(SYN_RECEIVED) | IN(ESTABLISHED) | IN(FIN_WAIT_1),
    [YEON_TCP_ESTABLISHED] = IN(SYN_RECEIVED) | IN(ESTABLISHED) | IN(FIN_WAIT_1),
    [YEON_TCP_FIN_WAIT_1] =
        IN(SYN_RECEIVED) | IN(ESTABLISHED) | IN(FIN_WAIT_1) | IN(CLOSE_WAIT) | IN(LAST_ACK) | IN(CLOSING),
    [YEON_TCP_FIN_WAIT_2] = IN(CLOSE_WAIT) | IN(LAST_ACK) | IN(CLOSING),
    [YEON_TCP_CLOSE_WAIT] = IN(FIN_WAIT_1) | IN(FIN_WAIT_2),
    [YEON_TCP_CLOSING] = IN(FIN_WAIT_1) | IN(FIN_WAIT_2) | IN(CLOSING) | IN(TIME_WAIT),
    [YEON_TCP_LAST_ACK] = IN(FIN_WAIT_1) | IN(FIN_WAIT_2) | IN(TIME_WAIT),
    [YEON_TCP_TIME_WAIT] = IN(CLOSING) | IN(LAST_ACK) | IN(TIME_WAIT)};

static const struct tcp_half_open *half_of(const struct world *w, unsigned side)
{
  const struct pool *p = &w->host[side]->tcp.half_opens;
  uint32_t n = pool_next(p, 0);
  return n == 0 ? NULL : pool_at(p, n);
}

static bool waits(const struct world *w, unsigned side)
{
  const struct tcp *t = &w->host[side]->tcp;
  return t->time_waits.used > t->time_wait_dead;
}

enum yeon_tcp_state state_of(const struct world *w, unsigned side)
{
  const struct yeon_tcp *c = connection_of(w, side, w->live.monitor[side].id);
  if (c != NULL && c->state != YEON_TCP_CLOSED) return (enum yeon_tcp_state)c->state;
  if (half_of(w, side) != NULL) return YEON_TCP_SYN_RECEIVED;
  if (waits(w, side)) return YEON_TCP_TIME_WAIT;
  return w->live.program[side].listener != NULL ? YEON_TCP_LISTEN : YEON_TCP_CLOSED;
}

static bool knows(const struct yeon_tcp *c, const struct yeon_tcp *d)
{
  return c->state == YEON_TCP_SYN_SENT || c->irs == d->iss;
}

/* Whether the two sides' records are of one and the same connection. */
static bool are_partners(const struct world *w, const struct yeon_tcp *c, const struct yeon_tcp *d)
{
  if (c != NULL && d != NULL) return knows(c, d) && knows(d, c);
  const struct yeon_tcp *known = c != NULL ? c : d;
  unsigned other = c != NULL ? 1 : 0;
  if (known == NULL || known->state == YEON_TCP_CLOSED) return false;
  const struct tcp_half_open *half = half_of(w, other);
  if (half != NULL) return half->irs == known->iss && (known->state == YEON_TCP_SYN_SENT || half->iss == known->irs);
  return waits(w, other) && w->live.monitor[0].generation == w->live.monitor[1].generation;
}

static void check_pair(struct world *w, const struct yeon_tcp *c, const struct yeon_tcp *d)
{
  if (!are_partners(w, c, d)) return;
  enum yeon_tcp_state a = state_of(w, 0), b = state_of(w, 1);
  if (partners[a] == 0 || partners[b] == 0) return;
  if ((partners[a] >> b & 1) == 0 || (partners[b] >> a & 1) == 0)
    violate(w, "one end in %s, the other in %s", yeon_tcp_state_name(a), yeon_tcp_state_name(b));
}

/* What one end believes of the other. */
static void check_beliefs(struct world *w, unsigned side, const struct yeon_tcp *c, const struct yeon_tcp *d)
{
  if (c->state < YEON_TCP_SYN_RECEIVED || d->state == YEON_TCP_CLOSED || c->irs != d->iss) return;
  if (seq_gt(c->rcv_nxt, d->snd_max)) violate(w, "%c has received what was never sent", "ab"[side]);
  if (d->state < YEON_TCP_SYN_RECEIVED || d->irs != c->iss) return;
  if (seq_gt(c->snd_una, d->rcv_nxt)) violate(w, "%c takes for acknowledged what has not arrived", "ab"[side]);
}

static void check_numbers(struct world *w, unsigned side, const struct yeon_tcp *c)
{
  const struct stream *s = &w->live.stream[side][w->live.monitor[side].generation];
  if (!seq_le(c->snd_una, c->snd_nxt) || !seq_le(c->snd_nxt, c->snd_max))
    violate(w, "%c: SND.UNA, SND.NXT and highest sent are not in order", "ab"[side]);
  if (c->state < YEON_TCP_ESTABLISHED) return;
  uint32_t fin = (c->flags & TCP_F_FIN_SENT) != 0;
  if (c->snd_max - (c->iss + 1) > s->written + fin) violate(w, "%c has sent more than was written", "ab"[side]);
  if (fin != 0 && c->snd_fin != c->iss + 1 + s->written)
    violate(w, "%c: FIN does not stand behind the last byte", "ab"[side]);
  if (seq_gt(c->rcv_nxt, c->rcv_adv))
    violate(w, "%c has accepted %u beyond its window", "ab"[side], c -> rcv_nxt - c -> rcv_adv);
}

static bool content_ok(const struct ring *r, uint32_t offset, uint32_t len, unsigned from, unsigned generation,
                       uint32_t position)
{
  struct yeon_slice part[2];
  unsigned n = ring_slices(r, offset, len, part);
  for (unsigned k = 0; k < n; k++) {
    const uint8_t *p = part[k].base;
    for (size_t i = 0; i < part[k].len; i++)
      if (p[i] != content_at(from, generation, position++)) return false;
  }
  return true;
}

/* Bytes that wait to be read, and those that came out of order. */
static void check_received(struct world *w, unsigned side, const struct yeon_tcp *c)
{
  const struct program *p = &w->live.program[side];
  const struct tcp_sacks *ooo = tcp_ooo(c);
  uint32_t queued = ring_len(c->rcv);
  if (p->tcp != c || c->state < YEON_TCP_ESTABLISHED) return;
  uint32_t arrived = c->rcv_nxt - (c->irs + 1) - ((c->flags & TCP_F_FIN_RECEIVED) != 0);
  if (arrived != p->received + queued)
    violate(w, "%c: %u bytes arrived, %u read, %u wait", "ab"[side], arrived, p -> received, queued);
  if (!content_ok(c->rcv, 0, queued, !side, p->generation, p->received))
    violate(w, "%c: a byte that waits is wrong", "ab"[side]);
  for (unsigned i = 0; ooo != NULL && i < ooo->set->n; i++) {
    const struct range *r = &ooo->set->v[i];
    uint32_t ahead = r->left - c->rcv_nxt;
    if (!content_ok(c->rcv, queued + ahead, r->right - r->left, !side, p->generation, arrived + ahead))
      violate(w, "%c: a byte that came out of order is wrong", "ab"[side]);
  }
}

static bool unsent(const struct yeon_tcp *c)
{
  bool sends = c->state >= YEON_TCP_ESTABLISHED && c->state != YEON_TCP_FIN_WAIT_2 && c->state != YEON_TCP_TIME_WAIT;
  bool fin = (c->flags & TCP_F_FIN_QUEUED) != 0 && (c->flags & TCP_F_FIN_SENT) == 0;
  return sends && (fin || seq_lt(c->snd_max, tcp_snd_end(c)));
}

static void check_timers(struct world *w, unsigned side, const struct yeon_tcp *c)
{
  bool resends = tcp_rexmit_on(c) || tcp_timer_on(c, YEON_TIMER_PERSIST);
  bool stays = tcp_timer_on(c, YEON_TIMER_TIME_WAIT);
  enum yeon_tcp_timer which;
  if (c->timers != 0 && (!wheel_armed(&c->node) || c->node.deadline >= tcp_timer_earliest(c, &which) + YEON_US)) /* the wheel turns by microseconds */
    violate(w, "%c: the wheel does not know of a timer", "ab"[side]);
  if (c->state == YEON_TCP_TIME_WAIT && !stays) violate(w, "%c: TIME-WAIT without end", "ab"[side]);
  if ((c->flags & TCP_F_ON_OUT) != 0) return; /* it will say it as soon as the network takes it */
  if (c->state == YEON_TCP_FIN_WAIT_2 && (c->flags & TCP_F_ORPHAN) != 0 && !stays)
    violate(w, "%c: nobody's FIN-WAIT-2 without end", "ab"[side]);
  if (c->state == YEON_TCP_TIME_WAIT) return;
  if (tcp_outstanding(c) && !resends) violate(w, "%c: something is outstanding and no timer runs", "ab"[side]);
  if (unsent(c) && !resends && !tcp_timer_on(c, YEON_TIMER_PACE)) violate(w, "%c: bytes wait to be sent and no timer runs", "ab"[side]);
  bool owes = c->rcv_nxt != c->last_ack && c->state >= YEON_TCP_ESTABLISHED;
  if (owes && !tcp_timer_on(c, YEON_TIMER_DELACK))
    violate(w, "%c: an acknowledgment is owed and no timer runs", "ab"[side]);
  if ((c->flags & TCP_F_ACK_NOW) != 0) violate(w, "%c: an acknowledgment is due and does not leave", "ab"[side]);
}

/* RFC 9293 3.8.6.2.2: room that is worth telling has been told. */
static void check_window(struct world *w, unsigned side, const struct yeon_tcp *c)
{
  bool receives =
      c->state == YEON_TCP_ESTABLISHED || c->state == YEON_TCP_FIN_WAIT_1 || c->state == YEON_TCP_FIN_WAIT_2;
  if (!receives || (c->flags & TCP_F_ON_OUT) != 0 || ring_len(c->rcv) > 0) return;
  if (tcp_rcv_wnd(c) < c->rcvbuf / 4)
    violate(w, "%c: all is read and the window stays at %u", "ab"[side], tcp_rcv_wnd(c));
}

/* Send buffers of connections that are gone, of which the network was given slices. */
static uint64_t buried(const struct tcp *t)
{
  uint64_t bytes = 0;
  for (const struct ring *r = t->buried; r != NULL; r = ring_aside_next(r)) bytes += ring_capacity(r);
  return bytes;
}

/* What a host's books say, against what is there. */
static void check_books(struct world *w, unsigned side)
{
  const struct yeon_host *h = w->host[side];
  const struct tcp *t = &h->tcp;
  const struct program *p = &w->live.program[side];
  uint64_t rings = buried(t), blocks = 0;
  uint32_t busies = 0, extras = 0, sacks = 0, held = 0, known = 0;
  for (uint32_t n = pool_next(&t->conns, 0); n != 0; n = pool_next(&t->conns, n)) {
    const struct yeon_tcp *c = pool_at(&t->conns, n);
    rings += ring_capacity(c->snd) + ring_capacity(c->rcv);
    busies += c->busy != NULL;
    extras += c->extra != NULL;
    sacks += tcp_ooo(c) != NULL;
    if (tcp_ooo(c) != NULL) blocks += ring_capacity(tcp_ooo(c)->block);
    if (c->busy != NULL) blocks += ring_capacity(c->busy->sent.block);
    held += (c->flags & (TCP_F_ORPHAN | TCP_F_ON_ACCEPT)) == 0;
    known += (c->flags & TCP_F_IN_TABLE) != 0;
  }
  known += t->half_opens.used + t->time_waits.used - t->time_wait_dead;
  if (rings != h->rings.used || blocks != t->blocks.used) violate(w, "%c: a buffer is lost", "ab"[side]);
  if (busies != t->busies.used || extras != t->extras.used || sacks != t->sack_sets.used)
    violate(w, "%c: a record is lost", "ab"[side]);
  if (held != (p->tcp != NULL ? 1u : 0u) + (p->listener != NULL ? 1u : 0u))
    violate(w, "%c: an endpoint is lost", "ab"[side]);
  if (known != t->table.count) violate(w, "%c: the table and the records differ", "ab"[side]);
  if (h->mem.heap_bytes != region_live(w->region[side])) violate(w, "%c: the account of memory is wrong", "ab"[side]);
}

static void check_counters(struct world *w, unsigned side)
{
  const struct yeon_counters *n = yeon_host_counters(w->host[side]);
  uint64_t bad = n->drop_ip_short + n->drop_ip_version + n->drop_ip_header + n->drop_ip_checksum + n->drop_ip_not_mine +
                 n->drop_ip_source + n->drop_ip_option + n->drop_ip_protocol + n->tcp_bad_header + n->tcp_bad_checksum +
                 n->tcp_bad_option + n->no_memory;
  if (bad != 0) violate(w, "%c: a whole segment was dropped as broken", "ab"[side]);
  if (n->tcp_timeout != 0 && !w->live.troubled) violate(w, "%c: a connection timed out", "ab"[side]);
}

void check_state(struct world *w)
{
  struct yeon_tcp *c[2];
  for (unsigned i = 0; i < 2; i++) {
    c[i] = connection_of(w, i, w->live.monitor[i].id);
    check_books(w, i);
    check_counters(w, i);
    if (c[i] == NULL || c[i]->state == YEON_TCP_CLOSED) continue;
    check_numbers(w, i, c[i]);
    check_received(w, i, c[i]);
    check_timers(w, i, c[i]);
    check_window(w, i, c[i]);
  }
  for (unsigned i = 0; i < 2; i++)
    if (c[i] != NULL && c[i]->state != YEON_TCP_CLOSED) check_loss(w, i, c[i], c[!i]);
  check_pair(w, c[0], c[1]);
  if (c[0] == NULL || c[1] == NULL) return;
  check_beliefs(w, 0, c[0], c[1]);
  check_beliefs(w, 1, c[1], c[0]);
}
