/* A host: the rooms below joined, and the edge where frames come and go. */
#ifndef HOST_HOST_H
#define HOST_HOST_H

#include <yeon/host.h>
#include <yeon/udp.h>

#include "base/clock.h"
#include "ip/ip.h"
#include "tcp/tcp.h"
#include "udp/udp.h"
#include "wire/udp.h"

#define HOST_GATHER 256    /* bytes of a frame in pieces that are put together to read its headers */
#define HOST_LOOP_BURST 64 /* packets a host hands to itself within one call */
#define HOST_LOOP_BUFFER 65600
#define HOST_LOOP_RETRY (10 * YEON_MS) /* after the buffer was refused */
#define HOST_HOLD_UDP 64               /* control packets waiting on a link, beyond which UDP waits */

struct yeon_host {
  struct mem mem;
  struct ring_store rings;
  struct event_out events;
  struct rng rng;
  struct yeon_counters counters;
  struct ip ip;
  struct udp udp;
  struct tcp tcp;
  yeon_time now;           /* the latest time any call has brought */
  uint8_t turn[IP_LINKS];  /* whose frame goes next on a link: enum host_source */
  bool report_udp_first;   /* yeon_host_event takes turns */
  uint8_t *loop;           /* HOST_LOOP_BUFFER bytes, from the first packet to itself on */
  yeon_time loop_again_at; /* before this it is no use to ask for the buffer again */
  char name[32];
};

enum host_source { HOST_CONTROL, HOST_TCP, HOST_UDP, HOST_SOURCES };

/* Takes the caller's time; the time to go on with (never earlier than before). */
yeon_time host_clock(struct yeon_host *host, yeon_time now);

void host_bury(struct yeon_host *host);

/* input.c */
void host_frame_in(struct yeon_host *host, unsigned link, const struct yeon_frame *f, yeon_time now);
/* deliver.c */
void host_deliver(void *host, const struct ip_packet *k, yeon_time now);
bool host_error(void *host, const struct ip_error *e, yeon_time now);
/* output.c: the next frame of a link; false: none. */
bool host_frame_out(struct yeon_host *host, unsigned link, struct yeon_frame *f, yeon_time now);
/* frame.c: a segment or a datagram as a frame. False: it did not become a frame (it waits for a neighbour, left in fragments or was dropped). */
bool host_frame_tcp(struct yeon_host *host, struct tcp_out *o, struct yeon_frame *f, yeon_time now);
bool host_frame_udp(struct yeon_host *host, struct udp_out *o, struct yeon_frame *f, yeon_time now);
bool host_has_output(const struct yeon_host *host, unsigned link);
/* loop.c: hands the host what it sent to itself. */
void host_loop(struct yeon_host *host, yeon_time now);

#endif
