/* From fork to exec: what becomes of a process before it is the program.
 *
 * Its inherited INET sockets are closed. It gets an empty network namespace (root directly, others inside a user namespace of their own where they are who
 * they were) and a mount namespace in which /etc/hosts knows the lab's hosts. Then no new privileges, then the filter. The descriptor of the
 * filter's notifications can not be sent, since sending is what the filter stops; so its number is written to a pipe, and the supervisor takes it. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lab/interface.h"
#include "lab/run.h"

static _Noreturn void die(const char *what, const char *name)
{
  fprintf(stderr, "yeon: %s%s%s: %s\n", what, name[0] != '\0' ? " " : "", name, strerror(errno));
  _exit(errno == ENOENT ? 127 : 126);
}

/* Descriptors that reach the machine's network, or others than AF_UNIX ones that could. */
static void close_inherited(void)
{
  DIR *d = opendir("/proc/self/fd");
  if (d == NULL) die("can not look at", "/proc/self/fd");
  for (const struct dirent *e; (e = readdir(d)) != NULL;) {
    int fd = (int)strtol(e->d_name, NULL, 10), domain;
    socklen_t len = sizeof domain;
    if (e->d_name[0] == '.' || fd == dirfd(d)) continue;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain != AF_UNIX) close(fd);
  }
  closedir(d);
}

static bool write_file(const char *path, const char *text)
{
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  bool ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
  close(fd);
  return ok;
}

/* Whom we were, we are: nobody else is mapped. */
static bool map_ids(uid_t uid, gid_t gid)
{
  char line[64];
  if (!write_file("/proc/self/setgroups", "deny")) return false;
  snprintf(line, sizeof line, "%u %u 1", (unsigned)uid, (unsigned)uid);
  if (!write_file("/proc/self/uid_map", line)) return false;
  snprintf(line, sizeof line, "%u %u 1", (unsigned)gid, (unsigned)gid);
  return write_file("/proc/self/gid_map", line);
}

static bool enter_namespaces(void)
{
  uid_t uid = getuid();
  gid_t gid = getgid();
  if (geteuid() == 0 && unshare(CLONE_NEWNET | CLONE_NEWNS) == 0) return true;
  return unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS) == 0 && map_ids(uid, gid);
}

static void name_hosts(const char *path)
{
  if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 || mount(path, "/etc/hosts", NULL, MS_BIND, NULL) != 0)
    fprintf(stderr, "yeon: the lab's host names are not known to the program: %s\n", strerror(errno));
}

/* lo of the program's own namespace shows its host's addresses, for who asks which there are (getifaddrs; getaddrinfo with AI_ADDRCONFIG). It stays
 * down: nothing can be sent by it. */
static void show_addresses(const char *hosts_path, const char *host)
{
  char line[128], text[64], name[64];
  struct yeon_ip ip;
  FILE *f = fopen(hosts_path, "re");
  for (unsigned i = 1; f != NULL && fgets(line, sizeof line, f) != NULL;) {
    char interface[16] = "lo";
    if (sscanf(line, "%63s %63s", text, name) != 2 || strcmp(name, host) != 0 || yeon_ip_parse(text, &ip) != 0) continue;
    bool four = yeon_ip_is4(&ip);
    if (four) snprintf(interface, sizeof interface, "lo:%u", i++);
    (void)lab_interface_address(interface, &ip, four ? 32 : 128); /* a kernel without IPv6 has none to show */
  }
  if (f != NULL) fclose(f);
}

static void enter_network(const struct run_child *c)
{
  if (enter_namespaces()) {
    show_addresses(c->hosts_path, c->host);
    name_hosts(c->hosts_path);
  } else if (c->wall) {
    die("no network namespace is to be had here", "");
  } else {
    fprintf(stderr, "yeon: no network namespace is to be had here (%s): the filter alone keeps the program in\n", strerror(errno));
  }
}

/* Standard input and output are the last program's, as the status is: what the others say goes to standard error. */
static void set_aside(void)
{
  int fd = open("/dev/null", O_RDONLY);
  (void)dup2(STDERR_FILENO, STDOUT_FILENO);
  if (fd < 0) return;
  (void)dup2(fd, STDIN_FILENO);
  if (fd > 2) close(fd);
}

static void reset_signals(void)
{
  sigset_t none;
  sigemptyset(&none);
  (void)sigprocmask(SIG_SETMASK, &none, NULL);
  (void)signal(SIGPIPE, SIG_DFL);
}

static void set_preload(const char *path)
{
  const char *old = getenv("LD_PRELOAD");
  char both[4096];
  if (path == NULL) return;
  snprintf(both, sizeof both, "%s%s%s", path, old != NULL && old[0] != '\0' ? ":" : "", old != NULL ? old : "");
  (void)setenv("LD_PRELOAD", both, 1);
}

/* The file that execvp will find. */
static bool find_program(const char *name, char path[PATH_MAX])
{
  const char *dirs = getenv("PATH");
  if (strchr(name, '/') != NULL) return snprintf(path, PATH_MAX, "%s", name) < PATH_MAX;
  while (dirs != NULL && *dirs != '\0') {
    size_t n = strcspn(dirs, ":");
    if (snprintf(path, PATH_MAX, "%.*s/%s", (int)n, dirs, name) < PATH_MAX && access(path, X_OK) == 0) return true;
    dirs += n + (dirs[n] == ':');
  }
  return false;
}

/* The kernel passes over such rights in silence where the filter is, and the program says something that nobody understands. */
static void tell_powerless(const char *name)
{
  char path[PATH_MAX];
  struct stat st;
  if (geteuid() == 0 || !find_program(name, path) || stat(path, &st) != 0) return;
  bool set = (st.st_mode & S_ISUID) != 0 && st.st_uid != geteuid();
  set |= (st.st_mode & S_ISGID) != 0 && (st.st_mode & S_IXGRP) != 0 && st.st_gid != getegid();
  set |= getxattr(path, "security.capability", NULL, 0) > 0;
  if (set) fprintf(stderr, "yeon: %s is setuid or has capabilities, which no program gains in a lab; if it needs them, start yeon as root\n", path);
}

_Noreturn void run_child(const struct run_child *c)
{
  char go;
  (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* without its supervisor every call would fail */
  close_inherited();
  tell_powerless(c->argv[0]); /* outside of a user namespace, where all other owners look the same */
  enter_network(c);
  if (!c->last) set_aside();
  set_preload(c->preload);
  reset_signals();
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) die("no_new_privs", "");
  int fd = run_filter_load();
  if (fd < 0) {
    errno = -fd;
    die("the system-call filter could not be loaded", "");
  }
  if (write(c->ready, &fd, sizeof fd) != sizeof fd || read(c->go, &go, 1) != 1) _exit(126);
  close(fd);
  execvp(c->argv[0], c->argv);
  die("can not run", c->argv[0]);
}
