/* The walk over IPv6 extension headers as the destination does it. Reading: RFC 8200 4.1 (order), 4.2 (options), 4.4
 * (routing), 4.5 (fragments); RFC 5095 (routing type 0 is no longer known); RFC 6946 (a fragment that is the whole
 * packet); RFC 7112 (the first fragment holds all headers).
 *
 * A walk stands on one header at a time: `next` says what it is, `offset` where, `nh_offset` who said so. Each
 * step reads one header, moves on, and either leaves the verdict open or sets it. */
#include "wire/icmp.h"
#include "wire/ipv6.h"

#define OPEN 0xff /* no verdict yet */
#define PAYLOAD_LEN_FIELD 4
#define PAYLOAD_MAX 65535

enum option { OPTION_PAD1 = 0, OPTION_PADN = 1 };
enum unknown { UNKNOWN_SKIP = 0, UNKNOWN_DISCARD = 1, UNKNOWN_PROBLEM = 2 /* 3: likewise, unless multicast */ };

struct walk {
  const uint8_t *p;
  size_t end;   /* readable bytes of the packet */
  size_t total; /* bytes of the packet; >= end */
  size_t offset, nh_offset;
  uint8_t next;
  struct wire_ipv6_ext *out;
};

static int stop(struct walk *w, enum wire_ipv6_action action)
{
  w->out->action = (uint8_t)action;
  return WIRE_OK;
}

static int refuse(struct walk *w, enum wire_icmp6_problem code, size_t pointer)
{
  w->out->code = (uint8_t)code;
  w->out->pointer = (uint32_t)pointer;
  return stop(w, WIRE_IPV6_PROBLEM);
}

static void move_on(struct walk *w, size_t header_len)
{
  w->next = w->p[w->offset];
  w->nh_offset = w->offset;
  w->offset += header_len;
}

/* Length of the header at offset, when it is of the common form and whole; else 0. */
static size_t whole_header(const struct walk *w)
{
  if (w->end - w->offset < 8) return 0;
  size_t len = ((size_t)w->p[w->offset + 1] + 1) * 8;
  return len <= w->end - w->offset ? len : 0;
}

/* RFC 8200 4.2: the type's two high bits say what to do with an option that we do not know. */
static void unknown_option(struct walk *w, size_t at)
{
  unsigned bits = w->p[at] >> 6;
  if (bits == UNKNOWN_SKIP) return;
  if (bits == UNKNOWN_DISCARD) {
    stop(w, WIRE_IPV6_DISCARD);
    return;
  }
  w->out->even_multicast = bits == UNKNOWN_PROBLEM;
  refuse(w, WIRE_ICMP6_BAD_OPTION, at);
}

static int step_options(struct walk *w)
{
  size_t len = whole_header(w);
  if (len == 0) return WIRE_SHORT;
  size_t end = w->offset + len, at = w->offset + 2;
  while (at < end) {
    if (w->p[at] == OPTION_PAD1) {
      at++;
      continue;
    }
    if (end - at < 2 || w->p[at + 1] > end - at - 2) return WIRE_BAD_OPTION;
    if (w->p[at] != OPTION_PADN) unknown_option(w, at);
    if (w->out->action != OPEN) return WIRE_OK;
    at += 2 + (size_t)w->p[at + 1];
  }
  move_on(w, len);
  return WIRE_OK;
}

/* RFC 8200 4.4: no routing type is known to an end host. One that is used up is passed over. */
static int step_routing(struct walk *w)
{
  size_t len = whole_header(w);
  if (len == 0) return WIRE_SHORT;
  if (w->p[w->offset + 3] != 0) return refuse(w, WIRE_ICMP6_BAD_FIELD, w->offset + 2);
  move_on(w, len);
  return WIRE_OK;
}

static bool is_extension(uint8_t next)
{
  return next == WIRE_PROTO_HOPOPTS || next == WIRE_PROTO_DSTOPTS || next == WIRE_PROTO_ROUTING ||
         next == WIRE_PROTO_FRAGMENT;
}

static size_t upper_header(uint8_t protocol)
{
  switch (protocol) {
  case WIRE_PROTO_TCP: return 20;
  case WIRE_PROTO_UDP: return 8;
  case WIRE_PROTO_ICMPV6: return 4;
  case WIRE_PROTO_NONE: return 0;
  default: return 1;
  }
}

