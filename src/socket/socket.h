/* The loop and its table of sockets, as the files of this room share them. */
#ifndef SOCKET_SOCKET_H
#define SOCKET_SOCKET_H

#include <yeon/socket.h>

#define SOCKET_OWNER 32
#define SOCKET_FRAMES 32 /* moved at once */

struct socket {
  struct yeon_tcp *tcp; /* one of the two is set */
  struct yeon_udp *udp;
  void *user;                             /* of yeon_watch */
  struct socket *ready_next, *ready_prev; /* in the loop's ring of sockets that may be ready; NULL: not in it */
  int number;                             /* in the table */
  uint32_t watch;                         /* mask wanted by yeon_wait; 0: not watched */
  int64_t rcv_timeout_ms, snd_timeout_ms; /* 0: none */
  uint8_t domain;                         /* enum yeon_domain */
  bool nonblock, listening;
  char owner[SOCKET_OWNER];
};

/* A link at a host. */
struct socket_port {
  struct yeon_link *link;
  struct yeon_host *host;
  unsigned number; /* of the link at the host */
};

struct yeon_loop {
  struct yeon_loop_config config; /* owner points to `owner` */
  char owner[SOCKET_OWNER];
  int pid;
  struct yeon_host *hosts[YEON_LOOP_HOSTS];
  unsigned n_hosts;
  struct socket_port ports[YEON_LOOP_LINKS];
  unsigned n_ports;
  struct socket **table;        /* by number; NULL: free */
  uint32_t *free_numbers;       /* a stack; as large as the table */
  uint32_t n_free, cap, n_used; /* n_used: numbers ever given out */
  struct socket ready;          /* head of the ring */
  int epoll_fd, timer_fd;       /* -1: nobody asked for yeon_loop_fd */
  yeon_time timer_at;           /* what timer_fd is set to; YEON_NEVER: off */
  struct yeon_frame frames[SOCKET_FRAMES];
};

/* loop.c */
bool loop_has_host(const struct yeon_loop *loop, const struct yeon_host *host); /* a foreign host would never be driven */
yeon_time loop_deadline(const struct yeon_loop *loop, int64_t timeout_ms); /* < 0: YEON_NEVER */
/* One round: frames in, frames out, reports taken. Whether anything moved. */
bool loop_turn(struct yeon_loop *loop);
/* Only out: after a call that may have made something to send. */
void loop_flush(struct yeon_loop *loop);
/* A round, or, if there is nothing to do, sleep until there is, at most until `deadline`. 1: go and look; 0: deadline
 * or signal; or an error. */
int loop_wait(struct yeon_loop *loop, yeon_time deadline);
/* When the loop must run again: <= now at once. */
yeon_time loop_next(const struct yeon_loop *loop);
/* embed.c: after calls that changed something without running the loop. */
void loop_touch(struct yeon_loop *loop);
int embed_add(struct yeon_loop *loop, const struct yeon_link *link);
void embed_free(struct yeon_loop *loop);

/* table.c */
struct socket *socket_at(const struct yeon_loop *loop, int s); /* NULL: none */
/* A new entry, NULL with *error set. */
struct socket *socket_add(struct yeon_loop *loop, int *error);
void socket_remove(struct yeon_loop *loop, struct socket *s);
void socket_set_ready(struct yeon_loop *loop, struct socket *s);
void socket_clear_ready(struct socket *s);
void socket_table_free(struct yeon_loop *loop);
/* What holds now. */
uint32_t socket_level(const struct socket *s);
/* The socket a user pointer of an endpoint stands for; NULL: none. */
struct socket *socket_of_user(const struct yeon_loop *loop, void *user);
void socket_adopt(struct socket *s);

#endif
