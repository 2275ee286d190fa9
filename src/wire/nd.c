/* Neighbour discovery messages: RFC 4861 4 (formats), 6.1 and 7.1 (what makes one valid). */
#include "wire/nd.h"

#include <assert.h>

#include "wire/icmp.h"

#define HOP_LIMIT 255 /* proves that no router passed it on */
#define NA_ROUTER 0x80
#define NA_SOLICITED 0x40
#define NA_OVERRIDE 0x20
#define RA_MANAGED 0x80
#define RA_OTHER 0x40
#define PREFIX_ON_LINK 0x80
#define PREFIX_AUTONOMOUS 0x40

enum option { OPTION_SOURCE = 1, OPTION_TARGET = 2, OPTION_PREFIX = 3, OPTION_MTU = 5 };

/* Bytes before the options; 0: not a message of this file. */
static size_t fixed_size(uint8_t type)
{
  switch (type) {
  case WIRE_ICMP6_RS: return 8;
  case WIRE_ICMP6_RA: return 16;
  case WIRE_ICMP6_NS:
  case WIRE_ICMP6_NA: return 24;
  default: return 0;
  }
}

static int read_mac(const uint8_t *p, size_t len, bool *has, uint8_t mac[WIRE_MAC])
{
  if (len != 8) return WIRE_BAD_OPTION;
  if (wire_mac_is_group(p + 2)) return WIRE_BAD_VALUE;
  *has = true;
  memcpy(mac, p + 2, WIRE_MAC);
  return WIRE_OK;
}

static int read_prefix(const uint8_t *p, size_t len, struct wire_nd *out)
{
  if (len != 32) return WIRE_BAD_OPTION;
  if (p[2] > 128 || out->n_prefixes == WIRE_ND_PREFIXES) return WIRE_OK;
  struct wire_nd_prefix *prefix = &out->prefix[out->n_prefixes++];
  prefix->len = p[2];
  prefix->on_link = (p[3] & PREFIX_ON_LINK) != 0;
  prefix->autonomous = (p[3] & PREFIX_AUTONOMOUS) != 0;
  prefix->valid_s = wire_get32(p + 4);
  prefix->preferred_s = wire_get32(p + 8);
  memcpy(prefix->prefix.b, p + 16, 16);
  return WIRE_OK;
}

static int read_mtu(const uint8_t *p, size_t len, struct wire_nd *out)
{
  if (len != 8) return WIRE_BAD_OPTION;
  out->mtu = wire_get32(p + 4);
  return WIRE_OK;
}

/* Defined options that do not belong to this type of message are ignored, as unknown ones are. */
static int read_option(const uint8_t *p, size_t len, struct wire_nd *out)
{
  bool is_ra = out->type == WIRE_ICMP6_RA;
  if (p[0] == OPTION_SOURCE && out->type != WIRE_ICMP6_NA)
    return read_mac(p, len, &out->has_source_mac, out->source_mac);
  if (p[0] == OPTION_TARGET && out->type == WIRE_ICMP6_NA)
    return read_mac(p, len, &out->has_target_mac, out->target_mac);
  if (p[0] == OPTION_PREFIX && is_ra) return read_prefix(p, len, out);
  if (p[0] == OPTION_MTU && is_ra) return read_mtu(p, len, out);
  return WIRE_OK;
}

static int read_options(const uint8_t *p, size_t len, struct wire_nd *out)
{
  size_t size = 0;
  for (size_t at = 0; at < len; at += size) {
    if (len - at < 8) return WIRE_BAD_OPTION;
    size = (size_t)p[at + 1] * 8;
    if (size == 0 || size > len - at) return WIRE_BAD_OPTION;
    int result = read_option(p + at, size, out);
    if (result != WIRE_OK) return result;
  }
  return WIRE_OK;
}

static void read_ra(const uint8_t *p, struct wire_nd *out)
{
  out->hop_limit = p[4];
  out->managed = (p[5] & RA_MANAGED) != 0;
  out->other = (p[5] & RA_OTHER) != 0;
  out->lifetime_s = wire_get16(p + 6);
  out->reachable_ms = wire_get32(p + 8);
  out->retrans_ms = wire_get32(p + 12);
}

static void read_neighbour(const uint8_t *p, struct wire_nd *out)
{
  memcpy(out->target.b, p + 8, 16);
  if (out->type == WIRE_ICMP6_NA) {
    out->router = (p[4] & NA_ROUTER) != 0;
    out->solicited = (p[4] & NA_SOLICITED) != 0;
    out->override = (p[4] & NA_OVERRIDE) != 0;
  }
}

static bool is_unspecified(const struct yeon_ip *ip)
{
  static const struct yeon_ip zero = {{0}};
  return memcmp(ip, &zero, sizeof zero) == 0;
}

static bool is_solicited_node(const struct yeon_ip *ip)
{
  struct yeon_ip group = wire_nd_solicited_node(ip);
  return memcmp(ip, &group, sizeof group) == 0;
}

