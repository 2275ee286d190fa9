/* struct tcp_info (linux/tcp.h) from our numbers. */
#define _GNU_SOURCE
#include <linux/tcp.h>
#include <string.h>

#include "lab/tcp_info.h"

/* TCP_ESTABLISHED ... of the kernel, which begins with 1 and has an order of its own. */
static uint8_t state_of(enum yeon_tcp_state state)
{
  static const uint8_t number[YEON_TCP_STATES] = {
      [YEON_TCP_CLOSED] = 7,     [YEON_TCP_LISTEN] = 10,    [YEON_TCP_SYN_SENT] = 2,   [YEON_TCP_SYN_RECEIVED] = 3,
      [YEON_TCP_ESTABLISHED] = 1, [YEON_TCP_FIN_WAIT_1] = 4, [YEON_TCP_FIN_WAIT_2] = 5, [YEON_TCP_CLOSE_WAIT] = 8,
      [YEON_TCP_CLOSING] = 11,   [YEON_TCP_LAST_ACK] = 9,   [YEON_TCP_TIME_WAIT] = 6,
  };
  return number[state];
}

static void fill_options(struct tcp_info *t, const struct yeon_tcp_info *i)
{
  if (i->syn_data) t->tcpi_options |= TCPI_OPT_SYN_DATA;
  if (i->ts_ok) t->tcpi_options |= TCPI_OPT_TIMESTAMPS;
  if (i->sack_ok) t->tcpi_options |= TCPI_OPT_SACK;
  if (i->wscale_ok) t->tcpi_options |= TCPI_OPT_WSCALE;
  if (i->ecn_ok) t->tcpi_options |= TCPI_OPT_ECN;
  if (i->ecn_seen) t->tcpi_options |= TCPI_OPT_ECN_SEEN;
  t->tcpi_snd_wscale = i->snd_wscale & 15u;
  t->tcpi_rcv_wscale = i->rcv_wscale & 15u;
}

static void fill_path(struct tcp_info *t, const struct yeon_tcp_info *i)
{
  uint32_t mss = i->snd_mss > 0 ? i->snd_mss : 536;
  t->tcpi_rto = i->rto_us;
  t->tcpi_snd_mss = mss;
  t->tcpi_rcv_mss = i->rcv_mss;
  t->tcpi_pmtu = i->path_mtu;
  t->tcpi_rtt = i->srtt_us;
  t->tcpi_rttvar = i->rttvar_us;
  t->tcpi_min_rtt = i->rtt_min_us;
  t->tcpi_snd_cwnd = i->cwnd / mss;
  t->tcpi_snd_ssthresh = i->ssthresh / mss < 0x7fffffff ? i->ssthresh / mss : 0x7fffffff;
  t->tcpi_unacked = (i->flight + mss - 1) / mss;
  t->tcpi_advmss = i->rcv_mss;
  t->tcpi_reordering = 3;
  t->tcpi_snd_wnd = i->snd_wnd;
  t->tcpi_pacing_rate = i->pacing_rate != 0 ? i->pacing_rate : UINT64_MAX; /* all ones: not paced */
}

static void fill_counts(struct tcp_info *t, const struct yeon_tcp_info *i)
{
  t->tcpi_retransmits = i->rexmits;
  t->tcpi_backoff = i->rexmits;
  t->tcpi_probes = i->probes;
  t->tcpi_bytes_acked = i->bytes_acked;
  t->tcpi_bytes_received = i->bytes_received;
  t->tcpi_bytes_sent = i->bytes_sent;
  t->tcpi_bytes_retrans = i->bytes_retransmitted;
  t->tcpi_delivered_ce = i->ecn_told_ce;
  t->tcpi_segs_in = i->segs_in;
  t->tcpi_segs_out = i->segs_out;
  t->tcpi_total_retrans = (uint32_t)(i->bytes_retransmitted / t->tcpi_snd_mss);
  t->tcpi_notsent_bytes = i->snd_queued > i->flight ? i->snd_queued - i->flight : 0;
  t->tcpi_rcv_space = i->rcv_limit;
}

size_t lab_tcp_info(const struct yeon_tcp_info *i, void *out, size_t size)
{
  struct tcp_info t;
  memset(&t, 0, sizeof t);
  t.tcpi_state = state_of(i->state);
  if (i->state == YEON_TCP_LISTEN) {
    t.tcpi_unacked = i->backlog; /* what these two mean on a listener in Linux */
    t.tcpi_sacked = i->backlog_limit;
  } else {
    fill_options(&t, i);
    fill_path(&t, i);
    fill_counts(&t, i);
  }
  if (size > sizeof t) size = sizeof t;
  memcpy(out, &t, size);
  return size;
}
