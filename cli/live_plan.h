/* A live lab's plan, read from a Lua file. Its texts belong to the Lua state. */
#ifndef CLI_LIVE_PLAN_H
#define CLI_LIVE_PLAN_H

#include <lauxlib.h>
#include <lua.h>

#include <yeon/lab.h>

struct live_plan {
  struct yeon_lab_plan plan;
  lua_State *L;
  struct yeon_lab_host *hosts;
  struct yeon_lab_cable *cables;
  struct yeon_lab_step *steps;
};

/* path "-": standard input. CLI_OK, or CLI_USAGE and told. */
int live_plan_read(struct live_plan *p, const char *path);
void live_plan_close(struct live_plan *p);

#endif
