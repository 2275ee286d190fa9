/* Every call in every state: what it returns, and that a refused one leaves nothing half done (RFC 9293 3.10.1 to 3.10.6 say what each state
 * allows). Options, ports, readiness. */
#include "tcp_script.h"

#include <stdio.h>

#define OK 0
#define AGAIN YEON_ERR_AGAIN
#define INVALID YEON_ERR_INVALID
#define PIPE YEON_ERR_PIPE
#define UNCONNECTED YEON_ERR_NOT_CONNECTED
#define CONNECTED YEON_ERR_IS_CONNECTED
#define PROGRESS YEON_ERR_IN_PROGRESS
#define GONE YEON_ERR_CLOSED

/* Brings s->tcp into a state, all segments of the way checked off. */
typedef void reach_fn(struct script *s);

static void fresh(struct script *s) { assert_int_equal(yeon_tcp_open(s->host, &s->tcp), 0); }

static void bound(struct script *s)
{
  fresh(s);
  assert_int_equal(yeon_tcp_bind(s->tcp, &(struct yeon_addr){s->local, 81}, s->now), 0);
}

static void listening(struct script *s)
{
  script_listen(s, 4);
  s->tcp = s->listener;
}

static void syn_sent(struct script *s) { assert_int_equal(script_connect(s), 0); }

static void syn_received(struct script *s)
{
  syn_sent(s);
  in("S 0 mss 1000");
}

static void established(struct script *s)
{
  syn_sent(s);
  in("S. 0 ack 1 mss 1000");
}

static void fin_wait_1(struct script *s)
{
  established(s);
  script_shutdown(s, YEON_SHUT_WR);
}

static void fin_wait_2(struct script *s)
{
  fin_wait_1(s);
  in(". 1 ack 2");
}

static void close_wait(struct script *s)
{
  established(s);
  in(".F 1 ack 1");
}

static void closing(struct script *s)
{
  fin_wait_1(s);
  in(".F 1 ack 1");
}

static void last_ack(struct script *s)
{
  close_wait(s);
  script_shutdown(s, YEON_SHUT_WR);
}

static void time_waiting(struct script *s)
{
  fin_wait_2(s);
  in(".F 1 ack 2");
}

static void over(struct script *s)
{
  last_ack(s);
  in(". 2 ack 2");
}

static void was_reset(struct script *s)
{
  established(s);
  in("R 1");
}

struct row {
  reach_fn *reach;
  const char *state;
  int64_t send, recv;
  int shut_wr, shut_rd, connect, listen, bind, accept;
};

static const struct row rows[] = {
    {fresh, "CLOSED", UNCONNECTED, UNCONNECTED, UNCONNECTED, UNCONNECTED, OK, OK, OK, INVALID},
    {bound, "CLOSED", UNCONNECTED, UNCONNECTED, UNCONNECTED, UNCONNECTED, OK, OK, INVALID, INVALID},
    {listening, "LISTEN", UNCONNECTED, UNCONNECTED, UNCONNECTED, UNCONNECTED, INVALID, OK, INVALID, AGAIN},
    {syn_sent, "SYN-SENT", AGAIN, AGAIN, UNCONNECTED, UNCONNECTED, PROGRESS, INVALID, INVALID, INVALID},
    {syn_received, "SYN-RECEIVED", AGAIN, AGAIN, OK, OK, PROGRESS, INVALID, INVALID, INVALID},
    {established, "ESTABLISHED", 5, AGAIN, OK, OK, CONNECTED, INVALID, INVALID, INVALID},
    {fin_wait_1, "FIN-WAIT-1", PIPE, AGAIN, OK, OK, CONNECTED, INVALID, INVALID, INVALID},
    {fin_wait_2, "FIN-WAIT-2", PIPE, AGAIN, OK, OK, CONNECTED, INVALID, INVALID, INVALID},
    {close_wait, "CLOSE-WAIT", 5, OK, OK, OK, CONNECTED, INVALID, INVALID, INVALID},
    {closing, "CLOSING", PIPE, OK, OK, OK, CONNECTED, INVALID, INVALID, INVALID},
    {last_ack, "LAST-ACK", PIPE, OK, OK, OK, CONNECTED, INVALID, INVALID, INVALID},
    {time_waiting, "TIME-WAIT", PIPE, OK, OK, OK, CONNECTED, INVALID, INVALID, INVALID},
    {over, "CLOSED", PIPE, OK, UNCONNECTED, UNCONNECTED, GONE, INVALID, INVALID, INVALID},
    {was_reset, "CLOSED", YEON_ERR_RESET, YEON_ERR_RESET, UNCONNECTED, UNCONNECTED, GONE, INVALID, INVALID, INVALID},
};
#define ROWS (sizeof rows / sizeof *rows)

