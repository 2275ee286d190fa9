#define _GNU_SOURCE
/* The kernel as a world: a network namespace that holds nothing else (whoever starts this program makes it), in real time. The device is a TUN
 * where that is allowed; else one end of a veth pair with a packet socket on the other, which an ordinary user may have in a user namespace.
 *
 * All sockets are non-blocking here; what a call waits for is waited for by the engine. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "differ.h"

#define SETTLE (3 * YEON_MS)
#define ETHERNET 14

/* One to a process, like the namespace. */
static struct {
  int fd;
  bool ethernet;
  yeon_time began_at;
} device;

static const uint8_t host_mac[6] = {2, 0, 0, 0, 0, 1}, our_mac[6] = {2, 0, 0, 0, 0, 2};

static yeon_time clock_now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (yeon_time)t.tv_sec * YEON_SEC + t.tv_nsec;
}

static yeon_time kernel_now(struct differ *d)
{
  (void)d;
  return clock_now() - device.began_at;
}

/* ---- the device ---- */

static bool open_tun(void)
{
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
  memcpy(request.ifr_name, "wire", 5);
  device.fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  return device.fd >= 0 && ioctl(device.fd, TUNSETIFF, &request) == 0;
}

static bool open_veth(void)
{
  device.ethernet = true;
  if (system("ip link add wire address 02:00:00:00:00:01 type veth peer name far address 02:00:00:00:00:02 && ip link "
             "set far up") != 0)
    return false;
  struct sockaddr_ll at = {.sll_family = AF_PACKET,
                           .sll_protocol = htons(ETH_P_ALL),
                           .sll_ifindex = (int)if_nametoindex("far")};
  device.fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(ETH_P_ALL));
  return device.fd >= 0 && bind(device.fd, (struct sockaddr *)&at, sizeof at) == 0;
}

/* Super-segments and checksums left out are for devices that understand them. */
static bool no_offload(void)
{
  static const uint32_t features[] = {ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO};
  for (size_t i = 0; i < sizeof features / sizeof *features; i++) {
    struct ethtool_value off = {.cmd = features[i], .data = 0};
    struct ifreq request = {.ifr_data = (char *)&off};
    memcpy(request.ifr_name, "wire", 5);
    if (ioctl(device.fd, SIOCETHTOOL, &request) != 0) return false;
  }
  return true;
}

static bool give_addresses(const struct drill_run *r)
{
  char local[64], remote[64];
  bool six = !yeon_ip_is4(&r->local);
  FILE *ip = popen(six ? "ip -6 -batch -" : "ip -4 -batch -", "w");
  if (ip == NULL) return false;
  yeon_ip_format(&r->local, local, sizeof local);
  yeon_ip_format(&r->remote, remote, sizeof remote);
  fprintf(ip, "link set lo up\nlink set wire mtu %u\n", r->mtu);
  if (device.ethernet) fprintf(ip, "link set far mtu %u\n", r->mtu);
  fprintf(ip, "addr add %s/%d dev wire%s\nlink set wire up\n", local, six ? 48 : 16, six ? " nodad" : "");
  fprintf(ip, "route add default dev wire\n");
  if (device.ethernet) fprintf(ip, "neigh add %s lladdr 02:00:00:00:00:02 dev wire nud permanent\n", remote);
  return pclose(ip) == 0;
}

static void kernel_setting(struct differ *d, const char *name, const char *value)
{
  char path[256] = "/proc/sys/";
  (void)d;
  size_t n = strlen(path);
  for (; *name != 0 && n < sizeof path - 1; name++) path[n++] = *name == '.' ? '/' : *name;
  FILE *f = fopen(path, "w");
  bool good = f != NULL && fputs(value, f) >= 0;
  if (f == NULL || fclose(f) != 0 || !good) fprintf(stderr, "differ: %s cannot be set to %s\n", path, value);
}

/* What is of this machine's history, or of its clock: loss probes come two ticks late, and a tick is what the kernel was built with; scripts about them
 * turn them on. */
static void settle_settings(struct differ *d)
{
  static const char *const settings[][2] = {{"tcp_early_retrans", "0"},
                                            {"tcp_recovery", "1"},
                                            {"tcp_no_metrics_save", "1"},
                                            {"tcp_ecn", "2"},
                                            {"tcp_congestion_control", "reno"},
                                            {"tcp_autocorking", "0"},
                                            {"tcp_fastopen", "0"},
                                            {"tcp_rmem", "4096 131072 6291456"},
                                            {"tcp_wmem", "4096 16384 4194304"}};
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
    char name[64];
    snprintf(name, sizeof name, "net.ipv4.%s", settings[i][0]);
    kernel_setting(d, name, settings[i][1]);
  }
}

static bool kernel_begin(struct differ *d)
{
  d->settle = SETTLE;
  signal(SIGPIPE, SIG_IGN);
  if (!open_tun() && !open_veth()) {
    fprintf(stderr, "differ: neither TUN nor veth: %s\n", strerror(errno));
    return false;
  }
  if ((device.ethernet && !no_offload()) || !give_addresses(&d->run)) return false;
  settle_settings(d);
  usleep(20000); /* the device's own talk: routers asked for, groups joined */
  device.began_at = clock_now();
  return true;
}

