/* Path MTU discovery by probing (RFC 4821): black holes are found and got out of, probes show what passes, and their loss costs nothing. */
#include "tcp_script.h"

#include "tcp/internal.h"

#define BASE 1024u

static void after_black_hole(struct yeon_tcp_options *o)
{
  o->mtu_probing = YEON_MTU_PROBING_BLACK_HOLE;
  o->initial_window_segments = 20;
  o->sndbuf = o->sndbuf_max = 1 << 20;
  o->timestamps = false;
}

static void always(struct yeon_tcp_options *o)
{
  after_black_hole(o);
  o->mtu_probing = YEON_MTU_PROBING_ALWAYS;
}

static void never(struct yeon_tcp_options *o)
{
  after_black_hole(o);
  o->mtu_probing = YEON_MTU_PROBING_OFF;
}

static struct script *begin(void **state, void (*tune)(struct yeon_tcp_options *), bool sack)
{
  struct script_setup setup = {.tune = tune, .mss = 1400, .ws = 5, .win = 60000, .sack = sack};
  return script_connected(state, &setup);
}

static uint32_t headers(const struct script *s) { return s->six ? 60 : 40; }

/* The smallest that it falls to: RFC 8200 section 5 for IPv6. */
static uint32_t small_mss(const struct script *s) { return s->six && BASE + 60 < 1280 ? 1220 : BASE; }

/* Everything in the queue is taken off; the largest segment's payload. */
static uint32_t largest(struct script *s)
{
  uint32_t most = 0;
  for (; s->next_out < s->n_out; s->next_out++)
    if (s->out[s->next_out].len > most) most = s->out[s->next_out].len;
  return most;
}

/* Acknowledges all that was sent. */
static void ack_all(struct script *s) { in(". 1 ack %u", (unsigned)(s->tcp->snd_max - s->iss)); }

/* 8000 bytes that nobody answers, until segments are small. */
static void fall(struct script *s)
{
  assert_int_equal(script_send(s, 8000), 8000);
  assert_int_equal(largest(s), 1400);
  script_advance(s, 6900); /* 1, 3 s: as ever */
  assert_int_equal(largest(s), 1400);
  script_advance(s, 200); /* 7 s */
  assert_int_equal(largest(s), small_mss(s));
  assert_int_equal(script_info(s).snd_mss, small_mss(s));
  assert_int_equal(script_info(s).path_mtu, small_mss(s) + headers(s));
  assert_int_equal(script_counters(s)->tcp_mtu_black_hole, 1);
}

/* Acknowledges round by round, until the window is large enough for a probe; its length. */
static uint32_t until_probe(struct script *s)
{
  for (unsigned i = 0; i < 40; i++) {
    (void)script_send(s, 60000);
    if (s->tcp->busy != NULL && s->tcp->busy->probe_len != 0) return s->tcp->busy->probe_len;
    script_drain(s);
    script_advance(s, 10);
    script_drain(s);
    ack_all(s);
  }
  return 0;
}

static void test_black_hole(void **state)
{
  struct script *s = begin(state, after_black_hole, true);
  fall(s);
  ack_all(s);
  uint32_t len = until_probe(s);
  assert_in_range(len, small_mss(s) + 1, 1399); /* and up again */
  ack_all(s);
  assert_int_equal(script_info(s).snd_mss, len);
  assert_int_equal(script_counters(s)->tcp_mtu_raised, 1);
  script_abort(s);
  script_free(s);
}

static void test_off(void **state)
{
  struct script *s = begin(state, never, true);
  assert_int_equal(script_send(s, 8000), 8000);
  script_advance(s, 20 * 1000);
  assert_int_equal(script_info(s).snd_mss, 1400);
  assert_int_equal(script_counters(s)->tcp_mtu_black_hole, 0);
  script_abort(s);
  script_free(s);
}

/* A little that is not answered is not too large for anything. */
static void test_small_segments_are_not_blamed(void **state)
{
  struct script *s = begin(state, after_black_hole, true);
  assert_int_equal(script_send(s, 500), 500);
  script_advance(s, 20 * 1000);
  assert_int_equal(script_info(s).snd_mss, 1400);
  script_abort(s);
  script_free(s);
}

/* Still nothing: smaller yet, to where routers may cut. */
static void test_narrower_still(void **state)
{
  struct script *s = begin(state, after_black_hole, true);
  fall(s);
  script_drain(s);
  script_advance(s, 8100);
  assert_int_equal(script_info(s).snd_mss, s->six ? 1220 : 512);
  if (!s->six) assert_false(s->out[s->next_out].dont_fragment);
  script_abort(s);
  script_free(s);
}