enum call { SEND, RECV, SHUT_WR, SHUT_RD, CONNECT, LISTEN, BIND, ACCEPT, CALLS };

static int64_t make_call(struct script *s, enum call call)
{
  uint8_t buf[5] = {1, 2, 3, 4, 5};
  struct yeon_tcp *accepted;
  struct yeon_addr remote = {s->remote, 99}, local = {s->local, 82};
  switch (call) {
  case SEND: return yeon_tcp_send(s->tcp, buf, 5, 0, s->now);
  case RECV: return yeon_tcp_recv(s->tcp, buf, 5, 0, s->now);
  case SHUT_WR: return yeon_tcp_shutdown(s->tcp, YEON_SHUT_WR, s->now);
  case SHUT_RD: return yeon_tcp_shutdown(s->tcp, YEON_SHUT_RD, s->now);
  case CONNECT: return yeon_tcp_connect(s->tcp, &remote, s->now);
  case LISTEN: return yeon_tcp_listen(s->tcp, 4, s->now);
  case BIND: return yeon_tcp_bind(s->tcp, &local, s->now);
  default: return yeon_tcp_accept(s->tcp, &accepted, s->now);
  }
}

static int64_t wanted(const struct row *r, enum call call)
{
  const int64_t all[CALLS] = {r->send, r->recv, r->shut_wr, r->shut_rd, r->connect, r->listen, r->bind, r->accept};
  return all[call];
}

static void test_calls_by_state(void **state)
{
  for (size_t i = 0; i < ROWS; i++) {
    for (enum call call = 0; call < CALLS; call++) {
      struct script *s = script_new(state, NULL);
      rows[i].reach(s);
      state_is(rows[i].state);
      script_drain(s);
      struct yeon_host_usage before = script_usage(s);
      int64_t got = make_call(s, call);
      if (got != wanted(&rows[i], call))
        fail_msg("row %zu (%s), call %d: %lld", i, rows[i].state, (int)call, (long long)got);
      if (got < 0) { /* refused: nothing happened */
        state_is(rows[i].state);
        nothing();
        struct yeon_host_usage after = script_usage(s);
        assert_int_equal(before.connections, after.connections);
        assert_int_equal(before.listeners, after.listeners);
      }
      script_free(s);
    }
  }
}

/* CLOSE and ABORT in every state: the endpoint is gone, and after some minutes so is every trace. */
static void test_close_by_state(void **state)
{
  for (size_t i = 0; i < ROWS; i++) {
    for (int abort = 0; abort < 2; abort++) {
      struct script *s = script_new(state, NULL);
      rows[i].reach(s);
      if (abort)
        script_abort(s);
      else
        script_close(s);
      script_advance(s, 2 * 250000);
      struct yeon_host_usage u = script_usage(s);
      assert_int_equal(u.connections + u.half_open + u.time_wait + u.listeners, 0);
      assert_int_equal(u.buffer_bytes, 0);
      script_free(s);
    }
  }
}

