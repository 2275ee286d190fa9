/* ECN where scripts do not reach: super-segments, cookies, memory, events. The rest is in drill/ecn and drill/accecn. */
#include "tcp_script.h"

#include "tcp/ecn.h"

static void classic(struct yeon_tcp_options *o) { o->ecn = YEON_ECN_ON; }

static void accurate(struct yeon_tcp_options *o)
{
  o->ecn = YEON_ECN_ACCURATE;
  o->accecn_option = YEON_ACCECN_OPTION_NEEDED;
  o->cookies = true;
}

static void many(struct yeon_tcp_options *o)
{
  accurate(o);
  o->initial_window_segments = 40;
}

static void many_classic(struct yeon_tcp_options *o)
{
  classic(o);
  o->initial_window_segments = 40;
}

/* A connection that the peer opens, with the flags of its SYN, of the SYN-ACK it must get, and of its answer to that. */
static struct script *opened(void **state, const struct script_setup *setup, const char *syn, const char *syn_ack,
                             const char *ack)
{
  struct script *s = script_new(state, setup);
  script_listen(s, 4);
  in("%s 0 mss 1000%s", syn, setup->sack ? " sackok" : "");
  script_learn(s);
  out("%s 0 ack 1 any noecn", syn_ack);
  in("%s 1 ack 1", ack);
  nothing();
  assert_int_equal(yeon_tcp_accept(s->listener, &s->tcp, s->now), 0);
  return s;
}

static void test_super_segment_counts_each(void **state)
{
  struct script *s = opened(state, &(struct script_setup){.tune = accurate, .sack = true}, "SECA", "SC.", "C.");
  uint8_t packet[SCRIPT_PAYLOAD];
  size_t len = script_packet(s, "EA. 1(3000) ack 1 ce", packet);
  struct yeon_frame f;
  yeon_frame_from_bytes(&f, packet, len);
  f.segs = 3;
  f.gso_size = 1000;
  yeon_host_input(s->host, 0, &f, 1, s->now);
  script_pump(s);
  assert_int_equal(script_info(s).ecn_arrived_ce, 3);
  assert_int_equal(script_info(s).ecn_arrived_bytes[WIRE_ACCECN_CE], 3000);
  assert_int_equal(script_counters(s)->tcp_ecn_marked_in, 3);
  out(". 1 ack 3001"); /* 5 + 3, modulo 8 */
  script_free(s);
}

/* What carries CWR leaves alone: a device that cuts super-segments would clear it on all but the first. */
static void test_cwr_travels_alone(void **state)
{
  struct script *s = opened(state, &(struct script_setup){.tune = many_classic}, "SEC", "SE.", ".");
  script_send(s, 4000);
  for (uint32_t at = 1; at < 4001; at += 1000) out(". %u(1000) ack 1 ect0", at);
  in("E. 1 ack 4001");
  unsigned before = s->super_segments;
  script_send(s, 3000);
  out("C. 4001(1000) ack 1 ect0");
  assert_int_equal(s->super_segments, before);
  out(". 5001(1000) ack 1 ect0");
  script_free(s);
}

static void test_counter_with_cwr_bit_travels_alone(void **state)
{
  struct script *s = opened(state, &(struct script_setup){.tune = many, .sack = true}, "SECA", "SC.", "C.");
  in("EA. 1(100) ack 1 ce");
  out("CA. 1 ack 101");
  unsigned before = s->super_segments;
  script_send(s, 3000);
  for (uint32_t at = 1; at < 3001; at += 1000) out("CA. %u(1000) ack 101", at);
  assert_int_equal(s->super_segments, before);
  script_free(s);
}

