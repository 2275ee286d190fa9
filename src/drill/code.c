/* Code between %{ and }%: as much of Python as assertions about tcp_info are written in. Statements: assert, print,
 * assignments. Expressions: numbers, names, arithmetic, comparisons (also chained), and, or, not, parentheses. Text
 * is understood where it is only told to people. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drill/run.h"

#define STEPS_MOST 2000

struct drill_variable {
  struct drill_variable *next;
  const char *name;
  double value;
};

#define NESTED_MOST 100 /* more is no assertion, and would use up the stack */

struct code {
  struct drill_run *r;
  const char *p, *start;
  bool stuck; /* more Python than is understood */
  unsigned depth;
  unsigned nested; /* signs, "not" and brackets within one another */
  unsigned steps; /* of the statement: no assertion takes many, and recursion is to end */
};

static double parse_or(struct code *c);

static void skip_space(struct code *c)
{
  while (*c->p == ' ' || *c->p == '\t' || *c->p == '\r' || (*c->p == '\n' && c->depth > 0) ||
         (*c->p == '\\' && (c->p[1] == '\n' || c->p[1] == ' ' || c->p[1] == 0)))
    c->p++;
}

static bool take(struct code *c, const char *text)
{
  size_t n = strlen(text);
  skip_space(c);
  if (strncmp(c->p, text, n) != 0) return false;
  if (isalpha((unsigned char)text[0]) && (isalnum((unsigned char)c->p[n]) || c->p[n] == '_')) return false;
  c->p += n;
  return true;
}

static bool is_name(char ch) { return isalnum((unsigned char)ch) || ch == '_'; }

static const char *read_name(struct code *c)
{
  skip_space(c);
  const char *from = c->p;
  if (!isalpha((unsigned char)*from) && *from != '_') return NULL;
  while (is_name(*c->p)) c->p++;
  return drill_text(c->r->arena, from, (size_t)(c->p - from));
}

static struct drill_variable *find_variable(struct code *c, const char *name)
{
  for (struct drill_variable *v = c->r->variables; v != NULL; v = v->next)
    if (strcmp(v->name, name) == 0) return v;
  return NULL;
}

static double name_value(struct code *c, const char *name)
{
  double value = 0;
  int64_t number;
  const struct drill_variable *v = find_variable(c, name);
  if (v != NULL) return v->value;
  if (strcmp(name, "True") == 0) return 1;
  if (strcmp(name, "False") == 0 || strcmp(name, "None") == 0) return 0;
  if (info_value(c->r, name, &value)) return value;
  if (symbol_value(c->r, name, &number)) return (double)number;
  c->stuck = true;
  return 0;
}

/* A text, which counts for nothing. */
static void skip_text(struct code *c)
{
  char quote = *c->p++;
  while (*c->p != 0 && *c->p != quote) c->p += *c->p == '\\' && c->p[1] != 0 ? 2 : 1;
  if (*c->p == quote) c->p++;
}

/* Reads with `rule`, one level further down. */
static double parse_within(struct code *c, double (*rule)(struct code *))
{
  if (c->nested == NESTED_MOST) {
    c->stuck = true;
    c->p += strlen(c->p);
    return 0;
  }
  c->nested++;
  double v = rule(c);
  c->nested--;
  return v;
}

/* For what is done with whole numbers only. */
static int64_t integer(struct code *c, double v)
{
  if (v > -0x1p63 && v < 0x1p63) return (int64_t)v;
  c->stuck = true;
  return 0;
}

static double call_function(struct code *c, const char *name)
{
  double args[4] = {0, 0, 0, 0};
  unsigned n = 0;
  c->depth++;
  while (!take(c, ")") && !c->stuck && n < 4) {
    args[n++] = parse_within(c, parse_or);
    take(c, ",");
  }
  c->depth--;
  if (strcmp(name, "abs") == 0 && n == 1) return args[0] < 0 ? -args[0] : args[0];
  if (strcmp(name, "int") == 0 && n == 1) return (double)integer(c, args[0]);
  if (strcmp(name, "float") == 0 && n == 1) return args[0];
  if (strcmp(name, "min") == 0 && n >= 2) return args[0] < args[1] ? args[0] : args[1];
  if (strcmp(name, "max") == 0 && n >= 2) return args[0] > args[1] ? args[0] : args[1];
  if (strcmp(name, "str") == 0) return 0;
  c->stuck = true;
  return 0;
}

