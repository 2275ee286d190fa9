/* The user timeout (RFC 9293 3.8.3): how long bytes may wait for their acknowledgment before the connection has failed. With
 * yeon_tcp_options.user_timeout_option each end tells the other its own (RFC 5482), on its SYN and on the first segment after a change, and one
 * whose application has set none goes by the other's. */
#include "tcp/internal.h"

#define ADOPTED_LEAST_MS 100000u  /* RFC 5482 3.1, L_LIMIT; RFC 9293 3.8.3: R2 of at least 100 s */
#define ADOPTED_MOST_MS 86400000u /* U_LIMIT: a stranger's wish may not hold our memory longer than a day */

uint32_t tcp_user_timeout_ms(const struct yeon_tcp *c)
{
  return c->extra != NULL && c->extra->user_timeout_ms != 0 ? c->extra->user_timeout_ms : c->t->options.user_timeout_ms;
}

/* Runs while something waits for the peer; begins anew with every sign of progress. */
void tcp_user_timeout_start(struct yeon_tcp *c, yeon_time now)
{
  uint32_t ms = tcp_user_timeout_ms(c);
  bool waits = tcp_outstanding(c) || c->state == YEON_TCP_SYN_SENT || ring_len(c->snd) > 0;
  if (ms == 0 || !waits)
    tcp_timer_stop(c, YEON_TIMER_USER, now);
  else
    tcp_timer_set(c, YEON_TIMER_USER, now + (yeon_time)ms * YEON_MS, now);
}

void tcp_on_user_timer(struct yeon_tcp *c, yeon_time now)
{
  c->t->counters->tcp_timeout++;
  tcp_send_reset(c, now);
  tcp_conn_end(c, YEON_ERR_TIMED_OUT, YEON_CAUSE_USER_TIMEOUT, now);
}

static bool speaks(const struct yeon_tcp *c)
{
  return c->t->options.user_timeout_option && tcp_user_timeout_ms(c) != 0;
}

/* RFC 5482 section 2: 15 bits of seconds, or of minutes where those do not reach. */
void tcp_user_timeout_option(const struct yeon_tcp *c, struct wire_tcp *h)
{
  if (!speaks(c)) return;
  uint32_t seconds = (tcp_user_timeout_ms(c) + 999) / 1000, minutes = (seconds + 59) / 60;
  h->has_uto = true;
  h->user_timeout = (uint16_t)(seconds <= 0x7fff ? seconds : 0x8000u | (minutes < 0x7fff ? minutes : 0x7fff));
}

bool tcp_user_timeout_due(const struct yeon_tcp *c) { return (c->flags2 & TCP_G_UTO_DUE) != 0 && speaks(c); }

/* RFC 5482 3.1: never where the application has set its own. */
void tcp_user_timeout_heard(struct yeon_tcp *c, const struct wire_tcp *h, yeon_time now)
{
  if (!h->has_uto || !c->t->options.user_timeout_option) return;
  if (c->extra != NULL && c->extra->user_timeout_ms != 0 && !c->extra->user_timeout_adopted) return;
  uint64_t ms = (uint64_t)(h->user_timeout & 0x7fff) * ((h->user_timeout & 0x8000) != 0 ? 60000 : 1000);
  struct tcp_extra *x = ms != 0 ? tcp_extra(c) : NULL;
  if (x == NULL) return;
  if (ms < c->t->options.user_timeout_ms) ms = c->t->options.user_timeout_ms;
  if (ms < ADOPTED_LEAST_MS) ms = ADOPTED_LEAST_MS;
  if (ms <= tcp_rto_us(c) / 1000) ms = tcp_rto_us(c) / 1000 + 1; /* or nothing could be sent again in time */
  x->user_timeout_ms = (uint32_t)(ms < ADOPTED_MOST_MS ? ms : ADOPTED_MOST_MS);
  x->user_timeout_adopted = true;
  tcp_user_timeout_start(c, now);
  tcp_keepalive_start(c, now);
}
