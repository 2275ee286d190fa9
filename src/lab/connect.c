/* connect of TCP sockets.
 *
 * A program that waits is answered when the handshake is over. One that does not (O_NONBLOCK) gets EINPROGRESS and will poll its descriptor for
 * writing, so the descriptor must not be writable yet: the supervisor fills the pair from the program's side and tells us with how many
 * bytes; when the connection stands we read exactly so many and the descriptor becomes writable, an edge for epoll too. If it fails, we close our
 * end with the filling unread, which the program sees as POLLERR and POLLHUP (fail.c). */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lab/sockets.h"

#define USUAL_SNDBUF 106496 /* bytes, doubled by the kernel: net.core.wmem_default of most */

int stream_open(struct lab_socket *s)
{
  struct yeon_host *host = s->lab->hosts[s->host].host;
  int rc = yeon_tcp_open(host, &s->tcp);
  if (rc != 0) return yeon_error_errno(rc);
  yeon_tcp_set_user(s->tcp, s);
  return 0;
}

static int disconnect(struct lab_socket *s)
{
  if (s->state == LAB_LISTENING || s->tcp == NULL) return EINVAL;
  yeon_tcp_abort(s->tcp, lab_now());
  s->tcp = NULL;
  s->state = LAB_NEW;
  s->told = s->by_data = false;
  return stream_open(s);
}

/* Nobody has it, and it is not this host's own. */
static bool is_deserted(const struct lab_socket *s, const struct yeon_ip *ip)
{
  static const struct yeon_ip loopback = {.b = {[15] = 1}};
  bool own = (yeon_ip_is4(ip) && ip->b[12] == 127) || yeon_ip_equal(ip, &loopback);
  return !own && lab_host_of(s->lab, ip) < 0;
}

static bool is_unspec(const struct lab_letter *letter)
{
  sa_family_t family;
  if (letter->head.len < sizeof family) return false;
  memcpy(&family, letter->payload, sizeof family);
  return family == AF_UNSPEC;
}

/* The pair is used again, empty, so none of its ends may be shut. */
static int reconnectable(struct lab_socket *s)
{
  if (s->state != LAB_CONNECTED || s->eof_written || s->ending || s->deaf) return EINVAL;
  while (recv(s->fd, s->lab->scratch, LAB_SCRATCH, MSG_DONTWAIT) > 0) {
  }
  free(s->left);
  s->left = NULL;
  return 0;
}

static int begin(struct lab_socket *s, const struct lab_letter *letter)
{
  struct yeon_addr to;
  if (is_unspec(letter)) return disconnect(s);
  int error = lab_sockaddr_parse(lab_socket_domain(s), letter->payload, letter->head.len, &to);
  if (error != 0) return error;
  lab_sockaddr_here(&to);
  if (to.port == 0) return ECONNREFUSED; /* nobody can listen there, and Linux finds out from the other side */
  bool asked = (letter->head.flags & LAB_FASTOPEN) != 0, fast = asked || s->fastopen;
  if (asked && !lab_fastopen_can(s)) return EOPNOTSUPP;
  if (fast && !is_deserted(s, &to.ip) && stream_waits_to_open(s, &to)) return 0;
  int rc = fast ? (int)yeon_tcp_connect_send(s->tcp, &to, NULL, 0, lab_now()) : yeon_tcp_connect(s->tcp, &to, lab_now());
  if (rc == YEON_ERR_NO_ROUTE) return ENETUNREACH;
  if (rc != 0) return yeon_error_errno(rc);
  if (is_deserted(s, &to.ip)) {
    error = disconnect(s);
    return error != 0 ? error : EHOSTUNREACH;
  }
  s->state = LAB_CONNECTING;
  s->told = false;
  return EINPROGRESS;
}

