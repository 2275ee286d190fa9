/* Rules of the requirement tables (RFC 9293 appendix B, RFC 1122) and of TCP's extensions that no mechanism's own file shows: which addresses
 * and options a host takes, what it tells, what stands on every segment. docs/rfc-map.md says which test is for which rule. */
#include "tcp_script.h"

#include <stdio.h>

#include "cc/cc.h"
#include "tcp/internal.h"
#include "wire/checksum.h"
#include "wire/ipv4.h"

static void at_once(struct yeon_tcp_options *o) { o->delack_us = 0; }

static void window_of_100(struct yeon_tcp_options *o)
{
  o->initial_window_segments = 100;
  o->sndbuf = o->sndbuf_max = 1 << 20;
}

static const struct script_setup with_ts = {.ts = true};

/* ---- what an option may be ---- */

/* MUST-40: less than half a second. */
static void test_delay_below_500_ms(void **state)
{
  struct yeon_tcp_options o;
  const char *field = NULL;
  (void)state;
  yeon_tcp_options_init(&o, YEON_PROFILE_LECTURE);
  o.delack_us = 499999;
  assert_int_equal(yeon_tcp_options_check(&o, &field), 0);
  o.delack_us = 500000;
  assert_int_equal(yeon_tcp_options_check(&o, &field), YEON_ERR_INVALID);
  assert_string_equal(field, "delack_us");
}

/* MUST-65, MUST-68, MUST-69: whatever is combined, in either layout, every option but NOP has its length, nothing but zeros follows an end of
 * the list, and the MSS is on SYNs. */
static void check_options(const struct wire_tcp *h, const uint8_t *p, size_t n)
{
  size_t i = 20;
  while (i < n && p[i] != 0) {
    if (p[i] == 2 || p[i] == 3 || p[i] == 4) assert_int_equal(h->flags, YEON_TCP_SYN);
    if (p[i] != 1) assert_true(i + 1 < n && p[i + 1] >= 2);
    i += p[i] == 1 ? 1 : p[i + 1];
  }
  assert_true(i <= n);
  for (; i < n; i++) assert_int_equal(p[i], 0);
}

static void test_emitted_options(void **state)
{
  (void)state;
  for (unsigned bits = 0; bits < 512; bits++) {
    struct wire_tcp h;
    uint8_t p[80];
    wire_tcp_init(&h);
    h.flags = (bits & 1) != 0 ? YEON_TCP_SYN : YEON_TCP_ACK;
    h.mss = (bits & 2) != 0 ? 1460 : 0;
    h.wscale = (bits & 4) != 0 ? 7 : -1;
    h.sack_ok = (bits & 8) != 0;
    h.has_ts = (bits & 16) != 0;
    h.has_uto = (bits & 32) != 0;
    h.n_sack = (uint8_t)(bits >> 6 & 3);
    h.packed = bits >> 8 != 0;
    memset(p, 0xee, sizeof p);
    size_t n = wire_tcp_emit(&h, p);
    assert_true(n % 4 == 0 && n <= 60);
    check_options(&h, p, n);
  }
}

/* RFC 5482 3.3: kind 28, length 4, the bit that says minutes, 15 bits. */
static void test_user_timeout_bytes(void **state)
{
  struct wire_tcp h;
  uint8_t p[60];
  (void)state;
  wire_tcp_init(&h);
  h.flags = YEON_TCP_ACK;
  h.has_uto = true;
  h.user_timeout = 0x8000 | 667;
  assert_int_equal(wire_tcp_emit(&h, p), 24);
  assert_memory_equal(p + 20, "\x1c\x04\x82\x9b", 4);
}

/* ---- addresses ---- */

