/* What an onlooker learns of a connection from the segments that pass: both initial sequence numbers, how far each end has sent, the
 * window scale that both offered. */
#include <stdlib.h>
#include <string.h>

#include "base/seq.h"
#include "watch/ladder.h"

#define CONNS_MAX 65536u

static bool addr_equal(const struct yeon_addr *a, const struct yeon_addr *b)
{
  return a->port == b->port && yeon_ip_equal(&a->ip, &b->ip);
}

static void start(struct yeon_ladder *l, struct ladder_conn *c, const struct yeon_addr *left,
                  const struct yeon_addr *right)
{
  memset(c, 0, sizeof *c);
  c->end[0] = *left;
  c->end[1] = *right;
  c->number = ++l->n_numbers;
  for (unsigned side = 0; side < 2; side++) {
    c->wscale[side] = -1;
    c->established_at[side] = YEON_NEVER;
    c->timer_at[side] = YEON_NEVER;
  }
}

struct ladder_conn *ladder_conn_find(struct yeon_ladder *l, const struct yeon_addr *left, const struct yeon_addr *right)
{
  for (uint32_t i = l->n_conns; i > 0; i--) {
    struct ladder_conn *c = &l->conns[i - 1];
    if (addr_equal(&c->end[0], left) && addr_equal(&c->end[1], right)) return c;
  }
  if (l->n_conns == l->cap_conns) {
    uint32_t cap = l->cap_conns == 0 ? 8 : l->cap_conns * 2;
    struct ladder_conn *grown = cap <= CONNS_MAX ? realloc(l->conns, cap * sizeof *grown) : NULL;
    if (grown == NULL) {
      l->no_memory++;
      return NULL;
    }
    l->conns = grown;
    l->cap_conns = cap;
  }
  struct ladder_conn *c = &l->conns[l->n_conns++];
  start(l, c, left, right);
  return c;
}

/* A SYN with another number: the ports are used again by a new connection. */
static void learn_syn(struct yeon_ladder *l, struct ladder_conn *c, unsigned side, const struct wire_tcp *h)
{
  if (c->has_iss[side] && c->iss[side] != h->seq) {
    struct yeon_addr left = c->end[0], right = c->end[1];
    uint8_t state[2] = {c->state[0], c->state[1]};
    start(l, c, &left, &right);
    memcpy(c->state, state, sizeof state);
  }
  if (!c->has_iss[side]) c->top[side] = h->seq;
  c->iss[side] = h->seq;
  c->has_iss[side] = true;
  c->wscale[side] = h->wscale;
}

bool ladder_conn_sent(struct yeon_ladder *l, struct ladder_conn *c, unsigned side, const struct wire_tcp *h,
                      uint32_t len)
{
  if ((h->flags & YEON_TCP_SYN) != 0) learn_syn(l, c, side, h);
  uint32_t occupies = len + ((h->flags & YEON_TCP_SYN) != 0) + ((h->flags & YEON_TCP_FIN) != 0);
  if ((h->flags & YEON_TCP_RST) != 0) return false;
  if (!c->has_iss[side]) {
    /* The ladder began after the connection: count as if this were its first byte. */
    c->iss[side] = h->seq - 1;
    c->top[side] = h->seq;
    c->has_iss[side] = true;
  }
  bool again = occupies > 0 && seq_lt(h->seq, c->top[side]);
  c->top[side] = seq_max(c->top[side], h->seq + occupies);
  return again;
}

uint32_t ladder_conn_show(const struct yeon_ladder *l, const struct ladder_conn *c, unsigned side, uint32_t seq)
{
  bool relative = c->has_iss[side] && (l->config.flags & YEON_LADDER_ABSOLUTE) == 0;
  return relative ? seq - c->iss[side] : seq;
}

uint32_t ladder_conn_window(const struct ladder_conn *c, unsigned side, const struct wire_tcp *h)
{
  bool scaled = (h->flags & YEON_TCP_SYN) == 0 && c->wscale[0] >= 0 && c->wscale[1] >= 0;
  return scaled ? (uint32_t)h->window << c->wscale[side] : h->window;
}
