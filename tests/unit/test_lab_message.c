/* lab/message: what a supervisor and a lab say to one another, and what is refused. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab/message.h"

static struct lab_letter *letter(void **state) { return *state; }

static int make(void **state)
{
  *state = test_calloc(1, sizeof(struct lab_letter));
  return *state == NULL;
}

static int drop(void **state)
{
  test_free(*state);
  return 0;
}

static void pair(int s[2]) { assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s), 0); }

static void close_pair(const int s[2])
{
  close(s[0]);
  close(s[1]);
}

static void head_payload_and_descriptor(void **state)
{
  int s[2], pipe_ends[2], fd;
  char byte = 0;
  pair(s);
  assert_int_equal(pipe(pipe_ends), 0);
  struct lab_message m = {.kind = LAB_ACCEPT, .id = 0x123456789abcdef0, .ino = 77, .result = -EINVAL, .len = 5, .arg = {1, -2, 3, -4}};
  assert_int_equal(lab_message_send(s[0], &m, "hello", pipe_ends[1]), 0);
  assert_int_equal(lab_message_receive(s[1], letter(state), &fd), 1);
  const struct lab_message *got = &letter(state)->head;
  assert_int_equal(got->kind, LAB_ACCEPT);
  assert_true(got->id == m.id && got->ino == 77 && got->result == -EINVAL && got->arg[1] == -2 && got->arg[3] == -4);
  assert_int_equal(got->version, LAB_VERSION);
  assert_memory_equal(letter(state)->payload, "hello", 5);
  assert_true(fd >= 0 && fd != pipe_ends[1]);
  assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
  assert_int_equal(write(fd, "x", 1), 1);
  assert_int_equal(read(pipe_ends[0], &byte, 1), 1);
  assert_int_equal(byte, 'x');
  close(fd);
  close_pair(pipe_ends);
  close_pair(s);
}

static void greatest_payload(void **state)
{
  int s[2], fd, size = 1 << 20;
  struct lab_letter *big = test_calloc(1, sizeof *big);
  pair(s);
  assert_int_equal(setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size), 0);
  memset(big->payload, 0x5a, LAB_PAYLOAD);
  big->head = (struct lab_message){.kind = LAB_SENDTO, .len = LAB_PAYLOAD};
  assert_int_equal(lab_message_send(s[0], &big->head, big->payload, -1), 0);
  assert_int_equal(lab_message_receive(s[1], letter(state), &fd), 1);
  assert_int_equal(fd, -1);
  assert_memory_equal(letter(state)->payload, big->payload, LAB_PAYLOAD);
  test_free(big);
  close_pair(s);
}

static void nothing_there_and_gone(void **state)
{
  int s[2], fd;
  pair(s);
  assert_int_equal(lab_message_receive(s[1], letter(state), &fd), -EAGAIN);
  close(s[0]);
  assert_int_equal(lab_message_receive(s[1], letter(state), &fd), 0);
  struct lab_message m = {.kind = LAB_GONE};
  assert_int_equal(lab_message_send(s[1], &m, NULL, -1), -EPIPE);
  close(s[1]);
}

static int told(void **state, const void *bytes, size_t len)
{
  int s[2], fd = -2;
  pair(s);
  assert_int_equal(send(s[0], bytes, len, 0), (ssize_t)len);
  int rc = lab_message_receive(s[1], letter(state), &fd);
  assert_int_equal(fd, -1);
  close_pair(s);
  return rc;
}

static void nonsense(void **state)
{
  struct lab_message good = {.version = LAB_VERSION, .kind = LAB_BIND}, m = good;
  assert_int_equal(told(state, &good, sizeof good), 1);
  assert_int_equal(told(state, &good, sizeof good - 1), -EPROTO);
  m.version++;
  assert_int_equal(told(state, &m, sizeof m), -EPROTO);
  m = good;
  m.kind = LAB_KINDS;
  assert_int_equal(told(state, &m, sizeof m), -EPROTO);
  m = good;
  m.len = 1; /* and none is there */
  assert_int_equal(told(state, &m, sizeof m), -EPROTO);
  m.len = UINT32_MAX;
  assert_int_equal(told(state, &m, sizeof m), -EPROTO);
}

/* A descriptor that comes with nonsense is closed, not leaked. */
static void nonsense_with_descriptor(void **state)
{
  int s[2], ends[2], fd;
  char byte;
  pair(s);
  assert_int_equal(pipe(ends), 0);
  struct lab_message m = {.kind = LAB_KINDS};
  assert_int_equal(lab_message_send(s[0], &m, NULL, ends[1]), 0);
  close(ends[1]);
  assert_int_equal(lab_message_receive(s[1], letter(state), &fd), -EPROTO);
  assert_int_equal(fd, -1);
  assert_int_equal(read(ends[0], &byte, 1), 0);
  close(ends[0]);
  close_pair(s);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(head_payload_and_descriptor, make, drop), cmocka_unit_test_setup_teardown(greatest_payload, make, drop),
      cmocka_unit_test_setup_teardown(nothing_there_and_gone, make, drop),      cmocka_unit_test_setup_teardown(nonsense, make, drop),
      cmocka_unit_test_setup_teardown(nonsense_with_descriptor, make, drop),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
