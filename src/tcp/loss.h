/* What the mechanisms of loss recovery know while bytes are in flight, one struct a mechanism, and what they do; each file says how its own works. */
#ifndef TCP_LOSS_H
#define TCP_LOSS_H

#include "tcp/sent.h"

/* rack.c */
struct tcp_rack {
  yeon_time sent_at; /* of all that arrived, what left last; 0: nothing yet */
  uint32_t end;      /* where that ends */
  uint32_t rtt_us;   /* how long it took */
  uint32_t round;    /* snd_max when a duplicate last widened the window; with in_round */
  bool in_round;
  bool
      found; /* it has judged something lost for which no recovery has begun; what else is LOST is no sign of congestion */
  uint16_t
      reordering; /* most segments that something late was behind; 0: not seen (RFC 8985 does without; tools ask for it) */
  uint16_t reorderings; /* acknowledgments that showed some, modulo 2^16 */
};

/* tlp.c */
struct tcp_tlp {
  uint32_t end; /* snd_max when the probe left; with out */
  bool out;     /* a probe is on its way */
  bool again;   /* it repeats what was sent before */
};

/* prr.c. Bytes, since recovery began. */
struct tcp_prr {
  uint32_t flight; /* in flight when it began; 0: no reduction is going on */
  uint32_t delivered, sent;
};

/* undo.c */
struct tcp_undo {
  uint32_t una;    /* snd_una when the window was reduced; with possible */
  uint32_t resent; /* bytes sent again since, less those reported as duplicates */
  uint32_t ts;     /* our timestamp on the first of them; with any */
  bool possible;   /* the reduction can be taken back */
  bool any;        /* something was sent again */
};

/* frto.c */
enum tcp_frto { TCP_FRTO_OFF, TCP_FRTO_FIRST, TCP_FRTO_SECOND };

struct tcp_in;

/* rack.c. The detector, when SACK is agreed and the options want it. */
bool tcp_rack_on(const struct yeon_tcp *c);
/* What an acknowledgment teaches: the latest delivered, the reordering window. */
void tcp_rack_on_ack(struct yeon_tcp *c, const struct tcp_news *news);
/* Judges what may be lost; starts the reordering timer for what may not yet be. Bytes newly lost. */
uint32_t tcp_rack_detect(struct yeon_tcp *c, yeon_time now);
/* After a time-out: the oldest is lost, and what was sent long enough ago. */
void tcp_rack_on_timeout(struct yeon_tcp *c, yeon_time now);
/* A recovery is over. */
void tcp_rack_on_recovered(struct yeon_tcp *c);
void tcp_on_reorder_timer(struct yeon_tcp *c, yeon_time now);

/* tlp.c. The state of the connection allows a loss probe. */
bool tcp_tlp_wanted(const struct yeon_tcp *c);
/* Starts the timer of the probe: after new bytes have left, or (acked) after an acknowledgment. */
void tcp_tlp_start(struct yeon_tcp *c, bool acked, yeon_time now);
void tcp_on_probe_timer(struct yeon_tcp *c, yeon_time now);
/* A probe has left. */
void tcp_tlp_sent(struct yeon_tcp *c, bool again, yeon_time now);
void tcp_tlp_on_ack(struct yeon_tcp *c, const struct tcp_news *news, yeon_time now);
/* The peer has shown that the probe was a copy too many. */
void tcp_tlp_needless(struct yeon_tcp *c);
/* Keeps what is known of a probe over a rest, and brings it back. */
void tcp_tlp_rest(struct yeon_tcp *c);
void tcp_tlp_wake(struct yeon_tcp *c);

/* prr.c. flight: what congestion control was told. */
void tcp_prr_begin(struct yeon_tcp *c, uint32_t flight);
void tcp_prr_on_ack(struct yeon_tcp *c, uint32_t delivered, bool advanced, bool lost);
void tcp_prr_sent(struct yeon_tcp *c, uint32_t len);
/* The window stays where the reduction aimed at. */
void tcp_prr_end(struct yeon_tcp *c);

/* undo.c. A reduction begins that may turn out to be a mistake. */
void tcp_undo_begin(struct yeon_tcp *c);
/* [seq, seq + len) leaves again. */
void tcp_undo_resent(struct yeon_tcp *c, uint32_t len, yeon_time now);
/* Counts off what the peer reports as a duplicate. */
void tcp_undo_on_dsack(struct yeon_tcp *c, const struct tcp_news *news);
/* RFC 3522: does the acknowledgment echo a timestamp from before anything was sent again? */
bool tcp_undo_eifel(const struct yeon_tcp *c, const struct tcp_news *news);
/* What was judged lost has arrived, and nothing had been sent again. */
bool tcp_undo_nothing_lost(const struct yeon_tcp *c);
/* Everything that was sent again has been reported as a duplicate. */
bool tcp_undo_all_duplicates(const struct yeon_tcp *c);
/* RFC 4015: as if nothing had been lost. */
void tcp_undo(struct yeon_tcp *c, yeon_time now);

/* frto.c, RFC 5682: after a time-out. first: no recovery was going on when the timer expired. */
void tcp_frto_begin(struct yeon_tcp *c, bool first);
/* True: the time-out was spurious. */
bool tcp_frto_on_ack(struct yeon_tcp *c, const struct tcp_news *news, bool duplicate);
/* Before anything leaves: goes on conventionally when nothing new can. */
void tcp_frto_consider(struct yeon_tcp *c);
/* New bytes go before what is due: the second acknowledgment shall tell. */
bool tcp_frto_holds(const struct yeon_tcp *c);

/* recovery.c: RFC 5681, 6582, 6675. What an acknowledgment says of losses. */
void tcp_recovery_on_ack(struct yeon_tcp *c, const struct tcp_in *in, struct tcp_news *news, bool duplicate);
void tcp_recovery_leave(struct yeon_tcp *c);
/* The reordering timer has judged that many bytes lost. */
void tcp_recovery_on_lost(struct yeon_tcp *c, uint32_t lost, yeon_time now);
uint32_t tcp_pipe(const struct yeon_tcp *c);
/* The next bytes to send again, at most `most`: what is due (RFC 6675 4, NextSeg (1)); when nothing new can be sent either (last), (3) and (4).
 * False: none. */
bool tcp_recovery_next(struct yeon_tcp *c, uint32_t most, bool last, uint32_t *seq, uint32_t *len);

#endif
