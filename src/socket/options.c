/* Options: those of the socket itself, and the way through to its protocol's. */
#include "socket/socket.h"

static int set_own(struct socket *s, int option, int64_t value)
{
  switch (option) {
  case YEON_SO_NONBLOCK:
    if (value != 0 && value != 1) return YEON_ERR_INVALID;
    s->nonblock = value != 0;
    return 0;
  case YEON_SO_RCVTIMEO_MS:
  case YEON_SO_SNDTIMEO_MS:
    if (value < 0 || value > INT32_MAX) return YEON_ERR_INVALID;
    if (option == YEON_SO_RCVTIMEO_MS)
      s->rcv_timeout_ms = value;
    else
      s->snd_timeout_ms = value;
    return 0;
  case YEON_SO_ERROR:
  case YEON_SO_TYPE:
  case YEON_SO_DOMAIN:
  case YEON_SO_LISTENING:
  case YEON_SO_READY: return YEON_ERR_INVALID;
  default: return YEON_ERR_UNSUPPORTED;
  }
}

static int get_own(const struct socket *s, int option, int64_t *value)
{
  switch (option) {
  case YEON_SO_NONBLOCK: *value = s->nonblock; return 0;
  case YEON_SO_RCVTIMEO_MS: *value = s->rcv_timeout_ms; return 0;
  case YEON_SO_SNDTIMEO_MS: *value = s->snd_timeout_ms; return 0;
  case YEON_SO_ERROR: *value = s->tcp ? yeon_tcp_take_error(s->tcp) : yeon_udp_take_error(s->udp); return 0;
  case YEON_SO_TYPE: *value = s->tcp ? YEON_STREAM : YEON_DGRAM; return 0;
  case YEON_SO_DOMAIN: *value = s->domain; return 0;
  case YEON_SO_LISTENING: *value = s->listening; return 0;
  case YEON_SO_READY: *value = socket_level(s); return 0;
  default: return YEON_ERR_UNSUPPORTED;
  }
}

int yeon_setsockopt(struct yeon_loop *loop, int number, int option, int64_t value)
{
  struct socket *s = socket_at(loop, number);
  if (!s) return YEON_ERR_CLOSED;
  if (option < YEON_SO_TCP(0)) return set_own(s, option, value);
  int rc = YEON_ERR_UNSUPPORTED;
  if (s->tcp && option >= YEON_SO_TCP(0) && option < YEON_SO_TCP(YEON_TCP_OPTIONS))
    rc = yeon_tcp_set(s->tcp, (enum yeon_tcp_option)(option - YEON_SO_TCP(0)), value, yeon_loop_now(loop));
  if (s->udp && option >= YEON_SO_UDP(0) && option < YEON_SO_UDP(YEON_UDP_OPTIONS))
    rc = yeon_udp_set(s->udp, (enum yeon_udp_option)(option - YEON_SO_UDP(0)), value);
  loop_touch(loop);
  return rc;
}

int yeon_getsockopt(struct yeon_loop *loop, int number, int option, int64_t *value)
{
  struct socket *s = socket_at(loop, number);
  if (!s) return YEON_ERR_CLOSED;
  if (!value) return YEON_ERR_INVALID;
  if (option < YEON_SO_TCP(0)) return get_own(s, option, value);
  if (s->tcp && option >= YEON_SO_TCP(0) && option < YEON_SO_TCP(YEON_TCP_OPTIONS))
    return yeon_tcp_get(s->tcp, (enum yeon_tcp_option)(option - YEON_SO_TCP(0)), value);
  if (s->udp && option >= YEON_SO_UDP(0) && option < YEON_SO_UDP(YEON_UDP_OPTIONS))
    return yeon_udp_get(s->udp, (enum yeon_udp_option)(option - YEON_SO_UDP(0)), value);
  return YEON_ERR_UNSUPPORTED;
}

struct yeon_tcp *yeon_socket_tcp(struct yeon_loop *loop, int number)
{
  struct socket *s = socket_at(loop, number);
  return s ? s->tcp : NULL;
}

struct yeon_udp *yeon_socket_udp(struct yeon_loop *loop, int number)
{
  struct socket *s = socket_at(loop, number);
  return s ? s->udp : NULL;
}
