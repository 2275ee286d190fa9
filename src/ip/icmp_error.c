/* ICMP errors that this host sends, and above all when it must not (RFC 1122 3.2.2, RFC 4443 2.4): never about an ICMP error, a packet to a group or
 * broadcast address, one that came as a link-layer group, a fragment other than the first, or one whose source does not name a single
 * host. And not often: a bucket of 50 that fills at 100 a second (RFC 4443 2.4 f). */
#include "ip/ip.h"

#define REFILL (YEON_SEC / 100)

static bool take_token(struct ip *ip, yeon_time now)
{
  uint64_t fresh = (uint64_t)((now - ip->icmp_at) / REFILL);
  if (ip->icmp_tokens + fresh >= IP_ICMP_BURST) {
    ip->icmp_tokens = IP_ICMP_BURST;
    ip->icmp_at = now;
  } else {
    ip->icmp_tokens += (uint32_t)fresh;
    ip->icmp_at += (yeon_time)fresh * REFILL;
  }
  if (ip->icmp_tokens == 0) return false;
  ip->icmp_tokens--;
  return true;
}

/* Is the packet itself an ICMP error? Unknown types count as errors, to be safe. */
static bool is_icmp_error(const struct ip_packet *k)
{
  uint8_t type = k->len > k->transport && k->view > k->transport ? k->p[k->transport] : 0xff;
  if (k->protocol == WIRE_PROTO_ICMPV6 && !wire_ip_is4(&k->src)) return type < 128;
  if (k->protocol != WIRE_PROTO_ICMP || !wire_ip_is4(&k->src)) return false;
  return type != WIRE_ICMP4_ECHO && type != WIRE_ICMP4_ECHO_REPLY;
}

static bool allowed(const struct ip_packet *k, bool even_multicast)
{
  const uint8_t *s = k->src.b;
  if (k->cast == IP_BROADCAST || (k->cast == IP_MULTICAST && !even_multicast)) return false;
  if (k->link_group && !even_multicast) return false;
  if (yeon_ip_is_any(&k->src) || wire_ip_is_multicast(&k->src) || k->from_self) return false;
  if (wire_ip_is4(&k->src) && (s[12] == 0 || s[12] >= 240)) return false;
  return !is_icmp_error(k);
}

/* How much of the offending packet is quoted: as much as keeps the message small (RFC 1812 4.3.2.3: 576; RFC 4443 2.4 c: 1280). */
static uint32_t quote_len(const struct ip_packet *k)
{
  uint32_t room =
      wire_ip_is4(&k->src) ? 576 - WIRE_IPV4_HEADER - WIRE_ICMP_HEADER : 1280 - WIRE_IPV6_HEADER - WIRE_ICMP_HEADER;
  uint32_t have = k->view < k->len ? k->view : k->len;
  return have < room ? have : room;
}

static struct wire_icmp message4(enum ip_complaint what, uint32_t pointer)
{
  switch (what) {
  case IP_COMPLAIN_PORT: return (struct wire_icmp){.type = WIRE_ICMP4_UNREACHABLE, .code = WIRE_ICMP4_PORT};
  case IP_COMPLAIN_PROTOCOL: return (struct wire_icmp){.type = WIRE_ICMP4_UNREACHABLE, .code = WIRE_ICMP4_PROTOCOL};
  case IP_COMPLAIN_REASSEMBLY:
    return (struct wire_icmp){.type = WIRE_ICMP4_TIME_EXCEEDED, .code = WIRE_ICMP_REASSEMBLY};
  default: return (struct wire_icmp){.type = WIRE_ICMP4_PROBLEM, .pointer = pointer};
  }
}

static struct wire_icmp message6(enum ip_complaint what, uint8_t code, uint32_t pointer, uint32_t nh_offset)
{
  switch (what) {
  case IP_COMPLAIN_PORT: return (struct wire_icmp){.type = WIRE_ICMP6_UNREACHABLE, .code = WIRE_ICMP6_PORT};
  case IP_COMPLAIN_PROTOCOL:
    return (struct wire_icmp){.type = WIRE_ICMP6_PROBLEM, .code = WIRE_ICMP6_BAD_NEXT_HEADER, .pointer = nh_offset};
  case IP_COMPLAIN_REASSEMBLY:
    return (struct wire_icmp){.type = WIRE_ICMP6_TIME_EXCEEDED, .code = WIRE_ICMP_REASSEMBLY};
  default: return (struct wire_icmp){.type = WIRE_ICMP6_PROBLEM, .code = code, .pointer = pointer};
  }
}

static void tell(const struct ip *ip, const struct ip_send *s, const struct wire_icmp *m, uint32_t len, yeon_time now)
{
  struct yeon_event e = event_make(ip->events, YEON_EV_ICMP_OUT, now);
  e.local.ip = s->src;
  e.remote.ip = s->dst;
  e.u.icmp.type = m->type;
  e.u.icmp.code = m->code;
  e.u.icmp.len = len;
  event_emit(ip->events, &e);
}

static void send(struct ip *ip, const struct ip_packet *k, const struct ip_send *s, const struct wire_icmp *m,
                 yeon_time now)
{
  uint8_t bytes[1280];
  uint32_t quote = quote_len(k), len = WIRE_ICMP_HEADER + quote;
  memcpy(bytes + WIRE_ICMP_HEADER, k->p, quote);
  if (wire_ip_is4(&s->src)) {
    wire_icmp4_emit(m, bytes);
    wire_icmp4_finish(bytes, len);
  } else {
    wire_icmp6_emit(m, bytes);
    wire_icmp6_finish(bytes, len, &s->src, &s->dst);
  }
  struct yeon_slice part = {bytes, len};
  if (ip_send(ip, s, &part, 1, len, now) < 0) return;
  ip->counters->icmp_out++;
  if (event_wanted(ip->events, YEON_EV_ICMP_OUT)) tell(ip, s, m, len, now);
}

void ip_icmp_complain(struct ip *ip, const struct ip_packet *k, enum ip_complaint what, uint8_t code, uint32_t pointer,
                      bool even_multicast, yeon_time now)
{
  bool four = wire_ip_is4(&k->src);
  if (!allowed(k, even_multicast)) return;
  if (!take_token(ip, now)) {
    ip->counters->icmp_limited++;
    return;
  }
  uint16_t source = k->local != IP_NONE ? k->local : ip_choose_source(ip, k->link, &k->src, now);
  if (source == IP_NONE) return;
  struct wire_icmp m = four ? message4(what, pointer) : message6(what, code, pointer, k->nh_offset);
  struct ip_send s = {.src = *ip_local_at(ip, source),
                      .dst = k->src,
                      .protocol = four ? WIRE_PROTO_ICMP : WIRE_PROTO_ICMPV6,
                      .hop_limit = 64,
                      .link = k->link};
  send(ip, k, &s, &m, now);
}
