/* Finding how much a path carries by trying (RFC 4821; RFC 8899 says the same of datagrams). ICMP tells of a narrow path, pmtu.c; this is for paths that
 * drop what is too large and say nothing, and for paths that are wider than was told.
 *
 * A search goes on between a size that has passed and one that might: a probe is an ordinary segment of a size in between, sent where new data was due
 * anyhow, with enough behind it that its loss shows by acknowledgments. If it is acknowledged, segments are of that size from then on. If it alone is
 * lost, that says something of its size and nothing of congestion: the bytes go again in smaller segments, and the window stays (RFC 4821 7.6.2). If it
 * is lost with others, that is a loss like any.
 * When the two sizes are next to each other the search rests, and after ten minutes it begins again, for paths change (7.3).
 *
 * A black hole is found by the retransmission timer: after three time-outs in a row of more than a small segment, segments become small (7.7), and the
 * search starts from there. By options.mtu_probing a search begins so only, or with every connection. What a search remembers is in struct tcp_extra,
 * which is borrowed when it begins; the probe in flight is in struct tcp_busy. */
#include "tcp/internal.h"

#define TIMEOUTS 3u         /* in a row, before a black hole is suspected: what passes by itself has passed by then */
#define WINDOW_SEGMENTS 11u /* of congestion window at least: or the loss of a probe could cost a time-out */

/* IP and TCP headers with the options that every segment has. */
static uint32_t overhead(const struct yeon_tcp *c)
{
  return (yeon_ip_is4(&c->record.key.remote) ? 40u : 60u) + ((c->flags & TCP_F_TS) != 0 ? 12u : 0u);
}

/* More than this neither the link nor the peer takes. IP bytes. */
static uint32_t ceiling(const struct yeon_tcp *c)
{
  uint32_t headers = yeon_ip_is4(&c->record.key.remote) ? 40 : 60, most = c->t->link_mtu[c->link], limit = tcp_mss_limit(c);
  if (limit != 0 && limit + headers < most) most = limit + headers;
  return c->peer_mss + headers < most ? c->peer_mss + headers : most;
}

/* RFC 4821 7.2: small enough to pass nearly everywhere. */
static uint32_t floor_of(const struct yeon_tcp *c)
{
  uint32_t base = c->t->options.base_mss + overhead(c), least = tcp_least_mtu(c);
  return base > least ? base : least;
}

static bool searching(const struct yeon_tcp *c) { return c->extra != NULL && c->extra->search_high != 0; }

static bool begin(struct yeon_tcp *c, uint32_t low)
{
  struct tcp_extra *x = tcp_extra(c);
  if (x == NULL) return false;
  x->search_low = (uint16_t)low;
  x->search_high = c->t->link_mtu[c->link];
  x->search_rests_s = 0;
  x->search_after_ms = 0;
  return true;
}

void tcp_plpmtu_start(struct yeon_tcp *c)
{
  if (c->t->options.mtu_probing == YEON_MTU_PROBING_ALWAYS && c->t->options.path_mtu) (void)begin(c, floor_of(c));
}

static uint32_t clock_s(const struct tcp *t, yeon_time now) { return (uint32_t)((now - t->epoch) / YEON_SEC) + 1; }

/* RFC 4821 7.3: the search has come to its end; a later one may find more. */
static void rest(struct yeon_tcp *c, yeon_time now)
{
  struct tcp_extra *x = c->extra;
  uint32_t s = clock_s(c->t, now);
  if (x->search_rests_s == 0) x->search_rests_s = s;
  if (s - x->search_rests_s >= c->t->options.mtu_probe_interval_s) (void)begin(c, c->path_mtu);
}

/* The size to try next, IP bytes; 0: there is none. */
static uint32_t next_size(struct yeon_tcp *c, yeon_time now)
{
  const struct tcp_extra *x = c->extra;
  uint32_t low = x->search_low, most = ceiling(c), high = x->search_high < most ? x->search_high : most, size = (low + high) / 2;
  if (size <= c->path_mtu) size = (c->path_mtu + high + 1u) / 2;
  bool close = high <= c->path_mtu || (uint32_t)(high - c->path_mtu) < c->t->options.mtu_probe_threshold;
  if (!close && size > c->path_mtu) return size;
  rest(c, now);
  return 0;
}

/* RFC 4821 7.4: nothing is amiss, and nothing else is being found out. */
static bool calm(const struct yeon_tcp *c)
{
  bool open = c->state == YEON_TCP_ESTABLISHED || c->state == YEON_TCP_CLOSE_WAIT;
  bool busy = c->busy != NULL && (c->busy->probe_len != 0 || c->busy->ooo != NULL);
  return open && !busy && c->snd_nxt == c->snd_max && (c->flags & (TCP_F_RECOVERY | TCP_F_RTO_RECOVERY | TCP_F_URGENT)) == 0 &&
         c->dup_acks == 0 && !tcp_sacked(c) && !tcp_due(c) && c->cc.cwnd >= WINDOW_SEGMENTS * c->snd_mss;
}

/* RFC 4821 section 4, 7.6.2: a loss that costs no window may happen no more often than one that does would: a round trip for each segment of the window. */
static void wait_for_it(struct yeon_tcp *c, uint32_t times, yeon_time now)
{
  uint64_t us = (uint64_t)c->srtt_us * (c->cc.cwnd / c->snd_mss + 1) * times;
  c->extra->search_after_ms = tcp_ms(c->t, now) + (uint32_t)(us < 3600000000u ? us / 1000 : 3600000) + 1;
}

