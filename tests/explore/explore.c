/* The command: visits the worlds, prints what was visited, and on a violation the steps that led to it and the command that takes them again. */
#define _POSIX_C_SOURCE 200809L
#include "explore.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct options {
  const char *budget; /* NULL: each world's own */
  uint64_t states;
  double seconds;
  const char *world, *replay; /* NULL: all; none */
  unsigned jobs, finish_every, audit_every;
  bool tap, list, pairs, few;
};

static const struct plan *visiting;
static bool replaying, dumping;

static bool is_possible(struct world *w, uint16_t step)
{
  uint16_t steps[STEPS_MOST];
  unsigned n = steps_possible(w, steps);
  for (unsigned i = 0; i < n; i++)
    if (steps[i] == step) return true;
  return step >> 8 == STEP_FINISH;
}

static void print_steps(const struct rules *rules, const uint16_t *steps, unsigned n, bool loud)
{
  struct world *w = world_new(rules, loud);
  char text[300];
  for (unsigned i = 0; i < n; i++) {
    if (!is_possible(w, steps[i])) {
      printf("# %3u  %x is not possible here\n", i + 1, steps[i]);
      break;
    }
    printf("# %3u  %s\n", i + 1, step_describe(w, steps[i], text, sizeof text));
    fflush(stdout);
    if (i + 1 == n && !replaying) break; /* it may be the one that ends the program */
    step_take(w, steps[i]);
    bool over = steps[i] >> 8 == STEP_FINISH;
    if (w->violation[0] == '\0' && !over) check_state(w);
    if (w->violation[0] != '\0') printf("#      violation: %s\n", w->violation);
    w->violation[0] = '\0';
    if (over) break;
  }
  if (dumping) describe_print(w);
  world_free(w);
}

static void print_replay(const struct rules *rules, const uint16_t *steps, unsigned n)
{
  printf("# replay: explore --world %s --replay ", rules->name);
  for (unsigned i = 0; i < n; i++) printf("%s%x", i == 0 ? "" : ",", steps[i]);
  printf("%s\n", n == 0 ? "none" : "");
  fflush(stdout);
}

static void print_violation(const struct rules *rules, const char *what, const uint16_t *steps, unsigned n)
{
  printf("# violation in world '%s' after %u steps: %s\n", rules->name, n, what);
  print_steps(rules, steps, n, false);
  print_replay(rules, steps, n);
}

static void on_abort(int number)
{
  uint16_t steps[256];
  signal(SIGABRT, SIG_DFL);
  signal(SIGSEGV, SIG_DFL);
  if (replaying || visiting == NULL) raise(number);
  unsigned n = search_trace(steps, 256);
  print_violation(visiting->rules, number == SIGABRT ? "an assertion failed, or memory was misused" : "crashed", steps,
                  n);
  _exit(1);
}

static void print_pairs(const struct outcome *o)
{
  for (unsigned a = 0; a < YEON_TCP_STATES; a++)
    for (unsigned b = 0; b < YEON_TCP_STATES; b++)
      if (o->pairs[a][b] > 0)
        printf("#   %-12s %-12s %12llu\n", yeon_tcp_state_name((enum yeon_tcp_state)a),
               yeon_tcp_state_name((enum yeon_tcp_state)b), (unsigned long long)o->pairs[a][b]);
}

static void print_outcome(const struct options *opt, const struct rules *rules, const struct outcome *o)
{
  bool ok = o->violation[0] == '\0';
  if (!ok) print_violation(rules, o->violation, o->trace, o->n_trace);
  if (o->n_other > 0) print_replay(rules, o->other, o->n_other);
  printf("# %-9s %10llu states (%llu without the budgets), depth %u, %llu steps, %llu dead ends, %llu played to the "
         "end, %.1f s, %.0f states/s; %s\n",
         rules->name, (unsigned long long)o->states, (unsigned long long)o->bare, o->depth,
         (unsigned long long)o->steps, (unsigned long long)o->dead_ends, (unsigned long long)o->finished, o->seconds,
         (double)o->states / (o->seconds > 0 ? o->seconds : 1), o->complete ? "visited whole" : "stopped");
  if (o->audited > 0)
    printf("# %-9s %llu pairs of equal states compared\n", rules->name, (unsigned long long)o->audited);
  if (opt->pairs) print_pairs(o);
}

/* One world, in a process of its own: what it found comes back through a pipe. */
struct visit {
  const struct rules *rules;
  pid_t pid;
  int out;
  struct outcome outcome;
  bool ok, done;
};

static uint64_t share_of(const struct options *opt, const struct rules *rules)
{
  uint64_t sum = 0;
  for (unsigned i = 0; i < n_rules; i++) sum += all_rules[i].share;
  return opt->world != NULL ? opt->states : opt->states * rules->share / sum + 1;
}

static void visit_here(const struct options *opt, const struct rules *rules, int out)
{
  static struct rules changed;
  changed = *rules;
  if (opt->few) changed.most = changed.few;
  rules = &changed;
  if (opt->budget != NULL) {
    unsigned n[6];
    if (sscanf(opt->budget, "%u,%u,%u,%u,%u,%u", &n[0], &n[1], &n[2], &n[3], &n[4], &n[5]) == 6)
      changed.most =
          (struct budget){(uint8_t)n[0], (uint8_t)n[1], (uint8_t)n[2], (uint8_t)n[3], (uint8_t)n[4], (uint8_t)n[5]};
  }
  struct plan plan = {.rules = rules,
                      .states = share_of(opt, rules),
                      .seconds = opt->seconds,
                      .finish_every = opt->finish_every,
                      .audit_every = opt->audit_every};
  static struct outcome o;
  visiting = &plan;
  signal(SIGABRT, on_abort);
  signal(SIGSEGV, on_abort);
  search(&plan, &o);
  print_outcome(opt, rules, &o);
  fflush(stdout);
  ssize_t n = write(out, &o, sizeof o);
  _exit(n == sizeof o && o.violation[0] == '\0' ? 0 : 1);
}

