/* The Lua file of a live lab, read into a plan; see live/plan.lua. */
#include "live_plan.h"

#include <stdlib.h>
#include <string.h>

#include <lualib.h>

#include <yeon/congestion.h>
#include <yeon/tcp.h>

#include "cli.h"
#include "embedded.h"

#define MILLIONS 100 /* of steps, then the file is taken for an endless loop */

static void too_long(lua_State *L, lua_Debug *ar)
{
  (void)ar;
  luaL_error(L, "endless loop: the file is read before the lab begins, so it must come to an end");
}

/* "FILE.lua:7: " of the line of the file that is being read. */
static int where(lua_State *L)
{
  lua_Debug ar;
  for (int level = 1; lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "Sl", &ar);
    if (ar.currentline <= 0 || strcmp(ar.source, "=plan") == 0) continue;
    lua_pushfstring(L, "%s:%d: ", ar.short_src, ar.currentline);
    return 1;
  }
  lua_pushliteral(L, "");
  return 1;
}

static lua_State *open_state(void)
{
  static const luaL_Reg libraries[] = {
      {LUA_GNAME, luaopen_base}, {LUA_TABLIBNAME, luaopen_table}, {LUA_STRLIBNAME, luaopen_string}, {LUA_MATHLIBNAME, luaopen_math}};
  static const char *const refused[] = {"dofile", "loadfile", "load", "collectgarbage"};
  lua_State *L = luaL_newstate();
  if (L == NULL) return NULL;
  for (size_t i = 0; i < sizeof libraries / sizeof libraries[0]; i++) {
    luaL_requiref(L, libraries[i].name, libraries[i].func, 1);
    lua_pop(L, 1);
  }
  for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
    lua_pushnil(L);
    lua_setglobal(L, refused[i]);
  }
  return L;
}

/* A field of the table on top; the string lives as long as the table does. NULL: absent. */
static const char *text_of(lua_State *L, const char *field)
{
  lua_pushstring(L, field);
  lua_rawget(L, -2);
  const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
  lua_pop(L, 1);
  return text;
}

static const char *name_of(lua_State *L, const char *field)
{
  lua_pushstring(L, field);
  lua_rawget(L, -2);
  const char *name = text_of(L, "name");
  lua_pop(L, 1);
  return name;
}

/* The list of that name, on the stack; its length. */
static size_t list(lua_State *L, int plan, const char *name)
{
  lua_getfield(L, plan, name);
  return (size_t)luaL_len(L, -1);
}

static int out_of_memory(struct live_plan *p)
{
  live_plan_close(p);
  return cli_complain("out of memory");
}

/* False: a word is no profile, or no congestion control; told. */
static bool known(const struct yeon_lab_host *host)
{
  if (host->profile != NULL && yeon_profile_find(host->profile) < 0) return cli_bad_profile(host->profile), false;
  if (host->congestion != NULL && yeon_congestion_find(host->congestion) < 0) return cli_bad_congestion(host->congestion), false;
  return true;
}

static int take(struct live_plan *p)
{
  lua_State *L = p->L;
  int plan = lua_gettop(L);
  p->plan.n_hosts = list(L, plan, "hosts");
  p->plan.n_cables = list(L, plan, "cables");
  p->plan.n_steps = list(L, plan, "steps");
  p->hosts = calloc(p->plan.n_hosts + 1, sizeof *p->hosts);
  p->cables = calloc(p->plan.n_cables + 1, sizeof *p->cables);
  p->steps = calloc(p->plan.n_steps + 1, sizeof *p->steps);
  if (p->hosts == NULL || p->cables == NULL || p->steps == NULL) return out_of_memory(p);
  for (size_t i = 0; i < p->plan.n_hosts; i++) {
    lua_rawgeti(L, plan + 1, (lua_Integer)i + 1);
    p->hosts[i] = (struct yeon_lab_host){text_of(L, "name"), text_of(L, "profile"), text_of(L, "address"), text_of(L, "address6"),
                                          text_of(L, "congestion")};
    lua_pop(L, 1);
    if (known(&p->hosts[i])) continue;
    live_plan_close(p);
    return CLI_USAGE;
  }
  for (size_t i = 0; i < p->plan.n_cables; i++) {
    lua_rawgeti(L, plan + 2, (lua_Integer)i + 1);
    p->cables[i] = (struct yeon_lab_cable){text_of(L, "name"), name_of(L, "a"), name_of(L, "b")};
    lua_pop(L, 1);
  }
  for (size_t i = 0; i < p->plan.n_steps; i++) {
    lua_rawgeti(L, plan + 3, (lua_Integer)i + 1);
    lua_getfield(L, -1, "after");
    p->steps[i] = (struct yeon_lab_step){.after = (yeon_time)(lua_tonumber(L, -1) * 1e9)};
    lua_pop(L, 1);
    p->steps[i].words = text_of(L, "words");
    lua_pop(L, 1);
  }
  p->plan.hosts = p->hosts;
  p->plan.cables = p->cables;
  p->plan.steps = p->steps;
  return CLI_OK;
}

int live_plan_read(struct live_plan *p, const char *path)
{
  *p = (struct live_plan){.L = open_state()};
  if (p->L == NULL) return out_of_memory(p);
  lua_State *L = p->L;
  int rc = luaL_loadbufferx(L, (const char *)cli_embedded_live, cli_embedded_live_len, "=plan", "t");
  if (rc == LUA_OK) {
    lua_pushcfunction(L, where);
    rc = lua_pcall(L, 1, 1, 0);
  }
  if (rc == LUA_OK) rc = luaL_loadfilex(L, strcmp(path, "-") == 0 ? NULL : path, "t");
  if (rc == LUA_OK) {
    lua_sethook(L, too_long, LUA_MASKCOUNT, MILLIONS * 1000000);
    rc = lua_pcall(L, 0, 0, 0);
    lua_sethook(L, NULL, 0, 0);
  }
  if (rc == LUA_OK) return take(p);
  (void)cli_complain("%s", lua_tostring(L, -1) != NULL ? lua_tostring(L, -1) : "the file is no Lua");
  live_plan_close(p);
  return CLI_USAGE;
}

void live_plan_close(struct live_plan *p)
{
  free(p->hosts);
  free(p->cables);
  free(p->steps);
  if (p->L != NULL) lua_close(p->L);
  *p = (struct live_plan){.L = NULL};
}
