/* Ethernet II (RFC 894, RFC 2464): bytes <-> struct. */
#ifndef WIRE_ETH_H
#define WIRE_ETH_H

#include <string.h>

#include "wire/wire.h"

#define WIRE_ETH_HEADER 14
#define WIRE_ETH_HEADER_MAX 18 /* with one 802.1Q tag */
#define WIRE_MAC 6

enum wire_ethertype {
  WIRE_ETH_IPV4 = 0x0800,
  WIRE_ETH_ARP = 0x0806,
  WIRE_ETH_VLAN = 0x8100, /* never in wire_eth.type of a parsed frame: the tag is skipped */
  WIRE_ETH_IPV6 = 0x86dd
};

struct wire_eth {
  uint8_t dst[WIRE_MAC], src[WIRE_MAC];
  uint16_t type; /* enum wire_ethertype, or another value >= 0x0600 */
  uint16_t vlan; /* VLAN id 0..4095, only if has_vlan; emit ignores it */
  bool has_vlan;
  uint8_t header_len; /* bytes to the payload: 14, or 18 with a tag; set by parse */
};

/* 0, or WIRE_SHORT, WIRE_BAD_VALUE (an 802.3 length instead of a type, a second tag, or a group address as source). */
int wire_eth_parse(const uint8_t *p, size_t len, struct wire_eth *out);
/* Writes 14 bytes (never a tag) to p; returns 14. */
size_t wire_eth_emit(const struct wire_eth *h, uint8_t *p);

/* The Ethernet group address of an IPv4 (RFC 1112 6.4) or IPv6 (RFC 2464 7) multicast address. */
void wire_eth_multicast(const struct yeon_ip *group, uint8_t mac[WIRE_MAC]);

/* Multicast or broadcast. */
static inline bool wire_mac_is_group(const uint8_t *mac) { return (mac[0] & 1) != 0; }
static inline bool wire_mac_is_broadcast(const uint8_t *mac)
{
  return (mac[0] & mac[1] & mac[2] & mac[3] & mac[4] & mac[5]) == 0xff;
}
static inline bool wire_mac_equal(const uint8_t *a, const uint8_t *b) { return memcmp(a, b, WIRE_MAC) == 0; }

#endif
