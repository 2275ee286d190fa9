/* Proportional rate reduction (RFC 9937). In recovery the window follows what leaves the network: for each byte
 * delivered ssthresh / flight of a byte may be sent, so that at the end just ssthresh is in flight, neither after a silence of half a round trip
 * nor in a burst. When losses have emptied the network below ssthresh, it is filled again: by what is delivered alone while further losses are found,
 * and one segment faster when the acknowledgment moves on without any.
 *
 * Counted in bytes, rounded up to segments. An algorithm that governs itself is left alone. */
#include "tcp/internal.h"

void tcp_prr_begin(struct yeon_tcp *c, uint32_t flight)
{
  c->busy->prr = (struct tcp_prr){0};
  if (!c->t->options.prr || cc_ops(&c->cc)->governs_itself) return;
  c->busy->prr.flight = flight > 0 ? flight : c->snd_mss;
}

static uint32_t whole_segments(const struct yeon_tcp *c, uint64_t bytes)
{
  return (uint32_t)((bytes + c->snd_mss - 1) / c->snd_mss * c->snd_mss);
}

/* RFC 9937; what may be sent now, bytes. */
static uint32_t allowed(const struct yeon_tcp *c, uint32_t delivered, bool advanced, bool lost)
{
  const struct tcp_prr *p = &c->busy->prr;
  uint32_t pipe = tcp_pipe(c), ssthresh = c->cc.ssthresh;
  if (pipe > ssthresh) {
    uint32_t share = whole_segments(c, ((uint64_t)p->delivered * ssthresh + p->flight - 1) / p->flight);
    return share > p->sent ? share - p->sent : 0;
  }
  uint32_t most = p->delivered > p->sent ? p->delivered - p->sent : 0;
  if (most < delivered) most = delivered;
  if (advanced && !lost) most += c->snd_mss;
  return most < ssthresh - pipe ? most : ssthresh - pipe;
}

void tcp_prr_on_ack(struct yeon_tcp *c, uint32_t delivered, bool advanced, bool lost)
{
  struct tcp_prr *p = &c->busy->prr;
  if (p->flight == 0 || delivered == 0) return;
  p->delivered += delivered;
  uint32_t now = allowed(c, delivered, advanced, lost);
  /* The first retransmission is not held back. */
  if (p->sent == 0 && now < c->snd_mss) now = c->snd_mss;
  c->cc.cwnd = tcp_pipe(c) + now;
}

void tcp_prr_sent(struct yeon_tcp *c, uint32_t len)
{
  if ((c->flags & TCP_F_RECOVERY) != 0) c->busy->prr.sent += len;
}

void tcp_prr_end(struct yeon_tcp *c)
{
  if (c->busy->prr.flight > 0) c->cc.cwnd = c->cc.ssthresh;
  c->busy->prr.flight = 0;
}
