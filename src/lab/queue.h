/* How many bytes stand in the pair between the lab and a program. */
#ifndef LAB_QUEUE_H
#define LAB_QUEUE_H

#include "lab/sockets.h"

struct lab_queue {
  uint32_t from_program; /* written by the program, not yet with the stack */
  uint32_t to_program;   /* with the program's end, not yet read by it */
};

/* How the kernel is asked. After many questions the answer is what the kernel holds for the bytes, which is more than they are. */
struct lab_diag {
  int fd; /* -1: it cannot be asked */
  unsigned questions;
};
struct lab_diag lab_queue_open(void);
void lab_queue_close(const struct lab_diag *diag);
struct lab_queue lab_queue_of(struct lab_diag *diag, const struct lab_socket *s);

#endif
