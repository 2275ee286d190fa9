/* Descriptors. Their numbers are the script's: what a call is expected to return is what it gets. */
#include <string.h>

#include "drill/run.h"

struct drill_fd *fd_find(struct drill_run *r, int64_t number)
{
  for (unsigned i = 0; i < DRILL_FDS; i++)
    if (r->fds[i].number == number && number >= 0) return &r->fds[i];
  return NULL;
}

int fd_lowest(const struct drill_run *r)
{
  for (int number = 3;; number++) {
    bool taken = false;
    for (unsigned i = 0; i < DRILL_FDS; i++) taken |= r->fds[i].number == number;
    if (!taken) return number;
  }
}

/* Beyond any that a script can have. */
#define NUMBER_MOST 1000000

void fd_displace(struct drill_run *r, int64_t number)
{
  struct drill_fd *fd = fd_find(r, number);
  if (fd != NULL) fd->number = NUMBER_MOST + 1 + (int)(fd - r->fds);
}

struct drill_fd *fd_new(struct drill_run *r, int64_t number, enum drill_fd_kind kind)
{
  struct drill_fd *fd = NULL;
  if (number < 0 || number > NUMBER_MOST) number = fd_lowest(r);
  if (fd_find(r, number) != NULL) {
    drill_fail(r, "descriptor %d is open already", (int)number);
    return NULL;
  }
  for (unsigned i = 0; i < DRILL_FDS && fd == NULL; i++)
    if (r->fds[i].number < 0) fd = &r->fds[i];
  if (fd == NULL) {
    drill_needs(r, "more than %d descriptors", DRILL_FDS);
    return NULL;
  }
  *fd = (struct drill_fd){.number = (int)number, .kind = kind, .pipe_other = -1};
  return fd;
}

struct drill_fd *fd_arg(struct drill_run *r, struct drill_op *op)
{
  struct drill_fd *fd = fd_find(r, value_arg_number(r, op, 0));
  if (fd == NULL) call_errno(r, op, "EBADF");
  return fd;
}

void fd_free(struct drill_run *r, struct drill_fd *fd)
{
  if (r->current == fd->number) r->current = -1;
  *fd = (struct drill_fd){.number = -1, .pipe_other = -1};
}
