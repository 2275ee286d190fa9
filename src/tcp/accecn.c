/* Accurate ECN (RFC 9768): every segment tells, in the three flags of classic ECN, how many marked segments have arrived, modulo 8; and an option,
 * where there is room, how many payload bytes came with each codepoint, modulo 2^24. The counters begin at 5 and 1, 0, 1, so that a path that
 * clears them is found out. As counts, not as one bit, they survive lost acknowledgments, and say how much was marked, not only that something was.
 *
 * Three bits wrap soon. An acknowledgment of eight segments or more may hide a whole turn; then the safe case is taken, that all that can have
 * been marked was (3.2.2.5.2), unless an option tells better, or acknowledgments of many segments are what this peer always sends. */
#include "tcp/ecn.h"

#define OPTIONS_MOST 40u
static const uint32_t first_bytes[3] = {1, 0, 1}; /* RFC 9768 3.2.1, by enum wire_accecn */

unsigned tcp_accecn_handshake(unsigned codepoint)
{
  static const uint8_t ace[4] = {[WIRE_ECN_NOT] = 2, [WIRE_ECN_ECT1] = 3, [WIRE_ECN_ECT0] = 4, [WIRE_ECN_CE] = 6};
  return ace[codepoint & 3];
}

static int counter_of(unsigned codepoint)
{
  switch (codepoint) {
  case WIRE_ECN_ECT0: return WIRE_ACCECN_ECT0;
  case WIRE_ECN_CE: return WIRE_ACCECN_CE;
  case WIRE_ECN_ECT1: return WIRE_ACCECN_ECT1;
  default: return -1;
  }
}

/* ---- Receiving: counting what comes, and telling it ---- */

/* RFC 9768 3.2.2.5.1: at once where marks begin or end, and before the peer loses count. Acknowledgments of acknowledgments only where SACK tells them
 * from duplicates. */
static bool tell_at_once(const struct tcp_in *in, const struct yeon_tcp *c, const struct tcp_ecn *e, bool ce)
{
  bool was_ce = (e->flags & TCP_E_LAST_CE) != 0;
  if (in->s->len > 0 && ce != was_ce) return true;
  unsigned untold = (e->arrived_ce - e->fed) & 0xff;
  bool unacked = in->len > 0 || c->rcv_nxt != c->last_ack;
  if (unacked) return untold >= 2;
  return untold >= 3 && (c->flags & TCP_F_SACK) != 0;
}

/* RFC 9768 3.2.3.2.2: what an option of ours acknowledged comes again and again: segments with the option are lost. */
static void watch_repeats(const struct tcp_in *in, struct tcp_ecn *e)
{
  if (in->s->len == 0) return;
  if (in->verdict != YEON_VERDICT_DUPLICATE) {
    e->repeats = 0;
  } else if ((e->flags & TCP_E_OPTION_SENT) != 0 && ++e->repeats >= 2) {
    e->flags |= TCP_E_NO_OPTION;
  }
}

void tcp_accecn_received(const struct tcp_in *in, struct yeon_tcp *c)
{
  struct tcp_ecn *e = tcp_ecn(c);
  unsigned n = in->s->segs > 0 ? in->s->segs : 1u;
  bool ce = in->s->codepoint == WIRE_ECN_CE;
  int counter = counter_of(in->s->codepoint);
  watch_repeats(in, e);
  if (counter >= 0 && in->s->len > 0) {
    e->arrived[counter] += in->s->len;
    e->changed |= (uint8_t)(1u << counter);
    e->ever |= (uint8_t)(1u << counter);
  }
  if (ce) {
    e->arrived_ce += n;
    c->t->counters->tcp_ecn_marked_in += n;
    tcp_trace_ecn(c, YEON_ECN_ARRIVED, n, in->s->len, in->now);
  }
  if (tell_at_once(in, c, e, ce)) tcp_ack_now(c);
  e->flags = (uint16_t)(ce ? e->flags | TCP_E_LAST_CE : e->flags & ~TCP_E_LAST_CE);
}

static void put_counters(const struct tcp_ecn *e, struct wire_tcp *h)
{
  for (unsigned i = 0; i < 3; i++) h->accecn[i] = (first_bytes[i] + e->arrived[i]) & 0xffffff;
}

