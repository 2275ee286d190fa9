/* One direction of a cable: what it is set to, its luck, and the frames in it. */
#ifndef LINK_CABLE_WAY_H
#define LINK_CABLE_WAY_H

#include <yeon/cable.h>

#include "base/hash.h"
#include "link/cable_codel.h"
#include "link/cable_line.h"
#include "link/cable_packet.h"

/* A frame that the sender's adapter has not finished sending. */
struct way_sending {
  yeon_time departs_at; /* YEON_NEVER: not begun, CoDel has yet to judge it */
  yeon_time entered_at;
  uint32_t len;
  struct packet *packet; /* NULL: it will be lost on the wire, but takes its time to be sent all the same */
};

struct way {
  struct yeon_cable_way set;
  struct rng rng;
  bool cut;
  bool bad;                  /* Gilbert-Elliott: in a burst */
  struct packet_heap wire;   /* all frames that will come out; those in the sender's queue too, unless there is CoDel */
  uint32_t held;             /* frames in the queue that are not in `wire`, duplicates counted */
  struct way_sending *queue; /* ring; the first is being sent, the others wait */
  uint32_t queue_first, queue_n, queue_cap;
  uint64_t queue_bytes;  /* of all in the ring */
  struct line line;
  struct codel codel;
  yeon_time free_at;     /* when the line was free last, while frames wait for CoDel's judgment */
  yeon_time last_due_at; /* jitter must not let a frame come before this */
  struct packet *lent;   /* handed out by the latest take */
  uint64_t next_order;
  struct yeon_cable_stats stats;
};

/* What chance decides about one frame. */
struct way_fate {
  bool lost, duplicate, corrupt, reorder;
  yeon_time lag; /* ns: jitter, and the delay of a reordered frame */
};

struct way_fate way_roll(struct way *w);

enum way_step { WAY_QUIET, WAY_DROPPED, WAY_MARKED };
/* Does what the sender has done up to `now`, one happening worth telling a call, until WAY_QUIET. WAY_DROPPED: CoDel dropped *p
 * at p->departs_at, it is the caller's now; WAY_MARKED: *p goes on its way, marked. */
enum way_step way_step(struct way *w, yeon_time now, struct packet **p);
/* When way_step, or a frame that is due, wants a call; YEON_NEVER. */
yeon_time way_next(const struct way *w);
/* More than mark_bytes wait. */
bool way_wants_mark(const struct way *w);
/* Whether a frame of len bytes still fits into the sender's queue. */
bool way_has_room(const struct way *w, uint32_t len, uint32_t max_frames);
/* Makes sure that way_send cannot fail. False: no memory. */
bool way_reserve(struct way *w, struct mem *mem);
/* Starts a frame of len bytes on its way; p NULL: it will be lost. */
void way_send(struct way *w, uint32_t len, struct packet *p, yeon_time now);
/* The second copy of p, right behind it. */
void way_send_twin(struct way *w, struct packet *p, struct packet *twin);
/* The first packet in the queue that is not in the wire; the caller's now. NULL: none. Goes before way_stop. */
struct packet *way_take_waiting(struct way *w);
/* New settings (their trace's reference is the caller's business); frames that wait are planned anew. */
void way_set(struct way *w, const struct yeon_cable_way *set, yeon_time now);
/* Nothing is being sent any more; the wire is left to the caller. */
void way_stop(struct way *w);
/* Bytes behind the frame being sent. */
uint64_t way_waiting(const struct way *w);

#endif
