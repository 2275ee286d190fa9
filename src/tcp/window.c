/* The receive window: how much we offer (RFC 9293 3.8.6.2.2, RFC 7323 section 2), and how the buffer behind it grows. */
#include "tcp/internal.h"

#define LEAST_ROUND_US 50u

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

/* The buffer doubles when the application has read most of it within two round trips: then the window, not the application, limits. As long as much
 * stands unread it is the application, and a larger buffer would only be filled too. No round trip counts as shorter than a wake-up takes. */
static void tune(struct yeon_tcp *c, yeon_time now)
{
  const struct yeon_tcp_options *o = &c->t->options;
  if (seq_lt(c->rcv_nxt, c->tune_seq) || ring_len(c->rcv) > c->rcvbuf / 4) return;
  uint32_t now_us = (uint32_t)(now / YEON_US), round_us = (c->srtt_us > LEAST_ROUND_US ? c->srtt_us : LEAST_ROUND_US) * 2;
  bool fast = now_us - c->tune_us <= round_us && c->tune_copied >= c->rcvbuf / 2;
  if (fast && (c->flags & TCP_F_RCVBUF_FIXED) == 0 && c->rcvbuf < o->rcvbuf_max)
    c->rcvbuf = c->rcvbuf > o->rcvbuf_max / 2 ? o->rcvbuf_max : c->rcvbuf * 2;
  c->tune_copied = 0;
  c->tune_us = now_us;
  c->tune_seq = c->rcv_nxt + tcp_rcv_wnd(c);
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
  c->tune_copied += n;
  tune(c, now);
  switch ((enum yeon_tcp_state)c->state) {
  case YEON_TCP_ESTABLISHED:
  case YEON_TCP_FIN_WAIT_1:
  case YEON_TCP_FIN_WAIT_2: break;
  default: return;
  }
  if (makes_a_difference(c)) tcp_ack_now(c);
}
