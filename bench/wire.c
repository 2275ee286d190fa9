/* What a small request over TCP costs in real time, by plain sockets: it knows nothing of yeon, so that it measures whatever network it is
 * put on.
 *
 *   wire server PORT              answers every request; the first byte of one says whether the connection goes on
 *   wire rtt HOST PORT N          round trips of 64 bytes over one connection: `median_ns`, `p99_ns`
 *   wire connect HOST PORT N      connections one after the other, each for one request: `per_s` */
#define _DEFAULT_SOURCE /* addrinfo, the clock */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { REQUEST = 64, GO_ON = 'g', LAST = 'l' };

static int fail(const char *what)
{
  fprintf(stderr, "wire: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int64_t clock_ns(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* All REQUEST bytes, or 0 when the other end has closed before the first. */
static ssize_t read_request(int fd, char *bytes)
{
  ssize_t at = 0, n;
  while (at < REQUEST && (n = read(fd, bytes + at, (size_t)(REQUEST - at))) != 0) {
    if (n < 0) fail("read");
    at += n;
  }
  return at;
}

static void no_delay(int fd)
{
  int one = 1;
  if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0) fail("TCP_NODELAY");
}

static void serve_connection(int fd)
{
  char bytes[REQUEST];
  no_delay(fd);
  while (read_request(fd, bytes) == REQUEST) {
    if (write(fd, bytes, REQUEST) != REQUEST) fail("write");
    if (bytes[0] == LAST) break;
  }
  close(fd);
}

static int serve(uint16_t port)
{
  int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (struct sockaddr *)&at, sizeof at) != 0) return fail("bind");
  if (listen(listener, 128) != 0) return fail("listen");
  puts("ready");
  fflush(stdout);
  for (;;) {
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) return fail("accept");
    serve_connection(fd);
  }
}

static int connect_to(const struct addrinfo *where)
{
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0 || connect(fd, where->ai_addr, where->ai_addrlen) != 0) return fail("connect");
  no_delay(fd);
  return fd;
}

static void ask(int fd, char first)
{
  char bytes[REQUEST] = {first};
  if (write(fd, bytes, REQUEST) != REQUEST) fail("write");
  if (read_request(fd, bytes) != REQUEST) fail("no answer");
}

static int compare(const void *a, const void *b)
{
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static int measure_rtt(const struct addrinfo *where, long n)
{
  int64_t *took = calloc((size_t)n, sizeof *took);
  if (took == NULL) return fail("calloc");
  int fd = connect_to(where);
  for (long i = -n / 10; i < n; i++) { /* the first ones warm everything up */
    int64_t begin = clock_ns();
    ask(fd, GO_ON);
    if (i >= 0) took[i] = clock_ns() - begin;
  }
  close(fd);
  qsort(took, (size_t)n, sizeof *took, compare);
  printf("median_ns %lld\np99_ns %lld\n", (long long)took[n / 2], (long long)took[n - 1 - n / 100]);
  free(took);
  return 0;
}

static int measure_connections(const struct addrinfo *where, long n)
{
  int64_t begin = clock_ns();
  for (long i = 0; i < n; i++) {
    char byte;
    int fd = connect_to(where);
    ask(fd, LAST);
    if (read(fd, &byte, 1) != 0) return fail("the server has not closed");
    close(fd);
  }
  printf("per_s %.1f\n", (double)n * 1e9 / (double)(clock_ns() - begin));
  return 0;
}

int main(int argc, char **argv)
{
  if (argc == 3 && strcmp(argv[1], "server") == 0) return serve((uint16_t)atoi(argv[2]));
  long n = argc == 5 ? atol(argv[4]) : 0;
  if (n <= 0) {
    fprintf(stderr, "usage: wire server PORT | wire rtt HOST PORT N | wire connect HOST PORT N\n");
    return 2;
  }
  struct addrinfo *where, hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
  int error = getaddrinfo(argv[2], argv[3], &hints, &where);
  if (error != 0) {
    fprintf(stderr, "wire: %s: %s\n", argv[2], gai_strerror(error));
    return 1;
  }
  int status = strcmp(argv[1], "rtt") == 0 ? measure_rtt(where, n) : measure_connections(where, n);
  freeaddrinfo(where);
  return status;
}
