/* Ethernet II: RFC 894, RFC 2464; group addresses: RFC 1112 6.4, RFC 2464 7. */
#include "wire/eth.h"

#include "wire/ipv4.h"

#define TYPE_MIN 0x0600 /* below: an 802.3 length */

int wire_eth_parse(const uint8_t *p, size_t len, struct wire_eth *out)
{
  if (len < WIRE_ETH_HEADER) return WIRE_SHORT;
  memcpy(out->dst, p, WIRE_MAC);
  memcpy(out->src, p + WIRE_MAC, WIRE_MAC);
  out->type = wire_get16(p + 12);
  out->header_len = WIRE_ETH_HEADER;
  out->has_vlan = out->type == WIRE_ETH_VLAN;
  out->vlan = 0;
  if (out->has_vlan) {
    if (len < WIRE_ETH_HEADER_MAX) return WIRE_SHORT;
    out->vlan = wire_get16(p + 14) & 0x0fff;
    out->type = wire_get16(p + 16);
    out->header_len = WIRE_ETH_HEADER_MAX;
  }
  if (out->type < TYPE_MIN || out->type == WIRE_ETH_VLAN || wire_mac_is_group(out->src)) return WIRE_BAD_VALUE;
  return WIRE_OK;
}

size_t wire_eth_emit(const struct wire_eth *h, uint8_t *p)
{
  memcpy(p, h->dst, WIRE_MAC);
  memcpy(p + WIRE_MAC, h->src, WIRE_MAC);
  wire_put16(p + 12, h->type);
  return WIRE_ETH_HEADER;
}

void wire_eth_multicast(const struct yeon_ip *group, uint8_t mac[WIRE_MAC])
{
  if (wire_ip_is4(group)) {
    mac[0] = 0x01;
    mac[1] = 0x00;
    mac[2] = 0x5e;
    mac[3] = group->b[13] & 0x7f; /* 23 bits of the group */
    memcpy(mac + 4, group->b + 14, 2);
  } else {
    mac[0] = mac[1] = 0x33;
    memcpy(mac + 2, group->b + 12, 4);
  }
}
