/* Linux's error queue, as far as it tells of bytes that were sent: that those given with MSG_ZEROCOPY are free again
 * (numbers of sends, neighbours joined to one range), and with SO_TIMESTAMPING when the last byte of a write was
 * scheduled, sent, and acknowledged. Both follow from how far the stream has been sent and acknowledged, so the host
 * needs to know nothing of them. */
#include <inttypes.h>

#include "drill/run.h"

#define ORIGIN_TIMESTAMPING 4
#define ORIGIN_ZEROCOPY 5
#define STAMP_SND 0
#define STAMP_SCHED 1
#define STAMP_ACK 2
#define WANT_SND 2u
#define WANT_SCHED 256u
#define WANT_ACK 512u

static void append(struct drill_notice **list, struct drill_notice *n)
{
  while (*list != NULL) list = &(*list)->next;
  n->next = NULL;
  *list = n;
}

static void expect(struct drill_run *r, struct drill_fd *fd, uint8_t origin, uint8_t kind, uint32_t first,
                   uint32_t last)
{
  struct drill_notice *n = drill_alloc(r->arena, sizeof *n);
  *n = (struct drill_notice){.end = fd->written, .origin = origin, .kind = kind, .first = first, .last = last};
  append(&fd->coming, n);
}

void error_queue_sent(struct drill_run *r, struct drill_fd *fd, bool zerocopy)
{
  uint32_t key = (uint32_t)(fd->written - fd->stamp_base - 1);
  if (zerocopy && fd->zerocopy) {
    expect(r, fd, ORIGIN_ZEROCOPY, 0, fd->next_zerocopy, fd->next_zerocopy);
    fd->next_zerocopy++;
  }
  if ((fd->timestamping & WANT_SCHED) != 0) expect(r, fd, ORIGIN_TIMESTAMPING, STAMP_SCHED, STAMP_SCHED, key);
  if ((fd->timestamping & WANT_SND) != 0) expect(r, fd, ORIGIN_TIMESTAMPING, STAMP_SND, STAMP_SND, key);
  if ((fd->timestamping & WANT_ACK) != 0) expect(r, fd, ORIGIN_TIMESTAMPING, STAMP_ACK, STAMP_ACK, key);
}

/* A range of zero-copy sends that follows the newest one is joined to it. */
static void queue(struct drill_fd *fd, struct drill_notice *n)
{
  struct drill_notice *newest = fd->notices;
  while (newest != NULL && newest->next != NULL) newest = newest->next;
  fd->activity_err++;
  if (newest != NULL && newest->origin == ORIGIN_ZEROCOPY && n->origin == ORIGIN_ZEROCOPY &&
      newest->last + 1 == n->first)
    newest->last = n->last;
  else
    append(&fd->notices, n);
}

void error_queue_update(struct drill_run *r, struct drill_fd *fd)
{
  struct yeon_tcp_info info;
  if (fd->tcp == NULL) return;
  yeon_tcp_info(fd->tcp, &info);
  int64_t acked = fd->written - info.snd_queued, sent = acked + (info.snd_max - info.snd_una);
  for (struct drill_notice **n = &fd->coming; *n != NULL;) {
    struct drill_notice *one = *n;
    bool by_ack = one->origin == ORIGIN_ZEROCOPY || one->kind == STAMP_ACK;
    if ((by_ack ? acked : sent) < one->end) {
      n = &one->next;
      continue;
    }
    *n = one->next;
    one->at = r->now;
    queue(fd, one);
  }
}

static bool number_is(struct drill_run *r, const struct drill_value *in, const char *name, int64_t got)
{
  int64_t want;
  const struct drill_value *v = value_member(in, name);
  return v == NULL || v->kind == DRILL_ELLIPSIS || (value_number(r, v, &want) && want == got);
}

static bool same_error(struct drill_run *r, const struct drill_value *data, const struct drill_notice *n)
{
  bool zerocopy = n->origin == ORIGIN_ZEROCOPY;
  return number_is(r, data, "ee_errno", zerocopy ? 0 : symbol_errno_named(r, "ENOMSG")) &&
         number_is(r, data, "ee_origin", n->origin) && number_is(r, data, "ee_type", 0) &&
         number_is(r, data, "ee_code", zerocopy ? 1 : 0) && number_is(r, data, "ee_info", n->first) &&
         number_is(r, data, "ee_data", n->last);
}

static bool same_time(struct drill_run *r, const struct drill_value *data, const struct drill_notice *n)
{
  int64_t s, ns;
  if (!value_number(r, value_member(data, "scm_sec"), &s) || !value_number(r, value_member(data, "scm_nsec"), &ns))
    return true;
  yeon_time off = s * YEON_SEC + ns - n->at;
  return off <= r->tolerance && off >= -r->tolerance;
}

static void compare(struct drill_run *r, const struct drill_value *control, const struct drill_notice *n)
{
  for (const struct drill_value *c = control != NULL ? control->first : NULL; c != NULL; c = c->next) {
    const struct drill_value *type = value_member(c, "cmsg_type"), *data = value_member(c, "cmsg_data");
    bool is_time = value_is_word(type, "SCM_TIMESTAMPING");
    if (is_time ? same_time(r, data, n) : same_error(r, data, n)) continue;
    drill_differ(r, "another control message", value_show(r, c),
                 drill_format(r->arena, "ee_origin=%d, ee_info=%" PRIu32 ", ee_data=%" PRIu32 ", at %.6f", n->origin,
                              n->first, n->last, (double)n->at / (double)YEON_SEC));
  }
}

enum drill_progress error_queue_read(struct drill_run *r, struct drill_op *op)
{
  struct drill_fd *fd = fd_arg(r, op);
  if (fd == NULL) return DRILL_DONE;
  struct drill_notice *n = fd->notices;
  if (n == NULL) return call_errno(r, op, "EAGAIN");
  fd->notices = n->next;
  compare(r, value_member(value_arg(op, 1), "msg_control"), n);
  return call_done(op, 0);
}