/* RFC 9768 5.1: the cookie remembers nothing, the client's answer tells. */
static void test_cookie(void **state)
{
  struct script *s = script_new(state, &(struct script_setup){.tune = accurate, .max_half_open = 1});
  script_listen(s, 4);
  s->peer_port = 5000;
  in("S 0 mss 1000");
  script_drain(s);
  s->peer_port = 5001;
  in("SECA 0 mss 1000 ect1");
  script_learn(s);
  out("SEC. 0 ack 1 any");
  assert_int_equal(script_counters(s)->tcp_cookie_sent, 1);
  in("C. 1 ack 1");
  nothing();
  assert_int_equal(yeon_tcp_accept(s->listener, &s->tcp, s->now), 0);
  assert_true(script_info(s).ecn_ok && script_info(s).accecn_ok && script_info(s).ecn_capable);
  script_send(s, 100);
  out("EA. 1(100) ack 1 ect0");
  script_free(s);
}

/* The classic kind leaves no trace in the answer: a cookie does without. */
static void test_cookie_is_not_classic(void **state)
{
  struct script *s = script_new(state, &(struct script_setup){.tune = accurate, .max_half_open = 1});
  script_listen(s, 4);
  s->peer_port = 5000;
  in("S 0 mss 1000");
  script_drain(s);
  s->peer_port = 5001;
  in("SEC 0 mss 1000");
  script_learn(s);
  out("S. 0 ack 1 any");
  in(". 1 ack 1");
  assert_int_equal(yeon_tcp_accept(s->listener, &s->tcp, s->now), 0);
  assert_false(script_info(s).ecn_ok);
  script_send(s, 100);
  out(". 1(100) ack 1 noecn");
  script_free(s);
}

/* There is data by the time that the acknowledgment of the SYN-ACK would leave: it still goes first, alone (RFC 9768 3.2.2.1). */
static void test_greeting_before_data(void **state)
{
  struct script *s = script_new(state, &(struct script_setup){.tune = accurate});
  uint8_t packet[2000];
  script_connect(s);
  script_learn(s);
  out("SECA 0 any noecn");
  size_t len = script_packet(s, "SC. 0 ack 1 mss 1000 ce", packet);
  struct yeon_frame f;
  yeon_frame_from_bytes(&f, packet, len);
  yeon_host_input(s->host, 0, &f, 1, s->now);
  assert_int_equal(script_send(s, 500), 500);
  out("CA. 1 ack 1");
  out("CA. 1(500) ack 1 ect0");
  script_free(s);
}

/* No memory for the record: the connection is opened without. */
static void test_no_memory_asks_for_nothing(void **state)
{
  struct script *s = script_new(state, &(struct script_setup){.tune = accurate});
  assert_int_equal(yeon_tcp_open(s->host, &s->tcp), 0);
  s->refuse_at = s->allocations + 1;
  struct yeon_addr to = {s->remote, s->peer_port};
  assert_int_equal(yeon_tcp_connect(s->tcp, &to, s->now), 0);
  s->refuse_at = 0;
  script_pump(s);
  script_learn(s);
  out("S 0 any noecn");
  script_free(s);
}

struct heard {
  unsigned n[YEON_ECN_WHATS];
  uint32_t segments, bytes;
};

static void hear(void *ctx, const struct yeon_event *e)
{
  struct heard *h = ctx;
  if (e->type != YEON_EV_ECN) return;
  h->n[e->u.ecn.what]++;
  h->segments += e->u.ecn.segments;
  h->bytes += e->u.ecn.bytes;
}

static void test_events(void **state)
{
  struct script *s = opened(state, &(struct script_setup){.tune = many, .sack = true}, "SECA", "SC.", "C.");
  struct heard h = {.segments = 0};
  yeon_host_set_sink(s->host, &(struct yeon_event_sink){.fn = hear, .ctx = &h, .mask = YEON_EV_BIT(YEON_EV_ECN)});
  in("EA. 1(100) ack 1 ce");
  assert_int_equal(h.n[YEON_ECN_ARRIVED], 1);
  assert_int_equal(h.segments, 1);
  assert_int_equal(h.bytes, 100);
  script_drain(s);
  script_send(s, 4000);
  script_drain(s);
  in("CA. 101 ack 2001");
  assert_int_equal(h.n[YEON_ECN_TOLD], 1);
  assert_int_equal(h.n[YEON_ECN_REACTED], 1);
  in("CEA. 101 ack 4001");
  assert_int_equal(h.n[YEON_ECN_TOLD], 2);
  assert_int_equal(h.n[YEON_ECN_REACTED], 1); /* the same window */
  assert_int_equal(script_counters(s)->tcp_ecn_reactions, 1);
  assert_int_equal(script_info(s).ecn_told_ce, 2);
  script_free(s);
}

