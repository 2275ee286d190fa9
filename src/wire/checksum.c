/* The Internet checksum. Reading: RFC 1071 1 and 2 (its sum does not care about byte order, nor about grouping into
 * wider words), RFC 9293 3.1 and RFC 8200 8.1 for the pseudo-headers.
 *
 * Long input is summed in eight independent 64-bit lanes of 32-bit words as this machine stores them, which
 * compilers turn into vector code; 2^32 words fit before a lane could overflow. Only the folded 16-bit result is
 * put into wire order. */
#include "wire/checksum.h"

#include <string.h>

#include "wire/ipv4.h"

#define BLOCK 64

/* Two 64-bit lanes: every machine we build for has such vectors, and compilers make plain code where one has not. */
typedef uint64_t lanes __attribute__((vector_size(16)));

static uint64_t load64(const uint8_t *p)
{
  uint64_t v;
  memcpy(&v, p, sizeof v);
  return v;
}

static uint64_t load32(const uint8_t *p)
{
  uint32_t v;
  memcpy(&v, p, sizeof v);
  return v;
}

static uint64_t halves(uint64_t v) { return (v & 0xffffffff) + (v >> 32); }

static lanes load_halves(const uint8_t *p)
{
  const lanes low = {0xffffffff, 0xffffffff};
  lanes v;
  memcpy(&v, p, sizeof v);
  return (v & low) + (v >> 32);
}

/* Whole blocks, in this machine's byte order. */
static uint64_t sum_blocks(const uint8_t *p, size_t blocks)
{
  lanes a = {0, 0}, b = a, c = a, d = a;
  for (; blocks > 0; blocks--, p += BLOCK) {
    a += load_halves(p);
    b += load_halves(p + 16);
    c += load_halves(p + 32);
    d += load_halves(p + 48);
  }
  a = (a + b) + (c + d);
  return halves(a[0]) + halves(a[1]);
}

/* Fewer bytes than a block, in this machine's byte order. A last odd byte counts as if a zero byte followed. */
static uint64_t sum_rest(const uint8_t *p, size_t len)
{
  uint64_t sum = 0;
  for (; len >= 8; len -= 8, p += 8) sum += halves(load64(p));
  if (len >= 4) {
    sum += load32(p);
    len -= 4;
    p += 4;
  }
  if (len > 0) {
    uint8_t last[4] = {0, 0, 0, 0};
    memcpy(last, p, len);
    sum += load32(last);
  }
  return sum;
}

/* A folded sum of words as this machine stores them, as the same words read in wire order. */
static uint16_t to_wire_order(uint16_t v)
{
  uint8_t b[2];
  memcpy(b, &v, sizeof b);
  return wire_get16(b);
}

static uint16_t swap16(uint16_t v) { return (uint16_t)(v << 8 | v >> 8); }

uint16_t wire_sum_fold(uint64_t sum)
{
  sum = halves(sum);
  sum = halves(sum);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)sum;
}

uint16_t wire_sum_finish(uint64_t sum) { return (uint16_t)~wire_sum_fold(sum); }

uint64_t wire_sum(const void *p, size_t len, uint64_t sum)
{
  const uint8_t *bytes = p;
  size_t blocks = len / BLOCK;
  uint64_t part = 0;
  if (blocks > 0) {
    part = sum_blocks(bytes, blocks);
    bytes += blocks * BLOCK;
  }
  part += sum_rest(bytes, len % BLOCK);
  return sum + to_wire_order(wire_sum_fold(part));
}

uint64_t wire_sum_slices(const struct yeon_slice *s, size_t n, size_t skip, size_t len, uint64_t sum)
{
  bool odd = false; /* the next byte is the second of its 16-bit word */
  for (size_t i = 0; i < n && len > 0; i++) {
    if (skip >= s[i].len) {
      skip -= s[i].len;
      continue;
    }
    size_t take = s[i].len - skip < len ? s[i].len - skip : len;
    uint64_t part = wire_sum((const uint8_t *)s[i].base + skip, take, 0);
    sum += odd ? swap16(wire_sum_fold(part)) : part;
    odd ^= (take & 1) != 0;
    len -= take;
    skip = 0;
  }
  return sum;
}

uint64_t wire_sum_pseudo(const struct yeon_ip *src, const struct yeon_ip *dst, uint8_t protocol, uint32_t len)
{
  uint64_t sum = (uint64_t)protocol + len; /* a sum of 16-bit words: len's upper half folds in by itself */
  size_t from = wire_ip_is4(src) ? 12 : 0;
  for (size_t i = from; i < 16; i += 4) sum += (uint64_t)wire_get32(src->b + i) + wire_get32(dst->b + i);
  return sum;
}
