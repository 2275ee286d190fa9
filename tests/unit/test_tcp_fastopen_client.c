/* TCP Fast Open (RFC 7413), the client's side: when a SYN carries data, how much, what becomes of it, and what is remembered of the answer. */
#include "tcp_script.h"

#include <stdio.h>

#include "tcp/internal.h"

#define COOKIE "0123456789abcdef"

static void client(struct yeon_tcp_options *o) { o->fastopen = YEON_FASTOPEN_CLIENT; }

static void cautious(struct yeon_tcp_options *o)
{
  client(o);
  o->fastopen_retry_s = 900;
}

static void black_hole(struct yeon_tcp_options *o)
{
  client(o);
  o->fastopen_black_hole_s = 100;
}

static void without_cookie(struct yeon_tcp_options *o) { o->fastopen = YEON_FASTOPEN_CLIENT | YEON_FASTOPEN_CLIENT_NO_COOKIE; }

static void experimental(struct yeon_tcp_options *o)
{
  client(o);
  o->fastopen_experimental = true;
}

static void checks_echo(struct yeon_tcp_options *o)
{
  client(o);
  o->timestamps = o->check_syn_echo = true;
}

static struct yeon_addr server_of(const struct script *s) { return (struct yeon_addr){.ip = s->remote, .port = s->peer_port}; }

/* Connects with this many bytes; the SYN is at the head of the queue, and learned. The bytes taken. */
static int64_t connect_send(struct script *s, uint32_t len)
{
  struct yeon_addr remote = server_of(s);
  uint8_t *bytes = malloc(len + 1);
  for (uint32_t i = 0; i < len; i++) bytes[i] = script_byte(i);
  if (s->tcp == NULL) assert_int_equal(yeon_tcp_open(s->host, &s->tcp), 0);
  int64_t n = yeon_tcp_connect_send(s->tcp, &remote, bytes, len, s->now);
  free(bytes);
  if (n < 0) return n;
  s->wrote = (uint32_t)n;
  s->read = 0;
  script_learn(s);
  return n;
}

static void end(struct script *s)
{
  if (s->tcp != NULL) script_abort(s);
  script_drain(s);
}

static int room(struct script *s)
{
  struct yeon_addr remote = server_of(s);
  if (s->tcp == NULL) assert_int_equal(yeon_tcp_open(s->host, &s->tcp), 0);
  return yeon_tcp_fastopen_room(s->tcp, &remote, s->now);
}

/* A host that has the peer's cookie, and the MSS that it announced. */
static struct script *begin(void **state, void (*tune)(struct yeon_tcp_options *), unsigned mss)
{
  struct script_setup setup = {.tune = tune};
  struct script *s = script_new(state, &setup);
  assert_int_equal(connect_send(s, 0), 0);
  out("S 0 mss %u ws 0 sackok ts fo -", s->mss);
  in("S. 0 ack 1 mss %u fo " COOKIE, mss);
  end(s);
  return s;
}

static void plain_syn(struct script *s)
{
  const struct script_out *o = &s->out[s->next_out++];
  assert_int_equal(o->h.flags, YEON_TCP_SYN);
  assert_int_equal(o->len, 0);
  assert_false(o->h.has_fastopen);
}

/* The SYN at the head of the queue: with the cookie and so much data. */
static void syn_with(struct script *s, uint32_t len)
{
  const struct script_out *o = &s->out[s->next_out++];
  assert_int_equal(o->h.flags, YEON_TCP_SYN);
  assert_true(o->h.has_fastopen);
  assert_int_equal(o->h.n_cookie, 8);
  assert_int_equal(o->len, len);
  assert_true(o->payload_ok);
}

static void test_off(void **state)
{
  struct script *s = script_new(state, NULL);
  assert_int_equal(connect_send(s, 100), YEON_ERR_UNSUPPORTED);
  assert_int_equal(room(s), YEON_ERR_UNSUPPORTED);
  script_close(s);
  script_free(s);
  struct script_setup setup = {.tune = client};
  s = script_new(state, &setup); /* RFC 7413 section 2: nothing of it by itself */
  assert_int_equal(script_connect(s), 0);
  plain_syn(s);
  end(s);
  script_free(s);
}

