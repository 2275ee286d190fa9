/* Sequence arithmetic modulo 2^32. */
#include "base/seq.h"

#include "test_base.h"

static void test_order(void **state)
{
  (void)state;
  static const uint32_t starts[] = {0, 1, 0x7fffffff, 0x80000000, 0x80000001, 0xffffffff};
  static const uint32_t steps[] = {1, 2, 1000, 0x7ffffffe, 0x7fffffff};
  for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
    for (size_t k = 0; k < sizeof(steps) / sizeof(steps[0]); k++) {
      uint32_t a = starts[i], b = a + steps[k];
      assert_true(seq_lt(a, b) && seq_le(a, b) && seq_gt(b, a) && seq_ge(b, a));
      assert_false(seq_lt(b, a) || seq_le(b, a) || seq_gt(a, b) || seq_ge(a, b));
      assert_int_equal(seq_max(a, b), b);
      assert_int_equal(seq_max(b, a), b);
      assert_int_equal(seq_min(a, b), a);
      assert_int_equal(seq_min(b, a), a);
    }
    assert_true(seq_le(starts[i], starts[i]) && seq_ge(starts[i], starts[i]));
    assert_false(seq_lt(starts[i], starts[i]) || seq_gt(starts[i], starts[i]));
  }
}

static void test_in(void **state)
{
  (void)state;
  assert_true(seq_in(5, 5, 6));
  assert_false(seq_in(6, 5, 6));
  assert_false(seq_in(5, 5, 5));
  assert_false(seq_in(4, 5, 6));
  assert_true(seq_in(0xffffffff, 0xfffffff0, 0x10));
  assert_true(seq_in(0xf, 0xfffffff0, 0x10));
  assert_false(seq_in(0x10, 0xfffffff0, 0x10));
  assert_false(seq_in(0xffffffef, 0xfffffff0, 0x10));
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_order), cmocka_unit_test(test_in)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
