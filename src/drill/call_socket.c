/* Sockets' lives: socket, bind, listen, accept, connect, shutdown, close. */
#include <string.h>

#include "drill/run.h"

static int64_t expected_number(struct drill_run *r, const struct drill_op *op)
{
  int64_t n = -1;
  if (op->call->result->kind == DRILL_ELLIPSIS || !value_number(r, op->call->result, &n) || n < 0) n = fd_lowest(r);
  return n;
}

static int64_t expected_fd(struct drill_run *r, const struct drill_op *op)
{
  int64_t n = expected_number(r, op);
  return fd_find(r, n) != NULL ? fd_lowest(r) : n; /* a wrong number is then told as such */
}

static struct drill_fd *new_socket(struct drill_run *r, struct drill_op *op, enum drill_fd_kind kind, int64_t flags)
{
  int64_t nonblock = 0;
  int error;
  struct drill_fd *fd = fd_new(r, expected_fd(r, op), kind);
  if (fd == NULL) return NULL;
  symbol_value(r, "SOCK_NONBLOCK", &nonblock);
  fd->nonblock = (flags & nonblock) != 0;
  fd->v6 = r->version == YEON_DRILL_IPV6;
  if (kind == DRILL_FD_TCP) {
    error = yeon_tcp_open(r->host, &fd->tcp);
    if (error == 0) yeon_tcp_set_user(fd->tcp, fd);
  } else {
    error = yeon_udp_open(r->host, &fd->udp);
    if (error == 0) yeon_udp_set_user(fd->udp, fd);
  }
  if (error != 0) {
    call_error(r, op, error);
    fd_free(r, fd);
    return NULL;
  }
  return fd;
}

enum drill_progress do_socket(struct drill_run *r, struct drill_op *op)
{
  int64_t type = value_arg_number(r, op, 1), protocol = value_arg_number(r, op, 2), kind = type & 15;
  if (kind == 1 && (protocol == 6 || protocol == 0)) {
    struct drill_fd *fd = new_socket(r, op, DRILL_FD_TCP, type);
    if (fd == NULL) return DRILL_DONE;
    r->current = fd->number;
    return call_done(op, fd->number);
  }
  if (kind == 2 && (protocol == 17 || protocol == 0)) {
    struct drill_fd *fd = new_socket(r, op, DRILL_FD_UDP, type);
    return fd == NULL ? DRILL_DONE : call_done(op, fd->number);
  }
  if (protocol == 132) drill_needs(r, "SCTP");
  if (protocol == 136) drill_needs(r, "UDP-Lite");
  if (kind == 3 || protocol == 1 || protocol == 58) drill_needs(r, "raw and ICMP sockets");
  return call_errno(r, op, "EPROTONOSUPPORT");
}

enum drill_progress do_bind(struct drill_run *r, struct drill_op *op)
{
  struct drill_fd *fd = fd_arg(r, op);
  struct yeon_addr local = {.ip = r->local, .port = r->bind_port};
  if (fd == NULL) return DRILL_DONE;
  value_address(r, value_arg(op, 1), &local);
  int error = fd->udp != NULL   ? yeon_udp_bind(fd->udp, &local)
              : fd->tcp != NULL ? yeon_tcp_bind(fd->tcp, &local, world_host_time(r))
                                : YEON_ERR_INVALID;
  if (error != 0) return call_error(r, op, error);
  fd->bound = true;
  r->listen_port = local.port;
  if (fd->udp != NULL) r->flow = NULL; /* whoever sends first is the other end */
  return call_done(op, 0);
}

