/* Cables of the live lab: frames on their way, and what is scheduled for them.
 *
 * A cable on which nothing is impaired, cut or watched delays nothing: frames then go from one host's output straight into the other's input, super-
 * segments in one piece and without a copy. As soon as something is set, they are cut into what a wire carries and go through yeon_cable. */
#define _GNU_SOURCE
#include <string.h>

#include <yeon/link.h>

#include "lab/lab.h"
#include "lab/tun.h"

static bool perfect(const struct lab_cable *c)
{
  for (unsigned d = 0; d < 2; d++) {
    struct yeon_cable_way way;
    yeon_cable_get(c->cable, d, &way);
    if (!yeon_cable_way_perfect(&way)) return false;
  }
  return true;
}

void lab_cable_changed(struct lab_cable *c) { c->plain = !c->watched && yeon_cable_is_cut(c->cable) == 0 && perfect(c); }

yeon_time lab_cables_due(struct lab *lab, yeon_time now)
{
  yeon_time next = YEON_NEVER;
  for (unsigned i = 0; i < lab->n_cables; i++) {
    struct lab_cable *c = &lab->cables[i];
    unsigned mask = 0;
    for (unsigned d = 0; d < 2; d++) {
      if (c->join_at[d] <= now) {
        mask |= 1u << d;
        c->join_at[d] = YEON_NEVER;
      } else if (c->join_at[d] < next) {
        next = c->join_at[d];
      }
    }
    if (mask == 0) continue;
    yeon_cable_join(c->cable, mask, now);
    lab_cable_changed(c);
    lab_log(lab, "%s joined again", c->title);
  }
  return next;
}

struct entry {
  struct lab_cable *cable;
  unsigned direction;
  yeon_time now;
  const struct yeon_frame *of; /* the frame it was cut from */
};

static void put(void *ctx, const void *bytes, size_t len)
{
  const struct entry *e = ctx;
  struct yeon_frame f;
  yeon_frame_from_bytes(&f, bytes, len);
  f.mark = e->of->mark;
  f.l3_offset = e->of->l3_offset;
  (void)yeon_cable_put(e->cable->cable, e->direction, &f, e->now); /* no memory: the frame is lost, as on a wire */
}

static void pass(struct lab *lab, struct lab_cable *c, unsigned d, size_t n, yeon_time now)
{
  const struct lab_end *to = &c->end[1 - d];
  for (size_t i = 0; i < n; i++) {
    c->passed[d] += lab->frames[i].segs > 1 ? lab->frames[i].segs : 1;
    c->passed_bytes[d] += lab->frames[i].len;
  }
  lab_give(lab, to, n, now);
}

static bool carry_out(struct lab *lab, struct lab_cable *c, unsigned d, yeon_time now)
{
  const struct lab_end *from = &c->end[d];
  bool moved = false;
  for (;;) {
    size_t n = lab_take(lab, from, &c->end[1 - d], now);
    if (n == 0) return moved;
    moved = true;
    if (c->plain && yeon_cable_next_way(c->cable, d) == YEON_NEVER) {
      pass(lab, c, d, n, now);
    } else {
      for (size_t i = 0; i < n; i++) {
        struct entry e = {c, d, now, &lab->frames[i]};
        (void)yeon_frame_split(&lab->frames[i], put, &e);
      }
    }
    if (n < LAB_FRAMES) return moved;
  }
}

static bool carry_in(struct lab *lab, struct lab_cable *c, unsigned d, yeon_time now)
{
  const struct lab_end *to = &c->end[1 - d];
  bool moved = false;
  for (;;) {
    size_t n = yeon_cable_take(c->cable, d, lab->frames, LAB_FRAMES, now);
    if (n == 0) return moved;
    moved = true;
    lab_give(lab, to, n, now);
  }
}

bool lab_cable_carry(struct lab *lab, struct lab_cable *c, yeon_time now)
{
  bool moved = false;
  for (unsigned d = 0; d < 2; d++) {
    moved |= carry_out(lab, c, d, now);
    if (yeon_cable_next_way(c->cable, d) <= now) moved |= carry_in(lab, c, d, now);
  }
  return moved;
}
