/* Arguments of a verb, and what every verb says of them. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

#define OPTIONS_MAX 32

int cli_complain(const char *format, ...)
{
  va_list args;
  fflush(stdout);
  fputs("yeon: ", stderr);
  va_start(args, format);
  vfprintf(stderr, format, args);
  va_end(args);
  fputc('\n', stderr);
  return CLI_USAGE;
}

const struct cli_verb *cli_find_verb(const char *name)
{
  for (size_t i = 0; cli_verbs[i] != NULL; i++)
    if (strcmp(cli_verbs[i]->name, name) == 0) return cli_verbs[i];
  return NULL;
}

struct cli_args cli_args_of(const struct cli_verb *verb, int argc, char **argv)
{
  return (struct cli_args){.verb = verb, .argc = argc, .next = 1, .argv = argv};
}

static const struct cli_option *find_option(const struct cli_verb *verb, const char *name, size_t len)
{
  for (const struct cli_option *o = verb->options; o->name != NULL; o++)
    if (strlen(o->name) == len && strncmp(o->name, name, len) == 0) return o;
  return NULL;
}

static enum cli_arg unknown_option(const struct cli_args *args, const char *word)
{
  const char *names[OPTIONS_MAX];
  size_t n = 0;
  for (const struct cli_option *o = args->verb->options; o->name != NULL && n < OPTIONS_MAX; o++) names[n++] = o->name;
  const char *nearest = cli_nearest(word, names, n);
  if (nearest != NULL)
    cli_complain("%s has no option '%s'. Did you mean '%s'?", args->verb->name, word, nearest);
  else
    cli_complain("%s has no option '%s'. `yeon %s --help` lists them", args->verb->name, word, args->verb->name);
  return CLI_ARG_ERROR;
}

enum cli_arg cli_args_next(struct cli_args *args)
{
  if (args->next >= args->argc) return CLI_ARG_END;
  char *word = args->argv[args->next++];
  args->value = word;
  if (args->plain_only || word[0] != '-' || word[1] == '\0') return CLI_ARG_PLAIN;
  if (strcmp(word, "--") == 0) {
    args->plain_only = true;
    return cli_args_next(args);
  }
  if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) return CLI_ARG_HELP;
  const char *equals = strchr(word, '=');
  const struct cli_option *option =
      find_option(args->verb, word, equals != NULL ? (size_t)(equals - word) : strlen(word));
  if (option == NULL) return unknown_option(args, word);
  args->name = option->name;
  args->value = equals != NULL ? equals + 1 : NULL;
  if (option->value == NULL && equals != NULL) {
    cli_complain("%s takes no value", option->name);
    return CLI_ARG_ERROR;
  }
  if (option->value == NULL || equals != NULL) return CLI_ARG_OPTION;
  if (args->next >= args->argc) {
    cli_complain("%s needs a value: %s %s", option->name, option->name, option->value);
    return CLI_ARG_ERROR;
  }
  args->value = args->argv[args->next++];
  return CLI_ARG_OPTION;
}

bool cli_number(const struct cli_args *args, uint64_t low, uint64_t high, uint64_t *out)
{
  char *end = NULL;
  errno = 0;
  unsigned long long value = strtoull(args->value, &end, 10);
  bool digits = args->value[0] >= '0' && args->value[0] <= '9' && *end == '\0' && errno == 0;
  if (digits && value >= low && value <= high) {
    *out = value;
    return true;
  }
  cli_complain("%s wants a number from %llu to %llu, not '%s'", args->name, (unsigned long long)low,
               (unsigned long long)high, args->value);
  return false;
}