static void test_arguments(void **state)
{
  struct script *s = script_connected(state, NULL);
  uint8_t buf[4];
  assert_int_equal(yeon_tcp_send(s->tcp, buf, 4, 0x80, s->now), INVALID);
  assert_int_equal(yeon_tcp_send(s->tcp, buf, 0, 0x80, s->now), INVALID);
  assert_int_equal(yeon_tcp_send(s->tcp, NULL, 4, 0, s->now), INVALID);
  assert_int_equal(yeon_tcp_send(s->tcp, buf, 0, 0, s->now), 0);
  assert_int_equal(yeon_tcp_recv(s->tcp, buf, 4, 0x80, s->now), INVALID);
  assert_int_equal(yeon_tcp_recv(s->tcp, NULL, 4, 0, s->now), INVALID);
  assert_int_equal(yeon_tcp_shutdown(s->tcp, 0, s->now), INVALID);
  assert_int_equal(yeon_tcp_shutdown(s->tcp, 4, s->now), INVALID);
  assert_int_equal(yeon_tcp_consume(s->tcp, 1, s->now), INVALID);
  nothing();
  assert_int_equal(yeon_tcp_open(s->host, &s->listener), 0);
  assert_int_equal(yeon_tcp_listen(s->listener, 0, s->now), INVALID);
  assert_int_equal(yeon_tcp_listen(s->listener, 65536, s->now), INVALID);
  struct yeon_addr elsewhere = {.port = 80};
  assert_int_equal(yeon_ip_parse("192.0.2.1", &elsewhere.ip), 0);
  assert_int_equal(yeon_tcp_bind(s->listener, &elsewhere, s->now), YEON_ERR_ADDRESS);
  assert_int_equal(yeon_tcp_listen(s->listener, 1, s->now), 0);
  script_free(s);
}

static void test_option_ranges(void **state)
{
  static const struct {
    enum yeon_tcp_option option;
    int64_t low, high;
  } ranges[] = {
      {YEON_TCP_SNDBUF, 2048, 1 << 30},
      {YEON_TCP_RCVBUF, 2048, 1 << 30},
      {YEON_TCP_NODELAY, 0, 1},
      {YEON_TCP_CORK, 0, 1},
      {YEON_TCP_QUICKACK, 0, 1},
      {YEON_TCP_KEEPALIVE, 0, 1},
      {YEON_TCP_KEEPIDLE_MS, 1, 32767000},
      {YEON_TCP_KEEPCNT, 1, 127},
      {YEON_TCP_KEEPINTVL_MS, 1, 32767000},
      {YEON_TCP_LINGER_MS, -1, INT32_MAX},
      {YEON_TCP_MAXSEG, 64, 65495},
      {YEON_TCP_USER_TIMEOUT_MS, 0, INT32_MAX},
      {YEON_TCP_HOP_LIMIT, 1, 255},
      {YEON_TCP_TRAFFIC_CLASS, 0, 255},
      {YEON_TCP_RETRIES_SYN, 1, 255},
      {YEON_TCP_REUSEADDR, 0, 1},
      {YEON_TCP_REUSEPORT, 0, 1},
      {YEON_TCP_V6ONLY, 0, 1},
      {YEON_TCP_OOBINLINE, 0, 1},
      {YEON_TCP_WINDOW_CLAMP, 0, 1 << 30},
      {YEON_TCP_CONGESTION, 0, YEON_CONGESTIONS - 1},
      {YEON_TCP_MAX_PACING_RATE, 0, INT64_MAX - 1},
      {YEON_TCP_FASTOPEN, 0, 65535},
      {YEON_TCP_FASTOPEN_NO_COOKIE, 0, 1},
      {YEON_TCP_NO_OPTIONS, 0, 1},
      {YEON_TCP_FIN_WAIT_2_MS, -1, 120000},
      {YEON_TCP_DEFER_ACCEPT, 0, 255},
  };
  assert_int_equal(sizeof ranges / sizeof *ranges, YEON_TCP_OPTIONS);
  struct script *s = script_new(state, NULL);
  int64_t value;
  fresh(s);
  for (size_t i = 0; i < YEON_TCP_OPTIONS; i++) {
    assert_int_equal(yeon_tcp_set(s->tcp, ranges[i].option, ranges[i].high, s->now), 0);
    assert_int_equal(yeon_tcp_get(s->tcp, ranges[i].option, &value), 0);
    /* The last two bits of the class are ECN's. */
    int64_t high = ranges[i].option == YEON_TCP_TRAFFIC_CLASS ? 252 : ranges[i].high;
    assert_int_equal(value, high);
    assert_int_equal(yeon_tcp_set(s->tcp, ranges[i].option, ranges[i].low - 1, s->now), INVALID);
    assert_int_equal(yeon_tcp_set(s->tcp, ranges[i].option, ranges[i].high + 1, s->now), INVALID);
    assert_int_equal(yeon_tcp_set(s->tcp, ranges[i].option, INT64_MIN, s->now), INVALID);
    assert_int_equal(yeon_tcp_get(s->tcp, ranges[i].option, &value), 0);
    assert_int_equal(value, high);
    assert_int_equal(yeon_tcp_set(s->tcp, ranges[i].option, ranges[i].low, s->now), 0);
  }
  assert_int_equal(yeon_tcp_set(s->tcp, YEON_TCP_OPTIONS, 1, s->now), YEON_ERR_UNSUPPORTED);
  assert_int_equal(yeon_tcp_get(s->tcp, YEON_TCP_OPTIONS, &value), YEON_ERR_UNSUPPORTED);
  script_free(s);
}

