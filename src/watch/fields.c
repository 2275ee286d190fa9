/* TCP and UDP headers in words (RFC 9293 3.1, 3.2; RFC 768; RFC 7323; RFC 2018; RFC 5482; RFC 9768). */
#include "watch/fields.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "watch/text.h"
#include "wire/checksum.h"
#include "wire/eth.h"
#include "wire/ipv4.h"
#include "wire/tcp.h"
#include "wire/udp.h"

#define OPTION_END 0
#define OPTION_NOP 1
#define OPTION_MSS 2
#define OPTION_WSCALE 3
#define OPTION_SACK_OK 4
#define OPTION_SACK 5
#define OPTION_TS 8
#define OPTION_UTO 28
#define OPTION_FASTOPEN 34
#define OPTION_ACCECN0 172
#define OPTION_ACCECN1 174

void fields_title(struct fields *f, const char *format, ...)
{
  char line[200];
  va_list args;
  va_start(args, format);
  vsnprintf(line, sizeof line, format, args);
  va_end(args);
  f->line(f->ctx, line);
}

static void emit_row(struct fields *f, unsigned at, const char *bytes, const char *name, const char *value,
                     const char *meaning)
{
  char line[320];
  snprintf(line, sizeof line, "  %2u  %-11s  %-16s  %-10s  %s", at, bytes, name, value, meaning);
  size_t end = strlen(line);
  while (end > 0 && line[end - 1] == ' ') line[--end] = '\0';
  f->line(f->ctx, line);
}

static void row(struct fields *f, unsigned at, unsigned n, const char *name, const char *value, const char *meaning)
{
  char hex[16] = "";
  struct text t = text_over(hex, sizeof hex);
  for (unsigned i = 0; i < n && i < (n > 4 ? 3 : 4); i++) text_add(&t, "%s%02x", i > 0 ? " " : "", f->header[at + i]);
  if (n > 4) text_add(&t, " ..");
  emit_row(f, at, hex, name, value, meaning);
}

void fields_bits(struct fields *f, unsigned at, uint8_t mask, const char *name, uint32_t value, const char *meaning)
{
  char bits[9] = "........", number[16];
  for (unsigned i = 0; i < 8; i++)
    if ((mask & (0x80u >> i)) != 0) bits[i] = (f->header[at] & (0x80u >> i)) != 0 ? '1' : '0';
  snprintf(number, sizeof number, "%u", value);
  emit_row(f, at, bits, name, number, meaning);
}

void fields_row(struct fields *f, unsigned at, unsigned n, const char *name, const char *value, const char *format, ...)
{
  char meaning[160];
  va_list args;
  va_start(args, format);
  vsnprintf(meaning, sizeof meaning, format, args);
  va_end(args);
  row(f, at, n, name, value, meaning);
}

void fields_number(struct fields *f, unsigned at, unsigned n, const char *name, uint32_t value, const char *format, ...)
{
  char meaning[160], number[16];
  va_list args;
  va_start(args, format);
  vsnprintf(meaning, sizeof meaning, format, args);
  va_end(args);
  snprintf(number, sizeof number, "%u", value);
  row(f, at, n, name, number, meaning);
}

static void write_accecn(struct fields *f, unsigned at, unsigned len, bool swapped)
{
  static const char *const meanings[] = {"bytes that came as ECT(0)", "bytes that came marked", "bytes that came as ECT(1)"};
  const uint8_t *p = f->header + at;
  if (len < 5) fields_row(f, at, len, "option: AccECN", "", "no counters: it tests the path");
  for (unsigned i = 0; i < 3 && 3 * i + 5 <= len; i++)
    fields_number(f, at + 2 + 3 * i, 3, "option: AccECN", (uint32_t)p[3 * i + 2] << 16 | wire_get16(p + 3 * i + 3), "%s",
                  meanings[wire_accecn_field(swapped, i)]);
}

