/* yeon cable: commands to the cable of a running lab. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <yeon/lab.h>

#include "cli.h"

#define WORDS 62

static const struct cli_option options[] = {
    {"--lab", "NAME", "which lab (default)"},
    {NULL, NULL, NULL},
};

int cli_no_lab(const char *name, int error)
{
  fflush(stdout);
  yeon_lab_tell_missing(name, error);
  return CLI_USAGE;
}

/* The lab may run in another directory than we do. True if *word is made anew, for the caller to free. */
static bool absolute(char **word)
{
  char *path = (*word)[0] != '/' ? realpath(*word, NULL) : NULL;
  if (path != NULL) *word = path;
  return path != NULL;
}

int cli_ask_lab(const char *lab, size_t n, char *const *words)
{
  char *text = NULL;
  size_t len = 0;
  FILE *out = open_memstream(&text, &len);
  if (out == NULL) return cli_complain("out of memory");
  int status = yeon_lab_ask(lab, n, words, out), cause = errno;
  fclose(out);
  if (status == 0) fwrite(text, 1, len, stdout);
  else if (status > 0) (void)cli_complain("%.*s", (int)(len > 0 && text[len - 1] == '\n' ? len - 1 : len), text);
  free(text);
  return status >= 0 ? status : cli_no_lab(lab, cause);
}

static int ask(const char *lab, size_t n, char **words)
{
  char *made[WORDS + 2];
  size_t n_made = 0;
  for (size_t i = 2; i < n; i++)
    if (strcmp(words[i - 1], "trace") == 0 && absolute(&words[i])) made[n_made++] = words[i];
  int status = cli_ask_lab(lab, n, words);
  while (n_made > 0) free(made[--n_made]);
  return status;
}

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
  return ask(lab, n, words);
}

const struct cli_verb cli_cable = {
    .name = "cable",
    .arguments = "show|cut|join|set|rebind|at ...",
    .summary = "cut, join and spoil the cable of a running lab",
    .details = "  yeon cable show\n"
               "  yeon cable cut            both ways, until joined\n"
               "  yeon cable cut 5s         joins again by itself\n"
               "  yeon cable cut from client 2s         one way only; also: to client, 'client->server' (in quotes)\n"
               "  yeon cable join\n"
               "  yeon cable set delay 40ms jitter 5ms rate 10mbit queue 64KB loss 1%\n"
               "  yeon cable set from server reorder 1% reorder-by 5ms duplicate 1% corrupt 0.1%\n"
               "  yeon cable set burst 0.5% burst-leave 20%   bursts of loss\n"
               "  yeon cable set rate 10mbit queue 64KB codel on codel-marks on    CoDel; marks what says ECT\n"
               "  yeon cable set rate 100mbit mark 30KB bucket 15KB    threshold marking; a token bucket\n"
               "  yeon cable set reorder 3% reorder-up-to 10ms\n"
               "  yeon cable set trace lte.down    a recorded bandwidth: a millisecond stamp a line, 1504 bytes each\n"
               "  yeon cable set perfect\n"
               "  yeon cable rebind         the client's addresses change, the old ones are gone\n"
               "  yeon cable rebind server 10.0.0.77\n"
               "  yeon cable at +3s cut 5s  any of these, later\n"
               "With several cables its name goes first: yeon cable uplink cut. docs/live.md tells more.",
    .options = options,
    .run = run,
};