enum drill_progress do_listen(struct drill_run *r, struct drill_op *op)
{
  struct drill_fd *fd = fd_arg(r, op);
  struct yeon_addr local;
  if (fd == NULL) return DRILL_DONE;
  if (fd->tcp == NULL) return call_errno(r, op, "EOPNOTSUPP");
  int64_t backlog = value_arg_number(r, op, 1);
  /* Both systems let one more wait than was asked for. */
  int error =
      yeon_tcp_listen(fd->tcp, backlog < 0 || backlog > 4095 ? 4096 : (unsigned)backlog + 1, world_host_time(r));
  if (error != 0) return call_error(r, op, error);
  yeon_tcp_local(fd->tcp, &local);
  fd->listening = true;
  r->listen_port = local.port;
  r->awaiting_syn = true;
  r->connecting = false;
  r->current = fd->number;
  return call_done(op, 0);
}

static bool address_differs(struct drill_run *r, const struct drill_value *v, const struct yeon_addr *got)
{
  struct yeon_addr want = *got;
  char a[64], b[64];
  if (!value_address(r, v, &want)) return false;
  if (want.port == got->port && yeon_ip_equal(&want.ip, &got->ip)) return false;
  drill_differ(r, "another address", yeon_addr_format(&want, a, sizeof a), yeon_addr_format(got, b, sizeof b));
  return true;
}

static struct drill_fd *accepted(struct drill_run *r, struct drill_op *op, struct drill_fd *listener,
                                 struct yeon_tcp *tcp)
{
  int64_t number = expected_number(r, op);
  fd_displace(r, number);
  struct drill_fd *fd = fd_new(r, number, DRILL_FD_TCP);
  if (fd == NULL) return NULL;
  fd->tcp = tcp;
  fd->connected = fd->bound = fd->connect_told = true;
  fd->v6 = listener->v6;
  fd->sndbuf_set = listener->sndbuf_set;
  fd->rcvbuf_set = listener->rcvbuf_set;
  fd->linger_on = listener->linger_on;
  fd->linger_s = listener->linger_s;
  fd->user_timeout_ms = listener->user_timeout_ms;
  fd->inq = listener->inq;
  fd->zerocopy = listener->zerocopy;
  fd->timestamping = listener->timestamping;
  fd->nonblock = r->freebsd && listener->nonblock;
  yeon_tcp_remote(tcp, &fd->peer);
  struct yeon_addr local;
  yeon_tcp_local(tcp, &local);
  fd->udp_port = tunnel_port(r, &local, &fd->peer);
  yeon_tcp_set_user(tcp, fd);
  r->current = fd->number;
  return fd;
}

enum drill_progress do_accept(struct drill_run *r, struct drill_op *op)
{
  struct drill_fd *fd = fd_arg(r, op);
  struct yeon_tcp *tcp;
  int64_t nonblock = 0;
  if (fd == NULL) return DRILL_DONE;
  if (fd->tcp == NULL) return call_errno(r, op, "EOPNOTSUPP");
  int error = yeon_tcp_accept(fd->tcp, &tcp, world_host_time(r));
  if (error == YEON_ERR_AGAIN && !fd->nonblock) return DRILL_WAIT;
  if (error != 0) return call_error(r, op, error);
  struct drill_fd *child = accepted(r, op, fd, tcp);
  if (child == NULL) return DRILL_DONE;
  if (op->call->n_args > 3 && symbol_value(r, "SOCK_NONBLOCK", &nonblock) &&
      (value_arg_number(r, op, 3) & nonblock) != 0)
    child->nonblock = true;
  address_differs(r, value_arg(op, 1), &child->peer);
  return call_done(op, child->number);
}

/* How a connect that has begun stands. */
static enum drill_progress connect_goes_on(struct drill_run *r, struct drill_op *op, struct drill_fd *fd)
{
  enum yeon_tcp_state state = yeon_tcp_state(fd->tcp);
  if (state == YEON_TCP_SYN_SENT || state == YEON_TCP_SYN_RECEIVED) return DRILL_WAIT;
  fd->connecting = false;
  fd->connect_told = true;
  if (state != YEON_TCP_CLOSED) {
    fd->connected = true;
    return call_done(op, 0);
  }
  int error = yeon_tcp_take_error(fd->tcp);
  fd->dead = true;
  return call_error(r, op, error != 0 ? error : YEON_ERR_ABORTED);
}

