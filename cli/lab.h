/* A scenario: a universe in virtual time (yeon/sim.h) whose hosts run programs written in Lua.
 *
 * The part that a scenario's author sees is prelude/: coroutines that read like blocking code. It stands on the functions registered
 * here, which never wait: what would wait gives nil and an error code, and prelude/ yields until the universe reports readiness.
 * One universe, one Lua state and everything else of a run hang on one struct lab, reached from Lua by its extra space. */
#ifndef CLI_LAB_H
#define CLI_LAB_H

#include <stdio.h>

#include <lauxlib.h>
#include <lua.h>

#include <yeon/sim.h>
#include <yeon/tcp.h>
#include <yeon/udp.h>
#include <yeon/watch.h>

#include "cli.h"

#define LAB_HOSTS_MAX 256
#define LAB_CABLES_MAX 1024
#define LAB_ADDRESSES 4 /* of one host that are known here */

struct lab_options {
  uint64_t seed;
  const char *pcap; /* path, NULL: none */
  int profile;      /* enum yeon_profile for hosts that name none; -1: linux */
  int congestion;   /* enum yeon_congestion likewise; -1: the profile's */
  bool quiet;       /* notes and expectations only */
  bool all, absolute;
  bool colour, utf8;
  unsigned width;
};

struct lab;

/* A socket that a script holds: a full userdata. */
struct lab_socket {
  struct lab *lab;
  struct yeon_tcp *tcp; /* one of the two, both NULL once it is closed */
  struct yeon_udp *udp;
  unsigned node;
  int self; /* reference to the script's object, to which readiness is reported; LUA_NOREF: none */
};

struct lab_cable {
  struct lab *lab;
  unsigned number, node[2]; /* ends a and b */
  int interface[2];         /* of the capture, for what ends a and b send; -1: none */
};

/* A retransmission that some host told of. */
struct lab_again {
  unsigned node;
  yeon_time at;
  uint32_t len;
  const char *why;
};
#define LAB_AGAIN_MAX 65536u /* the first so many of a run are kept */

/* The script wants the next such frame taken apart. */
struct lab_wanted {
  struct lab_wanted *next;
  unsigned node;
  char text[64]; /* occurs in yeon_frame_describe */
};

struct lab {
  struct lab_options options;
  struct yeon_ip address[LAB_HOSTS_MAX][LAB_ADDRESSES]; /* unused ones all zero */
  lua_State *L;
  struct yeon_sim *sim;
  struct yeon_ladder *ladder; /* NULL: none */
  bool ladder_fixed;          /* the script chose its ends */
  unsigned ladder_node[2];
  struct yeon_pcapng *pcap;
  FILE *pcap_file;
  struct yeon_tally tally;
  struct lab_again *again;
  unsigned n_again, cap_again;
  struct lab_cable *cables[LAB_CABLES_MAX];
  unsigned n_cables, n_hosts;
  struct lab_wanted *wanted;
  struct lab_call *calls; /* that the universe will make */
  size_t heap;            /* bytes that Lua holds */
  yeon_time limit_at;     /* the scenario must be over by then */
  yeon_time idle_at;      /* since when no program is left to wait for; YEON_NEVER: there is one */
  yeon_time linger;       /* how long the rest of the universe may go on after idle_at */
  yeon_time hook_at;      /* virtual time when the instruction count began */
  uint64_t hooks;         /* times the count ran full since */
  bool stopped;
  bool broken; /* a fault of the prelude itself, or no memory */
};

static inline struct lab *lab_of(lua_State *L) { return *(struct lab **)lua_getextraspace(L); }

/* Runs one scenario; the exit status. name: as in error messages, "@hello.lua". */
int lab_run(const struct lab_options *options, const char *name, const char *source, size_t len);

/* lab_out.c: everything that is printed */
bool lab_out_open(struct lab *lab);
/* CLI_OK, or CLI_USAGE when the capture could not be written. */
int lab_out_close(struct lab *lab);
void lab_out_note(struct lab *lab, enum yeon_ladder_tone tone, const char *text);
/* At a host's side of the ladder, if it has one there; else as a note. */
void lab_out_side(struct lab *lab, unsigned node, const char *text);
/* A line over the full width of the page, in its place in time. */
void lab_out_raw(struct lab *lab, const char *text);
void lab_out_sink(struct lab *lab, struct yeon_event_sink *sink);
bool lab_out_cable(struct lab *lab, struct lab_cable *cable, bool ethernet);
int lab_out_register(lua_State *L);

/* lab_net.c, lab_tcp.c, lab_tcp_info.c, lab_udp.c: fill the table on top of the stack */
void lab_net_register(lua_State *L);
void lab_cable_register(lua_State *L);
void lab_tcp_register(lua_State *L);
void lab_info_register(lua_State *L);
void lab_udp_register(lua_State *L);

/* lab_util.c */
/* Seconds as given to a call -> ns. Raises an error when it is negative or absurd. */
yeon_time lab_span(lua_State *L, int arg);
struct yeon_addr lab_addr(lua_State *L, int arg);
unsigned lab_node(lua_State *L, int arg);
void lab_push_addr(lua_State *L, const struct yeon_addr *addr);
/* nil and the code: what a call that did not succeed gives. */
int lab_push_error(lua_State *L, int error);
struct lab_socket *lab_push_socket(lua_State *L, unsigned node);
struct lab_socket *lab_socket(lua_State *L, int arg);
/* Likewise, and still open: raises an error when not. */
struct lab_socket *lab_tcp(lua_State *L, int arg);
struct lab_socket *lab_udp(lua_State *L, int arg);
void lab_socket_forget(lua_State *L, struct lab_socket *s);

#endif
