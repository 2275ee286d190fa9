/* Packets: "< S 0:0(0) win 1000 <mss 1000>", "> udp (100)", "< icmp unreachable port_unreachable [1:1(0)]". */
#include <ctype.h>
#include <string.h>

#include <yeon/event.h>

#include "drill/scan.h"

static bool parse_ecn(struct drill_scan *s, struct drill_packet *k)
{
  static const char *const names[] = {"noecn", "ect1", "ect0", "ce"}; /* by their codepoint */
  for (int i = 0; i < 4; i++) {
    if (!scan_keyword(s, names[i])) continue;
    k->ecn = i;
    return true;
  }
  if (scan_keyword(s, "ect01")) return k->ecn_either = true;
  return false;
}

/* "dscp af11", "dscp 0x2e"; -1: neither. */
static int parse_dscp(struct drill_scan *s)
{
  static const struct {
    const char *name;
    int value;
  } names[] = {{"cs0", 0},   {"cs1", 8},   {"cs2", 16},  {"cs3", 24},  {"cs4", 32},  {"cs5", 40},  {"cs6", 48},  {"cs7", 56},
               {"af11", 10}, {"af12", 12}, {"af13", 14}, {"af21", 18}, {"af22", 20}, {"af23", 22}, {"af31", 26}, {"af32", 28},
               {"af33", 30}, {"af41", 34}, {"af42", 36}, {"af43", 38}, {"ef", 46},   {"le", 1}};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (scan_keyword(s, names[i].name)) return names[i].value;
  if (scan_accept_text(s, "voice-admit")) return 44;
  int64_t n = scan_integer(s);
  if (n < 0 || n > 63) scan_fail(s, "a DSCP is 0 to 63");
  return (int)n;
}

/* "[ect0]", "(tos 0x10)", "(ttl 64, flowlabel 0x1)". */
static void parse_ip_info(struct drill_scan *s, struct drill_packet *k)
{
  char close = scan_accept(s, '(') ? ')' : ']';
  if (close == ']') scan_expect(s, '[');
  while (!s->failed && !scan_accept(s, close)) {
    if (scan_accept(s, ',') || scan_keyword(s, "ecn") || parse_ecn(s, k)) continue;
    if (scan_keyword(s, "tos") || scan_keyword(s, "class"))
      k->tos = (int)scan_integer(s);
    else if (scan_keyword(s, "ttl") || scan_keyword(s, "hlim"))
      k->ttl = (int)scan_integer(s);
    else if (scan_keyword(s, "dscp"))
      k->dscp = parse_dscp(s);
    else if (scan_keyword(s, "flowlabel"))
      k->flow_label = (int)scan_integer(s);
    else
      scan_fail(s, "not a field of IP: ect0, ect1, ect01, ce, noecn, ecn, dscp, tos, class, ttl, hlim, flowlabel");
  }
}

static void parse_ports(struct drill_scan *s, struct drill_packet *k)
{
  k->src_port = (uint16_t)scan_integer(s);
  scan_expect(s, '>');
  k->dst_port = (uint16_t)scan_integer(s);
}

/* "SEW.", ".", "-", "FP.", and with the number that AccECN makes of three of them: "S5.", "P.7", ".3" */
static void parse_flags(struct drill_scan *s, struct drill_packet *k)
{
  static const char letters[] = "FSRP.UEWA"; /* by their bit */
  const char *run = scan_run(s);
  if (strcmp(run, "-") == 0) return;
  for (; *run != 0 && !s->failed; run++) {
    const char *letter = strchr(letters, *run);
    if (isdigit((unsigned char)*run) && *run < '8') {
      unsigned v = (unsigned)(*run - '0');
      k->ace = true;
      if ((v & 1) != 0) k->flags |= YEON_TCP_ECE;
      if ((v & 2) != 0) k->flags |= YEON_TCP_CWR;
      if ((v & 4) != 0) k->flags |= DRILL_AE;
    } else if (letter != NULL) {
      k->flags |= (uint16_t)(1u << (letter - letters));
    } else {
      scan_fail(s, "'%c' is no TCP flag: F S R P . U E W A, or - for none", *run);
    }
  }
}

/* "1:1001(1000)"; the end must agree, but SYN and FIN may count or not. */
static void parse_sequence(struct drill_scan *s, uint32_t *seq, uint32_t *len, bool syn_or_fin)
{
  *seq = scan_u32(s);
  scan_expect(s, ':');
  uint32_t end = scan_u32(s);
  scan_expect(s, '(');
  *len = scan_u32(s);
  scan_expect(s, ')');
  if (!s->failed && end != *seq + *len && (!syn_or_fin || end != *seq + *len + 1))
    scan_fail(s, "%u bytes from %u on do not end at %u", *len, *seq, end);
  if (!s->failed && *len > 65535) scan_fail(s, "%u bytes are more than a packet holds", *len);
}

/* "/udp(9899 > 1)": the datagram that it is in. */
static void parse_datagram(struct drill_scan *s, struct drill_packet *k)
{
  if (!scan_peek(s, '/') || s->p + 1 >= s->end || s->p[1] == '/' || s->p[1] == '*') return;
  scan_expect(s, '/');
  if (!scan_keyword(s, "udp")) scan_fail(s, "'/udp(9899 > 1)' could stand here: the datagram that the segment is in");
  scan_expect(s, '(');
  uint32_t from = scan_u32(s);
  scan_expect(s, '>');
  uint32_t to = scan_u32(s);
  scan_expect(s, ')');
  if (!s->failed && (from == 0 || from > 65535 || to == 0 || to > 65535)) scan_fail(s, "a port is 1 to 65535");
  k->udp_src = (uint16_t)from;
  k->udp_dst = (uint16_t)to;
}

