/* Segments by number: equal bytes have one number, and what stands in them is read once. */
#include "explore.h"

#include <stdlib.h>

#define SLAB ((size_t)1 << 22)

struct packets {
  struct packet *all; /* by number - 1 */
  uint32_t n, cap;
  uint32_t *slots; /* of numbers, 0: none; a power of two */
  uint32_t n_slots;
  uint8_t **slabs; /* of bytes */
  uint32_t n_slabs;
  size_t used; /* of the last slab */
};

static void *need(void *p)
{
  if (p == NULL) abort();
  return p;
}

struct packets *packets_new(void)
{
  struct packets *p = need(calloc(1, sizeof *p));
  p->n_slots = 1 << 16;
  p->slots = need(calloc(p->n_slots, sizeof *p->slots));
  p->used = SLAB;
  return p;
}

void packets_free(struct packets *p)
{
  for (uint32_t i = 0; i < p->n_slabs; i++) free(p->slabs[i]);
  free(p->slabs);
  free(p->slots);
  free(p->all);
  free(p);
}

static uint64_t hash_bytes(const uint8_t *p, size_t len)
{
  uint64_t h = len * UINT64_C(0x9e3779b97f4a7c15), word = 0;
  for (; len >= 8; p += 8, len -= 8) {
    memcpy(&word, p, 8);
    h = (h ^ word) * UINT64_C(0xff51afd7ed558ccd);
    h ^= h >> 32;
  }
  word = 0;
  memcpy(&word, p, len);
  h = (h ^ word) * UINT64_C(0xff51afd7ed558ccd);
  return h ^ h >> 29;
}

static uint32_t *slot_of(const struct packets *p, const uint8_t *bytes, uint32_t len)
{
  uint32_t mask = p->n_slots - 1, at = (uint32_t)hash_bytes(bytes, len) & mask;
  for (;; at = (at + 1) & mask) {
    uint32_t number = p->slots[at];
    if (number == 0) return &p->slots[at];
    const struct packet *k = &p->all[number - 1];
    if (k->len == len && memcmp(k->bytes, bytes, len) == 0) return &p->slots[at];
  }
}

static void grow(struct packets *p)
{
  free(p->slots);
  p->n_slots *= 2;
  p->slots = need(calloc(p->n_slots, sizeof *p->slots));
  for (uint32_t i = 0; i < p->n; i++) *slot_of(p, p->all[i].bytes, p->all[i].len) = i + 1;
}

static uint8_t *room_for(struct packets *p, uint32_t len)
{
  if (p->used + len > SLAB) {
    p->slabs = need(realloc(p->slabs, (p->n_slabs + 1) * sizeof *p->slabs));
    p->slabs[p->n_slabs++] = need(malloc(SLAB));
    p->used = 0;
  }
  uint8_t *room = p->slabs[p->n_slabs - 1] + p->used;
  p->used += len;
  return room;
}

static struct packet read_packet(const uint8_t *bytes, uint32_t len)
{
  struct packet k = {.bytes = bytes, .len = len};
  struct wire_ipv4 ip;
  if (wire_ipv4_parse(bytes, len, len, &ip) != WIRE_OK || ip.protocol != WIRE_PROTO_TCP) return k;
  if (wire_tcp_parse(bytes + ip.header_len, len - ip.header_len, &k.h) != WIRE_OK) return k;
  k.payload = bytes + ip.header_len + k.h.header_len;
  k.n = len - ip.header_len - k.h.header_len;
  k.payload_hash = hash_bytes(k.payload, k.n);
  return k;
}

uint32_t packets_keep(struct packets *p, const uint8_t *bytes, uint32_t len)
{
  uint32_t *slot = slot_of(p, bytes, len);
  if (*slot != 0) return *slot;
  if (p->n == p->cap) {
    p->cap = p->cap == 0 ? 1024 : 2 * p->cap;
    p->all = need(realloc(p->all, p->cap * sizeof *p->all));
  }
  uint8_t *kept = memcpy(room_for(p, len), bytes, len);
  p->all[p->n++] = read_packet(kept, len);
  *slot = p->n;
  uint32_t number = p->n;
  if (2 * p->n > p->n_slots) grow(p);
  return number;
}

const struct packet *packets_at(const struct packets *p, uint32_t number) { return &p->all[number - 1]; }
