/* What all of wire/ shares: byte order and parse results. Pure functions, no state. */
#ifndef WIRE_WIRE_H
#define WIRE_WIRE_H

#include <yeon/base.h>
#include <yeon/frame.h>

enum wire_result {
  WIRE_OK = 0,
  WIRE_SHORT = -1, /* fewer bytes than the header says or needs */
  WIRE_BAD_VERSION = -2,
  WIRE_BAD_LENGTH = -3, /* a length field contradicts itself */
  WIRE_BAD_CHECKSUM = -4,
  WIRE_BAD_OPTION = -5,
  WIRE_BAD_VALUE = -6
};

static inline uint16_t wire_get16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
static inline uint32_t wire_get32(const uint8_t *p)
{
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
static inline void wire_put16(uint8_t *p, uint16_t v)
{
  p[0] = (uint8_t)(v >> 8);
  p[1] = (uint8_t)v;
}
static inline void wire_put32(uint8_t *p, uint32_t v)
{
  wire_put16(p, (uint16_t)(v >> 16));
  wire_put16(p + 2, (uint16_t)v);
}

#endif
