/* tcp_info, as code in a script names it: in the units of the platform. Linux counts segments where FreeBSD counts
 * bytes. */
#include <string.h>

#include "drill/run.h"
#include "tcp/internal.h"

#define INFINITE_LINUX 0x7fffffff

struct view {
  struct yeon_tcp_info i;
  const struct yeon_tcp *c;
  const struct drill_fd *fd;
  uint32_t syn_payload; /* bytes on the SYN */
  bool freebsd;
};

static double segments(const struct view *v, uint64_t bytes)
{
  uint32_t mss = v->c->snd_mss != 0 ? v->c->snd_mss : 536;
  return (double)((bytes + mss - 1) / mss);
}

static double state_number(const struct view *v)
{
  static const uint8_t of_linux[YEON_TCP_STATES] = {7, 10, 2, 3, 1, 4, 5, 8, 11, 9, 6};
  static const uint8_t of_freebsd[YEON_TCP_STATES] = {0, 1, 2, 3, 4, 6, 9, 5, 7, 8, 10};
  return v->freebsd ? of_freebsd[v->i.state] : of_linux[v->i.state];
}

static double option_bits(const struct view *v)
{
  return (v->i.ts_ok ? 1 : 0) | (v->i.sack_ok ? 2 : 0) | (v->i.wscale_ok ? 4 : 0) | (v->i.ecn_ok ? 8 : 0) |
         (v->i.ecn_seen ? 16 : 0) | (v->i.syn_data ? 32 : 0);
}

/* Linux's machine of congestion states: Open, Disorder, CWR, Recovery, Loss. */
static double ca_state(const struct view *v)
{
  if ((v->c->flags & TCP_F_RTO_RECOVERY) != 0) return 4;
  if (v->i.in_recovery) return 3;
  return v->c->dup_acks > 0 || tcp_sacked(v->c) ? 1 : 0;
}

static uint64_t sacked_bytes(const struct view *v)
{
  return tcp_sacked(v->c) ? v->c->busy->sent.sacked : 0;
}

static double cwnd(const struct view *v)
{
  if (v->freebsd) return v->i.cwnd;
  return v->c->snd_mss != 0 ? v->i.cwnd / v->c->snd_mss : 0;
}

static double ssthresh(const struct view *v)
{
  bool infinite = v->i.ssthresh >= INFINITE_LINUX;
  if (v->freebsd) return v->i.ssthresh;
  return infinite || v->c->snd_mss == 0 ? INFINITE_LINUX : v->i.ssthresh / v->c->snd_mss;
}

static uint32_t in_flight(const struct view *v) { return v->i.snd_max - v->i.snd_una; }

static uint32_t unsent(const struct view *v)
{
  return v->i.snd_queued > in_flight(v) ? v->i.snd_queued - in_flight(v) : 0;
}

/* What this end announced: the option's bound, or what the link allows. */
static double announced_mss(const struct view *v)
{
  const struct tcp *t = v->c->t;
  uint32_t mss = (uint32_t)t->link_mtu[v->c->link] - (yeon_ip_is4(&v->i.remote.ip) ? 40 : 60);
  if (t->options.mss_max != 0 && t->options.mss_max < mss) mss = t->options.mss_max;
  if (v->c->extra != NULL && v->c->extra->mss_max != 0 && v->c->extra->mss_max < mss) mss = v->c->extra->mss_max;
  return mss;
}

static double unacked(const struct view *v)
{
  return v->i.state == YEON_TCP_LISTEN ? v->i.backlog : segments(v, in_flight(v));
}

static double lost_segments(const struct view *v)
{
  return v->c->busy != NULL ? segments(v, v->c->busy->sent.lost) : 0;
}

static double resent_segments(const struct view *v)
{
  return v->c->busy != NULL ? segments(v, v->c->busy->sent.resent) : 0;
}

static double reordering(const struct view *v)
{
  uint32_t least = v->c->t->options.dupthresh;
  return v->fd->reordering > least ? v->fd->reordering : least;
}

/* Packets, as Linux counts them: the handshake's is one, and the SYN's data belongs to it. */
static double delivered(const struct view *v)
{
  if (v->i.state < YEON_TCP_ESTABLISHED) return 0;
  bool with_syn = v->i.syn_data && (v->c->flags & TCP_F_PASSIVE) == 0;
  uint64_t bytes = v->i.bytes_acked + sacked_bytes(v), first = with_syn ? v->syn_payload : 0;
  return 1 + (bytes > first ? segments(v, bytes - first) : 0);
}

