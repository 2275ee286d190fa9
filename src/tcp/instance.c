/* An instance of TCP inside a host: its pools, its table, the life and end of connections. */
#include <string.h>

#include "tcp/ecn.h"

static void make_keys(struct tcp *t)
{
  rng_key(t->rng, &t->key_table);
  rng_key(t->rng, &t->key_isn);
  rng_key(t->rng, &t->key_ts);
  rng_key(t->rng, &t->key_port);
  rng_key(t->rng, &t->key_cookie);
}

/* The first chunk is there from the start: the first connections cannot fail for memory. */
static bool warm(struct pool *p)
{
  uint32_t number;
  if (pool_new(p, &number) == NULL) return false;
  pool_free(p, number);
  return true;
}

static bool warm_blocks(struct tcp *t)
{
  struct ring *first = NULL;
  if (!ring_reserve(&t->blocks, &first, 1, 0)) return false;
  ring_release(&t->blocks, &first);
  return true;
}

bool tcp_init(struct tcp *t, struct mem *mem, const struct yeon_host_config *config, yeon_time now)
{
  t->mem = mem;
  t->epoch = now;
  if (config->tcp != NULL)
    t->options = *config->tcp;
  else
    yeon_tcp_options_init(&t->options, YEON_PROFILE_LINUX);
  t->next_id = 1;
  t->challenge_at = now - YEON_SEC;
  pool_init(&t->conns, mem, sizeof(struct yeon_tcp), config->max_connections);
  pool_init(&t->half_opens, mem, sizeof(struct tcp_half_open), config->max_half_open);
  pool_init(&t->time_waits, mem, sizeof(struct tcp_time_wait), config->max_time_wait);
  pool_init(&t->sack_sets, mem, sizeof(struct tcp_sacks), config->max_connections);
  pool_init(&t->busies, mem, sizeof(struct tcp_busy), config->max_connections);
  pool_init(&t->extras, mem, sizeof(struct tcp_extra), config->max_connections);
  pool_init(&t->cc_states, mem, TCP_CC_HELD_SIZE, config->max_connections);
  ring_store_init(&t->blocks, mem, UINT64_MAX);
  t->blocks.keeps = 1u << RING_MIN_LOG2; /* one, so that a connection that asks and answers by turns allocates nothing */
  pool_init(&t->ecns, mem, sizeof(struct tcp_ecn), config->max_connections);
  wheel_init(&t->wheel, now);
  make_keys(t);
  tcp_cookie_keys_make(t);
  bool ok = table_init(&t->table, mem, &tcp_table_ops, t) && warm(&t->conns) && warm(&t->half_opens) &&
            warm(&t->time_waits) && warm(&t->busies) && warm_blocks(t) && tcp_replies_grow(t);
  if (!ok) tcp_fini(t);
  return ok;
}

void tcp_fini(struct tcp *t)
{
  tcp_bury(t);
  for (uint32_t n = pool_next(&t->conns, 0); n != 0; n = pool_next(&t->conns, n)) {
    struct yeon_tcp *c = pool_at(&t->conns, n);
    ring_release(t->rings, &c->snd);
    ring_release(t->rings, &c->rcv);
    if (c->busy != NULL) {
      tcp_sent_release(c);
      tcp_eor_release(c);
      tcp_sacks_free(c);
    }
    tcp_fastopen_free(c);
  }
  ring_store_fini(&t->blocks);
  tcp_server_cache_free(t);
  tcp_ports_fini(t);
  mem_free(t->mem, t->replies, t->replies_cap * sizeof *t->replies);
  table_fini(&t->table);
  pool_fini(&t->cc_states);
  pool_fini(&t->ecns);
  pool_fini(&t->extras);
  pool_fini(&t->busies);
  pool_fini(&t->sack_sets);
  pool_fini(&t->time_waits);
  pool_fini(&t->half_opens);
  pool_fini(&t->conns);
}

struct yeon_tcp *tcp_conn(const struct tcp *t, uint32_t number) { return pool_at(&t->conns, number); }

