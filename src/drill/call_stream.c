/* Reading and writing, in all the ways there are. What is written is zero bytes, unless the script spells them out;
 * what is read is compared with what the script spells out. */
#include <stdlib.h>
#include <string.h>

#include "drill/run.h"

#define PIECE 65536

/* A transfer as its caller sees it, whichever call it was. */
struct transfer {
  struct drill_fd *fd;
  int64_t len;
  int64_t flags;
  const struct drill_value *data; /* STRING: the bytes; NULL value: EFAULT */
  unsigned frags; /* given without copying: elements of the vector, their lengths; 0: otherwise */
  const int64_t *frag;
  bool ends_record;
  bool has_to;
  bool addressed; /* an address was given, whether it is used or not */
  bool unspecified;
  struct yeon_addr to;
};

static bool flag(struct drill_run *r, int64_t flags, const char *name)
{
  int64_t bit;
  return symbol_value(r, name, &bit) && (flags & bit) != 0;
}

static bool waits(struct drill_run *r, const struct transfer *t)
{
  return !t->fd->nonblock && !flag(r, t->flags, "MSG_DONTWAIT");
}

/* Sending */

#define FRAGS_MOST 17 /* pieces of memory that one of Linux's buffers refers to */

/* How many bytes from there on are in the pieces of memory that one buffer takes, each an element of the vector. */
static int64_t frags_left(const struct transfer *t, int64_t from)
{
  int64_t at = 0;
  for (unsigned i = 0; i < t->frags; i++) {
    at += t->frag[i];
    if (at > from && ((i + 1) % FRAGS_MOST == 0 || i + 1 == t->frags)) return at - from;
  }
  return t->len - from;
}

static int64_t tcp_send_some(struct drill_run *r, struct transfer *t, int64_t from, unsigned flags)
{
  static const uint8_t zeros[PIECE];
  const uint8_t *bytes = zeros;
  int64_t left = t->len - from;
  size_t n = left < PIECE ? (size_t)left : PIECE;
  if (!r->freebsd && yeon_tcp_state(t->fd->tcp) >= YEON_TCP_ESTABLISHED) {
    int64_t room = linux_send_room(r, t->fd, left);
    if (room == 0) return YEON_ERR_AGAIN;
    if ((int64_t)n > room) n = (size_t)room;
  }
  bool spelled = t->data != NULL && t->data->kind == DRILL_STRING;
  if (spelled && from < (int64_t)t->data->len) {
    bytes = (const uint8_t *)t->data->text + from;
    if (n > t->data->len - (size_t)from) n = t->data->len - (size_t)from;
  }
  if (t->frags > 0 && (int64_t)n >= frags_left(t, from)) { /* it takes no more pieces of memory */
    n = (size_t)frags_left(t, from);
    if ((int64_t)n < left) flags |= YEON_SEND_RECORD;
  } else if ((int64_t)n < left && (r->freebsd || !linux_push_forced(t->fd, (int64_t)n))) {
    flags |= YEON_SEND_MORE; /* pieces of one write */
  }
  if (t->ends_record && (int64_t)n == left) flags |= YEON_SEND_RECORD;
  int64_t sent = yeon_tcp_send(t->fd->tcp, bytes, n, flags, world_host_time(r));
  if (sent > 0) t->fd->written += sent;
  if (sent > 0 && (flags & YEON_SEND_RECORD) != 0) t->fd->chunk_at = t->fd->written;
  if (sent > 0 && (flags & YEON_SEND_MORE) == 0) t->fd->pushed = t->fd->written;
  if (sent > 0 && !r->freebsd) world_pump(r); /* each piece is pushed as it is full */
  return sent;
}

static enum drill_progress send_failed(struct drill_run *r, struct drill_op *op, const struct transfer *t, int error)
{
  if (op->so_far > 0) {
    error_queue_sent(r, t->fd, flag(r, t->flags, "MSG_ZEROCOPY"));
    return call_done(op, op->so_far);
  }
  return call_error(r, op, error);
}

/* What was written before room ran out is pushed, though the write has more. */
static void push_what_is_there(struct drill_run *r, struct drill_fd *fd)
{
  yeon_tcp_send(fd->tcp, "", 0, 0, world_host_time(r));
  fd->pushed = fd->written;
  world_pump(r);
}

