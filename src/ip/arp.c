/* ARP (RFC 826, RFC 5227). Who asks for one of our addresses is answered and, since he will want to hear from us, remembered; what others say
 * unasked only ever changes an entry that exists. */
#include "wire/arp.h"
#include "ip/ip.h"

static void send(struct ip *ip, unsigned link, const struct wire_arp *a, const uint8_t *mac)
{
  struct ip_pkt *pkt = ip_pkt_new(ip, WIRE_ARP_LEN);
  if (!pkt) return;
  wire_arp_emit(a, pkt->bytes);
  pkt->ethertype = WIRE_ETH_ARP;
  pkt->has_mac = true;
  if (mac)
    memcpy(pkt->mac, mac, WIRE_MAC);
  else
    memset(pkt->mac, 0xff, WIRE_MAC);
  (void)ip_pkt_send(ip, link, pkt);
}

void ip_arp_request(struct ip *ip, unsigned link, const struct yeon_ip *target, const uint8_t *mac)
{
  uint16_t source = ip_choose_source(ip, link, target, 0);
  if (source == IP_NONE) return;
  struct wire_arp a = {.op = WIRE_ARP_REQUEST, .sender_ip = *ip_local_at(ip, source), .target_ip = *target};
  memcpy(a.sender_mac, ip->link[link].mac, WIRE_MAC);
  if (mac) memcpy(a.target_mac, mac, WIRE_MAC);
  send(ip, link, &a, mac);
}

/* RFC 5227 3: a request for one's own address, so that others correct what they hold of it. */
void ip_arp_announce(struct ip *ip, unsigned link, const struct yeon_ip *own)
{
  struct wire_arp a = {.op = WIRE_ARP_REQUEST, .sender_ip = *own, .target_ip = *own};
  memcpy(a.sender_mac, ip->link[link].mac, WIRE_MAC);
  send(ip, link, &a, NULL);
}

static void reply(struct ip *ip, unsigned link, const struct wire_arp *asked)
{
  struct wire_arp a = {.op = WIRE_ARP_REPLY, .sender_ip = asked->target_ip, .target_ip = asked->sender_ip};
  memcpy(a.sender_mac, ip->link[link].mac, WIRE_MAC);
  memcpy(a.target_mac, asked->sender_mac, WIRE_MAC);
  send(ip, link, &a, asked->sender_mac);
}

void ip_arp_input(struct ip *ip, unsigned link, const uint8_t *p, uint32_t len, yeon_time now)
{
  struct wire_arp a;
  if (wire_arp_parse(p, len, &a) != WIRE_OK) {
    IP_DROP(ip, drop_arp_bad, len, now);
    return;
  }
  const struct ip_name *sender = ip_name_find(ip, link, &a.sender_ip);
  if (sender || wire_mac_equal(a.sender_mac, ip->link[link].mac)) { /* claims to be us, or is our own echo */
    IP_DROP(ip, drop_arp_bad, len, now);
    return;
  }
  const struct ip_name *target = ip_name_find(ip, link, &a.target_ip);
  bool for_us = target && target->kind == IP_NAME_LOCAL && target->link == link;
  bool asked = for_us && a.op == WIRE_ARP_REQUEST, learnt = false;
  if (!yeon_ip_is_any(&a.sender_ip)) {
    struct ip_hint h = {.ip = a.sender_ip, .mac = a.sender_mac, .create = asked};
    h.solicited = for_us && a.op == WIRE_ARP_REPLY;
    h.override = true;
    learnt = ip_neigh_hint(ip, link, &h, now);
  }
  if (asked)
    reply(ip, link, &a);
  else if (!learnt)
    ip->counters->arp_ignored++; /* most of a network's talk; so no event */
}
