/* The rows of what happens at one end: states, calls, timers, errors; and what an end says of its segments. */
#include <string.h>

#include "watch/ladder.h"

static struct ladder_conn *conn_of(struct yeon_ladder *l, unsigned side, const struct yeon_event *e)
{
  if (e->remote.port == 0 || e->local.port == 0) return NULL;
  return side == 0 ? ladder_conn_find(l, &e->local, &e->remote) : ladder_conn_find(l, &e->remote, &e->local);
}

static struct row *side_row(struct yeon_ladder *l, unsigned side, const struct ladder_conn *c, yeon_time at,
                            enum row_mark mark, enum canvas_style style)
{
  struct row *row = ladder_row_add(l, ROW_SIDE, side, at);
  if (row == NULL) return NULL;
  row->mark = (uint8_t)mark;
  row->style = (uint8_t)style;
  row->conn = c != NULL ? c->number : 0;
  return row;
}

/* Both ends believe it now: how far apart they began to. */
static void tell_gap(struct yeon_ladder *l, struct ladder_conn *c, yeon_time at)
{
  char span[32];
  if (c->gap_told || c->established_at[0] == YEON_NEVER || c->established_at[1] == YEON_NEVER) return;
  c->gap_told = true;
  struct row *row = ladder_row_add(l, ROW_WIDE, 0, at);
  if (row == NULL) return;
  row->mark = MARK_GAP;
  row->style = STYLE_GOOD;
  row->conn = c->number;
  yeon_time gap = c->established_at[1] - c->established_at[0];
  unsigned first = gap >= 0 ? 0 : 1;
  struct text t = text_over(row->text, sizeof row->text);
  if (l->n_numbers > 1) text_add(&t, "#%u: ", c->number);
  if (gap == 0)
    text_add(&t, "both ESTABLISHED at the same instant");
  else
    text_add(&t, "%s ESTABLISHED %s before %s", l->name[first], text_span(gap > 0 ? gap : -gap, span, sizeof span),
             l->name[1 - first]);
}

static bool is_call_cause(uint8_t cause)
{
  return cause == YEON_CAUSE_CALL_OPEN || cause == YEON_CAUSE_CALL_CLOSE || cause == YEON_CAUSE_CALL_ABORT;
}

/* Causes that a reader would not guess from the line before. */
static const char *telling_cause(uint8_t cause)
{
  switch (cause) {
  case YEON_CAUSE_RTO:
  case YEON_CAUSE_KEEPALIVE:
  case YEON_CAUSE_USER_TIMEOUT:
  case YEON_CAUSE_TIME_WAIT_OVER:
  case YEON_CAUSE_ICMP:
  case YEON_CAUSE_REUSED:
  case YEON_CAUSE_LIMIT:
  case YEON_CAUSE_RST:
  case YEON_CAUSE_HOST_DOWN: return yeon_cause_name((enum yeon_cause)cause);
  default: return NULL;
  }
}

static void on_state(struct yeon_ladder *l, unsigned side, const struct yeon_event *e)
{
  struct ladder_conn *c = conn_of(l, side, e);
  const char *name = yeon_tcp_state_name((enum yeon_tcp_state)e->u.state.to);
  const char *cause = telling_cause(e->u.state.cause);
  uint32_t number = c != NULL ? c->number : 0;
  if (c != NULL) {
    c->state[side] = e->u.state.to;
    if (e->u.state.to == YEON_TCP_ESTABLISHED) c->established_at[side] = e->at;
  }
  struct row *call = is_call_cause(e->u.state.cause) ? ladder_row_recent(l, MARK_CALL, side, number, e->at) : NULL;
  if (call == NULL && is_call_cause(e->u.state.cause)) call = ladder_row_recent(l, MARK_CALL, side, 0, e->at);
  if (call != NULL && strstr(call->text, "→") == NULL) {
    struct text t = {call->text, sizeof call->text, strlen(call->text)};
    text_add(&t, " → %s", name);
    call->plain = call->bulk = false;
    call->conn = number;
  } else {
    struct row *row = side_row(l, side, c, e->at, MARK_STATE, STYLE_BOLD);
    if (row == NULL) return;
    struct text t = text_over(row->text, sizeof row->text);
    text_add(&t, "%s", name);
    if (cause != NULL) text_add(&t, "  (%s)", cause);
    if (e->u.state.to == YEON_TCP_ESTABLISHED) row->style = STYLE_GOOD;
    row->plain = false;
    row->by_call = is_call_cause(e->u.state.cause);
  }
  if (c != NULL) tell_gap(l, c, e->at);
}

/* "RESET": the name without what all names begin with. */
static const char *error_word(int error)
{
  static const char prefix[] = "YEON_ERR_";
  const char *name = yeon_error_name(error);
  return strncmp(name, prefix, sizeof prefix - 1) == 0 ? name + sizeof prefix - 1 : name;
}

