/* Segments of no connection: resets, and answers from half-open and TIME-WAIT records. They wait in a small queue for the next output. */
#include <string.h>

#include "tcp/ecn.h"

#define REPLIES_MAX 4096u
#define REPLIES_KEPT 64u /* a longer queue, once empty, goes back to the allocator */

/* The queue doubles up to its limit; beyond, an answer is lost as any segment may be. */
bool tcp_replies_grow(struct tcp *t)
{
  uint32_t cap = t->replies_cap == 0 ? 16 : t->replies_cap * 2;
  if (cap > REPLIES_MAX) return false;
  struct tcp_out *fresh = mem_alloc(t->mem, cap * sizeof *fresh);
  if (fresh == NULL) return false;
  for (uint32_t i = 0; i < t->replies_count; i++) fresh[i] = t->replies[(t->replies_first + i) % t->replies_cap];
  mem_free(t->mem, t->replies, t->replies_cap * sizeof *t->replies);
  t->replies = fresh;
  t->replies_cap = cap;
  t->replies_first = 0;
  return true;
}

struct tcp_out *tcp_reply_new(struct tcp *t, const struct tcp_key *key, uint8_t link)
{
  if (t->replies_count == t->replies_cap && !tcp_replies_grow(t)) {
    t->counters->no_memory++;
    return NULL;
  }
  struct tcp_out *o = &t->replies[(t->replies_first + t->replies_count++) % t->replies_cap];
  t->replies_on[link]++;
  memset(o, 0, sizeof *o);
  wire_tcp_init(&o->h);
  o->h.src_port = key->local_port;
  o->h.dst_port = key->remote_port;
  o->remote = key->remote;
  o->local = key->local;
  o->link = link;
  o->hop_limit = t->options.hop_limit;
  o->dont_fragment = t->options.path_mtu;
  o->segs = 1;
  return o;
}

static struct tcp_out *reply_at(const struct tcp *t, uint32_t i)
{
  return &t->replies[(t->replies_first + i) % t->replies_cap];
}

/* The oldest for this link; nearly always the first of all. */
bool tcp_reply_take(struct tcp *t, unsigned link, struct tcp_out *out)
{
  uint32_t i = 0;
  if (t->replies_on[link] == 0) return false;
  while (reply_at(t, i)->link != link) i++;
  t->replies_on[link]--;
  *out = *reply_at(t, i);
  for (; i > 0; i--) *reply_at(t, i) = *reply_at(t, i - 1);
  t->replies_first = (t->replies_first + 1) % t->replies_cap;
  t->replies_count--;
  if (t->replies_count == 0 && t->replies_cap > REPLIES_KEPT) {
    mem_free(t->mem, t->replies, t->replies_cap * sizeof *t->replies);
    t->replies = NULL;
    t->replies_cap = t->replies_first = 0;
  }
  return true;
}

void tcp_fill_class(const struct yeon_tcp *c, struct tcp_out *o)
{
  if (c->extra == NULL) return;
  if (c->extra->hop_limit != 0) o->hop_limit = c->extra->hop_limit;
  o->traffic_class = c->extra->traffic_class;
}

/* Whose choice of hop limit and class a reset bears: the connection's that would not have the segment, or of one that is bound and no more. */
static const struct yeon_tcp *owner_of(const struct tcp *t, const struct tcp_key *key)
{
  uint32_t id = tcp_find(t, key);
  if (id != 0) return tcp_kind(id) == TCP_KIND_CONN ? tcp_conn(t, id) : NULL;
  return t->options.reset_as_bound ? tcp_bound_closed(t, key) : NULL;
}

void tcp_reply_reset(struct tcp_in *in)
{
  const struct wire_tcp *h = &in->s->h;
  struct tcp_key key = tcp_key_of(in->s);
  if ((h->flags & YEON_TCP_RST) != 0) return;
  struct tcp_out *o = tcp_reply_new(in->t, &key, in->s->path.link);
  if (o == NULL) return;
  /* RFC 9293 3.5.2, group 1: numbers that make it acceptable to whoever sent the offending segment. */
  if ((h->flags & YEON_TCP_ACK) != 0) {
    o->h.seq = h->ack;
    o->h.flags = YEON_TCP_RST;
  } else {
    o->h.ack = h->seq + in->s->len + ((h->flags & YEON_TCP_SYN) != 0) + ((h->flags & YEON_TCP_FIN) != 0);
    o->h.flags = YEON_TCP_RST | YEON_TCP_ACK;
  }
  const struct yeon_tcp *owner = owner_of(in->t, &key);
  if (owner != NULL) tcp_fill_class(owner, o);
  in->t->counters->tcp_rst_out++;
}

void tcp_send_refusal(struct yeon_tcp *c, uint32_t seq)
{
  struct tcp_out *o = tcp_reply_new(c->t, &c->record.key, c->link);
  if (o == NULL) return;
  o->h.seq = seq;
  o->h.flags = YEON_TCP_RST;
  tcp_fill_class(c, o);
  c->t->counters->tcp_rst_out++;
}

void tcp_send_reset(struct yeon_tcp *c, yeon_time now)
{
  /* States whose peer might still believe in the connection (RFC 9293 3.10.5). */
  switch ((enum yeon_tcp_state)c->state) {
  case YEON_TCP_CLOSED:
  case YEON_TCP_LISTEN:
  case YEON_TCP_SYN_SENT:
  case YEON_TCP_TIME_WAIT: return;
  default: break;
  }
  struct tcp_out *o = tcp_reply_new(c->t, &c->record.key, c->link);
  if (o == NULL) return;
  /* A sequence number the peer will take: not beyond the window it announced. */
  uint32_t edge = c->snd_una + c->snd_wnd;
  o->h.seq = seq_gt(c->snd_max, edge) && seq_ge(edge, c->snd_una) ? edge : c->snd_max;
  o->h.ack = c->rcv_nxt;
  o->h.flags = YEON_TCP_RST | YEON_TCP_ACK;
  if (c->t->options.linux_reset) o->h.window = tcp_window_announce(c);
  o->conn = c->id;
  tcp_fill_class(c, o);
  if (c->record.ecn != 0) tcp_ecn_fill_reset(c, o);
  /* RFC 7323 5.2: once agreed, the reset of an abort carries timestamps too. */
  if ((c->flags & TCP_F_TS) != 0) {
    o->h.has_ts = true;
    o->h.tsval = tcp_ts_now(c->t, &c->record.key, now);
    o->h.tsecr = c->ts_recent;
  }
  c->t->counters->tcp_rst_out++;
}
