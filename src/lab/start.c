/* Starts a program: introduces it to the lab, forks, takes over its filter's notifications. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/ioctl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/run.h"

/* The caller and the supervisor never run at the same time: let the one wake the other on its own processor. Newer than many a linux/seccomp.h. */
#define NOTIF_SET_FLAGS _IOW('!', 4, uint64_t)
#define SYNC_WAKE_UP 1ul

/* The next answer of that kind; others meanwhile are dealt with as ever. 0, or a negative errno. */
static int wait_answer(struct run *run, uint64_t id)
{
  for (;;) {
    struct pollfd p = {.fd = run->lab_fd, .events = POLLIN};
    int fd;
    if (poll(&p, 1, 10000) <= 0) return -ETIMEDOUT;
    int rc = lab_message_receive(run->lab_fd, &run->in, &fd);
    if (rc == -EAGAIN) continue;
    if (rc != 1) return -ENOTCONN;
    const struct lab_message *m = &run->in.head;
    if (m->id == id && (m->kind == LAB_PROGRAM || m->kind == LAB_HOSTS)) return m->result;
    run_letter(run, &run->in, fd);
  }
}

static int introduce(struct run *run, struct run_program *p, pid_t pid)
{
  const char *name = strrchr(p->what->argv[0], '/');
  char words[256];
  name = name != NULL ? name + 1 : p->what->argv[0];
  int host = snprintf(words, sizeof words, "%.60s", p->what->host) + 1;
  int len = host + snprintf(words + host, sizeof words - (size_t)host, "%.31s", name) + 1;
  struct lab_message m = {.kind = LAB_PROGRAM, .id = ++run->next_id, .len = (uint32_t)len, .arg = {(int)pid}};
  int rc = lab_message_send(run->lab_fd, &m, words, -1);
  if (rc == 0) rc = wait_answer(run, m.id);
  if (rc == 0) p->number = run->in.head.program;
  return -rc;
}

/* In place, since it is mounted over /etc/hosts: what is longer first, then cut, so that no reader finds it empty. */
void run_hosts_fill(struct run *run, const struct lab_letter *lines)
{
  char text[RUN_HOSTS_TEXT];
  if (run->hosts_fd < 0) return;
  int len = snprintf(text, sizeof text, "127.0.0.1 localhost\n::1 localhost ip6-localhost\n%.*s", (int)lines->head.len, (const char *)lines->payload);
  if (len < 0 || (size_t)len >= sizeof text || pwrite(run->hosts_fd, text, (size_t)len, 0) != len || ftruncate(run->hosts_fd, len) != 0)
    run_log(run, "the hosts file of the programs can not be written: %s", strerror(errno));
}

static int write_hosts(struct run *run)
{
  struct lab_message m = {.kind = LAB_HOSTS, .id = ++run->next_id};
  if (run->hosts_fd >= 0) return 0;
  int rc = lab_message_send(run->lab_fd, &m, NULL, -1);
  if (rc == 0) rc = wait_answer(run, m.id);
  if (rc != 0) return -rc;
  snprintf(run->hosts_path, sizeof run->hosts_path, "/tmp/yeon-hosts-XXXXXX");
  run->hosts_fd = mkostemp(run->hosts_path, O_CLOEXEC);
  if (run->hosts_fd < 0) {
    run->hosts_path[0] = '\0';
    return errno;
  }
  (void)fchmod(run->hosts_fd, 0644);
  run_hosts_fill(run, &run->in);
  return 0;
}

static int watch(struct run *run, struct run_program *p)
{
  struct epoll_event e = {.events = EPOLLIN, .data.ptr = &p->watch};
  p->watch = (struct run_watch){RUN_WATCH_PROGRAM, p};
  return epoll_ctl(run->epoll_fd, EPOLL_CTL_ADD, p->notify_fd, &e) == 0 ? 0 : errno;
}

/* The child has loaded its filter (or has died, and said why). */
static int adopt(struct run *run, struct run_program *p, int ready, int go)
{
  int number;
  if (read(ready, &number, sizeof number) != sizeof number) return ECHILD;
  p->notify_fd = run_getfd(run, p->pid, number);
  if (p->notify_fd < 0) {
    int error = -p->notify_fd;
    p->notify_fd = -1;
    fprintf(stderr, "yeon: the filter of %s can not be taken over: %s\n", p->what->argv[0], strerror(error));
    return error;
  }
  (void)ioctl(p->notify_fd, NOTIF_SET_FLAGS, SYNC_WAKE_UP); /* not before 6.6 */
  int error = watch(run, p);
  return error != 0 ? error : write(go, "g", 1) == 1 ? 0 : EPIPE;
}

static int launch(struct run *run, struct run_program *p, int ready[2], int go[2])
{
  struct run_child child = {p->what->argv, run->hosts_path, p->what->host, run->config->preload, run->config->wall,
                            p == &run->programs[run->n_programs - 1], ready[1], go[0]};
  p->pid = fork();
  if (p->pid == 0) {
    close(ready[0]);
    close(go[1]);
    run_child(&child);
  }
  if (p->pid < 0) return errno;
  close(ready[1]);
  ready[1] = -1;
  int error = introduce(run, p, p->pid);
  if (error == EHOSTUNREACH)
    fprintf(stderr, "yeon: the lab has no host '%s'; its hosts are: %.*s\n", p->what->host, (int)run->in.head.len, (const char *)run->in.payload);
  return error != 0 ? error : adopt(run, p, ready[0], go[1]);
}

int run_start(struct run *run, struct run_program *p)
{
  int ready[2], go[2] = {-1, -1};
  int error = write_hosts(run);
  if (error != 0 || pipe2(ready, O_CLOEXEC) != 0) return error != 0 ? error : errno;
  if (pipe2(go, O_CLOEXEC) == 0) error = launch(run, p, ready, go);
  else error = errno;
  int all[4] = {ready[0], ready[1], go[0], go[1]};
  for (unsigned i = 0; i < 4; i++)
    if (all[i] >= 0) close(all[i]);
  return error;
}
