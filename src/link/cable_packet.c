/* Storage of frames in a cable. Blocks are powers of two, so that a free list per size serves every frame of about that length
 * and steady traffic allocates nothing. The heap is binary; equal instants come out in the order of entry. */
#include "link/cable_packet.h"

#include <assert.h>
#include <string.h>

#include "wire/checksum.h"

#define KEEP_BYTES (1024u * 1024u)

void packet_store_init(struct packet_store *s, struct mem *mem)
{
  memset(s, 0, sizeof *s);
  s->mem = mem;
}

void packet_store_fini(struct packet_store *s)
{
  assert(s->used == 0);
  for (unsigned log2 = PACKET_LOG2_MIN; log2 <= PACKET_LOG2_MAX; log2++) {
    while (s->free[log2] != NULL) {
      struct packet *p = s->free[log2];
      s->free[log2] = p->next;
      mem_free(s->mem, p, (size_t)1 << log2);
    }
  }
  s->kept = 0;
}

/* The header is zeroed, the bytes are not. */
static struct packet *take_block(struct packet_store *s, uint32_t len)
{
  unsigned log2 = PACKET_LOG2_MIN;
  while (((size_t)1 << log2) < sizeof(struct packet) + len) log2++;
  assert(log2 <= PACKET_LOG2_MAX);
  uint64_t size = (uint64_t)1 << log2;
  struct packet *p = s->free[log2];
  if (p != NULL) {
    s->free[log2] = p->next;
    s->kept -= size;
  } else {
    p = mem_alloc(s->mem, (size_t)size);
    if (p == NULL) return NULL;
  }
  s->used += size;
  memset(p, 0, sizeof *p);
  p->log2 = (uint8_t)log2;
  p->len = len;
  return p;
}

void packet_release(struct packet_store *s, struct packet *p)
{
  uint64_t size = (uint64_t)1 << p->log2;
  s->used -= size;
  if (s->kept + size > KEEP_BYTES && s->kept + size > s->used) {
    mem_free(s->mem, p, (size_t)size);
    return;
  }
  p->next = s->free[p->log2];
  s->free[p->log2] = p;
  s->kept += size;
}

int packet_check(const struct yeon_frame *frame)
{
  if (frame->segs > 1) return YEON_ERR_UNSUPPORTED;
  if (frame->len == 0 || frame->len > PACKET_MAX || frame->n_slices > YEON_FRAME_SLICES) return YEON_ERR_INVALID;
  if (frame->csum == YEON_CSUM_PARTIAL && (uint32_t)frame->csum_start + frame->csum_offset + 2 > frame->len)
    return YEON_ERR_INVALID;
  size_t total = 0;
  for (unsigned i = 0; i < frame->n_slices; i++) total += frame->slice[i].len;
  return total == frame->len ? YEON_OK : YEON_ERR_INVALID;
}

/* The field holds the pseudo-header's sum, so the sum over all from csum_start on is what the checksum complements. */
static void complete_checksum(struct packet *p, const struct yeon_frame *frame)
{
  uint16_t sum = wire_sum_finish(wire_sum(p->bytes + frame->csum_start, p->len - frame->csum_start, 0));
  bool udp = frame->csum_offset == 6; /* where zero means "none" (RFC 768) */
  wire_put16(p->bytes + frame->csum_start + frame->csum_offset, udp && sum == 0 ? 0xffff : sum);
}

struct packet *packet_from_frame(struct packet_store *s, const struct yeon_frame *frame)
{
  struct packet *p = take_block(s, frame->len);
  if (p == NULL) return NULL;
  size_t copied = yeon_frame_copy(frame, p->bytes, p->len);
  assert(copied == frame->len);
  p->mark = frame->mark;
  p->l3_offset = frame->l3_offset;
  if (frame->csum == YEON_CSUM_PARTIAL) complete_checksum(p, frame);
  return p;
}

struct packet *packet_clone(struct packet_store *s, const struct packet *p)
{
  struct packet *q = take_block(s, p->len);
  if (q == NULL) return NULL;
  memcpy(q, p, sizeof *p + p->len); /* the same length: the same size of block */
  q->next = q->twin = NULL;
  return q;
}

void packet_to_frame(const struct packet *p, struct yeon_frame *out)
{
  yeon_frame_from_bytes(out, p->bytes, p->len);
  out->mark = p->mark;
  out->l3_offset = p->l3_offset;
}

static bool before(const struct packet *a, const struct packet *b)
{
  return a->due_at != b->due_at ? a->due_at < b->due_at : a->order < b->order;
}

bool packet_heap_reserve(struct packet_heap *h, struct mem *mem, uint32_t more)
{
  if (h->n + more <= h->cap) return true;
  uint32_t cap = h->cap ? h->cap * 2 : 16;
  struct packet **v = mem_alloc(mem, cap * sizeof *v);
  if (v == NULL) return false;
  if (h->n > 0) memcpy(v, h->v, h->n * sizeof *v);
  mem_free(mem, h->v, h->cap * sizeof *v);
  h->v = v;
  h->cap = cap;
  return true;
}

void packet_heap_push(struct packet_heap *h, struct packet *p)
{
  assert(h->n < h->cap);
  uint32_t i = h->n++;
  while (i > 0 && before(p, h->v[(i - 1) / 2])) {
    h->v[i] = h->v[(i - 1) / 2];
    i = (i - 1) / 2;
  }
  h->v[i] = p;
}

/* Puts p at place i, or below, where it belongs; what was at i has been saved. */
static void sink(struct packet_heap *h, uint32_t i, struct packet *p)
{
  for (;;) {
    uint32_t child = 2 * i + 1;
    if (child >= h->n) break;
    if (child + 1 < h->n && before(h->v[child + 1], h->v[child])) child++;
    if (!before(h->v[child], p)) break;
    h->v[i] = h->v[child];
    i = child;
  }
  h->v[i] = p;
}

struct packet *packet_heap_pop(struct packet_heap *h)
{
  if (h->n == 0) return NULL;
  struct packet *top = h->v[0];
  h->n--;
  if (h->n > 0) sink(h, 0, h->v[h->n]);
  return top;
}

void packet_heap_drop_waiting(struct packet_heap *h)
{
  uint32_t kept = 0;
  for (uint32_t i = 0; i < h->n; i++)
    if (!h->v[i]->waits) h->v[kept++] = h->v[i];
  h->n = kept;
  packet_heap_rebuild(h);
}

void packet_heap_rebuild(struct packet_heap *h)
{
  for (uint32_t i = h->n / 2; i-- > 0;) sink(h, i, h->v[i]);
}

void packet_heap_fini(struct packet_heap *h, struct mem *mem)
{
  mem_free(mem, h->v, h->cap * sizeof *h->v);
  h->v = NULL;
  h->n = h->cap = 0;
}
