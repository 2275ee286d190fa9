/* Explicit congestion notification, as the rest of TCP sees it: a call where a segment is made, one where it arrives, one where it acknowledges,
 * each only for connections that use ECN. ecn.c has the negotiation and the classic echo (RFC 3168), accecn.c the counters (RFC 9768). */
#ifndef TCP_ECN_H
#define TCP_ECN_H

#include "tcp/internal.h"
#include "wire/ipv4.h"

enum tcp_ecn_mode {
  TCP_ECN_OFF,
  TCP_ECN_ASKED_CLASSIC, /* our SYN asked for it */
  TCP_ECN_ASKED_ACCURATE,
  TCP_ECN_CLASSIC,
  TCP_ECN_ACCURATE
};

/* struct tcp_ecn.flags */
#define TCP_E_ECHO (1u << 0)         /* classic: acknowledgments carry ECE until CWR comes */
#define TCP_E_CWR_DUE (1u << 1)      /* classic: the next new data carries CWR */
#define TCP_E_NOT_CAPABLE (1u << 2)  /* nothing of ours is sent as ECN-capable any more */
#define TCP_E_DEAF (1u << 3)         /* AccECN: what the peer feeds back is not believed */
#define TCP_E_GREET (1u << 4)        /* AccECN: the next pure ACK tells how the SYN-ACK arrived */
#define TCP_E_GREETED (1u << 5)      /* AccECN: the next pure ACK from the peer does so */
#define TCP_E_CHECKED (1u << 6)      /* AccECN: the first feedback after the handshake has been looked at */
#define TCP_E_LAST_CE (1u << 7)      /* AccECN: the segment before was marked */
#define TCP_E_SAW_OPTION (1u << 8)   /* AccECN: the peer's options reach us */
#define TCP_E_NO_OPTION (1u << 9)    /* AccECN: ours seem to be what segments are lost for */
#define TCP_E_BAD_OPTION (1u << 10)  /* AccECN: the peer's are mangled */
#define TCP_E_OPTION_SENT (1u << 11) /* AccECN: the last segment had one */
#define TCP_E_REDUCED (1u << 12)     /* reduced_at is valid: what was sent before it has been answered for */
#define TCP_E_BY_MARK (1u << 13)     /* with TCP_E_REDUCED: for marks, not for a loss */

/* Of a connection that uses ECN, or asks for it: from its SYN to its end. */
struct tcp_ecn {
  uint8_t mode;      /* enum tcp_ecn_mode */
  uint8_t codepoint; /* enum wire_ecn: of the peer's latest SYN or SYN-ACK */
  uint16_t flags;
  uint32_t reduced_at;   /* snd_max when the window was last reduced; with TCP_E_REDUCED */
  uint32_t arrived_ce;   /* segments that came marked: r.cep less its initial value (RFC 9768 3.2) */
  uint32_t told_ce;      /* segments of ours of which the peer told that: s.cep likewise */
  uint32_t arrived[3];   /* payload bytes by enum wire_accecn, less the initial values: r.e0b, r.ceb, r.e1b */
  uint32_t told[3];      /* s.e0b, s.ceb, s.e1b */
  uint16_t acks_average; /* segments that an acknowledgment covers, moving average, in 64ths; 0: none yet */
  uint8_t fed;           /* low bits of arrived_ce at the last segment sent */
  uint8_t changed, ever; /* bit per counter of `arrived`: changed since the last option; changed ever */
  uint8_t options_due;   /* this many more segments get an option whether or not a counter changed */
  uint8_t told_then;     /* low bits of told_ce when the peer's last option came */
  uint8_t repeats;       /* segments in a row that repeat what an option of ours acknowledged */
};

#define TCP_ACCECN_FIRST 5u /* where the counters of marked segments begin (RFC 9768 3.2.1) */

/* What a half-open connection remembers, in record.ecn. */
#define TCP_HE_CLASSIC 1u
#define TCP_HE_ACCURATE 2u
#define TCP_HE_CODEPOINT(bits) ((bits) >> 2 & 3u) /* of the latest SYN */
#define TCP_HE_NOT_CAPABLE 16u                    /* a SYN came, or a SYN-ACK left, that does not speak of ECN */
#define TCP_HE_AGAIN 32u                          /* the SYN came again */

static inline struct tcp_ecn *tcp_ecn(const struct yeon_tcp *c) { return pool_at(&c->t->ecns, c->record.ecn); }

