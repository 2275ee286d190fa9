/* cable show, cut, join, set, rebind, at. */
#define _GNU_SOURCE
#include <string.h>

#include "lab/command.h"

static const char *name_of(const struct command *c, unsigned host) { return c->lab->hosts[host].name; }

/* Which end of this cable `word` names, by host or as a or b; 2: none. */
static unsigned end_of(const struct command *c, const struct lab_cable *cable, const char *word)
{
  if (word == NULL) return 2;
  for (unsigned e = 0; e < 2; e++) {
    if (strcmp(name_of(c, cable->end[e].host), word) == 0) return e;
  }
  return strcmp(word, "a") == 0 ? 0 : strcmp(word, "b") == 0 ? 1 : 2;
}

/* "client->server", "a→b". 0: not written so, or not of this cable. */
static unsigned arrow_mask(const struct command *c, const struct lab_cable *cable, const char *word)
{
  static const char *const arrows[] = {"->", "→", ">"};
  for (size_t i = 0; i < sizeof arrows / sizeof arrows[0]; i++) {
    const char *at = strstr(word, arrows[i]);
    char from[LAB_NAME_MAX];
    if (at == NULL || (size_t)(at - word) >= sizeof from) continue;
    memcpy(from, word, (size_t)(at - word));
    from[at - word] = '\0';
    unsigned a = end_of(c, cable, from), b = end_of(c, cable, at + strlen(arrows[i]));
    return a < 2 && b == 1 - a ? 1u << a : 0;
  }
  return 0;
}

static int not_an_end(struct command *c, const struct lab_cable *cable, const char *word)
{
  fprintf(c->out, "'%s' is no end of %s: it joins %s and %s\n", word != NULL ? word : "", cable->name, name_of(c, cable->end[0].host),
          name_of(c, cable->end[1].host));
  return 2;
}

/* A direction, if the next word begins one: both, from HOST, to HOST, HOST->HOST. *mask stays as it is if not. */
static int take_mask(struct command *c, const struct lab_cable *cable, unsigned *mask)
{
  const char *word = command_peek(c);
  if (word == NULL) return 0;
  bool from = strcmp(word, "from") == 0, to = strcmp(word, "to") == 0;
  if (strcmp(word, "both") == 0) *mask = YEON_CABLE_BOTH;
  else if (from || to) {
    (void)command_next(c);
    unsigned end = end_of(c, cable, command_peek(c));
    if (end == 2) return not_an_end(c, cable, command_peek(c));
    *mask = 1u << (from ? end : 1 - end);
  } else if (strchr(word, '>') != NULL || strstr(word, "→") != NULL) {
    unsigned arrow = arrow_mask(c, cable, word);
    if (arrow == 0) return not_an_end(c, cable, word);
    *mask = arrow;
  } else {
    return 0;
  }
  (void)command_next(c);
  return 0;
}

static void show_way(struct command *c, const struct lab_cable *cable, unsigned d, yeon_time now)
{
  struct yeon_cable_way way;
  struct yeon_cable_stats st;
  char text[YEON_CABLE_TEXT];
  yeon_cable_get(cable->cable, d, &way);
  yeon_cable_stats(cable->cable, d, &st);
  fprintf(c->out, "  %s -> %s: %s%s", name_of(c, cable->end[d].host), name_of(c, cable->end[1 - d].host),
          yeon_cable_is_cut(cable->cable) & (1u << d) ? "CUT, " : "", yeon_cable_way_format(&way, text, sizeof text));
  if (cable->join_at[d] != YEON_NEVER) fprintf(c->out, ", joins again in %.3f s", (double)(cable->join_at[d] - now) / 1e9);
  fprintf(c->out, "\n    delivered %llu frames, %llu bytes; lost %llu, no room %llu, swallowed %llu,\n    duplicated %llu, reordered %llu, corrupted %llu",
          (unsigned long long)(st.delivered + cable->passed[d]), (unsigned long long)(st.delivered_bytes + cable->passed_bytes[d]),
          (unsigned long long)st.lost, (unsigned long long)st.queue_full, (unsigned long long)st.swallowed,
          (unsigned long long)st.duplicated, (unsigned long long)st.reordered, (unsigned long long)st.corrupted);
  if (st.marked > 0 || st.codel > 0)
    fprintf(c->out, "; marked CE %llu, dropped by CoDel %llu", (unsigned long long)st.marked, (unsigned long long)st.codel);
  fputc('\n', c->out);
}

static int show(struct command *c, struct lab_cable *cable)
{
  fprintf(c->out, "%s\n", cable->name);
  for (unsigned d = 0; d < 2; d++) show_way(c, cable, d, lab_now());
  return 0;
}

