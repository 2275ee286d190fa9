/* Offload metadata as Linux says it (struct virtio_net_hdr, in the machine's byte order) <-> as frames say it. */
#include <string.h>

#include "link/link.h"
#include "wire/eth.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/tcp.h"

size_t link_tcp_offset(const uint8_t *p, size_t len, size_t l3_offset)
{
  if (len < l3_offset + WIRE_IPV4_HEADER) return 0;
  const uint8_t *ip = p + l3_offset;
  size_t header = 0;
  if (ip[0] >> 4 == 4 && ip[9] == WIRE_PROTO_TCP) header = (size_t)(ip[0] & 15) * 4;
  if (ip[0] >> 4 == 6 && ip[6] == WIRE_PROTO_TCP) header = WIRE_IPV6_HEADER;
  if (header < WIRE_IPV4_HEADER || len < l3_offset + header + WIRE_TCP_HEADER) return 0;
  return l3_offset + header;
}

/* How many segments the payload behind the TCP header makes; 0: there is no sound TCP header. */
static unsigned count_segments(const struct yeon_frame *f)
{
  const uint8_t *p = f->slice[0].base;
  size_t tcp = link_tcp_offset(p, f->slice[0].len, f->l3_offset);
  if (tcp == 0 || f->gso_size == 0) return 0;
  size_t header = tcp + (size_t)(p[tcp + 12] >> 4) * 4;
  if (header < tcp + WIRE_TCP_HEADER || header >= f->len) return 0;
  size_t segs = (f->len - header + f->gso_size - 1) / f->gso_size;
  return segs > UINT8_MAX ? UINT8_MAX : (unsigned)segs; /* a count for observers; gso_size tells where to cut */
}

bool link_vnet_parse(const struct virtio_net_hdr *h, struct yeon_frame *f)
{
  if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
    if ((size_t)h->csum_start + h->csum_offset + 2 > f->slice[0].len) return false;
    f->csum = YEON_CSUM_PARTIAL;
    f->csum_start = h->csum_start;
    f->csum_offset = h->csum_offset;
  } else if (h->flags & VIRTIO_NET_HDR_F_DATA_VALID) {
    f->csum = YEON_CSUM_VALID;
  }
  unsigned gso = h->gso_type & ~(unsigned)VIRTIO_NET_HDR_GSO_ECN;
  if (gso == VIRTIO_NET_HDR_GSO_NONE) return true;
  if (gso != VIRTIO_NET_HDR_GSO_TCPV4 && gso != VIRTIO_NET_HDR_GSO_TCPV6) return false;
  f->gso_size = h->gso_size;
  f->segs = (uint8_t)count_segments(f);
  if (f->segs == 1) f->gso_size = 0;
  return f->segs != 0;
}

void link_vnet_emit(const struct yeon_frame *f, struct virtio_net_hdr *h)
{
  memset(h, 0, sizeof *h);
  if (f->csum == YEON_CSUM_PARTIAL) {
    h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
    h->csum_start = f->csum_start;
    h->csum_offset = f->csum_offset;
  }
  if (f->segs <= 1) return;
  const uint8_t *ip = (const uint8_t *)f->slice[0].base + f->l3_offset;
  const uint8_t *tcp = (const uint8_t *)f->slice[0].base + f->csum_start;
  h->gso_type = ip[0] >> 4 == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
  h->gso_size = f->gso_size;
  h->hdr_len = (uint16_t)(f->csum_start + (tcp[12] >> 4) * 4);
}
