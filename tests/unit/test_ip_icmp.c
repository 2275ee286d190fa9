/* ICMP: echo, errors sent and above all not sent, errors received. */
#include "pair.h"

static uint8_t packet[70000], body[70000];

static size_t ping(uint8_t *out, const char *src, const char *dst, size_t len)
{
  for (size_t i = 0; i < len; i++) body[8 + i] = (uint8_t)i;
  size_t n = make_echo(body, src, dst, body + 8, len);
  return make_packet(out, src, dst, strchr(src, ':') ? WIRE_PROTO_ICMPV6 : WIRE_PROTO_ICMP, body, n);
}

static void echo_is_answered(void **state)
{
  (void)state;
  static const char *const src[] = {"10.0.0.1", "fd00::1"}, *const dst[] = {"10.0.0.2", "fd00::2"};
  for (int six = 0; six < 2; six++) {
    struct pair *p = pair_open(false, 1500);
    size_t head = six ? 40 : 20, len, n = ping(packet, src[six], dst[six], 56);
    pair_inject(p, 1, packet, n);
    assert_true(pair_move(p, 1));
    const uint8_t *m = pair_last(p, 1, &len);
    assert_int_equal(len, n);
    assert_int_equal(m[head], six ? 129 : 0);
    assert_int_equal(wire_get16(m + head + 4), 7);
    assert_int_equal(wire_get16(m + head + 6), 9);
    assert_memory_equal(m + head + 8, packet + head + 8, 56);
    assert_int_equal(count_of(p, 0)->icmp_in, 1); /* it was well formed: the other host took it */
    assert_int_equal(count_of(p, 0)->icmp_bad, 0);
    pair_close(p);
  }
}

/* A large one comes in fragments and is answered in fragments. */
static void large_echo_is_answered(void **state)
{
  (void)state;
  struct pair *p = pair_open(false, 1500);
  size_t n = ping(packet, "10.0.0.1", "10.0.0.2", 3000);
  for (size_t at = 0; at < n - 20; at += 1480) {
    size_t part = n - 20 - at < 1480 ? n - 20 - at : 1480;
    uint8_t f[1500];
    struct wire_ipv4 h = {.src = pair_ip("10.0.0.1"),
                          .dst = pair_ip("10.0.0.2"),
                          .total_len = (uint16_t)(20 + part),
                          .id = 5,
                          .frag_offset = (uint16_t)at,
                          .more_fragments = at + part < n - 20,
                          .ttl = 64,
                          .protocol = 1};
    wire_ipv4_emit(&h, f);
    memcpy(f + 20, packet + 20 + at, part);
    pair_inject(p, 1, f, 20 + part);
  }
  pair_pump(p);
  assert_int_equal(count_of(p, 1)->icmp_in, 1);
  assert_int_equal(count_of(p, 0)->frag_reassembled, 1);
  assert_int_equal(count_of(p, 0)->icmp_in, 1);
  pair_close(p);
}

static uint32_t answers(struct pair *p, const uint8_t *bytes, size_t len)
{
  uint32_t before = p->passed[1];
  pair_inject(p, 1, bytes, len);
  pair_pump(p);
  return p->passed[1] - before;
}

static size_t udp_packet(const char *src, const char *dst)
{
  size_t n = make_udp(body, src, dst, 1, 9999, "x", 1);
  return make_packet(packet, src, dst, 17, body, n);
}

static void silence_where_it_is_due(void **state)
{
  (void)state;
  struct pair *p = pair_open(false, 1500);
  struct yeon_ip group = pair_ip("224.1.2.3"), group6 = pair_ip("ff02::1234");
  assert_int_equal(yeon_host_join_group(p->host[1], 0, &group), 0);
  assert_int_equal(yeon_host_join_group(p->host[1], 0, &group6), 0);
  assert_int_equal(answers(p, packet, udp_packet("10.0.0.1", "10.0.0.2")), 1);   /* the rule works at all */
  assert_int_equal(answers(p, packet, udp_packet("10.0.0.1", "10.0.0.255")), 0); /* to many */
  assert_int_equal(answers(p, packet, udp_packet("10.0.0.1", "255.255.255.255")), 0);
  assert_int_equal(answers(p, packet, udp_packet("10.0.0.1", "224.1.2.3")), 0);
  assert_int_equal(answers(p, packet, udp_packet("fd00::1", "ff02::1234")), 0);
  assert_int_equal(answers(p, packet, udp_packet("0.0.0.0", "10.0.0.255")), 0); /* from nobody */
  assert_int_equal(count_of(p, 1)->udp_no_port, 6);
  assert_int_equal(answers(p, packet, ping(packet, "10.0.0.1", "10.0.0.255", 8)), 0);
  assert_int_equal(answers(p, packet, ping(packet, "fd00::1", "ff02::1", 8)), 1); /* IPv6 answers groups */
  pair_close(p);
}

