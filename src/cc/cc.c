/* What the algorithms share: the list of them, beginning, state lent and taken back, restart after idleness. */
#include "cc/cc.h"

#include <assert.h>
#include <string.h>

static const struct cc_ops *const algorithms[YEON_CONGESTIONS] = {[YEON_CC_NEWRENO] = &cc_newreno, [YEON_CC_CUBIC] = &cc_cubic,
                                                                 [YEON_CC_BBR] = &cc_bbr,
                                                                 [YEON_CC_COPA] = &cc_copa};

const struct cc_ops *cc_ops_of(enum yeon_congestion algorithm) { return algorithms[algorithm]; }

const char *yeon_congestion_name(enum yeon_congestion algorithm)
{
  return (unsigned)algorithm < YEON_CONGESTIONS ? algorithms[algorithm]->name : "?";
}

int yeon_congestion_find(const char *name)
{
  if (name == NULL) return YEON_ERR_INVALID;
  if (strcmp(name, "reno") == 0) return YEON_CC_NEWRENO; /* Linux's name */
  for (int i = 0; i < YEON_CONGESTIONS; i++)
    if (strcmp(algorithms[i]->name, name) == 0) return i;
  return YEON_ERR_INVALID;
}

void cc_init(struct cc *cc, const struct cc_config *config)
{
  *cc = (struct cc){.state = config->state,
                    .cwnd = config->initial,
                    .ssthresh = CC_SSTHRESH_NONE,
                    .mss = (uint16_t)config->mss,
                    .algorithm = (uint8_t)config->algorithm,
                    .habits = config->habits};
  if (cc_ops(cc)->init != NULL) cc_ops(cc)->init(cc, config);
}

void cc_adopt(struct cc *cc, void *state)
{
  assert(cc->state == NULL);
  cc->state = state;
  if (cc_ops(cc)->adopt != NULL) cc_ops(cc)->adopt(cc);
}

void cc_release(struct cc *cc)
{
  if (cc->state != NULL && cc_ops(cc)->release != NULL) cc_ops(cc)->release(cc);
  cc->state = NULL;
}

void cc_on_ack(struct cc *cc, const struct cc_ack *ack) { cc_ops(cc)->on_ack(cc, ack); }

void cc_on_congestion(struct cc *cc, enum cc_event event, uint32_t flight, yeon_time now)
{
  cc_ops(cc)->on_congestion(cc, event, flight, now);
}

void cc_on_recovered(struct cc *cc, yeon_time now)
{
  if (cc_ops(cc)->on_recovered != NULL) cc_ops(cc)->on_recovered(cc, now);
}

void cc_on_undo(struct cc *cc, yeon_time now) { cc_ops(cc)->on_undo(cc, now); }

uint64_t cc_pacing_rate(const struct cc *cc)
{
  return cc_ops(cc)->pacing_rate != NULL && cc->state != NULL ? cc_ops(cc)->pacing_rate(cc) : 0;
}

void cc_restart(struct cc *cc, uint32_t restart_window, yeon_time now)
{
  if (cc_ops(cc)->on_idle != NULL) cc_ops(cc)->on_idle(cc, now);
  if (!cc_ops(cc)->governs_itself && cc->cwnd > restart_window) cc->cwnd = restart_window;
}

void cc_decay(struct cc *cc, uint32_t restart_window, uint32_t halvings, yeon_time now)
{
  uint32_t known = cc->cwnd - cc->cwnd / 4, left = halvings < 32 ? cc->cwnd >> halvings : 0;
  if (cc_ops(cc)->governs_itself || cc->cwnd <= restart_window) {
    cc_restart(cc, restart_window, now);
    return;
  }
  if (cc->ssthresh < known) cc->ssthresh = known;
  cc_restart(cc, left > restart_window ? left : restart_window, now);
}

void cc_set_mss(struct cc *cc, uint32_t mss)
{
  cc->mss = (uint16_t)mss;
  if (cc->cwnd < mss) cc->cwnd = mss;
}

uint32_t cc_initial_window(uint32_t mss, uint32_t segments)
{
  if (segments > 0) return segments * mss;
  if (mss > 2190) return 2 * mss;
  return mss > 1095 ? 3 * mss : 4 * mss;
}

uint32_t cc_quantum(uint64_t rate, uint32_t mss)
{
  uint64_t bytes = rate / 1000;
  if (bytes > 65536) bytes = 65536;
  return bytes > 2 * mss ? (uint32_t)bytes : 2 * mss;
}

bool cc_limited_by_window(const struct cc *cc, const struct cc_ack *ack)
{
  /* The peer's window is the limit. In slow start the flight would not show it until cwnd is twice as much, which leaves in a burst when that opens. */
  if (ack->window != 0 && cc->cwnd >= ack->window && (cc->habits & CC_LIKE_LINUX) == 0) return false;
  if (cc->cwnd < cc->ssthresh) return ack->flight_max > cc->cwnd / 2;
  return cc_fills(ack, cc->cwnd, cc->mss);
}

void cc_widen(struct cc *cc, uint32_t bytes)
{
  uint32_t room = cc->cwnd < CC_WINDOW_MOST ? CC_WINDOW_MOST - cc->cwnd : 0;
  cc->cwnd += bytes < room ? bytes : room;
}
