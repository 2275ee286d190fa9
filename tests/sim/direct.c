/* Programs that move bytes without a copy: into the send buffer's own room, and out of the segment that brings them, before they are in the receive buffer. */
#include <string.h>

#include "world.h"

/* As yeon_tcp_send, which is asked when there is no room, for the reason. */
int64_t direct_send(struct end *e, const uint8_t *buf, size_t len)
{
  struct world *w = e->world;
  yeon_time now = yeon_sim_now(w->sim);
  struct yeon_room room[2];
  size_t n = yeon_tcp_reserve(e->tcp, len, room), have = 0, used;
  for (size_t i = 0; i < n; i++) have += room[i].len;
  if (have > len) world_fail(w, "reserve of %zu gives room for %zu", len, have);
  if (have == 0) return yeon_tcp_send(e->tcp, buf, len, 0, now);
  used = rng_below(&w->rng, 8) == 0 ? 0 : 1 + rng_below(&w->rng, (uint32_t)have);
  for (size_t i = 0, at = 0; i < n && at < used; at += room[i++].len)
    memcpy(room[i].base, buf + at, room[i].len < used - at ? room[i].len : used - at);
  int error = yeon_tcp_produce(e->tcp, used, now);
  if (error != 0) world_fail(w, "produce of %zu of %zu: %s", used, have, yeon_error_name(error));
  return used > 0 ? (int64_t)used : yeon_tcp_send(e->tcp, buf, len, 0, now);
}

/* A yeon_tcp_taker_fn: takes some of it, if the program would read now. */
size_t direct_take(void *user, const struct yeon_slice *slices, size_t n_slices)
{
  struct end *e = user;
  struct world *w = e->world;
  bool reads = e->plan->slices && e->plan->finish != FINISH_ABORT && e->connected && e->tcp != NULL && !e->read_paused && !e->eof;
  size_t have = 0, left, n;
  if (!reads || w->failure[0] != '\0') return 0;
  for (size_t i = 0; i < n_slices; i++) have += slices[i].len;
  if (have == 0) world_fail(w, "connection %u: no bytes are offered", e->conn);
  if (yeon_tcp_ready(e->tcp) & YEON_READ_END) world_fail(w, "connection %u: bytes are offered behind the end", e->conn);
  left = have > 0 ? rng_below(&w->rng, (uint32_t)have + 1) : 0;
  size_t taken = left;
  for (size_t i = 0; i < n_slices && left > 0; i++, left -= n) {
    n = slices[i].len < left ? slices[i].len : left;
    if (!content_check(slices[i].base, stream_of(e->other), e->received, n))
      world_fail(w, "connection %u: wrong bytes offered at %llu", e->conn, (unsigned long long)e->received);
    e->received += n;
  }
  w->taken += taken;
  return taken;
}
