/* Expressions as numbers and addresses. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "drill/run.h"

static bool call_value(struct drill_run *r, const struct drill_value *v, int64_t *out)
{
  bool one = v->first != NULL && v->first->next == NULL;
  bool order = strcmp(v->text, "htons") == 0 || strcmp(v->text, "htonl") == 0 || strcmp(v->text, "ntohs") == 0;
  return one && order && value_number(r, v->first, out); /* ports are numbers here, not bytes */
}

bool value_number(struct drill_run *r, const struct drill_value *v, int64_t *out)
{
  int64_t all = 0, n;
  if (v == NULL) return false;
  switch (v->kind) {
  case DRILL_NUMBER: *out = v->number; return true;
  case DRILL_WORD: return symbol_value(r, v->text, out);
  case DRILL_CALL: return call_value(r, v, out);
  case DRILL_LIST: return v->first != NULL && v->first->next == NULL && value_number(r, v->first, out);
  case DRILL_OR:
    for (const struct drill_value *one = v->first; one != NULL; one = one->next) {
      if (!value_number(r, one, &n)) return false;
      all |= n;
    }
    *out = all;
    return true;
  default: return false;
  }
}

struct shown {
  char text[400];
  size_t n;
};

static void add(struct shown *s, const char *text)
{
  size_t n = strlen(text);
  if (n > sizeof s->text - 1 - s->n) n = sizeof s->text - 1 - s->n;
  memcpy(s->text + s->n, text, n);
  s->n += n;
}

static void show(struct shown *s, const struct drill_value *v)
{
  static const char *const open[] = {[DRILL_LIST] = "[", [DRILL_STRUCT] = "{", [DRILL_CALL] = "("};
  static const char *const close[] = {[DRILL_LIST] = "]", [DRILL_STRUCT] = "}", [DRILL_CALL] = ")"};
  char number[32];
  if (v->name != NULL) add(s, v->name), add(s, "=");
  switch (v->kind) {
  case DRILL_NUMBER:
    snprintf(number, sizeof number, "%" PRId64, v->number);
    add(s, number);
    return;
  case DRILL_WORD: add(s, v->text); return;
  case DRILL_STRING: add(s, "\""), add(s, v->text), add(s, "\""); return;
  case DRILL_ELLIPSIS: add(s, "..."); return;
  case DRILL_CALL: add(s, v->text); break;
  default: break;
  }
  bool or = v->kind == DRILL_OR;
  if (! or) add(s, open[v->kind]);
  for (const struct drill_value *one = v->first; one != NULL; one = one->next) {
    show(s, one);
    if (one->next != NULL) add(s, or ? "|" : ", ");
  }
  if (! or) add(s, close[v->kind]);
}

const char *value_show(struct drill_run *r, const struct drill_value *v)
{
  struct shown s = {.n = 0};
  if (v != NULL) show(&s, v);
  return drill_text(r->arena, s.text, s.n);
}

const struct drill_value *value_arg(const struct drill_op *op, unsigned n)
{
  const struct drill_value *v = op->call->args;
  while (v != NULL && n-- > 0) v = v->next;
  return v;
}

int64_t value_arg_number(struct drill_run *r, const struct drill_op *op, unsigned n)
{
  int64_t out = 0;
  const struct drill_value *v = value_arg(op, n);
  if (v == NULL)
    drill_fail(r, "%s has no argument %u", op->call->name, n + 1);
  else if (!value_number(r, v, &out))
    drill_needs(r, "a number for %s, argument %u of %s", value_show(r, v), n + 1, op->call->name);
  return out;
}

const struct drill_value *value_member(const struct drill_value *v, const char *name)
{
  if (v == NULL || v->kind != DRILL_STRUCT) return NULL;
  for (const struct drill_value *m = v->first; m != NULL; m = m->next)
    if (m->name != NULL && strcmp(m->name, name) == 0) return m;
  return NULL;
}

bool value_is_word(const struct drill_value *v, const char *word)
{
  return v != NULL && v->kind == DRILL_WORD && strcmp(v->text, word) == 0;
}

/* inet_addr("192.0.2.1"), INADDR_ANY, inet_pton(...). */
static void host_address(struct drill_run *r, const struct drill_value *v, struct yeon_ip *out)
{
  if (v == NULL || v->kind == DRILL_ELLIPSIS) return;
  if (value_is_word(v, "INADDR_ANY"))
    *out = yeon_ip4(0, 0, 0, 0);
  else if (value_is_word(v, "in6addr_any"))
    *out = (struct yeon_ip){{0}};
  else if (v->kind == DRILL_STRING)
    yeon_ip_parse(v->text, out);
  else
    for (const struct drill_value *one = v->first; one != NULL; one = one->next)
      if (one->kind == DRILL_STRING) host_address(r, one, out);
}

bool value_address(struct drill_run *r, const struct drill_value *v, struct yeon_addr *out)
{
  int64_t port;
  if (v == NULL || v->kind != DRILL_STRUCT) return false;
  const struct drill_value *p = value_member(v, "sin_port"), *a = value_member(v, "sin_addr");
  if (p == NULL) p = value_member(v, "sin6_port");
  if (a == NULL) a = value_member(v, "sin6_addr");
  if (value_number(r, p, &port)) out->port = (uint16_t)port;
  host_address(r, a, &out->ip);
  return true;
}
