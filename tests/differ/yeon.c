/* yeon as a world: one host in this process, in virtual time. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "differ.h"

#define WARM_UP (5 * YEON_SEC) /* duplicate address detection is over by then */

static yeon_time host_time(const struct differ *d) { return d->run.now + DRILL_EPOCH; }

static yeon_time yeon_now(struct differ *d) { return d->run.now; }

static void pump(struct differ *d)
{
  struct yeon_frame frames[16];
  static uint8_t bytes[65536];
  size_t n;
  do {
    n = yeon_host_output(d->run.host, 0, frames, 16, host_time(d));
    for (size_t i = 0; i < n; i++)
      if (yeon_frame_copy(&frames[i], bytes, sizeof bytes) > 0) differ_saw(d, bytes, frames[i].len);
  } while (n == 16);
}

static void settle(struct differ *d)
{
  struct yeon_ready ready;
  pump(d);
  while (yeon_host_event(d->run.host, &ready)) continue;
  differ_retry(d);
  pump(d);
}

static struct yeon_host *host_of(struct differ *d);

static void yeon_wait(struct differ *d, yeon_time until)
{
  host_of(d);
  for (;;) {
    settle(d);
    yeon_time next = yeon_host_next(d->run.host);
    if (next != YEON_NEVER) next -= DRILL_EPOCH;
    if (next > until) break;
    if (next > d->run.now) d->run.now = next;
  }
  if (until > d->run.now) d->run.now = until;
  settle(d);
}

static void make_host(struct differ *d)
{
  struct drill_run *r = &d->run;
  struct yeon_host_config config;
  struct yeon_link_config link = {.name = "wire", .mtu = r->mtu};
  struct yeon_ip any = yeon_ip_is4(&r->local) ? yeon_ip4(0, 0, 0, 0) : (struct yeon_ip){{0}};
  yeon_host_config_init(&config);
  config.seed = 1;
  config.tcp = &r->options;
  r->now = -WARM_UP;
  if (yeon_host_new(&r->host, &config, host_time(d)) != 0 || yeon_host_add_link(r->host, &link) != 0 ||
      yeon_host_add_addr(r->host, 0, &r->local, yeon_ip_is4(&r->local) ? 16 : 48) != 0 ||
      yeon_host_add_route(r->host, &any, 0, NULL, 0) != 0)
    drill_fail(r, "no host can be made of this");
  fastopen_apply_key(r);
  if (!r->over) yeon_wait(d, 0);
}

/* The host is made when the first thing is asked of it, for settings come before. */
static struct yeon_host *host_of(struct differ *d)
{
  if (d->run.host == NULL) make_host(d);
  return d->run.host;
}

static bool yeon_begin(struct differ *d)
{
  d->settle = 0;
  return true;
}

static void yeon_end(struct differ *d)
{
  yeon_host_free(d->run.host);
  d->run.host = NULL;
}

static void yeon_setting(struct differ *d, const char *name, const char *value) { sysctl_set(&d->run, name, value); }

static void yeon_inject(struct differ *d, const uint8_t *packet, size_t len)
{
  struct yeon_frame f;
  yeon_frame_from_bytes(&f, packet, len);
  yeon_host_input(host_of(d), 0, &f, 1, host_time(d));
  settle(d);
}

static int64_t outcome(int64_t n) { return n < 0 ? -yeon_error_errno((int)n) : n; }

static int64_t open_socket(struct differ *d, struct differ_socket *s)
{
  if (s->is_udp) return outcome(yeon_udp_open(host_of(d), &s->udp));
  return outcome(yeon_tcp_open(host_of(d), &s->tcp));
}

static int64_t connect_to(struct differ *d, struct differ_call *c)
{
  struct yeon_tcp *tcp = c->s->tcp;
  if (c->s->is_udp) return outcome(yeon_udp_connect(c->s->udp, &c->addr));
  if (!c->s->connecting || c->s->connected) {
    int error = yeon_tcp_connect(tcp, &c->addr, host_time(d));
    c->s->connecting = error == 0;
    return error == 0 ? -EINPROGRESS : outcome(error);
  }
  enum yeon_tcp_state state = yeon_tcp_state(tcp);
  if (state == YEON_TCP_SYN_SENT || state == YEON_TCP_SYN_RECEIVED) return c->again ? -EINPROGRESS : -EALREADY;
  c->s->connecting = false;
  if (state == YEON_TCP_CLOSED) return outcome(yeon_tcp_take_error(tcp));
  c->s->connected = true;
  return 0;
}

static int64_t send_bytes(struct differ *d, const struct differ_call *c)
{
  static const uint8_t zeros[65536];
  size_t n = c->n < (int64_t)sizeof zeros ? (size_t)c->n : sizeof zeros;
  if (c->s->is_udp) return outcome(yeon_udp_send(c->s->udp, zeros, n, c->has_addr ? &c->addr : NULL, host_time(d)));
  return outcome(yeon_tcp_send(c->s->tcp, zeros, n, (c->oob ? YEON_SEND_URGENT : 0) | (c->more ? YEON_SEND_MORE : 0),
                               host_time(d)));
}

static int64_t receive_bytes(struct differ *d, const struct differ_call *c)
{
  static uint8_t bytes[1 << 20];
  size_t n = c->n < (int64_t)sizeof bytes ? (size_t)c->n : sizeof bytes;
  if (c->s->is_udp) return outcome(yeon_udp_recv(c->s->udp, bytes, n, NULL, NULL, NULL));
  return outcome(yeon_tcp_recv(c->s->tcp, bytes, n, (c->oob ? YEON_RECV_URGENT : 0) | (c->peek ? YEON_RECV_PEEK : 0),
                               host_time(d)));
}

