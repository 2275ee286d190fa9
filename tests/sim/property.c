/* The property simulation: thousands of small worlds, each drawn from its seed, each of which must keep what TCP promises: every byte arrives
 * once and in order, or both ends get an error; the end of a stream comes after all of it; every run ends; no state and no memory stay
 * behind. Some seeds run twice (other memory, other filling: the same frames), some go back to a snapshot of themselves half-way and must
 * take the same course again. Prints TAP, one line per thousand seeds; a seed that fails is printed with the command that replays it. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "world.h"

#define BLOCK 1000
#define HANG_SECONDS 60 /* on one seed */
#define SEEN_ALL 20000  /* after so many seeds, everything must have happened */

struct settings {
  uint64_t first, seeds;
  double minutes;    /* 0: no limit */
  unsigned failures; /* after so many, enough is known */
  bool verbose, one;
};

struct outcome {
  char failure[400];
  uint64_t hash, frames, rounds;
  yeon_time end;
};

/* For the handlers of signals, which can be told nothing. */
static volatile uint64_t seed_running;

void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void write_text(const char *text)
{
  ssize_t written = write(STDOUT_FILENO, text, strlen(text));
  (void)written;
}

static void name_seed(const char *what)
{
  char digits[24] = "";
  char *p = digits + sizeof digits - 1;
  for (uint64_t n = seed_running; n > 0 || p == digits + sizeof digits - 1; n /= 10) *--p = (char)('0' + n % 10);
  write_text("not ok - seed ");
  write_text(p);
  write_text(what);
  write_text("\n# replay: build/tests/sim/property -v --seed ");
  write_text(p);
  write_text("\n");
}

static void on_death(void) { name_seed(": stopped by a sanitizer"); }

static void on_signal(int number)
{
  signal(number, SIG_DFL);
  name_seed(number == SIGABRT ? ": an assertion failed, or memory was misused" : ": crashed");
  raise(number);
}

static void on_alarm(int number)
{
  static volatile uint64_t before = UINT64_MAX;
  (void)number;
  if (seed_running == before) {
    name_seed(": does not come back from a call");
    _exit(1);
  }
  before = seed_running;
  alarm(HANG_SECONDS);
}

static void watch(int number, void (*handler)(int))
{
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
  sigaction(number, &action, NULL);
}

static void watch_signals(void)
{
  watch(SIGABRT, on_signal);
  watch(SIGALRM, on_alarm);
  alarm(HANG_SECONDS);
  if (__sanitizer_set_death_callback != NULL) {
    __sanitizer_set_death_callback(on_death);
    return;
  }
  watch(SIGSEGV, on_signal);
  watch(SIGBUS, on_signal);
  watch(SIGFPE, on_signal);
}

static struct outcome outcome_of(const struct world *w)
{
  struct outcome o = {.hash = w->hash,
                      .frames = w->frames,
                      .rounds = yeon_sim_rounds(w->sim),
                      .end = yeon_sim_now(w->sim)};
  memcpy(o.failure, w->failure, sizeof o.failure);
  return o;
}

static void run_on(struct world *w)
{
  while (world_step(w)) {
  }
  if (w->failure[0] == '\0') judge(w);
}

static void compare(struct outcome *first, const struct outcome *again, const char *what)
{
  if (first->failure[0] != '\0') return;
  if (again->failure[0] != '\0')
    snprintf(first->failure, sizeof first->failure, "%s: %.300s", what, again->failure);
  else if (first->hash != again->hash || first->frames != again->frames || first->end != again->end ||
           first->rounds != again->rounds)
    snprintf(first->failure, sizeof first->failure,
             "%s: other frames (%llu in %llu rounds until %.6f, then %llu in %llu until %.6f)", what,
             (unsigned long long)first->frames, (unsigned long long)first->rounds, (double)first->end / 1e9,
             (unsigned long long)again->frames, (unsigned long long)again->rounds, (double)again->end / 1e9);
}

