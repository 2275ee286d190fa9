/* The memory of one world. Two kinds: a region that can be copied away and back as a whole (snapshots), or blocks of malloc (which the
 * sanitizers watch). Both check that a block is given back once, with the size it was asked with, and not written beyond; new bytes
 * hold a pattern of the caller's choice, so that reading them before writing shows as a difference between two runs. */
#ifndef TESTS_ARENA_H
#define TESTS_ARENA_H

#include <yeon/host.h>

struct arena;

/* region: copies can be taken. Never NULL (the test ends when the machine has no memory). */
struct arena *arena_new(bool region, uint8_t pattern);
/* Gives everything back, whether it was freed or not. */
void arena_free(struct arena *a);
/* Forgets all that is in a region; as new. */
void arena_reset(struct arena *a, uint8_t pattern);
/* Every refuse_one_in-th allocation (on average) is refused; 0: none. */
void arena_starve(struct arena *a, uint32_t refuse_one_in, uint64_t seed);
struct yeon_memory arena_memory(struct arena *a);
/* Bytes and blocks not given back. */
uint64_t arena_live_bytes(const struct arena *a);
uint64_t arena_live_blocks(const struct arena *a);
uint64_t arena_refused(const struct arena *a);
/* A copy of all that the region holds; for arena_restore and free(). Region only. */
void *arena_save(const struct arena *a);
void arena_restore(struct arena *a, const void *copy);

#endif
