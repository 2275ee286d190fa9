/* Records of what was sent and is not acknowledged (RFC 6675 section 3 calls it the scoreboard; RACK wants a time for each segment).
 *
 * A record stands for what left in one go. They lie in a ring in the order of their sequence numbers and cover all from snd_una to snd_max, so
 * sending appends one and an acknowledgment takes some from the front; nothing else happens while nothing is lost. A SACK block finds its records by
 * binary search; one that it covers in part is cut in two. Neighbours that the peer has told of become one again, so that in recovery the
 * holes remain and little between them, and whoever walks the records walks few.
 *
 * How many bytes are SACKED, LOST, RESENT and due is counted along; flags change in one place alone (put_flags), so that the counts follow. What is
 * in the network is then a sum of three numbers (tcp_pipe in recovery.c).
 *
 * The limit: 128 records and four for each full segment in flight. A peer that cuts more finely is not followed: a block then counts only for
 * what it covers whole. What is sent beyond the limit, byte by byte, is added to the newest record. The blocks are not counted among the host's buffers, lest
 * a full send buffer could not be sent for want of records: they are bounded by it. */
#include <string.h>

#include "tcp/internal.h"

static uint32_t limit_of(const struct yeon_tcp *c)
{
  const struct tcp_sents *s = &c->busy->sent;
  uint32_t bytes = s->n > 0 ? s->end - tcp_sent_at(s, 0)->seq : 0;
  return 128 + 4 * (bytes / c->snd_mss);
}

static void count(struct tcp_sents *s, uint8_t flags, uint32_t len)
{
  if ((flags & TCP_SENT_SACKED) != 0) s->sacked += len;
  if ((flags & TCP_SENT_LOST) != 0) s->lost += len;
  if ((flags & TCP_SENT_RESENT) != 0) s->resent += len;
  if ((flags & (TCP_SENT_LOST | TCP_SENT_RESENT)) == TCP_SENT_LOST) s->due += len;
}

static void put_flags(struct tcp_sents *s, uint32_t i, uint8_t flags)
{
  struct tcp_sent *r = tcp_sent_at(s, i);
  uint32_t len = tcp_sent_end(s, i) - r->seq;
  bool was_due = (r->flags & (TCP_SENT_LOST | TCP_SENT_RESENT)) == TCP_SENT_LOST;
  bool is_due = (flags & (TCP_SENT_LOST | TCP_SENT_RESENT)) == TCP_SENT_LOST;
  if (is_due && !was_due && (s->due == 0 || seq_lt(r->seq, s->due_from))) s->due_from = r->seq;
  if (is_due && !was_due) s->ever_lost += len;
  count(s, r->flags, 0 - len);
  count(s, flags, len);
  if ((r->flags & TCP_SENT_SACKED) != 0) s->sacked_segs -= r->segs;
  if ((flags & TCP_SENT_SACKED) != 0) s->sacked_segs += r->segs;
  r->flags = flags;
}

