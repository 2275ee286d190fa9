/* When to acknowledge (RFC 9293 3.8.6.3, RFC 5681 4.2): at once for what is out of order, fills a gap or ends the stream; every second
 * full segment; else within the delay. */
#include "tcp/internal.h"

void tcp_ack_now(struct yeon_tcp *c)
{
  c->flags |= TCP_F_ACK_NOW;
  tcp_want_output(c);
}

static void note_segment_size(struct yeon_tcp *c, const struct tcp_in *in)
{
  uint32_t each = in->s->segs > 1 ? in->s->len / in->s->segs : in->s->len;
  if (each <= c->rcv_mss) return;
  /* More than we announced is several segments in one. */
  uint16_t most = tcp_announced_mss(&c->record.key.remote, c->t->link_mtu[c->link], tcp_mss_limit(c));
  c->rcv_mss = (uint16_t)(each < most ? each : most);
}

/* In-order bytes have arrived: rcv_nxt has moved past last_ack. */
void tcp_ack_data(struct yeon_tcp *c, const struct tcp_in *in)
{
  const struct yeon_tcp_options *o = &c->t->options;
  note_segment_size(c, in);
  uint32_t unacked = c->rcv_nxt - c->last_ack;
  bool second = o->delack_any_size && o->delack_segments > 1 && tcp_timer_on(c, YEON_TIMER_DELACK);
  bool full = second || unacked >= (uint32_t)o->delack_segments * (c->rcv_mss > 0 ? c->rcv_mss : 1u);
  if (o->delack_us == 0 || full || (c->flags & TCP_F_QUICKACK) != 0 || tcp_ooo(c) != NULL) {
    tcp_ack_now(c);
  } else if (c->quick_acks > 0) {
    c->quick_acks--;
    tcp_ack_now(c);
  } else if (!tcp_timer_on(c, YEON_TIMER_DELACK)) {
    tcp_timer_set(c, YEON_TIMER_DELACK, in->now + (yeon_time)o->delack_us * YEON_US, in->now);
  }
}

void tcp_ack_later(struct yeon_tcp *c, yeon_time now)
{
  c->quick_acks = 0;
  if (tcp_timer_on(c, YEON_TIMER_DELACK)) return;
  tcp_timer_set(c, YEON_TIMER_DELACK, now + (yeon_time)c->t->options.delack_us * YEON_US, now);
}

void tcp_ack_sent(struct yeon_tcp *c, yeon_time now)
{
  c->last_ack = c->rcv_nxt;
  c->flags &= ~(TCP_F_ACK_NOW | TCP_F_DSACK);
  c->flags2 &= ~TCP_G_PLAIN_ACK;
  if (c->acks_owed > 0) c->acks_owed--;
  tcp_timer_stop(c, YEON_TIMER_DELACK, now);
}
