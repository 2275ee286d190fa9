/* Two hosts and a hostile network between them, as the input says: its first bytes choose the link, the limits and the memory, each
 * further group of bytes is one step: frames are moved, lost, repeated, altered, cut into odd pieces or made up (segments aimed at a
 * connection's numbers, ICMP errors about what was sent, fragments), endpoints are opened, used and misused, memory is refused, time
 * jumps. What must hold whatever happens:
 *   - no sanitizer complains, no assert fails, all memory comes back;
 *   - the hosts come to rest: no frame storm at one instant, no timer that stays due;
 *   - what is read was written, in order and without a gap, as long as no segment was altered or made up;
 *   - after everything is closed and some time has passed nothing is left but listeners' and hosts' own memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yeon/host.h>
#include <yeon/tcp.h>
#include <yeon/udp.h>

#include "fuzz.h"
#include "wire/checksum.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/tcp.h"

#define ENDS 8 /* TCP endpoints a host's program holds */
#define DGRAMS 3
#define STORED 16
#define FRAME_MAX 66000
#define REST_ROUNDS 20000 /* frames and wake-ups at one instant until we call it a storm */

/* Links, families, frames moved: Ethernet, a handshake, bytes, a close, then a limit of one. */
/* clang-format off */
const unsigned fuzz_mutations = 2500;
const char *const fuzz_seeds[] = {
    "000000" "0900" "0800" "00" "0a00" "0b00ff" "00" "0c0100" "0d0002" "00" "0e01" "0e00" "00" "0735",
    "010000" "0900" "0800" "00" "0a00" "0b01ff" "010102" "0510020304" "0611" "00" "0c0100" "0736" "00",
    "020101" "0900" "0800" "00" "0a00" "0b00ff" "0400" "0307080910" "0b00ff" "00" "0733" "00" "0f00",
    "031020" "12000102" "120104" "00" "1202" "00" "1301" "0b00ff" "0734" "00" "1502" "160102" "1700112233",
    "042211" "0900" "0801" "00" "0a00" "0b10ff" "020003" "0735" "0b10ff" "0735" "00" "110102" "1000ff",
    "0f33ff" "0900" "0800" "0800" "0800" "0800" "00" "0511020304" "0512050607" "0513080900" "00" "0737" "00",
    NULL,
};
/* clang-format on */

#define CHECK(condition)                                                                                               \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                                   \
      abort();                                                                                                         \
    }                                                                                                                  \
  } while (0)

struct stored {
  uint8_t *bytes;
  size_t len;
  struct yeon_frame meta; /* slices are not kept */
  int to;
  yeon_time at;
};

struct end {
  struct yeon_tcp *tcp;
  uint64_t wrote, read;
};

struct world {
  const uint8_t *p, *limit; /* of the input */
  struct yeon_host *host[2];
  struct end end[2][ENDS];
  struct yeon_udp *udp[2][DGRAMS];
  struct stored stored[STORED];
  unsigned n_stored;
  yeon_time now;
  bool ethernet, six, altered;
  int refuse;   /* allocations still refused */
  int64_t held; /* bytes, of both hosts */
};

static uint8_t next(struct world *w) { return w->p < w->limit ? *w->p++ : 0; }
static uint16_t next16(struct world *w)
{
  unsigned high = next(w);
  return (uint16_t)(high << 8 | next(w));
}

static void *take(void *ctx, size_t size)
{
  struct world *w = ctx;
  if (w->refuse > 0 && w->refuse--) return NULL;
  w->held += (int64_t)size;
  return malloc(size);
}

static void give(void *ctx, void *p, size_t size)
{
  struct world *w = ctx;
  if (p) w->held -= (int64_t)size;
  free(p);
}

/* The i-th byte that the owner of this port sends on a connection. */
static uint8_t pattern(uint16_t port, uint64_t i) { return (uint8_t)((i * 31 + (i >> 8) * 7 + port) & 0xff); }

static struct yeon_addr address(const struct world *w, int side, uint16_t port)
{
  struct yeon_addr a = {.ip = yeon_ip4(10, 0, 0, (uint8_t)(1 + side)), .port = port};
  if (w->six) (void)yeon_ip_parse(side ? "fd00::2" : "fd00::1", &a.ip);
  return a;
}

