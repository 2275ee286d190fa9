/* Events of TCP. Nothing here runs unless somebody listens. */
#include "tcp/internal.h"

void tcp_fill_event(const struct tcp *t, const struct tcp_key *key, uint64_t id, struct yeon_event *ev)
{
  ev->conn = id;
  ev->remote = (struct yeon_addr){.ip = key->remote, .port = key->remote_port};
  ev->local.port = key->local_port;
  if (key->local < TCP_LOCAL_ANY6) ev->local.ip = (*t->locals)[key->local];
}

struct yeon_event tcp_event(const struct yeon_tcp *c, enum yeon_event_type type, yeon_time now)
{
  struct yeon_event ev = event_make(c->t->events, type, now);
  tcp_fill_event(c->t, &c->record.key, c->id, &ev);
  return ev;
}

static void fill_segment(struct yeon_ev_segment *g, const struct wire_tcp *h, uint32_t len, uint32_t segs)
{
  g->seq = h->seq;
  g->ack = h->ack;
  g->len = len;
  g->window = h->window;
  g->window_bytes = h->window;
  g->urgent = h->urgent;
  g->flags = h->flags;
  g->ae = h->ae;
  g->segs = (uint8_t)(segs > 0 ? segs : 1);
  g->mss = h->mss;
  g->wscale = h->wscale;
  g->sack_ok = h->sack_ok;
  g->has_ts = h->has_ts;
  g->tsval = h->tsval;
  g->tsecr = h->tsecr;
  g->n_sack = h->n_sack;
  for (unsigned i = 0; i < h->n_sack; i++) g->sack[i] = h->sack[i];
}

static uint8_t state_of(const struct tcp *t, uint32_t id)
{
  if (id == 0) return YEON_TCP_CLOSED;
  if (tcp_kind(id) == TCP_KIND_HALF_OPEN) return YEON_TCP_SYN_RECEIVED;
  if (tcp_kind(id) == TCP_KIND_TIME_WAIT) return YEON_TCP_TIME_WAIT;
  return tcp_conn(t, id & TCP_NUMBER_MASK)->state;
}

void tcp_trace_in(const struct tcp_in *in)
{
  struct tcp *t = in->t;
  struct tcp_key key = tcp_key_of(in->s);
  if (!event_wanted(t->events, YEON_EV_SEGMENT_IN)) return;
  struct yeon_event ev = event_make(t->events, YEON_EV_SEGMENT_IN, in->now);
  tcp_fill_event(t, &key, in->id, &ev);
  struct yeon_ev_segment *g = &ev.u.segment;
  fill_segment(g, &in->s->h, in->s->len, in->s->segs);
  g->codepoint = in->s->codepoint;
  if ((in->flags & YEON_TCP_SYN) == 0) g->window_bytes = in->window;
  g->verdict = in->verdict;
  g->state = state_of(t, tcp_find(t, &key));
  g->has_iss = g->has_irs = in->has_conn;
  g->iss = in->iss;
  g->irs = in->irs;
  event_emit(t->events, &ev);
}

void tcp_trace_out(struct tcp *t, const struct tcp_out *o, const struct yeon_tcp *c, bool again, yeon_time now)
{
  if (!event_wanted(t->events, YEON_EV_SEGMENT_OUT)) return;
  struct tcp_key key = {.remote = o->remote,
                        .remote_port = o->h.dst_port,
                        .local_port = o->h.src_port,
                        .local = o->local};
  struct yeon_event ev = event_make(t->events, YEON_EV_SEGMENT_OUT, now);
  tcp_fill_event(t, &key, o->conn, &ev);
  struct yeon_ev_segment *g = &ev.u.segment;
  fill_segment(g, &o->h, o->len, o->segs);
  g->codepoint = o->traffic_class & 3u;
  g->state = state_of(t, tcp_find(t, &key));
  g->retransmission = again;
  g->iss = o->iss;
  g->irs = o->irs;
  g->has_iss = g->has_irs = o->conn != 0 && c == NULL;
  if (c != NULL) {
    g->state = c->state;
    g->iss = c->iss;
    g->irs = c->irs;
    g->has_iss = true;
    g->has_irs = c->state != YEON_TCP_SYN_SENT;
    if ((o->h.flags & YEON_TCP_SYN) == 0) g->window_bytes = (uint32_t)o->h.window << c->rcv_wscale;
  }
  event_emit(t->events, &ev);
}

void tcp_trace_call(const struct yeon_tcp *c, enum yeon_tcp_call call, int64_t arg, int64_t result, yeon_time now)
{
  if (!event_wanted(c->t->events, YEON_EV_CALL)) return;
  struct yeon_event ev = tcp_event(c, YEON_EV_CALL, now);
  if (call == YEON_CALL_BIND) ev.local.port = (uint16_t)arg; /* also of one that it did not get */
  ev.u.call.call = (uint8_t)call;
  ev.u.call.arg = arg;
  ev.u.call.result = result;
  event_emit(c->t->events, &ev);
}

void tcp_trace_cwnd(const struct yeon_tcp *c, const char *why, yeon_time now)
{
  if (!event_wanted(c->t->events, YEON_EV_CWND)) return;
  struct yeon_event ev = tcp_event(c, YEON_EV_CWND, now);
  ev.u.cwnd.cwnd = c->cc.cwnd;
  ev.u.cwnd.ssthresh = c->cc.ssthresh;
  ev.u.cwnd.flight = tcp_flight(c);
  ev.u.cwnd.why = why;
  event_emit(c->t->events, &ev);
}

void tcp_trace_buffer(const struct yeon_tcp *c, yeon_time now)
{
  if (!event_wanted(c->t->events, YEON_EV_BUFFER)) return;
  struct yeon_event ev = tcp_event(c, YEON_EV_BUFFER, now);
  ev.u.buffer.snd_queued = ring_len(c->snd);
  ev.u.buffer.snd_limit = c->sndbuf;
  ev.u.buffer.rcv_queued = ring_len(c->rcv);
  ev.u.buffer.rcv_window = tcp_rcv_wnd(c);
  event_emit(c->t->events, &ev);
}

void tcp_trace_rexmit(const struct yeon_tcp *c, uint32_t seq, uint32_t len, enum yeon_retransmit_why why, yeon_time now)
{
  if (!event_wanted(c->t->events, YEON_EV_RETRANSMIT)) return;
  struct yeon_event ev = tcp_event(c, YEON_EV_RETRANSMIT, now);
  ev.u.retransmit.seq = seq;
  ev.u.retransmit.len = len;
  ev.u.retransmit.count = c->rexmits;
  ev.u.retransmit.why = (uint8_t)why;
  event_emit(c->t->events, &ev);
}

void tcp_trace_ecn(const struct yeon_tcp *c, enum yeon_ecn_what what, uint32_t segments, uint32_t bytes, yeon_time now)
{
  if (!event_wanted(c->t->events, YEON_EV_ECN)) return;
  struct yeon_event ev = tcp_event(c, YEON_EV_ECN, now);
  ev.u.ecn.what = (uint8_t)what;
  ev.u.ecn.segments = segments;
  ev.u.ecn.bytes = bytes;
  event_emit(c->t->events, &ev);
}

void tcp_trace_error(const struct yeon_tcp *c, int error, enum yeon_cause cause, bool soft, yeon_time now)
{
  if (!event_wanted(c->t->events, YEON_EV_ERROR)) return;
  struct yeon_event ev = tcp_event(c, YEON_EV_ERROR, now);
  ev.u.error.error = error;
  ev.u.error.cause = (uint8_t)cause;
  ev.u.error.soft = soft;
  event_emit(c->t->events, &ev);
}
