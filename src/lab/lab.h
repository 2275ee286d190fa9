/* A lab as the files of this room share it: the process that holds hosts and cables in real time.
 *
 * One libuv loop. It wakes for: a supervisor's message (control.c), a program's end of a socket pair (sockets.c, through an epoll set of its
 * own, edge-triggered, so that a socket costs one system call in its life and none per change of interest), the stack's next deadline
 * (a timerfd: libuv's timers know only milliseconds), signals. Whatever woke it, `lab_pump` then moves frames and bytes until nothing moves. */
#ifndef LAB_LAB_H
#define LAB_LAB_H

#include <stdio.h>
#include <uv.h>

#include <yeon/cable.h>
#include <yeon/host.h>
#include <yeon/lab.h>
#include <yeon/link.h>
#include <yeon/tcp.h>
#include <yeon/udp.h>

#include "lab/message.h"

#define LAB_HOSTS_MAX 16
#define LAB_CABLES_MAX 16
#define LAB_ADDRS_MAX 4    /* of a host */
#define LAB_FRAMES 32      /* moved at once */
#define LAB_SCRATCH 262144 /* bytes read from a program at once */
#define LAB_WIDE_MAX 2     /* buffers of pairs that have grown, see stream.c: both ends of one transfer */
#define LAB_NAME_MAX 32
#define LAB_BUCKETS 16384  /* of the table of sockets by ino */

#define LAB_WHY 200  /* bytes of a line that tells a person why something failed */
#define LAB_PATH 108 /* bytes of a socket's path, as in struct sockaddr_un */

struct lab;
struct lab_socket;
struct lab_watch;
struct lab_later;

/* Where a cable ends. */
struct lab_end {
  unsigned host, link; /* numbers: of the host in the lab, of the link at the host */
};

struct lab_host {
  struct yeon_host *host; /* NULL: it is the kernel, behind `tun` */
  struct yeon_link *tun;
  char name[32];
  struct yeon_ip addr[LAB_ADDRS_MAX];
  unsigned n_addrs;
  unsigned n_links;
};

struct lab_cable {
  struct lab *lab;            /* once it is watched */
  struct yeon_cable *cable;
  char name[32];
  char title[40];             /* as lines on the log call it: "cable", "cable uplink" */
  struct lab_end end[2];      /* [0] is end a */
  bool plain;                 /* nothing is impaired, cut or watched: frames may pass by the cable's own queues, super-segments whole */
  bool watched;               /* somebody observes the cable's frames */
  uint64_t passed[2], passed_bytes[2]; /* by direction, such frames; the cable counts the others */
  yeon_time join_at[2];       /* by direction: when a cut of limited length is over; YEON_NEVER: none */
};

/* A connection to a supervisor, or to somebody with a command. */
struct lab_client {
  uv_poll_t poll;
  int fd;
  struct lab *lab;
  struct lab_client *next;
  bool owner; /* the lab ends with it */
  bool gone;
};

/* A program, as its supervisor has introduced it. */
struct lab_program {
  char name[32];
  int pid;
  unsigned host;
  struct lab_client *client; /* NULL: ended */
};

/* Somebody waits until all connections are over; see drain.c. */
struct lab_drain {
  struct lab_client *client; /* NULL: nobody */
  uint64_t id;               /* of the request */
  yeon_time until;           /* then it is told all the same */
};

