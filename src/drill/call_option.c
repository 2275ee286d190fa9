/* getsockopt and setsockopt. Options are known by their names; what they mean differs a little between the systems. */
#include <inttypes.h>
#include <string.h>

#include "drill/run.h"

#define FREEBSD_SYN_RETRIES 12

/* How an option's number relates to the host's. */
enum unit { PLAIN, SECONDS, HARMLESS, NEEDS, SPECIAL };
struct option {
  const char *name;
  enum unit unit;
  int tcp;           /* enum yeon_tcp_option, -1: none */
  int udp;           /* enum yeon_udp_option, -1: none */
  const char *needs; /* NEEDS: what; never needed while set to 0 */
};

/* clang-format off */
static const struct option table[] = {
  {"SO_SNDBUF", SPECIAL, YEON_TCP_SNDBUF, YEON_UDP_SNDBUF, NULL},
  {"SO_RCVBUF", SPECIAL, YEON_TCP_RCVBUF, YEON_UDP_RCVBUF, NULL},
  {"SO_SNDBUFFORCE", SPECIAL, YEON_TCP_SNDBUF, YEON_UDP_SNDBUF, NULL},
  {"SO_RCVBUFFORCE", SPECIAL, YEON_TCP_RCVBUF, YEON_UDP_RCVBUF, NULL},
  {"SO_ERROR", SPECIAL, -1, -1, NULL},
  {"SO_LINGER", SPECIAL, YEON_TCP_LINGER_MS, -1, NULL},
  {"SO_REUSEADDR", PLAIN, YEON_TCP_REUSEADDR, YEON_UDP_REUSE, NULL},
  {"SO_REUSEPORT", PLAIN, YEON_TCP_REUSEPORT, YEON_UDP_REUSE, NULL},
  {"SO_KEEPALIVE", PLAIN, YEON_TCP_KEEPALIVE, -1, NULL},
  {"SO_OOBINLINE", PLAIN, YEON_TCP_OOBINLINE, -1, NULL},
  {"SO_BROADCAST", PLAIN, -1, YEON_UDP_BROADCAST, NULL},
  {"SO_NO_CHECK", PLAIN, -1, YEON_UDP_NO_CHECKSUM, NULL},
  {"SO_DEBUG", HARMLESS, -1, -1, NULL},
  {"SO_MARK", HARMLESS, -1, -1, NULL},
  {"SO_PRIORITY", HARMLESS, -1, -1, NULL},
  {"SO_RCVTIMEO", NEEDS, -1, -1, "time-outs of calls"},
  {"SO_SNDTIMEO", NEEDS, -1, -1, "time-outs of calls"},
  {"SO_RCVLOWAT", NEEDS, -1, -1, "low-water marks"},
  {"SO_TIMESTAMPING", SPECIAL, -1, -1, NULL},
  {"SO_TIMESTAMP", NEEDS, -1, -1, "timestamps of received bytes"},
  {"SO_ZEROCOPY", SPECIAL, -1, -1, NULL},
  {"SO_MAX_PACING_RATE", PLAIN, YEON_TCP_MAX_PACING_RATE, -1, NULL},
  {"TCP_NODELAY", PLAIN, YEON_TCP_NODELAY, -1, NULL},
  {"TCP_CORK", PLAIN, YEON_TCP_CORK, -1, NULL},
  {"TCP_NOPUSH", PLAIN, YEON_TCP_CORK, -1, NULL},
  {"TCP_QUICKACK", PLAIN, YEON_TCP_QUICKACK, -1, NULL},
  {"TCP_MAXSEG", PLAIN, YEON_TCP_MAXSEG, -1, NULL},
  {"TCP_KEEPIDLE", SECONDS, YEON_TCP_KEEPIDLE_MS, -1, NULL},
  {"TCP_KEEPINTVL", SECONDS, YEON_TCP_KEEPINTVL_MS, -1, NULL},
  {"TCP_KEEPCNT", PLAIN, YEON_TCP_KEEPCNT, -1, NULL},
  {"TCP_SYNCNT", PLAIN, YEON_TCP_RETRIES_SYN, -1, NULL},
  {"TCP_USER_TIMEOUT", PLAIN, YEON_TCP_USER_TIMEOUT_MS, -1, NULL},
  {"TCP_WINDOW_CLAMP", PLAIN, YEON_TCP_WINDOW_CLAMP, -1, NULL},
  {"TCP_INQ", SPECIAL, -1, -1, NULL},
  {"TCP_NOTSENT_LOWAT", SPECIAL, -1, -1, NULL},
  {"TCP_DEFER_ACCEPT", PLAIN, YEON_TCP_DEFER_ACCEPT, -1, NULL},
  {"TCP_LINGER2", SPECIAL, YEON_TCP_FIN_WAIT_2_MS, -1, NULL},
  {"TCP_KEEPINIT", SPECIAL, -1, -1, NULL},
  {"TCP_NOOPT", PLAIN, YEON_TCP_NO_OPTIONS, -1, NULL},
  {"TCP_FASTOPEN", SPECIAL, -1, -1, NULL},
  {"TCP_FASTOPEN_CONNECT", SPECIAL, -1, -1, NULL},
  {"TCP_FASTOPEN_KEY", SPECIAL, -1, -1, NULL},
  {"TCP_FASTOPEN_NO_COOKIE", SPECIAL, -1, -1, NULL},
  {"TCP_MD5SIG", NEEDS, -1, -1, "MD5 signatures of TCP"},
  {"TCP_CONGESTION", SPECIAL, YEON_TCP_CONGESTION, -1, NULL},
  {"TCP_FUNCTION_BLK", SPECIAL, -1, -1, NULL},
  {"TCP_REMOTE_UDP_ENCAPS_PORT", SPECIAL, -1, -1, NULL},
  {"TCP_TX_DELAY", NEEDS, -1, -1, "TCP_TX_DELAY"},
  {"TCP_REPAIR", NEEDS, -1, -1, "TCP_REPAIR"},
  {"IP_TOS", PLAIN, YEON_TCP_TRAFFIC_CLASS, YEON_UDP_TRAFFIC_CLASS, NULL},
  {"IPV6_TCLASS", PLAIN, YEON_TCP_TRAFFIC_CLASS, YEON_UDP_TRAFFIC_CLASS, NULL},
  {"IP_TTL", PLAIN, YEON_TCP_HOP_LIMIT, YEON_UDP_HOP_LIMIT, NULL},
  {"IPV6_UNICAST_HOPS", PLAIN, YEON_TCP_HOP_LIMIT, YEON_UDP_HOP_LIMIT, NULL},
  {"IPV6_V6ONLY", PLAIN, YEON_TCP_V6ONLY, YEON_UDP_V6ONLY, NULL},
  {"IP_MTU_DISCOVER", SPECIAL, -1, -1, NULL},
  {"IPV6_MTU_DISCOVER", SPECIAL, -1, -1, NULL},
  {"IP_FREEBIND", HARMLESS, -1, -1, NULL},
  {"IP_RECVERR", NEEDS, -1, -1, "an error queue"},
  {"IPV6_RECVERR", NEEDS, -1, -1, "an error queue"},
  {"IPV6_USE_MIN_MTU", SPECIAL, -1, -1, NULL},
};
/* clang-format on */

