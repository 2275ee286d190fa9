/* The mechanics of a cable: time, order, the queue, the cut, memory. Its chances: test_chance.c. */
#include "cable_util.h"

static void carries_bytes_as_they_are(void **state)
{
  (void)state;
  struct yeon_cable *cable = new_cable((struct yeon_cable_way){0}, 1);
  struct yeon_frame in, out;
  yeon_frame_from_bytes(&in, "one ", 4);
  in.slice[1] = (struct yeon_slice){"two", 3};
  in.n_slices = 2;
  in.len = 7;
  in.mark = 99;
  in.l3_offset = 3;
  in.csum = YEON_CSUM_VALID;
  assert_int_equal(yeon_cable_next(cable), YEON_NEVER);
  assert_int_equal(yeon_cable_put(cable, BA, &in, 5), 0);
  assert_int_equal(yeon_cable_next(cable), 5);
  assert_int_equal(yeon_cable_next_way(cable, AB), YEON_NEVER);
  assert_int_equal(yeon_cable_take(cable, AB, &out, 1, 5), 0);
  assert_int_equal(yeon_cable_take(cable, BA, &out, 1, 5), 1);
  assert_int_equal(out.len, 7);
  assert_int_equal(out.n_slices, 1);
  assert_memory_equal(out.slice[0].base, "one two", 7);
  assert_int_equal(out.mark, 99);
  assert_int_equal(out.l3_offset, 3);
  assert_int_equal(out.csum, YEON_CSUM_NONE);
  assert_int_equal(yeon_cable_next(cable), YEON_NEVER);
  yeon_cable_free(cable);
}

static void delays_exactly(void **state)
{
  (void)state;
  struct yeon_cable *cable = new_cable((struct yeon_cable_way){.delay_us = 20000}, 1);
  put_number(cable, AB, 1, 100, 3);
  put_number(cable, AB, 2, 100, 3);
  assert_int_equal(yeon_cable_next(cable), 3 + 20 * YEON_MS);
  assert_int_equal(take_number(cable, AB, 2 + 20 * YEON_MS), -1);
  assert_int_equal(take_number(cable, AB, 3 + 20 * YEON_MS), 1);
  assert_int_equal(take_number(cable, AB, 3 + 20 * YEON_MS), 2);
  assert_int_equal(take_number(cable, AB, 3 + 20 * YEON_MS), -1);
  yeon_cable_free(cable);
}

/* At rates that divide nothing evenly, the n-th frame still departs when n * bits / rate says, to the nanosecond. */
static void serialises_without_rounding_errors(void **state)
{
  (void)state;
  const uint64_t rates[] = {7, 3000001, 999999937, 10000000000};
  for (unsigned r = 0; r < 4; r++) {
    struct yeon_cable *cable = new_cable((struct yeon_cable_way){.rate_bps = rates[r]}, 1);
    const uint32_t count = 10000, len = 1499;
    for (uint32_t i = 0; i < count; i++) put_number(cable, AB, i, len, 0);
    for (uint32_t i = 0; i < count; i++) {
      uint64_t bits = (uint64_t)(i + 1) * len * 8 * 1000000000;
      yeon_time due = (yeon_time)((bits + rates[r] - 1) / rates[r]);
      assert_int_equal(yeon_cable_next(cable), due);
      assert_int_equal(take_number(cable, AB, due - 1), -1);
      assert_int_equal(take_number(cable, AB, due), i);
    }
    yeon_cable_free(cable);
  }
}

static void begins_anew_after_a_pause(void **state)
{
  (void)state;
  struct yeon_cable *cable =
      new_cable((struct yeon_cable_way){.rate_bps = 8000000, .delay_us = 5}, 1); /* a byte a microsecond */
  put_number(cable, AB, 1, 1000, 0);
  assert_int_equal(yeon_cable_next(cable), 1005 * YEON_US);
  assert_int_equal(take_number(cable, AB, 2000 * YEON_US), 1);
  put_number(cable, AB, 2, 1000, 2500 * YEON_US);
  assert_int_equal(yeon_cable_next(cable), 3505 * YEON_US);
  yeon_cable_free(cable);
}

