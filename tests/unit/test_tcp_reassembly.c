/* Segments out of order: RFC 9293 3.10.7.4 (seventh, eighth), RFC 2018 sections 3 and 4, RFC 2883. */
#include "tcp_script.h"

#include <stdio.h>

static void no_delay(struct yeon_tcp_options *o) { o->delack_us = 0; }

static void small(struct yeon_tcp_options *o)
{
  o->delack_us = 0;
  o->rcvbuf = o->rcvbuf_max = 4000;
}

static const struct script_setup sack = {.tune = no_delay, .sack = true};
static const struct script_setup sack_ts = {.tune = no_delay, .sack = true, .ts = true};
static const struct script_setup plain = {.tune = no_delay};

struct piece {
  int seq, len;
};

/* What a receiver holds, byte by byte. */
struct model {
  bool have[2000];
  int next;
};

static void model_add(struct model *m, struct piece p)
{
  for (int i = p.seq; i < p.seq + p.len; i++) m->have[i] = true;
  while (m->have[m->next]) m->next++;
}

/* Every block is a whole range of the model beyond `next`, but for a first one that tells a repetition. */
static void check_sacks(struct script *s, const struct script_out *o, const struct model *m, bool repeated)
{
  for (unsigned i = repeated ? 1 : 0; i < o->h.n_sack; i++) {
    int left = (int)(o->h.sack[i].left - s->irs), right = (int)(o->h.sack[i].right - s->irs);
    assert_true(left > m->next && right > left);
    assert_true(m->have[left] && !m->have[left - 1] && m->have[right - 1] && !m->have[right]);
  }
}

static bool any_repeated(const struct model *m, struct piece p)
{
  for (int i = p.seq; i < p.seq + p.len; i++)
    if (m->have[i]) return true;
  return false;
}

static void check_piece(struct script *s, struct model *m, struct piece p, bool with_sack)
{
  bool repeated = any_repeated(m, p), in_order = p.seq <= m->next && p.seq + p.len > m->next;
  model_add(m, p);
  in(".P %d(%d) ack 1", p.seq, p.len);
  assert_true(s->next_out < s->n_out);
  const struct script_out *o = &s->out[s->next_out++];
  assert_int_equal((int)(o->h.ack - s->irs), m->next);
  assert_int_equal(o->len, 0);
  if (with_sack) {
    check_sacks(s, o, m, repeated);
    if (repeated) { /* RFC 2883: the first block is (in) the repeated part */
      assert_true(o->h.n_sack > 0);
      int left = (int)(o->h.sack[0].left - s->irs), right = (int)(o->h.sack[0].right - s->irs);
      assert_true(left >= p.seq && right <= p.seq + p.len && left < right);
    } else if (!in_order) { /* RFC 2018 section 4: the first block holds the segment just arrived */
      assert_true((int)(o->h.sack[0].left - s->irs) <= p.seq && (int)(o->h.sack[0].right - s->irs) >= p.seq + p.len);
    }
  } else {
    assert_int_equal(o->h.n_sack, 0);
  }
  nothing();
}

/* All orders of up to four pieces that overlap in all sorts of ways; the stream must come out whole. */
static void run_orders(void **state, const struct piece *pieces, int n, const struct script_setup *setup)
{
  int order[4] = {0, 1, 2, 3}, total = 0;
  for (int i = 0; i < n; i++)
    if (pieces[i].seq + pieces[i].len > total) total = pieces[i].seq + pieces[i].len;
  for (int code = 0; code < 256; code++) { /* four choices each, repetitions too */
    struct script *s = script_connected(state, setup);
    struct model m = {.next = 1};
    m.have[0] = true;
    for (int i = 0; i < 4; i++) order[i] = (code >> (2 * i) & 3) % n;
    for (int i = 0; i < 4; i++) check_piece(s, &m, pieces[order[i]], setup->sack);
    for (int i = 0; i < n; i++) check_piece(s, &m, pieces[i], setup->sack);
    assert_int_equal(m.next, total);
    assert_int_equal(script_recv(s, 5000), total - 1);
    assert_int_equal(script_info(s).rcv_out_of_order, 0);
    script_free(s);
  }
}

