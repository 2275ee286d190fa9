/* Adding links and changing their MTU. */
#include "ip/ip.h"

static uint16_t mtu_for_six(uint16_t mtu) { return mtu >= IP_MTU_MIN6 ? mtu : 0; }

int ip_link_add(struct ip *ip, const struct yeon_link_config *config, yeon_time now)
{
  if (config->mtu < 576) return YEON_ERR_INVALID;
  if (config->ethernet && wire_mac_is_group(config->mac)) return YEON_ERR_INVALID;
  if (ip->n_links == YEON_HOST_LINKS) return YEON_ERR_LIMIT;
  unsigned number = ip->n_links;
  struct ip_link *l = &ip->link[number];
  memset(l, 0, sizeof *l);
  for (size_t i = 0; config->name && config->name[i] && i + 1 < sizeof l->name; i++) l->name[i] = config->name[i];
  l->ethernet = config->ethernet;
  memcpy(l->mac, config->mac, WIRE_MAC);
  l->mtu = config->mtu;
  l->mtu6 = mtu_for_six(config->mtu);
  l->offload = config->offload;
  l->rs_at = YEON_NEVER;
  ip->n_links++;
  ip_autoconf_start(ip, number, now);
  return (int)number;
}

int ip_link_set_mtu(struct ip *ip, unsigned link, uint16_t mtu)
{
  if (link >= ip->n_links || mtu < 576) return YEON_ERR_INVALID;
  ip->link[link].mtu = mtu;
  ip->link[link].mtu6 = mtu_for_six(mtu);
  return 0;
}