/* The whole search, over a path that takes so much and no more: it ends near the truth, and losing probes costs no window. */
static void search(void **state, uint32_t passes, bool sack)
{
  struct script *s = begin(state, after_black_hole, sack);
  fall(s);
  ack_all(s);
  for (unsigned i = 0; i < 12; i++) {
    uint32_t len = until_probe(s), cwnd = script_info(s).cwnd;
    if (len == 0) break;
    uint32_t seq = s->tcp->busy->probe_seq - s->iss;
    if (len <= passes) {
      ack_all(s);
      continue;
    }
    script_drain(s);
    if (s->tcp->snd_una - s->iss < seq) in(". 1 ack %u", seq);
    script_drain(s);
    for (unsigned k = 0; k < 3; k++) {
      if (sack)
        in(". 1 ack %u sack %u-%u", seq, seq + len, seq + len + (k + 1) * s->tcp->snd_mss);
      else
        in(". 1 ack %u", seq);
    }
    const struct script_out *o = &s->out[s->next_out];
    while (o->h.seq != s->iss + seq && s->next_out < s->n_out) o = &s->out[++s->next_out];
    assert_true(s->next_out < s->n_out);
    assert_true(o->len <= s->tcp->snd_mss); /* again, and small */
    assert_false(script_info(s).in_recovery);
    assert_true(script_info(s).cwnd >= cwnd);
    ack_all(s);
  }
  assert_in_range(script_info(s).snd_mss, passes > 8 + small_mss(s) ? passes - 8 : small_mss(s), passes);
  assert_int_equal(script_counters(s)->tcp_mtu_black_hole, 1);
  script_abort(s);
  script_free(s);
}

static void test_search(void **state)
{
  for (unsigned sack = 0; sack < 2; sack++) {
    search(state, 1399, sack != 0);
    search(state, 1300, sack != 0);
    search(state, 1250, sack != 0);
  }
}

/* RFC 4821 7.6.2: after a loss that cost nothing, no other for a round trip a segment of the window. */
static void test_headway(void **state)
{
  struct script *s = begin(state, after_black_hole, true);
  fall(s);
  ack_all(s);
  uint32_t len = until_probe(s), seq = s->tcp->busy->probe_seq - s->iss;
  script_drain(s);
  if (s->tcp->snd_una - s->iss < seq) in(". 1 ack %u", seq);
  for (unsigned k = 0; k < 3; k++) in(". 1 ack %u sack %u-%u", seq, seq + len, seq + len + (k + 1) * s->tcp->snd_mss);
  assert_int_equal(s->tcp->busy->probe_len, 0);
  uint64_t before = script_counters(s)->tcp_mtu_probe;
  struct yeon_tcp_info info = script_info(s);
  uint32_t wait = info.srtt_us / 1000 * (info.cwnd / info.snd_mss);
  assert_true(wait > 0);
  for (uint32_t ms = 0; ms + 10 < wait; ms += 10) {
    script_drain(s);
    ack_all(s);
    (void)script_send(s, 60000);
    script_advance(s, 10);
    assert_int_equal(script_counters(s)->tcp_mtu_probe, before);
  }
  ack_all(s);
  assert_in_range(until_probe(s), small_mss(s) + 1, len - 1);
  script_abort(s);
  script_free(s);
}

/* RFC 4821 7.3. */
static void test_search_again(void **state)
{
  struct script *s = begin(state, after_black_hole, true);
  fall(s);
  ack_all(s);
  while (until_probe(s) != 0) ack_all(s); /* everything passes, to where the search stops: just below what had failed */
  uint32_t reached = script_info(s).snd_mss;
  assert_in_range(reached, 1390, 1399);
  script_drain(s);
  script_advance(s, 601 * 1000);
  ack_all(s);
  assert_true(until_probe(s) > reached || 1400 - reached < 8);
  script_abort(s);
  script_free(s);
}

static void test_icmp_narrows_a_search(void **state)
{
  struct script *s = begin(state, always, true);
  script_send(s, 3000);
  script_icmp(s, s->six ? 2 : 3, s->six ? 0 : 4, 1300, 1);
  script_drain(s);
  ack_all(s);
  assert_int_equal(script_info(s).path_mtu, 1300);
  assert_int_equal(until_probe(s), 0); /* it was told; nothing is left to find out */
  script_abort(s);
  script_free(s);
}

/* Not while too little is behind it, or something is amiss. */
static void test_when_no_probe_goes(void **state)
{
  struct script *s = begin(state, after_black_hole, true);
  fall(s);
  ack_all(s);
  for (unsigned i = 0; i < 30; i++) { /* the window grows, but each write is short */
    script_send(s, 3000);
    script_drain(s);
    ack_all(s);
  }
  assert_int_equal(script_counters(s)->tcp_mtu_probe, 0);
  script_abort(s);
  script_free(s);
}

static void test_options(void **state)
{
  (void)state;
  struct yeon_tcp_options o;
  const char *field;
  yeon_tcp_options_init(&o, YEON_PROFILE_YEON);
  assert_int_equal(o.mtu_probing, YEON_MTU_PROBING_BLACK_HOLE);
  o.mtu_probing = 3;
  assert_int_equal(yeon_tcp_options_check(&o, &field), YEON_ERR_INVALID);
  assert_string_equal(field, "mtu_probing");
  o.mtu_probing = 0;
  o.base_mss = 255;
  assert_int_equal(yeon_tcp_options_check(&o, &field), YEON_ERR_INVALID);
}

int main(void)
{
  const struct CMUnitTest tests[] = {BOTH(test_black_hole), BOTH(test_off), BOTH(test_small_segments_are_not_blamed),
                                     BOTH(test_narrower_still), BOTH(test_search), BOTH(test_search_again), BOTH(test_headway),
                                     BOTH(test_icmp_narrows_a_search), BOTH(test_when_no_probe_goes), cmocka_unit_test(test_options)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
