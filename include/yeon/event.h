/* yeon/event.h: typed events. Everything below may emit them, everything above may read them; they cost one test of a
 * mask when nobody listens. */
#ifndef YEON_EVENT_H
#define YEON_EVENT_H

#include <yeon/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* RFC 9293 3.3.2. */
enum yeon_tcp_state {
  YEON_TCP_CLOSED = 0,
  YEON_TCP_LISTEN,
  YEON_TCP_SYN_SENT,
  YEON_TCP_SYN_RECEIVED,
  YEON_TCP_ESTABLISHED,
  YEON_TCP_FIN_WAIT_1,
  YEON_TCP_FIN_WAIT_2,
  YEON_TCP_CLOSE_WAIT,
  YEON_TCP_CLOSING,
  YEON_TCP_LAST_ACK,
  YEON_TCP_TIME_WAIT,
  YEON_TCP_STATES
};
/* "SYN-SENT", spelled as the RFC spells it. */
YEON_API const char *yeon_tcp_state_name(enum yeon_tcp_state state);

enum yeon_event_type {
  YEON_EV_STATE,       /* a connection changed state: .state */
  YEON_EV_SEGMENT_OUT, /* a TCP segment was handed to the link: .segment */
  YEON_EV_SEGMENT_IN,  /* a TCP segment arrived, with what became of it: .segment */
  YEON_EV_DATAGRAM_OUT,
  YEON_EV_DATAGRAM_IN, /* UDP: .datagram */
  YEON_EV_ICMP_OUT,
  YEON_EV_ICMP_IN,    /* .icmp */
  YEON_EV_DROP,       /* a frame was dropped, and why: .drop */
  YEON_EV_RETRANSMIT, /* bytes are being sent again, and why: .retransmit */
  YEON_EV_TIMER,      /* .timer */
  YEON_EV_CWND,       /* .cwnd */
  YEON_EV_RTT,        /* .rtt */
  YEON_EV_BUFFER,     /* .buffer */
  YEON_EV_CALL,       /* the application called: .call */
  YEON_EV_ERROR,      /* a connection failed, or was told of trouble: .error */
  YEON_EV_NEIGHBOUR,  /* ARP / ND learned or gave up: .neighbour */
  YEON_EV_CABLE,      /* a cable was cut, joined, changed, or swallowed a frame: .cable */
  YEON_EV_NOTE,       /* free text from a scenario: .note */
  YEON_EV_ECN,        /* congestion marks: .ecn */
  YEON_EV_TYPES
};
#define YEON_EV_BIT(type) (1u << (type))
#define YEON_EV_ALL 0xffffffffu

/* Why a connection changed state (also "cause" of errors). */
enum yeon_cause {
  YEON_CAUSE_NONE,
  YEON_CAUSE_CALL_OPEN,  /* the application: connect or listen */
  YEON_CAUSE_CALL_CLOSE, /* close or shutdown */
  YEON_CAUSE_CALL_ABORT,
  YEON_CAUSE_SYN, /* a segment that carried ... */
  YEON_CAUSE_SYN_ACK,
  YEON_CAUSE_ACK,
  YEON_CAUSE_FIN,
  YEON_CAUSE_FIN_ACKED,
  YEON_CAUSE_RST,
  YEON_CAUSE_RTO, /* retransmissions spent */
  YEON_CAUSE_KEEPALIVE,
  YEON_CAUSE_USER_TIMEOUT,
  YEON_CAUSE_TIME_WAIT_OVER,
  YEON_CAUSE_ICMP,
  YEON_CAUSE_REUSED, /* TIME-WAIT ended early by an acceptable new SYN (RFC 6191) */
  YEON_CAUSE_LIMIT,
  YEON_CAUSE_HOST_DOWN,
  YEON_CAUSES
};
YEON_API const char *yeon_cause_name(enum yeon_cause cause);

/* TCP flags as on the wire. */
#define YEON_TCP_FIN 0x01
#define YEON_TCP_SYN 0x02
#define YEON_TCP_RST 0x04
#define YEON_TCP_PSH 0x08
#define YEON_TCP_ACK 0x10
#define YEON_TCP_URG 0x20
#define YEON_TCP_ECE 0x40
#define YEON_TCP_CWR 0x80

