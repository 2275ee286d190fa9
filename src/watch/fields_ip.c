/* Ethernet and IP headers in words (RFC 894; RFC 791; RFC 8200). */
#include <stdio.h>
#include <string.h>

#include "watch/fields.h"
#include "wire/eth.h"
#include "wire/ipv6.h"

static const char *protocol_name(uint8_t protocol)
{
  switch (protocol) {
  case WIRE_PROTO_ICMP: return "ICMP";
  case WIRE_PROTO_TCP: return "TCP";
  case WIRE_PROTO_UDP: return "UDP";
  case WIRE_PROTO_FRAGMENT: return "a fragment header";
  case WIRE_PROTO_ICMPV6: return "ICMPv6";
  default: return "";
  }
}

static int broken(struct fields *f, const char *why)
{
  fields_title(f, "  broken: %s", why);
  return YEON_ERR_INVALID;
}

static const char *why_not(int result)
{
  switch (result) {
  case WIRE_SHORT: return "fewer bytes than the header says";
  case WIRE_BAD_VERSION: return "the version is neither 4 nor 6";
  case WIRE_BAD_LENGTH: return "a length contradicts itself";
  case WIRE_BAD_CHECKSUM: return "the header checksum is wrong";
  case WIRE_BAD_OPTION: return "an option reaches beyond the header";
  default: return "a field has a value it must not have";
  }
}

static void write_fragment(struct fields *f, const struct wire_ipv4 *h)
{
  fields_number(f, 4, 2, "identification", h->id, "shared by a packet's fragments");
  fields_bits(f, 6, 0x40, "don't fragment", h->dont_fragment, h->dont_fragment ? "a router must drop it instead" : "");
  fields_bits(f, 6, 0x20, "more fragments", h->more_fragments, h->more_fragments ? "this is not the last" : "");
  fields_number(f, 6, 2, "fragment offset", h->frag_offset, "%s", h->frag_offset != 0 ? "bytes" : "");
}

static int write_ipv4(struct fields *f, const uint8_t *p, size_t len, struct fields_ip *out)
{
  struct wire_ipv4 h;
  char text[46];
  int result = wire_ipv4_parse(p, len, len, &h);
  if (result != 0) return broken(f, why_not(result));
  f->header = p;
  fields_title(f, "IPv4 header, %u bytes", h.header_len);
  fields_bits(f, 0, 0xf0, "version", 4, "");
  snprintf(text, sizeof text, "× 4 = %u bytes", h.header_len);
  fields_bits(f, 0, 0x0f, "header length", h.header_len / 4u, text);
  fields_bits(f, 1, 0xfc, "traffic class", h.tos >> 2, h.tos >> 2 == 0 ? "best effort" : "");
  fields_bits(f, 1, 0x03, "ECN", h.tos & 3u, (h.tos & 3) == WIRE_ECN_CE ? "congestion was met" : "");
  fields_number(f, 2, 2, "total length", h.total_len, "bytes, header and all behind it");
  write_fragment(f, &h);
  fields_number(f, 8, 1, "time to live", h.ttl, "routers it may still cross");
  fields_number(f, 9, 1, "protocol", h.protocol, "%s", protocol_name(h.protocol));
  snprintf(text, sizeof text, "0x%04x", wire_get16(p + 10));
  fields_row(f, 10, 2, "header checksum", text, "right, of this header alone");
  fields_row(f, 12, 4, "source", yeon_ip_format(&h.src, text, sizeof text), "%s", "");
  fields_row(f, 16, 4, "destination", yeon_ip_format(&h.dst, text, sizeof text), "%s", "");
  if (h.header_len > WIRE_IPV4_HEADER) fields_number(f, 20, h.header_len - 20u, "options", h.header_len - 20u, "bytes");
  *out = (struct fields_ip){
      h.src, h.dst, h.protocol, h.header_len, (size_t)(h.total_len - h.header_len), h.frag_offset != 0};
  return 0;
}

static int write_ipv6(struct fields *f, const uint8_t *p, size_t len, struct fields_ip *out)
{
  struct wire_ipv6 h;
  struct wire_ipv6_ext ext;
  char text[46];
  int result = wire_ipv6_parse(p, len, len, &h);
  if (result != 0) return broken(f, why_not(result));
  f->header = p;
  fields_title(f, "IPv6 header, 40 bytes");
  fields_bits(f, 0, 0xf0, "version", 6, "");
  fields_number(f, 0, 2, "traffic class", h.traffic_class, "%s", "");
  fields_number(f, 1, 3, "flow label", h.flow_label, "the same for one connection");
  fields_number(f, 4, 2, "payload length", h.payload_len, "bytes, all behind this header");
  fields_number(f, 6, 1, "next header", h.next_header, "%s", protocol_name(h.next_header));
  fields_number(f, 7, 1, "hop limit", h.hop_limit, "routers it may still cross");
  fields_row(f, 8, 16, "source", yeon_ip_format(&h.src, text, sizeof text), "%s", "");
  fields_row(f, 24, 16, "destination", yeon_ip_format(&h.dst, text, sizeof text), "%s", "");
  size_t whole = (size_t)WIRE_IPV6_HEADER + h.payload_len;
  result = wire_ipv6_extensions(p, whole, &h, &ext);
  if (result != 0 || ext.action == WIRE_IPV6_DISCARD || ext.action == WIRE_IPV6_PROBLEM)
    return broken(f, "its extension headers");
  if (ext.n_headers > 0)
    fields_title(f, "  %u extension headers, %u bytes", ext.n_headers, ext.offset - WIRE_IPV6_HEADER);
  bool fragment = ext.action == WIRE_IPV6_FRAGMENT;
  if (fragment) fields_title(f, "  a fragment, from byte %u on", ext.fragment.offset);
  *out = (struct fields_ip){h.src, h.dst, ext.next_header, ext.offset, whole - ext.offset, fragment};
  return 0;
}

int fields_ip(struct fields *f, const uint8_t *p, size_t len, struct fields_ip *out)
{
  if (len == 0) return broken(f, "it is empty");
  if (p[0] >> 4 == 4) return write_ipv4(f, p, len, out);
  if (p[0] >> 4 == 6) return write_ipv6(f, p, len, out);
  return broken(f, why_not(WIRE_BAD_VERSION));
}

static const char *mac_text(const uint8_t *m, char *buf, size_t size)
{
  snprintf(buf, size, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
  return buf;
}

int fields_ethernet(struct fields *f, const uint8_t *p, size_t len, uint16_t *type)
{
  struct wire_eth h;
  char text[32];
  if (wire_eth_parse(p, len, &h) != 0) return broken(f, "no Ethernet header");
  f->header = p;
  fields_title(f, "Ethernet header, %u bytes", h.header_len);
  fields_row(f, 0, WIRE_MAC, "destination", mac_text(h.dst, text, sizeof text), "%s",
             wire_mac_is_group(h.dst) ? "a group" : "");
  fields_row(f, 6, WIRE_MAC, "source", mac_text(h.src, text, sizeof text), "%s", "");
  snprintf(text, sizeof text, "0x%04x", h.type);
  fields_row(f, h.header_len - 2u, 2, "type", text, "%s",
             h.type == WIRE_ETH_IPV4   ? "IPv4"
             : h.type == WIRE_ETH_IPV6 ? "IPv6"
             : h.type == WIRE_ETH_ARP  ? "ARP"
                                       : "");
  *type = h.type;
  return h.header_len;
}
