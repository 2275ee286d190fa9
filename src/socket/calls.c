/* The calls. Each is an immediate call on the endpoint, tried again after every round of the loop while the socket is
 * one that blocks. What a blocking call puts into a send buffer leaves at once; what a non-blocking one does, with
 * the next run of the loop. */
#include "socket/socket.h"

/* What one attempt needs; the same for sending and receiving. */
struct transfer {
  struct socket *s;
  unsigned char *bytes;
  const unsigned char *source;
  size_t len;
  unsigned flags;
  const struct yeon_addr *to;
  struct yeon_addr *from;
  yeon_time now;
};

static bool may_wait(const struct socket *s, unsigned flags) { return !s->nonblock && (flags & YEON_DONTWAIT) == 0; }

static yeon_time until(const struct yeon_loop *loop, int64_t timeout_ms)
{
  return loop_deadline(loop, timeout_ms == 0 ? -1 : timeout_ms);
}

/* One round for a call that waits. False: the time is over, or nothing can ever happen; *error then is what to
 * return. */
static bool keep_waiting(struct yeon_loop *loop, yeon_time deadline, int *error)
{
  int rc = loop_wait(loop, deadline);
  if (rc < 0)
    *error = rc;
  else if (rc > 0 || yeon_loop_now(loop) < deadline)
    *error = 0;
  else
    *error = YEON_ERR_AGAIN;
  if (rc == 0 && loop->config.clock && deadline == YEON_NEVER) *error = YEON_ERR_AGAIN;
  return *error == 0;
}

static bool fits(const struct socket *s, const struct yeon_addr *a)
{
  return s->domain == YEON_IPV6 || yeon_ip_is4(&a->ip) || yeon_ip_is_any(&a->ip);
}

/* The unspecified address of an IPv4 socket is 0.0.0.0, however it was written. */
static struct yeon_addr in_family(const struct socket *s, const struct yeon_addr *a)
{
  struct yeon_addr out = *a;
  if (s->domain == YEON_IPV4 && yeon_ip_is_any(&a->ip)) out.ip = yeon_ip4(0, 0, 0, 0);
  return out;
}

static int open_endpoint(struct yeon_host *host, struct socket *s, enum yeon_type type)
{
  int rc = type == YEON_STREAM ? yeon_tcp_open(host, &s->tcp) : yeon_udp_open(host, &s->udp);
  if (rc == 0) socket_adopt(s);
  return rc;
}

int yeon_socket(struct yeon_loop *loop, struct yeon_host *host, enum yeon_domain domain, enum yeon_type type)
{
  if (!host && loop->n_hosts > 0) host = loop->hosts[0];
  if (!loop_has_host(loop, host) || (domain != YEON_IPV4 && domain != YEON_IPV6) || (type != YEON_STREAM && type != YEON_DGRAM))
    return YEON_ERR_INVALID;
  int rc = 0;
  struct socket *s = socket_add(loop, &rc);
  if (!s) return rc;
  s->domain = (uint8_t)domain;
  rc = open_endpoint(host, s, type);
  if (rc == 0) return s->number;
  socket_remove(loop, s);
  return rc;
}

int yeon_bind(struct yeon_loop *loop, int number, const struct yeon_addr *local)
{
  struct socket *s = socket_at(loop, number);
  if (!s) return YEON_ERR_CLOSED;
  if (!local) return YEON_ERR_INVALID;
  if (!fits(s, local)) return YEON_ERR_ADDRESS;
  struct yeon_addr a = in_family(s, local);
  return s->tcp ? yeon_tcp_bind(s->tcp, &a, yeon_loop_now(loop)) : yeon_udp_bind(s->udp, &a);
}

int yeon_listen(struct yeon_loop *loop, int number, unsigned backlog)
{
  struct socket *s = socket_at(loop, number);
  if (!s) return YEON_ERR_CLOSED;
  if (!s->tcp) return YEON_ERR_UNSUPPORTED;
  int rc = yeon_tcp_listen(s->tcp, backlog, yeon_loop_now(loop));
  if (rc == 0) s->listening = true;
  return rc;
}

static bool connecting(const struct socket *s)
{
  enum yeon_tcp_state state = yeon_tcp_state(s->tcp);
  return state == YEON_TCP_SYN_SENT || state == YEON_TCP_SYN_RECEIVED;
}

static int wait_connected(struct yeon_loop *loop, int number)
{
  struct socket *s = socket_at(loop, number);
  yeon_time deadline = until(loop, s->snd_timeout_ms);
  int error = 0;
  while (connecting(s)) {
    if (keep_waiting(loop, deadline, &error)) continue;
    return error == YEON_ERR_AGAIN ? YEON_ERR_TIMED_OUT : error;
  }
  error = yeon_tcp_state(s->tcp) == YEON_TCP_CLOSED ? yeon_tcp_take_error(s->tcp) : 0;
  if (error == 0 && yeon_tcp_state(s->tcp) == YEON_TCP_CLOSED)
    error = YEON_ERR_RESET; /* made and gone while nobody looked */
  return error;
}

