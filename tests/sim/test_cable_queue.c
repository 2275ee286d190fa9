/* What a cable's queue and line do: CoDel, marks, the token bucket, a trace; and all of it at once, changed at any time. */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "cable_util.h"

#define MTU 1500u

/* An IPv4 header of this type of service with a good checksum, and zeros up to len bytes. */
static void put_ip4(struct yeon_cable *cable, uint8_t tos, uint16_t id, uint32_t len, yeon_time now)
{
  static const uint8_t zeros[65536];
  uint8_t ip[20] = {0x45, tos, (uint8_t)(len >> 8), (uint8_t)len, (uint8_t)(id >> 8), (uint8_t)id, 0x40, 0, 64, 6,
                    0,    0,   10, 0, 0, 1, 10, 0, 0, 2};
  uint32_t sum = 0;
  for (unsigned i = 0; i < 20; i += 2) sum += (uint32_t)ip[i] << 8 | ip[i + 1];
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  ip[10] = (uint8_t)(~sum >> 8);
  ip[11] = (uint8_t)~sum;
  struct yeon_frame frame;
  yeon_frame_from_bytes(&frame, ip, sizeof ip);
  frame.slice[1] = (struct yeon_slice){zeros, len - sizeof ip};
  frame.n_slices = 2;
  frame.len = len;
  assert_int_equal(yeon_cable_put(cable, AB, &frame, now), 0);
}

static void assert_checksum(const uint8_t *ip)
{
  uint32_t sum = 0;
  for (unsigned i = 0; i < 20; i += 2) sum += (uint32_t)ip[i] << 8 | ip[i + 1];
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  assert_int_equal(sum, 0xffff);
}

/* ---- CoDel */

struct drops {
  yeon_time at[4096];
  uint64_t number[4096];
  unsigned n, marked;
};

static void note(void *ctx, const struct yeon_cable_tap *tap)
{
  struct drops *d = ctx;
  if (tap->direction != AB) return;
  d->marked += tap->moment == YEON_MOMENT_DELIVERED && tap->marked;
  if (tap->moment != YEON_MOMENT_CODEL) return;
  d->at[d->n] = tap->at;
  d->number[d->n++] = tap->number;
}

/* 12 Mbit/s: a frame of 1500 bytes a millisecond. */
static const struct yeon_cable_way codel_way = {.rate_bps = 12000000, .codel_target_us = 5000};

static struct yeon_cable *codel_cable(const struct yeon_cable_way *way, struct drops *d)
{
  *d = (struct drops){.n = 0};
  struct yeon_cable *cable = new_cable(*way, 1);
  yeon_cable_set_tap(cable, note, d);
  return cable;
}

/* Calls the cable whenever it wants to be called, until `until`. */
static void drain(struct yeon_cable *cable, yeon_time until)
{
  struct yeon_frame frame;
  while (yeon_cable_next(cable) <= until) {
    yeon_time at = yeon_cable_next(cable);
    while (yeon_cable_take(cable, AB, &frame, 1, at) == 1) {
    }
  }
}

/* A frame every 900 us from `from` on: the queue grows for as long as nothing is dropped. Until so many frames were put. */
static void overload(struct yeon_cable *cable, unsigned frames, yeon_time from, yeon_time gap)
{
  for (unsigned i = 0; i < frames; i++) {
    yeon_time now = from + (yeon_time)i * gap;
    drain(cable, now);
    put_ip4(cable, 0, (uint16_t)i, MTU, now);
  }
}

/* RFC 8289 5.5, 5.6. Frame k (from 0) is put at 0.9k ms and, while none is dropped, leaves the queue at k ms: it has waited 0.1k ms, 5 ms at first for frame
 * 50. 100 ms later dropping begins, with frame 150, and goes on at t + 100 ms / sqrt(1), then / sqrt(2) ...: at the first frame to
 * leave from then on. Dropped frames take no time of the line, so frames leave on whole milliseconds throughout. */
