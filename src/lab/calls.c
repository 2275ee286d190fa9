/* What programs ask of their sockets. */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab/sockets.h"

static void answer(struct lab_client *client, const struct lab_message *m, int result)
{
  struct lab_message reply = {.kind = m->kind, .id = m->id, .ino = m->ino, .result = result};
  lab_answer(client, &reply, NULL, -1);
}

/* 0, or the errno that an unprivileged program gets. */
static int check_socket(const struct lab_message *m)
{
  int type = m->arg[1], protocol = m->arg[2];
  if (m->arg[0] != AF_INET && m->arg[0] != AF_INET6) return EAFNOSUPPORT;
  if (type == SOCK_RAW || type == SOCK_PACKET) return EPERM;
  if (type == SOCK_DGRAM && (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6)) return EACCES;
  if (type != SOCK_STREAM && type != SOCK_DGRAM) return ESOCKTNOSUPPORT;
  if (protocol != 0 && protocol != (type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP)) return EPROTONOSUPPORT;
  return 0;
}

static void open_socket(struct lab *lab, struct lab_client *client, const struct lab_message *m)
{
  const struct lab_program *p = &lab->programs[m->program];
  int error = check_socket(m), program_fd = -1;
  if (error != 0) lab_log(lab, "%s (%d): socket(%d, %d, %d) refused: %s", p->name, m->arg[3], m->arg[0], m->arg[1], m->arg[2],
                          strerror(error));
  struct lab_socket *s = NULL;
  if (error == 0) s = lab_socket_new(lab, m->arg[1] == SOCK_STREAM, m->arg[0] == AF_INET6, p->host, &program_fd, &error);
  if (s == NULL) {
    answer(client, m, -error);
    return;
  }
  s->program = m->program;
  s->pid = m->arg[3];
  error = s->stream ? stream_open(s) : dgram_open(s);
  struct lab_message reply = {.kind = m->kind, .id = m->id, .ino = s->ino, .result = -error};
  lab_answer(client, &reply, NULL, error == 0 ? program_fd : -1);
  close(program_fd);
  if (error != 0) lab_socket_free(s);
}

static int bind_once(struct lab_socket *s, const struct yeon_addr *addr)
{
  int rc = s->stream ? yeon_tcp_bind(s->tcp, addr, lab_now()) : yeon_udp_bind(s->udp, addr);
  if (rc == YEON_ERR_INVALID && s->lost == LAB_BIND) rc = 0; /* bound by the same call, made again */
  return rc;
}

static void bind_socket(struct lab_socket *s, struct lab_client *client, const struct lab_letter *letter)
{
  struct yeon_addr addr;
  int error = lab_sockaddr_parse(lab_socket_domain(s), letter->payload, letter->head.len, &addr);
  if (error == 0 && s->tcp == NULL && s->udp == NULL) error = EINVAL;
  if (error == 0) {
    int rc = bind_once(s, &addr);
    if (rc == YEON_ERR_IN_USE && lab_sockets_hurry(s->lab)) rc = bind_once(s, &addr);
    s->lost = 0;
    if (rc == YEON_ERR_ADDRESS) error = EADDRNOTAVAIL;
    else if (rc != 0) error = yeon_error_errno(rc);
  }
  answer(client, &letter->head, -error);
}

static void name_socket(struct lab_socket *s, struct lab_client *client, const struct lab_message *m)
{
  uint8_t bytes[LAB_SOCKADDR];
  struct yeon_addr addr = {0};
  bool peer = m->kind == LAB_PEERNAME;
  bool connected = s->stream ? s->state == LAB_CONNECTED && s->tcp != NULL && yeon_tcp_state(s->tcp) != YEON_TCP_CLOSED : s->connected;
  if (peer && !connected) {
    answer(client, m, -ENOTCONN);
    return;
  }
  if (s->tcp == NULL && s->udp == NULL) addr = s->was;
  else if (!s->six) addr.ip = yeon_ip4(0, 0, 0, 0);
  if (s->tcp != NULL) peer ? yeon_tcp_remote(s->tcp, &addr) : yeon_tcp_local(s->tcp, &addr);
  if (s->udp != NULL) peer ? yeon_udp_remote(s->udp, &addr) : yeon_udp_local(s->udp, &addr);
  struct lab_message reply = {.kind = m->kind, .id = m->id, .ino = m->ino};
  reply.len = (uint32_t)lab_sockaddr_emit(lab_socket_domain(s), &addr, bytes);
  lab_answer(client, &reply, bytes, -1);
}

