/* From a seed to a plan. Most worlds are small and many are kind, so that thousands run in a second; each cruelty comes often enough to
 * meet every other. */
#include <stdio.h>
#include <string.h>

#include "world.h"

static bool one_in(struct rng *r, uint32_t n) { return rng_below(r, n) == 0; }

static uint32_t between(struct rng *r, uint32_t low, uint32_t high) { return low + rng_below(r, high - low + 1); }

/* Small numbers as likely as large ones: each power of two has the same chance. low >= 1. */
static uint32_t logarithmic(struct rng *r, uint32_t low, uint32_t high)
{
  unsigned low2 = 31 - (unsigned)__builtin_clz(low), high2 = 31 - (unsigned)__builtin_clz(high);
  unsigned log2 = between(r, low2, high2);
  uint32_t x = (1u << log2) + rng_below(r, 1u << log2);
  return x < low ? low : x > high ? high : x;
}

/* From a copy of the chance, so that older seeds mean what they meant. */
static void plan_recovery(struct rng copy, struct yeon_tcp_options *o)
{
  struct rng *r = &copy;
  if (!one_in(r, 3)) return;
  o->rack = one_in(r, 2);
  o->tlp = one_in(r, 2);
  o->tlp_from_last = one_in(r, 2);
  o->tlp_delack_us = one_in(r, 2) ? 0 : between(r, 1000, 400000);
  o->prr = one_in(r, 2);
  o->undo = one_in(r, 2);
  o->frto = one_in(r, 2);
  o->rto_restart = one_in(r, 2);
}

static void plan_options(struct rng *r, struct yeon_tcp_options *o, enum yeon_profile *profile)
{
  *profile = (enum yeon_profile)rng_below(r, YEON_PROFILES);
  yeon_tcp_options_init(o, *profile);
  if (one_in(r, 3)) o->window_scale = one_in(r, 2);
  if (one_in(r, 3)) o->timestamps = one_in(r, 2);
  if (one_in(r, 3)) o->sack = one_in(r, 2);
  if (one_in(r, 4)) o->nagle = one_in(r, 2);
  if (one_in(r, 6)) o->challenge_ack = one_in(r, 2);
  if (one_in(r, 6)) o->cookies = one_in(r, 2);
  if (one_in(r, 6)) o->path_mtu = one_in(r, 2);
  if (one_in(r, 6)) o->time_wait_reuse = one_in(r, 2);
  if (one_in(r, 4)) o->delack_us = one_in(r, 3) ? 0 : between(r, 1000, 500000);
  if (one_in(r, 4)) o->delack_segments = (uint8_t)between(r, 1, 2);
  if (one_in(r, 6)) o->mss_max = (uint16_t)logarithmic(r, 64, 8000);
  if (one_in(r, 6)) o->initial_window_segments = (uint16_t)between(r, 1, 20);
  if (one_in(r, 4)) o->rcvbuf = o->rcvbuf_max = logarithmic(r, 2048, 65536);
  if (one_in(r, 4)) o->sndbuf = o->sndbuf_max = logarithmic(r, 2048, 65536);
  if (one_in(r, 2)) o->congestion = (uint8_t)rng_below(r, YEON_CONGESTIONS);
  if (one_in(r, 4)) o->linux_congestion = one_in(r, 2);
  if (one_in(r, 4)) o->pacing = one_in(r, 2);
  if (one_in(r, 6)) o->cwnd_validation = one_in(r, 2);
  o->keepalive_idle_ms = between(r, 5000, 60000);
  o->keepalive_interval_ms = between(r, 2000, 10000);
  o->keepalive_probes = (uint8_t)between(r, 5, 9);
  if (o->fin_wait_2_ms == 0) o->fin_wait_2_ms = 60000;
  plan_recovery(*r, o);
}

/* What a queue may do beside dropping what does not fit. */
static void plan_queue(struct rng *r, struct yeon_cable_way *w)
{
  if (one_in(r, 4)) w->bucket_bytes = logarithmic(r, 1500, 100000);
  if (one_in(r, 4)) w->mark_bytes = logarithmic(r, 1, 100000);
  if (one_in(r, 3)) w->codel_target_us = logarithmic(r, 100, 50000);
  if (w->codel_target_us > 0) w->codel_interval_us = logarithmic(r, 1000, 500000);
  w->codel_marks = one_in(r, 2);
}

