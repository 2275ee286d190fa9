/* TCP Fast Open, the client's side (RFC 7413 4.1.3, 4.2.1, 4.2.2).
 *
 * yeon_tcp_connect_send queues bytes before the connection stands. When its SYN leaves, fastopen_cache.c is asked for the server's cookie: with one the
 * SYN carries it and a first segment of the bytes, without one it asks for one. A SYN that has to go again is an ordinary one. The SYN-ACK says how
 * much of the data was taken; what was not goes again at once, with the acknowledgment, as data in flight that is known not to have arrived.
 *
 * Some middleboxes drop SYNs with an option they do not know, or the connection behind them. What a try told is remembered (4.1.3.1): by the path when
 * it was answered badly, and by the host when three time-outs in a row look like a black hole (section 7.1), for a time that doubles. */
#include <string.h>

#include "tcp/internal.h"

#define OPTION_ROOM 40u /* of a SYN's first segment, kept free: on the way options may be added */
#define PAUSE_DOUBLINGS 6u

static uint32_t seconds(const struct tcp *t, yeon_time now) { return (uint32_t)((now - t->epoch) / YEON_SEC); }

static bool paused(const struct tcp *t, yeon_time now)
{
  return t->options.fastopen_black_hole_s != 0 && t->fastopen_paused_until != 0 && now < t->fastopen_paused_until;
}

static bool refuses(const struct yeon_tcp *c, const struct tcp_server_note *n, const struct tcp_key *key, yeon_time now)
{
  if (c->t->options.fastopen_retry_s == 0 || n == NULL || n->refused_s == 0) return false;
  return n->refused_port == key->remote_port && seconds(c->t, now) < n->refused_s;
}

static bool needs_no_cookie(const struct yeon_tcp *c)
{
  return (c->t->options.fastopen & YEON_FASTOPEN_CLIENT_NO_COOKIE) != 0 || (c->flags2 & TCP_G_NO_COOKIE) != 0;
}

/* RFC 7413 4.1.3: the MSS that the server announced last, or what is usual. */
static uint32_t room_in_syn(const struct yeon_tcp *c, const struct tcp_server_note *n, const struct yeon_ip *remote, uint32_t mtu)
{
  uint32_t mss = tcp_announced_mss(remote, (uint16_t)mtu, tcp_mss_limit(c)), usual = yeon_ip_is4(remote) ? 1460 : 1440;
  if (n != NULL && n->mss != 0) usual = n->mss;
  if (mss > usual) mss = usual;
  return mss > OPTION_ROOM ? mss - OPTION_ROOM : 0;
}

int tcp_fastopen_room(struct yeon_tcp *c, const struct tcp_path *path, const struct yeon_addr *remote, yeon_time now)
{
  struct tcp_key key = {.remote = remote->ip, .remote_port = remote->port, .local = path->local};
  if ((c->t->options.fastopen & YEON_FASTOPEN_CLIENT) == 0) return YEON_ERR_UNSUPPORTED;
  const struct tcp_server_note *n = tcp_server_find(c->t, &key);
  if (paused(c->t, now) || refuses(c, n, &key, now)) return 0;
  if (!needs_no_cookie(c) && (n == NULL || n->n_cookie == 0)) return 0;
  return (int)room_in_syn(c, n, &remote->ip, path->mtu);
}

int64_t tcp_connect_send(struct yeon_tcp *c, const struct tcp_path *path, const struct yeon_addr *remote, const void *buf, size_t len,
                         yeon_time now)
{
  if ((c->t->options.fastopen & YEON_FASTOPEN_CLIENT) == 0) return YEON_ERR_UNSUPPORTED;
  if (buf == NULL && len > 0) return YEON_ERR_INVALID;
  int error = tcp_connect(c, path, remote, now);
  if (error != 0) return error;
  c->flags2 |= TCP_G_FASTOPEN;
  int64_t n = len > 0 ? tcp_enqueue(c, buf, len) : 0;
  tcp_trace_call(c, YEON_CALL_SEND, (int64_t)len, n, now);
  tcp_trace_buffer(c, now);
  return n > 0 ? n : 0;
}

/* RFC 7413 4.2.1, 4.2.2, Client, step 1. False: no room for it among the options. */
static bool put_option(struct wire_tcp *h, const struct tcp_server_note *n)
{
  size_t before = wire_tcp_size(h);
  uint8_t form = n == NULL ? TCP_FASTOPEN_NONE : n->n_cookie > 0 ? n->form : n->try_form;
  h->has_fastopen = true;
  h->fastopen_experimental = form == TCP_FASTOPEN_EXPERIMENT;
  h->n_cookie = n != NULL ? n->n_cookie : 0;
  if (h->n_cookie > 0) memcpy(h->cookie, n->cookie, h->n_cookie);
  h->has_fastopen = wire_tcp_size(h) > before;
  return h->has_fastopen;
}

