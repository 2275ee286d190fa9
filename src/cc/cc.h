/* Congestion control: answers "how much may be in flight, and how fast", in bytes and time only; what is lost and what to send again is the
 * transport's business. One algorithm a file, for TCP and for a datagram transport alike.
 *
 * What an algorithm must remember for ever is in struct cc, a few bytes; what it knows only of what is in flight is its state, a block of memory
 * that the transport lends with cc_adopt and takes back with cc_release when nothing is in flight (cc_ops.held: not before the end). */
#ifndef CC_CC_H
#define CC_CC_H

#include <yeon/congestion.h>

struct cc;
struct cc_config;

/* How fast what was just acknowledged got through (draft-ietf-ccwg-bbr, delivery rate samples). */
struct cc_rate {
  uint64_t prior_delivered; /* cc_ack.delivered when the segment was sent */
  uint32_t delivered;       /* bytes delivered between then and now */
  uint32_t interval_us;     /* the time that took; 0: no sample */
  uint32_t tx_in_flight;    /* bytes in flight right after the segment was sent */
  uint32_t lost;            /* bytes judged lost between then and now */
  bool app_limited;         /* the application, not the window, set the pace at some time in between */
};

/* One acknowledgment. */
struct cc_ack {
  uint32_t acked;           /* bytes newly known to have arrived, cumulatively or by SACK */
  uint32_t lost;            /* bytes newly judged lost */
  uint32_t in_flight;       /* after it */
  uint32_t flight_max;      /* most bytes in flight within the last round trip */
  uint32_t window;          /* the most that the peer lets be in flight; 0: it has no say */
  uint32_t srtt_us, rtt_us; /* rtt_us: this acknowledgment's own sample; 0: none */
  uint32_t rtt_min_us;      /* least sample of the connection */
  uint32_t marked;          /* of acked, bytes that arrived marked CE */
  bool
      in_recovery; /* between on_congestion and on_recovered: those that do not govern themselves leave the window alone */
  struct cc_rate rate;
  uint64_t delivered; /* all bytes so far, these included */
  yeon_time now;
};

enum cc_event {
  CC_LOSS,         /* something is lost: once a window */
  CC_MARK,         /* a CE mark came back (RFC 8511): once a window */
  CC_TIMEOUT,      /* the retransmission timer expired */
  CC_TIMEOUT_AGAIN /* again, for the same data */
};

struct cc_ops {
  const char *name;
  uint16_t state_bytes; /* <= CC_BORROWED_BYTES, or held: CC_HELD_BYTES */
  bool held;            /* its state lives as long as the connection */
  bool governs_itself;  /* in recovery too: the transport's own reduction stays out of it */
  bool paced;           /* makes no sense without pacing */
  bool rated;           /* wants cc_ack.rate */
  /* cwnd, ssthresh, mss are set; the state is there when it is held. NULL: nothing to do. */
  void (*init)(struct cc *cc, const struct cc_config *config);
  /* Every acknowledgment of new data. */
  void (*on_ack)(struct cc *cc, const struct cc_ack *ack);
  /* Sets ssthresh and the window to aim at. flight: bytes in flight at the time. */
  void (*on_congestion)(struct cc *cc, enum cc_event event, uint32_t flight, yeon_time now);
  /* The recovery that CC_LOSS or a time-out began is over. NULL: nothing to do. */
  void (*on_recovered)(struct cc *cc, yeon_time now);
  /* The last congestion event was a mistake: as before it. */
  void (*on_undo)(struct cc *cc, yeon_time now);
  /* Sending begins again after a pause. NULL: nothing to do. */
  void (*on_idle)(struct cc *cc, yeon_time now);
  /* Bytes a second to pace at; 0, or NULL: the transport's own measure, a multiple of cwnd / srtt. */
  uint64_t (*pacing_rate)(const struct cc *cc);
  /* State was lent (zeroed), or is taken back. NULL: nothing to do. */
  void (*adopt)(struct cc *cc);
  void (*release)(struct cc *cc);
};