static void plan_way(struct rng *r, struct yeon_cable_way *w, bool kind)
{
  memset(w, 0, sizeof *w);
  if (!one_in(r, 5)) w->delay_us = logarithmic(r, 1, kind ? 50000 : 400000);
  if (one_in(r, 4)) w->jitter_us = logarithmic(r, 1, 50000);
  if (one_in(r, 4)) w->rate_bps = (uint64_t)logarithmic(r, kind ? 10000 : 64, 1000000) * 1000;
  if (w->rate_bps > 0 && one_in(r, 2)) w->queue_bytes = logarithmic(r, kind ? 100000 : 2000, 300000);
  if (one_in(r, 4)) w->reorder_ppm = logarithmic(r, 100, 200000);
  if (w->reorder_ppm > 0) w->reorder_us = logarithmic(r, 100, 100000);
  if (one_in(r, 4)) w->duplicate_ppm = logarithmic(r, 100, 300000);
  if (one_in(r, 3)) w->loss_ppm = logarithmic(r, 100, kind ? 4000 : 400000);
  if (one_in(r, 6)) w->corrupt_ppm = logarithmic(r, 100, kind ? 1000 : 100000);
  if (!kind && w->rate_bps > 0 && one_in(r, 2)) plan_queue(r, w);
  if (w->reorder_ppm > 0 && one_in(r, 3)) w->reorder_up_to_us = logarithmic(r, 100, 100000);
  if (kind || !one_in(r, 5)) return;
  w->burst_enter_ppm = logarithmic(r, 100, 100000);
  w->burst_leave_ppm = logarithmic(r, 20000, 1000000);
  w->burst_loss_ppm = one_in(r, 2) ? 0 : between(r, 300000, 1000000);
}

/* Hosts that try just long enough for a cable that loses much: even so, nothing may fail. */
static void plan_patience(struct rng *r, struct plan *p)
{
  uint32_t loss = logarithmic(r, 10000, 80000);
  uint8_t retries = 0;
  for (double all = 1; all >= 1e-12; retries++) all *= 2 * loss / 1e6;
  for (unsigned i = 0; i < 2; i++) {
    struct yeon_tcp_options *o = &p->tcp[i];
    o->retries_syn = o->retries_syn_ack = o->retries_data = o->retries_orphan = o->keepalive_probes = retries;
    p->way[i].loss_ppm = loss;
    p->way[i].corrupt_ppm = 0;
  }
}

static uint32_t plan_total(struct rng *r)
{
  uint32_t luck = rng_below(r, 1000);
  if (luck < 130) return 0;
  if (luck < 450) return logarithmic(r, 1, 1000);
  if (luck < 800) return logarithmic(r, 1, 16000);
  if (luck < 990) return logarithmic(r, 1, 200000);
  return between(r, 100000, 1000000);
}

static void plan_program(struct rng *r, struct plan_end *e, bool kind)
{
  memset(e, 0, sizeof *e);
  e->total = plan_total(r);
  e->finish = FINISH_SHUT;
  if (one_in(r, 8)) e->finish = FINISH_CLOSE;
  if (one_in(r, 12)) e->finish = FINISH_ABORT;
  e->abort_after = one_in(r, 3) ? 0 : rng_below(r, e->total * 2 + 2);
  e->write_max = logarithmic(r, e->total > 50000 ? 500 : 1, 65536);
  e->read_max = logarithmic(r, e->total > 50000 ? 500 : 8, 65536);
  if (one_in(r, 4)) e->pause_one_in = between(r, 2, 30);
  e->pause_max_us = logarithmic(r, 100, 3000000);
  if (e->total > 10000 && e->pause_max_us > 100000) e->pause_max_us = 100000;
  if (one_in(r, 8)) e->sndbuf = logarithmic(r, 2048, 100000);
  if (one_in(r, 8)) e->rcvbuf = logarithmic(r, 2048, 100000);
  if (!kind && one_in(r, 8)) e->user_timeout_ms = between(r, 5000, 100000);
  e->nodelay = one_in(r, 4);
  e->cork = one_in(r, 16);
  e->quickack = one_in(r, 16);
  e->keepalive = true;
  e->urgent = one_in(r, 30);
  e->more = one_in(r, 10);
  e->peek = one_in(r, 10);
  e->slices = one_in(r, 4);
  e->late_fin = one_in(r, 3);
  if (one_in(r, 20)) e->maxseg = logarithmic(r, 88, 1400);
  if (one_in(r, 20)) e->window_clamp = logarithmic(r, 1000, 30000);
  e->wait_closed = one_in(r, 3);
  e->write_early = one_in(r, 3);
}

