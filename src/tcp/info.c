/* A connection as numbers, for whoever asks. */
#include "tcp/ecn.h"

void yeon_tcp_set_user(struct yeon_tcp *c, void *user) { c->user = user; }

void *yeon_tcp_user(const struct yeon_tcp *c) { return c->user; }

uint64_t yeon_tcp_id(const struct yeon_tcp *c) { return c->id; }

enum yeon_tcp_state yeon_tcp_state(const struct yeon_tcp *c) { return (enum yeon_tcp_state)c->state; }

static void addresses(const struct tcp *t, const struct tcp_key *key, struct yeon_addr *local, struct yeon_addr *remote)
{
  *local = (struct yeon_addr){.port = key->local_port};
  if (key->local < TCP_LOCAL_ANY6) local->ip = (*t->locals)[key->local];
  if (key->local == TCP_LOCAL_ANY4) local->ip = yeon_ip4(0, 0, 0, 0);
  *remote = (struct yeon_addr){.ip = key->remote, .port = key->remote_port};
}

void yeon_tcp_local(const struct yeon_tcp *c, struct yeon_addr *out)
{
  struct yeon_addr remote;
  addresses(c->t, &c->record.key, out, &remote);
}

void yeon_tcp_remote(const struct yeon_tcp *c, struct yeon_addr *out)
{
  struct yeon_addr local;
  addresses(c->t, &c->record.key, &local, out);
}

static void fill_sending(const struct yeon_tcp *c, struct yeon_tcp_info *out)
{
  out->iss = c->iss;
  out->snd_una = c->snd_una;
  out->snd_nxt = c->snd_nxt;
  out->snd_max = c->snd_max;
  out->snd_wnd = c->snd_wnd;
  out->snd_wl1 = c->snd_wl1;
  out->snd_wl2 = c->snd_wl2;
  out->snd_mss = c->snd_mss;
  out->snd_wscale = c->snd_wscale;
  out->congestion = (enum yeon_congestion)c->cc.algorithm;
  out->pacing_rate = tcp_pace_rate(c);
  out->cwnd = c->cc.cwnd;
  out->ssthresh = c->cc.ssthresh;
  out->flight = tcp_flight(c);
  out->snd_queued = ring_len(c->snd);
  out->snd_limit = c->sndbuf;
  out->rexmits = c->rexmits;
  out->probes = c->probes;
  out->in_recovery = (c->flags & (TCP_F_RECOVERY | TCP_F_RTO_RECOVERY)) != 0;
  out->bytes_sent = c->bytes_acked + c->bytes_retransmitted + (tcp_outstanding(c) ? c->snd_max - tcp_snd_base(c) : 0);
  out->bytes_acked = c->bytes_acked;
  out->bytes_retransmitted = c->bytes_retransmitted;
}

static void fill_receiving(const struct yeon_tcp *c, struct yeon_tcp_info *out)
{
  out->irs = c->irs;
  out->rcv_nxt = c->rcv_nxt;
  out->rcv_wnd = tcp_rcv_wnd(c);
  out->rcv_mss = c->rcv_mss;
  out->rcv_wscale = c->rcv_wscale;
  out->rcv_queued = ring_len(c->rcv);
  out->rcv_limit = c->rcvbuf;
  if (tcp_ooo(c) != NULL) out->rcv_out_of_order = ranges_bytes(tcp_ooo(c)->set, c->rcv_nxt, c->rcv_nxt + (1u << 30));
  out->bytes_received = c->bytes_received;
}

static void fill_ecn(const struct yeon_tcp *c, struct yeon_tcp_info *out)
{
  const struct tcp_ecn *e = tcp_ecn(c);
  if (e->mode != TCP_ECN_CLASSIC && e->mode != TCP_ECN_ACCURATE) return;
  out->ecn_ok = true;
  out->accecn_ok = e->mode == TCP_ECN_ACCURATE;
  out->ecn_capable = (e->flags & TCP_E_NOT_CAPABLE) == 0;
  out->ecn_seen = e->ever != 0;
  out->ecn_arrived_ce = e->arrived_ce;
  out->ecn_told_ce = e->told_ce;
  for (unsigned i = 0; i < 3; i++) {
    out->ecn_arrived_bytes[i] = e->arrived[i];
    out->ecn_told_bytes[i] = e->told[i];
  }
}

