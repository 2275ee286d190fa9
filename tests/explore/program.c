/* The programs at both ends: what they call, and that what they are given is right. */
#include "explore.h"

uint8_t content_at(unsigned side, unsigned generation, uint32_t position)
{
  return (uint8_t)(position * 31 + (position >> 5) * 7 + side * 101 + generation * 59 + 11);
}

static void set_options(struct world *w, struct yeon_tcp *tcp)
{
  yeon_time now = w->live.now;
  struct yeon_tcp_options o;
  rules_options(w->rules, &o);
  yeon_tcp_set(tcp, YEON_TCP_RCVBUF, o.rcvbuf, now);
  yeon_tcp_set(tcp, YEON_TCP_SNDBUF, o.sndbuf, now);
  yeon_tcp_set(tcp, YEON_TCP_REUSEADDR, 1, now);
  if (!w->rules->nagle) yeon_tcp_set(tcp, YEON_TCP_NODELAY, 1, now);
}

static struct yeon_tcp *open_bound(struct world *w, unsigned side)
{
  struct yeon_tcp *tcp;
  w->touched |= 1u << side;
  if (yeon_tcp_open(w->host[side], &tcp) != 0) return NULL;
  set_options(w, tcp);
  int error = yeon_tcp_bind(tcp, &w->addr[side], w->live.now);
  if (error != 0) violate(w, "bind: %s", yeon_error_name(error));
  return tcp;
}

void program_listen(struct world *w, unsigned side)
{
  struct program *p = &w->live.program[side];
  p->listener = open_bound(w, side);
  int error = p->listener == NULL ? YEON_ERR_NO_MEMORY : yeon_tcp_listen(p->listener, 2, w->live.now);
  if (error != 0) violate(w, "listen: %s", yeon_error_name(error));
}

/* Whether connections that the listener has not handed over yet go down with it. */
static bool somebody_waits(const struct world *w, unsigned side)
{
  return w->host[side]->tcp.half_opens.used > 0 || w->live.program[side].listener->extra->waiting > 0;
}

void program_unlisten(struct world *w, unsigned side)
{
  struct program *p = &w->live.program[side];
  w->touched |= 1u << side;
  if (somebody_waits(w, side)) w->live.troubled = true;
  yeon_tcp_close(p->listener, w->live.now);
  p->listener = NULL;
}

/* The connection is this program's from now on. */
static void begin(struct world *w, unsigned side, struct yeon_tcp *tcp, unsigned generation)
{
  struct program *p = &w->live.program[side];
  p->tcp = tcp;
  p->generation = (uint8_t)generation;
  p->received = 0;
  p->writes = 0;
  p->shut = p->eof = false;
  w->live.monitor[side] = (struct monitor){.id = tcp->id,
                                           .generation = (uint8_t)generation,
                                           .offered = tcp->state >= YEON_TCP_ESTABLISHED,
                                           .room = tcp->snd_una + tcp->snd_wnd};
  struct stream *s = &w->live.stream[side][generation];
  s->iss = tcp->iss;
  s->known = true;
}

bool program_may_connect(const struct world *w, unsigned side)
{
  const struct program *p = &w->live.program[side];
  const struct tcp *t = &w->host[side]->tcp;
  if (p->tcp != NULL || p->listener != NULL || p->connects >= w->rules->connects[side]) return false;
  return t->conns.used == 0 && t->time_waits.used == t->time_wait_dead;
}

void program_connect(struct world *w, unsigned side)
{
  struct program *p = &w->live.program[side];
  struct yeon_tcp *tcp = open_bound(w, side);
  int error = tcp == NULL ? YEON_ERR_NO_MEMORY : yeon_tcp_connect(tcp, &w->addr[!side], w->live.now);
  if (error != 0) {
    violate(w, "connect: %s", yeon_error_name(error));
    return;
  }
  if (w->rules->paced) (void)yeon_tcp_set(tcp, YEON_TCP_MAX_PACING_RATE, 6400, w->live.now);
  begin(w, side, tcp, p->connects++);
}

void program_write(struct world *w, unsigned side)
{
  struct program *p = &w->live.program[side];
  struct stream *s = &w->live.stream[side][p->generation];
  uint8_t piece[PIECE_MOST];
  w->touched |= 1u << side;
  for (uint32_t i = 0; i < w->rules->piece; i++) piece[i] = content_at(side, p->generation, s->written + i);
  int64_t n = yeon_tcp_send(p->tcp, piece, w->rules->piece, 0, w->live.now);
  if (n == w->rules->piece)
    s->written += (uint32_t)n;
  else
    violate(w, "%c: send: %s", "ab"[side], n < 0 ? yeon_error_name((int)n) : "not all was taken");
  p->writes++;
}

static void end_stream(struct world *w, unsigned side)
{
  struct program *p = &w->live.program[side];
  p->shut = true;
  w->live.stream[side][p->generation].ended = true;
}

void program_shut(struct world *w, unsigned side)
{
  w->touched |= 1u << side;
  int error = yeon_tcp_shutdown(w->live.program[side].tcp, YEON_SHUT_WR, w->live.now);
  if (error != 0) violate(w, "%c: shutdown: %s", "ab"[side], yeon_error_name(error));
  end_stream(w, side);
}

