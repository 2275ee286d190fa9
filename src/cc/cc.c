#include "cc/cc.h"

void cc_init(struct cc *cc, const struct cc_ops *ops, uint32_t mss, uint32_t initial)
{
  *cc = (struct cc){.ops = ops, .cwnd = initial, .ssthresh = CC_SSTHRESH_NONE, .mss = mss};
  ops->init(cc);
}

void cc_set_mss(struct cc *cc, uint32_t mss)
{
  cc->mss = mss;
  if (cc->cwnd < mss) cc->cwnd = mss;
}

void cc_restart(struct cc *cc, uint32_t restart_window)
{
  if (cc->cwnd > restart_window) cc->cwnd = restart_window;
  cc->credit = 0;
}

uint32_t cc_initial_window(uint32_t mss, uint32_t segments)
{
  if (segments > 0) return segments * mss;
  if (mss > 2190) return 2 * mss;
  return mss > 1095 ? 3 * mss : 4 * mss;
}
