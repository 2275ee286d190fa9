/* yeon help, and `yeon VERB --help`. */
#include <stdio.h>
#include <string.h>

#include "cli.h"

static const struct cli_option no_options[] = {{NULL, NULL, NULL}};

void cli_print_verb(const struct cli_verb *verb)
{
  bool options = verb->options->name != NULL;
  printf("yeon %s%s%s%s: %s\n", verb->name, options ? " [OPTIONS]" : "", verb->arguments[0] != '\0' ? " " : "",
         verb->arguments, verb->summary);
  if (options) putchar('\n');
  for (const struct cli_option *o = verb->options; o->name != NULL; o++) {
    char name[40];
    snprintf(name, sizeof name, "%s%s%s", o->name, o->value != NULL ? " " : "", o->value != NULL ? o->value : "");
    printf("  %-18s %s\n", name, o->help);
  }
  if (verb->details[0] != '\0') printf("\n%s\n", verb->details);
}

static void print_all(void)
{
  puts("yeon: a TCP/UDP/IP stack that runs in an ordinary process, and tools on it.\n");
  puts("usage: yeon VERB [ARGUMENTS]\n");
  for (size_t i = 0; cli_verbs[i] != NULL; i++) printf("  %-8s %s\n", cli_verbs[i]->name, cli_verbs[i]->summary);
  puts("\n`yeon VERB --help` tells more of one verb. A good beginning: `yeon tour`.");
}

static int run(int argc, char **argv)
{
  if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
    print_all();
    return CLI_OK;
  }
  if (argc > 2) return cli_complain("help tells of one verb at a time: '%s' or '%s'?", argv[1], argv[2]);
  const struct cli_verb *verb = cli_find_verb(argv[1]);
  if (verb == NULL) {
    const char *names[32];
    size_t n = 0;
    for (; cli_verbs[n] != NULL; n++) names[n] = cli_verbs[n]->name;
    const char *nearest = cli_nearest(argv[1], names, n);
    if (nearest == NULL) return cli_complain("there is no verb '%s'. `yeon help` lists what there is", argv[1]);
    return cli_complain("there is no verb '%s'. Did you mean 'yeon help %s'?", argv[1], nearest);
  }
  cli_print_verb(verb);
  return CLI_OK;
}

const struct cli_verb cli_help = {
    .name = "help",
    .arguments = "[VERB]",
    .summary = "what there is, or all of one verb",
    .details = "",
    .options = no_options,
    .run = run,
};
