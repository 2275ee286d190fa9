/* The timer wheel against a plain array searched for its least deadline, from nanoseconds to centuries. */
#include "base/wheel.h"

#include "test_base.h"

#define NODES 200

struct model {
  uint64_t tick[NODES];  /* when it is due, microseconds */
  uint64_t order[NODES]; /* of arming; 0: not armed */
  uint64_t last_order;
  unsigned armed;
};

/* All that is copied when a host is. */
struct world {
  struct wheel wheel;
  struct wheel_node node[NODES];
  struct model model;
  struct rng rng;
  yeon_time now;
};

static void open_world(struct world *w, yeon_time now, uint64_t seed)
{
  memset(w, 0, sizeof(*w));
  w->now = now;
  rng_seed(&w->rng, seed);
  wheel_init(&w->wheel, now);
}

/* Anything from 0 to 2^bits - 1, small ones as likely as large ones. */
static yeon_time random_span(struct rng *r, unsigned bits)
{
  unsigned n = rng_below(r, bits + 1);
  return n == 0 ? 0 : (yeon_time)(rng_next(r) >> (64 - n));
}

static yeon_time later(yeon_time now, yeon_time span)
{
  return now < YEON_NEVER - 1 - span ? now + span : YEON_NEVER - 1;
}

/* The one due first, NODES: none. */
static unsigned first_due(const struct model *m)
{
  unsigned best = NODES;
  for (unsigned i = 0; i < NODES; i++) {
    if (m->order[i] == 0) continue;
    if (best == NODES || m->tick[i] < m->tick[best] || (m->tick[i] == m->tick[best] && m->order[i] < m->order[best]))
      best = i;
  }
  return best;
}

static void arm(struct world *w, unsigned i, yeon_time deadline)
{
  struct model *m = &w->model;
  wheel_arm(&w->wheel, &w->node[i], deadline);
  if (m->order[i] == 0) m->armed++;
  uint64_t tick = deadline <= 0 ? 0 : ((uint64_t)deadline + 999) / 1000;
  if (tick > (uint64_t)INT64_MAX / 1000) tick = (uint64_t)INT64_MAX / 1000;
  if (tick < w->wheel.tick) tick = w->wheel.tick;
  m->tick[i] = tick;
  m->order[i] = ++m->last_order;
  assert_true(wheel_armed(&w->node[i]));
  assert_int_equal(w->node[i].deadline, tick * 1000);
}

static void disarm(struct world *w, unsigned i)
{
  if (w->model.order[i] != 0) w->model.armed--;
  w->model.order[i] = 0;
  wheel_cancel(&w->wheel, &w->node[i]);
  assert_false(wheel_armed(&w->node[i]));
}

static void pop_due(struct world *w)
{
  for (;;) {
    unsigned due = first_due(&w->model);
    struct wheel_node *n = wheel_pop(&w->wheel, w->now);
    if (due == NODES || w->model.tick[due] * 1000 > (uint64_t)w->now) {
      assert_null(n);
      assert_int_equal(w->wheel.tick, w->now / 1000);
      return;
    }
    assert_ptr_equal(n, &w->node[due]);
    assert_false(wheel_armed(n));
    w->model.order[due] = 0;
    w->model.armed--;
    /* Now and then a handler arms again, at once or soon; or cancels another that is due. */
    if (rng_below(&w->rng, 8) == 0) arm(w, due, later(w->now, 1 + rng_below(&w->rng, 5000)));
    if (rng_below(&w->rng, 8) == 0) disarm(w, rng_below(&w->rng, NODES));
  }
}

static void check_next(struct world *w)
{
  yeon_time next = wheel_next(&w->wheel);
  unsigned due = first_due(&w->model);
  assert_int_equal(w->wheel.armed, w->model.armed);
  if (due == NODES) {
    assert_int_equal(next, YEON_NEVER);
    return;
  }
  yeon_time truth = (yeon_time)(w->model.tick[due] * 1000);
  assert_true(next <= truth);
  assert_true(next >= (yeon_time)(w->wheel.tick * 1000));
  if (w->model.armed <= 16 || (w->model.tick[due] ^ w->wheel.tick) < 64)
    assert_int_equal(next, truth);
  else
    assert_true(next > (yeon_time)(w->wheel.tick * 1000));
}

