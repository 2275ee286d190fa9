/* ARP: RFC 826. */
#include "wire/arp.h"

#include "wire/ipv4.h"

#define HARDWARE_ETHERNET 1

int wire_arp_parse(const uint8_t *p, size_t len, struct wire_arp *out)
{
  if (len < WIRE_ARP_LEN) return WIRE_SHORT;
  if (wire_get16(p) != HARDWARE_ETHERNET || wire_get16(p + 2) != WIRE_ETH_IPV4) return WIRE_BAD_VALUE;
  if (p[4] != WIRE_MAC || p[5] != 4) return WIRE_BAD_LENGTH;
  out->op = wire_get16(p + 6);
  memcpy(out->sender_mac, p + 8, WIRE_MAC);
  out->sender_ip = wire_ip4_get(p + 14);
  memcpy(out->target_mac, p + 18, WIRE_MAC);
  out->target_ip = wire_ip4_get(p + 24);
  if (out->op != WIRE_ARP_REQUEST && out->op != WIRE_ARP_REPLY) return WIRE_BAD_VALUE;
  /* A neighbour that claims a group address would make us send unicast packets to many. */
  if (wire_mac_is_group(out->sender_mac) || wire_ip_is_multicast(&out->sender_ip) || wire_get32(p + 14) == 0xffffffff)
    return WIRE_BAD_VALUE;
  return WIRE_OK;
}

size_t wire_arp_emit(const struct wire_arp *a, uint8_t *p)
{
  wire_put16(p, HARDWARE_ETHERNET);
  wire_put16(p + 2, WIRE_ETH_IPV4);
  p[4] = WIRE_MAC;
  p[5] = 4;
  wire_put16(p + 6, a->op);
  memcpy(p + 8, a->sender_mac, WIRE_MAC);
  wire_ip4_put(p + 14, &a->sender_ip);
  memcpy(p + 18, a->target_mac, WIRE_MAC);
  wire_ip4_put(p + 24, &a->target_ip);
  return WIRE_ARP_LEN;
}
