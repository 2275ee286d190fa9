/* Shell commands of a script. None is run: the settings in them are taken, questions about the host's sockets are
 * answered, what cannot matter is passed over, and anything else is more than can be run. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drill/run.h"
#include "tcp/internal.h"

#define WORDS 32

struct words {
  char text[2048];
  char *word[WORDS];
  unsigned n;
};

/* Words of one command: quotes group, redirections are dropped. */
static void split(struct words *w, const char *from, size_t len)
{
  char *out = w->text, *const end = w->text + sizeof w->text - 2;
  size_t i = 0;
  w->n = 0;
  while (i < len && w->n < WORDS && out < end) {
    while (i < len && (isspace((unsigned char)from[i]) || from[i] == '\\')) i++;
    if (i >= len) return;
    char quote = 0;
    w->word[w->n] = out;
    for (; i < len && out < end && (quote != 0 || !isspace((unsigned char)from[i])); i++) {
      if (quote == 0 && (from[i] == '"' || from[i] == '\''))
        quote = from[i];
      else if (quote != 0 && from[i] == quote)
        quote = 0;
      else
        *out++ = from[i];
    }
    *out++ = 0;
    w->n++;
  }
}

static bool ends_with(const char *text, const char *end)
{
  size_t a = strlen(text), b = strlen(end);
  return a >= b && strcmp(text + a - b, end) == 0;
}

static bool is_one_of(const char *word, const char *const *list)
{
  for (; *list != NULL; list++)
    if (strcmp(*list, word) == 0) return true;
  return false;
}

/* "name=value" words. */
static void take_settings(struct drill_run *r, const struct words *w)
{
  for (unsigned i = 1; i < w->n && !r->over; i++) {
    char *equals = strchr(w->word[i], '=');
    if (w->word[i][0] == '-' || w->word[i][0] == '>' || strncmp(w->word[i], "2>", 2) == 0 || equals == NULL) continue;
    *equals = 0;
    sysctl_set(r, w->word[i], equals + 1);
  }
}

/* The settings that public suites begin with ("defaults.sh"), when the file is not at hand. */
static void common_defaults(struct drill_run *r)
{
  static const char *const settings[][2] = {{"net.ipv4.tcp_rmem", "4096 540000 15728640"},
                                            {"net.ipv4.tcp_wmem", "4096 262144 4194304"},
                                            {"net.ipv4.tcp_timestamps", "1"},
                                            {"net.ipv4.tcp_syn_retries", "5"},
                                            {"net.ipv4.tcp_synack_retries", "5"},
                                            {"net.ipv4.tcp_sack", "1"},
                                            {"net.ipv4.tcp_reordering", "3"},
                                            {"net.ipv4.tcp_syncookies", "1"},
                                            {"net.ipv4.tcp_slow_start_after_idle", "0"},
                                            {"net.ipv4.tcp_fastopen", "0x70403"},
                                            {"net.ipv4.tcp_fastopen_key", "a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4"}};
  for (unsigned i = 0; i < sizeof settings / sizeof *settings; i++) sysctl_set(r, settings[i][0], settings[i][1]);
}

/* A file of commands beside the script: its sysctl lines. */
static void source_file(struct drill_run *r, const char *name)
{
  const char *slash = strrchr(r->script->path, '/');
  int folder = slash != NULL ? (int)(slash - r->script->path) : 1;
  FILE *f = fopen(drill_format(r->arena, "%.*s/%s", folder, slash != NULL ? r->script->path : ".", name), "r");
  char line[512];
  struct words w;
  if (f == NULL) {
    common_defaults(r);
    return;
  }
  while (fgets(line, sizeof line, f) != NULL) {
    split(&w, line, strlen(line));
    if (w.n > 1 && strcmp(w.word[0], "sysctl") == 0) take_settings(r, &w);
  }
  fclose(f);
}

/* How many connections are in a state, as sockstat or netstat would list them. */
struct count {
  enum yeon_tcp_state state;
  uint16_t port;
  bool held; /* only those an application holds */
  unsigned n;
};

