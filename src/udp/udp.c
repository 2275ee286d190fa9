/* The instance, and the life of an endpoint. A closed endpoint stays until what it had queued has left and no list holds it. */
#include "udp/internal.h"

bool udp_init(struct udp *u, uint32_t limit)
{
  rng_key(u->rng, &u->key);
  pool_init(&u->pool, u->mem, sizeof(struct yeon_udp), limit);
  return table_init(&u->table, u->mem, udp_table_ops(), u);
}

static void free_buffers(struct yeon_udp *s)
{
  ring_release(s->udp->rings, &s->rcv);
  ring_release(s->udp->rings, &s->snd);
  while (s->groups) {
    struct udp_group *g = s->groups;
    s->groups = g->next;
    (void)ip_group_leave(s->udp->ip, g->link, &g->ip);
    mem_free(s->udp->mem, g, sizeof *g);
  }
}

void udp_fini(struct udp *u)
{
  for (uint32_t i = 0; (i = pool_next(&u->pool, i)) != 0;) free_buffers(udp_at(u, i));
  for (int i = 0; i < 256; i++) mem_free(u->mem, u->connected[i], 256 * sizeof(uint32_t));
  table_fini(&u->table);
  pool_fini(&u->pool);
}

int udp_open(struct udp *u, struct yeon_udp **out)
{
  uint32_t number;
  struct yeon_udp *s = pool_new(&u->pool, &number);
  if (!s) return u->pool.used >= u->pool.limit ? YEON_ERR_LIMIT : YEON_ERR_NO_MEMORY;
  s->udp = u;
  s->id = ++u->next_id;
  s->number = number;
  s->hop_limit = 64;
  s->multicast_hops = 1;
  s->rcvbuf = s->sndbuf = UDP_BUFFER_DEFAULT;
  *out = s;
  return 0;
}

void udp_destroy(struct yeon_udp *s)
{
  if (s->out_link || s->sent) return; /* the list's turn will come */
  free_buffers(s);
  pool_free(&s->udp->pool, s->number);
}

void yeon_udp_close(struct yeon_udp *udp)
{
  udp_settle(udp);
  if (udp->flags & UDP_BOUND) udp_leave(udp);
  udp->flags = (uint16_t)((udp->flags | UDP_CLOSED) & ~UDP_BOUND);
  ring_release(udp->udp->rings, &udp->rcv);
  udp_no_report(udp);
  udp_destroy(udp);
}

static int set_flag(struct yeon_udp *udp, uint16_t flag, int64_t value)
{
  if (value != 0 && value != 1) return YEON_ERR_INVALID;
  udp->flags = (uint16_t)(value ? udp->flags | flag : udp->flags & ~flag);
  return 0;
}

static int set_byte(uint8_t *field, int64_t value, int64_t min)
{
  if (value < min || value > 255) return YEON_ERR_INVALID;
  *field = (uint8_t)value;
  return 0;
}

static int set_limit(uint32_t *field, int64_t value)
{
  if (value < UDP_BUFFER_MIN || value > UDP_BUFFER_MAX) return YEON_ERR_INVALID;
  *field = (uint32_t)value;
  return 0;
}

int yeon_udp_set(struct yeon_udp *udp, enum yeon_udp_option option, int64_t value)
{
  switch (option) {
  case YEON_UDP_RCVBUF: return set_limit(&udp->rcvbuf, value);
  case YEON_UDP_SNDBUF: return set_limit(&udp->sndbuf, value);
  case YEON_UDP_HOP_LIMIT: return set_byte(&udp->hop_limit, value, 1);
  case YEON_UDP_MULTICAST_HOPS: return set_byte(&udp->multicast_hops, value, 0);
  case YEON_UDP_TRAFFIC_CLASS: return set_byte(&udp->traffic_class, value, 0);
  case YEON_UDP_BROADCAST: return set_flag(udp, UDP_BROADCAST, value);
  case YEON_UDP_V6ONLY: return udp->flags & UDP_BOUND ? YEON_ERR_INVALID : set_flag(udp, UDP_V6ONLY, value);
  case YEON_UDP_REUSE: return set_flag(udp, UDP_REUSE, value);
  case YEON_UDP_NO_CHECKSUM: return set_flag(udp, UDP_NO_CHECKSUM, value);
  case YEON_UDP_DONT_FRAGMENT: return set_flag(udp, UDP_DONT_FRAGMENT, value);
  default: return YEON_ERR_UNSUPPORTED;
  }
}

