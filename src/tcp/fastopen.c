/* TCP Fast Open, the server's side (RFC 7413 4.1.2, 4.2, section 5; read 4.2.2 first).
 *
 * A SYN with a valid cookie comes from somebody who has received a segment at its address. Its data may be believed, and what is made of it is not a
 * half-open record but a connection at once: in SYN-RECEIVED, in its listener's queue, with the data in its receive buffer. The application may accept
 * it, read and write before the handshake is over; bytes written go out behind the SYN-ACK, or with it if they are ready when it leaves.
 * A SYN without a cookie costs no more than ever, and its data is left to come again.
 *
 * What a cookie does not prove is that its bearer still is at that address. So a listener has a limit of such connections in SYN-RECEIVED, beyond which
 * handshakes are ordinary ones; and one that ended by a reset goes on counting for a while, since a reset is what the true owner of a stolen address
 * sends (section 5.1). */
#include "tcp/internal.h"

#define RESETS_COUNT (60 * YEON_SEC) /* at least so long, at most twice */

struct tcp_fastopen *tcp_fastopen_of(struct yeon_tcp *c)
{
  struct tcp_extra *x = tcp_extra(c);
  if (x == NULL || x->fastopen != NULL) return x != NULL ? x->fastopen : NULL;
  x->fastopen = mem_new(c->t->mem, sizeof *x->fastopen);
  if (x->fastopen == NULL) c->t->counters->no_memory++;
  return x->fastopen;
}

void tcp_fastopen_free(struct yeon_tcp *c)
{
  if (c->extra == NULL || c->extra->fastopen == NULL) return;
  mem_free(c->t->mem, c->extra->fastopen, sizeof *c->extra->fastopen);
  c->extra->fastopen = NULL;
}

int yeon_tcp_fastopen_key(struct yeon_tcp *c, const uint8_t *key, const uint8_t *backup)
{
  struct tcp_fastopen *f = tcp_fastopen_of(c);
  if (f == NULL) return YEON_ERR_NO_MEMORY;
  tcp_cookie_keys_set(&f->keys, key, backup);
  return 0;
}

static const struct tcp_cookie_keys *keys_of(const struct tcp *t, const struct yeon_tcp *listener)
{
  const struct tcp_fastopen *f = listener->extra->fastopen;
  return f != NULL && f->keys.n > 0 ? &f->keys : &t->fastopen_keys;
}

static void begin_period(struct tcp_fastopen *f, yeon_time now)
{
  if (now - f->reset_at < RESETS_COUNT) return;
  f->reset_before = now - f->reset_at < 2 * RESETS_COUNT ? f->reset_now : 0;
  f->reset_now = 0;
  f->reset_at = now;
}

/* RFC 7413 4.2, PendingFastOpenRequests. */
static bool has_room(struct tcp_in *in, struct tcp_fastopen *f)
{
  begin_period(f, in->now);
  if ((uint64_t)f->pending + f->reset_now + f->reset_before < f->limit) return true;
  in->t->counters->tcp_fastopen_full++;
  return false;
}

/* RFC 9293 3.10.7.2 as for any SYN, into a record that is only looked at. */
static struct tcp_half_open read_syn(struct tcp_in *in, const struct yeon_tcp *listener, uint32_t iss)
{
  struct tcp_half_open h = {.record = {.kind = TCP_KIND_HALF_OPEN}};
  tcp_half_open_fill(in, listener, &h);
  h.iss = iss;
  return h;
}

static struct yeon_tcp *make_child(struct tcp_in *in, struct yeon_tcp *listener, uint32_t iss)
{
  struct tcp_half_open h = read_syn(in, listener, iss);
  struct yeon_tcp *c = tcp_half_open_promote(in, listener, &h);
  if (c == NULL) return NULL;
  struct tcp_busy *b = tcp_busy(c);
  if (b == NULL) {
    c->state = YEON_TCP_CLOSED;
    tcp_conn_free(c);
    return NULL;
  }
  c->snd_nxt = c->snd_max = iss; /* the SYN-ACK is still to go */
  b->snd_small = b->recover = iss;
  b->listener = listener->number;
  b->listener_id = (uint32_t)listener->id;
  c->max_snd_wnd = in->s->h.window;  /* RFC 7323 2.2: a SYN's is not scaled */
  c->snd_wnd = c->max_snd_wnd + 1;   /* counted from snd_una, where the SYN-ACK still stands */
  c->snd_wl1 = in->seq;
  c->snd_wl2 = iss;
  c->heard_at = in->now;
  c->flags2 |= TCP_G_FASTOPEN;
  c->flags |= TCP_F_SEND_SYN;
  /* RFC 7413 4.2.2, Server, step 6. */
  tcp_congestion_begin(c, in->now);
  return c;
}

/* RFC 7413 4.2.2, Server, step 4: the data is the application's. A FIN that comes along is left to come again. */
static void take_data(struct tcp_in *in, struct yeon_tcp *c)
{
  uint32_t room = tcp_rcv_room(c);
  in->seq++;
  in->flags &= (uint8_t) ~(YEON_TCP_SYN | YEON_TCP_FIN);
  if (in->len > room) in->len = room;
  tcp_step_text(in, c);
  if (c->rcv_nxt != c->irs + 1) c->flags2 |= TCP_G_SYN_DATA;
}

