/* Messages between a supervisor and a lab. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lab/message.h"

union control {
  struct cmsghdr head;
  char bytes[CMSG_SPACE(sizeof(int))];
};

static void attach(struct msghdr *m, union control *control, int fd)
{
  memset(control, 0, sizeof *control);
  m->msg_control = control->bytes;
  m->msg_controllen = sizeof control->bytes;
  struct cmsghdr *c = CMSG_FIRSTHDR(m);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN(sizeof fd);
  memcpy(CMSG_DATA(c), &fd, sizeof fd);
}

int lab_message_send(int socket, const struct lab_message *head, const void *payload, int fd)
{
  struct lab_message h = *head;
  h.version = LAB_VERSION;
  union {
    const void *shown;
    void *given;
  } body = {.shown = payload};
  struct iovec iov[2] = {{&h, sizeof h}, {body.given, h.len}};
  struct msghdr m = {.msg_iov = iov, .msg_iovlen = h.len > 0 ? 2 : 1};
  union control control;
  if (fd >= 0) attach(&m, &control, fd);
  for (;;) {
    if (sendmsg(socket, &m, MSG_NOSIGNAL) >= 0) return 0;
    if (errno == EAGAIN) {
      struct pollfd p = {.fd = socket, .events = POLLOUT};
      if (poll(&p, 1, 2000) == 0) return -EAGAIN;
    } else if (errno != EINTR) {
      return -errno;
    }
  }
}

static int take_fd(struct msghdr *m)
{
  int fd = -1;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof fd))
      memcpy(&fd, CMSG_DATA(c), sizeof fd);
  }
  return fd;
}

int lab_message_receive(int socket, struct lab_letter *letter, int *fd)
{
  union control control;
  struct iovec iov = {letter, sizeof *letter};
  struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  ssize_t n;
  *fd = -1;
  do n = recvmsg(socket, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  while (n < 0 && errno == EINTR);
  if (n < 0) return errno == EAGAIN ? -EAGAIN : 0;
  if (n == 0) return 0;
  *fd = take_fd(&m);
  const struct lab_message *h = &letter->head;
  bool sound = (size_t)n >= sizeof *h && h->version == LAB_VERSION && h->kind < LAB_KINDS && (size_t)n == sizeof *h + h->len;
  if (sound) return 1;
  if (*fd >= 0) close(*fd);
  *fd = -1;
  return -EPROTO;
}
