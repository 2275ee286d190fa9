/* The universe: time, order, what joins what, and that a seed decides everything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <yeon/sim.h>
#include <yeon/tcp.h>
#include <yeon/udp.h>

#define PORT 7

struct net {
  struct yeon_sim *sim;
  struct yeon_host *host[8];
  struct yeon_udp *udp[8];
  struct yeon_addr addr[8];
  unsigned n;
};

static struct net new_net(uint64_t seed, const struct yeon_memory *memory)
{
  struct net net = {.n = 0};
  assert_int_equal(yeon_sim_new(&net.sim, seed, memory), 0);
  return net;
}

static unsigned add_host(struct net *net)
{
  struct yeon_host_config config;
  yeon_host_config_init(&config);
  unsigned i = net->n++;
  config.seed = 0;
  int node = yeon_sim_add_host(net->sim, &config, &net->host[i]);
  assert_true(node >= 0);
  assert_ptr_equal(yeon_sim_host(net->sim, (unsigned)node), net->host[i]);
  assert_int_equal(yeon_host_id(net->host[i]), node + 1);
  return (unsigned)node;
}

/* Address 10.0.0.(i+1), and an endpoint on PORT. */
static void settle_in(struct net *net, unsigned i, unsigned link)
{
  net->addr[i] = (struct yeon_addr){.ip = yeon_ip4(10, 0, 0, (uint8_t)(i + 1)), .port = PORT};
  assert_int_equal(yeon_host_add_addr(net->host[i], link, &net->addr[i].ip, 24), 0);
  assert_int_equal(yeon_udp_open(net->host[i], &net->udp[i]), 0);
  assert_int_equal(yeon_udp_bind(net->udp[i], &net->addr[i]), 0);
}

static struct net new_pair(uint64_t seed, struct yeon_cable_way way, bool ethernet, const struct yeon_memory *memory)
{
  struct net net = new_net(seed, memory);
  struct yeon_sim_link link;
  yeon_sim_link_init(&link);
  link.ethernet = ethernet;
  link.cable.way[0] = link.cable.way[1] = way;
  add_host(&net);
  add_host(&net);
  unsigned ends[2];
  assert_int_equal(yeon_sim_connect(net.sim, 0, 1, &link, ends), 0);
  for (unsigned i = 0; i < 2; i++) settle_in(&net, i, ends[i]);
  return net;
}

static void send_text(struct net *net, unsigned from, unsigned to, const char *text)
{
  assert_int_equal(yeon_udp_send(net->udp[from], text, strlen(text), &net->addr[to], yeon_sim_now(net->sim)),
                   strlen(text));
}

/* The next datagram as text; "" when there is none. */
static const char *recv_text(struct net *net, unsigned host, char *buf, size_t size)
{
  int64_t n = yeon_udp_recv(net->udp[host], buf, size - 1, NULL, NULL, NULL);
  buf[n > 0 ? n : 0] = '\0';
  return buf;
}

static void a_datagram_takes_the_time_of_the_cable(void **state)
{
  (void)state;
  char buf[100];
  struct net net = new_pair(1, (struct yeon_cable_way){.delay_us = 20000}, false, NULL);
  assert_int_equal(yeon_sim_next(net.sim), YEON_NEVER);
  assert_false(yeon_sim_step(net.sim));
  yeon_sim_run_until(net.sim, YEON_SEC);
  assert_int_equal(yeon_sim_now(net.sim), YEON_SEC);
  send_text(&net, 0, 1, "hello");
  yeon_sim_run_until(net.sim, YEON_SEC + 20 * YEON_MS - 1);
  assert_string_equal(recv_text(&net, 1, buf, sizeof buf), "");
  assert_int_equal(yeon_sim_next(net.sim), YEON_SEC + 20 * YEON_MS);
  assert_true(yeon_sim_step(net.sim));
  assert_string_equal(recv_text(&net, 1, buf, sizeof buf), "hello");
  assert_int_equal(yeon_sim_now(net.sim), YEON_SEC + 20 * YEON_MS);
  yeon_sim_run_until(net.sim, 0); /* past: time does not go back */
  assert_int_equal(yeon_sim_now(net.sim), YEON_SEC + 20 * YEON_MS);
  yeon_sim_free(net.sim);
}

struct diary {
  char text[200];
  struct yeon_sim *sim;
};
struct entry {
  struct diary *diary;
  const char *text;
};

