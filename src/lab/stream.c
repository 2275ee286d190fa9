/* TCP sockets: bytes between a program's pair and its connection.
 *
 * From the program: where much comes at once it is read into TCP's send buffer itself, as much as that has room for. Else, since that room would have
 * to be borrowed for a few bytes, what stands in the pair is read into the lab's scratch, at most one byte more than TCP's send buffer has room for, and
 * sent. That byte, or what TCP did not take for want of memory, is kept (`left`) and goes first; having it refused makes TCP tell when there is
 * room. While it is kept the pair is not read, fills, and so the program blocks: the pair is a second part of the send buffer.
 * To the program: the receive ring's slices are written straight into the pair and consumed as far as they were taken; so the pair is
 * also a part of the receive buffer, and a program that does not read closes TCP's window when both are full. A large segment that comes
 * while that ring is empty is written into the pair as it comes (stream_take), and only what the pair does not take goes into the ring.
 *
 * What a program does to its end without a system call that we see, we see at ours: shutdown(WR) is the end of the stream; closing it, or
 * dying, hangs up; closing it with bytes unread is an error on our end, and a RST as from a kernel: behind what it had written before. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "lab/sockets.h"

#define BULK 16384    /* bytes: who writes so many at once probably goes on, and is read without a copy */
#define MUCH 131072   /* bytes in the pair: its program writes faster than we read */
#define GROWN 524288  /* bytes of TCP's buffer from which on the pair's grows */
#define WIDE 524288   /* SO_SNDBUF of its end then; the kernel doubles it */
#define ROUNDS 8 /* of reading in one turn, so that one program does not hold up the others */

/* The pair's buffers grow too where TCP's own have grown because much is moved: while whoever is at the other end of a pair wakes up, we go on with what is
 * left in it. Never where the program has set a size, and not for many at once: where several transfers run there is always something to go on with, and
 * all of it should stay in the processor's caches. (The kernel may allow less: net.core.wmem_max.) */
static void grow_out(struct lab_socket *s)
{
  struct yeon_tcp_info info;
  if (s->wide_out || s->sndbuf != 0 || s->lab->n_wide >= LAB_WIDE_MAX) return;
  yeon_tcp_info(s->tcp, &info);
  if (info.snd_limit < GROWN) return;
  s->wide_out = true;
  s->lab->n_wide++;
  lab_socket_widen(s, WIDE);
}

