/* TCP Fast Open (RFC 7413), the server's side: who is given a cookie, what a SYN that brings one opens, what it may cost, and what it must not. */
#include "tcp_script.h"

#include <stdio.h>

#include "tcp/internal.h"

static char cookie[40]; /* the host's for the peer, in hexadecimal */

static void server(struct yeon_tcp_options *o) { o->fastopen = YEON_FASTOPEN_SERVER; }

static void server_early(struct yeon_tcp_options *o)
{
  server(o);
  o->fastopen_answer_early = true;
}

static void experimental(struct yeon_tcp_options *o)
{
  server(o);
  o->fastopen_experimental = true;
}

static void without_cookie(struct yeon_tcp_options *o) { o->fastopen = YEON_FASTOPEN_SERVER | YEON_FASTOPEN_SERVER_NO_COOKIE; }

static void all_listeners(struct yeon_tcp_options *o) { o->fastopen = YEON_FASTOPEN_SERVER | YEON_FASTOPEN_ALL_LISTENERS; }

static void no_syn_cookies(struct yeon_tcp_options *o)
{
  server(o);
  o->cookies = false;
}

static void keep_cookie(const struct wire_tcp *h)
{
  assert_true(h->has_fastopen);
  assert_int_equal(h->n_cookie, 8);
  for (unsigned i = 0; i < h->n_cookie; i++) snprintf(cookie + 2 * i, 3, "%02x", h->cookie[i]);
}

/* A listener with this limit, and the peer in possession of its cookie. */
static struct script *begin(void **state, void (*tune)(struct yeon_tcp_options *), unsigned limit)
{
  struct script_setup setup = {.tune = tune != NULL ? tune : server, .max_half_open = 8};
  struct script *s = script_new(state, &setup);
  script_listen(s, 16);
  if (limit > 0) assert_int_equal(yeon_tcp_set(s->listener, YEON_TCP_FASTOPEN, limit, s->now), 0);
  in("S 0 mss 1000 fo -");
  script_learn(s);
  keep_cookie(&s->out[s->next_out].h);
  script_drain(s);
  in("R 1");
  s->peer_port++;
  return s;
}

static void accept_it(struct script *s) { assert_int_equal(yeon_tcp_accept(s->listener, &s->tcp, s->now), 0); }

/* A SYN with data and cookie; the SYN-ACK has been seen. */
static void open_early(struct script *s, unsigned bytes)
{
  in("S 0(%u) mss 1000 fo %s", bytes, cookie);
  script_learn(s);
  out("S. 0 ack %u any", bytes + 1);
}

static void test_cookie_on_request(void **state)
{
  struct script *s = begin(state, NULL, 4);
  char first[40];
  memcpy(first, cookie, sizeof first);
  in("S 0 mss 1000 fo -"); /* the same for the same address, whatever the port */
  script_learn(s);
  keep_cookie(&s->out[s->next_out].h);
  assert_string_equal(first, cookie);
  assert_int_equal(script_counters(s)->tcp_fastopen_asked, 2);
  out("S. 0 ack 1 any");
  script_mark(s);
  out_at(1000, "S. 0 ack 1 mss %u", s->mss); /* RFC 7413 4.2.1: without it when it goes again */
  script_free(s);
}

static void test_read_and_write_before_the_handshake_ends(void **state)
{
  struct script *s = begin(state, NULL, 4);
  open_early(s, 100);
  assert_true(script_events(s, s->listener) & YEON_ACCEPTED);
  accept_it(s);
  state_is("SYN-RECEIVED");
  assert_true(script_info(s).syn_data);
  assert_true(yeon_tcp_ready(s->tcp) & YEON_READABLE);
  assert_true(yeon_tcp_ready(s->tcp) & YEON_WRITABLE);
  assert_int_equal(script_recv(s, 200), 100);
  assert_int_equal(script_send(s, 50), 50);
  out(".P 1(50) ack 101");
  in(". 101 ack 51");
  state_is("ESTABLISHED");
  in(".P 101(10) ack 51");
  assert_int_equal(script_recv(s, 100), 10);
  assert_int_equal(script_counters(s)->tcp_fastopen_in, 1);
  script_close(s);
  script_free(s);
}

static void test_first_window(void **state)
{
  struct script *s = begin(state, NULL, 4);
  in("S 0(100) mss 1000 win 2500 fo %s", cookie);
  script_learn(s);
  out("S. 0 ack 101 any");
  accept_it(s);
  assert_int_equal(script_send(s, 20000), 20000);
  out(". 1(1000) ack 101"); /* no more than the SYN's window, and the initial one (RFC 5681 3.1: 4 segments) */
  out(". 1001(1000) ack 101");
  nothing();
  in(". 101 ack 1 win 65535"); /* completes the handshake: no duplicate, though it acknowledges no data */
  out(". 2001(1000) ack 101");
  out(". 3001(1000) ack 101");
  nothing();
  script_abort(s);
  script_free(s);
}

