/* One row, one line (two when a segment's options need a line of their own). Columns:
 *
 *   time  |<lifeline>        inner        <lifeline>|  time
 *
 * An arrow's words stand beside its sender, so that the eye finds who speaks. */
#include <stdio.h>
#include <string.h>

#include "watch/ladder.h"

#define QUIET_SPAN YEON_SEC /* this long without a line is told */

struct frame_words {
  char text[480];
  char below[220]; /* what found no room */
};

static unsigned decimals(const struct yeon_ladder *l) { return l->config.decimals; }
static unsigned time_columns(const struct yeon_ladder *l) { return decimals(l) + 5; }
static unsigned left_line(const struct yeon_ladder *l) { return time_columns(l) + 1; }
static unsigned right_line(const struct yeon_ladder *l) { return l->canvas.width - 1u - left_line(l); }

static void put_time(struct yeon_ladder *l, unsigned side, yeon_time at)
{
  char text[48];
  unsigned columns = time_columns(l);
  snprintf(text, sizeof text, "%.*f", (int)decimals(l), (double)at / 1e9);
  if (side == 0)
    canvas_put_right(&l->canvas, 0, columns, STYLE_DIM, text);
  else
    canvas_put(&l->canvas, l->canvas.width - columns, l->canvas.width, STYLE_DIM, text);
}

static void begin_line(struct yeon_ladder *l)
{
  canvas_clear(&l->canvas);
  canvas_put(&l->canvas, left_line(l), l->canvas.width, STYLE_DIM, "│");
  canvas_put(&l->canvas, right_line(l), l->canvas.width, STYLE_DIM, "│");
}

static void end_line(struct yeon_ladder *l)
{
  char text[CANVAS_TEXT_MAX];
  canvas_text(&l->canvas, text, sizeof text);
  l->config.line(l->config.ctx, text);
}

static void draw_names(struct yeon_ladder *l)
{
  struct canvas *c = &l->canvas;
  unsigned left = left_line(l), right = right_line(l);
  unsigned half = canvas_columns(l->name[0]) / 2;
  canvas_clear(c);
  canvas_put(c, left > half ? left - half : 0, (left + right) / 2, STYLE_BOLD, l->name[0]);
  unsigned columns = canvas_columns(l->name[1]);
  unsigned end = right + (columns + 1) / 2;
  canvas_put_right(c, (left + right) / 2, end < c->width ? end : c->width, STYLE_BOLD, l->name[1]);
  end_line(l);
  l->headed = true;
}

/* A long time in which nothing was drawn. */
static void draw_silence(struct yeon_ladder *l, yeon_time at)
{
  char span[32], text[64];
  if (l->drawn_at == YEON_NEVER || at - l->drawn_at < QUIET_SPAN) return;
  unsigned left = left_line(l), right = right_line(l);
  begin_line(l);
  canvas_put(&l->canvas, left, right, STYLE_DIM, "┊");
  canvas_put(&l->canvas, right, right + 1, STYLE_DIM, "┊");
  snprintf(text, sizeof text, "⋮ %s ⋮", text_span(at - l->drawn_at, span, sizeof span));
  unsigned columns = canvas_columns(text);
  canvas_put(&l->canvas, (left + right + 1 - columns) / 2, right, STYLE_DIM, text);
  end_line(l);
}

static void wrap_text(const char **text, unsigned room, char *line, size_t size)
{
  const char *p = *text;
  size_t best = 0, at = 0;
  while (p[at] != '\0') {
    if (p[at] == ' ') best = at;
    at++;
    while ((p[at] & 0xc0) == 0x80) at++;
    snprintf(line, size, "%.*s", (int)at, p);
    if (canvas_columns(line) > room) break;
  }
  if (p[at] == '\0' && canvas_columns(p) <= room) best = at;
  if (best == 0) best = at;
  snprintf(line, size, "%.*s", (int)best, p);
  *text = p + best;
  while (**text == ' ') (*text)++;
}

