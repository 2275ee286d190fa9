/* Addresses by the old ioctls, which do for an address of each family. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab/interface.h"

/* As in linux/ipv6.h, which does not go together with netinet/in.h. */
struct address6 {
  struct in6_addr addr;
  uint32_t prefix_len;
  int ifindex;
};

static void name_interface(struct ifreq *r, const char *name)
{
  memset(r, 0, sizeof *r);
  snprintf(r->ifr_name, sizeof r->ifr_name, "%s", name);
}

static bool set_inet(int fd, const char *name, unsigned long what, const void *address)
{
  struct ifreq r;
  struct sockaddr_in sa = {.sin_family = AF_INET};
  name_interface(&r, name);
  memcpy(&sa.sin_addr, address, 4);
  memcpy(&r.ifr_addr, &sa, sizeof sa);
  return ioctl(fd, what, &r) == 0;
}

static bool set_inet6(int fd, const char *name, const struct yeon_ip *ip, unsigned prefix_len)
{
  struct address6 a = {.prefix_len = prefix_len, .ifindex = (int)if_nametoindex(name)};
  memcpy(&a.addr, ip->b, 16);
  return ioctl(fd, SIOCSIFADDR, &a) == 0;
}

bool lab_interface_address(const char *name, const struct yeon_ip *ip, unsigned prefix_len)
{
  bool four = yeon_ip_is4(ip);
  int fd = socket(four ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  uint32_t mask = htonl(prefix_len == 0 ? 0 : ~0u << (32 - (four ? prefix_len : 32)));
  bool fine = four ? set_inet(fd, name, SIOCSIFADDR, ip->b + 12) && set_inet(fd, name, SIOCSIFNETMASK, &mask) : set_inet6(fd, name, ip, prefix_len);
  close(fd);
  return fine;
}

bool lab_interface_up(const char *name)
{
  struct ifreq r;
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  name_interface(&r, name);
  bool fine = ioctl(fd, SIOCGIFFLAGS, &r) == 0;
  if (fine) r.ifr_flags = (short)(r.ifr_flags | IFF_UP | IFF_RUNNING);
  fine = fine && ioctl(fd, SIOCSIFFLAGS, &r) == 0;
  close(fd);
  return fine;
}
