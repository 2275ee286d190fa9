/* Routes and the choice of a source address (RFC 1122 3.3.1, RFC 8200, RFC 6724 5 in short).
 *
 * The table is an array in the order in which entries win: longest prefix first, then oldest (a router that did not answer goes
 * behind its equals). A look-up is a scan that stops at the first match; connections look up once, datagrams each time, and tables of end hosts are short. */
#include "ip/ip.h"

bool ip_prefix_match(const struct yeon_ip *a, const struct yeon_ip *b, unsigned bits)
{
  unsigned whole = bits / 8, rest = bits % 8;
  if (memcmp(a->b, b->b, whole) != 0) return false;
  return rest == 0 || ((a->b[whole] ^ b->b[whole]) >> (8 - rest)) == 0;
}

unsigned ip_prefix_common(const struct yeon_ip *a, const struct yeon_ip *b)
{
  unsigned bits = 0;
  while (bits < 128 && !((a->b[bits / 8] ^ b->b[bits / 8]) & (0x80 >> (bits % 8)))) bits++;
  return bits;
}

static bool same_route(const struct ip_route *a, const struct ip_route *b)
{
  return a->link == b->link && a->prefix_len == b->prefix_len && yeon_ip_equal(&a->gateway, &b->gateway) &&
         ip_prefix_match(&a->dst, &b->dst, a->prefix_len);
}

static int make_room(struct ip *ip)
{
  if (ip->n_routes == IP_ROUTES_MAX) return YEON_ERR_LIMIT;
  if (ip->n_routes < ip->cap_routes) return 0;
  uint32_t cap = ip->cap_routes ? ip->cap_routes * 2 : 8;
  struct ip_route *grown = mem_alloc(ip->mem, cap * sizeof *grown);
  if (!grown) return YEON_ERR_NO_MEMORY;
  if (ip->n_routes) memcpy(grown, ip->routes, ip->n_routes * sizeof *grown);
  mem_free(ip->mem, ip->routes, ip->cap_routes * sizeof *grown);
  ip->routes = grown;
  ip->cap_routes = cap;
  return 0;
}

int ip_route_add(struct ip *ip, const struct ip_route *r)
{
  uint32_t at = 0;
  for (uint32_t i = 0; i < ip->n_routes; i++) {
    if (same_route(&ip->routes[i], r)) {
      if (!r->learnt || ip->routes[i].learnt) ip->routes[i].until = r->until;
      return 0;
    }
    if (ip->routes[i].prefix_len >= r->prefix_len) at = i + 1;
  }
  int err = make_room(ip);
  if (err < 0) return err;
  memmove(&ip->routes[at + 1], &ip->routes[at], (ip->n_routes - at) * sizeof ip->routes[0]);
  ip->routes[at] = *r;
  ip->n_routes++;
  return 0;
}

static void remove_at(struct ip *ip, uint32_t i)
{
  ip->n_routes--;
  memmove(&ip->routes[i], &ip->routes[i + 1], (ip->n_routes - i) * sizeof ip->routes[0]);
}

void ip_route_del(struct ip *ip, const struct ip_route *r)
{
  for (uint32_t i = 0; i < ip->n_routes; i++) {
    if (!same_route(&ip->routes[i], r) || ip->routes[i].learnt != r->learnt) continue;
    remove_at(ip, i);
    return;
  }
}

void ip_route_expire(struct ip *ip, yeon_time now)
{
  for (uint32_t i = ip->n_routes; i > 0; i--) {
    if (ip->routes[i - 1].until <= now)
      remove_at(ip, i - 1);
    else
      ip_want(ip, ip->routes[i - 1].until);
  }
}

/* RFC 1122 3.3.1.5, RFC 4861 6.3.6: so that the next packet tries another router. */
void ip_route_demote(struct ip *ip, unsigned link, const struct yeon_ip *gateway)
{
  for (uint32_t i = ip->n_routes; i-- > 0;) {
    struct ip_route *r = &ip->routes[i], *end = &ip->routes[ip->n_routes - 1];
    if (r->link != link || !yeon_ip_equal(&r->gateway, gateway)) continue;
    for (; r < end && r[1].prefix_len == r->prefix_len; r++) {
      struct ip_route next = r[1];
      r[1] = *r;
      *r = next;
    }
  }
}

void ip_route_retire(struct ip *ip, unsigned link, const struct yeon_ip *gateway)
{
  for (uint32_t i = ip->n_routes; i > 0; i--) {
    const struct ip_route *r = &ip->routes[i - 1];
    if (r->learnt && r->link == link && yeon_ip_equal(&r->gateway, gateway)) remove_at(ip, i - 1);
  }
}

bool ip_is_broadcast(const struct ip *ip, unsigned link, const struct yeon_ip *a)
{
  if (!wire_ip_is4(a)) return false;
  if ((a->b[12] & a->b[13] & a->b[14] & a->b[15]) == 0xff) return true;
  const struct ip_name *n = ip_name_find(ip, link, a);
  return n && n->kind == IP_NAME_BROADCAST;
}

static bool carries(const struct ip_link *l, const struct yeon_ip *dst) { return wire_ip_is4(dst) || l->mtu6 != 0; }

/* Among the routes of the longest matching prefix, one through `wanted` if there is one, else the oldest. only: no other link will do. */
static const struct ip_route *look_up(const struct ip *ip, const struct yeon_ip *dst, unsigned wanted, bool only)
{
  const struct ip_route *best = NULL;
  for (uint32_t i = 0; i < ip->n_routes; i++) {
    const struct ip_route *r = &ip->routes[i];
    if (best && r->prefix_len < best->prefix_len) break;
    if (only && r->link != wanted) continue;
    if (!ip_prefix_match(&r->dst, dst, r->prefix_len) || !carries(&ip->link[r->link], dst)) continue;
    if (r->link == wanted) return r;
    if (!best) best = r;
  }
  return best;
}

