/* The host to itself: packets for one of its own addresses never see a link. They are made as for any link, copied once (what the sender holds
 * may move while the receiver works), and received like any other. At most HOST_LOOP_BURST a call, so that two endpoints of one
 * host can not keep the caller for ever; yeon_host_next tells that there is more. */
#include "host/host.h"

static bool pass_one(struct yeon_host *host, yeon_time now)
{
  struct yeon_frame f, copy;
  if (!host_frame_out(host, IP_LOOP, &f, now)) return false;
  size_t len = yeon_frame_copy(&f, host->loop, HOST_LOOP_BUFFER);
  host_bury(host);
  if (len == 0) return true;
  yeon_frame_from_bytes(&copy, host->loop, len);
  copy.csum = f.csum;
  copy.segs = f.segs;
  host_frame_in(host, IP_LOOP, &copy, now);
  return true;
}

void host_loop(struct yeon_host *host, yeon_time now)
{
  if (!host_has_output(host, IP_LOOP)) return;
  if (!host->loop && now < host->loop_again_at) return;
  if (!host->loop) host->loop = mem_alloc(&host->mem, HOST_LOOP_BUFFER);
  if (!host->loop) {
    host->counters.no_memory++;
    host->loop_again_at = now + HOST_LOOP_RETRY;
    return;
  }
  for (unsigned i = 0; i < HOST_LOOP_BURST && pass_one(host, now); i++) {
  }
}
