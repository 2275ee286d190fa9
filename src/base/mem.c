/* The only place in the core that may call malloc and free, and only when the user gave no allocator of his own. */
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void *take_from_libc(void *ctx, size_t size)
{
  (void)ctx;
  return malloc(size);
}

static void give_to_libc(void *ctx, void *p, size_t size)
{
  (void)ctx;
  (void)size;
  free(p);
}

void mem_init(struct mem *m, const struct yeon_memory *ops)
{
  m->heap_bytes = 0;
  if (ops != NULL && ops->alloc != NULL) {
    assert(ops->free != NULL);
    m->ops = *ops;
  } else {
    m->ops = (struct yeon_memory){take_from_libc, give_to_libc, NULL};
  }
}

void *mem_alloc(struct mem *m, size_t size)
{
  assert(size > 0);
  void *p = m->ops.alloc(m->ops.ctx, size);
  if (p != NULL) m->heap_bytes += size;
  return p;
}

void *mem_new(struct mem *m, size_t size)
{
  void *p = mem_alloc(m, size);
  if (p != NULL) memset(p, 0, size);
  return p;
}

void mem_free(struct mem *m, void *p, size_t size)
{
  if (p == NULL) return;
  assert(m->heap_bytes >= size);
  m->heap_bytes -= size;
  m->ops.free(m->ops.ctx, p, size);
}