/* Header fields an endpoint chooses, and what it accepts inherits. */
static void test_options_act(void **state)
{
  struct script *s = script_new(state, NULL);
  script_listen(s, 4);
  assert_int_equal(yeon_tcp_set(s->listener, YEON_TCP_V6ONLY, 1, s->now), INVALID); /* bound already */
  assert_int_equal(yeon_tcp_set(s->listener, YEON_TCP_HOP_LIMIT, 7, s->now), 0);
  assert_int_equal(yeon_tcp_set(s->listener, YEON_TCP_TRAFFIC_CLASS, 0x48, s->now), 0);
  assert_int_equal(yeon_tcp_set(s->listener, YEON_TCP_MAXSEG, 600, s->now), 0);
  in("S 0 mss 1000");
  script_learn(s);
  out("S. 0(0) ack 1 mss 600");
  assert_int_equal(s->out[0].hop_limit, 7);
  in(". 1 ack 1");
  assert_int_equal(yeon_tcp_accept(s->listener, &s->tcp, s->now), 0);
  assert_int_equal(script_send(s, 600), 600);
  out(". 1(600) ack 1");
  assert_int_equal(s->out[s->next_out - 1].hop_limit, 7);
  assert_int_equal(s->out[s->next_out - 1].traffic_class, 0x48);
  script_free(s);
}

/* (first: its options, address; second likewise) -> what bind and listen say to the second. */
static void test_bind_conflicts(void **state)
{
  static const struct {
    bool any1, any2, reuseaddr, reuseport;
    int bind, listen;
  } table[] = {
      {false, false, false, false, YEON_ERR_IN_USE, 0},
      {true, true, false, false, YEON_ERR_IN_USE, 0},
      {true, false, false, false, YEON_ERR_IN_USE, 0},
      {false, true, false, false, YEON_ERR_IN_USE, 0},
      {false, false, true, false, YEON_ERR_IN_USE, 0}, /* the first listens */
      {false, false, false, true, 0, 0},
      {true, true, false, true, 0, 0},
      {true, false, false, true, 0, 0},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    struct script *s = script_new(state, NULL);
    struct yeon_tcp *e[2];
    for (int k = 0; k < 2; k++) {
      struct yeon_addr a = {.port = 80};
      if (!(k == 0 ? table[i].any1 : table[i].any2)) a.ip = s->local;
      assert_int_equal(yeon_tcp_open(s->host, &e[k]), 0);
      assert_int_equal(yeon_tcp_set(e[k], YEON_TCP_REUSEADDR, table[i].reuseaddr, s->now), 0);
      assert_int_equal(yeon_tcp_set(e[k], YEON_TCP_REUSEPORT, table[i].reuseport, s->now), 0);
      int got = yeon_tcp_bind(e[k], &a, s->now);
      if (k == 1) assert_int_equal(got, table[i].bind);
      if (k == 0 || got == 0) assert_int_equal(yeon_tcp_listen(e[k], 4, s->now), k == 0 ? 0 : table[i].listen);
    }
    yeon_tcp_close(e[0], s->now);
    if (table[i].bind != 0) { /* free again, and the refused endpoint is as good as new */
      assert_int_equal(yeon_tcp_bind(e[1], &(struct yeon_addr){s->local, 80}, s->now), 0);
      assert_int_equal(yeon_tcp_listen(e[1], 4, s->now), 0);
    }
    script_free(s);
  }
}