static void test_asks_then_carries(void **state)
{
  struct script *s = begin(state, client, 1000);
  assert_int_equal(room(s), 960);
  assert_int_equal(connect_send(s, 300), 300);
  syn_with(s, 300);
  in("S. 0 ack 301 mss 1000");
  out(". 301 ack 1");
  state_is("ESTABLISHED");
  assert_true(script_info(s).syn_data);
  assert_int_equal(script_info(s).bytes_acked, 300);
  assert_int_equal(script_info(s).bytes_retransmitted, 0);
  assert_int_equal(script_send(s, 10), 10);
  out(".P 301(10) ack 1");
  end(s);
  script_free(s);
}

/* Without a cookie the bytes wait, and are the first to go. */
static void test_first_time(void **state)
{
  struct script_setup setup = {.tune = client};
  struct script *s = script_new(state, &setup);
  assert_int_equal(room(s), 0);
  assert_int_equal(connect_send(s, 2500), 2500);
  out("S 0 mss %u ws 0 sackok ts fo -", s->mss);
  in("S. 0 ack 1 mss 1000 fo " COOKIE);
  out(". 1(1000) ack 1");
  out(". 1001(1000) ack 1");
  out(".P 2001(500) ack 1");
  end(s);
  script_free(s);
}

/* RFC 7413 4.1.3: not more than the server's MSS of last time, and room left for options; the rest follows. */
static void test_how_much(void **state)
{
  struct script *s = begin(state, client, 700);
  assert_int_equal(connect_send(s, 3000), 3000);
  syn_with(s, 660);
  in("S. 0 ack 661 mss 1000");
  out(". 661(1000) ack 1");
  out(". 1661(1000) ack 1");
  out(".P 2661(340) ack 1");
  end(s);
  assert_int_equal(room(s), 960); /* the newest MSS counts */
  end(s);
  script_free(s);
  s = begin(state, client, 60000);
  assert_int_equal(room(s), s->six ? 1400 : 1420);
  end(s);
  script_free(s);
}

static void test_nothing_taken(void **state)
{
  struct script *s = begin(state, client, 1000);
  assert_int_equal(connect_send(s, 300), 300);
  syn_with(s, 300);
  in("S. 0 ack 1 mss 1000");
  out(".P 1(300) ack 1"); /* at once, with the acknowledgment; the window is untouched */
  assert_false(script_info(s).syn_data);
  assert_false(script_info(s).in_recovery);
  assert_int_equal(script_counters(s)->tcp_fastopen_fallback, 1);
  in(". 1 ack 301");
  assert_int_equal(script_info(s).bytes_acked, 300);
  end(s);
  assert_int_equal(room(s), 960); /* what is remembered is the options' affair: see test_refused_paths */
  end(s);
  script_free(s);
}

static void test_part_taken(void **state)
{
  struct script *s = begin(state, client, 1000);
  assert_int_equal(connect_send(s, 900), 900);
  syn_with(s, 900);
  in("S. 0 ack 101 mss 500");
  out(". 101(500) ack 1");
  out(".P 601(300) ack 1");
  in(". 1 ack 901");
  assert_int_equal(script_info(s).bytes_acked, 900);
  end(s);
  script_free(s);
}

static void test_wrong_answers(void **state)
{
  struct script *s = begin(state, client, 1000);
  assert_int_equal(connect_send(s, 100), 100);
  syn_with(s, 100);
  in("S. 0 ack 102 mss 1000 fo ffffffffffffffff"); /* beyond what was sent (RFC 9293 3.10.7.3) */
  out("R 102");
  in("S. 0 ack 0 mss 1000 fo ffffffffffffffff");
  out("R 0");
  state_is("SYN-SENT");
  in("S. 0 ack 101 mss 1000");
  state_is("ESTABLISHED");
  end(s);
  assert_int_equal(connect_send(s, 10), 10);
  out("S 0(10) mss %u ws 0 sackok ts fo " COOKIE, s->mss); /* theirs was not believed */
  in("R. 0 ack 11");
  state_is("CLOSED");
  assert_int_equal(yeon_tcp_take_error(s->tcp), YEON_ERR_REFUSED);
  end(s);
  script_free(s);
}

/* RFC 7413 4.2.2: the SYN that goes again is a plain one. The answer may still be to the first. */
static void test_syn_timer(void **state)
{
  struct script *s = begin(state, client, 1000);
  assert_int_equal(connect_send(s, 300), 300);
  syn_with(s, 300);
  script_mark(s);
  script_advance(s, 1000);
  plain_syn(s);
  in("S. 0 ack 301 mss 1000");
  out(". 301 ack 1");
  assert_true(script_info(s).syn_data);
  end(s);
  assert_int_equal(connect_send(s, 300), 300);
  syn_with(s, 300);
  script_advance(s, 1000);
  plain_syn(s);
  in("S. 0 ack 1 mss 1000");
  out(".P 1(300) ack 1");
  in(". 1 ack 301");
  end(s);
  script_free(s);
}

