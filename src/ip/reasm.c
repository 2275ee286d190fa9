/* Reassembly (RFC 791 3.2, RFC 815, RFC 8200 4.5, RFC 5722).
 *
 * A datagram being put together is one buffer, into which data is copied where it belongs, and a sorted list of the parts that are
 * there. In front of the data the buffer keeps room for the first fragment's headers, so that the whole packet, and the quotation in a
 * "time exceeded" message, stand in one piece without a further copy.
 *
 * Parts that overlap have no honest use: the datagram is thrown away, and what is left of it stays as a tombstone until its time is
 * over, so that later parts do not begin it anew (RFC 5722, here for both families). An exact repetition of a part is only a
 * duplicate. The number of datagrams, their parts and all their bytes are limited; a datagram's time is 30 s (IPv4) or 60 s (IPv6)
 * from its first part. Fragment headers around whole packets never come here (RFC 6946; the walk of headers sees to it). */
#include "ip/ip.h"

#define HEADROOM 264 /* headers of the first fragment at most, fragment header included */
#define TIME4 (30 * YEON_SEC)
#define TIME6 (60 * YEON_SEC)

struct part {
  uint16_t offset, len;
};

struct ip_reasm {
  struct ip_reasm *next;
  struct yeon_ip src, dst;
  uint32_t id;
  uint32_t total;    /* bytes of data in the whole; 0: the last part has not come */
  uint32_t have;     /* bytes of data so far */
  uint32_t capacity; /* of buf, without HEADROOM */
  uint8_t *buf;      /* HEADROOM + capacity; the data begins at HEADROOM */
  yeon_time until;
  uint32_t head; /* bytes of headers kept in front of the data, fragment header included; 0: first part has not come */
  uint32_t nh_offset; /* IPv6, as in struct ip_fragment */
  uint16_t local, n_parts;
  uint8_t protocol, key_protocol; /* of the whole; what identifies the datagram (0 for IPv6) */
  uint8_t link, hop_limit, traffic_class;
  uint8_t ecn_seen; /* bit per codepoint */
  uint8_t cast;
  bool link_group, four, dead;
  struct yeon_slice slice; /* over the whole packet, once complete */
  struct part part[IP_REASM_PARTS];
};

static struct ip_reasm **find(struct ip *ip, const struct ip_packet *k, const struct ip_fragment *f,
                              uint8_t key_protocol)
{
  struct ip_reasm **at = &ip->reasm_first;
  for (; *at; at = &(*at)->next) {
    const struct ip_reasm *r = *at;
    if (r->id == f->id && r->key_protocol == key_protocol && memcmp(&r->src, &k->src, sizeof k->src) == 0 &&
        memcmp(&r->dst, &k->dst, sizeof k->dst) == 0)
      break;
  }
  return at;
}

static void account(struct ip *ip, int64_t bytes)
{
  ip->reasm_bytes += (uint64_t)bytes;
  ip->rings->used += (uint64_t)bytes;
}

static void free_buffer(struct ip *ip, struct ip_reasm *r)
{
  if (!r->buf) return;
  mem_free(ip->mem, r->buf, HEADROOM + r->capacity);
  account(ip, -(int64_t)(HEADROOM + r->capacity));
  r->buf = NULL;
  r->capacity = 0;
}

void ip_reasm_free(struct ip *ip, struct ip_reasm *r)
{
  free_buffer(ip, r);
  mem_free(ip->mem, r, sizeof *r);
  account(ip, -(int64_t)sizeof *r);
  ip->n_reasm--;
}

void ip_reasm_fini(struct ip *ip)
{
  while (ip->reasm_first) {
    struct ip_reasm *r = ip->reasm_first;
    ip->reasm_first = r->next;
    ip_reasm_free(ip, r);
  }
}

static bool may_hold(const struct ip *ip, uint64_t more)
{
  return ip->reasm_bytes + more <= IP_REASM_BYTES && ip->rings->used + more <= ip->rings->limit;
}

static struct ip_reasm *begin(struct ip *ip, const struct ip_packet *k, const struct ip_fragment *f,
                              uint8_t key_protocol, yeon_time now)
{
  struct ip_reasm *r = NULL;
  if (ip->n_reasm < IP_REASM_MAX && may_hold(ip, sizeof *r)) r = mem_new(ip->mem, sizeof *r);
  if (!r) return NULL;
  r->src = k->src;
  r->dst = k->dst;
  r->id = f->id;
  r->key_protocol = key_protocol;
  r->four = wire_ip_is4(&k->src);
  r->local = k->local;
  r->link = k->link;
  r->cast = k->cast;
  r->link_group = k->link_group;
  r->until = now + (r->four ? TIME4 : TIME6);
  r->next = ip->reasm_first;
  ip->reasm_first = r;
  ip->n_reasm++;
  account(ip, (int64_t)sizeof *r);
  ip_want(ip, r->until);
  return r;
}

