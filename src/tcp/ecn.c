/* Explicit congestion notification: routers mark instead of dropping, the receiver tells, the sender slows down as if the segment had been lost, and
 * nothing needs to be sent again. Read RFC 3168 6.1 first; RFC 9768 3.1 has the negotiation that embraces both kinds of feedback.
 *
 * Both ends must agree: three flags of SYN and SYN-ACK say what each can do. The classic kind then has one bit of feedback: the receiver of a
 * marked segment sets ECE on all it sends until it hears CWR, which the sender sets on the first new data after it has reduced its window. The
 * accurate kind counts instead (accecn.c). A mark counts as a loss does: one reduction for all marks and losses of a window.
 *
 * Paths drop what asks for ECN, or clear and forge its bits; so a SYN that is not answered is sent again without, what arrived otherwise
 * than it left is noticed where that is possible, and then nothing of ours is marked capable any more. */
#include "tcp/ecn.h"

#define ACE_CLASSIC_SYN 3u     /* CWR, ECE */
#define ACE_CLASSIC_SYN_ACK 1u /* ECE */
#define ACE_ACCURATE_SYN 7u    /* all three */

static bool speaks_accurate(const struct yeon_tcp_options *o) { return o->ecn >= YEON_ECN_ACCURATE; }

uint32_t tcp_ecn_offered(const struct yeon_tcp_options *o, const struct tcp_segment *s)
{
  unsigned ace = wire_tcp_ace(&s->h);
  if (o->ecn == YEON_ECN_OFF || ace == 0) return 0;
  uint32_t codepoint = (uint32_t)s->codepoint << 2;
  /* RFC 9768 3.1.3: any combination that is not one of the known three asks for the accurate kind. */
  if (speaks_accurate(o) && ace != ACE_CLASSIC_SYN) return TCP_HE_ACCURATE | codepoint;
  /* RFC 3168 6.1.1 has SYNs leave without a mark: where one came, the path writes into the field, and its marks would mean nothing. */
  if (s->codepoint != WIRE_ECN_NOT) return 0;
  return (ace & ACE_CLASSIC_SYN) == ACE_CLASSIC_SYN ? TCP_HE_CLASSIC : 0;
}

static struct tcp_ecn *begin(struct yeon_tcp *c, enum tcp_ecn_mode mode)
{
  uint32_t number;
  struct tcp_ecn *e = c->record.ecn != 0 ? tcp_ecn(c) : pool_new(&c->t->ecns, &number);
  if (e == NULL) {
    c->t->counters->no_memory++;
    return NULL;
  }
  if (c->record.ecn == 0) c->record.ecn = number & TCP_NUMBER_MASK;
  e->mode = (uint8_t)mode;
  return e;
}

void tcp_ecn_drop(struct yeon_tcp *c)
{
  if (c->record.ecn == 0) return;
  pool_free(&c->t->ecns, c->record.ecn);
  c->record.ecn = 0;
}

void tcp_ecn_ask(struct yeon_tcp *c)
{
  switch ((enum yeon_ecn)c->t->options.ecn) {
  case YEON_ECN_ON:
  case YEON_ECN_ACCURATE_ASK_CLASSIC: begin(c, TCP_ECN_ASKED_CLASSIC); return;
  case YEON_ECN_ACCURATE: begin(c, TCP_ECN_ASKED_ACCURATE); return;
  default: return;
  }
}

/* RFC 3168 6.1.1.1, RFC 9768 3.1.4.1: after some attempts without; the accurate kind is asked for twice at least. */
static bool given_up(const struct yeon_tcp *c, const struct tcp_ecn *e)
{
  unsigned tries = c->t->options.ecn_retries;
  if (e->mode == TCP_ECN_ASKED_ACCURATE && tries < 1) tries = 1;
  return tries != YEON_ECN_RETRIES_ALWAYS && c->rexmits > tries;
}

