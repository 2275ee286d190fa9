/* Neighbour discovery (RFC 4861 4, 6.1, 7.1): router and neighbour solicitations and advertisements, bytes <->
 * struct. */
#ifndef WIRE_ND_H
#define WIRE_ND_H

#include "wire/eth.h"
#include "wire/ipv6.h"

#define WIRE_ND_PREFIXES 8 /* prefix options kept of one router advertisement; further ones are left out */
#define WIRE_ND_MAX 328    /* bytes: an advertisement with both addresses, MTU and all prefixes, rounded up */

struct wire_nd_prefix {
  struct yeon_ip prefix;
  uint32_t valid_s, preferred_s; /* 0xffffffff: for ever */
  uint8_t len;                   /* bits, 0..128 */
  bool on_link, autonomous;
};

struct wire_nd {
  uint8_t type; /* WIRE_ICMP6_RS, RA, NS, NA */
  /* NS, NA */
  struct yeon_ip target;
  bool router, solicited, override; /* NA */
  /* RA */
  uint8_t hop_limit; /* 0: unspecified */
  bool managed, other;
  uint16_t lifetime_s;   /* 0: not a default router */
  uint32_t reachable_ms; /* 0: unspecified */
  uint32_t retrans_ms;   /* 0: unspecified */
  /* options */
  bool has_source_mac, has_target_mac;
  uint8_t source_mac[WIRE_MAC]; /* RS, NS, RA */
  uint8_t target_mac[WIRE_MAC]; /* NA */
  uint32_t mtu;                 /* RA; 0: absent */
  uint8_t n_prefixes;           /* RA */
  struct wire_nd_prefix prefix[WIRE_ND_PREFIXES];
};

/* p[0..len): the whole ICMPv6 message, contiguous, its checksum already verified; ip: the header it came in.
 * Applies the validation of RFC 4861 6.1.1, 6.1.2, 7.1.1, 7.1.2: 0, or WIRE_SHORT, WIRE_BAD_OPTION (an option of
 * length 0, beyond the end, or not as long as its type is), WIRE_BAD_VALUE (type, hop limit not 255, code not 0,
 * multicast or v4-mapped target, an RA from other than a link-local address, a source address option from the
 * unspecified address, a probe not sent to a solicited-node address, a solicited NA sent to multicast, a group
 * address as link-layer address). Unknown options, those that do not belong to the type, and prefixes of more than
 * 128 bits are skipped; of repeated ones the last counts. */
int wire_nd_parse(const uint8_t *p, size_t len, const struct wire_ipv6 *ip, struct wire_nd *out);
/* Bytes that emit will write, at most WIRE_ND_MAX. */
size_t wire_nd_size(const struct wire_nd *nd);
/* Writes the ICMPv6 message, wire_nd_size bytes, with the checksum 0; returns the size. Then wire_icmp6_finish. */
size_t wire_nd_emit(const struct wire_nd *nd, uint8_t *p);

/* ff02::1:ffXX:XXXX for an address (RFC 4291 2.7.1). */
struct yeon_ip wire_nd_solicited_node(const struct yeon_ip *ip);
/* fe80::/10 */
static inline bool wire_ip_is_link_local6(const struct yeon_ip *ip)
{
  return ip->b[0] == 0xfe && (ip->b[1] & 0xc0) == 0x80;
}

#endif
