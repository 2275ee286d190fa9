#define _GNU_SOURCE
/* A TUN device: bare IP packets through a descriptor. With IFF_VNET_HDR a packet may be a super-segment of 64 KB in
 * either direction and leave its checksum to whoever needs it, so one system call moves what would be 45 segments;
 * without, one call moves one. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link/link.h"

#define BATCH_SUPER 8 /* super-segments read at once: half a megabyte stays in the cache */
#define BATCH_PLAIN 64

struct tun {
  struct yeon_link link;
  bool vnet;    /* a struct virtio_net_hdr stands before every packet */
  size_t batch; /* buffers */
  size_t size;  /* bytes of each */
  uint8_t *buffers;
  struct link_held held;
};

static struct tun *tun_of(struct yeon_link *link) { return (struct tun *)link; }

/* One packet into buffer `i`. False: nothing there. */
static bool receive_one(struct tun *t, size_t i, struct yeon_frame *f, bool *good)
{
  uint8_t *buf = t->buffers + i * t->size;
  size_t skip = t->vnet ? LINK_VNET : 0;
  ssize_t n;
  do n = read(t->link.fd, buf, t->size);
  while (n < 0 && errno == EINTR);
  if (n < 0) {
    if (errno != EAGAIN && errno != EWOULDBLOCK) t->link.stats.last_errno = errno;
    return false;
  }
  *good = (size_t)n > skip && (size_t)n < t->size; /* a full buffer may be a packet cut short */
  if (!*good) return true;
  yeon_frame_from_bytes(f, buf + skip, (size_t)n - skip);
  if (t->vnet) {
    struct virtio_net_hdr h;
    memcpy(&h, buf, sizeof h);
    *good = link_vnet_parse(&h, f);
  }
  return true;
}

static size_t tun_receive(struct yeon_link *link, struct yeon_frame *frames, size_t max, yeon_time now)
{
  (void)now;
  struct tun *t = tun_of(link);
  size_t n = 0;
  if (max > t->batch) max = t->batch;
  for (size_t tries = 0; n < max && tries < t->batch; tries++) {
    bool good = false;
    if (!receive_one(t, n, &frames[n], &good)) break;
    if (good)
      link_count_in(link, &frames[n++]);
    else
      link->stats.dropped_in++;
  }
  return n;
}

static void send_one(struct tun *t, const struct yeon_frame *f)
{
  struct virtio_net_hdr h;
  size_t header = 0;
  if (t->vnet) {
    link_vnet_emit(f, &h);
    header = sizeof h;
  }
  struct iovec iov[YEON_FRAME_SLICES + 1];
  int parts = link_gather(f, &h, header, iov);
  ssize_t n = -1;
  if (!t->held.first) {
    do n = writev(t->link.fd, iov, parts);
    while (n < 0 && errno == EINTR);
  }
  if (n >= 0) {
    link_count_out(&t->link, f);
    return;
  }
  bool later = t->held.first || errno == EAGAIN || errno == EWOULDBLOCK;
  if (later && link_hold(&t->held, &h, header, f)) {
    link_count_out(&t->link, f);
    return;
  }
  if (!later) t->link.stats.last_errno = errno;
  t->link.stats.dropped_out++;
}

static void tun_send(struct yeon_link *link, const struct yeon_frame *frames, size_t n, yeon_time now)
{
  (void)now;
  struct tun *t = tun_of(link);
  link_flush(&t->held, link->fd, &link->stats);
  for (size_t i = 0; i < n; i++) send_one(t, &frames[i]);
}

static bool tun_blocked(const struct yeon_link *link) { return ((const struct tun *)link)->held.first != NULL; }

static void tun_close(struct yeon_link *link)
{
  struct tun *t = tun_of(link);
  if (link->fd >= 0) close(link->fd);
  link_held_free(&t->held);
  free(t->buffers);
  free(t);
}

static int read_mtu(const char *name, uint16_t *mtu)
{
  int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (s < 0) return link_error(errno);
  struct ifreq ifr;
  memset(&ifr, 0, sizeof ifr);
  memcpy(ifr.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
  int rc = ioctl(s, SIOCGIFMTU, &ifr) == 0 ? 0 : link_error(errno);
  close(s);
  if (rc == 0) *mtu = (uint16_t)(ifr.ifr_mtu > 65535 ? 65535 : ifr.ifr_mtu);
  return rc;
}

/* Attaches the descriptor to the device; t->link.name becomes the device's. */
static int attach(struct tun *t, const char *name, bool vnet)
{
  struct ifreq ifr;
  memset(&ifr, 0, sizeof ifr);
  ifr.ifr_flags = (short)(IFF_TUN | IFF_NO_PI | (vnet ? IFF_VNET_HDR : 0));
  if (name) memcpy(ifr.ifr_name, name, strlen(name));
  if (ioctl(t->link.fd, TUNSETIFF, &ifr) != 0) return link_error(errno);
  link_set_name(&t->link, ifr.ifr_name);
  t->vnet = vnet;
  /* What this end can take: unfinished checksums and TCP super-segments of either family. */
  if (vnet && ioctl(t->link.fd, TUNSETOFFLOAD, (unsigned long)(TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6)) == 0)
    t->link.config.offload = YEON_LINK_CSUM | YEON_LINK_GSO;
  else if (ioctl(t->link.fd, TUNSETOFFLOAD, 0UL) != 0 && errno != EINVAL)
    return link_error(errno); /* the device may still remember what an earlier user of it could take */
  return read_mtu(t->link.name, &t->link.config.mtu);
}

static int make_buffers(struct tun *t)
{
  bool super = (t->link.config.offload & YEON_LINK_GSO) != 0;
  t->batch = super ? BATCH_SUPER : BATCH_PLAIN;
  t->size =
      super || t->link.config.mtu > 9000 ? LINK_FRAME_MAX : 9216; /* the MTU may be raised while we run, in reason */
  t->buffers = malloc(t->batch * t->size);
  return t->buffers ? 0 : YEON_ERR_NO_MEMORY;
}

int yeon_link_tun(struct yeon_link **out, const char *name, unsigned flags)
{
  static const struct yeon_link_ops ops = {tun_receive, tun_send, tun_blocked, NULL, tun_close};
  if ((flags & ~YEON_LINK_PLAIN) != 0 || (name && strlen(name) >= IFNAMSIZ)) return YEON_ERR_INVALID;
  struct tun *t = calloc(1, sizeof *t);
  if (!t) return YEON_ERR_NO_MEMORY;
  t->link.ops = &ops;
  t->link.fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  int rc = t->link.fd < 0 ? link_error(errno) : attach(t, name, (flags & YEON_LINK_PLAIN) == 0);
  if (rc == 0) rc = make_buffers(t);
  if (rc != 0) {
    tun_close(&t->link);
    return rc;
  }
  *out = &t->link;
  return 0;
}
