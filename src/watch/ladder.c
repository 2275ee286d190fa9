/* The public face of the ladder: what comes in, in order of time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "watch/ladder.h"

#define WIDTH_DEFAULT 80
#define DECIMALS_DEFAULT 3

int yeon_ladder_new(struct yeon_ladder **out, const struct yeon_ladder_config *config)
{
  static const char *const fallback[2] = {"left", "right"};
  unsigned width = config->width != 0 ? config->width : WIDTH_DEFAULT;
  if (config->line == NULL || config->decimals > 9 || width < CANVAS_WIDTH_MIN || width > CANVAS_WIDTH_MAX)
    return YEON_ERR_INVALID;
  struct yeon_ladder *l = calloc(1, sizeof *l);
  if (l == NULL) return YEON_ERR_NO_MEMORY;
  l->config = *config;
  if (l->config.decimals == 0) l->config.decimals = DECIMALS_DEFAULT;
  for (unsigned side = 0; side < 2; side++) {
    snprintf(l->name[side], sizeof l->name[side], "%s",
             config->name[side] != NULL ? config->name[side] : fallback[side]);
    l->config.name[side] = l->name[side];
  }
  canvas_init(&l->canvas, width, (config->flags & YEON_LADDER_UTF8) != 0, (config->flags & YEON_LADDER_COLOUR) != 0);
  l->drawn_at = YEON_NEVER;
  l->fold.from = YEON_NEVER;
  *out = l;
  return 0;
}

void yeon_ladder_flush(struct yeon_ladder *l) { ladder_rows_drain(l, l->now, true); }

void yeon_ladder_restart(struct yeon_ladder *l)
{
  yeon_ladder_flush(l);
  l->headed = false;
  l->drawn_at = YEON_NEVER;
}

void yeon_ladder_free(struct yeon_ladder *l)
{
  if (l == NULL) return;
  yeon_ladder_flush(l);
  free(l->conns);
  free(l);
}

/* Time goes on: rows that can gain nothing any more are drawn. */
static void advance(struct yeon_ladder *l, yeon_time at)
{
  if (at <= l->now) return;
  l->now = at;
  ladder_rows_drain(l, at, false);
}

/* Without memory the row stays empty. */
static void keep_words(struct row *row, const char *text)
{
  size_t size = strlen(text) + 1;
  row->words = malloc(size);
  if (row->words != NULL) memcpy(row->words, text, size);
}

static void cable_row(struct yeon_ladder *l, const struct yeon_event *e)
{
  static const char *const ways[] = {", left to right", ", right to left", ""};
  uint8_t op = e->u.cable.op;
  if (op != YEON_CABLE_CUT && op != YEON_CABLE_JOINED && op != YEON_CABLE_SET) return;
  struct row *row = ladder_row_add(l, ROW_CABLE, 0, e->at);
  if (row == NULL) return;
  struct text t = text_over(row->text, sizeof row->text);
  text_add(&t, "cable %s%s", yeon_cable_op_name((enum yeon_cable_op)op),
           ways[e->u.cable.direction < 2 ? e->u.cable.direction : 2]);
  if (op == YEON_CABLE_SET && e->u.cable.text != NULL) text_add(&t, ": %s", e->u.cable.text);
  row->style = op == YEON_CABLE_CUT ? STYLE_BAD : op == YEON_CABLE_JOINED ? STYLE_GOOD : STYLE_WARN;
  row->mark = op == YEON_CABLE_CUT ? MARK_ERROR : MARK_NONE;
}

/* Of another connection than this ladder's: towards a third host, or not the port asked for. */
static bool is_foreign(const struct yeon_ladder *l, const struct yeon_event *e)
{
  uint16_t port = l->config.port;
  return port != 0 && (e->local.port != 0 || e->remote.port != 0) && e->local.port != port && e->remote.port != port;
}

