/* `yeon run`: the supervisor's life. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lab/lab.h"
#include "lab/run.h"
#include "lab/watch_ask.h"

#define EVENTS 64
#define PATIENCE (5 * YEON_SEC) /* a program that does not begin to listen is not waited for longer */
#define GRACE (3 * YEON_SEC)    /* between asking programs to end and killing them */
#define LOOK (200 * YEON_MS)    /* how often waiting calls are checked for being alive */
#define BURST 256               /* messages of the lab in one go */

yeon_time run_now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (yeon_time)t.tv_sec * YEON_SEC + t.tv_nsec;
}

void run_log(struct run *run, const char *format, ...)
{
  va_list args;
  fputs("yeon run: ", run->log);
  va_start(args, format);
  vfprintf(run->log, format, args);
  va_end(args);
  fputc('\n', run->log);
  fflush(run->log);
}

static void watch(struct run *run, int fd, struct run_watch *w, enum run_watch_kind kind)
{
  struct epoll_event e = {.events = EPOLLIN, .data.ptr = w};
  w->kind = kind;
  (void)epoll_ctl(run->epoll_fd, EPOLL_CTL_ADD, fd, &e);
}

/* ---- the lab ---- */

static void on_lab(struct run *run)
{
  for (unsigned i = 0; i < BURST; i++) {
    int fd;
    int rc = lab_message_receive(run->lab_fd, &run->in, &fd);
    if (rc == -EAGAIN) return;
    if (rc != 1) {
      run->lab_gone = true;
      return;
    }
    run_letter(run, &run->in, fd);
  }
}

/* ---- programs ---- */

static void stop_all(struct run *run)
{
  if (run->stopping) return;
  run->stopping = true;
  run->kill_at = run_now() + GRACE;
  (void)run_kill_all(run, SIGTERM);
}

/* What a server that goes to the background leaves is ended with it, which nobody expects who has not read the manual. */
static void tell_left(struct run *run, const struct run_program *p)
{
  struct pollfd left = {.fd = p->notify_fd};
  bool over = p->notify_fd < 0 || (poll(&left, 1, 0) == 1 && (left.revents & POLLHUP) != 0);
  if (over || !p->listens || run->stopping || !WIFEXITED(p->status) || WEXITSTATUS(p->status) != 0) return;
  fprintf(stderr, "yeon: %s has ended and left processes behind, which end with it; let it stay in the foreground\n", p->what->argv[0]);
}

static void reap(struct run *run)
{
  int status;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
    if (pid == run->lab_pid) run->lab_pid = 0;
    for (size_t i = 0; i < run->n_programs; i++) {
      struct run_program *p = &run->programs[i];
      if (p->pid != pid || p->ended) continue;
      p->ended = true;
      p->status = status;
      if (i + 1 == run->n_programs) tell_left(run, p);
      if (i + 1 == run->n_programs) stop_all(run);
    }
  }
}

static void on_signal(struct run *run)
{
  struct signalfd_siginfo si;
  while (read(run->signal_fd, &si, sizeof si) == sizeof si) {
    if (si.ssi_signo == SIGCHLD) reap(run);
    else if (si.ssi_signo == SIGTERM || si.ssi_signo == SIGHUP) stop_all(run);
    else if (run->stopping) run->kill_at = 0; /* SIGINT goes to the programs too; a second one while they end is meant */
  }
}

static void on_program(struct run *run, struct run_program *p, uint32_t events)
{
  if (events & EPOLLIN) {
    run_trap(run, p);
  } else if (events & (EPOLLHUP | EPOLLERR)) { /* no process has this filter any more */
    (void)epoll_ctl(run->epoll_fd, EPOLL_CTL_DEL, p->notify_fd, NULL);
    close(p->notify_fd);
    p->notify_fd = -1;
  }
}

static bool may_start_next(struct run *run, yeon_time now)
{
  if (run->started == 0) return true;
  const struct run_program *before = &run->programs[run->started - 1];
  bool over = before->ended && before->notify_fd < 0; /* a server may have gone to the background, and listens later */
  return before->listens || over || now >= run->start_at;
}

