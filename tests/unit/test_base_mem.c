/* The allocator's account. */
#include "test_base.h"

static void test_default(void **state)
{
  (void)state;
  const struct yeon_memory none = {0};
  const struct yeon_memory *choices[] = {NULL, &none};
  for (unsigned i = 0; i < 2; i++) {
    struct mem mem;
    mem_init(&mem, choices[i]);
    uint8_t *p = mem_new(&mem, 1000), *q = mem_alloc(&mem, 24);
    assert_non_null(p);
    assert_non_null(q);
    assert_int_equal((uintptr_t)p % 16, 0);
    for (unsigned k = 0; k < 1000; k++) assert_int_equal(p[k], 0);
    assert_int_equal(mem.heap_bytes, 1024);
    mem_free(&mem, p, 1000);
    assert_int_equal(mem.heap_bytes, 24);
    mem_free(&mem, NULL, 7);
    assert_int_equal(mem.heap_bytes, 24);
    mem_free(&mem, q, 24);
    assert_int_equal(mem.heap_bytes, 0);
  }
}

static void test_own(void **state)
{
  (void)state;
  struct purse purse;
  struct mem mem;
  purse_open(&purse, &mem);
  uint8_t *p = mem_new(&mem, 64);
  for (unsigned k = 0; k < 64; k++) assert_int_equal(p[k], 0);
  assert_int_equal(purse.bytes, 64);
  purse.allowed = 0;
  assert_null(mem_new(&mem, 8));
  assert_null(mem_alloc(&mem, 8));
  assert_int_equal(mem.heap_bytes, 64);
  mem_free(&mem, p, 64);
  assert_int_equal(purse.bytes, 0);
  assert_int_equal(mem.heap_bytes, 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_default), cmocka_unit_test(test_own)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
