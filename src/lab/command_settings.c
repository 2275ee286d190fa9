/* What a cable can be set to, by name, with the units of each. */
#define _GNU_SOURCE
#include <stddef.h>
#include <string.h>

#include "lab/command.h"

enum quantity { TIME, RATE, BYTES, SHARE };

static const struct setting {
  const char *name;
  enum quantity quantity;
  size_t offset; /* in struct yeon_cable_way */
} settings[] = {
    {"delay", TIME, offsetof(struct yeon_cable_way, delay_us)},
    {"jitter", TIME, offsetof(struct yeon_cable_way, jitter_us)},
    {"rate", RATE, offsetof(struct yeon_cable_way, rate_bps)},
    {"queue", BYTES, offsetof(struct yeon_cable_way, queue_bytes)},
    {"loss", SHARE, offsetof(struct yeon_cable_way, loss_ppm)},
    {"burst", SHARE, offsetof(struct yeon_cable_way, burst_enter_ppm)},
    {"burst-enter", SHARE, offsetof(struct yeon_cable_way, burst_enter_ppm)},
    {"burst-leave", SHARE, offsetof(struct yeon_cable_way, burst_leave_ppm)},
    {"burst-loss", SHARE, offsetof(struct yeon_cable_way, burst_loss_ppm)},
    {"reorder", SHARE, offsetof(struct yeon_cable_way, reorder_ppm)},
    {"reorder-by", TIME, offsetof(struct yeon_cable_way, reorder_us)},
    {"duplicate", SHARE, offsetof(struct yeon_cable_way, duplicate_ppm)},
    {"corrupt", SHARE, offsetof(struct yeon_cable_way, corrupt_ppm)},
};
#define SETTINGS (sizeof settings / sizeof settings[0])
#define BURST_LEAVE 100000u /* ppm: a burst of 10 frames on average, when nothing else is said */

/* "burst_enter", as Lua has it, is "burst-enter". */
static bool same_name(const char *name, const char *word)
{
  for (; *name != '\0' && (*name == *word || (*name == '-' && *word == '_')); name++) word++;
  return *name == *word;
}

static const struct setting *find(const char *word)
{
  for (size_t i = 0; i < SETTINGS; i++)
    if (same_name(settings[i].name, word)) return &settings[i];
  return NULL;
}

static int wrong_name(struct command *c, const char *word)
{
  fprintf(c->out, "a cable has no setting '%s'; it has", word);
  for (size_t i = 0; i < SETTINGS; i++) fprintf(c->out, " %s%s", settings[i].name, i + 1 < SETTINGS ? "," : ", or: perfect\n");
  return 2;
}

static int wrong_value(struct command *c, const struct setting *s, const char *value)
{
  static const char *const wanted[] = {"a time with its unit, as 40ms, 500us or 2s", "bits a second, as 10mbit or 500kbit",
                                       "bytes, as 64KB, 64KiB or 1500B", "a share of the frames, as 1% or 200ppm"};
  fprintf(c->out, "%s wants %s, not '%s'\n", s->name, wanted[s->quantity], value != NULL ? value : "");
  return 2;
}

static bool read_us(const char *word, uint32_t *us)
{
  yeon_time t;
  if (!command_time(word, &t) || t / YEON_US > UINT32_MAX) return false;
  *us = (uint32_t)(t / YEON_US);
  return true;
}

static bool read_value(const struct setting *s, const char *value, struct yeon_cable_way *way)
{
  char *field = (char *)way + s->offset;
  uint32_t small = 0;
  uint64_t rate = 0;
  bool fine = s->quantity == TIME    ? read_us(value, &small)
              : s->quantity == RATE  ? command_rate(value, &rate)
              : s->quantity == BYTES ? command_bytes(value, &small)
                                     : command_share(value, &small);
  if (!fine) return false;
  if (s->quantity == RATE) memcpy(field, &rate, sizeof rate);
  else memcpy(field, &small, sizeof small);
  if (way->burst_enter_ppm > 0 && way->burst_leave_ppm == 0) way->burst_leave_ppm = BURST_LEAVE;
  return true;
}

int command_settings(struct command *c, struct yeon_cable_way way[2])
{
  const char *name;
  if (command_peek(c) == NULL)
    return command_fail(c, "%s", "set what? delay 40ms jitter 5ms rate 10mbit queue 64KB loss 1% burst 0.1% reorder 1% duplicate 1% corrupt 1%, or: perfect");
  while ((name = command_next(c)) != NULL) {
    if (strcmp(name, "perfect") == 0) {
      way[0] = way[1] = (struct yeon_cable_way){0};
      continue;
    }
    const struct setting *s = find(name);
    if (s == NULL) return wrong_name(c, name);
    const char *value = command_next(c);
    if (value == NULL || !read_value(s, value, &way[0]) || !read_value(s, value, &way[1])) return wrong_value(c, s, value);
  }
  return 0;
}