/* A server that starts again while its old connections wait needs YEON_TCP_REUSEADDR, and with it gets its port. */
static void test_bind_beside_time_wait(void **state)
{
  struct script *s = script_new(state, NULL);
  script_listen(s, 4);
  script_accept(s, NULL);
  script_close(s);
  out(".F 1(0) ack 1");
  in(".F 1 ack 2");
  out(". 2(0) ack 2");
  yeon_tcp_close(s->listener, s->now);
  fresh(s);
  struct yeon_addr a = {s->local, 80};
  assert_int_equal(yeon_tcp_bind(s->tcp, &a, s->now), YEON_ERR_IN_USE);
  script_set(s, YEON_TCP_REUSEADDR, 1);
  assert_int_equal(yeon_tcp_bind(s->tcp, &a, s->now), 0);
  assert_int_equal(yeon_tcp_listen(s->tcp, 4, s->now), 0);
  script_free(s);
}

static void three_ports(struct yeon_tcp_options *o)
{
  o->port_first = 50000;
  o->port_last = 50002;
}

static void test_port_exhaustion(void **state)
{
  struct script *s = script_new(state, &(struct script_setup){.tune = three_ports});
  struct yeon_tcp *c[4];
  bool seen[3] = {false};
  for (int i = 0; i < 3; i++) {
    s->tcp = NULL;
    assert_int_equal(script_connect(s), 0);
    c[i] = s->tcp;
    assert_false(seen[s->port - 50000]);
    seen[s->port - 50000] = true;
    script_drain(s);
  }
  s->tcp = NULL;
  fresh(s);
  struct yeon_addr same = {s->remote, s->peer_port}, other = {s->remote, 4001};
  assert_int_equal(yeon_tcp_connect(s->tcp, &same, s->now), YEON_ERR_NO_PORTS);
  state_is("CLOSED");
  yeon_tcp_abort(c[1], s->now);
  assert_int_equal(yeon_tcp_connect(s->tcp, &same, s->now), 0); /* one is free again, and the endpoint unharmed */
  assert_int_equal(yeon_tcp_open(s->host, &c[3]), 0);
  assert_int_equal(yeon_tcp_connect(c[3], &other, s->now), 0); /* another peer: the same ports serve */
  script_free(s);
}

static void test_connect_from_bound_port(void **state)
{
  struct script *s = script_new(state, NULL);
  bound(s);
  assert_int_equal(script_connect(s), 0);
  assert_int_equal(s->port, 81);
  out("S 0 any");
  struct yeon_tcp *first = s->tcp;
  s->tcp = NULL;
  fresh(s);
  script_set(s, YEON_TCP_REUSEADDR, 1);
  assert_int_equal(yeon_tcp_set(first, YEON_TCP_REUSEADDR, 1, s->now), 0);
  assert_int_equal(yeon_tcp_bind(s->tcp, &(struct yeon_addr){s->local, 81}, s->now), 0);
  assert_int_equal(yeon_tcp_connect(s->tcp, &(struct yeon_addr){s->remote, s->peer_port}, s->now), YEON_ERR_IN_USE);
  assert_int_equal(yeon_tcp_connect(s->tcp, &(struct yeon_addr){s->remote, 4001}, s->now), 0);
  script_free(s);
}

