/* What the supervisor remembers: pairs it has handed out, calls it has not answered. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lab/run.h"

struct run_socket *run_socket_find(struct run *run, uint64_t ino)
{
  for (struct run_socket *s = run->socket[ino % RUN_BUCKETS]; s != NULL; s = s->next)
    if (s->ino == ino) return s;
  return NULL;
}

void run_socket_add(struct run *run, uint64_t ino, bool stream)
{
  struct run_socket *s = run_socket_find(run, ino);
  if (s == NULL) {
    s = calloc(1, sizeof *s);
    if (s == NULL) return;
    s->next = run->socket[ino % RUN_BUCKETS];
    run->socket[ino % RUN_BUCKETS] = s;
  }
  s->ino = ino;
  s->stream = stream;
}

void run_socket_remove(struct run *run, uint64_t ino)
{
  for (struct run_socket **p = &run->socket[ino % RUN_BUCKETS]; *p != NULL; p = &(*p)->next) {
    struct run_socket *s = *p;
    if (s->ino != ino) continue;
    *p = s->next;
    free(s);
    return;
  }
}

struct run_pending *run_pending_add(struct run *run, const struct run_trap *t)
{
  struct run_pending *p = calloc(1, sizeof *p);
  if (p == NULL) return NULL;
  *p = (struct run_pending){.id = ++run->next_id, .program = t->program, .cookie = t->cookie, .tid = t->tid, .nr = t->nr, .fd = -1,
                            .deadline = YEON_NEVER};
  for (unsigned i = 0; i < 6; i++) p->args[i] = t->args[i];
  if (t->socket != NULL) p->ino = t->socket->ino;
  p->next = run->pending[p->id % RUN_BUCKETS];
  run->pending[p->id % RUN_BUCKETS] = p;
  run->n_pending++;
  return p;
}

struct run_pending *run_pending_find(struct run *run, uint64_t id)
{
  for (struct run_pending *p = run->pending[id % RUN_BUCKETS]; p != NULL; p = p->next)
    if (p->id == id) return p;
  return NULL;
}

bool run_pending_of(const struct run *run, pid_t tid)
{
  for (unsigned i = 0; i < RUN_BUCKETS && run->n_pending > 0; i++)
    for (const struct run_pending *p = run->pending[i]; p != NULL; p = p->next)
      if (p->tid == tid && p->at_lab) return true;
  return false;
}

void run_pending_remove(struct run *run, struct run_pending *gone)
{
  for (struct run_pending **p = &run->pending[gone->id % RUN_BUCKETS]; *p != NULL; p = &(*p)->next) {
    if (*p != gone) continue;
    *p = gone->next;
    run->n_pending--;
    if (gone->fd >= 0) { /* closing alone would leave it in the epoll set, since the program has the socket open too */
      (void)epoll_ctl(run->epoll_fd, EPOLL_CTL_DEL, gone->fd, NULL);
      close(gone->fd);
    }
    free(gone);
    return;
  }
}

static void give_up(struct run *run, struct run_pending *p)
{
  struct lab_message m = {.kind = LAB_CANCEL, .id = p->id};
  if (p->at_lab) (void)lab_message_send(run->lab_fd, &m, NULL, -1);
  run_pending_remove(run, p);
}

void run_pending_check(struct run *run, yeon_time now)
{
  run->looked_at = now;
  for (unsigned i = 0; i < RUN_BUCKETS && run->n_pending > 0; i++) {
    struct run_pending *next;
    for (struct run_pending *p = run->pending[i]; p != NULL; p = next) {
      next = p->next;
      bool late = p->deadline <= now;
      if (!late && run_alive(p->program, p->cookie)) continue;
      if (late) (void)run_respond(p->program, p->cookie, -p->timeout_errno);
      give_up(run, p);
    }
  }
}

void run_tables_free(struct run *run)
{
  for (unsigned i = 0; i < RUN_BUCKETS; i++) {
    while (run->pending[i] != NULL) run_pending_remove(run, run->pending[i]);
    while (run->socket[i] != NULL) run_socket_remove(run, run->socket[i]->ino);
  }
}
