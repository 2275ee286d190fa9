/* Neighbour discovery messages (RFC 4861 7.2) and the defence of our own addresses (RFC 4862 5.4). wire/nd.c has checked hop limit 255, codes,
 * lengths and options before anything here believes a word; what came in fragments is not believed at all. Redirects are ignored: a host must not depend on them, and
 * they are mostly used to do harm. */
#include "ip/ip.h"

void ip_nd_send(struct ip *ip, unsigned link, const struct yeon_ip *src, const struct yeon_ip *dst,
                const struct wire_nd *nd, const uint8_t *mac)
{
  uint32_t len = (uint32_t)wire_nd_size(nd);
  struct ip_pkt *pkt = ip_pkt_new(ip, WIRE_IPV6_HEADER + len);
  if (!pkt) return;
  struct wire_ipv6 h = {
      .src = *src, .dst = *dst, .payload_len = (uint16_t)len, .next_header = WIRE_PROTO_ICMPV6, .hop_limit = 255};
  wire_ipv6_emit(&h, pkt->bytes);
  wire_nd_emit(nd, pkt->bytes + WIRE_IPV6_HEADER);
  wire_icmp6_finish(pkt->bytes + WIRE_IPV6_HEADER, len, src, dst);
  pkt->ethertype = WIRE_ETH_IPV6;
  pkt->next_hop = *dst;
  if (wire_ip_is_multicast(dst)) {
    wire_eth_multicast(dst, pkt->mac);
    pkt->has_mac = true;
  } else if (mac) {
    memcpy(pkt->mac, mac, WIRE_MAC);
    pkt->has_mac = true;
  }
  ip->counters->icmp_out++;
  (void)ip_pkt_send(ip, link, pkt);
}

void ip_nd_solicit(struct ip *ip, unsigned link, const struct yeon_ip *target, const uint8_t *mac)
{
  uint16_t source = ip_choose_source(ip, link, target, 0);
  if (source == IP_NONE) return;
  struct wire_nd nd = {.type = WIRE_ICMP6_NS, .target = *target, .has_source_mac = true};
  memcpy(nd.source_mac, ip->link[link].mac, WIRE_MAC);
  struct yeon_ip dst = mac ? *target : wire_nd_solicited_node(target);
  ip_nd_send(ip, link, ip_local_at(ip, source), &dst, &nd, mac);
}

/* Index of an address of ours on this link, or IP_NONE. */
static uint16_t our_target(const struct ip *ip, unsigned link, const struct yeon_ip *target)
{
  const struct ip_name *n = ip_name_find(ip, link, target);
  return n && n->kind == IP_NAME_LOCAL && n->link == link ? n->local : (uint16_t)IP_NONE;
}

static void advertise(struct ip *ip, const struct ip_packet *k, const struct wire_nd *asked, uint16_t index)
{
  static const struct yeon_ip all_nodes = {{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
  bool probe = yeon_ip_is_any(&k->src);
  struct wire_nd nd = {.type = WIRE_ICMP6_NA, .target = asked->target, .solicited = !probe, .has_target_mac = true};
  nd.override = !(ip->locals[index].flags & IP_LOCAL_PROBING);
  memcpy(nd.target_mac, ip->link[k->link].mac, WIRE_MAC);
  ip_nd_send(ip, k->link, &asked->target, probe ? &all_nodes : &k->src, &nd,
             asked->has_source_mac ? asked->source_mac : NULL);
}

static void ignore(const struct ip *ip) { ip->counters->nd_ignored++; }

static void solicited(struct ip *ip, const struct ip_packet *k, const struct wire_nd *nd, yeon_time now)
{
  uint16_t index = our_target(ip, k->link, &nd->target);
  bool probe = yeon_ip_is_any(&k->src);
  if (index == IP_NONE || k->from_self) {
    ignore(ip);
    return;
  }
  if (probe && ip->locals[index].flags & IP_LOCAL_PROBING) { /* two of us want it at once: neither gets it */
    ip_autoconf_conflict(ip, index, now);
    return;
  }
  if (!probe && nd->has_source_mac) {
    struct ip_hint h = {.ip = k->src, .mac = nd->source_mac, .create = true, .override = true};
    ip_neigh_hint(ip, k->link, &h, now);
  }
  advertise(ip, k, nd, index);
}

static void advertised(struct ip *ip, const struct ip_packet *k, const struct wire_nd *nd, yeon_time now)
{
  uint16_t index = our_target(ip, k->link, &nd->target);
  if (index != IP_NONE) {
    if (ip->locals[index].flags & IP_LOCAL_PROBING)
      ip_autoconf_conflict(ip, index, now);
    else
      IP_DROP(ip, drop_nd_bad, k->len, now);
    return;
  }
  if (k->from_self) {
    ignore(ip);
    return;
  }
  struct ip_hint h = {.ip = nd->target,
                      .mac = nd->has_target_mac ? nd->target_mac : NULL,
                      .solicited = nd->solicited,
                      .override = nd->override};
  /* RFC 4861 7.2.5: who is believed, and says it is no router (any more), is left as one. */
  if (!ip_neigh_hint(ip, k->link, &h, now))
    ignore(ip);
  else if (!nd->router)
    ip_route_retire(ip, k->link, &nd->target);
}

void ip_nd_input(struct ip *ip, const struct ip_packet *k, yeon_time now)
{
  struct wire_nd nd;
  struct wire_ipv6 h = {.src = k->src,
                        .dst = k->dst,
                        .payload_len = (uint16_t)(k->len - WIRE_IPV6_HEADER),
                        .next_header = k->protocol,
                        .hop_limit = k->hop_limit};
  if (!ip->link[k->link].ethernet) { /* nobody to discover there */
    ignore(ip);
    return;
  }
  if (k->whole || wire_nd_parse(k->p + k->transport, k->len - k->transport, &h, &nd) != WIRE_OK) {
    IP_DROP(ip, drop_nd_bad, k->len, now);
    return;
  }
  switch (nd.type) {
  case WIRE_ICMP6_NS: solicited(ip, k, &nd, now); break;
  case WIRE_ICMP6_NA: advertised(ip, k, &nd, now); break;
  case WIRE_ICMP6_RA:
    if (k->from_self)
      ignore(ip);
    else
      ip_autoconf_advert(ip, k->link, &k->src, &nd, now);
    break;
  default: ignore(ip); break; /* router solicitations are for routers */
  }
}
