/* Initial sequence numbers and timestamp offsets that strangers cannot predict (RFC 9293 3.4.1, RFC 7323 5.4). */
#include "tcp/internal.h"

uint32_t tcp_isn(const struct tcp *t, const struct tcp_key *key, yeon_time now)
{
  /* RFC 9293 3.4.1: a clock of 4 microseconds a tick plus a keyed hash of the connection's four-tuple. */
  uint32_t clock = (uint32_t)((now - t->epoch) / (4 * YEON_US)) + t->isn_ahead;
  return clock + (uint32_t)hash_sip24(&t->key_isn, key, TCP_KEY_SIZE);
}

uint32_t tcp_ts_now(const struct tcp *t, const struct tcp_key *key, yeon_time now)
{
  /* RFC 7323 5.4: one tick a millisecond, from a random offset per connection. */
  uint32_t clock = (uint32_t)((now - t->epoch) / YEON_MS);
  return clock + (uint32_t)hash_sip24(&t->key_ts, key, TCP_KEY_SIZE);
}