static bool reserve(struct ip *ip, struct ip_reasm *r, uint32_t end)
{
  uint32_t capacity = r->capacity ? r->capacity : 2048;
  while (capacity < end) capacity *= 2;
  if (capacity == r->capacity) return true;
  uint8_t *grown = may_hold(ip, HEADROOM + capacity) ? mem_alloc(ip->mem, HEADROOM + capacity) : NULL;
  if (!grown) return false;
  if (r->buf) memcpy(grown, r->buf, HEADROOM + r->capacity);
  free_buffer(ip, r);
  r->buf = grown;
  r->capacity = capacity;
  account(ip, (int64_t)(HEADROOM + capacity));
  return true;
}

enum fit { FIT_NEW, FIT_DUPLICATE, FIT_OVERLAP, FIT_CROWDED };

/* Where the part belongs among those present. */
static enum fit place(const struct ip_reasm *r, const struct ip_fragment *f, uint32_t *at)
{
  uint32_t i = r->n_parts;
  while (i > 0 && r->part[i - 1].offset > f->offset) i--;
  *at = i;
  if (i > 0) {
    const struct part *before = &r->part[i - 1];
    if (before->offset == f->offset && before->len == f->len) return FIT_DUPLICATE;
    if ((uint32_t)before->offset + before->len > f->offset) return FIT_OVERLAP;
  }
  if (i < r->n_parts && f->offset + f->len > r->part[i].offset) return FIT_OVERLAP;
  return r->n_parts == IP_REASM_PARTS ? FIT_CROWDED : FIT_NEW;
}

/* Does the part agree with where the datagram ends? */
static bool end_agrees(const struct ip_reasm *r, const struct ip_fragment *f)
{
  uint32_t end = f->offset + f->len;
  if (f->more) return !r->total || end < r->total;
  if (r->total) return end == r->total;
  if (r->n_parts == 0) return true;
  const struct part *last = &r->part[r->n_parts - 1];
  return (uint32_t)last->offset + last->len <= end;
}

static void insert(struct ip_reasm *r, const struct ip_packet *k, const struct ip_fragment *f, uint32_t at)
{
  memmove(&r->part[at + 1], &r->part[at], (r->n_parts - at) * sizeof r->part[0]);
  r->part[at] = (struct part){(uint16_t)f->offset, (uint16_t)f->len};
  r->n_parts++;
  r->have += f->len;
  if (!f->more) r->total = f->offset + f->len;
  r->ecn_seen |= (uint8_t)(1u << (k->traffic_class & 3));
  memcpy(r->buf + HEADROOM + f->offset, k->p + f->data, f->len);
  if (f->offset != 0) return;
  r->head = f->data;
  memcpy(r->buf + HEADROOM - r->head, k->p, r->head);
  r->nh_offset = f->nh_offset;
  r->protocol = f->protocol;
  r->hop_limit = k->hop_limit;
  r->traffic_class = k->traffic_class;
}

static void kill(struct ip *ip, struct ip_reasm *r)
{
  free_buffer(ip, r);
  r->dead = true;
}

/* RFC 3168 5.3: a mark on any part is a mark on the whole; marked and not capable together can not be. */
static bool ecn_consistent(const struct ip_reasm *r)
{
  return !(r->ecn_seen & 1u << WIRE_ECN_CE) || !(r->ecn_seen & 1u << WIRE_ECN_NOT);
}

static bool well_formed(const struct ip_packet *k, const struct ip_fragment *f)
{
  if (f->len == 0 || (f->more && f->len % 8 != 0) || f->data > HEADROOM) return false;
  uint32_t most = wire_ip_is4(&k->src) ? 65535u - f->head : 65535u - (f->head - WIRE_IPV6_HEADER);
  return f->offset + f->len <= most;
}

/* Puts the part in its place. False: nothing was added. */
static bool add_part(struct ip *ip, struct ip_reasm *r, const struct ip_packet *k, const struct ip_fragment *f,
                     yeon_time now)
{
  uint32_t at;
  enum fit fit = place(r, f, &at);
  if (fit == FIT_DUPLICATE) {
    IP_DROP(ip, frag_duplicate, k->len, now);
    return false;
  }
  if (fit == FIT_OVERLAP || !end_agrees(r, f)) {
    IP_DROP(ip, frag_overlap, k->len, now);
    kill(ip, r);
    return false;
  }
  if (fit == FIT_CROWDED || !reserve(ip, r, f->offset + f->len)) {
    IP_DROP(ip, frag_limit, k->len, now);
    kill(ip, r);
    return false;
  }
  insert(r, k, f, at);
  return true;
}

