/* The only file that sets a deadline. A connection has a deadline per timer and one node in the host's wheel. The node is armed at or before
 * the earliest deadline: one that moves later (as the retransmission timer does with every acknowledgment) leaves the node alone,
 * which then fires early, finds nothing due and is armed again. */
#include "tcp/internal.h"

/* Retransmission and window probes never run together, nor do keepalive and TIME-WAIT (or the wait of an orphan in FIN-WAIT-2). */
static const uint8_t slot_of[YEON_TIMERS] = {
    [YEON_TIMER_REXMIT] = 0, [YEON_TIMER_PERSIST] = 0,   [YEON_TIMER_DELACK] = 1,
    [YEON_TIMER_USER] = 2,   [YEON_TIMER_KEEPALIVE] = 3, [YEON_TIMER_TIME_WAIT] = 3,
    [YEON_TIMER_PACE] = TCP_DEADLINES};

/* Pacing runs beside all others, but only while there is something to send: its deadline is with what is borrowed then. */
static yeon_time *deadline_of(struct yeon_tcp *c, enum yeon_tcp_timer timer)
{
  return timer == YEON_TIMER_PACE ? &c->busy->pace_at : &c->at[slot_of[timer]];
}

yeon_time tcp_timer_at(const struct yeon_tcp *c, enum yeon_tcp_timer timer)
{
  if (!tcp_timer_on(c, timer)) return YEON_NEVER;
  return timer == YEON_TIMER_PACE ? c->busy->pace_at : c->at[slot_of[timer]];
}

yeon_time tcp_timer_earliest(const struct yeon_tcp *c, enum yeon_tcp_timer *which)
{
  yeon_time at = YEON_NEVER;
  for (unsigned i = 0; c->timers >> i != 0; i++)
    if (tcp_timer_at(c, (enum yeon_tcp_timer)i) < at) {
      at = tcp_timer_at(c, (enum yeon_tcp_timer)i);
      *which = (enum yeon_tcp_timer)i;
    }
  return at;
}

void tcp_timers_forget(struct yeon_tcp *c)
{
  c->timers = 0;
  wheel_cancel(&c->t->wheel, &c->node);
}

static void place_node(struct yeon_tcp *c)
{
  enum yeon_tcp_timer which;
  yeon_time at = tcp_timer_earliest(c, &which);
  if (at == YEON_NEVER)
    wheel_cancel(&c->t->wheel, &c->node);
  else if (!wheel_armed(&c->node) || at < c->node.deadline)
    wheel_arm(&c->t->wheel, &c->node, at);
}

static void tell(const struct yeon_tcp *c, enum yeon_tcp_timer timer, enum yeon_timer_op op, yeon_time now)
{
  if (!event_wanted(c->t->events, YEON_EV_TIMER)) return;
  struct yeon_event ev = tcp_event(c, YEON_EV_TIMER, now);
  ev.u.timer.timer = (uint8_t)timer;
  ev.u.timer.op = (uint8_t)op;
  ev.u.timer.deadline = timer == YEON_TIMER_PACE ? c->busy->pace_at : c->at[slot_of[timer]];
  event_emit(c->t->events, &ev);
}

void tcp_timer_set(struct yeon_tcp *c, enum yeon_tcp_timer timer, yeon_time at, yeon_time now)
{
  assert(at != YEON_NEVER && c->state != YEON_TCP_CLOSED);
  unsigned slot = slot_of[timer];
  if (tcp_timer_on(c, timer) && *deadline_of(c, timer) == at) return;
  for (unsigned i = 0; i < YEON_TIMERS; i++)
    if (slot_of[i] == slot) c->timers &= (uint16_t) ~(1u << i);
  c->timers |= (uint16_t)(1u << timer);
  *deadline_of(c, timer) = at;
  if (!wheel_armed(&c->node) || at < c->node.deadline) wheel_arm(&c->t->wheel, &c->node, at);
  tell(c, timer, YEON_TIMER_ARMED, now);
}

void tcp_timer_stop(struct yeon_tcp *c, enum yeon_tcp_timer timer, yeon_time now)
{
  if (!tcp_timer_on(c, timer)) return;
  c->timers &= (uint16_t) ~(1u << timer);
  if (c->timers == 0) wheel_cancel(&c->t->wheel, &c->node);
  tell(c, timer, YEON_TIMER_STOPPED, now);
}

void tcp_rexmit_start(struct yeon_tcp *c, yeon_time now)
{
  tcp_timer_set(c, YEON_TIMER_REXMIT, now + (yeon_time)tcp_rto_us(c) * YEON_US, now);
}

static void on_delack(struct yeon_tcp *c, yeon_time now)
{
  (void)now;
  tcp_ack_now(c);
}

static void on_time_wait(struct yeon_tcp *c, yeon_time now) { tcp_conn_end(c, 0, YEON_CAUSE_TIME_WAIT_OVER, now); }

static void fire(struct yeon_tcp *c, enum yeon_tcp_timer timer, yeon_time now)
{
  static void (*const handlers[YEON_TIMERS])(struct yeon_tcp *, yeon_time) = {
      [YEON_TIMER_REXMIT] = tcp_on_rexmit_timer, [YEON_TIMER_PERSIST] = tcp_on_persist_timer,
      [YEON_TIMER_DELACK] = on_delack,           [YEON_TIMER_KEEPALIVE] = tcp_on_keepalive_timer,
      [YEON_TIMER_USER] = tcp_on_user_timer,     [YEON_TIMER_TIME_WAIT] = on_time_wait,
      [YEON_TIMER_PACE] = tcp_on_pace_timer};
  c->timers &= (uint16_t) ~(1u << timer);
  tell(c, timer, YEON_TIMER_FIRED, now);
  handlers[timer](c, now);
}

void tcp_timers_due(struct yeon_tcp *c, yeon_time now)
{
  enum yeon_tcp_timer which = YEON_TIMER_REXMIT;
  /* One at a time: a handler may end the connection, and then its record is not ours to look at. The node is armed again for the rest. */
  if (tcp_timer_earliest(c, &which) <= now) {
    struct tcp *t = c->t;
    uint32_t number = c->number;
    uint64_t id = c->id;
    fire(c, which, now);
    if (!pool_live(&t->conns, number) || tcp_conn(t, number)->id != id) return;
  }
  place_node(c);
}
