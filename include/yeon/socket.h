/* yeon/socket.h: sockets as a C program expects them, and the loop that drives hosts on links in real time.
 *
 * A loop owns hosts and their links, keeps the time, and has a table of sockets; a socket is a small number in it.
 * Bytes travel while the loop runs: inside yeon_loop_step, yeon_wait, yeon_poll and every call that blocks. A program
 * that does something else for a while lets its peers wait. One thread at a time may use a loop; two loops know
 * nothing of each other.
 *
 *   struct yeon_loop *loop;
 *   struct yeon_host *host;
 *   struct yeon_link *link;
 *   struct yeon_ip me = yeon_ip4(10, 9, 0, 2);
 *   struct yeon_addr peer;
 *   yeon_loop_new(&loop, NULL);
 *   yeon_loop_add_host(loop, NULL, &host);
 *   yeon_link_tun(&link, "tun0", 0);
 *   int number = yeon_loop_add_link(loop, host, link);
 *   yeon_host_add_addr(host, (unsigned)number, &me, 24);
 *   int s = yeon_socket(loop, host, YEON_IPV4, YEON_STREAM);
 *   yeon_addr_parse("10.9.0.1:8000", &peer);
 *   yeon_connect(loop, s, &peer);
 *
 * Sockets block unless YEON_SO_NONBLOCK is set; a call that would have to wait then gives YEON_ERR_AGAIN. Calls
 * return 0, a count, or a negative enum yeon_error. YEON_ERR_CLOSED: the number is no socket. */
#ifndef YEON_SOCKET_H
#define YEON_SOCKET_H

#include <yeon/base.h>
#include <yeon/event.h>
#include <yeon/host.h>
#include <yeon/link.h>
#include <yeon/tcp.h>
#include <yeon/udp.h>

