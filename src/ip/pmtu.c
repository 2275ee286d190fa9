/* What is known of paths narrower than their first link (RFC 1191, RFC 8201; RFC 5927 7).
 *
 * An entry is made only from an error that the layer above has matched to something it sent. It is forgotten after ten minutes, so
 * that a wider path is found again. IPv4: a size below 552 is more likely an attack than a path (routers so narrow are
 * museum pieces); 552 is used and DF is left off, which such a router can live with. IPv6: below 1280 is ignored (RFC 8201 4). */
#include "ip/ip.h"

#define PMTU_AGE (600 * YEON_SEC)

static uint32_t hash_of(const struct ip *ip, const struct yeon_ip *a)
{
  return (uint32_t)hash_sip13(&ip->key, a, sizeof *a);
}

static struct ip_pmtu *find(const struct ip *ip, const struct yeon_ip *dst, uint32_t *number)
{
  if (ip->pmtu_pool.used == 0) return NULL;
  for (uint32_t i = table_first(&ip->pmtu_table, hash_of(ip, dst)); i;) {
    struct ip_pmtu *e = pool_at(&ip->pmtu_pool, i);
    if (memcmp(&e->ip, dst, sizeof *dst) == 0) {
      *number = i;
      return e;
    }
    i = e->chain;
  }
  return NULL;
}

static void forget(struct ip *ip, struct ip_pmtu *e, uint32_t number)
{
  table_remove(&ip->pmtu_table, hash_of(ip, &e->ip), number);
  pool_free(&ip->pmtu_pool, number);
}

uint16_t ip_path_mtu(struct ip *ip, unsigned link, const struct yeon_ip *dst, bool *no_df, yeon_time now)
{
  const struct ip_link *l = &ip->link[link];
  uint16_t mtu = wire_ip_is4(dst) || !l->mtu6 ? l->mtu : l->mtu6;
  uint32_t number = 0;
  struct ip_pmtu *e = find(ip, dst, &number);
  if (no_df) *no_df = false;
  if (!e) return mtu;
  if (e->until <= now) {
    forget(ip, e, number);
    return mtu;
  }
  if (no_df) *no_df = e->no_df;
  return e->mtu < mtu ? e->mtu : mtu;
}

uint32_t ip_pmtu_plateau(uint32_t len)
{
  static const uint16_t plateau[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68};
  for (size_t i = 0; i < sizeof plateau / sizeof plateau[0]; i++)
    if (plateau[i] < len) return plateau[i];
  return 68;
}

/* Room by forgetting one entry that is over, if the hand finds one soon. */
static void make_room(struct ip *ip, yeon_time now)
{
  for (int i = 0; i < 16 && ip->pmtu_pool.used >= IP_PMTU_MAX; i++) {
    ip->pmtu_hand = pool_next(&ip->pmtu_pool, ip->pmtu_hand);
    if (!ip->pmtu_hand) continue;
    struct ip_pmtu *e = pool_at(&ip->pmtu_pool, ip->pmtu_hand);
    if (e->until <= now) forget(ip, e, ip->pmtu_hand);
  }
}

void ip_pmtu_learn(struct ip *ip, unsigned link, const struct yeon_ip *dst, uint32_t mtu, yeon_time now)
{
  bool four = wire_ip_is4(dst), narrow = four && mtu < IP_MTU_MIN4;
  if (!four && mtu < IP_MTU_MIN6) return;
  if (narrow) mtu = IP_MTU_MIN4;
  if (mtu > ip_path_mtu(ip, link, dst, NULL, now)) return; /* errors never widen a path */
  uint32_t number = 0;
  struct ip_pmtu *e = find(ip, dst, &number);
  if (!e) {
    make_room(ip, now);
    e = pool_new(&ip->pmtu_pool, &number);
    if (!e) return;
    e->ip = *dst;
    table_insert(&ip->pmtu_table, hash_of(ip, dst), number);
  }
  e->mtu = (uint16_t)mtu;
  e->no_df = e->no_df || narrow;
  e->until = now + PMTU_AGE;
}
