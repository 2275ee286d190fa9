/* pcapng: the blocks, byte by byte, as a reader walks them. */
#include "test_watch_util.h"

#define FILE_MAX 65536

struct file {
  uint8_t bytes[FILE_MAX];
  size_t len, limit;
};

static bool write_file(void *ctx, const void *bytes, size_t len)
{
  struct file *f = ctx;
  if (f->len + len > f->limit) return false;
  memcpy(f->bytes + f->len, bytes, len);
  f->len += len;
  return true;
}

static uint32_t get32(const uint8_t *p)
{
  return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}
static uint32_t get16(const uint8_t *p) { return (uint32_t)p[0] | (uint32_t)p[1] << 8; }

/* The n-th block of a type; NULL: there is none. Every length is checked on the way. */
static const uint8_t *block(const struct file *f, uint32_t type, unsigned n)
{
  for (size_t at = 0; at < f->len;) {
    const uint8_t *p = f->bytes + at;
    uint32_t len = get32(p + 4);
    assert_true(len >= 12 && len % 4 == 0 && at + len <= f->len);
    assert_int_equal(get32(p + len - 4), len);
    if (get32(p) == type && n-- == 0) return p;
    at += len;
  }
  return NULL;
}

/* The text of an enhanced packet's comment; empty without one. */
static void comment_of(const uint8_t *p, char *text, size_t size)
{
  size_t at = 28 + (get32(p + 20) + 3u) / 4 * 4;
  text[0] = '\0';
  while (get16(p + at) != 0) {
    uint32_t code = get16(p + at), len = get16(p + at + 2);
    assert_true(at + 4 + len <= get32(p + 4) - 4);
    if (code == 1) snprintf(text, size, "%.*s", (int)len, (const char *)p + at + 4);
    at += 4 + (len + 3u) / 4 * 4;
  }
}

static void tap(struct yeon_pcapng *pcap, unsigned interface, enum yeon_cable_moment moment, uint64_t number,
                yeon_time sent_at, yeon_time at, bool duplicate, size_t len)
{
  static const uint8_t bytes[64] = {0x45};
  struct yeon_frame frame;
  yeon_frame_from_bytes(&frame, bytes, len);
  struct yeon_cable_tap t = {
      .moment = moment, .number = number, .sent_at = sent_at, .at = at, .frame = &frame, .duplicate = duplicate};
  yeon_pcapng_frame(pcap, interface, &t);
}

static void test_blocks(void **unused)
{
  (void)unused;
  static struct file f;
  struct yeon_pcapng *pcap;
  f = (struct file){.limit = FILE_MAX};
  assert_int_equal(yeon_pcapng_new(&pcap, write_file, &f), 0);
  assert_int_equal(yeon_pcapng_interface(pcap, "client, cable 1", false), 0);
  assert_int_equal(yeon_pcapng_interface(pcap, "server, cable 1", true), 1);
  yeon_time at = 5 * YEON_SEC * 1000 + 7;
  tap(pcap, 1, YEON_MOMENT_SENT, 1, at, at, false, 21);
  tap(pcap, 1, YEON_MOMENT_DELIVERED, 1, at, at + 1, false, 21);
  assert_int_equal(yeon_pcapng_close(pcap), 0);
  const uint8_t *section = block(&f, 0x0a0d0d0a, 0), *first = block(&f, 1, 0), *second = block(&f, 1, 1),
                *packet = block(&f, 6, 0);
  assert_int_equal(get32(section + 8), 0x1a2b3c4d);
  assert_int_equal(get16(first + 8), 101);
  assert_int_equal(get16(second + 8), 1);
  assert_non_null(packet);
  assert_int_equal(get32(packet + 8), 1);
  assert_int_equal((int64_t)((uint64_t)get32(packet + 12) << 32 | get32(packet + 16)), at);
  assert_int_equal(get32(packet + 20), 21);
  assert_int_equal(get32(packet + 24), 21);
  assert_int_equal(packet[28], 0x45);
  assert_null(block(&f, 6, 1));
}

/* In the order they were sent, each with what became of it. */
static void test_fates(void **unused)
{
  (void)unused;
  static struct file f;
  static const struct {
    enum yeon_cable_moment moment;
    const char *comment;
  } cases[] = {{YEON_MOMENT_SWALLOWED, "swallowed by the cut cable"},
               {YEON_MOMENT_DELIVERED, ""},
               {YEON_MOMENT_LOST, "lost on the cable"},
               {YEON_MOMENT_QUEUE_FULL, "dropped: the sender's queue was full"}};
  struct yeon_pcapng *pcap;
  f = (struct file){.limit = FILE_MAX};
  assert_int_equal(yeon_pcapng_new(&pcap, write_file, &f), 0);
  yeon_pcapng_interface(pcap, "a", false);
  for (unsigned i = 0; i < 4; i++) tap(pcap, 0, YEON_MOMENT_SENT, i + 1, i * YEON_MS, i * YEON_MS, false, 20 + i);
  for (unsigned i = 4; i-- > 0;) tap(pcap, 0, cases[i].moment, i + 1, i * YEON_MS, 20 * YEON_MS, false, 20 + i);
  tap(pcap, 0, YEON_MOMENT_DELIVERED, 2, YEON_MS, 20 * YEON_MS, true, 21);
  assert_int_equal(yeon_pcapng_close(pcap), 0);
  for (unsigned i = 0; i < 4; i++) {
    char text[100];
    const uint8_t *p = block(&f, 6, i);
    assert_non_null(p);
    assert_int_equal(get32(p + 20), 20 + i);
    comment_of(p, text, sizeof text);
    assert_string_equal(text, i == 1 ? "arrived twice" : cases[i].comment);
  }
}

static void test_write_errors_are_told(void **unused)
{
  (void)unused;
  static struct file f;
  struct yeon_pcapng *pcap = NULL;
  f = (struct file){.limit = 10};
  assert_int_equal(yeon_pcapng_new(&pcap, write_file, &f), YEON_ERR_IO);
  f = (struct file){.limit = 200};
  assert_int_equal(yeon_pcapng_new(&pcap, write_file, &f), 0);
  int n = yeon_pcapng_interface(pcap, "a", false);
  assert_int_equal(n, 0);
  for (unsigned i = 0; i < 10; i++) yeon_pcapng_bytes(pcap, 0, true, 0, "0123456789", 10, "a comment");
  assert_int_equal(yeon_pcapng_close(pcap), YEON_ERR_IO);
  assert_int_equal(yeon_pcapng_close(NULL), 0);
}

/* A frame whose fate is never told is in the file all the same. */
static void test_unknown_fate(void **unused)
{
  (void)unused;
  static struct file f;
  struct yeon_pcapng *pcap;
  f = (struct file){.limit = FILE_MAX};
  assert_int_equal(yeon_pcapng_new(&pcap, write_file, &f), 0);
  yeon_pcapng_interface(pcap, "a", false);
  tap(pcap, 0, YEON_MOMENT_SENT, 1, 0, 0, false, 20);
  assert_null(block(&f, 6, 0));
  assert_int_equal(yeon_pcapng_close(pcap), 0);
  assert_non_null(block(&f, 6, 0));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_blocks),
      cmocka_unit_test(test_fates),
      cmocka_unit_test(test_write_errors_are_told),
      cmocka_unit_test(test_unknown_fate),
  };
  return cmocka_run_group_tests_name("watch_pcapng", tests, NULL, NULL);
}
