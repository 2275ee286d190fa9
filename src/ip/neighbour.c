/* Neighbours: which Ethernet address a next hop has (RFC 826 with RFC 1122 2.3.2; RFC 4861 7.2, 7.3). One table and one state machine for
 * both families; only the messages differ (arp.c, nd.c).
 *
 * A packet for an unknown neighbour makes an INCOMPLETE entry, waits in it (at most three do; a fourth takes the place of the
 * oldest), and a question goes out, three times, a second apart; then the packets are reported unreachable to whoever sent them and the
 * entry is gone. An answer makes it REACHABLE for 30 s. After that it is STALE: still used, but the first use starts DELAY, and when 5 s
 * later nobody has confirmed it, it is asked directly, three times (PROBE). REACHABLE and STALE need no timer: a look at
 * confirmed_at tells.
 *
 * Those that wait for their time stand in two lines, for a second and for 5 s; so each line is in the order of time, and a flood of strangers
 * costs no walk over all.
 *
 * The table has a limit. At the limit a STALE entry makes room; with none found soon, the newcomer is refused. */
#include "ip/ip.h"

#define NEIGH_RETRY YEON_SEC
#define NEIGH_TRIES 3
#define NEIGH_REACHABLE (30 * YEON_SEC)
#define NEIGH_DELAY (5 * YEON_SEC)
#define NEIGH_LOCK YEON_SEC /* an address is not changed again within this time by what nobody asked for */

static uint32_t hash_of(const struct ip *ip, unsigned link, const struct yeon_ip *a)
{
  uint8_t key[17];
  memcpy(key, a, 16);
  key[16] = (uint8_t)link;
  return (uint32_t)hash_sip13(&ip->key, key, sizeof key);
}

static struct ip_neigh *neigh_at(const struct ip *ip, uint32_t number) { return pool_at(&ip->neigh_pool, number); }

static uint32_t *neigh_link(const void *ctx, uint32_t id) { return &neigh_at(ctx, id)->chain; }

static uint32_t neigh_hash(const void *ctx, uint32_t id)
{
  const struct ip_neigh *n = neigh_at(ctx, id);
  return hash_of(ctx, n->link, &n->ip);
}

static uint32_t *pmtu_link(const void *ctx, uint32_t id)
{
  const struct ip *ip = ctx;
  return &((struct ip_pmtu *)pool_at(&ip->pmtu_pool, id))->chain;
}

static uint32_t pmtu_hash(const void *ctx, uint32_t id)
{
  const struct ip *ip = ctx;
  const struct ip_pmtu *e = pool_at(&ip->pmtu_pool, id);
  return (uint32_t)hash_sip13(&ip->key, &e->ip, sizeof e->ip);
}

bool ip_neigh_init(struct ip *ip)
{
  static const struct table_ops neigh_ops = {neigh_link, neigh_hash}, pmtu_ops = {pmtu_link, pmtu_hash};
  pool_init(&ip->neigh_pool, ip->mem, sizeof(struct ip_neigh), IP_NEIGHBOURS_MAX);
  pool_init(&ip->pmtu_pool, ip->mem, sizeof(struct ip_pmtu), IP_PMTU_MAX);
  if (!table_init(&ip->neigh_table, ip->mem, &neigh_ops, ip)) return false;
  if (table_init(&ip->pmtu_table, ip->mem, &pmtu_ops, ip)) return true;
  table_fini(&ip->neigh_table);
  return false;
}

static void drop_queue(struct ip *ip, struct ip_neigh *n)
{
  for (struct ip_pkt *p; (p = ip_queue_take(&n->wait)) != NULL;) ip_pkt_free(ip, p);
}

void ip_neigh_fini(struct ip *ip)
{
  for (uint32_t i = 0; (i = pool_next(&ip->neigh_pool, i)) != 0;) drop_queue(ip, neigh_at(ip, i));
  table_fini(&ip->neigh_table);
  table_fini(&ip->pmtu_table);
  pool_fini(&ip->neigh_pool);
  pool_fini(&ip->pmtu_pool);
}

static uint32_t find(const struct ip *ip, unsigned link, const struct yeon_ip *a)
{
  for (uint32_t i = table_first(&ip->neigh_table, hash_of(ip, link, a)); i;) {
    const struct ip_neigh *n = neigh_at(ip, i);
    if (n->link == link && memcmp(&n->ip, a, sizeof *a) == 0) return i;
    i = n->chain;
  }
  return 0;
}

static void leave_line(struct ip *ip, struct ip_neigh *n)
{
  if (n->line == IP_LINES) return;
  struct ip_line *line = &ip->neigh_line[n->line];
  *(n->before ? &neigh_at(ip, n->before)->behind : &line->first) = n->behind;
  *(n->behind ? &neigh_at(ip, n->behind)->before : &line->last) = n->before;
  n->line = IP_LINES;
}

