/* The other calls: fcntl, ioctl, open, pipe, and those that do nothing here. */
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "drill/run.h"

enum drill_progress do_nothing(struct drill_run *r, struct drill_op *op)
{
  (void)r;
  return call_done(op, 0);
}

enum drill_progress do_kill(struct drill_run *r, struct drill_op *op)
{
  drill_needs(r, "signals");
  return call_done(op, 0);
}

enum drill_progress do_dup(struct drill_run *r, struct drill_op *op)
{
  drill_needs(r, "dup");
  return call_done(op, 0);
}

enum drill_progress do_fcntl(struct drill_run *r, struct drill_op *op)
{
  struct drill_fd *fd = fd_arg(r, op);
  int64_t command = value_arg_number(r, op, 1), nonblock = 0;
  if (fd == NULL) return DRILL_DONE;
  symbol_value(r, "O_NONBLOCK", &nonblock);
  if (command == 3) return call_done(op, 2 | (fd->nonblock ? nonblock : 0)); /* F_GETFL: O_RDWR */
  if (command == 4) {                                                        /* F_SETFL */
    fd->nonblock = (value_arg_number(r, op, 2) & nonblock) != 0;
    return call_done(op, 0);
  }
  if (command == 1 || command == 2) return call_done(op, 0); /* F_GETFD, F_SETFD */
  return call_errno(r, op, "EINVAL");
}

static bool is_any_of(const struct drill_value *v, const char *a, const char *b, const char *c)
{
  return value_is_word(v, a) || value_is_word(v, b) || value_is_word(v, c);
}

/* What the request asks about the connection. */
static int64_t ioctl_value(const struct drill_value *request, const struct yeon_tcp_info *info, bool fin)
{
  uint32_t sent = info->snd_max - info->snd_una;
  if (value_is_word(request, "SIOCOUTQNSD")) return info->snd_queued > sent ? info->snd_queued - sent : 0;
  if (is_any_of(request, "SIOCOUTQ", "TIOCOUTQ", "FIONWRITE")) return info->snd_queued;
  if (value_is_word(request, "FIONSPACE"))
    return info->snd_limit > info->snd_queued ? info->snd_limit - info->snd_queued : 0;
  (void)fin;
  return info->rcv_queued; /* SIOCINQ, FIONREAD */
}

enum drill_progress do_ioctl(struct drill_run *r, struct drill_op *op)
{
  struct drill_fd *fd = fd_arg(r, op);
  const struct drill_value *request = value_arg(op, 1), *v = value_arg(op, 2);
  struct yeon_tcp_info info;
  int64_t want;
  if (fd == NULL) return DRILL_DONE;
  if (value_is_word(request, "FIONBIO")) {
    fd->nonblock = value_arg_number(r, op, 2) != 0;
    return call_done(op, 0);
  }
  bool reads = is_any_of(request, "SIOCINQ", "FIONREAD", "FIONSPACE");
  bool writes = is_any_of(request, "SIOCOUTQ", "TIOCOUTQ", "FIONWRITE") || value_is_word(request, "SIOCOUTQNSD");
  if ((!reads && !writes) || fd->tcp == NULL) {
    drill_needs(r, "ioctl %s here", value_show(r, request));
    return DRILL_DONE;
  }
  if (fd->listening) return call_errno(r, op, "EINVAL");
  yeon_tcp_info(fd->tcp, &info);
  int64_t got = ioctl_value(request, &info, false);
  if (value_number(r, v, &want) && want != got)
    drill_differ(r, "another value", value_show(r, v), drill_format(r->arena, "[%" PRId64 "]", got));
  return call_done(op, 0);
}

/* A file is only as many bytes: devices and files alike, nothing is opened. */
enum drill_progress do_open(struct drill_run *r, struct drill_op *op)
{
  struct stat status;
  int64_t n = -1;
  const struct drill_value *path = value_arg(op, 0);
  if (path->kind != DRILL_STRING) {
    drill_needs(r, "open of %s", value_show(r, path));
    return DRILL_DONE;
  }
  if (!value_number(r, op->call->result, &n)) n = fd_lowest(r);
  const struct drill_file *made = r->files;
  while (made != NULL && strcmp(made->path, path->text) != 0) made = made->next;
  bool there = made != NULL || stat(path->text, &status) == 0;
  if (n < 0 && !there) return call_errno(r, op, "ENOENT");
  if (!there) {
    drill_needs(r, "the file %s", path->text);
    return DRILL_DONE;
  }
  struct drill_fd *fd = fd_new(r, n, DRILL_FD_FILE);
  if (fd == NULL) return DRILL_DONE;
  fd->file_left = made != NULL ? made->len : S_ISREG(status.st_mode) ? (int64_t)status.st_size : INT64_MAX / 2;
  return call_done(op, fd->number);
}

/* pipe([5, 6]): the numbers are the script's. */
enum drill_progress do_pipe(struct drill_run *r, struct drill_op *op)
{
  const struct drill_value *v = value_arg(op, 0);
  int64_t in = -1, out = -1;
  if (v->kind == DRILL_LIST && v->first != NULL && v->first->next != NULL) {
    value_number(r, v->first, &in);
    value_number(r, v->first->next, &out);
  }
  struct drill_fd *a = fd_new(r, in, DRILL_FD_PIPE_IN);
  struct drill_fd *b = a == NULL ? NULL : fd_new(r, out, DRILL_FD_PIPE_OUT);
  if (b == NULL) return DRILL_DONE;
  a->pipe_other = b->number;
  b->pipe_other = a->number;
  return call_done(op, 0);
}