int yeon_udp_get(const struct yeon_udp *udp, enum yeon_udp_option option, int64_t *value)
{
  switch (option) {
  case YEON_UDP_RCVBUF: *value = udp->rcvbuf; return 0;
  case YEON_UDP_SNDBUF: *value = udp->sndbuf; return 0;
  case YEON_UDP_HOP_LIMIT: *value = udp->hop_limit; return 0;
  case YEON_UDP_MULTICAST_HOPS: *value = udp->multicast_hops; return 0;
  case YEON_UDP_TRAFFIC_CLASS: *value = udp->traffic_class; return 0;
  case YEON_UDP_BROADCAST: *value = (udp->flags & UDP_BROADCAST) != 0; return 0;
  case YEON_UDP_V6ONLY: *value = (udp->flags & UDP_V6ONLY) != 0; return 0;
  case YEON_UDP_REUSE: *value = (udp->flags & UDP_REUSE) != 0; return 0;
  case YEON_UDP_NO_CHECKSUM: *value = (udp->flags & UDP_NO_CHECKSUM) != 0; return 0;
  case YEON_UDP_DONT_FRAGMENT: *value = (udp->flags & UDP_DONT_FRAGMENT) != 0; return 0;
  default: return YEON_ERR_UNSUPPORTED;
  }
}

static struct udp_group **find_group(struct yeon_udp *udp, unsigned link, const struct yeon_ip *group)
{
  struct udp_group **at = &udp->groups;
  while (*at && ((*at)->link != link || memcmp(&(*at)->ip, group, sizeof *group) != 0)) at = &(*at)->next;
  return at;
}

int yeon_udp_join(struct yeon_udp *udp, unsigned link, const struct yeon_ip *group)
{
  if (*find_group(udp, link, group)) return YEON_ERR_IN_USE;
  if (udp->n_groups == UDP_GROUPS_MAX) return YEON_ERR_LIMIT;
  struct udp_group *g = mem_new(udp->udp->mem, sizeof *g);
  if (!g) return YEON_ERR_NO_MEMORY;
  int err = ip_group_join(udp->udp->ip, link, group);
  if (err < 0) {
    mem_free(udp->udp->mem, g, sizeof *g);
    return err;
  }
  *g = (struct udp_group){.next = udp->groups, .ip = *group, .link = (uint8_t)link};
  udp->groups = g;
  udp->n_groups++;
  return 0;
}

int yeon_udp_leave(struct yeon_udp *udp, unsigned link, const struct yeon_ip *group)
{
  struct udp_group **at = find_group(udp, link, group), *g = *at;
  if (!g) return YEON_ERR_INVALID;
  *at = g->next;
  udp->n_groups--;
  mem_free(udp->udp->mem, g, sizeof *g);
  return ip_group_leave(udp->udp->ip, link, group);
}

void yeon_udp_set_user(struct yeon_udp *udp, void *user) { udp->user = user; }

void *yeon_udp_user(const struct yeon_udp *udp) { return udp->user; }

void yeon_udp_local(const struct yeon_udp *udp, struct yeon_addr *out) { *out = udp->local; }

void yeon_udp_remote(const struct yeon_udp *udp, struct yeon_addr *out) { *out = udp->remote; }

struct yeon_host *yeon_udp_host(const struct yeon_udp *udp) { return udp->udp->host; }
