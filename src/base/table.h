/* A hash table of 32-bit ids by linear hashing: it grows (and shrinks) one bucket at a time, so no call ever pays for a rehash of all.
 * Chains run through a 32-bit field inside the objects, reached by `link`; the table itself costs four bytes a bucket, about one
 * bucket an object. Buckets live in segments, so that growth moves nothing. */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include "base/mem.h"

struct table_ops {
  uint32_t *(*link)(const void *ctx, uint32_t id); /* the chain field of a live object */
  uint32_t (*hash)(const void *ctx, uint32_t id);  /* its hash, as given to table_insert */
};

struct table {
  struct mem *mem;
  const struct table_ops *ops;
  const void *ctx;
  uint32_t **segments;
  uint32_t cap_segments, n_segments;
  uint32_t n_buckets; /* in use; >= 16 */
  uint32_t count;
};

/* ctx is handed to ops. False: no memory. */
bool table_init(struct table *t, struct mem *mem, const struct table_ops *ops, const void *ctx);
void table_fini(struct table *t);
/* First id of the chain that holds all objects of this hash (and others); follow with *link. 0: none. */
uint32_t table_first(const struct table *t, uint32_t hash);
/* id != 0, not in the table. When memory for growth is refused the table just stays smaller. */
void table_insert(struct table *t, uint32_t hash, uint32_t id);
/* id must be in the table. */
void table_remove(struct table *t, uint32_t hash, uint32_t id);

#endif
