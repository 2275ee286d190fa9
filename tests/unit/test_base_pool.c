/* Slab pools: against a plain array of what is live, at their limit, with memory refused, and what they cost. */
#include "base/pool.h"

#include "test_base.h"

#define MOST 3000

struct model {
  uint8_t *live[MOST * 2]; /* by number; NULL: free */
  uint32_t numbers[MOST];  /* live ones in any order */
  uint32_t n;
};

static uint8_t tag_of(uint32_t number) { return (uint8_t)(number * 167 + 13); }

static void take(struct pool *p, struct model *m)
{
  uint32_t number = 0;
  uint8_t *object = pool_new(p, &number);
  if (m->n == p->limit) {
    assert_null(object);
    return;
  }
  assert_non_null(object);
  assert_int_equal((uintptr_t)object % 8, 0);
  assert_in_range(number, 1, MOST * 2 - 1);
  assert_null(m->live[number]);
  for (uint32_t i = 0; i < p->object_size; i++) assert_int_equal(object[i], 0);
  memset(object, tag_of(number), p->object_size);
  m->live[number] = object;
  m->numbers[m->n++] = number;
}

static void check_tag(const struct pool *p, const struct model *m, uint32_t number)
{
  const uint8_t *object = pool_at(p, number);
  assert_ptr_equal(object, m->live[number]);
  for (uint32_t i = 0; i < p->object_size; i++) assert_int_equal(object[i], tag_of(number));
}

static void give(struct pool *p, struct model *m, uint32_t which)
{
  uint32_t number = m->numbers[which];
  check_tag(p, m, number);
  pool_free(p, number);
  m->live[number] = NULL;
  m->numbers[which] = m->numbers[--m->n];
}

static void check_walk(const struct pool *p, const struct model *m)
{
  uint32_t at = 0;
  for (uint32_t number = 1; number < MOST * 2; number++) {
    if (m->live[number] == NULL) continue;
    at = pool_next(p, at);
    assert_int_equal(at, number);
    check_tag(p, m, number);
  }
  assert_int_equal(pool_next(p, at), 0);
  assert_int_equal(p->used, m->n);
}

static void run_model(size_t size, uint64_t seed)
{
  static struct model m;
  memset(&m, 0, sizeof(m));
  struct purse purse;
  struct mem mem;
  struct pool p;
  struct rng r;
  purse_open(&purse, &mem);
  rng_seed(&r, seed);
  pool_init(&p, &mem, size, MOST);
  assert_int_equal(purse.bytes, 0);
  for (unsigned phase = 0; phase < 12; phase++) {
    /* Now mostly growing, now mostly shrinking. */
    uint32_t grow = phase % 3 == 0 ? 90 : phase % 3 == 1 ? 50 : 5;
    for (unsigned i = 0; i < 1200; i++) {
      if (m.n == 0 || rng_below(&r, 100) < grow)
        take(&p, &m);
      else
        give(&p, &m, rng_below(&r, m.n));
    }
    check_walk(&p, &m);
  }
  while (m.n < MOST) take(&p, &m);
  take(&p, &m);
  check_walk(&p, &m);
  while (m.n > 17) give(&p, &m, rng_below(&r, m.n));
  pool_fini(&p);
  assert_int_equal(purse.bytes, 0);
  assert_int_equal(mem.heap_bytes, 0);
}

static void test_model(void **state)
{
  (void)state;
  static const size_t sizes[] = {1, 8, 12, 56, 64, 96, 256, 384, 1000, 4096, 6000};
  for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) run_model(sizes[i], i);
}

static void test_cost(void **state)
{
  (void)state;
  static const uint32_t counts[] = {10000, 12345, 16384, 40001};
  for (unsigned k = 0; k < 4; k++) {
    for (size_t size = 56; size <= 384; size += 8) {
      struct purse purse;
      struct mem mem;
      struct pool p;
      uint32_t number;
      purse_open(&purse, &mem);
      pool_init(&p, &mem, size, 1000000);
      for (uint32_t i = 0; i < counts[k]; i++) assert_non_null(pool_new(&p, &number));
      uint64_t objects = counts[k] * (uint64_t)size;
      if (purse.bytes * 100 > objects * 102)
        fail_msg("%zu bytes: %.2f %%", size, 100.0 * (double)purse.bytes / (double)objects);
      pool_fini(&p);
      assert_int_equal(purse.bytes, 0);
    }
  }
}

