/* What the files of tcp/ share: the records, and a section of functions for each file that keeps them; send.h, receive.h, loss.h and fastopen.h have the others'.
 *
 * A connection is one of three records, all reached through one table by their key: a half-open record (a SYN a listener answered),
 * a connection proper (struct yeon_tcp, which is also an endpoint before and a listener instead), and a TIME-WAIT record.
 * What matters only while bytes are in flight (rings, sack sets) is borrowed. */
#ifndef TCP_INTERNAL_H
#define TCP_INTERNAL_H

#include <assert.h>

#include "base/clock.h"
#include "base/ranges.h"
#include "base/seq.h"
#include "cc/cc.h"
#include "tcp/loss.h"
#include "tcp/tcp.h"

/* ENDING: a struct yeon_tcp as well, one that only waits to send its last bytes and a reset (ending.c). */
enum tcp_kind { TCP_KIND_CONN = 0, TCP_KIND_HALF_OPEN = 1, TCP_KIND_TIME_WAIT = 2, TCP_KIND_ENDING = 3 };
#define TCP_KIND_SHIFT 30
#define TCP_NUMBER_MASK ((1u << TCP_KIND_SHIFT) - 1)

/* What distinguishes connections of one host. A listener's: remote all zero, remote_port 0. */
struct tcp_key {
  struct yeon_ip remote;
  uint16_t remote_port, local_port;
  uint16_t local; /* index of the local address, or TCP_LOCAL_ANY... */
  uint16_t zero;  /* part of what is hashed and compared */
};
#define TCP_KEY_SIZE 24
_Static_assert(sizeof(struct tcp_key) == TCP_KEY_SIZE, "hashed and compared as bytes: no padding");

/* How every record begins. */
struct tcp_record {
  struct tcp_key key;
  uint32_t chain;     /* next in the table's bucket */
  uint32_t kind : 2;  /* enum tcp_kind */
  uint32_t ecn : 30;  /* connection: number of its struct tcp_ecn, 0: none, no ECN; half-open: TCP_HE_* (ecn.h) */
};

/* Received ranges beyond rcv_nxt. */
struct tcp_sacks {
  uint32_t number;    /* in its pool */
  uint32_t recent[4]; /* sequence numbers inside the ranges that changed last, newest first (RFC 2018 4) */
  uint32_t gap_seq, gap_ts; /* rcv_nxt and TS.Recent when the first byte went missing (sequence.c) */
  uint8_t n_recent;
  struct ranges *set; /* in block, and grows with it */
  struct ring *block;
};

/* Bytes in one call or one (super-)segment from which on a ring is made as large as its buffer may be: more will follow, and a ring that doubles on
 * the way copies all it holds each time. */
#define TCP_BULK 32768u

/* What few endpoints need: a listener's queue, options that differ from the host's, urgent data. */
struct tcp_extra {
  uint32_t number;        /* in its pool */
  struct tcp_list accept; /* established, waiting; linked by report_next */
  uint32_t waiting, backlog;
  uint32_t keepalive_idle_ms, keepalive_interval_ms, user_timeout_ms;
  int32_t linger_ms;     /* -1: off */
  uint32_t window_clamp; /* 0: none */
  uint64_t max_pacing_rate; /* bytes a second; 0: none */
  uint16_t mss_max;
  int32_t fin_wait_2_ms; /* 0: the host's options; -1: none */
  uint8_t defer_s;       /* a listener's: a mere ACK counts after about so many seconds; 0: at once */
  uint8_t keepalive_probes, retries_syn, hop_limit, traffic_class;
  struct yeon_tcp *bound_next, **bound_prev; /* host's list of endpoints that hold a port */
  uint32_t snd_up;                           /* sender: after the urgent byte; with TCP_F_URGENT */
  uint32_t urgent_seq;                       /* receiver: of the urgent byte */
  uint8_t urgent_byte;
  bool no_options;           /* SYNs without options (YEON_TCP_NO_OPTIONS) */
  bool customised;           /* an option was set: what a listener accepts inherits a copy */
  bool user_timeout_adopted; /* user_timeout_ms is the peer's wish (RFC 5482) */
  struct tcp_fastopen *fastopen; /* listener: NULL: not asked for */
  uint16_t search_low, search_high; /* plpmtud.c: path MTUs that passed, that might. IP bytes; high 0: no search */
  uint32_t search_after_ms;         /* no probe before, milliseconds since the epoch modulo 2^32; 0: at once */
  uint32_t search_rests_s;          /* its end, seconds since the epoch + 1; 0: it goes on */
  uint8_t urgent;            /* enum tcp_urgent */
};
enum tcp_urgent { TCP_URGENT_NONE, TCP_URGENT_COMING, TCP_URGENT_HERE, TCP_URGENT_READ };

