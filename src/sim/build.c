/* Making a universe: hosts, hubs, the cables between them. Every host and cable has a seed of its own, derived from the universe's and
 * its number, so that adding one does not change the luck of the others. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "sim/sim.h"

#define DEFAULT_MTU 1500

/* Kinds of things that have a seed. */
enum { SEED_HOST = 1, SEED_CABLE = 2, SEED_SCENARIO = 3 };

static uint64_t derive_seed(uint64_t seed, uint64_t kind, uint64_t number)
{
  struct hash_key key = {{seed, kind}};
  uint64_t derived = hash_sip24(&key, &number, sizeof number);
  return derived ? derived : 1;
}

bool sim_grow(struct yeon_sim *sim, void **array, uint32_t *cap, uint32_t n, size_t size)
{
  if (n < *cap) return true;
  uint32_t bigger = *cap ? *cap * 2 : 8;
  void *p = mem_alloc(&sim->mem, bigger * size);
  if (p == NULL) return false;
  if (n > 0) memcpy(p, *array, n * size);
  mem_free(&sim->mem, *array, *cap * size);
  *array = p;
  *cap = bigger;
  return true;
}

int yeon_sim_new(struct yeon_sim **out, uint64_t seed, const struct yeon_memory *memory)
{
  *out = NULL;
  struct mem mem;
  mem_init(&mem, memory);
  struct yeon_sim *sim = mem_new(&mem, sizeof *sim);
  if (sim == NULL) return YEON_ERR_NO_MEMORY;
  sim->mem = mem;
  sim->seed = seed;
  rng_seed(&sim->rng, derive_seed(seed, SEED_SCENARIO, 0));
  *out = sim;
  return YEON_OK;
}

void yeon_sim_free(struct yeon_sim *sim)
{
  if (sim == NULL) return;
  for (uint32_t i = 0; i < sim->n_cables; i++) yeon_cable_free(sim->cables[i].cable);
  for (uint32_t i = 0; i < sim->n_nodes; i++) {
    yeon_host_free(sim->nodes[i].host);
    mem_free(&sim->mem, sim->nodes[i].ports, sim->nodes[i].cap_ports * sizeof(struct sim_port));
  }
  mem_free(&sim->mem, sim->nodes, sim->cap_nodes * sizeof *sim->nodes);
  mem_free(&sim->mem, sim->cables, sim->cap_cables * sizeof *sim->cables);
  mem_free(&sim->mem, sim->calls, sim->cap_calls * sizeof *sim->calls);
  struct mem mem = sim->mem;
  mem_free(&mem, sim, sizeof *sim);
  assert(mem.heap_bytes == 0);
}

uint64_t yeon_sim_seed(const struct yeon_sim *sim) { return sim->seed; }

uint64_t yeon_sim_random(struct yeon_sim *sim) { return rng_next(&sim->rng); }

/* Room for one more node, or an error. */
static int reserve_node(struct yeon_sim *sim)
{
  if (sim->n_nodes == YEON_SIM_NODES) return YEON_ERR_LIMIT;
  void *nodes = sim->nodes;
  if (!sim_grow(sim, &nodes, &sim->cap_nodes, sim->n_nodes, sizeof *sim->nodes)) return YEON_ERR_NO_MEMORY;
  sim->nodes = nodes;
  return YEON_OK;
}

int yeon_sim_add_host(struct yeon_sim *sim, const struct yeon_host_config *config, struct yeon_host **out)
{
  if (out != NULL) *out = NULL;
  int error = reserve_node(sim);
  if (error) return error;
  uint32_t number = sim->n_nodes;
  struct yeon_host_config own;
  if (config != NULL)
    own = *config;
  else
    yeon_host_config_init(&own);
  if (own.seed == 0) own.seed = derive_seed(sim->seed, SEED_HOST, number);
  if (own.id == 0) own.id = number + 1;
  if (own.memory.alloc == NULL) own.memory = sim->mem.ops;
  struct yeon_host *host;
  error = yeon_host_new(&host, &own, sim->now);
  if (error) return error;
  sim->nodes[sim->n_nodes++] = (struct sim_node){.host = host};
  if (out != NULL) *out = host;
  return (int)number;
}

int yeon_sim_add_hub(struct yeon_sim *sim)
{
  int error = reserve_node(sim);
  if (error) return error;
  sim->nodes[sim->n_nodes] = (struct sim_node){.host = NULL};
  return (int)sim->n_nodes++;
}

