/* One real host on an IP link, in virtual time, against a peer that is nothing but hand-made segments. Segments are written as text, numbers
 * relative to the initial sequence numbers of whoever sent them:
 *
 *   FLAGS SEQ(LEN) [ack N] [win N] [urg N] [mss N] [ws N] [sackok] [ts VAL ECR] [nots] [sack L-R ...] [uto RAW] [fo HEX] [foexp HEX] [ce]
 *
 * FLAGS are letters of S F R P U E C A and . for ACK; noecn, ect1, ect0 and ce are codepoints of IP. "win" is the field as it stands on the wire. A peer that agreed timestamps puts them on
 * every segment by itself unless "nots" stands there.
 * A Fast Open option without a cookie is "fo -". Bytes on a SYN are the first of the stream.
 * Expected segments read alike; what they leave out of win, ts, mss, ws, sackok and P is not compared (but SYN options: see "any"). */
#ifndef TCP_SCRIPT_H
#define TCP_SCRIPT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <yeon/host.h>
#include <yeon/tcp.h>

#include "wire/tcp.h"

#define SCRIPT_QUEUE 4096
#define SCRIPT_PAYLOAD 65536
#define IRS 0xfffffe00u /* the peer's ISN: wraps early */

/* Every test runs over both families, and once more over a link that takes super-segments: cut up, they must be the same segments. */
enum script_kind { SCRIPT_IPV4, SCRIPT_IPV6, SCRIPT_GSO };
extern enum script_kind script_kinds[3];
#define BOTH(f)                                                                                                        \
  {#f "/4", f, NULL, NULL, &script_kinds[0]}, {#f "/6", f, NULL, NULL, &script_kinds[1]},                              \
  {                                                                                                                    \
#f "/gso", f, NULL, NULL, &script_kinds[2]                                                                         \
  }

struct script_out {
  struct wire_tcp h;
  uint32_t len;
  yeon_time at;
  bool payload_ok; /* the bytes are those of the stream's pattern */
  bool dont_fragment;
  uint8_t hop_limit, traffic_class;
};

/* How a script begins. Zero fields: the lecture profile; a peer with MSS 1000, no scale, no SACK, no timestamps, window 65535. */
struct script_setup {
  enum yeon_profile profile;
  bool use_profile; /* else lecture */
  void (*tune)(struct yeon_tcp_options *options);
  uint16_t mss; /* the peer's; 0: 1000 */
  uint16_t win; /* the peer's window field; 0: 65535 */
  uint8_t ws;   /* the peer's scale + 1; 0: none offered */
  bool sack, ts;
  uint16_t mtu; /* 0: 1500 */
  uint32_t max_connections, max_half_open, max_time_wait;
  uint64_t max_buffer_bytes;
  bool passive;
};

struct script {
  struct yeon_host *host;
  struct yeon_tcp *tcp, *listener; /* the endpoint under test */
  yeon_time now, mark;
  bool six, gso, ts;
  unsigned super_segments; /* frames that stood for several segments */
  uint16_t port, peer_port, mtu;
  uint16_t win; /* the peer's default window field */
  uint16_t mss; /* the host's announced MSS over this family and MTU */
  uint32_t iss, irs;
  uint32_t ts_echo;     /* newest TSval of the host */
  uint32_t ts_add;      /* added to the peer's clock */
  uint32_t wrote, read; /* stream bytes through the calls */
  struct yeon_ip local, remote;
  struct script_out out[SCRIPT_QUEUE];
  unsigned n_out, next_out;
  uint64_t allocations, refuse_at; /* refuse_at: this allocation and all later ones fail; 0: none */
  bool refuse_one;                 /* only that one fails */
  int64_t live_bytes;
};

struct script *script_new(void **state, const struct script_setup *setup);
/* Frees the host and checks that it gave back all its memory. */
void script_free(struct script *s);

/* An open connection, all of the handshake's segments checked and gone. */
struct script *script_connected(void **state, const struct script_setup *setup);
void script_listen(struct script *s, unsigned backlog);
/* Begins an active open; the SYN is left in the queue. */
int script_connect(struct script *s);
/* Learns ISS from the SYN or SYN-ACK at the head of the queue. */
void script_learn(struct script *s);
/* The peer's SYN, our SYN-ACK, its ACK, and accept. */
void script_accept(struct script *s, const struct script_setup *setup);

void script_in(struct script *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
void script_expect(struct script *s, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Runs until the segment leaves, which must be `ms` after the mark (to a millisecond and 10 ppm), and nothing before. */
void script_expect_at(struct script *s, const char *file, int line, int64_t ms, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
void script_expect_nothing(struct script *s, const char *file, int line);
#define in(...) script_in(s, __VA_ARGS__)
#define out(...) script_expect(s, __FILE__, __LINE__, __VA_ARGS__)
#define out_at(ms, ...) script_expect_at(s, __FILE__, __LINE__, ms, __VA_ARGS__)
#define nothing() script_expect_nothing(s, __FILE__, __LINE__)
#define state_is(name) assert_string_equal(s->tcp ? yeon_tcp_state_name(yeon_tcp_state(s->tcp)) : "none", name)

void script_mark(struct script *s);
/* Time passes; what the host sends meanwhile is queued. */
void script_advance(struct script *s, int64_t ms);
void script_advance_us(struct script *s, int64_t us);
void script_drain(struct script *s); /* forgets what is queued */
/* Takes what the host has to send now into the queue (all others do so by themselves). */
void script_pump(struct script *s);

/* The application. Bytes follow the stream's pattern, and are checked against it when read. */
int64_t script_send_flags(struct script *s, uint32_t len, unsigned flags);
int64_t script_send(struct script *s, uint32_t len);
int64_t script_recv(struct script *s, uint32_t size);
void script_shutdown(struct script *s, unsigned how);
void script_close(struct script *s); /* s->tcp becomes NULL */
void script_abort(struct script *s);
void script_set(struct script *s, enum yeon_tcp_option option, int64_t value);
/* Readiness reported for s->tcp (or the listener) since the last call. */
uint32_t script_events(struct script *s, const struct yeon_tcp *tcp);
const struct yeon_counters *script_counters(const struct script *s);
struct yeon_tcp_info script_info(const struct script *s);
struct yeon_host_usage script_usage(const struct script *s);
/* An ICMP error quoting the host's segment with sequence number seq (relative to ISS). type, code of the family at hand; mtu 0: none. */
void script_icmp(struct script *s, uint8_t type, uint8_t code, uint32_t mtu, uint32_t seq);
uint8_t script_byte(uint32_t offset);
/* The raw IP packet into the host. */
void script_raw(struct script *s, const uint8_t *packet, size_t len);
/* Makes the packet of a written segment; its length. */
size_t script_packet(struct script *s, const char *spec, uint8_t *packet);

#endif