/* What became of an arriving segment. */
enum yeon_verdict {
  YEON_VERDICT_ACCEPTED,
  YEON_VERDICT_NO_CONNECTION, /* answered with RST (or ignored, if itself RST) */
  YEON_VERDICT_OUT_OF_WINDOW, /* answered with ACK, dropped */
  YEON_VERDICT_DUPLICATE,     /* nothing new in it */
  YEON_VERDICT_PAWS,
  YEON_VERDICT_BAD_ACK,
  YEON_VERDICT_CHALLENGED,   /* RFC 5961: a challenge ACK went out, or was rate limited */
  YEON_VERDICT_OUT_OF_ORDER, /* kept for later */
  YEON_VERDICT_NO_ROOM,      /* backlog or buffer full */
  YEON_VERDICT_MALFORMED,
  YEON_VERDICTS
};
YEON_API const char *yeon_verdict_name(enum yeon_verdict verdict);

struct yeon_sack_block {
  uint32_t left, right; /* [left, right) */
};

/* A TCP segment as header fields; what the ladder and pcap readers print. */
struct yeon_ev_segment {
  uint32_t seq, ack;
  uint32_t len;    /* payload bytes; with segs > 1, of all segments together */
  uint16_t window; /* as on the wire, unscaled */
  uint16_t urgent;
  uint8_t flags;
  bool ae;               /* the ninth flag: ACE is AE, CWR, ECE (RFC 9768) */
  uint8_t codepoint;     /* of its IP header: 0 not ECN-capable, 1 ECT(1), 2 ECT(0), 3 CE (RFC 3168) */
  uint8_t segs;          /* 1, or the size of a super-segment */
  uint8_t verdict;       /* enum yeon_verdict; arriving segments only */
  uint8_t state;         /* enum yeon_tcp_state of the connection after the segment */
  uint32_t window_bytes; /* scaled by what the connection agreed; = window while unknown or on a SYN */
  uint16_t mss;          /* 0: option absent */
  int8_t wscale;         /* -1: option absent */
  bool sack_ok;
  bool has_ts;
  uint32_t tsval, tsecr;
  uint8_t n_sack;
  struct yeon_sack_block sack[4];
  uint32_t iss, irs; /* so that a reader can print relative numbers; of the connection at this end */
  bool has_iss, has_irs;
  bool retransmission;
};

enum yeon_retransmit_why {
  YEON_REXMIT_RTO,
  YEON_REXMIT_FAST,     /* duplicate ACKs (RFC 5681/6582) or SACK (RFC 6675) */
  YEON_REXMIT_RECOVERY, /* further segments of the same recovery */
  YEON_REXMIT_SYN,
  YEON_REXMIT_FIN,
  YEON_REXMIT_PMTU,
  YEON_REXMIT_PROBE, /* a tail loss probe (RFC 8985 7) */
  YEON_REXMIT_WHYS
};
YEON_API const char *yeon_retransmit_why_name(enum yeon_retransmit_why why);

enum yeon_ecn_what {
  YEON_ECN_ARRIVED, /* segments marked CE arrived here */
  YEON_ECN_TOLD,    /* the peer tells that segments of ours arrived so */
  YEON_ECN_REACTED, /* and the congestion window is reduced for it, once a round trip */
  YEON_ECN_WHATS
};
YEON_API const char *yeon_ecn_what_name(enum yeon_ecn_what what);

enum yeon_tcp_timer {
  YEON_TIMER_REXMIT,
  YEON_TIMER_PERSIST,
  YEON_TIMER_DELACK,
  YEON_TIMER_KEEPALIVE,
  YEON_TIMER_USER,
  YEON_TIMER_TIME_WAIT, /* also FIN-WAIT-2 of an orphan */
  YEON_TIMER_PACE,      /* the next segments may leave */
  YEON_TIMER_REORDER,   /* until what seems lost is judged lost (RFC 8985 6.3) */
  YEON_TIMER_PROBE,     /* tail loss probe (RFC 8985 7) */
  YEON_TIMERS
};
YEON_API const char *yeon_tcp_timer_name(enum yeon_tcp_timer timer);
enum yeon_timer_op { YEON_TIMER_ARMED, YEON_TIMER_STOPPED, YEON_TIMER_FIRED };

