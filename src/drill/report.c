/* How a script ends badly: the first thing that went wrong, in words, with the line it stands on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drill/run.h"

static void end(struct drill_run *r, enum yeon_drill_status status, const char *text)
{
  if (r->over) return;
  r->over = true;
  r->result->status = status;
  size_t n = strlen(text) + 1;
  r->result->text = malloc(n);
  if (r->result->text != NULL) memcpy(r->result->text, text, n);
}

static const char *place(struct drill_run *r)
{
  if (r->event == NULL) return drill_format(r->arena, "%s", r->script->path);
  return drill_format(r->arena, "%s:%d", r->script->path, r->event->line);
}

static const char *script_line(struct drill_run *r)
{
  if (r->event == NULL) return "";
  return drill_format(r->arena, "  script    %s\n", r->event->source);
}

void drill_fail(struct drill_run *r, const char *format, ...)
{
  char text[1024];
  va_list args;
  if (r->over) return;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  end(r, YEON_DRILL_FAILED, drill_format(r->arena, "%s: %s\n%s", place(r), text, script_line(r)));
}

void drill_differ(struct drill_run *r, const char *what, const char *expected, const char *happened)
{
  if (r->over) return;
  const char *head = drill_format(r->arena, "%s: %s\n%s", place(r), what, script_line(r));
  end(r, YEON_DRILL_FAILED, drill_format(r->arena, "%s  expected  %s\n  happened  %s\n", head, expected, happened));
}

void drill_needs(struct drill_run *r, const char *format, ...)
{
  char text[512];
  va_list args;
  if (r->over) return;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  end(r, YEON_DRILL_SKIPPED, drill_format(r->arena, "%s: cannot be run: needs %s\n", place(r), text));
}

void drill_trace(struct drill_run *r, const char *format, ...)
{
  va_list args;
  if (r->config->trace == NULL) return;
  fprintf(r->config->trace, "%12.6f ", (double)r->now / (double)YEON_SEC);
  va_start(args, format);
  vfprintf(r->config->trace, format, args);
  va_end(args);
  fputc('\n', r->config->trace);
}
