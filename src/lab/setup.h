/* Hosts and cables are made here. */
#ifndef LAB_SETUP_H
#define LAB_SETUP_H

#include "lab/lab.h"

/* As the plan of the configuration says. 0, or an enum yeon_error. */
int lab_setup(struct lab *lab, const struct yeon_lab_config *config);
/* A cable between two hosts by number, with a link at each. 0, or an enum yeon_error. */
int lab_add_cable(struct lab *lab, const char *name, unsigned a, unsigned b);
/* The host at this end finds that address behind it. */
void lab_neighbour(struct lab *lab, const struct lab_end *at, const struct yeon_ip *ip);
/* The plan's schedule begins. 0, or 2 and told on standard error. */
int lab_setup_steps(struct lab *lab, const struct yeon_lab_plan *plan);
void lab_teardown(struct lab *lab);

#endif
