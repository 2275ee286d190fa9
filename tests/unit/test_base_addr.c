/* Addresses: tables of texts, and the C library's inet_pton and inet_ntop as oracles for random ones. */
#include <arpa/inet.h>

#include <yeon/base.h>

#include "test_base.h"

static void test_ip_good(void **state)
{
  (void)state;
  static const char *const rows[][2] = {
      {"0.0.0.0", "0.0.0.0"},
      {"10.0.0.1", "10.0.0.1"},
      {"255.255.255.255", "255.255.255.255"},
      {"::ffff:1.2.3.4", "1.2.3.4"},
      {"::FFFF:0102:0304", "1.2.3.4"},
      {"0:0:0:0:0:ffff:1.2.3.4", "1.2.3.4"},
      {"::", "::"},
      {"::1", "::1"},
      {"1::", "1::"},
      {"fd00::1", "fd00::1"},
      {"FD00:0000::0001", "fd00::1"},
      {"::1.2.3.4", "::102:304"},
      {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
      {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
      {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
      {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
      {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
      {"1::3:4:5:6:7:8", "1:0:3:4:5:6:7:8"},
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
      {"0:0:1:0:0:0:0:0", "0:0:1::"},
      {"::1:0:0:0:0", "0:0:0:1::"},
      {"1:0:0:2:0:0:3:0", "1::2:0:0:3:0"},
      {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
      {"fe80::a:b:c:d", "fe80::a:b:c:d"},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct yeon_ip ip;
    char buf[46];
    assert_int_equal(yeon_ip_parse(rows[i][0], &ip), 0);
    assert_ptr_equal(yeon_ip_format(&ip, buf, sizeof(buf)), buf);
    assert_string_equal(buf, rows[i][1]);
  }
}

static void test_ip_bad(void **state)
{
  (void)state;
  static const char *const rows[] = {
      "",
      " ",
      "1",
      "1.2.3",
      "1.2.3.4.5",
      "1.2.3.256",
      "1.2.3.4 ",
      " 1.2.3.4",
      "1.2.3.04",
      "01.2.3.4",
      "1..2.3",
      "1.2.3.",
      ".1.2.3",
      "1.2.3.-4",
      "+1.2.3.4",
      "0x1.2.3.4",
      "1.2.3.4/8",
      "1.2.3.4:1",
      "4294967297.1.1.1",
      "localhost",
      ":",
      ":::",
      "1:",
      ":1",
      "1:2",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9",
      "1:2:3:4:5:6:7:8:",
      "1::2::3",
      "::1::",
      "12345::",
      "g::",
      "1:2:3:4:5:6:7:8::",
      "::1:2:3:4:5:6:7:8",
      "1::3:4:5:6:7:8:9",
      "fe80::1%1",
      "::1/64",
      "[::1]",
      "::1 ",
      "1.2.3.4::",
      "::1.2.3.4:5",
      "::1.2.3",
      "::1.2.3.x",
      "::01.2.3.4",
      "1:2:3:4:5:6:7:1.2.3.4",
      "1.2.3.4:5::",
      "::.",
      "::1.",
      "::256.1.1.1",
      "1:::2",
      "::ffff:1.2.3.4.5",
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct yeon_ip ip, before;
    memset(&ip, 0x77, sizeof(ip));
    before = ip;
    assert_int_equal(yeon_ip_parse(rows[i], &ip), YEON_ERR_ADDRESS);
    assert_memory_equal(&ip, &before, sizeof(ip));
  }
  struct yeon_ip ip;
  struct yeon_addr addr;
  assert_int_equal(yeon_ip_parse(NULL, &ip), YEON_ERR_ADDRESS);
  assert_int_equal(yeon_addr_parse(NULL, &addr), YEON_ERR_ADDRESS);
}

static void test_addr(void **state)
{
  (void)state;
  static const char *const good[][2] = {
      {"10.0.0.1:80", "10.0.0.1:80"},
      {"0.0.0.0:0", "0.0.0.0:0"},
      {"[fd00::1]:80", "[fd00::1]:80"},
      {"[::]:65535", "[::]:65535"},
      {"[1:2:3:4:5:6:7::]:1", "[1:2:3:4:5:6:7:0]:1"},
      {"[::ffff:1.2.3.4]:9", "1.2.3.4:9"},
  };
  for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
    struct yeon_addr addr;
    char buf[54];
    assert_int_equal(yeon_addr_parse(good[i][0], &addr), 0);
    assert_ptr_equal(yeon_addr_format(&addr, buf, sizeof(buf)), buf);
    assert_string_equal(buf, good[i][1]);
  }
  static const char *const bad[] = {
      "",
      "10.0.0.1",
      "10.0.0.1:",
      "10.0.0.1:65536",
      "10.0.0.1:080",
      "10.0.0.1:80 ",
      "10.0.0.1: 80",
      "10.0.0.1:-1",
      "10.0.0.1:+1",
      "fd00::1:80",
      "[fd00::1]",
      "[fd00::1]80",
      "[fd00::1]:",
      "[fd00::1:80",
      "[10.0.0.1]:80",
      "[]:80",
      "[fd00::1]]:8",
      ":80",
      "[::1%lo]:80",
      "1.2.3.4:80x",
      "1.2.3.4:4294967376",
  };
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    struct yeon_addr addr, before;
    memset(&addr, 0x77, sizeof(addr));
    before = addr;
    assert_int_equal(yeon_addr_parse(bad[i], &addr), YEON_ERR_ADDRESS);
    assert_memory_equal(&addr, &before, sizeof(addr));
  }
}

static void test_longest(void **state)
{
  (void)state;
  struct yeon_addr addr = {.port = 65535};
  memset(addr.ip.b, 0xff, 16);
  char full[54], cut[60];
  yeon_addr_format(&addr, full, sizeof(full));
  assert_string_equal(full, "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
  for (size_t size = 0; size < sizeof(full); size++) {
    memset(cut, '#', sizeof(cut));
    assert_ptr_equal(yeon_addr_format(&addr, cut, size), cut);
    assert_int_equal(cut[size], '#');
    if (size == 0) continue;
    size_t len = size - 1 < strlen(full) ? size - 1 : strlen(full);
    assert_int_equal(strlen(cut), len);
    assert_memory_equal(cut, full, len);
    memset(cut, '#', sizeof(cut));
    yeon_ip_format(&addr.ip, cut, size);
    assert_int_equal(cut[size], '#');
    assert_true(strlen(cut) < size);
  }
}

static void test_kinds(void **state)
{
  (void)state;
  struct yeon_ip any4 = yeon_ip4(0, 0, 0, 0), any6 = {{0}}, ip = yeon_ip4(10, 1, 2, 3), other;
  assert_true(yeon_ip_is4(&any4) && yeon_ip_is_any(&any4));
  assert_true(!yeon_ip_is4(&any6) && yeon_ip_is_any(&any6));
  assert_true(yeon_ip_is4(&ip) && !yeon_ip_is_any(&ip));
  assert_false(yeon_ip_equal(&any4, &any6));
  assert_int_equal(yeon_ip_parse("10.1.2.3", &other), 0);
  assert_true(yeon_ip_equal(&ip, &other));
  for (unsigned i = 0; i < 16; i++) {
    other = any6;
    other.b[i] = 1;
    assert_false(yeon_ip_is_any(&other) || yeon_ip_is4(&other) || yeon_ip_equal(&other, &any6));
    other = any4;
    other.b[i] ^= 1;
    assert_false(yeon_ip_is_any(&other));
    assert_int_equal(yeon_ip_is4(&other), i >= 12);
  }
}

static void test_random_addresses(void **state)
{
  (void)state;
  struct rng r;
  rng_seed(&r, 1);
  for (unsigned i = 0; i < 100000; i++) {
    struct yeon_ip ip, again;
    for (unsigned k = 0; k < 8; k++) {
      uint32_t group = rng_below(&r, 2) ? 0 : rng_below(&r, 0x10000) >> rng_below(&r, 16);
      ip.b[2 * k] = (uint8_t)(group >> 8);
      ip.b[2 * k + 1] = (uint8_t)group;
    }
    if (rng_below(&r, 8) == 0) ip = yeon_ip4(ip.b[0], ip.b[1], ip.b[2], ip.b[3]);
    char mine[46], theirs[INET6_ADDRSTRLEN];
    yeon_ip_format(&ip, mine, sizeof(mine));
    assert_int_equal(yeon_ip_parse(mine, &again), 0);
    assert_true(yeon_ip_equal(&ip, &again));
    if (yeon_ip_is4(&ip)) {
      assert_non_null(inet_ntop(AF_INET, ip.b + 12, theirs, sizeof(theirs)));
    } else {
      assert_non_null(inet_ntop(AF_INET6, ip.b, theirs, sizeof(theirs)));
      if (strchr(theirs, '.') != NULL) continue; /* the compatible form, which RFC 5952 leaves open */
    }
    assert_string_equal(mine, theirs);
  }
}

static void test_random_texts(void **state)
{
  (void)state;
  static const char letters[] = "0123456789abcdefABCDEF::::....g%/ []";
  static const char *const seeds[] = {
      "::", "1:2:3:4:5:6:7:8", "fd00::1", "::ffff:10.20.30.40", "1::2:3:4:5:6:7", "192.168.0.1"};
  struct rng r;
  rng_seed(&r, 2);
  unsigned good = 0, bad = 0;
  for (unsigned i = 0; i < 300000; i++) {
    char text[64];
    size_t len = strlen(strcpy(text, seeds[rng_below(&r, 6)]));
    for (uint32_t changes = rng_below(&r, 4); changes > 0; changes--) {
      size_t at = rng_below(&r, (uint32_t)len + 1);
      char letter = letters[rng_below(&r, sizeof(letters) - 1)];
      if (rng_below(&r, 3) == 0 && at < len) {
        memmove(text + at, text + at + 1, len - at);
        len--;
      } else if (rng_below(&r, 2) == 0 && at < len) {
        text[at] = letter;
      } else {
        memmove(text + at + 1, text + at, len - at + 1);
        text[at] = letter;
        len++;
      }
    }
    struct yeon_ip mine, theirs = yeon_ip4(0, 0, 0, 0);
    int accepted = strchr(text, ':') ? inet_pton(AF_INET6, text, theirs.b) : inet_pton(AF_INET, text, theirs.b + 12);
    int result = yeon_ip_parse(text, &mine);
    if ((accepted == 1) != (result == 0)) fail_msg("\"%s\": the C library says %d, yeon %d", text, accepted, result);
    if (result == 0) assert_true(yeon_ip_equal(&mine, &theirs));
    result == 0 ? good++ : bad++;
  }
  assert_true(good > 50000 && bad > 50000);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ip_good),      cmocka_unit_test(test_ip_bad), cmocka_unit_test(test_addr),
      cmocka_unit_test(test_longest),      cmocka_unit_test(test_kinds),  cmocka_unit_test(test_random_addresses),
      cmocka_unit_test(test_random_texts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
