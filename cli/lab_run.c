/* The run of a scenario: a Lua state without a way out of it, and the loop that moves the universe. */
#include <stdlib.h>
#include <string.h>

#include <lualib.h>

#include "embedded.h"
#include "lab.h"

#define HEAP_MAX ((size_t)1 << 30) /* bytes a script may hold */
#define HOOK_INSTRUCTIONS 1000000  /* between looks at what a script is doing */
#define HOOKS_MAX 200              /* so many looks within one instant: an endless loop */
#define LIMIT_DEFAULT (400 * 86400 * YEON_SEC)
#define LINGER_DEFAULT (600 * YEON_SEC)

static void *allocate(void *ud, void *p, size_t old, size_t size)
{
  struct lab *lab = ud;
  size_t before = p != NULL ? old : 0;
  if (size == 0) {
    free(p);
    lab->heap -= before;
    return NULL;
  }
  if (size > before && lab->heap - before + size > HEAP_MAX) return NULL;
  void *grown = realloc(p, size);
  if (grown != NULL) lab->heap = lab->heap - before + size;
  return grown;
}

/* Looks at a script every HOOK_INSTRUCTIONS: one that does not wait for anything would hold time still for ever. */
static void hook(lua_State *L, lua_Debug *ar)
{
  struct lab *lab = lab_of(L);
  yeon_time now = yeon_sim_now(lab->sim);
  if (now != lab->hook_at) lab->hooks = 0;
  lab->hook_at = now;
  if (++lab->hooks <= HOOKS_MAX) return;
  if (lab->hooks > 2 * HOOKS_MAX) {
    /* It catches the error and goes on. */
    cli_complain("the scenario does nothing but compute, and does not let itself be stopped");
    exit(CLI_USAGE);
  }
  lua_getinfo(L, "Sl", ar);
  lua_pushfstring(L, "%s:%d: endless loop: %d million steps without waiting for anything", ar->short_src,
                  ar->currentline, HOOKS_MAX * (HOOK_INSTRUCTIONS / 1000000));
  lua_error(L);
}

static int sim_now(lua_State *L)
{
  lua_pushnumber(L, (double)yeon_sim_now(lab_of(L)->sim) / 1e9);
  return 1;
}

/* A function to be called later, in the list of all that wait. */
struct lab_call {
  struct lab_call *next, **link; /* link: what points to this one */
  struct lab *lab;
  int fn;
};

static void forget_call(struct lab_call *call)
{
  *call->link = call->next;
  if (call->next != NULL) call->next->link = call->link;
  free(call);
}

static void run_call(void *ctx, struct yeon_sim *sim, yeon_time now)
{
  struct lab_call *call = ctx;
  struct lab *lab = call->lab;
  lua_State *L = lab->L;
  (void)sim, (void)now;
  lua_rawgeti(L, LUA_REGISTRYINDEX, call->fn);
  luaL_unref(L, LUA_REGISTRYINDEX, call->fn);
  forget_call(call);
  if (lua_pcall(L, 0, 0, 0) == LUA_OK) return;
  lab_out_note(lab, YEON_TONE_BAD, lua_tostring(L, -1) != NULL ? lua_tostring(L, -1) : "no memory");
  lua_pop(L, 1);
  lab->broken = true;
  lab->stopped = true;
}

/* (seconds from now, function) */
static int sim_after(lua_State *L)
{
  struct lab *lab = lab_of(L);
  yeon_time span = lab_span(L, 1);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  int fn = luaL_ref(L, LUA_REGISTRYINDEX);
  struct lab_call *call = malloc(sizeof *call);
  if (call == NULL) return luaL_error(L, "no memory");
  *call = (struct lab_call){lab->calls, &lab->calls, lab, fn};
  if (call->next != NULL) call->next->link = &call->next;
  lab->calls = call;
  if (yeon_sim_at(lab->sim, yeon_sim_now(lab->sim) + span, run_call, call) == 0) return 0;
  forget_call(call);
  return luaL_error(L, "no memory");
}

/* (whether a program is left to wait for) */
static int sim_busy(lua_State *L)
{
  struct lab *lab = lab_of(L);
  lab->idle_at = lua_toboolean(L, 1) ? YEON_NEVER : yeon_sim_now(lab->sim);
  return 0;
}

