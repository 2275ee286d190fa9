/* What is inside a recorded bandwidth. */
#ifndef LINK_CABLE_TRACE_H
#define LINK_CABLE_TRACE_H

#include <yeon/cable.h>

struct yeon_cable_trace {
  uint32_t references;
  uint32_t n;
  uint32_t ms[]; /* n of them, never less than the one before; the last is the length */
};

/* The first stamp later than `ns` after the beginning of a round; n: none. */
uint32_t trace_after(const struct yeon_cable_trace *t, yeon_time ns);

#endif
