/* TCP headers (RFC 9293 3.1, 3.2; 7323; 2018; 5482; 7413; 9768): bytes <-> struct. */
#ifndef WIRE_TCP_H
#define WIRE_TCP_H

#include <yeon/event.h>

#include "wire/wire.h"

#define WIRE_TCP_HEADER 20
#define WIRE_TCP_HEADER_MAX 60
#define WIRE_TCP_COOKIE_MIN 4 /* bytes of a Fast Open cookie (RFC 7413 4.1.1) */
#define WIRE_TCP_COOKIE_MAX 16

struct wire_tcp {
  uint32_t seq, ack;
  uint16_t src_port, dst_port;
  uint16_t window, checksum, urgent;
  uint8_t flags;      /* YEON_TCP_* */
  bool ae;            /* the ninth flag (RFC 9768 3.1.1) */
  uint8_t header_len; /* bytes, options included; set by parse and by emit */
  /* options */
  uint16_t mss;  /* 0: absent */
  int8_t wscale; /* -1: absent; parse caps it at 14 (RFC 7323 2.3) */
  bool sack_ok;
  bool has_ts;
  uint8_t n_sack;        /* at most 4 */
  uint16_t user_timeout; /* RFC 5482, raw: granularity bit 15, value below; only if has_uto */
  bool has_uto;
  bool has_fastopen;          /* RFC 7413 4.1.1 */
  bool fastopen_experimental; /* in the shared option 254, as before it had a number of its own (RFC 7413 section 9) */
  uint8_t n_cookie;           /* bytes, even; 0: asks for a cookie */
  uint8_t cookie[WIRE_TCP_COOKIE_MAX];
  bool has_accecn;       /* RFC 9768 3.2.3; emitted where SACK blocks leave it room */
  bool accecn_swapped;   /* kind 174: ECT(1) first, ECT(0) last */
  uint8_t n_accecn;      /* fields, 0..3 */
  uint32_t accecn[3];    /* 24 bits each, by enum wire_accecn; read: only those that the option has */
  uint32_t tsval, tsecr;
  struct yeon_sack_block sack[4];
  bool packed; /* emit lays the options out as the BSDs do; false: each aligned, behind NOPs */
};

/* The counters of an AccECN option: payload bytes that arrived so marked. */
enum wire_accecn { WIRE_ACCECN_ECT0, WIRE_ACCECN_CE, WIRE_ACCECN_ECT1 };
/* Which counter stands i-th. */
static inline unsigned wire_accecn_field(bool swapped, unsigned i) { return swapped ? 2 - i : i; }
/* Bytes it takes in front of SACK blocks, whose own four include two NOPs that it may use up. */
static inline unsigned wire_accecn_before_sack(unsigned fields) { return (2 + 3 * fields + 1) / 4 * 4; }
/* AE, CWR, ECE as one number (RFC 9768 3.2.2). */
static inline unsigned wire_tcp_ace(const struct wire_tcp *h)
{
  return (h->ae ? 4u : 0u) | ((h->flags & YEON_TCP_CWR) != 0 ? 2u : 0u) | ((h->flags & YEON_TCP_ECE) != 0 ? 1u : 0u);
}
static inline void wire_tcp_set_ace(struct wire_tcp *h, unsigned ace)
{
  h->ae = (ace & 4) != 0;
  h->flags = (uint8_t)((h->flags & ~(YEON_TCP_CWR | YEON_TCP_ECE)) | ((ace & 2) != 0 ? YEON_TCP_CWR : 0) |
                       ((ace & 1) != 0 ? YEON_TCP_ECE : 0));
}

void wire_tcp_init(struct wire_tcp *h);
/* Reads a header at p[0..len). 0, or WIRE_SHORT, WIRE_BAD_LENGTH (data offset), WIRE_BAD_OPTION (an option's length is
 * illegal). MSS, window scale, SACK-permitted and Fast Open are taken from SYN segments only, Fast Open only with a legal length (RFC 7413 4.1.1), an AccECN option from all but a
 * SYN without ACK. Unknown options are skipped; of repeated ones the last counts.
 * A SACK block whose right is not after its left is left out. */
int wire_tcp_parse(const uint8_t *p, size_t len, struct wire_tcp *out);
/* Bytes that emit will write: 20 + options padded to 4. Drops SACK blocks, and a Fast Open option, that do not fit into 40 bytes. */
size_t wire_tcp_size(const struct wire_tcp *h);
/* Writes the header with its checksum field 0; the length, which is wire_tcp_size. h->header_len is set. */
size_t wire_tcp_emit(struct wire_tcp *h, uint8_t *p);

#endif
