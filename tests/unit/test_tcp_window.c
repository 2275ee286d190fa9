/* Windows: RFC 9293 3.8.6 (probes, silly windows on both sides, shrinking), 3.7.4 (Nagle), RFC 7323 section 2. */
#include "tcp_script.h"

static void no_delay(struct yeon_tcp_options *o)
{
  o->delack_us = 0;
  o->rcvbuf = o->rcvbuf_max = 4000;
}

static void linux_probes(struct yeon_tcp_options *o) { o->probe_with_data = false; }

static void much_to_send(struct yeon_tcp_options *o)
{
  o->initial_window_segments = 10;
  o->sndbuf = o->sndbuf_max = 1 << 20;
}

static const struct script_setup small_window = {.tune = no_delay};

/* A peer that took 1000 bytes and closed its window with more to come. */
static struct script *closed(void **state, const struct script_setup *setup)
{
  struct script *s = script_connected(state, setup);
  assert_int_equal(script_send(s, 1500), 1500);
  out(". 1(1000) ack 1");
  script_drain(s);
  if (script_info(s).snd_max - s->iss > 1001) { /* the rest left too */
    in(". 1 ack 1501 win 0");
    assert_int_equal(script_send(s, 500), 500);
  } else {
    in(". 1 ack 1001 win 0");
  }
  nothing();
  script_mark(s);
  return s;
}

/* SHLD-29, SHLD-30: first after the RTO, then at doubling intervals; with a byte (MUST-36) or the Linux way; the ceiling is rto_max.
 * While they are answered there is no end to it (MUST-37). */
static void test_probes(void **state)
{
  for (int with_data = 0; with_data < 2; with_data++) {
    struct script *s = closed(state, &(struct script_setup){.tune = with_data ? NULL : linux_probes});
    uint32_t una = script_info(s).snd_una - s->iss;
    int64_t at = 0, rto = 1000;
    for (int n = 0; n < 30; n++) {
      at += rto;
      if (with_data)
        out_at(at, ". %u(1) ack 1", una);
      else
        out_at(at, ". %u(0) ack 1", una - 1);
      in(". 1 ack %u win 0", una);
      nothing();
      state_is("ESTABLISHED");
      rto = rto * 2 < 60000 ? rto * 2 : 60000;
    }
    in(". 1 ack %u win 5000", una);
    out(". %u(500) ack 1", una);
    script_free(s);
  }
}

static void test_probes_unanswered(void **state)
{
  struct script *s = closed(state, NULL);
  uint32_t una = script_info(s).snd_una - s->iss;
  int64_t at = 0;
  for (int n = 0; n < 5; n++) {
    at += 1000 << n;
    out_at(at, ". %u(1) ack 1", una);
  }
  out_at(63000, "R. %u(0) ack 1", una);
  state_is("CLOSED");
  assert_int_equal(script_recv(s, 1), YEON_ERR_TIMED_OUT);
  script_free(s);
}

/* The peer takes the probe's byte, and opens, and the stream goes on without a gap. */
static void test_probe_taken(void **state)
{
  struct script *s = closed(state, NULL);
  uint32_t una = script_info(s).snd_una - s->iss;
  out_at(1000, ". %u(1) ack 1", una);
  in(". 1 ack %u win 0", una + 1);
  nothing();
  out_at(3000, ". %u(1) ack 1", una + 1);
  in(". 1 ack %u win 5000", una + 1);
  out(". %u(499) ack 1", una + 1);
  in(". 1 ack %u", una + 500);
  script_advance(s, 100000);
  nothing();
  assert_int_equal(0u, 0);
  script_free(s);
}

/* Nothing but the FIN waits: the probe carries it, again and again. */
static void test_probe_carries_fin(void **state)
{
  for (int with_data = 0; with_data < 2; with_data++) {
    struct script *s = script_connected(state, &(struct script_setup){.tune = with_data ? NULL : linux_probes});
    assert_int_equal(script_send(s, 100), 100);
    out(". 1(100) ack 1");
    in(". 1 ack 101 win 0");
    script_shutdown(s, YEON_SHUT_WR);
    nothing();
    script_mark(s);
    for (int n = 1; n <= 4; n++) {
      if (with_data)
        out_at(1000 * ((1 << n) - 1), ".F 101(0) ack 1");
      else
        out_at(1000 * ((1 << n) - 1), ". 100(0) ack 1");
      in(". 1 ack 101 win 0");
    }
    in(". 1 ack 101 win 500");
    out(".F 101(0) ack 1");
    in(". 1 ack 102");
    state_is("FIN-WAIT-2");
    script_free(s);
  }
}

