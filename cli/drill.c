/* yeon drill: scripts in the packetdrill language against one host in virtual time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yeon/drill.h>

#include "cli.h"

#define DEFINES 32
#define SCRIPT_MAX (16u << 20)

static const struct cli_option options[] = {
    {"--profile", "NAME", "whose TCP the host speaks: freebsd, windows, lecture, yeon; else the script's, else linux"},
    {"--ip_version", "V", "ipv4, ipv6 or ipv4-mapped-ipv6, whatever the script says"},
    {"--mtu", "N", "of the host's link, whatever the script says"},
    {"--local_ip", "IP", "the host's address"},
    {"--remote_ip", "IP", "the other end's"},
    {"--gateway_ip", "IP", "not needed here"},
    {"--netmask_ip", "IP", "not needed here"},
    {"-D", "NAME=VALUE", "a name that scripts use and leave to be defined"},
    {"--sysctl", "NAME=VALUE", "a setting of the host before each script, as its own sysctl lines: net.ipv4.tcp_rmem=\"4096 87380 4194304\""},
    {"--tolerance_usecs", "N", "how far instants may be off, whatever the script says"},
    {"--strict-end", NULL, "nothing may follow the last expected packet"},
    {"--allow-extra", NULL, "unmentioned packets may leave together with the last expected one"},
    {"--any-push", NULL, "do not compare the PSH flag"},
    {"--any-window", NULL, "do not compare windows"},
    {"--any-options", NULL, "do not compare TCP options"},
    {"--any-time", NULL, "compare the order only, no instants"},
    {"--seed", "N", "of the host's own chance"},
    {"--tap", NULL, "TAP, for test harnesses"},
    {"-q", NULL, "only what is not ok, and the sum"},
    {"-v", NULL, "every event as it happens"},
    {NULL, NULL, NULL},
};

struct drill {
  struct yeon_drill_config config;
  bool tap, quiet, profile_given;
  unsigned n, count[4]; /* by enum yeon_drill_status */
  unsigned others;      /* scripts that named another profile themselves */
  const char *defines[DEFINES], *settings[DEFINES], *sysctls[DEFINES];
  char setting_text[DEFINES][96];
};

static bool set_version(struct drill *d, const char *value)
{
  static const char *const names[] = {"", "ipv4", "ipv6", "ipv4-mapped-ipv6"};
  for (unsigned i = 1; i < 4; i++)
    if (strcmp(names[i], value) == 0) d->config.version = (enum yeon_drill_version)i;
  return d->config.version != YEON_DRILL_AS_SCRIPTED;
}

static bool set_profile(struct drill *d, const char *value)
{
  int profile = yeon_profile_find(value);
  if (profile >= 0) d->config.profile = (enum yeon_profile)profile;
  d->profile_given = true;
  return profile >= 0;
}

/* "--local_ip 10.0.0.1" as the script would have it. */
static bool add_setting(struct drill *d, const char *name, const char *value)
{
  size_t n = d->config.n_settings;
  if (n == DEFINES || strlen(name) + strlen(value) > sizeof d->setting_text[0]) return cli_complain("too many settings, or too long ones"), false;
  strcpy(d->setting_text[n], name + 2);
  strcat(strcat(d->setting_text[n], "="), value);
  d->settings[n] = d->setting_text[n];
  d->config.settings = d->settings;
  d->config.n_settings = n + 1;
  return true;
}

static bool *flag_of(struct drill *d, const char *name)
{
  const struct {
    const char *name;
    bool *flag;
  } flags[] = {{"--strict-end", &d->config.strict_end},   {"--allow-extra", &d->config.allow_extra}, {"--any-push", &d->config.any_push},
               {"--any-window", &d->config.any_window},   {"--any-options", &d->config.any_options},
               {"--any-time", &d->config.any_time},       {"--tap", &d->tap},
               {"-q", &d->quiet}};
  for (unsigned i = 0; i < sizeof flags / sizeof *flags; i++)
    if (strcmp(flags[i].name, name) == 0) return flags[i].flag;
  return NULL;
}

/* False: told. */
static bool set_option(struct drill *d, const struct cli_args *args)
{
  uint64_t n = 0;
  bool *flag = flag_of(d, args->name);
  if (flag != NULL) return *flag = true;
  if (strcmp(args->name, "-v") == 0) {
    d->config.trace = stdout;
  } else if (strcmp(args->name, "-D") == 0) {
    if (d->config.n_defines == DEFINES || strchr(args->value, '=') == NULL) return cli_complain("-D NAME=VALUE, at most %d", DEFINES), false;
    d->defines[d->config.n_defines++] = args->value;
    d->config.defines = d->defines;
  } else if (strcmp(args->name, "--sysctl") == 0) {
    if (d->config.n_sysctls == DEFINES || strchr(args->value, '=') == NULL) return cli_complain("--sysctl NAME=VALUE, at most %d", DEFINES), false;
    d->sysctls[d->config.n_sysctls++] = args->value;
    d->config.sysctls = d->sysctls;
  } else if (strstr(args->name, "_ip") != NULL && strstr(args->name, "_version") == NULL) {
    return add_setting(d, args->name, args->value);
  } else if (strcmp(args->name, "--profile") == 0) {
    if (!set_profile(d, args->value)) return cli_bad_profile(args->value), false;
  } else if (strcmp(args->name, "--ip_version") == 0) {
    if (!set_version(d, args->value)) return cli_complain("'%s' is none of ipv4, ipv6, ipv4-mapped-ipv6", args->value), false;
  } else if (!cli_number(args, 0, UINT32_MAX, &n)) {
    return false;
  } else if (strcmp(args->name, "--mtu") == 0) {
    d->config.mtu = n > 65535 ? 65535 : (uint16_t)n;
  } else if (strcmp(args->name, "--seed") == 0) {
    d->config.seed = n;
  } else {
    d->config.tolerance_us = (int64_t)n;
  }
  return true;
}

