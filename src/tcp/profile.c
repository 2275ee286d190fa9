/* Profiles: the numbers other stacks live by, each with its source, and one as the textbook has them. */
#include <string.h>

#include "tcp/internal.h"

#define MS 1000u /* in microseconds */
#define S 1000000u

/* clang-format off */ /* so that profiles can be compared, a line a mechanism */

/* Linux 6.x. Sources: tcp(7); Documentation/networking/ip-sysctl.rst; include/net/tcp.h (TCP_TIMEOUT_INIT 1 s, TCP_RTO_MIN 200 ms,
 * TCP_RTO_MAX 120 s, TCP_DELACK_MIN 40 ms, TCP_TIMEWAIT_LEN 60 s, TCP_INIT_CWND 10); tcp_orphan_retries 0 means 8; tcp_ecn 2,
 * tcp_ecn_fallback 1, tcp_ecn_option 2; tcp_syn_linear_timeouts 4 (since 6.5). */
static const struct yeon_tcp_options linux_options = {
  .rto_initial_us = 1 * S, .rto_min_us = 200 * MS, .rto_max_us = 120 * S,
  .retries_syn = 6, .retries_syn_ack = 5, .retries_data = 15, .retries_orphan = 8,
  .syn_linear = 4, .syn_behind_reset = true,
  .linux_timeout = true, .rto_floor_on_variance = true, .probe_with_data = false, .probe_from_ack = true, .reset_after_fin = true, .shut_rd_keeps = true, .late_reset_is_error = true,
  .icmp_ends_connect = true, .mss_of_path = true, .check_syn_echo = true, .linux_reset = true, .linux_push = true,
  .first_window_whole = true, .fin_ends_sack = true, .fin_may_wait = true, .takes_past_window = true,
  .delack_us = 40 * MS, .delack_segments = 2, .quick_acks = 16,
  .keepalive_idle_ms = 7200 * 1000, .keepalive_interval_ms = 75 * 1000, .keepalive_probes = 9,
  .time_wait_ms = 60 * 1000, .fin_wait_2_ms = 60 * 1000, .time_wait_reuse = true,
  .rcvbuf = 65536, .rcvbuf_max = 6291456, .sndbuf = 87040, .sndbuf_max = 4194304,
  .initial_window_segments = 10,
  .congestion = YEON_CC_CUBIC, .linux_congestion = true, .pacing_slow_start_percent = 200, .pacing_percent = 120,
  .ecn = YEON_ECN_PASSIVE, .ecn_retries = 0, .accecn_option = YEON_ACCECN_OPTION_ALWAYS, .ecn_everywhere = true, .ecn_leaves_orphans = true,
  .restart_after_idle = true, .window_scale = true, .timestamps = true, .sack = true, .nagle = true, .path_mtu = true, .challenge_ack = true, .cookies = true,
  .fastopen = YEON_FASTOPEN_CLIENT, .fastopen_experimental = true,
  .mtu_probing = YEON_MTU_PROBING_OFF, .base_mss = 1024, .mtu_probe_threshold = 8, .mtu_probe_interval_s = 600,
  .challenge_per_second = 1000, .ack_limit_us = 500 * MS, .dupthresh = 3, .train_segments_min = 2, .hop_limit = 64,
  .rack = true, .tlp = true, .tlp_delack_us = 200 * MS, .prr = true, .undo = true, .frto = true,
  .port_first = 32768, .port_last = 60999};

/* FreeBSD 14. Sources: tcp(4); sys/netinet/tcp_timer.h (TCPTV_RTOBASE 1 s, rexmit_min 30 ms plus rexmit_slop 200 ms, TCPTV_REXMTMAX 64 s,
 * TCP_MAXRXTSHIFT 12, TCPTV_MSL 30 s, TCPTV_FINWAIT2_TIMEOUT 60 s, delacktime 40 ms, keepidle 2 h, keepintvl 75 s, TCPTV_KEEPCNT 8);
 * a SYN is given up after keepinit, 75 s: six doublings are the nearest count; ecn.enable 2,
 * ecn.maxretries 1. */
