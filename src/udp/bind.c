/* Taking a local address and port, and fixing the peer.
 *
 * Two endpoints may share a port when their addresses can not both match one datagram, or when both say so (YEON_UDP_REUSE). A port
 * that connected endpoints hold counts as taken on every address: they are not walked to find out. Ports nobody asked for by number
 * are drawn at random, each try anew (RFC 6056); when the range is crowded, they are tried one after the other. */
#include "udp/internal.h"

static bool is_dual(const struct yeon_udp *s) { return !wire_ip_is4(&s->local.ip) && !(s->flags & UDP_V6ONLY); }

/* Could one datagram match both? */
static bool overlaps(const struct yeon_udp *a, const struct yeon_udp *b)
{
  bool any_a = yeon_ip_is_any(&a->local.ip), any_b = yeon_ip_is_any(&b->local.ip);
  bool four_a = wire_ip_is4(&a->local.ip), four_b = wire_ip_is4(&b->local.ip);
  if (four_a != four_b) return (any_a && !four_a && is_dual(a)) || (any_b && !four_b && is_dual(b));
  return any_a || any_b || memcmp(&a->local.ip, &b->local.ip, sizeof a->local.ip) == 0;
}

/* Whether s, with its local.ip set, may have this port. */
static bool port_free(const struct yeon_udp *s, uint16_t port)
{
  const struct udp *u = s->udp;
  if (!(s->flags & UDP_REUSE) && udp_connected_on(u, port)) return false;
  for (uint32_t i = table_first(&u->table, udp_hash_port(u, port)); i;) {
    const struct yeon_udp *other = udp_at(u, i);
    bool both_share = (s->flags & other->flags & UDP_REUSE) != 0;
    if (other != s && other->local.port == port && !(other->flags & UDP_CONNECTED) && !both_share && overlaps(s, other))
      return false;
    i = other->chain;
  }
  return true;
}

static uint16_t pick_port(const struct yeon_udp *s)
{
  const struct udp *u = s->udp;
  uint32_t n = (uint32_t)(u->port_last - u->port_first) + 1;
  for (int i = 0; i < 16; i++) {
    uint16_t port = (uint16_t)(u->port_first + rng_below(u->rng, n));
    if (port_free(s, port)) return port;
  }
  uint32_t start = rng_below(u->rng, n);
  for (uint32_t i = 0; i < n; i++) {
    uint16_t port = (uint16_t)(u->port_first + (start + i) % n);
    if (port_free(s, port)) return port;
  }
  return 0;
}

static int take_port(struct yeon_udp *s, uint16_t port)
{
  if (port && !port_free(s, port)) return YEON_ERR_IN_USE;
  if (!port) port = pick_port(s);
  if (!port) return YEON_ERR_NO_PORTS;
  s->local.port = port;
  s->flags |= UDP_BOUND;
  udp_enter(s);
  return 0;
}

int udp_bind_any(struct yeon_udp *s, bool four)
{
  static const struct yeon_ip both;
  if (four && s->flags & UDP_V6ONLY) return YEON_ERR_ADDRESS;
  s->local.ip = both;
  return take_port(s, 0);
}

/* A local address an endpoint may be bound to: one of ours, a group, a broadcast address, or any. */
static bool bindable(const struct udp *u, const struct yeon_ip *a)
{
  if (yeon_ip_is_any(a) || wire_ip_is_multicast(a) || ip_local_find(u->ip, a) != IP_NONE) return true;
  for (unsigned link = 0; link < u->ip->n_links; link++)
    if (ip_is_broadcast(u->ip, link, a)) return true;
  return false;
}

int yeon_udp_bind(struct yeon_udp *udp, const struct yeon_addr *local)
{
  if (udp->flags & UDP_BOUND) return YEON_ERR_INVALID;
  if (!bindable(udp->udp, &local->ip)) return YEON_ERR_ADDRESS;
  struct yeon_ip before = udp->local.ip;
  udp->local.ip = local->ip;
  int err = take_port(udp, local->port);
  if (err < 0) udp->local.ip = before;
  return err;
}

static int disconnect(struct yeon_udp *s)
{
  if (!(s->flags & UDP_CONNECTED)) return 0;
  udp_leave(s);
  s->flags = (uint16_t)(s->flags & ~UDP_CONNECTED);
  memset(&s->remote, 0, sizeof s->remote);
  if (s->flags & UDP_PICKED_LOCAL) {
    static const struct yeon_ip any6;
    s->local.ip = s->flags & UDP_WAS_SIX ? any6 : yeon_ip4(0, 0, 0, 0);
    s->flags = (uint16_t)(s->flags & ~(UDP_PICKED_LOCAL | UDP_WAS_SIX));
  }
  udp_enter(s);
  return 0;
}

/* May an endpoint bound so speak to that family? */
static bool family_fits(const struct yeon_udp *s, bool four)
{
  if (!(s->flags & UDP_BOUND) || wire_ip_is4(&s->local.ip) == four) return true;
  return four && yeon_ip_is_any(&s->local.ip) && !(s->flags & UDP_V6ONLY);
}

int yeon_udp_connect(struct yeon_udp *udp, const struct yeon_addr *remote)
{
  struct udp *u = udp->udp;
  struct ip_way way;
  if (!remote) return disconnect(udp);
  bool four = wire_ip_is4(&remote->ip);
  if (remote->port == 0) return YEON_ERR_INVALID;
  if (!family_fits(udp, four)) return YEON_ERR_ADDRESS;
  bool any = !(udp->flags & UDP_BOUND) || yeon_ip_is_any(&udp->local.ip) || udp->flags & UDP_PICKED_LOCAL;
  uint16_t source = any ? (uint16_t)IP_NONE : ip_local_find(u->ip, &udp->local.ip);
  int err = ip_find_way(u->ip, &remote->ip, source, &way, 0);
  if (err < 0) return err;
  if (ip_is_broadcast(u->ip, way.link, &remote->ip) && !(udp->flags & UDP_BROADCAST)) return YEON_ERR_PERMISSION;
  if (!(udp->flags & UDP_BOUND) && (err = udp_bind_any(udp, four)) < 0) return err;
  if (!udp_may_connect(u, udp->local.port)) return YEON_ERR_NO_MEMORY;
  udp_leave(udp);
  udp->remote = *remote;
  udp->flags |= UDP_CONNECTED;
  if (any) {
    if (!wire_ip_is4(&udp->local.ip)) udp->flags |= UDP_WAS_SIX;
    udp->local.ip = *ip_local_at(u->ip, way.local);
    udp->flags |= UDP_PICKED_LOCAL;
  }
  udp_enter(udp);
  return 0;
}
