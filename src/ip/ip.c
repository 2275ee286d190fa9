/* The instance: what begins and ends with it, its timers, its drops.
 *
 * How time works here: every mechanism that waits for an instant calls ip_want with it. next_at is therefore never later
 * than the true next deadline. When it has come, each mechanism looks through its own (bounded) table, does what is due
 * and wants its next instant again. Nothing is armed per packet, so this costs nothing while data flows. */
#include "ip/ip.h"

bool ip_init(struct ip *ip, yeon_time now)
{
  ip->hit_local = IP_NONE;
  ip->next_at = ip->locals_at = YEON_NEVER;
  ip->icmp_at = now;
  ip->icmp_tokens = IP_ICMP_BURST;
  rng_key(ip->rng, &ip->key);
  for (size_t i = 0; i < sizeof ip->id / sizeof ip->id[0]; i++) ip->id[i] = (uint32_t)rng_next(ip->rng);
  struct ip_link *loop = &ip->link[IP_LOOP];
  memcpy(loop->name, "loop", 5);
  loop->mtu = loop->mtu6 = IP_LOOP_MTU;
  loop->offload = YEON_LINK_CSUM;
  loop->rs_at = YEON_NEVER;
  if (!ip_neigh_init(ip)) return false;
  struct yeon_ip four = yeon_ip4(127, 0, 0, 1);
  struct yeon_ip six = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
  if (ip_local_add(ip, IP_LOOP, &four, 8, 0, now) < 0 || ip_local_add(ip, IP_LOOP, &six, 128, 0, now) < 0) {
    ip_fini(ip);
    return false;
  }
  return true;
}

static void free_queue(struct ip *ip, struct ip_queue *q)
{
  for (struct ip_pkt *p; (p = ip_queue_take(q)) != NULL;) ip_pkt_free(ip, p);
}

void ip_fini(struct ip *ip)
{
  ip_bury(ip);
  for (unsigned i = 0; i < IP_LINKS; i++) free_queue(ip, &ip->link[i].out);
  ip_neigh_fini(ip);
  ip_reasm_fini(ip);
  mem_free(ip->mem, ip->locals, ip->cap_locals * sizeof ip->locals[0]);
  union {
    const struct yeon_ip *shown;
    struct yeon_ip *ours;
  } ips = {.shown = ip->local_ips};
  mem_free(ip->mem, ips.ours, ip->cap_locals * sizeof *ips.ours);
  mem_free(ip->mem, ip->names, ip->cap_names * sizeof ip->names[0]);
  mem_free(ip->mem, ip->routes, ip->cap_routes * sizeof ip->routes[0]);
  mem_free(ip->mem, ip->scratch, ip->scratch ? IP_SCRATCH : 0);
}

void ip_bury(struct ip *ip)
{
  while (ip->graveyard) {
    struct ip_pkt *p = ip->graveyard;
    ip->graveyard = p->next;
    ip_pkt_free(ip, p);
  }
}

void ip_want(struct ip *ip, yeon_time at)
{
  if (at < ip->next_at) ip->next_at = at;
}

void ip_run_timers(struct ip *ip, yeon_time now)
{
  if (now < ip->next_at) return;
  ip->next_at = YEON_NEVER;
  ip_neigh_run(ip, now);
  ip_reasm_run(ip, now);
  ip_autoconf_run(ip, now);
}

void ip_drop_event(const struct ip *ip, const char *reason, uint32_t len, yeon_time now)
{
  struct yeon_event e = event_make(ip->events, YEON_EV_DROP, now);
  e.u.drop.reason = reason;
  e.u.drop.len = len;
  event_emit(ip->events, &e);
}
