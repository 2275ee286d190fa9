#define _GNU_SOURCE
/* A packet socket on an Ethernet interface, usually one end of a veth pair: what a process without root has.
 *
 * Receiving goes through a ring of slots that the kernel fills and we give back (TPACKET_V2): frames are handed on
 * where they lie, no system call and no copy of ours. Sending gathers with sendmmsg. Offloads as on TUN
 * (PACKET_VNET_HDR): a veth pair hands super-segments and unfinished checksums through, so the header is needed even
 * by those who want neither. Read packet(7). */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link/link.h"

#define SLOT_BYTES 69632u /* the longest frame with the kernel's header before it, in whole pages of 4 KB */
#define SLOTS_PER_BLOCK 15u
#define BLOCKS_MAX 16u
#define BATCH 32u /* frames sent by one call; and slots lent out at once */

struct packet {
  struct yeon_link link;
  uint8_t *ring;
  size_t ring_bytes;
  unsigned slots;
  unsigned next;     /* the slot the kernel fills next */
  unsigned lent;     /* slots before `next` whose bytes the caller still reads */
  yeon_time look_at; /* when to ask for an error of the socket again */
  struct link_held held;
};

static struct packet *packet_of(struct yeon_link *link) { return (struct packet *)link; }

static struct tpacket2_hdr *slot_at(const struct packet *p, unsigned slot)
{
  return (struct tpacket2_hdr *)(void *)(p->ring + (size_t)slot * SLOT_BYTES);
}

