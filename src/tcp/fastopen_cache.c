/* What servers told of Fast Open (RFC 7413 4.1.3): the newest cookie and MSS for each pair of addresses, and paths that took a try badly (4.1.3.1).
 * A table of fixed size, made with the first note: a set of few places is chosen by a keyed hash, and in it the note not used for longest gives way.
 * So neither many servers nor one that a stranger names can make it grow or push out more than its own set. */
#include <string.h>

#include "tcp/internal.h"

#define SETS 64u
#define WAYS 4u

struct tcp_fastopen_cache {
  struct tcp_server_note notes[SETS][WAYS];
};

static struct tcp_server_note *set_of(const struct tcp *t, const struct tcp_key *key)
{
  struct tcp_key pair = {.remote = key->remote, .local = key->local};
  return t->fastopen_cache->notes[hash_sip13(&t->key_table, &pair, TCP_KEY_SIZE) % SETS];
}

static bool is_of(const struct tcp_server_note *n, const struct tcp_key *key)
{
  return n->used_s != 0 && n->local == key->local && yeon_ip_equal(&n->remote, &key->remote);
}

const struct tcp_server_note *tcp_server_find(const struct tcp *t, const struct tcp_key *key)
{
  if (t->fastopen_cache == NULL) return NULL;
  const struct tcp_server_note *set = set_of(t, key);
  for (unsigned i = 0; i < WAYS; i++)
    if (is_of(&set[i], key)) return &set[i];
  return NULL;
}

struct tcp_server_note *tcp_server_note(struct tcp *t, const struct tcp_key *key, yeon_time now)
{
  if (t->fastopen_cache == NULL) t->fastopen_cache = mem_new(t->mem, sizeof *t->fastopen_cache);
  if (t->fastopen_cache == NULL) return NULL;
  struct tcp_server_note *set = set_of(t, key), *oldest = &set[0], *found = NULL;
  for (unsigned i = 0; i < WAYS; i++) {
    if (is_of(&set[i], key)) found = &set[i];
    if (set[i].used_s < oldest->used_s) oldest = &set[i];
  }
  if (found == NULL) {
    found = oldest;
    *found = (struct tcp_server_note){.remote = key->remote, .local = key->local};
  }
  found->used_s = (uint32_t)((now - t->epoch) / YEON_SEC) + 1;
  return found;
}

void tcp_server_cache_free(struct tcp *t)
{
  if (t->fastopen_cache != NULL) mem_free(t->mem, t->fastopen_cache, sizeof *t->fastopen_cache);
  t->fastopen_cache = NULL;
}

void tcp_fastopen_flush(struct tcp *t)
{
  tcp_server_cache_free(t);
  t->fastopen_paused_until = 0;
  t->fastopen_pauses = 0;
}
