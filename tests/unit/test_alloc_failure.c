/* Memory refused: the n-th allocation fails, or all from the n-th on, for every n of whole lives: hosts, cables and the calls of a
 * simulation; sockets on a loop and its links; the ladder, captures and wrappers. Nothing crashes, nothing is kept, errors say NO_MEMORY, and when only one
 * allocation failed and no call said so, every byte of the stream arrives. The linker hands every malloc, calloc, realloc and free of the library to this file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <yeon/sim.h>
#include <yeon/socket.h>
#include <yeon/tcp.h>
#include <yeon/udp.h>
#include <yeon/watch.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void __wrap_free(void *p);

/* Of the running life. */
static struct {
  long asked, live;
  long refuse_at; /* the first that is refused, counted from 1; 0: none */
  bool from_there; /* and all after it */
  bool refused;
} heap;

static bool refuse(void)
{
  heap.asked++;
  if (heap.refuse_at == 0 || heap.asked < heap.refuse_at || (heap.asked > heap.refuse_at && !heap.from_there)) return false;
  heap.refused = true;
  return true;
}

static void *keep(void *p)
{
  heap.live += p != NULL;
  return p;
}

void *__wrap_malloc(size_t size) { return refuse() ? NULL : keep(__real_malloc(size)); }
void *__wrap_calloc(size_t n, size_t size) { return refuse() ? NULL : keep(__real_calloc(n, size)); }
void __wrap_free(void *p)
{
  heap.live -= p != NULL;
  __real_free(p);
}
void *__wrap_realloc(void *p, size_t size)
{
  if (refuse()) return NULL;
  return p == NULL ? keep(__real_realloc(p, size)) : __real_realloc(p, size);
}

/* A call's result while memory is short: fine, or one of the errors that lack of memory may take. */
static bool fine(int64_t result)
{
  if (result >= 0) return true;
  bool known = result == YEON_ERR_NO_MEMORY || (heap.refused && (result == YEON_ERR_NO_ROUTE || result == YEON_ERR_ADDRESS));
  if (!known) fail_msg("allocation %ld: %s", heap.refuse_at, yeon_error_name((int)result));
  return false;
}

/* Runs a life with nothing refused, then with every allocation refused in turn. A life tells whether a call failed, and whether its stream arrived. */
struct outcome {
  bool said, whole;
};

static void refuse_each(struct outcome (*life)(void))
{
  heap.refuse_at = 0;
  heap.asked = heap.live = 0;
  struct outcome o = life();
  assert_true(o.whole && !o.said);
  long most = heap.asked;
  assert_in_range(most, 10, 5000);
  for (int from_there = 0; from_there < 2; from_there++)
    for (long n = 1; n <= most; n++) {
      heap.asked = heap.live = 0;
      heap.refused = false;
      heap.refuse_at = n;
      heap.from_there = from_there != 0;
      o = life();
      if (heap.live != 0) fail_msg("allocation %ld%s: %ld kept", n, from_there ? " on" : "", heap.live);
      if (!from_there && !o.said && !o.whole) fail_msg("allocation %ld: no call failed, and yet not all arrived", n);
    }
  heap.refuse_at = 0;
}

/* ---- A simulation ---- */

#define STREAM 60000u

struct world {
  struct yeon_sim *sim;
  struct yeon_host *host[2];
  struct yeon_tcp *listener, *client, *server;
  struct yeon_udp *udp[2];
  uint32_t sent, got, datagrams;
  bool said;
};

static uint8_t byte_at(uint32_t i) { return (uint8_t)(i * 7 + i / 251); }

static bool check(struct world *w, int64_t result)
{
  if (fine(result)) return true;
  w->said = true;
  return false;
}

