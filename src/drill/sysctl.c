/* The systems' settings, as far as this host has them: by table. What cannot matter here is known as such; anything
 * else is more than can be run. */
#include <stdlib.h>
#include <string.h>

#include "drill/run.h"
#include "host/host.h"

enum kind {
  HARMLESS,
  ONLY, /* harmless at these values: a list of words */
  FLAG, /* bool */
  NOT,  /* bool, the other way around */
  U8,
  U16,
  U32,
  MS_TO_US,
  S_TO_MS,
  RANGE3, /* "least default most" of a buffer */
  NOTSENT,
  CONGESTION, /* an algorithm by name */
  FASTOPEN, /* fastopen_setting.c */
  OTHER
};
struct entry {
  const char *name; /* "tcp_x" and "sack.enable" stand behind the systems' prefixes */
  enum kind kind;
  size_t at;        /* in struct yeon_tcp_options */
  const char *only; /* ONLY */
};
#define AT(field) offsetof(struct yeon_tcp_options, field)

/* clang-format off */
static const struct entry of_linux[] = {
  {"tcp_timestamps", FLAG, AT(timestamps), NULL}, {"tcp_sack", FLAG, AT(sack), NULL}, {"tcp_window_scaling", FLAG, AT(window_scale), NULL},
  {"tcp_syn_retries", U8, AT(retries_syn), NULL}, {"tcp_synack_retries", U8, AT(retries_syn_ack), NULL},
  {"tcp_retries2", U8, AT(retries_data), NULL}, {"tcp_orphan_retries", OTHER, 0, NULL},
  {"tcp_keepalive_time", S_TO_MS, AT(keepalive_idle_ms), NULL}, {"tcp_keepalive_intvl", S_TO_MS, AT(keepalive_interval_ms), NULL},
  {"tcp_keepalive_probes", U8, AT(keepalive_probes), NULL}, {"tcp_fin_timeout", S_TO_MS, AT(fin_wait_2_ms), NULL},
  {"tcp_rmem", RANGE3, AT(rcvbuf), NULL}, {"tcp_wmem", RANGE3, AT(sndbuf), NULL}, {"tcp_reordering", U8, AT(dupthresh), NULL},
  {"tcp_syncookies", FLAG, AT(cookies), NULL}, {"tcp_invalid_ratelimit", MS_TO_US, AT(ack_limit_us), NULL},
  {"tcp_challenge_ack_limit", U32, AT(challenge_per_second), NULL}, {"tcp_tw_reuse", FLAG, AT(time_wait_reuse), NULL},
  {"tcp_rto_min_us", U32, AT(rto_min_us), NULL}, {"tcp_rto_max_ms", MS_TO_US, AT(rto_max_us), NULL},
  {"ip_default_ttl", U8, AT(hop_limit), NULL},
  {"tcp_ecn", U8, AT(ecn), NULL}, {"tcp_mtu_probing", U8, AT(mtu_probing), NULL}, {"tcp_congestion_control", CONGESTION, 0, NULL},
  {"tcp_dsack", ONLY, 0, "1"}, {"ip_no_pmtu_disc", NOT, AT(path_mtu), NULL}, {"tcp_abort_on_overflow", ONLY, 0, "0"},
  {"tcp_stdurg", ONLY, 0, "0"}, {"tcp_fastopen", FASTOPEN, 0, NULL}, {"tcp_fastopen_key", FASTOPEN, 0, NULL}, {"tcp_fastopen_cookies", FASTOPEN, 0, NULL},
  {"tcp_fastopen_blackhole_timeout_sec", U32, AT(fastopen_black_hole_s), NULL}, {"tcp_min_tso_segs", U8, AT(train_segments_min), NULL},
  {"tcp_tso_win_divisor", HARMLESS, 0, NULL}, {"tcp_tso_rtt_log", HARMLESS, 0, NULL}, {"tcp_autocorking", HARMLESS, 0, NULL},
  {"tcp_limit_output_bytes", HARMLESS, 0, NULL}, {"tcp_pacing_ss_ratio", U16, AT(pacing_slow_start_percent), NULL}, {"tcp_pacing_ca_ratio", U16, AT(pacing_percent), NULL},
  {"tcp_notsent_lowat", NOTSENT, 0, NULL}, {"tcp_fack", HARMLESS, 0, NULL}, {"tcp_frto", FLAG, AT(frto), NULL},
  {"tcp_early_retrans", OTHER, 0, NULL}, {"tcp_recovery", OTHER, 0, NULL}, {"tcp_slow_start_after_idle", FLAG, AT(restart_after_idle), NULL},
  {"tcp_moderate_rcvbuf", HARMLESS, 0, NULL}, {"tcp_thin_linear_timeouts", HARMLESS, 0, NULL}, {"tcp_no_metrics_save", HARMLESS, 0, NULL},
  {"tcp_no_ssthresh_metrics_save", HARMLESS, 0, NULL}, {"tcp_max_syn_backlog", HARMLESS, 0, NULL}, {"tcp_app_win", HARMLESS, 0, NULL},
  {"tcp_adv_win_scale", HARMLESS, 0, NULL}, {"tcp_ecn_fallback", OTHER, 0, NULL}, {"tcp_ecn_option", U8, AT(accecn_option), NULL},
  {"tcp_ecn_option_beacon", HARMLESS, 0, NULL}, {"tcp_max_reordering", HARMLESS, 0, NULL}, {"tcp_min_rtt_wlen", HARMLESS, 0, NULL},
  {"tcp_base_mss", U16, AT(base_mss), NULL}, {"tcp_min_snd_mss", HARMLESS, 0, NULL}, {"tcp_probe_interval", U32, AT(mtu_probe_interval_s), NULL},
  {"tcp_probe_threshold", U8, AT(mtu_probe_threshold), NULL}, {"tcp_retries1", HARMLESS, 0, NULL}, {"tcp_rfc1337", HARMLESS, 0, NULL},
  {"tcp_workaround_signed_windows", HARMLESS, 0, NULL}, {"tcp_comp_sack_delay_ns", HARMLESS, 0, NULL},
  {"tcp_comp_sack_nr", HARMLESS, 0, NULL}, {"tcp_comp_sack_slack_ns", HARMLESS, 0, NULL}, {"tcp_shrink_window", ONLY, 0, "0"},
  {"tcp_max_orphans", HARMLESS, 0, NULL}, {"tcp_mem", HARMLESS, 0, NULL}, {"tcp_available_congestion_control", HARMLESS, 0, NULL},
  {"tcp_backlog_ack_defer", HARMLESS, 0, NULL}, {"tcp_reflect_tos", ONLY, 0, "0"}, {"tcp_migrate_req", HARMLESS, 0, NULL},
  {"tcp_tw_reuse_delay", HARMLESS, 0, NULL}, {"tcp_rcvbuf_low_rtt", HARMLESS, 0, NULL}, {"tcp_syn_linear_timeouts", U8, AT(syn_linear), NULL},
  {"ip_local_port_range", HARMLESS, 0, NULL}, {"ip_nonlocal_bind", HARMLESS, 0, NULL}, {"tcp_allowed_congestion_control", HARMLESS, 0, NULL},
  {"tcp_pingpong_thresh", HARMLESS, 0, NULL}, {"tcp_plb_enabled", HARMLESS, 0, NULL}, {"tcp_max_tw_buckets", HARMLESS, 0, NULL},
  {"tcp_low_latency", HARMLESS, 0, NULL}, {"tcp_fwmark_accept", HARMLESS, 0, NULL}, {"tcp_child_ehash_entries", HARMLESS, 0, NULL},
};
static const struct entry of_freebsd[] = {
  {"tcp.rfc1323", OTHER, 0, NULL}, {"tcp.sack.enable", FLAG, AT(sack), NULL}, {"tcp.recvspace", U32, AT(rcvbuf), NULL},
  {"tcp.sendspace", U32, AT(sndbuf), NULL}, {"tcp.rexmit_initial", MS_TO_US, AT(rto_initial_us), NULL},
  {"tcp.syncookies", FLAG, AT(cookies), NULL}, {"tcp.delacktime", MS_TO_US, AT(delack_us), NULL},
  {"tcp.keepidle", U32, AT(keepalive_idle_ms), NULL}, {"tcp.keepintvl", U32, AT(keepalive_interval_ms), NULL},
  {"tcp.keepcnt", U8, AT(keepalive_probes), NULL}, {"tcp.insecure_rst", NOT, AT(challenge_ack), NULL},
  {"tcp.insecure_syn", NOT, AT(challenge_ack), NULL}, {"tcp.path_mtu_discovery", FLAG, AT(path_mtu), NULL},
  {"tcp.initcwnd_segments", U16, AT(initial_window_segments), NULL}, {"tcp.msl", OTHER, 0, NULL},
  {"tcp.finwait2_timeout", U32, AT(fin_wait_2_ms), NULL}, {"tcp.syncache.rexmtlimit", U8, AT(retries_syn_ack), NULL},
  {"tcp.ecn.enable", OTHER, 0, NULL}, {"tcp.blackhole", ONLY, 0, "0"}, {"tcp.rexmit_drop_options", FLAG, AT(plain_late_syn), NULL},
  {"tcp.syncookies_only", OTHER, 0, NULL}, {"tcp.drop_synfin", FLAG, AT(drop_syn_fin), NULL}, {"tcp.icmp_may_rst", NOT, AT(icmp_ignored), NULL},
  {"tcp.udp_tunneling_port", OTHER, 0, NULL}, {"tcp.cc.algorithm", CONGESTION, 0, NULL},
  {"tcp.functions_default", ONLY, 0, "freebsd"}, {"tcp.hostcache.purgenow", HARMLESS, 0, NULL}, {"tcp.rexmit_slop", MS_TO_US, AT(rto_slop_us), NULL},
  {"tcp.rexmit_min", MS_TO_US, AT(rto_min_us), NULL}, {"tcp.keepinit", OTHER, 0, NULL}, {"tcp.ecn.maxretries", U8, AT(ecn_retries), NULL},
  {"tcp.cc.abe", FLAG, AT(abe), NULL},
  {"tcp.udp_tunneling_overhead", OTHER, 0, NULL}, {"tcp.fastopen.client_enable", FASTOPEN, 0, NULL},
  {"tcp.fastopen.server_enable", FASTOPEN, 0, NULL}, {"tcp.fastopen.setkey", FASTOPEN, 0, NULL},
  {"tcp.fastopen.path_disable_time", U32, AT(fastopen_retry_s), NULL}, {"tcp.fastopen.acceptany", OTHER, 0, NULL},
  {"tcp.fastopen.autokey", HARMLESS, 0, NULL}, {"tcp.fastopen.ccache_bucket_limit", HARMLESS, 0, NULL}, {"tcp.fastopen.psk_enable", ONLY, 0, "0"},
  {"tcp.pmtud_blackhole_detection", HARMLESS, 0, NULL},
  {"tcp.pmtud_blackhole_mss", HARMLESS, 0, NULL}, {"tcp.v6pmtud_blackhole_mss", HARMLESS, 0, NULL}, {"tcp.v6mssdflt", HARMLESS, 0, NULL},
  {"tcp.mssdflt", HARMLESS, 0, NULL}, {"tcp.always_keepalive", HARMLESS, 0, NULL}, {"tcp.nolocaltimewait", HARMLESS, 0, NULL},
  {"tcp.log_in_vain", HARMLESS, 0, NULL}, {"tcp.log_debug", HARMLESS, 0, NULL}, {"tcp.tolerate_missing_ts", NOT, AT(require_timestamps), NULL},
  {"tcp.recvbuf_auto", HARMLESS, 0, NULL}, {"tcp.sendbuf_auto", HARMLESS, 0, NULL}, {"tcp.hostcache.enable", HARMLESS, 0, NULL},
  {"tcp.rfc3042", HARMLESS, 0, NULL}, {"tcp.rfc3465", HARMLESS, 0, NULL}, {"tcp.rfc3390", HARMLESS, 0, NULL},
  {"tcp.rfc6675_pipe", HARMLESS, 0, NULL}, {"tcp.do_prr", FLAG, AT(prr), NULL}, {"tcp.delayed_ack", OTHER, 0, NULL},
  {"tcp.fast_finwait2_recycle", ONLY, 0, "0"}, {"tcp.minmss", HARMLESS, 0, NULL}, {"tcp.sack.revised", HARMLESS, 0, NULL},
  {"tcp.ack_war_cnt", HARMLESS, 0, NULL}, {"tcp.ack_war_timewindow", HARMLESS, 0, NULL}, {"tcp.insecure_ack", HARMLESS, 0, NULL},
};
/* clang-format on */