static enum drill_progress tcp_send(struct drill_run *r, struct drill_op *op, struct transfer *t)
{
  unsigned flags = 0;
  if (t->fd->listening) return call_errno(r, op, r->freebsd ? "ENOTCONN" : "EPIPE");
  if (flag(r, t->flags, "MSG_OOB")) flags |= YEON_SEND_URGENT;
  if (flag(r, t->flags, "MSG_MORE")) flags |= YEON_SEND_MORE;
  if (!r->freebsd && op->rolling && !linux_send_ready(r, t->fd) && !t->fd->shut_wr) return DRILL_WAIT;
  while (op->so_far < t->len) {
    int64_t n = tcp_send_some(r, t, op->so_far, flags);
    if (n == YEON_ERR_AGAIN && op->so_far > 0 && !r->freebsd) push_what_is_there(r, t->fd);
    if (n == YEON_ERR_AGAIN && waits(r, t)) {
      op->rolling = true;
      return DRILL_WAIT;
    }
    if (n == YEON_ERR_NOT_CONNECTED && !r->freebsd) n = YEON_ERR_PIPE;
    if (n < 0) return send_failed(r, op, t, (int)n);
    op->so_far += n;
  }
  if (t->len == 0) {
    int64_t n = yeon_tcp_send(t->fd->tcp, "", 0, flags | YEON_SEND_MORE, world_host_time(r));
    if (n < 0 && n != YEON_ERR_AGAIN) return call_error(r, op, (int)n);
  }
  error_queue_sent(r, t->fd, flag(r, t->flags, "MSG_ZEROCOPY"));
  return call_done(op, op->so_far);
}

static enum drill_progress udp_send(struct drill_run *r, struct drill_op *op, struct transfer *t)
{
  static const uint8_t zeros[PIECE];
  const void *bytes = t->data != NULL && t->data->kind == DRILL_STRING ? (const void *)t->data->text : zeros;
  if (t->len > 65535) return call_errno(r, op, "EMSGSIZE");
  if (t->has_to) {
    flow_connect(r, t->fd, &t->to);
    t->fd->peer = t->to;
  }
  int64_t n = yeon_udp_send(t->fd->udp, bytes, (size_t)t->len, t->has_to ? &t->to : NULL, world_host_time(r));
  if (n == YEON_ERR_NOT_CONNECTED) return call_errno(r, op, "EDESTADDRREQ");
  return n < 0 ? call_error(r, op, (int)n) : call_done(op, n);
}

static enum drill_progress open_and_send(struct drill_run *r, struct drill_op *op, struct transfer *t)
{
  static const uint8_t zeros[PIECE];
  bool spelled = t->data != NULL && t->data->kind == DRILL_STRING && (int64_t)t->data->len >= t->len;
  struct drill_opening o = {.to = &t->to, .bytes = spelled ? (const uint8_t *)t->data->text : zeros, .unspecified = t->unspecified};
  o.len = t->len;
  if (value_is_word(t->data, "NULL")) o.bytes = NULL;
  o.waits = waits(r, t);
  o.zerocopy = flag(r, t->flags, "MSG_ZEROCOPY");
  if (!spelled && r->freebsd && o.len > PIECE) o.len = PIECE;
  enum drill_progress p = fastopen_send(r, op, t->fd, &o);
  return p == DRILL_WAIT && op->opening == DRILL_OPENED ? tcp_send(r, op, t) : p;
}

static enum drill_progress send_any(struct drill_run *r, struct drill_op *op, struct transfer *t)
{
  if (fastopen_concerns(op, t->fd, flag(r, t->flags, "MSG_FASTOPEN"), t->addressed)) return open_and_send(r, op, t);
  t->ends_record = flag(r, t->flags, "MSG_EOR") && t->len > 0;
  if (t->ends_record && r->freebsd) {
    drill_needs(r, "ends of records in a stream");
    return DRILL_DONE;
  }
  if (t->fd->tcp != NULL) {
    if (!value_is_word(t->data, "NULL") || t->len == 0) return tcp_send(r, op, t);
    if (!r->freebsd && !t->fd->connected && !t->fd->connecting) return call_errno(r, op, "EPIPE");
    return call_errno(r, op, "EFAULT");
  }
  if (t->fd->udp != NULL) return udp_send(r, op, t);
  if (t->fd->kind != DRILL_FD_PIPE_OUT && t->fd->kind != DRILL_FD_FILE) return call_errno(r, op, "ENOTSOCK");
  struct drill_fd *store = t->fd->kind == DRILL_FD_FILE ? t->fd : fd_find(r, t->fd->pipe_other);
  if (store == NULL) return call_errno(r, op, "EPIPE");
  store->file_left += t->len;
  return call_done(op, t->len);
}

/* Receiving */