/* MUST-46. */
static void test_open_to_many(void **state)
{
  static const char *const four[] = {"10.0.0.255", "255.255.255.255", "224.0.0.1", "0.0.0.0"};
  static const char *const six[] = {"ff02::1", "ff0e::9", "::"};
  struct script *s = script_new(state, NULL);
  for (size_t i = 0; i < (s->six ? 3 : 4); i++) {
    struct yeon_addr to = {.port = 80};
    assert_int_equal(yeon_ip_parse(s->six ? six[i] : four[i], &to.ip), 0);
    assert_int_equal(yeon_tcp_open(s->host, &s->tcp), 0);
    assert_int_equal(yeon_tcp_connect(s->tcp, &to, s->now), YEON_ERR_ADDRESS);
    state_is("CLOSED");
    script_close(s);
  }
  nothing();
  script_free(s);
}

/* MUST-57, MUST-63: a SYN from who cannot be one sender, or to many, is not answered and leaves nothing. */
static void test_syn_of_nobody(void **state)
{
  static const struct {
    const char *src, *dst; /* NULL: the usual */
  } four[] = {{"224.0.0.1", NULL},  {"10.0.0.255", NULL}, {"255.255.255.255", NULL},
              {"0.0.0.0", NULL},    {"127.0.0.1", NULL},  {"240.0.0.1", NULL},
              {NULL, "10.0.0.255"}, {NULL, "224.0.0.1"},  {NULL, "255.255.255.255"}},
    six[] = {{"ff02::1", NULL}, {"::", NULL}, {"::1", NULL}, {NULL, "ff02::1"}};
  struct script *s = script_new(state, NULL);
  struct yeon_ip local = s->local, remote = s->remote;
  script_listen(s, 4);
  for (size_t i = 0; i < (s->six ? 4 : 9); i++) {
    const char *src = s->six ? six[i].src : four[i].src, *dst = s->six ? six[i].dst : four[i].dst;
    if (src != NULL) assert_int_equal(yeon_ip_parse(src, &s->remote), 0);
    if (dst != NULL) assert_int_equal(yeon_ip_parse(dst, &s->local), 0);
    in("S 0 mss 1000");
    s->local = local;
    s->remote = remote;
    nothing();
    assert_int_equal(script_usage(s).half_open, 0);
  }
  in("S 0 mss 1000");
  assert_int_equal(script_usage(s).half_open, 1);
  script_free(s);
}

/* MUST-45: a connection keeps its address, whatever else the host is called later. */
static void test_address_stays(void **state)
{
  struct script *s = script_connected(state, NULL);
  struct yeon_ip nearer;
  assert_int_equal(yeon_ip_parse(s->six ? "fd00::3" : "10.0.0.3", &nearer), 0);
  assert_int_equal(yeon_host_add_addr(s->host, 0, &nearer, s->six ? 126 : 30), 0);
  assert_int_equal(script_send(s, 10), 10);
  out(". 1(10) ack 1"); /* the script has checked the sum with the old address */
  script_free(s);
}

/* MUST-41, MUST-42: a listener beside a connection that is being made from the same port; and one that is refused harms no other. */
static void test_listen_beside_syn_sent(void **state)
{
  struct script *s = script_new(state, NULL);
  struct yeon_tcp *first, *second;
  assert_int_equal(script_connect(s), 0);
  out("S 0 any");
  struct yeon_addr same = {s->local, s->port};
  assert_int_equal(yeon_tcp_open(s->host, &first), 0);
  assert_int_equal(yeon_tcp_bind(first, &same, s->now), 0);
  assert_int_equal(yeon_tcp_listen(first, 4, s->now), 0);
  assert_int_equal(yeon_tcp_open(s->host, &second), 0);
  assert_int_equal(yeon_tcp_bind(second, &same, s->now), YEON_ERR_IN_USE);
  in("S. 0 ack 1 mss 1000");
  out(". 1 ack 1");
  state_is("ESTABLISHED");
  s->peer_port++;
  in("S 0 mss 1000");
  script_learn(s);
  out("S. 0 ack 1 any");
  assert_int_equal(yeon_tcp_listen(second, 4, s->now), 0); /* unbound: a port of its own */
  in(". 1 ack 1");
  struct yeon_tcp *accepted;
  assert_int_equal(yeon_tcp_accept(first, &accepted, s->now), 0);
  script_free(s);
}

