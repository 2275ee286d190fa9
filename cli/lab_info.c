/* What hosts and sockets are like right now, as Lua tables. */
#include <string.h>

#include "lab.h"

static void put_integer(lua_State *L, const char *name, lua_Integer value)
{
  lua_pushinteger(L, value);
  lua_setfield(L, -2, name);
}

static void put_number(lua_State *L, const char *name, double value)
{
  lua_pushnumber(L, value);
  lua_setfield(L, -2, name);
}

static void put_flag(lua_State *L, const char *name, bool value)
{
  lua_pushboolean(L, value);
  lua_setfield(L, -2, name);
}

static void put_addr(lua_State *L, const char *name, const struct yeon_addr *addr)
{
  lab_push_addr(L, addr);
  lua_setfield(L, -2, name);
}

/* Numbers as RFC 9293 names them; times in seconds. */
static void push_info(lua_State *L, const struct yeon_tcp_info *i)
{
  lua_newtable(L);
  put_integer(L, "id", (lua_Integer)i->id);
  lua_pushstring(L, yeon_tcp_state_name(i->state));
  lua_setfield(L, -2, "state");
  put_addr(L, "local_address", &i->local);
  put_addr(L, "remote_address", &i->remote);
  put_integer(L, "iss", i->iss);
  put_integer(L, "irs", i->irs);
  put_integer(L, "snd_una", i->snd_una);
  put_integer(L, "snd_nxt", i->snd_nxt);
  put_integer(L, "snd_wnd", i->snd_wnd);
  put_integer(L, "rcv_nxt", i->rcv_nxt);
  put_integer(L, "rcv_wnd", i->rcv_wnd);
  put_integer(L, "snd_mss", i->snd_mss);
  put_integer(L, "rcv_mss", i->rcv_mss);
  put_integer(L, "path_mtu", i->path_mtu);
  lua_pushstring(L, yeon_congestion_name(i->congestion));
  lua_setfield(L, -2, "congestion");
  put_number(L, "pacing_rate", (double)i->pacing_rate);
  put_integer(L, "cwnd", i->cwnd);
  put_integer(L, "ssthresh", i->ssthresh);
  put_integer(L, "flight", i->flight);
  put_number(L, "srtt", i->srtt_us / 1e6);
  put_number(L, "rttvar", i->rttvar_us / 1e6);
  put_number(L, "rto", i->rto_us / 1e6);
  put_integer(L, "snd_queued", i->snd_queued);
  put_integer(L, "snd_limit", i->snd_limit);
  put_integer(L, "rcv_queued", i->rcv_queued);
  put_integer(L, "rcv_limit", i->rcv_limit);
  put_integer(L, "rexmits", i->rexmits);
  put_integer(L, "probes", i->probes);
  put_integer(L, "bytes_sent", (lua_Integer)i->bytes_sent);
  put_integer(L, "bytes_acked", (lua_Integer)i->bytes_acked);
  put_integer(L, "bytes_received", (lua_Integer)i->bytes_received);
  put_integer(L, "bytes_retransmitted", (lua_Integer)i->bytes_retransmitted);
  put_integer(L, "backlog", i->backlog);
  put_integer(L, "backlog_limit", i->backlog_limit);
  put_flag(L, "window_scale", i->wscale_ok);
  put_flag(L, "timestamps", i->ts_ok);
  put_flag(L, "sack", i->sack_ok);
  put_flag(L, "ecn", i->ecn_ok);
  put_flag(L, "accecn", i->accecn_ok);
  put_flag(L, "ecn_capable", i->ecn_capable);
  put_integer(L, "ecn_arrived_ce", i->ecn_arrived_ce);
  put_integer(L, "ecn_told_ce", i->ecn_told_ce);
  put_flag(L, "orphan", i->orphan);
}

static int tcp_info(lua_State *L)
{
  struct yeon_tcp_info info;
  yeon_tcp_info(lab_tcp(L, 1)->tcp, &info);
  push_info(L, &info);
  return 1;
}

struct visit {
  lua_State *L;
  lua_Integer n;
};

