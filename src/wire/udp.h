/* UDP headers (RFC 768): bytes <-> struct. */
#ifndef WIRE_UDP_H
#define WIRE_UDP_H

#include "wire/wire.h"

#define WIRE_UDP_HEADER 8

struct wire_udp {
  uint16_t src_port, dst_port; /* src_port 0: the sender wants no answer */
  uint16_t length;             /* bytes, header included */
  uint16_t checksum; /* 0: none was computed (legal over IPv4 only, the caller checks); emit writes it as given */
};

/* Reads a header at p[0..len). available: all transport bytes the IP datagram holds (>= len; bytes may lie in
 * further slices). 0, or WIRE_SHORT (no whole header, or length reaches beyond available), WIRE_BAD_LENGTH (length
 * < 8). Bytes after `length` are padding. */
int wire_udp_parse(const uint8_t *p, size_t len, size_t available, struct wire_udp *out);
/* Writes 8 bytes to p; returns 8. Note for the caller: a computed checksum of 0 is sent as 0xffff. */
size_t wire_udp_emit(const struct wire_udp *h, uint8_t *p);

#endif
