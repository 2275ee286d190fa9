/* The programs at the ends of connections: they write and read in odd pieces, rest, finish in different ways, and watch every answer
 * of the stack as they go. What can only be judged afterwards is in judge.c. */
#include <string.h>

#include "world.h"

#define BUFFER 65536

static const char *name_end(const struct end *e) { return e->host == 0 ? "a" : "b"; }

/* Probability 1/n; n = 0: never. */
static bool chance(struct world *w, uint32_t n) { return n > 0 && rng_below(&w->rng, n) == 0; }

static void pump(struct end *e);

static void wake_reader(void *ctx, struct yeon_sim *sim, yeon_time now)
{
  (void)sim;
  (void)now;
  struct end *e = ctx;
  e->read_paused = false;
  pump(e);
}

static void wake_writer(void *ctx, struct yeon_sim *sim, yeon_time now)
{
  (void)sim;
  (void)now;
  struct end *e = ctx;
  e->write_paused = false;
  pump(e);
}

static bool rest(struct end *e, yeon_sim_fn *wake)
{
  struct world *w = e->world;
  if (!chance(w, e->plan->pause_one_in)) return false;
  yeon_time until = yeon_sim_now(w->sim) + (yeon_time)(1 + rng_below(&w->rng, e->plan->pause_max_us)) * YEON_US;
  return yeon_sim_at(w->sim, until, wake, e) == 0; /* refused in a famine: then it does not rest */
}

static void leave(struct end *e, enum status status)
{
  if (e->tcp != NULL) yeon_tcp_close(e->tcp, yeon_sim_now(e->world->sim));
  e->tcp = NULL;
  e->status = status;
}

/* The connection has failed: says so once. What had arrived may still be read (a call other than recv has told), and then nothing more comes. */
static void fail_end(struct end *e, int error, bool check)
{
  if (check && !e->world->plan->famine) {
    uint8_t bytes[4096];
    int64_t n;
    do n = yeon_tcp_recv(e->tcp, bytes, sizeof bytes, 0, yeon_sim_now(e->world->sim));
    while (n > 0);
    if (n != 0)
      world_fail(e->world, "connection %u, %s: recv gives %lld after the error %s, not 0", e->conn, name_end(e),
                 (long long)n, yeon_error_name(error));
  }
  e->error = error;
  leave(e, END_FAILED);
}

/* Memory was refused: nothing is lost, it tries again later. */
static bool starves(struct end *e, int64_t n)
{
  struct world *w = e->world;
  if (n != YEON_ERR_NO_MEMORY || (!w->plan->famine && w->plan->max_buffer_bytes == 0)) return false;
  int error = YEON_ERR_NO_MEMORY;
  for (unsigned i = 0; i < 1000 && error != 0; i++)
    error = yeon_sim_at(w->sim, yeon_sim_now(w->sim) + 10 * YEON_MS, wake_writer, e);
  e->write_paused = error == 0;
  return true;
}

static bool waits(const struct end *e, int64_t n)
{
  if (n == YEON_ERR_AGAIN || n == YEON_ERR_IN_PROGRESS) return true;
  return !e->connected && n == YEON_ERR_NOT_CONNECTED;
}

static bool wants_abort(const struct end *e)
{
  return e->plan->finish == FINISH_ABORT && e->sent + e->received >= e->plan->abort_after;
}

static void abort_end(struct end *e)
{
  yeon_tcp_abort(e->tcp, yeon_sim_now(e->world->sim));
  e->tcp = NULL;
  e->status = END_ABORTED;
}

static void take_eof(struct end *e)
{
  e->eof = true;
  if (!e->other->fin)
    world_fail(e->world, "connection %u, %s: end of stream, but %s has not finished", e->conn, name_end(e),
               name_end(e->other));
  else if (e->received != e->other->sent)
    world_fail(e->world, "connection %u, %s: end of stream after %llu of %llu bytes", e->conn, name_end(e),
               (unsigned long long)e->received, (unsigned long long)e->other->sent);
}

