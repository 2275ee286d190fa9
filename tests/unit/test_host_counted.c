/* No frame goes without a trace: whatever is wrong with it, and whatever state its connection is in, it has an effect, or the counter of some cause
 * rises. That it came (frames_in, tcp_in ...) is no cause. */
#include <stdio.h>

#include "pair.h"
#include "wire/tcp.h"

static uint64_t causes(const struct pair *p)
{
  const struct yeon_counters *c = count_of(p, 1);
  uint64_t sum = 0;
#define ADD(name) sum += c->name;
  YEON_COUNTERS(ADD)
#undef ADD
  sum -= c->frames_in + c->bytes_in + c->frames_out + c->bytes_out + c->frag_in + c->frag_out;
  return sum - (c->icmp_in + c->icmp_out + c->tcp_in + c->tcp_out + c->udp_in + c->udp_out);
}

/* ---- Headers: a good frame, and one field of it wrong in turn. ---- */

enum fix { FIX_NOTHING, FIX_IP4 = 1, FIX_ICMP4 = 2, FIX_UDP4 = 4, FIX_TCP4 = 8, FIX_ICMP6 = 16 };

struct wrong {
  const char *what, *base; /* name of the good frame */
  int at;                  /* byte of the packet (of the frame when negative: -1 is its first) */
  uint8_t value;
  unsigned fix; /* checksums to be right again */
};

/* clang-format off */
static const struct wrong wrongs[] = {
  {"destination MAC", "udp4", -1, 0x0a, 0}, {"EtherType", "udp4", -13, 0x90, 0}, {"EtherType says IPv6", "udp4", -13, 0x86, 0},
  {"version", "udp4", 0, 0x55, 0}, {"IHL too small", "udp4", 0, 0x44, 0}, {"IHL too large", "udp4", 0, 0x4f, 0},
  {"total length too large", "udp4", 2, 0xff, FIX_IP4}, {"total length too small", "udp4", 3, 19, FIX_IP4},
  {"total length cuts the UDP header", "udp4", 3, 25, FIX_IP4}, {"header checksum", "udp4", 10, 0x12, 0},
  {"a fragment of odd length", "udp4", 6, 0x20, FIX_IP4}, {"a fragment beyond the end", "udp4", 6, 0x3f, FIX_IP4},
  {"unknown protocol", "udp4", 9, 200, FIX_IP4}, {"loopback source", "udp4", 12, 127, FIX_IP4}, {"zero network", "udp4", 12, 0, FIX_IP4},
  {"multicast source", "udp4", 12, 224, FIX_IP4}, {"our own source", "udp4", 15, 2, FIX_IP4}, {"class E source", "udp4", 12, 250, FIX_IP4},
  {"other destination", "udp4", 19, 77, FIX_IP4}, {"loopback destination", "udp4", 16, 127, FIX_IP4}, {"a group nobody joined", "udp4", 16, 224, FIX_IP4},
  {"UDP length too large", "udp4", 25, 0xee, 0}, {"UDP length too small", "udp4", 25, 7, 0}, {"UDP checksum", "udp4", 26, 0x77, 0},
  {"closed UDP port", "udp4", 23, 99, FIX_UDP4}, {"source port 0 is no error, the closed port is", "udp4", 23, 98, FIX_UDP4},
  {"ICMP checksum", "echo4", 22, 0x77, 0}, {"unknown ICMP type", "echo4", 20, 77, FIX_ICMP4}, {"echo reply nobody wants", "echo4", 20, 0, FIX_ICMP4},
  {"redirect", "echo4", 20, 5, FIX_ICMP4}, {"source quench", "echo4", 20, 4, FIX_ICMP4}, {"unreachable about nothing", "echo4", 20, 3, FIX_ICMP4},
  {"time exceeded about nothing", "echo4", 20, 11, FIX_ICMP4},
  {"data offset too small", "tcp4", 32, 0x40, FIX_TCP4}, {"data offset too large", "tcp4", 32, 0xf0, FIX_TCP4}, {"TCP checksum", "tcp4", 36, 0x77, 0},
  {"no flags, to a listener", "tcp4", 33, 0, FIX_TCP4}, {"RST to a listener", "tcp4", 33, 4, FIX_TCP4}, {"ACK to a listener", "tcp4", 33, 16, FIX_TCP4},
  {"FIN to a listener", "tcp4", 33, 1, FIX_TCP4}, {"SYN to no listener", "tcp4", 23, 99, FIX_TCP4},
  {"version", "udp6", 0, 0x50, 0}, {"payload length too large", "udp6", 4, 0x7f, 0}, {"payload length cuts the UDP header", "udp6", 5, 3, 0},
  {"unknown next header", "udp6", 6, 200, 0}, {"hop-by-hop that is none", "udp6", 6, 0, 0}, {"routing that is none", "udp6", 6, 43, 0},
  {"fragment that is none", "udp6", 6, 44, 0}, {"destination options that are none", "udp6", 6, 60, 0}, {"no next header", "udp6", 6, 59, 0},
  {"multicast source", "udp6", 8, 0xff, 0}, {"our own source", "udp6", 23, 2, 0}, {"other destination", "udp6", 39, 0x77, 0},
  {"a group nobody joined", "udp6", 24, 0xff, 0}, {"UDP length", "udp6", 44, 0xee, 0}, {"UDP checksum", "udp6", 46, 0x77, 0},
  {"UDP without checksum", "nosum6", 8, 0xfd, 0},
  {"ICMPv6 checksum", "echo6", 42, 0x77, 0}, {"unknown ICMPv6 type", "echo6", 40, 200, FIX_ICMP6}, {"unknown ICMPv6 error", "echo6", 40, 100, FIX_ICMP6},
  {"echo reply nobody wants", "echo6", 40, 129, FIX_ICMP6}, {"unreachable about nothing", "echo6", 40, 1, FIX_ICMP6}, {"redirect", "echo6", 40, 137, FIX_ICMP6},
  {"router solicitation", "echo6", 40, 133, FIX_ICMP6}, {"router advertisement from afar", "echo6", 40, 134, FIX_ICMP6},
  {"neighbour solicitation from afar", "echo6", 40, 135, FIX_ICMP6}, {"neighbour advertisement from afar", "echo6", 40, 136, FIX_ICMP6},
  {"hardware type", "arp", 1, 6, 0}, {"protocol type", "arp", 2, 9, 0}, {"hardware length", "arp", 4, 5, 0}, {"operation", "arp", 7, 9, 0},
  {"about somebody else", "arp", 27, 77, 0}, {"our own address claimed", "arp", 17, 2, 0}, {"an answer nobody asked for", "arp", 7, 2, 0},
  {"multicast MAC claimed", "arp", 8, 3, 0},
};
/* clang-format on */

