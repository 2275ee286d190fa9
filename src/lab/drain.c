/* The end of a lab that lives as long as its programs: these have ended, their sockets are closed, and the last FINs, acknowledgments and resets are still
 * on their way. The supervisor asks to be told when no connection is open any more, TIME-WAIT aside, and ends the lab only then; so a ladder,
 * a capture and a summary have the whole story. A cut cable or a slow one may keep that from happening: then it is told after a while. */
#define _GNU_SOURCE
#include "lab/sockets.h"

#define LONGEST (2 * YEON_SEC)

void lab_drain_ask(struct lab *lab, struct lab_client *client, uint64_t id)
{
  lab->drain = (struct lab_drain){client, id, lab_now() + LONGEST};
  lab_settle(lab); /* what the programs closed with their last breath */
}

static bool is_quiet(const struct lab *lab)
{
  for (unsigned i = 0; i < lab->n_hosts; i++) {
    struct yeon_host_usage u;
    if (lab->hosts[i].host == NULL) continue;
    yeon_host_usage(lab->hosts[i].host, &u);
    if (u.connections > 0 || u.half_open > 0) return false;
  }
  return true;
}

yeon_time lab_drain_due(struct lab *lab, yeon_time now)
{
  struct lab_drain *d = &lab->drain;
  if (d->client == NULL) return YEON_NEVER;
  if (now < d->until && !is_quiet(lab)) return d->until;
  struct lab_message reply = {.kind = LAB_DRAIN, .id = d->id};
  lab_answer(d->client, &reply, NULL, -1);
  d->client = NULL;
  return YEON_NEVER;
}
