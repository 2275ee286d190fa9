/* Packets that wait, whole, in memory of their own: what IP itself sends, fragments, and frames whose neighbour is still being asked
 * for. Counted against the host's buffer limit. A packet handed to a link stays in the graveyard until the next call. */
#include "ip/ip.h"

struct ip_pkt *ip_pkt_new(struct ip *ip, uint32_t len)
{
  uint32_t size = (uint32_t)sizeof(struct ip_pkt) + len;
  struct ip_pkt *p = ip->rings->used + size <= ip->rings->limit ? mem_alloc(ip->mem, size) : NULL;
  if (!p) {
    ip->counters->no_memory++;
    return NULL;
  }
  memset(p, 0, sizeof *p);
  p->size = size;
  p->len = len;
  ip->rings->used += size;
  return p;
}

void ip_pkt_free(struct ip *ip, struct ip_pkt *pkt)
{
  ip->rings->used -= pkt->size;
  mem_free(ip->mem, pkt, pkt->size);
}

void ip_queue_put(struct ip_queue *q, struct ip_pkt *pkt)
{
  pkt->next = NULL;
  if (q->last)
    q->last->next = pkt;
  else
    q->first = pkt;
  q->last = pkt;
  q->count++;
}

void ip_queue_put_front(struct ip_queue *q, struct ip_pkt *pkt)
{
  pkt->next = q->first;
  q->first = pkt;
  if (!q->last) q->last = pkt;
  q->count++;
}

struct ip_pkt *ip_queue_take(struct ip_queue *q)
{
  struct ip_pkt *p = q->first;
  if (!p) return NULL;
  q->first = p->next;
  if (!q->first) q->last = NULL;
  q->count--;
  return p;
}

int ip_pkt_send(struct ip *ip, unsigned link, struct ip_pkt *pkt)
{
  struct ip_queue *q = &ip->link[link].out;
  if (q->count >= IP_QUEUE_MAX) {
    ip_pkt_free(ip, pkt);
    return YEON_ERR_AGAIN;
  }
  ip_queue_put(q, pkt);
  return 0;
}