#ifdef __cplusplus
extern "C" {
#endif

struct yeon_loop;

/* All zero is the usual one. */
struct yeon_loop_config {
  const char *owner;    /* the program's name in socket tables, copied, at most 31 characters; NULL: "" */
  uint32_t max_sockets; /* 0: 65536; the most is 1048576 */
  /* Another clock, for tests and for virtual time; NULL: CLOCK_MONOTONIC and the links' descriptors. With a clock,
   * wait is called instead of sleeping: it returns when clock() has reached `until` (YEON_NEVER: nothing is planned),
   * or earlier. */
  yeon_time (*clock)(void *ctx);
  void (*wait)(void *ctx, yeon_time until);
  void *ctx;
};

/* config NULL: all zero. YEON_ERR_INVALID (clock without wait, limit), YEON_ERR_NO_MEMORY. */
YEON_API int yeon_loop_new(struct yeon_loop **out, const struct yeon_loop_config *config);
/* Frees sockets, hosts and links; peers are told nothing. To end in order: yeon_close all, yeon_loop_drain, then
 * this. NULL is allowed. */
YEON_API void yeon_loop_free(struct yeon_loop *loop);
/* The loop's clock. */
YEON_API yeon_time yeon_loop_now(const struct yeon_loop *loop);

#define YEON_LOOP_HOSTS 16
#define YEON_LOOP_LINKS 64 /* of all hosts together */
/* Makes a host that belongs to the loop. config NULL: the defaults. A seed of 0 is replaced by entropy of the system.
 * Addresses and routes are set with the calls of yeon/host.h. As yeon_host_new, and YEON_ERR_LIMIT, YEON_ERR_IO (no
 * entropy). */
YEON_API int yeon_loop_add_host(struct yeon_loop *loop, const struct yeon_host_config *config, struct yeon_host **out);
/* Gives the link to the loop, which closes it in the end, and tells the host about it (link->config). Returns the
 * link's number at the host, or as yeon_host_add_link; on failure the link is still the caller's. */
YEON_API int yeon_loop_add_link(struct yeon_loop *loop, struct yeon_host *host, struct yeon_link *link);
/* Link `number` of the host, NULL: none. */
YEON_API struct yeon_link *yeon_loop_link(const struct yeon_loop *loop, const struct yeon_host *host, unsigned number);

/* Moves frames and runs timers; if there is nothing to do, waits for at most timeout_ms (0: not at all, -1: as long
 * as it takes) or until a signal arrives. 1: something moved; 0: nothing did; YEON_ERR_IO. */
YEON_API int yeon_loop_step(struct yeon_loop *loop, int timeout_ms);
/* Steps until no connection is left but those in TIME-WAIT: for the time after yeon_close. 0, YEON_ERR_TIMED_OUT
 * after timeout_ms (-1: never), YEON_ERR_IO. Sockets that are still open count as well. */
YEON_API int yeon_loop_drain(struct yeon_loop *loop, int timeout_ms);
/* A descriptor for an event loop of your own: when it is readable, call yeon_loop_step(loop, 0), then look at your
 * sockets (yeon_wait with timeout 0). It stays the loop's. YEON_ERR_UNSUPPORTED with a clock of your own,
 * YEON_ERR_IO. */
YEON_API int yeon_loop_fd(struct yeon_loop *loop);

/* ---- Sockets ---- */

enum yeon_domain { YEON_IPV4 = 4, YEON_IPV6 = 6 }; /* IPv6 sockets speak IPv4 too (::ffff:a.b.c.d) unless set V6ONLY */
enum yeon_type { YEON_STREAM = 1, YEON_DGRAM = 2 };

/* The new socket's number, from 0 up. host NULL: the loop's first. YEON_ERR_INVALID (domain, type, no host),
 * YEON_ERR_LIMIT, YEON_ERR_NO_MEMORY. */
YEON_API int yeon_socket(struct yeon_loop *loop, struct yeon_host *host, enum yeon_domain domain, enum yeon_type type);
/* Takes the local address. YEON_ERR_IN_USE, YEON_ERR_ADDRESS (not this host's, or of the other family),
 * YEON_ERR_INVALID (bound already). */
YEON_API int yeon_bind(struct yeon_loop *loop, int s, const struct yeon_addr *local);
/* Stream: opens a connection. Blocking: waits until it is made or has failed (no longer than YEON_SO_SNDTIMEO_MS:
 * YEON_ERR_TIMED_OUT, and the attempt goes on). Non-blocking: YEON_ERR_IN_PROGRESS, then YEON_WRITABLE, or YEON_ERROR
 * and the cause in YEON_SO_ERROR. Datagram: fixes the peer; remote NULL undoes it. */
YEON_API int yeon_connect(struct yeon_loop *loop, int s, const struct yeon_addr *remote);
/* backlog 1..65535. YEON_ERR_UNSUPPORTED on datagram sockets. */
YEON_API int yeon_listen(struct yeon_loop *loop, int s, unsigned backlog);
/* The number of a new socket for the oldest waiting connection; remote (may be NULL) is its peer. The new one blocks,
 * whatever the listener does; its owner is the listener's. */
YEON_API int yeon_accept(struct yeon_loop *loop, int s, struct yeon_addr *remote);

/* Flags beside those of yeon/tcp.h (YEON_SEND_URGENT, YEON_SEND_MORE, YEON_SEND_RECORD; YEON_RECV_PEEK, YEON_RECV_URGENT). */
#define YEON_DONTWAIT 0x100u /* this call does not block */
#define YEON_WAITALL 0x200u  /* receiving from a stream: until size bytes are there, or end or error */
/* Blocking: returns when all is in the send buffer; if time-out or failure comes after some of it, the bytes taken so
 * far. Non-blocking: what fits. A datagram goes whole or not at all. */
YEON_API int64_t yeon_send(struct yeon_loop *loop, int s, const void *buf, size_t len, unsigned flags);
/* Bytes; 0: the peer has sent all it will (stream). */
YEON_API int64_t yeon_recv(struct yeon_loop *loop, int s, void *buf, size_t size, unsigned flags);
/* to NULL: as yeon_send. On streams to must be NULL. */
YEON_API int64_t yeon_sendto(struct yeon_loop *loop, int s, const void *buf, size_t len, unsigned flags,
                             const struct yeon_addr *to);
/* from may be NULL. Of a datagram longer than size the rest is lost; the count is what was copied. */
YEON_API int64_t yeon_recvfrom(struct yeon_loop *loop, int s, void *buf, size_t size, unsigned flags,
                               struct yeon_addr *from);
/* how: YEON_SHUT_RD, YEON_SHUT_WR, or both. */
YEON_API int yeon_shutdown(struct yeon_loop *loop, int s, unsigned how);
/* The number is free again at once; a connection closes in order while the loop goes on running. With LINGER_MS above
 * 0, waits so long at most for the peer to acknowledge everything. */
YEON_API int yeon_close(struct yeon_loop *loop, int s);
/* RST instead of a close in order. Datagram sockets: as yeon_close. */
YEON_API int yeon_abort(struct yeon_loop *loop, int s);
YEON_API int yeon_getsockname(struct yeon_loop *loop, int s, struct yeon_addr *out);
/* YEON_ERR_NOT_CONNECTED. */
YEON_API int yeon_getpeername(struct yeon_loop *loop, int s, struct yeon_addr *out);

/* Options of a socket, and with the two macros those of its protocol. */
enum yeon_so {
  YEON_SO_NONBLOCK,    /* bool, default 0 */
  YEON_SO_RCVTIMEO_MS, /* 0: for ever (default); then YEON_ERR_AGAIN */
  YEON_SO_SNDTIMEO_MS, /* likewise, also for connect */
  YEON_SO_ERROR,       /* reading takes the pending error; 0: none */
  YEON_SO_TYPE,        /* reading only */
  YEON_SO_DOMAIN,      /* reading only */
  YEON_SO_LISTENING,   /* reading only */
  YEON_SO_READY,       /* reading only: the mask as yeon_poll would give it */
  YEON_SO_OPTIONS
};
#define YEON_SO_TCP(option) (0x100 + (int)(option)) /* enum yeon_tcp_option */
#define YEON_SO_UDP(option) (0x200 + (int)(option)) /* enum yeon_udp_option */
/* YEON_ERR_INVALID: range, or only to be read; YEON_ERR_UNSUPPORTED: not an option of this socket. */
YEON_API int yeon_setsockopt(struct yeon_loop *loop, int s, int option, int64_t value);
YEON_API int yeon_getsockopt(struct yeon_loop *loop, int s, int option, int64_t *value);
/* The endpoints themselves, for the calls of yeon/tcp.h and yeon/udp.h. NULL: not of that kind. Their user pointer
 * belongs to the loop. */
YEON_API struct yeon_tcp *yeon_socket_tcp(struct yeon_loop *loop, int s);
YEON_API struct yeon_udp *yeon_socket_udp(struct yeon_loop *loop, int s);

/* ---- Readiness: masks of YEON_READABLE ... of yeon/host.h. YEON_ERROR and YEON_CLOSED are always told. ---- */

struct yeon_poll {
  int s;            /* negative: skipped */
  uint32_t events;  /* wanted */
  uint32_t revents; /* what holds now; YEON_ERROR for a number that is no socket */
};
/* How many of the n have something in revents; 0 after timeout_ms (-1: never) or a signal. For few sockets; see
 * yeon_wait for many. */
YEON_API int yeon_poll(struct yeon_loop *loop, struct yeon_poll *fds, size_t n, int timeout_ms);

/* For many sockets: say once what is wanted (0: nothing any more) and hang a pointer on it; then yeon_wait costs what
 * is ready, not what is open. What holds is told again each time until it is dealt with, in turn. */
YEON_API int yeon_watch(struct yeon_loop *loop, int s, uint32_t events, void *user);
struct yeon_wait_event {
  int s;
  uint32_t events;
  void *user;
};
/* How many were filled in, at most max (> 0); 0 after timeout_ms (-1: never) or a signal. */
YEON_API int yeon_wait(struct yeon_loop *loop, struct yeon_wait_event *events, size_t max, int timeout_ms);

/* ---- Who has which socket ---- */

struct yeon_socket_info {
  int s;
  enum yeon_domain domain;
  enum yeon_type type;
  struct yeon_host *host;
  uint64_t id;                     /* of the connection, as in events; 0: datagram */
  enum yeon_tcp_state state;       /* stream only */
  struct yeon_addr local, remote;  /* all zero where there is none */
  uint32_t rcv_queued, snd_queued; /* bytes; of a listener: connections waiting, backlog. Datagram: 0 */
  const char *owner;               /* the name given, "" if none; valid until the socket is closed */
  int pid;                         /* of the process that made the loop */
};
YEON_API int yeon_socket_info(struct yeon_loop *loop, int s, struct yeon_socket_info *out);
/* Visits all sockets of the loop by number, until fn returns false. fn must not open or close sockets. */
typedef bool yeon_socket_visit_fn(void *ctx, const struct yeon_socket_info *info);
YEON_API void yeon_socket_each(struct yeon_loop *loop, yeon_socket_visit_fn *fn, void *ctx);
/* The socket whose addresses are these (remote NULL: the listener or datagram socket bound to local), or
 * YEON_ERR_NOT_CONNECTED. Walks the table. */
YEON_API int yeon_socket_find(struct yeon_loop *loop, enum yeon_type type, const struct yeon_addr *local,
                              const struct yeon_addr *remote);
/* Copied, at most 31 characters. */
YEON_API int yeon_socket_set_owner(struct yeon_loop *loop, int s, const char *owner);

#ifdef __cplusplus
}
#endif
#endif
