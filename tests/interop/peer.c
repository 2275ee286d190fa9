/* A yeon endpoint that does what it is told, line by line: the test script has the kernel's sockets in one hand and
 * this in the other. Bytes are sent and received in the background, by pattern, while the next command is awaited;
 * the loop is embedded through its descriptor. A command is answered with one line: "ok ..." or "err NAME". */
#define _POSIX_C_SOURCE 200809L
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "net.h"

#define ENDS 4096
#define PATTERN 65521 /* the period; prime, so that no buffer size hides a shift */
#define PIECE 65536

struct end {
  bool used, stream;
  uint64_t to_send, sent;
  int64_t to_recv; /* -1: to the end of the stream */
  uint64_t received;
  bool end_of_stream, corrupt;
  int error;
};

struct peer {
  struct net net;
  struct end end[ENDS];
  unsigned char pattern[PATTERN + PIECE];
  char input[4096];
  size_t input_len;
  bool quit;
};

static void fill_pattern(struct peer *p)
{
  uint32_t x = 12345;
  for (size_t i = 0; i < PATTERN; i++) {
    x = x * 1664525u + 1013904223u;
    p->pattern[i] = (unsigned char)(x >> 24);
  }
  for (size_t i = 0; i < PIECE; i++) p->pattern[PATTERN + i] = p->pattern[i % PATTERN];
}

static struct end *end_at(struct peer *p, const char *text)
{
  char *rest;
  long v = text ? strtol(text, &rest, 10) : -1;
  return v >= 0 && v < ENDS && *rest == 0 && p->end[v].used ? &p->end[v] : NULL;
}

static int number_of(const struct peer *p, const struct end *e) { return (int)(e - p->end); }

static void pump_out(struct peer *p, struct end *e)
{
  while (e->sent < e->to_send && e->error == 0) {
    uint64_t left = e->to_send - e->sent;
    size_t n = left < PIECE ? (size_t)left : PIECE;
    int64_t sent = yeon_send(p->net.loop, number_of(p, e), p->pattern + e->sent % PATTERN, n, 0);
    if (sent == YEON_ERR_AGAIN) return;
    if (sent < 0)
      e->error = (int)sent;
    else
      e->sent += (uint64_t)sent;
  }
}

static void pump_in(struct peer *p, struct end *e)
{
  unsigned char buf[PIECE];
  while (!e->end_of_stream && e->error == 0 && (e->to_recv < 0 || e->received < (uint64_t)e->to_recv)) {
    size_t want = sizeof buf;
    if (e->to_recv >= 0 && (uint64_t)e->to_recv - e->received < want)
      want = (size_t)((uint64_t)e->to_recv - e->received);
    int64_t n = yeon_recv(p->net.loop, number_of(p, e), buf, want, 0);
    if (n == YEON_ERR_AGAIN) return;
    if (n < 0)
      e->error = (int)n;
    else if (n == 0)
      e->end_of_stream = true;
    else if (memcmp(buf, p->pattern + e->received % PATTERN, (size_t)n) != 0)
      e->corrupt = true;
    if (n > 0) e->received += (uint64_t)n;
  }
}

/* One round of everything; at most timeout_ms. */
static void step(struct peer *p, int timeout_ms)
{
  struct yeon_wait_event events[64];
  int n = yeon_wait(p->net.loop, events, 64, timeout_ms);
  for (int i = 0; i < n; i++) {
    struct end *e = events[i].user;
    if (!e || !e->stream) continue;
    pump_out(p, e);
    pump_in(p, e);
    bool reads = e->to_recv < 0 || e->received < (uint64_t)e->to_recv;
    uint32_t want =
        (e->sent < e->to_send ? YEON_WRITABLE : 0u) | (reads && !e->end_of_stream ? YEON_READABLE | YEON_READ_END : 0u);
    if (e->error || (events[i].events & (YEON_CLOSED | YEON_ERROR) && want == 0)) want = 0;
    yeon_watch(p->net.loop, events[i].s, want, e);
  }
}

/* Until anything happens, and what there is to do in the background. */
static void run_loop(struct peer *p)
{
  yeon_loop_step(p->net.loop, 20);
  step(p, 0);
}

static void watch(struct peer *p, struct end *e)
{
  yeon_watch(p->net.loop, number_of(p, e), YEON_READABLE | YEON_WRITABLE | YEON_READ_END, e);
}

static bool over(struct peer *p, yeon_time deadline) { return yeon_loop_now(p->net.loop) >= deadline; }

static yeon_time after(struct peer *p, const char *ms)
{
  return yeon_loop_now(p->net.loop) + (ms ? strtol(ms, NULL, 10) : 5000) * YEON_MS;
}

