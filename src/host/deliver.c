/* From IP to the transports: checksum, header, the right instance; and errors about what we sent, likewise. */
#include "host/host.h"

/* The transport bytes: `len` of them, from the packet's slices. */
static uint64_t sum_transport(const struct ip_packet *k, uint32_t len)
{
  return wire_sum_slices(k->slice, k->n_slices, k->skip + k->transport, len,
                         wire_sum_pseudo(&k->src, &k->dst, k->protocol, len));
}

static bool checksum_ok(const struct ip_packet *k, uint32_t len)
{
  if (k->csum != YEON_CSUM_NONE) return true;
  return wire_sum_finish(sum_transport(k, len)) == 0;
}

/* How many of the transport's `len` bytes stand in one piece at k->p + k->transport. */
static uint32_t header_view(const struct ip_packet *k, uint32_t len)
{
  if (k->view <= k->transport) return 0;
  return k->view - k->transport < len ? k->view - k->transport : len;
}

/* The payload as slices of the frame's. */
static uint8_t cut_slices(const struct ip_packet *k, uint32_t skip, uint32_t len, struct yeon_slice *out)
{
  uint8_t n = 0;
  for (uint32_t i = 0; i < k->n_slices && len > 0; i++) {
    uint32_t have = (uint32_t)k->slice[i].len;
    if (skip >= have) {
      skip -= have;
      continue;
    }
    uint32_t part = have - skip < len ? have - skip : len;
    out[n++] = (struct yeon_slice){(const uint8_t *)k->slice[i].base + skip, part};
    len -= part;
    skip = 0;
  }
  return n;
}

/* The way back to the sender of k. Connections keep theirs, so only what opens one pays for a real look-up. */
static struct tcp_path path_back(struct yeon_host *h, const struct ip_packet *k, const struct wire_tcp *t,
                                 yeon_time now)
{
  const struct ip_link *l = &h->ip.link[k->link];
  struct tcp_path path = {.local = k->local,
                          .mtu = wire_ip_is4(&k->src) || !l->mtu6 ? l->mtu : l->mtu6,
                          .link = k->link};
  /* Also for what completes a half-open connection: a narrow path may be known from before. */
  if (h->ip.pmtu_pool.used > 0) path.mtu = ip_path_mtu(&h->ip, k->link, &k->src, NULL, now);
  if (!(t->flags & YEON_TCP_SYN) || k->link == IP_LOOP) return path;
  struct ip_way way;
  if (ip_find_way(&h->ip, &k->src, k->local, &way, now) < 0) return path;
  path.mtu = way.mtu;
  path.link = way.link;
  return path;
}

static void deliver_tcp(struct yeon_host *h, const struct ip_packet *k, yeon_time now)
{
  struct tcp_segment s;
  uint32_t len = k->len - k->transport;
  h->counters.tcp_in += k->segs;
  if (k->cast != IP_UNICAST) { /* RFC 9293 3.9.2.3: TCP is for two */
    IP_DROP(&h->ip, drop_ip_not_mine, k->len, now);
    return;
  }
  uint32_t view = header_view(k, len);
  if (!checksum_ok(k, len)) {
    IP_DROP(&h->ip, tcp_bad_checksum, k->len, now);
    return;
  }
  int err = wire_tcp_parse(k->p + k->transport, view, &s.h);
  if (err != WIRE_OK) {
    if (err == WIRE_BAD_OPTION)
      IP_DROP(&h->ip, tcp_bad_option, k->len, now);
    else
      IP_DROP(&h->ip, tcp_bad_header, k->len, now);
    return;
  }
  s.remote = k->src;
  s.path = path_back(h, k, &s.h, now);
  s.len = len - s.h.header_len;
  s.n_payload = cut_slices(k, k->skip + k->transport + s.h.header_len, s.len, s.payload);
  s.segs = k->segs;
  s.codepoint = k->traffic_class & 3u;
  tcp_input(&h->tcp, &s, now);
}

static void udp_no_port(struct yeon_host *h, const struct ip_packet *k, yeon_time now)
{
  IP_DROP(&h->ip, udp_no_port, k->len, now);
  if (k->view >= k->transport + WIRE_UDP_HEADER) ip_icmp_complain(&h->ip, k, IP_COMPLAIN_PORT, 0, 0, false, now);
}

static void deliver_udp(struct yeon_host *h, const struct ip_packet *k, yeon_time now)
{
  struct wire_udp u;
  uint32_t len = k->len - k->transport;
  bool four = wire_ip_is4(&k->src);
  h->counters.udp_in++;
  uint32_t view = header_view(k, len);
  if (wire_udp_parse(k->p + k->transport, view, len, &u) != WIRE_OK || (u.checksum == 0 && !four)) {
    IP_DROP(&h->ip, udp_bad_header, k->len, now);
    return;
  }
  if (u.checksum != 0 && !checksum_ok(k, u.length)) {
    IP_DROP(&h->ip, udp_bad_checksum, k->len, now);
    return;
  }
  struct udp_in in = {.from = {k->src, u.src_port},
                      .to = {k->dst, u.dst_port},
                      .slice = k->slice,
                      .n_slices = k->n_slices,
                      .skip = k->skip + k->transport + WIRE_UDP_HEADER,
                      .len = u.length - (uint32_t)WIRE_UDP_HEADER,
                      .link = k->link,
                      .to_many = k->cast != IP_UNICAST,
                      .no_checksum = u.checksum == 0};
  if (!udp_input(&h->udp, &in, now)) udp_no_port(h, k, now);
}

void host_deliver(void *host, const struct ip_packet *k, yeon_time now)
{
  if (__builtin_expect(k->protocol == WIRE_PROTO_TCP, 1))
    deliver_tcp(host, k, now);
  else
    deliver_udp(host, k, now);
}

/* TCP checks the sequence number itself (RFC 5927 4.1) and so tells whether the news may be believed by others too. */
bool host_error(void *host, const struct ip_error *e, yeon_time now)
{
  struct yeon_host *h = host;
  if (e->protocol == WIRE_PROTO_UDP) return udp_error(&h->udp, e);
  if (e->protocol != WIRE_PROTO_TCP || !e->has_seq) return false;
  struct tcp_icmp t = {.remote = e->remote,
                       .local = e->local,
                       .local_port = e->local_port,
                       .remote_port = e->remote_port,
                       .seq = e->seq,
                       .error = e->error,
                       .hard = e->hard,
                       .prohibited = e->prohibited,
                       .expired = e->expired,
                       .mtu = e->mtu};
  return tcp_icmp_error(&h->tcp, &t, now);
}
