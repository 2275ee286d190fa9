/* A closed window (RFC 9293 3.8.6.1): probes at doubling intervals for as long as the peer answers them. The same timer lets a small segment
 * go that silly-window avoidance holds back while nothing is in flight (RFC 9293 3.8.6.2.1). */
#include "tcp/internal.h"

#define OVERRIDE_US                                                                                                    \
  200000 /* RFC 9293 3.8.6.2.1: 0.1 to 1 s; also how long YEON_TCP_CORK and YEON_SEND_MORE may hold bytes */

static bool something_to_send(const struct yeon_tcp *c)
{
  if (c->snd_nxt != tcp_snd_end(c)) return seq_lt(c->snd_nxt, tcp_snd_end(c));
  return (c->flags & TCP_F_FIN_QUEUED) != 0; /* also one that only a probe has carried so far */
}

static bool may_send_data(const struct yeon_tcp *c)
{
  switch ((enum yeon_tcp_state)c->state) {
  case YEON_TCP_ESTABLISHED:
  case YEON_TCP_CLOSE_WAIT:
  case YEON_TCP_FIN_WAIT_1:
  case YEON_TCP_CLOSING:
  case YEON_TCP_LAST_ACK: return true;
  default: return false;
  }
}

static yeon_time interval(const struct yeon_tcp *c)
{
  if (c->snd_wnd > 0 && c->probe_backoff == 0) return OVERRIDE_US * YEON_US;
  return (yeon_time)tcp_backoff(c->t, c->rto_us, c->probe_backoff) * YEON_US;
}

/* After output or input: bytes wait, nothing is in flight that an acknowledgment could release, so only this timer can go on. */
void tcp_persist_consider(struct yeon_tcp *c, yeon_time now)
{
  bool stuck = may_send_data(c) && something_to_send(c) && tcp_flight(c) == 0 && !tcp_timer_on(c, YEON_TIMER_REXMIT) &&
               !tcp_timer_on(c, YEON_TIMER_PACE);
  yeon_time at = now + interval(c);
  if (!stuck)
    tcp_timer_stop(c, YEON_TIMER_PERSIST, now);
  else if (tcp_timer_at(c, YEON_TIMER_PERSIST) > at) /* not armed, or for a window that was closed */
    tcp_timer_set(c, YEON_TIMER_PERSIST, at, now);
}

/* The window was told again, and it is still closed: as Linux, the interval to the next probe counts from there. RFC 9293 3.8.6.1 leaves it open. A
 * window that is merely small is not meant: what waits for it goes after its time (RFC 9293 3.8.6.2.1), however often the peer speaks. */
void tcp_persist_on_ack(struct yeon_tcp *c, yeon_time now)
{
  if (!c->t->options.probe_from_ack || c->snd_wnd > 0 || !tcp_timer_on(c, YEON_TIMER_PERSIST)) return;
  tcp_timer_set(c, YEON_TIMER_PERSIST, now + interval(c), now);
}

/* RFC 9293 3.8.6.1 leaves the end to the application or the system: peers that keep their windows shut must not keep all our buffers. Only what no application holds any more, and only when half of what
 * buffers may take is taken. */
static bool is_in_the_way(const struct yeon_tcp *c)
{
  const struct ring_store *rings = c->t->rings;
  bool short_of_room = rings->used > rings->limit / 2;
  return short_of_room && (c->flags & TCP_F_ORPHAN) != 0 && c->probe_backoff >= c->t->options.retries_orphan;
}

static bool gave_up(const struct yeon_tcp *c)
{
  const struct yeon_tcp_options *o = &c->t->options;
  if (is_in_the_way(c)) return true;
  /* RFC 9293 3.8.6.1: a window that stays closed is no failure while probes are answered; silence is. */
  return c->probes >= ((c->flags & TCP_F_ORPHAN) != 0 ? o->retries_orphan : o->retries_data);
}

void tcp_on_persist_timer(struct yeon_tcp *c, yeon_time now)
{
  if (!may_send_data(c) || !something_to_send(c)) return;
  if (c->snd_wnd > 0 && c->probe_backoff == 0) {
    c->flags2 |= TCP_G_SWS_OVERRIDE;
    c->flags2 &= ~TCP_G_UNPUSHED; /* what "more" was promised for has waited in vain */
    tcp_want_output(c);
    return;
  }
  if (gave_up(c)) {
    c->t->counters->tcp_timeout++;
    tcp_send_reset(c, now);
    tcp_conn_end(c, c->soft_error != 0 ? c->soft_error : YEON_ERR_TIMED_OUT, YEON_CAUSE_RTO, now);
    return;
  }
  c->probes++;
  if (c->probe_backoff < 30) c->probe_backoff++;
  c->flags |= TCP_F_PROBE;
  tcp_want_output(c);
  tcp_timer_set(c, YEON_TIMER_PERSIST, now + interval(c), now);
}
