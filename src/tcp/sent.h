/* Records of what was sent and is not acknowledged: the sender's scoreboard. How it works stands in sent.c. */
#ifndef TCP_SENT_H
#define TCP_SENT_H

#include <yeon/tcp.h>

#include "base/ring.h"
#include "base/seq.h"

enum tcp_sent_flag {
  TCP_SENT_SACKED = 1,      /* the peer has told of it; then neither LOST nor RESENT */
  TCP_SENT_LOST = 2,        /* judged lost: the copy, or all copies, before the one that RESENT stands for */
  TCP_SENT_RESENT = 4,      /* the last copy is not the first, and counts as in the network */
  TCP_SENT_EVER_RESENT = 8, /* an acknowledgment does not tell which copy arrived (Karn) */
  TCP_SENT_APP_LIMITED = 16, /* the application, not the windows, had limited the rate when it left */
  TCP_SENT_PUSHED = 32 /* its last byte left with PSH; kept where PSH is to be the same on a copy (push.c) */
};

/* One transmission unit: a segment or a super-segment, or the part of one that an edge of a SACK block has cut off. It ends where the next begins. */
struct tcp_sent {
  yeon_time sent_at;       /* last copy */
  yeon_time delivered_at;  /* for the rate sample: when the `delivered` bytes had arrived */
  yeon_time first_sent_at; /* likewise: when the first byte of that sample's flight had left */
  uint32_t seq;
  uint32_t delivered;    /* bytes of the connection known to have arrived when it left, modulo 2^32 */
  uint32_t tx_in_flight; /* bytes in the network when it had left */
  uint32_t lost;         /* bytes of the connection judged lost when it left, modulo 2^32 */
  uint8_t flags;         /* enum tcp_sent_flag */
  uint16_t segs;         /* SACKED: how many full segments that is, at least 1; 65535: that or more */
};

struct tcp_sents {
  struct ring *block; /* the records, a ring of `cap`; NULL: none yet */
  uint32_t first, n, cap;
  uint32_t end;                  /* of the newest */
  uint32_t sacked, lost, resent; /* bytes with that flag */
  uint32_t due;                  /* bytes LOST and not RESENT: to be sent again */
  uint32_t due_from;             /* nothing below it is due; with due > 0 */
  uint32_t ever_lost;            /* bytes judged lost since busy was borrowed, those of copies too, modulo 2^32 */
  uint32_t top;                  /* after the highest byte SACKED; with sacked > 0 */
  uint32_t sacked_segs;          /* sum of segs */
};

/* For rate samples, where the algorithm wants them. */
struct tcp_rate {
  yeon_time delivered_at;  /* when the last bytes were known to have arrived; 0: nothing sent yet */
  yeon_time first_sent_at; /* when the newest of those left */
  uint32_t app_limited_until; /* what leaves is app-limited until so much is delivered, modulo 2^32; 0: is not */
};

/* What one acknowledgment has told, gathered on the way through ack.c. */
struct tcp_news {
  uint32_t acked;      /* bytes that the acknowledgment number covers anew, SYN and FIN among them */
  uint32_t fresh;      /* of them, those that were not told of before */
  uint32_t sacked;     /* bytes newly told of by SACK blocks */
  uint32_t lost;       /* bytes newly judged lost */
  uint32_t marked;     /* of what newly arrived, bytes that met congestion on their way (ECN) */
  uint32_t top;        /* struct tcp_sents.top before it; with told */
  bool told;           /* something was SACKED before it */
  struct tcp_sent newest; /* its record, as far as it was not acknowledged before; with any */
  yeon_time newest_at; /* of what was delivered, when the last to leave left; with any */
  uint32_t newest_end; /* and where it ends */
  yeon_time last_at;   /* when the last of what was delivered left, in the order of the acknowledgment; with any */
  bool any;            /* a record was delivered, a whole segment of it at least, and it is known by which copy */
  bool newest_again;   /* the newest had been sent more than once */
  bool reordered;      /* something sent once arrived after something sent later, */
  uint32_t behind;     /* and that many bytes behind the highest that had, at most; with reordered */
  bool original;       /* something sent once arrived that had left before `recover` */
  bool copy;           /* and something of which copies had left */
  bool dsack;          /* the first block repeats what had arrived (RFC 2883): */
  uint32_t dsack_left, dsack_right;
  bool echoed;         /* it echoes a timestamp: */
  uint32_t echo;
  bool waits;          /* the reordering timer was set for what may yet arrive */
  bool pure;           /* neither text nor a new window came with it */
  yeon_time now;
};

struct yeon_tcp;

/* The i-th from the oldest, i < n. */
static inline struct tcp_sent *tcp_sent_at(const struct tcp_sents *s, uint32_t i)
{
  uint32_t k = s->first + i;
  return (struct tcp_sent *)(void *)s->block->data + (k < s->cap ? k : k - s->cap);
}
static inline uint32_t tcp_sent_end(const struct tcp_sents *s, uint32_t i)
{
  return i + 1 < s->n ? tcp_sent_at(s, i + 1)->seq : s->end;
}
/* Room for what sending one more segment may need. False: no memory, and the connection is marked as starved. */
bool tcp_sent_reserve(struct yeon_tcp *c);
/* [seq, end) leaves: what is new of it gets a record, what was sent before counts as RESENT. After tcp_sent_reserve, before snd_max moves. */
void tcp_sent_note(struct yeon_tcp *c, uint32_t seq, uint32_t end, yeon_time now);
/* Everything below ack has arrived. */
void tcp_sent_ack(struct yeon_tcp *c, uint32_t ack, struct tcp_news *news);
/* The peer tells that it has [left, right), within (snd_una, snd_max]. */
void tcp_sent_sack(struct yeon_tcp *c, uint32_t left, uint32_t right, struct tcp_news *news);
/* What the peer does not have of [left, right) and was not lost yet is lost now; also the copies of it, if `copies`. Bytes. */
uint32_t tcp_sent_lose(struct yeon_tcp *c, uint32_t left, uint32_t right, bool copies);
/* The record i is lost, and so are its copies. */
void tcp_sent_lose_record(struct yeon_tcp *c, uint32_t i);
/* Nothing is lost after all. */
void tcp_sent_find_again(struct yeon_tcp *c);
/* RFC 2018 section 8: none of the peer's blocks is believed any more. */
void tcp_sent_forget_sacks(struct yeon_tcp *c);
/* Did the peer tell of the very byte that its acknowledgment asks for? */
bool tcp_sent_reneged(const struct yeon_tcp *c);
/* RFC 6675 section 4, IsLost, as a limit: what is not SACKED below it is lost. snd_una when nothing is. */
uint32_t tcp_sent_lost_below(const struct yeon_tcp *c);
/* The first stretch at or after `from` that carries all of `with` and none of `without` (flags), at most `most` bytes. False: none. */
bool tcp_sent_find(const struct yeon_tcp *c, uint32_t from, uint8_t with, uint8_t without, uint32_t most, uint32_t *seq,
                   uint32_t *len);
/* Did what ends here leave with PSH? */
bool tcp_sent_pushed(const struct yeon_tcp *c, uint32_t end);
/* The newest has. */
void tcp_sent_push(struct yeon_tcp *c);
/* Gives the records back. */
void tcp_sent_release(struct yeon_tcp *c);

#endif
