/* Packets that the script expects: waiting for them, joining segments where the script has one, comparing. */
#include <stdio.h>
#include <string.h>

#include "drill/run.h"
#include "drill/tcp_option.h"
#include "wire/ipv4.h"
#include "wire/wire.h"

/* The most an instant may be off: the tolerance, or a share of the time since the event before, as packetdrill has
 * it. */
static yeon_time tolerance(const struct drill_run *r, yeon_time expected)
{
  yeon_time share = (yeon_time)((double)(expected - r->last_at) * r->tolerance_percent / 100.0);
  return share > r->tolerance ? share : r->tolerance;
}

static void expected_times(const struct drill_run *r, const struct drill_event *e, yeon_time *from, yeon_time *to)
{
  yeon_time base = e->when == DRILL_RELATIVE ? r->last_at : 0;
  *from = base + e->at;
  *to = e->range ? base + e->until : *from;
}

bool outbound_time_ok(struct drill_run *r, const struct drill_event *e, yeon_time happened)
{
  yeon_time from, to;
  if (e->when == DRILL_ANY_TIME || r->config->any_time) return true;
  expected_times(r, e, &from, &to);
  yeon_time slack = tolerance(r, from);
  if (happened >= from - slack && happened <= to + slack) return true;
  return false;
}

static const char *seconds(struct drill_run *r, yeon_time t)
{
  return drill_format(r->arena, "%.6f", (double)t / (double)YEON_SEC);
}

/* What happened, with the fields of IP that the script speaks of. */
static const char *show_happened(struct drill_run *r, const struct drill_packet *k, const struct drill_live *l,
                                 const struct drill_flow *flow)
{
  const char *tos = k->tos >= 0 ? drill_format(r->arena, "(tos 0x%x) ", l->tos) : "";
  const char *ttl = k->ttl >= 0 ? drill_format(r->arena, "(ttl %u) ", l->ttl) : "";
  return drill_format(r->arena, "%s > %s%s%s", seconds(r, l->at), tos, ttl, show_live(r, l, flow));
}

static void differ(struct drill_run *r, const char *what, const struct drill_event *e, const struct drill_live *l,
                   const struct drill_flow *flow)
{
  yeon_time from, to;
  expected_times(r, e, &from, &to);
  const char *at = e->when == DRILL_ANY_TIME ? "*" : seconds(r, from);
  if (e->range) at = drill_format(r->arena, "%s~%s", at, seconds(r, to));
  const char *expected = drill_format(r->arena, "%s > %s", at, show_packet(r, e->packet));
  drill_differ(r, what, expected, l == NULL ? "nothing" : show_happened(r, e->packet, l, flow));
}

/* The next packet of the flow, as late as it may come. */
static struct drill_live *wait_for(struct drill_run *r, const struct drill_packet *k, struct drill_flow *flow,
                                   yeon_time until)
{
  struct drill_live *l;
  unsigned steps = 0;
  while ((l = live_take(r, k, flow)) == NULL && drill_passing(r))
    if (!world_step(r, until) || ++steps > 100000) return live_take(r, k, flow);
  return l;
}

static bool continues(const struct drill_live *l, const struct drill_live *more)
{
  const uint16_t loose = YEON_TCP_PSH | YEON_TCP_FIN;
  return l->protocol == WIRE_PROTO_TCP && more->protocol == WIRE_PROTO_TCP && more->payload > 0 &&
         more->seq == l->seq + l->payload && ((l->flags ^ more->flags) & ~loose & 0x1ff) == 0 &&
         more->dst_port == l->dst_port && (l->flags & YEON_TCP_FIN) == 0 && more->ack == l->ack;
}

/* The script's one segment may be several of the host's: what is one frame for a device that cuts super-segments is
 * several on a wire. */
