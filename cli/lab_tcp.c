/* TCP calls for scripts. None of them waits. */
#include <string.h>

#include "lab.h"

#define CHUNK 65536u

static yeon_time now_of(const struct lab_socket *s) { return yeon_sim_now(s->lab->sim); }

static int tcp_open(lua_State *L)
{
  unsigned node = lab_node(L, 1);
  struct yeon_tcp *tcp;
  int error = yeon_tcp_open(yeon_sim_host(lab_of(L)->sim, node), &tcp);
  if (error != 0) return lab_push_error(L, error);
  struct lab_socket *s = lab_push_socket(L, node);
  s->tcp = tcp;
  yeon_tcp_set_user(tcp, s);
  return 1;
}

/* For calls that give 0 or an error. */
static int answer(lua_State *L, int error)
{
  if (error < 0) return lab_push_error(L, error);
  lua_pushboolean(L, 1);
  return 1;
}

static int count_or_error(lua_State *L, int64_t n)
{
  if (n < 0) return lab_push_error(L, (int)n);
  lua_pushinteger(L, n);
  return 1;
}

static int tcp_bind(lua_State *L)
{
  struct lab_socket *s = lab_tcp(L, 1);
  struct yeon_addr local = lab_addr(L, 2);
  return answer(L, yeon_tcp_bind(s->tcp, &local, now_of(s)));
}

static int tcp_listen(lua_State *L)
{
  struct lab_socket *s = lab_tcp(L, 1);
  lua_Integer backlog = luaL_checkinteger(L, 2);
  luaL_argcheck(L, backlog >= 1 && backlog <= 65535, 2, "a backlog from 1 to 65535");
  return answer(L, yeon_tcp_listen(s->tcp, (unsigned)backlog, now_of(s)));
}

static int tcp_connect(lua_State *L)
{
  struct lab_socket *s = lab_tcp(L, 1);
  struct yeon_addr remote = lab_addr(L, 2);
  return answer(L, yeon_tcp_connect(s->tcp, &remote, now_of(s)));
}

static int tcp_accept(lua_State *L)
{
  struct lab_socket *listener = lab_tcp(L, 1);
  struct yeon_tcp *tcp;
  int error = yeon_tcp_accept(listener->tcp, &tcp, now_of(listener));
  if (error != 0) return lab_push_error(L, error);
  struct lab_socket *s = lab_push_socket(L, listener->node);
  s->tcp = tcp;
  yeon_tcp_set_user(tcp, s);
  return 1;
}

/* (socket, text, first byte to send counted from 0, flags) */
static int tcp_send(lua_State *L)
{
  struct lab_socket *s = lab_tcp(L, 1);
  size_t len;
  const char *text = luaL_checklstring(L, 2, &len);
  lua_Integer from = luaL_checkinteger(L, 3);
  luaL_argcheck(L, from >= 0 && (size_t)from <= len, 3, "an offset in the text");
  unsigned flags = (unsigned)luaL_optinteger(L, 4, 0);
  return count_or_error(L, yeon_tcp_send(s->tcp, text + from, len - (size_t)from, flags, now_of(s)));
}

/* The byte at this place of the pattern that bulk transfers carry: lines of 15 hex digits, no two lines alike (an odd factor loses
 * nothing). Text, so that a reader of captures takes it for nothing else. */
static uint8_t pattern(uint64_t at)
{
  uint64_t line = (at >> 4) * 0x9e3779b97f4a7c15u;
  unsigned place = (unsigned)(at & 15);
  return place == 15 ? '\n' : (uint8_t) "0123456789abcdef"[(line >> (4 * place)) & 15];
}

/* FNV-1a, 64 bits: a fingerprint for comparing, not for security. */
static uint64_t fingerprint(uint64_t sum, const uint8_t *p, size_t len)
{
  for (size_t i = 0; i < len; i++) sum = (sum ^ p[i]) * 0x100000001b3u;
  return sum;
}

