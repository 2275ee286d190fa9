/* cable show, cut, join, set. */
#define _GNU_SOURCE
#include <string.h>

#include "lab/command.h"

/* Whose name is `word` at this cable: the mask of the direction that begins (from) or ends there; 0: nobody's. */
static unsigned mask_of(struct command *c, const struct lab_cable *cable, bool from, const char *word)
{
  int host = word != NULL ? lab_host_find(c->lab, word) : -1;
  for (unsigned d = 0; d < 2 && host >= 0; d++) {
    unsigned end = from ? d : 1 - d;
    if (cable->end[end].host == (unsigned)host) return 1u << d;
  }
  return 0;
}

/* An optional direction. False: told. */
static bool take_mask(struct command *c, const struct lab_cable *cable, unsigned *mask)
{
  const char *word = command_peek(c);
  *mask = YEON_CABLE_BOTH;
  if (word == NULL) return true;
  if (strcmp(word, "both") == 0) {
    (void)command_next(c);
    return true;
  }
  bool from = strcmp(word, "from") == 0;
  if (!from && strcmp(word, "to") != 0) return true;
  (void)command_next(c);
  word = command_next(c);
  *mask = mask_of(c, cable, from, word);
  if (*mask != 0) return true;
  (void)command_fail(c, "'%s' is no host at this cable", word != NULL ? word : "");
  return false;
}

static void show_way(struct command *c, const struct lab_cable *cable, unsigned d)
{
  struct yeon_cable_way way;
  struct yeon_cable_stats st;
  char text[256];
  yeon_cable_get(cable->cable, d, &way);
  yeon_cable_stats(cable->cable, d, &st);
  fprintf(c->out, "  %s -> %s: %s%s\n", c->lab->hosts[cable->end[d].host].name, c->lab->hosts[cable->end[1 - d].host].name,
          yeon_cable_is_cut(cable->cable) & (1u << d) ? "CUT, " : "", yeon_cable_way_format(&way, text, sizeof text));
  fprintf(c->out, "    delivered %llu frames, %llu bytes; lost %llu, no room %llu, swallowed %llu, duplicated %llu, reordered %llu, corrupted %llu\n",
          (unsigned long long)(st.delivered + cable->passed[d]), (unsigned long long)(st.delivered_bytes + cable->passed_bytes[d]),
          (unsigned long long)st.lost, (unsigned long long)st.queue_full, (unsigned long long)st.swallowed,
          (unsigned long long)st.duplicated, (unsigned long long)st.reordered, (unsigned long long)st.corrupted);
}

static int show(struct command *c, struct lab_cable *cable)
{
  fprintf(c->out, "%s\n", cable->name);
  for (unsigned d = 0; d < 2; d++) show_way(c, cable, d);
  if (cable->change_at != YEON_NEVER)
    fprintf(c->out, "  joins again in %.3f s\n", (double)(cable->change_at - lab_now()) / 1e9);
  return 0;
}

static int cut(struct command *c, struct lab_cable *cable)
{
  unsigned mask;
  yeon_time length = YEON_NEVER, now = lab_now();
  if (!take_mask(c, cable, &mask)) return 2;
  const char *word = command_next(c);
  if (word != NULL && !command_time(word, &length)) return command_fail(c, "cut for how long? '%s' is no time", word);
  yeon_cable_cut(cable->cable, mask, now);
  cable->change_at = length == YEON_NEVER ? YEON_NEVER : now + length;
  cable->change_mask = mask;
  lab_cable_changed(cable);
  lab_log(c->lab, "cable %s cut%s%s", cable->name, word != NULL ? " for " : "", word != NULL ? word : "");
  return 0;
}

static int join(struct command *c, struct lab_cable *cable)
{
  unsigned mask;
  if (!take_mask(c, cable, &mask)) return 2;
  yeon_cable_join(cable->cable, mask, lab_now());
  cable->change_at = YEON_NEVER;
  lab_cable_changed(cable);
  lab_log(c->lab, "cable %s joined", cable->name);
  return 0;
}