static void codel_follows_the_control_law(void **state)
{
  (void)state;
  static struct drops d;
  struct yeon_cable *cable = codel_cable(&codel_way, &d);
  overload(cable, 3000, 0, 900 * YEON_US);
  assert_true(d.n >= 40);
  assert_int_equal(d.number[0], 151); /* counted from 1 */
  double next_ms = 150;
  for (unsigned k = 0; k < 40; k++) {
    assert_int_equal(d.at[k], (yeon_time)ceil(next_ms - 1e-9) * YEON_MS);
    next_ms += 100 / sqrt(k + 1.0);
  }
  assert_int_equal(stats_of(cable, AB).codel, d.n);
  assert_conserved(cable, AB);
  yeon_cable_free(cable);
}

/* Dropping that stopped less than 16 intervals ago goes on at the pace that it had: count is what it grew by last time. */
static void codel_remembers_its_pace(void **state)
{
  (void)state;
  static struct drops d;
  for (unsigned late = 0; late < 2; late++) {
    struct yeon_cable *cable = codel_cable(&codel_way, &d);
    overload(cable, 1000, 0, 900 * YEON_US);
    unsigned first = d.n;
    yeon_time again = late ? 10 * YEON_SEC : 1200 * YEON_MS;
    drain(cable, again);
    assert_int_equal(stats_of(cable, AB).inside, 0);
    unsigned before = d.n;
    assert_true(before > 12 && before >= first);
    overload(cable, 500, again, 900 * YEON_US);
    assert_true(d.n > before + 2);
    double gap = late ? 100 : 100 / sqrt(before - 1.0); /* count - last_count: all but the first */
    double got = (double)(d.at[before + 1] - d.at[before]) / YEON_MS;
    if (got < gap || got >= gap + 1) fail_msg("%.3f ms, expected %.3f and less than one more", got, gap);
    yeon_cable_free(cable);
  }
}

static void codel_lets_good_queues_be(void **state)
{
  (void)state;
  static struct drops d;
  struct yeon_cable *cable = codel_cable(&codel_way, &d);
  for (unsigned burst = 0; burst < 50; burst++) { /* 60 ms of queue each, gone before 100 ms have passed */
    drain(cable, (yeon_time)burst * 90 * YEON_MS);
    for (unsigned i = 0; i < 60; i++) put_ip4(cable, 0, 0, MTU, (yeon_time)burst * 90 * YEON_MS);
  }
  drain(cable, 10 * YEON_SEC);
  assert_int_equal(d.n, 0);
  yeon_cable_free(cable);
  /* 100 kbit/s: every frame takes 120 ms and so waits longer than the target, but never is more than one behind. */
  struct yeon_cable_way slow = codel_way;
  slow.rate_bps = 100000;
  cable = codel_cable(&slow, &d);
  for (unsigned i = 0; i < 2; i++) put_ip4(cable, 0, 0, MTU, 0);
  overload(cable, 100, 0, 120 * YEON_MS);
  assert_int_equal(d.n, 0);
  yeon_cable_free(cable);
}

static void codel_marks_what_can_be_marked(void **state)
{
  (void)state;
  static struct drops d, dropped;
  struct yeon_cable_way way = codel_way;
  struct yeon_cable *cable = codel_cable(&way, &dropped);
  overload(cable, 2000, 0, 900 * YEON_US);
  yeon_cable_free(cable);
  way.codel_marks = 1;
  cable = codel_cable(&way, &d);
  overload(cable, 2000, 0, 900 * YEON_US); /* says nothing of ECN */
  assert_int_equal(d.n, dropped.n);
  assert_int_equal(stats_of(cable, AB).marked, 0);
  yeon_cable_free(cable);
  cable = codel_cable(&way, &d);
  for (unsigned i = 0; i < 2000; i++) {
    drain(cable, (yeon_time)i * 900 * YEON_US);
    put_ip4(cable, 2, (uint16_t)i, MTU, (yeon_time)i * 900 * YEON_US);
  }
  drain(cable, 10 * YEON_SEC);
  assert_int_equal(d.n, 0);
  unsigned want = 0; /* by the same law; the last frame with more than one behind it leaves at 1997 ms */
  for (double next_ms = 150; ceil(next_ms - 1e-9) <= 1997; next_ms += 100 / sqrt(want)) want++;
  assert_int_equal(d.marked, want);
  assert_int_equal(stats_of(cable, AB).marked, d.marked);
  yeon_cable_free(cable);
}

