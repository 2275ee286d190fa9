#include <string.h>

#include <yeon/watch.h>

#include "watch/packet.h"
#include "watch/text.h"

void yeon_tally_init(struct yeon_tally *tally)
{
  memset(tally, 0, sizeof *tally);
  tally->first_at = tally->last_at = YEON_NEVER;
}

void yeon_tally_event(struct yeon_tally *tally, const struct yeon_event *event)
{
  switch (event->type) {
  case YEON_EV_SEGMENT_OUT: tally->retransmissions += event->u.segment.retransmission; break;
  case YEON_EV_RETRANSMIT: tally->fast_retransmits += event->u.retransmit.why == YEON_REXMIT_FAST; break;
  case YEON_EV_TIMER:
    tally->timeouts += event->u.timer.timer == YEON_TIMER_REXMIT && event->u.timer.op == YEON_TIMER_FIRED;
    break;
  case YEON_EV_ERROR: tally->errors += !event->u.error.soft; break;
  case YEON_EV_STATE:
    tally->opened += event->u.state.to == YEON_TCP_ESTABLISHED;
    tally->closed += event->u.state.to == YEON_TCP_TIME_WAIT ||
                     (event->u.state.to == YEON_TCP_CLOSED && event->u.state.from != YEON_TCP_TIME_WAIT);
    break;
  default: break;
  }
}

static void count_sent(struct yeon_tally *tally, const struct yeon_cable_tap *tap)
{
  uint8_t head[PACKET_HEAD];
  struct packet p;
  size_t len = packet_head(tap->frame, head);
  packet_parse(head, len, tap->frame->len, tap->frame->l3_offset != 0, &p);
  if (p.kind == PACKET_TCP) {
    tally->segments++;
    tally->payload_bytes += p.payload;
    tally->resets += (p.tcp.flags & YEON_TCP_RST) != 0;
  } else if (p.kind == PACKET_UDP) {
    tally->datagrams++;
  } else {
    tally->other++;
  }
  if (tally->first_at == YEON_NEVER) tally->first_at = tap->sent_at;
}

void yeon_tally_frame(struct yeon_tally *tally, const struct yeon_cable_tap *tap)
{
  if (tap->moment == YEON_MOMENT_SENT) count_sent(tally, tap);
  tally->last_at = tap->at;
  tally->lost += tap->moment == YEON_MOMENT_LOST;
  tally->queue_full += tap->moment == YEON_MOMENT_QUEUE_FULL;
  tally->swallowed += tap->moment == YEON_MOMENT_SWALLOWED;
  if (tap->moment != YEON_MOMENT_DELIVERED) return;
  tally->duplicated += tap->duplicate;
  if (tap->duplicate) return;
  tally->corrupted += tap->corrupted;
  tally->reordered += tap->reordered;
}

char *yeon_tally_format(const struct yeon_tally *tally, char *buf, size_t size)
{
  char bytes[32];
  struct text t = text_over(buf, size);
  if (tally->segments > 0 || tally->datagrams == 0)
    text_add(&t, "%llu segment%s, %s", (unsigned long long)tally->segments, tally->segments == 1 ? "" : "s",
             text_bytes(tally->payload_bytes, bytes, sizeof bytes));
  const struct {
    uint64_t count;
    const char *what, *plural;
  } more[] = {{tally->retransmissions, "sent again", ""}, {tally->datagrams, "datagram", "s"},
              {tally->other, "other packet", "s"},        {tally->lost, "lost", ""},
              {tally->queue_full, "queue full", ""},      {tally->swallowed, "swallowed by the cut", ""},
              {tally->duplicated, "doubled", ""},         {tally->corrupted, "corrupted", ""},
              {tally->reordered, "reordered", ""},        {tally->resets, "reset", "s"}};
  for (size_t i = 0; i < sizeof more / sizeof more[0]; i++)
    if (more[i].count > 0)
      text_add(&t, "%s%llu %s%s", t.len > 0 ? ", " : "", (unsigned long long)more[i].count, more[i].what, more[i].count > 1 ? more[i].plural : "");
  return buf;
}
