/* The two helpers of yeon/frame.h. */
#include <assert.h>
#include <string.h>

#include <yeon/frame.h>

size_t yeon_frame_copy(const struct yeon_frame *f, void *dst, size_t size)
{
  assert(f->n_slices <= YEON_FRAME_SLICES);
  if (f->len > size) return 0;
  size_t done = 0;
  for (unsigned i = 0; i < f->n_slices; i++) {
    const struct yeon_slice *s = &f->slice[i];
    if (s->len == 0) continue;
    assert(s->len <= f->len - done);
    memcpy((uint8_t *)dst + done, s->base, s->len);
    done += s->len;
  }
  assert(done == f->len);
  return done;
}

void yeon_frame_from_bytes(struct yeon_frame *f, const void *buf, size_t len)
{
  assert(len <= UINT32_MAX);
  /* All but the head, which nothing points into: clearing it would cost more than all the rest. */
  memset(f, 0, offsetof(struct yeon_frame, head));
  f->slice[0] = (struct yeon_slice){buf, len};
  f->n_slices = 1;
  f->len = (uint32_t)len;
}
