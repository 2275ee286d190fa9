/* Commands that are done later: each is kept as its words beside a timer of the loop. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "lab/command.h"

struct lab_later {
  uv_timer_t timer;
  struct lab *lab;
  struct lab_later *next;
  yeon_time at;
  size_t len;
  char words[];
};

static void free_later(uv_handle_t *handle) { free(handle->data); }

static void leave(struct lab_later *l)
{
  for (struct lab_later **p = &l->lab->later; *p != NULL; p = &(*p)->next) {
    if (*p != l) continue;
    *p = l->next;
    break;
  }
  uv_close((uv_handle_t *)&l->timer, free_later);
}

static void do_later(uv_timer_t *timer)
{
  struct lab_later *l = timer->data;
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  if (out != NULL) {
    int status = lab_command(l->lab, l->words, l->len, out);
    fclose(out);
    if (status != 0) lab_log(l->lab, "a scheduled command failed: %.*s", (int)strcspn(text, "\n"), text);
    free(text);
  }
  leave(l);
}

void lab_later_drop(struct lab *lab)
{
  while (lab->later != NULL) leave(lab->later);
}

void command_later_show(const struct command *c)
{
  for (const struct lab_later *l = c->lab->later; l != NULL; l = l->next) {
    fprintf(c->out, "in %.3f s:", (double)(l->at - lab_now()) / 1e9);
    size_t at = l->len > 12 && memcmp(l->words, "cable\0cable", 12) == 0 ? 6 : 0; /* its name is its kind: once will do */
    for (; at < l->len; at += strlen(l->words + at) + 1) fprintf(c->out, " %s", l->words + at);
    fputc('\n', c->out);
  }
}

static void append(struct lab_later *l, const char *word)
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
  struct lab_later *l = calloc(1, sizeof *l + len);
  if (l == NULL) return command_fail(c, "%s", "out of memory");
  for (size_t i = 0; i < n_front; i++) append(l, front[i]);
  while (command_peek(c) != NULL) append(l, command_next(c));
  l->lab = c->lab;
  l->at = lab_now() + delay;
  struct lab_later **place = &c->lab->later; /* in order of their instants, those of one instant as they came */
  while (*place != NULL && (*place)->at <= l->at) place = &(*place)->next;
  l->next = *place;
  *place = l;
  uv_timer_init(&c->lab->loop, &l->timer);
  l->timer.data = l;
  uv_update_time(&c->lab->loop);
  uv_timer_start(&l->timer, do_later, (uint64_t)((delay + YEON_MS - 1) / YEON_MS), 0);
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