void tcp_accecn_first_option(const struct yeon_tcp_options *o, struct wire_tcp *h)
{
  const struct tcp_ecn none = {.mode = TCP_ECN_ACCURATE};
  if (o->accecn_option == YEON_ACCECN_OPTION_NEVER) return;
  h->has_accecn = true;
  h->n_accecn = 3;
  h->accecn_swapped = o->accecn_option == YEON_ACCECN_OPTION_ALWAYS;
  put_counters(&none, h);
}

struct plan {
  bool option, swapped;
  uint8_t fields;
  unsigned blocks; /* SACK blocks that are left */
};

/* How far back in this order the last of these counters stands; 0: there is none. */
static unsigned reach(uint8_t counters, bool swapped)
{
  unsigned n = 3;
  while (n > 0 && (counters >> wire_accecn_field(swapped, n - 1) & 1) == 0) n--;
  return n;
}

static bool wanted(const struct yeon_tcp *c, const struct tcp_ecn *e)
{
  if ((e->flags & TCP_E_NO_OPTION) != 0) return false;
  switch ((enum yeon_accecn_option)c->t->options.accecn_option) {
  case YEON_ACCECN_OPTION_ALWAYS: return (e->flags & TCP_E_SAW_OPTION) != 0;
  case YEON_ACCECN_OPTION_NEEDED: return e->changed != 0 || e->options_due > 0;
  default: return false;
  }
}

static unsigned size_with(unsigned base, unsigned fields, unsigned blocks)
{
  if (blocks > 0) return base + wire_accecn_before_sack(fields) + 4 + 8 * blocks;
  return base + (2 + 3 * fields + 3) / 4 * 4;
}

/* RFC 9768 3.2.3.3: as many fields as there is room for, those at least that changed; two SACK blocks go before it, more do not.
 * base: bytes of the other options. */
static struct plan plan(const struct yeon_tcp *c, unsigned base, unsigned blocks)
{
  const struct tcp_ecn *e = tcp_ecn(c);
  struct plan p = {.blocks = blocks};
  if (e->mode != TCP_ECN_ACCURATE || !wanted(c, e)) return p;
  bool always = c->t->options.accecn_option == YEON_ACCECN_OPTION_ALWAYS;
  const uint8_t ect0 = 1u << WIRE_ACCECN_ECT0, ect1 = 1u << WIRE_ACCECN_ECT1;
  p.swapped = always || (e->ever & (ect0 | ect1)) == ect1;
  unsigned least = reach(e->changed, p.swapped);
  unsigned most = always || e->options_due > 0 ? 3 : reach(e->ever, p.swapped);
  unsigned fewest = blocks < 2 ? blocks : 2;
  for (unsigned b = blocks + 1; b-- > fewest && !p.option;)
    for (unsigned n = most + 1; n-- > least && !p.option;)
      if (size_with(base, n, b) <= OPTIONS_MOST)
        p = (struct plan){.option = true, .swapped = p.swapped, .fields = (uint8_t)n, .blocks = b};
  return p;
}

uint32_t tcp_accecn_options(const struct yeon_tcp *c, unsigned blocks, uint32_t bytes)
{
  uint32_t stamps = (c->flags & TCP_F_TS) != 0 ? 12 : 0;
  uint32_t base = stamps + bytes - (blocks > 0 ? 4 + 8 * blocks : 0);
  struct plan p = plan(c, base, blocks);
  return p.option ? size_with(base, p.fields, p.blocks) - stamps : bytes;
}

static void put_option(struct yeon_tcp *c, struct tcp_ecn *e, struct wire_tcp *h)
{
  struct plan p = plan(c, (h->has_ts ? 12u : 0u) + (h->has_uto ? 4u : 0u), h->n_sack);
  e->flags &= (uint16_t)~TCP_E_OPTION_SENT;
  if (!p.option) return;
  h->has_accecn = true;
  h->accecn_swapped = p.swapped;
  h->n_accecn = p.fields;
  h->n_sack = (uint8_t)p.blocks;
  put_counters(e, h);
  e->changed = 0;
  if (e->options_due > 0) e->options_due--;
  e->flags |= TCP_E_OPTION_SENT;
}

