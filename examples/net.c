#define _GNU_SOURCE
#include "net.h"

#include <errno.h>
#include <net/if.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static volatile sig_atomic_t stop_signal, cut_signal, join_signal;

static void on_signal(int sig)
{
  if (sig == SIGUSR1)
    cut_signal = 1;
  else if (sig == SIGUSR2)
    join_signal = 1;
  else
    stop_signal = 1;
}

void net_init(struct net *n, const char *program)
{
  memset(n, 0, sizeof *n);
  n->program = program;
  n->cut_for_s = 5;
  n->profile = YEON_PROFILE_LINUX;
  n->cut_at = n->join_at = YEON_NEVER;
}

void net_help(FILE *out)
{
  fputs("  --tun NAME         on this TUN device, made if need be (tun0)\n"
        "  --packet IFNAME    on this Ethernet interface, e.g. one end of a veth pair\n"
        "  --addr IP/BITS     an address of ours; may be repeated (10.9.0.2/24 and fd09::2/64)\n"
        "  --gateway IP       send through this router what is not on our own network; may be repeated\n"
        "  --profile NAME     numbers of TCP: linux, freebsd, windows, lecture, yeon (linux)\n"
        "  --plain            no super-segments, no checksum offload\n"
        "  --cut-after BYTES  pull the cable when so much has come through (10k, 5M, 1G)\n"
        "  --cut-for SECONDS  and put it back after this time (5)\n"
        "  --loss PERCENT, --delay MS   of the cable, each way\n"
        "  --ladder FILE      write what crosses the cable, segment by segment\n"
        "  --pcap FILE        the same for Wireshark\n"
        "SIGUSR1 pulls the cable, SIGUSR2 puts it back.\n",
        out);
}

int net_parse_size(const char *text, uint64_t *out)
{
  char *end;
  errno = 0;
  unsigned long long v = strtoull(text, &end, 10);
  if (end == text || errno != 0 || *text == '-') return -1;
  unsigned shift = 0;
  if (*end == 'k' || *end == 'K') shift = 10;
  if (*end == 'm' || *end == 'M') shift = 20;
  if (*end == 'g' || *end == 'G') shift = 30;
  if (shift > 0) end++;
  if (*end != 0 || v > UINT64_MAX >> shift) return -1;
  *out = (uint64_t)v << shift;
  return 0;
}

static int parse_number(const char *text, double most, double *out)
{
  char *end;
  double v = strtod(text, &end);
  if (end == text || *end != 0 || !(v >= 0 && v <= most)) return -1;
  *out = v;
  return 0;
}

static int parse_addr(struct net *n, const char *text)
{
  char ip[64];
  const char *slash = strchr(text, '/');
  size_t len = slash ? (size_t)(slash - text) : strlen(text);
  if (n->n_addr == NET_ADDRS || len >= sizeof ip) return -1;
  memcpy(ip, text, len);
  ip[len] = 0;
  if (yeon_ip_parse(ip, &n->addr[n->n_addr].ip) != 0) return -1;
  unsigned most = yeon_ip_is4(&n->addr[n->n_addr].ip) ? 32 : 128;
  double bits = most == 32 ? 24 : 64;
  if (slash && (parse_number(slash + 1, most, &bits) != 0 || bits != (unsigned)bits)) return -1;
  n->addr[n->n_addr++].prefix_len = (unsigned)bits;
  return 0;
}

static int set_option(struct net *n, const char *name, const char *value)
{
  double v = 0;
  if (strcmp(name, "--tun") == 0)
    n->tun = value;
  else if (strcmp(name, "--packet") == 0)
    n->packet = value;
  else if (strcmp(name, "--ladder") == 0)
    n->ladder = value;
  else if (strcmp(name, "--pcap") == 0)
    n->pcap = value;
  else if (strcmp(name, "--addr") == 0)
    return parse_addr(n, value);
  else if (strcmp(name, "--gateway") == 0) {
    if (n->n_gateway == NET_ADDRS) return -1;
    return yeon_ip_parse(value, &n->gateway[n->n_gateway++]);
  } else if (strcmp(name, "--profile") == 0) {
    n->profile = yeon_profile_find(value);
    return n->profile < 0 ? -1 : 0;
  } else if (strcmp(name, "--cut-after") == 0)
    return net_parse_size(value, &n->cut_after);
  else if (strcmp(name, "--cut-for") == 0)
    return parse_number(value, 86400, &n->cut_for_s);
  else if (strcmp(name, "--loss") == 0) {
    if (parse_number(value, 100, &v) != 0) return -1;
    n->way.loss_ppm = (uint32_t)(v * 10000 + 0.5);
  } else if (strcmp(name, "--delay") == 0) {
    if (parse_number(value, 1000000, &v) != 0) return -1;
    n->way.delay_us = (uint32_t)(v * 1000);
  }
  return 0;
}

