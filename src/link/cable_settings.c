/* The settings of a cable's direction: are they in range, and what are they in words. */
#include <stdarg.h>
#include <stdio.h>

#include <yeon/cable.h>

#define LONGEST_US 1000000000u
#define DEEPEST_BUCKET 1000000000u /* the arithmetic of cable_line.c holds to there and beyond */

struct limit {
  const char *name;
  uint32_t value, most;
};

int yeon_cable_way_check(const struct yeon_cable_way *way, const char **field)
{
  const struct limit limits[] = {
      {"delay_us", way->delay_us, LONGEST_US},
      {"jitter_us", way->jitter_us, LONGEST_US},
      {"loss_ppm", way->loss_ppm, YEON_CABLE_ALWAYS},
      {"burst_enter_ppm", way->burst_enter_ppm, YEON_CABLE_ALWAYS},
      {"burst_leave_ppm", way->burst_leave_ppm, YEON_CABLE_ALWAYS},
      {"burst_loss_ppm", way->burst_loss_ppm, YEON_CABLE_ALWAYS},
      {"reorder_ppm", way->reorder_ppm, YEON_CABLE_ALWAYS},
      {"reorder_us", way->reorder_us, LONGEST_US},
      {"duplicate_ppm", way->duplicate_ppm, YEON_CABLE_ALWAYS},
      {"corrupt_ppm", way->corrupt_ppm, YEON_CABLE_ALWAYS},
      {"reorder_up_to_us", way->reorder_up_to_us, LONGEST_US},
      {"bucket_bytes", way->bucket_bytes, DEEPEST_BUCKET},
      {"codel_target_us", way->codel_target_us, LONGEST_US},
      {"codel_interval_us", way->codel_interval_us, LONGEST_US},
      {"codel_marks", way->codel_marks, 1},
      {"burst_leave_ppm", way->burst_enter_ppm > 0 && way->burst_leave_ppm == 0, 0}, /* a burst without end */
      {"rate_bps", way->rate_bps > UINT64_C(1000000000000000), 0}, /* 10^15: the arithmetic holds to there */
  };
  for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
    if (limits[i].value <= limits[i].most) continue;
    if (field != NULL) *field = limits[i].name;
    return YEON_ERR_INVALID;
  }
  return YEON_OK;
}

bool yeon_cable_way_perfect(const struct yeon_cable_way *w)
{
  return w->delay_us == 0 && w->jitter_us == 0 && w->rate_bps == 0 && w->loss_ppm == 0 && w->burst_enter_ppm == 0 &&
         w->reorder_ppm == 0 && w->duplicate_ppm == 0 && w->corrupt_ppm == 0 && w->drop_above == 0 && w->trace == NULL;
}

struct text {
  char *buf;
  size_t size, len;
};

__attribute__((format(printf, 2, 3))) static void append(struct text *t, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  int n = vsnprintf(t->buf + t->len, t->size - t->len, format, args);
  va_end(args);
  if (n > 0) t->len += (size_t)n < t->size - t->len ? (size_t)n : t->size - t->len - 1;
}

static void append_time(struct text *t, const char *what, uint32_t us)
{
  if (us == 0) return;
  const char *gap = t->len ? ", " : "";
  if (us % 1000 == 0)
    append(t, "%s%s%u ms", gap, what, us / 1000);
  else
    append(t, "%s%s%u us", gap, what, us);
}

static void append_share(struct text *t, const char *what, uint32_t ppm)
{
  if (ppm == 0) return;
  append(t, "%s%s%u", t->len ? ", " : "", what, ppm / 10000);
  uint32_t part = ppm % 10000, digits = 4;
  for (; part > 0 && part % 10 == 0; digits--) part /= 10;
  if (part > 0) append(t, ".%0*u", (int)digits, part);
  append(t, "%%");
}

static void append_rate(struct text *t, uint64_t bps)
{
  if (bps == 0) return;
  const char *gap = t->len ? ", " : "";
  if (bps % 1000000 == 0)
    append(t, "%s%llu Mbit/s", gap, (unsigned long long)(bps / 1000000));
  else if (bps % 1000 == 0)
    append(t, "%s%llu kbit/s", gap, (unsigned long long)(bps / 1000));
  else
    append(t, "%s%llu bit/s", gap, (unsigned long long)bps);
}

static void append_queue(struct text *t, const struct yeon_cable_way *way)
{
  if (way->trace != NULL) {
    uint32_t ms = yeon_cable_trace_length_ms(way->trace);
    append(t, "%strace of %u.%03u s", t->len ? ", " : "", ms / 1000, ms % 1000);
    append(t, " (%llu kbit/s)", (unsigned long long)(yeon_cable_trace_bps(way->trace) / 1000));
  } else {
    append_rate(t, way->rate_bps);
  }
  if (way->rate_bps == 0 && way->trace == NULL) return;
  if (way->trace == NULL && way->bucket_bytes > 0) append(t, ", bucket %u bytes", way->bucket_bytes);
  if (way->queue_bytes > 0) append(t, ", queue %u bytes", way->queue_bytes);
  if (way->mark_bytes > 0) append(t, ", marks above %u bytes", way->mark_bytes);
  if (way->codel_target_us == 0) return;
  append_time(t, way->codel_marks ? "CoDel (marks) " : "CoDel ", way->codel_target_us);
  append_time(t, "interval ", way->codel_interval_us);
}

char *yeon_cable_way_format(const struct yeon_cable_way *way, char *buf, size_t size)
{
  if (size == 0) return buf;
  struct text t = {buf, size, 0};
  buf[0] = '\0';
  append_time(&t, "", way->delay_us);
  append_time(&t, "jitter ", way->jitter_us);
  append_queue(&t, way);
  append_share(&t, "loss ", way->loss_ppm);
  if (way->burst_enter_ppm > 0) {
    append_share(&t, "bursts ", way->burst_enter_ppm);
    append_share(&t, "ending ", way->burst_leave_ppm);
    append_share(&t, "losing ", way->burst_loss_ppm);
  }
  append_share(&t, "reorder ", way->reorder_ppm);
  if (way->reorder_ppm > 0) append_time(&t, "by ", way->reorder_us);
  if (way->reorder_ppm > 0) append_time(&t, "by up to ", way->reorder_up_to_us);
  if (way->drop_above > 0) append(&t, "%sdrops above %u bytes", t.len ? ", " : "", way->drop_above);
  append_share(&t, "duplicate ", way->duplicate_ppm);
  append_share(&t, "corrupt ", way->corrupt_ppm);
  if (t.len == 0) append(&t, "perfect");
  return buf;
}
