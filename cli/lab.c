/* yeon lab FILE.lua */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lab.h"

#define SCRIPT_MAX (16u << 20)

static const struct cli_option options[] = {
    {"--live", NULL, "in real time, for `yeon run`; see yeon lab --live --help"},
    {"--seed", "N", "luck of the universe (1): same seed, same output"},
    {"--pcap", "FILE", "write every frame to a pcapng file too"},
    {"--profile", "P", "for hosts without: linux, freebsd, windows, lecture, yeon"},
    {"--congestion", "NAME", "control of hosts that name none: newreno, cubic, bbr, copa"},
    {"--quiet", NULL, "no ladder: notes and expectations only"},
    {"--absolute", NULL, "numbers as on the wire, timestamp values"},
    {"--all", NULL, "every segment and every timer: fold nothing"},
    {NULL, NULL, NULL},
};

/* The whole file with a NUL behind it; NULL: told. */
static char *read_file(const char *path, size_t *len)
{
  FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
  if (f == NULL) {
    cli_complain("'%s' cannot be read: %s", path, strerror(errno));
    return NULL;
  }
  char *text = malloc(SCRIPT_MAX + 1);
  *len = text != NULL ? fread(text, 1, SCRIPT_MAX + 1, f) : 0;
  bool bad = text == NULL || ferror(f) != 0 || *len > SCRIPT_MAX;
  int error = errno;
  if (f != stdin) fclose(f);
  if (!bad) {
    text[*len] = '\0';
    return text;
  }
  cli_complain("'%s' cannot be read: %s", path, *len > SCRIPT_MAX ? "it is larger than 16 MiB" : strerror(error));
  free(text);
  return NULL;
}

static int take_option(const struct cli_args *args, struct lab_options *o)
{
  if (strcmp(args->name, "--seed") == 0) return cli_number(args, 0, UINT64_MAX, &o->seed) ? CLI_OK : CLI_USAGE;
  if (strcmp(args->name, "--pcap") == 0) o->pcap = args->value;
  if (strcmp(args->name, "--quiet") == 0) o->quiet = true;
  if (strcmp(args->name, "--absolute") == 0) o->absolute = true;
  if (strcmp(args->name, "--all") == 0) o->all = true;
  if (strcmp(args->name, "--congestion") == 0) {
    o->congestion = yeon_congestion_find(args->value);
    return o->congestion >= 0 ? CLI_OK : cli_bad_congestion(args->value);
  }
  if (strcmp(args->name, "--profile") != 0) return CLI_OK;
  o->profile = yeon_profile_find(args->value);
  return o->profile >= 0 ? CLI_OK : cli_bad_profile(args->value);
}

static int run(int argc, char **argv)
{
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--live") != 0) continue;
    for (int k = i; k < argc; k++) argv[k] = argv[k + 1]; /* the terminator too */
    return cli_live(argc - 1, argv);
  }
  struct cli_screen screen = cli_screen_of_stdout();
  struct lab_options o = {
      .seed = 1, .profile = -1, .congestion = -1, .colour = screen.colour, .utf8 = screen.utf8, .width = screen.width};
  struct cli_args args = cli_args_of(&cli_lab, argc, argv);
  const char *path = NULL;
  enum cli_arg kind;
  while ((kind = cli_args_next(&args)) != CLI_ARG_END) {
    if (kind == CLI_ARG_ERROR) return CLI_USAGE;
    if (kind == CLI_ARG_HELP) {
      cli_print_verb(&cli_lab);
      return CLI_OK;
    }
    if (kind == CLI_ARG_OPTION) {
      if (take_option(&args, &o) != CLI_OK) return CLI_USAGE;
    } else if (path != NULL) {
      return cli_complain("lab runs one scenario at a time: '%s' or '%s'?", path, args.value);
    } else {
      path = args.value;
    }
  }
  if (o.pcap != NULL && strcmp(o.pcap, "-") == 0)
    return cli_complain("--pcap wants a file: standard output has the drawing. /dev/stderr is one, --pcap ./- another");
  if (path == NULL) return cli_complain("lab needs a scenario: yeon lab FILE.lua. There are some in examples/lab/");
  size_t len = 0;
  char *source = read_file(path, &len);
  if (source == NULL) return CLI_USAGE;
  char name[512];
  snprintf(name, sizeof name, "@%s", strcmp(path, "-") == 0 ? "stdin" : path);
  int status = lab_run(&o, name, source, len);
  free(source);
  return status;
}

const struct cli_verb cli_lab = {
    .name = "lab",
    .arguments = "FILE.lua",
    .summary = "run a scenario in virtual time and draw it; --live: a lab for real programs",
    .details = "A scenario is Lua: hosts, cables, what each program does and when, cuts, and what\n"
               "is to be expected. docs/lab.md is the reference; examples/lab/ has scenarios.\n"
               "The status is 0 if every expectation held, 1 if one failed, 2 if the scenario\n"
               "is wrong.",
    .options = options,
    .run = run,
};
