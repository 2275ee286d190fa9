/* A frame taken apart as far as the observers of this room want to know it. */
#ifndef WATCH_PACKET_H
#define WATCH_PACKET_H

#include <yeon/frame.h>

#include "wire/arp.h"
#include "wire/icmp.h"
#include "wire/tcp.h"
#include "wire/udp.h"

#define PACKET_HEAD 320 /* bytes of a frame that are looked at: more than all headers together */

enum packet_kind {
  PACKET_BAD, /* not even an IP or ARP header, or a broken one */
  PACKET_TCP,
  PACKET_UDP,
  PACKET_ICMP, /* of either family, neighbour discovery too */
  PACKET_ARP,
  PACKET_FRAGMENT, /* not the first one */
  PACKET_OTHER
};

struct packet {
  enum packet_kind kind;
  struct yeon_addr src, dst; /* ports 0 where there are none */
  uint32_t payload;          /* bytes behind the transport header */
  uint32_t ip_len;           /* bytes of the IP packet */
  uint8_t protocol;
  uint8_t codepoint; /* enum wire_ecn */
  bool is6, more_fragments;
  struct wire_tcp tcp;
  struct wire_udp udp;
  struct wire_icmp icmp;
  struct wire_arp arp;
};

/* The first bytes of a frame in one piece: at most PACKET_HEAD; how many. */
size_t packet_head(const struct yeon_frame *frame, uint8_t *buf);
/* p[0..len): the beginning of a frame of total bytes. */
void packet_parse(const uint8_t *p, size_t len, size_t total, bool ethernet, struct packet *out);
/* "ECT(0)", "" for what is not capable. */
const char *packet_codepoint_text(uint8_t codepoint);
/* "port unreachable", "echo", "type 5 code 1". Returns buf. */
const char *packet_icmp_text(const struct packet *p, char *buf, size_t size);

#endif
