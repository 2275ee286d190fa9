/* The only file that sets a deadline. A connection has a deadline per timer and one node in the host's wheel. The node is armed at or before
 * the earliest deadline: one that moves later (as the retransmission timer does with every acknowledgment) leaves the node alone,
 * which then fires early, finds nothing due and is armed again. */
#include "tcp/internal.h"

yeon_time tcp_timer_earliest(const struct yeon_tcp *c, enum yeon_tcp_timer *which)
{
  yeon_time at = YEON_NEVER;
  for (unsigned i = 0; i < YEON_TIMERS; i++)
    if (c->at[i] < at) {
      at = c->at[i];
      *which = (enum yeon_tcp_timer)i;
    }
  return at;
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
  ev.u.timer.deadline = c->at[timer];
  event_emit(c->t->events, &ev);
}

void tcp_timer_set(struct yeon_tcp *c, enum yeon_tcp_timer timer, yeon_time at, yeon_time now)
{
  assert(at != YEON_NEVER && c->state != YEON_TCP_CLOSED);
  if (c->at[timer] == at) return;
  c->at[timer] = at;
  if (!wheel_armed(&c->node) || at < c->node.deadline) wheel_arm(&c->t->wheel, &c->node, at);
  tell(c, timer, YEON_TIMER_ARMED, now);
}

void tcp_timer_stop(struct yeon_tcp *c, enum yeon_tcp_timer timer, yeon_time now)
{
  enum yeon_tcp_timer which;
  if (c->at[timer] == YEON_NEVER) return;
  c->at[timer] = YEON_NEVER;
  if (tcp_timer_earliest(c, &which) == YEON_NEVER) wheel_cancel(&c->t->wheel, &c->node);
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

static void on_user_timeout(struct yeon_tcp *c, yeon_time now)
{
  c->t->counters->tcp_timeout++;
  tcp_send_reset(c, now);
  tcp_conn_end(c, YEON_ERR_TIMED_OUT, YEON_CAUSE_USER_TIMEOUT, now);
}

static void on_time_wait(struct yeon_tcp *c, yeon_time now)
{
  tcp_conn_end(c, 0, YEON_CAUSE_TIME_WAIT_OVER, now);
}

static void fire(struct yeon_tcp *c, enum yeon_tcp_timer timer, yeon_time now)
{
  static void (*const handlers[YEON_TIMERS])(struct yeon_tcp *, yeon_time) = {
    [YEON_TIMER_REXMIT] = tcp_on_rexmit_timer, [YEON_TIMER_PERSIST] = tcp_on_persist_timer,
    [YEON_TIMER_DELACK] = on_delack,           [YEON_TIMER_KEEPALIVE] = tcp_on_keepalive_timer,
    [YEON_TIMER_USER] = on_user_timeout,       [YEON_TIMER_TIME_WAIT] = on_time_wait};
  c->at[timer] = YEON_NEVER;
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
