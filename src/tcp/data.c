/* SEND and RECEIVE (RFC 9293 3.10.2, 3.10.3). */
#include "tcp/internal.h"

static int64_t send_error(struct yeon_tcp *c)
{
  if (c->error != 0) return yeon_tcp_take_error(c);
  if (tcp_is_early(c) && (c->flags & TCP_F_FIN_QUEUED) == 0) return 0;
  switch ((enum yeon_tcp_state)c->state) {
  case YEON_TCP_SYN_SENT:
  case YEON_TCP_SYN_RECEIVED: return (c->flags & TCP_F_FIN_QUEUED) != 0 ? YEON_ERR_PIPE : YEON_ERR_AGAIN;
  case YEON_TCP_ESTABLISHED:
  case YEON_TCP_CLOSE_WAIT: return 0;
  case YEON_TCP_LISTEN: return YEON_ERR_NOT_CONNECTED;
  case YEON_TCP_CLOSED: return tcp_was_used(c) ? YEON_ERR_PIPE : YEON_ERR_NOT_CONNECTED;
  default: return YEON_ERR_PIPE;
  }
}

/* Makes room for what fits; the count. */
static int64_t make_room(struct yeon_tcp *c, size_t len)
{
  uint32_t queued = ring_len(c->snd), room = c->sndbuf > queued ? c->sndbuf - queued : 0;
  uint32_t n = len < room ? (uint32_t)len : room;
  if (n == room) c->flags2 |= TCP_G_WANTS_ROOM; /* also when all of it was taken: the buffer is full now */
  if (n == 0) return YEON_ERR_AGAIN;
  bool bulk = n >= TCP_BULK && queued + n > ring_capacity(c->snd);
  if (bulk && ring_reserve(c->t->rings, &c->snd, c->sndbuf, queued)) return n;
  if (ring_reserve(c->t->rings, &c->snd, queued + n, queued)) return n;
  c->t->counters->no_memory++;
  return YEON_ERR_NO_MEMORY;
}

int64_t tcp_enqueue(struct yeon_tcp *c, const void *buf, size_t len)
{
  int64_t n = make_room(c, len);
  if (n <= 0) return n;
  ring_write(c->snd, c->snd->len, buf, (uint32_t)n);
  c->snd->len += (uint32_t)n;
  return n;
}

/* Bytes have come to stand behind those that were queued. */
static void queued_more(struct yeon_tcp *c, yeon_time now)
{
  if (!tcp_timer_on(c, YEON_TIMER_USER)) tcp_user_timeout_start(c, now);
  tcp_want_output(c);
  tcp_trace_buffer(c, now);
}

static void note_more(struct yeon_tcp *c, bool more)
{
  c->flags &= ~TCP_F_MORE;
  c->flags2 &= ~TCP_G_UNPUSHED;
  if (!more) return;
  c->flags |= TCP_F_MORE;
  c->flags2 |= TCP_G_UNPUSHED;
}

int64_t yeon_tcp_send(struct yeon_tcp *c, const void *buf, size_t len, unsigned flags, yeon_time now)
{
  now = clock_take(c->t->clock, now);
  int64_t n = send_error(c);
  if (n == 0 && ((buf == NULL && len > 0) || (flags & ~(YEON_SEND_URGENT | YEON_SEND_MORE | YEON_SEND_RECORD)) != 0)) n = YEON_ERR_INVALID;
  if (n == 0 && (flags & YEON_SEND_RECORD) != 0) n = tcp_eor_reserve(c);
  if (n == 0 && (flags & YEON_SEND_URGENT) != 0 && tcp_extra(c) == NULL) n = YEON_ERR_NO_MEMORY;
  if (n == 0 && len > 0) n = tcp_enqueue(c, buf, len);
  if (n > 0) {
    if ((flags & YEON_SEND_URGENT) != 0 && (size_t)n == len) {
      c->flags |= TCP_F_URGENT;
      c->extra->snd_up = tcp_snd_end(c);
    }
    if ((flags & YEON_SEND_RECORD) != 0 && (size_t)n == len) tcp_eor_end(c);
    note_more(c, (flags & YEON_SEND_MORE) != 0);
    queued_more(c, now);
  }
  if (n == 0 && len == 0 && flags == 0 && (c->flags2 & TCP_G_UNPUSHED) != 0) { /* nothing more follows after all */
    note_more(c, false);
    tcp_want_output(c);
  }
  tcp_trace_call(c, YEON_CALL_SEND, (int64_t)len, n, now);
  return n;
}

size_t yeon_tcp_reserve(struct yeon_tcp *c, size_t want, struct yeon_room rooms[2])
{
  bool open = c->state == YEON_TCP_ESTABLISHED || c->state == YEON_TCP_CLOSE_WAIT ||
              (tcp_is_early(c) && (c->flags & TCP_F_FIN_QUEUED) == 0);
  int64_t n = open && c->error == 0 && want > 0 ? make_room(c, want) : 0;
  return n > 0 ? ring_rooms(c->snd, (uint32_t)n, rooms) : 0;
}

int yeon_tcp_produce(struct yeon_tcp *c, size_t n, yeon_time now)
{
  now = clock_take(c->t->clock, now);
  uint32_t queued = ring_len(c->snd), most = c->sndbuf < ring_capacity(c->snd) ? c->sndbuf : ring_capacity(c->snd);
  if (n > (most > queued ? most - queued : 0)) return YEON_ERR_INVALID;
  if (n > 0) {
    note_more(c, false);
    c->snd->len += (uint32_t)n;
    queued_more(c, now);
    tcp_trace_call(c, YEON_CALL_SEND, (int64_t)n, (int64_t)n, now);
  } else if (c->snd != NULL && c->snd->len == 0) {
    ring_release(c->t->rings, &c->snd);
  }
  return 0;
}

