/* UDP calls for scripts. None of them waits. */
#include "lab.h"

static int udp_open(lua_State *L)
{
  unsigned node = lab_node(L, 1);
  struct yeon_udp *udp;
  int error = yeon_udp_open(yeon_sim_host(lab_of(L)->sim, node), &udp);
  if (error != 0) return lab_push_error(L, error);
  struct lab_socket *s = lab_push_socket(L, node);
  s->udp = udp;
  yeon_udp_set_user(udp, s);
  return 1;
}

static int answer(lua_State *L, int error)
{
  if (error < 0) return lab_push_error(L, error);
  lua_pushboolean(L, 1);
  return 1;
}

static int udp_bind(lua_State *L)
{
  struct lab_socket *s = lab_udp(L, 1);
  struct yeon_addr local = lab_addr(L, 2);
  return answer(L, yeon_udp_bind(s->udp, &local));
}

static int udp_connect(lua_State *L)
{
  struct lab_socket *s = lab_udp(L, 1);
  if (lua_isnoneornil(L, 2)) return answer(L, yeon_udp_connect(s->udp, NULL));
  struct yeon_addr remote = lab_addr(L, 2);
  return answer(L, yeon_udp_connect(s->udp, &remote));
}

static int udp_send(lua_State *L)
{
  struct lab_socket *s = lab_udp(L, 1);
  size_t len;
  const char *text = luaL_checklstring(L, 2, &len);
  struct yeon_addr to;
  bool given = !lua_isnoneornil(L, 3);
  if (given) to = lab_addr(L, 3);
  int64_t n = yeon_udp_send(s->udp, text, len, given ? &to : NULL, yeon_sim_now(s->lab->sim));
  if (n < 0) return lab_push_error(L, (int)n);
  lua_pushinteger(L, n);
  return 1;
}

static int udp_recv(lua_State *L)
{
  char buf[65536];
  struct lab_socket *s = lab_udp(L, 1);
  struct yeon_addr from;
  int64_t n = yeon_udp_recv(s->udp, buf, sizeof buf, &from, NULL, NULL);
  if (n < 0) return lab_push_error(L, (int)n);
  lua_pushlstring(L, buf, (size_t)n);
  lab_push_addr(L, &from);
  return 2;
}

static int udp_close(lua_State *L)
{
  struct lab_socket *s = lab_udp(L, 1);
  struct yeon_udp *udp = s->udp;
  lab_socket_forget(L, s);
  yeon_udp_close(udp);
  return 0;
}

static int udp_set(lua_State *L)
{
  static const char *const names[] = {"rcvbuf",        "sndbuf",        "hop_limit", "multicast_hops",
                                      "traffic_class", "broadcast",     "v6only",    "reuse",
                                      "no_checksum",   "dont_fragment", NULL};
  static const enum yeon_udp_option options[] = {YEON_UDP_RCVBUF,         YEON_UDP_SNDBUF,        YEON_UDP_HOP_LIMIT,
                                                 YEON_UDP_MULTICAST_HOPS, YEON_UDP_TRAFFIC_CLASS, YEON_UDP_BROADCAST,
                                                 YEON_UDP_V6ONLY,         YEON_UDP_REUSE,         YEON_UDP_NO_CHECKSUM,
                                                 YEON_UDP_DONT_FRAGMENT};
  struct lab_socket *s = lab_udp(L, 1);
  enum yeon_udp_option option = options[luaL_checkoption(L, 2, NULL, names)];
  int64_t value = lua_isboolean(L, 3) ? lua_toboolean(L, 3) : luaL_checkinteger(L, 3);
  return answer(L, yeon_udp_set(s->udp, option, value));
}

static int udp_local(lua_State *L)
{
  struct yeon_addr addr;
  yeon_udp_local(lab_udp(L, 1)->udp, &addr);
  lab_push_addr(L, &addr);
  return 1;
}

static int udp_remote(lua_State *L)
{
  struct yeon_addr addr;
  yeon_udp_remote(lab_udp(L, 1)->udp, &addr);
  lab_push_addr(L, &addr);
  return 1;
}

void lab_udp_register(lua_State *L)
{
  static const luaL_Reg calls[] = {{"udp_open", udp_open},       {"udp_bind", udp_bind},
                                   {"udp_connect", udp_connect}, {"udp_send", udp_send},
                                   {"udp_recv", udp_recv},       {"udp_close", udp_close},
                                   {"udp_set", udp_set},         {"udp_local", udp_local},
                                   {"udp_remote", udp_remote},   {NULL, NULL}};
  luaL_setfuncs(L, calls, 0);
}
