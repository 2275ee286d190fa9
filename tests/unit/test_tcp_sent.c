/* The records of what was sent (src/tcp/sent.c), against a model that keeps every byte apart. */
#include "tcp_script.h"

#include <string.h>

#include "tcp/internal.h"

#define MODEL_BYTES 200000u

/* What is known of each byte, by its distance from where the test began. */
static uint8_t model[MODEL_BYTES];
static uint32_t begin, una, max;

static uint32_t draw(uint64_t *x, uint32_t below)
{
  *x = *x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)(*x >> 33) % below;
}

static void check(const struct yeon_tcp *c)
{
  const struct tcp_sents *s = &c->busy->sent;
  uint32_t sacked = 0, lost = 0, resent = 0, due = 0, top = una;
  if (s->n > 0) assert_int_equal(tcp_sent_at(s, 0)->seq, begin + una);
  for (uint32_t i = 0; i < s->n; i++) {
    const struct tcp_sent *r = tcp_sent_at(s, i);
    uint32_t end = tcp_sent_end(s, i);
    assert_true(seq_lt(r->seq, end));
    for (uint32_t at = r->seq - begin; at < end - begin; at++) assert_int_equal(model[at], r->flags);
  }
  for (uint32_t at = una; at < max; at++) {
    sacked += (model[at] & TCP_SENT_SACKED) != 0;
    lost += (model[at] & TCP_SENT_LOST) != 0;
    resent += (model[at] & TCP_SENT_RESENT) != 0;
    due += (model[at] & (TCP_SENT_LOST | TCP_SENT_RESENT)) == TCP_SENT_LOST;
    if ((model[at] & TCP_SENT_SACKED) != 0) top = at + 1;
  }
  assert_int_equal(s->sacked, sacked);
  assert_int_equal(s->lost, lost);
  assert_int_equal(s->resent, resent);
  assert_int_equal(s->due, due);
  if (sacked > 0) assert_int_equal(s->top, begin + top);
  if (due > 0) {
    uint32_t seq, len, at = una;
    assert_true(tcp_sent_find(c, s->due_from, TCP_SENT_LOST, TCP_SENT_RESENT, 5000, &seq, &len));
    while ((model[at] & (TCP_SENT_LOST | TCP_SENT_RESENT)) != TCP_SENT_LOST) at++;
    assert_int_equal(seq, begin + at);
    for (uint32_t i = 0; i < len; i++)
      assert_int_equal(model[at + i] & (TCP_SENT_LOST | TCP_SENT_RESENT), TCP_SENT_LOST);
  }
}

static void act(struct yeon_tcp *c, uint64_t *x)
{
  struct tcp_news news = {0};
  uint32_t left = una + (max > una ? draw(x, max - una) : 0), len = 1 + draw(x, 4000);
  uint32_t right = left + len < max ? left + len : max, known = 0;
  switch (draw(x, 8)) {
  case 0:
  case 1:
  case 2:
    if (max + len > MODEL_BYTES) return;
    assert_true(tcp_sent_reserve(c));
    tcp_sent_note(c, begin + max, begin + max + len, 1);
    max += len;
    break;
  case 3:
    if (left == right) return;
    assert_true(tcp_sent_reserve(c));
    tcp_sent_note(c, begin + left, begin + right, 2);
    for (uint32_t at = left; at < right; at++)
      model[at] |= (model[at] & TCP_SENT_SACKED) != 0 ? TCP_SENT_EVER_RESENT : TCP_SENT_EVER_RESENT | TCP_SENT_RESENT;
    break;
  case 4:
  case 5:
    if (left == una || left == right) return;
    for (uint32_t at = left; at < right; at++) known += (model[at] & TCP_SENT_SACKED) != 0;
    tcp_sent_sack(c, begin + left, begin + right, &news);
    for (uint32_t at = left; at < right; at++) model[at] = (model[at] & TCP_SENT_EVER_RESENT) | TCP_SENT_SACKED;
    assert_int_equal(news.sacked, right - left - known);
    break;
  case 6:
    for (uint32_t at = left; at < right; at++) {
      if ((model[at] & TCP_SENT_SACKED) != 0) continue;
      model[at] |= TCP_SENT_LOST;
      if ((len & 1) != 0) model[at] &= (uint8_t)~TCP_SENT_RESENT;
    }
    if (left < right) tcp_sent_lose(c, begin + left, begin + right, (len & 1) != 0);
    break;
  default:
    if (draw(x, 3) != 0) return;
    for (uint32_t at = una; at < right; at++) known += (model[at] & TCP_SENT_SACKED) != 0;
    tcp_sent_ack(c, begin + right, &news);
    assert_int_equal(news.fresh, right - una - known);
    una = right;
  }
}

