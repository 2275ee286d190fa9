/* The calls of TCP that need the host's addresses and routes: made here into indices and paths, then handed down. */
#include "host/host.h"

static struct yeon_host *host_of(const struct yeon_tcp *tcp) { return tcp_of(tcp)->host; }

struct yeon_host *yeon_tcp_host(const struct yeon_tcp *tcp) { return host_of(tcp); }

void yeon_host_set_taker(struct yeon_host *host, yeon_tcp_taker_fn *fn) { host->tcp.taker = fn; }

int yeon_tcp_open(struct yeon_host *host, struct yeon_tcp **out) { return tcp_open(&host->tcp, out); }

/* Which "any" an unspecified address means on this endpoint. */
static uint16_t any_of(const struct yeon_tcp *tcp, const struct yeon_ip *ip)
{
  int64_t v6only = 0;
  if (wire_ip_is4(ip)) return TCP_LOCAL_ANY4;
  (void)yeon_tcp_get(tcp, YEON_TCP_V6ONLY, &v6only);
  return v6only ? TCP_LOCAL_ANY6 : TCP_LOCAL_ANY;
}

int yeon_tcp_bind(struct yeon_tcp *tcp, const struct yeon_addr *local, yeon_time now)
{
  struct yeon_host *host = host_of(tcp);
  now = host_clock(host, now);
  if (yeon_ip_is_any(&local->ip)) return tcp_bind(tcp, any_of(tcp, &local->ip), local->port, now);
  uint16_t index = ip_local_find(&host->ip, &local->ip);
  if (index == IP_NONE) return YEON_ERR_ADDRESS;
  return tcp_bind(tcp, index, local->port, now);
}

/* Whether an endpoint bound so may speak to an address of this family. */
static bool family_fits(uint16_t bound, const struct yeon_host *host, bool four)
{
  switch (bound) {
  case TCP_LOCAL_ANY: return true;
  case TCP_LOCAL_ANY4: return four;
  case TCP_LOCAL_ANY6: return !four;
  default: return wire_ip_is4(ip_local_at(&host->ip, bound)) == four;
  }
}

/* How the remote end is reached; 0 or what is in the way. */
static int find_path(struct yeon_tcp *tcp, const struct yeon_addr *remote, struct tcp_path *path, yeon_time now)
{
  struct yeon_host *host = host_of(tcp);
  struct ip_way way;
  if (remote->port == 0) return YEON_ERR_INVALID;
  uint16_t bound = tcp_bound_local(tcp);
  if (!family_fits(bound, host, wire_ip_is4(&remote->ip))) return YEON_ERR_ADDRESS;
  uint16_t source = bound < TCP_LOCAL_ANY6 ? bound : (uint16_t)IP_NONE;
  if (source != IP_NONE && !ip_local_live(&host->ip, source)) return YEON_ERR_ADDRESS;
  int err = ip_find_way(&host->ip, &remote->ip, source, &way, now);
  if (err < 0) return err;
  if (wire_ip_is_multicast(&remote->ip) || ip_is_broadcast(&host->ip, way.link, &remote->ip)) return YEON_ERR_ADDRESS;
  *path = (struct tcp_path){.local = way.local, .mtu = way.mtu, .link = way.link};
  return 0;
}

int yeon_tcp_connect(struct yeon_tcp *tcp, const struct yeon_addr *remote, yeon_time now)
{
  struct tcp_path path;
  now = host_clock(host_of(tcp), now);
  int error = find_path(tcp, remote, &path, now);
  return error != 0 ? error : tcp_connect(tcp, &path, remote, now);
}

int64_t yeon_tcp_connect_send(struct yeon_tcp *tcp, const struct yeon_addr *remote, const void *buf, size_t len, yeon_time now)
{
  struct tcp_path path;
  now = host_clock(host_of(tcp), now);
  int error = find_path(tcp, remote, &path, now);
  return error != 0 ? error : tcp_connect_send(tcp, &path, remote, buf, len, now);
}

int yeon_tcp_fastopen_room(struct yeon_tcp *tcp, const struct yeon_addr *remote, yeon_time now)
{
  struct tcp_path path;
  now = host_clock(host_of(tcp), now);
  int error = find_path(tcp, remote, &path, now);
  return error != 0 ? error : tcp_fastopen_room(tcp, &path, remote, now);
}

void yeon_host_fastopen_key(struct yeon_host *host, const uint8_t *key, const uint8_t *backup)
{
  tcp_cookie_keys_set(&host->tcp.fastopen_keys, key, backup);
}

void yeon_host_fastopen_flush(struct yeon_host *host) { tcp_fastopen_flush(&host->tcp); }

void yeon_tcp_each(struct yeon_host *host, yeon_tcp_visit_fn *fn, void *ctx) { tcp_each(&host->tcp, fn, ctx); }
