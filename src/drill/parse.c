/* A script from its top: settings ("--tolerance_usecs=10000"), an initial command, then events. */
#include <ctype.h>
#include <string.h>

#include "drill/scan.h"

static struct drill_setting **setting_tail(struct drill_setting **list)
{
  while (*list != NULL) list = &(*list)->next;
  return list;
}

static void add_setting(struct drill_scan *s, struct drill_setting **list, const char *name, const char *value)
{
  struct drill_setting *d = drill_alloc(&s->script->arena, sizeof *d);
  d->name = name;
  d->value = value;
  d->line = s->line;
  *setting_tail(list) = d;
}

void drill_define(struct drill_script *script, const char *name, size_t name_len, const char *value)
{
  struct drill_setting *d = drill_alloc(&script->arena, sizeof *d);
  d->name = drill_text(&script->arena, name, name_len);
  d->value = drill_text(&script->arena, value, strlen(value));
  *setting_tail(&script->defines) = d;
}

static const char *setting_value(struct drill_scan *s)
{
  if (!scan_accept(s, '"')) return scan_run(s);
  const char *from = s->p;
  while (s->p < s->end && *s->p != '"') s->p++;
  const char *value = drill_text(&s->script->arena, from, (size_t)(s->p - from));
  scan_expect(s, '"');
  return value;
}

/* --define=NAME=VALUE, --define NAME=VALUE */
static void parse_define(struct drill_scan *s)
{
  scan_accept(s, '=');
  const char *name = scan_word(s);
  if (name == NULL) {
    scan_fail(s, "--define=NAME=VALUE");
    return;
  }
  scan_expect(s, '=');
  add_setting(s, &s->script->defines, name, setting_value(s));
}

static void parse_settings(struct drill_scan *s)
{
  while (scan_accept_text(s, "--")) {
    const char *name = scan_word(s);
    if (name == NULL) {
      scan_fail(s, "which setting?");
      return;
    }
    if (strcmp(name, "define") == 0)
      parse_define(s);
    else
      add_setting(s, &s->script->settings, name, s->p < s->end && *s->p == '=' ? (s->p++, setting_value(s)) : NULL);
  }
}

static void define_usual(struct drill_script *script)
{
  bool six = script->six;
  for (const struct drill_setting *d = script->settings; d != NULL; d = d->next)
    if (strcmp(d->name, "ip_version") == 0 && d->value != NULL) six = strcmp(d->value, "ipv6") == 0;
  for (unsigned i = 0; i < DRILL_USUAL; i++) {
    const char *const *usual = script->usual[i][six];
    if (usual != NULL) drill_define(script, usual[0], strlen(usual[0]), usual[1]);
  }
}

/* Text up to its closing mark, which is taken. */
static const char *quoted_text(struct drill_scan *s, const char *close)
{
  const char *from = s->p;
  size_t n = strlen(close);
  while ((size_t)(s->end - s->p) >= n && strncmp(s->p, close, n) != 0) {
    if (*s->p == '\n') s->line++;
    s->p++;
  }
  if ((size_t)(s->end - s->p) < n) {
    scan_fail(s, "%s is missing", close);
    return "";
  }
  const char *text = drill_text(&s->script->arena, from, (size_t)(s->p - from));
  s->p += n;
  return text;
}

/* "+0", "0.1", "*", "1~2", "+1~+2", "+1~2". */
static void parse_time(struct drill_scan *s, struct drill_event *e)
{
  if (scan_accept(s, '*')) {
    e->when = DRILL_ANY_TIME;
    return;
  }
  e->when = scan_accept(s, '+') ? DRILL_RELATIVE : DRILL_ABSOLUTE;
  e->at = scan_seconds(s);
  if (!scan_accept(s, '~')) return;
  e->range = true;
  scan_accept(s, '+');
  e->until = scan_seconds(s);
  if (!s->failed && e->until < e->at) scan_fail(s, "the range of time ends before it begins");
}

static const char *source_line(struct drill_scan *s, const char *from)
{
  while (from > s->start && from[-1] != '\n') from--;
  while (from < s->end && (*from == ' ' || *from == '\t')) from++;
  const char *to = from;
  while (to < s->end && *to != '\n') to++;
  while (to > from && isspace((unsigned char)to[-1])) to--;
  return drill_text(&s->script->arena, from, (size_t)(to - from));
}