static void drops_the_newest_when_the_queue_is_full(void **state)
{
  (void)state;
  struct yeon_cable *cable = new_cable((struct yeon_cable_way){.rate_bps = 8000000, .queue_bytes = 2500}, 1);
  put_number(cable, AB, 1, 1500, 0); /* being sent: does not count */
  put_number(cable, AB, 2, 1000, 0);
  put_number(cable, AB, 3, 1500, 0); /* fits to the byte */
  put_number(cable, AB, 4, 64, 0);
  assert_int_equal(stats_of(cable, AB).queue_full, 1);
  assert_int_equal(stats_of(cable, AB).waiting_bytes, 2500);
  put_number(cable, AB, 5, 64, 1499 * YEON_US);
  assert_int_equal(stats_of(cable, AB).queue_full, 2);
  put_number(cable, AB, 6, 1000, 1500 * YEON_US); /* the first is out, the second is being sent */
  assert_int_equal(stats_of(cable, AB).queue_full, 2);
  assert_int_equal(stats_of(cable, AB).waiting_bytes, 2500);
  assert_int_equal(take_number(cable, AB, YEON_SEC), 1);
  assert_int_equal(take_number(cable, AB, YEON_SEC), 2);
  assert_int_equal(take_number(cable, AB, YEON_SEC), 3);
  assert_int_equal(take_number(cable, AB, YEON_SEC), 6);
  assert_int_equal(take_number(cable, AB, YEON_SEC), -1);
  assert_conserved(cable, AB);
  yeon_cable_free(cable);
}

static void holds_at_most_max_frames(void **state)
{
  (void)state;
  struct yeon_cable_config config = {.max_frames = 3};
  config.way[AB].delay_us = 10;
  struct yeon_cable *cable;
  assert_int_equal(yeon_cable_new(&cable, &config, 1, NULL), 0);
  for (uint32_t i = 0; i < 5; i++) put_number(cable, AB, i, 60, 0);
  assert_int_equal(stats_of(cable, AB).queue_full, 2);
  assert_int_equal(stats_of(cable, AB).inside, 3);
  yeon_cable_free(cable);
  config.max_frames = 1048577;
  assert_int_equal(yeon_cable_new(&cable, &config, 1, NULL), YEON_ERR_INVALID);
  assert_null(cable);
}

struct log {
  struct yeon_event event[64];
  char text[256];
  unsigned n;
  struct yeon_cable_tap tap[64];
  unsigned n_taps;
};

static void log_event(void *ctx, const struct yeon_event *event)
{
  struct log *log = ctx;
  assert_true(log->n < 64);
  if (event->u.cable.text != NULL) strcpy(log->text, event->u.cable.text);
  log->event[log->n++] = *event;
}

static void log_tap(void *ctx, const struct yeon_cable_tap *tap)
{
  struct log *log = ctx;
  assert_true(log->n_taps < 64);
  assert_int_equal(tap->frame->n_slices, 1);
  assert_int_equal(tap->frame->len, tap->frame->slice[0].len);
  log->tap[log->n_taps++] = *tap;
}

static void assert_event(const struct log *log, unsigned i, enum yeon_cable_op op, unsigned direction, uint32_t len,
                         yeon_time at)
{
  assert_true(i < log->n);
  assert_int_equal(log->event[i].type, YEON_EV_CABLE);
  assert_int_equal(log->event[i].u.cable.op, op);
  assert_int_equal(log->event[i].u.cable.direction, direction);
  assert_int_equal(log->event[i].u.cable.len, len);
  assert_int_equal(log->event[i].u.cable.cable, 7);
  assert_int_equal(log->event[i].at, at);
}

