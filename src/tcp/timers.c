/* The only file that sets a deadline. A connection has a deadline per timer and one node in the host's wheel. The node is armed at or before
 * the earliest deadline: one that moves later (as the retransmission timer does with every acknowledgment) leaves the node alone,
 * which then fires early, finds nothing due and is armed again. */
#include "tcp/internal.h"

/* Retransmission, what stands in for it and window probes never run together, nor do keepalive and TIME-WAIT (or the wait of an orphan in FIN-WAIT-2). */
static const uint8_t slot_of[YEON_TIMERS] = {
    [YEON_TIMER_REXMIT] = 0, [YEON_TIMER_PERSIST] = 0,   [YEON_TIMER_DELACK] = 1,
    [YEON_TIMER_USER] = 2,   [YEON_TIMER_KEEPALIVE] = 3, [YEON_TIMER_TIME_WAIT] = 3,
    [YEON_TIMER_REORDER] = 0, [YEON_TIMER_PROBE] = 0,
    [YEON_TIMER_PACE] = TCP_DEADLINES};

/* Pacing runs beside all others, but only while there is something to send: its deadline is with what is borrowed then. */
static yeon_time *deadline_of(struct yeon_tcp *c, enum yeon_tcp_timer timer)
{
  return timer == YEON_TIMER_PACE ? &c->busy->pace_at : &c->at[slot_of[timer]];
}


/* The timers of each slot, a bit each. */
#define BIT(timer) (1u << YEON_TIMER_##timer)
#define RESENDING (BIT(REXMIT) | BIT(REORDER) | BIT(PROBE))
static const uint16_t sharing[TCP_DEADLINES + 1] = {RESENDING | BIT(PERSIST), BIT(DELACK), BIT(USER),
                                                    BIT(KEEPALIVE) | BIT(TIME_WAIT), BIT(PACE)};

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
  c->timers = (uint16_t)((c->timers & ~sharing[slot]) | 1u << timer);
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

bool tcp_rexmit_on(const struct yeon_tcp *c)
{
  return (c->timers & RESENDING) != 0;
}

void tcp_rexmit_resume(struct yeon_tcp *c, yeon_time now)
{
  yeon_time at = now + (yeon_time)tcp_rto_us(c) * YEON_US;
  if (c->busy != NULL && c->busy->sent.n > 0) at -= now - tcp_sent_at(&c->busy->sent, 0)->sent_at;
  tcp_timer_set(c, YEON_TIMER_REXMIT, at > now ? at : now + YEON_US, now);
}

/* RFC 7765 section 4: with too little in flight for a fast retransmission, the time since the oldest left counts. */
static bool counts_from_oldest(const struct yeon_tcp *c)
{
  return c->t->options.rto_restart && c->busy != NULL && c->busy->sent.n > 0 && c->backoff == 0 &&
         tcp_snd_end(c) - c->snd_una < 4u * c->snd_mss;
}

void tcp_rexmit_restart(struct yeon_tcp *c, yeon_time now)
{
  if (!tcp_outstanding(c)) {
    for (unsigned i = 0; i < YEON_TIMERS && tcp_rexmit_on(c); i++)
      if ((RESENDING >> i & 1) != 0) tcp_timer_stop(c, (enum yeon_tcp_timer)i, now);
  } else if (tcp_tlp_wanted(c)) {
    tcp_tlp_start(c, true, now);
  } else if (counts_from_oldest(c)) {
    tcp_rexmit_resume(c, now);
  } else {
    tcp_rexmit_start(c, now);
  }
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
      [YEON_TIMER_REORDER] = tcp_on_reorder_timer, [YEON_TIMER_PROBE] = tcp_on_probe_timer,
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