struct yeon_tcp *tcp_conn_new(struct tcp *t)
{
  uint32_t number;
  struct yeon_tcp *c = pool_new(&t->conns, &number);
  if (c == NULL && tcp_ending_hurry(t, *t->clock)) c = pool_new(&t->conns, &number);
  if (c == NULL) {
    t->counters->no_memory++;
    return NULL;
  }
  c->number = number;
  c->t = t;
  c->id = (uint32_t)t->next_id++;
  c->cc.algorithm = t->options.congestion;
  c->sndbuf = t->options.sndbuf;
  c->rcvbuf = t->options.rcvbuf;
  c->rto_us = t->options.rto_initial_us;
  c->quick_acks = (uint8_t)t->options.quick_acks;
  if (!t->options.nagle) c->flags |= TCP_F_NODELAY;
  c->record.key.local = TCP_LOCAL_ANY;
  return c;
}

struct tcp_extra *tcp_extra(struct yeon_tcp *c)
{
  uint32_t number;
  if (c->extra != NULL) return c->extra;
  struct tcp_extra *x = pool_new(&c->t->extras, &number);
  if (x == NULL) {
    c->t->counters->no_memory++;
    return NULL;
  }
  x->number = number;
  x->linger_ms = -1;
  c->extra = x;
  return x;
}

struct tcp_busy *tcp_busy(struct yeon_tcp *c)
{
  uint32_t number;
  if (c->busy != NULL) return c->busy;
  struct tcp_busy *b = pool_new(&c->t->busies, &number);
  if (b == NULL) {
    c->t->counters->no_memory++;
    c->flags2 |= TCP_G_STARVED;
    return NULL;
  }
  b->number = number;
  b->judged = b->snd_small = c->snd_una;
  b->recover = c->snd_una - ((c->flags2 & TCP_G_RECOVERED) == 0);
  c->busy = b;
  tcp_congestion_lend(c);
  tcp_tlp_wake(c);
  return b;
}

static void drop_busy(struct yeon_tcp *c)
{
  if (c->busy == NULL) return;
  c->flags2 &= ~TCP_G_RECOVERED;
  if (c->busy->recover == c->snd_una) c->flags2 |= TCP_G_RECOVERED;
  tcp_tlp_rest(c);
  tcp_sent_release(c);
  tcp_eor_release(c);
  tcp_sacks_free(c);
  tcp_congestion_take_back(c);
  c->timers &= (uint16_t) ~(1u << YEON_TIMER_PACE); /* its deadline goes along */
  pool_free(&c->t->busies, c->busy->number);
  c->busy = NULL;
  c->flags &= ~(TCP_F_TIMING | TCP_F_DSACK | TCP_F_RECOVERY | TCP_F_RTO_RECOVERY);
}

void tcp_rest(struct yeon_tcp *c)
{
  const struct tcp_busy *b = c->busy;
  if (b == NULL || tcp_outstanding(c) || tcp_is_early(c)) return;
  if (ring_len(b->records) > 0 || b->ooo != NULL || b->rcv_fin_known || (c->flags & TCP_F_DSACK) != 0) return;
  if (tcp_timer_on(c, YEON_TIMER_PACE)) return;
  drop_busy(c);
}

void tcp_conn_release_buffers(struct yeon_tcp *c, bool receive_too)
{
  ring_release(c->t->rings, &c->snd);
  drop_busy(c);
  if (receive_too) ring_release(c->t->rings, &c->rcv);
}

static void leave_table(struct yeon_tcp *c)
{
  if ((c->flags & TCP_F_IN_TABLE) == 0) return;
  tcp_table_del(c->t, (uint32_t)c->record.kind << TCP_KIND_SHIFT | c->number);
  c->flags &= ~TCP_F_IN_TABLE;
}

static void drop_port(struct yeon_tcp *c)
{
  tcp_unbind(c);
  if ((c->flags & TCP_F_HOLDS_PORT) == 0) return;
  tcp_port_drop(c->t, c->record.key.local_port);
  c->flags &= ~TCP_F_HOLDS_PORT;
}