static void draw_side(struct yeon_ladder *l, const struct row *row)
{
  unsigned left = left_line(l), right = right_line(l);
  unsigned own = row->side == 0 ? left : right;
  const char *bullet = row->mark == MARK_STATE   ? "●"
                       : row->mark == MARK_CALL  ? "▸"
                       : row->mark == MARK_ERROR ? "●"
                                                 : NULL;
  char line[512], tagged[220];
  bool tag = l->n_numbers > 1 && row->conn != 0;
  char number[16] = "";
  if (tag) snprintf(number, sizeof number, "#%u ", row->conn);
  snprintf(tagged, sizeof tagged, "%s%s", number, row->text);
  const char *rest = row->words != NULL ? row->words : tagged;
  for (bool first = true; first || *rest != '\0'; first = false) {
    begin_line(l);
    wrap_text(&rest, right - left - 5, line, sizeof line);
    if (first) put_time(l, row->side, row->at);
    enum canvas_style style = (enum canvas_style)row->style;
    if (first && bullet != NULL && row->mark != MARK_CALL) canvas_put(&l->canvas, own, own + 1, style, bullet);
    if (row->side == 0)
      canvas_put(&l->canvas, left + 2, right - 1, style, line);
    else
      canvas_put_right(&l->canvas, left + 2, right - 1, style, line);
    end_line(l);
  }
}

static void draw_wide(struct yeon_ladder *l, const struct row *row)
{
  struct canvas *c = &l->canvas;
  unsigned left = left_line(l), right = right_line(l);
  enum canvas_style style = (enum canvas_style)row->style;
  char line[512];
  const char *rest = row->words != NULL ? row->words : row->text;
  bool ruled = row->mark == MARK_GAP || row->mark == MARK_OPENING;
  for (bool first = true; first || *rest != '\0'; first = false) {
    begin_line(l);
    wrap_text(&rest, right - left - 5, line, sizeof line);
    if (ruled) {
      canvas_fill(c, left + 1, right, style, "┄");
      char padded[520];
      snprintf(padded, sizeof padded, " %s ", line);
      canvas_put(c, (left + right + 1 - canvas_columns(padded)) / 2, right, style, padded);
    } else {
      if (first && line[0] != '\0') put_time(l, 0, row->at);
      canvas_put(c, left + 3, right, style, line);
    }
    end_line(l);
  }
}

static void draw_cable(struct yeon_ladder *l, const struct row *row)
{
  struct canvas *c = &l->canvas;
  unsigned left = left_line(l), right = right_line(l);
  enum canvas_style style = (enum canvas_style)row->style;
  char padded[216];
  begin_line(l);
  put_time(l, 0, row->at);
  canvas_fill(c, left, right + 1, style, row->mark == MARK_ERROR ? "━" : "─");
  canvas_put(c, left, right, style, row->mark == MARK_ERROR ? "┝" : "├");
  canvas_put(c, right, right + 1, style, row->mark == MARK_ERROR ? "┥" : "┤");
  snprintf(padded, sizeof padded, " %s ", row->text);
  unsigned columns = canvas_columns(padded), room = right - left - 1;
  canvas_put(c, columns < room ? (left + right + 1 - columns) / 2 : left + 1, right, style, padded);
  put_time(l, 1, row->at);
  end_line(l);
}

static const char *fate_words(const struct row *row)
{
  switch (row->fate) {
  case FATE_LOST: return "✕ lost";
  case FATE_QUEUE_FULL: return "✕ queue full";
  case FATE_CODEL: return "✕ CoDel";
  case FATE_SWALLOWED: return "✕";
  case FATE_FLYING: return "…";
  default: return "";
  }
}

/* As much as fits into room: the window goes first if it is known, then the options go to a line of their own. */
static void compose(const struct yeon_ladder *l, const struct row *row, unsigned room, struct frame_words *out)
{
  char number[16] = "", opts[140] = "", why[80] = "";
  if (l->n_numbers > 1 && row->conn != 0) snprintf(number, sizeof number, "#%u ", row->conn);
  if (row->opts[0] != '\0') snprintf(opts, sizeof opts, " ‹%s›", row->opts + 1);
  const char *mark = row->again ? "↻ " : "";
  if (row->why[0] != '\0') snprintf(why, sizeof why, " · %s", row->why);
  if (row->duplicate) strncat(why, " · arrives twice", sizeof why - strlen(why) - 1);
  if (row->corrupted) strncat(why, " · a bit flipped", sizeof why - strlen(why) - 1);
  if (row->reordered) strncat(why, " · held up", sizeof why - strlen(why) - 1);
  if (row->marked) strncat(why, " · marked CE", sizeof why - strlen(why) - 1);
  out->below[0] = '\0';
  snprintf(out->text, sizeof out->text, "%s%s%s%s%s%s", number, mark, row->text, row->win, why, opts);
  if (canvas_columns(out->text) <= room) return;
  if (row->win_known) {
    snprintf(out->text, sizeof out->text, "%s%s%s%s%s", number, mark, row->text, why, opts);
    if (canvas_columns(out->text) <= room) return;
  }
  const char *win = row->win_known ? "" : row->win;
  snprintf(out->text, sizeof out->text, "%s%s%s%s%s", number, mark, row->text, win, why);
  snprintf(out->below, sizeof out->below, "%s", opts[0] != '\0' ? opts + 1 : "");
  if (canvas_columns(out->text) <= room) return;
  snprintf(out->text, sizeof out->text, "%s%s%s%s", number, mark, row->text, win);
  snprintf(out->below, sizeof out->below, "%s%s", why[0] != '\0' ? why + strlen(" · ") : "", opts);
}