void yeon_ladder_event(struct yeon_ladder *l, const struct yeon_event *e)
{
  advance(l, e->at);
  if (e->type == YEON_EV_CABLE) {
    cable_row(l, e);
    return;
  }
  if (e->type == YEON_EV_NOTE && e->host == 0) {
    yeon_ladder_note(l, e->at, YEON_TONE_PLAIN, e->u.note.text);
    return;
  }
  for (unsigned side = 0; side < 2; side++) {
    if (e->host != l->config.host[side] || is_foreign(l, e)) continue;
    if (e->type != YEON_EV_NOTE) {
      ladder_event(l, side, e);
      return;
    }
    struct row *row = ladder_row_add(l, ROW_SIDE, side, e->at);
    if (row == NULL) return;
    keep_words(row, e->u.note.text);
    return;
  }
}

static void settle(struct yeon_ladder *l, unsigned from, const struct yeon_cable_tap *tap)
{
  struct row *row = ladder_row_flying(l, from, tap->number);
  if (row == NULL) return;
  row->done_at = tap->at;
  row->corrupted = tap->corrupted;
  row->reordered = tap->reordered;
  row->marked = tap->marked;
  switch (tap->moment) {
  case YEON_MOMENT_DELIVERED:
    row->fate = FATE_ARRIVED;
    if (tap->at > tap->sent_at) l->flight[from] = tap->at - tap->sent_at;
    break;
  case YEON_MOMENT_LOST: row->fate = FATE_LOST; break;
  case YEON_MOMENT_QUEUE_FULL: row->fate = FATE_QUEUE_FULL; break;
  case YEON_MOMENT_CODEL: row->fate = FATE_CODEL; break;
  default: row->fate = FATE_SWALLOWED; break;
  }
  if (row->fate != FATE_ARRIVED || row->corrupted || row->reordered || row->marked) row->plain = false;
}

void yeon_ladder_frame(struct yeon_ladder *l, unsigned from, const struct yeon_cable_tap *tap)
{
  advance(l, tap->at);
  from &= 1;
  if (tap->moment == YEON_MOMENT_SENT) {
    struct row *row = ladder_label(l, from, tap);
    if (row == NULL) return;
    row->number = tap->number;
    row->fate = FATE_FLYING;
    return;
  }
  if (!tap->duplicate) {
    settle(l, from, tap);
    return;
  }
  /* The second copy: its original is still here, because both arrive together. */
  for (struct row *r = l->first; r != NULL; r = r->next) {
    if (r->kind != ROW_FRAME || r->side != from || r->number != tap->number) continue;
    r->duplicate = true;
    r->plain = false;
    return;
  }
}

void yeon_ladder_seen(struct yeon_ladder *l, unsigned from, const struct yeon_frame *frame, yeon_time at)
{
  struct yeon_cable_tap tap = {
      .moment = YEON_MOMENT_SENT, .number = ++l->n_seen, .sent_at = at, .at = at, .frame = frame};
  yeon_ladder_frame(l, from, &tap);
  tap.moment = YEON_MOMENT_DELIVERED;
  yeon_ladder_frame(l, from, &tap);
}

static enum canvas_style tone_style(enum yeon_ladder_tone tone)
{
  static const enum canvas_style styles[] = {STYLE_BOLD, STYLE_GOOD, STYLE_WARN, STYLE_BAD, STYLE_PLAIN};
  return styles[tone];
}

void yeon_ladder_note(struct yeon_ladder *l, yeon_time at, enum yeon_ladder_tone tone, const char *text)
{
  advance(l, at);
  struct row *row = ladder_row_add(l, tone == YEON_TONE_RAW ? ROW_RAW : ROW_WIDE, 0, at);
  if (row == NULL) return;
  row->style = (uint8_t)tone_style(tone);
  keep_words(row, text);
}

void yeon_ladder_line(const char *text, unsigned flags, enum yeon_ladder_tone tone, yeon_line_fn *line, void *ctx)
{
  struct canvas wide;
  char out[CANVAS_TEXT_MAX];
  canvas_init(&wide, CANVAS_WIDTH_MAX, (flags & YEON_LADDER_UTF8) != 0, (flags & YEON_LADDER_COLOUR) != 0);
  canvas_put(&wide, 0, wide.width, tone_style(tone), text);
  canvas_text(&wide, out, sizeof out);
  line(ctx, out);
}