/* The step after this one is due in as long as the line's kind says. */
static void stand_in_line(struct ip *ip, uint32_t number, enum ip_line_kind kind, yeon_time now)
{
  struct ip_neigh *n = neigh_at(ip, number);
  struct ip_line *line = &ip->neigh_line[kind];
  leave_line(ip, n);
  n->line = (uint8_t)kind;
  n->at = now + (kind == IP_LINE_DELAY ? NEIGH_DELAY : NEIGH_RETRY);
  n->before = line->last;
  n->behind = 0;
  *(n->before ? &neigh_at(ip, n->before)->behind : &line->first) = number;
  line->last = number;
  ip_want(ip, n->at);
}

static void forget(struct ip *ip, uint32_t number)
{
  struct ip_neigh *n = neigh_at(ip, number);
  leave_line(ip, n);
  if (ip->link[n->link].last_neighbour == number) ip->link[n->link].last_neighbour = 0;
  table_remove(&ip->neigh_table, hash_of(ip, n->link, &n->ip), number);
  pool_free(&ip->neigh_pool, number);
}

static bool is_idle(const struct ip_neigh *n, yeon_time now)
{
  return n->state == IP_NEIGH_STALE || (n->state == IP_NEIGH_REACHABLE && n->confirmed_at + NEIGH_REACHABLE <= now);
}

static void make_room(struct ip *ip, yeon_time now)
{
  for (int i = 0; i < 64 && ip->neigh_pool.used >= IP_NEIGHBOURS_MAX; i++) {
    ip->neigh_hand = pool_next(&ip->neigh_pool, ip->neigh_hand);
    if (ip->neigh_hand && is_idle(neigh_at(ip, ip->neigh_hand), now)) forget(ip, ip->neigh_hand);
  }
}

/* Its number, or 0. */
static uint32_t create(struct ip *ip, unsigned link, const struct yeon_ip *a, yeon_time now)
{
  uint32_t number;
  make_room(ip, now);
  struct ip_neigh *n = pool_new(&ip->neigh_pool, &number);
  if (!n) {
    ip->counters->neighbour_limit++;
    return 0;
  }
  n->ip = *a;
  n->link = (uint8_t)link;
  n->state = IP_NEIGH_INCOMPLETE;
  n->line = IP_LINES;
  n->at = n->confirmed_at = n->changed_at = YEON_NEVER;
  table_insert(&ip->neigh_table, hash_of(ip, link, a), number);
  return number;
}

static void ask(struct ip *ip, uint32_t number, const uint8_t *mac, yeon_time now)
{
  struct ip_neigh *n = neigh_at(ip, number);
  n->probes++;
  stand_in_line(ip, number, IP_LINE_RETRY, now);
  if (wire_ip_is4(&n->ip))
    ip_arp_request(ip, n->link, &n->ip, mac);
  else
    ip_nd_solicit(ip, n->link, &n->ip, mac);
}

static void use(struct ip *ip, uint32_t number, yeon_time now)
{
  struct ip_neigh *n = neigh_at(ip, number);
  if (!is_idle(n, now)) return;
  n->state = IP_NEIGH_DELAY;
  stand_in_line(ip, number, IP_LINE_DELAY, now);
}

bool ip_resolve(struct ip *ip, unsigned link, const struct yeon_ip *next_hop, uint8_t *mac, yeon_time now)
{
  struct ip_link *l = &ip->link[link];
  if (wire_ip_is_multicast(next_hop)) {
    wire_eth_multicast(next_hop, mac);
    return true;
  }
  uint32_t number = l->last_neighbour;
  if (!number || memcmp(&neigh_at(ip, number)->ip, next_hop, sizeof *next_hop) != 0) {
    if (ip_is_broadcast(ip, link, next_hop)) {
      memset(mac, 0xff, WIRE_MAC);
      return true;
    }
    number = find(ip, link, next_hop);
    l->last_neighbour = number;
  }
  if (!number) return false;
  struct ip_neigh *n = neigh_at(ip, number);
  if (n->state == IP_NEIGH_INCOMPLETE) return false;
  use(ip, number, now);
  memcpy(mac, n->mac, WIRE_MAC);
  return true;
}

void ip_neigh_wait(struct ip *ip, unsigned link, struct ip_pkt *pkt, yeon_time now)
{
  uint32_t number = find(ip, link, &pkt->next_hop);
  if (!number) number = create(ip, link, &pkt->next_hop, now);
  if (!number) {
    ip_pkt_free(ip, pkt);
    return;
  }
  struct ip_neigh *n = neigh_at(ip, number);
  if (n->wait.count == IP_NEIGHBOUR_QUEUE) {
    IP_DROP(ip, neighbour_queue_full, n->wait.first->len, now);
    ip_pkt_free(ip, ip_queue_take(&n->wait));
  }
  ip_queue_put(&n->wait, pkt);
  if (n->probes == 0) ask(ip, number, NULL, now);
}

