/* What a connection weighs in each of the states in which there may be very many: bytes of heap per record, tables, slack and all, with
 * ten thousand of them. `make bench` measures the same with a million. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../bench/crowd.h"
#include "tcp/internal.h"

#define MANY 10000
#define IDLE_BYTES 384
#define TIME_WAIT_BYTES 64
#define HALF_OPEN_BYTES 96

static void holds(const char *what, double bytes, double least, double most)
{
  if (bytes >= least && bytes <= most) return;
  fail_msg("%s: %.2f bytes a record; wanted %.0f to %.0f", what, bytes, least, most);
}

/* The lower bounds are the records alone: a figure below them would mean that the measurement has missed something. */
static void idle_connection(void **state)
{
  struct crowd_weight weight;
  (void)state;
  assert_true(crowd_idle(MANY, &weight));
  holds("idle, active end", weight.bytes[0], sizeof(struct yeon_tcp), IDLE_BYTES);
  holds("idle, passive end", weight.bytes[1], sizeof(struct yeon_tcp), IDLE_BYTES);
}

static void time_wait(void **state)
{
  struct crowd_weight weight;
  (void)state;
  assert_true(crowd_time_wait(MANY, &weight));
  holds("TIME-WAIT", weight.bytes[1], sizeof(struct tcp_time_wait), TIME_WAIT_BYTES);
  /* Ports and tables of the end that waits for nothing stay below a tenth of a record. */
  holds("closed", weight.bytes[0], 0, IDLE_BYTES / 10);
}

static void half_open(void **state)
{
  struct crowd_weight weight;
  (void)state;
  assert_true(crowd_half_open(MANY, &weight));
  holds("half-open", weight.bytes[1], sizeof(struct tcp_half_open), HALF_OPEN_BYTES);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(idle_connection),
      cmocka_unit_test(time_wait),
      cmocka_unit_test(half_open),
  };
  return cmocka_run_group_tests_name("budgets", tests, NULL, NULL);
}
