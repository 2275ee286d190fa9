/* A world of the property simulation: two hosts, a cable, connections with programs at both ends; all drawn from one seed (plan.c), driven
 * to its end (world.c, program.c), and judged (judge.c). Everything that changes while it runs lives in its arena. */
#ifndef TESTS_WORLD_H
#define TESTS_WORLD_H

#include <yeon/sim.h>
#include <yeon/tcp.h>
#include <yeon/udp.h>

#include "arena.h"
#include "base/hash.h"

#define MAX_CONNS 8
#define MAX_CHANGES 8
#define PROGRAMS_END (7200 * YEON_SEC)  /* all programs must have ended by then */
#define WORLD_END (6 * 3600 * YEON_SEC) /* and all state must be gone */
#define ROUNDS_MAX 3000000u
#define LISTEN_PORT 80
#define UDP_PORT 53

/* ---- what a seed decides ---- */

enum finish {
  FINISH_SHUT,  /* shut the sending side, read on to the end of stream, close */
  FINISH_CLOSE, /* close as soon as everything is written */
  FINISH_ABORT  /* reset after abort_after bytes have moved */
};

struct plan_end {
  uint32_t total; /* bytes to send */
  bool after_eof; /* answer only when the other side has finished */
  enum finish finish;
  uint32_t abort_after;         /* bytes sent and received */
  uint32_t write_max, read_max; /* a call asks for 1 .. so many bytes */
  uint32_t pause_one_in;        /* calls, on average, after which the program rests; 0: never */
  uint32_t pause_max_us;
  int64_t sndbuf, rcvbuf; /* 0: as the host has it */
  int64_t user_timeout_ms;
  bool nodelay, cork, quickack, keepalive, urgent, more, peek, slices, late_fin, wait_closed, write_early;
  int64_t maxseg, window_clamp; /* 0: unset */
  uint32_t fast_open;           /* bytes that go with connecting (RFC 7413); 0: it only connects */
};

enum opening { OPEN_A, OPEN_B, OPEN_BOTH };
struct plan_conn {
  enum opening opening; /* who connects; OPEN_BOTH: simultaneous open */
  yeon_time start_at;
  uint16_t local_port; /* 0: let the host choose. Equal ones meet the TIME-WAIT of the one before. */
  struct plan_end end[2];
};

enum change_kind { CHANGE_CUT, CHANGE_JOIN, CHANGE_SET, CHANGE_MTU };
struct change {
  yeon_time at;
  enum change_kind kind;
  unsigned mask;
  struct yeon_cable_way way; /* CHANGE_SET */
  uint16_t mtu;              /* CHANGE_MTU: of the hosts of the mask */
};

struct plan {
  uint64_t seed;
  bool v6, ethernet, hub, famine;
  bool loop; /* both ends are on host a */
  uint16_t mtu;
  enum yeon_profile profile[2];
  struct yeon_tcp_options tcp[2];
  uint32_t fast_open_limit[2]; /* YEON_TCP_FASTOPEN of the listeners */
  struct yeon_cable_way way[2];
  unsigned n_changes;
  struct change change[MAX_CHANGES];
  unsigned n_conns;
  struct plan_conn conn[MAX_CONNS];
  unsigned backlog[2];
  uint32_t accept_pause_us;              /* at most */
  yeon_time listener_gone_at;            /* YEON_NEVER: it stays */
  bool listen_any;                       /* listeners take any address, not just the host's */
  uint32_t max_half_open, max_time_wait; /* 0: plenty */
  uint64_t max_buffer_bytes;             /* 0: plenty */
  unsigned attacks;                      /* by a stranger, in the first seconds */
  unsigned datagrams;                    /* each host sends so many */
  uint32_t datagram_max;
  bool calm;               /* nothing is so bad that a connection may fail */
  bool smooth;             /* calm, and nothing is ever lost, late or out of order: no retransmission at all */
  bool prompt;             /* smooth, and programs never rest: no window stays closed */
  bool twice;              /* run again: the same frames */
  uint32_t snapshot_round; /* 0: none */
};
void plan_make(struct plan *plan, uint64_t seed);
void plan_print(const struct plan *plan);

