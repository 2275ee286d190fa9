/* yeon capture: the frames of a running lab, as pcapng. */
#include <errno.h>
#include <string.h>

#include <yeon/lab.h>

#include "cli.h"

static const struct cli_option options[] = {
    {"--lab", "NAME", "which lab (default)"},
    {"-c", "N", "end after so many frames"},
    {"--for", "TIME", "end after so long: 10s, 500ms"},
    {NULL, NULL, NULL},
};

static int run(int argc, char **argv)
{
  struct cli_args args = cli_args_of(&cli_capture, argc, argv);
  const char *lab = NULL, *path = NULL, *count = NULL, *length = NULL;
  enum cli_arg kind;
  uint64_t n;
  while ((kind = cli_args_next(&args)) != CLI_ARG_END) {
    if (kind == CLI_ARG_ERROR) return CLI_USAGE;
    if (kind == CLI_ARG_HELP) {
      cli_print_verb(&cli_capture);
      return CLI_OK;
    }
    if (kind == CLI_ARG_PLAIN && path != NULL) return cli_complain("one file: '%s' or '%s'?", path, args.value);
    if (kind == CLI_ARG_PLAIN) path = args.value;
    else if (strcmp(args.name, "--lab") == 0) lab = args.value;
    else if (strcmp(args.name, "--for") == 0) length = args.value;
    else if (!cli_number(&args, 1, UINT64_MAX, &n)) return CLI_USAGE;
    else count = args.value;
  }
  if (path == NULL) return cli_complain("capture to which file? yeon capture FILE.pcapng; '-' is standard output");
  int status = yeon_lab_capture(lab, path, count, length);
  return status >= 0 ? status : cli_no_lab(lab, errno);
}

const struct cli_verb cli_capture = {
    .name = "capture",
    .arguments = "FILE.pcapng",
    .summary = "the frames of a running lab, for Wireshark",
    .details = "Every frame once, as its sender put it on the cable; what did not arrive as it left says\n"
               "so in a comment. Until Ctrl-C without -c and --for. '-': standard output, as in\n"
               "  yeon capture - | tshark -r -",
    .options = options,
    .run = run,
};
