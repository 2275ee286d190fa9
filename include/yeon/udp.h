/* yeon/udp.h: UDP endpoints of a host (RFC 768, RFC 1122 4.1, RFC 8085). */
#ifndef YEON_UDP_H
#define YEON_UDP_H

#include <yeon/base.h>
#include <yeon/host.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A new endpoint, unbound. YEON_ERR_LIMIT, YEON_ERR_NO_MEMORY. */
YEON_API int yeon_udp_open(struct yeon_host *host, struct yeon_udp **out);
/* Takes the local address: the unspecified address of a family means any of that family (:: also takes IPv4 unless
 * set v6only); port 0: a random free one (RFC 6056). YEON_ERR_IN_USE, YEON_ERR_ADDRESS, YEON_ERR_INVALID (already bound). */
YEON_API int yeon_udp_bind(struct yeon_udp *udp, const struct yeon_addr *local);
/* Fixes the peer: only its datagrams are received and ICMP errors about it are reported. remote NULL: undoes it.
 * Binds first if needed. */
YEON_API int yeon_udp_connect(struct yeon_udp *udp, const struct yeon_addr *remote);
/* Queues one datagram. to NULL: the connected peer. Returns len, or YEON_ERR_AGAIN (send queue full), YEON_ERR_MESSAGE_SIZE,
 * YEON_ERR_NO_ROUTE, YEON_ERR_NOT_CONNECTED, a pending error once, ... */
YEON_API int64_t yeon_udp_send(struct yeon_udp *udp, const void *buf, size_t len, const struct yeon_addr *to,
                               yeon_time now);
/* Takes one datagram; excess bytes are lost, *full_len (may be NULL) tells its whole length. from, to may be NULL: to is the address
 * it was sent to. Returns the bytes copied, YEON_ERR_AGAIN, or a pending error once. */
YEON_API int64_t yeon_udp_recv(struct yeon_udp *udp, void *buf, size_t size, struct yeon_addr *from,
                               struct yeon_addr *to, size_t *full_len);
/* The endpoint is gone after this call. */
YEON_API void yeon_udp_close(struct yeon_udp *udp);

enum yeon_udp_option {
  YEON_UDP_RCVBUF,         /* bytes of payload and bookkeeping held, 512 .. 1 GiB; default 212992 */
  YEON_UDP_SNDBUF,         /* likewise */
  YEON_UDP_HOP_LIMIT,      /* 1..255, default 64 */
  YEON_UDP_MULTICAST_HOPS, /* 0..255, default 1 */
  YEON_UDP_TRAFFIC_CLASS,  /* 0..255, default 0 */
  YEON_UDP_BROADCAST,      /* bool, default 0: sending to a broadcast address is refused with YEON_ERR_PERMISSION */
  YEON_UDP_V6ONLY,         /* bool, default 0 */
  YEON_UDP_REUSE,          /* bool, default 0: several endpoints may bind the same address (multicast) */
  YEON_UDP_NO_CHECKSUM,    /* bool, default 0: send without checksum, IPv4 only */
  YEON_UDP_DONT_FRAGMENT,  /* bool, default 0: refuse (YEON_ERR_MESSAGE_SIZE) instead of fragmenting */
  YEON_UDP_OPTIONS
};
YEON_API int yeon_udp_set(struct yeon_udp *udp, enum yeon_udp_option option, int64_t value);
YEON_API int yeon_udp_get(const struct yeon_udp *udp, enum yeon_udp_option option, int64_t *value);
YEON_API int yeon_udp_join(struct yeon_udp *udp, unsigned link, const struct yeon_ip *group);
YEON_API int yeon_udp_leave(struct yeon_udp *udp, unsigned link, const struct yeon_ip *group);
/* YEON_READABLE | YEON_WRITABLE | YEON_ERROR as they stand now. */
YEON_API uint32_t yeon_udp_ready(const struct yeon_udp *udp);
/* The pending error, cleared; 0: none. */
YEON_API int yeon_udp_take_error(struct yeon_udp *udp);
YEON_API void yeon_udp_set_user(struct yeon_udp *udp, void *user);
YEON_API void *yeon_udp_user(const struct yeon_udp *udp);
YEON_API void yeon_udp_local(const struct yeon_udp *udp, struct yeon_addr *out);
YEON_API void yeon_udp_remote(const struct yeon_udp *udp, struct yeon_addr *out);
YEON_API struct yeon_host *yeon_udp_host(const struct yeon_udp *udp);

#ifdef __cplusplus
}
#endif
#endif