/* ---- marks above a threshold */

static void marks_above_the_threshold(void **state)
{
  (void)state;
  struct yeon_cable *cable = new_cable((struct yeon_cable_way){.rate_bps = 12000000, .mark_bytes = 3000}, 1);
  const uint8_t tos[] = {0x02, 0x02, 0x02, 0x02, 0xb9, 0x00, 0x03, 0xba};
  const uint8_t out[] = {0x02, 0x02, 0x02, 0x02, 0xbb, 0x00, 0x03, 0xbb}; /* the fifth finds 4500 bytes waiting */
  for (unsigned i = 0; i < 8; i++) put_ip4(cable, tos[i], (uint16_t)(i * 7919), MTU, 0);
  struct yeon_frame frame;
  for (unsigned i = 0; i < 8; i++) {
    assert_int_equal(yeon_cable_take(cable, AB, &frame, 1, YEON_SEC), 1);
    const uint8_t *ip = frame.slice[0].base;
    assert_int_equal(ip[1], out[i]);
    assert_checksum(ip);
  }
  assert_int_equal(stats_of(cable, AB).marked, 3); /* one of them had been marked elsewhere */
  assert_int_equal(stats_of(cable, AB).delivered, 8);
  yeon_cable_free(cable);
}

/* Every header that can be, as far as the sum goes: the checksum mended is the checksum computed anew. */
static void a_mark_mends_the_checksum(void **state)
{
  (void)state;
  struct yeon_cable *cable = new_cable((struct yeon_cable_way){.rate_bps = 1000, .mark_bytes = 1}, 1);
  put_ip4(cable, 0, 0, 60, 0);
  put_ip4(cable, 0, 0, 60, 0);
  struct yeon_frame frame;
  for (uint32_t id = 0; id < 65536; id++) {
    put_ip4(cable, (uint8_t)(id % 64 << 2 | (id & 1) << 1 | (~id & 1)), (uint16_t)id, 20 + id % 40 + 1, 0);
    if (id % 256 != 255) continue;
    while (yeon_cable_take(cable, AB, &frame, 1, YEON_TIME_LAST) == 1) assert_checksum(frame.slice[0].base);
    yeon_cable_free(cable);
    cable = new_cable((struct yeon_cable_way){.rate_bps = 1000, .mark_bytes = 1}, 1);
    put_ip4(cable, 0, 0, 60, 0);
    put_ip4(cable, 0, 0, 60, 0);
  }
  yeon_cable_free(cable);
}

/* An IPv6 packet behind an Ethernet header, one that is too short, and one that is no IP at all. */
static void marks_only_ip(void **state)
{
  (void)state;
  struct yeon_cable *cable = new_cable((struct yeon_cable_way){.rate_bps = 12000000, .mark_bytes = 1}, 1);
  uint8_t six[60] = {[14] = 0x6a, [15] = 0x2f, [20] = 6}, arp[60] = {[15] = 1, [16] = 8}, shorter[20] = {[14] = 0x45, 2};
  struct yeon_frame frame;
  const struct {
    uint8_t *bytes;
    uint32_t len;
  } rows[] = {{arp, 60}, {arp, 60}, {six, 60}, {arp, 60}, {shorter, 20}};
  for (unsigned i = 0; i < 5; i++) {
    yeon_frame_from_bytes(&frame, rows[i].bytes, rows[i].len);
    frame.l3_offset = 14;
    assert_int_equal(yeon_cable_put(cable, AB, &frame, 0), 0);
  }
  for (unsigned i = 0; i < 5; i++) {
    assert_int_equal(yeon_cable_take(cable, AB, &frame, 1, YEON_SEC), 1);
    if (i == 2) six[15] = 0x3f;
    assert_memory_equal(frame.slice[0].base, rows[i].bytes, rows[i].len);
  }
  assert_int_equal(stats_of(cable, AB).marked, 1);
  yeon_cable_free(cable);
}

