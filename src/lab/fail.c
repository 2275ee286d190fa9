/* Connections that fail (RST, time-outs), and ends of programs that are gone.
 *
 * A failed connection's bytes that have arrived are still delivered; then the program is to see an error, not an end of stream. A stream
 * pair shows ECONNRESET when the other end is closed with bytes unread. If none are there, the supervisor is asked to write one through a duplicate of
 * the program's end (LAB_POISON); then we close. The true error stays with the tomb for SO_ERROR, and for the preloaded helper
 * (preload/preload.c) that gives it in place of ECONNRESET. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "lab/sockets.h"

static void let_go(struct lab_socket *s, bool reset)
{
  struct yeon_tcp *tcp = s->tcp;
  if (tcp == NULL) return;
  s->tcp = NULL;
  yeon_tcp_local(tcp, &s->was);
  yeon_tcp_set_user(tcp, NULL);
  (reset ? yeon_tcp_abort : yeon_tcp_close)(tcp, lab_now());
}

void stream_close(struct lab_socket *s)
{
  if (s->unread) stream_last_bytes(s);
  let_go(s, s->unread);
  lab_socket_free(s);
}

void stream_over(struct lab_socket *s)
{
  if (s->unread) stream_last_bytes(s);
  let_go(s, s->unread);
  lab_socket_bury(s);
}

/* Where the stream had ended before the connection failed, reading goes on to give that end, as in Linux; only a writer is told. So what it has written must
 * not lie unread when we close, and nothing may be added. */
static void drain(struct lab_socket *s)
{
  (void)shutdown(s->fd, SHUT_RDWR);
  while (recv(s->fd, s->lab->scratch, LAB_SCRATCH, MSG_DONTWAIT) > 0) {
  }
}

static void finish(struct lab_socket *s)
{
  if (s->eof_written) drain(s);
  let_go(s, false);
  lab_socket_bury(s);
}

void stream_fail(struct lab_socket *s, int error)
{
  if (s->eof_written && error == ECONNRESET) error = EPIPE; /* a reset that answers what was written to a peer that is gone */
  s->error = s->cause = error;
  s->state = LAB_FAILING;
  lab_socket_ready(s);
}

static bool ask_poison(struct lab_socket *s)
{
  const struct lab_program *p = &s->lab->programs[s->program];
  struct lab_message m = {.kind = LAB_POISON, .ino = s->ino, .arg = {s->pid}};
  if (p->client == NULL || p->client->gone) return false;
  return lab_message_send(p->client->fd, &m, NULL, -1) == 0;
}

void stream_fail_turn(struct lab_socket *s)
{
  int unread = 0;
  if (s->hung_up) {
    stream_over(s);
    return;
  }
  if (s->poison_asked || (s->tcp != NULL && !stream_to_program(s))) return;
  bool silent = s->eof_written || s->ending;
  if (!silent && ioctl(s->fd, FIONREAD, &unread) == 0 && unread == 0 && ask_poison(s)) {
    s->poison_asked = true;
    return;
  }
  finish(s);
}

void stream_poisoned(struct lab_socket *s)
{
  if (s->state != LAB_FAILING || !s->poison_asked) return;
  finish(s);
}
