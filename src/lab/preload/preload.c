/* The helper that `yeon run` preloads into dynamic programs: it tells them what their connection died of.
 *
 * The pair that stands for a connection can show ECONNRESET and EPIPE by itself, but not ETIMEDOUT or EHOSTUNREACH; and where a kernel socket says once
 * ECONNRESET to a writer, it says EPIPE. So: when a call that moves data has failed with one of those two, or a socket has ended, the lab is asked (getsockopt
 * with a level of our own, which the filter stops) for an error not yet told. On the way of success nothing is added but the call through here.
 *
 * It needs no libc of its own (linked without one): it finds errno and syscall in whichever the program has, glibc or musl. Blocking calls must stay
 * places where a thread can be cancelled, hence setcanceltype. A static program, or one that makes its system calls itself, goes without: it sees
 * ECONNRESET where a kernel socket would say ETIMEDOUT, and EPIPE on writing; SO_ERROR is right for all. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define LEVEL_ERROR 0x7965
#define TAKE 1

#define WRAP __attribute__((visibility("default")))

WRAP ssize_t __read_chk(int fd, void *buf, size_t n, size_t size);
WRAP ssize_t __recv_chk(int fd, void *buf, size_t n, size_t size, int flags);

/* The error that is still to be told; 0: none, or not a socket of the lab's. */
static int ask(int fd)
{
  int before = errno, error = 0;
  socklen_t len = sizeof error;
  if (syscall(SYS_getsockopt, fd, LEVEL_ERROR, TAKE, &error, &len) != 0) error = 0;
  errno = before;
  return error;
}

static ssize_t failed(int fd)
{
  if (errno == ECONNRESET || errno == EPIPE) {
    int error = ask(fd);
    if (error != 0) errno = error;
  }
  return -1;
}

/* Nothing was read. The end of an orderly stream or an empty datagram; or an error that the pair could not show? */
static ssize_t ended(int fd)
{
  struct stat st;
  int before = errno;
  if (syscall(SYS_fstat, fd, &st) != 0 || !S_ISSOCK(st.st_mode)) {
    errno = before;
    return 0;
  }
  int error = ask(fd);
  errno = error != 0 ? error : before;
  return error != 0 ? -1 : 0;
}

static ssize_t received(int fd, ssize_t n, size_t wanted)
{
  if (n < 0) return failed(fd);
  return n == 0 && wanted > 0 ? ended(fd) : n;
}

/* A call at which a thread may be cancelled. */
static ssize_t call(long number, int fd, const void *a, size_t b, long c, const void *d, const void *e)
{
  int type;
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
  long rc = syscall(number, fd, a, b, c, d, e);
  pthread_setcanceltype(type, NULL);
  return rc;
}

WRAP ssize_t read(int fd, void *buf, size_t n) { return received(fd, call(SYS_read, fd, buf, n, 0, NULL, NULL), n); }

WRAP ssize_t __read_chk(int fd, void *buf, size_t n, size_t size)
{
  if (n > size) __builtin_trap();
  return read(fd, buf, n);
}

WRAP ssize_t readv(int fd, const struct iovec *iov, int n)
{
  return received(fd, call(SYS_readv, fd, iov, (size_t)n, 0, NULL, NULL), n > 0 ? 1 : 0);
}

WRAP ssize_t recvfrom(int fd, void *buf, size_t n, int flags, struct sockaddr *from, socklen_t *len)
{
  return received(fd, call(SYS_recvfrom, fd, buf, n, flags, from, len), n);
}

WRAP ssize_t recv(int fd, void *buf, size_t n, int flags) { return recvfrom(fd, buf, n, flags, NULL, NULL); }

WRAP ssize_t __recv_chk(int fd, void *buf, size_t n, size_t size, int flags)
{
  if (n > size) __builtin_trap();
  return recv(fd, buf, n, flags);
}

WRAP ssize_t recvmsg(int fd, struct msghdr *m, int flags)
{
  return received(fd, call(SYS_recvmsg, fd, m, (size_t)(unsigned)flags, 0, NULL, NULL), m != NULL && m->msg_iovlen > 0);
}

WRAP ssize_t write(int fd, const void *buf, size_t n)
{
  ssize_t rc = call(SYS_write, fd, buf, n, 0, NULL, NULL);
  return rc < 0 ? failed(fd) : rc;
}

WRAP ssize_t writev(int fd, const struct iovec *iov, int n)
{
  ssize_t rc = call(SYS_writev, fd, iov, (size_t)n, 0, NULL, NULL);
  return rc < 0 ? failed(fd) : rc;
}

/* Behind a send that was told not to raise SIGPIPE: a kernel socket raises it only when there is no error left to tell. */
static ssize_t sent(int fd, ssize_t rc, int flags)
{
  if (rc >= 0) return rc;
  bool piped = errno == EPIPE;
  (void)failed(fd);
  if (piped && errno == EPIPE && !(flags & MSG_NOSIGNAL)) {
    (void)raise(SIGPIPE);
    errno = EPIPE;
  }
  return -1;
}

WRAP ssize_t sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *to, socklen_t len)
{
  union {
    socklen_t number;
    const void *pointer;
  } u = {.pointer = NULL};
  u.number = len;
  return sent(fd, call(SYS_sendto, fd, buf, n, flags | MSG_NOSIGNAL, to, u.pointer), flags);
}

WRAP ssize_t send(int fd, const void *buf, size_t n, int flags) { return sendto(fd, buf, n, flags, NULL, 0); }

WRAP ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
  return sent(fd, call(SYS_sendmsg, fd, m, (size_t)(unsigned)(flags | MSG_NOSIGNAL), 0, NULL, NULL), flags);
}