/* ---- the token bucket */

static void a_bucket_lets_a_burst_through(void **state)
{
  (void)state;
  /* A byte a microsecond, and 3000 at once. */
  struct yeon_cable *cable = new_cable((struct yeon_cable_way){.rate_bps = 8000000, .bucket_bytes = 3000}, 1);
  const struct {
    yeon_time put_us, due_us;
    uint32_t len;
  } rows[] = {{0, 0, 1000},      {0, 0, 1000},       {0, 0, 1000},       {0, 1000, 1000},    {0, 2000, 1000},
              {3500, 3500, 1000}, {3500, 4000, 1000}, {9000, 9000, 3000}, {9000, 9060, 60}, /* full again at 7000 */
              {20000, 21000, 4000}}; /* longer than the bucket is deep: it pays for what is beyond */
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    yeon_time due = rows[i].due_us * YEON_US;
    put_number(cable, AB, i, rows[i].len, rows[i].put_us * YEON_US);
    if (i + 1 < sizeof rows / sizeof rows[0] && rows[i + 1].put_us == rows[i].put_us) continue;
    for (unsigned k = 0; k <= i; k++) {
      if (rows[k].put_us != rows[i].put_us) continue;
      due = rows[k].due_us * YEON_US;
      assert_int_equal(yeon_cable_next(cable), due);
      assert_int_equal(take_number(cable, AB, due), k);
    }
  }
  yeon_cable_free(cable);
}

/* At rates that divide nothing evenly, to the nanosecond: a frame leaves when all bytes so far, less the bucket, have had their time. */
static void a_bucket_is_exact(void **state)
{
  (void)state;
  const uint64_t rates[] = {3000001, 999999937, 10000000000};
  const uint32_t len = 1499, bucket = 10007;
  for (unsigned r = 0; r < 3; r++) {
    struct yeon_cable *cable = new_cable((struct yeon_cable_way){.rate_bps = rates[r], .bucket_bytes = bucket}, 1);
    for (uint32_t i = 0; i < 5000; i++) put_number(cable, AB, i, len, 0);
    for (uint32_t i = 0; i < 5000; i++) {
      int64_t bytes = (int64_t)(i + 1) * len - bucket;
      uint64_t bits = bytes > 0 ? (uint64_t)bytes * 8 * 1000000000 : 0;
      yeon_time due = (yeon_time)((bits + rates[r] - 1) / rates[r]);
      assert_int_equal(yeon_cable_next(cable), due);
      assert_int_equal(take_number(cable, AB, due), i);
    }
    yeon_cable_free(cable);
  }
}

/* ---- a trace */

static struct yeon_cable *trace_cable(const uint32_t *ms, size_t n)
{
  struct yeon_cable_trace *trace;
  assert_int_equal(yeon_cable_trace_new(&trace, ms, n), 0);
  struct yeon_cable *cable = new_cable((struct yeon_cable_way){.trace = trace}, 1);
  yeon_cable_trace_release(trace); /* the cable has its own */
  return cable;
}

