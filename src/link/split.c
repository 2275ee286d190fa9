/* Cuts a super-segment as a network card does: the headers are repeated before every piece, with sequence number,
 * lengths, IP identification and flags moved on. Read RFC 9293 3.1 for the header; CWR goes with the first piece, FIN
 * and PSH with the last. */
#include <string.h>

#include "link/link.h"
#include "wire/checksum.h"
#include "wire/eth.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/tcp.h"
#include "wire/udp.h"

/* Copies len bytes from `skip` into the frame; the frame holds that many. */
static void copy_range(const struct yeon_frame *f, size_t skip, uint8_t *dst, size_t len)
{
  for (unsigned i = 0; i < f->n_slices && len > 0; i++) {
    const struct yeon_slice *s = &f->slice[i];
    if (skip >= s->len) {
      skip -= s->len;
      continue;
    }
    size_t n = s->len - skip < len ? s->len - skip : len;
    memcpy(dst, (const uint8_t *)s->base + skip, n);
    dst += n;
    len -= n;
    skip = 0;
  }
}

static int whole(const struct yeon_frame *f, yeon_frame_fn *fn, void *ctx)
{
  uint8_t buf[LINK_FRAME_MAX];
  if (yeon_frame_copy(f, buf, sizeof buf) == 0) return YEON_ERR_INVALID;
  if (f->csum == YEON_CSUM_PARTIAL) {
    size_t field = (size_t)f->csum_start + f->csum_offset;
    if (field + 2 > f->len) return YEON_ERR_INVALID;
    uint16_t sum = wire_sum_finish(wire_sum(buf + f->csum_start, f->len - f->csum_start, 0));
    bool udp = f->csum_offset == 6;
    wire_put16(buf + field, udp && sum == 0 ? 0xffff : sum); /* RFC 768: 0 would mean "no checksum" */
  }
  fn(ctx, buf, f->len);
  return 0;
}

struct piece {
  uint8_t *buf;   /* headers, then payload */
  size_t l3, tcp; /* offsets */
  size_t header;  /* bytes of all headers */
  size_t len;     /* payload bytes */
  bool first, last;
};

static void finish_ip(const struct piece *p, uint16_t index)
{
  uint8_t *ip = p->buf + p->l3;
  if (ip[0] >> 4 == 6) {
    wire_put16(ip + 4, (uint16_t)(p->header - p->l3 - WIRE_IPV6_HEADER + p->len));
    return;
  }
  wire_put16(ip + 2, (uint16_t)(p->header - p->l3 + p->len));
  wire_put16(ip + 4, (uint16_t)(wire_get16(ip + 4) + index));
  wire_put16(ip + 10, 0);
  wire_put16(ip + 10, wire_sum_finish(wire_sum(ip, p->tcp - p->l3, 0)));
}

static void finish_tcp(const struct piece *p, uint32_t seq)
{
  uint8_t *tcp = p->buf + p->tcp;
  const uint8_t *ip = p->buf + p->l3;
  struct yeon_ip src, dst;
  if (ip[0] >> 4 == 4) {
    src = wire_ip4_get(ip + 12);
    dst = wire_ip4_get(ip + 16);
  } else {
    memcpy(src.b, ip + 8, 16);
    memcpy(dst.b, ip + 24, 16);
  }
  wire_put32(tcp + 4, seq);
  if (!p->first) tcp[13] &= (uint8_t)~YEON_TCP_CWR;
  if (!p->last) tcp[13] &= (uint8_t) ~(YEON_TCP_FIN | YEON_TCP_PSH);
  size_t len = p->header - p->tcp + p->len;
  wire_put16(tcp + 16, 0);
  uint64_t sum = wire_sum_pseudo(&src, &dst, WIRE_PROTO_TCP, (uint32_t)len);
  wire_put16(tcp + 16, wire_sum_finish(wire_sum(tcp, len, sum)));
}

int yeon_frame_split(const struct yeon_frame *frame, yeon_frame_fn *fn, void *ctx)
{
  if (frame->len == 0 || frame->len > LINK_FRAME_MAX) return YEON_ERR_INVALID;
  if (frame->segs <= 1) return whole(frame, fn, ctx);
  uint8_t head[YEON_FRAME_HEAD];
  size_t have = frame->len < sizeof head ? frame->len : sizeof head;
  copy_range(frame, 0, head, have);
  size_t tcp = link_tcp_offset(head, have, frame->l3_offset);
  size_t header = tcp ? tcp + (size_t)(head[tcp + 12] >> 4) * 4 : 0;
  if (header < tcp + WIRE_TCP_HEADER || header > have || frame->gso_size == 0) return YEON_ERR_INVALID;

  uint8_t buf[LINK_FRAME_MAX];
  uint32_t seq = wire_get32(head + tcp + 4);
  size_t total = frame->len - header;
  uint16_t index = 0;
  for (size_t done = 0; done < total; index++) {
    size_t n = total - done < frame->gso_size ? total - done : frame->gso_size;
    struct piece p = {buf, frame->l3_offset, tcp, header, n, done == 0, done + n == total};
    memcpy(buf, head, header);
    copy_range(frame, header + done, buf + header, n);
    finish_ip(&p, index);
    finish_tcp(&p, seq + (uint32_t)done);
    fn(ctx, buf, header + n);
    done += n;
  }
  return 0;
}