struct yeon_host *yeon_sim_host(const struct yeon_sim *sim, unsigned node)
{
  return node < sim->n_nodes ? sim->nodes[node].host : NULL;
}

unsigned yeon_sim_nodes(const struct yeon_sim *sim) { return sim->n_nodes; }

int yeon_sim_on_ready(struct yeon_sim *sim, unsigned node, yeon_sim_ready_fn *fn, void *ctx)
{
  if (yeon_sim_host(sim, node) == NULL) return YEON_ERR_INVALID;
  sim->nodes[node].ready = fn;
  sim->nodes[node].ready_ctx = ctx;
  return YEON_OK;
}

void yeon_sim_link_init(struct yeon_sim_link *link)
{
  memset(link, 0, sizeof *link);
  link->mtu = DEFAULT_MTU;
}

/* Everything at this end that can be refused for good reason, before anything is done. */
static int reserve_port(struct yeon_sim *sim, unsigned node)
{
  struct sim_node *n = &sim->nodes[node];
  if (n->host != NULL && n->n_ports == YEON_HOST_LINKS) return YEON_ERR_LIMIT;
  void *ports = n->ports;
  if (!sim_grow(sim, &ports, &n->cap_ports, n->n_ports, sizeof *n->ports)) return YEON_ERR_NO_MEMORY;
  n->ports = ports;
  return YEON_OK;
}

static int reserve_cable(struct yeon_sim *sim, unsigned a, unsigned b)
{
  if (a == b || a >= sim->n_nodes || b >= sim->n_nodes) return YEON_ERR_INVALID;
  if (sim->n_cables == YEON_SIM_CABLES) return YEON_ERR_LIMIT;
  void *cables = sim->cables;
  if (!sim_grow(sim, &cables, &sim->cap_cables, sim->n_cables, sizeof *sim->cables)) return YEON_ERR_NO_MEMORY;
  sim->cables = cables;
  int error = reserve_port(sim, a);
  return error ? error : reserve_port(sim, b);
}

/* The link number at the node, or an error. */
static int add_link(struct yeon_sim *sim, unsigned node, const struct yeon_sim_link *link, const char *name)
{
  struct sim_node *n = &sim->nodes[node];
  if (n->host == NULL) return 0;
  struct yeon_link_config config = {.name = name,
                                    .ethernet = link->ethernet,
                                    .mtu = link->mtu ? link->mtu : DEFAULT_MTU};
  const uint8_t mac[6] = {0x02, 0x79, 0x00, (uint8_t)(node >> 8), (uint8_t)node, (uint8_t)n->n_ports};
  memcpy(config.mac, mac, sizeof mac);
  return yeon_host_add_link(n->host, &config);
}

static void add_port(struct yeon_sim *sim, unsigned end, int link)
{
  struct sim_cable *c = &sim->cables[sim->n_cables];
  struct sim_node *n = &sim->nodes[c->node[end]];
  c->link[end] = (unsigned)link;
  n->ports[n->n_ports++] = (struct sim_port){sim->n_cables, end, (unsigned)link};
}

int yeon_sim_connect(struct yeon_sim *sim, unsigned a, unsigned b, const struct yeon_sim_link *link, unsigned links[2])
{
  int error = reserve_cable(sim, a, b);
  if (error) return error;
  uint32_t number = sim->n_cables;
  struct yeon_cable_config config = link->cable;
  if (config.id == 0) config.id = number + 1;
  struct sim_cable made = {.node = {a, b}};
  error = yeon_cable_new(&made.cable, &config, derive_seed(sim->seed, SEED_CABLE, number), &sim->mem.ops);
  if (error) return error;
  char name[16];
  snprintf(name, sizeof name, "cable%u", number + 1);
  int at_a = add_link(sim, a, link, link->name ? link->name : name);
  int at_b = at_a < 0 ? at_a : add_link(sim, b, link, link->name ? link->name : name);
  if (at_b < 0) {
    yeon_cable_free(made.cable);
    return at_b;
  }
  sim->cables[number] = made;
  add_port(sim, 0, at_a);
  add_port(sim, 1, at_b);
  sim->n_cables++;
  if (links != NULL) {
    links[0] = (unsigned)at_a;
    links[1] = (unsigned)at_b;
  }
  return (int)number;
}

struct yeon_cable *yeon_sim_cable(const struct yeon_sim *sim, unsigned cable)
{
  return cable < sim->n_cables ? sim->cables[cable].cable : NULL;
}

unsigned yeon_sim_cables(const struct yeon_sim *sim) { return sim->n_cables; }