static void fill_first_syn(struct yeon_tcp *c, struct tcp_ecn *e, struct tcp_out *out)
{
  if (e->mode != TCP_ECN_ASKED_CLASSIC && e->mode != TCP_ECN_ASKED_ACCURATE) return;
  if (given_up(c, e)) {
    /* RFC 3168 6.1.1: who has sent a SYN without may not send as capable. RFC 9768 3.1.5 lets the client do so. */
    if (e->mode == TCP_ECN_ASKED_CLASSIC) e->flags |= TCP_E_NOT_CAPABLE;
    c->t->counters->tcp_ecn_fallback++;
    return;
  }
  wire_tcp_set_ace(&out->h, e->mode == TCP_ECN_ASKED_ACCURATE ? ACE_ACCURATE_SYN : ACE_CLASSIC_SYN);
}

void tcp_ecn_fill_syn(struct yeon_tcp *c, struct tcp_out *out)
{
  struct tcp_ecn *e = tcp_ecn(c);
  if ((out->h.flags & YEON_TCP_ACK) == 0) {
    fill_first_syn(c, e, out);
  } else if (e->mode == TCP_ECN_CLASSIC) {
    wire_tcp_set_ace(&out->h, ACE_CLASSIC_SYN_ACK);
  } else if (e->mode == TCP_ECN_ACCURATE) {
    wire_tcp_set_ace(&out->h, tcp_accecn_handshake(e->codepoint));
    if (c->rexmits == 0) tcp_accecn_first_option(&c->t->options, &out->h);
  }
}

/* RFC 9768 3.2.3.2.2: first with an option, then without it, then without ECN. */
void tcp_ecn_fill_syn_ack(struct tcp *t, struct tcp_half_open *h, struct tcp_out *out)
{
  uint32_t bits = h->record.ecn;
  if ((bits & TCP_HE_CLASSIC) != 0) {
    /* RFC 3168 6.1.1: a SYN without is answered without. */
    if ((bits & TCP_HE_NOT_CAPABLE) == 0) wire_tcp_set_ace(&out->h, ACE_CLASSIC_SYN_ACK);
    return;
  }
  if (h->retries >= 2) {
    h->record.ecn |= TCP_HE_NOT_CAPABLE;
    t->counters->tcp_ecn_fallback++;
    return;
  }
  wire_tcp_set_ace(&out->h, tcp_accecn_handshake(TCP_HE_CODEPOINT(bits)));
  if (h->retries == 0 && (bits & TCP_HE_AGAIN) == 0) tcp_accecn_first_option(&t->options, &out->h);
}

unsigned tcp_ecn_half_open_ace(const struct tcp_half_open *h)
{
  return (h->record.ecn & TCP_HE_ACCURATE) != 0 ? TCP_ACCECN_FIRST : 0;
}

bool tcp_ecn_syn_again(const struct tcp_in *in, struct tcp_half_open *h)
{
  uint32_t bits = h->record.ecn, now = tcp_ecn_offered(&in->t->options, in->s);
  if (bits == 0) return true; /* RFC 9768 3.1.5: once without, it stays so */
  if (now == 0) {
    h->record.ecn |= TCP_HE_NOT_CAPABLE | TCP_HE_AGAIN;
    if ((bits & TCP_HE_ACCURATE) == 0) return true;
  } else if (((now ^ bits) & (TCP_HE_CLASSIC | TCP_HE_ACCURATE)) != 0) {
    return false;
  }
  uint32_t kept = h->record.ecn & ~(3u << 2);
  h->record.ecn = (kept | TCP_HE_AGAIN | (uint32_t)in->s->codepoint << 2) & TCP_NUMBER_MASK;
  return true;
}

/* RFC 9768 3.1.2, table 2: what the server's flags say, and with them how our SYN arrived there. */
static void take_accurate_answer(const struct tcp_in *in, struct yeon_tcp *c, struct tcp_ecn *e, unsigned ace)
{
  switch (ace) {
  case 1: e->mode = TCP_ECN_CLASSIC; return;
  case 0:
  case 7: /* a server that reflects what it does not know */ tcp_ecn_drop(c); return;
  default: break;
  }
  e->mode = TCP_ECN_ACCURATE;
  e->codepoint = in->s->codepoint;
  e->arrived_ce = e->codepoint == WIRE_ECN_CE;
  e->flags |= TCP_E_GREET;
  e->options_due = 2;
  tcp_accecn_take_option(e, &in->s->h, true);
  /* RFC 9768 3.2.2.3: our SYN left as not capable; if it arrived as anything else, so would other segments. 5 is not in use, and taken for that. */
  bool mangled = ace != 2 && ace != 5;
  if (mangled && c->t->options.ecn_retries != YEON_ECN_RETRIES_ALWAYS) e->flags |= TCP_E_NOT_CAPABLE;
}

