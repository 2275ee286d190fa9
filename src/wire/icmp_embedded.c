/* The packet inside an ICMP error: RFC 792 (its IP header and first eight bytes), RFC 4443 2.4 c (as much as
 * fits), RFC 5927 4.1 (why the TCP sequence number is wanted). It is a cut and perhaps altered copy, so lengths
 * and checksums prove nothing here. */
#include "wire/icmp.h"
#include "wire/ipv6.h"

/* p: where the transport header begins; echo: the family's echo request type. */
static void read_transport(const uint8_t *p, size_t len, uint8_t echo, struct wire_embedded *out)
{
  bool is_tcp = out->protocol == WIRE_PROTO_TCP, is_udp = out->protocol == WIRE_PROTO_UDP;
  bool is_icmp = out->protocol == WIRE_PROTO_ICMP || out->protocol == WIRE_PROTO_ICMPV6;
  if ((is_tcp || is_udp) && len >= 4) {
    out->has_ports = true;
    out->src_port = wire_get16(p);
    out->dst_port = wire_get16(p + 2);
  }
  if (is_tcp && len >= 8) {
    out->has_seq = true;
    out->seq = wire_get32(p + 4);
  }
  if (is_icmp && len >= 6 && p[0] == echo) {
    out->has_ports = true;
    out->src_port = wire_get16(p + 4);
  }
}

int wire_icmp4_embedded(const uint8_t *p, size_t len, struct wire_embedded *out)
{
  memset(out, 0, sizeof *out);
  if (len < 1) return WIRE_SHORT;
  if (p[0] >> 4 != 4) return WIRE_BAD_VERSION;
  size_t header_len = (size_t)(p[0] & 0x0f) * 4;
  if (header_len < WIRE_IPV4_HEADER) return WIRE_BAD_LENGTH;
  if (len < header_len) return WIRE_SHORT;
  uint16_t frag = wire_get16(p + 6);
  out->ip_len = wire_get16(p + 2);
  out->protocol = p[9];
  out->src = wire_ip4_get(p + 12);
  out->dst = wire_ip4_get(p + 16);
  out->is_fragment = (frag & 0x3fff) != 0; /* more fragments, or an offset */
  if ((frag & 0x1fff) == 0) read_transport(p + header_len, len - header_len, WIRE_ICMP4_ECHO, out);
  return WIRE_OK;
}

/* Passes over extension headers as far as they are there; the offset of the transport header, or len when it is
 * not there. Our own packets carry at most a fragment header, but others may stand in the copy. */
static size_t find_transport(const uint8_t *p, size_t len, struct wire_embedded *out)
{
  size_t at = WIRE_IPV6_HEADER;
  for (unsigned n = 0; n < WIRE_IPV6_EXT_MAX && len - at >= 8; n++) {
    size_t header_len = ((size_t)p[at + 1] + 1) * 8;
    switch (out->protocol) {
    case WIRE_PROTO_FRAGMENT:
      out->is_fragment = out->is_fragment || (wire_get16(p + at + 2) & 0xfff9) != 0;
      if ((wire_get16(p + at + 2) & 0xfff8) != 0) {
        out->protocol = p[at];
        return len;
      }
      header_len = WIRE_IPV6_FRAG_HEADER;
      break;
    case WIRE_PROTO_HOPOPTS:
    case WIRE_PROTO_ROUTING:
    case WIRE_PROTO_DSTOPTS: break;
    default: return at;
    }
    out->protocol = p[at];
    if (header_len > len - at) return len;
    at += header_len;
  }
  return at;
}

int wire_icmp6_embedded(const uint8_t *p, size_t len, struct wire_embedded *out)
{
  memset(out, 0, sizeof *out);
  if (len < 1) return WIRE_SHORT;
  if (p[0] >> 4 != 6) return WIRE_BAD_VERSION;
  if (len < WIRE_IPV6_HEADER) return WIRE_SHORT;
  uint32_t ip_len = (uint32_t)WIRE_IPV6_HEADER + wire_get16(p + 4);
  out->ip_len = ip_len > 0xffff ? 0xffff : (uint16_t)ip_len;
  out->protocol = p[6];
  memcpy(out->src.b, p + 8, 16);
  memcpy(out->dst.b, p + 24, 16);
  if (wire_ip_is4(&out->src) || wire_ip_is4(&out->dst)) return WIRE_BAD_VALUE;
  size_t at = find_transport(p, len, out);
  read_transport(p + at, len - at, WIRE_ICMP6_ECHO, out);
  return WIRE_OK;
}