static void a_cut_swallows_queue_and_wire(void **state)
{
  (void)state;
  struct log log = {.n = 0};
  struct yeon_cable *cable = new_cable((struct yeon_cable_way){.rate_bps = 8000000, .delay_us = 1000}, 1);
  yeon_cable_set_sink(cable, &(struct yeon_event_sink){log_event, &log, YEON_EV_BIT(YEON_EV_CABLE)});
  yeon_cable_set_tap(cable, log_tap, &log);
  for (uint32_t i = 1; i <= 4; i++) put_number(cable, AB, i, 1000, 0); /* due at 2, 3, 4, 5 ms */
  put_number(cable, BA, 9, 500, 0);
  yeon_cable_cut(cable, YEON_CABLE_MASK_AB, 2500 * YEON_US); /* 1 arrived, 2 on the wire, 3 being sent, 4 waiting */
  assert_int_equal(yeon_cable_is_cut(cable), YEON_CABLE_MASK_AB);
  assert_event(&log, 0, YEON_CABLE_CUT, 0, 0, 2500 * YEON_US);
  for (unsigned i = 1; i <= 3; i++) assert_event(&log, i, YEON_CABLE_SWALLOWED, 0, 1000, 2500 * YEON_US);
  assert_int_equal(log.n, 4);
  put_number(cable, AB, 5, 60, 2600 * YEON_US);
  assert_event(&log, 4, YEON_CABLE_SWALLOWED, 0, 60, 2600 * YEON_US);
  assert_int_equal(take_number(cable, AB, YEON_SEC), 1); /* fetched late, arrived in time */
  assert_int_equal(take_number(cable, AB, YEON_SEC), -1);
  assert_int_equal(take_number(cable, BA, YEON_SEC), 9);
  assert_int_equal(stats_of(cable, AB).swallowed, 4);
  assert_conserved(cable, AB);
  const unsigned moments[] = {YEON_MOMENT_SENT, YEON_MOMENT_SENT,      YEON_MOMENT_SENT,      YEON_MOMENT_SENT,
                              YEON_MOMENT_SENT, YEON_MOMENT_SWALLOWED, YEON_MOMENT_SWALLOWED, YEON_MOMENT_SWALLOWED,
                              YEON_MOMENT_SENT, YEON_MOMENT_SWALLOWED, YEON_MOMENT_DELIVERED, YEON_MOMENT_DELIVERED};
  const unsigned numbers[] = {1, 2, 3, 4, 1, 2, 3, 4, 5, 5, 1, 1};
  assert_int_equal(log.n_taps, 12);
  for (unsigned i = 0; i < 12; i++) {
    assert_int_equal(log.tap[i].moment, moments[i]);
    assert_int_equal(log.tap[i].number, numbers[i]);
  }
  assert_int_equal(log.tap[10].at, 2 * YEON_MS); /* when it was due, not when it was fetched */
  yeon_cable_free(cable);
}

static void a_joined_cable_works_at_once(void **state)
{
  (void)state;
  struct log log = {.n = 0};
  struct yeon_cable *cable = new_cable((struct yeon_cable_way){.rate_bps = 8000000}, 1);
  yeon_cable_set_sink(cable, &(struct yeon_event_sink){log_event, &log, YEON_EV_BIT(YEON_EV_CABLE)});
  put_number(cable, AB, 1, 60000, 0); /* keeps the sender busy for 60 ms, but for the cut */
  yeon_cable_cut(cable, YEON_CABLE_BOTH, YEON_MS);
  yeon_cable_cut(cable, YEON_CABLE_MASK_AB, YEON_MS); /* already: says nothing */
  yeon_cable_join(cable, YEON_CABLE_MASK_BA, 2 * YEON_MS);
  yeon_cable_join(cable, YEON_CABLE_BOTH, 3 * YEON_MS); /* only a->b was left */
  yeon_cable_join(cable, YEON_CABLE_BOTH, 3 * YEON_MS);
  assert_int_equal(yeon_cable_is_cut(cable), 0);
  assert_event(&log, 0, YEON_CABLE_CUT, 2, 0, YEON_MS);
  assert_event(&log, 1, YEON_CABLE_SWALLOWED, 0, 60000, YEON_MS);
  assert_event(&log, 2, YEON_CABLE_JOINED, 1, 0, 2 * YEON_MS);
  assert_event(&log, 3, YEON_CABLE_JOINED, 0, 0, 3 * YEON_MS);
  assert_int_equal(log.n, 4);
  put_number(cable, AB, 2, 1000, 4 * YEON_MS);
  assert_int_equal(yeon_cable_next(cable), 5 * YEON_MS);
  yeon_cable_free(cable);
}