/* The window shrinks to nothing with bytes in flight (MUST-34, MUST-35): they are what probes; a peer that answers is not given up. */
static void test_shrunk(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.tune = much_to_send});
  assert_int_equal(script_send(s, 5000), 5000);
  for (int i = 0; i < 5; i++) out(". %d(1000) ack 1", 1 + 1000 * i);
  in(". 1 ack 1001 win 0");
  script_mark(s);
  int64_t at = 0;
  for (int n = 0; n < 12; n++) {
    at += n < 6 ? 1000 << n : 60000;
    out_at(at, ". 1001(1000) ack 1");
    in(". 1 ack 1001 win 0");
    nothing();
  }
  state_is("ESTABLISHED");
  in(". 1 ack 5001 win 5000"); /* it had them all the time */
  nothing();
  script_free(s);
}

/* Receiver: the window closes byte by byte, its right edge stands. */
static void test_right_edge(void **state)
{
  struct script *s = script_connected(state, &small_window);
  for (int i = 1; i <= 4; i++) {
    in(".P %d(1000) ack 1", 1000 * i - 999);
    out(". 1(0) ack %d win %d", 1000 * i + 1, 4000 - 1000 * i);
  }
  script_set(s, YEON_TCP_RCVBUF, 2048); /* a smaller buffer takes nothing back */
  assert_int_equal(script_recv(s, 1000), 1000);
  nothing();
  script_free(s);
}

static void test_right_edge_rcvbuf(void **state)
{
  struct script *s = script_connected(state, &small_window);
  script_set(s, YEON_TCP_RCVBUF, 2048);
  in(".P 1(500) ack 1");
  out(". 1(0) ack 501 win 3500");
  in(".P 501(3500) ack 1");
  out(". 1(0) ack 4001 win 0");
  assert_int_equal(script_recv(s, 5000), 4000);
  out(". 1(0) ack 4001 win 2048");
  script_free(s);
}

/* RFC 9293 3.8.6.2.2: the window opens by min(half the buffer, MSS) at least, and is told unasked when it has doubled. */
static void test_receiver_sws(void **state)
{
  struct script *s = script_connected(state, &small_window);
  for (int i = 1; i <= 4; i++) in(".P %d(1000) ack 1", 1000 * i - 999);
  script_drain(s);
  assert_int_equal(script_recv(s, 900), 900);
  nothing();
  in(".P 4001(1) ack 1"); /* a probe: still nothing, 900 are less than a segment */
  out(". 1(0) ack 4001 win 0");
  assert_int_equal(script_recv(s, 100), 100); /* 1000 are one */
  out(". 1(0) ack 4001 win 1000");
  assert_int_equal(script_recv(s, 999), 999);
  nothing();
  assert_int_equal(script_recv(s, 1), 1);
  out(". 1(0) ack 4001 win 2000");
  assert_int_equal(script_recv(s, 1999), 1999);
  nothing();
  in(".P 4001(1) ack 1"); /* for whoever asks, a segment more is enough */
  out(". 1(0) ack 4002 win 3998");
  script_free(s);
}

/* A peer that filled the window with small segments is not offered small windows. */
static void test_receiver_sws_small_segments(void **state)
{
  struct script *s = script_connected(state, &small_window);
  for (int i = 0; i < 400; i++) in(".P %d(10) ack 1", 1 + 10 * i);
  script_drain(s);
  for (int i = 0; i < 99; i++) assert_int_equal(script_recv(s, 10), 10);
  nothing();
  in(".P 4001(1) ack 1");
  out(". 1(0) ack 4001 win 0");
  script_free(s);
}

/* Window scaling: announced in units; the field never promises less than before. */
static void scaled(struct yeon_tcp_options *o)
{
  o->rcvbuf = 100000;
  o->rcvbuf_max = 1 << 20;
  o->delack_us = 0;
}

