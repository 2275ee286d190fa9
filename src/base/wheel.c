/* How it works. Write times as numbers of microseconds in base 64: nine digits hold every yeon_time there is. A node waits at the
 * level of the highest digit in which its deadline differs from the wheel's tick, in the slot named by the deadline's digit
 * there. From this one rule all else follows:
 * - Level and slot are computed from deadline and tick, so a node need not remember them.
 * - All nodes of one deadline are always in one slot, in the order of arming; in a slot of level 0 there is no other deadline.
 * - Everything on a lower level is due before everything on a higher one, and on one level lower slots are due first. So the
 *   first bit of the first level that has any is what comes next.
 * - When the tick comes to the beginning of a slot above level 0, the slot's nodes agree with the tick in that digit too; they
 *   are put in again and land on lower levels, in their old order. Until then nothing about them changes, however far the
 *   tick jumps; so an idle wheel costs nothing.
 * A deadline that is past counts as the current tick. The tick moves in wheel_pop only. */
#include "base/wheel.h"

#include <assert.h>
#include <string.h>

#define DIGIT_BITS 6
#define SCAN_MOST 16 /* nodes that wheel_next looks at */
#define TICK_LAST ((uint64_t)(YEON_NEVER / YEON_US))

static_assert(WHEEL_SLOTS == 1 << DIGIT_BITS && WHEEL_SLOTS == 64, "a level's slots are the bits of one word");
static_assert((uint64_t)(INT64_MAX / 1000) >> (DIGIT_BITS * WHEEL_LEVELS) == 0, "the levels cover every yeon_time");

struct place {
  unsigned level, slot;
};

static struct place place_of(const struct wheel *w, uint64_t tick)
{
  uint64_t differs = tick ^ w->tick;
  unsigned level = differs == 0 ? 0 : (63u - (unsigned)__builtin_clzll(differs)) / DIGIT_BITS;
  return (struct place){level, (unsigned)(tick >> (level * DIGIT_BITS)) & (WHEEL_SLOTS - 1)};
}

static uint64_t tick_of(const struct wheel_node *n) { return (uint64_t)(n->deadline / YEON_US); }

static void append(struct wheel *w, struct wheel_node *n)
{
  struct place at = place_of(w, tick_of(n));
  struct wheel_node ***tail = &w->tail[at.level][at.slot];
  n->next = NULL;
  n->pprev = *tail;
  **tail = n;
  *tail = &n->next;
  w->occupied[at.level] |= (uint64_t)1 << at.slot;
}

void wheel_init(struct wheel *w, yeon_time now)
{
  memset(w, 0, sizeof(*w));
  w->tick = now > 0 ? (uint64_t)(now / YEON_US) : 0;
  for (unsigned level = 0; level < WHEEL_LEVELS; level++)
    for (unsigned slot = 0; slot < WHEEL_SLOTS; slot++) w->tail[level][slot] = &w->slot[level][slot];
}

void wheel_arm(struct wheel *w, struct wheel_node *n, yeon_time deadline)
{
  wheel_cancel(w, n);
  if (deadline == YEON_NEVER) return;
  uint64_t tick = deadline > 0 ? (uint64_t)(deadline / YEON_US) + (deadline % YEON_US != 0) : 0;
  if (tick > TICK_LAST) tick = TICK_LAST;
  if (tick < w->tick) tick = w->tick;
  n->deadline = (yeon_time)tick * YEON_US;
  append(w, n);
  w->armed++;
}

void wheel_cancel(struct wheel *w, struct wheel_node *n)
{
  if (!wheel_armed(n)) return;
  struct place at = place_of(w, tick_of(n));
  *n->pprev = n->next;
  if (n->next != NULL)
    n->next->pprev = n->pprev;
  else
    w->tail[at.level][at.slot] = n->pprev;
  if (w->slot[at.level][at.slot] == NULL) w->occupied[at.level] &= ~((uint64_t)1 << at.slot);
  n->next = NULL;
  n->pprev = NULL;
  w->armed--;
}

/* The slot that comes next; false: the wheel is empty. */
static bool find_next(const struct wheel *w, struct place *out)
{
  for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
    if (w->occupied[level] == 0) continue;
    *out = (struct place){level, (unsigned)__builtin_ctzll(w->occupied[level])};
    return true;
  }
  return false;
}

/* The first tick of a slot: the wheel's tick with the slot's digit in, and noughts below. */
static uint64_t start_of(const struct wheel *w, struct place at)
{
  unsigned shift = at.level * DIGIT_BITS;
  uint64_t above = w->tick >> shift >> DIGIT_BITS << DIGIT_BITS;
  return (above | at.slot) << shift;
}

/* Puts the nodes of a slot, which the tick has just come to, in again. */
static void cascade(struct wheel *w, struct place at)
{
  struct wheel_node *n = w->slot[at.level][at.slot];
  w->slot[at.level][at.slot] = NULL;
  w->tail[at.level][at.slot] = &w->slot[at.level][at.slot];
  w->occupied[at.level] &= ~((uint64_t)1 << at.slot);
  while (n != NULL) {
    struct wheel_node *next = n->next;
    append(w, n);
    n = next;
  }
}

struct wheel_node *wheel_pop(struct wheel *w, yeon_time now)
{
  uint64_t last = now > 0 ? (uint64_t)(now / YEON_US) : 0;
  if (last < w->tick) last = w->tick;
  struct place at;
  while (find_next(w, &at)) {
    uint64_t start = start_of(w, at);
    if (start > last) break;
    w->tick = start;
    if (at.level == 0) {
      struct wheel_node *n = w->slot[0][at.slot];
      wheel_cancel(w, n);
      return n;
    }
    cascade(w, at);
  }
  w->tick = last;
  return NULL;
}

yeon_time wheel_next(const struct wheel *w)
{
  struct place at;
  if (!find_next(w, &at)) return YEON_NEVER;
  yeon_time start = (yeon_time)start_of(w, at) * YEON_US;
  if (at.level == 0) return start;
  yeon_time earliest = YEON_NEVER;
  unsigned seen = 0;
  for (const struct wheel_node *n = w->slot[at.level][at.slot]; n != NULL; n = n->next) {
    if (++seen > SCAN_MOST) return start;
    if (n->deadline < earliest) earliest = n->deadline;
  }
  return earliest;
}
