/* Links that wrap links: the cable and the tap.
 *
 * A perfect, joined and empty cable is not in the way at all: frames go straight through, super-segments whole.
 * Anything else carries segments as a wire does, because losing a super-segment would lose 45 of them: what comes in
 * either direction is split, put into the cable, and taken out when it is due. The loop learns from `next` when that
 * is. */
#include <stdlib.h>
#include <string.h>

#include <yeon/cable.h>

#include "link/link.h"

#define BATCH 32

struct cabled {
  struct yeon_link link;
  struct yeon_link *inner;
  struct yeon_cable *cable;
};

static struct cabled *cabled_of(struct yeon_link *link) { return (struct cabled *)link; }

/* Whether frames of this direction need not enter the cable: it would hand them out at once and unchanged. */
static bool transparent(const struct cabled *c, unsigned direction)
{
  struct yeon_cable_way w;
  struct yeon_cable_stats stats;
  if (yeon_cable_is_cut(c->cable) & (1u << direction)) return false;
  yeon_cable_get(c->cable, direction, &w);
  if (!yeon_cable_way_perfect(&w)) return false;
  yeon_cable_stats(c->cable, direction, &stats);
  return stats.inside == 0;
}

struct put {
  struct cabled *c;
  const struct yeon_frame *whole; /* the frame the segments are cut from */
  unsigned direction;
  yeon_time now;
};

static void put_segment(void *ctx, const void *bytes, size_t len)
{
  const struct put *p = ctx;
  struct yeon_frame f;
  yeon_frame_from_bytes(&f, bytes, len);
  f.l3_offset = p->whole->l3_offset;
  f.mark = p->whole->mark;
  if (yeon_cable_put(p->c->cable, p->direction, &f, p->now) == 0) return;
  if (p->direction == YEON_CABLE_AB)
    p->c->link.stats.dropped_out++;
  else
    p->c->link.stats.dropped_in++;
}

static void put(struct cabled *c, unsigned direction, const struct yeon_frame *f, yeon_time now)
{
  struct put p = {c, f, direction, now};
  if (yeon_frame_split(f, put_segment, &p) == 0) return;
  if (direction == YEON_CABLE_AB)
    c->link.stats.dropped_out++;
  else
    c->link.stats.dropped_in++;
}

/* What is due at the system's end goes to the system. */
static void push_out(struct cabled *c, yeon_time now)
{
  struct yeon_frame frames[BATCH];
  size_t n = 0;
  do {
    n = yeon_cable_take(c->cable, YEON_CABLE_AB, frames, BATCH, now);
    for (size_t i = 0; i < n; i++) link_count_out(&c->link, &frames[i]);
    yeon_link_send(c->inner, frames, n, now); /* also with n 0: goes on with what it held back */
  } while (n == BATCH);
}

static void cabled_send(struct yeon_link *link, const struct yeon_frame *frames, size_t n, yeon_time now)
{
  struct cabled *c = cabled_of(link);
  if (transparent(c, YEON_CABLE_AB)) {
    for (size_t i = 0; i < n; i++) link_count_out(link, &frames[i]);
    yeon_link_send(c->inner, frames, n, now);
    return;
  }
  for (size_t i = 0; i < n; i++) put(c, YEON_CABLE_AB, &frames[i], now);
  push_out(c, now);
}

/* What the system has sent enters the cable. */
static void pull_in(struct cabled *c, yeon_time now)
{
  struct yeon_frame frames[BATCH];
  size_t n = 0;
  unsigned rounds = 0;
  do {
    n = yeon_link_receive(c->inner, frames, BATCH, now);
    for (size_t i = 0; i < n; i++) put(c, YEON_CABLE_BA, &frames[i], now);
  } while (n > 0 && ++rounds < 4);
}