void tcp_accecn_fill(struct yeon_tcp *c, struct tcp_out *out, bool fresh)
{
  struct tcp_ecn *e = tcp_ecn(c);
  bool pure = out->len == 0 && (out->h.flags & YEON_TCP_FIN) == 0;
  wire_tcp_set_ace(&out->h, tcp_ecn_ace(c));
  if (pure && (e->flags & TCP_E_GREET) != 0) {
    out->h.n_sack = 0; /* RFC 9768 3.2.2.1: with none it is understood; what they tell, the next one does */
    wire_tcp_set_ace(&out->h, tcp_accecn_handshake(e->codepoint));
    e->flags &= (uint16_t)~TCP_E_GREET;
  }
  e->fed = (uint8_t)e->arrived_ce;
  /* RFC 9768 3.2.3.2.2: what was lost with an option goes again without. */
  if ((out->len > 0 && !fresh && c->rexmits > 0) || tcp_ecn_left(c))
    e->flags &= (uint16_t)~TCP_E_OPTION_SENT;
  else
    put_option(c, e, &out->h);
}

void tcp_ecn_greet(struct yeon_tcp *c, yeon_time now)
{
  if (tcp_ecn(c)->mode != TCP_ECN_ACCURATE) return;
  /* RFC 9768 3.2.2.1: the acknowledgment of the SYN-ACK goes at once and alone: data that the application has by the next output would leave no
   * room to tell how it arrived. */
  struct tcp_out *o = tcp_reply_new(c->t, &c->record.key, c->link);
  if (o == NULL) return;
  tcp_build(c, c->snd_max, 0, YEON_TCP_ACK, o, now);
  tcp_ack_sent(c, now);
  c->segs_out++;
}

/* ---- Sending: what the peer tells ---- */

void tcp_accecn_take_option(struct tcp_ecn *e, const struct wire_tcp *h, bool first)
{
  if (!h->has_accecn) return;
  e->flags |= TCP_E_SAW_OPTION;
  /* RFC 9768 3.2.3.2.4: zeroes where the counters begin at 1. */
  bool zero = false;
  for (unsigned i = 0; i < h->n_accecn; i++) {
    unsigned field = wire_accecn_field(h->accecn_swapped, i);
    if (first && first_bytes[field] != 0 && h->accecn[field] == 0) zero = true;
  }
  if (zero) e->flags |= TCP_E_BAD_OPTION;
}

/* The counters of an option. True: there is one to be believed that has the bytes marked CE, and *marked is how many more they are. */
static bool take_counters(struct tcp_ecn *e, const struct wire_tcp *h, uint32_t *marked)
{
  *marked = 0;
  if (!h->has_accecn || (e->flags & TCP_E_BAD_OPTION) != 0) return false;
  for (unsigned i = 0; i < h->n_accecn; i++) {
    unsigned field = wire_accecn_field(h->accecn_swapped, i);
    uint32_t step = (h->accecn[field] - first_bytes[field] - e->told[field]) & 0xffffff;
    if (step >= 1u << 23) continue; /* older than what we know */
    e->told[field] += step;
    if (field == WIRE_ACCECN_CE) *marked = step;
  }
  return h->n_accecn >= 2;
}

static void note_average(struct tcp_ecn *e, uint32_t segments)
{
  uint32_t now = segments < 1000 ? segments * 64 : 64000;
  e->acks_average = (uint16_t)(e->acks_average == 0 ? now : (e->acks_average * 63u + now) / 64);
}

/* RFC 9768 3.2.2.5.2: how many segments the ACE field stands for. */
static uint32_t decode(const struct yeon_tcp *c, const struct tcp_ecn *e, unsigned ace, uint32_t segments, bool sure,
                       uint32_t marked)
{
  uint32_t least = (ace - TCP_ACCECN_FIRST - e->told_ce) & 7;
  if (segments < 8) return least;
  uint32_t safest = segments - ((segments - least) & 7);
  if (sure) {
    /* A.2.2: the bytes tell whether it can have been so many. */
    if (marked > least * c->snd_mss) return safest;
    return marked * 2 < safest * c->snd_mss ? least : safest;
  }
  /* A peer that tells bytes by the option does so when marks have come; without one there were none, but for a loss of several acknowledgments. */
  if ((e->flags & TCP_E_SAW_OPTION) != 0) return least;
  return e->acks_average > 4 * 64 ? least : safest;
}

