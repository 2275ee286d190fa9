/* What an application asks of a connection's life: OPEN, CLOSE, ABORT of RFC 9293 3.10.1 to 3.10.5, listening and accepting. */
#include "tcp/ecn.h"

int tcp_open(struct tcp *t, struct yeon_tcp **out)
{
  *out = tcp_conn_new(t);
  if (*out != NULL) return 0;
  return t->conns.used >= t->conns.limit ? YEON_ERR_LIMIT : YEON_ERR_NO_MEMORY;
}

static int connect_error(const struct yeon_tcp *c)
{
  if (c->state == YEON_TCP_SYN_SENT || c->state == YEON_TCP_SYN_RECEIVED) return YEON_ERR_IN_PROGRESS;
  if (c->state == YEON_TCP_LISTEN) return YEON_ERR_INVALID;
  if (c->state != YEON_TCP_CLOSED) return YEON_ERR_IS_CONNECTED;
  return tcp_was_used(c) ? YEON_ERR_CLOSED : 0;
}

/* Takes a port (its own or a fresh one) for this four-tuple. */
static int take_port(struct yeon_tcp *c, struct tcp_key *key)
{
  key->local_port = c->record.key.local_port;
  if (key->local_port != 0) {
    uint32_t id = tcp_find(c->t, key);
    if (id == 0 || tcp_kind(id) != TCP_KIND_ENDING) return id != 0 ? YEON_ERR_IN_USE : 0;
    tcp_ending_over(tcp_conn(c->t, id & TCP_NUMBER_MASK), *c->t->clock);
    return 0;
  }
  key->local_port = tcp_choose_port(c->t, key);
  return key->local_port == 0 ? YEON_ERR_NO_PORTS : 0;
}

static void begin_active(struct yeon_tcp *c, const struct tcp_key *key, const struct tcp_path *path, yeon_time now)
{
  c->record.key = *key;
  c->link = path->link;
  c->path_mtu = path->mtu;
  c->iss = tcp_isn(c->t, key, now);
  c->snd_una = c->snd_nxt = c->snd_max = c->iss;
  tcp_ecn_ask(c);
  tcp_table_add(c->t, c->number);
  c->flags |= TCP_F_IN_TABLE | TCP_F_SEND_SYN;
  tcp_set_state(c, YEON_TCP_SYN_SENT, YEON_CAUSE_CALL_OPEN, now);
  c->sent_ms = tcp_ms(c->t, now);
  c->heard_at = now;
  tcp_user_timeout_start(c, now);
  tcp_want_output(c);
}

int tcp_connect(struct yeon_tcp *c, const struct tcp_path *path, const struct yeon_addr *remote, yeon_time now)
{
  struct tcp_key key = {.remote = remote->ip, .remote_port = remote->port, .local = path->local};
  int error = connect_error(c);
  if (error == 0 && remote->port == 0) error = YEON_ERR_INVALID;
  if (error == 0) error = take_port(c, &key);
  if (error == 0) begin_active(c, &key, path, now);
  tcp_trace_call(c, YEON_CALL_CONNECT, remote->port, error, now);
  return error;
}

static bool another_listens(const struct yeon_tcp *c)
{
  uint32_t id = tcp_find(c->t, &(struct tcp_key){.local_port = c->record.key.local_port, .local = c->record.key.local});
  return id != 0 && (c->flags2 & tcp_conn(c->t, id)->flags2 & TCP_G_REUSEPORT) == 0;
}

static int begin_listening(struct yeon_tcp *c, unsigned backlog, yeon_time now)
{
  int error = 0;
  if ((c->flags2 & TCP_G_BOUND) == 0) error = tcp_bind(c, TCP_LOCAL_ANY, 0, now);
  if (error != 0) return error;
  if (another_listens(c)) return YEON_ERR_IN_USE;
  c->extra->backlog = backlog;
  const uint16_t all = YEON_FASTOPEN_SERVER | YEON_FASTOPEN_ALL_LISTENERS;
  if ((c->t->options.fastopen & all) == all) {
    struct tcp_fastopen *f = tcp_fastopen_of(c);
    if (f == NULL) return YEON_ERR_NO_MEMORY;
    if (f->limit == 0) f->limit = backlog;
  }
  tcp_table_add(c->t, c->number);
  c->flags |= TCP_F_IN_TABLE;
  c->t->listeners++;
  tcp_set_state(c, YEON_TCP_LISTEN, YEON_CAUSE_CALL_OPEN, now);
  return 0;
}

