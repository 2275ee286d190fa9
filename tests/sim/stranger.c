/* A stranger on the cable who knows addresses and ports of a connection, but not its numbers, and sends it resets, SYNs, acknowledgments and
 * ICMP errors with numbers of his own, and junk. None of them may do harm (RFC 5961, RFC 5927): worlds stay as calm as they are. */
#include <string.h>

#include "wire/checksum.h"
#include "wire/eth.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/tcp.h"
#include "world.h"

static uint16_t port_of(const struct end *e)
{
  struct yeon_addr addr;
  yeon_tcp_local(e->tcp, &addr);
  return addr.port;
}

/* An IP header before `len` bytes of the protocol; the number of bytes of both. */
static size_t add_ip(const struct world *w, const struct yeon_ip *src, const struct yeon_ip *dst, uint8_t protocol,
                     size_t len, uint8_t *p)
{
  if (w->plan->v6) {
    const struct wire_ipv6 h = {
        .src = *src, .dst = *dst, .payload_len = (uint16_t)len, .next_header = protocol, .hop_limit = 64};
    return wire_ipv6_emit(&h, p) + len;
  }
  const struct wire_ipv4 h = {
      .src = *src, .dst = *dst, .total_len = (uint16_t)(20 + len), .ttl = 64, .protocol = protocol};
  return wire_ipv4_emit(&h, p) + len;
}

static size_t ip_header(const struct world *w) { return w->plan->v6 ? 40 : 20; }

/* A TCP header alone, with random numbers, at p; the length with IP header. */
static size_t forge_segment(struct world *w, const struct end *from, const struct end *to, uint8_t flags, uint8_t *p)
{
  const struct yeon_ip *src = &w->addr[from->host].ip, *dst = &w->addr[to->host].ip;
  struct wire_tcp h;
  wire_tcp_init(&h);
  h.src_port = port_of(from);
  h.dst_port = port_of(to);
  h.seq = (uint32_t)rng_next(&w->rng);
  h.ack = (uint32_t)rng_next(&w->rng);
  h.window = (uint16_t)rng_next(&w->rng);
  h.flags = flags;
  uint8_t *tcp = p + ip_header(w);
  size_t len = wire_tcp_emit(&h, tcp);
  wire_put16(tcp + 16, wire_sum_finish(wire_sum(tcp, len, wire_sum_pseudo(src, dst, WIRE_PROTO_TCP, (uint32_t)len))));
  return add_ip(w, src, dst, WIRE_PROTO_TCP, len, p);
}

/* An ICMP error that quotes a segment from `to`, as if `from` had found it undeliverable. */
static size_t forge_icmp(struct world *w, const struct end *from, const struct end *to, uint8_t *p)
{
  const struct yeon_ip *src = &w->addr[from->host].ip, *dst = &w->addr[to->host].ip;
  bool too_big = rng_below(&w->rng, 2) == 0;
  uint8_t *icmp = p + ip_header(w);
  size_t len = WIRE_ICMP_HEADER + forge_segment(w, to, from, YEON_TCP_ACK, icmp + WIRE_ICMP_HEADER);
  if (w->plan->v6) {
    const struct wire_icmp h = {.type = too_big ? WIRE_ICMP6_TOO_BIG : WIRE_ICMP6_UNREACHABLE,
                                .code = too_big ? 0 : WIRE_ICMP6_PORT,
                                .mtu = 1280};
    wire_icmp6_emit(&h, icmp);
    wire_icmp6_finish(icmp, len, src, dst);
    return add_ip(w, src, dst, WIRE_PROTO_ICMPV6, len, p);
  }
  const struct wire_icmp h = {.type = WIRE_ICMP4_UNREACHABLE,
                              .code = too_big ? WIRE_ICMP4_FRAG_NEEDED : WIRE_ICMP4_PORT,
                              .mtu = 576};
  wire_icmp4_emit(&h, icmp);
  wire_icmp4_finish(icmp, len);
  return add_ip(w, src, dst, WIRE_PROTO_ICMP, len, p);
}