static void test_request_lost(void **state)
{
  struct script_setup setup = {.tune = client};
  struct script *s = script_new(state, &setup);
  assert_int_equal(connect_send(s, 0), 0);
  out("S 0 any");
  script_advance(s, 1000);
  plain_syn(s); /* RFC 7413 4.2.1 */
  in("S. 0 ack 1 mss 1000 fo " COOKIE); /* the time-out was mistaken: the cookie is good */
  end(s);
  assert_int_equal(room(s), 960);
  end(s);
  script_free(s);
}

/* RFC 7413 4.1.3.1. */
static void test_refused_paths(void **state)
{
  struct script *s = begin(state, cautious, 1000);
  assert_int_equal(connect_send(s, 100), 100); /* none of it taken */
  syn_with(s, 100);
  in("S. 0 ack 1 mss 1000");
  end(s);
  assert_int_equal(room(s), 0);
  assert_int_equal(connect_send(s, 100), 100);
  plain_syn(s);
  in("S. 0 ack 1 mss 1000");
  out(".P 1(100) ack 1");
  end(s);
  s->peer_port++; /* another service of the same host */
  assert_int_equal(room(s), 960);
  s->peer_port--;
  script_advance(s, 900 * 1000);
  assert_int_equal(room(s), 960);
  assert_int_equal(connect_send(s, 100), 100); /* only the plain SYN gets through */
  syn_with(s, 100);
  script_advance(s, 1000);
  plain_syn(s);
  in("S. 0 ack 1 mss 1000");
  end(s);
  assert_int_equal(room(s), 0);
  end(s);
  script_advance(s, 901 * 1000);
  assert_int_equal(connect_send(s, 100), 100); /* ICMP */
  syn_with(s, 100);
  script_icmp(s, s->six ? 1 : 3, s->six ? 1 : 13, 0, 0);
  end(s);
  assert_int_equal(room(s), 0);
  end(s);
  script_advance(s, 901 * 1000);
  assert_int_equal(connect_send(s, 100), 100); /* no answer at all */
  script_advance(s, 200 * 1000);
  end(s);
  assert_int_equal(room(s), 0);
  end(s);
  script_free(s);
}

/* RFC 7413 4.2.1: who gives no cookie is not asked again at once. */
static void test_no_cookie_given(void **state)
{
  struct script_setup setup = {.tune = cautious};
  struct script *s = script_new(state, &setup);
  assert_int_equal(connect_send(s, 0), 0);
  out("S 0 mss %u ws 0 sackok ts fo -", s->mss);
  in("S. 0 ack 1 mss 1000");
  end(s);
  assert_int_equal(connect_send(s, 0), 0);
  plain_syn(s);
  end(s);
  script_advance(s, 900 * 1000);
  assert_int_equal(connect_send(s, 0), 0);
  out("S 0 mss %u ws 0 sackok ts fo -", s->mss);
  end(s);
  script_free(s);
}

static void time_out_thrice(struct script *s)
{
  assert_int_equal(connect_send(s, 100), 100);
  syn_with(s, 100);
  script_advance(s, 7 * 1000 + 1);
  end(s);
}

/* RFC 7413 7.1: the whole host does without, for a time that doubles. */
static void test_black_hole(void **state)
{
  struct script *s = begin(state, black_hole, 1000);
  time_out_thrice(s);
  assert_int_equal(script_counters(s)->tcp_fastopen_black_hole, 1);
  assert_int_equal(room(s), 0);
  script_advance(s, 99 * 1000);
  assert_int_equal(connect_send(s, 100), 100);
  plain_syn(s);
  end(s);
  script_advance(s, 2 * 1000);
  time_out_thrice(s);
  script_advance(s, 198 * 1000);
  assert_int_equal(room(s), 0);
  script_advance(s, 3 * 1000);
  assert_int_equal(connect_send(s, 100), 100);
  syn_with(s, 100);
  in("S. 0 ack 101 mss 1000"); /* it gets through again: the next pause is a short one */
  end(s);
  time_out_thrice(s);
  script_advance(s, 101 * 1000);
  assert_int_equal(room(s), 960);
  yeon_host_fastopen_flush(s->host);
  assert_int_equal(room(s), 0);
  end(s);
  script_free(s);
}

