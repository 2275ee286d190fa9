/* Those who watch a lab: captures, ladders, summaries. Each writes into a descriptor that its client has handed over with LAB_WATCH. */
#ifndef LAB_WATCH_H
#define LAB_WATCH_H

#include <yeon/watch.h>

#include "lab/lab.h"
#include "lab/outlet.h"

/* What had been counted when a summary began. */
struct lab_baseline {
  struct yeon_counters host[LAB_HOSTS_MAX];
  uint64_t frames[LAB_CABLES_MAX][2], bytes[LAB_CABLES_MAX][2], swallowed[LAB_CABLES_MAX][2];
};

/* Cuts as a summary sees them. */
struct lab_cuts {
  unsigned count;
  yeon_time cut_at[LAB_CABLES_MAX];    /* when it became cut in any direction; YEON_NEVER: it is whole */
  uint64_t last_id[LAB_CABLES_MAX];    /* of the connections of the host at end a, when it was cut */
  yeon_time longest;                   /* that came to an end, 0: none */
  yeon_time survived;                  /* longest through which a connection lived, 0: none */
  unsigned survivors;                  /* of that one */
};

enum lab_watch_kind {
  LAB_WATCH_CAPTURE,
  LAB_WATCH_LADDER,
  LAB_WATCH_SUMMARY,
  LAB_WATCH_DONE, /* sees nothing any more; its reader has not taken all yet */
  LAB_WATCH_STOP  /* no watcher: a request that is answered when its client has no other here */
};

struct lab_watch {
  struct lab_watch *next;
  struct lab *lab;
  struct lab_client *client; /* NULL: the lab's own */
  uint64_t id;               /* of the request, for the answer at its end */
  enum lab_watch_kind kind;
  struct lab_outlet out;
  bool over;                 /* to be finished by the next tick */
  bool captured, whole;      /* DONE: it was a capture; all could be made into bytes */
  yeon_time until;           /* YEON_NEVER: no limit */
  uint64_t limit, frames;    /* frames to be captured (0: no limit), captured so far */
  uint64_t left_out;         /* because the reader was too slow */
  struct yeon_pcapng *pcap;
  yeon_time epoch;           /* from the machine's monotonic clock to the time of day */
  int interface[LAB_CABLES_MAX][2]; /* by the end that sends */
  struct yeon_ladder *ladder;
  unsigned left, right;      /* hosts of the ladder */
  yeon_time drawn_at;        /* when the ladder was last given something; YEON_NEVER: all is drawn */
  struct lab_baseline *before; /* summary */
  struct lab_cuts cuts;
};

/* A request: words as for a command, and the descriptor (taken over, or closed). Answered once it has begun and once more at its end.
 * No words, or "stop": all of the client's end now. */
void lab_watch_ask(struct lab *lab, struct lab_client *client, struct lab_letter *letter, int fd);
/* The lab's own, from its configuration. 0, or 2 and a line on standard error. */
int lab_watch_own(struct lab *lab, const struct yeon_lab_config *config);
/* The client is gone, its watchers with it. NULL: everybody's. */
void lab_watch_end(struct lab *lab, struct lab_client *client);

/* summary.c */
bool lab_summary_begin(struct lab_watch *w);
/* The cable was cut (more), or joined (a part). */
void lab_summary_cable(struct lab_watch *w, unsigned cable, bool cut, yeon_time now);
void lab_summary_write(struct lab_watch *w);

#endif
