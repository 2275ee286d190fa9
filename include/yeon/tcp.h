/* yeon/tcp.h: TCP endpoints of a host (RFC 9293 and those it builds on). All calls are immediate: what would wait gives
 * YEON_ERR_AGAIN or YEON_ERR_IN_PROGRESS, and yeon_host_event reports when it can go on. */
#ifndef YEON_TCP_H
#define YEON_TCP_H

#include <yeon/base.h>
#include <yeon/congestion.h>
#include <yeon/event.h>
#include <yeon/host.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The order of options in a header, and what fills the gaps; all are right (RFC 9293 3.1), and each tells systems apart. */
enum yeon_tcp_option_layout {
  YEON_TCP_OPTIONS_ALIGNED, /* SYN: MSS, SACK permitted, timestamps, window scale, NOPs in front of them */
  YEON_TCP_OPTIONS_PACKED   /* SYN: MSS, window scale, SACK permitted, timestamps, zeroes at the end */
};

/* Path MTU discovery without ICMP (RFC 4821), numbered as Linux's net.ipv4.tcp_mtu_probing. */
enum yeon_mtu_probing {
  YEON_MTU_PROBING_OFF,
  YEON_MTU_PROBING_BLACK_HOLE, /* once time-outs look as if large segments were dropped in silence */
  YEON_MTU_PROBING_ALWAYS      /* and with every connection, for paths wider than was told */
};

/* TCP Fast Open (RFC 7413), numbered as Linux's net.ipv4.tcp_fastopen. */
#define YEON_FASTOPEN_CLIENT 0x001u           /* yeon_tcp_connect_send may put data on a SYN */
#define YEON_FASTOPEN_SERVER 0x002u           /* listeners that ask for it (YEON_TCP_FASTOPEN) may take data from a SYN */
#define YEON_FASTOPEN_CLIENT_NO_COOKIE 0x004u /* data goes on the SYN without a cookie: where both ends are known, say a data centre */
#define YEON_FASTOPEN_SERVER_NO_COOKIE 0x200u /* data is taken without one: anybody may then send it under any address */
#define YEON_FASTOPEN_ALL_LISTENERS 0x400u    /* every listener is as if YEON_TCP_FASTOPEN were set to its backlog */
#define YEON_FASTOPEN_BITS 0x607u

/* Explicit congestion notification: whether SYNs ask for it, and whether it is granted. Numbers as those of Linux's tcp_ecn. */
enum yeon_ecn {
  YEON_ECN_OFF,
  YEON_ECN_ON,                   /* classic (RFC 3168): asks, and grants */
  YEON_ECN_PASSIVE,              /* classic: grants */
  YEON_ECN_ACCURATE,             /* accurate feedback (RFC 9768): asks; grants either kind */
  YEON_ECN_ACCURATE_ASK_CLASSIC, /* grants either kind, asks for the classic one */
  YEON_ECN_ACCURATE_PASSIVE      /* grants either kind */
};
#define YEON_ECN_RETRIES_ALWAYS 255

/* When a segment carries the counters of accurate feedback in full (RFC 9768 3.2.3.3). */
enum yeon_accecn_option {
  YEON_ACCECN_OPTION_NEVER,
  YEON_ACCECN_OPTION_NEEDED, /* when one has changed, only those that ever have, and in the handshake */
  YEON_ACCECN_OPTION_ALWAYS  /* all of them, wherever they fit, once the peer has sent some: as Linux */
};

/* Everything about TCP that is a number or a choice. Chosen by profile, changed field by field, fixed when the host is made;
 * yeon_tcp_set overrides some of it for one endpoint. The profiles' values and their sources: src/tcp/profile.c. */