/* ---- Frames ---- */

/* Hands a frame over in pieces that each lie in memory of their exact size. */
static void hand_over(struct world *w, int to, const uint8_t *bytes, size_t len, const struct yeon_frame *meta,
                      uint8_t pieces)
{
  struct yeon_frame f = *meta;
  size_t at = 0, n = 1 + pieces % YEON_FRAME_SLICES;
  uint8_t *copy[YEON_FRAME_SLICES];
  for (size_t i = 0; i < n; i++) {
    size_t part = i + 1 == n ? len - at : (size_t)(pieces * (i + 3) * 7 % 61);
    if (part > len - at) part = len - at;
    copy[i] = malloc(part ? part : 1);
    if (!copy[i]) abort();
    if (part) memcpy(copy[i], bytes + at, part);
    f.slice[i] = (struct yeon_slice){copy[i], part};
    at += part;
  }
  f.n_slices = (uint16_t)n;
  f.len = (uint32_t)len;
  yeon_host_input(w->host[to], 0, &f, 1, w->now);
  for (size_t i = 0; i < n; i++) free(copy[i]);
}

static void store(struct world *w, int to, const uint8_t *bytes, size_t len, const struct yeon_frame *meta)
{
  struct stored *s = &w->stored[w->n_stored++ % STORED];
  free(s->bytes);
  *s = (struct stored){.bytes = malloc(len ? len : 1), .len = len, .meta = *meta, .to = to, .at = w->now};
  if (!s->bytes) abort();
  if (len) memcpy(s->bytes, bytes, len);
}

/* Takes one frame from a host; its bytes are in `out`. */
static size_t take_frame(struct world *w, int from, uint8_t *out, struct yeon_frame *meta)
{
  if (yeon_host_output(w->host[from], 0, meta, 1, w->now) == 0) return 0;
  size_t len = yeon_frame_copy(meta, out, FRAME_MAX);
  CHECK(len > 0 && len == meta->len);
  return len;
}

static uint8_t scratch[FRAME_MAX]; /* one at a time */

static bool move_one(struct world *w, int from, uint8_t pieces)
{
  struct yeon_frame meta;
  size_t len = take_frame(w, from, scratch, &meta);
  if (len == 0) return false;
  store(w, !from, scratch, len, &meta);
  hand_over(w, !from, scratch, len, &meta, pieces);
  return true;
}

/* Links that were added on the way lead nowhere; what is sent there must be taken, or the host asks for ever to be called. */
static bool drain_others(struct world *w, int side)
{
  struct yeon_frame f;
  bool any = false;
  for (unsigned link = 1; link < YEON_HOST_LINKS; link++)
    while (yeon_host_output(w->host[side], link, &f, 1, w->now)) any = true;
  return any;
}

static void pump(struct world *w, uint8_t pieces)
{
  for (int i = 0; i < REST_ROUNDS; i++) {
    bool any = move_one(w, 0, pieces);
    any |= move_one(w, 1, pieces);
    any |= drain_others(w, 0);
    any |= drain_others(w, 1);
    if (!any) return;
  }
  CHECK(w == NULL); /* the hosts do not come to rest */
}

/* Time passes to `until`, and the hosts are woken when they want; at most `most` times. */
static void run_until(struct world *w, yeon_time until, int most)
{
  pump(w, 0);
  for (int still = 0; w->now < until && most-- > 0; pump(w, 0)) {
    yeon_time a = yeon_host_next(w->host[0]), b = yeon_host_next(w->host[1]), at = a < b ? a : b;
    still = at > w->now ? 0 : still + 1;
    CHECK(still < 100);
    if (at > w->now) w->now = at < until ? at : until;
  }
  if (w->now < until) w->now = until;
}

/* ---- Alterations ---- */

static size_t ip_at(const struct world *w) { return w->ethernet ? 14 : 0; }

