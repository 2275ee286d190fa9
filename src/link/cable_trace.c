/* Recorded bandwidths: made, read from a file, shared by those that use them. */
#define _GNU_SOURCE
#include "link/cable_trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int yeon_cable_trace_new(struct yeon_cable_trace **out, const uint32_t *ms, size_t n)
{
  *out = NULL;
  if (n == 0 || n > YEON_CABLE_TRACE_STAMPS || ms[n - 1] == 0) return YEON_ERR_INVALID;
  for (size_t i = 1; i < n; i++)
    if (ms[i] < ms[i - 1]) return YEON_ERR_INVALID;
  struct yeon_cable_trace *t = malloc(sizeof *t + n * sizeof t->ms[0]);
  if (t == NULL) return YEON_ERR_NO_MEMORY;
  t->references = 1;
  t->n = (uint32_t)n;
  memcpy(t->ms, ms, n * sizeof t->ms[0]);
  *out = t;
  return YEON_OK;
}

/* Stamps as they are read. */
struct stamps {
  uint32_t *ms;
  size_t n, cap;
};

static bool grow(struct stamps *s)
{
  if (s->n < s->cap) return true;
  size_t cap = s->cap ? s->cap * 2 : 1024;
  uint32_t *ms = realloc(s->ms, cap * sizeof *ms);
  if (ms == NULL) return false;
  s->ms = ms;
  s->cap = cap;
  return true;
}

static bool read_stamp(const char *line, uint32_t *ms)
{
  char *end;
  if (*line < '0' || *line > '9') return false;
  unsigned long long value = strtoull(line, &end, 10);
  *ms = (uint32_t)value;
  return value <= UINT32_MAX && end[strspn(end, " \t\r\n")] == '\0';
}

static int read_stamps(FILE *file, struct stamps *s, unsigned *line)
{
  char text[64];
  while (fgets(text, sizeof text, file) != NULL) {
    uint32_t ms;
    ++*line;
    if (!read_stamp(text, &ms) || (s->n > 0 && ms < s->ms[s->n - 1])) return YEON_ERR_INVALID;
    if (s->n == YEON_CABLE_TRACE_STAMPS) break;
    if (!grow(s)) return YEON_ERR_NO_MEMORY;
    s->ms[s->n++] = ms;
  }
  if (ferror(file)) return YEON_ERR_IO;
  *line = 0;
  return feof(file) ? YEON_OK : YEON_ERR_INVALID;
}

int yeon_cable_trace_load(struct yeon_cable_trace **out, const char *path, unsigned *line)
{
  *out = NULL;
  unsigned at = 0;
  FILE *file = fopen(path, "re");
  if (file == NULL) return YEON_ERR_IO;
  struct stamps stamps = {.ms = NULL};
  int error = read_stamps(file, &stamps, &at), cause = errno;
  fclose(file);
  if (error == YEON_OK) error = yeon_cable_trace_new(out, stamps.ms, stamps.n);
  free(stamps.ms);
  if (line != NULL) *line = at;
  errno = cause;
  return error;
}

struct yeon_cable_trace *yeon_cable_trace_hold(struct yeon_cable_trace *t)
{
  if (t != NULL) t->references++;
  return t;
}

void yeon_cable_trace_release(struct yeon_cable_trace *t)
{
  if (t != NULL && --t->references == 0) free(t);
}

uint32_t yeon_cable_trace_length_ms(const struct yeon_cable_trace *t) { return t->ms[t->n - 1]; }

uint64_t yeon_cable_trace_bps(const struct yeon_cable_trace *t)
{
  return (uint64_t)t->n * YEON_CABLE_TRACE_BYTES * 8 * 1000 / t->ms[t->n - 1];
}

uint32_t trace_after(const struct yeon_cable_trace *t, yeon_time ns)
{
  uint32_t low = 0, high = t->n;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if ((yeon_time)t->ms[middle] * YEON_MS > ns)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}