static void write_diary(void *ctx, struct yeon_sim *sim, yeon_time now)
{
  struct entry *e = ctx;
  assert_int_equal(yeon_sim_now(sim), now);
  size_t len = strlen(e->diary->text);
  snprintf(e->diary->text + len, sizeof e->diary->text - len, "%s@%lld ", e->text, (long long)now);
}

static void write_and_schedule(void *ctx, struct yeon_sim *sim, yeon_time now)
{
  static struct entry again;
  write_diary(ctx, sim, now);
  again = (struct entry){((struct entry *)ctx)->diary, "again"};
  assert_int_equal(yeon_sim_at(sim, now - 100, write_diary, &again), 0); /* past: at once, but in a round of its own */
}

static void calls_come_in_order(void **state)
{
  (void)state;
  struct diary diary = {.text = ""};
  struct entry e[6];
  const char *const names[] = {"a", "b", "c", "d", "e", "f"};
  const yeon_time at[] = {30, 10, 30, 20, 10, 30};
  struct yeon_sim *sim;
  assert_int_equal(yeon_sim_new(&sim, 1, NULL), 0);
  for (unsigned i = 0; i < 6; i++) {
    e[i] = (struct entry){&diary, names[i]};
    assert_int_equal(yeon_sim_at(sim, at[i], i == 3 ? write_and_schedule : write_diary, &e[i]), 0);
  }
  assert_int_equal(yeon_sim_next(sim), 10);
  yeon_sim_run_until(sim, 29);
  assert_string_equal(diary.text, "b@10 e@10 d@20 again@20 ");
  assert_int_equal(yeon_sim_rounds(sim), 3);
  yeon_sim_run_until(sim, YEON_NEVER);
  assert_string_equal(diary.text, "b@10 e@10 d@20 again@20 a@30 c@30 f@30 ");
  assert_int_equal(yeon_sim_now(sim), 30);
  yeon_sim_free(sim);
}

static void many_calls_come_in_order(void **state)
{
  (void)state;
  struct yeon_sim *sim;
  struct diary diary = {.text = ""};
  struct entry nothing = {&diary, ""};
  assert_int_equal(yeon_sim_new(&sim, 9, NULL), 0);
  for (unsigned i = 0; i < 5000; i++)
    assert_int_equal(yeon_sim_at(sim, (yeon_time)(yeon_sim_random(sim) % 100000), write_diary, &nothing), 0);
  yeon_time last = 0;
  while (yeon_sim_step(sim)) {
    assert_true(yeon_sim_now(sim) > last || last == 0);
    last = yeon_sim_now(sim);
    diary.text[0] = '\0';
  }
  assert_true(last > 90000);
  yeon_sim_free(sim);
}

static void a_hub_repeats_to_all_others(void **state)
{
  (void)state;
  char buf[100];
  struct net net = new_net(1, NULL);
  int hub = yeon_sim_add_hub(net.sim);
  assert_int_equal(hub, 0);
  assert_null(yeon_sim_host(net.sim, 0));
  struct yeon_sim_link link;
  yeon_sim_link_init(&link);
  link.ethernet = true;
  for (unsigned i = 0; i < 4; i++) {
    unsigned node = add_host(&net), ends[2];
    assert_int_equal(yeon_sim_connect(net.sim, node, 0, &link, ends), i);
    assert_int_equal(ends[1], 0);
    settle_in(&net, i, ends[0]);
  }
  for (unsigned i = 0; i < 4; i++) {
    send_text(&net, i, (i + 1) % 4, "next");
    send_text(&net, i, (i + 2) % 4, "after");
  }
  yeon_sim_run_until(net.sim, YEON_SEC);
  for (unsigned i = 0; i < 4; i++) {
    unsigned length = (unsigned)strlen(recv_text(&net, i, buf, sizeof buf));
    length += (unsigned)strlen(recv_text(&net, i, buf, sizeof buf));
    assert_int_equal(length, strlen("next") + strlen("after"));
    assert_string_equal(recv_text(&net, i, buf, sizeof buf), "");
  }
  struct yeon_cable_stats in, out;
  yeon_cable_stats(yeon_sim_cable(net.sim, 0), YEON_CABLE_AB, &in);
  yeon_cable_stats(yeon_sim_cable(net.sim, 0), YEON_CABLE_BA, &out);
  assert_true(in.delivered > 0);
  uint64_t others = 0;
  for (unsigned i = 1; i < 4; i++) {
    yeon_cable_stats(yeon_sim_cable(net.sim, i), YEON_CABLE_AB, &in);
    others += in.delivered;
  }
  assert_int_equal(out.put, others); /* everything that the others said, and nothing of its own */
  yeon_sim_free(net.sim);
}

