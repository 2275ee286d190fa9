/* MAP_ANONYMOUS is not in plain C17. */
#define _DEFAULT_SOURCE
#include "region.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define REGION_BYTES ((size_t)1 << 20)
#define SIZES_MOST 48 /* of different blocks a host asks for */
#define POISON_MOST 512
#define MAGIC_LIVE 0x79656f6eu
#define MAGIC_FREE 0x67656e65u

/* Stands before every block. */
struct block {
  uint64_t size; /* as asked for */
  uint32_t magic;
  uint32_t next; /* free: offset of the next free block of this size; 0: none */
};

struct region {
  uint64_t live, used;
  uint32_t n_sizes;
  uint32_t first[SIZES_MOST]; /* offset of a free block */
  uint64_t size[SIZES_MOST];
};

static void die(const char *what)
{
  fprintf(stderr, "memory: %s\n", what);
  abort();
}

struct region *region_new(void)
{
  struct region *r =
      mmap(NULL, REGION_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (r == MAP_FAILED) die("no address space");
  region_reset(r);
  return r;
}

void region_free(struct region *r) { munmap(r, REGION_BYTES); }

void region_reset(struct region *r) { *r = (struct region){.used = (sizeof *r + 63) / 64 * 64}; }

static struct block *block_at(struct region *r, uint64_t offset)
{
  return (struct block *)(void *)((char *)r + offset);
}

static uint32_t *list_of(struct region *r, uint64_t size)
{
  for (uint32_t i = 0; i < r->n_sizes; i++)
    if (r->size[i] == size) return &r->first[i];
  if (r->n_sizes == SIZES_MOST) die("more sizes than expected");
  r->size[r->n_sizes] = size;
  r->first[r->n_sizes] = 0;
  return &r->first[r->n_sizes++];
}

static void *take(void *ctx, size_t size)
{
  struct region *r = ctx;
  uint32_t *list = list_of(r, size);
  struct block *b;
  if (size == 0) die("asked for nothing");
  if (*list != 0) {
    b = block_at(r, *list);
    *list = b->next;
  } else {
    uint64_t total = (sizeof *b + size + 63) / 64 * 64;
    if (r->used + total > REGION_BYTES) die("a host needs more than its region");
    b = block_at(r, r->used);
    r->used += total;
  }
  *b = (struct block){.size = size, .magic = MAGIC_LIVE};
  r->live += size;
  return b + 1;
}

static void give(void *ctx, void *p, size_t size)
{
  struct region *r = ctx;
  struct block *b = (struct block *)p - 1;
  if (b->magic == MAGIC_FREE) die("given back twice");
  if (b->magic != MAGIC_LIVE) die("given back, but never handed out, or its front was overwritten");
  if (b->size != size) die("given back with another size than asked for");
  memset(p, 0xdd, size < POISON_MOST ? size : POISON_MOST);
  uint32_t *list = list_of(r, size);
  b->magic = MAGIC_FREE;
  b->next = *list;
  *list = (uint32_t)((char *)b - (char *)r);
  r->live -= size;
}

struct yeon_memory region_memory(struct region *r) { return (struct yeon_memory){take, give, r}; }

uint64_t region_live(const struct region *r) { return r->live; }

size_t region_used(const struct region *r) { return r->used; }

void region_save(const struct region *r, void *copy) { memcpy(copy, r, r->used); }

void region_restore(struct region *r, const void *copy) { memcpy(r, copy, ((const struct region *)copy)->used); }
