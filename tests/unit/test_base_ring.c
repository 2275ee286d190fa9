/* Byte rings against a plain array that is shifted; the store's limit, its free lists and refused memory. */
#include "base/ring.h"

#include "test_base.h"

#define MOST 8192 /* largest capacity in the model */

struct world {
  struct purse purse;
  struct mem mem;
  struct ring_store store;
  struct ring *ring;
  uint32_t len, written; /* content; bytes from the front that have ever been written */
  uint8_t byte[MOST];    /* byte[0] is the front */
};

static void compare(struct world *w)
{
  uint8_t out[MOST];
  struct yeon_slice part[2];
  assert_int_equal(ring_len(w->ring), w->len);
  if (w->ring == NULL) return;
  ring_read(w->ring, 0, out, w->written);
  assert_memory_equal(out, w->byte, w->written);
  unsigned n = ring_slices(w->ring, 0, w->written, part);
  assert_int_equal(n == 0, w->written == 0);
  size_t at = 0;
  for (unsigned i = 0; i < n; i++) {
    assert_true(part[i].len > 0);
    assert_memory_equal(part[i].base, w->byte + at, part[i].len);
    at += part[i].len;
  }
  assert_int_equal(at, w->written);
}

static void reserve(struct world *w, struct rng *r)
{
  uint32_t wanted = rng_below(r, MOST + 1), had = ring_capacity(w->ring);
  uint32_t keep = rng_below(r, 2) ? w->written : w->len;
  assert_true(ring_reserve(&w->store, &w->ring, wanted, keep));
  uint32_t got = ring_capacity(w->ring);
  assert_true(got >= wanted && got >= had && got >= 512 && (got & (got - 1)) == 0);
  assert_true(got == had || got == 512 || got < 2 * wanted);
  if (got > had) w->written = keep;
}

static void write_some(struct world *w, struct rng *r)
{
  /* Up to the capacity, without leaving bytes between that nobody wrote. */
  uint32_t capacity = ring_capacity(w->ring), offset = rng_below(r, w->written + 1);
  uint32_t len = rng_below(r, capacity - offset + 1);
  if (rng_below(r, 2)) len %= 100;
  uint8_t bytes[MOST];
  for (uint32_t i = 0; i < len; i++) bytes[i] = (uint8_t)rng_next(r);
  ring_write(w->ring, offset, bytes, len);
  memcpy(w->byte + offset, bytes, len);
  if (offset + len > w->written) w->written = offset + len;
}

static void drop_some(struct world *w, struct rng *r)
{
  uint32_t n = rng_below(r, w->len + 1);
  ring_drop(w->ring, n);
  memmove(w->byte, w->byte + n, MOST - n);
  w->len -= n;
  w->written -= n;
}

static void test_model(void **state)
{
  (void)state;
  static struct world w;
  struct rng r;
  rng_seed(&r, 1);
  purse_open(&w.purse, &w.mem);
  ring_store_init(&w.store, &w.mem, 100000);
  for (unsigned i = 0; i < 20000; i++) {
    switch (rng_below(&r, 16)) {
    case 0: reserve(&w, &r); break;
    case 1:
      if (rng_below(&r, 10) != 0) break;
      ring_release(&w.store, &w.ring);
      assert_null(w.ring);
      w.len = w.written = 0;
      break;
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
    case 7:
      if (w.ring != NULL) write_some(&w, &r);
      break;
    case 8:
    case 9:
    case 10:
      if (w.ring == NULL) break;
      w.ring->len = w.len = w.len + rng_below(&r, w.written - w.len + 1);
      break;
    case 11:
    case 12:
    case 13: drop_some(&w, &r); break;
    default: {
      if (w.ring == NULL) break;
      uint8_t out[MOST];
      uint32_t offset = rng_below(&r, w.written + 1), len = rng_below(&r, w.written - offset + 1);
      ring_read(w.ring, offset, out, len);
      assert_memory_equal(out, w.byte + offset, len);
    }
    }
    compare(&w);
    assert_int_equal(w.store.used, ring_capacity(w.ring));
  }
  ring_release(&w.store, &w.ring);
  ring_store_fini(&w.store);
  assert_int_equal(w.purse.bytes, 0);
}

static void test_none(void **state)
{
  (void)state;
  struct purse purse;
  struct mem mem;
  struct ring_store store;
  struct ring *r = NULL;
  struct yeon_slice part[2];
  purse_open(&purse, &mem);
  ring_store_init(&store, &mem, 1000000);
  assert_int_equal(ring_capacity(NULL), 0);
  assert_int_equal(ring_len(NULL), 0);
  assert_int_equal(ring_slices(NULL, 0, 0, part), 0);
  ring_drop(NULL, 0);
  ring_release(&store, &r);
  assert_true(ring_reserve(&store, &r, 0, 0));
  assert_int_equal(ring_capacity(r), 512);
  ring_release(&store, &r);
  ring_store_fini(&store);
  assert_int_equal(purse.bytes, 0);
}

static void test_limit(void **state)
{
  (void)state;
  struct purse purse;
  struct mem mem;
  struct ring_store store;
  struct ring *a = NULL, *b = NULL;
  purse_open(&purse, &mem);
  ring_store_init(&store, &mem, 4096 + 512);
  assert_true(ring_reserve(&store, &a, 4096, 0));
  memset(a->data, 'a', 4096);
  a->len = 4096;
  assert_false(ring_reserve(&store, &b, 1000, 0));
  assert_null(b);
  assert_true(ring_reserve(&store, &b, 500, 0));
  struct ring *was = a;
  assert_false(ring_reserve(&store, &a, 4097, 4096));
  assert_ptr_equal(a, was);
  assert_int_equal(ring_len(a), 4096);
  ring_release(&store, &b);
  assert_false(ring_reserve(&store, &a, 4097, 4096));
  /* What grows gives its old block back: only the difference counts. */
  store.limit = 8192;
  assert_true(ring_reserve(&store, &a, 4097, 0));
  assert_int_equal(store.used, 8192);
  for (unsigned i = 0; i < 4096; i++) assert_int_equal(a->data[i], 'a');
  ring_release(&store, &a);
  store.limit = UINT64_MAX;
  assert_false(ring_reserve(&store, &a, (1u << RING_MAX_LOG2) + 1, 0));
  assert_false(ring_reserve(&store, &a, UINT32_MAX, 0));
  ring_store_fini(&store);
  assert_int_equal(purse.bytes, 0);
}