static void fix_icmp6(uint8_t *q, size_t len)
{
  struct yeon_ip s, d;
  memcpy(s.b, q + 8, 16);
  memcpy(d.b, q + 24, 16);
  wire_icmp6_finish(q + 40, len - 40, &s, &d);
}

static void fix_transport4(uint8_t *q, size_t len, uint8_t protocol, unsigned field)
{
  struct yeon_ip s = yeon_ip4(q[12], q[13], q[14], q[15]), d = yeon_ip4(q[16], q[17], q[18], q[19]);
  uint32_t n = (uint32_t)len - 20;
  wire_put16(q + 20 + field, 0);
  wire_put16(q + 20 + field, wire_sum_finish(wire_sum(q + 20, n, wire_sum_pseudo(&s, &d, protocol, n))));
}

static void repair(uint8_t *q, size_t len, unsigned fix)
{
  if (fix & FIX_ICMP4) wire_icmp4_finish(q + 20, len - 20);
  if (fix & FIX_UDP4) fix_transport4(q, len, 17, 6);
  if (fix & FIX_TCP4) fix_transport4(q, len, 6, 16);
  if (fix & FIX_ICMP6) fix_icmp6(q, len);
  if (!(fix & FIX_IP4)) return;
  wire_put16(q + 10, 0);
  wire_put16(q + 10, wire_sum_finish(wire_sum(q, 20, 0)));
}

static size_t make_arp(uint8_t *q)
{
  struct wire_arp a = {.op = WIRE_ARP_REQUEST, .sender_ip = yeon_ip4(10, 0, 0, 1), .target_ip = yeon_ip4(10, 0, 0, 2)};
  memcpy(a.sender_mac, pair_mac(0), 6);
  wire_arp_emit(&a, q);
  return WIRE_ARP_LEN;
}

static size_t make_tcp(uint8_t *q, const char *src, const char *dst, struct wire_tcp *h, size_t payload)
{
  uint8_t t[80 + 16] = {0};
  struct yeon_ip s = pair_ip(src), d = pair_ip(dst);
  size_t len = wire_tcp_emit(h, t) + payload;
  wire_put16(t + 16, 0);
  wire_put16(t + 16, wire_sum_finish(wire_sum(t, len, wire_sum_pseudo(&s, &d, 6, (uint32_t)len))));
  return make_packet(q, src, dst, 6, t, len);
}

