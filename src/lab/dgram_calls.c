/* Calls on UDP sockets that carry an address: sendto, sendmsg, sendmmsg go to the lab with their bytes; recvfrom, recvmsg, recvmmsg are done here, on a
 * duplicate of the pair, since the sender's address comes as a descriptor beside the datagram (see dgram.c). One that must wait is kept
 * with the duplicate in our epoll set. Of sendmmsg and recvmmsg the first message is done in a call: the caller learns how many and calls again. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lab/run.h"
#include "lab/sockaddr.h"

#define DATAGRAM 65536

static void answer(const struct run_trap *t, int64_t value) { (void)run_respond(t->program, t->cookie, value); }

/* struct msghdr of the program at `at`. 0 or a negative errno. */
static int read_header(pid_t tid, uint64_t at, struct run_msg *m)
{
  uint64_t words[7]; /* as struct user_msghdr: name, name_len (int), iov, iov_len, control, control_len, flags (int) */
  if (!run_read(tid, at, words, sizeof words)) return -EFAULT;
  m->header_at = at;
  m->name = words[0];
  m->name_len = (uint32_t)words[1];
  m->iov = words[2];
  m->n_iov = words[3];
  m->control = words[4];
  m->control_len = words[5];
  return m->n_iov > RUN_IOV ? -EMSGSIZE : 0;
}

static int read_call(const struct run_trap *t, struct run_msg *m)
{
  memset(m, 0, sizeof *m);
  if (t->nr == SYS_sendto || t->nr == SYS_recvfrom) {
    m->one_base = t->args[1];
    m->one_len = t->args[2];
    m->flags = (int)t->args[3];
    m->name = t->args[4];
    if (t->nr == SYS_sendto) m->name_len = (uint32_t)t->args[5];
    else m->name_len_at = t->args[5];
    return 0;
  }
  bool many = t->nr == SYS_sendmmsg || t->nr == SYS_recvmmsg;
  m->flags = (int)(many ? t->args[3] : t->args[2]);
  return read_header(t->tid, t->args[1], m);
}

/* The pieces of a message in the program's memory; the number, or a negative errno. */
static int pieces(pid_t tid, const struct run_msg *m, struct iovec *iov)
{
  union {
    uint64_t number;
    void *pointer;
  } u = {.number = m->one_base};
  if (m->header_at == 0) {
    iov[0] = (struct iovec){u.pointer, m->one_len};
    return 1;
  }
  if (!run_read(tid, m->iov, iov, m->n_iov * sizeof *iov)) return -EFAULT;
  return (int)m->n_iov;
}

/* Copies between `bytes` and the program's pieces, at most len; how many, or a negative errno. */
static int64_t move(pid_t tid, const struct run_msg *m, void *bytes, size_t len, bool to_program)
{
  struct iovec iov[RUN_IOV];
  int n = pieces(tid, m, iov);
  size_t total = 0;
  int used = 0;
  if (n < 0) return n;
  for (; used < n && total < len; used++) {
    if (iov[used].iov_len > len - total) iov[used].iov_len = len - total;
    total += iov[used].iov_len;
  }
  if (total == 0) return 0;
  struct iovec here = {bytes, total};
  ssize_t moved = to_program ? process_vm_writev(tid, &here, 1, iov, (unsigned long)used, 0)
                             : process_vm_readv(tid, &here, 1, iov, (unsigned long)used, 0);
  return moved == (ssize_t)total ? moved : -EFAULT;
}

int64_t run_message_bytes(const struct run_trap *t, void *out, size_t len)
{
  struct run_msg m;
  int rc = read_call(t, &m);
  return rc != 0 ? rc : move(t->tid, &m, out, len, false);
}

/* 0, or a negative errno: what goes beside the datagram and would not be done. */
static int check_control(const struct run_trap *t, const struct run_msg *m)
{
  uint8_t bytes[RUN_CONTROL];
  int level = 0, type = 0;
  if (m->control == 0) return 0;
  if (m->control_len > sizeof bytes) return -ENOBUFS;
  if (!run_read(t->tid, m->control, bytes, m->control_len)) return -EFAULT;
  if (run_control_check(bytes, m->control_len, &level, &type)) return 0;
  run_log(t->run, "%s (%d): a control message of level %d, type %d beside a datagram is not supported", t->program->what->argv[0], (int)t->tid, level, type);
  return -EINVAL;
}

