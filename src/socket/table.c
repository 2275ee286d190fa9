#define _POSIX_C_SOURCE 200809L /* strnlen */
/* The table of sockets: numbers to endpoints, and endpoints back to numbers (through their user pointer, which holds
 * the number plus one: the table may move, the number does not). A number is used again as soon as it is free. */
#include <stdlib.h>
#include <string.h>

#include "socket/socket.h"

struct socket *socket_at(const struct yeon_loop *loop, int s)
{
  return s >= 0 && (uint32_t)s < loop->cap ? loop->table[s] : NULL;
}

struct socket *socket_of_user(const struct yeon_loop *loop, void *user)
{
  uintptr_t number = (uintptr_t)user;
  return number == 0 || number > loop->cap ? NULL : loop->table[number - 1];
}

void socket_adopt(struct socket *s)
{
  void *user = (void *)((uintptr_t)s->number + 1);
  if (s->tcp) yeon_tcp_set_user(s->tcp, user);
  if (s->udp) yeon_udp_set_user(s->udp, user);
}

static int grow(struct yeon_loop *loop)
{
  uint32_t cap = loop->cap ? loop->cap * 2 : 64;
  if (cap > loop->config.max_sockets) cap = loop->config.max_sockets;
  if (cap <= loop->cap) return YEON_ERR_LIMIT;
  struct socket **table = realloc(loop->table, cap * sizeof(struct socket *));
  if (!table) return YEON_ERR_NO_MEMORY;
  loop->table = table;
  uint32_t *numbers = realloc(loop->free_numbers, cap * sizeof *numbers);
  if (!numbers) return YEON_ERR_NO_MEMORY;
  loop->free_numbers = numbers;
  memset(loop->table + loop->cap, 0, (cap - loop->cap) * sizeof(struct socket *));
  loop->cap = cap;
  return 0;
}

struct socket *socket_add(struct yeon_loop *loop, int *error)
{
  *error = loop->n_free == 0 && loop->n_used == loop->cap ? grow(loop) : 0;
  if (*error != 0) return NULL;
  struct socket *s = calloc(1, sizeof *s);
  if (!s) {
    *error = YEON_ERR_NO_MEMORY;
    return NULL;
  }
  uint32_t number = loop->n_free > 0 ? loop->free_numbers[--loop->n_free] : loop->n_used++;
  s->number = (int)number;
  memcpy(s->owner, loop->owner, sizeof s->owner);
  loop->table[number] = s;
  return s;
}

void socket_remove(struct yeon_loop *loop, struct socket *s)
{
  socket_clear_ready(s);
  loop->table[s->number] = NULL;
  loop->free_numbers[loop->n_free++] = (uint32_t)s->number;
  free(s);
}

void socket_set_ready(struct yeon_loop *loop, struct socket *s)
{
  if (s->ready_next || s->watch == 0) return;
  s->ready_prev = loop->ready.ready_prev;
  s->ready_next = &loop->ready;
  s->ready_prev->ready_next = s;
  s->ready_next->ready_prev = s;
}

void socket_clear_ready(struct socket *s)
{
  if (!s->ready_next) return;
  s->ready_prev->ready_next = s->ready_next;
  s->ready_next->ready_prev = s->ready_prev;
  s->ready_next = s->ready_prev = NULL;
}

uint32_t socket_level(const struct socket *s) { return s->tcp ? yeon_tcp_ready(s->tcp) : yeon_udp_ready(s->udp); }

void socket_table_free(struct yeon_loop *loop)
{
  for (uint32_t i = 0; i < loop->cap; i++) free(loop->table[i]);
  free(loop->table);
  free(loop->free_numbers);
}

int yeon_socket_info(struct yeon_loop *loop, int number, struct yeon_socket_info *out)
{
  struct socket *s = socket_at(loop, number);
  if (!s) return YEON_ERR_CLOSED;
  if (!out) return YEON_ERR_INVALID;
  memset(out, 0, sizeof *out);
  out->s = number;
  out->domain = (enum yeon_domain)s->domain;
  out->type = s->tcp ? YEON_STREAM : YEON_DGRAM;
  out->owner = s->owner;
  out->pid = loop->pid;
  if (s->udp) {
    out->host = yeon_udp_host(s->udp);
    yeon_udp_local(s->udp, &out->local);
    yeon_udp_remote(s->udp, &out->remote);
    return 0;
  }
  struct yeon_tcp_info info;
  yeon_tcp_info(s->tcp, &info);
  out->host = yeon_tcp_host(s->tcp);
  out->id = info.id;
  out->state = info.state;
  out->local = info.local;
  out->remote = info.remote;
  bool listener = info.state == YEON_TCP_LISTEN;
  out->rcv_queued = listener ? info.backlog : info.rcv_queued;
  out->snd_queued = listener ? info.backlog_limit : info.snd_queued;
  return 0;
}

void yeon_socket_each(struct yeon_loop *loop, yeon_socket_visit_fn *fn, void *ctx)
{
  struct yeon_socket_info info;
  for (uint32_t i = 0; i < loop->n_used; i++) {
    if (yeon_socket_info(loop, (int)i, &info) == 0 && !fn(ctx, &info)) return;
  }
}

struct search {
  enum yeon_type type;
  const struct yeon_addr *local, *remote;
  int found;
};

static bool same(const struct yeon_addr *a, const struct yeon_addr *b)
{
  return a->port == b->port && yeon_ip_equal(&a->ip, &b->ip);
}

static bool match(void *ctx, const struct yeon_socket_info *info)
{
  static const struct yeon_addr none;
  struct search *w = ctx;
  const struct yeon_addr *remote = w->remote ? w->remote : &none;
  bool hit = info->type == w->type && same(&info->local, w->local);
  if (hit && w->remote) hit = same(&info->remote, remote);
  if (hit && !w->remote) hit = info->remote.port == 0;
  if (hit) w->found = info->s;
  return !hit;
}

int yeon_socket_find(struct yeon_loop *loop, enum yeon_type type, const struct yeon_addr *local,
                     const struct yeon_addr *remote)
{
  if (!local) return YEON_ERR_INVALID;
  struct search w = {type, local, remote, YEON_ERR_NOT_CONNECTED};
  yeon_socket_each(loop, match, &w);
  return w.found;
}

int yeon_socket_set_owner(struct yeon_loop *loop, int number, const char *owner)
{
  struct socket *s = socket_at(loop, number);
  if (!s) return YEON_ERR_CLOSED;
  if (!owner) return YEON_ERR_INVALID;
  memset(s->owner, 0, sizeof s->owner);
  memcpy(s->owner, owner, strnlen(owner, sizeof s->owner - 1));
  return 0;
}
