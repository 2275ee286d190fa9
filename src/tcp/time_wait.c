/* TIME-WAIT (RFC 9293 3.6.1, RFC 6191): 56 bytes a connection, in the order of expiry; all wait equally long, so a queue is timer enough.
 * A record that ends early leaves the table at once and the queue when its time comes. While the application still holds the endpoint, the
 * connection proper waits instead and becomes a record when it is closed. */
#include "tcp/ecn.h"

static struct tcp_time_wait *record(const struct tcp *t, uint32_t number) { return pool_at(&t->time_waits, number); }

static uint32_t clock_ms(const struct tcp *t, yeon_time now)
{
  /* Rounded up: not a millisecond too short. */
  return (uint32_t)((now - t->epoch + YEON_MS - 1) / YEON_MS);
}

static void enqueue(struct tcp *t, uint32_t number, uint32_t expires_ms)
{
  struct tcp_time_wait *w = record(t, number);
  w->next = 0;
  w->expires_ms = expires_ms;
  if (t->time_wait.last != 0) {
    struct tcp_time_wait *last = record(t, t->time_wait.last);
    /* One that waited as a whole connection has less time left than the newest here; the queue's order comes first. */
    if (seq_lt(expires_ms, last->expires_ms)) w->expires_ms = last->expires_ms;
    last->next = number;
  } else {
    t->time_wait.first = number;
  }
  t->time_wait.last = number;
}

static void make_record(struct yeon_tcp *c, uint32_t expires_ms)
{
  struct tcp *t = c->t;
  uint32_t number;
  struct tcp_time_wait *w = pool_new(&t->time_waits, &number);
  if (w == NULL) {
    /* At the limit the newest does without its TIME-WAIT, as in Linux (tcp_max_tw_buckets). */
    t->counters->tcp_time_wait_full++;
    return;
  }
  tcp_table_del(t, c->number);
  c->flags &= ~TCP_F_IN_TABLE;
  w->key = c->record.key;
  w->snd_nxt = c->snd_max;
  w->rcv_nxt = c->rcv_nxt;
  w->ts_recent = c->ts_recent;
  w->link = c->link;
  if ((c->flags & TCP_F_TS) != 0) w->flags |= TCP_H_TS;
  if ((c->flags & TCP_F_HOLDS_PORT) != 0) w->flags |= TCP_H_PORT;
  if (!t->options.ecn_leaves_orphans) w->flags |= (uint8_t)(tcp_ecn_ace(c) << TCP_H_ACE_SHIFT);
  tcp_table_add(t, (uint32_t)TCP_KIND_TIME_WAIT << TCP_KIND_SHIFT | number);
  if ((w->flags & TCP_H_PORT) != 0) tcp_port_hold(t, w->key.local_port);
  enqueue(t, number, expires_ms);
}

/* The connection goes without a state change: the record goes on in its place. */
static void replace(struct yeon_tcp *c, uint32_t expires_ms, yeon_time now)
{
  /* The last acknowledgment must not go down with the connection. */
  if ((c->flags & TCP_F_ACK_NOW) != 0) {
    struct tcp_out *o = tcp_reply_new(c->t, &c->record.key, c->link);
    if (o != NULL) tcp_build(c, c->snd_max, 0, YEON_TCP_ACK, o, now);
  }
  make_record(c, expires_ms);
  if (c->flags & TCP_F_IN_TABLE)
    tcp_tell_state(c->t, &c->record.key, c->id, YEON_TCP_TIME_WAIT, YEON_TCP_CLOSED, YEON_CAUSE_LIMIT, now);
  c->state = YEON_TCP_CLOSED;
  c->t->counters->tcp_closed++;
  tcp_conn_free(c);
}

void tcp_time_wait_compact(struct yeon_tcp *c, yeon_time now)
{
  yeon_time at = tcp_timer_at(c, YEON_TIMER_TIME_WAIT);
  replace(c, clock_ms(c->t, at != YEON_NEVER ? at : now), now);
}