static void plan_conn(struct rng *r, struct plan_conn *c, unsigned number, bool kind)
{
  memset(c, 0, sizeof *c);
  c->opening = one_in(r, 8) ? OPEN_BOTH : (enum opening)rng_below(r, 2);
  c->start_at = one_in(r, 2) ? 0 : (yeon_time)logarithmic(r, 1, 20000000) * YEON_US;
  if (c->opening == OPEN_BOTH)
    c->local_port = (uint16_t)(1000 + number);
  else if (one_in(r, 6))
    c->local_port = (uint16_t)between(r, 20000, 20001);
  for (unsigned i = 0; i < 2; i++) plan_program(r, &c->end[i], kind);
  if (one_in(r, 3)) {
    unsigned answers = rng_below(r, 2);
    c->end[answers].after_eof = true;
    if (c->end[!answers].finish == FINISH_CLOSE) c->end[!answers].finish = FINISH_SHUT;
  }
}

/* It loses something of whatever leaves at once: without SACK and timestamps each segment may wait for a time-out that has backed off. */
static bool has_no_queue(const struct plan *p, const struct yeon_cable_way *w) { return w->rate_bps > 0 && w->queue_bytes > 0 && w->queue_bytes < 3u * p->mtu; }

/* A slow reader of much, or much over a cable that loses a lot, takes hours: nothing wrong with it, but nothing new either. */
static void shorten(struct plan *p)
{
  bool rough = false;
  uint32_t most = 30000;
  for (unsigned i = 0; i < 2; i++) /* tiny segments are many, and each may wait for time-outs of a minute */
    if (p->tcp[i].mss_max != 0 && p->tcp[i].mss_max * 150u < most) most = p->tcp[i].mss_max * 150u;
  for (unsigned i = 0; i < 2; i++)
    rough |= p->way[i].loss_ppm + p->way[i].corrupt_ppm > 50000 || p->way[i].burst_enter_ppm > 0 || has_no_queue(p, &p->way[i]);
  for (unsigned i = 0; i < p->n_changes; i++) rough |= p->change[i].kind == CHANGE_SET;
  rough |= p->famine || p->max_buffer_bytes > 0;
  for (unsigned i = 0; i < p->n_conns; i++) {
    for (unsigned k = 0; k < 2; k++) {
      struct plan_end *e = &p->conn[i].end[k], *reader = &p->conn[i].end[!k];
      if (rough && e->total > most) e->total = most;
      if (reader->pause_one_in == 0) continue;
      double rests = e->total / (reader->read_max / 2.0) / reader->pause_one_in,
             all_us = rests * reader->pause_max_us / 2;
      if (all_us > 600e6) reader->pause_max_us = 1 + (uint32_t)(reader->pause_max_us * (600e6 / all_us));
    }
  }
}

static void plan_changes(struct rng *r, struct plan *p)
{
  unsigned cuts = one_in(r, 2) ? 1 : between(r, 0, 3);
  yeon_time at = 0;
  while (cuts-- > 0 && p->n_changes + 2 <= MAX_CHANGES) {
    at += (yeon_time)logarithmic(r, 10, 10000000) * YEON_US;
    unsigned mask = one_in(r, 2) ? YEON_CABLE_BOTH : 1u << rng_below(r, 2);
    p->change[p->n_changes++] = (struct change){.at = at, .kind = CHANGE_CUT, .mask = mask};
    if (one_in(r, 8)) return; /* for ever */
    at += (yeon_time)logarithmic(r, 100, 600000000) * YEON_US;
    p->change[p->n_changes++] = (struct change){.at = at, .kind = CHANGE_JOIN, .mask = YEON_CABLE_BOTH};
  }
  if (p->n_changes < MAX_CHANGES && one_in(r, 8)) {
    uint16_t mtu = (uint16_t)between(r, p->v6 ? 1280 : 576, 9000);
    p->change[p->n_changes++] = (struct change){.at = (yeon_time)logarithmic(r, 10, 5000000) * YEON_US,
                                                .kind = CHANGE_MTU,
                                                .mask = between(r, 1, 3),
                                                .mtu = mtu};
  }
  while (p->n_changes < MAX_CHANGES && one_in(r, 3)) {
    struct change *c = &p->change[p->n_changes++];
    *c = (struct change){.at = (yeon_time)logarithmic(r, 10, 10000000) * YEON_US,
                         .kind = CHANGE_SET,
                         .mask = between(r, 1, 3)};
    plan_way(r, &c->way, false);
  }
}