static void new_settings_plan_the_queue_anew(void **state)
{
  (void)state;
  struct log log = {.n = 0};
  struct yeon_cable *cable = new_cable((struct yeon_cable_way){.rate_bps = 8000000, .delay_us = 10000}, 1);
  yeon_cable_set_sink(cable, &(struct yeon_event_sink){log_event, &log, YEON_EV_BIT(YEON_EV_CABLE)});
  for (uint32_t i = 1; i <= 4; i++) put_number(cable, AB, i, 1000, 0);
  /* At 1.5 ms the first is on the wire (due 11 ms), the second half sent (12 ms). Ten times faster, but farther. */
  struct yeon_cable_way fast = {.rate_bps = 80000000, .delay_us = 11000}, got;
  assert_int_equal(yeon_cable_set(cable, YEON_CABLE_MASK_AB, &fast, 1500 * YEON_US), 0);
  assert_event(&log, 0, YEON_CABLE_SET, 0, 0, 1500 * YEON_US);
  assert_string_equal(log.text, "11 ms, 80 Mbit/s");
  yeon_cable_get(cable, AB, &got);
  assert_memory_equal(&got, &fast, sizeof got);
  yeon_cable_get(cable, BA, &got);
  assert_int_equal(got.delay_us, 10000);
  const yeon_time due_us[] = {11000, 12000, 13100, 13200};
  for (unsigned i = 0; i < 4; i++) {
    assert_int_equal(yeon_cable_next(cable), due_us[i] * YEON_US);
    assert_int_equal(take_number(cable, AB, due_us[i] * YEON_US), i + 1);
  }
  yeon_cable_free(cable);
}

static void a_shorter_delay_overtakes_nothing(void **state)
{
  (void)state;
  struct yeon_cable *cable = new_cable((struct yeon_cable_way){.delay_us = 10000}, 1);
  put_number(cable, AB, 1, 100, 0);
  assert_int_equal(yeon_cable_set(cable, YEON_CABLE_BOTH, &(struct yeon_cable_way){.delay_us = 1}, YEON_MS), 0);
  put_number(cable, AB, 2, 100, YEON_MS);
  assert_int_equal(take_number(cable, AB, 9 * YEON_MS), -1);
  assert_int_equal(take_number(cable, AB, 10 * YEON_MS), 1);
  assert_int_equal(take_number(cable, AB, 10 * YEON_MS), 2);
  yeon_cable_free(cable);
}

static void refuses_what_is_no_frame(void **state)
{
  (void)state;
  struct yeon_cable *cable = new_cable((struct yeon_cable_way){0}, 1);
  static const uint8_t bytes[70000];
  struct yeon_frame frame;
  yeon_frame_from_bytes(&frame, bytes, 3000);
  frame.segs = 2;
  frame.gso_size = 1460;
  assert_int_equal(yeon_cable_put(cable, AB, &frame, 0), YEON_ERR_UNSUPPORTED);
  yeon_frame_from_bytes(&frame, bytes, 0);
  assert_int_equal(yeon_cable_put(cable, AB, &frame, 0), YEON_ERR_INVALID);
  yeon_frame_from_bytes(&frame, bytes, 65590);
  assert_int_equal(yeon_cable_put(cable, AB, &frame, 0), YEON_ERR_INVALID);
  yeon_frame_from_bytes(&frame, bytes, 100);
  frame.len = 99;
  assert_int_equal(yeon_cable_put(cable, AB, &frame, 0), YEON_ERR_INVALID);
  yeon_frame_from_bytes(&frame, bytes, 100);
  frame.csum = YEON_CSUM_PARTIAL;
  frame.csum_start = 90;
  frame.csum_offset = 9;
  assert_int_equal(yeon_cable_put(cable, AB, &frame, 0), YEON_ERR_INVALID);
  frame.csum = YEON_CSUM_NONE;
  assert_int_equal(yeon_cable_put(cable, 2, &frame, 0), YEON_ERR_INVALID);
  assert_int_equal(stats_of(cable, AB).put, 0);
  assert_int_equal(yeon_cable_next(cable), YEON_NEVER);
  yeon_frame_from_bytes(&frame, bytes, 65589);
  assert_int_equal(yeon_cable_put(cable, AB, &frame, 0), 0);
  assert_int_equal(yeon_cable_take(cable, AB, &frame, 1, 0), 1);
  assert_int_equal(frame.len, 65589);
  yeon_cable_free(cable);
}

/* Eight bytes of header with the checksum at `offset`, over an odd number of bytes. */
static void check_partial(uint16_t offset, uint16_t pseudo, uint8_t last, uint16_t want)
{
  struct yeon_cable *cable = new_cable((struct yeon_cable_way){0}, 1);
  uint8_t bytes[13] = {0xaa, 0xbb, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last};
  bytes[2 + offset] = (uint8_t)(pseudo >> 8);
  bytes[3 + offset] = (uint8_t)pseudo;
  struct yeon_frame frame;
  yeon_frame_from_bytes(&frame, bytes, sizeof bytes);
  frame.csum = YEON_CSUM_PARTIAL;
  frame.csum_start = 2;
  frame.csum_offset = offset;
  assert_int_equal(yeon_cable_put(cable, AB, &frame, 0), 0);
  assert_int_equal(yeon_cable_take(cable, AB, &frame, 1, 0), 1);
  const uint8_t *out = frame.slice[0].base;
  assert_int_equal(out[2 + offset] << 8 | out[3 + offset], want);
  assert_int_equal(out[0], 0xaa);
  assert_int_equal(out[12], last);
  assert_int_equal(frame.csum, YEON_CSUM_NONE);
  yeon_cable_free(cable);
}

