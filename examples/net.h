/* What both examples need before they can open a socket: a host with addresses, on a TUN device or a packet socket,
 * with a cable before it that can be pulled. */
#ifndef EXAMPLES_NET_H
#define EXAMPLES_NET_H

#include <stdio.h>

#include <yeon/cable.h>
#include <yeon/socket.h>

#define NET_ADDRS 8

struct net {
  /* what the command line says */
  const char *program;
  const char *tun, *packet; /* at most one; both NULL: tun0 */
  struct {
    struct yeon_ip ip;
    unsigned prefix_len;
  } addr[NET_ADDRS];
  unsigned n_addr;
  struct yeon_ip gateway[NET_ADDRS];
  unsigned n_gateway;
  int profile; /* enum yeon_profile */
  bool plain;
  uint64_t cut_after; /* payload bytes until the cable is pulled; 0: never */
  double cut_for_s;
  struct yeon_cable_way way; /* impairments of both directions */
  const char *ladder, *pcap;
  /* what it became */
  struct yeon_loop *loop;
  struct yeon_host *host;
  struct yeon_cable *cable;
  struct yeon_link *link;
  struct watch *watch; /* ladder and capture; NULL: none */
  unsigned link_number;
  yeon_time started_at, cut_at, join_at; /* YEON_NEVER: not cut, not to be joined by itself */
  yeon_time cut_total;
  unsigned cuts;
};

void net_init(struct net *n, const char *program);
/* Reads argv[*i] if it is an option of net's, moving *i to its last word. 1: it was; 0: it is none of ours; -1: it is
 * wrong, and was complained about. */
int net_option(struct net *n, int argc, char **argv, int *i);
/* The lines of the help text that tell net's options. */
void net_help(FILE *out);
/* 0, or -1 after a complaint. */
int net_open(struct net *n);
/* To be called often: cuts and joins as signals, --cut-after and --cut-for say. bytes: payload moved so far. */
void net_tick(struct net *n, uint64_t bytes);
/* The longest to wait until net_tick is due again, at most limit_ms. */
int net_patience(const struct net *n, int limit_ms);
/* Whether SIGINT or SIGTERM came. */
bool net_stopped(void);
/* How it went, in some short lines. */
void net_report(const struct net *n, uint64_t bytes, yeon_time first_at, yeon_time last_at);
/* Waits until what was closed has ended in order, for some seconds at most, and frees everything. */
void net_close(struct net *n, int drain_ms);
/* "1.5 GiB" */
char *net_size(uint64_t bytes, char *buf, size_t size);
/* "10k", "3M", "2G" (powers of 1024) or a plain number. 0, or -1. */
int net_parse_size(const char *text, uint64_t *out);

/* watch.c: a ladder and a capture of what crosses the cable. Wraps *link. 0, or -1 after a complaint. */
int watch_open(struct net *n, struct yeon_link **link);
/* After the host is there. */
void watch_attach(struct net *n);
void watch_close(struct net *n);

#endif