static enum drill_progress connect_again(struct drill_run *r, struct drill_op *op, struct drill_fd *fd)
{
  enum yeon_tcp_state state = yeon_tcp_state(fd->tcp);
  if (state == YEON_TCP_SYN_SENT || state == YEON_TCP_SYN_RECEIVED) return call_errno(r, op, "EALREADY");
  if (state != YEON_TCP_CLOSED && fd->connect_told) return call_errno(r, op, "EISCONN");
  return connect_goes_on(r, op, fd);
}

static enum drill_progress connect_udp(struct drill_run *r, struct drill_op *op, struct drill_fd *fd,
                                       const struct yeon_addr *remote)
{
  int error = yeon_udp_connect(fd->udp, remote);
  if (error != 0) return call_error(r, op, error);
  fd->connected = true;
  fd->peer = *remote;
  flow_connect(r, fd, remote);
  return call_done(op, 0);
}

/* connect(AF_UNSPEC): the connection is aborted, and the descriptor's endpoint a fresh one. */
static enum drill_progress disconnect(struct drill_run *r, struct drill_op *op, struct drill_fd *fd)
{
  if (fd->tcp == NULL) {
    drill_needs(r, "connect to AF_UNSPEC on what is no TCP socket");
    return DRILL_DONE;
  }
  yeon_tcp_abort(fd->tcp, world_host_time(r));
  fd->tcp = NULL;
  int error = yeon_tcp_open(r->host, &fd->tcp);
  if (error != 0) return call_error(r, op, error);
  yeon_tcp_set_user(fd->tcp, fd);
  fd->connecting = fd->connected = fd->connect_told = fd->listening = fd->bound = fd->shut_rd = fd->shut_wr = false;
  fd->error = 0;
  return call_done(op, 0);
}

enum drill_progress do_connect(struct drill_run *r, struct drill_op *op)
{
  struct drill_fd *fd = fd_arg(r, op);
  struct yeon_addr remote = {.ip = r->remote, .port = r->connect_port};
  if (fd == NULL) return DRILL_DONE;
  value_address(r, value_arg(op, 1), &remote);
  const struct drill_value *family = value_member(value_arg(op, 1), "sa_family");
  if (value_is_word(family, "AF_UNSPEC") || value_is_word(value_arg(op, 1), "AF_UNSPEC")) {
    return disconnect(r, op, fd);
  }
  if (fd->udp != NULL) return connect_udp(r, op, fd, &remote);
  if (fd->tcp == NULL) return call_errno(r, op, "ENOTSOCK");
  if (op->waited) return connect_goes_on(r, op, fd);
  if (fd->listening) return call_errno(r, op, r->freebsd ? "EOPNOTSUPP" : "EISCONN");
  if (fd->deferred) return call_errno(r, op, "EISCONN");
  if (fd->connecting || fd->connected) return connect_again(r, op, fd);
  if (fd->fastopen_connect) {
    if (fastopen_connect(r, op, fd, &remote) == DRILL_DONE) return DRILL_DONE;
  } else {
    int error = yeon_tcp_connect(fd->tcp, &remote, world_host_time(r));
    if (error != 0) return call_error(r, op, error);
  }
  fd->connecting = true;
  fd->peer = remote;
  flow_connect(r, fd, &remote);
  if (fd->udp_port != 0) {
    struct yeon_addr local;
    yeon_tcp_local(fd->tcp, &local);
    tunnel_use(r, &local, &remote, fd->udp_port);
  }
  r->current = fd->number;
  return fd->nonblock ? call_errno(r, op, "EINPROGRESS") : DRILL_WAIT;
}