static bool waits(struct yeon_tcp *c, yeon_time now)
{
  struct tcp_extra *x = c->extra;
  if (x->search_after_ms != 0 && seq_lt(tcp_ms(c->t, now), x->search_after_ms)) return true;
  x->search_after_ms = 0;
  return false;
}

uint32_t tcp_plpmtu_probe(struct yeon_tcp *c, uint32_t room, yeon_time now)
{
  if (!searching(c) || !calm(c) || tcp_segment_size(c) != c->snd_mss || waits(c, now)) return 0;
  uint32_t size = next_size(c, now);
  if (size == 0) return 0;
  uint32_t len = size - overhead(c), needed = len + (c->t->options.dupthresh + 1u) * c->snd_mss;
  uint32_t queued = tcp_snd_end(c) - c->snd_nxt, window = c->snd_una + c->snd_wnd - c->snd_nxt;
  if (queued < needed || tcp_flight(c) + needed > c->snd_wnd || window < needed || room < len) return 0;
  return len;
}

void tcp_plpmtu_sent(struct yeon_tcp *c, uint32_t seq, uint32_t len)
{
  c->busy->probe_seq = seq;
  c->busy->probe_len = (uint16_t)len;
  c->t->counters->tcp_mtu_probe++;
}

/* RFC 4821 7.6.1. */
void tcp_plpmtu_on_ack(struct yeon_tcp *c, yeon_time now)
{
  struct tcp_busy *b = c->busy;
  if (b == NULL || b->probe_len == 0 || !seq_ge(c->snd_una, b->probe_seq + b->probe_len)) return;
  uint32_t size = b->probe_len + overhead(c);
  b->probe_len = 0;
  if (!searching(c)) return;
  c->extra->search_low = (uint16_t)size;
  if (size <= c->path_mtu) return;
  c->path_mtu = (uint16_t)size;
  c->t->counters->tcp_mtu_raised++;
  tcp_update_mss(c);
  tcp_trace_cwnd(c, "wider path", now);
}

/* RFC 4821 7.6.4: bytes of it go again, for a loss that others share. That says nothing of its size, and when all is mended it is tried once more; but
 * what acknowledges them then is not the probe's. */
void tcp_plpmtu_resent(struct yeon_tcp *c, uint32_t seq, uint32_t end)
{
  struct tcp_busy *b = c->busy;
  if (b->probe_len != 0 && seq_lt(seq, b->probe_seq + b->probe_len) && seq_gt(end, b->probe_seq)) b->probe_len = 0;
}

/* Nothing else is missing of what left before the newest that is known to have arrived. */
static bool lost_alone(const struct yeon_tcp *c, uint32_t end)
{
  const struct tcp_sents *s = &c->busy->sent;
  return c->snd_una == c->busy->probe_seq && (s->sacked == 0 || s->sacked == s->top - end);
}

/* RFC 4821 7.6.2: the probe alone is missing. */
bool tcp_plpmtu_lost(struct yeon_tcp *c, yeon_time now)
{
  struct tcp_busy *b = c->busy;
  if (b == NULL || b->probe_len == 0) return false;
  uint32_t size = b->probe_len + overhead(c), end = b->probe_seq + b->probe_len;
  if (!lost_alone(c, end)) return false;
  b->probe_len = 0;
  if (searching(c) && c->extra->search_high >= size) c->extra->search_high = (uint16_t)(size - 1);
  if (searching(c)) wait_for_it(c, 1, now);
  (void)tcp_sent_lose(c, b->probe_seq, end, false);
  b->recover = c->snd_max - 1; /* what is in flight now shows the same loss, and starts no recovery */
  c->dup_acks = 0;
  c->flags |= TCP_F_REXMIT_HEAD; /* not held back: limited transmit may have filled the window by now */
  tcp_want_output(c);
  return true;
}

void tcp_plpmtu_narrowed(struct yeon_tcp *c)
{
  if (searching(c) && c->extra->search_high > c->path_mtu) c->extra->search_high = c->path_mtu;
  if (c->busy != NULL) c->busy->probe_len = 0;
}

/* RFC 4821 7.7. */
void tcp_plpmtu_on_timeout(struct yeon_tcp *c, yeon_time now)
{
  uint32_t base = floor_of(c), least = tcp_least_mtu(c), before = c->path_mtu;
  if (c->busy != NULL && c->busy->probe_len != 0) {
    c->busy->probe_len = 0; /* RFC 4821 7.6.3, 7.6.4: it says nothing, but it was dear */
    if (searching(c)) wait_for_it(c, 5, now);
  }
  if (c->t->options.mtu_probing == YEON_MTU_PROBING_OFF || !c->t->options.path_mtu || c->rexmits < TIMEOUTS) return;
  uint32_t small = before > base ? base : least;
  /* No more in flight than would fit: then it is not for the size. */
  if (small >= before || c->snd_max - c->snd_una <= small - overhead(c)) return;
  if (!searching(c) && !begin(c, small)) return;
  c->extra->search_low = (uint16_t)small;
  c->extra->search_high = (uint16_t)(before - 1);
  c->extra->search_rests_s = 0;
  c->path_mtu = (uint16_t)small;
  c->t->counters->tcp_mtu_black_hole++;
  tcp_update_mss(c);
  tcp_trace_cwnd(c, "black hole", now);
}
