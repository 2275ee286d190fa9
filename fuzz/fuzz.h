/* What a fuzz target gives to the two programs that can be made of it: with libFuzzer, which brings its own main,
 * and with replay.c, which plays the seeds and a repeatable number of mutations of them where libFuzzer is not at
 * hand. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#define FUZZ_INPUT_MAX 2048 /* bytes */

/* Lower-case hexadecimal texts of valid inputs, the last one NULL. */
extern const char *const fuzz_seeds[];
extern const unsigned fuzz_mutations; /* how many of them replay.c plays: some seconds under the sanitizers */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