static const struct option *find(const struct drill_value *v)
{
  if (v == NULL || v->kind != DRILL_WORD) return NULL;
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (strcmp(table[i].name, v->text) == 0) return &table[i];
  return NULL;
}

static int host_set(struct drill_run *r, struct drill_fd *fd, const struct option *o, int64_t value)
{
  if (fd->tcp != NULL && o->tcp >= 0)
    return yeon_tcp_set(fd->tcp, (enum yeon_tcp_option)o->tcp, value, world_host_time(r));
  if (fd->udp != NULL && o->udp >= 0) return yeon_udp_set(fd->udp, (enum yeon_udp_option)o->udp, value);
  return YEON_ERR_UNSUPPORTED;
}

static int host_get(const struct drill_fd *fd, const struct option *o, int64_t *value)
{
  if (fd->tcp != NULL && o->tcp >= 0) return yeon_tcp_get(fd->tcp, (enum yeon_tcp_option)o->tcp, value);
  if (fd->udp != NULL && o->udp >= 0) return yeon_udp_get(fd->udp, (enum yeon_udp_option)o->udp, value);
  return YEON_ERR_UNSUPPORTED;
}

/* Linux doubles what it is asked for, to have room for its own bookkeeping, and says so. */
static int64_t buffer_size(const struct drill_run *r, const struct option *o, int64_t asked)
{
  if (r->freebsd) return asked;
  int64_t least = strncmp(o->name, "SO_SND", 6) == 0 ? 4608 : 2304;
  return 2 * asked < least ? least : 2 * asked;
}