/* (socket, place in the pattern, bytes to send at most) */
static int tcp_send_pattern(lua_State *L)
{
  uint8_t buf[CHUNK];
  struct lab_socket *s = lab_tcp(L, 1);
  lua_Integer at = luaL_checkinteger(L, 2), left = luaL_checkinteger(L, 3);
  luaL_argcheck(L, at >= 0 && left >= 0, 2, "not negative");
  size_t n = left < (lua_Integer)sizeof buf ? (size_t)left : sizeof buf;
  for (size_t i = 0; i < n; i++) buf[i] = pattern((uint64_t)at + i);
  return count_or_error(L, yeon_tcp_send(s->tcp, buf, n, 0, now_of(s)));
}

static int pattern_sum(lua_State *L)
{
  uint8_t buf[4096];
  lua_Integer n = luaL_checkinteger(L, 1);
  uint64_t sum = 0xcbf29ce484222325u;
  for (uint64_t at = 0; at < (uint64_t)n; at += sizeof buf) {
    size_t len = (uint64_t)n - at < sizeof buf ? (size_t)((uint64_t)n - at) : sizeof buf;
    for (size_t i = 0; i < len; i++) buf[i] = pattern(at + i);
    sum = fingerprint(sum, buf, len);
  }
  lua_pushinteger(L, (lua_Integer)sum);
  return 1;
}

static int text_sum(lua_State *L)
{
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  lua_pushinteger(L, (lua_Integer)fingerprint(0xcbf29ce484222325u, (const uint8_t *)text, len));
  return 1;
}

static int tcp_recv(lua_State *L)
{
  char buf[CHUNK];
  struct lab_socket *s = lab_tcp(L, 1);
  lua_Integer want = luaL_checkinteger(L, 2);
  luaL_argcheck(L, want >= 1, 2, "at least one byte");
  unsigned flags = (unsigned)luaL_optinteger(L, 3, 0);
  size_t size = want < (lua_Integer)sizeof buf ? (size_t)want : sizeof buf;
  int64_t n = yeon_tcp_recv(s->tcp, buf, size, flags, now_of(s));
  if (n < 0) return lab_push_error(L, (int)n);
  lua_pushlstring(L, buf, (size_t)n);
  return 1;
}

/* (socket, at most, fingerprint so far): bytes read and thrown away, and the new fingerprint. */
static int tcp_recv_sum(lua_State *L)
{
  uint8_t buf[CHUNK];
  struct lab_socket *s = lab_tcp(L, 1);
  lua_Integer want = luaL_checkinteger(L, 2);
  uint64_t sum = (uint64_t)luaL_checkinteger(L, 3);
  size_t size = want < (lua_Integer)sizeof buf ? (size_t)want : sizeof buf;
  int64_t n = yeon_tcp_recv(s->tcp, buf, size, 0, now_of(s));
  if (n < 0) return lab_push_error(L, (int)n);
  lua_pushinteger(L, n);
  lua_pushinteger(L, (lua_Integer)fingerprint(sum, buf, (size_t)n));
  return 2;
}

static int tcp_shutdown(lua_State *L)
{
  static const char *const names[] = {"read", "write", "both", NULL};
  static const unsigned how[] = {YEON_SHUT_RD, YEON_SHUT_WR, YEON_SHUT_RD | YEON_SHUT_WR};
  struct lab_socket *s = lab_tcp(L, 1);
  return answer(L, yeon_tcp_shutdown(s->tcp, how[luaL_checkoption(L, 2, "write", names)], now_of(s)));
}

static int tcp_close(lua_State *L)
{
  struct lab_socket *s = lab_tcp(L, 1);
  struct yeon_tcp *tcp = s->tcp;
  yeon_time now = now_of(s);
  lab_socket_forget(L, s);
  yeon_tcp_close(tcp, now);
  return 0;
}

