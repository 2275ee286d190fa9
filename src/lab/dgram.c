/* UDP sockets: datagrams between a program's SEQPACKET pair and its endpoint.
 *
 * A connected program sends and receives natively. sendto with an address, sendmsg and recvfrom with an address come through the supervisor. A datagram to
 * a socket carries its sender's address beside it: a descriptor (SCM_RIGHTS) of a small memory file that holds it and
 * where the datagram was sent to (struct lab_token). The supervisor, which does the receiving for calls that want the address, reads it; a native recv, which does not want it, drops it unseen.
 * The files are made once per sender and kept for the latest LAB_SOURCES of a socket. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lab/sockets.h"

#define BURST 64

int dgram_open(struct lab_socket *s)
{
  int rc = yeon_udp_open(s->lab->hosts[s->host].host, &s->udp);
  if (rc != 0) return yeon_error_errno(rc);
  yeon_udp_set_user(s->udp, s);
  return 0;
}

void dgram_close(struct lab_socket *s)
{
  if (s->udp != NULL) {
    yeon_udp_set_user(s->udp, NULL);
    yeon_udp_close(s->udp);
    s->udp = NULL;
  }
  lab_socket_free(s);
}

void dgram_connect(struct lab_socket *s, struct lab_client *client, const struct lab_letter *letter)
{
  struct yeon_addr to;
  sa_family_t family = AF_UNSPEC;
  struct lab_message reply = {.kind = LAB_CONNECT, .id = letter->head.id, .ino = s->ino};
  if (letter->head.len >= sizeof family) memcpy(&family, letter->payload, sizeof family);
  int error = 0, rc = 0;
  if (letter->head.len >= sizeof family && family == AF_UNSPEC) {
    rc = yeon_udp_connect(s->udp, NULL);
    s->connected = false;
  } else {
    error = lab_sockaddr_parse(lab_socket_domain(s), letter->payload, letter->head.len, &to);
    if (error == 0) {
      lab_sockaddr_here(&to);
      rc = yeon_udp_connect(s->udp, &to);
    }
    if (error == 0 && rc == 0) s->connected = true;
  }
  if (rc == YEON_ERR_NO_ROUTE) error = ENETUNREACH;
  else if (rc != 0) error = yeon_error_errno(rc);
  reply.result = -error;
  lab_answer(client, &reply, NULL, -1);
}

static int send_error(int64_t rc)
{
  if (rc == YEON_ERR_NO_ROUTE) return -ENETUNREACH;
  return -yeon_error_errno((int)rc);
}

static bool is_broadcast(const struct yeon_ip *ip)
{
  const struct yeon_ip all = yeon_ip4(255, 255, 255, 255);
  return yeon_ip_equal(ip, &all);
}

static bool may_broadcast(const struct lab_socket *s)
{
  int64_t on = 0;
  return yeon_udp_get(s->udp, YEON_UDP_BROADCAST, &on) == 0 && on != 0;
}

void dgram_sendto(struct lab_socket *s, struct lab_client *client, const struct lab_letter *letter)
{
  struct yeon_addr to;
  const struct lab_message *m = &letter->head;
  struct lab_message reply = {.kind = m->kind, .id = m->id, .ino = s->ino};
  size_t named = (size_t)m->arg[0];
  if (m->arg[0] < 0 || named > m->len) {
    reply.result = -EINVAL;
  } else if (s->connected && s->error != 0) {
    reply.result = -s->error;
    reply.arg[0] = 1;
    s->error = 0;
  } else if (named == 0 && !s->connected) {
    reply.result = -EDESTADDRREQ;
  } else {
    int error = named > 0 ? lab_sockaddr_parse(lab_socket_domain(s), letter->payload, named, &to) : 0;
    if (error == 0 && named > 0) lab_sockaddr_here(&to);
    if (error == 0 && named > 0 && to.port == 0) error = EINVAL;
    int64_t n = -error;
    if (error == 0) n = yeon_udp_send(s->udp, letter->payload + named, m->len - named, named > 0 ? &to : NULL, lab_now());
    if (error == 0 && n == YEON_ERR_NO_ROUTE && named > 0 && is_broadcast(&to.ip) && !may_broadcast(s)) n = YEON_ERR_PERMISSION;
    if (error == 0 && n < 0) n = send_error(n);
    reply.result = (int32_t)n;
  }
  lab_answer(client, &reply, NULL, -1);
}

static int write_token(const struct lab_token *t, const char *name)
{
  int fd = memfd_create(name, MFD_CLOEXEC);
  if (fd >= 0 && pwrite(fd, t, sizeof *t, 0) == sizeof *t) return fd;
  if (fd >= 0) close(fd);
  return -1;
}

static int make_token(const struct lab_socket *s, const struct yeon_addr *from, const struct yeon_ip *to)
{
  struct lab_token t = {.error = 0};
  t.from_len = (uint32_t)lab_sockaddr_emit(lab_socket_domain(s), from, t.from);
  memcpy(t.to, to->b, sizeof t.to);
  return write_token(&t, "yeon-source");
}

/* The descriptor that stands for a sender; -1: none to be had. */
static int token_of(struct lab_socket *s, const struct yeon_addr *from, const struct yeon_ip *to)
{
  if (s->sources == NULL) {
    s->sources = malloc(LAB_SOURCES * sizeof *s->sources);
    if (s->sources == NULL) return -1;
    for (unsigned i = 0; i < LAB_SOURCES; i++) s->sources[i].fd = -1;
  }
  for (unsigned i = 0; i < LAB_SOURCES; i++) {
    const struct lab_source *k = &s->sources[i];
    bool same = k->fd >= 0 && k->addr.port == from->port && yeon_ip_equal(&k->addr.ip, &from->ip) && yeon_ip_equal(&k->to, to);
    if (same) return k->fd;
  }
  struct lab_source *k = &s->sources[s->next_source++ % LAB_SOURCES];
  if (k->fd >= 0) close(k->fd);
  *k = (struct lab_source){.addr = *from, .to = *to, .fd = make_token(s, from, to)};
  return k->fd;
}

