/* The receive window: how much we offer (RFC 9293 3.8.6.2.2, RFC 7323 section 2), and how the buffer behind it grows. */
#include "tcp/internal.h"

#define ROUND_TRIPS 4u
#define LEAST_ROUND_US 100u /* no round counts as shorter than two wake-ups take */

uint32_t tcp_rcv_wnd(const struct yeon_tcp *c) { return seq_gt(c->rcv_adv, c->rcv_nxt) ? c->rcv_adv - c->rcv_nxt : 0; }

/* FreeBSD takes what fits into the buffer, though it could not say so much in the header. */
uint32_t tcp_rcv_room(const struct yeon_tcp *c)
{
  uint32_t wnd = tcp_rcv_wnd(c), queued = ring_len(c->rcv);
  if (!c->t->options.window_follows || c->rcvbuf < queued) return wnd;
  return c->rcvbuf - queued > wnd ? c->rcvbuf - queued : wnd;
}

uint8_t tcp_window_scale_for(const struct yeon_tcp_options *o, uint32_t rcvbuf, bool fixed)
{
  uint8_t shift = 0;
  bool as_is = fixed && o->first_window_whole;
  uint32_t most = !as_is && o->rcvbuf_max > rcvbuf ? o->rcvbuf_max : rcvbuf;
  while (shift < 14 && (most >> shift) > 65535) shift++;
  return shift;
}

uint16_t tcp_first_window(const struct yeon_tcp_options *o, uint32_t rcvbuf, uint16_t mss)
{
  if (o->first_window_whole && mss > 0 && rcvbuf > mss) rcvbuf = rcvbuf / mss * mss;
  return (uint16_t)(rcvbuf < 65535 ? rcvbuf : 65535);
}

static uint32_t buffer_limit(const struct yeon_tcp *c)
{
  uint32_t clamp = c->extra != NULL ? c->extra->window_clamp : 0;
  return clamp != 0 && clamp < c->rcvbuf ? clamp : c->rcvbuf;
}

/* The largest window that the buffer and the header have room for. */
static uint32_t largest(const struct yeon_tcp *c)
{
  uint32_t limit = buffer_limit(c), most = 65535u << c->rcv_wscale;
  return limit < most ? limit : most;
}

/* Where the right edge may go. */
static uint32_t wanted_edge(const struct yeon_tcp *c)
{
  uint32_t queued = ring_len(c->rcv), limit = buffer_limit(c), most = largest(c);
  uint32_t room = limit > queued ? limit - queued : 0;
  return c->rcv_nxt + (room < most ? room : most);
}

/* RFC 9293 3.8.6.2.2: the edge moves only by a worthwhile step, and never back (3.8.6). */
static bool worthwhile(const struct yeon_tcp *c, uint32_t edge, uint32_t segments)
{
  if (seq_le(edge, c->rcv_adv)) return false;
  /* Not by what the peer happens to send: one that writes byte by byte would be offered byte by byte. */
  uint32_t step = segments * (c->rcv_mss > c->snd_mss ? c->rcv_mss : c->snd_mss);
  if (step > largest(c) / 2) step = largest(c) / 2;
  return edge - c->rcv_adv >= step;
}

/* FreeBSD's rule: silly windows are avoided by offering none, not by holding the edge. */
static bool enough_free(const struct yeon_tcp *c, uint32_t edge)
{
  uint32_t room = edge - c->rcv_nxt;
  return seq_gt(edge, c->rcv_adv) && (room >= largest(c) / 4 || room >= c->snd_mss);
}

uint16_t tcp_window_announce(struct yeon_tcp *c)
{
  uint32_t edge = wanted_edge(c);
  if (c->t->options.window_follows ? enough_free(c, edge) : worthwhile(c, edge, 1)) c->rcv_adv = edge;
  uint32_t wnd = tcp_rcv_wnd(c);
  if (c->t->options.window_follows) return (uint16_t)(wnd >> c->rcv_wscale < 65535 ? wnd >> c->rcv_wscale : 65535);
  /* Rounded up to the scale's unit, lest the edge go back with every byte received. */
  uint32_t field = (wnd + (1u << c->rcv_wscale) - 1) >> c->rcv_wscale;
  if (field > 65535) field = 65535;
  uint32_t told = c->rcv_nxt + (field << c->rcv_wscale);
  if (seq_gt(told, c->rcv_adv)) c->rcv_adv = told;
  return (uint16_t)field;
}

/* How the buffer grows. It doubles when the application has read a window full of bytes within four round trips: then the window, not the application,
 * limits. So it comes to four to eight times what the path holds, and a sender can repair a hole, even one whose copy is lost again, without coming to a
 * stop. As long as much stands unread it is the application that limits, and a larger buffer would only be filled too.
 *
 * A round begins at tune_us and ends where the window is to go then, at tune_seq. What arrives from there cannot have left before that edge was told, so
 * the round took a round trip at least; and so says the timestamp it echoes, more narrowly. For who only receives the handshake gave no more than one
 * measurement of the round trip, or none. tune_rtt_us begins with it, falls to what is measured and, where timestamps tell the path from a slow sender,
 * rises by eighths. With SACK a round ends also beyond a hole: the peer may go on then. */
