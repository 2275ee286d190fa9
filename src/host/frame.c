/* Segments and datagrams as frames: all headers side by side in the frame's own head, as one slice, then the payload where it lies. The
 * checksum is computed here over both, or left to the link when that offers it. */
#include "host/host.h"

/* A frame in the making. */
struct build {
  struct yeon_frame *f;
  const struct ip_link *link;
  struct ip_send send;
  struct yeon_ip next_hop;
  uint32_t l3, l4; /* where the IP and the transport header begin in head */
  const struct yeon_slice *payload;
  uint32_t n_payload, len; /* payload bytes */
};

static void begin(struct build *b, struct yeon_host *h)
{
  b->link = &h->ip.link[b->send.link];
  b->l3 = b->link->ethernet ? WIRE_ETH_HEADER : 0;
  b->l4 = b->l3 + IP_HEADER_LEN(&b->send.src);
  b->f->csum = YEON_CSUM_NONE;
  b->f->segs = 1;
  b->f->gso_size = 0;
  b->f->csum_start = b->f->csum_offset = 0;
  b->f->l3_offset = (uint16_t)b->l3;
}

/* The transport header of `head` bytes stands at l4 with its checksum field, at `field`, zero. */
static void fill_checksum(struct build *b, uint32_t head, uint32_t field)
{
  uint8_t *p = b->f->head + b->l4;
  uint32_t len = head + b->len;
  uint64_t sum = wire_sum_pseudo(&b->send.src, &b->send.dst, b->send.protocol, len);
  if (b->link->offload & YEON_LINK_CSUM) {
    wire_put16(p + field, wire_sum_fold(sum));
    b->f->csum = YEON_CSUM_PARTIAL;
    b->f->csum_start = (uint16_t)b->l4;
    b->f->csum_offset = (uint16_t)field;
    return;
  }
  sum = wire_sum(p, head, sum);
  if (b->len) sum = wire_sum_slices(b->payload, b->n_payload, 0, b->len, sum);
  uint16_t value = wire_sum_finish(sum);
  wire_put16(p + field, value == 0 && b->send.protocol == WIRE_PROTO_UDP ? 0xffff : value);
}

static void set_slices(struct build *b, uint32_t head)
{
  struct yeon_frame *f = b->f;
  f->slice[0] = (struct yeon_slice){f->head, b->l4 + head};
  f->n_slices = 1;
  for (uint32_t i = 0; i < b->n_payload; i++) f->slice[f->n_slices++] = b->payload[i];
  f->len = b->l4 + head + b->len;
}

/* The frame's packet goes to wait for its neighbour. */
static void park(struct build *b, struct yeon_host *h, yeon_time now)
{
  struct yeon_frame *f = b->f;
  struct ip_pkt *pkt = ip_pkt_new(&h->ip, f->len - b->l3);
  if (!pkt) return;
  ip_gather(f->slice, f->n_slices, b->l3, pkt->bytes, pkt->len);
  pkt->next_hop = b->next_hop;
  pkt->ethertype = wire_ip_is4(&b->send.src) ? WIRE_ETH_IPV4 : WIRE_ETH_IPV6;
  pkt->csum = f->csum;
  pkt->segs = f->segs;
  pkt->gso_size = f->gso_size;
  pkt->csum_start = (uint16_t)(f->csum_start ? f->csum_start - b->l3 : 0);
  pkt->csum_offset = f->csum_offset;
  pkt->mark = f->mark;
  ip_neigh_wait(&h->ip, b->send.link, pkt, now);
}

/* The link's header. False: the neighbour is not known yet; the packet has been put aside. */
static bool address(struct build *b, struct yeon_host *h, yeon_time now)
{
  struct wire_eth eth;
  if (!b->link->ethernet) return true;
  b->next_hop = ip_next_hop(&h->ip, b->send.link, &b->send.dst);
  eth.type = wire_ip_is4(&b->send.src) ? WIRE_ETH_IPV4 : WIRE_ETH_IPV6;
  memcpy(eth.src, b->link->mac, WIRE_MAC);
  if (!ip_resolve(&h->ip, b->send.link, &b->next_hop, eth.dst, now)) {
    park(b, h, now);
    return false;
  }
  wire_eth_emit(&eth, b->f->head);
  return true;
}

/* A segment that no longer fits its link: the connection is told the new size (as a router would tell it), or, when fragments are
 * allowed, it leaves in fragments. */
