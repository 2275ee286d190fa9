/* Local addresses. Each has an index for the life of the host: connections hold indices, and an index is never given to another
 * address, so that a connection whose address was taken away can not wake up on a stranger's. (The same address added again gets
 * its old index back.)
 *
 * All of 127/8 is this host's own; addresses of it other than 127.0.0.1 get their index when something first asks for them. */
#include "ip/ip.h"

static struct yeon_ip *ips_of(struct ip *ip)
{
  union {
    const struct yeon_ip *shown;
    struct yeon_ip *ours;
  } u = {.shown = ip->local_ips};
  return u.ours;
}

static bool grow(struct ip *ip)
{
  uint32_t cap = ip->cap_locals ? ip->cap_locals * 2 : 8;
  struct ip_local *locals = mem_alloc(ip->mem, cap * sizeof *locals);
  struct yeon_ip *ips = mem_alloc(ip->mem, cap * sizeof *ips);
  if (!locals || !ips) {
    mem_free(ip->mem, locals, cap * sizeof *locals);
    mem_free(ip->mem, ips, cap * sizeof *ips);
    return false;
  }
  if (ip->n_locals) {
    memcpy(locals, ip->locals, ip->n_locals * sizeof *locals);
    memcpy(ips, ip->local_ips, ip->n_locals * sizeof *ips);
  }
  mem_free(ip->mem, ip->locals, ip->cap_locals * sizeof *locals);
  mem_free(ip->mem, ips_of(ip), ip->cap_locals * sizeof *ips);
  ip->locals = locals;
  ip->local_ips = ips;
  ip->cap_locals = cap;
  return true;
}

/* The subnet's broadcast address, if the prefix leaves room for one. */
static bool subnet_broadcast(const struct yeon_ip *a, unsigned bits, struct yeon_ip *out)
{
  if (!wire_ip_is4(a) || bits > 96 + 30) return false;
  *out = *a;
  for (unsigned bit = bits; bit < 128; bit++) out->b[bit / 8] |= (uint8_t)(0x80 >> (bit % 8));
  return true;
}

/* Registers everything that comes with an address; undone by leave_names. */
static int enter_names(struct ip *ip, unsigned link, const struct yeon_ip *a, unsigned bits, uint16_t index)
{
  struct yeon_ip also;
  int err = ip_name_add(ip, link, a, IP_NAME_LOCAL, index);
  if (err || link == IP_LOOP) return err;
  if (subnet_broadcast(a, bits, &also)) err = ip_name_add(ip, link, &also, IP_NAME_BROADCAST, IP_NONE);
  if (!err && !wire_ip_is4(a)) {
    also = wire_nd_solicited_node(a);
    err = ip_name_add(ip, link, &also, IP_NAME_GROUP, IP_NONE);
  }
  if (err) ip_name_del(ip, link, a, IP_NAME_LOCAL);
  return err;
}

static void leave_names(struct ip *ip, unsigned link, const struct yeon_ip *a, unsigned bits)
{
  struct yeon_ip also;
  ip_name_del(ip, link, a, IP_NAME_LOCAL);
  if (subnet_broadcast(a, bits, &also)) ip_name_del(ip, link, &also, IP_NAME_BROADCAST);
  if (!wire_ip_is4(a)) {
    also = wire_nd_solicited_node(a);
    ip_name_del(ip, link, &also, IP_NAME_GROUP);
  }
}

static bool acceptable(const struct ip *ip, unsigned link, const struct yeon_ip *a, unsigned prefix_len)
{
  bool four = wire_ip_is4(a);
  if (!ip_link_exists(ip, link) || prefix_len > (four ? 32u : 128u)) return false;
  if (yeon_ip_is_any(a) || wire_ip_is_multicast(a) || ip_is_broadcast(ip, link, a)) return false;
  if (four && a->b[12] >= 240) return false;
  if (link == IP_LOOP) return true;
  return four ? a->b[12] != 127 : ip->link[link].mtu6 != 0;
}

/* The slot of this address, taken before or new; IP_NONE: no room. */
static uint16_t slot_for(struct ip *ip, const struct yeon_ip *a)
{
  for (uint32_t i = 0; ip->n_gone && i < ip->n_locals; i++)
    if (!(ip->locals[i].flags & IP_LOCAL_LIVE) && yeon_ip_equal(&ip->local_ips[i], a)) return (uint16_t)i;
  if (ip->n_locals == IP_LOCALS_MAX) return IP_NONE;
  if (ip->n_locals == ip->cap_locals && !grow(ip)) return IP_NONE;
  return (uint16_t)ip->n_locals;
}

