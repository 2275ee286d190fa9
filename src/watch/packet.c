#include "watch/packet.h"

#include <stdio.h>
#include <string.h>

#include <yeon/watch.h>

#include "watch/text.h"
#include "wire/eth.h"
#include "wire/ipv6.h"

size_t packet_head(const struct yeon_frame *frame, uint8_t *buf)
{
  size_t at = 0;
  for (unsigned i = 0; i < frame->n_slices && at < PACKET_HEAD; i++) {
    size_t n = frame->slice[i].len;
    if (n > PACKET_HEAD - at) n = PACKET_HEAD - at;
    memcpy(buf + at, frame->slice[i].base, n);
    at += n;
  }
  return at;
}

/* rest: bytes of the transport header and its payload, len of them at p. */
static void parse_transport(const uint8_t *p, size_t len, size_t rest, struct packet *out)
{
  int result = -1;
  out->kind = PACKET_OTHER;
  if (out->protocol == WIRE_PROTO_TCP) {
    result = wire_tcp_parse(p, len, &out->tcp);
    out->kind = PACKET_TCP;
    out->src.port = out->tcp.src_port;
    out->dst.port = out->tcp.dst_port;
    out->payload = rest >= out->tcp.header_len ? (uint32_t)(rest - out->tcp.header_len) : 0;
  } else if (out->protocol == WIRE_PROTO_UDP) {
    result = wire_udp_parse(p, len, rest, &out->udp);
    /* A first fragment holds less than the header says. */
    if (result == WIRE_SHORT && out->more_fragments && len >= WIRE_UDP_HEADER) {
      out->udp = (struct wire_udp){wire_get16(p), wire_get16(p + 2), wire_get16(p + 4), wire_get16(p + 6)};
      result = 0;
    }
    out->kind = PACKET_UDP;
    out->src.port = out->udp.src_port;
    out->dst.port = out->udp.dst_port;
    out->payload = out->udp.length >= WIRE_UDP_HEADER ? (uint32_t)(out->udp.length - WIRE_UDP_HEADER) : 0;
  } else if (out->protocol == WIRE_PROTO_ICMP || out->protocol == WIRE_PROTO_ICMPV6) {
    result = out->is6 ? wire_icmp6_parse(p, len, &out->icmp) : wire_icmp4_parse(p, len, &out->icmp);
    out->kind = PACKET_ICMP;
    out->payload = rest >= WIRE_ICMP_HEADER ? (uint32_t)(rest - WIRE_ICMP_HEADER) : 0;
  } else {
    result = 0;
    out->payload = (uint32_t)rest;
  }
  if (result != 0) out->kind = PACKET_BAD;
}

static void parse_ipv4(const uint8_t *p, size_t len, size_t total, struct packet *out)
{
  struct wire_ipv4 h;
  if (wire_ipv4_parse(p, len, total, &h) != 0) return;
  out->src.ip = h.src;
  out->dst.ip = h.dst;
  out->protocol = h.protocol;
  out->codepoint = h.tos & 3u;
  out->ip_len = h.total_len;
  out->more_fragments = h.more_fragments;
  size_t have = len < h.total_len ? len : h.total_len;
  if (h.frag_offset != 0) {
    out->kind = PACKET_FRAGMENT;
    out->payload = (uint32_t)(h.total_len - h.header_len);
    return;
  }
  parse_transport(p + h.header_len, have - h.header_len, (size_t)(h.total_len - h.header_len), out);
}

static void parse_ipv6(const uint8_t *p, size_t len, size_t total, struct packet *out)
{
  struct wire_ipv6 h;
  struct wire_ipv6_ext ext;
  if (wire_ipv6_parse(p, len, total, &h) != 0) return;
  out->is6 = true;
  out->codepoint = h.traffic_class & 3u;
  out->src.ip = h.src;
  out->dst.ip = h.dst;
  size_t whole = (size_t)WIRE_IPV6_HEADER + h.payload_len;
  out->ip_len = (uint32_t)whole;
  size_t have = len < whole ? len : whole;
  if (wire_ipv6_extensions(p, have, &h, &ext) != 0) return;
  if (ext.action == WIRE_IPV6_FRAGMENT) {
    out->protocol = ext.fragment.next_header;
    out->more_fragments = ext.fragment.more;
    out->payload = (uint32_t)(whole - ext.offset);
    out->kind = PACKET_FRAGMENT;
    if (ext.fragment.offset == 0) parse_transport(p + ext.offset, have - ext.offset, whole - ext.offset, out);
    return;
  }
  if (ext.action != WIRE_IPV6_UPPER) return;
  out->protocol = ext.next_header;
  parse_transport(p + ext.offset, have - ext.offset, whole - ext.offset, out);
}