/* MUST-15, for who opens actively: a SYN-ACK without the option. */
static void test_default_mss(void **state)
{
  struct script *s = script_new(state, NULL);
  assert_int_equal(script_connect(s), 0);
  out("S 0 any");
  in("S. 0 ack 1");
  out(". 1 ack 1");
  assert_int_equal(script_info(s).snd_mss, s->six ? 1220 : 536);
  assert_int_equal(script_send(s, 1220), 1220);
  out(". 1(%d) ack 1", s->six ? 1220 : 536);
  script_drain(s);
  script_free(s);
}

/* MUST-50: IP options TCP has no use for, one of them unknown. */
static void test_ip_options_passed_over(void **state)
{
  static const uint8_t options[8] = {1, 148, 4, 0, 0, 222, 2, 1};
  uint8_t packet[200];
  struct script *s = script_connected(state, NULL);
  if (!s->six) {
    size_t n = script_packet(s, ".P 1(10) ack 1", packet);
    memmove(packet + 28, packet + 20, n - 20);
    memcpy(packet + 20, options, 8);
    packet[0] = 0x47;
    wire_put16(packet + 2, (uint16_t)(n + 8));
    wire_put16(packet + 10, 0);
    wire_put16(packet + 10, wire_sum_finish(wire_sum(packet, 28, 0)));
    script_raw(s, packet, n + 8);
    assert_int_equal(script_recv(s, 100), 10);
  }
  script_free(s);
}

/* ---- what stands on segments ---- */

static const struct script_out *newest(const struct script *s) { return &s->out[s->n_out - 1]; }

static void class_is(const struct script *s, unsigned hops, unsigned class)
{
  assert_int_equal(newest(s)->hop_limit, hops);
  assert_int_equal(newest(s)->traffic_class, class);
}

/* MUST-48, MUST-49, SHLD-21, SHLD-22: the application's hop limit and class are on all segments of its connections, and can change. */
static void test_class_on_every_segment(void **state)
{
  struct script *s = script_new(state, NULL);
  script_listen(s, 4);
  assert_int_equal(yeon_tcp_set(s->listener, YEON_TCP_HOP_LIMIT, 7, s->now), 0);
  assert_int_equal(yeon_tcp_set(s->listener, YEON_TCP_TRAFFIC_CLASS, 0x48, s->now), 0);
  in("S 0 mss 1000");
  script_learn(s);
  class_is(s, 7, 0x48); /* SYN-ACK */
  out("S. 0 ack 1 any");
  in("R 5");
  class_is(s, 7, 0x48); /* challenge */
  out(". 1(0) ack 1");
  in(". 1 ack 1");
  assert_int_equal(yeon_tcp_accept(s->listener, &s->tcp, s->now), 0);
  assert_int_equal(script_send(s, 10), 10);
  class_is(s, 7, 0x48);
  script_set(s, YEON_TCP_TRAFFIC_CLASS, 0x20);
  in(".P 1(10) ack 11");
  script_advance(s, 300);
  class_is(s, 7, 0x20); /* a bare acknowledgment, after the change */
  assert_int_equal(script_recv(s, 10), 10);
  script_abort(s);
  assert_int_not_equal(newest(s)->h.flags & YEON_TCP_RST, 0);
  class_is(s, 7, 0x20);
  script_drain(s);
  script_free(s);
}

static void cookies_on(struct yeon_tcp_options *o) { o->cookies = true; }

/* The same for an answer that is only a cookie, and with it the listener's MSS. */
static void test_cookie_as_listener_says(void **state)
{
  struct script *s = script_new(state, &(struct script_setup){.tune = cookies_on, .max_half_open = 1});
  script_listen(s, 4);
  assert_int_equal(yeon_tcp_set(s->listener, YEON_TCP_HOP_LIMIT, 7, s->now), 0);
  assert_int_equal(yeon_tcp_set(s->listener, YEON_TCP_TRAFFIC_CLASS, 0x48, s->now), 0);
  assert_int_equal(yeon_tcp_set(s->listener, YEON_TCP_MAXSEG, 600, s->now), 0);
  in("S 0 mss 1000");
  script_drain(s);
  s->peer_port++;
  in("S 0 mss 1000");
  assert_int_equal(script_counters(s)->tcp_cookie_sent, 1);
  class_is(s, 7, 0x48);
  script_learn(s);
  out("S. 0(0) ack 1 mss 600");
  script_free(s);
}

