/* The one function that changes a connection's state (RFC 9293 3.3.2): it checks, and it tells. */
#include "tcp/internal.h"

#define TO(s) (1u << YEON_TCP_##s)

/* Where each state may go (RFC 9293 3.3.2, figure 5, and the calls and resets of 3.10). */
static const uint16_t legal[YEON_TCP_STATES] = {
    [YEON_TCP_CLOSED] = TO(LISTEN) | TO(SYN_SENT) | TO(SYN_RECEIVED),
    [YEON_TCP_LISTEN] = TO(CLOSED),
    [YEON_TCP_SYN_SENT] = TO(SYN_RECEIVED) | TO(ESTABLISHED) | TO(CLOSED),
    [YEON_TCP_SYN_RECEIVED] = TO(ESTABLISHED) | TO(FIN_WAIT_1) | TO(CLOSED),
    [YEON_TCP_ESTABLISHED] = TO(FIN_WAIT_1) | TO(CLOSE_WAIT) | TO(CLOSED),
    [YEON_TCP_FIN_WAIT_1] = TO(FIN_WAIT_2) | TO(CLOSING) | TO(CLOSED),
    [YEON_TCP_FIN_WAIT_2] = TO(TIME_WAIT) | TO(CLOSED),
    [YEON_TCP_CLOSE_WAIT] = TO(LAST_ACK) | TO(CLOSED),
    [YEON_TCP_CLOSING] = TO(TIME_WAIT) | TO(CLOSED),
    [YEON_TCP_LAST_ACK] = TO(CLOSED),
    [YEON_TCP_TIME_WAIT] = TO(CLOSED),
};

void tcp_tell_state(struct tcp *t, const struct tcp_key *key, uint64_t id, enum yeon_tcp_state from,
                    enum yeon_tcp_state to, enum yeon_cause cause, yeon_time now)
{
  if (!event_wanted(t->events, YEON_EV_STATE)) return;
  struct yeon_event ev = event_make(t->events, YEON_EV_STATE, now);
  tcp_fill_event(t, key, id, &ev);
  ev.u.state.from = (uint8_t)from;
  ev.u.state.to = (uint8_t)to;
  ev.u.state.cause = (uint8_t)cause;
  event_emit(t->events, &ev);
}

void tcp_set_state(struct yeon_tcp *c, enum yeon_tcp_state to, enum yeon_cause cause, yeon_time now)
{
  enum yeon_tcp_state from = (enum yeon_tcp_state)c->state;
  assert((legal[from] & (1u << to)) != 0);
  c->state = (uint8_t)to;
  c->flags2 |= TCP_G_USED;
  tcp_tell_state(c->t, &c->record.key, c->id, from, to, cause, now);
}