static double parse_atom(struct code *c)
{
  skip_space(c);
  if (isdigit((unsigned char)*c->p) || (*c->p == '.' && isdigit((unsigned char)c->p[1]))) {
    char *end;
    double v = strtod(c->p, &end);
    c->p = end;
    return v;
  }
  if (*c->p == '"' || *c->p == '\'') {
    skip_text(c);
    return 0;
  }
  if (take(c, "(")) {
    c->depth++;
    double v = parse_within(c, parse_or);
    while (take(c, ",") && !c->stuck) (void)parse_within(c, parse_or); /* a tuple, for a text */
    if (!take(c, ")")) c->stuck = true;
    c->depth--;
    return v;
  }
  const char *name = read_name(c);
  if (name == NULL) {
    c->stuck = true;
    return 0;
  }
  if (*c->p == '(') {
    c->p++;
    return call_function(c, name);
  }
  if (*c->p == '.' || *c->p == '[') c->stuck = true;
  return c->stuck ? 0 : name_value(c, name);
}

static double parse_unary(struct code *c)
{
  if (++c->steps > STEPS_MOST) c->stuck = true;
  if (c->stuck) return 0;
  if (take(c, "-")) return -parse_within(c, parse_unary);
  if (take(c, "+")) return parse_within(c, parse_unary);
  if (take(c, "~")) return (double)~integer(c, parse_within(c, parse_unary));
  return parse_atom(c);
}

static double divide(struct code *c, double a, double b, bool whole, bool rest)
{
  if (b == 0) {
    c->stuck = true;
    return 0;
  }
  int64_t quotient = integer(c, a / b);
  if ((double)quotient > a / b && quotient > INT64_MIN) quotient--; /* towards minus infinity */
  if (rest) return a - b * (double)quotient;
  return whole ? (double)quotient : a / b;
}

static double parse_product(struct code *c)
{
  double v = parse_unary(c);
  for (;;) {
    skip_space(c);
    if (take(c, "//"))
      v = divide(c, v, parse_unary(c), true, false);
    else if (*c->p == '*' && take(c, "*"))
      v *= parse_unary(c);
    else if (take(c, "/"))
      v = divide(c, v, parse_unary(c), false, false);
    else if (take(c, "%")) {
      bool text = c->p - c->start > 2 && strchr("'\"", *(c->p - 2)) != NULL;
      double b = parse_unary(c);
      if (!text && c->p > c->start) v = b == 0 ? 0 : divide(c, v, b, false, true);
    } else
      return v;
  }
}

static double parse_sum(struct code *c)
{
  double v = parse_product(c);
  for (;;) {
    if (take(c, "+"))
      v += parse_product(c);
    else if (take(c, "-"))
      v -= parse_product(c);
    else
      return v;
  }
}

static double parse_shift(struct code *c)
{
  double v = parse_sum(c);
  for (;;) {
    if (take(c, "<<"))
      v = (double)(int64_t)((uint64_t)integer(c, v) << (integer(c, parse_sum(c)) & 63));
    else if (take(c, ">>"))
      v = (double)(integer(c, v) >> (integer(c, parse_sum(c)) & 63));
    else
      return v;
  }
}

static double parse_bits(struct code *c)
{
  double v = parse_shift(c);
  for (;;) {
    if (take(c, "&"))
      v = (double)(integer(c, v) & integer(c, parse_shift(c)));
    else if (take(c, "|"))
      v = (double)(integer(c, v) | integer(c, parse_shift(c)));
    else if (take(c, "^"))
      v = (double)(integer(c, v) ^ integer(c, parse_shift(c)));
    else
      return v;
  }
}

static double parse_comparison(struct code *c)
{
  double left = parse_bits(c), right;
  bool all = true, any = false;
  for (;; any = true, left = right) {
    if (take(c, "=="))
      right = parse_bits(c), all &= left == right;
    else if (take(c, "!="))
      right = parse_bits(c), all &= left != right;
    else if (take(c, "<="))
      right = parse_bits(c), all &= left <= right;
    else if (take(c, ">="))
      right = parse_bits(c), all &= left >= right;
    else if (take(c, "<"))
      right = parse_bits(c), all &= left < right;
    else if (take(c, ">"))
      right = parse_bits(c), all &= left > right;
    else
      return any ? (double)all : left;
  }
}