void run_dgram_send(struct run_trap *t)
{
  struct run_msg m;
  struct run *run = t->run;
  uint8_t *out = run->out.payload;
  struct lab_message head = {.kind = LAB_SENDTO};
  int rc = read_call(t, &m);
  if (rc == 0 && (m.flags & MSG_OOB)) rc = -EOPNOTSUPP;
  if (rc == 0 && m.control_len > 0) rc = check_control(t, &m);
  if (rc == 0 && m.name != 0 && (m.name_len > 128 || !run_read(t->tid, m.name, out, m.name_len))) rc = m.name_len > 128 ? -EINVAL : -EFAULT;
  if (rc != 0) {
    answer(t, rc);
    return;
  }
  if (m.name != 0) head.arg[0] = (int32_t)m.name_len;
  int64_t n = move(t->tid, &m, out + head.arg[0], DATAGRAM, false);
  if (n > 65527 || n < 0) {
    answer(t, n < 0 ? n : -EMSGSIZE);
  } else if (run_alive(t->program, t->cookie)) {
    head.arg[1] = m.flags;
    head.len = (uint32_t)head.arg[0] + (uint32_t)n;
    run_ask(t, &head, out);
  }
}

void run_dgram_sent(struct run *run, struct run_pending *p, int32_t result)
{
  if (p->nr == SYS_sendmmsg && result >= 0) {
    uint32_t len = (uint32_t)result; /* msg_len of the first struct mmsghdr */
    if (run_alive(p->program, p->cookie) && !run_write(p->tid, p->args[1] + sizeof(struct msghdr), &len, sizeof len)) result = -EFAULT;
    else result = 1;
  }
  (void)run_respond(p->program, p->cookie, result);
  run_pending_remove(run, p);
}

union control {
  struct cmsghdr head;
  char bytes[CMSG_SPACE(sizeof(int))];
};

/* What came: its length (or negative errno), and what was told beside it. */
struct datagram {
  ssize_t len;
  bool told;
  struct lab_token token;
};

static void read_token(struct msghdr *m, struct datagram *d)
{
  for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
    int fd;
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    memcpy(&fd, CMSG_DATA(c), sizeof fd);
    d->told = pread(fd, &d->token, sizeof d->token, 0) == sizeof d->token && d->token.from_len <= sizeof d->token.from;
    close(fd);
  }
  if (!d->told) memset(&d->token, 0, sizeof d->token);
}

/* The program learns of the error now: the lab is asked for it too, so that it is not told twice. Nobody waits for that answer. */
static ssize_t told(struct run *run, int fd, int error)
{
  struct lab_message m = {.kind = LAB_GETOPT, .ino = run_ino(fd), .arg = {SOL_SOCKET, SO_ERROR, sizeof error}};
  (void)lab_message_send(run->lab_fd, &m, NULL, -1);
  return -error;
}

