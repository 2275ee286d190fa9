/* Many connections between two hosts, and what they weigh: bytes a host takes from its allocator for n of them over what it held before the
 * first, divided by n. Tables, slack of started chunks, and what fixed things the first ones cause to be made, are in it. */
#ifndef BENCH_CROWD_H
#define BENCH_CROWD_H

#include "duo.h"

struct crowd_weight {
  double bytes[2];   /* per record: on host 0 (the active end), on host 1 (the passive end) */
  double host_bytes; /* what host 1 held before the first: itself, its link, its address, its listeners */
  double connect_ns; /* processor time to establish one connection, both ends together; 0: not measured */
};

/* n established connections on each host. Each has carried a request of 100 bytes and an answer of 200 when it falls idle. False: a
 * connection could not be made. */
bool crowd_idle(uint32_t n, struct crowd_weight *out);
/* n TIME-WAIT records on host 1: the listening end closed first, as a server does. bytes[0] is what the other end still holds. */
bool crowd_time_wait(uint32_t n, struct crowd_weight *out);
/* n half-open records on host 1, made by SYNs from n addresses and ports that nobody has. bytes[0] is 0. */
bool crowd_half_open(uint32_t n, struct crowd_weight *out);

#endif