void tcp_enter_time_wait(struct yeon_tcp *c, enum yeon_cause cause, yeon_time now)
{
  yeon_time at = now + (yeon_time)c->t->options.time_wait_ms * YEON_MS;
  tcp_set_state(c, YEON_TCP_TIME_WAIT, cause, now);
  for (unsigned i = 0; i < YEON_TIMERS; i++) tcp_timer_stop(c, (enum yeon_tcp_timer)i, now);
  tcp_conn_release_buffers(c, false);
  tcp_timer_set(c, YEON_TIMER_TIME_WAIT, at, now);
  tcp_notify(c, YEON_CLOSED | YEON_READABLE | YEON_WRITABLE);
}

static void end(struct tcp *t, uint32_t number, enum yeon_cause cause, yeon_time now)
{
  struct tcp_time_wait *w = record(t, number);
  tcp_table_del(t, (uint32_t)TCP_KIND_TIME_WAIT << TCP_KIND_SHIFT | number);
  if ((w->flags & TCP_H_PORT) != 0) tcp_port_drop(t, w->key.local_port);
  w->flags |= TCP_H_DEAD;
  t->time_wait_dead++;
  tcp_tell_state(t, &w->key, 0, YEON_TCP_TIME_WAIT, YEON_TCP_CLOSED, cause, now);
}

void tcp_time_wait_run(struct tcp *t, yeon_time now)
{
  uint32_t now_ms = (uint32_t)((now - t->epoch) / YEON_MS);
  while (t->time_wait.first != 0) {
    uint32_t number = t->time_wait.first;
    struct tcp_time_wait *w = record(t, number);
    if (seq_gt(w->expires_ms, now_ms)) return;
    t->time_wait.first = w->next;
    if (w->next == 0) t->time_wait.last = 0;
    if (w->longer_s > 0 && (w->flags & TCP_H_DEAD) == 0) {
      uint32_t until_ms = w->expires_ms + w->longer_s * 1000u;
      w->longer_s = 0;
      enqueue(t, number, until_ms);
      continue;
    }
    if ((w->flags & TCP_H_DEAD) == 0) end(t, number, YEON_CAUSE_TIME_WAIT_OVER, now);
    t->time_wait_dead--;
    pool_free(&t->time_waits, number);
  }
}

yeon_time tcp_time_wait_next(const struct tcp *t)
{
  if (t->time_wait.first == 0) return YEON_NEVER;
  /* Milliseconds modulo 2^32 back to time: within 24 days of the latest run the wheel has seen. */
  uint32_t at = record(t, t->time_wait.first)->expires_ms;
  yeon_time base = (yeon_time)t->wheel.tick * YEON_US - t->epoch;
  int32_t ahead = (int32_t)(at - (uint32_t)(base / YEON_MS));
  return t->epoch + (base / YEON_MS + ahead) * YEON_MS;
}

/* RFC 9293 3.6.1 and RFC 6191: a SYN that cannot be an old duplicate may begin a new connection at once. */
static bool may_reuse(const struct tcp_in *in, const struct tcp_time_wait *w)
{
  const struct wire_tcp *h = &in->s->h;
  if ((h->flags & (YEON_TCP_SYN | YEON_TCP_ACK | YEON_TCP_RST)) != YEON_TCP_SYN || !in->t->options.time_wait_reuse)
    return false;
  bool before = (w->flags & TCP_H_TS) != 0, after = h->has_ts && in->t->options.timestamps;
  if (after && !before) return true;
  if (after && h->tsval != w->ts_recent) return seq_gt(h->tsval, w->ts_recent);
  return in->t->options.time_wait_bsd ? seq_gt(h->seq, w->rcv_nxt) : seq_ge(h->seq, w->rcv_nxt);
}

static void acknowledge(const struct tcp_in *in, const struct tcp_time_wait *w)
{
  struct tcp_out *o = tcp_reply_new(in->t, &w->key, w->link);
  if (o == NULL) return;
  o->h.seq = w->snd_nxt;
  o->h.ack = w->rcv_nxt;
  o->h.flags = YEON_TCP_ACK;
  wire_tcp_set_ace(&o->h, w->flags >> TCP_H_ACE_SHIFT);
  if ((w->flags & TCP_H_TS) == 0) return;
  o->h.has_ts = true;
  o->h.tsval = tcp_ts_now(in->t, &w->key, in->now);
  o->h.tsecr = w->ts_recent;
}

