/* Loss recovery on whole connections, over many seeds: what a lost tail costs, a pause of two seconds, packets that overtake one another. Two hosts and a
 * cable, and a hand between them that takes a chosen frame away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <yeon/cable.h>
#include <yeon/host.h>
#include <yeon/tcp.h>

#define PORT 80

struct net {
  struct yeon_host *host[2];
  struct yeon_tcp *end[2]; /* 0 has connected to 1 */
  struct yeon_cable *cable;
  yeon_time now;
  yeon_time held_until; /* what arrives at host 0 waits until then */
  uint64_t chance;
  uint32_t take_away; /* from host 1: the first frame that ends at this sequence number; 0: none */
  yeon_time taken_at; /* 0: not yet */
  uint32_t srtt_us;   /* host 1's, when it was sent again, */
  yeon_time again_at; /* and when that was; 0: not yet */
};

static uint32_t draw(struct net *n, uint32_t least, uint32_t most)
{
  n->chance = n->chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return least + (uint32_t)((n->chance >> 33) % (most - least + 1));
}

static uint32_t number(const uint8_t *p)
{
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Where a frame's text ends; 0: it has none. */
static uint32_t text_end(const struct yeon_frame *f)
{
  uint8_t head[60];
  size_t have = 0;
  for (unsigned i = 0; i < f->n_slices && have < sizeof head; i++) {
    size_t n = f->slice[i].len < sizeof head - have ? f->slice[i].len : sizeof head - have;
    memcpy(head + have, f->slice[i].base, n);
    have += n;
  }
  uint32_t len = (uint32_t)head[2] << 8 | head[3], headers = 20u + (head[32] >> 4) * 4u;
  return len > headers ? number(head + 24) + (len - headers) : 0;
}

/* Is this the frame that is to be taken away? Also sees it come again. */
static bool taken(struct net *n, unsigned from, const struct yeon_frame *f)
{
  struct yeon_tcp_info info;
  if (from != 1 || n->take_away == 0 || text_end(f) != n->take_away || n->again_at != 0) return false;
  if (n->taken_at == 0) {
    n->taken_at = n->now;
    return true;
  }
  n->again_at = n->now;
  yeon_tcp_info(n->end[1], &info);
  n->srtt_us = info.srtt_us;
  return false;
}

static void pump(struct net *n)
{
  struct yeon_frame f[16];
  bool busy = true;
  while (busy) {
    busy = false;
    for (unsigned i = 0; i < 2; i++) {
      size_t got = i == 0 && n->now < n->held_until ? 0 : yeon_cable_take(n->cable, !i, f, 16, n->now);
      if (got > 0) yeon_host_input(n->host[i], 0, f, got, n->now);
      busy |= got > 0;
      while (yeon_host_output(n->host[i], 0, f, 1, n->now) > 0) {
        if (!taken(n, i, &f[0])) assert_int_equal(yeon_cable_put(n->cable, i, &f[0], n->now), 0);
        busy = true;
      }
    }
  }
}

/* False: nothing happens any more. */
static bool go_on(struct net *n, yeon_time until)
{
  yeon_time at = yeon_cable_next_way(n->cable, YEON_CABLE_AB), back = yeon_cable_next_way(n->cable, YEON_CABLE_BA);
  if (back < n->held_until) back = n->held_until;
  if (back < at) at = back;
  for (unsigned i = 0; i < 2; i++)
    if (yeon_host_next(n->host[i]) < at) at = yeon_host_next(n->host[i]);
  if (at > until) {
    n->now = until;
    return false;
  }
  if (at > n->now) n->now = at;
  pump(n);
  return true;
}

static void run_until(struct net *n, yeon_time until)
{
  pump(n);
  while (go_on(n, until))
    ;
}

static void make_host(struct net *n, unsigned i, const struct yeon_tcp_options *options, uint64_t seed)
{
  struct yeon_host_config config;
  struct yeon_link_config link = {.name = "net", .mtu = 1500};
  struct yeon_ip ip = yeon_ip4(10, 0, 0, (uint8_t)(i + 1));
  yeon_host_config_init(&config);
  config.seed = 2 * seed + i + 1;
  config.tcp = options;
  assert_int_equal(yeon_host_new(&n->host[i], &config, n->now), 0);
  assert_int_equal(yeon_host_add_link(n->host[i], &link), 0);
  assert_int_equal(yeon_host_add_addr(n->host[i], 0, &ip, 24), 0);
}

static struct net new_net(const struct yeon_tcp_options *options, const struct yeon_cable_way *way, uint64_t seed)
{
  struct net n = {.now = YEON_SEC, .chance = seed};
  struct yeon_cable_config cable = {.way = {way[0], way[1]}};
  struct yeon_addr server = {yeon_ip4(10, 0, 0, 2), PORT};
  struct yeon_tcp *listener;
  for (unsigned i = 0; i < 2; i++) make_host(&n, i, options, seed);
  assert_int_equal(yeon_cable_new(&n.cable, &cable, seed, NULL), 0);
  assert_int_equal(yeon_tcp_open(n.host[1], &listener), 0);
  assert_int_equal(yeon_tcp_bind(listener, &server, n.now), 0);
  assert_int_equal(yeon_tcp_listen(listener, 1, n.now), 0);
  assert_int_equal(yeon_tcp_open(n.host[0], &n.end[0]), 0);
  assert_int_equal(yeon_tcp_connect(n.end[0], &server, n.now), 0);
  run_until(&n, n.now + 4 * YEON_SEC);
  assert_int_equal(yeon_tcp_accept(listener, &n.end[1], n.now), 0);
  return n;
}

static void end_net(struct net *n)
{
  for (unsigned i = 0; i < 2; i++) yeon_host_free(n->host[i]);
  yeon_cable_free(n->cable);
}

static uint8_t block[1 << 16];

/* Reads all there is at an end; the bytes. */
static uint64_t drain(struct net *n, unsigned i)
{
  uint64_t sum = 0;
  int64_t got;
  while ((got = yeon_tcp_recv(n->end[i], block, sizeof block, 0, n->now)) > 0) sum += (uint64_t)got;
  return sum;
}

/* End 1 sends `bytes` as fast as it can; how long until the last has been read, in nanoseconds. Gives up after an hour. */
static yeon_time transfer(struct net *n, uint64_t bytes)
{
  uint64_t sent = 0, received = 0;
  yeon_time began_at = n->now;
  while (received < bytes) {
    size_t most = bytes - sent < sizeof block ? (size_t)(bytes - sent) : sizeof block;
    int64_t got = most > 0 ? yeon_tcp_send(n->end[1], block, most, 0, n->now) : 0;
    if (got > 0) sent += (uint64_t)got;
    pump(n);
    received += drain(n, 0);
    if (received < bytes && got <= 0) assert_true(go_on(n, began_at + 3600 * YEON_SEC));
  }
  return n->now - began_at;
}

static void profile(struct yeon_tcp_options *o, enum yeon_profile p, bool timestamps)
{
  yeon_tcp_options_init(o, p);
  o->timestamps = timestamps;
}

/* ---- A lost tail ---- */

static int64_t ask(struct net *n, uint32_t request, uint32_t reply)
{
  assert_int_equal(yeon_tcp_send(n->end[0], block, request, 0, n->now), request);
  for (yeon_time until = n->now + 20 * YEON_SEC; drain(n, 1) == 0;) {
    pump(n);
    assert_true(go_on(n, until));
  }
  return yeon_tcp_send(n->end[1], block, reply, 0, n->now);
}

/* The last segment of a reply is lost. How much longer than twice SRTT it takes until it is sent again, microseconds. */
static int64_t lose_tail(const struct yeon_tcp_options *o, uint64_t seed)
{
  struct yeon_tcp_info info;
  struct net probe = {.chance = seed};
  struct yeon_cable_way way = {.delay_us = draw(&probe, 500, 150000)};
  way.jitter_us = draw(&probe, 0, way.delay_us / 5);
  struct net n = new_net(o, (struct yeon_cable_way[2]){way, way}, seed);
  for (unsigned i = draw(&n, 3, 30); i > 0; i--) { /* so that it knows the path */
    (void)ask(&n, draw(&n, 1, 500), draw(&n, 1, 9000));
    run_until(&n, n.now + draw(&n, 1, 1000) * YEON_MS);
    (void)drain(&n, 0);
  }
  run_until(&n, n.now + 2 * YEON_SEC);
  (void)drain(&n, 0);
  yeon_tcp_info(n.end[1], &info);
  uint32_t reply = draw(&n, 1, 9000);
  n.take_away = info.snd_nxt + reply;
  assert_int_equal(ask(&n, 100, reply), reply);
  for (yeon_time until = n.now + 20 * YEON_SEC; n.again_at == 0;) {
    pump(&n);
    if (n.again_at == 0) assert_true(go_on(&n, until));
  }
  int64_t took = (n.again_at - n.taken_at) / YEON_US - 2 * (int64_t)n.srtt_us;
  end_net(&n);
  return took;
}

/* Issue "Must show" 4: in 99 % of seeds the lost last segment of a reply is sent again within 2 SRTT + 10 ms, though the peer delays its
 * acknowledgments and the path jitters. */
static void lost_tail(void **state)
{
  (void)state;
  struct yeon_tcp_options o;
  unsigned late = 0, seeds = 1000;
  int64_t worst = 0;
  for (unsigned timestamps = 0; timestamps < 2; timestamps++) {
    profile(&o, YEON_PROFILE_YEON, timestamps != 0);
    for (unsigned seed = 1; seed <= seeds; seed++) {
      int64_t over = lose_tail(&o, seed);
      late += over > 10000;
      if (over > worst) worst = over;
    }
  }
  printf("# %u of %u later than 2 SRTT + 10 ms, the latest by %.1f ms\n", late, 2 * seeds,
         (double)(worst - 10000) / 1000);
  assert_true(late * 100 <= 2 * seeds);
}

/* Linux waits longer, for its clock starts with the acknowledgments; but no time-out, where two round trips and its allowance are shorter. */
static void lost_tail_as_linux(void **state)
{
  (void)state;
  struct yeon_tcp_options o;
  profile(&o, YEON_PROFILE_LINUX, true);
  for (unsigned seed = 1; seed <= 200; seed++) assert_true(lose_tail(&o, seed) < 450000);
}

/* ---- A pause ---- */

/* The share of the flight that is sent again because all packets are held up for two seconds, in a thousand. */
static double pause_two_seconds(const struct yeon_tcp_options *o, uint64_t seed)
{
  struct yeon_tcp_info before, after;
  struct net probe = {.chance = seed};
  struct yeon_cable_way way = {.delay_us = draw(&probe, 10000, 40000), .rate_bps = 100000000, .queue_bytes = 4000000};
  struct net n = new_net(o, (struct yeon_cable_way[2]){way, way}, seed);
  (void)transfer(&n, 8000000);
  (void)yeon_tcp_send(n.end[1], block, sizeof block, 0, n.now);
  for (yeon_time until = n.now + draw(&n, 100, 300) * YEON_MS; n.now < until;) {
    while (yeon_tcp_send(n.end[1], block, sizeof block, 0, n.now) > 0) pump(&n);
    pump(&n);
    (void)drain(&n, 0);
    (void)go_on(&n, until);
  }
  yeon_tcp_info(n.end[1], &before);
  n.held_until = n.now + 2 * YEON_SEC;
  (void)transfer(&n, 3000000);
  yeon_tcp_info(n.end[1], &after);
  uint64_t again = after.bytes_retransmitted - before.bytes_retransmitted;
  assert_true(yeon_host_counters(n.host[1])->tcp_rexmit_rto > 0); /* it did time out */
  end_net(&n);
  return 1000.0 * (double)again / before.flight;
}

/* Issue "Must show" 3: a spurious time-out is undone; less than 5 % of the flight is sent again. */
static void delay_spike(void **state)
{
  (void)state;
  struct yeon_tcp_options o;
  static const enum yeon_profile profiles[] = {YEON_PROFILE_YEON, YEON_PROFILE_LINUX};
  double worst = 0;
  for (unsigned p = 0; p < 2; p++)
    for (unsigned timestamps = 0; timestamps < 2; timestamps++) {
      profile(&o, profiles[p], timestamps != 0);
      for (unsigned seed = 1; seed <= 50; seed++) {
        double share = pause_two_seconds(&o, seed);
        if (share > worst) worst = share;
      }
    }
  printf("# at worst %.1f %% of the flight is sent again\n", worst / 10);
  assert_true(worst < 50);
}

/* ---- Overtaking ---- */

static double goodput(const struct yeon_tcp_options *o, const struct yeon_cable_way *way, uint64_t bytes, uint64_t seed,
                      uint64_t *again)
{
  struct net n = new_net(o, (struct yeon_cable_way[2]){{.delay_us = way->delay_us}, *way}, seed);
  struct yeon_tcp_info info;
  yeon_time took = transfer(&n, bytes);
  yeon_tcp_info(n.end[1], &info);
  *again += info.bytes_retransmitted;
  end_net(&n);
  return (double)bytes / (double)took;
}

/* Issue "Must show" 3: 3 % of packets late by up to a quarter of a round trip cost less than 5 % of goodput. */
static void reordering(void **state)
{
  (void)state;
  static const enum yeon_profile profiles[] = {YEON_PROFILE_YEON, YEON_PROFILE_LINUX};
  struct yeon_tcp_options o;
  for (unsigned p = 0; p < 2; p++)
    for (unsigned timestamps = 0; timestamps < 2; timestamps++) {
      double straight = 0, shuffled = 0, worst = 1;
      uint64_t again[2] = {0, 0};
      profile(&o, profiles[p], timestamps != 0);
      for (unsigned seed = 1; seed <= 20; seed++) {
        struct net probe = {.chance = seed};
        struct yeon_cable_way way = {.delay_us = draw(&probe, 5000, 40000), .rate_bps = 20000000};
        way.queue_bytes = (uint32_t)(2 * way.delay_us * (way.rate_bps / 8000000) + 20000);
        double a = goodput(&o, &way, 20000000, seed, &again[0]);
        way.reorder_ppm = 30000;
        way.reorder_up_to_us = way.delay_us / 2; /* a quarter of the round trip */
        double b = goodput(&o, &way, 20000000, seed, &again[1]);
        straight += a;
        shuffled += b;
        if (b / a < worst) worst = b / a;
      }
      printf("# %s%s: %.1f %% of the goodput, at worst %.1f %%; sent again %.2f %%, without reordering %.2f %%\n",
             yeon_profile_name(profiles[p]), timestamps != 0 ? "" : " without timestamps", 100 * shuffled / straight,
             100 * worst, (double)again[1] / 4e6, (double)again[0] / 4e6);
      assert_true(shuffled >= 0.95 * straight);
    }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lost_tail),
      cmocka_unit_test(lost_tail_as_linux),
      cmocka_unit_test(delay_spike),
      cmocka_unit_test(reordering),
  };
  return cmocka_run_group_tests_name("recovery", tests, NULL, NULL);
}