/* False: one could not be started. */
static bool start_next(struct run *run, yeon_time now)
{
  while (!run->stopping && run->started < run->n_programs && may_start_next(run, now)) {
    struct run_program *p = &run->programs[run->started++];
    run->start_at = now + PATIENCE;
    int error = run_start(run, p);
    if (error == 0) continue;
    run->failed = error != ECHILD; /* else the child has told why, and its status tells too */
    const char *why = error == ENOTCONN ? "the lab has ended" : strerror(error);
    if (error != ECHILD && error != EHOSTUNREACH) fprintf(stderr, "yeon: %s could not be started: %s\n", p->what->argv[0], why);
    return false;
  }
  if (run->started == run->n_programs && run->hosts_path[0] != '\0') { /* their mounts keep it */
    (void)unlink(run->hosts_path);
    run->hosts_path[0] = '\0';
  }
  return true;
}

/* ---- the loop ---- */

static int timeout_ms(const struct run *run, yeon_time now)
{
  yeon_time next = YEON_NEVER;
  if (run->started < run->n_programs) next = run->start_at;
  if (run->n_pending > 0 && run->looked_at + LOOK < next) next = run->looked_at + LOOK;
  if (run->stopping) next = now + 20 * YEON_MS;
  if (next == YEON_NEVER) return -1;
  return next <= now ? 0 : (int)((next - now) / YEON_MS) + 1;
}

static void dispatch(struct run *run, const struct epoll_event *e)
{
  if (e->data.u64 & RUN_PENDING_MARK) { /* by number: another event of the same batch may have freed it */
    struct run_pending *p = run_pending_find(run, e->data.u64 >> 1);
    if (p != NULL) run_dgram_readable(run, p);
    return;
  }
  const struct run_watch *w = e->data.ptr;
  switch (w->kind) {
  case RUN_WATCH_LAB: on_lab(run); break;
  case RUN_WATCH_SIGNAL: on_signal(run); break;
  case RUN_WATCH_PROGRAM: on_program(run, w->of, e->events); break;
  }
}

/* Whether everything is over. */
static bool finished(struct run *run, yeon_time now)
{
  if (!run->stopping) return false;
  if (now >= run->kill_at) (void)run_kill_all(run, SIGKILL);
  return run_kill_all(run, 0) == 0;
}

static void supervise(struct run *run)
{
  struct epoll_event events[EVENTS];
  while (!run->lab_gone) {
    yeon_time now = run_now();
    if (!start_next(run, now)) stop_all(run);
    if (finished(run, now)) return;
    int n = epoll_wait(run->epoll_fd, events, EVENTS, timeout_ms(run, now));
    for (int i = 0; i < n; i++) dispatch(run, &events[i]);
    now = run_now();
    if (run->n_pending > 0 && now - run->looked_at >= LOOK) run_pending_check(run, now);
  }
  fprintf(stderr, "yeon: the lab has ended, and the programs with it\n");
  (void)run_kill_all(run, SIGKILL);
}

/* Who forgets that a lab is to be there, or ends it, gets a private one in which nobody else is, and a program that finds nobody says so in its own words.
 * Ours are for when it has failed and could not have met anybody. */
static void tell_alone(const struct run *run)
{
  const struct run_program *last = &run->programs[run->n_programs - 1];
  bool alone = run->is_private;
  for (size_t i = 1; i < run->n_programs; i++) alone &= strcmp(run->programs[i].what->host, run->programs[0].what->host) == 0;
  int status = last->ended && WIFEXITED(last->status) ? WEXITSTATUS(last->status) : 0;
  if (!alone || status == 0 || status == 126 || status == 127) return; /* 126, 127: it has not even begun */
  fprintf(stderr, "yeon: no lab named 'default' runs, so this was a private one, and on its other hosts was nobody; `yeon lab --live` starts one to be shared\n");
}

static int exit_status(const struct run *run)
{
  const struct run_program *last = &run->programs[run->n_programs - 1];
  if (!last->ended || run->failed) return 2;
  return WIFSIGNALED(last->status) ? 128 + WTERMSIG(last->status) : WEXITSTATUS(last->status);
}

