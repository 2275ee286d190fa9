/* How it works. A chunk is a header of 16 bytes and 2^shift objects (at most 64: one bit each in a word says which are live).
 * The size is chosen so that the objects of a chunk take between 2.5 and 5 KB, which keeps header and directory entry
 * under 1.5 % of the objects. Object number n lives in chunk (n-1) >> shift, place (n-1) & mask.
 *
 * Chunks with a live and a free object stand in a doubly linked list by number (`partial`); new objects come from its
 * head. Full chunks stand nowhere. Of the empty chunks one is kept (`empty`) while the others have room for less than half a chunk, so that a
 * pool that swings around a chunk's edge does not call the allocator each time; the others go back. The directory entry of a chunk that went back holds
 * the number of the next such entry, shifted up with the lowest bit set, which no pointer has.
 *
 * A new chunk is made only when all others are full, so the directory never needs more than limit >> shift entries,
 * rounded up. It doubles, so its copying is O(1) an object, and 8 bytes a chunk. */
#include "base/pool.h"

#include <assert.h>
#include <string.h>

#define CHUNK_BYTES_MOST 5120
#define CHUNK_SHIFT_MOST 6

struct pool_chunk {
  uint64_t live;       /* bit per object */
  uint32_t next, prev; /* in the list of partial chunks: chunk number + 1, 0: none */
  uint8_t objects[];
};
static_assert(sizeof(struct pool_chunk) == 16, "objects must stay 16-byte aligned behind the header");

static uint64_t full_mask(const struct pool *p) { return UINT64_MAX >> (64 - (1u << p->shift)); }

static size_t chunk_bytes(const struct pool *p)
{
  return sizeof(struct pool_chunk) + ((size_t)p->object_size << p->shift);
}

static bool is_vacant(const struct pool_chunk *entry) { return ((uintptr_t)entry & 1) != 0; }

void pool_init(struct pool *p, struct mem *mem, size_t object_size, uint32_t limit)
{
  assert(object_size > 0 && object_size <= UINT32_MAX / 2);
  *p = (struct pool){.mem = mem, .limit = limit, .object_size = (uint32_t)((object_size + 7) & ~(size_t)7)};
  while (p->shift < CHUNK_SHIFT_MOST && (size_t)p->object_size << (p->shift + 1) <= CHUNK_BYTES_MOST) p->shift++;
}

void pool_fini(struct pool *p)
{
  for (uint32_t i = 0; i < p->n_chunks; i++)
    if (!is_vacant(p->chunks[i])) mem_free(p->mem, p->chunks[i], chunk_bytes(p));
  mem_free(p->mem, p->chunks, p->cap_chunks * sizeof(*p->chunks));
  *p = (struct pool){.mem = p->mem, .limit = p->limit, .object_size = p->object_size, .shift = p->shift};
}

static void push_partial(struct pool *p, uint32_t index)
{
  struct pool_chunk *c = p->chunks[index];
  c->prev = 0;
  c->next = p->partial;
  if (c->next != 0) p->chunks[c->next - 1]->prev = index + 1;
  p->partial = index + 1;
}

static void unlink_partial(struct pool *p, uint32_t index)
{
  struct pool_chunk *c = p->chunks[index];
  if (c->next != 0) p->chunks[c->next - 1]->prev = c->prev;
  if (c->prev != 0)
    p->chunks[c->prev - 1]->next = c->next;
  else
    p->partial = c->next;
}

static bool grow_directory(struct pool *p)
{
  uint64_t most = ((uint64_t)p->limit + (1u << p->shift) - 1) >> p->shift;
  uint64_t cap = p->cap_chunks == 0 ? 4 : 2 * (uint64_t)p->cap_chunks;
  if (cap > most) cap = most;
  assert(cap > p->cap_chunks);
  struct pool_chunk **chunks = mem_alloc(p->mem, (size_t)cap * sizeof(struct pool_chunk *));
  if (chunks == NULL) return false;
  if (p->n_chunks > 0) memcpy(chunks, p->chunks, p->n_chunks * sizeof(struct pool_chunk *));
  mem_free(p->mem, p->chunks, p->cap_chunks * sizeof(struct pool_chunk *));
  p->chunks = chunks;
  p->cap_chunks = (uint32_t)cap;
  return true;
}

