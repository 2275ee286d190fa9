/* What was written before a close that resets leaves before the reset, although output is asked for later (docs/decisions/0021; RFC 9293 3.6.1, 3.10.5):
 * as over a kernel, which sends inside the call. */
#include "tcp_script.h"

/* Writes, and the host is not asked for output yet. */
static void write_quietly(struct script *s, uint32_t len)
{
  uint8_t *bytes = malloc(len);
  for (uint32_t i = 0; i < len; i++) bytes[i] = script_byte(s->wrote + i);
  assert_int_equal(yeon_tcp_send(s->tcp, bytes, len, 0, s->now), len);
  s->wrote += len;
  free(bytes);
}

static void abort_quietly(struct script *s)
{
  yeon_tcp_abort(s->tcp, s->now);
  s->tcp = NULL;
}

static void shutdown_quietly(struct script *s) { assert_int_equal(yeon_tcp_shutdown(s->tcp, YEON_SHUT_WR, s->now), 0); }

static void all_gone(struct script *s)
{
  nothing();
  assert_int_equal(script_usage(s).connections, 0);
  script_free(s);
}

static void test_unread(void **state)
{
  struct script *s = script_connected(state, NULL);
  in(".P 1(4) ack 1");
  script_drain(s);
  write_quietly(s, 700);
  script_close(s);
  out(".P 1(700) ack 5");
  out("R. 701(0) ack 5");
  assert_int_equal(script_counters(s)->tcp_rst_out, 1);
  all_gone(s);
}

static void test_unread_in_close_wait(void **state)
{
  struct script *s = script_connected(state, NULL);
  in(".PF 1(4) ack 1");
  script_drain(s);
  write_quietly(s, 1700);
  script_close(s);
  out(". 1(1000) ack 6");
  out(".P 1001(700) ack 6");
  out("R. 1701(0) ack 6");
  all_gone(s);
}

static void test_linger_zero(void **state)
{
  struct script *s = script_connected(state, NULL);
  script_set(s, YEON_TCP_LINGER_MS, 0);
  write_quietly(s, 700);
  script_close(s);
  out(".P 1(700) ack 1");
  out("R. 701(0) ack 1");
  all_gone(s);
}

/* With a FIN that was due as well; and where both sides have said all then, without the reset (RFC 9293 3.10.5). */
static void test_abort(void **state)
{
  struct script *s = script_connected(state, NULL);
  write_quietly(s, 700);
  script_abort(s);
  out(".P 1(700) ack 1");
  out("R. 701(0) ack 1");
  all_gone(s);
  s = script_connected(state, NULL);
  write_quietly(s, 700);
  shutdown_quietly(s);
  script_abort(s);
  out(".PF 1(700) ack 1");
  out("R. 702(0) ack 1");
  all_gone(s);
  s = script_connected(state, NULL);
  in(".F 1 ack 1");
  script_drain(s);
  write_quietly(s, 700);
  shutdown_quietly(s);
  script_abort(s);
  out(".PF 1(700) ack 2");
  all_gone(s);
}

/* Closed in order, and text comes before the host is asked for what it has to send. */
static void test_text_for_nobody(void **state)
{
  struct script *s = script_connected(state, NULL);
  write_quietly(s, 1070);
  yeon_tcp_close(s->tcp, s->now);
  s->tcp = NULL;
  in(".P 1(4) ack 1");
  out(". 1(1000) ack 1");
  out(".PF 1001(70) ack 1");
  out("R. 1072(0) ack 1");
  all_gone(s);
}

/* As Linux: its reset then is that of no connection, and stands where the text acknowledged; old to a peer that has the bytes, and passed over. */
static void test_text_for_nobody_linux(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.use_profile = true, .profile = YEON_PROFILE_LINUX});
  assert_int_equal(script_send(s, 100), 100);
  out(".P 1(100) ack 1");
  write_quietly(s, 570);
  yeon_tcp_close(s->tcp, s->now);
  s->tcp = NULL;
  in(".P 1(4) ack 1");
  out(".PF 101(570) ack 1");
  out("R 1(0)");
  all_gone(s);
  s = script_connected(state, &(struct script_setup){.use_profile = true, .profile = YEON_PROFILE_LINUX});
  script_close(s);
  out(".F 1(0) ack 1");
  in(".P 1(4) ack 2");
  out("R 2(0)");
  all_gone(s);
}

