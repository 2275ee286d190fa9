/* Expressions, and the calls they are arguments of. */
#include <string.h>

#include "drill/scan.h"

#define NESTED_MOST 64 /* brackets in brackets: more is no script, and would use up the stack */

static struct drill_value *new_value(struct drill_scan *s, enum drill_value_kind kind)
{
  struct drill_value *v = drill_alloc(&s->script->arena, sizeof *v);
  v->kind = kind;
  return v;
}

static char escaped(char c)
{
  switch (c) {
  case 'n': return '\n';
  case 't': return '\t';
  case 'r': return '\r';
  case '0': return 0;
  default: return c;
  }
}

static int hex_digit(char c)
{
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* The inside of a string up to its quote. */
static void read_string(struct drill_scan *s, char *out, size_t *n)
{
  int began = s->line;
  while (s->p < s->end && *s->p != '"') {
    if (s->end - s->p > 3 && s->p[0] == '\\' && s->p[1] == 'x' && hex_digit(s->p[2]) >= 0 && hex_digit(s->p[3]) >= 0) {
      out[(*n)++] = (char)(hex_digit(s->p[2]) * 16 + hex_digit(s->p[3]));
      s->p += 4;
    } else if (s->end - s->p > 1 && s->p[0] == '\\') {
      out[(*n)++] = escaped(s->p[1]);
      s->p += 2;
    } else {
      if (*s->p == '\n') s->line++;
      out[(*n)++] = *s->p++;
    }
  }
  if (s->p < s->end) {
    s->p++;
    return;
  }
  s->line = began;
  scan_fail(s, "a string does not end");
}

/* Strings side by side are one. */
static struct drill_value *parse_string(struct drill_scan *s)
{
  struct drill_value *v = new_value(s, DRILL_STRING);
  char *text = drill_alloc(&s->script->arena, (size_t)(s->end - s->p) < 4096 ? (size_t)(s->end - s->p) + 1 : 65536);
  size_t n = 0;
  const char *limit = s->p + 60000;
  while (!s->failed && s->p < limit && scan_accept(s, '"')) read_string(s, text, &n);
  v->text = text;
  v->len = n;
  v->more = scan_accept_text(s, "...");
  return v;
}

/* False: one bracket too many. */
static bool open_bracket(struct drill_scan *s)
{
  if (s->depth == NESTED_MOST) scan_fail(s, "nested too deeply");
  s->depth++;
  return !s->failed;
}

/* A word, or name(values). */
static struct drill_value *parse_named(struct drill_scan *s)
{
  struct drill_value *v = new_value(s, DRILL_WORD);
  v->text = scan_word(s);
  if (v->text == NULL) {
    scan_fail(s, "a value is expected here");
    return v;
  }
  if (scan_accept(s, '(')) {
    unsigned n;
    v->kind = DRILL_CALL;
    v->first = parse_values(s, ')', &n);
  }
  return v;
}

static void replace_defined(struct drill_scan *s, struct drill_value *v)
{
  if (v->text == NULL) return;
  for (const struct drill_setting *d = s->script->defines; d != NULL; d = d->next)
    if (strcmp(d->name, v->text) == 0 && d->value != NULL) v->text = d->value;
}

static struct drill_value *parse_one(struct drill_scan *s)
{
  struct drill_value *v;
  unsigned n;
  if (scan_at_end(s)) {
    scan_fail(s, "a value is expected, and the script ends");
    return new_value(s, DRILL_ELLIPSIS);
  }
  if (scan_accept_text(s, "...")) return new_value(s, DRILL_ELLIPSIS);
  if (*s->p == '"') return parse_string(s);
  if (scan_accept(s, '[')) {
    v = new_value(s, DRILL_LIST);
    v->first = parse_values(s, ']', &n);
    v->number = n;
    return v;
  }
  if (scan_accept(s, '{')) {
    v = new_value(s, DRILL_STRUCT);
    v->first = parse_values(s, '}', &n);
    v->number = n;
    return v;
  }
  if (scan_accept(s, '(')) {
    v = open_bracket(s) ? parse_value(s) : new_value(s, DRILL_ELLIPSIS);
    s->depth--;
    scan_expect(s, ')');
    return v;
  }
  if (scan_digit(s) || *s->p == '-') {
    v = new_value(s, DRILL_NUMBER);
    v->number = scan_integer(s);
    return v;
  }
  v = parse_named(s);
  replace_defined(s, v);
  return v;
}

/* v, or the choice between it and what follows '|'. */
static struct drill_value *parse_choice(struct drill_scan *s, struct drill_value *v)
{
  if (!scan_peek(s, '|')) return v;
  struct drill_value *both = new_value(s, DRILL_OR);
  struct drill_value **tail = &v->next;
  both->first = v;
  while (!s->failed && scan_accept(s, '|')) {
    *tail = parse_one(s);
    tail = &(*tail)->next;
  }
  return both;
}

struct drill_value *parse_value(struct drill_scan *s) { return parse_choice(s, parse_one(s)); }

/* "name=value", "name(count)=value", or a value. A name is one only before '=', but what stands before it is read once: reading it again as a value
 * would take twice as long with every bracket. */
static struct drill_value *parse_member(struct drill_scan *s)
{
  struct drill_scan before = *s;
  bool word = scan_word(s) != NULL;
  *s = before;
  if (!word) return parse_value(s);
  struct drill_value *head = parse_named(s);
  if (!s->failed && scan_accept(s, '=')) {
    struct drill_value *v = parse_value(s);
    v->name = head->text;
    v->count = head->first;
    return v;
  }
  replace_defined(s, head);
  return parse_choice(s, head);
}

struct drill_value *parse_values(struct drill_scan *s, char close, unsigned *count)
{
  struct drill_value *first = NULL, **tail = &first;
  *count = 0;
  if (scan_accept(s, close)) return NULL;
  bool more = open_bracket(s);
  while (more) {
    if (*count > 0 && scan_peek(s, close)) break; /* a comma too many */
    *tail = parse_member(s);
    tail = &(*tail)->next;
    ++*count;
    more = !s->failed && scan_accept(s, ',');
  }
  s->depth--;
  scan_expect(s, close);
  return first;
}

/* "(Connection refused)": for people. */
static void skip_note(struct drill_scan *s)
{
  if (!scan_accept(s, '(')) return;
  while (s->p < s->end && *s->p != ')' && *s->p != '\n') s->p++;
  scan_expect(s, ')');
}

struct drill_call *parse_call(struct drill_scan *s)
{
  struct drill_call *c = drill_alloc(&s->script->arena, sizeof *c);
  c->name = scan_word(s);
  if (c->name == NULL) {
    scan_fail(s, "neither a packet, a call, a command nor code");
    return c;
  }
  scan_expect(s, '(');
  if (s->failed) return c;
  c->args = parse_values(s, ')', &c->n_args);
  scan_expect(s, '=');
  if (s->failed) return c;
  c->result = parse_value(s);
  c->error = scan_word(s);
  skip_note(s);
  return c;
}
