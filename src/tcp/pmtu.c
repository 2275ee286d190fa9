/* What ICMP says of our segments (RFC 9293 3.9.2.2, RFC 5927, RFC 1191, RFC 8201). */
#include "tcp/internal.h"

/* Below, segments do not shrink any more: IPv4 routers may cut them then (RFC 1191 3), and IPv6 knows no smaller link (RFC 8200 5). */
uint32_t tcp_least_mtu(const struct yeon_tcp *c) { return yeon_ip_is4(&c->record.key.remote) ? 552 : 1280; }

/* A smaller path: segments shrink at once, and what did not fit is sent again. Not a sign of congestion (RFC 8201 section 5.4 leaves the
 * window to the transport). */
void tcp_path_mtu(struct yeon_tcp *c, uint32_t mtu, yeon_time now)
{
  uint32_t floor = tcp_least_mtu(c);
  uint16_t before = c->snd_mss;
  if (mtu < floor) mtu = floor;
  if (mtu >= c->path_mtu) return;
  c->path_mtu = (uint16_t)mtu;
  tcp_plpmtu_narrowed(c);
  tcp_update_mss(c);
  if (c->state == YEON_TCP_SYN_SENT || c->state == YEON_TCP_SYN_RECEIVED) {
    /* Data of a SYN did not fit: the SYN goes again at once, alone. */
    if (c->snd_max - c->iss <= 1) return;
    c->flags |= TCP_F_SEND_SYN;
    tcp_want_output(c);
    return;
  }
  if (c->snd_mss >= before || !tcp_outstanding(c)) return;
  c->flags &= ~TCP_F_TIMING;
  c->flags |= TCP_F_REXMIT_HEAD;
  tcp_trace_rexmit(c, c->snd_una, c->snd_max - c->snd_una, YEON_REXMIT_PMTU, now);
  tcp_recovery_leave(c);
  tcp_sent_lose(c, c->snd_una, c->snd_max, true);
  tcp_want_output(c);
}

static bool conn_error(struct yeon_tcp *c, const struct tcp_icmp *e, yeon_time now)
{
  /* RFC 5927 4.1: only an error about bytes in flight is believed. */
  if (!seq_in(e->seq, c->snd_una, c->snd_max + (c->snd_una == c->snd_max))) return false;
  if (e->mtu != 0) {
    if (c->t->options.path_mtu) tcp_path_mtu(c, e->mtu, now);
    return true;
  }
  /* RFC 9293 3.9.2.2: hard errors abort; RFC 5927 section 6: but only while connecting, for later they are more likely forged. */
  bool connecting =
      c->state == YEON_TCP_SYN_SENT ||
      (c->state == YEON_TCP_SYN_RECEIVED && ((c->flags & TCP_F_PASSIVE) == 0 || (c->flags & TCP_F_ON_ACCEPT) != 0));
  if (connecting && c->t->options.icmp_ignored) return true;
  bool refuses = c->t->options.icmp_refuses;
  bool hard = e->hard || c->t->options.icmp_ends_connect || (refuses && (e->prohibited || e->expired));
  if (connecting) tcp_fastopen_refused(c, now);
  if (hard && connecting) {
    tcp_conn_end(c, refuses && !e->expired ? YEON_ERR_REFUSED : e->error, YEON_CAUSE_ICMP, now);
    return true;
  }
  c->soft_error = (int8_t)e->error;
  tcp_trace_error(c, e->error, YEON_CAUSE_ICMP, true, now);
  return true;
}

bool tcp_icmp_error(struct tcp *t, const struct tcp_icmp *e, yeon_time now)
{
  struct tcp_key key = {.remote = e->remote,
                        .remote_port = e->remote_port,
                        .local_port = e->local_port,
                        .local = e->local};
  uint32_t id = tcp_find(t, &key);
  if (id == 0 || tcp_kind(id) != TCP_KIND_CONN) return false;
  struct yeon_tcp *c = tcp_conn(t, id);
  return c->state != YEON_TCP_LISTEN && conn_error(c, e, now);
}
