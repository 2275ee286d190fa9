/* What must be true of every segment that leaves a host, whatever the network did before (RFC 9293 3.4, 3.8.6). */
#include "explore.h"

struct yeon_tcp *connection_of(const struct world *w, unsigned side, uint32_t id)
{
  const struct pool *p = &w->host[side]->tcp.conns;
  for (uint32_t n = pool_next(p, 0); n != 0 && id != 0; n = pool_next(p, n)) {
    struct yeon_tcp *c = pool_at(p, n);
    if (c->id == id) return c;
  }
  return NULL;
}

static uint32_t length_of(const struct packet *p)
{
  return p->n + ((p->h.flags & YEON_TCP_SYN) != 0) + ((p->h.flags & YEON_TCP_FIN) != 0);
}

static void check_payload(struct world *w, unsigned side, const struct monitor *m, const struct packet *p)
{
  const struct stream *s = &w->live.stream[side][m->generation];
  uint32_t at = p->h.seq - (s->iss + 1);
  if (seq_lt(p->h.seq, s->iss + 1) || at + p->n > s->written) {
    violate(w, "%c sends bytes %u to %u, but %u were written", "ab"[side], at, at + p->n, s->written);
    return;
  }
  for (uint32_t i = 0; i < p->n; i++)
    if (p->payload[i] != content_at(side, m->generation, at + i)) {
      violate(w, "%c sends a wrong byte at %u", "ab"[side], at + i);
      return;
    }
}

/* Nothing beyond the window that has arrived, but for the one byte (or the FIN) of a probe. */
static void check_edge(struct world *w, unsigned side, const struct monitor *m, const struct packet *p)
{
  uint32_t end = p->h.seq + p->n;
  if (!m->offered || p->n == 0 || seq_le(end, m->room)) return;
  bool probe = w->rules->probe_with_data && p->n == 1 && p->h.seq == m->room;
  if (!probe) violate(w, "%c sends %u bytes beyond the window", "ab"[side], end - m->room);
}

static void check_ack(struct world *w, unsigned side, struct monitor *m, const struct packet *p,
                      const struct yeon_tcp *c)
{
  const struct monitor *other = &w->live.monitor[!side];
  if (m->acked && seq_lt(p->h.ack, m->ack)) violate(w, "%c acknowledges less than before", "ab"[side]);
  m->ack = p->h.ack;
  if (c != NULL && other->sent && c->irs == other->iss && seq_gt(p->h.ack, other->sent_end))
    violate(w, "%c acknowledges %u more than was sent", "ab"[side], p -> h.ack - other->sent_end);
  uint32_t scale = c != NULL && (p->h.flags & YEON_TCP_SYN) == 0 ? c->rcv_wscale : 0;
  uint32_t edge = p->h.ack + ((uint32_t)p->h.window << scale);
  if (c != NULL) {
    if (m->acked && seq_lt(edge, m->edge))
      violate(w, "%c takes back %u bytes of its window", "ab"[side], m -> edge - edge);
    m->edge = edge;
  }
  m->acked = true;
}

void wire_sent(struct world *w, unsigned side, uint32_t mark, const struct packet *p)
{
  struct monitor *m = &w->live.monitor[side];
  if (p->payload == NULL) {
    violate(w, "%c sends something that is no TCP segment", "ab"[side]);
    return;
  }
  if ((p->h.flags & YEON_TCP_SYN) != 0 && !w->live.has_origin[side]) {
    w->live.has_origin[side] = true;
    w->live.origin[side] = p->h.seq;
    w->live.origin_at[side] = w->live.now;
  }
  if (mark == 0 || mark != m->id || (p->h.flags & YEON_TCP_RST) != 0) return;
  const struct yeon_tcp *c = connection_of(w, side, mark);
  uint32_t end = p->h.seq + length_of(p);
  if (!m->sent) {
    m->iss = w->live.stream[side][m->generation].iss;
    m->sent_end = end;
    m->sent = true;
  }
  if (seq_gt(end, m->sent_end)) m->sent_end = end;
  if (p->n > 0) {
    check_payload(w, side, m, p);
    check_edge(w, side, m, p);
    if (c != NULL) check_again(w, side, c, p);
  }
  if ((p->h.flags & YEON_TCP_ACK) != 0) check_ack(w, side, m, p, c);
}

/* The right edge that a segment offers, for those that are of the connection as it is now. */
void wire_arrives(struct world *w, unsigned side, const struct packet *p)
{
  struct monitor *m = &w->live.monitor[side];
  const struct yeon_tcp *c = connection_of(w, side, m->id);
  if ((p->h.flags & YEON_TCP_RST) != 0 || (p->h.flags & YEON_TCP_ACK) == 0) return;
  bool syn = (p->h.flags & YEON_TCP_SYN) != 0;
  /* A scale that is not agreed yet is not known here either: the option on the SYN tells it. */
  uint32_t edge = p->h.ack + ((uint32_t)p->h.window << (syn || c == NULL ? 0 : c->snd_wscale));
  if (!m->offered || seq_gt(edge, m->room)) m->room = edge;
  m->offered = true;
}
