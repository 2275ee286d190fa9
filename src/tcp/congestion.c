/* Where TCP meets congestion control: the algorithm is chosen, begun, lent its state and told of acknowledgments and pauses; its window is read where
 * segments are sent. RFC 5681, RFC 6928, RFC 7661. */
#include "tcp/internal.h"

#define NON_VALIDATED_MS (5u * 60 * 1000) /* RFC 7661 4.4.3 */

/* State that is held has to find its way back into its pool. */
struct held {
  uint32_t number;
  uint64_t state[CC_HELD_BYTES / 8];
};
_Static_assert(sizeof(struct held) <= TCP_CC_HELD_SIZE, "the pool's objects");

static struct held *held_of(const struct yeon_tcp *c)
{
  return (struct held *)(void *)((char *)c->cc.state - offsetof(struct held, state));
}

/* State for an algorithm that holds it. NULL: no memory. */
static void *hold(struct tcp *t)
{
  uint32_t number;
  struct held *h = pool_new(&t->cc_states, &number);
  if (h == NULL) {
    t->counters->no_memory++;
    return NULL;
  }
  h->number = number;
  return h->state;
}

static void release(struct yeon_tcp *c)
{
  if (c->cc.state == NULL) return;
  struct held *h = cc_ops(&c->cc)->held ? held_of(c) : NULL;
  cc_release(&c->cc);
  if (h != NULL) pool_free(&c->t->cc_states, h->number);
}

static void begin(struct yeon_tcp *c, enum yeon_congestion algorithm, uint32_t cwnd, void *state, yeon_time now)
{
  struct cc_config config = {.algorithm = algorithm,
                             .mss = c->snd_mss,
                             .initial = cwnd,
                             .habits = c->t->options.linux_congestion ? CC_LIKE_LINUX : 0,
                             .state = state,
                             .seed = state != NULL ? (uint32_t)rng_next(c->t->rng) : 0,
                             .srtt_us = c->srtt_us,
                             .now = now};
  cc_init(&c->cc, &config);
  c->flags2 = cc_ops_of(algorithm)->rated ? c->flags2 | TCP_G_RATED : c->flags2 & ~TCP_G_RATED;
  tcp_pace_consider(c);
  if (c->busy != NULL) tcp_congestion_lend(c);
}

/* RFC 5681 3.1: a SYN or SYN-ACK was lost. Linux forgives the first; and one that went again behind a reset (syn_sent.c) went for another reason. */
static bool handshake_lost(const struct yeon_tcp *c)
{
  const struct yeon_tcp_options *o = &c->t->options;
  if ((c->flags2 & TCP_G_SYN_REXMIT) == 0) return false;
  if (o->linux_congestion) return c->rexmits > 1;
  return (c->flags & TCP_F_PASSIVE) != 0 || c->backoff > 0 || o->syn_linear > 0;
}

void tcp_congestion_begin(struct yeon_tcp *c, yeon_time now)
{
  enum yeon_congestion algorithm = (enum yeon_congestion)c->cc.algorithm;
  uint32_t initial = cc_initial_window(c->snd_mss, c->t->options.initial_window_segments);
  void *state = cc_ops_of(algorithm)->held ? hold(c->t) : NULL;
  if (handshake_lost(c)) initial = c->snd_mss;
  if (cc_ops_of(algorithm)->held && state == NULL) algorithm = YEON_CC_NEWRENO; /* which needs nothing */
  begin(c, algorithm, initial, state, now);
}

void tcp_congestion_lend(struct yeon_tcp *c)
{
  if (c->cc.cwnd != 0 && c->cc.state == NULL) cc_adopt(&c->cc, c->busy->cc_state);
}

void tcp_congestion_take_back(struct yeon_tcp *c)
{
  if (!cc_ops(&c->cc)->held) cc_release(&c->cc);
}

void tcp_congestion_end(struct yeon_tcp *c) { release(c); }

int tcp_congestion_choose(struct yeon_tcp *c, enum yeon_congestion algorithm, yeon_time now)
{
  uint32_t cwnd = c->cc.cwnd, ssthresh = c->cc.ssthresh;
  void *state = NULL;
  if (cwnd == 0 || c->state == YEON_TCP_CLOSED) {
    c->cc.algorithm = (uint8_t)algorithm;
    return 0;
  }
  if (c->cc.algorithm == algorithm) return 0;
  if (cc_ops_of(algorithm)->held && (state = hold(c->t)) == NULL) return YEON_ERR_NO_MEMORY;
  release(c);
  if (c->busy != NULL)
    for (unsigned i = 0; i < CC_BORROWED_BYTES / 8; i++) c->busy->cc_state[i] = 0;
  begin(c, algorithm, cwnd, state, now);
  c->cc.ssthresh = ssthresh;
  tcp_want_output(c);
  return 0;
}

