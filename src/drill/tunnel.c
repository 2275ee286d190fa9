/* TCP in UDP datagrams, as FreeBSD has it (net.inet.tcp.udp_tunneling_port): the host's one UDP port, and for each
 * connection the other end's, 0 for a connection without. The host below knows nothing of it: what comes for a
 * connection in another way than its own is answered here with a reset, as if there were no connection, and the MSS
 * in both ends' SYNs is lowered by what the datagram's header takes. */
#include <string.h>

#include "drill/run.h"
#include "drill/tcp_option.h"
#include "wire/checksum.h"
#include "wire/ipv4.h"
#include "wire/wire.h"

struct drill_tunnel {
  struct drill_tunnel *next;
  struct yeon_addr local, remote;
  uint16_t port; /* 0: plain */
};

static struct drill_tunnel *find(const struct drill_run *r, const struct yeon_addr *local,
                                 const struct yeon_addr *remote)
{
  struct drill_tunnel *t = r->tunnels;
  while (t != NULL && (t->local.port != local->port || t->remote.port != remote->port ||
                       !yeon_ip_equal(&t->remote.ip, &remote->ip)))
    t = t->next;
  return t;
}

uint16_t tunnel_port(const struct drill_run *r, const struct yeon_addr *local, const struct yeon_addr *remote)
{
  const struct drill_tunnel *t = find(r, local, remote);
  return t != NULL ? t->port : 0;
}

void tunnel_use(struct drill_run *r, const struct yeon_addr *local, const struct yeon_addr *remote, uint16_t port)
{
  struct drill_tunnel *t = find(r, local, remote);
  if (t == NULL && port == 0) return;
  if (t == NULL) {
    t = drill_alloc(r->arena, sizeof *t);
    *t = (struct drill_tunnel){.next = r->tunnels, .local = *local, .remote = *remote};
    r->tunnels = t;
  }
  t->port = port;
}

/* The MSS of a SYN, its checksum left to the caller. True: changed. */
static bool set_mss(uint8_t *p, size_t len, uint32_t most, uint32_t less)
{
  size_t end = (size_t)(p[12] >> 4) * 4;
  if ((p[13] & YEON_TCP_SYN) == 0 || end > len) return false;
  for (size_t at = 20; at + 4 <= end && p[at] != TCP_OPTION_EOL; at += p[at] == TCP_OPTION_NOP ? 1u : p[at + 1]) {
    if (p[at] != TCP_OPTION_MSS && (p[at] == TCP_OPTION_NOP || p[at + 1] >= 2)) continue;
    uint32_t mss = wire_get16(p + at + 2);
    if (p[at] != TCP_OPTION_MSS || (less == 0 && mss <= most)) return false;
    wire_put16(p + at + 2, (uint16_t)(less != 0 && mss > less ? mss - less : most));
    return true;
  }
  return false;
}

void tunnel_out(struct drill_run *r, struct drill_live *l)
{
  struct yeon_addr local = {.ip = l->src, .port = l->src_port}, remote = {.ip = l->dst, .port = l->dst_port};
  if (l->protocol != WIRE_PROTO_TCP || l->len < 20) return;
  l->udp_dst = tunnel_port(r, &local, &remote);
  if (l->udp_dst == 0) return;
  l->udp_src = r->tunnel_local;
  set_mss(l->bytes, l->len, 0, r->tunnel_overhead);
}

void tunnel_narrow(const struct drill_run *r, const struct drill_packet *k, uint8_t *p, size_t len)
{
  uint32_t headers = (yeon_ip_is4(&r->local) ? 40u : 60u) + r->tunnel_overhead;
  if (k->udp_dst != 0) set_mss(p, len, r->mtu - headers, 0);
}

/* The connection, half-open or closing too, that a segment would reach. */
struct search {
  const struct drill_flow *flow;
  bool found;
  struct yeon_tcp_info info;
};

static bool is_it(void *ctx, const struct yeon_tcp_info *info, struct yeon_tcp *tcp)
{
  struct search *s = ctx;
  (void)tcp;
  if (info->state == YEON_TCP_LISTEN || info->state == YEON_TCP_CLOSED) return true;
  if (info->local.port != s->flow->local.port || info->remote.port != s->flow->remote.port) return true;
  s->found = true;
  s->info = *info;
  return false;
}

/* RFC 9293 3.5.2, group 1, on the way that the segment came. */
static void reset(struct drill_run *r, const struct drill_packet *k, const struct drill_flow *flow)
{
  struct drill_live *l = drill_alloc(r->arena, sizeof *l);
  bool syn = (k->flags & YEON_TCP_SYN) != 0, has_ack = (k->flags & YEON_TCP_ACK) != 0;
  l->at = r->now;
  l->six = !yeon_ip_is4(&r->local);
  l->protocol = WIRE_PROTO_TCP;
  l->ttl = r->options.hop_limit;
  l->src = flow->local.ip;
  l->dst = flow->remote.ip;
  l->src_port = flow->local.port;
  l->dst_port = flow->remote.port;
  l->flags = has_ack ? YEON_TCP_RST : YEON_TCP_RST | YEON_TCP_ACK;
  l->len = l->header_len = 20;
  l->segments = 1;
  l->bytes = drill_alloc(r->arena, l->len);
  if (has_ack)
    l->seq = k->ack + (k->absolute ? 0 : flow_local_offset(flow, syn));
  else
    l->ack =
        k->seq + (k->absolute ? 0 : flow_remote_offset(flow, syn)) + k->len + syn + ((k->flags & YEON_TCP_FIN) != 0);
  l->udp_dst = k->udp_src;
  l->udp_src = k->udp_src != 0 ? r->tunnel_local : 0;
  *r->live_tail = l;
  r->live_tail = &l->next;
}

/* A SYN that begins anew what waits in TIME-WAIT comes as it likes, and so does the answer to a cookie. */
static bool begins_anew(const struct drill_run *r, const struct drill_packet *k, const struct drill_flow *flow,
                        const struct yeon_tcp_info *info)
{
  uint32_t seq = k->seq + (k->absolute ? 0 : flow_remote_offset(flow, (k->flags & YEON_TCP_SYN) != 0));
  if (info->state == YEON_TCP_SYN_RECEIVED) return r->cookies_only && (k->flags & YEON_TCP_ACK) != 0;
  return info->state == YEON_TCP_TIME_WAIT && (k->flags & (YEON_TCP_SYN | YEON_TCP_ACK)) == YEON_TCP_SYN &&
         (int32_t)(seq - info->rcv_nxt) > 0;
}

bool tunnel_admits(struct drill_run *r, const struct drill_packet *k, struct drill_flow *flow)
{
  if (k->udp_dst == 0 && r->tunnels == NULL) return true;
  if (k->udp_dst != 0 && k->udp_dst != r->tunnel_local) return false;
  struct search s = {.flow = flow};
  yeon_tcp_each(r->host, is_it, &s);
  uint16_t own = tunnel_port(r, &flow->local, &flow->remote);
  if (s.found && own != k->udp_src && !begins_anew(r, k, flow, &s.info)) {
    if ((k->flags & YEON_TCP_RST) == 0) reset(r, k, flow);
    return false;
  }
  tunnel_use(r, &flow->local, &flow->remote, k->udp_src);
  return true;
}

bool tunnel_admits_error(const struct drill_run *r, const struct drill_packet *k, const struct drill_flow *flow)
{
  uint16_t own = tunnel_port(r, &flow->local, &flow->remote);
  return k->udp_dst == own && (own == 0 || k->udp_src == r->tunnel_local);
}
