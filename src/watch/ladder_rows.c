/* The queue of rows, and folding: of a run of plain rows the first FOLD_HEAD and the last FOLD_TAIL are drawn, with one line for the others. */
#include <stdlib.h>
#include <string.h>

#include "watch/ladder.h"

#define FOLD_HEAD 6
#define FOLD_TAIL 2
#define FOLD_MIN 4 /* fewer rows than this are not worth a line */

struct row *ladder_row_add(struct yeon_ladder *l, enum row_kind kind, unsigned side, yeon_time at)
{
  struct row *row = calloc(1, sizeof *row);
  if (row == NULL) {
    l->no_memory++;
    return NULL;
  }
  row->kind = (uint8_t)kind;
  row->side = (uint8_t)side;
  row->at = row->done_at = at;
  if (l->last != NULL)
    l->last->next = row;
  else
    l->first = row;
  l->last = row;
  return row;
}

void ladder_row_free(struct row *row)
{
  free(row->words);
  free(row);
}

struct row *ladder_row_recent(struct yeon_ladder *l, enum row_mark mark, unsigned side, uint32_t conn, yeon_time at)
{
  struct row *found = NULL;
  for (struct row *r = l->first; r != NULL; r = r->next)
    if (r->mark == mark && r->side == side && r->conn == conn && r->at == at) found = r;
  return found;
}

struct row *ladder_row_flying(struct yeon_ladder *l, unsigned side, uint64_t number)
{
  for (struct row *r = l->first; r != NULL; r = r->next)
    if (r->kind == ROW_FRAME && r->fate == FATE_FLYING && r->side == side && r->number == number) return r;
  return NULL;
}

static void count_folded(struct ladder_fold *f, const struct row *row)
{
  if (f->from == YEON_NEVER) f->from = row->at;
  f->to = row->done_at;
  if (row->kind != ROW_FRAME)
    f->other++;
  else if (row->payload == 0)
    f->acks[row->side]++;
  else {
    f->segments[row->side]++;
    f->bytes[row->side] += row->payload;
  }
}

static void reset_counts(struct ladder_fold *f)
{
  memset(f->segments, 0, sizeof f->segments);
  memset(f->bytes, 0, sizeof f->bytes);
  memset(f->acks, 0, sizeof f->acks);
  f->other = 0;
  f->from = YEON_NEVER;
}

static uint64_t folded(const struct ladder_fold *f)
{
  return f->segments[0] + f->segments[1] + f->acks[0] + f->acks[1] + f->other;
}

/* The run is over: the line for what is gone, then the rows held back. */
static void end_run(struct yeon_ladder *l)
{
  struct ladder_fold *f = &l->fold;
  if (folded(f) > 0) ladder_draw_fold(l);
  reset_counts(f);
  while (f->first != NULL) {
    struct row *row = f->first;
    f->first = row->next;
    ladder_draw(l, row);
    ladder_row_free(row);
  }
  f->last = NULL;
  f->held = f->shown = 0;
}

static void hold(struct ladder_fold *f, struct row *row)
{
  row->next = NULL;
  if (f->last != NULL)
    f->last->next = row;
  else
    f->first = row;
  f->last = row;
  f->held++;
}

/* Takes a row that is complete. A few rows more than the tail are held, so that a short run is drawn whole. */
static void pass(struct yeon_ladder *l, struct row *row)
{
  struct ladder_fold *f = &l->fold;
  bool plain = row->plain && (l->config.flags & YEON_LADDER_ALL) == 0;
  if (!plain) end_run(l);
  if (!plain || f->shown < FOLD_HEAD) {
    f->shown += plain;
    ladder_draw(l, row);
    ladder_row_free(row);
    return;
  }
  hold(f, row);
  unsigned room = folded(f) > 0 ? FOLD_TAIL : FOLD_TAIL + FOLD_MIN;
  if (f->held <= room) return;
  while (f->held > FOLD_TAIL) {
    struct row *old = f->first;
    f->first = old->next;
    f->held--;
    count_folded(f, old);
    ladder_row_free(old);
  }
}

void ladder_rows_drain(struct yeon_ladder *l, yeon_time now, bool all)
{
  while (l->first != NULL) {
    struct row *row = l->first;
    bool flying = row->kind == ROW_FRAME && row->fate == FATE_FLYING;
    if (!all && (flying || row->at >= now || row->done_at >= now)) return;
    l->first = row->next;
    if (l->first == NULL) l->last = NULL;
    pass(l, row);
  }
  if (all) end_run(l);
}
