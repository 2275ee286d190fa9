/* ICMP messages that arrive (RFC 792, RFC 1122 3.2.2, RFC 4443; for errors RFC 5927): echo requests are answered, errors are matched to what this host
 * sent and handed up, neighbour discovery goes its own way. Source quench (RFC 6633) and redirects are ignored, and so is all
 * that is unknown. */
#include "ip/ip.h"

static void tell(const struct ip *ip, const struct ip_packet *k, const struct wire_icmp *m, yeon_time now)
{
  struct yeon_event e = event_make(ip->events, YEON_EV_ICMP_IN, now);
  e.local.ip = k->dst;
  e.remote.ip = k->src;
  e.u.icmp.type = m->type;
  e.u.icmp.code = m->code;
  e.u.icmp.mtu = m->mtu;
  e.u.icmp.len = k->len - k->transport;
  event_emit(ip->events, &e);
}

/* The same message back, type changed. RFC 1122 3.2.2.6: not to what was sent to many (IPv6 answers a group, RFC 4443 4.2). */
static void answer_echo(struct ip *ip, const struct ip_packet *k, const struct wire_icmp *m, yeon_time now)
{
  bool four = wire_ip_is4(&k->src);
  if (k->cast != IP_UNICAST && four) {
    ip->counters->icmp_ignored++;
    return;
  }
  uint16_t source = k->local != IP_NONE ? k->local : ip_choose_source(ip, k->link, &k->src, now);
  if (source == IP_NONE || yeon_ip_is_any(&k->src)) {
    ip->counters->icmp_ignored++;
    return;
  }
  uint32_t len = k->len - k->transport;
  struct ip_pkt *body = ip_pkt_new(ip, len);
  if (!body) return;
  memcpy(body->bytes, k->p + k->transport, len);
  struct wire_icmp reply = *m;
  reply.type = four ? WIRE_ICMP4_ECHO_REPLY : WIRE_ICMP6_ECHO_REPLY;
  struct ip_send s = {.src = *ip_local_at(ip, source),
                      .dst = k->src,
                      .protocol = k->protocol,
                      .hop_limit = 64,
                      .traffic_class = (uint8_t)(k->traffic_class & ~3u),
                      .link = k->link};
  if (four) {
    wire_icmp4_emit(&reply, body->bytes);
    wire_icmp4_finish(body->bytes, len);
  } else {
    wire_icmp6_emit(&reply, body->bytes);
    wire_icmp6_finish(body->bytes, len, &s.src, &s.dst);
  }
  struct yeon_slice part = {body->bytes, len};
  if (ip_send(ip, &s, &part, 1, len, now) == 0) ip->counters->icmp_out++;
  ip_pkt_free(ip, body);
}

bool ip_error_about(struct ip *ip, const uint8_t *p, uint32_t len, bool is4, struct ip_error *e)
{
  struct wire_embedded m;
  int err = is4 ? wire_icmp4_embedded(p, len, &m) : wire_icmp6_embedded(p, len, &m);
  if (err != WIRE_OK || !m.has_ports) return false;
  uint16_t local = ip_local_find(ip, &m.src);
  if (local == IP_NONE) return false;
  *e = (struct ip_error){.remote = m.dst,
                         .local = local,
                         .local_port = m.src_port,
                         .remote_port = m.dst_port,
                         .protocol = m.protocol,
                         .has_seq = m.has_seq,
                         .seq = m.seq};
  return true;
}

/* What an ICMPv4 error means to an endpoint (RFC 1122 3.2.2.1, 4.2.3.9). False: nothing. */
static bool meaning4(const struct wire_icmp *m, struct ip_error *e)
{
  static const int16_t unreachable[] = {
      YEON_ERR_NET_UNREACHABLE,  YEON_ERR_HOST_UNREACHABLE, YEON_ERR_PROTO_UNREACHABLE, YEON_ERR_REFUSED,
      YEON_ERR_MESSAGE_SIZE,     YEON_ERR_HOST_UNREACHABLE, YEON_ERR_NET_UNREACHABLE,   YEON_ERR_HOST_UNREACHABLE,
      YEON_ERR_HOST_UNREACHABLE, YEON_ERR_NET_UNREACHABLE,  YEON_ERR_HOST_UNREACHABLE,  YEON_ERR_NET_UNREACHABLE,
      YEON_ERR_HOST_UNREACHABLE, YEON_ERR_HOST_UNREACHABLE, YEON_ERR_HOST_UNREACHABLE,  YEON_ERR_HOST_UNREACHABLE};
  e->hard = false;
  switch (m->type) {
  case WIRE_ICMP4_UNREACHABLE:
    if (m->code >= sizeof unreachable / sizeof unreachable[0]) return false;
    e->error = unreachable[m->code];
    e->hard = m->code == WIRE_ICMP4_PROTOCOL || m->code == WIRE_ICMP4_PORT || m->code == WIRE_ICMP4_ADMIN;
    e->prohibited =
        m->code == WIRE_ICMP4_NET_ADMIN || m->code == WIRE_ICMP4_HOST_ADMIN || m->code == WIRE_ICMP4_ADMIN;
    return true;
  case WIRE_ICMP4_TIME_EXCEEDED:
    e->error = YEON_ERR_HOST_UNREACHABLE;
    e->expired = m->code == 0;
    return true;
  case WIRE_ICMP4_PROBLEM: e->error = YEON_ERR_HOST_UNREACHABLE; return true;
  default: return false;
  }
}

