/* The host's allocator with its account. Every byte a host holds passes here. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <yeon/base.h>

struct mem {
  struct yeon_memory ops;
  uint64_t heap_bytes; /* asked for and not given back */
};

/* ops may be NULL or have alloc NULL: malloc/free. */
void mem_init(struct mem *m, const struct yeon_memory *ops);
/* Zeroed. NULL when refused. */
void *mem_new(struct mem *m, size_t size);
/* Not zeroed. */
void *mem_alloc(struct mem *m, size_t size);
/* p may be NULL (then nothing happens); size as asked for. */
void mem_free(struct mem *m, void *p, size_t size);

#endif
