#include "tcp_script.h"

#include <ctype.h>
#include <stdio.h>

#include <yeon/link.h>

#include "wire/checksum.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

enum script_kind script_kinds[3] = {SCRIPT_IPV4, SCRIPT_IPV6, SCRIPT_GSO};

static void *counted_alloc(void *ctx, size_t size)
{
  struct script *s = ctx;
  s->allocations++;
  if (s->refuse_at != 0 && (s->refuse_one ? s->allocations == s->refuse_at : s->allocations >= s->refuse_at))
    return NULL;
  s->live_bytes += (int64_t)size;
  return malloc(size);
}

static void counted_free(void *ctx, void *p, size_t size)
{
  struct script *s = ctx;
  s->live_bytes -= (int64_t)size;
  free(p);
}

/* Neighbouring bytes differ, and bytes a segment apart do. */
uint8_t script_byte(uint32_t offset) { return (uint8_t)(offset * 7 + (offset >> 8) * 13 + 1); }

/* ---- the host ---- */

static const struct script_setup plain;

struct script *script_new(void **state, const struct script_setup *setup)
{
  struct script *s = calloc(1, sizeof *s);
  struct yeon_tcp_options options;
  struct yeon_host_config config;
  if (setup == NULL) setup = &plain;
  enum script_kind kind = *state != NULL ? *(enum script_kind *)*state : SCRIPT_IPV4;
  s->six = kind == SCRIPT_IPV6;
  s->gso = kind == SCRIPT_GSO;
  s->now = s->mark = 1000 * YEON_SEC;
  s->port = 80;
  s->peer_port = 4000;
  s->irs = IRS;
  s->win = setup->win != 0 ? setup->win : 65535;
  yeon_tcp_options_init(&options, setup->use_profile ? setup->profile : YEON_PROFILE_LECTURE);
  if (setup->tune != NULL) setup->tune(&options);
  yeon_host_config_init(&config);
  config.seed = 42;
  config.tcp = &options;
  config.memory = (struct yeon_memory){counted_alloc, counted_free, s};
  config.max_connections = setup->max_connections;
  config.max_half_open = setup->max_half_open;
  config.max_time_wait = setup->max_time_wait;
  config.max_buffer_bytes = setup->max_buffer_bytes;
  assert_int_equal(yeon_host_new(&s->host, &config, s->now), 0);
  s->mtu = setup->mtu != 0 ? setup->mtu : 1500;
  struct yeon_link_config link = {.name = "wire", .mtu = s->mtu};
  if (kind == SCRIPT_GSO) link.offload = YEON_LINK_GSO | YEON_LINK_CSUM;
  assert_int_equal(yeon_host_add_link(s->host, &link), 0);
  assert_int_equal(yeon_ip_parse(s->six ? "fd00::1" : "10.0.0.1", &s->local), 0);
  assert_int_equal(yeon_ip_parse(s->six ? "fd00::2" : "10.0.0.2", &s->remote), 0);
  s->mss = (uint16_t)(s->mtu - (s->six ? 60 : 40));
  assert_int_equal(yeon_host_add_addr(s->host, 0, &s->local, s->six ? 64 : 24), 0);
  script_advance(s, 5000); /* duplicate address detection and whatever else an address begins with */
  s->n_out = s->next_out = 0;
  return s;
}

void script_free(struct script *s)
{
  yeon_host_free(s->host);
  assert_int_equal(s->live_bytes, 0);
  free(s);
}

/* ---- what the host sends ---- */

static size_t ip_payload(struct script *s, const uint8_t *p, size_t len, struct script_out *o, uint8_t *protocol)
{
  if (s->six) {
    struct wire_ipv6 h;
    assert_int_equal(wire_ipv6_parse(p, len, len, &h), 0);
    *protocol = h.next_header;
    o->hop_limit = h.hop_limit;
    o->traffic_class = h.traffic_class;
    o->dont_fragment = true;
    return WIRE_IPV6_HEADER;
  }
  struct wire_ipv4 h;
  assert_int_equal(wire_ipv4_parse(p, len, len, &h), 0);
  *protocol = h.protocol;
  o->hop_limit = h.ttl;
  o->traffic_class = h.tos;
  o->dont_fragment = h.dont_fragment;
  return h.header_len;
}