static void take_answer(const struct tcp_in *in, struct yeon_tcp *c)
{
  unsigned ace = wire_tcp_ace(&in->s->h);
  if (c->record.ecn == 0) return;
  struct tcp_ecn *e = tcp_ecn(c);
  if (e->mode == TCP_ECN_ASKED_ACCURATE)
    take_accurate_answer(in, c, e, ace);
  else if (e->mode == TCP_ECN_ASKED_CLASSIC && (ace & 3) == ACE_CLASSIC_SYN_ACK)
    e->mode = TCP_ECN_CLASSIC;
  else
    tcp_ecn_drop(c);
}

/* Simultaneous open: as a server would (RFC 9768 3.1.2); but a SYN of ours that did not ask has bound us to that (RFC 3168 6.1.1). */
static void take_crossing_syn(const struct tcp_in *in, struct yeon_tcp *c)
{
  bool may = c->record.ecn != 0 || c->t->options.ecn_crossing;
  uint32_t offered = may ? tcp_ecn_offered(&c->t->options, in->s) : 0;
  struct tcp_ecn *e = offered != 0 ? begin(c, TCP_ECN_CLASSIC) : NULL;
  if (e == NULL) {
    tcp_ecn_drop(c);
    return;
  }
  if ((offered & TCP_HE_ACCURATE) != 0) {
    e->mode = TCP_ECN_ACCURATE;
    e->flags |= TCP_E_GREETED;
    e->options_due = 2;
  }
  e->codepoint = in->s->codepoint;
}

void tcp_ecn_take_syn(const struct tcp_in *in, struct yeon_tcp *c, bool answer)
{
  if (answer)
    take_answer(in, c);
  else
    take_crossing_syn(in, c);
}

/* RFC 9768 3.2.2.1: its acknowledgment tells how it arrived, whatever it says; 3.2.2.2: it counts at most once. */
void tcp_ecn_syn_ack_again(const struct tcp_in *in, struct yeon_tcp *c)
{
  struct tcp_ecn *e = tcp_ecn(c);
  bool ours = (in->s->h.flags & YEON_TCP_ACK) != 0 && in->s->h.seq == c->irs;
  if (e->mode != TCP_ECN_ACCURATE || !ours || (c->flags & TCP_F_PASSIVE) != 0) return;
  e->codepoint = in->s->codepoint;
  if (e->codepoint == WIRE_ECN_CE && e->arrived_ce == 0) e->arrived_ce = 1;
  e->flags |= TCP_E_GREET;
  if (e->options_due == 0) e->options_due = 1;
}

bool tcp_ecn_accept(struct yeon_tcp *c, const struct tcp_half_open *h)
{
  uint32_t bits = h->record.ecn;
  if ((bits & (TCP_HE_CLASSIC | TCP_HE_ACCURATE)) == 0) return true;
  bool accurate = (bits & TCP_HE_ACCURATE) != 0;
  struct tcp_ecn *e = begin(c, accurate ? TCP_ECN_ACCURATE : TCP_ECN_CLASSIC);
  if (e == NULL) return false;
  e->codepoint = TCP_HE_CODEPOINT(bits);
  if (accurate) e->flags |= TCP_E_GREETED;
  if (accurate) e->options_due = 1;
  if ((bits & TCP_HE_NOT_CAPABLE) != 0) e->flags |= TCP_E_NOT_CAPABLE;
  return true;
}

void tcp_ecn_fill_cookie(const struct tcp_in *in, struct tcp_out *out)
{
  uint32_t offered = tcp_ecn_offered(&in->t->options, in->s);
  if ((offered & TCP_HE_ACCURATE) != 0) wire_tcp_set_ace(&out->h, tcp_accecn_handshake(in->s->codepoint));
}

uint32_t tcp_ecn_of_cookie(const struct tcp_in *in)
{
  return speaks_accurate(&in->t->options) && wire_tcp_ace(&in->s->h) >= 2 ? TCP_HE_ACCURATE : 0;
}