static void tell(const struct drill *d, const char *path, const struct yeon_drill_result *result)
{
  static const char *const words[] = {"ok", "not ok", "ok", "not ok"};
  bool skipped = result->status == YEON_DRILL_SKIPPED;
  const char *p = result->text;
  if (d->quiet && (result->status == YEON_DRILL_OK || skipped)) return;
  if (d->tap)
    printf("%s %u - %s%s\n", words[result->status], d->n, path, skipped ? " # SKIP" : "");
  else
    printf("%-7s %s\n", skipped ? "skipped" : words[result->status], path);
  while (p != NULL && *p != 0) {
    size_t len = strcspn(p, "\n");
    printf("%s%.*s\n", d->tap ? "# " : "  ", (int)len, p);
    p += len + (p[len] == '\n');
  }
}

/* The whole of standard input or of a file; NULL: errno tells. */
static char *read_script(const char *path, size_t *len)
{
  FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
  char *text = f != NULL ? malloc(SCRIPT_MAX + 1) : NULL;
  if (text != NULL) {
    *len = fread(text, 1, SCRIPT_MAX, f);
    text[*len] = '\0';
    if (ferror(f) != 0) {
      free(text);
      text = NULL;
    }
  }
  if (f != NULL && f != stdin) fclose(f);
  return text;
}

/* "// profile: freebsd" in the comment at the head of a script says what it was written for. */
static enum yeon_profile profile_of(const char *text, enum yeon_profile other)
{
  static const char mark[] = "// profile: ";
  for (const char *line = text; strncmp(line, "//", 2) == 0; line += strcspn(line, "\n"), line += *line == '\n') {
    char name[16];
    if (strncmp(line, mark, sizeof mark - 1) != 0 || sscanf(line + sizeof mark - 1, "%15s", name) != 1) continue;
    int profile = yeon_profile_find(name);
    return profile >= 0 ? (enum yeon_profile)profile : other;
  }
  return other;
}

static void run_one(struct drill *d, const char *path)
{
  struct yeon_drill_config config = d->config;
  struct yeon_drill_result result;
  size_t len = 0;
  char *text = read_script(path, &len);
  d->n++;
  if (d->config.trace != NULL) printf("%s\n", path);
  if (text != NULL && !d->profile_given) config.profile = profile_of(text, config.profile);
  d->others += config.profile != d->config.profile;
  if (text != NULL) d->count[yeon_drill_text(&config, strcmp(path, "-") == 0 ? "stdin" : path, text, len, &result)]++;
  else d->count[yeon_drill_file(&config, path, &result)]++; /* it says why it cannot be read */
  tell(d, strcmp(path, "-") == 0 ? "stdin" : path, &result);
  yeon_drill_result_free(&result);
  free(text);
}

static int finish(const struct drill *d)
{
  char relaxed[128], others[48] = "";
  unsigned bad = d->count[YEON_DRILL_FAILED] + d->count[YEON_DRILL_BROKEN];
  yeon_drill_relaxations(&d->config, relaxed, sizeof relaxed);
  if (d->tap) printf("1..%u\n", d->n);
  if (d->others > 0) snprintf(others, sizeof others, ", %u of them in their own", d->others);
  printf("%s%u script%s in profile %s%s: %u ok, %u not ok, %u skipped", d->tap ? "# " : "", d->n, d->n == 1 ? "" : "s", yeon_profile_name(d->config.profile), others,
         d->count[YEON_DRILL_OK], bad, d->count[YEON_DRILL_SKIPPED]);
  printf("%s%s\n", relaxed[0] != 0 ? "; not compared: " : "", relaxed);
  return d->count[YEON_DRILL_OK] == d->n ? CLI_OK : CLI_FAILED;
}

static int run(int argc, char **argv)
{
  struct drill d = {.tap = false};
  enum cli_arg kind;
  yeon_drill_config_init(&d.config);
  /* Options first: they hold for all files, wherever they stand. */
  struct cli_args args = cli_args_of(&cli_drill, argc, argv);
  while ((kind = cli_args_next(&args)) != CLI_ARG_END) {
    if (kind == CLI_ARG_ERROR || (kind == CLI_ARG_OPTION && !set_option(&d, &args))) return CLI_USAGE;
    if (kind == CLI_ARG_HELP) {
      cli_print_verb(&cli_drill);
      return CLI_OK;
    }
    d.n += kind == CLI_ARG_PLAIN;
  }
  if (d.n == 0) return cli_complain("drill which scripts? yeon drill FILE.pkt ...");
  d.n = 0;
  args = cli_args_of(&cli_drill, argc, argv);
  while ((kind = cli_args_next(&args)) != CLI_ARG_END)
    if (kind == CLI_ARG_PLAIN) run_one(&d, args.value);
  return finish(&d);
}

const struct cli_verb cli_drill = {
    .name = "drill",
    .arguments = "FILE.pkt...",
    .summary = "packetdrill scripts against a host, in virtual time",
    .details = "Every packet must come when the script says and as it says; what comes besides is\n"
               "a failure too. '-' is standard input. A script that needs what this host does not have is skipped, and\n"
               "says what. The exit status is 0 only when all scripts were run and hold.",
    .options = options,
    .run = run,
};
