/* Where PSH stands: at the end of what the application has given (RFC 9293 3.9.1.2), unless it said that more follows, and at the ends of records. Everything here beyond that is
 * a likeness of Linux, for those who compare traces: a segment that was pushed once is pushed again when it is sent again; and since its stack hands
 * segments down in trains, for a device to cut, each train ends with PSH, lest the receiver's device holds it back to join it with more. A train is
 * what a millisecond of the rate comes to (more over short round trips), at least two segments, and at most half of the congestion window. */
#include "tcp/internal.h"

#define TRAIN_MOST 65215u /* bytes: what one buffer of the kernel's holds besides headers */
#define SHORT_ROUND_US 512u /* the share for short round trips halves with each of these */

static uint32_t least(uint32_t a, uint32_t b) { return a < b ? a : b; }

static uint32_t train_segments(const struct yeon_tcp *c, uint32_t size)
{
  uint64_t rate = tcp_pace_measure(c), bytes = rate == 0 ? TRAIN_MOST : rate >> 10;
  uint32_t halvings = c->srtt_us == 0 ? 32 : c->rtt_min_us / SHORT_ROUND_US;
  if (halvings < 32) bytes += 65536u >> halvings;
  if (bytes > TRAIN_MOST) bytes = TRAIN_MOST;
  uint32_t n = (uint32_t)(bytes / size), half = c->cc.cwnd / size / 2;
  if (n < c->t->options.train_segments_min) n = c->t->options.train_segments_min;
  if (half == 0) half = 1;
  return least(n, half);
}

/* The bytes of the train that begins at seq, in whole segments unless it takes all there is. */
static uint32_t train_bytes(const struct yeon_tcp *c, uint32_t seq)
{
  uint32_t size = tcp_segment_size(c), edge = c->snd_una + c->snd_wnd, pipe = tcp_pipe(c);
  uint32_t all = tcp_eor_limit(c, seq, tcp_snd_end(c) - seq), room = c->cc.cwnd > pipe ? c->cc.cwnd - pipe : 0;
  uint32_t len = least(all, train_segments(c, size) * size);
  len = least(len, seq_lt(seq, edge) ? edge - seq : 0);
  len = least(len, room);
  return len < all ? len / size * size : len;
}

static bool ends_train(struct yeon_tcp *c, uint32_t seq, uint32_t end)
{
  struct tcp_busy *b = c->busy;
  if (b->probe_len != 0 && seq == b->probe_seq) return false; /* large, but one */
  if (end - seq > tcp_segment_size(c)) return true; /* a super-segment is a train */
  if (b->in_train && (seq_ge(seq, b->train_end) || b->train_end - seq > TRAIN_MOST)) b->in_train = false;
  if (!b->in_train) {
    b->train_end = seq + train_bytes(c, seq);
    b->in_train = seq_gt(b->train_end, end);
    return false;
  }
  if (b->train_end != end) return false;
  b->in_train = false;
  return true;
}

bool tcp_push_given(const struct yeon_tcp *c, uint32_t end)
{
  return (end == tcp_snd_end(c) && (c->flags2 & TCP_G_UNPUSHED) == 0) || tcp_eor_ends(c, end);
}

bool tcp_push_due(struct yeon_tcp *c, uint32_t seq, uint32_t len)
{
  uint32_t end = seq + len;
  if (tcp_push_given(c, end)) return true;
  if (!c->t->options.linux_push || c->busy == NULL) return false;
  return seq_lt(seq, c->snd_max) ? tcp_sent_pushed(c, end) : ends_train(c, seq, end);
}
