/* Range sets against a bitmap, at every kind of place in the sequence space. */
#include "base/ranges.h"

#include "test_base.h"

#define SPAN 400 /* sequence numbers that the bitmap holds */

union set {
  struct ranges s;
  uint8_t room[RANGES_SIZE(32)];
};

struct model {
  uint32_t base; /* sequence number of bit 0 */
  bool bit[SPAN];
};

static unsigned count_bits(const struct model *m, uint32_t from, uint32_t to)
{
  unsigned n = 0;
  for (uint32_t i = from; i < to; i++) n += m->bit[i];
  return n;
}

static void check(const struct ranges *s, const struct model *m)
{
  uint16_t n = 0;
  for (uint32_t i = 0; i < SPAN; i++) {
    if (m->bit[i] && (i == 0 || !m->bit[i - 1])) {
      assert_true(n < s->n);
      assert_int_equal(s->v[n].left, m->base + i);
    }
    if (m->bit[i] && (i + 1 == SPAN || !m->bit[i + 1])) assert_int_equal(s->v[n++].right, m->base + i + 1);
    assert_int_equal(ranges_contains(s, m->base + i), m->bit[i]);
  }
  assert_int_equal(s->n, n);
}

static void check_find(const struct ranges *s, uint32_t seq)
{
  const struct range *expected = NULL;
  for (uint16_t i = s->n; i-- > 0;)
    if (seq_gt(s->v[i].right, seq)) expected = &s->v[i];
  assert_ptr_equal(ranges_find(s, seq), expected);
}

static void add_random(struct ranges *s, struct model *m, struct rng *r)
{
  uint32_t from = rng_below(r, SPAN - 1), to = from + 1 + rng_below(r, rng_below(r, 10) == 0 ? 100 : 12);
  if (to > SPAN) to = SPAN;
  unsigned had = count_bits(m, from, to);
  bool touches = had > 0 || (from > 0 && m->bit[from - 1]) || (to < SPAN && m->bit[to]);
  struct ranges *before = malloc(RANGES_SIZE(s->cap));
  memcpy(before, s, RANGES_SIZE(s->cap));
  struct range joined = {1, 0};
  enum ranges_added added = ranges_add(s, m->base + from, m->base + to, rng_below(r, 2) ? &joined : NULL);
  if (s->n == s->cap && !touches && before->n == s->cap) {
    assert_int_equal(added, RANGES_FULL);
    assert_memory_equal(before, s, RANGES_SIZE(s->cap));
  } else {
    assert_int_equal(added, had == 0 ? RANGES_NEW : had == to - from ? RANGES_OLD : RANGES_PARTLY);
    for (uint32_t i = from; i < to; i++) m->bit[i] = true;
    uint32_t left = from, right = to;
    while (left > 0 && m->bit[left - 1]) left--;
    while (right < SPAN && m->bit[right]) right++;
    if (joined.left != 1 || joined.right != 0) {
      assert_int_equal(joined.left, m->base + left);
      assert_int_equal(joined.right, m->base + right);
    }
  }
  free(before);
}

static void run_model(uint32_t base, uint16_t cap, uint64_t seed)
{
  union set set;
  struct ranges *s = &set.s;
  struct model m = {.base = base};
  struct rng r;
  rng_seed(&r, seed);
  ranges_init(s, cap);
  for (unsigned round = 0; round < 3000; round++) {
    if (rng_below(&r, 12) == 0) {
      /* Trim, and let the bitmap start there. */
      uint32_t at = rng_below(&r, 60);
      ranges_trim(s, m.base + at);
      memmove(m.bit, m.bit + at, (SPAN - at) * sizeof(bool));
      memset(m.bit + SPAN - at, 0, at * sizeof(bool));
      m.base += at;
    } else {
      add_random(s, &m, &r);
    }
    check(s, &m);
    uint32_t from = rng_below(&r, SPAN), to = from + rng_below(&r, SPAN - from + 1);
    assert_int_equal(ranges_bytes(s, m.base + from, m.base + to), count_bits(&m, from, to));
    check_find(s, m.base + from);
    check_find(s, m.base - 1000);
    check_find(s, m.base + 1000);
  }
}

static void test_model(void **state)
{
  (void)state;
  static const uint32_t bases[] = {0, 0xffffffff - 200, 0x80000000 - 200, 12345};
  static const uint16_t caps[] = {1, 2, 4, 7, 32};
  for (unsigned i = 0; i < 4; i++)
    for (unsigned k = 0; k < 5; k++) run_model(bases[i], caps[k], i * 5 + k);
}

static void test_cases(void **state)
{
  (void)state;
  union set set;
  struct ranges *s = &set.s;
  struct range whole;
  ranges_init(s, 3);
  assert_null(ranges_find(s, 0));
  assert_int_equal(ranges_bytes(s, 0, 1000), 0);
  ranges_trim(s, 77);
  /* Across the wrap. */
  assert_int_equal(ranges_add(s, 0xfffffff0, 0x10, NULL), RANGES_NEW);
  assert_int_equal(ranges_bytes(s, 0xffffff00, 0x100), 0x20);
  assert_int_equal(ranges_add(s, 0x20, 0x30, NULL), RANGES_NEW);
  assert_int_equal(ranges_add(s, 0x40, 0x50, NULL), RANGES_NEW);
  assert_int_equal(ranges_add(s, 0x60, 0x70, NULL), RANGES_FULL);
  /* Full, but it touches: joins. */
  assert_int_equal(ranges_add(s, 0x50, 0x60, &whole), RANGES_NEW);
  assert_true(whole.left == 0x40 && whole.right == 0x60);
  assert_int_equal(ranges_add(s, 0x5, 0x45, &whole), RANGES_PARTLY);
  assert_true(whole.left == 0xfffffff0 && whole.right == 0x60);
  assert_int_equal(s->n, 1);
  assert_int_equal(ranges_add(s, 0xfffffff0, 0x60, &whole), RANGES_OLD);
  ranges_trim(s, 0xfffffff8);
  assert_int_equal(s->v[0].left, 0xfffffff8);
  ranges_trim(s, 0x60);
  assert_int_equal(s->n, 0);
  /* Two that lie almost 2^31 apart still have an order. */
  assert_int_equal(ranges_add(s, 0x7ffffff0, 0x7ffffff1, NULL), RANGES_NEW);
  assert_int_equal(ranges_add(s, 5, 6, NULL), RANGES_NEW);
  assert_true(s->v[0].left == 5 && s->v[1].left == 0x7ffffff0);
}

static void add_empty(void *arg) { ranges_add(arg, 5, 5, NULL); }

static void test_checks(void **state)
{
  (void)state;
  union set set;
  ranges_init(&set.s, 3);
  assert_true(stops(add_empty, &set.s));
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_model), cmocka_unit_test(test_cases),
                                     cmocka_unit_test(test_checks)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
