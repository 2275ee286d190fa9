/* Two hosts and a cable between them, all in memory: what every benchmark of the core stands on.
 *
 * The cable has no delay, no rate and no loss. It copies each frame once, as a device's DMA would, so that no stack wins by handing its
 * own memory to the other end. Each host has an allocator of its own that counts the bytes it holds. Time is a number that the caller moves. */
#ifndef BENCH_DUO_H
#define BENCH_DUO_H

#include <yeon/host.h>
#include <yeon/tcp.h>

#define DUO_BATCH 64 /* frames carried at once, at most */

struct duo_setup {
  struct yeon_tcp_options tcp;
  uint32_t offload; /* YEON_LINK_... of both ends */
  size_t batch;     /* frames carried at once; 0: DUO_BATCH */
  bool six;         /* fd00::1 and fd00::2, not 10.0.0.1 and 10.0.0.2 */
  uint32_t most;    /* records of each kind a host may hold; 0: its defaults */
};

struct duo {
  struct yeon_host *host[2];
  uint64_t heap[2]; /* bytes each host holds */
  yeon_time now;
  struct yeon_addr addr[2]; /* port 0 */
  uint8_t *wire;            /* DUO_BATCH slots */
  size_t batch;
  size_t slot;            /* bytes */
  uint64_t data_segments; /* carried, with payload; a super-segment counts as the segments in it */
  uint64_t frames;        /* carried, all */
};

/* Profile linux, IPv4, no offload. */
void duo_setup_init(struct duo_setup *setup);
/* False: no memory, or the options are refused. */
bool duo_new(struct duo *d, const struct duo_setup *setup);
void duo_free(struct duo *d);
/* At most a batch of frames from host `from` to the other; how many. */
size_t duo_carry(struct duo *d, unsigned from);
/* Carries both ways until neither has more to say at this instant. */
void duo_settle(struct duo *d);
/* Takes all readiness reports and forgets them. */
void duo_drain(struct duo *d);
/* A listener on the host; NULL: refused. */
struct yeon_tcp *duo_listen(struct duo *d, unsigned host, uint16_t port);
/* A connection from host 0 to the listener on host 1, established at both ends. False: it failed. */
bool duo_connect(struct duo *d, struct yeon_tcp *listener, uint16_t port, struct yeon_tcp *ends[2]);

/* Nanoseconds of processor time this thread has used: what other programs do to the machine counts less than in real time. */
int64_t duo_clock(void);

#endif
