/* Sockets of programs, as the lab holds them. A socket is the lab's end of an AF_UNIX pair whose other end the program has: a stream pair for
 * TCP, a SEQPACKET pair for UDP (message boundaries, and unlike a datagram pair it tells when the other end is closed). Its name is the inode number
 * of the program's end, which stays the same through dup, fork, exec and SCM_RIGHTS. */
#ifndef LAB_SOCKETS_H
#define LAB_SOCKETS_H

#include "lab/lab.h"
#include "lab/sockaddr.h"

#define LAB_TOMBS 4096   /* failed sockets whose error is remembered */
#define LAB_SOURCES 8    /* tokens of a UDP socket's latest senders */

enum lab_state {
  LAB_NEW,        /* made, perhaps bound */
  LAB_OPENING,    /* TCP: connect has succeeded, and the connection begins with the first bytes (fastopen.c) */
  LAB_CONNECTING, /* TCP */
  LAB_LISTENING,
  LAB_CONNECTED,
  LAB_FAILING,    /* the connection failed; the program's end is being told, see fail.c */
  LAB_TOMB,       /* failed, the pair's end closed: only the error is left */
  LAB_CLOSED      /* the program has closed; freed at the end of the turn */
};

/* A request that waits for something to happen at a socket. */
struct lab_wait {
  struct lab_wait *next;
  struct lab_client *client;
  uint64_t id;
  uint32_t kind; /* LAB_CONNECT, LAB_ACCEPT */
  int pid;       /* LAB_ACCEPT: who will have it */
};

/* The value of an option that makes no difference here. */
struct lab_kept {
  struct lab_kept *next;
  const struct lab_option *option;
  int value;
};

/* A sender of datagrams and the descriptor that stands for it (see dgram.c). */
struct lab_source {
  struct yeon_addr addr; /* the sender's */
  struct yeon_ip to;
  int fd; /* -1: free */
};

struct lab_option;

struct lab_socket {
  struct lab *lab;
  struct lab_socket *hash_next, *ready_next, *dead_next, *tomb_next;
  uint64_t ino;
  int fd;               /* our end; -1: closed */
  uint8_t state;        /* enum lab_state */
  bool stream, six;     /* TCP or UDP; AF_INET6 or AF_INET */
  bool on_ready;
  bool bulk;            /* its program wrote much the last time */
  bool wide_out, wide_in; /* the pair's buffer from the program, to it, has grown with TCP's */
  bool can_read, can_write; /* the pair, as far as we know: set by an edge, cleared by EAGAIN */
  bool ending;          /* it has at least shut its writing side: read on to the end */
  bool deaf;            /* it has shut its reading side */
  bool poison_asked;    /* see fail.c */
  bool hung_up;         /* the program has closed or shut its end, in whole */
  bool unread;          /* it had not read all */
  bool eof_read;        /* it will write no more */
  bool eof_written;     /* it was told that the peer will write no more */
  bool filling;         /* we asked for filling and do not know yet how much it is */
  bool told;            /* the program has had the result of connect */
  uint32_t lost;        /* enum lab_kind of a call whose result a signal kept from the program, which will make it again; 0: none */
  bool connected;       /* UDP: has a peer */
  bool fastopen;        /* TCP_FASTOPEN_CONNECT */
  bool by_data;         /* opened by bytes: they are to arrive though the program may have gone */
  uint8_t n_fastopen_key, fastopen_key[2 * YEON_FASTOPEN_KEY_SIZE]; /* as set; 0 bytes: not */
  struct yeon_addr to;  /* LAB_OPENING: where to */
  uint32_t filled;      /* bytes of filling still to be read from the pair */
  uint32_t knocks;      /* listener: bytes in the pair, one for each waiting connection */
  int error;            /* errno that SO_ERROR gives, 0: none */
  int cause;            /* errno the connection died of; stays */
  uint32_t program;
  int pid;              /* of the process that made or accepted it */
  unsigned host;
  struct yeon_tcp *tcp; /* NULL: UDP, or over */
  struct yeon_addr was; /* over: its local address, which getsockname goes on to give */
  struct yeon_udp *udp;
  struct lab_wait *waits;
  uint8_t *left;        /* read from the program and not yet taken by TCP */
  uint32_t left_len, left_at;
  int sndbuf, rcvbuf;   /* what the program asked for, doubled; 0: nothing */
  int keep_idle_s, keep_interval_s; /* as set; 0: not */
  struct lab_kept *kept;
  unsigned info;              /* LAB_INFO_ */
  struct lab_source *sources; /* LAB_SOURCES, UDP only; NULL: none yet */
  unsigned next_source;
  struct lab_socket *returned, *returned_next; /* listener: accepted ones that came back */
  uint64_t listener;    /* accepted: ino of the listener it came from; 0: none */
  int program_fd;       /* of a returned one: its program's end; else -1 */
};

