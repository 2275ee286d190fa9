/* One direction of a cable: what it is set to, its luck, and the frames in it. */
#ifndef LINK_CABLE_WAY_H
#define LINK_CABLE_WAY_H

#include <yeon/cable.h>

#include "base/hash.h"
#include "link/cable_packet.h"

/* A frame that the sender's adapter has not finished sending. */
struct way_sending {
  yeon_time departs_at;
  uint32_t len;
  struct packet *packet; /* NULL: it will be lost on the wire, but takes its time to be sent all the same */
};

struct way {
  struct yeon_cable_way set;
  struct rng rng;
  bool cut;
  bool bad;                  /* Gilbert-Elliott: in a burst */
  struct packet_heap wire;   /* all frames that will come out, those in the sender's queue too */
  struct way_sending *queue; /* ring; the first is being sent, the others wait */
  uint32_t queue_first, queue_n, queue_cap;
  uint64_t queue_bytes;  /* of all in the ring */
  yeon_time busy_at;     /* the sender is busy until busy_at + busy_part / rate_bps nanoseconds: */
  uint64_t busy_part;    /* [0, rate_bps): no rounding adds up */
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
/* Forgets frames that the sender has finished. */
void way_advance(struct way *w, yeon_time now);
/* Whether a frame of len bytes still fits into the sender's queue. */
bool way_has_room(const struct way *w, uint32_t len, uint32_t max_frames);
/* Makes sure that way_send cannot fail. False: no memory. */
bool way_reserve(struct way *w, struct mem *mem);
/* Starts a frame of len bytes on its way; p NULL: it will be lost. */
void way_send(struct way *w, uint32_t len, struct packet *p, yeon_time now);
/* The second copy of p, right behind it. */
void way_send_twin(struct way *w, struct packet *p, struct packet *twin);
/* New settings; frames that wait are planned anew. */
void way_set(struct way *w, const struct yeon_cable_way *set, yeon_time now);
/* Nothing is being sent any more; the wire is left to the caller. */
void way_stop(struct way *w);
/* Bytes behind the frame being sent. */
uint64_t way_waiting(const struct way *w);

#endif
