/* The ladder, fed by hand: what is drawn, in which order, how wide, and what is folded. */
#include "test_watch_util.h"

#include <stdlib.h>

#include "watch/canvas.h"

#define FLIGHT (10 * YEON_MS)

struct scene {
  struct yeon_ladder *ladder;
  struct lines lines;
  uint64_t number[2];
};

static struct scene *set_up(unsigned flags)
{
  struct scene *s = calloc(1, sizeof *s);
  struct yeon_ladder_config config = {
      .name = {"client", "server"}, .host = {1, 2}, .flags = flags, .line = keep_line, .ctx = &s->lines};
  assert_int_equal(yeon_ladder_new(&s->ladder, &config), 0);
  return s;
}

static void take_down(struct scene *s)
{
  yeon_ladder_free(s->ladder);
  free(s);
}

/* One moment of a segment. */
static void tap(struct scene *s, unsigned from, enum yeon_cable_moment moment, uint64_t number, yeon_time sent_at,
                yeon_time at, const struct wire_tcp *header, size_t len)
{
  uint8_t bytes[2048];
  struct wire_tcp h = *header;
  struct yeon_frame frame;
  yeon_frame_from_bytes(&frame, bytes, make_segment(bytes, from, &h, len));
  struct yeon_cable_tap t = {
      .moment = moment, .direction = from, .number = number, .sent_at = sent_at, .at = at, .frame = &frame};
  yeon_ladder_frame(s->ladder, from, &t);
}

static uint64_t send_segment(struct scene *s, unsigned from, yeon_time at, struct wire_tcp h, size_t len)
{
  uint64_t number = ++s->number[from];
  tap(s, from, YEON_MOMENT_SENT, number, at, at, &h, len);
  return number;
}

static void fate(struct scene *s, unsigned from, uint64_t number, enum yeon_cable_moment moment, yeon_time sent_at,
                 yeon_time at)
{
  struct wire_tcp h = segment(YEON_TCP_ACK, 0, 0);
  tap(s, from, moment, number, sent_at, at, &h, 0);
}

static void state(struct scene *s, unsigned side, yeon_time at, enum yeon_tcp_state to, enum yeon_cause cause)
{
  struct yeon_event e = {.at = at, .host = side + 1, .type = YEON_EV_STATE, .conn = 1};
  struct yeon_addr end[2] = {{yeon_ip4(10, 0, 0, 1), LEFT_PORT}, {yeon_ip4(10, 0, 0, 2), RIGHT_PORT}};
  e.local = end[side];
  e.remote = end[1 - side];
  e.u.state.to = (uint8_t)to;
  e.u.state.cause = (uint8_t)cause;
  yeon_ladder_event(s->ladder, &e);
}

/* Three segments, both ESTABLISHED, ISS 1000 and 9000; it is 40 ms then. */
static void handshake(struct scene *s)
{
  struct wire_tcp syn = segment(YEON_TCP_SYN, 1000, 0), syn_ack = segment(YEON_TCP_SYN | YEON_TCP_ACK, 9000, 1001);
  syn.mss = 1460;
  syn.wscale = 7;
  syn.sack_ok = true;
  syn_ack.mss = 1000;
  uint64_t n = send_segment(s, 0, 0, syn, 0);
  fate(s, 0, n, YEON_MOMENT_DELIVERED, 0, FLIGHT);
  state(s, 1, FLIGHT, YEON_TCP_SYN_RECEIVED, YEON_CAUSE_SYN);
  n = send_segment(s, 1, FLIGHT, syn_ack, 0);
  fate(s, 1, n, YEON_MOMENT_DELIVERED, FLIGHT, 2 * FLIGHT);
  state(s, 0, 2 * FLIGHT, YEON_TCP_ESTABLISHED, YEON_CAUSE_SYN_ACK);
  n = send_segment(s, 0, 2 * FLIGHT, segment(YEON_TCP_ACK, 1001, 9001), 0);
  fate(s, 0, n, YEON_MOMENT_DELIVERED, 2 * FLIGHT, 3 * FLIGHT);
  state(s, 1, 3 * FLIGHT, YEON_TCP_ESTABLISHED, YEON_CAUSE_ACK);
}