static size_t good_packet(const char *base, uint8_t *q)
{
  uint8_t t[64] = {0};
  const char *from = strchr(base, '6') ? "fd00::1" : "10.0.0.1", *to = strchr(base, '6') ? "fd00::2" : "10.0.0.2";
  bool six = strchr(base, '6') != NULL;
  if (strcmp(base, "arp") == 0) return make_arp(q);
  if (strncmp(base, "echo", 4) == 0) return make_packet(q, from, to, six ? 58 : 1, t, make_echo(t, from, to, "ping", 4));
  if (strcmp(base, "tcp4") == 0) {
    struct wire_tcp h;
    wire_tcp_init(&h);
    h.src_port = 1000;
    h.dst_port = 80;
    h.seq = 77;
    h.flags = YEON_TCP_SYN;
    return make_tcp(q, from, to, &h, 0);
  }
  size_t n = make_udp(t, from, to, 6, 5, "abcde", 5);
  if (strcmp(base, "nosum6") == 0) wire_put16(t + 6, 0);
  return make_packet(q, from, to, 17, t, n);
}

static struct yeon_tcp *listen_at(struct pair *p, uint16_t port)
{
  struct yeon_tcp *l;
  struct yeon_addr any = pair_addr("[::]:80");
  any.port = port;
  assert_int_equal(yeon_tcp_open(p->host[1], &l), 0);
  assert_int_equal(yeon_tcp_bind(l, &any, p->now), 0);
  assert_int_equal(yeon_tcp_listen(l, 4, p->now), 0);
  return l;
}

/* As a whole, and with its field wrong: the difference in causes. */
static uint64_t put_frame(const struct wrong *w, bool broken)
{
  uint8_t q[256], f[300];
  struct pair *p = pair_open(true, 1500);
  pair_run(p, p->now + 3 * YEON_SEC);
  (void)listen_at(p, 80);
  assert_non_null(open_udp(p->host[1], "[::]:5"));
  size_t len = good_packet(w->base, q);
  if (broken && w->at >= 0) {
    q[w->at] = w->value;
    repair(q, len, w->fix);
  }
  uint16_t type = strcmp(w->base, "arp") == 0 ? WIRE_ETH_ARP : strchr(w->base, '6') ? WIRE_ETH_IPV6 : WIRE_ETH_IPV4;
  len = make_frame(f, pair_mac(1), pair_mac(0), type, q, len);
  if (broken && w->at < 0) f[-w->at - 1] = w->value;
  uint64_t before = causes(p);
  pair_inject(p, 1, f, len);
  uint64_t rose = causes(p) - before;
  pair_close(p);
  return rose;
}

static void every_wrong_field_is_counted(void **state)
{
  (void)state;
  unsigned silent = 0;
  for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
    const struct wrong *w = &wrongs[i];
    bool bad_anyway = strcmp(w->base, "nosum6") == 0;
    if (!bad_anyway && put_frame(w, false) != 0) fail_msg("%s: a good frame is counted as bad", w->base);
    if (put_frame(w, true) != 0) continue;
    print_error("%s: %s: not counted\n", w->base, w->what);
    silent++;
  }
  assert_int_equal(silent, 0);
}

/* RFC 815: the same fragment twice. */
static void repeated_fragments_are_counted(void **state)
{
  (void)state;
  struct pair *p = pair_open(false, 1500);
  uint8_t q[64], data[16] = {0};
  size_t len = make_packet(q, "10.0.0.1", "10.0.0.2", 17, data, 16);
  q[6] = 0x20;
  repair(q, len, FIX_IP4);
  pair_inject(p, 1, q, len);
  assert_int_equal(causes(p), 0);
  pair_inject(p, 1, q, len);
  assert_int_equal(count_of(p, 1)->frag_duplicate, 1);
  assert_int_equal(causes(p), 1);
  pair_close(p);
}

/* Not frames at all, and frames of no link. */
static void impossible_frames_are_counted(void **state)
{
  (void)state;
  struct pair *p = pair_open(false, 1500);
  struct yeon_frame f;
  uint8_t q[64];
  yeon_frame_from_bytes(&f, q, good_packet("echo4", q));
  const uint16_t slices[] = {0, YEON_FRAME_SLICES + 1, 0xffff};
  for (unsigned i = 0; i < 3; i++) {
    f.n_slices = slices[i];
    yeon_host_input(p->host[1], 0, &f, 1, p->now);
    assert_int_equal(count_of(p, 1)->drop_frame, i + 1);
  }
  f.n_slices = 1;
  yeon_host_input(p->host[1], 1, &f, 1, p->now);
  yeon_host_input(p->host[1], 1000, &f, 1, p->now);
  assert_int_equal(count_of(p, 1)->drop_frame, 5);
  assert_int_equal(count_of(p, 1)->frames_in, 5);
  f.slice[0].len = 0;
  yeon_host_input(p->host[1], 0, &f, 1, p->now);
  assert_int_equal(count_of(p, 1)->drop_ip_short, 1);
  pair_close(p);
}