static uint16_t occupy(struct ip *ip, unsigned link, const struct yeon_ip *a, unsigned bits, uint8_t flags)
{
  uint16_t index = slot_for(ip, a);
  if (index == IP_NONE || enter_names(ip, link, a, bits, index) < 0) return IP_NONE;
  ips_of(ip)[index] = *a;
  ip->locals[index] = (struct ip_local){.link = (uint8_t)link,
                                        .prefix_len = (uint8_t)bits,
                                        .flags = (uint8_t)(flags | IP_LOCAL_LIVE),
                                        .probe_at = YEON_NEVER,
                                        .preferred_until = YEON_NEVER,
                                        .valid_until = YEON_NEVER};
  if (index == ip->n_locals)
    ip->n_locals++;
  else
    ip->n_gone--;
  return index;
}

int ip_local_add(struct ip *ip, unsigned link, const struct yeon_ip *a, unsigned prefix_len, uint8_t flags,
                 yeon_time now)
{
  if (!acceptable(ip, link, a, prefix_len)) return YEON_ERR_INVALID;
  const struct ip_name *known = ip_name_find(ip, link, a);
  if (known && known->kind == IP_NAME_LOCAL) return YEON_ERR_IN_USE;
  unsigned bits = wire_ip_is4(a) ? prefix_len + 96 : prefix_len;
  uint16_t index = occupy(ip, link, a, bits, flags);
  if (index == IP_NONE) return ip->n_locals == IP_LOCALS_MAX ? YEON_ERR_LIMIT : YEON_ERR_NO_MEMORY;
  if (link == IP_LOOP) return index;
  struct ip_route subnet = {.dst = *a, .prefix_len = (uint8_t)bits, .link = (uint8_t)link, .until = YEON_NEVER};
  int err = flags & IP_LOCAL_AUTO && !wire_ip_is_link_local6(a) ? 0 : ip_route_add(ip, &subnet);
  if (err < 0) {
    leave_names(ip, link, a, bits);
    ip->locals[index].flags = 0;
    ip->n_gone++;
    return err;
  }
  if (ip->link[link].ethernet && wire_ip_is4(a)) ip_arp_announce(ip, link, a);
  if (ip->link[link].ethernet && !wire_ip_is4(a)) ip_autoconf_probe(ip, index, now);
  return index;
}

/* Whether another address of the link keeps the route to its subnet alive. */
static bool subnet_shared(const struct ip *ip, uint16_t index)
{
  const struct ip_local *gone = &ip->locals[index];
  for (uint32_t i = 0; i < ip->n_locals; i++) {
    const struct ip_local *l = &ip->locals[i];
    if (i != index && l->flags & IP_LOCAL_LIVE && l->link == gone->link && l->prefix_len == gone->prefix_len &&
        ip_prefix_match(&ip->local_ips[i], &ip->local_ips[index], l->prefix_len))
      return true;
  }
  return false;
}

int ip_local_del(struct ip *ip, uint16_t index)
{
  if (!ip_local_live(ip, index) || ip->locals[index].link == IP_LOOP) return YEON_ERR_ADDRESS;
  struct ip_local *l = &ip->locals[index];
  leave_names(ip, l->link, &ip->local_ips[index], l->prefix_len);
  struct ip_route subnet = {.dst = ip->local_ips[index], .prefix_len = l->prefix_len, .link = l->link};
  if (!subnet_shared(ip, index)) ip_route_del(ip, &subnet);
  l->flags = 0;
  ip->n_gone++;
  return 0;
}

bool ip_local_live(const struct ip *ip, uint16_t index)
{
  return index < ip->n_locals && (ip->locals[index].flags & IP_LOCAL_LIVE) != 0;
}

uint16_t ip_local_find(struct ip *ip, const struct yeon_ip *a)
{
  const struct ip_name *n = ip_name_find(ip, IP_LOOP, a);
  if (n) return n->local;
  bool loopback = wire_ip_is4(a) && a->b[12] == 127 && !(a->b[13] == 255 && a->b[14] == 255 && a->b[15] == 255);
  if (!loopback || ip->n_loopbacks == IP_LOOPBACKS_MAX) return IP_NONE;
  ip->n_loopbacks++;
  return occupy(ip, IP_LOOP, a, 96 + 8, 0);
}
