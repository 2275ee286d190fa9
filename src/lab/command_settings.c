/* What a cable can be set to, by name, with the units of each. */
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "lab/command.h"

enum quantity { TIME, RATE, BYTES, SHARE, TARGET, SWITCH, TRACE };

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
    {"reorder-up-to", TIME, offsetof(struct yeon_cable_way, reorder_up_to_us)},
    {"duplicate", SHARE, offsetof(struct yeon_cable_way, duplicate_ppm)},
    {"corrupt", SHARE, offsetof(struct yeon_cable_way, corrupt_ppm)},
    {"bucket", BYTES, offsetof(struct yeon_cable_way, bucket_bytes)},
    {"mark", BYTES, offsetof(struct yeon_cable_way, mark_bytes)},
    {"codel", TARGET, offsetof(struct yeon_cable_way, codel_target_us)},
    {"codel-interval", TIME, offsetof(struct yeon_cable_way, codel_interval_us)},
    {"codel-marks", SWITCH, offsetof(struct yeon_cable_way, codel_marks)},
    {"drop-above", BYTES, offsetof(struct yeon_cable_way, drop_above)},
    {"trace", TRACE, offsetof(struct yeon_cable_way, trace)},
};
#define SETTINGS (sizeof settings / sizeof settings[0])
#define BURST_LEAVE 100000u  /* ppm: a burst of 10 frames on average, when nothing else is said */
#define CODEL_TARGET 5000u   /* us: what RFC 8289 4.3 advises */

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
                                       "bytes, as 64KB, 64KiB or 1500B", "a share of the frames, as 1% or 200ppm",
                                       "on, off, or the longest time that frames should wait, as 5ms", "on or off",
                                       "the name of a file with a millisecond stamp a line, or off"};
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

/* "on" is `yes`, "off" is 0. */
static bool read_switch(const char *word, uint32_t yes, uint32_t *out)
{
  if (strcmp(word, "on") != 0 && strcmp(word, "off") != 0) return false;
  *out = word[1] == 'n' ? yes : 0;
  return true;
}

static bool read_small(enum quantity quantity, const char *value, uint32_t *out)
{
  switch (quantity) {
  case TIME: return read_us(value, out);
  case BYTES: return command_bytes(value, out);
  case SHARE: return command_share(value, out);
  case TARGET: return read_switch(value, CODEL_TARGET, out) || read_us(value, out);
  default: return read_switch(value, 1, out);
  }
}

/* A rate takes the place of a trace, and a trace that of a rate. */
static bool read_value(const struct setting *s, const char *value, struct yeon_cable_way *way)
{
  uint32_t small = 0;
  if (s->quantity == RATE) {
    if (!command_rate(value, &way->rate_bps)) return false;
    way->trace = NULL;
    return true;
  }
  if (!read_small(s->quantity, value, &small)) return false;
  memcpy((char *)way + s->offset, &small, sizeof small);
  if (way->burst_enter_ppm > 0 && way->burst_leave_ppm == 0) way->burst_leave_ppm = BURST_LEAVE;
  return true;
}

static int wrong_trace(struct command *c, const char *path, int error, unsigned line)
{
  if (error == YEON_ERR_IO) fprintf(c->out, "trace %s: %s\n", path, strerror(errno));
  else if (error == YEON_ERR_NO_MEMORY) fprintf(c->out, "trace %s: no memory\n", path);
  else if (line > 0) fprintf(c->out, "trace %s, line %u: wanted milliseconds, a whole number not less than the one before\n", path, line);
  else fprintf(c->out, "trace %s: wanted a millisecond stamp a line, at least one, the last more than 0\n", path);
  return 2;
}

static int read_trace(struct command *c, const char *path, struct command_ways *ways)
{
  struct yeon_cable_trace *trace = NULL;
  unsigned line = 0;
  if (strcmp(path, "off") != 0) {
    int error = yeon_cable_trace_load(&trace, path, &line);
    if (error != 0) return wrong_trace(c, path, error, line);
  }
  yeon_cable_trace_release(ways->loaded);
  ways->loaded = ways->way[0].trace = ways->way[1].trace = trace;
  return 0;
}

static int read_settings(struct command *c, struct command_ways *ways)
{
  const char *name;
  while ((name = command_next(c)) != NULL) {
    if (strcmp(name, "perfect") == 0) {
      ways->way[0] = ways->way[1] = (struct yeon_cable_way){0};
      continue;
    }
    const struct setting *s = find(name);
    if (s == NULL) return wrong_name(c, name);
    const char *value = command_next(c);
    if (value == NULL) return wrong_value(c, s, value);
    if (s->quantity == TRACE) {
      if (read_trace(c, value, ways) != 0) return 2;
    } else if (!read_value(s, value, &ways->way[0]) || !read_value(s, value, &ways->way[1])) {
      return wrong_value(c, s, value);
    }
  }
  return 0;
}

int command_settings(struct command *c, struct command_ways *ways)
{
  ways->loaded = NULL;
  if (command_peek(c) == NULL)
    return command_fail(c, "%s", "set what? delay 40ms jitter 5ms rate 10mbit queue 64KB loss 1% burst 0.1% reorder 1% duplicate 1% corrupt 1% "
                                 "codel on mark 30KB bucket 15KB trace FILE, or: perfect");
  int status = read_settings(c, ways);
  if (status != 0) yeon_cable_trace_release(ways->loaded);
  return status;
}
