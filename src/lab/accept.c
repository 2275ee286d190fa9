/* Listening sockets. For every connection that waits, one byte (a knock) stands in the listener's pair, so that poll and epoll find the listener
 * readable natively. accept is ours: it makes the new socket and tells the supervisor how many knocks to take out again. One that waits in
 * accept is served without a knock. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab/sockets.h"

void stream_listen(struct lab_socket *s, struct lab_client *client, const struct lab_message *m)
{
  struct lab_message reply = {.kind = m->kind, .id = m->id, .ino = m->ino};
  int backlog = m->arg[0];
  if (backlog < 1) backlog = 1;
  if (backlog > 4096) backlog = 4096; /* net.core.somaxconn */
  if (s->state != LAB_NEW && s->state != LAB_LISTENING) {
    reply.result = -EINVAL;
  } else {
    int rc = yeon_tcp_listen(s->tcp, (unsigned)backlog, lab_now());
    if (rc == 0) s->state = LAB_LISTENING;
    else reply.result = -yeon_error_errno(rc);
  }
  lab_answer(client, &reply, NULL, -1);
}

static uint32_t waiting(const struct lab_socket *s)
{
  struct yeon_tcp_info info;
  yeon_tcp_info(s->tcp, &info);
  uint32_t n = info.backlog;
  for (const struct lab_socket *r = s->returned; r != NULL; r = r->returned_next) n++;
  return n;
}

/* Knocks that nobody stands behind any more. */
static int surplus(struct lab_socket *s)
{
  uint32_t n = waiting(s);
  if (s->knocks <= n) return 0;
  int more = (int)(s->knocks - n);
  s->knocks = n;
  return more;
}

/* A fresh one from the stack, NULL with *error. */
static struct lab_socket *take_fresh(struct lab_socket *s, int *program_fd, int *error)
{
  struct yeon_tcp *tcp;
  int rc = yeon_tcp_accept(s->tcp, &tcp, lab_now());
  *error = rc == 0 ? 0 : yeon_error_errno(rc);
  if (rc != 0) return NULL;
  struct lab_socket *n = lab_socket_new(s->lab, true, s->six, s->host, program_fd, error);
  if (n == NULL) {
    yeon_tcp_abort(tcp, lab_now());
    return NULL;
  }
  n->tcp = tcp;
  yeon_tcp_set_user(tcp, n);
  n->state = LAB_CONNECTED;
  n->told = true;
  n->program = s->program;
  n->listener = s->ino;
  n->info = s->info;
  n->sndbuf = s->sndbuf;
  n->rcvbuf = s->rcvbuf;
  return n;
}

static struct lab_socket *take(struct lab_socket *s, int *program_fd, int *error)
{
  struct lab_socket *r = s->returned;
  if (r == NULL) return take_fresh(s, program_fd, error);
  s->returned = r->returned_next;
  r->returned_next = NULL;
  *program_fd = r->program_fd;
  r->program_fd = -1;
  return r;
}

/* Hands one to a request. False: none waits (or it failed, with *error set to something other than EAGAIN). */
static bool deliver(struct lab_socket *s, struct lab_client *client, uint64_t id, int pid, int *error)
{
  int program_fd;
  struct lab_socket *n = take(s, &program_fd, error);
  if (n == NULL) return false;
  n->pid = pid;
  uint8_t peer[LAB_SOCKADDR];
  struct yeon_addr remote;
  yeon_tcp_remote(n->tcp, &remote);
  struct lab_message reply = {.kind = LAB_ACCEPT, .id = id, .ino = n->ino};
  reply.len = (uint32_t)lab_sockaddr_emit(lab_socket_domain(n), &remote, peer);
  reply.arg[0] = surplus(s);
  lab_answer(client, &reply, peer, program_fd);
  close(program_fd);
  lab_socket_ready(n);
  return true;
}

void stream_accept(struct lab_socket *s, struct lab_client *client, const struct lab_message *m)
{
  int error = EINVAL;
  if (s->state == LAB_LISTENING && deliver(s, client, m->id, m->arg[0], &error)) return;
  if (error == EAGAIN && !(m->flags & LAB_NONBLOCK)) {
    if (lab_socket_wait(s, client, m)) return;
    error = ENOBUFS;
  }
  struct lab_message reply = {.kind = LAB_ACCEPT, .id = m->id, .ino = m->ino, .result = -error};
  if (error == EAGAIN) reply.arg[0] = surplus(s);
  lab_answer(client, &reply, NULL, -1);
}

void stream_return(struct lab_socket *s, int fd)
{
  struct lab_socket *listener = s->listener != 0 ? lab_socket_find(s->lab, s->listener) : NULL;
  if (listener == NULL || listener->state != LAB_LISTENING || s->state != LAB_CONNECTED) {
    close(fd); /* nobody has it: it hangs up, and the peer is told */
    return;
  }
  s->program_fd = fd;
  s->returned_next = listener->returned;
  listener->returned = s;
  lab_socket_ready(listener);
}

static void serve_waiters(struct lab_socket *s)
{
  int error = 0;
  while (s->waits != NULL && waiting(s) > 0) {
    struct lab_wait *w = lab_socket_waiter(s, LAB_ACCEPT);
    if (w == NULL) return;
    if (!deliver(s, w->client, w->id, w->pid, &error)) {
      struct lab_message reply = {.kind = LAB_ACCEPT, .id = w->id, .ino = s->ino, .result = -error};
      lab_answer(w->client, &reply, NULL, -1);
    }
    free(w);
  }
}

void stream_accept_turn(struct lab_socket *s)
{
  if (s->hung_up) {
    stream_close(s);
    return;
  }
  serve_waiters(s);
  uint32_t n = waiting(s);
  while (s->knocks < n && s->can_write) {
    if (send(s->fd, "k", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1) s->knocks++;
    else s->can_write = false;
  }
}