static void start(const struct options *opt, struct visit *v)
{
  int ends[2];
  if (pipe(ends) != 0) abort();
  fflush(stdout);
  v->pid = fork();
  if (v->pid < 0) abort();
  if (v->pid == 0) {
    close(ends[0]);
    visit_here(opt, v->rules, ends[1]);
  }
  close(ends[1]);
  v->out = ends[0];
}

static void collect(struct visit *v)
{
  size_t have = 0;
  int status;
  while (have < sizeof v->outcome) {
    ssize_t n = read(v->out, (char *)&v->outcome + have, sizeof v->outcome - have);
    if (n <= 0) break;
    have += (size_t)n;
  }
  close(v->out);
  waitpid(v->pid, &status, 0);
  v->ok = have == sizeof v->outcome && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  if (have != sizeof v->outcome) v->outcome.states = 0;
  v->done = true;
}

static int visit_all(const struct options *opt)
{
  struct visit visits[16];
  unsigned n = 0, failed = 0, started = 0;
  uint64_t states = 0, bare = 0;
  for (unsigned i = 0; i < n_rules; i++)
    if (opt->world == NULL || rules_find(opt->world) == &all_rules[i])
      visits[n++] = (struct visit){.rules = &all_rules[i]};
  if (opt->tap) printf("1..%u\n", n);
  for (unsigned i = 0; i < n; i++) {
    while (started < n && started < i + opt->jobs) start(opt, &visits[started++]);
    collect(&visits[i]);
    states += visits[i].outcome.states;
    bare += visits[i].outcome.bare;
    failed += !visits[i].ok;
    if (opt->tap)
      printf("%sok %u - %s: %s\n", visits[i].ok ? "" : "not ", i + 1, visits[i].rules->name, visits[i].rules->about);
  }
  printf("# %llu states in %u worlds, %llu without the budgets; %u with a violation\n", (unsigned long long)states, n,
         (unsigned long long)bare, failed);
  return failed == 0 ? 0 : 1;
}

static int replay(const struct options *opt)
{
  uint16_t steps[256];
  unsigned n = 0;
  const struct rules *rules = opt->world != NULL ? rules_find(opt->world) : NULL;
  if (rules == NULL) {
    fprintf(stderr, "--replay needs --world\n");
    return 2;
  }
  struct rules unlimited = *rules;
  unlimited.most = (struct budget){255, 255, 255, 255, 255, 255};
  replaying = true;
  for (const char *p = opt->replay; *p != '\0' && n < 256;) {
    char *end;
    unsigned long value = strtoul(p, &end, 16);
    if (end == p) break;
    steps[n++] = (uint16_t)value;
    p = *end == ',' ? end + 1 : end;
  }
  print_steps(&unlimited, steps, n, true);
  return 0;
}

static int usage(void)
{
  fprintf(stderr, "explore [--states N] [--seconds S] [--world NAME] [--jobs N] [--finish-every N] [--audit-every N] "
                  "[--pairs] [--tap]\n"
                  "explore --world NAME --replay STEPS [--dump]\nexplore --list\n");
  return 2;
}

static bool parse(struct options *opt, int argc, char **argv)
{
  for (int i = 1; i < argc; i++) {
    const char *a = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
    if (strcmp(a, "--tap") == 0) {
      opt->tap = true;
    } else if (strcmp(a, "--list") == 0) {
      opt->list = true;
    } else if (strcmp(a, "--dump") == 0) {
      dumping = true;
    } else if (strcmp(a, "--few") == 0) {
      opt->few = true;
    } else if (strcmp(a, "--pairs") == 0) {
      opt->pairs = true;
    } else if (*value == '\0') {
      return false;
    } else {
      if (strcmp(a, "--states") == 0)
        opt->states = strtoull(value, NULL, 10);
      else if (strcmp(a, "--seconds") == 0)
        opt->seconds = strtod(value, NULL);
      else if (strcmp(a, "--world") == 0)
        opt->world = value;
      else if (strcmp(a, "--jobs") == 0)
        opt->jobs = (unsigned)strtoul(value, NULL, 10);
      else if (strcmp(a, "--finish-every") == 0)
        opt->finish_every = (unsigned)strtoul(value, NULL, 10);
      else if (strcmp(a, "--audit-every") == 0)
        opt->audit_every = (unsigned)strtoul(value, NULL, 10);
      else if (strcmp(a, "--budget") == 0)
        opt->budget = value;
      else if (strcmp(a, "--replay") == 0)
        opt->replay = value;
      else
        return false;
      i++;
    }
  }
  return opt->jobs > 0 && opt->states > 0 && (opt->world == NULL || rules_find(opt->world) != NULL);
}

int main(int argc, char **argv)
{
  struct options opt = {.states = 100000, .jobs = 1, .finish_every = 8};
  if (!parse(&opt, argc, argv)) return usage();
  if (opt.list) {
    for (unsigned i = 0; i < n_rules; i++) printf("%-9s %s\n", all_rules[i].name, all_rules[i].about);
    return 0;
  }
  return opt.replay != NULL ? replay(&opt) : visit_all(&opt);
}