enum yeon_tcp_call {
  YEON_CALL_CONNECT,
  YEON_CALL_LISTEN,
  YEON_CALL_ACCEPT,
  YEON_CALL_SEND,
  YEON_CALL_RECV,
  YEON_CALL_SHUTDOWN,
  YEON_CALL_CLOSE,
  YEON_CALL_ABORT,
  YEON_CALL_BIND,
  YEON_CALL_SENDTO,
  YEON_CALL_RECVFROM,
  YEON_CALLS
};
YEON_API const char *yeon_call_name(enum yeon_tcp_call call);

enum yeon_cable_op {
  YEON_CABLE_CUT,
  YEON_CABLE_JOINED,
  YEON_CABLE_SET,
  YEON_CABLE_LOST,
  YEON_CABLE_DUPLICATED,
  YEON_CABLE_REORDERED,
  YEON_CABLE_CORRUPTED,
  YEON_CABLE_QUEUE_FULL,
  YEON_CABLE_SWALLOWED,
  YEON_CABLE_CODEL,  /* dropped by it */
  YEON_CABLE_MARKED, /* CE */
  YEON_CABLE_OPS
};
YEON_API const char *yeon_cable_op_name(enum yeon_cable_op op);

struct yeon_event {
  yeon_time at;
  uint32_t host; /* id given in the host's configuration */
  uint8_t type;  /* enum yeon_event_type */
  uint64_t conn; /* number of the connection, per host from 1 (TCP: modulo 2^32); 0: none, or a TIME-WAIT record */
  struct yeon_addr local, remote; /* of the connection or datagram; all zero when there is none */
  /* clang-format off */
  union {
    struct { uint8_t from, to, cause; } state; /* enum yeon_tcp_state, yeon_cause */
    struct yeon_ev_segment segment;
    struct { uint32_t len; bool checksum_absent; } datagram;
    struct { uint8_t type, code; uint32_t mtu; uint32_t len; } icmp;
    struct { const char *reason; uint32_t len; } drop; /* reason: static text, the name of the counter */
    struct { uint32_t seq, len; uint16_t count; uint8_t why; } retransmit; /* count: consecutive time-outs so far */
    struct { uint8_t timer, op; yeon_time deadline; } timer; /* deadline when armed */
    struct { uint32_t cwnd, ssthresh, flight; const char *why; } cwnd; /* bytes; why: static text */
    struct { uint32_t sample_us, srtt_us, rttvar_us, rto_us; } rtt;
    struct { uint32_t snd_queued, snd_limit, rcv_queued, rcv_window; } buffer; /* bytes */
    struct { uint8_t call; int64_t arg, result; } call;
    struct { int error; uint8_t cause; bool soft; } error;
    struct { struct yeon_ip ip; uint8_t mac[6]; bool reachable; } neighbour;
    struct { uint8_t op, direction; uint32_t len; uint32_t cable; const char *text; } cable; /* direction 0: a→b, 1: b→a, 2: both;
                              text: the new settings of a YEON_CABLE_SET, else NULL */
    struct { uint8_t what; uint32_t segments, bytes; } ecn; /* enum yeon_ecn_what; classic ECN tells of no number: 0 */
    struct { const char *text; } note; /* valid during the call only */
  } u;
  /* clang-format on */
};

/* Called in the middle of protocol work: must not call back into the host. */
typedef void yeon_event_fn(void *ctx, const struct yeon_event *event);

struct yeon_event_sink {
  yeon_event_fn *fn; /* NULL: nobody listens */
  void *ctx;
  uint32_t mask; /* of YEON_EV_BIT(type) */
};

#ifdef __cplusplus
}
#endif
#endif
