/* The words of a frame's row. */
#include <string.h>

#include "base/seq.h"
#include "watch/ladder.h"

static void put_options(struct yeon_ladder *l, const struct ladder_conn *c, unsigned side, const struct wire_tcp *h,
                        struct row *row)
{
  struct text t = text_over(row->opts, sizeof row->opts);
  if (h->mss != 0) text_add(&t, " mss %u", h->mss);
  if (h->sack_ok) text_add(&t, " sackOK");
  if (h->has_ts) {
    if ((l->config.flags & YEON_LADDER_ABSOLUTE) != 0)
      text_add(&t, " ts %u:%u", h->tsval, h->tsecr);
    else if ((h->flags & YEON_TCP_SYN) != 0)
      text_add(&t, " ts");
  }
  if (h->wscale >= 0) text_add(&t, " ws %d", h->wscale);
  if (h->n_sack > 0) text_add(&t, " sack");
  for (unsigned i = 0; i < h->n_sack; i++)
    text_add(&t, " %u:%u", ladder_conn_show(l, c, 1 - side, h->sack[i].left),
             ladder_conn_show(l, c, 1 - side, h->sack[i].right));
  if (h->has_uto) text_add(&t, " uto");
  for (unsigned i = 0; h->has_accecn && i < h->n_accecn; i++) {
    static const char *const names[] = {"e0b", "ceb", "e1b"};
    unsigned field = wire_accecn_field(h->accecn_swapped, i);
    text_add(&t, " %s %u", names[field], h->accecn[field]);
  }
  if (h->has_fastopen) text_add(&t, h->n_cookie > 0 ? " cookie" : " cookie?");
}

static void put_codepoint(uint8_t codepoint, struct row *row)
{
  struct text t = {row->opts, sizeof row->opts, strlen(row->opts)};
  if (codepoint != 0) text_add(&t, " %s", packet_codepoint_text(codepoint));
}

/* Once both ends count, the three flags are one number: "ACK·ECE·AE" would mislead. */
static void put_flags(struct ladder_conn *c, const struct wire_tcp *h, struct text *t)
{
  char flags[40];
  unsigned ace = wire_tcp_ace(h);
  bool syn = (h->flags & YEON_TCP_SYN) != 0, ack = (h->flags & YEON_TCP_ACK) != 0;
  if (syn && !ack) c->asked_accurate = ace != 0 && ace != 3;
  if (syn && ack) c->accurate = c->asked_accurate && ace > 1 && ace < 7;
  bool number = c->accurate && !syn;
  const uint8_t both = YEON_TCP_ECE | YEON_TCP_CWR;
  text_add(t, "%s", text_flags((uint8_t)(number ? h->flags & ~both : h->flags), "·", flags, sizeof flags));
  if (number)
    text_add(t, "·ACE=%u", ace);
  else if (h->ae)
    text_add(t, "·AE");
}

/* What the sender told of this retransmission just before, NULL: nothing. */
static struct ladder_again *told_of(struct ladder_conn *c, unsigned side, uint32_t seq)
{
  for (unsigned i = 0; i < AGAIN_MAX; i++) {
    struct ladder_again *a = &c->again[side][i];
    if (a->waiting && seq - a->seq < (a->len > 0 ? a->len : 1)) return a;
  }
  return NULL;
}

static bool is_timeout(const struct ladder_again *a)
{
  return a->why == YEON_REXMIT_RTO || a->why == YEON_REXMIT_SYN || a->why == YEON_REXMIT_FIN;
}

/* Why it is sent: what the sender said, else what an onlooker can tell. */
static void put_why(struct yeon_ladder *l, struct ladder_conn *c, unsigned side, const struct wire_tcp *h, uint32_t len,
                    struct row *row)
{
  struct text t = text_over(row->why, sizeof row->why);
  struct ladder_again *told = told_of(c, side, h->seq);
  bool fired = c->timer_at[side] == l->now && (h->flags & YEON_TCP_RST) == 0;
  if (fired && c->timer[side] == YEON_TIMER_KEEPALIVE && len <= 1) {
    text_add(&t, "keepalive probe");
  } else if (fired && c->timer[side] == YEON_TIMER_PERSIST) {
    text_add(&t, "window probe");
  } else if (row->again && told != NULL && is_timeout(told)) {
    text_add(&t, "timeout");
    if (told->count > 0) text_add(&t, " %u", told->count);
  } else if (row->again) {
    text_add(&t, "%s", told != NULL ? yeon_retransmit_why_name((enum yeon_retransmit_why)told->why) : "again");
  }
  if (told != NULL) told->waiting = row->again && told->len > len;
}

static enum canvas_style style_of(const struct row *row, uint8_t flags, uint32_t window)
{
  if ((flags & YEON_TCP_RST) != 0) return STYLE_BAD;
  if (row->again || row->why[0] != '\0') return STYLE_WARN;
  if ((flags & YEON_TCP_SYN) != 0) return STYLE_GOOD;
  if ((flags & YEON_TCP_FIN) != 0) return STYLE_BOLD;
  return window == 0 ? STYLE_WARN : STYLE_PLAIN;
}