static void step(struct world *w, unsigned arm_bits, unsigned move_bits)
{
  struct rng *r = &w->rng;
  unsigned i = rng_below(r, NODES);
  switch (rng_below(r, 12)) {
  case 0:
  case 1:
  case 2:
  case 3:
  case 4: arm(w, i, later(w->now, random_span(r, arm_bits))); break;
  case 5: /* the same as another, now or from the past */ arm(w, i, w->node[rng_below(r, NODES)].deadline); break;
  case 6: arm(w, i, w->now - (yeon_time)rng_below(r, 100000)); break;
  case 7: disarm(w, i); break;
  case 8: { /* to what comes next, and just before and behind it */
    yeon_time next = wheel_next(&w->wheel);
    if (next == YEON_NEVER) break;
    next += (yeon_time)rng_below(r, 3) - 1;
    if (next > w->now) w->now = next;
    pop_due(w);
    break;
  }
  default:
    w->now = later(w->now, random_span(r, move_bits));
    pop_due(w);
    break;
  }
  check_next(w);
}

static void test_model(void **state)
{
  (void)state;
  static const unsigned bits[][2] = {{20, 16}, {34, 30}, {46, 40}, {63, 50}, {63, 62}, {12, 8}, {17, 30}};
  static struct world w;
  for (unsigned k = 0; k < 7; k++) {
    for (unsigned seed = 0; seed < 6; seed++) {
      /* Starts: the beginning, today, just before every digit of the tick turns over. */
      const yeon_time starts[] = {0,
                                  1790000000123456789,
                                  ((yeon_time)1 << 30) * 1000 - 1,
                                  ((yeon_time)1 << 48) * 1000 - 70000,
                                  999,
                                  ((yeon_time)1 << 52) * 1000 - 3000000};
      open_world(&w, starts[seed], k * 100 + seed);
      for (unsigned i = 0; i < 3000; i++) step(&w, bits[k][0], bits[k][1]);
      /* All that is left comes, whenever it is due. */
      w.now = YEON_NEVER - 1;
      while (w.model.armed > 0) {
        unsigned due = first_due(&w.model);
        struct wheel_node *n = wheel_pop(&w.wheel, w.now);
        assert_ptr_equal(n, &w.node[due]);
        w.model.order[due] = 0;
        w.model.armed--;
      }
      assert_null(wheel_pop(&w.wheel, w.now));
      for (unsigned level = 0; level < WHEEL_LEVELS; level++) assert_int_equal(w.wheel.occupied[level], 0);
    }
  }
}

static void test_copied_away(void **state)
{
  (void)state;
  static struct world w, saved, once;
  open_world(&w, 123456789, 42);
  for (unsigned round = 0; round < 30; round++) {
    for (unsigned i = 0; i < 200; i++) step(&w, 40, 34);
    saved = w;
    for (unsigned i = 0; i < 200; i++) step(&w, 40, 34);
    once = w;
    memset(&w, 0xee, sizeof(w));
    w = saved;
    for (unsigned i = 0; i < 200; i++) step(&w, 40, 34);
    assert_memory_equal(&w.wheel, &once.wheel, sizeof(w.wheel));
    assert_memory_equal(&w.model, &once.model, sizeof(w.model));
    assert_int_equal(w.now, once.now);
  }
}

static void test_ties(void **state)
{
  (void)state;
  /* One deadline, armed from ever nearer: order of arming, whatever levels they were on. */
  static struct world w;
  yeon_time deadline = (yeon_time)3000 * 86400 * YEON_SEC;
  open_world(&w, 0, 1);
  for (unsigned i = 0; i < NODES; i++) {
    wheel_arm(&w.wheel, &w.node[i], deadline);
    w.now = deadline - (deadline - w.now) * 9 / 10;
    assert_null(wheel_pop(&w.wheel, w.now < deadline ? w.now : deadline - 1));
  }
  /* Armed again: goes to the end. */
  wheel_arm(&w.wheel, &w.node[0], deadline);
  for (unsigned i = 1; i <= NODES; i++) assert_ptr_equal(wheel_pop(&w.wheel, deadline), &w.node[i % NODES]);
  assert_null(wheel_pop(&w.wheel, deadline));
}

