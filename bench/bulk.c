/* bulk VARIANT BYTES WARM_UP: one connection from host a to host b moves BYTES as fast as the processor can, after WARM_UP bytes that do
 * not count. Prints what it cost. Variants:
 *   paired  what the comparison with lwIP uses: no timestamps, 1460 payload bytes a segment, buffers of 64 KB, checksums in software
 *   acked   the same, but carried two frames at a time, so that every second segment is acknowledged by itself, as lwIP does it; otherwise
 *           a host is asked for output after a whole batch has come in, and one acknowledgment answers it
 *   linux   profile linux as it ships: timestamps, 1448 bytes a segment, buffers that grow
 *   ipv6    the same over IPv6: 1428 bytes a segment
 *   gso     profile linux over links that take super-segments of 64 KB and finish checksums
 * The sending program writes as much as fits whenever there is room; the receiving one reads whatever has come into a buffer of its own. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "duo.h"

#define CHUNK 65536
#define ROUND (50 * YEON_US) /* virtual time that a round takes: no timer of the transfer ever fires */

struct transfer {
  struct duo duo;
  struct yeon_tcp *ends[2];
  uint8_t *source, *sink; /* CHUNK bytes each */
};

static bool set_up(struct duo_setup *setup, const char *variant)
{
  duo_setup_init(setup);
  if (strcmp(variant, "linux") == 0) return true;
  if (strcmp(variant, "ipv6") == 0) return setup->six = true;
  if (strcmp(variant, "gso") == 0) {
    setup->offload = YEON_LINK_CSUM | YEON_LINK_GSO;
    return true;
  }
  setup->tcp.timestamps = false;
  setup->tcp.rcvbuf = setup->tcp.rcvbuf_max = setup->tcp.sndbuf = setup->tcp.sndbuf_max = 65535;
  if (strcmp(variant, "acked") == 0) setup->batch = 2;
  return setup->batch == 2 || strcmp(variant, "paired") == 0;
}

static uint64_t send_some(struct transfer *t, uint64_t left)
{
  size_t len = left < CHUNK ? (size_t)left : CHUNK;
  int64_t n = len > 0 ? yeon_tcp_send(t->ends[0], t->source, len, 0, t->duo.now) : 0;
  return n > 0 ? (uint64_t)n : 0;
}

static uint64_t receive_all(struct transfer *t)
{
  uint64_t got = 0;
  int64_t n;
  while ((n = yeon_tcp_recv(t->ends[1], t->sink, CHUNK, 0, t->duo.now)) > 0) got += (uint64_t)n;
  return got;
}

/* Both ways, as much as one batch of the usual size. */
static size_t carry_round(struct duo *d)
{
  size_t frames = 0, n;
  do {
    n = duo_carry(d, 0);
    n += duo_carry(d, 1);
    frames += n;
  } while (n > 0 && d->batch < DUO_BATCH && frames < DUO_BATCH);
  return frames;
}

static bool move(struct transfer *t, uint64_t bytes)
{
  uint64_t sent = 0, received = 0;
  unsigned idle = 0;
  while (received < bytes && idle < 100) {
    sent += send_some(t, bytes - sent);
    size_t frames = carry_round(&t->duo);
    duo_drain(&t->duo);
    received += receive_all(t);
    idle = frames > 0 ? 0 : idle + 1;
    t->duo.now += frames > 0 ? ROUND : 10 * YEON_MS;
  }
  return received == bytes;
}

/* A name of its own for the profiler: callgrind collects between its entry and its return. */
bool bench_measured(struct transfer *t, uint64_t bytes);
__attribute__((noinline)) bool bench_measured(struct transfer *t, uint64_t bytes) { return move(t, bytes); }

static bool begin(struct transfer *t, const char *variant)
{
  struct duo_setup setup;
  t->source = malloc(CHUNK);
  t->sink = malloc(CHUNK);
  if (t->source == NULL || t->sink == NULL || !set_up(&setup, variant)) return false;
  for (size_t i = 0; i < CHUNK; i++) t->source[i] = (uint8_t)(i * 7);
  if (!duo_new(&t->duo, &setup)) return false;
  struct yeon_tcp *listener = duo_listen(&t->duo, 1, 80);
  return listener != NULL && duo_connect(&t->duo, listener, 80, t->ends);
}

static bool run(struct transfer *t, const char *variant, uint64_t bytes, uint64_t warm_up)
{
  if (!begin(t, variant) || !move(t, warm_up)) return false;
  uint64_t segments = t->duo.data_segments, frames = t->duo.frames;
  int64_t from = duo_clock();
  if (!bench_measured(t, bytes)) return false;
  int64_t ns = duo_clock() - from;
  printf("segments %" PRIu64 "\nframes %" PRIu64 "\nbytes %" PRIu64 "\nns %" PRId64 "\n",
         t->duo.data_segments - segments, t->duo.frames - frames, bytes, ns);
  return true;
}

int main(int argc, char **argv)
{
  struct transfer t = {0};
  if (argc != 4) {
    fprintf(stderr, "usage: bulk paired|acked|linux|ipv6|gso BYTES WARM_UP\n");
    return 2;
  }
  if (!set_up(&(struct duo_setup){0}, argv[1])) {
    fprintf(stderr, "bulk: %s is not paired, acked, linux, ipv6 or gso\n", argv[1]);
    return 2;
  }
  bool ok = run(&t, argv[1], strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
  if (!ok) fprintf(stderr, "bulk: the transfer could not be made\n");
  if (t.duo.host[0] != NULL) duo_free(&t.duo);
  free(t.source);
  free(t.sink);
  return ok ? 0 : 1;
}
