/* yeon: verbs. */
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

const struct cli_verb *const cli_verbs[] = {&cli_run, &cli_cable, &cli_ss, &cli_capture, &cli_lab, &cli_drill, &cli_tour, &cli_bench, &cli_help, &cli_version, NULL};

static int unknown_verb(const char *word)
{
  const char *names[32];
  size_t n = 0;
  for (; cli_verbs[n] != NULL; n++) names[n] = cli_verbs[n]->name;
  const char *nearest = cli_nearest(word, names, n);
  if (nearest != NULL)
    return cli_complain("there is no verb '%s'. Did you mean 'yeon %s'? `yeon help` lists all", word, nearest);
  return cli_complain("there is no verb '%s'. `yeon help` lists what there is", word);
}

/* A standard descriptor that is closed would become the first file that is opened, and what is printed would go into a capture. It is given a
 * meaning that only fails: input that cannot be read, output that cannot be written. */
static bool fill_standard_descriptors(void)
{
  for (int fd = 0; fd <= 2; fd++) {
    if (fcntl(fd, F_GETFD) >= 0) continue;
    if (open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd) return false;
  }
  return true;
}

int main(int argc, char **argv)
{
  if (!fill_standard_descriptors()) return CLI_USAGE;
  /* Only the character set: numbers are written the same everywhere. */
  setlocale(LC_CTYPE, "");
  if (argc < 2) {
    cli_help.run(1, argv);
    return CLI_USAGE;
  }
  if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) return cli_version.run(argc - 1, argv + 1);
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) return cli_help.run(argc - 1, argv + 1);
  const struct cli_verb *verb = cli_find_verb(argv[1]);
  if (verb == NULL) return unknown_verb(argv[1]);
  int status = verb->run(argc - 1, argv + 1);
  if (fflush(stdout) != 0 && status == CLI_OK) return cli_complain("the output could not be written");
  return status;
}