static void answer_early(void **state, bool ready)
{
  struct script *s = begin(state, ready ? server_early : server, 4);
  uint8_t packet[2048], bytes[30];
  char syn[100];
  snprintf(syn, sizeof syn, "S 0(100) mss 1000 fo %s", cookie);
  for (unsigned i = 0; i < sizeof bytes; i++) bytes[i] = script_byte(i);
  struct yeon_frame f;
  yeon_frame_from_bytes(&f, packet, script_packet(s, syn, packet));
  yeon_host_input(s->host, 0, &f, 1, s->now);
  accept_it(s);
  assert_int_equal(yeon_tcp_send(s->tcp, bytes, sizeof bytes, 0, s->now), sizeof bytes);
  s->wrote = sizeof bytes;
  script_learn(s);
  if (ready) {
    out("S. 0(30) ack 101 any");
  } else {
    out("S. 0 ack 101 any");
    s->out[s->next_out].payload_ok = true; /* it left before the numbers were known */
    out(".P 1(30) ack 101");
  }
  nothing();
  script_mark(s);
  /* RFC 7413 4.2.2: when it has to go again, alone; its data waits for the handshake. */
  out_at(1000, "S. 0 ack 101 mss %u", s->mss);
  in(". 101 ack 1");
  out_at(1000 + 3000, ".P 1(30) ack 101");
  in(". 101 ack 31");
  assert_int_equal(script_info(s).bytes_acked, 30);
  script_abort(s);
  script_free(s);
}

static void test_early_answer(void **state)
{
  answer_early(state, true);
  answer_early(state, false);
}

static void test_bad_cookies(void **state)
{
  struct script *s = begin(state, NULL, 4);
  static const char *const bad[] = {"0000000000000000", "00000000", "00112233445566778899aabbccddeeff"};
  for (unsigned i = 0; i < 3; i++) {
    s->peer_port++;
    in("S 0(100) mss 1000 fo %s", bad[i]);
    script_learn(s);
    out("S. 0 ack 1 mss %u fo %s", s->mss, cookie); /* RFC 7413 4.1.2: a fresh one */
    struct yeon_tcp *none;
    assert_int_equal(yeon_tcp_accept(s->listener, &none, s->now), YEON_ERR_AGAIN);
    in(". 1(100) ack 1"); /* the data comes again, and it is an ordinary connection */
    accept_it(s);
    state_is("ESTABLISHED");
    assert_false(script_info(s).syn_data);
    s->read = 0;
    assert_int_equal(script_recv(s, 200), 100);
    script_abort(s);
    script_drain(s);
  }
  assert_int_equal(script_counters(s)->tcp_fastopen_bad, 3);
  script_free(s);
}

/* A cookie is of one address. */
static void test_cookie_of_another(void **state)
{
  struct script *s = begin(state, NULL, 4);
  s->remote.b[15] ^= 1;
  in("S 0(100) mss 1000 fo %s", cookie);
  script_learn(s);
  out("S. 0 ack 1 any");
  assert_int_equal(script_usage(s).connections, 0);
  script_free(s);
}

static void test_not_asked_for(void **state)
{
  struct script_setup off = {.tune = server};
  struct script *s = script_new(state, &off);
  script_listen(s, 4); /* the host may, the listener does not ask */
  in("S 0(10) mss 1000 fo -");
  script_learn(s);
  out("S. 0 ack 1 mss %u", s->mss);
  script_free(s);
  s = script_new(state, NULL); /* the listener asks, the host may not */
  script_listen(s, 4);
  assert_int_equal(yeon_tcp_set(s->listener, YEON_TCP_FASTOPEN, 4, s->now), 0);
  in("S 0(10) mss 1000 fo -");
  script_learn(s);
  out("S. 0 ack 1 mss %u", s->mss);
  script_free(s);
  off.tune = all_listeners;
  s = script_new(state, &off);
  script_listen(s, 4);
  int64_t limit;
  assert_int_equal(yeon_tcp_get(s->listener, YEON_TCP_FASTOPEN, &limit), 0);
  assert_int_equal(limit, 4);
  script_free(s);
}

