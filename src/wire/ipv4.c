/* IPv4 headers: RFC 791 3.1, RFC 1122 3.2.1. */
#include "wire/ipv4.h"

#include "wire/checksum.h"

#define FLAG_DF 0x4000
#define FLAG_MF 0x2000
#define OFFSET_MASK 0x1fff

enum option { OPTION_END = 0, OPTION_NOP = 1, OPTION_LOOSE_ROUTE = 131, OPTION_STRICT_ROUTE = 137 };

/* RFC 1122 3.2.1.8: options we do not use are passed over, but a source route is noted. */
static int walk_options(const uint8_t *p, size_t len, struct wire_ipv4 *out)
{
  size_t i = 0;
  while (i < len && p[i] != OPTION_END) {
    if (p[i] == OPTION_NOP) {
      i++;
      continue;
    }
    if (len - i < 2 || p[i + 1] < 2 || p[i + 1] > len - i) return WIRE_BAD_OPTION;
    if (p[i] == OPTION_LOOSE_ROUTE || p[i] == OPTION_STRICT_ROUTE) out->has_source_route = true;
    i += p[i + 1];
  }
  return WIRE_OK;
}

static void read_fields(const uint8_t *p, struct wire_ipv4 *out)
{
  uint16_t frag = wire_get16(p + 6);
  out->header_len = (uint8_t)((p[0] & 0x0f) * 4);
  out->tos = p[1];
  out->total_len = wire_get16(p + 2);
  out->id = wire_get16(p + 4);
  out->dont_fragment = (frag & FLAG_DF) != 0;
  out->more_fragments = (frag & FLAG_MF) != 0;
  out->frag_offset = (uint16_t)((frag & OFFSET_MASK) * 8);
  out->ttl = p[8];
  out->protocol = p[9];
  out->src = wire_ip4_get(p + 12);
  out->dst = wire_ip4_get(p + 16);
  out->has_options = out->header_len > WIRE_IPV4_HEADER;
  out->has_source_route = false;
}

int wire_ipv4_parse(const uint8_t *p, size_t len, size_t available, struct wire_ipv4 *out)
{
  if (len < 1) return WIRE_SHORT;
  if (p[0] >> 4 != 4) return WIRE_BAD_VERSION;
  if (len < WIRE_IPV4_HEADER) return WIRE_SHORT;
  read_fields(p, out);
  if (out->header_len < WIRE_IPV4_HEADER || out->total_len < out->header_len) return WIRE_BAD_LENGTH;
  if (out->header_len > len || out->total_len > available) return WIRE_SHORT;
  if (wire_sum_finish(wire_sum(p, out->header_len, 0)) != 0) return WIRE_BAD_CHECKSUM;
  /* RFC 1122 3.2.1.3: these are never the address of one sender. */
  if (wire_ip_is_multicast(&out->src) || wire_get32(p + 12) == 0xffffffff) return WIRE_BAD_VALUE;
  return walk_options(p + WIRE_IPV4_HEADER, (size_t)out->header_len - WIRE_IPV4_HEADER, out);
}

size_t wire_ipv4_emit(const struct wire_ipv4 *h, uint8_t *p)
{
  unsigned frag = h->frag_offset / 8u | (h->dont_fragment ? FLAG_DF : 0u) | (h->more_fragments ? FLAG_MF : 0u);
  p[0] = 0x45;
  p[1] = h->tos;
  wire_put16(p + 2, h->total_len);
  wire_put16(p + 4, h->id);
  wire_put16(p + 6, (uint16_t)frag);
  p[8] = h->ttl;
  p[9] = h->protocol;
  wire_put16(p + 10, 0);
  wire_ip4_put(p + 12, &h->src);
  wire_ip4_put(p + 16, &h->dst);
  wire_put16(p + 10, wire_sum_finish(wire_sum(p, WIRE_IPV4_HEADER, 0)));
  return WIRE_IPV4_HEADER;
}