/* How far it came, in columns of the way between the lifelines. */
static unsigned reach(const struct yeon_ladder *l, const struct row *row, unsigned way)
{
  if (row->fate == FATE_ARRIVED) return way;
  if (row->fate == FATE_LOST) return way / 2;
  if (row->fate == FATE_FLYING) return way - 1;
  yeon_time flight = l->flight[row->side];
  if (row->fate == FATE_QUEUE_FULL || row->fate == FATE_CODEL || flight == 0 || row->done_at <= row->at) return 0;
  yeon_time gone = row->done_at - row->at;
  return gone >= flight ? way - 1 : (unsigned)((double)way * (double)gone / (double)flight);
}

static void draw_arrow(struct yeon_ladder *l, const struct row *row, const char *words)
{
  struct canvas *c = &l->canvas;
  unsigned left = left_line(l), right = right_line(l), way = right - left - 1;
  enum canvas_style line = row->side == 0 ? STYLE_LEFT : STYLE_RIGHT;
  enum canvas_style style = row->style != STYLE_PLAIN ? (enum canvas_style)row->style : line;
  const char *end = fate_words(row);
  unsigned columns = canvas_columns(words), end_columns = canvas_columns(end);
  bool arrived = row->fate == FATE_ARRIVED;
  unsigned shaft = arrived ? way : reach(l, row, way);
  if (shaft < columns + 4 + end_columns) shaft = columns + 4 + end_columns;
  if (shaft > way) shaft = way;
  enum canvas_style dead = row->fate == FATE_FLYING ? STYLE_DIM : STYLE_BAD;
  if (row->side == 0) {
    canvas_put(c, left, right, line, "├");
    canvas_fill(c, left + 1, left + 1 + shaft, line, "─");
    canvas_put(c, left + 2, right, style, " ");
    unsigned after = canvas_put(c, left + 3, left + shaft, style, words);
    canvas_put(c, after, right, style, " ");
    if (arrived) canvas_put(c, right - 1, right, line, "▶");
    if (!arrived) canvas_put_right(c, left + 1, left + 1 + shaft, dead, end);
    return;
  }
  canvas_put(c, right, right + 1, line, "┤");
  canvas_fill(c, right - shaft, right, line, "─");
  unsigned from = canvas_put_right(c, right - shaft + 1, right - 2, style, words);
  canvas_put(c, from - 1, right, style, " ");
  canvas_put(c, right - 2, right, style, " ");
  if (arrived) canvas_put(c, left + 1, right, line, "◀");
  if (!arrived) canvas_put(c, right - shaft, right, dead, end);
}

static void draw_frame(struct yeon_ladder *l, const struct row *row)
{
  struct canvas *c = &l->canvas;
  unsigned left = left_line(l), right = right_line(l), way = right - left - 1;
  unsigned end = canvas_columns(fate_words(row));
  struct frame_words words;
  compose(l, row, way - (row->fate == FATE_ARRIVED ? 4 : 4 + end), &words);
  begin_line(l);
  put_time(l, row->side, row->at);
  if (row->fate == FATE_ARRIVED) put_time(l, 1 - row->side, row->done_at);
  draw_arrow(l, row, words.text);
  end_line(l);
  if (words.below[0] == '\0') return;
  begin_line(l);
  if (row->side == 0)
    canvas_put(c, left + 3, right, STYLE_DIM, words.below);
  else
    canvas_put_right(c, left + 3, right - 2, STYLE_DIM, words.below);
  end_line(l);
}