static int tcp_abort(lua_State *L)
{
  struct lab_socket *s = lab_tcp(L, 1);
  struct yeon_tcp *tcp = s->tcp;
  yeon_time now = now_of(s);
  lab_socket_forget(L, s);
  yeon_tcp_abort(tcp, now);
  return 0;
}

static const char *const option_names[] = {"sndbuf",    "rcvbuf",          "nodelay",     "cork",
                                           "quickack",  "keepalive",       "keepidle_ms", "keepintvl_ms",
                                           "keepcnt",   "user_timeout_ms", "linger_ms",   "maxseg",
                                           "hop_limit", "traffic_class",   "reuseaddr",   "reuseport",
                                           "v6only",    "oobinline",       "retries_syn", "window_clamp",
                                           NULL};
static const enum yeon_tcp_option options[] = {
    YEON_TCP_SNDBUF,    YEON_TCP_RCVBUF,      YEON_TCP_NODELAY,      YEON_TCP_CORK,          YEON_TCP_QUICKACK,
    YEON_TCP_KEEPALIVE, YEON_TCP_KEEPIDLE_MS, YEON_TCP_KEEPINTVL_MS, YEON_TCP_KEEPCNT,       YEON_TCP_USER_TIMEOUT_MS,
    YEON_TCP_LINGER_MS, YEON_TCP_MAXSEG,      YEON_TCP_HOP_LIMIT,    YEON_TCP_TRAFFIC_CLASS, YEON_TCP_REUSEADDR,
    YEON_TCP_REUSEPORT, YEON_TCP_V6ONLY,      YEON_TCP_OOBINLINE,    YEON_TCP_RETRIES_SYN,   YEON_TCP_WINDOW_CLAMP};

static int tcp_set(lua_State *L)
{
  struct lab_socket *s = lab_tcp(L, 1);
  enum yeon_tcp_option option = options[luaL_checkoption(L, 2, NULL, option_names)];
  int64_t value = lua_isboolean(L, 3) ? lua_toboolean(L, 3) : luaL_checkinteger(L, 3);
  return answer(L, yeon_tcp_set(s->tcp, option, value, now_of(s)));
}

static int tcp_get(lua_State *L)
{
  struct lab_socket *s = lab_tcp(L, 1);
  int64_t value = 0;
  int error = yeon_tcp_get(s->tcp, options[luaL_checkoption(L, 2, NULL, option_names)], &value);
  return count_or_error(L, error < 0 ? error : value);
}

static int tcp_ready(lua_State *L)
{
  lua_pushinteger(L, yeon_tcp_ready(lab_tcp(L, 1)->tcp));
  return 1;
}

static int tcp_error(lua_State *L)
{
  lua_pushinteger(L, yeon_tcp_take_error(lab_tcp(L, 1)->tcp));
  return 1;
}

void lab_tcp_register(lua_State *L)
{
  static const luaL_Reg calls[] = {{"tcp_open", tcp_open},
                                   {"tcp_bind", tcp_bind},
                                   {"tcp_listen", tcp_listen},
                                   {"tcp_connect", tcp_connect},
                                   {"tcp_accept", tcp_accept},
                                   {"tcp_send", tcp_send},
                                   {"tcp_send_pattern", tcp_send_pattern},
                                   {"pattern_sum", pattern_sum},
                                   {"text_sum", text_sum},
                                   {"tcp_recv", tcp_recv},
                                   {"tcp_recv_sum", tcp_recv_sum},
                                   {"tcp_shutdown", tcp_shutdown},
                                   {"tcp_close", tcp_close},
                                   {"tcp_abort", tcp_abort},
                                   {"tcp_set", tcp_set},
                                   {"tcp_get", tcp_get},
                                   {"tcp_ready", tcp_ready},
                                   {"tcp_error", tcp_error},
                                   {NULL, NULL}};
  luaL_setfuncs(L, calls, 0);
}