static void unlink_from(struct ip *ip, struct ip_reasm *r)
{
  struct ip_reasm **at = &ip->reasm_first;
  while (*at != r) at = &(*at)->next;
  *at = r->next;
}

struct ip_reasm *ip_reasm_add(struct ip *ip, const struct ip_packet *k, const struct ip_fragment *f, yeon_time now)
{
  uint8_t key_protocol = wire_ip_is4(&k->src) ? f->protocol : 0;
  if (!well_formed(k, f)) {
    IP_DROP(ip, frag_bad, k->len, now);
    return NULL;
  }
  struct ip_reasm *r = *find(ip, k, f, key_protocol);
  if (!r) r = begin(ip, k, f, key_protocol, now);
  if (!r) {
    IP_DROP(ip, frag_limit, k->len, now);
    return NULL;
  }
  if (r->dead) {
    IP_DROP(ip, frag_bad, k->len, now);
    return NULL;
  }
  if (!add_part(ip, r, k, f, now) || !r->total || r->have != r->total) return NULL;
  unlink_from(ip, r);
  if (ecn_consistent(r)) return r;
  IP_DROP(ip, frag_bad, k->len, now);
  ip_reasm_free(ip, r);
  return NULL;
}

static uint32_t finish4(const struct ip_reasm *r, uint8_t *p)
{
  uint32_t len = r->head + r->total;
  wire_put16(p + 2, (uint16_t)len);
  wire_put16(p + 6, 0);
  wire_put16(p + 10, 0);
  if (r->ecn_seen & 1u << WIRE_ECN_CE) p[1] |= WIRE_ECN_CE;
  wire_put16(p + 10, wire_sum_finish(wire_sum(p, r->head, 0)));
  return len;
}

/* p: where the packet begins once the fragment header is cut out. */
static uint32_t finish6(const struct ip_reasm *r, uint8_t *p)
{
  uint32_t head = r->head - WIRE_IPV6_FRAG_HEADER;
  memmove(p, p - WIRE_IPV6_FRAG_HEADER, head);
  wire_put16(p + 4, (uint16_t)(head - WIRE_IPV6_HEADER + r->total));
  p[r->nh_offset] = r->protocol;
  if (r->ecn_seen & 1u << WIRE_ECN_CE) p[1] |= (uint8_t)(WIRE_ECN_CE << 4);
  return head + r->total;
}

static void describe(const struct ip_reasm *r, struct ip_packet *k)
{
  *k = (struct ip_packet){.link = r->link,
                          .segs = 1,
                          .link_group = r->link_group,
                          .csum = YEON_CSUM_NONE,
                          .src = r->src,
                          .dst = r->dst,
                          .local = r->local,
                          .protocol = r->protocol,
                          .hop_limit = r->hop_limit,
                          .traffic_class = r->traffic_class,
                          .cast = r->cast,
                          .whole = true};
}

void ip_reasm_packet(struct ip_reasm *r, struct ip_packet *whole)
{
  uint8_t *p = r->buf + HEADROOM - r->head;
  describe(r, whole);
  if (r->four) {
    whole->len = finish4(r, p);
  } else {
    p += WIRE_IPV6_FRAG_HEADER;
    whole->len = finish6(r, p);
  }
  r->slice = (struct yeon_slice){p, whole->len};
  whole->slice = &r->slice;
  whole->n_slices = 1;
  whole->p = p;
  whole->view = whole->available = whole->len;
}

/* Time is over. Whoever sent the first part is told (RFC 792, RFC 4443 3.3). */
static void expire(struct ip *ip, struct ip_reasm *r, yeon_time now)
{
  struct ip_packet k;
  if (r->head && !r->dead) {
    describe(r, &k);
    k.p = r->buf + HEADROOM - r->head;
    k.view = k.len = k.available = r->head + r->part[0].len;
    k.transport = r->head;
    ip_icmp_complain(ip, &k, IP_COMPLAIN_REASSEMBLY, 0, 0, false, now);
  }
  IP_DROP(ip, frag_timeout, r->have, now);
  ip_reasm_free(ip, r);
}

void ip_reasm_run(struct ip *ip, yeon_time now)
{
  for (struct ip_reasm **at = &ip->reasm_first; *at;) {
    struct ip_reasm *r = *at;
    if (r->until > now) {
      ip_want(ip, r->until);
      at = &r->next;
      continue;
    }
    *at = r->next;
    expire(ip, r, now);
  }
}
