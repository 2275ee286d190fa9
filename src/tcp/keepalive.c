/* Keepalive (RFC 9293 3.8.4), off unless asked for. */
#include "tcp/internal.h"

uint32_t tcp_keepidle_ms(const struct yeon_tcp *c)
{
  return c->extra != NULL && c->extra->keepalive_idle_ms != 0 ? c->extra->keepalive_idle_ms
                                                              : c->t->options.keepalive_idle_ms;
}

uint32_t tcp_keepintvl_ms(const struct yeon_tcp *c)
{
  const struct tcp_extra *x = c->extra;
  return x != NULL && x->keepalive_interval_ms != 0 ? x->keepalive_interval_ms : c->t->options.keepalive_interval_ms;
}

uint8_t tcp_keepcnt(const struct yeon_tcp *c)
{
  return c->extra != NULL && c->extra->keepalive_probes != 0 ? c->extra->keepalive_probes
                                                             : c->t->options.keepalive_probes;
}

/* RFC 5482 4.2: keepalive asks later than an adopted user timeout ends. */
static yeon_time idle_time(const struct yeon_tcp *c)
{
  uint32_t ms = tcp_keepidle_ms(c);
  if (c->extra != NULL && c->extra->user_timeout_adopted && ms <= c->extra->user_timeout_ms)
    ms = c->extra->user_timeout_ms + 1000;
  return (yeon_time)ms * YEON_MS;
}

static bool applies(const struct yeon_tcp *c)
{
  if ((c->flags & TCP_F_KEEPALIVE) == 0) return false;
  switch ((enum yeon_tcp_state)c->state) {
  case YEON_TCP_ESTABLISHED:
  case YEON_TCP_CLOSE_WAIT:
  case YEON_TCP_FIN_WAIT_1:
  case YEON_TCP_FIN_WAIT_2:
  case YEON_TCP_CLOSING:
  case YEON_TCP_LAST_ACK: return true;
  default: return false;
  }
}

/* The last segment either way. */
static yeon_time quiet_since(const struct yeon_tcp *c, yeon_time now)
{
  yeon_time sent = now - (yeon_time)(tcp_ms(c->t, now) - c->sent_ms) * YEON_MS;
  return c->heard_at > sent ? c->heard_at : sent;
}

void tcp_keepalive_start(struct yeon_tcp *c, yeon_time now)
{
  if (!applies(c)) {
    tcp_timer_stop(c, YEON_TIMER_KEEPALIVE, now);
    return;
  }
  yeon_time from = quiet_since(c, now);
  yeon_time at = from + idle_time(c);
  tcp_timer_set(c, YEON_TIMER_KEEPALIVE, at > now ? at : now, now);
}

/* The idle time begins with the asking, however long nothing was heard before, as in kernels. */
void tcp_keepalive_asked(struct yeon_tcp *c, yeon_time now)
{
  tcp_keepalive_start(c, now);
  if (applies(c)) tcp_timer_set(c, YEON_TIMER_KEEPALIVE, now + idle_time(c), now);
}

static bool peer_is_gone(const struct yeon_tcp *c, yeon_time now)
{
  uint32_t user_ms = tcp_user_timeout_ms(c);
  /* As in Linux, a user timeout replaces the count of probes. */
  if (user_ms != 0) return c->probes > 0 && now - c->heard_at >= (yeon_time)user_ms * YEON_MS;
  return c->probes >= tcp_keepcnt(c);
}

void tcp_on_keepalive_timer(struct yeon_tcp *c, yeon_time now)
{
  if (!applies(c)) return;
  yeon_time idle = idle_time(c);
  yeon_time from = quiet_since(c, now);
  bool busy = tcp_outstanding(c) || tcp_timer_on(c, YEON_TIMER_PERSIST);
  if (busy || (c->probes == 0 && now - from < idle)) {
    /* Unacknowledged data is the retransmission timer's business; any traffic begins the idle time anew. */
    tcp_timer_set(c, YEON_TIMER_KEEPALIVE, busy ? now + idle : from + idle, now);
    return;
  }
  if (peer_is_gone(c, now)) {
    c->t->counters->tcp_timeout++;
    tcp_send_reset(c, now);
    tcp_conn_end(c, c->soft_error != 0 ? c->soft_error : YEON_ERR_TIMED_OUT, YEON_CAUSE_KEEPALIVE, now);
    return;
  }
  c->probes++;
  c->flags |= TCP_F_KEEPALIVE_PROBE;
  tcp_want_output(c);
  tcp_timer_set(c, YEON_TIMER_KEEPALIVE, now + (yeon_time)tcp_keepintvl_ms(c) * YEON_MS, now);
}
