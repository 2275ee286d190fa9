/* What the links share: the system's description of offloads, and frames that wait until the system takes them. */
#ifndef LINK_LINK_H
#define LINK_LINK_H

#include <linux/virtio_net.h>
#include <sys/uio.h>

#include <yeon/link.h>

/* The header that TUN devices and packet sockets put before a frame when asked to (IFF_VNET_HDR, PACKET_VNET_HDR). */
#define LINK_VNET sizeof(struct virtio_net_hdr)

/* The longest frame a link moves: 65535 bytes of IP behind an Ethernet header with a VLAN tag, rounded up. */
#define LINK_FRAME_MAX 65600

/* Fills in the frame's offload metadata; slice 0 must hold all headers. False: the description contradicts the bytes,
 * or speaks of something other than TCP super-segments. */
bool link_vnet_parse(const struct virtio_net_hdr *h, struct yeon_frame *f);
void link_vnet_emit(const struct yeon_frame *f, struct virtio_net_hdr *h);

/* Byte offset of the transport header of a TCP segment whose headers lie in p[0..len); 0: not one. */
size_t link_tcp_offset(const uint8_t *p, size_t len, size_t l3_offset);

/* Frames the system would have made us wait for, oldest first. */
struct link_held {
  struct link_held_frame *first, *last;
  unsigned count;
};
#define LINK_HELD_MAX 512 /* a loop stops sending once a link is blocked, so only what was under way gets here */

/* Copies header (may have length 0) and frame. False: too many, or no memory. */
bool link_hold(struct link_held *q, const void *header, size_t header_len, const struct yeon_frame *f);
/* Writes what is held. True: nothing is left. A refusal other than "later" drops the frame and counts it in stats. */
bool link_flush(struct link_held *q, int fd, struct yeon_link_stats *stats);
void link_held_free(struct link_held *q);

/* The frame as an iovec, header first unless its length is 0; returns the number of elements (<= YEON_FRAME_SLICES +
 * 1). */
int link_gather(const struct yeon_frame *f, void *header, size_t header_len, struct iovec *iov);
void link_count_in(struct yeon_link *link, const struct yeon_frame *f);
void link_count_out(struct yeon_link *link, const struct yeon_frame *f);
void link_set_name(struct yeon_link *link, const char *name);
/* errno of a failed open or ioctl as an error of ours. */
int link_error(int err);

#endif
