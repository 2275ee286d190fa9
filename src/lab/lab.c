/* The lab's process: its loop and its life. */
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "lab/setup.h"
#include "lab/sockets.h"
#include "lab/tun.h"
#include "lab/watch.h"

#define BLOCKS_KEPT (32 << 20) /* bytes of free memory that are not given back to the system */
#define LOOK_LONGER (100 * YEON_US)

yeon_time lab_now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (yeon_time)t.tv_sec * YEON_SEC + t.tv_nsec;
}

void lab_log(struct lab *lab, const char *format, ...)
{
  va_list args;
  yeon_time since = lab_now() - lab->began_at;
  fprintf(lab->log, "yeon lab: %lld.%03lld ", (long long)(since / YEON_SEC), (long long)(since / YEON_MS % 1000));
  va_start(args, format);
  vfprintf(lab->log, format, args);
  va_end(args);
  fputc('\n', lab->log);
  fflush(lab->log);
}

void lab_stop(struct lab *lab)
{
  lab->stopping = true;
  uv_stop(&lab->loop);
}

static void on_signal(uv_signal_t *handle, int number)
{
  (void)number;
  lab_stop(handle->data);
}

static void on_sockets(uv_poll_t *poll, int status, int events)
{
  (void)status;
  (void)events;
  struct lab *lab = poll->data;
  lab->woken = true;
  (void)lab_sockets_poll(lab);
}

static void on_clock(uv_poll_t *poll, int status, int events)
{
  struct lab *lab = poll->data;
  uint64_t times;
  (void)status;
  (void)events;
  if (read(lab->clock_fd, &times, sizeof times) == sizeof times) lab->clock_at = YEON_NEVER;
}

static void after_poll(uv_check_t *check) { lab_pump(check->data); }

/* Every socket of a program costs us a descriptor. */
static void raise_limit(void)
{
  struct rlimit r;
  if (getrlimit(RLIMIT_NOFILE, &r) != 0) return;
  r.rlim_cur = r.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &r);
}

static int start_loop(struct lab *lab)
{
  if (uv_loop_init(&lab->loop) != 0) return -1;
  lab->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  lab->clock_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  if (lab->epoll_fd < 0 || lab->clock_fd < 0) return -1;
  uv_poll_init(&lab->loop, &lab->sockets, lab->epoll_fd);
  uv_poll_init(&lab->loop, &lab->clock, lab->clock_fd);
  uv_signal_init(&lab->loop, &lab->interrupt);
  uv_signal_init(&lab->loop, &lab->terminate);
  uv_check_init(&lab->loop, &lab->after);
  lab->sockets.data = lab->clock.data = lab->interrupt.data = lab->terminate.data = lab->after.data = lab;
  uv_poll_start(&lab->sockets, UV_READABLE, on_sockets);
  uv_poll_start(&lab->clock, UV_READABLE, on_clock);
  uv_signal_start(&lab->interrupt, on_signal, SIGINT);
  uv_signal_start(&lab->terminate, on_signal, SIGTERM);
  uv_check_start(&lab->after, after_poll);
  return 0;
}

static void close_handle(uv_handle_t *handle, void *ctx)
{
  (void)ctx;
  if (!uv_is_closing(handle)) uv_close(handle, NULL);
}

static void end_loop(struct lab *lab)
{
  uv_walk(&lab->loop, close_handle, NULL);
  uv_run(&lab->loop, UV_RUN_DEFAULT);
  uv_loop_close(&lab->loop);
  close(lab->epoll_fd);
  close(lab->clock_fd);
}

/* Being woken from sleep takes several times as long as passing a segment on. So after something has come from a program we look a little longer before we
 * sleep, and let others have the processor between two looks: whoever asks and waits finds us awake. */
static void run_loop(struct lab *lab)
{
  yeon_time busy_at = lab_now();
  while (!lab->stopping) {
    bool awake = lab_now() - busy_at < LOOK_LONGER;
    lab->woken = false;
    uv_run(&lab->loop, awake ? UV_RUN_NOWAIT : UV_RUN_ONCE);
    if (lab->woken) busy_at = lab_now();
    else if (awake) (void)sched_yield();
  }
}

static int serve(struct lab *lab, const struct yeon_lab_config *config)
{
  int rc = lab_setup(lab, config);
  if (rc != 0) {
    fprintf(stderr, "yeon: the lab could not be set up: %s\n", yeon_error_text(rc));
    return 2;
  }
  if (config->tun != NULL && lab_tun_open(lab, config->tun, config->tun_host) != 0) return 2;
  if (start_loop(lab) != 0) {
    fprintf(stderr, "yeon: %s\n", strerror(errno));
    return 2;
  }
  lab_tun_poll(lab);
  int status = lab_control_open(lab, config) == 0 ? lab_watch_own(lab, config) : 2;
  if (status == 0) status = lab_setup_steps(lab, config->plan);
  if (status == 0) {
    if (!config->quiet) lab_log(lab, "ready: %s", lab->path);
    lab_pump(lab);
    run_loop(lab);
  }
  lab_watch_end(lab, NULL);
  lab_later_drop(lab);
  lab_sockets_close(lab);
  lab_control_close(lab);
  end_loop(lab);
  return status;
}

int yeon_lab_serve(const struct yeon_lab_config *config)
{
  struct lab *lab = calloc(1, sizeof *lab);
  if (lab == NULL) return 2;
  lab->listener_fd = lab->lock_fd = lab->epoll_fd = lab->clock_fd = -1;
  lab->clock_at = YEON_NEVER;
  lab->began_at = lab_now();
  lab->log = config->log_path != NULL ? fopen(config->log_path, "ae") : stderr;
  if (lab->log == NULL) {
    fprintf(stderr, "yeon: the log '%s' cannot be written: %s\n", config->log_path, strerror(errno));
    free(lab);
    return 2;
  }
  (void)signal(SIGPIPE, SIG_IGN);
  (void)signal(SIGXFSZ, SIG_IGN); /* a capture that has become too big is told of, and no reason to die */
  raise_limit();
  (void)mallopt(M_MMAP_THRESHOLD, BLOCKS_KEPT); /* buffers come and go with the bytes: their pages stay */
  (void)mallopt(M_TRIM_THRESHOLD, BLOCKS_KEPT);
  int status = serve(lab, config);
  lab_teardown(lab);
  if (lab->log != stderr) fclose(lab->log);
  free(lab->programs);
  free(lab);
  return status;
}
