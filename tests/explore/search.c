/* Breadth-first search. A state is kept as the step that led to it and the number of the state before: eight bytes and its hash. To go on from it,
 * its steps are taken again. That is cheap because states are visited in the order of the tree: the way to the next one has most of its
 * steps in common with the way to the last one, and along the way the hosts' memory is saved at every state, so that only the rest is taken again
 * (for every state about two steps). A saved host is a copy of its region; a step saves only the host it has touched. */
#define _POSIX_C_SOURCE 200809L
#include "explore.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "known.h"

#define DEPTH_MOST 250
#define NONE UINT32_MAX
#define NO_STEP 0xffffu

struct node {
  uint32_t before; /* NONE: the beginning */
  uint16_t step;
};

/* A place on the way to the state that is looked at. */
struct place {
  uint32_t node;
  struct live live;
  uint64_t host_hash[2];
  uint8_t saved_in[2]; /* the place that holds the copy of a host as it is here */
  void *copy[2];
  size_t room[2];
};

struct search {
  const struct plan *plan;
  struct outcome *out;
  struct world *w;
  struct known known, bare;
  struct node *nodes;
  uint32_t n_nodes, cap_nodes;
  struct place place[DEPTH_MOST + 2];
  unsigned depth; /* of the place we are at */
  uint32_t looking_at;
  uint16_t trying;    /* the step that is being tried; NO_STEP: none */
  uint16_t finishing; /* then that, or NO_STEP */
  uint64_t audits;
};

/* For the handler of SIGABRT, which can be told nothing. */
static struct search *running;