/* One option at p[0..len) of the header; at: its offset in the header. Returns its length. */
static unsigned write_option(struct fields *f, unsigned at, unsigned len)
{
  const uint8_t *p = f->header + at;
  char value[32];
  switch (p[0]) {
  case OPTION_END: fields_row(f, at, 1, "option: end", "", "the rest is padding"); return len;
  case OPTION_NOP: fields_row(f, at, 1, "option: no-op", "", "padding between options"); return 1;
  default: break;
  }
  unsigned n = len >= 2 ? p[1] : 0;
  if (n < 2 || n > len) {
    fields_row(f, at, 1, "option: broken", "", "reaches beyond the header");
    return len;
  }
  if (p[0] == OPTION_MSS && n == 4) {
    fields_number(f, at, n, "option: MSS", wire_get16(p + 2), "bytes a segment, at most");
  } else if (p[0] == OPTION_WSCALE && n == 3) {
    fields_number(f, at, n, "option: scale", p[2], "my windows count %u bytes each", 1u << (p[2] > 14 ? 14 : p[2]));
  } else if (p[0] == OPTION_SACK_OK && n == 2) {
    fields_row(f, at, n, "option: SACK ok", "", "tell me what is beyond a hole");
  } else if (p[0] == OPTION_SACK && n % 8 == 2) {
    for (unsigned i = 2; i < n; i += 8) {
      snprintf(value, sizeof value, "%u", wire_get32(p + i));
      fields_row(f, at + i, 8, "option: SACK", value, "to %u: I have these", wire_get32(p + i + 4));
    }
  } else if (p[0] == OPTION_TS && n == 10) {
    fields_number(f, at, n, "option: times", wire_get32(p + 2), "my clock; yours was %u", wire_get32(p + 6));
  } else if (p[0] == OPTION_FASTOPEN) {
    fields_number(f, at, n, "option: cookie", n - 2, n > 2 ? "bytes of a Fast Open cookie" : "asks for a Fast Open cookie");
  } else if (p[0] == OPTION_ACCECN0 || p[0] == OPTION_ACCECN1) {
    write_accecn(f, at, n, p[0] == OPTION_ACCECN1);
  } else if (p[0] == OPTION_UTO && n == 4) {
    bool minutes = (p[2] & 0x80) != 0;
    fields_number(f, at, n, "option: timeout", wire_get16(p + 2) & 0x7fffu, "%s of silence, and I give up",
                  minutes ? "minutes" : "seconds");
  } else {
    fields_number(f, at, n, "option: other", p[0], "unknown kinds are skipped");
  }
  return n;
}

static void write_flags(struct fields *f, uint8_t flags)
{
  static const struct {
    uint8_t bit;
    const char *name, *meaning;
  } rows[] = {{YEON_TCP_CWR, "flag CWR", "congestion window reduced"},
              {YEON_TCP_ECE, "flag ECE", "congestion was reported"},
              {YEON_TCP_URG, "flag URG", "the urgent pointer counts"},
              {YEON_TCP_ACK, "flag ACK", "the acknowledgment counts"},
              {YEON_TCP_PSH, "flag PSH", "hand it to the program now"},
              {YEON_TCP_RST, "flag RST", "no such connection: give up"},
              {YEON_TCP_SYN, "flag SYN", "my numbers begin here"},
              {YEON_TCP_FIN, "flag FIN", "I have nothing more to send"}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    bool set = (flags & rows[i].bit) != 0;
    fields_bits(f, 13, rows[i].bit, rows[i].name, set, set ? rows[i].meaning : "");
  }
}

static const char *sum_words(const struct fields_ip *ip, const uint8_t *p, size_t len, uint8_t protocol)
{
  uint64_t sum = wire_sum(p, len, wire_sum_pseudo(&ip->src, &ip->dst, protocol, (uint32_t)len));
  return wire_sum_finish(sum) == 0 ? "right, with the pseudo-header" : "WRONG";
}

