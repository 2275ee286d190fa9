/* connections idle|timewait|halfopen N: bytes of heap that one of N such connections costs, and the time it took to establish one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crowd.h"

static const struct {
  const char *name;
  bool (*measure)(uint32_t n, struct crowd_weight *out);
} kinds[] = {{"idle", crowd_idle}, {"timewait", crowd_time_wait}, {"halfopen", crowd_half_open}};

static bool measure(const char *name, uint32_t n, struct crowd_weight *out)
{
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(name, kinds[i].name) == 0) return kinds[i].measure(n, out);
  fprintf(stderr, "connections: %s is not idle, timewait or halfopen\n", name);
  return false;
}

int main(int argc, char **argv)
{
  unsigned long n = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
  struct crowd_weight weight;
  if (n == 0 || n > 2000000) {
    fprintf(stderr, "usage: connections idle|timewait|halfopen N (1 .. 2000000)\n");
    return 2;
  }
  if (!measure(argv[1], (uint32_t)n, &weight)) {
    fprintf(stderr, "connections: %lu of the kind %s could not be made\n", n, argv[1]);
    return 1;
  }
  printf("active_bytes %.2f\npassive_bytes %.2f\nhost_bytes %.0f\nconnect_ns %.1f\n", weight.bytes[0], weight.bytes[1],
         weight.host_bytes, weight.connect_ns);
  return 0;
}
