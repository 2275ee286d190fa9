/* setsockopt and getsockopt. One table says, for every option that programs use, what becomes of it:
 *   TCP, UDP   it is an option of the stack's endpoint, in a unit of its own
 *   NATIVE     the pair has it, with the same meaning for reads and writes of the program (time-outs)
 *   TAKEN      it makes no difference here; the value is accepted and, for asking, 0 or a constant
 * What is not in the table gets ENOPROTOOPT and a line on the log. The few with a story of their own have a function below. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/in6.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "lab/sockets.h"
#include "lab/tcp_info.h"

#define LEVEL_ERROR 0x7965 /* asked by the preloaded helper: an error not yet told */

enum way { TCP, UDP, NATIVE, TAKEN };

struct option {
  int level, name;
  enum way way;
  int tcp, udp;  /* enum yeon_tcp_option, yeon_udp_option; -1: not of that kind */
  int scale;     /* stack's units in one of the program's: 1000 for seconds to ms */
  int constant;  /* TAKEN: what getsockopt gives */
};

static const struct option table[] = {
    {SOL_SOCKET, SO_REUSEADDR, TCP, YEON_TCP_REUSEADDR, YEON_UDP_REUSE, 1, 0},
    {SOL_SOCKET, SO_REUSEPORT, TCP, YEON_TCP_REUSEPORT, YEON_UDP_REUSE, 1, 0},
    {SOL_SOCKET, SO_KEEPALIVE, TCP, YEON_TCP_KEEPALIVE, -1, 1, 0},
    {SOL_SOCKET, SO_OOBINLINE, TCP, YEON_TCP_OOBINLINE, -1, 1, 0},
    {SOL_SOCKET, SO_BROADCAST, UDP, -1, YEON_UDP_BROADCAST, 1, 0},
    {SOL_SOCKET, SO_RCVTIMEO, NATIVE, -1, -1, 0, 0},
    {SOL_SOCKET, SO_SNDTIMEO, NATIVE, -1, -1, 0, 0},
    {SOL_SOCKET, SO_RCVTIMEO_NEW, NATIVE, -1, -1, 0, 0},
    {SOL_SOCKET, SO_SNDTIMEO_NEW, NATIVE, -1, -1, 0, 0},
    {SOL_SOCKET, SO_PRIORITY, TAKEN, -1, -1, 0, 0},
    {SOL_SOCKET, SO_RCVLOWAT, TAKEN, -1, -1, 0, 1},
    {SOL_SOCKET, SO_SNDLOWAT, TAKEN, -1, -1, 0, 1},
    {SOL_SOCKET, SO_DEBUG, TAKEN, -1, -1, 0, 0},
    {SOL_SOCKET, SO_DONTROUTE, TAKEN, -1, -1, 0, 0},
    {SOL_SOCKET, SO_INCOMING_CPU, TAKEN, -1, -1, 0, -1},
    {SOL_SOCKET, SO_BUSY_POLL, TAKEN, -1, -1, 0, 0},
    {SOL_SOCKET, SO_MAX_PACING_RATE, TAKEN, -1, -1, 0, -1},
    {IPPROTO_TCP, TCP_NODELAY, TCP, YEON_TCP_NODELAY, -1, 1, 0},
    {IPPROTO_TCP, TCP_CORK, TCP, YEON_TCP_CORK, -1, 1, 0},
    {IPPROTO_TCP, TCP_QUICKACK, TCP, YEON_TCP_QUICKACK, -1, 1, 0},
    {IPPROTO_TCP, TCP_KEEPIDLE, TCP, YEON_TCP_KEEPIDLE_MS, -1, 1000, 0},
    {IPPROTO_TCP, TCP_KEEPINTVL, TCP, YEON_TCP_KEEPINTVL_MS, -1, 1000, 0},
    {IPPROTO_TCP, TCP_KEEPCNT, TCP, YEON_TCP_KEEPCNT, -1, 1, 0},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, TCP, YEON_TCP_USER_TIMEOUT_MS, -1, 1, 0},
    {IPPROTO_TCP, TCP_MAXSEG, TCP, YEON_TCP_MAXSEG, -1, 1, 0},
    {IPPROTO_TCP, TCP_SYNCNT, TCP, YEON_TCP_RETRIES_SYN, -1, 1, 0},
    {IPPROTO_TCP, TCP_WINDOW_CLAMP, TCP, YEON_TCP_WINDOW_CLAMP, -1, 1, 0},
    {IPPROTO_TCP, TCP_DEFER_ACCEPT, TAKEN, -1, -1, 0, 0},
    {IPPROTO_TCP, TCP_FASTOPEN, TAKEN, -1, -1, 0, 0},
    {IPPROTO_TCP, TCP_NOTSENT_LOWAT, TAKEN, -1, -1, 0, -1},
    {IPPROTO_TCP, TCP_LINGER2, TAKEN, -1, -1, 0, 60},
    {IPPROTO_IP, IP_TOS, TCP, YEON_TCP_TRAFFIC_CLASS, YEON_UDP_TRAFFIC_CLASS, 1, 0},
    {IPPROTO_IP, IP_TTL, TCP, YEON_TCP_HOP_LIMIT, YEON_UDP_HOP_LIMIT, 1, 0},
    {IPPROTO_IP, IP_MULTICAST_TTL, UDP, -1, YEON_UDP_MULTICAST_HOPS, 1, 0},
    {IPPROTO_IP, IP_MULTICAST_LOOP, TAKEN, -1, -1, 0, 1},
    {IPPROTO_IP, IP_RECVERR, TAKEN, -1, -1, 0, 0},
    {IPPROTO_IP, IP_MTU_DISCOVER, TAKEN, -1, -1, 0, 1},
    {IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, TAKEN, -1, -1, 0, 0},
    {IPPROTO_IPV6, IPV6_V6ONLY, TCP, YEON_TCP_V6ONLY, YEON_UDP_V6ONLY, 1, 0},
    {IPPROTO_IPV6, IPV6_TCLASS, TCP, YEON_TCP_TRAFFIC_CLASS, YEON_UDP_TRAFFIC_CLASS, 1, 0},
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS, TCP, YEON_TCP_HOP_LIMIT, YEON_UDP_HOP_LIMIT, 1, 0},
    {IPPROTO_IPV6, IPV6_MULTICAST_HOPS, UDP, -1, YEON_UDP_MULTICAST_HOPS, 1, 0},
    {IPPROTO_IPV6, IPV6_MULTICAST_LOOP, TAKEN, -1, -1, 0, 1},
    {IPPROTO_IPV6, IPV6_RECVERR, TAKEN, -1, -1, 0, 0},
    {IPPROTO_IPV6, IPV6_MTU_DISCOVER, TAKEN, -1, -1, 0, 1},
    {IPPROTO_IPV6, IPV6_DONTFRAG, UDP, -1, YEON_UDP_DONT_FRAGMENT, 1, 0},
};