/* ecn.c: opening */
/* What the answer to this SYN is to be: TCP_HE_*; 0: no ECN. */
uint32_t tcp_ecn_offered(const struct yeon_tcp_options *o, const struct tcp_segment *s);
/* Before the first SYN: asks, if the options want it and there is memory. */
void tcp_ecn_ask(struct yeon_tcp *c);
void tcp_ecn_fill_syn(struct yeon_tcp *c, struct tcp_out *out);
/* Also moves to an answer without ECN when those before were lost. */
void tcp_ecn_fill_syn_ack(struct tcp *t, struct tcp_half_open *h, struct tcp_out *out);
/* The three flags of an acknowledgment of its. */
unsigned tcp_ecn_half_open_ace(const struct tcp_half_open *h);
/* The SYN of a half-open connection came again. False: it contradicts the first (RFC 9768 3.1.5). */
bool tcp_ecn_syn_again(const struct tcp_in *in, struct tcp_half_open *h);
/* The peer's SYN, or SYN-ACK (answer), of a connection that we opened. */
void tcp_ecn_take_syn(const struct tcp_in *in, struct yeon_tcp *c, bool answer);
/* A SYN-ACK in a state beyond: sent again, or of a simultaneous open. */
void tcp_ecn_syn_ack_again(const struct tcp_in *in, struct yeon_tcp *c);
/* The half-open connection becomes one. False: no memory. */
bool tcp_ecn_accept(struct yeon_tcp *c, const struct tcp_half_open *h);
void tcp_ecn_drop(struct yeon_tcp *c);
/* RFC 9768 5.1: a cookie remembers nothing of ECN, but the accurate kind shows in the acknowledgment. */
void tcp_ecn_fill_cookie(const struct tcp_in *in, struct tcp_out *out);
uint32_t tcp_ecn_of_cookie(const struct tcp_in *in);

/* ecn.c: all the rest is called only when record.ecn is not 0. */
/* Flags, codepoint and option of a segment that is otherwise complete. */
void tcp_ecn_fill(struct yeon_tcp *c, struct tcp_out *out);
void tcp_ecn_fill_reset(const struct yeon_tcp *c, struct tcp_out *out);
/* An acceptable segment, its acknowledgment believed. */
void tcp_ecn_received(const struct tcp_in *in, struct yeon_tcp *c);
/* What its acknowledgment tells of marks; sets news->marked. */
void tcp_ecn_on_ack(const struct tcp_in *in, struct yeon_tcp *c, struct tcp_news *news);
/* The window was reduced: for whatever reason, what is in flight now has been answered for. */
void tcp_ecn_reduced(struct yeon_tcp *c);
/* It was a mistake, and has been taken back. */
void tcp_ecn_undone(struct yeon_tcp *c);
/* All of what is in flight was answered for by a reduction for marks. */
bool tcp_ecn_has_reduced(const struct yeon_tcp *c);
/* Marks in what was in flight: reduces the window, once a round trip. */
void tcp_ecn_react(struct yeon_tcp *c, uint32_t marked, yeon_time now);
/* The next segments may not be made as one super-segment: they would carry CWR. */
static inline bool tcp_ecn_one_by_one(const struct yeon_tcp *c)
{
  if (c->record.ecn == 0) return false;
  const struct tcp_ecn *e = tcp_ecn(c);
  if (e->mode == TCP_ECN_ACCURATE) return ((e->arrived_ce + TCP_ACCECN_FIRST) & 2) != 0;
  return (e->flags & TCP_E_CWR_DUE) != 0;
}
/* It tells of marks no more (options.ecn_leaves_orphans). */
bool tcp_ecn_left(const struct yeon_tcp *c);
/* The three flags as they are to be on any segment; 0 without ECN. */
unsigned tcp_ecn_ace(const struct yeon_tcp *c);

/* accecn.c */
void tcp_accecn_fill(struct yeon_tcp *c, struct tcp_out *out, bool fresh);
void tcp_accecn_received(const struct tcp_in *in, struct yeon_tcp *c);
void tcp_accecn_on_ack(const struct tcp_in *in, struct yeon_tcp *c, struct tcp_news *news);
/* The client: right after the handshake, before any data. */
void tcp_ecn_greet(struct yeon_tcp *c, yeon_time now);
/* The three flags that tell how a SYN or SYN-ACK arrived (RFC 9768 3.1.2, table 2; 3.2.2.1, table 3). */
unsigned tcp_accecn_handshake(unsigned codepoint);
void tcp_accecn_take_option(struct tcp_ecn *e, const struct wire_tcp *h, bool first);
/* The option of a SYN-ACK. */
void tcp_accecn_first_option(const struct yeon_tcp_options *o, struct wire_tcp *h);
/* Option bytes of the next segment, that would have `bytes` of them with `blocks` SACK blocks among them. */
uint32_t tcp_accecn_options(const struct yeon_tcp *c, unsigned blocks, uint32_t bytes);

#endif
