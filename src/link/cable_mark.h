/* Congestion Experienced. */
#ifndef LINK_CABLE_MARK_H
#define LINK_CABLE_MARK_H

#include "link/cable_packet.h"

/* RFC 3168 5: sets CE in the IP header (IPv4: and mends its checksum) of a packet that says ECT, or CE already. False: it says neither,
 * or is no IP packet. */
bool mark_ce(struct packet *p);

#endif