/* struct yeon_tcp.flags */
#define TCP_F_SEND_SYN (1u << 0) /* a SYN or SYN-ACK is due */
#define TCP_F_ACK_NOW (1u << 1)
#define TCP_F_FIN_QUEUED (1u << 2) /* the application will send no more */
#define TCP_F_FIN_SENT (1u << 3)
#define TCP_F_FIN_RECEIVED (1u << 4) /* and everything before it */
#define TCP_F_ORPHAN (1u << 5)       /* the application has closed: no endpoint any more */
#define TCP_F_TS (1u << 6)           /* timestamps agreed */
#define TCP_F_SACK (1u << 7)
#define TCP_F_WSCALE (1u << 8)
#define TCP_F_NODELAY (1u << 9)
#define TCP_F_CORK (1u << 10)
#define TCP_F_QUICKACK (1u << 11)
#define TCP_F_KEEPALIVE (1u << 12)
#define TCP_F_TIMING (1u << 13)       /* rtt_seq, rtt_at are running */
#define TCP_F_RECOVERY (1u << 14)     /* fast recovery until snd_una passes recover */
#define TCP_F_RTO_RECOVERY (1u << 15) /* after a time-out, until snd_una passes recover */
#define TCP_F_REXMIT_HEAD (1u << 16)  /* the segment at snd_una is due again */
#define TCP_F_PROBE (1u << 17)        /* a window probe is due */
#define TCP_F_KEEPALIVE_PROBE (1u << 18)
#define TCP_F_SHUT_RD (1u << 19)
#define TCP_F_SNDBUF_FIXED (1u << 20)
#define TCP_F_RCVBUF_FIXED (1u << 21)
#define TCP_F_ON_OUT (1u << 22)    /* in the list of those with output */
#define TCP_F_ON_REPORT (1u << 23) /* in the list of endpoints to report */
#define TCP_F_IN_TABLE (1u << 24)
#define TCP_F_ON_ACCEPT (1u << 25) /* waits in its listener's queue */
#define TCP_F_DSACK (1u << 26)     /* dsack_left, dsack_right to be told */
#define TCP_F_PASSIVE (1u << 27)   /* made by a listener */
#define TCP_F_URGENT (1u << 28)    /* snd_up is ahead of snd_una */
#define TCP_F_OOBINLINE (1u << 29)
#define TCP_F_HOLDS_PORT (1u << 30) /* counted in port_use */
#define TCP_F_MORE (1u << 31)       /* the last send said more follows */
/* struct yeon_tcp.flags2: rarely touched. Free: 19 to 24, 30, 31. */
#define TCP_G_REUSEADDR (1u << 0)
#define TCP_G_REUSEPORT (1u << 1)
#define TCP_G_V6ONLY (1u << 2)
#define TCP_G_BOUND (1u << 3)        /* in the host's list of bound endpoints */
#define TCP_G_USED (1u << 4)         /* has left CLOSED once */
#define TCP_G_SYN_REXMIT (1u << 5)   /* the SYN was sent more than once (RFC 6298 5.7) */
#define TCP_G_FIN_ACKED (1u << 6)    /* our FIN: snd_una is past it */
#define TCP_G_UTO_DUE (1u << 7)      /* the user timeout is to be told (RFC 5482) */
#define TCP_G_SWS_OVERRIDE (1u << 8) /* a held-back small segment may go */
#define TCP_G_RESCUED (1u << 9)      /* RFC 6675 4, NextSeg (4): once a recovery */
#define TCP_G_RECOVERED (1u << 10)   /* snd_una is where a recovery ended (RFC 6582 3.2, step 1), while busy is NULL */
#define TCP_G_WANTS_ROOM (1u << 11)  /* a send filled the buffer: tell when there is room */
#define TCP_G_STARVED (1u << 12)     /* memory for what was due was refused: the retransmission timer tries again */
#define TCP_G_PLAIN_ACK (1u << 13)   /* the acknowledgment due is a challenge: as short as can be */
#define TCP_G_UNPUSHED (1u << 14)    /* the last send said more follows: what ends there is not pushed */
#define TCP_G_LOSS_PROBE (1u << 15)  /* a tail loss probe is due */
#define TCP_G_PROBE_OUT (1u << 16)   /* one that repeats the last bytes was answered, perhaps for both copies, while busy is NULL */
#define TCP_G_UNSAMPLED (1u << 17)   /* no round trip was measured since the last loss probe (RFC 8985 7.3) */
#define TCP_G_REFUSES (1u << 18)     /* ending: its reset is that of no connection, answering what acknowledges snd_wl2 */
#define TCP_G_FASTOPEN (1u << 25)  /* passive: made by a SYN with a cookie, its handshake not over; active: the SYN had, or is to have, the option */
#define TCP_G_SYN_DATA (1u << 26)  /* the data of the SYN was taken */
#define TCP_G_NO_COOKIE (1u << 27) /* YEON_TCP_FASTOPEN_NO_COOKIE */
#define TCP_G_PACED (1u << 28) /* what leaves is spread over time, pace.c */
#define TCP_G_RATED (1u << 29) /* congestion control wants rate samples, rate.c */