/* Makes the checksums right again, so that the change gets past them. */
static void mend(const struct world *w, uint8_t *b, size_t len)
{
  size_t at = ip_at(w);
  if (len < at + 60) return;
  uint8_t *ip = b + at;
  bool four = ip[0] >> 4 == 4;
  size_t head = four ? (size_t)(ip[0] & 15) * 4 : 40, rest = len - at;
  if (head < 20 || rest < head + 20) return;
  struct yeon_ip src, dst;
  uint8_t protocol = four ? ip[9] : ip[6];
  if (four) {
    ip[10] = ip[11] = 0;
    wire_put16(ip + 10, wire_sum_finish(wire_sum(ip, head, 0)));
    src = wire_ip4_get(ip + 12);
    dst = wire_ip4_get(ip + 16);
    rest = wire_get16(ip + 2) <= rest && wire_get16(ip + 2) > head + 20 ? wire_get16(ip + 2) : rest;
  } else {
    memcpy(src.b, ip + 8, 16);
    memcpy(dst.b, ip + 24, 16);
  }
  size_t field = protocol == 6 ? 16 : protocol == 17 ? 6 : 2;
  uint32_t n = (uint32_t)(rest - head);
  ip[head + field] = ip[head + field + 1] = 0;
  uint64_t pseudo = protocol == 1 ? 0 : wire_sum_pseudo(&src, &dst, protocol, n);
  wire_put16(ip + head + field, wire_sum_finish(wire_sum(ip + head, n, pseudo)));
}

static size_t alter(struct world *w, uint8_t *b, size_t len, struct yeon_frame *meta)
{
  static const uint8_t values[] = {0,    1,    2,    4,    5,    6,    8,    0x10, 0x11,
                                   0x2b, 0x2c, 0x3a, 0x3c, 0x45, 0x7f, 0x80, 0xfe, 0xff};
  uint8_t how = next(w);
  for (int n = how % 4; n >= 0; n--) {
    uint16_t where = next16(w);
    size_t span = len < 120 ? len : 120;
    if (len == 0) break;
    switch (where >> 13) {
    case 0: b[where % span] ^= (uint8_t)(1u << (where >> 8 & 7)); break;
    case 1: b[where % span] = next(w); break;
    case 2: b[where % span] = values[next(w) % sizeof values]; break;
    case 3: len = where % len; break;
    case 4: memmove(b + where % span, b + next(w) % span, 4 < len - span ? 4 : 0); break;
    case 5: meta->csum = (uint8_t)(where % 4); break;
    case 6: meta->segs = (uint8_t)where, meta->gso_size = next16(w); break;
    default: meta->csum_start = next16(w), meta->csum_offset = next16(w), meta->l3_offset = next16(w); break;
    }
  }
  if (how & 0x10) mend(w, b, len);
  if (how & 0x20) meta->csum = YEON_CSUM_VALID;
  w->altered = true;
  return len;
}

static void move_altered(struct world *w, int from)
{
  struct yeon_frame meta;
  size_t len = take_frame(w, from, scratch, &meta);
  if (len == 0) return;
  store(w, !from, scratch, len, &meta);
  len = alter(w, scratch, len, &meta);
  hand_over(w, !from, scratch, len, &meta, next(w));
}

static void repeat(struct world *w, uint8_t which)
{
  const struct stored *s = &w->stored[which % STORED];
  if (!s->bytes) return;
  if (w->now - s->at > 20 * YEON_SEC) w->altered = true; /* older than any network keeps a segment */
  struct yeon_frame meta = s->meta;
  size_t len = s->len;
  memcpy(scratch, s->bytes, len);
  if (which & 0x80) len = alter(w, scratch, len, &meta);
  hand_over(w, s->to, scratch, len, &meta, which & 0x40 ? next(w) : 0);
}

