/* The pair in memory, the cable around a link, the tap around a link; devices that are not to be had. */
#include "test_link_util.h"

#include <yeon/cable.h>

struct bench {
  struct yeon_link *near, *far; /* near is wrapped by the tests */
  struct yeon_cable *cable;
};

static struct bench set_up(const struct yeon_cable_way *way)
{
  struct bench b;
  struct yeon_link *pair[2], *wrapped;
  struct yeon_cable_config config = {.id = 1};
  if (way) config.way[0] = config.way[1] = *way;
  assert_int_equal(yeon_link_pair(pair, 1500, 256, 0), 0);
  assert_int_equal(yeon_cable_new(&b.cable, &config, 1, NULL), 0);
  assert_int_equal(yeon_link_with_cable(&wrapped, pair[0], b.cable), 0);
  b.near = wrapped;
  b.far = pair[1];
  return b;
}

static void take_down(struct bench *b)
{
  yeon_link_close(b->near);
  yeon_link_close(b->far);
  yeon_cable_free(b->cable);
}

static void test_pair(void **state)
{
  (void)state;
  static struct made m;
  struct yeon_link *pair[2];
  struct yeon_frame got[4];
  assert_int_equal(yeon_link_pair(pair, 100, 1, 0), YEON_ERR_INVALID);
  assert_int_equal(yeon_link_pair(pair, 1500, 0, 0), YEON_ERR_INVALID);
  assert_int_equal(yeon_link_pair(pair, 1500, 2, 0), 0);
  assert_int_equal(pair[0]->config.offload, YEON_LINK_CSUM | YEON_LINK_GSO);
  make_tcp(&m, false, false, 5000, 1000);
  for (unsigned i = 0; i < 3; i++) yeon_link_send(pair[0], &m.frame, 1, 0);
  assert_int_equal(pair[0]->stats.frames_out, 2);
  assert_int_equal(pair[0]->stats.segments_out, 10);
  assert_int_equal(pair[0]->stats.dropped_out, 1);
  assert_int_equal(yeon_link_next(pair[1]), 0);
  assert_int_equal(yeon_link_receive(pair[1], got, 4, 0), 2);
  assert_int_equal(yeon_link_next(pair[1]), YEON_NEVER);
  assert_int_equal(got[1].segs, 5);
  assert_int_equal(got[1].csum, YEON_CSUM_PARTIAL);
  assert_memory_equal((const uint8_t *)got[1].slice[0].base + m.header, m.payload, 5000);
  assert_int_equal(yeon_link_receive(pair[1], got, 4, 0), 0);
  yeon_link_close(pair[1]);
  yeon_link_send(pair[0], &m.frame, 1, 0);
  assert_int_equal(pair[0]->stats.dropped_out, 2);
  yeon_link_close(pair[0]);
  yeon_link_close(NULL);
}

static void test_perfect_cable_is_transparent(void **state)
{
  (void)state;
  static struct made m;
  struct bench b = set_up(NULL);
  struct yeon_frame got[4];
  make_tcp(&m, true, false, 60000, 1400);
  yeon_link_send(b.near, &m.frame, 1, 5);
  assert_int_equal(yeon_link_receive(b.far, got, 4, 5), 1);
  assert_int_equal(got[0].segs, m.frame.segs);
  yeon_link_send(b.far, &m.frame, 1, 5);
  assert_int_equal(yeon_link_receive(b.near, got, 4, 5), 1);
  assert_int_equal(got[0].segs, m.frame.segs);
  assert_int_equal(b.near->stats.segments_in, m.frame.segs);
  take_down(&b);
}

static void test_cut(void **state)
{
  (void)state;
  static struct made m;
  struct bench b = set_up(NULL);
  struct yeon_frame got[64];
  struct yeon_cable_stats stats;
  make_tcp(&m, false, false, 14000, 1400);
  yeon_cable_cut(b.cable, YEON_CABLE_MASK_AB, 10);
  yeon_link_send(b.near, &m.frame, 1, 11);
  yeon_link_send(b.far, &m.frame, 1, 11);
  assert_int_equal(yeon_link_receive(b.far, got, 64, 12), 0);
  assert_int_equal(yeon_link_receive(b.near, got, 64, 12), 1); /* the other direction is whole */
  yeon_cable_stats(b.cable, YEON_CABLE_AB, &stats);
  assert_int_equal(stats.swallowed, 10); /* segments, not super-segments */
  yeon_cable_cut(b.cable, YEON_CABLE_MASK_BA, 13);
  yeon_link_send(b.far, &m.frame, 1, 13);
  assert_int_equal(yeon_link_receive(b.near, got, 64, 14), 0);
  yeon_cable_join(b.cable, YEON_CABLE_BOTH, 15);
  assert_int_equal(yeon_link_receive(b.near, got, 64, 15), 0); /* what was swallowed does not come later */
  yeon_link_send(b.near, &m.frame, 1, 16);
  assert_int_equal(yeon_link_receive(b.far, got, 64, 16), 1);
  assert_int_equal(got[0].segs, 10);
  take_down(&b);
}