static void check_stream(struct script *s, struct script_out *o, const uint8_t *payload)
{
  uint32_t from = (o->h.flags & YEON_TCP_SYN) != 0 ? 0 : o->h.seq - s->iss - 1;
  o->payload_ok = true;
  for (uint32_t i = 0; i < o->len; i++)
    if (payload[i] != script_byte(from + i)) o->payload_ok = false;
}

/* One packet as it stands on the wire. */
static void take_packet(void *ctx, const void *packet, size_t len)
{
  struct script *s = ctx;
  const uint8_t *bytes = packet;
  struct script_out *o = &s->out[s->n_out];
  uint8_t protocol;
  assert_true(len <= s->mtu);
  memset(o, 0, sizeof *o);
  size_t at = ip_payload(s, bytes, len, o, &protocol);
  if (protocol != WIRE_PROTO_TCP) return; /* neighbour discovery, group reports */
  assert_true(s->n_out + 1 < SCRIPT_QUEUE);
  uint64_t pseudo = wire_sum_pseudo(&s->local, &s->remote, WIRE_PROTO_TCP, (uint32_t)(len - at));
  assert_int_equal(wire_sum_finish(wire_sum(bytes + at, len - at, pseudo)), 0);
  assert_int_equal(wire_tcp_parse(bytes + at, len - at, &o->h), 0);
  o->len = (uint32_t)(len - at - o->h.header_len);
  o->at = s->now;
  if (o->h.has_ts) s->ts_echo = o->h.tsval;
  check_stream(s, o, bytes + at + o->h.header_len);
  s->n_out++;
}

static void take_frame(struct script *s, const struct yeon_frame *f)
{
  static uint8_t bytes[70000];
  if (f->segs > 1) s->super_segments++;
  if (f->csum == YEON_CSUM_PARTIAL) {
    assert_int_equal(yeon_frame_split(f, take_packet, s), 0);
    return;
  }
  size_t len = yeon_frame_copy(f, bytes, sizeof bytes);
  assert_true(len > 0 && f->segs <= 1);
  take_packet(s, bytes, len);
}

void script_pump(struct script *s)
{
  static struct yeon_frame frames[16];
  size_t n;
  if (s->next_out == s->n_out) s->next_out = s->n_out = 0;
  do {
    n = yeon_host_output(s->host, 0, frames, 16, s->now);
    for (size_t i = 0; i < n; i++) take_frame(s, &frames[i]);
  } while (n == 16);
}

static void run_until(struct script *s, yeon_time until, bool stop_at_output)
{
  unsigned rounds = 0;
  script_pump(s);
  for (;;) {
    yeon_time next = yeon_host_next(s->host);
    if (next > until || (stop_at_output && s->next_out < s->n_out)) break;
    if (next > s->now) s->now = next;
    script_pump(s);
    assert_true(++rounds < 1000000);
  }
  if (!stop_at_output || s->next_out == s->n_out) s->now = until;
}

void script_mark(struct script *s) { s->mark = s->now; }

void script_advance_us(struct script *s, int64_t us) { run_until(s, s->now + us * YEON_US, false); }

void script_advance(struct script *s, int64_t ms) { script_advance_us(s, ms * 1000); }

void script_drain(struct script *s)
{
  script_pump(s);
  s->next_out = s->n_out = 0;
}

/* ---- segments as text ---- */

static const char flag_letters[] = "FSRP.UECA";

struct spec {
  struct wire_tcp h;
  uint32_t len;
  bool has_ack, has_win, has_urg, has_mss, has_ws, has_sackok, has_ts, no_ts, has_push;
  bool any; /* options of a SYN are not compared */
  int codepoint; /* enum wire_ecn; -1: not said */
};