struct echo {
  struct net *net;
  unsigned told;
  yeon_time at;
};

static void echo(void *ctx, struct yeon_sim *sim, unsigned node, const struct yeon_ready *ready, yeon_time now)
{
  struct echo *e = ctx;
  assert_ptr_equal(sim, e->net->sim);
  assert_ptr_equal(ready->udp, e->net->udp[node]);
  assert_int_equal(now, yeon_sim_now(sim));
  e->told++;
  e->at = now;
  char buf[100];
  struct yeon_addr from;
  for (int64_t n; (n = yeon_udp_recv(ready->udp, buf, sizeof buf, &from, NULL, NULL)) >= 0;)
    assert_int_equal(yeon_udp_send(ready->udp, buf, (size_t)n, &from, now), n);
}

static void a_hook_hears_and_answers_at_once(void **state)
{
  (void)state;
  char buf[100];
  struct net net = new_pair(1, (struct yeon_cable_way){.delay_us = 5}, false, NULL);
  struct echo e = {.net = &net};
  assert_int_equal(yeon_sim_on_ready(net.sim, 1, echo, &e), 0);
  assert_int_equal(yeon_sim_on_ready(net.sim, 2, echo, &e), YEON_ERR_INVALID);
  send_text(&net, 0, 1, "ping");
  yeon_sim_run_until(net.sim, 10 * YEON_US);
  assert_true(e.told >= 1);
  assert_int_equal(e.at, 5 * YEON_US);
  struct yeon_ready ready;
  assert_true(yeon_host_event(net.host[0], &ready)); /* no hook: the report waits for us */
  assert_ptr_equal(ready.udp, net.udp[0]);
  assert_string_equal(recv_text(&net, 0, buf, sizeof buf), "ping");
  yeon_sim_free(net.sim);
}

static void a_cut_cable_carries_nothing(void **state)
{
  (void)state;
  char buf[100];
  struct net net = new_pair(1, (struct yeon_cable_way){.delay_us = 1000}, false, NULL);
  send_text(&net, 0, 1, "lost");
  yeon_sim_run_until(net.sim, 500 * YEON_US);
  yeon_cable_cut(yeon_sim_cable(net.sim, 0), YEON_CABLE_BOTH, yeon_sim_now(net.sim));
  yeon_sim_run_until(net.sim, YEON_SEC);
  yeon_cable_join(yeon_sim_cable(net.sim, 0), YEON_CABLE_BOTH, yeon_sim_now(net.sim));
  send_text(&net, 0, 1, "found");
  yeon_sim_run_until(net.sim, 2 * YEON_SEC);
  assert_string_equal(recv_text(&net, 1, buf, sizeof buf), "found");
  assert_string_equal(recv_text(&net, 1, buf, sizeof buf), "");
  yeon_sim_free(net.sim);
}

static void hash_frame(void *ctx, const struct yeon_cable_tap *tap)
{
  uint64_t *hash = ctx;
  *hash = (*hash ^ (uint64_t)tap->at ^ (uint64_t)tap->moment) * 1099511628211u;
  const uint8_t *p = tap->frame->slice[0].base;
  for (uint32_t i = 0; i < tap->frame->len; i++) *hash = (*hash ^ p[i]) * 1099511628211u;
}

