/* The kernel as an end of a cable: a TUN device whose other side the lab reads and writes. The kernel is a neighbour in the lab's own subnets, 10.0.0.254
 * and fd00::fe, so that it finds the lab's hosts without a route. Nothing leads further: the lab's hosts know no gateway. Making the device needs the
 * right to (root, or root of a user and network namespace); with the same right it is given its addresses. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lab/interface.h"
#include "lab/setup.h"
#include "lab/tun.h"

#define KERNEL "kernel" /* what its end is called */

/* The kernel may be without IPv6: then it has one address less. */
static bool configure(const struct lab_host *h, const char *name)
{
  bool fine = lab_interface_address(name, &h->addr[0], 24) && lab_interface_up(name);
  (void)lab_interface_address(name, &h->addr[1], 64);
  return fine;
}

int lab_tun_open(struct lab *lab, const char *name, const char *host)
{
  int at = lab_host_find(lab, host != NULL ? host : "server");
  struct lab_host *h = &lab->hosts[lab->n_hosts];
  if (at < 0) {
    char names[LAB_HOSTS_MAX * (LAB_NAME_MAX + 2)];
    lab_host_names(lab, names, sizeof names);
    fprintf(stderr, "yeon: the lab has no host '%s' to join the kernel to; with --tun-host one of: %s\n", host != NULL ? host : "server", names);
    return 2;
  }
  if (lab->n_hosts == LAB_HOSTS_MAX || lab_host_find(lab, KERNEL) >= 0) {
    fprintf(stderr, "yeon: with --tun a lab has at most %d hosts, and none that is called '%s'\n", LAB_HOSTS_MAX - 1, KERNEL);
    return 2;
  }
  int rc = yeon_link_tun(&h->tun, name, 0);
  if (rc != 0) {
    fprintf(stderr, "yeon: the TUN device '%s' cannot be had: %s\n", name, yeon_error_text(rc));
    return 2;
  }
  strncpy(h->name, KERNEL, sizeof h->name - 1);
  (void)yeon_ip_parse("10.0.0.254", &h->addr[0]);
  (void)yeon_ip_parse("fd00::fe", &h->addr[1]);
  h->n_addrs = 2;
  lab->n_hosts++;
  if (!configure(h, h->tun->name))
    fprintf(stderr, "yeon: %s could not be set up (%s); do it yourself: ip addr add 10.0.0.254/24 dev %s; ip link set %s up\n", h->tun->name,
            strerror(errno), h->tun->name, h->tun->name);
  rc = lab_add_cable(lab, "tun", (unsigned)at, lab->n_hosts - 1);
  if (rc != 0) fprintf(stderr, "yeon: no cable to the TUN device: %s\n", yeon_error_text(rc));
  return rc == 0 ? 0 : 2;
}

static void on_device(uv_poll_t *poll, int status, int events)
{
  struct lab_host *h = poll->data;
  (void)status;
  if (events & UV_WRITABLE) yeon_link_send(h->tun, NULL, 0, lab_now());
  /* what can be read the pump reads, which runs behind this */
  uv_poll_start(poll, UV_READABLE | (yeon_link_blocked(h->tun) ? UV_WRITABLE : 0), on_device);
}

void lab_tun_poll(struct lab *lab)
{
  for (unsigned i = 0; i < lab->n_hosts; i++) {
    struct lab_host *h = &lab->hosts[i];
    if (h->tun == NULL) continue;
    uv_poll_init(&lab->loop, &lab->device, h->tun->fd);
    lab->device.data = h;
    uv_poll_start(&lab->device, UV_READABLE, on_device);
  }
}

void lab_give(struct lab *lab, const struct lab_end *to, size_t n, yeon_time now)
{
  struct lab_host *h = &lab->hosts[to->host];
  if (h->tun == NULL) {
    yeon_host_input(h->host, to->link, lab->frames, n, now);
    return;
  }
  yeon_link_send(h->tun, lab->frames, n, now);
  if (yeon_link_blocked(h->tun)) uv_poll_start(&lab->device, UV_READABLE | UV_WRITABLE, on_device);
}

size_t lab_take(struct lab *lab, const struct lab_end *from, const struct lab_end *to, yeon_time now)
{
  struct lab_host *h = &lab->hosts[from->host], *t = &lab->hosts[to->host];
  if (h->tun != NULL) return yeon_link_receive(h->tun, lab->frames, LAB_FRAMES, now);
  if (t->tun != NULL && yeon_link_blocked(t->tun)) return 0;
  return yeon_host_output(h->host, from->link, lab->frames, LAB_FRAMES, now);
}
