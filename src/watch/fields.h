/* Writing header fields, one a line. */
#ifndef WATCH_FIELDS_H
#define WATCH_FIELDS_H

#include <yeon/watch.h>

struct fields {
  yeon_line_fn *line;
  void *ctx;
  const uint8_t *header; /* the header whose fields are being written */
};

/* A heading. */
void fields_title(struct fields *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* One field: bytes [at, at + n) of the header hold it. value: as text. meaning: may be empty. */
void fields_row(struct fields *f, unsigned at, unsigned n, const char *name, const char *value, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
/* The same with a number for a value. */
void fields_number(struct fields *f, unsigned at, unsigned n, const char *name, uint32_t value, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/* A field that is a part of one byte: the bits of mask. */
void fields_bits(struct fields *f, unsigned at, uint8_t mask, const char *name, uint32_t value, const char *meaning);

/* fields_ip.c: the headers below TCP and UDP. What follows the IP header: its protocol and where it begins; length of the
 * transport part; *src, *dst for its checksum. 0, or YEON_ERR_INVALID after the last line told why. */
struct fields_ip {
  struct yeon_ip src, dst;
  uint8_t protocol;
  size_t offset, len;
  bool fragment; /* not the first: no transport header here */
};
int fields_ip(struct fields *f, const uint8_t *p, size_t len, struct fields_ip *out);
/* The Ethernet header; the bytes it takes, or YEON_ERR_INVALID. *type: what follows. */
int fields_ethernet(struct fields *f, const uint8_t *p, size_t len, uint16_t *type);

#endif