/* What matters only while something is going on: bytes in flight, ranges out of order, a duplicate to tell. Borrowed by tcp_busy, given back by
 * tcp_rest when all of it is over. */
struct tcp_busy {
  uint32_t number;    /* in its pool */
  uint32_t recover;   /* RFC 6582, RFC 6675: snd_max when recovery began */
  uint32_t judged;    /* RFC 6675: in this recovery, what is below has been judged lost or not */
  uint32_t snd_small; /* end of the last segment smaller than the MSS that left (Nagle) */
  uint32_t rtt_seq;   /* the timed segment's end; with TCP_F_TIMING */
  uint32_t flight_max; /* RFC 7661: most bytes in flight since round_end was set; CC_WINDOW_MOST: the window was full, as Linux counts */
  uint32_t round_end;  /* snd_max then; a new round begins when it is acknowledged */
  uint32_t rcv_fin;   /* sequence number of a FIN that came before its time; with rcv_fin_known */
  bool rcv_fin_known;
  yeon_time rtt_at;                 /* when the timed segment left */
  yeon_time sent_at;                /* last segment that an acknowledgment must answer */
  yeon_time rexmit_since;           /* when the first of the time-outs in a row was; 0: none */
  uint32_t listener, listener_id;   /* TCP_G_FASTOPEN, passive: number and low bits of the id of who counts it as pending */
  uint32_t probe_seq; /* plpmtud.c: of a probe in flight */
  uint16_t probe_len; /* its payload bytes; 0: none */
  uint8_t fastopen_offer;           /* enum tcp_fastopen_form: how the SYN-ACK is to give a cookie */
  struct tcp_sents sent;            /* what was sent, from snd_una to snd_max but for a SYN */
  struct tcp_rack rack;
  struct tcp_tlp tlp;
  struct tcp_prr prr;
  struct tcp_undo undo;
  uint8_t frto;                     /* enum tcp_frto */
  struct tcp_sacks *ooo;            /* received ranges beyond rcv_nxt; NULL: none */
  uint32_t dsack_left, dsack_right; /* with TCP_F_DSACK */
  struct tcp_rate rate;
  struct ring *records; /* eor.c: ends of records that are not acknowledged; NULL: none */
  uint32_t train_end; /* push.c: of the train that is leaving; with in_train */
  bool in_train;
  uint32_t lost_told; /* struct tcp_sents.ever_lost that congestion control knows of */
  yeon_time pace_at;  /* when the next quantum may leave; with TCP_G_PACED */
  uint32_t pace_left; /* bytes of the running quantum that may leave at once */
  uint64_t cc_state[CC_BORROWED_BYTES / 8]; /* lent to congestion control */
};

/* State for algorithms that hold one, and its number. */
#define TCP_CC_HELD_SIZE (8 + CC_HELD_BYTES)

/* Timers that never run together share a deadline. */
#define TCP_DEADLINES 4

