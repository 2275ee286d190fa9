/* Frames inside a cable: copies in storage that is used again, and a heap of them by the instant they are due. */
#ifndef LINK_CABLE_PACKET_H
#define LINK_CABLE_PACKET_H

#include <yeon/frame.h>

#include "base/mem.h"

#define PACKET_MAX 65589u /* 65,535 IP bytes and room for two Ethernet headers with tags */

struct packet {
  struct packet *next;  /* in a free list or in the list of those lent out */
  struct packet *twin;  /* the duplicate that arrives right behind, or NULL; followed only while both are in the heap, or both wait */
  yeon_time sent_at;    /* when it was put in */
  yeon_time departs_at; /* when its last bit leaves the sender */
  yeon_time due_at;
  yeon_time lag;   /* ns: what chance added to the delay */
  uint64_t number; /* of the frame, from 1; twins share it */
  uint64_t order;  /* of equal due_at the lower comes out first */
  uint32_t len;    /* bytes used */
  uint32_t mark;   /* as in the frame */
  uint16_t l3_offset;
  uint8_t log2; /* size of this block, header and all */
  bool duplicate, corrupted, reordered, marked;
  bool waits; /* in the sender's queue and not in the heap: CoDel has yet to judge it */
  uint8_t bytes[];
};

#define PACKET_LOG2_MIN 8
#define PACKET_LOG2_MAX 17

/* Blocks that wait to be used again, by size. At most the larger of 1 MB and what is in use is kept. */
struct packet_store {
  struct mem *mem;
  uint64_t used, kept; /* bytes */
  struct packet *free[PACKET_LOG2_MAX + 1];
};

void packet_store_init(struct packet_store *s, struct mem *mem);
/* Frees what is kept; packets in use must have been released. */
void packet_store_fini(struct packet_store *s);
/* A copy of the frame, a PARTIAL checksum completed. NULL: no memory. The frame must have passed packet_check. */
struct packet *packet_from_frame(struct packet_store *s, const struct yeon_frame *frame);
struct packet *packet_clone(struct packet_store *s, const struct packet *p);
void packet_release(struct packet_store *s, struct packet *p);
/* 0, YEON_ERR_UNSUPPORTED or YEON_ERR_INVALID: whether a cable can carry the frame. */
int packet_check(const struct yeon_frame *frame);
/* The packet as a frame of one slice, good as long as the packet is. */
void packet_to_frame(const struct packet *p, struct yeon_frame *out);

struct packet_heap {
  struct packet **v; /* v[0] is due first */
  uint32_t n, cap;
};
/* Room for `more` pushes. False: no memory. */
bool packet_heap_reserve(struct packet_heap *h, struct mem *mem, uint32_t more);
void packet_heap_push(struct packet_heap *h, struct packet *p);
/* NULL when empty. */
struct packet *packet_heap_pop(struct packet_heap *h);
/* Takes out all that wait. */
void packet_heap_drop_waiting(struct packet_heap *h);
/* Restores order after due_at of any packets changed. */
void packet_heap_rebuild(struct packet_heap *h);
void packet_heap_fini(struct packet_heap *h, struct mem *mem);

#endif
