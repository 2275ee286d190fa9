/* Where a watcher's bytes go: a descriptor that may be slow, held in memory meanwhile. */
#ifndef LAB_OUTLET_H
#define LAB_OUTLET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lab_outlet {
  int fd;
  bool file;      /* never makes us wait for another program */
  bool socket;    /* can be asked not to wait without changing it for others */
  bool broken;    /* nothing more can be written: the reader is gone, the disk full */
  uint8_t *bytes; /* [at, len) are to be written */
  size_t at, len, cap;
};

/* Owns fd. 0 or an errno. */
int lab_outlet_open(struct lab_outlet *o, int fd);
/* False: broken, or no memory (then it is broken too). */
bool lab_outlet_put(struct lab_outlet *o, const void *bytes, size_t len);
/* Writes what can be written without waiting. */
void lab_outlet_flush(struct lab_outlet *o);
/* How much waits; a watcher that sees much of it leaves frames out. */
size_t lab_outlet_waiting(const struct lab_outlet *o);
/* Writes the rest, for a second at most, and closes. Whether all could be written. */
bool lab_outlet_close(struct lab_outlet *o);

#endif
