#include "event/event.h"

struct yeon_event event_make(const struct event_out *e, enum yeon_event_type type, yeon_time now)
{
  struct yeon_event event = {.at = now, .host = e->host, .type = (uint8_t)type};
  return event;
}

void event_emit(const struct event_out *e, const struct yeon_event *event)
{
  if (e->sink.fn != NULL && event_wanted(e, (enum yeon_event_type)event->type)) e->sink.fn(e->sink.ctx, event);
}