static void test_gives_back(void **state)
{
  (void)state;
  struct purse purse;
  struct mem mem;
  struct pool p;
  purse_open(&purse, &mem);
  pool_init(&p, &mem, 64, 100000);
  static uint32_t numbers[10000];
  for (uint32_t i = 0; i < 10000; i++) assert_non_null(pool_new(&p, &numbers[i]));
  uint64_t full = purse.bytes, granted = purse.granted;
  for (uint32_t i = 0; i < 10000; i++) pool_free(&p, numbers[i]);
  assert_int_equal(p.used, 0);
  assert_int_equal(pool_next(&p, 0), 0);
  /* The directory and one chunk. */
  assert_true(purse.bytes < 5200 + 8 * 256);
  for (uint32_t i = 0; i < 10000; i++) assert_non_null(pool_new(&p, &numbers[i]));
  assert_int_equal(purse.bytes, full);
  /* To and fro at the edge of a chunk: the allocator is not called. */
  while (p.used % 64 != 0) assert_non_null(pool_new(&p, &numbers[0]));
  assert_non_null(pool_new(&p, &numbers[0]));
  uint64_t calls = purse.calls;
  for (unsigned i = 0; i < 1000; i++) {
    pool_free(&p, numbers[0]);
    assert_non_null(pool_new(&p, &numbers[0]));
  }
  assert_int_equal(purse.calls, calls);
  assert_true(purse.granted > granted);
  /* An empty chunk is not kept when another has room: the one that is left costs one chunk. */
  for (uint32_t n = 0; (n = pool_next(&p, n)) != 0;) pool_free(&p, n);
  uint64_t one = purse.bytes;
  for (uint32_t i = 0; i < 65; i++) assert_non_null(pool_new(&p, &numbers[i]));
  for (uint32_t i = 1; i < 65; i++) pool_free(&p, numbers[i]);
  assert_int_equal(purse.bytes, one);
  pool_fini(&p);
  assert_int_equal(purse.bytes, 0);
}

static void test_refused(void **state)
{
  (void)state;
  struct purse purse;
  struct mem mem;
  struct pool p;
  uint32_t number = 77, made = 0;
  purse_open(&purse, &mem);
  pool_init(&p, &mem, 100, 5000);
  while (made < 5000) {
    /* Each time memory is wanted it is refused, then granted once. */
    purse.allowed = 0;
    uint32_t used = p.used;
    if (pool_new(&p, &number) == NULL) {
      assert_int_equal(p.used, used);
      purse.allowed = 1;
      /* One call may not do: directory and chunk. */
      if (pool_new(&p, &number) == NULL) {
        purse.allowed = 1;
        assert_non_null(pool_new(&p, &number));
      }
    }
    made++;
    assert_int_equal(number, made);
  }
  purse.allowed = UINT64_MAX;
  uint64_t calls = purse.calls;
  assert_null(pool_new(&p, &number));
  assert_int_equal(purse.calls, calls);
  pool_free(&p, 1234);
  assert_non_null(pool_new(&p, &number));
  assert_int_equal(number, 1234);
  pool_fini(&p);
  assert_int_equal(purse.bytes, 0);
}

static void test_limits(void **state)
{
  (void)state;
  static const uint32_t limits[] = {0, 1, 2, 63, 64, 65, 1000};
  for (unsigned i = 0; i < 7; i++) {
    struct purse purse;
    struct mem mem;
    struct pool p;
    uint32_t number;
    purse_open(&purse, &mem);
    pool_init(&p, &mem, 48, limits[i]);
    for (uint32_t k = 0; k < limits[i]; k++) assert_non_null(pool_new(&p, &number));
    assert_null(pool_new(&p, &number));
    pool_fini(&p);
    /* Usable again. */
    assert_int_equal(pool_new(&p, &number) != NULL, limits[i] > 0);
    pool_fini(&p);
    assert_int_equal(purse.bytes, 0);
  }
}

static void free_twice(void *arg)
{
  pool_free(arg, 2);
  pool_free(arg, 2);
}

static void free_none(void *arg) { pool_free(arg, 0); }

static void reach_beyond(void *arg) { (void)pool_at(arg, 100000); }

static void test_checks(void **state)
{
  (void)state;
  struct purse purse;
  struct mem mem;
  struct pool p;
  uint32_t number;
  purse_open(&purse, &mem);
  pool_init(&p, &mem, 64, 1000);
  for (unsigned i = 0; i < 3; i++) assert_non_null(pool_new(&p, &number));
  assert_true(stops(free_twice, &p));
  assert_true(stops(free_none, &p));
  assert_true(stops(reach_beyond, &p));
  pool_fini(&p);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_model),   cmocka_unit_test(test_cost),   cmocka_unit_test(test_gives_back),
      cmocka_unit_test(test_refused), cmocka_unit_test(test_limits), cmocka_unit_test(test_checks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
