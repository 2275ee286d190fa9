/* UDP as its host sees it: arriving datagrams in, datagrams to send out one at a time, headers left to the host. */
#ifndef UDP_UDP_H
#define UDP_UDP_H

#include <yeon/udp.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/pool.h"
#include "base/ring.h"
#include "base/table.h"
#include "event/event.h"
#include "ip/ip.h"

#define UDP_GROUPS_MAX 64 /* groups one endpoint may join */
#define UDP_BUFFER_DEFAULT 212992u
#define UDP_BUFFER_MIN 512u
#define UDP_BUFFER_MAX (1u << 30)

struct udp_list {
  uint32_t first, last; /* endpoint numbers; 0: none */
};

/* One instance, embedded in a host. */
struct udp {
  struct mem *mem;
  struct ring_store *rings;
  struct yeon_counters *counters;
  const struct event_out *events;
  struct rng *rng;
  struct ip *ip;
  void *host;                     /* opaque; for yeon_udp_host */
  yeon_time *clock; /* the host's: the latest time any call has brought */
  uint16_t port_first, port_last; /* ephemeral range */
  struct pool pool;
  struct table table; /* bound endpoints: by port, or when connected by port and peer */
  struct hash_key key;
  uint32_t *connected[256]; /* pages of 256 counts by local port: connected endpoints; NULL: none in that page */
  struct udp_list out[IP_LINKS];
  struct udp_list reports;
  uint32_t sent; /* endpoints whose rings hold what the last output handed out */
  uint64_t next_id;
};

/* An arriving datagram; checksum verified. */
struct udp_in {
  struct yeon_addr from, to;
  const struct yeon_slice *slice; /* the payload begins `skip` bytes in */
  uint32_t n_slices, skip, len;
  uint8_t link;
  bool to_many;     /* multicast or broadcast: everyone who matches gets it */
  bool no_checksum; /* it carried none */
};

/* A datagram to send. */
struct udp_out {
  struct yeon_ip src, dst;
  uint16_t src_port, dst_port;
  uint8_t link, hop_limit, traffic_class;
  bool dont_fragment, no_checksum;
  uint8_t n_payload; /* 0..2 slices, valid until the next call on the host */
  struct yeon_slice payload[2];
  uint32_t len;
  uint64_t id; /* of the endpoint */
};

/* Fields up to port_last are set by the caller before. False: no memory. */
bool udp_init(struct udp *u, uint32_t limit);
void udp_fini(struct udp *u);
int udp_open(struct udp *u, struct yeon_udp **out);
/* False: nobody listens there. */
bool udp_input(struct udp *u, const struct udp_in *in, yeon_time now);
bool udp_output(struct udp *u, unsigned link, struct udp_out *out);
static inline bool udp_has_output(const struct udp *u, unsigned link) { return u->out[link].first != 0; }
/* True: it is about an endpoint of ours. */
bool udp_error(struct udp *u, const struct ip_error *e);
/* The frames handed out are no longer read by anybody. */
void udp_bury(struct udp *u);
bool udp_report(struct udp *u, struct yeon_ready *out);

#endif
