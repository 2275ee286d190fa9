/* The Internet checksum (RFC 1071, RFC 1624). Sums are 64-bit and unfolded; fast on long input. */
#ifndef WIRE_CHECKSUM_H
#define WIRE_CHECKSUM_H

#include "wire/wire.h"

/* Adds len bytes to sum as if they began at an even offset. Any alignment. */
uint64_t wire_sum(const void *p, size_t len, uint64_t sum);
/* Adds slices as one stream, from `skip` bytes in, for len bytes (odd slice boundaries handled). */
uint64_t wire_sum_slices(const struct yeon_slice *s, size_t n, size_t skip, size_t len, uint64_t sum);
/* Pseudo-header of the right family (v4-mapped addresses: RFC 9293 3.1; IPv6: RFC 8200 8.1). len: transport length. */
uint64_t wire_sum_pseudo(const struct yeon_ip *src, const struct yeon_ip *dst, uint8_t protocol, uint32_t len);
/* Folded and complemented, host order, ready for wire_put16. 0xffff sums give 0. */
uint16_t wire_sum_finish(uint64_t sum);
/* Folded, not complemented: for the field of a YEON_CSUM_PARTIAL frame. */
uint16_t wire_sum_fold(uint64_t sum);

#endif