static void kernel_end(struct differ *d)
{
  for (unsigned i = 0; i < DIFFER_SOCKETS; i++)
    if (d->sockets[i].number >= 0 && d->sockets[i].fd >= 0) close(d->sockets[i].fd);
  close(device.fd);
}

static void kernel_inject(struct differ *d, const uint8_t *packet, size_t len)
{
  static uint8_t frame[ETHERNET + 65536];
  size_t skip = device.ethernet ? ETHERNET : 0;
  (void)d;
  if (device.ethernet) {
    memcpy(frame, host_mac, 6);
    memcpy(frame + 6, our_mac, 6);
    frame[12] = packet[0] >> 4 == 6 ? 0x86 : 0x08;
    frame[13] = packet[0] >> 4 == 6 ? 0xdd : 0x00;
  }
  memcpy(frame + skip, packet, len);
  if (write(device.fd, frame, len + skip) < 0)
    fprintf(stderr, "differ: the device does not take a packet: %s\n", strerror(errno));
}

static void take_packets(struct differ *d)
{
  static uint8_t frame[ETHERNET + 65536];
  size_t skip = device.ethernet ? ETHERNET : 0;
  ssize_t n;
  for (;;) {
    struct sockaddr_ll from = {.sll_pkttype = PACKET_HOST};
    socklen_t size = sizeof from;
    n = device.ethernet ? recvfrom(device.fd, frame, sizeof frame, 0, (struct sockaddr *)&from, &size)
                        : read(device.fd, frame, sizeof frame);
    if (n <= (ssize_t)skip) return;
    unsigned version = frame[skip] >> 4;
    bool is_ip = !device.ethernet || (frame[12] == 0x08 && frame[13] == 0) || (frame[12] == 0x86 && frame[13] == 0xdd);
    if (from.sll_pkttype != PACKET_OUTGOING && is_ip && (version == 4 || version == 6))
      differ_saw(d, frame + skip, (size_t)n - skip);
  }
}

static void kernel_wait(struct differ *d, yeon_time until)
{
  for (;;) {
    take_packets(d);
    differ_retry(d);
    yeon_time left = until - kernel_now(d);
    if (left <= 0) return;
    if (d->pending_event != NULL && left > YEON_MS) left = YEON_MS;
    struct timespec t = {.tv_sec = (time_t)(left / YEON_SEC), .tv_nsec = (long)(left % YEON_SEC)};
    struct pollfd p = {.fd = device.fd, .events = POLLIN};
    ppoll(&p, 1, &t, NULL);
  }
}

/* ---- calls ---- */

static int64_t outcome(int64_t n) { return n < 0 ? -errno : n; }

static socklen_t put_address(const struct yeon_addr *a, struct sockaddr_storage *out)
{
  memset(out, 0, sizeof *out);
  if (yeon_ip_is4(&a->ip)) {
    struct sockaddr_in *in = (struct sockaddr_in *)out;
    in->sin_family = AF_INET;
    in->sin_port = htons(a->port);
    memcpy(&in->sin_addr, a->ip.b + 12, 4);
    return sizeof *in;
  }
  struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
  in6->sin6_family = AF_INET6;
  in6->sin6_port = htons(a->port);
  memcpy(&in6->sin6_addr, a->ip.b, 16);
  return sizeof *in6;
}

