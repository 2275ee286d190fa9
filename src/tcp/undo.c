/* Reductions that were a mistake are taken back (RFC 4015): nothing was lost, it was only late, or had been overtaken. Three witnesses:
 *
 * The timestamp that an acknowledgment echoes (RFC 3522, Eifel): older than the first retransmission, it answers the original.
 * DSACK (RFC 2883; RFC 3708 has the idea): when the peer has reported every byte that was sent again as a duplicate, none of it was needed. Bytes are
 * counted: up as they leave again, down as they are reported.
 * What seemed lost is all acknowledged before anything of it could be sent again.
 *
 * A reduction can be taken back until the next one begins or nothing is in flight. */
#include "tcp/ecn.h"

/* While copies of the recovery before are out, what answers one of them must not pass for the answer of an original: they count as this one's. */
void tcp_undo_begin(struct yeon_tcp *c)
{
  struct tcp_undo *u = &c->busy->undo;
  uint32_t out = c->busy->sent.resent;
  *u = (struct tcp_undo){.una = c->snd_una, .possible = c->t->options.undo, .any = u->any && out > 0, .ts = u->ts, .resent = out};
}

void tcp_undo_resent(struct yeon_tcp *c, uint32_t len, yeon_time now)
{
  struct tcp_undo *u = &c->busy->undo;
  if (!c->t->options.undo) return;
  if (!u->any) u->ts = tcp_ts_now(c->t, &c->record.key, now);
  u->any = true;
  u->resent += len;
}

void tcp_undo_on_dsack(struct yeon_tcp *c, const struct tcp_news *news)
{
  struct tcp_undo *u = &c->busy->undo;
  if (!u->possible || !u->any || !news->dsack || seq_le(news->dsack_right, u->una)) return;
  uint32_t bytes = news->dsack_right - seq_max(news->dsack_left, u->una);
  u->resent -= bytes < u->resent ? bytes : u->resent;
}

bool tcp_undo_all_duplicates(const struct yeon_tcp *c)
{
  const struct tcp_undo *u = &c->busy->undo;
  return u->possible && u->any && u->resent == 0;
}

bool tcp_undo_eifel(const struct yeon_tcp *c, const struct tcp_news *news)
{
  const struct tcp_undo *u = &c->busy->undo;
  return u->possible && u->any && news->echoed && seq_lt(news->echo, u->ts);
}

bool tcp_undo_nothing_lost(const struct yeon_tcp *c)
{
  return c->busy->undo.possible && !c->busy->undo.any && c->busy->sent.lost == 0;
}

/* RFC 4015 3.2: the window as it was; sending goes on with new bytes. */
void tcp_undo(struct yeon_tcp *c, yeon_time now)
{
  c->busy->undo.possible = false;
  /* What left by no time-out was overtaken: the path reorders. */
  if ((c->flags & TCP_F_RTO_RECOVERY) == 0 && c->reo_steps == 0) c->reo_steps = 1;
  c->busy->recover = c->snd_una - 1; /* RFC 4015 section 4: the next loss may begin a recovery */
  c->busy->frto = TCP_FRTO_OFF;
  c->busy->prr.flight = 0;
  tcp_sent_find_again(c);
  /* What seemed to have arrived as a copy was the original: RACK begins anew with the next news. */
  c->busy->rack.sent_at = 0;
  c->busy->rack.found = false;
  tcp_recovery_leave(c);
  c->flags &= ~TCP_F_REXMIT_HEAD;
  c->rexmits = 0;
  cc_on_undo(&c->cc, now);
  if (c->record.ecn != 0) tcp_ecn_undone(c);
  c->t->counters->tcp_undone++;
  tcp_trace_cwnd(c, "undone", now);
}
