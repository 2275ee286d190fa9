/* BBR's state, shared by bbr.c (what to do) and bbr_model.c (what the path is like). */
#ifndef CC_BBR_H
#define CC_BBR_H

#include "cc/cc.h"

enum bbr_mode { BBR_STARTUP, BBR_DRAIN, BBR_DOWN, BBR_CRUISE, BBR_REFILL, BBR_UP, BBR_PROBE_RTT };
/* What arriving acknowledgments are of: segments sent while probing, or not; SETTLING: not, but what the probe lost is still being found. */
enum bbr_acks { BBR_ACKS_INIT, BBR_ACKS_REFILLING, BBR_ACKS_STARTING, BBR_ACKS_FEEDBACK, BBR_ACKS_STOPPING, BBR_ACKS_SETTLING };

#define BBR_UNBOUNDED UINT32_MAX
#define BBR_ANY_BW UINT64_MAX
#define BBR_LOSS_PERCENT 2u
#define BBR_BETA_PERCENT 70u
#define BBR_MIN_PIPE 4u /* segments */
/* bbr.conserve_end, when it is no end */
#define BBR_NOT_CONSERVING 0u
#define BBR_CONSERVED 1u /* long past */

struct bbr {
  /* The model: rates in bytes a second, volumes in bytes. */
  uint64_t max_bw[2];    /* of the last cycle and of this one */
  uint64_t bw;           /* what the path is taken to carry: the larger, within bw_shortterm */
  uint64_t bw_shortterm; /* after losses outside of probing; BBR_ANY_BW: none */
  uint64_t bw_latest;    /* most in the running round */
  uint64_t bw_before;    /* and in the one before; 0: unknown */
  uint64_t full_bw;      /* the growth that a plateau is measured against */
  uint64_t flat_bw;      /* likewise, that the end of a probe is */
  uint64_t held_bw;      /* what DOWN and CRUISE go by while a queue stands; 0: none does */
  uint32_t flat_flight;  /* in flight when the probe began */
  uint32_t inflight_latest;
  uint32_t inflight_longterm;  /* more made too many losses when it was tried; BBR_UNBOUNDED: unknown */
  uint32_t inflight_shortterm; /* likewise, as bw_shortterm */
  uint32_t min_rtt_us;         /* within ten seconds; 0: none yet */
  uint32_t probe_rtt_min_us;   /* since PROBE_RTT or a shorter one, which decides when to look again */
  yeon_time min_rtt_at, probe_rtt_min_at;
  yeon_time low_at; /* when last no queue stood */
  uint32_t extra_acked[2]; /* acknowledged beyond bw, most in five rounds each (aggregation) */
  uint32_t extra_delivered;
  yeon_time extra_at; /* since when extra_delivered counts */
  /* Does a queue stand, and what does the path lose without one? (bbr_model.c) */
  uint32_t rtt_us;               /* smoothed over some four samples */
  uint32_t stray_lost, stray_of; /* bytes lost while there was no queue, of bytes that arrived: older ones count less */
  /* Rounds. */
  uint64_t round_end, loss_round_end; /* cc_ack.delivered */
  uint64_t conserve_end; /* until then no more leaves than arrives; BBR_NOT_CONSERVING: not in this recovery */
  /* Control. */
  uint64_t pacing_rate;
  uint32_t prior_cwnd; /* last known good, while recovery or a probe has it down */
  uint32_t initial_cwnd;
  yeon_time cycle_at;      /* when the wait for the next probe began */
  yeon_time probe_done_at; /* of PROBE_RTT; 0: not yet at its window */
  uint32_t wait_us;        /* until the next probe */
  uint32_t rounds_since_probe;
  uint32_t up_acks, up_step; /* bytes acknowledged, and how many are worth one segment of inflight_longterm; up_step 0: none are */
  uint32_t chance;           /* state of the generator; never 0 */
  /* Before the last loss episode. */
  uint64_t undo_bw_shortterm;
  uint32_t undo_inflight_shortterm, undo_inflight_longterm;
  uint8_t undo_mode;
  uint8_t mode, acks; /* enum bbr_mode, enum bbr_acks */
  uint8_t up_rounds, full_rounds, flat_rounds, loss_events, extra_rounds;
  bool round_start, loss_round_start, loss_in_round;
  bool full_now, full_reached;
  bool probe_samples; /* losses now are of a probe, and it has not been answered yet */
  bool idle_restart, probe_rtt_expired, probe_round_done;
  bool recovering; /* since a round, at least */
};

/* bbr_model.c */
uint64_t bbr_rate_of(const struct cc_ack *ack);
uint64_t bbr_max_bw(const struct bbr *s);
void bbr_start_round(struct bbr *s, const struct cc_ack *ack);
/* percent of bw * min_rtt. */
uint32_t bbr_bdp(const struct bbr *s, uint64_t bw, uint32_t percent);
/* The same with room for what is on its way within the ends. */
uint32_t bbr_inflight(const struct cc *cc, const struct bbr *s, uint64_t bw, uint32_t percent);
/* What leaves at once. */
uint32_t bbr_quantum(const struct cc *cc, const struct bbr *s);
uint32_t bbr_with_headroom(const struct cc *cc, const struct bbr *s);
uint32_t bbr_target(const struct cc *cc, const struct bbr *s);
uint32_t bbr_extra_acked(const struct bbr *s);
void bbr_reset_congestion(struct bbr *s);
void bbr_reset_shortterm(struct bbr *s);
/* Round trips take clearly longer than the least: packets wait somewhere. */
bool bbr_queue_stands(const struct bbr *s);
/* More is in flight than the path bears. */
bool bbr_too_high(const struct cc *cc, const struct bbr *s, const struct cc_ack *ack);
void bbr_save_for_undo(struct bbr *s);
/* Before the mode is considered: rates, losses, aggregation. probing: STARTUP, REFILL, UP. */
void bbr_update_model(struct cc *cc, struct bbr *s, const struct cc_ack *ack, bool probing);
void bbr_update_min_rtt(struct bbr *s, const struct cc_ack *ack);
void bbr_advance_latest(struct bbr *s, const struct cc_ack *ack);

#endif