struct yeon_tcp {
  struct tcp_record record;
  struct wheel_node node; /* armed at or before the earliest of at[] */
  struct tcp *t;
  void *user;
  struct tcp_busy *busy; /* NULL: nothing going on */
  uint32_t number;       /* in its pool */
  uint32_t id;
  uint32_t out_next, out_prev; /* list of those with output: record numbers */
  uint32_t report_next, report_prev;
  uint32_t flags, flags2;
  uint8_t state; /* enum yeon_tcp_state; set by tcp_set_state alone */
  uint8_t link;
  uint8_t reported;  /* YEON_READABLE ...: conditions to report */
  int8_t error;      /* pending, YEON_ERR_*; 0: none */
  int8_t soft_error; /* last ICMP trouble, told if the connection then fails (RFC 9293 3.9.2.2) */
  uint8_t rexmits;   /* consecutive time-outs */
  uint8_t probes;    /* window or keepalive probes without an answer */
  uint8_t dup_acks;
  uint16_t timers;    /* bit per enum yeon_tcp_timer: armed */
  uint16_t rcv_mss;   /* largest segment seen */
  uint8_t quick_acks; /* segments still to be acknowledged at once */
  uint8_t acks_owed;  /* duplicate ACKs to send one by one (no SACK) */
  uint8_t snd_wscale : 4, rcv_wscale : 4;
  uint8_t probe_backoff; /* doublings of the window probe's interval */

  /* Sending. Sequence numbers as in RFC 9293 3.3.1; snd_max: highest sent + 1. snd_nxt is what is new next: it
   * never goes back (docs/decisions/0011), but the byte of a window probe is in snd_max alone. */
  struct ring *snd; /* bytes from snd_una (past the SYN) on; NULL: none */
  uint32_t iss, snd_una, snd_nxt, snd_max;
  uint32_t snd_wnd, snd_wl1, snd_wl2, max_snd_wnd;
  uint32_t sndbuf;  /* limit, bytes */
  uint32_t snd_fin; /* sequence number of our FIN; with TCP_F_FIN_SENT */
  struct cc cc;
  uint16_t snd_mss;  /* payload bytes of a full segment, options taken off */
  uint16_t peer_mss; /* what the peer announced, or its default */
  uint16_t path_mtu; /* IP bytes */
  uint16_t backoff : 5;     /* doublings of rto_us in force, until a new sample (RFC 6298 5.5 and the note after 5.7) */
  uint16_t reo_persist : 5; /* rack.c: recoveries that a widened window still lasts */
  uint16_t reo_steps : 6;   /* quarters of the least round trip that reordering is waited for; 0: no reordering seen */

  /* Round-trip time, microseconds (RFC 6298) */
  uint32_t srtt_us, rttvar_us, rto_us, rtt_min_us; /* srtt_us 0: no sample yet; rto_us not doubled */

  /* Receiving */
  struct ring *rcv; /* bytes up to rcv_nxt, and out of order ones beyond */
  uint32_t irs, rcv_nxt;
  uint32_t rcv_adv;                /* right edge announced; never goes back */
  uint32_t last_ack;               /* RFC 7323 Last.ACK.sent */
  uint32_t rcvbuf;                 /* limit, bytes */
  uint32_t ts_recent, ts_recent_s; /* ts_recent_s: seconds since the host's epoch */
  uint32_t tune_seq;    /* receive buffer growth (window.c): where its round ends */
  uint32_t tune_us;     /* when the round began, microseconds modulo 2^32 */
  uint32_t tune_rtt_us; /* a round trip, measured by what arrives; 0: not known */

  /* Time */
  yeon_time at[TCP_DEADLINES]; /* YEON_NEVER: not armed; set by timers.c alone, read by tcp_timer_at */
  yeon_time heard_at;          /* last segment accepted from the peer; in SYN-SENT: when connecting began */
  uint32_t sent_ms;            /* last data sent, milliseconds since the host's epoch modulo 2^32 */
  uint32_t oow_ms;             /* last answer to an out-of-window segment, likewise; 0: none */

  /* For yeon_tcp_info */
  uint64_t bytes_acked, bytes_received, bytes_retransmitted;
  uint32_t segs_in, segs_out;

  struct tcp_extra *extra; /* NULL: nothing special */
};

