/* The helpers of frames, the version, and the error codes' names, texts and errnos. */
#include <errno.h>

#include <yeon/frame.h>

#include "test_base.h"

static void test_copy(void **state)
{
  (void)state;
  static struct yeon_frame f;
  uint8_t out[32];
  memset(&f, 0xff, sizeof(f));
  f.n_slices = 4;
  f.len = 9;
  f.slice[0] = (struct yeon_slice){"abc", 3};
  f.slice[1] = (struct yeon_slice){NULL, 0};
  f.slice[2] = (struct yeon_slice){"d", 1};
  f.slice[3] = (struct yeon_slice){"efghi", 5};
  memset(out, 0, sizeof(out));
  assert_int_equal(yeon_frame_copy(&f, out, 9), 9);
  assert_memory_equal(out, "abcdefghi\0", 10);
  memset(out, 0, sizeof(out));
  assert_int_equal(yeon_frame_copy(&f, out, 8), 0);
  assert_int_equal(out[0], 0);
}

static void test_from_bytes(void **state)
{
  (void)state;
  static struct yeon_frame f;
  memset(&f, 0xff, sizeof(f));
  const uint8_t bytes[5] = {1, 2, 3, 4, 5};
  uint8_t out[5];
  yeon_frame_from_bytes(&f, bytes, 5);
  assert_int_equal(f.n_slices, 1);
  assert_int_equal(f.len, 5);
  assert_ptr_equal(f.slice[0].base, bytes);
  assert_int_equal(f.slice[0].len, 5);
  assert_int_equal(f.csum | f.segs | f.gso_size | f.csum_start | f.csum_offset | f.l3_offset, 0);
  assert_int_equal(f.mark, 0);
  assert_int_equal(yeon_frame_copy(&f, out, 5), 5);
  assert_memory_equal(out, bytes, 5);
  yeon_frame_from_bytes(&f, bytes, 0);
  assert_int_equal(f.len, 0);
  assert_int_equal(yeon_frame_copy(&f, out, 0), 0);
}

static void lie_about_length(void *arg)
{
  struct yeon_frame *f = arg;
  uint8_t out[64];
  f->len++;
  (void)yeon_frame_copy(f, out, sizeof(out));
}

static void test_copy_checks(void **state)
{
  (void)state;
  static struct yeon_frame f;
  yeon_frame_from_bytes(&f, "xyz", 3);
  assert_true(stops(lie_about_length, &f));
}

static void test_version(void **state)
{
  (void)state;
  assert_string_equal(yeon_version(), "0.1.0");
}

static void test_errors(void **state)
{
  (void)state;
  for (int e = 0; e >= YEON_ERR_LAST; e--) {
    const char *name = yeon_error_name(e), *text = yeon_error_text(e);
    assert_memory_equal(name, "YEON_", 5);
    assert_true(strlen(text) >= 8 && strlen(text) < 140);
    assert_null(strchr(text, '\n'));
    /* What happened; what to do. */
    if (e != 0) assert_non_null(strchr(text, ';'));
    for (int other = 0; other > e; other--) {
      assert_string_not_equal(name, yeon_error_name(other));
      assert_string_not_equal(text, yeon_error_text(other));
    }
    assert_true(e == 0 ? yeon_error_errno(e) == 0 : yeon_error_errno(e) > 0);
  }
  assert_string_equal(yeon_error_name(YEON_ERR_RESET), "YEON_ERR_RESET");
  assert_string_equal(yeon_error_name(YEON_ERR_CLOSED), "YEON_ERR_CLOSED");
  assert_int_equal(yeon_error_errno(YEON_ERR_AGAIN), EAGAIN);
  assert_int_equal(yeon_error_errno(YEON_ERR_RESET), ECONNRESET);
  assert_int_equal(yeon_error_errno(YEON_ERR_REFUSED), ECONNREFUSED);
  assert_int_equal(yeon_error_errno(YEON_ERR_TIMED_OUT), ETIMEDOUT);
  assert_int_equal(yeon_error_errno(YEON_ERR_PIPE), EPIPE);
}

static void test_unknown_errors(void **state)
{
  (void)state;
  static const int unknown[] = {1, YEON_ERR_LAST - 1, INT32_MAX, INT32_MIN};
  for (unsigned i = 0; i < 4; i++) {
    assert_string_equal(yeon_error_name(unknown[i]), "?");
    assert_non_null(strstr(yeon_error_text(unknown[i]), "unknown"));
    assert_int_equal(yeon_error_errno(unknown[i]), EIO);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_copy),    cmocka_unit_test(test_from_bytes), cmocka_unit_test(test_copy_checks),
      cmocka_unit_test(test_version), cmocka_unit_test(test_errors),     cmocka_unit_test(test_unknown_errors),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