bool tcp_ecn_left(const struct yeon_tcp *c)
{
  bool ending = c->state == YEON_TCP_FIN_WAIT_2 || c->state == YEON_TCP_TIME_WAIT;
  return ending && (c->flags & TCP_F_ORPHAN) != 0 && c->t->options.ecn_leaves_orphans;
}

unsigned tcp_ecn_ace(const struct yeon_tcp *c)
{
  if (c->record.ecn == 0 || tcp_ecn_left(c)) return 0;
  const struct tcp_ecn *e = tcp_ecn(c);
  if (e->mode == TCP_ECN_ACCURATE) return (e->arrived_ce + TCP_ACCECN_FIRST) & 7;
  return e->mode == TCP_ECN_CLASSIC && (e->flags & TCP_E_ECHO) != 0 ? 1 : 0;
}

static void send_capable(const struct tcp_ecn *e, struct tcp_out *out)
{
  /* RFC 8311 4.2: ECT(0); the other one is for experiments. */
  if ((e->flags & TCP_E_NOT_CAPABLE) == 0) out->traffic_class |= WIRE_ECN_ECT0;
}

void tcp_ecn_fill(struct yeon_tcp *c, struct tcp_out *out)
{
  struct tcp_ecn *e = tcp_ecn(c);
  uint32_t end = out->h.seq + out->len;
  /* RFC 3168 6.1.4 to 6.1.6: new data alone, no acknowledgment, nothing sent before, nothing beyond the window. */
  bool fresh = out->len > 0 && seq_ge(out->h.seq, c->snd_max) && seq_le(end, c->snd_una + c->snd_wnd);
  if (e->mode == TCP_ECN_ACCURATE) {
    if (fresh || (c->t->options.ecn_everywhere && (c->flags & TCP_F_SACK) != 0)) send_capable(e, out);
    tcp_accecn_fill(c, out, fresh);
    return;
  }
  if (e->mode != TCP_ECN_CLASSIC) return;
  if ((e->flags & TCP_E_ECHO) != 0) out->h.flags |= YEON_TCP_ECE;
  if (!fresh) return;
  send_capable(e, out);
  /* RFC 3168 6.1.2: once, on new data. */
  if ((e->flags & TCP_E_CWR_DUE) != 0) out->h.flags |= YEON_TCP_CWR;
  e->flags &= (uint16_t)~TCP_E_CWR_DUE;
}

void tcp_ecn_fill_reset(const struct yeon_tcp *c, struct tcp_out *out)
{
  if (tcp_ecn(c)->mode == TCP_ECN_ACCURATE) wire_tcp_set_ace(&out->h, tcp_ecn_ace(c));
}

/* RFC 3168 6.1.3, the receiver. Data outside the window has not come here (6.1.5). */
static void classic_received(const struct tcp_in *in, struct yeon_tcp *c, struct tcp_ecn *e)
{
  bool probe = in->verdict == YEON_VERDICT_NO_ROOM; /* 6.1.6: though its byte finds no room */
  bool text = in->s->len > 0 && (in->len > 0 || probe), fin = (in->flags & YEON_TCP_FIN) != 0;
  if (!text && !fin) return;
  if (in->s->codepoint != WIRE_ECN_NOT) e->ever = 1;
  if ((in->s->h.flags & YEON_TCP_CWR) != 0) { /* a FIN is new, too: with nothing left to send it is what bears the word */
    e->flags &= (uint16_t)~TCP_E_ECHO;
    tcp_ack_now(c); /* its window may be too small for the segment that a delayed acknowledgment waits for */
  }
  if (!text || in->s->codepoint != WIRE_ECN_CE) return;
  unsigned n = in->s->segs > 0 ? in->s->segs : 1u;
  e->arrived_ce += n;
  c->t->counters->tcp_ecn_marked_in += n;
  tcp_trace_ecn(c, YEON_ECN_ARRIVED, n, in->s->len, in->now);
  /* The first mark is told at once: the sender's window may be too small for another segment to come. */
  if ((e->flags & TCP_E_ECHO) == 0) tcp_ack_now(c);
  e->flags |= TCP_E_ECHO;
}