/* RFC 7112: does the first fragment go on to the upper layer's header? w is a copy, standing behind the fragment
 * header. Where bytes of the packet are out of reach we cannot tell, and believe it: after reassembly all is
 * walked anyway. */
static bool chain_is_complete(struct walk w)
{
  for (unsigned n = 0; n < WIRE_IPV6_EXT_MAX && is_extension(w.next); n++) {
    if (w.end - w.offset < 8) return w.end < w.total;
    size_t len = w.next == WIRE_PROTO_FRAGMENT ? 8 : ((size_t)w.p[w.offset + 1] + 1) * 8;
    if (len > w.end - w.offset) return len <= w.total - w.offset;
    move_on(&w, len);
  }
  return upper_header(w.next) <= w.total - w.offset;
}

/* The rules of RFC 8200 4.5 that concern one fragment by itself. w stands behind the fragment header. */
static int check_fragment(struct walk *w)
{
  const struct wire_ipv6_frag *f = &w->out->fragment;
  size_t data = w->total - w->offset, unfragmentable = w->out->frag_header - (size_t)WIRE_IPV6_HEADER;
  if (f->more && data % 8 != 0) return refuse(w, WIRE_ICMP6_BAD_FIELD, PAYLOAD_LEN_FIELD);
  if (unfragmentable + f->offset + data > PAYLOAD_MAX)
    return refuse(w, WIRE_ICMP6_BAD_FIELD, (size_t)w->out->frag_header + 2);
  if (f->offset == 0 && !chain_is_complete(*w)) return refuse(w, WIRE_ICMP6_INCOMPLETE_CHAIN, 0);
  if (data == 0) return stop(w, WIRE_IPV6_DISCARD); /* it would only cost a slot */
  w->out->offset = (uint16_t)w->offset;
  return stop(w, WIRE_IPV6_FRAGMENT);
}

static int step_fragment(struct walk *w)
{
  struct wire_ipv6_frag *f = &w->out->fragment;
  if (w->end - w->offset < WIRE_IPV6_FRAG_HEADER) return WIRE_SHORT;
  if (w->out->has_fragment) return stop(w, WIRE_IPV6_DISCARD); /* a fragment of a fragment: no source makes these */
  const uint8_t *p = w->p + w->offset;
  f->next_header = p[0];
  f->offset = wire_get16(p + 2) & 0xfff8;
  f->more = (p[3] & 1) != 0;
  f->id = wire_get32(p + 4);
  w->out->has_fragment = true;
  w->out->frag_header = (uint16_t)w->offset;
  w->out->nh_offset = (uint16_t)w->nh_offset;
  move_on(w, WIRE_IPV6_FRAG_HEADER);
  /* RFC 6946: nothing to wait for, so it never meets the fragments of others. */
  return f->offset == 0 && !f->more ? WIRE_OK : check_fragment(w);
}

static int step(struct walk *w)
{
  if (w->out->n_headers == WIRE_IPV6_EXT_MAX) return stop(w, WIRE_IPV6_DISCARD);
  w->out->n_headers++;
  switch (w->next) {
  case WIRE_PROTO_FRAGMENT: return step_fragment(w);
  case WIRE_PROTO_ROUTING: return step_routing(w);
  case WIRE_PROTO_HOPOPTS:
    if (w->offset != WIRE_IPV6_HEADER) return refuse(w, WIRE_ICMP6_BAD_NEXT_HEADER, w->nh_offset);
    return step_options(w);
  default: return step_options(w);
  }
}

int wire_ipv6_extensions(const uint8_t *p, size_t len, const struct wire_ipv6 *h, struct wire_ipv6_ext *out)
{
  size_t total = (size_t)WIRE_IPV6_HEADER + h->payload_len;
  struct walk w = {p, len < total ? len : total, total, WIRE_IPV6_HEADER, 6, h->next_header, out};
  memset(out, 0, sizeof *out);
  out->action = OPEN;
  int result = len < WIRE_IPV6_HEADER ? WIRE_SHORT : WIRE_OK;
  while (result == WIRE_OK && out->action == OPEN && is_extension(w.next)) result = step(&w);
  if (result != WIRE_OK) out->action = WIRE_IPV6_DISCARD;
  if (result != WIRE_OK || out->action != OPEN) return result;
  out->next_header = w.next;
  out->offset = (uint16_t)w.offset;
  out->nh_offset = (uint16_t)w.nh_offset;
  return stop(&w, WIRE_IPV6_UPPER);
}