static double parse_not(struct code *c)
{
  if (++c->steps > STEPS_MOST) c->stuck = true;
  if (c->stuck) return 0;
  return take(c, "not") ? (double)(parse_within(c, parse_not) == 0) : parse_comparison(c);
}

static double parse_and(struct code *c)
{
  double v = parse_not(c);
  while (take(c, "and")) {
    double right = parse_not(c);
    v = v != 0 ? right : v;
  }
  return v;
}

static double parse_or(struct code *c)
{
  double v = parse_and(c);
  while (!c->stuck && take(c, "or")) {
    double right = parse_and(c);
    v = v != 0 ? v : right;
  }
  return v;
}

/* The names in a piece of code that have a number, each with it: what happened. */
static const char *values_in(struct code *c, const char *from, size_t len)
{
  const char *out = "";
  for (size_t i = 0; i < len; i++) {
    size_t n = 0;
    if ((i > 0 && is_name(from[i - 1])) || strncmp(from + i, "tcpi_", 5) != 0) continue;
    while (i + n < len && is_name(from[i + n])) n++;
    const char *name = drill_text(c->r->arena, from + i, n);
    double v = name_value(c, name);
    if (strstr(out, name) == NULL)
      out = drill_format(c->r->arena, "%s%s%s = %.15g", out, out[0] != 0 ? ", " : "", name, v);
  }
  return out;
}

static const char *trimmed(struct code *c, const char *from)
{
  size_t n = (size_t)(c->p - from);
  while (n > 0 && isspace((unsigned char)*from)) from++, n--;
  while (n > 0 && isspace((unsigned char)from[n - 1])) n--;
  return drill_text(c->r->arena, from, n);
}

static void run_assert(struct code *c)
{
  const char *from = c->p;
  double v = parse_or(c);
  const char *text = trimmed(c, from);
  if (!c->stuck && !c->r->over && v == 0)
    drill_differ(c->r, "the assertion does not hold", text, values_in(c, text, strlen(text)));
  if (take(c, ",")) (void)parse_or(c);
}

static void set_variable(struct code *c, const char *name, double value)
{
  struct drill_variable *v = find_variable(c, name);
  if (v == NULL) {
    v = drill_alloc(c->r->arena, sizeof *v);
    v->name = name;
    v->next = c->r->variables;
    c->r->variables = v;
  }
  v->value = value;
}

static void run_assignment(struct code *c)
{
  const char *name = read_name(c);
  if (name == NULL || strcmp(name, "import") == 0 || strcmp(name, "if") == 0 || strcmp(name, "for") == 0) {
    c->stuck = true;
  } else if (take(c, "+=")) {
    set_variable(c, name, name_value(c, name) + parse_or(c));
  } else if (take(c, "-=")) {
    set_variable(c, name, name_value(c, name) - parse_or(c));
  } else if (take(c, "=") && *c->p != '=') {
    set_variable(c, name, parse_or(c));
  } else {
    c->stuck = true;
  }
}

static void run_statement(struct code *c)
{
  c->steps = 0;
  if (take(c, "assert"))
    run_assert(c);
  else if (take(c, "print"))
    (void)parse_or(c);
  else
    run_assignment(c);
}

/* Comments become blanks. */
static char *without_comments(struct code *c, const char *text)
{
  char *copy = drill_text(c->r->arena, text, strlen(text));
  char quote = 0;
  for (char *p = copy; *p != 0; p++) {
    if (quote != 0)
      quote = *p == quote ? 0 : quote;
    else if (*p == '"' || *p == '\'')
      quote = *p;
    else if (*p == '#')
      while (*p != 0 && *p != '\n') *p++ = ' ';
    if (*p == 0) break;
  }
  return copy;
}

void code_run(struct drill_run *r, const char *text)
{
  struct code c = {.r = r};
  c.start = c.p = without_comments(&c, text);
  world_settle(r);
  for (;;) {
    while (isspace((unsigned char)*c.p) || *c.p == ';' || *c.p == '\\') c.p++;
    if (*c.p == 0 || r->over) return;
    run_statement(&c);
    skip_space(&c);
    if (c.stuck || (*c.p != 0 && *c.p != '\n' && *c.p != ';')) {
      drill_needs(r, "more Python than is understood here");
      return;
    }
  }
}