static void test_pending_limit(void **state)
{
  struct script *s = begin(state, NULL, 2);
  uint32_t iss[2];
  for (unsigned i = 0; i < 2; i++) {
    s->peer_port++;
    open_early(s, 10);
    iss[i] = s->iss;
  }
  s->peer_port++;
  in("S 0(10) mss 1000 fo %s", cookie); /* no room: an ordinary handshake, not even a cookie */
  script_learn(s);
  out("S. 0 ack 1 mss %u", s->mss);
  assert_int_equal(script_counters(s)->tcp_fastopen_full, 1);
  s->peer_port -= 2;
  s->iss = iss[0];
  in(". 11 ack 1"); /* one handshake over */
  s->peer_port += 3;
  open_early(s, 10);
  assert_int_equal(script_counters(s)->tcp_fastopen_in, 3);
  script_free(s);
}

/* RFC 7413 5.1: who resets them at once frees nothing. */
static void test_resets_count(void **state)
{
  struct script *s = begin(state, NULL, 2);
  for (unsigned i = 0; i < 2; i++) {
    s->peer_port++;
    open_early(s, 10);
    in("R 11");
    accept_it(s);
    assert_int_equal(script_recv(s, 100), 10);
    s->read = 0;
    assert_int_equal(script_recv(s, 100), YEON_ERR_RESET);
    script_close(s);
  }
  s->peer_port++;
  in("S 0(10) mss 1000 fo %s", cookie);
  script_learn(s);
  out("S. 0 ack 1 any");
  in("R 1");
  script_advance(s, 121 * 1000);
  s->peer_port++;
  open_early(s, 10);
  script_free(s);
}

/* However many SYNs with made-up cookies: nothing is allocated for them beyond the half-open records, which have their own limit. */
static void test_flood_of_bad_cookies(void **state)
{
  struct script *s = begin(state, no_syn_cookies, 64);
  for (unsigned i = 0; i < 8; i++, s->peer_port++) in("S 0(1000) mss 1000 fo %016x", i);
  script_drain(s);
  uint64_t before = s->allocations;
  for (unsigned i = 0; i < 1000; i++, s->peer_port++) in("S 0(1000) mss 1000 fo %016x", i);
  assert_int_equal(s->allocations, before);
  assert_int_equal(script_usage(s).connections, 0);
  assert_int_equal(script_usage(s).half_open, 8);
  open_early(s, 10); /* and a true one passes still, though no half-open record is free */
  accept_it(s);
  script_abort(s);
  script_free(s);
}

/* However many with a true one, from one address: the limit, and no more. */
static void test_flood_of_true_cookies(void **state)
{
  struct script *s = begin(state, no_syn_cookies, 3);
  for (unsigned i = 0; i < 200; i++, s->peer_port++) in("S 0(1000) mss 1000 fo %s", cookie);
  assert_int_equal(script_usage(s).connections, 3);
  assert_int_equal(script_usage(s).half_open, 8);
  script_free(s);
}

static void test_syn_again(void **state)
{
  struct script *s = begin(state, NULL, 4);
  open_early(s, 10);
  in("S 0(10) mss 1000 fo %s", cookie); /* the network's copy */
  out("S. 0 ack 11 mss %u", s->mss);
  in("S 0 mss 1000"); /* the client's second try */
  out("S. 0 ack 11 mss %u", s->mss);
  accept_it(s);
  assert_int_equal(script_recv(s, 100), 10);
  assert_int_equal(script_recv(s, 100), YEON_ERR_AGAIN);
  assert_int_equal(script_usage(s).connections, 1);
  in("S 100 mss 1000"); /* another one altogether: RFC 5961 section 4 */
  out(". 1 ack 11");
  script_close(s);
  script_free(s);
}

static void test_syn_ack_timer(void **state)
{
  struct script *s = begin(state, NULL, 4);
  open_early(s, 10);
  accept_it(s);
  script_mark(s);
  for (unsigned i = 0; i < 5; i++) out_at(((1 << (i + 1)) - 1) * 1000, "S. 0 ack 11 mss %u", s->mss);
  script_advance(s, 70 * 1000);
  state_is("CLOSED");
  assert_int_equal(script_recv(s, 100), 10);
  assert_int_equal(script_recv(s, 100), YEON_ERR_TIMED_OUT);
  script_close(s);
  script_free(s);
}

static void test_fin_with_the_syn(void **state)
{
  struct script *s = begin(state, NULL, 4);
  in("SF 0(10) mss 1000 fo %s", cookie);
  script_learn(s);
  out("S. 0 ack 11 any"); /* the FIN comes again */
  in(".F 11 ack 1");
  out(". 1 ack 12");
  accept_it(s);
  state_is("CLOSE-WAIT");
  assert_int_equal(script_recv(s, 100), 10);
  assert_int_equal(script_recv(s, 100), 0);
  script_close(s);
  out(".F 1 ack 12");
  script_free(s);
}