static void test_scaled_edge(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.tune = scaled, .ws = 1});
  int shift = script_info(s).rcv_wscale;
  assert_int_equal(shift, 5);
  uint32_t edge = 0;
  for (int i = 0; i < 50; i++) {
    in(".P %d(7) ack 1", 1 + 7 * i);
    script_pump(s);
    const struct script_out *o = &s->out[s->next_out++];
    uint32_t now_edge = o->h.ack - s->irs + ((uint32_t)o->h.window << shift);
    assert_true(now_edge >= edge);
    assert_true(now_edge <= 100001 + 7 * 50 + 32);
    edge = now_edge;
  }
  script_free(s);
}

/* Sender (RFC 9293 3.8.6.2.1): a window of less than a segment and less than half the largest is not filled, but for 200 ms. */
static void test_sender_sws(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.tune = much_to_send, .win = 4000});
  assert_int_equal(script_send(s, 10000), 10000);
  for (int i = 0; i < 4; i++) out(". %d(1000) ack 1", 1 + 1000 * i);
  nothing();
  in(". 1 ack 4001 win 500");
  nothing();
  script_mark(s);
  out_at(200, ". 4001(500) ack 1");
  in(". 1 ack 4501 win 999");
  nothing();
  in(". 1 ack 4501 win 1000"); /* a full segment */
  out(". 4501(1000) ack 1");
  nothing();
  script_free(s);
  s = script_connected(state,
                       &(struct script_setup){.tune = much_to_send, .win = 900}); /* half of a small window is enough */
  assert_int_equal(script_send(s, 10000), 10000);
  out(". 1(900) ack 1");
  in(". 1 ack 901 win 449");
  nothing();
  in(". 1 ack 901 win 450");
  out(". 901(450) ack 1");
  script_free(s);
}

/* The override timer does not wait for a probe's long interval when a closed window opens a little. */
static void test_sws_after_closed(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.win = 4000});
  assert_int_equal(script_send(s, 3000), 3000);
  script_drain(s);
  in(". 1 ack 3001 win 0");
  assert_int_equal(script_send(s, 3000), 3000);
  for (int i = 0; i < 13; i++) {
    script_advance(s, 10000);
    in(". 1 ack 3001 win 0");
  }
  script_drain(s);
  script_mark(s);
  in(". 1 ack 3001 win 300");
  out_at(200, ". 3001(300) ack 1");
  script_free(s);
}

/* RFC 9293 3.7.4: one small segment unacknowledged at a time. */
static void test_nagle(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.tune = much_to_send});
  assert_int_equal(script_send(s, 10), 10);
  out(". 1(10) ack 1");
  for (int i = 0; i < 5; i++) assert_int_equal(script_send(s, 10), 10);
  nothing();
  in(". 1 ack 11");
  out(". 11(50) ack 1");
  assert_int_equal(script_send(s, 995), 995);
  nothing();
  assert_int_equal(script_send(s, 6), 6); /* a full segment goes; its tail waits */
  out(". 61(1000) ack 1");
  nothing();
  in(". 1 ack 1061");
  out(". 1061(1) ack 1");
  script_free(s);
}

static void test_nodelay(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.tune = much_to_send});
  assert_int_equal(script_send(s, 10), 10);
  assert_int_equal(script_send(s, 10), 10);
  out(". 1(10) ack 1");
  nothing();
  script_set(s, YEON_TCP_NODELAY, 1); /* acts at once */
  out(". 11(10) ack 1");
  assert_int_equal(script_send(s, 10), 10);
  out(". 21(10) ack 1");
  script_free(s);
}

static void test_cork(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.tune = much_to_send});
  script_set(s, YEON_TCP_CORK, 1);
  script_set(s, YEON_TCP_NODELAY, 1);
  script_mark(s);
  assert_int_equal(script_send(s, 10), 10);
  nothing();
  out_at(200, ". 1(10) ack 1");
  in(". 1 ack 11");
  assert_int_equal(script_send(s, 2500), 2500);
  out(". 11(1000) ack 1");
  out(". 1011(1000) ack 1");
  nothing();
  script_set(s, YEON_TCP_CORK, 0);
  out(". 2011(500) ack 1");
  script_free(s);
}

