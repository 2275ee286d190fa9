/* Opening a connection: RFC 9293 3.5, 3.7.1, 3.10.7.1 to 3.10.7.4 for the states before ESTABLISHED. */
#include "tcp_script.h"

static const struct script_setup all_options = {.ws = 8, .sack = true, .ts = true};

static void test_active(void **state)
{
  struct script *s = script_new(state, NULL);
  assert_int_equal(script_connect(s), 0);
  state_is("SYN-SENT");
  out("S 0(0) win 65535 mss %u ws 0 sackok ts", s->mss);
  assert_int_equal(yeon_tcp_connect(s->tcp, &(struct yeon_addr){s->remote, 1}, s->now), YEON_ERR_IN_PROGRESS);
  s->ts = true;
  in("S. 0 ack 1 win 500 mss 1200 ws 7 sackok");
  out(". 1 ack 1 win 65535");
  state_is("ESTABLISHED");
  assert_int_equal(script_events(s, s->tcp) & YEON_WRITABLE, YEON_WRITABLE);
  struct yeon_tcp_info i = script_info(s);
  assert_int_equal(i.snd_wnd, 500); /* the window of a SYN is not scaled */
  assert_int_equal(i.snd_mss, 1200 - 12);
  assert_true(i.ts_ok && i.sack_ok && i.wscale_ok);
  in(". 1 ack 1 win 500");
  assert_int_equal(script_info(s).snd_wnd, 500 << 7);
  assert_int_equal(yeon_tcp_connect(s->tcp, &(struct yeon_addr){s->remote, 1}, s->now), YEON_ERR_IS_CONNECTED);
  script_free(s);
}

static void test_passive(void **state)
{
  struct script *s = script_new(state, NULL);
  struct yeon_tcp *none;
  script_listen(s, 4);
  assert_int_equal(yeon_tcp_accept(s->listener, &none, s->now), YEON_ERR_AGAIN);
  in("S 0 win 1000 mss 1200 ws 7 sackok ts 77 0");
  script_learn(s);
  out("S. 0(0) ack 1 win 65535 mss %u ws 0 sackok ts 0 77", s->mss);
  assert_int_equal(script_usage(s).half_open, 1);
  assert_int_equal(script_events(s, s->listener), 0);
  in(". 1 ack 1 win 10 ts 78 0");
  nothing();
  assert_int_equal(script_usage(s).half_open, 0);
  assert_int_equal(script_events(s, s->listener) & YEON_ACCEPTED, YEON_ACCEPTED);
  assert_int_equal(yeon_tcp_accept(s->listener, &s->tcp, s->now), 0);
  state_is("ESTABLISHED");
  assert_int_equal(script_info(s).snd_wnd, 10 << 7);
  script_free(s);
}

/* What the SYN offers and what we say: (peer's options, expected in our SYN-ACK, Eff.snd.MSS). */
static void test_options(void **state)
{
  static const struct {
    const char *offer, *answer;
    int mss4, mss6;
  } rows[] = {
      {"", "", 536, 1220}, /* RFC 9293 3.7.1: the defaults */
      {"mss 1000", "", 1000, 1000},
      {"mss 9000", "", 1460, 1440},
      {"mss 1", "", 64, 64},
      {"mss 1000 ws 3", "ws 0", 1000, 1000},
      {"mss 1000 sackok", "sackok", 1000, 1000},
      {"mss 1000 ts 5 0", "ts 0 5", 988, 988},
      {"mss 1000 ws 15 sackok ts 5 0", "ws 0 sackok ts 0 5", 988, 988},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct script *s = script_new(state, NULL);
    script_listen(s, 4);
    in("S 0 %s", rows[i].offer);
    script_learn(s);
    out("S. 0(0) ack 1 mss %u %s", s->mss, rows[i].answer);
    in(". 1 ack 1 %s", strstr(rows[i].offer, "ts") ? "ts 6 0" : "");
    assert_int_equal(yeon_tcp_accept(s->listener, &s->tcp, s->now), 0);
    state_is("ESTABLISHED");
    assert_int_equal(script_info(s).snd_mss, s->six ? rows[i].mss6 : rows[i].mss4);
    script_free(s);
  }
}