static const char *skip_space(const char *p)
{
  while (*p == ' ') p++;
  return p;
}

/* A number, possibly negative. */
static const char *number(const char *p, uint32_t *out)
{
  char *end;
  p = skip_space(p);
  long long v = strtoll(p, &end, 10);
  if (end == p) fail_msg("a number is wanted: \"%s\"", p);
  *out = (uint32_t)v;
  return end;
}

static const char *read_sacks(const char *p, struct wire_tcp *h)
{
  while ((*skip_space(p) == '-' || isdigit((unsigned char)*skip_space(p))) && h->n_sack < 4) {
    struct yeon_sack_block *b = &h->sack[h->n_sack++];
    p = number(p, &b->left);
    assert_int_equal(*p, '-');
    p = number(p + 1, &b->right);
  }
  return p;
}

static bool word(const char **p, const char *name)
{
  size_t n = strlen(name);
  if (strncmp(*p, name, n) != 0 || isalnum((unsigned char)(*p)[n])) return false;
  *p += n;
  return true;
}

/* Hexadecimal, or "-": none. */
static const char *read_cookie(const char *p, struct wire_tcp *h)
{
  unsigned byte;
  if (*p == '-') return p + 1;
  for (; sscanf(p, "%2x", &byte) == 1 && h->n_cookie < WIRE_TCP_COOKIE_MAX && isxdigit((unsigned char)*p); p += 2)
    h->cookie[h->n_cookie++] = (uint8_t)byte;
  return p;
}

static const char *read_field(const char *p, struct spec *out)
{
  uint32_t v;
  struct wire_tcp *h = &out->h;
  if (word(&p, "ack")) {
    out->has_ack = true;
    return number(p, &h->ack);
  }
  if (word(&p, "win") || word(&p, "urg") || word(&p, "mss") || word(&p, "ws")) {
    char which = p[-1];
    const char *end = number(p, &v);
    if (which == 'n') h->window = (uint16_t)v, out->has_win = true;
    if (which == 'g') h->urgent = (uint16_t)v, out->has_urg = true;
    if (which == 's' && p[-2] == 's') h->mss = (uint16_t)v, out->has_mss = true;
    if (which == 's' && p[-2] == 'w') h->wscale = (int8_t)v, out->has_ws = true;
    return end;
  }
  if (word(&p, "foexp") || word(&p, "fo")) {
    h->has_fastopen = true;
    h->fastopen_experimental = p[-1] == 'p';
    return read_cookie(skip_space(p), h);
  }
  if (word(&p, "uto")) {
    const char *end = number(p, &v);
    h->has_uto = true;
    h->user_timeout = (uint16_t)v;
    return end;
  }
  if (word(&p, "ts")) {
    h->has_ts = true; /* without numbers: expected, whatever it says */
    if (!isdigit((unsigned char)*skip_space(p))) return p;
    out->has_ts = true;
    return number(number(p, &h->tsval), &h->tsecr);
  }
  static const char *const codepoints[] = {"noecn", "ect1", "ect0", "ce"};
  for (int i = 0; i < 4; i++)
    if (word(&p, codepoints[i])) {
      out->codepoint = i;
      return p;
    }
  if (word(&p, "sackok"))
    out->has_sackok = h->sack_ok = true;
  else if (word(&p, "nots"))
    out->no_ts = true;
  else if (word(&p, "any"))
    out->any = true;
  else if (word(&p, "sack"))
    return read_sacks(p, h);
  else
    fail_msg("not a field: \"%s\"", p);
  return p;
}

static void parse(const char *text, struct spec *out)
{
  memset(out, 0, sizeof *out);
  wire_tcp_init(&out->h);
  out->codepoint = -1;
  const char *p = text;
  for (; *p != ' ' && *p != 0; p++) {
    const char *letter = strchr(flag_letters, *p);
    if (letter == NULL) fail_msg("not a flag: \"%s\"", p);
    if (*letter == 'A') out->h.ae = true;
    out->h.flags |= (uint8_t)(1u << (letter - flag_letters));
  }
  out->has_push = (out->h.flags & YEON_TCP_PSH) != 0;
  p = number(p, &out->h.seq);
  if (*p == '(') {
    p = number(p + 1, &out->len);
    p++;
  }
  for (p = skip_space(p); *p != 0; p = skip_space(p)) p = read_field(p, out);
}

