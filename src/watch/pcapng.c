/* pcapng files (draft-ietf-opsawg-pcapng 4.1 section header, 4.2 interface description, 4.3 enhanced packet).
 *
 * A frame is written once, at its sender's end, with the instant it was sent. What became of it is known later, and belongs in a comment of
 * the same block, so frames wait in a queue until the oldest one's fate is known; then they are written in the order they were sent.
 * All is written little-endian, whatever this machine is: the same run gives the same file everywhere. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yeon/watch.h>

#include "watch/text.h"

#define BLOCK_SECTION 0x0a0d0d0au
#define BLOCK_INTERFACE 1u
#define BLOCK_PACKET 6u
#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define LINKTYPE_ETHERNET 1u
#define LINKTYPE_RAW 101u /* begins with an IPv4 or IPv6 header */
#define OPTION_END 0u
#define OPTION_COMMENT 1u
#define OPTION_IF_NAME 2u
#define OPTION_IF_TSRESOL 9u
#define OPTION_SHB_USERAPPL 4u
#define OPTION_EPB_FLAGS 2u
#define FLAG_INBOUND 1u
#define FLAG_OUTBOUND 2u
#define WAITING_MAX 65536u /* frames held back; the oldest is written with its fate unknown when there are more */

struct held {
  struct held *next;
  yeon_time at;
  yeon_time done_at; /* when its fate was known, if it is */
  uint64_t number;
  uint32_t interface;
  uint32_t len;
  bool known;
  char comment[96];
  uint8_t bytes[];
};

struct yeon_pcapng {
  yeon_write_fn *write;
  void *ctx;
  bool failed;
  uint32_t interfaces;
  uint32_t waiting;
  struct held *first, *last;
};

struct block {
  uint8_t head[512]; /* everything before the frame's bytes, or the whole block */
  size_t len;
};

static void put32(struct block *b, uint32_t v)
{
  assert(b->len + 4 <= sizeof b->head);
  for (unsigned i = 0; i < 4; i++) b->head[b->len++] = (uint8_t)(v >> (8 * i));
}

static void put16(struct block *b, uint32_t v)
{
  assert(b->len + 2 <= sizeof b->head);
  b->head[b->len++] = (uint8_t)v;
  b->head[b->len++] = (uint8_t)(v >> 8);
}

static void put_bytes(struct block *b, const void *p, size_t len)
{
  assert(b->len + len + 3 <= sizeof b->head);
  if (len > 0) memcpy(b->head + b->len, p, len);
  b->len += len;
  while (b->len % 4 != 0) b->head[b->len++] = 0;
}

static void put_option(struct block *b, uint32_t code, const void *p, size_t len)
{
  put16(b, code);
  put16(b, (uint32_t)len);
  put_bytes(b, p, len);
}

static void put_text(struct block *b, uint32_t code, const char *text)
{
  size_t len = strlen(text);
  put_option(b, code, text, len < 200 ? len : 200);
}

static void send_bytes(struct yeon_pcapng *pcap, const void *p, size_t len)
{
  if (!pcap->failed && len > 0 && !pcap->write(pcap->ctx, p, len)) pcap->failed = true;
}

/* A block whose inside is `body`: type and length before it, the length once more behind it. */
static void send_block(struct yeon_pcapng *pcap, uint32_t type, const struct block *body)
{
  struct block frame = {.len = 0};
  uint32_t total = (uint32_t)body->len + 12;
  put32(&frame, type);
  put32(&frame, total);
  send_bytes(pcap, frame.head, frame.len);
  send_bytes(pcap, body->head, body->len);
  frame.len = 0;
  put32(&frame, total);
  send_bytes(pcap, frame.head, frame.len);
}

int yeon_pcapng_new(struct yeon_pcapng **out, yeon_write_fn *write, void *ctx)
{
  struct yeon_pcapng *pcap = calloc(1, sizeof *pcap);
  if (pcap == NULL) return YEON_ERR_NO_MEMORY;
  pcap->write = write;
  pcap->ctx = ctx;
  struct block b = {.len = 0};
  char name[40];
  snprintf(name, sizeof name, "yeon %s", yeon_version());
  put32(&b, BYTE_ORDER_MAGIC);
  put16(&b, 1);
  put16(&b, 0);
  put32(&b, 0xffffffff); /* the section's length is not told */
  put32(&b, 0xffffffff);
  put_text(&b, OPTION_SHB_USERAPPL, name);
  put_option(&b, OPTION_END, NULL, 0);
  send_block(pcap, BLOCK_SECTION, &b);
  if (pcap->failed) {
    free(pcap);
    return YEON_ERR_IO;
  }
  *out = pcap;
  return 0;
}

int yeon_pcapng_interface(struct yeon_pcapng *pcap, const char *name, bool ethernet)
{
  struct block b = {.len = 0};
  uint8_t nanoseconds = 9;
  put16(&b, ethernet ? LINKTYPE_ETHERNET : LINKTYPE_RAW);
  put16(&b, 0);
  put32(&b, 0); /* frames are whole */
  put_text(&b, OPTION_IF_NAME, name);
  put_option(&b, OPTION_IF_TSRESOL, &nanoseconds, 1);
  put_option(&b, OPTION_END, NULL, 0);
  send_block(pcap, BLOCK_INTERFACE, &b);
  if (pcap->failed) return YEON_ERR_IO;
  return (int)pcap->interfaces++;
}

