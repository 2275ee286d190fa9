/* yeon/cable.h: a cable between two ends: delay, jitter, rate, a queue, loss, bursts of loss, reordering, duplication,
 * corruption, and a cut, each direction on its own. Sans-I/O as a host is: frames are put in at one end, due frames are
 * taken out at the other, `now` is passed in. Simulations drive it with virtual time; wrapped around a real link it runs
 * on the monotonic clock. Same seed and same calls: same frames out.
 *
 * The way of a frame: queue of the sender's adapter (drop-tail, counted in bytes; it may mark frames CE above a
 * threshold, and be governed by CoDel) -> the line (rate_bps, through a token bucket if there is one; or the recorded
 * bandwidth of a trace) -> the wire (delay, jitter, and what else goes wrong) -> due at the far end. Jitter alone never
 * reorders; only `reorder` does. */
#ifndef YEON_CABLE_H
#define YEON_CABLE_H

#include <yeon/base.h>
#include <yeon/event.h>
#include <yeon/frame.h>
#include <yeon/host.h>

#ifdef __cplusplus
extern "C" {
#endif

struct yeon_cable;

/* A recorded bandwidth: instants at which the line lets YEON_CABLE_TRACE_BYTES through. Frames share what an instant
 * lets through and span several; what nobody waits for is wasted. At its end the trace begins anew. Every frame counts
 * 4 bytes more than it has, as where the format comes from (mahimahi, whose TUN frames have a header of 4 bytes), so
 * that one instant takes one IP packet of 1500. Never changes; counted references, all used by one thread. */
struct yeon_cable_trace;
#define YEON_CABLE_TRACE_BYTES 1504u
#define YEON_CABLE_TRACE_STAMPS 16777216u /* the longest */
/* ms[0..n): milliseconds from the trace's beginning, none before the one in front of it, the last not 0: it is the
 * trace's length. Copied. The caller has one reference. YEON_ERR_INVALID, YEON_ERR_NO_MEMORY. */
YEON_API int yeon_cable_trace_new(struct yeon_cable_trace **out, const uint32_t *ms, size_t n);
/* From a file of mahimahi's format: a stamp a line. YEON_ERR_INVALID: *line (may be NULL) is the first line, from 1,
 * that is no number or goes back in time; 0: no stamps, too many, or a length of 0. YEON_ERR_IO (errno says why),
 * YEON_ERR_NO_MEMORY. */
YEON_API int yeon_cable_trace_load(struct yeon_cable_trace **out, const char *path, unsigned *line);
/* One more reference; returns trace. */
YEON_API struct yeon_cable_trace *yeon_cable_trace_hold(struct yeon_cable_trace *trace);
/* Gives one back; the last frees it. NULL is allowed. */
YEON_API void yeon_cable_trace_release(struct yeon_cable_trace *trace);
/* Milliseconds until it begins anew, and how many bits a second it lets through on average. */
YEON_API uint32_t yeon_cable_trace_length_ms(const struct yeon_cable_trace *trace);
YEON_API uint64_t yeon_cable_trace_bps(const struct yeon_cable_trace *trace);

/* Directions, and the bits of a mask of directions. */
#define YEON_CABLE_AB 0u /* from end a to end b */
#define YEON_CABLE_BA 1u
#define YEON_CABLE_MASK_AB 1u
#define YEON_CABLE_MASK_BA 2u
#define YEON_CABLE_BOTH 3u

#define YEON_CABLE_ALWAYS 1000000u /* of the _ppm fields: every frame */

/* One direction. All zero: a perfect wire, at once and without limit. Probabilities are in frames of a million. */
struct yeon_cable_way {
  uint32_t delay_us;        /* propagation, at most 1,000,000,000 */
  uint32_t jitter_us;       /* added to delay, uniform in [0, jitter_us]; order is kept; at most 1,000,000,000 */
  uint64_t rate_bps;        /* bits a second, 0: infinite. All bytes of the frame count, nothing else does. */
  uint32_t queue_bytes;     /* frames that wait behind the one being sent; one that does not fit is dropped. 0: no limit
                              but max_frames. Meaningless without a rate or a trace, as the next six are. */
  uint32_t loss_ppm;        /* independent of one another */
  uint32_t burst_enter_ppm; /* Gilbert-Elliott: good -> bad, tried once a frame; 0: no bursts */
  /* bad -> good; a burst lasts 1e6/burst_leave_ppm frames on average; 0 with enter > 0 is refused. */
  uint32_t burst_leave_ppm;
  uint32_t burst_loss_ppm; /* loss while bad; 0 counts as YEON_CABLE_ALWAYS */
  uint32_t reorder_ppm;    /* these frames are late by reorder_us, and others may pass them */
  uint32_t reorder_us;     /* 0 with reorder_ppm > 0: 1000; at most 1,000,000,000 */
  uint32_t duplicate_ppm;  /* a second copy arrives right behind the first */
  uint32_t corrupt_ppm;    /* one bit, anywhere in the frame, is flipped (behind any link checksum: it does arrive) */
  /* Added to reorder_us of each such frame, uniform in [0, reorder_up_to_us]; with it, a reorder_us of 0 is 0. At most
   * 1,000,000,000. */
  uint32_t reorder_up_to_us;
  /* Token bucket: after a pause so many bytes leave at once, then rate_bps holds. Full at first; after new settings it
   * is empty if frames wait. At most 1,000,000,000; 0: none. Not with a trace. */
  uint32_t bucket_bytes;
  /* RFC 3168 with the threshold of RFC 8257: a frame that finds more bytes than this waiting (the one being sent does
   * not count) is marked CE if its IP header says ECT. 0: never. */
  uint32_t mark_bytes;
  /* RFC 8289: frames that have waited longer than this, for codel_interval_us without a pause, are dropped one by one,
   * ever faster. At most 1,000,000,000; 0: no CoDel. RFC 8289 advises 5000. */
  uint32_t codel_target_us;
  uint32_t codel_interval_us; /* at most 1,000,000,000; 0 with a target: 100,000 */
  uint32_t codel_marks;       /* 1: CoDel marks frames that say ECT instead of dropping them; 0 */
  uint32_t drop_above; /* bytes: larger frames are lost, and nobody is told: a black hole for path MTU discovery. 0: none */
  /* NULL: none. Takes the place of rate_bps. It begins when it is set (with yeon_cable_new: at the instant 0), and goes
   * on through changes of other settings. The caller's reference: the cable takes one of its own. */
  struct yeon_cable_trace *trace;
};

struct yeon_cable_config {
  struct yeon_cable_way way[2]; /* YEON_CABLE_AB, YEON_CABLE_BA */
  uint32_t id;                  /* stands in events */
  /* In the cable at once, each direction, 1 .. 1,048,576; 0: 65536. The newest beyond is dropped (QUEUE_FULL). */
  uint32_t max_frames;
  struct yeon_event_sink sink; /* YEON_EV_CABLE: cut, joined, set, and every frame that was not passed on as it came */
};

/* 0, or YEON_ERR_INVALID and *field (may be NULL) names the first field that is out of range. */
YEON_API int yeon_cable_way_check(const struct yeon_cable_way *way, const char **field);
/* "20 ms, 10 Mbit/s, loss 1%": what differs from a perfect wire; "perfect" if nothing does. Returns buf; YEON_CABLE_TEXT bytes are always enough. */
#define YEON_CABLE_TEXT 512
YEON_API char *yeon_cable_way_format(const struct yeon_cable_way *way, char *buf, size_t size);
/* Whether frames come out at once, all, and as they were put in. (A queue alone changes nothing: none forms.) */
YEON_API bool yeon_cable_way_perfect(const struct yeon_cable_way *way);

/* memory NULL, or its alloc NULL: malloc and free. YEON_ERR_INVALID, YEON_ERR_NO_MEMORY. */
YEON_API int yeon_cable_new(struct yeon_cable **out, const struct yeon_cable_config *config, uint64_t seed,
                            const struct yeon_memory *memory);
/* Frames inside are gone, silently. NULL is allowed. */
YEON_API void yeon_cable_free(struct yeon_cable *cable);

/* A frame enters at the sending end of `direction`. It is copied, mark and l3_offset with it; a PARTIAL checksum is completed in the
 * copy. 0: taken (what befalls it is the cable's business: a lost frame is taken too); YEON_ERR_UNSUPPORTED: a super-segment
 * (segs > 1), declare the link without YEON_LINK_GSO; YEON_ERR_INVALID: empty, longer than 65,589 bytes, or a checksum position outside
 * of it; YEON_ERR_NO_MEMORY. `now` must not go back; an earlier time is taken as the latest seen. */
YEON_API int yeon_cable_put(struct yeon_cable *cable, unsigned direction, const struct yeon_frame *frame,
                            yeon_time now);
/* Frames that are due at the receiving end of `direction`, oldest first, at most max; how many. The bytes belong to the cable and stay valid until the
 * next yeon_cable_take of the same direction, or yeon_cable_free. Each has one slice and csum YEON_CSUM_NONE. */
YEON_API size_t yeon_cable_take(struct yeon_cable *cable, unsigned direction, struct yeon_frame *out, size_t max,
                                yeon_time now);
/* When the next frame of either direction is due (possibly past: at once), or YEON_NEVER. With CoDel also when a frame
 * leaves the queue, for it is then that its fate is decided: yeon_cable_take may have nothing at that instant. */
YEON_API yeon_time yeon_cable_next(const struct yeon_cable *cable);
YEON_API yeon_time yeon_cable_next_way(const struct yeon_cable *cable, unsigned direction);

/* New settings for the directions of the mask. Frames that have left the sender arrive as planned; the one being sent finishes at the old
 * rate; those that wait are planned anew. CoDel begins anew unless its own settings stay. 0 or YEON_ERR_INVALID (then nothing changed). */
YEON_API int yeon_cable_set(struct yeon_cable *cable, unsigned mask, const struct yeon_cable_way *way, yeon_time now);
/* A direction that there is not has all zeros, here and in yeon_cable_stats. out->trace is good while it is set. */
YEON_API void yeon_cable_get(const struct yeon_cable *cable, unsigned direction, struct yeon_cable_way *out);

/* Pulls the plug for the directions of the mask: frames in the sender's queue and on the wire are swallowed, and all that are put until
 * yeon_cable_join. Frames already due at the far end (arrival <= now) have arrived. Cutting a cut direction changes nothing. */
YEON_API void yeon_cable_cut(struct yeon_cable *cable, unsigned mask, yeon_time now);
YEON_API void yeon_cable_join(struct yeon_cable *cable, unsigned mask, yeon_time now);
/* Mask of the directions that are cut now. */
YEON_API unsigned yeon_cable_is_cut(const struct yeon_cable *cable);

/* Everything that happens to every frame, for captures and ladders. */
enum yeon_cable_moment {
  YEON_MOMENT_SENT, /* put in; comes first for every frame, also for those that share one of the fates below at once */
  YEON_MOMENT_DELIVERED, /* handed out by yeon_cable_take; twice for a duplicated frame */
  YEON_MOMENT_LOST,      /* loss or burst; told when it is decided, which is when the frame is put in */
  YEON_MOMENT_QUEUE_FULL,
  YEON_MOMENT_SWALLOWED, /* by a cut: while in the cable, or put in while it was cut */
  YEON_MOMENT_CODEL,     /* dropped by CoDel as it left the queue */
  YEON_MOMENTS
};
struct yeon_cable_tap {
  enum yeon_cable_moment moment;
  unsigned direction;
  uint64_t number;   /* of the frame, counted from 1 in each direction; a duplicate has the number of its original */
  yeon_time sent_at; /* when it was put in */
  yeon_time at;      /* when this moment is: for DELIVERED the instant it was due, for CODEL when it
                        would have begun to be sent, else `now` of the call */
  bool duplicate, corrupted, reordered;
  bool marked; /* CE, by this cable */
  const struct yeon_frame *frame; /* valid during the call only; for DELIVERED with the corruption, if any */
};
/* Must not call back into the cable. fn NULL: nobody listens. */
typedef void yeon_cable_tap_fn(void *ctx, const struct yeon_cable_tap *tap);
YEON_API void yeon_cable_set_tap(struct yeon_cable *cable, yeon_cable_tap_fn *fn, void *ctx);
YEON_API void yeon_cable_set_sink(struct yeon_cable *cable, const struct yeon_event_sink *sink);

struct yeon_cable_stats {
  uint64_t put, put_bytes, delivered, delivered_bytes;                    /* frames; a duplicate is delivered twice */
  uint64_t lost, queue_full, swallowed, duplicated, reordered, corrupted; /* frames */
  uint64_t codel; /* dropped by CoDel */
  uint64_t marked; /* CE, by threshold or CoDel; those that came so too */
  uint32_t waiting_bytes; /* behind the frame being sent, as of the latest call */
  uint32_t inside;        /* frames in the cable, as of the latest call (lost ones not counted) */
};
YEON_API void yeon_cable_stats(const struct yeon_cable *cable, unsigned direction, struct yeon_cable_stats *out);

#ifdef __cplusplus
}
#endif
#endif