/* The record that holds seq; n when all end before. */
static uint32_t find(const struct tcp_sents *s, uint32_t seq)
{
  uint32_t low = 0, high = s->n;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (seq_gt(tcp_sent_end(s, middle), seq))
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

static bool grow(struct yeon_tcp *c, uint32_t least)
{
  struct tcp_sents *s = &c->busy->sent;
  struct ring *made = NULL;
  uint32_t cap = 2 * s->cap > least ? 2 * s->cap : least;
  if (!ring_reserve(&c->t->blocks, &made, cap * (uint32_t)sizeof(struct tcp_sent), 0)) return false;
  struct tcp_sent *to = (struct tcp_sent *)(void *)made->data;
  uint32_t front = s->n < s->cap - s->first ? s->n : s->cap - s->first;
  if (s->n > 0) {
    memcpy(to, tcp_sent_at(s, 0), front * sizeof *to);
    if (s->n > front) memcpy(to + front, s->block->data, (s->n - front) * sizeof *to);
  }
  ring_release(&c->t->blocks, &s->block);
  s->block = made;
  s->first = 0;
  s->cap = ring_capacity(made) / (uint32_t)sizeof *to;
  return true;
}

/* Three: one for the segment itself, two for the edges it cuts when it is sent again. */
#define RESERVE 3u

bool tcp_sent_reserve(struct yeon_tcp *c)
{
  const struct tcp_sents *s = &c->busy->sent;
  if (s->n + RESERVE <= s->cap || grow(c, s->n + RESERVE)) return true;
  c->t->counters->no_memory++;
  c->flags2 |= TCP_G_STARVED;
  return false;
}

/* Makes room for one more at i, moving the shorter side. */
static void open_gap(struct tcp_sents *s, uint32_t i)
{
  s->n++;
  if (i < s->n / 2) {
    s->first = s->first > 0 ? s->first - 1 : s->cap - 1;
    for (uint32_t k = 0; k < i; k++) *tcp_sent_at(s, k) = *tcp_sent_at(s, k + 1);
  } else {
    for (uint32_t k = s->n - 1; k > i; k--) *tcp_sent_at(s, k) = *tcp_sent_at(s, k - 1);
  }
}

/* Takes out [from, to), moving the shorter side. */
static void close_gap(struct tcp_sents *s, uint32_t from, uint32_t to)
{
  uint32_t gone = to - from;
  if (from < s->n - to) {
    for (uint32_t k = from; k > 0; k--) *tcp_sent_at(s, k - 1 + gone) = *tcp_sent_at(s, k - 1);
    s->first = s->first + gone < s->cap ? s->first + gone : s->first + gone - s->cap;
  } else {
    for (uint32_t k = to; k < s->n; k++) *tcp_sent_at(s, k - gone) = *tcp_sent_at(s, k);
  }
  s->n -= gone;
}

/* Cuts the record i at seq, which lies inside of it. False: at the limit, or no memory. */
static bool cut(struct yeon_tcp *c, uint32_t i, uint32_t seq, uint32_t limit)
{
  struct tcp_sents *s = &c->busy->sent;
  if (s->n >= limit) return false;
  if (s->n == s->cap && !grow(c, s->n + 1)) return false;
  open_gap(s, i + 1);
  *tcp_sent_at(s, i + 1) = *tcp_sent_at(s, i);
  tcp_sent_at(s, i + 1)->seq = seq;
  tcp_sent_at(s, i)->flags &= (uint8_t)~TCP_SENT_PUSHED;
  tcp_sent_at(s, i + 1)->segs = 0;
  return true;
}

/* The index of the first record that begins at or after seq, cutting one that has seq inside, if it may be cut. */
static uint32_t cut_at(struct yeon_tcp *c, uint32_t seq, uint32_t limit)
{
  struct tcp_sents *s = &c->busy->sent;
  uint32_t i = find(s, seq);
  if (i == s->n || tcp_sent_at(s, i)->seq == seq) return i;
  if (seq_lt(seq, tcp_sent_at(s, i)->seq)) return i;
  (void)cut(c, i, seq, limit);
  return i + 1;
}

static void append(struct yeon_tcp *c, uint32_t seq, uint32_t end, yeon_time now)
{
  struct tcp_sents *s = &c->busy->sent;
  assert(s->n == 0 || s->end == seq);
  if (s->n > 0 && s->n >= limit_of(c)) {
    /* To forget what was known of the newest is always right: the peer's word is advisory, and a loss is found again. */
    put_flags(s, s->n - 1, TCP_SENT_EVER_RESENT); /* and no sample of its round trip is certain any more */
    tcp_sent_at(s, s->n - 1)->sent_at = now;
  } else {
    assert(s->n < s->cap);
    *tcp_sent_at(s, s->n++) = (struct tcp_sent){.seq = seq, .sent_at = now};
    if (tcp_rated(c)) tcp_rate_stamp(c, tcp_sent_at(s, s->n - 1), end - seq, now);
  }
  s->end = end;
}

/* A copy of [left, right) leaves. */
static void copy_leaves(struct yeon_tcp *c, uint32_t left, uint32_t right, yeon_time now)
{
  struct tcp_sents *s = &c->busy->sent;
  uint32_t limit = 2 * limit_of(c), i = cut_at(c, left, limit);
  (void)cut_at(c, right, limit);
  for (; i < s->n && seq_lt(tcp_sent_at(s, i)->seq, right); i++) {
    struct tcp_sent *r = tcp_sent_at(s, i);
    r->sent_at = now;
    if (tcp_rated(c)) tcp_rate_stamp(c, r, tcp_sent_end(s, i) - r->seq, now);
    put_flags(s, i, r->flags | TCP_SENT_EVER_RESENT | ((r->flags & TCP_SENT_SACKED) != 0 ? 0 : TCP_SENT_RESENT));
  }
  if (s->due > 0 && seq_le(left, s->due_from) && seq_lt(s->due_from, right)) s->due_from = right;
}

void tcp_sent_note(struct yeon_tcp *c, uint32_t seq, uint32_t end, yeon_time now)
{
  const struct tcp_sents *s = &c->busy->sent;
  uint32_t old = s->n > 0 ? seq_min(end, s->end) : seq;
  if (seq_lt(seq, old)) copy_leaves(c, seq, old, now);
  if (seq_lt(old, end)) append(c, old, end, now);
}

/* RFC 8985 6.2, step 2: it echoes a timestamp from before the last copy, or comes sooner after it than any round trip took. What is told by SACK lies beyond
 * a gap, and the echo is of what came before that (RFC 7323 4.3), whichever copy arrived: there only time tells. */
static bool was_earlier_copy(const struct yeon_tcp *c, const struct tcp_sent *r, bool told, const struct tcp_news *news)
{
  if (!told && news->echoed && seq_lt(news->echo, tcp_ts_now(c->t, &c->record.key, r->sent_at))) return true;
  return news->now - r->sent_at < (yeon_time)c->rtt_min_us * YEON_US;
}

/* Of what arrives with one acknowledgment, RACK and the rate sample go by what was sent last. The record r has arrived up to end; told: by SACK. */
static void note_delivered(const struct yeon_tcp *c, const struct tcp_sent *r, uint32_t end, bool told, struct tcp_news *news)
{
  bool again = (r->flags & TCP_SENT_EVER_RESENT) != 0;
  if (!again && news->told && seq_lt(end, news->top)) {
    uint32_t behind = seq_max(news->top, c->snd_una) - r->seq;
    if (!news->reordered || behind > news->behind) news->behind = behind;
    news->reordered = true;
  }
  if (!again && seq_le(end, c->busy->recover)) news->original = true;
  if (again) news->copy = true;
  if (again && was_earlier_copy(c, r, told, news)) return;
  news->last_at = r->sent_at;
  if (news->any && (r->sent_at < news->newest_at || (r->sent_at == news->newest_at && seq_lt(end, news->newest_end))))
    return;
  news->any = true;
  news->newest = *r;
  news->newest_at = r->sent_at;
  news->newest_end = end;
  news->newest_again = again;
}

void tcp_sent_ack(struct yeon_tcp *c, uint32_t ack, struct tcp_news *news)
{
  struct tcp_sents *s = &c->busy->sent;
  while (s->n > 0 && seq_le(tcp_sent_end(s, 0), ack)) {
    struct tcp_sent *r = tcp_sent_at(s, 0);
    uint32_t len = tcp_sent_end(s, 0) - r->seq;
    if ((r->flags & TCP_SENT_SACKED) == 0) {
      news->fresh += len;
      note_delivered(c, r, r->seq + len, false, news);
    }
    if (r->flags != 0) put_flags(s, 0, 0);
    s->first = s->first + 1 < s->cap ? s->first + 1 : 0;
    s->n--;
  }
  if (s->n == 0) return;
  struct tcp_sent *r = tcp_sent_at(s, 0);
  if (!seq_lt(r->seq, ack)) return;
  uint32_t len = ack - r->seq;
  if ((r->flags & TCP_SENT_SACKED) == 0) {
    news->fresh += len;
    if (len >= c->snd_mss) note_delivered(c, r, ack, false, news); /* a whole segment, at least, of several that left at once */
  }
  count(s, r->flags, 0 - len);
  r->seq = ack;
}

/* Records [from, to) are told of; with their neighbours that are too, they become one. */
static void join(struct tcp_sents *s, uint32_t from, uint32_t to)
{
  if (from > 0 && (tcp_sent_at(s, from - 1)->flags & TCP_SENT_SACKED) != 0) from--;
  if (to < s->n && (tcp_sent_at(s, to)->flags & TCP_SENT_SACKED) != 0) to++;
  struct tcp_sent *r = tcp_sent_at(s, from);
  for (uint32_t i = from + 1; i < to; i++) {
    uint32_t segs = (uint32_t)r->segs + tcp_sent_at(s, i)->segs;
    if (segs > UINT16_MAX) s->sacked_segs -= segs - UINT16_MAX;
    r->segs = (uint16_t)(segs < UINT16_MAX ? segs : UINT16_MAX);
    r->flags |= tcp_sent_at(s, i)->flags & TCP_SENT_EVER_RESENT;
  }
  if (to - from > 1) close_gap(s, from + 1, to);
}

/* RACK judges what left as a whole: a segment of which the peer has but a part has not arrived. So within a record only edges of full segments count. */
static uint32_t whole_segment(const struct yeon_tcp *c, uint32_t edge, bool up)
{
  const struct tcp_sents *s = &c->busy->sent;
  if (!tcp_rack_on(c)) return edge;
  uint32_t i = find(s, edge);
  if (i == s->n) return edge;
  uint32_t seq = tcp_sent_at(s, i)->seq, into = (edge - seq) % c->snd_mss;
  if (!seq_lt(seq, edge) || into == 0) return edge;
  return seq_min(up ? edge - into + c->snd_mss : edge - into, tcp_sent_end(s, i));
}

static uint16_t segs_of(const struct yeon_tcp *c, uint32_t len)
{
  uint32_t segs = (len + c->snd_mss - 1) / c->snd_mss;
  return (uint16_t)(segs < UINT16_MAX ? segs : UINT16_MAX);
}

void tcp_sent_sack(struct yeon_tcp *c, uint32_t left, uint32_t right, struct tcp_news *news)
{
  struct tcp_sents *s = &c->busy->sent;
  uint32_t at = find(s, left);
  if (at == s->n) return;
  if ((tcp_sent_at(s, at)->flags & TCP_SENT_SACKED) != 0 && seq_le(right, tcp_sent_end(s, at)))
    return; /* nothing new */
  uint32_t limit = limit_of(c), from = cut_at(c, whole_segment(c, left, true), limit), to = from;
  (void)cut_at(c, whole_segment(c, right, false), limit);
  for (; to < s->n && seq_le(tcp_sent_end(s, to), right); to++) {
    struct tcp_sent *r = tcp_sent_at(s, to);
    if ((r->flags & TCP_SENT_SACKED) != 0) continue;
    news->sacked += tcp_sent_end(s, to) - r->seq;
    note_delivered(c, r, tcp_sent_end(s, to), true, news);
    r->segs = segs_of(c, tcp_sent_end(s, to) - r->seq);
    put_flags(s, to, (r->flags & TCP_SENT_EVER_RESENT) | TCP_SENT_SACKED);
  }
  if (to == from) return;
  uint32_t end = tcp_sent_end(s, to - 1);
  if (s->sacked == end - tcp_sent_at(s, from)->seq || seq_gt(end, s->top)) s->top = end;
  join(s, from, to);
}

uint32_t tcp_sent_lose(struct yeon_tcp *c, uint32_t left, uint32_t right, bool copies)
{
  struct tcp_sents *s = &c->busy->sent;
  uint32_t limit = 2 * limit_of(c), i = cut_at(c, left, limit), before = s->lost;
  if (i < s->n && seq_lt(right, s->end)) (void)cut_at(c, right, limit);
  for (; i < s->n && seq_lt(tcp_sent_at(s, i)->seq, right); i++) {
    uint8_t flags = tcp_sent_at(s, i)->flags;
    if ((flags & TCP_SENT_SACKED) != 0) continue;
    if (copies) flags &= (uint8_t)~TCP_SENT_RESENT;
    put_flags(s, i, flags | TCP_SENT_LOST);
  }
  return s->lost - before;
}

void tcp_sent_lose_record(struct yeon_tcp *c, uint32_t i)
{
  struct tcp_sents *s = &c->busy->sent;
  put_flags(s, i, (tcp_sent_at(s, i)->flags & (uint8_t)~TCP_SENT_RESENT) | TCP_SENT_LOST);
}

void tcp_sent_find_again(struct yeon_tcp *c)
{
  struct tcp_sents *s = &c->busy->sent;
  for (uint32_t i = 0; i < s->n && s->lost > 0; i++) put_flags(s, i, tcp_sent_at(s, i)->flags & (uint8_t)~TCP_SENT_LOST);
}

void tcp_sent_forget_sacks(struct yeon_tcp *c)
{
  struct tcp_sents *s = &c->busy->sent;
  for (uint32_t i = 0; i < s->n && s->sacked > 0; i++)
    put_flags(s, i, tcp_sent_at(s, i)->flags & (uint8_t)~TCP_SENT_SACKED);
}

bool tcp_sent_reneged(const struct yeon_tcp *c)
{
  const struct tcp_sents *s = &c->busy->sent;
  return s->sacked > 0 && (tcp_sent_at(s, 0)->flags & TCP_SENT_SACKED) != 0;
}

uint32_t tcp_sent_lost_below(const struct yeon_tcp *c)
{
  const struct tcp_sents *s = &c->busy->sent;
  uint32_t thresh = c->t->options.dupthresh, bytes = 0, ranges = 0;
  if (s->sacked == 0) return c->snd_una;
  for (uint32_t i = find(s, s->top - 1) + 1; i > 0; i--) {
    const struct tcp_sent *r = tcp_sent_at(s, i - 1);
    if ((r->flags & TCP_SENT_SACKED) == 0) continue;
    bytes += tcp_sent_end(s, i - 1) - r->seq;
    if (++ranges >= thresh || bytes > (thresh - 1) * c->snd_mss) return r->seq;
    if (bytes == s->sacked) break;
  }
  return c->snd_una;
}

bool tcp_sent_find(const struct yeon_tcp *c, uint32_t from, uint8_t with, uint8_t without, uint32_t most, uint32_t *seq,
                   uint32_t *len)
{
  const struct tcp_sents *s = &c->busy->sent;
  uint8_t mask = with | without;
  uint32_t i = find(s, from);
  while (i < s->n && (tcp_sent_at(s, i)->flags & mask) != with) i++;
  if (i == s->n) return false;
  *seq = seq_max(tcp_sent_at(s, i)->seq, from);
  uint32_t end = tcp_sent_end(s, i);
  while (end - *seq < most && ++i < s->n && (tcp_sent_at(s, i)->flags & mask) == with) end = tcp_sent_end(s, i);
  *len = end - *seq < most ? end - *seq : most;
  return true;
}

bool tcp_sent_pushed(const struct yeon_tcp *c, uint32_t end)
{
  const struct tcp_sents *s = &c->busy->sent;
  uint32_t i = find(s, end - 1);
  return i < s->n && tcp_sent_end(s, i) == end && (tcp_sent_at(s, i)->flags & TCP_SENT_PUSHED) != 0;
}

void tcp_sent_push(struct yeon_tcp *c)
{
  struct tcp_sents *s = &c->busy->sent;
  if (s->n > 0) tcp_sent_at(s, s->n - 1)->flags |= TCP_SENT_PUSHED;
}

void tcp_sent_release(struct yeon_tcp *c)
{
  struct tcp_sents *s = &c->busy->sent;
  ring_release(&c->t->blocks, &s->block);
  *s = (struct tcp_sents){0};
}