/* Chance that all tries of one segment fail must be next to nothing: retries + 1 times a round trip lost. */
static bool survives_losses(const struct plan *p)
{
  double lost = 0;
  unsigned retries = 255;
  for (unsigned i = 0; i < 2; i++) {
    const struct yeon_cable_way *w = &p->way[i];
    const struct yeon_tcp_options *o = &p->tcp[i];
    lost += (w->loss_ppm + w->corrupt_ppm) / 1e6 * (p->hub ? 2 : 1);
    const unsigned counts[] = {o->retries_syn, o->retries_syn_ack, o->retries_data, o->retries_orphan,
                               o->keepalive_probes};
    for (unsigned k = 0; k < 5; k++) retries = counts[k] < retries ? counts[k] : retries;
  }
  double all = 1;
  for (unsigned k = 0; k <= retries; k++) all *= lost;
  return all < 1e-12;
}

static bool queues_are_fair(const struct plan *p)
{
  double delay = 0;
  for (unsigned i = 0; i < 2; i++) {
    const struct yeon_cable_way *w = &p->way[i];
    delay += (w->delay_us + w->jitter_us + w->reorder_us + w->reorder_up_to_us) / 1e6;
    if (w->rate_bps == 0) continue;
    double queue = w->queue_bytes ? w->queue_bytes : 1000000; /* what windows might put there */
    delay += (queue + p->mtu) * 8 / (double)w->rate_bps;
    if (w->queue_bytes > 0 && w->queue_bytes < 16u * p->mtu * p->n_conns) return false;
  }
  return delay < 1.0;
}

static bool is_calm(const struct plan *p)
{
  if (p->n_changes > 0 || p->famine || p->max_half_open || p->max_time_wait || p->max_buffer_bytes ||
      p->listener_gone_at != YEON_NEVER)
    return false;
  for (unsigned i = 0; i < 2; i++) {
    if (p->way[i].burst_enter_ppm > 0 || p->way[i].codel_target_us > 0 || p->way[i].drop_above > 0) return false;
    if (p->way[i].corrupt_ppm > 0 && p->ethernet) return false; /* ARP has no checksum: a wrong MAC is learned */
  }
  for (unsigned i = 0; i < p->n_conns; i++) {
    if (p->conn[i].end[0].user_timeout_ms || p->conn[i].end[1].user_timeout_ms)
      return false; /* a slow reader may outlast it */
  }
  return survives_losses(p) && queues_are_fair(p);
}

static void plan_limits(struct rng *r, struct plan *p)
{
  p->max_half_open = one_in(r, 2) ? between(r, 1, 4) : 0;
  p->max_time_wait = one_in(r, 2) ? between(r, 1, 4) : 0;
  p->max_buffer_bytes = one_in(r, 2) ? logarithmic(r, 4000, 500000) : 0;
}

static void plan_hosts(struct rng *r, struct plan *p)
{
  const uint16_t mtus[] = {576, 1280, 1500, 1500, 1500, 9000};
  p->v6 = one_in(r, 2);
  p->ethernet = one_in(r, 2);
  p->hub = one_in(r, 25);
  p->mtu = one_in(r, 4) ? (uint16_t)between(r, 576, 9000) : mtus[rng_below(r, 6)];
  if (p->v6 && p->mtu < 1280) p->mtu = 1280;
  for (unsigned i = 0; i < 2; i++) {
    plan_options(r, &p->tcp[i], &p->profile[i]);
    p->backlog[i] = one_in(r, 3) ? between(r, 1, 3) : 16;
  }
  if (one_in(r, 6)) p->accept_pause_us = logarithmic(r, 10, 2000000);
  p->listen_any = one_in(r, 4);
  if (one_in(r, 8) && p->tcp[0].challenge_ack && p->tcp[1].challenge_ack) p->attacks = between(r, 1, 50);
  if (one_in(r, 10)) p->datagrams = between(r, 1, 20);
  p->datagram_max = one_in(r, 4) ? 20000 : 1000;
}

