/* The host of a script, and time. */
#include <string.h>

#include "drill/run.h"
#include "host/host.h"
#include "tcp/internal.h"

yeon_time world_host_time(const struct drill_run *r) { return r->now + DRILL_EPOCH; }

/* Long enough before the script for duplicate address detection and what else an address begins with. */
#define WARM_UP (5 * YEON_SEC)

#define LINUX_SNDBUF (64u << 20)

static void add_route(struct drill_run *r)
{
  struct yeon_ip none = yeon_ip4(0, 0, 0, 0);
  bool four = yeon_ip_is4(&r->local);
  if (!four) memset(&none, 0, sizeof none);
  yeon_host_add_route(r->host, &none, 0, NULL, 0);
}

static void warm_up(struct drill_run *r)
{
  struct yeon_frame frames[8];
  yeon_time now = DRILL_EPOCH - WARM_UP;
  while (now <= DRILL_EPOCH) {
    while (yeon_host_output(r->host, 0, frames, 8, now) == 8) {
    }
    yeon_time next = yeon_host_next(r->host);
    if (next > DRILL_EPOCH) break;
    now = next > now ? next : now + YEON_MS;
  }
}

bool world_begin(struct drill_run *r)
{
  if (r->host != NULL) return true;
  struct yeon_host_config config;
  const char *field;
  yeon_host_config_init(&config);
  if (r->options.rcvbuf_max < r->options.rcvbuf) r->options.rcvbuf_max = r->options.rcvbuf;
  if (r->options.sndbuf_max < r->options.sndbuf) r->options.sndbuf_max = r->options.sndbuf;
  if (yeon_tcp_options_check(&r->options, &field) != 0) {
    drill_needs(r, "a host with %s out of range", field);
    return false;
  }
  config.seed = r->config->seed != 0 ? r->config->seed : 1;
  struct yeon_tcp_options options = r->options;
  if (!r->freebsd) options.sndbuf = options.sndbuf_max = LINUX_SNDBUF; /* the limit is kept by linux_send.c */
  config.tcp = &options;
  struct yeon_link_config link = {.name = "wire", .mtu = r->mtu};
  if (yeon_host_new(&r->host, &config, DRILL_EPOCH - WARM_UP) != 0 || yeon_host_add_link(r->host, &link) != 0 ||
      yeon_host_add_addr(r->host, 0, &r->local, yeon_ip_is4(&r->local) ? 16 : 48) != 0) {
    drill_needs(r, "an MTU and addresses that a host can have");
    return false;
  }
  fastopen_apply_key(r);
  add_route(r);
  warm_up(r);
  if (r->route_mtu != 0) ip_pmtu_learn(&r->host->ip, 0, &r->remote, r->route_mtu, DRILL_EPOCH);
  return true;
}

void world_end(struct drill_run *r)
{
  yeon_host_free(r->host);
  r->host = NULL;
}

static void queue_frame(struct drill_run *r, const struct yeon_frame *f)
{
  uint8_t *bytes = drill_alloc(r->arena, f->len);
  if (yeon_frame_copy(f, bytes, f->len) == 0) return;
  struct drill_live *l = live_read(r, bytes, f->len);
  if (l == NULL) return;
  l->at = r->now;
  l->optional = r->may_answer;
  tunnel_out(r, l);
  if (l->protocol == 6 && (l->flags & (YEON_TCP_SYN | YEON_TCP_ACK)) == YEON_TCP_SYN) r->syn_payload = l->payload;
  *r->live_tail = l;
  r->live_tail = &l->next;
  if (r->config->trace != NULL) drill_trace(r, "   sends %s", show_live(r, l, NULL));
}

void world_pump(struct drill_run *r)
{
  struct yeon_frame frames[16];
  size_t n;
  do {
    n = yeon_host_output(r->host, 0, frames, r->device_full ? 0 : 16, world_host_time(r));
    for (size_t i = 0; i < n; i++) queue_frame(r, &frames[i]);
  } while (n == 16);
}

