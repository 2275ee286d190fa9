/* yeon cable: commands to the cable of a running lab. */
#include <errno.h>
#include <string.h>

#include <yeon/lab.h>

#include "cli.h"

#define WORDS 62

static const struct cli_option options[] = {
    {"--lab", "NAME", "which lab (default)"},
    {NULL, NULL, NULL},
};

static int run(int argc, char **argv)
{
  struct cli_args args = cli_args_of(&cli_cable, argc, argv);
  const char *lab = NULL;
  char verb[] = "cable";
  char *words[WORDS + 2] = {verb};
  size_t n = 1;
  enum cli_arg kind;
  while ((kind = cli_args_next(&args)) != CLI_ARG_END) {
    if (kind == CLI_ARG_ERROR) return CLI_USAGE;
    if (kind == CLI_ARG_HELP) {
      cli_print_verb(&cli_cable);
      return CLI_OK;
    }
    if (kind == CLI_ARG_OPTION) lab = args.value;
    else if (n <= WORDS) words[n++] = args.argv[args.next - 1];
    else return cli_complain("too many words");
  }
  int status = yeon_lab_ask(lab, n, words, stdout);
  if (status >= 0) return status;
  return cli_complain("lab '%s': %s. `yeon lab --live` starts one", lab != NULL ? lab : "default", strerror(errno));
}

const struct cli_verb cli_cable = {
    .name = "cable",
    .arguments = "show|cut|join|set ...",
    .summary = "cut, join and spoil the cable of a running lab",
    .details = "  yeon cable show\n"
               "  yeon cable cut            both ways, until joined\n"
               "  yeon cable cut 5s         joins again by itself\n"
               "  yeon cable cut from client 2s\n"
               "  yeon cable join\n"
               "  yeon cable set delay 40ms jitter 5ms rate 10mbit queue 64KB loss 1%\n"
               "  yeon cable set from server reorder 1% duplicate 1% corrupt 0.1%\n"
               "  yeon cable set perfect",
    .options = options,
    .run = run,
};
