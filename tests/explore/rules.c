/* The small worlds. Each lets other things happen, so that all of them together stay small enough to be visited whole. */
#include "explore.h"

#include <string.h>

/* clang-format off */
const struct rules all_rules[] = {
  {.name = "stream", .about = "one writes three pieces and the other one, with all options; segments are lost, doubled, overtaken",
   .most = {1, 1, 1, 1, 1, 0}, .few = {1, 1, 1, 1, 0, 0}, .room = 4, .piece = 64, .writes = {3, 1}, .connects = {1, 0}, .listens = true,
   .options = true, .delayed_ack = true, .share = 10},
  {.name = "plain", .about = "the same without SACK, timestamps or window scale; pieces may be held back",
   .most = {1, 1, 1, 1, 1, 0}, .few = {1, 1, 1, 1, 0, 0}, .room = 4, .piece = 64, .writes = {3, 1}, .connects = {1, 0}, .listens = true,
   .nagle = true, .share = 6},
  {.name = "meet", .about = "both connect at the same time",
   .most = {1, 1, 1, 1, 1, 0}, .few = {1, 1, 1, 1, 0, 0}, .room = 3, .piece = 64, .writes = {1, 1}, .connects = {1, 1},
   .options = true, .rude = true, .share = 4},
  {.name = "window", .about = "the receiver reads when it likes, and two pieces fill it",
   .most = {1, 1, 1, 1, 1, 0}, .few = {1, 1, 1, 1, 0, 0}, .room = 3, .piece = 1024, .writes = {3, 0}, .connects = {1, 0}, .listens = true,
   .slow_reader = true, .small_window = true, .options = true, .probe_with_data = true, .share = 4},
  {.name = "break", .about = "programs reset, or close with bytes unread or still to come",
   .most = {1, 1, 1, 1, 1, 0}, .few = {1, 1, 1, 1, 0, 0}, .room = 3, .piece = 64, .writes = {1, 1}, .connects = {1, 0}, .listens = true,
   .slow_reader = true, .abort = true, .rude = true, .options = true, .share = 4},
  {.name = "again", .about = "the listener stays, and the same ports are used a second time",
   .most = {1, 1, 1, 1, 1, 0}, .few = {1, 1, 1, 1, 0, 0}, .room = 3, .piece = 64, .writes = {1, 1}, .connects = {2, 0}, .listens = true,
   .keeps_listening = true, .rude = true, .options = true, .share = 4},
  {.name = "stranger", .about = "a third party forges segments with numbers that are nearly right",
   .most = {1, 0, 1, 1, 1, 1}, .few = {1, 0, 1, 0, 0, 1}, .room = 3, .piece = 64, .writes = {2, 1}, .connects = {1, 0}, .listens = true,
   .options = true, .share = 4},
  {.name = "clock", .about = "the retransmission time-out follows the round trips",
   .most = {1, 1, 1, 1, 1, 0}, .few = {1, 1, 1, 1, 0, 0}, .room = 3, .piece = 64, .writes = {2, 1}, .connects = {1, 0}, .listens = true,
   .options = true, .delayed_ack = true, .measured = true, .share = 4},
  {.name = "modern", .about = "losses are found by time, probed for, and taken back",
   .most = {1, 1, 1, 1, 1, 0}, .few = {1, 1, 1, 1, 1, 0}, .room = 4, .piece = 64, .writes = {3, 1}, .connects = {1, 0}, .listens = true,
   .options = true, .delayed_ack = true, .measured = true, .modern = true, .share = 6},
  {.name = "paced", .about = "segments leave spread over time, more than the first burst",
   .most = {1, 1, 1, 1, 1, 0}, .few = {1, 0, 1, 1, 0, 0}, .room = 4, .piece = 512, .writes = {2, 0}, .connects = {1, 0}, .listens = true,
   .options = true, .measured = true, .modern = true, .paced = true, .share = 4},
};
/* clang-format on */
const unsigned n_rules = sizeof all_rules / sizeof *all_rules;

const struct rules *rules_find(const char *name)
{
  for (unsigned i = 0; i < n_rules; i++)
    if (strcmp(all_rules[i].name, name) == 0) return &all_rules[i];
  return NULL;
}

void rules_options(const struct rules *rules, struct yeon_tcp_options *o)
{
  yeon_tcp_options_init(o, YEON_PROFILE_LECTURE);
  o->rto_initial_us = o->rto_min_us = 1000000;
  o->rto_max_us = rules->measured ? 60000000 : 1000000;
  if (rules->measured) o->rto_min_us = 200000;
  /* More than timers may fire: no connection fails for want of patience. */
  o->retries_syn = o->retries_syn_ack = 100;
  o->retries_data = o->retries_orphan = 100;
  o->time_wait_ms = 60000;
  o->fin_wait_2_ms = 60000;
  o->delack_us = rules->delayed_ack ? 40000 : 0;
  o->quick_acks = 0;
  o->window_scale = o->timestamps = o->sack = rules->options;
  o->nagle = rules->nagle;
  o->rack = o->tlp = o->tlp_from_last = o->prr = o->undo = o->frto = o->rto_restart = rules->modern;
  o->pacing = rules->paced;
  o->probe_with_data = rules->probe_with_data;
  o->rcvbuf = o->sndbuf = rules->small_window ? 2048 : 4096;
  if (rules->small_window) o->sndbuf = 4096;
  o->rcvbuf_max = rules->options && !rules->small_window ? 1 << 18 : o->rcvbuf;
  o->sndbuf_max = o->sndbuf;
  /* Where pieces are small, a segment is a piece; else several may be sent again as one. */
  uint16_t size = rules->paced ? 64 : rules->piece;
  o->mss_max = size <= 64 ? (uint16_t)(size + (rules->options ? 12 : 0)) : 0;
  o->initial_window_segments = 10;
}