static void check_bytes(struct end *e, const uint8_t *buf, size_t n)
{
  struct world *w = e->world;
  if (e->received + n > e->other->sent)
    world_fail(w, "connection %u, %s: got %llu bytes, but only %llu were sent", e->conn, name_end(e),
               (unsigned long long)(e->received + n), (unsigned long long)e->other->sent);
  else if (!content_check(buf, stream_of(e->other), e->received, n))
    world_fail(w, "connection %u, %s: wrong bytes between %llu and %llu", e->conn, name_end(e),
               (unsigned long long)e->received, (unsigned long long)(e->received + n));
}

/* A look without taking, by one call and the other; they must agree. False: the connection has failed. */
static bool look_ahead(struct end *e)
{
  uint8_t peek[256];
  struct yeon_slice slices[4];
  size_t n = yeon_tcp_peek_slices(e->tcp, slices, 4);
  uint64_t pos = e->received;
  for (size_t i = 0; i < n; i++, pos += slices[i - 1].len) {
    if (!content_check(slices[i].base, stream_of(e->other), pos, slices[i].len))
      world_fail(e->world, "connection %u, %s: peek_slices shows wrong bytes at %llu", e->conn, name_end(e),
                 (unsigned long long)pos);
  }
  int64_t got = yeon_tcp_recv(e->tcp, peek, sizeof peek, YEON_RECV_PEEK, yeon_sim_now(e->world->sim));
  if (got > 0 && !content_check(peek, stream_of(e->other), e->received, (size_t)got))
    world_fail(e->world, "connection %u, %s: recv with PEEK shows wrong bytes at %llu", e->conn, name_end(e),
               (unsigned long long)e->received);
  if (got < 0 && !waits(e, got)) {
    fail_end(e, (int)got, true); /* also a look takes the error */
    return false;
  }
  uint64_t all = pos - e->received, want = all < sizeof peek ? all : sizeof peek;
  if (got >= 0 && (uint64_t)got != want)
    world_fail(e->world, "connection %u, %s: %lld bytes by PEEK, %llu by slices", e->conn, name_end(e), (long long)got,
               (unsigned long long)all);
  return true;
}

/* Reads without copying into buf all that recv would have given at most; as recv otherwise. */
static int64_t read_slices(struct end *e, uint8_t *buf, size_t size)
{
  struct yeon_slice slices[2];
  size_t n = yeon_tcp_peek_slices(e->tcp, slices, 2), len = 0;
  for (size_t i = 0; i < n && len < size; i++) {
    size_t part = slices[i].len < size - len ? slices[i].len : size - len;
    memcpy(buf + len, slices[i].base, part);
    len += part;
  }
  if (len == 0) return yeon_tcp_recv(e->tcp, buf, size, 0, yeon_sim_now(e->world->sim));
  int error = yeon_tcp_consume(e->tcp, len, yeon_sim_now(e->world->sim));
  if (error != 0)
    world_fail(e->world, "connection %u, %s: consume of %zu: %s", e->conn, name_end(e), len, yeon_error_name(error));
  return (int64_t)len;
}

static int64_t read_once(struct end *e, uint8_t *buf, size_t size)
{
  if (e->plan->slices && e->connected) return read_slices(e, buf, size);
  return yeon_tcp_recv(e->tcp, buf, size, 0, yeon_sim_now(e->world->sim));
}

static void read_some(struct end *e)
{
  struct world *w = e->world;
  uint8_t buf[BUFFER];
  while (e->tcp != NULL && !e->eof && !e->read_paused && w->failure[0] == '\0') {
    size_t size = 1 + rng_below(&w->rng, e->plan->read_max);
    if (e->plan->peek && e->connected && chance(w, 3) && !look_ahead(e)) return;
    int64_t n = read_once(e, buf, size);
    if (waits(e, n)) return;
    if (n < 0) {
      fail_end(e, (int)n, true);
    } else if (n == 0) {
      take_eof(e);
    } else if ((size_t)n > size) {
      world_fail(w, "connection %u, %s: recv of %zu gives %lld", e->conn, name_end(e), size, (long long)n);
    } else {
      check_bytes(e, buf, (size_t)n);
      e->received += (uint64_t)n;
      if (wants_abort(e))
        abort_end(e);
      else
        e->read_paused = rest(e, wake_reader);
    }
  }
}

