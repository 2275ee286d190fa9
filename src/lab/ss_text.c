/* ss for people: listeners and UDP sockets a line each, connections as two columns, one per end. Nothing is ever cut off: with a width (a terminal's) what does not
 * fit into a column goes on in its next line, without one (a pipe) columns are as wide as they must be. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <string.h>

#include "lab/ss.h"

#define LINES 7
#define CELL 160
#define COLUMN 44 /* columns of text at least where there is no limit */

/* One end: lines of text. A tab is a space at which a line is best broken. */
struct cell {
  char line[LINES][CELL];
};

static const char *host_name(const struct ss *ss, const struct ss_row *r) { return ss->lab->hosts[r->host].name; }

static void write_owner(const struct ss_row *r, char out[CELL])
{
  if (r->socket == NULL) snprintf(out, CELL, "no program");
  else if (r->socket->hung_up) snprintf(out, CELL, "closed by %s (%d)", r->program, r->socket->pid);
  else snprintf(out, CELL, "%s (%d)", r->program, r->socket->pid);
}

/* "1.448 s", "12.3 s", "85 us". */
static const char *span(yeon_time t, char out[32])
{
  if (t < 0) t = 0;
  if (t < YEON_MS) snprintf(out, 32, "%lld us", (long long)(t / YEON_US));
  else if (t < YEON_SEC) snprintf(out, 32, "%.1f ms", (double)t / 1e6);
  else snprintf(out, 32, "%.1f s", (double)t / 1e9);
  return out;
}

/* "12288+4096/65536": the stack's, the pair's, the stack's limit. */
static void write_queues(const struct ss_row *r, char out[CELL])
{
  const struct yeon_tcp_info *i = &r->info;
  snprintf(out, CELL, "send %u+%u/%u\trecv %u+%u/%u", i->snd_queued, r->pair_out, i->snd_limit, i->rcv_queued, r->pair_in, i->rcv_limit);
}

static void write_timer(const struct ss *ss, const struct ss_row *r, char out[CELL])
{
  const struct yeon_tcp_info *i = &r->info;
  char left[32];
  int n = i->timer_at == YEON_NEVER
              ? snprintf(out, CELL, "no timer")
              : snprintf(out, CELL, "%s in %s", yeon_tcp_timer_name(i->timer), span(i->timer_at - ss->now, left));
  if (i->rexmits > 0) n += snprintf(out + n, CELL - (size_t)n, ",\t%u time-out%s", i->rexmits, i->rexmits == 1 ? "" : "s");
  if (i->probes > 0) n += snprintf(out + n, CELL - (size_t)n, ",\t%u probe%s", i->probes, i->probes == 1 ? "" : "s");
  if (i->in_recovery) snprintf(out + n, CELL - (size_t)n, ",\tin recovery");
}

static void write_path(const struct ss_row *r, struct cell *cell)
{
  const struct yeon_tcp_info *i = &r->info;
  char rtt[32], var[32], rto[32];
  snprintf(cell->line[4], CELL, "sent %llu bytes,\t%llu again", (unsigned long long)i->bytes_sent, (unsigned long long)i->bytes_retransmitted);
  snprintf(cell->line[5], CELL, "rtt %s±%s\trto %s", span((yeon_time)i->srtt_us * YEON_US, rtt), span((yeon_time)i->rttvar_us * YEON_US, var),
           span((yeon_time)i->rto_us * YEON_US, rto));
  int n = snprintf(cell->line[6], CELL, "%s\tcwnd %u\tmss %u", yeon_congestion_name(i->congestion), i->cwnd, i->snd_mss);
  if (i->ecn_ok)
    snprintf(cell->line[6] + n, CELL - (size_t)n, "\t%s%s\tmarked %u in %u out", i->accecn_ok ? "accecn" : "ecn", i->ecn_capable ? "" : " (not capable)",
             i->ecn_arrived_ce, i->ecn_told_ce);
}

static void write_end(const struct ss *ss, const struct ss_row *r, struct cell *cell)
{
  char addr[64];
  memset(cell, 0, sizeof *cell);
  snprintf(cell->line[0], CELL, "%s\t%s\t%s", host_name(ss, r), yeon_addr_format(&r->info.local, addr, sizeof addr),
           yeon_tcp_state_name(r->info.state));
  write_owner(r, cell->line[1]);
  write_timer(ss, r, cell->line[3]);
  if (r->info.state == YEON_TCP_TIME_WAIT) {
    memcpy(cell->line[2], cell->line[3], CELL);
    cell->line[3][0] = '\0';
    return;
  }
  write_queues(r, cell->line[2]);
  write_path(r, cell);
}

/* The side on which no stack knows of the connection. */
static void write_nothing(const struct ss *ss, const struct ss_row *r, struct cell *cell)
{
  char addr[64];
  int host = lab_host_of(ss->lab, &r->info.remote.ip);
  memset(cell, 0, sizeof *cell);
  snprintf(cell->line[0], CELL, "%s\t%s", host >= 0 ? ss->lab->hosts[host].name : "?", yeon_addr_format(&r->info.remote, addr, sizeof addr));
  bool elsewhere = host >= 0 && ss->lab->hosts[host].host == NULL;
  snprintf(cell->line[1], CELL, "%s", elsewhere ? "outside of the lab" : r->half_open ? "HALF-OPEN: knows nothing of it" : "nothing any more");
}

