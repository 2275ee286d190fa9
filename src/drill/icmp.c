/* ICMP messages of a script: their words, and the packet they quote. */
#include <stdlib.h>
#include <string.h>

#include "drill/run.h"
#include "wire/icmp.h"
#include "wire/ipv6.h"

struct word {
  const char *name;
  int number;
};

static const struct word types4[] = {{"echo_reply", 0},          {"unreachable", 3},
                                     {"source_quench", 4},       {"redirect", 5},
                                     {"echo_request", 8},        {"time_exceeded", 11},
                                     {"parameter_problem", 12},  {"timestamp_request", 13},
                                     {"timestamp_reply", 14},    {"information_request", 15},
                                     {"information_reply", 16},  {"address_mask_request", 17},
                                     {"address_mask_reply", 18}, {NULL, 0}};
static const struct word types6[] = {
    {"unreachable", 1},    {"packet_too_big", 2}, {"time_exceeded", 3},          {"parameter_problem", 4},
    {"echo_request", 128}, {"echo_reply", 129},   {"router_advertisement", 134}, {NULL, 0}};
static const struct word codes4[] = {{"net_unreachable", 0},
                                     {"host_unreachable", 1},
                                     {"protocol_unreachable", 2},
                                     {"port_unreachable", 3},
                                     {"frag_needed", 4},
                                     {"source_route_failed", 5},
                                     {"net_unknown", 6},
                                     {"host_unknown", 7},
                                     {"source_host_isolated", 8},
                                     {"net_prohibited", 9},
                                     {"host_prohibited", 10},
                                     {"net_unreachable_for_tos", 11},
                                     {"host_unreachable_for_tos", 12},
                                     {"packet_filtered", 13},
                                     {"precedence_violation", 14},
                                     {"precedence_cutoff", 15},
                                     {NULL, 0}};
static const struct word codes6[] = {{"no_route", 0},
                                     {"net_unreachable", 0},
                                     {"admin_prohibited", 1},
                                     {"not_neighbour", 2},
                                     {"address_unreachable", 3},
                                     {"port_unreachable", 4},
                                     {NULL, 0}};
static const struct word others[] = {{"ttl_exceeded_in_transit", 0},
                                     {"exceeded_hop_limit", 0},
                                     {"frag_reass_exceeded", 1},
                                     {"exceeded_frag_time", 1},
                                     {"header_field", 0},
                                     {"unknown_next_header", 1},
                                     {"unknown_option", 2},
                                     {NULL, 0}};

/* By name, or "PREFIX_17". -1: neither. */
static int find(const struct word *words, const char *name, const char *prefix)
{
  size_t n = strlen(prefix);
  if (strncmp(name, prefix, n) == 0) return atoi(name + n);
  for (; words->name != NULL; words++)
    if (strcmp(words->name, name) == 0) return words->number;
  return -1;
}

bool icmp_words(const struct drill_packet *k, bool six, uint8_t *type, uint8_t *code)
{
  int t = find(six ? types6 : types4, k->icmp_type, "type_"), c = 0;
  bool unreachable = t == (six ? WIRE_ICMP6_UNREACHABLE : WIRE_ICMP4_UNREACHABLE);
  if (k->icmp_code != NULL) c = find(!unreachable ? others : six ? codes6 : codes4, k->icmp_code, "code_");
  if (t < 0 || c < 0 || t > 255 || c > 255) return false;
  *type = (uint8_t)t;
  *code = (uint8_t)c;
  return true;
}

/* What of the quoted packet the host must be able to recognise: its IP header and eight bytes. */
static size_t emit_quoted(struct drill_run *r, const struct drill_packet *k, const struct drill_flow *flow, uint8_t *p)
{
  bool six = !yeon_ip_is4(&r->local), tcp = k->quoted == DRILL_TCP + 1;
  uint8_t protocol = tcp ? WIRE_PROTO_TCP : WIRE_PROTO_UDP;
  size_t transport = (tcp ? 20 : 8) + k->quoted_len, n;
  if (six) {
    struct wire_ipv6 h = {.src = flow->local.ip,
                          .dst = flow->remote.ip,
                          .payload_len = (uint16_t)transport,
                          .next_header = protocol};
    h.hop_limit = 64;
    n = wire_ipv6_emit(&h, p);
  } else {
    struct wire_ipv4 h = {.src = flow->local.ip,
                          .dst = flow->remote.ip,
                          .total_len = (uint16_t)(20 + transport),
                          .protocol = protocol};
    h.ttl = 64;
    n = wire_ipv4_emit(&h, p);
  }
  wire_put16(p + n, flow->local.port);
  wire_put16(p + n + 2, flow->remote.port);
  if (tcp)
    wire_put32(p + n + 4, k->quoted_seq + flow_local_offset(flow, false));
  else
    wire_put16(p + n + 4, (uint16_t)transport);
  return n + 8;
}

size_t icmp_emit(struct drill_run *r, const struct drill_packet *k, const struct drill_flow *flow, uint8_t *out)
{
  struct wire_icmp h = {.type = 0};
  bool six = !yeon_ip_is4(&r->local);
  if (k->icmp_code != NULL && k->icmp_code[0] >= 'A' && k->icmp_code[0] <= 'Z') {
    drill_needs(r, "a definition of %s (--define=%s=...)", k->icmp_code, k->icmp_code);
    return 0;
  }
  if (!icmp_words(k, six, &h.type, &h.code)) {
    drill_fail(r, "'%s %s' is no ICMP message of this family", k->icmp_type, k->icmp_code != NULL ? k->icmp_code : "");
    return 0;
  }
  uint32_t datagram = k->udp_dst != 0 ? r->tunnel_overhead : 0;
  if (k->mtu >= 0) h.mtu = (uint32_t)k->mtu - datagram;
  if (k->id >= 0) h.id = (uint16_t)k->id;
  size_t n = six ? wire_icmp6_emit(&h, out) : wire_icmp4_emit(&h, out);
  bool error = six ? h.type < 128 : h.type == 3 || h.type == 4 || h.type == 5 || h.type == 11 || h.type == 12;
  struct drill_packet as_flow = *k;
  if (error && k->quoted == 0) as_flow.quoted = flow->protocol == WIRE_PROTO_TCP ? DRILL_TCP + 1 : DRILL_UDP + 1;
  if (error)
    n += emit_quoted(r, &as_flow, flow, out + n);
  else
    n += k->len;
  if (six)
    wire_icmp6_finish(out, n, &flow->remote.ip, &flow->local.ip);
  else
    wire_icmp4_finish(out, n);
  return n;
}
