/* poll and epoll: conditions as they stand, and for EPOLLET what has changed since they were told. */
#include <inttypes.h>
#include <string.h>

#include "drill/run.h"

#define IN 0x001u
#define PRI 0x002u
#define OUT 0x004u
#define ERR 0x008u
#define HUP 0x010u
#define NVAL 0x020u
#define RDNORM 0x040u
#define WRNORM 0x100u
#define RDHUP 0x2000u
#define ONESHOT 0x40000000u
#define ET 0x80000000u

static bool writable(struct drill_run *r, struct drill_fd *fd, const struct yeon_tcp_info *info)
{
  if (r->freebsd) return (yeon_tcp_ready(fd->tcp) & YEON_WRITABLE) != 0;
  if (info->state == YEON_TCP_CLOSED || fd->shut_wr) return true;
  if (info->state < YEON_TCP_ESTABLISHED) return false;
  bool ready = linux_send_ready(r, fd);
  if (!ready) fd->no_space = true;
  return ready;
}

static uint32_t tcp_state(struct drill_run *r, struct drill_fd *fd)
{
  struct yeon_tcp_info info;
  uint32_t ready = yeon_tcp_ready(fd->tcp), now = 0;
  yeon_tcp_info(fd->tcp, &info);
  if (fd->deferred) return OUT | WRNORM;
  if (fd->listening) return (ready & YEON_ACCEPTED) != 0 ? IN | RDNORM : 0;
  bool idle = info.state == YEON_TCP_CLOSED && !fd->connecting && !fd->connected;
  bool over = info.state == YEON_TCP_CLOSED || (ready & YEON_CLOSED) != 0;
  bool ended = (ready & YEON_READ_END) != 0 || fd->shut_rd || over;
  if (idle) return OUT | WRNORM | HUP;
  if (info.state == YEON_TCP_SYN_SENT) return 0;
  if (over || (ended && fd->shut_wr)) now |= HUP;
  if (ended) now |= IN | RDNORM | RDHUP;
  if ((ready & YEON_READABLE) != 0) now |= IN | RDNORM;
  if ((ready & YEON_URGENT) != 0) now |= PRI;
  if (writable(r, fd, &info)) now |= OUT | WRNORM;
  if ((ready & YEON_ERROR) != 0 || fd->notices != NULL) now |= ERR;
  return now;
}

uint32_t poll_state(struct drill_run *r, struct drill_fd *fd)
{
  if (fd->tcp != NULL) return tcp_state(r, fd);
  if (fd->kind == DRILL_FD_PIPE_IN) return fd->file_left > 0 ? IN | RDNORM : 0;
  if (fd->udp == NULL) return IN | OUT | RDNORM | WRNORM;
  uint32_t ready = yeon_udp_ready(fd->udp), now = 0;
  if ((ready & YEON_READABLE) != 0) now |= IN | RDNORM;
  if ((ready & YEON_WRITABLE) != 0) now |= OUT | WRNORM;
  if ((ready & YEON_ERROR) != 0) now |= ERR;
  return now;
}

/* A time-out in milliseconds; -1: none. True: it is over. */
static bool timed_out(struct drill_run *r, struct drill_op *op, unsigned arg)
{
  int64_t ms = value_arg_number(r, op, arg);
  if (!op->waited && ms >= 0) op->give_up_at = r->now + ms * YEON_MS;
  return r->now >= op->give_up_at;
}

static uint32_t bits(struct drill_run *r, const struct drill_value *v)
{
  int64_t n = 0;
  if (v != NULL && v->kind != DRILL_ELLIPSIS && !value_number(r, v, &n))
    drill_needs(r, "the conditions %s", value_show(r, v));
  return (uint32_t)n;
}

static uint32_t polled(struct drill_run *r, const struct drill_value *item)
{
  int64_t number;
  if (!value_number(r, value_member(item, "fd"), &number)) return NVAL;
  if (number < 0) return 0;
  struct drill_fd *fd = fd_find(r, number);
  return fd == NULL ? NVAL : poll_state(r, fd) & (bits(r, value_member(item, "events")) | ERR | HUP);
}

enum drill_progress do_poll(struct drill_run *r, struct drill_op *op)
{
  const struct drill_value *set = value_arg(op, 0);
  int64_t count = 0;
  if (set->kind != DRILL_LIST) {
    drill_needs(r, "poll of %s", value_show(r, set));
    return DRILL_DONE;
  }
  for (const struct drill_value *i = set->first; i != NULL; i = i->next) count += polled(r, i) != 0;
  if (count == 0 && !timed_out(r, op, 2)) return DRILL_WAIT;
  for (const struct drill_value *i = set->first; i != NULL; i = i->next) {
    const struct drill_value *revents = value_member(i, "revents");
    uint32_t got = polled(r, i);
    if (revents != NULL && revents->kind != DRILL_ELLIPSIS && bits(r, revents) != got)
      drill_differ(r, "other conditions", value_show(r, i), drill_format(r->arena, "revents=0x%x", got));
  }
  return call_done(op, count);
}