static enum drill_progress set_buffer(struct drill_run *r, struct drill_op *op, struct drill_fd *fd,
                                      const struct option *o, int64_t n)
{
  int64_t size = buffer_size(r, o, n);
  bool kept_here = !r->freebsd && fd->tcp != NULL && strncmp(o->name, "SO_SND", 6) == 0; /* linux_send.c */
  /* Linux gives half of what it doubled to bytes, half to bookkeeping. */
  int64_t bytes = !r->freebsd && fd->tcp != NULL ? size / 2 : size;
  int error = kept_here ? 0 : host_set(r, fd, o, bytes < 2048 ? 2048 : bytes);
  if (error != 0) return call_error(r, op, error);
  if (strncmp(o->name, "SO_SND", 6) == 0)
    fd->sndbuf_set = size;
  else
    fd->rcvbuf_set = size;
  return call_done(op, 0);
}

/* {onoff=1, linger=0} or [1, 0] */
static enum drill_progress set_linger(struct drill_run *r, struct drill_op *op, struct drill_fd *fd,
                                      const struct option *o)
{
  const struct drill_value *v = value_arg(op, 3), *on = value_member(v, "onoff"), *time = value_member(v, "linger");
  int64_t onoff, seconds;
  if (on == NULL) on = value_member(v, "l_onoff");
  if (time == NULL) time = value_member(v, "l_linger");
  if (!value_number(r, on, &onoff) || !value_number(r, time, &seconds)) {
    drill_needs(r, "the linger value %s", value_show(r, v));
    return DRILL_DONE;
  }
  fd->linger_on = onoff != 0;
  fd->linger_s = (int32_t)seconds;
  int error = host_set(r, fd, o, onoff == 0 ? -1 : seconds * 1000);
  return error != 0 ? call_error(r, op, error) : call_done(op, 0);
}

/* FreeBSD gives up connecting after so many seconds, or when all its doublings are spent. */
static void limit_connecting(struct drill_run *r, struct drill_fd *fd, int64_t seconds)
{
  fd->keepinit_s = seconds;
  if (fd->tcp == NULL || yeon_tcp_state(fd->tcp) >= YEON_TCP_ESTABLISHED) return;
  yeon_tcp_set(fd->tcp, YEON_TCP_RETRIES_SYN, FREEBSD_SYN_RETRIES, world_host_time(r));
  yeon_tcp_set(fd->tcp, YEON_TCP_USER_TIMEOUT_MS, seconds * 1000,
               world_host_time(r)); /* undone once connected: world.c */
}

static enum drill_progress set_congestion(struct drill_run *r, struct drill_op *op, struct drill_fd *fd)
{
  const struct drill_value *v = value_arg(op, 3);
  if (v->kind != DRILL_STRING || fd->tcp == NULL) return call_errno(r, op, fd->tcp == NULL ? "ENOPROTOOPT" : "EINVAL");
  int error = yeon_tcp_set_congestion(fd->tcp, v->text, world_host_time(r));
  if (error == YEON_ERR_INVALID) return call_errno(r, op, r->freebsd ? "ESRCH" : "ENOENT");
  return error != 0 ? call_error(r, op, error) : call_done(op, 0);
}

/* Linux calls newreno reno. */
static enum drill_progress get_congestion(struct drill_run *r, struct drill_op *op, const struct drill_fd *fd)
{
  const struct drill_value *v = value_arg(op, 3);
  if (fd->tcp == NULL) return call_errno(r, op, "ENOPROTOOPT");
  const char *name = yeon_tcp_congestion(fd->tcp);
  if (!r->freebsd && strcmp(name, "newreno") == 0) name = "reno";
  if (v->kind == DRILL_STRING && strcmp(v->text, name) != 0)
    drill_differ(r, "another value", value_show(r, v), drill_format(r->arena, "\"%s\"", name));
  return call_done(op, 0);
}

