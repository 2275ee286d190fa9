/* Commands that are done later: each is kept as its words beside a timer of the loop. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "lab/command.h"

struct later {
  uv_timer_t timer;
  struct lab *lab;
  size_t len;
  char words[];
};

static void free_later(uv_handle_t *handle) { free(handle->data); }

static void do_later(uv_timer_t *timer)
{
  struct later *l = timer->data;
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  if (out != NULL) {
    int status = lab_command(l->lab, l->words, l->len, out);
    fclose(out);
    if (status != 0) lab_log(l->lab, "a scheduled command failed: %s", text);
    free(text);
  }
  uv_close((uv_handle_t *)timer, free_later);
}

static void append(struct later *l, const char *word)
{
  size_t n = strlen(word) + 1;
  memcpy(l->words + l->len, word, n);
  l->len += n;
}

int command_later(struct command *c, yeon_time delay, const char *const *front, size_t n_front)
{
  size_t len = 0;
  for (size_t i = 0; i < n_front; i++) len += strlen(front[i]) + 1;
  for (size_t i = c->at; i < c->n_words; i++) len += strlen(c->words[i]) + 1;
  struct later *l = calloc(1, sizeof *l + len);
  if (l == NULL) return command_fail(c, "%s", "out of memory");
  for (size_t i = 0; i < n_front; i++) append(l, front[i]);
  while (command_peek(c) != NULL) append(l, command_next(c));
  l->lab = c->lab;
  uv_timer_init(&c->lab->loop, &l->timer);
  l->timer.data = l;
  uv_update_time(&c->lab->loop);
  uv_timer_start(&l->timer, do_later, (uint64_t)(delay / YEON_MS), 0);
  return 0;
}

int command_in(struct command *c)
{
  yeon_time delay;
  const char *word = command_next(c);
  if (word == NULL || !command_time(word, &delay)) return command_fail(c, "in TIME COMMAND ...: '%s' is no time", word != NULL ? word : "");
  if (command_peek(c) == NULL) return command_fail(c, "in %s: what?", word);
  return command_later(c, delay, NULL, 0);
}