static void tell(const struct ip *ip, const struct ip_neigh *n, bool reachable, yeon_time now)
{
  if (!event_wanted(ip->events, YEON_EV_NEIGHBOUR)) return;
  struct yeon_event e = event_make(ip->events, YEON_EV_NEIGHBOUR, now);
  e.u.neighbour.ip = n->ip;
  memcpy(e.u.neighbour.mac, n->mac, WIRE_MAC);
  e.u.neighbour.reachable = reachable;
  event_emit(ip->events, &e);
}

/* What waited leaves, before anything queued since. */
static void release(struct ip *ip, struct ip_neigh *n)
{
  struct ip_queue *out = &ip->link[n->link].out;
  struct ip_queue turned = {0};
  for (struct ip_pkt *p; (p = ip_queue_take(&n->wait)) != NULL;) {
    p->has_mac = true;
    memcpy(p->mac, n->mac, WIRE_MAC);
    ip_queue_put_front(&turned, p);
  }
  for (struct ip_pkt *p; (p = ip_queue_take(&turned)) != NULL;) ip_queue_put_front(out, p);
}

static void set_mac(struct ip *ip, struct ip_neigh *n, const uint8_t *mac, yeon_time now)
{
  (void)ip;
  memcpy(n->mac, mac, WIRE_MAC);
  n->changed_at = now;
}

static void confirm(struct ip *ip, struct ip_neigh *n, yeon_time now)
{
  leave_line(ip, n);
  n->state = IP_NEIGH_REACHABLE;
  n->confirmed_at = now;
  n->probes = 0;
}

static void go_stale(struct ip *ip, struct ip_neigh *n)
{
  leave_line(ip, n);
  n->state = IP_NEIGH_STALE;
}

static void resolve_first(struct ip *ip, struct ip_neigh *n, const struct ip_hint *h, yeon_time now)
{
  set_mac(ip, n, h->mac, now);
  n->probes = 0;
  if (h->solicited)
    confirm(ip, n, now);
  else
    go_stale(ip, n);
  tell(ip, n, true, now);
  release(ip, n);
}

/* RFC 4861 7.2.5 and 7.2.3, in which ARP's replies count as solicited and overriding, all else in ARP as neither solicited. */
bool ip_neigh_hint(struct ip *ip, unsigned link, const struct ip_hint *h, yeon_time now)
{
  uint32_t number = find(ip, link, &h->ip);
  if (!number && h->create && h->mac) number = create(ip, link, &h->ip, now);
  if (!number) return false;
  struct ip_neigh *n = neigh_at(ip, number);
  if (n->state == IP_NEIGH_INCOMPLETE) {
    if (h->mac) resolve_first(ip, n, h, now);
    return h->mac != NULL;
  }
  bool other = h->mac && !wire_mac_equal(h->mac, n->mac);
  if (other && !h->override) { /* doubtful: keep the old address, but look again before trusting it */
    if (n->state == IP_NEIGH_REACHABLE) n->state = IP_NEIGH_STALE;
    return false;
  }
  if (other && !h->solicited && n->changed_at + NEIGH_LOCK > now) return false;
  if (other) set_mac(ip, n, h->mac, now);
  if (h->solicited)
    confirm(ip, n, now);
  else if (other)
    go_stale(ip, n);
  if (other) tell(ip, n, true, now);
  return true;
}

/* Nobody answered: those who sent what waits are told (RFC 1122 2.3.2.2, RFC 4861 7.2.2). */
static void fail(struct ip *ip, uint32_t number, yeon_time now)
{
  struct ip_neigh *n = neigh_at(ip, number);
  struct ip_queue lost = n->wait;
  IP_DROP(ip, neighbour_failed, 0, now);
  tell(ip, n, false, now);
  bool four = wire_ip_is4(&n->ip);
  ip_route_demote(ip, n->link, &n->ip);
  forget(ip, number);
  for (struct ip_pkt *p; (p = ip_queue_take(&lost)) != NULL;) {
    struct ip_error e;
    if (ip_error_about(ip, p->bytes, p->len, four, &e)) {
      e.error = YEON_ERR_HOST_UNREACHABLE;
      (void)ip->upper.error(ip->upper.host, &e, now);
    }
    ip_pkt_free(ip, p);
  }
}

static void step(struct ip *ip, uint32_t number, yeon_time now)
{
  struct ip_neigh *n = neigh_at(ip, number);
  if (n->state == IP_NEIGH_DELAY) {
    n->state = IP_NEIGH_PROBE;
    n->probes = 0;
  }
  if (n->probes >= NEIGH_TRIES)
    fail(ip, number, now);
  else
    ask(ip, number, n->state == IP_NEIGH_PROBE ? n->mac : NULL, now);
}

void ip_neigh_run(struct ip *ip, yeon_time now)
{
  for (unsigned kind = 0; kind < IP_LINES; kind++) {
    struct ip_line *line = &ip->neigh_line[kind];
    while (line->first && neigh_at(ip, line->first)->at <= now) {
      uint32_t number = line->first;
      leave_line(ip, neigh_at(ip, number));
      step(ip, number, now);
    }
    if (line->first) ip_want(ip, neigh_at(ip, line->first)->at);
  }
}