static void completes_partial_checksums(void **state)
{
  (void)state;
  check_partial(6, 0x1234, 0x10, 0xddcb); /* the complement of 0x1234 + 0x1000 */
  check_partial(4, 0x1234, 0x10, 0xddcb);
  check_partial(6, 0xefff, 0x10, 0xffff); /* UDP: zero would say that there is none */
  check_partial(4, 0xefff, 0x10, 0x0000);
}

struct budget {
  long left; /* allocations that still succeed; negative: all */
  long live_bytes, calls;
};

static void *budget_alloc(void *ctx, size_t size)
{
  struct budget *b = ctx;
  b->calls++;
  if (b->left == 0) return NULL;
  if (b->left > 0) b->left--;
  b->live_bytes += (long)size;
  return malloc(size);
}

static void budget_free(void *ctx, void *p, size_t size)
{
  ((struct budget *)ctx)->live_bytes -= (long)size;
  free(p);
}

static void survives_refused_memory(void **state)
{
  (void)state;
  struct yeon_cable_config config = {.way = {{.rate_bps = 8000000, .duplicate_ppm = 500000}, {.delay_us = 3}}};
  for (long allowed = 0; allowed < 60; allowed++) {
    struct budget budget = {.left = allowed};
    const struct yeon_memory memory = {budget_alloc, budget_free, &budget};
    struct yeon_cable *cable;
    int error = yeon_cable_new(&cable, &config, 1, &memory);
    assert_int_equal(error, allowed == 0 ? YEON_ERR_NO_MEMORY : 0);
    if (error) continue;
    int taken = 0;
    struct yeon_frame frame;
    for (int i = 0; i < 40; i++) {
      yeon_frame_from_bytes(&frame, "frame", 5);
      error = yeon_cable_put(cable, AB, &frame, 0);
      assert_true(error == 0 || error == YEON_ERR_NO_MEMORY);
      taken += error == 0;
    }
    assert_int_equal(stats_of(cable, AB).put, taken);
    assert_conserved(cable, AB);
    while (yeon_cable_take(cable, AB, &frame, 1, YEON_SEC) == 1) assert_memory_equal(frame.slice[0].base, "frame", 5);
    assert_int_equal(stats_of(cable, AB).delivered, taken + (int)stats_of(cable, AB).duplicated);
    yeon_cable_free(cable);
    assert_int_equal(budget.live_bytes, 0);
  }
}

static void steady_traffic_allocates_nothing(void **state)
{
  (void)state;
  struct budget budget = {.left = -1};
  const struct yeon_memory memory = {budget_alloc, budget_free, &budget};
  struct yeon_cable_config config = {.way = {{.delay_us = 1000, .rate_bps = 100000000}, {0}}};
  struct yeon_cable *cable;
  assert_int_equal(yeon_cable_new(&cable, &config, 1, &memory), 0);
  long after_start = 0;
  for (uint32_t i = 0; i < 20000; i++) {
    yeon_time now = (yeon_time)i * 130 * YEON_US;
    put_number(cable, AB, i, 1500, now);
    while (take_number(cable, AB, now) >= 0) {
    }
    if (i == 1000) after_start = budget.calls;
  }
  assert_int_equal(budget.calls, after_start);
  yeon_cable_free(cable);
  assert_int_equal(budget.live_bytes, 0);
}

