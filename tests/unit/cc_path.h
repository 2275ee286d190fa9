/* A path for tests of congestion control alone: acknowledgments of full windows at a given round trip. */
#ifndef UNIT_CC_PATH_H
#define UNIT_CC_PATH_H

#include "cc/cc.h"

struct cc_path {
  struct cc cc;
  uint64_t memory[(CC_BORROWED_BYTES > CC_HELD_BYTES ? CC_BORROWED_BYTES : CC_HELD_BYTES) / 8];
  yeon_time now;
  uint64_t delivered;
  uint32_t rtt_us, rtt_min_us, mss;
  uint32_t used; /* of the window, bytes in flight; 0: all of it */
};

static inline void cc_path_begin(struct cc_path *p, enum yeon_congestion algorithm, uint32_t mss, uint32_t segments, uint32_t rtt_us)
{
  *p = (struct cc_path){.now = YEON_SEC, .rtt_us = rtt_us, .rtt_min_us = rtt_us, .mss = mss};
  void *state = cc_ops_of(algorithm)->held ? p->memory : NULL;
  struct cc_config config = {.algorithm = algorithm, .mss = mss, .initial = segments * mss, .state = state, .srtt_us = rtt_us, .now = p->now, .seed = 7};
  cc_init(&p->cc, &config);
  if (state == NULL) cc_adopt(&p->cc, p->memory);
}

/* One segment is acknowledged after `later`. */
static inline void cc_path_ack(struct cc_path *p, yeon_time later)
{
  uint32_t flight = p->used != 0 ? p->used : p->cc.cwnd;
  p->now += later;
  p->delivered += p->mss;
  struct cc_ack a = {.acked = p->mss, .in_flight = flight, .flight_max = flight, .srtt_us = p->rtt_us, .rtt_us = p->rtt_us,
                     .rtt_min_us = p->rtt_min_us, .delivered = p->delivered, .now = p->now};
  cc_on_ack(&p->cc, &a);
}

/* A round trip's worth of acknowledgments, evenly spaced. */
static inline void cc_path_round(struct cc_path *p)
{
  uint32_t flight = p->used != 0 ? p->used : p->cc.cwnd, n = flight / p->mss > 0 ? flight / p->mss : 1;
  yeon_time step = (yeon_time)p->rtt_us * YEON_US / n;
  for (uint32_t i = 0; i < n; i++) cc_path_ack(p, step);
}

static inline void cc_path_run(struct cc_path *p, yeon_time span)
{
  yeon_time end = p->now + span;
  while (p->now < end) {
    uint32_t flight = p->used != 0 ? p->used : p->cc.cwnd;
    yeon_time step = (yeon_time)p->rtt_us * YEON_US / (flight / p->mss > 0 ? flight / p->mss : 1);
    cc_path_ack(p, step);
  }
}

#endif
