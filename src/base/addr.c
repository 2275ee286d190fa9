/* Addresses as text. Reading follows RFC 4291 2.2 and takes nothing else: no zone, no prefix length, no blanks, no leading
 * noughts in a dotted quad (some readers take those as octal). Writing follows RFC 5952; the mapped form, being yeon's own way to hold
 * an IPv4 address, is written as the plain dotted quad. */
#include <string.h>

#include <yeon/base.h>

#define GROUPS 8

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct yeon_ip yeon_ip4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
  return (struct yeon_ip){{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}};
}

bool yeon_ip_is4(const struct yeon_ip *ip) { return memcmp(ip->b, mapped_prefix, sizeof(mapped_prefix)) == 0; }

bool yeon_ip_equal(const struct yeon_ip *a, const struct yeon_ip *b) { return memcmp(a->b, b->b, sizeof(a->b)) == 0; }

bool yeon_ip_is_any(const struct yeon_ip *ip)
{
  const struct yeon_ip any6 = {{0}}, any4 = yeon_ip4(0, 0, 0, 0);
  return yeon_ip_equal(ip, &any6) || yeon_ip_equal(ip, &any4);
}

/* A decimal number of at most `most`, without leading noughts. Returns what follows it, NULL: none there. */
static const char *read_decimal(const char *p, unsigned most, unsigned *out)
{
  if (*p < '0' || *p > '9') return NULL;
  if (*p == '0' && p[1] >= '0' && p[1] <= '9') return NULL;
  unsigned value = 0;
  for (; *p >= '0' && *p <= '9'; p++) {
    value = value * 10 + (unsigned)(*p - '0');
    if (value > most) return NULL;
  }
  *out = value;
  return p;
}

static const char *read_quad(const char *p, uint8_t out[4])
{
  for (unsigned i = 0; i < 4; i++) {
    unsigned value;
    if (i > 0 && *p++ != '.') return NULL;
    p = read_decimal(p, 255, &value);
    if (p == NULL) return NULL;
    out[i] = (uint8_t)value;
  }
  return p;
}

