/* Feeds bytes to the runner of scripts: whatever they are, it ends, says why unless all went as scripted, and leaves nothing behind. */
#include <stdlib.h>
#include <string.h>

#include <yeon/drill.h>

#include "fuzz.h"

#define HORIZON_MS 5000 /* virtual: no script may keep the fuzzer long */

/* A connection with code in it, and a datagram with a setting, a structure and a choice. */
const unsigned fuzz_mutations = 20000;
const char *const fuzz_seeds[] = {
    "3020736f636b6574282e2e2e2c20534f434b5f53545245414d2c20495050524f544f5f54435029203d20330a2b302062696e6428332c202e2e"
    "2e2c202e2e2e29203d20300a2b30206c697374656e28332c203129203d20300a2b30203c205320303a302830292077696e203130303030203c"
    "6d737320313030302c7361636b4f4b2c54532076616c20312065637220302c6e6f702c777363616c6520373e0a2b30203e20532e20303a3028"
    "30292061636b2031203c2e2e2e3e0a2b2e31203c202e20313a312830292061636b20312077696e203235370a2b302061636365707428332c20"
    "2e2e2e2c202e2e2e29203d20340a2b3020257b2061737365727420746370695f756e61636b6564203d3d203020616e64202831203c3c203329"
    "203e2032207d250a2b3020777269746528342c202e2e2e2c203130303029203d20313030300a2b30203e20502e20313a313030312831303030"
    "292061636b20310a",
    "2d2d746f6c6572616e63655f75736563733d313030300a30206073797363746c202d71206e65742e697076342e7463705f7361636b3d31600a"
    "3020736f636b6574282e2e2e2c20534f434b5f444752414d2c20495050524f544f5f55445029203d20330a2b3020736574736f636b6f707428"
    "332c20534f4c5f534f434b45542c20534f5f5245555345414444522c205b315d2c203429203d20300a2b302062696e6428332c202e2e2e2c20"
    "2e2e2e29203d20300a2b30203c2075647020283130290a2b30207265637666726f6d28332c202e2e2e2c203130302c20302c207b73615f6661"
    "6d696c79203d2041465f494e45542c2073696e5f706f7274203d2068746f6e732838303830297d2c205b31365d29203d2031300a2b302e2e2e"
    "3120706f6c6c285b7b66643d332c206576656e74733d504f4c4c494e7c504f4c4c4f55542c20726576656e74733d504f4c4c4f55547d5d2c20"
    "312c2031303029203d20310a",
    NULL,
};

static void check(bool holds)
{
  if (!holds) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct yeon_drill_config c;
  struct yeon_drill_result r;
  yeon_drill_config_init(&c);
  c.profile = size & 1 ? YEON_PROFILE_FREEBSD : YEON_PROFILE_LINUX;
  c.horizon_ms = HORIZON_MS;
  c.any_time = c.any_options = c.any_push = c.any_window = c.allow_extra = (size & 2) != 0;
  char *exact = malloc(size > 0 ? size : 1); /* so that a sanitizer sees every step beyond */
  check(exact != NULL);
  if (size > 0) memcpy(exact, data, size);
  enum yeon_drill_status status = yeon_drill_text(&c, "fuzz.pkt", exact, size, &r);
  check((status == YEON_DRILL_OK) == (r.text == NULL));
  yeon_drill_result_free(&r);
  free(exact);
  return 0;
}