static void parse_action(struct drill_scan *s, struct drill_event *e)
{
  bool ends_later = scan_accept_text(s, "...");
  yeon_time end = ends_later ? scan_seconds(s) : 0;
  if (!ends_later && (scan_peek(s, '<') || scan_peek(s, '>'))) {
    e->kind = DRILL_PACKET_EVENT;
    e->packet = parse_packet(s);
  } else if (!ends_later && scan_accept(s, '`')) {
    e->kind = DRILL_SHELL_EVENT;
    e->text = quoted_text(s, "`");
  } else if (!ends_later && scan_accept_text(s, "%{")) {
    e->kind = DRILL_CODE_EVENT;
    e->text = quoted_text(s, "}%");
  } else {
    e->kind = DRILL_CALL_EVENT;
    e->call = parse_call(s);
    e->call->blocks = ends_later;
    e->call->end = end;
  }
}

static struct drill_event *parse_event(struct drill_scan *s)
{
  struct drill_event *e = drill_alloc(&s->script->arena, sizeof *e);
  scan_blank(s);
  e->line = s->line;
  e->source = source_line(s, s->p);
  if (scan_accept(s, '`')) { /* before the first event, and after the last */
    e->kind = DRILL_SHELL_EVENT;
    e->when = DRILL_RELATIVE;
    e->text = quoted_text(s, "`");
    return e;
  }
  parse_time(s, e);
  if (!s->failed) parse_action(s, e);
  return e;
}

static bool known_symbol(const struct drill_scan *s, const char *word, size_t n, const char *profile)
{
  static const char *const of_linux[] = {"linux", "__linux__", "LINUX"}, *const of_freebsd[] = {"freebsd",
                                                                                                "__FreeBSD__",
                                                                                                "FREEBSD"};
  bool linux = strcmp(profile, "linux") == 0, freebsd = strcmp(profile, "freebsd") == 0;
  for (unsigned i = 0; i < 3; i++) {
    if (linux && strlen(of_linux[i]) == n && strncmp(word, of_linux[i], n) == 0) return true;
    if (freebsd && strlen(of_freebsd[i]) == n && strncmp(word, of_freebsd[i], n) == 0) return true;
  }
  for (const struct drill_setting *d = s->script->defines; d != NULL; d = d->next)
    if (strlen(d->name) == n && strncmp(word, d->name, n) == 0) return true;
  return false;
}

/* One "#if..." line against the state of the nest: bit n of `off` is set when depth n is left out. */
struct conditions {
  unsigned depth;
  uint32_t off;
};

static void directive(const struct drill_scan *s, const char *line, size_t n, const char *profile, struct conditions *c)
{
  size_t word = 0;
  while (word < n && isalpha((unsigned char)line[word])) word++;
  size_t arg = word;
  while (arg < n && line[arg] == ' ') arg++;
  size_t arg_end = arg;
  while (arg_end < n && (isalnum((unsigned char)line[arg_end]) || line[arg_end] == '_')) arg_end++;
  bool ifdef = word == 5 && strncmp(line, "ifdef", 5) == 0, ifndef = word == 6 && strncmp(line, "ifndef", 6) == 0;
  if ((ifdef || ifndef) && c->depth < 31) {
    c->depth++;
    bool known = known_symbol(s, line + arg, arg_end - arg, profile);
    c->off = (c->off & ~(1u << c->depth)) | (known != ifdef ? 1u << c->depth : 0);
  } else if (word == 4 && strncmp(line, "else", 4) == 0 && c->depth > 0) {
    c->off ^= 1u << c->depth;
  } else if (word == 5 && strncmp(line, "endif", 5) == 0 && c->depth > 0) {
    c->off &= ~(1u << c->depth);
    c->depth--;
  }
}

/* Leaves blanks where a condition does not hold, so that line numbers stay. */
static char *apply_conditions(const struct drill_scan *s, const char *text, size_t len, const char *profile)
{
  struct conditions c = {0, 0};
  char *copy = drill_text(&s->script->arena, text, len);
  for (size_t at = 0; at < len;) {
    size_t end = at;
    while (end < len && copy[end] != '\n') end++;
    bool is_directive = copy[at] == '#' && (strncmp(copy + at, "#if", 3) == 0 || strncmp(copy + at, "#e", 2) == 0);
    if (is_directive) directive(s, copy + at + 1, end - at - 1, profile, &c);
    if (is_directive || c.off != 0) memset(copy + at, ' ', end - at);
    at = end + 1;
  }
  return copy;
}

bool drill_parse(struct drill_script *script, const char *path, const char *text, size_t len, const char *profile_name)
{
  struct drill_scan s = {.script = script, .line = 1};
  struct drill_event **tail = &script->events;
  script->path = path;
  s.start = s.p = apply_conditions(&s, text, len, profile_name);
  s.end = s.p + len;
  parse_settings(&s);
  define_usual(script);
  while (!scan_at_end(&s)) {
    *tail = parse_event(&s);
    tail = &(*tail)->next;
  }
  if (!s.failed && script->events == NULL) scan_fail(&s, "no event in it");
  return !s.failed;
}