struct yeon_tcp_options {
  /* Retransmission (RFC 6298). Microseconds. */
  uint32_t rto_initial_us; /* before the first RTT sample; 1 ms .. 60 s */
  uint32_t rto_min_us;     /* floor of a computed RTO */
  uint32_t rto_max_us;     /* ceiling, after doubling too; RFC 6298 2.5 wants >= 60 s */
  uint32_t rto_slop_us;    /* added to every RTO, doubled or not, but for the very first: FreeBSD's allowance for late timers */
  uint8_t retries_syn;     /* SYN sent again this many times, then YEON_ERR_TIMED_OUT */
  uint8_t retries_syn_ack;
  uint8_t retries_data;     /* consecutive time-outs of one segment before the connection fails (R2, RFC 9293 3.8.3) */
  uint8_t retries_orphan;   /* likewise once the application has closed */
  uint32_t user_timeout_ms; /* 0: only the retry counts decide (RFC 9293 3.8.3) */
  /* Tell the peer, and go by what it tells (RFC 5482). Off in all profiles, as in the systems they stand for. */
  bool user_timeout_option;
  /* R2 as Linux counts it: the time that retries_data doublings from rto_min would take, from the first retransmission on, not a count. */
  bool linux_timeout;
  /* rto_min bounds the variance term, not the sum, as in Linux: rto = srtt + max(4 rttvar, rto_min). */
  bool rto_floor_on_variance;
  /* So many SYNs are sent again at the first interval, beyond retries_syn, before it doubles, unless by then as much time has passed as retries_syn doublings
   * would take; as Linux since 6.5. 0: it doubles from the first (RFC 6298 5.5). */
  uint8_t syn_linear;
  /* What acknowledges bytes never sent while connecting, and so is reset, makes the SYN go again 10 ms behind the reset, once, as Linux; false: with its
   * time-out (RFC 9293 3.10.7.3 has the reset alone). */
  bool syn_behind_reset;
  /* Window probes carry one new byte (RFC 9293 3.8.6.1); false: none, an old sequence number, as Linux. */
  bool probe_with_data;
  /* An acknowledgment without bytes that keeps the window closed begins the interval to the next probe anew, as in Linux; false: it goes on. */
  bool probe_from_ack;
  /* Once timestamps are agreed, a segment without them is dropped (RFC 7323 3.2, a SHOULD); false: taken, as Linux. */
  bool require_timestamps;
  /* While bytes are missing, PAWS goes by TS.Recent as it was before them: what is merely late is taken, also when a copy of another lost segment came
   * first and moved TS.Recent on. Old duplicates are refused as ever. false: such segments are dropped, as RFC 7323 5.3 and kernels have it. */
  bool paws_from_gap;
  /* A SYN-ACK that echoes a timestamp no SYN of this attempt had is not its answer, and is reset, as in Linux. */
  bool check_syn_echo;
  /* After YEON_SHUT_RD arriving bytes are still kept and can be read, as in Linux; false: acknowledged and thrown away. */
  bool shut_rd_keeps;
  /* Bytes for a connection whose application is gone are reset as if there were no connection, and the reset of an abort tells the window, as in
   * Linux; false: the reset stands at SND.NXT, and tells none. */
  bool linux_reset;
  /* PSH also at the ends of the trains that Linux hands its devices, and on copies of what was pushed; false: at the end of what was given alone. */
  bool linux_push;
  uint8_t train_segments_min; /* a train is no shorter where the windows allow it; 1..255 */
  /* A reset is an error in CLOSING and LAST-ACK too, as kernels have it; false: only if it loses bytes (RFC 9293 3.10.7.4). */
  bool late_reset_is_error;
  /* In CLOSE-WAIT, CLOSING and LAST-ACK a reset with the number of the peer's FIN ends the connection too, as in Linux; false: only one with the next
   * number (RFC 5961 3.2). */
  bool reset_after_fin;
  /* While connecting, every ICMP error ends the attempt with its error, as in Linux; false: the soft ones are told only when the retries are spent
   * (RFC 9293 3.9.2.2). */
  bool icmp_ends_connect;
  /* While connecting, any "unreachable" of a kind that will not pass is YEON_ERR_REFUSED, and a hop limit that ran out ends the attempt too, as in
   * FreeBSD; false: each its own error. */
  bool icmp_refuses;
  bool icmp_ignored; /* while connecting no ICMP error matters at all (FreeBSD can be told so: net.inet.tcp.icmp_may_rst) */
  /* Delayed acknowledgments (RFC 9293 3.8.6.3) */
  uint32_t delack_us;      /* less than 500 ms; 0: acknowledge at once */
  uint8_t delack_segments; /* acknowledge at least every n-th full-sized segment, 1 or 2 */
  bool delack_any_size;    /* segments of any size count as full-sized, as in FreeBSD */
  uint16_t quick_acks;     /* this many segments at the start of a connection are acknowledged at once */
  /* Keepalive (RFC 9293 3.8.4). Off unless an endpoint asks. Milliseconds. */
  uint32_t keepalive_idle_ms, keepalive_interval_ms;
  uint8_t keepalive_probes;
  /* Closing */
  uint32_t time_wait_ms;  /* 2 MSL */
  uint32_t fin_wait_2_ms; /* an orphan waits this long for the peer's FIN; 0: for ever */
  /* TIME-WAIT as in FreeBSD: a reset does not end it (RFC 1337 has why), what bears no acknowledgment is dropped, everything but a mere
   * duplicate is answered; false: as RFC 9293 3.10.7.4. */
  bool time_wait_bsd;
  bool time_wait_reuse;   /* an acceptable SYN ends TIME-WAIT early (RFC 6191; RFC 9293 3.6.1) */
  /* Windows and buffers. Bytes. */
  uint32_t rcvbuf, sndbuf;          /* initial limits */
  uint32_t rcvbuf_max, sndbuf_max;  /* automatic growth goes so far */
  bool first_window_whole;          /* a SYN's window is whole segments, and its scale goes by a buffer that was fixed, as in Linux */
  bool whole_segments;              /* a connection's limits are rounded up to whole segments, as in FreeBSD */
  bool mss_of_path;                 /* what is announced follows what is known of the path, too, as in Linux; false: the link alone (RFC 9293 3.7.1) */
  /* A segment that begins inside the window is taken whole, though it ends beyond, if nothing waits to be read; else it is dropped whole. As in
   * Linux; false: what lies beyond is cut off (RFC 9293 3.10.7.4). */
  bool takes_past_window;
  bool announce_path;               /* over IPv6 the MSS announced is bounded by the path's MTU too, as in FreeBSD; false: by the link's alone */
  uint16_t mss_max;                 /* announce and use at most this; 0: what the MTU allows */
  uint16_t initial_window_segments; /* 0: RFC 5681 3.1 by MSS; 10: RFC 6928 */
  /* The right edge moves with every acknowledgment that is sent, and closes when less than a segment is free, as in FreeBSD; false: only by a
   * worthwhile step (RFC 9293 3.8.6.2.2). */
  bool window_follows;
  /* Acknowledgments repeat a FIN that is not acknowledged yet, as in FreeBSD. */
  bool ack_repeats_fin;
  uint8_t option_layout;            /* enum yeon_tcp_option_layout */
  /* Congestion control */
  uint8_t congestion; /* enum yeon_congestion, for endpoints that do not choose */
  /* Where Linux departs from RFC 9438, 9406 and 5681, so do CUBIC and NewReno: the HyStart of 2008, at least 5 % growth a round trip before the first loss,
   * reductions of cwnd instead of the flight, cwnd halved for each RTO of idleness. docs/decisions/0012 has the why. */
  bool linux_congestion;
  bool pacing; /* segments are spread over the round trip; false: only for algorithms and endpoints that ask for it */
  uint16_t pacing_slow_start_percent, pacing_percent; /* of cwnd / srtt, in slow start and beyond; 100..1000 */
  /* RFC 7661: the window is kept through pauses and halved after every five minutes; restart_after_idle does not matter then. */
  bool cwnd_validation;
  /* Path MTU discovery by probing; off where path_mtu is. */
  uint8_t mtu_probing;           /* enum yeon_mtu_probing */
  uint8_t mtu_probe_threshold;   /* bytes: a search that has come so near rests, 1..255 */
  uint16_t base_mss;             /* what passes nearly everywhere: payload bytes of a segment in a black hole, 256..9000 */
  uint32_t mtu_probe_interval_s; /* a search rests so long; 1..604800 */
  /* TCP Fast Open (RFC 7413). Nothing happens unless an application asks: by yeon_tcp_connect_send, or by YEON_TCP_FASTOPEN on a listener. */
  uint16_t fastopen; /* YEON_FASTOPEN_* */
  /* Also the form that the option had while it was an experiment: taken by listeners, tried by clients where the other got no answer, as Linux. */
  bool fastopen_experimental;
  bool fastopen_cookie_of_client; /* cookies depend on the client's address alone, as FreeBSD's; false: on the server's too */
  bool fastopen_answer_early;     /* bytes that are ready when the SYN-ACK leaves go with it (RFC 7413 4.2.2) */
  /* After three time-outs in a row of a connection that tried it, the host's clients do without for so many seconds, doubling up to 64 times with
   * each further time; 0: never (as Linux since 5.14; 3600 before). */
  uint32_t fastopen_black_hole_s;
  /* A path that answered a try badly (no cookie, data not taken, nothing at all) is not tried again for so many seconds (RFC 7413 4.1.3.1); 0: it
   * is, as in Linux. */
  uint32_t fastopen_retry_s;

