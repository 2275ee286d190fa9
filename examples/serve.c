/* serve: static files over HTTP/1.1 from a TCP stack of its own. All connections are served from one loop: yeon_wait
 * tells which of them can go on. A connection reads a request, opens what it asks for, and sends it piece by piece as
 * room in the send buffer comes up. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "http.h"
#include "net.h"

#define REQUEST_MAX 8192
#define PIECE (64 * 1024)
#define TURN_BYTES (1024 * 1024) /* one connection sends so much before the others have their turn */
#define IDLE_S 60                /* no request, or nothing taken, for this long: goodbye */
#define CLIENTS_MAX 16384

struct client {
  int s;
  struct client *next, *prev; /* by last_at, oldest first */
  yeon_time last_at;
  char request[REQUEST_MAX];
  size_t request_len;
  bool sending, close_after;
  bool leaving;    /* all is said; what still comes is thrown away, until the peer ends too */
  char head[1024]; /* of the answer */
  char *body; /* made in memory; NULL: none, or a file */
  bool body_begun;
  size_t body_len;
  int fd;          /* the file, -1: none */
  int64_t at, end; /* of the file: what remains to be read */
  const char *out; /* what is being sent: head or body */
  size_t out_len;
};

struct server {
  struct net net;
  const char *directory;
  int root;
  char piece[PIECE]; /* of the file that is being sent just now; what a client does not take is read again, so that slow readers hold nothing here */
  unsigned port;
  bool quiet;
  int listener[2];
  struct client *first, *last;
  unsigned clients;
  uint64_t requests, bytes, bytes_done;
  yeon_time first_at, last_at;
};

static void unlink_client(struct server *v, struct client *c)
{
  if (c->prev)
    c->prev->next = c->next;
  else
    v->first = c->next;
  if (c->next)
    c->next->prev = c->prev;
  else
    v->last = c->prev;
  c->next = c->prev = NULL;
}

static void touch(struct server *v, struct client *c, bool fresh)
{
  if (!fresh) unlink_client(v, c);
  c->last_at = yeon_loop_now(v->net.loop);
  c->prev = v->last;
  if (v->last)
    v->last->next = c;
  else
    v->first = c;
  v->last = c;
}

static void end_answer(struct client *c)
{
  if (c->fd >= 0) close(c->fd);
  free(c->body);
  c->fd = -1;
  c->body = NULL;
  c->body_begun = false;
  c->out = NULL;
  c->out_len = 0;
  c->sending = false;
}

static void drop(struct server *v, struct client *c)
{
  end_answer(c);
  unlink_client(v, c);
  yeon_close(v->net.loop, c->s);
  v->clients--;
  free(c);
}

static void start_answer(struct server *v, struct client *c, int status, const char *type, int64_t length,
                         const char *extra)
{
  char date[64];
  time_t now = time(NULL);
  struct tm tm;
  gmtime_r(&now, &tm);
  strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
  int n = snprintf(c->head, sizeof c->head,
                   "HTTP/1.1 %d %s\r\nDate: %s\r\nServer: yeon\r\nContent-Type: %s\r\nContent-Length: %lld\r\n%s%s\r\n",
                   status, http_reason(status), date, type, (long long)length, extra,
                   c->close_after ? "Connection: close\r\n" : "");
  c->out = c->head;
  c->out_len = n > 0 && (size_t)n < sizeof c->head ? (size_t)n : 0;
  c->sending = true;
  v->requests++;
}

static void answer_error(struct server *v, struct client *c, int status, bool head, const char *extra)
{
  char text[160];
  int n = snprintf(text, sizeof text, "%d %s\n", status, http_reason(status));
  start_answer(v, c, status, "text/plain; charset=utf-8", n, extra);
  if (head || n <= 0) return;
  c->body = strdup(text);
  c->body_len = c->body ? (size_t)n : 0;
  if (!c->body) c->close_after = true;
}

