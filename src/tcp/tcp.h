/* The TCP machine as its host sees it: arriving segments in, segments to send out, one at a time, addresses left to the host.
 * TCP never calls IP or a link. */
#ifndef TCP_TCP_H
#define TCP_TCP_H

#include <yeon/tcp.h>

#include "base/hash.h"
#include "base/pool.h"
#include "base/ring.h"
#include "base/table.h"
#include "base/wheel.h"
#include "event/event.h"
#include "wire/tcp.h"

/* How a peer is reached: the host's answer to a route question. */
struct tcp_path {
  uint16_t local; /* index of the local address in tcp.locals */
  uint16_t mtu;   /* IP bytes, path MTU if known */
  uint8_t link;
};

/* An arriving segment: address and checksum are verified, the header parsed. Slices belong to the caller. */
struct tcp_segment {
  struct wire_tcp h;
  struct yeon_ip remote; /* its source */
  struct tcp_path path;  /* back to it */
  uint32_t len;          /* payload bytes */
  struct yeon_slice payload[YEON_FRAME_SLICES];
  uint8_t n_payload;
  uint8_t segs; /* 1, or segments coalesced */
  uint8_t codepoint; /* enum wire_ecn: of all of them */
};

/* A segment to send. */
struct tcp_out {
  struct wire_tcp h; /* checksum not filled */
  struct yeon_ip remote;
  uint16_t local;
  uint8_t link;
  uint8_t hop_limit, traffic_class;
  bool dont_fragment;
  uint8_t n_payload; /* 0..2 slices, valid until the next call on the host */
  struct yeon_slice payload[2];
  uint32_t len;      /* payload bytes */
  uint16_t gso_size; /* payload bytes per segment when segs > 1, else 0 */
  uint16_t segs;
  uint64_t conn; /* 0: none */
  /* For observers. */
  uint32_t iss, irs;
  bool again; /* these bytes were sent before */
};

/* An ICMP error about a segment of ours, already matched to addresses (RFC 5927: sequence is checked here). */
struct tcp_icmp {
  struct yeon_ip remote;
  uint16_t local, local_port, remote_port;
  uint32_t seq; /* of the quoted segment */
  int error;    /* YEON_ERR_*: what it means */
  bool hard;    /* port/protocol unreachable, administratively prohibited: fatal while connecting (RFC 5927 6) */
  bool prohibited; /* administratively, of any kind, or no such protocol */
  bool expired;    /* the hop limit ran out on the way */
  uint32_t mtu; /* packet too big: the new path MTU; else 0 */
};

#define TCP_LINKS (YEON_HOST_LINKS + 1) /* the last: from the host to itself */

struct tcp_list {
  uint32_t first, last; /* record ids; 0: none */
};

/* Keys of Fast Open cookies: the first makes them, all are taken. */
struct tcp_cookie_keys {
  struct hash_key key[2];
  uint32_t n;
};

/* One instance, embedded in a host. */
struct tcp {
  struct mem *mem;
  struct event_out *events;
  struct yeon_counters *counters;
  struct rng *rng;
  const struct yeon_ip *const *locals; /* the host's table of local addresses: (*locals)[index] */
  void *host;                          /* opaque to TCP; for yeon_tcp_host */
  yeon_tcp_taker_fn *taker;            /* the application's, see text.c; NULL: none */
  yeon_time *clock;                    /* the host's: the latest time any call has brought */
  struct yeon_tcp_options options;
  struct ring_store *rings; /* shared with UDP and reassembly accounting */
  struct ring_store blocks; /* of records of what was sent (sent.c), ends of records (eor.c) and ranges of what came early (sack.c), which bound them */
  struct pool conns, half_opens, time_waits, sack_sets, busies, extras, cc_states, ecns;
  struct table table; /* all kinds of records by their key */
  struct wheel wheel;
  uint32_t isn_ahead; /* ticks that the clock of initial sequence numbers is ahead of time (instance.c) */
  struct hash_key key_table, key_isn, key_ts, key_port, key_cookie;
  struct tcp_list out[TCP_LINKS]; /* connections with something to send */
  struct tcp_list reports;        /* endpoints with readiness to report */
  struct ring *buried;            /* send rings of connections that are gone, of which output has handed out slices; until the next call */
  struct tcp_list ending;         /* connections that wait to send a reset, the oldest first; linked by report_next (ending.c) */
  struct tcp_list time_wait;      /* in the order of expiry */
  uint32_t time_wait_dead;        /* of them, ended early: out of the table, their place in the queue left */
  struct tcp_out *replies;        /* segments of no connection: RST, answers from TIME-WAIT and half-open records */
  uint32_t replies_first, replies_count, replies_cap;
  uint32_t replies_on[TCP_LINKS]; /* how many of them are for each link */
  uint32_t *port_use[256];        /* pages of 256 use counts by local port, see ports.c */
  struct yeon_tcp *bound;         /* endpoints that hold a port by bind or listen */
  uint64_t next_id;
  uint32_t listeners;
  yeon_time challenge_at; /* start of the running second for the challenge ACK limit */
  uint32_t challenge_count, challenge_budget;
  yeon_time cookie_at;          /* when a SYN cookie was last sent; 0: never */
  uint32_t port_offset;         /* RFC 6056 algorithm 3's counter */
  uint16_t link_mtu[TCP_LINKS]; /* IP bytes; the host keeps it up to date */
  yeon_time epoch;              /* when the host was made: origin of timestamps */
  struct tcp_cookie_keys fastopen_keys;      /* RFC 7413 4.1.2: of listeners that have none of their own */
  struct tcp_fastopen_cache *fastopen_cache; /* what other hosts told; NULL: nothing yet */
  yeon_time fastopen_paused_until;           /* a black hole was met (RFC 7413 7.1); 0: not */
  uint32_t fastopen_pauses;                  /* in a row */
};

