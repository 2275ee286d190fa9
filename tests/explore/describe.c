/* A state as one number. Equal states must give the same number however they came about, others a different one; so not the memory is hashed,
 * but what it means: sequence numbers from the first a side used, instants from now on, timestamps from their owner's clock. Left out is what
 * nothing depends on (order of pools and tables, node of the wheel, counters for yeon_tcp_info) or cannot matter under a world's rules: round-trip
 * times where the time-out is fixed, the budget of challenge ACKs, which a thousand segments a second do not exhaust here. Whether
 * something that matters was left out is found out by search.c: with --audit it compares what can follow from two states of one number. */
#include "explore.h"

#include "tcp/ecn.h"

#include <stdio.h>

struct sum {
  uint64_t h;
  const struct world *w;
  unsigned side;
  bool print;
};

static inline void put(struct sum *s, uint64_t x)
{
  if (s->print) printf("%llx\n", (unsigned long long)x);
  s->h = (s->h ^ x) * UINT64_C(0xd6e8feb86659fd93);
  s->h ^= s->h >> 32;
  s->h = s->h * UINT64_C(0x9e3779b97f4a7c15) + 1;
  s->h ^= s->h >> 29;
}

static inline void put2(struct sum *s, uint32_t a, uint32_t b) { put(s, (uint64_t)a << 32 | b); }

static inline void put_at(struct sum *s, yeon_time at)
{
  put(s, at == YEON_NEVER ? UINT64_MAX : (uint64_t)(at - s->w->live.now));
}

/* Sequence numbers of this side, and of the other. */
static inline uint32_t ours(const struct sum *s, uint32_t seq) { return seq - s->w->live.origin[s->side]; }
static inline uint32_t theirs(const struct sum *s, uint32_t seq) { return seq - s->w->live.origin[!s->side]; }

static uint32_t clock_ms(const struct world *w) { return (uint32_t)((w->live.now - w->began_at) / YEON_MS); }

/* How old a side's timestamp is. */
static uint32_t age_of(const struct world *w, unsigned side, uint32_t ts)
{
  return clock_ms(w) + w->ts_offset[side] - ts;
}

static void put_bytes(struct sum *s, const struct ring *r, uint32_t offset, uint32_t len)
{
  struct yeon_slice part[2];
  unsigned n = ring_slices(r, offset, len, part);
  uint64_t word = 0;
  unsigned have = 0;
  for (unsigned i = 0; i < n; i++) {
    const uint8_t *p = part[i].base;
    size_t left = part[i].len;
    for (; have == 0 && left >= 8; p += 8, left -= 8) {
      memcpy(&word, p, 8);
      put(s, word);
      word = 0;
    }
    for (; left > 0; p++, left--) {
      word |= (uint64_t)*p << (8 * have);
      if (++have < 8) continue;
      put(s, word);
      word = 0;
      have = 0;
    }
  }
  put(s, word);
}

static void put_ranges(struct sum *s, const struct tcp_sacks *sacks, uint32_t base)
{
  put(s, sacks == NULL ? UINT64_MAX : sacks->set->n);
  if (sacks == NULL) return;
  for (unsigned i = 0; i < sacks->set->n; i++) put2(s, sacks->set->v[i].left - base, sacks->set->v[i].right - base);
}

static void put_sent(struct sum *s, const struct yeon_tcp *c)
{
  const struct tcp_sents *sent = &c->busy->sent;
  put(s, sent->n);
  for (uint32_t i = 0; i < sent->n; i++) put2(s, tcp_sent_at(sent, i)->seq - c->iss, tcp_sent_at(sent, i)->flags);
  put2(s, sent->n > 0 ? sent->end - c->iss : 0, sent->sacked > 0 ? sent->top - c->iss : 0);
  if (!s->w->rules->modern) return;
  for (uint32_t i = 0; i < sent->n; i++) {
    put_at(s, tcp_sent_at(sent, i)->sent_at);
    put(s, tcp_sent_at(sent, i)->segs);
  }
}

