/* yeon/frame.h: what crosses the edge between a host and a link: bytes in pieces, and what offloads know of them. */
#ifndef YEON_FRAME_H
#define YEON_FRAME_H

#include <yeon/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#define YEON_FRAME_SLICES 6
#define YEON_FRAME_HEAD 160 /* Ethernet 14 (VLAN 18) + IPv6 40 + extension 8 + TCP 60, rounded up */

struct yeon_slice {
  const void *base;
  size_t len; /* bytes */
};

/* Memory to be filled. */
struct yeon_room {
  void *base;
  size_t len; /* bytes */
};

enum yeon_frame_csum {
  YEON_CSUM_NONE = 0,  /* in: verify it; out: it is complete in the bytes */
  YEON_CSUM_VALID = 1, /* in: the link has verified the transport checksum */
  YEON_CSUM_PARTIAL =
      2 /* the pseudo-header sum stands at csum_start+csum_offset; whoever needs the real one fills it in
                             (out: only when the link was declared with YEON_LINK_CSUM; in: data from the same machine, trust it) */
};

/* A frame, or a super-segment of `segs` frames. Input: the slices belong to the caller and need live only during the
 * call. Output: slices point into host memory and into `head`; they are valid until the next call on that host that is
 * not yeon_host_output itself filling the same array, so a link writes or copies them at once. Do not move a frame
 * (slice[0] may point into its own head). */
struct yeon_frame {
  struct yeon_slice slice[YEON_FRAME_SLICES];
  uint16_t n_slices;
  uint8_t csum;         /* enum yeon_frame_csum */
  uint8_t segs;         /* segments coalesced in (GRO) or to be cut (GSO); 0 and 1 both mean one */
  uint16_t gso_size;    /* payload bytes per segment when segs > 1; the last may be shorter */
  uint16_t csum_start;  /* byte offset of the transport header */
  uint16_t csum_offset; /* of the checksum field within it */
  uint16_t l3_offset;   /* byte offset of the IP header: 0 on IP links, 14 on Ethernet */
  uint32_t len;         /* total bytes over all slices */
  uint32_t mark; /* out: low 32 bits of the connection id the frame belongs to, 0 for none. For observers only. */
  uint8_t head[YEON_FRAME_HEAD];
};

/* Copies all bytes of the frame to dst, which has room for size bytes. Returns f->len, or 0 when it does not fit. */
YEON_API size_t yeon_frame_copy(const struct yeon_frame *f, void *dst, size_t size);
/* Makes f one slice over buf[0..len). Metadata is cleared. */
YEON_API void yeon_frame_from_bytes(struct yeon_frame *f, const void *buf, size_t len);

#ifdef __cplusplus
}
#endif
#endif