static unsigned send_flags(struct end *e, bool last)
{
  unsigned flags = 0;
  if (e->plan->more && !last && chance(e->world, 2)) flags |= YEON_SEND_MORE;
  if (e->plan->urgent && chance(e->world, 4)) flags |= YEON_SEND_URGENT;
  return flags;
}

static bool may_write(const struct end *e)
{
  if (e->tcp == NULL || e->write_paused || e->fin || e->world->failure[0] != '\0') return false;
  if (!e->connected && !e->plan->write_early) return false;
  return !e->plan->after_eof || e->eof;
}

static void write_some(struct end *e)
{
  struct world *w = e->world;
  uint8_t buf[BUFFER];
  while (may_write(e) && e->sent < e->plan->total) {
    size_t len = 1 + rng_below(&w->rng, e->plan->write_max);
    if (len > e->plan->total - e->sent) len = (size_t)(e->plan->total - e->sent);
    content_fill(buf, stream_of(e), e->sent, len);
    unsigned flags = send_flags(e, e->sent + len == e->plan->total);
    bool direct = e->plan->slices && flags == 0 && chance(w, 2);
    int64_t n = direct ? direct_send(e, buf, len) : yeon_tcp_send(e->tcp, buf, len, flags, yeon_sim_now(w->sim));
    if (waits(e, n) || starves(e, n)) return;
    if (n < 0) {
      fail_end(e, (int)n, true);
      return;
    }
    if (n == 0 || (size_t)n > len) {
      world_fail(w, "connection %u, %s: send of %zu gives %lld", e->conn, name_end(e), len, (long long)n);
      return;
    }
    e->sent += (uint64_t)n;
    if (wants_abort(e))
      abort_end(e);
    else
      e->write_paused = rest(e, wake_writer);
  }
}

/* An end that aborts never finishes: if the other one waits for that, or does likewise, it aborts as soon as it has sent all. */
static bool would_wait_for_ever(const struct end *e)
{
  return e->eof || e->other->plan->after_eof || e->other->plan->finish == FINISH_ABORT;
}

/* About a round trip between the last byte and the end: so that the FIN goes alone, while the last bytes are still on their way. */
static bool hesitates(struct end *e)
{
  struct world *w = e->world;
  if (!e->plan->late_fin || e->fin_delayed) return false;
  e->fin_delayed = true;
  uint32_t most = 2000 + w->plan->way[0].delay_us + w->plan->way[1].delay_us;
  e->write_paused =
      yeon_sim_at(w->sim, yeon_sim_now(w->sim) + (yeon_time)rng_below(&w->rng, most) * YEON_US, wake_writer, e) == 0;
  return e->write_paused;
}

static void finish_writing(struct end *e)
{
  if (!may_write(e) || e->sent < e->plan->total || !e->connected || hesitates(e)) return;
  if (e->plan->finish == FINISH_ABORT) {
    if (would_wait_for_ever(e)) abort_end(e);
    return;
  }
  e->fin = true;
  if (e->plan->finish == FINISH_CLOSE) {
    leave(e, END_OK);
    return;
  }
  int error = yeon_tcp_shutdown(e->tcp, YEON_SHUT_WR, yeon_sim_now(e->world->sim));
  if (error == 0) return;
  e->fin = false;
  if (starves(e, error)) return;
  /* It has failed, and the program, at rest, has not looked yet. */
  if (error == YEON_ERR_NOT_CONNECTED) error = yeon_tcp_take_error(e->tcp);
  fail_end(e, error, true);
}

