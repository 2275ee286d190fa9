#include "show.h"

#include <stdio.h>

static void show_flags(uint8_t flags)
{
  static const char letters[] = "FSRPAUEC";
  for (unsigned i = 0; i < 8; i++) {
    if (flags & 1u << i) putchar(letters[i]);
  }
}

static void show_segment(const struct yeon_ev_segment *s, bool in)
{
  printf("%s ", in ? "in " : "out");
  show_flags(s->flags);
  printf(" seq %u ack %u len %u win %u", s->has_iss || s->has_irs ? s->seq - (in ? s->irs : s->iss) : s->seq,
         s->has_irs || s->has_iss ? s->ack - (in ? s->iss : s->irs) : s->ack, s->len, s->window_bytes);
  if (s->mss) printf(" mss %u", s->mss);
  if (s->wscale >= 0) printf(" ws %d", s->wscale);
  if (s->has_ts) printf(" ts %u/%u", s->tsval, s->tsecr);
  for (unsigned i = 0; i < s->n_sack; i++) printf(" sack %u-%u", s->sack[i].left - s->iss, s->sack[i].right - s->iss);
  printf(" %s%s", yeon_tcp_state_name((enum yeon_tcp_state)s->state), s->retransmission ? " again" : "");
  if (in) printf(" -> %s", yeon_verdict_name((enum yeon_verdict)s->verdict));
}

static void show_rare(const struct yeon_event *e)
{
  switch (e->type) {
  case YEON_EV_CWND:
    printf("cwnd %u ssthresh %u flight %u %s", e->u.cwnd.cwnd, e->u.cwnd.ssthresh, e->u.cwnd.flight, e->u.cwnd.why);
    break;
  case YEON_EV_RTT:
    printf("rtt %u srtt %u var %u rto %u", e->u.rtt.sample_us, e->u.rtt.srtt_us, e->u.rtt.rttvar_us, e->u.rtt.rto_us);
    break;
  case YEON_EV_BUFFER:
    printf("buffers: send %u/%u receive %u window %u", e->u.buffer.snd_queued, e->u.buffer.snd_limit,
           e->u.buffer.rcv_queued, e->u.buffer.rcv_window);
    break;
  case YEON_EV_DATAGRAM_OUT: printf("datagram out %u", e->u.datagram.len); break;
  case YEON_EV_DATAGRAM_IN: printf("datagram in %u", e->u.datagram.len); break;
  case YEON_EV_ICMP_OUT:
  case YEON_EV_ICMP_IN:
    printf("icmp %s %u/%u mtu %u", e->type == YEON_EV_ICMP_IN ? "in" : "out", e->u.icmp.type, e->u.icmp.code,
           e->u.icmp.mtu);
    break;
  case YEON_EV_NEIGHBOUR: printf("neighbour %s", e->u.neighbour.reachable ? "reachable" : "given up"); break;
  case YEON_EV_ECN:
    printf("%s: %u segments, %u bytes", yeon_ecn_what_name((enum yeon_ecn_what)e->u.ecn.what), e->u.ecn.segments, e->u.ecn.bytes);
    break;
  case YEON_EV_NOTE: printf("%s", e->u.note.text); break;
  default: printf("event %u", e->type); break;
  }
}

void show_event(void *ctx, const struct yeon_event *e)
{
  (void)ctx;
  printf("%12.6f %s", (double)e->at / 1e9, e->type == YEON_EV_CABLE ? "-" : e->host == 1 ? "a" : "b");
  if (e->conn != 0) printf("%llu", (unsigned long long)e->conn);
  printf(" ");
  switch (e->type) {
  case YEON_EV_STATE:
    printf("%s -> %s (%s)", yeon_tcp_state_name((enum yeon_tcp_state)e->u.state.from),
           yeon_tcp_state_name((enum yeon_tcp_state)e->u.state.to), yeon_cause_name((enum yeon_cause)e->u.state.cause));
    break;
  case YEON_EV_SEGMENT_OUT: show_segment(&e->u.segment, false); break;
  case YEON_EV_SEGMENT_IN: show_segment(&e->u.segment, true); break;
  case YEON_EV_DROP: printf("drop %s %u", e->u.drop.reason, e->u.drop.len); break;
  case YEON_EV_RETRANSMIT:
    printf("retransmit %u+%u, %u, %s", e->u.retransmit.seq, e->u.retransmit.len, e->u.retransmit.count,
           yeon_retransmit_why_name((enum yeon_retransmit_why)e->u.retransmit.why));
    break;
  case YEON_EV_TIMER:
    printf("timer %s %s", yeon_tcp_timer_name((enum yeon_tcp_timer)e->u.timer.timer),
           e->u.timer.op == YEON_TIMER_ARMED     ? "armed"
           : e->u.timer.op == YEON_TIMER_STOPPED ? "stopped"
                                                 : "fired");
    if (e->u.timer.op == YEON_TIMER_ARMED) printf(" for %.6f", (double)e->u.timer.deadline / 1e9);
    break;
  case YEON_EV_CALL:
    printf("call %s(%lld) = %lld", yeon_call_name((enum yeon_tcp_call)e->u.call.call), (long long)e->u.call.arg,
           (long long)e->u.call.result);
    break;
  case YEON_EV_ERROR:
    printf("%s error %s (%s)", e->u.error.soft ? "soft" : "hard", yeon_error_name(e->u.error.error),
           yeon_cause_name((enum yeon_cause)e->u.error.cause));
    break;
  case YEON_EV_CABLE:
    printf("cable %s %s %u %s", yeon_cable_op_name((enum yeon_cable_op)e->u.cable.op),
           e->u.cable.direction == 0   ? "a->b"
           : e->u.cable.direction == 1 ? "b->a"
                                       : "both",
           e->u.cable.len, e->u.cable.text ? e->u.cable.text : "");
    break;
  default: show_rare(e); break;
  }
  putchar('\n');
}
