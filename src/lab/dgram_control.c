/* Control messages of datagrams, as they lie in a program's memory: what recvmsg tells (where a datagram was sent to), and which ones sendmsg takes. */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <yeon/base.h>

#include "lab/run.h"

#define INTERFACE 1 /* the only one of a program's namespace, so that its number has a name */

/* One more, cut off where the room ends, as the kernel does it. What stands there then. */
static size_t put(uint8_t *out, size_t at, size_t room, const struct cmsghdr *head, const void *data, int32_t *flags)
{
  size_t len = head->cmsg_len, space = CMSG_SPACE(len - sizeof *head);
  struct cmsghdr h = *head;
  if (at + sizeof h > room || at + space > RUN_CONTROL) {
    *flags |= MSG_CTRUNC;
    return at;
  }
  if (at + len > room) {
    *flags |= MSG_CTRUNC;
    len = room - at;
    h.cmsg_len = len;
  }
  memset(out + at, 0, space);
  memcpy(out + at, &h, sizeof h);
  memcpy(out + at + sizeof h, data, len - sizeof h);
  return at + space < room ? at + space : room;
}

size_t run_control_emit(uint8_t *out, size_t room, unsigned info, const uint8_t to[16], int32_t *flags)
{
  struct yeon_ip ip;
  size_t at = 0;
  memcpy(ip.b, to, sizeof ip.b);
  if ((info & LAB_INFO_4) != 0 && yeon_ip_is4(&ip)) {
    struct in_pktinfo p = {.ipi_ifindex = INTERFACE};
    struct cmsghdr head = {.cmsg_len = CMSG_LEN(sizeof p), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO};
    memcpy(&p.ipi_addr, to + 12, sizeof p.ipi_addr);
    p.ipi_spec_dst = p.ipi_addr;
    at = put(out, at, room, &head, &p, flags);
  }
  if ((info & LAB_INFO_6) != 0) {
    struct in6_pktinfo p = {.ipi6_ifindex = INTERFACE};
    struct cmsghdr head = {.cmsg_len = CMSG_LEN(sizeof p), .cmsg_level = IPPROTO_IPV6, .cmsg_type = IPV6_PKTINFO};
    memcpy(&p.ipi6_addr, to, sizeof p.ipi6_addr);
    at = put(out, at, room, &head, &p, flags);
  }
  return at;
}

/* SOL_SOCKET's have no meaning for INET sockets and are passed over by Linux too. A source address is as good as ours: each host has one of a family. */
static bool is_harmless(int level, int type)
{
  if (level == IPPROTO_IP) return type == IP_PKTINFO || type == IP_TOS || type == IP_TTL;
  if (level == IPPROTO_IPV6) return type == IPV6_PKTINFO || type == IPV6_TCLASS || type == IPV6_HOPLIMIT || type == IPV6_DONTFRAG;
  return level == SOL_SOCKET;
}

bool run_control_check(const uint8_t *bytes, size_t len, int *level, int *type)
{
  struct cmsghdr h;
  for (size_t at = 0; at + sizeof h <= len; at += CMSG_ALIGN(h.cmsg_len)) {
    memcpy(&h, bytes + at, sizeof h);
    *level = h.cmsg_level;
    *type = h.cmsg_type;
    if (h.cmsg_len < sizeof h || h.cmsg_len > len - at) return false;
    if (!is_harmless(h.cmsg_level, h.cmsg_type)) return false;
  }
  return true;
}
