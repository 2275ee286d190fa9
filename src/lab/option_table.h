/* The socket options that programs use, and what becomes of each. */
#ifndef LAB_OPTION_TABLE_H
#define LAB_OPTION_TABLE_H

#include <stdbool.h>
#include <stddef.h>

enum lab_option_way {
  LAB_OPTION_TCP,    /* an option of the stack's endpoint, in a unit of its own; of UDP's too where `udp` says so */
  LAB_OPTION_UDP,    /* of UDP's alone */
  LAB_OPTION_NATIVE, /* the pair has it, with the same meaning for reads and writes of the program */
  LAB_OPTION_TAKEN,  /* it makes no difference here: the value is kept for asking, which gives `constant` before */
  LAB_OPTION_OFF     /* it stays 0; any other value is refused */
};

struct lab_option {
  int level, name;
  enum lab_option_way way;
  int tcp, udp; /* enum yeon_tcp_option, yeon_udp_option; -1: not of that kind */
  int scale;    /* stack's units in one of the program's: 1000 for seconds to ms; 0: as 1 */
  int constant; /* what getsockopt gives for one that is TAKEN */
};

/* NULL: not in the table. */
const struct lab_option *lab_option_find(int level, int name);
/* 0 or 1: whatever a program sets that is not 0 reads back as 1. */
bool lab_option_is_flag(const struct lab_option *o);
/* The table itself, `i` from 0; NULL behind its end. */
const struct lab_option *lab_option_at(size_t i);

#endif
