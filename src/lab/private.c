/* A lab of our own, for as long as our programs live. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab/run.h"

#define DRAIN_MS 5000 /* the lab answers sooner, unless it hangs */

static _Noreturn void serve(struct run *run, int owner, pid_t parent)
{
  char name[YEON_LAB_NAME];
  sigset_t none;
  struct yeon_lab_config config = {.name = name, .log_path = run->config->log_path, .profile = run->config->profile, .congestion = run->config->congestion,
                                   .owner_fd = owner, .quiet = true};
  snprintf(name, sizeof name, "run-%d", (int)parent);
  (void)setpgid(0, 0); /* Ctrl-C is for the programs */
  (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
  sigemptyset(&none);
  (void)sigprocmask(SIG_SETMASK, &none, NULL);
  _exit(yeon_lab_serve(&config));
}

void run_private_drain(struct run *run)
{
  struct lab_message m = {.kind = LAB_DRAIN, .id = ++run->next_id};
  struct pollfd p = {.fd = run->lab_fd, .events = POLLIN};
  int rc = lab_message_send(run->lab_fd, &m, NULL, -1);
  while (rc == 0 && poll(&p, 1, DRAIN_MS) > 0) {
    int fd;
    int got = lab_message_receive(run->lab_fd, &run->in, &fd);
    if (got != 1 && got != -EAGAIN) return;
    if (got == 1 && run->in.head.kind == LAB_DRAIN && run->in.head.id == m.id) return;
    if (got == 1) run_letter(run, &run->in, fd); /* a capture may just have come to its end */
  }
}

int run_private_lab(struct run *run)
{
  int pair[2];
  pid_t parent = getpid();
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return -errno;
  pid_t pid = fork();
  if (pid == 0) {
    close(pair[0]);
    serve(run, pair[1], parent);
  }
  close(pair[1]);
  if (pid < 0) {
    close(pair[0]);
    return -errno;
  }
  run->lab_pid = pid;
  return pair[0];
}
