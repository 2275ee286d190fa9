/* yeon/lab.h: the live lab: hosts joined by cables in real time, and unmodified programs that run on them. Linux only; not part of
 * libyeon.so but of a library of its own that the command is linked with (it needs libuv and libseccomp).
 *
 * A lab is a process that holds the hosts and listens on a control socket, $XDG_RUNTIME_DIR/yeon/NAME (or /tmp/yeon-UID/NAME, mode
 * 0700). yeon_run starts programs whose INET sockets live in a lab; yeon_lab_ask sends one a command. */
#ifndef YEON_LAB_H
#define YEON_LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define YEON_LAB_NAME 32 /* bytes of a lab's name with its terminator: letters, digits, '-', '_', '.' */

struct yeon_lab_config {
  const char *name;     /* NULL: "default" */
  const char *log_path; /* appended to; NULL: standard error */
  const char *profile;  /* of TCP, see yeon/tcp.h; NULL: "linux" */
  int owner_fd;         /* a connected SEQPACKET socket that is the first client; the lab ends when it is closed. -1: none */
  bool quiet;           /* no line that says it is ready */
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
  bool verbose;         /* tell every trapped call on the log */
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

/* Calls fn with the name of each lab of this user that runs. */
void yeon_lab_each(void (*fn)(void *ctx, const char *name), void *ctx);

#ifdef __cplusplus
}
#endif
#endif