static void test_more(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.tune = much_to_send});
  script_mark(s);
  assert_int_equal(script_send_flags(s, 10, YEON_SEND_MORE), 10);
  nothing();
  assert_int_equal(script_send(s, 10), 10);
  out(". 1(20) ack 1");
  in(". 1 ack 21");
  script_mark(s);
  assert_int_equal(script_send_flags(s, 10, YEON_SEND_MORE), 10);
  out_at(200, ". 21(10) ack 1");
  in(". 1 ack 31");
  assert_int_equal(script_send_flags(s, 10, YEON_SEND_MORE), 10);
  script_shutdown(s, YEON_SHUT_WR); /* nothing follows after all */
  out(".F 31(10) ack 1");
  script_free(s);
}

/* Records: cut at their ends, pushed, not waiting for more unless the last; a declared number of them. */
static void test_records(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.tune = much_to_send});
  script_mark(s);
  assert_int_equal(script_send(s, 10), 10);
  out(". 1(10) ack 1");
  assert_int_equal(script_send_flags(s, 10, YEON_SEND_RECORD), 10); /* the last: held back as any small one */
  nothing();
  assert_int_equal(script_send_flags(s, 20, YEON_SEND_RECORD | YEON_SEND_MORE), 20);
  out(". 11(10) ack 1");
  nothing();
  in(". 1 ack 21");
  out(". 21(20) ack 1");
  assert_int_equal(script_send(s, 1), 1);
  in(". 1 ack 41");
  out(". 41(1) ack 1");
  script_free(s);
}

static void test_records_most(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.tune = much_to_send});
  script_mark(s);
  assert_int_equal(script_send(s, 1), 1);
  for (unsigned i = 0; i < 1024; i++) {
    uint8_t byte = script_byte(s->wrote);
    assert_int_equal(yeon_tcp_send(s->tcp, &byte, 1, YEON_SEND_RECORD, s->now), 1);
    s->wrote++;
  }
  assert_int_equal(yeon_tcp_send(s->tcp, "", 1, YEON_SEND_RECORD, s->now), YEON_ERR_LIMIT);
  assert_int_equal(script_send(s, 1), 1); /* it is still a stream */
  script_free(s);
}

/* An older segment says nothing of the window (SND.WL1, SND.WL2). */
static void test_old_window(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.tune = no_delay});
  assert_int_equal(script_send(s, 100), 100);
  script_drain(s);
  in(".P 11(10) ack 101 win 3000"); /* beyond a gap: newer */
  assert_int_equal(script_info(s).snd_wnd, 3000);
  in(".P 1(10) ack 101 win 5000"); /* the gap's: older */
  assert_int_equal(script_info(s).snd_wnd, 3000);
  in(". 21 ack 101 win 6000");
  assert_int_equal(script_info(s).snd_wnd, 6000);
  in(". 21 ack 1 win 7000"); /* an older acknowledgment at the same number */
  assert_int_equal(script_info(s).snd_wnd, 6000);
  script_free(s);
}

/* A FIN (or text) sent again has an older number and yet is the newest word: what it acknowledges nobody could acknowledge before. */
static void test_window_of_rexmit(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.tune = no_delay, .win = 2000});
  assert_int_equal(script_send(s, 3000), 3000);
  out(". 1(1000) ack 1");
  out(". 1001(1000) ack 1");
  in(". 2 ack 1001 win 1000"); /* its FIN at 1 was lost */
  nothing();
  in("F. 1 ack 2001 win 0");
  out(". 2001(0) ack 2"); /* and not 1000 bytes that find no room */
  assert_int_equal(script_info(s).snd_wnd, 0);
  script_free(s);
}

/* Never beyond the offered window, whatever is queued. */
static void test_never_beyond(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.tune = much_to_send, .win = 2500});
  assert_int_equal(script_send(s, 20000), 20000);
  uint32_t una = 1;
  for (int i = 0; i < 30; i++) {
    script_pump(s);
    while (s->next_out < s->n_out) {
      const struct script_out *o = &s->out[s->next_out++];
      assert_true(o->payload_ok);
      assert_true(o->h.seq - s->iss + o->len <= una + 2500);
    }
    una = script_info(s).snd_max - s->iss;
    in(". 1 ack %u win 2500", una);
    script_advance(s, 300);
  }
  assert_int_equal(una, 20001);
  script_free(s);
}

static void test_window_clamp(void **state)
{
  struct script *s = script_connected(state, &small_window);
  script_set(s, YEON_TCP_WINDOW_CLAMP, 2000);
  in(".P 1(2000) ack 1");
  out(". 1(0) ack 2001 win 2000"); /* what was promised stands */
  in(".P 2001(2000) ack 1");
  out(". 1(0) ack 4001 win 0");
  assert_int_equal(script_recv(s, 4000), 4000);
  out(". 1(0) ack 4001 win 2000");
  script_free(s);
}

