/* A host's life, and what can be asked of it as a whole. */
#include "host/host.h"

#include <stdlib.h>

void yeon_host_config_init(struct yeon_host_config *config)
{
  memset(config, 0, sizeof *config);
  config->max_connections = 1048576 + 65536;
  config->max_half_open = 65536;
  config->max_time_wait = 262144;
  config->max_udp = 65536;
  config->max_buffer_bytes = (uint64_t)4 << 30;
}

/* The caller's configuration with its zeros replaced. */
static struct yeon_host_config complete(const struct yeon_host_config *given)
{
  struct yeon_host_config c = *given, defaults;
  yeon_host_config_init(&defaults);
  if (!c.max_connections) c.max_connections = defaults.max_connections;
  if (!c.max_half_open) c.max_half_open = defaults.max_half_open;
  if (!c.max_time_wait) c.max_time_wait = defaults.max_time_wait;
  if (!c.max_udp) c.max_udp = defaults.max_udp;
  if (!c.max_buffer_bytes) c.max_buffer_bytes = defaults.max_buffer_bytes;
  return c;
}

static void copy_name(char *dst, size_t size, const char *src)
{
  size_t n = 0;
  for (; src[n] && n + 1 < size; n++) dst[n] = src[n];
  dst[n] = 0;
}

static bool start_ip(struct yeon_host *h, yeon_time now)
{
  h->ip.mem = &h->mem;
  h->ip.rings = &h->rings;
  h->ip.counters = &h->counters;
  h->ip.events = &h->events;
  h->ip.rng = &h->rng;
  h->ip.upper = (struct ip_upper){.host = h, .deliver = host_deliver, .error = host_error};
  return ip_init(&h->ip, now);
}

static bool start_tcp(struct yeon_host *h, const struct yeon_host_config *c, yeon_time now)
{
  h->tcp.mem = &h->mem;
  h->tcp.events = &h->events;
  h->tcp.counters = &h->counters;
  h->tcp.rng = &h->rng;
  h->tcp.locals = (const struct yeon_ip *const *)&h->ip.local_ips;
  h->tcp.host = h;
  h->tcp.clock = &h->now;
  h->tcp.rings = &h->rings;
  return tcp_init(&h->tcp, &h->mem, c, now);
}

static bool start_udp(struct yeon_host *h, const struct yeon_host_config *c)
{
  h->udp.mem = &h->mem;
  h->udp.rings = &h->rings;
  h->udp.counters = &h->counters;
  h->udp.events = &h->events;
  h->udp.rng = &h->rng;
  h->udp.ip = &h->ip;
  h->udp.host = h;
  h->udp.clock = &h->now;
  h->udp.port_first = h->tcp.options.port_first;
  h->udp.port_last = h->tcp.options.port_last;
  return udp_init(&h->udp, c->max_udp);
}

/* In order; on failure what was started is undone. */
static int start(struct yeon_host *h, const struct yeon_host_config *c, yeon_time now)
{
  if (!start_ip(h, now)) return YEON_ERR_NO_MEMORY;
  if (!start_tcp(h, c, now)) {
    ip_fini(&h->ip);
    return YEON_ERR_NO_MEMORY;
  }
  if (!start_udp(h, c)) {
    tcp_fini(&h->tcp);
    ip_fini(&h->ip);
    return YEON_ERR_NO_MEMORY;
  }
  return 0;
}

int yeon_host_new(struct yeon_host **out, const struct yeon_host_config *config, yeon_time now)
{
  if (now < 0 || now > YEON_TIME_LAST) return YEON_ERR_INVALID;
  if (config->tcp && yeon_tcp_options_check(config->tcp, NULL) < 0) return YEON_ERR_INVALID;
  struct yeon_host_config c = complete(config);
  struct mem mem;
  mem_init(&mem, &c.memory);
  struct yeon_host *h = mem_new(&mem, sizeof *h);
  if (!h) return YEON_ERR_NO_MEMORY;
  h->mem = mem;
  h->now = now;
  h->events.sink = c.sink;
  h->events.host = c.id;
  copy_name(h->name, sizeof h->name, c.name ? c.name : "host");
  rng_seed(&h->rng, c.seed);
  ring_store_init(&h->rings, &h->mem, c.max_buffer_bytes);
  int err = start(h, &c, now);
  if (err < 0) {
    ring_store_fini(&h->rings);
    mem = h->mem;
    mem_free(&mem, h, sizeof *h);
    return err;
  }
  *out = h;
  return 0;
}

void yeon_host_free(struct yeon_host *host)
{
  if (!host) return;
  udp_fini(&host->udp);
  tcp_fini(&host->tcp);
  ip_fini(&host->ip);
  ring_store_fini(&host->rings);
  mem_free(&host->mem, host->loop, host->loop ? HOST_LOOP_BUFFER : 0);
  struct mem mem = host->mem;
  mem_free(&mem, host, sizeof *host);
}

const char *yeon_host_name(const struct yeon_host *host) { return host->name; }

uint32_t yeon_host_id(const struct yeon_host *host) { return host->events.host; }

void yeon_host_set_sink(struct yeon_host *host, const struct yeon_event_sink *sink)
{
  host->events.sink = *sink;
  if (!sink->fn) host->events.sink.mask = 0;
}

const struct yeon_counters *yeon_host_counters(const struct yeon_host *host) { return &host->counters; }

void yeon_host_usage(const struct yeon_host *host, struct yeon_host_usage *out)
{
  memset(out, 0, sizeof *out);
  tcp_usage(&host->tcp, out);
  out->udp = host->udp.pool.used;
  out->heap_bytes = host->mem.heap_bytes;
  out->used_bytes = host->mem.heap_bytes - host->rings.kept - host->tcp.blocks.kept;
  out->buffer_bytes = host->rings.used;
}

bool yeon_host_event(struct yeon_host *host, struct yeon_ready *ready)
{
  memset(ready, 0, sizeof *ready);
  bool udp_first = host->report_udp_first;
  host->report_udp_first = !udp_first;
  if (udp_first && udp_report(&host->udp, ready)) return true;
  if (tcp_report(&host->tcp, ready)) return true;
  return !udp_first && udp_report(&host->udp, ready);
}
