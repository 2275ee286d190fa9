/* The lab's answers become results of calls. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lab/run.h"

#define FILLING 4096
#define NARROW 4608 /* bytes; the least the kernel knows */

static void answer(const struct run_pending *p, int64_t value)
{
  (void)run_respond(p->program, p->cookie, value);
}

/* Of a call that will be made again if the result is lost to a signal, and would then be told that it is done already: the lab is told. */
static void answer_once(struct run *run, const struct run_pending *p, const struct lab_message *m)
{
  struct lab_message lost = {.kind = LAB_RETURN, .ino = p->ino, .arg = {(int32_t)m->kind}};
  if (!run_respond(p->program, p->cookie, m->result)) (void)lab_message_send(run->lab_fd, &lost, NULL, -1);
}

/* Puts a descriptor into the program as the result of its call. The number there, or a negative errno. */
static int install(const struct run_pending *p, int fd, bool cloexec)
{
  struct seccomp_notif_addfd a = {.id = p->cookie, .flags = SECCOMP_ADDFD_FLAG_SEND, .srcfd = (uint32_t)fd,
                                  .newfd_flags = cloexec ? O_CLOEXEC : 0};
  int number = ioctl(p->program->notify_fd, SECCOMP_IOCTL_NOTIF_ADDFD, &a);
  if (number >= 0 || errno != EINVAL) return number >= 0 ? number : -errno;
  a.flags = 0; /* a kernel before 5.14: in two steps */
  number = ioctl(p->program->notify_fd, SECCOMP_IOCTL_NOTIF_ADDFD, &a);
  if (number < 0) return -errno;
  answer(p, number);
  return number;
}

/* A new descriptor for the program; flags as socket and accept4 take them. */
static int deliver(struct run *run, const struct run_pending *p, const struct lab_message *m, int fd, int flags, bool stream)
{
  if (flags & SOCK_NONBLOCK) (void)fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK);
  run_socket_add(run, m->ino, stream);
  int number = install(p, fd, (flags & SOCK_CLOEXEC) != 0);
  struct run_socket *s = run_socket_find(run, m->ino);
  if (number >= 0 && s != NULL) {
    s->pid = p->tid;
    s->fd = number;
  } else if (number < 0 && number != -ENOENT) {
    answer(p, number); /* EMFILE */
  }
  return number;
}

static void on_socket(struct run *run, struct run_pending *p, const struct lab_message *m, int fd)
{
  int type = (int)p->args[1];
  if (m->result < 0 || fd < 0) answer(p, m->result < 0 ? m->result : -EIO);
  else (void)deliver(run, p, m, fd, type, (type & 0xf) == SOCK_STREAM);
}

/* The caller's descriptor args[0] again; -1 if it is another by now. */
static int caller_fd(struct run *run, const struct run_pending *p)
{
  int fd = run_getfd(run, p->tid, (int)p->args[0]);
  if (fd >= 0 && run_ino(fd) == p->ino) return fd;
  if (fd >= 0) close(fd);
  return -1;
}

static void take_knocks(struct run *run, const struct run_pending *p, int n)
{
  char knocks[256];
  int fd = n > 0 ? caller_fd(run, p) : -1;
  if (fd < 0) return;
  while (n > 0) {
    ssize_t got = recv(fd, knocks, (size_t)n < sizeof knocks ? (size_t)n : sizeof knocks, MSG_DONTWAIT);
    if (got <= 0) break;
    n -= (int)got;
  }
  close(fd);
}

static void on_accept(struct run *run, struct run_pending *p, const struct lab_message *m, const uint8_t *payload, int fd)
{
  int flags = p->nr == SYS_accept4 ? (int)p->args[3] : 0;
  take_knocks(run, p, m->arg[0]);
  if (m->result < 0 || fd < 0) {
    answer(p, m->result < 0 ? m->result : -EIO);
    return;
  }
  int number = -EFAULT;
  if (run_alive(p->program, p->cookie)) {
    if (run_write_addr(p->tid, p->args[1], p->args[2], payload, m->len)) number = deliver(run, p, m, fd, flags, true);
    else answer(p, -EFAULT);
  }
  if (number >= 0) return;
  struct lab_message back = {.kind = LAB_RETURN, .ino = m->ino}; /* a signal came first: for the next accept */
  (void)lab_message_send(run->lab_fd, &back, NULL, fd);
}

