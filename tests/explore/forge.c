/* Segments of a stranger who knows addresses and ports and nearly the numbers (RFC 5961): none may change anything but what is answered. */
#include "explore.h"

#include "wire/checksum.h"

#define ELSEWHERE 100000 /* beyond all windows: an answer's number must not fit by chance */

enum forgery {
  FORGE_RST_NEXT,   /* one beyond the next byte: in the window, not exact */
  FORGE_RST_EDGE,   /* at the right edge: outside */
  FORGE_RST_BEFORE, /* one before the next byte */
  FORGE_SYN,        /* in the window */
  FORGE_SYN_ACK,    /* the handshake's answer again */
  FORGE_ACK_UNSENT, /* of a byte never sent */
  FORGE_ACK_HALF,   /* in SYN-RECEIVED: of another SYN */
  FORGE_RST_SYN,    /* in SYN-SENT: of another SYN */
  FORGE_AFTER_FIN,  /* bytes after the end of the stream */
  FORGE_BEYOND      /* bytes that begin at the right edge */
};
static const char *const names[FORGERIES] = {"RST one beyond the next byte",
                                             "RST at the right edge",
                                             "RST one before the next byte",
                                             "SYN in the window",
                                             "SYN-ACK again",
                                             "ACK of a byte not sent",
                                             "ACK of another SYN",
                                             "RST for another SYN",
                                             "bytes after the end",
                                             "bytes at the right edge"};

const char *forge_name(unsigned which) { return names[which]; }

static struct tcp_half_open *half_of(const struct world *w, unsigned side)
{
  const struct pool *p = &w->host[side]->tcp.half_opens;
  uint32_t n = pool_next(p, 0);
  return n == 0 ? NULL : pool_at(p, n);
}

static struct yeon_tcp *conn_of(const struct world *w, unsigned side)
{
  struct yeon_tcp *c = connection_of(w, side, w->live.monitor[side].id);
  return c != NULL && c->state != YEON_TCP_CLOSED ? c : NULL;
}

bool forge_possible(const struct world *w, unsigned side, unsigned which)
{
  const struct yeon_tcp *c = conn_of(w, side);
  /* Without its listener a half-open record goes with the first acknowledgment, whichever. */
  if (c == NULL) return which == FORGE_ACK_HALF && half_of(w, side) != NULL && w->live.program[side].listener != NULL;
  bool synchronized = c->state >= YEON_TCP_ESTABLISHED;
  switch ((enum forgery)which) {
  case FORGE_ACK_HALF: return c->state == YEON_TCP_SYN_RECEIVED;
  case FORGE_RST_SYN: return c->state == YEON_TCP_SYN_SENT;
  case FORGE_SYN: return synchronized && c->state != YEON_TCP_TIME_WAIT;
  case FORGE_AFTER_FIN: return (c->flags & TCP_F_FIN_RECEIVED) != 0 && c->state != YEON_TCP_TIME_WAIT;
  case FORGE_ACK_UNSENT: return synchronized && c->state != YEON_TCP_TIME_WAIT;
  default: return synchronized;
  }
}

/* The numbers of a segment that would fit. */
static void fill_fitting(struct wire_tcp *h, const struct yeon_tcp *c)
{
  h->seq = c->rcv_nxt;
  h->ack = c->snd_una;
  h->flags = YEON_TCP_ACK;
  h->window = 100;
  if ((c->flags & TCP_F_TS) == 0) return;
  h->has_ts = true;
  h->tsval = c->ts_recent;
}