  /* Explicit congestion notification */
  uint8_t ecn;           /* enum yeon_ecn */
  uint8_t ecn_retries;   /* so many SYNs are sent again that ask for ECN, then without; YEON_ECN_RETRIES_ALWAYS: all, and no marks are doubted */
  uint8_t accecn_option; /* enum yeon_accecn_option */
  /* With accurate feedback and SACK agreed, everything but SYNs and resets is sent as ECN-capable (draft-ietf-tcpm-generalized-ecn, as Linux); false: new
   * data alone (RFC 3168 6.1.4 to 6.1.6). */
  bool ecn_everywhere;
  /* An orphan in FIN-WAIT-2 and a TIME-WAIT tell of marks no more, as in Linux, which keeps but a small record of them; false: as before the end. */
  bool ecn_leaves_orphans;
  /* When both open at once, the peer's SYN is granted ECN though ours did not ask for it, as in FreeBSD; false: not (RFC 3168 6.1.1). */
  bool ecn_crossing;
  bool abe; /* the window falls less for a mark than for a loss (RFC 8511) */
  /* Features */
  bool restart_after_idle;  /* the congestion window falls back after an RTO of idleness (RFC 5681 4.1) */
  bool fin_may_wait;        /* after bytes, the peer's FIN is acknowledged within the delay, as in Linux; false: at once */
  bool fin_ends_sack;       /* a FIN that is taken ends the telling of duplicates, as in Linux; false: they are told with its acknowledgment */
  bool keep_syn_text;       /* bytes on a SYN that crosses ours are kept until the handshake is done (RFC 9293 3.10.7.3); false: dropped, as Linux */
  bool drop_syn_ack;        /* a listener drops a SYN-ACK unanswered, as in FreeBSD; false: resets it (RFC 9293 3.10.7.2) */
  bool reset_as_bound;      /* what a closed, bound endpoint gets is reset with its hop limit and traffic class, as in FreeBSD */
  bool plain_late_syn;      /* from the third repetition on a SYN bears the MSS alone (FreeBSD can be told so) */
  bool drop_syn_fin;        /* segments with both flags are dropped unanswered (FreeBSD can be told to); false: RFC 9293 3.10.7 */
  bool window_scale, timestamps, sack, nagle, path_mtu, challenge_ack, cookies;
  uint32_t challenge_per_second;  /* host-wide limit of challenge ACKs (RFC 5961 section 7) */
  uint32_t ack_limit_us;          /* at least this between two answers to out-of-window segments of one connection */
  uint8_t dupthresh;              /* 3 (RFC 5681) */
  /* Loss recovery */
  bool rack;              /* losses are found by time (RFC 8985), where SACK is agreed; false: RFC 6675 */
  bool tlp;               /* tail loss probes (RFC 8985 7), where SACK is agreed */
  uint32_t tlp_delack_us; /* a probe of a single segment waits this much longer, for the peer may delay its acknowledgment; 0 .. 1 s */
  bool tlp_from_last;     /* the wait for a probe counts from the last segment sent; false: from the last acknowledgment, as Linux */
  bool prr;               /* proportional rate reduction (RFC 9937) */
  bool undo;              /* reductions that timestamps or DSACKs prove wrong are taken back (RFC 3522, RFC 4015) */
  bool frto;              /* spurious time-outs are found without timestamps too (RFC 5682) */
  bool rto_restart;       /* with few segments out the time-out counts from when the oldest left (RFC 7765) */
  uint8_t hop_limit;              /* 64 */
  uint16_t port_first, port_last; /* ephemeral range (RFC 6056) */
};

