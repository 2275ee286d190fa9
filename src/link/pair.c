/* Two links joined in memory. Each direction is a queue of copies that belongs to the receiving end; an end that was
 * closed receives nothing more, and sending towards it drops. */
#include <stdlib.h>
#include <string.h>

#include "link/link.h"

struct pair_frame {
  struct pair_frame *next;
  struct yeon_frame frame; /* one slice, over bytes; head unused */
  uint8_t bytes[];
};

struct pair_end {
  struct yeon_link link;
  struct pair_end *other; /* NULL: closed */
  struct pair_frame *first, *last;
  struct pair_frame *lent; /* handed out, freed with the next receive */
  unsigned count, limit;
};

static struct pair_end *end_of(struct yeon_link *link) { return (struct pair_end *)link; }

static void free_chain(struct pair_frame *f)
{
  while (f) {
    struct pair_frame *next = f->next;
    free(f);
    f = next;
  }
}

static size_t pair_receive(struct yeon_link *link, struct yeon_frame *frames, size_t max, yeon_time now)
{
  (void)now;
  struct pair_end *e = end_of(link);
  free_chain(e->lent);
  e->lent = NULL;
  size_t n = 0;
  while (n < max && e->first) {
    struct pair_frame *f = e->first;
    e->first = f->next;
    if (!e->first) e->last = NULL;
    e->count--;
    memcpy(&frames[n], &f->frame, offsetof(struct yeon_frame, head));
    f->next = e->lent;
    e->lent = f;
    link_count_in(link, &frames[n++]);
  }
  return n;
}

static bool enqueue(struct pair_end *to, const struct yeon_frame *f)
{
  if (!to || to->count >= to->limit) return false;
  struct pair_frame *copy = malloc(sizeof *copy + f->len);
  if (!copy) return false;
  memcpy(&copy->frame, f, offsetof(struct yeon_frame, head));
  yeon_frame_copy(f, copy->bytes, f->len);
  copy->frame.slice[0] = (struct yeon_slice){copy->bytes, f->len};
  copy->frame.n_slices = 1;
  copy->frame.mark = 0;
  copy->next = NULL;
  if (to->last)
    to->last->next = copy;
  else
    to->first = copy;
  to->last = copy;
  to->count++;
  return true;
}

static void pair_send(struct yeon_link *link, const struct yeon_frame *frames, size_t n, yeon_time now)
{
  (void)now;
  struct pair_end *e = end_of(link);
  for (size_t i = 0; i < n; i++) {
    if (enqueue(e->other, &frames[i]))
      link_count_out(link, &frames[i]);
    else
      link->stats.dropped_out++;
  }
}

static yeon_time pair_next(const struct yeon_link *link)
{
  return ((const struct pair_end *)link)->first ? 0 : YEON_NEVER;
}

static void pair_close(struct yeon_link *link)
{
  struct pair_end *e = end_of(link);
  if (e->other) e->other->other = NULL;
  free_chain(e->first);
  free_chain(e->lent);
  free(e);
}

int yeon_link_pair(struct yeon_link *out[2], uint16_t mtu, unsigned queue, unsigned flags)
{
  static const struct yeon_link_ops ops = {pair_receive, pair_send, NULL, pair_next, pair_close};
  if (mtu < 576 || queue == 0 || queue > 65536 || (flags & ~YEON_LINK_PLAIN) != 0) return YEON_ERR_INVALID;
  struct pair_end *end[2] = {calloc(1, sizeof *end[0]), calloc(1, sizeof *end[1])};
  if (!end[0] || !end[1]) {
    free(end[0]);
    free(end[1]);
    return YEON_ERR_NO_MEMORY;
  }
  for (int i = 0; i < 2; i++) {
    end[i]->link.ops = &ops;
    end[i]->link.fd = -1;
    end[i]->link.config.mtu = mtu;
    if ((flags & YEON_LINK_PLAIN) == 0) end[i]->link.config.offload = YEON_LINK_CSUM | YEON_LINK_GSO;
    link_set_name(&end[i]->link, i == 0 ? "pair0" : "pair1");
    end[i]->other = end[1 - i];
    end[i]->limit = queue;
    out[i] = &end[i]->link;
  }
  return 0;
}