/* Makes the descriptor unwritable until the lab reads it empty; see connect.c. Its buffer is made small for that time, so that little fills it. */
static void fill(struct run *run, const struct run_pending *p)
{
  struct lab_message m = {.kind = LAB_FILLED, .ino = p->ino};
  int fd = caller_fd(run, p), narrow = NARROW;
  if (fd >= 0) (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &narrow, sizeof narrow);
  while (fd >= 0) {
    memset(run->bytes, 0, FILLING);
    ssize_t n = send(fd, run->bytes, FILLING, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n <= 0) break;
    m.arg[0] += (int)n;
  }
  if (fd >= 0) close(fd);
  (void)lab_message_send(run->lab_fd, &m, NULL, -1);
}

static void on_connect(struct run *run, struct run_pending *p, const struct lab_message *m)
{
  bool sends = p->nr != SYS_connect; /* with MSG_FASTOPEN */
  int fd = sends && m->result == 0 ? caller_fd(run, p) : -1;
  if (m->flags & LAB_FILL) fill(run, p);
  if (fd >= 0) answer(p, run_fastopen_send(run, p, fd));
  else if (sends) answer(p, m->result == 0 ? -EINTR : m->result);
  else answer_once(run, p, m);
  if (fd >= 0) close(fd);
}

static void on_name(struct run_pending *p, const struct lab_message *m, const uint8_t *payload)
{
  if (m->result < 0) answer(p, m->result);
  else if (run_alive(p->program, p->cookie))
    answer(p, run_write_addr(p->tid, p->args[1], p->args[2], payload, m->len) ? 0 : -EFAULT);
}

/* Asking for an error clears it, the pair's own too. */
static void clear_error(struct run *run, const struct run_pending *p, const uint8_t *payload)
{
  int told, error;
  socklen_t len = sizeof error;
  memcpy(&told, payload, sizeof told);
  if (told == 0 && (int)p->args[1] != SOL_SOCKET) return;
  int fd = caller_fd(run, p);
  if (fd < 0) return;
  (void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
  if (told != 0) run_dgram_told(fd);
  close(fd);
}

static void on_getsockopt(struct run *run, struct run_pending *p, const struct lab_message *m, const uint8_t *payload)
{
  if (m->result < 0) {
    answer(p, m->result);
    return;
  }
  bool asked = ((int)p->args[1] == SOL_SOCKET && (int)p->args[2] == SO_ERROR) || (int)p->args[1] == LAB_LEVEL_ERROR;
  if (asked && m->len == sizeof(int)) clear_error(run, p, payload);
  int32_t len = (int32_t)m->len;
  if (!run_alive(p->program, p->cookie)) return;
  bool written = run_write(p->tid, p->args[3], payload, m->len) && run_write(p->tid, p->args[4], &len, sizeof len);
  answer(p, written ? 0 : -EFAULT);
}

/* The pair is a second part of the send buffer, and its size is set from the program's end only; see set_buffer in options.c. */
static void on_setsockopt(struct run *run, struct run_pending *p, const struct lab_message *m)
{
  int fd = m->result > 0 ? caller_fd(run, p) : -1;
  struct run_socket *s = run_socket_find(run, p->ino);
  if (s != NULL) s->info = (unsigned)m->arg[0];
  if (fd >= 0) {
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &m->result, sizeof m->result);
    close(fd);
  }
  answer(p, m->result < 0 ? m->result : 0);
}

static void on_listen(struct run_pending *p, const struct lab_message *m)
{
  if (m->result == 0) p->program->listens = true;
  answer(p, m->result);
}

static void on_shutdown(struct run *run, struct run_pending *p, const struct lab_message *m)
{
  int fd = m->arg[0] >= 0 ? caller_fd(run, p) : -1;
  if (fd >= 0) {
    (void)shutdown(fd, m->arg[0]);
    close(fd);
  }
  answer(p, m->result);
}

