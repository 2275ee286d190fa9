/* Frames, taps and lines for the tests of watch/. */
#ifndef TEST_WATCH_UTIL_H
#define TEST_WATCH_UTIL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <yeon/watch.h>

#include "wire/checksum.h"
#include "wire/ipv4.h"
#include "wire/tcp.h"
#include "wire/udp.h"

/* Everything a writer of lines wrote. */
struct lines {
  unsigned n;
  char line[600][700];
};

static inline void keep_line(void *ctx, const char *line)
{
  struct lines *l = ctx;
  assert_true(l->n < 600);
  assert_true(strlen(line) < sizeof l->line[0]);
  strcpy(l->line[l->n++], line);
}

/* The first line from `from` on that contains the text, or -1. */
static inline int find_line(const struct lines *l, unsigned from, const char *text)
{
  for (unsigned i = from; i < l->n; i++)
    if (strstr(l->line[i], text) != NULL) return (int)i;
  return -1;
}

static inline unsigned count_lines(const struct lines *l, const char *text)
{
  unsigned n = 0;
  for (unsigned i = 0; i < l->n; i++) n += strstr(l->line[i], text) != NULL;
  return n;
}

#define LEFT_PORT 50000
#define RIGHT_PORT 80

/* An IPv4 packet from one of two ends with this TCP header and len bytes of payload. Returns its length. */
static inline size_t make_segment(uint8_t *buf, unsigned from, struct wire_tcp *h, size_t len)
{
  struct yeon_ip ip[2] = {yeon_ip4(10, 0, 0, 1), yeon_ip4(10, 0, 0, 2)};
  uint16_t port[2] = {LEFT_PORT, RIGHT_PORT};
  h->src_port = port[from];
  h->dst_port = port[1 - from];
  uint8_t *p = buf + WIRE_IPV4_HEADER;
  size_t header = wire_tcp_emit(h, p);
  for (size_t i = 0; i < len; i++) p[header + i] = (uint8_t)i;
  struct wire_ipv4 v4 = {.src = ip[from],
                         .dst = ip[1 - from],
                         .total_len = (uint16_t)(WIRE_IPV4_HEADER + header + len),
                         .ttl = 64,
                         .protocol = WIRE_PROTO_TCP,
                         .dont_fragment = true};
  wire_ipv4_emit(&v4, buf);
  uint64_t sum = wire_sum_pseudo(&v4.src, &v4.dst, WIRE_PROTO_TCP, (uint32_t)(header + len));
  wire_put16(p + 16, wire_sum_finish(wire_sum(p, header + len, sum)));
  return v4.total_len;
}

static inline struct wire_tcp segment(uint8_t flags, uint32_t seq, uint32_t ack)
{
  struct wire_tcp h;
  wire_tcp_init(&h);
  h.flags = flags;
  h.seq = seq;
  h.ack = ack;
  h.window = 1000;
  return h;
}

#endif