/* Everything between the two ends stays inside host a. */
static void plan_loop(struct plan *p)
{
  p->loop = true;
  p->hub = false;
  p->n_changes = p->attacks = p->datagrams = 0;
  memset(p->way, 0, sizeof p->way);
  for (unsigned i = 0; i < p->n_conns; i++) {
    p->conn[i].opening = OPEN_A;
    if (p->conn[i].local_port < 20000) p->conn[i].local_port = 0;
    p->conn[i].end[0].user_timeout_ms = p->conn[i].end[1].user_timeout_ms = 0;
  }
}

/* A port taken again at once: the ISN's clock (RFC 9293 3.4.1) may be behind what the connection before has sent, and then only timestamps tell the new SYN
 * from an old one; without, the client is put off until its SYN goes again (RFC 6191). */
static bool reuses_port(const struct plan *p)
{
  for (unsigned i = 0; i < p->n_conns; i++)
    for (unsigned k = 0; k < i; k++)
      if (p->conn[i].local_port != 0 && p->conn[i].local_port == p->conn[k].local_port) return true;
  return false;
}

static bool is_smooth(const struct plan *p)
{
  if (!p->calm || p->accept_pause_us > 0) return false;
  if (reuses_port(p) && !(p->tcp[0].timestamps && p->tcp[1].timestamps)) return false;
  if (p->ethernet && (p->n_conns > 2 || p->datagrams > 0))
    return false; /* few packets may wait for a neighbour's address */
  for (unsigned i = 0; i < 2; i++) {
    const struct yeon_cable_way *w = &p->way[i];
    if (w->loss_ppm || w->corrupt_ppm || w->reorder_ppm || w->duplicate_ppm || w->jitter_us || w->rate_bps ||
        w->delay_us > 200000)
      return false;
    if (p->backlog[i] < p->n_conns || p->tcp[i].delack_us > 150000) return false;
  }
  return p->attacks == 0;
}

/* A smooth world in which nobody rests or holds back: a window never stays closed, so no timer needs to look after it. */
static bool is_prompt(const struct plan *p)
{
  if (!p->smooth) return false;
  for (unsigned i = 0; i < p->n_conns; i++) {
    for (unsigned k = 0; k < 2; k++) {
      const struct plan_end *e = &p->conn[i].end[k];
      if (e->pause_one_in > 0 || e->cork || e->more || e->rcvbuf > 0 || e->window_clamp > 0) return false;
    }
  }
  return true;
}

/* TCP Fast Open, in half of the worlds: in all its ways, which ask different things of the ends. */
static void plan_fast_open(struct rng *r, struct plan *p)
{
  if (one_in(r, 2)) return;
  for (unsigned i = 0; i < 2; i++) {
    struct yeon_tcp_options *o = &p->tcp[i];
    const uint16_t bits[] = {0, YEON_FASTOPEN_CLIENT, YEON_FASTOPEN_CLIENT | YEON_FASTOPEN_SERVER, YEON_FASTOPEN_BITS};
    o->fastopen = bits[rng_below(r, 4)];
    o->fastopen_experimental = one_in(r, 2);
    o->fastopen_answer_early = one_in(r, 2);
    o->fastopen_retry_s = one_in(r, 2) ? 900 : 0;
    o->fastopen_black_hole_s = one_in(r, 2) ? 10 : 0;
    p->fast_open_limit[i] = one_in(r, 4) ? 0 : between(r, 1, 8);
  }
  for (unsigned i = 0; i < p->n_conns; i++)
    for (unsigned k = 0; k < 2; k++) p->conn[i].end[k].fast_open = one_in(r, 3) ? 0 : logarithmic(r, 1, 20000);
}

