/* The table of connections: from the key of a segment to the record it belongs to, in one chain whatever the kind. */
#include <string.h>

#include "tcp/internal.h"

static void *record_at(const struct tcp *t, uint32_t id)
{
  uint32_t number = id & TCP_NUMBER_MASK;
  switch (tcp_kind(id)) {
  case TCP_KIND_CONN:
  case TCP_KIND_ENDING: return pool_at(&t->conns, number);
  case TCP_KIND_HALF_OPEN: return pool_at(&t->half_opens, number);
  case TCP_KIND_TIME_WAIT: return pool_at(&t->time_waits, number);
  }
  assert(false && "unknown kind of record");
  return NULL;
}

/* All kinds begin with the key and the chain. */
struct tcp_record *tcp_record(const struct tcp *t, uint32_t id)
{
  _Static_assert(offsetof(struct tcp_time_wait, chain) == offsetof(struct tcp_record, chain), "a common beginning");
  return record_at(t, id);
}

static uint32_t hash_key_of(const struct tcp *t, const struct tcp_key *key)
{
  return (uint32_t)hash_sip13(&t->key_table, key, TCP_KEY_SIZE);
}

static uint32_t *link_of(const void *ctx, uint32_t id) { return &tcp_record(ctx, id)->chain; }

static uint32_t hash_of(const void *ctx, uint32_t id) { return hash_key_of(ctx, &tcp_record(ctx, id)->key); }

const struct table_ops tcp_table_ops = {.link = link_of, .hash = hash_of};

static bool same_key(const struct tcp_key *a, const struct tcp_key *b) { return memcmp(a, b, TCP_KEY_SIZE) == 0; }

uint32_t tcp_find(const struct tcp *t, const struct tcp_key *key)
{
  uint32_t id = table_first(&t->table, hash_key_of(t, key));
  while (id != 0) {
    const struct tcp_record *r = tcp_record(t, id);
    if (same_key(&r->key, key)) return id;
    id = r->chain;
  }
  return 0;
}

/* Several listeners may share a key (YEON_TCP_REUSEPORT): the connection's hash chooses among them. */
static struct yeon_tcp *one_of_listeners(const struct tcp *t, const struct tcp_key *key, uint32_t choice)
{
  struct yeon_tcp *found[16];
  uint32_t n = 0;
  for (uint32_t id = table_first(&t->table, hash_key_of(t, key)); id != 0 && n < 16; id = tcp_record(t, id)->chain)
    if (same_key(&tcp_record(t, id)->key, key)) found[n++] = tcp_conn(t, id);
  return n == 0 ? NULL : found[choice % n];
}

struct yeon_tcp *tcp_find_listener(const struct tcp *t, const struct tcp_key *key)
{
  uint16_t any_of_family = tcp_local_is4(t, key->local) ? TCP_LOCAL_ANY4 : TCP_LOCAL_ANY6;
  const uint16_t locals[3] = {key->local, any_of_family, TCP_LOCAL_ANY};
  uint32_t choice = hash_key_of(t, key) >> 8;
  for (unsigned i = 0; i < 3 && t->listeners > 0; i++) {
    struct tcp_key k = {.local_port = key->local_port, .local = locals[i]};
    struct yeon_tcp *listener = one_of_listeners(t, &k, choice);
    if (listener != NULL) return listener;
  }
  return NULL;
}

void tcp_table_add(struct tcp *t, uint32_t id) { table_insert(&t->table, hash_key_of(t, &tcp_record(t, id)->key), id); }

void tcp_table_del(struct tcp *t, uint32_t id) { table_remove(&t->table, hash_key_of(t, &tcp_record(t, id)->key), id); }

struct tcp_key tcp_key_of(const struct tcp_segment *s)
{
  return (struct tcp_key){.remote = s->remote,
                          .remote_port = s->h.src_port,
                          .local_port = s->h.dst_port,
                          .local = s->path.local};
}
