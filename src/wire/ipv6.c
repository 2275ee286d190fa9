/* IPv6 headers: RFC 8200 3. Extension headers: wire/ipv6_ext.c. */
#include "wire/ipv6.h"

int wire_ipv6_parse(const uint8_t *p, size_t len, size_t available, struct wire_ipv6 *out)
{
  if (len < 1) return WIRE_SHORT;
  if (p[0] >> 4 != 6) return WIRE_BAD_VERSION;
  if (len < WIRE_IPV6_HEADER) return WIRE_SHORT;
  uint32_t first = wire_get32(p);
  out->traffic_class = (uint8_t)(first >> 20);
  out->flow_label = first & 0xfffff;
  out->payload_len = wire_get16(p + 4);
  out->next_header = p[6];
  out->hop_limit = p[7];
  memcpy(out->src.b, p + 8, 16);
  memcpy(out->dst.b, p + 24, 16);
  if ((size_t)WIRE_IPV6_HEADER + out->payload_len > available) return WIRE_SHORT;
  /* A mapped address from the wire would pass for an IPv4 one further up. */
  if (wire_ip_is4(&out->src) || wire_ip_is4(&out->dst) || wire_ip_is_multicast(&out->src)) return WIRE_BAD_VALUE;
  return WIRE_OK;
}

size_t wire_ipv6_emit(const struct wire_ipv6 *h, uint8_t *p)
{
  wire_put32(p, 6u << 28 | (uint32_t)h->traffic_class << 20 | (h->flow_label & 0xfffff));
  wire_put16(p + 4, h->payload_len);
  p[6] = h->next_header;
  p[7] = h->hop_limit;
  memcpy(p + 8, h->src.b, 16);
  memcpy(p + 24, h->dst.b, 16);
  return WIRE_IPV6_HEADER;
}

size_t wire_ipv6_frag_emit(const struct wire_ipv6_frag *f, uint8_t *p)
{
  p[0] = f->next_header;
  p[1] = 0;
  wire_put16(p + 2, (uint16_t)((f->offset & 0xfff8) | (f->more ? 1 : 0)));
  wire_put32(p + 4, f->id);
  return WIRE_IPV6_FRAG_HEADER;
}