int yeon_connect(struct yeon_loop *loop, int number, const struct yeon_addr *remote)
{
  struct socket *s = socket_at(loop, number);
  if (!s) return YEON_ERR_CLOSED;
  if (remote && !fits(s, remote)) return YEON_ERR_ADDRESS;
  if (s->udp) return yeon_udp_connect(s->udp, remote);
  if (!remote) return YEON_ERR_INVALID;
  int rc = yeon_tcp_connect(s->tcp, remote, yeon_loop_now(loop));
  loop_touch(loop);
  if (rc != 0) return rc;
  return may_wait(s, 0) ? wait_connected(loop, number) : YEON_ERR_IN_PROGRESS;
}

static int take_connection(struct yeon_loop *loop, const struct socket *listener, struct yeon_tcp *tcp)
{
  int rc = 0;
  struct socket *s = socket_add(loop, &rc);
  if (!s) {
    yeon_tcp_abort(tcp,
                   yeon_loop_now(loop)); /* no number for it: better to say so at once than to leave the peer hanging */
    return rc;
  }
  s->tcp = tcp;
  s->domain = listener->domain;
  for (unsigned i = 0; i < sizeof s->owner; i++) s->owner[i] = listener->owner[i];
  socket_adopt(s);
  return s->number;
}

int yeon_accept(struct yeon_loop *loop, int number, struct yeon_addr *remote)
{
  struct socket *s = socket_at(loop, number);
  if (!s) return YEON_ERR_CLOSED;
  if (!s->tcp) return YEON_ERR_UNSUPPORTED;
  yeon_time deadline = until(loop, s->rcv_timeout_ms);
  struct yeon_tcp *tcp = NULL;
  int rc = 0, error = 0;
  while ((rc = yeon_tcp_accept(s->tcp, &tcp, yeon_loop_now(loop))) == YEON_ERR_AGAIN) {
    if (!may_wait(s, 0)) return YEON_ERR_AGAIN;
    if (!keep_waiting(loop, deadline, &error)) return error;
  }
  if (rc != 0) return rc;
  if (remote) yeon_tcp_remote(tcp, remote);
  return take_connection(loop, s, tcp);
}

static int64_t send_once(const struct transfer *t)
{
  const unsigned mask = YEON_SEND_URGENT | YEON_SEND_MORE | YEON_SEND_RECORD;
  if (t->s->tcp) return yeon_tcp_send(t->s->tcp, t->source, t->len, t->flags & mask, t->now);
  return yeon_udp_send(t->s->udp, t->source, t->len, t->to, t->now);
}

int64_t yeon_sendto(struct yeon_loop *loop, int number, const void *buf, size_t len, unsigned flags,
                    const struct yeon_addr *to)
{
  struct socket *s = socket_at(loop, number);
  if (!s) return YEON_ERR_CLOSED;
  const unsigned known = YEON_SEND_URGENT | YEON_SEND_MORE | YEON_SEND_RECORD | YEON_DONTWAIT;
  if ((!buf && len > 0) || (s->tcp && to) || len > INT64_MAX || (flags & ~known) != 0) return YEON_ERR_INVALID;
  if (to && !fits(s, to)) return YEON_ERR_ADDRESS;
  struct transfer t = {.s = s, .source = buf, .len = len, .flags = flags, .to = to};
  bool wait = may_wait(s, flags);
  yeon_time deadline = wait ? until(loop, s->snd_timeout_ms) : 0;
  int64_t sent = 0;
  for (;;) {
    t.now = yeon_loop_now(loop);
    int64_t n = send_once(&t);
    int error = n < 0 ? (int)n : 0;
    if (n > 0) sent += n;
    if (s->udp ? n >= 0 : (size_t)sent == len) break;
    if (error != 0 && error != YEON_ERR_AGAIN && error != YEON_ERR_IN_PROGRESS) return sent > 0 ? sent : error;
    if (!wait) return sent > 0 ? sent : error ? error : YEON_ERR_AGAIN;
    t.source = (const unsigned char *)buf + sent;
    t.len = len - (size_t)sent;
    if (!keep_waiting(loop, deadline, &error)) return sent > 0 ? sent : error;
  }
  if (wait)
    loop_flush(loop);
  else
    loop_touch(loop);
  return sent;
}

int64_t yeon_send(struct yeon_loop *loop, int s, const void *buf, size_t len, unsigned flags)
{
  return yeon_sendto(loop, s, buf, len, flags, NULL);
}

static int64_t recv_once(const struct transfer *t)
{
  const unsigned mask = YEON_RECV_PEEK | YEON_RECV_URGENT;
  if (t->s->udp) return yeon_udp_recv(t->s->udp, t->bytes, t->len, t->from, NULL, NULL);
  if (t->from) yeon_tcp_remote(t->s->tcp, t->from);
  return yeon_tcp_recv(t->s->tcp, t->bytes, t->len, t->flags & mask, t->now);
}