/* Drawn last, so that what seeds meant before stays as it was. */
static void plan_marks(struct rng *r, struct plan *p)
{
  for (unsigned i = 0; i < 2; i++) {
    struct yeon_tcp_options *o = &p->tcp[i];
    if (one_in(r, 2)) o->ecn = (uint8_t)between(r, YEON_ECN_OFF, YEON_ECN_ACCURATE_PASSIVE);
    if (one_in(r, 3)) o->ecn_retries = (uint8_t)between(r, 0, 2);
    if (one_in(r, 3)) o->accecn_option = (uint8_t)between(r, 0, YEON_ACCECN_OPTION_ALWAYS);
    if (one_in(r, 3)) o->ecn_everywhere = one_in(r, 2);
    if (one_in(r, 3)) o->abe = one_in(r, 2);
    struct yeon_cable_way *w = &p->way[i];
    if (w->rate_bps == 0 || !one_in(r, 2)) continue;
    w->mark_bytes = logarithmic(r, 1000, 100000);
    if (one_in(r, 2)) continue;
    w->codel_target_us = logarithmic(r, 1000, 50000);
    w->codel_marks = 1;
  }
}

/* Who looks for black holes, and some to be found. */
static void plan_path(struct rng *r, struct plan *p, bool kind)
{
  if (one_in(r, 2)) return;
  for (unsigned i = 0; i < 2; i++) {
    struct yeon_tcp_options *o = &p->tcp[i];
    o->mtu_probing = (uint8_t)rng_below(r, 3);
    o->base_mss = (uint16_t)between(r, 256, 1200);
    o->mtu_probe_threshold = (uint8_t)between(r, 1, 64);
    o->mtu_probe_interval_s = between(r, 1, 100);
    if (!kind && !p->loop && one_in(r, 6)) p->way[i].drop_above = between(r, 600, 1400);
  }
}

void plan_make(struct plan *p, uint64_t seed)
{
  struct rng rng, *r = &rng;
  memset(p, 0, sizeof *p);
  p->seed = seed;
  rng_seed(r, seed);
  bool kind = one_in(r, 2);
  plan_hosts(r, p);
  for (unsigned i = 0; i < 2; i++) plan_way(r, &p->way[i], kind);
  if (kind && one_in(r, 4)) {
    for (unsigned i = 0; i < 2; i++) p->way[i] = (struct yeon_cable_way){.delay_us = p->way[i].delay_us};
  } else if (kind && one_in(r, 4)) {
    plan_patience(r, p);
  }
  p->n_conns = one_in(r, 3) ? between(r, 1, MAX_CONNS) : 1;
  for (unsigned i = 0; i < p->n_conns; i++) plan_conn(r, &p->conn[i], i, kind);
  if (!kind) plan_changes(r, p);
  p->famine = !kind && one_in(r, 20);
  if (!kind && one_in(r, 10)) plan_limits(r, p);
  p->listener_gone_at = !kind && one_in(r, 15) ? (yeon_time)logarithmic(r, 10, 5000000) * YEON_US : YEON_NEVER;
  shorten(p);
  if (one_in(r, 30)) plan_loop(p);
  plan_fast_open(r, p);
  plan_path(r, p, kind);
  p->calm = is_calm(p);
  p->smooth = is_smooth(p);
  p->prompt = is_prompt(p);
  p->twice = seed % 50 == 0;
  if (seed % 50 == 25) p->snapshot_round = logarithmic(r, 1, 1000);
  plan_marks(r, p);
}

static void print_way(const char *name, const struct yeon_cable_way *w)
{
  char text[256];
  printf("# %s: %s\n", name, yeon_cable_way_format(w, text, sizeof text));
}

static void print_end(const char *name, const struct plan_end *e)
{
  static const char *const finishes[] = {"shut", "close", "abort"};
  printf("#   %s: sends %u%s, %s", name, e->total, e->after_eof ? " after eof" : "", finishes[e->finish]);
  if (e->finish == FINISH_ABORT) printf(" after %u", e->abort_after);
  printf(", writes <= %u, reads <= %u", e->write_max, e->read_max);
  if (e->pause_one_in) printf(", rests one in %u for <= %u us", e->pause_one_in, e->pause_max_us);
  if (e->sndbuf) printf(", sndbuf %lld", (long long)e->sndbuf);
  if (e->rcvbuf) printf(", rcvbuf %lld", (long long)e->rcvbuf);
  if (e->user_timeout_ms) printf(", user timeout %lld ms", (long long)e->user_timeout_ms);
  if (e->maxseg) printf(", maxseg %lld", (long long)e->maxseg);
  if (e->window_clamp) printf(", window <= %lld", (long long)e->window_clamp);
  printf("%s%s%s%s%s%s%s%s%s%s\n", e->late_fin ? " late-fin" : "", e->slices ? " slices" : "",
         e->nodelay ? " nodelay" : "", e->cork ? " cork" : "", e->quickack ? " quickack" : "",
         e->urgent ? " urgent" : "", e->more ? " more" : "", e->peek ? " peek" : "",
         e->wait_closed ? " wait-closed" : "", e->write_early ? " write-early" : "");
  if (e->fast_open > 0) printf("#     opens with %u bytes\n", e->fast_open);
}

