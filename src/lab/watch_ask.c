/* Watching a lab from outside: `yeon capture`, and what `yeon run --ladder` and its like ask for. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <yeon/watch.h>

#include "lab/watch_ask.h"

#define PATIENCE_MS 10000
#define STOP_ID 1u /* requests to watch have 0 */

int lab_watch_file(const char *path)
{
  if (strcmp(path, "-") == 0) return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  if (strcmp(path, "/dev/stderr") == 0) return fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0644);
}

static size_t add_word(char *words, size_t at, const char *word)
{
  size_t n = strlen(word) + 1;
  if (at + n > LAB_WATCH_WORDS) return at;
  memcpy(words + at, word, n);
  return at + n;
}

size_t lab_watch_ladder(char words[LAB_WATCH_WORDS], unsigned flags, unsigned width)
{
  char columns[16];
  size_t at = add_word(words, 0, "ladder");
  if (flags & YEON_LADDER_COLOUR) at = add_word(words, at, "colour");
  if (flags & YEON_LADDER_UTF8) at = add_word(words, at, "utf8");
  if (flags & YEON_LADDER_ALL) at = add_word(words, at, "all");
  if (flags & YEON_LADDER_ABSOLUTE) at = add_word(words, at, "absolute");
  snprintf(columns, sizeof columns, "%u", width > 0 ? width : 80);
  at = add_word(words, at, "width");
  return add_word(words, at, columns);
}

/* The next word of the lab on a watch or a command: its result. begun: whether it is about the beginning. -1: it says nothing any more. */
static int hear(int lab_fd, uint32_t kind, struct lab_letter *letter, bool *begun)
{
  for (;;) {
    struct pollfd p = {.fd = lab_fd, .events = POLLIN};
    int fd;
    if (poll(&p, 1, PATIENCE_MS) <= 0) return -1;
    int rc = lab_message_receive(lab_fd, letter, &fd);
    if (fd >= 0) close(fd);
    if (rc == -EAGAIN) continue;
    if (rc != 1) return -1;
    if (letter->head.kind != kind) continue;
    *begun = letter->head.arg[0] != 0;
    return letter->head.result;
  }
}

static void tell(const struct lab_letter *letter)
{
  fprintf(stderr, "yeon: %.*s%s", (int)letter->head.len, (const char *)letter->payload,
          letter->head.len > 0 && letter->payload[letter->head.len - 1] == '\n' ? "" : "\n");
}

int lab_watch_begin(int lab_fd, const char *words, size_t len, const char *path, struct lab_letter *letter)
{
  int fd = lab_watch_file(path);
  bool begun;
  if (fd < 0) {
    fprintf(stderr, "yeon: '%s' cannot be written: %s\n", path, strerror(errno));
    return 2;
  }
  struct lab_message head = {.kind = LAB_WATCH, .len = (uint32_t)len};
  int rc = lab_message_send(lab_fd, &head, words, fd);
  close(fd);
  if (rc == 0) rc = hear(lab_fd, LAB_WATCH, letter, &begun);
  if (rc == 0) return 0;
  if (rc > 0) tell(letter);
  else fprintf(stderr, "yeon: the lab does not answer\n");
  return 2;
}

int lab_watch_cable(int lab_fd, const char *text, struct lab_letter *letter)
{
  char words[LAB_WATCH_WORDS], copy[LAB_WATCH_WORDS], *rest = NULL;
  bool begun;
  snprintf(copy, sizeof copy, "%s", text);
  size_t len = add_word(words, 0, "cable");
  for (char *w = strtok_r(copy, " ", &rest); w != NULL; w = strtok_r(NULL, " ", &rest)) len = add_word(words, len, w);
  struct lab_message head = {.kind = LAB_COMMAND, .len = (uint32_t)len};
  int rc = lab_message_send(lab_fd, &head, words, -1);
  if (rc == 0) rc = hear(lab_fd, LAB_COMMAND, letter, &begun);
  if (rc > 0) tell(letter);
  return rc == 0 ? 0 : 2;
}

void lab_watch_stop(int lab_fd, struct lab_letter *letter)
{
  struct lab_message head = {.kind = LAB_WATCH, .id = STOP_ID};
  bool begun;
  if (lab_message_send(lab_fd, &head, NULL, -1) != 0) return;
  /* one answer for each that ends, then ours */
  do {
    int rc = hear(lab_fd, LAB_WATCH, letter, &begun);
    if (rc < 0) return;
    if (rc > 0) tell(letter);
  } while (letter->head.id != STOP_ID);
}

/* Until the lab says that it is over, or somebody stops us. */
static int wait_end(int lab_fd, int signal_fd, struct lab_letter *letter)
{
  struct lab_message stop = {.kind = LAB_WATCH, .id = STOP_ID};
  bool begun;
  for (;;) {
    struct pollfd p[2] = {{.fd = lab_fd, .events = POLLIN}, {.fd = signal_fd, .events = POLLIN}};
    if (poll(p, 2, -1) < 0 && errno != EINTR) return 2;
    if (p[1].revents != 0 && lab_message_send(lab_fd, &stop, NULL, -1) == 0) signal_fd = -1;
    if (p[0].revents == 0) continue;
    int rc = hear(lab_fd, LAB_WATCH, letter, &begun);
    if (rc >= 0 && letter->head.id == STOP_ID) continue;
    if (rc < 0) fprintf(stderr, "yeon: the lab has ended\n");
    if (rc >= 0) tell(letter);
    return rc < 0 ? 2 : rc;
  }
}

static int catch_signals(void)
{
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGHUP);
  (void)sigprocmask(SIG_BLOCK, &set, NULL);
  return signalfd(-1, &set, SFD_CLOEXEC);
}

int yeon_lab_capture(const char *lab, const char *path, const char *count, const char *length)
{
  char words[LAB_WATCH_WORDS];
  size_t len = add_word(words, 0, "capture");
  if (count != NULL) len = add_word(words, add_word(words, len, "count"), count);
  if (length != NULL) len = add_word(words, add_word(words, len, "for"), length);
  int fd = lab_connect(lab != NULL ? lab : "default");
  if (fd < 0) {
    errno = -fd;
    return -1;
  }
  struct lab_letter *letter = calloc(1, sizeof *letter);
  int signal_fd = catch_signals();
  int status = letter != NULL ? lab_watch_begin(fd, words, len, path, letter) : 2;
  if (status == 0) status = wait_end(fd, signal_fd, letter);
  free(letter);
  if (signal_fd >= 0) close(signal_fd);
  close(fd);
  return status;
}
