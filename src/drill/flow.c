/* Flows: which conversation a packet of the script belongs to, and how its numbers are to be read. Scripts mostly
 * speak of one conversation and name no ports; a listener's next segment, a connect, or ports that are named begin
 * another. */
#include <string.h>

#include "drill/run.h"
#include "wire/ipv4.h"

struct drill_flow *flow_new(struct drill_run *r, uint8_t protocol)
{
  struct drill_flow *flow = drill_alloc(r->arena, sizeof *flow);
  flow->protocol = protocol;
  flow->local.ip = r->local;
  flow->remote.ip = r->remote;
  flow->next = r->flows;
  r->flows = flow;
  return flow;
}

static struct drill_flow *find_by_ports(struct drill_run *r, uint8_t protocol, uint16_t local, uint16_t remote)
{
  for (struct drill_flow *f = r->flows; f != NULL; f = f->next)
    if (f->protocol == protocol && f->remote.port == remote && (f->local.port == local || f->local.port == 0)) return f;
  return NULL;
}

static struct drill_flow *flow_with_ports(struct drill_run *r, const struct drill_packet *k, uint8_t protocol)
{
  uint16_t local = k->out ? k->src_port : k->dst_port, remote = k->out ? k->dst_port : k->src_port;
  struct drill_flow *f = find_by_ports(r, protocol, local, remote);
  if (f != NULL) return f;
  f = flow_new(r, protocol);
  f->local.port = local;
  f->remote.port = remote;
  if (r->flow == NULL || r->awaiting_syn || r->flow->protocol != protocol) r->flow = f;
  r->awaiting_syn = false;
  return f;
}

/* The local port of a flow whose packets have not been seen yet is that of the endpoint. */
static void find_local_port(struct drill_run *r, struct drill_flow *f)
{
  struct yeon_addr local = {.port = 0};
  for (unsigned i = 0; i < DRILL_FDS && f->local.port == 0; i++) {
    struct drill_fd *fd = &r->fds[i];
    if (fd->number < 0 || fd->dead) continue;
    if (fd->tcp != NULL && f->protocol == WIRE_PROTO_TCP && fd->peer.port == f->remote.port)
      yeon_tcp_local(fd->tcp, &local);
    if (fd->udp != NULL && f->protocol == WIRE_PROTO_UDP) yeon_udp_local(fd->udp, &local);
    f->local.port = local.port;
  }
}

static struct drill_flow *begin_passive(struct drill_run *r, uint8_t protocol)
{
  struct drill_flow *f = flow_new(r, protocol);
  f->local.port = r->listen_port != 0 ? r->listen_port : r->bind_port;
  f->remote.port = r->next_port++;
  r->flow = f;
  r->awaiting_syn = false;
  return f;
}

struct drill_flow *flow_of(struct drill_run *r, const struct drill_packet *k)
{
  uint8_t protocol = k->kind == DRILL_TCP ? WIRE_PROTO_TCP : WIRE_PROTO_UDP;
  if (k->kind != DRILL_ICMP && k->src_port != 0 && k->dst_port != 0) return flow_with_ports(r, k, protocol);
  struct drill_flow *f = r->flow;
  if (k->kind == DRILL_ICMP) {
    if (f == NULL) f = r->flow = flow_new(r, WIRE_PROTO_ICMP);
  } else if (f == NULL || f->protocol != protocol || (!k->out && r->awaiting_syn)) {
    f = begin_passive(r, protocol);
  }
  if (!k->out && f->local.port == 0) find_local_port(r, f);
  return f;
}

void flow_connect(struct drill_run *r, struct drill_fd *fd, const struct yeon_addr *remote)
{
  struct yeon_addr local;
  struct drill_flow *f = flow_new(r, fd->udp != NULL ? WIRE_PROTO_UDP : WIRE_PROTO_TCP);
  f->remote = *remote;
  if (fd->udp != NULL)
    yeon_udp_local(fd->udp, &local);
  else
    yeon_tcp_local(fd->tcp, &local);
  if (fd->bound) f->local.port = local.port;
  r->flow = f;
  r->connecting = true;
  r->awaiting_syn = false;
}

uint32_t flow_local_offset(const struct drill_flow *flow, bool syn)
{
  if (flow == NULL || !flow->iss_known) return 0;
  return syn ? flow->iss - flow->script_iss : flow->iss;
}

uint32_t flow_remote_offset(const struct drill_flow *flow, bool syn)
{
  return flow == NULL || syn || !flow->irs_known ? 0 : flow->irs;
}

void flow_learn(struct drill_flow *flow, const struct drill_packet *k, const struct drill_live *l)
{
  if (flow->local.port == 0) flow->local.port = l->src_port;
  if (l->protocol != WIRE_PROTO_TCP) return;
  if ((l->flags & k->flags & YEON_TCP_SYN) == 0 || flow->iss_known) return;
  flow->iss_known = true;
  flow->iss = l->seq;
  flow->script_iss = k->seq;
}

void flow_stamp(struct drill_run *r, struct drill_flow *flow, uint32_t script, uint32_t live)
{
  if (!flow->stamps_known) {
    flow->stamps_known = true;
    flow->stamp_first_script = script;
    flow->stamp_first_live = live;
  }
  for (unsigned i = flow->n_stamps; i-- > 0;) {
    if (flow->stamps[i].script != script) continue;
    flow->stamps[i].live = live;
    return;
  }
  if (flow->n_stamps == flow->room_stamps) {
    unsigned room = flow->room_stamps == 0 ? 16 : 2 * flow->room_stamps;
    struct drill_stamp *more = drill_alloc(r->arena, room * sizeof *more);
    if (flow->n_stamps > 0) memcpy(more, flow->stamps, flow->n_stamps * sizeof *more);
    flow->stamps = more;
    flow->room_stamps = room;
  }
  flow->stamps[flow->n_stamps++] = (struct drill_stamp){script, live};
}

bool flow_stamp_live(const struct drill_flow *flow, uint32_t script, uint32_t *live)
{
  for (unsigned i = flow->n_stamps; i-- > 0;) {
    if (flow->stamps[i].script != script) continue;
    *live = flow->stamps[i].live;
    return true;
  }
  if (!flow->stamps_known) return false;
  *live = flow->stamp_first_live + (script - flow->stamp_first_script);
  return true;
}
