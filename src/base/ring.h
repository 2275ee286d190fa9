/* Byte buffers that exist only while bytes are in them. A ring is one block of 2^n bytes borrowed from the host's store; it grows by
 * doubling. Blocks of each size are kept on a short free list, so that steady traffic allocates nothing. */
#ifndef BASE_RING_H
#define BASE_RING_H

#include <yeon/frame.h>

#include "base/mem.h"

#define RING_MIN_LOG2 9 /* 512 bytes */
#define RING_MAX_LOG2 30

struct ring {
  uint32_t head; /* position of the first byte */
  uint32_t len;  /* bytes from head on that count as content (bytes may also have been written beyond: out of order) */
  uint32_t log2; /* capacity */
  uint32_t spare;
  uint8_t data[];
};

struct ring_store {
  struct mem *mem;
  uint64_t limit; /* bytes of capacity in use at most */
  uint64_t used;  /* bytes of capacity lent out now */
  uint64_t kept;  /* bytes on the free lists; bounded: never more than max(keeps, used) */
  uint64_t keeps; /* bytes that may stay on the lists however little is lent out: 1 MB unless the owner says otherwise */
  struct ring *free[RING_MAX_LOG2 + 1];
};

void ring_store_init(struct ring_store *s, struct mem *mem, uint64_t limit);
/* Frees the free lists; lent rings must have been released. */
void ring_store_fini(struct ring_store *s);
/* Gives back all kept blocks to the allocator. */
void ring_store_trim(struct ring_store *s);

/* Makes *r (NULL: none yet) hold at least `capacity` bytes; content, also beyond len up to `keep` bytes from head, is kept.
 * False: limit or no memory, and nothing changed. */
bool ring_reserve(struct ring_store *s, struct ring **r, uint32_t capacity, uint32_t keep);
/* Gives the block back; *r becomes NULL. NULL allowed. */
void ring_release(struct ring_store *s, struct ring **r);
/* Likewise, but only in effect: somebody still holds slices of it. It stays lent, its bytes as they are, on the list *aside (NULL: empty). */
void ring_set_aside(struct ring **aside, struct ring **r);
struct ring *ring_aside_next(const struct ring *r);
/* Nobody does any more. */
void ring_release_aside(struct ring_store *s, struct ring **aside);
static inline uint32_t ring_capacity(const struct ring *r) { return r ? 1u << r->log2 : 0; }
static inline uint32_t ring_len(const struct ring *r) { return r ? r->len : 0; }
/* Copies in at offset from head; offset + len <= capacity. Does not change r->len. */
void ring_write(struct ring *r, uint32_t offset, const void *src, uint32_t len);
/* Copies out; offset + len <= capacity. */
void ring_read(const struct ring *r, uint32_t offset, void *dst, uint32_t len);
/* The bytes as one or two slices; returns how many (0 when len is 0). */
unsigned ring_slices(const struct ring *r, uint32_t offset, uint32_t len, struct yeon_slice out[2]);
/* Room for n bytes behind the content, as one or two pieces; returns how many (0 when n is 0). len + n <= capacity. */
unsigned ring_rooms(struct ring *r, uint32_t n, struct yeon_room out[2]);
/* Drops n <= len bytes from the front. */
void ring_drop(struct ring *r, uint32_t n);

#endif