/* The fields that are one expression. */
static bool simple_field(const struct view *v, const char *name, double *out)
{
  const struct {
    const char *name;
    double value;
  } fields[] = {{"state", state_number(v)},
                {"ca_state", ca_state(v)},
                {"options", option_bits(v)},
                {"snd_cwnd", cwnd(v)},
                {"snd_ssthresh", ssthresh(v)},
                {"unacked", unacked(v)},
                {"sacked", v->i.state == YEON_TCP_LISTEN ? v->i.backlog_limit : segments(v, sacked_bytes(v))},
                {"retransmits", v->i.rexmits},
                {"probes", v->i.probes},
                {"backoff", v->i.probes > v->c->backoff ? v->i.probes : v->c->backoff},
                {"snd_wscale", v->i.snd_wscale},
                {"rcv_wscale", v->i.rcv_wscale},
                {"rto", v->i.rto_us},
                {"snd_mss", v->i.snd_mss},
                {"rcv_mss", v->c->rcv_mss},
                {"advmss", announced_mss(v)},
                {"pmtu", v->i.path_mtu},
                {"rtt", v->i.srtt_us},
                {"rttvar", v->i.rttvar_us},
                {"min_rtt", v->i.rtt_min_us},
                {"delivered", delivered(v)},
                {"bytes_acked", (double)v->i.bytes_acked},
                {"bytes_received", (double)v->i.bytes_received},
                {"bytes_sent", (double)v->i.bytes_sent},
                {"bytes_retrans", (double)v->i.bytes_retransmitted},
                {"segs_in", v->i.segs_in},
                {"segs_out", v->i.segs_out},
                {"delivered_ce", v->i.ecn_told_ce},
                {"received_ce", v->i.ecn_arrived_ce},
                {"delivered_e0_bytes", v->i.ecn_told_bytes[0]},
                {"delivered_ce_bytes", v->i.ecn_told_bytes[1]},
                {"delivered_e1_bytes", v->i.ecn_told_bytes[2]},
                {"received_e0_bytes", v->i.ecn_arrived_bytes[0]},
                {"received_ce_bytes", v->i.ecn_arrived_bytes[1]},
                {"received_e1_bytes", v->i.ecn_arrived_bytes[2]},
                {"notsent_bytes", unsent(v)},
                {"snd_wnd", v->i.snd_wnd},
                {"rcv_wnd", v->i.rcv_wnd},
                {"rcv_nxt", v->i.rcv_nxt},
                {"snd_nxt", v->i.snd_nxt},
                {"pacing_rate", (double)v->i.pacing_rate},
                {"reordering", reordering(v)},
                {"reord_seen", v->fd->reorderings},
                {"lost", lost_segments(v)},
                {"retrans", resent_segments(v)},
                {"rcv_ooopack", v->i.rcv_out_of_order}};
  for (unsigned i = 0; i < sizeof fields / sizeof *fields; i++) {
    if (strcmp(fields[i].name, name) != 0) continue;
    *out = fields[i].value;
    return true;
  }
  return false;
}

bool info_value(struct drill_run *r, const char *name, double *out)
{
  struct drill_fd *fd = fd_find(r, r->current);
  bool memory = strncmp(name, "SK_MEMINFO_", 11) == 0;
  if (!memory && strncmp(name, "tcpi_", 5) != 0) return false;
  if (fd == NULL || fd->tcp == NULL) {
    drill_needs(r, "a connection to look at (%s)", name);
    return true;
  }
  struct view v = {.c = fd->tcp, .fd = fd, .syn_payload = r->syn_payload, .freebsd = r->freebsd};
  yeon_tcp_info(fd->tcp, &v.i);
  if (strcmp(name, "tcpi_last_data_recv") == 0)
    *out = (double)((r->now - r->heard_at) / YEON_MS);
  else if (memory && strcmp(name + 11, "RCVBUF") == 0)
    *out = fd->rcvbuf_set != 0 ? (double)fd->rcvbuf_set : (r->freebsd ? 1.0 : 2.0) * v.i.rcv_limit;
  else if (memory && strcmp(name + 11, "SNDBUF") == 0)
    *out = (double)linux_send_buffer(r, fd);
  else if (memory || !simple_field(&v, name + 5, out))
    drill_needs(r, "the value %s", name);
  return true;
}