/* False: no memory. events, counters, rng, rings, locals live as long as the host. */
bool tcp_init(struct tcp *t, struct mem *mem, const struct yeon_host_config *config, yeon_time now);
void tcp_fini(struct tcp *t);
void tcp_input(struct tcp *t, const struct tcp_segment *s, yeon_time now);
/* The next segment for this link, at most max_payload bytes of payload (>= one MSS; more asks for a super-segment). False: nothing to send now. */
bool tcp_output(struct tcp *t, unsigned link, uint32_t max_payload, struct tcp_out *out, yeon_time now);
/* What tcp_output has handed out is out of use: at the beginning of every call on the host. */
static inline void tcp_bury(struct tcp *t)
{
  if (t->buried != NULL) ring_release_aside(t->rings, &t->buried);
}
/* Whether tcp_output might give something for the link. */
bool tcp_has_output(const struct tcp *t, unsigned link);
/* True: it was about bytes in flight, so its news may be believed. */
bool tcp_icmp_error(struct tcp *t, const struct tcp_icmp *e, yeon_time now);
/* Runs what is due. */
void tcp_run_timers(struct tcp *t, yeon_time now);
yeon_time tcp_next(const struct tcp *t);
bool tcp_report(struct tcp *t, struct yeon_ready *out);
/* When a local address goes nothing is walked: the host drops what its connections send, and their time-outs end them; listeners on it stay. */

/* The calls, after the host has chosen addresses (host/tcp_calls.c). local.local 0xffff: any address. */
#define TCP_LOCAL_ANY 0xffffu  /* any local address of either family (::) */
#define TCP_LOCAL_ANY4 0xfffeu /* any IPv4 address */
#define TCP_LOCAL_ANY6 0xfffdu /* any IPv6 address, v6only */
int tcp_open(struct tcp *t, struct yeon_tcp **out);
/* The instance an endpoint belongs to. */
struct tcp *tcp_of(const struct yeon_tcp *c);
int tcp_bind(struct yeon_tcp *c, uint16_t local, uint16_t port, yeon_time now);
int tcp_connect(struct yeon_tcp *c, const struct tcp_path *path, const struct yeon_addr *remote, yeon_time now);
/* With data on its SYN, if it may be. Bytes queued, or as tcp_connect. */
int64_t tcp_connect_send(struct yeon_tcp *c, const struct tcp_path *path, const struct yeon_addr *remote, const void *buf, size_t len,
                         yeon_time now);
/* Bytes that a SYN would carry; or YEON_ERR_UNSUPPORTED. */
int tcp_fastopen_room(struct yeon_tcp *c, const struct tcp_path *path, const struct yeon_addr *remote, yeon_time now);
void tcp_fastopen_flush(struct tcp *t);
void tcp_cookie_keys_set(struct tcp_cookie_keys *keys, const uint8_t *key, const uint8_t *backup);
/* The bound local address index (TCP_LOCAL_ANY... when none). */
uint16_t tcp_bound_local(const struct yeon_tcp *c);
void tcp_each(struct tcp *t, yeon_tcp_visit_fn *fn, void *ctx);
void tcp_usage(const struct tcp *t, struct yeon_host_usage *out);

#endif