enum yeon_profile {
  YEON_PROFILE_LINUX,
  YEON_PROFILE_FREEBSD,
  YEON_PROFILE_WINDOWS,
  YEON_PROFILE_LECTURE,
  YEON_PROFILE_YEON, /* what we would choose: no system's habits */
  YEON_PROFILES
};
YEON_API void yeon_tcp_options_init(struct yeon_tcp_options *options, enum yeon_profile profile);
/* "linux", "freebsd", "windows", "lecture", "yeon". */
YEON_API const char *yeon_profile_name(enum yeon_profile profile);
/* A profile, or YEON_ERR_INVALID. */
YEON_API int yeon_profile_find(const char *name);
/* 0, or YEON_ERR_INVALID and *field (may be NULL) names the first field that is out of range. */
YEON_API int yeon_tcp_options_check(const struct yeon_tcp_options *options, const char **field);

/* A new endpoint in CLOSED. YEON_ERR_LIMIT (max_connections), YEON_ERR_NO_MEMORY. */
YEON_API int yeon_tcp_open(struct yeon_host *host, struct yeon_tcp **out);
/* As yeon_udp_bind; also YEON_ERR_NO_PORTS, YEON_ERR_NO_MEMORY. */
YEON_API int yeon_tcp_bind(struct yeon_tcp *tcp, const struct yeon_addr *local, yeon_time now);
/* Passive open. backlog: connections that may wait to be accepted, 1..65535. Binds to a random port if not bound. Called again on a
 * listener: changes the backlog. */
