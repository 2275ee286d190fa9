/* IP as its host sees it: links, local addresses, routes, neighbours, fragments, ICMP. Both families; IPv4 addresses are v4-mapped
 * everywhere, so that one table of each kind serves both. IP knows nothing of TCP or UDP: what is for them goes through two
 * functions of the host (struct ip_upper). */
#ifndef IP_IP_H
#define IP_IP_H

#include <yeon/frame.h>
#include <yeon/host.h>

#include "base/hash.h"
#include "base/pool.h"
#include "base/ring.h"
#include "base/table.h"
#include "event/event.h"
#include "wire/checksum.h"
#include "wire/eth.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/nd.h"

#define IP_LINKS (YEON_HOST_LINKS + 1)
#define IP_LOOP YEON_HOST_LINKS /* the link from the host to itself */
#define IP_LOOP_MTU 65535
#define IP_NONE 0xffffu  /* no local address */
#define IP_MTU_MIN4 552  /* a smaller path MTU is not believed: packets then leave without DF (see pmtu.c) */
#define IP_MTU_MIN6 1280 /* RFC 8200 5 */

/* Limits. At each of them the newest stranger is refused. */
#define IP_LOCALS_MAX 65000   /* local addresses ever given to one host */
#define IP_LOOPBACKS_MAX 1024 /* of them, addresses of 127/8 that came into use by themselves */
#define IP_ROUTES_MAX 1024
#define IP_RA_ROUTES_MAX 64 /* routes learnt from router advertisements */
#define IP_RA_GONE_MAX 512  /* addresses that came and went, beyond which none is made any more: each keeps its slot for ever */
#define IP_RA_ADDRS_MAX 16  /* addresses of one link made from advertised prefixes */
#define IP_NAMES_MAX 131072 /* local addresses, groups and broadcast addresses together */
#define IP_NEIGHBOURS_MAX 4096
#define IP_NEIGHBOUR_QUEUE 3 /* frames that wait for one neighbour */
#define IP_PMTU_MAX 4096
#define IP_QUEUE_MAX 512 /* control packets waiting on one link */
#define IP_REASM_MAX 256 /* datagrams being put together */
#define IP_REASM_BYTES (4u << 20)
#define IP_REASM_PARTS 256 /* fragments of one datagram */

/* What IP asks of the layers above. */
struct ip_packet;
struct ip_error;
struct ip_upper {
  void *host;
  /* A TCP or UDP packet for this host that did not come the short way. */
  void (*deliver)(void *host, const struct ip_packet *k, yeon_time now);
  /* An error about something this host sent. True: it is about an endpoint that exists and so can be believed. */
  bool (*error)(void *host, const struct ip_error *e, yeon_time now);
};

/* An outgoing packet that waits, whole, for its link or for its neighbour's address. */
struct ip_pkt {
  struct ip_pkt *next;
  uint32_t size; /* bytes allocated */
  uint32_t len;  /* bytes from the IP header (ARP: its first byte) on */
  struct yeon_ip next_hop;
  uint16_t ethertype;
  bool has_mac; /* mac is known; else next_hop is to be resolved */
  uint8_t mac[WIRE_MAC];
  uint8_t csum, segs; /* as in struct yeon_frame; csum_start counts from bytes[0] here */
  uint16_t gso_size, csum_start, csum_offset;
  uint32_t mark;
  uint8_t bytes[];
};
struct ip_queue {
  struct ip_pkt *first, *last;
  uint32_t count;
};

struct ip_link {
  char name[16];
  uint8_t mac[WIRE_MAC];
  bool ethernet;
  uint16_t mtu;     /* IP bytes */
  uint16_t mtu6;    /* likewise for IPv6: lower when a router says so; 0: mtu is too small for IPv6 */
  uint32_t offload; /* YEON_LINK_* */
  struct ip_queue out;
  uint8_t rs_left;         /* router solicitations still to send */
  yeon_time rs_at;         /* YEON_NEVER: none due */
  uint32_t last_neighbour; /* number of the one used last, a guess */
};

enum ip_local_flag {
  IP_LOCAL_LIVE = 1,
  IP_LOCAL_AUTO = 2,   /* made by this host (link-local, or from an advertised prefix) */
  IP_LOCAL_PROBING = 4 /* duplicate address detection is running */
};
struct ip_local {
  uint8_t link, prefix_len;               /* bits of the 128 (IPv4: 96 + its own) */
  uint8_t flags;                          /* enum ip_local_flag */
  yeon_time probe_at;                     /* IP_LOCAL_PROBING: when the detection ends */
  yeon_time preferred_until, valid_until; /* YEON_NEVER: for ever */
};