enum drill_progress do_shutdown(struct drill_run *r, struct drill_op *op)
{
  static const unsigned ways[] = {YEON_SHUT_RD, YEON_SHUT_WR, YEON_SHUT_RD | YEON_SHUT_WR};
  struct drill_fd *fd = fd_arg(r, op);
  int64_t how = value_arg_number(r, op, 1);
  if (fd == NULL) return DRILL_DONE;
  if (how < 0 || how > 2) return call_errno(r, op, "EINVAL");
  if (fd->tcp == NULL) return fd->connected ? call_done(op, 0) : call_errno(r, op, "ENOTCONN");
  int error = yeon_tcp_shutdown(fd->tcp, ways[how], world_host_time(r));
  if (error != 0) return call_error(r, op, error);
  fd->shut_rd |= how != 1;
  fd->shut_wr |= how != 0;
  return call_done(op, 0);
}

/* A socket that lingers: close waits until all is acknowledged, or the time is over. */
static enum drill_progress close_lingering(struct drill_run *r, struct drill_op *op, struct drill_fd *fd)
{
  struct yeon_tcp_info info;
  if (!op->waited) {
    yeon_tcp_shutdown(fd->tcp, YEON_SHUT_WR, world_host_time(r));
    op->give_up_at = r->now + fd->linger_s * YEON_SEC;
  }
  yeon_tcp_info(fd->tcp, &info);
  bool pending = info.state == YEON_TCP_FIN_WAIT_1 || info.state == YEON_TCP_CLOSING || info.state == YEON_TCP_LAST_ACK;
  if (pending && r->now < op->give_up_at && !fd->nonblock) return DRILL_WAIT;
  yeon_tcp_close(fd->tcp, world_host_time(r));
  fd_free(r, fd);
  return call_done(op, 0);
}

static void forget_watches(struct drill_run *r, int number)
{
  for (unsigned i = 0; i < DRILL_FDS; i++)
    for (struct drill_watch **w = &r->fds[i].watches; *w != NULL;)
      if ((*w)->fd == number)
        *w = (*w)->next;
      else
        w = &(*w)->next;
}

enum drill_progress do_close(struct drill_run *r, struct drill_op *op)
{
  struct drill_fd *fd = fd_arg(r, op);
  if (fd == NULL) return DRILL_DONE;
  forget_watches(r, fd->number);
  bool linger = fd->tcp != NULL && fd->linger_on && fd->linger_s > 0 && !fd->listening;
  enum yeon_tcp_state state = fd->tcp != NULL ? yeon_tcp_state(fd->tcp) : YEON_TCP_CLOSED;
  if (linger && state >= YEON_TCP_ESTABLISHED) return close_lingering(r, op, fd);
  if (fd->tcp != NULL) {
    if (fd->listening && r->listen_port != 0 && r->awaiting_syn) r->flow = NULL;
    yeon_tcp_close(fd->tcp, world_host_time(r));
  }
  if (fd->udp != NULL) yeon_udp_close(fd->udp);
  fd_free(r, fd);
  return call_done(op, 0);
}

static enum drill_progress address_call(struct drill_run *r, struct drill_op *op, bool peer)
{
  struct drill_fd *fd = fd_arg(r, op);
  struct yeon_addr got = {.port = 0};
  if (fd == NULL) return DRILL_DONE;
  if (peer && !fd->connected) return call_errno(r, op, "ENOTCONN");
  if (peer)
    got = fd->peer;
  else if (fd->tcp != NULL)
    yeon_tcp_local(fd->tcp, &got);
  else if (fd->udp != NULL)
    yeon_udp_local(fd->udp, &got);
  address_differs(r, value_arg(op, 1), &got);
  return call_done(op, 0);
}

enum drill_progress do_getsockname(struct drill_run *r, struct drill_op *op) { return address_call(r, op, false); }

enum drill_progress do_getpeername(struct drill_run *r, struct drill_op *op) { return address_call(r, op, true); }