static void test_all_orders(void **state)
{
  static const struct piece sets[][4] = {
      {{1, 100}, {101, 100}, {201, 100}, {301, 100}}, /* side by side */
      {{1, 150}, {101, 150}, {201, 150}, {301, 100}}, /* each over the next */
      {{1, 300}, {51, 100}, {201, 50}, {251, 150}},   /* one within another */
      {{1, 10}, {1, 400}, {201, 10}, {100, 301}},     {{1, 101}, {51, 1}, {102, 400}, {300, 100}},
  };
  for (unsigned i = 0; i < sizeof sets / sizeof *sets; i++) {
    run_orders(state, sets[i], 4, &sack);
    if (i < 2) run_orders(state, sets[i], 4, &plain);
  }
}

/* RFC 2018 section 4: first what changed last, then the others, the most recent first. */
static void test_sack_order(void **state)
{
  struct script *s = script_connected(state, &sack);
  in(".P 1001(100) ack 1");
  out(". 1(0) ack 1 sack 1001-1101");
  in(".P 3001(100) ack 1");
  out(". 1(0) ack 1 sack 3001-3101 1001-1101");
  in(".P 2001(100) ack 1");
  out(". 1(0) ack 1 sack 2001-2101 3001-3101 1001-1101");
  in(".P 5001(100) ack 1");
  out(". 1(0) ack 1 sack 5001-5101 2001-2101 3001-3101 1001-1101");
  for (int i = 1; i < 6; i++) in(".P %d(100) ack 1", 5001 + 100 * i); /* one range, however often it grows */
  script_drain(s);
  in(".P 1101(100) ack 1");
  out(". 1(0) ack 1 sack 1001-1201 5001-5601 2001-2101 3001-3101");
  in(".P 7001(100) ack 1");
  out(". 1(0) ack 1 sack 7001-7101 1001-1201 5001-5601 2001-2101");
  script_free(s);
}

/* With timestamps three fit. */
static void test_sack_room(void **state)
{
  struct script *s = script_connected(state, &sack_ts);
  for (int i = 1; i <= 4; i++) in(".P %d(100) ack 1", 1000 * i);
  s->next_out = s->n_out - 1;
  out(". 1(0) ack 1 sack 4000-4100 3000-3100 2000-2100");
  assert_int_equal(script_send(s, 2000), 2000); /* data carries them too, and gives up room for them */
  script_pump(s);
  const struct script_out *o = &s->out[s->next_out];
  assert_int_equal(o->h.n_sack, 3);
  assert_int_equal(o->len, 1000 - 12 - 28);
  script_free(s);
}

/* RFC 2883 section 4: repetitions above the acknowledgment, whole and in part; told once; the range follows. */
static void test_dsack_above(void **state)
{
  struct script *s = script_connected(state, &sack);
  in(".P 1001(200) ack 1");
  out(". 1(0) ack 1 sack 1001-1201");
  in(".P 1101(50) ack 1");
  out(". 1(0) ack 1 sack 1101-1151 1001-1201");
  in(".P 1001(200) ack 1"); /* the very same: both blocks, or nobody could tell it from an ordinary one */
  out(". 1(0) ack 1 sack 1001-1201 1001-1201");
  in(".P 1101(200) ack 1");
  out(". 1(0) ack 1 sack 1101-1201 1001-1301");
  in(".P 1401(100) ack 1");
  out(". 1(0) ack 1 sack 1401-1501 1001-1301");
  in(".P 1(1050) ack 1"); /* fills the gap and repeats the beginning of what is there */
  out(". 1(0) ack 1301 sack 1001-1051 1401-1501");
  script_free(s);
}

/* Without SACK every segment out of order is a duplicate ACK of its own (RFC 5681 4.2), also when they come in one batch. */
static void test_duplicate_acks(void **state)
{
  static uint8_t packets[3][200];
  struct script *s = script_connected(state, &plain);
  struct yeon_frame f[3];
  for (int i = 0; i < 3; i++) {
    char spec[64];
    snprintf(spec, sizeof spec, ".P %d(10) ack 1", 101 + 10 * i);
    yeon_frame_from_bytes(&f[i], packets[i], script_packet(s, spec, packets[i]));
  }
  yeon_host_input(s->host, 0, f, 3, s->now);
  for (int i = 0; i < 3; i++) out(". 1(0) ack 1");
  nothing();
  script_free(s);
}

