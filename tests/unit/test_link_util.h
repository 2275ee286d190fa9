/* Frames for the tests of links: TCP segments of either family, as large as a super-segment, in several slices. */
#ifndef TEST_LINK_UTIL_H
#define TEST_LINK_UTIL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "link/link.h"
#include "wire/checksum.h"
#include "wire/eth.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/tcp.h"

#define SEQ 0xfffffc00u /* wraps within a super-segment */

struct made {
  struct yeon_frame frame;
  struct yeon_ip src, dst;
  size_t l3, tcp, header; /* offsets, and bytes of all headers */
  uint8_t payload[65536];
};

/* payload bytes of TCP in segments of gso (0: one), behind an Ethernet header if asked for. The checksum is PARTIAL. */
static inline void make_tcp(struct made *m, bool six, bool ethernet, size_t payload, uint16_t gso)
{
  uint8_t *p = m->frame.head;
  memset(m, 0, offsetof(struct made, payload));
  for (size_t i = 0; i < sizeof m->payload; i++) m->payload[i] = (uint8_t)(i * 7 + i / 251);
  struct wire_eth eth = {.dst = {2, 0, 0, 0, 0, 1},
                         .src = {2, 0, 0, 0, 0, 2},
                         .type = six ? WIRE_ETH_IPV6 : WIRE_ETH_IPV4};
  if (ethernet) m->l3 = wire_eth_emit(&eth, p);
  struct wire_tcp tcp;
  wire_tcp_init(&tcp);
  tcp.seq = SEQ;
  tcp.ack = 7;
  tcp.src_port = 1000;
  tcp.dst_port = 80;
  tcp.flags = YEON_TCP_ACK | YEON_TCP_PSH | YEON_TCP_FIN | YEON_TCP_CWR;
  tcp.has_ts = true;
  size_t tcp_len = wire_tcp_size(&tcp) + payload;
  if (six) {
    yeon_ip_parse("fd00::1", &m->src);
    yeon_ip_parse("fd00::2", &m->dst);
    struct wire_ipv6 ip = {
        .src = m->src, .dst = m->dst, .payload_len = (uint16_t)tcp_len, .next_header = WIRE_PROTO_TCP, .hop_limit = 64};
    m->tcp = m->l3 + wire_ipv6_emit(&ip, p + m->l3);
  } else {
    m->src = yeon_ip4(10, 0, 0, 1);
    m->dst = yeon_ip4(10, 0, 0, 2);
    struct wire_ipv4 ip = {.src = m->src,
                           .dst = m->dst,
                           .total_len = (uint16_t)(20 + tcp_len),
                           .id = 0xfffe,
                           .ttl = 64,
                           .protocol = WIRE_PROTO_TCP};
    m->tcp = m->l3 + wire_ipv4_emit(&ip, p + m->l3);
  }
  m->header = m->tcp + wire_tcp_emit(&tcp, p + m->tcp);
  wire_put16(p + m->tcp + 16, wire_sum_fold(wire_sum_pseudo(&m->src, &m->dst, WIRE_PROTO_TCP, (uint32_t)tcp_len)));
  struct yeon_frame *f = &m->frame;
  f->slice[0] = (struct yeon_slice){p, m->header};
  f->slice[1] = (struct yeon_slice){m->payload, payload / 3};
  f->slice[2] = (struct yeon_slice){m->payload + payload / 3, payload - payload / 3};
  f->n_slices = 3;
  f->len = (uint32_t)(m->header + payload);
  f->csum = YEON_CSUM_PARTIAL;
  f->csum_start = (uint16_t)m->tcp;
  f->csum_offset = 16;
  f->l3_offset = (uint16_t)m->l3;
  f->gso_size = gso;
  f->segs = (uint8_t)(gso ? (payload + gso - 1) / gso : 1);
}

/* A complete frame that carries one TCP segment: its header and payload. Checks lengths and both checksums on the
 * way. */
static inline struct wire_tcp read_tcp(const uint8_t *p, size_t len, size_t l3, const uint8_t **payload, size_t *n)
{
  struct wire_tcp tcp;
  struct wire_ipv4 ip4;
  struct wire_ipv6 ip6;
  bool six = p[l3] >> 4 == 6;
  size_t at = l3 + (six ? 40 : 20);
  struct yeon_ip src, dst;
  if (six) {
    assert_int_equal(wire_ipv6_parse(p + l3, len - l3, len - l3, &ip6), 0);
    assert_int_equal(ip6.payload_len, len - at);
    src = ip6.src;
    dst = ip6.dst;
  } else {
    assert_int_equal(wire_ipv4_parse(p + l3, len - l3, len - l3, &ip4), 0);
    assert_int_equal(ip4.total_len, len - l3);
    src = ip4.src;
    dst = ip4.dst;
  }
  uint64_t sum = wire_sum_pseudo(&src, &dst, WIRE_PROTO_TCP, (uint32_t)(len - at));
  assert_int_equal(wire_sum_finish(wire_sum(p + at, len - at, sum)), 0);
  assert_int_equal(wire_tcp_parse(p + at, len - at, &tcp), 0);
  *payload = p + at + tcp.header_len;
  *n = len - at - tcp.header_len;
  return tcp;
}

#endif
