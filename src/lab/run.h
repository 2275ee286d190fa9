/* The supervisor of `yeon run`, as its files share it.
 *
 * It is the parent of its programs (and their subreaper), so that it may read their memory and duplicate their descriptors. A seccomp filter (filter.c)
 * stops a program at the calls that concern INET sockets; each stop is a notification. trap.c judges it on copies of the arguments, asks the lab, and
 * answer.c turns the lab's answer into the call's result. One epoll loop, no call waits: what must wait (connect, accept, recvfrom of a
 * blocking socket) is kept as a `struct run_pending`, and only the program waits.
 *
 * Never is a call continued that could create or touch an INET socket: socket() of those families is always answered by us, so a program
 * has none (inherited ones are closed before exec, those that come otherwise are refused at every call). */
#ifndef LAB_RUN_H
#define LAB_RUN_H

#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include <yeon/base.h>
#include <yeon/lab.h>

#include "lab/message.h"

#define RUN_BUCKETS 4096
#define RUN_PROCESSES 256  /* remembered */
#define RUN_HOSTS_TEXT 8192 /* bytes of a hosts file */
#define RUN_CONTROL 256    /* bytes of control messages */
#define RUN_IOV 1024       /* as in the kernel: UIO_MAXIOV */
#define RUN_PROGRAMS_MAX 32

struct run;

/* What an epoll event is about. */
enum run_watch_kind { RUN_WATCH_LAB, RUN_WATCH_SIGNAL, RUN_WATCH_PROGRAM };
struct run_watch {
  enum run_watch_kind kind;
  void *of; /* RUN_WATCH_PROGRAM: struct run_program */
};
#define RUN_PENDING_MARK 1u /* in an event's data: a call that waits for a datagram, its id in the bits above; pointers are even */

struct run_program {
  struct run_watch watch;
  const struct yeon_run_program *what;
  uint32_t number;  /* at the lab */
  pid_t pid;        /* 0: not started */
  int notify_fd;    /* -1: no process of it is left */
  int status;       /* of waitpid, when ended */
  bool ended;
  bool listens;     /* has begun to wait for peers */
};

/* A pair that the lab has given to a program of ours, by inode number. */
struct run_socket {
  struct run_socket *next;
  uint64_t ino;
  bool stream;
  unsigned info; /* LAB_INFO_ */
  pid_t pid; /* who got it, and as which descriptor: a hint */
  int fd;
};

/* A message header of a program, copied. */
struct run_msg {
  uint64_t name, control, iov; /* addresses in the program */
  uint64_t name_len_at;        /* recvfrom: where the length stands; 0: in the header */
  uint64_t header_at;          /* recvmsg: where the header stands; 0: recvfrom */
  uint32_t name_len;
  uint64_t n_iov, control_len;
  uint64_t one_base, one_len;  /* recvfrom, sendto: the one buffer */
  int flags;                   /* of the call */
};

/* A call that is not answered yet. */
struct run_pending {
  struct run_pending *next;
  uint64_t id;        /* of the request to the lab */
  struct run_program *program;
  uint64_t cookie;    /* id of the notification */
  pid_t tid;
  int nr;
  uint64_t args[6];
  uint64_t ino;
  bool at_lab;        /* the lab will answer */
  int fd;             /* waiting for a datagram: a duplicate of the socket; else -1 */
  struct run_msg msg; /* likewise */
  yeon_time deadline; /* YEON_NEVER: none; then timeout_errno */
  int timeout_errno;
};

/* A thread and the process it belongs to. */
struct run_process {
  pid_t tid, tgid;
  int pidfd;
};

struct run {
  const struct yeon_run_config *config;
  FILE *log;
  int epoll_fd, lab_fd, signal_fd;
  pid_t lab_pid; /* of a private lab; 0: none */
  bool is_private; /* the lab is for this line alone, since none was named and none named default runs */
  char hosts_path[128]; /* "": none, or gone: the programs' mounts keep the file */
  int hosts_fd;         /* of the file, which is rewritten when addresses change; -1: none yet */
  struct run_watch lab_watch, signal_watch;
  struct run_program programs[RUN_PROGRAMS_MAX];
  size_t n_programs;
  size_t started;
  bool stopping;
  bool failed;           /* a program could not be started */
  bool lab_gone;
  yeon_time kill_at;     /* when those that do not stop are killed; YEON_NEVER: not stopping */
  yeon_time start_at;    /* when the next program starts at the latest */
  uint64_t next_id;
  struct run_socket *socket[RUN_BUCKETS];
  struct run_pending *pending[RUN_BUCKETS];
  size_t n_pending;
  yeon_time looked_at;   /* when pending ones were last checked for being alive */
  struct run_process process[RUN_PROCESSES];
  struct lab_letter in, out;
  uint8_t bytes[131072]; /* of a datagram */
};

/* One notification being judged. */
struct run_trap {
  struct run *run;
  struct run_program *program;
  uint64_t cookie;
  pid_t tid;
  int nr;
  uint64_t args[6];
  int fd;                      /* duplicate of the descriptor args[0]; -1: none */
  const struct run_socket *socket; /* ours; NULL: not */
};

