/* bulk-lwip BYTES WARM_UP: the transfer of bulk.c (variant paired) through lwIP, for comparison. It also prints the size of its connection
 * record and, with `connect N`, what making N connections costs.
 *
 * The distribution's library is used as it is: built for threads, with malloc behind its pools, 64 KB windows, no timestamps, no SACK. Here
 * it runs without its thread (lwip_init alone) and through its raw API, which is its fastest way. Both ends are in the one instance there can
 * be: two interfaces, each endpoint bound to its own, so that no packet takes a short cut. As in duo.c the cable copies each frame once, and
 * frames are carried in batches. sys_now is answered here, so that its timers see the same virtual time as ours. */
#define _DEFAULT_SOURCE /* clock_gettime, and what lwIP's headers want */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lwip/init.h>
#include <lwip/ip4.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <lwip/tcp.h>
#include <lwip/timeouts.h>

#define CHUNK 65536
#define QUEUE 256 /* frames a cable holds; the window is 45 */
#define ROUND_US 50
#define HEADERS_LEAST 80

struct way {
  struct pbuf *frame[QUEUE];
  unsigned count;
};

struct transfer {
  struct netif netif[2];
  struct way way[2]; /* from netif 0 to 1, from 1 to 0 */
  struct tcp_pcb *sender, *receiver;
  bool established;
  uint64_t sent, received, target;
  uint64_t data_segments, frames;
  uint8_t *source, *sink;
};

/* lwIP asks for the time through a function without an argument. */
static uint64_t virtual_us = 1000000;
u32_t sys_now(void) { return (u32_t)(virtual_us / 1000); }

