/* SipHash (Aumasson and Bernstein, 2012) with the rounds as parameters, and xoshiro256** (Blackman and Vigna, 2018)
 * seeded through splitmix64, so that even the seeds 0 and 1 give unrelated streams. Results are the same on every
 * machine: bytes are read as little-endian. */
#include "base/hash.h"

#include <assert.h>

static inline uint64_t rotate(uint64_t x, unsigned bits) { return x << bits | x >> (64 - bits); }

static inline uint64_t load64(const uint8_t *p)
{
  return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 |
         (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
}

static inline void mix(uint64_t v[4], unsigned rounds)
{
  for (unsigned i = 0; i < rounds; i++) {
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
  }
}

static inline uint64_t sip(const struct hash_key *key, const void *data, size_t len, unsigned c, unsigned d)
{
  const uint8_t *p = data;
  uint64_t v[4] = {key->k[0] ^ 0x736f6d6570736575u, key->k[1] ^ 0x646f72616e646f6du, key->k[0] ^ 0x6c7967656e657261u,
                   key->k[1] ^ 0x7465646279746573u};
  size_t left = len;
  for (; left >= 8; left -= 8, p += 8) {
    uint64_t word = load64(p);
    v[3] ^= word;
    mix(v, c);
    v[0] ^= word;
  }
  /* The last word: what is left over, and the length modulo 256 on top. */
  uint64_t last = (uint64_t)len << 56;
  for (size_t i = 0; i < left; i++) last |= (uint64_t)p[i] << (8 * i);
  v[3] ^= last;
  mix(v, c);
  v[0] ^= last;
  v[2] ^= 0xff;
  mix(v, d);
  return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t hash_sip24(const struct hash_key *key, const void *data, size_t len) { return sip(key, data, len, 2, 4); }

uint64_t hash_sip13(const struct hash_key *key, const void *data, size_t len) { return sip(key, data, len, 1, 3); }

void rng_seed(struct rng *r, uint64_t seed)
{
  for (unsigned i = 0; i < 4; i++) {
    seed += 0x9e3779b97f4a7c15u;
    uint64_t z = seed;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    r->s[i] = z ^ z >> 31;
  }
}

uint64_t rng_next(struct rng *r)
{
  uint64_t *s = r->s;
  uint64_t result = rotate(s[1] * 5, 7) * 9;
  uint64_t t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = rotate(s[3], 45);
  return result;
}

uint32_t rng_below(struct rng *r, uint32_t n)
{
  assert(n > 0);
  /* Multiply instead of divide; the few products that would favour some results are drawn again (Lemire, 2019). */
  uint64_t product = (rng_next(r) >> 32) * n;
  if ((uint32_t)product < n) {
    uint32_t uneven = (0u - n) % n;
    while ((uint32_t)product < uneven) product = (rng_next(r) >> 32) * n;
  }
  return (uint32_t)(product >> 32);
}

void rng_key(struct rng *r, struct hash_key *out)
{
  out->k[0] = rng_next(r);
  out->k[1] = rng_next(r);
}
