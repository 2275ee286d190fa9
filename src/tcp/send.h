/* The sending half: from the application's bytes to segments, how many and when, and what acknowledgments make of them. One section a file; what is lost is
 * loss.h's. Included by internal.h. */
#ifndef TCP_SEND_H
#define TCP_SEND_H

/* data.c */
/* Copies what fits into the send buffer; the count, YEON_ERR_AGAIN, YEON_ERR_NO_MEMORY. */
int64_t tcp_enqueue(struct yeon_tcp *c, const void *buf, size_t len);

/* output.c, build.c */
/* There is something new that neither the peer's window nor its being small holds back. */
bool tcp_has_new(const struct yeon_tcp *c);
uint32_t tcp_snd_base(const struct yeon_tcp *c); /* sequence number of the first byte in the send ring */
uint32_t tcp_snd_end(const struct yeon_tcp *c);  /* after the last byte queued; a FIN's sequence number */
static inline uint32_t tcp_flight(const struct yeon_tcp *c) { return c->snd_nxt - c->snd_una; }
/* Anything that only an acknowledgment can settle; also the byte of a window probe, which is in snd_max and not in the flight. */
static inline bool tcp_outstanding(const struct yeon_tcp *c) { return c->snd_una != c->snd_max; }
/* Fills in header, options and payload slices of a segment of this connection. */
void tcp_build(struct yeon_tcp *c, uint32_t seq, uint32_t len, uint8_t flags, struct tcp_out *out, yeon_time now);
/* Payload bytes of a full segment right now: SACK blocks that must be told take their room. */
uint32_t tcp_segment_size(const struct yeon_tcp *c);
void tcp_build_syn(struct yeon_tcp *c, struct tcp_out *out, yeon_time now);
void tcp_update_mss(struct yeon_tcp *c);
/* What the application or the options allow; 0: whatever the MTU does. */
uint16_t tcp_mss_limit(const struct yeon_tcp *c);
uint16_t tcp_announced_mss(const struct yeon_ip *remote, uint16_t mtu, uint16_t limit);

/* push.c: does what the application has given end here, and nothing more is announced? */
bool tcp_push_given(const struct yeon_tcp *c, uint32_t end);
/* Is the segment [seq, seq + len) of bytes to leave with PSH? */
bool tcp_push_due(struct yeon_tcp *c, uint32_t seq, uint32_t len);

/* eor.c: room for one more end. 0, YEON_ERR_LIMIT, YEON_ERR_NO_MEMORY. */
int tcp_eor_reserve(struct yeon_tcp *c);
/* A record ends behind what is queued now; after tcp_eor_reserve. */
void tcp_eor_end(struct yeon_tcp *c);
/* How much of [seq, seq + len) is of one record. */
uint32_t tcp_eor_limit(const struct yeon_tcp *c, uint32_t seq, uint32_t len);
bool tcp_eor_ends(const struct yeon_tcp *c, uint32_t end);
/* SND.UNA has moved. */
void tcp_eor_acked(struct yeon_tcp *c);
void tcp_eor_release(struct yeon_tcp *c);

/* congestion.c */
/* The connection is established, and its segment size known. */
void tcp_congestion_begin(struct yeon_tcp *c, yeon_time now);
/* State for congestion control, while c->busy is there. */
void tcp_congestion_lend(struct yeon_tcp *c);
void tcp_congestion_take_back(struct yeon_tcp *c);
/* After tcp_recovery_on_ack; recovering, again: before it, TCP_F_RECOVERY and TCP_F_RTO_RECOVERY. */
void tcp_congestion_on_ack(struct yeon_tcp *c, const struct tcp_news *news, bool recovering, bool again, yeon_time now);
/* Something has left. */
void tcp_congestion_on_sent(struct yeon_tcp *c);
/* Another algorithm, from now on; the window stays. YEON_ERR_NO_MEMORY: as before. */
int tcp_congestion_choose(struct yeon_tcp *c, enum yeon_congestion algorithm, yeon_time now);
/* The connection ends: state that the algorithm held. */
void tcp_congestion_end(struct yeon_tcp *c);
/* New bytes are about to leave, perhaps after a pause. */
void tcp_congestion_idle(struct yeon_tcp *c, yeon_time now);

/* rate.c: with TCP_G_RATED */
static inline bool tcp_rated(const struct yeon_tcp *c) { return (c->flags2 & TCP_G_RATED) != 0; }
/* A record of len bytes, or a copy of it, leaves; not yet counted in the pipe. */
void tcp_rate_stamp(struct yeon_tcp *c, struct tcp_sent *r, uint32_t len, yeon_time now);
/* Nothing more leaves now: is it for want of bytes? */
void tcp_rate_consider_app(struct yeon_tcp *c);
/* Fills in a->rate. */
void tcp_rate_on_ack(struct yeon_tcp *c, const struct tcp_news *news, struct cc_ack *a);

