/* The pair's own queues. What the program has written is what our end can read. What it has not read only its own end knows; the kernel tells
 * of it by inode number (sock_diag, which needs no right for one's own namespace). Our SIOCOUTQ would count the kernel's bookkeeping, not bytes. */
#define _GNU_SOURCE
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <linux/unix_diag.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab/queue.h"

#define QUESTIONS_MAX 500 /* a quarter of a second in a kernel with 10,000 sockets */

struct question {
  struct nlmsghdr head;
  struct unix_diag_req body;
};

struct lab_diag lab_queue_open(void)
{
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  struct timeval patience = {.tv_usec = 100000};
  if (fd >= 0) (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return (struct lab_diag){fd, 0};
}

void lab_queue_close(const struct lab_diag *diag)
{
  if (diag->fd >= 0) close(diag->fd);
}

static uint32_t attribute(const struct nlmsghdr *h)
{
  size_t at = NLMSG_LENGTH(sizeof(struct unix_diag_msg));
  while (at + sizeof(struct rtattr) <= h->nlmsg_len) {
    struct rtattr a;
    struct unix_diag_rqlen q;
    memcpy(&a, (const char *)h + at, sizeof a);
    if (a.rta_len < sizeof a) return 0;
    if (a.rta_type == UNIX_DIAG_RQLEN && a.rta_len >= sizeof a + sizeof q) {
      memcpy(&q, (const char *)h + at + sizeof a, sizeof q);
      return q.udiag_rqueue;
    }
    at += RTA_ALIGN(a.rta_len);
  }
  return 0;
}

/* Bytes that the end with this inode number can read. */
static uint32_t readable_at(int diag, uint64_t ino)
{
  union {
    struct nlmsghdr head;
    char bytes[1024];
  } answer;
  struct question q = {
      .head = {.nlmsg_len = sizeof q, .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST},
      .body = {.sdiag_family = AF_UNIX, .udiag_states = ~0u, .udiag_ino = (uint32_t)ino, .udiag_show = UDIAG_SHOW_RQLEN,
               .udiag_cookie = {~0u, ~0u}},
  };
  if (send(diag, &q, sizeof q, 0) != sizeof q) return 0;
  ssize_t n = recv(diag, &answer, sizeof answer, 0);
  bool sound = n >= (ssize_t)sizeof answer.head && answer.head.nlmsg_len <= (size_t)n && answer.head.nlmsg_type == SOCK_DIAG_BY_FAMILY;
  return sound ? attribute(&answer.head) : 0;
}

struct lab_queue lab_queue_of(struct lab_diag *diag, const struct lab_socket *s)
{
  struct lab_queue q = {0, 0};
  int n = 0;
  if (ioctl(s->fd, SIOCINQ, &n) == 0 && n > 0) q.from_program = (uint32_t)n;
  q.from_program = q.from_program > s->filled ? q.from_program - s->filled : 0;
  if (s->left != NULL) q.from_program += s->left_len - s->left_at;
  int held = 0; /* memory, not bytes; 0 means that all is read, which saves the question: each is a walk through the kernel's table */
  if (ioctl(s->fd, SIOCOUTQ, &held) == 0 && held > 0) {
    bool ask = diag->fd >= 0 && diag->questions < QUESTIONS_MAX;
    if (ask) diag->questions++;
    q.to_program = ask ? readable_at(diag->fd, s->ino) : (uint32_t)held;
  }
  if (s->state == LAB_LISTENING) q.to_program = q.to_program > s->knocks ? q.to_program - s->knocks : 0;
  return q;
}