/* What the mechanisms of loss.h remember. */
static void put_loss(struct sum *s, const struct yeon_tcp *c)
{
  const struct tcp_busy *b = c->busy;
  const struct tcp_rack *k = &b->rack;
  if (!s->w->rules->modern) return;
  put_at(s, k->sent_at == 0 ? YEON_NEVER : k->sent_at);
  put2(s, k->sent_at == 0 ? 0 : k->end - c->iss, k->rtt_us);
  put2(s, k->in_round ? k->round - c->iss : 0, (uint32_t)c->reo_persist << 8 | (uint32_t)k->found << 1 | k->in_round);
  put2(s, b->tlp.out ? b->tlp.end - c->iss : 0, (uint32_t)b->tlp.out << 1 | b->tlp.again);
  put(s, b->prr.flight);
  if (b->prr.flight > 0) put2(s, b->prr.delivered, b->prr.sent);
  put(s, (uint64_t)b->frto << 2 | (uint64_t)b->undo.possible << 1 | b->undo.any);
  if (!b->undo.possible) return;
  put2(s, b->undo.una - c->iss, b->undo.resent);
  if (b->undo.any) put(s, age_of(s->w, s->side, b->undo.ts));
}

static void put_busy(struct sum *s, const struct yeon_tcp *c)
{
  const struct tcp_busy *b = c->busy;
  put(s, b != NULL);
  if (b == NULL) return;
  put2(s, b->recover - c->iss, b->judged - c->iss);
  put2(s, b->snd_small - c->iss, (c->flags & TCP_F_TIMING) != 0 ? b->rtt_seq - c->iss : 0);
  put2(s, b->rcv_fin_known, b->rcv_fin_known ? b->rcv_fin - c->irs : 0);
  put2(s, b->flight_max, b->round_end - c->iss);
  for (unsigned i = 0; i < CC_BORROWED_BYTES / 8; i++) put(s, b->cc_state[i]);
  if (s->w->rules->measured) put_at(s, (c->flags & TCP_F_TIMING) != 0 ? b->rtt_at : s->w->live.now);
  put_sent(s, c);
  put_loss(s, c);
  if (s->w->rules->paced) {
    put(s, b->pace_left);
    put_at(s, b->pace_at == 0 ? YEON_NEVER : b->pace_at);
  }
  put_ranges(s, b->ooo, c->irs);
  if (b->ooo != NULL) {
    put(s, b->ooo->n_recent);
    put(s, (c->flags & TCP_F_TS) != 0 ? age_of(s->w, !s->side, b->ooo->gap_ts) : 0);
    for (unsigned i = 0; i < b->ooo->n_recent; i++) put(s, b->ooo->recent[i] - c->irs);
    for (unsigned i = 0; i < b->ooo->set->n; i++) {
      const struct range *r = &b->ooo->set->v[i];
      put_bytes(s, c->rcv, ring_len(c->rcv) + (r->left - c->rcv_nxt), r->right - r->left);
    }
  }
  if ((c->flags & TCP_F_DSACK) != 0) put2(s, b->dsack_left - c->irs, b->dsack_right - c->irs);
}

static void put_sending(struct sum *s, const struct yeon_tcp *c)
{
  put2(s, ours(s, c->iss), c->snd_una - c->iss);
  put2(s, c->snd_nxt - c->iss, c->snd_max - c->iss);
  put2(s, c->snd_wnd, c->max_snd_wnd);
  bool heard = c->state != YEON_TCP_SYN_SENT;
  put2(s, heard ? theirs(s, c->snd_wl1) : 0, heard ? ours(s, c->snd_wl2) : 0);
  put2(s, c->sndbuf, (c->flags & TCP_F_FIN_SENT) != 0 ? c->snd_fin - c->iss : 0);
  put2(s, c->cc.cwnd, c->cc.ssthresh);
  put2(s, c->cc.memory, c->rto_us);
  put(s, (uint64_t)c->snd_mss << 48 | (uint64_t)c->peer_mss << 32 | (uint64_t)c->path_mtu << 16 | c->backoff);
  if (s->w->rules->measured) {
    put2(s, c->srtt_us, c->rttvar_us);
    if (s->w->rules->modern) put2(s, c->rtt_min_us, c->reo_steps);
  } else {
    put(s, c->srtt_us != 0);
  }
  put_bytes(s, c->snd, 0, ring_len(c->snd));
}

static void put_receiving(struct sum *s, const struct yeon_tcp *c)
{
  if (c->state == YEON_TCP_SYN_SENT) return;
  put2(s, theirs(s, c->irs), c->rcv_nxt - c->irs);
  put2(s, c->rcv_adv - c->irs, c->last_ack - c->irs);
  put2(s, c->rcvbuf, (c->flags & TCP_F_TS) != 0 ? age_of(s->w, !s->side, c->ts_recent) : 0);
  put_bytes(s, c->rcv, 0, ring_len(c->rcv));
}

