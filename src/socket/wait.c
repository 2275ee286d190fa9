/* Waiting for several sockets.
 *
 * A host reports a socket when a condition newly holds; that puts it into the ring. yeon_wait looks at the ring only:
 * a socket whose condition has gone leaves it, one that is told goes to the end, so that all get their turn. So the
 * cost is in what is ready. */
#include "socket/socket.h"

#define ALWAYS (YEON_ERROR | YEON_CLOSED)

static size_t look(const struct yeon_loop *loop, struct yeon_poll *fds, size_t n)
{
  size_t hits = 0;
  for (size_t i = 0; i < n; i++) {
    fds[i].revents = 0;
    if (fds[i].s < 0) continue;
    const struct socket *s = socket_at(loop, fds[i].s);
    fds[i].revents = s ? socket_level(s) & (fds[i].events | ALWAYS) : YEON_ERROR;
    hits += fds[i].revents != 0;
  }
  return hits;
}

int yeon_poll(struct yeon_loop *loop, struct yeon_poll *fds, size_t n, int timeout_ms)
{
  if ((!fds && n > 0) || n > INT32_MAX) return YEON_ERR_INVALID;
  yeon_time deadline = loop_deadline(loop, timeout_ms);
  loop_turn(loop);
  size_t hits = look(loop, fds, n);
  int rc = 1;
  while (hits == 0 && rc > 0) {
    rc = loop_wait(loop, deadline);
    hits = look(loop, fds, n);
  }
  loop_touch(loop);
  return rc < 0 ? rc : (int)hits;
}

int yeon_watch(struct yeon_loop *loop, int number, uint32_t events, void *user)
{
  struct socket *s = socket_at(loop, number);
  if (!s) return YEON_ERR_CLOSED;
  s->watch = events;
  s->user = user;
  if (events == 0)
    socket_clear_ready(s);
  else
    socket_set_ready(loop, s); /* whatever holds already was reported before anybody watched */
  loop_touch(loop);
  return 0;
}

static size_t collect(struct yeon_loop *loop, struct yeon_wait_event *events, size_t max)
{
  size_t n = 0;
  struct socket *last = loop->ready.ready_prev; /* what goes to the end is not looked at twice */
  while (n < max && loop->ready.ready_next != &loop->ready) {
    struct socket *s = loop->ready.ready_next;
    uint32_t level = socket_level(s) & (s->watch | ALWAYS);
    socket_clear_ready(s);
    if (level != 0) {
      events[n++] = (struct yeon_wait_event){s->number, level, s->user};
      socket_set_ready(loop, s);
    }
    if (s == last) break;
  }
  return n;
}

int yeon_wait(struct yeon_loop *loop, struct yeon_wait_event *events, size_t max, int timeout_ms)
{
  if (!events || max == 0 || max > INT32_MAX) return YEON_ERR_INVALID;
  yeon_time deadline = loop_deadline(loop, timeout_ms);
  loop_turn(loop);
  size_t n = collect(loop, events, max);
  int rc = 1;
  while (n == 0 && rc > 0) {
    rc = loop_wait(loop, deadline);
    n = collect(loop, events, max);
  }
  loop_touch(loop);
  return rc < 0 ? rc : (int)n;
}