/* A UDP server has no listen: it waits for peers when it has its port. */
static void on_bind(struct run *run, struct run_pending *p, const struct lab_message *m)
{
  const struct run_socket *s = run_socket_find(run, p->ino);
  if (m->result == 0 && s != NULL && !s->stream) p->program->listens = true;
  answer_once(run, p, m);
}

/* A send that gave the error which waits at the head of the pair. */
static void tell_sent(struct run *run, const struct run_pending *p, const struct lab_message *m)
{
  int fd = m->result < 0 && m->arg[0] != 0 ? caller_fd(run, p) : -1;
  if (fd < 0) return;
  run_dgram_told(fd);
  close(fd);
}

static void finish(struct run *run, struct run_pending *p, const struct lab_message *m, const uint8_t *payload, int fd)
{
  switch ((enum lab_kind)m->kind) {
  case LAB_SOCKET: on_socket(run, p, m, fd); break;
  case LAB_ACCEPT: on_accept(run, p, m, payload, fd); break;
  case LAB_CONNECT: on_connect(run, p, m); break;
  case LAB_SOCKNAME:
  case LAB_PEERNAME: on_name(p, m, payload); break;
  case LAB_GETOPT: on_getsockopt(run, p, m, payload); break;
  case LAB_SENDTO:
    tell_sent(run, p, m);
    run_dgram_sent(run, p, m->result);
    return; /* it removes itself */
  case LAB_SETOPT: on_setsockopt(run, p, m); break;
  case LAB_LISTEN: on_listen(p, m); break;
  case LAB_SHUTDOWN: on_shutdown(run, p, m); break;
  case LAB_BIND: on_bind(run, p, m); break;
  default: answer(p, m->result); break;
  }
  run_pending_remove(run, p);
}

static void answer_call(struct run *run, const struct lab_message *m, const uint8_t *payload, int fd)
{
  struct run_pending *p = run_pending_find(run, m->id);
  if (p == NULL) {
    /* nobody waits any more: what came for him goes back */
    struct lab_message back = {.kind = LAB_RETURN, .ino = m->ino};
    back.arg[0] = (int32_t)m->kind;
    if ((m->kind == LAB_ACCEPT && fd >= 0) || m->kind == LAB_CONNECT) (void)lab_message_send(run->lab_fd, &back, NULL, fd);
    return;
  }
  p->at_lab = false;
  if (m->flags & LAB_CONTINUE) {
    run_continue(p->program, p->cookie);
    run_pending_remove(run, p);
  } else {
    finish(run, p, m, payload, fd);
  }
}

static void widen(struct run *run, const struct lab_message *m)
{
  const struct run_socket *s = run_socket_find(run, m->ino);
  int fd = s != NULL ? run_find_fd(run, s) : -1;
  if (fd < 0) return;
  (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &m->arg[0], sizeof m->arg[0]);
  close(fd);
}

/* The lab asks for a byte in the program's end of a pair. */
static void poison(struct run *run, const struct lab_message *m)
{
  struct lab_message done = {.kind = LAB_POISON, .ino = m->ino};
  const struct run_socket *s = run_socket_find(run, m->ino);
  int fd = s != NULL ? run_find_fd(run, s) : -1;
  if (fd >= 0) {
    (void)!send(fd, "p", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    close(fd);
  }
  (void)lab_message_send(run->lab_fd, &done, NULL, -1);
}

void run_letter(struct run *run, const struct lab_letter *letter, int fd)
{
  const struct lab_message *m = &letter->head;
  switch ((enum lab_kind)m->kind) {
  case LAB_POISON: poison(run, m); break;
  case LAB_WIDEN: widen(run, m); break;
  case LAB_WATCH: /* a ladder or capture of ours has ended early: its disk is full */
    if (m->arg[0] == 0 && m->result != 0) run_log(run, "%.*s", (int)m->len, (const char *)letter->payload);
    break;
  case LAB_HOSTS: run_hosts_fill(run, letter); break;
  case LAB_GONE: run_socket_remove(run, m->ino); break;
  default: answer_call(run, m, letter->payload, fd); break;
  }
  if (fd >= 0) close(fd);
}
