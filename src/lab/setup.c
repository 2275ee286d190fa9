/* The usual lab: client 10.0.0.1 and fd00::1, server 10.0.0.2 and fd00::2, one cable. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lab/lab.h"

#define MTU 1500

static uint64_t entropy(void)
{
  uint64_t seed = 0;
  if (getrandom(&seed, sizeof seed, 0) != sizeof seed) seed = (uint64_t)lab_now();
  return seed;
}

static int add_host(struct lab *lab, const char *name, const struct yeon_tcp_options *tcp, const char *four, const char *six)
{
  struct lab_host *h = &lab->hosts[lab->n_hosts];
  struct yeon_host_config config;
  /* Bare IP: on Ethernet a long cut would end as EHOSTUNREACH, because ARP gives up before TCP does; the story is TCP's. An address that
   * nobody has is found out by the lab, which knows its wire (lab_host_of). */
  struct yeon_link_config link = {.name = "eth0", .mtu = MTU, .offload = YEON_LINK_CSUM | YEON_LINK_GSO};
  yeon_host_config_init(&config);
  config.name = name;
  config.id = lab->n_hosts;
  config.seed = entropy();
  config.tcp = tcp;
  int rc = yeon_host_new(&h->host, &config, lab_now());
  if (rc != 0) return rc;
  strncpy(h->name, name, sizeof h->name - 1);
  lab->n_hosts++;
  int number = yeon_host_add_link(h->host, &link);
  if (number < 0) return number;
  (void)yeon_ip_parse(four, &h->addr[0]);
  (void)yeon_ip_parse(six, &h->addr[1]);
  h->n_addrs = 2;
  rc = yeon_host_add_addr(h->host, (unsigned)number, &h->addr[0], 24);
  return rc != 0 ? rc : yeon_host_add_addr(h->host, (unsigned)number, &h->addr[1], 64);
}

static int add_cable(struct lab *lab, const char *name, struct lab_end a, struct lab_end b)
{
  struct lab_cable *c = &lab->cables[lab->n_cables];
  struct yeon_cable_config config = {.id = lab->n_cables};
  int rc = yeon_cable_new(&c->cable, &config, entropy(), NULL);
  if (rc != 0) return rc;
  strncpy(c->name, name, sizeof c->name - 1);
  c->end[0] = a;
  c->end[1] = b;
  c->join_at[0] = c->join_at[1] = YEON_NEVER;
  lab_cable_changed(c);
  lab->n_cables++;
  return 0;
}

int lab_setup(struct lab *lab, const char *profile)
{
  struct yeon_tcp_options tcp;
  int number = yeon_profile_find(profile != NULL ? profile : "linux");
  if (number < 0) return number;
  yeon_tcp_options_init(&tcp, (enum yeon_profile)number);
  int rc = add_host(lab, "client", &tcp, "10.0.0.1", "fd00::1");
  if (rc == 0) rc = add_host(lab, "server", &tcp, "10.0.0.2", "fd00::2");
  if (rc == 0) rc = add_cable(lab, "cable", (struct lab_end){0, 0}, (struct lab_end){1, 0});
  return rc;
}

void lab_teardown(struct lab *lab)
{
  for (unsigned i = 0; i < lab->n_hosts; i++) yeon_host_free(lab->hosts[i].host);
  for (unsigned i = 0; i < lab->n_cables; i++) yeon_cable_free(lab->cables[i].cable);
}

int lab_host_find(const struct lab *lab, const char *name)
{
  for (unsigned i = 0; i < lab->n_hosts; i++)
    if (strcmp(lab->hosts[i].name, name) == 0) return (int)i;
  return -1;
}

int lab_host_of(const struct lab *lab, const struct yeon_ip *ip)
{
  for (unsigned i = 0; i < lab->n_hosts; i++)
    for (unsigned k = 0; k < lab->hosts[i].n_addrs; k++)
      if (yeon_ip_equal(&lab->hosts[i].addr[k], ip)) return (int)i;
  return -1;
}