static void no_error_about_an_error(void **state)
{
  (void)state;
  struct pair *p = pair_open(false, 1500);
  for (int six = 0; six < 2; six++) {
    const char *src = six ? "fd00::1" : "10.0.0.1", *dst = six ? "fd00::2" : "10.0.0.2";
    size_t n = udp_packet(dst, src); /* "ours", to a port that never was */
    uint8_t m[256], out[300];
    struct wire_icmp h = {.type = six ? WIRE_ICMP6_UNREACHABLE : WIRE_ICMP4_UNREACHABLE, .code = six ? 4 : 3};
    struct yeon_ip s = pair_ip(src), d = pair_ip(dst);
    memcpy(m + 8, packet, n);
    if (six) {
      wire_icmp6_emit(&h, m);
      wire_icmp6_finish(m, 8 + n, &s, &d);
    } else {
      wire_icmp4_emit(&h, m);
      wire_icmp4_finish(m, 8 + n);
    }
    assert_int_equal(answers(p, out, make_packet(out, src, dst, six ? 58 : 1, m, 8 + n)), 0);
  }
  assert_int_equal(count_of(p, 1)->icmp_in, 2);
  pair_close(p);
}

static void unknown_protocols(void **state)
{
  (void)state;
  struct pair *p = pair_open(false, 1500);
  size_t len;
  memset(body, 0, 16);
  assert_int_equal(answers(p, packet, make_packet(packet, "10.0.0.1", "10.0.0.2", 132, body, 16)), 1);
  const uint8_t *m = pair_last(p, 1, &len);
  assert_int_equal(m[20], 3);
  assert_int_equal(m[21], 2);
  assert_int_equal(answers(p, packet, make_packet(packet, "fd00::1", "fd00::2", 132, body, 16)), 1);
  m = pair_last(p, 1, &len);
  assert_int_equal(m[40], 4);
  assert_int_equal(m[41], 1);
  assert_int_equal(wire_get32(m + 44), 6);
  assert_int_equal(answers(p, packet, make_packet(packet, "fd00::1", "fd00::2", 59, body, 16)), 0);
  assert_int_equal(count_of(p, 1)->drop_ip_protocol, 3);
  pair_close(p);
}

/* An error quotes as much as keeps it small. */
static void errors_quote_a_part(void **state)
{
  (void)state;
  static const char *const src[] = {"10.0.0.1", "fd00::1"}, *const dst[] = {"10.0.0.2", "fd00::2"};
  static const char text[1400];
  struct pair *p = pair_open(false, 1500);
  for (int six = 0; six < 2; six++) {
    size_t len, n = make_udp(body, src[six], dst[six], 1, 9999, text, sizeof text);
    n = make_packet(packet, src[six], dst[six], 17, body, n);
    assert_int_equal(answers(p, packet, n), 1);
    const uint8_t *m = pair_last(p, 1, &len);
    size_t head = six ? 40 : 20;
    assert_int_equal(len, six ? 1280 : 576);
    assert_memory_equal(m + head + 8, packet, len - head - 8);
  }
  pair_close(p);
}

static void errors_are_rate_limited(void **state)
{
  (void)state;
  struct pair *p = pair_open(false, 1500);
  size_t n = udp_packet("10.0.0.1", "10.0.0.2");
  uint32_t first = 0, later = 0;
  for (int i = 0; i < 200; i++) first += answers(p, packet, n);
  assert_int_equal(first, IP_ICMP_BURST);
  assert_int_equal(count_of(p, 1)->icmp_limited, 200 - IP_ICMP_BURST);
  p->now += YEON_SEC / 10;
  for (int i = 0; i < 200; i++) later += answers(p, packet, n);
  assert_int_equal(later, 10);
  pair_close(p);
}

/* "Too big" about a datagram of ours, as a router would send it. */
static void tell_too_big(struct pair *p, bool six, uint16_t port, uint32_t mtu)
{
  const char *us = six ? "fd00::1" : "10.0.0.1", *them = six ? "fd00::2" : "10.0.0.2";
  uint8_t m[512], udp[64], quoted[128], out[600];
  struct yeon_ip s = pair_ip(them), d = pair_ip(us);
  size_t n = make_packet(quoted, us, them, 17, udp, make_udp(udp, us, them, port, 5, "x", 1));
  struct wire_icmp h = {.type = six ? WIRE_ICMP6_TOO_BIG : WIRE_ICMP4_UNREACHABLE, .code = six ? 0 : 4, .mtu = mtu};
  memcpy(m + 8, quoted, n);
  if (six) {
    wire_icmp6_emit(&h, m);
    wire_icmp6_finish(m, 8 + n, &s, &d);
  } else {
    wire_icmp4_emit(&h, m);
    wire_icmp4_finish(m, 8 + n);
  }
  pair_inject(p, 0, out, make_packet(out, them, us, six ? 58 : 1, m, 8 + n));
}

