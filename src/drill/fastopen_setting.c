/* The systems' settings of TCP Fast Open that are no plain number: which sides of it are on, and the keys of cookies. */
#include <stdlib.h>
#include <string.h>

#include "drill/run.h"

static uint32_t hex_word(const char **p, unsigned digits)
{
  char text[9] = {0};
  unsigned n = 0;
  while (n < digits && strchr("0123456789abcdefABCDEF", **p) != NULL && **p != 0) text[n++] = *(*p)++;
  return (uint32_t)strtoul(text, NULL, 16);
}

/* Linux: four numbers of 32 bits, least byte first, "a-b-c-d", and perhaps ",e-f-g-h" for the backup. FreeBSD: the bytes. */
static unsigned read_key(const char *text, bool freebsd, uint8_t out[32])
{
  unsigned n = 0;
  while (*text != 0 && n < 32) {
    uint32_t v = hex_word(&text, freebsd ? 2 : 8);
    unsigned bytes = freebsd ? 1 : 4;
    for (unsigned i = 0; i < bytes; i++) out[n++] = (uint8_t)(v >> 8 * i);
    if (*text == '-' || *text == ',')
      text++;
    else if (!freebsd)
      break;
  }
  return n;
}

/* The settings that are no plain number. False: another one. */
bool fastopen_setting(struct drill_run *r, const char *name, const char *value)
{
  if (strcmp(name, "tcp_fastopen") == 0) {
    r->options.fastopen = (uint16_t)(strtoul(value, NULL, 0) & YEON_FASTOPEN_BITS);
  } else if (strcmp(name, "tcp_fastopen_cookies") == 0) { /* a cache of old; setting its size empties it */
    if (r->host != NULL) yeon_host_fastopen_flush(r->host);
  } else if (strcmp(name, "tcp_fastopen_key") == 0 || strcmp(name, "tcp.fastopen.setkey") == 0) {
    r->fastopen_keys = read_key(value, r->freebsd, r->fastopen_key) / 16;
  } else if (strcmp(name, "tcp.fastopen.client_enable") == 0 || strcmp(name, "tcp.fastopen.server_enable") == 0) {
    bool client = strstr(name, "client") != NULL, on = strtol(value, NULL, 0) != 0;
    uint16_t bit = client ? YEON_FASTOPEN_CLIENT : YEON_FASTOPEN_SERVER;
    r->options.fastopen = (uint16_t)(on ? r->options.fastopen | bit : r->options.fastopen & ~bit);
    if (client && !on && r->host != NULL) yeon_host_fastopen_flush(r->host);
  } else {
    return false;
  }
  fastopen_apply_key(r);
  return true;
}

void fastopen_apply_key(struct drill_run *r)
{
  if (r->host == NULL || r->fastopen_keys == 0) return;
  yeon_host_fastopen_key(r->host, r->fastopen_key, r->fastopen_keys > 1 ? r->fastopen_key + 16 : NULL);
}