static bool count_one(void *ctx, const struct yeon_tcp_info *info, struct yeon_tcp *tcp)
{
  struct count *c = ctx;
  if (info->state == c->state && (c->port == 0 || info->local.port == c->port) && (!c->held || tcp != NULL)) c->n++;
  return true;
}

static int state_named(const char *name)
{
  static const char *const names[YEON_TCP_STATES] = {
      [YEON_TCP_CLOSED] = "CLOSED",           [YEON_TCP_LISTEN] = "LISTEN",
      [YEON_TCP_SYN_SENT] = "SYN_SENT",       [YEON_TCP_SYN_RECEIVED] = "SYN_RCVD",
      [YEON_TCP_ESTABLISHED] = "ESTABLISHED", [YEON_TCP_FIN_WAIT_1] = "FIN_WAIT_1",
      [YEON_TCP_FIN_WAIT_2] = "FIN_WAIT_2",   [YEON_TCP_CLOSE_WAIT] = "CLOSE_WAIT",
      [YEON_TCP_CLOSING] = "CLOSING",         [YEON_TCP_LAST_ACK] = "LAST_ACK",
      [YEON_TCP_TIME_WAIT] = "TIME_WAIT"};
  for (int i = 0; i < YEON_TCP_STATES; i++)
    if (strcmp(names[i], name) == 0) return i;
  return -1;
}

/* sockstat -4 -P tcp -p 8080 -s | grep -c SYN_RCVD | grep 1 */
static void state_query(struct drill_run *r, const struct words *w)
{
  struct count c = {.n = 0};
  int state = -1, wanted = -1;
  for (unsigned i = 1; i < w->n; i++) {
    if (strcmp(w->word[i], "-p") == 0 && i + 1 < w->n) c.port = (uint16_t)atoi(w->word[i + 1]);
    if (strcmp(w->word[i], "-c") == 0 && i + 1 < w->n) state = state_named(w->word[i + 1]);
    if (strncmp(w->word[i], "packetdril", 10) == 0) c.held = true;
    if (strcmp(w->word[i], "grep") == 0 && i + 1 < w->n && isdigit((unsigned char)w->word[i + 1][0]))
      wanted = atoi(w->word[i + 1]);
  }
  if (state < 0 || wanted < 0) {
    drill_needs(r, "this question about sockets");
    return;
  }
  if (!world_begin(r)) return;
  c.state = (enum yeon_tcp_state)state;
  world_settle(r);
  yeon_tcp_each(r->host, count_one, &c);
  if (c.n != (unsigned)wanted)
    drill_differ(r, "another number of connections",
                 drill_format(r->arena, "%d in %s", wanted, yeon_tcp_state_name(c.state)),
                 drill_format(r->arena, "%u", c.n));
}

/* grep " 0A " /proc/net/tcp /proc/net/tcp6 | grep ":1F90": is there any? */
static void proc_query(struct drill_run *r, const struct words *w)
{
  static const enum yeon_tcp_state states[] = {YEON_TCP_CLOSED,      YEON_TCP_ESTABLISHED,  YEON_TCP_SYN_SENT,   YEON_TCP_SYN_RECEIVED,
                                               YEON_TCP_FIN_WAIT_1,  YEON_TCP_FIN_WAIT_2,   YEON_TCP_TIME_WAIT,  YEON_TCP_CLOSED,
                                               YEON_TCP_CLOSE_WAIT,  YEON_TCP_LAST_ACK,     YEON_TCP_LISTEN,     YEON_TCP_CLOSING};
  struct count c = {.n = 0};
  unsigned long state = 0;
  for (unsigned i = 1; i < w->n; i++) {
    if (strcmp(w->word[i - 1], "grep") != 0) continue;
    if (w->word[i][0] == ':')
      c.port = (uint16_t)strtoul(w->word[i] + 1, NULL, 16);
    else
      state = strtoul(w->word[i], NULL, 16);
  }
  if (state == 0 || state >= sizeof states / sizeof *states) {
    drill_needs(r, "this question about sockets");
    return;
  }
  if (!world_begin(r)) return;
  c.state = states[state];
  world_settle(r);
  yeon_tcp_each(r->host, count_one, &c);
  if (c.n == 0) drill_differ(r, "another number of connections", yeon_tcp_state_name(c.state), "none");
}