static uint16_t mtu_now(struct pair *p, bool six)
{
  struct yeon_ip dst = pair_ip(six ? "fd00::2" : "10.0.0.2");
  return ip_path_mtu(&p->host[0]->ip, 0, &dst, NULL, p->now);
}

static void path_mtu_is_learnt_and_forgotten(void **state)
{
  (void)state;
  for (int six = 0; six < 2; six++) {
    struct pair *p = pair_open(false, 1500);
    struct yeon_udp *u = open_udp(p->host[0], "[::]:700");
    struct yeon_addr peer = pair_addr(six ? "[fd00::2]:5" : "10.0.0.2:5");
    static char data[1400];
    tell_too_big(p, six, 701, 1300); /* nobody here sent that */
    assert_int_equal(mtu_now(p, six), 1500);
    tell_too_big(p, six, 700, 9000); /* never wider */
    assert_int_equal(mtu_now(p, six), 1500);
    tell_too_big(p, six, 700, 1300);
    assert_int_equal(mtu_now(p, six), 1300);
    tell_too_big(p, six, 700, 1400);
    assert_int_equal(mtu_now(p, six), 1300);
    tell_too_big(p, six, 700, 60); /* absurd: IPv4 stops at its floor, IPv6 does not believe it */
    assert_int_equal(mtu_now(p, six), six ? 1300 : IP_MTU_MIN4);
    assert_int_equal(yeon_udp_send(u, data, sizeof data, &peer, p->now), (int64_t)sizeof data);
    pair_pump(p);
    assert_int_equal(count_of(p, 0)->frag_out, six ? 2 : 3);
    assert_int_equal(yeon_udp_set(u, YEON_UDP_DONT_FRAGMENT, 1), 0);
    assert_int_equal(yeon_udp_send(u, data, sizeof data, &peer, p->now), YEON_ERR_MESSAGE_SIZE);
    p->now += 601 * YEON_SEC;
    assert_int_equal(mtu_now(p, six), 1500);
    assert_int_equal(yeon_udp_send(u, data, sizeof data, &peer, p->now), (int64_t)sizeof data);
    pair_close(p);
  }
}

static void old_routers_name_no_mtu(void **state)
{
  (void)state;
  assert_int_equal(ip_pmtu_plateau(1500), 1492);
  assert_int_equal(ip_pmtu_plateau(1492), 1006);
  assert_int_equal(ip_pmtu_plateau(65535), 32000);
  assert_int_equal(ip_pmtu_plateau(68), 68);
}

static void source_quench_and_redirect_are_ignored(void **state)
{
  (void)state;
  struct pair *p = pair_open(false, 1500);
  struct yeon_udp *u = open_udp(p->host[0], "10.0.0.1:700");
  struct yeon_addr peer = pair_addr("10.0.0.2:5");
  assert_int_equal(yeon_udp_connect(u, &peer), 0);
  for (int type = 4; type <= 5; type++) {
    uint8_t m[128], out[256];
    size_t n = udp_packet("10.0.0.1", "10.0.0.2");
    wire_put16(packet + 20, 700);
    wire_put16(packet + 22, 5);
    struct wire_icmp h = {.type = (uint8_t)type};
    memcpy(m + 8, packet, n);
    wire_icmp4_emit(&h, m);
    wire_icmp4_finish(m, 8 + n);
    pair_inject(p, 0, out, make_packet(out, "10.0.0.2", "10.0.0.1", 1, m, 8 + n));
  }
  assert_int_equal(count_of(p, 0)->icmp_ignored, 2);
  assert_int_equal(yeon_udp_take_error(u), 0);
  pair_close(p);
}

static void bad_checksums_are_counted(void **state)
{
  (void)state;
  struct pair *p = pair_open(false, 1500);
  for (int six = 0; six < 2; six++) {
    size_t n = ping(packet, six ? "fd00::1" : "10.0.0.1", six ? "fd00::2" : "10.0.0.2", 20);
    packet[n - 1] ^= 1;
    assert_int_equal(answers(p, packet, n), 0);
  }
  assert_int_equal(count_of(p, 1)->icmp_bad, 2);
  pair_close(p);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(echo_is_answered),          cmocka_unit_test(large_echo_is_answered),
      cmocka_unit_test(silence_where_it_is_due),   cmocka_unit_test(no_error_about_an_error),
      cmocka_unit_test(unknown_protocols),         cmocka_unit_test(errors_quote_a_part),
      cmocka_unit_test(errors_are_rate_limited),   cmocka_unit_test(path_mtu_is_learnt_and_forgotten),
      cmocka_unit_test(old_routers_name_no_mtu),   cmocka_unit_test(source_quench_and_redirect_are_ignored),
      cmocka_unit_test(bad_checksums_are_counted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