static int hex_digit(char c)
{
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* One to four hexadecimal digits. Returns what follows, NULL: none there, or more than four. */
static const char *read_group(const char *p, uint8_t out[2])
{
  unsigned value = 0;
  const char *start = p;
  for (int digit; (digit = hex_digit(*p)) >= 0; p++) {
    if (p - start == 4) return NULL;
    value = value << 4 | (unsigned)digit;
  }
  out[0] = (uint8_t)(value >> 8);
  out[1] = (uint8_t)value;
  return p > start ? p : NULL;
}

/* What reading an IPv6 address has come to. */
struct reading {
  uint8_t b[16];
  unsigned n; /* bytes read */
  int gap;    /* bytes that stand before "::", -1: there was none */
};

/* One group, or two as a dotted quad, from p. Returns what follows, NULL: neither. */
static const char *read_piece(struct reading *r, const char *p)
{
  if (r->n + 2 > 16) return NULL;
  const char *end = read_group(p, r->b + r->n);
  if (end != NULL && *end != '.') {
    r->n += 2;
    return end;
  }
  if (r->n + 4 > 16) return NULL;
  end = read_quad(p, r->b + r->n);
  r->n += 4;
  /* Only at the end of the address. */
  return end != NULL && *end != ':' ? end : NULL;
}

/* Returns what follows the address, NULL: not one. */
static const char *read_ip6(const char *p, struct yeon_ip *out)
{
  struct reading r = {.gap = -1};
  bool more = true;
  if (p[0] == ':') {
    if (p[1] != ':') return NULL;
    r.gap = 0;
    p += 2;
    more = hex_digit(*p) >= 0; /* nothing need follow "::" */
  }
  while (more) {
    p = read_piece(&r, p);
    if (p == NULL) return NULL;
    more = *p == ':';
    if (!more) break;
    p++;
    if (*p != ':') continue;
    if (r.gap >= 0) return NULL;
    r.gap = (int)r.n;
    p++;
    more = hex_digit(*p) >= 0;
  }
  /* "::" stands for at least one group. */
  if (r.gap < 0 ? r.n != 16 : r.n > 14) return NULL;
  unsigned before = r.gap < 0 ? r.n : (unsigned)r.gap, after = r.n - before;
  memset(out->b, 0, 16);
  memcpy(out->b, r.b, before);
  memcpy(out->b + 16 - after, r.b + before, after);
  return p;
}

static const char *read_ip4(const char *p, struct yeon_ip *out)
{
  memcpy(out->b, mapped_prefix, 12);
  return read_quad(p, out->b + 12);
}

int yeon_ip_parse(const char *text, struct yeon_ip *out)
{
  struct yeon_ip ip;
  if (text == NULL) return YEON_ERR_ADDRESS;
  const char *end = strchr(text, ':') != NULL ? read_ip6(text, &ip) : read_ip4(text, &ip);
  if (end == NULL || *end != '\0') return YEON_ERR_ADDRESS;
  *out = ip;
  return YEON_OK;
}

int yeon_addr_parse(const char *text, struct yeon_addr *out)
{
  struct yeon_addr addr;
  unsigned port;
  if (text == NULL) return YEON_ERR_ADDRESS;
  const char *p = text[0] == '[' ? read_ip6(text + 1, &addr.ip) : read_ip4(text, &addr.ip);
  if (p == NULL) return YEON_ERR_ADDRESS;
  if (text[0] == '[' && *p++ != ']') return YEON_ERR_ADDRESS;
  if (*p++ != ':') return YEON_ERR_ADDRESS;
  p = read_decimal(p, 65535, &port);
  if (p == NULL || *p != '\0') return YEON_ERR_ADDRESS;
  addr.port = (uint16_t)port;
  *out = addr;
  return YEON_OK;
}

/* Text that is cut off, not overrun, when the caller's buffer is too small. */
struct text {
  char *buf;
  size_t size, len;
};

static void put_char(struct text *t, char c)
{
  if (t->len + 1 < t->size) t->buf[t->len++] = c;
}

static void put_number(struct text *t, unsigned value, unsigned base)
{
  char digits[8];
  unsigned n = 0;
  do {
    digits[n++] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value > 0);
  while (n > 0) put_char(t, digits[--n]);
}

static unsigned group_at(const struct yeon_ip *ip, unsigned i)
{
  return (unsigned)ip->b[2 * i] << 8 | ip->b[2 * i + 1];
}

/* RFC 5952 4.2: the longest run of noughts, the first of equals, and no run of one. Returns its length. */
static unsigned longest_run(const struct yeon_ip *ip, unsigned *at)
{
  unsigned longest = 1, run = 0;
  *at = GROUPS;
  for (unsigned i = 0; i < GROUPS; i++) {
    run = group_at(ip, i) == 0 ? run + 1 : 0;
    if (run <= longest) continue;
    longest = run;
    *at = i + 1 - run;
  }
  return longest;
}

static void put_ip6(struct text *t, const struct yeon_ip *ip)
{
  unsigned gap, length = longest_run(ip, &gap);
  for (unsigned i = 0; i < GROUPS; i++) {
    if (i == gap) {
      put_char(t, ':');
      put_char(t, ':');
      i += length - 1;
      continue;
    }
    if (i > 0 && i != gap + length) put_char(t, ':');
    put_number(t, group_at(ip, i), 16);
  }
}

static void put_ip(struct text *t, const struct yeon_ip *ip)
{
  if (!yeon_ip_is4(ip)) {
    put_ip6(t, ip);
    return;
  }
  for (unsigned i = 0; i < 4; i++) {
    if (i > 0) put_char(t, '.');
    put_number(t, ip->b[12 + i], 10);
  }
}

static char *finish(struct text *t)
{
  if (t->size > 0) t->buf[t->len] = '\0';
  return t->buf;
}

char *yeon_ip_format(const struct yeon_ip *ip, char *buf, size_t size)
{
  struct text t = {buf, size, 0};
  put_ip(&t, ip);
  return finish(&t);
}

char *yeon_addr_format(const struct yeon_addr *addr, char *buf, size_t size)
{
  struct text t = {buf, size, 0};
  bool is4 = yeon_ip_is4(&addr->ip);
  if (!is4) put_char(&t, '[');
  put_ip(&t, &addr->ip);
  if (!is4) put_char(&t, ']');
  put_char(&t, ':');
  put_number(&t, addr->port, 10);
  return finish(&t);
}