static void answer_file(struct server *v, struct client *c, const struct http_request *r, const struct stat *st,
                        const char *name)
{
  int64_t first = 0, length = 0;
  char extra[256];
  int status = http_range(r, st->st_size, &first, &length);
  if (status == 416) {
    snprintf(extra, sizeof extra, "Content-Range: bytes */%lld\r\n", (long long)st->st_size);
    end_answer(c);
    answer_error(v, c, 416, r->head, extra);
    return;
  }
  char when[64];
  struct tm tm;
  gmtime_r(&st->st_mtime, &tm);
  strftime(when, sizeof when, "%a, %d %b %Y %H:%M:%S GMT", &tm);
  int n = snprintf(extra, sizeof extra, "Accept-Ranges: bytes\r\nLast-Modified: %s\r\n", when);
  if (status == 206)
    snprintf(extra + n, sizeof extra - (size_t)n, "Content-Range: bytes %lld-%lld/%lld\r\n", (long long)first,
             (long long)(first + length - 1), (long long)st->st_size);
  start_answer(v, c, status, http_content_type(name), length, extra);
  c->at = first;
  c->end = r->head ? first : first + length;
}

static void answer_directory(struct server *v, struct client *c, const struct http_request *r)
{
  char *body = NULL;
  size_t len = 0;
  int rc = http_listing(c->fd, r->path, &body, &len);
  end_answer(c);
  if (rc != 0) {
    free(body);
    answer_error(v, c, 500, r->head, "");
    return;
  }
  start_answer(v, c, 200, "text/html; charset=utf-8", (int64_t)len, "");
  if (r->head) {
    free(body);
    return;
  }
  c->body = body;
  c->body_len = len;
}

/* A directory's own page, if it has one, takes its place. */
static bool open_index(const struct server *v, struct client *c, const char *directory, struct stat *st)
{
  char name[HTTP_PATH + 16];
  snprintf(name, sizeof name, "%s/index.html", directory);
  int fd = http_open(v->root, name);
  if (fd < 0) return false;
  if (fstat(fd, st) != 0 || !S_ISREG(st->st_mode)) {
    close(fd);
    return false;
  }
  close(c->fd);
  c->fd = fd;
  return true;
}