static void test_without_cookie(void **state)
{
  struct script_setup setup = {.tune = without_cookie};
  struct script *s = script_new(state, &setup);
  assert_int_equal(room(s), s->six ? 1400 : 1420);
  assert_int_equal(connect_send(s, 100), 100);
  out("S 0(100) mss %u ws 0 sackok ts", s->mss);
  in("S. 0 ack 101 mss 1000 fo " COOKIE); /* nobody asked */
  out(". 101 ack 1");
  end(s);
  assert_int_equal(script_connect(s), 0);
  const struct tcp_server_note *n = tcp_server_find(tcp_of(s->tcp), &s->tcp->record.key);
  assert_non_null(n);
  assert_int_equal(n->n_cookie, 0);
  assert_int_equal(n->mss, 1000);
  end(s);
  script_free(s);
  setup.tune = client;
  s = script_new(state, &setup);
  assert_int_equal(yeon_tcp_open(s->host, &s->tcp), 0);
  script_set(s, YEON_TCP_FASTOPEN_NO_COOKIE, 1); /* one endpoint alone */
  assert_int_equal(connect_send(s, 100), 100);
  out("S 0(100) mss %u ws 0 sackok ts", s->mss);
  end(s);
  script_free(s);
}

static void test_experimental_form(void **state)
{
  struct script_setup setup = {.tune = experimental};
  struct script *s = script_new(state, &setup);
  static const char *const forms[] = {"fo", "foexp", "fo", "fo"}; /* the old form is tried once */
  for (unsigned i = 0; i < 4; i++) {
    assert_int_equal(connect_send(s, 0), 0);
    out("S 0 mss %u ws 0 sackok ts %s -", s->mss, forms[i]);
    in("S. 0 ack 1 mss 1000");
    end(s);
  }
  yeon_host_fastopen_flush(s->host);
  for (unsigned i = 0; i < 2; i++) {
    assert_int_equal(connect_send(s, 0), 0);
    out("S 0 mss %u ws 0 sackok ts %s -", s->mss, forms[i]);
    in("S. 0 ack 1 mss 1000%s", i == 1 ? " foexp " COOKIE : "");
    end(s);
  }
  assert_int_equal(connect_send(s, 10), 10);
  out("S 0(10) mss %u ws 0 sackok ts foexp " COOKIE, s->mss);
  end(s);
  script_free(s);
}

/* RFC 9293 3.5: both begin. What our SYN carried may have been taken, or goes again. */
static void test_simultaneous(void **state)
{
  for (unsigned taken = 0; taken < 2; taken++) {
    struct script *s = begin(state, client, 1000);
    assert_int_equal(connect_send(s, 100), 100);
    syn_with(s, 100);
    in("S 0(50) mss 1000 fo 0011223344556677");
    out("S. 0 ack 1 mss %u", s->mss);
    state_is("SYN-RECEIVED");
    assert_int_equal(script_send(s, 1), YEON_ERR_AGAIN);
    in("S. 0 ack %u mss 1000", taken != 0 ? 101 : 1);
    state_is("ESTABLISHED");
    if (taken != 0)
      out(". 101 ack 51"); /* the bytes of the SYN that crossed ours were kept: RFC 9293 3.10.7.3 */
    else
      out(".P 1(100) ack 51");
    assert_false(script_info(s).in_recovery);
    assert_int_equal(script_counters(s)->tcp_rexmit_fast, 0);
    in(". 51 ack 101");
    assert_int_equal(script_recv(s, 100), 50);
    assert_int_equal(script_info(s).bytes_acked, 100);
    end(s);
    script_free(s);
  }
}

/* A path too narrow for the SYN: it goes again at once, alone. */
static void test_path_mtu(void **state)
{
  struct script *s = begin(state, client, 1400);
  assert_int_equal(connect_send(s, 1360), 1360);
  syn_with(s, 1360);
  script_icmp(s, s->six ? 2 : 3, s->six ? 0 : 4, 1300, 0);
  plain_syn(s);
  in("S. 0 ack 1 mss 1400");
  out(". 1(%u) ack 1", s->six ? 1240 : 1260);
  out(".P %u(%u) ack 1", s->six ? 1241 : 1261, s->six ? 120 : 100);
  end(s);
  script_free(s);
}

static void test_closed_before_the_answer(void **state)
{
  struct script *s = begin(state, client, 1000);
  assert_int_equal(connect_send(s, 100), 100);
  syn_with(s, 100);
  script_close(s);
  in("S. 0 ack 101 mss 1000");
  out("R 101");
  script_free(s);
}