static void put_opening(struct yeon_ladder *l, struct ladder_conn *c, unsigned side, yeon_time at)
{
  char from[54], to[54];
  if (c->opening_told) return;
  c->opening_told = true;
  struct row *row = ladder_row_add(l, ROW_WIDE, side, at);
  if (row == NULL) return;
  row->mark = MARK_OPENING;
  row->style = STYLE_DIM;
  row->conn = c->number;
  struct text t = text_over(row->text, sizeof row->text);
  const char *left = text_end(&c->end[0], from, sizeof from), *right = text_end(&c->end[1], to, sizeof to);
  text_add(&t, "%s %s %s", left, side == 0 ? "→" : "←", right);
}

static struct row *label_tcp(struct yeon_ladder *l, unsigned side, const struct packet *p, yeon_time at)
{
  const struct wire_tcp *h = &p->tcp;
  struct ladder_conn *c = side == 0 ? ladder_conn_find(l, &p->src, &p->dst) : ladder_conn_find(l, &p->dst, &p->src);
  if (c == NULL) return NULL;
  bool again = ladder_conn_sent(l, c, side, h, p->payload);
  put_opening(l, c, side, at);
  struct row *row = ladder_row_add(l, ROW_FRAME, side, at);
  if (row == NULL) return NULL;
  row->conn = c->number;
  row->payload = p->payload;
  row->seq = h->seq;
  row->again = again;
  struct text t = text_over(row->text, sizeof row->text);
  put_flags(c, h, &t);
  text_add(&t, " seq %u", ladder_conn_show(l, c, side, h->seq));
  if (p->payload > 0) text_add(&t, " len %u", p->payload);
  if ((h->flags & YEON_TCP_ACK) != 0) text_add(&t, " ack %u", ladder_conn_show(l, c, 1 - side, h->ack));
  if ((h->flags & YEON_TCP_URG) != 0) text_add(&t, " urg %u", h->urgent);
  uint32_t window = ladder_conn_window(c, side, h);
  struct text w = text_over(row->win, sizeof row->win);
  if ((h->flags & YEON_TCP_RST) == 0) text_add(&w, " win %u", window);
  row->win_known = c->has_win[side] && c->win[side] == window && window != 0;
  c->win[side] = window;
  c->has_win[side] = true;
  put_options(l, c, side, h, row);
  put_codepoint(p->codepoint, row);
  put_why(l, c, side, h, p->payload, row);
  row->style = (uint8_t)style_of(row, h->flags, window);
  row->bulk = row->why[0] == '\0' && window != 0;
  if (row->again) row->bulk = true;
  row->bulk = row->bulk && (h->flags & (YEON_TCP_SYN | YEON_TCP_FIN | YEON_TCP_RST | YEON_TCP_URG)) == 0;
  row->plain = !row->again && row->why[0] == '\0' && h->n_sack == 0 && window != 0 &&
               (h->flags & (YEON_TCP_SYN | YEON_TCP_FIN | YEON_TCP_RST | YEON_TCP_URG)) == 0;
  return row;
}

static struct row *label_other(struct yeon_ladder *l, unsigned side, const struct packet *p, yeon_time at)
{
  char icmp[64];
  struct row *row = ladder_row_add(l, ROW_FRAME, side, at);
  if (row == NULL) return NULL;
  struct text t = text_over(row->text, sizeof row->text);
  switch (p->kind) {
  case PACKET_UDP:
    text_add(&t, "UDP %u → %u len %u", p->src.port, p->dst.port, p->payload);
    row->payload = p->payload;
    row->plain = row->bulk = row->datagram = true;
    row->style = STYLE_PLAIN;
    break;
  case PACKET_ICMP:
    text_add(&t, "ICMP %s", packet_icmp_text(p, icmp, sizeof icmp));
    row->style = p->icmp.is_error ? STYLE_BAD : STYLE_DIM;
    break;
  case PACKET_ARP:
    if (p->arp.op == WIRE_ARP_REQUEST)
      text_add(&t, "ARP who has %s?", yeon_ip_format(&p->arp.target_ip, icmp, sizeof icmp));
    else
      text_add(&t, "ARP %s is here", yeon_ip_format(&p->arp.sender_ip, icmp, sizeof icmp));
    row->style = STYLE_DIM;
    break;
  case PACKET_FRAGMENT:
    text_add(&t, "IP fragment, %u bytes", p->payload);
    row->payload = p->payload;
    row->plain = row->bulk = row->datagram = true;
    break;
  default: text_add(&t, "IP protocol %u, %u bytes", p->protocol, p->payload); break;
  }
  return row;
}

struct row *ladder_label(struct yeon_ladder *l, unsigned side, const struct yeon_cable_tap *tap)
{
  uint8_t head[PACKET_HEAD];
  struct packet p;
  size_t len = packet_head(tap->frame, head);
  packet_parse(head, len, tap->frame->len, tap->frame->l3_offset != 0, &p);
  uint16_t port = l->config.port;
  if (port != 0 && p.src.port != port && p.dst.port != port) return NULL;
  return p.kind == PACKET_TCP ? label_tcp(l, side, &p, tap->sent_at) : label_other(l, side, &p, tap->sent_at);
}