static void call_words(struct text *t, const struct yeon_event *e)
{
  char end[54], bytes[32];
  int64_t result = e->u.call.result;
  text_add(t, "%s", yeon_call_name((enum yeon_tcp_call)e->u.call.call));
  switch (e->u.call.call) {
  case YEON_CALL_CONNECT:
  case YEON_CALL_SENDTO:
    if (e->remote.port != 0) text_add(t, " %s", text_end(&e->remote, end, sizeof end));
    break;
  case YEON_CALL_LISTEN:
  case YEON_CALL_BIND: text_add(t, " port %u", e->local.port); break;
  default: break;
  }
  bool counts = e->u.call.call == YEON_CALL_SEND || e->u.call.call == YEON_CALL_RECV ||
                e->u.call.call == YEON_CALL_SENDTO || e->u.call.call == YEON_CALL_RECVFROM;
  if (result < 0)
    text_add(t, " ✗ %s", error_word((int)result));
  else if (e->u.call.call == YEON_CALL_RECV && result == 0)
    text_add(t, ": end of stream");
  else if (counts)
    text_add(t, " %s", text_bytes((uint64_t)result, bytes, sizeof bytes));
}

static void on_call(struct yeon_ladder *l, unsigned side, const struct yeon_event *e)
{
  bool udp = e->u.call.call == YEON_CALL_SENDTO || e->u.call.call == YEON_CALL_RECVFROM;
  struct ladder_conn *c = udp ? NULL : conn_of(l, side, e);
  int64_t result = e->u.call.result;
  if (result == YEON_ERR_AGAIN || result == YEON_ERR_IN_PROGRESS) return;
  if (e->u.call.call == YEON_CALL_BIND && result >= 0) return; /* the listen or connect behind it tells the port */
  if (e->u.call.call == YEON_CALL_CLOSE && c != NULL && c->state[side] == YEON_TCP_CLOSED)
    return; /* of what has failed already */
  uint32_t number = c != NULL ? c->number : 0;
  char words[120];
  struct text t = text_over(words, sizeof words);
  call_words(&t, e);
  struct row *state = ladder_row_recent(l, MARK_STATE, side, number, e->at);
  if (state != NULL && state->by_call) {
    /* The state changed inside the call, and was told first. */
    text_add(&t, " → %s", state->text);
    memcpy(state->text, words, sizeof words);
    state->by_call = false;
    state->mark = MARK_CALL;
    state->style = STYLE_CALL;
    return;
  }
  struct row *row = side_row(l, side, c, e->at, MARK_CALL, result < 0 ? STYLE_BAD : STYLE_CALL);
  if (row == NULL) return;
  memcpy(row->text, words, sizeof words);
  row->plain = row->bulk = result > 0 && (e->u.call.call == YEON_CALL_SEND || e->u.call.call == YEON_CALL_RECV);
}

/* Timers that teach something: those that fire because an answer is missing, and how long the next wait will be. */
static void on_timer(struct yeon_ladder *l, unsigned side, const struct yeon_event *e)
{
  struct ladder_conn *c = conn_of(l, side, e);
  uint8_t timer = e->u.timer.timer;
  bool all = (l->config.flags & YEON_LADDER_ALL) != 0;
  bool fired = e->u.timer.op == YEON_TIMER_FIRED, armed = e->u.timer.op == YEON_TIMER_ARMED;
  char span[32];
  if (c == NULL) return;
  if (armed && e->u.timer.deadline > e->at) {
    struct row *before = ladder_row_recent(l, MARK_TIMER, side, c->number, e->at);
    if (before != NULL && strstr(before->text, "fires") != NULL && strstr(before->text, "next") == NULL &&
        timer == c->timer[side]) {
      struct text t = {before->text, sizeof before->text, strlen(before->text)};
      text_add(&t, ", next in %s", text_span(e->u.timer.deadline - e->at, span, sizeof span));
      return;
    }
  }
  if (armed && timer == YEON_TIMER_TIME_WAIT && c->state[side] == YEON_TCP_TIME_WAIT) {
    struct row *state = ladder_row_recent(l, MARK_STATE, side, c->number, e->at);
    if (state != NULL && strcmp(state->text, yeon_tcp_state_name(YEON_TCP_TIME_WAIT)) == 0) {
      struct text t = {state->text, sizeof state->text, strlen(state->text)};
      text_add(&t, " for %s", text_span(e->u.timer.deadline - e->at, span, sizeof span));
      return;
    }
  }
  if (fired) {
    c->timer_at[side] = e->at;
    c->timer[side] = timer;
  }
  if (!all && !(fired && (timer == YEON_TIMER_REXMIT || timer == YEON_TIMER_USER))) return;
  struct row *row = side_row(l, side, c, e->at, MARK_TIMER, STYLE_DIM);
  if (row == NULL) return;
  struct text t = text_over(row->text, sizeof row->text);
  bool orphan = timer == YEON_TIMER_TIME_WAIT && c->state[side] == YEON_TCP_FIN_WAIT_2;
  text_add(&t, "◷ %s timer ", orphan ? "FIN-WAIT-2" : yeon_tcp_timer_name((enum yeon_tcp_timer)timer));
  if (armed)
    text_add(&t, "runs %s", text_span(e->u.timer.deadline - e->at, span, sizeof span));
  else
    text_add(&t, "%s", fired ? "fires" : "stops");
}

