/* Cables for scripts. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lab.h"

#define TRACE "yeon.trace"

static int trace_from_table(lua_State *L, struct yeon_cable_trace **out)
{
  lua_Integer n = luaL_len(L, 1);
  luaL_argcheck(L, n > 0 && n <= 1000000, 1, "a trace is a table of 1 to 1,000,000 milliseconds, or the name of a file");
  uint32_t *ms = lua_newuserdatauv(L, (size_t)n * sizeof *ms, 0);
  for (lua_Integer i = 0; i < n; i++) {
    lua_geti(L, 1, i + 1);
    lua_Integer value = lua_tointeger(L, -1);
    if (!lua_isinteger(L, -1) || value < 0 || value > UINT32_MAX) return luaL_error(L, "a trace is a table of whole milliseconds");
    ms[i] = (uint32_t)value;
    lua_pop(L, 1);
  }
  return yeon_cable_trace_new(out, ms, (size_t)n);
}

/* (the name of a file, or a table of milliseconds) -> a trace */
static int new_trace(lua_State *L)
{
  unsigned line = 0;
  struct yeon_cable_trace **t = lua_newuserdatauv(L, sizeof *t, 0);
  *t = NULL;
  luaL_setmetatable(L, TRACE);
  bool table = lua_istable(L, 1);
  int error = table ? trace_from_table(L, t) : yeon_cable_trace_load(t, luaL_checkstring(L, 1), &line);
  if (error == YEON_ERR_IO) return luaL_error(L, "trace %s: %s", lua_tostring(L, 1), strerror(errno));
  if (error == YEON_ERR_NO_MEMORY) return luaL_error(L, "no memory for the trace");
  if (error != 0 && line > 0)
    return luaL_error(L, "trace %s, line %d: wanted milliseconds, a whole number not less than the one before", lua_tostring(L, 1), (int)line);
  if (error != 0) return luaL_error(L, "a trace has at least one millisecond stamp, none less than the one before, the last more than 0");
  lua_pushvalue(L, 2);
  return 1;
}

static int free_trace(lua_State *L)
{
  struct yeon_cable_trace **t = luaL_checkudata(L, 1, TRACE);
  yeon_cable_trace_release(*t);
  *t = NULL;
  return 0;
}

static double way_number(lua_State *L, int index, const char *name, double highest)
{
  lua_getfield(L, index, name);
  double value = lua_isnil(L, -1) ? 0 : lua_tonumber(L, -1);
  if (!lua_isnil(L, -1) && !lua_isnumber(L, -1))
    luaL_error(L, "%s of a cable is a number, not %s", name, luaL_typename(L, -1));
  if (!(value >= 0 && value <= highest)) luaL_error(L, "%s of a cable is from 0 to %f", name, highest);
  lua_pop(L, 1);
  return value;
}

static uint32_t way_us(lua_State *L, int index, const char *name)
{
  return (uint32_t)(way_number(L, index, name, 1000) * 1e6 + 0.5);
}
static uint32_t way_ppm(lua_State *L, int index, const char *name)
{
  return (uint32_t)(way_number(L, index, name, 1) * 1e6 + 0.5);
}

/* The script keeps the reference: the value stays in its table of settings. */
static struct yeon_cable_trace *way_trace(lua_State *L, int index)
{
  lua_getfield(L, index, "trace");
  struct yeon_cable_trace **t = lua_isnil(L, -1) ? NULL : luaL_checkudata(L, -1, TRACE);
  lua_pop(L, 1);
  return t != NULL ? *t : NULL;
}

/* A table of seconds, bits a second, bytes and shares of 1. */
static void read_way(lua_State *L, int index, struct yeon_cable_way *way)
{
  const char *bad = NULL;
  luaL_checktype(L, index, LUA_TTABLE);
  *way = (struct yeon_cable_way){.delay_us = way_us(L, index, "delay"),
                                 .jitter_us = way_us(L, index, "jitter"),
                                 .rate_bps = (uint64_t)(way_number(L, index, "rate", 1e15) + 0.5),
                                 .queue_bytes = (uint32_t)(way_number(L, index, "queue", 4e9) + 0.5),
                                 .loss_ppm = way_ppm(L, index, "loss"),
                                 .burst_enter_ppm = way_ppm(L, index, "burst_enter"),
                                 .burst_leave_ppm = way_ppm(L, index, "burst_leave"),
                                 .burst_loss_ppm = way_ppm(L, index, "burst_loss"),
                                 .reorder_ppm = way_ppm(L, index, "reorder"),
                                 .reorder_us = way_us(L, index, "reorder_by"),
                                 .duplicate_ppm = way_ppm(L, index, "duplicate"),
                                 .corrupt_ppm = way_ppm(L, index, "corrupt"),
                                 .reorder_up_to_us = way_us(L, index, "reorder_up_to"),
                                 .bucket_bytes = (uint32_t)(way_number(L, index, "bucket", 1e9) + 0.5),
                                 .mark_bytes = (uint32_t)(way_number(L, index, "mark", 4e9) + 0.5),
                                 .codel_target_us = way_us(L, index, "codel"),
                                 .codel_interval_us = way_us(L, index, "codel_interval"),
                                 .codel_marks = (uint32_t)way_number(L, index, "codel_marks", 1),
                                 .drop_above = (uint32_t)(way_number(L, index, "drop_above", 4e9) + 0.5),
                                 .trace = way_trace(L, index)};
  if (yeon_cable_way_check(way, &bad) != 0) luaL_error(L, "%s of the cable is out of range (see yeon/cable.h)", bad);
}

