/* TCP Fast Open as the systems' calls have it. Linux: sendto and its like with MSG_FASTOPEN connect and send; with TCP_FASTOPEN_CONNECT a connect to a
 * server whose cookie is at hand is put off until the first write. What they take at once is what goes with the SYN. FreeBSD: sendto on a socket with
 * TCP_FASTOPEN connects, and takes what the send buffer does. */
#include <string.h>

#include "drill/run.h"

/* Writing to an endpoint that is to connect by it, or is doing so on behalf of this call. */
bool fastopen_concerns(const struct drill_op *op, const struct drill_fd *fd, bool asked, bool addressed)
{
  if (fd->tcp == NULL || op->opening == DRILL_OPENED) return false;
  if (op->opening == DRILL_OPENING || asked || fd->deferred) return true;
  return fd->fastopen_client && addressed && !fd->connected && !fd->connecting;
}

static enum drill_progress begin(struct drill_run *r, struct drill_op *op, struct drill_fd *fd, const struct drill_opening *o)
{
  yeon_time now = world_host_time(r);
  const struct yeon_addr remote = fd->deferred ? fd->peer : *o->to;
  int room = yeon_tcp_fastopen_room(fd->tcp, &remote, now);
  if (room < 0) return call_error(r, op, room);
  int64_t most = r->freebsd ? o->len : room;
  int64_t sent = yeon_tcp_connect_send(fd->tcp, &remote, o->bytes, (size_t)(o->len < most ? o->len : most), now);
  if (sent < 0) return call_error(r, op, (int)sent);
  fd->written += sent;
  fd->connecting = true;
  fd->deferred = false;
  fd->peer = remote;
  flow_connect(r, fd, &remote);
  r->current = fd->number;
  op->so_far = sent;
  if (r->freebsd) return sent == o->len || !o->waits ? call_done(op, sent) : DRILL_WAIT;
  if (!o->waits && sent > 0) error_queue_sent(r, fd, o->zerocopy);
  if (!o->waits) return sent > 0 ? call_done(op, sent) : call_errno(r, op, "EINPROGRESS");
  op->opening = DRILL_OPENING;
  return DRILL_WAIT;
}

enum drill_progress fastopen_send(struct drill_run *r, struct drill_op *op, struct drill_fd *fd, const struct drill_opening *o)
{
  enum yeon_tcp_state state = yeon_tcp_state(fd->tcp);
  if (op->opening == DRILL_NOT_OPENING) {
    if ((r->options.fastopen & YEON_FASTOPEN_CLIENT) == 0 || o->unspecified) return call_errno(r, op, "EOPNOTSUPP");
    if (fd->listening || (state >= YEON_TCP_ESTABLISHED && fd->connect_told)) return call_errno(r, op, "EISCONN");
    if (state >= YEON_TCP_ESTABLISHED) { /* an ordinary write, once it is known to stand */
      fd->connected = fd->connect_told = true;
      op->opening = DRILL_OPENED;
      return DRILL_WAIT;
    }
    if (state != YEON_TCP_CLOSED) return call_errno(r, op, "EALREADY");
    if (fd->connecting) return call_errno(r, op, "EPIPE");
    if (o->bytes == NULL && o->len > 0) return call_errno(r, op, "EFAULT");
    return begin(r, op, fd, o);
  }
  if (state == YEON_TCP_SYN_SENT || state == YEON_TCP_SYN_RECEIVED) return DRILL_WAIT;
  op->opening = DRILL_OPENED;
  fd->connect_told = true;
  fd->connecting = false;
  if (state != YEON_TCP_CLOSED) {
    fd->connected = true;
    if (op->so_far < o->len) return DRILL_WAIT;
    error_queue_sent(r, fd, o->zerocopy);
    return call_done(op, op->so_far);
  }
  int error = yeon_tcp_take_error(fd->tcp);
  fd->dead = true;
  return call_error(r, op, error != 0 ? error : YEON_ERR_ABORTED);
}

enum drill_progress fastopen_connect(struct drill_run *r, struct drill_op *op, struct drill_fd *fd, const struct yeon_addr *remote)
{
  yeon_time now = world_host_time(r);
  int room = yeon_tcp_fastopen_room(fd->tcp, remote, now);
  if (room > 0) {
    fd->deferred = true;
    fd->peer = *remote;
    return call_done(op, 0);
  }
  int64_t error = yeon_tcp_connect_send(fd->tcp, remote, NULL, 0, now); /* asks for a cookie */
  if (error < 0) return call_error(r, op, (int)error);
  return DRILL_WAIT;
}

static enum drill_progress set_key(struct drill_run *r, struct drill_op *op, struct drill_fd *fd)
{
  const struct drill_value *v = value_arg(op, 3);
  int64_t len = value_arg_number(r, op, 4);
  if (v->kind != DRILL_STRING || (len != 16 && len != 32) || v->len < (size_t)len) return call_errno(r, op, "EINVAL");
  const uint8_t *key = (const uint8_t *)v->text;
  int error = yeon_tcp_fastopen_key(fd->tcp, key, len == 32 ? key + 16 : NULL);
  return error != 0 ? call_error(r, op, error) : call_done(op, 0);
}

enum drill_progress fastopen_option(struct drill_run *r, struct drill_op *op, struct drill_fd *fd, const char *name, int64_t n)
{
  bool closed = fd->tcp != NULL && yeon_tcp_state(fd->tcp) == YEON_TCP_CLOSED && !fd->deferred;
  if (fd->tcp == NULL) return call_errno(r, op, "ENOPROTOOPT");
  if (strcmp(name, "TCP_FASTOPEN_KEY") == 0) return set_key(r, op, fd);
  if (strcmp(name, "TCP_FASTOPEN_CONNECT") == 0) {
    if (n < 0 || n > 1) return call_errno(r, op, "EINVAL");
    if ((r->options.fastopen & YEON_FASTOPEN_CLIENT) == 0) return call_errno(r, op, "EOPNOTSUPP");
    if (!closed) return call_errno(r, op, "EINVAL");
    fd->fastopen_connect = n != 0;
    return call_done(op, 0);
  }
  if (!closed && !fd->listening) return call_errno(r, op, "EINVAL");
  if (strcmp(name, "TCP_FASTOPEN_NO_COOKIE") == 0) {
    int error = yeon_tcp_set(fd->tcp, YEON_TCP_FASTOPEN_NO_COOKIE, n, world_host_time(r));
    return error != 0 ? call_error(r, op, error) : call_done(op, 0);
  }
  /* FreeBSD has an on and off of it, and takes half the backlog of a listener for its limit. */
  if (r->freebsd) {
    fd->fastopen_client = n != 0;
    if (n != 0) n = 64;
  }
  int error = yeon_tcp_set(fd->tcp, YEON_TCP_FASTOPEN, n > 4096 ? 4096 : n, world_host_time(r));
  return error != 0 ? call_error(r, op, error) : call_done(op, 0);
}

int64_t fastopen_get(const struct drill_run *r, const struct drill_fd *fd, const char *name)
{
  int64_t n = 0;
  if (strcmp(name, "TCP_FASTOPEN_CONNECT") == 0) return fd->fastopen_connect;
  if (fd->tcp == NULL) return 0;
  yeon_tcp_get(fd->tcp, strcmp(name, "TCP_FASTOPEN_NO_COOKIE") == 0 ? YEON_TCP_FASTOPEN_NO_COOKIE : YEON_TCP_FASTOPEN, &n);
  return r->freebsd ? n != 0 || fd->fastopen_client : n;
}