static void test_rounding(void **state)
{
  (void)state;
  static struct world w;
  struct wheel_node *n = &w.node[0];
  open_world(&w, 5000, 1);
  wheel_arm(&w.wheel, n, 7001);
  assert_int_equal(wheel_next(&w.wheel), 8000);
  assert_null(wheel_pop(&w.wheel, 7999));
  assert_ptr_equal(wheel_pop(&w.wheel, 8000), n);
  wheel_arm(&w.wheel, n, 9000);
  assert_int_equal(wheel_next(&w.wheel), 9000);
  assert_ptr_equal(wheel_pop(&w.wheel, 9000), n);
  /* Due now, though this moment's timers have been popped already. */
  assert_null(wheel_pop(&w.wheel, 9500));
  wheel_arm(&w.wheel, n, 9000);
  assert_ptr_equal(wheel_pop(&w.wheel, 9500), n);
  wheel_arm(&w.wheel, n, -5);
  assert_int_equal(wheel_next(&w.wheel), 9000);
  assert_ptr_equal(wheel_pop(&w.wheel, 9500), n);
  /* A clock that goes back is taken as standing. */
  wheel_arm(&w.wheel, n, 10000);
  assert_null(wheel_pop(&w.wheel, 1000));
  assert_ptr_equal(wheel_pop(&w.wheel, 10000), n);
  /* The last instant there is, and none. */
  wheel_arm(&w.wheel, n, YEON_NEVER - 1);
  assert_true(wheel_next(&w.wheel) < YEON_NEVER);
  assert_ptr_equal(wheel_pop(&w.wheel, YEON_NEVER - 1), n);
  open_world(&w, 0, 1);
  wheel_arm(&w.wheel, n, 1000);
  wheel_arm(&w.wheel, n, YEON_NEVER);
  assert_false(wheel_armed(n));
  assert_int_equal(wheel_next(&w.wheel), YEON_NEVER);
  assert_null(wheel_pop(&w.wheel, 5000));
  wheel_cancel(&w.wheel, n);
  assert_int_equal(w.wheel.armed, 0);
}

static void test_next_in_a_full_slot(void **state)
{
  (void)state;
  /* Up to 16 nodes of a slot are looked at; with one more it is the slot's beginning. */
  static struct world w;
  open_world(&w, 0, 1);
  for (unsigned i = 0; i < 17; i++) wheel_arm(&w.wheel, &w.node[i], (4096 + 63 - i) * YEON_US);
  assert_int_equal(wheel_next(&w.wheel), 4096 * YEON_US);
  wheel_cancel(&w.wheel, &w.node[3]);
  assert_int_equal(wheel_next(&w.wheel), (4096 + 47) * YEON_US);
  /* Once the tick is in it, it is exact with any number. */
  wheel_arm(&w.wheel, &w.node[3], 4160 * YEON_US - YEON_US);
  assert_null(wheel_pop(&w.wheel, 4096 * YEON_US));
  assert_int_equal(wheel_next(&w.wheel), (4096 + 47) * YEON_US);
}

static void test_driven_by_next(void **state)
{
  (void)state;
  /* A loop that sleeps until wheel_next wakes at most once a level and slot beyond need, and is never late. */
  enum { MANY = 5000 };
  static struct wheel wheel;
  static struct wheel_node node[MANY];
  struct rng r;
  rng_seed(&r, 3);
  wheel_init(&wheel, 0);
  for (unsigned i = 0; i < MANY; i++) wheel_arm(&wheel, &node[i], random_span(&r, 50));
  unsigned fired = 0, idle = 0;
  yeon_time now = 0, next;
  while ((next = wheel_next(&wheel)) != YEON_NEVER) {
    assert_true(next >= now);
    now = next;
    unsigned before = fired;
    for (struct wheel_node *n; (n = wheel_pop(&wheel, now)) != NULL; fired++) assert_int_equal(n->deadline, now);
    if (fired == before) idle++;
  }
  assert_int_equal(fired, MANY);
  assert_true(idle <= WHEEL_LEVELS * MANY / 16);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_model),          cmocka_unit_test(test_copied_away),
      cmocka_unit_test(test_ties),           cmocka_unit_test(test_rounding),
      cmocka_unit_test(test_driven_by_next), cmocka_unit_test(test_next_in_a_full_slot),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