int64_t yeon_recvfrom(struct yeon_loop *loop, int number, void *buf, size_t size, unsigned flags,
                      struct yeon_addr *from)
{
  struct socket *s = socket_at(loop, number);
  if (!s) return YEON_ERR_CLOSED;
  const unsigned known = YEON_RECV_PEEK | YEON_RECV_URGENT | YEON_DONTWAIT | YEON_WAITALL;
  if ((!buf && size > 0) || (flags & ~known) != 0) return YEON_ERR_INVALID;
  if (s->udp && (flags & (YEON_RECV_PEEK | YEON_RECV_URGENT | YEON_WAITALL))) return YEON_ERR_UNSUPPORTED;
  struct transfer t = {.s = s, .bytes = buf, .len = size, .flags = flags, .from = from};
  bool wait = may_wait(s, flags), all = s->tcp && (flags & YEON_WAITALL) && (flags & YEON_RECV_PEEK) == 0;
  yeon_time deadline = wait ? until(loop, s->rcv_timeout_ms) : 0;
  int64_t got = 0;
  for (;;) {
    t.now = yeon_loop_now(loop);
    int64_t n = recv_once(&t);
    int error = n < 0 ? (int)n : 0;
    if (n > 0) got += n;
    if (n >= 0 && (!all || n == 0 || (size_t)got == size)) break;
    if (error != 0 && error != YEON_ERR_AGAIN && error != YEON_ERR_IN_PROGRESS) return got > 0 ? got : error;
    if (!wait) return got > 0 ? got : error ? error : YEON_ERR_AGAIN;
    t.bytes = (unsigned char *)buf + got;
    t.len = size - (size_t)got;
    if (!keep_waiting(loop, deadline, &error)) return got > 0 ? got : error;
  }
  loop_touch(loop);
  return got;
}

int64_t yeon_recv(struct yeon_loop *loop, int s, void *buf, size_t size, unsigned flags)
{
  return yeon_recvfrom(loop, s, buf, size, flags, NULL);
}

int yeon_shutdown(struct yeon_loop *loop, int number, unsigned how)
{
  struct socket *s = socket_at(loop, number);
  if (!s) return YEON_ERR_CLOSED;
  if (!s->tcp) return YEON_ERR_UNSUPPORTED;
  int rc = yeon_tcp_shutdown(s->tcp, how, yeon_loop_now(loop));
  if (rc == 0 && may_wait(s, 0))
    loop_flush(loop);
  else
    loop_touch(loop);
  return rc;
}

/* Whether the peer has everything, our FIN too. */
static bool all_acknowledged(const struct socket *s)
{
  switch (yeon_tcp_state(s->tcp)) {
  case YEON_TCP_SYN_SENT:
  case YEON_TCP_SYN_RECEIVED:
  case YEON_TCP_ESTABLISHED:
  case YEON_TCP_CLOSE_WAIT:
  case YEON_TCP_FIN_WAIT_1:
  case YEON_TCP_CLOSING:
  case YEON_TCP_LAST_ACK: return false;
  default: return true;
  }
}

static void linger(struct yeon_loop *loop, struct socket *s)
{
  int64_t linger_ms = -1;
  if (s->listening || yeon_tcp_get(s->tcp, YEON_TCP_LINGER_MS, &linger_ms) != 0 || linger_ms <= 0 || s->nonblock)
    return;
  if (yeon_tcp_shutdown(s->tcp, YEON_SHUT_WR, yeon_loop_now(loop)) != 0) return;
  yeon_time deadline = loop_deadline(loop, linger_ms);
  int error = 0;
  while (!all_acknowledged(s) && keep_waiting(loop, deadline, &error)) continue;
}

int yeon_close(struct yeon_loop *loop, int number)
{
  struct socket *s = socket_at(loop, number);
  if (!s) return YEON_ERR_CLOSED;
  bool wait = may_wait(s, 0);
  if (s->tcp) {
    linger(loop, s);
    yeon_tcp_close(s->tcp, yeon_loop_now(loop));
  } else {
    yeon_udp_close(s->udp);
  }
  socket_remove(loop, s);
  if (wait)
    loop_flush(loop);
  else
    loop_touch(loop);
  return 0;
}

int yeon_abort(struct yeon_loop *loop, int number)
{
  struct socket *s = socket_at(loop, number);
  if (!s) return YEON_ERR_CLOSED;
  if (s->udp) return yeon_close(loop, number);
  yeon_tcp_abort(s->tcp, yeon_loop_now(loop));
  socket_remove(loop, s);
  loop_flush(loop);
  return 0;
}

int yeon_getsockname(struct yeon_loop *loop, int number, struct yeon_addr *out)
{
  struct socket *s = socket_at(loop, number);
  if (!s) return YEON_ERR_CLOSED;
  if (!out) return YEON_ERR_INVALID;
  if (s->tcp)
    yeon_tcp_local(s->tcp, out);
  else
    yeon_udp_local(s->udp, out);
  return 0;
}

int yeon_getpeername(struct yeon_loop *loop, int number, struct yeon_addr *out)
{
  struct socket *s = socket_at(loop, number);
  if (!s) return YEON_ERR_CLOSED;
  if (!out) return YEON_ERR_INVALID;
  if (s->tcp)
    yeon_tcp_remote(s->tcp, out);
  else
    yeon_udp_remote(s->udp, out);
  return out->port == 0 ? YEON_ERR_NOT_CONNECTED : 0;
}