uint32_t tcp_fastopen_on_syn(struct yeon_tcp *c, struct wire_tcp *h, yeon_time now)
{
  const struct tcp_key *key = &c->record.key;
  const struct tcp_server_note *n = tcp_server_find(c->t, key);
  if ((c->flags2 & TCP_G_FASTOPEN) == 0 || (c->flags & TCP_F_PASSIVE) != 0) return 0;
  c->flags2 &= ~TCP_G_FASTOPEN;
  if (paused(c->t, now) || refuses(c, n, key, now)) return 0;
  if (!needs_no_cookie(c)) {
    if (!put_option(h, n)) return 0;
    c->flags2 |= TCP_G_FASTOPEN;
    if (h->n_cookie == 0) return 0;
  }
  uint32_t room = room_in_syn(c, n, &key->remote, c->path_mtu), queued = ring_len(c->snd);
  return queued < room ? queued : room;
}

void tcp_fastopen_refused(struct yeon_tcp *c, yeon_time now)
{
  bool tried = (c->flags & TCP_F_PASSIVE) == 0 && ((c->flags2 & TCP_G_FASTOPEN) != 0 || c->snd_max - c->iss > 1);
  if (!tried || c->t->options.fastopen_retry_s == 0) return;
  struct tcp_server_note *n = tcp_server_note(c->t, &c->record.key, now);
  if (n == NULL) return;
  n->refused_s = seconds(c->t, now) + c->t->options.fastopen_retry_s;
  n->refused_port = c->record.key.remote_port;
}

/* Who answers the option's number with nothing may know its experimental form, and is asked so once; then the number for good. */
static void change_form(const struct yeon_tcp *c, struct tcp_server_note *n)
{
  if (!c->t->options.fastopen_experimental || n->n_cookie > 0) return;
  n->try_form = n->try_form == TCP_FASTOPEN_NONE ? TCP_FASTOPEN_EXPERIMENT : TCP_FASTOPEN_OPTION;
}

/* RFC 7413 4.2.2, Client: receiving SYN-ACK, step 1. */
static void note_answer(struct yeon_tcp *c, const struct wire_tcp *h, bool data, bool resent, yeon_time now)
{
  struct tcp_server_note *n = tcp_server_note(c->t, &c->record.key, now);
  bool asked = (c->flags2 & TCP_G_FASTOPEN) != 0; /* else a cookie is nothing we asked for */
  if (n == NULL) return;
  if (h->mss != 0) n->mss = h->mss;
  if (asked && h->has_fastopen && h->n_cookie > 0) {
    n->n_cookie = h->n_cookie;
    memcpy(n->cookie, h->cookie, h->n_cookie);
    n->form = h->fastopen_experimental ? TCP_FASTOPEN_EXPERIMENT : TCP_FASTOPEN_OPTION;
    n->refused_s = 0;
  } else if (asked && !data && !resent) {
    change_form(c, n);
  }
}

void tcp_fastopen_on_answer(struct yeon_tcp *c, const struct wire_tcp *h, yeon_time now)
{
  bool asked = (c->flags2 & TCP_G_FASTOPEN) != 0, data = c->snd_max - c->iss > 1, resent = c->rexmits > 0;
  bool given = h->has_fastopen && h->n_cookie > 0;
  if (!asked && !data) return;
  note_answer(c, h, data, resent, now);
  if (data && h->ack == c->snd_max) {
    c->flags2 |= TCP_G_SYN_DATA;
    c->t->counters->tcp_fastopen_out++;
    c->t->fastopen_pauses = 0;
    return;
  }
  if (data) c->t->counters->tcp_fastopen_fallback++;
  /* RFC 7413 4.1.3.1, 4.2.2: no cookie though one was asked for, none of the data taken, or only the plain SYN got through. With a fresh cookie the
   * next try may do better. */
  if (!given && h->ack == c->iss + 1) tcp_fastopen_refused(c, now);
}

/* RFC 7413 4.2.2, Client: not a sign of congestion, so that nothing but the data itself is touched. */
void tcp_fastopen_resend(struct yeon_tcp *c, uint32_t taken)
{
  c->snd_nxt = c->snd_max;
  if (c->busy != NULL && seq_lt(taken, c->snd_max)) (void)tcp_sent_lose(c, taken, c->snd_max, false);
}

static void pause_all(struct tcp *t, yeon_time now)
{
  if (t->options.fastopen_black_hole_s == 0) return;
  uint32_t doublings = t->fastopen_pauses < PAUSE_DOUBLINGS ? t->fastopen_pauses : PAUSE_DOUBLINGS;
  t->fastopen_paused_until = now + ((yeon_time)t->options.fastopen_black_hole_s << doublings) * YEON_SEC;
  t->fastopen_pauses++;
  t->counters->tcp_fastopen_black_hole++;
}

void tcp_fastopen_on_timeout(struct yeon_tcp *c, bool last, yeon_time now)
{
  bool tried = (c->flags2 & (TCP_G_FASTOPEN | TCP_G_SYN_DATA)) != 0 || (c->state == YEON_TCP_SYN_SENT && c->snd_max - c->iss > 1);
  if ((c->flags & TCP_F_PASSIVE) != 0 || !tried) return;
  if (c->rexmits == 2 || (c->rexmits < 2 && last)) pause_all(c->t, now);
  if (c->state == YEON_TCP_SYN_SENT && last) tcp_fastopen_refused(c, now);
}
