/* Two hosts joined back to back by copying frames, in virtual time; and packets made by hand. */
#ifndef TEST_PAIR_H
#define TEST_PAIR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <yeon/host.h>
#include <yeon/tcp.h>
#include <yeon/udp.h>

#include "host/host.h"
#include "wire/arp.h"

#define PAIR_MAX 70000
#define PAIR_LOG 64

struct pair;
/* Called for every frame on its way; may change it. False: it is lost. */
typedef bool pair_filter(struct pair *p, int from, uint8_t *bytes, size_t *len);

struct pair {
  struct yeon_host *host[2];
  bool ethernet;
  yeon_time now;
  pair_filter *filter;
  int lost;                  /* by the filter */
  uint32_t passed[2];        /* frames taken from each host */
  uint8_t last[2][PAIR_MAX]; /* the last frame each host sent */
  size_t last_len[2];
  int wanted; /* for filters */
};

static inline struct yeon_ip pair_ip(const char *text)
{
  struct yeon_ip ip;
  assert_int_equal(yeon_ip_parse(text, &ip), 0);
  return ip;
}

static inline struct yeon_addr pair_addr(const char *text)
{
  struct yeon_addr a;
  assert_int_equal(yeon_addr_parse(text, &a), 0);
  return a;
}

static inline const uint8_t *pair_mac(int side)
{
  static const uint8_t mac[2][6] = {{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}};
  return mac[side];
}

/* Host 0 is 10.0.0.1/24 and fd00::1/64, host 1 is 10.0.0.2 and fd00::2. */
static inline struct pair *pair_open_with(bool ethernet, uint16_t mtu, uint32_t offload,
                                          const struct yeon_host_config *base)
{
  struct pair *p = calloc(1, sizeof *p);
  assert_non_null(p);
  p->ethernet = ethernet;
  p->now = YEON_SEC;
  for (int i = 0; i < 2; i++) {
    struct yeon_host_config c = *base;
    c.seed = (uint64_t)i + 1;
    c.id = (uint32_t)i;
    assert_int_equal(yeon_host_new(&p->host[i], &c, p->now), 0);
    struct yeon_link_config l = {.name = "pair", .ethernet = ethernet, .mtu = mtu, .offload = offload};
    memcpy(l.mac, pair_mac(i), 6);
    assert_int_equal(yeon_host_add_link(p->host[i], &l), 0);
    struct yeon_ip four = yeon_ip4(10, 0, 0, (uint8_t)(i + 1));
    assert_int_equal(yeon_host_add_addr(p->host[i], 0, &four, 24), 0);
    if (mtu < 1280) continue;
    struct yeon_ip six = pair_ip(i ? "fd00::2" : "fd00::1");
    assert_int_equal(yeon_host_add_addr(p->host[i], 0, &six, 64), 0);
  }
  return p;
}

static inline struct pair *pair_open(bool ethernet, uint16_t mtu)
{
  struct yeon_host_config c;
  yeon_host_config_init(&c);
  return pair_open_with(ethernet, mtu, 0, &c);
}

static inline void pair_close(struct pair *p)
{
  yeon_host_free(p->host[0]);
  yeon_host_free(p->host[1]);
  free(p);
}

/* Hands bytes to a host as one frame, from memory of exactly that size so that a sanitizer sees every step beyond. */
static inline void pair_inject(struct pair *p, int to, const void *bytes, size_t len)
{
  uint8_t *exact = malloc(len ? len : 1);
  assert_non_null(exact);
  memcpy(exact, bytes, len);
  struct yeon_frame f;
  yeon_frame_from_bytes(&f, exact, len);
  yeon_host_input(p->host[to], 0, &f, 1, p->now);
  free(exact);
}

/* Moves what one host has to send. True: there was something. */
static inline bool pair_move(struct pair *p, int from)
{
  struct yeon_frame f[4];
  size_t n = yeon_host_output(p->host[from], 0, f, 4, p->now);
  static uint8_t bytes[4][PAIR_MAX];
  size_t len[4];
  for (size_t i = 0; i < n; i++) len[i] = yeon_frame_copy(&f[i], bytes[i], PAIR_MAX);
  for (size_t i = 0; i < n; i++) {
    assert_true(len[i] > 0);
    p->passed[from]++;
    memcpy(p->last[from], bytes[i], len[i]);
    p->last_len[from] = len[i];
    if (p->filter && !p->filter(p, from, bytes[i], &len[i]))
      p->lost++;
    else
      pair_inject(p, !from, bytes[i], len[i]);
  }
  return n > 0;
}

