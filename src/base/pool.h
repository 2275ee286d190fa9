/* Slab pools: objects of one size, addressed by a 32-bit number from 1 up (0: none), so that links between objects
 * cost four bytes. New and free are O(1). Objects live in chunks of about 4 KB; a chunk whose objects are all free goes back to the
 * allocator (one empty chunk is kept while room is short). An object's address never changes. */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include "base/mem.h"

struct pool_chunk; /* in pool.c */
struct pool {
  struct mem *mem;
  struct pool_chunk **chunks; /* by (number - 1) >> shift; an odd value where a chunk was given back */
  uint32_t n_chunks, cap_chunks;
  uint32_t object_size; /* rounded up to 8 */
  uint32_t shift;       /* objects per chunk, as a power of two */
  uint32_t limit;       /* most objects at once */
  uint32_t used;
  uint32_t held;    /* chunks that exist */
  uint32_t partial; /* chunk number + 1 of the first chunk with a free object */
  uint32_t vacant;  /* a chunk slot that was given back, + 1; linked through its entry */
  uint32_t empty;   /* chunk number + 1 of the one empty chunk that may be kept */
};

void pool_init(struct pool *p, struct mem *mem, size_t object_size, uint32_t limit);
/* Gives back all memory, live objects too. */
void pool_fini(struct pool *p);
/* A zeroed object and its number, or NULL: limit reached or no memory. */
void *pool_new(struct pool *p, uint32_t *number);
void pool_free(struct pool *p, uint32_t number);
/* number must be live. */
void *pool_at(const struct pool *p, uint32_t number);
/* Whether this number is in use; any number may be asked. */
bool pool_live(const struct pool *p, uint32_t number);
/* The next live number after `number` (start with 0); 0: none. For walks that tools ask for; O(1) amortised. */
uint32_t pool_next(const struct pool *p, uint32_t number);

#endif