/* RFC 3168 6.1.2: a window of one segment: the retransmission timer begins anew with every ECE. */
static void test_one_segment_restarts_the_timer(void **state)
{
  struct script *s = opened(state, &(struct script_setup){.tune = classic}, "SEC", "SE.", ".");
  script_send(s, 4000);
  script_drain(s);
  script_advance(s, 3000); /* a time-out: the window is one segment */
  script_drain(s);
  assert_int_equal(script_info(s).cwnd, 1000);
  yeon_time before = script_info(s).timer_at;
  script_advance(s, 200);
  in("E. 1 ack 1");
  assert_true(script_info(s).timer_at >= before + 200 * YEON_MS);
  script_free(s);
}

/* RFC 3168 6.1.6: a window probe finds no room for its byte, and its mark is told. */
static void little_room(struct yeon_tcp_options *o)
{
  classic(o);
  o->rcvbuf = o->rcvbuf_max = 2048;
}

static void test_marked_probe(void **state)
{
  struct script *s = opened(state, &(struct script_setup){.tune = little_room}, "SEC", "SE.", ".");
  in(". 1(1000) ack 1");
  in(". 1001(1000) ack 1");
  in(". 2001(48) ack 1");
  script_advance(s, 1000);
  script_drain(s);
  in(". 2049(1) ack 1 ce");
  out("E. 1 ack 2049 win 0");
  script_free(s);
}

/* RFC 8511: the window falls less for a mark than for a loss, where the option says so. */
static void with_abe(struct yeon_tcp_options *o)
{
  many_classic(o);
  o->abe = true;
}

static uint32_t window_after_mark(void **state, void (*tune)(struct yeon_tcp_options *))
{
  struct script *s = opened(state, &(struct script_setup){.tune = tune}, "SEC", "SE.", ".");
  script_send(s, 20000);
  script_drain(s);
  in("E. 1 ack 1001");
  uint32_t window = script_info(s).ssthresh;
  script_free(s);
  return window;
}

static void test_abe(void **state)
{
  uint32_t loss = window_after_mark(state, many_classic), mark = window_after_mark(state, with_abe);
  assert_int_equal(loss, 10000);
  assert_int_equal(mark, 16000);
}

/* The record goes with the connection, and is there only for those that agreed. */
static void test_record_is_given_back(void **state)
{
  struct script *s = opened(state, &(struct script_setup){.tune = accurate}, "SECA", "SC.", "C.");
  assert_int_equal(s->tcp->t->ecns.used, 1);
  struct tcp *t = s->tcp->t;
  script_abort(s);
  assert_int_equal(t->ecns.used, 0);
  script_free(s);
  s = opened(state, &(struct script_setup){.tune = accurate}, "S", "S.", ".");
  assert_int_equal(s->tcp->t->ecns.used, 0);
  script_free(s);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      BOTH(test_super_segment_counts_each),
      BOTH(test_cwr_travels_alone),
      BOTH(test_counter_with_cwr_bit_travels_alone),
      BOTH(test_cookie),
      BOTH(test_cookie_is_not_classic),
      BOTH(test_greeting_before_data),
      BOTH(test_no_memory_asks_for_nothing),
      BOTH(test_events),
      BOTH(test_one_segment_restarts_the_timer),
      BOTH(test_marked_probe),
      BOTH(test_abe),
      BOTH(test_record_is_given_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
