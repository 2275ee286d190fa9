/* Names that stand for numbers, on Linux and on FreeBSD: a script reads and compares the numbers of its platform. */
#include <string.h>

#include "drill/run.h"

#define NONE INT64_MIN /* not on this platform */

struct symbol {
  const char *name;
  int64_t linux, freebsd;
};

/* clang-format off */ /* as dense as the tables they were taken from: the systems' headers */
static const struct symbol symbols[] = {
    {"AF_UNSPEC", 0, 0}, {"AF_INET", 2, 2}, {"AF_INET6", 10, 28}, {"PF_INET", 2, 2}, {"PF_INET6", 10, 28},
    {"SOCK_STREAM", 1, 1}, {"SOCK_DGRAM", 2, 2}, {"SOCK_RAW", 3, 3}, {"SOCK_NONBLOCK", 2048, 0x20000000},
    {"SOCK_CLOEXEC", 524288, 0x10000000}, {"IPPROTO_IP", 0, 0}, {"IPPROTO_ICMP", 1, 1}, {"IPPROTO_TCP", 6, 6},
    {"IPPROTO_UDP", 17, 17}, {"IPPROTO_IPV6", 41, 41}, {"IPPROTO_ICMPV6", 58, 58}, {"IPPROTO_SCTP", 132, 132},
    {"IPPROTO_UDPLITE", 136, 136}, {"SOL_IP", 0, 0}, {"SOL_TCP", 6, 6}, {"SOL_UDP", 17, 17}, {"SOL_IPV6", 41, 41},
    {"SOL_SOCKET", 1, 0xffff}, {"SHUT_RD", 0, 0}, {"SHUT_WR", 1, 1}, {"SHUT_RDWR", 2, 2}, {"O_RDONLY", 0, 0},
    {"O_WRONLY", 1, 1}, {"O_RDWR", 2, 2}, {"O_NONBLOCK", 2048, 4}, {"O_CREAT", 64, 512}, {"O_TRUNC", 512, 1024},
    {"O_APPEND", 1024, 8}, {"F_DUPFD", 0, 0}, {"F_GETFD", 1, 1}, {"F_SETFD", 2, 2}, {"F_GETFL", 3, 3},
    {"F_SETFL", 4, 4}, {"FD_CLOEXEC", 1, 1}, {"MSG_OOB", 1, 1}, {"MSG_PEEK", 2, 2}, {"MSG_DONTROUTE", 4, 4},
    {"MSG_CTRUNC", 8, 32}, {"MSG_TRUNC", 32, 16}, {"MSG_DONTWAIT", 64, 128}, {"MSG_EOR", 128, 8},
    {"MSG_WAITALL", 256, 64}, {"MSG_ERRQUEUE", 0x2000, NONE}, {"MSG_NOSIGNAL", 0x4000, 0x20000},
    {"MSG_MORE", 0x8000, NONE}, {"MSG_ZEROCOPY", 0x4000000, NONE}, {"MSG_FASTOPEN", 0x20000000, NONE},
    {"MSG_EOF", NONE, 0x100}, {"POLLIN", 1, 1}, {"POLLPRI", 2, 2}, {"POLLOUT", 4, 4}, {"POLLERR", 8, 8},
    {"POLLHUP", 16, 16}, {"POLLNVAL", 32, 32}, {"POLLRDNORM", 64, 64}, {"POLLRDBAND", 128, 128},
    {"POLLWRNORM", 256, 4}, {"POLLWRBAND", 512, 256}, {"POLLRDHUP", 0x2000, 0x4000}, {"EPOLLIN", 1, NONE},
    {"EPOLLPRI", 2, NONE}, {"EPOLLOUT", 4, NONE}, {"EPOLLERR", 8, NONE}, {"EPOLLHUP", 16, NONE},
    {"EPOLLRDNORM", 64, NONE}, {"EPOLLWRNORM", 256, NONE}, {"EPOLLRDHUP", 0x2000, NONE},
    {"EPOLLEXCLUSIVE", 0x10000000, NONE}, {"EPOLLONESHOT", 0x40000000, NONE}, {"EPOLLET", 0x80000000, NONE},
    {"EPOLL_CTL_ADD", 1, NONE}, {"EPOLL_CTL_DEL", 2, NONE}, {"EPOLL_CTL_MOD", 3, NONE}, {"SIOCINQ", 0x541b, NONE},
    {"SIOCOUTQ", 0x5411, NONE}, {"SIOCOUTQNSD", 0x894b, NONE}, {"FIONREAD", 0x541b, 0x4004667f},
    {"FIONBIO", 0x5421, 0x8004667e}, {"FIONSPACE", NONE, 0x40046676}, {"FIONWRITE", NONE, 0x40046677},
    {"SIOCATMARK", 0x8905, 0x40047307}, {"TIOCOUTQ", 0x5411, NONE}, {"IP_TOS", 1, 3}, {"IP_TTL", 2, 4},
    {"IPTOS_LOWDELAY", 0x10, 0x10}, {"IPTOS_THROUGHPUT", 0x08, 0x08}, {"IPTOS_RELIABILITY", 0x04, 0x04},
    {"IPTOS_MINCOST", 0x02, 0x02}, {"IPTOS_DSCP_CS0", 0x00, 0x00}, {"IPTOS_DSCP_CS1", 0x20, 0x20},
    {"IPTOS_DSCP_CS2", 0x40, 0x40}, {"IPTOS_DSCP_CS3", 0x60, 0x60}, {"IPTOS_DSCP_CS4", 0x80, 0x80},
    {"IPTOS_DSCP_CS5", 0xa0, 0xa0}, {"IPTOS_DSCP_CS6", 0xc0, 0xc0}, {"IPTOS_DSCP_CS7", 0xe0, 0xe0},
    {"IPTOS_DSCP_EF", 0xb8, 0xb8}, {"IPTOS_ECN_NOTECT", 0, 0}, {"IPTOS_ECN_ECT1", 1, 1}, {"IPTOS_ECN_ECT0", 2, 2},
    {"IPTOS_ECN_CE", 3, 3}, {"IP_PMTUDISC_DONT", 0, NONE}, {"IP_PMTUDISC_WANT", 1, NONE}, {"IP_PMTUDISC_DO", 2, NONE},
    {"IP_PMTUDISC_PROBE", 3, NONE}, {"SO_REUSEADDR", 2, 4}, {"SO_KEEPALIVE", 9, 8}, {"SO_LINGER", 13, 128},
    {"SO_SNDBUF", 7, 0x1001}, {"SO_RCVBUF", 8, 0x1002}, {"SO_ERROR", 4, 0x1007}, {"TCP_NODELAY", 1, 1},
    {"TCP_MAXSEG", 2, 2}, {"TCP_CORK", 3, 4}, {"TCPI_OPT_TIMESTAMPS", 1, 1}, {"TCPI_OPT_SACK", 2, 2},
    {"TCPI_OPT_WSCALE", 4, 4}, {"TCPI_OPT_ECN", 8, 8}, {"TCPI_OPT_ECN_SEEN", 16, NONE},
    {"TCPI_OPT_SYN_DATA", 32, NONE}, {"TCPI_OPT_TFO", NONE, 32}, {"TCP_ESTABLISHED", 1, NONE},
    {"TCP_SYN_SENT", 2, NONE}, {"TCP_SYN_RECV", 3, NONE}, {"TCP_FIN_WAIT1", 4, NONE}, {"TCP_FIN_WAIT2", 5, NONE},
    {"TCP_TIME_WAIT", 6, NONE}, {"TCP_CLOSE", 7, NONE}, {"TCP_CLOSE_WAIT", 8, NONE}, {"TCP_LAST_ACK", 9, NONE},
    {"TCP_LISTEN", 10, NONE}, {"TCP_CLOSING", 11, NONE}, {"TCP_NEW_SYN_RECV", 12, NONE}, {"TCPI_CLOSED", NONE, 0},
    {"TCPI_LISTEN", NONE, 1}, {"TCPI_SYN_SENT", NONE, 2}, {"TCPI_SYN_RECEIVED", NONE, 3},
    {"TCPI_ESTABLISHED", NONE, 4}, {"TCPI_CLOSE_WAIT", NONE, 5}, {"TCPI_FIN_WAIT_1", NONE, 6},
    {"TCPI_CLOSING", NONE, 7}, {"TCPI_LAST_ACK", NONE, 8}, {"TCPI_FIN_WAIT_2", NONE, 9}, {"TCPI_TIME_WAIT", NONE, 10},
    {"TCP_CA_Open", 0, NONE}, {"TCP_CA_Disorder", 1, NONE}, {"TCP_CA_CWR", 2, NONE}, {"TCP_CA_Recovery", 3, NONE},
    {"TCP_CA_Loss", 4, NONE}, {"SIGCONT", 18, 19}, {"SIGUSR1", 10, 30}, {"SIGALRM", 14, 14}, {"NULL", 0, 0},
    {"IP_RECVERR", 11, NONE}, {"IPV6_RECVERR", 25, NONE}, {"SO_EE_ORIGIN_LOCAL", 1, NONE}, {"SO_EE_ORIGIN_ICMP", 2, NONE},
    {"SO_EE_ORIGIN_ICMP6", 3, NONE}, {"SO_EE_ORIGIN_TIMESTAMPING", 4, NONE}, {"SO_EE_ORIGIN_ZEROCOPY", 5, NONE},
    {"SO_EE_CODE_ZEROCOPY_COPIED", 1, NONE}, {"SCM_TSTAMP_SND", 0, NONE}, {"SCM_TSTAMP_SCHED", 1, NONE}, {"SCM_TSTAMP_ACK", 2, NONE},
    {"SOF_TIMESTAMPING_TX_HARDWARE", 1, NONE}, {"SOF_TIMESTAMPING_TX_SOFTWARE", 2, NONE}, {"SOF_TIMESTAMPING_RX_HARDWARE", 4, NONE},
    {"SOF_TIMESTAMPING_RX_SOFTWARE", 8, NONE}, {"SOF_TIMESTAMPING_SOFTWARE", 16, NONE}, {"SOF_TIMESTAMPING_RAW_HARDWARE", 64, NONE},
    {"SOF_TIMESTAMPING_OPT_ID", 128, NONE}, {"SOF_TIMESTAMPING_TX_SCHED", 256, NONE}, {"SOF_TIMESTAMPING_TX_ACK", 512, NONE},
    {"SOF_TIMESTAMPING_OPT_CMSG", 1024, NONE}, {"SOF_TIMESTAMPING_OPT_TSONLY", 2048, NONE}, {"SOF_TIMESTAMPING_OPT_STATS", 4096, NONE},
    {"SOF_TIMESTAMPING_OPT_ID_TCP", 65536, NONE},
    {"INADDR_ANY", 0, 0}, {"true", 1, 1}, {"false", 0, 0},
};
static const struct symbol errors[] = {
    {"EPERM", 1, 1}, {"ENOENT", 2, 2}, {"EINTR", 4, 4}, {"EIO", 5, 5}, {"ENXIO", 6, 6}, {"EBADF", 9, 9},
    {"EAGAIN", 11, 35}, {"EWOULDBLOCK", 11, 35}, {"ENOMEM", 12, 12}, {"EACCES", 13, 13}, {"EFAULT", 14, 14},
    {"EBUSY", 16, 16}, {"EEXIST", 17, 17}, {"ENODEV", 19, 19}, {"EINVAL", 22, 22}, {"EMFILE", 24, 24},
    {"ENOTTY", 25, 25}, {"ENOSPC", 28, 28}, {"ESPIPE", 29, 29}, {"EPIPE", 32, 32}, {"ENOSYS", 38, 78},
    {"ENOTSOCK", 88, 38}, {"EDESTADDRREQ", 89, 39}, {"EMSGSIZE", 90, 40}, {"EPROTOTYPE", 91, 41},
    {"ENOPROTOOPT", 92, 42}, {"EPROTONOSUPPORT", 93, 43}, {"ESOCKTNOSUPPORT", 94, 44}, {"EOPNOTSUPP", 95, 45},
    {"ENOTSUP", 95, 45}, {"EPFNOSUPPORT", 96, 46}, {"EAFNOSUPPORT", 97, 47}, {"EADDRINUSE", 98, 48},
    {"EADDRNOTAVAIL", 99, 49}, {"ENETDOWN", 100, 50}, {"ENETUNREACH", 101, 51}, {"ENETRESET", 102, 52},
    {"ECONNABORTED", 103, 53}, {"ECONNRESET", 104, 54}, {"ENOBUFS", 105, 55}, {"EISCONN", 106, 56},
    {"ENOTCONN", 107, 57}, {"ETIMEDOUT", 110, 60}, {"ECONNREFUSED", 111, 61}, {"EHOSTDOWN", 112, 64},
    {"EHOSTUNREACH", 113, 65}, {"EALREADY", 114, 37}, {"EINPROGRESS", 115, 36}, {"ENOMSG", 42, 83},
    {"EPROTO", 71, 92}, {"ENOTCAPABLE", NONE, 93},
};
/* clang-format on */