/* Only what could have left at the call: the peer's window, Nagle and the congestion window hold back as ever. */
static void test_held_back(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.win = 500});
  write_quietly(s, 800);
  script_abort(s);
  out(". 1(500) ack 1");
  out("R. 501(0) ack 1");
  all_gone(s);
  s = script_connected(state, NULL);
  assert_int_equal(script_send(s, 10), 10);
  out(".P 1(10) ack 1");
  write_quietly(s, 10);
  script_abort(s);
  out("R. 11(0) ack 1");
  all_gone(s);
  s = script_connected(state, NULL);
  uint32_t cwnd = script_info(s).cwnd, full = cwnd / 1000;
  write_quietly(s, cwnd + 5000);
  script_abort(s);
  for (uint32_t i = 0; i < full; i++) out(". %u(1000) ack 1", 1 + 1000 * i);
  out("R. %u(0) ack 1", 1 + 1000 * full);
  all_gone(s);
}

/* Pacing would only have spread it, and there is no later. */
static void test_not_paced(void **state)
{
  struct script *s = script_connected(state, NULL);
  assert_int_equal(script_send(s, 1000), 1000);
  script_drain(s);
  script_advance(s, 100);
  in(". 1 ack 1001");
  script_set(s, YEON_TCP_MAX_PACING_RATE, 1000);
  write_quietly(s, 500);
  script_pump(s);
  script_drain(s);
  script_set(s, YEON_TCP_NODELAY, 1);
  write_quietly(s, 2000);
  script_abort(s);
  while (s->n_out > s->next_out && s->out[s->next_out].len > 0) s->next_out++;
  out("R. 3501(0) ack 1");
  all_gone(s);
}

/* Whatever comes meanwhile changes nothing: neither the reset's place nor its number, and nothing is answered. */
static void test_deaf(void **state)
{
  static const char *const segments[] = {".P 5(10) ack 1", ". 5 ack 1 win 10", "R 5", "S 100 mss 1000", ".F 5 ack 1"};
  for (size_t i = 0; i < sizeof segments / sizeof *segments; i++) {
    struct script *s = script_connected(state, NULL);
    in(".P 1(4) ack 1");
    script_drain(s);
    write_quietly(s, 700);
    yeon_tcp_close(s->tcp, s->now);
    s->tcp = NULL;
    in("%s", segments[i]);
    out(".P 1(700) ack 5");
    out("R. 701(0) ack 5");
    nothing();
    in(".P 5(10) ack 1"); /* and from then on there is no connection */
    out("R 1(0)");
    all_gone(s);
  }
  struct script *s = script_connected(state, NULL); /* ICMP */
  write_quietly(s, 700);
  abort_quietly(s);
  script_icmp(s, s->six ? 1 : 3, s->six ? 4 : 3, 0, 0);
  out(".P 1(700) ack 1");
  out("R. 701(0) ack 1");
  all_gone(s);
}

/* Nobody is refused for what such a connection still holds: place, port, four-tuple. Its reset goes without the bytes then. */
static void test_makes_way(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.max_connections = 1});
  struct yeon_tcp *another;
  write_quietly(s, 700);
  abort_quietly(s);
  assert_int_equal(yeon_tcp_open(s->host, &another), 0);
  script_pump(s);
  out("R. 1(0) ack 1");
  yeon_tcp_close(another, s->now);
  all_gone(s);
}

static void test_port_is_free(void **state)
{
  struct script *s = script_connected(state, NULL);
  struct yeon_addr local, remote;
  struct yeon_tcp *again, *third;
  yeon_tcp_local(s->tcp, &local);
  yeon_tcp_remote(s->tcp, &remote);
  write_quietly(s, 700);
  abort_quietly(s);
  assert_int_equal(yeon_tcp_open(s->host, &again), 0);
  assert_int_equal(yeon_tcp_bind(again, &local, s->now), 0);
  assert_int_equal(yeon_tcp_connect(again, &remote, s->now), 0);
  script_pump(s);
  out("R. 1(0) ack 1");
  script_learn(s);
  out("S 0 any");
  yeon_tcp_abort(again, s->now);
  assert_int_equal(yeon_tcp_open(s->host, &third), 0);
  assert_int_equal(yeon_tcp_bind(third, &local, s->now), 0);
  yeon_tcp_close(third, s->now);
  all_gone(s);
}

/* A link that asks for one frame at a time, and one that asks for none. */
static void test_slow_link(void **state)
{
  struct script *s = script_connected(state, NULL);
  struct yeon_frame f;
  if (s->gso) {
    script_free(s);
    return;
  }
  write_quietly(s, 2000);
  abort_quietly(s);
  assert_int_equal(yeon_host_output(s->host, 0, &f, 1, s->now), 1);
  s->now += 300 * YEON_MS;
  yeon_host_input(s->host, 0, NULL, 0, s->now);
  assert_int_equal(script_usage(s).connections, 1);
  script_pump(s);
  out(".P 1001(1000) ack 1");
  out("R. 2001(0) ack 1");
  all_gone(s);
}