static void parse_tcp(struct drill_scan *s, struct drill_packet *k)
{
  if (scan_digit(s)) parse_ports(s, k);
  parse_flags(s, k);
  if (scan_peek(s, '.') && s->p + 1 < s->end && s->p[1] != '.') { /* "F ." */
    scan_accept(s, '.');
    k->flags |= YEON_TCP_ACK;
  }
  if (scan_accept_text(s, "...")) {
    k->any_seq = true;
    scan_expect(s, '(');
    k->len = scan_u32(s);
    scan_expect(s, ')');
  } else {
    parse_sequence(s, &k->seq, &k->len, (k->flags & (YEON_TCP_SYN | YEON_TCP_FIN)) != 0);
  }
  if (scan_accept(s, '!')) k->absolute = true;
  if (scan_keyword(s, "ack")) {
    k->has_ack = true;
    k->ack = scan_u32(s);
    if (scan_accept(s, '!')) k->absolute = true;
  }
  if (scan_keyword(s, "win")) {
    k->has_window = true;
    k->window = scan_u32(s);
  }
  if (scan_keyword(s, "urg")) k->urgent = (uint16_t)scan_u32(s);
  if (scan_peek(s, '<')) parse_options(s, k);
  parse_datagram(s, k);
}

static void parse_udp(struct drill_scan *s, struct drill_packet *k)
{
  k->kind = DRILL_UDP;
  if (scan_digit(s)) parse_ports(s, k);
  scan_expect(s, '(');
  k->len = scan_u32(s);
  if (scan_accept(s, ',')) scan_needs(s, "checksum control of UDP-Lite");
  scan_expect(s, ')');
  if (!s->failed && k->len > 65507) scan_fail(s, "%u bytes are more than a datagram holds", k->len);
}

/* "[1:1001(1000)]", "[udp (100)]", "[raw (10)]": the packet that an ICMP error is about. */
static void parse_quoted(struct drill_scan *s, struct drill_packet *k)
{
  scan_expect(s, '[');
  if (scan_keyword(s, "udp")) {
    k->quoted = DRILL_UDP + 1;
    scan_expect(s, '(');
    k->quoted_len = scan_u32(s);
    scan_expect(s, ')');
  } else if (scan_keyword(s, "raw") || scan_keyword(s, "sctp") || scan_keyword(s, "udplite")) {
    scan_needs(s, "an ICMP error about neither TCP nor UDP");
  } else {
    k->quoted = DRILL_TCP + 1;
    parse_sequence(s, &k->quoted_seq, &k->quoted_len, true);
  }
  parse_datagram(s, k);
  scan_expect(s, ']');
}

static bool quote_comes(struct drill_scan *s)
{
  struct drill_scan ahead = *s;
  return scan_accept(&ahead, '[') && (scan_digit(&ahead) || scan_keyword(&ahead, "udp"));
}

static void parse_icmp(struct drill_scan *s, struct drill_packet *k)
{
  k->kind = DRILL_ICMP;
  k->icmp_type = scan_word(s);
  if (k->icmp_type == NULL) scan_fail(s, "which ICMP message?");
  for (;;) {
    if (scan_keyword(s, "mtu"))
      k->mtu = scan_integer(s);
    else if (scan_keyword(s, "id"))
      k->id = scan_integer(s);
    else if (k->icmp_code == NULL && !scan_at_end(s) && isalpha((unsigned char)*s->p))
      k->icmp_code = scan_word(s);
    else
      break;
  }
  if (scan_peek(s, '['))
    parse_quoted(s, k);
  else if (scan_accept(s, '(')) {
    k->len = scan_u32(s);
    scan_expect(s, ')');
  }
}

/* What else may stand before the transport header, and is nowhere here. */
static void refuse_encapsulation(struct drill_scan *s)
{
  if (scan_keyword(s, "ipv4") || scan_keyword(s, "ipv6")) scan_needs(s, "IP in IP");
  if (scan_keyword(s, "gre")) scan_needs(s, "GRE");
  if (scan_keyword(s, "mpls")) scan_needs(s, "MPLS");
  if (scan_keyword(s, "sctp")) scan_needs(s, "SCTP");
  if (scan_keyword(s, "udplite")) scan_needs(s, "UDP-Lite");
  if (scan_keyword(s, "encap") || scan_keyword(s, "psp")) scan_needs(s, "PSP");
}

struct drill_packet *parse_packet(struct drill_scan *s)
{
  struct drill_packet *k = drill_alloc(&s->script->arena, sizeof *k);
  k->tos = k->dscp = k->ecn = k->ttl = k->flow_label = -1;
  k->mtu = k->id = -1;
  k->out = scan_accept(s, '>');
  if (!k->out) scan_expect(s, '<');
  refuse_encapsulation(s);
  if (quote_comes(s)) /* the old place, before "icmp" */
    parse_quoted(s, k);
  else if (scan_peek(s, '(') || scan_peek(s, '['))
    parse_ip_info(s, k);
  refuse_encapsulation(s);
  if (scan_keyword(s, "udp"))
    parse_udp(s, k);
  else if (scan_keyword(s, "icmp"))
    parse_icmp(s, k);
  else if (!s->failed)
    parse_tcp(s, k);
  return k;
}
