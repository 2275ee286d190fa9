/* yeon lab --live: hosts and a cable in real time, for programs started with `yeon run`. */
#include <string.h>

#include <yeon/lab.h>
#include <yeon/tcp.h>

#include "cli.h"

static const struct cli_option options[] = {
    {"--name", "NAME", "what this lab is called (default), for several side by side"},
    {"--log", "FILE", "what is worth telling, to a file instead of standard error"},
    {"--profile", "P", "of TCP: linux, freebsd, windows, lecture"},
    {"--quiet", NULL, "do not say that it is ready"},
    {NULL, NULL, NULL},
};

static const struct cli_verb live = {
    .name = "lab --live",
    .arguments = "",
    .summary = "hosts and a cable in real time, until Ctrl-C",
    .details = "The hosts are client (10.0.0.1, fd00::1) and server (10.0.0.2, fd00::2), joined by one\n"
               "cable. `yeon run` puts programs on them; `yeon cable` cuts, slows and spoils the cable.",
    .options = options,
    .run = cli_live,
};

int cli_live(int argc, char **argv)
{
  struct yeon_lab_config config = {.owner_fd = -1};
  struct cli_args args = cli_args_of(&live, argc, argv);
  enum cli_arg kind;
  while ((kind = cli_args_next(&args)) != CLI_ARG_END) {
    if (kind == CLI_ARG_ERROR) return CLI_USAGE;
    if (kind == CLI_ARG_HELP) {
      cli_print_verb(&live);
      return CLI_OK;
    }
    if (kind == CLI_ARG_PLAIN) return cli_complain("a live lab takes no argument, not '%s' either", args.value);
    if (strcmp(args.name, "--name") == 0) config.name = args.value;
    if (strcmp(args.name, "--log") == 0) config.log_path = args.value;
    if (strcmp(args.name, "--profile") == 0) config.profile = args.value;
    if (strcmp(args.name, "--quiet") == 0) config.quiet = true;
  }
  if (config.profile != NULL && yeon_profile_find(config.profile) < 0)
    return cli_complain("there is no profile '%s': linux, freebsd, windows or lecture", config.profile);
  return yeon_lab_serve(&config);
}
