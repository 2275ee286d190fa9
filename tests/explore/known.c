#include "known.h"

#include <stdlib.h>
#include <string.h>

#define LEAST (UINT64_C(1) << 16)

static void *need(void *p)
{
  if (p == NULL) abort();
  return p;
}

static void make(struct known *k, uint64_t places, bool with_numbers)
{
  k->hash = need(calloc(places, sizeof *k->hash));
  k->number = with_numbers ? need(malloc(places * sizeof *k->number)) : NULL;
  k->mask = places - 1;
}

void known_init(struct known *k, bool with_numbers)
{
  *k = (struct known){0};
  make(k, LEAST, with_numbers);
}

void known_free(struct known *k)
{
  free(k->hash);
  free(k->number);
}

static uint64_t place_of(const struct known *k, uint64_t hash)
{
  uint64_t at = hash & k->mask;
  while (k->hash[at] != 0 && k->hash[at] != hash) at = (at + 1) & k->mask;
  return at;
}

static void grow(struct known *k)
{
  struct known old = *k;
  make(k, 2 * (old.mask + 1), old.number != NULL);
  for (uint64_t i = 0; i <= old.mask; i++) {
    if (old.hash[i] == 0) continue;
    uint64_t at = place_of(k, old.hash[i]);
    k->hash[at] = old.hash[i];
    if (old.number != NULL) k->number[at] = old.number[i];
  }
  known_free(&old);
}

bool known_add(struct known *k, uint64_t hash, uint32_t *number)
{
  if (hash == 0) hash = 1;
  uint64_t at = place_of(k, hash);
  if (k->hash[at] != 0) {
    if (k->number != NULL) *number = k->number[at];
    return false;
  }
  k->hash[at] = hash;
  if (k->number != NULL) k->number[at] = *number;
  k->used++;
  if (10 * k->used > 7 * k->mask) grow(k);
  return true;
}