static void format_segment(const struct script *s, const struct script_out *o, const struct spec *like, char *text,
                           size_t size)
{
  const struct wire_tcp *h = &o->h;
  size_t n = 0;
  bool syn = (h->flags & YEON_TCP_SYN) != 0;
#define PUT(...) (n += (size_t)snprintf(text + n, n < size ? size - n : 0, __VA_ARGS__))
  for (unsigned i = 0; i < 8; i++)
    if ((h->flags >> i & 1) != 0 && (i != 3 || like->has_push)) PUT("%c", flag_letters[i]);
  if (h->ae) PUT("A");
  PUT(" %d(%u)", (int)(h->seq - s->iss), o->len);
  if ((h->flags & YEON_TCP_ACK) != 0) PUT(" ack %d", (int)(h->ack - s->irs));
  if (like->has_win) PUT(" win %u", h->window);
  if ((h->flags & YEON_TCP_URG) != 0 || like->has_urg) PUT(" urg %u", h->urgent);
  if (syn && !like->any) {
    if (h->mss != 0) PUT(" mss %u", h->mss);
    if (h->wscale >= 0) PUT(" ws %d", h->wscale);
    if (h->sack_ok) PUT(" sackok");
    if (h->has_ts && !like->has_ts) PUT(" ts");
    if (h->has_fastopen) PUT(h->fastopen_experimental ? " foexp %s" : " fo %s", h->n_cookie == 0 ? "-" : "");
    for (unsigned i = 0; h->has_fastopen && i < h->n_cookie; i++) PUT("%02x", h->cookie[i]);
  }
  if (like->has_ts && h->has_ts) PUT(" ts %u %u", h->tsval, h->tsecr);
  if (like->no_ts) PUT(h->has_ts ? " ts" : " nots");
  if (h->n_sack > 0) PUT(" sack");
  for (unsigned i = 0; i < h->n_sack; i++)
    PUT(" %d-%d", (int)(h->sack[i].left - s->irs), (int)(h->sack[i].right - s->irs));
  static const char *const codepoints[] = {" noecn", " ect1", " ect0", " ce"};
  if (like->codepoint >= 0) PUT("%s", codepoints[o->traffic_class & 3]);
  if (!o->payload_ok) PUT(" WRONG-BYTES");
#undef PUT
}

/* The same way of writing for what is expected. */
static void format_expected(const struct script *s, const char *spec, char *text, size_t size, struct spec *like)
{
  parse(spec, like);
  struct script_out o = {.h = like->h, .len = like->len, .payload_ok = true};
  o.traffic_class = like->codepoint > 0 ? (uint8_t)like->codepoint : 0;
  o.h.seq += s->iss;
  o.h.ack += s->irs;
  for (unsigned i = 0; i < o.h.n_sack; i++) {
    o.h.sack[i].left += s->irs;
    o.h.sack[i].right += s->irs;
  }
  format_segment(s, &o, like, text, size);
}

static void compare(struct script *s, const char *spec, const char *file, int line)
{
  char want[512], got[512];
  struct spec like;
  format_expected(s, spec, want, sizeof want, &like);
  if (s->next_out == s->n_out) {
    print_error("expected: %s\n     got: nothing\n", want);
    _fail(file, line);
    return;
  }
  const struct script_out *o = &s->out[s->next_out++];
  if (like.has_ts && like.h.tsval == 0) { /* "ts 0 E": the value is the host's affair */
    struct script_out shown = *o;
    shown.h.tsval = 0;
    format_segment(s, &shown, &like, got, sizeof got);
  } else {
    format_segment(s, o, &like, got, sizeof got);
  }
  if (strcmp(want, got) == 0) return;
  print_error("expected: %s\n     got: %s   (%+.3f ms after the mark)\n", want, got, (double)(o->at - s->mark) / 1e6);
  _fail(file, line);
}

