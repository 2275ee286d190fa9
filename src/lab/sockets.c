/* The table of sockets, and the epoll set that tells of their pairs. */
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lab/sockets.h"

#define EVENTS 256

static unsigned bucket_of(uint64_t ino)
{
  return (unsigned)((ino * 0x9e3779b97f4a7c15u) >> 50) % LAB_BUCKETS;
}

static void enter(struct lab_socket *s)
{
  struct lab_socket **b = &s->lab->bucket[bucket_of(s->ino)];
  s->hash_next = *b;
  *b = s;
  s->lab->n_sockets++;
}

static void leave(struct lab_socket *s)
{
  for (struct lab_socket **p = &s->lab->bucket[bucket_of(s->ino)]; *p != NULL; p = &(*p)->hash_next) {
    if (*p != s) continue;
    *p = s->hash_next;
    s->lab->n_sockets--;
    return;
  }
}

struct lab_socket *lab_socket_find(struct lab *lab, uint64_t ino)
{
  for (struct lab_socket *s = lab->bucket[bucket_of(ino)]; s != NULL; s = s->hash_next)
    if (s->ino == ino && s->state != LAB_CLOSED) return s;
  return NULL;
}

static int make_pair(struct lab_socket *s, int *program_fd)
{
  int pair[2];
  struct stat st;
  if (socketpair(AF_UNIX, (s->stream ? SOCK_STREAM : SOCK_SEQPACKET) | SOCK_CLOEXEC, 0, pair) != 0) return errno;
  struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = s};
  if (fstat(pair[1], &st) != 0 || epoll_ctl(s->lab->epoll_fd, EPOLL_CTL_ADD, pair[0], &e) != 0) {
    int error = errno;
    close(pair[0]);
    close(pair[1]);
    return error;
  }
  s->fd = pair[0];
  s->ino = st.st_ino;
  *program_fd = pair[1];
  return 0;
}

struct lab_socket *lab_socket_new(struct lab *lab, bool stream, bool six, unsigned host, int *program_fd, int *error)
{
  struct lab_socket *s = calloc(1, sizeof *s);
  *error = ENOMEM;
  if (s == NULL) return NULL;
  *s = (struct lab_socket){.lab = lab, .stream = stream, .six = six, .host = host, .fd = -1, .program_fd = -1, .can_write = true};
  *error = make_pair(s, program_fd);
  if (*error != 0) {
    free(s);
    return NULL;
  }
  struct lab_socket *stale = lab_socket_find(lab, s->ino); /* a tomb: the number is used again */
  if (stale != NULL) lab_socket_free(stale);
  enter(s);
  return s;
}

static void close_end(struct lab_socket *s)
{
  if (s->fd >= 0) close(s->fd);
  s->fd = -1;
  s->lab->n_wide -= (unsigned)s->wide_in + (unsigned)s->wide_out;
  s->wide_in = s->wide_out = false;
  free(s->left);
  s->left = NULL;
  s->left_len = 0;
}

static void drop_waits(struct lab_socket *s)
{
  while (s->waits != NULL) {
    struct lab_wait *w = s->waits;
    s->waits = w->next;
    struct lab_message reply = {.kind = w->kind, .id = w->id, .result = w->kind == LAB_ACCEPT ? -EINVAL : -EBADF};
    lab_answer(w->client, &reply, NULL, -1);
    free(w);
  }
}

static void tell_gone(struct lab_socket *s)
{
  const struct lab_program *p = &s->lab->programs[s->program];
  struct lab_message gone = {.kind = LAB_GONE, .ino = s->ino};
  if (p->client != NULL && !p->client->gone) (void)lab_message_send(p->client->fd, &gone, NULL, -1);
}

static void untomb(struct lab_socket *s)
{
  struct lab *lab = s->lab;
  struct lab_socket *before = NULL;
  for (struct lab_socket *t = lab->tomb_first; t != NULL; before = t, t = t->tomb_next) {
    if (t != s) continue;
    if (before != NULL) before->tomb_next = s->tomb_next;
    else lab->tomb_first = s->tomb_next;
    if (lab->tomb_last == s) lab->tomb_last = before;
    lab->n_tombs--;
    return;
  }
}

void lab_socket_free(struct lab_socket *s)
{
  assert(s->tcp == NULL && s->udp == NULL);
  if (s->state == LAB_CLOSED) return;
  if (s->state == LAB_TOMB) untomb(s);
  close_end(s);
  drop_waits(s);
  tell_gone(s);
  leave(s);
  if (s->program_fd >= 0) close(s->program_fd);
  for (struct lab_socket *r = s->returned; r != NULL; r = r->returned_next) {
    close(r->program_fd); /* it will hang up, and be closed in its turn */
    r->program_fd = -1;
  }
  for (unsigned i = 0; s->sources != NULL && i < LAB_SOURCES; i++)
    if (s->sources[i].fd >= 0) close(s->sources[i].fd);
  while (s->kept != NULL) {
    struct lab_kept *k = s->kept;
    s->kept = k->next;
    free(k);
  }
  free(s->sources);
  s->sources = NULL;
  s->state = LAB_CLOSED;
  s->dead_next = s->lab->dead;
  s->lab->dead = s;
}