static int connect_lab(struct run *run)
{
  const char *name = run->config->lab;
  run->lab_fd = lab_connect(name != NULL ? name : "default");
  run->is_private = run->lab_fd < 0 && name == NULL;
  if (run->is_private) run->lab_fd = run_private_lab(run);
  if (run->lab_fd < 0) {
    if (name != NULL) yeon_lab_tell_missing(name, -run->lab_fd);
    else fprintf(stderr, "yeon: a private lab could not be started: %s\n", strerror(-run->lab_fd));
    return 2;
  }
  int size = 1 << 20;
  (void)setsockopt(run->lab_fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  return 0;
}

/* What was asked for of ladder, capture and summary, and of the cable, begins before the first program does. 0, or 2 and told. */
static int begin_watching(struct run *run)
{
  const struct yeon_run_config *c = run->config;
  static const char capture[] = "capture", summary[] = "summary";
  char words[LAB_WATCH_WORDS];
  int status = 0;
  if (c->pcap_path != NULL) status = lab_watch_begin(run->lab_fd, capture, sizeof capture, c->pcap_path, &run->in);
  if (status == 0 && c->ladder_path != NULL)
    status = lab_watch_begin(run->lab_fd, words, lab_watch_ladder(words, c->ladder_flags, c->width), c->ladder_path, &run->in);
  for (size_t i = 0; i < c->n_cable && status == 0; i++) status = lab_watch_cable(run->lab_fd, c->cable[i], &run->in);
  if (status == 0 && c->summary) status = lab_watch_begin(run->lab_fd, summary, sizeof summary, "/dev/stderr", &run->in);
  return status;
}

static bool watches(const struct run *run)
{
  return run->config->pcap_path != NULL || run->config->ladder_path != NULL || run->config->summary;
}

static int prepare(struct run *run)
{
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGHUP);
  (void)sigprocmask(SIG_BLOCK, &set, NULL);
  (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
  run->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  run->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (run->signal_fd < 0 || run->epoll_fd < 0) return 2;
  for (size_t i = 0; i < run->n_programs; i++) run->programs[i] = (struct run_program){.what = &run->config->programs[i], .notify_fd = -1};
  int status = connect_lab(run);
  if (status == 0) status = begin_watching(run);
  if (status != 0) return status;
  watch(run, run->lab_fd, &run->lab_watch, RUN_WATCH_LAB);
  watch(run, run->signal_fd, &run->signal_watch, RUN_WATCH_SIGNAL);
  return 0;
}

static void end(struct run *run)
{
  if (run->lab_pid > 0 && !run->lab_gone) run_private_drain(run);
  run_tables_free(run);
  run_processes_close(run);
  if (run->hosts_path[0] != '\0') (void)unlink(run->hosts_path);
  if (run->hosts_fd >= 0) close(run->hosts_fd);
  if (run->lab_fd >= 0 && watches(run)) lab_watch_stop(run->lab_fd, &run->in);
  if (run->lab_fd >= 0) close(run->lab_fd);
  if (run->lab_pid > 0) (void)waitpid(run->lab_pid, NULL, 0); /* it ends when we hang up */
  if (run->log != stderr && run->log != NULL) fclose(run->log);
}

int yeon_run(const struct yeon_run_config *config)
{
  if (config->n_programs == 0 || config->n_programs > RUN_PROGRAMS_MAX) return 2;
  if (run_filter_taken()) {
    fprintf(stderr, "yeon: this runs in a lab already, and there can be no lab within a lab; what is started here, without `yeon run`, is on the same host\n");
    return 2;
  }
  struct run *run = calloc(1, sizeof *run);
  if (run == NULL) return 2;
  run->config = config;
  run->n_programs = config->n_programs;
  run->epoll_fd = run->lab_fd = run->signal_fd = run->hosts_fd = -1;
  run->kill_at = YEON_NEVER;
  run->log = config->log_path != NULL ? fopen(config->log_path, "ae") : stderr;
  if (run->log == NULL) fprintf(stderr, "yeon: the log '%s' cannot be written: %s\n", config->log_path, strerror(errno));
  int status = run->log != NULL ? prepare(run) : 2;
  if (status == 0) {
    supervise(run);
    status = exit_status(run);
    tell_alone(run);
  }
  end(run);
  free(run);
  return status;
}
