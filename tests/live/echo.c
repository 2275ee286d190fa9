/* Plain C with poll, to be linked statically with musl, both ends: echo server PORT | echo client HOST PORT CONNECTIONS BYTES. The server forks for each
 * connection; the client has all of them open at once, non-blocking. */
#define _GNU_SOURCE
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 64

struct one {
  int fd;
  size_t sent, got;
  uint64_t hash;
};

static _Noreturn void die(const char *what)
{
  perror(what);
  exit(1);
}

static void echo(int fd)
{
  char piece[16384];
  ssize_t n;
  while ((n = read(fd, piece, sizeof piece)) > 0) {
    for (ssize_t at = 0, w; at < n; at += w)
      if ((w = write(fd, piece + at, (size_t)(n - at))) <= 0) die("write");
  }
  if (n < 0) die("read");
  _exit(0);
}

static void serve(int port)
{
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 64) != 0) die("listen");
  signal(SIGCHLD, SIG_IGN);
  puts("ready");
  fflush(stdout);
  for (;;) {
    int c = accept(fd, NULL, NULL);
    if (c < 0) die("accept");
    if (fork() == 0) echo(c);
    close(c);
  }
}

static uint8_t byte_of(size_t at, int i) { return (uint8_t)(at * 11 + (at >> 9) + (size_t)i); }

static void send_some(struct one *o, int i, size_t size)
{
  uint8_t piece[8192];
  size_t n = size - o->sent < sizeof piece ? size - o->sent : sizeof piece;
  for (size_t k = 0; k < n; k++) piece[k] = byte_of(o->sent + k, i);
  ssize_t w = send(o->fd, piece, n, MSG_NOSIGNAL);
  if (w < 0 && errno != EAGAIN) die("send");
  if (w > 0) o->sent += (size_t)w;
  if (o->sent == size) shutdown(o->fd, SHUT_WR);
}

/* Whether it goes on. */
static int receive_some(struct one *o)
{
  uint8_t piece[16384];
  ssize_t n = recv(o->fd, piece, sizeof piece, 0);
  if (n < 0 && errno == EAGAIN) return 1;
  if (n < 0) die("recv");
  for (ssize_t k = 0; k < n; k++) o->hash = (o->hash ^ piece[k]) * 0x100000001b3u;
  o->got += (size_t)n;
  return n > 0;
}

static int open_one(const struct addrinfo *to)
{
  int error = 0, fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
  socklen_t len = sizeof error;
  struct pollfd p = {.fd = fd, .events = POLLOUT};
  if (connect(fd, to->ai_addr, to->ai_addrlen) != 0 && errno != EINPROGRESS) die("connect");
  if (poll(&p, 1, 20000) != 1 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0) die("poll");
  errno = error;
  if (error != 0) die("connect");
  return fd;
}

static void ask(struct one *ones, int count, size_t size)
{
  struct pollfd p[MOST];
  int left = count;
  while (left > 0) {
    for (int i = 0; i < count; i++)
      p[i] = (struct pollfd){ones[i].fd, (short)(POLLIN | (ones[i].sent < size ? POLLOUT : 0)), 0};
    if (poll(p, (nfds_t)count, 60000) <= 0) die("poll");
    for (int i = 0; i < count; i++) {
      if (p[i].revents & POLLOUT) send_some(&ones[i], i, size);
      if (!(p[i].revents & (POLLIN | POLLHUP | POLLERR)) || receive_some(&ones[i])) continue;
      close(ones[i].fd);
      ones[i].fd = -1;
      left--;
    }
  }
}

int main(int argc, char **argv)
{
  struct one ones[MOST];
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *to;
  if (argc == 3) serve(atoi(argv[2]));
  if (argc != 6) return 2;
  int count = atoi(argv[4]);
  if (count > MOST || getaddrinfo(argv[2], argv[3], &hints, &to) != 0) die("getaddrinfo");
  for (int i = 0; i < count; i++) ones[i] = (struct one){.fd = open_one(to), .hash = 0xcbf29ce484222325u};
  ask(ones, count, (size_t)atol(argv[5]));
  for (int i = 0; i < count; i++) printf("%d %zu %016llx\n", i, ones[i].got, (unsigned long long)ones[i].hash);
  freeaddrinfo(to);
  return 0;
}