YEON_API int yeon_tcp_listen(struct yeon_tcp *tcp, unsigned backlog, yeon_time now);
/* Active open. 0: begun (the SYN goes out with the next output); YEON_WRITABLE or YEON_ERROR will be reported. */
YEON_API int yeon_tcp_connect(struct yeon_tcp *tcp, const struct yeon_addr *remote, yeon_time now);
/* Active open with its first bytes (TCP Fast Open, RFC 7413): connects, and queues as much of buf as the send buffer takes. With a cookie of the
 * destination in hand the SYN carries a first segment of them, at most yeon_tcp_fastopen_room; without one it asks for a cookie, and they follow
 * once the connection stands. What the network does to a SYN it may do twice, so only what may safely arrive twice belongs here (RFC 7413 6.1).
 * The bytes queued, or as yeon_tcp_connect; YEON_ERR_UNSUPPORTED: options.fastopen lacks YEON_FASTOPEN_CLIENT. */
YEON_API int64_t yeon_tcp_connect_send(struct yeon_tcp *tcp, const struct yeon_addr *remote, const void *buf, size_t len, yeon_time now);
/* How many bytes a SYN to this destination would carry now; 0: it would ask for a cookie, or do without Fast Open. Errors as
 * yeon_tcp_connect_send. */
YEON_API int yeon_tcp_fastopen_room(struct yeon_tcp *tcp, const struct yeon_addr *remote, yeon_time now);
#define YEON_FASTOPEN_KEY_SIZE 16
/* The key that cookies are made with, and one more that is still taken (NULL: none), so that keys can be changed without turning clients away: of one
 * endpoint, before or while it listens, or of the host. Without it a host makes a key of its own from its seed. 0, YEON_ERR_NO_MEMORY. */
YEON_API int yeon_tcp_fastopen_key(struct yeon_tcp *tcp, const uint8_t *key, const uint8_t *backup);
YEON_API void yeon_host_fastopen_key(struct yeon_host *host, const uint8_t *key, const uint8_t *backup);
/* Forgets all cookies of other hosts, and what is known of paths that do not let them through. */
YEON_API void yeon_host_fastopen_flush(struct yeon_host *host);
/* The oldest connection waiting; YEON_ERR_AGAIN when none. It inherits the listener's options. With Fast Open it may still be in SYN-RECEIVED; it can be
 * read and written all the same. */
