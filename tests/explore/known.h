/* The states seen so far, by the hash of their description, and the tree of steps that led to them. */
#ifndef EXPLORE_KNOWN_H
#define EXPLORE_KNOWN_H

#include <stdbool.h>
#include <stdint.h>

/* A set of hashes; a number may be kept with each. */
struct known {
  uint64_t *hash;   /* 0: free */
  uint32_t *number; /* NULL: none are kept */
  uint64_t mask, used;
};

void known_init(struct known *k, bool with_numbers);
void known_free(struct known *k);
/* True: it is new. Else *number, if kept, becomes the one it was first added with. */
bool known_add(struct known *k, uint64_t hash, uint32_t *number);

#endif