static int adopt(struct peer *p, int s, bool stream)
{
  if (s < 0) return s;
  if (s >= ENDS) {
    yeon_abort(p->net.loop, s);
    return YEON_ERR_LIMIT;
  }
  memset(&p->end[s], 0, sizeof p->end[s]);
  p->end[s].used = true;
  p->end[s].stream = stream;
  yeon_setsockopt(p->net.loop, s, YEON_SO_NONBLOCK, 1);
  return s;
}

static void reply(int rc)
{
  if (rc < 0)
    printf("err %s\n", yeon_error_name(rc));
  else
    printf("ok %d\n", rc);
}

static void do_socket(struct peer *p, const char *kind)
{
  bool stream = kind && strncmp(kind, "tcp", 3) == 0;
  enum yeon_domain domain = kind && strchr(kind, '6') ? YEON_IPV6 : YEON_IPV4;
  reply(adopt(p, yeon_socket(p->net.loop, p->net.host, domain, stream ? YEON_STREAM : YEON_DGRAM), stream));
}

static void do_connect(struct peer *p, struct end *e, const char *to, const char *ms)
{
  struct yeon_addr a;
  int64_t ready = 0, error = 0;
  int s = number_of(p, e), rc = to ? yeon_addr_parse(to, &a) : YEON_ERR_INVALID;
  if (rc == 0) rc = yeon_connect(p->net.loop, s, &a);
  if (rc != YEON_ERR_IN_PROGRESS) {
    reply(rc);
    return;
  }
  for (yeon_time deadline = after(p, ms); !over(p, deadline);) {
    run_loop(p);
    yeon_getsockopt(p->net.loop, s, YEON_SO_READY, &ready);
    if (ready & (YEON_WRITABLE | YEON_ERROR | YEON_CLOSED)) {
      yeon_getsockopt(p->net.loop, s, YEON_SO_ERROR, &error);
      reply((int)error);
      return;
    }
  }
  reply(YEON_ERR_TIMED_OUT);
}

static void do_accept(struct peer *p, struct end *e, const char *ms)
{
  struct yeon_addr remote;
  char text[64];
  int rc = YEON_ERR_AGAIN;
  for (yeon_time deadline = after(p, ms); rc == YEON_ERR_AGAIN && !over(p, deadline);) {
    rc = yeon_accept(p->net.loop, number_of(p, e), &remote);
    if (rc == YEON_ERR_AGAIN) run_loop(p);
  }
  if (rc >= 0) rc = adopt(p, rc, true);
  if (rc < 0)
    reply(rc);
  else
    printf("ok %d %s\n", rc, yeon_addr_format(&remote, text, sizeof text));
}

/* Waits until what was asked to be sent is in the buffer and what was asked to be received has come. */
static void do_done(struct peer *p, struct end *e, const char *ms)
{
  bool done = false;
  for (yeon_time deadline = after(p, ms); !done && !over(p, deadline);) {
    pump_out(p, e);
    pump_in(p, e);
    done = e->error || e->corrupt ||
           (e->sent >= e->to_send && (e->to_recv >= 0 ? e->received >= (uint64_t)e->to_recv : e->end_of_stream));
    if (!done) {
      watch(p, e);
      step(p, 20);
    }
  }
  if (e->error)
    reply(e->error);
  else if (e->corrupt)
    printf("err CORRUPT\n");
  else if (!done)
    printf("err NOT_DONE sent %llu received %llu\n", (unsigned long long)e->sent, (unsigned long long)e->received);
  else
    printf("ok %llu %llu %d\n", (unsigned long long)e->sent, (unsigned long long)e->received, e->end_of_stream);
}

static void do_set(struct peer *p, struct end *e, const char *name, const char *value)
{
  static const struct {
    const char *name;
    int option;
  } table[] = {{"keepalive", YEON_SO_TCP(YEON_TCP_KEEPALIVE)},
               {"keepidle_ms", YEON_SO_TCP(YEON_TCP_KEEPIDLE_MS)},
               {"keepintvl_ms", YEON_SO_TCP(YEON_TCP_KEEPINTVL_MS)},
               {"keepcnt", YEON_SO_TCP(YEON_TCP_KEEPCNT)},
               {"linger_ms", YEON_SO_TCP(YEON_TCP_LINGER_MS)},
               {"nodelay", YEON_SO_TCP(YEON_TCP_NODELAY)},
               {"rcvbuf", YEON_SO_TCP(YEON_TCP_RCVBUF)},
               {"sndbuf", YEON_SO_TCP(YEON_TCP_SNDBUF)},
               {"reuseaddr", YEON_SO_TCP(YEON_TCP_REUSEADDR)},
               {"maxseg", YEON_SO_TCP(YEON_TCP_MAXSEG)},
               {"user_timeout_ms", YEON_SO_TCP(YEON_TCP_USER_TIMEOUT_MS)}};
  int rc = YEON_ERR_INVALID;
  for (size_t i = 0; name && value && i < sizeof table / sizeof *table; i++) {
    if (strcmp(name, table[i].name) == 0)
      rc = yeon_setsockopt(p->net.loop, number_of(p, e), table[i].option, strtoll(value, NULL, 10));
  }
  reply(rc);
}

