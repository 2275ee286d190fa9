/* Packets that the script sends to the host. */
#include <string.h>

#include "drill/run.h"
#include "drill/tcp_option.h"
#include "wire/checksum.h"
#include "wire/ipv6.h"
#include "wire/udp.h"

#define PACKET_MAX 65600

/* The options' bytes, in the host's numbers, padded. */
static size_t emit_options(const struct drill_packet *k, const struct drill_flow *flow, uint8_t *p)
{
  size_t n = 0;
  bool syn = (k->flags & YEON_TCP_SYN) != 0;
  for (unsigned i = 0; i < k->n_options; i++) {
    const struct drill_option *o = &k->options[i];
    uint8_t *data = p + n + 2;
    p[n] = o->kind;
    if (o->len > 1) {
      p[n + 1] = o->len;
      memcpy(data, o->data, o->len - 2u);
    }
    uint32_t live;
    if (o->kind == TCP_OPTION_TS && !o->absolute && (k->flags & YEON_TCP_ACK) != 0 &&
        flow_stamp_live(flow, wire_get32(o->data + 4), &live))
      wire_put32(data + 4, live);
    for (unsigned b = 0; o->kind == TCP_OPTION_SACK && b + 2 < o->len; b += 4)
      wire_put32(data + b, wire_get32(data + b) + flow_local_offset(flow, syn));
    n += o->len;
  }
  while (n % 4 != 0) p[n++] = TCP_OPTION_EOL;
  return n;
}

static void learn(const struct drill_packet *k, struct drill_flow *flow)
{
  if ((k->flags & YEON_TCP_SYN) == 0 || flow->irs_known) return;
  flow->irs = k->seq;
  flow->irs_known = true;
}

static size_t emit_tcp(const struct drill_packet *k, const struct drill_flow *flow, uint8_t *p)
{
  bool syn = (k->flags & YEON_TCP_SYN) != 0;
  wire_put16(p, k->src_port != 0 ? k->src_port : flow->remote.port);
  wire_put16(p + 2, k->dst_port != 0 ? k->dst_port : flow->local.port);
  bool as_is = k->absolute;
  wire_put32(p + 4, k->seq + (as_is ? 0 : flow_remote_offset(flow, syn)));
  wire_put32(p + 8, k->ack + (as_is || (k->flags & YEON_TCP_ACK) == 0 ? 0 : flow_local_offset(flow, syn)));
  size_t header = 20 + emit_options(k, flow, p + 20);
  p[12] = (uint8_t)(header / 4 << 4 | (k->flags >> 8 & 1));
  p[13] = (uint8_t)k->flags;
  wire_put16(p + 14, (uint16_t)k->window);
  wire_put16(p + 18, k->urgent);
  return header + k->len;
}

static size_t emit_udp(const struct drill_packet *k, const struct drill_flow *flow, uint8_t *p)
{
  struct wire_udp h = {.src_port = k->src_port != 0 ? k->src_port : flow->remote.port,
                       .dst_port = k->dst_port != 0 ? k->dst_port : flow->local.port,
                       .length = (uint16_t)(WIRE_UDP_HEADER + k->len)};
  wire_udp_emit(&h, p);
  return h.length;
}

static uint8_t traffic_class(const struct drill_packet *k)
{
  if (k->tos >= 0) return (uint8_t)k->tos;
  return (uint8_t)((k->dscp > 0 ? k->dscp << 2 : 0) | (k->ecn >= 0 ? k->ecn : 0));
}

static size_t emit_ip(struct drill_run *r, const struct drill_packet *k, const struct drill_flow *flow,
                      uint8_t protocol, uint8_t *p, size_t len)
{
  uint8_t ttl = k->ttl >= 0 ? (uint8_t)k->ttl : 255;
  if (yeon_ip_is4(&r->local)) {
    struct wire_ipv4 h = {.src = flow->remote.ip,
                          .dst = flow->local.ip,
                          .total_len = (uint16_t)(WIRE_IPV4_HEADER + len)};
    h.ttl = ttl;
    h.protocol = protocol;
    h.tos = traffic_class(k);
    return wire_ipv4_emit(&h, p);
  }
  struct wire_ipv6 h = {.src = flow->remote.ip, .dst = flow->local.ip, .payload_len = (uint16_t)len};
  h.next_header = protocol;
  h.hop_limit = ttl;
  h.traffic_class = traffic_class(k);
  h.flow_label = k->flow_label >= 0 ? (uint32_t)k->flow_label : 0;
  return wire_ipv6_emit(&h, p);
}