static double seconds(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *need(void *p)
{
  if (p == NULL) abort();
  return p;
}

static uint32_t add_node(struct search *s, uint32_t before, uint16_t step)
{
  if (s->n_nodes == s->cap_nodes) {
    s->cap_nodes = s->cap_nodes == 0 ? 1 << 16 : 2 * s->cap_nodes;
    s->nodes = need(realloc(s->nodes, s->cap_nodes * sizeof *s->nodes));
  }
  s->nodes[s->n_nodes] = (struct node){before, step};
  return s->n_nodes++;
}

static void save_host(struct search *s, struct place *p, unsigned i)
{
  size_t used = region_used(s->w->region[i]);
  if (p->room[i] < used) {
    free(p->copy[i]);
    p->room[i] = used + 8192;
    p->copy[i] = need(malloc(p->room[i]));
  }
  region_save(s->w->region[i], p->copy[i]);
}

/* The world as it is becomes place `depth` of the way. */
static void save(struct search *s, unsigned depth, uint32_t node, const uint64_t host_hash[2])
{
  struct place *p = &s->place[depth];
  p->node = node;
  p->live = s->w->live;
  for (unsigned i = 0; i < 2; i++) {
    p->host_hash[i] = host_hash[i];
    p->saved_in[i] = depth > 0 ? s->place[depth - 1].saved_in[i] : 0;
    if (depth > 0 && (s->w->touched >> i & 1) == 0) continue;
    save_host(s, p, i);
    p->saved_in[i] = (uint8_t)depth;
  }
  s->w->touched = 0;
  s->depth = depth;
}

/* Back to place `depth`, of which the hosts in `changed` differ. */
static void go_back(struct search *s, unsigned depth, unsigned changed)
{
  struct place *p = &s->place[depth];
  s->w->live = p->live;
  for (unsigned i = 0; i < 2; i++)
    if ((changed >> i & 1) != 0) region_restore(s->w->region[i], s->place[p->saved_in[i]].copy[i]);
  s->w->touched = 0;
}

/* Hashes of the hosts, those of the place we came from where nothing has changed. */
static void hash_hosts(const struct search *s, const struct place *from, uint64_t out[2])
{
  bool later = s->w->live.now != from->live.now;
  bool named =
      s->w->live.has_origin[0] != from->live.has_origin[0] || s->w->live.has_origin[1] != from->live.has_origin[1];
  for (unsigned i = 0; i < 2; i++)
    out[i] = later || named || (s->w->touched >> i & 1) != 0 ? describe_host(s->w, i) : from->host_hash[i];
}

static uint64_t mix(uint64_t h)
{
  h = (h ^ h >> 31) * UINT64_C(0xff51afd7ed558ccd);
  h = (h ^ h >> 32) * UINT64_C(0xc4ceb9fe1a85ec53);
  return h ^ h >> 33;
}

/* Without and with what is left of the budget. */
static uint64_t hash_bare(const struct search *s, const uint64_t host[2])
{
  return mix(mix(host[0]) + 3 * mix(host[1] + 5) + 7 * describe_rest(s->w));
}

static uint64_t hash_full(const struct search *s, uint64_t bare)
{
  const struct budget *b = &s->w->live.left;
  uint64_t left = (uint64_t)b->faults << 40 | (uint64_t)b->losses << 32 | (uint64_t)b->twice << 24 |
                  (uint64_t)b->overtakes << 16 | (uint64_t)b->timers << 8 | b->forgeries;
  return mix(bare ^ mix(left + 1));
}

/* The steps from the beginning to a node. */
static unsigned way_to(const struct search *s, uint32_t node, uint16_t *out, unsigned most)
{
  uint16_t way[DEPTH_MOST + 2];
  unsigned n = 0, length = 0;
  for (; node != NONE && s->nodes[node].before != NONE; node = s->nodes[node].before) way[n++] = s->nodes[node].step;
  while (n > 0 && length < most) out[length++] = way[--n];
  return length;
}

unsigned search_trace(uint16_t *out, unsigned most)
{
  const struct search *s = running;
  if (s == NULL) return 0;
  unsigned length = way_to(s, s->looking_at, out, most);
  if (s->trying != NO_STEP && length < most) out[length++] = s->trying;
  if (s->finishing != NO_STEP && length < most) out[length++] = s->finishing;
  return length;
}

static void report(struct search *s)
{
  snprintf(s->out->violation, sizeof s->out->violation, "%s", s->w->violation);
  s->out->n_trace = search_trace(s->out->trace, sizeof s->out->trace / sizeof *s->out->trace);
}

/* Makes the world the state of this node. */
static void go_to(struct search *s, uint32_t node, unsigned depth)
{
  uint32_t way[DEPTH_MOST + 2], at = node;
  for (unsigned d = depth;; d--) {
    way[d] = at;
    if (d == 0) break;
    at = s->nodes[at].before;
  }
  unsigned common = s->depth < depth ? s->depth : depth;
  while (s->place[common].node != way[common]) common--;
  go_back(s, common, 3);
  s->depth = common;
  for (unsigned d = common + 1; d <= depth; d++) {
    uint64_t host_hash[2];
    step_take(s->w, s->nodes[way[d]].step);
    hash_hosts(s, &s->place[d - 1], host_hash);
    save(s, d, way[d], host_hash);
  }
}

static bool sampled(uint64_t hash, unsigned every) { return every != 0 && (hash >> 20) % every == 0; }

/* Lets what is now come to its end; the place's state is gone then. */
static bool try_finish(struct search *s, uint64_t hash)
{
  s->finishing = STEP(STEP_FINISH, 0, (hash & 8) != 0 || !s->w->rules->rude);
  step_take(s->w, s->finishing);
  s->out->finished++;
  s->w->touched = 3;
  if (s->w->violation[0] != '\0') return false;
  s->finishing = NO_STEP;
  return true;
}

/* What can follow from here, as one number. */
static uint64_t hash_successors(struct search *s)
{
  uint16_t steps[STEPS_MOST];
  unsigned n = steps_possible(s->w, steps);
  uint64_t sum = n;
  for (unsigned i = 0; i < n; i++) {
    uint64_t host_hash[2];
    step_take(s->w, steps[i]);
    for (unsigned k = 0; k < 2; k++) host_hash[k] = describe_host(s->w, k);
    sum = sum * UINT64_C(0x9e3779b97f4a7c15) + mix(hash_full(s, hash_bare(s, host_hash)) + steps[i]);
    go_back(s, s->depth, 3);
  }
  return sum;
}

static unsigned depth_of(const struct search *s, uint32_t node)
{
  unsigned depth = 0;
  while (s->nodes[node].before != NONE) {
    node = s->nodes[node].before;
    depth++;
  }
  return depth;
}

/* Two ways led to the same number: the same must be able to follow. */
static bool audit(struct search *s, uint32_t first, uint16_t step)
{
  uint32_t here = s->place[s->depth].node;
  unsigned depth = s->depth;
  uint32_t again = add_node(s, here, step);
  go_to(s, again, depth + 1);
  uint64_t one = hash_successors(s);
  go_to(s, first, depth_of(s, first));
  uint64_t other = hash_successors(s);
  s->out->audited++;
  if (one != other) {
    violate(s->w, "two states have one description, but not the same can follow: describe.c leaves out something that "
                  "matters, a new field perhaps");
    s->out->n_other = way_to(s, first, s->out->other, sizeof s->out->other / sizeof *s->out->other);
    return false;
  }
  s->n_nodes--;
  go_to(s, here, depth);
  return true;
}

/* A state that is new. False: something does not hold. */
static bool arrive(struct search *s, uint64_t hash, uint64_t bare)
{
  uint32_t ignored = 0;
  s->out->states++;
  s->out->bare += known_add(&s->bare, bare, &ignored);
  s->out->pairs[state_of(s->w, 0)][state_of(s->w, 1)]++;
  check_state(s->w);
  if (s->w->violation[0] != '\0') return false;
  return !sampled(hash, s->plan->finish_every) || try_finish(s, hash);
}

/* Tries one step from here. False: something does not hold. *fresh counts the new states. */
static bool try_step(struct search *s, uint32_t node, uint16_t step, unsigned *fresh)
{
  struct place *here = &s->place[s->depth];
  uint64_t host_hash[2];
  uint32_t number = s->n_nodes;
  s->trying = step;
  s->out->steps++;
  step_take(s->w, step);
  if (s->w->violation[0] != '\0') return false;
  unsigned changed = s->w->touched;
  hash_hosts(s, here, host_hash);
  uint64_t bare = hash_bare(s, host_hash), hash = hash_full(s, bare);
  bool is_new = known_add(&s->known, hash, &number);
  if (is_new) {
    add_node(s, node, step);
    ++*fresh;
    if (!arrive(s, hash, bare)) return false;
    changed |= s->w->touched;
  }
  go_back(s, s->depth, changed);
  if (is_new || s->plan->audit_every == 0 || ++s->audits % s->plan->audit_every != 0) return true;
  return audit(s, number, step);
}

static bool expand(struct search *s, uint32_t node, unsigned depth)
{
  uint16_t steps[STEPS_MOST];
  unsigned fresh = 0;
  go_to(s, node, depth);
  s->looking_at = node;
  unsigned n = steps_possible(s->w, steps);
  for (unsigned i = 0; i < n; i++)
    if (!try_step(s, node, steps[i], &fresh)) return false;
  s->trying = NO_STEP;
  if (fresh > 0) return true;
  s->out->dead_ends++;
  if (!try_finish(s, node * UINT64_C(0x9e3779b97f4a7c15) >> 32)) return false;
  go_back(s, s->depth, 3);
  return true;
}

/* All states of one depth. False: stop. */
static bool expand_level(struct search *s, uint32_t from, uint32_t to, unsigned depth, double until)
{
  for (uint32_t node = from; node < to; node++) {
    if (!expand(s, node, depth)) {
      report(s);
      return false;
    }
    if (s->out->states >= s->plan->states) return false;
    if (until > 0 && (node & 255) == 0 && seconds() > until) return false;
  }
  return true;
}

static void begin(struct search *s)
{
  uint64_t host_hash[2];
  uint32_t number = add_node(s, NONE, 0);
  s->w->touched = 3;
  for (unsigned i = 0; i < 2; i++) host_hash[i] = describe_host(s->w, i);
  save(s, 0, number, host_hash);
  s->trying = s->finishing = NO_STEP;
  uint64_t bare = hash_bare(s, host_hash);
  known_add(&s->known, hash_full(s, bare), &number);
  if (!arrive(s, 1, bare)) report(s);
}

static void run(struct search *s)
{
  double began = seconds(), until = s->plan->seconds > 0 ? began + s->plan->seconds : 0;
  begin(s);
  uint32_t from = 0, to = s->n_nodes;
  while (from < to && s->out->violation[0] == '\0' && s->out->depth < DEPTH_MOST) {
    if (!expand_level(s, from, to, s->out->depth, until)) break;
    from = to;
    to = s->n_nodes;
    s->out->depth++;
  }
  s->out->complete = from == to && s->out->violation[0] == '\0';
  s->out->seconds = seconds() - began;
}

void search(const struct plan *plan, struct outcome *out)
{
  struct search *s = need(calloc(1, sizeof *s));
  *out = (struct outcome){0};
  s->plan = plan;
  s->out = out;
  s->w = world_new(plan->rules, false);
  known_init(&s->known, true);
  known_init(&s->bare, false);
  running = s;
  run(s);
  running = NULL;
  for (unsigned d = 0; d < DEPTH_MOST + 2; d++)
    for (unsigned i = 0; i < 2; i++) free(s->place[d].copy[i]);
  known_free(&s->known);
  known_free(&s->bare);
  free(s->nodes);
  world_free(s->w);
  free(s);
}
