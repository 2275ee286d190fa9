/* One descriptor that stands for the whole loop: an epoll set of the links' descriptors and a timer set to the loop's
 * next instant. It costs a system call whenever that instant changes, so it exists only once somebody has asked for
 * it. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "socket/socket.h"

static int watch(struct yeon_loop *loop, int fd)
{
  struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
  if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &e) == 0 || errno == EEXIST) return 0;
  return YEON_ERR_IO;
}

int embed_add(struct yeon_loop *loop, const struct yeon_link *link)
{
  return loop->epoll_fd < 0 || link->fd < 0 ? 0 : watch(loop, link->fd);
}

void embed_free(struct yeon_loop *loop)
{
  if (loop->epoll_fd >= 0) close(loop->epoll_fd);
  if (loop->timer_fd >= 0) close(loop->timer_fd);
  loop->epoll_fd = loop->timer_fd = -1;
}

void loop_touch(struct yeon_loop *loop)
{
  if (loop->epoll_fd < 0) return;
  yeon_time now = yeon_loop_now(loop), at = loop_next(loop);
  if (loop->ready.ready_next != &loop->ready) at = now; /* sockets that may be ready and were not asked for yet */
  for (unsigned i = 0; i < loop->n_ports; i++) {
    if (yeon_link_blocked(loop->ports[i].link) && at < now + YEON_MS) at = now + YEON_MS;
  }
  if (at == loop->timer_at && at > now) return;
  loop->timer_at = at;
  struct itimerspec t = {.it_value = {0, 0}}; /* zero: off */
  if (at != YEON_NEVER) {
    yeon_time v = at > 0 ? at : 1;
    t.it_value = (struct timespec){.tv_sec = v / YEON_SEC, .tv_nsec = v % YEON_SEC};
  }
  (void)timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &t, NULL);
}

int yeon_loop_fd(struct yeon_loop *loop)
{
  if (loop->config.clock) return YEON_ERR_UNSUPPORTED;
  if (loop->epoll_fd >= 0) return loop->epoll_fd;
  loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  int rc = loop->epoll_fd < 0 || loop->timer_fd < 0 ? YEON_ERR_IO : watch(loop, loop->timer_fd);
  for (unsigned i = 0; rc == 0 && i < loop->n_ports; i++) rc = embed_add(loop, loop->ports[i].link);
  if (rc != 0) {
    embed_free(loop);
    return rc;
  }
  loop_touch(loop);
  return loop->epoll_fd;
}