/* TCP from host 0 to host 1 over a bad cable, with `others` hosts that have nothing to do with it. */
static uint64_t trace(uint64_t seed, unsigned others)
{
  struct net net =
      new_pair(seed, (struct yeon_cable_way){.delay_us = 3000, .loss_ppm = 50000, .jitter_us = 500}, true, NULL);
  uint64_t hash = 14695981039346656037u;
  for (unsigned i = 0; i < others; i++) add_host(&net);
  yeon_cable_set_tap(yeon_sim_cable(net.sim, 0), hash_frame, &hash);
  struct yeon_tcp *listener, *client;
  assert_int_equal(yeon_tcp_open(net.host[1], &listener), 0);
  assert_int_equal(yeon_tcp_bind(listener, &net.addr[1], 0), 0);
  assert_int_equal(yeon_tcp_listen(listener, 4, 0), 0);
  assert_int_equal(yeon_tcp_open(net.host[0], &client), 0);
  assert_int_equal(yeon_tcp_connect(client, &net.addr[1], 0), 0);
  yeon_sim_run_until(net.sim, 10 * YEON_SEC);
  static const uint8_t bytes[20000];
  assert_true(yeon_tcp_send(client, bytes, sizeof bytes, 0, yeon_sim_now(net.sim)) > 0);
  yeon_sim_run_until(net.sim, 20 * YEON_SEC);
  yeon_sim_free(net.sim);
  return hash;
}

static void the_seed_decides_everything(void **state)
{
  (void)state;
  uint64_t first = trace(5, 0);
  assert_int_equal(trace(5, 0), first);
  assert_int_equal(trace(5, 3), first);
  assert_int_not_equal(trace(6, 0), first);
}

/* A download of 3 MB over a path that swallows what is larger than 1200 bytes; how much arrives within ten minutes. */
static uint64_t download(uint8_t probing, struct yeon_counters *counters)
{
  struct net net = new_net(7, NULL);
  struct yeon_sim_link link;
  yeon_sim_link_init(&link);
  link.cable.way[0] = link.cable.way[1] = (struct yeon_cable_way){.delay_us = 10000, .drop_above = 1200};
  struct yeon_host_config config;
  struct yeon_tcp_options options;
  yeon_host_config_init(&config);
  yeon_tcp_options_init(&options, YEON_PROFILE_YEON);
  options.mtu_probing = probing;
  config.tcp = &options;
  for (unsigned i = 0; i < 2; i++) assert_int_equal(yeon_sim_add_host(net.sim, &config, &net.host[i]), (int)i);
  unsigned ends[2];
  assert_int_equal(yeon_sim_connect(net.sim, 0, 1, &link, ends), 0);
  for (unsigned i = 0; i < 2; i++) settle_in(&net, i, ends[i]);
  struct yeon_tcp *listener, *client, *server = NULL;
  assert_int_equal(yeon_tcp_open(net.host[1], &listener), 0);
  assert_int_equal(yeon_tcp_bind(listener, &net.addr[1], 0), 0);
  assert_int_equal(yeon_tcp_listen(listener, 4, 0), 0);
  assert_int_equal(yeon_tcp_open(net.host[0], &client), 0);
  assert_int_equal(yeon_tcp_connect(client, &net.addr[1], 0), 0);
  static const uint8_t bytes[30000];
  static uint8_t got[30000];
  uint64_t sent = 0, received = 0, all = 3000000;
  for (yeon_time now = 100 * YEON_MS; now < 600 * YEON_SEC && received < all; now += 100 * YEON_MS) {
    yeon_sim_run_until(net.sim, now);
    if (server == NULL && yeon_tcp_accept(listener, &server, now) != 0) continue;
    int64_t n = sent < all ? yeon_tcp_send(server, bytes, sizeof bytes, 0, now) : 0;
    if (n > 0) sent += (uint64_t)n;
    while ((n = yeon_tcp_recv(client, got, sizeof got, 0, now)) > 0) received += (uint64_t)n;
  }
  *counters = *yeon_host_counters(net.host[1]);
  yeon_sim_free(net.sim);
  return received;
}

/* RFC 4821: a path that drops large packets and says nothing stops a sender for good, unless it tries smaller ones. */
static void a_black_hole_is_got_out_of(void **state)
{
  (void)state;
  struct yeon_counters c;
  assert_int_equal(download(YEON_MTU_PROBING_OFF, &c), 0);
  assert_true(download(YEON_MTU_PROBING_BLACK_HOLE, &c) >= 3000000);
  assert_int_equal(c.tcp_mtu_black_hole, 1);
  assert_true(c.tcp_mtu_raised > 0);
  assert_true(c.tcp_mtu_probe < 20);
  assert_true(c.tcp_timeout == 0);
}