enum drill_progress do_epoll_create(struct drill_run *r, struct drill_op *op)
{
  int64_t n = -1;
  if (!value_number(r, op->call->result, &n)) n = fd_lowest(r);
  struct drill_fd *fd = fd_new(r, n, DRILL_FD_EPOLL);
  return fd == NULL ? DRILL_DONE : call_done(op, fd->number);
}

static struct drill_watch *find_watch(struct drill_fd *set, int64_t number)
{
  for (struct drill_watch *w = set->watches; w != NULL; w = w->next)
    if (w->fd == number) return w;
  return NULL;
}

static void remove_watch(struct drill_fd *set, const struct drill_watch *gone)
{
  for (struct drill_watch **w = &set->watches; *w != NULL; w = &(*w)->next) {
    if (*w != gone) continue;
    *w = gone->next;
    return;
  }
}

static void add_watch(struct drill_run *r, struct drill_fd *set, int64_t number, uint32_t events)
{
  struct drill_watch **tail = &set->watches;
  while (*tail != NULL) tail = &(*tail)->next;
  *tail = drill_alloc(r->arena, sizeof **tail);
  **tail = (struct drill_watch){
      .fd = (int)number, .events = events, .seen_in = UINT64_MAX, .seen_out = UINT64_MAX, .seen_err = UINT64_MAX};
}

enum drill_progress do_epoll_ctl(struct drill_run *r, struct drill_op *op)
{
  struct drill_fd *set = fd_arg(r, op);
  int64_t what = value_arg_number(r, op, 1), number = value_arg_number(r, op, 2);
  if (set == NULL) return DRILL_DONE;
  if (set->kind != DRILL_FD_EPOLL) return call_errno(r, op, "EINVAL");
  if (fd_find(r, number) == NULL) return call_errno(r, op, "EBADF");
  struct drill_watch *w = find_watch(set, number);
  uint32_t events = what == 2 ? 0 : bits(r, value_member(value_arg(op, 3), "events"));
  if (what == 1) {
    if (w != NULL) return call_errno(r, op, "EEXIST");
    add_watch(r, set, number, events);
    return call_done(op, 0);
  }
  if (w == NULL) return call_errno(r, op, "ENOENT");
  remove_watch(set, w);
  if (what == 3) add_watch(r, set, number, events);
  return call_done(op, 0);
}

/* What has happened so far, as numbers that only grow. */
struct activity {
  uint64_t in, out, err;
};

static struct activity activity_of(struct drill_run *r, struct drill_fd *fd)
{
  uint32_t now = poll_state(r, fd); /* counts room that is news */
  struct activity a = {.out = fd->activity_out, .err = fd->activity_err};
  if (fd->tcp == NULL) return a;
  struct yeon_tcp_info info;
  yeon_tcp_info(fd->tcp, &info);
  a.in = info.bytes_received + info.backlog + (uint64_t)((now & (RDHUP | HUP)) << 20);
  return a;
}

/* The conditions to tell of one watch now; 0: none. */
static uint32_t due(struct drill_run *r, struct drill_watch *w, bool take)
{
  struct drill_fd *fd = fd_find(r, w->fd);
  if (fd == NULL || w->spent) return 0;
  uint32_t now = poll_state(r, fd) & (w->events | ERR | HUP);
  struct activity a = activity_of(r, fd);
  bool same = w->seen_in == a.in && w->seen_out == a.out && w->seen_err == a.err;
  if ((w->events & ET) != 0 && same) return 0;
  if (take && now != 0) {
    w->seen_in = a.in;
    w->seen_out = a.out;
    w->seen_err = a.err;
    w->spent = (w->events & ONESHOT) != 0;
  }
  return now;
}

enum drill_progress do_epoll_wait(struct drill_run *r, struct drill_op *op)
{
  struct drill_fd *set = fd_arg(r, op);
  int64_t count = 0, max = value_arg_number(r, op, 2), number;
  const struct drill_value *want = value_arg(op, 1);
  if (set == NULL) return DRILL_DONE;
  if (set->kind != DRILL_FD_EPOLL) return call_errno(r, op, "EINVAL");
  if (want->kind == DRILL_LIST) want = want->first;
  for (struct drill_watch *w = set->watches; w != NULL && count < max; w = w->next) count += due(r, w, false) != 0;
  if (count == 0 && !timed_out(r, op, 3)) return DRILL_WAIT;
  int64_t told = 0;
  for (struct drill_watch *w = set->watches; w != NULL && told < max; w = w->next) {
    uint32_t got = due(r, w, true);
    if (got == 0) continue;
    told++;
    if (want == NULL || want->kind != DRILL_STRUCT) continue;
    bool other_fd = value_number(r, value_member(want, "fd"), &number) && number != w->fd;
    if (other_fd || bits(r, value_member(want, "events")) != got)
      drill_differ(r, "other conditions", value_show(r, want),
                   drill_format(r->arena, "{events=0x%x, fd=%d}", got, w->fd));
    want = want->next;
  }
  return call_done(op, told);
}