void yeon_tcp_info(const struct yeon_tcp *c, struct yeon_tcp_info *out)
{
  *out = (struct yeon_tcp_info){.id = c->id, .state = (enum yeon_tcp_state)c->state, .path_mtu = c->path_mtu};
  addresses(c->t, &c->record.key, &out->local, &out->remote);
  fill_sending(c, out);
  fill_receiving(c, out);
  if (c->record.ecn != 0) fill_ecn(c, out);
  out->wscale_ok = (c->flags & TCP_F_WSCALE) != 0;
  out->ts_ok = (c->flags & TCP_F_TS) != 0;
  out->sack_ok = (c->flags & TCP_F_SACK) != 0;
  out->orphan = (c->flags & TCP_F_ORPHAN) != 0;
  out->syn_data = (c->flags2 & TCP_G_SYN_DATA) != 0;
  out->srtt_us = c->srtt_us;
  out->rttvar_us = c->rttvar_us;
  out->rto_us = tcp_rto_us(c);
  out->rtt_min_us = c->rtt_min_us;
  out->segs_in = c->segs_in;
  out->segs_out = c->segs_out;
  out->timer_at = tcp_timer_earliest(c, &out->timer);
  if (c->state != YEON_TCP_LISTEN) return;
  out->backlog = c->extra->waiting;
  out->backlog_limit = c->extra->backlog;
}

static void half_open_info(const struct tcp *t, const struct tcp_half_open *h, struct yeon_tcp_info *out)
{
  *out = (struct yeon_tcp_info){.id = h->id,
                                .state = YEON_TCP_SYN_RECEIVED,
                                .iss = h->iss,
                                .irs = h->irs,
                                .snd_una = h->iss,
                                .snd_nxt = h->iss + 1,
                                .snd_max = h->iss + 1,
                                .rcv_nxt = h->irs + 1,
                                .rexmits = h->retries,
                                .timer = YEON_TIMER_REXMIT,
                                .timer_at = h->node.deadline};
  addresses(t, &h->record.key, &out->local, &out->remote);
}

static void time_wait_info(const struct tcp *t, const struct tcp_time_wait *w, struct yeon_tcp_info *out)
{
  yeon_time head = tcp_time_wait_next(t);
  const struct tcp_time_wait *first = pool_at(&t->time_waits, t->time_wait.first);
  *out = (struct yeon_tcp_info){.state = YEON_TCP_TIME_WAIT,
                                .orphan = true,
                                .snd_una = w->snd_nxt,
                                .snd_nxt = w->snd_nxt,
                                .snd_max = w->snd_nxt,
                                .rcv_nxt = w->rcv_nxt,
                                .ts_ok = (w->flags & TCP_H_TS) != 0,
                                .timer = YEON_TIMER_TIME_WAIT,
                                .timer_at = head + (yeon_time)(w->expires_ms - first->expires_ms) * YEON_MS};
  addresses(t, &w->key, &out->local, &out->remote);
}

void tcp_each(struct tcp *t, yeon_tcp_visit_fn *fn, void *ctx)
{
  struct yeon_tcp_info info;
  uint32_t n;
  bool go_on = true;
  for (n = pool_next(&t->conns, 0); n != 0 && go_on; n = pool_next(&t->conns, n)) {
    struct yeon_tcp *c = tcp_conn(t, n);
    yeon_tcp_info(c, &info);
    go_on = fn(ctx, &info, (c->flags & TCP_F_ORPHAN) != 0 ? NULL : c);
  }
  for (n = pool_next(&t->half_opens, 0); n != 0 && go_on; n = pool_next(&t->half_opens, n)) {
    half_open_info(t, pool_at(&t->half_opens, n), &info);
    go_on = fn(ctx, &info, NULL);
  }
  for (n = pool_next(&t->time_waits, 0); n != 0 && go_on; n = pool_next(&t->time_waits, n)) {
    const struct tcp_time_wait *w = pool_at(&t->time_waits, n);
    if ((w->flags & TCP_H_DEAD) != 0) continue;
    time_wait_info(t, w, &info);
    go_on = fn(ctx, &info, NULL);
  }
}
