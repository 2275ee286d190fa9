/* The memory of one host: one region of addresses, so that the host is saved by copying it away and set back by copying it back. Blocks are
 * taken one after another; what is given back is taken again for the same size. Wrong use ends the program. */
#ifndef EXPLORE_REGION_H
#define EXPLORE_REGION_H

#include <yeon/base.h>

struct region;

struct region *region_new(void);
void region_free(struct region *r);
/* Forgets all blocks; as new. */
void region_reset(struct region *r);
struct yeon_memory region_memory(struct region *r);
/* Bytes taken and not given back. */
uint64_t region_live(const struct region *r);
/* Bytes from the region's start on that a copy must hold. */
size_t region_used(const struct region *r);
void region_save(const struct region *r, void *copy);
void region_restore(struct region *r, const void *copy);

#endif