static void finish(struct end *e)
{
  if (e->tcp == NULL || !e->eof || !e->fin) return;
  if (e->plan->wait_closed) {
    uint32_t ready = yeon_tcp_ready(e->tcp);
    if ((ready & (YEON_CLOSED | YEON_ERROR)) == 0) return;
    int error = ready & YEON_ERROR ? yeon_tcp_take_error(e->tcp) : 0;
    if (error != 0) {
      fail_end(e, error, false);
      return;
    }
  }
  leave(e, END_OK);
}

static void pump(struct end *e)
{
  if (e->tcp == NULL || e->status != END_RUNNING || e->world->failure[0] != '\0') return;
  read_some(e);
  write_some(e);
  finish_writing(e);
  read_some(e); /* reports come once: what a write has changed must not be missed */
  finish(e);
}

static void set_option(struct end *e, enum yeon_tcp_option option, int64_t value)
{
  int error = yeon_tcp_set(e->tcp, option, value, yeon_sim_now(e->world->sim));
  int64_t got = -1;
  if (error == 0) error = yeon_tcp_get(e->tcp, option, &got);
  if (error != 0) world_fail(e->world, "option %d = %lld: %s", (int)option, (long long)value, yeon_error_name(error));
}

static void set_options(struct end *e)
{
  const struct plan_end *p = e->plan;
  yeon_tcp_set_user(e->tcp, e);
  set_option(e, YEON_TCP_OOBINLINE, 1);
  set_option(e, YEON_TCP_KEEPALIVE, p->keepalive);
  if (p->nodelay) set_option(e, YEON_TCP_NODELAY, 1);
  if (p->cork) set_option(e, YEON_TCP_CORK, 1);
  if (p->quickack) set_option(e, YEON_TCP_QUICKACK, 1);
  if (p->sndbuf) set_option(e, YEON_TCP_SNDBUF, p->sndbuf);
  if (p->rcvbuf) set_option(e, YEON_TCP_RCVBUF, p->rcvbuf);
  if (p->maxseg && e->active) set_option(e, YEON_TCP_MAXSEG, p->maxseg);
  if (p->window_clamp) set_option(e, YEON_TCP_WINDOW_CLAMP, p->window_clamp);
  if (p->user_timeout_ms) set_option(e, YEON_TCP_USER_TIMEOUT_MS, p->user_timeout_ms);
}

/* Connects, with the first bytes if the plan has it so and the host may. */
static int connect_or_open(struct end *e, const struct yeon_addr *remote, yeon_time now)
{
  uint8_t buf[BUFFER];
  size_t len = e->plan->fast_open < e->plan->total ? e->plan->fast_open : e->plan->total;
  if (len == 0) return yeon_tcp_connect(e->tcp, remote, now);
  content_fill(buf, stream_of(e), 0, len);
  int64_t n = yeon_tcp_connect_send(e->tcp, remote, buf, len, now);
  if (n == YEON_ERR_UNSUPPORTED) return yeon_tcp_connect(e->tcp, remote, now);
  if (n < 0) return (int)n;
  e->sent = (uint64_t)n;
  return 0;
}

/* 0, or the error that the program got. */
static int dial(struct end *e)
{
  struct world *w = e->world;
  const struct plan_conn *plan = &w->plan->conn[e->conn];
  yeon_time now = yeon_sim_now(w->sim);
  struct yeon_addr local = w->addr[e->host], remote = w->addr[!e->host];
  remote.port = plan->opening == OPEN_BOTH ? plan->local_port : LISTEN_PORT;
  int error = yeon_tcp_open(w->host[e->host], &e->tcp);
  if (error != 0) {
    e->tcp = NULL;
    return error;
  }
  set_options(e);
  if (plan->local_port != 0) {
    local.port = plan->local_port;
    set_option(e, YEON_TCP_REUSEADDR, 1);
    error = yeon_tcp_bind(e->tcp, &local, now);
    if (error != 0) return error;
  }
  error = connect_or_open(e, &remote, now);
  if (error != 0) return error;
  yeon_tcp_local(e->tcp, &local);
  struct yeon_tcp_info info;
  yeon_tcp_info(e->tcp, &info);
  e->port = local.port;
  e->iss = info.iss;
  return 0;
}