static int64_t processor_ns(void)
{
  struct timespec ts;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
  return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* The device: the frame's one copy. The sender keeps its own for retransmission. */
static err_t put_on_wire(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
  struct way *way = netif->state;
  (void)to;
  if (way->count == QUEUE) return ERR_MEM;
  struct pbuf *copy = pbuf_clone(PBUF_RAW, PBUF_RAM, p);
  if (copy == NULL) return ERR_MEM;
  way->frame[way->count++] = copy;
  return ERR_OK;
}

static err_t start_netif(struct netif *netif)
{
  netif->name[0] = 'b';
  netif->name[1] = 'w';
  netif->output = put_on_wire;
  netif->mtu = 1500;
  return ERR_OK;
}

static void carry(struct transfer *t, unsigned from)
{
  struct way taken = t->way[from];
  t->way[from].count = 0;
  for (unsigned i = 0; i < taken.count; i++) {
    struct pbuf *p = taken.frame[i];
    t->frames++;
    if (p->tot_len > HEADERS_LEAST) t->data_segments++;
    if (t->netif[1 - from].input(p, &t->netif[1 - from]) != ERR_OK) pbuf_free(p);
  }
}

static err_t on_receive(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
  struct transfer *t = arg;
  if (p == NULL || err != ERR_OK) return ERR_OK;
  pbuf_copy_partial(p, t->sink, p->tot_len, 0);
  t->received += p->tot_len;
  tcp_recved(pcb, p->tot_len);
  pbuf_free(p);
  return ERR_OK;
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
  struct transfer *t = arg;
  if (err != ERR_OK) return err;
  t->receiver = pcb;
  tcp_arg(pcb, t);
  tcp_recv(pcb, on_receive);
  return ERR_OK;
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
  (void)pcb;
  ((struct transfer *)arg)->established = err == ERR_OK;
  return ERR_OK;
}

/* As much as fits; lwIP takes all of a write or nothing, so what fits is asked first. */
static void send_some(struct transfer *t)
{
  uint64_t left = t->target - t->sent;
  uint64_t len = tcp_sndbuf(t->sender) < left ? tcp_sndbuf(t->sender) : left;
  if (len == 0) return;
  if (tcp_write(t->sender, t->source, (u16_t)len, TCP_WRITE_FLAG_COPY) != ERR_OK) return;
  t->sent += len;
  tcp_output(t->sender);
}

static void round_trip(struct transfer *t)
{
  carry(t, 0);
  carry(t, 1);
  sys_check_timeouts();
}

static bool move(struct transfer *t, uint64_t bytes)
{
  unsigned idle = 0;
  t->target += bytes;
  while (t->received < t->target && idle < 1000) {
    uint64_t frames = t->frames;
    send_some(t);
    round_trip(t);
    idle = t->frames > frames ? 0 : idle + 1;
    virtual_us += t->frames > frames ? ROUND_US : 10000;
  }
  return t->received == t->target;
}

bool bench_measured(struct transfer *t, uint64_t bytes);
__attribute__((noinline)) bool bench_measured(struct transfer *t, uint64_t bytes) { return move(t, bytes); }

static bool start(struct transfer *t)
{
  lwip_init();
  for (unsigned i = 0; i < 2; i++) {
    ip4_addr_t ip, mask, none;
    IP4_ADDR(&ip, 10, 0, i, 1);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    ip4_addr_set_zero(&none);
    if (netif_add(&t->netif[i], &ip, &mask, &none, &t->way[i], start_netif, ip4_input) == NULL) return false;
    netif_set_up(&t->netif[i]);
    netif_set_link_up(&t->netif[i]);
  }
  t->source = malloc(CHUNK);
  t->sink = malloc(CHUNK);
  if (t->source == NULL || t->sink == NULL) return false;
  for (size_t i = 0; i < CHUNK; i++) t->source[i] = (uint8_t)(i * 7);
  return true;
}

static bool listen_on(struct transfer *t, uint16_t port)
{
  struct tcp_pcb *pcb = tcp_new();
  if (pcb == NULL || tcp_bind(pcb, netif_ip_addr4(&t->netif[1]), port) != ERR_OK) return false;
  tcp_bind_netif(pcb, &t->netif[1]);
  pcb = tcp_listen(pcb);
  if (pcb == NULL) return false;
  tcp_arg(pcb, t);
  tcp_accept(pcb, on_accept);
  return true;
}

static bool connect_to(struct transfer *t, uint16_t port)
{
  t->established = false;
  t->sender = tcp_new();
  if (t->sender == NULL || tcp_bind(t->sender, netif_ip_addr4(&t->netif[0]), 0) != ERR_OK) return false;
  tcp_bind_netif(t->sender, &t->netif[0]);
  tcp_arg(t->sender, t);
  if (tcp_connect(t->sender, netif_ip_addr4(&t->netif[1]), port, on_connected) != ERR_OK) return false;
  for (unsigned i = 0; i < 8 && !t->established; i++) {
    round_trip(t);
    virtual_us += ROUND_US;
  }
  return t->established;
}

static bool run(struct transfer *t, uint64_t bytes, uint64_t warm_up)
{
  if (!connect_to(t, 80) || !move(t, warm_up)) return false;
  uint64_t segments = t->data_segments, frames = t->frames;
  int64_t from = processor_ns();
  if (!bench_measured(t, bytes)) return false;
  int64_t ns = processor_ns() - from;
  printf("segments %" PRIu64 "\nframes %" PRIu64 "\nbytes %" PRIu64 "\nns %" PRId64 "\n", t->data_segments - segments,
         t->frames - frames, bytes, ns);
  return true;
}

static bool many(struct transfer *t, uint64_t n)
{
  int64_t from = processor_ns();
  for (uint64_t i = 0; i < n; i++)
    if (!connect_to(t, 80)) return false;
  printf("connect_ns %" PRId64 "\n", (processor_ns() - from) / (int64_t)n);
  return true;
}

int main(int argc, char **argv)
{
  static struct transfer t; /* lwIP keeps pointers into it until the end */
  if (argc != 3) {
    fprintf(stderr, "usage: bulk-lwip BYTES WARM_UP, bulk-lwip connect N\n");
    return 2;
  }
  bool connections = strcmp(argv[1], "connect") == 0;
  uint64_t first = strtoull(argv[1], NULL, 10), second = strtoull(argv[2], NULL, 10);
  bool ok = start(&t) && listen_on(&t, 80) && (connections ? many(&t, second) : run(&t, first, second));
  if (!ok) fprintf(stderr, "bulk-lwip: lwIP could not make the %s\n", connections ? "connections" : "transfer");
  printf("pcb_bytes %zu\n", sizeof(struct tcp_pcb));
  return ok ? 0 : 1;
}
