/* RFC 3168 5, 5.3: the ECN field in both families. */
#include "link/cable_mark.h"

#include "wire/checksum.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

/* RFC 1624 3: the new checksum from the old one and the word that changed. A checksum that was wrong stays wrong. */
static void mark4(uint8_t *ip)
{
  uint16_t old = wire_get16(ip);
  ip[1] |= WIRE_ECN_CE;
  uint64_t sum = (uint64_t)(uint16_t)~wire_get16(ip + 10) + (uint16_t)~old + wire_get16(ip);
  wire_put16(ip + 10, wire_sum_finish(sum));
}

bool mark_ce(struct packet *p)
{
  if (p->len < (uint32_t)p->l3_offset + WIRE_IPV4_HEADER) return false;
  uint8_t *ip = p->bytes + p->l3_offset;
  unsigned version = ip[0] >> 4, ecn = version == 4 ? ip[1] & 3u : (ip[1] >> 4) & 3u;
  if ((version != 4 && version != 6) || ecn == WIRE_ECN_NOT) return false;
  if (version == 6)
    ip[1] |= WIRE_ECN_CE << 4;
  else if (ecn != WIRE_ECN_CE)
    mark4(ip);
  p->marked |= ecn != WIRE_ECN_CE;
  return true;
}
