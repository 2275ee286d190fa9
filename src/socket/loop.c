/* The loop: hosts, their links, and the time.
 *
 * A turn takes frames from every link to its host, then frames from every host to its links, then the hosts' reports,
 * which put sockets on the ring of those that may be ready. If nothing moved and nobody is due, the loop sleeps on
 * the links' descriptors until the earliest instant that a host or link has named. Input goes before output so that
 * acknowledgments travel with data. A turn takes a bounded number of batches from a link: a flood must not keep the
 * program from its sockets. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "socket/socket.h"

#define TURN_BATCHES 4

static yeon_time monotonic(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (yeon_time)t.tv_sec * YEON_SEC + t.tv_nsec;
}

yeon_time yeon_loop_now(const struct yeon_loop *loop)
{
  yeon_time now = loop->config.clock ? loop->config.clock(loop->config.ctx) : monotonic();
  return now < YEON_TIME_LAST ? now : YEON_TIME_LAST;
}

yeon_time loop_deadline(const struct yeon_loop *loop, int64_t timeout_ms)
{
  if (timeout_ms < 0 || timeout_ms > INT32_MAX) return YEON_NEVER;
  return yeon_loop_now(loop) + timeout_ms * YEON_MS;
}

int yeon_loop_new(struct yeon_loop **out, const struct yeon_loop_config *config)
{
  static const struct yeon_loop_config usual;
  if (!out) return YEON_ERR_INVALID;
  if (!config) config = &usual;
  if (!config->clock != !config->wait || config->max_sockets > 1048576) return YEON_ERR_INVALID;
  struct yeon_loop *loop = calloc(1, sizeof *loop);
  if (!loop) return YEON_ERR_NO_MEMORY;
  loop->config = *config;
  if (config->max_sockets == 0) loop->config.max_sockets = 65536;
  if (config->owner) memcpy(loop->owner, config->owner, strnlen(config->owner, sizeof loop->owner - 1));
  loop->config.owner = loop->owner;
  loop->pid = (int)getpid();
  loop->ready.ready_next = loop->ready.ready_prev = &loop->ready;
  loop->epoll_fd = loop->timer_fd = -1;
  loop->timer_at = YEON_NEVER;
  *out = loop;
  return 0;
}

void yeon_loop_free(struct yeon_loop *loop)
{
  if (!loop) return;
  socket_table_free(loop);
  for (unsigned i = 0; i < loop->n_hosts; i++) yeon_host_free(loop->hosts[i]);
  for (unsigned i = 0; i < loop->n_ports; i++) yeon_link_close(loop->ports[i].link);
  embed_free(loop);
  free(loop);
}

int yeon_loop_add_host(struct yeon_loop *loop, const struct yeon_host_config *config, struct yeon_host **out)
{
  struct yeon_host_config c;
  yeon_host_config_init(&c);
  if (config) c = *config;
  if (loop->n_hosts == YEON_LOOP_HOSTS) return YEON_ERR_LIMIT;
  if (c.seed == 0 && getrandom(&c.seed, sizeof c.seed, 0) != sizeof c.seed) return YEON_ERR_IO;
  struct yeon_host *host = NULL;
  int rc = yeon_host_new(&host, &c, yeon_loop_now(loop));
  if (rc != 0) return rc;
  loop->hosts[loop->n_hosts++] = host;
  if (out) *out = host;
  return 0;
}

bool loop_has_host(const struct yeon_loop *loop, const struct yeon_host *host)
{
  for (unsigned i = 0; i < loop->n_hosts; i++) {
    if (loop->hosts[i] == host) return true;
  }
  return false;
}

int yeon_loop_add_link(struct yeon_loop *loop, struct yeon_host *host, struct yeon_link *link)
{
  if (!link || !loop_has_host(loop, host)) return YEON_ERR_INVALID;
  if (loop->n_ports == YEON_LOOP_LINKS) return YEON_ERR_LIMIT;
  int number = yeon_host_add_link(host, &link->config);
  if (number < 0) return number;
  loop->ports[loop->n_ports++] = (struct socket_port){link, host, (unsigned)number};
  (void)embed_add(loop, link);
  return number;
}

struct yeon_link *yeon_loop_link(const struct yeon_loop *loop, const struct yeon_host *host, unsigned number)
{
  for (unsigned i = 0; i < loop->n_ports; i++) {
    if (loop->ports[i].host == host && loop->ports[i].number == number) return loop->ports[i].link;
  }
  return NULL;
}

static bool receive(struct yeon_loop *loop, const struct socket_port *p, yeon_time now)
{
  bool moved = false;
  for (unsigned i = 0; i < TURN_BATCHES; i++) {
    size_t n = yeon_link_receive(p->link, loop->frames, SOCKET_FRAMES, now);
    if (n == 0) break;
    yeon_host_input(p->host, p->number, loop->frames, n, now);
    moved = true;
  }
  return moved;
}

static bool transmit(struct yeon_loop *loop, const struct socket_port *p, yeon_time now)
{
  bool moved = false;
  if (yeon_link_blocked(p->link)) {
    yeon_link_send(p->link, NULL, 0, now);
    moved = !yeon_link_blocked(p->link);
  }
  while (!yeon_link_blocked(p->link)) {
    size_t n = yeon_host_output(p->host, p->number, loop->frames, SOCKET_FRAMES, now);
    if (n == 0) break;
    yeon_link_send(p->link, loop->frames, n, now);
    moved = true;
  }
  return moved;
}

/* Reports become membership in the ring. */
static bool take_reports(struct yeon_loop *loop)
{
  bool any = false;
  struct yeon_ready ready;
  for (unsigned i = 0; i < loop->n_hosts; i++) {
    while (yeon_host_event(loop->hosts[i], &ready)) {
      struct socket *s = socket_of_user(loop, ready.user);
      if (s) socket_set_ready(loop, s);
      any = true;
    }
  }
  return any;
}

