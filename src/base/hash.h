/* Keyed hashing (SipHash) and a seeded generator (xoshiro256**). Nothing here draws on ambient randomness. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_key {
  uint64_t k[2];
};
/* SipHash-2-4: for numbers that strangers must not predict (ISN, cookies, ports). */
uint64_t hash_sip24(const struct hash_key *key, const void *data, size_t len);
/* SipHash-1-3: for tables that strangers must not flood. */
uint64_t hash_sip13(const struct hash_key *key, const void *data, size_t len);

struct rng {
  uint64_t s[4];
};
void rng_seed(struct rng *r, uint64_t seed);
uint64_t rng_next(struct rng *r);
/* Uniform in [0, n); n > 0. */
uint32_t rng_below(struct rng *r, uint32_t n);
void rng_key(struct rng *r, struct hash_key *out);

#endif
