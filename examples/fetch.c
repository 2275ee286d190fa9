/* fetch: downloads one file over HTTP/1.1 through a TCP stack of its own. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net.h"

#define HEAD_MAX 16384
#define INTERIM_MAX 32 /* heads of 1xx before the answer */
#define PIECE (1024 * 1024)
#define SILENCE (3 * YEON_SEC) /* then whoever waits is told that nobody has answered yet */

enum exit_status {
  EXIT_DONE = 0,
  EXIT_USAGE = 2,
  EXIT_NET = 3, /* no link, no address */
  EXIT_CONNECT = 4,
  EXIT_TRANSFER = 5, /* the connection failed, or ended early */
  EXIT_HTTP = 6,     /* the server said no, or something that is not HTTP */
  EXIT_FILE = 7,     /* the file could not be written */
  EXIT_STOPPED = 130
};

enum body { BODY_LENGTH, BODY_CHUNKED, BODY_TO_END };

struct fetch {
  int64_t timeout_s; /* without anything coming; 0: for ever */
  struct net net;
  const char *url, *output;
  bool resume, quiet;
  bool silent; /* nobody has answered for a while, and that is told */
  bool made; /* the file was not there before */
  struct yeon_addr server;
  char host[80]; /* as the request names it */
  const char *path;
  int s, fd;
  char head[HEAD_MAX];
  size_t head_len;
  int status;
  enum body body;
  uint64_t total;      /* bytes of body to come; BODY_LENGTH */
  uint64_t chunk_left; /* BODY_CHUNKED: bytes of the running chunk */
  int chunk_state; /* 0: in its size line, 1: in its bytes, 2: in the line end behind them, 3: in the trailer, 4: done */
  char line[64];   /* of a size line */
  size_t line_len;
  uint64_t have; /* bytes that the file had before */
  uint64_t got;  /* bytes of body */
  yeon_time first_at, last_at, shown_at;
  char *piece;
};