static const struct entry *find(const struct entry *table, size_t n, const char *name)
{
  for (size_t i = 0; i < n; i++)
    if (strcmp(table[i].name, name) == 0) return &table[i];
  return NULL;
}

static bool in_words(const char *words, const char *word)
{
  size_t n = strlen(word);
  for (const char *p = words; n > 0 && (p = strstr(p, word)) != NULL; p += n)
    if ((p == words || p[-1] == ' ') && (p[n] == 0 || p[n] == ' ')) return true;
  return false;
}

/* A shell's "$((15*1024*1024))", or a number. */
static long long product(const char **p)
{
  long long v = 1;
  char *end;
  while (**p == ' ' || **p == '$' || **p == '(' || **p == '\t') ++*p;
  for (;;) {
    v *= strtoll(*p, &end, 0);
    *p = end;
    while (**p == ')') ++*p;
    if (**p != '*') return v;
    ++*p;
  }
}

static void set_range(struct yeon_tcp_options *o, size_t at, const char *value)
{
  long long n[3] = {0, 0, 0};
  for (int i = 0; i < 3; i++) n[i] = product(&value);
  uint32_t initial = (uint32_t)(n[1] < 2048 ? 2048 : n[1]), most = (uint32_t)(n[2] < initial ? initial : n[2]);
  if (at == AT(rcvbuf)) { /* half of it is for bookkeeping */
    o->rcvbuf = initial / 2 < 2048 ? 2048 : initial / 2;
    o->rcvbuf_max = most;
  } else {
    o->sndbuf = initial;
    o->sndbuf_max = most;
  }
}