YEON_API int yeon_tcp_accept(struct yeon_tcp *listener, struct yeon_tcp **out, yeon_time now);

#define YEON_SEND_URGENT 0x01u /* the last byte is urgent (RFC 9293 3.8.5; new programs should not) */
#define YEON_SEND_MORE                                                                                                 \
  0x02u /* more follows: hold a partial segment back until the peer is heard, or for 200 ms once nothing is in flight */
/* The last byte ends a record: no segment will hold bytes of both sides of it, and it is pushed. Only if all bytes are taken. At most 1024 ends wait to be
 * acknowledged: YEON_ERR_LIMIT beyond. */
#define YEON_SEND_RECORD 0x04u
/* A send of no bytes and no flags takes back what YEON_SEND_MORE said. */
/* Copies into the send buffer; the bytes taken (may be fewer than len), or YEON_ERR_AGAIN (full, or not connected yet),
 * YEON_ERR_PIPE (this end has shut its sending side, or the connection is over), YEON_ERR_NOT_CONNECTED, YEON_ERR_INVALID,
 * YEON_ERR_NO_MEMORY; a failed connection gives its error once. */
YEON_API int64_t yeon_tcp_send(struct yeon_tcp *tcp, const void *buf, size_t len, unsigned flags, yeon_time now);
/* The same without a copy: room for up to `want` bytes at the end of the send buffer itself, as one or two pieces. How many pieces; 0: none now (full, or
 * a state in which yeon_tcp_send would take nothing: ask it for the reason). A full buffer is reported as YEON_WRITABLE when it has room. The very next call on
 * the host has to be yeon_tcp_produce. */
YEON_API size_t yeon_tcp_reserve(struct yeon_tcp *tcp, size_t want, struct yeon_room rooms[2]);
/* The first n bytes of the room that was reserved are filled and count as sent (n 0: the room is given back). YEON_ERR_INVALID: more than was reserved. */
YEON_API int yeon_tcp_produce(struct yeon_tcp *tcp, size_t n, yeon_time now);
#define YEON_RECV_PEEK 0x01u
#define YEON_RECV_URGENT 0x02u /* the urgent byte alone (when not inline); YEON_ERR_INVALID when there is none */
/* Bytes read; 0: end of stream; YEON_ERR_AGAIN; a failed connection gives its error once, then 0. */
YEON_API int64_t yeon_tcp_recv(struct yeon_tcp *tcp, void *buf, size_t size, unsigned flags, yeon_time now);
/* Without copying: up to max slices over the readable bytes, valid until the next call on the host; the number of slices. */
YEON_API size_t yeon_tcp_peek_slices(struct yeon_tcp *tcp, struct yeon_slice *slices, size_t max);
/* Discards n readable bytes after yeon_tcp_peek_slices. */
YEON_API int yeon_tcp_consume(struct yeon_tcp *tcp, size_t n, yeon_time now);
/* Called within yeon_host_input with bytes that have come in order while nothing else waits to be read: what the application can use at once need not be
 * copied into the receive buffer. How many bytes it has taken, 0 and more; the others are kept as ever, and reported. user: what yeon_tcp_set_user
 * gave, never NULL. It must not call into the host. For TCP connections of the whole host; fn NULL: nobody. */
typedef size_t yeon_tcp_taker_fn(void *user, const struct yeon_slice *slices, size_t n_slices);
YEON_API void yeon_host_set_taker(struct yeon_host *host, yeon_tcp_taker_fn *fn);

#define YEON_SHUT_RD 0x01u
#define YEON_SHUT_WR 0x02u
/* WR: FIN after what is queued. RD: recv gives 0 instead of waiting; what still arrives: options.shut_rd_keeps. */
YEON_API int yeon_tcp_shutdown(struct yeon_tcp *tcp, unsigned how, yeon_time now);
/* The endpoint is gone for the caller; the connection closes in order in the background. With unread bytes, or
 * linger set to 0, it is reset instead (RFC 9293 3.6.1, RFC 2525 2.17): behind what was written and may leave now (the
 * windows, Nagle), which the next outputs give out first. What may not is lost. */