int yeon_tcp_listen(struct yeon_tcp *c, unsigned backlog, yeon_time now)
{
  now = clock_take(c->t->clock, now);
  int error = 0;
  if (backlog == 0 || backlog > 65535)
    error = YEON_ERR_INVALID;
  else if (c->state == YEON_TCP_LISTEN)
    c->extra->backlog = backlog;
  else if (c->state != YEON_TCP_CLOSED || tcp_was_used(c))
    error = YEON_ERR_INVALID;
  else
    error = begin_listening(c, backlog, now);
  tcp_trace_call(c, YEON_CALL_LISTEN, backlog, error, now);
  return error;
}

/* A listener's options pass on to what it accepts. */
bool tcp_inherit(struct yeon_tcp *c, const struct yeon_tcp *listener)
{
  const uint32_t inherited = TCP_F_NODELAY | TCP_F_CORK | TCP_F_QUICKACK | TCP_F_KEEPALIVE | TCP_F_OOBINLINE |
                             TCP_F_SNDBUF_FIXED | TCP_F_RCVBUF_FIXED;
  const struct tcp_extra *from = listener->extra;
  c->flags = (c->flags & ~inherited) | (listener->flags & inherited);
  c->sndbuf = listener->sndbuf;
  c->rcvbuf = listener->rcvbuf;
  c->cc.algorithm = listener->cc.algorithm;
  if (!from->customised) return true;
  struct tcp_extra *x = tcp_extra(c);
  if (x == NULL) return false;
  uint32_t number = x->number;
  *x = *from;
  x->number = number;
  x->accept = (struct tcp_list){0, 0};
  x->waiting = x->backlog = 0;
  x->bound_next = NULL;
  x->bound_prev = NULL;
  x->fastopen = NULL;
  x->search_low = x->search_high = 0;
  return true;
}

int yeon_tcp_accept(struct yeon_tcp *listener, struct yeon_tcp **out, yeon_time now)
{
  now = clock_take(listener->t->clock, now);
  *out = NULL;
  if (listener->state != YEON_TCP_LISTEN) return YEON_ERR_INVALID;
  struct yeon_tcp *c = tcp_list_pop(listener->t, &listener->extra->accept);
  if (c == NULL) return YEON_ERR_AGAIN;
  listener->extra->waiting--;
  c->flags &= ~TCP_F_ON_ACCEPT;
  uint8_t gathered = (uint8_t)(c->reported | yeon_tcp_ready(c));
  c->reported = 0;
  if (gathered != 0) tcp_notify(c, gathered);
  if (listener->extra->waiting > 0) tcp_notify(listener, YEON_ACCEPTED | YEON_READABLE);
  tcp_trace_call(c, YEON_CALL_ACCEPT, 0, 0, now);
  *out = c;
  return 0;
}

/* The sending side is done: FIN after what is queued (RFC 9293 3.10.4). */
static void finish_sending(struct yeon_tcp *c, yeon_time now)
{
  if ((c->flags & TCP_F_FIN_QUEUED) != 0) return;
  c->flags |= TCP_F_FIN_QUEUED;
  c->flags &= ~(TCP_F_CORK | TCP_F_MORE);
  if (c->state == YEON_TCP_ESTABLISHED) tcp_set_state(c, YEON_TCP_FIN_WAIT_1, YEON_CAUSE_CALL_CLOSE, now);
  if (c->state == YEON_TCP_CLOSE_WAIT) tcp_set_state(c, YEON_TCP_LAST_ACK, YEON_CAUSE_CALL_CLOSE, now);
  tcp_want_output(c);
}

