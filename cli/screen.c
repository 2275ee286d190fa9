/* What standard output can show. */
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <yeon/watch.h>

#include "cli.h"

#define WIDTH_PLAIN 80
#define WIDTH_MAX 120 /* wider arrows are no easier to read */

/* Does this locale's name ask for UTF-8? For systems that do not have the locale their user asks for, as small containers. */
static bool names_utf8(void)
{
  const char *name = getenv("LC_ALL");
  if (name == NULL || name[0] == '\0') name = getenv("LC_CTYPE");
  if (name == NULL || name[0] == '\0') name = getenv("LANG");
  const char *charset = name != NULL ? strchr(name, '.') : NULL;
  return charset != NULL && (strncasecmp(charset, ".UTF-8", 6) == 0 || strncasecmp(charset, ".UTF8", 5) == 0);
}

struct cli_screen cli_screen_of_stdout(void)
{
  struct cli_screen s = {.width = WIDTH_PLAIN};
  const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM"), *charset = nl_langinfo(CODESET);
  s.terminal = isatty(STDOUT_FILENO) == 1;
  bool dumb = term == NULL || strcmp(term, "dumb") == 0;
  s.colour = s.terminal && !dumb && (no_colour == NULL || no_colour[0] == '\0');
  s.utf8 = (charset != NULL && strcmp(charset, "UTF-8") == 0) || names_utf8();
  struct winsize size;
  if (s.terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 60)
    s.width = size.ws_col < WIDTH_MAX ? size.ws_col : WIDTH_MAX;
  return s;
}

unsigned cli_ladder_flags(const char *path, unsigned *width)
{
  struct cli_screen s = cli_screen_of_stdout();
  int fd = strcmp(path, "-") == 0 ? STDOUT_FILENO : strcmp(path, "/dev/stderr") == 0 ? STDERR_FILENO : -1;
  const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");
  bool terminal = fd >= 0 && isatty(fd) == 1;
  bool colour = terminal && (no_colour == NULL || no_colour[0] == '\0') && term != NULL && strcmp(term, "dumb") != 0;
  struct winsize size;
  *width = WIDTH_PLAIN;
  if (terminal && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= 60) *width = size.ws_col < WIDTH_MAX ? size.ws_col : WIDTH_MAX;
  return (colour ? YEON_LADDER_COLOUR : 0) | (s.utf8 ? YEON_LADDER_UTF8 : 0);
}
