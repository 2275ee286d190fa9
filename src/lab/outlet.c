/* The lab must not stand still because somebody who watches it does: what a terminal or a pipe does not take is kept. The descriptor came from another
 * process and shares its flags with it, so a terminal or pipe is opened anew for writing without waiting. */
#define _GNU_SOURCE
#include "lab/outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE 65536
#define PATIENCE_MS 1000
#define PIECES 100

int lab_outlet_open(struct lab_outlet *o, int fd)
{
  struct stat st;
  char path[40];
  *o = (struct lab_outlet){.fd = fd};
  if (fstat(fd, &st) != 0) return errno;
  o->file = S_ISREG(st.st_mode);
  o->socket = S_ISSOCK(st.st_mode);
  if (o->file || o->socket) return 0;
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  int anew = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (anew < 0) return 0; /* then it may wait: better than not to write */
  close(fd);
  o->fd = anew;
  return 0;
}

static bool make_room(struct lab_outlet *o, size_t len)
{
  if (o->at > 0) {
    memmove(o->bytes, o->bytes + o->at, o->len - o->at);
    o->len -= o->at;
    o->at = 0;
  }
  if (o->len + len <= o->cap) return true;
  size_t cap = (o->len + len) * 2;
  uint8_t *more = realloc(o->bytes, cap);
  if (more == NULL) return false;
  o->bytes = more;
  o->cap = cap;
  return true;
}

bool lab_outlet_put(struct lab_outlet *o, const void *bytes, size_t len)
{
  if (o->broken || len == 0) return !o->broken;
  if (o->len + len > o->cap && !make_room(o, len)) {
    o->broken = true;
    return false;
  }
  memcpy(o->bytes + o->len, bytes, len);
  o->len += len;
  if (lab_outlet_waiting(o) >= PIECE) lab_outlet_flush(o);
  return !o->broken;
}

void lab_outlet_flush(struct lab_outlet *o)
{
  while (o->at < o->len && !o->broken) {
    size_t n = o->len - o->at;
    ssize_t done = o->socket ? send(o->fd, o->bytes + o->at, n, MSG_DONTWAIT | MSG_NOSIGNAL) : write(o->fd, o->bytes + o->at, n);
    if (done > 0) o->at += (size_t)done;
    else if (errno == EAGAIN) return;
    else if (errno != EINTR) o->broken = true;
  }
  o->at = o->len = 0;
}

size_t lab_outlet_waiting(const struct lab_outlet *o) { return o->broken ? 0 : o->len - o->at; }

bool lab_outlet_close(struct lab_outlet *o)
{
  lab_outlet_flush(o);
  for (int pieces = 0; pieces < PIECES && lab_outlet_waiting(o) > 0; pieces++) {
    struct pollfd p = {.fd = o->fd, .events = POLLOUT};
    if (poll(&p, 1, PATIENCE_MS / PIECES) < 0) break;
    lab_outlet_flush(o);
  }
  bool all = !o->broken && lab_outlet_waiting(o) == 0;
  close(o->fd);
  free(o->bytes);
  *o = (struct lab_outlet){.fd = -1};
  return all;
}