/* RFC 7323 5.2: the reset of an abort carries timestamps once they are agreed. */
static void test_reset_carries_ts(void **state)
{
  struct script *s = script_connected(state, &with_ts);
  script_abort(s);
  const struct wire_tcp *h = &newest(s)->h;
  assert_true((h->flags & YEON_TCP_RST) != 0 && h->has_ts);
  assert_int_equal(h->tsecr, (uint32_t)(s->now / YEON_MS));
  script_drain(s);
  script_free(s);
}

/* RFC 7323 5.2: a reset counts whatever its timestamp says, and one that is only challenged teaches none. */
static void test_reset_with_old_ts(void **state)
{
  struct script *s = script_connected(state, &with_ts);
  uint32_t recent = s->tcp->ts_recent;
  in("R 5 ts %u 0", recent + 100);
  out(". 1(0) ack 1 ts 0 %u", recent);
  assert_int_equal(s->tcp->ts_recent, recent);
  in("R 1 ts %u 0", recent - 1000);
  state_is("CLOSED");
  script_free(s);
}

/* ---- ICMP ---- */

static void trouble(struct script *s, unsigned type, unsigned code, uint32_t seq)
{
  script_icmp(s, (uint8_t)type, (uint8_t)code, 0, seq);
}

static const uint8_t soft4[][2] = {{3, 0}, {3, 1}, {3, 5}, {11, 0}, {11, 1}, {12, 0}};
static const uint8_t soft6[][2] = {{1, 0}, {1, 3}, {3, 0}, {3, 1}, {4, 0}, {4, 1}, {4, 2}};

/* MUST-56, SHLD-25: soft errors end nothing, not even an attempt to connect, and can be asked for. */
static void test_soft_errors(void **state)
{
  const enum script_kind kind = **(enum script_kind **)state;
  size_t n = kind == SCRIPT_IPV6 ? sizeof soft6 / 2 : sizeof soft4 / 2;
  for (size_t i = 0; i < n; i++) {
    const uint8_t *t = kind == SCRIPT_IPV6 ? soft6[i] : soft4[i];
    struct script *s = script_new(state, NULL);
    assert_int_equal(script_connect(s), 0);
    out("S 0 any");
    trouble(s, t[0], t[1], 0);
    nothing();
    state_is("SYN-SENT");
    assert_true(yeon_tcp_take_error(s->tcp) < 0);
    in("S. 0 ack 1 mss 1000");
    out(". 1 ack 1");
    assert_int_equal(script_send(s, 10), 10);
    out(". 1(10) ack 1");
    trouble(s, t[0], t[1], 1);
    state_is("ESTABLISHED");
    assert_true(yeon_tcp_take_error(s->tcp) < 0);
    assert_int_equal(yeon_tcp_take_error(s->tcp), 0);
    script_free(s);
  }
}

/* SHLD-26: hard ones end an attempt to connect, with the error they name. */
static void test_hard_errors(void **state)
{
  static const struct {
    uint8_t type, code;
    int error;
  } four[] = {{3, 2, YEON_ERR_PROTO_UNREACHABLE}, {3, 3, YEON_ERR_REFUSED}},
    six[] = {{1, 1, YEON_ERR_HOST_UNREACHABLE}, {1, 4, YEON_ERR_REFUSED}};
  for (size_t i = 0; i < 2; i++) {
    struct script *s = script_new(state, NULL);
    assert_int_equal(script_connect(s), 0);
    out("S 0 any");
    trouble(s, s->six ? six[i].type : four[i].type, s->six ? six[i].code : four[i].code, 0);
    state_is("CLOSED");
    assert_int_equal(yeon_tcp_take_error(s->tcp), s->six ? six[i].error : four[i].error);
    nothing();
    script_free(s);
  }
}