void script_expect(struct script *s, const char *file, int line, const char *format, ...)
{
  char spec[512];
  va_list args;
  va_start(args, format);
  vsnprintf(spec, sizeof spec, format, args);
  va_end(args);
  script_pump(s);
  compare(s, spec, file, line);
}

void script_expect_at(struct script *s, const char *file, int line, int64_t ms, const char *format, ...)
{
  char spec[512];
  va_list args;
  va_start(args, format);
  vsnprintf(spec, sizeof spec, format, args);
  va_end(args);
  yeon_time due = s->mark + ms * YEON_MS;
  yeon_time late = (due - s->mark) / 100000 + YEON_MS; /* round trips of a microsecond add up when doubled */
  run_until(s, due + late, true);
  if (s->next_out < s->n_out && s->out[s->next_out].at < due) {
    print_error("expected %lld ms after the mark: %s\nat %.3f ms came:\n", (long long)ms, spec,
                (double)(s->out[s->next_out].at - s->mark) / 1e6);
    compare(s, spec, file, line);
    _fail(file, line);
  }
  compare(s, spec, file, line);
}

void script_expect_nothing(struct script *s, const char *file, int line)
{
  char got[512];
  const struct spec like = {.has_win = true};
  script_pump(s);
  if (s->next_out == s->n_out) return;
  format_segment(s, &s->out[s->next_out], &like, got, sizeof got);
  print_error("expected: nothing\n     got: %s   (%+.3f ms after the mark)\n", got,
              (double)(s->out[s->next_out].at - s->mark) / 1e6);
  _fail(file, line);
}

/* ---- what the peer sends ---- */

static size_t ip_header(struct script *s, uint8_t *packet, uint8_t protocol, uint8_t codepoint, size_t len)
{
  if (s->six) {
    struct wire_ipv6 h = {
        .src = s->remote, .dst = s->local, .payload_len = (uint16_t)len, .next_header = protocol, .hop_limit = 64, .traffic_class = codepoint};
    return wire_ipv6_emit(&h, packet);
  }
  struct wire_ipv4 h = {
      .src = s->remote, .dst = s->local, .total_len = (uint16_t)(20 + len), .id = 1, .ttl = 64, .protocol = protocol, .tos = codepoint};
  return wire_ipv4_emit(&h, packet);
}

static uint32_t peer_clock(const struct script *s) { return (uint32_t)(s->now / YEON_MS) + s->ts_add; }

/* Relative numbers become absolute; what the peer says by itself is added. */
static void complete(const struct script *s, struct spec *spec)
{
  struct wire_tcp *h = &spec->h;
  h->seq += s->irs;
  if ((h->flags & YEON_TCP_ACK) != 0) h->ack += s->iss;
  h->src_port = s->peer_port;
  h->dst_port = s->port;
  if (!spec->has_win) h->window = s->win;
  if (s->ts && !spec->has_ts && !spec->no_ts && (h->flags & YEON_TCP_RST) == 0) {
    h->has_ts = true;
    h->tsval = peer_clock(s);
    h->tsecr = (h->flags & YEON_TCP_ACK) != 0 ? s->ts_echo : 0;
  }
  for (unsigned i = 0; i < h->n_sack; i++) {
    h->sack[i].left += s->iss;
    h->sack[i].right += s->iss;
  }
}

size_t script_packet(struct script *s, const char *text, uint8_t *packet)
{
  struct spec spec;
  parse(text, &spec);
  uint32_t from = spec.h.seq + ((spec.h.flags & YEON_TCP_SYN) != 0) - 1;
  complete(s, &spec);
  size_t len = wire_tcp_size(&spec.h) + spec.len;
  size_t at = ip_header(s, packet, WIRE_PROTO_TCP, spec.codepoint > 0 ? (uint8_t)spec.codepoint : 0, len);
  uint8_t *payload = packet + at + wire_tcp_emit(&spec.h, packet + at);
  for (uint32_t i = 0; i < spec.len; i++) payload[i] = script_byte(from + i);
  uint64_t pseudo = wire_sum_pseudo(&s->remote, &s->local, WIRE_PROTO_TCP, (uint32_t)len);
  wire_put16(packet + at + 16, wire_sum_finish(wire_sum(packet + at, len, pseudo)));
  return at + len;
}