struct lab {
  uv_loop_t loop;
  uv_poll_t listener, sockets, clock;
  uv_signal_t interrupt, terminate;
  uv_poll_t device;        /* the TUN device, if there is one */
  uv_check_t after;        /* runs lab_pump once behind everything a wake-up brought */
  bool stopping;
  bool woken;         /* something came from a program or a supervisor in this turn of the loop */
  int listener_fd, epoll_fd, clock_fd, lock_fd;
  yeon_time began_at;
  yeon_time clock_at; /* what clock_fd is set to; YEON_NEVER: off */
  char path[LAB_PATH];     /* of the control socket; "": private */
  FILE *log;
  struct lab_host hosts[LAB_HOSTS_MAX];
  unsigned n_hosts;
  struct lab_cable cables[LAB_CABLES_MAX];
  unsigned n_cables;
  struct lab_client *clients;
  struct lab_drain drain;
  struct lab_later *later;   /* commands to come, see command_later.c */
  struct lab_watch *watches; /* see watch.c */
  uv_timer_t tick;           /* runs while there are any; made with the first */
  bool ticks;                /* it has been made */
  struct lab_program *programs; /* by number */
  uint32_t n_programs, cap_programs;
  struct lab_socket *bucket[LAB_BUCKETS]; /* by ino */
  struct lab_socket *dead;      /* to be freed once nothing of this turn can point to them */
  struct lab_socket *ready;     /* a list of those with something to do, each once */
  struct lab_socket *tomb_first, *tomb_last; /* failed ones, kept for their error; the oldest goes first */
  uint32_t n_sockets, n_tombs, n_wide;
  struct yeon_frame frames[LAB_FRAMES];
  struct lab_letter letter;     /* the one being read */
  uint8_t scratch[LAB_SCRATCH];
};

/* lab.c */
yeon_time lab_now(void);
/* One line on the lab's log, behind the time since it began. */
void lab_log(struct lab *lab, const char *format, ...) __attribute__((format(printf, 2, 3)));
void lab_stop(struct lab *lab);

/* setup.c */
/* "client" -> its number; -1: none. */
int lab_host_find(const struct lab *lab, const char *name);
/* "client, server": those that programs can run on. */
void lab_host_names(const struct lab *lab, char *out, size_t size);
/* The host that has this address; -1: none. */
int lab_host_of(const struct lab *lab, const struct yeon_ip *ip);

/* pump.c */
/* Frames and bytes move until nothing does; then the clock is set. */
void lab_pump(struct lab *lab);
/* First hears what programs have done to their ends up to now, closing above all; then pumps. */
void lab_settle(struct lab *lab);

/* cables.c */
/* Whether frames may pass by the cable's own queues; after every change of it. */
void lab_cable_changed(struct lab_cable *c);
/* Does what was scheduled up to now; when the next of it is due. */
yeon_time lab_cables_due(struct lab *lab, yeon_time now);
/* One end's frames go out and due ones come in; whether anything moved. */
bool lab_cable_carry(struct lab *lab, struct lab_cable *c, yeon_time now);

/* drain.c */
void lab_drain_ask(struct lab *lab, struct lab_client *client, uint64_t id);
/* Answers who waits, if it is time to; when it will be at the latest, YEON_NEVER: nobody waits. */
yeon_time lab_drain_due(struct lab *lab, yeon_time now);

/* control.c */
int lab_control_open(struct lab *lab, const struct yeon_lab_config *config);
void lab_control_close(struct lab *lab);
/* Answers a request: result and flags of `reply`, its kind and id. client NULL: whoever asked is gone. */
void lab_answer(struct lab_client *client, const struct lab_message *reply, const void *payload, int fd);

/* Addresses have changed: supervisors are told, so that /etc/hosts of their programs is right. */
void lab_hosts_changed(struct lab *lab);

/* path.c: the control socket of that name, in a folder that only we may enter (made if need be). 0, or an errno and a line for a person in
 * `why` (LAB_WHY bytes). */
int lab_path(const char *name, char path[LAB_PATH], char why[LAB_WHY]);
/* A connection to the lab of that name; a negative errno. */
int lab_connect(const char *name);

/* command.c */
/* Runs words, each with a terminator, `len` bytes in all; writes to out. An exit status. */
int lab_command(struct lab *lab, char *words, size_t len, FILE *out);
/* command_later.c: what was to come will not. */
void lab_later_drop(struct lab *lab);

#endif