void loop_flush(struct yeon_loop *loop)
{
  yeon_time now = yeon_loop_now(loop);
  for (unsigned i = 0; i < loop->n_ports; i++) transmit(loop, &loop->ports[i], now);
  take_reports(loop);
}

bool loop_turn(struct yeon_loop *loop)
{
  bool moved = false;
  yeon_time now = yeon_loop_now(loop);
  for (unsigned i = 0; i < loop->n_ports; i++) moved |= receive(loop, &loop->ports[i], now);
  for (unsigned i = 0; i < loop->n_ports; i++) moved |= transmit(loop, &loop->ports[i], now);
  moved |= take_reports(loop);
  return moved;
}

yeon_time loop_next(const struct yeon_loop *loop)
{
  yeon_time next = YEON_NEVER;
  for (unsigned i = 0; i < loop->n_hosts; i++) {
    yeon_time at = yeon_host_next(loop->hosts[i]);
    if (at < next) next = at;
  }
  for (unsigned i = 0; i < loop->n_ports; i++) {
    yeon_time at = yeon_link_next(loop->ports[i].link);
    if (at < next) next = at;
  }
  return next;
}

/* A host that wants to send into a blocked link names an instant that is past, and must not make the loop spin. */
static bool any_blocked(const struct yeon_loop *loop)
{
  for (unsigned i = 0; i < loop->n_ports; i++) {
    if (yeon_link_blocked(loop->ports[i].link)) return true;
  }
  return false;
}

/* Of descriptors that have only trouble to report (a device that was taken away), poll would make a busy loop. */
static bool any_usable(const struct pollfd *fds, nfds_t n)
{
  for (nfds_t i = 0; i < n; i++) {
    if (fds[i].revents & (POLLIN | POLLOUT)) return true;
  }
  return false;
}

/* Sleeps until a descriptor is ready or `until`. 1: woken; 0: time or a signal. */
static int sleep_until(struct yeon_loop *loop, yeon_time until)
{
  struct pollfd fds[YEON_LOOP_LINKS];
  nfds_t n = 0;
  for (unsigned i = 0; i < loop->n_ports; i++) {
    const struct yeon_link *link = loop->ports[i].link;
    if (link->fd < 0) continue;
    fds[n++] = (struct pollfd){.fd = link->fd, .events = (short)(POLLIN | (yeon_link_blocked(link) ? POLLOUT : 0))};
  }
  yeon_time left = until == YEON_NEVER ? 0 : until - yeon_loop_now(loop);
  if (left < 0) left = 0;
  struct timespec t = {.tv_sec = left / YEON_SEC, .tv_nsec = left % YEON_SEC};
  int rc = ppoll(fds, n, until == YEON_NEVER ? NULL : &t, NULL);
  if (rc < 0) return errno == EINTR ? 0 : YEON_ERR_IO;
  if (rc > 0 && !any_usable(fds, n)) (void)poll(NULL, 0, 10);
  return rc > 0;
}

int loop_wait(struct yeon_loop *loop, yeon_time deadline)
{
  if (loop_turn(loop)) return 1;
  yeon_time now = yeon_loop_now(loop), next = loop_next(loop);
  if (any_blocked(loop) && next < now + YEON_MS) next = now + YEON_MS;
  bool ours = next < deadline; /* whether a deadline of hosts or links ends the sleep, and so something is to be done */
  yeon_time until = ours ? next : deadline;
  if (loop->config.clock) {
    if (until == YEON_NEVER) return 0; /* virtual time: nothing will ever happen */
    if (until > now) loop->config.wait(loop->config.ctx, until);
    loop_turn(loop);
    return ours;
  }
  int rc = 0;
  if (until > now) rc = sleep_until(loop, until);
  if (rc < 0) return rc;
  loop_turn(loop);
  return rc > 0 || (ours && yeon_loop_now(loop) >= until);
}

int yeon_loop_step(struct yeon_loop *loop, int timeout_ms)
{
  int rc = loop_wait(loop, loop_deadline(loop, timeout_ms));
  loop_touch(loop);
  return rc;
}

static bool drained(const struct yeon_loop *loop)
{
  for (unsigned i = 0; i < loop->n_hosts; i++) {
    struct yeon_host_usage u;
    yeon_host_usage(loop->hosts[i], &u);
    if (u.connections > 0) return false;
  }
  return true;
}

int yeon_loop_drain(struct yeon_loop *loop, int timeout_ms)
{
  yeon_time deadline = loop_deadline(loop, timeout_ms);
  loop_turn(loop);
  while (!drained(loop)) {
    if (yeon_loop_now(loop) >= deadline) return YEON_ERR_TIMED_OUT;
    int rc = loop_wait(loop, deadline);
    if (rc < 0) return rc;
    if (rc == 0 && loop->config.clock && deadline == YEON_NEVER) return YEON_ERR_TIMED_OUT;
  }
  return 0;
}