static void print_options(const char *name, const struct yeon_tcp_options *o, enum yeon_profile profile)
{
  printf("# %s: %s, wscale %d ts %d sack %d nagle %d challenge %d cookies %d pmtu %d reuse %d ecn %d/%d delack %u us/%u, mss <= "
         "%u, iw %u, rcvbuf "
         "%u..%u, sndbuf %u..%u\n",
         name, yeon_profile_name(profile), o->window_scale, o->timestamps, o->sack, o->nagle, o->challenge_ack,
         o->cookies, o->path_mtu, o->time_wait_reuse, o->ecn, o->accecn_option, o->delack_us, o->delack_segments, o->mss_max,
         o->initial_window_segments, o->rcvbuf, o->rcvbuf_max, o->sndbuf, o->sndbuf_max);
  printf("#    %s%s, pacing %d, validation %d\n", yeon_congestion_name((enum yeon_congestion)o->congestion), o->linux_congestion ? " as linux" : "",
         o->pacing, o->cwnd_validation);
  printf("#    mtu probing %u from %u, threshold %u, every %u s\n", o->mtu_probing, o->base_mss, o->mtu_probe_threshold, o->mtu_probe_interval_s);
  printf("#    fastopen %#x%s%s, retry %u s, black hole %u s\n", o->fastopen, o->fastopen_experimental ? " old-form" : "",
         o->fastopen_answer_early ? " early" : "", o->fastopen_retry_s, o->fastopen_black_hole_s);
}

void plan_print(const struct plan *p)
{
  static const char *const openings[] = {"a connects", "b connects", "both connect"};
  printf("# seed %llu: %s, %s%s, mtu %u%s%s\n", (unsigned long long)p->seed, p->v6 ? "IPv6" : "IPv4",
         p->ethernet ? "Ethernet" : "IP",
         p->hub    ? " with a hub"
         : p->loop ? " within a"
                   : "",
         p->mtu,
         p->smooth ? ", smooth"
         : p->calm ? ", calm"
                   : "",
         p->famine ? ", famine" : "");
  print_options("a", &p->tcp[0], p->profile[0]);
  print_options("b", &p->tcp[1], p->profile[1]);
  print_way("a->b", &p->way[0]);
  print_way("b->a", &p->way[1]);
  for (unsigned i = 0; i < p->n_changes; i++) {
    const struct change *c = &p->change[i];
    static const char *const kinds[] = {"cut", "join", "set", "mtu"};
    printf("# at %.6f: %s %u %u\n", (double)c->at / 1e9, kinds[c->kind], c->mask, c->mtu);
    if (c->kind == CHANGE_SET) print_way("  to", &c->way);
  }
  if (p->listener_gone_at != YEON_NEVER) printf("# listeners close at %.6f\n", (double)p->listener_gone_at / 1e9);
  if (p->max_half_open || p->max_time_wait || p->max_buffer_bytes)
    printf("# at most %u half-open, %u TIME-WAIT, %llu bytes of buffers (0: plenty)\n", p->max_half_open,
           p->max_time_wait, (unsigned long long)p->max_buffer_bytes);
  if (p->attacks) printf("# %u attacks by a stranger\n", p->attacks);
  if (p->listen_any) printf("# listeners on any address\n");
  printf("# backlog %u and %u, accepts after <= %u us, %u datagrams of <= %u bytes each way\n", p->backlog[0],
         p->backlog[1], p->accept_pause_us, p->datagrams, p->datagram_max);
  for (unsigned i = 0; i < p->n_conns; i++) {
    const struct plan_conn *c = &p->conn[i];
    printf("# connection %u: %s at %.6f, local port %u\n", i, openings[c->opening], (double)c->start_at / 1e9,
           c->local_port);
    print_end("a", &c->end[0]);
    print_end("b", &c->end[1]);
  }
}