static void a_trace_is_replayed_exactly(void **state)
{
  (void)state;
  const uint32_t ms[] = {1, 1, 5, 10};
  struct yeon_cable *cable = trace_cable(ms, 4);
  const yeon_time due_ms[] = {1, 1, 5, 10, 11, 11, 15, 20, 21};
  for (uint32_t i = 0; i < 9; i++) put_number(cable, AB, i, MTU, 0);
  for (uint32_t i = 0; i < 9; i++) {
    assert_int_equal(yeon_cable_next(cable), due_ms[i] * YEON_MS);
    assert_int_equal(take_number(cable, AB, due_ms[i] * YEON_MS), i);
  }
  put_number(cable, AB, 9, MTU, 22 * YEON_MS); /* the second of 21 has gone by unused */
  assert_int_equal(yeon_cable_next(cable), 25 * YEON_MS);
  put_number(cable, AB, 10, MTU, 25 * YEON_MS); /* who comes with the stamp is late for it */
  assert_int_equal(take_number(cable, AB, 25 * YEON_MS), 9);
  assert_int_equal(yeon_cable_next(cable), 30 * YEON_MS);
  assert_int_equal(take_number(cable, AB, 30 * YEON_MS), 10);
  put_number(cable, AB, 11, 60, 1000000003 * YEON_MS);
  assert_int_equal(yeon_cable_next(cable), 1000000005 * YEON_MS);
  yeon_cable_free(cable);
}

/* 2996 + 4 bytes need two stamps of 1504 and leave 8 of them; 746 + 4 share one. */
static void stamps_are_shared_and_spanned(void **state)
{
  (void)state;
  const uint32_t ms[] = {2, 4, 6, 8, 100};
  struct yeon_cable *cable = trace_cable(ms, 5);
  const uint32_t len[] = {2996, 4, 746, 746, 746, 60};
  const yeon_time due_ms[] = {4, 4, 6, 6, 8, 8};
  for (uint32_t i = 0; i < 6; i++) put_number(cable, AB, i, len[i], 0);
  for (uint32_t i = 0; i < 6; i++) {
    assert_int_equal(yeon_cable_next(cable), due_ms[i] * YEON_MS);
    assert_int_equal(take_number(cable, AB, due_ms[i] * YEON_MS), i);
  }
  yeon_cable_free(cable);
}

static void a_trace_begins_when_it_is_set(void **state)
{
  (void)state;
  const uint32_t ms[] = {1, 3};
  struct yeon_cable_trace *trace;
  assert_int_equal(yeon_cable_trace_new(&trace, ms, 2), 0);
  assert_int_equal(yeon_cable_trace_length_ms(trace), 3);
  assert_int_equal(yeon_cable_trace_bps(trace), 2 * 1504 * 8 * 1000 / 3);
  struct yeon_cable *cable = new_cable((struct yeon_cable_way){.rate_bps = 12000000}, 1);
  for (uint32_t i = 0; i < 5; i++) put_number(cable, AB, i, MTU, 0);
  struct yeon_cable_way way = {.trace = trace};
  assert_int_equal(yeon_cable_set(cable, YEON_CABLE_BOTH, &way, 500 * YEON_US), 0);
  yeon_cable_trace_release(trace);
  const yeon_time due_us[] = {1000, 1500, 3500, 4510}; /* the first as it was planned, and then the third */
  for (uint32_t i = 0; i < 2; i++) assert_int_equal(take_number(cable, AB, due_us[i] * YEON_US), i);
  yeon_cable_get(cable, AB, &way);
  way.delay_us = 10; /* changes nothing about where the trace is */
  assert_int_equal(yeon_cable_set(cable, YEON_CABLE_MASK_AB, &way, 2 * YEON_MS), 0);
  for (uint32_t i = 2; i < 4; i++) {
    assert_int_equal(yeon_cable_next(cable), due_us[i] * YEON_US);
    assert_int_equal(take_number(cable, AB, due_us[i] * YEON_US), i);
  }
  yeon_cable_free(cable);
}

static void write_file(const char *path, const char *text)
{
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  fputs(text, f);
  fclose(f);
}

