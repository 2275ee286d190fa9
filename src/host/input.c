/* Frames in. The way of a frame: link header here, IP header in ip/receive.c, transport checksum and demultiplexing in deliver.c. Nothing is
 * copied or queued on it, but the first bytes of a frame that comes in pieces. */
#include "host/host.h"

/* The frame's first bytes in one piece. */
struct view {
  const uint8_t *p;
  uint32_t len;   /* of the piece */
  uint32_t total; /* of the frame */
  uint8_t gathered[HOST_GATHER];
};

static void look_at(const struct yeon_frame *f, struct view *v)
{
  v->p = f->slice[0].base;
  v->len = v->total = (uint32_t)f->slice[0].len;
  if (f->n_slices <= 1) return;
  for (uint32_t i = 1; i < f->n_slices; i++) v->total += (uint32_t)f->slice[i].len;
  if (v->len >= HOST_GATHER) return;
  v->len = v->total < HOST_GATHER ? v->total : HOST_GATHER;
  ip_gather(f->slice, f->n_slices, 0, v->gathered, v->len);
  v->p = v->gathered;
}

static void packet_in(struct yeon_host *host, struct ip_packet *k, yeon_time now)
{
  if (__builtin_expect(ip_receive(&host->ip, k, now), 1)) host_deliver(host, k, now);
}

/* For this station? Groups are all let through: IP knows which it is in. */
static bool is_for_station(const struct ip_link *l, const struct wire_eth *eth)
{
  return wire_mac_equal(eth->dst, l->mac) || wire_mac_is_group(eth->dst);
}

static void arp_in(struct yeon_host *host, unsigned link, const struct view *v, uint32_t at, yeon_time now)
{
  ip_arp_input(&host->ip, link, v->p + at, v->len - at, now);
}

static void ethernet_in(struct yeon_host *host, struct ip_packet *k, const struct view *v, yeon_time now)
{
  struct wire_eth eth;
  int err = wire_eth_parse(v->p, v->len, &eth);
  if (err == WIRE_SHORT) {
    IP_DROP(&host->ip, drop_eth_short, v->total, now);
    return;
  }
  if (err != WIRE_OK) {
    IP_DROP(&host->ip, drop_eth_type, v->total, now);
    return;
  }
  if (!is_for_station(&host->ip.link[k->link], &eth)) {
    IP_DROP(&host->ip, drop_eth_not_mine, v->total, now);
    return;
  }
  k->skip = eth.header_len;
  k->p += eth.header_len;
  k->view -= eth.header_len;
  k->available -= eth.header_len;
  k->link_group = wire_mac_is_group(eth.dst);
  bool right_version = k->view == 0 || k->p[0] >> 4 == (eth.type == WIRE_ETH_IPV4 ? 4 : 6);
  if (eth.type == WIRE_ETH_ARP)
    arp_in(host, k->link, v, eth.header_len, now);
  else if (eth.type != WIRE_ETH_IPV4 && eth.type != WIRE_ETH_IPV6)
    IP_DROP(&host->ip, drop_eth_type, v->total, now);
  else if (!right_version)
    IP_DROP(&host->ip, drop_ip_version, v->total, now);
  else
    packet_in(host, k, now);
}

/* No frame at all, or from no link of ours: a driver's fault, so nothing in it is looked at. */
static void drop_frame(struct yeon_host *host, yeon_time now)
{
  host->counters.frames_in++;
  IP_DROP(&host->ip, drop_frame, 0, now);
}

void host_frame_in(struct yeon_host *host, unsigned link, const struct yeon_frame *f, yeon_time now)
{
  struct view v;
  if (f->n_slices == 0 || f->n_slices > YEON_FRAME_SLICES) {
    drop_frame(host, now);
    return;
  }
  look_at(f, &v);
  host->counters.frames_in += f->segs > 1 ? f->segs : 1;
  host->counters.bytes_in += v.total;
  struct ip_packet k;
  k.slice = f->slice;
  k.n_slices = f->n_slices;
  k.skip = 0;
  k.p = v.p;
  k.view = v.len;
  k.available = v.total;
  k.link = (uint8_t)link;
  k.segs = f->segs > 1 ? f->segs : 1;
  k.link_group = false;
  k.csum = f->csum;
  k.whole = false;
  if (host->ip.link[link].ethernet)
    ethernet_in(host, &k, &v, now);
  else
    packet_in(host, &k, now);
}

yeon_time host_clock(struct yeon_host *host, yeon_time now)
{
  return clock_take(&host->now, now);
}

/* What earlier output handed out is free again. */
void host_bury(struct yeon_host *host)
{
  ip_bury(&host->ip);
  tcp_bury(&host->tcp);
  udp_bury(&host->udp);
}

static void run_timers(struct yeon_host *host, yeon_time now)
{
  if (tcp_next(&host->tcp) <= now) tcp_run_timers(&host->tcp, now);
  ip_run_timers(&host->ip, now);
}

void yeon_host_input(struct yeon_host *host, unsigned link, const struct yeon_frame *frames, size_t n, yeon_time now)
{
  now = host_clock(host, now);
  host_bury(host);
  run_timers(host, now);
  for (size_t i = 0; i < n; i++) {
    if (link < host->ip.n_links)
      host_frame_in(host, link, &frames[i], now);
    else
      drop_frame(host, now);
  }
  host_loop(host, now);
}

size_t yeon_host_output(struct yeon_host *host, unsigned link, struct yeon_frame *frames, size_t max, yeon_time now)
{
  now = host_clock(host, now);
  host_bury(host);
  run_timers(host, now);
  host_loop(host, now);
  size_t n = 0;
  if (link >= host->ip.n_links) return 0;
  while (n < max && host_frame_out(host, link, &frames[n], now)) n++;
  return n;
}

yeon_time yeon_host_next(const struct yeon_host *host)
{
  for (unsigned link = 0; link < host->ip.n_links; link++)
    if (host_has_output(host, link)) return host->now;
  yeon_time at = tcp_next(&host->tcp);
  if (host->ip.next_at < at) at = host->ip.next_at;
  if (!host_has_output(host, IP_LOOP)) return at;
  yeon_time loop = host->loop || host->loop_again_at < host->now ? host->now : host->loop_again_at;
  return loop < at ? loop : at;
}