static bool visit_socket(void *ctx, const struct yeon_tcp_info *info, struct yeon_tcp *tcp)
{
  struct visit *v = ctx;
  lua_State *L = v->L;
  if (!lua_checkstack(L, 8)) return false;
  push_info(L, info);
  const struct lab_socket *s = tcp != NULL ? yeon_tcp_user(tcp) : NULL;
  if (s != NULL && s->self != LUA_NOREF) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->self);
    lua_setfield(L, -2, "object");
  }
  lua_rawseti(L, -2, ++v->n);
  return true;
}

/* Every connection, listener, half-open and TIME-WAIT record of a host. */
static int tcp_sockets(lua_State *L)
{
  struct yeon_host *host = yeon_sim_host(lab_of(L)->sim, lab_node(L, 1));
  struct visit v = {L, 0};
  lua_newtable(L);
  yeon_tcp_each(host, visit_socket, &v);
  return 1;
}

struct count {
  enum yeon_tcp_state state;
  lua_Integer n;
};

static bool visit_count(void *ctx, const struct yeon_tcp_info *info, struct yeon_tcp *tcp)
{
  struct count *c = ctx;
  (void)tcp;
  c->n += info->state == c->state;
  return true;
}

static int tcp_count(lua_State *L)
{
  struct yeon_host *host = yeon_sim_host(lab_of(L)->sim, lab_node(L, 1));
  const char *name = luaL_checkstring(L, 2);
  struct count c = {YEON_TCP_STATES, 0};
  for (int s = 0; s < YEON_TCP_STATES; s++)
    if (strcmp(name, yeon_tcp_state_name((enum yeon_tcp_state)s)) == 0) c.state = (enum yeon_tcp_state)s;
  if (c.state == YEON_TCP_STATES)
    return luaL_error(L, "there is no state '%s'; they are spelled as RFC 9293 spells them: \"TIME-WAIT\"", name);
  yeon_tcp_each(host, visit_count, &c);
  lua_pushinteger(L, c.n);
  return 1;
}

static int usage(lua_State *L)
{
  struct yeon_host_usage u;
  yeon_host_usage(yeon_sim_host(lab_of(L)->sim, lab_node(L, 1)), &u);
  lua_newtable(L);
  put_integer(L, "connections", (lua_Integer)u.connections);
  put_integer(L, "half_open", (lua_Integer)u.half_open);
  put_integer(L, "time_wait", (lua_Integer)u.time_wait);
  put_integer(L, "listeners", (lua_Integer)u.listeners);
  put_integer(L, "udp", (lua_Integer)u.udp);
  put_integer(L, "heap_bytes", (lua_Integer)u.heap_bytes);
  put_integer(L, "used_bytes", (lua_Integer)u.used_bytes);
  put_integer(L, "buffer_bytes", (lua_Integer)u.buffer_bytes);
  return 1;
}

static int counters(lua_State *L)
{
  const struct yeon_counters *c = yeon_host_counters(yeon_sim_host(lab_of(L)->sim, lab_node(L, 1)));
  lua_newtable(L);
#define PUT(name) put_integer(L, #name, (lua_Integer)c->name);
  YEON_COUNTERS(PUT)
#undef PUT
  return 1;
}

static int error_name(lua_State *L)
{
  lua_pushstring(L, yeon_error_name((int)luaL_checkinteger(L, 1)));
  return 1;
}

static int error_text(lua_State *L)
{
  lua_pushstring(L, yeon_error_text((int)luaL_checkinteger(L, 1)));
  return 1;
}

static int profile_number(lua_State *L)
{
  int profile = yeon_profile_find(luaL_checkstring(L, 1));
  if (profile < 0) return lab_push_error(L, profile);
  lua_pushinteger(L, profile);
  return 1;
}

void lab_info_register(lua_State *L)
{
  static const luaL_Reg calls[] = {{"tcp_info", tcp_info},
                                   {"tcp_sockets", tcp_sockets},
                                   {"tcp_count", tcp_count},
                                   {"usage", usage},
                                   {"counters", counters},
                                   {"error_name", error_name},
                                   {"error_text", error_text},
                                   {"profile_number", profile_number},
                                   {NULL, NULL}};
  luaL_setfuncs(L, calls, 0);
}
