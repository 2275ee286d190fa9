/* Answers to segments that do not fit (RFC 9293 3.10.7.4, RFC 5961): limited per host and per connection, so that two confused ends, or a
 * stranger, cannot make us talk without end. */
#include "tcp/internal.h"

bool tcp_challenge_allowed(struct tcp *t, yeon_time now)
{
  if (now - t->challenge_at >= YEON_SEC) {
    t->challenge_at = now;
    t->challenge_count = 0;
    /* RFC 5961 section 7 asks for a limit; a known fixed one would let a stranger count our answers, so it varies by half. */
    uint32_t limit = t->options.challenge_per_second;
    t->challenge_budget = limit / 2 + rng_below(t->rng, limit + 1);
  }
  if (t->challenge_count >= t->challenge_budget) {
    t->counters->tcp_challenge_limited++;
    return false;
  }
  t->challenge_count++;
  t->counters->tcp_challenge_sent++;
  return true;
}

static bool too_soon(const struct yeon_tcp *c, yeon_time now)
{
  return c->oow_ms != 0 && tcp_ms(c->t, now) - c->oow_ms < c->t->options.ack_limit_us / 1000;
}

void tcp_challenge(struct tcp_in *in, struct yeon_tcp *c)
{
  in->verdict = YEON_VERDICT_CHALLENGED;
  if (too_soon(c, in->now)) {
    in->t->counters->tcp_challenge_limited++;
    return;
  }
  if (!tcp_challenge_allowed(c->t, in->now)) return;
  c->oow_ms = tcp_ms(c->t, in->now);
  c->flags2 |= TCP_G_PLAIN_ACK;
  tcp_ack_now(c);
}

void tcp_ack_out_of_window(struct tcp_in *in, struct yeon_tcp *c)
{
  /* Bytes again that we have: the peer missed an acknowledgment and waits for it, so this is never held back. */
  bool data = in->s->len > 0 || (in->s->h.flags & YEON_TCP_FIN) != 0;
  if (!data && too_soon(c, in->now)) return;
  if (!data) c->oow_ms = tcp_ms(c->t, in->now);
  tcp_ack_now(c);
}