static void do_info(struct peer *p, struct end *e)
{
  struct yeon_tcp *tcp = yeon_socket_tcp(p->net.loop, number_of(p, e));
  struct yeon_tcp_info i;
  struct yeon_addr local;
  char text[64];
  if (!tcp) {
    reply(YEON_ERR_UNSUPPORTED);
    return;
  }
  yeon_tcp_info(tcp, &i);
  yeon_getsockname(p->net.loop, number_of(p, e), &local);
  printf("ok state=%s local=%s snd_mss=%u rcv_mss=%u wscale=%d ts=%d sack=%d probes=%u snd_wnd=%u rcv_wnd=%u "
         "retrans=%llu rto_us=%u\n",
         yeon_tcp_state_name(i.state), yeon_addr_format(&local, text, sizeof text), i.snd_mss, i.rcv_mss, i.wscale_ok,
         i.ts_ok, i.sack_ok, i.probes, i.snd_wnd, i.rcv_wnd, (unsigned long long)i.bytes_retransmitted, i.rto_us);
}

static void do_counters(struct peer *p)
{
  const struct yeon_counters *c = yeon_host_counters(p->net.host);
  struct yeon_host_usage u;
  struct yeon_cable_stats out, in;
  yeon_host_usage(p->net.host, &u);
  yeon_cable_stats(p->net.cable, YEON_CABLE_AB, &out);
  yeon_cable_stats(p->net.cable, YEON_CABLE_BA, &in);
  printf("ok connections=%llu half_open=%llu time_wait=%llu listeners=%llu swallowed=%llu",
         (unsigned long long)u.connections, (unsigned long long)u.half_open, (unsigned long long)u.time_wait,
         (unsigned long long)u.listeners, (unsigned long long)(out.swallowed + in.swallowed));
#define SHOW(name) printf(" " #name "=%llu", (unsigned long long)c->name);
  YEON_COUNTERS(SHOW)
#undef SHOW
  printf("\n");
}

static void do_sendto(struct peer *p, struct end *e, const char *len, const char *to)
{
  struct yeon_addr a;
  int rc = to ? yeon_addr_parse(to, &a) : 0;
  size_t n = len ? (size_t)strtoul(len, NULL, 10) : 0;
  if (n > PIECE) rc = YEON_ERR_INVALID;
  if (rc == 0) rc = (int)yeon_sendto(p->net.loop, number_of(p, e), p->pattern, n, 0, to ? &a : NULL);
  reply(rc);
}

static void do_recvfrom(struct peer *p, struct end *e, const char *ms)
{
  unsigned char buf[PIECE];
  struct yeon_addr from;
  char text[64];
  int64_t n = YEON_ERR_AGAIN;
  for (yeon_time deadline = after(p, ms); n == YEON_ERR_AGAIN && !over(p, deadline);) {
    n = yeon_recvfrom(p->net.loop, number_of(p, e), buf, sizeof buf, 0, &from);
    if (n == YEON_ERR_AGAIN) yeon_loop_step(p->net.loop, 20);
  }
  if (n < 0)
    reply((int)n);
  else if (memcmp(buf, p->pattern, (size_t)n) != 0)
    printf("err CORRUPT\n");
  else
    printf("ok %lld %s\n", (long long)n, yeon_addr_format(&from, text, sizeof text));
}

static void do_bind(struct peer *p, struct end *e, const char *to)
{
  struct yeon_addr a;
  int rc = to ? yeon_addr_parse(to, &a) : YEON_ERR_INVALID;
  reply(rc == 0 ? yeon_bind(p->net.loop, number_of(p, e), &a) : rc);
}

static void forget(struct peer *p, struct end *e, bool abort)
{
  int s = number_of(p, e);
  e->used = false;
  reply(abort ? yeon_abort(p->net.loop, s) : yeon_close(p->net.loop, s));
}

