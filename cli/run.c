/* yeon run: any program on a host of a lab. */
#define _GNU_SOURCE
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <yeon/lab.h>
#include <yeon/tcp.h>
#include <yeon/watch.h>

#include "cli.h"

#define PROGRAMS 32
#define CABLES 32 /* commands to the cable */

static const struct cli_option options[] = {
    {"--on", "HOST", "where the program that follows runs: client, server"},
    {"--lab", "NAME", "in this lab; without: in `default` if it runs, else in a private one"},
    {"--log", "FILE", "what is worth telling, to a file instead of standard error"},
    {"--profile", "P", "of TCP in a private lab: linux, freebsd, windows, lecture, yeon"},
    {"--congestion", "NAME", "control of a private lab: newreno, cubic, bbr, copa"},
    {"--cable", "WORDS", "to the cable before the programs start: 'set delay 40ms', 'at +3s cut 5s'; repeatable"},
    {"--ladder", NULL, "draw what happens on the cable, on standard error"},
    {"--ladder-to", "FILE", "draw it into a file"},
    {"--all", NULL, "every segment and every timer in the ladder: fold nothing"},
    {"--pcap", "FILE", "write every frame to a pcapng file"},
    {"--summary", NULL, "at the end: connections, bytes, what was sent again, cuts survived"},
    {"--no-preload", NULL, "without the helper that tells dynamic programs ETIMEDOUT from ECONNRESET"},
    {"--wall", NULL, "refuse to run without an empty network namespace"},
    {"--verbose", NULL, "tell every call the program is stopped at"},
    {NULL, NULL, NULL},
};

struct line {
  struct yeon_run_config config;
  struct yeon_run_program programs[PROGRAMS];
  char preload[PATH_MAX];
  const char *cable[CABLES];
  const char *on; /* for the next program */
  bool no_preload;
};

/* The helper library: beside the command in a build folder, in ../lib/yeon when installed. */
static void find_preload(struct line *l)
{
  static const char *const places[] = {"/libyeon-preload.so", "/../lib/yeon/libyeon-preload.so"};
  char exe[PATH_MAX];
  ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
  if (l->no_preload || n <= 0) return;
  exe[n] = '\0';
  *strrchr(exe, '/') = '\0';
  for (size_t i = 0; i < sizeof places / sizeof places[0] && l->config.preload == NULL; i++) {
    int len = snprintf(l->preload, sizeof l->preload, "%s%s", exe, places[i]);
    if (len > 0 && (size_t)len < sizeof l->preload && access(l->preload, R_OK) == 0) l->config.preload = l->preload;
  }
}

static void take_option(struct line *l, const struct cli_args *args)
{
  if (strcmp(args->name, "--on") == 0) l->on = args->value;
  if (strcmp(args->name, "--lab") == 0) l->config.lab = args->value;
  if (strcmp(args->name, "--log") == 0) l->config.log_path = args->value;
  if (strcmp(args->name, "--profile") == 0) l->config.profile = args->value;
  if (strcmp(args->name, "--congestion") == 0) l->config.congestion = args->value;
  if (strcmp(args->name, "--no-preload") == 0) l->no_preload = true;
  if (strcmp(args->name, "--ladder") == 0) l->config.ladder_path = "/dev/stderr";
  if (strcmp(args->name, "--ladder-to") == 0) l->config.ladder_path = args->value;
  if (strcmp(args->name, "--all") == 0) l->config.ladder_flags |= YEON_LADDER_ALL;
  if (strcmp(args->name, "--pcap") == 0) l->config.pcap_path = args->value;
  if (strcmp(args->name, "--summary") == 0) l->config.summary = true;
  if (strcmp(args->name, "--cable") == 0 && l->config.n_cable < CABLES) l->cable[l->config.n_cable++] = args->value;
  if (strcmp(args->name, "--wall") == 0) l->config.wall = true;
  if (strcmp(args->name, "--verbose") == 0) l->config.verbose = true;
}

/* The program begins at the argument just taken and ends before a ":" or the end of the line. */
static int take_program(struct line *l, struct cli_args *args)
{
  if (l->on == NULL) return cli_complain("on which host? yeon run --on HOST -- %s ...", args->value);
  if (l->config.n_programs == PROGRAMS) return cli_complain("at most %d programs in a line", PROGRAMS);
  struct yeon_run_program *p = &l->programs[l->config.n_programs++];
  *p = (struct yeon_run_program){l->on, args->argv + args->next - 1};
  l->on = NULL;
  while (args->next < args->argc && strcmp(args->argv[args->next], ":") != 0) args->next++;
  if (args->next < args->argc) {
    args->argv[args->next++] = NULL; /* ends the program's arguments */
    args->plain_only = false;
  }
  return CLI_OK;
}

static int run(int argc, char **argv)
{
  struct line l = {.config = {.n_programs = 0}};
  struct cli_args args = cli_args_of(&cli_run, argc, argv);
  enum cli_arg kind;
  while ((kind = cli_args_next(&args)) != CLI_ARG_END) {
    if (kind == CLI_ARG_ERROR) return CLI_USAGE;
    if (kind == CLI_ARG_HELP) {
      cli_print_verb(&cli_run);
      return CLI_OK;
    }
    if (kind == CLI_ARG_OPTION) take_option(&l, &args);
    else if (take_program(&l, &args) != CLI_OK) return CLI_USAGE;
  }
  if (l.config.n_programs == 0) return cli_complain("run what? yeon run --on HOST -- PROGRAM ARGUMENTS");
  if (l.config.profile != NULL && yeon_profile_find(l.config.profile) < 0)
    return cli_bad_profile(l.config.profile);
  if (l.config.congestion != NULL && yeon_congestion_find(l.config.congestion) < 0) return cli_bad_congestion(l.config.congestion);
  find_preload(&l);
  l.config.programs = l.programs;
  l.config.cable = l.cable;
  if (l.config.ladder_path != NULL) l.config.ladder_flags |= cli_ladder_flags(l.config.ladder_path, &l.config.width);
  return yeon_run(&l.config);
}

const struct cli_verb cli_run = {
    .name = "run",
    .arguments = "--on HOST -- PROGRAM ...",
    .summary = "any program on a host of a lab; no root needed",
    .details = "Several in one line, each started when the one before it listens; the last one's end is\n"
               "the end of all:\n"
               "  yeon run --on server -- python3 -m http.server 8000 : --on client -- curl http://server:8000/\n"
               "The program's TCP and UDP sockets live on the lab's host; nothing reaches the machine's\n"
               "own network. The status is the last program's.",
    .options = options,
    .run = run,
};