/* An IP packet around what stands at scratch + 100; handed to `to`. */
static void hand_packet(struct world *w, int to, uint8_t protocol, size_t len, const struct yeon_addr *src,
                        const struct yeon_addr *dst)
{
  static const uint8_t mac[2][6] = {{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}};
  bool four = yeon_ip_is4(&dst->ip);
  size_t head = four ? 20 : 40, eth = ip_at(w);
  uint8_t *ip = scratch + 100 - head, *frame = ip - eth;
  if (four) {
    struct wire_ipv4 h = {
        .src = src->ip, .dst = dst->ip, .total_len = (uint16_t)(20 + len), .ttl = 64, .protocol = protocol};
    wire_ipv4_emit(&h, ip);
  } else {
    struct wire_ipv6 h = {
        .src = src->ip, .dst = dst->ip, .payload_len = (uint16_t)len, .next_header = protocol, .hop_limit = 64};
    wire_ipv6_emit(&h, ip);
  }
  if (eth) {
    memcpy(frame, mac[to], 6);
    memcpy(frame + 6, mac[!to], 6);
    wire_put16(frame + 12, four ? 0x0800 : 0x86dd);
  }
  mend(w, frame, eth + head + len);
  struct yeon_frame meta;
  yeon_frame_from_bytes(&meta, frame, eth + head + len);
  meta.csum = YEON_CSUM_VALID;
  uint8_t *copy = malloc(eth + head + len);
  if (!copy) abort();
  memcpy(copy, frame, eth + head + len);
  hand_over(w, to, copy, eth + head + len, &meta, next(w));
  free(copy);
}

/* A segment made up, near what the connection (or listener) of an endpoint expects. */
static void forge_segment(struct world *w, uint8_t which)
{
  static const uint32_t offsets[] = {0,     1,           0xffffffffu, 2,           1000,    0xfffffc18u,
                                     65535, 0x7fffffffu, 0x80000000u, 0x80000001u, 1u << 20};
  int to = which & 1;
  struct yeon_tcp *tcp = w->end[to][which / 2 % ENDS].tcp;
  struct yeon_tcp_info i;
  struct yeon_addr src = address(w, !to, 4000), dst = address(w, to, 80);
  memset(&i, 0, sizeof i);
  if (tcp) yeon_tcp_info(tcp, &i);
  if (i.local.port) dst = i.local;
  if (i.remote.port) src = i.remote;
  if (yeon_ip_is_any(&dst.ip)) dst.ip = address(w, to, 0).ip;
  if (yeon_ip_is4(&dst.ip) != yeon_ip_is4(&src.ip)) src.ip = dst.ip = yeon_ip4(10, 0, 0, 9);
  struct wire_tcp h;
  wire_tcp_init(&h);
  uint8_t numbers = next(w), options = next(w);
  h.src_port = src.port;
  h.dst_port = dst.port;
  h.seq = i.rcv_nxt + offsets[(numbers & 15) % 11];
  h.ack = i.snd_nxt + offsets[(numbers >> 4) % 11];
  h.flags = next(w);
  h.window = options & 1 ? 0 : options & 2 ? 65535 : next16(w);
  h.urgent = options & 4 ? next16(w) : 0;
  if (options & 8) h.has_ts = true, h.tsval = (uint32_t)next16(w) << 16, h.tsecr = (uint32_t)next(w) << 24;
  if (h.flags & YEON_TCP_SYN)
    h.mss = (uint16_t)(options & 0x10 ? next16(w) : 0), h.wscale = (int8_t)(next(w) % 15), h.sack_ok = options & 0x20;
  for (; options & 0x40 && h.n_sack < 4; h.n_sack++)
    h.sack[h.n_sack] = (struct yeon_sack_block){i.snd_una + offsets[next(w) % 11], i.snd_nxt + offsets[next(w) % 11]};
  size_t len = wire_tcp_emit(&h, scratch + 100), extra = options & 0x80 ? next(w) * 8u : 0;
  memset(scratch + 100 + len, 0x5a, extra);
  w->altered = true;
  hand_packet(w, to, 6, len + extra, &src, &dst);
}