static void admit(struct tcp_in *in, struct yeon_tcp *listener, struct yeon_tcp *c)
{
  struct tcp *t = in->t;
  in->id = c->id;
  in->iss = c->iss;
  in->irs = c->irs;
  in->has_conn = true;
  c->segs_in++;
  tcp_table_add(t, c->number);
  c->flags |= TCP_F_IN_TABLE | TCP_F_ON_ACCEPT;
  tcp_list_push(t, &listener->extra->accept, c);
  listener->extra->waiting++;
  listener->extra->fastopen->pending++;
  t->counters->tcp_fastopen_in++;
  tcp_tell_state(t, &c->record.key, c->id, YEON_TCP_LISTEN, YEON_TCP_SYN_RECEIVED, YEON_CAUSE_SYN, in->now);
  take_data(in, c);
  tcp_notify(listener, YEON_ACCEPTED | YEON_READABLE);
  tcp_want_output(c);
}

static bool serves(const struct yeon_tcp *listener)
{
  const struct tcp_fastopen *f = listener->extra->fastopen;
  return (listener->t->options.fastopen & YEON_FASTOPEN_SERVER) != 0 && f != NULL && f->limit > 0;
}

static bool needs_no_cookie(const struct yeon_tcp *listener)
{
  return (listener->t->options.fastopen & YEON_FASTOPEN_SERVER_NO_COOKIE) != 0 || (listener->flags2 & TCP_G_NO_COOKIE) != 0;
}

bool tcp_fastopen_take(struct tcp_in *in, struct yeon_tcp *listener, uint32_t iss, enum tcp_fastopen_form *offer)
{
  const struct wire_tcp *h = &in->s->h;
  struct tcp_key key = tcp_key_of(in->s);
  bool option = h->has_fastopen && (!h->fastopen_experimental || in->t->options.fastopen_experimental);
  *offer = TCP_FASTOPEN_NONE;
  if (!serves(listener) || (!option && in->len == 0)) return false;
  if (!has_room(in, listener->extra->fastopen)) return false;
  enum tcp_fastopen_form form = h->fastopen_experimental ? TCP_FASTOPEN_EXPERIMENT : TCP_FASTOPEN_OPTION;
  int made_by = 0;
  if (!needs_no_cookie(listener)) {
    if (!option) return false;
    made_by = tcp_fastopen_check(in->t, keys_of(in->t, listener), &key, h);
    /* RFC 7413 4.1.2: who asks for a cookie, or brings one that is good no longer, is given one. */
    if (made_by != 0) *offer = form;
    if (h->n_cookie == 0) in->t->counters->tcp_fastopen_asked++;
    if (h->n_cookie != 0 && made_by < 0) in->t->counters->tcp_fastopen_bad++;
    if (made_by < 0) return false;
  }
  struct yeon_tcp *c = make_child(in, listener, iss);
  if (c == NULL) return false;
  c->busy->fastopen_offer = (uint8_t)*offer;
  admit(in, listener, c);
  return true;
}

void tcp_fastopen_give(const struct tcp *t, const struct yeon_tcp *listener, const struct tcp_key *key, enum tcp_fastopen_form form,
                       struct wire_tcp *h)
{
  if (form == TCP_FASTOPEN_NONE) return;
  h->has_fastopen = true;
  h->fastopen_experimental = form == TCP_FASTOPEN_EXPERIMENT;
  h->n_cookie = TCP_COOKIE_SIZE;
  tcp_fastopen_cookie(t, &keys_of(t, listener)->key[0], key, h->cookie);
}

/* Who counts a connection as pending; NULL: it is gone. */
static struct yeon_tcp *listener_of(const struct yeon_tcp *c)
{
  const struct tcp_busy *b = c->busy;
  if (!pool_live(&c->t->conns, b->listener)) return NULL;
  struct yeon_tcp *l = tcp_conn(c->t, b->listener);
  return (uint32_t)l->id == b->listener_id && l->state == YEON_TCP_LISTEN ? l : NULL;
}

/* RFC 7413 4.2.2: a SYN-ACK that goes again has neither data nor option. */
void tcp_fastopen_on_syn_ack(const struct yeon_tcp *c, struct wire_tcp *h)
{
  const struct yeon_tcp *listener = tcp_is_early(c) && c->snd_max == c->iss ? listener_of(c) : NULL;
  if (listener != NULL) tcp_fastopen_give(c->t, listener, &c->record.key, (enum tcp_fastopen_form)c->busy->fastopen_offer, h);
}

bool tcp_fastopen_syn_again(struct tcp_in *in, struct yeon_tcp *c)
{
  const uint8_t looked_at = YEON_TCP_SYN | YEON_TCP_ACK | YEON_TCP_RST;
  if (!tcp_is_early(c) || (in->flags & looked_at) != YEON_TCP_SYN || in->seq != c->irs) return false;
  in->verdict = YEON_VERDICT_DUPLICATE;
  c->flags |= TCP_F_SEND_SYN;
  tcp_want_output(c);
  return true;
}

void tcp_fastopen_over(struct yeon_tcp *c, bool by_reset, yeon_time now)
{
  if ((c->flags & TCP_F_PASSIVE) == 0 || (c->flags2 & TCP_G_FASTOPEN) == 0) return;
  struct yeon_tcp *listener = listener_of(c);
  c->flags2 &= ~TCP_G_FASTOPEN;
  if (listener == NULL) return;
  struct tcp_fastopen *f = listener->extra->fastopen;
  f->pending--;
  begin_period(f, now);
  if (by_reset) f->reset_now++;
}