static void join(struct drill_run *r, const struct drill_packet *k, struct drill_flow *flow, struct drill_live *l,
                 yeon_time until)
{
  while (k->kind == DRILL_TCP && !r->strict_segments && l->payload < k->len && l->payload > 0 && drill_passing(r)) {
    unsigned steps = 0;
    while (r->live == NULL && ++steps < 1000 && world_step(r, until)) {
    }
    struct drill_live *more = r->live;
    if (more == NULL || !live_belongs(r, more, flow) || !continues(l, more)) return;
    if (live_take(r, k, flow) != more) return;
    l->payload += more->payload;
    l->flags |= more->flags;
    l->at = more->at;
    l->segments++;
  }
}

static bool option_differs(const struct drill_run *r, const struct drill_flow *flow, const struct drill_option *want,
                           const struct drill_option *got)
{
  if (want->kind != got->kind || want->len != got->len) return true;
  if (want->kind != TCP_OPTION_TS) return memcmp(want->data, got->data, want->len > 2 ? want->len - 2u : 0) != 0;
  if (wire_get32(want->data + 4) != wire_get32(got->data + 4)) return true; /* the echo: the remote end's own number */
  if (r->tick_us == 0 || !flow->stamps_known || want->any_value) return false;
  uint32_t live = wire_get32(got->data) - flow->stamp_first_live + flow->stamp_first_script;
  int32_t off = (int32_t)(live - wire_get32(want->data));
  return (uint64_t)(off < 0 ? -(int64_t)off : off) * r->tick_us * 1000 > (uint64_t)r->tolerance;
}

static const char *compare_options(struct drill_run *r, const struct drill_packet *k, struct drill_flow *flow,
                                   const struct drill_live *l)
{
  struct drill_option got[DRILL_OPTIONS];
  if (k->any_options || r->config->any_options) return NULL;
  unsigned n = show_read_options(l, flow_remote_offset(flow, (l->flags & YEON_TCP_SYN) != 0), got, DRILL_OPTIONS);
  for (unsigned i = 0; i < n && i < k->n_options; i++) {
    bool both_ts = got[i].kind == TCP_OPTION_TS && k->options[i].kind == TCP_OPTION_TS;
    if (both_ts && !k->options[i].any_value) flow_stamp(r, flow, wire_get32(k->options[i].data), wire_get32(got[i].data));
    if (option_differs(r, flow, &k->options[i], &got[i]))
      return both_ts ? "the timestamp is off" : "another option, or its contents";
  }
  if (n != k->n_options) return n > k->n_options ? "options that the script does not have" : "options are missing";
  return NULL;
}

/* The flags compared. Where the script has one segment for several of the host's, PSH tells how a device's
 * super-segments were cut, nothing of TCP: Linux sets it on each of them. */
static uint16_t flags_compared(const struct drill_run *r, const struct drill_live *l)
{
  uint16_t mask = 0x1ff;
  if (r->config->any_push || l->segments > 1) mask &= (uint16_t)~YEON_TCP_PSH;
  return mask;
}

static const char *compare_tcp(struct drill_run *r, const struct drill_packet *k, struct drill_flow *flow,
                               const struct drill_live *l)
{
  bool syn = (l->flags & YEON_TCP_SYN) != 0;
  uint32_t ours = k->absolute ? 0 : flow_local_offset(flow, syn),
           theirs = k->absolute ? 0 : flow_remote_offset(flow, syn);
  if (((k->flags ^ l->flags) & flags_compared(r, l)) != 0) return "other flags";
  if (!k->any_seq && l->seq - ours != k->seq) return "another sequence number";
  if (l->payload != k->len) return "another length";
  if ((k->flags & YEON_TCP_ACK) != 0 && l->ack - theirs != k->ack) return "another acknowledgment number";
  if (k->has_window && !r->config->any_window && k->window != l->window) return "another window";
  if (k->urgent != l->urgent) return "another urgent pointer";
  if (k->udp_src != l->udp_src || k->udp_dst != l->udp_dst) return "another datagram around it";
  return compare_options(r, k, flow, l);
}