/* MUST-55 (IPv4); RFC 4443 2.4 a: an error of a type that nobody knows yet still is one (IPv6). */
static void test_quench_and_unknown(void **state)
{
  struct script *s = script_connected(state, NULL);
  assert_int_equal(script_send(s, 10), 10);
  out(". 1(10) ack 1");
  uint32_t cwnd = script_info(s).cwnd;
  trouble(s, s->six ? 100 : 4, 0, 1);
  nothing();
  state_is("ESTABLISHED");
  assert_int_equal(script_info(s).cwnd, cwnd);
  int error = yeon_tcp_take_error(s->tcp);
  if (s->six)
    assert_int_equal(error, YEON_ERR_HOST_UNREACHABLE);
  else
    assert_int_equal(error, 0);
  script_free(s);
}

struct heard {
  unsigned soft, again;
};

static void hear(void *ctx, const struct yeon_event *e)
{
  struct heard *h = ctx;
  if (e->type == YEON_EV_ERROR && e->u.error.soft) h->soft++;
  if (e->type == YEON_EV_RETRANSMIT && e->u.retransmit.why == YEON_REXMIT_RTO) h->again++;
}

/* MUST-47, SHLD-9, SHLD-20: soft errors and retransmissions are told as they happen to whoever listens, urgent data by readiness; and to
 * nobody when the mask is 0. */
static void test_reports(void **state)
{
  for (int listens = 0; listens < 2; listens++) {
    struct script *s = script_connected(state, NULL);
    struct heard h = {0, 0};
    struct yeon_event_sink sink = {.fn = hear, .ctx = &h};
    if (listens) sink.mask = YEON_EV_BIT(YEON_EV_ERROR) | YEON_EV_BIT(YEON_EV_RETRANSMIT);
    yeon_host_set_sink(s->host, &sink);
    assert_int_equal(script_send(s, 10), 10);
    out(". 1(10) ack 1");
    trouble(s, s->six ? 1 : 3, s->six ? 0 : 1, 1);
    script_advance(s, 3500);
    script_drain(s);
    assert_int_equal(h.soft, listens ? 1 : 0);
    assert_int_equal(h.again, listens ? 2 : 0);
    assert_int_equal(script_info(s).rexmits, 2);
    in(".U 1 ack 1 urg 5");
    assert_int_equal(script_events(s, s->tcp) & YEON_URGENT, YEON_URGENT);
    script_free(s);
  }
}

/* ---- segments that arrive ---- */

/* MUST-58, MUST-59: what comes together is answered once, after all of it. */
static void test_one_ack_for_a_batch(void **state)
{
  static uint8_t packets[5][200];
  struct script *s = script_connected(state, &(struct script_setup){.tune = at_once});
  struct yeon_frame f[5];
  for (int i = 0; i < 5; i++) {
    char spec[64];
    (void)snprintf(spec, sizeof spec, ".P %d(10) ack 1", 1 + 10 * i);
    yeon_frame_from_bytes(&f[i], packets[i], script_packet(s, spec, packets[i]));
  }
  yeon_host_input(s->host, 0, f, 5, s->now);
  out(". 1(0) ack 51");
  nothing();
  script_free(s);
}

/* SHLD-2: a reset may bring text. */
static void test_reset_with_text(void **state)
{
  struct script *s = script_connected(state, NULL);
  in("R. 1(20) ack 1");
  nothing();
  state_is("CLOSED");
  assert_int_equal(script_recv(s, 100), YEON_ERR_RESET);
  script_free(s);
}

