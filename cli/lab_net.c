/* Hosts and cables for scripts. */
#include <stdlib.h>
#include <string.h>

#include "lab.h"

/* The fields of struct yeon_tcp_options by name, as scripts set them. */
enum field_kind { FIELD_U8, FIELD_U16, FIELD_U32, FIELD_BOOL, FIELD_CONGESTION };
struct field {
  const char *name;
  size_t offset;
  enum field_kind kind;
};
#define FIELD(kind, name)                                                                                              \
  {                                                                                                                    \
#name, offsetof(struct yeon_tcp_options, name), kind                                                               \
  }
static const struct field fields[] = {
    FIELD(FIELD_U32, rto_initial_us),
    FIELD(FIELD_U32, rto_min_us),
    FIELD(FIELD_U32, rto_max_us),
    FIELD(FIELD_U8, retries_syn),
    FIELD(FIELD_U8, retries_syn_ack),
    FIELD(FIELD_U8, retries_data),
    FIELD(FIELD_U8, retries_orphan),
    FIELD(FIELD_U32, user_timeout_ms),
    FIELD(FIELD_BOOL, user_timeout_option),
    FIELD(FIELD_BOOL, linux_timeout),
    FIELD(FIELD_BOOL, rto_floor_on_variance),
    FIELD(FIELD_BOOL, probe_with_data),
    FIELD(FIELD_U32, delack_us),
    FIELD(FIELD_U8, delack_segments),
    FIELD(FIELD_U16, quick_acks),
    FIELD(FIELD_U32, keepalive_idle_ms),
    FIELD(FIELD_U32, keepalive_interval_ms),
    FIELD(FIELD_U8, keepalive_probes),
    FIELD(FIELD_U32, time_wait_ms),
    FIELD(FIELD_U32, fin_wait_2_ms),
    FIELD(FIELD_BOOL, time_wait_reuse),
    FIELD(FIELD_U32, rcvbuf),
    FIELD(FIELD_U32, sndbuf),
    FIELD(FIELD_U32, rcvbuf_max),
    FIELD(FIELD_U32, sndbuf_max),
    FIELD(FIELD_U16, mss_max),
    FIELD(FIELD_U16, initial_window_segments),
    FIELD(FIELD_CONGESTION, congestion),
    FIELD(FIELD_BOOL, linux_congestion),
    FIELD(FIELD_BOOL, pacing),
    FIELD(FIELD_U16, pacing_slow_start_percent),
    FIELD(FIELD_U16, pacing_percent),
    FIELD(FIELD_BOOL, cwnd_validation),
    FIELD(FIELD_BOOL, restart_after_idle),
    FIELD(FIELD_U8, ecn),
    FIELD(FIELD_U8, ecn_retries),
    FIELD(FIELD_U8, accecn_option),
    FIELD(FIELD_BOOL, ecn_everywhere),
    FIELD(FIELD_BOOL, ecn_crossing),
    FIELD(FIELD_BOOL, abe),
    FIELD(FIELD_BOOL, window_scale),
    FIELD(FIELD_BOOL, timestamps),
    FIELD(FIELD_BOOL, sack),
    FIELD(FIELD_BOOL, nagle),
    FIELD(FIELD_BOOL, path_mtu),
    FIELD(FIELD_BOOL, challenge_ack),
    FIELD(FIELD_BOOL, cookies),
    FIELD(FIELD_U32, challenge_per_second),
    FIELD(FIELD_U32, ack_limit_us),
    FIELD(FIELD_U8, dupthresh),
    FIELD(FIELD_U8, hop_limit),
    FIELD(FIELD_U16, port_first),
    FIELD(FIELD_U16, port_last),
};
#undef FIELD
#define N_FIELDS (sizeof fields / sizeof fields[0])

static const struct field *find_field(lua_State *L, const char *name)
{
  const char *names[N_FIELDS];
  for (size_t i = 0; i < N_FIELDS; i++) {
    if (strcmp(fields[i].name, name) == 0) return &fields[i];
    names[i] = fields[i].name;
  }
  const char *nearest = cli_nearest(name, names, N_FIELDS);
  if (nearest != NULL)
    luaL_error(L, "TCP has no option '%s'. Did you mean '%s'?", name, nearest);
  else
    luaL_error(L, "TCP has no option '%s'. They are the fields of struct yeon_tcp_options (yeon/tcp.h)", name);
  return NULL;
}