static void give_back(struct packet *p)
{
  for (; p->lent > 0; p->lent--) {
    struct tpacket2_hdr *h = slot_at(p, (p->next + p->slots - p->lent) % p->slots);
    __atomic_store_n(&h->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
  }
}

static bool read_slot(const struct tpacket2_hdr *h, struct yeon_frame *f)
{
  const uint8_t *bytes = (const uint8_t *)h + h->tp_mac;
  if (h->tp_snaplen < ETH_HLEN || h->tp_snaplen != h->tp_len) return false;
  struct virtio_net_hdr vnet;
  memcpy(&vnet, bytes - sizeof vnet, sizeof vnet);
  yeon_frame_from_bytes(f, bytes, h->tp_snaplen);
  f->l3_offset = ETH_HLEN;
  return link_vnet_parse(&vnet, f);
}

/* An interface that goes down leaves an error on the socket, and poll would report that for ever: reading it takes it away.
 * A ring is read without system calls, so this is asked now and then. */
static void take_error(struct packet *p, yeon_time now)
{
  int error = 0;
  socklen_t len = sizeof error;
  if (now < p->look_at) return;
  p->look_at = now + 50 * YEON_MS;
  if (getsockopt(p->link.fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error != 0) p->link.stats.last_errno = error;
}

static size_t packet_receive(struct yeon_link *link, struct yeon_frame *frames, size_t max, yeon_time now)
{
  struct packet *p = packet_of(link);
  size_t n = 0;
  give_back(p);
  while (n < max && p->lent < BATCH) {
    struct tpacket2_hdr *h = slot_at(p, p->next);
    if ((__atomic_load_n(&h->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER) == 0) break;
    p->next = (p->next + 1) % p->slots;
    p->lent++;
    if (read_slot(h, &frames[n]))
      link_count_in(link, &frames[n++]);
    else
      link->stats.dropped_in++;
  }
  if (n == 0) take_error(p, now);
  return n;
}

struct batch {
  struct mmsghdr msgs[BATCH];
  struct iovec iov[BATCH][YEON_FRAME_SLICES + 1];
  struct virtio_net_hdr vnet[BATCH];
};

/* Hands n <= BATCH frames to the kernel; how many it is done with (sent, or dropped and counted). Fewer: it would
 * wait. */
static size_t send_batch(struct packet *p, const struct yeon_frame *frames, size_t n)
{
  struct batch b;
  for (size_t i = 0; i < n; i++) {
    link_vnet_emit(&frames[i], &b.vnet[i]);
    memset(&b.msgs[i], 0, sizeof b.msgs[i]);
    b.msgs[i].msg_hdr.msg_iov = b.iov[i];
    b.msgs[i].msg_hdr.msg_iovlen = (size_t)link_gather(&frames[i], &b.vnet[i], sizeof b.vnet[i], b.iov[i]);
  }
  size_t done = 0;
  while (done < n) {
    int sent = sendmmsg(p->link.fd, b.msgs + done, (unsigned)(n - done), MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (sent < 0) { /* the first one was refused: no room in a queue, or the interface is down */
      p->link.stats.dropped_out++;
      p->link.stats.last_errno = errno;
      done++;
      continue;
    }
    for (int i = 0; i < sent; i++) link_count_out(&p->link, &frames[done + (size_t)i]);
    done += (size_t)sent;
  }
  return done;
}

static void hold(struct packet *p, const struct yeon_frame *f)
{
  struct virtio_net_hdr h;
  link_vnet_emit(f, &h);
  if (link_hold(&p->held, &h, sizeof h, f))
    link_count_out(&p->link, f);
  else
    p->link.stats.dropped_out++;
}

static void packet_send(struct yeon_link *link, const struct yeon_frame *frames, size_t n, yeon_time now)
{
  (void)now;
  struct packet *p = packet_of(link);
  bool open = link_flush(&p->held, link->fd, &link->stats);
  size_t i = 0;
  while (open && i < n) {
    size_t want = n - i < BATCH ? n - i : BATCH;
    size_t done = send_batch(p, frames + i, want);
    i += done;
    open = done == want;
  }
  for (; i < n; i++) hold(p, &frames[i]);
}

static bool packet_blocked(const struct yeon_link *link) { return ((const struct packet *)link)->held.first != NULL; }

static void packet_close(struct yeon_link *link)
{
  struct packet *p = packet_of(link);
  if (p->ring) munmap(p->ring, p->ring_bytes);
  if (link->fd >= 0) close(link->fd);
  link_held_free(&p->held);
  free(p);
}

static int set_int(int fd, int level, int option, int value)
{
  return setsockopt(fd, level, option, &value, sizeof value) == 0 ? 0 : link_error(errno);
}

/* Index, MTU and address of the interface. */
static int look_at(struct packet *p, const char *ifname, int *index)
{
  struct ifreq ifr;
  memset(&ifr, 0, sizeof ifr);
  memcpy(ifr.ifr_name, ifname, strlen(ifname));
  if (ioctl(p->link.fd, SIOCGIFINDEX, &ifr) != 0) return YEON_ERR_INVALID;
  *index = ifr.ifr_ifindex;
  if (ioctl(p->link.fd, SIOCGIFMTU, &ifr) != 0) return link_error(errno);
  p->link.config.mtu = (uint16_t)(ifr.ifr_mtu > 65535 ? 65535 : ifr.ifr_mtu);
  if (ioctl(p->link.fd, SIOCGIFHWADDR, &ifr) != 0) return link_error(errno);
  if (ifr.ifr_hwaddr.sa_family != ARPHRD_ETHER) return YEON_ERR_INVALID;
  memcpy(p->link.config.mac, ifr.ifr_hwaddr.sa_data, 6);
  p->link.config.mac[0] = (uint8_t)((p->link.config.mac[0] | 2) & ~1); /* locally administered, one station */
  p->link.config.mac[5] ^= 0x80;                                       /* and not the interface's own */
  return 0;
}

static int map_ring(struct packet *p)
{
  int rc = set_int(p->link.fd, SOL_PACKET, PACKET_VERSION, TPACKET_V2);
  if (rc != 0) return rc;
  unsigned blocks = BLOCKS_MAX;
  struct tpacket_req req;
  do {
    req = (struct tpacket_req){SLOT_BYTES * SLOTS_PER_BLOCK, blocks, SLOT_BYTES, SLOTS_PER_BLOCK * blocks};
    rc = setsockopt(p->link.fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof req) == 0 ? 0 : link_error(errno);
    blocks /= 2;
  } while (rc == YEON_ERR_NO_MEMORY && blocks > 0);
  if (rc != 0) return rc;
  p->ring_bytes = (size_t)req.tp_block_size * req.tp_block_nr;
  void *at = mmap(NULL, p->ring_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, p->link.fd, 0);
  if (at == MAP_FAILED) return link_error(errno);
  p->ring = at;
  p->slots = req.tp_frame_nr;
  return 0;
}

static int attach(struct packet *p, const char *ifname)
{
  int index = 0;
  int rc = look_at(p, ifname, &index);
  if (rc == 0) rc = set_int(p->link.fd, SOL_PACKET, PACKET_VNET_HDR, 1);
  if (rc == 0) rc = map_ring(p);
  if (rc != 0) return rc;
  (void)set_int(p->link.fd, SOL_PACKET, PACKET_IGNORE_OUTGOING,
                1);                                          /* older kernels: the host drops what is not for it */
  (void)set_int(p->link.fd, SOL_SOCKET, SO_SNDBUF, 8 << 20); /* as far as the system's limit allows */
  struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = index};
  if (bind(p->link.fd, (struct sockaddr *)&to, sizeof to) != 0) return link_error(errno);
  struct packet_mreq m = {.mr_ifindex = index, .mr_type = PACKET_MR_PROMISC};
  if (setsockopt(p->link.fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &m, sizeof m) != 0) return link_error(errno);
  link_set_name(&p->link, ifname);
  return 0;
}

int yeon_link_packet(struct yeon_link **out, const char *ifname, unsigned flags)
{
  static const struct yeon_link_ops ops = {packet_receive, packet_send, packet_blocked, NULL, packet_close};
  if ((flags & ~YEON_LINK_PLAIN) != 0 || !ifname || !*ifname || strlen(ifname) >= IFNAMSIZ) return YEON_ERR_INVALID;
  struct packet *p = calloc(1, sizeof *p);
  if (!p) return YEON_ERR_NO_MEMORY;
  p->link.ops = &ops;
  p->link.config.ethernet = true;
  if ((flags & YEON_LINK_PLAIN) == 0) p->link.config.offload = YEON_LINK_CSUM | YEON_LINK_GSO;
  /* Protocol 0: deaf until bound to the one interface. */
  p->link.fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int rc = p->link.fd < 0 ? link_error(errno) : attach(p, ifname);
  if (rc != 0) {
    packet_close(&p->link);
    return rc;
  }
  *out = &p->link;
  return 0;
}