static int write_tcp(struct fields *f, const uint8_t *p, const struct fields_ip *ip)
{
  char hex[32];
  f->header = p;
  if (ip->len < WIRE_TCP_HEADER) {
    fields_title(f, "  broken: %zu bytes are no TCP header, it has 20 at least", ip->len);
    return YEON_ERR_INVALID;
  }
  unsigned header = (unsigned)(p[12] >> 4) * 4;
  if (header < WIRE_TCP_HEADER || header > ip->len) {
    fields_title(f, "  broken: the data offset says %u bytes of header, there are %zu in all", header, ip->len);
    return YEON_ERR_INVALID;
  }
  fields_title(f, "TCP header, %u bytes", header);
  fields_number(f, 0, 2, "source port", wire_get16(p), "which program sends");
  fields_number(f, 2, 2, "destination port", wire_get16(p + 2), "which program it is for");
  fields_number(f, 4, 4, "sequence number", wire_get32(p + 4), "of the first byte here");
  fields_number(f, 8, 4, "acknowledgment", wire_get32(p + 8), "%s",
                (p[13] & YEON_TCP_ACK) != 0 ? "the next byte expected" : "means nothing without ACK");
  snprintf(hex, sizeof hex, "× 4 = %u bytes", header);
  fields_bits(f, 12, 0xf0, "data offset", p[12] >> 4, hex);
  fields_bits(f, 12, 0x0e, "reserved", p[12] >> 1 & 7u, (p[12] & 0x0e) == 0 ? "must be 0" : "not 0: ignored");
  fields_bits(f, 12, 0x01, "flag AE", p[12] & 1u, (p[12] & 1) == 0 ? "" : "with CWR and ECE: accurate ECN");
  write_flags(f, p[13]);
  fields_number(f, 14, 2, "window", wire_get16(p + 14), "%s",
                (p[13] & YEON_TCP_SYN) != 0 ? "bytes more I have room for" : "× 2^scale bytes I can take");
  snprintf(hex, sizeof hex, "0x%04x", wire_get16(p + 16));
  fields_row(f, 16, 2, "checksum", hex, "%s", sum_words(ip, p, ip->len, WIRE_PROTO_TCP));
  fields_number(f, 18, 2, "urgent pointer", wire_get16(p + 18), "%s",
                (p[13] & YEON_TCP_URG) != 0 ? "bytes on, urgency ends" : "means nothing without URG");
  for (unsigned at = WIRE_TCP_HEADER; at < header;) at += write_option(f, at, header - at);
  fields_title(f, "  %zu bytes of data", ip->len - header);
  return 0;
}

static int write_udp(struct fields *f, const uint8_t *p, const struct fields_ip *ip)
{
  char hex[16];
  f->header = p;
  uint16_t length = ip->len >= WIRE_UDP_HEADER ? wire_get16(p + 4) : 0;
  if (length < WIRE_UDP_HEADER || length > ip->len) {
    fields_title(f, "  broken: %zu bytes for a UDP datagram that claims %u", ip->len, length);
    return YEON_ERR_INVALID;
  }
  fields_title(f, "UDP header, 8 bytes");
  fields_number(f, 0, 2, "source port", wire_get16(p), "%s",
                wire_get16(p) != 0 ? "where an answer should go" : "no answer wanted");
  fields_number(f, 2, 2, "destination port", wire_get16(p + 2), "which program it is for");
  fields_number(f, 4, 2, "length", length, "header and data, in bytes");
  snprintf(hex, sizeof hex, "0x%04x", wire_get16(p + 6));
  fields_row(f, 6, 2, "checksum", hex, "%s",
             wire_get16(p + 6) == 0 ? "none was computed" : sum_words(ip, p, length, WIRE_PROTO_UDP));
  fields_title(f, "  %u bytes of data", length - WIRE_UDP_HEADER);
  return 0;
}

int yeon_fields_write(const void *bytes, size_t len, bool ethernet, yeon_line_fn *line, void *ctx)
{
  struct fields f = {line, ctx, bytes};
  struct fields_ip ip = {.protocol = 0};
  const uint8_t *p = bytes;
  if (ethernet) {
    uint16_t type = 0;
    int header = fields_ethernet(&f, p, len, &type);
    if (header < 0) return header;
    p += header;
    len -= (size_t)header;
    if (type != WIRE_ETH_IPV4 && type != WIRE_ETH_IPV6) return 0;
  }
  int result = fields_ip(&f, p, len, &ip);
  if (result != 0 || ip.fragment) return result;
  p += ip.offset;
  if (ip.protocol == WIRE_PROTO_TCP) return write_tcp(&f, p, &ip);
  if (ip.protocol == WIRE_PROTO_UDP) return write_udp(&f, p, &ip);
  fields_title(&f, "  %zu bytes of protocol %u", ip.len, ip.protocol);
  return 0;
}