static enum drill_progress set_special(struct drill_run *r, struct drill_op *op, struct drill_fd *fd,
                                       const struct option *o, int64_t n)
{
  if (strstr(o->name, "BUF") != NULL) return set_buffer(r, op, fd, o, n);
  if (strncmp(o->name, "TCP_FASTOPEN", 12) == 0) return fastopen_option(r, op, fd, o->name, n);
  if (strcmp(o->name, "SO_ERROR") == 0) return call_errno(r, op, "ENOPROTOOPT");
  if (strcmp(o->name, "TCP_FUNCTION_BLK") == 0) {
    const struct drill_value *name = value_member(value_arg(op, 3), "function_set_name");
    bool base = name != NULL && name->kind == DRILL_STRING && name->text != NULL && strcmp(name->text, "freebsd") == 0;
    if (!base) drill_needs(r, "another TCP stack");
  } else if (strcmp(o->name, "TCP_INQ") == 0) {
    if (n < 0 || n > 1) return call_errno(r, op, "EINVAL");
    fd->inq = n != 0;
  } else if (strcmp(o->name, "IPV6_USE_MIN_MTU") == 0) {
    if (fd->tcp != NULL && n == 1) yeon_tcp_set(fd->tcp, YEON_TCP_MAXSEG, 1280 - 60, world_host_time(r));
  } else if (strcmp(o->name, "TCP_LINGER2") == 0) {
    host_set(r, fd, o, n < 0 ? -1 : n > 120 ? 120000 : n * 1000);
  } else if (strcmp(o->name, "TCP_KEEPINIT") == 0) {
    limit_connecting(r, fd, n);
  } else if (strcmp(o->name, "TCP_REMOTE_UDP_ENCAPS_PORT") == 0) {
    bool closed = fd->tcp != NULL && yeon_tcp_state(fd->tcp) == YEON_TCP_CLOSED;
    if (!closed || n < 0 || n > 65535 || (n != 0 && r->tunnel_local == 0)) return call_errno(r, op, "EINVAL");
    fd->udp_port = (uint16_t)n;
  } else if (strcmp(o->name, "SO_ZEROCOPY") == 0) {
    fd->zerocopy = n != 0;
  } else if (strcmp(o->name, "SO_TIMESTAMPING") == 0) {
    fd->timestamping = (uint32_t)n;
    fd->stamp_base = fd->written;
  } else if (strcmp(o->name, "TCP_NOTSENT_LOWAT") == 0) {
    fd->notsent_lowat = (uint32_t)n;
    fd->notsent_lowat_set = true;
  } else if (fd->udp != NULL) { /* ..._MTU_DISCOVER; of a connection it decides about DF, which scripts do not see */
    yeon_udp_set(fd->udp, YEON_UDP_DONT_FRAGMENT, n == 2);
  }
  return call_done(op, 0);
}

static bool option_value(struct drill_run *r, const struct drill_op *op, int64_t *n)
{
  const struct drill_value *v = value_arg(op, 3);
  *n = 0;
  if (v->kind == DRILL_STRUCT || v->kind == DRILL_STRING || v->kind == DRILL_ELLIPSIS) return true;
  if (value_number(r, v, n)) return true;
  drill_needs(r, "the option value %s", value_show(r, v));
  return false;
}

enum drill_progress do_setsockopt(struct drill_run *r, struct drill_op *op)
{
  struct drill_fd *fd = fd_arg(r, op);
  const struct option *o = find(value_arg(op, 2));
  int64_t n;
  if (fd == NULL || !option_value(r, op, &n)) return DRILL_DONE;
  if (o == NULL) {
    drill_needs(r, "the socket option %s", value_show(r, value_arg(op, 2)));
    return DRILL_DONE;
  }
  if (fd->kind != DRILL_FD_TCP && fd->kind != DRILL_FD_UDP) return call_errno(r, op, "ENOTSOCK");
  if (value_is_word(value_arg(op, 3), "NULL")) return call_errno(r, op, "EFAULT");
  switch (o->unit) {
  case HARMLESS: return call_done(op, 0);
  case NEEDS: drill_needs(r, "%s (%s)", o->needs, o->name); return DRILL_DONE;
  case SPECIAL:
    if (strcmp(o->name, "SO_LINGER") == 0) return set_linger(r, op, fd, o);
    if (strcmp(o->name, "TCP_CONGESTION") == 0) return set_congestion(r, op, fd);
    return set_special(r, op, fd, o, n);
  default: break;
  }
  if (r->freebsd && strcmp(o->name, "TCP_KEEPCNT") == 0 && n > 127) n = 127;
  int error = host_set(r, fd, o, o->unit == SECONDS ? n * 1000 : n);
  if (error == YEON_ERR_UNSUPPORTED) return call_errno(r, op, "ENOPROTOOPT");
  return error != 0 ? call_error(r, op, error) : call_done(op, 0);
}

static int64_t take_error(struct drill_run *r, struct drill_fd *fd)
{
  int error = fd->error;
  fd->error = 0;
  if (error != 0) return error;
  /* What ICMP says of a connection that goes on is SO_ERROR's matter for Linux, not for FreeBSD. */
  bool told = fd->tcp != NULL && (!r->freebsd || yeon_tcp_state(fd->tcp) == YEON_TCP_CLOSED);
  if (told) error = yeon_tcp_take_error(fd->tcp);
  if (fd->udp != NULL) error = yeon_udp_take_error(fd->udp);
  return error == 0 ? 0 : symbol_errno(r, error);
}

