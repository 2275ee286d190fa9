/* Commands to a running lab: words in, text out. One table for the command line, for Lua and for the page; a new verb is a row here. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "lab/command.h"

static const struct lab_verb verbs[] = {
    {"cable", "show | cut [DIRECTION] [TIME] | join [DIRECTION] | set [DIRECTION] SETTING VALUE ... | rebind [HOST] [ADDRESS] | at +TIME ...", command_cable},
    {"ss", "[tcp] [udp] [listening] [json] [width COLUMNS]: the sockets of all hosts", command_ss},
    {"hosts", "names and addresses", command_hosts},
    {"in", "TIME COMMAND ...: the command, later", command_in},
    {"help", "this list", command_help},
};

int command_help(struct command *c)
{
  for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) fprintf(c->out, "%-6s %s\n", verbs[i].name, verbs[i].help);
  return 0;
}

int command_hosts(struct command *c)
{
  for (unsigned i = 0; i < c->lab->n_hosts; i++) {
    const struct lab_host *h = &c->lab->hosts[i];
    fprintf(c->out, "%-8s", h->name);
    for (unsigned k = 0; k < h->n_addrs; k++) {
      char ip[48];
      fprintf(c->out, " %s", yeon_ip_format(&h->addr[k], ip, sizeof ip));
    }
    fputc('\n', c->out);
  }
  return 0;
}

int command_fail(struct command *c, const char *format, const char *word)
{
  fprintf(c->out, format, word);
  fputc('\n', c->out);
  return 2;
}

const char *command_next(struct command *c) { return c->at < c->n_words ? c->words[c->at++] : NULL; }

const char *command_peek(const struct command *c) { return c->at < c->n_words ? c->words[c->at] : NULL; }

struct unit {
  const char *name;
  double factor;
};

/* A number and a unit of the table, nothing behind it; 0 needs no unit. */
static bool scaled(const char *word, const struct unit *units, double *out)
{
  char *end;
  double value = strtod(word, &end);
  if (end == word || end != word + strspn(word, "0123456789.") || value > 1e15) return false; /* strtod knows signs, hexadecimal and infinity too */
  if (*end == '\0' && value == 0) return *out = 0, true;
  for (; units->name != NULL; units++) {
    if (strcasecmp(end, units->name) != 0) continue;
    *out = value * units->factor;
    return true;
  }
  return false;
}

bool command_time(const char *word, yeon_time *out)
{
  static const struct unit units[] = {{"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"min", 60e9}, {"h", 3600e9}, {NULL, 0}};
  double ns;
  if (!scaled(word, units, &ns) || ns > 1e18) return false;
  *out = (yeon_time)ns;
  return true;
}

bool command_share(const char *word, uint32_t *ppm)
{
  static const struct unit units[] = {{"%", 1e4}, {"ppm", 1}, {NULL, 0}};
  double value;
  if (!scaled(word, units, &value) || value > 1e6) return false;
  *ppm = (uint32_t)(value + 0.5);
  return true;
}

bool command_rate(const char *word, uint64_t *bps)
{
  static const struct unit units[] = {{"bit", 1},       {"kbit", 1e3},   {"mbit", 1e6},   {"gbit", 1e9},  {"bit/s", 1}, {"kbit/s", 1e3},
                                      {"mbit/s", 1e6}, {"gbit/s", 1e9}, {NULL, 0}};
  double value;
  if (!scaled(word, units, &value)) return false;
  *bps = (uint64_t)value;
  return true;
}

bool command_bytes(const char *word, uint32_t *bytes)
{
  static const struct unit units[] = {{"B", 1}, {"KB", 1e3}, {"KiB", 1024}, {"MB", 1e6}, {"MiB", 1048576}, {NULL, 0}};
  double value;
  if (!scaled(word, units, &value) || value > 4e9) return false;
  *bytes = (uint32_t)value;
  return true;
}

static int run(struct command *c)
{
  const char *word = command_next(c);
  if (word == NULL) return command_help(c);
  for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
    if (strcmp(verbs[i].name, word) == 0) return verbs[i].run(c);
  return command_fail(c, "there is no command '%s'; `help` lists them", word);
}

bool command_split(struct command *c, char *words, size_t len)
{
  if (len == 0 || words[len - 1] != '\0') return false;
  for (char *w = words; w < words + len; w += strlen(w) + 1) {
    if (c->n_words == COMMAND_WORDS) return false;
    c->words[c->n_words++] = w;
  }
  return true;
}

int lab_command(struct lab *lab, char *words, size_t len, FILE *out)
{
  struct command c = {.lab = lab, .out = out};
  return command_split(&c, words, len) ? run(&c) : command_fail(&c, "%s", "a command is words");
}
