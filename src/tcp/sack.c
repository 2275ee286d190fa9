/* Selective acknowledgment: what we tell (RFC 2018 section 4, RFC 2883), and what the peer tells, for the records of sent.c (RFC 2018 section 5).
 *
 * What came early is told as ranges. When every other segment of a window is lost there are as many ranges as segments, so the set grows; its limit is
 * 128 and one for each KB of the receive buffer. What would be one range more is dropped, and comes again. */
#include <string.h>

#include "tcp/internal.h"

/* Room for ranges in a block. */
static uint16_t room_of(const struct ring *block)
{
  uint32_t room = (ring_capacity(block) - (uint32_t)RANGES_SIZE(0)) / (uint32_t)sizeof(struct range);
  return room < UINT16_MAX ? (uint16_t)room : UINT16_MAX;
}

struct tcp_sacks *tcp_sacks(struct yeon_tcp *c)
{
  struct tcp *t = c->t;
  struct ring *block = NULL;
  uint32_t number;
  if (tcp_busy(c) == NULL || c->busy->ooo != NULL) return tcp_ooo(c);
  struct tcp_sacks *s = ring_reserve(&t->blocks, &block, 1, 0) ? pool_new(&t->sack_sets, &number) : NULL;
  if (s == NULL) {
    ring_release(&t->blocks, &block);
    t->counters->no_memory++;
    return NULL;
  }
  *s = (struct tcp_sacks){.number = number, .gap_seq = c->rcv_nxt, .gap_ts = c->ts_recent, .block = block, .set = (struct ranges *)(void *)block->data};
  ranges_init(s->set, room_of(block));
  c->busy->ooo = s;
  return s;
}

static bool grow(struct yeon_tcp *c, struct tcp_sacks *s)
{
  struct ring *wider = NULL;
  if (s->set->cap == UINT16_MAX || s->set->cap >= 128 + c->rcvbuf / 1024) return false;
  if (!ring_reserve(&c->t->blocks, &wider, 2 * ring_capacity(s->block), 0)) return false;
  memcpy(wider->data, s->set, RANGES_SIZE(s->set->n));
  ring_release(&c->t->blocks, &s->block);
  s->block = wider;
  s->set = (struct ranges *)(void *)wider->data;
  s->set->cap = room_of(wider);
  return true;
}

enum ranges_added tcp_sacks_add(struct yeon_tcp *c, uint32_t left, uint32_t right)
{
  struct tcp_sacks *s = c->busy->ooo;
  enum ranges_added added = ranges_add(s->set, left, right, NULL);
  return added == RANGES_FULL && grow(c, s) ? ranges_add(s->set, left, right, NULL) : added;
}

void tcp_sacks_free(struct yeon_tcp *c)
{
  struct tcp_sacks *s = c->busy->ooo;
  if (s == NULL) return;
  ring_release(&c->t->blocks, &s->block);
  pool_free(&c->t->sack_sets, s->number);
  c->busy->ooo = NULL;
}

static bool in_range(const struct range *r, uint32_t seq)
{
  return r != NULL && seq_le(r->left, seq) && seq_lt(seq, r->right);
}

/* The newest first, and one number a range, so that four ranges are remembered. */
void tcp_sack_remember(struct yeon_tcp *c, uint32_t seq)
{
  struct tcp_sacks *s = c->busy->ooo;
  const struct range *whole = ranges_find(s->set, seq);
  uint32_t kept[4] = {seq};
  uint8_t n = 1;
  for (unsigned i = 0; i < s->n_recent && n < 4; i++)
    if (!in_range(whole, s->recent[i])) kept[n++] = s->recent[i];
  for (unsigned i = 0; i < n; i++) s->recent[i] = kept[i];
  s->n_recent = n;
}

unsigned tcp_sack_wanted(const struct yeon_tcp *c)
{
  if ((c->flags & TCP_F_SACK) == 0) return 0;
  unsigned room = (c->flags & TCP_F_TS) != 0 ? 3 : 4;
  unsigned n = ((c->flags & TCP_F_DSACK) != 0) + (tcp_ooo(c) != NULL ? tcp_ooo(c)->set->n : 0u);
  return n < room ? n : room;
}

/* from: the first block that may not be repeated (a duplicate's stands apart, for the range that holds it is to follow it). */
static void add_block(struct wire_tcp *h, unsigned from, unsigned room, uint32_t left, uint32_t right)
{
  if (h->n_sack >= room) return;
  for (unsigned i = from; i < h->n_sack; i++)
    if (h->sack[i].left == left && h->sack[i].right == right) return;
  h->sack[h->n_sack++] = (struct yeon_sack_block){left, right};
}

/* RFC 2883 section 4: the duplicate first; RFC 2018 section 4: then the range that changed last, then the others by age. */
void tcp_sack_fill(struct yeon_tcp *c, struct wire_tcp *h)
{
  unsigned room = (c->flags & TCP_F_TS) != 0 ? 3 : 4;
  if ((c->flags & TCP_F_SACK) == 0) return;
  if ((c->flags & TCP_F_DSACK) != 0) add_block(h, 0, room, c->busy->dsack_left, c->busy->dsack_right);
  unsigned from = h->n_sack;
  const struct tcp_sacks *ooo = tcp_ooo(c);
  if (ooo == NULL) return;
  const struct ranges *set = ooo->set;
  for (unsigned i = 0; i < ooo->n_recent; i++) {
    const struct range *r = ranges_find(set, ooo->recent[i]);
    if (in_range(r, ooo->recent[i])) add_block(h, from, room, r->left, r->right);
  }
  for (unsigned i = set->n; i > 0 && h->n_sack < room; i--) add_block(h, from, room, set->v[i - 1].left, set->v[i - 1].right);
}

static bool plausible(const struct yeon_tcp *c, const struct yeon_sack_block *b)
{
  return seq_gt(b->left, c->snd_una) && seq_le(b->right, c->snd_max) && seq_lt(b->left, b->right);
}

/* RFC 2883 section 4: a first block that lies below the acknowledgment, or within the second, is of what came twice. */
static void take_duplicate(const struct wire_tcp *h, struct tcp_news *news)
{
  const struct yeon_sack_block *b = h->sack;
  if (!seq_lt(b[0].left, b[0].right)) return;
  bool below = seq_le(b[0].right, h->ack);
  bool within = h->n_sack > 1 && seq_le(b[1].left, b[0].left) && seq_le(b[0].right, b[1].right);
  if (!below && !within) return;
  news->dsack = true;
  news->dsack_left = b[0].left;
  news->dsack_right = b[0].right;
}

void tcp_sack_take(struct yeon_tcp *c, const struct tcp_in *in, struct tcp_news *news)
{
  const struct wire_tcp *h = &in->s->h;
  if ((c->flags & TCP_F_SACK) == 0 || h->n_sack == 0) return;
  take_duplicate(h, news);
  if (!tcp_outstanding(c) || c->busy == NULL) return;
  for (unsigned i = 0; i < h->n_sack; i++) {
    /* A block at or below the acknowledgment is a DSACK; it says nothing about what is missing. */
    if (!plausible(c, &h->sack[i]) || seq_le(h->sack[i].right, h->ack)) continue;
    tcp_sent_sack(c, h->sack[i].left, h->sack[i].right, news);
  }
}