/* Makes a chunk with nothing in it and puts it at the head of the partial list. */
static bool add_chunk(struct pool *p)
{
  if (p->vacant == 0 && p->n_chunks == p->cap_chunks && !grow_directory(p)) return false;
  struct pool_chunk *c = mem_alloc(p->mem, chunk_bytes(p));
  if (c == NULL) return false;
  assert(!is_vacant(c));
  c->live = 0;
  p->held++;
  uint32_t index;
  if (p->vacant != 0) {
    index = p->vacant - 1;
    p->vacant = (uint32_t)((uintptr_t)p->chunks[index] >> 1);
  } else {
    index = p->n_chunks++;
  }
  p->chunks[index] = c;
  push_partial(p, index);
  return true;
}

static bool find_room(struct pool *p)
{
  if (p->partial != 0) return true;
  if (p->empty == 0) return add_chunk(p);
  push_partial(p, p->empty - 1);
  p->empty = 0;
  return true;
}

void *pool_new(struct pool *p, uint32_t *number)
{
  if (p->used >= p->limit || !find_room(p)) return NULL;
  uint32_t index = p->partial - 1;
  struct pool_chunk *c = p->chunks[index];
  uint32_t place = (uint32_t)__builtin_ctzll(~c->live);
  c->live |= (uint64_t)1 << place;
  if (c->live == full_mask(p)) unlink_partial(p, index);
  p->used++;
  *number = (index << p->shift) + place + 1;
  return memset(c->objects + (size_t)place * p->object_size, 0, p->object_size);
}

static void give_back(struct pool *p, uint32_t index)
{
  mem_free(p->mem, p->chunks[index], chunk_bytes(p));
  p->chunks[index] = (struct pool_chunk *)((uintptr_t)p->vacant << 1 | 1);
  p->vacant = index + 1;
  p->held--;
}

/* This chunk has just become empty. */
static void retire_chunk(struct pool *p, uint32_t index)
{
  uint32_t in_use = p->held - (p->empty != 0 ? 2 : 1); /* chunks */
  bool roomy = 2 * (((uint64_t)in_use << p->shift) - p->used) >= (uint64_t)1 << p->shift;
  if (p->empty == 0 && !roomy) {
    p->empty = index + 1;
    return;
  }
  give_back(p, index);
  if (p->empty == 0 || !roomy) return;
  give_back(p, p->empty - 1);
  p->empty = 0;
}

void pool_free(struct pool *p, uint32_t number)
{
  assert(number > 0 && (number - 1) >> p->shift < p->n_chunks);
  uint32_t index = (number - 1) >> p->shift;
  struct pool_chunk *c = p->chunks[index];
  uint64_t bit = (uint64_t)1 << ((number - 1) & ((1u << p->shift) - 1));
  assert(!is_vacant(c) && (c->live & bit) != 0);
  bool was_full = c->live == full_mask(p);
  c->live &= ~bit;
  p->used--;
  if (c->live == 0) {
    if (!was_full) unlink_partial(p, index);
    retire_chunk(p, index);
  } else if (was_full) {
    push_partial(p, index);
  }
}

void *pool_at(const struct pool *p, uint32_t number)
{
  /* The live bit is not looked at: it would cost every look-up a cache miss of its own. */
  assert(number > 0 && (number - 1) >> p->shift < p->n_chunks);
  struct pool_chunk *c = p->chunks[(number - 1) >> p->shift];
  assert(!is_vacant(c));
  return c->objects + (size_t)((number - 1) & ((1u << p->shift) - 1)) * p->object_size;
}

uint32_t pool_next(const struct pool *p, uint32_t number)
{
  uint32_t place = number & ((1u << p->shift) - 1);
  for (uint32_t index = number >> p->shift; index < p->n_chunks; index++, place = 0) {
    const struct pool_chunk *c = p->chunks[index];
    if (is_vacant(c)) continue;
    uint64_t rest = c->live >> place;
    if (rest != 0) return (index << p->shift) + place + (uint32_t)__builtin_ctzll(rest) + 1;
  }
  return 0;
}

bool pool_live(const struct pool *p, uint32_t number)
{
  if (number == 0 || (number - 1) >> p->shift >= p->n_chunks) return false;
  const struct pool_chunk *c = p->chunks[(number - 1) >> p->shift];
  return !is_vacant(c) && (c->live >> ((number - 1) & ((1u << p->shift) - 1)) & 1) != 0;
}
