/* Fragments on output (RFC 791 3.2, RFC 8200 4.5): only the source makes them, of whole packets, when the path is known to be
 * narrower. Every fragment but the last carries as many bytes as fit, a multiple of eight. All of a packet's fragments are
 * queued, or none. */
#include "ip/ip.h"

struct cut {
  struct ip_send send;
  uint32_t id, offset, len; /* of this fragment's data */
  bool more;
};

static uint32_t emit_head(const struct cut *c, uint8_t *p)
{
  const struct ip_send *s = &c->send;
  if (wire_ip_is4(&s->src)) {
    struct wire_ipv4 h = {.src = s->src,
                          .dst = s->dst,
                          .total_len = (uint16_t)(WIRE_IPV4_HEADER + c->len),
                          .id = (uint16_t)c->id,
                          .frag_offset = (uint16_t)c->offset,
                          .more_fragments = c->more,
                          .ttl = s->hop_limit,
                          .protocol = s->protocol,
                          .tos = s->traffic_class};
    return (uint32_t)wire_ipv4_emit(&h, p);
  }
  struct wire_ipv6 h = {.src = s->src,
                        .dst = s->dst,
                        .payload_len = (uint16_t)(WIRE_IPV6_FRAG_HEADER + c->len),
                        .next_header = WIRE_PROTO_FRAGMENT,
                        .hop_limit = s->hop_limit,
                        .traffic_class = s->traffic_class};
  struct wire_ipv6_frag f = {.id = c->id, .offset = (uint16_t)c->offset, .more = c->more, .next_header = s->protocol};
  size_t n = wire_ipv6_emit(&h, p);
  return (uint32_t)(n + wire_ipv6_frag_emit(&f, p + n));
}

static uint32_t head_len(const struct ip_send *s)
{
  return IP_HEADER_LEN(&s->src) + (wire_ip_is4(&s->src) ? 0 : WIRE_IPV6_FRAG_HEADER);
}

int ip_send_fragments(struct ip *ip, const struct ip_send *s, const struct yeon_slice *payload, uint32_t n,
                      uint32_t len, uint32_t mtu)
{
  uint32_t head = head_len(s), room = (mtu - head) & ~7u;
  uint32_t count = (len + room - 1) / room;
  struct ip_queue made = {0};
  if (len + (wire_ip_is4(&s->src) ? head : 0) > 65535) return YEON_ERR_MESSAGE_SIZE;
  if (ip->link[s->link].out.count + count > IP_QUEUE_MAX) return YEON_ERR_AGAIN;
  struct cut c = {.send = *s, .id = ip_take_id(ip, s, 1)};
  for (; c.offset < len; c.offset += c.len) {
    c.len = len - c.offset < room ? len - c.offset : room;
    c.more = c.offset + c.len < len;
    struct ip_pkt *pkt = ip_pkt_new(ip, head + c.len);
    if (!pkt) break;
    emit_head(&c, pkt->bytes);
    ip_gather(payload, n, c.offset, pkt->bytes + head, c.len);
    pkt->ethertype = wire_ip_is4(&s->src) ? WIRE_ETH_IPV4 : WIRE_ETH_IPV6;
    pkt->next_hop = ip_next_hop(ip, s->link, &s->dst);
    ip_queue_put(&made, pkt);
  }
  bool whole = c.offset >= len;
  for (struct ip_pkt *pkt; (pkt = ip_queue_take(&made)) != NULL;) {
    if (whole)
      (void)ip_pkt_send(ip, s->link, pkt);
    else
      ip_pkt_free(ip, pkt);
  }
  if (whole) ip->counters->frag_out += count;
  return whole ? 0 : YEON_ERR_NO_MEMORY;
}
