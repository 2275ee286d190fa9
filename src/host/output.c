/* Frames out: the three sources of a link take turns, one frame each, so that none starves another: control packets of IP, TCP, UDP. */
#include "host/host.h"

bool host_has_output(const struct yeon_host *host, unsigned link)
{
  return ip_has_output(&host->ip, link) || udp_has_output(&host->udp, link) || tcp_has_output(&host->tcp, link);
}

/* Without segmentation offload one segment is all that is asked for. */
static uint32_t most_payload(const struct ip_link *l)
{
  return l->offload & YEON_LINK_GSO ? 65535 - WIRE_IPV6_HEADER - WIRE_TCP_HEADER_MAX - WIRE_ETH_HEADER_MAX : 0;
}

static bool take_tcp(struct yeon_host *host, unsigned link, struct yeon_frame *f, yeon_time now)
{
  struct tcp_out o;
  uint32_t most = most_payload(&host->ip.link[link]);
  while (tcp_has_output(&host->tcp, link) && tcp_output(&host->tcp, link, most, &o, now))
    if (host_frame_tcp(host, &o, f, now)) return true;
  return false;
}

/* A datagram may become a hundred fragments in the control queue: while that is well filled, no more are taken. */
static bool take_udp(struct yeon_host *host, unsigned link, struct yeon_frame *f, yeon_time now)
{
  struct udp_out o;
  while (host->ip.link[link].out.count <= HOST_HOLD_UDP && udp_output(&host->udp, link, &o))
    if (host_frame_udp(host, &o, f, now)) return true;
  return false;
}

static bool take(struct yeon_host *host, enum host_source source, unsigned link, struct yeon_frame *f, yeon_time now)
{
  switch (source) {
  case HOST_CONTROL: return ip_has_output(&host->ip, link) && ip_output(&host->ip, link, f, now);
  case HOST_TCP: return take_tcp(host, link, f, now);
  default: return udp_has_output(&host->udp, link) && take_udp(host, link, f, now);
  }
}

/* A source that gave nothing is passed over; what it may have queued for another one (a neighbour solicitation, fragments) is
 * found in the second round. */
bool host_frame_out(struct yeon_host *host, unsigned link, struct yeon_frame *f, yeon_time now)
{
  for (unsigned i = 0; i < 2 * HOST_SOURCES; i++) {
    uint8_t source = host->turn[link];
    host->turn[link] = (uint8_t)((source + 1) % HOST_SOURCES);
    if (!take(host, source, link, f, now)) continue;
    host->counters.frames_out += f->segs > 1 ? f->segs : 1;
    host->counters.bytes_out += f->len;
    return true;
  }
  return false;
}