/* An ICMP error about a stored frame, to its sender. */
static void forge_error(struct world *w, uint8_t which)
{
  const struct stored *s = &w->stored[which % STORED];
  size_t at = ip_at(w);
  if (!s->bytes || s->len < at + 48) return;
  const uint8_t *ip = s->bytes + at;
  bool four = ip[0] >> 4 == 4;
  struct yeon_addr src = {{{0}}, 0}, dst = {{{0}}, 0};
  if (four)
    src.ip = wire_ip4_get(ip + 16), dst.ip = wire_ip4_get(ip + 12);
  else
    memcpy(src.ip.b, ip + 24, 16), memcpy(dst.ip.b, ip + 8, 16);
  size_t quote = s->len - at < 500 ? s->len - at : 500;
  uint8_t *m = scratch + 100;
  static const uint8_t types4[] = {3, 11, 12, 4, 5, 3, 0, 8}, types6[] = {1, 2, 3, 4, 2, 128, 137, 134};
  uint8_t kind = next(w);
  memset(m, 0, 8);
  m[0] = four ? types4[kind % 8] : types6[kind % 8];
  m[1] = kind >> 4;
  m[6] = next(w);
  m[7] = next(w);
  memcpy(m + 8, ip, quote);
  if (kind & 8) m[8 + next(w) % quote] ^= next(w);
  hand_packet(w, !s->to, four ? 1 : 58, 8 + quote - next(w) % 40, &src, &dst);
}

static void forge_bytes(struct world *w, uint8_t which)
{
  uint8_t *b = scratch + 100;
  size_t n = which * 3u;
  for (size_t i = 0; i < n; i++) b[i] = i < 48 ? next(w) : (uint8_t)(i * which);
  struct yeon_addr src = address(w, 0, 0), dst = address(w, 1, 0);
  w->altered = true;
  if (n > 0) hand_packet(w, 1, next(w), n, &src, &dst);
}

/* ---- Programs ---- */

static struct end *free_end(struct world *w, int side)
{
  for (int i = 0; i < ENDS; i++)
    if (!w->end[side][i].tcp) return &w->end[side][i];
  return NULL;
}

static void open_end(struct world *w, uint8_t a, bool listen)
{
  int side = listen ? 1 : a >> 7;
  struct end *e = free_end(w, side);
  struct yeon_addr to = address(w, !side, (uint16_t)(80 + a % 4)), any = {{{0}}, (uint16_t)(80 + a % 4)};
  if (!e || yeon_tcp_open(w->host[side], &e->tcp) < 0) return;
  e->wrote = e->read = 0;
  (void)yeon_tcp_set(e->tcp, YEON_TCP_OOBINLINE, 1, w->now);
  if (listen) {
    if (yeon_tcp_bind(e->tcp, &any, w->now) == 0) (void)yeon_tcp_listen(e->tcp, 1 + a % 5, w->now);
    return;
  }
  if (a & 4) any.port = (uint16_t)(80 + a % 3), (void)yeon_tcp_bind(e->tcp, &any, w->now); /* simultaneous opens */
  (void)yeon_tcp_connect(e->tcp, &to, w->now);
}

static void accept_all(struct world *w, uint8_t a)
{
  int side = 1 ^ (a & 1);
  for (int i = 0; i < ENDS; i++) {
    struct yeon_tcp *got;
    struct end *e = free_end(w, side);
    if (!e || !w->end[side][i].tcp || yeon_tcp_accept(w->end[side][i].tcp, &got, w->now) < 0) continue;
    *e = (struct end){.tcp = got};
  }
}

static void write_some(struct world *w, struct end *e, uint32_t len, uint8_t how)
{
  struct yeon_addr local;
  static uint8_t bytes[65536];
  yeon_tcp_local(e->tcp, &local);
  for (uint32_t i = 0; i < len; i++) bytes[i] = pattern(local.port, e->wrote + i);
  int64_t n = yeon_tcp_send(e->tcp, bytes, len, how & 3, w->now);
  CHECK(n <= (int64_t)len && n >= YEON_ERR_LAST);
  if (n > 0) e->wrote += (uint64_t)n;
}

static void read_some(struct world *w, struct end *e, uint32_t len, uint8_t how)
{
  struct yeon_addr remote;
  uint8_t *bytes = malloc(len ? len : 1);
  if (!bytes) abort();
  yeon_tcp_remote(e->tcp, &remote);
  int64_t n = yeon_tcp_recv(e->tcp, bytes, len, how & 7, w->now);
  CHECK(n <= (int64_t)len && n >= YEON_ERR_LAST);
  for (int64_t i = 0; i < n && !w->altered && (how & 2) == 0; i++)
    CHECK(bytes[i] == pattern(remote.port, e->read + (uint64_t)i));
  if (n > 0 && (how & 3) == 0) e->read += (uint64_t)n;
  free(bytes);
}

