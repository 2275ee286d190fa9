/* sockaddr <-> struct yeon_addr. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "lab/sockaddr.h"

static void from_four(const struct sockaddr_in *sa, struct yeon_addr *out)
{
  const uint8_t *b = (const uint8_t *)&sa->sin_addr;
  *out = (struct yeon_addr){.ip = yeon_ip4(b[0], b[1], b[2], b[3]), .port = ntohs(sa->sin_port)};
}

int lab_sockaddr_parse(int domain, const void *bytes, size_t len, struct yeon_addr *out)
{
  sa_family_t family;
  if (len < sizeof family) return EINVAL;
  memcpy(&family, bytes, sizeof family);
  if (domain == AF_INET) {
    struct sockaddr_in four;
    if (len < sizeof four) return EINVAL;
    if (family != AF_INET && family != AF_UNSPEC) return EAFNOSUPPORT;
    memcpy(&four, bytes, sizeof four);
    from_four(&four, out);
    return 0;
  }
  struct sockaddr_in6 six;
  if (family != AF_INET6) return EAFNOSUPPORT;
  if (len < 24) return EINVAL; /* without the scope: Linux takes that too */
  memset(&six, 0, sizeof six);
  memcpy(&six, bytes, len < sizeof six ? len : sizeof six);
  memcpy(out->ip.b, &six.sin6_addr, sizeof out->ip.b);
  out->port = ntohs(six.sin6_port);
  return 0;
}

size_t lab_sockaddr_emit(int domain, const struct yeon_addr *addr, void *out)
{
  if (domain == AF_INET) {
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(addr->port)};
    memcpy(&four.sin_addr, addr->ip.b + 12, 4);
    memcpy(out, &four, sizeof four);
    return sizeof four;
  }
  struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(addr->port)};
  memcpy(&six.sin6_addr, addr->ip.b, sizeof addr->ip.b);
  memcpy(out, &six, sizeof six);
  return sizeof six;
}

void lab_sockaddr_here(struct yeon_addr *addr)
{
  if (!yeon_ip_is_any(&addr->ip)) return;
  if (yeon_ip_is4(&addr->ip)) {
    addr->ip = yeon_ip4(127, 0, 0, 1);
  } else {
    memset(&addr->ip, 0, sizeof addr->ip);
    addr->ip.b[15] = 1;
  }
}
