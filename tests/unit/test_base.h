/* What the tests of base/ share: cmocka with what it needs, an allocator that counts and can refuse, and a check that a
 * broken invariant stops the program. */
#ifndef TEST_BASE_H
#define TEST_BASE_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/mem.h"

struct purse {
  uint64_t bytes;   /* handed out now */
  uint64_t calls;   /* of alloc, granted or not */
  uint64_t granted; /* calls that got memory */
  uint64_t allowed; /* calls still to be granted; UINT64_MAX: all */
};

static inline void *purse_alloc(void *ctx, size_t size)
{
  struct purse *purse = ctx;
  purse->calls++;
  if (purse->allowed == 0) return NULL;
  if (purse->allowed != UINT64_MAX) purse->allowed--;
  void *p = malloc(size);
  assert_non_null(p);
  memset(p, 0xa5, size);
  purse->bytes += size;
  purse->granted++;
  return p;
}

static inline void purse_free(void *ctx, void *p, size_t size)
{
  struct purse *purse = ctx;
  assert_true(purse->bytes >= size);
  purse->bytes -= size;
  memset(p, 0x5a, size);
  free(p);
}

static inline void purse_open(struct purse *purse, struct mem *mem)
{
  *purse = (struct purse){.allowed = UINT64_MAX};
  mem_init(mem, &(struct yeon_memory){purse_alloc, purse_free, purse});
}

/* True when act aborts. */
static inline bool stops(void (*act)(void *), void *arg)
{
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    (void)close(STDERR_FILENO);
    act(arg);
    _exit(0);
  }
  int status = 0;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

#endif
