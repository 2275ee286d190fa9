/* Links, addresses, routes and groups of a host: the configuration calls. */
#include "host/host.h"

/* TCP announces an MSS by what the link can receive. */
static void tell_mtu(struct yeon_host *host)
{
  for (unsigned i = 0; i < TCP_LINKS; i++) host->tcp.link_mtu[i] = host->ip.link[i].mtu;
}

int yeon_host_add_link(struct yeon_host *host, const struct yeon_link_config *config)
{
  int link = ip_link_add(&host->ip, config, host->now);
  tell_mtu(host);
  return link;
}

int yeon_host_set_mtu(struct yeon_host *host, unsigned link, uint16_t mtu)
{
  int error = ip_link_set_mtu(&host->ip, link, mtu);
  tell_mtu(host);
  return error;
}

int yeon_host_add_addr(struct yeon_host *host, unsigned link, const struct yeon_ip *ip, unsigned prefix_len)
{
  if (link >= host->ip.n_links) return YEON_ERR_INVALID;
  int index = ip_local_add(&host->ip, link, ip, prefix_len, 0, host->now);
  return index < 0 ? index : 0;
}

int yeon_host_del_addr(struct yeon_host *host, unsigned link, const struct yeon_ip *ip)
{
  uint16_t index = IP_NONE;
  if (link >= host->ip.n_links) return YEON_ERR_INVALID;
  const struct ip_name *n = ip_name_find(&host->ip, link, ip);
  if (n && n->kind == IP_NAME_LOCAL) index = n->local;
  if (index == IP_NONE || host->ip.locals[index].link != link) return YEON_ERR_ADDRESS;
  return ip_local_del(&host->ip, index);
}

int yeon_host_add_route(struct yeon_host *host, const struct yeon_ip *dst, unsigned prefix_len,
                        const struct yeon_ip *gateway, unsigned link)
{
  bool four = yeon_ip_is4(dst);
  if (link >= host->ip.n_links || prefix_len > (four ? 32u : 128u)) return YEON_ERR_INVALID;
  struct ip_route r = {.dst = *dst,
                       .prefix_len = (uint8_t)(four ? prefix_len + 96 : prefix_len),
                       .link = (uint8_t)link,
                       .until = YEON_NEVER};
  if (gateway) {
    if (yeon_ip_is4(gateway) != four || yeon_ip_is_any(gateway) || wire_ip_is_multicast(gateway))
      return YEON_ERR_INVALID;
    r.gateway = *gateway;
  }
  return ip_route_add(&host->ip, &r);
}

int yeon_host_join_group(struct yeon_host *host, unsigned link, const struct yeon_ip *group)
{
  return ip_group_join(&host->ip, link, group);
}

int yeon_host_leave_group(struct yeon_host *host, unsigned link, const struct yeon_ip *group)
{
  return ip_group_leave(&host->ip, link, group);
}