/* MUST-32: told again with every advance of the pointer; MUST-33: and as long as urgent bytes are to be read. */
static void test_urgent_advances(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.tune = at_once});
  uint8_t byte;
  in(".UP 1(10) ack 1 urg 15");
  assert_int_equal(script_events(s, s->tcp) & YEON_URGENT, YEON_URGENT);
  in(".UP 11(10) ack 1 urg 5");
  assert_int_equal(script_events(s, s->tcp) & YEON_URGENT, 0);
  in(".UP 21(10) ack 1 urg 15");
  assert_int_equal(script_events(s, s->tcp) & YEON_URGENT, YEON_URGENT);
  assert_int_equal(yeon_tcp_ready(s->tcp) & YEON_URGENT, YEON_URGENT);
  in(".P 31(10) ack 1");
  assert_int_equal(yeon_tcp_recv(s->tcp, &byte, 1, YEON_RECV_URGENT, s->now), 1);
  assert_int_equal(byte, script_byte(34));
  assert_int_equal(yeon_tcp_ready(s->tcp) & YEON_URGENT, 0);
  script_free(s);
}

/* MUST-31: more than the pointer can span: it stands as far ahead as it can until the end comes within reach. */
static void test_urgent_of_any_length(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.tune = window_of_100, .win = 60000});
  assert_int_equal(script_send_flags(s, 70000, YEON_SEND_URGENT), 70000);
  for (uint32_t at = 1; at <= 70000; at += 1000) {
    script_pump(s);
    out(".U %u(1000) ack 1 urg %u", at, 70001 - at < 65535 ? 70001 - at : 65535);
    if (at == 20001) in(". 1 ack 20001");
    if (at == 59001) in(". 1 ack 59001");
  }
  nothing();
  script_free(s);
}

/* RFC 1337: no reset ends TIME-WAIT in the freebsd profile, neither of a record nor of a connection that is still held. */
static void test_time_wait_freebsd(void **state)
{
  for (int held = 0; held < 2; held++) {
    struct script *s =
        script_connected(state, &(struct script_setup){.use_profile = true, .profile = YEON_PROFILE_FREEBSD});
    if (held)
      script_shutdown(s, YEON_SHUT_WR);
    else
      script_close(s);
    out(".F 1(0) ack 1");
    in(".F 1 ack 2");
    out(". 2(0) ack 2");
    in("R 2");
    in("R 3");
    in("R. 2 ack 2");
    nothing();
    if (held) state_is("TIME-WAIT");
    assert_int_equal(script_usage(s).time_wait, held ? 0 : 1);
    in(".F 1 ack 2");
    out(". 2(0) ack 2");
    script_free(s);
  }
}

/* ---- windows ---- */

/* MUST-1: with the top bit set it is a large window, not a negative one. */
static void test_window_is_unsigned(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.tune = window_of_100, .win = 50000});
  assert_int_equal(script_send(s, 60000), 60000);
  script_pump(s);
  assert_int_equal(s->n_out - s->next_out, 50);
  s->next_out = s->n_out;
  script_free(s);
}

/* SHLD-15, SHLD-16: the right edge goes back to the middle of what is in flight: nothing new, and what lies within it again as ever. */
static void test_window_shrinks_to_some(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.tune = window_of_100, .win = 5000});
  assert_int_equal(script_send(s, 20000), 20000);
  for (int i = 0; i < 5; i++) out(". %d(1000) ack 1", 1 + 1000 * i);
  in(". 1 ack 1001 win 2000");
  nothing();
  script_mark(s);
  out_at(1000, ". 1001(1000) ack 1");
  in(". 1 ack 2001 win 1000");
  out(". 2001(1000) ack 1");
  in(". 1 ack 5001 win 5000");
  out(". 5001(1000) ack 1");
  script_drain(s);
  state_is("ESTABLISHED");
  script_free(s);
}

/* RFC 9293 A.3: the tail of a large write does not wait for what is in flight before it; what comes behind the tail does. */
static void test_tail_goes(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.tune = window_of_100});
  assert_int_equal(script_send(s, 1500), 1500);
  out(". 1(1000) ack 1");
  out(". 1001(500) ack 1");
  assert_int_equal(script_send(s, 10), 10);
  nothing();
  in(". 1 ack 1501");
  out(". 1501(10) ack 1");
  script_free(s);
}

/* ---- numbers ---- */

static void patient(struct yeon_tcp_options *o) { o->rto_initial_us = 60000000; }