void tcp_ecn_received(const struct tcp_in *in, struct yeon_tcp *c)
{
  struct tcp_ecn *e = tcp_ecn(c);
  if ((in->s->h.flags & YEON_TCP_SYN) != 0)
    tcp_ecn_syn_ack_again(in, c); /* of a simultaneous open */
  else if (e->mode == TCP_ECN_ACCURATE)
    tcp_accecn_received(in, c);
  else if (e->mode == TCP_ECN_CLASSIC)
    classic_received(in, c, e);
}

void tcp_ecn_reduced(struct yeon_tcp *c)
{
  struct tcp_ecn *e = tcp_ecn(c);
  e->reduced_at = c->snd_max;
  e->flags = (uint16_t)((e->flags & ~TCP_E_BY_MARK) | TCP_E_REDUCED);
  /* RFC 3168 6.1.2: for whatever reason, the peer is told. */
  if (e->mode == TCP_ECN_CLASSIC) e->flags |= TCP_E_CWR_DUE;
}

void tcp_ecn_undone(struct yeon_tcp *c) { tcp_ecn(c)->flags &= (uint16_t)~TCP_E_REDUCED; }

static bool in_reduced_window(const struct yeon_tcp *c, const struct tcp_ecn *e)
{
  return (e->flags & TCP_E_REDUCED) != 0 && seq_le(c->snd_una, e->reduced_at);
}

bool tcp_ecn_has_reduced(const struct yeon_tcp *c)
{
  return c->record.ecn != 0 && (tcp_ecn(c)->flags & TCP_E_BY_MARK) != 0 && in_reduced_window(c, tcp_ecn(c));
}

/* RFC 3168 6.1.2: a window of one segment cannot be halved: the retransmission timer starts anew. */
void tcp_ecn_react(struct yeon_tcp *c, uint32_t marked, yeon_time now)
{
  struct tcp_ecn *e = tcp_ecn(c);
  /* RFC 4015 3.4: there was congestion, whatever was not lost. Accurate feedback is no witness: where its counter may have wrapped it is a guess. */
  if (c->busy != NULL && e->mode == TCP_ECN_CLASSIC) c->busy->undo.possible = false;
  if (c->cc.cwnd <= c->snd_mss && tcp_outstanding(c)) tcp_rexmit_start(c, now);
  if (in_reduced_window(c, e) || (c->flags & (TCP_F_RECOVERY | TCP_F_RTO_RECOVERY)) != 0) return;
  const struct tcp_busy *b = tcp_busy(c);
  if (b == NULL) return;
  uint32_t flight = tcp_flight(c) > b->flight_max ? tcp_flight(c) : b->flight_max, before = c->cc.cwnd;
  bool as_mark = c->t->options.abe || cc_ops(&c->cc)->governs_itself;
  cc_on_congestion(&c->cc, as_mark ? CC_MARK : CC_LOSS, flight < before ? flight : before, now);
  if (c->cc.cwnd > before) c->cc.cwnd = before;
  c->t->counters->tcp_ecn_reactions++;
  tcp_ecn_reduced(c);
  e->flags |= TCP_E_BY_MARK;
  tcp_trace_ecn(c, YEON_ECN_REACTED, 0, marked, now);
  tcp_trace_cwnd(c, "marked", now);
}

static void classic_on_ack(const struct tcp_in *in, struct yeon_tcp *c, struct tcp_ecn *e, struct tcp_news *news)
{
  uint32_t fresh = news->fresh + news->sacked;
  if ((in->s->h.flags & (YEON_TCP_ECE | YEON_TCP_SYN)) != YEON_TCP_ECE) return;
  news->marked = fresh;
  e->told_ce += (fresh + c->snd_mss - 1) / c->snd_mss;
  tcp_trace_ecn(c, YEON_ECN_TOLD, 0, fresh, in->now);
  tcp_ecn_react(c, fresh, in->now);
}

void tcp_ecn_on_ack(const struct tcp_in *in, struct yeon_tcp *c, struct tcp_news *news)
{
  struct tcp_ecn *e = tcp_ecn(c);
  if ((e->flags & TCP_E_REDUCED) != 0 && seq_gt(c->snd_una, e->reduced_at)) e->flags &= (uint16_t)~TCP_E_REDUCED;
  if (e->mode == TCP_ECN_ACCURATE)
    tcp_accecn_on_ack(in, c, news);
  else if (e->mode == TCP_ECN_CLASSIC)
    classic_on_ack(in, c, e, news);
}
