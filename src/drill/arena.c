/* Memory of one script. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drill/script.h"

#define CHUNK 16384

struct drill_chunk {
  struct drill_chunk *next;
  size_t size, used;
  _Alignas(16) unsigned char bytes[];
};

static struct drill_chunk *add_chunk(struct drill_arena *arena, size_t size)
{
  if (size < CHUNK) size = CHUNK;
  struct drill_chunk *c = malloc(sizeof *c + size);
  if (c == NULL) abort();
  *c = (struct drill_chunk){.next = arena->chunks, .size = size};
  arena->chunks = c;
  return c;
}

void *drill_alloc(struct drill_arena *arena, size_t size)
{
  struct drill_chunk *c = arena->chunks;
  size = (size + 15) & ~(size_t)15;
  if (c == NULL || c->size - c->used < size) c = add_chunk(arena, size);
  void *p = c->bytes + c->used;
  c->used += size;
  memset(p, 0, size);
  return p;
}

char *drill_text(struct drill_arena *arena, const char *text, size_t len)
{
  char *copy = drill_alloc(arena, len + 1);
  if (len > 0) memcpy(copy, text, len);
  return copy;
}

char *drill_format(struct drill_arena *arena, const char *format, ...)
{
  char text[1024];
  va_list args;
  va_start(args, format);
  int n = vsnprintf(text, sizeof text, format, args);
  va_end(args);
  size_t len = n < 0 ? 0 : (size_t)n;
  return drill_text(arena, text, len < sizeof text ? len : sizeof text - 1);
}

void drill_arena_free(struct drill_arena *arena)
{
  while (arena->chunks != NULL) {
    struct drill_chunk *c = arena->chunks;
    arena->chunks = c->next;
    free(c);
  }
}