YEON_API void yeon_tcp_close(struct yeon_tcp *tcp, yeon_time now);
/* RST, behind what was written and may leave now; the endpoint is gone, and its port is free. */
YEON_API void yeon_tcp_abort(struct yeon_tcp *tcp, yeon_time now);

enum yeon_tcp_option {
  YEON_TCP_SNDBUF,          /* bytes; fixes it (no automatic growth). 2048 .. 1 GiB */
  YEON_TCP_RCVBUF,          /* likewise */
  YEON_TCP_NODELAY,         /* bool */
  YEON_TCP_CORK,            /* bool: only full segments leave (held for at most 200 ms once nothing is in flight) */
  YEON_TCP_QUICKACK,        /* bool: acknowledge at once, until cleared */
  YEON_TCP_KEEPALIVE,       /* bool */
  YEON_TCP_KEEPIDLE_MS,     /* 1 .. 32,767,000 */
  YEON_TCP_KEEPINTVL_MS,    /* likewise */
  YEON_TCP_KEEPCNT,         /* probes, 1..127 */
  YEON_TCP_USER_TIMEOUT_MS, /* 0: only the retry counts decide */
  YEON_TCP_LINGER_MS, /* -1: off (default); 0: close resets; > 0: the caller waits, yeon only remembers the number */
  /* 64..65495: upper bound of both MSS when set before connecting, of the send MSS later; reads the send MSS once connected. */
  YEON_TCP_MAXSEG,
  YEON_TCP_HOP_LIMIT,     /* 1..255 */
  YEON_TCP_TRAFFIC_CLASS, /* 0..255; the last two bits are ECN's, and read back as 0 */
  YEON_TCP_REUSEADDR,     /* bool: bind although connections or TIME-WAITs use the port */
  YEON_TCP_REUSEPORT,     /* bool: several listeners on one port share the connections */
  YEON_TCP_V6ONLY,        /* bool, for ::; before binding */
  YEON_TCP_OOBINLINE,     /* bool: urgent byte stays in the stream */
  YEON_TCP_RETRIES_SYN,   /* 1..255 */
  YEON_TCP_WINDOW_CLAMP,  /* bytes, 0: none */
  /* enum yeon_congestion, at any time; what a listener accepts inherits it. YEON_ERR_NO_MEMORY: as before. yeon_tcp_set_congestion takes a name. */
  YEON_TCP_CONGESTION,
  YEON_TCP_MAX_PACING_RATE, /* bytes a second, 0: none; paces also where options.pacing is off */
  /* Listener: connections opened by a SYN with data that may be in SYN-RECEIVED at once, 0..65535; 0: no Fast Open (RFC 7413 4.2). */
  YEON_TCP_FASTOPEN,
  YEON_TCP_FASTOPEN_NO_COOKIE, /* bool: as YEON_FASTOPEN_..._NO_COOKIE, for this endpoint */
  YEON_TCP_FIN_WAIT_2_MS, /* an orphan's wait for the peer's FIN, 1..120,000; 0: as the host's options say; -1: closing resets it at once */
  YEON_TCP_DEFER_ACCEPT,  /* seconds, 0..255: a listener gives a connection when its first bytes are there, or after about that long */
  YEON_TCP_NO_OPTIONS,    /* bool, before connecting: SYNs bear no option, not even the MSS, and the peer's count for nothing */
  YEON_TCP_OPTIONS
};
/* 0, YEON_ERR_INVALID (range), YEON_ERR_UNSUPPORTED. */
YEON_API int yeon_tcp_set(struct yeon_tcp *tcp, enum yeon_tcp_option option, int64_t value, yeon_time now);
YEON_API int yeon_tcp_get(const struct yeon_tcp *tcp, enum yeon_tcp_option option, int64_t *value);
/* YEON_TCP_CONGESTION by name ("cubic", "bbr" ..., see yeon/congestion.h); YEON_ERR_INVALID: there is no such algorithm. */
YEON_API int yeon_tcp_set_congestion(struct yeon_tcp *tcp, const char *name, yeon_time now);
YEON_API const char *yeon_tcp_congestion(const struct yeon_tcp *tcp);