int net_option(struct net *n, int argc, char **argv, int *i)
{
  static const char *const with_value[] = {"--tun",     "--packet", "--addr",  "--gateway", "--profile", "--cut-after",
                                           "--cut-for", "--loss",   "--delay", "--ladder",  "--pcap"};
  const char *name = argv[*i];
  if (strcmp(name, "--plain") == 0) {
    n->plain = true;
    return 1;
  }
  bool ours = false;
  for (size_t k = 0; k < sizeof with_value / sizeof *with_value; k++) ours |= strcmp(name, with_value[k]) == 0;
  if (!ours) return 0;
  if (*i + 1 >= argc) {
    fprintf(stderr, "%s: %s wants a value; see --help\n", n->program, name);
    return -1;
  }
  const char *value = argv[++*i];
  if (set_option(n, name, value) == 0) return 1;
  fprintf(stderr, "%s: %s cannot be \"%s\"; see --help\n", n->program, name, value);
  return -1;
}

static int complain(const struct net *n, const char *what, int error)
{
  fprintf(stderr, "%s: %s: %s\n", n->program, what, yeon_error_text(error));
  return -1;
}

static int open_link(struct net *n, struct yeon_link **out)
{
  unsigned flags = n->plain ? YEON_LINK_PLAIN : 0;
  if (n->tun && n->packet) {
    fprintf(stderr, "%s: either --tun or --packet\n", n->program);
    return -1;
  }
  const char *name = n->packet ? n->packet : n->tun ? n->tun : "tun0";
  int rc = n->packet ? yeon_link_packet(out, name, flags) : yeon_link_tun(out, name, flags);
  if (rc == 0) return 0;
  complain(n, name, rc);
  if (rc == YEON_ERR_PERMISSION)
    fprintf(stderr, "Run it as root, or in namespaces of your own: unshare -Urn%s\n",
            n->packet ? "" : " (and if /dev/net/tun is closed to you: --packet on a veth pair)");
  if (rc == YEON_ERR_INVALID && n->packet)
    fprintf(stderr, "There must be an Ethernet interface of that name that is up: ip link\n");
  return -1;
}

static int add_addresses(struct net *n)
{
  if (n->n_addr == 0 && (parse_addr(n, "10.9.0.2/24") != 0 || parse_addr(n, "fd09::2/64") != 0)) return -1;
  for (unsigned i = 0; i < n->n_addr; i++) {
    int rc = yeon_host_add_addr(n->host, n->link_number, &n->addr[i].ip, n->addr[i].prefix_len);
    char text[64];
    if (rc != 0) return complain(n, yeon_ip_format(&n->addr[i].ip, text, sizeof text), rc);
  }
  for (unsigned i = 0; i < n->n_gateway; i++) {
    struct yeon_ip any = {{0}};
    if (yeon_ip_is4(&n->gateway[i])) any = yeon_ip4(0, 0, 0, 0);
    int rc = yeon_host_add_route(n->host, &any, 0, &n->gateway[i], n->link_number);
    if (rc != 0) return complain(n, "--gateway", rc);
  }
  return 0;
}

static int add_host(struct net *n)
{
  struct yeon_tcp_options tcp;
  struct yeon_host_config config;
  yeon_tcp_options_init(&tcp, (enum yeon_profile)n->profile);
  yeon_host_config_init(&config);
  config.name = n->program;
  config.id = 1;
  config.tcp = &tcp;
  int rc = yeon_loop_add_host(n->loop, &config, &n->host);
  return rc == 0 ? 0 : complain(n, "host", rc);
}

/* The link, with the cable around it, and around that whoever looks on. */
static int add_link(struct net *n)
{
  struct yeon_cable_config config = {.way = {n->way, n->way}, .id = 1};
  struct yeon_link *link = NULL, *cabled = NULL;
  if (open_link(n, &link) != 0) return -1;
  int rc = yeon_cable_new(&n->cable, &config, 1, NULL);
  if (rc == 0) rc = yeon_link_with_cable(&cabled, link, n->cable);
  if (rc == 0) link = cabled;
  if (rc == 0 && watch_open(n, &link) != 0) rc = YEON_ERR_IO;
  if (rc == 0) {
    int number = yeon_loop_add_link(n->loop, n->host, link);
    if (number >= 0) {
      n->link_number = (unsigned)number;
      n->link = link;
      return 0;
    }
    rc = number;
  }
  yeon_link_close(link);
  return complain(n, "link", rc);
}

/* A TUN device is a cable whose other end is the kernel: without an address there nobody answers, and nothing would say why. */
static void look_at_kernel_side(const struct net *n)
{
  struct ifreq flags = {.ifr_name = ""}, addr;
  char text[64];
  if (n->packet || strlen(n->link->name) >= sizeof flags.ifr_name) return;
  memcpy(flags.ifr_name, n->link->name, strlen(n->link->name) + 1);
  addr = flags;
  int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  bool up = s < 0 || (ioctl(s, SIOCGIFFLAGS, &flags) == 0 && (flags.ifr_flags & IFF_UP) != 0);
  bool has_addr = s < 0 || ioctl(s, SIOCGIFADDR, &addr) == 0;
  if (s >= 0) close(s);
  if (up && (has_addr || !yeon_ip_is4(&n->addr[0].ip))) return;
  struct yeon_ip ip = n->addr[0].ip;
  ip.b[15] = ip.b[15] == 1 ? 2 : 1;
  fprintf(stderr, "%s: the kernel's side of %s is not set up yet: ip addr add %s/%u dev %s && ip link set %s up\n", n->program, n->link->name,
          yeon_ip_format(&ip, text, sizeof text), n->addr[0].prefix_len, n->link->name, n->link->name);
}

