/* Putting short texts together without overrunning: what does not fit is left out. */
#ifndef WATCH_TEXT_H
#define WATCH_TEXT_H

#include <yeon/base.h>
#include <yeon/event.h>

struct text {
  char *buf;
  size_t size, len; /* len < size: bytes in use, the terminator not counted */
};

/* Empty, over buf; size >= 1. */
struct text text_over(char *buf, size_t size);
void text_add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "SYN·ACK" with the separator given; "none" without flags. Returns buf. */
char *text_flags(uint8_t flags, const char *separator, char *buf, size_t size);
/* Address and port; without the port if it is 0. Returns buf. */
char *text_end(const struct yeon_addr *addr, char *buf, size_t size);
/* "10 ms", "1.5 s", "350 µs": three digits that matter. Returns buf. */
char *text_span(yeon_time span, char *buf, size_t size);
/* "512 bytes", "1.46 KB", "10.0 MB" (powers of 1000). Returns buf. */
char *text_bytes(uint64_t bytes, char *buf, size_t size);

#endif
