#include "watch/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct text text_over(char *buf, size_t size)
{
  buf[0] = '\0';
  return (struct text){buf, size, 0};
}

void text_add(struct text *t, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  int n = vsnprintf(t->buf + t->len, t->size - t->len, format, args);
  va_end(args);
  if (n > 0) t->len += (size_t)n;
  if (t->len >= t->size) t->len = t->size - 1;
}

char *text_flags(uint8_t flags, const char *separator, char *buf, size_t size)
{
  /* In the order people say them. */
  static const struct {
    uint8_t bit;
    const char *name;
  } names[] = {{YEON_TCP_SYN, "SYN"}, {YEON_TCP_FIN, "FIN"}, {YEON_TCP_RST, "RST"}, {YEON_TCP_PSH, "PSH"},
               {YEON_TCP_URG, "URG"}, {YEON_TCP_ACK, "ACK"}, {YEON_TCP_ECE, "ECE"}, {YEON_TCP_CWR, "CWR"}};
  struct text t = text_over(buf, size);
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if ((flags & names[i].bit) != 0) text_add(&t, "%s%s", t.len > 0 ? separator : "", names[i].name);
  if (t.len == 0) text_add(&t, "none");
  return buf;
}

char *text_end(const struct yeon_addr *addr, char *buf, size_t size)
{
  return addr->port != 0 ? yeon_addr_format(addr, buf, size) : yeon_ip_format(&addr->ip, buf, size);
}

/* Three digits that matter, without zeros behind the point. */
static void scaled(struct text *t, double value, const char *unit)
{
  char number[32];
  snprintf(number, sizeof number, "%.*f", value >= 100 ? 0 : value >= 10 ? 1 : 2, value);
  char *point = strchr(number, '.');
  char *end = number + strlen(number);
  while (point != NULL && end > point && (end[-1] == '0' || end[-1] == '.')) {
    end--;
    *end = '\0';
    if (end == point) break;
  }
  text_add(t, "%s %s", number, unit);
}

char *text_span(yeon_time span, char *buf, size_t size)
{
  struct text t = text_over(buf, size);
  double ns = (double)span;
  if (span < YEON_US)
    text_add(&t, "%d ns", (int)span);
  else if (span < YEON_MS)
    scaled(&t, ns / 1e3, "µs");
  else if (span < YEON_SEC)
    scaled(&t, ns / 1e6, "ms");
  else
    scaled(&t, ns / 1e9, "s");
  return buf;
}

char *text_bytes(uint64_t bytes, char *buf, size_t size)
{
  static const char *const units[] = {"KB", "MB", "GB", "TB"};
  struct text t = text_over(buf, size);
  if (bytes < 1000) {
    text_add(&t, "%u byte%s", (unsigned)bytes, bytes == 1 ? "" : "s");
    return buf;
  }
  double value = (double)bytes / 1e3;
  size_t unit = 0;
  for (; value >= 999.5 && unit + 1 < sizeof units / sizeof units[0]; unit++) value /= 1e3;
  scaled(&t, value, units[unit]);
  return buf;
}