static void on_end(struct peer *p, char **word)
{
  struct end *e = end_at(p, word[1]);
  const char *verb = word[0];
  if (!e)
    reply(YEON_ERR_CLOSED);
  else if (strcmp(verb, "bind") == 0)
    do_bind(p, e, word[2]);
  else if (strcmp(verb, "listen") == 0)
    reply(yeon_listen(p->net.loop, number_of(p, e), word[2] ? (unsigned)atoi(word[2]) : 128));
  else if (strcmp(verb, "connect") == 0)
    do_connect(p, e, word[2], word[3]);
  else if (strcmp(verb, "accept") == 0)
    do_accept(p, e, word[2]);
  else if (strcmp(verb, "done") == 0)
    do_done(p, e, word[2]);
  else if (strcmp(verb, "set") == 0)
    do_set(p, e, word[2], word[3]);
  else if (strcmp(verb, "info") == 0)
    do_info(p, e);
  else if (strcmp(verb, "sendto") == 0)
    do_sendto(p, e, word[2], word[3]);
  else if (strcmp(verb, "recvfrom") == 0)
    do_recvfrom(p, e, word[2]);
  else if (strcmp(verb, "shut") == 0)
    reply(yeon_shutdown(p->net.loop, number_of(p, e), YEON_SHUT_WR));
  else if (strcmp(verb, "close") == 0)
    forget(p, e, false);
  else if (strcmp(verb, "abort") == 0)
    forget(p, e, true);
  else if (strcmp(verb, "send") == 0 || strcmp(verb, "recv") == 0) {
    long long n = word[2] ? strtoll(word[2], NULL, 10) : 0;
    if (verb[0] == 's')
      e->to_send += (uint64_t)n;
    else
      e->to_recv = n < 0 ? -1 : e->to_recv + n;
    watch(p, e);
    reply(0);
  } else
    reply(YEON_ERR_INVALID);
}

static void obey(struct peer *p, char *line)
{
  char *word[6] = {NULL}, *save = NULL;
  unsigned n = 0;
  for (char *w = strtok_r(line, " ", &save); w && n < 5; w = strtok_r(NULL, " ", &save)) word[n++] = w;
  if (n == 0) return;
  if (strcmp(word[0], "socket") == 0)
    do_socket(p, word[1]);
  else if (strcmp(word[0], "counters") == 0)
    do_counters(p);
  else if (strcmp(word[0], "cpu_ms") == 0)
    reply((int)(clock() / (CLOCKS_PER_SEC / 1000)));
  else if (strcmp(word[0], "cut") == 0 || strcmp(word[0], "join") == 0) {
    if (word[0][0] == 'c')
      yeon_cable_cut(p->net.cable, YEON_CABLE_BOTH, yeon_loop_now(p->net.loop));
    else
      yeon_cable_join(p->net.cable, YEON_CABLE_BOTH, yeon_loop_now(p->net.loop));
    reply(0);
  } else if (strcmp(word[0], "loss") == 0) {
    struct yeon_cable_way way = {.loss_ppm = word[1] ? (uint32_t)strtoul(word[1], NULL, 10) : 0};
    reply(yeon_cable_set(p->net.cable, YEON_CABLE_BOTH, &way, yeon_loop_now(p->net.loop)));
  } else if (strcmp(word[0], "quit") == 0) {
    p->quit = true;
    reply(0);
  } else
    on_end(p, word);
  fflush(stdout);
}

/* Reads what has come and obeys every whole line. */
static void read_commands(struct peer *p)
{
  ssize_t n = read(STDIN_FILENO, p->input + p->input_len, sizeof p->input - 1 - p->input_len);
  if (n <= 0) {
    p->quit = true;
    return;
  }
  p->input_len += (size_t)n;
  char *end;
  while ((end = memchr(p->input, '\n', p->input_len)) != NULL) {
    *end = 0;
    obey(p, p->input);
    size_t used = (size_t)(end + 1 - p->input);
    memmove(p->input, end + 1, p->input_len - used);
    p->input_len -= used;
  }
}

int main(int argc, char **argv)
{
  static struct peer p;
  net_init(&p.net, "peer");
  fill_pattern(&p);
  for (int i = 1; i < argc; i++) {
    if (net_option(&p.net, argc, argv, &i) <= 0) return 2;
  }
  if (net_open(&p.net) != 0) return 1;
  int fd = yeon_loop_fd(p.net.loop);
  if (fd < 0) return 1;
  printf("ok ready\n");
  fflush(stdout);
  while (!p.quit && !net_stopped()) {
    struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
    if (poll(fds, 2, 1000) < 0) continue;
    step(&p, 0);
    if (fds[0].revents) read_commands(&p);
  }
  net_close(&p.net, 500);
  return 0;
}