/* The value on top of the stack into one field. */
static void set_field(lua_State *L, struct yeon_tcp_options *o, const struct field *f)
{
  static const lua_Integer highest[] = {[FIELD_U8] = UINT8_MAX, [FIELD_U16] = UINT16_MAX, [FIELD_U32] = UINT32_MAX};
  char *p = (char *)o + f->offset;
  if (f->kind == FIELD_BOOL) {
    if (!lua_isboolean(L, -1)) luaL_error(L, "%s is true or false, not %s", f->name, luaL_typename(L, -1));
    *(bool *)p = lua_toboolean(L, -1);
    return;
  }
  if (f->kind == FIELD_CONGESTION) {
    int algorithm = lua_type(L, -1) == LUA_TSTRING ? yeon_congestion_find(lua_tostring(L, -1)) : YEON_ERR_INVALID;
    if (algorithm < 0) luaL_error(L, "congestion is the name of an algorithm: newreno, cubic, bbr, copa");
    *(uint8_t *)p = (uint8_t)algorithm;
    return;
  }
  int whole = 0;
  lua_Integer value = lua_tointegerx(L, -1, &whole);
  if (!whole || value < 0 || value > highest[f->kind])
    luaL_error(L, "%s is a whole number from 0 to %I", f->name, highest[f->kind]);
  if (f->kind == FIELD_U8) *(uint8_t *)p = (uint8_t)value;
  if (f->kind == FIELD_U16) memcpy(p, &(uint16_t){(uint16_t)value}, sizeof(uint16_t));
  if (f->kind == FIELD_U32) memcpy(p, &(uint32_t){(uint32_t)value}, sizeof(uint32_t));
}

/* The table at index over the profile's values. */
static void read_options(lua_State *L, int index, struct yeon_tcp_options *o)
{
  const char *bad = NULL;
  if (!lua_isnoneornil(L, index)) {
    luaL_checktype(L, index, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
      if (lua_type(L, -2) != LUA_TSTRING) luaL_error(L, "TCP options have names: tcp = {retries_data = 5}");
      set_field(L, o, find_field(L, lua_tostring(L, -2)));
    }
  }
  if (yeon_tcp_options_check(o, &bad) != 0) luaL_error(L, "the TCP option %s is out of range (see yeon/tcp.h)", bad);
}

static void on_ready(void *ctx, struct yeon_sim *sim, unsigned node, const struct yeon_ready *ready, yeon_time now);

/* A limit of the table at index; not given: 0, the default. */
static uint32_t read_limit(lua_State *L, int index, const char *name)
{
  int whole = 1;
  lua_getfield(L, index, name);
  lua_Integer value = lua_isnil(L, -1) ? 0 : lua_tointegerx(L, -1, &whole);
  if (!whole || value < 0 || value > INT32_MAX || (value == 0 && !lua_isnil(L, -1)))
    luaL_error(L, "%s is a whole number from 1 to %d", name, INT32_MAX);
  lua_pop(L, 1);
  return (uint32_t)value;
}

/* (name, profile number or nil, table of TCP options or nil, table of limits or nil) -> node number, or nil and an error */
static int new_host(lua_State *L)
{
  struct lab *lab = lab_of(L);
  struct yeon_host_config config;
  struct yeon_tcp_options tcp;
  yeon_host_config_init(&config);
  config.name = luaL_checkstring(L, 1);
  int fallback = lab->options.profile >= 0 ? lab->options.profile : YEON_PROFILE_LINUX;
  yeon_tcp_options_init(&tcp, (enum yeon_profile)luaL_optinteger(L, 2, fallback));
  if (lab->options.congestion >= 0) tcp.congestion = (uint8_t)lab->options.congestion;
  read_options(L, 3, &tcp);
  config.tcp = &tcp;
  if (lua_istable(L, 4)) {
    config.max_connections = read_limit(L, 4, "max_connections");
    config.max_time_wait = read_limit(L, 4, "max_time_wait");
    config.max_half_open = read_limit(L, 4, "max_half_open");
  }
  if (lab->n_hosts == LAB_HOSTS_MAX) return luaL_error(L, "a scenario has room for %d hosts", LAB_HOSTS_MAX);
  lab_out_sink(lab, &config.sink);
  int node = yeon_sim_add_host(lab->sim, &config, NULL);
  if (node < 0) return lab_push_error(L, node);
  yeon_sim_on_ready(lab->sim, (unsigned)node, on_ready, lab);
  lab->n_hosts++;
  lua_pushinteger(L, node);
  return 1;
}

