/* yeon/lab.h: the live lab: hosts joined by cables in real time, and unmodified programs that run on them. Linux only; not part of
 * libyeon.so but of a library of its own that the command is linked with (it needs libuv and libseccomp). Neither is installed.
 *
 * A lab is a process that holds the hosts and listens on a control socket, $XDG_RUNTIME_DIR/yeon/NAME (or /tmp/yeon-UID/NAME, mode
 * 0700; /tmp/yeon-UID-1 and so on where that folder is somebody else's). yeon_run starts programs whose INET sockets live in a lab; yeon_lab_ask sends one a command. */
#ifndef YEON_LAB_H
#define YEON_LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <yeon/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#define YEON_LAB_NAME 32 /* bytes of a lab's name with its terminator: letters, digits, '-', '_', '.' */

/* What a lab consists of, and what is done to it when. Names are at most 31 characters. */
struct yeon_lab_host {
  const char *name, *profile;      /* profile NULL: the lab's */
  const char *address, *address6;  /* IPv4 and IPv6 */
  const char *congestion;          /* an algorithm, see yeon/congestion.h; NULL: the lab's */
};
struct yeon_lab_cable {
  const char *name, *a, *b; /* a, b: names of hosts */
};
struct yeon_lab_step {
  yeon_time after;   /* the lab's beginning */
  const char *words; /* a command with spaces between its words, as "cable cut 5s" */
};
struct yeon_lab_plan {
  const struct yeon_lab_host *hosts;
  const struct yeon_lab_cable *cables;
  const struct yeon_lab_step *steps;
  size_t n_hosts, n_cables, n_steps; /* n_hosts 0: the usual hosts and cable */
};

struct yeon_lab_config {
  const char *name;     /* NULL: "default" */
  const char *log_path; /* appended to; NULL: standard error */
  const char *profile;  /* of TCP, see yeon/tcp.h; NULL: "linux" */
  const char *congestion; /* an algorithm, see yeon/congestion.h; NULL: the profile's */
  int owner_fd;         /* a connected SEQPACKET socket that is the first client; the lab ends when it is closed. -1: none */
  bool quiet;           /* no line that says it is ready */
  const struct yeon_lab_plan *plan; /* NULL: client and server on one cable */
  const char *tun, *tun_host; /* a TUN device of that name is joined to this host (NULL: "server"), so that the kernel is an end too; NULL: none */
  const char *pcap_path;   /* every frame goes there as pcapng; NULL: nowhere; "-": standard output */
  const char *ladder_path; /* the ladder of the first cable; likewise */
  unsigned ladder_flags;   /* YEON_LADDER_*, see yeon/watch.h */
  unsigned width;          /* of the ladder, in columns; 0: 80 */
};

/* Runs a lab in this process until SIGINT, SIGTERM, or its owner goes. The exit status for the command: 0, or 2 and a line on
 * standard error (another lab has that name; the folder is not ours). */
int yeon_lab_serve(const struct yeon_lab_config *config);

/* One program of a line `--on HOST -- PROGRAM ARGS`. */
struct yeon_run_program {
  const char *host; /* name of a host of the lab */
  char **argv;      /* NULL-terminated */
};

struct yeon_run_config {
  const char *lab;      /* NULL: "default" if it runs, else a private one for as long as the programs live */
  const char *log_path; /* of a private lab and of the supervisor; NULL: standard error */
  const char *preload;  /* the helper library, a path; NULL: none */
  const char *profile;  /* of a private lab */
  const char *congestion; /* likewise */
  bool verbose;         /* tell every trapped call on the log */
  const char *pcap_path, *ladder_path; /* as in struct yeon_lab_config, of the time the programs run */
  unsigned ladder_flags, width;
  const char *const *cable; /* commands to the cable, words with spaces between, as "at +3s cut 5s"; sent before the first program starts */
  size_t n_cable;
  bool summary;         /* at the end, what has happened, on standard error */
  bool wall;            /* refuse to run a program that can not be given an empty network namespace */
  const struct yeon_run_program *programs;
  size_t n_programs;    /* > 0; the others end with the last */
};

/* Starts the programs in their order, each when the one before it listens (or has ended, or 5 s have passed), and supervises them until the last
 * of the line has ended. Its exit status, 128 + signal if one killed it, 2 if it could not be started. */
int yeon_run(const struct yeon_run_config *config);

/* Sends a command ("cable", "cut", "5s") and writes the answer to `out`. lab NULL: "default". The status the command gave: 0, or an exit
 * status with the reason on `out`; -1: no such lab (errno). */
int yeon_lab_ask(const char *lab, size_t n_words, char *const *words, FILE *out);

/* Writes all frames of a lab to a pcapng file ("-": standard output), until there were `count` of them, for a `length` ("10s"; NULL: no such limit), or until
 * SIGINT or SIGTERM. A line on standard error at the end. The exit status; -1: no such lab (errno). */
int yeon_lab_capture(const char *lab, const char *path, const char *count, const char *length);

/* A line on standard error: why there is no lab of that name (NULL: "default") to be reached, `error` being the errno of yeon_lab_ask or yeon_lab_capture. */
void yeon_lab_tell_missing(const char *lab, int error);

/* Calls fn with the name of each lab of this user that runs. */
void yeon_lab_each(void (*fn)(void *ctx, const char *name), void *ctx);

#ifdef __cplusplus
}
#endif
#endif
