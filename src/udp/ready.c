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
  s->report_prev = u->reports.last;
  if (u->reports.last)
    udp_at(u, u->reports.last)->report_next = s->number;
  else
    u->reports.first = s->number;
  u->reports.last = s->number;
}

void udp_no_report(struct yeon_udp *s)
{
  struct udp *u = s->udp;
  if (!s->reporting) return;
  if (s->report_prev)
    udp_at(u, s->report_prev)->report_next = s->report_next;
  else
    u->reports.first = s->report_next;
  if (s->report_next)
    udp_at(u, s->report_next)->report_prev = s->report_prev;
  else
    u->reports.last = s->report_prev;
  s->reporting = false;
}

void udp_fail(struct yeon_udp *s, int error)
{
  s->error = error;
  udp_notify(s, YEON_ERROR);
}

bool udp_report(struct udp *u, struct yeon_ready *out)
{
  if (!u->reports.first) return false;
  struct yeon_udp *s = udp_at(u, u->reports.first);
  udp_no_report(s);
  *out = (struct yeon_ready){.udp = s, .user = s->user, .events = s->events};
  s->events = 0;
  return true;
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
