/* A script carried out without judging: what the host did, for another host's to be laid beside it.
 *
 * The script's events are stimuli: calls, packets that arrive, settings. Packets it expects are not compared; they only move the time on. The same
 * walk (engine.c) goes through two worlds: the kernel behind a device in a network namespace, in real time (kernel.c), and yeon in this
 * process, in virtual time (yeon.c). Numbers are relative to the ends' first sequence numbers, instants to the latest stimulus.
 *
 * Packets are read and built by src/drill, whose structures (a run, its flows) are filled in here as far as that needs. */
#ifndef DIFFER_H
#define DIFFER_H

#include "drill/run.h"

#define DIFFER_SOCKETS 40
#define DIFFER_STATES 100

/* A descriptor of the script. */
struct differ_socket {
  int number; /* the script's; -1: free */
  bool is_udp, nonblock, connecting, connected;
  int fd;               /* kernel */
  struct yeon_tcp *tcp; /* yeon, one of the two */
  struct yeon_udp *udp;
};

enum differ_what {
  DIFFER_SOCKET,
  DIFFER_BIND,
  DIFFER_LISTEN,
  DIFFER_ACCEPT,
  DIFFER_CONNECT,
  DIFFER_SEND,
  DIFFER_RECV,
  DIFFER_SHUTDOWN,
  DIFFER_CLOSE,
  DIFFER_SET,
  DIFFER_GET,
  DIFFER_COUNT
};
/* One call. */
struct differ_call {
  enum differ_what what;
  struct differ_socket *s;   /* the socket it is made on */
  struct differ_socket *new; /* SOCKET, ACCEPT: what it fills in */
  struct yeon_addr addr;     /* BIND, CONNECT, and SEND with has_addr */
  bool has_addr, again;      /* again: has been tried before */
  bool oob, more, peek;
  int64_t n;        /* bytes, backlog, SHUT_*, value of an option (milliseconds of linger, -1: none) */
  const char *name; /* of an option, or of a count: SIOCINQ, SIOCOUTQ, SIOCATMARK */
  int64_t value;    /* GET, COUNT: what it told */
};

struct differ;
struct differ_world {
  bool (*begin)(struct differ *d); /* False: told on stderr */
  void (*end)(struct differ *d);
  yeon_time (*now)(struct differ *d); /* since begin */
  /* Lets time pass; packets go to differ_saw, and differ_retry is called where a call may go on. */
  void (*wait)(struct differ *d, yeon_time until);
  void (*inject)(struct differ *d, const uint8_t *packet, size_t len);
  /* >= 0, or -errno as Linux numbers them; -EAGAIN, -EINPROGRESS: later. */
  int64_t (*call)(struct differ *d, struct differ_call *c);
  void (*setting)(struct differ *d, const char *name, const char *value);
  /* The TCP endpoints that the host knows of, but for CLOSED ones, each through differ_state. */
  void (*states)(struct differ *d);
};
extern const struct differ_world differ_kernel, differ_yeon;

/* What is known of an endpoint, by the other end's port (0: a listener). */
struct differ_state {
  uint16_t port;
  enum yeon_tcp_state state;
  bool there;
};

struct differ {
  struct drill_run run; /* first: what src/drill hands back is cast to this */
  const struct differ_world *world;
  yeon_time settle;   /* a host does at once what it does within this time */
  yeon_time event_at; /* the latest stimulus took place */
  yeon_time due_at;   /* and should have */
  struct differ_socket sockets[DIFFER_SOCKETS];
  struct differ_call pending;
  const struct drill_event *pending_event;   /* NULL: no call is under way */
  struct differ_state states[DIFFER_STATES]; /* as told last */
  unsigned flows;                            /* as told so far */
  bool heard;                                /* a packet came since asked last */
};

/* A packet that the host sent, now. */
void differ_saw(struct differ *d, const uint8_t *packet, size_t len);
/* An endpoint's state, told if it is news. */
void differ_state(struct differ *d, uint16_t remote_port, enum yeon_tcp_state state);
/* Tries the call under way once more. */
void differ_retry(struct differ *d);

#endif
