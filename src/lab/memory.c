/* The memory of programs. */
#define _GNU_SOURCE
#include <sys/uio.h>

#include "lab/run.h"

static void *address(uint64_t at)
{
  union {
    uint64_t number;
    void *pointer;
  } u = {.number = at};
  return u.pointer;
}

bool run_read(pid_t tid, uint64_t at, void *out, size_t len)
{
  struct iovec here = {out, len}, there = {address(at), len};
  return len == 0 || process_vm_readv(tid, &here, 1, &there, 1, 0) == (ssize_t)len;
}

bool run_write(pid_t tid, uint64_t at, const void *bytes, size_t len)
{
  union {
    const void *shown;
    void *given;
  } u = {.shown = bytes};
  struct iovec here = {u.given, len}, there = {address(at), len};
  return len == 0 || process_vm_writev(tid, &here, 1, &there, 1, 0) == (ssize_t)len;
}

bool run_write_addr(pid_t tid, uint64_t at, uint64_t len_at, const void *bytes, size_t len)
{
  int32_t room, full = (int32_t)len;
  if (at == 0 || len_at == 0) return true;
  if (!run_read(tid, len_at, &room, sizeof room)) return false;
  if (room < 0) return false;
  if (!run_write(tid, at, bytes, (size_t)room < len ? (size_t)room : len)) return false;
  return run_write(tid, len_at, &full, sizeof full);
}