static const struct option *find(int level, int name)
{
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
    if (table[i].level == level && table[i].name == name) return &table[i];
  return NULL;
}

static bool is_flag(const struct option *o)
{
  return o->tcp == YEON_TCP_NODELAY || o->tcp == YEON_TCP_CORK || o->tcp == YEON_TCP_QUICKACK || o->tcp == YEON_TCP_KEEPALIVE ||
         o->tcp == YEON_TCP_REUSEADDR || o->tcp == YEON_TCP_REUSEPORT || o->tcp == YEON_TCP_V6ONLY || o->tcp == YEON_TCP_OOBINLINE ||
         (o->tcp < 0 && o->udp == YEON_UDP_BROADCAST);
}

static int set_endpoint(struct lab_socket *s, const struct option *o, int64_t value)
{
  int rc = 0;
  if (is_flag(o)) value = value != 0;
  if (value == -1 && (o->tcp == YEON_TCP_HOP_LIMIT || o->udp == YEON_UDP_MULTICAST_HOPS)) return 0; /* the default */
  if (s->tcp != NULL && o->tcp >= 0)
    rc = yeon_tcp_set(s->tcp, (enum yeon_tcp_option)o->tcp, value * (o->scale > 0 ? o->scale : 1), lab_now());
  else if (s->udp != NULL && o->udp >= 0)
    rc = yeon_udp_set(s->udp, (enum yeon_udp_option)o->udp, value);
  else if (s->tcp == NULL && s->udp == NULL)
    return EINVAL;
  return rc == 0 ? 0 : yeon_error_errno(rc);
}

/* What is asked for bounds TCP's buffer, and half of it (which the kernel doubles) the pair's. */
static int set_buffer(struct lab_socket *s, bool sending, int64_t asked)
{
  int64_t value = asked < 0 ? 4194304 : asked;
  if (value > 4194304) value = 4194304;
  if (value < 2304) value = 2304;
  *(sending ? &s->sndbuf : &s->rcvbuf) = (int)(value * 2);
  int half = (int)(value / 2 > 4608 ? value / 2 : 4608);
  if (!sending && s->fd >= 0) (void)setsockopt(s->fd, SOL_SOCKET, SO_SNDBUF, &half, sizeof half);
  int rc = 0;
  if (s->tcp != NULL) rc = yeon_tcp_set(s->tcp, sending ? YEON_TCP_SNDBUF : YEON_TCP_RCVBUF, value < 4096 ? 4096 : value, lab_now());
  if (s->udp != NULL) rc = yeon_udp_set(s->udp, sending ? YEON_UDP_SNDBUF : YEON_UDP_RCVBUF, value);
  return rc == 0 ? 0 : yeon_error_errno(rc);
}