static void start_active(struct world *w, unsigned conn, unsigned host)
{
  struct end *e = &w->ends[conn][host];
  e->active = true;
  e->status = END_RUNNING;
  int error = dial(e);
  if (error != 0) {
    e->error = error;
    leave(e, END_FAILED);
    return;
  }
  if (wants_abort(e))
    abort_end(e);
  else if (e->plan->write_early)
    write_some(e);
}

void program_connect(struct world *w, unsigned conn)
{
  enum opening opening = w->plan->conn[conn].opening;
  if (opening != OPEN_B) start_active(w, conn, 0);
  if (opening != OPEN_A) start_active(w, conn, 1);
}

/* Reports about a connection that is being made: only a state beyond SYN-RECEIVED makes it a connection. */
static void check_connected(struct end *e)
{
  enum yeon_tcp_state state = yeon_tcp_state(e->tcp);
  if (state == YEON_TCP_SYN_SENT || state == YEON_TCP_SYN_RECEIVED) return;
  if (state != YEON_TCP_CLOSED) {
    e->connected = true;
    return;
  }
  int error = yeon_tcp_take_error(e->tcp);
  if (error == 0) world_fail(e->world, "connection %u, %s: not made, and no error", e->conn, name_end(e));
  fail_end(e, error, false);
}

static void accept_some(struct listener *l);

static void wake_listener(void *ctx, struct yeon_sim *sim, yeon_time now)
{
  (void)sim;
  (void)now;
  struct listener *l = ctx;
  l->paused = false;
  accept_some(l);
}

static struct end *find_caller(struct world *w, unsigned host, const struct yeon_tcp *tcp)
{
  struct yeon_tcp_info info;
  yeon_tcp_info(tcp, &info);
  struct end *found = NULL;
  for (unsigned i = 0; i < w->plan->n_conns; i++) {
    struct end *caller = &w->ends[i][!host];
    if (!caller->active || caller->other->active || caller->port != info.remote.port || caller->iss != info.irs)
      continue;
    /* The initial number's clock ticks every 4 us: two of one port may have had the same. One that was aborted at once is not meant. */
    if (found == NULL || caller->other->status == END_WAITING) found = caller;
    if (found->other->status == END_WAITING && found->status != END_ABORTED) return found;
  }
  return found;
}

static void welcome(struct listener *l, struct yeon_tcp *tcp)
{
  struct world *w = l->world;
  struct end *caller = find_caller(w, l->host, tcp);
  struct end *e = caller != NULL ? caller->other : NULL;
  bool no_record = (w->plan->max_half_open > 0 || w->plan->famine) && w->plan->tcp[l->host].cookies;
  bool early = (w->plan->tcp[l->host].fastopen & YEON_FASTOPEN_SERVER) != 0;
  if (e != NULL && e->status != END_WAITING && (no_record || early)) {
    /* Where no record was kept, a late segment of a connection that has been reset is its third handshake segment once more. And a SYN that comes again
     * when all is over opens a connection once more, if it opens one by itself (RFC 7413 2.1). */
    yeon_tcp_abort(tcp, yeon_sim_now(w->sim));
    return;
  }
  if (e == NULL || e->status != END_WAITING) {
    world_fail(w, "%s accepted a connection that nobody makes, or twice", l->host == 0 ? "a" : "b");
    yeon_tcp_close(tcp, yeon_sim_now(w->sim));
    return;
  }
  e->tcp = tcp;
  e->status = END_RUNNING;
  e->connected = true;
  set_options(e);
  if (wants_abort(e))
    abort_end(e);
  else
    pump(e);
}