/* It keeps its place in the queue, and goes to the end when its first turn comes. */
static void restart(struct tcp *t, struct tcp_time_wait *w, yeon_time now)
{
  uint32_t until_ms = clock_ms(t, now + (yeon_time)t->options.time_wait_ms * YEON_MS);
  if (seq_gt(until_ms, w->expires_ms)) w->longer_s = (uint16_t)((until_ms - w->expires_ms + 999) / 1000);
}

static bool paws(const struct tcp_in *in, const struct tcp_time_wait *w)
{
  const struct wire_tcp *h = &in->s->h;
  return (w->flags & TCP_H_TS) != 0 && h->has_ts && (h->flags & YEON_TCP_RST) == 0 && seq_lt(h->tsval, w->ts_recent);
}

/* The same for a connection whose endpoint is still held: for the application it ends as it would have, only sooner. */
enum tcp_step tcp_time_wait_syn(struct tcp_in *in, struct yeon_tcp *c)
{
  const struct tcp_time_wait w = {.rcv_nxt = c->rcv_nxt,
                                  .ts_recent = c->ts_recent,
                                  .flags = (c->flags & TCP_F_TS) != 0 ? TCP_H_TS : 0};
  struct yeon_tcp *listener = may_reuse(in, &w) ? tcp_find_listener(in->t, &c->record.key) : NULL;
  if (listener == NULL) return TCP_GO_ON;
  uint32_t beyond = c->snd_max;
  in->t->counters->tcp_time_wait_reused++;
  tcp_conn_end(c, 0, YEON_CAUSE_REUSED, in->now);
  tcp_input_listen(in, listener, true, beyond);
  return TCP_STOP;
}

static void reuse(struct tcp_in *in, uint32_t number, struct yeon_tcp *listener)
{
  uint32_t beyond = record(in->t, number)->snd_nxt;
  in->t->counters->tcp_time_wait_reused++;
  end(in->t, number, YEON_CAUSE_REUSED, in->now);
  tcp_input_listen(in, listener, true, beyond);
}

/* FreeBSD's way with what arrives in TIME-WAIT (RFC 1337 for the reset). */
static bool answered_bsd(const struct tcp_in *in, uint32_t rcv_nxt, uint32_t snd_nxt)
{
  if ((in->flags & YEON_TCP_RST) != 0 || (in->flags & YEON_TCP_ACK) == 0) return false;
  return (in->flags & YEON_TCP_FIN) != 0 || in->len > 0 || in->seq != rcv_nxt || in->ack != snd_nxt;
}

/* Not what merely repeats the last acknowledgment. */
static void count_ignored(struct tcp_in *in)
{
  if ((in->flags & YEON_TCP_ACK) == 0) in->verdict = YEON_VERDICT_MALFORMED;
  if ((in->flags & YEON_TCP_RST) != 0) in->verdict = YEON_VERDICT_NO_CONNECTION;
}

static bool syn_ack(const struct tcp_in *in)
{
  const uint8_t both = YEON_TCP_SYN | YEON_TCP_ACK;
  return (in->flags & both) == both;
}

static bool input_record_bsd(struct tcp_in *in, struct tcp_time_wait *w)
{
  if (!in->t->options.time_wait_bsd || syn_ack(in)) return false;
  bool fin_again = (in->flags & YEON_TCP_FIN) != 0 && in->seq + in->len + 1 == w->rcv_nxt;
  if (!answered_bsd(in, w->rcv_nxt, w->snd_nxt)) {
    count_ignored(in);
    return true;
  }
  in->verdict = fin_again ? YEON_VERDICT_DUPLICATE : YEON_VERDICT_OUT_OF_WINDOW;
  if (!fin_again && !tcp_challenge_allowed(in->t, in->now)) return true;
  acknowledge(in, w);
  if (fin_again) restart(in->t, w, in->now);
  return true;
}

