/* What the tests of wire/ share: a small generator, packets as hexadecimal text, and copies of exactly their size
 * so that the sanitizers see a read of even one byte too many. */
#ifndef TEST_WIRE_UTIL_H
#define TEST_WIRE_UTIL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/wire.h"

struct random {
  uint64_t state;
};
static inline uint32_t random_next(struct random *r)
{
  r->state += 0x9e3779b97f4a7c15u;
  uint64_t z = r->state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return (uint32_t)(z >> 32);
}
static inline uint32_t random_below(struct random *r, uint32_t n) { return random_next(r) % n; }
static inline bool random_bool(struct random *r) { return (random_next(r) & 1) != 0; }
static inline void random_bytes(struct random *r, void *p, size_t n)
{
  uint8_t *b = p;
  for (size_t i = 0; i < n; i++) b[i] = (uint8_t)random_next(r);
}
/* An IPv6 address that is a host's: 20xx:... */
static inline struct yeon_ip random_ip6(struct random *r)
{
  struct yeon_ip ip;
  random_bytes(r, ip.b, sizeof ip.b);
  ip.b[0] = 0x20;
  return ip;
}
/* A v4-mapped address that is a host's: 10.x.x.x */
static inline struct yeon_ip random_ip4(struct random *r)
{
  struct yeon_ip ip = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 0}};
  random_bytes(r, ip.b + 13, 3);
  return ip;
}

static inline uint8_t hex_digit(char c) { return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10); }
/* Returns the number of bytes. */
static inline size_t unhex(const char *text, uint8_t *out, size_t size)
{
  size_t n = strlen(text) / 2;
  assert_true(n <= size);
  for (size_t i = 0; i < n; i++) out[i] = (uint8_t)(hex_digit(text[2 * i]) << 4 | hex_digit(text[2 * i + 1]));
  return n;
}
/* A heap copy of exactly len bytes; free() it. */
static inline uint8_t *exact(const void *p, size_t len)
{
  uint8_t *copy = malloc(len ? len : 1);
  assert_non_null(copy);
  if (len > 0) memcpy(copy, p, len);
  return copy;
}

/* The checksum as RFC 1071 1 states it, one 16-bit word at a time: the reference. Not complemented. */
static inline uint16_t naive_sum(const uint8_t *p, size_t len, uint32_t sum)
{
  for (size_t i = 0; i < len; i++) {
    sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return (uint16_t)sum;
}

#endif
