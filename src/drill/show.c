/* Packets in the script's own language, for people to compare. */
#include <stdio.h>
#include <string.h>

#include "drill/run.h"
#include "drill/tcp_option.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"

struct line {
  char text[512];
  size_t n;
};

static void put(struct line *o, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct line *o, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  int n = vsnprintf(o->text + o->n, sizeof o->text - o->n, format, args);
  va_end(args);
  if (n > 0) o->n += (size_t)n;
  if (o->n >= sizeof o->text) o->n = sizeof o->text - 1;
}

static void put_flags(struct line *o, unsigned flags)
{
  static const char letters[] = "FSRP.UEWA";
  static const unsigned order[] = {1, 0, 2, 3, 5, 8, 6, 7, 4}; /* SFRPUAEW. */
  if ((flags & 0x1ff) == 0) put(o, "-");
  for (unsigned i = 0; i < 9; i++)
    if ((flags >> order[i] & 1) != 0) put(o, "%c", letters[order[i]]);
}

static void put_option(struct line *o, const struct drill_option *option)
{
  const uint8_t *d = option->data;
  switch (option->kind) {
  case TCP_OPTION_EOL: put(o, "eol"); return;
  case TCP_OPTION_NOP: put(o, "nop"); return;
  case TCP_OPTION_MSS: put(o, "mss %u", wire_get16(d)); return;
  case TCP_OPTION_WSCALE: put(o, "wscale %u", d[0]); return;
  case TCP_OPTION_SACK_OK: put(o, "sackOK"); return;
  case TCP_OPTION_TS: put(o, "TS val %u ecr %u", wire_get32(d), wire_get32(d + 4)); return;
  case TCP_OPTION_SACK:
    put(o, "sack");
    for (unsigned i = 0; 8 * i + 10 <= option->len; i++)
      put(o, " %u:%u", wire_get32(d + 8 * i), wire_get32(d + 8 * i + 4));
    return;
  case TCP_OPTION_FASTOPEN: put(o, "FO"); break;
  case TCP_OPTION_EXP: put(o, "%s", wire_get16(d) == TCP_OPTION_EXP_FASTOPEN ? "FOEXP" : "option 254"); break;
  case TCP_OPTION_ACCECN0:
  case TCP_OPTION_ACCECN1:
    put(o, "ECN");
    for (unsigned i = 0; 3 * i + 5 <= option->len; i++) {
      static const char *const names[2][3] = {{"e0b", "ceb", "e1b"}, {"e1b", "ceb", "e0b"}};
      put(o, " %s %u", names[option->kind == TCP_OPTION_ACCECN1][i % 3],
          (unsigned)(d[3 * i] << 16 | d[3 * i + 1] << 8 | d[3 * i + 2]));
    }
    return;
  default: put(o, "option %u", option->kind); break;
  }
  unsigned from = option->kind == TCP_OPTION_EXP && wire_get16(d) == TCP_OPTION_EXP_FASTOPEN ? 2 : 0;
  for (unsigned i = from; i + 2 < option->len; i++) put(o, "%s%02x", i == from ? " " : "", d[i]);
}

static void put_options(struct line *o, const struct drill_option *options, unsigned n)
{
  for (unsigned i = 0; i < n; i++) {
    put(o, i == 0 ? " <" : ",");
    put_option(o, &options[i]);
  }
  if (n > 0) put(o, ">");
}

unsigned show_read_options(const struct drill_live *l, uint32_t sack_offset, struct drill_option *out, unsigned max)
{
  unsigned n = 0;
  for (uint32_t at = 20; at < l->header_len && at < l->len && n < max;) {
    struct drill_option *o = &out[n++];
    memset(o, 0, sizeof *o);
    o->kind = l->bytes[at];
    o->len = 1;
    if (o->kind != TCP_OPTION_EOL && o->kind != TCP_OPTION_NOP && at + 1 < l->header_len) {
      o->len = l->bytes[at + 1];
      if (o->len < 2 || o->len > 40 || at + o->len > l->header_len) break;
      memcpy(o->data, l->bytes + at + 2, o->len - 2u);
    }
    for (unsigned i = 0; o->kind == TCP_OPTION_SACK && i + 4 <= o->len - 2u; i += 4)
      wire_put32(o->data + i, wire_get32(o->data + i) - sack_offset);
    at += o->len;
  }
  return n;
}

static void put_tcp(struct line *o, const struct drill_live *l, const struct drill_flow *flow)
{
  struct drill_option options[DRILL_OPTIONS];
  bool syn = (l->flags & YEON_TCP_SYN) != 0;
  uint32_t seq = l->seq - flow_local_offset(flow, syn), back = flow_remote_offset(flow, syn);
  put_flags(o, l->flags);
  put(o, " %u:%u(%u)", seq, seq + l->payload, l->payload);
  if ((l->flags & YEON_TCP_ACK) != 0) put(o, " ack %u", l->ack - back);
  put(o, " win %u", l->window);
  if ((l->flags & YEON_TCP_URG) != 0) put(o, " urg %u", l->urgent);
  unsigned n = show_read_options(l, back, options, DRILL_OPTIONS);
  for (unsigned i = 0; i < n; i++)
    if (options[i].kind == TCP_OPTION_TS && flow != NULL && flow->stamps_known)
      wire_put32(options[i].data, wire_get32(options[i].data) - flow->stamp_first_live + flow->stamp_first_script);
  put_options(o, options, n);
  if (l->udp_dst != 0) put(o, "/udp(%u > %u)", l->udp_src, l->udp_dst);
  if (l->segments > 1) put(o, "   (%u segments)", l->segments);
}

const char *show_live(struct drill_run *r, const struct drill_live *l, const struct drill_flow *flow)
{
  struct line o = {.n = 0};
  static const char *const ecn[] = {"", "[ect1] ", "[ect0] ", "[ce] "};
  put(&o, "%s", ecn[l->tos & 3]);
  if (l->protocol == WIRE_PROTO_TCP)
    put_tcp(&o, l, flow);
  else if (l->protocol == WIRE_PROTO_UDP)
    put(&o, "udp (%u)", l->payload);
  else
    put(&o, "icmp type_%u code_%u", l->bytes[0], l->bytes[1]);
  return drill_text(r->arena, o.text, o.n);
}

const char *show_packet(struct drill_run *r, const struct drill_packet *k)
{
  struct line o = {.n = 0};
  static const char *const ecn[] = {"[noecn] ", "[ect1] ", "[ect0] ", "[ce] "};
  if (k->ecn >= 0) put(&o, "%s", ecn[k->ecn & 3]);
  if (k->tos >= 0) put(&o, "(tos 0x%x) ", (unsigned)k->tos);
  if (k->ttl >= 0) put(&o, "(ttl %d) ", k->ttl);
  if (k->kind == DRILL_TCP) {
    put_flags(&o, k->flags);
    put(&o, " %u:%u(%u)", k->seq, k->seq + k->len, k->len);
    if (k->has_ack) put(&o, " ack %u", k->ack);
    if (k->has_window) put(&o, " win %u", k->window);
    if (k->urgent != 0) put(&o, " urg %u", k->urgent);
    if (k->any_options) put(&o, " <...>");
    put_options(&o, k->options, k->n_options);
    if (k->udp_dst != 0) put(&o, "/udp(%u > %u)", k->udp_src, k->udp_dst);
  } else if (k->kind == DRILL_UDP) {
    put(&o, "udp (%u)", k->len);
  } else {
    put(&o, "icmp %s %s", k->icmp_type, k->icmp_code != NULL ? k->icmp_code : "");
  }
  return drill_text(r->arena, o.text, o.n);
}
