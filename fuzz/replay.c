/* Plays a fuzz target without libFuzzer.
 *
 *   fuzz-x-replay                  the seeds, then mutations of them, always the same ones
 *   fuzz-x-replay --corpus FILE    also what FILE has, an input a line in hexadecimal (fuzz/corpus/x.hex)
 *   fuzz-x-replay FILE...          these inputs (what libFuzzer left behind, for instance)
 *   fuzz-x-replay --seeds DIR      writes the seeds into DIR, as a first corpus for libFuzzer
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

struct input {
  uint8_t bytes[FUZZ_INPUT_MAX];
  size_t len;
};

static uint32_t draw(uint64_t *state)
{
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return (uint32_t)(*state >> 16);
}

static uint8_t digit(char c) { return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10); }

static void read_seed(const char *text, struct input *in)
{
  in->len = strlen(text) / 2;
  for (size_t i = 0; i < in->len; i++) in->bytes[i] = (uint8_t)(digit(text[2 * i]) << 4 | digit(text[2 * i + 1]));
}

/* In a block of its exact size, so that the sanitizers see a read beyond it. */
static void play(const struct input *in)
{
  uint8_t *copy = malloc(in->len ? in->len : 1);
  if (!copy) abort();
  memcpy(copy, in->bytes, in->len);
  LLVMFuzzerTestOneInput(copy, in->len);
  free(copy);
}

static void mutate(struct input *in, uint64_t *state)
{
  static const uint8_t interesting[] = {0,    1,    2,    4,    5,    6,    8,    0x11, 0x2b,
                                        0x2c, 0x3a, 0x3c, 0x40, 0x60, 0x7f, 0x80, 0xff};
  for (uint32_t n = draw(state) % 6; n > 0 && in->len > 0; n--) {
    size_t at = draw(state) % in->len;
    switch (draw(state) % 4) {
    case 0: in->bytes[at] ^= (uint8_t)(1u << draw(state) % 8); break;
    case 1: in->bytes[at] = (uint8_t)draw(state); break;
    case 2: in->bytes[at] = interesting[draw(state) % sizeof interesting]; break;
    default: in->len = draw(state) % 2 ? at + 1 : in->len; break;
    }
  }
  while (draw(state) % 8 == 0 && in->len < sizeof in->bytes) in->bytes[in->len++] = (uint8_t)draw(state);
}

/* Blank lines and those that begin with # say nothing. */
static bool is_input(char *line)
{
  line[strcspn(line, "\r\n")] = '\0';
  return line[0] != '\0' && line[0] != '#' && strlen(line) / 2 <= FUZZ_INPUT_MAX;
}

/* What was found once is played again; how many, -1: the file cannot be read. */
static int play_corpus(const char *name)
{
  static char line[2 * FUZZ_INPUT_MAX + 16];
  struct input in;
  int n = 0;
  FILE *f = fopen(name, "r");
  if (!f) return -1;
  while (fgets(line, sizeof line, f)) {
    if (!is_input(line)) continue;
    read_seed(line, &in);
    play(&in);
    n++;
  }
  fclose(f);
  return n;
}

static void play_mutations(size_t seeds)
{
  uint64_t state = 0x59454f4eu;
  struct input in;
  for (unsigned i = 0; i < fuzz_mutations; i++) {
    read_seed(fuzz_seeds[draw(&state) % seeds], &in);
    mutate(&in, &state);
    play(&in);
  }
}

static int play_all(const char *corpus)
{
  struct input in;
  size_t seeds = 0;
  printf("1..%d\n", corpus ? 3 : 2);
  for (; fuzz_seeds[seeds]; seeds++) {
    read_seed(fuzz_seeds[seeds], &in);
    play(&in);
  }
  printf("ok 1 - %zu seeds\n", seeds);
  play_mutations(seeds);
  printf("ok 2 - %u mutations\n", fuzz_mutations);
  int n = corpus ? play_corpus(corpus) : 1;
  if (corpus) printf("%sok 3 - %d inputs of the corpus\n", n > 0 ? "" : "not ", n);
  return n > 0 ? 0 : 1;
}

static int play_file(const char *name)
{
  struct input in;
  FILE *f = fopen(name, "rb");
  if (!f) {
    perror(name);
    return 1;
  }
  in.len = fread(in.bytes, 1, sizeof in.bytes, f);
  fclose(f);
  play(&in);
  return 0;
}

static int write_seeds(const char *dir)
{
  for (size_t i = 0; fuzz_seeds[i]; i++) {
    struct input in;
    char name[4096];
    read_seed(fuzz_seeds[i], &in);
    snprintf(name, sizeof name, "%s/seed-%zu", dir, i);
    FILE *f = fopen(name, "wb");
    if (!f || fwrite(in.bytes, 1, in.len, f) != in.len || fclose(f) != 0) {
      perror(name);
      return 1;
    }
  }
  return 0;
}

int main(int argc, char **argv)
{
  int failed = 0;
  if (argc == 3 && strcmp(argv[1], "--seeds") == 0) return write_seeds(argv[2]);
  if (argc == 3 && strcmp(argv[1], "--corpus") == 0) return play_all(argv[2]);
  if (argc == 1) return play_all(NULL);
  for (int i = 1; i < argc; i++) failed |= play_file(argv[i]);
  return failed;
}
