/* The receiving half: a segment's way through the states and steps, and what is told back. One section a file. Included by internal.h. */
#ifndef TCP_RECEIVE_H
#define TCP_RECEIVE_H

/* input.c and the steps of RFC 9293 3.10.7.4 */
void tcp_input_conn(struct tcp_in *in, struct yeon_tcp *c);
enum tcp_step { TCP_GO_ON, TCP_STOP };
void tcp_remember_timestamp(const struct tcp_in *in, struct yeon_tcp *c);
enum tcp_step tcp_step_sequence(struct tcp_in *in, struct yeon_tcp *c);
enum tcp_step tcp_step_ack(struct tcp_in *in, struct yeon_tcp *c);
void tcp_step_urgent(struct tcp_in *in, struct yeon_tcp *c);
void tcp_step_text(struct tcp_in *in, struct yeon_tcp *c);
void tcp_step_fin(struct tcp_in *in, struct yeon_tcp *c);
/* Text of a SYN, for later: RFC 9293 3.10.7.3, fourth. */
void tcp_text_keep(struct tcp_in *in, struct yeon_tcp *c);
/* Acceptable by RFC 9293 3.10.7.4 table 6. */
bool tcp_acceptable(uint32_t seq, uint32_t len, uint32_t rcv_nxt, uint32_t rcv_wnd);
static inline uint32_t tcp_in_length(const struct tcp_in *in)
{
  return in->len + ((in->flags & YEON_TCP_SYN) != 0) + ((in->flags & YEON_TCP_FIN) != 0);
}

/* syn_sent.c, listen.c, half_open.c, cookie.c */
void tcp_input_syn_sent(struct tcp_in *in, struct yeon_tcp *c);
/* ACK of our SYN-ACK or SYN: the connection's variables are set, ESTABLISHED is entered. */
void tcp_established(struct yeon_tcp *c, enum yeon_cause cause, yeon_time now);
/* Takes over what a SYN announced: MSS, scale, timestamps, SACK. */
void tcp_take_syn_options(struct yeon_tcp *c, const struct wire_tcp *h, yeon_time now);
/* min_iss: the ISS must be past this when has_min. */
void tcp_input_listen(struct tcp_in *in, struct yeon_tcp *listener, bool has_min, uint32_t min_iss);
/* Takes over what a SYN says; all but the ISS. */
void tcp_half_open_fill(struct tcp_in *in, const struct yeon_tcp *listener, struct tcp_half_open *half);
void tcp_input_half_open(struct tcp_in *in, uint32_t id);
/* Its listener is gone, and so is the record now. */
bool tcp_half_open_forsaken(struct tcp *t, uint32_t id, yeon_time now);
void tcp_half_open_timer(struct tcp *t, struct tcp_half_open *h, yeon_time now);
void tcp_half_open_drop(struct tcp *t, struct tcp_half_open *h, enum yeon_cause cause, yeon_time now);
/* Makes the connection of an acknowledged handshake; NULL: no room. */
struct yeon_tcp *tcp_half_open_promote(struct tcp_in *in, struct yeon_tcp *listener, const struct tcp_half_open *h);
/* The SYN-ACK, in its queue; NULL: no room there. */
struct tcp_out *tcp_send_syn_ack(struct tcp *t, struct tcp_half_open *h, bool again, yeon_time now);
/* Puts a promoted connection into the table and its listener's queue, and lets it have the segment. */
void tcp_half_open_admit(struct tcp_in *in, struct yeon_tcp *listener, struct yeon_tcp *c);
bool tcp_cookie_send(struct tcp_in *in, struct yeon_tcp *listener);
/* A segment that may complete a cookie handshake: true when it did (or was dropped for lack of room). */
bool tcp_cookie_check(struct tcp_in *in, struct yeon_tcp *listener);

/* time_wait.c */
/* The conn enters TIME-WAIT; becomes a compact record at once when the application has closed. */
void tcp_enter_time_wait(struct yeon_tcp *c, enum yeon_cause cause, yeon_time now);
enum tcp_step tcp_time_wait_bsd(struct tcp_in *in, struct yeon_tcp *c);
enum tcp_step tcp_time_wait_syn(struct tcp_in *in, struct yeon_tcp *c);
/* A segment for a connection that waits while its endpoint is still held. */
void tcp_time_wait_again(struct tcp_in *in, struct yeon_tcp *c);
/* An orphan in FIN-WAIT-2 does not wait for ever. */
void tcp_fin_wait_2_start(struct yeon_tcp *c, yeon_time now);
void tcp_time_wait_compact(struct yeon_tcp *c, yeon_time now);
void tcp_input_time_wait(struct tcp_in *in, uint32_t id);
void tcp_time_wait_run(struct tcp *t, yeon_time now);
yeon_time tcp_time_wait_next(const struct tcp *t);

/* sack.c */
/* c->busy->ooo, made when there is none; NULL: no memory. */
struct tcp_sacks *tcp_sacks(struct yeon_tcp *c);
/* As ranges_add; full: as many as the receive buffer is worth are there, or no memory. */
enum ranges_added tcp_sacks_add(struct yeon_tcp *c, uint32_t left, uint32_t right);
/* c->busy must be there; with or without a set. */
void tcp_sacks_free(struct yeon_tcp *c);
/* What the blocks tell, into the records and news. */
void tcp_sack_take(struct yeon_tcp *c, const struct tcp_in *in, struct tcp_news *news);
/* Blocks that tcp_sack_fill would like to tell. */
unsigned tcp_sack_wanted(const struct yeon_tcp *c);
void tcp_sack_fill(struct yeon_tcp *c, struct wire_tcp *h);
void tcp_sack_remember(struct yeon_tcp *c, uint32_t seq);

/* window.c */
/* What is acceptable from rcv_nxt on: at least the window that was announced. */
uint32_t tcp_rcv_room(const struct yeon_tcp *c);
uint32_t tcp_rcv_wnd(const struct yeon_tcp *c);
/* The window field for a segment about to leave; moves rcv_adv. */
uint16_t tcp_window_announce(struct yeon_tcp *c);
/* The shift for a buffer of this size, or of what it may grow to. */
uint8_t tcp_window_scale_for(const struct yeon_tcp_options *o, uint32_t rcvbuf, bool fixed);
/* The window field of a SYN; mss: what it announces. */
uint16_t tcp_first_window(const struct yeon_tcp_options *o, uint32_t rcvbuf, uint16_t mss);
/* The receive buffer's growth begins anew. */
void tcp_window_begin(struct yeon_tcp *c, yeon_time now);
/* Text is about to be taken. */
void tcp_window_arrived(struct yeon_tcp *c, const struct tcp_in *in);
void tcp_window_after_read(struct yeon_tcp *c, uint32_t n, yeon_time now);

/* delack.c */
void tcp_ack_now(struct yeon_tcp *c);
void tcp_ack_data(struct yeon_tcp *c, const struct tcp_in *in);
/* Within the delay; from here on the conversation has no quick ones. */
void tcp_ack_later(struct yeon_tcp *c, yeon_time now);
void tcp_ack_sent(struct yeon_tcp *c, yeon_time now);

/* challenge.c: RFC 5961 */
void tcp_challenge(struct tcp_in *in, struct yeon_tcp *c);
bool tcp_challenge_allowed(struct tcp *t, yeon_time now);
/* An answer to an unacceptable segment, rate limited per connection. */
void tcp_ack_out_of_window(struct tcp_in *in, struct yeon_tcp *c);

#endif