static void names_the_setting_that_is_wrong(void **state)
{
  (void)state;
  const struct {
    struct yeon_cable_way way;
    const char *field;
  } rows[] = {
      {{.delay_us = 1000000001}, "delay_us"},
      {{.jitter_us = 1000000001}, "jitter_us"},
      {{.loss_ppm = 1000001}, "loss_ppm"},
      {{.burst_enter_ppm = 1000001, .burst_leave_ppm = 1}, "burst_enter_ppm"},
      {{.burst_enter_ppm = 1}, "burst_leave_ppm"},
      {{.burst_loss_ppm = 1000001}, "burst_loss_ppm"},
      {{.reorder_ppm = 1000001}, "reorder_ppm"},
      {{.reorder_us = 1000000001}, "reorder_us"},
      {{.duplicate_ppm = 1000001}, "duplicate_ppm"},
      {{.corrupt_ppm = 1000001}, "corrupt_ppm"},
      {{.rate_bps = 1000000000000001}, "rate_bps"},
  };
  struct yeon_cable *cable = new_cable((struct yeon_cable_way){.delay_us = 1}, 1);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const char *field = NULL;
    assert_int_equal(yeon_cable_way_check(&rows[i].way, &field), YEON_ERR_INVALID);
    assert_string_equal(field, rows[i].field);
    assert_int_equal(yeon_cable_set(cable, YEON_CABLE_BOTH, &rows[i].way, 0), YEON_ERR_INVALID);
    struct yeon_cable_config config = {.way = {{0}, rows[i].way}};
    struct yeon_cable *none;
    assert_int_equal(yeon_cable_new(&none, &config, 1, NULL), YEON_ERR_INVALID);
    assert_null(none);
  }
  struct yeon_cable_way way;
  yeon_cable_get(cable, BA, &way);
  assert_int_equal(way.delay_us, 1);
  assert_int_equal(yeon_cable_set(cable, 0, &way, 0), YEON_ERR_INVALID);
  assert_int_equal(yeon_cable_set(cable, 4, &way, 0), YEON_ERR_INVALID);
  yeon_cable_free(cable);
}

static void says_settings_in_words(void **state)
{
  (void)state;
  char text[YEON_CABLE_TEXT];
  assert_string_equal(yeon_cable_way_format(&(struct yeon_cable_way){0}, text, sizeof text), "perfect");
  struct yeon_cable_way way = {.delay_us = 1500,
                               .jitter_us = 2000,
                               .rate_bps = 56700,
                               .queue_bytes = 3000,
                               .loss_ppm = 12500,
                               .burst_enter_ppm = 100,
                               .burst_leave_ppm = 250000,
                               .reorder_ppm = 1000000,
                               .reorder_us = 3000,
                               .duplicate_ppm = 1,
                               .corrupt_ppm = 20000};
  assert_string_equal(yeon_cable_way_format(&way, text, sizeof text),
                      "1500 us, jitter 2 ms, 56700 bit/s, queue 3000 bytes, loss 1.25%, bursts 0.01%, ending 25%, "
                      "reorder 100%, by 3 ms, "
                      "duplicate 0.0001%, corrupt 2%");
  struct yeon_cable_way longest = {999999999, 999999999, 999999999999999, UINT32_MAX, 999999, 999999,
                                   999999,    999999,    999999,          999999999,  999999, 999999,
                                   999999999, 999999999, UINT32_MAX,      999999999,  999999999, 1, 99999999, NULL};
  assert_true(strlen(yeon_cable_way_format(&longest, text, sizeof text)) < YEON_CABLE_TEXT - 1);
  assert_non_null(strstr(text, ", corrupt 99.9999%")); /* nothing was cut off */
  char tiny[6];
  assert_string_equal(yeon_cable_way_format(&way, tiny, sizeof tiny), "1500 ");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(carries_bytes_as_they_are),
      cmocka_unit_test(delays_exactly),
      cmocka_unit_test(serialises_without_rounding_errors),
      cmocka_unit_test(begins_anew_after_a_pause),
      cmocka_unit_test(drops_the_newest_when_the_queue_is_full),
      cmocka_unit_test(holds_at_most_max_frames),
      cmocka_unit_test(a_cut_swallows_queue_and_wire),
      cmocka_unit_test(a_joined_cable_works_at_once),
      cmocka_unit_test(new_settings_plan_the_queue_anew),
      cmocka_unit_test(a_shorter_delay_overtakes_nothing),
      cmocka_unit_test(refuses_what_is_no_frame),
      cmocka_unit_test(completes_partial_checksums),
      cmocka_unit_test(survives_refused_memory),
      cmocka_unit_test(steady_traffic_allocates_nothing),
      cmocka_unit_test(names_the_setting_that_is_wrong),
      cmocka_unit_test(says_settings_in_words),
  };
  return cmocka_run_group_tests_name("cable", tests, NULL, NULL);
}
