/* Feeds bytes to every parser of wire/, as a frame and directly, and checks what must hold of whatever they
 * accept: lengths within the input, values within their ranges, and that emitting and parsing again gives the
 * same. Checksums are also filled in, since hardly any random input would get past them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "wire/arp.h"
#include "wire/checksum.h"
#include "wire/eth.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/nd.h"
#include "wire/tcp.h"
#include "wire/udp.h"

/* Real frames: TCP SYN and RST, UDP, ICMP errors with the packet that caused them, ARP, neighbour discovery, a
 * multicast listener report with router alert; then made ones (checksums 0): IPv4 options behind a VLAN tag, every
 * IPv6 extension header, a fragment, a router advertisement, SACK blocks and a user timeout. */
const unsigned fuzz_mutations = 200000;
const char *const fuzz_seeds[] = {
    "00000000000000000000000008004500003c59ce40004006e2eb7f0000017f000001e360b81373c1a83400000000a002ffd7fe3000000204ff"
    "d7"
    "0402080ae12009c0000000000103030a",
    "000000000000000000000000080045000021fab14000401142187f0000017f000001ecf2b814000dfe2068656c6c6f",
    "000000000000000000000000080045c0003d0a2c0000400171d27f0000017f000001030315f50000000045000021fab14000401142187f0000"
    "01"
    "7f000001ecf2b814000dfe2068656c6c6f",
    "00000000000000000000000086dd600f422c002806400000000000000000000000000000000100000000000000000000000000000001ec7cb8"
    "13"
    "c1f3a15b00000000a002ffc4003000000204ffc40402080aebaf137d000000000103030a",
    "925679496da1be55181dfb1a86dd60084a3800393a40fd090000000000000000000000000002fd0900000000000000000000000000010104ab"
    "f1"
    "000000006007ee9700091140fd090000000000000000000000000001fd0900000000000000000000000000028c3d00090009fa3078",
    "925679496da1be55181dfb1a08060001080006040002be55181dfb1a0a090002925679496da10a090001",
    "3333ff000002925679496da186dd6000000000203afffd090000000000000000000000000001ff0200000000000000000001ff000002870006"
    "45"
    "00000000fd0900000000000000000000000000020101925679496da1",
    "925679496da1be55181dfb1a86dd6000000000203afffd090000000000000000000000000002fd09000000000000000000000000000188004c"
    "f3"
    "60000000fd0900000000000000000000000000020201be55181dfb1a",
    "333300000002be55181dfb1a86dd6000000000103afffe80000000000000bc5518fffe1dfb1aff0200000000000000000000000000028500dc"
    "12"
    "000000000101be55181dfb1a",
    "333300000016925679496da186dd6000000000380001fe80000000000000905679fffe496da1ff02000000000000000000000000001"
    "63a000502000001008f008ac20000000204000000ff0200000000000000000001ff496da104000000ff0200000000000000000001ff000001",
    "0200000000010200000000028100000508004700003000010000400600000a0000010a0000028307040a0000010004d20050112233445566"
    "77885010ffff00000000",
    "02000000000102000000000286dd60000000003c004020010000000000000000000000000001200100000000000000000000000000022b00"
    "0104000000003c02000000000000200100000000000000000000000000092c003e04000000003a000000010203048000000000010002aabb"
    "ccdd",
    "02000000000102000000000286dd6000000000182c4020010000000000000000000000000001200100000000000000000000000000021100"
    "00290102030400112233445566778899aabbccddeeff",
    "02000000000102000000000286dd6000000000403afffe800000000000000000000000000001ff0200000000000000000000000000018600"
    "000040c0070800007530000003e8010102000000000205010000000005dc030440c000000001000000020000000020010000000000000000"
    "000000000000",
    "02000000000102000000000208004500004c00010000400600000a0000010a00000204d200501122334455667788e010ffff000000000101"
    "080a000000010000000201010512000000010000000200000003000000041c048005",
    NULL,
};

#define CHECK(condition)                                                                                               \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                                   \
      abort();                                                                                                         \
    }                                                                                                                  \
  } while (0)

static void check_result(int result) { CHECK(result <= WIRE_OK && result >= WIRE_BAD_VALUE); }