void lab_socket_bury(struct lab_socket *s)
{
  struct lab *lab = s->lab;
  close_end(s);
  drop_waits(s);
  s->state = LAB_TOMB;
  s->tomb_next = NULL;
  if (lab->tomb_last != NULL) lab->tomb_last->tomb_next = s;
  else lab->tomb_first = s;
  lab->tomb_last = s;
  if (++lab->n_tombs > LAB_TOMBS) lab_socket_free(lab->tomb_first);
}

void lab_socket_ready(struct lab_socket *s)
{
  if (s->on_ready) return;
  s->on_ready = true;
  s->ready_next = s->lab->ready;
  s->lab->ready = s;
}

void lab_sockets_reap(struct lab *lab)
{
  struct lab_socket **p = &lab->dead;
  while (*p != NULL) {
    struct lab_socket *s = *p;
    if (s->on_ready) {
      p = &s->dead_next;
      continue;
    }
    *p = s->dead_next;
    free(s);
  }
}

static void note(struct lab_socket *s, uint32_t events)
{
  if (s->state == LAB_CLOSED || s->fd < 0) return;
  if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP)) s->can_read = true;
  if (events & EPOLLOUT) s->can_write = true;
  if (events & (EPOLLRDHUP | EPOLLHUP)) s->ending = true;
  if (events & EPOLLHUP) s->hung_up = true;
  if (events & EPOLLERR) s->unread = true;
  lab_socket_ready(s);
}

bool lab_sockets_poll(struct lab *lab)
{
  struct epoll_event events[EVENTS];
  int n = epoll_wait(lab->epoll_fd, events, EVENTS, 0);
  for (int i = 0; i < n; i++) note(events[i].data.ptr, events[i].events);
  return n == EVENTS;
}

static void hurry_one(void *ctx, struct lab_socket *s)
{
  bool *any = ctx;
  if (s->udp == NULL || !s->hung_up) return;
  dgram_close(s);
  *any = true;
}

bool lab_sockets_hurry(struct lab *lab)
{
  bool any = false;
  lab_socket_each(lab, hurry_one, &any);
  return any;
}

void lab_socket_each(struct lab *lab, void (*fn)(void *ctx, struct lab_socket *s), void *ctx)
{
  for (unsigned i = 0; i < LAB_BUCKETS; i++) {
    struct lab_socket *next;
    for (struct lab_socket *s = lab->bucket[i]; s != NULL; s = next) {
      next = s->hash_next;
      fn(ctx, s);
    }
  }
}

bool lab_socket_wait(struct lab_socket *s, struct lab_client *client, const struct lab_message *request)
{
  struct lab_wait *w = malloc(sizeof *w);
  if (w == NULL) return false;
  *w = (struct lab_wait){.client = client, .id = request->id, .kind = request->kind, .pid = request->arg[0]};
  struct lab_wait **p = &s->waits;
  while (*p != NULL) p = &(*p)->next;
  *p = w;
  return true;
}

struct lab_wait *lab_socket_waiter(struct lab_socket *s, uint32_t kind)
{
  for (struct lab_wait **p = &s->waits; *p != NULL; p = &(*p)->next) {
    struct lab_wait *w = *p;
    if (w->kind != kind) continue;
    *p = w->next;
    return w;
  }
  return NULL;
}

struct cancel {
  struct lab_client *client;
  uint64_t id;
};

static void cancel_at(void *ctx, struct lab_socket *s)
{
  const struct cancel *c = ctx;
  struct lab_wait **p = &s->waits;
  while (*p != NULL) {
    struct lab_wait *w = *p;
    if (w->client == c->client && (c->id == 0 || w->id == c->id)) {
      *p = w->next;
      free(w);
    } else {
      p = &w->next;
    }
  }
}

void lab_sockets_cancel(struct lab *lab, struct lab_client *client, uint64_t id)
{
  struct cancel c = {client, id};
  lab_socket_each(lab, cancel_at, &c);
}

static void close_one(void *ctx, struct lab_socket *s)
{
  (void)ctx;
  if (s->stream) stream_close(s);
  else dgram_close(s);
}

/* One that its program has closed is left to finish: its last bytes may still be on their way. */
static void abandon_at(void *ctx, struct lab_socket *s)
{
  struct pollfd p = {.fd = s->fd};
  if (s->state == LAB_CLOSED || s->lab->programs[s->program].client != ctx) return;
  if (s->fd >= 0 && poll(&p, 1, 0) == 1 && (p.revents & POLLHUP)) return;
  s->unread = true; /* a reset, as from a kernel whose process was killed with things left to do */
  if (s->stream) stream_close(s);
  else dgram_close(s);
}

void lab_sockets_abandon(struct lab *lab, struct lab_client *client) { lab_socket_each(lab, abandon_at, client); }

void lab_sockets_close(struct lab *lab)
{
  lab_socket_each(lab, close_one, NULL);
  lab->ready = NULL;
  while (lab->dead != NULL) {
    struct lab_socket *s = lab->dead;
    lab->dead = s->dead_next;
    free(s);
  }
}

const char *lab_socket_program(const struct lab_socket *s) { return s->lab->programs[s->program].name; }