static bool meaning6(const struct wire_icmp *m, struct ip_error *e)
{
  e->hard = false;
  switch (m->type) {
  case WIRE_ICMP6_UNREACHABLE:
    e->error = m->code == WIRE_ICMP6_NO_ROUTE ? YEON_ERR_NET_UNREACHABLE : YEON_ERR_HOST_UNREACHABLE;
    if (m->code == WIRE_ICMP6_PORT) e->error = YEON_ERR_REFUSED;
    e->hard = m->code == WIRE_ICMP6_PORT || m->code == WIRE_ICMP6_ADMIN;
    e->prohibited = m->code == WIRE_ICMP6_ADMIN;
    return true;
  case WIRE_ICMP6_TOO_BIG: e->error = YEON_ERR_MESSAGE_SIZE; return true;
  case WIRE_ICMP6_PROBLEM: /* RFC 9293 3.9.2.2: none of them is hard */
    e->prohibited = m->code == WIRE_ICMP6_BAD_NEXT_HEADER;
    e->error = m->code == WIRE_ICMP6_BAD_NEXT_HEADER ? YEON_ERR_PROTO_UNREACHABLE : YEON_ERR_HOST_UNREACHABLE;
    return true;
  /* Time exceeded, and what nobody knows yet (RFC 4443 2.4 a). */
  default:
    e->error = YEON_ERR_HOST_UNREACHABLE;
    e->expired = m->type == WIRE_ICMP6_TIME_EXCEEDED && m->code == 0;
    return m->is_error;
  }
}

/* The size a "too big" message tells us to use; 0: it tells nothing usable. */
static uint32_t told_mtu(const struct wire_icmp *m, bool four, const uint8_t *body, uint32_t len)
{
  struct wire_embedded inner;
  uint32_t mtu = m->mtu;
  if (four && mtu < 68 && wire_icmp4_embedded(body, len, &inner) == WIRE_OK) mtu = ip_pmtu_plateau(inner.ip_len);
  if (four) return mtu < IP_MTU_MIN4 ? IP_MTU_MIN4 - 1 : mtu;
  return mtu < IP_MTU_MIN6 ? 0 : mtu;
}

static void error_in(struct ip *ip, const struct ip_packet *k, const struct wire_icmp *m, yeon_time now)
{
  bool four = wire_ip_is4(&k->src);
  const uint8_t *body = k->p + k->transport + WIRE_ICMP_HEADER;
  uint32_t len = k->len - k->transport - WIRE_ICMP_HEADER;
  struct ip_error e;
  if (!ip_error_about(ip, body, len, four, &e) || !(four ? meaning4(m, &e) : meaning6(m, &e))) {
    ip->counters->icmp_ignored++;
    return;
  }
  uint32_t mtu = 0;
  if (e.error == YEON_ERR_MESSAGE_SIZE) {
    mtu = told_mtu(m, four, body, len);
    if (!mtu) {
      ip->counters->icmp_ignored++;
      return;
    }
    e.mtu = mtu < IP_MTU_MIN4 ? IP_MTU_MIN4 : mtu;
  }
  bool known = ip->upper.error(ip->upper.host, &e, now);
  if (!known) ip->counters->icmp_ignored++;
  if (!known || !mtu) return;
  struct ip_way way;
  if (ip_find_way(ip, &e.remote, e.local, &way, now) == 0) ip_pmtu_learn(ip, way.link, &e.remote, mtu, now);
}

static void input4(struct ip *ip, const struct ip_packet *k, const struct wire_icmp *m, yeon_time now)
{
  if (m->type == WIRE_ICMP4_ECHO)
    answer_echo(ip, k, m, now);
  else if (m->is_error && m->type != WIRE_ICMP4_SOURCE_QUENCH && m->type != WIRE_ICMP4_REDIRECT &&
           k->cast == IP_UNICAST)
    error_in(ip, k, m, now);
  else
    ip->counters->icmp_ignored++;
}

static void input6(struct ip *ip, const struct ip_packet *k, const struct wire_icmp *m, yeon_time now)
{
  if (m->type >= WIRE_ICMP6_RS && m->type <= WIRE_ICMP6_NA)
    ip_nd_input(ip, k, now);
  else if (k->from_self || yeon_ip_is_any(&k->src))
    IP_DROP(ip, drop_ip_source, k->len, now);
  else if (m->type == WIRE_ICMP6_ECHO)
    answer_echo(ip, k, m, now);
  else if (m->is_error)
    error_in(ip, k, m, now);
  else
    ip->counters->icmp_ignored++;
}

void ip_icmp_input(struct ip *ip, const struct ip_packet *k, yeon_time now)
{
  struct wire_icmp m;
  bool four = wire_ip_is4(&k->src);
  const uint8_t *p = k->p + k->transport;
  uint32_t len = k->len - k->transport;
  struct yeon_slice whole = {p, len};
  bool good = (four ? wire_icmp4_parse(p, len, &m) : wire_icmp6_parse(p, len, &m)) == WIRE_OK;
  if (good)
    good =
        four ? wire_icmp4_checksum_ok(&whole, 1, 0, len) : wire_icmp6_checksum_ok(&whole, 1, 0, len, &k->src, &k->dst);
  if (!good) {
    IP_DROP(ip, icmp_bad, k->len, now);
    return;
  }
  ip->counters->icmp_in++;
  if (event_wanted(ip->events, YEON_EV_ICMP_IN)) tell(ip, k, &m, now);
  if (four)
    input4(ip, k, &m, now);
  else
    input6(ip, k, &m, now);
}
