/* yeon/host.h: a host: one stack instance with its links, addresses and routes. Frames in, frames out, `now` passed in.
 * No threads, no clock, no I/O, no global state: two hosts in one process never know of each other, and a host whose memory
 * is copied away and copied back goes on as if nothing had happened (give it an allocator over one region for that). */
#ifndef YEON_HOST_H
#define YEON_HOST_H

#include <yeon/base.h>
#include <yeon/event.h>
#include <yeon/frame.h>

#ifdef __cplusplus
extern "C" {
#endif

struct yeon_host;
struct yeon_tcp_options; /* yeon/tcp.h */
struct yeon_tcp;
struct yeon_udp;

struct yeon_host_config {
  const char *name; /* copied, at most 31 characters; NULL: "host" */
  uint32_t id;      /* stands in events */
  uint64_t seed;    /* of all randomness in this host: ISNs, ports, hash keys. Use real entropy outside simulations. */
  const struct yeon_tcp_options *tcp; /* copied; NULL: profile linux */
  struct yeon_memory memory;          /* alloc NULL: malloc and free */
  struct yeon_event_sink sink;
  uint32_t max_connections;  /* TCP endpoints and connections in full, 0: 1048576 + 65536 */
  uint32_t max_half_open;    /* connections in SYN-RECEIVED made by listeners, 0: 65536 */
  uint32_t max_time_wait;    /* 0: 262144 */
  uint32_t max_udp;          /* UDP endpoints, 0: 65536 */
  uint64_t max_buffer_bytes; /* all send, receive and reassembly buffers together, 0: 4 GiB */
};

/* Fills in the defaults. Call it first, then change what you need. */
YEON_API void yeon_host_config_init(struct yeon_host_config *config);
/* *out is the new host. YEON_ERR_NO_MEMORY, YEON_ERR_INVALID. `now` starts its clock. */
YEON_API int yeon_host_new(struct yeon_host **out, const struct yeon_host_config *config, yeon_time now);
/* Frees everything at once, silently (peers are told nothing). NULL is allowed. */
YEON_API void yeon_host_free(struct yeon_host *host);
YEON_API const char *yeon_host_name(const struct yeon_host *host);
YEON_API uint32_t yeon_host_id(const struct yeon_host *host);
/* Changes who listens; takes effect with the next event. */
YEON_API void yeon_host_set_sink(struct yeon_host *host, const struct yeon_event_sink *sink);

/* Links, addresses, routes. A link is a number from 0 up, in the order of adding. */
#define YEON_LINK_CSUM 0x01u /* the link completes PARTIAL checksums on output (and may claim VALID on input) */
#define YEON_LINK_GSO 0x02u  /* the link accepts super-segments of up to 64 KB */
#define YEON_HOST_LINKS 8
struct yeon_link_config {
  const char *name; /* copied, at most 15 characters */
  bool ethernet;    /* false: bare IP packets (TUN) */
  uint8_t mac[6];   /* Ethernet only */
  uint16_t mtu;     /* IP bytes, 576 (1280 to use IPv6) .. 65535 */
  uint32_t offload; /* YEON_LINK_CSUM | YEON_LINK_GSO */
};
/* The link's number, or an error (YEON_ERR_LIMIT, YEON_ERR_INVALID). */
YEON_API int yeon_host_add_link(struct yeon_host *host, const struct yeon_link_config *config);
YEON_API int yeon_host_set_mtu(struct yeon_host *host, unsigned link, uint16_t mtu);
/* prefix_len in bits of the address's own family (0..32, 0..128). The subnet becomes reachable through the link. */
YEON_API int yeon_host_add_addr(struct yeon_host *host, unsigned link, const struct yeon_ip *ip, unsigned prefix_len);
YEON_API int yeon_host_del_addr(struct yeon_host *host, unsigned link, const struct yeon_ip *ip);
/* Longest prefix wins, then the oldest; one whose gateway does not answer goes behind its equals. gateway NULL: on-link. */
YEON_API int yeon_host_add_route(struct yeon_host *host, const struct yeon_ip *dst, unsigned prefix_len,
                                 const struct yeon_ip *gateway, unsigned link);
YEON_API int yeon_host_join_group(struct yeon_host *host, unsigned link, const struct yeon_ip *group);
YEON_API int yeon_host_leave_group(struct yeon_host *host, unsigned link, const struct yeon_ip *group);

/* The edge. `now` must not go back; an earlier time is taken as the latest seen. Timers that are due run inside input and output. */
YEON_API void yeon_host_input(struct yeon_host *host, unsigned link, const struct yeon_frame *frames, size_t n,
                              yeon_time now);
/* Fills up to max frames; the number filled. Call until it gives fewer than max. Bytes stay valid until the next call on the host. */
YEON_API size_t yeon_host_output(struct yeon_host *host, unsigned link, struct yeon_frame *frames, size_t max,
                                 yeon_time now);
/* When output must be called again at the latest even if nothing arrives: an instant (possibly past: at once) or YEON_NEVER. */
YEON_API yeon_time yeon_host_next(const struct yeon_host *host);

/* Readiness. An endpoint is reported when a condition newly holds, once; drain it, or ask yeon_tcp_ready for the level. */
#define YEON_READABLE 0x01u /* bytes, a datagram, or end of stream can be read */
#define YEON_WRITABLE 0x02u /* room in the send buffer, or just connected */
#define YEON_ACCEPTED 0x04u /* a connection waits to be accepted (on the listener) */
#define YEON_CLOSED 0x08u   /* both directions are done; what has arrived can still be read, then only close remains */
#define YEON_ERROR 0x10u    /* failed; yeon_tcp_take_error tells */
#define YEON_URGENT 0x20u   /* urgent data is pending */
#define YEON_READ_END 0x40u /* the peer has sent FIN */
struct yeon_ready {
  struct yeon_tcp *tcp; /* one of the two is set */
  struct yeon_udp *udp;
  void *user; /* what yeon_tcp_set_user / yeon_udp_set_user gave */
  uint32_t events;
};
/* Takes the next report. False: none. */
YEON_API bool yeon_host_event(struct yeon_host *host, struct yeon_ready *ready);

/* Counters, by cause. Read-only; a snapshot is a copy. Every frame that has no effect raises the counter of a cause; only what merely repeats
 * what is known (a bare acknowledgment) needs none. */
/* clang-format off */
#define YEON_COUNTERS(X)                                                                                              \
  X(frames_in) X(frames_out) X(bytes_in) X(bytes_out) X(drop_frame)                                                   \
  X(drop_eth_short) X(drop_eth_type) X(drop_eth_not_mine)                                                             \
  X(drop_ip_short) X(drop_ip_version) X(drop_ip_header) X(drop_ip_checksum) X(drop_ip_not_mine) X(drop_ip_source)     \
  X(drop_ip_option) X(drop_ip_protocol)                                                                               \
  X(frag_in) X(frag_reassembled) X(frag_overlap) X(frag_timeout) X(frag_limit) X(frag_bad) X(frag_duplicate)          \
  X(frag_out)                                                                                                         \
  X(drop_arp_bad) X(drop_nd_bad) X(arp_ignored) X(nd_ignored) X(neighbour_failed) X(neighbour_queue_full)             \
  X(neighbour_limit)                                                                                                  \
  X(icmp_in) X(icmp_out) X(icmp_bad) X(icmp_limited) X(icmp_ignored)                                                  \
  X(tcp_in) X(tcp_out) X(tcp_bad_header) X(tcp_bad_checksum) X(tcp_bad_option) X(tcp_no_connection) X(tcp_rst_out)    \
  X(tcp_bad_flags) X(tcp_after_end) X(tcp_out_of_window) X(tcp_paws) X(tcp_bad_ack) X(tcp_duplicate)                  \
  X(tcp_out_of_order) X(tcp_no_room) X(tcp_challenge_sent) X(tcp_challenge_limited) X(tcp_backlog_full)               \
  X(tcp_half_open_full) X(tcp_cookie_sent) X(tcp_cookie_ok) X(tcp_cookie_bad) X(tcp_rexmit_rto) X(tcp_rexmit_fast) X(tcp_loss_probes) X(tcp_undone)    \
  X(tcp_rexmit_bytes) X(tcp_timeout) X(tcp_opened_active) X(tcp_opened_passive) X(tcp_closed) X(tcp_reset_in)         \
  X(tcp_refused)                                                                                                      \
  X(tcp_time_wait_reused) X(tcp_time_wait_full)                                                                       \
  X(tcp_fastopen_in) X(tcp_fastopen_out) X(tcp_fastopen_asked) X(tcp_fastopen_bad) X(tcp_fastopen_full)               \
  X(tcp_fastopen_fallback) X(tcp_fastopen_black_hole) X(tcp_mtu_probe) X(tcp_mtu_raised) X(tcp_mtu_black_hole)        \
  X(tcp_ecn_marked_in) X(tcp_ecn_reactions) X(tcp_ecn_fallback)                                                       \
  X(udp_in) X(udp_out) X(udp_bad_header) X(udp_bad_checksum) X(udp_no_port) X(udp_no_room)                            \
  X(no_memory)
/* clang-format on */
struct yeon_counters {
#define YEON_COUNTER_FIELD(name) uint64_t name;
  YEON_COUNTERS(YEON_COUNTER_FIELD)
#undef YEON_COUNTER_FIELD
};
YEON_API const struct yeon_counters *yeon_host_counters(const struct yeon_host *host);

/* What the host holds right now. */
struct yeon_host_usage {
  uint64_t connections, half_open, time_wait, listeners, udp; /* how many */
  uint64_t heap_bytes;   /* all memory taken from the allocator and not given back */
  uint64_t used_bytes;   /* of it, in live objects (slots, buffers, table) */
  uint64_t buffer_bytes; /* of it, send/receive/reassembly buffers */
};
YEON_API void yeon_host_usage(const struct yeon_host *host, struct yeon_host_usage *out);

#ifdef __cplusplus
}
#endif
#endif