/* What the host reports is asked for as it stands; here it only counts, for edges. */
static void take_reports(struct drill_run *r)
{
  struct yeon_ready ready;
  while (yeon_host_event(r->host, &ready)) {
    struct drill_fd *fd = ready.user;
    if (fd == NULL) continue;
    if ((ready.events & YEON_WRITABLE) != 0) fd->activity_out++;
    if ((ready.events & (YEON_ERROR | YEON_CLOSED)) != 0) fd->activity_err++;
  }
  for (unsigned i = 0; i < DRILL_FDS; i++) {
    struct drill_fd *fd = &r->fds[i];
    if (fd->coming != NULL) error_queue_update(r, fd);
    if (!r->freebsd && fd->tcp != NULL && !fd->listening) linux_send_acked(r, fd);
    if (fd->connecting && fd->tcp != NULL && !fd->connected && yeon_tcp_state(fd->tcp) >= YEON_TCP_ESTABLISHED) {
      fd->connected = true;
      if (fd->keepinit_s != 0) yeon_tcp_set(fd->tcp, YEON_TCP_USER_TIMEOUT_MS, 0, world_host_time(r));
    }
  }
}

void world_settle(struct drill_run *r)
{
  /* A writer that waits for its connection to stand goes first: its bytes carry the acknowledgment. */
  if (r->op.active && r->op.opening == DRILL_OPENING) call_retry(r);
  for (unsigned pass = 0; pass < 100; pass++) {
    world_pump(r);
    take_reports(r);
    if (!r->op.active || r->over) return;
    int64_t before = r->op.so_far;
    call_retry(r);
    if (r->op.active && r->op.so_far == before) return;
  }
}

/* A device that takes nothing is not waited for: what wants to leave stays. */
static yeon_time host_next(const struct drill_run *r)
{
  if (!r->device_full) return yeon_host_next(r->host);
  yeon_time tcp = tcp_next(&r->host->tcp), ip = r->host->ip.next_at;
  return tcp < ip ? tcp : ip;
}

static yeon_time next_at(const struct drill_run *r)
{
  yeon_time next = host_next(r);
  next = next == YEON_NEVER ? YEON_NEVER : next - DRILL_EPOCH;
  if (r->op.active && r->op.give_up_at < next) next = r->op.give_up_at;
  return next;
}

bool world_step(struct drill_run *r, yeon_time until)
{
  world_settle(r);
  yeon_time next = next_at(r);
  if (next > until) {
    if (until > r->now) r->now = until;
    world_settle(r);
    return false;
  }
  if (next > r->now) r->now = next;
  world_settle(r);
  return true;
}

/* A host that always wants to be called again would hold time still. */
#define STEPS_MAX 1000000

void world_advance(struct drill_run *r, yeon_time until)
{
  unsigned steps = 0;
  while (drill_passing(r) && world_step(r, until))
    if (++steps > STEPS_MAX) drill_fail(r, "the host never comes to rest");
}

/* What Linux remembers of reordering for the life of a connection, ours only while something is in flight: told here before that rests. */
static void note_reordering(struct drill_run *r, const uint16_t *before)
{
  for (unsigned i = 0; i < DRILL_FDS; i++) {
    struct drill_fd *fd = &r->fds[i];
    if (fd->tcp == NULL || fd->tcp->busy == NULL) continue;
    const struct tcp_rack *k = &fd->tcp->busy->rack;
    fd->reorderings += (uint16_t)(k->reorderings - before[i]);
    if (k->reordering > fd->reordering) fd->reordering = k->reordering;
  }
}

void world_inject(struct drill_run *r, const uint8_t *packet, size_t len, uint32_t payload)
{
  struct yeon_frame f;
  yeon_frame_from_bytes(&f, packet, len);
  if (payload > r->gro_mss && r->gro_mss > 0) {
    f.segs = (uint8_t)((payload + r->gro_mss - 1) / r->gro_mss);
    f.gso_size = r->gro_mss;
    f.csum = YEON_CSUM_VALID;
  }
  uint16_t before[DRILL_FDS];
  for (unsigned i = 0; i < DRILL_FDS; i++) {
    const struct yeon_tcp *c = r->fds[i].tcp;
    before[i] = c != NULL && c->busy != NULL ? c->busy->rack.reorderings : 0;
  }
  yeon_host_input(r->host, 0, &f, 1, world_host_time(r));
  note_reordering(r, before);
  r->result->packets_in++;
  world_settle(r);
}
