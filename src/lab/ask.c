/* A command to a running lab, from outside. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab/lab.h"

static int read_answer(int fd, struct lab_letter *letter, FILE *out)
{
  for (;;) {
    int passed;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (poll(&p, 1, 10000) <= 0) return -1;
    int rc = lab_message_receive(fd, letter, &passed);
    if (passed >= 0) close(passed);
    if (rc == -EAGAIN) continue;
    if (rc != 1) return -1;
    fwrite(letter->payload, 1, letter->head.len, out);
    if (!(letter->head.flags & LAB_MORE)) return letter->head.result;
  }
}

int yeon_lab_ask(const char *lab, size_t n_words, char *const *words, FILE *out)
{
  int fd = lab_connect(lab != NULL ? lab : "default");
  if (fd < 0) {
    errno = -fd;
    return -1;
  }
  struct lab_letter *letter = calloc(1, sizeof *letter);
  struct lab_message head = {.kind = LAB_COMMAND, .id = 1};
  int status = -1;
  for (size_t i = 0; letter != NULL && i < n_words; i++) {
    size_t n = strlen(words[i]) + 1;
    if (head.len + n > LAB_PAYLOAD) break;
    memcpy(letter->payload + head.len, words[i], n);
    head.len += (uint32_t)n;
  }
  if (letter != NULL && lab_message_send(fd, &head, letter->payload, -1) == 0) status = read_answer(fd, letter, out);
  free(letter);
  close(fd);
  return status;
}
