/* The `yeon` command: what its verbs share. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit statuses. */
#define CLI_OK 0
#define CLI_FAILED 1 /* it ran, and an expectation did not hold */
#define CLI_USAGE 2  /* it could not be done as asked: arguments, a script that is wrong, a file that cannot be read */

struct cli_option {
  const char *name;  /* "--seed" */
  const char *value; /* what its value is called; NULL: it takes none */
  const char *help;
};

struct cli_verb {
  const char *name;
  const char *arguments;            /* "FILE.lua"; "" for none */
  const char *summary;              /* one line */
  const char *details;              /* lines below the options; may be "" */
  const struct cli_option *options; /* ends with a NULL name */
  int (*run)(int argc, char **argv);
};

extern const struct cli_verb cli_run, cli_cable, cli_ss, cli_capture, cli_drill, cli_lab, cli_tour, cli_bench, cli_help, cli_version;
/* `yeon lab --live`; argv is without "--live". */
int cli_live(int argc, char **argv);
/* NULL-terminated. */
extern const struct cli_verb *const cli_verbs[];
const struct cli_verb *cli_find_verb(const char *name);
/* The whole text of `yeon VERB --help` to standard output. */
void cli_print_verb(const struct cli_verb *verb);

/* Takes the next argument of a verb: an option of its table (then *value is set if it has one), or a plain argument. */
enum cli_arg { CLI_ARG_END, CLI_ARG_OPTION, CLI_ARG_PLAIN, CLI_ARG_HELP, CLI_ARG_ERROR };
struct cli_args {
  const struct cli_verb *verb;
  int argc, next;
  char **argv;
  bool plain_only;   /* after -- */
  const char *name;  /* of the option */
  const char *value; /* of the option, or the plain argument */
};
struct cli_args cli_args_of(const struct cli_verb *verb, int argc, char **argv);
/* CLI_ARG_ERROR: told to standard error. */
enum cli_arg cli_args_next(struct cli_args *args);
/* The value as a number in [low, high]. False: told to standard error. */
bool cli_number(const struct cli_args *args, uint64_t low, uint64_t high, uint64_t *out);

/* The name among n that looks most like the word, NULL if none does. */
const char *cli_nearest(const char *word, const char *const *names, size_t n);

/* There is no lab of that name (NULL: default), or it does not answer: told. CLI_USAGE. */
int cli_no_lab(const char *name, int error);

/* Sends a command to a lab: its answer to standard output, what was wrong to standard error. An exit status. */
int cli_ask_lab(const char *lab, size_t n, char *const *words);

/* A line to standard error, behind "yeon: ". Returns CLI_USAGE. */
int cli_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* There is no such profile; the nearest name is suggested, or all are. */
int cli_bad_profile(const char *word);
/* There is no such congestion control; the nearest name is suggested. */
int cli_bad_congestion(const char *word);

/* How to write to standard output. */
struct cli_screen {
  bool terminal, colour, utf8;
  unsigned width; /* columns, 80 when it is no terminal */
};
struct cli_screen cli_screen_of_stdout(void);
/* YEON_LADDER_* for a ladder that goes to `path`, and its width: as the terminal has it if it goes there. */
unsigned cli_ladder_flags(const char *path, unsigned *width);

#endif
