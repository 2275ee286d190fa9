/* Notifications: what a program is stopped at, judged.
 *
 * Arguments are registers and cannot change while it is stopped; what they point to can, and is copied before it is looked at. A thread that dies while we read
 * leaves its number to another: so after the reading the kernel is asked whether the notification still stands, before anything is done. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "lab/run.h"

#define OPTION_MAX 256
#define PROTOCOL_MAX 262 /* IPPROTO_MPTCP, the highest that Linux knows */

bool run_alive(const struct run_program *p, uint64_t cookie)
{
  return p->notify_fd >= 0 && ioctl(p->notify_fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &cookie) == 0;
}

static bool respond(const struct run_program *p, const struct seccomp_notif_resp *r)
{
  union { /* the ioctl takes a pointer to something it does not change */
    const struct seccomp_notif_resp *shown;
    struct seccomp_notif_resp *given;
  } u = {.shown = r};
  return ioctl(p->notify_fd, SECCOMP_IOCTL_NOTIF_SEND, u.given) == 0; /* ENOENT: a signal came first; the call is made again or is over */
}

bool run_respond(const struct run_program *p, uint64_t cookie, int64_t value)
{
  struct seccomp_notif_resp r = {.id = cookie};
  if (value < 0) r.error = (int32_t)value;
  else r.val = value;
  return respond(p, &r);
}

