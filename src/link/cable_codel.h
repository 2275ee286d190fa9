/* CoDel: when the frames of a queue wait too long for too long, some are dropped (or marked), ever faster. */
#ifndef LINK_CABLE_CODEL_H
#define LINK_CABLE_CODEL_H

#include <yeon/cable.h>

struct codel {
  yeon_time first_above_at; /* when it will have been too long for too long; 0: it is not too long now */
  yeon_time drop_next_at;   /* while dropping */
  uint32_t count;           /* frames dropped since dropping began */
  uint32_t last_count;      /* its value when dropping began last */
  uint32_t largest;         /* bytes of the largest frame seen: a queue of no more than this is none */
  bool dropping;
  bool dropped;       /* the frame before this one, while dropping: its successor sets the next instant */
  bool dropped_first; /* the frame before this one, as dropping began: its successor is spared */
};

/* A frame of len bytes leaves the queue at `now` after `waited` ns; `behind` bytes stay. True: it is to be dropped, and the next
 * frame must be judged at the same instant. */
bool codel_judge(struct codel *c, const struct yeon_cable_way *set, uint32_t len, yeon_time waited, uint64_t behind,
                 yeon_time now);
/* The frame that codel_judge has just condemned goes out all the same, marked. */
void codel_marked(struct codel *c, const struct yeon_cable_way *set);
/* Nothing is left in the queue. */
void codel_empty(struct codel *c);

#endif