static const struct yeon_tcp_options freebsd_options = {
  .rto_initial_us = 1 * S, .rto_min_us = 30 * MS, .rto_max_us = 64 * S, .rto_slop_us = 200 * MS,
  .retries_syn = 6, .retries_syn_ack = 3, .retries_data = 12, .retries_orphan = 12,
  .probe_with_data = true, .require_timestamps = true, .icmp_refuses = true, .whole_segments = true,
  .drop_syn_ack = true, .reset_as_bound = true, .announce_path = true, .keep_syn_text = true,
  .window_follows = true, .ack_repeats_fin = true, .delack_any_size = true, .late_reset_is_error = true, .time_wait_bsd = true,
  .delack_us = 40 * MS, .delack_segments = 2,
  .keepalive_idle_ms = 7200 * 1000, .keepalive_interval_ms = 75 * 1000, .keepalive_probes = 8,
  .time_wait_ms = 60 * 1000, .fin_wait_2_ms = 60 * 1000, .time_wait_reuse = true,
  .rcvbuf = 65536, .rcvbuf_max = 2097152, .sndbuf = 32768, .sndbuf_max = 2097152,
  .initial_window_segments = 10, .option_layout = YEON_TCP_OPTIONS_PACKED,
  .congestion = YEON_CC_CUBIC, .pacing_slow_start_percent = 200, .pacing_percent = 120,
  .ecn = YEON_ECN_PASSIVE, .ecn_retries = 1, .ecn_crossing = true,
  .restart_after_idle = true, .window_scale = true, .timestamps = true, .sack = true, .nagle = true, .path_mtu = true, .challenge_ack = true, .cookies = true,
  .fastopen = 0, .fastopen_cookie_of_client = true, .fastopen_retry_s = 900,
  .mtu_probing = YEON_MTU_PROBING_OFF, .base_mss = 1200, .mtu_probe_threshold = 8, .mtu_probe_interval_s = 600,
  .challenge_per_second = 200, .ack_limit_us = 500 * MS, .dupthresh = 3, .train_segments_min = 2, .hop_limit = 64,
  .prr = true, .undo = true,
  .port_first = 10000, .port_last = 65535};

/* Windows 10 and 11. Sources: Get-NetTCPSetting (template Internet: InitialRto 1000 ms, MinRto 300 ms, MaxSynRetransmissions 4,
 * DelayedAckTimeout 40 ms, DelayedAckFrequency 2, InitialCongestionWindow 10, Timestamps disabled, ports 49152 and up);
 * TcpMaxDataRetransmissions 5, TcpTimedWaitDelay 120 s, TcpFinWait2Delay 120 s, KeepAliveTime 2 h, KeepAliveInterval 1 s, 10 probes. */
static const struct yeon_tcp_options windows_options = {
  .rto_initial_us = 1 * S, .rto_min_us = 300 * MS, .rto_max_us = 60 * S,
  .retries_syn = 4, .retries_syn_ack = 4, .retries_data = 5, .retries_orphan = 5,
  .probe_with_data = true, .require_timestamps = true,
  .delack_us = 40 * MS, .delack_segments = 2,
  .keepalive_idle_ms = 7200 * 1000, .keepalive_interval_ms = 1000, .keepalive_probes = 10,
  .time_wait_ms = 120 * 1000, .fin_wait_2_ms = 120 * 1000, .time_wait_reuse = true,
  .rcvbuf = 65535, .rcvbuf_max = 16777216, .sndbuf = 65536, .sndbuf_max = 4194304,
  .keep_syn_text = true, .initial_window_segments = 10,
  .congestion = YEON_CC_CUBIC, .pacing_slow_start_percent = 200, .pacing_percent = 120,
  .ecn = YEON_ECN_PASSIVE, .ecn_retries = 1,
  .restart_after_idle = true, .window_scale = true, .timestamps = false, .sack = true, .nagle = true, .path_mtu = true, .challenge_ack = true, .cookies = true,
  .fastopen = 0, .fastopen_retry_s = 900,
  .mtu_probing = YEON_MTU_PROBING_OFF, .base_mss = 1024, .mtu_probe_threshold = 8, .mtu_probe_interval_s = 600,
  .challenge_per_second = 200, .ack_limit_us = 500 * MS, .dupthresh = 3, .train_segments_min = 2, .hop_limit = 128,
  .rack = true, .tlp = true, .tlp_delack_us = 300 * MS, .prr = true, .undo = true, .frto = true,
  .port_first = 49152, .port_last = 65535};

/* The lecture: RTO from 1 s (RFC 6298 2.1, 2.4), doubling, an error after five retries; otherwise the RFCs' own values: initial window of
 * RFC 5681 3.1, delayed ACK under 500 ms (RFC 9293 3.8.6.3), 2 MSL of 4 minutes (RFC 9293 3.4.2), keepalive of 2 hours (RFC 9293 3.8.4). */