static void test_link_that_never_asks(void **state)
{
  struct script *s = script_connected(state, NULL);
  write_quietly(s, 2000);
  abort_quietly(s);
  s->now += 900 * YEON_MS;
  yeon_host_input(s->host, 0, NULL, 0, s->now);
  assert_int_equal(script_usage(s).connections, 1);
  s->now += 200 * YEON_MS;
  yeon_host_input(s->host, 0, NULL, 0, s->now);
  assert_int_equal(script_usage(s).connections, 0);
  script_pump(s);
  out("R. 1(0) ack 1");
  all_gone(s);
}

/* Without memory for what a segment needs, the reset alone. */
static void test_no_memory(void **state)
{
  for (unsigned k = 1; k < 8; k++) {
    struct script *s = script_connected(state, NULL);
    write_quietly(s, 700);
    s->refuse_at = s->allocations + k;
    script_abort(s);
    s->refuse_at = 0;
    bool had_enough = s->n_out - s->next_out > 1;
    if (had_enough) out(".P 1(700) ack 1");
    out("R. %d(0) ack 1", had_enough ? 701 : 1);
    all_gone(s);
  }
}

static void no_cookies(struct yeon_tcp_options *o)
{
  o->fastopen = YEON_FASTOPEN_CLIENT | YEON_FASTOPEN_CLIENT_NO_COOKIE | YEON_FASTOPEN_SERVER | YEON_FASTOPEN_SERVER_NO_COOKIE;
}

/* Fast Open (RFC 7413): an answer that is written, and its question not read, before the SYN-ACK has left; and bytes on a SYN. */
static void test_fast_open_server(void **state)
{
  struct script *s = script_new(state, &(struct script_setup){.tune = no_cookies});
  script_listen(s, 4);
  assert_int_equal(yeon_tcp_set(s->listener, YEON_TCP_FASTOPEN, 4, s->now), 0);
  uint8_t packet[2048];
  size_t len = script_packet(s, "S 0(100) mss 1000 fo -", packet);
  struct yeon_frame f;
  yeon_frame_from_bytes(&f, packet, len);
  yeon_host_input(s->host, 0, &f, 1, s->now);
  assert_int_equal(yeon_tcp_accept(s->listener, &s->tcp, s->now), 0);
  s->iss = script_info(s).iss;
  write_quietly(s, 700);
  script_close(s);
  out("S. 0 ack 101 any");
  out(".P 1(700) ack 101");
  out("R. 701(0) ack 101");
  all_gone(s);
}

static void test_fast_open_client(void **state)
{
  for (int aborts = 0; aborts < 2; aborts++) {
    struct script *s = script_new(state, &(struct script_setup){.tune = no_cookies});
    struct yeon_addr remote = {.ip = s->remote, .port = s->peer_port};
    uint8_t bytes[100];
    for (uint32_t i = 0; i < sizeof bytes; i++) bytes[i] = script_byte(i);
    assert_int_equal(yeon_tcp_open(s->host, &s->tcp), 0);
    assert_int_equal(yeon_tcp_connect_send(s->tcp, &remote, bytes, sizeof bytes, s->now), 100);
    if (aborts != 0)
      script_abort(s);
    else
      script_close(s);
    script_learn(s);
    out("S 0(100) any");
    in("S. 0 ack 101 mss 1000");
    out("R 101(0)");
    all_gone(s);
  }
}

/* A host that goes with such a connection gives back all its memory. */
static void test_host_goes(void **state)
{
  struct script *s = script_connected(state, NULL);
  write_quietly(s, 700);
  abort_quietly(s);
  script_free(s);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      BOTH(test_unread),       BOTH(test_unread_in_close_wait), BOTH(test_linger_zero), BOTH(test_abort),
      BOTH(test_text_for_nobody), BOTH(test_text_for_nobody_linux), BOTH(test_held_back),         BOTH(test_not_paced),   BOTH(test_deaf),
      BOTH(test_makes_way),    BOTH(test_port_is_free),         BOTH(test_slow_link),   BOTH(test_link_that_never_asks),
      BOTH(test_no_memory),    BOTH(test_host_goes),            BOTH(test_fast_open_server), BOTH(test_fast_open_client),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
