/* The explorer: every state that two real hosts can reach in a small world, by breadth-first search.
 *
 * A world is two hosts, a program on each, and the segments between them. A step is one thing that can happen next: a call of a program, the
 * arrival, loss or duplication of one segment, one timer, a segment forged by a stranger. Nothing takes time but waiting for a timer. From
 * every state that is new all steps are tried; a state is known again by the hash of its description (describe.c). What must hold is checked
 * in every state (check.c), on every segment (wire.c) and byte (program.c), and by letting the network behave until all is over (finish.c). */
#ifndef EXPLORE_H
#define EXPLORE_H

#include <yeon/tcp.h>

#include "host/host.h"
#include "region.h"
#include "tcp/internal.h"

#define PORT_A 1000
#define PORT_B 2000
#define ROOM_MOST 8   /* segments in flight, each way */
#define GENERATIONS 4 /* connections one after another */
#define PIECE_MOST 1024
#define LIFETIME (20 * YEON_SEC) /* of a segment: waiting longer empties the network */

/* ---- rules.c: what may happen in a world ---- */

/* Each step of its kind takes one away; what the network does wrong also one of `faults`. */
struct budget {
  uint8_t losses, twice, overtakes, faults, timers, forgeries;
};

struct rules {
  const char *name, *about;
  struct budget most, few; /* few: for the short run */
  uint8_t room;            /* segments in flight each way; a full way makes the host wait */
  uint16_t piece;          /* bytes a program writes at a time */
  uint8_t writes[2];       /* how often */
  uint8_t connects[2];     /* how often it may connect */
  bool listens;            /* the right-hand side listens from the beginning */
  bool keeps_listening;    /* also after it has accepted */
  bool slow_reader;        /* reading is a step; else all is read at once */
  bool abort, rude;        /* a program may reset; may close before it has read to the end */
  bool small_window;       /* two pieces fill the receiver */
  bool options;            /* SACK, timestamps, window scale */
  bool delayed_ack, nagle, probe_with_data;
  bool paced;     /* small segments, many to a piece, at 6,400 bytes a second */
  bool modern;    /* RACK, loss probes, PRR, undo, F-RTO, RTO restart */
  bool measured;  /* the retransmission time-out follows the round trips; else it is one second */
  uint32_t share; /* of the states asked for, relative to the other worlds' */
};
extern const struct rules all_rules[];
extern const unsigned n_rules;
const struct rules *rules_find(const char *name);
void rules_options(const struct rules *rules, struct yeon_tcp_options *options);

/* ---- packets.c: segments, kept once each ---- */

struct packet {
  const uint8_t *bytes;
  uint32_t len;
  struct wire_tcp h;
  const uint8_t *payload;
  uint32_t n; /* payload bytes */
  uint64_t payload_hash;
};
struct packets;
struct packets *packets_new(void);
void packets_free(struct packets *p);
/* The number of these bytes. */
uint32_t packets_keep(struct packets *p, const uint8_t *bytes, uint32_t len);
const struct packet *packets_at(const struct packets *p, uint32_t number);

/* ---- a world ---- */

struct program {
  struct yeon_tcp *tcp, *listener; /* NULL: none */
  uint8_t generation;              /* of tcp */
  uint8_t connects, writes;        /* how often it has */
  uint32_t received;               /* bytes, of this connection */
  bool shut, eof;
};

/* One direction of one connection, as its programs know it. */
struct stream {
  uint32_t iss;
  bool known; /* iss is */
  bool ended; /* the program will write no more */
  uint32_t written;
};

/* What a side has put on the wire for its newest connection. */
struct monitor {
  uint32_t id; /* of the connection, 0: none */
  uint8_t generation;
  bool sent, acked; /* sent_end, ack and edge have values */
  uint32_t iss, sent_end;
  uint32_t ack, edge; /* highest acknowledged; right edge of the window offered */
  bool offered;       /* room has a value */
  uint32_t room;      /* right edge of the window that has arrived here */
};

/* What loss.c knows of a side's newest connection: its window before the reduction that goes on, how many its host
 * has taken back, and how many loss probes it had sent before. */
struct remembered {
  uint32_t id;
  uint32_t window, before; /* as it was last without a reduction going on; when the latest began */
  uint32_t threshold;
  uint32_t reduced; /* TCP_F_RECOVERY or TCP_F_RTO_RECOVERY: what goes on */
  uint64_t undone, probes;
};

/* All that changes, but for the hosts' memory. */
struct live {
  yeon_time now;
  struct program program[2];
  struct stream stream[2][GENERATIONS];
  struct monitor monitor[2];
  struct remembered remembered[2];
  uint32_t net[2][ROOM_MOST]; /* numbers of packets, by sender, oldest first */
  uint8_t n_net[2];
  struct budget left;
  uint32_t origin[2]; /* sequence numbers are told relative to the first a side used */
  bool has_origin[2];
  yeon_time origin_at[2]; /* when */
  bool troubled;          /* a program reset, went away early, or was not there: a connection may have failed for it */
};