/* RFC 5681 4.1: after an idle time of more than one RTO the window starts again; or it decays, with each RTO as in Linux, or as RFC 7661 4.4.3 has it. */
void tcp_congestion_idle(struct yeon_tcp *c, yeon_time now)
{
  const struct yeon_tcp_options *o = &c->t->options;
  if (tcp_outstanding(c)) return;
  if (cc_ops(&c->cc)->governs_itself) {
    cc_restart(&c->cc, c->cc.cwnd, now);
    return;
  }
  uint32_t idle_ms = tcp_ms(c->t, now) - c->sent_ms, period_ms = o->cwnd_validation ? NON_VALIDATED_MS : c->rto_us / 1000;
  if (idle_ms <= period_ms || (!o->cwnd_validation && !o->restart_after_idle)) return;
  uint32_t restart = cc_initial_window(c->snd_mss, o->initial_window_segments);
  if (o->cwnd_validation || o->linux_congestion)
    cc_decay(&c->cc, restart, idle_ms / period_ms, now);
  else
    cc_restart(&c->cc, restart, now);
}

/* Bytes that are ready and only wait for their turn (pace.c), two quanta of two segments at most: Linux has handed them to the device by then. */
static uint32_t waiting(const struct yeon_tcp *c)
{
  uint32_t unsent = tcp_snd_end(c) - c->snd_max, most = 4u * c->snd_mss;
  if (!tcp_paced(c)) return 0;
  return unsent < most ? unsent : most;
}

/* RFC 7661 4.1: is the window used? As Linux: one that was full once counts as used until a round trip later something leaves and does not fill it. */
void tcp_congestion_on_sent(struct yeon_tcp *c)
{
  struct tcp_busy *b = c->busy;
  uint32_t flight = c->snd_max - c->snd_una;
  bool full = c->t->options.linux_congestion && tcp_pipe(c) + waiting(c) + c->snd_mss > c->cc.cwnd;
  if (full) flight = CC_WINDOW_MOST;
  if (!full && seq_lt(c->snd_una, b->round_end) && flight <= b->flight_max) return;
  b->flight_max = flight;
  b->round_end = c->snd_max;
}

/* What this acknowledgment says of the round trip; 0: nothing that is certain (Karn). */
static uint32_t sample_us(const struct tcp_news *news, yeon_time now)
{
  if (!news->any || news->newest_again) return 0;
  yeon_time us = (now - news->newest_at) / YEON_US;
  return us < 1 ? 1 : us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

void tcp_congestion_on_ack(struct yeon_tcp *c, const struct tcp_news *news, bool recovering, bool again, yeon_time now)
{
  /* Before a loss is certain, what SACK tells of opens no window: limited transmit does (RFC 3042). Where the network reorders it is no sign of loss,
   * and counts: else a window full of small gaps would hardly grow. */
  bool moved = news->acked > 0 || c->reo_steps > 0 || cc_ops(&c->cc)->governs_itself;
  if (c->busy == NULL || !moved || news->fresh + news->sacked == 0) return;
  struct cc_ack a = {.acked = news->fresh + news->sacked,
                     .lost = c->busy->sent.ever_lost - c->busy->lost_told,
                     .in_flight = tcp_pipe(c),
                     .flight_max = c->busy->flight_max,
                     .window = c->snd_wnd > 0 ? c->snd_wnd : 1,
                     .srtt_us = c->srtt_us,
                     .marked = news->marked,
                     .rtt_us = sample_us(news, now),
                     .rtt_min_us = c->rtt_min_us,
                     .in_recovery = recovering || (c->flags & TCP_F_RECOVERY) != 0,
                     .delivered = c->bytes_acked + c->busy->sent.sacked,
                     .now = now};
  /* RFC 3465 2.3: after a time-out much of it may have arrived long ago, and makes room for one segment; SACK tells what is new. */
  if (again && (c->flags & TCP_F_SACK) == 0 && a.acked > c->snd_mss && !cc_ops(&c->cc)->governs_itself) a.acked = c->snd_mss;
  c->busy->lost_told = c->busy->sent.ever_lost;
  if (tcp_rated(c)) tcp_rate_on_ack(c, news, &a);
  uint32_t before = c->cc.cwnd;
  cc_on_ack(&c->cc, &a);
  if (c->cc.cwnd != before) tcp_trace_cwnd(c, c->cc.cwnd <= c->cc.ssthresh ? "slow start" : "avoidance", now);
}
