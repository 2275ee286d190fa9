/* Processes of programs: their descriptors, and which there are. */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lab/run.h"

static pid_t group_of(pid_t tid)
{
  char path[64], line[128];
  pid_t tgid = 0;
  snprintf(path, sizeof path, "/proc/%d/status", (int)tid);
  FILE *f = fopen(path, "re");
  if (f == NULL) return 0;
  while (tgid == 0 && fgets(line, sizeof line, f) != NULL)
    if (strncmp(line, "Tgid:", 5) == 0) tgid = (pid_t)strtol(line + 5, NULL, 10);
  fclose(f);
  return tgid;
}

static bool still_there(const struct run_process *p)
{
  char path[64];
  if (p->tid == p->tgid) return true; /* a pidfd of a dead process says so itself */
  snprintf(path, sizeof path, "/proc/%d/task/%d", (int)p->tgid, (int)p->tid);
  return access(path, F_OK) == 0;
}

static int open_process(struct run_process *p, pid_t tid)
{
  if (p->pidfd > 0) close(p->pidfd);
  *p = (struct run_process){.tid = tid, .tgid = tid};
  p->pidfd = (int)syscall(SYS_pidfd_open, tid, 0);
  if (p->pidfd < 0) { /* not the leader of its group */
    p->tgid = group_of(tid);
    p->pidfd = p->tgid > 0 ? (int)syscall(SYS_pidfd_open, p->tgid, 0) : -1;
  }
  if (p->pidfd >= 0) return 0;
  *p = (struct run_process){0};
  return ESRCH;
}

int run_getfd(struct run *run, pid_t tid, int fd)
{
  struct run_process *p = &run->process[(unsigned)tid % RUN_PROCESSES];
  bool known = p->tid == tid && p->pidfd > 0 && still_there(p);
  for (;;) {
    if (!known && open_process(p, tid) != 0) return -ESRCH;
    int dup = (int)syscall(SYS_pidfd_getfd, p->pidfd, fd, 0);
    if (dup >= 0) return dup;
    if (errno != ESRCH || !known) return -errno;
    known = false; /* the number belongs to somebody else by now */
  }
}

pid_t run_process_of(struct run *run, pid_t tid)
{
  struct run_process *p = &run->process[(unsigned)tid % RUN_PROCESSES];
  bool known = p->tid == tid && p->pidfd > 0 && still_there(p);
  return known || open_process(p, tid) == 0 ? p->tgid : tid;
}

void run_processes_close(struct run *run)
{
  for (unsigned i = 0; i < RUN_PROCESSES; i++)
    if (run->process[i].pidfd > 0) close(run->process[i].pidfd);
}

uint64_t run_ino(int fd)
{
  struct stat st;
  return fd >= 0 && fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) ? st.st_ino : 0;
}

/* Calls fn for every process of the system until it returns true. */
static void each_process(bool (*fn)(void *ctx, pid_t pid), void *ctx)
{
  DIR *d = opendir("/proc");
  if (d == NULL) return;
  for (const struct dirent *e; (e = readdir(d)) != NULL;) {
    if (isdigit((unsigned char)e->d_name[0]) && fn(ctx, (pid_t)strtol(e->d_name, NULL, 10))) break;
  }
  closedir(d);
}

struct search {
  struct run *run;
  uint64_t ino;
  char link[48];
  int fd;
};

static bool look_in(void *ctx, pid_t pid)
{
  struct search *s = ctx;
  char path[64], target[64];
  snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
  DIR *d = pid != getpid() ? opendir(path) : NULL;
  if (d == NULL) return false;
  for (const struct dirent *e; s->fd < 0 && (e = readdir(d)) != NULL;) {
    ssize_t n = readlinkat(dirfd(d), e->d_name, target, sizeof target - 1);
    if (n < 0) continue;
    target[n] = '\0';
    if (strcmp(target, s->link) != 0) continue;
    s->fd = run_getfd(s->run, pid, (int)strtol(e->d_name, NULL, 10));
    if (s->fd >= 0 && run_ino(s->fd) != s->ino) {
      close(s->fd);
      s->fd = -1;
    }
  }
  closedir(d);
  return s->fd >= 0;
}

int run_find_fd(struct run *run, const struct run_socket *socket)
{
  int fd = socket->pid > 0 ? run_getfd(run, socket->pid, socket->fd) : -1;
  if (fd >= 0 && run_ino(fd) == socket->ino) return fd;
  if (fd >= 0) close(fd);
  struct search s = {.run = run, .ino = socket->ino, .fd = -1};
  snprintf(s.link, sizeof s.link, "socket:[%llu]", (unsigned long long)socket->ino);
  each_process(look_in, &s);
  return s.fd;
}

static pid_t parent_of(pid_t pid)
{
  char path[64], text[512];
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  FILE *f = fopen(path, "re");
  if (f == NULL) return 0;
  size_t n = fread(text, 1, sizeof text - 1, f);
  fclose(f);
  text[n] = '\0';
  const char *end = strrchr(text, ')'); /* the name may hold anything */
  if (end == NULL || strlen(end) < 5 || end[2] == 'Z') return 0;
  return (pid_t)strtol(end + 4, NULL, 10);
}

struct killing {
  const struct run *run;
  int number;
  size_t count;
};

static bool is_ours(const struct run *run, pid_t pid)
{
  for (unsigned depth = 0; pid > 1 && depth < 64; depth++) {
    if (pid == run->lab_pid) return false;
    pid = parent_of(pid);
    if (pid == getpid()) return true;
  }
  return false;
}

static bool kill_one(void *ctx, pid_t pid)
{
  struct killing *k = ctx;
  if (!is_ours(k->run, pid)) return false;
  k->count++;
  if (k->number != 0) (void)kill(pid, k->number);
  return false;
}

size_t run_kill_all(const struct run *run, int number)
{
  struct killing k = {run, number, 0};
  each_process(kill_one, &k);
  return k.count;
}
