/* yeon/watch.h: consumers of events and frames: the ladder (two ends side by side in time), pcapng captures, header fields in words,
 * and the figures of a run. They only look on: nothing here changes what a host or a cable does. */
#ifndef YEON_WATCH_H
#define YEON_WATCH_H

#include <yeon/base.h>
#include <yeon/cable.h>
#include <yeon/event.h>
#include <yeon/frame.h>
#include <yeon/host.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Gets one line of text at a time, without its newline; valid during the call only. */
typedef void yeon_line_fn(void *ctx, const char *line);

/* ---- The ladder: two columns, one per end; every segment a line between them. ----
 *
 * Feed it the events of both hosts and the taps of the cable(s) between them, in order of time. A segment's line stands where it was
 * sent and tells when it arrived, so it is drawn only when its fate is known; what follows waits behind it. */
struct yeon_ladder;

#define YEON_LADDER_COLOUR 0x01u
#define YEON_LADDER_UTF8 0x02u     /* else ASCII */
#define YEON_LADDER_ALL 0x04u      /* no folding of long runs of alike segments, and every timer */
#define YEON_LADDER_ABSOLUTE 0x08u /* sequence numbers as on the wire, and the values of timestamps */

struct yeon_ladder_config {
  const char *name[2]; /* of the left and the right end; copied, at most 31 characters; NULL: "left", "right" */
  uint32_t host[2];    /* their ids, as in events */
  uint32_t flags;      /* YEON_LADDER_* */
  uint16_t width;      /* columns, 0: 80; 60..200 */
  uint8_t decimals;    /* of the times in seconds, 0: 3; at most 9 */
  uint16_t port;       /* only connections and datagrams with this port at either end; 0: all */
  yeon_line_fn *line;  /* gets the drawing; must not be NULL */
  void *ctx;
};

/* 0, YEON_ERR_INVALID, YEON_ERR_NO_MEMORY. */
YEON_API int yeon_ladder_new(struct yeon_ladder **out, const struct yeon_ladder_config *config);
/* Draws what is left first (as yeon_ladder_flush). NULL is allowed. */
YEON_API void yeon_ladder_free(struct yeon_ladder *ladder);
/* An event of either host, of a cable between them, or a YEON_EV_NOTE (host 0: over the full width). Others are ignored. What an end
 * does with third hosts is the caller's to leave out. */
YEON_API void yeon_ladder_event(struct yeon_ladder *ladder, const struct yeon_event *event);
/* A moment of a frame on the cable between them. from: 0, the left end sent it, or 1. */
YEON_API void yeon_ladder_frame(struct yeon_ladder *ladder, unsigned from, const struct yeon_cable_tap *tap);
/* A frame of a link with no cable to tell its fate: seen at one end, at `at`, as sent (from 0: by the left end) and as arrived. */
YEON_API void yeon_ladder_seen(struct yeon_ladder *ladder, unsigned from, const struct yeon_frame *frame, yeon_time at);
/* A line of the scenario itself over the full width, in its place in time. */
enum yeon_ladder_tone {
  YEON_TONE_PLAIN,
  YEON_TONE_GOOD,
  YEON_TONE_WARN,
  YEON_TONE_BAD,
  YEON_TONE_RAW /* as it is, without the lifelines: tables, header fields */
};
YEON_API void yeon_ladder_note(struct yeon_ladder *ladder, yeon_time at, enum yeon_ladder_tone tone, const char *text);
/* One line of text as a ladder with these flags would write it (colour, ASCII), for what is said where no ladder stands. */
YEON_API void yeon_ladder_line(const char *text, unsigned flags, enum yeon_ladder_tone tone, yeon_line_fn *line,
                               void *ctx);
/* Draws everything held back; segments whose fate is not known yet are drawn as still on their way. */
YEON_API void yeon_ladder_flush(struct yeon_ladder *ladder);
/* Flushes, and draws the names of the two ends again with the next line. */
YEON_API void yeon_ladder_restart(struct yeon_ladder *ladder);

/* ---- pcapng (draft-ietf-opsawg-pcapng): every frame once, as its sender put it on the cable, nanoseconds; what became of those that did not
 * arrive as they left stands in a comment. ---- */
struct yeon_pcapng;
/* Gets the bytes of the file in order. False: it could not write; nothing more will be handed to it. */
typedef bool yeon_write_fn(void *ctx, const void *bytes, size_t len);
/* The section header is written at once. YEON_ERR_NO_MEMORY, YEON_ERR_IO. */
YEON_API int yeon_pcapng_new(struct yeon_pcapng **out, yeon_write_fn *write, void *ctx);
/* One end of a cable. Its interface number, or YEON_ERR_NO_MEMORY, YEON_ERR_IO. name: for readers, as "client, cable 1". */
YEON_API int yeon_pcapng_interface(struct yeon_pcapng *pcap, const char *name, bool ethernet);
/* A moment of a frame; interface: the end of the cable that sent it. One that was never given out: not written. */
YEON_API void yeon_pcapng_frame(struct yeon_pcapng *pcap, unsigned interface, const struct yeon_cable_tap *tap);
/* A frame that needs no cable: sent (or received) at `at`, in one piece. comment may be NULL. */
YEON_API void yeon_pcapng_bytes(struct yeon_pcapng *pcap, unsigned interface, bool outbound, yeon_time at,
                                const void *bytes, size_t len, const char *comment);
/* Writes what is held back and frees. YEON_ERR_IO: some of the file could not be written. NULL is allowed. */
YEON_API int yeon_pcapng_close(struct yeon_pcapng *pcap);

/* ---- Header fields in words: a line each: where it stands, its bits, its value, what it means. ---- */
/* The whole frame from the IP header (l3_offset 0) or the Ethernet header on. 0, or YEON_ERR_INVALID when the bytes are no such
 * frame: what could be read was written, and the last line says what is wrong. */
YEON_API int yeon_fields_write(const void *bytes, size_t len, bool ethernet, yeon_line_fn *line, void *ctx);

/* What a frame is, in one line without its payload: "TCP 10.0.0.1:49152 > 10.0.0.2:80 SYN seq 5".
 * Returns buf; 200 bytes are always enough. */
YEON_API char *yeon_frame_describe(const void *bytes, size_t len, bool ethernet, char *buf, size_t size);

/* ---- The figures of a run: what was counted while it lasted, for a closing line. ---- */
struct yeon_tally {
  uint64_t segments, payload_bytes, datagrams,
      other; /* TCP segments put on cables and the bytes in them; UDP; the rest */
  uint64_t lost, queue_full, swallowed, duplicated, corrupted, reordered;
  uint64_t retransmissions, timeouts,
      fast_retransmits;    /* segments sent again; timers that fired; first ones of a fast recovery */
  uint64_t resets, errors; /* RST segments; connections that failed */
  uint64_t opened,
      closed; /* connections that reached ESTABLISHED, that reached CLOSED or TIME-WAIT, counted at each end */
  yeon_time first_at, last_at; /* of the frames; YEON_NEVER: none */
};
YEON_API void yeon_tally_init(struct yeon_tally *tally);
YEON_API void yeon_tally_event(struct yeon_tally *tally, const struct yeon_event *event);
YEON_API void yeon_tally_frame(struct yeon_tally *tally, const struct yeon_cable_tap *tap);
/* "12 segments, 3 of them again; 2 lost". Returns buf; 200 bytes are always enough. */
YEON_API char *yeon_tally_format(const struct yeon_tally *tally, char *buf, size_t size);

#ifdef __cplusplus
}
#endif
#endif