/* Sequence number of the first byte in the receive ring. */
static uint32_t read_seq(const struct yeon_tcp *c)
{
  return c->rcv_nxt - ((c->flags & TCP_F_FIN_RECEIVED) != 0) - ring_len(c->rcv);
}

/* Does an urgent byte, taken aside or not, stand `*ahead` bytes ahead in the ring? */
static bool urgent_mark(const struct yeon_tcp *c, uint32_t *ahead)
{
  const struct tcp_extra *x = c->extra;
  if (x == NULL || (x->urgent != TCP_URGENT_HERE && x->urgent != TCP_URGENT_READ)) return false;
  *ahead = x->urgent_seq - read_seq(c);
  return *ahead < ring_len(c->rcv);
}

static void drop_read(struct yeon_tcp *c, uint32_t n)
{
  struct tcp_extra *x = c->extra;
  ring_drop(c->rcv, n);
  /* The urgent byte is over once the stream has been read beyond it, in line or not. */
  bool known = x != NULL && (x->urgent == TCP_URGENT_HERE || x->urgent == TCP_URGENT_READ);
  if (known && seq_lt(x->urgent_seq, read_seq(c))) x->urgent = TCP_URGENT_NONE;
  if (c->rcv->len == 0 && tcp_ooo(c) == NULL) ring_release(c->t->rings, &c->rcv);
}

/* A byte taken aside leaves the stream where it stands; it can still be asked for until what follows has been read. */
static void drop_mark(struct yeon_tcp *c)
{
  ring_drop(c->rcv, 1);
  if (c->extra->urgent == TCP_URGENT_READ) c->extra->urgent = TCP_URGENT_NONE;
  if (c->rcv->len == 0 && tcp_ooo(c) == NULL) ring_release(c->t->rings, &c->rcv);
}

/* Bytes that may be read in one go: up to the urgent mark, so that a program can tell where it is; a byte taken aside is passed. */
static uint32_t readable(struct yeon_tcp *c)
{
  uint32_t ahead;
  if (urgent_mark(c, &ahead)) {
    if (ahead > 0) return ahead;
    if ((c->flags & TCP_F_OOBINLINE) != 0) return ring_len(c->rcv);
    drop_mark(c);
  }
  return ring_len(c->rcv);
}

static int64_t recv_urgent(struct yeon_tcp *c, void *buf, size_t size, unsigned flags)
{
  struct tcp_extra *x = c->extra;
  if ((c->flags & TCP_F_OOBINLINE) != 0 || x == NULL || x->urgent == TCP_URGENT_NONE || x->urgent == TCP_URGENT_READ)
    return YEON_ERR_INVALID;
  if (x->urgent == TCP_URGENT_COMING) return YEON_ERR_AGAIN;
  if (size == 0) return 0;
  *(uint8_t *)buf = x->urgent_byte;
  if ((flags & YEON_RECV_PEEK) == 0) x->urgent = TCP_URGENT_READ;
  return 1;
}

static int64_t nothing_to_read(struct yeon_tcp *c)
{
  if (c->error != 0) return yeon_tcp_take_error(c);
  if ((c->flags & (TCP_F_FIN_RECEIVED | TCP_F_SHUT_RD)) != 0) return 0;
  switch ((enum yeon_tcp_state)c->state) {
  case YEON_TCP_CLOSED: return tcp_was_used(c) ? 0 : YEON_ERR_NOT_CONNECTED;
  case YEON_TCP_LISTEN: return YEON_ERR_NOT_CONNECTED;
  default: return YEON_ERR_AGAIN;
  }
}

int64_t yeon_tcp_recv(struct yeon_tcp *c, void *buf, size_t size, unsigned flags, yeon_time now)
{
  now = clock_take(c->t->clock, now);
  int64_t result;
  if ((flags & ~(YEON_RECV_PEEK | YEON_RECV_URGENT)) != 0 || (buf == NULL && size > 0)) return YEON_ERR_INVALID;
  if ((flags & YEON_RECV_URGENT) != 0) return recv_urgent(c, buf, size, flags);
  uint32_t have = readable(c);
  if (have == 0) {
    result = nothing_to_read(c);
  } else {
    uint32_t n = size < have ? (uint32_t)size : have;
    ring_read(c->rcv, 0, buf, n);
    if ((flags & YEON_RECV_PEEK) == 0 && n > 0) {
      drop_read(c, n);
      tcp_window_after_read(c, n, now);
      tcp_trace_buffer(c, now);
    }
    result = n;
  }
  tcp_trace_call(c, YEON_CALL_RECV, (int64_t)size, result, now);
  return result;
}

size_t yeon_tcp_peek_slices(struct yeon_tcp *c, struct yeon_slice *slices, size_t max)
{
  struct yeon_slice both[2];
  uint32_t have = readable(c);
  if (have == 0) return 0;
  size_t n = ring_slices(c->rcv, 0, have, both);
  if (n > max) n = max;
  for (size_t i = 0; i < n; i++) slices[i] = both[i];
  return n;
}

int yeon_tcp_consume(struct yeon_tcp *c, size_t n, yeon_time now)
{
  now = clock_take(c->t->clock, now);
  if (n > readable(c)) return YEON_ERR_INVALID;
  if (n == 0) return 0;
  drop_read(c, (uint32_t)n);
  tcp_window_after_read(c, (uint32_t)n, now);
  tcp_trace_buffer(c, now);
  return 0;
}

int yeon_tcp_take_error(struct yeon_tcp *c)
{
  int error = c->error != 0 ? c->error : c->soft_error;
  c->error = 0;
  c->soft_error = 0;
  return error;
}