static void no_features(struct yeon_tcp_options *o)
{
  o->window_scale = o->sack = o->timestamps = false;
  o->mss_max = 700;
}

static void test_options_off(void **state)
{
  struct script *s = script_new(state, &(struct script_setup){.tune = no_features});
  script_listen(s, 4);
  in("S 0 mss 1000 ws 3 sackok ts 5 0");
  script_learn(s);
  out("S. 0(0) ack 1 mss 700");
  in(". 1 ack 1");
  assert_int_equal(yeon_tcp_accept(s->listener, &s->tcp, s->now), 0);
  assert_int_equal(script_info(s).snd_mss, 700);
  assert_int_equal(script_info(s).snd_wscale, 0);
  script_free(s);
}

/* A window scale above 14 counts as 14 (RFC 7323 2.3); without the option on both sides neither scales. */
static void test_scale(void **state)
{
  struct script *s = script_new(state, &(struct script_setup){.use_profile = true, .profile = YEON_PROFILE_LINUX});
  assert_int_equal(script_connect(s), 0);
  out("S 0(0) win %u mss %u ws 7 sackok ts", 65536 / s->mss * s->mss, s->mss); /* whole segments */
  in("S. 0 ack 1 mss 1000 ws 15 win 65535");
  out(". 1 ack 1 win %u", s->mss == 1460 ? 512 : 507); /* in units of 128, and more only if it is worth a segment */
  assert_int_equal(script_info(s).snd_wscale, 14);
  script_free(s);
  s = script_new(state, &(struct script_setup){.use_profile = true, .profile = YEON_PROFILE_LINUX});
  assert_int_equal(script_connect(s), 0);
  out("S 0 any");
  in("S. 0 ack 1 mss 1000");
  out(". 1 ack 1 win %u", s->mss == 1460 ? 65535 : 64800);
  assert_int_equal(script_info(s).rcv_wscale, 0);
  script_free(s);
}

static void test_syn_schedule(void **state)
{
  static const struct {
    enum yeon_profile profile;
    int linear, count, last_s, error_s, slop_ms; /* linear: so many first, a second apart */
  } rows[] = {{YEON_PROFILE_LINUX, 4, 6, 67, 131, 0},
              {YEON_PROFILE_FREEBSD, 0, 6, 63, 127, 200},
              {YEON_PROFILE_WINDOWS, 0, 4, 15, 31, 0},
              {YEON_PROFILE_LECTURE, 0, 5, 31, 63, 0}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct script *s = script_new(state, &(struct script_setup){.use_profile = true, .profile = rows[i].profile});
    script_mark(s);
    assert_int_equal(script_connect(s), 0);
    out("S 0 any");
    int slop = rows[i].slop_ms; /* in every RTO but the first */
    for (int n = 1; n <= rows[i].linear; n++) out_at(1000 * n, "S 0 any");
    for (int n = 1; n <= rows[i].count; n++)
      out_at(1000 * (rows[i].linear + (1 << n) - 1) + slop * (n - 1), "S 0 any");
    /* FreeBSD's last one is cut at its ceiling of 64 s. */
    script_advance(s, 1000LL * (rows[i].error_s - rows[i].last_s) - 2);
    state_is("SYN-SENT");
    script_advance(s, 3);
    nothing();
    state_is("CLOSED");
    assert_int_equal(script_events(s, s->tcp) & YEON_ERROR, YEON_ERROR);
    assert_int_equal(yeon_tcp_take_error(s->tcp), YEON_ERR_TIMED_OUT);
    script_free(s);
  }
}

static void test_syn_ack_schedule(void **state)
{
  struct script *s = script_new(state, NULL);
  script_listen(s, 4);
  script_mark(s);
  in("S 0 mss 1000");
  script_learn(s);
  out("S. 0 ack 1 any");
  for (int n = 1; n <= 5; n++) out_at(1000 * ((1 << n) - 1), "S. 0 ack 1 any");
  script_advance(s, 32000);
  nothing();
  assert_int_equal(script_usage(s).half_open, 0);
  in(". 1 ack 1"); /* too late: nobody remembers */
  out("R 1(0)");
  script_free(s);
}

