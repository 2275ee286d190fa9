/* One sender with always something to send, one bottleneck with a queue, acknowledgments for each segment: for tests of congestion control alone. */
#ifndef UNIT_CC_LINK_H
#define UNIT_CC_LINK_H

#include "cc/cc.h"

#define CC_LINK_SLOTS 16384u

struct cc_link_segment {
  yeon_time sent_at, arrives_at, delivered_at, first_sent_at;
  uint64_t delivered;
  uint32_t tx_in_flight, lost;
  bool dropped, low;
};

struct cc_link {
  struct cc cc;
  uint64_t memory[CC_HELD_BYTES / 8];
  uint64_t borrowed[CC_BORROWED_BYTES / 8];
  /* The path. */
  uint64_t rate; /* bytes a second */
  uint32_t rtt_us, buffer, mss;
  uint32_t loss_every; /* each n-th segment is lost; 0: none */
  yeon_time free_at;
  /* The sender. */
  yeon_time now, next_send, delivered_at, first_sent_at, recover_until;
  uint64_t delivered, low_until;
  uint32_t in_flight, lost, srtt_us, rtt_min_us;
  uint64_t sent, drops;
  bool recovering;
  struct cc_link_segment ring[CC_LINK_SLOTS];
  uint32_t first, n;
  /* What was seen. */
  yeon_time queue_most; /* longest wait since it was last set to 0 */
};

static inline void cc_link_begin(struct cc_link *l, enum yeon_congestion algorithm, uint64_t rate, uint32_t rtt_us, uint32_t buffer)
{
  *l = (struct cc_link){.rate = rate, .rtt_us = rtt_us, .buffer = buffer, .mss = 1000, .now = YEON_SEC, .srtt_us = rtt_us, .rtt_min_us = rtt_us};
  struct cc_config config = {.algorithm = algorithm, .mss = l->mss, .initial = 10 * l->mss, .habits = CC_IS_PACED, .srtt_us = rtt_us, .seed = 5,
                             .now = l->now, .state = cc_ops_of(algorithm)->held ? l->memory : NULL};
  cc_init(&l->cc, &config);
  if (config.state == NULL) cc_adopt(&l->cc, l->borrowed);
}

static inline void cc_link_send(struct cc_link *l)
{
  struct cc_link_segment *p = &l->ring[(l->first + l->n++) % CC_LINK_SLOTS];
  uint64_t pace = cc_pacing_rate(&l->cc);
  yeon_time begins = l->free_at > l->now ? l->free_at : l->now;
  if (pace == 0) pace = l->cc.cwnd * 1200000ull / l->srtt_us + 1;
  if (l->in_flight == 0) l->first_sent_at = l->delivered_at = l->now;
  l->in_flight += l->mss;
  *p = (struct cc_link_segment){.sent_at = l->now, .delivered_at = l->delivered_at, .first_sent_at = l->first_sent_at, .delivered = l->delivered,
                                .tx_in_flight = l->in_flight, .lost = l->lost, .low = l->delivered < l->low_until};
  l->sent++;
  p->dropped = (uint64_t)(begins - l->now) * l->rate / YEON_SEC > l->buffer || (l->loss_every != 0 && l->sent % l->loss_every == 0);
  if (!p->dropped) {
    l->free_at = begins + (yeon_time)(l->mss * (uint64_t)YEON_SEC / l->rate);
    if (begins - l->now > l->queue_most) l->queue_most = begins - l->now;
  } else {
    l->drops++;
  }
  p->arrives_at = l->free_at + (yeon_time)l->rtt_us * YEON_US; /* of one that is dropped: when the next one tells */
  l->next_send = (l->next_send > l->now ? l->next_send : l->now) + (yeon_time)(l->mss * (uint64_t)YEON_SEC / pace);
}

static inline void cc_link_ack(struct cc_link *l)
{
  struct cc_link_segment *p = &l->ring[l->first];
  uint32_t rtt_us = (uint32_t)((p->arrives_at - p->sent_at) / YEON_US), lost = 0;
  l->first = (l->first + 1) % CC_LINK_SLOTS;
  l->n--;
  if (p->arrives_at > l->now) l->now = p->arrives_at;
  l->in_flight -= l->mss;
  if (p->dropped) {
    l->lost += lost = l->mss;
    if (!l->recovering) cc_on_congestion(&l->cc, CC_LOSS, l->in_flight + l->mss, l->now);
    if (!l->recovering) l->recover_until = l->now + (yeon_time)l->srtt_us * YEON_US;
    l->recovering = true;
  } else {
    l->delivered += l->mss;
    l->srtt_us = (7 * l->srtt_us + rtt_us) / 8;
    if (rtt_us < l->rtt_min_us) l->rtt_min_us = rtt_us;
    l->delivered_at = l->now;
    l->first_sent_at = p->sent_at;
  }
  if (l->recovering && l->now > l->recover_until) {
    l->recovering = false;
    cc_on_recovered(&l->cc, l->now);
  }
  yeon_time out = p->sent_at - p->first_sent_at, back = l->now - p->delivered_at;
  struct cc_ack a = {.acked = p->dropped ? 0 : l->mss, .lost = lost, .in_flight = l->in_flight, .flight_max = l->cc.cwnd, .srtt_us = l->srtt_us,
                     .rtt_us = p->dropped ? 0 : rtt_us, .rtt_min_us = l->rtt_min_us, .in_recovery = l->recovering, .delivered = l->delivered, .now = l->now};
  if (!p->dropped)
    a.rate = (struct cc_rate){.prior_delivered = p->delivered, .delivered = (uint32_t)(l->delivered - p->delivered), .tx_in_flight = p->tx_in_flight,
                              .interval_us = (uint32_t)((out > back ? out : back) / YEON_US), .lost = l->lost - p->lost, .app_limited = p->low};
  if ((l->cc.habits & CC_SAMPLES_LOW) != 0) l->low_until = l->delivered + l->in_flight;
  cc_on_ack(&l->cc, &a);
}

static inline void cc_link_run(struct cc_link *l, yeon_time span)
{
  yeon_time end = l->now + span;
  while (l->now < end) {
    bool room = l->in_flight + l->mss <= l->cc.cwnd && l->n < CC_LINK_SLOTS;
    yeon_time send_at = l->next_send > l->now ? l->next_send : l->now;
    yeon_time ack_at = l->n > 0 ? l->ring[l->first].arrives_at : YEON_NEVER;
    if (room && send_at <= ack_at) {
      l->now = send_at;
      cc_link_send(l);
    } else {
      cc_link_ack(l);
    }
  }
}

/* Bytes a second delivered in so much time. */
static inline uint64_t cc_link_rate(struct cc_link *l, yeon_time span)
{
  uint64_t before = l->delivered;
  yeon_time began = l->now;
  cc_link_run(l, span);
  return (l->delivered - before) * (uint64_t)YEON_SEC / (uint64_t)(l->now - began);
}

#endif
