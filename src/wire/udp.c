/* UDP headers: RFC 768. */
#include "wire/udp.h"

int wire_udp_parse(const uint8_t *p, size_t len, size_t available, struct wire_udp *out)
{
  if (len < WIRE_UDP_HEADER) return WIRE_SHORT;
  out->src_port = wire_get16(p);
  out->dst_port = wire_get16(p + 2);
  out->length = wire_get16(p + 4);
  out->checksum = wire_get16(p + 6);
  if (out->length < WIRE_UDP_HEADER) return WIRE_BAD_LENGTH;
  return out->length > available ? WIRE_SHORT : WIRE_OK;
}

size_t wire_udp_emit(const struct wire_udp *h, uint8_t *p)
{
  wire_put16(p, h->src_port);
  wire_put16(p + 2, h->dst_port);
  wire_put16(p + 4, h->length);
  wire_put16(p + 6, h->checksum);
  return WIRE_UDP_HEADER;
}
