/* yeon/drill.h: scripts in the packetdrill language against one host in virtual time: what an application calls,
 * what arrives, and what the host must send, when. In process, without privileges, and the same every time. The
 * language, as far as it is understood here: docs/drill.md. Not part of libyeon.so but of a library of its own, which the
 * command is linked with and which is not installed. */
#ifndef YEON_DRILL_H
#define YEON_DRILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <yeon/tcp.h>

#ifdef __cplusplus
extern "C" {
#endif

enum yeon_drill_version { YEON_DRILL_AS_SCRIPTED, YEON_DRILL_IPV4, YEON_DRILL_IPV6, YEON_DRILL_MAPPED };

struct yeon_drill_config {
  enum yeon_profile profile;
  enum yeon_drill_version version; /* AS_SCRIPTED: the script's --ip_version, else IPv4 */
  int64_t tolerance_us;            /* -1: the script's --tolerance_usecs, else 4000 */
  uint64_t seed;                   /* of the host */
  uint32_t horizon_ms;             /* no wait takes longer, virtual; 0: 400 s */
  /* 0: the script's --mtu, else 1500; 1520 where IPv6 is asked for here and not by the script, so that both families
   * have one MSS: so the suites that are written for both are run. */
  uint16_t mtu;
  const char *const *defines; /* "NAME=VALUE", before those of the script; n_defines of them */
  size_t n_defines;
  const char *const
      *settings; /* "local_ip=10.0.0.1": settings as a script has them, after its own; n_settings of them */
  size_t n_settings;
  const char *const *sysctls; /* "net.ipv4.tcp_sack=0": settings of the host, before those of the script; n_sysctls of them */
  size_t n_sysctls;
  FILE *trace;     /* every event as it happens; NULL: none */
  bool strict_end; /* nothing may follow the last packet that the script expects, though the script goes on */
  /* Relaxations. */
  bool allow_extra; /* packets that the script does not mention may leave together with its last expected one */
  bool any_push;    /* the PSH flag is not compared */
  bool any_window;  /* the window field is not compared */
  bool any_options; /* TCP options are not compared */
  bool any_time;    /* instants are not compared, only the order */
};

/* Zeroed, tolerance as scripted, profile linux. */
void yeon_drill_config_init(struct yeon_drill_config *config);
/* "any_push, any_time": the relaxations that are on; "" for none. Returns buf. */
const char *yeon_drill_relaxations(const struct yeon_drill_config *config, char *buf, size_t size);

enum yeon_drill_status {
  YEON_DRILL_OK,
  YEON_DRILL_FAILED,  /* something else happened than the script says */
  YEON_DRILL_SKIPPED, /* it needs what this host does not have */
  YEON_DRILL_BROKEN   /* not a script, or not to be read */
};

struct yeon_drill_result {
  enum yeon_drill_status status;
  char *text;           /* why, several lines, each ended; NULL when OK. Free with yeon_drill_result_free. */
  unsigned events;      /* of the script that took place */
  unsigned packets_in;  /* put into the host */
  unsigned packets_out; /* compared */
};

/* Runs one script. The result's status. */
enum yeon_drill_status yeon_drill_file(const struct yeon_drill_config *config, const char *path,
                                       struct yeon_drill_result *out);
/* The same with the script in memory; path names it, and the files it mentions are looked for beside it. */
enum yeon_drill_status yeon_drill_text(const struct yeon_drill_config *config, const char *path, const char *text,
                                       size_t len, struct yeon_drill_result *out);
void yeon_drill_result_free(struct yeon_drill_result *result);

#ifdef __cplusplus
}
#endif
#endif