static uint32_t round_trips_us(const struct yeon_tcp *c)
{
  uint64_t us = (uint64_t)c->tune_rtt_us * ROUND_TRIPS;
  return us < LEAST_ROUND_US ? LEAST_ROUND_US : us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

static void begin_round(struct yeon_tcp *c, uint32_t edge, yeon_time now)
{
  c->tune_us = (uint32_t)(now / YEON_US);
  c->tune_seq = seq_max(edge, c->rcv_adv + 1);
}

/* What a SYN can tell may be little of the buffer, and to read that quickly proves nothing. */
void tcp_window_begin(struct yeon_tcp *c, yeon_time now)
{
  c->tune_rtt_us = c->srtt_us;
  begin_round(c, c->rcv_nxt + c->rcvbuf / 2, now);
}

/* It reads, and does so fast enough; who has not read a byte yet may not even have accepted the connection. */
static bool kept_up(const struct yeon_tcp *c) { return ring_len(c->rcv) <= c->rcvbuf / 4 && c->bytes_received > ring_len(c->rcv); }

static void end_round(struct yeon_tcp *c, yeon_time now)
{
  uint32_t most = c->t->options.rcvbuf_max, took_us = (uint32_t)(now / YEON_US) - c->tune_us;
  bool may = (c->flags & TCP_F_RCVBUF_FIXED) == 0 && c->rcvbuf < most && largest(c) == c->rcvbuf;
  if (may && kept_up(c) && c->tune_rtt_us != 0 && took_us <= round_trips_us(c)) c->rcvbuf = c->rcvbuf > most / 2 ? most : c->rcvbuf * 2;
  if (c->tune_rtt_us == 0) c->tune_rtt_us = took_us > 0 ? took_us : 1;
  begin_round(c, wanted_edge(c), now);
}

static void measure(struct yeon_tcp *c, const struct tcp_in *in)
{
  uint32_t us = (uint32_t)(in->now / YEON_US) - c->tune_us;
  bool echoed = (c->flags & TCP_F_TS) != 0 && in->s->h.has_ts && in->s->h.tsecr != 0;
  uint64_t echo_us = echoed ? (tcp_ts_now(c->t, &c->record.key, in->now) - in->s->h.tsecr + 1ull) * 1000 : UINT64_MAX;
  if (echo_us < us) us = (uint32_t)echo_us;
  if (c->tune_rtt_us == 0 || us < c->tune_rtt_us)
    c->tune_rtt_us = us > 0 ? us : 1;
  else if (echoed)
    c->tune_rtt_us += (us - c->tune_rtt_us) / 8;
}

void tcp_window_arrived(struct yeon_tcp *c, const struct tcp_in *in)
{
  bool gap = in->seq != c->rcv_nxt;
  if (seq_lt(in->seq + in->len, c->tune_seq) || seq_ge(c->rcv_nxt, c->tune_seq)) return;
  if (gap && (c->flags & TCP_F_SACK) == 0) return; /* a new window would make it no duplicate (RFC 5681 section 2) */
  measure(c, in);
  if (gap) end_round(c, in->now);
}

/* Without bytes to acknowledge, a new window is told only when it makes a difference: FreeBSD has it so by shares of the buffer, Linux when the window
 * doubles. */
static bool makes_a_difference(const struct yeon_tcp *c)
{
  uint32_t edge = wanted_edge(c), now = tcp_rcv_wnd(c), room = edge - c->rcv_nxt;
  if (!worthwhile(c, edge, 1)) return false;
  /* What a SYN told is small only because its field is. */
  uint32_t most = seq_le(c->rcv_adv, c->irs + 1 + 65535 + c->rcv_mss) && largest(c) > 65535 ? 65535 : largest(c);
  if (!c->t->options.window_follows) return now <= most / 2 && room >= 2 * now;
  uint32_t step = edge - c->rcv_adv, buffer = c->rcvbuf;
  bool notable = step >= buffer / 4 || room <= buffer / 8 || buffer <= 8u * c->snd_mss;
  return step >= buffer / 2 || (step >= 2u * c->snd_mss && notable);
}

/* The application has read n bytes: is the room worth telling? */
void tcp_window_after_read(struct yeon_tcp *c, uint32_t n, yeon_time now)
{
  if (n > 0 && seq_ge(c->rcv_nxt, c->tune_seq) && kept_up(c)) end_round(c, now);
  switch ((enum yeon_tcp_state)c->state) {
  case YEON_TCP_ESTABLISHED:
  case YEON_TCP_FIN_WAIT_1:
  case YEON_TCP_FIN_WAIT_2: break;
  default: return;
  }
  if (makes_a_difference(c)) tcp_ack_now(c);
}