/* Runs on from here twice: once now, once after going back. */
static struct outcome run_from_snapshot(struct world *w, struct arena *arena)
{
  void *copy = arena_save(arena);
  run_on(w);
  struct outcome first = outcome_of(w);
  arena_restore(arena, copy);
  free(copy);
  if (w->verbose) printf("# again from the snapshot\n");
  run_on(w);
  struct outcome again = outcome_of(w);
  compare(&first, &again, "after going back to a snapshot");
  return first;
}

static struct outcome run_once(const struct plan *plan, struct arena *arena, struct tally *tally, bool region,
                               bool verbose)
{
  struct world *w = world_new(plan, arena, verbose);
  struct outcome o = {.failure = ""};
  if (w->sim == NULL) {
    snprintf(o.failure, sizeof o.failure, "no universe");
    return o;
  }
  bool whole = region && plan->snapshot_round > 0;
  while (whole && yeon_sim_rounds(w->sim) < plan->snapshot_round) whole = world_step(w);
  if (whole) {
    o = run_from_snapshot(w, arena);
    tally->snapshots++;
  } else {
    run_on(w);
    o = outcome_of(w);
  }
  tally_world(tally, w);
  world_free(w);
  if (o.failure[0] == '\0' && arena_live_blocks(arena) > 0)
    snprintf(o.failure, sizeof o.failure, "%llu bytes in %llu blocks were never given back",
             (unsigned long long)arena_live_bytes(arena), (unsigned long long)arena_live_blocks(arena));
  return o;
}

static struct outcome run_in(const struct plan *plan, struct tally *tally, struct arena *region, uint8_t pattern,
                             bool verbose)
{
  struct arena *arena = region;
  if (region != NULL)
    arena_reset(region, pattern);
  else
    arena = arena_new(false, pattern);
  struct outcome o = run_once(plan, arena, tally, region != NULL, verbose);
  if (region == NULL) arena_free(arena);
  return o;
}

/* True: it kept its promises. */
static bool run_seed(uint64_t seed, struct tally *tally, struct arena *region, bool verbose)
{
  struct plan plan;
  seed_running = seed;
  plan_make(&plan, seed);
  if (verbose) plan_print(&plan);
  bool in_region = plan.snapshot_round > 0 || seed % 2 == 0;
  struct outcome o = run_in(&plan, tally, in_region ? region : NULL, 0xa5, verbose);
  if (plan.twice && o.failure[0] == '\0') {
    struct tally ignored = {0};
    struct outcome again = run_in(&plan, &ignored, in_region ? NULL : region, 0x5a, false);
    compare(&o, &again, "run twice");
    tally->twice++;
  }
  if (verbose)
    printf("# %llu frames, %llu rounds, until %.6f\n", (unsigned long long)o.frames, (unsigned long long)o.rounds,
           (double)o.end / 1e9);
  if (o.failure[0] == '\0') return true;
  printf("# seed %llu: %s\n# replay: build/tests/sim/property -v --seed %llu\n", (unsigned long long)seed, o.failure,
         (unsigned long long)seed);
  return false;
}