struct yeon_ip ip_next_hop(const struct ip *ip, unsigned link, const struct yeon_ip *dst)
{
  if (wire_ip_is_multicast(dst)) return *dst;
  const struct ip_route *r = look_up(ip, dst, link, true);
  static const struct yeon_ip none;
  return r && memcmp(&r->gateway, &none, sizeof none) != 0 ? r->gateway : *dst;
}

enum scope { SCOPE_HOST = 1, SCOPE_LINK = 2, SCOPE_GLOBAL = 14 };

static enum scope scope_of(const struct yeon_ip *a)
{
  if (wire_ip_is4(a)) {
    if (a->b[12] == 127) return SCOPE_HOST;
    return a->b[12] == 169 && a->b[13] == 254 ? SCOPE_LINK : SCOPE_GLOBAL;
  }
  if (a->b[0] == 0xff) return (a->b[1] & 15) <= 2 ? SCOPE_LINK : SCOPE_GLOBAL;
  return wire_ip_is_link_local6(a) ? SCOPE_LINK : SCOPE_GLOBAL;
}

/* RFC 6724 5, the rules that apply to an end host: a wide enough scope, not deprecated, of this link, longest common prefix. As one
 * number; bigger is better. */
static uint32_t rate_source(const struct ip *ip, uint32_t i, unsigned link, const struct yeon_ip *dst, yeon_time now)
{
  const struct ip_local *l = &ip->locals[i];
  const struct yeon_ip *a = &ip->local_ips[i];
  if (!(l->flags & IP_LOCAL_LIVE) || l->link == IP_LOOP || wire_ip_is4(a) != wire_ip_is4(dst)) return 0;
  enum scope have = scope_of(a), need = scope_of(dst);
  if (have == SCOPE_LINK && l->link != link) return 0;
  uint32_t fit = have == need ? 2 : have > need ? 1 : 0;
  uint32_t fresh = l->preferred_until > now;
  unsigned common = ip_prefix_common(a, dst);
  return 1 + ((fit << 10) | (fresh << 9) | ((uint32_t)(l->link == link) << 8) |
              (common < l->prefix_len ? common : l->prefix_len));
}

uint16_t ip_choose_source(const struct ip *ip, unsigned link, const struct yeon_ip *dst, yeon_time now)
{
  uint16_t best = IP_NONE;
  uint32_t best_rate = 0;
  for (uint32_t i = 0; i < ip->n_locals; i++) {
    uint32_t rate = rate_source(ip, i, link, dst, now);
    if (rate <= best_rate) continue;
    best_rate = rate;
    best = (uint16_t)i;
  }
  return best;
}

/* The link for a group or broadcast destination that no route covers. */
static unsigned first_link(const struct ip *ip, const struct yeon_ip *dst)
{
  for (uint32_t i = 0; i < ip->n_locals; i++)
    if (ip->locals[i].flags & IP_LOCAL_LIVE && ip->locals[i].link != IP_LOOP &&
        wire_ip_is4(&ip->local_ips[i]) == wire_ip_is4(dst))
      return ip->locals[i].link;
  return IP_LINKS;
}

static int way_to_self(struct ip *ip, uint16_t self, uint16_t source, const struct yeon_ip *dst, struct ip_way *way)
{
  (void)ip;
  *way = (struct ip_way){.next_hop = *dst,
                         .local = source == IP_NONE ? self : source,
                         .mtu = IP_LOOP_MTU,
                         .link = IP_LOOP};
  return 0;
}

static int way_to_group(struct ip *ip, const struct yeon_ip *dst, unsigned wanted, struct ip_way *way)
{
  const struct ip_route *r = wanted == IP_LINKS ? look_up(ip, dst, IP_LINKS, false) : NULL;
  unsigned link = r ? r->link : wanted != IP_LINKS ? wanted : first_link(ip, dst);
  if (link >= ip->n_links) return YEON_ERR_NO_ROUTE;
  way->link = (uint8_t)link;
  way->next_hop = *dst;
  return 0;
}

int ip_find_way(struct ip *ip, const struct yeon_ip *dst, uint16_t source, struct ip_way *way, yeon_time now)
{
  if (yeon_ip_is_any(dst)) return YEON_ERR_ADDRESS;
  uint16_t self = ip_local_find(ip, dst);
  if (self != IP_NONE) return way_to_self(ip, self, source, dst, way);
  if (scope_of(dst) == SCOPE_HOST) return YEON_ERR_NO_ROUTE;
  unsigned wanted = source == IP_NONE ? IP_LINKS : ip->locals[source].link;
  if (wanted == IP_LOOP) return YEON_ERR_NO_ROUTE;
  int err = 0;
  if (wire_ip_is_multicast(dst) || ip_is_broadcast(ip, wanted, dst)) {
    err = way_to_group(ip, dst, wanted, way);
  } else {
    bool only = scope_of(dst) == SCOPE_LINK && wanted != IP_LINKS;
    const struct ip_route *r = look_up(ip, dst, wanted, only);
    if (!r) return YEON_ERR_NO_ROUTE;
    way->link = r->link;
    way->next_hop = ip_next_hop(ip, r->link, dst);
  }
  if (err < 0) return err;
  way->local = source == IP_NONE ? ip_choose_source(ip, way->link, dst, now) : source;
  if (way->local == IP_NONE) return YEON_ERR_NO_ROUTE;
  way->mtu = ip_path_mtu(ip, way->link, dst, NULL, now);
  return 0;
}
