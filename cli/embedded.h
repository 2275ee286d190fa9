/* The Lua files inside the command; embed.py makes their bytes. */
#ifndef CLI_EMBEDDED_H
#define CLI_EMBEDDED_H

#include <stddef.h>

struct cli_embedded {
  const char *name; /* "1-socket.lua" */
  const unsigned char *bytes;
  size_t len;
};

extern const unsigned char *const cli_embedded_prelude;
extern const size_t cli_embedded_prelude_len;
/* What a file for `yeon lab --live` can say. */
extern const unsigned char *const cli_embedded_live;
extern const size_t cli_embedded_live_len;
/* In the order of the rows. */
extern const struct cli_embedded cli_embedded_tour[];
extern const size_t cli_embedded_tours;

#endif