static void compare_bytes(struct drill_run *r, const struct transfer *t, const uint8_t *got, int64_t n)
{
  if (n <= 0 || t->data == NULL || t->data->kind != DRILL_STRING) return;
  size_t len = t->data->len < (size_t)n ? t->data->len : (size_t)n;
  if (memcmp(got, t->data->text, len) != 0 || (!t->data->more && (size_t)n > t->data->len))
    drill_differ(r, "other bytes", value_show(r, t->data), drill_text(r->arena, (const char *)got, len));
}

/* SHUT_RD is the socket's matter: what comes is still there. */
static int64_t tcp_read_some(struct drill_run *r, struct transfer *t, uint8_t *buf, unsigned flags)
{
  return yeon_tcp_recv(t->fd->tcp, buf, (size_t)t->len, flags, world_host_time(r));
}

static enum drill_progress tcp_recv(struct drill_run *r, struct drill_op *op, struct transfer *t, uint8_t *buf)
{
  unsigned flags = 0;
  bool trunc = flag(r, t->flags, "MSG_TRUNC"); /* bytes are thrown away */
  if (flag(r, t->flags, "MSG_PEEK")) flags |= YEON_RECV_PEEK;
  if (flag(r, t->flags, "MSG_OOB")) flags |= YEON_RECV_URGENT;
  if (t->fd->listening) return call_errno(r, op, "ENOTCONN");
  do {
    int64_t n = tcp_read_some(r, t, buf, flags);
    if (n == YEON_ERR_AGAIN && op->so_far == 0 && waits(r, t)) return DRILL_WAIT;
    if (n == YEON_ERR_AGAIN && flag(r, t->flags, "MSG_WAITALL") && waits(r, t)) return DRILL_WAIT;
    if (n < 0 && op->so_far == 0) return call_error(r, op, (int)n);
    if (n <= 0) break;
    if (!trunc) compare_bytes(r, t, buf, n);
    op->so_far += n;
    t->len -= n;
  } while (t->len > 0 && flag(r, t->flags, "MSG_WAITALL") && flags == 0);
  return call_done(op, op->so_far);
}

static enum drill_progress udp_recv(struct drill_run *r, struct drill_op *op, struct transfer *t, uint8_t *buf)
{
  size_t whole = 0;
  int64_t n = yeon_udp_recv(t->fd->udp, buf, (size_t)t->len, NULL, NULL, &whole);
  if (n == YEON_ERR_AGAIN && waits(r, t)) return DRILL_WAIT;
  if (n < 0) return call_error(r, op, (int)n);
  compare_bytes(r, t, buf, n);
  return call_done(op, flag(r, t->flags, "MSG_TRUNC") ? (int64_t)whole : n);
}

static enum drill_progress stored_recv(struct drill_run *r, struct drill_op *op, struct transfer *t)
{
  if (t->fd->kind != DRILL_FD_FILE && t->fd->kind != DRILL_FD_PIPE_IN) return call_errno(r, op, "EINVAL");
  int64_t n = t->len < t->fd->file_left ? t->len : t->fd->file_left;
  t->fd->file_left -= n;
  return call_done(op, n);
}

#define READ_MAX (64 << 20)

static enum drill_progress recv_any(struct drill_run *r, struct drill_op *op, struct transfer *t)
{
  if (flag(r, t->flags, "MSG_ERRQUEUE")) {
    drill_needs(r, "an error queue here");
    return DRILL_DONE;
  }
  if (t->len < 0 || t->len > READ_MAX) return call_errno(r, op, "EINVAL");
  t->len -= op->so_far;
  if (t->fd->deferred) return waits(r, t) ? DRILL_WAIT : call_errno(r, op, "EAGAIN");
  if (t->len == 0 && t->fd->tcp != NULL) return call_done(op, op->so_far);
  if (value_is_word(t->data, "NULL") && t->len > 0 && t->fd->tcp != NULL && !flag(r, t->flags, "MSG_TRUNC")) {
    if ((yeon_tcp_ready(t->fd->tcp) & YEON_READABLE) != 0) return call_errno(r, op, "EFAULT");
  }
  if (t->fd->tcp == NULL && t->fd->udp == NULL) return stored_recv(r, op, t);
  uint8_t *buf = malloc((size_t)t->len + 1);
  if (buf == NULL) return call_errno(r, op, "ENOMEM");
  enum drill_progress p = t->fd->tcp != NULL ? tcp_recv(r, op, t, buf) : udp_recv(r, op, t, buf);
  free(buf);
  return p;
}

/* The calls */

