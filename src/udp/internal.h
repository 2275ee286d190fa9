/* A UDP endpoint. How it works: arriving datagrams are appended to a ring, each behind a record of where it came from; sent ones
 * likewise wait in a second ring until the host asks for them. Rings exist only while something is in them. A bound endpoint is in
 * the instance's table: under its port alone, or, connected, under port and peer. RFC 768, RFC 1122 4.1, RFC 8085. */
#ifndef UDP_INTERNAL_H
#define UDP_INTERNAL_H

#include "udp/udp.h"

enum udp_flag {
  UDP_BOUND = 1, /* has a port, and so is in the table */
  UDP_CONNECTED = 2,
  UDP_CLOSED = 4,     /* the caller has closed it; what it had queued still leaves */
  UDP_WANTS_ROOM = 8, /* a send was refused: report when there is room */
  UDP_V6ONLY = 16,
  UDP_REUSE = 32,
  UDP_BROADCAST = 64,
  UDP_NO_CHECKSUM = 128,
  UDP_DONT_FRAGMENT = 256,
  UDP_PICKED_LOCAL = 512, /* connect chose the local address; disconnecting forgets it */
  UDP_WAS_SIX = 1024      /* ... which was :: before */
};

struct udp_group {
  struct udp_group *next;
  struct yeon_ip ip;
  uint8_t link;
};

struct yeon_udp {
  struct udp *udp;
  void *user;
  uint64_t id;
  struct yeon_addr local;  /* ip all zero or 0.0.0.0 (mapped): any; port 0: not bound */
  struct yeon_addr remote; /* UDP_CONNECTED */
  uint32_t number, chain;
  uint32_t out_next, report_next, report_prev, sent_next; /* numbers; lists of the instance */
  uint16_t flags;                                         /* enum udp_flag */
  uint8_t out_link;                                       /* the list it is on, + 1; 0: none */
  bool reporting, sent;                                   /* it is on the list of reports; of those with snd_out */
  uint32_t events;                                        /* YEON_* to be reported */
  int error;                                              /* pending, 0: none */
  uint8_t hop_limit, multicast_hops, traffic_class, n_groups;
  uint32_t rcvbuf, sndbuf; /* limits, bytes of payload and records */
  struct ring *rcv, *snd;
  uint32_t snd_out; /* bytes of snd that the last output handed out and that may be dropped now */
  struct udp_group *groups;
};

/* Stands before each datagram in rcv. */
struct udp_record {
  struct yeon_addr from, to;
  uint32_t len;
};

/* Stands before each datagram in snd. */
struct udp_order {
  struct yeon_ip src, dst;
  uint32_t len;
  uint16_t src_port, dst_port;
  uint8_t link, hop_limit, traffic_class;
  bool dont_fragment, no_checksum;
};

static inline struct yeon_udp *udp_at(const struct udp *u, uint32_t number) { return pool_at(&u->pool, number); }

/* ready.c */
void udp_notify(struct yeon_udp *s, uint32_t events);
/* Takes it off the list of reports. */
void udp_no_report(struct yeon_udp *s);
void udp_fail(struct yeon_udp *s, int error);

/* table.c */
uint32_t udp_hash_port(const struct udp *u, uint16_t port);
uint32_t udp_hash_peer(const struct udp *u, uint16_t port, const struct yeon_addr *remote);
void udp_enter(struct yeon_udp *s);
void udp_leave(struct yeon_udp *s);
const struct table_ops *udp_table_ops(void);
/* Makes sure that connected endpoints on this port can be counted. False: no memory. */
bool udp_may_connect(struct udp *u, uint16_t port);
/* Connected endpoints on a local port. */
uint32_t udp_connected_on(const struct udp *u, uint16_t port);

/* bind.c */
/* Any address and a free port, for an endpoint that sends to this family before it was bound. */
int udp_bind_any(struct yeon_udp *s, bool four);

/* input.c */
bool udp_local_fits(const struct yeon_udp *s, const struct yeon_ip *to);

/* send.c */
void udp_settle(struct yeon_udp *s);

/* udp.c */
void udp_destroy(struct yeon_udp *s);

#endif
