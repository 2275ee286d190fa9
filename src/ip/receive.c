/* Arriving packets: is it well formed, is it for this host, may its source be believed, and who gets it.
 * RFC 791, RFC 1122 3.2.1, RFC 8200 3 and 4, RFC 5095.
 *
 * The short way is a TCP or UDP packet without options, extension headers or fragmentation: parse, two look-ups of names, up. All
 * others take the long way, which wants the packet in one piece and copies it to `scratch` if it is not. */
#include "ip/ip.h"

static bool is_zero_net(const struct yeon_ip *a) { return a->b[12] == 0; }

/* RFC 1122 3.2.1.3: what can not be the source of a packet that came over a link. */
static bool believable4(const struct ip_packet *k)
{
  const uint8_t *s = k->src.b + 12;
  if (s[0] == 127) return k->link == IP_LOOP;
  if (s[0] >= 240) return false;
  if (!is_zero_net(&k->src)) return true;
  static const uint8_t zero[4];
  return memcmp(s, zero, 4) == 0 && k->cast == IP_BROADCAST; /* a host that is asking for its address */
}

static bool believable6(const struct ip_packet *k)
{
  static const uint8_t zeros[15];
  if (memcmp(k->src.b, zeros, 15) != 0 || k->src.b[15] > 1) return true;
  return k->src.b[15] == 1 ? k->link == IP_LOOP : k->protocol == WIRE_PROTO_ICMPV6;
}

static bool believable(const struct ip *ip, struct ip_packet *k)
{
  bool four = wire_ip_is4(&k->src);
  if (!(four ? believable4(k) : believable6(k))) return false;
  if (k->link == IP_LOOP) return true;
  const struct ip_name *n = ip_name_find(ip, k->link, &k->src);
  if (!n) return true;
  k->from_self = true; /* only duplicate address detection may see such a packet */
  return n->kind == IP_NAME_LOCAL && !four && k->protocol == WIRE_PROTO_ICMPV6;
}

/* Groups that every host is in. */
static bool is_all_hosts(const struct yeon_ip *a)
{
  static const uint8_t all_nodes[14] = {0xff, 0x02};
  if (wire_ip_is4(a)) return a->b[12] == 224 && a->b[13] == 0 && a->b[14] == 0 && a->b[15] == 1;
  return memcmp(a->b, all_nodes, 14) == 0 && a->b[14] == 0 && a->b[15] == 1;
}

static bool is_for_us_slowly(struct ip *ip, struct ip_packet *k)
{
  bool four = wire_ip_is4(&k->dst);
  if (four && k->dst.b[12] == 127 && k->link != IP_LOOP) return false;
  const struct ip_name *n = ip_name_find(ip, k->link, &k->dst);
  k->local = IP_NONE;
  if (n && n->kind == IP_NAME_LOCAL) {
    if (n->link == IP_LOOP && k->link != IP_LOOP) return false;
    k->local = n->local;
    k->cast = IP_UNICAST;
    ip->hit_ip = k->dst;
    ip->hit_local = k->link == IP_LOOP || wire_ip_is_link_local6(&k->dst) ? IP_NONE : n->local;
    return true;
  }
  if ((n && n->kind == IP_NAME_BROADCAST) || ip_is_broadcast(ip, k->link, &k->dst)) {
    k->cast = IP_BROADCAST;
    return true;
  }
  k->cast = IP_MULTICAST;
  if (!four && (k->dst.b[1] & 15) <= 1) return false; /* reserved and interface-local scopes do not come over links */
  return is_all_hosts(&k->dst) || (n && n->kind == IP_NAME_GROUP);
}

static inline bool is_for_us(struct ip *ip, struct ip_packet *k)
{
  if (ip->hit_local != IP_NONE && memcmp(&ip->hit_ip, &k->dst, sizeof k->dst) == 0) {
    k->local = ip->hit_local;
    k->cast = IP_UNICAST;
  } else if (!is_for_us_slowly(ip, k)) {
    return false;
  }
  return !(k->link_group && k->cast == IP_UNICAST); /* RFC 1122 3.3.6 */
}

