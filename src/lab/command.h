/* What commands share: their words, and how times and amounts are written. */
#ifndef LAB_COMMAND_H
#define LAB_COMMAND_H

#include "lab/lab.h"

#define COMMAND_WORDS 64

struct command {
  struct lab *lab;
  const char *words[COMMAND_WORDS];
  size_t n_words, at; /* at: the next one */
  FILE *out;
};

struct lab_verb {
  const char *name, *help;
  int (*run)(struct command *c); /* an exit status; text goes to c->out */
};

/* Words with a terminator each. False: they are none. */
bool command_split(struct command *c, char *words, size_t len);
const char *command_next(struct command *c); /* NULL: no more */
const char *command_peek(const struct command *c);
/* A line to `out` with one %s; 2. */
int command_fail(struct command *c, const char *format, const char *word) __attribute__((format(printf, 2, 0)));
bool command_time(const char *word, yeon_time *out);   /* "40ms", "5s", "2m" */
bool command_share(const char *word, uint32_t *ppm);   /* "1%" */
bool command_rate(const char *word, uint64_t *bps);    /* "10mbit" */
bool command_bytes(const char *word, uint32_t *bytes); /* "64KB" */

int command_help(struct command *c);
int command_hosts(struct command *c);
int command_cable(struct command *c); /* command_cable.c */
int command_rebind(struct command *c, struct lab_cable *cable);
/* Settings for both directions, and the reference to the trace that a command has brought; NULL: none. */
struct command_ways {
  struct yeon_cable_way way[2];
  struct yeon_cable_trace *loaded;
};
/* command_settings.c: the words onto both settings. 0: give `loaded` back when the settings are used; 2: told. */
int command_settings(struct command *c, struct command_ways *ways);
int command_ss(struct command *c); /* command_ss.c */
/* command_later.c */
int command_in(struct command *c);
/* What is still to come, a line each. */
void command_later_show(const struct command *c);
/* Does `front` and the words that are left, when `delay` is over. */
int command_later(struct command *c, yeon_time delay, const char *const *front, size_t n_front);

#endif