/* run.c */
void run_log(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
yeon_time run_now(void);

/* private.c: a lab of our own. A connection to it, or a negative errno. */
int run_private_lab(struct run *run);
/* Our programs have ended: waits until the private lab's connections are over too. */
void run_private_drain(struct run *run);

/* start.c: 0 or an errno, told. */
int run_start(struct run *run, struct run_program *p);
/* The hosts file of all programs: these lines beside localhost's. */
void run_hosts_fill(struct run *run, const struct lab_letter *lines);
/* child.c: in the child; never returns. ready: where the number of the notification descriptor is written; go: read before exec. */
struct run_child {
  char **argv;
  const char *hosts_path, *host, *preload;
  bool wall;
  bool last; /* of its line: it has standard input and output */
  int ready, go;
};
_Noreturn void run_child(const struct run_child *child);
/* filter.c: loads the filter; the notification descriptor, or a negative errno. */
int run_filter_load(void);
/* Whether a supervisor stops our calls already: there can be one only. */
bool run_filter_taken(void);

/* process.c */
/* A duplicate of descriptor fd of the thread's process, or a negative errno. */
int run_getfd(struct run *run, pid_t tid, int fd);
/* The process that a thread belongs to; the thread's own number if it is gone. */
pid_t run_process_of(struct run *run, pid_t tid);
/* The inode number behind a descriptor, 0: not a socket. */
uint64_t run_ino(int fd);
/* A duplicate of any program's descriptor of this socket, -1: nobody has it. */
int run_find_fd(struct run *run, const struct run_socket *s);
void run_processes_close(struct run *run);
/* Sends `number` to all descendants; how many there are. */
size_t run_kill_all(const struct run *run, int number);

/* memory.c: a program's memory. False: it is not there (EFAULT). */
bool run_read(pid_t tid, uint64_t at, void *out, size_t len);
bool run_write(pid_t tid, uint64_t at, const void *bytes, size_t len);
/* As accept and getsockname hand out an address: at most *len_at bytes of it, then its full length. */
bool run_write_addr(pid_t tid, uint64_t at, uint64_t len_at, const void *bytes, size_t len);

/* table.c */
struct run_socket *run_socket_find(struct run *run, uint64_t ino);
void run_socket_add(struct run *run, uint64_t ino, bool stream);
void run_socket_remove(struct run *run, uint64_t ino);
/* NULL: no memory. */
struct run_pending *run_pending_add(struct run *run, const struct run_trap *t);
struct run_pending *run_pending_find(struct run *run, uint64_t id);
/* Whether the lab has yet to answer a request of this thread. */
bool run_pending_of(const struct run *run, pid_t tid);
void run_pending_remove(struct run *run, struct run_pending *p);
/* Drops those whose caller is gone, answers those whose time is over. */
void run_pending_check(struct run *run, yeon_time now);
void run_tables_free(struct run *run);

/* trap.c */
void run_trap(struct run *run, struct run_program *p);
/* Whether whoever is stopped there is still stopped there. */
bool run_alive(const struct run_program *p, uint64_t cookie);
/* The call's result. False: it never got it, because a signal came first. */
bool run_respond(const struct run_program *p, uint64_t cookie, int64_t value);
void run_continue(const struct run_program *p, uint64_t cookie);
/* A request to the lab for this trap; the answer comes to answer.c. head: kind, arg, flags, len. */
void run_ask(struct run_trap *t, struct lab_message *head, const void *payload);
/* The same for a call that may wait, as long as SO_RCVTIMEO or SO_SNDTIMEO (option) says; then it gives timeout_errno. */
void run_ask_patiently(struct run_trap *t, struct lab_message *head, const void *payload, int option, int timeout_errno);

/* answer.c */
/* What the lab says. Closes fd (-1: none). */
void run_letter(struct run *run, const struct lab_letter *letter, int fd);

/* dgram_calls.c: calls on UDP sockets that carry an address. */
void run_dgram_send(struct run_trap *t);
/* The bytes that a sendto or sendmsg is to send, at most len. How many, or a negative errno. */
int64_t run_message_bytes(const struct run_trap *t, void *out, size_t len);
void run_dgram_recv(struct run_trap *t);
void run_dgram_readable(struct run *run, struct run_pending *p);
/* The error that waits at the head of a UDP socket as an empty datagram is told: it goes. */
void run_dgram_told(int fd);
void run_dgram_sent(struct run *run, struct run_pending *p, int32_t result);
/* dgram_control.c: what recvmsg tells of a datagram sent to `to`, into RUN_CONTROL bytes, at most `room` bytes; how many. flags: MSG_CTRUNC is added. */
size_t run_control_emit(uint8_t *out, size_t room, unsigned info, const uint8_t to[16], int32_t *flags);
/* Whether sendmsg may take these; else which not. */
bool run_control_check(const uint8_t *bytes, size_t len, int *level, int *type);

/* fastopen_calls.c */
void run_fastopen(struct run_trap *t);
/* The connect has succeeded: the bytes, into fd. How many, or a negative errno. */
int64_t run_fastopen_send(struct run *run, const struct run_pending *p, int fd);

#endif