/* (node a, node b, way a to b, way b to a, mtu, ethernet) -> cable, link at a, link at b; or nil and an error */
static int new_cable(lua_State *L)
{
  struct lab *lab = lab_of(L);
  struct yeon_sim_link link;
  unsigned links[2], a = lab_node(L, 1), b = lab_node(L, 2);
  yeon_sim_link_init(&link);
  read_way(L, 3, &link.cable.way[YEON_CABLE_AB]);
  read_way(L, 4, &link.cable.way[YEON_CABLE_BA]);
  lua_Integer mtu = luaL_checkinteger(L, 5);
  luaL_argcheck(L, mtu >= 576 && mtu <= 65535, 5, "an MTU from 576 to 65535");
  link.mtu = (uint16_t)mtu;
  link.ethernet = lua_toboolean(L, 6);
  lab_out_sink(lab, &link.cable.sink);
  if (lab->n_cables == LAB_CABLES_MAX) return luaL_error(L, "a scenario has room for %d cables", LAB_CABLES_MAX);
  struct lab_cable *cable = calloc(1, sizeof *cable);
  if (cable == NULL) return lab_push_error(L, YEON_ERR_NO_MEMORY);
  int number = yeon_sim_connect(lab->sim, a, b, &link, links);
  if (number < 0) {
    free(cable);
    return lab_push_error(L, number);
  }
  *cable = (struct lab_cable){.lab = lab, .number = (unsigned)number, .node = {a, b}, .interface = {-1, -1}};
  lab->cables[lab->n_cables++] = cable;
  if (!lab_out_cable(lab, cable, link.ethernet)) return lab_push_error(L, YEON_ERR_NO_MEMORY);
  lua_pushinteger(L, number);
  lua_pushinteger(L, links[0]);
  lua_pushinteger(L, links[1]);
  return 3;
}

static struct yeon_cable *check_cable(lua_State *L)
{
  lua_Integer number = luaL_checkinteger(L, 1);
  luaL_argcheck(L, number >= 0 && number < lab_of(L)->n_cables, 1, "a cable");
  return yeon_sim_cable(lab_of(L)->sim, (unsigned)number);
}

/* (cable, mask) */
static int cable_cut(lua_State *L)
{
  yeon_cable_cut(check_cable(L), (unsigned)luaL_checkinteger(L, 2) & YEON_CABLE_BOTH, yeon_sim_now(lab_of(L)->sim));
  return 0;
}

static int cable_join(lua_State *L)
{
  yeon_cable_join(check_cable(L), (unsigned)luaL_checkinteger(L, 2) & YEON_CABLE_BOTH, yeon_sim_now(lab_of(L)->sim));
  return 0;
}

/* (cable, mask, way) */
static int cable_set(lua_State *L)
{
  struct yeon_cable_way way;
  read_way(L, 3, &way);
  unsigned mask = (unsigned)luaL_checkinteger(L, 2) & YEON_CABLE_BOTH;
  int error = yeon_cable_set(check_cable(L), mask, &way, yeon_sim_now(lab_of(L)->sim));
  if (error < 0) return lab_push_error(L, error);
  lua_pushboolean(L, 1);
  return 1;
}

/* (cable, direction) */
static int cable_stats(lua_State *L)
{
  struct yeon_cable_stats s;
  yeon_cable_stats(check_cable(L), (unsigned)luaL_checkinteger(L, 2) & 1, &s);
  const struct {
    const char *name;
    uint64_t value;
  } rows[] = {{"sent", s.put},
              {"sent_bytes", s.put_bytes},
              {"arrived", s.delivered},
              {"arrived_bytes", s.delivered_bytes},
              {"lost", s.lost},
              {"queue_full", s.queue_full},
              {"swallowed", s.swallowed},
              {"duplicated", s.duplicated},
              {"reordered", s.reordered},
              {"corrupted", s.corrupted},
              {"marked", s.marked},
              {"codel", s.codel},
              {"waiting_bytes", s.waiting_bytes},
              {"inside", s.inside}};
  lua_newtable(L);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    lua_pushinteger(L, (lua_Integer)rows[i].value);
    lua_setfield(L, -2, rows[i].name);
  }
  return 1;
}

void lab_cable_register(lua_State *L)
{
  static const luaL_Reg calls[] = {{"cable", new_cable},   {"cable_cut", cable_cut},     {"cable_join", cable_join}, {"cable_set", cable_set},
                                   {"trace", new_trace},   {"cable_stats", cable_stats}, {NULL, NULL}};
  luaL_newmetatable(L, TRACE);
  lua_pushcfunction(L, free_trace);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  luaL_setfuncs(L, calls, 0);
}
