/* Packets that the host sent, taken apart. */
#include <string.h>

#include "drill/run.h"
#include "wire/checksum.h"
#include "wire/icmp.h"
#include "wire/ipv6.h"

static bool read_ip(struct drill_live *l, const uint8_t *p, size_t len, size_t *at)
{
  if (len > 0 && p[0] >> 4 == 6) {
    struct wire_ipv6 h;
    if (wire_ipv6_parse(p, len, len, &h) != 0) return false;
    *at = WIRE_IPV6_HEADER;
    l->six = true;
    l->protocol = h.next_header;
    l->ttl = h.hop_limit;
    l->tos = h.traffic_class;
    l->flow_label = h.flow_label;
    l->src = h.src;
    l->dst = h.dst;
    return true;
  }
  struct wire_ipv4 h;
  if (wire_ipv4_parse(p, len, len, &h) != 0) return false;
  *at = h.header_len;
  l->protocol = h.protocol;
  l->ttl = h.ttl;
  l->tos = h.tos;
  l->src = h.src;
  l->dst = h.dst;
  return true;
}

static void read_tcp(struct drill_live *l)
{
  const uint8_t *p = l->bytes;
  l->src_port = wire_get16(p);
  l->dst_port = wire_get16(p + 2);
  l->seq = wire_get32(p + 4);
  l->ack = wire_get32(p + 8);
  l->header_len = (uint32_t)(p[12] >> 4) * 4;
  l->flags = (uint16_t)((p[12] & 1) << 8 | p[13]);
  l->window = wire_get16(p + 14);
  l->urgent = wire_get16(p + 18);
  l->payload = l->len >= l->header_len ? l->len - l->header_len : 0;
}

static bool is_discovery(const struct drill_live *l)
{
  if (l->protocol == WIRE_PROTO_ICMPV6) return l->bytes[0] >= 130 && l->bytes[0] <= 143;
  return l->protocol != WIRE_PROTO_TCP && l->protocol != WIRE_PROTO_UDP && l->protocol != WIRE_PROTO_ICMP;
}

static bool checksum_good(const struct drill_live *l)
{
  uint64_t sum = 0;
  if (l->protocol != WIRE_PROTO_ICMP) sum = wire_sum_pseudo(&l->src, &l->dst, l->protocol, l->len);
  if (l->protocol == WIRE_PROTO_UDP && l->bytes[6] == 0 && l->bytes[7] == 0) return true;
  return wire_sum_finish(wire_sum(l->bytes, l->len, sum)) == 0;
}

struct drill_live *live_read(struct drill_run *r, const uint8_t *packet, size_t len)
{
  struct drill_live *l = drill_alloc(r->arena, sizeof *l);
  size_t at;
  if (!read_ip(l, packet, len, &at)) {
    drill_fail(r, "the host sent what is no IP packet");
    return NULL;
  }
  l->len = (uint32_t)(len - at);
  l->bytes = drill_alloc(r->arena, l->len + 1);
  memcpy(l->bytes, packet + at, l->len);
  l->segments = 1;
  if (l->len < 8 || is_discovery(l)) return NULL;
  if (!checksum_good(l)) drill_fail(r, "the host sent a packet with a wrong checksum");
  if (l->protocol == WIRE_PROTO_TCP && l->len >= 20) read_tcp(l);
  if (l->protocol == WIRE_PROTO_UDP) {
    l->src_port = wire_get16(l->bytes);
    l->dst_port = wire_get16(l->bytes + 2);
    l->payload = l->len - 8;
  }
  return l;
}

/* Of a conversation whose port is known, with the same other end. */
static bool is_of_another(const struct drill_run *r, const struct drill_live *l, const struct drill_flow *flow)
{
  for (const struct drill_flow *f = r->flows; f != NULL; f = f->next) {
    if (f == flow || f->protocol != l->protocol || f->local.port != l->src_port || f->remote.port != l->dst_port) continue;
    if (yeon_ip_equal(&f->remote.ip, &l->dst)) return true;
  }
  return false;
}

bool live_belongs(const struct drill_run *r, const struct drill_live *l, const struct drill_flow *flow)
{
  if (l->protocol == WIRE_PROTO_ICMP || l->protocol == WIRE_PROTO_ICMPV6) return true;
  if (flow == NULL || l->protocol != flow->protocol) return false;
  if (!yeon_ip_equal(&l->dst, &flow->remote.ip) || l->dst_port != flow->remote.port) return false;
  bool syn = l->protocol != WIRE_PROTO_TCP || (l->flags & (YEON_TCP_SYN | YEON_TCP_ACK)) == YEON_TCP_SYN;
  if (flow->local.port == 0) return (syn || !r->connecting) && !is_of_another(r, l, flow);
  return l->src_port == flow->local.port;
}

static void drop_first(struct drill_run *r)
{
  r->live = r->live->next;
  if (r->live == NULL) r->live_tail = &r->live;
}

/* What some versions of the system send and others do not counts only if the script has it. */
static bool counts(const struct drill_live *l, const struct drill_packet *k, const struct drill_flow *flow)
{
  if (!l->optional || l->protocol != WIRE_PROTO_TCP) return true;
  if (k == NULL || k->kind != DRILL_TCP || flow == NULL) return false;
  return k->len == 0 && k->flags == l->flags && k->ack == l->ack - flow_remote_offset(flow, false);
}

struct drill_live *live_take(struct drill_run *r, const struct drill_packet *expected, struct drill_flow *flow)
{
  while (r->live != NULL) {
    struct drill_live *l = r->live;
    bool icmp = l->protocol == WIRE_PROTO_ICMP || l->protocol == WIRE_PROTO_ICMPV6;
    drop_first(r);
    l->next = NULL;
    if (icmp ? expected != NULL && expected->kind == DRILL_ICMP : live_belongs(r, l, flow) && counts(l, expected, flow)) return l;
  }
  return NULL;
}