static void peek_some(struct world *w, struct end *e, uint8_t how)
{
  struct yeon_slice s[4];
  size_t n = yeon_tcp_peek_slices(e->tcp, s, how % 5), total = 0;
  CHECK(n <= how % 5u);
  for (size_t i = 0; i < n; i++) total += s[i].len;
  size_t eat = how & 0x80 ? total : how;
  if (yeon_tcp_consume(e->tcp, eat, w->now) == 0) e->read += eat;
}

static void end_step(struct world *w, uint8_t op, uint8_t a)
{
  struct end *e = &w->end[a & 1][a / 2 % ENDS];
  int64_t value = 0;
  if (!e->tcp) return;
  uint8_t b = next(w);
  switch (op) {
  case 0x0b: write_some(w, e, (uint32_t)b * b, a >> 6); break;
  case 0x0c: read_some(w, e, (uint32_t)b * b, a >> 5); break;
  case 0x0d: (void)yeon_tcp_shutdown(e->tcp, b, w->now); break;
  case 0x0e:
    yeon_tcp_close(e->tcp, w->now);
    e->tcp = NULL;
    break;
  case 0x0f:
    yeon_tcp_abort(e->tcp, w->now);
    e->tcp = NULL;
    break;
  case 0x10:
    value = (int64_t)((uint64_t)next16(w) << (b >> 5) * 6) - (b & 0x10 ? 1 : 0);
    if ((b & 31) == YEON_TCP_OOBINLINE) break;
    if (yeon_tcp_set(e->tcp, (enum yeon_tcp_option)(b & 31), value, w->now) == 0 && b % 2)
      (void)yeon_tcp_get(e->tcp, (enum yeon_tcp_option)(b & 31), &value);
    break;
  case 0x11: peek_some(w, e, b); break;
  default: break;
  }
}

/* Calls that make no sense, or only sometimes. */
static void misuse(struct world *w, uint8_t a)
{
  struct end *e = &w->end[a & 1][a / 2 % ENDS];
  struct yeon_addr to = address(w, next(w) & 1, next16(w)), got;
  struct yeon_tcp_info info;
  struct yeon_tcp *other;
  if (a & 0x10) to.ip.b[next(w) % 16] = next(w);
  if (!e->tcp) return;
  switch (a >> 5) {
  case 0: (void)yeon_tcp_bind(e->tcp, &to, w->now); break;
  case 1: (void)yeon_tcp_listen(e->tcp, next16(w) - 3u, w->now); break;
  case 2:
    if (yeon_tcp_connect(e->tcp, &to, w->now) == 0) e->wrote = e->read = 0;
    break;
  case 3:
    if (!free_end(w, a & 1)) break;
    if (yeon_tcp_accept(e->tcp, &other, w->now) == 0) *free_end(w, a & 1) = (struct end){.tcp = other};
    break;
  case 4: (void)yeon_tcp_take_error(e->tcp); break;
  case 5: yeon_tcp_info(e->tcp, &info); break;
  case 6: (void)yeon_tcp_ready(e->tcp); break;
  default: yeon_tcp_local(e->tcp, &got); break;
  }
}

static void datagram_step(struct world *w, uint8_t a)
{
  static const char *const groups[] = {"224.0.0.9",       "ff02::9",   "10.0.0.255",
                                       "255.255.255.255", "10.0.0.77", "fd00::77"};
  int side = a & 1;
  struct yeon_udp **u = &w->udp[side][a / 2 % DGRAMS];
  uint8_t b = next(w);
  struct yeon_addr to = address(w, b & 1, (uint16_t)(50 + b % 8)), any = {{{0}}, (uint16_t)(50 + b % 4)};
  static uint8_t bytes[66000];
  if (b & 0x80) (void)yeon_ip_parse(groups[b % 6], &to.ip);
  if (!*u) {
    if (yeon_udp_open(w->host[side], u) == 0)
      (void)yeon_udp_bind(*u, &any);
    else
      *u = NULL;
    return;
  }
  switch (a >> 4 & 7) {
  case 0: (void)yeon_udp_send(*u, bytes, (size_t)b * b, &to, w->now); break;
  case 1: (void)yeon_udp_send(*u, bytes, b, NULL, w->now); break;
  case 2: (void)yeon_udp_recv(*u, bytes, (size_t)b * b, &to, &any, NULL); break;
  case 3: (void)yeon_udp_connect(*u, b & 0x40 ? NULL : &to); break;
  case 4: (void)yeon_udp_set(*u, (enum yeon_udp_option)(b % 16), (int64_t)next16(w) << (b >> 4)); break;
  case 5: (void)yeon_udp_join(*u, b >> 6, &to.ip); break;
  case 6: (void)yeon_udp_leave(*u, b >> 6, &to.ip); break;
  default:
    yeon_udp_close(*u);
    *u = NULL;
    break;
  }
}