/* The buffer grows while the application keeps up with the peer, to its limit and no further; a fixed one does not. */
static void test_rcvbuf_grows(void **state)
{
  for (int fixed = 0; fixed < 2; fixed++) {
    struct script *s = script_connected(state, &(struct script_setup){.tune = scaled, .ws = 1});
    if (fixed) script_set(s, YEON_TCP_RCVBUF, 100000);
    uint32_t at = 1;
    for (int i = 0; i < 6000; i++, at += 1000) {
      in(".P %u(1000) ack 1", at);
      script_drain(s);
      assert_int_equal(script_recv(s, 2000), 1000);
      script_drain(s);
    }
    assert_int_equal(script_info(s).rcv_limit, fixed ? 100000 : 1 << 20);
    script_free(s);
  }
}

/* It does not grow where the application is what limits: one that lets much stand unread, or takes more than four round trips for a window. */
static void test_rcvbuf_follows_reader(void **state)
{
  for (int slow = 0; slow < 2; slow++) {
    struct script *s = script_connected(state, &(struct script_setup){.tune = scaled, .ws = 1});
    uint32_t at = 1;
    for (; !slow && at < 30001; at += 1000) in(".P %u(1000) ack 1", at);
    for (int i = 0; i < 2000; i++, at += 1000) {
      in(".P %u(1000) ack 1", at);
      script_drain(s);
      assert_int_equal(script_recv(s, 1000), 1000);
      if (slow) script_advance(s, 10);
      script_drain(s);
    }
    assert_int_equal(script_info(s).rcv_limit, 100000);
    script_free(s);
  }
}

/* A connection of which the receiver's host knows nothing but the handshake: over a path of rtt_ms, its first SYN-ACK lost or not. */
static struct script *far_away(void **state, const char *options, bool lost, unsigned rtt_ms)
{
  struct script *s = script_new(state, &(struct script_setup){.tune = scaled});
  script_listen(s, 16);
  in("S 0 %s", options);
  script_learn(s);
  out("S. 0 ack 1 any");
  if (lost) script_advance(s, 1000);
  if (lost) out("S. 0 ack 1 any");
  script_advance(s, rtt_ms);
  s->ts = strstr(options, "ts ") != NULL;
  in(". 1 ack 1");
  assert_int_equal(yeon_tcp_accept(s->listener, &s->tcp, s->now), 0);
  script_drain(s);
  return s;
}

/* 60 kB a round trip, for `rounds` round trips; what is read leaves `unread` in the queue. */
static uint32_t sixty_a_round(struct script *s, uint32_t at, unsigned rounds, unsigned rtt_ms, uint32_t unread)
{
  for (unsigned i = 0; i < rounds; i++) {
    uint32_t echo = s->ts_echo, newest = echo; /* what is acknowledged now the peer hears of later */
    for (unsigned k = 0; k < 60; k++, at += 1000) {
      in(".P %u(1000) ack 1", at);
      newest = s->ts_echo;
      s->ts_echo = echo;
    }
    s->ts_echo = newest;
    while (script_info(s).rcv_queued > unread) script_recv(s, script_info(s).rcv_queued - unread);
    script_drain(s);
    script_advance(s, rtt_ms);
    script_drain(s);
  }
  return at;
}

/* To four to eight times what the path holds, whatever became of the SYN-ACK: the echo tells the round trip, or what comes beyond the first window. */
static void test_rcvbuf_after_lost_syn_ack(void **state)
{
  static const char *const options[] = {"mss 1000 ws 7", "mss 1000 ws 7 sackok", "mss 1000 ws 7 sackok ts 1 0"};
  for (unsigned i = 0; i < 6; i++) {
    struct script *s = far_away(state, options[i / 2], i % 2 != 0, 80);
    (void)sixty_a_round(s, 1, 60, 80, 0);
    assert_int_equal(script_info(s).rcv_limit, 400000);
    script_free(s);
  }
}

