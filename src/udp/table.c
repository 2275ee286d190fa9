/* The table of bound endpoints. An unconnected endpoint is under its local port, a connected one under local port and peer, so that neither a
 * server with many connected endpoints on one port nor a port with many peers makes a long chain. How many connected ones a
 * port has is counted in pages of 256 ports, made when first needed. */
#include "udp/internal.h"

uint32_t udp_hash_port(const struct udp *u, uint16_t port) { return (uint32_t)hash_sip13(&u->key, &port, sizeof port); }

uint32_t udp_hash_peer(const struct udp *u, uint16_t port, const struct yeon_addr *remote)
{
  uint8_t key[20];
  memcpy(key, remote->ip.b, 16);
  wire_put16(key + 16, remote->port);
  wire_put16(key + 18, port);
  return (uint32_t)hash_sip13(&u->key, key, sizeof key);
}

static uint32_t hash_of(const struct yeon_udp *s)
{
  return s->flags & UDP_CONNECTED ? udp_hash_peer(s->udp, s->local.port, &s->remote)
                                  : udp_hash_port(s->udp, s->local.port);
}

static uint32_t *link_of(const void *ctx, uint32_t id) { return &udp_at(ctx, id)->chain; }

static uint32_t hash_again(const void *ctx, uint32_t id) { return hash_of(udp_at(ctx, id)); }

const struct table_ops *udp_table_ops(void)
{
  static const struct table_ops ops = {link_of, hash_again};
  return &ops;
}

bool udp_may_connect(struct udp *u, uint16_t port)
{
  uint32_t **page = &u->connected[port >> 8];
  if (!*page) *page = mem_new(u->mem, 256 * sizeof **page);
  return *page != NULL;
}

uint32_t udp_connected_on(const struct udp *u, uint16_t port)
{
  const uint32_t *page = u->connected[port >> 8];
  return page ? page[port & 255] : 0;
}

void udp_enter(struct yeon_udp *s)
{
  table_insert(&s->udp->table, hash_of(s), s->number);
  if (s->flags & UDP_CONNECTED) s->udp->connected[s->local.port >> 8][s->local.port & 255]++;
}

void udp_leave(struct yeon_udp *s)
{
  table_remove(&s->udp->table, hash_of(s), s->number);
  if (s->flags & UDP_CONNECTED) s->udp->connected[s->local.port >> 8][s->local.port & 255]--;
}
