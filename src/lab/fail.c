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

void stream_close(struct lab_socket *s)
{
  if (s->tcp != NULL) {
    struct yeon_tcp *tcp = s->tcp;
    s->tcp = NULL;
    yeon_tcp_set_user(tcp, NULL);
    if (s->unread) yeon_tcp_abort(tcp, lab_now());
    else yeon_tcp_close(tcp, lab_now());
  }
  lab_socket_free(s);
}

static void finish(struct lab_socket *s)
{
  if (s->tcp != NULL) {
    yeon_tcp_set_user(s->tcp, NULL);
    yeon_tcp_close(s->tcp, lab_now());
    s->tcp = NULL;
  }
  lab_socket_bury(s);
}

void stream_fail(struct lab_socket *s, int error)
{
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
    stream_close(s);
    return;
  }
  if (s->poison_asked || (s->tcp != NULL && !stream_to_program(s))) return;
  if (ioctl(s->fd, FIONREAD, &unread) == 0 && unread == 0 && !s->ending && ask_poison(s)) {
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
