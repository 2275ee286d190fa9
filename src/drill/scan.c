#include "drill/scan.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS_MAX 100000000 /* three years */

static void skip_line(struct drill_scan *s)
{
  while (s->p < s->end && *s->p != '\n') s->p++;
}

static void skip_block(struct drill_scan *s)
{
  for (s->p += 2; s->p < s->end && !(s->p[0] == '*' && s->p + 1 < s->end && s->p[1] == '/'); s->p++)
    if (*s->p == '\n') s->line++;
  s->p = s->p + 2 <= s->end ? s->p + 2 : s->end;
}

void scan_blank(struct drill_scan *s)
{
  while (s->p < s->end) {
    bool two = s->p + 1 < s->end;
    if (*s->p == '\n') s->line++;
    if (isspace((unsigned char)*s->p))
      s->p++;
    else if (*s->p == '#' || (two && s->p[0] == '/' && s->p[1] == '/'))
      skip_line(s);
    else if (two && s->p[0] == '/' && s->p[1] == '*')
      skip_block(s);
    else
      break;
  }
}

bool scan_at_end(struct drill_scan *s)
{
  scan_blank(s);
  return s->failed || s->p >= s->end;
}

bool scan_peek(struct drill_scan *s, char c) { return !scan_at_end(s) && *s->p == c; }

bool scan_accept(struct drill_scan *s, char c)
{
  if (!scan_peek(s, c)) return false;
  s->p++;
  return true;
}

bool scan_accept_text(struct drill_scan *s, const char *text)
{
  size_t n = strlen(text);
  if (scan_at_end(s) || (size_t)(s->end - s->p) < n || strncmp(s->p, text, n) != 0) return false;
  s->p += n;
  return true;
}

void scan_expect(struct drill_scan *s, char c)
{
  if (s->failed || scan_accept(s, c)) return;
  if (s->p < s->end)
    scan_fail(s, "'%c' is expected here, not '%c'", c, *s->p);
  else
    scan_fail(s, "'%c' is expected, and the script ends", c);
}

static bool in_word(char c) { return isalnum((unsigned char)c) || c == '_'; }

const char *scan_word(struct drill_scan *s)
{
  if (scan_at_end(s) || !(isalpha((unsigned char)*s->p) || *s->p == '_')) return NULL;
  const char *from = s->p;
  while (s->p < s->end && in_word(*s->p)) s->p++;
  return drill_text(&s->script->arena, from, (size_t)(s->p - from));
}

bool scan_keyword(struct drill_scan *s, const char *word)
{
  size_t n = strlen(word);
  if (scan_at_end(s) || (size_t)(s->end - s->p) < n || strncmp(s->p, word, n) != 0) return false;
  if ((size_t)(s->end - s->p) > n && in_word(s->p[n])) return false;
  s->p += n;
  return true;
}

const char *scan_run(struct drill_scan *s)
{
  scan_blank(s);
  const char *from = s->p;
  while (s->p < s->end && !isspace((unsigned char)*s->p)) s->p++;
  return drill_text(&s->script->arena, from, (size_t)(s->p - from));
}

bool scan_digit(struct drill_scan *s) { return !scan_at_end(s) && isdigit((unsigned char)*s->p); }

/* A name that --define or the script's head gave a value. */
static bool defined(struct drill_scan *s, int64_t *out)
{
  for (const struct drill_setting *d = s->script->defines; d != NULL; d = d->next) {
    if (d->value == NULL || !scan_keyword(s, d->name)) continue;
    *out = strtoll(d->value, NULL, 0);
    return true;
  }
  return false;
}