static void write_more(struct world *w, yeon_time now)
{
  uint8_t text[4000];
  while (w->sent < STREAM) {
    uint32_t n = STREAM - w->sent < sizeof text ? STREAM - w->sent : (uint32_t)sizeof text;
    for (uint32_t i = 0; i < n; i++) text[i] = byte_at(w->sent + i);
    int64_t took = yeon_tcp_send(w->client, text, n, 0, now);
    if (took == YEON_ERR_AGAIN || took == YEON_ERR_NO_MEMORY) return; /* goes on later */
    if (!check(w, took)) return;
    w->sent += (uint32_t)took;
  }
}

static void read_more(struct world *w, yeon_time now)
{
  uint8_t text[5000];
  int64_t n;
  while (w->server != NULL && (n = yeon_tcp_recv(w->server, text, sizeof text, 0, now)) > 0)
    for (int64_t i = 0; i < n; i++) assert_int_equal(text[i], byte_at(w->got++));
}

/* Every 50 ms of the world: what the applications do. */
static void tick(void *ctx, struct yeon_sim *sim, yeon_time now)
{
  struct world *w = ctx;
  uint8_t big[4000] = {0};
  struct yeon_addr to = {yeon_ip4(10, 0, 0, 2), 7};
  if (w->server == NULL && yeon_tcp_accept(w->listener, &w->server, now) < 0) w->server = NULL;
  if (yeon_tcp_state(w->client) == YEON_TCP_ESTABLISHED) write_more(w, now);
  read_more(w, now);
  if (w->udp[0] != NULL && now < 500 * YEON_MS) (void)yeon_udp_send(w->udp[0], big, sizeof big, &to, now);
  while (w->udp[1] != NULL && yeon_udp_recv(w->udp[1], big, sizeof big, NULL, NULL, NULL) > 0) w->datagrams++;
  if (now < 20 * YEON_SEC && w->got < STREAM) (void)!check(w, yeon_sim_at(sim, now + 50 * YEON_MS, tick, w));
}

static bool lay(struct world *w)
{
  struct yeon_sim_link link;
  unsigned at[2];
  yeon_sim_link_init(&link);
  link.ethernet = true;
  for (unsigned i = 0; i < 2; i++) link.cable.way[i] = (struct yeon_cable_way){.delay_us = 1000, .loss_ppm = 20000, .reorder_ppm = 20000};
  if (!check(w, yeon_sim_new(&w->sim, 3, NULL))) return false;
  for (unsigned i = 0; i < 2; i++)
    if (!check(w, yeon_sim_add_host(w->sim, NULL, &w->host[i]))) return false;
  if (!check(w, yeon_sim_connect(w->sim, 0, 1, &link, at))) return false;
  for (uint8_t i = 0; i < 2; i++) {
    struct yeon_ip own = yeon_ip4(10, 0, 0, (uint8_t)(i + 1));
    if (!check(w, yeon_host_add_addr(w->host[i], at[i], &own, 24))) return false;
  }
  return true;
}

static bool open_all(struct world *w)
{
  struct yeon_addr any = {yeon_ip4(0, 0, 0, 0), 80}, to = {yeon_ip4(10, 0, 0, 2), 80}, seven = {yeon_ip4(0, 0, 0, 0), 7};
  for (unsigned i = 0; i < 2; i++)
    if (!check(w, yeon_udp_open(w->host[i], &w->udp[i]))) return false;
  return check(w, yeon_udp_bind(w->udp[1], &seven)) && check(w, yeon_tcp_open(w->host[1], &w->listener)) &&
         check(w, yeon_tcp_bind(w->listener, &any, 0)) && check(w, yeon_tcp_listen(w->listener, 4, 0)) &&
         check(w, yeon_tcp_open(w->host[0], &w->client)) && check(w, yeon_tcp_connect(w->client, &to, 0)) &&
         check(w, yeon_sim_at(w->sim, 0, tick, w));
}

static struct outcome live_in_a_simulation(void)
{
  struct world w;
  memset(&w, 0, sizeof w);
  if (lay(&w) && open_all(&w)) {
    yeon_sim_run_until(w.sim, 20 * YEON_SEC);
    yeon_tcp_close(w.client, yeon_sim_now(w.sim));
    if (w.server != NULL) yeon_tcp_close(w.server, yeon_sim_now(w.sim));
    yeon_sim_run_until(w.sim, 200 * YEON_SEC);
  }
  yeon_sim_free(w.sim);
  return (struct outcome){w.said, w.got == STREAM};
}