static void put_checksum(const struct drill_flow *flow, uint8_t protocol, uint8_t *p, size_t len)
{
  size_t field = protocol == WIRE_PROTO_TCP ? 16 : 6;
  uint16_t sum =
      wire_sum_finish(wire_sum(p, len, wire_sum_pseudo(&flow->remote.ip, &flow->local.ip, protocol, (uint32_t)len)));
  wire_put16(p + field, protocol == WIRE_PROTO_UDP && sum == 0 ? 0xffff : sum);
}

/* A signature for which no key was agreed: kernels drop the segment without a word, and no script can agree on a key here. */
static bool is_signed(const struct drill_packet *k)
{
  for (unsigned i = 0; k->kind == DRILL_TCP && i < k->n_options; i++)
    if (k->options[i].kind == TCP_OPTION_MD5) return true;
  return false;
}

/* In ESTABLISHED an acknowledgment of bytes never sent is answered by Linux 6.18, as RFC 9293 3.10.7.4 wants, and was dropped without a word before. */
static bool may_be_answered(const struct drill_run *r, const struct drill_packet *k, const struct drill_flow *flow)
{
  struct yeon_tcp_info info;
  if (r->freebsd || k->kind != DRILL_TCP || (k->flags & YEON_TCP_ACK) == 0) return false;
  for (unsigned i = 0; i < DRILL_FDS; i++) {
    const struct drill_fd *fd = &r->fds[i];
    if (fd->number < 0 || fd->tcp == NULL || yeon_tcp_state(fd->tcp) != YEON_TCP_ESTABLISHED) continue;
    yeon_tcp_info(fd->tcp, &info);
    bool ours = info.local.port == flow->local.port && info.remote.port == flow->remote.port;
    if (ours) return (int32_t)(k->ack + flow_local_offset(flow, false) - info.snd_max) > 0;
  }
  return false;
}

void inbound_packet(struct drill_run *r, const struct drill_event *e)
{
  const struct drill_packet *k = e->packet;
  uint8_t *packet = drill_alloc(r->arena, PACKET_MAX);
  struct drill_flow *flow = flow_of(r, k);
  size_t header = yeon_ip_is4(&r->local) ? WIRE_IPV4_HEADER : WIRE_IPV6_HEADER, len;
  uint8_t protocol = WIRE_PROTO_TCP;
  if (is_signed(k)) {
    drill_trace(r, "   < %s (signed, and there is no key)", show_packet(r, k));
    return;
  }
  if (k->kind == DRILL_TCP) {
    if (!tunnel_admits(r, k, flow)) {
      drill_trace(r, "   < %s (not for the connection)", show_packet(r, k));
      return;
    }
    learn(k, flow);
    if (k->len > 0 || (k->flags & YEON_TCP_SYN) != 0) r->heard_at = r->now;
    len = emit_tcp(k, flow, packet + header);
    tunnel_narrow(r, k, packet + header, len);
  } else if (k->kind == DRILL_UDP) {
    protocol = WIRE_PROTO_UDP;
    len = emit_udp(k, flow, packet + header);
  } else {
    protocol = yeon_ip_is4(&r->local) ? WIRE_PROTO_ICMP : WIRE_PROTO_ICMPV6;
    len = tunnel_admits_error(r, k, flow) ? icmp_emit(r, k, flow, packet + header) : 0;
    if (len == 0) return;
  }
  if (len + header > 65535) {
    drill_fail(r, "%zu bytes are more than an IP packet holds", len + header);
    return;
  }
  if (k->kind != DRILL_ICMP) put_checksum(flow, protocol, packet + header, len);
  emit_ip(r, k, flow, protocol, packet, len);
  drill_trace(r, "   < %s", show_packet(r, k));
  r->may_answer = may_be_answered(r, k, flow);
  world_inject(r, packet, header + len, k->kind == DRILL_TCP ? k->len : 0);
  r->may_answer = false;
}