/* RFC 6298 2.3: on a path whose delay never varies the RTO still stays above it, by the clock's granularity. */
static void test_rto_above_a_steady_rtt(void **state)
{
  struct script *s = script_new(state, &(struct script_setup){.tune = patient});
  assert_int_equal(script_connect(s), 0);
  out("S 0 any");
  script_advance(s, 2000);
  in("S. 0 ack 1 mss 1000");
  out(". 1 ack 1");
  for (unsigned i = 0; i < 100; i++) {
    assert_int_equal(script_send(s, 10), 10);
    out(". %u(10) ack 1", 1 + 10 * i);
    script_advance(s, 2000);
    nothing();
    in(". 1 ack %u", 11 + 10 * i);
  }
  assert_int_equal(script_info(s).srtt_us, 2000000);
  script_free(s);
}

/* RFC 5681 4.3: what recovery sent is lost again: the time-out begins with one segment. */
static void test_lost_again(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.tune = window_of_100});
  assert_int_equal(script_send(s, 10000), 10000);
  script_drain(s);
  for (int i = 0; i < 3; i++) in(". 1 ack 1");
  out(". 1(1000) ack 1");
  assert_true(script_info(s).in_recovery);
  script_mark(s);
  script_advance(s, 1500);
  out(". 1(1000) ack 1");
  assert_int_equal(script_info(s).cwnd, 1000);
  assert_true(script_info(s).ssthresh <= 5000);
  script_free(s);
}

/* RFC 6675 section 5 (A): the end of recovery clears nothing that is known of what lies beyond. */
static void test_scoreboard_outlives_recovery(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.tune = window_of_100, .sack = true});
  assert_int_equal(script_send(s, 10000), 10000);
  script_drain(s);
  in(". 1 ack 1 sack 1001-5001");
  out(". 1(1000) ack 1");
  assert_int_equal(script_send(s, 4000), 4000);
  script_drain(s);
  in(". 1 ack 1 sack 12001-13001 1001-10001");
  in(". 1 ack 10001 sack 12001-13001");
  assert_false(script_info(s).in_recovery);
  assert_int_equal(s->tcp->busy->sent.sacked, 1000);
  assert_int_equal(s->tcp->busy->sent.top - s->iss, 13001);
  script_free(s);
}

/* RFC 5681 3.1: the upper bounds of the initial window. */
static void test_initial_window(void **state)
{
  static const unsigned rows[][2] = {{536, 4}, {1095, 4}, {1096, 3}, {2190, 3}, {2191, 2}, {8960, 2}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    assert_int_equal(cc_initial_window(rows[i][0], 0), rows[i][0] * rows[i][1]);
  assert_int_equal(cc_initial_window(1460, 10), 14600); /* RFC 6928 */
}

static uint16_t port_towards(struct script *s, uint16_t peer_port)
{
  s->tcp = NULL;
  s->peer_port = peer_port;
  assert_int_equal(script_connect(s), 0);
  script_drain(s);
  return s->port;
}

/* RFC 6056 3.3.3, algorithm 3: towards one peer the next port follows; towards another it begins elsewhere. */
static void test_ports_by_peer(void **state)
{
  struct script *s = script_new(state, NULL);
  unsigned range = 65535 - 49152 + 1, near = 0;
  uint16_t first = port_towards(s, 4000), second = port_towards(s, 4000), last = second;
  assert_int_equal((second - first + range) % range, 1);
  for (uint16_t i = 1; i <= 20; i++) {
    uint16_t port = port_towards(s, (uint16_t)(4000 + i));
    near += (port - last + range) % range <= 100;
    last = port;
  }
  assert_true(near <= 2);
  script_free(s);
}

/* ---- the user timeout option ---- */

static void slow_speaker(struct yeon_tcp_options *o)
{
  o->user_timeout_option = true;
  o->rto_initial_us = 60000000;
  o->rto_max_us = 600000000;
}

static void speaker(struct yeon_tcp_options *o) { o->user_timeout_option = true; }

static void speaker_of_200_s(struct yeon_tcp_options *o)
{
  o->user_timeout_option = true;
  o->user_timeout_ms = 200 * 1000;
}

/* RFC 5482 3.1: never below the RTO, or no retransmission could ever save the connection. */
static void test_user_timeout_above_rto(void **state)
{
  struct script *s = script_new(state, &(struct script_setup){.tune = slow_speaker});
  int64_t ms;
  assert_int_equal(script_connect(s), 0);
  out("S 0 any");
  script_advance(s, 50000);
  in("S. 0 ack 1 mss 1000");
  out(". 1 ack 1");
  assert_int_equal(script_info(s).rto_us, 150000000);
  in(". 1 ack 1 uto 1");
  assert_int_equal(yeon_tcp_get(s->tcp, YEON_TCP_USER_TIMEOUT_MS, &ms), 0);
  assert_true(ms > 150000);
  script_free(s);
}

/* RFC 5482 4.2: keepalive does not ask before an adopted timeout is over. */
static void test_user_timeout_and_keepalive(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.tune = speaker});
  script_set(s, YEON_TCP_KEEPIDLE_MS, 10000);
  script_set(s, YEON_TCP_KEEPALIVE, 1);
  in(". 1 ack 1 uto 600");
  script_mark(s);
  script_advance(s, 600000);
  nothing();
  script_advance(s, 1100);
  out(". 0(0) ack 1");
  script_free(s);
}

