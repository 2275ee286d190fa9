/* Which system calls a program is stopped at. All that make, name or describe a socket; those that carry data only where they carry an address with
 * it (sendto, recvfrom) or may (sendmsg, recvmsg). read, write, send, recv, poll, select, epoll, sendfile are never stopped.
 *
 * Refused: io_uring, which makes sockets without system calls; pidfd_getfd, which could bring in somebody else's. Other ABIs of the
 * processor (32 bit, x32) are killed, since their calls have other numbers (libseccomp's rule for architectures that a filter does not name). */
#define _GNU_SOURCE
#include <errno.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/run.h"

static int add_always(scmp_filter_ctx ctx)
{
  static const int numbers[] = {
      SCMP_SYS(socket),      SCMP_SYS(bind),       SCMP_SYS(connect),    SCMP_SYS(listen),  SCMP_SYS(accept),   SCMP_SYS(accept4),
      SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(setsockopt), SCMP_SYS(getsockopt), SCMP_SYS(sendmsg), SCMP_SYS(recvmsg),
      SCMP_SYS(sendmmsg),    SCMP_SYS(recvmmsg),   SCMP_SYS(shutdown),
  };
  int rc = 0;
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0] && rc == 0; i++)
    rc = seccomp_rule_add_exact(ctx, SCMP_ACT_NOTIFY, numbers[i], 0);
  return rc;
}

static int add_with_address(scmp_filter_ctx ctx)
{
  int rc = seccomp_rule_add_exact(ctx, SCMP_ACT_NOTIFY, SCMP_SYS(sendto), 1, SCMP_A4(SCMP_CMP_NE, 0, 0));
  if (rc == 0) rc = seccomp_rule_add_exact(ctx, SCMP_ACT_NOTIFY, SCMP_SYS(recvfrom), 1, SCMP_A4(SCMP_CMP_NE, 0, 0));
  /* urgent bytes have another meaning on the pair */
  if (rc == 0) rc = seccomp_rule_add_exact(ctx, SCMP_ACT_NOTIFY, SCMP_SYS(sendto), 1, SCMP_A3(SCMP_CMP_MASKED_EQ, MSG_OOB, MSG_OOB));
  if (rc == 0) rc = seccomp_rule_add_exact(ctx, SCMP_ACT_NOTIFY, SCMP_SYS(recvfrom), 1, SCMP_A3(SCMP_CMP_MASKED_EQ, MSG_OOB, MSG_OOB));
  /* bytes that are to open a connection would be lost in a pair that has none */
  if (rc == 0) rc = seccomp_rule_add_exact(ctx, SCMP_ACT_NOTIFY, SCMP_SYS(sendto), 1, SCMP_A3(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, MSG_FASTOPEN));
  return rc;
}

static int add_refused(scmp_filter_ctx ctx)
{
  static const int numbers[] = {SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register)};
  int rc = 0;
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0] && rc == 0; i++)
    rc = seccomp_rule_add_exact(ctx, SCMP_ACT_ERRNO(ENOSYS), numbers[i], 0);
  /* the supervisor refuses these, and tells */
  if (rc == 0) rc = seccomp_rule_add_exact(ctx, SCMP_ACT_NOTIFY, SCMP_SYS(io_uring_setup), 0);
  if (rc == 0) rc = seccomp_rule_add_exact(ctx, SCMP_ACT_NOTIFY, SCMP_SYS(pidfd_getfd), 0);
  return rc;
}

int run_filter_load(void)
{
  scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
  if (ctx == NULL) return -ENOMEM;
  int rc = add_always(ctx);
  if (rc == 0) rc = add_with_address(ctx);
  if (rc == 0) rc = add_refused(ctx);
  if (rc == 0) rc = seccomp_load(ctx);
  if (rc == 0) rc = seccomp_notify_fd(ctx);
  int fd = rc >= 0 ? dup(rc) : rc; /* the context owns the other one */
  if (rc >= 0 && fd < 0) fd = -errno;
  seccomp_release(ctx);
  return fd;
}

/* Filters alone may stand above each other, as in a container; that is found out by trying. */
bool run_filter_taken(void)
{
  char line[128];
  int filtered = 0, status = 0;
  FILE *f = fopen("/proc/self/status", "re");
  while (f != NULL && filtered == 0 && fgets(line, sizeof line, f) != NULL) (void)sscanf(line, "Seccomp: %d", &filtered);
  if (f != NULL) fclose(f);
  if (filtered == 0) return false;
  pid_t child = fork();
  if (child == 0) {
    bool loaded = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
    int fd = loaded ? run_filter_load() : 0;
    _exit(fd == -ECANCELED || fd == -EBUSY ? 1 : 0);
  }
  return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 1;
}
