/* yeon bench net: cells of a grid of networks, and flows over them, in virtual time or beside the kernel's TCP. */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include <yeon/cable.h>
#include <yeon/congestion.h>
#include <yeon/sim.h>
#include <yeon/tcp.h>

#define BENCH_FLOWS 4
#define BENCH_PORT 7001 /* of flow 0 */

enum bench_loss { BENCH_CLEAN, BENCH_LOSS_01, BENCH_LOSS_1, BENCH_LOSS_3, BENCH_BURSTS, BENCH_REORDER, BENCH_LOSSES };
extern const char *const bench_loss_names[BENCH_LOSSES];

/* A network: one bottleneck with a drop-tail queue. */
struct bench_cell {
  uint32_t rtt_ms;
  uint32_t rate_mbit;
  enum bench_loss loss; /* of what goes towards the receiver */
  double bdp;           /* the queue, in bandwidth-delay products; never less than three frames */
};
#define BENCH_NAME 64
/* "20ms-200mbit-loss1-0.25bdp". Returns buf. */
char *bench_cell_name(const struct bench_cell *cell, char buf[BENCH_NAME]);
/* False: it is no such name. */
bool bench_cell_find(const char *name, struct bench_cell *out);
/* There (with queue and loss), and back (with the delay alone); delay: half of the round trip each, unless `flat`. */
void bench_cell_ways(const struct bench_cell *cell, bool flat, struct yeon_cable_way way[2]);
double bench_cell_seconds(const struct bench_cell *cell); /* long enough for the shape to show */
uint32_t bench_cell_frame_us(const struct bench_cell *cell); /* that a full frame takes on the bottleneck */
double bench_cell_bdp_bytes(const struct bench_cell *cell);

/* Bytes that can be told from all others around them; 64 KB from any place on are in one piece. */
#define BENCH_PERIOD 65521u
#define BENCH_PIECE 65536u
struct bench_pattern {
  uint8_t bytes[BENCH_PERIOD + BENCH_PIECE];
};
void bench_pattern_fill(struct bench_pattern *p);
static inline const uint8_t *bench_pattern_at(const struct bench_pattern *p, uint64_t at) { return p->bytes + at % BENCH_PERIOD; }

/* Waiting times as they come, to 3 %. */
struct bench_delays {
  uint64_t n;
  uint32_t count[64 * 32];
};
void bench_delays_add(struct bench_delays *d, yeon_time ns);
double bench_delays_ms(const struct bench_delays *d, double share); /* that share waited no longer */

/* One connection that sends for as long as there is time, and what is known of it in the end. */
struct bench_flow {
  enum yeon_congestion algorithm;
  bool kernel[2];           /* the sender, the receiver is the kernel's (in real time only) */
  uint32_t rtt_ms;          /* 0: the cell's */
  double starts_s;          /* so long after the run begins (in virtual time only) */
  uint64_t received;        /* bytes, at the end; none that came before run.warm_up_s */
  uint64_t sent, again;     /* bytes, from the first SYN on: all, and those that were sent before */
  bool damaged;             /* not what was sent */
};

struct bench_sample {
  double at_s;
  uint32_t cwnd, flight, waiting; /* bytes; of flow 0 and of the bottleneck's queue */
  double srtt_ms;
};
#define BENCH_SAMPLES 1000

struct bench_run {
  struct bench_cell cell;
  struct bench_flow flow[BENCH_FLOWS];
  unsigned n_flows;
  double warm_up_s; /* so long nothing is measured (in virtual time only), */
  double seconds;   /* and then so long is; from the first SYN on when there is no warm_up_s */
  uint64_t seed;
  enum yeon_profile profile;
  struct bench_sample *samples; /* room for BENCH_SAMPLES; NULL: none wanted */
  unsigned n_samples;
  /* Found: */
  double p50_ms, p99_ms; /* how long frames waited for the bottleneck */
  uint64_t dropped;      /* for want of room */
  int error;             /* YEON_ERR_... */
};
/* The share of what the bottleneck can carry that arrived, all flows together. */
double bench_run_share(const struct bench_run *run);
double bench_run_mbit(const struct bench_run *run, unsigned flow);
double bench_run_again(const struct bench_run *run); /* of the bytes sent */
double bench_run_jain(const struct bench_run *run);
/* Options of a host for the run; flow: whose. */
void bench_run_options(const struct bench_run *run, unsigned flow, struct yeon_tcp_options *options);

/* Programs at hosts of ours: one sends all it can, one reads and compares. */
struct bench_app;
struct bench_end {
  struct bench_app *app;
  enum { BENCH_LISTENS, BENCH_SENDS, BENCH_RECEIVES } role;
  unsigned flow;
  struct yeon_tcp *tcp;
  uint64_t at; /* of the stream */
};
struct bench_app {
  struct bench_run *run;
  struct bench_pattern *pattern;
  uint8_t *buffer; /* BENCH_PIECE */
  struct bench_end sender[BENCH_FLOWS], listener[BENCH_FLOWS], receiver[BENCH_FLOWS];
  yeon_time counts_from; /* what is received before is not counted */
  int error;             /* the first that any met */
};
int bench_app_open(struct bench_app *app, struct bench_run *run);
void bench_app_close(struct bench_app *app);
int bench_app_listen(struct bench_app *app, unsigned flow, struct yeon_host *host, yeon_time now);
int bench_app_connect(struct bench_app *app, unsigned flow, struct yeon_host *host, const struct yeon_ip *to, yeon_time now);
void bench_app_ready(struct bench_app *app, const struct yeon_ready *ready, yeon_time now);
/* Notes what the senders' connections know of themselves. */
void bench_app_finish(struct bench_app *app);

/* Virtual time. */
void bench_sim_run(struct bench_run *run);

#endif