#define CC_SSTHRESH_NONE UINT32_MAX
#define CC_WINDOW_MOST (1u << 30) /* bytes; no window grows beyond */
#define CC_BORROWED_BYTES 160
#define CC_HELD_BYTES 352
/* cc.habits */
#define CC_LIKE_LINUX 1u /* where Linux departs from the RFCs, so does the algorithm */
#define CC_IS_PACED 2u   /* what the window allows does not leave in a burst */
#define CC_SAMPLES_LOW 4u /* set by the algorithm: it keeps the rate down, so samples are app_limited */

struct cc {
  void *state;       /* lent by the transport; NULL: none */
  uint32_t cwnd;     /* bytes; 0: not begun */
  uint32_t ssthresh; /* bytes; CC_SSTHRESH_NONE: not yet known */
  uint32_t memory;   /* what the algorithm keeps while it has no state: each its own meaning */
  uint16_t mss;      /* bytes of payload in a full segment */
  uint8_t algorithm; /* enum yeon_congestion */
  uint8_t habits;    /* CC_...: set by the transport, at any time, unless said otherwise */
};

extern const struct cc_ops cc_newreno, cc_cubic, cc_bbr, cc_copa;

const struct cc_ops *cc_ops_of(enum yeon_congestion algorithm);
static inline const struct cc_ops *cc_ops(const struct cc *cc)
{
  return cc_ops_of((enum yeon_congestion)cc->algorithm);
}

struct cc_config {
  enum yeon_congestion algorithm;
  uint32_t mss;
  uint32_t initial; /* the first congestion window, bytes */
  uint8_t habits;
  void *state;      /* when the algorithm holds one, zeroed; else NULL, and cc_adopt will bring it */
  uint32_t seed;    /* for an algorithm that needs chance */
  uint32_t srtt_us; /* measured so far; 0: nothing */
  yeon_time now;
};
void cc_init(struct cc *cc, const struct cc_config *config);
/* Nothing below may be called while an algorithm that wants state has none. */
void cc_adopt(struct cc *cc, void *state);
void cc_release(struct cc *cc);
void cc_on_ack(struct cc *cc, const struct cc_ack *ack);
void cc_on_congestion(struct cc *cc, enum cc_event event, uint32_t flight, yeon_time now);
void cc_on_recovered(struct cc *cc, yeon_time now);
void cc_on_undo(struct cc *cc, yeon_time now);
/* As cc_ops.pacing_rate. */
uint64_t cc_pacing_rate(const struct cc *cc);
/* RFC 5681 4.1: after an idle period of more than one RTO, cwnd falls to at most the restart window. */
void cc_restart(struct cc *cc, uint32_t restart_window, yeon_time now);
/* RFC 7661 4.4: cwnd is halved so many times, the restart window at least, and where it was is remembered. */
void cc_decay(struct cc *cc, uint32_t restart_window, uint32_t halvings, yeon_time now);
/* The segment size changed: cwnd keeps at least one segment (RFC 5681 3.1). */
void cc_set_mss(struct cc *cc, uint32_t mss);
/* RFC 5681 3.1, equation 1 (segments 0), or `segments` segments as RFC 6928. Bytes. */
uint32_t cc_initial_window(uint32_t mss, uint32_t segments);

/* What leaves at once of a paced flow, bytes: a millisecond of the rate (bytes a second), so that timers stay few; two segments at least, 64 KB at most. */
uint32_t cc_quantum(uint64_t rate, uint32_t mss);

/* For the algorithms. */
/* A window that was not used proves nothing about the path, and does not grow (RFC 7661 4.1 has the full treatment). */
bool cc_limited_by_window(const struct cc *cc, const struct cc_ack *ack);
/* What was in flight came as near to a window as whole segments and what is just being sent let it. */
static inline bool cc_fills(const struct cc_ack *ack, uint32_t window, uint32_t mss) { return ack->flight_max + 2 * mss >= window; }
/* In recovery, and with what tells of marks (RFC 3168 6.1.2), a window does not widen. */
static inline bool cc_is_bad_time(const struct cc_ack *ack) { return ack->in_recovery || ack->marked > 0; }
/* cwnd += bytes, within CC_WINDOW_MOST. */
void cc_widen(struct cc *cc, uint32_t bytes);

#endif