/* ---- a world that runs ---- */

enum status { END_WAITING, END_RUNNING, END_OK, END_ABORTED, END_FAILED };

struct world;
struct end {
  struct world *world;
  const struct plan_end *plan;
  struct end *other;
  struct yeon_tcp *tcp; /* NULL: not yet, or no longer */
  unsigned host;        /* 0: a, 1: b */
  unsigned conn;
  enum status status;
  int error;               /* of END_FAILED */
  uint64_t sent, received; /* bytes */
  bool active;             /* it connects */
  uint16_t port;           /* of an active end */
  uint32_t iss;            /* likewise: how the other host's accepted connection is known to be its */
  bool connected;
  bool fin; /* it has shut its sending side, by shutdown or close */
  bool eof; /* it has seen the end of the other's stream */
  bool read_paused, write_paused;
  bool fin_delayed;
};

struct listener {
  struct world *world; /* that all can be called back */
  struct yeon_tcp *tcp;
  unsigned host;
  bool paused;
};

struct datagrams {
  struct world *world;
  struct yeon_udp *udp;
  unsigned host;
  unsigned sent;
  uint32_t seen; /* bit set of the numbers that arrived */
  uint64_t received, repeated;
};

struct world {
  const struct plan *plan;
  struct arena *arena;
  struct yeon_sim *sim;
  struct yeon_host *host[2];
  struct yeon_addr addr[2]; /* port 0 */
  unsigned link[2];
  uint64_t attacks, persists; /* persists: how often that timer fired, in prompt worlds */
  struct end ends[MAX_CONNS][2];
  struct listener listener[2];
  struct datagrams datagrams[2];
  struct rng rng; /* of the programs */
  bool over;      /* programs have ended, listeners are closed */
  bool verbose;
  uint64_t taken; /* bytes that programs took out of segments */
  uint64_t hash; /* of all frames sent, with their instants */
  uint64_t frames;
  char failure[400]; /* "": none */
};

/* The first failure counts. */
__attribute__((format(printf, 2, 3))) void world_fail(struct world *w, const char *format, ...);
struct world *world_new(const struct plan *plan, struct arena *arena, bool verbose);
/* One round. False: all is over, or it has failed. */
bool world_step(struct world *w);
void world_free(struct world *w);

/* What to do when time says so. */
void program_connect(struct world *w, unsigned conn);
/* The report of a host about an endpoint. */
void program_ready(void *ctx, struct yeon_sim *sim, unsigned node, const struct yeon_ready *ready, yeon_time now);
/* direct.c */
int64_t direct_send(struct end *e, const uint8_t *buf, size_t len);
size_t direct_take(void *user, const struct yeon_slice *slices, size_t n_slices);
void program_listen(struct world *w, unsigned host);
void program_unlisten(struct world *w, unsigned host);
void program_datagrams(struct world *w, unsigned host);
void program_datagrams_ready(struct datagrams *d);
void stranger_attacks(void *ctx, struct yeon_sim *sim, yeon_time now);
/* Whether all programs have ended. */
bool programs_ended(const struct world *w);
/* Whether those that wait to be accepted are all that is left. */
bool programs_only_wait(const struct world *w);

/* Bytes of a stream from a position on; streams differ. */
void content_fill(uint8_t *buf, uint64_t stream, uint64_t pos, size_t len);
bool content_check(const uint8_t *buf, uint64_t stream, uint64_t pos, size_t len);

/* After the end. */
void judge(struct world *w);

/* For content_fill: every direction of every connection has a stream of its own. */
static inline uint64_t stream_of(const struct end *sender) { return sender->conn * 2u + sender->host; }

/* What happened over all worlds; the test wants to see all of it. */
struct tally {
  uint64_t worlds, conns, whole, aborted, reset, timed_out, refused, unreachable, other_errors, simultaneous,
      half_closed, reused_ports, bytes, frames, datagrams, datagrams_received, snapshots, twice, calm, famine, cut,
      attacks, small_tables, loops, smooth, prompt, taken;
};
void tally_world(struct tally *t, const struct world *w);

#endif