/* RFC 5681 4.2: what fills a gap, in part or whole, is acknowledged at once. */
static void test_gap_filled_at_once(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.sack = true}); /* 200 ms delay */
  in(".P 101(100) ack 1");
  out(". 1(0) ack 1 sack 101-201");
  in(".P 301(100) ack 1");
  out(". 1(0) ack 1 sack 301-401 101-201");
  in(".P 1(100) ack 1");
  out(". 1(0) ack 201 sack 301-401");
  in(".P 201(100) ack 1");
  out(". 1(0) ack 401");
  script_free(s);
}

static void test_fin_out_of_order(void **state)
{
  struct script *s = script_connected(state, &sack);
  in(".F 301 ack 1"); /* alone */
  out(". 1(0) ack 1");
  in(".P 101(100) ack 1");
  out(". 1(0) ack 1 sack 101-201");
  in(".P 1(100) ack 1");
  out(". 1(0) ack 201");
  state_is("ESTABLISHED");
  in(".P 201(100) ack 1");
  out(". 1(0) ack 302");
  state_is("CLOSE-WAIT");
  assert_int_equal(script_recv(s, 1000), 300);
  script_free(s);
}

/* At the edge of the window: the last byte that fits, and what sticks out. */
static void test_window_edge(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.tune = small, .sack = true});
  in(".PF 3901(200) ack 1");
  out(". 1(0) ack 1 sack 3901-4001"); /* and not the FIN */
  in(".P 4001(10) ack 1");
  out(". 1(0) ack 1 sack 3901-4001");
  for (int i = 0; i < 39; i++) in(".P %d(100) ack 1", 1 + 100 * i);
  s->next_out = s->n_out - 1;
  out(". 1(0) ack 4001 win 0");
  assert_int_equal(script_recv(s, 5000), 4000);
  state_is("ESTABLISHED");
  script_free(s);
}

/* Every other segment of a window lost: as many ranges, and all are kept. */
static void test_every_other(void **state)
{
  struct script *s = script_connected(state, &sack);
  for (int i = 0; i < 250; i++) in(".P %d(100) ack 1", 101 + 200 * i);
  script_drain(s);
  assert_int_equal(script_info(s).rcv_out_of_order, 25000);
  for (int i = 0; i < 250; i++) in(".P %d(100) ack 1", 1 + 200 * i);
  script_drain(s);
  assert_int_equal(script_info(s).rcv_out_of_order, 0);
  for (int i = 0; i < 10; i++) assert_int_equal(script_recv(s, 5000), 5000);
  assert_int_equal(script_usage(s).buffer_bytes, 0);
  script_free(s);
}

/* More ranges than the buffer is worth: the surplus is dropped, nothing else, and the stream is whole after it comes again. */
static void test_many_ranges(void **state)
{
  struct script *s = script_connected(state, &sack);
  for (int i = 0; i < 600; i++) in(".P %d(1) ack 1", 3 + 2 * i);
  script_drain(s);
  assert_in_range(script_info(s).rcv_out_of_order, 128 + 65536 / 1024, 511);
  for (int i = 0; i < 1202; i++) {
    in(".P %d(1) ack 1", 1 + i);
    script_drain(s);
  }
  assert_int_equal(script_recv(s, 5000), 1202);
  script_free(s);
}

/* The application reads while a gap is open: what is kept beyond it stays in its place. */
static void test_read_across_gap(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.tune = small, .sack = true});
  for (int round = 0; round < 40; round++) {
    int at = 1 + 300 * round;
    in(".P %d(100) ack 1", at);
    in(".P %d(100) ack 1", at + 200);
    assert_int_equal(script_recv(s, 70), 70);
    assert_int_equal(script_recv(s, 70), 30);
    assert_int_equal(script_recv(s, 70), YEON_ERR_AGAIN);
    in(".P %d(100) ack 1", at + 100);
    assert_int_equal(script_recv(s, 1000), 200);
    script_drain(s);
  }
  assert_int_equal(script_usage(s).buffer_bytes, 0); /* buffers exist only while bytes are in them */
  script_free(s);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      BOTH(test_all_orders),     BOTH(test_sack_order),         BOTH(test_sack_room),        BOTH(test_dsack_above),
      BOTH(test_duplicate_acks), BOTH(test_gap_filled_at_once), BOTH(test_fin_out_of_order), BOTH(test_window_edge),
      BOTH(test_every_other),
      BOTH(test_many_ranges),    BOTH(test_read_across_gap),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