void tcp_conn_become_ending(struct yeon_tcp *c)
{
  leave_table(c);
  drop_port(c);
  c->record.kind = TCP_KIND_ENDING;
  tcp_table_add(c->t, (uint32_t)TCP_KIND_ENDING << TCP_KIND_SHIFT | c->number);
  c->flags |= TCP_F_IN_TABLE;
}

void tcp_conn_free(struct yeon_tcp *c)
{
  struct tcp *t = c->t;
  assert(c->state == YEON_TCP_CLOSED);
  assert((c->flags & TCP_F_ON_ACCEPT) == 0);
  leave_table(c);
  drop_port(c);
  tcp_unlist_output(c);
  tcp_unlist_report(c);
  if (c->record.kind == TCP_KIND_ENDING) tcp_list_remove(t, &t->ending, c);
  wheel_cancel(&t->wheel, &c->node);
  tcp_conn_release_buffers(c, true);
  tcp_congestion_end(c);
  tcp_fastopen_free(c);
  tcp_ecn_drop(c);
  if (c->extra != NULL) pool_free(&t->extras, c->extra->number);
  pool_free(&t->conns, c->number);
}

void tcp_conn_end(struct yeon_tcp *c, int error, enum yeon_cause cause, yeon_time now)
{
  tcp_fastopen_over(c, cause == YEON_CAUSE_RST, now);
  /* A SYN with data may be answered yet, and what acknowledges that must not pass for the answer to the next SYN from the same port. */
  if (c->state == YEON_TCP_SYN_SENT && c->snd_max - c->iss > 1) c->t->isn_ahead += c->snd_max - c->iss;
  if (c->state != YEON_TCP_CLOSED) tcp_set_state(c, YEON_TCP_CLOSED, cause, now);
  c->t->counters->tcp_closed++;
  if (error != 0) tcp_trace_error(c, error, cause, false, now);
  leave_table(c);
  drop_port(c);
  tcp_unlist_output(c);
  tcp_timers_forget(c);
  /* What arrived before the end may still be read, and then the error is told. RFC 9293 3.10.7.4, second, would flush it at a reset; no kernel does. */
  tcp_conn_release_buffers(c, false);
  if ((c->flags & TCP_F_ORPHAN) != 0) {
    tcp_conn_free(c);
    return;
  }
  c->error = (int8_t)error;
  tcp_notify(c, (uint8_t)(YEON_CLOSED | YEON_READABLE | YEON_WRITABLE | (error != 0 ? YEON_ERROR : 0)));
}

void tcp_usage(const struct tcp *t, struct yeon_host_usage *out)
{
  out->connections = t->conns.used - t->listeners;
  out->half_open = t->half_opens.used;
  out->time_wait = t->time_waits.used - t->time_wait_dead;
  out->listeners = t->listeners;
}

yeon_time tcp_next(const struct tcp *t)
{
  yeon_time a = wheel_next(&t->wheel), b = tcp_time_wait_next(t);
  return a < b ? a : b;
}

static void run_node(struct tcp *t, struct wheel_node *n, yeon_time now);

void tcp_run_timers(struct tcp *t, yeon_time now)
{
  struct wheel_node *n;
  while ((n = wheel_pop(&t->wheel, now)) != NULL) run_node(t, n, now);
  tcp_time_wait_run(t, now);
}

/* All kinds but TIME-WAIT have a node in the wheel. */
static void run_node(struct tcp *t, struct wheel_node *n, yeon_time now)
{
  struct tcp_record *r = (struct tcp_record *)(void *)((char *)n - offsetof(struct yeon_tcp, node));
  _Static_assert(offsetof(struct yeon_tcp, node) == offsetof(struct tcp_half_open, node), "one wheel for both");
  if (r->kind == TCP_KIND_CONN)
    tcp_timers_due((struct yeon_tcp *)r, now);
  else if (r->kind == TCP_KIND_ENDING)
    tcp_ending_timer((struct yeon_tcp *)r, now);
  else
    tcp_half_open_timer(t, (struct tcp_half_open *)r, now);
}

struct tcp *tcp_of(const struct yeon_tcp *c) { return c->t; }