static void set_other(struct yeon_tcp_options *o, const char *name, long long n)
{
  if (strcmp(name, "tcp_orphan_retries") == 0) o->retries_orphan = n == 0 ? 8 : (uint8_t)n;
  if (strcmp(name, "tcp_early_retrans") == 0) o->tlp = n == 3 || n == 4;
  if (strcmp(name, "tcp_recovery") == 0) o->rack = (n & 1) != 0;
  if (strcmp(name, "tcp_ecn_fallback") == 0) o->ecn_retries = n == 0 ? YEON_ECN_RETRIES_ALWAYS : 0;
  if (strcmp(name, "tcp.ecn.enable") == 0) o->ecn = n == 4 ? YEON_ECN_ACCURATE_PASSIVE : (uint8_t)n;
  if (strcmp(name, "tcp.msl") == 0) o->time_wait_ms = (uint32_t)(2 * n);
  if (strcmp(name, "tcp.delayed_ack") == 0 && n == 0) o->delack_us = 0;
  const uint16_t any = YEON_FASTOPEN_SERVER_NO_COOKIE;
  if (strcmp(name, "tcp.fastopen.acceptany") == 0) o->fastopen = (uint16_t)(n != 0 ? o->fastopen | any : o->fastopen & ~any);
  if (strcmp(name, "tcp.rfc1323") == 0) {
    o->window_scale = n == 1 || n == 2;
    o->timestamps = n == 1 || n == 3;
  }
}