static void host_step(struct world *w, uint8_t a)
{
  struct yeon_host *h = w->host[a & 1];
  struct yeon_addr ip = address(w, a >> 1 & 1, 0), via = address(w, 0, 0);
  uint8_t b = next(w);
  struct yeon_ready r;
  struct yeon_link_config l = {
      .name = "extra", .ethernet = b & 1, .mtu = (uint16_t)(b << 8 | a), .offload = b & 3u, .mac = {2, 0, 0, 0, b, 9}};
  if (a & 4) ip.ip.b[15] = b;
  switch (a >> 3 & 15) {
  case 0: (void)yeon_host_add_addr(h, 0, &ip.ip, b); break;
  case 1: (void)yeon_host_del_addr(h, b & 1, &ip.ip); break;
  case 2: (void)yeon_host_add_route(h, &ip.ip, b, b & 1 ? &via.ip : NULL, b >> 6); break;
  case 3: (void)yeon_host_set_mtu(h, b & 1, (uint16_t)(b * 20)); break;
  case 4: (void)yeon_host_join_group(h, 0, &ip.ip); break;
  case 5: (void)yeon_host_leave_group(h, b, &ip.ip); break;
  case 6:
    if (b % 16 == 0) (void)yeon_host_add_link(h, &l);
    break;
  default:
    for (int i = 0; yeon_host_event(h, &r); i++) CHECK(i < 10000);
    break;
  }
}

static void pass_time(struct world *w, uint8_t a)
{
  static const yeon_time jump[] = {0,
                                   1,
                                   YEON_MS,
                                   40 * YEON_MS,
                                   200 * YEON_MS,
                                   YEON_SEC,
                                   10 * YEON_SEC,
                                   70 * YEON_SEC,
                                   3600 * YEON_SEC,
                                   365 * 86400 * YEON_SEC,
                                   -YEON_SEC,
                                   -1};
  yeon_time by = jump[(a & 15) % 12];
  if (by < 0) { /* a clock that goes back is taken as one that stands still */
    yeon_time now = w->now;
    w->now = now > -by ? now + by : 0;
    pump(w, 0);
    w->now = now;
  } else if (a & 0x10 || by > 70 * YEON_SEC)
    w->now += by; /* nobody called them meanwhile */
  else
    run_until(w, w->now + by, 2000);
}

static void step(struct world *w)
{
  uint8_t op = next(w) & 0x1f, a = op ? next(w) : 0;
  struct yeon_frame f;
  switch (op) {
  case 0x00: pump(w, 0); break;
  case 0x01: (void)move_one(w, a & 1, a); break;
  case 0x02: (void)take_frame(w, a & 1, scratch, &f); break;
  case 0x03: move_altered(w, a & 1); break;
  case 0x04: repeat(w, a); break;
  case 0x05:
  case 0x1a:
  case 0x1b:
  case 0x1c: forge_segment(w, a); break;
  case 0x06: forge_error(w, a); break;
  case 0x07: pass_time(w, a); break;
  case 0x08:
  case 0x09: open_end(w, a, op == 0x09); break;
  case 0x0a: accept_all(w, a); break;
  case 0x12:
  case 0x13: datagram_step(w, a); break;
  case 0x14: misuse(w, a); break;
  case 0x15: w->refuse = a % 16; break;
  case 0x16: host_step(w, a); break;
  case 0x17: forge_bytes(w, a); break;
  case 0x18: w->six = !w->six; break;
  case 0x19: pump(w, a); break;
  default: end_step(w, op >= 0x1d ? 0x0b + (op - 0x1d) : op, a); break;
  }
}

