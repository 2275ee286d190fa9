/* yeon lab --live: hosts and a cable in real time, for programs started with `yeon run`. */
#include <string.h>

#include <yeon/lab.h>
#include <yeon/tcp.h>
#include <yeon/watch.h>

#include "cli.h"
#include "live_plan.h"

static const struct cli_option options[] = {
    {"--name", "NAME", "what this lab is called (default), for several side by side"},
    {"--log", "FILE", "what is worth telling, to a file instead of standard error"},
    {"--profile", "P", "of TCP: linux, freebsd, windows, lecture, yeon"},
    {"--congestion", "NAME", "control of all hosts that name none: newreno, cubic, bbr, copa"},
    {"--tun", "NAME", "a TUN device, joined to a host: the kernel is an end, 10.0.0.254, fd00::fe"},
    {"--tun-host", "HOST", "to which host it is joined (server)"},
    {"--ladder", NULL, "draw what happens on the first cable, to standard output"},
    {"--all", NULL, "every segment and every timer in the ladder: fold nothing"},
    {"--pcap", "FILE", "write every frame to a pcapng file"},
    {"--quiet", NULL, "do not say that it is ready"},
    {NULL, NULL, NULL},
};

static const struct cli_verb live = {
    .name = "lab --live",
    .arguments = "[FILE.lua]",
    .summary = "hosts and a cable in real time, until Ctrl-C",
    .details = "The hosts are client (10.0.0.1, fd00::1) and server (10.0.0.2, fd00::2), joined by one\n"
               "cable, unless FILE.lua says otherwise: hosts(...), cable(a, b, {...}), at(3, function()\n"
               "wire:cut(\"5s\") end). `yeon run` puts programs on them; `yeon cable` cuts, slows and\n"
               "spoils the cable; `yeon ss` shows the sockets. docs/live.md tells all.",
    .options = options,
    .run = cli_live,
};

int cli_live(int argc, char **argv)
{
  struct yeon_lab_config config = {.owner_fd = -1};
  struct cli_args args = cli_args_of(&live, argc, argv);
  const char *path = NULL;
  struct live_plan plan = {.L = NULL};
  enum cli_arg kind;
  while ((kind = cli_args_next(&args)) != CLI_ARG_END) {
    if (kind == CLI_ARG_ERROR) return CLI_USAGE;
    if (kind == CLI_ARG_HELP) {
      cli_print_verb(&live);
      return CLI_OK;
    }
    if (kind == CLI_ARG_PLAIN && path != NULL) return cli_complain("one file: '%s' or '%s'?", path, args.value);
    if (kind == CLI_ARG_PLAIN) {
      path = args.value;
      continue;
    }
    if (strcmp(args.name, "--name") == 0) config.name = args.value;
    if (strcmp(args.name, "--log") == 0) config.log_path = args.value;
    if (strcmp(args.name, "--profile") == 0) config.profile = args.value;
    if (strcmp(args.name, "--congestion") == 0) config.congestion = args.value;
    if (strcmp(args.name, "--quiet") == 0) config.quiet = true;
    if (strcmp(args.name, "--tun") == 0) config.tun = args.value;
    if (strcmp(args.name, "--tun-host") == 0) config.tun_host = args.value;
    if (strcmp(args.name, "--ladder") == 0) config.ladder_path = "-";
    if (strcmp(args.name, "--all") == 0) config.ladder_flags |= YEON_LADDER_ALL;
    if (strcmp(args.name, "--pcap") == 0) config.pcap_path = args.value;
  }
  if (config.profile != NULL && yeon_profile_find(config.profile) < 0)
    return cli_bad_profile(config.profile);
  if (config.congestion != NULL && yeon_congestion_find(config.congestion) < 0) return cli_bad_congestion(config.congestion);
  if (config.ladder_path != NULL) config.ladder_flags |= cli_ladder_flags(config.ladder_path, &config.width);
  if (path != NULL) {
    if (live_plan_read(&plan, path) != CLI_OK) return CLI_USAGE;
    config.plan = &plan.plan;
  }
  int status = yeon_lab_serve(&config);
  live_plan_close(&plan);
  return status;
}