/* YEON_READABLE ... as they stand now. */
YEON_API uint32_t yeon_tcp_ready(const struct yeon_tcp *tcp);
/* The failure (or, with nothing fatal, the newest soft error), cleared; 0: none. */
YEON_API int yeon_tcp_take_error(struct yeon_tcp *tcp);
YEON_API void yeon_tcp_set_user(struct yeon_tcp *tcp, void *user);
YEON_API void *yeon_tcp_user(const struct yeon_tcp *tcp);
YEON_API struct yeon_host *yeon_tcp_host(const struct yeon_tcp *tcp);
YEON_API uint64_t yeon_tcp_id(const struct yeon_tcp *tcp);
YEON_API enum yeon_tcp_state yeon_tcp_state(const struct yeon_tcp *tcp);
YEON_API void yeon_tcp_local(const struct yeon_tcp *tcp, struct yeon_addr *out);
YEON_API void yeon_tcp_remote(const struct yeon_tcp *tcp, struct yeon_addr *out);

/* A connection as numbers, spelled as the RFCs spell them. */
struct yeon_tcp_info {
  uint64_t id;
  enum yeon_tcp_state state;
  struct yeon_addr local, remote;
  uint32_t iss, snd_una, snd_nxt, snd_max, snd_wnd, snd_wl1, snd_wl2;
  uint32_t irs, rcv_nxt, rcv_wnd;
  uint16_t snd_mss, rcv_mss, path_mtu;
  uint8_t snd_wscale, rcv_wscale;
  bool wscale_ok, ts_ok, sack_ok;
  enum yeon_congestion congestion;
  bool ecn_ok, accecn_ok; /* ECN is agreed; its accurate kind */
  bool ecn_capable;       /* and what is sent says so; false: the path or the peer forbade it */
  bool ecn_seen;          /* something marked, or that could be, has arrived */
  uint32_t ecn_arrived_ce, ecn_told_ce; /* segments that came marked; of ours, those the peer told of (classic: an estimate) */
  uint32_t ecn_arrived_bytes[3], ecn_told_bytes[3]; /* likewise payload bytes, modulo 2^32: with ECT(0), CE, ECT(1); accurate kind only */
  uint32_t cwnd, ssthresh, flight; /* bytes */
  uint64_t pacing_rate;            /* bytes a second; 0: not paced */
  uint32_t srtt_us, rttvar_us, rto_us, rtt_min_us;
  uint32_t snd_queued, snd_limit, rcv_queued, rcv_limit, rcv_out_of_order; /* bytes */
  uint8_t rexmits;                                                         /* consecutive time-outs */
  uint8_t probes;                                                          /* unanswered window or keepalive probes */
  bool in_recovery, orphan;
  bool syn_data; /* the data of the SYN was taken, whichever end sent it (RFC 7413) */
  uint64_t bytes_sent, bytes_acked, bytes_received, bytes_retransmitted;
  uint32_t segs_in, segs_out;
  yeon_time timer_at; /* nearest armed timer, YEON_NEVER: none */
  enum yeon_tcp_timer timer;
  uint32_t backlog, backlog_limit; /* LISTEN only: waiting to be accepted */
};
YEON_API void yeon_tcp_info(const struct yeon_tcp *tcp, struct yeon_tcp_info *out);
/* Visits every connection, listener, half-open and TIME-WAIT record of the host, in no special order, until fn returns false. tcp is NULL
 * for the records that have no endpoint (half-open, TIME-WAIT, orphans). */
typedef bool yeon_tcp_visit_fn(void *ctx, const struct yeon_tcp_info *info, struct yeon_tcp *tcp);
YEON_API void yeon_tcp_each(struct yeon_host *host, yeon_tcp_visit_fn *fn, void *ctx);

#ifdef __cplusplus
}
#endif
#endif