/* Destination first: what is not for us is not worth judging. */
static bool accept(struct ip *ip, struct ip_packet *k, yeon_time now)
{
  if (!is_for_us(ip, k)) {
    IP_DROP(ip, drop_ip_not_mine, k->len, now);
    return false;
  }
  if (!believable(ip, k)) {
    IP_DROP(ip, drop_ip_source, k->len, now);
    return false;
  }
  return true;
}

static void count_bad_header(struct ip *ip, int why, uint32_t len, yeon_time now)
{
  switch (why) {
  case WIRE_SHORT: IP_DROP(ip, drop_ip_short, len, now); break;
  case WIRE_BAD_VERSION: IP_DROP(ip, drop_ip_version, len, now); break;
  case WIRE_BAD_CHECKSUM: IP_DROP(ip, drop_ip_checksum, len, now); break;
  case WIRE_BAD_OPTION: IP_DROP(ip, drop_ip_option, len, now); break;
  case WIRE_BAD_VALUE: IP_DROP(ip, drop_ip_source, len, now); break;
  default: IP_DROP(ip, drop_ip_header, len, now); break;
  }
}

/* Makes the packet contiguous for the long way. */
static bool flatten(struct ip *ip, struct ip_packet *k)
{
  if (k->view >= k->len) return true;
  if (!ip->scratch) ip->scratch = mem_alloc(ip->mem, IP_SCRATCH);
  if (!ip->scratch || k->len > IP_SCRATCH) {
    ip->counters->no_memory++;
    return false;
  }
  ip_gather(k->slice, k->n_slices, k->skip, ip->scratch, k->len);
  k->p = ip->scratch;
  k->view = k->len;
  return true;
}

static bool is_transport(uint8_t protocol) { return protocol == WIRE_PROTO_TCP || protocol == WIRE_PROTO_UDP; }

/* What is not TCP or UDP. */
static void handle_other(struct ip *ip, struct ip_packet *k, yeon_time now)
{
  bool four = wire_ip_is4(&k->dst);
  if (k->protocol == (four ? WIRE_PROTO_ICMP : WIRE_PROTO_ICMPV6)) {
    if (flatten(ip, k)) ip_icmp_input(ip, k, now);
    return;
  }
  IP_DROP(ip, drop_ip_protocol, k->len, now);
  if (!four && k->protocol == WIRE_PROTO_NONE) return; /* says itself that there is nothing in it */
  if (flatten(ip, k)) ip_icmp_complain(ip, k, IP_COMPLAIN_PROTOCOL, 0, 0, false, now);
}

static void deliver_whole(struct ip *ip, struct ip_packet *k, yeon_time now);

static void handle_fragment(struct ip *ip, struct ip_packet *k, const struct ip_fragment *f, yeon_time now)
{
  ip->counters->frag_in++;
  struct ip_reasm *r = ip_reasm_add(ip, k, f, now);
  if (!r) return;
  struct ip_packet whole;
  ip_reasm_packet(r, &whole);
  ip->counters->frag_reassembled++;
  deliver_whole(ip, &whole, now);
  ip_reasm_free(ip, r);
}

static void fragment4(struct ip *ip, struct ip_packet *k, const struct wire_ipv4 *h, yeon_time now)
{
  if (!flatten(ip, k)) return;
  struct ip_fragment f = {.id = h->id,
                          .offset = h->frag_offset,
                          .len = k->len - h->header_len,
                          .data = h->header_len,
                          .head = h->header_len,
                          .protocol = h->protocol,
                          .more = h->more_fragments};
  handle_fragment(ip, k, &f, now);
}