struct tcp_half_open {
  struct tcp_record record;
  struct wheel_node node;
  uint32_t listener; /* number of the endpoint that listens */
  uint32_t iss, irs;
  uint32_t ts_recent;
  uint32_t id;
  uint32_t sent_us;     /* when the SYN-ACK left, microseconds since the epoch, modulo 2^32 */
  uint16_t listener_id; /* low bits of its id: the number may serve another by now */
  uint16_t peer_mss;
  uint8_t wscale : 4; /* peer's; with TCP_H_WSCALE */
  uint8_t acked : 1;  /* a mere ACK came while the listener wants bytes */
  uint8_t again : 1;  /* the SYN-ACK has gone more than once */
  uint8_t flags;  /* enum tcp_half_flag */
  uint8_t retries;
  uint8_t link;
};
enum tcp_half_flag {
  TCP_H_WSCALE = 1,
  TCP_H_TS = 2,
  TCP_H_SACK = 4,
  TCP_H_DEAD = 8, /* TIME-WAIT: ended early */
  TCP_H_PORT = 16, /* TIME-WAIT: counts in port_use */
  TCP_H_ACE_SHIFT = 5 /* TIME-WAIT: from this bit on, the three ECN flags of its segments */
};

struct tcp_time_wait {
  struct tcp_key key; /* as in struct tcp_record, but for the kind */
  uint32_t chain;
  uint32_t next;       /* order of expiry; a record that ended early stays in it, TCP_H_DEAD, out of the table */
  uint32_t expires_ms; /* since the epoch, modulo 2^32 */
  uint32_t snd_nxt, rcv_nxt;
  uint32_t ts_recent;
  uint8_t link, flags; /* enum tcp_half_flag */
  uint16_t longer_s;   /* to wait beyond expires_ms, because the peer's FIN came again */
};
_Static_assert(sizeof(struct tcp_time_wait) <= 56, "a TIME-WAIT record and its bucket are to stay within 64 bytes");
_Static_assert(sizeof(struct tcp_half_open) <= 88, "a half-open record and its bucket are to stay within 96 bytes");
_Static_assert(sizeof(struct yeon_tcp) <= 360, "an idle connection is to shrink, not to grow");

/* One arriving segment on its way through the steps. */
struct tcp_in {
  const struct tcp_segment *s;
  struct tcp *t;
  yeon_time now;
  uint32_t seq, ack; /* seq moves when the front is trimmed */
  uint32_t len;      /* payload bytes left after trimming */
  uint32_t skip;     /* payload bytes trimmed from the front */
  uint32_t window;   /* scaled */
  uint8_t flags;     /* SYN or FIN taken off when trimmed */
  uint8_t verdict;   /* enum yeon_verdict */
  uint64_t id;       /* connection it belongs to, for the event */
  uint32_t iss, irs;
  bool has_conn;
  bool gone;   /* the connection ended on the way: do not touch it */
  bool opens;  /* it has completed the handshake */
  bool repeat; /* its front came before: acknowledged at once, if its own acknowledgment is believed */
};

/* instance.c */
/* c->busy, made when there is none; NULL: no memory. */
struct tcp_busy *tcp_busy(struct yeon_tcp *c);
/* Gives c->busy back if nothing is going on. */
void tcp_rest(struct yeon_tcp *c);
/* Has the peer told of anything by SACK that it has not acknowledged? */
static inline bool tcp_sacked(const struct yeon_tcp *c) { return c->busy != NULL && c->busy->sent.sacked > 0; }
/* Something is to be sent again. */
static inline bool tcp_due(const struct yeon_tcp *c) { return c->busy != NULL && c->busy->sent.due > 0; }
static inline struct tcp_sacks *tcp_ooo(const struct yeon_tcp *c) { return c->busy != NULL ? c->busy->ooo : NULL; }
/* Milliseconds since the host's epoch modulo 2^32, never 0. */
static inline uint32_t tcp_ms(const struct tcp *t, yeon_time now)
{
  return (uint32_t)((now - t->epoch) / YEON_MS) | 1u;
}
struct yeon_tcp *tcp_conn(const struct tcp *t, uint32_t number);
struct yeon_tcp *tcp_conn_new(struct tcp *t);
/* Forgets it altogether: table, lists, timers, buffers. The state must be CLOSED. */
void tcp_conn_free(struct yeon_tcp *c);
/* The connection is over: state CLOSED, error (0: none) for the application; freed when nobody holds it. */
void tcp_conn_end(struct yeon_tcp *c, int error, enum yeon_cause cause, yeon_time now);
/* It goes on as a record of kind ENDING: its port is free, and what arrives for it is not its any more. */
void tcp_conn_become_ending(struct yeon_tcp *c);
/* Gives back buffers and sack sets. */
void tcp_conn_release_buffers(struct yeon_tcp *c, bool receive_too);
/* c->extra, made with defaults when there is none; NULL: no memory. */
struct tcp_extra *tcp_extra(struct yeon_tcp *c);

