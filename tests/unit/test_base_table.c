/* The hash table against a plain array, through growth, shrinking and refused memory; and that no call does much. */
#include "base/table.h"

#include "test_base.h"

#define MOST 20000

struct object {
  uint32_t link, hash;
  bool in;
};

struct world {
  struct purse purse;
  struct mem mem;
  struct table table;
  uint32_t n;                 /* objects in */
  unsigned links, hashes;     /* calls of the two operations */
  struct object object[MOST]; /* by id; 0 stays unused */
};

static struct world world;

static uint32_t *link_of(const void *ctx, uint32_t id)
{
  assert_ptr_equal(ctx, &world);
  assert_in_range(id, 1, MOST - 1);
  world.links++;
  return &world.object[id].link;
}

static uint32_t hash_of(const void *ctx, uint32_t id)
{
  assert_ptr_equal(ctx, &world);
  assert_true(world.object[id].in);
  world.hashes++;
  return world.object[id].hash;
}

static const struct table_ops ops = {link_of, hash_of};

static void open_world(struct world *w)
{
  memset(w, 0, sizeof(*w));
  purse_open(&w->purse, &w->mem);
  assert_true(table_init(&w->table, &w->mem, &ops, w));
}

static void close_world(struct world *w)
{
  table_fini(&w->table);
  assert_int_equal(w->purse.bytes, 0);
}

static bool contains(struct world *w, uint32_t id)
{
  for (uint32_t at = table_first(&w->table, w->object[id].hash); at != 0; at = w->object[at].link)
    if (at == id) return true;
  return false;
}

static void insert(struct world *w, uint32_t id, uint32_t hash)
{
  w->object[id] = (struct object){0xdeadbeef, hash, true};
  w->n++;
  table_insert(&w->table, hash, id);
}

static void extract(struct world *w, uint32_t id)
{
  table_remove(&w->table, w->object[id].hash, id);
  w->object[id].in = false;
  w->n--;
}

/* Every object is in its chain, and the chains hold nothing else. */
static void check(struct world *w)
{
  uint32_t found = 0;
  assert_int_equal(w->table.count, w->n);
  assert_true(w->table.n_buckets >= 16);
  for (uint32_t bucket = 0; bucket < w->table.n_buckets; bucket++) {
    for (uint32_t at = table_first(&w->table, bucket); at != 0; at = w->object[at].link) {
      assert_true(w->object[at].in);
      assert_true(++found <= w->n);
    }
  }
  assert_int_equal(found, w->n);
  for (uint32_t id = 1; id < MOST; id++) assert_int_equal(contains(w, id), w->object[id].in);
}

static void run_model(uint64_t seed, uint32_t hash_mask)
{
  struct world *w = &world;
  struct rng r;
  open_world(w);
  rng_seed(&r, seed);
  static const uint32_t targets[] = {10, 17, 1000, 100, 19000, 700, 5000, 3, 300, 0};
  uint32_t scale = hash_mask == UINT32_MAX ? 1 : 20;
  for (unsigned phase = 0; phase < 10; phase++) {
    uint32_t target = targets[phase] / scale;
    for (unsigned extra = 400; w->n != target || extra > 0;) {
      /* On the way to the target, with some steps back; some more around it. */
      bool towards = rng_below(&r, 4) != 0;
      bool in = w->n == 0 || (w->n < target) == towards;
      uint32_t most = MOST / scale - 1, id = 1 + rng_below(&r, most);
      while (w->object[id].in == in) id = id % most + 1;
      w->links = w->hashes = 0;
      if (in)
        insert(w, id, (uint32_t)rng_next(&r) & hash_mask);
      else
        extract(w, id);
      if (hash_mask == UINT32_MAX) assert_true(w->links + w->hashes < 100);
      if (extra > 0) extra--;
      assert_true(w->table.n_buckets >= w->n);
      assert_true(w->table.n_buckets <= w->n + 256 || w->table.n_buckets <= 272);
    }
    check(w);
  }
  close_world(w);
}

static void test_model(void **state)
{
  (void)state;
  run_model(1, UINT32_MAX);
  run_model(2, UINT32_MAX);
  run_model(3, 0xf0f); /* few hashes: long chains */
  run_model(4, 0);     /* one chain */
}

static void test_balance(void **state)
{
  (void)state;
  struct world *w = &world;
  struct rng r;
  open_world(w);
  rng_seed(&r, 5);
  for (uint32_t id = 1; id < MOST; id++) insert(w, id, (uint32_t)rng_next(&r));
  /* With a bucket an object a look-up that fails passes about one object; linear hashing a bit more. */
  uint64_t passed = 0;
  for (unsigned i = 0; i < 100000; i++)
    for (uint32_t at = table_first(&w->table, (uint32_t)rng_next(&r)); at != 0; at = w->object[at].link) passed++;
  assert_in_range(passed, 80000, 130000);
  /* Four bytes a bucket, a bucket an object, and little else. */
  assert_true(w->purse.bytes < 4 * (uint64_t)MOST * 103 / 100 + 1024);
  close_world(w);
}

static void test_refused(void **state)
{
  (void)state;
  struct world *w = &world;
  memset(w, 0, sizeof(*w));
  for (uint64_t allowed = 0; allowed < 2; allowed++) {
    purse_open(&w->purse, &w->mem);
    w->purse.allowed = allowed;
    assert_false(table_init(&w->table, &w->mem, &ops, w));
    assert_int_equal(w->purse.bytes, 0);
    table_fini(&w->table);
  }
  open_world(w);
  struct rng r;
  rng_seed(&r, 6);
  w->purse.allowed = 5; /* enough for some growth */
  for (uint32_t id = 1; id <= 5000; id++) insert(w, id, (uint32_t)rng_next(&r));
  check(w);
  assert_true(w->table.n_buckets < 2000);
  for (uint32_t id = 1; id <= 1000; id++) extract(w, id);
  check(w);
  w->purse.allowed = UINT64_MAX;
  for (uint32_t id = 5001; id <= 15000; id++) insert(w, id, (uint32_t)rng_next(&r));
  check(w);
  assert_int_equal(w->table.n_buckets, w->n); /* has caught up */
  close_world(w);
}

static void test_steady(void **state)
{
  (void)state;
  /* To and fro around any size costs no memory traffic. */
  struct world *w = &world;
  open_world(w);
  for (uint32_t id = 1; id <= 2000; id++) {
    insert(w, id, id * 2654435761u);
    uint64_t calls = w->purse.calls;
    for (unsigned i = 0; i < 3; i++) {
      extract(w, id);
      insert(w, id, id * 2654435761u);
    }
    assert_int_equal(w->purse.calls, calls);
  }
  close_world(w);
}

static void remove_stranger(void *arg) { table_remove(arg, 5, 7); }

static void test_checks(void **state)
{
  (void)state;
  open_world(&world);
  insert(&world, 3, 5);
  assert_true(stops(remove_stranger, &world.table));
  close_world(&world);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_model),  cmocka_unit_test(test_balance), cmocka_unit_test(test_refused),
      cmocka_unit_test(test_steady), cmocka_unit_test(test_checks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