static void wrong_arguments_change_nothing(void **state)
{
  (void)state;
  struct net net = new_net(1, NULL);
  add_host(&net);
  add_host(&net);
  struct yeon_sim_link link;
  yeon_sim_link_init(&link);
  unsigned ends[2] = {77, 77};
  assert_int_equal(yeon_sim_connect(net.sim, 0, 0, &link, ends), YEON_ERR_INVALID);
  assert_int_equal(yeon_sim_connect(net.sim, 0, 2, &link, ends), YEON_ERR_INVALID);
  link.mtu = 100;
  assert_int_equal(yeon_sim_connect(net.sim, 0, 1, &link, ends), YEON_ERR_INVALID);
  link.mtu = 1500;
  link.cable.way[1].loss_ppm = 2000000;
  assert_int_equal(yeon_sim_connect(net.sim, 0, 1, &link, ends), YEON_ERR_INVALID);
  link.cable.way[1].loss_ppm = 0;
  assert_int_equal(yeon_sim_cables(net.sim), 0);
  assert_null(yeon_sim_cable(net.sim, 0));
  assert_int_equal(ends[0], 77);
  for (int i = 0; i < YEON_HOST_LINKS; i++) assert_int_equal(yeon_sim_connect(net.sim, 0, 1, &link, ends), i);
  assert_int_equal(ends[0], YEON_HOST_LINKS - 1);
  assert_int_equal(yeon_sim_connect(net.sim, 0, 1, &link, ends), YEON_ERR_LIMIT);
  assert_int_equal(yeon_sim_cables(net.sim), YEON_HOST_LINKS);
  yeon_sim_free(net.sim);
}

struct budget {
  long left; /* allocations that still succeed; negative: all */
  long live_bytes;
};

static void *budget_alloc(void *ctx, size_t size)
{
  struct budget *b = ctx;
  if (b->left == 0) return NULL;
  if (b->left > 0) b->left--;
  b->live_bytes += (long)size;
  return malloc(size);
}

static void budget_free(void *ctx, void *p, size_t size)
{
  ((struct budget *)ctx)->live_bytes -= (long)size;
  free(p);
}

/* Builds a universe until memory is refused; all that was built works, and all is given back. */
static int build_with(struct budget *budget)
{
  const struct yeon_memory memory = {budget_alloc, budget_free, budget};
  struct yeon_sim *sim;
  int error = yeon_sim_new(&sim, 1, &memory);
  if (error != 0) return error;
  struct yeon_host_config config;
  yeon_host_config_init(&config);
  struct yeon_sim_link link;
  yeon_sim_link_init(&link);
  struct entry nothing = {.text = ""};
  for (int i = 0; i < 3 && error == 0; i++) error = yeon_sim_add_host(sim, &config, NULL) < 0 ? YEON_ERR_NO_MEMORY : 0;
  if (error == 0) error = yeon_sim_connect(sim, 0, 1, &link, NULL) < 0 ? YEON_ERR_NO_MEMORY : 0;
  if (error == 0) error = yeon_sim_connect(sim, 2, 1, &link, NULL) < 0 ? YEON_ERR_NO_MEMORY : 0;
  if (error == 0) error = yeon_sim_at(sim, YEON_SEC, write_diary, &nothing);
  yeon_sim_run_until(sim, YEON_MS);
  assert_int_equal(yeon_sim_now(sim), YEON_MS);
  yeon_sim_free(sim);
  return error;
}

static void refused_memory_leaves_nothing_behind(void **state)
{
  (void)state;
  long allowed = 0;
  int error = YEON_ERR_NO_MEMORY;
  for (; error != 0 && allowed < 500; allowed++) {
    struct budget budget = {.left = allowed};
    error = build_with(&budget);
    assert_true(error == 0 || error == YEON_ERR_NO_MEMORY);
    assert_int_equal(budget.live_bytes, 0);
  }
  assert_int_equal(error, 0);
  assert_true(allowed > 10);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_datagram_takes_the_time_of_the_cable),
      cmocka_unit_test(calls_come_in_order),
      cmocka_unit_test(many_calls_come_in_order),
      cmocka_unit_test(a_hub_repeats_to_all_others),
      cmocka_unit_test(a_hook_hears_and_answers_at_once),
      cmocka_unit_test(a_cut_cable_carries_nothing),
      cmocka_unit_test(the_seed_decides_everything),
      cmocka_unit_test(wrong_arguments_change_nothing),
      cmocka_unit_test(a_black_hole_is_got_out_of),
      cmocka_unit_test(refused_memory_leaves_nothing_behind),
  };
  return cmocka_run_group_tests_name("universe", tests, NULL, NULL);
}