static void send_oversize(struct build *b, struct yeon_host *h, struct tcp_out *o, uint32_t head, yeon_time now)
{
  uint16_t mtu = ip_path_mtu(&h->ip, o->link, &o->remote, NULL, now);
  if (!o->dont_fragment) {
    struct yeon_slice parts[3] = {{.base = b->f->head + b->l4, .len = head}};
    for (uint32_t i = 0; i < b->n_payload; i++) parts[1 + i] = b->payload[i];
    uint64_t sum = wire_sum_pseudo(&b->send.src, &b->send.dst, WIRE_PROTO_TCP, head + b->len);
    sum = wire_sum_slices(parts, 1 + b->n_payload, 0, head + b->len, sum);
    wire_put16(b->f->head + b->l4 + 16, wire_sum_finish(sum));
    (void)ip_send(&h->ip, &b->send, parts, 1 + b->n_payload, head + b->len, now);
    return;
  }
  struct tcp_icmp e = {.remote = o->remote,
                       .local = o->local,
                       .local_port = o->h.src_port,
                       .remote_port = o->h.dst_port,
                       .seq = o->h.seq,
                       .error = YEON_ERR_MESSAGE_SIZE,
                       .mtu = mtu};
  (void)tcp_icmp_error(&h->tcp, &e, now);
}

bool host_frame_tcp(struct yeon_host *h, struct tcp_out *o, struct yeon_frame *f, yeon_time now)
{
  struct build b = {.f = f, .payload = o->payload, .n_payload = o->n_payload, .len = o->len};
  b.send = (struct ip_send){.src = *ip_local_at(&h->ip, o->local),
                            .dst = o->remote,
                            .protocol = WIRE_PROTO_TCP,
                            .hop_limit = o->hop_limit,
                            .traffic_class = o->traffic_class,
                            .link = o->link,
                            .dont_fragment = o->dont_fragment,
                            .segs = o->segs};
  begin(&b, h);
  o->h.packed = h->tcp.options.option_layout == YEON_TCP_OPTIONS_PACKED;
  uint32_t head = (uint32_t)wire_tcp_emit(&o->h, f->head + b.l4);
  uint32_t ip_len = b.l4 - b.l3 + head;
  const struct ip_link *l = b.link;
  uint32_t one = ip_len + (o->segs > 1 ? o->gso_size : o->len);
  if (!ip_local_live(&h->ip, o->local)) return false; /* the address is gone; time-outs will tell the connection */
  if (one > (wire_ip_is4(&o->remote) ? l->mtu : l->mtu6)) {
    send_oversize(&b, h, o, head, now);
    return false;
  }
  ip_header_emit(&h->ip, &b.send, head + o->len, f->head + b.l3);
  fill_checksum(&b, head, 16);
  set_slices(&b, head);
  f->segs = (uint8_t)(o->segs > 255 ? 255 : o->segs > 1 ? o->segs : 1);
  f->gso_size = o->segs > 1 ? o->gso_size : 0;
  f->mark = (uint32_t)o->conn;
  return address(&b, h, now);
}

/* Longer than the path: in fragments, through IP's own queue. */
static void send_long(struct build *b, struct yeon_host *h, yeon_time now)
{
  struct yeon_slice parts[3] = {{.base = b->f->head + b->l4, .len = WIRE_UDP_HEADER}};
  for (uint32_t i = 0; i < b->n_payload; i++) parts[1 + i] = b->payload[i];
  (void)ip_send(&h->ip, &b->send, parts, 1 + b->n_payload, WIRE_UDP_HEADER + b->len, now);
}

bool host_frame_udp(struct yeon_host *h, struct udp_out *o, struct yeon_frame *f, yeon_time now)
{
  struct build b = {.f = f, .payload = o->payload, .n_payload = o->n_payload, .len = o->len};
  b.send = (struct ip_send){.src = o->src,
                            .dst = o->dst,
                            .protocol = WIRE_PROTO_UDP,
                            .hop_limit = o->hop_limit,
                            .traffic_class = o->traffic_class,
                            .link = o->link,
                            .dont_fragment = o->dont_fragment};
  begin(&b, h);
  bool too_long = b.l4 - b.l3 + WIRE_UDP_HEADER + o->len > ip_path_mtu(&h->ip, o->link, &o->dst, NULL, now);
  struct wire_udp u = {.src_port = o->src_port,
                       .dst_port = o->dst_port,
                       .length = (uint16_t)(WIRE_UDP_HEADER + o->len)};
  wire_udp_emit(&u, f->head + b.l4);
  h->counters.udp_out++;
  if (too_long) {
    struct ip_link plain = *b.link; /* no link completes the checksum of a fragmented datagram */
    plain.offload = 0;
    b.link = &plain;
    if (!o->no_checksum) fill_checksum(&b, WIRE_UDP_HEADER, 6);
    send_long(&b, h, now);
    return false;
  }
  ip_header_emit(&h->ip, &b.send, WIRE_UDP_HEADER + o->len, f->head + b.l3);
  if (!o->no_checksum) fill_checksum(&b, WIRE_UDP_HEADER, 6);
  set_slices(&b, WIRE_UDP_HEADER);
  f->mark = (uint32_t)o->id;
  return address(&b, h, now);
}