/* The path has become longer than it was at the handshake: timestamps tell. */
static void test_rcvbuf_follows_path(void **state)
{
  for (int ts = 0; ts < 2; ts++) {
    struct script *s = far_away(state, ts != 0 ? "mss 1000 ws 7 sackok ts 1 0" : "mss 1000 ws 7 sackok", false, 10);
    (void)sixty_a_round(s, 1, 200, 200, 0);
    assert_int_equal(script_info(s).rcv_limit, ts != 0 ? 400000 : 100000);
    script_free(s);
  }
}

/* The peer may go on while a hole is not mended, if the application has read what it could; without SACK a new window would hide the duplicate. */
static void test_rcvbuf_beyond_hole(void **state)
{
  for (int i = 0; i < 3; i++) {
    struct script *s = far_away(state, i == 1 ? "mss 1000 ws 7" : "mss 1000 ws 7 sackok", false, 80);
    uint32_t unread = i == 2 ? 30000 : 0, at = sixty_a_round(s, 1, 4, 80, unread), limit = script_info(s).rcv_limit;
    (void)sixty_a_round(s, at + 1000, 3, 80, unread);
    assert_int_equal(script_info(s).rcv_limit, i == 0 ? 2 * limit : limit);
    in(".P %u(1000) ack 1", at);
    script_free(s);
  }
}

static void small_sndbuf(struct yeon_tcp_options *o)
{
  o->sndbuf = 4000;
  o->sndbuf_max = 1 << 20;
}

/* The send buffer is twice what can be in flight: by the congestion window, and by what the peer has ever offered. */
static void test_sndbuf_grows(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.tune = small_sndbuf, .win = 3000});
  uint32_t una = 1;
  for (int i = 0; i < 60; i++) {
    if (i == 30) assert_int_equal(script_info(s).snd_limit, 6000);
    (void)script_send(s, 100000);
    script_drain(s);
    una = script_info(s).snd_max - s->iss;
    in(". 1 ack %u win %u", una, i < 30 ? 3000 : 65535);
    script_drain(s);
    script_advance(s, 10);
  }
  assert_true(script_info(s).snd_limit > 60000);
  assert_true(script_info(s).snd_limit <= 2 * 65535);
  script_free(s);
}

/* The first segment is missing, and what follows arrives: it takes up room until the gap is closed, and the sender does not run dry meanwhile. */
static void test_sndbuf_behind_gap(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.tune = small_sndbuf, .win = 65535, .sack = true});
  for (int i = 0; i < 8; i++) {
    (void)script_send(s, 100000);
    script_drain(s);
    in(". 1 ack 1 win 65535 sack 1001-%u", script_info(s).snd_max - s->iss);
    script_drain(s);
  }
  assert_true(script_info(s).snd_max - s->iss > 12000); /* from a buffer of 4000 */
  script_free(s);
}

/* PSH stands where the sender has no more (RFC 9293 3.9.1.2). */
static void test_push(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.tune = much_to_send});
  assert_int_equal(script_send(s, 2500), 2500);
  script_pump(s);
  assert_int_equal(s->super_segments, s->gso ? 1 : 0);
  for (unsigned i = 0; i < 3; i++)
    assert_int_equal(s->out[s->next_out + i].h.flags & YEON_TCP_PSH, i == 2 ? YEON_TCP_PSH : 0);
  script_free(s);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      BOTH(test_probes),
      BOTH(test_probes_unanswered),
      BOTH(test_probe_taken),
      BOTH(test_probe_carries_fin),
      BOTH(test_shrunk),
      BOTH(test_right_edge),
      BOTH(test_right_edge_rcvbuf),
      BOTH(test_receiver_sws),
      BOTH(test_receiver_sws_small_segments),
      BOTH(test_scaled_edge),
      BOTH(test_sender_sws),
      BOTH(test_sws_after_closed),
      BOTH(test_nagle),
      BOTH(test_nodelay),
      BOTH(test_cork),
      BOTH(test_more),
      BOTH(test_records),
      BOTH(test_records_most),
      BOTH(test_old_window),
      BOTH(test_window_of_rexmit),
      BOTH(test_never_beyond),
      BOTH(test_window_clamp),
      BOTH(test_rcvbuf_grows),
      BOTH(test_rcvbuf_follows_reader),
      BOTH(test_rcvbuf_after_lost_syn_ack),
      BOTH(test_rcvbuf_follows_path),
      BOTH(test_rcvbuf_beyond_hole),
      BOTH(test_sndbuf_grows),
      BOTH(test_sndbuf_behind_gap),
      BOTH(test_push),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