/* lookup.c */
extern const struct table_ops tcp_table_ops;
struct tcp_record *tcp_record(const struct tcp *t, uint32_t id);
static inline enum tcp_kind tcp_kind(uint32_t id) { return (enum tcp_kind)(id >> TCP_KIND_SHIFT); }
/* The id of the record with this key; 0: none. */
uint32_t tcp_find(const struct tcp *t, const struct tcp_key *key);
/* The listener that should get a SYN for this key; NULL: none. */
struct yeon_tcp *tcp_find_listener(const struct tcp *t, const struct tcp_key *key);
void tcp_table_add(struct tcp *t, uint32_t id);
void tcp_table_del(struct tcp *t, uint32_t id);
struct tcp_key tcp_key_of(const struct tcp_segment *s);

/* ports.c */
/* A free local port towards the remote address, RFC 6056; 0: all taken. */
uint16_t tcp_choose_port(struct tcp *t, const struct tcp_key *key);
bool tcp_port_hold(struct tcp *t, uint16_t port);
void tcp_port_drop(struct tcp *t, uint16_t port);
uint32_t tcp_port_users(const struct tcp *t, uint16_t port);
/* An endpoint is bound to this port. */
bool tcp_port_bound(const struct tcp *t, uint16_t port);
/* The endpoint in CLOSED that is bound to where this key's segments go; NULL: none. */
const struct yeon_tcp *tcp_bound_closed(const struct tcp *t, const struct tcp_key *key);
int tcp_bind_conflict(const struct yeon_tcp *c, uint16_t local, uint16_t port);
void tcp_unbind(struct yeon_tcp *c);
void tcp_ports_fini(struct tcp *t);
bool tcp_local_is4(const struct tcp *t, uint16_t local);

/* state.c */
void tcp_set_state(struct yeon_tcp *c, enum yeon_tcp_state to, enum yeon_cause cause, yeon_time now);
/* The same event for records that are no struct yeon_tcp. */
void tcp_tell_state(struct tcp *t, const struct tcp_key *key, uint64_t id, enum yeon_tcp_state from,
                    enum yeon_tcp_state to, enum yeon_cause cause, yeon_time now);

/* trace.c: events */
void tcp_fill_event(const struct tcp *t, const struct tcp_key *key, uint64_t id, struct yeon_event *ev);
struct yeon_event tcp_event(const struct yeon_tcp *c, enum yeon_event_type type, yeon_time now);
void tcp_trace_in(const struct tcp_in *in);
void tcp_trace_out(struct tcp *t, const struct tcp_out *o, const struct yeon_tcp *c, bool again, yeon_time now);
void tcp_trace_call(const struct yeon_tcp *c, enum yeon_tcp_call call, int64_t arg, int64_t result, yeon_time now);
void tcp_trace_cwnd(const struct yeon_tcp *c, const char *why, yeon_time now);
void tcp_trace_buffer(const struct yeon_tcp *c, yeon_time now);
void tcp_trace_rexmit(const struct yeon_tcp *c, uint32_t seq, uint32_t len, enum yeon_retransmit_why why,
                      yeon_time now);
void tcp_trace_ecn(const struct yeon_tcp *c, enum yeon_ecn_what what, uint32_t segments, uint32_t bytes, yeon_time now);
void tcp_trace_error(const struct yeon_tcp *c, int error, enum yeon_cause cause, bool soft, yeon_time now);