/* (limit or nil, linger or nil) in seconds */
static int sim_limits(lua_State *L)
{
  struct lab *lab = lab_of(L);
  if (!lua_isnoneornil(L, 1)) lab->limit_at = lab_span(L, 1);
  if (!lua_isnoneornil(L, 2)) lab->linger = lab_span(L, 2);
  return 0;
}

static int sim_stop(lua_State *L)
{
  lab_of(L)->stopped = true;
  return 0;
}

static int sim_random(lua_State *L)
{
  lua_pushinteger(L, (lua_Integer)yeon_sim_random(lab_of(L)->sim));
  return 1;
}

/* "hello.lua:12: " of the innermost call that stands in a script, not in our own Lua. */
static int where(lua_State *L)
{
  lua_Debug ar;
  for (int level = 1; lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "Sl", &ar);
    if (ar.currentline <= 0 || strcmp(ar.source, "=yeon") == 0) continue;
    lua_pushfstring(L, "%s:%d: ", ar.short_src, ar.currentline);
    return 1;
  }
  lua_pushliteral(L, "");
  return 1;
}

/* (coroutine): where in the script it stands */
static int where_of(lua_State *L)
{
  lua_State *co = lua_tothread(L, 1);
  lua_Debug ar;
  for (int level = 0; co != NULL && lua_getstack(co, level, &ar); level++) {
    lua_getinfo(co, "Sl", &ar);
    if (ar.currentline <= 0 || strcmp(ar.source, "=yeon") == 0) continue;
    lua_pushfstring(L, "%s:%d", ar.short_src, ar.currentline);
    return 1;
  }
  lua_pushliteral(L, "?");
  return 1;
}

/* (word, list of names) */
static int nearest(lua_State *L)
{
  const char *names[256];
  size_t n = 0;
  const char *word = luaL_checkstring(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_Integer count = luaL_len(L, 2);
  for (lua_Integer i = 1; i <= count && n < 256; i++) {
    lua_rawgeti(L, 2, i);
    if (lua_type(L, -1) == LUA_TSTRING) names[n++] = lua_tostring(L, -1); /* the list keeps it alive */
    lua_pop(L, 1);
  }
  const char *found = cli_nearest(word, names, n);
  lua_pushstring(L, found);
  return 1;
}

static void open_libraries(lua_State *L)
{
  static const luaL_Reg libraries[] = {{LUA_GNAME, luaopen_base},          {LUA_TABLIBNAME, luaopen_table},
                                       {LUA_STRLIBNAME, luaopen_string},   {LUA_MATHLIBNAME, luaopen_math},
                                       {LUA_COLIBNAME, luaopen_coroutine}, {LUA_UTF8LIBNAME, luaopen_utf8}};
  /* A scenario reads and runs nothing but itself. */
  static const char *const refused[] = {"dofile", "loadfile", "load", "collectgarbage", "require", "warn"};
  for (size_t i = 0; i < sizeof libraries / sizeof libraries[0]; i++) {
    luaL_requiref(L, libraries[i].name, libraries[i].func, 1);
    lua_pop(L, 1);
  }
  for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
    lua_pushnil(L);
    lua_setglobal(L, refused[i]);
  }
  lua_getglobal(L, "string");
  lua_pushnil(L);
  lua_setfield(L, -2, "dump");
  lua_pop(L, 1);
}

static const luaL_Reg base_calls[] = {{"now", sim_now},     {"after", sim_after},
                                      {"busy", sim_busy},   {"limits", sim_limits},
                                      {"stop", sim_stop},   {"random", sim_random},
                                      {"where", where},     {"where_of", where_of},
                                      {"nearest", nearest}, {NULL, NULL}};

