/* setsockopt and getsockopt. A table (option_table.c) says for every option that programs use what becomes of it; the few with a story of their own have a
 * function below. What neither knows gets ENOPROTOOPT and a line on the log. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/in6.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lab/option_table.h"
#include "lab/run.h"
#include "lab/sockets.h"
#include "lab/tcp_info.h"

#define HOPS 64 /* unless a program says otherwise */

static int set_endpoint(struct lab_socket *s, const struct lab_option *o, int64_t value)
{
  int rc = 0;
  if (lab_option_is_flag(o)) value = value != 0;
  if (value == -1 && o->tcp == YEON_TCP_HOP_LIMIT) value = HOPS;
  if (value == -1 && o->udp == YEON_UDP_MULTICAST_HOPS) value = 1;
  if (s->tcp != NULL && o->tcp >= 0)
    rc = yeon_tcp_set(s->tcp, (enum yeon_tcp_option)o->tcp, value * (o->scale > 0 ? o->scale : 1), lab_now());
  else if (s->udp != NULL && o->udp >= 0)
    rc = yeon_udp_set(s->udp, (enum yeon_udp_option)o->udp, value);
  return rc == 0 ? 0 : yeon_error_errno(rc);
}

static struct lab_kept *kept(struct lab_socket *s, const struct lab_option *o)
{
  struct lab_kept *k = s->kept;
  while (k != NULL && k->option != o) k = k->next;
  return k;
}

static int keep(struct lab_socket *s, const struct lab_option *o, int value)
{
  struct lab_kept *k = kept(s, o);
  if (k == NULL) {
    k = malloc(sizeof *k);
    if (k == NULL) return ENOBUFS;
    *k = (struct lab_kept){.next = s->kept, .option = o};
    s->kept = k;
  }
  k->value = lab_option_is_flag(o) ? value != 0 : value;
  return 0;
}

