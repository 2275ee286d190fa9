/* sockaddr as programs give it <-> struct yeon_addr. */
#ifndef LAB_SOCKADDR_H
#define LAB_SOCKADDR_H

#include <yeon/base.h>

#define LAB_SOCKADDR 28 /* bytes of the longest, sockaddr_in6 */

/* What bind, connect and sendto of a socket of `domain` (AF_INET, AF_INET6) would take. 0 or an errno: EINVAL (short), EAFNOSUPPORT. */
int lab_sockaddr_parse(int domain, const void *bytes, size_t len, struct yeon_addr *out);
/* As getsockname gives it: an IPv4 address on an AF_INET6 socket stands in its mapped form. Writes LAB_SOCKADDR bytes at most; how many. */
size_t lab_sockaddr_emit(int domain, const struct yeon_addr *addr, void *out);
/* Where a datagram or connection to the unspecified address goes: to this host itself, as in Linux. */
void lab_sockaddr_here(struct yeon_addr *addr);

#endif