/* Runs prelude/, which gives two functions: start(chunk) and finish(). Protected: argument 1 is the script's chunk. */
static int prepare(lua_State *L)
{
  open_libraries(L);
  luaL_newmetatable(L, "yeon.socket");
  lua_pop(L, 1);
  if (luaL_loadbufferx(L, (const char *)cli_embedded_prelude, cli_embedded_prelude_len, "=yeon", "t") != LUA_OK)
    return lua_error(L);
  lua_newtable(L);
  luaL_setfuncs(L, base_calls, 0);
  lab_net_register(L);
  lab_cable_register(L);
  lab_tcp_register(L);
  lab_info_register(L);
  lab_udp_register(L);
  lab_out_register(L);
  lua_pushinteger(L, (lua_Integer)lab_of(L)->options.seed);
  lua_setfield(L, -2, "seed");
  lua_pushboolean(L, lab_of(L)->options.quiet);
  lua_setfield(L, -2, "quiet");
  lua_call(L, 1, 3);
  lua_setfield(L, LUA_REGISTRYINDEX, "yeon.on_ready");
  lua_setfield(L, LUA_REGISTRYINDEX, "yeon.finish");
  lua_setfield(L, LUA_REGISTRYINDEX, "yeon.start");
  return 0;
}

static void move(struct lab *lab)
{
  while (!lab->stopped) {
    yeon_time next = yeon_sim_next(lab->sim);
    if (next == YEON_NEVER || next > lab->limit_at) break;
    if (lab->idle_at != YEON_NEVER && next > lab->idle_at + lab->linger) break;
    yeon_sim_step(lab->sim);
  }
}

/* A call of one of prelude/'s functions; its integer result, or CLI_USAGE after telling what went wrong. */
static int call_prelude(lua_State *L, const char *name, int arguments)
{
  lua_getfield(L, LUA_REGISTRYINDEX, name);
  lua_insert(L, -1 - arguments);
  if (lua_pcall(L, arguments, 1, 0) != LUA_OK) {
    cli_complain("%s", lua_tostring(L, -1) != NULL ? lua_tostring(L, -1) : "the script gave up without a word");
    lua_pop(L, 1);
    return CLI_USAGE;
  }
  int status = (int)lua_tointeger(L, -1);
  lua_pop(L, 1);
  return status;
}

static int run_script(struct lab *lab, const char *name, const char *source, size_t len)
{
  lua_State *L = lab->L;
  lua_pushcfunction(L, prepare);
  if (lua_pcall(L, 0, 0, 0) != LUA_OK) return cli_complain("inside yeon: %s", lua_tostring(L, -1));
  if (len > 0 && source[0] == LUA_SIGNATURE[0]) return cli_complain("%s: compiled Lua is not taken, only its text", name + 1);
  if (luaL_loadbufferx(L, source, len, name, "t") != LUA_OK) return cli_complain("%s", lua_tostring(L, -1));
  lua_sethook(L, hook, LUA_MASKCOUNT, HOOK_INSTRUCTIONS);
  int status = call_prelude(L, "yeon.start", 1);
  if (status != CLI_OK) return status;
  move(lab);
  lua_pushboolean(L, !lab->stopped && yeon_sim_next(lab->sim) != YEON_NEVER && yeon_sim_next(lab->sim) > lab->limit_at);
  status = call_prelude(L, "yeon.finish", 1);
  return status == CLI_OK && lab->broken ? CLI_FAILED : status;
}

static void free_lab(struct lab *lab)
{
  if (lab->L != NULL) lua_close(lab->L);
  yeon_sim_free(lab->sim);
  for (unsigned i = 0; i < lab->n_cables; i++) free(lab->cables[i]);
  while (lab->wanted != NULL) {
    struct lab_wanted *w = lab->wanted;
    lab->wanted = w->next;
    free(w);
  }
  while (lab->calls != NULL) forget_call(lab->calls);
  free(lab->again);
  free(lab);
}

int lab_run(const struct lab_options *options, const char *name, const char *source, size_t len)
{
  struct lab *lab = calloc(1, sizeof *lab);
  if (lab == NULL) return cli_complain("no memory");
  lab->options = *options;
  lab->limit_at = LIMIT_DEFAULT;
  lab->linger = LINGER_DEFAULT;
  lab->idle_at = YEON_NEVER;
  int status = CLI_USAGE;
  if (yeon_sim_new(&lab->sim, options->seed, NULL) != 0 || (lab->L = lua_newstate(allocate, lab)) == NULL) {
    cli_complain("no memory");
  } else if (lab_out_open(lab)) {
    *(struct lab **)lua_getextraspace(lab->L) = lab;
    status = run_script(lab, name, source, len);
    int written = lab_out_close(lab);
    if (written != CLI_OK) status = written;
  }
  free_lab(lab);
  return status;
}
