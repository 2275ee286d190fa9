/* sendto and sendmsg with MSG_FASTOPEN: a connect (fastopen.c), and when that has succeeded the bytes, written into the program's end of its pair. A
 * call that a signal interrupts meanwhile is not made again by itself: its bytes would be sent twice. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "lab/run.h"

#define ADDRESS_MOST 128

/* The address of the call, copied. Its length, 0: none, or a negative errno. */
static int64_t read_address(const struct run_trap *t, uint8_t *bytes)
{
  uint64_t words[2] = {t->args[4], t->args[5]}; /* of struct user_msghdr: name, name_len (int) */
  if (t->nr != SYS_sendto && !run_read(t->tid, t->args[1], words, sizeof words)) return -EFAULT;
  uint32_t len = (uint32_t)words[1];
  if (words[0] == 0 || len == 0) return 0;
  if (len > ADDRESS_MOST) return -EINVAL;
  if (!run_read(t->tid, words[0], bytes, len)) return -EFAULT;
  return run_alive(t->program, t->cookie) ? (int64_t)len : -EINTR;
}

void run_fastopen(struct run_trap *t)
{
  uint8_t bytes[ADDRESS_MOST];
  int64_t len = t->nr == SYS_sendmmsg ? -EOPNOTSUPP : read_address(t, bytes);
  int flags = (int)t->args[t->nr == SYS_sendto ? 3 : 2];
  struct lab_message m = {.kind = LAB_CONNECT, .len = len > 0 ? (uint32_t)len : 0, .flags = LAB_FASTOPEN};
  if ((flags & MSG_DONTWAIT) != 0) m.flags |= LAB_NONBLOCK;
  if (len < 0) (void)run_respond(t->program, t->cookie, len);
  else if (len == 0) run_continue(t->program, t->cookie); /* bytes of a connection that is there, or of none, as without the flag */
  else run_ask_patiently(t, &m, bytes, SO_SNDTIMEO, EINPROGRESS);
}

int64_t run_fastopen_send(struct run *run, const struct run_pending *p, int fd)
{
  struct run_trap t = {.run = run, .program = p->program, .cookie = p->cookie, .tid = p->tid, .nr = p->nr, .fd = fd};
  memcpy(t.args, p->args, sizeof t.args);
  int64_t n = fd < 0 || !run_alive(p->program, p->cookie) ? -EINTR : run_message_bytes(&t, run->bytes, sizeof run->bytes);
  if (n > 0) n = send(fd, run->bytes, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
  return n == -1 ? -errno : n;
}