void run_dgram_told(int fd)
{
  union control control;
  struct msghdr m = {.msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  struct datagram d = {0};
  if (recvmsg(fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | MSG_PEEK) < 0) return;
  read_token(&m, &d);
  if (d.token.error != 0) (void)!recv(fd, &control, 0, MSG_DONTWAIT);
}

static struct datagram receive(struct run *run, int fd, int flags)
{
  union control control;
  struct iovec iov = {run->bytes, DATAGRAM};
  struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  struct datagram d = {0};
  do d.len = recvmsg(fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | (flags & MSG_PEEK));
  while (d.len < 0 && errno == EINTR);
  if (d.len < 0) d.len = -errno;
  else read_token(&m, &d);
  if (d.len < 0 || d.token.error == 0) return d;
  if (flags & MSG_PEEK) run_dgram_told(fd); /* an error is taken by whoever sees it */
  d.len = told(run, fd, d.token.error);
  return d;
}

static bool write_header(pid_t tid, const struct run_msg *m, const struct datagram *d, uint64_t control_len, int32_t flags)
{
  uint64_t at = m->header_at;
  return run_write(tid, at + offsetof(struct msghdr, msg_namelen), &d->token.from_len, sizeof d->token.from_len) &&
         run_write(tid, at + offsetof(struct msghdr, msg_controllen), &control_len, sizeof control_len) &&
         run_write(tid, at + offsetof(struct msghdr, msg_flags), &flags, sizeof flags);
}

/* The datagram goes into the program's memory; the call's result. */
static int64_t hand_over(struct run *run, const struct run_pending *call, const struct run_msg *m, const struct datagram *d)
{
  uint8_t control[RUN_CONTROL];
  pid_t tid = call->tid;
  int64_t n = move(tid, m, run->bytes, (size_t)d->len, true);
  if (n < 0) return n;
  int32_t flags = n < d->len ? MSG_TRUNC : 0;
  int64_t result = flags != 0 && (m->flags & MSG_TRUNC) ? d->len : n;
  if (m->header_at == 0) return run_write_addr(tid, m->name, m->name_len_at, d->token.from, d->token.from_len) ? result : -EFAULT;
  uint32_t name_len = m->name_len < d->token.from_len ? m->name_len : d->token.from_len;
  if (m->name != 0 && !run_write(tid, m->name, d->token.from, name_len)) return -EFAULT;
  const struct run_socket *s = run_socket_find(run, call->ino);
  size_t room = m->control != 0 ? m->control_len : 0;
  size_t told = d->told && s != NULL ? run_control_emit(control, room, s->info, d->token.to, &flags) : 0;
  if (!run_write(tid, m->control, control, told) || !write_header(tid, m, d, told, flags)) return -EFAULT;
  if (call->nr != SYS_recvmmsg) return result;
  uint32_t len = (uint32_t)result;
  return run_write(tid, m->header_at + sizeof(struct msghdr), &len, sizeof len) ? 1 : -EFAULT;
}

/* It waits: the duplicate is watched. */
static void wait_for(struct run_trap *t, const struct run_msg *m)
{
  struct timeval tv = {0, 0};
  socklen_t len = sizeof tv;
  struct run_pending *p = run_pending_add(t->run, t);
  struct epoll_event e = {.events = EPOLLIN};
  if (p != NULL) p->fd = fcntl(t->fd, F_DUPFD_CLOEXEC, 0);
  if (p != NULL) e.data.u64 = p->id << 1 | RUN_PENDING_MARK;
  if (p == NULL || p->fd < 0 || epoll_ctl(t->run->epoll_fd, EPOLL_CTL_ADD, p->fd, &e) != 0) {
    if (p != NULL) run_pending_remove(t->run, p);
    answer(t, -ENOBUFS);
    return;
  }
  p->msg = *m;
  if (getsockopt(p->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, &len) == 0 && (tv.tv_sec != 0 || tv.tv_usec != 0)) {
    p->deadline = run_now() + (yeon_time)tv.tv_sec * YEON_SEC + (yeon_time)tv.tv_usec * YEON_US;
    p->timeout_errno = EAGAIN;
  }
}

void run_dgram_recv(struct run_trap *t)
{
  struct run_msg m;
  int rc = read_call(t, &m);
  if (rc == 0 && (m.flags & MSG_ERRQUEUE)) rc = -EAGAIN;
  if (rc != 0) {
    answer(t, rc);
    return;
  }
  if (!run_alive(t->program, t->cookie)) return;
  struct datagram d = receive(t->run, t->fd, m.flags);
  struct run_pending call = {.tid = t->tid, .nr = t->nr, .ino = t->socket->ino};
  if (d.len >= 0) answer(t, hand_over(t->run, &call, &m, &d));
  else if (d.len != -EAGAIN || (m.flags & MSG_DONTWAIT) || (fcntl(t->fd, F_GETFL) & O_NONBLOCK)) answer(t, d.len);
  else wait_for(t, &m);
}

void run_dgram_readable(struct run *run, struct run_pending *p)
{
  if (run_alive(p->program, p->cookie)) {
    struct datagram d = receive(run, p->fd, p->msg.flags);
    if (d.len == -EAGAIN) return;
    (void)run_respond(p->program, p->cookie, d.len < 0 ? d.len : hand_over(run, p, &p->msg, &d));
  }
  run_pending_remove(run, p);
}
