/* A hierarchical timer wheel: 9 levels of 64 slots, one microsecond a tick, so that every yeon_time has
 * its place. Arm, cancel and expire are O(1) (a node moves down at most once a level in its life). Fires in the order of deadlines,
 * and among equal ones in the order of arming. A deadline is rounded up to a whole microsecond. */
#ifndef BASE_WHEEL_H
#define BASE_WHEEL_H

#include <yeon/base.h>

#define WHEEL_LEVELS 9
#define WHEEL_SLOTS 64

struct wheel_node {
  struct wheel_node *next, **pprev; /* pprev NULL: not armed */
  yeon_time deadline;               /* whole microseconds; meaningful while armed */
};

struct wheel {
  uint64_t tick;                   /* all ticks before this one are done */
  uint64_t occupied[WHEEL_LEVELS]; /* bit per slot */
  struct wheel_node *slot[WHEEL_LEVELS][WHEEL_SLOTS];
  struct wheel_node **tail[WHEEL_LEVELS][WHEEL_SLOTS]; /* append at the end: order of arming */
  uint32_t armed;
};

void wheel_init(struct wheel *w, yeon_time now);
/* Arms or re-arms. A deadline before the last time given to wheel_pop counts as that time: it fires with the next wheel_pop.
 * YEON_NEVER: disarms. */
void wheel_arm(struct wheel *w, struct wheel_node *n, yeon_time deadline);
/* Not armed: nothing happens. */
void wheel_cancel(struct wheel *w, struct wheel_node *n);
static inline bool wheel_armed(const struct wheel_node *n) { return n->pprev != NULL; }
/* The next node with deadline <= now, disarmed; NULL: none left. Advances the wheel. */
struct wheel_node *wheel_pop(struct wheel *w, yeon_time now);
/* A lower bound of the earliest deadline: exact when it is in the current 64 us (those that differ only in the lowest six bits of the
 * tick) or its slot holds at most 16 nodes; never later than the true one; YEON_NEVER when nothing is armed. */
yeon_time wheel_next(const struct wheel *w);

#endif