static void on_retransmit(struct yeon_ladder *l, unsigned side, const struct yeon_event *e)
{
  struct ladder_conn *c = conn_of(l, side, e);
  if (c == NULL) return;
  struct ladder_again *a = &c->again[side][c->next_again[side]++ % AGAIN_MAX];
  *a = (struct ladder_again){.seq = e->u.retransmit.seq,
                             .len = e->u.retransmit.len,
                             .count = e->u.retransmit.count,
                             .why = e->u.retransmit.why,
                             .waiting = true};
}

static void on_error(struct yeon_ladder *l, unsigned side, const struct yeon_event *e)
{
  struct row *row = side_row(l, side, conn_of(l, side, e), e->at, MARK_ERROR, e->u.error.soft ? STYLE_WARN : STYLE_BAD);
  if (row == NULL) return;
  struct text t = text_over(row->text, sizeof row->text);
  text_add(&t, "%s %s", e->u.error.soft ? "hint:" : "✗", error_word(e->u.error.error));
  if (e->u.error.cause != YEON_CAUSE_NONE) text_add(&t, " (%s)", yeon_cause_name((enum yeon_cause)e->u.error.cause));
}

/* A frame the host wanted nothing of, by the name of the counter. */
static void on_drop(struct yeon_ladder *l, unsigned side, const struct yeon_event *e)
{
  struct row *row = side_row(l, side, NULL, e->at, MARK_DROP, STYLE_WARN);
  if (row == NULL) return;
  struct text t = text_over(row->text, sizeof row->text);
  text_add(&t, "✕ dropped: %s", e->u.drop.reason);
  row->bulk = true;
}

/* That the window is reduced for marks: nothing was lost, so nothing else would show it. */
static void on_ecn(struct yeon_ladder *l, unsigned side, const struct yeon_event *e)
{
  if (e->u.ecn.what != YEON_ECN_REACTED) return;
  struct row *row = side_row(l, side, conn_of(l, side, e), e->at, MARK_NONE, STYLE_WARN);
  if (row == NULL) return;
  struct text t = text_over(row->text, sizeof row->text);
  text_add(&t, "%s", yeon_ecn_what_name(YEON_ECN_REACTED));
}

/* What the receiver made of a segment that has just arrived. */
static void on_arrival(struct yeon_ladder *l, unsigned side, const struct yeon_event *e)
{
  const struct yeon_ev_segment *s = &e->u.segment;
  struct ladder_conn *c = conn_of(l, side, e);
  if (c == NULL || s->verdict == YEON_VERDICT_ACCEPTED || s->verdict >= YEON_VERDICTS) return;
  for (struct row *r = l->first; r != NULL; r = r->next) {
    bool it = r->kind == ROW_FRAME && r->side == 1 - side && r->conn == c->number && r->fate == FATE_ARRIVED &&
              r->done_at == e->at;
    if (!it || r->seq != s->seq) continue;
    if (r->duplicate && s->verdict == YEON_VERDICT_DUPLICATE) return; /* the second copy: "arrives twice" says it */
    struct text t = {r->why, sizeof r->why, strlen(r->why)};
    text_add(&t, "%s%s", t.len > 0 ? ", " : "", yeon_verdict_name((enum yeon_verdict)s->verdict));
    r->plain = false;
    return;
  }
}

void ladder_event(struct yeon_ladder *l, unsigned side, const struct yeon_event *event)
{
  switch (event->type) {
  case YEON_EV_STATE: on_state(l, side, event); break;
  case YEON_EV_CALL: on_call(l, side, event); break;
  case YEON_EV_TIMER: on_timer(l, side, event); break;
  case YEON_EV_RETRANSMIT: on_retransmit(l, side, event); break;
  case YEON_EV_DROP: on_drop(l, side, event); break;
  case YEON_EV_ERROR: on_error(l, side, event); break;
  case YEON_EV_ECN: on_ecn(l, side, event); break;
  case YEON_EV_SEGMENT_IN: on_arrival(l, side, event); break;
  default: break;
  }
}