/* Karn holds for the SYN-ACK too: one that left twice is no sample, and the RTO is 3 s then (RFC 6298 5.7). */
static void test_syn_ack_sample(void **state)
{
  for (int lost = 0; lost < 2; lost++) {
    struct script *s = script_new(state, NULL);
    script_listen(s, 4);
    in("S 0 mss 1000");
    script_learn(s);
    out("S. 0 ack 1 any");
    if (lost) script_advance(s, 1000);
    script_drain(s);
    script_advance(s, 400);
    in(". 1 ack 1");
    assert_int_equal(yeon_tcp_accept(s->listener, &s->tcp, s->now), 0);
    assert_int_equal(script_info(s).srtt_us, lost ? 0 : 400000);
    assert_int_equal(script_info(s).rto_us, lost ? 3000000 : 1200000);
    assert_int_equal(script_info(s).cwnd, lost ? 1000 : 4000);
    script_free(s);
  }
}

/* The peer's SYN again means our answer was lost. */
static void test_syn_again(void **state)
{
  struct script *s = script_new(state, NULL);
  script_listen(s, 4);
  in("S 0 mss 1000 ts 10 0");
  script_learn(s);
  out("S. 0 ack 1 any ts 0 10");
  script_advance(s, 500);
  in("S 0 mss 1000 ts 510 0");
  out("S. 0 ack 1 any ts 0 510");
  in(". 1 ack 1 ts 520 0");
  assert_int_equal(yeon_tcp_accept(s->listener, &s->tcp, s->now), 0);
  state_is("ESTABLISHED");
  script_free(s);
}

static void test_simultaneous(void **state)
{
  static const char *const finals[] = {"S. 0 ack 1", ". 1 ack 1"}; /* RFC 9293 3.5, figure 8; or an ACK alone */
  for (unsigned i = 0; i < 2; i++) {
    struct script *s = script_new(state, NULL);
    assert_int_equal(script_connect(s), 0);
    out("S 0 any");
    in("S 0 mss 1000 win 4000");
    state_is("SYN-RECEIVED");
    out("S. 0(0) ack 1 mss %u", s->mss);
    in("%s", finals[i]);
    state_is("ESTABLISHED");
    assert_true((script_events(s, s->tcp) & YEON_WRITABLE) != 0);
    script_drain(s);
    assert_int_equal(script_send(s, 10), 10);
    out(". 1(10) ack 1");
    script_free(s);
  }
}

static void test_simultaneous_rexmit(void **state)
{
  struct script *s = script_new(state, NULL);
  script_mark(s);
  assert_int_equal(script_connect(s), 0);
  out("S 0 any");
  in("S 0 mss 1000");
  out("S. 0 ack 1 any");
  out_at(1000, "S. 0 ack 1 any");
  out_at(3000, "S. 0 ack 1 any");
  in("R 1"); /* exact: refused (the open was active) */
  state_is("CLOSED");
  assert_int_equal(yeon_tcp_take_error(s->tcp), YEON_ERR_REFUSED);
  script_free(s);
}

/* SYN-SENT: (what arrives, what leaves, the state after). */
/* The timer fires and the SYN-ACK arrives before anybody has asked for the segment: nothing is left of the SYN that was to go again. */
static void test_syn_ack_at_the_deadline(void **state)
{
  struct script *s = script_new(state, NULL);
  assert_int_equal(script_connect(s), 0);
  out("S 0(0) win 65535 mss %u ws 0 sackok ts", s->mss);
  s->now += 5 * YEON_SEC; /* the host is not called meanwhile */
  in("S. 0 ack 1 win 0 mss 1000");
  out(". 1 ack 1 win 65535");
  nothing();
  assert_int_equal(script_info(s).timer_at, YEON_NEVER);
  script_close(s); /* the FIN waits for the window: probes ask for it, until they are spent and the connection is gone */
  script_advance(s, 3600 * 1000);
  assert_true(s->n_out > s->next_out);
  assert_int_equal(script_usage(s).connections, 0);
  script_free(s);
}

