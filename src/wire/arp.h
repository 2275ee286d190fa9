/* ARP for IPv4 over Ethernet (RFC 826; RFC 5227 for probes): bytes <-> struct. */
#ifndef WIRE_ARP_H
#define WIRE_ARP_H

#include "wire/eth.h"

#define WIRE_ARP_LEN 28

enum wire_arp_op { WIRE_ARP_REQUEST = 1, WIRE_ARP_REPLY = 2 };

struct wire_arp {
  uint16_t op; /* enum wire_arp_op */
  uint8_t sender_mac[WIRE_MAC];
  uint8_t target_mac[WIRE_MAC]; /* all zero in requests, usually */
  struct yeon_ip sender_ip;     /* v4-mapped; 0.0.0.0 in a probe */
  struct yeon_ip target_ip;     /* v4-mapped */
};

/* p: what follows the Ethernet header; trailing padding is ignored. 0, or WIRE_SHORT, WIRE_BAD_LENGTH (address
 * lengths), WIRE_BAD_VALUE (other hardware, protocol or operation; a sender's MAC that is a group address; a
 * sender's IP that is multicast or broadcast). Checking the sender's MAC against the Ethernet source is left to
 * the caller. */
int wire_arp_parse(const uint8_t *p, size_t len, struct wire_arp *out);
/* Writes 28 bytes to p; returns 28. */
size_t wire_arp_emit(const struct wire_arp *a, uint8_t *p);

#endif
