/* The line that a sender's adapter feeds: when the last bit of a frame has left it. */
#ifndef LINK_CABLE_LINE_H
#define LINK_CABLE_LINE_H

#include <yeon/cable.h>

struct line {
  yeon_time busy_at;  /* busy until busy_at + busy_part / rate_bps ns, were there no bucket: */
  uint64_t busy_part; /* [0, rate_bps): no rounding adds up */
  yeon_time trace_at; /* when the trace was set */
  yeon_time cycle_at; /* when the trace began its present round */
  yeon_time stamp_at; /* the instant of the trace that was used last */
  uint32_t next;      /* number of the one after it, within the round */
  uint32_t left;      /* bytes that stamp_at lets through yet */
};

/* A frame of len bytes may begin now. behind: another has just left at this very instant, so that what the instant lets through is not
 * wasted yet. `now` does not go back. */
yeon_time line_send(struct line *l, const struct yeon_cable_way *set, uint32_t len, yeon_time now, bool behind);
/* New settings at `now`; the line is busy until busy_at (waiting: and frames wait for it). */
void line_restart(struct line *l, const struct yeon_cable_way *set, bool new_trace, yeon_time busy_at, bool waiting,
                  yeon_time now);
/* Nothing is being sent any more. */
void line_stop(struct line *l);

#endif
