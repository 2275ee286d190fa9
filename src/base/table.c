/* How it works: linear hashing (Litwin, 1980). With n buckets and L the largest power of two not above n, an object is in
 * bucket hash mod 2L if that bucket exists, else in hash mod L. Adding bucket n therefore takes objects from one other
 * bucket only, n - L, and taking the last bucket away gives them back to it. An insert adds at most two buckets (one keeps
 * up; the second catches up after memory was refused for a while), a removal takes away at most one.
 *
 * The table grows as soon as there are more objects than buckets and shrinks when there are a segment's worth fewer: an
 * allocation follows at the earliest SEGMENT operations after the last. */
#include "base/table.h"

#include <assert.h>
#include <string.h>

#define SEGMENT_SHIFT 8
#define SEGMENT (1u << SEGMENT_SHIFT) /* buckets */
#define BUCKETS_LEAST 16u
static_assert(BUCKETS_LEAST <= SEGMENT, "the first segment is never given back");

static uint32_t power_below(uint32_t n) { return 1u << (31 - __builtin_clz(n)); }

static uint32_t *bucket_at(const struct table *t, uint32_t index)
{
  return &t->segments[index >> SEGMENT_SHIFT][index & (SEGMENT - 1)];
}

static uint32_t *bucket_of(const struct table *t, uint32_t hash)
{
  uint32_t half = power_below(t->n_buckets);
  uint32_t index = hash & (half | (half - 1));
  return bucket_at(t, index < t->n_buckets ? index : index - half);
}

static uint32_t *link_of(const struct table *t, uint32_t id) { return t->ops->link(t->ctx, id); }

static bool grow_directory(struct table *t)
{
  uint32_t cap = t->cap_segments == 0 ? 4 : 2 * t->cap_segments;
  uint32_t **segments = mem_alloc(t->mem, cap * sizeof(uint32_t *));
  if (segments == NULL) return false;
  if (t->n_segments > 0) memcpy(segments, t->segments, t->n_segments * sizeof(uint32_t *));
  mem_free(t->mem, t->segments, t->cap_segments * sizeof(uint32_t *));
  t->segments = segments;
  t->cap_segments = cap;
  return true;
}

static bool add_segment(struct table *t)
{
  if (t->n_segments == t->cap_segments && !grow_directory(t)) return false;
  uint32_t *segment = mem_new(t->mem, SEGMENT * sizeof(uint32_t));
  if (segment == NULL) return false;
  t->segments[t->n_segments++] = segment;
  return true;
}

bool table_init(struct table *t, struct mem *mem, const struct table_ops *ops, const void *ctx)
{
  *t = (struct table){.mem = mem, .ops = ops, .ctx = ctx, .n_buckets = BUCKETS_LEAST};
  if (add_segment(t)) return true;
  table_fini(t);
  return false;
}

void table_fini(struct table *t)
{
  for (uint32_t i = 0; i < t->n_segments; i++) mem_free(t->mem, t->segments[i], SEGMENT * sizeof(uint32_t));
  mem_free(t->mem, t->segments, t->cap_segments * sizeof(uint32_t *));
  *t = (struct table){.mem = t->mem, .ops = t->ops, .ctx = t->ctx};
}

uint32_t table_first(const struct table *t, uint32_t hash) { return *bucket_of(t, hash); }

/* Adds one bucket and moves to it what belongs there, in the order it was. False: no memory. */
static bool split(struct table *t)
{
  uint32_t index = t->n_buckets;
  if (index == UINT32_MAX) return false;
  if (index >> SEGMENT_SHIFT == t->n_segments && !add_segment(t)) return false;
  uint32_t half = power_below(index);
  uint32_t *stay = bucket_at(t, index - half), *move = bucket_at(t, index);
  uint32_t id = *stay;
  while (id != 0) {
    uint32_t *link = link_of(t, id);
    uint32_t next = *link;
    uint32_t **end = (t->ops->hash(t->ctx, id) & half) != 0 ? &move : &stay;
    **end = id;
    *end = link;
    id = next;
  }
  *stay = 0;
  *move = 0;
  t->n_buckets++;
  return true;
}

/* Takes the last bucket away and hangs its chain behind that of the bucket it once came from. */
static void merge(struct table *t)
{
  uint32_t index = t->n_buckets - 1;
  uint32_t *last = bucket_at(t, index), *end = bucket_at(t, index - power_below(index));
  if (*last != 0) {
    while (*end != 0) end = link_of(t, *end);
    *end = *last;
    *last = 0;
  }
  t->n_buckets = index;
  if ((index & (SEGMENT - 1)) == 0) mem_free(t->mem, t->segments[--t->n_segments], SEGMENT * sizeof(uint32_t));
}

void table_insert(struct table *t, uint32_t hash, uint32_t id)
{
  assert(id != 0);
  uint32_t *bucket = bucket_of(t, hash);
  *link_of(t, id) = *bucket;
  *bucket = id;
  t->count++;
  for (unsigned i = 0; i < 2 && t->count > t->n_buckets; i++)
    if (!split(t)) break;
}

void table_remove(struct table *t, uint32_t hash, uint32_t id)
{
  uint32_t *link = bucket_of(t, hash);
  while (*link != id) {
    assert(*link != 0);
    link = link_of(t, *link);
  }
  uint32_t *own = link_of(t, id);
  *link = *own;
  *own = 0;
  t->count--;
  if (t->n_buckets > BUCKETS_LEAST && t->n_buckets - BUCKETS_LEAST >= SEGMENT && t->n_buckets - SEGMENT > t->count)
    merge(t);
}
