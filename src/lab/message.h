/* What a supervisor and a lab say to one another: SEQPACKET messages, a fixed head and a payload, file descriptors beside it. Both ends are the
 * same program on the same machine, so the head is a struct as it lies in memory; `version` catches two builds that meet. */
#ifndef LAB_MESSAGE_H
#define LAB_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LAB_VERSION 5u
#define LAB_PAYLOAD 98304u /* bytes at most: a datagram of 65,535 bytes and its address */

enum lab_kind {
  /* from the supervisor; every one but FILLED, RETURN and CANCEL is answered with the same kind and id */
  LAB_HOSTS,    /* -> payload: lines for a hosts file; with id 0 unasked, when they have changed */
  LAB_PROGRAM,  /* payload: host name, 0, program name, 0; arg[0]: pid -> program: its number */
  LAB_SOCKET,   /* arg: domain, type, protocol, pid -> a descriptor, ino */
  LAB_BIND,     /* payload: sockaddr */
  LAB_CONNECT,  /* payload: sockaddr */
  LAB_LISTEN,   /* arg[0]: backlog */
  LAB_ACCEPT,   /* arg[0]: pid -> a descriptor, ino, payload: the peer's sockaddr; arg[0]: knocks to take (see accept.c) */
  LAB_SHUTDOWN, /* arg[0]: how -> arg[0]: how the pair is to be shut down; -1: not */
  LAB_SOCKNAME, /* -> payload: sockaddr */
  LAB_PEERNAME,
  LAB_SETOPT,   /* arg: level, name; payload: value -> arg[0]: LAB_INFO_ bits */
  LAB_GETOPT,   /* arg: level, name, size -> payload: value */
  LAB_SENDTO,   /* arg[0]: bytes of sockaddr at the start of the payload (0: none), the datagram behind them; arg[1]: flags of the call
                   -> arg[0] 1: the result is an error that waited */
  LAB_FILLED,   /* arg[0]: bytes of filling that now stand in the pair (see stream.c) */
  LAB_RETURN,   /* a descriptor: an accepted connection that could not be delivered; without: arg[0] says of which call the result was lost */
  LAB_CANCEL,   /* id: of a request nobody waits for any more */
  LAB_COMMAND,  /* payload: words, each with its terminator -> payload: text, result: status; LAB_MORE: the text goes on */
  LAB_WATCH,    /* payload: words, a descriptor to write to -> arg[0] 1: begun (result 0) or told why not; once more with arg[0] 0 at its end.
                   No words: all of this client's end, each answers, and this too */
  LAB_DRAIN,    /* answered once no connection of the lab is open any more, or when that takes too long */
  /* from the lab, unasked */
  LAB_POISON,   /* write a byte into the program's end of ino, then answer: see failure in stream.c */
  LAB_GONE,     /* ino is forgotten */
  LAB_WIDEN,    /* give the program's end of ino a buffer of arg[0] bytes: it was small while it was filled, or moves much */
  LAB_KINDS
};

/* Requests. */
#define LAB_NONBLOCK 0x01u /* the call must not wait */
#define LAB_FASTOPEN 0x04u /* connect: bytes follow at once */
#define LAB_AGAIN 0x02u    /* the same thread asks again: a signal kept it from the result of the request before */
/* Answers. */
#define LAB_CONTINUE 0x10u /* let the kernel do the call on the pair itself */
#define LAB_FILL 0x20u     /* connect: in progress; fill the pair and say so */
#define LAB_MORE 0x40u

struct lab_message {
  uint32_t version;
  uint32_t kind;    /* enum lab_kind */
  uint64_t id;      /* chosen by who asks */
  uint64_t ino;     /* of the program's end of a pair: which socket */
  int32_t result;   /* answers: >= 0, or a negative errno */
  uint32_t flags;
  uint32_t program; /* number from LAB_PROGRAM */
  uint32_t len;     /* payload bytes */
  int32_t arg[4];
};

/* getsockopt with this level, asked by the preloaded helper: an error that is not yet told. */
#define LAB_LEVEL_ERROR 0x7965

/* What recvmsg of a socket tells beside the sender: bits of LAB_SETOPT's answer. */
#define LAB_INFO_4 0x1u /* IP_PKTINFO */
#define LAB_INFO_6 0x2u /* IPV6_RECVPKTINFO */

/* What the token of a datagram holds; see dgram.c. */
struct lab_token {
  int32_t error;     /* an errno: it is no datagram; 0 */
  uint32_t from_len;
  uint8_t from[28];  /* a sockaddr */
  uint8_t to[16];    /* as in struct yeon_ip */
};

/* A message with room for its payload. */
struct lab_letter {
  struct lab_message head;
  uint8_t payload[LAB_PAYLOAD];
};

/* 0, or a negative errno. fd -1: none. Never waits for longer than the other end takes to read. */
int lab_message_send(int socket, const struct lab_message *head, const void *payload, int fd);
/* 1: one came; 0: the other end is gone; -EAGAIN; -EPROTO: nonsense or another version. *fd is a descriptor that came with it (the caller's), or -1. */
int lab_message_receive(int socket, struct lab_letter *letter, int *fd);

#endif
