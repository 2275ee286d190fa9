/* The two lists of a host: connections with something to send, and endpoints with something to report. */
#include "tcp/internal.h"

void tcp_want_output(struct yeon_tcp *c)
{
  struct tcp *t = c->t;
  struct tcp_list *list = &t->out[c->link];
  if ((c->flags & TCP_F_ON_OUT) != 0) return;
  c->flags |= TCP_F_ON_OUT;
  c->out_next = 0;
  c->out_prev = list->last;
  if (list->last != 0)
    tcp_conn(t, list->last)->out_next = c->number;
  else
    list->first = c->number;
  list->last = c->number;
}

void tcp_unlist_output(struct yeon_tcp *c)
{
  struct tcp *t = c->t;
  struct tcp_list *list = &t->out[c->link];
  if ((c->flags & TCP_F_ON_OUT) == 0) return;
  c->flags &= ~TCP_F_ON_OUT;
  if (c->out_prev != 0)
    tcp_conn(t, c->out_prev)->out_next = c->out_next;
  else
    list->first = c->out_next;
  if (c->out_next != 0)
    tcp_conn(t, c->out_next)->out_prev = c->out_prev;
  else
    list->last = c->out_prev;
}

bool tcp_has_output(const struct tcp *t, unsigned link) { return t->out[link].first != 0 || t->replies_on[link] > 0; }

void tcp_list_push(struct tcp *t, struct tcp_list *list, struct yeon_tcp *c)
{
  c->report_next = 0;
  c->report_prev = list->last;
  if (list->last != 0)
    tcp_conn(t, list->last)->report_next = c->number;
  else
    list->first = c->number;
  list->last = c->number;
}

void tcp_list_remove(struct tcp *t, struct tcp_list *list, struct yeon_tcp *c)
{
  if (c->report_prev != 0)
    tcp_conn(t, c->report_prev)->report_next = c->report_next;
  else
    list->first = c->report_next;
  if (c->report_next != 0)
    tcp_conn(t, c->report_next)->report_prev = c->report_prev;
  else
    list->last = c->report_prev;
}

struct yeon_tcp *tcp_list_pop(struct tcp *t, struct tcp_list *list)
{
  if (list->first == 0) return NULL;
  struct yeon_tcp *c = tcp_conn(t, list->first);
  tcp_list_remove(t, list, c);
  return c;
}

void tcp_notify(struct yeon_tcp *c, uint8_t condition)
{
  if ((c->flags & TCP_F_ORPHAN) != 0) return;
  c->reported |= condition;
  /* A connection that waits to be accepted uses the same links; accept reports what has gathered. */
  if ((c->flags & (TCP_F_ON_REPORT | TCP_F_ON_ACCEPT)) != 0) return;
  c->flags |= TCP_F_ON_REPORT;
  tcp_list_push(c->t, &c->t->reports, c);
}

void tcp_unlist_report(struct yeon_tcp *c)
{
  if ((c->flags & TCP_F_ON_REPORT) == 0) return;
  c->flags &= ~TCP_F_ON_REPORT;
  tcp_list_remove(c->t, &c->t->reports, c);
}

bool tcp_report(struct tcp *t, struct yeon_ready *out)
{
  struct yeon_tcp *c = tcp_list_pop(t, &t->reports);
  if (c == NULL) return false;
  c->flags &= ~TCP_F_ON_REPORT;
  *out = (struct yeon_ready){.tcp = c, .user = c->user, .events = c->reported};
  c->reported = 0;
  return true;
}

uint32_t yeon_tcp_ready(const struct yeon_tcp *c)
{
  uint32_t r = 0;
  if (c->state == YEON_TCP_LISTEN) return c->extra->waiting > 0 ? YEON_ACCEPTED | YEON_READABLE : 0;
  bool over = (c->state == YEON_TCP_CLOSED && tcp_was_used(c)) || c->state == YEON_TCP_TIME_WAIT;
  bool read_end = (c->flags & (TCP_F_FIN_RECEIVED | TCP_F_SHUT_RD)) != 0;
  if (c->error != 0) r |= YEON_ERROR | YEON_READABLE | YEON_WRITABLE;
  if (over) r |= YEON_CLOSED | YEON_READABLE | YEON_WRITABLE;
  if (read_end) r |= YEON_READ_END | YEON_READABLE;
  if (ring_len(c->rcv) > 0) r |= YEON_READABLE;
  if (c->extra != NULL && (c->extra->urgent == TCP_URGENT_COMING || c->extra->urgent == TCP_URGENT_HERE))
    r |= YEON_URGENT;
  if (c->state == YEON_TCP_ESTABLISHED || c->state == YEON_TCP_CLOSE_WAIT || tcp_is_early(c))
    r |= ring_len(c->snd) < c->sndbuf ? YEON_WRITABLE : 0;
  else if (c->state > YEON_TCP_CLOSE_WAIT || c->state == YEON_TCP_FIN_WAIT_1 || c->state == YEON_TCP_FIN_WAIT_2)
    r |= YEON_WRITABLE; /* a send fails at once */
  return r;
}
