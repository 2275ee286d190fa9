/* struct tcp_info of the kernel; a header of its own because <linux/tcp.h> and <netinet/tcp.h>, which libuv includes, do not go together. */
#ifndef LAB_TCP_INFO_H
#define LAB_TCP_INFO_H

#include <yeon/tcp.h>

/* As much of struct tcp_info as fits in size; the bytes. */
size_t lab_tcp_info(const struct yeon_tcp_info *info, void *out, size_t size);

#endif
