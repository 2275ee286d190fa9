/* HyStart++ (RFC 9406), and the HyStart of Linux for its likeness.
 *
 * Both look at the RTT of a round trip's acknowledgments: when the least of the first eight is clearly more than that of the round before (Linux: than
 * the least ever), a queue is building up. HyStart++ then goes on at a quarter of the speed for five rounds, ready to take it back should the delay
 * fall again (docs/decisions/0023 makes it earlier, and sure); Linux's ends slow start at once. Linux also ends it when a train of acknowledgments, none more than 2 ms after the other, has lasted as
 * long as half the least RTT: then the window fills the path. A round ends when as many bytes are delivered as were in flight at its beginning. */
#include "cc/hystart.h"

/* RFC 9406 4.2 */
#define MIN_RTT_THRESH_US 4000u
#define MAX_RTT_THRESH_US 16000u
#define MIN_RTT_DIVISOR 8u
#define N_RTT_SAMPLE 8u
#define CSS_GROWTH_DIVISOR 4u
#define CSS_ROUNDS 5u
#define L 8u

#define EARLY 0u /* the baseline of a round in which the delay has just begun to rise: there is none yet */

#define LINUX_LOW_WINDOW 16u /* segments: below it nothing is judged */
#define LINUX_TRAIN_GAP (2 * YEON_MS)

static uint32_t threshold_us(uint32_t rtt_us)
{
  uint32_t t = rtt_us / MIN_RTT_DIVISOR;
  if (t < MIN_RTT_THRESH_US) return MIN_RTT_THRESH_US;
  return t < MAX_RTT_THRESH_US ? t : MAX_RTT_THRESH_US;
}

/* When even the shortest of a whole round's samples is longer than the shortest of all by so much, it is no jitter: the path is full. */
static bool is_full(const struct hystart *h)
{
  if (h->least_us == 0) return false; /* no round before it */
  uint32_t two = 2 * threshold_us(h->least_us), quarter = h->least_us / 4;
  return h->current_us >= h->least_us + (two > quarter ? two : quarter);
}

static void begin_round(struct hystart *h, const struct cc_ack *ack)
{
  /* What is acknowledged in the second round had left before the first began. */
  if (h->css_rounds == 1 && h->baseline_us == EARLY) h->early_us = h->last_us + threshold_us(h->last_us) / 2;
  if (h->css_rounds == 2 && h->baseline_us == EARLY) h->baseline_us = h->early_us;
  h->last_us = h->running ? h->current_us : HYSTART_UNKNOWN;
  if (h->last_us != HYSTART_UNKNOWN && (h->least_us == 0 || h->last_us < h->least_us)) h->least_us = h->last_us;
  h->current_us = HYSTART_UNKNOWN;
  h->samples = 0;
  h->round_end = (uint32_t)ack->delivered + ack->in_flight;
  h->round_at = h->last_ack_at = ack->now;
  h->running = true;
  if (h->css_rounds > 0) h->css_rounds++;
}

static bool round_over(const struct hystart *h, const struct cc_ack *ack)
{
  return !h->running || (int32_t)((uint32_t)ack->delivered - h->round_end) >= 0;
}

static void sample(struct hystart *h, const struct cc_ack *ack)
{
  if (ack->rtt_us == 0) return;
  uint32_t threshold = threshold_us(h->last_us);
  bool higher = h->last_us != HYSTART_UNKNOWN && ack->rtt_us >= h->last_us + threshold / 2 &&
                ack->rtt_us + threshold / 8 >= h->sample_us;
  h->sample_us = ack->rtt_us;
  h->higher = (uint8_t)(higher ? h->higher + (h->higher < N_RTT_SAMPLE) : 0);
  if (ack->rtt_us < h->current_us) h->current_us = ack->rtt_us;
  if (h->samples < UINT16_MAX) h->samples++;
}

/* RFC 9406 4.2; and what docs/decisions/0023 adds: in a round in which the delay has just begun to rise. Without pacing a window's own burst does that. */
static void judge(struct hystart *h, bool paced)
{
  bool rises = h->last_us != HYSTART_UNKNOWN && h->current_us >= h->last_us + threshold_us(h->last_us);
  if (h->css_rounds <= 1 && rises) {
    h->css_rounds = 1;
    h->baseline_us = h->current_us;
  } else if (h->css_rounds > 0 && h->current_us < h->baseline_us) {
    h->css_rounds = 0; /* it was no queue */
    h->jittery = true;
  } else if (h->css_rounds == 0 && h->higher >= N_RTT_SAMPLE && paced && !h->jittery) {
    h->css_rounds = 1;
    h->baseline_us = EARLY;
  }
}

enum hystart_pace hystart_on_ack(struct hystart *h, const struct cc_ack *ack, bool paced)
{
  bool over = round_over(h, ack);
  if (h->running) sample(h, ack);
  if (h->running && h->samples >= N_RTT_SAMPLE) {
    judge(h, paced);
    if ((over || h->css_rounds > 1) && is_full(h)) h->css_rounds = CSS_ROUNDS + 1;
  }
  if (over) begin_round(h, ack);
  if (h->css_rounds > CSS_ROUNDS) return HYSTART_EXIT;
  return h->css_rounds > 0 ? HYSTART_CONSERVATIVE : HYSTART_FULL;
}

uint32_t hystart_growth(enum hystart_pace pace, uint32_t acked, uint32_t mss, bool paced)
{
  /* RFC 9406 4.3: without pacing no more than L segments' worth at once. */
  if (!paced && acked > L * mss) acked = L * mss;
  return pace == HYSTART_CONSERVATIVE ? acked / CSS_GROWTH_DIVISOR : acked;
}

static bool train_is_long(struct hystart *h, const struct cc_ack *ack, bool paced)
{
  if (ack->now - h->last_ack_at > LINUX_TRAIN_GAP) return false;
  h->last_ack_at = ack->now;
  uint32_t most_us = paced ? ack->rtt_min_us : ack->rtt_min_us / 2;
  return ack->now - h->round_at > (yeon_time)most_us * YEON_US;
}

enum hystart_pace hystart_linux_on_ack(struct hystart *h, const struct cc_ack *ack, uint32_t segments, bool paced)
{
  uint32_t samples = h->samples;
  if (segments < LINUX_LOW_WINDOW || ack->rtt_us == 0) return HYSTART_FULL;
  /* The acknowledgment that begins a round counts for it. */
  if (!h->running || (int32_t)((uint32_t)ack->delivered - h->round_end) > 0) {
    begin_round(h, ack);
    samples = 0;
  }
  if (train_is_long(h, ack, paced)) return HYSTART_EXIT;
  sample(h, ack);
  if (samples < N_RTT_SAMPLE) return HYSTART_FULL;
  return h->current_us > ack->rtt_min_us + threshold_us(ack->rtt_min_us) ? HYSTART_EXIT : HYSTART_FULL;
}