static void catch_signals(void)
{
  struct sigaction sa = {.sa_handler = on_signal};
  sigemptyset(&sa.sa_mask);
  sigaction(SIGINT, &sa, NULL);
  sigaction(SIGTERM, &sa, NULL);
  sigaction(SIGUSR1, &sa, NULL);
  sigaction(SIGUSR2, &sa, NULL);
  signal(SIGPIPE, SIG_IGN);
}

int net_open(struct net *n)
{
  struct yeon_loop_config config = {.owner = n->program};
  int rc = yeon_loop_new(&n->loop, &config);
  if (rc != 0) return complain(n, "loop", rc);
  if (add_host(n) != 0 || add_link(n) != 0 || add_addresses(n) != 0) {
    net_close(n, 0);
    return -1;
  }
  watch_attach(n);
  look_at_kernel_side(n);
  catch_signals();
  n->started_at = yeon_loop_now(n->loop);
  return 0;
}

/* Wipes a progress bar away. */
static const char *fresh_line(void) { return isatty(STDERR_FILENO) ? "\r\033[K" : ""; }

static void cut(struct net *n, uint64_t bytes, bool joins_itself)
{
  char size[32];
  yeon_time now = yeon_loop_now(n->loop);
  if (n->cut_at != YEON_NEVER) return;
  yeon_cable_cut(n->cable, YEON_CABLE_BOTH, now);
  n->cut_at = now;
  n->cuts++;
  n->join_at = joins_itself ? now + (yeon_time)(n->cut_for_s * 1e9) : YEON_NEVER;
  fprintf(stderr, "%s%s: cable pulled after %s\n", fresh_line(), n->program, net_size(bytes, size, sizeof size));
}

static void join(struct net *n)
{
  yeon_time now = yeon_loop_now(n->loop);
  if (n->cut_at == YEON_NEVER) return;
  yeon_cable_join(n->cable, YEON_CABLE_BOTH, now);
  n->cut_total += now - n->cut_at;
  fprintf(stderr, "%s%s: cable back after %.1f s\n", fresh_line(), n->program, (double)(now - n->cut_at) / 1e9);
  n->cut_at = n->join_at = YEON_NEVER;
}

void net_tick(struct net *n, uint64_t bytes)
{
  if (cut_signal) {
    cut_signal = 0;
    cut(n, bytes, false);
  }
  if (join_signal) {
    join_signal = 0;
    join(n);
  }
  if (n->cut_after > 0 && bytes >= n->cut_after) {
    n->cut_after = 0;
    cut(n, bytes, true);
  }
  if (n->join_at != YEON_NEVER && yeon_loop_now(n->loop) >= n->join_at) join(n);
}

int net_patience(const struct net *n, int limit_ms)
{
  if (n->join_at == YEON_NEVER) return limit_ms;
  yeon_time left = n->join_at - yeon_loop_now(n->loop);
  if (left <= 0) return 0;
  int64_t ms = left / YEON_MS + 1;
  return ms < limit_ms ? (int)ms : limit_ms;
}

bool net_stopped(void) { return stop_signal != 0; }

char *net_size(uint64_t bytes, char *buf, size_t size)
{
  static const char *const unit[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  double v = (double)bytes;
  unsigned u = 0;
  for (; v >= 1024 && u < 4; u++) v /= 1024;
  snprintf(buf, size, u == 0 ? "%.0f %s" : "%.2f %s", v, unit[u]);
  return buf;
}

void net_report(const struct net *n, uint64_t bytes, yeon_time first_at, yeon_time last_at)
{
  char size[32], again[32];
  const struct yeon_counters *c = yeon_host_counters(n->host);
  double seconds = (double)(last_at - first_at) / 1e9, moving = seconds - (double)n->cut_total / 1e9;
  if (moving < 1e-9) moving = 1e-9;
  fprintf(stderr, "%s: %s in %.2f s", n->program, net_size(bytes, size, sizeof size), seconds);
  if (n->cuts > 0) fprintf(stderr, ", %.1f s of them with the cable pulled", (double)n->cut_total / 1e9);
  fprintf(stderr, "; %.2f Gbit/s while it was in\n", (double)bytes * 8 / moving / 1e9);
  fprintf(stderr, "%s: segments %llu in, %llu out; sent again %s; time-outs %llu\n", n->program,
          (unsigned long long)c->tcp_in, (unsigned long long)c->tcp_out,
          net_size(c->tcp_rexmit_bytes, again, sizeof again), (unsigned long long)c->tcp_rexmit_rto);
}

void net_close(struct net *n, int drain_ms)
{
  if (n->loop && drain_ms > 0) (void)yeon_loop_drain(n->loop, drain_ms);
  watch_close(n);
  yeon_loop_free(n->loop);
  yeon_cable_free(n->cable);
  n->loop = NULL;
  n->cable = NULL;
}