static void accept_some(struct listener *l)
{
  struct world *w = l->world;
  while (l->tcp != NULL && !l->paused && w->failure[0] == '\0') {
    struct yeon_tcp *tcp;
    int error = yeon_tcp_accept(l->tcp, &tcp, yeon_sim_now(w->sim));
    if (error == YEON_ERR_AGAIN || (error == YEON_ERR_NO_MEMORY && w->plan->famine)) return;
    if (error != 0) {
      world_fail(w, "accept: %s", yeon_error_name(error));
      return;
    }
    welcome(l, tcp);
    if (w->plan->accept_pause_us == 0) continue;
    yeon_time until = yeon_sim_now(w->sim) + (yeon_time)(1 + rng_below(&w->rng, w->plan->accept_pause_us)) * YEON_US;
    l->paused = yeon_sim_at(w->sim, until, wake_listener, l) == 0;
  }
}

void program_listen(struct world *w, unsigned host)
{
  struct listener *l = &w->listener[host];
  *l = (struct listener){.world = w, .host = host};
  struct yeon_addr local = w->addr[host];
  local.port = LISTEN_PORT;
  if (w->plan->listen_any) local.ip = (host == 0) != w->plan->v6 ? yeon_ip4(0, 0, 0, 0) : (struct yeon_ip){{0}};
  if (w->plan->v6) local.ip = w->plan->listen_any ? (struct yeon_ip){{0}} : w->addr[host].ip;
  int error = yeon_tcp_open(w->host[host], &l->tcp);
  if (error == 0) error = yeon_tcp_bind(l->tcp, &local, yeon_sim_now(w->sim));
  if (error == 0) error = yeon_tcp_set(l->tcp, YEON_TCP_FASTOPEN, w->plan->fast_open_limit[host], yeon_sim_now(w->sim));
  if (error == 0) error = yeon_tcp_listen(l->tcp, w->plan->backlog[host], yeon_sim_now(w->sim));
  if (error != 0)
    world_fail(w, "listen: %s", yeon_error_name(error));
  else
    yeon_tcp_set_user(l->tcp, l);
}

void program_unlisten(struct world *w, unsigned host)
{
  struct listener *l = &w->listener[host];
  if (l->tcp != NULL) yeon_tcp_close(l->tcp, yeon_sim_now(w->sim));
  l->tcp = NULL;
}

static void ready_end(struct world *w, struct end *e, const struct yeon_ready *ready)
{
  if (e->tcp != ready->tcp) {
    world_fail(w, "connection %u, %s: a report (%#x) after the endpoint is gone", e->conn, name_end(e), ready->events);
    return;
  }
  if (!e->connected) check_connected(e);
  pump(e);
}

void program_ready(void *ctx, struct yeon_sim *sim, unsigned node, const struct yeon_ready *ready, yeon_time now)
{
  (void)sim;
  (void)node;
  (void)now;
  struct world *w = ctx;
  if (w->failure[0] != '\0') return;
  if (ready->user == NULL || (ready->tcp != NULL) == (ready->udp != NULL))
    world_fail(w, "a report (%#x) about nobody", ready->events);
  else if (ready->udp != NULL)
    program_datagrams_ready(ready->user);
  else if (ready->user == &w->listener[0] || ready->user == &w->listener[1])
    accept_some(ready->user);
  else
    ready_end(w, ready->user, ready);
}

static bool has_ended(const struct end *e) { return e->status >= END_OK; }

bool programs_only_wait(const struct world *w)
{
  for (unsigned i = 0; i < w->plan->n_conns; i++) {
    for (unsigned k = 0; k < 2; k++) {
      const struct end *e = &w->ends[i][k];
      if (!has_ended(e) && !(e->status == END_WAITING && has_ended(e->other))) return false;
    }
  }
  return true;
}

bool programs_ended(const struct world *w)
{
  if (!programs_only_wait(w)) return false;
  for (unsigned i = 0; i < w->plan->n_conns; i++) {
    for (unsigned k = 0; k < 2; k++) {
      const struct end *e =
          &w->ends[i][k]; /* not called if the caller gave up; else it will be accepted yet, perhaps */
      if (e->status == END_WAITING && e->other->status == END_OK) return false;
    }
  }
  return true;
}