static void set_field(struct yeon_tcp_options *o, const struct entry *e, const char *value)
{
  const char *p = value;
  long long n = product(&p);
  unsigned char *field = (unsigned char *)o + e->at;
  uint32_t v32 = (uint32_t)n;
  uint16_t v16 = (uint16_t)n;
  bool yes = e->kind == NOT ? n == 0 : n != 0;
  switch (e->kind) {
  case FLAG:
  case NOT: memcpy(field, &yes, sizeof yes); return;
  case U8: *field = (unsigned char)(n > 255 ? 255 : n); return;
  case U16: memcpy(field, &v16, sizeof v16); return;
  case MS_TO_US:
  case S_TO_MS:
    v32 *= 1000;
    memcpy(field, &v32, sizeof v32);
    return;
  case U32: memcpy(field, &v32, sizeof v32); return;
  case RANGE3: set_range(o, e->at, value); return;
  case OTHER: set_other(o, e->name, n); return;
  default: return;
  }
}

/* What follows one of the prefixes, NULL: none of them. */
static const char *after_prefix(const char *name, const char *const *prefixes)
{
  for (; *prefixes != NULL; prefixes++)
    if (strncmp(name, *prefixes, strlen(*prefixes)) == 0) return name + strlen(*prefixes);
  return NULL;
}

