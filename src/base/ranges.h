/* A sorted set of disjoint, non-adjacent sequence ranges [left, right), all within 2^31 of one another. */
#ifndef BASE_RANGES_H
#define BASE_RANGES_H

#include "base/seq.h"

struct range {
  uint32_t left, right;
};
struct ranges {
  uint16_t n, cap;
  struct range v[];
};
/* Bytes of a set with room for cap ranges. */
#define RANGES_SIZE(cap_) (sizeof(struct ranges) + (size_t)(cap_) * sizeof(struct range))

void ranges_init(struct ranges *s, uint16_t cap);
enum ranges_added {
  RANGES_FULL = -1,
  RANGES_OLD = 0 /* all was there */,
  RANGES_NEW = 1,
  RANGES_PARTLY = 2 /* some was there */
};
/* Adds [left, right), left < right, joining what touches. When the set is full and the range joins nothing: RANGES_FULL, unchanged.
 * *joined (may be NULL) becomes the whole range that now holds it. */
enum ranges_added ranges_add(struct ranges *s, uint32_t left, uint32_t right, struct range *joined);
/* Forgets everything below seq. */
void ranges_trim(struct ranges *s, uint32_t seq);
bool ranges_contains(const struct ranges *s, uint32_t seq);
/* Bytes of [left, right) that are in the set. */
uint32_t ranges_bytes(const struct ranges *s, uint32_t left, uint32_t right);
/* The first range with right > seq; NULL: none. */
const struct range *ranges_find(const struct ranges *s, uint32_t seq);

#endif