/* RFC 5482 3.4: 0 says nothing yet. */
static void test_option_of_nothing(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.tune = speaker});
  int64_t ms;
  in(". 1 ack 1 uto 0");
  in(". 1 ack 1 uto %u", 0x8000);
  assert_int_equal(yeon_tcp_get(s->tcp, YEON_TCP_USER_TIMEOUT_MS, &ms), 0);
  assert_int_equal(ms, 0);
  script_free(s);
}

/* RFC 5482 section 3: on the SYN, and on the first segment without SYN. */
static void test_user_timeout_told_twice(void **state)
{
  struct script *s = script_new(state, &(struct script_setup){.tune = speaker_of_200_s});
  assert_int_equal(script_connect(s), 0);
  assert_true(newest(s)->h.has_uto);
  in("S. 0 ack 1 mss 1000");
  assert_true(newest(s)->h.has_uto);
  assert_int_equal(newest(s)->h.user_timeout, 200);
  assert_int_equal(script_send(s, 10), 10);
  assert_false(newest(s)->h.has_uto);
  script_drain(s);
  script_free(s);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_delay_below_500_ms),
      cmocka_unit_test(test_emitted_options),
      cmocka_unit_test(test_user_timeout_bytes),
      BOTH(test_open_to_many),
      BOTH(test_syn_of_nobody),
      BOTH(test_address_stays),
      BOTH(test_listen_beside_syn_sent),
      BOTH(test_default_mss),
      BOTH(test_ip_options_passed_over),
      BOTH(test_class_on_every_segment),
      BOTH(test_cookie_as_listener_says),
      BOTH(test_reset_carries_ts),
      BOTH(test_reset_with_old_ts),
      BOTH(test_lost_again),
      BOTH(test_scoreboard_outlives_recovery),
      BOTH(test_soft_errors),
      BOTH(test_hard_errors),
      BOTH(test_quench_and_unknown),
      BOTH(test_reports),
      BOTH(test_one_ack_for_a_batch),
      BOTH(test_reset_with_text),
      BOTH(test_time_wait_freebsd),
      BOTH(test_urgent_advances),
      BOTH(test_urgent_of_any_length),
      BOTH(test_window_is_unsigned),
      BOTH(test_window_shrinks_to_some),
      BOTH(test_tail_goes),
      BOTH(test_rto_above_a_steady_rtt),
      cmocka_unit_test(test_initial_window),
      BOTH(test_ports_by_peer),
      BOTH(test_user_timeout_above_rto),
      BOTH(test_user_timeout_and_keepalive),
      BOTH(test_option_of_nothing),
      BOTH(test_user_timeout_told_twice),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
