/* yeon ss: the sockets of all hosts of a running lab, both ends of each connection side by side. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <yeon/lab.h>

#include "cli.h"

#define WIDE 96 /* when the output is no terminal */

static const struct cli_option options[] = {
    {"--lab", "NAME", "which lab (default)"},
    {"--json", NULL, "one object a socket; \"peer\" is the index of the other end"},
    {"-t", NULL, "TCP only"},
    {"-u", NULL, "UDP only"},
    {"-l", NULL, "listening sockets only"},
    {NULL, NULL, NULL},
};

static char *word_of(const char *option)
{
  static char json[] = "json", tcp[] = "tcp", udp[] = "udp", listening[] = "listening";
  if (strcmp(option, "--json") == 0) return json;
  if (strcmp(option, "-t") == 0) return tcp;
  return strcmp(option, "-u") == 0 ? udp : listening;
}

static int run(int argc, char **argv)
{
  struct cli_screen screen = cli_screen_of_stdout();
  struct cli_args args = cli_args_of(&cli_ss, argc, argv);
  const char *lab = NULL;
  char verb[] = "ss", width[] = "width", colour[] = "colour", columns[16];
  char *words[12] = {verb, width, columns};
  size_t n = 3;
  enum cli_arg kind;
  snprintf(columns, sizeof columns, "%u", screen.terminal ? screen.width : WIDE);
  if (screen.colour) words[n++] = colour;
  while ((kind = cli_args_next(&args)) != CLI_ARG_END) {
    if (kind == CLI_ARG_ERROR) return CLI_USAGE;
    if (kind == CLI_ARG_HELP) {
      cli_print_verb(&cli_ss);
      return CLI_OK;
    }
    if (kind == CLI_ARG_PLAIN) return cli_complain("ss takes no argument, not '%s' either", args.value);
    if (strcmp(args.name, "--lab") == 0) lab = args.value;
    else if (n < sizeof words / sizeof words[0]) words[n++] = word_of(args.name);
  }
  int status = yeon_lab_ask(lab, n, words, stdout);
  return status >= 0 ? status : cli_no_lab(lab, errno);
}

const struct cli_verb cli_ss = {
    .name = "ss",
    .arguments = "",
    .summary = "sockets of a running lab, both ends side by side",
    .details = "Queues are written stack+pair/limit: bytes in the stack, bytes between it and the\n"
               "program, the stack's limit. HALF-OPEN: one end believes in a connection of which the\n"
               "other host knows nothing.",
    .options = options,
    .run = run,
};