/* tcpdrop -s STATE: the descriptors' connections in that state end now. */
static void drop_states(struct drill_run *r, const struct words *w)
{
  int state = w->n > 2 ? state_named(w->word[2]) : -1;
  for (unsigned i = 0; i < DRILL_FDS && state >= 0; i++) {
    struct drill_fd *fd = &r->fds[i];
    if (fd->number < 0 || fd->tcp == NULL || fd->listening || yeon_tcp_state(fd->tcp) != (enum yeon_tcp_state)state)
      continue;
    yeon_tcp_abort(fd->tcp, world_host_time(r));
    fd->tcp = NULL;
    fd->dead = true;
    fd->error = symbol_errno(r, YEON_ERR_ABORTED);
  }
}

/* ip route change 192.0.2.1 via 192.168.0.2 dev tun0 initcwnd 5 */
static void route_settings(struct drill_run *r, const struct words *w)
{
  for (unsigned i = 2; i + 1 < w->n && !r->over; i++) {
    const char *name = w->word[i], *value = w->word[i + 1];
    if (strcmp(name, "initcwnd") == 0) r->options.initial_window_segments = (uint16_t)atoi(value);
    if (strcmp(name, "advmss") == 0) r->options.mss_max = (uint16_t)atoi(value);
    if (strcmp(name, "rto_min") == 0) r->options.rto_min_us = (uint32_t)atoi(value) * 1000;
    if (strcmp(name, "mtu") == 0 && strcmp(value, "lock") == 0 && i + 2 < w->n) r->route_mtu = (uint16_t)atoi(w->word[i + 2]);
    if (strcmp(name, "features") == 0 || strcmp(name, "congctl") == 0 || strcmp(name, "initrwnd") == 0)
      drill_needs(r, "a route with %s %s", name, value);
  }
  if (r->host != NULL) sysctl_set(r, "net.ipv4.tcp_fack", "0"); /* takes r->options over */
}

static void run_ip(struct drill_run *r, const struct words *w)
{
  for (unsigned i = 1; i < w->n; i++) {
    if (strcmp(w->word[i], "tcp_metrics") == 0 && r->host != NULL) yeon_host_fastopen_flush(r->host);
    if (strcmp(w->word[i], "tcp_metrics") == 0 || strcmp(w->word[i], "link") == 0) return;
    if (strcmp(w->word[i], "route") == 0) {
      route_settings(r, w);
      return;
    }
  }
  drill_needs(r, "the command ip %s", w->n > 1 ? w->word[1] : "");
}

/* The value of "name=value" among the words; NULL: none. */
static const char *word_value(const struct words *w, const char *name)
{
  size_t n = strlen(name);
  for (unsigned i = 1; i < w->n; i++)
    if (strncmp(w->word[i], name, n) == 0 && w->word[i][n] == '=') return w->word[i] + n + 1;
  return NULL;
}

/* dd if=/dev/zero of=FILE bs=N count=N: the file is remembered, not made. */
static void make_file(struct drill_run *r, const struct words *w)
{
  const char *from = word_value(w, "if"), *to = word_value(w, "of"), *size = word_value(w, "bs"),
             *count = word_value(w, "count");
  if (from == NULL || to == NULL || size == NULL || count == NULL || strcmp(from, "/dev/zero") != 0) {
    drill_needs(r, "a file made by dd");
    return;
  }
  struct drill_file *f = drill_alloc(r->arena, sizeof *f);
  f->path = drill_text(r->arena, to, strlen(to));
  f->len = (int64_t)(strtoul(size, NULL, 10) & UINT32_MAX) * (int64_t)(strtoul(count, NULL, 10) & INT32_MAX);
  f->next = r->files;
  r->files = f;
}

