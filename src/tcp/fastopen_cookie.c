/* Fast Open cookies (RFC 7413 4.1.2): a SipHash of the client's and the server's address under a key of the server's, so that none need be kept. A
 * cookie proves that its bearer has received a segment at that address; it does not wear out until the key does. Two keys may be taken at a time, so
 * that one can be changed while clients still come with cookies of the other. The bytes are as Linux makes them, hence servers of both kinds can share
 * a key behind one address. */
#include <string.h>

#include "tcp/internal.h"

static uint64_t load(const uint8_t *p)
{
  uint64_t v = 0;
  for (unsigned i = 8; i > 0; i--) v = v << 8 | p[i - 1];
  return v;
}

void tcp_cookie_keys_set(struct tcp_cookie_keys *keys, const uint8_t *key, const uint8_t *backup)
{
  keys->key[0] = (struct hash_key){{load(key), load(key + 8)}};
  if (backup != NULL) keys->key[1] = (struct hash_key){{load(backup), load(backup + 8)}};
  keys->n = backup != NULL ? 2 : 1;
}

/* The host's own key follows from another secret of its, so that hosts of one seed draw the same numbers with and without Fast Open. */
void tcp_cookie_keys_make(struct tcp *t)
{
  for (uint64_t i = 0; i < 2; i++) t->fastopen_keys.key[0].k[i] = hash_sip24(&t->key_cookie, &i, sizeof i);
  t->fastopen_keys.n = 1;
}

void tcp_fastopen_cookie(const struct tcp *t, const struct hash_key *key, const struct tcp_key *conn,
                         uint8_t out[TCP_COOKIE_SIZE])
{
  uint8_t both[32];
  const struct yeon_ip *ends[2] = {&conn->remote, &(*t->locals)[conn->local]};
  size_t size = yeon_ip_is4(&conn->remote) ? 4 : 16, n = t->options.fastopen_cookie_of_client ? 1 : 2;
  for (size_t i = 0; i < n; i++) memcpy(both + i * size, ends[i]->b + 16 - size, size);
  uint64_t mac = hash_sip24(key, both, n * size);
  for (unsigned i = 0; i < TCP_COOKIE_SIZE; i++) out[i] = (uint8_t)(mac >> 8 * i);
}

int tcp_fastopen_check(const struct tcp *t, const struct tcp_cookie_keys *keys, const struct tcp_key *conn,
                       const struct wire_tcp *h)
{
  uint8_t cookie[TCP_COOKIE_SIZE];
  for (uint32_t i = 0; i < keys->n && h->n_cookie == TCP_COOKIE_SIZE; i++) {
    uint8_t differs = 0; /* every byte is looked at: how long it takes tells nothing of how many are right */
    tcp_fastopen_cookie(t, &keys->key[i], conn, cookie);
    for (unsigned j = 0; j < TCP_COOKIE_SIZE; j++) differs |= (uint8_t)(cookie[j] ^ h->cookie[j]);
    if (differs == 0) return (int)i;
  }
  return -1;
}