static int64_t get_special(struct drill_run *r, struct drill_fd *fd, const struct option *o)
{
  int64_t n = 0;
  if (strcmp(o->name, "SO_ERROR") == 0) return take_error(r, fd);
  if (strcmp(o->name, "TCP_INQ") == 0) return fd->inq;
  if (strncmp(o->name, "TCP_FASTOPEN", 12) == 0) return fastopen_get(r, fd, o->name);
  if (strcmp(o->name, "TCP_KEEPINIT") == 0) return fd->keepinit_s != 0 ? fd->keepinit_s : r->keepinit_ms / 1000;
  if (strcmp(o->name, "SO_ZEROCOPY") == 0) return fd->zerocopy;
  if (strcmp(o->name, "TCP_REMOTE_UDP_ENCAPS_PORT") == 0) return fd->udp_port;
  if (strcmp(o->name, "SO_TIMESTAMPING") == 0) return fd->timestamping;
  if (strcmp(o->name, "TCP_NOTSENT_LOWAT") == 0) return fd->notsent_lowat_set ? fd->notsent_lowat : 0;
  if (!r->freebsd && strncmp(o->name, "SO_SND", 6) == 0 && fd->tcp != NULL) return linux_send_buffer(r, fd);
  if (!r->freebsd && strncmp(o->name, "SO_RCV", 6) == 0 && fd->rcvbuf_set != 0) return fd->rcvbuf_set;
  host_get(fd, o, &n);
  if (!r->freebsd && strncmp(o->name, "SO_RCV", 6) == 0 && fd->tcp != NULL) return 2 * n;
  if (strcmp(o->name, "TCP_LINGER2") == 0) return n < 0 ? -1 : (n != 0 ? n : r->options.fin_wait_2_ms) / 1000;
  return n;
}

static void compare_number(struct drill_run *r, const struct drill_op *op, int64_t got)
{
  const struct drill_value *v = value_arg(op, 3);
  int64_t want;
  if (v->kind == DRILL_ELLIPSIS || (v->kind == DRILL_LIST && v->first != NULL && v->first->kind == DRILL_ELLIPSIS))
    return;
  if (!value_number(r, v, &want)) {
    drill_needs(r, "the option value %s", value_show(r, v));
    return;
  }
  if ((int32_t)want == (int32_t)got) return;
  bool is_error = value_is_word(value_arg(op, 2), "SO_ERROR");
  drill_differ(r, "another value", value_show(r, v),
               is_error ? drill_format(r->arena, "[%s]", symbol_errno_name(r, (int)got))
                        : drill_format(r->arena, "[%" PRId64 "]", got));
}

static enum drill_progress get_linger(struct drill_run *r, struct drill_op *op, const struct drill_fd *fd)
{
  const struct drill_value *v = value_arg(op, 3);
  int64_t on = 0, time = 0;
  value_number(r, value_member(v, "onoff"), &on);
  value_number(r, value_member(v, "linger"), &time);
  if ((on != 0) != fd->linger_on || (fd->linger_on && time != fd->linger_s))
    drill_differ(r, "another value", value_show(r, v),
                 drill_format(r->arena, "{onoff=%d, linger=%d}", fd->linger_on, fd->linger_s));
  return call_done(op, 0);
}

enum drill_progress do_getsockopt(struct drill_run *r, struct drill_op *op)
{
  struct drill_fd *fd = fd_arg(r, op);
  const struct option *o = find(value_arg(op, 2));
  int64_t n = 0;
  if (fd == NULL) return DRILL_DONE;
  if (o == NULL || o->unit == NEEDS) {
    drill_needs(r, "the socket option %s", value_show(r, value_arg(op, 2)));
    return DRILL_DONE;
  }
  if (fd->kind != DRILL_FD_TCP && fd->kind != DRILL_FD_UDP) return call_errno(r, op, "ENOTSOCK");
  if (strcmp(o->name, "SO_LINGER") == 0) return get_linger(r, op, fd);
  if (strcmp(o->name, "TCP_CONGESTION") == 0) return get_congestion(r, op, fd);
  if (o->unit == SPECIAL) {
    n = get_special(r, fd, o);
  } else {
    int error = host_get(fd, o, &n);
    if (error == YEON_ERR_UNSUPPORTED) return call_errno(r, op, "ENOPROTOOPT");
    if (error != 0) return call_error(r, op, error);
    if (o->unit == SECONDS) n /= 1000;
  }
  compare_number(r, op, n);
  return call_done(op, 0);
}
