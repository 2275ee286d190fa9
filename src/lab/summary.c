/* What has happened in a lab since somebody asked to be told: connections, bytes, what was sent again, cuts and who lived through them. From counters that are
 * kept anyway, so that asking costs the frames nothing. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lab/watch.h"

#define COLUMNS 80
#define MARGIN 15 /* columns of what a line is about */

static void count_cable(const struct lab_cable *c, unsigned d, uint64_t *frames, uint64_t *bytes, uint64_t *swallowed)
{
  struct yeon_cable_stats st;
  yeon_cable_stats(c->cable, d, &st);
  *frames = st.delivered + c->passed[d];
  *bytes = st.delivered_bytes + c->passed_bytes[d];
  *swallowed = st.swallowed;
}

bool lab_summary_begin(struct lab_watch *w)
{
  const struct lab *lab = w->lab;
  struct lab_baseline *b = calloc(1, sizeof *b);
  if (b == NULL) return false;
  for (unsigned i = 0; i < lab->n_hosts; i++)
    if (lab->hosts[i].host != NULL) b->host[i] = *yeon_host_counters(lab->hosts[i].host);
  for (unsigned i = 0; i < lab->n_cables; i++) {
    w->cuts.cut_at[i] = YEON_NEVER;
    if (yeon_cable_is_cut(lab->cables[i].cable) != 0) lab_summary_cable(w, i, true, lab_now());
    for (unsigned d = 0; d < 2; d++) count_cable(&lab->cables[i], d, &b->frames[i][d], &b->bytes[i][d], &b->swallowed[i][d]);
  }
  w->before = b;
  return true;
}

struct alive {
  uint64_t up_to, last; /* ids that count; the greatest seen */
  unsigned n;
};

static bool see(void *ctx, const struct yeon_tcp_info *i, struct yeon_tcp *tcp)
{
  struct alive *a = ctx;
  (void)tcp;
  if (i->id > a->last) a->last = i->id;
  bool open = i->state == YEON_TCP_ESTABLISHED || i->state == YEON_TCP_CLOSE_WAIT || i->state == YEON_TCP_FIN_WAIT_1 ||
              i->state == YEON_TCP_FIN_WAIT_2 || i->state == YEON_TCP_CLOSING || i->state == YEON_TCP_LAST_ACK;
  if (open && i->id <= a->up_to) a->n++;
  return true;
}

static struct alive look(const struct lab_watch *w, unsigned cable, uint64_t up_to)
{
  struct alive a = {.up_to = up_to};
  for (unsigned e = 0; e < 2; e++) {
    struct yeon_host *host = w->lab->hosts[w->lab->cables[cable].end[e].host].host;
    if (host == NULL) continue;
    yeon_tcp_each(host, see, &a);
    break;
  }
  return a;
}

void lab_summary_cable(struct lab_watch *w, unsigned cable, bool cut, yeon_time now)
{
  struct lab_cuts *cuts = &w->cuts;
  bool whole = yeon_cable_is_cut(w->lab->cables[cable].cable) == 0;
  if (cut && cuts->cut_at[cable] == YEON_NEVER) {
    cuts->count++;
    cuts->cut_at[cable] = now;
    cuts->last_id[cable] = look(w, cable, 0).last;
  } else if (!cut && whole && cuts->cut_at[cable] != YEON_NEVER) {
    yeon_time length = now - cuts->cut_at[cable];
    unsigned n = look(w, cable, cuts->last_id[cable]).n;
    cuts->cut_at[cable] = YEON_NEVER;
    if (length > cuts->longest) cuts->longest = length;
    if (n > 0 && length > cuts->survived) {
      cuts->survived = length;
      cuts->survivors = n;
    }
  }
}

/* Where a text that is too long for a line is broken: behind a comma if there is one, else a space; how much of it goes onto the line. */
static size_t line_break(const char *text, size_t len, size_t most)
{
  size_t comma = 0, space = 0;
  if (len <= most) return len;
  for (size_t i = MARGIN + 1; i < most; i++) {
    if (text[i] != ' ') continue;
    space = i;
    if (text[i - 1] == ',') comma = i;
  }
  return comma > 0 ? comma : space > 0 ? space : len;
}

