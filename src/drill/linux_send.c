/* How Linux measures its send buffer, where scripts see it: bytes are taken a piece at a time, a piece is as long as
 * one super-segment may be, and the limits are looked at only where a new piece begins. So a write may overshoot the
 * limit by most of a piece, and its result tells how long pieces are. The host below is given a buffer without such
 * limits. */
#include <yeon/tcp.h>

#include "drill/run.h"
#include "tcp/internal.h"

#define SUPER_MAX 65000 /* bytes of a super-segment, about */
#define WAKE_SHARE 3    /* a writer is woken when a third of the buffer is free */
#define PIECE_COST 1280 /* bytes of bookkeeping that a piece counts for besides its own */

static uint32_t unsent(const struct yeon_tcp_info *info)
{
  uint32_t sent = info->snd_max - info->snd_una;
  return info->snd_queued > sent ? info->snd_queued - sent : 0;
}

/* No more than half of the largest window the peer has offered, in whole segments. */
static int64_t piece_size(const struct drill_fd *fd, const struct yeon_tcp_info *info)
{
  int64_t mss = info->snd_mss > 0 ? info->snd_mss : 536, most = fd->tcp->max_snd_wnd / 2;
  if (most > SUPER_MAX || most == 0) most = SUPER_MAX;
  return most < mss ? mss : most / mss * mss;
}

/* What is queued, with its bookkeeping. */
static int64_t charged(const struct yeon_tcp_info *info, int64_t piece)
{
  return info->snd_queued + (info->snd_queued + piece - 1) / piece * PIECE_COST;
}

/* What a segment costs with its bookkeeping, as Linux reckons when it lets the buffer grow with the congestion
 * window. */
static int64_t segment_cost(uint32_t mss)
{
  int64_t data = 256;
  while (data < (int64_t)mss + 640) data *= 2;
  return data + 256;
}

static void grow(const struct drill_run *r, struct drill_fd *fd, const struct yeon_tcp_info *info)
{
  int64_t segments = info->cwnd / info->snd_mss;
  int64_t grown = 2 * (segments < 10 ? 10 : segments) * segment_cost(info->snd_mss);
  if (grown > (int64_t)r->options.sndbuf_max) grown = r->options.sndbuf_max;
  if (grown > fd->sndbuf_auto) fd->sndbuf_auto = grown;
}

int64_t linux_send_buffer(struct drill_run *r, struct drill_fd *fd)
{
  struct yeon_tcp_info info;
  if (fd->sndbuf_set != 0) return fd->sndbuf_set;
  if (fd->sndbuf_auto == 0) fd->sndbuf_auto = r->options.sndbuf;
  yeon_tcp_info(fd->tcp, &info);
  if (fd->sndbuf_grows || info.state < YEON_TCP_ESTABLISHED || info.snd_mss == 0) return fd->sndbuf_auto;
  fd->sndbuf_grows = true;
  fd->una_seen = info.snd_una;
  grow(r, fd, &info); /* when the connection stands; from then on with acknowledgments */
  return fd->sndbuf_auto;
}

static int64_t lowat(const struct drill_run *r, const struct drill_fd *fd)
{
  if (fd->notsent_lowat_set && fd->notsent_lowat != 0) return fd->notsent_lowat;
  return r->notsent_lowat >= 0 ? r->notsent_lowat : INT64_MAX / 4;
}

int64_t linux_send_room(struct drill_run *r, struct drill_fd *fd, int64_t len)
{
  struct yeon_tcp_info info;
  yeon_tcp_info(fd->tcp, &info);
  int64_t piece = piece_size(fd, &info), waiting = unsent(&info), tail = fd->written - fd->chunk_at;
  if (tail > waiting) tail = waiting; /* the front of the piece has left */
  if (charged(&info, piece) + len + len / piece * PIECE_COST < linux_send_buffer(r, fd) && lowat(r, fd) > UINT32_MAX) {
    fd->chunk_at = fd->written + len / piece * piece; /* no limit in sight: pieces do not matter */
    return len;
  }
  if (tail == 0 || tail >= piece) {
    if (charged(&info, piece) >= linux_send_buffer(r, fd) || waiting >= lowat(r, fd)) {
      fd->no_space = true;
      return 0;
    }
    fd->chunk_at = fd->written;
    tail = 0;
  }
  return len < piece - tail ? len : piece - tail;
}

bool linux_push_forced(const struct drill_fd *fd, int64_t n)
{
  return fd->tcp->max_snd_wnd > 0 && fd->written + n - fd->pushed > fd->tcp->max_snd_wnd / 2;
}

void linux_send_acked(struct drill_run *r, struct drill_fd *fd)
{
  struct yeon_tcp_info info;
  yeon_tcp_info(fd->tcp, &info);
  if (info.state < YEON_TCP_ESTABLISHED || info.snd_mss == 0 || info.snd_una == fd->una_seen) return;
  fd->una_seen = info.snd_una;
  if (!fd->no_space) return;
  bool room = info.snd_max - info.snd_una < info.cwnd; /* what fills the window needs no larger buffer */
  if (room && fd->sndbuf_set == 0) grow(r, fd, &info);
  if (!linux_send_ready(r, fd)) return;
  fd->no_space = false;
  fd->activity_out++;
}

bool linux_send_ready(struct drill_run *r, struct drill_fd *fd)
{
  struct yeon_tcp_info info;
  yeon_tcp_info(fd->tcp, &info);
  if (info.state == YEON_TCP_CLOSED) return true;
  int64_t limit = linux_send_buffer(r, fd);
  return WAKE_SHARE * charged(&info, piece_size(fd, &info)) <= (WAKE_SHARE - 1) * limit &&
         2 * (int64_t)unsent(&info) < lowat(r, fd);
}
