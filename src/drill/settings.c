/* The settings at the head of a script: --tolerance_usecs=10000 and its like. */
#include <stdlib.h>
#include <string.h>

#include "drill/run.h"

/* Of no meaning for a host in memory. */
static const char *const ignored[] = {"gateway_ip",
                                      "netmask_ip",
                                      "speed",
                                      "init_scripts",
                                      "code_command",
                                      "code_format",
                                      "code_sockopt",
                                      "wire_client_dev",
                                      "wire_server_dev",
                                      "debug",
                                      "verbose",
                                      "dry_run",
                                      "send_omit_free",
                                      "tcp_ts_ecr_scaled",
                                      "gateway_linklocal_ip",
                                      "local_linklocal_ip",
                                      "tun_dev",
                                      "persistent_tun_dev",
                                      "no_cleanup",
                                      "udp_encapsulation",
                                      NULL};

static bool in_list(const char *const *list, const char *name)
{
  for (; *list != NULL; list++)
    if (strcmp(*list, name) == 0) return true;
  return false;
}

static bool set_version(struct drill_run *r, const char *value)
{
  enum yeon_drill_version version = strcmp(value, "ipv4") == 0               ? YEON_DRILL_IPV4
                                    : strcmp(value, "ipv6") == 0             ? YEON_DRILL_IPV6
                                    : strcmp(value, "ipv4-mapped-ipv6") == 0 ? YEON_DRILL_MAPPED
                                                                             : YEON_DRILL_AS_SCRIPTED;
  if (version == YEON_DRILL_AS_SCRIPTED) return false;
  r->version = version;
  r->version_scripted = true;
  return true;
}

static bool set_address(struct yeon_ip *out, const char *value)
{
  char text[64];
  size_t n = strcspn(value, "/");
  if (n >= sizeof text) return false;
  memcpy(text, value, n);
  text[n] = 0;
  return yeon_ip_parse(text, out) == 0;
}

/* True: known, and its value makes sense. */
static bool apply(struct drill_run *r, const char *name, const char *value)
{
  long long n = value != NULL ? strtoll(value, NULL, 0) : 0;
  if (strcmp(name, "strict_segments") == 0) return r->strict_segments = true;
  if (in_list(ignored, name)) return true;
  if (value == NULL) return false;
  if (strcmp(name, "ip_version") == 0) return set_version(r, value);
  if (strcmp(name, "tolerance_percent") == 0) return (r->tolerance_percent = strtod(value, NULL)) >= 0;
  if (strcmp(name, "tcp_ts_tick_usecs") == 0) return (r->tick_us = (uint64_t)n) > 0 || n == 0;
  if (strcmp(name, "local_ip") == 0) return set_address(&r->local, value);
  if (strcmp(name, "remote_ip") == 0) return set_address(&r->remote, value);
  if (strcmp(name, "non_fatal") == 0) {
    r->fatal_packets = strstr(value, "packet") == NULL;
    r->fatal_calls = strstr(value, "syscall") == NULL;
    return true;
  }
  if (n <= 0 || n > UINT32_MAX) return false;
  if (strcmp(name, "tolerance_usecs") == 0) {
    if (r->config->tolerance_us < 0) r->tolerance = n * YEON_US;
    return true;
  }
  if (n > 65535) return false;
  if (strcmp(name, "bind_port") == 0) return (r->bind_port = (uint16_t)n) != 0;
  if (strcmp(name, "connect_port") == 0) return (r->connect_port = (uint16_t)n) != 0;
  if (strcmp(name, "mss") == 0) return (r->gro_mss = (uint16_t)n) != 0;
  if (strcmp(name, "mtu") == 0) return r->config->mtu != 0 || (r->mtu = (uint16_t)n) != 0;
  return false;
}

static bool needed(struct drill_run *r, const char *name)
{
  static const char *const table[][2] = {{"tcp_md5_secret", "MD5 signatures of TCP"},
                                         {"is_anyip", "any address"},
                                         {"so_filename", "a stack loaded from a file"},
                                         {"psp_udp_port", "PSP"},
                                         {"wire_client", "a second machine"},
                                         {"wire_server", "a second machine"}};
  for (unsigned i = 0; i < sizeof table / sizeof *table; i++)
    if (strcmp(table[i][0], name) == 0) drill_needs(r, "%s", table[i][1]);
  return r->over;
}

static void default_addresses(struct drill_run *r)
{
  bool six = r->version == YEON_DRILL_IPV6;
  if (yeon_ip_is_any(&r->local) || yeon_ip_is4(&r->local) == six)
    yeon_ip_parse(six ? "fd3d:fa7b:d17d::1" : "192.168.0.1", &r->local);
  if (yeon_ip_is_any(&r->remote) || yeon_ip_is4(&r->remote) == six)
    yeon_ip_parse(six ? "2001:db8::1" : "192.0.2.1", &r->remote);
}

bool settings_apply(struct drill_run *r)
{
  for (const struct drill_setting *s = r->script->settings; s != NULL && !r->over; s = s->next) {
    if (needed(r, s->name) || apply(r, s->name, s->value)) continue;
    drill_fail(r, "line %d: --%s%s%s is no setting known here", s->line, s->name, s->value != NULL ? "=" : "",
               s->value != NULL ? s->value : "");
  }
  for (size_t i = 0; i < r->config->n_settings && !r->over; i++) {
    const char *text = r->config->settings[i];
    size_t n = strcspn(text, "=");
    const char *name = drill_text(r->arena, text, n);
    if (!apply(r, name, text[n] == '=' ? text + n + 1 : NULL)) drill_fail(r, "--%s is no setting known here", text);
  }
  if (r->version == YEON_DRILL_AS_SCRIPTED) r->version = r->config->version;
  if (r->version == YEON_DRILL_AS_SCRIPTED) r->version = YEON_DRILL_IPV4;
  bool wider = r->version == YEON_DRILL_IPV6 && (!r->version_scripted || r->config->version == YEON_DRILL_IPV6);
  if (r->mtu == 0) r->mtu = wider ? 1520 : 1500;
  default_addresses(r);
  return !r->over;
}