static int cut(struct command *c, struct lab_cable *cable)
{
  unsigned mask = YEON_CABLE_BOTH;
  yeon_time length = YEON_NEVER, now = lab_now();
  while (command_peek(c) != NULL) {
    size_t before = c->at;
    if (take_mask(c, cable, &mask) != 0) return 2;
    if (c->at != before) continue;
    const char *word = command_next(c);
    if (!command_time(word, &length))
      return command_fail(c, "cut what, for how long? '%s' is no time (5s, 300ms) and no direction (both, from HOST, client->server)", word);
  }
  yeon_cable_cut(cable->cable, mask, now);
  for (unsigned d = 0; d < 2; d++)
    if (mask & (1u << d)) cable->join_at[d] = length == YEON_NEVER ? YEON_NEVER : now + length;
  lab_cable_changed(cable);
  if (length == YEON_NEVER) lab_log(c->lab, "%s cut", cable->title);
  else lab_log(c->lab, "%s cut for %.3f s", cable->title, (double)length / 1e9);
  return 0;
}

static int join(struct command *c, struct lab_cable *cable)
{
  unsigned mask = YEON_CABLE_BOTH;
  if (take_mask(c, cable, &mask) != 0) return 2;
  if (command_peek(c) != NULL) return command_fail(c, "join takes a direction at most, not '%s'", command_peek(c));
  yeon_cable_join(cable->cable, mask, lab_now());
  for (unsigned d = 0; d < 2; d++)
    if (mask & (1u << d)) cable->join_at[d] = YEON_NEVER;
  lab_cable_changed(cable);
  lab_log(c->lab, "%s joined", cable->title);
  return 0;
}

static int apply(struct command *c, struct lab_cable *cable, unsigned mask, const struct yeon_cable_way way[2])
{
  for (unsigned d = 0; d < 2; d++) {
    const char *field = "?";
    if (yeon_cable_way_check(&way[d], &field) != 0) return command_fail(c, "%s is out of range", field);
  }
  for (unsigned d = 0; d < 2; d++)
    if (mask & (1u << d)) (void)yeon_cable_set(cable->cable, 1u << d, &way[d], lab_now());
  lab_cable_changed(cable);
  return 0;
}

static int set(struct command *c, struct lab_cable *cable)
{
  unsigned mask = YEON_CABLE_BOTH;
  struct command_ways ways;
  if (take_mask(c, cable, &mask) != 0) return 2;
  for (unsigned d = 0; d < 2; d++) yeon_cable_get(cable->cable, d, &ways.way[d]);
  if (command_settings(c, &ways) != 0) return 2;
  int status = apply(c, cable, mask, ways.way);
  yeon_cable_trace_release(ways.loaded);
  return status;
}

static int later(struct command *c, struct lab_cable *cable)
{
  const char *word = command_next(c);
  yeon_time delay;
  if (word == NULL || !command_time(word[0] == '+' ? word + 1 : word, &delay))
    return command_fail(c, "at when? at +3s cut 5s; '%s' is no time", word != NULL ? word : "");
  if (command_peek(c) == NULL) return command_fail(c, "at %s: what?", word);
  const char *front[] = {"cable", cable->name};
  return command_later(c, delay, front, 2);
}

static int rebind(struct command *c, struct lab_cable *cable) { return command_rebind(c, cable); }

static const struct {
  const char *name;
  int (*run)(struct command *c, struct lab_cable *cable);
} verbs[] = {{"show", show}, {"cut", cut}, {"join", join}, {"set", set}, {"rebind", rebind}, {"at", later}};

/* The cable that the next word names, if it names one; else the first. */
static struct lab_cable *take_cable(struct command *c)
{
  const char *word = command_peek(c);
  for (unsigned i = 0; word != NULL && i < c->lab->n_cables; i++) {
    if (strcmp(c->lab->cables[i].name, word) != 0) continue;
    (void)command_next(c);
    return &c->lab->cables[i];
  }
  return &c->lab->cables[0];
}

static int no_verb(struct command *c, const char *word)
{
  bool verb = false; /* follows: then the word was to be a cable's name */
  for (size_t i = 0; command_peek(c) != NULL && i < sizeof verbs / sizeof verbs[0]; i++) verb |= strcmp(verbs[i].name, command_peek(c)) == 0;
  if (!verb) fprintf(c->out, "a cable can show, cut, join, set, rebind and at, not '%s'", word);
  else fprintf(c->out, "there is no cable '%s'", word);
  for (unsigned i = 0; i < c->lab->n_cables && (verb || c->lab->n_cables > 1); i++)
    fprintf(c->out, "%s%s", i > 0 ? ", " : verb ? "; there is: " : "; the cables are: ", c->lab->cables[i].name);
  fputc('\n', c->out);
  return 2;
}

int command_cable(struct command *c)
{
  if (c->lab->n_cables == 0) return command_fail(c, "%s", "this lab has no cable");
  bool all = command_peek(c) == NULL || (strcmp(command_peek(c), "show") == 0 && c->at + 1 == c->n_words);
  for (unsigned i = 0; all && i < c->lab->n_cables; i++) (void)show(c, &c->lab->cables[i]);
  if (all) command_later_show(c);
  if (all) return 0;
  struct lab_cable *cable = take_cable(c);
  const char *word = command_next(c);
  if (word == NULL) return show(c, cable);
  for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
    if (strcmp(verbs[i].name, word) == 0) return verbs[i].run(c, cable);
  return no_verb(c, word);
}
