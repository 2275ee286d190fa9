/* TCP headers: RFC 9293 3.1, 3.2; RFC 7323 2.2, 3.2; RFC 2018 2, 3; RFC 5482 3.3; RFC 7413 4.1.1; RFC 9768 3.2.3. */
#include "wire/tcp.h"

#include <string.h>

#define OPTIONS_MAX (WIRE_TCP_HEADER_MAX - WIRE_TCP_HEADER)
#define WSCALE_MAX 14

enum option {
  OPTION_END = 0,
  OPTION_NOP = 1,
  OPTION_MSS = 2,
  OPTION_WSCALE = 3,
  OPTION_SACK_OK = 4,
  OPTION_SACK = 5,
  OPTION_TS = 8,
  OPTION_UTO = 28,
  OPTION_FASTOPEN = 34,
  OPTION_ACCECN0 = 172,
  OPTION_ACCECN1 = 174,
  OPTION_EXPERIMENT = 254
};

#define MAGIC_FASTOPEN 0xf989u /* RFC 7413 section 9 */

void wire_tcp_init(struct wire_tcp *h)
{
  memset(h, 0, sizeof *h);
  h->wscale = -1;
}

/* The length an option of this kind must have; 0: any (SACK's is checked where it is read). */
static unsigned fixed_length(uint8_t kind)
{
  switch (kind) {
  case OPTION_MSS:
  case OPTION_UTO: return 4;
  case OPTION_WSCALE: return 3;
  case OPTION_SACK_OK: return 2;
  case OPTION_TS: return 10;
  default: return 0;
  }
}

/* RFC 2018 3. p: the blocks, len: their bytes. */
static int read_sack(const uint8_t *p, size_t len, struct wire_tcp *out)
{
  if (len == 0 || len % 8 != 0) return WIRE_BAD_OPTION;
  out->n_sack = 0;
  for (size_t i = 0; i < len && out->n_sack < 4; i += 8) {
    struct yeon_sack_block block = {wire_get32(p + i), wire_get32(p + i + 4)};
    if ((int32_t)(block.right - block.left) > 0) out->sack[out->n_sack++] = block;
  }
  return WIRE_OK;
}

/* RFC 7413 4.1.1: an option of illegal length is as none. p: the cookie, len: its bytes. */
static void read_fastopen(const uint8_t *p, unsigned len, bool experimental, struct wire_tcp *out)
{
  bool legal = len == 0 || (len >= WIRE_TCP_COOKIE_MIN && len <= WIRE_TCP_COOKIE_MAX && len % 2 == 0);
  if (!legal) return;
  out->has_fastopen = true;
  out->fastopen_experimental = experimental;
  out->n_cookie = (uint8_t)len;
  memcpy(out->cookie, p, len);
}