struct option {
  const char *name;
  int level, number;
};
static const struct option options[] = {{"SO_SNDBUF", SOL_SOCKET, SO_SNDBUF},
                                        {"SO_RCVBUF", SOL_SOCKET, SO_RCVBUF},
                                        {"SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE},
                                        {"SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR},
                                        {"SO_OOBINLINE", SOL_SOCKET, SO_OOBINLINE},
                                        {"SO_ERROR", SOL_SOCKET, SO_ERROR},
                                        {"TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY},
                                        {"TCP_CORK", IPPROTO_TCP, TCP_CORK},
                                        {"TCP_QUICKACK", IPPROTO_TCP, TCP_QUICKACK},
                                        {"TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE},
                                        {"TCP_KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL},
                                        {"TCP_KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT},
                                        {"TCP_USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT},
                                        {"TCP_MAXSEG", IPPROTO_TCP, TCP_MAXSEG},
                                        {"TCP_SYNCNT", IPPROTO_TCP, TCP_SYNCNT},
                                        {"TCP_WINDOW_CLAMP", IPPROTO_TCP, TCP_WINDOW_CLAMP},
                                        {"TCP_FASTOPEN", IPPROTO_TCP, TCP_FASTOPEN},
                                        {"IP_TTL", IPPROTO_IP, IP_TTL},
                                        {"IP_TOS", IPPROTO_IP, IP_TOS}};

static int64_t use_option(struct differ_call *c)
{
  if (strcmp(c->name, "SO_LINGER") == 0) {
    struct linger linger = {.l_onoff = c->n >= 0, .l_linger = (int)(c->n / 1000)};
    return outcome(setsockopt(c->s->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
  }
  for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
    if (strcmp(options[i].name, c->name) != 0) continue;
    int n = (int)c->n;
    socklen_t size = sizeof n;
    if (c->what == DIFFER_SET) return outcome(setsockopt(c->s->fd, options[i].level, options[i].number, &n, size));
    int result = getsockopt(c->s->fd, options[i].level, options[i].number, &n, &size);
    c->value = n;
    return outcome(result);
  }
  return -ENOPROTOOPT;
}

static int64_t transfer(struct differ_call *c)
{
  static uint8_t bytes[1 << 20];
  struct sockaddr_storage to;
  size_t n = c->n < (int64_t)sizeof bytes ? (size_t)c->n : sizeof bytes;
  int flags = (c->oob ? MSG_OOB : 0) | (c->more ? MSG_MORE : 0) | (c->peek ? MSG_PEEK : 0) | MSG_NOSIGNAL;
  if (c->what == DIFFER_RECV) return outcome(recv(c->s->fd, bytes, n, flags));
  socklen_t size = c->has_addr ? put_address(&c->addr, &to) : 0;
  return outcome(sendto(c->s->fd, bytes, n, flags, c->has_addr ? (struct sockaddr *)&to : NULL, size));
}

static int64_t make_socket(const struct differ *d, struct differ_socket *s)
{
  int family = yeon_ip_is4(&d->run.local) ? AF_INET : AF_INET6, on = 1;
  s->fd = socket(family, (s->is_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (s->fd >= 0 && family == AF_INET6) setsockopt(s->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  return outcome(s->fd);
}

static int64_t ask_count(struct differ_call *c)
{
  int n = 0, result = ioctl(c->s->fd, strcmp(c->name, "SIOCINQ") == 0 ? SIOCINQ : SIOCOUTQ, &n);
  c->value = n;
  return outcome(result);
}

/* A second call while the first goes on is not the same as waiting for it. */
static int64_t connect_to(struct differ_call *c)
{
  struct sockaddr_storage to;
  socklen_t size = put_address(&c->addr, &to);
  int64_t result = outcome(connect(c->s->fd, (struct sockaddr *)&to, size));
  return result == -EALREADY && c->again ? -EINPROGRESS : result;
}

static int64_t kernel_call(struct differ *d, struct differ_call *c)
{
  struct sockaddr_storage at;
  switch (c->what) {
  case DIFFER_SOCKET: return make_socket(d, c->new);
  case DIFFER_BIND: {
    socklen_t size = put_address(&c->addr, &at);
    return outcome(bind(c->s->fd, (struct sockaddr *)&at, size));
  }
  case DIFFER_LISTEN: return outcome(listen(c->s->fd, (int)c->n));
  case DIFFER_ACCEPT: return outcome(c->new->fd = accept4(c->s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
  case DIFFER_CONNECT: return connect_to(c);
  case DIFFER_SEND:
  case DIFFER_RECV: return transfer(c);
  case DIFFER_SHUTDOWN: return outcome(shutdown(c->s->fd, (int)c->n));
  case DIFFER_CLOSE: return outcome(close(c->s->fd));
  case DIFFER_SET:
  case DIFFER_GET: return use_option(c);
  default: return ask_count(c);
  }
}

static void read_states(struct differ *d, const char *path)
{
  /* by the kernel's numbers */
  static const int states[] = {-1,
                               YEON_TCP_ESTABLISHED,
                               YEON_TCP_SYN_SENT,
                               YEON_TCP_SYN_RECEIVED,
                               YEON_TCP_FIN_WAIT_1,
                               YEON_TCP_FIN_WAIT_2,
                               YEON_TCP_TIME_WAIT,
                               -1,
                               YEON_TCP_CLOSE_WAIT,
                               YEON_TCP_LAST_ACK,
                               YEON_TCP_LISTEN,
                               YEON_TCP_CLOSING,
                               YEON_TCP_SYN_RECEIVED};
  char line[512];
  unsigned state, port;
  FILE *f = fopen(path, "r");
  if (f == NULL) return;
  while (fgets(line, sizeof line, f) != NULL)
    if (sscanf(line, " %*d: %*s %*[^:]:%x %x", &port, &state) == 2 && state < sizeof states / sizeof *states &&
        states[state] >= 0)
      differ_state(d, (uint16_t)port, (enum yeon_tcp_state)states[state]);
  fclose(f);
}

static void kernel_states(struct differ *d)
{
  read_states(d, yeon_ip_is4(&d->run.local) ? "/proc/thread-self/net/tcp" : "/proc/thread-self/net/tcp6");
}

const struct differ_world differ_kernel = {.begin = kernel_begin,
                                           .end = kernel_end,
                                           .now = kernel_now,
                                           .wait = kernel_wait,
                                           .inject = kernel_inject,
                                           .call = kernel_call,
                                           .setting = kernel_setting,
                                           .states = kernel_states};
