/* Addresses of the kernel's own interfaces: the TUN device's, and of lo in a program's namespace. */
#ifndef LAB_INTERFACE_H
#define LAB_INTERFACE_H

#include <yeon/base.h>

/* Gives the interface (IPv4: or an alias of it, "lo:1") this address. False: errno. */
bool lab_interface_address(const char *name, const struct yeon_ip *ip, unsigned prefix_len);
bool lab_interface_up(const char *name);

#endif
