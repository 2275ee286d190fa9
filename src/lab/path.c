/* Where labs are found: one socket each in a folder of this user's. Without XDG_RUNTIME_DIR that is /tmp/yeon-UID; where somebody else has that name (root of
 * the machine, seen from a user namespace in which we are called root too) it is /tmp/yeon-UID-1, and so on: the first that is ours or is free. Who
 * looks for a lab goes the same way. */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lab/lab.h"

#define FOLDERS 10 /* names tried in /tmp */

/* The folder number `i`; false: there is no such number, or the name is too long. */
static bool folder(unsigned i, char *out, size_t size)
{
  const char *runtime = getenv("XDG_RUNTIME_DIR");
  char tail[16] = "";
  int n;
  if (i > 0) snprintf(tail, sizeof tail, "-%u", i);
  if (runtime != NULL && runtime[0] == '/') n = i == 0 ? snprintf(out, size, "%s/yeon", runtime) : 0;
  else n = i < FOLDERS ? snprintf(out, size, "/tmp/yeon-%u%s", (unsigned)getuid(), tail) : 0;
  return n > 0 && (size_t)n < size;
}

/* 0: it is there, or made, and only we may enter it; EACCES: it is somebody else's. */
static int take_folder(const char *dir)
{
  struct stat st;
  if (mkdir(dir, 0700) != 0 && errno != EEXIST) return errno;
  if (lstat(dir, &st) != 0) return errno;
  return S_ISDIR(st.st_mode) && st.st_uid == getuid() && (st.st_mode & 077) == 0 ? 0 : EACCES;
}

static bool sound(const char *name)
{
  size_t n = strlen(name);
  if (n == 0 || n >= YEON_LAB_NAME || name[0] == '.') return false;
  for (; *name != '\0'; name++)
    if (!isalnum((unsigned char)*name) && strchr("-_.", *name) == NULL) return false;
  return true;
}

int lab_path(const char *name, char path[LAB_PATH], char why[LAB_WHY])
{
  char dir[LAB_PATH] = "", tried[LAB_PATH] = "";
  int error = EACCES;
  why[0] = '\0';
  if (!sound(name)) {
    snprintf(why, LAB_WHY, "a lab's name has letters, digits, '-', '_' and '.', at most %d of them: not '%.40s'", YEON_LAB_NAME - 1, name);
    return EINVAL;
  }
  if (!folder(0, dir, sizeof dir)) error = ENAMETOOLONG;
  for (unsigned i = 0; error == EACCES && folder(i, dir, sizeof dir); i++) {
    if (i == 0) memcpy(tried, dir, sizeof tried);
    error = take_folder(dir);
  }
  if (error == EACCES) {
    snprintf(why, LAB_WHY, "%s is not a folder that only you may enter; set XDG_RUNTIME_DIR to one that is", tried);
    return EACCES;
  }
  int n = error == 0 ? snprintf(path, LAB_PATH, "%s/%s", dir, name) : 0;
  if (n >= LAB_PATH) error = ENAMETOOLONG;
  if (error != 0) snprintf(why, LAB_WHY, "%s: %s", dir, strerror(error));
  return error;
}

int lab_connect(const char *name)
{
  struct sockaddr_un sa = {.sun_family = AF_UNIX};
  char why[LAB_WHY];
  int error = lab_path(name, sa.sun_path, why);
  if (error != 0) return -error;
  int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  if (connect(fd, (struct sockaddr *)&sa, sizeof sa) == 0) return fd;
  error = errno;
  close(fd);
  return -error;
}

void yeon_lab_tell_missing(const char *name, int error)
{
  char path[LAB_PATH], why[LAB_WHY];
  bool other = name != NULL && strcmp(name, "default") != 0;
  if (name == NULL) name = "default";
  if (lab_path(name, path, why) != 0) fprintf(stderr, "yeon: %s\n", why);
  else if (error == ENOENT || error == ECONNREFUSED)
    fprintf(stderr, "yeon: lab '%s': it does not run. `yeon lab --live%s%s` starts one\n", name, other ? " --name " : "", other ? name : "");
  else fprintf(stderr, "yeon: lab '%s': %s\n", name, strerror(error));
}

void yeon_lab_each(void (*fn)(void *ctx, const char *name), void *ctx)
{
  char path[LAB_PATH], why[LAB_WHY];
  if (lab_path("default", path, why) != 0) return;
  *strrchr(path, '/') = '\0';
  DIR *d = opendir(path);
  if (d == NULL) return;
  for (const struct dirent *e; (e = readdir(d)) != NULL;) {
    if (!sound(e->d_name) || strstr(e->d_name, ".lock") != NULL) continue;
    int fd = lab_connect(e->d_name);
    if (fd < 0) continue;
    close(fd);
    fn(ctx, e->d_name);
  }
  closedir(d);
}
