/* ICMP messages: RFC 792, RFC 1191 4, RFC 4443 2-4. The packet inside error messages: wire/icmp_embedded.c. */
#include "wire/icmp.h"

#include "wire/checksum.h"
#include "wire/ipv4.h"

/* What the four bytes after the checksum hold. */
enum layout { LAYOUT_OTHER, LAYOUT_ECHO, LAYOUT_MTU, LAYOUT_POINTER };

static enum layout layout4(uint8_t type, uint8_t code)
{
  if (type == WIRE_ICMP4_ECHO || type == WIRE_ICMP4_ECHO_REPLY) return LAYOUT_ECHO;
  if (type == WIRE_ICMP4_UNREACHABLE && code == WIRE_ICMP4_FRAG_NEEDED) return LAYOUT_MTU;
  return type == WIRE_ICMP4_PROBLEM ? LAYOUT_POINTER : LAYOUT_OTHER;
}

static enum layout layout6(uint8_t type)
{
  switch (type) {
  case WIRE_ICMP6_ECHO:
  case WIRE_ICMP6_ECHO_REPLY: return LAYOUT_ECHO;
  case WIRE_ICMP6_TOO_BIG: return LAYOUT_MTU;
  case WIRE_ICMP6_PROBLEM: return LAYOUT_POINTER;
  default: return LAYOUT_OTHER;
  }
}

static bool is_error4(uint8_t type)
{
  switch (type) {
  case WIRE_ICMP4_UNREACHABLE:
  case WIRE_ICMP4_SOURCE_QUENCH:
  case WIRE_ICMP4_REDIRECT:
  case WIRE_ICMP4_TIME_EXCEEDED:
  case WIRE_ICMP4_PROBLEM: return true;
  default: return false;
  }
}

static int read_fields(const uint8_t *p, size_t len, struct wire_icmp *out)
{
  if (len < WIRE_ICMP_HEADER) return WIRE_SHORT;
  *out = (struct wire_icmp){.type = p[0], .code = p[1], .checksum = wire_get16(p + 2), .rest = wire_get32(p + 4)};
  return WIRE_OK;
}

static void take_echo(struct wire_icmp *out)
{
  out->id = (uint16_t)(out->rest >> 16);
  out->seq = (uint16_t)out->rest;
}

int wire_icmp4_parse(const uint8_t *p, size_t len, struct wire_icmp *out)
{
  int result = read_fields(p, len, out);
  if (result != WIRE_OK) return result;
  out->is_error = is_error4(out->type);
  enum layout layout = layout4(out->type, out->code);
  if (layout == LAYOUT_ECHO)
    take_echo(out);
  else if (layout == LAYOUT_MTU)
    out->mtu = out->rest & 0xffff;
  else if (layout == LAYOUT_POINTER)
    out->pointer = out->rest >> 24;
  return WIRE_OK;
}

int wire_icmp6_parse(const uint8_t *p, size_t len, struct wire_icmp *out)
{
  int result = read_fields(p, len, out);
  if (result != WIRE_OK) return result;
  out->is_error = out->type < WIRE_ICMP6_ECHO;
  enum layout layout = layout6(out->type);
  if (layout == LAYOUT_ECHO)
    take_echo(out);
  else if (layout == LAYOUT_MTU)
    out->mtu = out->rest;
  else if (layout == LAYOUT_POINTER)
    out->pointer = out->rest;
  return WIRE_OK;
}

static size_t put(const struct wire_icmp *h, uint32_t rest, uint8_t *p)
{
  p[0] = h->type;
  p[1] = h->code;
  wire_put16(p + 2, 0);
  wire_put32(p + 4, rest);
  return WIRE_ICMP_HEADER;
}

static uint32_t echo_rest(const struct wire_icmp *h) { return (uint32_t)h->id << 16 | h->seq; }

size_t wire_icmp4_emit(const struct wire_icmp *h, uint8_t *p)
{
  switch (layout4(h->type, h->code)) {
  case LAYOUT_ECHO: return put(h, echo_rest(h), p);
  case LAYOUT_MTU: return put(h, h->mtu & 0xffff, p);
  case LAYOUT_POINTER: return put(h, h->pointer << 24, p);
  default: return put(h, h->rest, p);
  }
}

size_t wire_icmp6_emit(const struct wire_icmp *h, uint8_t *p)
{
  switch (layout6(h->type)) {
  case LAYOUT_ECHO: return put(h, echo_rest(h), p);
  case LAYOUT_MTU: return put(h, h->mtu, p);
  case LAYOUT_POINTER: return put(h, h->pointer, p);
  default: return put(h, h->rest, p);
  }
}

void wire_icmp4_finish(uint8_t *p, size_t len)
{
  wire_put16(p + 2, 0);
  wire_put16(p + 2, wire_sum_finish(wire_sum(p, len, 0)));
}

void wire_icmp6_finish(uint8_t *p, size_t len, const struct yeon_ip *src, const struct yeon_ip *dst)
{
  wire_put16(p + 2, 0);
  uint64_t pseudo = wire_sum_pseudo(src, dst, WIRE_PROTO_ICMPV6, (uint32_t)len);
  wire_put16(p + 2, wire_sum_finish(wire_sum(p, len, pseudo)));
}

bool wire_icmp4_checksum_ok(const struct yeon_slice *s, size_t n, size_t skip, size_t len)
{
  return wire_sum_finish(wire_sum_slices(s, n, skip, len, 0)) == 0;
}

bool wire_icmp6_checksum_ok(const struct yeon_slice *s, size_t n, size_t skip, size_t len, const struct yeon_ip *src,
                            const struct yeon_ip *dst)
{
  uint64_t pseudo = wire_sum_pseudo(src, dst, WIRE_PROTO_ICMPV6, (uint32_t)len);
  return wire_sum_finish(wire_sum_slices(s, n, skip, len, pseudo)) == 0;
}