static void on_ready(void *ctx, struct yeon_sim *sim, unsigned node, const struct yeon_ready *ready, yeon_time now)
{
  struct lab *lab = ctx;
  lua_State *L = lab->L;
  const struct lab_socket *s = ready->user;
  (void)sim, (void)node, (void)now;
  if (s == NULL || s->self == LUA_NOREF) return;
  lua_getfield(L, LUA_REGISTRYINDEX, "yeon.on_ready");
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->self);
  lua_pushinteger(L, ready->events);
  if (lua_pcall(L, 2, 0, 0) == LUA_OK) return;
  /* prelude/ catches what programs do wrong; this is a fault of its own, or no memory. */
  lab_out_note(lab, YEON_TONE_BAD, lua_tostring(L, -1) != NULL ? lua_tostring(L, -1) : "no memory");
  lua_pop(L, 1);
  lab->broken = true;
  lab->stopped = true;
}

/* (socket, object): readiness of the socket is reported to the object */
static int attach(lua_State *L)
{
  struct lab_socket *s = lab_socket(L, 1);
  luaL_unref(L, LUA_REGISTRYINDEX, s->self);
  lua_pushvalue(L, 2);
  s->self = luaL_ref(L, LUA_REGISTRYINDEX);
  return 0;
}

static struct yeon_ip check_ip(lua_State *L, int arg)
{
  struct yeon_ip ip;
  const char *text = luaL_checkstring(L, arg);
  if (yeon_ip_parse(text, &ip) != 0) luaL_error(L, "'%s' is no IP address, as \"10.0.0.2\" or \"fd00::2\"", text);
  return ip;
}

static int ok_or_error(lua_State *L, int error)
{
  if (error < 0) return lab_push_error(L, error);
  lua_pushboolean(L, 1);
  return 1;
}

/* (text) -> 4 or 6: an address that a host can have; nil: none */
static int address_family(lua_State *L)
{
  struct yeon_ip ip;
  if (lua_type(L, 1) != LUA_TSTRING || yeon_ip_parse(lua_tostring(L, 1), &ip) != 0 || yeon_ip_is_any(&ip)) return 0;
  bool four = yeon_ip_is4(&ip);
  if (four ? ip.b[12] == 0 || ip.b[12] == 127 || ip.b[12] >= 224 : ip.b[0] == 0xff) return 0;
  lua_pushinteger(L, four ? 4 : 6);
  return 1;
}

/* (node, link, address, prefix length) */
static int add_address(lua_State *L)
{
  static const struct yeon_ip unused;
  struct lab *lab = lab_of(L);
  unsigned node = lab_node(L, 1);
  struct yeon_ip ip = check_ip(L, 3), *known = lab->address[node];
  int error = yeon_host_add_addr(yeon_sim_host(lab->sim, node), (unsigned)luaL_checkinteger(L, 2), &ip,
                                 (unsigned)luaL_checkinteger(L, 4));
  for (unsigned i = 0; error >= 0 && i < LAB_ADDRESSES; i++) {
    if (!yeon_ip_equal(&known[i], &unused)) continue;
    known[i] = ip;
    break;
  }
  return ok_or_error(L, error);
}

/* (node, link, address): that one host is behind this link */
static int add_route(lua_State *L)
{
  struct yeon_host *host = yeon_sim_host(lab_of(L)->sim, lab_node(L, 1));
  struct yeon_ip ip = check_ip(L, 3);
  unsigned bits = yeon_ip_is4(&ip) ? 32 : 128;
  return ok_or_error(L, yeon_host_add_route(host, &ip, bits, NULL, (unsigned)luaL_checkinteger(L, 2)));
}

void lab_net_register(lua_State *L)
{
  static const luaL_Reg calls[] = {{"host", new_host},           {"attach", attach},
                                   {"add_address", add_address}, {"address_family", address_family},
                                   {"add_route", add_route},     {NULL, NULL}};
  luaL_setfuncs(L, calls, 0);
}