/* How many bytes of the text, and columns, go onto a line of at most `max` columns: all, or up to the last tab, else the last space, else what fits. */
static size_t take_line(const char *text, unsigned max, unsigned *columns)
{
  size_t at = 0, tab = 0, space = 0;
  unsigned n = 0, at_tab = 0, at_space = 0;
  while (text[at] != '\0' && n <= max) {
    if (text[at] == '\t') tab = at, at_tab = n;
    if (text[at] == ' ') space = at, at_space = n;
    if (n == max) break;
    at++;
    while (((unsigned char)text[at] & 0xc0u) == 0x80u) at++;
    n++;
  }
  bool all = text[at] == '\0';
  *columns = all ? n : tab > 0 ? at_tab : space > 0 ? at_space : n;
  return all ? at : tab > 0 ? tab : space > 0 ? space : at;
}

static void put_text(FILE *out, const char *text, size_t len)
{
  for (size_t i = 0; i < len; i++) fputc(text[i] == '\t' ? ' ' : text[i], out);
}

static const char *behind(const char *text, size_t len) { return text + len + (text[len] == '\t' || text[len] == ' '); }

/* One line of both cells, as many lines of text as it needs; `first` stands before the first of them. */
static void print_line(const struct ss *ss, const char *left, const char *right, unsigned column, const char *first, bool marked)
{
  do {
    unsigned wide, other;
    size_t a = take_line(left, column, &wide), b = take_line(right, ss->width > 0 ? column : CELL, &other);
    fprintf(ss->out, "%s%s", marked ? "\033[31m" : "", first);
    put_text(ss->out, left, a);
    if (b > 0) fprintf(ss->out, "%*s | ", (int)(column - wide), "");
    put_text(ss->out, right, b);
    fprintf(ss->out, "%s\n", marked ? "\033[0m" : "");
    left = behind(left, a);
    right = behind(right, b);
    first = "    ";
  } while (left[0] != '\0' || right[0] != '\0');
}

static unsigned widest(const struct cell *cell)
{
  unsigned most = 0;
  for (unsigned i = 0; i < LINES; i++) {
    unsigned n;
    (void)take_line(cell->line[i], CELL, &n);
    if (n > most) most = n;
  }
  return most;
}

static void print_pair(const struct ss *ss, const struct cell *left, const struct cell *right, bool bad)
{
  unsigned column = ss->width > 0 ? (ss->width - 7) / 2 : widest(left);
  if (ss->width == 0 && column < COLUMN) column = COLUMN; /* so that connections that are alike stand below each other */
  for (unsigned i = 0; i < LINES; i++) {
    if (left->line[i][0] == '\0' && right->line[i][0] == '\0') continue;
    print_line(ss, left->line[i], right->line[i], column, i == 0 ? "tcp " : "    ", ss->colour && bad && i < 2);
  }
}

static void print_connection(const struct ss *ss, const struct ss_row *r)
{
  struct cell here, there;
  const struct ss_row *peer = r->peer != SIZE_MAX ? &ss->rows[r->peer] : NULL;
  write_end(ss, r, &here);
  if (peer != NULL) write_end(ss, peer, &there);
  else write_nothing(ss, r, &there);
  int other = lab_host_of(ss->lab, &r->info.remote.ip);
  bool turned = peer != NULL ? peer->host < r->host : other >= 0 && (unsigned)other < r->host;
  print_pair(ss, turned ? &there : &here, turned ? &here : &there, r->half_open);
}

static void print_listener(const struct ss *ss, const struct ss_row *r)
{
  char addr[64], owner[CELL];
  write_owner(r, owner);
  fprintf(ss->out, "tcp %s %s LISTEN %u of %u waiting  %s\n", host_name(ss, r), yeon_addr_format(&r->info.local, addr, sizeof addr),
          r->info.backlog, r->info.backlog_limit, owner);
}

static void print_udp(const struct ss *ss, const struct ss_row *r)
{
  char local[64], remote[64], owner[CELL];
  write_owner(r, owner);
  fprintf(ss->out, "udp %s %s -> %s  pair %u out, %u in  %s\n", host_name(ss, r), yeon_addr_format(&r->info.local, local, sizeof local),
          r->info.remote.port != 0 ? yeon_addr_format(&r->info.remote, remote, sizeof remote) : "*", r->pair_out, r->pair_in, owner);
}

void ss_text(const struct ss *ss)
{
  for (size_t i = 0; i < ss->n; i++) {
    const struct ss_row *r = &ss->rows[i];
    if (r->kind == SS_LISTENER) print_listener(ss, r);
    else if (r->kind == SS_UDP) print_udp(ss, r);
    else if (r->peer == SIZE_MAX || r->peer > i) print_connection(ss, r);
  }
  if (ss->n == 0) fputs("no sockets\n", ss->out);
}
