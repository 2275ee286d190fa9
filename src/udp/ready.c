/* Readiness: an endpoint with news is put on one list; each report takes it off. */
#include "udp/internal.h"

void udp_notify(struct yeon_udp *s, uint32_t events)
{
  struct udp *u = s->udp;
  if (s->flags & UDP_CLOSED) return;
  s->events |= events;
  if (s->reporting) return;
  s->reporting = true;
  s->report_next = 0;
  if (u->reports.last)
    udp_at(u, u->reports.last)->report_next = s->number;
  else
    u->reports.first = s->number;
  u->reports.last = s->number;
}

void udp_fail(struct yeon_udp *s, int error)
{
  s->error = error;
  udp_notify(s, YEON_ERROR);
}

/* Takes the first off the list. An endpoint closed meanwhile has no user any more and is let go here. */
static struct yeon_udp *next_report(struct udp *u)
{
  struct yeon_udp *s = udp_at(u, u->reports.first);
  u->reports.first = s->report_next;
  if (!u->reports.first) u->reports.last = 0;
  s->reporting = false;
  return s;
}

bool udp_report(struct udp *u, struct yeon_ready *out)
{
  while (u->reports.first) {
    struct yeon_udp *s = next_report(u);
    uint32_t events = s->events;
    s->events = 0;
    if (s->flags & UDP_CLOSED) {
      udp_destroy(s);
      continue;
    }
    *out = (struct yeon_ready){.udp = s, .user = s->user, .events = events};
    return true;
  }
  return false;
}

uint32_t yeon_udp_ready(const struct yeon_udp *udp)
{
  uint32_t events = 0;
  if (ring_len(udp->rcv)) events |= YEON_READABLE;
  if (ring_len(udp->snd) < udp->sndbuf) events |= YEON_WRITABLE;
  if (udp->error) events |= YEON_ERROR;
  return events;
}

int yeon_udp_take_error(struct yeon_udp *udp)
{
  int error = udp->error;
  udp->error = 0;
  return error;
}
