/* Calls: finding what is to be done, doing it now or later, comparing the outcome. One call at a time may be under
 * way, as in a thread. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "drill/run.h"

struct entry {
  const char *name;
  drill_call_fn *fn;
  unsigned args; /* at least */
};

static const struct entry entries[] = {
    {"socket", do_socket, 3},
    {"bind", do_bind, 3},
    {"listen", do_listen, 2},
    {"accept", do_accept, 3},
    {"accept4", do_accept, 4},
    {"connect", do_connect, 3},
    {"shutdown", do_shutdown, 2},
    {"close", do_close, 1},
    {"getsockname", do_getsockname, 3},
    {"getpeername", do_getpeername, 3},
    {"read", do_read, 3},
    {"write", do_write, 3},
    {"readv", do_readv, 3},
    {"writev", do_writev, 3},
    {"recv", do_recv, 4},
    {"send", do_send, 4},
    {"recvfrom", do_recvfrom, 4},
    {"sendto", do_sendto, 4},
    {"recvmsg", do_recvmsg, 3},
    {"sendmsg", do_sendmsg, 3},
    {"sendfile", do_sendfile, 4},
    {"splice", do_splice, 6},
    {"pipe", do_pipe, 1},
    {"open", do_open, 2},
    {"fcntl", do_fcntl, 2},
    {"ioctl", do_ioctl, 2},
    {"getsockopt", do_getsockopt, 5},
    {"setsockopt", do_setsockopt, 5},
    {"poll", do_poll, 3},
    {"epoll_create", do_epoll_create, 1},
    {"epoll_create1", do_epoll_create, 1},
    {"epoll_ctl", do_epoll_ctl, 3},
    {"epoll_wait", do_epoll_wait, 4},
    {"cap_set", do_nothing, 0},
    {"kill", do_kill, 2},
    {"dup", do_dup, 1},
    {"usleep", do_nothing, 1},
};

static const struct entry *find(const char *name)
{
  for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
    if (strcmp(entries[i].name, name) == 0) return &entries[i];
  return NULL;
}

enum drill_progress call_done(struct drill_op *op, int64_t result)
{
  op->result = result;
  op->error = 0;
  return DRILL_DONE;
}

enum drill_progress call_error(struct drill_run *r, struct drill_op *op, int yeon_error)
{
  op->result = -1;
  op->error = symbol_errno(r, yeon_error);
  return DRILL_DONE;
}

enum drill_progress call_errno(struct drill_run *r, struct drill_op *op, const char *name)
{
  op->result = -1;
  op->error = symbol_errno_named(r, name);
  return DRILL_DONE;
}

static const char *outcome(struct drill_run *r, const struct drill_op *op)
{
  if (op->result < 0 && op->error != 0)
    return drill_format(r->arena, "%" PRId64 " %s", op->result, symbol_errno_name(r, op->error));
  return drill_format(r->arena, "%" PRId64, op->result);
}

static const char *wanted(struct drill_run *r, const struct drill_call *c)
{
  return c->error != NULL ? drill_format(r->arena, "%s %s", value_show(r, c->result), c->error)
                          : value_show(r, c->result);
}

static bool result_agrees(struct drill_run *r, const struct drill_op *op)
{
  int64_t want;
  if (op->call->result->kind == DRILL_ELLIPSIS) return true;
  if (!value_number(r, op->call->result, &want)) {
    drill_needs(r, "a number for %s, the result of %s", value_show(r, op->call->result), op->call->name);
    return true;
  }
  if (want != op->result) return false;
  return op->call->error == NULL || symbol_errno_named(r, op->call->error) == op->error;
}

static void check_end_time(struct drill_run *r, const struct drill_op *op)
{
  if (!op->call->blocks || r->config->any_time) return;
  yeon_time off = op->ended_at - op->end_wanted, slack = r->tolerance;
  yeon_time share = (yeon_time)((double)(op->end_wanted - op->began_at) * r->tolerance_percent / 100.0);
  if (share > slack) slack = share;
  if (off <= slack && off >= -slack) return;
  drill_differ(r, off > 0 ? "the call returns too late" : "the call returns too early",
               drill_format(r->arena, "%.6f", (double)op->end_wanted / 1e9),
               drill_format(r->arena, "%.6f", (double)op->ended_at / 1e9));
}

static void ended(struct drill_run *r)
{
  struct drill_op *op = &r->op;
  const struct drill_event *current = r->event;
  op->active = false;
  op->ended_at = r->now;
  r->event = op->event; /* what is wrong is wrong with this line */
  drill_trace(r, "   %s = %s", op->call->name, outcome(r, op));
  if (!result_agrees(r, op))
    drill_differ(r, "another result", wanted(r, op->call), outcome(r, op));
  else
    check_end_time(r, op);
  r->event = current;
}

void call_retry(struct drill_run *r)
{
  struct drill_op *op = &r->op;
  const struct drill_event *current = r->event;
  r->event = op->event;
  enum drill_progress progress = op->go(r, op);
  r->event = current;
  if (progress == DRILL_DONE || r->over) ended(r);
}

void call_finish(struct drill_run *r)
{
  yeon_time limit = r->now + r->horizon;
  unsigned steps = 0;
  while (r->op.active && drill_passing(r)) {
    if (world_step(r, limit) && ++steps < 1000000) continue;
    if (!r->op.active || r->over) return;
    r->event = r->op.event;
    drill_differ(r, "the call does not return", wanted(r, r->op.call),
                 drill_format(r->arena, "still waiting after %.0f s", (double)r->horizon / 1e9));
  }
}

void call_begin(struct drill_run *r, const struct drill_event *e)
{
  const struct entry *entry = find(e->call->name);
  call_finish(r); /* the one before */
  if (r->over) return;
  if (entry == NULL) {
    drill_needs(r, "the call %s", e->call->name);
    return;
  }
  if (e->call->n_args < entry->args) {
    drill_fail(r, "%s wants %u arguments", entry->name, entry->args);
    return;
  }
  yeon_time base = e->when == DRILL_RELATIVE ? r->last_at : 0;
  r->op = (struct drill_op){.event = e,
                            .call = e->call,
                            .go = entry->fn,
                            .active = true,
                            .began_at = r->now,
                            .end_wanted = base + e->call->end,
                            .give_up_at = YEON_NEVER};
  drill_trace(r, "%s", e->source);
  call_retry(r);
  r->op.waited = true;
  if (r->over) return;
  world_settle(r);
  if (!e->call->blocks) call_finish(r); /* a call that should not block does; nothing else happens meanwhile */
}
