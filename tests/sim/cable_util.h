/* What the tests of the cable share. */
#ifndef TESTS_CABLE_UTIL_H
#define TESTS_CABLE_UTIL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <yeon/cable.h>

#define AB YEON_CABLE_AB
#define BA YEON_CABLE_BA

static inline struct yeon_cable *new_cable(struct yeon_cable_way way, uint64_t seed)
{
  struct yeon_cable_config config = {.way = {way, way}, .id = 7};
  struct yeon_cable *cable;
  assert_int_equal(yeon_cable_new(&cable, &config, seed, NULL), 0);
  return cable;
}

/* A frame of len >= 4 bytes that begins with its number. */
static inline void put_number(struct yeon_cable *cable, unsigned direction, uint32_t number, uint32_t len,
                              yeon_time now)
{
  static const uint8_t zeros[65536];
  struct yeon_frame frame;
  yeon_frame_from_bytes(&frame, &number, sizeof number);
  frame.slice[1] = (struct yeon_slice){zeros, len - sizeof number};
  frame.n_slices = 2;
  frame.len = len;
  assert_int_equal(yeon_cable_put(cable, direction, &frame, now), 0);
}

/* The number of the next frame, or -1 when none is due. */
static inline int64_t take_number(struct yeon_cable *cable, unsigned direction, yeon_time now)
{
  struct yeon_frame frame;
  if (yeon_cable_take(cable, direction, &frame, 1, now) == 0) return -1;
  uint32_t number;
  memcpy(&number, frame.slice[0].base, sizeof number);
  return number;
}

static inline struct yeon_cable_stats stats_of(const struct yeon_cable *cable, unsigned direction)
{
  struct yeon_cable_stats stats;
  yeon_cable_stats(cable, direction, &stats);
  return stats;
}

/* Every frame has met exactly one fate, or is still inside. */
static inline void assert_conserved(const struct yeon_cable *cable, unsigned direction)
{
  struct yeon_cable_stats s = stats_of(cable, direction);
  assert_int_equal(s.put + s.duplicated, s.delivered + s.lost + s.queue_full + s.swallowed + s.codel + s.inside);
}

#endif