struct option {
  const char *name;
  int number, scale;
};
static const struct option options[] = {{"SO_SNDBUF", YEON_TCP_SNDBUF, 1},
                                        {"SO_RCVBUF", YEON_TCP_RCVBUF, 1},
                                        {"TCP_NODELAY", YEON_TCP_NODELAY, 1},
                                        {"TCP_CORK", YEON_TCP_CORK, 1},
                                        {"TCP_QUICKACK", YEON_TCP_QUICKACK, 1},
                                        {"SO_KEEPALIVE", YEON_TCP_KEEPALIVE, 1},
                                        {"TCP_KEEPIDLE", YEON_TCP_KEEPIDLE_MS, 1000},
                                        {"TCP_KEEPINTVL", YEON_TCP_KEEPINTVL_MS, 1000},
                                        {"TCP_KEEPCNT", YEON_TCP_KEEPCNT, 1},
                                        {"TCP_USER_TIMEOUT", YEON_TCP_USER_TIMEOUT_MS, 1},
                                        {"SO_LINGER", YEON_TCP_LINGER_MS, 1},
                                        {"TCP_MAXSEG", YEON_TCP_MAXSEG, 1},
                                        {"SO_REUSEADDR", YEON_TCP_REUSEADDR, 1},
                                        {"SO_OOBINLINE", YEON_TCP_OOBINLINE, 1},
                                        {"TCP_SYNCNT", YEON_TCP_RETRIES_SYN, 1},
                                        {"TCP_WINDOW_CLAMP", YEON_TCP_WINDOW_CLAMP, 1},
                                        {"TCP_FASTOPEN", YEON_TCP_FASTOPEN, 1},
                                        {"IP_TTL", YEON_TCP_HOP_LIMIT, 1},
                                        {"IP_TOS", YEON_TCP_TRAFFIC_CLASS, 1}};

static const struct option *find(const char *name)
{
  for (size_t i = 0; i < sizeof options / sizeof *options; i++)
    if (strcmp(options[i].name, name) == 0) return &options[i];
  return NULL;
}

static int64_t use_option(struct differ *d, struct differ_call *c)
{
  const struct option *o = find(c->name);
  if (strcmp(c->name, "SO_ERROR") == 0) {
    int error = c->s->is_udp ? yeon_udp_take_error(c->s->udp) : yeon_tcp_take_error(c->s->tcp);
    c->value = error == 0 ? 0 : yeon_error_errno(error);
    return 0;
  }
  if (o == NULL || c->s->is_udp) return -ENOPROTOOPT;
  if (c->what == DIFFER_SET)
    return outcome(yeon_tcp_set(c->s->tcp, (enum yeon_tcp_option)o->number, c->n * o->scale, host_time(d)));
  int error = yeon_tcp_get(c->s->tcp, (enum yeon_tcp_option)o->number, &c->value);
  c->value /= o->scale;
  return outcome(error);
}

static int64_t ask_count(struct differ_call *c)
{
  struct yeon_tcp_info info;
  yeon_tcp_info(c->s->tcp, &info);
  c->value = strcmp(c->name, "SIOCINQ") == 0 ? info.rcv_queued : info.snd_queued;
  return 0;
}

static int64_t shut_down(struct differ *d, const struct differ_call *c)
{
  static const unsigned ways[] = {YEON_SHUT_RD, YEON_SHUT_WR, YEON_SHUT_RD | YEON_SHUT_WR};
  return outcome(yeon_tcp_shutdown(c->s->tcp, ways[c->n % 3], host_time(d)));
}

static int64_t close_socket(struct differ *d, struct differ_socket *s)
{
  if (s->is_udp)
    yeon_udp_close(s->udp);
  else
    yeon_tcp_close(s->tcp, host_time(d));
  return 0;
}

static int64_t yeon_call(struct differ *d, struct differ_call *c)
{
  struct differ_socket *s = c->s;
  switch (c->what) {
  case DIFFER_SOCKET: return open_socket(d, c->new);
  case DIFFER_BIND:
    return outcome(s->is_udp ? yeon_udp_bind(s->udp, &c->addr) : yeon_tcp_bind(s->tcp, &c->addr, host_time(d)));
  case DIFFER_LISTEN:
    return outcome(
        yeon_tcp_listen(s->tcp, (unsigned)c->n + 1, host_time(d))); /* Linux lets one more wait than is asked for */
  case DIFFER_ACCEPT: return outcome(yeon_tcp_accept(s->tcp, &c->new->tcp, host_time(d)));
  case DIFFER_CONNECT: return connect_to(d, c);
  case DIFFER_SEND: return send_bytes(d, c);
  case DIFFER_RECV: return receive_bytes(d, c);
  case DIFFER_SHUTDOWN: return shut_down(d, c);
  case DIFFER_CLOSE: return close_socket(d, s);
  case DIFFER_SET:
  case DIFFER_GET: return use_option(d, c);
  default: return ask_count(c);
  }
}

static bool see_state(void *ctx, const struct yeon_tcp_info *info, struct yeon_tcp *tcp)
{
  (void)tcp;
  if (info->state != YEON_TCP_CLOSED) differ_state(ctx, info->remote.port, info->state);
  return true;
}

static void yeon_states(struct differ *d) { yeon_tcp_each(host_of(d), see_state, d); }

const struct differ_world differ_yeon = {.begin = yeon_begin,
                                         .end = yeon_end,
                                         .now = yeon_now,
                                         .wait = yeon_wait,
                                         .inject = yeon_inject,
                                         .call = yeon_call,
                                         .setting = yeon_setting,
                                         .states = yeon_states};
