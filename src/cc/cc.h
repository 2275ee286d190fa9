/* Congestion control: answers "how much may be in flight", in bytes and time only; what is lost and what to send again is the
 * transport's business. One algorithm a file; tcp/ and play/ both use it. */
#ifndef CC_CC_H
#define CC_CC_H

#include <yeon/base.h>

struct cc;

struct cc_ack {
  uint32_t acked;   /* bytes newly known to have arrived, > 0 */
  uint32_t flight;  /* most bytes in flight within the last round trip */
  uint32_t srtt_us; /* 0: unknown */
  yeon_time now;
};

struct cc_ops {
  const char *name;
  void (*init)(struct cc *cc);
  /* New data was acknowledged outside recovery. */
  void (*on_ack)(struct cc *cc, const struct cc_ack *ack);
  /* Loss or a congestion mark: once per window. Sets ssthresh and cwnd. */
  void (*on_congestion)(struct cc *cc, uint32_t flight, yeon_time now);
  /* The retransmission timer expired; again: not the first time for the same data. */
  void (*on_timeout)(struct cc *cc, uint32_t flight, bool again, yeon_time now);
};

#define CC_SSTHRESH_NONE UINT32_MAX

struct cc {
  const struct cc_ops *ops;
  uint32_t cwnd;     /* bytes */
  uint32_t ssthresh; /* bytes; CC_SSTHRESH_NONE: not yet known */
  uint32_t mss;      /* bytes of payload in a full segment */
  uint32_t credit;   /* bytes acknowledged and not yet turned into growth */
};

extern const struct cc_ops cc_newreno;

/* initial: the first congestion window, bytes. */
void cc_init(struct cc *cc, const struct cc_ops *ops, uint32_t mss, uint32_t initial);
/* The segment size changed: cwnd keeps at least one segment (RFC 5681 3.1). */
void cc_set_mss(struct cc *cc, uint32_t mss);
/* RFC 5681 4.1: after an idle period of more than one RTO, cwnd falls to at most the restart window. */
void cc_restart(struct cc *cc, uint32_t restart_window);
/* RFC 5681 3.1, equation 1 (segments 0), or `segments` segments as RFC 6928. Bytes. */
uint32_t cc_initial_window(uint32_t mss, uint32_t segments);

#endif
