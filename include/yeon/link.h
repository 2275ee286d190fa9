/* yeon/link.h: links: what carries a host's frames. A TUN device, a packet socket, a pair in memory; and links that
 * wrap other links: one that pulls the cable, one that captures. Here the operating system is called; nowhere here is
 * a clock read. */
#ifndef YEON_LINK_H
#define YEON_LINK_H

#include <yeon/base.h>
#include <yeon/frame.h>
#include <yeon/host.h>

#ifdef __cplusplus
extern "C" {
#endif

struct yeon_link;
struct yeon_cable; /* yeon/cable.h */

/* What a kind of link can do. A link of your own: embed struct yeon_link as first member, fill it in, hand it to a
 * loop. */
struct yeon_link_ops {
  /* Fills up to max frames, never waits; the number filled (0: nothing there). The bytes stay valid until the next
   * receive or close. */
  size_t (*receive)(struct yeon_link *link, struct yeon_frame *frames, size_t max, yeon_time now);
  /* Takes all n frames at once: sends them, keeps what the system would make wait, or drops and counts. Does not keep
   * pointers into the frames. n 0: goes on with what was kept. */
  void (*send)(struct yeon_link *link, const struct yeon_frame *frames, size_t n, yeon_time now);
  /* Frames are kept because the system would wait: send nothing new until the descriptor is writable. NULL: never. */
  bool (*blocked)(const struct yeon_link *link);
  /* When receive or send must be called although the descriptor is quiet: an instant, past means at once, YEON_NEVER.
   * NULL: never. */
  yeon_time (*next)(const struct yeon_link *link);
  /* Frees everything, a wrapped link too. */
  void (*close)(struct yeon_link *link);
};

/* How many frames, and wire segments in them, went through. */
struct yeon_link_stats {
  uint64_t frames_in, frames_out;     /* calls of the system, so a super-segment is one */
  uint64_t segments_in, segments_out; /* what they are on a wire */
  uint64_t bytes_in, bytes_out;
  uint64_t dropped_in;  /* too long for the buffer, or the system's description of it was nonsense */
  uint64_t dropped_out; /* the system refused them: interface down, no buffers */
  int last_errno;       /* of the newest refusal; 0: none */
};

struct yeon_link {
  const struct yeon_link_ops *ops;
  struct yeon_link_config config; /* what to tell yeon_host_add_link; config.name points to `name` */
  char name[16];
  int fd; /* to poll for reading (and writing while blocked); -1: none. Owned by the link. */
  struct yeon_link_stats stats;
};

#define YEON_LINK_PLAIN 0x01u /* no super-segments and no checksum offload, even where the system has them */

/* Opens the TUN device `name`, making it when it does not exist (then it vanishes with the link). name NULL or "":
 * the system chooses, see link->name. The kernel's end needs an address and to be up, which is up to the caller:
 *   ip addr add 10.9.0.1/24 dev NAME; ip link set NAME up
 * YEON_ERR_PERMISSION (no right to /dev/net/tun or to make a device: be root, or root in a user and network
 * namespace), YEON_ERR_UNSUPPORTED (no TUN in this kernel), YEON_ERR_IN_USE, YEON_ERR_INVALID (the name),
 * YEON_ERR_IO. */
YEON_API int yeon_link_tun(struct yeon_link **out, const char *name, unsigned flags);
/* A packet socket on the Ethernet interface `ifname`, for instance one end of a veth pair. The host gets a MAC
 * address of its own, made from the interface's. The interface should be up and have no IP address itself: the kernel
 * hears every frame too. YEON_ERR_PERMISSION, YEON_ERR_INVALID (no such interface, or not Ethernet),
 * YEON_ERR_UNSUPPORTED, YEON_ERR_IO. */
YEON_API int yeon_link_packet(struct yeon_link **out, const char *ifname, unsigned flags);
/* Two links joined in memory: what is sent into one is received from the other. Bare IP frames of up to mtu bytes,
 * super-segments unless YEON_LINK_PLAIN; each direction holds `queue` frames (1..65536), and drops more.
 * YEON_ERR_INVALID, YEON_ERR_NO_MEMORY. */
YEON_API int yeon_link_pair(struct yeon_link *out[2], uint16_t mtu, unsigned queue, unsigned flags);

/* Wraps `inner` with a cable: frames to the system travel in its direction 0, frames from the system in direction 1.
 * The wrapper owns inner; the cable stays the caller's, who cuts, joins and impairs it at any time, and must outlive
 * the link. With any impairment but a cut, super-segments are cut into what a wire would carry first. */
YEON_API int yeon_link_with_cable(struct yeon_link **out, struct yeon_link *inner, struct yeon_cable *cable);

/* Sees every frame as the host gives and gets it; must not keep pointers. outbound: from the host. */
typedef void yeon_link_tap_fn(void *ctx, const struct yeon_link *link, bool outbound, const struct yeon_frame *frame,
                              yeon_time now);
/* Wraps `inner` (and owns it). YEON_ERR_NO_MEMORY. */
YEON_API int yeon_link_with_tap(struct yeon_link **out, struct yeon_link *inner, yeon_link_tap_fn *fn, void *ctx);

YEON_API size_t yeon_link_receive(struct yeon_link *link, struct yeon_frame *frames, size_t max, yeon_time now);
YEON_API void yeon_link_send(struct yeon_link *link, const struct yeon_frame *frames, size_t n, yeon_time now);
YEON_API bool yeon_link_blocked(const struct yeon_link *link);
YEON_API yeon_time yeon_link_next(const struct yeon_link *link);
/* NULL is allowed. */
YEON_API void yeon_link_close(struct yeon_link *link);

/* Cuts a super-segment into the segments a wire carries, checksums complete, and hands each to fn. A frame of one
 * segment is handed on with its checksum completed. 0, or YEON_ERR_INVALID: not a frame that can be cut (nothing was
 * handed on). */
typedef void yeon_frame_fn(void *ctx, const void *bytes, size_t len);
YEON_API int yeon_frame_split(const struct yeon_frame *frame, yeon_frame_fn *fn, void *ctx);

#ifdef __cplusplus
}
#endif
#endif
