/* Local ports: who holds one, and which to choose (RFC 6056). Endpoints that were bound, what a listener accepted, and their TIME-WAITs
 * count in a table of use counts, made in pages of 256 ports as needed. An active open on a port of its own choice holds nothing but its
 * four-tuple: a listener may have the same port, for no segment fits both. */
#include <string.h>

#include "tcp/internal.h"

#define PAGE_BYTES (256 * sizeof(uint32_t))

static uint32_t *use_count(const struct tcp *t, uint16_t port)
{
  uint32_t *page = t->port_use[port >> 8];
  return page == NULL ? NULL : &page[port & 255];
}

bool tcp_port_hold(struct tcp *t, uint16_t port)
{
  if (t->port_use[port >> 8] == NULL) {
    t->port_use[port >> 8] = mem_new(t->mem, PAGE_BYTES);
    if (t->port_use[port >> 8] == NULL) return false;
  }
  ++*use_count(t, port);
  return true;
}

void tcp_port_drop(struct tcp *t, uint16_t port)
{
  uint32_t *count = use_count(t, port);
  assert(count != NULL && *count > 0);
  --*count;
}

uint32_t tcp_port_users(const struct tcp *t, uint16_t port)
{
  const uint32_t *count = use_count(t, port);
  return count == NULL ? 0 : *count;
}

void tcp_ports_fini(struct tcp *t)
{
  for (unsigned i = 0; i < 256; i++) mem_free(t->mem, t->port_use[i], PAGE_BYTES);
}

/* RFC 6056 3.3.3, algorithm 3: a secret hash of the destination gives the start, a counter moves on. An active open wants a free
 * four-tuple; a bind (remote_port 0) a port nobody uses. */
uint16_t tcp_choose_port(struct tcp *t, const struct tcp_key *key)
{
  uint32_t first = t->options.port_first, range = (uint32_t)t->options.port_last - first + 1;
  struct tcp_key k = *key;
  k.local_port = 0;
  uint32_t offset = (uint32_t)hash_sip24(&t->key_port, &k, TCP_KEY_SIZE);
  for (uint32_t i = 0; i < range; i++) {
    k.local_port = (uint16_t)(first + (offset + t->port_offset++) % range);
    if (key->remote_port == 0) {
      if (tcp_port_users(t, k.local_port) == 0) return k.local_port;
    } else if (tcp_find(t, &k) == 0 && !tcp_port_bound(t, k.local_port)) {
      return k.local_port;
    }
  }
  return 0;
}

bool tcp_local_is4(const struct tcp *t, uint16_t local)
{
  if (local >= TCP_LOCAL_ANY6) return local == TCP_LOCAL_ANY4;
  return yeon_ip_is4(&(*t->locals)[local]);
}

/* Do two local addresses, of which either may be a wildcard, share traffic? */
static bool overlap(const struct tcp *t, uint16_t a, uint16_t b)
{
  if (a == b || a == TCP_LOCAL_ANY || b == TCP_LOCAL_ANY) return true;
  if (a < TCP_LOCAL_ANY6 && b < TCP_LOCAL_ANY6) return false;
  return tcp_local_is4(t, a) == tcp_local_is4(t, b);
}

bool tcp_port_bound(const struct tcp *t, uint16_t port)
{
  if (tcp_port_users(t, port) == 0) return false;
  for (const struct yeon_tcp *b = t->bound; b != NULL; b = b->extra->bound_next)
    if (b->record.key.local_port == port) return true;
  return false;
}

const struct yeon_tcp *tcp_bound_closed(const struct tcp *t, const struct tcp_key *key)
{
  if (tcp_port_users(t, key->local_port) == 0) return NULL;
  for (const struct yeon_tcp *b = t->bound; b != NULL; b = b->extra->bound_next)
    if (b->state == YEON_TCP_CLOSED && b->record.key.local_port == key->local_port &&
        overlap(t, b->record.key.local, key->local))
      return b;
  return NULL;
}

static bool may_share(const struct yeon_tcp *a, const struct yeon_tcp *b)
{
  if ((a->flags2 & b->flags2 & TCP_G_REUSEPORT) != 0) return true;
  return (a->flags2 & b->flags2 & TCP_G_REUSEADDR) != 0 && a->state != YEON_TCP_LISTEN && b->state != YEON_TCP_LISTEN;
}

/* 0, or YEON_ERR_IN_USE. Only endpoints that were bound are looked at one by one; connections count by their port. */
int tcp_bind_conflict(const struct yeon_tcp *c, uint16_t local, uint16_t port)
{
  uint32_t users = tcp_port_users(c->t, port), bound = 0;
  for (const struct yeon_tcp *b = c->t->bound; b != NULL && users > 0; b = b->extra->bound_next) {
    if (b->record.key.local_port != port || b == c) continue;
    bound++;
    if (overlap(c->t, b->record.key.local, local) && !may_share(c, b)) return YEON_ERR_IN_USE;
  }
  uint32_t connections = users - bound - ((c->flags & TCP_F_HOLDS_PORT) != 0);
  return connections > 0 && (c->flags2 & TCP_G_REUSEADDR) == 0 ? YEON_ERR_IN_USE : 0;
}

static void link_bound(struct yeon_tcp *c)
{
  struct tcp *t = c->t;
  struct tcp_extra *x = c->extra;
  x->bound_next = t->bound;
  x->bound_prev = &t->bound;
  if (t->bound != NULL) t->bound->extra->bound_prev = &x->bound_next;
  t->bound = c;
  c->flags2 |= TCP_G_BOUND;
}

void tcp_unbind(struct yeon_tcp *c)
{
  struct tcp_extra *x = c->extra;
  if ((c->flags2 & TCP_G_BOUND) == 0) return;
  *x->bound_prev = x->bound_next;
  if (x->bound_next != NULL) x->bound_next->extra->bound_prev = x->bound_prev;
  c->flags2 &= ~TCP_G_BOUND;
}

int tcp_bind(struct yeon_tcp *c, uint16_t local, uint16_t port, yeon_time now)
{
  int error = 0;
  if (c->state != YEON_TCP_CLOSED || (c->flags2 & TCP_G_BOUND) != 0 || tcp_was_used(c)) return YEON_ERR_INVALID;
  if (tcp_extra(c) == NULL) return YEON_ERR_NO_MEMORY;
  if (local == TCP_LOCAL_ANY && (c->flags2 & TCP_G_V6ONLY) != 0) local = TCP_LOCAL_ANY6;
  if (port == 0) {
    struct tcp_key key = {.local = local};
    port = tcp_choose_port(c->t, &key);
    if (port == 0) error = YEON_ERR_NO_PORTS;
  } else {
    error = tcp_bind_conflict(c, local, port);
  }
  if (error == 0 && !tcp_port_hold(c->t, port)) error = YEON_ERR_NO_MEMORY;
  if (error == 0) {
    c->record.key.local = local;
    c->record.key.local_port = port;
    c->flags |= TCP_F_HOLDS_PORT;
    link_bound(c);
  }
  tcp_trace_call(c, YEON_CALL_BIND, port, error, now);
  return error;
}

uint16_t tcp_bound_local(const struct yeon_tcp *c) { return c->record.key.local; }
