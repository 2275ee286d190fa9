/* The names of everything an event can carry. Every table has a row per enumerator: the static asserts see to it, so
 * that a new enumerator without a name does not compile. */
#include <assert.h>

#include <yeon/event.h>

#define COUNT(table) (sizeof(table) / sizeof(table)[0])
#define UNKNOWN "?"

static const char *const state_names[] = {
    [YEON_TCP_CLOSED] = "CLOSED",           [YEON_TCP_LISTEN] = "LISTEN",
    [YEON_TCP_SYN_SENT] = "SYN-SENT",       [YEON_TCP_SYN_RECEIVED] = "SYN-RECEIVED",
    [YEON_TCP_ESTABLISHED] = "ESTABLISHED", [YEON_TCP_FIN_WAIT_1] = "FIN-WAIT-1",
    [YEON_TCP_FIN_WAIT_2] = "FIN-WAIT-2",   [YEON_TCP_CLOSE_WAIT] = "CLOSE-WAIT",
    [YEON_TCP_CLOSING] = "CLOSING",         [YEON_TCP_LAST_ACK] = "LAST-ACK",
    [YEON_TCP_TIME_WAIT] = "TIME-WAIT",
};
static_assert(COUNT(state_names) == YEON_TCP_STATES, "a name per state");

static const char *const cause_names[] = {
    [YEON_CAUSE_NONE] = "none",
    [YEON_CAUSE_CALL_OPEN] = "the application opens",
    [YEON_CAUSE_CALL_CLOSE] = "the application closes",
    [YEON_CAUSE_CALL_ABORT] = "the application aborts",
    [YEON_CAUSE_SYN] = "SYN arrived",
    [YEON_CAUSE_SYN_ACK] = "SYN and ACK arrived",
    [YEON_CAUSE_ACK] = "ACK arrived",
    [YEON_CAUSE_FIN] = "FIN arrived",
    [YEON_CAUSE_FIN_ACKED] = "our FIN is acknowledged",
    [YEON_CAUSE_RST] = "RST arrived",
    [YEON_CAUSE_RTO] = "retransmissions spent",
    [YEON_CAUSE_KEEPALIVE] = "keepalive probes unanswered",
    [YEON_CAUSE_USER_TIMEOUT] = "user timeout",
    [YEON_CAUSE_TIME_WAIT_OVER] = "2 MSL are over",
    [YEON_CAUSE_ICMP] = "ICMP error",
    [YEON_CAUSE_REUSED] = "a new SYN reuses it",
    [YEON_CAUSE_LIMIT] = "a limit is reached",
    [YEON_CAUSE_HOST_DOWN] = "the host goes away",
};
static_assert(COUNT(cause_names) == YEON_CAUSES, "a name per cause");

static const char *const verdict_names[] = {
    [YEON_VERDICT_ACCEPTED] = "accepted",
    [YEON_VERDICT_NO_CONNECTION] = "no such connection",
    [YEON_VERDICT_OUT_OF_WINDOW] = "outside the window",
    [YEON_VERDICT_DUPLICATE] = "duplicate",
    [YEON_VERDICT_PAWS] = "old timestamp",
    [YEON_VERDICT_BAD_ACK] = "bad ACK number",
    [YEON_VERDICT_CHALLENGED] = "challenged",
    [YEON_VERDICT_OUT_OF_ORDER] = "out of order, kept",
    [YEON_VERDICT_NO_ROOM] = "no room",
    [YEON_VERDICT_MALFORMED] = "malformed",
};
static_assert(COUNT(verdict_names) == YEON_VERDICTS, "a name per verdict");

static const char *const retransmit_names[] = {
    [YEON_REXMIT_RTO] = "timeout",     [YEON_REXMIT_FAST] = "fast retransmit", [YEON_REXMIT_RECOVERY] = "recovery",
    [YEON_REXMIT_SYN] = "SYN timeout", [YEON_REXMIT_FIN] = "FIN timeout",      [YEON_REXMIT_PMTU] = "smaller path MTU",
    [YEON_REXMIT_PROBE] = "loss probe",
};
static_assert(COUNT(retransmit_names) == YEON_REXMIT_WHYS, "a name per reason");

