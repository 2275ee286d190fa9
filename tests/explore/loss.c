/* What must hold of loss recovery, the probes and pacing (RFC 2018, 8985, 4015), in every state and on every segment. */
#include "explore.h"

/* A loss probe's two round trips, and what they are rounded up by; see tlp.c. */
#define PROBE_SLACK (4 * YEON_MS)

static bool told(const struct tcp_sent *r) { return (r->flags & TCP_SENT_SACKED) != 0; }

/* The records lie end to end over what is outstanding, none is both told of and lost, and the sums are theirs. */
static void check_scoreboard(struct world *w, unsigned side, const struct yeon_tcp *c)
{
  const struct tcp_sents *s = &c->busy->sent;
  uint32_t sacked = 0, lost = 0, resent = 0, due = 0;
  for (uint32_t i = 0; i < s->n; i++) {
    const struct tcp_sent *r = tcp_sent_at(s, i);
    uint32_t end = tcp_sent_end(s, i), len = end - r->seq;
    uint8_t again = r->flags & (TCP_SENT_LOST | TCP_SENT_RESENT);
    if (!seq_lt(r->seq, end)) violate(w, "%c: records of what was sent do not lie end to end", "ab"[side]);
    if (told(r) && again != 0) violate(w, "%c: bytes that were told of count as lost", "ab"[side]);
    sacked += told(r) ? len : 0;
    lost += (again & TCP_SENT_LOST) != 0 ? len : 0;
    resent += (again & TCP_SENT_RESENT) != 0 ? len : 0;
    due += again == TCP_SENT_LOST ? len : 0;
    if (again == TCP_SENT_LOST && seq_lt(r->seq, s->due_from)) violate(w, "%c: what is lost will not be found", "ab"[side]);
  }
  if (sacked != s->sacked || lost != s->lost || resent != s->resent || due != s->due)
    violate(w, "%c: the sums of what was sent are wrong", "ab"[side]);
  bool open = s->n > 0 && c->state >= YEON_TCP_ESTABLISHED;
  if (open && tcp_sent_at(s, 0)->seq != c->snd_una) violate(w, "%c: the oldest record is not the oldest byte", "ab"[side]);
  if (s->n > 0 && seq_gt(s->end, c->snd_max)) violate(w, "%c: a record of what was not sent", "ab"[side]);
}

static bool has(const struct yeon_tcp *d, uint32_t left, uint32_t right)
{
  const struct tcp_sacks *ooo = tcp_ooo(d);
  if (seq_le(right, d->rcv_nxt)) return true;
  for (unsigned i = 0; ooo != NULL && i < ooo->set->n; i++) {
    const struct range *r = &ooo->set->v[i];
    if (seq_le(right, r->right) && seq_ge(seq_max(left, d->rcv_nxt), r->left)) return true;
  }
  return false;
}

/* RFC 2018 8: what the peer has told of it has, for ours never takes anything back; but for one that nobody will read from any more. */
static void check_told(struct world *w, unsigned side, const struct yeon_tcp *c, const struct yeon_tcp *d)
{
  const struct tcp_sents *s = &c->busy->sent;
  if (d == NULL || (d->flags & TCP_F_ORPHAN) != 0 || d->state < YEON_TCP_ESTABLISHED || d->irs != c->iss || c->irs != d->iss) return;
  for (uint32_t i = 0; i < s->n; i++)
    if (told(tcp_sent_at(s, i)) && !has(d, tcp_sent_at(s, i)->seq, tcp_sent_end(s, i)))
      violate(w, "%c takes bytes for told of that have not arrived", "ab"[side]);
}

/* RFC 8985 7.2: what a probe could ask for is asked for two round trips after bytes left or were acknowledged, unless the time-out comes sooner. As long as
 * nothing has been sent again or taken for lost: what is learnt of that begins no wait anew, unless it acknowledges. */