static void test_handshake(void **unused)
{
  (void)unused;
  struct scene *s = set_up(YEON_LADDER_UTF8);
  handshake(s);
  yeon_ladder_flush(s->ladder);
  const struct lines *l = &s->lines;
  int syn = find_line(l, 0, "SYN seq 0 win 1000 ‹mss 1460 sackOK ws 7›");
  int received = find_line(l, 0, "SYN-RECEIVED ●");
  int syn_ack = find_line(l, 0, "SYN·ACK seq 0 ack 1 win 1000 ‹mss 1000›");
  int first = find_line(l, 0, "● ESTABLISHED");
  int ack = find_line(l, 0, "├─ ACK seq 1 ack 1");
  int second = find_line(l, 0, "ESTABLISHED ●");
  int gap = find_line(l, 0, "client ESTABLISHED 10 ms before server");
  assert_true(syn > 0 && syn < received && received < syn_ack && syn_ack < first && first < ack && ack < second &&
              second < gap);
  assert_non_null(strstr(l->line[syn], "   0.000 ├─ SYN"));
  assert_non_null(strstr(l->line[syn], "▶│ 0.010"));
  assert_non_null(strstr(l->line[syn_ack], "   0.020 │◀─"));
  assert_non_null(strstr(l->line[syn_ack], "─┤ 0.010"));
  assert_non_null(strstr(l->line[0], "client"));
  assert_non_null(strstr(l->line[0], "server"));
  take_down(s);
}

static void test_absolute(void **unused)
{
  (void)unused;
  struct scene *s = set_up(YEON_LADDER_UTF8 | YEON_LADDER_ABSOLUTE);
  handshake(s);
  yeon_ladder_flush(s->ladder);
  assert_true(find_line(&s->lines, 0, "SYN·ACK seq 9000 ack 1001") > 0);
  take_down(s);
}

static void test_losses_are_marked(void **unused)
{
  (void)unused;
  struct scene *s = set_up(YEON_LADDER_UTF8);
  handshake(s);
  yeon_time at = 40 * YEON_MS;
  uint64_t lost = send_segment(s, 0, at, segment(YEON_TCP_ACK, 1001, 9001), 100);
  fate(s, 0, lost, YEON_MOMENT_LOST, at, at);
  uint64_t swallowed = send_segment(s, 0, at, segment(YEON_TCP_ACK, 1101, 9001), 100);
  send_segment(s, 0, at, segment(YEON_TCP_ACK, 1001, 9001), 100);
  fate(s, 0, swallowed, YEON_MOMENT_SWALLOWED, at, at + FLIGHT / 2);
  yeon_ladder_flush(s->ladder);
  int a = find_line(&s->lines, 0, "seq 1 len 100"), b = find_line(&s->lines, 0, "seq 101 len 100");
  int c = find_line(&s->lines, 0, "↻ ACK seq 1 len 100");
  assert_true(a > 0 && b > a && c > b);
  assert_non_null(strstr(s->lines.line[a], "✕ lost"));
  assert_non_null(strstr(s->lines.line[b], "✕"));
  assert_null(strstr(s->lines.line[b], "▶"));
  assert_non_null(strstr(s->lines.line[c], "…")); /* nobody knows yet what became of it */
  take_down(s);
}

/* A row waits for its fate, and what came later waits behind it. */
static void test_order_of_time(void **unused)
{
  (void)unused;
  struct scene *s = set_up(YEON_LADDER_UTF8);
  handshake(s);
  yeon_time at = 50 * YEON_MS;
  uint64_t slow = send_segment(s, 0, at, segment(YEON_TCP_ACK, 1001, 9001), 1);
  uint64_t quick = send_segment(s, 1, at + YEON_MS, segment(YEON_TCP_ACK, 9001, 1001), 2);
  fate(s, 1, quick, YEON_MOMENT_DELIVERED, at + YEON_MS, at + 2 * YEON_MS);
  yeon_ladder_note(s->ladder, at + 3 * YEON_MS, YEON_TONE_GOOD, "a note");
  assert_int_equal(find_line(&s->lines, 0, "len 2"), -1);
  fate(s, 0, slow, YEON_MOMENT_DELIVERED, at, at + 9 * YEON_MS);
  yeon_ladder_flush(s->ladder);
  int first = find_line(&s->lines, 0, "len 1 "), second = find_line(&s->lines, 0, "len 2 "),
      note = find_line(&s->lines, 0, "a note");
  assert_true(first > 0 && first < second && second < note);
  take_down(s);
}