static void redirect(struct server *v, struct client *c, const struct http_request *r)
{
  char extra[HTTP_PATH]; /* a path too long for this is not worth a redirection */
  size_t n = (size_t)snprintf(extra, sizeof extra, "Location: /");
  for (const char *p = r->path; *p && n + 8 < sizeof extra; p++) {
    unsigned char b = (unsigned char)*p;
    bool plain = (b >= '0' && b <= '9') || (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || strchr("-_.~/", b);
    n += (size_t)snprintf(extra + n, sizeof extra - n, plain ? "%c" : "%%%02X", b);
  }
  snprintf(extra + n, sizeof extra - n, "/\r\n");
  if (n > 600)
    answer_error(v, c, 404, r->head, "");
  else
    answer_error(v, c, 301, r->head, extra);
}

static void answer(struct server *v, struct client *c, const struct http_request *r)
{
  struct stat st;
  const char *name = *r->path ? r->path : ".";
  c->fd = http_open(v->root, name);
  int status = 0;
  if (c->fd < 0 || fstat(c->fd, &st) != 0)
    status = errno == EMFILE || errno == ENFILE ? 503 : errno == EACCES || errno == EXDEV ? 403 : 404;
  else if (S_ISDIR(st.st_mode) && !r->directory)
    status = 301;
  else if (S_ISREG(st.st_mode) && r->directory)
    status = 404;
  else if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
    status = 403;
  if (status != 0) end_answer(c);
  if (status == 301)
    redirect(v, c, r);
  else if (status != 0)
    answer_error(v, c, status, r->head, "");
  else if (S_ISREG(st.st_mode))
    answer_file(v, c, r, &st, name);
  else if (open_index(v, c, name, &st))
    answer_file(v, c, r, &st, "index.html");
  else
    answer_directory(v, c, r);
}

/* Takes the next request out of what was received, if it is all there. */
static bool next_request(struct server *v, struct client *c)
{
  size_t len = http_head_length(c->request, c->request_len);
  struct http_request r;
  if (len == 0 && c->request_len < sizeof c->request) return false;
  if (len == 0) {
    c->close_after = true;
    c->request_len = 0;
    answer_error(v, c, 431, false, "");
    return true;
  }
  int status = http_parse(c->request, len, &r);
  memmove(c->request, c->request + len, c->request_len - len);
  c->request_len -= len;
  c->close_after = !r.keep_alive;
  if (!v->quiet) {
    fprintf(stderr, "serve: %s /", r.head ? "HEAD" : "GET");
    http_print(stderr, r.path);
    fputs(status ? " (refused)\n" : "\n", stderr);
  }
  if (status != 0)
    answer_error(v, c, status, r.head, status == 405 ? "Allow: GET, HEAD\r\n" : "");
  else
    answer(v, c, &r);
  return true;
}

/* Sends from the file what there is room for. The bytes taken, 0 (that was all), or an error (YEON_ERR_IO: the file broke off). */
static int64_t send_file(struct server *v, struct client *c)
{
  if (c->fd < 0 || c->at >= c->end) return 0;
  int64_t want = c->end - c->at < PIECE ? c->end - c->at : PIECE;
  ssize_t n = pread(c->fd, v->piece, (size_t)want, (off_t)c->at);
  if (n <= 0) return YEON_ERR_IO;
  int64_t took = yeon_send(v->net.loop, c->s, v->piece, (size_t)n, 0);
  if (took > 0) c->at += took;
  return took;
}

/* The next bytes of the answer: the head, after it the body, or the file. As send_file. */
static int64_t send_some(struct server *v, struct client *c)
{
  if (c->out_len == 0 && c->body && !c->body_begun) {
    c->out = c->body;
    c->out_len = c->body_len;
    c->body_begun = true;
  }
  if (c->out_len == 0) return send_file(v, c);
  int64_t n = yeon_send(v->net.loop, c->s, c->out, c->out_len, 0);
  if (n <= 0) return n;
  c->out += n;
  c->out_len -= (size_t)n;
  return n;
}

/* Closing at once would reset the connection if more of a request is still coming, and take the answer with it (RFC
 * 9112 9.6). */
static bool leave(struct server *v, struct client *c)
{
  c->leaving = yeon_shutdown(v->net.loop, c->s, YEON_SHUT_WR) == 0;
  c->request_len = 0;
  return c->leaving;
}

/* Sends what there is room for. False: the connection is over. */
static bool push(struct server *v, struct client *c)
{
  size_t turn = 0;
  while (c->sending && turn < TURN_BYTES) {
    int64_t n = send_some(v, c);
    if (n == YEON_ERR_AGAIN) break;
    if (n < 0) return false;
    if (n == 0) {
      end_answer(c);
      if (c->close_after) return leave(v, c);
      next_request(v, c);
      continue;
    }
    turn += (size_t)n;
    v->bytes += (uint64_t)n;
    touch(v, c, false);
  }
  return true;
}

static bool pull(struct server *v, struct client *c)
{
  int64_t n = yeon_recv(v->net.loop, c->s, c->request + c->request_len, sizeof c->request - c->request_len, 0);
  if (n == YEON_ERR_AGAIN) return true;
  if (n <= 0) return false;
  if (c->leaving) return true;
  bool begins = c->request_len == 0;
  c->request_len += (size_t)n;
  if (next_request(v, c) || begins) touch(v, c, false); /* a request that only trickles in has IDLE_S in all */
  return true;
}

static void serve_client(struct server *v, struct client *c, uint32_t events)
{
  bool going = (events & YEON_ERROR) == 0;
  if (going && !c->sending && (events & (YEON_READABLE | YEON_READ_END))) going = pull(v, c);
  if (going && c->sending) going = push(v, c);
  if (going && (events & YEON_CLOSED) && !c->sending) going = false;
  v->last_at = yeon_loop_now(v->net.loop);
  if (going)
    yeon_watch(v->net.loop, c->s, c->sending ? YEON_WRITABLE : YEON_READABLE | YEON_READ_END, c);
  else
    drop(v, c);
}

static void welcome(struct server *v, int listener)
{
  for (;;) {
    struct yeon_addr peer;
    int s = yeon_accept(v->net.loop, listener, &peer);
    if (s < 0) return;
    struct client *c = v->clients < CLIENTS_MAX ? calloc(1, sizeof *c) : NULL;
    if (!c) {
      yeon_abort(v->net.loop, s);
      continue;
    }
    c->s = s;
    c->fd = -1;
    if (v->clients++ == 0 && v->first_at == 0) v->first_at = yeon_loop_now(v->net.loop);
    touch(v, c, true);
    yeon_setsockopt(v->net.loop, s, YEON_SO_NONBLOCK, 1);
    yeon_watch(v->net.loop, s, YEON_READABLE | YEON_READ_END, c);
  }
}

static int open_listener(struct server *v, enum yeon_domain domain)
{
  struct yeon_addr any = {.port = (uint16_t)v->port};
  int s = yeon_socket(v->net.loop, v->net.host, domain, YEON_STREAM);
  if (s < 0) return s;
  yeon_setsockopt(v->net.loop, s, YEON_SO_NONBLOCK, 1);
  yeon_setsockopt(v->net.loop, s, YEON_SO_TCP(YEON_TCP_REUSEADDR), 1);
  if (domain == YEON_IPV6) yeon_setsockopt(v->net.loop, s, YEON_SO_TCP(YEON_TCP_V6ONLY), 1);
  if (domain == YEON_IPV4) any.ip = yeon_ip4(0, 0, 0, 0);
  int rc = yeon_bind(v->net.loop, s, &any);
  if (rc == 0) rc = yeon_listen(v->net.loop, s, 1024);
  if (rc == 0) rc = yeon_watch(v->net.loop, s, YEON_ACCEPTED, NULL);
  return rc == 0 ? s : rc;
}

static int usage(FILE *out)
{
  fputs("usage: serve [options] DIRECTORY\n"
        "Serves the files below DIRECTORY over HTTP, through yeon's own TCP/IP on a network device.\n"
        "  --port N           (80)\n"
        "  --quiet            no line for each request\n",
        out);
  net_help(out);
  return out == stdout ? 0 : 2;
}

/* 0: go on; else exit status + 1. */
static int parse_options(struct server *v, int argc, char **argv)
{
  for (int i = 1; i < argc; i++) {
    int ours = net_option(&v->net, argc, argv, &i);
    uint64_t port = 0;
    if (ours < 0) return 3;
    if (ours > 0) continue;
    if (strcmp(argv[i], "--help") == 0) return usage(stdout) + 1;
    if (strcmp(argv[i], "--quiet") == 0)
      v->quiet = true;
    else if (strcmp(argv[i], "--port") == 0 && i + 1 < argc && net_parse_size(argv[i + 1], &port) == 0 && port > 0 &&
             port < 65536) {
      v->port = (unsigned)port;
      i++;
    } else if (argv[i][0] != '-' && !v->directory)
      v->directory = argv[i];
    else
      return usage(stderr) + 1;
  }
  return v->directory ? 0 : usage(stderr) + 1;
}

static void run(struct server *v)
{
  struct yeon_wait_event events[64];
  while (!net_stopped()) {
    int n = yeon_wait(v->net.loop, events, 64, net_patience(&v->net, 1000));
    if (n < 0) {
      fprintf(stderr, "serve: %s\n", yeon_error_text(n));
      return;
    }
    for (int i = 0; i < n; i++) {
      if (events[i].user)
        serve_client(v, events[i].user, events[i].events);
      else
        welcome(v, events[i].s);
    }
    net_tick(&v->net, v->bytes);
    yeon_time old = yeon_loop_now(v->net.loop) - IDLE_S * YEON_SEC;
    while (v->first && v->first->last_at < old) drop(v, v->first);
  }
}

int main(int argc, char **argv)
{
  static struct server v; /* large, and there is only one */
  net_init(&v.net, "serve");
  v.port = 80;
  int rc = parse_options(&v, argc, argv);
  if (rc != 0) return rc - 1;
  v.root = open(v.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (v.root < 0) {
    fprintf(stderr, "serve: %s: %s\n", v.directory, strerror(errno));
    return 1;
  }
  if (net_open(&v.net) != 0) return 1;
  v.listener[0] = open_listener(&v, YEON_IPV4);
  v.listener[1] = open_listener(&v, YEON_IPV6);
  for (int i = 0; i < 2; i++) {
    if (v.listener[i] >= 0) continue;
    fprintf(stderr, "serve: port %u: %s\n", v.port, yeon_error_text(v.listener[i]));
    return 1;
  }
  for (unsigned i = 0; i < v.net.n_addr; i++) {
    char text[64];
    struct yeon_addr a = {v.net.addr[i].ip, (uint16_t)v.port};
    fprintf(stderr, "serve: http://%s/ on %s\n", yeon_addr_format(&a, text, sizeof text), v.net.link->name);
  }
  run(&v);
  while (v.first) drop(&v, v.first);
  for (int i = 0; i < 2; i++) yeon_close(v.net.loop, v.listener[i]);
  fprintf(stderr, "serve: %llu requests answered\n", (unsigned long long)v.requests);
  if (v.bytes > 0) net_report(&v.net, v.bytes, v.first_at, v.last_at);
  net_close(&v.net, 3000);
  close(v.root);
  return 0;
}