/* What this host listens to: one entry an address (and link, for all but unicast addresses of global scope). */
enum ip_name_kind { IP_NAME_LOCAL, IP_NAME_BROADCAST, IP_NAME_GROUP };
struct ip_name {
  struct yeon_ip ip;
  uint32_t next;  /* chain, index + 1 */
  uint32_t refs;  /* addresses or joins that want it */
  uint16_t local; /* IP_NAME_LOCAL: index of the local address */
  uint8_t link, kind;
};
#define IP_NAME_BUCKETS 256

struct ip_route {
  struct yeon_ip dst, gateway; /* gateway all zero: on-link */
  uint8_t prefix_len;          /* bits of the 128 */
  uint8_t link;
  bool learnt;     /* from a router advertisement */
  yeon_time until; /* YEON_NEVER: for ever */
};

enum ip_neigh_state { IP_NEIGH_INCOMPLETE, IP_NEIGH_REACHABLE, IP_NEIGH_STALE, IP_NEIGH_DELAY, IP_NEIGH_PROBE };
enum ip_line_kind { IP_LINE_RETRY, IP_LINE_DELAY, IP_LINES };
struct ip_line {
  uint32_t first, last; /* numbers of neighbours; 0: none */
};

struct ip_neigh {
  struct yeon_ip ip;
  uint32_t chain;
  uint8_t link, state;    /* enum ip_neigh_state */
  uint8_t probes;         /* sent in this state */
  uint8_t mac[WIRE_MAC];  /* all states but INCOMPLETE */
  uint8_t line;           /* enum ip_line_kind: the line it stands in (struct ip.neigh_line); IP_LINES: none */
  uint32_t before, behind; /* its neighbours there; 0: none */
  yeon_time at;           /* INCOMPLETE, DELAY, PROBE: when the next step is due */
  yeon_time confirmed_at; /* REACHABLE: since when */
  yeon_time changed_at;   /* when mac was set last */
  struct ip_queue wait;   /* INCOMPLETE: packets that wait */
};

struct ip_pmtu {
  struct yeon_ip ip;
  uint32_t chain;
  uint16_t mtu;
  bool no_df; /* the path is narrower than IP_MTU_MIN4: let routers fragment */
  yeon_time until;
};

struct ip_reasm; /* reasm.c */

struct ip {
  struct mem *mem;
  struct ring_store *rings; /* whose limit buffers count against */
  struct yeon_counters *counters;
  const struct event_out *events;
  struct rng *rng;
  struct ip_upper upper;

  struct ip_link link[IP_LINKS];
  uint32_t n_links;                /* not counting the loop */
  const struct yeon_ip *local_ips; /* the table handed to TCP; never shrinks; slots are never reused */
  struct ip_local *locals;
  uint32_t n_locals, cap_locals;
  yeon_time locals_at;          /* a lower bound of the locals' deadlines */
  uint32_t n_loopbacks, n_gone; /* of the locals: made on demand in 127/8; taken away */

  struct ip_name *names;
  uint32_t n_names, cap_names, free_names; /* free_names: index + 1 */
  uint32_t name_bucket[IP_NAME_BUCKETS];
  struct yeon_ip hit_ip; /* the destination that arrived last ... */
  uint16_t hit_local;    /* ... and its index; IP_NONE: nothing cached */

  struct ip_route *routes; /* longest prefix first, then oldest first */
  uint32_t n_routes, cap_routes;

  struct pool neigh_pool;
  struct table neigh_table;
  struct ip_line neigh_line[IP_LINES]; /* those that wait for their time, the earliest first: all of a line wait equally long */
  uint32_t neigh_hand;
  struct pool pmtu_pool;
  struct table pmtu_table;
  uint32_t pmtu_hand;
  struct hash_key key;

  struct ip_reasm *reasm_first;
  uint32_t n_reasm;
  uint64_t reasm_bytes;

  struct ip_pkt *graveyard; /* handed out as frames; freed with the next call */
  uint32_t id[64];          /* identification counters, by flow */
#define IP_ICMP_BURST 50
  yeon_time icmp_at; /* the limiter of errors: tokens as of then */
  uint32_t icmp_tokens;
  uint8_t *scratch;  /* IP_SCRATCH bytes for packets that came in pieces; NULL until wanted */
  yeon_time next_at; /* a lower bound of the next deadline */
};
#define IP_SCRATCH 65600

