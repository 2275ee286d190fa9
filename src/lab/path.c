/* Where labs are found: one socket each in a folder of this user's. */
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

static int folder(char *out, size_t size)
{
  const char *runtime = getenv("XDG_RUNTIME_DIR");
  int n = runtime != NULL && runtime[0] == '/' ? snprintf(out, size, "%s/yeon", runtime)
                                               : snprintf(out, size, "/tmp/yeon-%u", (unsigned)getuid());
  return n > 0 && (size_t)n < size ? 0 : ENAMETOOLONG;
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
  char dir[LAB_PATH];
  struct stat st;
  why[0] = '\0';
  if (!sound(name)) {
    snprintf(why, LAB_WHY, "a lab's name has letters, digits, '-', '_' and '.', at most %d of them: not '%.40s'", YEON_LAB_NAME - 1, name);
    return EINVAL;
  }
  int error = folder(dir, sizeof dir);
  if (error == 0 && mkdir(dir, 0700) != 0 && errno != EEXIST) error = errno;
  if (error == 0 && lstat(dir, &st) != 0) error = errno;
  if (error == 0 && (!S_ISDIR(st.st_mode) || st.st_uid != getuid() || (st.st_mode & 077) != 0)) {
    snprintf(why, LAB_WHY, "%s is not a folder that only you may enter; remove it, or set XDG_RUNTIME_DIR", dir);
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

void yeon_lab_each(void (*fn)(void *ctx, const char *name), void *ctx)
{
  char dir[LAB_PATH];
  if (folder(dir, sizeof dir) != 0) return;
  DIR *d = opendir(dir);
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
