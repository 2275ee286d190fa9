/* Two hosts in one loop, joined by a cable in memory, under a clock that jumps. */
#ifndef TEST_SOCKET_UTIL_H
#define TEST_SOCKET_UTIL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <yeon/cable.h>
#include <yeon/socket.h>

struct room {
  yeon_time now;
  struct yeon_loop *loop;
  struct yeon_host *a, *b; /* 10.0.0.1 and fd00::1; 10.0.0.2 and fd00::2 */
  struct yeon_cable *cable;
};

static inline yeon_time room_clock(void *ctx) { return ((struct room *)ctx)->now; }

static inline void room_wait(void *ctx, yeon_time until)
{
  struct room *r = ctx;
  if (until > r->now) r->now = until;
}

static inline struct yeon_ip ip_of(const char *text)
{
  struct yeon_ip ip;
  assert_int_equal(yeon_ip_parse(text, &ip), 0);
  return ip;
}

static inline struct yeon_addr at(const char *text)
{
  struct yeon_addr a;
  assert_int_equal(yeon_addr_parse(text, &a), 0);
  return a;
}

static inline void join_hosts(struct room *r)
{
  struct yeon_link *pair[2], *cabled;
  struct yeon_cable_config config = {.id = 1};
  struct yeon_ip a4 = ip_of("10.0.0.1"), b4 = ip_of("10.0.0.2"), a6 = ip_of("fd00::1"), b6 = ip_of("fd00::2");
  assert_int_equal(yeon_link_pair(pair, 1500, 4096, 0), 0);
  assert_int_equal(yeon_cable_new(&r->cable, &config, 1, NULL), 0);
  assert_int_equal(yeon_link_with_cable(&cabled, pair[0], r->cable), 0);
  assert_int_equal(yeon_loop_add_link(r->loop, r->a, cabled), 0);
  assert_int_equal(yeon_loop_add_link(r->loop, r->b, pair[1]), 0);
  assert_int_equal(yeon_host_add_addr(r->a, 0, &a4, 24), 0);
  assert_int_equal(yeon_host_add_addr(r->b, 0, &b4, 24), 0);
  assert_int_equal(yeon_host_add_addr(r->a, 0, &a6, 64), 0);
  assert_int_equal(yeon_host_add_addr(r->b, 0, &b6, 64), 0);
}

static inline void room_open(struct room *r, bool real_clock, uint32_t max_sockets)
{
  memset(r, 0, sizeof *r);
  struct yeon_loop_config config = {.owner = "test", .max_sockets = max_sockets};
  if (!real_clock) {
    config.clock = room_clock;
    config.wait = room_wait;
    config.ctx = r;
  }
  struct yeon_host_config host;
  yeon_host_config_init(&host);
  assert_int_equal(yeon_loop_new(&r->loop, &config), 0);
  host.seed = 1;
  assert_int_equal(yeon_loop_add_host(r->loop, &host, &r->a), 0);
  host.seed = 2;
  assert_int_equal(yeon_loop_add_host(r->loop, &host, &r->b), 0);
  join_hosts(r);
}

static inline void room_close(struct room *r)
{
  yeon_loop_free(r->loop);
  yeon_cable_free(r->cable);
}

/* Host a listens on `where`. */
static inline int listener(struct room *r, const char *where, enum yeon_domain domain)
{
  struct yeon_addr addr = at(where);
  int s = yeon_socket(r->loop, r->a, domain, YEON_STREAM);
  assert_true(s >= 0);
  assert_int_equal(yeon_bind(r->loop, s, &addr), 0);
  assert_int_equal(yeon_listen(r->loop, s, 16), 0);
  return s;
}

/* A connection from host b to host a. */
static inline void connection(struct room *r, int *client, int *server)
{
  struct yeon_addr addr = at("10.0.0.1:80");
  int l = listener(r, "10.0.0.1:80", YEON_IPV4);
  *client = yeon_socket(r->loop, r->b, YEON_IPV4, YEON_STREAM);
  assert_int_equal(yeon_connect(r->loop, *client, &addr), 0);
  *server = yeon_accept(r->loop, l, NULL);
  assert_true(*server >= 0);
  assert_int_equal(yeon_close(r->loop, l), 0);
}

#endif