static void line(struct lab_watch *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void line(struct lab_watch *w, const char *format, ...)
{
  char text[240], piece[240 + MARGIN];
  va_list args;
  va_start(args, format);
  int n = vsnprintf(text, sizeof text, format, args);
  va_end(args);
  size_t len = n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1, at = 0;
  do {
    size_t margin = at > 0 ? MARGIN : 0, part = line_break(text + at, len - at, COLUMNS - margin);
    int size = snprintf(piece, sizeof piece, "%*s%.*s\n", (int)margin, "", (int)part, text + at);
    (void)lab_outlet_put(&w->out, piece, (size_t)size);
    at += part;
    while (at < len && text[at] == ' ') at++;
  } while (at < len);
}

static const char *plural(uint64_t n) { return n == 1 ? "" : "s"; }

static void write_connections(struct lab_watch *w)
{
  uint64_t opened = 0, refused = 0, reset = 0, given_up = 0, timeouts = 0, fast = 0, again = 0, datagrams = 0;
  char never[40] = ""; /* were opened */
  for (unsigned i = 0; i < w->lab->n_hosts; i++) {
    if (w->lab->hosts[i].host == NULL) continue;
    const struct yeon_counters *n = yeon_host_counters(w->lab->hosts[i].host), *b = &w->before->host[i];
    opened += n->tcp_opened_active - b->tcp_opened_active;
    refused += n->tcp_refused - b->tcp_refused;
    reset += n->tcp_reset_in - b->tcp_reset_in - (n->tcp_refused - b->tcp_refused);
    given_up += n->tcp_timeout - b->tcp_timeout;
    timeouts += n->tcp_rexmit_rto - b->tcp_rexmit_rto;
    fast += n->tcp_rexmit_fast - b->tcp_rexmit_fast;
    again += n->tcp_rexmit_bytes - b->tcp_rexmit_bytes;
    datagrams += n->udp_out - b->udp_out;
  }
  if (refused > 0) snprintf(never, sizeof never, ", %llu refused", (unsigned long long)refused);
  line(w, "connections    %llu opened, %llu reset, %llu given up%s", (unsigned long long)opened, (unsigned long long)reset,
       (unsigned long long)given_up, never);
  if (datagrams > 0) line(w, "datagrams      %llu", (unsigned long long)datagrams);
  line(w, "sent again     %llu byte%s: %llu time-out%s, %llu fast retransmission%s", (unsigned long long)again, plural(again),
       (unsigned long long)timeouts, plural(timeouts), (unsigned long long)fast, plural(fast));
}

static void write_cables(struct lab_watch *w)
{
  for (unsigned i = 0; i < w->lab->n_cables; i++) {
    const struct lab_cable *c = &w->lab->cables[i];
    for (unsigned d = 0; d < 2; d++) {
      uint64_t frames, bytes, swallowed;
      char cut[64] = "";
      count_cable(c, d, &frames, &bytes, &swallowed);
      swallowed -= w->before->swallowed[i][d];
      if (swallowed > 0) snprintf(cut, sizeof cut, ", %llu swallowed by cuts", (unsigned long long)swallowed);
      bytes -= w->before->bytes[i][d];
      frames -= w->before->frames[i][d];
      line(w, "%-14s %s -> %s: %llu byte%s in %llu frame%s%s", d == 0 ? c->name : "", w->lab->hosts[c->end[d].host].name,
           w->lab->hosts[c->end[1 - d].host].name, (unsigned long long)bytes, plural(bytes), (unsigned long long)frames, plural(frames), cut);
    }
  }
}

static void write_cuts(struct lab_watch *w)
{
  const struct lab_cuts *c = &w->cuts;
  if (c->count == 0) {
    line(w, "cuts           none");
    return;
  }
  line(w, "cuts           %u, the longest %.3f s", c->count, (double)c->longest / 1e9);
  if (c->survivors > 0)
    line(w, "survived       %.3f s, by %u connection%s", (double)c->survived / 1e9, c->survivors, c->survivors == 1 ? "" : "s");
  else
    line(w, "survived       no connection was open through a cut");
}

void lab_summary_write(struct lab_watch *w)
{
  write_connections(w);
  write_cables(w);
  write_cuts(w);
}