/* What is asked for bounds TCP's buffer, and half of it (which the kernel doubles) the pair's. */
static int set_buffer(struct lab_socket *s, bool sending, int64_t asked)
{
  int64_t value = asked < 0 ? 4194304 : asked;
  if (value > 4194304) value = 4194304;
  int64_t least = sending ? 2304 : 1152;
  if (value < least) value = least;
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

/* That recvmsg tells where a datagram was sent to; see dgram_calls.c. */
static int set_info(struct lab_socket *s, unsigned bit, int64_t value)
{
  s->info = value != 0 ? s->info | bit : s->info & ~bit;
  return 0;
}

static bool is_congestion(const struct lab_message *m)
{
  return m->arg[0] == IPPROTO_TCP && m->arg[1] == TCP_CONGESTION;
}

/* A name of at most 15 bytes, with or without its terminator; one that is not known: ENOENT. */
static int set_congestion(struct lab_socket *s, const struct lab_letter *letter)
{
  char name[16] = "";
  if (letter->head.len == 0) return EINVAL;
  memcpy(name, letter->payload, letter->head.len < sizeof name - 1 ? letter->head.len : sizeof name - 1);
  int algorithm = yeon_congestion_find(name);
  if (algorithm < 0) return ENOENT;
  if (s->tcp == NULL) return 0;
  int rc = yeon_tcp_set(s->tcp, YEON_TCP_CONGESTION, algorithm, lab_now());
  return rc == 0 ? 0 : yeon_error_errno(rc);
}

/* Linux calls newreno reno. */
static size_t get_congestion(const struct lab_socket *s, uint8_t *out)
{
  const char *name = s->tcp != NULL ? yeon_tcp_congestion(s->tcp) : "reno";
  memset(out, 0, 16);
  memcpy(out, strcmp(name, "newreno") == 0 ? "reno" : name, strcmp(name, "newreno") == 0 ? 4 : strlen(name));
  return 16;
}

/* 4 or 8 bytes; all ones: no limit. Read before the table, which knows numbers of 4 only. */
static int set_pacing_rate(struct lab_socket *s, const struct lab_letter *letter)
{
  uint64_t rate = 0;
  uint32_t low;
  if (letter->head.len >= sizeof rate) {
    memcpy(&rate, letter->payload, sizeof rate);
  } else {
    memcpy(&low, letter->payload, sizeof low);
    rate = low == UINT32_MAX ? UINT64_MAX : low;
  }
  if (s->tcp == NULL) return 0;
  int rc = yeon_tcp_set(s->tcp, YEON_TCP_MAX_PACING_RATE, rate >= INT64_MAX ? 0 : (int64_t)rate, lab_now());
  return rc == 0 ? 0 : yeon_error_errno(rc);
}

static size_t get_pacing_rate(const struct lab_socket *s, uint8_t *out, int size)
{
  int64_t value = 0;
  if (s->tcp != NULL) (void)yeon_tcp_get(s->tcp, YEON_TCP_MAX_PACING_RATE, &value);
  uint64_t rate = value == 0 ? UINT64_MAX : (uint64_t)value;
  uint32_t low = rate < UINT32_MAX ? (uint32_t)rate : UINT32_MAX;
  if (size < 8) memcpy(out, &low, sizeof low);
  else memcpy(out, &rate, sizeof rate);
  return size < 8 ? 4 : 8;
}

/* Those with a story; ENOPROTOOPT: not one of them. */
static int set_special(struct lab_socket *s, const struct lab_letter *letter, int64_t value)
{
  const struct lab_message *m = &letter->head;
  int level = m->arg[0], name = m->arg[1];
  if (level == SOL_SOCKET && letter->head.len < sizeof(int) && name != SO_BINDTODEVICE) return EINVAL;
  if (level == SOL_SOCKET && (name == SO_SNDBUF || name == SO_RCVBUF)) return set_buffer(s, name == SO_SNDBUF, value);
  if (level == SOL_SOCKET && letter->head.len < sizeof(int) && name != SO_BINDTODEVICE) return EINVAL;
  if (level == SOL_SOCKET && (name == SO_SNDBUFFORCE || name == SO_RCVBUFFORCE || name == SO_MARK)) return EPERM;
  if (level == SOL_SOCKET && name == SO_LINGER) return set_linger(s, letter);
  if (level == SOL_SOCKET && name == SO_MAX_PACING_RATE) return set_pacing_rate(s, letter);
  if (level == IPPROTO_IP && (name == IP_ADD_MEMBERSHIP || name == IP_DROP_MEMBERSHIP))
    return join_group(s, letter, name == IP_ADD_MEMBERSHIP);
  if (level == IPPROTO_IPV6 && (name == IPV6_JOIN_GROUP || name == IPV6_LEAVE_GROUP))
    return join_group(s, letter, name == IPV6_JOIN_GROUP);
  if (level == SOL_SOCKET && name == SO_BINDTODEVICE) return m->len == 0 || letter->payload[0] == '\0' ? 0 : ENODEV;
  if (level == IPPROTO_IP && name == IP_PKTINFO) return set_info(s, LAB_INFO_4, value);
  if (level == IPPROTO_IPV6 && name == IPV6_RECVPKTINFO) return set_info(s, LAB_INFO_6, value);
  if (is_congestion(m)) return s->stream ? set_congestion(s, letter) : ENOPROTOOPT;
  if (level == IPPROTO_TCP && name == TCP_FASTOPEN_CONNECT) return lab_fastopen_set(s, value);
  if (level == IPPROTO_TCP && name == TCP_FASTOPEN_KEY) return lab_fastopen_set_key(s, letter->payload, letter->head.len);
  return ENOPROTOOPT;
}

static void complain(struct lab_socket *s, const struct lab_message *m, const char *call)
{
  lab_log(s->lab, "%s (%d): %s level %d option %d: not supported, ENOPROTOOPT", lab_socket_program(s), s->pid, call, m->arg[0], m->arg[1]);
}

/* An option of a family or protocol that the socket has not. */
static bool is_foreign(const struct lab_socket *s, int level, const struct lab_option *o)
{
  if (level == IPPROTO_IPV6 && !s->six) return true;
  if (level == IPPROTO_TCP || level == IPPROTO_UDP) return (level == IPPROTO_TCP) != s->stream;
  return level != SOL_SOCKET && o != NULL && o->way == LAB_OPTION_UDP && s->stream;
}

static bool is_of(const struct lab_socket *s, const struct lab_option *o)
{
  if (s->state == LAB_TOMB) return false;
  return s->stream ? o->tcp >= 0 : o->udp >= 0;
}

static int set_known(struct lab_socket *s, const struct lab_option *o, const struct lab_message *m, int value)
{
  size_t least = m->arg[0] == IPPROTO_IP ? 1 : sizeof value;
  if (m->len < least) return EINVAL;
  if (o->way == LAB_OPTION_OFF) return value != 0 ? ENOPROTOOPT : 0;
  if (o->way == LAB_OPTION_TAKEN || !is_of(s, o)) return keep(s, o, value);
  return set_endpoint(s, o, value);
}

void lab_call_setopt(struct lab_socket *s, struct lab_client *client, const struct lab_letter *letter)
{
  const struct lab_message *m = &letter->head;
  const struct lab_option *o = lab_option_find(m->arg[0], m->arg[1]);
  struct lab_message reply = {.kind = m->kind, .id = m->id, .ino = m->ino};
  int value = 0, error = 0;
  if (m->len >= sizeof value) memcpy(&value, letter->payload, sizeof value);
  else if (m->len > 0) value = letter->payload[0];
  bool foreign = is_foreign(s, m->arg[0], o); /* many try both families; Linux says the same, so it is not worth a line */
  if (foreign) error = ENOPROTOOPT;
  else if (o == NULL) error = set_special(s, letter, value);
  else if (o->way == LAB_OPTION_NATIVE) reply.flags = LAB_CONTINUE;
  else error = set_known(s, o, m, value);
  if (error == ENOPROTOOPT && !foreign) complain(s, m, "setsockopt");
  reply.result = -error;
  /* what the supervisor sets on the program's end of the pair, and remembers of it */
  if (error == 0 && m->arg[0] == SOL_SOCKET && m->arg[1] == SO_SNDBUF) reply.result = lab_pair_sndbuf(s);
  reply.arg[0] = (int)s->info;
  lab_answer(client, &reply, NULL, -1);
}

static int get_known(struct lab_socket *s, const struct lab_option *o)
{
  int64_t value = 0;
  const struct lab_kept *k = kept(s, o);
  if (k != NULL) return k->value;
  if (o->way == LAB_OPTION_TAKEN || o->way == LAB_OPTION_OFF) return o->constant;
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

/* Those that are numbers and not in the table. False: unknown. */
static bool get_number(struct lab_socket *s, const struct lab_message *m, int *value)
{
  if (m->arg[0] == SOL_SOCKET) return get_socket(s, m->arg[1], value);
  *value = s->fastopen;
  if (m->arg[0] == IPPROTO_TCP && m->arg[1] == TCP_FASTOPEN_CONNECT) return s->stream;
  bool four = m->arg[0] == IPPROTO_IP && m->arg[1] == IP_PKTINFO, six = m->arg[0] == IPPROTO_IPV6 && m->arg[1] == IPV6_RECVPKTINFO;
  *value = (s->info & (four ? LAB_INFO_4 : LAB_INFO_6)) != 0;
  return four || six;
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
  if (s->stream && level == IPPROTO_IP && name == IP_PKTOPTIONS && s->tcp != NULL) { /* what a server asks to know by which address it was reached */
    struct yeon_addr local;
    int32_t flags = 0;
    yeon_tcp_local(s->tcp, &local);
    return run_control_emit(out, size, s->info & LAB_INFO_4, local.ip.b, &flags);
  }
  if (level == SOL_SOCKET && name == SO_MAX_PACING_RATE) return get_pacing_rate(s, out, m->arg[2]);
  if (is_congestion(m) && s->stream) return get_congestion(s, out);
  if (level == IPPROTO_TCP && name == TCP_FASTOPEN_KEY && s->stream) {
    memcpy(out, s->fastopen_key, s->n_fastopen_key);
    return s->n_fastopen_key;
  }
  return 0;
}

void lab_call_getopt(struct lab_socket *s, struct lab_client *client, const struct lab_letter *letter)
{
  const struct lab_message *m = &letter->head;
  const struct lab_option *o = lab_option_find(m->arg[0], m->arg[1]);
  struct lab_message reply = {.kind = m->kind, .id = m->id, .ino = m->ino};
  uint8_t bytes[512];
  int value = 0;
  size_t len = get_struct(s, m, bytes, sizeof bytes);
  bool empty = (m->arg[0] == IPPROTO_IP && m->arg[1] == IP_OPTIONS) || (m->arg[0] == SOL_SOCKET && m->arg[1] == SO_BINDTODEVICE);
  bool number = len == 0 && !empty;
  if (m->arg[0] == LAB_LEVEL_ERROR) value = take_error(s);
  else if (is_foreign(s, m->arg[0], o)) reply.result = -EOPNOTSUPP;
  else if (number && o != NULL && o->way == LAB_OPTION_NATIVE) reply.flags = LAB_CONTINUE;
  else if (number && o != NULL) value = get_known(s, o);
  else if (number && !get_number(s, m, &value)) {
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