static void check_tcp(const uint8_t *p, size_t len)
{
  struct wire_tcp h, again;
  uint8_t out[WIRE_TCP_HEADER_MAX];
  int result = wire_tcp_parse(p, len, &h);
  check_result(result);
  if (result != WIRE_OK) return;
  CHECK(h.header_len >= WIRE_TCP_HEADER && h.header_len <= len);
  CHECK(h.wscale >= -1 && h.wscale <= 14 && h.n_sack <= 4);
  size_t size = wire_tcp_size(&h);
  CHECK(size <= sizeof out && wire_tcp_emit(&h, out) == size);
  CHECK(wire_tcp_parse(out, size, &again) == WIRE_OK);
  CHECK(again.seq == h.seq && again.ack == h.ack && again.flags == h.flags && again.window == h.window);
  CHECK(again.mss == h.mss && again.wscale == h.wscale && again.sack_ok == h.sack_ok && again.has_ts == h.has_ts);
  CHECK(again.tsval == h.tsval && again.tsecr == h.tsecr && again.user_timeout == h.user_timeout);
  CHECK(again.n_sack <= h.n_sack && memcmp(again.sack, h.sack, again.n_sack * sizeof h.sack[0]) == 0);
}

static void check_udp(const uint8_t *p, size_t len)
{
  struct wire_udp h;
  uint8_t out[WIRE_UDP_HEADER];
  int result = wire_udp_parse(p, len, len, &h);
  check_result(result);
  if (result != WIRE_OK) return;
  CHECK(h.length >= WIRE_UDP_HEADER && h.length <= len);
  CHECK(wire_udp_emit(&h, out) == WIRE_UDP_HEADER && memcmp(p, out, sizeof out) == 0);
}

static void check_embedded(const uint8_t *p, size_t len)
{
  struct wire_embedded e;
  check_result(wire_icmp4_embedded(p, len, &e));
  CHECK(!e.has_seq || (e.has_ports && len >= 28));
  check_result(wire_icmp6_embedded(p, len, &e));
  CHECK(!e.has_seq || (e.has_ports && len >= 48));
}

static void check_nd(const uint8_t *p, size_t len, const struct wire_ipv6 *ip)
{
  struct wire_nd nd, again;
  uint8_t out[WIRE_ND_MAX];
  struct wire_ipv6 near = *ip; /* most inputs would fail at the hop limit */
  near.hop_limit = 255;
  check_result(wire_nd_parse(p, len, ip, &nd));
  int result = wire_nd_parse(p, len, &near, &nd);
  check_result(result);
  if (result != WIRE_OK) return;
  CHECK(nd.n_prefixes <= WIRE_ND_PREFIXES && wire_nd_size(&nd) <= sizeof out);
  size_t size = wire_nd_emit(&nd, out);
  CHECK(wire_nd_parse(out, size, &near, &again) == WIRE_OK);
  CHECK(memcmp(&nd.target, &again.target, sizeof nd.target) == 0 && nd.mtu == again.mtu);
  CHECK(nd.n_prefixes == again.n_prefixes && nd.has_source_mac == again.has_source_mac);
  CHECK(nd.has_target_mac == again.has_target_mac && nd.solicited == again.solicited);
}

static void check_icmp(const uint8_t *p, size_t len)
{
  struct wire_icmp m;
  uint8_t out[WIRE_ICMP_HEADER];
  check_result(wire_icmp4_parse(p, len, &m));
  if (wire_icmp6_parse(p, len, &m) == WIRE_OK) {
    CHECK(wire_icmp6_emit(&m, out) == sizeof out);
    CHECK(memcmp(p, out, 2) == 0 && memcmp(p + 4, out + 4, 4) == 0);
    check_embedded(p + WIRE_ICMP_HEADER, len - WIRE_ICMP_HEADER);
  }
}

static void check_transport(const uint8_t *p, size_t len)
{
  check_tcp(p, len);
  check_udp(p, len);
  check_icmp(p, len);
}