static size_t add_ethernet(const struct world *w, const struct end *from, const struct end *to, uint8_t *p)
{
  const struct wire_eth h = {.dst = {2, 0x79, 0, 0, (uint8_t)to->host, 0},
                             .src = {2, 0x79, 0, 0, (uint8_t)from->host, 0},
                             .type = w->plan->v6 ? WIRE_ETH_IPV6 : WIRE_ETH_IPV4};
  return wire_eth_emit(&h, p);
}

/* Any protocol, any bytes, behind a proper IP header; also as a fragment of something. */
static size_t forge_junk(struct world *w, const struct end *from, const struct end *to, uint8_t *p)
{
  static const uint8_t protocols[] = {WIRE_PROTO_ICMP,    WIRE_PROTO_TCP,
                                      WIRE_PROTO_UDP,     WIRE_PROTO_FRAGMENT,
                                      WIRE_PROTO_ICMPV6,  WIRE_PROTO_HOPOPTS,
                                      WIRE_PROTO_DSTOPTS, WIRE_PROTO_ROUTING,
                                      WIRE_PROTO_NONE,    200};
  size_t len = rng_below(&w->rng, 150), head = ip_header(w);
  for (size_t i = 0; i < len; i++) p[head + i] = (uint8_t)rng_next(&w->rng);
  uint8_t protocol = protocols[rng_below(&w->rng, sizeof protocols)];
  len = add_ip(w, &w->addr[from->host].ip, &w->addr[to->host].ip, protocol, len, p);
  if (w->plan->v6 || rng_below(&w->rng, 2) == 0) return len;
  wire_put16(p + 6, (uint16_t)(rng_next(&w->rng) & 0x20ff)); /* more fragments, and where */
  wire_put16(p + 10, 0);
  wire_put16(p + 10, wire_sum_finish(wire_sum(p, head, 0)));
  return len;
}

/* A SYN may rightly end a TIME-WAIT that may be reused, or meet the next connection of the same port. */
static bool syn_is_fair(const struct world *w, const struct end *e)
{
  return !w->plan->tcp[0].time_wait_reuse && !w->plan->tcp[1].time_wait_reuse && w->plan->conn[e->conn].local_port == 0;
}

static void attack(struct world *w, const struct end *from, const struct end *to)
{
  static const uint8_t flags[] = {YEON_TCP_RST, YEON_TCP_RST | YEON_TCP_ACK, YEON_TCP_ACK, YEON_TCP_SYN};
  uint8_t bytes[256];
  size_t start = w->plan->ethernet ? add_ethernet(w, from, to, bytes) : 0, len;
  unsigned kind = rng_below(&w->rng, 6);
  if (kind == 3 && !syn_is_fair(w, to)) kind = 0;
  if (kind == 4)
    len = forge_icmp(w, from, to, bytes + start);
  else if (kind == 5)
    len = forge_junk(w, from, to, bytes + start);
  else
    len = forge_segment(w, from, to, flags[kind], bytes + start);
  struct yeon_frame frame;
  yeon_frame_from_bytes(&frame, bytes, start + len);
  frame.l3_offset = (uint16_t)start;
  /* The second half of a hub's way, or the only cable. */
  unsigned cable = w->plan->hub ? to->host : 0;
  yeon_cable_put(yeon_sim_cable(w->sim, cable), to->host == 1 ? YEON_CABLE_AB : YEON_CABLE_BA, &frame,
                 yeon_sim_now(w->sim));
  w->attacks++;
}

void stranger_attacks(void *ctx, struct yeon_sim *sim, yeon_time now)
{
  (void)sim;
  (void)now;
  struct world *w = ctx;
  if (w->failure[0] != '\0') return;
  const struct end *ends = w->ends[rng_below(&w->rng, w->plan->n_conns)];
  unsigned victim = rng_below(&w->rng, 2);
  for (unsigned k = 0; k < 2; k++) {
    if (ends[k].tcp == NULL || !ends[k].connected)
      return; /* a blind SYN in the handshake does harm, and no RFC forbids that */
  }
  attack(w, &ends[!victim], &ends[victim]);
}
