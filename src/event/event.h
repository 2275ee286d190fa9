/* Emitting events: one test of a mask when nobody listens. */
#ifndef EVENT_EVENT_H
#define EVENT_EVENT_H

#include <yeon/event.h>

struct event_out {
  struct yeon_event_sink sink;
  uint32_t host;
};

static inline bool event_wanted(const struct event_out *e, enum yeon_event_type type)
{
  return __builtin_expect((e->sink.mask & YEON_EV_BIT(type)) != 0, 0);
}

/* A zeroed event of this type with host and time filled in. */
struct yeon_event event_make(const struct event_out *e, enum yeon_event_type type, yeon_time now);
/* Hands it to the sink if that wants the type. */
void event_emit(const struct event_out *e, const struct yeon_event *event);

#endif