void program_close(struct world *w, unsigned side)
{
  struct program *p = &w->live.program[side];
  w->touched |= 1u << side;
  if (!p->eof) w->live.troubled = true;
  end_stream(w, side);
  yeon_tcp_close(p->tcp, w->live.now);
  p->tcp = NULL;
}

void program_abort(struct world *w, unsigned side)
{
  struct program *p = &w->live.program[side];
  w->touched |= 1u << side;
  w->live.troubled = true;
  yeon_tcp_abort(p->tcp, w->live.now);
  p->tcp = NULL;
}

static void take_bytes(struct world *w, unsigned side, const uint8_t *buf, uint32_t n)
{
  struct program *p = &w->live.program[side];
  for (uint32_t i = 0; i < n; i++)
    if (buf[i] != content_at(!side, p->generation, p->received + i)) {
      violate(w, "%c: byte %u of the stream is wrong", "ab"[side], p -> received + i);
      return;
    }
  p->received += n;
  uint32_t written = w->live.stream[!side][p->generation].written;
  if (p->received > written) violate(w, "%c: %u bytes read of %u written", "ab"[side], p -> received, written);
}

static void take_end(struct world *w, unsigned side)
{
  struct program *p = &w->live.program[side];
  const struct stream *s = &w->live.stream[!side][p->generation];
  if (!s->ended)
    violate(w, "%c: end of a stream that the other side has not ended", "ab"[side]);
  else if (p->received != s->written)
    violate(w, "%c: end of the stream after %u of %u bytes", "ab"[side], p -> received, s -> written);
  p->eof = true;
}

static void take_failure(struct world *w, unsigned side, int error)
{
  if (!w->live.troubled) violate(w, "%c: %s without need", "ab"[side], yeon_error_name(error));
  if (error != YEON_ERR_RESET && error != YEON_ERR_REFUSED) violate(w, "%c: %s", "ab"[side], yeon_error_name(error));
}

/* The connection is over, and all has been read. */
static void forget(struct world *w, unsigned side)
{
  struct program *p = &w->live.program[side];
  w->live.stream[side][p->generation].ended = true;
  yeon_tcp_close(p->tcp, w->live.now);
  p->tcp = NULL;
}

void program_read(struct world *w, unsigned side, uint32_t most)
{
  struct program *p = &w->live.program[side];
  uint8_t buf[4096];
  w->touched |= 1u << side;
  while (most > 0 && !p->eof) {
    int64_t n = yeon_tcp_recv(p->tcp, buf, most < sizeof buf ? most : sizeof buf, 0, w->live.now);
    if (n == YEON_ERR_AGAIN) return;
    if (n < 0) {
      take_failure(w, side, (int)n);
      forget(w, side);
      return;
    }
    if (n == 0) break;
    take_bytes(w, side, buf, (uint32_t)n);
    most -= (uint32_t)n;
  }
  if (most == 0) return;
  int error = p->tcp->state == YEON_TCP_CLOSED ? yeon_tcp_take_error(p->tcp) : 0;
  if (error != 0) take_failure(w, side, error);
  bool failed = error != 0 || (p->tcp->state == YEON_TCP_CLOSED && (p->tcp->flags & TCP_F_FIN_RECEIVED) == 0);
  if (!failed && !p->eof) take_end(w, side);
  if (failed && !w->live.troubled) violate(w, "%c: over without the end of the stream", "ab"[side]);
  if (p->tcp->state == YEON_TCP_CLOSED) forget(w, side);
}

static void accept_all(struct world *w, unsigned side)
{
  struct program *p = &w->live.program[side];
  struct yeon_tcp *tcp;
  while (p->listener != NULL && yeon_tcp_accept(p->listener, &tcp, w->live.now) == 0) {
    unsigned g = 0;
    while (g < GENERATIONS && !(w->live.stream[!side][g].known && w->live.stream[!side][g].iss == tcp->irs)) g++;
    if (g == GENERATIONS || p->tcp != NULL) {
      violate(w, p->tcp != NULL ? "%c: a second connection while the first lives" : "%c: a connection with nobody",
              "ab"[side]);
      return;
    }
    if (w->live.stream[side][g].known) violate(w, "%c: the same connection accepted twice", "ab"[side]);
    begin(w, side, tcp, g);
    if (!w->rules->keeps_listening) program_unlisten(w, side);
  }
}

static void react(struct world *w, unsigned side, struct yeon_tcp *tcp)
{
  struct program *p = &w->live.program[side];
  if (tcp == p->listener) {
    accept_all(w, side);
    return;
  }
  if (tcp != p->tcp) {
    violate(w, "%c: a report of an endpoint that the program does not hold", "ab"[side]);
    return;
  }
  bool nothing_left = tcp->state == YEON_TCP_CLOSED && ring_len(tcp->rcv) == 0;
  if (!w->rules->slow_reader || nothing_left) program_read(w, side, UINT32_MAX);
}

bool program_reports(struct world *w, unsigned side)
{
  struct yeon_ready ready;
  bool any = false;
  while (w->violation[0] == '\0' && yeon_host_event(w->host[side], &ready)) {
    any = true;
    react(w, side, ready.tcp);
  }
  return any;
}
