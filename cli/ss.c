/* yeon ss: the sockets of all hosts of a running lab, both ends of each connection side by side. */
#include <stdio.h>
#include <string.h>

#include <yeon/lab.h>

#include "cli.h"

#define ARGUMENTS 64
#define SHORT "tulanp" /* options that may stand together, as in -tln */

static const struct cli_option options[] = {
    {"--lab", "NAME", "which lab (default)"},
    {"--json", NULL, "one object a socket; \"peer\" is the index of the other end"},
    {"-t", NULL, "TCP only"},
    {"-u", NULL, "UDP only"},
    {"-l", NULL, "listening sockets only, and of UDP those that take from anybody"},
    {"-a", NULL, "as ever: everything is shown anyway"},
    {"-n", NULL, "as ever: addresses and ports are always numbers"},
    {"-p", NULL, "as ever: programs are always shown"},
    {NULL, NULL, NULL},
};

/* What the lab calls it; NULL: it makes no difference. */
static char *word_of(const char *option)
{
  static char json[] = "json", tcp[] = "tcp", udp[] = "udp", listening[] = "listening";
  if (strcmp(option, "--json") == 0) return json;
  if (strcmp(option, "-t") == 0) return tcp;
  if (strcmp(option, "-u") == 0) return udp;
  return strcmp(option, "-l") == 0 ? listening : NULL;
}

/* -tln as -t -l -n. The number of arguments then. */
static int split(int argc, char **argv, char *out[ARGUMENTS])
{
  static char single[sizeof SHORT - 1][3];
  int n = 0;
  for (int i = 0; i < argc && n < ARGUMENTS; i++) {
    const char *letters = argv[i] + 1;
    bool together = i > 0 && argv[i][0] == '-' && strlen(argv[i]) > 2 && strspn(letters, SHORT) == strlen(letters);
    if (!together) out[n++] = argv[i];
    for (; together && *letters != '\0' && n < ARGUMENTS; letters++) {
      char *option = single[strchr(SHORT, *letters) - SHORT];
      option[0] = '-';
      option[1] = *letters;
      out[n++] = option;
    }
  }
  return n;
}

static int run(int argc, char **argv)
{
  struct cli_screen screen = cli_screen_of_stdout();
  char *split_argv[ARGUMENTS];
  struct cli_args args = cli_args_of(&cli_ss, split(argc, argv, split_argv), split_argv);
  const char *lab = NULL;
  char verb[] = "ss", width[] = "width", colour[] = "colour", columns[16];
  char *words[32] = {verb, width, columns};
  size_t n = 3;
  enum cli_arg kind;
  snprintf(columns, sizeof columns, "%u", screen.terminal ? screen.width : 0);
  if (screen.colour) words[n++] = colour;
  while ((kind = cli_args_next(&args)) != CLI_ARG_END) {
    if (kind == CLI_ARG_ERROR) return CLI_USAGE;
    if (kind == CLI_ARG_HELP) {
      cli_print_verb(&cli_ss);
      return CLI_OK;
    }
    if (kind == CLI_ARG_PLAIN) return cli_complain("ss takes no argument, not '%s' either", args.value);
    if (strcmp(args.name, "--lab") == 0) lab = args.value;
    else if (word_of(args.name) != NULL && n < sizeof words / sizeof words[0]) words[n++] = word_of(args.name);
  }
  return cli_ask_lab(lab, n, words);
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
