/* When slow start has gone far enough, told by the delay before anything is lost. */
#ifndef CC_HYSTART_H
#define CC_HYSTART_H

#include "cc/cc.h"

#define HYSTART_UNKNOWN UINT32_MAX

struct hystart {
  yeon_time round_at, last_ack_at; /* Linux's: when the round began; the last acknowledgment of an unbroken train */
  uint32_t round_end;              /* cc_ack.delivered, modulo 2^32, that ends the round; with running */
  uint32_t last_us, current_us;    /* least RTT of the last and of the running round; HYSTART_UNKNOWN: none */
  uint32_t least_us;               /* of all rounds that are over; 0: none is */
  uint32_t sample_us;              /* the last one */
  uint32_t baseline_us, early_us;  /* in conservative slow start: what made it begin */
  uint16_t samples;                /* in this round */
  uint8_t higher;                  /* of those, in a row until now, longer than last_us and not falling: N_RTT_SAMPLE at most */
  uint8_t css_rounds;              /* rounds of conservative slow start that have begun; 0: not in it */
  bool running;
  bool jittery; /* conservative slow start has been taken back: delays here say little */
};

/* What slow start is to make of an acknowledgment. */
enum hystart_pace {
  HYSTART_FULL,         /* grow as ever */
  HYSTART_CONSERVATIVE, /* by a quarter */
  HYSTART_EXIT          /* cwnd is enough: ssthresh */
};
/* RFC 9406. */
enum hystart_pace hystart_on_ack(struct hystart *h, const struct cc_ack *ack, bool paced);
/* As Linux has it, the algorithm of 2008; cwnd in segments. */
enum hystart_pace hystart_linux_on_ack(struct hystart *h, const struct cc_ack *ack, uint32_t segments, bool paced);
/* RFC 9406 4.3: bytes by which slow start grows. */
uint32_t hystart_growth(enum hystart_pace pace, uint32_t acked, uint32_t mss, bool paced);

#endif
