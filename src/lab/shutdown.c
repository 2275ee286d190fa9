/* shutdown. The pair is shut down by the supervisor, from the program's side, and we see it at ours. Asked we are because a pair is always connected, where a
 * program may rely on ENOTCONN; and because a listener that is shut down is to wake those who wait in accept. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/socket.h>

#include "lab/sockets.h"

#define NOTHING (-1)

static int shut_stream(const struct lab_socket *s, int *how)
{
  switch ((enum lab_state)s->state) {
  case LAB_CONNECTED: return s->tcp != NULL && yeon_tcp_state(s->tcp) != YEON_TCP_CLOSED ? 0 : ENOTCONN;
  case LAB_OPENING: return 0;
  case LAB_LISTENING:
    *how = *how == SHUT_WR ? NOTHING : SHUT_RDWR;
    return 0;
  case LAB_CONNECTING: *how = SHUT_RDWR; return 0;
  default: *how = NOTHING; return ENOTCONN;
  }
}

void lab_call_shutdown(struct lab_socket *s, struct lab_client *client, const struct lab_message *m)
{
  struct lab_message reply = {.kind = m->kind, .id = m->id, .ino = m->ino};
  int how = m->arg[0];
  /* UDP without a peer: an error, and yet whoever waits in recv is woken */
  int error = s->stream ? shut_stream(s, &how) : s->connected ? 0 : ENOTCONN;
  reply.result = -error;
  reply.arg[0] = how;
  lab_answer(client, &reply, NULL, -1);
}