/* ---- TCP: every state, and every kind of segment. The peer, 10.0.0.9:900, is made by hand. ---- */

enum place {
  AT_CLOSED, AT_LISTEN, AT_SYN_SENT, AT_HALF_OPEN, AT_SIMULTANEOUS, AT_ESTABLISHED, AT_FIN_WAIT_1, AT_FIN_WAIT_2, AT_CLOSE_WAIT, AT_CLOSING,
  AT_LAST_ACK, AT_TIME_WAIT, AT_TIME_WAIT_RECORD, PLACES
};
static const char *const place_names[PLACES] = {"CLOSED", "LISTEN", "SYN-SENT", "half open", "simultaneous open", "ESTABLISHED", "FIN-WAIT-1",
  "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT", "TIME-WAIT record"};

#define PEER_ISS 1000000u

struct scene {
  struct pair *p;
  struct yeon_tcp *c;
  uint32_t iss, rcv_nxt, snd_una, snd_nxt;
};

static void segment(struct scene *s, uint8_t flags, uint32_t seq, uint32_t ack, size_t len)
{
  uint8_t q[200];
  struct wire_tcp h;
  wire_tcp_init(&h);
  h.src_port = 900;
  h.dst_port = 80;
  h.seq = seq;
  h.ack = flags & YEON_TCP_ACK ? ack : 0;
  h.flags = flags;
  h.window = 60000;
  if (flags & YEON_TCP_SYN) h.mss = 1460;
  pair_inject(s->p, 1, q, make_tcp(q, "10.0.0.9", "10.0.0.2", &h, len));
}

/* The sequence number of what the host says next. */
static uint32_t heard(struct scene *s)
{
  struct yeon_frame f;
  uint8_t q[2000];
  uint32_t seq = 0;
  while (yeon_host_output(s->p->host[1], 0, &f, 1, s->p->now)) {
    assert_true(yeon_frame_copy(&f, q, sizeof q) >= 40);
    seq = wire_get32(q + 24);
  }
  return seq;
}

static void open_actively(struct scene *s)
{
  struct yeon_addr own = pair_addr("10.0.0.2:80"), peer = pair_addr("10.0.0.9:900");
  assert_int_equal(yeon_tcp_open(s->p->host[1], &s->c), 0);
  assert_int_equal(yeon_tcp_bind(s->c, &own, s->p->now), 0);
  assert_int_equal(yeon_tcp_connect(s->c, &peer, s->p->now), 0);
  s->iss = s->snd_una = heard(s);
  s->snd_nxt = s->iss + 1;
  s->rcv_nxt = PEER_ISS;
}

static void finish_opening(struct scene *s)
{
  segment(s, YEON_TCP_SYN | YEON_TCP_ACK, PEER_ISS, s->iss + 1, 0);
  (void)heard(s);
  s->rcv_nxt = PEER_ISS + 1;
  s->snd_una = s->snd_nxt = s->iss + 1;
}

static void close_here(struct scene *s)
{
  assert_int_equal(yeon_tcp_shutdown(s->c, YEON_SHUT_WR, s->p->now), 0);
  (void)heard(s);
  s->snd_nxt++;
}

static void fin(struct scene *s, uint32_t ack)
{
  segment(s, YEON_TCP_FIN | YEON_TCP_ACK, s->rcv_nxt++, ack, 0);
  (void)heard(s);
}

static void go_on(struct scene *s, enum place place)
{
  if (place == AT_CLOSE_WAIT || place == AT_LAST_ACK) fin(s, s->snd_nxt);
  if (place == AT_ESTABLISHED || place == AT_CLOSE_WAIT) return;
  close_here(s);
  if (place == AT_CLOSING) fin(s, s->snd_una);
  if (place == AT_FIN_WAIT_2 || place == AT_TIME_WAIT || place == AT_TIME_WAIT_RECORD) {
    segment(s, YEON_TCP_ACK, s->rcv_nxt, s->snd_nxt, 0);
    s->snd_una = s->snd_nxt;
  }
  if (place == AT_TIME_WAIT || place == AT_TIME_WAIT_RECORD) fin(s, s->snd_nxt);
  if (place == AT_TIME_WAIT_RECORD) yeon_tcp_close(s->c, s->p->now);
}