void script_raw(struct script *s, const uint8_t *packet, size_t len)
{
  struct yeon_frame f;
  yeon_frame_from_bytes(&f, packet, len);
  yeon_host_input(s->host, 0, &f, 1, s->now);
  script_pump(s);
}

void script_in(struct script *s, const char *format, ...)
{
  static uint8_t packet[SCRIPT_PAYLOAD + 100];
  char text[512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  script_raw(s, packet, script_packet(s, text, packet));
}

/* The quoted packet: the host's, cut after eight bytes of TCP. */
static size_t quote(struct script *s, uint32_t seq, uint8_t *p)
{
  size_t at;
  if (s->six) {
    struct wire_ipv6 h = {
        .src = s->local, .dst = s->remote, .payload_len = 1000, .next_header = WIRE_PROTO_TCP, .hop_limit = 64};
    at = wire_ipv6_emit(&h, p);
  } else {
    struct wire_ipv4 h = {.src = s->local,
                          .dst = s->remote,
                          .total_len = 1020,
                          .ttl = 64,
                          .protocol = WIRE_PROTO_TCP,
                          .dont_fragment = true};
    at = wire_ipv4_emit(&h, p);
  }
  memset(p + at, 0, 20);
  wire_put16(p + at, s->port);
  wire_put16(p + at + 2, s->peer_port);
  wire_put32(p + at + 4, s->iss + seq);
  return at + (s->six ? 20 : 8);
}

void script_icmp(struct script *s, uint8_t type, uint8_t code, uint32_t mtu, uint32_t seq)
{
  uint8_t packet[200], quoted[100];
  size_t n = quote(s, seq, quoted), at;
  struct wire_icmp h = {.type = type, .code = code, .mtu = mtu};
  at = ip_header(s, packet, s->six ? WIRE_PROTO_ICMPV6 : WIRE_PROTO_ICMP, 0, 8 + n);
  if (s->six)
    wire_icmp6_emit(&h, packet + at);
  else
    wire_icmp4_emit(&h, packet + at);
  memcpy(packet + at + 8, quoted, n);
  if (s->six)
    wire_icmp6_finish(packet + at, 8 + n, &s->remote, &s->local);
  else
    wire_icmp4_finish(packet + at, 8 + n);
  script_raw(s, packet, at + 8 + n);
}

/* ---- the application ---- */

int64_t script_send_flags(struct script *s, uint32_t len, unsigned flags)
{
  uint8_t *bytes = malloc(len + 1);
  for (uint32_t i = 0; i < len; i++) bytes[i] = script_byte(s->wrote + i);
  int64_t n = yeon_tcp_send(s->tcp, bytes, len, flags, s->now);
  free(bytes);
  if (n > 0) s->wrote += (uint32_t)n;
  script_pump(s);
  return n;
}

int64_t script_send(struct script *s, uint32_t len) { return script_send_flags(s, len, 0); }

int64_t script_recv(struct script *s, uint32_t size)
{
  uint8_t *bytes = malloc(size + 1);
  int64_t n = yeon_tcp_recv(s->tcp, bytes, size, 0, s->now);
  for (int64_t i = 0; i < n; i++) assert_int_equal(bytes[i], script_byte(s->read + (uint32_t)i));
  free(bytes);
  if (n > 0) s->read += (uint32_t)n;
  script_pump(s);
  return n;
}

void script_shutdown(struct script *s, unsigned how)
{
  assert_int_equal(yeon_tcp_shutdown(s->tcp, how, s->now), 0);
  script_pump(s);
}

void script_close(struct script *s)
{
  yeon_tcp_close(s->tcp, s->now);
  s->tcp = NULL;
  script_pump(s);
}

void script_abort(struct script *s)
{
  yeon_tcp_abort(s->tcp, s->now);
  s->tcp = NULL;
  script_pump(s);
}

void script_set(struct script *s, enum yeon_tcp_option option, int64_t value)
{
  assert_int_equal(yeon_tcp_set(s->tcp, option, value, s->now), 0);
  script_pump(s);
}

uint32_t script_events(struct script *s, const struct yeon_tcp *tcp)
{
  struct yeon_ready r;
  uint32_t events = 0;
  while (yeon_host_event(s->host, &r))
    if (r.tcp == tcp) events |= r.events;
  return events;
}

const struct yeon_counters *script_counters(const struct script *s) { return yeon_host_counters(s->host); }

struct yeon_tcp_info script_info(const struct script *s)
{
  struct yeon_tcp_info info;
  yeon_tcp_info(s->tcp, &info);
  return info;
}

struct yeon_host_usage script_usage(const struct script *s)
{
  struct yeon_host_usage u;
  yeon_host_usage(s->host, &u);
  return u;
}

/* ---- handshakes ---- */

void script_learn(struct script *s)
{
  script_pump(s);
  assert_true(s->next_out < s->n_out);
  const struct wire_tcp *h = &s->out[s->next_out].h;
  assert_true((h->flags & YEON_TCP_SYN) != 0);
  s->iss = h->seq;
  s->port = h->src_port;
}

void script_listen(struct script *s, unsigned backlog)
{
  struct yeon_addr local = {.ip = s->local, .port = s->port};
  assert_int_equal(yeon_tcp_open(s->host, &s->listener), 0);
  assert_int_equal(yeon_tcp_set(s->listener, YEON_TCP_REUSEADDR, 1, s->now), 0);
  assert_int_equal(yeon_tcp_bind(s->listener, &local, s->now), 0);
  assert_int_equal(yeon_tcp_listen(s->listener, backlog, s->now), 0);
}

int script_connect(struct script *s)
{
  struct yeon_addr remote = {.ip = s->remote, .port = s->peer_port};
  if (s->tcp == NULL) assert_int_equal(yeon_tcp_open(s->host, &s->tcp), 0);
  int error = yeon_tcp_connect(s->tcp, &remote, s->now);
  script_pump(s);
  if (error == 0) script_learn(s);
  return error;
}

static void syn_options(const struct script_setup *setup, char *text, size_t size)
{
  char ws[16] = "";
  if (setup->ws != 0) snprintf(ws, sizeof ws, " ws %u", setup->ws - 1u);
  snprintf(text, size, "mss %u%s%s", setup->mss != 0 ? setup->mss : 1000, ws, setup->sack ? " sackok" : "");
}

static void begin_ts(struct script *s, const struct script_setup *setup) { s->ts = setup->ts; }

void script_accept(struct script *s, const struct script_setup *setup)
{
  char options[64];
  if (setup == NULL) setup = &plain;
  syn_options(setup, options, sizeof options);
  begin_ts(s, setup);
  in("S 0 %s", options);
  script_learn(s);
  out("S. 0 ack 1 any");
  in(". 1 ack 1");
  nothing();
  assert_int_equal(yeon_tcp_accept(s->listener, &s->tcp, s->now), 0);
  (void)script_events(s, NULL);
}

struct script *script_connected(void **state, const struct script_setup *setup)
{
  if (setup == NULL) setup = &plain;
  struct script *s = script_new(state, setup);
  char options[64];
  if (setup->passive) {
    script_listen(s, 16);
    script_accept(s, setup);
  } else {
    assert_int_equal(script_connect(s), 0);
    out("S 0 any");
    syn_options(setup, options, sizeof options);
    begin_ts(s, setup);
    in("S. 0 ack 1 %s", options);
    out(". 1 ack 1");
  }
  nothing();
  state_is("ESTABLISHED");
  (void)script_events(s, NULL);
  return s;
}