int64_t scan_integer(struct drill_scan *s)
{
  int64_t value;
  if (defined(s, &value)) return value;
  bool negative = scan_accept(s, '-');
  if (!scan_digit(s)) {
    const char *name = scan_at_end(s) || !isupper((unsigned char)*s->p) ? NULL : scan_word(s);
    if (name != NULL) scan_needs(s, "a definition of %s (--define=%s=...)", name, name);
    scan_fail(s, "a number is expected here");
    return 0;
  }
  char digits[40];
  size_t n = 0;
  while (s->p + n < s->end && n + 1 < sizeof digits && isxdigit((unsigned char)s->p[n])) n++;
  if (n == 1 && *s->p == '0' && s->p + 2 < s->end && (s->p[1] == 'x' || s->p[1] == 'X')) {
    for (n = 2; s->p + n < s->end && n + 1 < sizeof digits && isxdigit((unsigned char)s->p[n]);) n++;
  } else {
    for (n = 0; s->p + n < s->end && n + 1 < sizeof digits && isdigit((unsigned char)s->p[n]);) n++;
  }
  memcpy(digits, s->p, n);
  digits[n] = 0;
  s->p += n;
  uint64_t v = strtoull(digits, NULL, n > 2 && (digits[1] == 'x' || digits[1] == 'X') ? 16 : 10);
  if (v > INT64_MAX) scan_fail(s, "%s is too large a number", digits);
  return s->failed ? 0 : negative ? -(int64_t)v : (int64_t)v;
}

uint32_t scan_u32(struct drill_scan *s)
{
  int64_t v = scan_integer(s);
  if (v < INT32_MIN || v > UINT32_MAX) scan_fail(s, "%lld does not fit into 32 bits", (long long)v);
  return (uint32_t)v;
}

yeon_time scan_seconds(struct drill_scan *s)
{
  scan_blank(s);
  int64_t whole = 0, fraction = 0, unit = YEON_SEC;
  const char *from = s->p;
  for (; s->p < s->end && isdigit((unsigned char)*s->p); s->p++)
    if (whole <= SECONDS_MAX) whole = whole * 10 + (*s->p - '0');
  if (whole > SECONDS_MAX) scan_fail(s, "a time of more than %lld s", (long long)SECONDS_MAX);
  /* "0...0.2" is a range of a call that blocks: its dots are no decimal point. */
  bool dots = s->end - s->p >= 3 && strncmp(s->p, "...", 3) == 0;
  if (s->p < s->end && *s->p == '.' && !dots) {
    for (s->p++; s->p < s->end && isdigit((unsigned char)*s->p); s->p++) {
      unit /= 10;
      fraction += (*s->p - '0') * unit;
    }
  }
  if (s->p == from) scan_fail(s, "a time is expected here");
  return s->failed ? 0 : whole * YEON_SEC + fraction;
}

/* The line that is read, and below it a mark where: tabs are blanks, so that it stands right. */
static const char *point_at(const struct drill_scan *s)
{
  char line[160];
  size_t n = 0;
  const char *from = s->p < s->end ? s->p : s->end, *to = from;
  while (from > s->start && from[-1] != '\n') from--;
  while (from < to && isspace((unsigned char)*from)) from++;
  const char *at = to;
  while (to < s->end && *to != '\n') to++;
  for (const char *p = from; p < to && n + 1 < sizeof line; p++) line[n++] = isspace((unsigned char)*p) ? ' ' : *p;
  line[n] = 0;
  int column = (int)(at - from);
  if (n == 0 || column + 1 >= (int)sizeof line) return "";
  return drill_format(&s->script->arena, "\n    %s\n    %*s^", line, column, "");
}

void scan_fail(struct drill_scan *s, const char *format, ...)
{
  char text[256];
  va_list args;
  if (s->failed) return;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  s->failed = true;
  s->script->line = s->line;
  s->script->error = drill_format(&s->script->arena, "%s%s", text, point_at(s));
}

void scan_needs(struct drill_scan *s, const char *format, ...)
{
  char text[256];
  va_list args;
  if (s->failed) return;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  s->failed = true;
  s->script->line = s->line;
  s->script->needs = drill_text(&s->script->arena, text, strlen(text));
}
