/* Names: every address this host answers to, in one small hash table: its own addresses, the subnets' broadcast addresses, and
 * the groups it has joined (with the solicited-node groups of its own IPv6 addresses). One look-up of a packet's destination tells
 * what it is; one look-up of its source must find nothing.
 *
 * A unicast address of global scope is known on every link (the weak model of RFC 1122 3.3.4.2); loopback and link-local
 * addresses, groups and broadcast addresses only on their own. No membership reports (IGMP, MLD) are sent: on the links yeon
 * drives, every group frame arrives anyway. */
#include "ip/ip.h"

static uint32_t bucket_of(const struct yeon_ip *a)
{
  uint64_t low;
  memcpy(&low, a->b + 8, 8);
  low *= 0x9e3779b97f4a7c15u;
  return (uint32_t)(low >> 56) % IP_NAME_BUCKETS;
}

static bool is_everywhere(const struct ip_name *n)
{
  return n->kind == IP_NAME_LOCAL && !wire_ip_is_link_local6(&n->ip) && n->link != IP_LOOP;
}

const struct ip_name *ip_name_find(const struct ip *ip, unsigned link, const struct yeon_ip *a)
{
  for (uint32_t i = ip->name_bucket[bucket_of(a)]; i; i = ip->names[i - 1].next) {
    const struct ip_name *n = &ip->names[i - 1];
    if (memcmp(&n->ip, a, sizeof *a) != 0) continue;
    if (n->link == link || is_everywhere(n) || (link == IP_LOOP && n->kind == IP_NAME_LOCAL)) return n;
  }
  return NULL;
}

static struct ip_name *find_exact(const struct ip *ip, unsigned link, const struct yeon_ip *a, enum ip_name_kind kind)
{
  for (uint32_t i = ip->name_bucket[bucket_of(a)]; i; i = ip->names[i - 1].next) {
    struct ip_name *n = &ip->names[i - 1];
    if (n->kind == kind && n->link == link && memcmp(&n->ip, a, sizeof *a) == 0) return n;
  }
  return NULL;
}

/* Index + 1 of an unused entry; 0: no memory, or the limit. */
static uint32_t take_entry(struct ip *ip)
{
  uint32_t i = ip->free_names;
  if (i) {
    ip->free_names = ip->names[i - 1].next;
    return i;
  }
  if (ip->n_names == IP_NAMES_MAX) return 0;
  if (ip->n_names == ip->cap_names) {
    uint32_t cap = ip->cap_names ? ip->cap_names * 2 : 16;
    struct ip_name *grown = mem_alloc(ip->mem, cap * sizeof *grown);
    if (!grown) return 0;
    if (ip->names) memcpy(grown, ip->names, ip->n_names * sizeof *grown);
    mem_free(ip->mem, ip->names, ip->cap_names * sizeof *grown);
    ip->names = grown;
    ip->cap_names = cap;
  }
  return ++ip->n_names;
}

int ip_name_add(struct ip *ip, unsigned link, const struct yeon_ip *a, enum ip_name_kind kind, uint16_t local)
{
  struct ip_name *known = find_exact(ip, link, a, kind);
  if (known) {
    known->refs++;
    return 0;
  }
  uint32_t i = take_entry(ip);
  if (!i) return YEON_ERR_NO_MEMORY;
  uint32_t *bucket = &ip->name_bucket[bucket_of(a)];
  ip->names[i - 1] = (struct ip_name){
      .ip = *a, .next = *bucket, .refs = 1, .local = local, .link = (uint8_t)link, .kind = (uint8_t)kind};
  *bucket = i;
  return 0;
}

void ip_name_del(struct ip *ip, unsigned link, const struct yeon_ip *a, enum ip_name_kind kind)
{
  ip->hit_local = IP_NONE;
  uint32_t *at = &ip->name_bucket[bucket_of(a)];
  for (; *at; at = &ip->names[*at - 1].next) {
    struct ip_name *n = &ip->names[*at - 1];
    if (n->kind != kind || n->link != link || memcmp(&n->ip, a, sizeof *a) != 0) continue;
    if (--n->refs) return;
    uint32_t i = *at;
    *at = n->next;
    n->next = ip->free_names;
    ip->free_names = i;
    return;
  }
}

int ip_group_join(struct ip *ip, unsigned link, const struct yeon_ip *group)
{
  if (link >= ip->n_links || !wire_ip_is_multicast(group)) return YEON_ERR_INVALID;
  return ip_name_add(ip, link, group, IP_NAME_GROUP, IP_NONE);
}

int ip_group_leave(struct ip *ip, unsigned link, const struct yeon_ip *group)
{
  if (link >= ip->n_links || !find_exact(ip, link, group, IP_NAME_GROUP)) return YEON_ERR_INVALID;
  ip_name_del(ip, link, group, IP_NAME_GROUP);
  return 0;
}