static const char *const ecn_names[] = {[YEON_ECN_ARRIVED] = "marked", [YEON_ECN_TOLD] = "told of marks", [YEON_ECN_REACTED] = "marked: window reduced"};
static_assert(COUNT(ecn_names) == YEON_ECN_WHATS, "a name per kind");

static const char *const timer_names[] = {
    [YEON_TIMER_REXMIT] = "retransmission", [YEON_TIMER_PERSIST] = "persist",   [YEON_TIMER_DELACK] = "delayed ACK",
    [YEON_TIMER_KEEPALIVE] = "keepalive",   [YEON_TIMER_USER] = "user timeout", [YEON_TIMER_TIME_WAIT] = "TIME-WAIT",
    [YEON_TIMER_PACE] = "pacing",
    [YEON_TIMER_REORDER] = "reordering",    [YEON_TIMER_PROBE] = "loss probe",
};
static_assert(COUNT(timer_names) == YEON_TIMERS, "a name per timer");

static const char *const call_names[] = {
    [YEON_CALL_CONNECT] = "connect", [YEON_CALL_LISTEN] = "listen",     [YEON_CALL_ACCEPT] = "accept",
    [YEON_CALL_SEND] = "send",       [YEON_CALL_RECV] = "recv",         [YEON_CALL_SHUTDOWN] = "shutdown",
    [YEON_CALL_CLOSE] = "close",     [YEON_CALL_ABORT] = "abort",       [YEON_CALL_BIND] = "bind",
    [YEON_CALL_SENDTO] = "sendto",   [YEON_CALL_RECVFROM] = "recvfrom",
};
static_assert(COUNT(call_names) == YEON_CALLS, "a name per call");

static const char *const cable_names[] = {
    [YEON_CABLE_CUT] = "cut",
    [YEON_CABLE_JOINED] = "joined",
    [YEON_CABLE_SET] = "changed",
    [YEON_CABLE_LOST] = "lost",
    [YEON_CABLE_DUPLICATED] = "duplicated",
    [YEON_CABLE_REORDERED] = "reordered",
    [YEON_CABLE_CORRUPTED] = "corrupted",
    [YEON_CABLE_QUEUE_FULL] = "queue full",
    [YEON_CABLE_SWALLOWED] = "swallowed by the cut",
    [YEON_CABLE_CODEL] = "dropped by CoDel",
    [YEON_CABLE_MARKED] = "marked CE",
};
static_assert(COUNT(cable_names) == YEON_CABLE_OPS, "a name per happening on a cable");

/* Values come from events that may have been read back from a file: out of range is answered, not asserted. */
static const char *pick(const char *const *names, size_t count, int value)
{
  return value >= 0 && (size_t)value < count ? names[value] : UNKNOWN;
}

const char *yeon_tcp_state_name(enum yeon_tcp_state state) { return pick(state_names, COUNT(state_names), (int)state); }

const char *yeon_cause_name(enum yeon_cause cause) { return pick(cause_names, COUNT(cause_names), (int)cause); }

const char *yeon_verdict_name(enum yeon_verdict verdict)
{
  return pick(verdict_names, COUNT(verdict_names), (int)verdict);
}

const char *yeon_retransmit_why_name(enum yeon_retransmit_why why)
{
  return pick(retransmit_names, COUNT(retransmit_names), (int)why);
}

const char *yeon_ecn_what_name(enum yeon_ecn_what what) { return pick(ecn_names, COUNT(ecn_names), (int)what); }

const char *yeon_tcp_timer_name(enum yeon_tcp_timer timer) { return pick(timer_names, COUNT(timer_names), (int)timer); }

const char *yeon_call_name(enum yeon_tcp_call call) { return pick(call_names, COUNT(call_names), (int)call); }

const char *yeon_cable_op_name(enum yeon_cable_op op) { return pick(cable_names, COUNT(cable_names), (int)op); }