static const struct entry *entry_of(const char *name)
{
  static const char *const linux_prefixes[] = {"net.ipv4.", "/proc/sys/net/ipv4/", "net/ipv4/", NULL};
  static const char *const freebsd_prefixes[] = {"net.inet.", NULL};
  const char *rest = after_prefix(name, linux_prefixes);
  if (rest != NULL) return find(of_linux, sizeof of_linux / sizeof *of_linux, rest);
  rest = after_prefix(name, freebsd_prefixes);
  return rest != NULL ? find(of_freebsd, sizeof of_freebsd / sizeof *of_freebsd, rest) : NULL;
}

static bool of_no_matter(const char *name)
{
  static const char *const prefixes[] = {"net.core.",
                                         "/proc/sys/net/core/",
                                         "net.ipv6.conf.",
                                         "net.ipv4.conf.",
                                         "net.ipv4.route.",
                                         "net.inet.icmp.icmplim",
                                         "net.inet6.ip6.",
                                         "kern.timecounter",
                                         "net.ipv4.icmp_",
                                         "net.ipv4.udp_",
                                         "net.ipv4.neigh.",
                                         "net.inet.ip.",
                                         "net.inet.udp.",
                                         "net.inet.tcp.hostcache.",
                                         "net.inet.tcp.syncache.",
                                         "net.inet.tcp.reass.",
                                         "net.inet.tcp.cc.cubic.",
                                         "net.inet.tcp.cc.newreno.",
                                         "net.inet.tcp.rack.",
                                         "net.inet.tcp.bbr.",
                                         "net.inet.tcp.persm",
                                         NULL};
  return after_prefix(name, prefixes) != NULL;
}

static void set_congestion(struct drill_run *r, const char *name, const char *value)
{
  int algorithm = yeon_congestion_find(value);
  if (algorithm < 0)
    drill_needs(r, "%s=%s", name, value);
  else
    r->options.congestion = (uint8_t)algorithm;
}

/* What this runner has for the host. */
static void set_runner(struct drill_run *r, const char *name, long long n)
{
  if (strcmp(name, "tcp.keepinit") == 0) r->keepinit_ms = n;
  if (strcmp(name, "tcp.udp_tunneling_port") == 0) r->tunnel_local = (uint16_t)n;
  if (strcmp(name, "tcp.udp_tunneling_overhead") == 0 && n >= 8 && n <= 1024) r->tunnel_overhead = (uint16_t)n;
  if (strcmp(name, "tcp.syncookies_only") == 0) r->cookies_only = n != 0;
}

void sysctl_apply(struct drill_run *r)
{
  if (r->host == NULL) return;
  struct yeon_tcp_options options = r->options;
  options.sndbuf = r->host->tcp.options.sndbuf;
  options.sndbuf_max = r->host->tcp.options.sndbuf_max;
  r->host->tcp.options = options;
}

void sysctl_set(struct drill_run *r, const char *name, const char *value)
{
  const struct entry *e = entry_of(name);
  const char *p = value;
  if (strcmp(name, "kern.ipc.maxsockbuf") == 0) {
    long long most = product(&p);
    r->options.rcvbuf_max = r->options.sndbuf_max = most > 1 << 30 ? 1u << 30 : (uint32_t)most;
  } else if (e == NULL) {
    if (!of_no_matter(name)) drill_needs(r, "the system setting %s", name);
  } else if (e->kind == ONLY) {
    if (!in_words(e->only, value)) drill_needs(r, "%s=%s", name, value);
  } else if (e->kind == CONGESTION) {
    set_congestion(r, name, value);
  } else if (e->kind == FASTOPEN) {
    fastopen_setting(r, e->name, value);
  } else if (e->kind == NOTSENT) {
    long long n = product(&p);
    r->notsent_lowat = n >= UINT32_MAX ? -1 : n;
  } else {
    set_runner(r, e->name, product(&p));
    set_field(&r->options, e, value);
  }
  sysctl_apply(r);
}