static void traces_come_from_files(void **state)
{
  (void)state;
  char path[] = "/tmp/yeon-trace-XXXXXX";
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  close(fd);
  const struct {
    const char *text;
    int error;
    unsigned line;
  } rows[] = {{"0\n1\n1\n500\n", 0, 0},          {"7\r\n9", 0, 0},
              {"", YEON_ERR_INVALID, 0},          {"0\n0\n", YEON_ERR_INVALID, 0},
              {"1\n\n2\n", YEON_ERR_INVALID, 2},  {"1\n2\n1\n", YEON_ERR_INVALID, 3},
              {"-1\n", YEON_ERR_INVALID, 1},      {"1.5\n", YEON_ERR_INVALID, 1},
              {"4294967295\n", 0, 0},             {"1\n4294967296\n", YEON_ERR_INVALID, 2}};
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct yeon_cable_trace *trace;
    unsigned line = 99;
    write_file(path, rows[i].text);
    assert_int_equal(yeon_cable_trace_load(&trace, path, &line), rows[i].error);
    assert_int_equal(line, rows[i].line);
    assert_true((trace != NULL) == (rows[i].error == 0));
    yeon_cable_trace_release(trace);
  }
  unlink(path);
  struct yeon_cable_trace *trace;
  assert_int_equal(yeon_cable_trace_load(&trace, path, NULL), YEON_ERR_IO);
  const uint32_t falling[] = {2, 1};
  assert_int_equal(yeon_cable_trace_new(&trace, falling, 2), YEON_ERR_INVALID);
  assert_int_equal(yeon_cable_trace_new(&trace, falling, 0), YEON_ERR_INVALID);
  yeon_cable_trace_release(NULL);
}

/* ---- everything, changed at any time */

static uint64_t draw(uint64_t *x)
{
  *x ^= *x << 13;
  *x ^= *x >> 7;
  *x ^= *x << 17;
  return *x;
}

static struct yeon_cable_way any_way(uint64_t *x, struct yeon_cable_trace *trace)
{
  struct yeon_cable_way way = {.delay_us = (uint32_t)(draw(x) % 4 * 3000), .rate_bps = draw(x) % 5 * 3000000};
  if (draw(x) % 2) way.queue_bytes = 20000;
  if (draw(x) % 3 == 0) way.loss_ppm = 50000;
  if (draw(x) % 3 == 0) way.duplicate_ppm = 100000;
  if (draw(x) % 3 == 0) way.bucket_bytes = 6000;
  if (draw(x) % 2) way.codel_target_us = 1000;
  if (draw(x) % 2) way.codel_interval_us = 5000;
  if (draw(x) % 2) way.codel_marks = 1;
  if (draw(x) % 3 == 0) way.mark_bytes = 5000;
  if (draw(x) % 4 == 0) way.trace = trace;
  return way;
}

struct order {
  int64_t newest;
  uint64_t dropped;
};

static void act(struct yeon_cable *cable, uint64_t *x, struct yeon_cable_trace *trace, yeon_time now)
{
  uint64_t what = draw(x) % 100;
  if (what == 0) yeon_cable_cut(cable, YEON_CABLE_MASK_AB, now);
  if (what <= 2) yeon_cable_join(cable, YEON_CABLE_BOTH, now);
  if (what > 95) {
    struct yeon_cable_way way = any_way(x, trace);
    assert_int_equal(yeon_cable_set(cable, YEON_CABLE_BOTH, &way, now), 0);
  }
}

/* Whatever is set and when: every frame has one fate, none passes another, and what the cable says comes next does. */
static void any_setting_at_any_time(void **state)
{
  (void)state;
  const uint32_t ms[] = {0, 1, 1, 1, 2, 3, 9};
  struct yeon_cable_trace *trace;
  assert_int_equal(yeon_cable_trace_new(&trace, ms, 7), 0);
  uint64_t codel = 0, marked = 0;
  for (uint64_t seed = 1; seed <= 400; seed++) {
    uint64_t x = seed * 0x9e3779b97f4a7c15u;
    struct yeon_cable *cable = new_cable(any_way(&x, trace), seed);
    yeon_time now = 0;
    int64_t newest = -1;
    for (uint32_t i = 0; i < 400; i++) {
      now += (yeon_time)(draw(&x) % 900) * YEON_US;
      if (draw(&x) % 4 == 0 && yeon_cable_next(cable) > now && yeon_cable_next(cable) < now + YEON_SEC)
        now = yeon_cable_next(cable);
      act(cable, &x, trace, now);
      for (uint64_t n = draw(&x) % 4; n > 0; n--) put_ip4(cable, i % 2 ? 2 : 0, (uint16_t)i, 300 + i, now);
      struct yeon_frame frame;
      while (draw(&x) % 8 != 0 && yeon_cable_take(cable, AB, &frame, 1, now) == 1) {
        int64_t number = (int64_t)frame.len - 300;
        assert_true(number >= newest);
        newest = number;
      }
      assert_conserved(cable, AB);
    }
    codel += stats_of(cable, AB).codel;
    marked += stats_of(cable, AB).marked;
    yeon_cable_free(cable);
  }
  assert_true(codel > 100 && marked > 100);
  yeon_cable_trace_release(trace);
}

