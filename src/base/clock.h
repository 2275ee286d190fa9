/* The clock of a host or cable: the latest time any call has brought. It never goes back, and stops at YEON_TIME_LAST. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <yeon/base.h>

/* Takes the caller's time; the time to go on with. YEON_NEVER is no time. */
static inline yeon_time clock_take(yeon_time *clock, yeon_time now)
{
  if (now > *clock && now != YEON_NEVER) *clock = now < YEON_TIME_LAST ? now : YEON_TIME_LAST;
  return *clock;
}

#endif
