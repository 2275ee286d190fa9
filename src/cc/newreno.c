/* NewReno's window (RFC 5681 3.1, 3.2; RFC 6582 for what happens within recovery, which is the transport's part).
 * Growth counts bytes, not acknowledgments (RFC 3465), and pauses while the application, not the window, limits the flight.
 * cc.memory: bytes acknowledged and not yet turned into growth. */
#include "cc/cc.h"

/* Before the last congestion event. */
struct newreno {
  uint32_t prior_cwnd, prior_ssthresh; /* bytes; prior_cwnd 0: no event to undo */
};
_Static_assert(sizeof(struct newreno) <= CC_BORROWED_BYTES, "newreno's state is lent");

static void grow(struct cc *cc, const struct cc_ack *ack)
{
  uint32_t acked = ack->acked;
  if (cc_is_bad_time(ack) || !cc_limited_by_window(cc, ack)) return;
  if (cc->cwnd < cc->ssthresh) {
    uint32_t room = cc->ssthresh - cc->cwnd;
    uint32_t step = acked < room ? acked : room;
    cc_widen(cc, step);
    acked -= step;
  }
  cc->memory += acked;
  /* RFC 5681 3.1: one segment for every window of acknowledged bytes. */
  while (cc->memory >= cc->cwnd) {
    cc->memory -= cc->cwnd;
    cc_widen(cc, cc->mss);
  }
}

/* RFC 5681 3.1, equation 4; RFC 8511 section 3 for a mark, which tells of a short queue. */
static uint32_t reduced(const struct cc *cc, enum cc_event event, uint32_t flight)
{
  if ((cc->habits & CC_LIKE_LINUX) != 0) flight = cc->cwnd;
  uint32_t target = event == CC_MARK ? (uint32_t)(flight * 4ull / 5) : flight / 2;
  return target > 2u * cc->mss ? target : 2u * cc->mss;
}

/* RFC 5681 3.1: at a time-out the threshold is set by the first expiry only; the window falls to one segment at each. */
static void congestion(struct cc *cc, enum cc_event event, uint32_t flight, yeon_time now)
{
  struct newreno *s = cc->state;
  (void)now;
  if (event != CC_TIMEOUT_AGAIN) {
    *s = (struct newreno){.prior_cwnd = cc->cwnd, .prior_ssthresh = cc->ssthresh};
    cc->ssthresh = reduced(cc, event, flight);
  }
  cc->cwnd = event == CC_LOSS || event == CC_MARK ? cc->ssthresh : cc->mss;
  cc->memory = 0;
}

static void undo(struct cc *cc, yeon_time now)
{
  struct newreno *s = cc->state;
  (void)now;
  if (s->prior_cwnd > cc->cwnd) cc->cwnd = s->prior_cwnd;
  if (s->prior_cwnd != 0 && s->prior_ssthresh > cc->ssthresh) cc->ssthresh = s->prior_ssthresh;
  s->prior_cwnd = 0;
}

static void idle(struct cc *cc, yeon_time now)
{
  (void)now;
  cc->memory = 0;
}

const struct cc_ops cc_newreno = {.name = "newreno",
                                  .state_bytes = sizeof(struct newreno),
                                  .on_ack = grow,
                                  .on_congestion = congestion,
                                  .on_undo = undo,
                                  .on_idle = idle};