static void a_simulation_survives(void **state)
{
  (void)state;
  refuse_each(live_in_a_simulation);
}

/* ---- Sockets on a loop, its links wrapped ---- */

static yeon_time hand;
static yeon_time read_hand(void *ctx)
{
  (void)ctx;
  return hand;
}
static void wait_hand(void *ctx, yeon_time until)
{
  (void)ctx;
  hand = until == YEON_NEVER || until > hand + 100 * YEON_MS ? hand + 100 * YEON_MS : until > hand ? until : hand + 1;
}

static void drop_line(void *ctx, const char *line)
{
  (void)line;
  ++*(unsigned *)ctx;
}
static bool drop_bytes(void *ctx, const void *bytes, size_t len)
{
  (void)bytes;
  *(size_t *)ctx += len;
  return true;
}
static void see(void *ctx, const struct yeon_link *link, bool outbound, const struct yeon_frame *frame, yeon_time now)
{
  (void)link;
  (void)outbound;
  (void)now;
  *(uint64_t *)ctx += frame->len;
}

struct desk {
  struct yeon_loop *loop;
  struct yeon_cable *cable;
  struct yeon_ladder *ladder;
  struct yeon_pcapng *pcap;
  int interface;
  unsigned lines;
  size_t written;
  uint64_t seen;
  bool said;
};

static bool well(struct desk *d, int64_t result)
{
  bool good = fine(result);
  if (!good) d->said = true;
  return good;
}

static void on_tap(void *ctx, const struct yeon_cable_tap *tap)
{
  struct desk *d = ctx;
  yeon_ladder_frame(d->ladder, tap->direction, tap);
  yeon_pcapng_frame(d->pcap, (unsigned)d->interface, tap);
}

static void on_event(void *ctx, const struct yeon_event *event) { yeon_ladder_event(((struct desk *)ctx)->ladder, event); }

static bool watch_all(struct desk *d)
{
  struct yeon_ladder_config l = {.host = {1, 2}, .line = drop_line, .ctx = &d->lines, .flags = YEON_LADDER_ALL};
  struct yeon_cable_config c = {.way = {{.delay_us = 500, .reorder_ppm = 50000}, {.delay_us = 500}}};
  if (!well(d, yeon_ladder_new(&d->ladder, &l)) || !well(d, yeon_pcapng_new(&d->pcap, drop_bytes, &d->written))) return false;
  if (!well(d, d->interface = yeon_pcapng_interface(d->pcap, "wire", false)) || !well(d, yeon_cable_new(&d->cable, &c, 5, NULL))) return false;
  yeon_cable_set_tap(d->cable, on_tap, d);
  return true;
}

/* The two ends of a pair, the first in a cable and a tap; what is not handed over is closed here. */
static bool make_links(struct desk *d, struct yeon_link *end[2])
{
  struct yeon_link *wrapped;
  if (!well(d, yeon_link_pair(end, 1500, 64, 0))) return false;
  if (well(d, yeon_link_with_cable(&wrapped, end[0], d->cable))) {
    end[0] = wrapped;
    if (well(d, yeon_link_with_tap(&wrapped, end[0], see, &d->seen))) {
      end[0] = wrapped;
      return true;
    }
  }
  yeon_link_close(end[0]);
  yeon_link_close(end[1]);
  return false;
}