static void test_answer_with_data_and_fin(void **state)
{
  struct script *s = begin(state, client, 1000);
  assert_int_equal(connect_send(s, 100), 100);
  syn_with(s, 100);
  in("SF. 0(200) ack 101 mss 1000");
  out(". 101 ack 202");
  state_is("CLOSE-WAIT");
  assert_int_equal(script_recv(s, 500), 200);
  assert_int_equal(script_recv(s, 500), 0);
  script_close(s);
  out(".F 101 ack 202");
  script_free(s);
}

static void no_challenge(struct yeon_tcp_options *o)
{
  client(o);
  o->challenge_ack = false;
}

/* Both begin, and the other's SYN is overtaken by its SYN-ACK: its data reaches into the window, but it is no new SYN. */
static void test_overtaken_syn(void **state)
{
  struct script *s = begin(state, no_challenge, 1000);
  assert_int_equal(connect_send(s, 100), 100);
  syn_with(s, 100);
  in("S. 0 ack 101 mss 1000");
  out(". 101 ack 1");
  in("S 0(50) mss 1000");
  out(". 101 ack 1");
  state_is("ESTABLISHED");
  end(s);
  script_free(s);
}

static void test_echo_checked(void **state)
{
  struct script_setup setup = {.tune = checks_echo};
  struct script *s = script_new(state, &setup);
  assert_int_equal(connect_send(s, 0), 0);
  uint32_t sent = s->out[s->next_out].h.tsval;
  out("S 0 any");
  script_advance(s, 100);
  in("S. 0 ack 1 mss 1000 ts 7 %u", sent + 101); /* of the future */
  out("R 1");
  in("S. 0 ack 1 mss 1000 ts 7 %u", sent - 1);
  out("R 1");
  state_is("SYN-SENT");
  in("S. 0 ack 1 mss 1000 ts 7 %u", sent);
  state_is("ESTABLISHED");
  end(s);
  script_free(s);
}

/* The table of notes does not grow: 256, and the one used last stays. */
static void test_bounded_cache(void **state)
{
  struct script *s = begin(state, client, 1000);
  assert_int_equal(script_connect(s), 0);
  struct tcp *t = tcp_of(s->tcp);
  struct tcp_key mine = s->tcp->record.key, other = mine;
  int64_t before = s->live_bytes;
  for (uint32_t i = 0; i < 5000; i++) {
    other.remote.b[12] = (uint8_t)(i >> 8);
    other.remote.b[13] = (uint8_t)i;
    struct tcp_server_note *n = tcp_server_note(t, &other, s->now + (yeon_time)i * YEON_SEC);
    assert_non_null(n);
    assert_true(tcp_server_find(t, &other) == n);
    assert_non_null(tcp_server_note(t, &mine, s->now + (yeon_time)i * YEON_SEC));
  }
  assert_int_equal(s->live_bytes, before);
  assert_int_equal(tcp_server_find(t, &mine)->n_cookie, 8);
  end(s);
  script_free(s);
}

static void test_no_memory(void **state)
{
  for (uint64_t k = 1; k < 10; k++) {
    struct script_setup setup = {.tune = client};
    struct script *s = script_new(state, &setup);
    assert_int_equal(yeon_tcp_open(s->host, &s->tcp), 0);
    s->refuse_at = s->allocations + k;
    struct yeon_addr remote = server_of(s);
    int64_t n = yeon_tcp_connect_send(s->tcp, &remote, "hello", 5, s->now);
    s->refuse_at = 0;
    assert_true(n == 5 || n == 0 || n == YEON_ERR_NO_MEMORY);
    script_advance(s, 100);
    end(s);
    script_free(s);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      BOTH(test_off), BOTH(test_asks_then_carries), BOTH(test_first_time), BOTH(test_how_much), BOTH(test_nothing_taken),
      BOTH(test_part_taken), BOTH(test_wrong_answers), BOTH(test_syn_timer), BOTH(test_request_lost), BOTH(test_refused_paths),
      BOTH(test_no_cookie_given), BOTH(test_black_hole), BOTH(test_without_cookie), BOTH(test_experimental_form),
      BOTH(test_simultaneous), BOTH(test_path_mtu), BOTH(test_closed_before_the_answer), BOTH(test_answer_with_data_and_fin),
      BOTH(test_overtaken_syn), BOTH(test_echo_checked), BOTH(test_bounded_cache), BOTH(test_no_memory)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
