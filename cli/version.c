/* yeon version. */
#include <stdio.h>

#include <yeon/base.h>

#include "cli.h"

static const struct cli_option no_options[] = {{NULL, NULL, NULL}};

static int run(int argc, char **argv)
{
  struct cli_args args = cli_args_of(&cli_version, argc, argv);
  switch (cli_args_next(&args)) {
  case CLI_ARG_END: printf("yeon %s\n", yeon_version()); return CLI_OK;
  case CLI_ARG_HELP: cli_print_verb(&cli_version); return CLI_OK;
  case CLI_ARG_ERROR: return CLI_USAGE;
  default: return cli_complain("version takes no argument, not '%s' either", args.value);
  }
}

const struct cli_verb cli_version = {
    .name = "version",
    .arguments = "",
    .summary = "which yeon this is",
    .details = "",
    .options = no_options,
    .run = run,
};