static bool make_hosts(struct desk *d, struct yeon_host *host[2])
{
  struct yeon_link *end[2];
  struct yeon_loop_config config = {.clock = read_hand, .wait = wait_hand};
  if (!well(d, yeon_loop_new(&d->loop, &config)) || !make_links(d, end)) return false;
  for (uint8_t i = 0; i < 2; i++) {
    struct yeon_host_config h;
    yeon_host_config_init(&h);
    h.id = i + 1u;
    h.seed = i + 1u;
    h.sink = (struct yeon_event_sink){on_event, d, YEON_EV_ALL};
    struct yeon_ip own = yeon_ip4(10, 0, 0, (uint8_t)(i + 1));
    bool good = well(d, yeon_loop_add_host(d->loop, &h, &host[i]));
    int number = good ? yeon_loop_add_link(d->loop, host[i], end[i]) : -1;
    if (good && well(d, number)) {
      if (!well(d, yeon_host_add_addr(host[i], (unsigned)number, &own, 24))) good = false;
      if (good) continue;
    } else {
      yeon_link_close(end[i]);
    }
    if (i == 0) yeon_link_close(end[1]);
    return false;
  }
  return true;
}

static uint32_t exchange(struct desk *d, int from, int to)
{
  static uint8_t text[50000], back[50000];
  uint32_t sent = 0, got = 0;
  for (unsigned i = 0; i < sizeof text; i++) text[i] = byte_at(i);
  for (int round = 0; round < 3000 && got < sizeof text; round++) {
    int64_t n = sent < sizeof text ? yeon_send(d->loop, from, text + sent, sizeof text - sent, 0) : 0;
    if (n > 0) sent += (uint32_t)n;
    if (n < 0 && n != YEON_ERR_AGAIN && n != YEON_ERR_NO_MEMORY && !well(d, n)) return got;
    n = yeon_recv(d->loop, to, back, sizeof back, 0);
    for (int64_t k = 0; k < n; k++) assert_int_equal(back[k], byte_at(got++));
    (void)yeon_loop_step(d->loop, 10);
  }
  return got;
}

static bool talk(struct desk *d, struct yeon_host *host[2])
{
  struct yeon_addr at = {yeon_ip4(10, 0, 0, 2), 80}, far;
  int l = yeon_socket(d->loop, host[1], YEON_IPV4, YEON_STREAM), c, s = YEON_ERR_AGAIN;
  if (!well(d, l) || !well(d, yeon_bind(d->loop, l, &at)) || !well(d, yeon_listen(d->loop, l, 4))) return false;
  c = yeon_socket(d->loop, host[0], YEON_IPV4, YEON_STREAM);
  if (!well(d, c)) return false;
  for (int i = 0; i < 3; i++) (void)yeon_setsockopt(d->loop, i == 0 ? l : c, YEON_SO_NONBLOCK, 1);
  int made = yeon_connect(d->loop, c, &at);
  if (made != YEON_ERR_IN_PROGRESS && !well(d, made)) return false;
  for (int i = 0; i < 500 && s < 0; i++) {
    (void)yeon_loop_step(d->loop, 10);
    s = yeon_accept(d->loop, l, &far);
    if (s != YEON_ERR_AGAIN && !well(d, s)) return false;
  }
  if (s < 0) return false;
  (void)yeon_setsockopt(d->loop, s, YEON_SO_NONBLOCK, 1);
  bool whole = exchange(d, c, s) == 50000;
  (void)yeon_close(d->loop, c);
  (void)yeon_close(d->loop, s);
  (void)yeon_loop_drain(d->loop, 2000);
  return whole;
}

static struct outcome live_on_a_loop(void)
{
  struct desk d;
  struct yeon_host *host[2];
  memset(&d, 0, sizeof d);
  hand = YEON_SEC;
  bool whole = watch_all(&d) && make_hosts(&d, host) && talk(&d, host);
  yeon_loop_free(d.loop);
  yeon_ladder_free(d.ladder);
  int closed = yeon_pcapng_close(d.pcap);
  assert_true(closed == 0 || heap.refused);
  yeon_cable_free(d.cable);
  return (struct outcome){d.said, whole};
}

static void a_loop_survives(void **state)
{
  (void)state;
  refuse_each(live_on_a_loop);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_simulation_survives), cmocka_unit_test(a_loop_survives)};
  return cmocka_run_group_tests_name("alloc_failure", tests, NULL, NULL);
}