/* What a call gives while the socket is past its first connect; EINPROGRESS: go on waiting. */
static int again(struct lab_socket *s)
{
  bool lost = s->lost == LAB_CONNECT;
  s->lost = 0;
  switch ((enum lab_state)s->state) {
  case LAB_OPENING: return lost ? 0 : EISCONN;
  case LAB_CONNECTING: return lost ? EINPROGRESS : EALREADY;
  case LAB_CONNECTED:
    if (s->told && !lost) return EISCONN;
    s->told = true;
    return 0;
  case LAB_LISTENING: return EISCONN;
  default: {
    int error = s->error != 0 ? s->error : ECONNABORTED;
    s->error = 0;
    return error;
  }
  }
}

void stream_connect(struct lab_socket *s, struct lab_client *client, const struct lab_letter *letter)
{
  bool nonblock = (letter->head.flags & LAB_NONBLOCK) != 0;
  bool anew = s->state == LAB_NEW || (is_unspec(letter) && reconnectable(s) == 0);
  int error = anew ? begin(s, letter) : again(s);
  struct lab_message reply = letter->head;
  reply.len = 0;
  reply.flags = 0;
  reply.result = -error;
  if (error == EINPROGRESS && nonblock) {
    reply.flags = LAB_FILL;
    s->filling = true;
  } else if ((error == EINPROGRESS || error == EALREADY) && !nonblock) {
    if (lab_socket_wait(s, client, &letter->head)) return;
    reply.result = -ENOBUFS;
  }
  lab_answer(client, &reply, NULL, -1);
}

void stream_filled(struct lab_socket *s, uint32_t bytes)
{
  if (!s->filling) return;
  s->filling = false;
  s->filled += bytes;
  lab_socket_ready(s);
}

static void answer_waiters(struct lab_socket *s, int result)
{
  struct lab_wait *w;
  while ((w = lab_socket_waiter(s, LAB_CONNECT)) != NULL) {
    struct lab_message reply = {.kind = LAB_CONNECT, .id = w->id, .ino = s->ino, .result = result};
    lab_answer(w->client, &reply, NULL, -1);
    free(w);
    s->told = true;
  }
}

void lab_socket_widen(const struct lab_socket *s, int sndbuf)
{
  const struct lab_program *p = &s->lab->programs[s->program];
  struct lab_message m = {.kind = LAB_WIDEN, .ino = s->ino, .arg = {sndbuf}};
  if (p->client != NULL && !p->client->gone) (void)lab_message_send(p->client->fd, &m, NULL, -1);
}

static void drain(struct lab_socket *s)
{
  if (s->filled > 0) lab_socket_widen(s, s->sndbuf > 0 ? lab_pair_sndbuf(s) : USUAL_SNDBUF); /* it was made small to be filled cheaply */
  while (s->filled > 0) {
    ssize_t n = recv(s->fd, s->lab->scratch, s->filled < LAB_SCRATCH ? s->filled : LAB_SCRATCH, MSG_DONTWAIT);
    if (n <= 0) break;
    s->filled -= (uint32_t)n;
  }
  s->filled = 0;
}

static void succeed(struct lab_socket *s)
{
  s->state = LAB_CONNECTED;
  answer_waiters(s, 0);
  drain(s);
  s->can_read = true;
  lab_socket_ready(s);
}

static void refuse(struct lab_socket *s, int error)
{
  s->cause = error;
  if (s->waits == NULL) {
    stream_fail(s, error);
    return;
  }
  /* who waited knows; the socket may be used again */
  answer_waiters(s, -error);
  s->told = false;
  yeon_tcp_close(s->tcp, lab_now());
  s->tcp = NULL;
  s->state = LAB_NEW;
  int failed = stream_open(s);
  if (failed != 0) stream_fail(s, failed);
}

void stream_connect_turn(struct lab_socket *s)
{
  if (s->hung_up && !s->by_data) {
    stream_close(s);
    return;
  }
  if (s->filling) return;
  enum yeon_tcp_state state = yeon_tcp_state(s->tcp);
  if (state == YEON_TCP_SYN_SENT || state == YEON_TCP_SYN_RECEIVED) return;
  if (state == YEON_TCP_CLOSED) {
    int rc = yeon_tcp_take_error(s->tcp);
    refuse(s, rc != 0 ? yeon_error_errno(rc) : ECONNABORTED);
  } else {
    succeed(s);
  }
}
