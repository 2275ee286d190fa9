/* Addresses and routes that make themselves (RFC 4862; RFC 4861 6.3), on Ethernet links.
 *
 * When a link appears it gets a link-local address, and routers are asked for, three times, four seconds apart. An advertisement brings
 * default routes, on-link prefixes, an MTU, and addresses (prefix and interface identifier, RFC 2464 4), each with its
 * lifetime. Advertised hop limits and neighbour timers are not taken over: TCP and UDP have their own, and the neighbour table's are
 * within what RFC 4861 10 allows.
 *
 * Duplicate address detection asks once and waits a second. The address is used meanwhile, as RFC 4429 has it, so that a
 * program need not wait to begin; an advertisement sent in that time does not override what others hold. On conflict the
 * address is taken away again. */
#include "ip/ip.h"

#define RS_TRIES 3
#define RS_INTERVAL (4 * YEON_SEC)
#define DAD_WAIT YEON_SEC
#define TWO_HOURS (7200 * YEON_SEC)

static const struct yeon_ip unspecified;

static void want_local(struct ip *ip, yeon_time at)
{
  if (at < ip->locals_at) ip->locals_at = at;
  ip_want(ip, at);
}

/* The prefix, then the modified EUI-64 identifier (RFC 4291 appendix A). */
static struct yeon_ip with_identifier(const struct yeon_ip *prefix, const uint8_t *mac)
{
  struct yeon_ip a = *prefix;
  uint8_t *id = a.b + 8;
  memcpy(id, mac, 3);
  id[0] ^= 2;
  id[3] = 0xff;
  id[4] = 0xfe;
  memcpy(id + 5, mac + 3, 3);
  return a;
}

void ip_autoconf_start(struct ip *ip, unsigned link, yeon_time now)
{
  struct ip_link *l = &ip->link[link];
  static const struct yeon_ip prefix = {{0xfe, 0x80}};
  if (!l->ethernet || !l->mtu6) return;
  struct yeon_ip own = with_identifier(&prefix, l->mac);
  (void)ip_local_add(ip, link, &own, 64, IP_LOCAL_AUTO, now);
  l->rs_left = RS_TRIES;
  l->rs_at = now + (yeon_time)rng_below(ip->rng, (uint32_t)YEON_SEC);
  ip_want(ip, l->rs_at);
}

void ip_autoconf_probe(struct ip *ip, uint16_t index, yeon_time now)
{
  struct ip_local *l = &ip->locals[index];
  struct wire_nd nd = {.type = WIRE_ICMP6_NS, .target = ip->local_ips[index]};
  struct yeon_ip dst = wire_nd_solicited_node(&nd.target);
  l->flags |= IP_LOCAL_PROBING;
  l->probe_at = now + DAD_WAIT;
  want_local(ip, l->probe_at);
  ip_nd_send(ip, l->link, &unspecified, &dst, &nd, NULL);
}

void ip_autoconf_conflict(struct ip *ip, uint16_t index, yeon_time now)
{
  if (event_wanted(ip->events, YEON_EV_NEIGHBOUR)) {
    struct yeon_event e = event_make(ip->events, YEON_EV_NEIGHBOUR, now);
    e.u.neighbour.ip = ip->local_ips[index];
    event_emit(ip->events, &e);
  }
  (void)ip_local_del(ip, index);
}

static void solicit_routers(struct ip *ip, unsigned link, yeon_time now)
{
  static const struct yeon_ip all_routers = {{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}};
  struct ip_link *l = &ip->link[link];
  uint16_t source = ip_choose_source(ip, link, &all_routers, now);
  bool sure = source != IP_NONE && !(ip->locals[source].flags & IP_LOCAL_PROBING);
  struct wire_nd nd = {.type = WIRE_ICMP6_RS, .has_source_mac = sure};
  memcpy(nd.source_mac, l->mac, WIRE_MAC);
  ip_nd_send(ip, link, sure ? ip_local_at(ip, source) : &unspecified, &all_routers, &nd, NULL);
  l->rs_left--;
  l->rs_at = l->rs_left ? now + RS_INTERVAL : YEON_NEVER;
}

static yeon_time until_of(uint32_t seconds, yeon_time now)
{
  return seconds == 0xffffffffu ? YEON_NEVER : now + (yeon_time)seconds * YEON_SEC;
}

static uint32_t count_learnt(const struct ip *ip)
{
  uint32_t n = 0;
  for (uint32_t i = 0; i < ip->n_routes; i++) n += ip->routes[i].learnt;
  return n;
}

static void learn_route(struct ip *ip, struct ip_route r, yeon_time now)
{
  r.learnt = true;
  if (r.until <= now) {
    ip_route_del(ip, &r);
    return;
  }
  if (count_learnt(ip) >= IP_RA_ROUTES_MAX) return;
  (void)ip_route_add(ip, &r);
  ip_want(ip, r.until);
}