static bool time_us(const char *word, uint32_t *us)
{
  yeon_time t;
  if (!command_time(word, &t) || t / YEON_US > UINT32_MAX) return false;
  *us = (uint32_t)(t / YEON_US);
  return true;
}

static bool set_one(struct yeon_cable_way *w, const char *name, const char *value)
{
  if (strcmp(name, "delay") == 0) return time_us(value, &w->delay_us);
  if (strcmp(name, "jitter") == 0) return time_us(value, &w->jitter_us);
  if (strcmp(name, "rate") == 0) return command_rate(value, &w->rate_bps);
  if (strcmp(name, "queue") == 0) return command_bytes(value, &w->queue_bytes);
  if (strcmp(name, "loss") == 0) return command_share(value, &w->loss_ppm);
  if (strcmp(name, "burst-enter") == 0) return command_share(value, &w->burst_enter_ppm);
  if (strcmp(name, "burst-leave") == 0) return command_share(value, &w->burst_leave_ppm);
  if (strcmp(name, "burst-loss") == 0) return command_share(value, &w->burst_loss_ppm);
  if (strcmp(name, "reorder") == 0) return command_share(value, &w->reorder_ppm);
  if (strcmp(name, "reorder-by") == 0) return time_us(value, &w->reorder_us);
  if (strcmp(name, "duplicate") == 0) return command_share(value, &w->duplicate_ppm);
  if (strcmp(name, "corrupt") == 0) return command_share(value, &w->corrupt_ppm);
  return false;
}

/* The words onto both settings; those of directions outside of the mask are not used. */
static int read_settings(struct command *c, struct yeon_cable_way way[2])
{
  const char *name = command_peek(c);
  if (name == NULL)
    return command_fail(c, "%s", "set what? delay 40ms jitter 5ms rate 10mbit queue 64KB loss 1% reorder 1% duplicate 1% corrupt 1%, or: perfect");
  while ((name = command_next(c)) != NULL) {
    if (strcmp(name, "perfect") == 0) {
      way[0] = way[1] = (struct yeon_cable_way){0};
      continue;
    }
    const char *value = command_next(c);
    if (value == NULL) return command_fail(c, "%s needs a value", name);
    if (!set_one(&way[0], name, value) || !set_one(&way[1], name, value)) {
      fprintf(c->out, "not a setting of a cable: %s %s\n", name, value);
      return 2;
    }
  }
  return 0;
}

static int set(struct command *c, struct lab_cable *cable)
{
  unsigned mask;
  struct yeon_cable_way way[2];
  if (!take_mask(c, cable, &mask)) return 2;
  for (unsigned d = 0; d < 2; d++) yeon_cable_get(cable->cable, d, &way[d]);
  int status = read_settings(c, way);
  for (unsigned d = 0; d < 2 && status == 0; d++) {
    const char *field = "?";
    if (yeon_cable_way_check(&way[d], &field) != 0) return command_fail(c, "%s is out of range", field);
    if (mask & (1u << d)) (void)yeon_cable_set(cable->cable, 1u << d, &way[d], lab_now());
  }
  lab_cable_changed(cable);
  return status;
}

static const struct {
  const char *name;
  int (*run)(struct command *c, struct lab_cable *cable);
} verbs[] = {{"show", show}, {"cut", cut}, {"join", join}, {"set", set}};

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

int command_cable(struct command *c)
{
  if (c->lab->n_cables == 0) return command_fail(c, "%s", "this lab has no cable");
  struct lab_cable *cable = take_cable(c);
  const char *word = command_next(c);
  if (word == NULL) return show(c, cable);
  for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
    if (strcmp(verbs[i].name, word) == 0) return verbs[i].run(c, cable);
  return command_fail(c, "a cable can show, cut, join and set, not '%s'", word);
}
