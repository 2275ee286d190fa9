/* The ladder's inside.
 *
 * Taps and events become rows (ladder_events.c, ladder_label.c); rows stand in one queue in the order of their instants
 * (ladder_rows.c), because a segment's row can be drawn only when its fate is known. Rows that leave the queue are drawn
 * (ladder_draw.c), runs of alike ones folded. What is known of each connection, seen from outside, is kept in ladder_conn.c. */
#ifndef WATCH_LADDER_H
#define WATCH_LADDER_H

#include <yeon/watch.h>

#include "watch/canvas.h"
#include "watch/packet.h"
#include "watch/text.h"

enum row_kind {
  ROW_FRAME, /* an arrow from one side to the other */
  ROW_SIDE,  /* text at one side: a call, a state, a timer, an error */
  ROW_WIDE,  /* text between the two lifelines or over the full width */
  ROW_CABLE, /* a heavy line through everything */
  ROW_RAW    /* text as it is */
};

/* What became of a frame. */
enum row_fate { FATE_FLYING, FATE_ARRIVED, FATE_LOST, FATE_QUEUE_FULL, FATE_SWALLOWED, FATE_CODEL };

enum row_mark { MARK_NONE, MARK_CALL, MARK_STATE, MARK_TIMER, MARK_ERROR, MARK_DROP, MARK_GAP, MARK_OPENING };

struct row {
  struct row *next;
  yeon_time at;      /* when it was sent, or happened */
  yeon_time done_at; /* when its fate was known; FATE_ARRIVED: when it arrived; MARK_GAP: the later end's instant */
  uint64_t number;   /* of the frame on its cable */
  uint32_t conn;     /* number of its connection, 0: none */
  uint32_t payload;  /* bytes */
  uint32_t seq;      /* as on the wire, to find it again */
  uint8_t kind, side, fate, mark, style;
  bool plain; /* one of the many: may be folded */
  /* Of a transfer that goes on: data, an ACK, a send or recv; folded when its kind has been shown often enough. */
  bool bulk;
  bool duplicate, corrupted, reordered, marked;
  bool again;     /* a retransmission */
  bool datagram;  /* UDP, or a fragment */
  bool by_call;   /* MARK_STATE: the application's call did it; the call's row will take this one over */
  bool win_known; /* the window is the one this end has shown before: may be left out */
  char *words;    /* a note's text, owned; else NULL */
  char text[200]; /* flags, seq, ack, len; or the text */
  char win[24];
  char why[64]; /* why it is sent again; what the receiver made of it */
  char opts[120];
};

#define AGAIN_MAX 16 /* hosts send in batches of about this many: so many may be told before the first is seen */

/* A connection between the two ends, as an onlooker knows it. */
struct ladder_conn {
  struct yeon_addr end[2];
  uint32_t number; /* from 1, in the order of appearance */
  uint32_t iss[2]; /* if has_iss */
  uint32_t top[2]; /* the highest sequence number sent, plus one, if has_iss */
  uint32_t win[2]; /* shown last, bytes */
  bool has_iss[2], has_win[2];
  int8_t wscale[2]; /* offered in the SYN; -1: not */
  uint8_t state[2];
  bool asked_accurate, accurate; /* AE, CWR, ECE are one number (RFC 9768 3.2.2) */
  yeon_time established_at[2]; /* YEON_NEVER: not (yet) */
  bool gap_told, opening_told;
  struct ladder_again {
    uint32_t seq, len;
    uint16_t count;
    uint8_t why;
    bool waiting; /* told by the sender, its segment not seen yet */
  } again[2][AGAIN_MAX];
  uint8_t next_again[2];
  yeon_time timer_at[2]; /* when a timer of this end fired last */
  uint8_t timer[2];      /* which: enum yeon_tcp_timer */
};

/* Kinds of rows that a transfer repeats. Of each the first few are drawn. */
enum fold_kind { FOLD_PLAIN, FOLD_LOST, FOLD_AGAIN, FOLD_REORDERED, FOLD_SACK, FOLD_ODD, FOLD_DROPPED, FOLD_KINDS };

struct ladder_fold {
  struct row *first, *last; /* rows held back: at most FOLD_TAIL, or a few more when nothing is folded yet */
  unsigned held;
  unsigned shown[FOLD_KINDS];                            /* rows drawn since the transfer began, or was disturbed */
  uint64_t segments[2], datagrams[2], bytes[2], acks[2]; /* folded away, by side */
  uint64_t kinds[FOLD_KINDS];                            /* likewise, by kind */
  yeon_time from, to;
};

struct yeon_ladder {
  struct yeon_ladder_config config; /* names are our own copies */
  char name[2][32];
  struct canvas canvas;
  struct row *first, *last; /* waiting to be drawn */
  struct ladder_fold fold;
  struct ladder_conn *conns;
  uint32_t n_conns, cap_conns, n_numbers;
  yeon_time now;       /* of the newest input */
  yeon_time drawn_at;  /* the latest instant drawn; YEON_NEVER: none */
  yeon_time flight[2]; /* how long the latest frame of each side took; 0: not known */
  uint64_t n_seen;     /* frames given to yeon_ladder_seen */
  uint64_t no_memory;  /* rows that could not be kept */
  bool headed;         /* the names have been drawn */
};

/* ladder_rows.c */
/* A zeroed row at the end of the queue; NULL: no memory (counted). */
struct row *ladder_row_add(struct yeon_ladder *l, enum row_kind kind, unsigned side, yeon_time at);
/* The newest row with this mark of this side, connection and instant, NULL: none. */
struct row *ladder_row_recent(struct yeon_ladder *l, enum row_mark mark, unsigned side, uint32_t conn, yeon_time at);
/* The newest frame row of a side on its way with this number. */
struct row *ladder_row_flying(struct yeon_ladder *l, unsigned side, uint64_t number);
void ladder_row_free(struct row *row);
/* Draws the rows that are complete and older than now; all: every row. */
void ladder_rows_drain(struct yeon_ladder *l, yeon_time now, bool all);

/* ladder_conn.c */
/* The connection between these two ends (in either order of the sides: end[0] is the left one's); made if need be. NULL: no memory. */
struct ladder_conn *ladder_conn_find(struct yeon_ladder *l, const struct yeon_addr *left,
                                     const struct yeon_addr *right);
/* Learns from a segment that `side` sends; says whether it is one sent before. */
bool ladder_conn_sent(struct yeon_ladder *l, struct ladder_conn *c, unsigned side, const struct wire_tcp *h,
                      uint32_t len);
/* The sequence number as it is shown. */
uint32_t ladder_conn_show(const struct yeon_ladder *l, const struct ladder_conn *c, unsigned side, uint32_t seq);
/* Bytes of the window in a segment of `side`. */
uint32_t ladder_conn_window(const struct ladder_conn *c, unsigned side, const struct wire_tcp *h);

/* ladder_label.c */
/* A row for a frame that `side` puts on the cable. NULL: not one to show. */
struct row *ladder_label(struct yeon_ladder *l, unsigned side, const struct yeon_cable_tap *tap);

/* ladder_events.c */
void ladder_event(struct yeon_ladder *l, unsigned side, const struct yeon_event *event);

/* ladder_draw.c */
void ladder_draw(struct yeon_ladder *l, const struct row *row);
/* The line that stands for what was folded away. */
void ladder_draw_fold(struct yeon_ladder *l);

#endif