/* The address made from this prefix before, or IP_NONE; *made: how many of the link were. */
static uint16_t find_made(const struct ip *ip, unsigned link, const struct yeon_ip *prefix, uint32_t *made)
{
  uint16_t found = IP_NONE;
  *made = 0;
  for (uint32_t i = 0; i < ip->n_locals; i++) {
    const struct ip_local *l = &ip->locals[i];
    bool ours = l->link == link && l->flags & IP_LOCAL_AUTO && l->flags & IP_LOCAL_LIVE;
    if (!ours || wire_ip_is_link_local6(&ip->local_ips[i])) continue;
    ++*made;
    if (ip_prefix_match(&ip->local_ips[i], prefix, 64)) found = (uint16_t)i;
  }
  return found;
}

/* RFC 4862 5.5.3 d and e. */
static void make_address(struct ip *ip, unsigned link, const struct wire_nd_prefix *p, yeon_time now)
{
  uint32_t made;
  if (p->preferred_s > p->valid_s || p->len != 64) return;
  uint16_t index = find_made(ip, link, &p->prefix, &made);
  yeon_time valid = until_of(p->valid_s, now);
  if (index == IP_NONE) {
    if (p->valid_s == 0 || made >= IP_RA_ADDRS_MAX || ip->n_gone >= IP_RA_GONE_MAX) return;
    struct yeon_ip a = with_identifier(&p->prefix, ip->link[link].mac);
    int err = ip_local_add(ip, link, &a, 64, IP_LOCAL_AUTO, now);
    if (err < 0) return;
    index = (uint16_t)err;
  } else {
    yeon_time left = ip->locals[index].valid_until;
    if (valid < now + TWO_HOURS && valid < left) valid = left < now + TWO_HOURS ? left : now + TWO_HOURS;
  }
  ip->locals[index].valid_until = valid;
  ip->locals[index].preferred_until = until_of(p->preferred_s, now);
  want_local(ip, valid);
}

static void take_prefix(struct ip *ip, unsigned link, const struct wire_nd_prefix *p, yeon_time now)
{
  if (wire_ip_is_link_local6(&p->prefix) || wire_ip_is_multicast(&p->prefix) || wire_ip_is4(&p->prefix)) return;
  if (p->on_link) {
    struct ip_route r = {.dst = p->prefix,
                         .prefix_len = p->len,
                         .link = (uint8_t)link,
                         .until = until_of(p->valid_s, now)};
    learn_route(ip, r, now);
  }
  if (p->autonomous) make_address(ip, link, p, now);
}

void ip_autoconf_advert(struct ip *ip, unsigned link, const struct yeon_ip *router, const struct wire_nd *ra,
                        yeon_time now)
{
  struct ip_link *l = &ip->link[link];
  if (!l->mtu6) {
    ip->counters->nd_ignored++;
    return;
  }
  l->rs_left = 0;
  l->rs_at = YEON_NEVER;
  if (ra->mtu >= IP_MTU_MIN6 && ra->mtu <= l->mtu) l->mtu6 = (uint16_t)ra->mtu;
  if (ra->has_source_mac) {
    struct ip_hint h = {.ip = *router, .mac = ra->source_mac, .create = true, .override = true};
    ip_neigh_hint(ip, link, &h, now);
  }
  struct ip_route r = {.gateway = *router, .link = (uint8_t)link, .until = now + ra->lifetime_s * YEON_SEC};
  learn_route(ip, r, now);
  for (uint32_t i = 0; i < ra->n_prefixes; i++) take_prefix(ip, link, &ra->prefix[i], now);
}

static void run_local(struct ip *ip, uint16_t index, yeon_time now)
{
  struct ip_local *l = &ip->locals[index];
  if (l->flags & IP_LOCAL_PROBING && l->probe_at <= now) {
    l->flags = (uint8_t)(l->flags & ~IP_LOCAL_PROBING);
    l->probe_at = YEON_NEVER;
  }
  if (l->valid_until <= now) {
    (void)ip_local_del(ip, index);
    return;
  }
  if (l->flags & IP_LOCAL_PROBING) want_local(ip, l->probe_at);
  want_local(ip, l->valid_until);
}

void ip_autoconf_run(struct ip *ip, yeon_time now)
{
  ip_route_expire(ip, now);
  for (unsigned link = 0; link < ip->n_links; link++) {
    if (ip->link[link].rs_at <= now) solicit_routers(ip, link, now);
    ip_want(ip, ip->link[link].rs_at);
  }
  if (ip->locals_at > now) {
    ip_want(ip, ip->locals_at);
    return;
  }
  ip->locals_at = YEON_NEVER;
  for (uint32_t i = 0; i < ip->n_locals; i++)
    if (ip->locals[i].flags & IP_LOCAL_LIVE) run_local(ip, (uint16_t)i, now);
}
