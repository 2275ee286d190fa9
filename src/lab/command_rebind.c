/* cable rebind: a host's addresses change under its programs, as when a telephone roams. The old ones are gone at once: what is sent to them is
 * nobody's, connections that stand on them hear nothing more, and find out as they would with a kernel: by their timers. */
#define _GNU_SOURCE
#include <string.h>

#include "lab/command.h"
#include "lab/setup.h"

#define STEP 100u /* 10.0.0.1 -> 10.0.0.101 */

/* An address of the same subnet that no host has. */
static bool next_free(const struct lab *lab, struct yeon_ip *ip)
{
  bool four = yeon_ip_is4(ip);
  for (unsigned i = 0; i < 256; i++) {
    if (four) ip->b[15] = (uint8_t)((ip->b[15] + STEP + i) % 254u + (i > 0 ? 1u : 0u));
    else ip->b[14] = (uint8_t)(ip->b[14] + 1u);
    if ((!four || (ip->b[15] != 0 && ip->b[15] != 255)) && lab_host_of(lab, ip) < 0) return true;
  }
  return false;
}

/* The address number `k` of the host becomes `ip`. All of them are on its first link. */
static int change(struct command *c, struct lab_host *h, unsigned k, const struct yeon_ip *ip)
{
  char before[48], after[48];
  int rc = yeon_host_add_addr(h->host, 0, ip, yeon_ip_is4(ip) ? 24 : 64);
  if (rc != 0) return command_fail(c, "the address cannot be taken: %s", yeon_error_text(rc));
  (void)yeon_host_del_addr(h->host, 0, &h->addr[k]);
  yeon_ip_format(&h->addr[k], before, sizeof before);
  yeon_ip_format(ip, after, sizeof after);
  h->addr[k] = *ip;
  for (unsigned i = 0; i < c->lab->n_cables; i++) {
    const struct lab_cable *cable = &c->lab->cables[i];
    for (unsigned e = 0; e < 2; e++)
      if (&c->lab->hosts[cable->end[e].host] == h) lab_neighbour(c->lab, &cable->end[1 - e], ip);
  }
  fprintf(c->out, "%s %s -> %s\n", h->name, before, after);
  lab_log(c->lab, "host %s: %s is now %s", h->name, before, after);
  return 0;
}

/* The addresses that were asked for, one of each family at most, into want[0] (IPv4) and want[1]. */
static int take_addresses(struct command *c, struct yeon_ip want[2], bool given[2])
{
  const char *word;
  while ((word = command_next(c)) != NULL) {
    struct yeon_ip ip;
    if (yeon_ip_parse(word, &ip) != 0) return command_fail(c, "rebind [HOST] [ADDRESS ...]: '%s' is neither a host at this cable nor an address", word);
    if (lab_host_of(c->lab, &ip) >= 0) return command_fail(c, "%s is taken", word);
    unsigned family = yeon_ip_is4(&ip) ? 0 : 1;
    want[family] = ip;
    given[family] = true;
  }
  return 0;
}

int command_rebind(struct command *c, struct lab_cable *cable)
{
  unsigned end = 0;
  struct yeon_ip want[2];
  bool given[2] = {false, false};
  for (unsigned e = 0; e < 2 && command_peek(c) != NULL; e++) {
    if (strcmp(c->lab->hosts[cable->end[e].host].name, command_peek(c)) != 0) continue;
    (void)command_next(c);
    end = e;
    break;
  }
  struct lab_host *h = &c->lab->hosts[cable->end[end].host];
  if (h->host == NULL) return command_fail(c, "%s is not the lab's to rebind", h->name);
  if (take_addresses(c, want, given) != 0) return 2;
  bool all = !given[0] && !given[1];
  for (unsigned k = 0; k < h->n_addrs; k++) {
    unsigned family = yeon_ip_is4(&h->addr[k]) ? 0 : 1;
    struct yeon_ip ip = given[family] ? want[family] : h->addr[k];
    if (!all && !given[family]) continue;
    if (!given[family] && !next_free(c->lab, &ip)) return command_fail(c, "%s", "no address is free in this subnet");
    if (change(c, h, k, &ip) != 0) return 2;
    given[family] = false;
  }
  lab_hosts_changed(c->lab);
  return 0;
}