enum ip_cast { IP_UNICAST, IP_MULTICAST, IP_BROADCAST };

/* An arriving packet. Filled by the host up to `csum`, the rest by ip_receive. */
struct ip_packet {
  const struct yeon_slice *slice; /* of the frame; the IP header begins `skip` bytes into them */
  uint32_t n_slices, skip;
  const uint8_t *p; /* `view` bytes from the IP header on, in one piece */
  uint32_t view;
  uint32_t available; /* bytes from the IP header to the end of the frame */
  uint8_t link, segs;
  bool link_group; /* the link's destination was a group or broadcast address */
  uint8_t csum;    /* enum yeon_frame_csum */
  struct yeon_ip src, dst;
  uint32_t len;       /* bytes of the IP packet, header included */
  uint32_t transport; /* where the upper header begins, from the IP header */
  uint32_t nh_offset; /* IPv6: of the field that named the protocol */
  uint16_t local;     /* index of dst, or IP_NONE when it is not unicast */
  uint8_t protocol, hop_limit, traffic_class;
  uint8_t cast;   /* enum ip_cast */
  bool from_self; /* the source is one of our addresses, though it came from a link */
  bool whole;     /* put together from fragments */
};

/* An error about a packet this host sent. */
struct ip_error {
  struct yeon_ip remote;
  uint16_t local; /* index of the packet's source */
  uint16_t local_port, remote_port;
  uint8_t protocol;
  bool has_seq;
  uint32_t seq; /* TCP */
  int error;    /* YEON_ERR_* */
  bool hard, prohibited; /* prohibited: administratively, of any kind, or no such protocol */
  bool expired;          /* the hop limit ran out on the way */
  uint32_t mtu; /* 0: not about size */
};

/* Addresses and choices for a packet to send. */
struct ip_send {
  struct yeon_ip src, dst;
  uint8_t protocol, hop_limit, traffic_class, link;
  bool dont_fragment;
  uint16_t segs; /* identifications taken, >= 1 */
};

/* A route question's answer. */
struct ip_way {
  struct yeon_ip next_hop;
  uint16_t local; /* index of the source address */
  uint16_t mtu;   /* of the path as far as known */
  uint8_t link;
};

