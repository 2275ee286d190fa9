/* TCP Fast Open (RFC 7413), which lives in four files: fastopen.c (the server's side), fastopen_client.c, fastopen_cookie.c (what a cookie is),
 * fastopen_cache.c (what other hosts told). Included by internal.h. */
#ifndef TCP_FASTOPEN_H
#define TCP_FASTOPEN_H

/* What a listener that takes data from SYNs keeps (fastopen.c). */
struct tcp_fastopen {
  uint32_t limit;                       /* connections of that kind in SYN-RECEIVED at once; 0: none are made */
  uint32_t pending;                     /* so many there are */
  uint32_t reset_now, reset_before;     /* ended by a reset within this period and the one before: they still count (RFC 7413 5.1) */
  yeon_time reset_at;                   /* when this period began */
  struct tcp_cookie_keys keys;          /* n 0: the host's */
};

/* fastopen.c: RFC 7413, the server's side */
enum tcp_fastopen_form { TCP_FASTOPEN_NONE, TCP_FASTOPEN_OPTION, TCP_FASTOPEN_EXPERIMENT };
/* A SYN for this listener, before any record is made for it. True: it has made a connection at once. Else *offer says whether the SYN-ACK is to give
 * a cookie. */
bool tcp_fastopen_take(struct tcp_in *in, struct yeon_tcp *listener, uint32_t iss, enum tcp_fastopen_form *offer);
/* Puts a fresh cookie on a SYN-ACK. */
void tcp_fastopen_give(const struct tcp *t, const struct yeon_tcp *listener, const struct tcp_key *key, enum tcp_fastopen_form form,
                       struct wire_tcp *h);
/* A SYN-ACK of a connection: the cookie it is to give, if any. */
void tcp_fastopen_on_syn_ack(const struct yeon_tcp *c, struct wire_tcp *h);
/* The SYN of a connection in SYN-RECEIVED came again: its SYN-ACK is due again. */
bool tcp_fastopen_syn_again(struct tcp_in *in, struct yeon_tcp *c);
/* The handshake of a connection is over, one way or the other. */
void tcp_fastopen_over(struct yeon_tcp *c, bool by_reset, yeon_time now);
/* Passive, still in its handshake, and open to the application already. */
static inline bool tcp_is_early(const struct yeon_tcp *c)
{
  return c->state == YEON_TCP_SYN_RECEIVED && (c->flags & TCP_F_PASSIVE) != 0 && (c->flags2 & TCP_G_FASTOPEN) != 0;
}
/* c->extra->fastopen, made when there is none; NULL: no memory. */
struct tcp_fastopen *tcp_fastopen_of(struct yeon_tcp *c);
void tcp_fastopen_free(struct yeon_tcp *c);
/* fastopen_cookie.c */
void tcp_cookie_keys_make(struct tcp *t);
#define TCP_COOKIE_SIZE 8
void tcp_fastopen_cookie(const struct tcp *t, const struct hash_key *key, const struct tcp_key *conn, uint8_t out[TCP_COOKIE_SIZE]);
/* Which of the keys made this cookie; -1: none. */
int tcp_fastopen_check(const struct tcp *t, const struct tcp_cookie_keys *keys, const struct tcp_key *conn, const struct wire_tcp *h);
/* fastopen_client.c */
/* The SYN leaves for the first time: puts the option on it; bytes of data it is to carry. */
uint32_t tcp_fastopen_on_syn(struct yeon_tcp *c, struct wire_tcp *h, yeon_time now);
/* The SYN-ACK; before snd_una moves. */
void tcp_fastopen_on_answer(struct yeon_tcp *c, const struct wire_tcp *h, yeon_time now);
/* Data of the SYN from `taken` on was not taken, and goes again at once. */
void tcp_fastopen_resend(struct yeon_tcp *c, uint32_t taken);
/* The retransmission timer has expired; last: nothing will be sent again. */
void tcp_fastopen_on_timeout(struct yeon_tcp *c, bool last, yeon_time now);
/* The path does not take what we tried. */
void tcp_fastopen_refused(struct yeon_tcp *c, yeon_time now);
/* fastopen_cache.c: what servers told, by the pair of addresses */
struct tcp_server_note {
  struct yeon_ip remote;
  uint16_t local;        /* index */
  uint16_t mss;          /* it announced; 0: not known */
  uint32_t used_s;       /* seconds since the epoch + 1; 0: nothing in this place */
  uint32_t refused_s;    /* the path is not to be tried before, seconds since the epoch; 0: it may */
  uint16_t refused_port; /* of the server, there */
  uint8_t form;          /* enum tcp_fastopen_form that it spoke; NONE: not known */
  uint8_t try_form;      /* without a cookie: the form to ask in */
  uint8_t n_cookie;      /* bytes; 0: none */
  uint8_t cookie[WIRE_TCP_COOKIE_MAX];
};
/* NULL: nothing known. */
const struct tcp_server_note *tcp_server_find(const struct tcp *t, const struct tcp_key *key);
/* Made if need be, in place of the one not used for longest; NULL: no memory. */
struct tcp_server_note *tcp_server_note(struct tcp *t, const struct tcp_key *key, yeon_time now);
void tcp_server_cache_free(struct tcp *t);

#endif
