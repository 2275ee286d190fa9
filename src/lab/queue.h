/* How many bytes stand in the pair between the lab and a program. */
#ifndef LAB_QUEUE_H
#define LAB_QUEUE_H

#include "lab/sockets.h"

struct lab_queue {
  uint32_t from_program; /* written by the program, not yet with the stack */
  uint32_t to_program;   /* with the program's end, not yet read by it */
};

/* A descriptor to ask the kernel with, -1 if it cannot be asked. */
int lab_queue_open(void);
void lab_queue_close(int diag);
struct lab_queue lab_queue_of(int diag, const struct lab_socket *s);

#endif
