/* From transport bytes to packets: IP headers, identification, and the control queue of each link.
 *
 * Identification (RFC 6864): a packet that is not and may not be fragmented needs none, so it carries 0. All others draw from one of 64
 * counters, picked by a keyed hash of addresses and protocol, so that a stranger learns nothing of other flows from the
 * numbers he sees. */
#include "ip/ip.h"

uint32_t ip_take_id(struct ip *ip, const struct ip_send *s, uint32_t n)
{
  uint8_t flow[33];
  memcpy(flow, &s->src, 16);
  memcpy(flow + 16, &s->dst, 16);
  flow[32] = s->protocol;
  uint64_t h = hash_sip13(&ip->key, flow, sizeof flow);
  uint32_t *counter = &ip->id[h >> 58];
  uint32_t id = *counter + (uint32_t)h;
  *counter += n;
  return id;
}

static uint32_t emit4(struct ip *ip, const struct ip_send *s, uint32_t len, uint8_t *p)
{
  struct wire_ipv4 h = {.src = s->src,
                        .dst = s->dst,
                        .total_len = (uint16_t)(WIRE_IPV4_HEADER + len),
                        .dont_fragment = s->dont_fragment,
                        .ttl = s->hop_limit,
                        .protocol = s->protocol,
                        .tos = s->traffic_class};
  if (!s->dont_fragment) h.id = (uint16_t)ip_take_id(ip, s, s->segs ? s->segs : 1);
  return (uint32_t)wire_ipv4_emit(&h, p);
}

uint32_t ip_header_emit(struct ip *ip, const struct ip_send *s, uint32_t len, uint8_t *p)
{
  if (wire_ip_is4(&s->src)) return emit4(ip, s, len, p);
  struct wire_ipv6 h = {.src = s->src,
                        .dst = s->dst,
                        .payload_len = (uint16_t)len,
                        .next_header = s->protocol,
                        .hop_limit = s->hop_limit,
                        .traffic_class = s->traffic_class};
  return (uint32_t)wire_ipv6_emit(&h, p);
}

void ip_gather(const struct yeon_slice *s, uint32_t n, uint32_t skip, uint8_t *dst, uint32_t len)
{
  for (uint32_t i = 0; i < n && len > 0; i++) {
    if (skip >= s[i].len) {
      skip -= (uint32_t)s[i].len;
      continue;
    }
    uint32_t part = (uint32_t)s[i].len - skip;
    if (part > len) part = len;
    memcpy(dst, (const uint8_t *)s[i].base + skip, part);
    dst += part;
    len -= part;
    skip = 0;
  }
}

int ip_send(struct ip *ip, const struct ip_send *s, const struct yeon_slice *payload, uint32_t n, uint32_t len,
            yeon_time now)
{
  bool no_df = false;
  uint32_t mtu = ip_path_mtu(ip, s->link, &s->dst, &no_df, now);
  uint32_t head = IP_HEADER_LEN(&s->src);
  struct ip_send choice = *s;
  if (no_df) choice.dont_fragment = false;
  if (head + len > mtu) {
    if (choice.dont_fragment) return YEON_ERR_MESSAGE_SIZE;
    return ip_send_fragments(ip, &choice, payload, n, len, mtu);
  }
  struct ip_pkt *pkt = ip_pkt_new(ip, head + len);
  if (!pkt) return YEON_ERR_NO_MEMORY;
  ip_header_emit(ip, &choice, len, pkt->bytes);
  ip_gather(payload, n, 0, pkt->bytes + head, len);
  pkt->ethertype = wire_ip_is4(&s->src) ? WIRE_ETH_IPV4 : WIRE_ETH_IPV6;
  pkt->next_hop = ip_next_hop(ip, s->link, &s->dst);
  return ip_pkt_send(ip, s->link, pkt);
}

/* The frame's bytes are the packet's, behind an Ethernet header in the frame's own head. */
static void frame_packet(const struct ip_link *l, struct ip_pkt *pkt, struct yeon_frame *f)
{
  f->n_slices = 0;
  f->l3_offset = 0;
  if (l->ethernet) {
    struct wire_eth eth = {.type = pkt->ethertype};
    memcpy(eth.dst, pkt->mac, WIRE_MAC);
    memcpy(eth.src, l->mac, WIRE_MAC);
    f->l3_offset = (uint16_t)wire_eth_emit(&eth, f->head);
    f->slice[f->n_slices++] = (struct yeon_slice){f->head, f->l3_offset};
  }
  f->slice[f->n_slices++] = (struct yeon_slice){pkt->bytes, pkt->len};
  f->len = f->l3_offset + pkt->len;
  f->csum = pkt->csum;
  f->segs = pkt->segs ? pkt->segs : 1;
  f->gso_size = pkt->gso_size;
  f->csum_start = (uint16_t)(pkt->csum_start ? pkt->csum_start + f->l3_offset : 0);
  f->csum_offset = pkt->csum_offset;
  f->mark = pkt->mark;
}

bool ip_output(struct ip *ip, unsigned link, struct yeon_frame *f, yeon_time now)
{
  struct ip_link *l = &ip->link[link];
  for (struct ip_pkt *pkt; (pkt = ip_queue_take(&l->out)) != NULL;) {
    if (l->ethernet && !pkt->has_mac && !ip_resolve(ip, link, &pkt->next_hop, pkt->mac, now)) {
      ip_neigh_wait(ip, link, pkt, now);
      continue;
    }
    frame_packet(l, pkt, f);
    pkt->next = ip->graveyard;
    ip->graveyard = pkt;
    return true;
  }
  return false;
}