/* sockets.c */
/* A pair of its own: *program_fd is the program's end, the caller's to send and close. NULL: *error is an errno. */
struct lab_socket *lab_socket_new(struct lab *lab, bool stream, bool six, unsigned host, int *program_fd, int *error);
struct lab_socket *lab_socket_find(struct lab *lab, uint64_t ino);
/* Closes our end and forgets it, with what waits for it; stack endpoints must be gone. */
void lab_socket_free(struct lab_socket *s);
/* The pair's end is closed, the error stays to be asked for. */
void lab_socket_bury(struct lab_socket *s);
/* It has something to do: looked at by the pump. */
void lab_socket_ready(struct lab_socket *s);
/* What the pairs have to tell. Whether there may be more. */
bool lab_sockets_poll(struct lab *lab);
/* Closes UDP sockets whose programs have closed them and whose last datagrams still wait for the cable: their ports are wanted. Whether there were any. */
bool lab_sockets_hurry(struct lab *lab);
/* Frees what died in this turn. */
void lab_sockets_reap(struct lab *lab);
void lab_sockets_close(struct lab *lab);
void lab_socket_each(struct lab *lab, void (*fn)(void *ctx, struct lab_socket *s), void *ctx);
bool lab_socket_wait(struct lab_socket *s, struct lab_client *client, const struct lab_message *request);
/* Takes the oldest that waits for `kind`; NULL. The caller frees it. */
struct lab_wait *lab_socket_waiter(struct lab_socket *s, uint32_t kind);
void lab_sockets_cancel(struct lab *lab, struct lab_client *client, uint64_t id); /* id 0: all of the client's */
/* Closes all that the programs of this supervisor still have: without it none of their calls would be answered. */
void lab_sockets_abandon(struct lab *lab, struct lab_client *client);
const char *lab_socket_program(const struct lab_socket *s);
static inline int lab_socket_domain(const struct lab_socket *s)
{
  return s->six ? 10 : 2; /* AF_INET6, AF_INET */
}

/* calls.c: what programs ask; answered at once or later. */
void lab_call(struct lab *lab, struct lab_client *client, struct lab_letter *letter, int fd);
/* options.c */
void lab_call_setopt(struct lab_socket *s, struct lab_client *client, const struct lab_letter *letter);
/* What the program's end of the pair is given when the program has set SO_SNDBUF; bytes, doubled by the kernel. */
int lab_pair_sndbuf(const struct lab_socket *s);
void lab_call_getopt(struct lab_socket *s, struct lab_client *client, const struct lab_letter *letter);

/* stream.c: bytes between the pair and TCP. */
void stream_turn(struct lab_socket *s);
/* Bytes of the program for later. */
void stream_keep(struct lab_socket *s, const uint8_t *bytes, size_t len);
/* The connection is about to be reset. What its program had written before, and still stands in the pair, goes into TCP's send buffer as far as that has
 * room: over a kernel it would be there since the write, and what may leave leaves before the reset. */
void stream_last_bytes(struct lab_socket *s);
/* Bytes that have just arrived go to the program at once, if they are many: a yeon_tcp_taker_fn. */
size_t stream_take(void *user, const struct yeon_slice *slices, size_t n_slices);
/* Received bytes go to the program; whether all did. */
bool stream_to_program(struct lab_socket *s);
/* connect.c */
int stream_open(struct lab_socket *s); /* a fresh endpoint; 0 or an errno */
void stream_connect(struct lab_socket *s, struct lab_client *client, const struct lab_letter *letter);
void stream_filled(struct lab_socket *s, uint32_t bytes);
void stream_connect_turn(struct lab_socket *s);
/* SO_SNDBUF of the program's end, which the supervisor alone can set. */
void lab_socket_widen(const struct lab_socket *s, int sndbuf);

/* fastopen.c: errno or 0 */
bool lab_fastopen_can(const struct lab_socket *s); /* the host's profile has a client side of it */
int lab_fastopen_set(struct lab_socket *s, int64_t value);
int lab_fastopen_set_key(struct lab_socket *s, const uint8_t *bytes, size_t len);
/* There is a cookie: connect is to succeed, and the first bytes open the connection. */
bool stream_waits_to_open(struct lab_socket *s, const struct yeon_addr *to);
void stream_open_turn(struct lab_socket *s);
/* accept.c */
void stream_listen(struct lab_socket *s, struct lab_client *client, const struct lab_message *m);
void stream_accept(struct lab_socket *s, struct lab_client *client, const struct lab_message *m);
void stream_return(struct lab_socket *s, int fd);
void stream_accept_turn(struct lab_socket *s);
/* fail.c */
void stream_fail(struct lab_socket *s, int error);
void stream_fail_turn(struct lab_socket *s);
void stream_poisoned(struct lab_socket *s);
/* The program's end is gone. */
void stream_close(struct lab_socket *s);
/* Both directions are shut, perhaps because the program's end is gone, perhaps not: it is closed and remembered. */
void stream_over(struct lab_socket *s);
/* shutdown.c */
void lab_call_shutdown(struct lab_socket *s, struct lab_client *client, const struct lab_message *m);

/* dgram.c */
int dgram_open(struct lab_socket *s);
void dgram_turn(struct lab_socket *s);
void dgram_connect(struct lab_socket *s, struct lab_client *client, const struct lab_letter *letter);
void dgram_sendto(struct lab_socket *s, struct lab_client *client, const struct lab_letter *letter);
void dgram_close(struct lab_socket *s);

#endif