static void stop_receiving(struct yeon_tcp *c)
{
  c->flags |= TCP_F_SHUT_RD;
  if (c->busy != NULL) tcp_sacks_free(c);
  tcp_notify(c, YEON_READABLE | YEON_READ_END);
}

int yeon_tcp_shutdown(struct yeon_tcp *c, unsigned how, yeon_time now)
{
  now = clock_take(c->t->clock, now);
  int error = 0;
  if (how == 0 || (how & ~(YEON_SHUT_RD | YEON_SHUT_WR)) != 0)
    error = YEON_ERR_INVALID;
  else if (c->state == YEON_TCP_CLOSED || c->state == YEON_TCP_LISTEN || c->state == YEON_TCP_SYN_SENT)
    error = YEON_ERR_NOT_CONNECTED;
  tcp_trace_call(c, YEON_CALL_SHUTDOWN, how, error, now);
  if (error != 0) return error;
  if ((how & YEON_SHUT_RD) != 0) stop_receiving(c);
  if ((how & YEON_SHUT_WR) != 0) finish_sending(c, now);
  return 0;
}

/* Nobody holds the endpoint any more. */
static void orphan(struct yeon_tcp *c)
{
  tcp_unlist_report(c);
  c->flags |= TCP_F_ORPHAN;
  c->user = NULL;
  c->reported = 0;
}

static void abort_now(struct yeon_tcp *c, yeon_time now)
{
  orphan(c);
  tcp_ending_begin(c, now);
}

static void close_listener(struct yeon_tcp *c, yeon_time now)
{
  struct yeon_tcp *waiting;
  while ((waiting = tcp_list_pop(c->t, &c->extra->accept)) != NULL) {
    waiting->flags &= ~TCP_F_ON_ACCEPT;
    c->extra->waiting--;
    abort_now(waiting, now);
  }
  c->t->listeners--;
  orphan(c);
  tcp_conn_end(c, 0, YEON_CAUSE_CALL_CLOSE, now);
}

static bool must_reset(const struct yeon_tcp *c)
{
  bool linger_zero = c->extra != NULL && c->extra->linger_ms == 0;
  /* RFC 9293 3.6.1: unread bytes are lost, and the peer is to know. */
  return linger_zero || (ring_len(c->rcv) > 0 && c->state != YEON_TCP_TIME_WAIT);
}

static void close_connection(struct yeon_tcp *c, yeon_time now)
{
  orphan(c);
  if (c->busy != NULL) tcp_sacks_free(c);
  ring_release(c->t->rings, &c->rcv);
  finish_sending(c, now);
  tcp_keepalive_start(c, now);
  if (c->state == YEON_TCP_FIN_WAIT_2) tcp_fin_wait_2_start(c, now);
  if (c->state == YEON_TCP_TIME_WAIT) tcp_time_wait_compact(c, now);
}

void yeon_tcp_close(struct yeon_tcp *c, yeon_time now)
{
  now = clock_take(c->t->clock, now);
  tcp_trace_call(c, YEON_CALL_CLOSE, 0, 0, now);
  switch ((enum yeon_tcp_state)c->state) {
  case YEON_TCP_LISTEN: close_listener(c, now); return;
  case YEON_TCP_CLOSED:
    orphan(c);
    tcp_conn_free(c);
    return;
  case YEON_TCP_SYN_SENT:
    orphan(c);
    c->flags |= TCP_F_FIN_QUEUED;
    tcp_ending_begin(c, now);
    return;
  default: break;
  }
  if (must_reset(c))
    abort_now(c, now);
  else
    close_connection(c, now);
}

void yeon_tcp_abort(struct yeon_tcp *c, yeon_time now)
{
  now = clock_take(c->t->clock, now);
  tcp_trace_call(c, YEON_CALL_ABORT, 0, 0, now);
  if (c->state == YEON_TCP_LISTEN) {
    close_listener(c, now);
  } else if (c->state == YEON_TCP_CLOSED) {
    orphan(c);
    tcp_conn_free(c);
  } else {
    abort_now(c, now);
  }
}
