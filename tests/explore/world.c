/* Making a world and taking it down. */
#include "explore.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "../sim/show.h"

#define QUIET (3600 * YEON_SEC) /* before the first step: what never happened is longer ago than any time-out */

void violate(struct world *w, const char *format, ...)
{
  va_list args;
  if (w->violation[0] != '\0') return;
  va_start(args, format);
  vsnprintf(w->violation, sizeof w->violation, format, args);
  va_end(args);
}

static void must(int error, const char *what)
{
  if (error >= 0) return;
  fprintf(stderr, "%s: %s\n", what, yeon_error_name(error));
  abort();
}

static void make_host(struct world *w, unsigned side)
{
  struct yeon_host_config config;
  struct yeon_tcp_options options;
  const char *field = "";
  rules_options(w->rules, &options);
  must(yeon_tcp_options_check(&options, &field), field);
  yeon_host_config_init(&config);
  config.name = side == 0 ? "a" : "b";
  config.id = side + 1;
  config.seed = side + 1;
  config.tcp = &options;
  config.memory = region_memory(w->region[side]);
  if (w->loud) config.sink = (struct yeon_event_sink){show_event, NULL, YEON_EV_ALL};
  must(yeon_host_new(&w->host[side], &config, w->began_at), "host");
  struct yeon_link_config link = {.name = "net", .mtu = 1500};
  must(yeon_host_add_link(w->host[side], &link), "link");
  w->addr[side] = (struct yeon_addr){yeon_ip4(10, 0, 0, (uint8_t)(side + 1)), side == 0 ? PORT_A : PORT_B};
  must(yeon_host_add_addr(w->host[side], 0, &w->addr[side].ip, 24), "address");
}

/* What a timestamp of a side's connection would be at the beginning. */
static void learn_clock(struct world *w, unsigned side)
{
  struct tcp_key key = {.remote = w->addr[!side].ip,
                        .remote_port = w->addr[!side].port,
                        .local_port = w->addr[side].port,
                        .local = ip_local_find(&w->host[side]->ip, &w->addr[side].ip)};
  w->ts_offset[side] = tcp_ts_now(&w->host[side]->tcp, &key, w->began_at);
}

struct world *world_new(const struct rules *rules, bool loud)
{
  struct world *w = calloc(1, sizeof *w);
  if (w == NULL) abort();
  w->rules = rules;
  w->loud = loud;
  w->packets = packets_new();
  w->began_at = YEON_SEC;
  w->live.left = rules->most;
  for (unsigned i = 0; i < 2; i++) {
    w->region[i] = region_new();
    make_host(w, i);
  }
  for (unsigned i = 0; i < 2; i++) learn_clock(w, i);
  w->live.now = w->began_at + QUIET;
  if (rules->listens) program_listen(w, 1);
  settle(w, 0);
  settle(w, 1);
  return w;
}

void world_free(struct world *w)
{
  for (unsigned i = 0; i < 2; i++) region_free(w->region[i]);
  packets_free(w->packets);
  free(w);
}

bool world_end_hosts(struct world *w)
{
  for (unsigned i = 0; i < 2; i++) {
    yeon_host_free(w->host[i]);
    if (region_live(w->region[i]) == 0) continue;
    violate(w, "host %c left %llu bytes behind", "ab"[i], (unsigned long long)region_live(w->region[i]));
    return false;
  }
  return true;
}