static struct transfer simple(struct drill_run *r, struct drill_op *op, bool has_flags)
{
  struct transfer t = {.fd = fd_arg(r, op), .data = value_arg(op, 1), .len = value_arg_number(r, op, 2)};
  if (has_flags) t.flags = value_arg_number(r, op, 3);
  return t;
}

enum drill_progress do_read(struct drill_run *r, struct drill_op *op)
{
  struct transfer t = simple(r, op, false);
  return t.fd == NULL ? DRILL_DONE : recv_any(r, op, &t);
}

enum drill_progress do_write(struct drill_run *r, struct drill_op *op)
{
  struct transfer t = simple(r, op, false);
  return t.fd == NULL ? DRILL_DONE : send_any(r, op, &t);
}

enum drill_progress do_recv(struct drill_run *r, struct drill_op *op)
{
  struct transfer t = simple(r, op, true);
  return t.fd == NULL ? DRILL_DONE : recv_any(r, op, &t);
}

enum drill_progress do_send(struct drill_run *r, struct drill_op *op)
{
  struct transfer t = simple(r, op, true);
  return t.fd == NULL ? DRILL_DONE : send_any(r, op, &t);
}

enum drill_progress do_recvfrom(struct drill_run *r, struct drill_op *op) { return do_recv(r, op); }

enum drill_progress do_sendto(struct drill_run *r, struct drill_op *op)
{
  struct transfer t = simple(r, op, true);
  const struct drill_value *to = value_arg(op, 4);
  if (t.fd == NULL) return DRILL_DONE;
  t.to = (struct yeon_addr){.ip = r->remote, .port = r->connect_port};
  t.addressed = to != NULL && !value_is_word(to, "NULL");
  t.unspecified = value_is_word(to, "AF_UNSPEC") || value_is_word(value_member(to, "sa_family"), "AF_UNSPEC");
  t.has_to = t.fd->udp != NULL && t.addressed && !t.fd->connected;
  value_address(r, to, &t.to);
  return send_any(r, op, &t);
}

/* [{..., 1000}, {"abc", 3}] */
static int64_t vector_len(struct drill_run *r, const struct drill_value *v)
{
  int64_t total = 0, n;
  for (const struct drill_value *one = v != NULL ? v->first : NULL; one != NULL; one = one->next) {
    const struct drill_value *len = one->first != NULL ? one->first->next : NULL;
    const struct drill_value *named = value_member(one, "iov_len");
    if (!value_number(r, named != NULL ? named : len, &n)) {
      drill_needs(r, "the vector %s", value_show(r, v));
      return 0;
    }
    total += n;
  }
  return total;
}

/* The elements' lengths, if each is one piece of memory (none goes over a page). */
static void note_frags(struct drill_run *r, struct transfer *t, const struct drill_value *v)
{
  unsigned n = 0;
  for (const struct drill_value *one = v != NULL ? v->first : NULL; one != NULL; one = one->next) n++;
  if (n <= FRAGS_MOST) return;
  int64_t *frag = drill_alloc(r->arena, n * sizeof *frag);
  n = 0;
  for (const struct drill_value *one = v->first; one != NULL; one = one->next) {
    const struct drill_value *named = value_member(one, "iov_len");
    value_number(r, named != NULL ? named : one->first->next, &frag[n]);
    if (frag[n] < 1 || frag[n++] > 4096) return;
  }
  t->frags = n;
  t->frag = frag;
}

static struct transfer vector(struct drill_run *r, struct drill_op *op, const struct drill_value *v)
{
  struct transfer t = {.fd = fd_arg(r, op), .len = vector_len(r, v)};
  if (v != NULL && v->first != NULL && v->first->next == NULL) t.data = v->first->first;
  return t;
}

enum drill_progress do_readv(struct drill_run *r, struct drill_op *op)
{
  struct transfer t = vector(r, op, value_arg(op, 1));
  return t.fd == NULL ? DRILL_DONE : recv_any(r, op, &t);
}

enum drill_progress do_writev(struct drill_run *r, struct drill_op *op)
{
  struct transfer t = vector(r, op, value_arg(op, 1));
  return t.fd == NULL ? DRILL_DONE : send_any(r, op, &t);
}

/* TCP_CM_INQ: bytes still to be read, one more at the end of the stream. */
static int64_t inq_of(const struct drill_fd *fd)
{
  struct yeon_tcp_info info;
  yeon_tcp_info(fd->tcp, &info);
  if (info.rcv_queued > 0) return info.rcv_queued;
  return (yeon_tcp_ready(fd->tcp) & (YEON_READ_END | YEON_CLOSED)) != 0 ? 1 : 0;
}

