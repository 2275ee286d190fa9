/* The queue of rows, and folding. A transfer repeats itself: of its plain rows the first FOLD_HEAD are drawn, of each kind of trouble in it the
 * first FOLD_RARE, and the last FOLD_TAIL before anything else happens; one line stands for the others. What is not part of the transfer (a
 * state, a cut, a timer, a word of the scenario) is always drawn, and the counting begins anew. */
#include <stdlib.h>
#include <string.h>

#include "watch/ladder.h"

#define FOLD_HEAD 6
#define FOLD_TAIL 2
#define FOLD_RARE 3 /* losses, retransmissions and the like */
#define FOLD_MIN 4  /* fewer rows than this are not worth a line */

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

static enum fold_kind kind_of(const struct row *row)
{
  if (row->plain) return FOLD_PLAIN;
  if (row->fate != FATE_ARRIVED && row->kind == ROW_FRAME) return FOLD_LOST;
  if (row->again) return FOLD_AGAIN;
  if (row->mark == MARK_DROP) return FOLD_DROPPED;
  if (row->reordered || row->duplicate || row->corrupted || row->marked) return FOLD_ODD;
  return row->payload > 0 ? FOLD_REORDERED : FOLD_SACK;
}

static void count_folded(struct ladder_fold *f, const struct row *row)
{
  if (f->from == YEON_NEVER) f->from = row->at;
  if (row->done_at > f->to) f->to = row->done_at;
  f->kinds[kind_of(row)]++;
  if (row->kind != ROW_FRAME) return;
  uint64_t *count = row->datagram ? f->datagrams : row->payload > 0 ? f->segments : f->acks;
  count[row->side]++;
  f->bytes[row->side] += row->payload;
}

static uint64_t folded(const struct ladder_fold *f)
{
  uint64_t n = 0;
  for (unsigned i = 0; i < FOLD_KINDS; i++) n += f->kinds[i];
  return n;
}

static void reset_counts(struct ladder_fold *f)
{
  memset(f->segments, 0, sizeof f->segments);
  memset(f->datagrams, 0, sizeof f->datagrams);
  memset(f->bytes, 0, sizeof f->bytes);
  memset(f->acks, 0, sizeof f->acks);
  memset(f->kinds, 0, sizeof f->kinds);
  f->from = YEON_NEVER;
  f->to = 0;
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
  f->held = 0;
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
  bool bulk = row->bulk && (l->config.flags & YEON_LADDER_ALL) == 0;
  enum fold_kind kind = kind_of(row);
  unsigned head = kind == FOLD_PLAIN ? FOLD_HEAD : FOLD_RARE;
  if (!bulk || f->shown[kind] < head) {
    if (!bulk || kind != FOLD_PLAIN || f->held > 0) end_run(l);
    if (!bulk) memset(f->shown, 0, sizeof f->shown);
    f->shown[kind] += bulk;
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