static void grow_in(struct lab_socket *s)
{
  int size = WIDE;
  struct yeon_tcp_info info;
  if (s->wide_in || s->rcvbuf != 0 || s->lab->n_wide >= LAB_WIDE_MAX) return;
  yeon_tcp_info(s->tcp, &info);
  if (info.rcv_limit < GROWN) return;
  s->wide_in = true;
  s->lab->n_wide++;
  (void)setsockopt(s->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

static uint32_t room(const struct lab_socket *s)
{
  struct yeon_tcp_info info;
  yeon_tcp_info(s->tcp, &info);
  return info.snd_limit > info.snd_queued ? info.snd_limit - info.snd_queued : 0;
}

void stream_keep(struct lab_socket *s, const uint8_t *bytes, size_t len)
{
  s->left = malloc(len);
  if (s->left == NULL) {
    stream_fail(s, ENOBUFS); /* bytes that were taken must not be lost in silence */
    return;
  }
  memcpy(s->left, bytes, len);
  s->left_len = (uint32_t)len;
  s->left_at = 0;
}

/* What is kept goes first. Whether nothing is kept any more. */
static bool send_left(struct lab_socket *s, yeon_time now)
{
  if (s->left == NULL) return true;
  int64_t n = yeon_tcp_send(s->tcp, s->left + s->left_at, s->left_len - s->left_at, 0, now);
  if (n > 0) s->left_at += (uint32_t)n;
  if (n >= 0 && s->left_at < s->left_len) n = YEON_ERR_AGAIN;
  if (n == YEON_ERR_AGAIN || n == YEON_ERR_NO_MEMORY) return false;
  free(s->left);
  s->left = NULL;
  return true;
}

static void send_bytes(struct lab_socket *s, size_t len, yeon_time now)
{
  int64_t n = yeon_tcp_send(s->tcp, s->lab->scratch, len, 0, now);
  if (n == YEON_ERR_AGAIN || n == YEON_ERR_NO_MEMORY) n = 0;
  if (n >= 0 && (size_t)n < len) stream_keep(s, s->lab->scratch + n, len - (size_t)n);
  /* other errors: the connection has failed, which the next turn finds out */
}

static void end_of_program(struct lab_socket *s, yeon_time now)
{
  s->eof_read = true;
  s->can_read = false;
  if (!s->hung_up) (void)yeon_tcp_shutdown(s->tcp, YEON_SHUT_WR, now);
}

static bool pair_read(struct lab_socket *s, ssize_t n, size_t want, yeon_time now)
{
  /* fewer than wanted: the pair is empty, and its next byte is a new edge; the end has had its edge */
  if (n > 0 && (size_t)n < want) s->can_read = s->ending;
  if (n > 0) return true;
  if (n == 0) end_of_program(s, now);
  else if (errno == EAGAIN) s->can_read = false;
  else if (errno != EINTR) s->unread = true;
  return false;
}

/* One read into TCP's send buffer itself. Whether to go on. */
static bool read_bulk(struct lab_socket *s, yeon_time now)
{
  struct yeon_room rooms[2];
  struct iovec iov[2];
  size_t want = 0, n_rooms = yeon_tcp_reserve(s->tcp, LAB_SCRATCH, rooms);
  for (size_t i = 0; i < n_rooms; i++) {
    iov[i] = (struct iovec){rooms[i].base, rooms[i].len};
    want += rooms[i].len;
  }
  if (n_rooms == 0) {
    s->bulk = room(s) == 0; /* full: it tells when it has room again. Else there is no memory for so much at once */
    return !s->bulk;
  }
  struct msghdr m = {.msg_iov = iov, .msg_iovlen = n_rooms};
  ssize_t n = recvmsg(s->fd, &m, MSG_DONTWAIT);
  int error = errno;
  (void)yeon_tcp_produce(s->tcp, n > 0 ? (size_t)n : 0, now);
  errno = error;
  s->bulk = n >= BULK;
  if (n >= MUCH) grow_out(s);
  return pair_read(s, n, want, now);
}

/* One read. Whether to go on. */
static bool read_once(struct lab_socket *s, yeon_time now)
{
  if (s->bulk) return read_bulk(s, now);
  size_t want = (size_t)room(s) + 1;
  if (want > LAB_SCRATCH) want = LAB_SCRATCH;
  ssize_t n = recv(s->fd, s->lab->scratch, want, MSG_DONTWAIT);
  if (!pair_read(s, n, want, now)) return false;
  send_bytes(s, (size_t)n, now);
  s->bulk = n >= BULK;
  return s->left == NULL;
}

static void from_program(struct lab_socket *s, yeon_time now)
{
  if (!send_left(s, now)) return;
  unsigned rounds = ROUNDS;
  while (s->can_read && !s->eof_read && s->state == LAB_CONNECTED && rounds > 0 && read_once(s, now)) rounds--;
  if (rounds == 0) lab_socket_ready(s);
}

void stream_last_bytes(struct lab_socket *s)
{
  yeon_time now = lab_now();
  if (s->state != LAB_CONNECTED || s->filling) return;
  s->hung_up = true;
  if (!send_left(s, now)) return;
  while (s->left == NULL && !s->eof_read && read_once(s, now)) {
  }
}

/* The bytes the pair took, or -1. */
static ssize_t write_pair(struct lab_socket *s, const struct yeon_slice *slices, size_t n_slices)
{
  struct iovec iov[YEON_FRAME_SLICES];
  for (size_t i = 0; i < n_slices; i++) {
    union {
      const void *shown;
      void *given;
    } base = {.shown = slices[i].base};
    iov[i] = (struct iovec){base.given, slices[i].len};
  }
  struct msghdr m = {.msg_iov = iov, .msg_iovlen = n_slices};
  ssize_t n = sendmsg(s->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (n < 0 && errno == EAGAIN) {
    s->can_write = false;
    grow_in(s);
  }
  return n;
}

size_t stream_take(void *user, const struct yeon_slice *slices, size_t n_slices)
{
  struct lab_socket *s = user;
  size_t len = 0;
  for (size_t i = 0; i < n_slices; i++) len += slices[i].len;
  if (len < BULK || s->state != LAB_CONNECTED || !s->can_write || s->deaf || s->hung_up || s->unread) return 0;
  ssize_t n = write_pair(s, slices, n_slices);
  return n > 0 ? (size_t)n : 0; /* other errors come again when it is tried the usual way */
}

/* One write. Whether to go on. */
static bool write_once(struct lab_socket *s, const struct yeon_slice *slices, size_t n_slices, yeon_time now)
{
  ssize_t n = write_pair(s, slices, n_slices);
  if (n > 0) {
    (void)yeon_tcp_consume(s->tcp, (size_t)n, now);
    return true;
  }
  if (s->can_write && errno != EINTR) {
    s->deaf = true;
    (void)yeon_tcp_shutdown(s->tcp, YEON_SHUT_RD, now);
  }
  return false;
}

bool stream_to_program(struct lab_socket *s)
{
  struct yeon_slice slices[2];
  yeon_time now = lab_now();
  for (;;) {
    size_t n = yeon_tcp_peek_slices(s->tcp, slices, 2);
    if (n == 0 || s->deaf) return true;
    if (!s->can_write || !write_once(s, slices, n, now)) return s->deaf;
  }
}

static void tell_end(struct lab_socket *s)
{
  if (s->eof_written || s->deaf || !(yeon_tcp_ready(s->tcp) & YEON_READ_END)) return;
  s->eof_written = true;
  shutdown(s->fd, SHUT_WR);
}

static void turn_connected(struct lab_socket *s)
{
  yeon_time now = lab_now();
  if (s->unread) {
    stream_over(s);
    return;
  }
  if (!s->hung_up && stream_to_program(s)) tell_end(s);
  if (yeon_tcp_ready(s->tcp) & YEON_ERROR) {
    stream_fail(s, yeon_error_errno(yeon_tcp_take_error(s->tcp)));
    return;
  }
  from_program(s, now);
  if (s->state != LAB_CONNECTED) return;
  if (s->unread || (s->hung_up && s->eof_read && s->left == NULL)) stream_over(s);
}

void stream_turn(struct lab_socket *s)
{
  switch ((enum lab_state)s->state) {
  case LAB_NEW:
    if (s->hung_up) stream_close(s);
    break;
  case LAB_OPENING: stream_open_turn(s); break;
  case LAB_CONNECTING: stream_connect_turn(s); break;
  case LAB_LISTENING: stream_accept_turn(s); break;
  case LAB_CONNECTED: turn_connected(s); break;
  case LAB_FAILING: stream_fail_turn(s); break;
  case LAB_TOMB:
  case LAB_CLOSED: break;
  }
}
