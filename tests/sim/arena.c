/* MAP_ANONYMOUS is not in plain C17. */
#define _DEFAULT_SOURCE
#include "arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/hash.h"

#define REGION_BYTES ((size_t)1 << 30) /* of address space; touched only as far as it is used */
#define MAGIC_LIVE 0x79656f6eu
#define MAGIC_FREE 0x67656e65u
#define CANARY UINT64_C(0xfeedc0defacefeed)

/* Stands before every block; a canary stands behind it. */
struct block {
  uint64_t size; /* as asked for */
  uint32_t magic;
  uint32_t log2; /* of the whole, in a region */
  struct block *next, *prev;
};

struct arena {
  bool region;
  uint8_t pattern;
  uint32_t refuse_one_in;
  struct rng rng;
  uint64_t live_bytes, live_blocks, refused;
  size_t used; /* region: bytes from its start that were ever handed out */
  struct block *free[32];
  struct block *live; /* malloc: all blocks, so that a failed world can be cleared away */
};

static void die(const char *what)
{
  fprintf(stderr, "memory: %s\n", what);
  abort();
}

struct arena *arena_new(bool region, uint8_t pattern)
{
  struct arena *a;
  if (region) {
    a = mmap(NULL, REGION_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (a == MAP_FAILED) die("no address space for a region");
  } else {
    a = calloc(1, sizeof *a);
    if (a == NULL) die("no memory");
  }
  a->region = region;
  a->pattern = pattern;
  a->used = (sizeof *a + 63) / 64 * 64;
  return a;
}

void arena_free(struct arena *a)
{
  if (a->region) {
    munmap(a, REGION_BYTES);
    return;
  }
  while (a->live != NULL) {
    struct block *b = a->live;
    a->live = b->next;
    free(b);
  }
  free(a);
}

void arena_reset(struct arena *a, uint8_t pattern)
{
  if (!a->region) die("only a region can be made anew");
  memset(a, 0, sizeof *a);
  a->region = true;
  a->pattern = pattern;
  a->used = (sizeof *a + 63) / 64 * 64;
}

void arena_starve(struct arena *a, uint32_t refuse_one_in, uint64_t seed)
{
  a->refuse_one_in = refuse_one_in;
  rng_seed(&a->rng, seed);
}

static struct block *from_region(struct arena *a, size_t total)
{
  uint32_t log2 = 6;
  while (((size_t)1 << log2) < total) log2++;
  struct block *b = a->free[log2];
  if (b != NULL) {
    a->free[log2] = b->next;
  } else {
    if (a->used + ((size_t)1 << log2) > REGION_BYTES) return NULL;
    b = (struct block *)((char *)a + a->used);
    a->used += (size_t)1 << log2;
  }
  b->log2 = log2;
  return b;
}

static void *take(void *ctx, size_t size)
{
  struct arena *a = ctx;
  if (size == 0) die("asked for nothing");
  if (a->refuse_one_in > 0 && rng_below(&a->rng, a->refuse_one_in) == 0) {
    a->refused++;
    return NULL;
  }
  size_t total = sizeof(struct block) + size + sizeof(uint64_t);
  struct block *b = a->region ? from_region(a, total) : malloc(total);
  if (b == NULL) die("a world needs more than its region");
  b->size = size;
  b->magic = MAGIC_LIVE;
  if (!a->region) {
    b->prev = NULL;
    b->next = a->live;
    if (a->live != NULL) a->live->prev = b;
    a->live = b;
  }
  memset(b + 1, a->pattern, size);
  memcpy((char *)(b + 1) + size, &(uint64_t){CANARY}, sizeof(uint64_t));
  a->live_bytes += size;
  a->live_blocks++;
  return b + 1;
}

static void give(void *ctx, void *p, size_t size)
{
  struct arena *a = ctx;
  struct block *b = (struct block *)p - 1;
  if (b->magic == MAGIC_FREE) die("given back twice");
  if (b->magic != MAGIC_LIVE) die("given back, but never handed out, or its front was overwritten");
  if (b->size != size) die("given back with another size than asked for");
  uint64_t canary;
  memcpy(&canary, (char *)p + size, sizeof canary);
  if (canary != CANARY) die("written beyond its end");
  b->magic = MAGIC_FREE;
  a->live_bytes -= size;
  a->live_blocks--;
  if (a->region) {
    memset(p, 0xdd, size < 512 ? size : 512);
    b->next = a->free[b->log2];
    a->free[b->log2] = b;
    return;
  }
  if (b->next != NULL) b->next->prev = b->prev;
  if (b->prev != NULL)
    b->prev->next = b->next;
  else
    a->live = b->next;
  free(b);
}

struct yeon_memory arena_memory(struct arena *a) { return (struct yeon_memory){take, give, a}; }

uint64_t arena_live_bytes(const struct arena *a) { return a->live_bytes; }

uint64_t arena_live_blocks(const struct arena *a) { return a->live_blocks; }

uint64_t arena_refused(const struct arena *a) { return a->refused; }

void *arena_save(const struct arena *a)
{
  if (!a->region) die("only a region can be copied");
  void *copy = malloc(a->used);
  if (copy == NULL) die("no memory for a copy");
  memcpy(copy, a, a->used);
  return copy;
}

void arena_restore(struct arena *a, const void *copy)
{
  size_t used = ((const struct arena *)copy)->used;
  if (a->used > used)
    memset((char *)a + used, 0xee, a->used - used); /* what was made since must not be looked at again */
  memcpy(a, copy, used);
}
