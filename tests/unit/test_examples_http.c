/* What examples/serve makes of requests, byte by byte. */
#include "../../examples/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* On a copy of exactly this size, so that the sanitizers see a read of one byte too many. */
static int parse_bytes(const char *text, size_t len, struct http_request *r)
{
  char *copy = malloc(len ? len : 1);
  assert_non_null(copy);
  memcpy(copy, text, len);
  int status = http_parse(copy, len, r);
  free(copy);
  return status;
}

static int parse(const char *text, struct http_request *r) { return parse_bytes(text, strlen(text), r); }

static void test_head_length(void **state)
{
  (void)state;
  static const struct {
    const char *text;
    size_t len;
  } cases[] = {{"", 0},       {"GET / HTTP/1.1\r\n", 0}, {"a\r\n\r\nb", 5}, {"a\n\nb", 3}, {"a\n\r\nb", 4}, {"\r\n", 0},
               {"a\r\n\r", 0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_int_equal(http_head_length(cases[i].text, strlen(cases[i].text)), cases[i].len);
}

static void test_paths(void **state)
{
  (void)state;
  struct http_request r;
  static const struct {
    const char *target;
    int status;
    const char *path;
    bool directory;
  } cases[] = {
      {"/", 0, "", true},
      {"/a", 0, "a", false},
      {"/a/", 0, "a", true},
      {"//a///b", 0, "a/b", false},
      {"/a/./b", 0, "a/b", false},
      {"/a/.", 0, "a", true},
      {"/a%20b?query=/../x", 0, "a b", false},
      {"/%41#part", 0, "A", false},
      {"/..", 403, NULL, false},
      {"/a/../b", 403, NULL, false},
      {"/a/%2e%2E", 403, NULL, false},
      {"/%2e%2e%2fb", 403, NULL, false},
      {"/.hidden", 403, NULL, false},
      {"/...", 403, NULL, false},
      {"/%", 400, NULL, false},
      {"/%4", 400, NULL, false},
      {"/%g0", 400, NULL, false},
      {"/%00", 400, NULL, false},
      {"a", 400, NULL, false},
      {"*", 400, NULL, false},
      {"http://10.0.0.1:80/x/y", 0, "x/y", false},
      {"http://10.0.0.1", 0, "", true},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[256];
    snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", cases[i].target);
    assert_int_equal(parse(text, &r), cases[i].status);
    if (cases[i].status != 0) continue;
    assert_string_equal(r.path, cases[i].path);
    assert_int_equal(r.directory, cases[i].directory);
  }
}

static void test_long_path(void **state)
{
  (void)state;
  struct http_request r;
  static const char end[] = " HTTP/1.1\r\nHost: x\r\n\r\n";
  char text[HTTP_PATH + 100];
  for (size_t len = HTTP_PATH - 2; len <= HTTP_PATH + 1; len++) { /* of the path with its first slash */
    memset(text, 'a', sizeof text);
    memcpy(text, "GET /", 5);
    memcpy(text + 4 + len, end, sizeof end);
    assert_int_equal(parse(text, &r), len < HTTP_PATH ? 0 : 414);
  }
}

static void test_request_lines(void **state)
{
  (void)state;
  struct http_request r;
  static const struct {
    const char *text;
    int status;
  } cases[] = {{"\r\n\r\n", 400},
               {"GET\r\n\r\n", 400},
               {"GET /\r\n\r\n", 400},
               {" GET / HTTP/1.1\r\n\r\n", 400},
               {"GET / HTTP/1.1 x\r\n\r\n", 400},
               {"GET / FTP/1.1\r\n\r\n", 400},
               {"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505},
               {"POST / HTTP/1.1\r\nHost: x\r\n\r\n", 405},
               {"GETX / HTTP/1.1\r\nHost: x\r\n\r\n", 405},
               {"GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", 400},
               {"GET / HTTP/1.1\r\nHost: x\r\n: empty\r\n\r\n", 400},
               {"GET / HTTP/1.1\r\nHost: x\r\n folded: x\r\n\r\n", 400},
               {"GET / HTTP/1.1\r\nA: b\r\n\r\n", 400}, /* no Host (RFC 9112 3.2) */
               {"GET / HTTP/1.0\n\n", 0},
               {"HEAD / HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n", 0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) assert_int_equal(parse(cases[i].text, &r), cases[i].status);
  assert_true(r.head);
  assert_int_equal(parse_bytes("GET / HTTP/1.0\r\nA: \0\r\n\r\n", 24, &r), 400);
  assert_int_equal(parse_bytes("", 0, &r), 400);
}

static void test_keep_alive(void **state)
{
  (void)state;
  struct http_request r;
  static const struct {
    const char *text;
    bool keep;
  } cases[] = {{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", true},
               {"GET / HTTP/1.0\r\n\r\n", false},
               {"GET / HTTP/1.1\r\nHost: x\r\nconnection: Close\r\n\r\n", false},
               {"GET / HTTP/1.0\r\nConnection: x, keep-alive \r\n\r\n", true},
               {"GET / HTTP/1.1\r\nHost: x\r\nConnection: closed\r\n\r\n", true},
               {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", true},
               {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n", false},
               {"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_int_equal(parse(cases[i].text, &r), 0);
    assert_int_equal(r.keep_alive, cases[i].keep);
  }
}

static void test_ranges(void **state)
{
  (void)state;
  static const struct {
    const char *range;
    int64_t size;
    int status;
    int64_t first, length;
  } cases[] = {{"bytes=0-0", 10, 206, 0, 1},      {"bytes=2-5", 10, 206, 2, 4},
               {"bytes=2-500", 10, 206, 2, 8},    {"bytes=9-", 10, 206, 9, 1},
               {"bytes=10-", 10, 416, 0, 0},      {"bytes=-3", 10, 206, 7, 3},
               {"bytes=-30", 10, 206, 0, 10},     {"bytes=-0", 10, 416, 0, 0},
               {"bytes=-1", 0, 416, 0, 0},        {"bytes=0-", 0, 416, 0, 0},
               {"bytes=5-2", 10, 200, 0, 10},     {"bytes=-", 10, 200, 0, 10},
               {"bytes=1-2,4-5", 10, 200, 0, 10}, {"bytes=1-2x", 10, 200, 0, 10},
               {"lines=1-2", 10, 200, 0, 10},     {"bytes=99999999999999999999-", 10, 200, 0, 10}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct http_request r;
    char text[128];
    int64_t first = -1, length = -1;
    snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: x\r\nRange: %s\r\n\r\n", cases[i].range);
    assert_int_equal(parse(text, &r), 0);
    assert_int_equal(http_range(&r, cases[i].size, &first, &length), cases[i].status);
    if (cases[i].status == 416) continue;
    assert_int_equal(first, cases[i].first);
    assert_int_equal(length, cases[i].length);
  }
}

static void test_types(void **state)
{
  (void)state;
  assert_string_equal(http_content_type("a/b.HTML"), "text/html; charset=utf-8");
  assert_string_equal(http_content_type("x.tar.gz"), "application/gzip");
  assert_string_equal(http_content_type("Makefile"), "application/octet-stream");
  assert_string_equal(http_reason(404), "Not Found");
  assert_string_equal(http_reason(999), "Internal Server Error");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_head_length),   cmocka_unit_test(test_paths),      cmocka_unit_test(test_long_path),
      cmocka_unit_test(test_request_lines), cmocka_unit_test(test_keep_alive), cmocka_unit_test(test_ranges),
      cmocka_unit_test(test_types),
  };
  return cmocka_run_group_tests_name("examples_http", tests, NULL, NULL);
}