static const char *compare_ip(const struct drill_packet *k, const struct drill_live *l)
{
  if (k->ttl >= 0 && l->ttl != k->ttl) return "another TTL or hop limit";
  if (k->tos >= 0 && l->tos != k->tos) return "another type of service or traffic class";
  if (k->dscp >= 0 && l->tos >> 2 != k->dscp) return "another DSCP";
  if (k->ecn >= 0 && (l->tos & 3) != k->ecn) return "another ECN codepoint";
  if (k->ecn_either && (l->tos & 3) != 1 && (l->tos & 3) != 2) return "neither ECT(0) nor ECT(1)";
  if (k->flow_label >= 0 && l->six && l->flow_label != (uint32_t)k->flow_label) return "another flow label";
  return NULL;
}

static const char *compare(struct drill_run *r, const struct drill_packet *k, struct drill_flow *flow,
                           const struct drill_live *l)
{
  static const uint8_t protocols[][2] = {{6, 6}, {17, 17}, {1, 58}};
  if (l->protocol != protocols[k->kind][l->six]) return "another protocol";
  const char *what = compare_ip(k, l);
  if (what != NULL) return what;
  if (k->kind == DRILL_TCP) return compare_tcp(r, k, flow, l);
  if (k->kind == DRILL_UDP) return l->payload != k->len ? "another length" : NULL;
  uint8_t type, code;
  if (!icmp_words(k, l->six, &type, &code)) return "no ICMP message of this family";
  if (l->bytes[0] != type || l->bytes[1] != code) return "another ICMP message";
  return NULL;
}

/* What leaves together with the packet found, unless it only goes on with a super-segment: how much of the bytes
 * that may go now are in one is the device's matter. */
static void note_left_over(struct drill_run *r, const struct drill_live *found)
{
  uint32_t next = found->seq + found->payload;
  for (struct drill_live *l = r->live; l != NULL; l = l->next) {
    bool goes_on = found->segments > 1 && l->protocol == found->protocol && l->payload > 0 && l->seq == next;
    l->passed_over = !goes_on && l->at == found->at;
    if (goes_on) next += l->payload;
  }
}

void outbound_packet(struct drill_run *r, const struct drill_event *e)
{
  const struct drill_packet *k = e->packet;
  struct drill_flow *flow = flow_of(r, k);
  yeon_time from, to;
  expected_times(r, e, &from, &to);
  yeon_time late = to + tolerance(r, from);
  struct drill_live *l =
      wait_for(r, k, flow, e->when == DRILL_ANY_TIME || r->config->any_time ? r->now + r->horizon : late);
  if (l == NULL && drill_passing(r)) { /* look further, to tell what came instead */
    l = wait_for(r, k, flow, r->now + r->horizon / 4);
    if (drill_passing(r)) differ(r, l == NULL ? "nothing is sent" : "too late", e, l, flow);
    return;
  }
  if (l == NULL) return;
  join(r, k, flow, l, late);
  if (k->kind != DRILL_ICMP) flow_learn(flow, k, l);
  r->result->packets_out++;
  note_left_over(r, l);
  const char *what = compare(r, k, flow, l);
  if (what == NULL && !outbound_time_ok(r, e, l->at)) what = l->at < from ? "too early" : "too late";
  if (what != NULL && drill_passing(r)) differ(r, what, e, l, flow);
}

/* Scripts end where their authors had seen enough: what the host answers to their last lines is not waited for,
 * unless strict_end asks. But what left together with the last packet expected is one too many. */
void outbound_extra(struct drill_run *r)
{
  if (r->config->allow_extra || r->flow == NULL) return;
  struct drill_live *l = live_take(r, NULL, r->flow);
  if (l == NULL || (!r->config->strict_end && !l->passed_over)) return;
  const char *happened = drill_format(r->arena, "%s > %s", seconds(r, l->at), show_live(r, l, r->flow));
  drill_differ(r, "a packet that the script does not mention", "nothing more", happened);
}