static void write_packet(struct yeon_pcapng *pcap, uint32_t interface, uint32_t direction, yeon_time at,
                         const void *bytes, size_t len, const char *comment)
{
  static const uint8_t zeros[4] = {0};
  uint8_t flags[4] = {(uint8_t)direction, 0, 0, 0};
  struct block head = {.len = 0}, options = {.len = 0}, tail = {.len = 0};
  size_t padding = (4 - len % 4) % 4;
  if (comment != NULL && comment[0] != '\0') put_text(&options, OPTION_COMMENT, comment);
  put_option(&options, OPTION_EPB_FLAGS, flags, sizeof flags);
  put_option(&options, OPTION_END, NULL, 0);
  uint32_t total = (uint32_t)(32 + len + padding + options.len);
  put32(&head, BLOCK_PACKET);
  put32(&head, total);
  put32(&head, interface);
  put32(&head, (uint32_t)((uint64_t)at >> 32));
  put32(&head, (uint32_t)at);
  put32(&head, (uint32_t)len);
  put32(&head, (uint32_t)len);
  put32(&tail, total);
  send_bytes(pcap, head.head, head.len);
  send_bytes(pcap, bytes, len);
  send_bytes(pcap, zeros, padding);
  send_bytes(pcap, options.head, options.len);
  send_bytes(pcap, tail.head, tail.len);
}

void yeon_pcapng_bytes(struct yeon_pcapng *pcap, unsigned interface, bool outbound, yeon_time at, const void *bytes,
                       size_t len, const char *comment)
{
  if (interface >= pcap->interfaces) return;
  write_packet(pcap, interface, outbound ? FLAG_OUTBOUND : FLAG_INBOUND, at, bytes, len, comment);
}

/* Writes from the oldest on as long as the fate was known before now (a frame that arrives twice does so in one instant), and
 * in any case all but the newest `keep`. */
static void drain(struct yeon_pcapng *pcap, yeon_time now, uint32_t keep)
{
  while (pcap->first != NULL && ((pcap->first->known && pcap->first->done_at < now) || pcap->waiting > keep)) {
    struct held *h = pcap->first;
    write_packet(pcap, h->interface, FLAG_OUTBOUND, h->at, h->bytes, h->len, h->comment);
    pcap->first = h->next;
    if (pcap->first == NULL) pcap->last = NULL;
    pcap->waiting--;
    free(h);
  }
}

static void hold(struct yeon_pcapng *pcap, unsigned interface, const struct yeon_cable_tap *tap)
{
  struct held *h = malloc(sizeof *h + tap->frame->len);
  if (h == NULL) {
    pcap->failed = true;
    return;
  }
  *h = (struct held){.at = tap->sent_at, .number = tap->number, .interface = interface, .len = tap->frame->len};
  yeon_frame_copy(tap->frame, h->bytes, tap->frame->len);
  if (pcap->last != NULL)
    pcap->last->next = h;
  else
    pcap->first = h;
  pcap->last = h;
  pcap->waiting++;
  drain(pcap, tap->at, WAITING_MAX);
}

static void comment_on(struct held *h, const struct yeon_cable_tap *tap)
{
  static const char *const fates[YEON_MOMENTS] = {
      [YEON_MOMENT_LOST] = "lost on the cable",
      [YEON_MOMENT_QUEUE_FULL] = "dropped: the sender's queue was full",
      [YEON_MOMENT_SWALLOWED] = "swallowed by the cut cable",
      [YEON_MOMENT_CODEL] = "dropped by CoDel as it left the queue",
  };
  struct text t = {h->comment, sizeof h->comment, strlen(h->comment)};
  const char *between = t.len > 0 ? "; " : "";
  if (tap->moment < YEON_MOMENTS && fates[tap->moment] != NULL) text_add(&t, "%s%s", between, fates[tap->moment]);
  if (tap->duplicate)
    text_add(&t, "%s%s", between, "arrived twice");
  else if (tap->corrupted)
    text_add(&t, "%s%s", between, "a bit was flipped on the way");
  else if (tap->reordered)
    text_add(&t, "%s%s", between, "held up, others may have passed it");
  h->known = true;
  h->done_at = tap->at;
}

void yeon_pcapng_frame(struct yeon_pcapng *pcap, unsigned interface, const struct yeon_cable_tap *tap)
{
  if (interface >= pcap->interfaces) return;
  if (tap->moment == YEON_MOMENT_SENT) {
    hold(pcap, interface, tap);
    return;
  }
  for (struct held *h = pcap->first; h != NULL; h = h->next) {
    if (h->interface != interface || h->number != tap->number) continue;
    comment_on(h, tap);
    break;
  }
  drain(pcap, tap->at, WAITING_MAX);
}

int yeon_pcapng_close(struct yeon_pcapng *pcap)
{
  if (pcap == NULL) return 0;
  drain(pcap, YEON_NEVER, 0);
  int result = pcap->failed ? YEON_ERR_IO : 0;
  free(pcap);
  return result;
}
