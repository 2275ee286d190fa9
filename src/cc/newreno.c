/* NewReno's window (RFC 5681 3.1, 3.2; RFC 6582 for what happens within recovery, which is tcp/recovery.c's part).
 * Growth counts bytes, not acknowledgments (RFC 3465), and pauses while the application, not the window, limits the flight. */
#include "cc/cc.h"

/* A window that was not used proves nothing about the path (RFC 7661 is the full treatment). */
static bool limited_by_window(const struct cc *cc, const struct cc_ack *ack)
{
  if (cc->cwnd < cc->ssthresh) return ack->flight > cc->cwnd / 2;
  return ack->flight + 2 * cc->mss >= cc->cwnd;
}

static uint32_t add_capped(uint32_t a, uint32_t b)
{
  const uint32_t cap = 1u << 30;
  return b > cap - a ? cap : a + b;
}

static void grow(struct cc *cc, const struct cc_ack *ack)
{
  uint32_t acked = ack->acked;
  if (!limited_by_window(cc, ack)) return;
  if (cc->cwnd < cc->ssthresh) {
    uint32_t room = cc->ssthresh - cc->cwnd;
    uint32_t step = acked < room ? acked : room;
    cc->cwnd = add_capped(cc->cwnd, step);
    acked -= step;
  }
  cc->credit += acked;
  /* RFC 5681 3.1: one segment for every window of acknowledged bytes. */
  while (cc->credit >= cc->cwnd) {
    cc->credit -= cc->cwnd;
    cc->cwnd = add_capped(cc->cwnd, cc->mss);
  }
}

/* RFC 5681 3.1, equation 4. */
static uint32_t half_of(const struct cc *cc, uint32_t flight)
{
  uint32_t half = flight / 2;
  return half > 2 * cc->mss ? half : 2 * cc->mss;
}

static void congestion(struct cc *cc, uint32_t flight, yeon_time now)
{
  (void)now;
  cc->ssthresh = half_of(cc, flight);
  cc->cwnd = cc->ssthresh;
  cc->credit = 0;
}

/* RFC 5681 3.1: the threshold is set by the first expiry only; the window falls to one segment at each. */
static void timeout(struct cc *cc, uint32_t flight, bool again, yeon_time now)
{
  (void)now;
  if (!again) cc->ssthresh = half_of(cc, flight);
  cc->cwnd = cc->mss;
  cc->credit = 0;
}

static void init(struct cc *cc) { cc->credit = 0; }

const struct cc_ops cc_newreno = {
    .name = "newreno", .init = init, .on_ack = grow, .on_congestion = congestion, .on_timeout = timeout};