static uint32_t fill(struct wire_tcp *h, const struct yeon_tcp *c, enum forgery which)
{
  fill_fitting(h, c);
  switch (which) {
  case FORGE_RST_NEXT: h->seq++, h->flags = YEON_TCP_RST; return 0;
  case FORGE_RST_EDGE:
    h->seq = c->rcv_nxt + (tcp_rcv_wnd(c) > 0 ? tcp_rcv_wnd(c) : 1), h->flags = YEON_TCP_RST;
    return 0;
  case FORGE_RST_BEFORE: h->seq--, h->flags = YEON_TCP_RST; return 0;
  case FORGE_SYN: h->flags = YEON_TCP_SYN; return 0;
  case FORGE_SYN_ACK: h->seq = c->irs, h->ack = c->iss + 1, h->flags = YEON_TCP_SYN | YEON_TCP_ACK; return 0;
  case FORGE_ACK_UNSENT: h->ack = c->snd_max + 1; return 0;
  case FORGE_ACK_HALF: h->seq = c->irs + 1, h->ack = c->iss + ELSEWHERE; return 0;
  case FORGE_RST_SYN: h->ack = c->iss, h->flags = YEON_TCP_RST | YEON_TCP_ACK; return 0;
  case FORGE_AFTER_FIN: return 10;
  case FORGE_BEYOND: h->seq = c->rcv_nxt + tcp_rcv_wnd(c); return 10;
  }
  return 0;
}

static void fill_half(struct wire_tcp *h, const struct tcp_half_open *half)
{
  h->seq = half->irs + 1;
  h->ack = half->iss + ELSEWHERE;
  h->flags = YEON_TCP_ACK;
  h->window = 100;
  h->has_ts = (half->flags & TCP_H_TS) != 0;
  h->tsval = half->ts_recent;
}

static uint32_t emit(struct world *w, unsigned side, struct wire_tcp *h, uint32_t payload, uint8_t *bytes)
{
  uint8_t *p = bytes + WIRE_IPV4_HEADER;
  uint32_t head = (uint32_t)wire_tcp_emit(h, p), len = head + payload;
  memset(p + head, 0xee, payload);
  struct wire_ipv4 ip = {.src = w->addr[!side].ip,
                         .dst = w->addr[side].ip,
                         .total_len = (uint16_t)(WIRE_IPV4_HEADER + len),
                         .dont_fragment = true,
                         .ttl = 64,
                         .protocol = WIRE_PROTO_TCP};
  wire_ipv4_emit(&ip, bytes);
  wire_put16(p + 16, wire_sum_finish(wire_sum(p, len, wire_sum_pseudo(&ip.src, &ip.dst, WIRE_PROTO_TCP, len))));
  return ip.total_len;
}

/* What a forgery must leave alone. */
struct kept {
  uint32_t snd_una, rcv_nxt, queued, conns, halves;
  uint8_t state;
};

static struct kept look(const struct world *w, unsigned side)
{
  const struct tcp *t = &w->host[side]->tcp;
  const struct yeon_tcp *c = conn_of(w, side);
  struct kept k = {.conns = t->conns.used, .halves = t->half_opens.used};
  if (c == NULL) return k;
  k.state = c->state;
  k.snd_una = c->snd_una;
  k.rcv_nxt = c->rcv_nxt;
  k.queued = ring_len(c->rcv) + (tcp_ooo(c) != NULL ? tcp_ooo(c)->set->n : 0u);
  return k;
}

static bool same(const struct kept *a, const struct kept *b)
{
  return a->snd_una == b->snd_una && a->rcv_nxt == b->rcv_nxt && a->queued == b->queued && a->conns == b->conns &&
         a->halves == b->halves && a->state == b->state;
}

void forge(struct world *w, unsigned side, unsigned which)
{
  w->touched |= 1u << side;
  yeon_host_input(w->host[side], 0, NULL, 0, w->live.now); /* what is due at this instant is not the stranger's doing */
  if (!forge_possible(w, side, which)) return;
  const struct yeon_tcp *c = conn_of(w, side);
  struct kept before = look(w, side), after;
  uint8_t bytes[128];
  struct wire_tcp h;
  struct yeon_frame f;
  uint32_t payload = 0;
  wire_tcp_init(&h);
  if (c != NULL)
    payload = fill(&h, c, (enum forgery)which);
  else
    fill_half(&h, half_of(w, side));
  h.src_port = w->addr[!side].port;
  h.dst_port = w->addr[side].port;
  uint32_t len = emit(w, side, &h, payload, bytes);
  yeon_frame_from_bytes(&f, bytes, len);
  yeon_host_input(w->host[side], 0, &f, 1, w->live.now);
  after = look(w, side);
  if (!same(&before, &after)) violate(w, "%c: a stranger's %s changed the connection", "ab"[side], names[which]);
}