static const struct yeon_tcp_options lecture_options = {
  .rto_initial_us = 1 * S, .rto_min_us = 1 * S, .rto_max_us = 60 * S,
  .retries_syn = 5, .retries_syn_ack = 5, .retries_data = 5, .retries_orphan = 5,
  .probe_with_data = true, .require_timestamps = true,
  .delack_us = 200 * MS, .delack_segments = 2,
  .keepalive_idle_ms = 7200 * 1000, .keepalive_interval_ms = 75 * 1000, .keepalive_probes = 9,
  .time_wait_ms = 240 * 1000, .fin_wait_2_ms = 240 * 1000, .time_wait_reuse = true,
  .rcvbuf = 65535, .rcvbuf_max = 65535, .sndbuf = 65536, .sndbuf_max = 65536,
  .keep_syn_text = true, .initial_window_segments = 0,
  .congestion = YEON_CC_NEWRENO, .pacing_slow_start_percent = 200, .pacing_percent = 120,
  .restart_after_idle = true, .window_scale = true, .timestamps = true, .sack = true, .nagle = true, .path_mtu = true, .challenge_ack = true, .cookies = false,
  .mtu_probing = YEON_MTU_PROBING_OFF, .base_mss = 1024, .mtu_probe_threshold = 8, .mtu_probe_interval_s = 600,
  .challenge_per_second = 100, .ack_limit_us = 500 * MS, .dupthresh = 3, .train_segments_min = 2, .hop_limit = 64,
  .port_first = 49152, .port_last = 65535};

/* Our own choice, for those who embed the stack and want the best of it rather than the likeness of a system: the numbers of Linux where they have
 * proved themselves, the RFCs' rules where a system departs from them, and every mechanism on. docs/decisions/0007-a-profile-of-our-own.md has the why. */
static const struct yeon_tcp_options yeon_options = {
  .rto_initial_us = 1 * S, .rto_min_us = 200 * MS, .rto_max_us = 120 * S,
  .retries_syn = 6, .retries_syn_ack = 5, .retries_data = 15, .retries_orphan = 8,
  .syn_behind_reset = true,
  .rto_floor_on_variance = true, .probe_with_data = true, .late_reset_is_error = true, .check_syn_echo = true,
  .delack_us = 40 * MS, .delack_segments = 2, .quick_acks = 16,
  .keepalive_idle_ms = 7200 * 1000, .keepalive_interval_ms = 75 * 1000, .keepalive_probes = 9,
  .time_wait_ms = 60 * 1000, .fin_wait_2_ms = 60 * 1000, .time_wait_reuse = true,
  .rcvbuf = 131072, .rcvbuf_max = 6291456, .sndbuf = 87040, .sndbuf_max = 4194304,
  .keep_syn_text = true, .initial_window_segments = 10,
  .congestion = YEON_CC_CUBIC, .pacing = true, .cwnd_validation = true, .pacing_slow_start_percent = 200, .pacing_percent = 120,
  .ecn = YEON_ECN_ACCURATE, .ecn_retries = 1, .accecn_option = YEON_ACCECN_OPTION_NEEDED, .ecn_everywhere = true, .abe = true,
  .restart_after_idle = true, .window_scale = true, .timestamps = true, .sack = true, .nagle = true, .path_mtu = true, .challenge_ack = true, .cookies = true,
  .fastopen = YEON_FASTOPEN_CLIENT | YEON_FASTOPEN_SERVER, .fastopen_answer_early = true, .fastopen_black_hole_s = 3600, .fastopen_retry_s = 900,
  .mtu_probing = YEON_MTU_PROBING_BLACK_HOLE, .base_mss = 1024, .mtu_probe_threshold = 8, .mtu_probe_interval_s = 600,
  .challenge_per_second = 1000, .ack_limit_us = 500 * MS, .dupthresh = 3, .train_segments_min = 2, .hop_limit = 64,
  .rack = true, .tlp = true, .tlp_from_last = true, .prr = true, .undo = true, .frto = true, .rto_restart = true,
  .paws_from_gap = true, .port_first = 32768, .port_last = 65535};

/* clang-format on */

static const struct {
  const char *name;
  const struct yeon_tcp_options *options;
} profiles[YEON_PROFILES] = {[YEON_PROFILE_LINUX] = {"linux", &linux_options},
                             [YEON_PROFILE_FREEBSD] = {"freebsd", &freebsd_options},
                             [YEON_PROFILE_WINDOWS] = {"windows", &windows_options},
                             [YEON_PROFILE_LECTURE] = {"lecture", &lecture_options},
                             [YEON_PROFILE_YEON] = {"yeon", &yeon_options}};

void yeon_tcp_options_init(struct yeon_tcp_options *options, enum yeon_profile profile)
{
  *options = *profiles[(unsigned)profile < YEON_PROFILES ? profile : YEON_PROFILE_LINUX].options;
}

