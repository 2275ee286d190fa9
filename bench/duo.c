#define _POSIX_C_SOURCE 200809L /* clock_gettime */
#include "duo.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLOT_PLAIN 2048
#define SLOT_GSO 66560
#define HEADERS_LEAST 80 /* a frame longer than its headers can be carries payload */

int64_t duo_clock(void)
{
  struct timespec ts;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
  return (int64_t)ts.tv_sec * YEON_SEC + ts.tv_nsec;
}

static void *count_alloc(void *ctx, size_t size)
{
  uint64_t *bytes = ctx;
  void *p = malloc(size);
  if (p != NULL) *bytes += size;
  return p;
}

static void count_free(void *ctx, void *p, size_t size)
{
  uint64_t *bytes = ctx;
  *bytes -= size;
  free(p);
}

void duo_setup_init(struct duo_setup *setup)
{
  memset(setup, 0, sizeof *setup);
  yeon_tcp_options_init(&setup->tcp, YEON_PROFILE_LINUX);
}

static bool make_host(struct duo *d, unsigned i, const struct duo_setup *setup)
{
  static const char *const addresses[2][2] = {{"10.0.0.1", "10.0.0.2"}, {"fd00::1", "fd00::2"}};
  static const char *const names[2] = {"a", "b"};
  struct yeon_host_config config;
  struct yeon_link_config link = {.name = "wire", .mtu = 1500, .offload = setup->offload};
  yeon_host_config_init(&config);
  config.name = names[i];
  config.id = i + 1;
  config.seed = 1000 + i;
  config.tcp = &setup->tcp;
  config.memory = (struct yeon_memory){count_alloc, count_free, &d->heap[i]};
  if (setup->most != 0) config.max_connections = config.max_half_open = config.max_time_wait = setup->most;
  if (yeon_host_new(&d->host[i], &config, d->now) < 0) return false;
  if (yeon_ip_parse(addresses[setup->six][i], &d->addr[i].ip) < 0) return false;
  if (yeon_host_add_link(d->host[i], &link) != 0) return false;
  return yeon_host_add_addr(d->host[i], 0, &d->addr[i].ip, setup->six ? 64 : 8) == 0;
}

bool duo_new(struct duo *d, const struct duo_setup *setup)
{
  memset(d, 0, sizeof *d);
  d->now = YEON_SEC;
  d->batch = setup->batch ? setup->batch : DUO_BATCH;
  d->slot = setup->offload & YEON_LINK_GSO ? SLOT_GSO : SLOT_PLAIN;
  d->wire = malloc(DUO_BATCH * d->slot);
  if (d->wire != NULL && make_host(d, 0, setup) && make_host(d, 1, setup)) {
    /* A new address is first announced or tested for duplicates. */
    for (int i = 0; i < 40; i++, d->now += 100 * YEON_MS) duo_settle(d);
    return true;
  }
  duo_free(d);
  return false;
}

void duo_free(struct duo *d)
{
  for (unsigned i = 0; i < 2; i++) {
    yeon_host_free(d->host[i]);
    assert(d->heap[i] == 0);
  }
  free(d->wire);
  memset(d, 0, sizeof *d);
}

/* The frame as one slice over the slot its bytes were copied to. */
static void copy_frame(struct duo *d, struct yeon_frame *in, const struct yeon_frame *f, size_t slot)
{
  uint8_t *bytes = d->wire + slot * d->slot;
  size_t len = yeon_frame_copy(f, bytes, d->slot);
  yeon_frame_from_bytes(in, bytes, len);
  in->csum = f->csum;
  in->segs = f->segs;
  in->gso_size = f->gso_size;
  in->csum_start = f->csum_start;
  in->csum_offset = f->csum_offset;
  in->l3_offset = f->l3_offset;
  if (len > HEADERS_LEAST) d->data_segments += f->segs > 1 ? f->segs : 1;
}

size_t duo_carry(struct duo *d, unsigned from)
{
  struct yeon_frame out[DUO_BATCH], in[DUO_BATCH];
  size_t n = yeon_host_output(d->host[from], 0, out, d->batch, d->now);
  if (n == 0) return 0;
  for (size_t i = 0; i < n; i++) copy_frame(d, &in[i], &out[i], i);
  d->frames += n;
  yeon_host_input(d->host[1 - from], 0, in, n, d->now);
  return n;
}

void duo_settle(struct duo *d)
{
  while (duo_carry(d, 0) + duo_carry(d, 1) > 0) {
  }
}

void duo_drain(struct duo *d)
{
  struct yeon_ready ready;
  for (unsigned i = 0; i < 2; i++)
    while (yeon_host_event(d->host[i], &ready)) {
    }
}

struct yeon_tcp *duo_listen(struct duo *d, unsigned host, uint16_t port)
{
  struct yeon_tcp *listener;
  struct yeon_addr at = d->addr[host];
  at.port = port;
  if (yeon_tcp_open(d->host[host], &listener) < 0) return NULL;
  if (yeon_tcp_bind(listener, &at, d->now) == 0 && yeon_tcp_listen(listener, 65535, d->now) == 0) return listener;
  yeon_tcp_close(listener, d->now);
  return NULL;
}

bool duo_connect(struct duo *d, struct yeon_tcp *listener, uint16_t port, struct yeon_tcp *ends[2])
{
  struct yeon_addr to = d->addr[1];
  to.port = port;
  if (yeon_tcp_open(d->host[0], &ends[0]) < 0 || yeon_tcp_connect(ends[0], &to, d->now) < 0) return false;
  duo_settle(d);
  if (yeon_tcp_accept(listener, &ends[1], d->now) < 0) return false;
  return yeon_tcp_state(ends[0]) == YEON_TCP_ESTABLISHED && yeon_tcp_state(ends[1]) == YEON_TCP_ESTABLISHED;
}