static void check_probe(struct world *w, unsigned side, const struct yeon_tcp *c)
{
  const struct yeon_counters *n = yeon_host_counters(w->host[side]);
  bool first = n->tcp_loss_probes == w->live.remembered[side].probes && n->tcp_undone == 0 && c->bytes_retransmitted == 0;
  if (!first || !tcp_tlp_wanted(c) || (c->flags & TCP_F_ON_OUT) != 0) return;
  yeon_time last = tcp_sent_at(&c->busy->sent, c->busy->sent.n - 1)->sent_at, now = w->live.now;
  yeon_time wait = c->srtt_us == 0 ? YEON_SEC : 2 * (yeon_time)c->srtt_us * YEON_US;
  yeon_time latest = (last + wait > now ? last + wait : now) + PROBE_SLACK;
  enum yeon_tcp_timer which = tcp_timer_on(c, YEON_TIMER_PROBE) ? YEON_TIMER_PROBE : YEON_TIMER_REXMIT;
  if (tcp_timer_on(c, YEON_TIMER_REORDER)) return; /* which stands in for both, and ends before */
  if (tcp_timer_at(c, which) > latest) violate(w, "%c: the end of a flight is not probed for", "ab"[side]);
}

/* A quantum is two segments at least, and at the least rate, a segment a round trip or the limit that was set, its time is over soon. */
static void check_pace(struct world *w, unsigned side, const struct yeon_tcp *c)
{
  yeon_time most = 2 * (yeon_time)c->srtt_us * YEON_US + YEON_SEC;
  if (tcp_timer_on(c, YEON_TIMER_PACE) && tcp_timer_at(c, YEON_TIMER_PACE) > w->live.now + most)
    violate(w, "%c: a paced segment waits too long", "ab"[side]);
  /* With nothing in flight and both windows open it is its time that a segment waits for, and nothing else. */
  bool full = c->state >= YEON_TCP_ESTABLISHED && tcp_snd_end(c) - c->snd_max >= c->snd_mss && seq_lt(c->snd_max, tcp_snd_end(c));
  bool open = c->snd_wnd >= c->snd_mss && c->cc.cwnd >= c->snd_mss && !tcp_outstanding(c) && (c->flags & TCP_F_ON_OUT) == 0;
  if (w->rules->paced && full && open && !tcp_timer_on(c, YEON_TIMER_PACE))
    violate(w, "%c: a segment could leave, and nothing is waited for", "ab"[side]);
}

/* RFC 4015 3.2: a reduction that is taken back leaves the window no smaller than it was before. */
static void remember(struct world *w, unsigned side, const struct yeon_tcp *c)
{
  struct remembered *r = &w->live.remembered[side];
  const struct yeon_counters *n = yeon_host_counters(w->host[side]);
  if (r->id != c->id) *r = (struct remembered){.id = c->id, .undone = n->tcp_undone, .probes = n->tcp_loss_probes};
  uint32_t reduced = c->flags & (TCP_F_RECOVERY | TCP_F_RTO_RECOVERY);
  if (reduced != 0 && r->reduced == 0) r->before = r->window;
  if (reduced != 0 && r->reduced != 0 && reduced != r->reduced) r->before = r->threshold; /* a time-out amid recovery takes back no more than itself */
  if (n->tcp_undone != r->undone && c->cc.cwnd < r->before)
    violate(w, "%c: a mistake is taken back, but the window stays at %u, where it was %u", "ab"[side], c->cc.cwnd, r->before);
  r->undone = n->tcp_undone;
  r->reduced = reduced;
  r->threshold = c->cc.ssthresh;
  if (reduced == 0) r->window = c->cc.cwnd;
}

void loss_after_step(struct world *w)
{
  for (unsigned side = 0; side < 2; side++) {
    const struct yeon_tcp *c = connection_of(w, side, w->live.monitor[side].id);
    if (c != NULL && c->state != YEON_TCP_CLOSED) remember(w, side, c);
  }
}

void check_loss(struct world *w, unsigned side, const struct yeon_tcp *c, const struct yeon_tcp *peer)
{
  check_pace(w, side, c);
  if (c->busy == NULL) return;
  check_scoreboard(w, side, c);
  check_told(w, side, c, peer);
  check_probe(w, side, c);
}

void check_again(struct world *w, unsigned side, const struct yeon_tcp *c, const struct packet *p)
{
  if (c->busy == NULL) return;
  const struct tcp_sents *s = &c->busy->sent;
  for (uint32_t i = 0; i < s->n; i++)
    if (told(tcp_sent_at(s, i)) && seq_lt(tcp_sent_at(s, i)->seq, p->h.seq + p->n) && seq_gt(tcp_sent_end(s, i), p->h.seq))
      violate(w, "%c sends again what was told of", "ab"[side]);
}