/* ---- Beginning and end ---- */

static int open_host(struct world *w, int side, uint8_t limits, uint8_t profile)
{
  struct yeon_host_config c;
  struct yeon_tcp_options o;
  yeon_host_config_init(&c);
  yeon_tcp_options_init(&o, (enum yeon_profile)(profile % YEON_PROFILES));
  o.cookies = profile & 0x10;
  o.probe_with_data ^= (profile & 0x20) != 0;
  o.timestamps ^= (profile & 0x40) != 0;
  o.sack ^= (profile & 0x80) != 0;
  c.tcp = &o;
  c.seed = (uint64_t)limits * 256u + (unsigned)side;
  c.id = (uint32_t)side;
  c.memory = (struct yeon_memory){take, give, w};
  if (limits & 1) c.max_connections = 2;
  if (limits & 2) c.max_half_open = 1;
  if (limits & 4) c.max_time_wait = 1;
  if (limits & 8) c.max_udp = 1;
  if (limits & 16) c.max_buffer_bytes = 4096;
  if (yeon_host_new(&w->host[side], &c, w->now) < 0) return -1;
  struct yeon_link_config l = {.name = "fuzz",
                               .ethernet = w->ethernet,
                               .mtu = limits & 32 ? 1280 : 1500,
                               .mac = {2, 0, 0, 0, 0, (uint8_t)(side + 1)}};
  if (limits & 64) l.offload = YEON_LINK_CSUM | YEON_LINK_GSO;
  struct yeon_ip four = yeon_ip4(10, 0, 0, (uint8_t)(side + 1)), sixth;
  if (yeon_host_add_link(w->host[side], &l) < 0 || yeon_host_add_addr(w->host[side], 0, &four, 24) < 0) return -1;
  return yeon_ip_parse(side ? "fd00::2" : "fd00::1", &sixth) < 0 ? -1
                                                                 : yeon_host_add_addr(w->host[side], 0, &sixth, 64);
}

static void close_all(struct world *w)
{
  for (int side = 0; side < 2; side++) {
    for (int i = 0; i < ENDS; i++)
      if (w->end[side][i].tcp) yeon_tcp_close(w->end[side][i].tcp, w->now);
    for (int i = 0; i < DGRAMS; i++)
      if (w->udp[side][i]) yeon_udp_close(w->udp[side][i]);
  }
}

/* Everything that was closed is gone in the end: connections time out, TIME-WAIT passes, fragments and neighbours give up. */
static void wait_and_see(struct world *w)
{
  w->refuse = 0;
  run_until(w, w->now + 2 * 3600 * YEON_SEC, 100000);
  for (int side = 0; side < 2; side++) {
    struct yeon_host_usage u;
    yeon_host_usage(w->host[side], &u);
    CHECK(u.connections == 0 && u.half_open == 0 && u.time_wait == 0 && u.listeners == 0 && u.udp == 0);
    CHECK(u.buffer_bytes == 0);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct world w;
  memset(&w, 0, sizeof w);
  w.p = data;
  w.limit = data + size;
  uint8_t kind = next(&w), limits = next(&w), profile = next(&w);
  w.ethernet = kind & 1;
  w.six = kind & 2;
  w.now =
      kind & 4 ? YEON_SEC : (yeon_time)4294967 * YEON_SEC + (kind >> 3) * YEON_MS; /* where millisecond clocks wrap */
  w.refuse = kind & 0x80 ? kind >> 3 & 15 : 0;
  int opened = open_host(&w, 0, limits, profile);
  w.refuse = 0;
  if (open_host(&w, 1, (uint8_t)(limits ^ (kind & 0x20 ? 0x1f : 0)), profile) == 0 && opened == 0) {
    run_until(&w, w.now + 3 * YEON_SEC, 1000);
    while (w.p < w.limit) step(&w);
    close_all(&w);
    wait_and_see(&w);
  }
  yeon_host_free(w.host[0]);
  yeon_host_free(w.host[1]);
  CHECK(w.held == 0);
  for (int i = 0; i < STORED; i++) free(w.stored[i].bytes);
  return 0;
}