struct world {
  const struct rules *rules;
  struct live live;
  struct packets *packets;
  struct region *region[2];
  struct yeon_host *host[2];
  struct yeon_addr addr[2];
  uint32_t ts_offset[2]; /* a side's timestamp clock at the beginning */
  yeon_time began_at;
  bool loud;           /* tell every event */
  unsigned touched;    /* bit per host that a step has changed */
  char violation[400]; /* "": none */
};

__attribute__((format(printf, 2, 3))) void violate(struct world *w, const char *format, ...);

struct world *world_new(const struct rules *rules, bool loud);
void world_free(struct world *w);
/* Frees the hosts; false: they left memory behind (and that is the violation). */
bool world_end_hosts(struct world *w);

/* ---- step.c ---- */

enum step_kind {
  STEP_CONNECT,
  STEP_WRITE,
  STEP_SHUT,
  STEP_CLOSE,
  STEP_ABORT,
  STEP_READ,
  STEP_UNLISTEN,
  STEP_DELIVER,
  STEP_LOSE,
  STEP_TWICE,
  STEP_TIMER,
  STEP_FORGE,
  STEP_FINISH, /* no step of the search: the good end (finish.c), index 1: polite */
  STEP_KINDS
};
/* A step is kind << 8 | side << 4 | index. */
#define STEP(kind_, side_, index_) ((uint16_t)((unsigned)(kind_) << 8 | (unsigned)(side_) << 4 | (unsigned)(index_)))
#define STEPS_MOST 96
unsigned steps_possible(struct world *w, uint16_t out[STEPS_MOST]);
void step_take(struct world *w, uint16_t s);
/* In words; returns buf. */
char *step_describe(struct world *w, uint16_t s, char *buf, size_t size);
/* Lets a host say what it has to say, and its program react. */
void settle(struct world *w, unsigned side);
/* The next deadline of a host; YEON_NEVER: none. */
yeon_time next_timer(const struct world *w, unsigned side);

/* ---- program.c ---- */
void program_listen(struct world *w, unsigned side);
void program_unlisten(struct world *w, unsigned side);
void program_connect(struct world *w, unsigned side);
bool program_may_connect(const struct world *w, unsigned side);
void program_write(struct world *w, unsigned side);
void program_shut(struct world *w, unsigned side);
void program_close(struct world *w, unsigned side);
void program_abort(struct world *w, unsigned side);
/* Reads up to `most` bytes. */
void program_read(struct world *w, unsigned side, uint32_t most);
/* Takes the host's reports; true: there was one. */
bool program_reports(struct world *w, unsigned side);
/* What stands at a position of a stream. */
uint8_t content_at(unsigned side, unsigned generation, uint32_t position);

/* ---- wire.c ---- */
void wire_sent(struct world *w, unsigned side, uint32_t mark, const struct packet *p);
void wire_arrives(struct world *w, unsigned side, const struct packet *p);
/* The connection of a host with this id; NULL: none. */
struct yeon_tcp *connection_of(const struct world *w, unsigned side, uint32_t id);

/* ---- forge.c ---- */
#define FORGERIES 10
bool forge_possible(const struct world *w, unsigned side, unsigned which);
void forge(struct world *w, unsigned side, unsigned which);
const char *forge_name(unsigned which);

/* ---- describe.c ---- */
/* Hash of one host; depends on the time and the origins too. */
uint64_t describe_host(const struct world *w, unsigned side);
/* Hash of the rest: programs and network. */
uint64_t describe_rest(const struct world *w);
/* All that is hashed, number by number, for comparing two states that should not be the same. */
void describe_print(const struct world *w);

/* ---- check.c ---- */
/* What must hold in every state. */
void check_state(struct world *w);
/* loss.c: what must hold of loss recovery; on a segment with bytes that leaves */
void check_loss(struct world *w, unsigned side, const struct yeon_tcp *c, const struct yeon_tcp *peer);
/* Takes note of what those need; a step is over. */
void loss_after_step(struct world *w);
void check_again(struct world *w, unsigned side, const struct yeon_tcp *c, const struct packet *p);
/* The state of a side's connection, whatever record it is in. */
enum yeon_tcp_state state_of(const struct world *w, unsigned side);

/* ---- finish.c ---- */
/* Lets the network behave and the programs end; all must be over then. Destroys the world's state. polite: programs read to the end. */
void finish(struct world *w, bool polite);

/* ---- search.c ---- */

struct plan {
  const struct rules *rules;
  uint64_t states;       /* at most */
  double seconds;        /* 0: as long as it takes */
  unsigned finish_every; /* this share of the states is finished besides the dead ends; 0: none */
  unsigned audit_every;  /* of the states met again so many are compared with the one met first; 0: none */
};
struct outcome {
  uint64_t states, bare, steps, dead_ends, finished, audited;
  uint64_t pairs[YEON_TCP_STATES][YEON_TCP_STATES];
  unsigned depth;
  bool complete; /* there is nothing more to visit */
  double seconds;
  char violation[400];
  uint16_t trace[256], other[256]; /* the steps that led to it; to the state it was compared with */
  unsigned n_trace, n_other;
};
void search(const struct plan *plan, struct outcome *out);
/* When the program is stopped by an assertion: the steps that led to it. Returns how many. */
unsigned search_trace(uint16_t *out, unsigned most);

#endif
