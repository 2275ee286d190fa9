/* Ranges in ascending sequence order; between two of them there is always a hole. That all lie within 2^31 of one another
 * is what makes their order total, and so a binary search right. */
#include "base/ranges.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

void ranges_init(struct ranges *s, uint16_t cap)
{
  s->n = 0;
  s->cap = cap;
}

/* The index of the first range with right > seq; n when there is none. */
static uint16_t first_beyond(const struct ranges *s, uint32_t seq)
{
  uint16_t low = 0, high = s->n;
  while (low < high) {
    uint16_t middle = (uint16_t)((low + high) / 2);
    if (seq_gt(s->v[middle].right, seq))
      high = middle;
    else
      low = (uint16_t)(middle + 1);
  }
  return low;
}

/* Takes out v[from .. to). */
static void close_gap(struct ranges *s, uint16_t from, uint16_t to)
{
  memmove(&s->v[from], &s->v[to], (size_t)(s->n - to) * sizeof(struct range));
  s->n = (uint16_t)(s->n - (to - from));
}

static bool insert(struct ranges *s, uint16_t at, struct range r)
{
  if (s->n == s->cap) return false;
  memmove(&s->v[at + 1], &s->v[at], (size_t)(s->n - at) * sizeof(struct range));
  s->v[at] = r;
  s->n++;
  return true;
}

enum ranges_added ranges_add(struct ranges *s, uint32_t left, uint32_t right, struct range *joined)
{
  assert(seq_lt(left, right));
  struct range whole = {left, right};
  uint32_t had = 0; /* bytes of [left, right) that were there */
  /* What touches: from the first with right >= left up to the last with left <= right. */
  uint16_t from = first_beyond(s, left - 1), to = from;
  for (; to < s->n && seq_le(s->v[to].left, right); to++) {
    const struct range *r = &s->v[to];
    had += seq_min(r->right, right) - seq_max(r->left, left);
    whole.left = seq_min(whole.left, r->left);
    whole.right = seq_max(whole.right, r->right);
  }
  if (to == from) {
    if (!insert(s, from, whole)) return RANGES_FULL;
  } else {
    s->v[from] = whole;
    close_gap(s, (uint16_t)(from + 1), to);
  }
  if (joined != NULL) *joined = whole;
  if (had == 0) return RANGES_NEW;
  return had == right - left ? RANGES_OLD : RANGES_PARTLY;
}

void ranges_trim(struct ranges *s, uint32_t seq)
{
  close_gap(s, 0, first_beyond(s, seq));
  if (s->n > 0) s->v[0].left = seq_max(s->v[0].left, seq);
}

const struct range *ranges_find(const struct ranges *s, uint32_t seq)
{
  uint16_t at = first_beyond(s, seq);
  return at < s->n ? &s->v[at] : NULL;
}

bool ranges_contains(const struct ranges *s, uint32_t seq)
{
  const struct range *r = ranges_find(s, seq);
  return r != NULL && seq_le(r->left, seq);
}

uint32_t ranges_bytes(const struct ranges *s, uint32_t left, uint32_t right)
{
  uint32_t bytes = 0;
  for (uint16_t i = first_beyond(s, left); i < s->n && seq_lt(s->v[i].left, right); i++)
    bytes += seq_min(s->v[i].right, right) - seq_max(s->v[i].left, left);
  return bytes;
}