static const struct symbol *find(const struct symbol *from, size_t n, const char *name)
{
  for (size_t i = 0; i < n; i++)
    if (strcmp(from[i].name, name) == 0) return &from[i];
  return NULL;
}

static int64_t here(const struct drill_run *r, const struct symbol *s) { return r->freebsd ? s->freebsd : s->linux; }

bool symbol_value(const struct drill_run *r, const char *name, int64_t *out)
{
  const struct symbol *s = find(symbols, sizeof symbols / sizeof *symbols, name);
  if (s == NULL) s = find(errors, sizeof errors / sizeof *errors, name);
  if (s == NULL || here(r, s) == NONE) return false;
  *out = here(r, s);
  return true;
}

int symbol_errno_named(const struct drill_run *r, const char *name)
{
  const struct symbol *s = find(errors, sizeof errors / sizeof *errors, name);
  return s == NULL || here(r, s) == NONE ? 0 : (int)here(r, s);
}

/* yeon_error_errno speaks in Linux's numbers. */
int symbol_errno(const struct drill_run *r, int yeon_error)
{
  int number = yeon_error_errno(yeon_error);
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
    if (errors[i].linux == number) return (int)here(r, &errors[i]);
  return number;
}

const char *symbol_errno_name(const struct drill_run *r, int number)
{
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
    if (here(r, &errors[i]) == number) return errors[i].name;
  return number == 0 ? "0" : "?";
}
