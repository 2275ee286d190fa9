/* Between Lua values and ours. */
#include <string.h>

#include "lab.h"

#define SPAN_MAX_S 1e9

yeon_time lab_span(lua_State *L, int arg)
{
  double s = luaL_checknumber(L, arg);
  luaL_argcheck(L, s >= 0 && s <= SPAN_MAX_S, arg, "a time from 0 to 1e9 seconds");
  return (yeon_time)(s * 1e9 + 0.5);
}

struct yeon_addr lab_addr(lua_State *L, int arg)
{
  struct yeon_addr addr;
  const char *text = luaL_checkstring(L, arg);
  if (yeon_addr_parse(text, &addr) != 0)
    luaL_error(L, "'%s' is no address with a port, as \"10.0.0.2:80\" or \"[fd00::2]:80\"", text);
  return addr;
}

unsigned lab_node(lua_State *L, int arg)
{
  lua_Integer node = luaL_checkinteger(L, arg);
  luaL_argcheck(L, node >= 0 && node < lab_of(L)->n_hosts, arg, "a host");
  return (unsigned)node;
}

void lab_push_addr(lua_State *L, const struct yeon_addr *addr)
{
  char text[54];
  lua_pushstring(L, yeon_addr_format(addr, text, sizeof text));
}

int lab_push_error(lua_State *L, int error)
{
  lua_pushnil(L);
  lua_pushinteger(L, error);
  return 2;
}

struct lab_socket *lab_push_socket(lua_State *L, unsigned node)
{
  struct lab_socket *s = lua_newuserdatauv(L, sizeof *s, 0);
  *s = (struct lab_socket){.lab = lab_of(L), .node = node, .self = LUA_NOREF};
  luaL_setmetatable(L, "yeon.socket");
  return s;
}

struct lab_socket *lab_socket(lua_State *L, int arg) { return luaL_checkudata(L, arg, "yeon.socket"); }

struct lab_socket *lab_tcp(lua_State *L, int arg)
{
  struct lab_socket *s = lab_socket(L, arg);
  luaL_argcheck(L, s->tcp != NULL, arg, "an open TCP socket");
  return s;
}

struct lab_socket *lab_udp(lua_State *L, int arg)
{
  struct lab_socket *s = lab_socket(L, arg);
  luaL_argcheck(L, s->udp != NULL, arg, "an open UDP socket");
  return s;
}

void lab_socket_forget(lua_State *L, struct lab_socket *s)
{
  luaL_unref(L, LUA_REGISTRYINDEX, s->self);
  s->self = LUA_NOREF;
  s->tcp = NULL;
  s->udp = NULL;
}
