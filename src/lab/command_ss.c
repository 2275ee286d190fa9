/* ss: the sockets of all hosts, both ends of each connection side by side.
 *
 * The rows come from the stacks, not from the table of programs' sockets, so that what no program holds any more (TIME-WAIT, orphans) is seen too.
 * They are sorted by the connection's two addresses in an order that is the same from either end: so the ends of one connection are
 * neighbours. An end that believes in a connection of which the other host knows nothing is half-open (RFC 9293 3.5.1).
 * A queue has two parts: the stack's, and what stands in the pair between lab and program. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "lab/command.h"
#include "lab/queue.h"
#include "lab/ss.h"

static int order_addr(const struct yeon_addr *a, const struct yeon_addr *b)
{
  int by_ip = memcmp(&a->ip, &b->ip, sizeof a->ip);
  return by_ip != 0 ? by_ip : (int)a->port - (int)b->port;
}

/* The lesser of the connection's two addresses, then the greater. */
static void ends_of(const struct ss_row *r, const struct yeon_addr **low, const struct yeon_addr **high)
{
  bool turned = order_addr(&r->info.local, &r->info.remote) > 0;
  *low = turned ? &r->info.remote : &r->info.local;
  *high = turned ? &r->info.local : &r->info.remote;
}

static int order_ends(const struct ss_row *a, const struct ss_row *b)
{
  const struct yeon_addr *a_low, *a_high, *b_low, *b_high;
  ends_of(a, &a_low, &a_high);
  ends_of(b, &b_low, &b_high);
  int by = order_addr(a_low, b_low);
  return by != 0 ? by : order_addr(a_high, b_high);
}

static int order_rows(const void *one, const void *other)
{
  const struct ss_row *a = one, *b = other;
  if (a->kind != b->kind) return (int)a->kind - (int)b->kind;
  int by = a->kind == SS_CONNECTION ? order_ends(a, b) : 0;
  if (by != 0) return by;
  if (a->host != b->host) return a->host < b->host ? -1 : 1;
  return order_addr(&a->info.local, &b->info.local);
}

static struct ss_row *add(struct ss *ss)
{
  if (ss->n == ss->cap) {
    size_t cap = ss->cap > 0 ? ss->cap * 2 : 64;
    struct ss_row *more = realloc(ss->rows, cap * sizeof *more);
    if (more == NULL) return NULL;
    ss->rows = more;
    ss->cap = cap;
  }
  ss->rows[ss->n] = (struct ss_row){.host = ss->host, .peer = SIZE_MAX};
  return &ss->rows[ss->n++];
}

/* What the process calls itself now: a line of `yeon run` may be a shell that starts the one that matters. */
static void name_process(const struct lab_socket *s, char name[SS_NAME])
{
  char path[40];
  snprintf(path, sizeof path, "/proc/%d/comm", s->pid);
  FILE *f = fopen(path, "re");
  bool read = f != NULL && fgets(name, SS_NAME, f) != NULL;
  if (f != NULL) fclose(f);
  if (read) name[strcspn(name, "\n")] = '\0';
  else snprintf(name, SS_NAME, "%s", lab_socket_program(s));
}

static void own(struct ss *ss, struct ss_row *r, struct lab_socket *s)
{
  r->socket = s;
  if (s == NULL) return;
  const struct ss_row *before = r > ss->rows ? r - 1 : NULL;
  if (before != NULL && before->socket != NULL && before->socket->pid == s->pid) memcpy(r->program, before->program, sizeof r->program);
  else name_process(s, r->program);
  if (s->fd < 0) return;
  struct lab_queue q = lab_queue_of(&ss->diag, s);
  r->pair_out = q.from_program;
  r->pair_in = q.to_program;
}

