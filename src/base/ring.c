/* How it works. A block of capacity 2^n is a header and 2^n bytes; position p of the content is data[(head + p) mod 2^n].
 * A released block goes on the free list of its size (the link stands in its first bytes), unless the lists would then hold
 * more than the store keeps in any case and more than is lent out. As less is lent out the bound falls, and the largest blocks go back first,
 * so that few calls give back much. */
#include "base/ring.h"

#include <assert.h>
#include <string.h>

static_assert(offsetof(struct ring, log2) >= sizeof(void *), "the link of one set aside leaves its size alone");
static_assert(offsetof(struct ring, data) % sizeof(void *) == 0, "the link of a free block stands in its data");

static size_t block_bytes(unsigned log2) { return sizeof(struct ring) + ((size_t)1 << log2); }

static struct ring *pop_free(struct ring_store *s, unsigned log2)
{
  struct ring *r = s->free[log2];
  if (r == NULL) return NULL;
  memcpy(&s->free[log2], r->data, sizeof(struct ring *));
  s->kept -= (uint64_t)1 << log2;
  return r;
}

static void push_free(struct ring_store *s, struct ring *r)
{
  memcpy(r->data, &s->free[r->log2], sizeof(struct ring *));
  s->free[r->log2] = r;
  s->kept += (uint64_t)1 << r->log2;
}

static void shrink_lists(struct ring_store *s, uint64_t most)
{
  for (unsigned log2 = RING_MAX_LOG2; log2 >= RING_MIN_LOG2 && s->kept > most; log2--)
    while (s->kept > most && s->free[log2] != NULL) mem_free(s->mem, pop_free(s, log2), block_bytes(log2));
}

void ring_store_init(struct ring_store *s, struct mem *mem, uint64_t limit)
{
  *s = (struct ring_store){.mem = mem, .limit = limit, .keeps = (uint64_t)1 << 20};
}

void ring_store_trim(struct ring_store *s) { shrink_lists(s, 0); }

void ring_store_fini(struct ring_store *s)
{
  assert(s->used == 0);
  ring_store_trim(s);
}

/* An empty ring, not yet in the store's account. */
static struct ring *make(struct ring_store *s, unsigned log2)
{
  struct ring *r = pop_free(s, log2);
  if (r == NULL) r = mem_alloc(s->mem, block_bytes(log2));
  if (r == NULL && s->kept > 0) {
    ring_store_trim(s);
    r = mem_alloc(s->mem, block_bytes(log2));
  }
  if (r != NULL) *r = (struct ring){.log2 = log2};
  return r;
}

bool ring_reserve(struct ring_store *s, struct ring **r, uint32_t capacity, uint32_t keep)
{
  struct ring *old = *r;
  uint32_t had = ring_capacity(old);
  if (old != NULL && capacity <= had) return true;
  if (capacity > 1u << RING_MAX_LOG2) return false;
  unsigned log2 = RING_MIN_LOG2;
  while (1u << log2 < capacity) log2++;
  uint64_t used = s->used - had + ((uint64_t)1 << log2);
  if (used > s->limit) return false;
  struct ring *made = make(s, log2);
  if (made == NULL) return false;
  if (old != NULL) {
    if (keep < old->len) keep = old->len;
    ring_read(old, 0, made->data, keep < had ? keep : had);
    made->len = old->len;
  }
  s->used += (uint64_t)1 << log2;
  ring_release(s, r);
  *r = made;
  return true;
}

void ring_release(struct ring_store *s, struct ring **r)
{
  struct ring *old = *r;
  if (old == NULL) return;
  *r = NULL;
  uint64_t bytes = (uint64_t)1 << old->log2;
  assert(s->used >= bytes);
  s->used -= bytes;
  push_free(s, old);
  shrink_lists(s, s->used > s->keeps ? s->used : s->keeps);
}

/* The link stands where head and len were: the header is of no use any more but for the size. */
void ring_set_aside(struct ring **aside, struct ring **r)
{
  struct ring *old = *r;
  if (old == NULL) return;
  *r = NULL;
  memcpy((void *)old, aside, sizeof *aside);
  *aside = old;
}

struct ring *ring_aside_next(const struct ring *r)
{
  struct ring *next;
  memcpy(&next, (const void *)r, sizeof next);
  return next;
}

void ring_release_aside(struct ring_store *s, struct ring **aside)
{
  while (*aside != NULL) {
    struct ring *r = *aside;
    *aside = ring_aside_next(r);
    ring_release(s, &r);
  }
}

unsigned ring_slices(const struct ring *r, uint32_t offset, uint32_t len, struct yeon_slice out[2])
{
  if (len == 0) return 0;
  uint32_t capacity = ring_capacity(r);
  assert(offset <= capacity && len <= capacity - offset);
  uint32_t at = (r->head + offset) & (capacity - 1);
  uint32_t first = capacity - at;
  out[0] = (struct yeon_slice){r->data + at, len < first ? len : first};
  if (len <= first) return 1;
  out[1] = (struct yeon_slice){r->data, len - first};
  return 2;
}

unsigned ring_rooms(struct ring *r, uint32_t n, struct yeon_room out[2])
{
  if (n == 0) return 0;
  uint32_t capacity = ring_capacity(r);
  assert(r->len <= capacity && n <= capacity - r->len);
  uint32_t at = (r->head + r->len) & (capacity - 1);
  uint32_t first = capacity - at;
  out[0] = (struct yeon_room){r->data + at, n < first ? n : first};
  if (n <= first) return 1;
  out[1] = (struct yeon_room){r->data, n - first};
  return 2;
}

void ring_write(struct ring *r, uint32_t offset, const void *src, uint32_t len)
{
  if (len == 0) return;
  uint32_t capacity = ring_capacity(r);
  assert(offset <= capacity && len <= capacity - offset);
  uint32_t at = (r->head + offset) & (capacity - 1);
  uint32_t first = len < capacity - at ? len : capacity - at;
  memcpy(r->data + at, src, first);
  if (len > first) memcpy(r->data, (const uint8_t *)src + first, len - first);
}

void ring_read(const struct ring *r, uint32_t offset, void *dst, uint32_t len)
{
  struct yeon_slice part[2];
  unsigned n = ring_slices(r, offset, len, part);
  if (n > 0) memcpy(dst, part[0].base, part[0].len);
  if (n > 1) memcpy((uint8_t *)dst + part[0].len, part[1].base, part[1].len);
}

void ring_drop(struct ring *r, uint32_t n)
{
  if (n == 0) return;
  assert(n <= ring_len(r));
  r->head = (r->head + n) & (ring_capacity(r) - 1);
  r->len -= n;
}
