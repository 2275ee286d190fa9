/* ICMPv4 (RFC 792, RFC 1122 3.2.2, RFC 1191) and ICMPv6 (RFC 4443): bytes <-> struct. Neighbour discovery:
 * wire/nd.h. */
#ifndef WIRE_ICMP_H
#define WIRE_ICMP_H

#include "wire/wire.h"

#define WIRE_ICMP_HEADER 8 /* type, code, checksum and the four bytes that every message used here has */

enum wire_icmp4_type {
  WIRE_ICMP4_ECHO_REPLY = 0,
  WIRE_ICMP4_UNREACHABLE = 3,
  WIRE_ICMP4_SOURCE_QUENCH = 4, /* RFC 6633: ignored */
  WIRE_ICMP4_REDIRECT = 5,
  WIRE_ICMP4_ECHO = 8,
  WIRE_ICMP4_TIME_EXCEEDED = 11,
  WIRE_ICMP4_PROBLEM = 12
};
enum wire_icmp4_unreachable {
  WIRE_ICMP4_NET = 0,
  WIRE_ICMP4_HOST = 1,
  WIRE_ICMP4_PROTOCOL = 2,
  WIRE_ICMP4_PORT = 3,
  WIRE_ICMP4_FRAG_NEEDED = 4, /* carries the next hop's MTU */
  WIRE_ICMP4_SOURCE_ROUTE = 5,
  WIRE_ICMP4_NET_ADMIN = 9,
  WIRE_ICMP4_HOST_ADMIN = 10,
  WIRE_ICMP4_ADMIN = 13
};

enum wire_icmp6_type {
  WIRE_ICMP6_UNREACHABLE = 1,
  WIRE_ICMP6_TOO_BIG = 2,
  WIRE_ICMP6_TIME_EXCEEDED = 3,
  WIRE_ICMP6_PROBLEM = 4,
  WIRE_ICMP6_ECHO = 128,
  WIRE_ICMP6_ECHO_REPLY = 129,
  WIRE_ICMP6_RS = 133, /* 133..136: wire/nd.h */
  WIRE_ICMP6_RA = 134,
  WIRE_ICMP6_NS = 135,
  WIRE_ICMP6_NA = 136,
  WIRE_ICMP6_REDIRECT = 137
};
enum wire_icmp6_unreachable {
  WIRE_ICMP6_NO_ROUTE = 0,
  WIRE_ICMP6_ADMIN = 1,
  WIRE_ICMP6_SCOPE = 2,
  WIRE_ICMP6_ADDRESS = 3,
  WIRE_ICMP6_PORT = 4
};
enum wire_icmp6_problem {
  WIRE_ICMP6_BAD_FIELD = 0,
  WIRE_ICMP6_BAD_NEXT_HEADER = 1,
  WIRE_ICMP6_BAD_OPTION = 2,
  WIRE_ICMP6_INCOMPLETE_CHAIN = 3 /* RFC 7112: a first fragment without all headers */
};
/* Time exceeded, both families. */
enum wire_icmp_exceeded { WIRE_ICMP_HOPS = 0, WIRE_ICMP_REASSEMBLY = 1 };

struct wire_icmp {
  uint8_t type, code;
  uint16_t checksum; /* as received; emit writes 0 */
  uint32_t rest;     /* bytes 4..7; parse keeps them raw and also takes them apart: */
  uint16_t id, seq;  /* echo and echo reply */
  uint32_t mtu;      /* ICMPv4 fragmentation needed (16 bits; 0: the router predates RFC 1191), ICMPv6 packet too big */
  uint32_t pointer;  /* parameter problem: ICMPv4 one byte, ICMPv6 four */
  bool is_error;     /* the body, from byte 8 on, begins with the packet that caused it; by parse only */
};

/* The first eight bytes of a message at p[0..len). 0 or WIRE_SHORT. ICMPv6: all error types (< 128) are is_error,
 * known or not (RFC 4443 2.4 a). The checksum is not looked at: wire_icmp4_checksum_ok, wire_icmp6_checksum_ok. */
int wire_icmp4_parse(const uint8_t *p, size_t len, struct wire_icmp *out);
int wire_icmp6_parse(const uint8_t *p, size_t len, struct wire_icmp *out);

/* Writes 8 bytes to p with the checksum 0; returns 8. Of id/seq, mtu and pointer it takes those that belong to type and
 * code; for any other type it writes rest. After the body is in place, call ..._finish. */
size_t wire_icmp4_emit(const struct wire_icmp *h, uint8_t *p);
size_t wire_icmp6_emit(const struct wire_icmp *h, uint8_t *p);
/* Computes and stores the checksum of the whole message p[0..len), len >= 8 (>= 4). Its field is taken as 0. */
void wire_icmp4_finish(uint8_t *p, size_t len);
void wire_icmp6_finish(uint8_t *p, size_t len, const struct yeon_ip *src, const struct yeon_ip *dst);
/* The message is the len bytes from `skip` on of the n slices. */
bool wire_icmp4_checksum_ok(const struct yeon_slice *s, size_t n, size_t skip, size_t len);
bool wire_icmp6_checksum_ok(const struct yeon_slice *s, size_t n, size_t skip, size_t len, const struct yeon_ip *src,
                            const struct yeon_ip *dst);

/* The packet inside an error message, as far as it goes: our own earlier packet, so src is (or claims to be) this
 * host. */
struct wire_embedded {
  struct yeon_ip src, dst;     /* v4-mapped inside ICMPv4 */
  uint32_t seq;                /* TCP sequence number, if has_seq */
  uint16_t src_port, dst_port; /* TCP and UDP, if has_ports; ICMP echo: src_port is the id, dst_port 0 */
  uint16_t ip_len;             /* bytes the original IP packet claims to have had, IP header included */
  uint8_t protocol;            /* of the upper layer (IPv6: behind extension headers) */
  bool has_ports, has_seq;
  bool is_fragment; /* of a fragmented packet; ports only if it is the first fragment */
};

/* p[0..len): the message's body from byte 8 on. The embedded header's checksum and total length are not verified:
 * routers on the way have changed or cut it. 0, or WIRE_SHORT (no whole IP header), WIRE_BAD_VERSION,
 * WIRE_BAD_LENGTH (IHL), WIRE_BAD_VALUE (v4-mapped address in IPv6). Fewer than 8 transport bytes (4 for UDP):
 * has_ports and has_seq tell. */
int wire_icmp4_embedded(const uint8_t *p, size_t len, struct wire_embedded *out);
int wire_icmp6_embedded(const uint8_t *p, size_t len, struct wire_embedded *out);

#endif
