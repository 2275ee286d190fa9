/* TCP Fast Open of programs (RFC 7413): connecting with data.
 *
 * With TCP_FASTOPEN_CONNECT, and a cookie of the destination in hand, connect says yes at once, and the connection begins with the first bytes that
 * the program writes: they stand in the pair, and go on the SYN. Without a cookie it is a connect as ever, whose SYN asks for one. sendto and sendmsg
 * with MSG_FASTOPEN are the same in one call: the supervisor asks for such a connect and then writes the bytes into the program's end of the
 * pair (fastopen_calls.c). So bulk is never stopped, and what is on the SYN is what a write brought. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "lab/sockets.h"

bool lab_fastopen_can(const struct lab_socket *s)
{
  struct yeon_addr here = {.ip = yeon_ip4(127, 0, 0, 1), .port = 1};
  if (s->six) here.ip = (struct yeon_ip){.b = {[15] = 1}};
  return s->tcp != NULL && yeon_tcp_fastopen_room(s->tcp, &here, lab_now()) != YEON_ERR_UNSUPPORTED;
}

int lab_fastopen_set(struct lab_socket *s, int64_t value)
{
  if (!s->stream) return ENOPROTOOPT;
  if (value < 0 || value > 1) return EINVAL;
  if (!lab_fastopen_can(s)) return EOPNOTSUPP;
  if (s->state != LAB_NEW) return EINVAL;
  s->fastopen = value != 0;
  return 0;
}

int lab_fastopen_set_key(struct lab_socket *s, const uint8_t *bytes, size_t len)
{
  if (s->tcp == NULL) return s->stream ? EINVAL : ENOPROTOOPT;
  if (len != YEON_FASTOPEN_KEY_SIZE && len != sizeof s->fastopen_key) return EINVAL;
  const uint8_t *backup = len == sizeof s->fastopen_key ? bytes + YEON_FASTOPEN_KEY_SIZE : NULL;
  int rc = yeon_tcp_fastopen_key(s->tcp, bytes, backup);
  if (rc != 0) return yeon_error_errno(rc);
  memcpy(s->fastopen_key, bytes, len);
  s->n_fastopen_key = (uint8_t)len;
  return 0;
}

bool stream_waits_to_open(struct lab_socket *s, const struct yeon_addr *to)
{
  if (yeon_tcp_fastopen_room(s->tcp, to, lab_now()) <= 0) return false;
  s->to = *to;
  s->state = LAB_OPENING;
  s->told = true;
  lab_socket_ready(s);
  return true;
}

/* The first bytes have come, or there will be none. */
static void open_with(struct lab_socket *s, size_t len)
{
  int64_t n = yeon_tcp_connect_send(s->tcp, &s->to, s->lab->scratch, len, lab_now());
  if (n < 0) {
    stream_fail(s, yeon_error_errno((int)n));
    return;
  }
  s->state = LAB_CONNECTING;
  s->by_data = len > 0;
  if ((size_t)n < len) stream_keep(s, s->lab->scratch + n, len - (size_t)n);
}

void stream_open_turn(struct lab_socket *s)
{
  ssize_t n = recv(s->fd, s->lab->scratch, LAB_SCRATCH, MSG_DONTWAIT);
  if (n > 0 || (n == 0 && !s->hung_up)) open_with(s, (size_t)n);
  else if (s->hung_up) stream_close(s);
}
