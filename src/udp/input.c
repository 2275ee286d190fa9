/* Arriving datagrams and errors: which endpoint they are for. A connected endpoint goes before one bound to the address, that before one bound
 * to any address of the family, that before one of both families. A datagram to a group or broadcast address goes to all. */
#include "udp/internal.h"

bool udp_local_fits(const struct yeon_udp *s, const struct yeon_ip *to)
{
  if (memcmp(&s->local.ip, to, sizeof *to) == 0) return true;
  if (!yeon_ip_is_any(&s->local.ip)) return false;
  bool four = wire_ip_is4(to);
  return wire_ip_is4(&s->local.ip) == four || (four && !(s->flags & UDP_V6ONLY));
}

static bool is_peer(const struct yeon_udp *s, uint16_t port, const struct yeon_addr *remote)
{
  return s->flags & UDP_CONNECTED && s->local.port == port && s->remote.port == remote->port &&
         memcmp(&s->remote.ip, &remote->ip, sizeof remote->ip) == 0;
}

/* 0: does not match; else the more the better. */
static int rate(const struct yeon_udp *s, const struct yeon_addr *to)
{
  if (s->flags & UDP_CONNECTED || s->local.port != to->port || !udp_local_fits(s, &to->ip)) return 0;
  if (!yeon_ip_is_any(&s->local.ip)) return 3;
  return wire_ip_is4(&s->local.ip) == wire_ip_is4(&to->ip) ? 2 : 1;
}

static struct yeon_udp *find_connected(const struct udp *u, const struct yeon_addr *to, const struct yeon_addr *from)
{
  if (!udp_connected_on(u, to->port)) return NULL;
  for (uint32_t i = table_first(&u->table, udp_hash_peer(u, to->port, from)); i;) {
    struct yeon_udp *s = udp_at(u, i);
    if (is_peer(s, to->port, from) && udp_local_fits(s, &to->ip)) return s;
    i = s->chain;
  }
  return NULL;
}

static struct yeon_udp *find_bound(const struct udp *u, const struct yeon_addr *to)
{
  struct yeon_udp *best = NULL;
  int best_rate = 0;
  for (uint32_t i = table_first(&u->table, udp_hash_port(u, to->port)); i;) {
    struct yeon_udp *s = udp_at(u, i);
    int r = rate(s, to);
    if (r > best_rate) {
      best = s;
      best_rate = r;
    }
    i = s->chain;
  }
  return best;
}

static void tell(const struct udp *u, const struct yeon_udp *s, const struct udp_in *in, yeon_time now)
{
  struct yeon_event e = event_make(u->events, YEON_EV_DATAGRAM_IN, now);
  e.conn = s->id;
  e.local = in->to;
  e.remote = in->from;
  e.u.datagram.len = in->len;
  e.u.datagram.checksum_absent = in->no_checksum;
  event_emit(u->events, &e);
}

/* Appends to the receive ring: the record, then the payload from its slices. */
static void append(struct yeon_udp *s, const struct udp_in *in)
{
  struct udp_record r;
  memset(&r, 0, sizeof r);
  r.from = in->from;
  r.to = in->to;
  r.len = in->len;
  uint32_t at = s->rcv->len, skip = in->skip, left = in->len;
  ring_write(s->rcv, at, &r, sizeof r);
  at += (uint32_t)sizeof r;
  for (uint32_t i = 0; i < in->n_slices && left > 0; i++) {
    uint32_t have = (uint32_t)in->slice[i].len;
    if (skip >= have) {
      skip -= have;
      continue;
    }
    uint32_t part = have - skip < left ? have - skip : left;
    ring_write(s->rcv, at, (const uint8_t *)in->slice[i].base + skip, part);
    at += part;
    left -= part;
    skip = 0;
  }
  s->rcv->len = at;
}

static void take_in(struct udp *u, struct yeon_udp *s, const struct udp_in *in, yeon_time now)
{
  uint32_t held = ring_len(s->rcv), need = (uint32_t)sizeof(struct udp_record) + in->len;
  bool too_much = held != 0 && held + need > s->rcvbuf; /* an empty queue takes one of any size */
  if (too_much || !ring_reserve(u->rings, &s->rcv, held + need, held)) {
    IP_DROP(u->ip, udp_no_room, in->len, now);
    return;
  }
  append(s, in);
  if (event_wanted(u->events, YEON_EV_DATAGRAM_IN)) tell(u, s, in, now);
  udp_notify(s, YEON_READABLE);
}

static bool input_to_many(struct udp *u, const struct udp_in *in, yeon_time now)
{
  bool found = false;
  for (uint32_t i = table_first(&u->table, udp_hash_port(u, in->to.port)); i;) {
    struct yeon_udp *s = udp_at(u, i);
    i = s->chain;
    if (!rate(s, &in->to)) continue;
    take_in(u, s, in, now);
    found = true;
  }
  for (uint32_t i = udp_connected_on(u, in->to.port) ? table_first(&u->table, udp_hash_peer(u, in->to.port, &in->from))
                                                     : 0;
       i;) {
    struct yeon_udp *s = udp_at(u, i);
    i = s->chain;
    if (!is_peer(s, in->to.port, &in->from)) continue;
    take_in(u, s, in, now);
    found = true;
  }
  return found;
}

bool udp_input(struct udp *u, const struct udp_in *in, yeon_time now)
{
  if (in->to_many) return input_to_many(u, in, now);
  struct yeon_udp *s = find_connected(u, &in->to, &in->from);
  if (!s) s = find_bound(u, &in->to);
  if (!s) return false;
  take_in(u, s, in, now);
  return true;
}

/* RFC 1122 4.1.3.3. An unconnected endpoint could not tell which of its datagrams was meant, so it is not troubled; but it does
 * vouch that the datagram may have been ours. */
bool udp_error(struct udp *u, const struct ip_error *e)
{
  struct yeon_addr remote = {e->remote, e->remote_port};
  struct yeon_addr local = {*ip_local_at(u->ip, e->local), e->local_port};
  struct yeon_udp *s = find_connected(u, &local, &remote);
  if (!s) return find_bound(u, &local) != NULL;
  if (!e->mtu || s->flags & UDP_DONT_FRAGMENT) udp_fail(s, e->error);
  return true;
}

int64_t yeon_udp_recv(struct yeon_udp *udp, void *buf, size_t size, struct yeon_addr *from, struct yeon_addr *to,
                      size_t *full_len)
{
  struct udp_record r;
  if (!buf && size > 0) return YEON_ERR_INVALID;
  if (udp->error) return yeon_udp_take_error(udp);
  if (!ring_len(udp->rcv)) return YEON_ERR_AGAIN;
  ring_read(udp->rcv, 0, &r, sizeof r);
  uint32_t n = r.len < size ? r.len : (uint32_t)size;
  if (n) ring_read(udp->rcv, sizeof r, buf, n);
  if (from) *from = r.from;
  if (to) *to = r.to;
  if (full_len) *full_len = r.len;
  ring_drop(udp->rcv, (uint32_t)sizeof r + r.len);
  if (!ring_len(udp->rcv)) ring_release(udp->udp->rings, &udp->rcv);
  return n;
}