static void test_delay(void **state)
{
  (void)state;
  static struct made m;
  struct yeon_cable_way way = {.delay_us = 1000};
  struct bench b = set_up(&way);
  struct yeon_frame got[64];
  const uint8_t *payload;
  size_t n;
  make_tcp(&m, false, false, 3000, 1000);
  yeon_link_send(b.near, &m.frame, 1, 0);
  assert_int_equal(yeon_link_next(b.near), YEON_MS);
  assert_int_equal(yeon_link_receive(b.far, got, 64, YEON_MS - 1), 0);
  assert_int_equal(yeon_link_receive(b.near, got, 64, YEON_MS), 0); /* this is when the near end must be looked after */
  assert_int_equal(yeon_link_receive(b.far, got, 64, YEON_MS), 3);
  for (unsigned i = 0; i < 3; i++) {
    struct wire_tcp tcp = read_tcp(got[i].slice[0].base, got[i].len, 0, &payload, &n);
    assert_int_equal(tcp.seq, SEQ + 1000 * i);
    assert_int_equal(n, 1000);
  }
  yeon_link_send(b.far, &m.frame, 1, 2 * YEON_MS);
  assert_int_equal(yeon_link_receive(b.near, got, 64, 2 * YEON_MS), 0);
  assert_int_equal(yeon_link_next(b.near), 3 * YEON_MS);
  assert_int_equal(yeon_link_receive(b.near, got, 64, 3 * YEON_MS), 3);
  assert_int_equal(yeon_link_next(b.near), YEON_NEVER);
  take_down(&b);
}

static void test_loss_hits_segments(void **state)
{
  (void)state;
  static struct made m;
  struct yeon_cable_way way = {.loss_ppm = 200000};
  struct bench b = set_up(&way);
  struct yeon_frame got[64];
  unsigned arrived = 0;
  make_tcp(&m, false, false, 40000, 1000);
  for (unsigned i = 0; i < 25; i++) {
    yeon_link_send(b.near, &m.frame, 1, i);
    arrived += (unsigned)yeon_link_receive(b.far, got, 64, i);
  }
  assert_in_range(arrived, 700, 900); /* of 1000 */
  take_down(&b);
}

struct tally {
  unsigned in, out;
};

static void count(void *ctx, const struct yeon_link *link, bool outbound, const struct yeon_frame *frame, yeon_time now)
{
  struct tally *t = ctx;
  assert_string_equal(link->name, "pair0");
  assert_int_equal(frame->segs, 3);
  assert_int_equal(now, 9);
  *(outbound ? &t->out : &t->in) += 1;
}

static void test_tap(void **state)
{
  (void)state;
  static struct made m;
  struct yeon_link *pair[2], *tapped;
  struct yeon_frame got[2];
  struct tally t = {0, 0};
  assert_int_equal(yeon_link_pair(pair, 1500, 8, 0), 0);
  assert_int_equal(yeon_link_with_tap(&tapped, pair[0], NULL, NULL), YEON_ERR_INVALID);
  assert_int_equal(yeon_link_with_tap(&tapped, pair[0], count, &t), 0);
  assert_int_equal(tapped->config.mtu, 1500);
  make_tcp(&m, false, false, 3000, 1000);
  yeon_link_send(tapped, &m.frame, 1, 9);
  yeon_link_send(pair[1], &m.frame, 1, 9);
  assert_int_equal(yeon_link_next(tapped), 0);
  assert_int_equal(yeon_link_receive(tapped, got, 2, 9), 1);
  assert_int_equal(yeon_link_receive(pair[1], got, 2, 9), 1);
  assert_int_equal(t.in, 1);
  assert_int_equal(t.out, 1);
  assert_false(yeon_link_blocked(tapped));
  yeon_link_close(tapped);
  yeon_link_close(pair[1]);
}

static void test_no_such_device(void **state)
{
  (void)state;
  struct yeon_link *link = NULL;
  assert_int_equal(yeon_link_tun(&link, "a name that is far too long", 0), YEON_ERR_INVALID);
  assert_int_equal(yeon_link_tun(&link, NULL, 0x80), YEON_ERR_INVALID);
  assert_int_equal(yeon_link_packet(&link, "", 0), YEON_ERR_INVALID);
  assert_int_equal(yeon_link_packet(&link, NULL, 0), YEON_ERR_INVALID);
  int rc = yeon_link_packet(&link, "no-such-if", 0);
  assert_true(rc == YEON_ERR_INVALID || rc == YEON_ERR_PERMISSION);
  rc = yeon_link_packet(&link, "lo", 0); /* not Ethernet */
  assert_true(rc == YEON_ERR_INVALID || rc == YEON_ERR_PERMISSION);
  assert_null(link);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_pair),
      cmocka_unit_test(test_perfect_cable_is_transparent),
      cmocka_unit_test(test_cut),
      cmocka_unit_test(test_delay),
      cmocka_unit_test(test_loss_hits_segments),
      cmocka_unit_test(test_tap),
      cmocka_unit_test(test_no_such_device),
  };
  return cmocka_run_group_tests_name("link_wrap", tests, NULL, NULL);
}