int lab_pair_sndbuf(const struct lab_socket *s) { return s->sndbuf / 4 > 4608 ? s->sndbuf / 4 : 4608; }

static int set_linger(struct lab_socket *s, const struct lab_letter *letter)
{
  struct linger l;
  if (letter->head.len < sizeof l) return EINVAL;
  memcpy(&l, letter->payload, sizeof l);
  if (s->tcp == NULL) return 0;
  int rc = yeon_tcp_set(s->tcp, YEON_TCP_LINGER_MS, l.l_onoff ? (int64_t)l.l_linger * 1000 : -1, lab_now());
  return rc == 0 ? 0 : yeon_error_errno(rc);
}

static int join_group(struct lab_socket *s, const struct lab_letter *letter, bool join)
{
  struct yeon_ip group;
  if (s->udp == NULL) return ENOPROTOOPT;
  if (letter->head.arg[0] == IPPROTO_IP) {
    if (letter->head.len < 8) return EINVAL;
    const uint8_t *b = letter->payload;
    group = yeon_ip4(b[0], b[1], b[2], b[3]);
  } else {
    if (letter->head.len < sizeof(struct ipv6_mreq)) return EINVAL;
    memcpy(group.b, letter->payload, 16);
  }
  int rc = (join ? yeon_udp_join : yeon_udp_leave)(s->udp, 0, &group);
  return rc == 0 ? 0 : yeon_error_errno(rc);
}

static bool is_congestion(const struct lab_message *m)
{
  return m->arg[0] == IPPROTO_TCP && m->arg[1] == TCP_CONGESTION;
}

/* Those with a story; ENOPROTOOPT: not one of them. */
static int set_special(struct lab_socket *s, const struct lab_letter *letter, int64_t value)
{
  const struct lab_message *m = &letter->head;
  int level = m->arg[0], name = m->arg[1];
  if (level == SOL_SOCKET && (name == SO_SNDBUF || name == SO_RCVBUF)) return set_buffer(s, name == SO_SNDBUF, value);
  if (level == SOL_SOCKET && (name == SO_SNDBUFFORCE || name == SO_RCVBUFFORCE || name == SO_MARK)) return EPERM;
  if (level == SOL_SOCKET && name == SO_LINGER) return set_linger(s, letter);
  if (level == IPPROTO_IP && (name == IP_ADD_MEMBERSHIP || name == IP_DROP_MEMBERSHIP))
    return join_group(s, letter, name == IP_ADD_MEMBERSHIP);
  if (level == IPPROTO_IPV6 && (name == IPV6_JOIN_GROUP || name == IPV6_LEAVE_GROUP))
    return join_group(s, letter, name == IPV6_JOIN_GROUP);
  if (level == SOL_SOCKET && name == SO_BINDTODEVICE) return m->len == 0 || letter->payload[0] == '\0' ? 0 : ENODEV;
  if (is_congestion(m)) return m->len >= 4 && memcmp(letter->payload, "reno", 4) == 0 ? 0 : ENOENT;
  return ENOPROTOOPT;
}

static void complain(struct lab_socket *s, const struct lab_message *m, const char *call)
{
  lab_log(s->lab, "%s (%d): %s level %d option %d: not supported, ENOPROTOOPT", lab_socket_program(s), s->pid, call, m->arg[0], m->arg[1]);
}

void lab_call_setopt(struct lab_socket *s, struct lab_client *client, const struct lab_letter *letter)
{
  const struct lab_message *m = &letter->head;
  const struct option *o = find(m->arg[0], m->arg[1]);
  struct lab_message reply = {.kind = m->kind, .id = m->id, .ino = m->ino};
  int value = 0;
  int error;
  if (m->len >= sizeof value) memcpy(&value, letter->payload, sizeof value);
  else if (m->len > 0) value = letter->payload[0];
  if (o == NULL) {
    error = set_special(s, letter, value);
    if (error == ENOPROTOOPT) complain(s, m, "setsockopt");
  } else if (o->way == NATIVE) {
    reply.flags = LAB_CONTINUE;
    error = 0;
  } else if (o->way == TAKEN) {
    error = 0;
  } else {
    error = m->len < 1 ? EINVAL : set_endpoint(s, o, value);
    if ((o->tcp < 0 && s->stream && o->level != SOL_SOCKET) || (s->udp != NULL && o->level == IPPROTO_TCP)) error = ENOPROTOOPT;
  }
  reply.result = -error;
  /* what the supervisor sets on the program's end of the pair */
  if (error == 0 && m->arg[0] == SOL_SOCKET && m->arg[1] == SO_SNDBUF) reply.result = lab_pair_sndbuf(s);
  lab_answer(client, &reply, NULL, -1);
}

