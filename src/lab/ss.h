/* What `ss` has gathered, and the two ways of writing it. */
#ifndef LAB_SS_H
#define LAB_SS_H

#include "lab/queue.h"
#include "lab/sockets.h"

#define SS_WIDTH_MIN 60 /* columns of a terminal */
#define SS_WIDTH_MAX 160

#define SS_NAME 32

enum ss_kind { SS_LISTENER, SS_CONNECTION, SS_UDP };

struct ss_row {
  enum ss_kind kind;
  unsigned host;
  struct yeon_tcp_info info;       /* UDP: local and remote only */
  const struct lab_socket *socket; /* NULL: no program holds it */
  char program[SS_NAME];           /* of the process that made or accepted it */
  uint32_t pair_out, pair_in;      /* bytes between program and lab: written by it, not read by it */
  size_t peer;                     /* the other end's row; SIZE_MAX: none */
  bool half_open;                  /* the other host knows nothing of it */
};

struct ss {
  struct lab *lab;
  FILE *out;
  unsigned width; /* columns; 0: no limit */
  yeon_time now;
  bool only_tcp, only_udp, listeners, colour;
  struct lab_diag diag;
  unsigned host; /* being visited */
  struct ss_row *rows;
  size_t n, cap;
};

void ss_text(const struct ss *ss);
void ss_json(const struct ss *ss);

#endif
