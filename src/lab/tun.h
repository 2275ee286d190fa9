/* The kernel as an end of a cable. */
#ifndef LAB_TUN_H
#define LAB_TUN_H

#include "lab/lab.h"

/* A TUN device of that name, joined to a host of the lab (NULL: server). 0, or 2 and a line on standard error. */
int lab_tun_open(struct lab *lab, const char *name, const char *host);
/* Once the loop runs: wakes the pump when frames come. */
void lab_tun_poll(struct lab *lab);
/* lab->frames go in at this end of a cable; come out of it (how many), towards the other end. Hosts and devices alike. */
void lab_give(struct lab *lab, const struct lab_end *to, size_t n, yeon_time now);
size_t lab_take(struct lab *lab, const struct lab_end *from, const struct lab_end *to, yeon_time now);

#endif