/* Reported once when it newly holds; the level can be asked for at any time. */
static void test_readiness(void **state)
{
  struct script *s = script_connected(state, NULL);
  assert_int_equal(yeon_tcp_ready(s->tcp), YEON_WRITABLE);
  in(".P 1(10) ack 1");
  assert_int_equal(script_events(s, s->tcp), YEON_READABLE);
  assert_int_equal(script_events(s, s->tcp), 0);
  assert_int_equal(yeon_tcp_ready(s->tcp), YEON_READABLE | YEON_WRITABLE);
  assert_int_equal(script_recv(s, 100), 10);
  assert_int_equal(yeon_tcp_ready(s->tcp), YEON_WRITABLE);
  script_set(s, YEON_TCP_SNDBUF, 3000);
  assert_int_equal(script_send(s, 5000), 3000);
  assert_int_equal(script_send(s, 1), AGAIN);
  assert_int_equal(yeon_tcp_ready(s->tcp), 0);
  in(". 11 ack 1001"); /* a third is free */
  assert_int_equal(script_events(s, s->tcp), YEON_WRITABLE);
  in(".F 11 ack 1001");
  assert_int_equal(script_events(s, s->tcp), YEON_READABLE | YEON_READ_END);
  in("R 12");
  assert_int_equal(script_events(s, s->tcp), YEON_CLOSED | YEON_ERROR | YEON_READABLE | YEON_WRITABLE);
  assert_int_equal(yeon_tcp_take_error(s->tcp), YEON_ERR_RESET);
  assert_int_equal(yeon_tcp_take_error(s->tcp), 0);
  script_free(s);
}

static void test_peek_and_consume(void **state)
{
  struct script *s = script_connected(state, NULL);
  struct yeon_slice slices[2];
  uint8_t buf[20];
  in(".P 1(20) ack 1");
  assert_int_equal(yeon_tcp_recv(s->tcp, buf, 20, YEON_RECV_PEEK, s->now), 20);
  assert_int_equal(yeon_tcp_peek_slices(s->tcp, slices, 2), 1);
  assert_int_equal(slices[0].len, 20);
  for (unsigned i = 0; i < 20; i++) assert_int_equal(((const uint8_t *)slices[0].base)[i], script_byte(i));
  assert_int_equal(yeon_tcp_consume(s->tcp, 21, s->now), INVALID);
  assert_int_equal(yeon_tcp_consume(s->tcp, 15, s->now), 0);
  s->read = 15;
  assert_int_equal(script_recv(s, 20), 5);
  script_free(s);
}

/* Room in the send buffer itself: no more than the buffer has, given back or sent, and a full one reports when it has room again. */
static void test_reserve_and_produce(void **state)
{
  struct script *s = script_connected(state, NULL);
  struct yeon_room room[2];
  assert_int_equal(yeon_tcp_reserve(s->tcp, 0, room), 0);
  assert_int_equal(yeon_tcp_reserve(s->tcp, 100, room), 1);
  assert_int_equal(room[0].len, 100);
  assert_int_equal(yeon_tcp_produce(s->tcp, 0, s->now), 0);
  script_set(s, YEON_TCP_SNDBUF, 3000);
  assert_int_equal(yeon_tcp_reserve(s->tcp, 5000, room), 1);
  assert_int_equal(room[0].len, 3000);
  assert_int_equal(yeon_tcp_produce(s->tcp, 3001, s->now), INVALID);
  for (unsigned i = 0; i < 3000; i++) ((uint8_t *)room[0].base)[i] = script_byte(i);
  assert_int_equal(yeon_tcp_produce(s->tcp, 3000, s->now), 0);
  script_pump(s);
  out(". 1(1000) ack 1");
  out(". 1001(1000) ack 1");
  assert_int_equal(yeon_tcp_reserve(s->tcp, 1, room), 0);
  assert_int_equal(yeon_tcp_ready(s->tcp), 0);
  in(". 1 ack 2001");
  assert_int_equal(script_events(s, s->tcp), YEON_WRITABLE);
  assert_int_equal(yeon_tcp_reserve(s->tcp, 5000, room), 2); /* the ring of 4096 goes round */
  assert_int_equal(room[0].len + room[1].len, 2000);
  assert_int_equal(yeon_tcp_produce(s->tcp, 0, s->now), 0);
  assert_int_equal(yeon_tcp_shutdown(s->tcp, YEON_SHUT_WR, s->now), 0);
  assert_int_equal(yeon_tcp_reserve(s->tcp, 1, room), 0);
  script_free(s);
}