/* 200 segments from the right and their acknowledgments. */
static void bulk(struct scene *s)
{
  yeon_time at = 50 * YEON_MS;
  for (uint32_t i = 0; i < 200; i++, at += YEON_MS) {
    uint64_t n = send_segment(s, 1, at, segment(YEON_TCP_ACK, 9001 + 1000 * i, 1001), 1000);
    fate(s, 1, n, YEON_MOMENT_DELIVERED, at, at + FLIGHT / 20);
  }
}

static void test_folding(void **unused)
{
  (void)unused;
  struct scene *s = set_up(YEON_LADDER_UTF8), *all = set_up(YEON_LADDER_UTF8 | YEON_LADDER_ALL);
  handshake(s);
  handshake(all);
  bulk(s);
  bulk(all);
  yeon_ladder_flush(s->ladder);
  yeon_ladder_flush(all->ladder);
  assert_int_equal(count_lines(&all->lines, "len 1000"), 200);
  unsigned shown = count_lines(&s->lines, "len 1000");
  assert_true(shown >= 4 && shown <= 12);
  char folded[64];
  snprintf(folded, sizeof folded, "%u segments, %u KB ←", 200 - shown, 200 - shown);
  assert_true(find_line(&s->lines, 0, folded) > 0);
  take_down(s);
  take_down(all);
}

static void test_call_and_state_are_one_line(void **unused)
{
  (void)unused;
  struct scene *s = set_up(YEON_LADDER_UTF8);
  struct yeon_event call = {.at = 0, .host = 1, .type = YEON_EV_CALL, .conn = 1};
  call.local = (struct yeon_addr){yeon_ip4(10, 0, 0, 1), LEFT_PORT};
  call.remote = (struct yeon_addr){yeon_ip4(10, 0, 0, 2), RIGHT_PORT};
  call.u.call.call = YEON_CALL_CONNECT;
  state(s, 0, 0, YEON_TCP_SYN_SENT, YEON_CAUSE_CALL_OPEN);
  yeon_ladder_event(s->ladder, &call);
  yeon_ladder_flush(s->ladder);
  assert_true(find_line(&s->lines, 0, "connect 10.0.0.2:80 → SYN-SENT") > 0);
  assert_int_equal(count_lines(&s->lines, "SYN-SENT"), 1);
  take_down(s);
}

static void test_cable_and_silence(void **unused)
{
  (void)unused;
  struct scene *s = set_up(YEON_LADDER_UTF8);
  struct yeon_event e = {.at = YEON_SEC, .type = YEON_EV_CABLE};
  e.u.cable.op = YEON_CABLE_CUT;
  e.u.cable.direction = 2;
  handshake(s);
  yeon_ladder_event(s->ladder, &e);
  e.at = 9 * YEON_SEC;
  e.u.cable.op = YEON_CABLE_JOINED;
  yeon_ladder_event(s->ladder, &e);
  yeon_ladder_flush(s->ladder);
  int cut = find_line(&s->lines, 0, "cable cut"), silence = find_line(&s->lines, 0, "⋮ 8 s ⋮"),
      join = find_line(&s->lines, 0, "cable joined");
  assert_true(cut > 0 && cut < silence && silence < join);
  take_down(s);
}

static void check_width(const struct lines *l)
{
  for (unsigned i = 0; i < l->n; i++) assert_in_range(canvas_columns(l->line[i]), 0, 80);
}

static void test_width_and_ascii(void **unused)
{
  (void)unused;
  for (unsigned flags = 0; flags <= YEON_LADDER_UTF8; flags += YEON_LADDER_UTF8) {
    struct scene *s = set_up(flags | YEON_LADDER_ABSOLUTE);
    handshake(s);
    struct wire_tcp h = segment(YEON_TCP_ACK, 4294960000u, 4294960001u);
    h.n_sack = 3;
    h.has_ts = true;
    h.tsval = h.tsecr = 4294967295u;
    for (unsigned i = 0; i < 3; i++)
      h.sack[i] = (struct yeon_sack_block){4000000000u + i * 1000, 4000000500u + i * 1000};
    uint64_t n = send_segment(s, 1, 50 * YEON_MS, h, 0);
    fate(s, 1, n, YEON_MOMENT_QUEUE_FULL, 50 * YEON_MS, 50 * YEON_MS);
    yeon_ladder_note(s->ladder, 60 * YEON_MS, YEON_TONE_PLAIN,
                     "케이블을 뽑아도 연결은 유지된다: a note in hangul, which takes two columns a letter, and long "
                     "enough to need lines");
    bulk(s);
    yeon_ladder_flush(s->ladder);
    check_width(&s->lines);
    for (unsigned i = 0; flags == 0 && i < s->lines.n; i++)
      for (const char *p = s->lines.line[i]; *p != '\0'; p++) assert_in_range((unsigned char)*p, 0x20, 0x7e);
    take_down(s);
  }
}