/* EVER_RESENT is the union over neighbours that became one: the model takes it over from the records. */
static void take_over_unions(const struct yeon_tcp *c)
{
  const struct tcp_sents *s = &c->busy->sent;
  for (uint32_t i = 0; i < s->n; i++) {
    const struct tcp_sent *r = tcp_sent_at(s, i);
    if ((r->flags & TCP_SENT_SACKED) == 0) continue;
    for (uint32_t at = r->seq - begin; at < tcp_sent_end(s, i) - begin; at++)
      model[at] |= r->flags & TCP_SENT_EVER_RESENT;
  }
}

static void test_against_model(void **state)
{
  uint64_t x = 1;
  for (int round = 0; round < 30; round++) {
    struct script *s = script_connected(state, &(struct script_setup){.sack = true});
    struct yeon_tcp *c = s->tcp;
    assert_non_null(tcp_busy(c));
    memset(model, 0, sizeof model);
    una = max = 0;
    begin = round % 2 == 0 ? c->snd_una : UINT32_MAX - 50000; /* once over the end of the numbers */
    for (int i = 0; i < 400; i++) {
      c->snd_mss = 20; /* far from the limit */
      act(c, &x);
      take_over_unions(c);
      check(c);
    }
    tcp_sent_forget_sacks(c);
    assert_int_equal(c->busy->sent.sacked, 0);
    tcp_sent_release(c);
    script_free(s);
  }
}

/* A peer that tells of every second byte is followed up to the limit and no further, and nothing is lost by it. */
static void test_limit_of_cuts(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.sack = true});
  struct yeon_tcp *c = s->tcp;
  struct tcp_news news = {0};
  const uint32_t bytes = 50000, limit = 128 + 4 * (bytes / c->snd_mss);
  assert_non_null(tcp_busy(c));
  assert_true(tcp_sent_reserve(c));
  tcp_sent_note(c, c->snd_una, c->snd_una + bytes, 1);
  for (uint32_t at = 1; at + 1 < bytes; at += 2) tcp_sent_sack(c, c->snd_una + at, c->snd_una + at + 1, &news);
  const struct tcp_sents *sent = &c->busy->sent;
  assert_in_range(sent->n, limit - 2, limit + 1);
  assert_int_equal(sent->sacked, news.sacked);
  tcp_sent_sack(c, c->snd_una + 1, c->snd_una + bytes, &news); /* all of it at once can still be told */
  assert_int_equal(sent->sacked, bytes - 1);
  assert_int_equal(sent->n, 2);
  tcp_sent_ack(c, c->snd_una + bytes, &news);
  assert_int_equal(sent->n + sent->sacked, 0);
  tcp_sent_release(c);
  script_free(s);
}

/* Byte by byte: beyond the limit what is sent joins the newest record, and nothing of it is taken for told. */
static void test_limit_of_sends(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.sack = true});
  struct yeon_tcp *c = s->tcp;
  struct tcp_news news = {0};
  assert_non_null(tcp_busy(c));
  for (uint32_t at = 0; at < 5000; at++) {
    assert_true(tcp_sent_reserve(c));
    tcp_sent_note(c, c->snd_una + at, c->snd_una + at + 1, 1 + at);
    if (at > 0 && at % 2 == 0) tcp_sent_sack(c, c->snd_una + at, c->snd_una + at + 1, &news);
  }
  assert_true(c->busy->sent.n <= 128 + 4 * 5 + 1);
  assert_int_equal(c->busy->sent.end, c->snd_una + 5000);
  tcp_sent_release(c);
  script_free(s);
}

/* That record is of many times: what acknowledges its beginning is no sample of a round trip since its end. */
static void test_limit_makes_no_samples(void **state)
{
  struct script *s = script_connected(state, &(struct script_setup){.sack = true});
  struct yeon_tcp *c = s->tcp;
  assert_non_null(tcp_busy(c));
  for (uint32_t at = 0; at < 5000; at++) {
    assert_true(tcp_sent_reserve(c));
    tcp_sent_note(c, c->snd_una + at, c->snd_una + at + 1, (1 + at) * YEON_MS);
  }
  c->rtt_min_us = 100000;
  struct tcp_news news = {.now = 5050 * YEON_MS};
  tcp_sent_ack(c, c->snd_una + 3000, &news);
  assert_true(news.any);
  assert_true(news.newest_again || news.newest_at < 1000 * YEON_MS);
  tcp_sent_release(c);
  script_free(s);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      BOTH(test_against_model),
      BOTH(test_limit_of_cuts),
      BOTH(test_limit_of_sends),
      BOTH(test_limit_makes_no_samples),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