static void test_refused(void **state)
{
  (void)state;
  struct purse purse;
  struct mem mem;
  struct ring_store store;
  struct ring *a = NULL, *b = NULL;
  purse_open(&purse, &mem);
  ring_store_init(&store, &mem, 1 << 20);
  purse.allowed = 0;
  assert_false(ring_reserve(&store, &a, 512, 0));
  assert_null(a);
  assert_int_equal(store.used, 0);
  purse.allowed = 1;
  assert_true(ring_reserve(&store, &a, 512, 0));
  ring_write(a, 0, "hello", 5);
  a->len = 5;
  assert_false(ring_reserve(&store, &a, 513, 5));
  assert_memory_equal(a->data, "hello", 5);
  assert_int_equal(store.used, 512);
  /* A block of that size is kept: no allocator needed. */
  purse.allowed = 1;
  assert_true(ring_reserve(&store, &b, 1024, 0));
  ring_release(&store, &b);
  assert_int_equal(store.kept, 1024);
  assert_true(ring_reserve(&store, &a, 1024, 5));
  assert_memory_equal(a->data, "hello", 5);
  ring_release(&store, &a);
  ring_store_fini(&store);
  assert_int_equal(purse.bytes, 0);
}

static void test_steady(void **state)
{
  (void)state;
  struct purse purse;
  struct mem mem;
  struct ring_store store;
  struct ring *r = NULL;
  purse_open(&purse, &mem);
  ring_store_init(&store, &mem, 1 << 30);
  uint64_t calls = 0;
  for (unsigned round = 0; round < 100; round++) {
    for (uint32_t capacity = 512; capacity <= 65536; capacity *= 2)
      assert_true(ring_reserve(&store, &r, capacity, 100));
    ring_release(&store, &r);
    if (round == 0) calls = purse.calls;
  }
  assert_int_equal(purse.calls, calls);
  assert_true(store.kept > 0);
  ring_store_trim(&store);
  assert_int_equal(store.kept, 0);
  assert_int_equal(purse.bytes, 0);
  ring_store_fini(&store);
}

static void test_kept(void **state)
{
  (void)state;
  /* The free lists never hold more than a megabyte and more than what is lent out. */
  enum { N = 400 };
  static struct ring *lent[N];
  struct purse purse;
  struct mem mem;
  struct ring_store store;
  struct rng r;
  uint64_t most = 0;
  rng_seed(&r, 9);
  purse_open(&purse, &mem);
  ring_store_init(&store, &mem, (uint64_t)64 << 20);
  for (unsigned i = 0; i < 20000; i++) {
    /* Tides: mostly lending, then mostly taking back. */
    unsigned which = rng_below(&r, N);
    if (rng_below(&r, 100) < (i / 4000 % 2 == 0 ? 80u : 15u))
      (void)ring_reserve(&store, &lent[which], 1u << (9 + rng_below(&r, 10)), 0);
    else
      ring_release(&store, &lent[which]);
    uint64_t used = 0, kept = 0, headers = 0;
    for (unsigned k = 0; k < N; k++) {
      used += ring_capacity(lent[k]);
      headers += lent[k] != NULL;
    }
    for (unsigned k = 0; k <= RING_MAX_LOG2; k++) {
      struct ring *at = store.free[k];
      for (; at != NULL; memcpy(&at, at->data, sizeof(at)), kept += (uint64_t)1 << k) headers++;
    }
    assert_int_equal(store.used, used);
    assert_int_equal(store.kept, kept);
    assert_true(used <= store.limit);
    assert_true(kept <= 1 << 20 || kept <= used);
    assert_int_equal(purse.bytes, used + kept + headers * sizeof(struct ring));
    if (kept > most) most = kept;
  }
  assert_true(most > 1 << 20);
  for (unsigned k = 0; k < N; k++) ring_release(&store, &lent[k]);
  assert_true(store.kept <= 1 << 20);
  ring_store_fini(&store);
  assert_int_equal(purse.bytes, 0);
}

static void read_beyond(void *arg)
{
  uint8_t out[8];
  ring_read(arg, 510, out, 3);
}

static void write_beyond(void *arg) { ring_write(arg, 0xfffffffe, "xyz", 3); }

static void drop_beyond(void *arg) { ring_drop(arg, 4); }

static void test_checks(void **state)
{
  (void)state;
  struct mem mem;
  struct ring_store store;
  struct ring *r = NULL;
  mem_init(&mem, NULL);
  ring_store_init(&store, &mem, 1 << 20);
  assert_true(ring_reserve(&store, &r, 512, 0));
  r->len = 3;
  assert_true(stops(read_beyond, r));
  assert_true(stops(write_beyond, r));
  assert_true(stops(drop_beyond, r));
  ring_release(&store, &r);
  ring_store_fini(&store);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_model),   cmocka_unit_test(test_none),   cmocka_unit_test(test_limit),
      cmocka_unit_test(test_refused), cmocka_unit_test(test_steady), cmocka_unit_test(test_kept),
      cmocka_unit_test(test_checks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