/* RFC 4861 6.1.1, 6.1.2, 7.1.1, 7.1.2: what concerns the fields and the addresses of the packet. */
static bool is_valid(const struct wire_nd *nd, const struct wire_ipv6 *ip)
{
  bool is_neighbour = nd->type == WIRE_ICMP6_NS || nd->type == WIRE_ICMP6_NA;
  if (is_neighbour && (wire_ip_is_multicast(&nd->target) || wire_ip_is4(&nd->target))) return false;
  if (nd->type == WIRE_ICMP6_RA && !wire_ip_is_link_local6(&ip->src)) return false;
  if (nd->type == WIRE_ICMP6_NA && nd->solicited && wire_ip_is_multicast(&ip->dst)) return false;
  if (is_unspecified(&ip->src) && nd->has_source_mac) return false;
  return nd->type != WIRE_ICMP6_NS || !is_unspecified(&ip->src) || is_solicited_node(&ip->dst);
}

int wire_nd_parse(const uint8_t *p, size_t len, const struct wire_ipv6 *ip, struct wire_nd *out)
{
  memset(out, 0, sizeof *out);
  if (len < 4) return WIRE_SHORT;
  out->type = p[0];
  size_t fixed = fixed_size(out->type);
  if (fixed == 0 || p[1] != 0 || ip->hop_limit != HOP_LIMIT) return WIRE_BAD_VALUE;
  if (len < fixed) return WIRE_SHORT;
  if (out->type == WIRE_ICMP6_RA)
    read_ra(p, out);
  else if (out->type != WIRE_ICMP6_RS)
    read_neighbour(p, out);
  int result = read_options(p + fixed, len - fixed, out);
  if (result != WIRE_OK) return result;
  return is_valid(out, ip) ? WIRE_OK : WIRE_BAD_VALUE;
}

static bool emits_source(const struct wire_nd *nd) { return nd->has_source_mac && nd->type != WIRE_ICMP6_NA; }
static bool emits_target(const struct wire_nd *nd) { return nd->has_target_mac && nd->type == WIRE_ICMP6_NA; }

size_t wire_nd_size(const struct wire_nd *nd)
{
  size_t size = fixed_size(nd->type) + (emits_source(nd) ? 8u : 0u) + (emits_target(nd) ? 8u : 0u);
  if (nd->type == WIRE_ICMP6_RA) size += (nd->mtu != 0 ? 8u : 0u) + 32u * nd->n_prefixes;
  return size;
}

static uint8_t *put_mac(uint8_t *p, enum option option, const uint8_t mac[WIRE_MAC])
{
  p[0] = (uint8_t)option;
  p[1] = 1;
  memcpy(p + 2, mac, WIRE_MAC);
  return p + 8;
}

static uint8_t *put_mtu(uint8_t *p, uint32_t mtu)
{
  p[0] = OPTION_MTU;
  p[1] = 1;
  wire_put32(p + 4, mtu);
  return p + 8;
}

static uint8_t *put_prefix(uint8_t *p, const struct wire_nd_prefix *prefix)
{
  p[0] = OPTION_PREFIX;
  p[1] = 4;
  p[2] = prefix->len;
  p[3] = (uint8_t)((prefix->on_link ? PREFIX_ON_LINK : 0) | (prefix->autonomous ? PREFIX_AUTONOMOUS : 0));
  wire_put32(p + 4, prefix->valid_s);
  wire_put32(p + 8, prefix->preferred_s);
  memcpy(p + 16, prefix->prefix.b, 16);
  return p + 32;
}

static void put_ra(const struct wire_nd *nd, uint8_t *p)
{
  p[4] = nd->hop_limit;
  p[5] = (uint8_t)((nd->managed ? RA_MANAGED : 0) | (nd->other ? RA_OTHER : 0));
  wire_put16(p + 6, nd->lifetime_s);
  wire_put32(p + 8, nd->reachable_ms);
  wire_put32(p + 12, nd->retrans_ms);
}

static void put_neighbour(const struct wire_nd *nd, uint8_t *p)
{
  if (nd->type == WIRE_ICMP6_NA)
    p[4] =
        (uint8_t)((nd->router ? NA_ROUTER : 0) | (nd->solicited ? NA_SOLICITED : 0) | (nd->override ? NA_OVERRIDE : 0));
  memcpy(p + 8, nd->target.b, 16);
}

size_t wire_nd_emit(const struct wire_nd *nd, uint8_t *p)
{
  assert(nd->n_prefixes <= WIRE_ND_PREFIXES);
  size_t size = wire_nd_size(nd);
  uint8_t *option = p + fixed_size(nd->type);
  memset(p, 0, size);
  p[0] = nd->type;
  if (nd->type == WIRE_ICMP6_RA)
    put_ra(nd, p);
  else if (nd->type != WIRE_ICMP6_RS)
    put_neighbour(nd, p);
  if (emits_source(nd)) option = put_mac(option, OPTION_SOURCE, nd->source_mac);
  if (emits_target(nd)) option = put_mac(option, OPTION_TARGET, nd->target_mac);
  if (nd->type != WIRE_ICMP6_RA) return size;
  if (nd->mtu != 0) option = put_mtu(option, nd->mtu);
  for (unsigned i = 0; i < nd->n_prefixes; i++) option = put_prefix(option, &nd->prefix[i]);
  return size;
}

struct yeon_ip wire_nd_solicited_node(const struct yeon_ip *ip)
{
  struct yeon_ip group = {{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, ip->b[13], ip->b[14], ip->b[15]}};
  return group;
}
