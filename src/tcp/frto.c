/* Forward RTO recovery (RFC 5682): was the time-out spurious? After it only the oldest segment goes again. If the first acknowledgment moves on, two new
 * segments are sent and not the next that seem lost; if the second moves on too, by something that was sent once only, then the originals are
 * arriving and nothing was lost. With SACK (section 3) any report of what was sent once before the time-out tells the same, and at once.
 * A duplicate says that the loss is real, and recovery goes on as usual. */
#include "tcp/internal.h"

void tcp_frto_begin(struct yeon_tcp *c, bool first)
{
  bool wanted = c->t->options.frto && (first || c->rexmits > 1 || c->busy->frto != TCP_FRTO_OFF);
  c->busy->frto = wanted ? TCP_FRTO_FIRST : TCP_FRTO_OFF;
}

bool tcp_frto_holds(const struct yeon_tcp *c) { return c->busy != NULL && c->busy->frto == TCP_FRTO_SECOND; }

/* Step 2b, later: what there was to send has been held back since. */
void tcp_frto_consider(struct yeon_tcp *c)
{
  if (tcp_frto_holds(c) && c->snd_max == c->busy->recover && !tcp_has_new(c)) c->busy->frto = TCP_FRTO_OFF;
}

/* Something sent once has arrived, from before the time-out. Without SACK it may have been there for long, behind a gap that the copy has closed. */
static bool shows_original(const struct yeon_tcp *c, const struct tcp_news *news)
{
  return news->original && ((c->flags & TCP_F_SACK) != 0 || !news->copy);
}

bool tcp_frto_on_ack(struct yeon_tcp *c, const struct tcp_news *news, bool duplicate)
{
  struct tcp_busy *b = c->busy;
  if (b->frto == TCP_FRTO_OFF) return false;
  if (shows_original(c, news)) return true;
  if (b->frto == TCP_FRTO_SECOND) {
    if (duplicate || news->sacked > 0) b->frto = TCP_FRTO_OFF; /* RFC 5682 2.1 and 3.1, step 3a */
  } else if (news->acked > 0 && seq_lt(c->snd_una, b->recover)) {
    /* Step 2b; without anything new that may go (Nagle holds it back, the application, the peer's window) the conventional recovery goes on. */
    b->frto = tcp_has_new(c) ? TCP_FRTO_SECOND : TCP_FRTO_OFF;
    if (b->frto == TCP_FRTO_SECOND) b->recover = c->snd_max;
  } else if (duplicate || seq_ge(c->snd_una, b->recover)) {
    b->frto = TCP_FRTO_OFF; /* step 2a */
  }
  return false;
}
