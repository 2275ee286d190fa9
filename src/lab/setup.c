/* Hosts and cables as the plan says; without one the usual lab: client 10.0.0.1 and fd00::1, server 10.0.0.2 and fd00::2, one cable.
 * A host has a link for each of its cables and its addresses on the first; the way to a neighbour is a route to its addresses. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lab/setup.h"
#include "lab/sockets.h"

#define MTU 1500

static uint64_t entropy(void)
{
  uint64_t seed = 0;
  if (getrandom(&seed, sizeof seed, 0) != sizeof seed) seed = (uint64_t)lab_now();
  return seed;
}

static int add_host(struct lab *lab, const struct yeon_lab_host *plan, const struct yeon_lab_config *lab_config)
{
  const char *profile = lab_config->profile, *congestion = plan->congestion != NULL ? plan->congestion : lab_config->congestion;
  struct yeon_tcp_options tcp;
  struct yeon_host_config config;
  int number = yeon_profile_find(plan->profile != NULL ? plan->profile : profile != NULL ? profile : "linux");
  if (number < 0) return number;
  if (lab->n_hosts == LAB_HOSTS_MAX) return YEON_ERR_LIMIT;
  struct lab_host *h = &lab->hosts[lab->n_hosts];
  if (yeon_ip_parse(plan->address, &h->addr[0]) != 0 || yeon_ip_parse(plan->address6, &h->addr[1]) != 0) return YEON_ERR_INVALID;
  if (lab_host_of(lab, &h->addr[0]) >= 0 || lab_host_of(lab, &h->addr[1]) >= 0) return YEON_ERR_IN_USE;
  yeon_tcp_options_init(&tcp, (enum yeon_profile)number);
  if (congestion != NULL && yeon_congestion_find(congestion) < 0) return YEON_ERR_INVALID;
  if (congestion != NULL) tcp.congestion = (uint8_t)yeon_congestion_find(congestion);
  yeon_host_config_init(&config);
  config.name = plan->name;
  config.id = lab->n_hosts;
  config.seed = entropy();
  config.tcp = &tcp;
  int rc = yeon_host_new(&h->host, &config, lab_now());
  if (rc != 0) return rc;
  yeon_host_set_taker(h->host, stream_take);
  strncpy(h->name, plan->name, sizeof h->name - 1);
  h->n_addrs = 2;
  lab->n_hosts++;
  return 0;
}

/* A link for one more cable; peer: the device at its other end, NULL: a host of ours. Its number at the host, or an error. */
static int add_link(struct lab_host *h, const struct yeon_link *peer)
{
  /* Bare IP: on Ethernet a long cut would end as EHOSTUNREACH, because ARP gives up before TCP does; the story is TCP's. An address that
   * nobody has is found out by the lab, which knows its wire (lab_host_of). */
  char name[16];
  struct yeon_link_config link = {.name = name, .mtu = MTU, .offload = YEON_LINK_CSUM | YEON_LINK_GSO};
  if (peer != NULL) link.offload = peer->config.offload;
  if (peer != NULL) link.mtu = peer->config.mtu;
  snprintf(name, sizeof name, "eth%u", h->n_links);
  int number = yeon_host_add_link(h->host, &link);
  if (number < 0) return number;
  for (unsigned k = 0; k < h->n_addrs && h->n_links == 0; k++) {
    int rc = yeon_host_add_addr(h->host, (unsigned)number, &h->addr[k], yeon_ip_is4(&h->addr[k]) ? 24 : 64);
    if (rc != 0) return rc;
  }
  h->n_links++;
  return number;
}

void lab_neighbour(struct lab *lab, const struct lab_end *at, const struct yeon_ip *ip)
{
  struct lab_host *h = &lab->hosts[at->host];
  if (h->host != NULL) (void)yeon_host_add_route(h->host, ip, yeon_ip_is4(ip) ? 32 : 128, NULL, at->link);
}

static int join_ends(struct lab *lab, struct lab_cable *c, const unsigned hosts[2])
{
  for (unsigned e = 0; e < 2; e++) {
    struct lab_host *h = &lab->hosts[hosts[e]];
    int link = h->host != NULL ? add_link(h, lab->hosts[hosts[1 - e]].tun) : 0;
    if (link < 0) return link;
    c->end[e] = (struct lab_end){hosts[e], (unsigned)link};
  }
  for (unsigned e = 0; e < 2; e++) {
    const struct lab_host *other = &lab->hosts[hosts[1 - e]];
    for (unsigned k = 0; k < other->n_addrs; k++) lab_neighbour(lab, &c->end[e], &other->addr[k]);
  }
  return 0;
}