static uint32_t since_ms(const struct sum *s, const struct yeon_tcp *c, uint32_t ms, uint32_t most)
{
  uint32_t since = tcp_ms(c->t, s->w->live.now) - ms;
  return since < most ? since : most;
}

static void put_times(struct sum *s, const struct yeon_tcp *c)
{
  for (unsigned i = 0; i < YEON_TIMERS; i++)
    if (tcp_timer_on(c, (enum yeon_tcp_timer)i)) put_at(s, tcp_timer_at(c, (enum yeon_tcp_timer)i));
  uint32_t limit_ms = c->t->options.ack_limit_us / 1000;
  put2(s, since_ms(s, c, c->sent_ms, c->rto_us / 1000 + 1),
       c->oow_ms == 0 ? limit_ms : since_ms(s, c, c->oow_ms, limit_ms));
  /* Looked at only while the peer's window is closed. */
  yeon_time heard = s->w->live.now - c->heard_at, most = (yeon_time)tcp_rto_us(c) * YEON_US + 1;
  put(s, c->snd_wnd > 0 ? 0 : (uint64_t)(heard < most ? heard : most));
}

static void put_ecn(struct sum *s, const struct yeon_tcp *c)
{
  if (c->record.ecn == 0) return;
  const struct tcp_ecn *e = tcp_ecn(c);
  put2(s, (uint32_t)e->mode << 24 | (uint32_t)e->codepoint << 16 | e->flags, (e->flags & TCP_E_REDUCED) != 0 ? e->reduced_at - c->iss : 0);
  put2(s, e->arrived_ce, e->told_ce);
  for (unsigned i = 0; i < 3; i++) put2(s, e->arrived[i], e->told[i]);
  put2(s, (uint32_t)e->acks_average << 16 | (uint32_t)e->fed << 8 | e->changed, (uint32_t)e->ever << 24 | (uint32_t)e->options_due << 16 |
                                                                           (uint32_t)e->told_then << 8 | e->repeats);
}

static void put_conn(struct sum *s, const struct yeon_tcp *c)
{
  const struct program *p = &s->w->live.program[s->side];
  put2(s, c->flags, c->flags2);
  put(s, c->record.kind);
  put(s, (uint64_t)c->state << 56 | (uint64_t)c->reported << 48 | (uint64_t)(uint8_t)c->error << 40 |
             (uint64_t)(uint8_t)c->soft_error << 32 | (uint64_t)c->rexmits << 24 | (uint64_t)c->probes << 16 |
             (uint64_t)c->dup_acks << 8 | c->timers);
  put(s, (uint64_t)c->quick_acks << 56 | (uint64_t)c->rcv_mss << 40 | (uint64_t)c->acks_owed << 32 |
             (uint64_t)c->snd_wscale << 24 | (uint64_t)c->rcv_wscale << 16 | (uint64_t)c->probe_backoff << 8 |
             (c == p->tcp ? 2u : 0u) | (c == p->listener ? 1u : 0u));
  if (c->state == YEON_TCP_LISTEN) {
    put2(s, c->extra->waiting, c->extra->backlog);
    return;
  }
  put_sending(s, c);
  put_receiving(s, c);
  put_times(s, c);
  put_busy(s, c);
  put_ecn(s, c);
}

static void put_half_open(struct sum *s, const struct tcp_half_open *h)
{
  put2(s, ours(s, h->iss), theirs(s, h->irs));
  put2(s, age_of(s->w, !s->side, h->ts_recent), (uint32_t)h->peer_mss << 16 | (uint32_t)h->wscale << 8 | h->flags);
  put2(s, h->retries, pool_live(&s->w->host[s->side]->tcp.conns, h->listener));
  put_at(s, wheel_armed(&h->node) ? h->node.deadline : YEON_NEVER);
  if (s->w->rules->measured) put(s, (uint64_t)((s->w->live.now - s->w->began_at) / YEON_US) - h->sent_us);
}

static void put_time_wait(struct sum *s, const struct tcp_time_wait *t)
{
  if ((t->flags & TCP_H_DEAD) != 0) return;
  put2(s, ours(s, t->snd_nxt), theirs(s, t->rcv_nxt));
  put2(s, (t->flags & TCP_H_TS) != 0 ? age_of(s->w, !s->side, t->ts_recent) : 0,
       (uint32_t)t->flags << 16 | t->longer_s);
  put(s, t->expires_ms - clock_ms(s->w));
}

