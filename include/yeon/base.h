/* yeon/base.h: time, addresses and error codes shared by every yeon header. */
#ifndef YEON_BASE_H
#define YEON_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define YEON_API __attribute__((visibility("default")))

/* Nanoseconds since an origin the caller chooses (monotonic; never goes back). Range 0 .. YEON_TIME_LAST, or YEON_NEVER. */
typedef int64_t yeon_time;
#define YEON_NEVER INT64_MAX
/* 146 years after the origin clocks stand still: a later time counts as this one, so that no deadline overflows. */
#define YEON_TIME_LAST (YEON_NEVER / 2)
#define YEON_US ((yeon_time)1000)
#define YEON_MS ((yeon_time)1000000)
#define YEON_SEC ((yeon_time)1000000000)

/* An IPv6 address, or an IPv4 address in its v4-mapped form (::ffff:a.b.c.d). All zero: unspecified.
 * The IPv4 "any" address 0.0.0.0 is ::ffff:0.0.0.0. The mapped form never appears on a wire. */
struct yeon_ip {
  uint8_t b[16];
};

/* A transport address. Port in host byte order, 0: not chosen. */
struct yeon_addr {
  struct yeon_ip ip;
  uint16_t port;
};

/* "10.0.0.1", "fd00::1". 0 or YEON_ERR_ADDRESS. */
YEON_API int yeon_ip_parse(const char *text, struct yeon_ip *out);
/* Writes at most size bytes with the terminator (46 are always enough); returns buf. */
YEON_API char *yeon_ip_format(const struct yeon_ip *ip, char *buf, size_t size);
/* "10.0.0.1:80", "[fd00::1]:80". 0 or YEON_ERR_ADDRESS. */
YEON_API int yeon_addr_parse(const char *text, struct yeon_addr *out);
/* At most size bytes with the terminator (54 are always enough); returns buf. */
YEON_API char *yeon_addr_format(const struct yeon_addr *addr, char *buf, size_t size);
YEON_API struct yeon_ip yeon_ip4(uint8_t a, uint8_t b, uint8_t c, uint8_t d);
YEON_API bool yeon_ip_is4(const struct yeon_ip *ip);
YEON_API bool yeon_ip_equal(const struct yeon_ip *a, const struct yeon_ip *b);
/* Unspecified in either family. */
YEON_API bool yeon_ip_is_any(const struct yeon_ip *ip);

/* Where a host's memory comes from. free gets the size that was asked. All calls come from inside calls on the host. */
struct yeon_memory {
  void *(*alloc)(void *ctx, size_t size); /* 16-byte aligned, need not be zeroed; NULL: refused */
  void (*free)(void *ctx, void *p, size_t size);
  void *ctx;
};

/* Every call that can fail returns 0 (or a count) on success and one of these, negative, on failure. */
enum yeon_error {
  YEON_OK = 0,
  YEON_ERR_AGAIN = -1,     /* nothing to read, or no room to write, right now */
  YEON_ERR_INVALID = -2,   /* an argument is out of range, or the call makes no sense here */
  YEON_ERR_ADDRESS = -3,   /* not an address, or not one of this host's */
  YEON_ERR_IN_USE = -4,    /* address and port are taken */
  YEON_ERR_NO_PORTS = -5,  /* every ephemeral port towards that peer is taken */
  YEON_ERR_NO_MEMORY = -6, /* the allocator, or a configured limit, refused */
  YEON_ERR_LIMIT = -7,     /* a configured table limit is reached */
  YEON_ERR_NOT_CONNECTED = -8,
  YEON_ERR_IS_CONNECTED = -9,
  YEON_ERR_IN_PROGRESS = -10, /* the connection is being made */
  YEON_ERR_REFUSED = -11,     /* the peer answered RST to our SYN, or ICMP port unreachable */
  YEON_ERR_RESET = -12,       /* the peer reset the connection */
  YEON_ERR_ABORTED = -13,     /* this end reset the connection */
  YEON_ERR_TIMED_OUT = -14,   /* retransmissions, keepalive probes or the user timeout were spent */
  YEON_ERR_PIPE = -15,        /* this end has already shut its sending side */
  YEON_ERR_NO_ROUTE = -16,    /* no route to that network */
  YEON_ERR_HOST_UNREACHABLE = -17,
  YEON_ERR_NET_UNREACHABLE = -18,
  YEON_ERR_PROTO_UNREACHABLE = -19,
  YEON_ERR_MESSAGE_SIZE = -20, /* datagram larger than the protocol or the path allows */
  YEON_ERR_UNSUPPORTED = -21,
  YEON_ERR_PERMISSION = -22,
  YEON_ERR_IO = -23,     /* the operating system refused; errno has the cause (floor 5 and above only) */
  YEON_ERR_CLOSED = -24, /* the endpoint is closed */
  YEON_ERR_LAST = -24
};

/* One line for a person: what happened and what to do. Never NULL; unknown codes say so. */
YEON_API const char *yeon_error_text(int error);
/* "YEON_ERR_RESET"; "?" for an unknown code. */
YEON_API const char *yeon_error_name(int error);
/* The errno a Linux program would see for the same event (ECONNRESET, ETIMEDOUT ...); EIO for unknown codes. */
YEON_API int yeon_error_errno(int error);

/* "0.1.0" */
YEON_API const char *yeon_version(void);

#ifdef __cplusplus
}
#endif
#endif
