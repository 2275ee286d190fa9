/* IPv4 headers (RFC 791, RFC 1122 3.2.1, RFC 6864): bytes <-> struct. Addresses are v4-mapped struct yeon_ip. */
#ifndef WIRE_IPV4_H
#define WIRE_IPV4_H

#include <string.h>

#include "wire/wire.h"

#define WIRE_IPV4_HEADER 20

/* Protocol numbers, of IPv4 and of IPv6's Next Header. */
enum wire_protocol {
  WIRE_PROTO_HOPOPTS = 0,
  WIRE_PROTO_ICMP = 1,
  WIRE_PROTO_TCP = 6,
  WIRE_PROTO_UDP = 17,
  WIRE_PROTO_ROUTING = 43,
  WIRE_PROTO_FRAGMENT = 44,
  WIRE_PROTO_ICMPV6 = 58,
  WIRE_PROTO_NONE = 59,
  WIRE_PROTO_DSTOPTS = 60
};

/* The ECN codepoint in the low two bits of tos and traffic_class (RFC 3168). */
enum wire_ecn { WIRE_ECN_NOT = 0, WIRE_ECN_ECT1 = 1, WIRE_ECN_ECT0 = 2, WIRE_ECN_CE = 3 };

struct wire_ipv4 {
  struct yeon_ip src, dst; /* v4-mapped */
  uint16_t total_len;      /* bytes, header included */
  uint16_t id;
  uint16_t frag_offset; /* bytes, a multiple of 8, 0..65528 */
  bool dont_fragment, more_fragments;
  uint8_t ttl, protocol, tos;
  uint8_t header_len;    /* bytes, 20..60; set by parse; emit always writes 20 */
  bool has_options;      /* the rest by parse only */
  bool has_source_route; /* loose or strict; an end host refuses it */
};

/* Reads a header at p[0..len). available: all bytes the frame holds from p on (>= len; they may lie in further
 * slices, and may end with padding: the datagram is the first total_len of them). The header checksum is verified.
 * 0, or WIRE_SHORT (no whole header, or total_len reaches beyond available), WIRE_BAD_VERSION, WIRE_BAD_LENGTH
 * (IHL < 5, or total_len < header), WIRE_BAD_CHECKSUM, WIRE_BAD_OPTION (an option's length is illegal),
 * WIRE_BAD_VALUE (the source is multicast or 255.255.255.255). Whether a fragment fits into 65535 bytes is left to
 * reassembly. */
int wire_ipv4_parse(const uint8_t *p, size_t len, size_t available, struct wire_ipv4 *out);
/* Writes 20 bytes to p, checksum filled in; returns 20. */
size_t wire_ipv4_emit(const struct wire_ipv4 *h, uint8_t *p);

/* Four bytes on the wire <-> v4-mapped address. */
static inline struct yeon_ip wire_ip4_get(const uint8_t *p)
{
  struct yeon_ip ip = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, p[0], p[1], p[2], p[3]}};
  return ip;
}
static inline void wire_ip4_put(uint8_t *p, const struct yeon_ip *ip) { memcpy(p, ip->b + 12, 4); }
/* v4-mapped? (yeon_ip_is4, inlined for the per-packet paths) */
static inline bool wire_ip_is4(const struct yeon_ip *ip)
{
  static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return memcmp(ip->b, prefix, sizeof prefix) == 0;
}
/* Multicast in either family. 255.255.255.255 is not. */
static inline bool wire_ip_is_multicast(const struct yeon_ip *ip)
{
  return wire_ip_is4(ip) ? (ip->b[12] & 0xf0) == 0xe0 : ip->b[0] == 0xff;
}

#endif