const char *yeon_profile_name(enum yeon_profile profile)
{
  return (unsigned)profile < YEON_PROFILES ? profiles[profile].name : "?";
}

int yeon_profile_find(const char *name)
{
  for (int i = 0; name != NULL && i < YEON_PROFILES; i++)
    if (strcmp(profiles[i].name, name) == 0) return i;
  return YEON_ERR_INVALID;
}

struct limit {
  const char *field;
  uint32_t value, low, high;
};

static const char *first_bad(const struct limit *limits, size_t n)
{
  for (size_t i = 0; i < n; i++)
    if (limits[i].value < limits[i].low || limits[i].value > limits[i].high) return limits[i].field;
  return NULL;
}

int yeon_tcp_options_check(const struct yeon_tcp_options *o, const char **field)
{
  const struct limit limits[] = {{"rto_initial_us", o->rto_initial_us, 1000, 60 * S},
                                 {"rto_min_us", o->rto_min_us, 1000, 60 * S},
                                 {"rto_max_us", o->rto_max_us,
                                  o->rto_min_us > o->rto_initial_us ? o->rto_min_us : o->rto_initial_us, 3600 * S},
                                 {"rto_slop_us", o->rto_slop_us, 0, 60 * S},
                                 {"retries_data", o->retries_data, 1, 100},
                                 {"retries_orphan", o->retries_orphan, 1, 100},
                                 {"delack_us", o->delack_us, 0,
                                  500 * MS - 1}, /* RFC 9293 3.8.6.3: less than half a second */
                                 {"delack_segments", o->delack_segments, 1, 2},
                                 {"quick_acks", o->quick_acks, 0, 255},
                                 {"keepalive_idle_ms", o->keepalive_idle_ms, 1, 32767000},
                                 {"keepalive_interval_ms", o->keepalive_interval_ms, 1, 32767000},
                                 {"keepalive_probes", o->keepalive_probes, 1, 127},
                                 {"time_wait_ms", o->time_wait_ms, 1, 3600 * 1000},
                                 {"rcvbuf", o->rcvbuf, 2048, 1u << 30},
                                 {"rcvbuf_max", o->rcvbuf_max, o->rcvbuf, 1u << 30},
                                 {"sndbuf", o->sndbuf, 2048, 1u << 30},
                                 {"sndbuf_max", o->sndbuf_max, o->sndbuf, 1u << 30},
                                 {"mss_max", o->mss_max, o->mss_max == 0 ? 0 : 64, 65495},
                                 {"initial_window_segments", o->initial_window_segments, 0, 1000},
                                 {"congestion", o->congestion, 0, YEON_CONGESTIONS - 1},
                                 {"pacing_slow_start_percent", o->pacing_slow_start_percent, 100, 1000},
                                 {"pacing_percent", o->pacing_percent, 100, 1000},
                                 {"option_layout", o->option_layout, 0, YEON_TCP_OPTIONS_PACKED},
                                 {"mtu_probing", o->mtu_probing, 0, YEON_MTU_PROBING_ALWAYS},
                                 {"mtu_probe_threshold", o->mtu_probe_threshold, 1, 255},
                                 {"base_mss", o->base_mss, 256, 9000},
                                 {"mtu_probe_interval_s", o->mtu_probe_interval_s, 1, 7 * 86400},
                                 {"fastopen", o->fastopen & ~YEON_FASTOPEN_BITS, 0, 0},
                                 {"fastopen_black_hole_s", o->fastopen_black_hole_s, 0, 7 * 86400},
                                 {"fastopen_retry_s", o->fastopen_retry_s, 0, 7 * 86400},
                                 {"ecn", o->ecn, 0, YEON_ECN_ACCURATE_PASSIVE},
                                 {"accecn_option", o->accecn_option, 0, YEON_ACCECN_OPTION_ALWAYS},
                                 {"challenge_per_second", o->challenge_per_second, 1, UINT32_MAX - 1},
                                 {"ack_limit_us", o->ack_limit_us, 0, 60 * S},
                                 {"dupthresh", o->dupthresh, 1, 255},
                                 {"train_segments_min", o->train_segments_min, 1, 255},
                                 {"tlp_delack_us", o->tlp_delack_us, 0, 1 * S},
                                 {"hop_limit", o->hop_limit, 1, 255},
                                 {"port_first", o->port_first, 1, 65535},
                                 {"port_last", o->port_last, o->port_first, 65535}};
  const char *bad = first_bad(limits, sizeof limits / sizeof *limits);
  if (field != NULL) *field = bad;
  return bad == NULL ? 0 : YEON_ERR_INVALID;
}
