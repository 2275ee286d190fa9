/* IPv6 headers and extension headers (RFC 8200 3, 4.1-4.8; RFC 5095; RFC 6946; RFC 8504 5.3): bytes <-> struct. */
#ifndef WIRE_IPV6_H
#define WIRE_IPV6_H

#include "wire/ipv4.h"

#define WIRE_IPV6_HEADER 40
#define WIRE_IPV6_FRAG_HEADER 8
#define WIRE_IPV6_EXT_MAX 8 /* extension headers in one packet; more are discarded */

struct wire_ipv6 {
  struct yeon_ip src, dst;
  uint16_t payload_len; /* bytes after the 40 of this header */
  uint8_t next_header;  /* enum wire_protocol */
  uint8_t hop_limit;
  uint8_t traffic_class;
  uint32_t flow_label; /* 20 bits */
};

/* Reads a header at p[0..len). available: all bytes the frame holds from p on (>= len; they may lie in further
 * slices, and may end with padding: the packet is the first 40 + payload_len of them). 0, or WIRE_SHORT,
 * WIRE_BAD_VERSION, WIRE_BAD_VALUE (an address is v4-mapped, or the source is multicast). */
int wire_ipv6_parse(const uint8_t *p, size_t len, size_t available, struct wire_ipv6 *out);
/* Writes 40 bytes to p; returns 40. */
size_t wire_ipv6_emit(const struct wire_ipv6 *h, uint8_t *p);

struct wire_ipv6_frag {
  uint32_t id;
  uint16_t offset; /* bytes, a multiple of 8 */
  bool more;
  uint8_t next_header; /* of the original packet's fragmentable part */
};
/* Writes 8 bytes to p; returns 8. */
size_t wire_ipv6_frag_emit(const struct wire_ipv6_frag *f, uint8_t *p);

/* What the caller is to do with a packet whose extension headers were walked. */
enum wire_ipv6_action {
  WIRE_IPV6_UPPER,    /* deliver: next_header begins at offset (WIRE_PROTO_NONE: nothing to deliver) */
  WIRE_IPV6_FRAGMENT, /* give to reassembly: fragment tells, its data begins at offset */
  WIRE_IPV6_DISCARD,  /* drop silently */
  WIRE_IPV6_PROBLEM /* drop, and send ICMPv6 Parameter Problem with code and pointer (as far as RFC 4443 2.4 allows) */
};

struct wire_ipv6_ext {
  struct wire_ipv6_frag fragment; /* if has_fragment */
  uint32_t pointer;               /* PROBLEM: what ICMPv6 says, bytes from the start of the IPv6 header */
  uint16_t offset;                /* UPPER, FRAGMENT: bytes from the start of the IPv6 header */
  uint16_t frag_header; /* if has_fragment: offset of the fragment header = length of the unfragmentable part */
  uint16_t nh_offset;  /* where the field stands that named next_header (UPPER; it is the pointer of a Parameter Problem
                           code 1 when the caller does not know that protocol), or that named the fragment header
                           (FRAGMENT; reassembly puts fragment.next_header there) */
  uint8_t action;      /* enum wire_ipv6_action */
  uint8_t next_header; /* UPPER: the upper layer protocol */
  uint8_t code;        /* PROBLEM: enum wire_icmp6_problem (wire/icmp.h) */
  bool even_multicast; /* PROBLEM: is sent although the destination was multicast (option action 10) */
  bool has_fragment;   /* also set with UPPER after a fragment header that covers a whole packet (RFC 6946) */
  uint8_t n_headers;   /* walked */
};

/* Walks the extension headers of the packet at p (the IPv6 header, which h describes) as its destination does.
 * len: contiguous bytes at p; the packet itself is 40 + h->payload_len. All headers up to the upper layer, or the
 * fragment header, must lie in len. 0 with *out filled in, or WIRE_SHORT (a header reaches beyond len or the
 * packet), WIRE_BAD_OPTION (an option reaches beyond its header): drop. A fragment's own rules (length a multiple
 * of 8, fits into 65535, the first one holds the whole header chain) are checked here too and give PROBLEM. What
 * lies behind a fragment header is acted upon only after reassembly: walk again then. */
int wire_ipv6_extensions(const uint8_t *p, size_t len, const struct wire_ipv6 *h, struct wire_ipv6_ext *out);

#endif