static int get_endpoint(const struct lab_socket *s, const struct option *o)
{
  int64_t value = 0;
  int rc = YEON_ERR_UNSUPPORTED;
  if (s->tcp != NULL && o->tcp >= 0) rc = yeon_tcp_get(s->tcp, (enum yeon_tcp_option)o->tcp, &value);
  if (s->udp != NULL && o->udp >= 0) rc = yeon_udp_get(s->udp, (enum yeon_udp_option)o->udp, &value);
  if (rc != 0) return 0;
  return (int)(value / (o->scale > 0 ? o->scale : 1));
}

static int take_error(struct lab_socket *s)
{
  int error = s->error;
  s->error = 0;
  if (error == 0 && s->udp != NULL) {
    int rc = yeon_udp_take_error(s->udp);
    if (rc != 0) error = yeon_error_errno(rc);
  }
  return error;
}

/* Options of SOL_SOCKET that are numbers. False: not one of them. */
static bool get_socket(struct lab_socket *s, int name, int *value)
{
  switch (name) {
  case SO_ERROR: *value = take_error(s); return true;
  case SO_TYPE: *value = s->stream ? SOCK_STREAM : SOCK_DGRAM; return true;
  case SO_DOMAIN: *value = lab_socket_domain(s); return true;
  case SO_PROTOCOL: *value = s->stream ? IPPROTO_TCP : IPPROTO_UDP; return true;
  case SO_ACCEPTCONN: *value = s->state == LAB_LISTENING; return true;
  case SO_SNDBUF: *value = s->sndbuf != 0 ? s->sndbuf : s->stream ? 87040 : 212992; return true;
  case SO_RCVBUF: *value = s->rcvbuf != 0 ? s->rcvbuf : s->stream ? 131072 : 212992; return true;
  case SO_MARK:
  case SO_INCOMING_NAPI_ID: *value = 0; return true;
  default: return false;
  }
}

/* Options that are no numbers: the bytes, 0 if it is not one of them. */
static size_t get_struct(struct lab_socket *s, const struct lab_message *m, uint8_t *out, size_t size)
{
  int level = m->arg[0], name = m->arg[1];
  if (level == SOL_SOCKET && name == SO_LINGER) {
    struct linger l = {0, 0};
    int64_t ms = -1;
    if (s->tcp != NULL) (void)yeon_tcp_get(s->tcp, YEON_TCP_LINGER_MS, &ms);
    if (ms >= 0) l = (struct linger){1, (int)(ms / 1000)};
    memcpy(out, &l, sizeof l);
    return sizeof l;
  }
  if (level == IPPROTO_TCP && name == TCP_INFO && s->stream) {
    struct yeon_tcp_info info = {.state = YEON_TCP_CLOSED};
    if (s->tcp != NULL) yeon_tcp_info(s->tcp, &info);
    return lab_tcp_info(&info, out, size);
  }
  if (level == SOL_SOCKET && name == SO_BINDTODEVICE) {
    out[0] = '\0'; /* to none */
    return 1;
  }
  if (is_congestion(m)) {
    memcpy(out, "reno\0\0\0\0\0\0\0\0\0\0\0", 16);
    return 16;
  }
  return 0;
}

void lab_call_getopt(struct lab_socket *s, struct lab_client *client, const struct lab_letter *letter)
{
  const struct lab_message *m = &letter->head;
  const struct option *o = find(m->arg[0], m->arg[1]);
  struct lab_message reply = {.kind = m->kind, .id = m->id, .ino = m->ino};
  uint8_t bytes[512];
  int value = 0;
  size_t len = get_struct(s, m, bytes, sizeof bytes);
  bool number = len == 0 && !(m->arg[0] == IPPROTO_IP && m->arg[1] == IP_OPTIONS); /* of which there are none: no bytes */
  if (m->arg[0] == LEVEL_ERROR) value = take_error(s);
  else if (number && o != NULL && o->way == NATIVE) reply.flags = LAB_CONTINUE;
  else if (number && o != NULL) value = o->way == TAKEN ? o->constant : get_endpoint(s, o);
  else if (number && !(m->arg[0] == SOL_SOCKET && get_socket(s, m->arg[1], &value))) {
    complain(s, m, "getsockopt");
    reply.result = -ENOPROTOOPT;
  }
  if (number) {
    memcpy(bytes, &value, sizeof value);
    len = sizeof value;
  }
  reply.len = reply.result < 0 || m->arg[2] < 0 ? 0 : (uint32_t)((size_t)m->arg[2] < len ? (size_t)m->arg[2] : len);
  lab_answer(client, &reply, bytes, -1);
}