/* Until both are quiet, without time passing. */
static inline void pair_pump(struct pair *p)
{
  for (int i = 0; i < 10000; i++) {
    bool any = pair_move(p, 0);
    any |= pair_move(p, 1);
    if (!any) return;
  }
  fail_msg("the hosts do not come to rest");
}

/* Lets time pass to `until`, waking the hosts whenever they want. */
static inline void pair_run(struct pair *p, yeon_time until)
{
  pair_pump(p);
  while (p->now < until) {
    yeon_time a = yeon_host_next(p->host[0]), b = yeon_host_next(p->host[1]);
    yeon_time next = a < b ? a : b;
    assert_true(next > p->now);
    p->now = next < until ? next : until;
    pair_pump(p);
  }
}

/* The last frame of a host as an IP packet. */
static inline const uint8_t *pair_last(const struct pair *p, int from, size_t *len)
{
  size_t skip = p->ethernet ? 14 : 0;
  *len = p->last_len[from] - skip;
  return p->last[from] + skip;
}

/* An IP packet (either family) around a payload; returns its length. */
static inline size_t make_packet(uint8_t *out, const char *src, const char *dst, uint8_t protocol, const void *payload,
                                 size_t len)
{
  struct yeon_ip s = pair_ip(src), d = pair_ip(dst);
  size_t head;
  if (yeon_ip_is4(&s)) {
    struct wire_ipv4 h = {.src = s, .dst = d, .total_len = (uint16_t)(20 + len), .ttl = 64, .protocol = protocol};
    head = wire_ipv4_emit(&h, out);
  } else {
    struct wire_ipv6 h = {.src = s, .dst = d, .payload_len = (uint16_t)len, .next_header = protocol, .hop_limit = 64};
    head = wire_ipv6_emit(&h, out);
  }
  if (len) memcpy(out + head, payload, len);
  return head + len;
}

/* A UDP datagram, checksum and all, without the IP header. */
static inline size_t make_udp(uint8_t *out, const char *src, const char *dst, uint16_t sport, uint16_t dport,
                              const void *payload, size_t len)
{
  struct yeon_ip s = pair_ip(src), d = pair_ip(dst);
  struct wire_udp u = {.src_port = sport, .dst_port = dport, .length = (uint16_t)(8 + len)};
  wire_udp_emit(&u, out);
  if (len) memcpy(out + 8, payload, len);
  uint16_t sum = wire_sum_finish(wire_sum(out, 8 + len, wire_sum_pseudo(&s, &d, 17, (uint32_t)(8 + len))));
  wire_put16(out + 6, sum ? sum : 0xffff);
  return 8 + len;
}

/* An ICMP echo request without the IP header. */
static inline size_t make_echo(uint8_t *out, const char *src, const char *dst, const void *payload, size_t len)
{
  struct yeon_ip s = pair_ip(src), d = pair_ip(dst);
  if (len) memmove(out + 8, payload, len);
  if (yeon_ip_is4(&s)) {
    struct wire_icmp m = {.type = WIRE_ICMP4_ECHO, .id = 7, .seq = 9};
    wire_icmp4_emit(&m, out);
    wire_icmp4_finish(out, 8 + len);
  } else {
    struct wire_icmp m = {.type = WIRE_ICMP6_ECHO, .id = 7, .seq = 9};
    wire_icmp6_emit(&m, out);
    wire_icmp6_finish(out, 8 + len, &s, &d);
  }
  return 8 + len;
}

/* An Ethernet frame around a packet; returns its length. */
static inline size_t make_frame(uint8_t *out, const uint8_t *dst, const uint8_t *src, uint16_t type, const void *packet,
                                size_t len)
{
  struct wire_eth h = {.type = type};
  memcpy(h.dst, dst, 6);
  memcpy(h.src, src, 6);
  wire_eth_emit(&h, out);
  memcpy(out + 14, packet, len);
  return 14 + len;
}

static inline struct yeon_udp *open_udp(struct yeon_host *h, const char *bound)
{
  struct yeon_udp *u;
  assert_int_equal(yeon_udp_open(h, &u), 0);
  if (bound) {
    struct yeon_addr a = pair_addr(bound);
    assert_int_equal(yeon_udp_bind(u, &a), 0);
  }
  return u;
}

static inline const struct yeon_counters *count_of(const struct pair *p, int side)
{
  return yeon_host_counters(p->host[side]);
}

#endif