static size_t cabled_receive(struct yeon_link *link, struct yeon_frame *frames, size_t max, yeon_time now)
{
  struct cabled *c = cabled_of(link);
  size_t n = 0;
  if (!transparent(c, YEON_CABLE_AB)) push_out(c, now);
  if (transparent(c, YEON_CABLE_BA)) {
    n = yeon_link_receive(c->inner, frames, max, now);
  } else {
    pull_in(c, now);
    n = yeon_cable_take(c->cable, YEON_CABLE_BA, frames, max, now);
  }
  for (size_t i = 0; i < n; i++) link_count_in(link, &frames[i]);
  return n;
}

static bool cabled_blocked(const struct yeon_link *link)
{
  return yeon_link_blocked(((const struct cabled *)link)->inner);
}

static yeon_time cabled_next(const struct yeon_link *link)
{
  const struct cabled *c = (const struct cabled *)link;
  yeon_time inner = yeon_link_next(c->inner), cable = yeon_cable_next(c->cable);
  return inner < cable ? inner : cable;
}

static void cabled_close(struct yeon_link *link)
{
  yeon_link_close(cabled_of(link)->inner);
  free(link);
}

static void dress(struct yeon_link *link, const struct yeon_link *inner, const struct yeon_link_ops *ops)
{
  *link = *inner;
  link->ops = ops;
  link->config.name = link->name;
  memset(&link->stats, 0, sizeof link->stats);
}

int yeon_link_with_cable(struct yeon_link **out, struct yeon_link *inner, struct yeon_cable *cable)
{
  static const struct yeon_link_ops ops = {cabled_receive, cabled_send, cabled_blocked, cabled_next, cabled_close};
  if (!inner || !cable) return YEON_ERR_INVALID;
  struct cabled *c = calloc(1, sizeof *c);
  if (!c) return YEON_ERR_NO_MEMORY;
  dress(&c->link, inner, &ops);
  c->inner = inner;
  c->cable = cable;
  *out = &c->link;
  return 0;
}

struct tapped {
  struct yeon_link link;
  struct yeon_link *inner;
  yeon_link_tap_fn *fn;
  void *ctx;
};

static size_t tapped_receive(struct yeon_link *link, struct yeon_frame *frames, size_t max, yeon_time now)
{
  struct tapped *t = (struct tapped *)link;
  size_t n = yeon_link_receive(t->inner, frames, max, now);
  for (size_t i = 0; i < n; i++) {
    link_count_in(link, &frames[i]);
    t->fn(t->ctx, link, false, &frames[i], now);
  }
  return n;
}

static void tapped_send(struct yeon_link *link, const struct yeon_frame *frames, size_t n, yeon_time now)
{
  struct tapped *t = (struct tapped *)link;
  for (size_t i = 0; i < n; i++) {
    link_count_out(link, &frames[i]);
    t->fn(t->ctx, link, true, &frames[i], now);
  }
  yeon_link_send(t->inner, frames, n, now);
}

static bool tapped_blocked(const struct yeon_link *link)
{
  return yeon_link_blocked(((const struct tapped *)link)->inner);
}

static yeon_time tapped_next(const struct yeon_link *link)
{
  return yeon_link_next(((const struct tapped *)link)->inner);
}

static void tapped_close(struct yeon_link *link)
{
  yeon_link_close(((struct tapped *)link)->inner);
  free(link);
}

int yeon_link_with_tap(struct yeon_link **out, struct yeon_link *inner, yeon_link_tap_fn *fn, void *ctx)
{
  static const struct yeon_link_ops ops = {tapped_receive, tapped_send, tapped_blocked, tapped_next, tapped_close};
  if (!inner || !fn) return YEON_ERR_INVALID;
  struct tapped *t = calloc(1, sizeof *t);
  if (!t) return YEON_ERR_NO_MEMORY;
  dress(&t->link, inner, &ops);
  t->inner = inner;
  t->fn = fn;
  t->ctx = ctx;
  *out = &t->link;
  return 0;
}