/* Text that a server sent, without what a terminal would take for commands. */
static void put_text(const char *text)
{
  for (; *text; text++) fputc((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text, stderr);
}

static int fail(int status, const char *what, const char *why)
{
  fputs("fetch: ", stderr);
  put_text(what);
  fputs(": ", stderr);
  put_text(why);
  fputc('\n', stderr);
  return status;
}

/* "http://10.9.0.1:8000/x", "http://[fd09::1]/x". 0 or -1. */
static int parse_url(struct fetch *f)
{
  const char *p = f->url;
  if (strncasecmp(p, "http://", 7) != 0) return -1;
  p += 7;
  size_t len = strcspn(p, "/?#");
  if (len == 0 || len >= sizeof f->host) return -1;
  memcpy(f->host, p, len);
  f->host[len] = 0;
  f->path = p[len] == '/' ? p + len : "/";
  for (const char *c = f->path; *c; c++) {
    if ((unsigned char)*c <= ' ' || *c == 127) return -1;
  }
  char text[sizeof f->host + 4];
  const char *bracket = strchr(f->host, ']'), *colon = strrchr(f->host, ':');
  bool has_port = colon && (!bracket ? true : colon > bracket);
  snprintf(text, sizeof text, "%s%s", f->host, has_port ? "" : ":80");
  return yeon_addr_parse(text, &f->server) == 0 && f->server.port != 0 ? 0 : -1;
}

static const char *default_output(const char *path)
{
  const char *slash = strrchr(path, '/');
  const char *name = slash ? slash + 1 : path;
  return *name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && !strchr(name, '?') ? name : "index.html";
}

static int open_output(struct fetch *f)
{
  if (strcmp(f->output, "-") == 0) {
    f->fd = STDOUT_FILENO;
    return 0;
  }
  f->fd = open(f->output, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  f->made = f->fd >= 0;
  if (!f->made) f->fd = open(f->output, O_WRONLY | O_CLOEXEC); /* what is in it stays until there is something better */
  struct stat st;
  if (f->fd < 0 || fstat(f->fd, &st) != 0) return -1;
  if (f->resume && S_ISREG(st.st_mode)) {
    f->have = (uint64_t)st.st_size;
    if (lseek(f->fd, 0, SEEK_END) < 0) return -1;
  }
  return 0;
}

/* The body will be the whole file. */
static int start_afresh(struct fetch *f)
{
  struct stat st;
  f->have = 0;
  if (f->fd == STDOUT_FILENO || fstat(f->fd, &st) != 0 || !S_ISREG(st.st_mode)) return 0;
  if (ftruncate(f->fd, 0) == 0 && lseek(f->fd, 0, SEEK_SET) == 0) return 0;
  return fail(EXIT_FILE, f->output, strerror(errno));
}

static int write_all(struct fetch *f, const char *p, size_t len)
{
  while (len > 0) {
    ssize_t n = write(f->fd, p, len);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    p += n;
    len -= (size_t)n;
  }
  return 0;
}

static void draw_bar(struct fetch *f, bool last)
{
  char got[32], total[32], bar[33];
  yeon_time now = yeon_loop_now(f->net.loop);
  if (f->quiet || !isatty(STDERR_FILENO) || (!last && now - f->shown_at < 100 * YEON_MS)) return;
  f->shown_at = now;
  uint64_t done = f->have + f->got, whole = f->have + f->total;
  double part = f->body == BODY_LENGTH && whole > 0 ? (double)done / (double)whole : 0;
  double seconds = (double)(now - f->first_at) / 1e9, rate = seconds > 0 ? (double)f->got / seconds : 0;
  for (int i = 0; i < 32; i++) bar[i] = i < (int)(part * 32) ? '#' : '.';
  bar[32] = 0;
  if (f->body == BODY_LENGTH)
    fprintf(stderr, "\r[%s] %3.0f %%  %s of %s  %.0f MB/s%s\033[K", bar, part * 100, net_size(done, got, sizeof got),
            net_size(whole, total, sizeof total), rate / 1e6, f->net.cut_at != YEON_NEVER ? "  cable pulled" : "");
  else
    fprintf(stderr, "\r%s  %.0f MB/s\033[K", net_size(done, got, sizeof got), rate / 1e6);
  if (last) fputc('\n', stderr);
}

/* Waits until the socket can go on, looking after cable and bar meanwhile. 0, or an exit status. */
static int wait_for(struct fetch *f, uint32_t events)
{
  struct yeon_poll p = {.s = f->s, .events = events};
  yeon_time since = yeon_loop_now(f->net.loop);
  for (;;) {
    int n = yeon_poll(f->net.loop, &p, 1, net_patience(&f->net, 200));
    net_tick(&f->net, f->got);
    if (f->first_at) draw_bar(f, false);
    if (net_stopped()) return EXIT_STOPPED;
    if (n < 0) return fail(EXIT_NET, "waiting", yeon_error_text(n));
    if (n > 0) return 0;
    yeon_time now = yeon_loop_now(f->net.loop);
    if (f->net.cut_at != YEON_NEVER) since = now; /* it was pulled on purpose */
    if (!f->first_at && !f->silent && !f->quiet && now - since > SILENCE) {
      f->silent = true;
      fail(0, f->host, "no answer yet; is it there? Ctrl-C gives up");
    }
    if (f->timeout_s > 0 && now - since > f->timeout_s * YEON_SEC)
      return fail(EXIT_TRANSFER, f->host, "nothing comes any more; --timeout has how long to wait");
  }
}

static int connect_to(struct fetch *f)
{
  int64_t error = 0;
  f->s = yeon_socket(f->net.loop, f->net.host, yeon_ip_is4(&f->server.ip) ? YEON_IPV4 : YEON_IPV6, YEON_STREAM);
  if (f->s < 0) return fail(EXIT_CONNECT, "socket", yeon_error_text(f->s));
  yeon_setsockopt(f->net.loop, f->s, YEON_SO_NONBLOCK, 1);
  int rc = yeon_connect(f->net.loop, f->s, &f->server);
  if (rc != 0 && rc != YEON_ERR_IN_PROGRESS) return fail(EXIT_CONNECT, f->host, yeon_error_text(rc));
  rc = wait_for(f, YEON_WRITABLE);
  if (rc != 0) return rc;
  yeon_getsockopt(f->net.loop, f->s, YEON_SO_ERROR, &error);
  return error == 0 ? 0 : fail(EXIT_CONNECT, f->host, yeon_error_text((int)error));
}

static int send_request(struct fetch *f)
{
  char text[4096], range[64] = "";
  if (f->have > 0) snprintf(range, sizeof range, "Range: bytes=%llu-\r\n", (unsigned long long)f->have);
  int n =
      snprintf(text, sizeof text,
               "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: yeon-fetch/%s\r\nAccept: */*\r\n%sConnection: close\r\n\r\n",
               f->path, f->host, yeon_version(), range);
  if (n < 0 || (size_t)n >= sizeof text) return fail(EXIT_USAGE, f->url, "this is too long");
  for (size_t done = 0; done < (size_t)n;) {
    int64_t sent = yeon_send(f->net.loop, f->s, text + done, (size_t)n - done, 0);
    if (sent == YEON_ERR_AGAIN) {
      int rc = wait_for(f, YEON_WRITABLE);
      if (rc != 0) return rc;
      continue;
    }
    if (sent < 0) return fail(EXIT_TRANSFER, "sending the request", yeon_error_text((int)sent));
    done += (size_t)sent;
  }
  return 0;
}

/* A field's value in the head, "" if it is not there; copied, cut to size. */
static const char *field(const struct fetch *f, const char *name, char *buf, size_t size)
{
  size_t n = strlen(name);
  buf[0] = 0;
  for (const char *line = strchr(f->head, '\n'); line; line = strchr(line, '\n')) {
    line++;
    if (strncasecmp(line, name, n) != 0 || line[n] != ':') continue;
    const char *v = line + n + 1 + strspn(line + n + 1, " \t");
    size_t len = strcspn(v, "\r\n");
    if (len >= size) len = size - 1;
    memcpy(buf, v, len);
    buf[len] = 0;
    break;
  }
  return buf;
}

/* How long the body is. */
static int measure(struct fetch *f)
{
  char text[256];
  f->body = BODY_TO_END;
  if (*field(f, "Content-Length", text, sizeof text)) {
    if (text[strspn(text, "0123456789")] || net_parse_size(text, &f->total) != 0)
      return fail(EXIT_HTTP, f->url, "its Content-Length is no number");
    f->body = BODY_LENGTH;
  }
  if (!*field(f, "Transfer-Encoding", text, sizeof text)) return 0;
  if (strcasecmp(text, "chunked") != 0)
    return fail(EXIT_HTTP, f->url, "it comes in a transfer encoding other than chunked");
  f->body = BODY_CHUNKED;
  return 0;
}

static int refused(struct fetch *f)
{
  char place[256];
  field(f, "Location", place, sizeof place);
  f->head[strcspn(f->head, "\r\n")] = 0;
  if (f->status >= 400 || !*place) return fail(EXIT_HTTP, f->url, f->head);
  fail(EXIT_HTTP, f->url, f->head);
  return fail(EXIT_HTTP, "ask for", place);
}

static int understand(struct fetch *f)
{
  char text[256];
  unsigned long long first = 0;
  if (sscanf(f->head, "HTTP/1.%*1[01] %3d", &f->status) != 1)
    return fail(EXIT_HTTP, f->host, "what came back is not HTTP");
  if (f->status == 416 && f->have > 0)
    return fail(EXIT_HTTP, f->output, "the server has nothing after what is already here; it may be complete");
  if (f->status != 200 && f->status != 206) return refused(f);
  field(f, "Content-Range", text, sizeof text);
  if (f->status == 206 && (sscanf(text, "bytes %llu-", &first) != 1 || first != f->have))
    return fail(EXIT_HTTP, f->url, "the server sends another part than asked for");
  int rc = measure(f);
  return rc == 0 && (f->status == 200 || f->have == 0) ? start_afresh(f) : rc; /* 200: the server does not do ranges */
}

static int keep(struct fetch *f, const char *p, size_t len)
{
  f->got += len;
  return write_all(f, p, len) == 0 ? 0 : fail(EXIT_FILE, f->output, strerror(errno));
}

/* A whole line of the chunked framing (RFC 9112 7.1) has come. */
static int chunk_line(struct fetch *f)
{
  f->line[f->line_len] = 0;
  bool empty = f->line_len == 0;
  f->line_len = 0;
  if (f->chunk_state == 2) {
    f->chunk_state = 0;
    return empty ? 0 : fail(EXIT_HTTP, f->url, "broken chunk");
  }
  if (f->chunk_state == 3) {
    if (empty) f->chunk_state = 4;
    return 0;
  }
  size_t digits = strspn(f->line, "0123456789abcdefABCDEF");
  if (digits == 0 || digits > 16 || (f->line[digits] && !strchr("; \t", f->line[digits])))
    return fail(EXIT_HTTP, f->url, "broken chunk");
  f->chunk_left = strtoull(f->line, NULL, 16);
  f->chunk_state = f->chunk_left > 0 ? 1 : 3;
  return 0;
}

static int take_chunked(struct fetch *f, const char *p, size_t len)
{
  while (len > 0 && f->chunk_state != 4) {
    if (f->chunk_state == 1) {
      size_t n = len < f->chunk_left ? len : (size_t)f->chunk_left;
      int rc = keep(f, p, n);
      if (rc != 0) return rc;
      f->chunk_left -= n;
      if (f->chunk_left == 0) f->chunk_state = 2;
      p += n;
      len -= n;
      continue;
    }
    char c = *p++;
    len--;
    if (c == '\n') {
      int rc = chunk_line(f);
      if (rc != 0) return rc;
    } else if (c != '\r' && f->line_len + 1 < sizeof f->line) {
      f->line[f->line_len++] = c; /* what of a line is longer is an extension, or a trailer: not for us */
    }
  }
  return 0;
}

static int take_body(struct fetch *f, const char *p, size_t len)
{
  if (f->body == BODY_CHUNKED) return take_chunked(f, p, len);
  if (f->body == BODY_LENGTH && len > f->total - f->got) len = (size_t)(f->total - f->got);
  return keep(f, p, len);
}

static bool complete(const struct fetch *f)
{
  return (f->body == BODY_LENGTH && f->got == f->total) || (f->body == BODY_CHUNKED && f->chunk_state == 4);
}

/* Some bytes, waiting for them. -1: the stream has ended; else 0 or an exit status. */
static int receive(struct fetch *f, char *buf, size_t size, size_t *len)
{
  for (;;) {
    int64_t n = yeon_recv(f->net.loop, f->s, buf, size, 0);
    *len = n > 0 ? (size_t)n : 0;
    if (n > 0) return 0;
    if (n == 0) return -1;
    if (n != YEON_ERR_AGAIN) return fail(EXIT_TRANSFER, f->host, yeon_error_text((int)n));
    int rc = wait_for(f, YEON_READABLE | YEON_READ_END);
    if (rc != 0) return rc;
  }
}

/* 1xx (RFC 9110 15.2). */
static bool is_interim(const char *head) { return strncmp(head, "HTTP/1.1 1", 10) == 0; }

/* The head, and what of the body came with it. */
static int read_head(struct fetch *f)
{
  char *end = NULL;
  unsigned interim = 0;
  while (!end) {
    size_t n = 0;
    if (f->head_len + 1 >= sizeof f->head) return fail(EXIT_HTTP, f->host, "its answer's head has no end");
    int rc = receive(f, f->head + f->head_len, sizeof f->head - 1 - f->head_len, &n);
    if (rc == -1) return fail(EXIT_HTTP, f->host, "it hung up without an answer");
    if (rc != 0) return rc;
    f->head_len += n;
    f->head[f->head_len] = 0;
    while ((end = strstr(f->head, "\r\n\r\n")) && is_interim(f->head)) { /* the answer itself comes behind it */
      if (++interim > INTERIM_MAX) return fail(EXIT_HTTP, f->host, "it only ever promises an answer");
      f->head_len -= (size_t)(end + 4 - f->head);
      memmove(f->head, end + 4, f->head_len + 1);
    }
  }
  size_t head = (size_t)(end + 4 - f->head), rest = f->head_len - head;
  memcpy(f->piece, end + 4, rest);
  *end = 0;
  int rc = understand(f);
  f->first_at = yeon_loop_now(f->net.loop);
  return rc != 0 ? rc : take_body(f, f->piece, rest);
}

static int read_body(struct fetch *f)
{
  while (!complete(f)) {
    size_t n = 0;
    int rc = receive(f, f->piece, PIECE, &n);
    if (rc == -1 && f->body == BODY_TO_END) break;
    if (rc == -1) return fail(EXIT_TRANSFER, f->host, "it hung up before the end; --resume goes on from here");
    if (rc == 0) rc = take_body(f, f->piece, n);
    if (rc != 0) return rc;
    net_tick(&f->net, f->got);
    draw_bar(f, false);
    if (net_stopped()) return EXIT_STOPPED;
  }
  f->last_at = yeon_loop_now(f->net.loop);
  draw_bar(f, true);
  return 0;
}

static int usage(FILE *out)
{
  fputs("usage: fetch [options] http://ADDRESS[:PORT]/PATH\n"
        "Downloads a file over HTTP, through yeon's own TCP/IP on a network device. ADDRESS is a number: 10.9.0.1 or "
        "[fd09::1].\n"
        "  -o FILE            write there; - is standard output (the name in the URL)\n"
        "  --resume           go on where FILE ends\n"
        "  --timeout SECONDS  give up when nothing comes for so long (300; 0: never)\n"
        "  --quiet            no progress, no figures\n",
        out);
  net_help(out);
  fputs(
      "Exit status: 0 done, 2 usage, 3 no network, 4 no connection, 5 it broke off, 6 refused by the server, 7 file.\n",
      out);
  return out == stdout ? EXIT_DONE : EXIT_USAGE;
}

/* -1: go on; else exit status. */
static int parse_options(struct fetch *f, int argc, char **argv)
{
  uint64_t seconds;
  for (int i = 1; i < argc; i++) {
    int ours = net_option(&f->net, argc, argv, &i);
    if (ours < 0) return EXIT_USAGE;
    if (ours > 0) continue;
    if (strcmp(argv[i], "--help") == 0) return usage(stdout);
    if (strcmp(argv[i], "-o") == 0 && i + 1 < argc)
      f->output = argv[++i];
    else if (strcmp(argv[i], "--timeout") == 0 && i + 1 < argc && net_parse_size(argv[i + 1], &seconds) == 0 &&
             seconds <= 1000000)
      f->timeout_s = (int64_t)seconds, i++;
    else if (strcmp(argv[i], "--resume") == 0)
      f->resume = true;
    else if (strcmp(argv[i], "--quiet") == 0)
      f->quiet = true;
    else if (argv[i][0] != '-' && !f->url)
      f->url = argv[i];
    else
      return usage(stderr);
  }
  if (!f->url) return usage(stderr);
  if (parse_url(f) != 0)
    return fail(EXIT_USAGE, f->url, "give it as http://10.9.0.1:8000/name or http://[fd09::1]:8000/name");
  if (!f->output) f->output = default_output(f->path);
  return -1;
}

static int transfer(struct fetch *f)
{
  int rc = connect_to(f);
  if (rc == 0) rc = send_request(f);
  if (rc == 0) rc = read_head(f);
  if (rc == 0) rc = read_body(f);
  return rc;
}

int main(int argc, char **argv)
{
  static struct fetch f; /* large, and there is only one */
  net_init(&f.net, "fetch");
  f.s = f.fd = -1;
  f.timeout_s = 300; /* twice the longest pause between two retransmissions, and more */
  int rc = parse_options(&f, argc, argv);
  if (rc >= 0) return rc;
  f.piece = malloc(PIECE);
  if (!f.piece) return fail(EXIT_FILE, "memory", strerror(errno));
  if (net_open(&f.net) != 0) return EXIT_NET;
  rc = open_output(&f) == 0 ? 0 : fail(EXIT_FILE, f.output, strerror(errno));
  if (rc == 0) rc = transfer(&f);
  if (f.s >= 0) yeon_close(f.net.loop, f.s);
  if (f.fd >= 0 && f.fd != STDOUT_FILENO && close(f.fd) != 0 && rc == 0)
    rc = fail(EXIT_FILE, f.output, strerror(errno));
  if (rc != 0 && f.made && f.got == 0) unlink(f.output);
  if (rc == 0 && !f.quiet) net_report(&f.net, f.got, f.first_at, f.last_at);
  net_close(&f.net, 3000);
  free(f.piece);
  return rc;
}