static void set_up(struct scene *s, enum place place, const struct yeon_host_config *config)
{
  memset(s, 0, sizeof *s);
  s->p = pair_open_with(false, 1500, 0, config);
  s->rcv_nxt = PEER_ISS;
  if (place == AT_CLOSED) return;
  if (place == AT_LISTEN || place == AT_HALF_OPEN) {
    (void)listen_at(s->p, 80);
    if (place == AT_LISTEN) return;
    segment(s, YEON_TCP_SYN, PEER_ISS, 0, 0);
    s->iss = s->snd_una = heard(s);
    s->rcv_nxt++;
    s->snd_nxt = s->iss + 1;
    return;
  }
  open_actively(s);
  if (place == AT_SYN_SENT) return;
  if (place == AT_SIMULTANEOUS) {
    segment(s, YEON_TCP_SYN, PEER_ISS, 0, 0);
    (void)heard(s);
    s->rcv_nxt++;
    return;
  }
  finish_opening(s);
  go_on(s, place);
}

/* Everything an observer can ask of the host's connections. */
struct view {
  struct yeon_tcp_info info;
  unsigned n;
};

static bool look(void *ctx, const struct yeon_tcp_info *info, struct yeon_tcp *tcp)
{
  struct view *v = ctx;
  (void)tcp;
  v->n++;
  if (info->state == YEON_TCP_LISTEN) return true;
  v->info = *info;
  v->info.segs_in = 0;
  return true;
}

static void take_view(const struct scene *s, struct view *v)
{
  memset(v, 0, sizeof *v);
  yeon_tcp_each(s->p->host[1], look, v);
}

static bool leaves_trace(enum place place, const struct yeon_host_config *config, uint8_t flags, int seq_by, int ack_by, size_t len)
{
  struct scene s;
  struct view before, after;
  set_up(&s, place, config);
  take_view(&s, &before);
  uint64_t counted = causes(s.p);
  segment(&s, flags, s.rcv_nxt + (uint32_t)seq_by, s.snd_una + (uint32_t)ack_by, len);
  take_view(&s, &after);
  bool trace = causes(s.p) != counted || memcmp(&before, &after, sizeof before) != 0;
  pair_close(s.p);
  return trace;
}

/* Acceptable, and says what is known: the one kind that needs no count. */
static bool says_nothing(enum place place, uint8_t flags, int seq_by, size_t len)
{
  return place >= AT_ESTABLISHED && flags == YEON_TCP_ACK && len == 0 && seq_by >= 0;
}

static unsigned silent_segments(enum place place, const struct yeon_host_config *config)
{
  static const int seqs[] = {0, -1, 10, -70000, 2000000}, acks[] = {0, 1, -1, 1000, -2000000};
  unsigned silent = 0;
  for (uint8_t flags = 0; flags < 0x20; flags++)
    for (unsigned i = 0; i < 5 * 5 * 2; i++) {
      int seq_by = seqs[i % 5], ack_by = acks[i / 5 % 5];
      size_t len = i / 25 * 3;
      if ((flags & YEON_TCP_PSH) || (!(flags & YEON_TCP_ACK) && ack_by != 0)) continue;
      if (says_nothing(place, flags, seq_by, len) || leaves_trace(place, config, flags, seq_by, ack_by, len)) continue;
      if (silent++ < 8)
        print_error("%s: flags %02x, seq %+d, ack %+d, %zu bytes: not counted\n", place_names[place], flags, seq_by, ack_by, len);
    }
  return silent;
}

static void every_segment_is_counted(enum yeon_profile profile)
{
  struct yeon_host_config c;
  struct yeon_tcp_options o;
  unsigned silent = 0;
  yeon_host_config_init(&c);
  yeon_tcp_options_init(&o, profile);
  c.tcp = &o;
  for (enum place place = 0; place < PLACES; place++) silent += silent_segments(place, &c);
  assert_int_equal(silent, 0);
}

static void every_segment_is_counted_as_linux(void **state)
{
  (void)state;
  every_segment_is_counted(YEON_PROFILE_LINUX);
}

static void every_segment_is_counted_as_freebsd(void **state)
{
  (void)state;
  every_segment_is_counted(YEON_PROFILE_FREEBSD);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_wrong_field_is_counted),        cmocka_unit_test(repeated_fragments_are_counted),
      cmocka_unit_test(impossible_frames_are_counted),       cmocka_unit_test(every_segment_is_counted_as_linux),
      cmocka_unit_test(every_segment_is_counted_as_freebsd),
  };
  return cmocka_run_group_tests_name("host_counted", tests, NULL, NULL);
}