/* ready.c */
void tcp_want_output(struct yeon_tcp *c);
void tcp_unlist_output(struct yeon_tcp *c);
/* A condition newly holds. */
void tcp_notify(struct yeon_tcp *c, uint8_t condition);
void tcp_unlist_report(struct yeon_tcp *c);
void tcp_list_push(struct tcp *t, struct tcp_list *list, struct yeon_tcp *c);
struct yeon_tcp *tcp_list_pop(struct tcp *t, struct tcp_list *list);
void tcp_list_remove(struct tcp *t, struct tcp_list *list, struct yeon_tcp *c);

/* timers.c */
void tcp_timer_set(struct yeon_tcp *c, enum yeon_tcp_timer timer, yeon_time at, yeon_time now);
void tcp_timers_due(struct yeon_tcp *c, yeon_time now); /* the wheel's node fired */
void tcp_timer_stop(struct yeon_tcp *c, enum yeon_tcp_timer timer, yeon_time now);
static inline bool tcp_timer_on(const struct yeon_tcp *c, enum yeon_tcp_timer timer)
{
  return (c->timers >> timer & 1) != 0;
}
/* YEON_NEVER: not armed. */
yeon_time tcp_timer_at(const struct yeon_tcp *c, enum yeon_tcp_timer timer);
void tcp_timers_forget(struct yeon_tcp *c); /* all of them, silently */
/* (Re)starts the retransmission timer from now with the backed-off RTO. */
void tcp_rexmit_start(struct yeon_tcp *c, yeon_time now);
/* Starts it as if it had run since the oldest segment left, after another timer took its place. */
void tcp_rexmit_resume(struct yeon_tcp *c, yeon_time now);
/* After an acknowledgment that moved on: the loss probe or the time-out, or nothing when nothing is outstanding. */
void tcp_rexmit_restart(struct yeon_tcp *c, yeon_time now);
/* Any timer runs that sends again what is outstanding. */
bool tcp_rexmit_on(const struct yeon_tcp *c);
/* The earliest armed timer; *which tells its name. */
yeon_time tcp_timer_earliest(const struct yeon_tcp *c, enum yeon_tcp_timer *which);

/* calls.c */
/* The endpoint has been a connection: it cannot become another. */
static inline bool tcp_was_used(const struct yeon_tcp *c) { return (c->flags2 & TCP_G_USED) != 0; }
/* Options and limits of a listener for the connection it made; false: no memory. */
bool tcp_inherit(struct yeon_tcp *c, const struct yeon_tcp *listener);

/* ending.c: a reset that is due behind what may still leave */
/* An orphan is to be reset: once what can go now has left, or at once if there is nothing. Its record may be gone on return. */
void tcp_ending_begin(struct yeon_tcp *c, yeon_time now);
/* There is nothing more to wait for: the reset, if one is called for, and the record is gone. */
void tcp_ending_over(struct yeon_tcp *c, yeon_time now);
/* The wheel's node of such a record has fired. */
void tcp_ending_timer(struct yeon_tcp *c, yeon_time now);
/* Room is needed: the oldest goes now. False: there is none. */
bool tcp_ending_hurry(struct tcp *t, yeon_time now);

/* reply.c: segments of no connection */
void tcp_reply_reset(struct tcp_in *in);
/* <SEQ><ACK><CTL=ACK> for records; NULL when the queue is full. */
struct tcp_out *tcp_reply_new(struct tcp *t, const struct tcp_key *key, uint8_t link);
/* Doubles the queue; false: at its limit, or no memory. */
bool tcp_replies_grow(struct tcp *t);
/* The oldest reply for this link. */
bool tcp_reply_take(struct tcp *t, unsigned link, struct tcp_out *out);
/* The hop limit and traffic class its application chose (RFC 9293 3.9.1.9, 3.9.2). */
void tcp_fill_class(const struct yeon_tcp *c, struct tcp_out *o);
/* What a segment that acknowledges `seq` would get if there were no connection. */
void tcp_send_refusal(struct yeon_tcp *c, uint32_t seq);
/* RST for a connection about to go. */
void tcp_send_reset(struct yeon_tcp *c, yeon_time now);

/* isn.c */
uint32_t tcp_isn(const struct tcp *t, const struct tcp_key *key, yeon_time now);
uint32_t tcp_ts_now(const struct tcp *t, const struct tcp_key *key, yeon_time now);

#include "tcp/receive.h"
#include "tcp/send.h"
#include "tcp/fastopen.h"

#endif