static void test_colour_only_when_asked(void **unused)
{
  (void)unused;
  struct scene *plain = set_up(YEON_LADDER_UTF8), *colour = set_up(YEON_LADDER_UTF8 | YEON_LADDER_COLOUR);
  handshake(plain);
  handshake(colour);
  yeon_ladder_flush(plain->ladder);
  yeon_ladder_flush(colour->ladder);
  assert_int_equal(count_lines(&plain->lines, "\033["), 0);
  assert_true(count_lines(&colour->lines, "\033[") > 5);
  assert_int_equal(plain->lines.n, colour->lines.n);
  take_down(plain);
  take_down(colour);
}

static void test_refuses_nonsense(void **unused)
{
  (void)unused;
  struct yeon_ladder *l = NULL;
  struct yeon_ladder_config config = {.line = NULL};
  assert_int_equal(yeon_ladder_new(&l, &config), YEON_ERR_INVALID);
  config.line = keep_line;
  config.width = 20;
  assert_int_equal(yeon_ladder_new(&l, &config), YEON_ERR_INVALID);
  config.width = 0;
  config.decimals = 10;
  assert_int_equal(yeon_ladder_new(&l, &config), YEON_ERR_INVALID);
  assert_null(l);
  yeon_ladder_free(NULL);
}

/* Frames that are none: the ladder says so or leaves them out, and goes on. */
static void test_broken_frames(void **unused)
{
  (void)unused;
  struct scene *s = set_up(0);
  uint8_t bytes[128];
  struct wire_tcp h = segment(YEON_TCP_ACK, 1, 1);
  size_t whole = make_segment(bytes, 0, &h, 20);
  for (size_t len = 1; len < whole; len++) {
    struct yeon_frame frame;
    yeon_frame_from_bytes(&frame, bytes, len);
    struct yeon_cable_tap t = {.moment = YEON_MOMENT_SENT, .number = len, .frame = &frame};
    yeon_ladder_frame(s->ladder, 0, &t);
  }
  yeon_ladder_flush(s->ladder);
  assert_int_equal(count_lines(&s->lines, "IP protocol"), whole - 1);
  take_down(s);
}

/* A link that only tells what passes one end. */
static void test_seen_at_one_end(void **unused)
{
  (void)unused;
  struct scene *s = set_up(YEON_LADDER_UTF8);
  uint8_t bytes[128];
  struct wire_tcp h = segment(YEON_TCP_SYN, 7, 0);
  struct yeon_frame frame;
  yeon_frame_from_bytes(&frame, bytes, make_segment(bytes, 0, &h, 0));
  yeon_ladder_seen(s->ladder, 0, &frame, 5 * YEON_MS);
  h = segment(YEON_TCP_SYN | YEON_TCP_ACK, 70, 8);
  yeon_frame_from_bytes(&frame, bytes, make_segment(bytes, 1, &h, 0));
  yeon_ladder_seen(s->ladder, 1, &frame, 6 * YEON_MS);
  yeon_ladder_flush(s->ladder);
  assert_true(find_line(&s->lines, 0, "   0.005 ├─ SYN seq 0") > 0);
  assert_true(find_line(&s->lines, 0, "SYN·ACK seq 0 ack 1 win 1000 ─┤ 0.006") > 0);
  take_down(s);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_handshake),
      cmocka_unit_test(test_absolute),
      cmocka_unit_test(test_losses_are_marked),
      cmocka_unit_test(test_order_of_time),
      cmocka_unit_test(test_folding),
      cmocka_unit_test(test_call_and_state_are_one_line),
      cmocka_unit_test(test_cable_and_silence),
      cmocka_unit_test(test_width_and_ascii),
      cmocka_unit_test(test_colour_only_when_asked),
      cmocka_unit_test(test_refuses_nonsense),
      cmocka_unit_test(test_broken_frames),
      cmocka_unit_test(test_seen_at_one_end),
  };
  return cmocka_run_group_tests_name("watch_ladder", tests, NULL, NULL);
}