static bool receive4(struct ip *ip, struct ip_packet *k, yeon_time now)
{
  struct wire_ipv4 h;
  int err = wire_ipv4_parse(k->p, k->view, k->available, &h);
  if (err != WIRE_OK) {
    count_bad_header(ip, err, k->available, now);
    return false;
  }
  k->src = h.src;
  k->dst = h.dst;
  k->len = h.total_len;
  k->transport = h.header_len;
  k->nh_offset = 9;
  k->protocol = h.protocol;
  k->hop_limit = h.ttl;
  k->traffic_class = h.tos;
  if (!accept(ip, k, now)) return false;
  if (h.has_source_route) { /* an end host neither forwards nor answers along strangers' routes */
    IP_DROP(ip, drop_ip_option, k->len, now);
    return false;
  }
  if (h.more_fragments || h.frag_offset) {
    fragment4(ip, k, &h, now);
    return false;
  }
  if (is_transport(h.protocol)) return true;
  handle_other(ip, k, now);
  return false;
}

static void fragment6(struct ip *ip, struct ip_packet *k, const struct wire_ipv6_ext *e, yeon_time now)
{
  struct ip_fragment f = {.id = e->fragment.id,
                          .offset = e->fragment.offset,
                          .len = k->len - e->offset,
                          .data = e->offset,
                          .head = e->frag_header,
                          .nh_offset = e->nh_offset,
                          .protocol = e->fragment.next_header,
                          .more = e->fragment.more};
  handle_fragment(ip, k, &f, now);
}

/* Extension headers. True: a transport packet that goes up. */
static bool walk6(struct ip *ip, struct ip_packet *k, const struct wire_ipv6 *h, yeon_time now)
{
  struct wire_ipv6_ext e;
  if (!flatten(ip, k)) return false;
  int err = wire_ipv6_extensions(k->p, k->view, h, &e);
  if (err != WIRE_OK) {
    count_bad_header(ip, err, k->len, now);
    return false;
  }
  if (e.action == WIRE_IPV6_DISCARD || e.action == WIRE_IPV6_PROBLEM) {
    IP_DROP(ip, drop_ip_option, k->len, now);
    if (e.action == WIRE_IPV6_PROBLEM)
      ip_icmp_complain(ip, k, IP_COMPLAIN_PROBLEM, e.code, e.pointer, e.even_multicast, now);
    return false;
  }
  k->transport = e.offset;
  k->nh_offset = e.nh_offset;
  if (e.action == WIRE_IPV6_FRAGMENT && k->whole) { /* fragments within fragments have no honest use */
    IP_DROP(ip, drop_ip_option, k->len, now);
    return false;
  }
  if (e.action == WIRE_IPV6_FRAGMENT) {
    fragment6(ip, k, &e, now);
    return false;
  }
  k->protocol = e.next_header;
  if (is_transport(k->protocol)) return true;
  handle_other(ip, k, now);
  return false;
}

static bool receive6(struct ip *ip, struct ip_packet *k, yeon_time now)
{
  struct wire_ipv6 h;
  int err = wire_ipv6_parse(k->p, k->view, k->available, &h);
  if (err != WIRE_OK) {
    count_bad_header(ip, err, k->available, now);
    return false;
  }
  k->src = h.src;
  k->dst = h.dst;
  k->len = WIRE_IPV6_HEADER + (uint32_t)h.payload_len;
  k->transport = WIRE_IPV6_HEADER;
  k->nh_offset = 6;
  k->protocol = h.next_header;
  k->hop_limit = h.hop_limit;
  k->traffic_class = h.traffic_class;
  if (!accept(ip, k, now)) return false;
  if (is_transport(h.next_header)) return true;
  if (h.next_header == WIRE_PROTO_ICMPV6) {
    handle_other(ip, k, now);
    return false;
  }
  return walk6(ip, k, &h, now);
}

bool ip_receive(struct ip *ip, struct ip_packet *k, yeon_time now)
{
  k->from_self = false;
  if (k->view == 0) {
    IP_DROP(ip, drop_ip_short, k->available, now);
    return false;
  }
  switch (k->p[0] >> 4) {
  case 4: return receive4(ip, k, now);
  case 6: return receive6(ip, k, now);
  default: IP_DROP(ip, drop_ip_version, k->available, now); return false;
  }
}

/* A packet put together from fragments; it can not itself be a fragment (reassembly has cleared that). */
static void deliver_whole(struct ip *ip, struct ip_packet *k, yeon_time now)
{
  if (ip_receive(ip, k, now)) ip->upper.deliver(ip->upper.host, k, now);
}