static void put_header(struct sum *s, const struct wire_tcp *h)
{
  /* A reset that answers no acknowledgment has the number nought. */
  bool zero = (h->flags & (YEON_TCP_RST | YEON_TCP_ACK)) == (YEON_TCP_RST | YEON_TCP_ACK) && h->seq == 0;
  put2(s, zero ? 0 : ours(s, h->seq), (h->flags & YEON_TCP_ACK) != 0 ? theirs(s, h->ack) : h->ack);
  put(s, (uint64_t)h->flags << 56 | (uint64_t)(uint8_t)h->wscale << 48 | (uint64_t)h->window << 32 |
             (uint64_t)h->mss << 16 | (uint64_t)h->n_sack << 8 | (uint64_t)h->sack_ok << 1 | h->has_ts);
  if (h->has_ts) put2(s, age_of(s->w, s->side, h->tsval), h->tsecr == 0 ? 0 : age_of(s->w, !s->side, h->tsecr));
  for (unsigned i = 0; i < h->n_sack; i++) put2(s, theirs(s, h->sack[i].left), theirs(s, h->sack[i].right));
}

/* Connections with something to send, in their order. */
static void put_lists(struct sum *s, const struct tcp *t)
{
  for (uint32_t n = t->out[0].first; n != 0; n = tcp_conn(t, n)->out_next) put(s, tcp_conn(t, n)->state);
  for (uint32_t i = 0; i < t->replies_count; i++) put_header(s, &t->replies[(t->replies_first + i) % t->replies_cap].h);
  put2(s, t->replies_count, t->reports.first != 0);
}

static uint64_t hash_host(const struct world *w, unsigned side, bool print)
{
  const struct tcp *t = &w->host[side]->tcp;
  struct sum s = {.h = side + 1, .w = w, .side = side, .print = print};
  for (uint32_t n = pool_next(&t->conns, 0); n != 0; n = pool_next(&t->conns, n)) put_conn(&s, pool_at(&t->conns, n));
  put(&s, t->conns.used);
  for (uint32_t n = pool_next(&t->half_opens, 0); n != 0; n = pool_next(&t->half_opens, n))
    put_half_open(&s, pool_at(&t->half_opens, n));
  put(&s, t->half_opens.used);
  for (uint32_t n = t->time_wait.first; n != 0; n = ((struct tcp_time_wait *)pool_at(&t->time_waits, n))->next)
    put_time_wait(&s, pool_at(&t->time_waits, n));
  put_lists(&s, t);
  return s.h;
}

static uint64_t hash_rest(const struct world *w, bool print)
{
  const struct live *l = &w->live;
  struct sum s = {.h = 7, .w = w, .print = print};
  put(&s, (uint64_t)l->troubled << 2 | (uint64_t)l->has_origin[0] << 1 | l->has_origin[1]);
  for (s.side = 0; s.side < 2; s.side++) {
    const struct program *p = &l->program[s.side];
    put(&s, (uint64_t)p->received << 32 | (uint64_t)p->generation << 24 | (uint64_t)p->connects << 16 |
                (uint64_t)p->writes << 8 | (uint64_t)(p->tcp != NULL) << 3 | (uint64_t)(p->listener != NULL) << 2 |
                (uint64_t)p->shut << 1 | p->eof);
    /* Where the numbers of a further connection begin depends on the clock. */
    bool more = p->listener != NULL || p->connects < w->rules->connects[s.side];
    put(&s, more && l->has_origin[s.side] ? (uint64_t)(l->now - l->origin_at[s.side]) : 0);
    for (unsigned g = 0; g < GENERATIONS; g++) {
      const struct stream *t = &l->stream[s.side][g];
      if (t->known) put2(&s, t->iss - l->origin[s.side], t->written << 1 | t->ended);
    }
    put(&s, l->n_net[s.side]);
    for (unsigned i = 0; i < l->n_net[s.side]; i++) {
      const struct packet *k = packets_at(w->packets, l->net[s.side][i]);
      put_header(&s, &k->h);
      put2(&s, k->n, (uint32_t)k->payload_hash);
    }
  }
  return s.h;
}

uint64_t describe_host(const struct world *w, unsigned side) { return hash_host(w, side, false); }

uint64_t describe_rest(const struct world *w) { return hash_rest(w, false); }

void describe_print(const struct world *w)
{
  for (unsigned i = 0; i < 2; i++) {
    printf("host %c\n", "ab"[i]);
    hash_host(w, i, true);
  }
  printf("programs and network\n");
  hash_rest(w, true);
}
