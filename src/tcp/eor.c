/* Ends of records in the stream (EOR): where the application has said (YEON_SEND_RECORD) that no segment is to hold bytes of both sides. TCP has no records
 * (RFC 9293 3.7.1 lets a sender cut as it likes), but who sends messages may care that none waits for, or is lost with, a part of its neighbour.
 *
 * The ends stand as sequence numbers in a borrowed ring, oldest first, from the moment they are given until they are acknowledged; so copies are cut where
 * the originals were. What ends a record is pushed, and does not wait for more to fill its segment unless it is the last. */
#include "tcp/internal.h"

#define RECORDS_MOST 1024u /* not acknowledged; the next one is refused */
#define ENTRY ((uint32_t)sizeof(uint32_t))

static uint32_t count_of(const struct yeon_tcp *c) { return c->busy != NULL ? ring_len(c->busy->records) / ENTRY : 0; }

static uint32_t end_at(const struct yeon_tcp *c, uint32_t i)
{
  uint32_t end;
  ring_read(c->busy->records, i * ENTRY, &end, ENTRY);
  return end;
}

/* The first end at or after seq; the count when there is none. */
static uint32_t find(const struct yeon_tcp *c, uint32_t seq)
{
  uint32_t low = 0, high = count_of(c);
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (seq_ge(end_at(c, middle), seq))
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

int tcp_eor_reserve(struct yeon_tcp *c)
{
  uint32_t n = count_of(c);
  if (n >= RECORDS_MOST) return YEON_ERR_LIMIT;
  if (tcp_busy(c) != NULL && ring_reserve(&c->t->blocks, &c->busy->records, (n + 1) * ENTRY, n * ENTRY)) return 0;
  c->t->counters->no_memory++;
  return YEON_ERR_NO_MEMORY;
}

void tcp_eor_end(struct yeon_tcp *c)
{
  uint32_t end = tcp_snd_end(c), n = count_of(c);
  if (n > 0 && end_at(c, n - 1) == end) return;
  ring_write(c->busy->records, n * ENTRY, &end, ENTRY);
  c->busy->records->len += ENTRY;
}

uint32_t tcp_eor_limit(const struct yeon_tcp *c, uint32_t seq, uint32_t len)
{
  uint32_t i = find(c, seq + 1);
  if (i == count_of(c)) return len;
  uint32_t end = end_at(c, i);
  if (end == tcp_snd_end(c)) return len; /* a FIN may go along */
  return end - seq < len ? end - seq : len;
}

bool tcp_eor_ends(const struct yeon_tcp *c, uint32_t end)
{
  uint32_t i = find(c, end);
  return i < count_of(c) && end_at(c, i) == end;
}

void tcp_eor_acked(struct yeon_tcp *c)
{
  uint32_t n = find(c, c->snd_una + 1);
  if (n == 0) return;
  ring_drop(c->busy->records, n * ENTRY);
  if (ring_len(c->busy->records) == 0) tcp_eor_release(c);
}

void tcp_eor_release(struct yeon_tcp *c) { ring_release(&c->t->blocks, &c->busy->records); }