static void test_closed_early(void **state)
{
  struct script *s = begin(state, NULL, 4);
  open_early(s, 10);
  accept_it(s);
  assert_int_equal(script_recv(s, 100), 10);
  assert_int_equal(script_send(s, 20), 20);
  out(".P 1(20) ack 11");
  script_close(s);
  out(".F 21 ack 11");
  in(". 11 ack 22");
  in(".F 11 ack 22");
  out(". 22 ack 12");
  assert_int_equal(script_usage(s).time_wait, 1);
  script_free(s);
}

static void test_unread_or_listener_gone(void **state)
{
  struct script *s = begin(state, NULL, 4);
  open_early(s, 10);
  accept_it(s);
  script_close(s); /* unread: RFC 9293 3.6.1 */
  out("R. 1 ack 11");
  s->peer_port++;
  open_early(s, 10);
  yeon_tcp_close(s->listener, s->now);
  script_pump(s);
  out("R. 1 ack 11");
  assert_int_equal(script_usage(s).connections, 0);
  script_free(s);
}

static void test_unreachable(void **state)
{
  struct script *s = begin(state, NULL, 4);
  open_early(s, 10);
  script_icmp(s, s->six ? 1 : 3, s->six ? 4 : 3, 0, 0); /* port unreachable, not yet accepted */
  accept_it(s);
  state_is("CLOSED");
  script_close(s);
  s->peer_port++;
  open_early(s, 10);
  accept_it(s);
  script_icmp(s, s->six ? 1 : 3, s->six ? 4 : 3, 0, 0); /* one that is somebody's: as any connection */
  state_is("SYN-RECEIVED");
  script_abort(s);
  script_free(s);
}

static void test_keys(void **state)
{
  struct script *s = begin(state, NULL, 4);
  static const uint8_t old[16] = {1, 2, 3}, fresh[16] = {4, 5, 6};
  char before[40];
  yeon_host_fastopen_key(s->host, old, NULL);
  in("S 0(10) mss 1000 fo %s", cookie); /* of the host's own key, forgotten */
  script_learn(s);
  keep_cookie(&s->out[s->next_out].h);
  out("S. 0 ack 1 any");
  memcpy(before, cookie, sizeof before);
  s->peer_port++;
  yeon_host_fastopen_key(s->host, fresh, old);
  open_early(s, 10); /* of the key before: taken, and changed for a new one */
  keep_cookie(&s->out[s->next_out - 1].h);
  assert_string_not_equal(before, cookie);
  s->peer_port++;
  in("S 0(10) mss 1000 fo %s", cookie);
  script_learn(s);
  out("S. 0 ack 11 mss %u", s->mss);
  s->peer_port++;
  assert_int_equal(yeon_tcp_fastopen_key(s->listener, old, NULL), 0); /* a listener's own goes before the host's */
  in("S 0(10) mss 1000 fo %s", before);
  script_learn(s);
  out("S. 0 ack 11 mss %u", s->mss);
  script_free(s);
}

static void test_without_cookie(void **state)
{
  struct script_setup setup = {.tune = without_cookie};
  struct script *s = script_new(state, &setup);
  script_listen(s, 16);
  assert_int_equal(yeon_tcp_set(s->listener, YEON_TCP_FASTOPEN, 1, s->now), 0);
  in("S 0(10) mss 1000");
  script_learn(s);
  out("S. 0 ack 11 mss %u", s->mss);
  s->peer_port++;
  in("S 0(10) mss 1000"); /* the limit holds here too */
  script_learn(s);
  out("S. 0 ack 1 mss %u", s->mss);
  script_free(s);
  setup.tune = server;
  s = script_new(state, &setup); /* one listener alone */
  script_listen(s, 16);
  assert_int_equal(yeon_tcp_set(s->listener, YEON_TCP_FASTOPEN, 1, s->now), 0);
  assert_int_equal(yeon_tcp_set(s->listener, YEON_TCP_FASTOPEN_NO_COOKIE, 1, s->now), 0);
  in("S 0(10) mss 1000");
  script_learn(s);
  out("S. 0 ack 11 mss %u", s->mss);
  script_free(s);
}