/* pace.c */
static inline bool tcp_paced(const struct yeon_tcp *c) { return (c->flags2 & TCP_G_PACED) != 0; }
/* Settles whether the connection is paced. */
void tcp_pace_consider(struct yeon_tcp *c);
/* Bytes a second; 0: not limited (not paced, or no round trip measured yet). */
uint64_t tcp_pace_rate(const struct yeon_tcp *c);
/* What cwnd a round trip comes to, raised as Linux does, bytes a second; 0: not known yet. */
uint64_t tcp_pace_measure(const struct yeon_tcp *c);
/* Of a paced connection: how much of len may leave now; 0: none before the timer, which is set then. */
uint32_t tcp_pace_allow(struct yeon_tcp *c, uint32_t len, yeon_time now);
void tcp_pace_sent(struct yeon_tcp *c, uint32_t len);
void tcp_on_pace_timer(struct yeon_tcp *c, yeon_time now);

/* ack.c: takes acknowledged bytes out of the send buffer. */
void tcp_advance(struct yeon_tcp *c, uint32_t ack, struct tcp_news *news, yeon_time now);

/* rtt.c */
void tcp_rtt_sample(struct yeon_tcp *c, uint32_t sample_us, yeon_time now);
/* A round trip by the timestamp that a segment echoes, if it does. */
void tcp_rtt_echo(struct yeon_tcp *c, const struct tcp_in *in);
uint32_t tcp_rto_us(const struct yeon_tcp *c); /* with back-off */
uint32_t tcp_backoff(const struct tcp *t, uint32_t rto_us, unsigned doublings);
void tcp_rtt_on_ack(struct yeon_tcp *c, const struct tcp_in *in);

/* rexmit.c: the retransmission timer */
void tcp_on_rexmit_timer(struct yeon_tcp *c, yeon_time now);

/* persist.c */
void tcp_persist_consider(struct yeon_tcp *c, yeon_time now);
void tcp_persist_on_ack(struct yeon_tcp *c, yeon_time now);
void tcp_on_persist_timer(struct yeon_tcp *c, yeon_time now);

/* keepalive.c */
void tcp_keepalive_start(struct yeon_tcp *c, yeon_time now);
void tcp_keepalive_asked(struct yeon_tcp *c, yeon_time now);
void tcp_on_keepalive_timer(struct yeon_tcp *c, yeon_time now);
uint32_t tcp_keepidle_ms(const struct yeon_tcp *c);
uint32_t tcp_keepintvl_ms(const struct yeon_tcp *c);
uint8_t tcp_keepcnt(const struct yeon_tcp *c);

/* user_timeout.c */
uint32_t tcp_user_timeout_ms(const struct yeon_tcp *c);
void tcp_user_timeout_start(struct yeon_tcp *c, yeon_time now);
void tcp_on_user_timer(struct yeon_tcp *c, yeon_time now);
/* Puts the option on a header, if we speak it. */
void tcp_user_timeout_option(const struct yeon_tcp *c, struct wire_tcp *h);
/* Is it to go on the next segment? */
bool tcp_user_timeout_due(const struct yeon_tcp *c);
void tcp_user_timeout_heard(struct yeon_tcp *c, const struct wire_tcp *h, yeon_time now);

/* plpmtud.c: RFC 4821 */
/* The connection is established. */
void tcp_plpmtu_start(struct yeon_tcp *c);
/* Payload bytes of a probe to send now, at snd_nxt, where room is what cwnd allows; 0: none. */
uint32_t tcp_plpmtu_probe(struct yeon_tcp *c, uint32_t room, yeon_time now);
void tcp_plpmtu_sent(struct yeon_tcp *c, uint32_t seq, uint32_t len);
/* [seq, end) was sent before and leaves again. */
void tcp_plpmtu_resent(struct yeon_tcp *c, uint32_t seq, uint32_t end);
/* After snd_una has moved. */
void tcp_plpmtu_on_ack(struct yeon_tcp *c, yeon_time now);
/* Recovery is about to begin. True: only a probe is missing; it goes again in smaller pieces, and there is nothing to recover from. */
bool tcp_plpmtu_lost(struct yeon_tcp *c, yeon_time now);
/* path_mtu has come down by what ICMP told. */
void tcp_plpmtu_narrowed(struct yeon_tcp *c);
/* The retransmission timer has fired, rexmits counted. */
void tcp_plpmtu_on_timeout(struct yeon_tcp *c, yeon_time now);

/* pmtu.c */
uint32_t tcp_least_mtu(const struct yeon_tcp *c); /* IP bytes */
void tcp_path_mtu(struct yeon_tcp *c, uint32_t mtu, yeon_time now);

#endif