/* tc qdisc replace dev DEVICE root KIND [limit 0]: of the queues before a device "fq" is known, for it paces every connection, and one that takes nothing. */
static void run_tc(struct drill_run *r, const struct words *w)
{
  unsigned root = 1;
  while (root < w->n && strcmp(w->word[root], "root") != 0) root++;
  if (root + 1 >= w->n) return;
  r->device_full = strcmp(w->word[w->n - 2], "limit") == 0 && strcmp(w->word[w->n - 1], "0") == 0;
  struct yeon_tcp_options unchanged;
  yeon_tcp_options_init(&unchanged, r->config->profile);
  r->options.pacing = unchanged.pacing || strcmp(w->word[root + 1], "fq") == 0 || (r->options.pacing && r->device_full);
  sysctl_apply(r);
  struct drill_fd *fd = fd_find(r, r->current);
  if (r->device_full && (fd == NULL || fd->tcp == NULL || !tcp_outstanding(fd->tcp)))
    drill_needs(r, "a device that takes nothing while nothing is in flight");
}

static void run_command(struct drill_run *r, const struct words *w)
{
  static const char *const nothing[] = {"nstat",         "true",     "echo",    "rm",    "ifconfig", "dmesg", "modprobe", "kldload",
                                        "set",           "ethtool",  "route",   "exit",  "export",   "sync",  "/bin/rm",
                                        "iptables-save", NULL};
  const char *command = w->word[0];
  if (strcmp(command, "sysctl") == 0 || ends_with(command, "set_sysctls.py"))
    take_settings(r, w);
  else if (ends_with(command, ".sh"))
    strstr(command, "sysctl_restore") != NULL ? (void)0 : source_file(r, command);
  else if (strcmp(command, "ip") == 0)
    run_ip(r, w);
  else if (strcmp(command, "sockstat") == 0 || strcmp(command, "netstat") == 0)
    state_query(r, w);
  else if (strcmp(command, "tc") == 0)
    run_tc(r, w);
  else if (strcmp(command, "dd") == 0 || ends_with(command, "/dd"))
    make_file(r, w);
  else if (strcmp(command, "grep") == 0 && w->n > 2 && strncmp(w->word[2], "/proc/net/tcp", 13) == 0)
    proc_query(r, w);
  else if (strcmp(command, "tcpdrop") == 0)
    drop_states(r, w);
  else if (strcmp(command, "sleep") == 0 && w->n > 1)
    world_advance(r, r->now + (yeon_time)(strtod(w->word[1], NULL) * 1e9));
  else if (strcmp(command, "setkey") == 0 || strstr(command, "kldstat") != NULL)
    drill_needs(r, "MD5 signatures of TCP");
  else if (!is_one_of(command, nothing))
    drill_needs(r, "the command %s", command);
}

/* Where a command ends: at a line's end, ';', "&&". A pipe is part of it. */
static size_t command_length(const char *p)
{
  size_t n = 0;
  char quote = 0;
  for (; p[n] != 0; n++) {
    if (quote != 0)
      quote = p[n] == quote ? 0 : quote;
    else if (p[n] == '"' || p[n] == '\'')
      quote = p[n];
    else if (p[n] == '\\' && p[n + 1] == '\n')
      n++;
    else if (p[n] == '\n' || p[n] == ';' || (p[n] == '&' && p[n + 1] == '&'))
      return n;
  }
  return n;
}

void shell_run(struct drill_run *r, const char *command, bool before_host)
{
  struct words w;
  (void)before_host;
  while (*command != 0 && !r->over) {
    size_t n = command_length(command);
    split(&w, command, n);
    command += n;
    while (*command == ';' || *command == '&' || *command == '\n') command++;
    if (w.n > 0 && w.word[0][0] != '#') run_command(r, &w);
  }
  if (r->host != NULL && !r->over) world_settle(r);
}