static void compare_control(struct drill_run *r, const struct drill_fd *fd, const struct drill_value *control)
{
  int64_t want;
  for (const struct drill_value *c = control != NULL ? control->first : NULL; c != NULL; c = c->next) {
    const struct drill_value *type = value_member(c, "cmsg_type"), *data = value_member(c, "cmsg_data");
    if (!value_is_word(type, "TCP_CM_INQ") || fd->tcp == NULL || !fd->inq) {
      drill_needs(r, "the control message %s", value_show(r, c));
    } else if (value_number(r, data, &want) && want != inq_of(fd)) {
      drill_differ(r, "another TCP_CM_INQ", value_show(r, data), drill_format(r->arena, "%lld", (long long)inq_of(fd)));
    }
  }
}

enum drill_progress do_recvmsg(struct drill_run *r, struct drill_op *op)
{
  const struct drill_value *m = value_arg(op, 1);
  struct transfer t = vector(r, op, value_member(m, "msg_iov"));
  t.flags = value_arg_number(r, op, 2);
  if (t.fd == NULL) return DRILL_DONE;
  if (t.fd->tcp != NULL && flag(r, t.flags, "MSG_ERRQUEUE")) return error_queue_read(r, op);
  enum drill_progress p = recv_any(r, op, &t);
  if (p == DRILL_DONE && op->result >= 0) compare_control(r, t.fd, value_member(m, "msg_control"));
  return p;
}

enum drill_progress do_sendmsg(struct drill_run *r, struct drill_op *op)
{
  const struct drill_value *m = value_arg(op, 1), *control = value_member(m, "msg_control");
  struct transfer t = vector(r, op, value_member(m, "msg_iov"));
  t.flags = value_arg_number(r, op, 2);
  if (t.fd == NULL) return DRILL_DONE;
  if (control != NULL && control->first != NULL) {
    drill_needs(r, "sending with the control message %s", value_show(r, control->first));
    return DRILL_DONE;
  }
  t.to = (struct yeon_addr){.ip = r->remote, .port = r->connect_port};
  if (t.fd->zerocopy && flag(r, t.flags, "MSG_ZEROCOPY")) note_frags(r, &t, value_member(m, "msg_iov"));
  const struct drill_value *name = value_member(m, "msg_name");
  t.addressed = name != NULL && !value_is_word(name, "NULL");
  t.has_to = t.fd->udp != NULL && !t.fd->connected && name != NULL && !value_is_word(name, "NULL");
  return send_any(r, op, &t);
}

/* Bytes from a file or pipe into a socket. */
static enum drill_progress move_bytes(struct drill_run *r, struct drill_op *op, struct drill_fd *to,
                                      struct drill_fd *from, int64_t len)
{
  struct transfer t = {.fd = to, .len = len < from->file_left + op->so_far ? len : from->file_left + op->so_far};
  enum drill_progress p = send_any(r, op, &t);
  if (p == DRILL_DONE && op->result > 0) from->file_left -= op->result;
  return p;
}

enum drill_progress do_sendfile(struct drill_run *r, struct drill_op *op)
{
  struct drill_fd *to = fd_arg(r, op), *from = fd_find(r, value_arg_number(r, op, 1));
  if (to == NULL) return DRILL_DONE;
  if (from == NULL) return call_errno(r, op, "EBADF");
  return move_bytes(r, op, to, from, value_arg_number(r, op, 3));
}

enum drill_progress do_splice(struct drill_run *r, struct drill_op *op)
{
  struct drill_fd *from = fd_arg(r, op), *to = fd_find(r, value_arg_number(r, op, 2));
  int64_t len = value_arg_number(r, op, 4);
  if (from == NULL) return DRILL_DONE;
  if (to == NULL) return call_errno(r, op, "EBADF");
  if (from->kind == DRILL_FD_PIPE_IN && to->tcp != NULL) return move_bytes(r, op, to, from, len);
  if (from->tcp == NULL || to->kind != DRILL_FD_PIPE_OUT) return call_errno(r, op, "EINVAL");
  struct transfer t = {.fd = from, .len = len};
  enum drill_progress p = recv_any(r, op, &t);
  /* Bytes that are there and cannot be taken this way, as an urgent one, are not waited for. */
  if (p == DRILL_WAIT && (yeon_tcp_ready(from->tcp) & YEON_URGENT) != 0) return call_done(op, 0);
  struct drill_fd *store = fd_find(r, to->pipe_other);
  if (p == DRILL_DONE && op->result > 0 && store != NULL) store->file_left += op->result;
  return p;
}