int lab_add_cable(struct lab *lab, const char *name, unsigned a, unsigned b)
{
  struct yeon_cable_config config = {.id = lab->n_cables};
  if (lab->n_cables == LAB_CABLES_MAX) return YEON_ERR_LIMIT;
  struct lab_cable *c = &lab->cables[lab->n_cables];
  int rc = yeon_cable_new(&c->cable, &config, entropy(), NULL);
  if (rc != 0) return rc;
  strncpy(c->name, name, sizeof c->name - 1);
  snprintf(c->title, sizeof c->title, "cable%s%s", strcmp(c->name, "cable") == 0 ? "" : " ", strcmp(c->name, "cable") == 0 ? "" : c->name);
  c->join_at[0] = c->join_at[1] = YEON_NEVER;
  lab->n_cables++;
  lab_cable_changed(c);
  return join_ends(lab, c, (unsigned[2]){a, b});
}

static int follow(struct lab *lab, const struct yeon_lab_plan *plan, const struct yeon_lab_config *config)
{
  int rc = 0;
  for (size_t i = 0; i < plan->n_hosts && rc == 0; i++) rc = add_host(lab, &plan->hosts[i], config);
  for (size_t i = 0; i < plan->n_cables && rc == 0; i++) {
    int a = lab_host_find(lab, plan->cables[i].a), b = lab_host_find(lab, plan->cables[i].b);
    if (a < 0 || b < 0 || a == b) return YEON_ERR_INVALID;
    rc = lab_add_cable(lab, plan->cables[i].name, (unsigned)a, (unsigned)b);
  }
  return rc;
}

int lab_setup(struct lab *lab, const struct yeon_lab_config *config)
{
  static const struct yeon_lab_host hosts[] = {{"client", NULL, "10.0.0.1", "fd00::1", NULL}, {"server", NULL, "10.0.0.2", "fd00::2", NULL}};
  static const struct yeon_lab_cable cables[] = {{"cable", "client", "server"}};
  static const struct yeon_lab_plan usual = {.hosts = hosts, .n_hosts = 2, .cables = cables, .n_cables = 1};
  bool planned = config->plan != NULL && config->plan->n_hosts > 0;
  return follow(lab, planned ? config->plan : &usual, config);
}

static int run_step(struct lab *lab, const struct yeon_lab_step *step)
{
  char words[512], *rest = NULL, *copy = strdup(step->words), *text = NULL;
  size_t len = 0, size = 0;
  FILE *out = copy != NULL ? open_memstream(&text, &size) : NULL;
  if (out == NULL) return 2;
  if (step->after > 0) len = (size_t)snprintf(words, sizeof words, "in%c%lldus%c", 0, (long long)(step->after / YEON_US), 0);
  for (char *w = strtok_r(copy, " ", &rest); w != NULL && len + strlen(w) < sizeof words; w = strtok_r(NULL, " ", &rest)) {
    memcpy(words + len, w, strlen(w) + 1);
    len += strlen(w) + 1;
  }
  free(copy);
  int status = lab_command(lab, words, len, out);
  fclose(out);
  if (status != 0) fprintf(stderr, "yeon: %.*s; this was: %s\n", (int)strcspn(text, "\n"), text, step->words);
  free(text);
  return status;
}

int lab_setup_steps(struct lab *lab, const struct yeon_lab_plan *plan)
{
  int status = 0;
  for (size_t i = 0; plan != NULL && i < plan->n_steps && status == 0; i++) status = run_step(lab, &plan->steps[i]);
  return status;
}

void lab_teardown(struct lab *lab)
{
  for (unsigned i = 0; i < lab->n_hosts; i++) {
    yeon_host_free(lab->hosts[i].host);
    yeon_link_close(lab->hosts[i].tun);
  }
  for (unsigned i = 0; i < lab->n_cables; i++) yeon_cable_free(lab->cables[i].cable);
}

int lab_host_find(const struct lab *lab, const char *name)
{
  for (unsigned i = 0; i < lab->n_hosts; i++)
    if (strcmp(lab->hosts[i].name, name) == 0) return (int)i;
  return -1;
}

void lab_host_names(const struct lab *lab, char *out, size_t size)
{
  size_t len = 0;
  out[0] = '\0';
  for (unsigned i = 0; i < lab->n_hosts && len < size; i++) {
    if (lab->hosts[i].host == NULL) continue; /* the kernel */
    len += (size_t)snprintf(out + len, size - len, "%s%s", len > 0 ? ", " : "", lab->hosts[i].name);
  }
}

int lab_host_of(const struct lab *lab, const struct yeon_ip *ip)
{
  for (unsigned i = 0; i < lab->n_hosts; i++)
    for (unsigned k = 0; k < lab->hosts[i].n_addrs; k++)
      if (yeon_ip_equal(&lab->hosts[i].addr[k], ip)) return (int)i;
  return -1;
}
