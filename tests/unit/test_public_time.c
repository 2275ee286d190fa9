/* Time as a careless caller gives it: backwards, years ahead, to the end of the clock. A host takes an earlier time as the latest seen, and
 * all goes on: no arithmetic overflows (the sanitizers watch), no call finds time standing still for ever. */
#include "pair.h"

#include <yeon/cable.h>
#include <yeon/sim.h>

static void established(struct pair *p, struct yeon_tcp **client, struct yeon_tcp **server)
{
  struct yeon_tcp *listener;
  struct yeon_addr any = pair_addr("[::]:80"), to = pair_addr("10.0.0.2:80");
  assert_int_equal(yeon_tcp_open(p->host[1], &listener), 0);
  assert_int_equal(yeon_tcp_bind(listener, &any, p->now), 0);
  assert_int_equal(yeon_tcp_listen(listener, 4, p->now), 0);
  assert_int_equal(yeon_tcp_open(p->host[0], client), 0);
  assert_int_equal(yeon_tcp_connect(*client, &to, p->now), 0);
  pair_pump(p);
  assert_int_equal(yeon_tcp_accept(listener, server, p->now), 0);
}

static void a_clock_that_goes_back(void **state)
{
  struct pair *p = pair_open(false, 1500);
  struct yeon_tcp *c, *s;
  char got[8];
  (void)state;
  established(p, &c, &s);
  yeon_time now = p->now, before[] = {0, -1, INT64_MIN, now - YEON_SEC, now - 1};
  for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
    assert_int_equal(yeon_tcp_send(c, "abcdefgh", 8, 0, before[i]), 8);
    p->now = before[i];
    pair_pump(p);
    assert_int_equal(yeon_tcp_recv(s, got, 8, 0, before[i]), 8);
    pair_pump(p);
    assert_true(yeon_host_next(p->host[0]) >= now && yeon_host_next(p->host[1]) >= now);
    p->now = now;
    pair_pump(p);
  }
  yeon_tcp_close(c, 0);
  yeon_tcp_close(s, -5);
  p->now = now;
  pair_run(p, now + 300 * YEON_SEC);
  struct yeon_host_usage u;
  yeon_host_usage(p->host[0], &u);
  assert_int_equal(u.connections + u.time_wait, 0);
  pair_close(p);
}

/* A machine that slept: everything is due at once, once. */
static void years_ahead(void **state)
{
  struct pair *p = pair_open(true, 1500);
  struct yeon_tcp *c, *s;
  (void)state;
  established(p, &c, &s);
  for (int i = 0; i < 100; i++) {
    assert_true(yeon_tcp_send(c, "x", 1, 0, p->now) <= 1);
    p->now += (yeon_time)365 * 86400 * YEON_SEC;
    pair_pump(p);
  }
  yeon_tcp_close(c, p->now);
  yeon_tcp_close(s, p->now);
  pair_run(p, p->now + 3600 * YEON_SEC);
  pair_close(p);
}

/* The last moments of the clock. */
static void the_end_of_time(void **state)
{
  static const yeon_time left[] = {1, 2, YEON_MS, YEON_SEC, 60 * YEON_SEC, 86400 * YEON_SEC};
  (void)state;
  for (size_t i = 0; i < sizeof left / sizeof *left; i++) {
    struct pair *p = pair_open(i & 1, 1500);
    struct yeon_tcp *c, *s;
    struct yeon_addr nobody = pair_addr("10.0.0.77:9");
    established(p, &c, &s);
    struct yeon_udp *u = open_udp(p->host[0], NULL);
    p->now = i & 1 ? YEON_TIME_LAST - left[i] : YEON_NEVER - left[i];
    (void)yeon_udp_send(u, "x", 1, &nobody, p->now);
    (void)yeon_tcp_send(c, "x", 1, 0, p->now);
    (void)yeon_tcp_set(c, YEON_TCP_KEEPALIVE, 1, p->now);
    (void)yeon_tcp_set(c, YEON_TCP_USER_TIMEOUT_MS, INT32_MAX, p->now);
    pair_pump(p);
    yeon_tcp_close(c, p->now);
    pair_pump(p);
    yeon_tcp_close(s, p->now);
    pair_pump(p);
    for (int side = 0; side < 2; side++) assert_true(yeon_host_next(p->host[side]) > 0);
    p->now = YEON_NEVER; /* no time at all: taken as the latest seen */
    pair_pump(p);
    pair_close(p);
  }
}

/* A universe comes to rest even where its clock ends. */
static void never(void *ctx, struct yeon_sim *sim, yeon_time now)
{
  (void)ctx, (void)sim, (void)now;
  fail();
}

static void a_universe_at_the_end_of_time(void **state)
{
  struct yeon_sim *sim;
  struct yeon_host_config h;
  struct yeon_sim_link link;
  struct yeon_host *a, *b;
  struct yeon_tcp *c;
  struct yeon_ip one = yeon_ip4(10, 0, 0, 1), two = yeon_ip4(10, 0, 0, 2);
  struct yeon_addr to = {two, 80};
  (void)state;
  assert_int_equal(yeon_sim_new(&sim, 1, NULL), 0);
  yeon_host_config_init(&h);
  yeon_sim_link_init(&link);
  link.cable.way[0].delay_us = link.cable.way[1].delay_us = 1000000000;
  link.cable.way[0].rate_bps = link.cable.way[1].rate_bps = 1;
  assert_int_equal(yeon_sim_add_host(sim, &h, &a), 0);
  assert_int_equal(yeon_sim_add_host(sim, &h, &b), 1);
  assert_int_equal(yeon_sim_connect(sim, 0, 1, &link, NULL), 0);
  assert_int_equal(yeon_host_add_addr(a, 0, &one, 24), 0);
  assert_int_equal(yeon_host_add_addr(b, 0, &two, 24), 0);
  assert_int_equal(yeon_sim_at(sim, YEON_NEVER - 1, never, NULL), 0);
  yeon_sim_run_until(sim, YEON_NEVER - 1);
  assert_int_equal(yeon_sim_now(sim), YEON_TIME_LAST);
  assert_int_equal(yeon_tcp_open(a, &c), 0);
  (void)yeon_tcp_connect(c, &to, yeon_sim_now(sim));
  for (int i = 0; i < 1000 && yeon_sim_step(sim); i++) assert_true(i < 999);
  yeon_sim_free(sim);
}

/* A cable that needs longer for its queue than there is time. */
static void an_endless_queue(void **state)
{
  struct yeon_cable *cable;
  struct yeon_cable_config config = {.way[0].rate_bps = 1, .way[0].delay_us = 1000000000};
  static uint8_t bytes[65000];
  struct yeon_frame f;
  (void)state;
  assert_int_equal(yeon_cable_new(&cable, &config, 1, NULL), 0);
  yeon_frame_from_bytes(&f, bytes, sizeof bytes);
  for (int i = 0; i < 20; i++) { /* six days each */
    assert_int_equal(yeon_cable_put(cable, 0, &f, YEON_TIME_LAST - YEON_SEC), 0);
    assert_true(yeon_cable_next(cable) > YEON_TIME_LAST);
  }
  yeon_cable_cut(cable, YEON_CABLE_BOTH, YEON_TIME_LAST);
  assert_int_equal(yeon_cable_next(cable), YEON_NEVER);
  yeon_cable_free(cable);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_clock_that_goes_back),
      cmocka_unit_test(years_ahead),
      cmocka_unit_test(the_end_of_time),
      cmocka_unit_test(an_endless_queue),
      cmocka_unit_test(a_universe_at_the_end_of_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