void ladder_draw(struct yeon_ladder *l, const struct row *row)
{
  if (row->kind == ROW_RAW) {
    yeon_ladder_line(row->words != NULL ? row->words : "", l->config.flags, YEON_TONE_RAW, l->config.line,
                     l->config.ctx);
    return;
  }
  if (!l->headed) draw_names(l);
  draw_silence(l, row->at);
  switch (row->kind) {
  case ROW_FRAME: draw_frame(l, row); break;
  case ROW_SIDE: draw_side(l, row); break;
  case ROW_WIDE: draw_wide(l, row); break;
  default: draw_cable(l, row); break;
  }
  yeon_time until = row->fate == FATE_ARRIVED && row->kind == ROW_FRAME ? row->done_at : row->at;
  if (l->drawn_at == YEON_NEVER || until > l->drawn_at) l->drawn_at = until;
}

static const char *plural(uint64_t n) { return n == 1 ? "" : "s"; }

static void fold_side(struct text *t, const struct ladder_fold *f, unsigned side)
{
  char bytes[32];
  const char *arrow = side == 0 ? "→" : "←";
  const struct {
    uint64_t n;
    const char *what;
  } rows[] = {{f->segments[side], "segment"}, {f->datagrams[side], "datagram"}};
  for (unsigned i = 0; i < 2; i++)
    if (rows[i].n > 0)
      text_add(t, "%s%llu %s%s, %s %s", t->len > 0 ? " · " : "", (unsigned long long)rows[i].n, rows[i].what,
               plural(rows[i].n), text_bytes(f->bytes[side], bytes, sizeof bytes), arrow);
  if (f->acks[side] > 0)
    text_add(t, "%s%llu ACK%s %s", t->len > 0 ? " · " : "", (unsigned long long)f->acks[side], plural(f->acks[side]),
             arrow);
}

/* What went wrong among them. */
static void fold_troubles(struct text *t, const struct ladder_fold *f, const char *first)
{
  static const char *const names[FOLD_KINDS] = {
      [FOLD_LOST] = "lost",      [FOLD_AGAIN] = "again",   [FOLD_REORDERED] = "out of order",
      [FOLD_SACK] = "with SACK", [FOLD_ODD] = "disturbed", [FOLD_DROPPED] = "dropped"};
  for (unsigned i = FOLD_LOST; i < FOLD_KINDS; i++)
    if (f->kinds[i] > 0) text_add(t, "%s%llu %s", t->len > 0 ? ", " : first, (unsigned long long)f->kinds[i], names[i]);
}

static void fold_line(struct yeon_ladder *l, const char *line, bool times)
{
  unsigned left = left_line(l), right = right_line(l);
  begin_line(l);
  canvas_put(&l->canvas, left, right, STYLE_DIM, "⋮");
  canvas_put(&l->canvas, right, right + 1, STYLE_DIM, "⋮");
  unsigned columns = canvas_columns(line), room = right - left - 3;
  canvas_put(&l->canvas, columns < room ? (left + right + 1 - columns) / 2 : left + 2, right - 1, STYLE_DIM, line);
  if (times) put_time(l, 0, l->fold.from);
  if (times) put_time(l, 1, l->fold.to);
  end_line(l);
}

void ladder_draw_fold(struct yeon_ladder *l)
{
  const struct ladder_fold *f = &l->fold;
  char words[200], span[32];
  struct text t = text_over(words, sizeof words);
  unsigned first = f->segments[1] > f->segments[0] ? 1 : 0;
  fold_side(&t, f, first);
  fold_side(&t, f, 1 - first);
  if (t.len == 0 && f->kinds[FOLD_PLAIN] > 0) text_add(&t, "%llu calls", (unsigned long long)f->kinds[FOLD_PLAIN]);
  bool only_troubles = t.len == 0;
  if (only_troubles) fold_troubles(&t, f, "");
  char line[240];
  snprintf(line, sizeof line, "… %s … %s", words, text_span(f->to - f->from, span, sizeof span));
  if (f->to == f->from || canvas_columns(line) + 4 > right_line(l) - left_line(l))
    snprintf(line, sizeof line, "… %s", words);
  fold_line(l, line, true);
  t = text_over(words, sizeof words);
  fold_troubles(&t, f, "of them ");
  if (t.len > 0 && !only_troubles) fold_line(l, words, false);
  if (l->drawn_at == YEON_NEVER || f->to > l->drawn_at) l->drawn_at = f->to;
}