static void names_the_queue_setting_that_is_wrong(void **state)
{
  (void)state;
  const struct {
    struct yeon_cable_way way;
    const char *field;
  } rows[] = {{{.reorder_up_to_us = 1000000001}, "reorder_up_to_us"},
              {{.bucket_bytes = 1000000001}, "bucket_bytes"},
              {{.codel_target_us = 1000000001}, "codel_target_us"},
              {{.codel_interval_us = 1000000001}, "codel_interval_us"},
              {{.codel_marks = 2}, "codel_marks"}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const char *field = NULL;
    assert_int_equal(yeon_cable_way_check(&rows[i].way, &field), YEON_ERR_INVALID);
    assert_string_equal(field, rows[i].field);
  }
  assert_true(yeon_cable_way_perfect(&(struct yeon_cable_way){.queue_bytes = 5, .codel_target_us = 5}));
  assert_false(yeon_cable_way_perfect(&(struct yeon_cable_way){.rate_bps = 5}));
  const uint32_t ms[] = {1, 12345};
  struct yeon_cable_way way = {.queue_bytes = 3000, .mark_bytes = 2000, .codel_target_us = 5000, .codel_interval_us = 90000};
  char text[YEON_CABLE_TEXT];
  assert_int_equal(yeon_cable_trace_new(&way.trace, ms, 2), 0);
  assert_string_equal(yeon_cable_way_format(&way, text, sizeof text),
                      "trace of 12.345 s (1 kbit/s), queue 3000 bytes, marks above 2000 bytes, CoDel 5 ms, interval 90 ms");
  yeon_cable_trace_release(way.trace);
  way = (struct yeon_cable_way){.rate_bps = 5000000, .bucket_bytes = 15000, .codel_target_us = 1, .codel_marks = 1,
                                .reorder_ppm = 30000, .reorder_up_to_us = 10000};
  assert_string_equal(yeon_cable_way_format(&way, text, sizeof text),
                      "5 Mbit/s, bucket 15000 bytes, CoDel (marks) 1 us, reorder 3%, by up to 10 ms");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(codel_follows_the_control_law),
      cmocka_unit_test(codel_remembers_its_pace),
      cmocka_unit_test(codel_lets_good_queues_be),
      cmocka_unit_test(codel_marks_what_can_be_marked),
      cmocka_unit_test(marks_above_the_threshold),
      cmocka_unit_test(a_mark_mends_the_checksum),
      cmocka_unit_test(marks_only_ip),
      cmocka_unit_test(a_bucket_lets_a_burst_through),
      cmocka_unit_test(a_bucket_is_exact),
      cmocka_unit_test(a_trace_is_replayed_exactly),
      cmocka_unit_test(stamps_are_shared_and_spanned),
      cmocka_unit_test(a_trace_begins_when_it_is_set),
      cmocka_unit_test(traces_come_from_files),
      cmocka_unit_test(any_setting_at_any_time),
      cmocka_unit_test(names_the_queue_setting_that_is_wrong),
  };
  return cmocka_run_group_tests_name("cable queue", tests, NULL, NULL);
}