/* RFC 9768 3.2.3: of a length that is none of its own, the whole fields count. p: them, len: their bytes. */
static void read_accecn(const uint8_t *p, unsigned len, bool swapped, struct wire_tcp *out)
{
  out->has_accecn = true;
  out->accecn_swapped = swapped;
  out->n_accecn = (uint8_t)(len / 3 < 3 ? len / 3 : 3);
  for (unsigned i = 0; i < out->n_accecn; i++, p += 3)
    out->accecn[wire_accecn_field(swapped, i)] = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

/* p: a whole option, kind and length included. */
static int read_option(const uint8_t *p, struct wire_tcp *out)
{
  uint8_t kind = p[0], len = p[1];
  unsigned want = fixed_length(kind);
  bool syn = (out->flags & YEON_TCP_SYN) != 0;
  if (want != 0 && len != want) return WIRE_BAD_OPTION;
  if (kind == OPTION_SACK) return read_sack(p + 2, (size_t)len - 2, out);
  if (kind == OPTION_TS) {
    out->has_ts = true;
    out->tsval = wire_get32(p + 2);
    out->tsecr = wire_get32(p + 6);
  } else if (kind == OPTION_UTO) {
    out->has_uto = true;
    out->user_timeout = wire_get16(p + 2);
  } else if (kind == OPTION_ACCECN0 || kind == OPTION_ACCECN1) {
    /* RFC 9768 3.2.3.2.1: on a SYN it is ignored. */
    if (!syn || (out->flags & YEON_TCP_ACK) != 0) read_accecn(p + 2, len - 2u, kind == OPTION_ACCECN1, out);
  } else if (kind == OPTION_MSS && syn) {
    out->mss = wire_get16(p + 2);
  } else if (kind == OPTION_WSCALE && syn) {
    out->wscale = p[2] > WSCALE_MAX ? WSCALE_MAX : (int8_t)p[2];
  } else if (kind == OPTION_SACK_OK && syn) {
    out->sack_ok = true;
  } else if (kind == OPTION_FASTOPEN && syn) {
    read_fastopen(p + 2, len - 2u, false, out);
  } else if (kind == OPTION_EXPERIMENT && syn && len >= 4 && wire_get16(p + 2) == MAGIC_FASTOPEN) {
    read_fastopen(p + 4, len - 4u, true, out);
  }
  return WIRE_OK;
}

static int read_options(const uint8_t *p, size_t len, struct wire_tcp *out)
{
  size_t i = 0;
  while (i < len && p[i] != OPTION_END) {
    if (p[i] == OPTION_NOP) {
      i++;
      continue;
    }
    if (len - i < 2 || p[i + 1] < 2 || p[i + 1] > len - i) return WIRE_BAD_OPTION;
    int result = read_option(p + i, out);
    if (result != WIRE_OK) return result;
    i += p[i + 1];
  }
  return WIRE_OK;
}

int wire_tcp_parse(const uint8_t *p, size_t len, struct wire_tcp *out)
{
  if (len < WIRE_TCP_HEADER) return WIRE_SHORT;
  wire_tcp_init(out);
  out->src_port = wire_get16(p);
  out->dst_port = wire_get16(p + 2);
  out->seq = wire_get32(p + 4);
  out->ack = wire_get32(p + 8);
  out->header_len = (uint8_t)((p[12] >> 4) * 4);
  out->flags = p[13];
  out->ae = (p[12] & 1) != 0;
  out->window = wire_get16(p + 14);
  out->checksum = wire_get16(p + 16);
  out->urgent = wire_get16(p + 18);
  if (out->header_len < WIRE_TCP_HEADER) return WIRE_BAD_LENGTH;
  if (out->header_len > len) return WIRE_SHORT;
  return read_options(p + WIRE_TCP_HEADER, (size_t)out->header_len - WIRE_TCP_HEADER, out);
}

/* Bytes of the options that every segment may have, and after them of the SACK blocks that still fit. */
static size_t common_size(const struct wire_tcp *h) { return (h->has_ts ? 12u : 0u) + (h->has_uto ? 4u : 0u); }

static size_t sack_count(const struct wire_tcp *h)
{
  size_t room = OPTIONS_MAX - 4 - common_size(h);
  if (h->has_accecn) room -= wire_accecn_before_sack(h->n_accecn);
  return h->n_sack < room / 8 ? h->n_sack : room / 8;
}

/* Two bytes before an option so that its numbers are aligned; in a SYN they can hold "SACK permitted". */
static uint8_t *put_lead(uint8_t *p, bool sack_ok)
{
  p[0] = sack_ok ? OPTION_SACK_OK : OPTION_NOP;
  p[1] = sack_ok ? 2 : OPTION_NOP;
  return p + 2;
}

static uint8_t *put_timestamp(const struct wire_tcp *h, uint8_t *p)
{
  p[0] = OPTION_TS;
  p[1] = 10;
  wire_put32(p + 2, h->tsval);
  wire_put32(p + 6, h->tsecr);
  return p + 10;
}

static uint8_t *put_timestamps(const struct wire_tcp *h, uint8_t *p, bool sack_ok)
{
  return put_timestamp(h, put_lead(p, sack_ok));
}

/* NOPs until the next byte stands `place` bytes behind a multiple of `step`. */
static uint8_t *put_nops(const uint8_t *begin, uint8_t *p, unsigned step, unsigned place)
{
  while ((size_t)(p - begin) % step != place) *p++ = OPTION_NOP;
  return p;
}

static uint8_t *put_accecn(const struct wire_tcp *h, uint8_t *p)
{
  /* A SYN-ACK that gives a cookie has no room for both. */
  if (!h->has_accecn || h->has_fastopen) return p;
  *p++ = h->accecn_swapped ? OPTION_ACCECN1 : OPTION_ACCECN0;
  *p++ = (uint8_t)(2 + 3 * h->n_accecn);
  for (unsigned i = 0; i < h->n_accecn; i++, p += 3) {
    uint32_t v = h->accecn[wire_accecn_field(h->accecn_swapped, i)];
    p[0] = (uint8_t)(v >> 16);
    p[1] = (uint8_t)(v >> 8);
    p[2] = (uint8_t)v;
  }
  return p;
}

static uint8_t *put_syn_options(const struct wire_tcp *h, uint8_t *p)
{
  const uint8_t *begin = p;
  if (h->mss != 0) {
    p[0] = OPTION_MSS;
    p[1] = 4;
    wire_put16(p + 2, h->mss);
    p += 4;
  }
  if (h->has_ts) p = put_timestamps(h, p, h->sack_ok);
  p = put_nops(begin, put_accecn(h, p), 4, 0);
  if (!h->has_ts && h->sack_ok) {
    p = put_lead(p, false);
    p = put_lead(p, true);
  }
  if (h->wscale >= 0) {
    p[0] = OPTION_NOP;
    p[1] = OPTION_WSCALE;
    p[2] = 3;
    p[3] = (uint8_t)h->wscale;
    p += 4;
  }
  return p;
}

static uint8_t *put_blocks(const struct wire_tcp *h, uint8_t *p)
{
  size_t n = sack_count(h);
  p[0] = OPTION_SACK;
  p[1] = (uint8_t)(2 + 8 * n);
  p += 2;
  for (size_t i = 0; i < n; i++, p += 8) {
    wire_put32(p, h->sack[i].left);
    wire_put32(p + 4, h->sack[i].right);
  }
  return p;
}

/* Begins at any byte: the NOPs in front of it are those that end what comes before. */
static uint8_t *put_sack(const struct wire_tcp *h, const uint8_t *begin, uint8_t *p)
{
  return sack_count(h) == 0 ? put_nops(begin, p, 4, 0) : put_blocks(h, put_nops(begin, p, 4, 2));
}

static uint8_t *put_uto(const struct wire_tcp *h, uint8_t *p)
{
  if (!h->has_uto) return p;
  p[0] = OPTION_UTO;
  p[1] = 4;
  wire_put16(p + 2, h->user_timeout);
  return p + 4;
}

/* begin: where the options begin. It is left out where whole words of it do not fit any more. */
static uint8_t *put_fastopen(const struct wire_tcp *h, const uint8_t *begin, uint8_t *p)
{
  unsigned head = h->fastopen_experimental ? 4 : 2, size = head + h->n_cookie;
  if (!h->has_fastopen || ((size_t)(p - begin) + size + 3) / 4 * 4 > OPTIONS_MAX) return p;
  p[0] = h->fastopen_experimental ? OPTION_EXPERIMENT : OPTION_FASTOPEN;
  p[1] = (uint8_t)size;
  if (h->fastopen_experimental) wire_put16(p + 2, MAGIC_FASTOPEN);
  memcpy(p + head, h->cookie, h->n_cookie);
  return p + size;
}

/* As most systems lay them out: every option begins where its numbers are aligned, and NOPs stand in front. */
static uint8_t *put_aligned(const struct wire_tcp *h, uint8_t *p)
{
  const uint8_t *begin = p;
  if ((h->flags & YEON_TCP_SYN) != 0) {
    p = put_syn_options(h, p);
  } else {
    p = h->has_ts ? put_timestamps(h, p, false) : p;
    p = put_sack(h, begin, put_accecn(h, p));
  }
  return put_nops(begin, put_fastopen(h, begin, put_uto(h, p)), 4, 0);
}

/* As the BSDs do: window scale before SACK permitted, no more NOPs than alignment needs, and zeroes at the end. */
static uint8_t *put_packed(const struct wire_tcp *h, uint8_t *begin)
{
  uint8_t *p = begin;
  bool syn = (h->flags & YEON_TCP_SYN) != 0;
  if (syn && h->mss != 0) {
    p[0] = OPTION_MSS;
    p[1] = 4;
    wire_put16(p + 2, h->mss);
    p += 4;
  }
  if (syn && h->wscale >= 0) {
    *p++ = OPTION_NOP;
    *p++ = OPTION_WSCALE;
    *p++ = 3;
    *p++ = (uint8_t)h->wscale;
  }
  if (syn && h->sack_ok) {
    *p++ = OPTION_SACK_OK;
    *p++ = 2;
  }
  if (h->has_ts) p = put_timestamp(h, put_nops(begin, p, 4, 2));
  p = put_accecn(h, p);
  if (!syn && sack_count(h) > 0) p = put_blocks(h, put_nops(begin, p, 4, 2));
  if (h->has_uto) p = put_uto(h, put_nops(begin, p, 4, 0));
  p = put_fastopen(h, begin, p);
  while ((size_t)(p - begin) % 4 != 0) *p++ = OPTION_END;
  return p;
}

static uint8_t *put_options(const struct wire_tcp *h, uint8_t *p)
{
  return h->packed ? put_packed(h, p) : put_aligned(h, p);
}

size_t wire_tcp_size(const struct wire_tcp *h)
{
  uint8_t room[OPTIONS_MAX + 4];
  return WIRE_TCP_HEADER + (size_t)(put_options(h, room) - room);
}

size_t wire_tcp_emit(struct wire_tcp *h, uint8_t *p)
{
  size_t size = (size_t)(put_options(h, p + WIRE_TCP_HEADER) - p);
  h->header_len = (uint8_t)size;
  wire_put16(p, h->src_port);
  wire_put16(p + 2, h->dst_port);
  wire_put32(p + 4, h->seq);
  wire_put32(p + 8, h->ack);
  p[12] = (uint8_t)(size / 4 << 4 | (h->ae ? 1 : 0));
  p[13] = h->flags;
  wire_put16(p + 14, h->window);
  wire_put16(p + 16, 0);
  wire_put16(p + 18, h->urgent);
  return size;
}