/* RFC 9768 3.2.2.1, table 4: the acknowledgment of our SYN-ACK. */
static void take_greeting(const struct tcp_in *in, struct yeon_tcp *c, struct tcp_ecn *e, unsigned ace)
{
  bool doubts = c->t->options.ecn_retries != YEON_ECN_RETRIES_ALWAYS;
  tcp_accecn_take_option(e, &in->s->h, true);
  if (ace == 0) e->flags |= TCP_E_NOT_CAPABLE | TCP_E_DEAF;
  /* 3.2.2.3: our SYN-ACK left as not capable. */
  if (doubts && (ace == 3 || ace == 4 || ace == 6)) e->flags |= TCP_E_NOT_CAPABLE;
  if (ace != 6) return;
  e->told_ce = 1;
  tcp_trace_ecn(c, YEON_ECN_TOLD, 1, 0, in->now);
  tcp_ecn_react(c, 0, in->now);
}

/* RFC 9768 3.2.2.4: it cannot have come to zero yet. */
static bool zeroed(const struct tcp_ecn *e, unsigned ace, uint32_t segments)
{
  return (e->flags & TCP_E_CHECKED) == 0 && ace == 0 && e->told_ce + segments < 3;
}

static void take_feedback(const struct tcp_in *in, struct yeon_tcp *c, struct tcp_ecn *e, struct tcp_news *news)
{
  uint32_t fresh = news->fresh + news->sacked;
  unsigned ace = wire_tcp_ace(&in->s->h);
  uint32_t segments = (fresh + c->snd_mss - 1) / c->snd_mss, marked;
  if (zeroed(e, ace, segments)) e->flags |= TCP_E_NOT_CAPABLE | TCP_E_DEAF;
  e->flags |= TCP_E_CHECKED;
  bool sure = take_counters(e, &in->s->h, &marked);
  if (segments > 0) note_average(e, segments);
  if ((e->flags & TCP_E_DEAF) != 0) return;
  uint32_t n = decode(c, e, ace, segments, sure, marked);
  e->told_ce += n;
  /* 3.2.3.2.5: marked bytes without marked segments: the flags are mangled. */
  if (sure && marked > 0 && (uint8_t)e->told_ce == e->told_then && segments < 8) e->flags |= TCP_E_NOT_CAPABLE;
  if (sure) e->told_then = (uint8_t)e->told_ce;
  if (n == 0 && marked == 0) return;
  if (!sure) marked = n * c->snd_mss < fresh ? n * c->snd_mss : fresh;
  news->marked = marked < fresh ? marked : fresh;
  tcp_trace_ecn(c, YEON_ECN_TOLD, n, marked, in->now);
  tcp_ecn_react(c, marked, in->now);
}

/* RFC 9768 A.1: has another one, sent later, come before? */
static bool superseded(const struct tcp_in *in, const struct yeon_tcp *c, const struct tcp_news *news)
{
  const struct wire_tcp *h = &in->s->h;
  return news->acked + news->sacked == 0 && ((c->flags & TCP_F_TS) == 0 || !h->has_ts || !seq_gt(h->tsval, c->ts_recent));
}

void tcp_accecn_on_ack(const struct tcp_in *in, struct yeon_tcp *c, struct tcp_news *news)
{
  struct tcp_ecn *e = tcp_ecn(c);
  const struct wire_tcp *h = &in->s->h;
  if ((h->flags & YEON_TCP_SYN) != 0) {
    tcp_accecn_take_option(e, h, true);
    return;
  }
  bool pure = in->s->len == 0 && h->n_sack == 0 && (h->flags & YEON_TCP_FIN) == 0;
  bool greeting = (e->flags & TCP_E_GREETED) != 0;
  e->flags &= (uint16_t)~TCP_E_GREETED;
  if (greeting && pure) {
    take_greeting(in, c, e, wire_tcp_ace(h));
    return;
  }
  tcp_accecn_take_option(e, h, greeting);
  if (!superseded(in, c, news)) take_feedback(in, c, e, news);
}