/* Fields up to `upper` are set by the caller before. False: no memory. */
bool ip_init(struct ip *ip, yeon_time now);
void ip_fini(struct ip *ip);
void ip_run_timers(struct ip *ip, yeon_time now);
void ip_want(struct ip *ip, yeon_time at);
/* Frees what the last output handed out. */
void ip_bury(struct ip *ip);
/* Emits a DROP event; use IP_DROP, which counts too. */
void ip_drop_event(const struct ip *ip, const char *reason, uint32_t len, yeon_time now);
#define IP_DROP(ip_, name_, len_, now_)                                                                                \
  do {                                                                                                                 \
    (ip_)->counters->name_++;                                                                                          \
    if (event_wanted((ip_)->events, YEON_EV_DROP)) ip_drop_event((ip_), #name_, (uint32_t)(len_), (now_));             \
  } while (0)

/* links.c */
int ip_link_add(struct ip *ip, const struct yeon_link_config *config, yeon_time now);
int ip_link_set_mtu(struct ip *ip, unsigned link, uint16_t mtu);
static inline bool ip_link_exists(const struct ip *ip, unsigned link) { return link < ip->n_links || link == IP_LOOP; }

/* local.c: addresses */
int ip_local_add(struct ip *ip, unsigned link, const struct yeon_ip *a, unsigned prefix_len, uint8_t flags,
                 yeon_time now);
int ip_local_del(struct ip *ip, uint16_t index);
/* The index of an address of this host (127/8: made when first asked for), or IP_NONE. */
uint16_t ip_local_find(struct ip *ip, const struct yeon_ip *a);
static inline const struct yeon_ip *ip_local_at(const struct ip *ip, uint16_t index) { return &ip->local_ips[index]; }
bool ip_local_live(const struct ip *ip, uint16_t index);

/* names.c: what arrives here */
const struct ip_name *ip_name_find(const struct ip *ip, unsigned link, const struct yeon_ip *a);
int ip_name_add(struct ip *ip, unsigned link, const struct yeon_ip *a, enum ip_name_kind kind, uint16_t local);
void ip_name_del(struct ip *ip, unsigned link, const struct yeon_ip *a, enum ip_name_kind kind);
int ip_group_join(struct ip *ip, unsigned link, const struct yeon_ip *group);
int ip_group_leave(struct ip *ip, unsigned link, const struct yeon_ip *group);

/* route.c */
bool ip_prefix_match(const struct yeon_ip *a, const struct yeon_ip *b, unsigned bits);
unsigned ip_prefix_common(const struct yeon_ip *a, const struct yeon_ip *b);
int ip_route_add(struct ip *ip, const struct ip_route *r);
/* Removes the one route that is the same but for its time, and as learnt as r. */
void ip_route_del(struct ip *ip, const struct ip_route *r);
void ip_route_expire(struct ip *ip, yeon_time now);
/* This neighbour does not answer: its routes go behind their equals. */
void ip_route_demote(struct ip *ip, unsigned link, const struct yeon_ip *gateway);
/* Forgets the advertised routes through this neighbour. */
void ip_route_retire(struct ip *ip, unsigned link, const struct yeon_ip *gateway);
/* The next hop towards dst through this link. */
struct yeon_ip ip_next_hop(const struct ip *ip, unsigned link, const struct yeon_ip *dst);
/* How to reach dst from the local address `source` (IP_NONE: choose it). 0, YEON_ERR_NO_ROUTE, YEON_ERR_ADDRESS. */
int ip_find_way(struct ip *ip, const struct yeon_ip *dst, uint16_t source, struct ip_way *way, yeon_time now);
/* The local address to use towards dst on a link, or IP_NONE. */
uint16_t ip_choose_source(const struct ip *ip, unsigned link, const struct yeon_ip *dst, yeon_time now);
bool ip_is_broadcast(const struct ip *ip, unsigned link, const struct yeon_ip *a);

/* receive.c */
/* True: k is a TCP or UDP packet for this host and goes up. False: IP has dealt with it. Needs in view: all of a header without
 * options, and 20 bytes more. */
bool ip_receive(struct ip *ip, struct ip_packet *k, yeon_time now);

/* packets.c */
struct ip_pkt *ip_pkt_new(struct ip *ip, uint32_t len);
void ip_pkt_free(struct ip *ip, struct ip_pkt *pkt);
void ip_queue_put(struct ip_queue *q, struct ip_pkt *pkt);
void ip_queue_put_front(struct ip_queue *q, struct ip_pkt *pkt);
struct ip_pkt *ip_queue_take(struct ip_queue *q);
/* Puts a packet on the link's queue; when that is full, it is freed. Either way pkt is no longer the caller's. */
int ip_pkt_send(struct ip *ip, unsigned link, struct ip_pkt *pkt);

/* output.c */
#define IP_HEADER_LEN(ip_) (wire_ip_is4(ip_) ? (uint32_t)WIRE_IPV4_HEADER : (uint32_t)WIRE_IPV6_HEADER)
/* Writes the IP header for `len` bytes of payload; returns its size. */
uint32_t ip_header_emit(struct ip *ip, const struct ip_send *s, uint32_t len, uint8_t *p);
/* The next 16 (IPv4) or 32 (IPv6) bit identification for this flow; n are taken. */
uint32_t ip_take_id(struct ip *ip, const struct ip_send *s, uint32_t n);
/* Queues a packet, in fragments when it is too long for the path. 0, YEON_ERR_AGAIN (queue full), YEON_ERR_MESSAGE_SIZE,
 * YEON_ERR_NO_MEMORY. */
int ip_send(struct ip *ip, const struct ip_send *s, const struct yeon_slice *payload, uint32_t n, uint32_t len,
            yeon_time now);
/* fragment.c */
int ip_send_fragments(struct ip *ip, const struct ip_send *s, const struct yeon_slice *payload, uint32_t n,
                      uint32_t len, uint32_t mtu);
/* Copies part of slices. */
void ip_gather(const struct yeon_slice *s, uint32_t n, uint32_t skip, uint8_t *dst, uint32_t len);
static inline bool ip_has_output(const struct ip *ip, unsigned link) { return ip->link[link].out.first != NULL; }
/* The next control packet as a frame. False: none (packets for unresolved neighbours have moved to wait). */
bool ip_output(struct ip *ip, unsigned link, struct yeon_frame *f, yeon_time now);

/* pmtu.c */
uint16_t ip_path_mtu(struct ip *ip, unsigned link, const struct yeon_ip *dst, bool *no_df, yeon_time now);
void ip_pmtu_learn(struct ip *ip, unsigned link, const struct yeon_ip *dst, uint32_t mtu, yeon_time now);
/* The next lower plateau of RFC 1191 7. */
uint32_t ip_pmtu_plateau(uint32_t len);

/* neighbour.c */
bool ip_neigh_init(struct ip *ip);
void ip_neigh_fini(struct ip *ip);
/* True: mac is set. False: not known; use ip_neigh_wait. */
bool ip_resolve(struct ip *ip, unsigned link, const struct yeon_ip *next_hop, uint8_t *mac, yeon_time now);
/* Takes over pkt until next_hop answers (or frees it at a limit). */
void ip_neigh_wait(struct ip *ip, unsigned link, struct ip_pkt *pkt, yeon_time now);
/* What a message said of a neighbour. */
struct ip_hint {
  struct yeon_ip ip;
  const uint8_t *mac;       /* NULL: it carried none */
  bool create;              /* make an entry if there is none */
  bool solicited, override; /* RFC 4861 7.2.5 */
};
/* False: nothing was learnt; it is not believed, or about nobody we know. */
bool ip_neigh_hint(struct ip *ip, unsigned link, const struct ip_hint *h, yeon_time now);
void ip_neigh_run(struct ip *ip, yeon_time now);

/* arp.c, nd.c, autoconf.c */
void ip_arp_input(struct ip *ip, unsigned link, const uint8_t *p, uint32_t len, yeon_time now);
/* mac NULL: broadcast. */
void ip_arp_request(struct ip *ip, unsigned link, const struct yeon_ip *target, const uint8_t *mac);
void ip_arp_announce(struct ip *ip, unsigned link, const struct yeon_ip *own);
void ip_nd_input(struct ip *ip, const struct ip_packet *k, yeon_time now);
void ip_nd_solicit(struct ip *ip, unsigned link, const struct yeon_ip *target, const uint8_t *mac);
void ip_nd_send(struct ip *ip, unsigned link, const struct yeon_ip *src, const struct yeon_ip *dst,
                const struct wire_nd *nd, const uint8_t *mac);
void ip_autoconf_start(struct ip *ip, unsigned link, yeon_time now);
void ip_autoconf_probe(struct ip *ip, uint16_t index, yeon_time now);
/* Somebody else has the address. */
void ip_autoconf_conflict(struct ip *ip, uint16_t index, yeon_time now);
void ip_autoconf_advert(struct ip *ip, unsigned link, const struct yeon_ip *router, const struct wire_nd *ra,
                        yeon_time now);
void ip_autoconf_run(struct ip *ip, yeon_time now);

/* icmp.c, icmp_error.c */
void ip_icmp_input(struct ip *ip, const struct ip_packet *k, yeon_time now);
enum ip_complaint {
  IP_COMPLAIN_PORT,       /* nobody listens on the UDP port */
  IP_COMPLAIN_PROTOCOL,   /* unknown protocol; IPv6: parameter problem at k->nh_offset */
  IP_COMPLAIN_REASSEMBLY, /* fragments did not come in time */
  IP_COMPLAIN_PROBLEM     /* parameter problem, code and pointer given */
};
/* Sends an ICMP error about k, unless the rules or the rate limit forbid it. */
void ip_icmp_complain(struct ip *ip, const struct ip_packet *k, enum ip_complaint what, uint8_t code, uint32_t pointer,
                      bool even_multicast, yeon_time now);
/* Fills e from the packet inside an ICMP error, or from one of our own that could not leave. False: not ours. */
bool ip_error_about(struct ip *ip, const uint8_t *p, uint32_t len, bool is4, struct ip_error *e);

/* reasm.c */
struct ip_fragment {
  uint32_t id;
  uint32_t offset, len; /* bytes of data */
  uint32_t data;        /* where they begin in the packet */
  uint32_t head;        /* IPv6: length of the unfragmentable part; IPv4: of the header */
  uint32_t nh_offset;   /* IPv6: the field that named the fragment header */
  uint8_t protocol;     /* of the whole packet's next part */
  bool more;
};
/* Takes a fragment. The datagram, when this completed it; NULL: not yet, or refused. */
struct ip_reasm *ip_reasm_add(struct ip *ip, const struct ip_packet *k, const struct ip_fragment *f, yeon_time now);
/* Makes whole a packet again; free it with ip_reasm_free afterwards. */
void ip_reasm_packet(struct ip_reasm *r, struct ip_packet *whole);
void ip_reasm_free(struct ip *ip, struct ip_reasm *r);
void ip_reasm_run(struct ip *ip, yeon_time now);
void ip_reasm_fini(struct ip *ip);

#endif