void packet_parse(const uint8_t *p, size_t len, size_t total, bool ethernet, struct packet *out)
{
  memset(out, 0, sizeof *out);
  out->kind = PACKET_BAD;
  if (ethernet) {
    struct wire_eth eth;
    if (wire_eth_parse(p, len, &eth) != 0) return;
    p += eth.header_len;
    len -= eth.header_len;
    total -= eth.header_len;
    if (eth.type == WIRE_ETH_ARP) {
      if (wire_arp_parse(p, len, &out->arp) == 0) out->kind = PACKET_ARP;
      return;
    }
  }
  if (len == 0) return;
  if (p[0] >> 4 == 4)
    parse_ipv4(p, len, total, out);
  else
    parse_ipv6(p, len, total, out);
}

static const char *icmp4_name(const struct wire_icmp *h)
{
  static const char *const unreachable[] = {"network unreachable", "host unreachable",     "protocol unreachable",
                                            "port unreachable",    "fragmentation needed", "source route failed"};
  switch (h->type) {
  case WIRE_ICMP4_ECHO: return "echo";
  case WIRE_ICMP4_ECHO_REPLY: return "echo reply";
  case WIRE_ICMP4_TIME_EXCEEDED: return "time exceeded";
  case WIRE_ICMP4_PROBLEM: return "parameter problem";
  case WIRE_ICMP4_UNREACHABLE:
    if (h->code < sizeof unreachable / sizeof unreachable[0]) return unreachable[h->code];
    return h->code == WIRE_ICMP4_ADMIN ? "administratively prohibited" : "destination unreachable";
  default: return NULL;
  }
}

static const char *icmp6_name(const struct wire_icmp *h)
{
  static const char *const unreachable[] = {"no route", "administratively prohibited", "beyond scope",
                                            "address unreachable", "port unreachable"};
  switch (h->type) {
  case WIRE_ICMP6_UNREACHABLE: return h->code < 5 ? unreachable[h->code] : "destination unreachable";
  case WIRE_ICMP6_TOO_BIG: return "packet too big";
  case WIRE_ICMP6_TIME_EXCEEDED: return "time exceeded";
  case WIRE_ICMP6_PROBLEM: return "parameter problem";
  case WIRE_ICMP6_ECHO: return "echo";
  case WIRE_ICMP6_ECHO_REPLY: return "echo reply";
  case WIRE_ICMP6_RS: return "router solicitation";
  case WIRE_ICMP6_RA: return "router advertisement";
  case WIRE_ICMP6_NS: return "neighbour solicitation";
  case WIRE_ICMP6_NA: return "neighbour advertisement";
  default: return NULL;
  }
}

const char *packet_icmp_text(const struct packet *p, char *buf, size_t size)
{
  const char *name = p->is6 ? icmp6_name(&p->icmp) : icmp4_name(&p->icmp);
  struct text t = text_over(buf, size);
  if (name != NULL)
    text_add(&t, "%s", name);
  else
    text_add(&t, "type %u code %u", p->icmp.type, p->icmp.code);
  if (p->icmp.mtu != 0) text_add(&t, ", mtu %u", p->icmp.mtu);
  return buf;
}

static void describe_tcp(struct text *t, const struct wire_tcp *h, uint32_t payload)
{
  char flags[40];
  text_add(t, " %s%s seq %u", text_flags(h->flags, "+", flags, sizeof flags), h->ae ? "+AE" : "", h->seq);
  if ((h->flags & YEON_TCP_ACK) != 0) text_add(t, " ack %u", h->ack);
  if (payload != 0) text_add(t, " len %u", payload);
}

const char *packet_codepoint_text(uint8_t codepoint)
{
  static const char *const names[] = {"", "ECT(1)", "ECT(0)", "CE"};
  return names[codepoint & 3];
}

char *yeon_frame_describe(const void *bytes, size_t len, bool ethernet, char *buf, size_t size)
{
  static const char *const kinds[] = {"not a packet", "TCP", "UDP", "ICMP", "ARP", "IP fragment", "IP"};
  struct packet p;
  char src[54], dst[54], icmp[64];
  struct text t = text_over(buf, size);
  packet_parse(bytes, len < PACKET_HEAD ? len : PACKET_HEAD, len, ethernet, &p);
  text_add(&t, "%s", kinds[p.kind]);
  if (p.kind == PACKET_BAD || p.kind == PACKET_ARP) return buf;
  text_add(&t, " %s > %s", text_end(&p.src, src, sizeof src), text_end(&p.dst, dst, sizeof dst));
  if (p.kind == PACKET_TCP)
    describe_tcp(&t, &p.tcp, p.payload);
  else if (p.kind == PACKET_ICMP)
    text_add(&t, " %s", packet_icmp_text(&p, icmp, sizeof icmp));
  else
    text_add(&t, " len %u", p.payload);
  if (p.codepoint != 0) text_add(&t, " %s", packet_codepoint_text(p.codepoint));
  return buf;
}