void run_continue(const struct run_program *p, uint64_t cookie)
{
  struct seccomp_notif_resp r = {.id = cookie, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
  (void)respond(p, &r);
}

static void answer(const struct run_trap *t, int64_t value) { (void)run_respond(t->program, t->cookie, value); }

void run_ask(struct run_trap *t, struct lab_message *head, const void *payload)
{
  if (run_pending_of(t->run, t->tid)) head->flags |= LAB_AGAIN; /* a thread makes one call at a time */
  struct run_pending *p = run_pending_add(t->run, t);
  if (p == NULL) {
    answer(t, -ENOMEM);
    return;
  }
  p->at_lab = true;
  head->id = p->id;
  head->program = t->program->number;
  if (t->socket != NULL) head->ino = t->socket->ino;
  if (lab_message_send(t->run->lab_fd, head, payload, -1) == 0) return;
  run_pending_remove(t->run, p);
  answer(t, -ENETDOWN);
}

/* The call waits, and for how long; for connect and accept. */
static uint32_t patience(const struct run_trap *t, int option, yeon_time *deadline)
{
  struct timeval tv = {0, 0};
  socklen_t len = sizeof tv;
  *deadline = YEON_NEVER;
  if (fcntl(t->fd, F_GETFL) & O_NONBLOCK) return LAB_NONBLOCK;
  if (getsockopt(t->fd, SOL_SOCKET, option, &tv, &len) == 0 && (tv.tv_sec != 0 || tv.tv_usec != 0))
    *deadline = run_now() + (yeon_time)tv.tv_sec * YEON_SEC + (yeon_time)tv.tv_usec * YEON_US;
  return 0;
}

void run_ask_patiently(struct run_trap *t, struct lab_message *head, const void *payload, int option, int timeout_errno)
{
  yeon_time deadline;
  head->flags |= patience(t, option, &deadline);
  uint64_t before = t->run->next_id;
  run_ask(t, head, payload);
  struct run_pending *p = t->run->next_id != before ? run_pending_find(t->run, t->run->next_id) : NULL;
  if (p == NULL) return;
  p->deadline = deadline;
  p->timeout_errno = timeout_errno;
}

/* ---- one function a call ---- */

static void on_socket(struct run_trap *t)
{
  int domain = (int)t->args[0], type = (int)t->args[1], protocol = (int)t->args[2];
  bool sound = (type & ~(0xf | SOCK_NONBLOCK | SOCK_CLOEXEC)) == 0 && (type & 0xf) <= SOCK_PACKET && protocol >= 0 && protocol <= PROTOCOL_MAX;
  if ((domain == AF_INET || domain == AF_INET6) && !sound) {
    answer(t, -EINVAL);
  } else if (domain == AF_UNIX || domain == AF_NETLINK) {
    run_continue(t->program, t->cookie);
  } else if (domain == AF_INET || domain == AF_INET6) {
    struct lab_message m = {.kind = LAB_SOCKET, .arg = {domain, type & 0xf, protocol, (int)run_process_of(t->run, t->tid)}};
    run_ask(t, &m, NULL);
  } else {
    run_log(t->run, "%s (%d): socket(%d, %d, %d) refused", t->program->what->argv[0], (int)t->tid, domain, type & 0xf, protocol);
    answer(t, domain == AF_PACKET ? -EPERM : -EAFNOSUPPORT);
  }
}

/* A sockaddr of the call, at most 128 bytes. Its length, or a negative errno. */
static int read_addr(const struct run_trap *t, uint8_t *bytes)
{
  int len = (int)t->args[2];
  if (len < 0 || len > 128) return -EINVAL;
  if (!run_read(t->tid, t->args[1], bytes, (size_t)len)) return -EFAULT;
  return run_alive(t->program, t->cookie) ? len : -EINTR;
}

static void on_bind(struct run_trap *t)
{
  uint8_t bytes[128];
  int len = read_addr(t, bytes);
  struct lab_message m = {.kind = LAB_BIND, .len = len > 0 ? (uint32_t)len : 0};
  if (len < 0) {
    answer(t, len);
    return;
  }
  run_pending_check(t->run, run_now()); /* an interrupted recvfrom must not hold a socket open whose port may be wanted */
  run_ask(t, &m, bytes);
}

static void on_connect(struct run_trap *t)
{
  uint8_t bytes[128];
  int len = read_addr(t, bytes);
  struct lab_message m = {.kind = LAB_CONNECT, .len = len > 0 ? (uint32_t)len : 0};
  if (len < 0) answer(t, len);
  else run_ask_patiently(t, &m, bytes, SO_SNDTIMEO, EINPROGRESS);
}

static void on_listen(struct run_trap *t)
{
  struct lab_message m = {.kind = LAB_LISTEN, .arg = {(int)t->args[1]}};
  run_ask(t, &m, NULL);
}

static void on_accept(struct run_trap *t)
{
  struct lab_message m = {.kind = LAB_ACCEPT, .arg = {(int)run_process_of(t->run, t->tid)}};
  int flags = t->nr == SYS_accept4 ? (int)t->args[3] : 0;
  if (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) answer(t, -EINVAL);
  else run_ask_patiently(t, &m, NULL, SO_RCVTIMEO, EAGAIN);
}

static void on_shutdown(struct run_trap *t)
{
  struct lab_message m = {.kind = LAB_SHUTDOWN, .arg = {(int)t->args[1]}};
  if (m.arg[0] < SHUT_RD || m.arg[0] > SHUT_RDWR) answer(t, -EINVAL);
  else run_ask(t, &m, NULL);
}

static void on_name(struct run_trap *t)
{
  struct lab_message m = {.kind = t->nr == SYS_getpeername ? LAB_PEERNAME : LAB_SOCKNAME};
  run_ask(t, &m, NULL);
}

static void on_setsockopt(struct run_trap *t)
{
  uint8_t bytes[OPTION_MAX];
  int len = (int)t->args[4];
  struct lab_message m = {.kind = LAB_SETOPT, .arg = {(int)t->args[1], (int)t->args[2]}};
  if (len < 0) {
    answer(t, -EINVAL);
    return;
  }
  m.len = (uint32_t)(len < OPTION_MAX ? len : OPTION_MAX);
  if (!run_read(t->tid, t->args[3], bytes, m.len)) answer(t, -EFAULT);
  else if (run_alive(t->program, t->cookie)) run_ask(t, &m, bytes);
}

static void on_getsockopt(struct run_trap *t)
{
  int32_t size;
  struct lab_message m = {.kind = LAB_GETOPT, .arg = {(int)t->args[1], (int)t->args[2]}};
  if (!run_read(t->tid, t->args[4], &size, sizeof size)) answer(t, -EFAULT);
  else if (size < 0) answer(t, -EINVAL);
  else if (run_alive(t->program, t->cookie)) {
    m.arg[2] = size;
    run_ask(t, &m, NULL);
  }
}

/* On a stream the kernel does to the pair what it would do to the connection; only urgent data has no like there. */
static void on_data(struct run_trap *t)
{
  bool sends = t->nr == SYS_sendto || t->nr == SYS_sendmsg || t->nr == SYS_sendmmsg;
  bool plain = t->nr != SYS_sendmsg && t->nr != SYS_recvmsg; /* flags are the fourth argument */
  int flags = (int)t->args[plain ? 3 : 2];
  if (!t->socket->stream) {
    (sends ? run_dgram_send : run_dgram_recv)(t);
  } else if ((flags & MSG_OOB) != 0) {
    run_log(t->run, "%s (%d): urgent data (MSG_OOB) is not supported", t->program->what->argv[0], (int)t->tid);
    answer(t, sends ? -EOPNOTSUPP : -EINVAL);
  } else if (sends && (flags & MSG_FASTOPEN) != 0) {
    run_fastopen(t);
  } else if (t->nr == SYS_sendto && t->args[4] != 0) {
    answer(t, -EISCONN);
  } else {
    run_continue(t->program, t->cookie);
  }
}

static const struct {
  int nr;
  void (*run)(struct run_trap *t);
} calls[] = {
    {SYS_bind, on_bind},         {SYS_connect, on_connect},         {SYS_listen, on_listen},         {SYS_accept, on_accept},
    {SYS_accept4, on_accept},    {SYS_getsockname, on_name},        {SYS_getpeername, on_name},      {SYS_setsockopt, on_setsockopt},
    {SYS_getsockopt, on_getsockopt}, {SYS_sendto, on_data},         {SYS_recvfrom, on_data},         {SYS_sendmsg, on_data},
    {SYS_recvmsg, on_data},      {SYS_sendmmsg, on_data},           {SYS_recvmmsg, on_data},         {SYS_shutdown, on_shutdown},
};

/* A call on a socket that is not ours. AF_UNIX and the like are the kernel's affair; an INET socket that came from elsewhere is refused. */
static void on_stranger(const struct run_trap *t)
{
  int domain = AF_UNIX;
  socklen_t len = sizeof domain;
  bool known = getsockopt(t->fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0;
  if (!known || domain == AF_UNIX || domain == AF_NETLINK) { /* not known: no socket, and the kernel will say so */
    run_continue(t->program, t->cookie);
    return;
  }
  run_log(t->run, "%s (%d): a call on a socket of the machine's own network (family %d) refused", t->program->what->argv[0],
          (int)t->tid, domain);
  answer(t, -EPERM);
}

static void on_descriptor(struct run_trap *t)
{
  t->fd = run_getfd(t->run, t->tid, (int)t->args[0]);
  if (t->fd < 0) {
    if (t->fd != -EBADF && t->fd != -ESRCH)
      run_log(t->run, "%s (%d): its descriptor %d can not be looked at: %s", t->program->what->argv[0], (int)t->tid, (int)t->args[0],
              strerror(-t->fd));
    answer(t, t->fd == -EBADF ? -EBADF : -EPERM);
    return;
  }
  uint64_t ino = run_ino(t->fd);
  t->socket = ino != 0 ? run_socket_find(t->run, ino) : NULL;
  if (t->socket == NULL) {
    on_stranger(t);
  } else {
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
      if (calls[i].nr == t->nr) calls[i].run(t);
  }
  close(t->fd);
}

static void refuse(const struct run_trap *t, const char *call, int error)
{
  run_log(t->run, "%s (%d): %s refused", t->program->what->argv[0], (int)t->tid, call);
  answer(t, -error);
}

void run_trap(struct run *run, struct run_program *p)
{
  union { /* the kernel's struct may have grown */
    struct seccomp_notif n;
    uint8_t room[512];
  } u;
  memset(&u, 0, sizeof u);
  if (ioctl(p->notify_fd, SECCOMP_IOCTL_NOTIF_RECV, &u.n) != 0) return;
  struct run_trap t = {.run = run, .program = p, .cookie = u.n.id, .tid = (pid_t)u.n.pid, .nr = u.n.data.nr, .fd = -1};
  for (unsigned i = 0; i < 6; i++) t.args[i] = u.n.data.args[i];
  if (run->config->verbose)
    run_log(run, "trap %s (%d): call %d(%lld, %#llx, %lld)", p->what->argv[0], (int)t.tid, t.nr, (long long)t.args[0],
            (unsigned long long)t.args[1], (long long)t.args[2]);
  if (t.nr == SYS_io_uring_setup) refuse(&t, "io_uring_setup", ENOSYS);
  else if (t.nr == SYS_pidfd_getfd) refuse(&t, "pidfd_getfd", EPERM);
  else if (t.nr == SYS_socket) on_socket(&t);
  else on_descriptor(&t);
}