static double seconds(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* clang-format off */
#define TALLY(X)                                                                                                       \
  X(worlds)                                                                                                            \
  X(calm)                                                                                                              \
  X(conns) X(whole) X(aborted) X(reset) X(timed_out) X(refused) X(unreachable) X(other_errors) X(simultaneous)         \
      X(half_closed) X(reused_ports) X(bytes) X(frames) X(datagrams) X(datagrams_received) X(snapshots) X(twice)       \
          X(famine) X(cut) X(attacks) X(small_tables) X(loops) X(smooth) X(prompt) X(taken)
/* clang-format on */

/* Prints what happened; true if all kinds of things did. */
static bool print_tally(const struct tally *t, double took)
{
  bool all = true;
  printf("#");
#define PRINT(name)                                                                                                    \
  printf(" " #name " %llu", (unsigned long long)t->name);                                                              \
  if (t->name == 0) all = false;
  TALLY(PRINT)
#undef PRINT
  printf("\n# %llu seeds in %.1f s: %.0f a second\n", (unsigned long long)t->worlds, took, (double)t->worlds / took);
  return all;
}

static bool number_argument(const char *text, double most, double *out)
{
  char *end;
  errno = 0;
  *out = strtod(text, &end);
  return end != text && *end == '\0' && errno == 0 && *out >= 0 && *out <= most;
}

static int usage(const char *why)
{
  fprintf(
      stderr,
      "%s\nusage: property [--seeds N] [--first N] [--minutes M] [--failures N] [-v]\n       property --seed N [-v]\n"
      "  --seeds N    run N seeds (100000; with --minutes: as many as there is time for)\n  --first N    from seed N "
      "on (1)\n"
      "  --minutes M  stop after M minutes\n  --failures N go on until so many seeds have failed (10)\n  --seed N     "
      "run this one only\n  -v           print the plan and every event\n",
      why);
  return 2;
}

static int parse_arguments(int argc, char **argv, struct settings *s)
{
  bool counted = false;
  for (int i = 1; i < argc; i++) {
    double number = 0;
    if (strcmp(argv[i], "-v") == 0) {
      s->verbose = true;
      continue;
    }
    if (i + 1 == argc || !number_argument(argv[i + 1], 9e15, &number))
      return usage("an option is unknown, or has no number");
    if (strcmp(argv[i], "--seeds") == 0)
      s->seeds = (uint64_t)number, counted = true;
    else if (strcmp(argv[i], "--first") == 0)
      s->first = (uint64_t)number;
    else if (strcmp(argv[i], "--minutes") == 0)
      s->minutes = number;
    else if (strcmp(argv[i], "--failures") == 0)
      s->failures = (unsigned)number;
    else if (strcmp(argv[i], "--seed") == 0)
      s->first = (uint64_t)number, s->one = true;
    else
      return usage("an option is unknown");
    i++;
  }
  if (s->one)
    s->seeds = 1;
  else if (s->minutes > 0 && !counted)
    s->seeds = UINT64_MAX / 2;
  return 0;
}

/* Up to BLOCK seeds as one line of TAP. The number of failures. */
static unsigned run_block(const struct settings *s, uint64_t first, uint64_t count, struct tally *tally,
                          struct arena *region, double until)
{
  unsigned failures = 0;
  uint64_t seed = first;
  for (; seed < first + count && failures < s->failures && (seed == first || seconds() < until); seed++)
    failures += !run_seed(seed, tally, region, s->verbose);
  printf("%s - seeds %llu to %llu\n", failures ? "not ok" : "ok", (unsigned long long)first,
         (unsigned long long)seed - 1);
  fflush(stdout);
  return failures;
}

int main(int argc, char **argv)
{
  struct settings s = {.first = 1, .seeds = 100000, .failures = 10};
  int wrong = parse_arguments(argc, argv, &s);
  if (wrong) return wrong;
  watch_signals();
  struct arena *region = arena_new(true, 0xa5);
  struct tally tally = {0};
  double start = seconds(), until = s.minutes > 0 ? start + s.minutes * 60 : 1e18;
  unsigned failures = 0, tests = 0;
  bool progress = isatty(STDERR_FILENO) && !s.one;
  for (uint64_t done = 0; done < s.seeds && failures < s.failures && (done == 0 || seconds() < until); done += BLOCK) {
    uint64_t left = s.seeds - done;
    failures += run_block(&s, s.first + done, left < BLOCK ? left : BLOCK, &tally, region, until);
    tests++;
    if (progress)
      fprintf(stderr, "\r%llu seeds, %.0f a second ", (unsigned long long)tally.worlds,
              (double)tally.worlds / (seconds() - start));
  }
  if (progress) fprintf(stderr, "\n");
  bool all = print_tally(&tally, seconds() - start);
  if (tally.worlds >= SEEN_ALL) {
    printf("%s - everything that should happen did\n", all ? "ok" : "not ok");
    tests++;
    failures += !all;
  }
  printf("1..%u\n", tests);
  arena_free(region);
  return failures > 0;
}