static void on_stream(struct lab_socket *s, struct lab_client *client, const struct lab_letter *letter)
{
  const struct lab_message *m = &letter->head;
  switch ((enum lab_kind)m->kind) {
  case LAB_CONNECT: stream_connect(s, client, letter); break;
  case LAB_LISTEN: stream_listen(s, client, m); break;
  case LAB_ACCEPT: stream_accept(s, client, m); break;
  default: answer(client, m, -EOPNOTSUPP); break;
  }
}

static void on_dgram(struct lab_socket *s, struct lab_client *client, const struct lab_letter *letter)
{
  switch ((enum lab_kind)letter->head.kind) {
  case LAB_CONNECT: dgram_connect(s, client, letter); break;
  case LAB_SENDTO: dgram_sendto(s, client, letter); break;
  default: answer(client, &letter->head, -EOPNOTSUPP); break;
  }
}

static void on_socket(struct lab_socket *s, struct lab_client *client, struct lab_letter *letter, int fd)
{
  const struct lab_message *m = &letter->head;
  lab_socket_ready(s);
  if (m->flags & LAB_AGAIN) s->lost = m->kind;
  switch ((enum lab_kind)m->kind) {
  case LAB_BIND: bind_socket(s, client, letter); break;
  case LAB_SOCKNAME:
  case LAB_PEERNAME: name_socket(s, client, m); break;
  case LAB_SETOPT: lab_call_setopt(s, client, letter); break;
  case LAB_GETOPT: lab_call_getopt(s, client, letter); break;
  case LAB_SHUTDOWN: lab_call_shutdown(s, client, m); break;
  case LAB_FILLED: stream_filled(s, (uint32_t)m->arg[0]); break;
  case LAB_POISON: stream_poisoned(s); break;
  case LAB_RETURN:
    if (fd >= 0) stream_return(s, fd);
    else s->lost = (uint32_t)m->arg[0];
    break;
  default: (s->stream ? on_stream : on_dgram)(s, client, letter); break;
  }
}

static bool wants_answer(uint32_t kind)
{
  return kind != LAB_FILLED && kind != LAB_POISON && kind != LAB_RETURN && kind != LAB_CANCEL;
}

/* Their answer depends on which ports are free. A close that came before the call has no message of its own: it is in the pair, and looked for. */
static bool judges_ports(uint32_t kind) { return kind == LAB_BIND || kind == LAB_LISTEN || kind == LAB_CONNECT; }

void lab_call(struct lab *lab, struct lab_client *client, struct lab_letter *letter, int fd)
{
  const struct lab_message *m = &letter->head;
  struct lab_socket *s = NULL;
  if (judges_ports(m->kind)) lab_settle(lab);
  if (m->kind == LAB_SOCKET && m->program < lab->n_programs) {
    open_socket(lab, client, m);
  } else if (m->kind == LAB_CANCEL) {
    lab_sockets_cancel(lab, client, m->id);
  } else if ((s = lab_socket_find(lab, m->ino)) != NULL) {
    on_socket(s, client, letter, fd);
    if (m->kind == LAB_RETURN) return; /* the descriptor is taken */
  } else if (wants_answer(m->kind)) {
    /* closed at our end already: the kernel's answer for the pair is as near as it gets */
    struct lab_message reply = {.kind = m->kind, .id = m->id, .ino = m->ino, .result = -ENOTSOCK, .flags = LAB_CONTINUE};
    lab_answer(client, &reply, NULL, -1);
  }
  if (fd >= 0) close(fd);
}
