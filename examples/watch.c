/* A ladder and a capture of what crosses the cable. A perfect cable is not entered at all, so frames are seen in two
 * places: those that the cable swallows, loses or delays by the cable's own tap, all others by a tap on the link. */
#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <yeon/watch.h>

#include "net.h"

struct watch {
  struct net *net;
  struct yeon_ladder *ladder; /* NULL: none */
  struct yeon_pcapng *pcap;   /* NULL: none */
  FILE *ladder_file, *pcap_file;
  unsigned interface[2];
  uint64_t number;    /* of frames seen on the link; far above those of the cable */
  yeon_time begin_at; /* the ladder counts from here */
};

static void moment(void *ctx, const struct yeon_cable_tap *tap)
{
  struct watch *w = ctx;
  if (w->pcap) yeon_pcapng_frame(w->pcap, w->interface[tap->direction], tap);
  if (!w->ladder) return;
  struct yeon_cable_tap shifted = *tap;
  shifted.at -= w->begin_at;
  shifted.sent_at -= w->begin_at;
  yeon_ladder_frame(w->ladder, tap->direction, &shifted);
}

static bool enters_cable(const struct net *n, unsigned direction)
{
  const struct yeon_cable_way *w = &n->way;
  return w->delay_us || w->loss_ppm || (yeon_cable_is_cut(n->cable) & (1u << direction));
}

static void on_frame(void *ctx, const struct yeon_link *link, bool outbound, const struct yeon_frame *frame,
                     yeon_time now)
{
  (void)link;
  struct watch *w = ctx;
  unsigned direction = outbound ? YEON_CABLE_AB : YEON_CABLE_BA;
  if (enters_cable(w->net, direction)) return;
  struct yeon_cable_tap tap = {.moment = YEON_MOMENT_SENT,
                               .direction = direction,
                               .number = ++w->number,
                               .sent_at = now,
                               .at = now,
                               .frame = frame};
  moment(w, &tap);
  tap.moment = YEON_MOMENT_DELIVERED;
  moment(w, &tap);
}

static void on_event(void *ctx, const struct yeon_event *event)
{
  struct watch *w = ctx;
  if (!w->ladder) return;
  struct yeon_event shifted = *event;
  shifted.at -= w->begin_at;
  if (event->type == YEON_EV_TIMER && event->u.timer.deadline != YEON_NEVER) shifted.u.timer.deadline -= w->begin_at;
  yeon_ladder_event(w->ladder, &shifted);
}

static void on_line(void *ctx, const char *line) { fprintf(ctx, "%s\n", line); }

static bool on_bytes(void *ctx, const void *bytes, size_t len) { return fwrite(bytes, 1, len, ctx) == len; }

static FILE *open_file(const struct net *n, const char *path)
{
  FILE *f = strcmp(path, "-") == 0 ? stdout : fopen(path, "wb");
  if (!f) fprintf(stderr, "%s: cannot write %s\n", n->program, path);
  return f;
}

static bool speaks_utf8(void)
{
  const char *names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
  for (unsigned i = 0; i < 3; i++) {
    const char *v = getenv(names[i]);
    if (v && *v) return strstr(v, "UTF-8") || strstr(v, "utf8") || strstr(v, "UTF8");
  }
  return false;
}

static int open_ladder(struct watch *w)
{
  w->ladder_file = open_file(w->net, w->net->ladder);
  if (!w->ladder_file) return -1;
  struct yeon_ladder_config config = {.name = {w->net->program, "kernel"},
                                      .host = {1, 2},
                                      .line = on_line,
                                      .ctx = w->ladder_file};
  if (speaks_utf8()) config.flags |= YEON_LADDER_UTF8;
  if (isatty(fileno(w->ladder_file))) config.flags |= YEON_LADDER_COLOUR;
  return yeon_ladder_new(&w->ladder, &config) == 0 ? 0 : -1;
}

static int open_pcap(struct watch *w, bool ethernet)
{
  w->pcap_file = open_file(w->net, w->net->pcap);
  if (!w->pcap_file || yeon_pcapng_new(&w->pcap, on_bytes, w->pcap_file) != 0) return -1;
  for (unsigned i = 0; i < 2; i++) {
    int number = yeon_pcapng_interface(w->pcap, i == 0 ? w->net->program : "kernel", ethernet);
    if (number < 0) return -1;
    w->interface[i] = (unsigned)number;
  }
  return 0;
}

int watch_open(struct net *n, struct yeon_link **link)
{
  if (!n->ladder && !n->pcap) return 0;
  struct watch *w = calloc(1, sizeof *w);
  if (!w) return -1;
  n->watch = w;
  w->net = n;
  w->number = (uint64_t)1 << 40;
  w->begin_at = yeon_loop_now(n->loop);
  if (n->ladder && open_ladder(w) != 0) return -1;
  if (n->pcap && open_pcap(w, (*link)->config.ethernet) != 0) return -1;
  struct yeon_link *tapped = NULL;
  if (yeon_link_with_tap(&tapped, *link, on_frame, w) != 0) return -1;
  *link = tapped;
  return 0;
}

void watch_attach(struct net *n)
{
  if (!n->watch) return;
  const uint32_t told = YEON_EV_BIT(YEON_EV_STATE) | YEON_EV_BIT(YEON_EV_RETRANSMIT) | YEON_EV_BIT(YEON_EV_TIMER) |
                        YEON_EV_BIT(YEON_EV_ERROR) | YEON_EV_BIT(YEON_EV_SEGMENT_IN);
  struct yeon_event_sink sink = {on_event, n->watch, told};
  struct yeon_event_sink cable = {on_event, n->watch, YEON_EV_BIT(YEON_EV_CABLE)};
  if (n->watch->ladder) yeon_host_set_sink(n->host, &sink);
  yeon_cable_set_sink(n->cable, &cable);
  yeon_cable_set_tap(n->cable, moment, n->watch);
}

void watch_close(struct net *n)
{
  struct watch *w = n->watch;
  if (!w) return;
  struct yeon_event_sink none = {NULL, NULL, 0};
  if (n->host) yeon_host_set_sink(n->host, &none);
  if (n->cable) yeon_cable_set_sink(n->cable, &none);
  if (n->cable) yeon_cable_set_tap(n->cable, NULL, NULL);
  yeon_ladder_free(w->ladder);
  if (w->pcap && yeon_pcapng_close(w->pcap) != 0) fprintf(stderr, "%s: %s is not complete\n", n->program, n->pcap);
  if (w->ladder_file && w->ladder_file != stdout) fclose(w->ladder_file);
  if (w->pcap_file && w->pcap_file != stdout) fclose(w->pcap_file);
  free(w);
  n->watch = NULL;
}
