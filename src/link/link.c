#define _POSIX_C_SOURCE 200809L /* strnlen */
/* The common part of all links.
 *
 * A link never waits and never keeps a pointer into a frame. What the system would make wait is copied and held here,
 * and the link calls itself blocked until that is gone: the loop then asks the host for nothing more, so the bytes
 * stay where TCP can still count them, in the send buffers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "link/link.h"

size_t yeon_link_receive(struct yeon_link *link, struct yeon_frame *frames, size_t max, yeon_time now)
{
  return link->ops->receive(link, frames, max, now);
}

void yeon_link_send(struct yeon_link *link, const struct yeon_frame *frames, size_t n, yeon_time now)
{
  link->ops->send(link, frames, n, now);
}

bool yeon_link_blocked(const struct yeon_link *link) { return link->ops->blocked && link->ops->blocked(link); }

yeon_time yeon_link_next(const struct yeon_link *link) { return link->ops->next ? link->ops->next(link) : YEON_NEVER; }

void yeon_link_close(struct yeon_link *link)
{
  if (link) link->ops->close(link);
}

struct link_held_frame {
  struct link_held_frame *next;
  size_t len;
  uint8_t bytes[];
};

bool link_hold(struct link_held *q, const void *header, size_t header_len, const struct yeon_frame *f)
{
  if (q->count >= LINK_HELD_MAX) return false;
  struct link_held_frame *h = malloc(sizeof *h + header_len + f->len);
  if (!h) return false;
  h->next = NULL;
  h->len = header_len + f->len;
  if (header_len) memcpy(h->bytes, header, header_len);
  yeon_frame_copy(f, h->bytes + header_len, f->len);
  if (q->last)
    q->last->next = h;
  else
    q->first = h;
  q->last = h;
  q->count++;
  return true;
}

static void drop_first(struct link_held *q)
{
  struct link_held_frame *h = q->first;
  q->first = h->next;
  if (!q->first) q->last = NULL;
  q->count--;
  free(h);
}

bool link_flush(struct link_held *q, int fd, struct yeon_link_stats *stats)
{
  while (q->first) {
    ssize_t n = write(fd, q->first->bytes, q->first->len);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
    if (n < 0) {
      stats->dropped_out++;
      stats->last_errno = errno;
    }
    drop_first(q);
  }
  return true;
}

void link_held_free(struct link_held *q)
{
  while (q->first) drop_first(q);
}

int link_gather(const struct yeon_frame *f, void *header, size_t header_len, struct iovec *iov)
{
  int n = 0;
  if (header_len) iov[n++] = (struct iovec){header, header_len};
  for (unsigned i = 0; i < f->n_slices; i++) {
    if (f->slice[i].len == 0) continue;
    /* writev only reads, but its iovec is not const. */
    iov[n++] = (struct iovec){(void *)(uintptr_t)f->slice[i].base, f->slice[i].len};
  }
  return n;
}

void link_count_in(struct yeon_link *link, const struct yeon_frame *f)
{
  link->stats.frames_in++;
  link->stats.segments_in += f->segs ? f->segs : 1;
  link->stats.bytes_in += f->len;
}

void link_count_out(struct yeon_link *link, const struct yeon_frame *f)
{
  link->stats.frames_out++;
  link->stats.segments_out += f->segs ? f->segs : 1;
  link->stats.bytes_out += f->len;
}

void link_set_name(struct yeon_link *link, const char *name)
{
  size_t n = strnlen(name, sizeof link->name - 1);
  memcpy(link->name, name, n);
  link->name[n] = 0;
  link->config.name = link->name;
}

int link_error(int err)
{
  switch (err) {
  case EPERM:
  case EACCES: return YEON_ERR_PERMISSION;
  case ENOENT:
  case ENXIO:
  case ENOSYS:
  case EAFNOSUPPORT:
  case EPROTONOSUPPORT:
  case ENOPROTOOPT: return YEON_ERR_UNSUPPORTED;
  case EBUSY:
  case EEXIST: return YEON_ERR_IN_USE;
  case EINVAL:
  case ENODEV: return YEON_ERR_INVALID;
  case ENOMEM:
  case ENOBUFS: return YEON_ERR_NO_MEMORY;
  default: return YEON_ERR_IO;
  }
}