union control {
  struct cmsghdr head;
  char bytes[CMSG_SPACE(sizeof(int))];
};

/* The scratch's first bytes to the program. If there is no room it is lost, as when a kernel's buffer is full, and `can_write` is cleared. */
static void give(struct lab_socket *s, size_t len, int token)
{
  union control control = {.head = {0}};
  struct iovec iov = {s->lab->scratch, len};
  struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
  if (token >= 0) {
    m.msg_control = control.bytes;
    m.msg_controllen = sizeof control.bytes;
    control.head.cmsg_level = SOL_SOCKET;
    control.head.cmsg_type = SCM_RIGHTS;
    control.head.cmsg_len = CMSG_LEN(sizeof token);
    memcpy(CMSG_DATA(&control.head), &token, sizeof token);
  }
  if (sendmsg(s->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno == EAGAIN) s->can_write = false;
}

/* A pair of this kind can not show an error. So the program is woken with an empty datagram whose token holds an errno in place of a sockaddr: calls
 * done by the supervisor give that; native ones give 0, at which the preloaded helper asks. */
static void give_error(struct lab_socket *s, int error)
{
  struct lab_token t = {.error = error};
  int token = write_token(&t, "yeon-error");
  s->error = error;
  if (token < 0) return;
  give(s, 0, token);
  close(token);
}

static void to_program(struct lab_socket *s)
{
  struct yeon_addr from, to;
  size_t full;
  unsigned left = BURST;
  while (s->can_write && left > 0) {
    int64_t n = yeon_udp_recv(s->udp, s->lab->scratch, LAB_SCRATCH, &from, &to, &full);
    if (n == YEON_ERR_AGAIN) return;
    if (n < 0) give_error(s, yeon_error_errno((int)n));
    else give(s, (size_t)n, token_of(s, &from, &to.ip));
    left--;
  }
  if (left == 0) lab_socket_ready(s);
}

/* The program was told that its datagram is sent, since the pair took it: what a kernel's send would have said goes to SO_ERROR and the log. */
static void refuse(struct lab_socket *s, size_t len, int64_t rc)
{
  s->error = s->connected ? -send_error(rc) : EDESTADDRREQ;
  lab_log(s->lab, "%s (%d): a datagram of %zu bytes not sent: %s", lab_socket_program(s), s->pid, len, strerror(s->error));
}

/* Nothing was read: an empty datagram, or the end, for the program has shut down its writing side. Where both may be, it is the end if no more bytes follow. */
static bool is_end(const struct lab_socket *s)
{
  int more = 0;
  return s->hung_up || (s->ending && (ioctl(s->fd, FIONREAD, &more) != 0 || more == 0));
}

static void from_program(struct lab_socket *s, yeon_time now)
{
  unsigned left = BURST;
  while (s->can_read && left > 0) {
    if (s->connected && !(yeon_udp_ready(s->udp) & YEON_WRITABLE)) return;
    ssize_t n = recv(s->fd, s->lab->scratch, LAB_SCRATCH, MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 || (n == 0 && is_end(s))) {
      s->can_read = false;
      return;
    }
    int64_t rc = s->connected ? yeon_udp_send(s->udp, s->lab->scratch, (size_t)n, NULL, now) : YEON_ERR_NOT_CONNECTED;
    if (rc < 0 && rc != YEON_ERR_AGAIN) refuse(s, (size_t)n, rc);
    left--;
  }
  if (left == 0) lab_socket_ready(s);
}

void dgram_turn(struct lab_socket *s)
{
  if (s->state == LAB_CLOSED) return;
  from_program(s, lab_now());
  to_program(s);
  if (s->hung_up && !s->can_read) dgram_close(s);
}