static bool visit(void *ctx, const struct yeon_tcp_info *info, struct yeon_tcp *tcp)
{
  struct ss *ss = ctx;
  bool listener = info->state == YEON_TCP_LISTEN;
  if (ss->listeners ? !listener : false) return true;
  struct ss_row *r = add(ss);
  if (r == NULL) return false;
  r->kind = listener ? SS_LISTENER : SS_CONNECTION;
  r->info = *info;
  own(ss, r, tcp != NULL ? yeon_tcp_user(tcp) : NULL);
  return true;
}

static void visit_udp(void *ctx, struct lab_socket *s)
{
  struct ss *ss = ctx;
  if (s->udp == NULL || (ss->listeners && s->connected)) return;
  struct ss_row *r = add(ss);
  if (r == NULL) return;
  r->kind = SS_UDP;
  r->host = s->host;
  yeon_udp_local(s->udp, &r->info.local);
  if (s->connected) yeon_udp_remote(s->udp, &r->info.remote);
  own(ss, r, s);
}

/* An end that the other host is expected to know of. */
static bool expects_peer(const struct ss_row *r)
{
  switch (r->info.state) {
  case YEON_TCP_ESTABLISHED:
  case YEON_TCP_FIN_WAIT_1:
  case YEON_TCP_FIN_WAIT_2:
  case YEON_TCP_CLOSE_WAIT:
  case YEON_TCP_CLOSING: return true;
  default: return false;
  }
}

static void match(struct lab *lab, struct ss *ss)
{
  for (size_t i = 0; i < ss->n; i++) {
    struct ss_row *r = &ss->rows[i];
    if (r->kind != SS_CONNECTION || r->peer != SIZE_MAX) continue;
    struct ss_row *next = i + 1 < ss->n ? &ss->rows[i + 1] : NULL;
    bool same = next != NULL && next->kind == SS_CONNECTION && order_addr(&r->info.local, &next->info.remote) == 0 &&
                order_addr(&r->info.remote, &next->info.local) == 0;
    if (same) {
      r->peer = i + 1;
      next->peer = i;
    } else {
      int host = lab_host_of(lab, &r->info.remote.ip);
      r->half_open = expects_peer(r) && (host < 0 || lab->hosts[host].host != NULL);
    }
  }
}

static bool gather(struct command *c, struct ss *ss)
{
  ss->diag = lab_queue_open();
  for (unsigned i = 0; i < c->lab->n_hosts && !ss->only_udp; i++) {
    ss->host = i;
    if (c->lab->hosts[i].host != NULL) yeon_tcp_each(c->lab->hosts[i].host, visit, ss);
  }
  if (!ss->only_tcp) lab_socket_each(c->lab, visit_udp, ss);
  lab_queue_close(&ss->diag);
  if (ss->n > 0) qsort(ss->rows, ss->n, sizeof *ss->rows, order_rows);
  match(c->lab, ss);
  return true;
}

int command_ss(struct command *c)
{
  struct ss ss = {.lab = c->lab, .out = c->out, .now = lab_now()};
  const char *word;
  bool json = false;
  while ((word = command_next(c)) != NULL) {
    if (strcmp(word, "json") == 0) json = true;
    else if (strcmp(word, "tcp") == 0) ss.only_tcp = true;
    else if (strcmp(word, "udp") == 0) ss.only_udp = true;
    else if (strcmp(word, "listening") == 0) ss.listeners = true; /* UDP sockets: those that take from anybody */
    else if (strcmp(word, "colour") == 0) ss.colour = true;
    else if (strcmp(word, "width") == 0) ss.width = command_peek(c) != NULL ? (unsigned)strtoul(command_next(c), NULL, 10) : 0;
    else return command_fail(c, "ss knows tcp, udp, listening and json, not '%s'", word);
  }
  if (ss.only_tcp && ss.only_udp) ss.only_tcp = ss.only_udp = false;
  if (ss.width > 0 && ss.width < SS_WIDTH_MIN) ss.width = SS_WIDTH_MIN;
  if (ss.width > SS_WIDTH_MAX) ss.width = SS_WIDTH_MAX;
  gather(c, &ss);
  if (json) ss_json(&ss);
  else ss_text(&ss);
  free(ss.rows);
  return 0;
}