static void large_buffers(struct yeon_tcp_options *o)
{
  o->sndbuf = o->sndbuf_max = o->rcvbuf = o->rcvbuf_max = 1 << 20;
}

/* In bulk a buffer is made in its full size at once: doubling on the way would copy all of it each time. */
static void test_bulk_buffers(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.tune = large_buffers});
  static uint8_t bytes[40000];
  assert_int_equal(yeon_tcp_send(s->tcp, bytes, 1000, 0, s->now), 1000);
  assert_int_equal(yeon_tcp_send(s->tcp, bytes, sizeof bytes, 0, s->now), sizeof bytes);
  uint64_t before = s->allocations;
  for (unsigned i = 0; i < 20; i++) assert_int_equal(yeon_tcp_send(s->tcp, bytes, sizeof bytes, 0, s->now), sizeof bytes);
  assert_int_equal(s->allocations, before);
  script_free(s);
}

struct taking {
  size_t take, offers, offered; /* how many bytes it will take; how often it was asked, and with how many the last time */
};

static size_t take(void *user, const struct yeon_slice *slices, size_t n_slices)
{
  struct taking *t = user;
  t->offers++;
  t->offered = 0;
  for (size_t i = 0; i < n_slices; i++) t->offered += slices[i].len;
  return t->take < t->offered ? t->take : t->offered;
}

/* What is taken is acknowledged, and never reported; the rest is read as ever, and nothing is offered past it, nor past a gap. */
static void test_taker(void **state)
{
  struct script *s = script_connected(state, NULL);
  struct taking t = {.take = 1000};
  uint8_t buf[20];
  yeon_host_set_taker(s->host, take);
  in(".P 1(5) ack 1");
  assert_int_equal(t.offers, 0); /* no user: nobody is asked */
  assert_int_equal(yeon_tcp_recv(s->tcp, buf, 20, 0, s->now), 5);
  yeon_tcp_set_user(s->tcp, &t);
  (void)script_events(s, s->tcp);
  in(".P 6(10) ack 1");
  assert_int_equal(t.offered, 10);
  assert_int_equal(script_events(s, s->tcp), 0);
  assert_int_equal(yeon_tcp_ready(s->tcp), YEON_WRITABLE);
  in(".P 1(20) ack 1"); /* of what came before no byte is offered again */
  assert_int_equal(t.offered, 5);
  t.take = 4;
  in(".P 21(10) ack 1");
  assert_int_equal(t.offered, 10);
  assert_int_equal(script_events(s, s->tcp), YEON_READABLE);
  size_t offers = t.offers;
  in(".P 31(10) ack 1");
  assert_int_equal(t.offers, offers); /* six bytes stand before it */
  assert_int_equal(yeon_tcp_recv(s->tcp, buf, 20, 0, s->now), 16);
  for (unsigned i = 0; i < 16; i++) assert_int_equal(buf[i], script_byte(24 + i));
  in(".P 51(10) ack 1");
  in(".P 41(10) ack 1");
  assert_int_equal(t.offers, offers); /* it fills a gap */
  assert_int_equal(yeon_tcp_recv(s->tcp, buf, 20, 0, s->now), 20);
  t.take = 1000;
  in("F.P 61(10) ack 1");
  assert_int_equal(t.offered, 10);
  assert_int_equal(script_events(s, s->tcp), YEON_READABLE | YEON_READ_END);
  assert_int_equal(yeon_tcp_recv(s->tcp, buf, 20, 0, s->now), 0);
  script_free(s);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      BOTH(test_calls_by_state),
      BOTH(test_close_by_state),
      BOTH(test_arguments),
      BOTH(test_option_ranges),
      BOTH(test_options_act),
      BOTH(test_bind_conflicts),
      BOTH(test_bind_beside_time_wait),
      BOTH(test_port_exhaustion),
      BOTH(test_connect_from_bound_port),
      BOTH(test_readiness),
      BOTH(test_peek_and_consume),
      BOTH(test_reserve_and_produce),
      BOTH(test_bulk_buffers),
      BOTH(test_taker),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
