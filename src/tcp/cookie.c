/* SYN cookies (RFC 4987 3.6): when the half-open records are all taken, the ISN itself remembers the SYN: 5 bits of a 64-second counter,
 * 3 bits for the MSS, 24 bits of a keyed hash. Window scale, timestamps and SACK are given up on such connections. */
#include "tcp/ecn.h"

static const uint16_t mss_table[8] = {64, 512, 536, 1220, 1360, 1440, 1460, 8940};

static uint32_t counter(const struct tcp *t, yeon_time now) { return (uint32_t)((now - t->epoch) / (64 * YEON_SEC)); }

static uint32_t digest(const struct tcp *t, const struct tcp_key *key, uint32_t irs, uint32_t count, uint32_t mss_index)
{
  struct {
    struct tcp_key key;
    uint32_t irs, count, mss, zero;
  } in = {*key, irs, count, mss_index, 0};
  return (uint32_t)hash_sip24(&t->key_cookie, &in, sizeof in) & 0xffffffu;
}

static uint32_t cookie(const struct tcp *t, const struct tcp_key *key, uint32_t irs, uint32_t count, uint32_t mss_index)
{
  return (count & 31) << 27 | mss_index << 24 | digest(t, key, irs, count, mss_index);
}

bool tcp_cookie_send(struct tcp_in *in, struct yeon_tcp *listener)
{
  const struct wire_tcp *h = &in->s->h;
  struct tcp_key key = tcp_key_of(in->s);
  uint32_t index = 0, mss = h->mss != 0 ? h->mss : (yeon_ip_is4(&key.remote) ? 536u : 1220u);
  while (index < 7 && mss_table[index + 1] <= mss) index++;
  struct tcp_out *o = tcp_reply_new(in->t, &key, in->s->path.link);
  if (o == NULL) return false;
  o->h.seq = cookie(in->t, &key, h->seq, counter(in->t, in->now), index);
  o->h.ack = h->seq + 1;
  o->h.flags = YEON_TCP_SYN | YEON_TCP_ACK;
  uint16_t limit = listener->extra->mss_max != 0 ? listener->extra->mss_max : in->t->options.mss_max;
  uint16_t ours = tcp_announced_mss(&key.remote, in->t->link_mtu[in->s->path.link], limit);
  o->h.window = tcp_first_window(&in->t->options, listener->rcvbuf, ours);
  if (!listener->extra->no_options) o->h.mss = ours;
  tcp_fill_class(listener, o);
  tcp_ecn_fill_cookie(in, o);
  in->t->cookie_at = in->now > 0 ? in->now : 1;
  in->t->counters->tcp_cookie_sent++;
  return true;
}

/* A connection from nothing but the ACK: as if its record had been there. */
static bool complete(struct tcp_in *in, struct yeon_tcp *listener, uint32_t mss)
{
  struct tcp_half_open h = {.record = {.key = tcp_key_of(in->s), .kind = TCP_KIND_HALF_OPEN},
                            .listener = listener->number,
                            .iss = in->ack - 1,
                            .irs = in->seq - 1,
                            .id = (uint32_t)in->t->next_id++,
                            .peer_mss = (uint16_t)mss,
                            .link = in->s->path.link};
  h.record.ecn = tcp_ecn_of_cookie(in) & TCP_NUMBER_MASK;
  struct yeon_tcp *c = tcp_half_open_promote(in, listener, &h);
  if (c == NULL) return true;
  in->t->counters->tcp_cookie_ok++;
  in->id = h.id;
  tcp_half_open_admit(in, listener, c);
  return true;
}

bool tcp_cookie_check(struct tcp_in *in, struct yeon_tcp *listener)
{
  struct tcp *t = in->t;
  struct tcp_key key = tcp_key_of(in->s);
  if (!t->options.cookies || t->cookie_at == 0 || in->now - t->cookie_at > 128 * YEON_SEC) return false;
  if ((in->flags & (YEON_TCP_SYN | YEON_TCP_RST)) != 0) return false;
  uint32_t value = in->ack - 1, now_count = counter(t, in->now);
  for (uint32_t age = 0; age < 2 && age <= now_count; age++) {
    uint32_t index = value >> 24 & 7;
    if (cookie(t, &key, in->seq - 1, now_count - age, index) != value) continue;
    if (listener->extra->waiting >= listener->extra->backlog) {
      t->counters->tcp_backlog_full++;
      return true;
    }
    return complete(in, listener, mss_table[index]);
  }
  t->counters->tcp_cookie_bad++;
  return false;
}