static void test_syn_sent(void **state)
{
  static const struct {
    const char *arrives, *leaves, *after;
  } rows[] = {
      {". 7 ack 0", "R 0(0)", "SYN-SENT"}, /* first: ACK */
      {". 7 ack 2", "R 2(0)", "SYN-SENT"},
      {"S. 0 ack 0", "R 0(0)", "SYN-SENT"},
      {"S. 0 ack 2", "R 2(0)", "SYN-SENT"},
      {"R. 7 ack 0", NULL, "SYN-SENT"},
      {"R. 7 ack 2", NULL, "SYN-SENT"},
      {"R 7", NULL, "SYN-SENT"}, /* second: RST without an ACK proves nothing */
      {"R. 7 ack 1", NULL, "CLOSED"},
      {". 7 ack 1", NULL, "SYN-SENT"}, /* fifth: neither SYN nor RST */
      {"F 7", NULL, "SYN-SENT"},
      {"P 7(10)", NULL, "SYN-SENT"},
      {"S. 0 ack 1", ". 1(0) ack 1", "ESTABLISHED"},
      {"S.P 0(10) ack 1", ". 1(0) ack 11", "ESTABLISHED"}, /* text on the SYN-ACK */
      {"S.F 0(10) ack 1", ". 1(0) ack 12", "CLOSE-WAIT"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct script *s = script_new(state, NULL);
    assert_int_equal(script_connect(s), 0);
    out("S 0 any");
    in("%s", rows[i].arrives);
    if (rows[i].leaves != NULL) out("%s", rows[i].leaves);
    nothing();
    state_is(rows[i].after);
    if (strcmp(rows[i].after, "CLOSED") == 0) assert_int_equal(yeon_tcp_take_error(s->tcp), YEON_ERR_REFUSED);
    if (strstr(rows[i].arrives, "(10) ack 1") != NULL) assert_int_equal(script_recv(s, 100), 10);
    script_free(s);
  }
}

/* Every other combination of flags leaves SYN-SENT as it was, and counts a bad ACK once. */
static void test_bad_ack_counted(void **state)
{
  struct script *s = script_new(state, NULL);
  assert_int_equal(script_connect(s), 0);
  out("S 0 any");
  in("S. 0 ack 2");
  out("R 2(0)");
  assert_int_equal(script_counters(s)->tcp_bad_ack, 1);
  script_free(s);
}

/* SYN-RECEIVED of a listener: (what arrives, what leaves, half-open records left, connections made). */
static void test_syn_received(void **state)
{
  static const struct {
    const char *arrives, *leaves;
    unsigned half_open, connections;
  } rows[] = {
      {". 1 ack 1", NULL, 0, 1},
      {". 1 ack 0", "R 0(0)", 1, 0},
      {". 1 ack 2", "R 2(0)", 1, 0},
      {". 0 ack 1", ". 1(0) ack 1", 1, 0}, /* first: not in the window */
      {". 65537 ack 1", ". 1(0) ack 1", 1, 0},
      {"R 1", NULL, 0, 0},           /* second: exactly the next: back to LISTEN */
      {"R 2", ". 1(0) ack 1", 1, 0}, /* in the window: challenged (RFC 5961) */
      {"R 0", NULL, 1, 0},           /* outside: ignored */
      {"R 70000", NULL, 1, 0},
      {"S 1", NULL, 0, 0}, /* fourth: back to LISTEN */
      {"S 70000", ". 1(0) ack 1", 1, 0},
      {"F 1", NULL, 1, 0}, /* fifth: no ACK, no sense */
      {".P 1(10) ack 1", ". 1(0) ack 11", 0, 1},
      {".F 1 ack 1", ". 1(0) ack 2", 0, 1},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct script *s = script_new(state, NULL);
    script_listen(s, 4);
    in("S 0 mss 1000");
    script_learn(s);
    out("S. 0 ack 1 any");
    in("%s", rows[i].arrives);
    script_advance(s, 300);
    if (rows[i].leaves != NULL) out("%s", rows[i].leaves);
    nothing();
    assert_int_equal(script_usage(s).half_open, rows[i].half_open);
    assert_int_equal(script_usage(s).connections, rows[i].connections);
    script_free(s);
  }
}

/* RFC 7323 3.2: once agreed, a segment without timestamps is dropped in silence, the last ACK of the handshake too. */
static void test_handshake_without_agreed_ts(void **state)
{
  struct script *s = script_new(state, NULL);
  script_listen(s, 4);
  in("S 0 mss 1000 ts 10 0");
  script_learn(s);
  out("S. 0 ack 1 any");
  in(". 1 ack 1 nots");
  nothing();
  assert_int_equal(script_events(s, s->listener), 0);
  assert_int_equal(script_usage(s).half_open, 1);
  in(". 1 ack 1 ts 9 0"); /* PAWS: older than the SYN */
  out(". 1(0) ack 1 ts 0 10");
  in(". 1 ack 1 ts 11 0");
  assert_int_equal(yeon_tcp_accept(s->listener, &s->tcp, s->now), 0);
  script_free(s);
}

/* No such port: RFC 9293 3.5.2, group 1. */
static void test_closed(void **state)
{
  static const struct {
    const char *arrives, *leaves;
  } rows[] = {
      {"S 0 mss 1000", "R. 0(0) ack 1"},
      {"S 0(10)", "R. 0(0) ack 11"},
      {"SF 0(10)", "R. 0(0) ack 12"},
      {". 5 ack 9", "R 9(0)"},
      {"S. 5 ack 9", "R 9(0)"},
      {"F 5", "R. 0(0) ack 6"},
      {"P 5(20)", "R. 0(0) ack 25"},
      {"R 5", NULL},
      {"R. 5 ack 9", NULL},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct script *s = script_new(state, NULL);
    in("%s", rows[i].arrives);
    if (rows[i].leaves != NULL) out("%s", rows[i].leaves);
    nothing();
    script_free(s);
  }
}

/* LISTEN: RFC 9293 3.10.7.2. */
static void test_listen(void **state)
{
  static const struct {
    const char *arrives, *leaves;
    unsigned half_open;
  } rows[] = {
      {"R 5", NULL, 0},
      {"R. 5 ack 1", NULL, 0},
      {". 5 ack 9", "R 9(0)", 0},
      {"S. 5 ack 9", "R 9(0)", 0},
      {"F 5", NULL, 0},
      {"P 5(10)", NULL, 0},
      {"S 0(10) mss 1000", "S. 0 ack 1 any", 1},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct script *s = script_new(state, NULL);
    script_listen(s, 4);
    in("%s", rows[i].arrives);
    if (rows[i].half_open) script_learn(s);
    if (rows[i].leaves != NULL) out("%s", rows[i].leaves);
    nothing();
    assert_int_equal(script_usage(s).half_open, rows[i].half_open);
    script_free(s);
  }
}

static void test_refused(void **state)
{
  struct script *s = script_new(state, NULL);
  assert_int_equal(script_connect(s), 0);
  out("S 0 any");
  in("R. 0 ack 1");
  state_is("CLOSED");
  assert_int_equal(script_events(s, s->tcp) & (YEON_ERROR | YEON_CLOSED), YEON_ERROR | YEON_CLOSED);
  assert_int_equal(script_send(s, 1), YEON_ERR_REFUSED);
  assert_int_equal(script_send(s, 1), YEON_ERR_PIPE);
  assert_int_equal(script_recv(s, 1), 0);
  script_close(s);
  assert_int_equal(script_usage(s).connections, 0);
  script_free(s);
}

/* Closing in SYN-SENT forgets the connection: what comes later is answered as for no connection. */
static void test_close_in_syn_sent(void **state)
{
  struct script *s = script_new(state, NULL);
  assert_int_equal(script_connect(s), 0);
  out("S 0 any");
  script_close(s);
  nothing();
  in("S. 0 ack 1 mss 1000");
  out("R 1(0)");
  script_free(s);
}

static void peer(struct script *s, uint16_t port) { s->peer_port = port; }

static void test_backlog(void **state)
{
  struct script *s = script_new(state, NULL);
  struct yeon_tcp *first, *second;
  script_listen(s, 1);
  in("S 0 mss 1000");
  script_learn(s);
  uint32_t iss1 = s->iss;
  out("S. 0 ack 1 any");
  peer(s, 4001); /* a second one begins before the first is done */
  in("S 0 mss 1000");
  script_learn(s);
  uint32_t iss2 = s->iss;
  out("S. 0 ack 1 any");
  peer(s, 4000);
  s->iss = iss1;
  in(". 1 ack 1");
  nothing();
  peer(s, 4001); /* its ACK finds the queue full and waits */
  s->iss = iss2;
  in(". 1 ack 1");
  nothing();
  peer(s, 4002); /* a third SYN is not even answered */
  in("S 0 mss 1000");
  nothing();
  assert_true(script_counters(s)->tcp_backlog_full >= 2);
  assert_int_equal(yeon_tcp_accept(s->listener, &first, s->now), 0);
  assert_int_equal(yeon_tcp_accept(s->listener, &second, s->now), YEON_ERR_AGAIN);
  peer(s, 4001); /* the peer believes it is connected, and speaks */
  in(".P 1(5) ack 1");
  script_advance(s, 250);
  out(". 1(0) ack 6");
  assert_int_equal(yeon_tcp_accept(s->listener, &second, s->now), 0);
  s->tcp = second;
  assert_int_equal(script_recv(s, 100), 5);
  script_free(s);
}

/* The listener is gone: what waited is reset, what was half open is refused. */
static void test_listener_closed(void **state)
{
  struct script *s = script_new(state, NULL);
  script_listen(s, 4);
  in("S 0 mss 1000");
  script_learn(s);
  out("S. 0 ack 1 any");
  in(". 1 ack 1");
  uint32_t iss1 = s->iss;
  peer(s, 4001);
  in("S 0 mss 1000");
  script_learn(s);
  out("S. 0 ack 1 any");
  uint32_t iss2 = s->iss;
  yeon_tcp_close(s->listener, s->now);
  s->iss = iss1;
  out("R. 1(0) ack 1");
  s->iss = iss2;
  in(". 1 ack 1");
  out("R 1(0)");
  assert_int_equal(script_usage(s).half_open, 0);
  assert_int_equal(script_usage(s).connections, 0);
  in("S 10 mss 1000");
  s->iss = 0;
  out("R. 0(0) ack 11");
  script_free(s);
}

static void cookies_on(struct yeon_tcp_options *o) { o->cookies = true; }

static const struct script_setup one_half_open = {.tune = cookies_on, .max_half_open = 1};

/* The table of half-open records is full: the ISN alone remembers (RFC 4987). */
static void test_cookies(void **state)
{
  struct script *s = script_new(state, &one_half_open);
  script_listen(s, 4);
  peer(s, 5000);
  in("S 0 mss 1000");
  script_learn(s);
  out("S. 0 ack 1 any");
  peer(s, 5001);
  in("S 0 mss 1300 ws 3 sackok ts 9 0");
  script_learn(s);
  out("S. 0(0) ack 1 mss %u", s->mss);
  assert_int_equal(script_usage(s).half_open, 1);
  in(". 1 ack 2"); /* not the cookie */
  out("R 2(0)");
  peer(s, 5002); /* not that stranger's cookie */
  in(". 1 ack 1");
  out("R 1(0)");
  peer(s, 5001);
  in(". 1 ack 1");
  nothing();
  assert_int_equal(yeon_tcp_accept(s->listener, &s->tcp, s->now), 0);
  state_is("ESTABLISHED");
  assert_int_equal(script_info(s).snd_mss, 1220); /* the next smaller of the table's sizes */
  assert_false(script_info(s).ts_ok || script_info(s).sack_ok || script_info(s).wscale_ok);
  assert_int_equal(script_send(s, 3), 3);
  out(". 1(3) ack 1");
  script_free(s);
}

static void test_cookie_expires(void **state)
{
  struct script *s = script_new(state, &one_half_open);
  script_listen(s, 4);
  peer(s, 5000);
  in("S 0 mss 1000");
  script_drain(s);
  peer(s, 5001);
  in("S 0 mss 1000");
  script_learn(s);
  out("S. 0 ack 1 any");
  script_advance(s, 130000);
  in("S 0 mss 1000"); /* it holds the record, so that another gets a cookie, and cookies are looked at */
  script_drain(s);
  s->peer_port = 5002;
  in("S 0 mss 1000");
  script_drain(s);
  s->peer_port = 5000;
  assert_int_equal(script_counters(s)->tcp_cookie_sent, 2);
  in(". 1 ack 1");
  out("R 1(0)");
  script_free(s);
}

static void test_no_cookies(void **state)
{
  struct script *s = script_new(state, &(struct script_setup){.max_half_open = 1});
  script_listen(s, 4);
  in("S 0 mss 1000");
  script_drain(s);
  peer(s, 5001);
  in("S 0 mss 1000");
  nothing();
  assert_int_equal(script_counters(s)->tcp_half_open_full, 1);
  script_free(s);
}

/* RFC 9293 3.4.1: the ISN moves with the clock for one four-tuple, and tells nothing of another. */
static void test_isn(void **state)
{
  uint32_t isn[3];
  struct script *s = script_new(state, NULL);
  script_listen(s, 16);
  for (int i = 0; i < 3; i++) {
    peer(s, i == 2 ? 4001 : 4000);
    in("S 0 mss 1000");
    script_learn(s);
    isn[i] = s->iss;
    out("S. 0 ack 1 any");
    in("R 1");
    script_advance(s, 40);
  }
  assert_int_equal(isn[1] - isn[0], 40 * 1000 / 4);
  assert_true(isn[2] - isn[1] > 1000000);
  script_free(s);
}

/* RFC 9293 3.9.2.3, 3.10.1: TCP is for two. */
static void test_addresses(void **state)
{
  struct script *s = script_new(state, NULL);
  struct yeon_addr group = {.port = 80};
  assert_int_equal(yeon_ip_parse(s->six ? "ff02::1" : "224.0.0.1", &group.ip), 0);
  assert_int_equal(yeon_tcp_open(s->host, &s->tcp), 0);
  assert_true(yeon_tcp_connect(s->tcp, &group, s->now) < 0);
  state_is("CLOSED");
  assert_int_equal(yeon_tcp_connect(s->tcp, &(struct yeon_addr){s->remote, 0}, s->now), YEON_ERR_INVALID);
  assert_int_equal(script_connect(s), 0); /* the refused calls left nothing half done */
  script_free(s);
}

/* RFC 7323 2.2: what answers in SYN-RECEIVED is no SYN, so its window is scaled; unscaled it would offer 128 times the buffer. */
static void test_scale_of_half_open(void **state)
{
  struct script *s = script_new(state, &(struct script_setup){.use_profile = true, .profile = YEON_PROFILE_LINUX});
  script_listen(s, 4);
  in("S 0 mss 1000 ws 7");
  script_learn(s);
  out("S. 0(0) ack 1 win %u mss %u ws 7", 65536 / s->mss * s->mss, s->mss);
  in(". 200000 ack 1");
  out(". 1 ack 1 win %u", (65536 / s->mss * s->mss) >> 7);
  script_free(s);
  s = script_new(state, &(struct script_setup){.use_profile = true, .profile = YEON_PROFILE_LINUX});
  script_listen(s, 4);
  in("S 0 mss 1000");
  script_learn(s);
  out("S. 0(0) ack 1 win %u mss %u", 65536 / s->mss * s->mss, s->mss);
  in(". 200000 ack 1");
  out(". 1 ack 1 win %u", 65536 / s->mss * s->mss);
  script_free(s);
}

static void test_syn_window_and_data(void **state)
{
  struct script *s = script_connected(state, &all_options);
  assert_int_equal(script_send(s, 100), 100); /* snd.wnd 65535 from the SYN-ACK */
  out(". 1(100) ack 1");
  script_free(s);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      BOTH(test_active),
      BOTH(test_passive),
      BOTH(test_options),
      BOTH(test_options_off),
      BOTH(test_scale),
      BOTH(test_scale_of_half_open),
      BOTH(test_syn_schedule),
      BOTH(test_syn_ack_schedule),
      BOTH(test_syn_ack_sample),
      BOTH(test_syn_again),
      BOTH(test_simultaneous),
      BOTH(test_simultaneous_rexmit),
      BOTH(test_syn_ack_at_the_deadline),
      BOTH(test_syn_sent),
      BOTH(test_bad_ack_counted),
      BOTH(test_syn_received),
      BOTH(test_handshake_without_agreed_ts),
      BOTH(test_closed),
      BOTH(test_listen),
      BOTH(test_refused),
      BOTH(test_close_in_syn_sent),
      BOTH(test_backlog),
      BOTH(test_listener_closed),
      BOTH(test_cookies),
      BOTH(test_cookie_expires),
      BOTH(test_no_cookies),
      BOTH(test_isn),
      BOTH(test_addresses),
      BOTH(test_syn_window_and_data),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
