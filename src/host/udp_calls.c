/* The one UDP call that begins at the host. */
#include "host/host.h"

int yeon_udp_open(struct yeon_host *host, struct yeon_udp **out) { return udp_open(&host->udp, out); }