static void test_experimental_form(void **state)
{
  struct script *s = begin(state, experimental, 4);
  in("S 0 mss 1000 foexp -");
  script_learn(s);
  out("S. 0 ack 1 mss %u foexp %s", s->mss, cookie); /* asked so, answered so */
  s->peer_port++;
  in("S 0(10) mss 1000 foexp %s", cookie);
  script_learn(s);
  out("S. 0 ack 11 mss %u", s->mss);
  script_free(s);
  s = begin(state, server, 4); /* where it is not spoken, it is an option like any other */
  in("S 0(10) mss 1000 foexp %s", cookie);
  script_learn(s);
  out("S. 0 ack 1 mss %u", s->mss);
  script_free(s);
}

/* At the host's limit of connections, and when memory is refused, the handshake is an ordinary one. */
static void test_no_room_for_a_connection(void **state)
{
  struct script_setup setup = {.tune = server, .max_connections = 2};
  struct script *s = script_new(state, &setup);
  script_listen(s, 16);
  assert_int_equal(yeon_tcp_set(s->listener, YEON_TCP_FASTOPEN, 4, s->now), 0);
  in("S 0 mss 1000 fo -");
  script_learn(s);
  keep_cookie(&s->out[s->next_out].h);
  script_drain(s);
  s->peer_port++;
  open_early(s, 10);
  s->peer_port++;
  in("S 0(10) mss 1000 fo %s", cookie);
  script_learn(s);
  out("S. 0 ack 1 any");
  script_free(s);
  for (uint64_t k = 1; k < 12; k++) {
    s = begin(state, NULL, 4);
    s->refuse_at = s->allocations + k;
    in("S 0(10) mss 1000 fo %s", cookie);
    s->refuse_at = 0;
    script_drain(s);
    script_free(s); /* checks that nothing is lost */
  }
}

/* Both ends have sent a FIN that the other cannot take yet: an answer must not ask for an answer. */
static void test_no_war_of_fins(void **state)
{
  struct script_setup setup = {.profile = YEON_PROFILE_FREEBSD, .use_profile = true};
  struct script *s = script_connected(state, &setup);
  script_shutdown(s, YEON_SHUT_WR);
  out(".F 1 ack 1");
  in(".F 100 ack 1");
  out(". 2 ack 1");
  nothing();
  script_abort(s);
  script_free(s);
}

static void test_options(void **state)
{
  struct script *s = script_connected(state, NULL);
  assert_int_equal(yeon_tcp_set(s->tcp, YEON_TCP_FASTOPEN, 1, s->now), YEON_ERR_INVALID);
  struct yeon_tcp_options o;
  const char *field;
  yeon_tcp_options_init(&o, YEON_PROFILE_YEON);
  o.fastopen = 0x800;
  assert_int_equal(yeon_tcp_options_check(&o, &field), YEON_ERR_INVALID);
  assert_string_equal(field, "fastopen");
  script_abort(s);
  script_free(s);
}

/* SipHash-2-4 over the client's address and the server's, its bytes from the least up: as Linux has it. */
static void test_cookie_bytes(void **state)
{
  (void)state;
  const uint8_t key[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const uint8_t want[8] = {0xd1, 0x83, 0xf8, 0xaa, 0x96, 0xf4, 0xcf, 0xa2};
  const struct yeon_ip local = yeon_ip4(198, 51, 100, 1), *locals = &local;
  struct tcp t = {.locals = &locals};
  struct tcp_key conn = {.remote = yeon_ip4(192, 0, 2, 7)};
  struct tcp_cookie_keys keys;
  uint8_t got[8];
  tcp_cookie_keys_set(&keys, key, NULL);
  tcp_fastopen_cookie(&t, &keys.key[0], &conn, got);
  assert_memory_equal(got, want, 8);
  t.options.fastopen_cookie_of_client = true;
  tcp_fastopen_cookie(&t, &keys.key[0], &conn, got);
  assert_memory_not_equal(got, want, 8);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      BOTH(test_cookie_on_request), BOTH(test_read_and_write_before_the_handshake_ends), BOTH(test_first_window),
      BOTH(test_early_answer), BOTH(test_bad_cookies), BOTH(test_cookie_of_another),
      BOTH(test_not_asked_for), BOTH(test_pending_limit), BOTH(test_resets_count), BOTH(test_flood_of_bad_cookies),
      BOTH(test_flood_of_true_cookies), BOTH(test_syn_again), BOTH(test_syn_ack_timer), BOTH(test_fin_with_the_syn),
      BOTH(test_closed_early), BOTH(test_unread_or_listener_gone), BOTH(test_unreachable), BOTH(test_keys),
      BOTH(test_without_cookie), BOTH(test_experimental_form), BOTH(test_no_room_for_a_connection), BOTH(test_options), BOTH(test_no_war_of_fins),
      cmocka_unit_test(test_cookie_bytes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