static void check_ipv4(const uint8_t *p, size_t len)
{
  struct wire_ipv4 h, again;
  uint8_t mended[FUZZ_INPUT_MAX], out[WIRE_IPV4_HEADER];
  check_result(wire_ipv4_parse(p, len, len, &h));
  size_t header = len > 0 ? (size_t)(p[0] & 0x0f) * 4 : 0;
  if (header < WIRE_IPV4_HEADER || header > len || len > sizeof mended) return;
  memcpy(mended, p, len);
  wire_put16(mended + 10, 0);
  wire_put16(mended + 10, wire_sum_finish(wire_sum(mended, header, 0)));
  int result = wire_ipv4_parse(mended, len, len, &h);
  CHECK(result != WIRE_BAD_CHECKSUM);
  check_result(result);
  if (result != WIRE_OK) return;
  CHECK(h.header_len == header && h.total_len >= header && h.total_len <= len);
  CHECK(wire_ip_is4(&h.src) && wire_ip_is4(&h.dst));
  wire_ipv4_emit(&h, out);
  CHECK(wire_ipv4_parse(out, sizeof out, h.total_len, &again) == WIRE_OK);
  CHECK(again.frag_offset == h.frag_offset && again.more_fragments == h.more_fragments && again.id == h.id);
  check_transport(p + h.header_len, (size_t)h.total_len - h.header_len);
}

static void check_ipv6(const uint8_t *p, size_t len)
{
  struct wire_ipv6 h;
  struct wire_ipv6_ext e;
  uint8_t out[WIRE_IPV6_HEADER];
  int result = wire_ipv6_parse(p, len, len, &h);
  check_result(result);
  if (result != WIRE_OK) return;
  CHECK(wire_ipv6_emit(&h, out) == sizeof out && memcmp(p, out, sizeof out) == 0);
  CHECK(!wire_ip_is4(&h.src) && !wire_ip_is4(&h.dst));
  size_t total = (size_t)WIRE_IPV6_HEADER + h.payload_len;
  result = wire_ipv6_extensions(p, len, &h, &e);
  check_result(result);
  CHECK(e.action <= WIRE_IPV6_PROBLEM && (result == WIRE_OK || e.action == WIRE_IPV6_DISCARD));
  if (e.action == WIRE_IPV6_PROBLEM) CHECK(e.pointer < total);
  if (e.action == WIRE_IPV6_FRAGMENT) CHECK(e.has_fragment && e.fragment.offset % 8 == 0 && e.offset < total);
  if (e.action != WIRE_IPV6_UPPER) return;
  CHECK(e.offset >= WIRE_IPV6_HEADER && e.offset <= total && p[e.nh_offset] == e.next_header);
  check_transport(p + e.offset, total - e.offset);
  check_nd(p + e.offset, total - e.offset, &h);
}

static void check_arp(const uint8_t *p, size_t len)
{
  struct wire_arp a;
  uint8_t out[WIRE_ARP_LEN];
  int result = wire_arp_parse(p, len, &a);
  check_result(result);
  if (result == WIRE_OK) CHECK(wire_arp_emit(&a, out) == sizeof out && memcmp(p, out, sizeof out) == 0);
}

/* Two cuts, at places the input itself names, do not change a sum. */
static void check_checksum(const uint8_t *p, size_t len)
{
  size_t a = len > 0 ? p[0] % (len + 1) : 0, b = len > 1 ? a + p[1] % (len - a + 1) : a;
  struct yeon_slice s[3] = {{p, a}, {p + a, b - a}, {p + b, len - b}};
  CHECK(wire_sum_fold(wire_sum_slices(s, 3, 0, len, 0)) == wire_sum_fold(wire_sum(p, len, 0)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct wire_eth eth;
  int result = wire_eth_parse(data, size, &eth);
  check_result(result);
  if (result == WIRE_OK) {
    CHECK(eth.header_len <= size && eth.type >= 0x0600);
    check_arp(data + eth.header_len, size - eth.header_len);
    check_ipv4(data + eth.header_len, size - eth.header_len);
    check_ipv6(data + eth.header_len, size - eth.header_len);
  }
  check_checksum(data, size);
  check_arp(data, size);
  check_ipv4(data, size);
  check_ipv6(data, size);
  check_transport(data, size);
  check_embedded(data, size);
  return 0;
}