enum tcp_step tcp_time_wait_bsd(struct tcp_in *in, struct yeon_tcp *c)
{
  if (!in->t->options.time_wait_bsd || syn_ack(in)) return TCP_GO_ON;
  if (!answered_bsd(in, c->rcv_nxt, c->snd_max)) {
    count_ignored(in);
    return TCP_STOP;
  }
  bool fin_again = (in->flags & YEON_TCP_FIN) != 0 && in->seq + in->len + 1 == c->rcv_nxt;
  if (fin_again)
    tcp_timer_set(c, YEON_TIMER_TIME_WAIT, in->now + (yeon_time)in->t->options.time_wait_ms * YEON_MS, in->now);
  in->verdict = fin_again ? YEON_VERDICT_DUPLICATE : YEON_VERDICT_OUT_OF_WINDOW;
  tcp_ack_now(c);
  return TCP_STOP;
}

void tcp_input_time_wait(struct tcp_in *in, uint32_t id)
{
  uint32_t number = id & TCP_NUMBER_MASK;
  struct tcp_time_wait *w = record(in->t, number);
  struct tcp_key key = tcp_key_of(in->s);
  if (may_reuse(in, w)) {
    struct yeon_tcp *listener = tcp_find_listener(in->t, &key);
    if (listener != NULL) {
      reuse(in, number, listener);
      return;
    }
  }
  if (input_record_bsd(in, w)) return;
  /* From here as RFC 9293 3.10.7.4 for TIME-WAIT. The window is taken as what was left: nothing new can come, one byte serves the tests. */
  bool fits = !paws(in, w) && tcp_acceptable(in->seq, tcp_in_length(in), w->rcv_nxt, 65535);
  if ((in->flags & YEON_TCP_RST) != 0) {
    /* RFC 5961 3.2: exactly the next number, or a challenge. */
    if (in->seq == w->rcv_nxt)
      end(in->t, number, YEON_CAUSE_RST, in->now);
    else if (!fits)
      in->verdict = YEON_VERDICT_OUT_OF_WINDOW;
    else if (tcp_challenge_allowed(in->t, in->now))
      acknowledge(in, w);
    return;
  }
  if (!fits || (in->flags & YEON_TCP_SYN) != 0) {
    in->verdict = YEON_VERDICT_OUT_OF_WINDOW;
    bool fin_again = (in->flags & YEON_TCP_FIN) != 0 && in->seq + in->len + 1 == w->rcv_nxt;
    if (!fin_again && !tcp_challenge_allowed(in->t, in->now)) return;
    acknowledge(in, w);
    if (fin_again) restart(in->t, w, in->now);
    return;
  }
  if ((in->flags & YEON_TCP_ACK) == 0) {
    in->verdict = YEON_VERDICT_MALFORMED;
  } else if (tcp_in_length(in) > 0) {
    in->t->counters->tcp_after_end++;
    acknowledge(in, w);
  }
}

void tcp_time_wait_again(struct tcp_in *in, struct yeon_tcp *c)
{
  if (tcp_in_length(in) == 0) return;
  in->t->counters->tcp_after_end++;
  tcp_ack_now(c);
}

void tcp_fin_wait_2_start(struct yeon_tcp *c, yeon_time now)
{
  int64_t own = c->extra != NULL ? c->extra->fin_wait_2_ms : 0, ms = own != 0 ? own : c->t->options.fin_wait_2_ms;
  if ((c->flags & TCP_F_ORPHAN) == 0 || ms == 0) return;
  if (ms < 0) {
    tcp_send_reset(c, now);
    ms = 0;
  } else if (ms * 1000 < (int64_t)c->rto_us * 7 / 2) { /* time for the peer's FIN to come twice */
    ms = (int64_t)c->rto_us * 7 / 2000;
  }
  tcp_timer_set(c, YEON_TIMER_TIME_WAIT, now + (yeon_time)ms * YEON_MS, now);
}
